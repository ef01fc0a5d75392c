"""What losses of the registry share, whatever their kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias

from numpy.typing import ArrayLike

from fastloss.core import checks, labels
from fastloss.core.job import Array, Arrays, TargetOptions, Work
from fastloss.core.labels import ClassNames
from fastloss.core.loss import Loss
from fastloss.core.registry import NUMBERS, REGISTRY

if TYPE_CHECKING:
    from fastloss._formula import Formula

__all__ = [
    "PROGRAMS",
    "Advice",
    "Binding",
    "NamedClasses",
    "Names",
    "Registered",
    "Structured",
]


@dataclass(frozen=True)
class Advice:
    """What `fastloss.guide` says about a loss, in a phrase each."""

    task: str
    labels: str
    activation: str
    strengths: str
    weaknesses: str
    when: str


Names: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What else a loss is called, with the parameters that a name means: "torch:l1_loss" is
PyTorch's name."""

PROGRAMS = frozenset({"cost", "listing"})  # what custom losses alone have
_SLOPES = frozenset({"gradient_formula", "hessian_formula"})


class Registered(Loss):
    """A loss whose formula is a kernel of the registry."""

    aliases: ClassVar[Names] = {}
    advice: ClassVar[Advice]

    _absent: ClassVar[frozenset[str]] = PROGRAMS | _SLOPES  # what raises if asked
    _rows: ClassVar[bool] = False  # whether a sample is a row of predictions
    _kernel_work: ClassVar[Work]  # of each loss

    def _prepare(self) -> None:
        number = NUMBERS[self.kernel]
        row = REGISTRY[number]
        values = [getattr(self, name) for name in row.parameters]
        # A parameter that is None is told as -1.
        numbers = tuple(-1.0 if value is None else float(value) for value in values)
        rows, classes = self._rows, row.labels == ("class",)
        targets = self._known_targets()
        self._set("_row", row)
        self._set("_numbers", numbers)
        self._set("_kernel_work", Work(number))
        self._bind(
            number,
            targets is not None,
            rows,
            classes,
            self.reduction,
            numbers,
            sign_labels=row.labels == ("sign",),
            **(targets or TargetOptions())._asdict(),
        )

    def _known_targets(self) -> TargetOptions | None:
        """What becomes of labels, for the fast lane; None if the arrays decide."""
        return TargetOptions()

    def _work(self, outputs: int, arrays: Arrays, weight: Array | None) -> Work:
        return self._kernel_work

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1] if self._rows else shape

    def _formula(self, name: str) -> Formula:
        if name != "value":
            raise AttributeError(
                f"{type(self).__name__} is no formula of one label and one prediction: "
                "for its derivatives see its docstring"
            )
        from fastloss._formula import of_docstring

        return of_docstring(self)

    def _described(self) -> list[tuple[str, str]]:
        advice = self.advice
        said = [
            ("for", advice.task),
            ("labels", advice.labels),
            ("output", advice.activation),
        ]
        return [*said, *super()._described()]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__()} - self._absent)


class NamedClasses(Registered):
    """Labels may be the names of classes: strings, or any numbers."""

    classes: ClassNames = None

    def _validate(self) -> None:
        super()._validate()
        self._set("classes", labels.names(self.classes))

    def _known_targets(self) -> TargetOptions | None:
        return None if self.classes else super()._known_targets()

    def _codes(self, known: tuple[Any, ...]) -> tuple[int, ...]:
        """What stands for each class in the labels of the kernel."""
        return tuple(range(len(known)))

    def _ignored(self) -> Any:
        """The label of samples that are left out."""
        return None

    def _coded(self, y_true: ArrayLike) -> ArrayLike:
        known: Any = self.classes  # in its final form
        if known is None:
            return y_true
        return labels.coded(y_true, known, self._codes(known), self._ignored())

    def _of_codes(self) -> Loss:
        """The same loss of labels that `_coded` made."""
        return self._changed({"classes": None})

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        return super()._arrays(self._coded(y_true), y_pred)


class Structured(Registered):
    """A loss of more than one label and one prediction, always checked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("_cannot_fail", False)  # what is read is not read at once

    def _known_targets(self) -> TargetOptions | None:
        return None  # no fast lane

    def _work(self, outputs: int, arrays: Arrays, weight: Array | None) -> Work:
        return self._kernel_work._replace(extra=arrays.extra)

    def _outs_by_prediction(self, out: Any) -> tuple[Any, ...]:
        count = len(self._row.predictions)
        if out is None or count == 1:
            return (out,) * count
        return checks.items("out of a derivative", out, count)

    def _as_given(self, derivatives: tuple[Array, ...]) -> Any:
        return derivatives[0] if len(derivatives) == 1 else derivatives


class Binding(Structured):
    """A loss whose Hessian binds together more than the entries of one prediction."""

    _absent: ClassVar[frozenset[str]] = Structured._absent | {"hvp"}
    _binds: ClassVar[str]  # what it binds together

    @property
    def hvp(self) -> NoReturn:
        """Nothing: there is no product of such a Hessian."""
        raise AttributeError(
            f"{type(self).__name__} has no hvp: its Hessian binds together "
            f"{self._binds}; differences of two gradients are near the product"
        )
