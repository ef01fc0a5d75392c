"""Kinds of which a sample is an entry: with one prediction, several, or bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Arrays, Out
from fastloss.core.kinds.registered import (
    PROGRAMS,
    NamedClasses,
    Registered,
    Structured,
)
from fastloss.core.labels import ClassNames

if TYPE_CHECKING:
    from fastloss._formula import Formula

__all__ = ["Binary", "Bounded", "Elementwise", "SeveralHeads"]


class Elementwise(Registered):
    """A sample is an entry of `y_pred`, its label the same entry of `y_true`."""

    _absent: ClassVar[frozenset[str]] = PROGRAMS

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


class Binary(NamedClasses, Elementwise):
    """Labels are of two classes, or lie between them."""

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            classes: ClassNames = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        known: Any = self.classes
        if known is not None and len(known) != 2:
            raise ValueError(
                f"classes has {len(known)} labels: there are two, the negative first"
            )

    def _codes(self, known: tuple[Any, ...]) -> tuple[int, ...]:
        return (-1, 1) if self._row.labels == ("sign",) else (0, 1)


class SeveralHeads(Structured):
    """A sample is an entry, for which several numbers are predicted.

    `y_pred` is a tuple of arrays, and so are the derivatives.
    """

    heads: ClassVar[tuple[str, ...]]  # what is predicted

    def _arrays(self, y_true: ArrayLike, y_pred: Any) -> Arrays:
        return self._head_arrays(self.heads, y_true, y_pred)


class Bounded(Structured):
    """A sample is an entry, of whose label two bounds are known.

    `y_true` is a pair of arrays of the shape of `y_pred`.
    """

    label_names: ClassVar[tuple[str, ...]] = ("lower", "upper")

    def _arrays(self, y_true: Any, y_pred: ArrayLike) -> Arrays:
        given = checks.items("y_true", y_true, len(self.label_names), self.label_names)
        predictions = checks.predictions(y_pred)
        lower, upper = (
            checks.labels_like(name, label, "y_pred", predictions.shape)
            for name, label in zip(self.label_names, given, strict=True)
        )
        checks.ordered("lower", lower, "upper", upper)
        names = (*self.label_names, "y_pred")
        return Arrays((lower, upper), (predictions,), predictions.shape, names)
