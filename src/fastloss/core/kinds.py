"""The kinds of losses: what each asks of its arrays, and how they become a job.

Everything that depends on what an item of a loss is stands in its class here and in
the driver of its kind, csrc/engine/drivers/<kind>.c.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Array, Arrays, Finding, Out, Status, TargetOptions, Work
from fastloss.core.loss import Loss
from fastloss.core.registry import NUMBERS, REGISTRY

if TYPE_CHECKING:
    from fastloss._custom.render import Formula

__all__ = [
    "Advice",
    "DenseRowwise",
    "Elementwise",
    "Registered",
    "Rowwise",
    "SparseRowwise",
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


class Registered(Loss):
    """A loss whose formula is a kernel of the registry."""

    aliases: ClassVar[tuple[str, ...]] = ()
    advice: ClassVar[Advice]

    _rows: ClassVar[bool] = False  # whether an item is a row, to the fast lane
    _kernel_work: ClassVar[Work]  # of each loss

    @classmethod
    def _names(cls) -> dict[str, dict[str, Any]]:
        """What else the loss is called, and the parameters that a name means."""
        return {alias: {} for alias in cls.aliases}

    def _prepare(self) -> None:
        number = NUMBERS[self.kernel]
        row = REGISTRY[number]
        values = [getattr(self, name) for name in row.parameters]
        # A parameter that is None is told as -1.
        numbers = tuple(-1.0 if value is None else float(value) for value in values)
        fast = self.reduction != "none" and self._targets_are_labels
        rows, classes = self._rows, row.labels == ("class",)
        self._set("_row", row)
        self._set("_numbers", numbers)
        self._set("_kernel_work", Work(number))
        self._bind(number, fast, rows, classes, self.reduction, numbers)

    @property
    def _targets_are_labels(self) -> bool:
        """Whether no option changes them; they need no look of their own then."""
        return True

    def _work(self, outputs: int, arrays: Arrays) -> Work:
        return self._kernel_work

    def _formula(self, name: str) -> Formula:
        raise AttributeError(
            f"{type(self).__name__} is no formula of one label and one prediction: see "
            "its docstring"
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__()} - {"cost", "listing"})


class Elementwise(Registered):
    """A sample is an entry of `y_pred`, its label the same entry of `y_true`."""

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""

    def _formula(self, name: str) -> Formula:
        from fastloss._custom.textbook import formula

        return formula(self, name)


class Rowwise(Registered):
    """A sample is a row of predictions along the last axis of `y_pred`, the classes.

    Its target is a weight for each class; smoothing and class weights change it before
    the formula sees it.
    """

    _rows: ClassVar[bool] = True

    label_smoothing: float = 0.0
    class_weight: Sequence[float] | Mapping[int, float] | None = None

    def _validate(self) -> None:
        super()._validate()
        smoothing = checks.number(
            "label_smoothing", self.label_smoothing, 0, 1, open_low=False
        )
        self._set("label_smoothing", smoothing)
        self._set("class_weight", checks.class_weight(self.class_weight))

    def __dir__(self) -> list[str]:
        formulas = {"formula", "gradient_formula", "hessian_formula"}
        return sorted({*super().__dir__()} - formulas)

    @property
    def _targets_are_labels(self) -> bool:
        return self.class_weight is None and not self.label_smoothing

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        raise NotImplementedError

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        predictions = checks.predictions(y_pred)
        checks.rows(predictions)
        labels = self._labels(y_true, predictions)
        return Arrays((labels,), (predictions,), self._samples(predictions.shape))

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1]

    def _class_weights(self, arrays: Arrays) -> Array | None:
        given: Any = self.class_weight  # in its final form
        weights = checks.class_weights(given, arrays.predictions[0].shape[-1])
        if weights is None or self.reduction != "mean":
            return weights
        # The mean does not change by a power of 2; the largest weight becomes one that
        # no product with a loss or a sample weight takes out of range.
        _, exponent = np.frexp(weights.max())
        scaled: Array = np.ldexp(weights, -exponent)
        return scaled

    def _class_weight_of(self, y_true: Array, by_class: Array) -> Array:
        """Weight of the target of each row."""
        raise NotImplementedError


class DenseRowwise(Rowwise):
    """Labels are one-hot or soft: `y_true` has the shape of `y_pred`."""

    label_sum: str = "one"

    def _validate(self) -> None:
        super()._validate()
        checks.one_of("label_sum", self.label_sum, ("one", "any"))

    @property
    def _targets_are_labels(self) -> bool:
        return super()._targets_are_labels and self.label_sum == "one"

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        return checks.label_weights(y_true, predictions)

    def _target_options(self, arrays: Arrays) -> TargetOptions:
        return TargetOptions(
            self.label_smoothing,
            self._class_weights(arrays),
            any_sum=self.label_sum == "any",
        )

    def _raise(self, found: Finding, arrays: Arrays) -> NoReturn:
        if found.status == Status.BAD_LABEL_SUM:
            shape = arrays.labels[0].shape[:-1]
            where = checks.at(arrays.names[0], found.place, shape)
            raise ValueError(
                f"the row {where} sums to {found.number:.7g}, not to 1: for labels "
                'that are no distribution over the classes pass label_sum="any"; for '
                "several yes-or-no labels a sample use binary_crossentropy"
            )
        super()._raise(found, arrays)

    def _class_weight_of(self, y_true: Array, by_class: Array) -> Array:
        weights: Array = np.einsum("...c,c", y_true, by_class)
        return weights


class SparseRowwise(Rowwise):
    """Labels are integers, the class of each row."""

    ignore_class: int | None = None

    def _validate(self) -> None:
        super()._validate()
        if self.ignore_class is not None:
            ignored = checks.integer("ignore_class", self.ignore_class)
            self._set("ignore_class", ignored)

    @property
    def _targets_are_labels(self) -> bool:
        return super()._targets_are_labels and self.ignore_class is None

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        return checks.class_labels(y_true, predictions)

    def _target_options(self, arrays: Arrays) -> TargetOptions:
        return TargetOptions(
            self.label_smoothing,
            self._class_weights(arrays),
            ignore_class=self.ignore_class,
        )

    def _class_weight_of(self, y_true: Array, by_class: Array) -> Array:
        return by_class.take(y_true.astype(np.intp), mode="clip")
