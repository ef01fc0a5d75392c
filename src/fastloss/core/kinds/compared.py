"""Kinds of which a sample is rows that are compared: in tuples, or over a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import GRAD, GRAD_HESS, VALUE, VALUE_GRAD, Arrays
from fastloss.core.kinds.elements import SeveralHeads
from fastloss.core.kinds.registered import Binding

__all__ = ["Batch", "LabelledPairs", "Pairwise", "TwoBatches"]


class LabelledPairs(Binding, SeveralHeads):
    """A sample is a pair of rows, along the last axis of two arrays of one shape.

    `y_pred` is the pair of arrays, `y_true` has a label for each pair of rows.
    """

    _rows: ClassVar[bool] = True
    _binds: ClassVar[str] = "all entries of both rows"

    def _arrays(self, y_true: ArrayLike, y_pred: Any) -> Arrays:
        given = checks.items("y_pred", y_pred, len(self.heads), self.heads)
        predictions = checks.predictions_alike(
            dict(zip(self.heads, given, strict=True))
        )
        checks.has_entries(self.heads[0], predictions[0])
        samples = self._samples(predictions[0].shape)
        labels = checks.labels_like(
            "y_true", y_true, f"rows of {self.heads[0]}", samples
        )
        return Arrays((labels,), predictions, samples, ("y_true", *self.heads))


class _Unlabelled(Binding):
    """A loss of arrays of rows without labels, which are the arguments of a call.

    Derivatives come as a tuple of as many.
    """

    heads: ClassVar[tuple[str, ...]]  # what the rows are

    if not TYPE_CHECKING:  # Loss.grad and others take what the class's call takes

        def __call__(self, *rows, sample_weight=None, out=None, **parameters):
            """Value of the loss."""
            loss = self._changed(parameters)
            return loss._evaluate(VALUE, rows, sample_weight, out)

        def grad(self, *rows, sample_weight=None, out=None, **parameters):
            """Gradients of the reduced value by each of the arrays."""
            loss = self._changed(parameters)
            return loss._evaluate(GRAD, rows, sample_weight, out)

        def value_and_grad(self, *rows, sample_weight=None, out=None, **parameters):
            """Value and gradients in one pass."""
            loss = self._changed(parameters)
            return loss._evaluate(VALUE_GRAD, rows, sample_weight, out)

        def grad_and_hess(self, *rows, sample_weight=None, out=None, **parameters):
            """Gradients and diagonals of the Hessian by each of the arrays."""
            loss = self._changed(parameters)
            return loss._evaluate(GRAD_HESS, rows, sample_weight, out)

        def partial(self, *rows, sample_weight=None, squares=True, **parameters):
            """State of a part of the samples, which merges with that of others."""
            loss = self._changed(parameters)
            return loss._partial(rows, sample_weight, squares)

    def _check_count(self, arrays: tuple[ArrayLike, ...]) -> None:
        if len(arrays) != len(self.heads):
            raise TypeError(
                f"{self.name} takes {len(self.heads)} arrays, "
                f"{', '.join(self.heads)}, but got {len(arrays)}"
            )


class Pairwise(_Unlabelled):
    """A sample is a tuple of rows, along the last axis of arrays of one shape.

    The arrays are the arguments of a call, and derivatives come as a tuple.
    """

    _rows: ClassVar[bool] = True
    _binds: ClassVar[str] = "all entries of the rows of a tuple"

    def _arrays(self, *rows: ArrayLike) -> Arrays:
        self._check_count(rows)
        predictions = checks.predictions_alike(dict(zip(self.heads, rows, strict=True)))
        checks.has_entries(self.heads[0], predictions[0])
        samples = self._samples(predictions[0].shape)
        return Arrays((), predictions, samples, self.heads)


class _Compared(Binding):
    """A sample is a row that is compared with many others."""

    _absent: ClassVar[frozenset[str]] = Binding._absent | {"grad_and_hess"}
    _binds: ClassVar[str] = "all rows of a batch"

    @property
    def grad_and_hess(self) -> NoReturn:
        """Nothing: a row of the Hessian depends on all rows of the batch."""
        raise AttributeError(
            f"{type(self).__name__} has no grad_and_hess: its Hessian is that of a "
            "whole batch"
        )

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:1]


class Batch(_Compared):
    """A sample is a row of `y_pred`, which is compared with all other rows.

    `y_true` has the class of each row; if it is None, row i and row i + n/2 are a pair.
    """

    def _arrays(self, y_true: ArrayLike | None, y_pred: ArrayLike) -> Arrays:
        rows = checks.embeddings("y_pred", y_pred)
        classes = checks.classes_of_rows(y_true, len(rows))
        index = np.concatenate([np.array([len(rows)]), classes], dtype=np.int64)
        return Arrays((), (rows,), rows.shape[:1], ("y_pred",), (index,))


class TwoBatches(_Compared, _Unlabelled):
    """A sample is a row of one array, which is compared with all rows of another.

    The two arrays are the arguments of a call, and derivatives come as a pair.
    """

    heads: ClassVar[tuple[str, str]]  # what the rows are

    def _arrays(self, *arrays: ArrayLike) -> Arrays:
        self._check_count(arrays)
        first, second = map(checks.embeddings, self.heads, arrays)
        if second.shape[1] != first.shape[1] or len(second) < len(first):
            raise ValueError(
                f"{self.heads[1]} has shape {second.shape}, {self.heads[0]} "
                f"{first.shape}: rows must be equally long, and row i of "
                f"{self.heads[1]} belongs to row i of {self.heads[0]}"
            )
        dtype = np.result_type(first, second)
        rows = tuple(rows.astype(dtype, copy=False) for rows in (first, second))
        sizes = [len(first), len(second)]
        classes = [np.arange(size) for size in sizes]
        index = np.concatenate([np.array(sizes), *classes], dtype=np.int64)
        return Arrays((), rows, first.shape[:1], self.heads, (index,))
