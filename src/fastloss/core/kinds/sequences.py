"""Kinds of which a sample is a group of entries, or an entry of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import (
    GRAD,
    GRAD_HESS,
    VALUE,
    VALUE_GRAD,
    Array,
    Arrays,
)
from fastloss.core.kinds.registered import Binding

__all__ = ["Grouped", "Sequence"]


class _Accompanied(Binding):
    """A loss whose calls may take further arrays, by name."""

    _further: ClassVar[tuple[str, ...]]

    if not TYPE_CHECKING:  # Loss.grad and others take what the class's call takes

        def __call__(self, y_true, y_pred, *, sample_weight=None, out=None, **given):
            """Value of the loss."""
            loss, further = self._apart(given)
            arguments = y_true, y_pred, *further
            return loss._evaluate(VALUE, arguments, sample_weight, out)

        def grad(self, y_true, y_pred, *, sample_weight=None, out=None, **given):
            """Gradient of the reduced value with respect to `y_pred`."""
            loss, further = self._apart(given)
            arguments = y_true, y_pred, *further
            return loss._evaluate(GRAD, arguments, sample_weight, out)

        def value_and_grad(
            self, y_true, y_pred, *, sample_weight=None, out=None, **given
        ):
            """Value and gradient in one pass."""
            loss, further = self._apart(given)
            arguments = y_true, y_pred, *further
            return loss._evaluate(VALUE_GRAD, arguments, sample_weight, out)

        def grad_and_hess(
            self, y_true, y_pred, *, sample_weight=None, out=None, **given
        ):
            """Gradient and diagonal of the Hessian with respect to `y_pred`."""
            loss, further = self._apart(given)
            arguments = y_true, y_pred, *further
            return loss._evaluate(GRAD_HESS, arguments, sample_weight, out)

        def partial(self, y_true, y_pred, *, sample_weight=None, squares=True, **given):
            """State of a part of the samples, which merges with that of others."""
            loss, further = self._apart(given)
            arguments = y_true, y_pred, *further
            return loss._partial(arguments, sample_weight, squares)

    def _apart(self, given: dict[str, Any]) -> tuple[Any, tuple[Any, ...]]:
        """Return the loss with the parameters among `given`, and its further arrays."""
        further = tuple([given.pop(name, None) for name in self._further])
        return self._changed(given), further


class Grouped(_Accompanied):
    """A sample is a group of entries of 1-D arrays, one group behind the other.

    Either `groups`, their sizes, or `group_ids`, a sorted id for each entry, or
    `group_offsets`, where each begins and the last one ends, says what they are.
    """

    _binds: ClassVar[str] = "all entries of a group"
    _further: ClassVar[tuple[str, ...]] = ("groups", "group_ids", "group_offsets")

    def _arrays(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        groups: ArrayLike | None = None,
        group_ids: ArrayLike | None = None,
        group_offsets: ArrayLike | None = None,
    ) -> Arrays:
        predictions = checks.predictions(y_pred)
        if predictions.ndim != 1:
            raise ValueError(
                f"y_pred has shape {predictions.shape}: it must be 1-D, the entries of "
                "all groups"
            )
        labels = checks.labels_like("y_true", y_true, "y_pred", predictions.shape)
        index = checks.group_index(predictions.size, groups, group_ids, group_offsets)
        return Arrays((labels,), (predictions,), (int(index[0]),), extra=(index,))


class Sequence(_Accompanied):
    """A sample is an entry of a sequence, which is the last axis.

    `y_true` is a tuple of arrays of the shape of `y_pred`, of which the first is a
    time. Entries of different `strata` know nothing of each other, and one whose time
    is before the `entry` of another nothing of that.
    """

    _binds: ClassVar[str] = "all entries of a sequence"
    _further: ClassVar[tuple[str, ...]] = ("strata", "entry")
    label_names: ClassVar[tuple[str, ...]]

    def _arrays(
        self,
        y_true: Any,
        y_pred: ArrayLike,
        strata: ArrayLike | None = None,
        entry: ArrayLike | None = None,
    ) -> Arrays:
        given = checks.items("y_true", y_true, len(self.label_names), self.label_names)
        predictions = checks.predictions(y_pred)
        if predictions.ndim == 0:
            raise ValueError("y_pred has shape (): it needs a last axis, the sequence")
        shape = predictions.shape
        labels = tuple(
            checks.labels_like(name, label, "y_pred", shape)
            for name, label in zip(self.label_names, given, strict=True)
        )
        names = (*self.label_names, "y_pred")
        extra: tuple[Array, ...] = ()
        if strata is not None:
            extra = (checks.codes("strata", strata, "y_pred", shape),)
        if entry is not None:
            late = checks.labels_like("entry", entry, "y_pred", shape)
            extra = (*(extra or (np.broadcast_to(0, shape),)), late)
        return Arrays(labels, (predictions,), shape, names, extra)

    def _engine(
        self,
        wanted: tuple[str, ...],
        arrays: Arrays,
        weight: Array | None,
        *rest: Any,
    ) -> float:
        for late in arrays.extra[1:]:
            time = arrays.labels[0]
            bad = ~(late < time) & (time == time)
            bad &= True if weight is None else weight != 0
            if bad.any():
                at = int(np.argmax(bad))
                raise ValueError(
                    f"{checks.element('entry', late, at)} is not before "
                    f"{checks.element(self.label_names[0], time, at)}: nobody is there "
                    "before entry; leave such samples out, or give them a weight of 0"
                )
        return super()._engine(wanted, arrays, weight, *rest)
