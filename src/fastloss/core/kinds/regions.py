"""Kinds of which a sample is a region, the entries along some axes, or several."""

from __future__ import annotations

import math
from typing import ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Array, Arrays, Finding, Status, Work
from fastloss.core.kinds.registered import Binding

__all__ = ["Overlap", "Regions", "SortedRegions"]


class Regions(Binding):
    """A sample is a region, the entries along some axes of `y_pred`, or several."""

    _binds: ClassVar[str] = "all entries of a region"
    axis: int | tuple[int, ...] | None = None

    def _validate(self) -> None:
        super()._validate()
        if self.axis is not None:
            given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
            named = tuple(checks.integer("axis", axis) for axis in given)
            self._set("axis", named if isinstance(self.axis, tuple) else named[0])

    def _axes(self, ndim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Axes of the regions of a sample, and of the entries of a region."""
        return (), checks.axes(self.axis, ndim)

    def _class_axes(
        self, class_axis: int, ndim: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The same where the regions of a sample are those of its classes."""
        if not -ndim <= class_axis < ndim:
            raise ValueError(
                f"class_axis = {class_axis}, y_pred has {ndim} axes: it names the "
                "axis of the classes"
            )
        classes = class_axis % ndim
        entries = checks.axes(self.axis, ndim)
        if self.axis is None:
            entries = tuple(axis for axis in entries if axis != classes)
        if classes in entries:
            raise ValueError(
                f"axis = {self.axis!r} names the axis {classes} of the classes, too: "
                "leave it to class_axis"
            )
        return (classes,), entries

    def _order(self, shape: tuple[int, ...]) -> list[int]:
        """Axes of the samples, of their regions and of their entries."""
        regions, entries = self._axes(len(shape))
        inner = regions + entries
        return [*(a for a in range(len(shape)) if a not in inner), *inner]

    def _sizes(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """How many regions a sample has, and entries a region."""
        regions, entries = self._axes(len(shape))
        return math.prod(shape[a] for a in regions), math.prod(
            shape[a] for a in entries
        )

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        regions, entries = self._axes(len(shape))
        return tuple(n for a, n in enumerate(shape) if a not in regions + entries)


class Overlap(Regions):
    """A loss of a few sums over the entries of regions."""

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        predictions = checks.predictions(y_pred)
        labels = checks.elementwise_labels(y_true, predictions)
        shape = predictions.shape
        counts = self._sizes(shape)
        samples = self._samples(shape)
        index = np.array([*counts[::-1], *self._order(shape)], dtype=np.int64)
        return Arrays((labels,), (predictions,), samples, extra=(index,))

    def _raise(self, found: Finding, arrays: Arrays) -> NoReturn:
        if found.status == Status.BAD_INPUT:
            shape = arrays.predictions[0].shape
            order = self._order(shape)
            place = np.unravel_index(found.place, [shape[axis] for axis in order])
            at = [int(place[order.index(axis)]) for axis in range(len(shape))]
            flat = int(np.ravel_multi_index(at, shape)) if shape else 0
            found = found._replace(place=flat)
        super()._raise(found, arrays)


class SortedRegions(Regions):
    """A loss of the order of the entries of regions, which are groups to the engine.

    A sample has the mean value of its regions, and entries may be left out. A kernel is
    told of an entry 0, 1 or, to leave it out, -1.
    """

    ignore_class: int | None = None

    def _validate(self) -> None:
        super()._validate()
        if self.ignore_class is not None:
            ignored = checks.integer("ignore_class", self.ignore_class)
            self._set("ignore_class", ignored)

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        raise NotImplementedError

    def _marks(self, y_true: Array, shape: tuple[int, ...]) -> Array:
        """What kernels are told of labels, for predictions of this shape.

        It is -2 of what is no label. Axes: samples, regions, entries.
        """
        raise NotImplementedError

    def _counted(self, marks: Array) -> Array:
        """Whether a sample has a region among those of its mean."""
        counted: Array = (marks != -1).any(axis=2)
        return counted

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        predictions = checks.predictions(y_pred)
        shape = predictions.shape
        regions, entries = self._sizes(shape)
        labels = self._labels(y_true, predictions)
        samples = self._samples(shape)
        count = math.prod(samples) * regions
        index = np.concatenate([[count], entries * np.arange(count + 1)])
        marks = self._marks(labels, shape)
        return Arrays((labels,), (predictions,), samples, extra=(index, marks))

    def _work(self, outputs: int, arrays: Arrays, weight: Array | None) -> Work:
        return self._kernel_work._replace(extra=arrays.extra[:1])

    def _shares(self, arrays: Arrays) -> Array | None:
        _, marks = arrays.extra
        counted = self._counted(marks).any(axis=1)
        shares: Array = counted.astype(np.float64).reshape(arrays.samples)
        return shares

    def _check(
        self, arrays: Arrays, marks: Array, ordered: Array, weighs: Array
    ) -> None:
        """Refuse what is outside its domain of entries that weigh something."""
        self._refuse(arrays, 0, (marks == -2) & weighs)

    def _refuse(self, arrays: Arrays, offender: int, outside: Array) -> None:
        """Raise if an entry, by sample and region, is outside the domain."""
        if not outside.any():
            return
        array = (*arrays.labels, *arrays.predictions)[offender]
        shape = arrays.predictions[0].shape
        order = self._order(shape)
        there: Array = outside.reshape([shape[a] for a in order])
        there = there.transpose(np.argsort(order))
        if array.ndim < there.ndim:  # labels have no axis of classes
            there = np.any(there, axis=self._axes(len(shape))[0])
        place = int(np.argmax(there))
        self._raise(Finding(Status.BAD_INPUT, offender, place, 0.0), arrays)

    def _engine(
        self,
        wanted: tuple[str, ...],
        arrays: Arrays,
        weight: Array | None,
        work: Work,
        value: Array | None,
        grads: tuple[Array, ...],
        hesses: tuple[Array, ...],
        parts: list[float] | None = None,
    ) -> float:
        order = self._order(arrays.predictions[0].shape)
        _, marks = arrays.extra
        ordered = arrays.predictions[0].transpose(order).reshape(marks.shape)
        samples, regions, _ = marks.shape
        weights = np.ones(samples) if weight is None else weight.reshape(samples)
        self._check(arrays, marks, ordered, (weights != 0)[:, np.newaxis, np.newaxis])
        counted = self._counted(marks)
        shares = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
        if self.reduction == "sum_over_batch_size":
            shares *= regions  # by which there are more groups than samples
        groups = Arrays((marks.ravel(),), (ordered.ravel(),), (), arrays.names)
        by_group = (weights[:, np.newaxis] * shares).ravel()
        values = None if value is None else np.empty(samples * regions)
        wide = [array.transpose(order) for array in (*grads, *hesses)]
        flat = tuple(array.reshape(-1) for array in wide)  # perhaps copies
        slopes, bends = flat[: len(grads)], flat[len(grads) :]
        total = super()._engine(
            wanted, groups, by_group, work, values, slopes, bends, parts
        )
        if value is not None and values is not None:
            means = values.reshape(samples, regions).sum(axis=1)
            value[...] = means.reshape(value.shape)
        for array, written in zip(wide, flat, strict=True):
            if not np.may_share_memory(array, written):
                array[...] = written.reshape(array.shape)
        return total
