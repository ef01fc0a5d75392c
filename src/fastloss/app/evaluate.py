"""Losses over files that may be larger than memory: the work behind ``fastloss eval``.

Losses run over batches of rows. Of a batch there stay its sums, for each group, and
the samples that are worst so far.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastloss.app.files import naming, replacing, write
from fastloss.app.samples import LABEL, PREDICTION, WEIGHT, Batch, Samples
from fastloss.core import checks, exact
from fastloss.core.kinds import SparseRowwise
from fastloss.core.loss import Loss
from fastloss.core.partial import Partial

Array: TypeAlias = npt.NDArray[Any]

#: Class numbers pass through float64, which has all whole numbers up to here.
LARGEST_CLASS = 2**53


@dataclass(frozen=True)
class Worst:
    """A sample whose loss is among the largest.

    Attributes
    ----------
    row : tuple of int
        Its index, from 0 on.
    file : str
        Where its prediction is.
    loss : float
        With its weight.
    y_true, y_pred, weight : numbers or lists of them
    group : object
        None without groups.
    """

    row: tuple[int, ...]
    file: str
    loss: float
    y_true: Any
    y_pred: Any
    weight: Any
    group: Any


@dataclass(frozen=True)
class Group:
    """The samples of which a column says the same."""

    key: Any
    rows: int
    value: float


@dataclass(frozen=True)
class Result:
    """What there is to say of a loss."""

    loss: Loss
    value: float
    groups: list[Group]
    worst: list[Worst]


@dataclass(frozen=True)
class Report:
    """What there is to say of some samples."""

    rows: int
    results: list[Result]


def evaluate(
    losses: Sequence[Loss],
    samples: Samples,
    *,
    top: int = 0,
    grad_file: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Values of losses over files, and the gradient of one into a .npy file.

    Parameters
    ----------
    losses : sequence of Loss
        Their reduction is not "none".
    samples : Samples
    top : int, default 0
        How many samples of the largest losses to name; NaN is the largest.
    grad_file : Path, optional
        Where the gradient of the only loss goes, in the dtype of the predictions. The
        file is replaced when the new one is complete, and left alone by an error.
    progress : callable
        Called after each batch with the number of bytes read so far; those of a
        gradient are read twice.

    Returns
    -------
    Report
        A value has the bits of ``loss(y_true, y_pred)`` for inputs of one batch. Above
        that it is at most 1 ulp away.

    Raises
    ------
    TypeError, ValueError
        What ``loss(y_true, y_pred)`` raises, with file, column and row, and
        `ValueError` if a file is not what it promises.

    Notes
    -----
    Values are those of the states of batches (`Loss.partial`), merged.
    """
    if grad_file is not None and len(losses) > 1:
        raise ValueError(f"the gradient of {len(losses)} losses: expected one --loss")
    if grad_file is not None and not samples.can_be_read_again:
        raise ValueError(
            "a gradient needs standard input twice: save it to a file, or leave out "
            "--grad"
        )
    runs = [_Run(loss, samples, top) for loss in losses]
    for loss in losses:
        _check(loss, samples)
    opened = nullcontext() if grad_file is None else replacing(grad_file)
    with opened as file:
        target = None if file is None else _Gradient(file, str(grad_file))
        known = samples.array(PREDICTION)
        if target is not None and known is not None:
            target.begin(known.shape, known.dtype)
        rows, first = 0, None
        for batch in samples.batches(lambda: progress(samples.position)):
            first = batch if batch.start == 0 else None
            sorted_batch = None if batch.group is None else _Sorted(batch, samples)
            for run in runs:
                run.add(batch, sorted_batch)
            rows = batch.start + (1 if samples.single else len(batch.y_pred))
            shape, dtype = batch.y_pred.shape, batch.y_pred.dtype
        if target is not None:
            if known is None:
                target.begin((rows, *shape[1:]), dtype)
            done = samples.position
            runs[0].write_gradient(
                target, first, lambda: progress(done + samples.position)
            )
        return Report(rows, [run.result(first) for run in runs])


class _Gradient:
    """The .npy file of an array like `y_pred`, written from its beginning."""

    def __init__(self, file: io.FileIO, name: str) -> None:
        self._file = file
        self._name = name
        self.dtype: np.dtype[Any] = np.dtype(np.float64)

    def begin(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Write the header."""
        if dtype.newbyteorder("=") == np.float32:
            self.dtype = np.dtype(np.float32)
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": shape,
        }
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, header)
        size = head.tell() + math.prod(shape) * self.dtype.itemsize
        if hasattr(os, "posix_fallocate"):
            # A full disk is said now, not after the work.
            with naming(self._name):
                os.posix_fallocate(self._file.fileno(), 0, size)
        write(self._file, head.getvalue(), self._name)

    def append(self, grad: Array) -> None:
        write(self._file, np.ascontiguousarray(grad), self._name)


def _check(loss: Loss, samples: Samples) -> None:
    """Raise what a call says about shapes and dtypes, before anything is read."""
    y_true, y_pred = samples.array(LABEL), samples.array(PREDICTION)
    if y_true is None or y_pred is None:
        return
    # Integers would be converted, all of them, and become float64.
    dtype = np.dtype(float) if y_pred.dtype.kind in "biu" else y_pred.dtype
    label = y_true.dtype
    if isinstance(loss, SparseRowwise) and label.kind == "f":
        label = np.dtype(np.int64)
    arrays = loss._arrays(
        _stand_in(label, y_true.shape), _stand_in(dtype, y_pred.shape)
    )
    weight = samples.array(WEIGHT)
    if weight is not None:
        checks.weights(_stand_in(weight.dtype, weight.shape), arrays.samples)


def _stand_in(dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """An array that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


class _Sorted:
    """A batch in the order of its groups."""

    def __init__(self, batch: Batch, samples: Samples) -> None:
        codes = batch.group
        assert codes is not None
        if len(samples.groups.numbers) < 1 << 15:
            codes = codes.astype(np.int16)  # which are sorted in linear time
        order = np.argsort(codes, kind="stable")
        self._codes = codes[order]
        self._order = order
        weight = batch.weight
        if weight is not None and weight.ndim:
            weight = weight[order]
        self._batch = Batch(
            batch.start, batch.y_true[order], batch.y_pred[order], weight, None
        )

    def parts(self) -> Iterator[tuple[int, Batch, Array]]:
        """The number of a group, its samples, and the rows they had."""
        start, y, x, weight, _ = self._batch
        ends = [*(np.flatnonzero(np.diff(self._codes)) + 1).tolist(), len(x)]
        for begin, end in itertools.pairwise([0, *ends]):
            part = slice(begin, end)
            own = weight[part] if weight is not None and weight.ndim else weight
            yield (
                int(self._codes[begin]),
                Batch(start, y[part], x[part], own, None),
                self._order[part],
            )


class _Run:
    """One loss on its way through the batches."""

    def __init__(self, loss: Loss, samples: Samples, top: int) -> None:
        self.loss = loss
        self._samples = samples
        self._top = top
        self._states: dict[int, Partial] = {}
        self._rows: Counter[int] = Counter()
        self._worst: list[tuple[float, int, Worst]] = []

    def add(self, batch: Batch, groups: _Sorted | None) -> None:
        """Take the sums of a batch, and those of its samples that are worst."""
        if groups is None:
            y, x, weight = self._arrays(batch)
            with self._locating(batch.start):
                self._merge(0, y, x, weight)
        else:
            for code, part, order in groups.parts():
                y, x, weight = self._arrays(part, order)
                with self._locating(part.start, order):
                    self._merge(code, y, x, weight)
        if self._top:
            self._keep_worst(batch, *self._arrays(batch))

    def _merge(self, group: int, y: Array, x: Array, weight: Any) -> None:
        part = self.loss.partial(y, x, sample_weight=weight, squares=False)
        if group in self._states:
            self._states[group].merge(part)
        else:
            self._states[group] = part
        self._rows[group] += len(np.atleast_1d(x))

    def _whole(self) -> Partial:
        first, *others = self._states.values()
        whole = first.copy()
        whole.merge(*others)
        return whole

    def _keep_worst(self, batch: Batch, y: Array, x: Array, weight: Any) -> None:
        loss = dataclasses.replace(self.loss, reduction="none")
        values = np.asarray(loss(y, x, sample_weight=weight), np.float64)
        flat = values.ravel()
        if len(self._worst) == self._top:
            places = np.flatnonzero(~(flat <= -self._worst[-1][0]))
        else:
            places = np.arange(len(flat))
        rank = flat[places]
        rank = np.where(np.isnan(rank), np.inf, rank)
        count = min(self._top, len(rank))
        if count < len(rank):
            least = np.partition(rank, -count)[-count]
            above, equal = np.flatnonzero(rank > least), np.flatnonzero(rank == least)
            kept = np.concatenate([above, equal[: count - len(above)]])
            places, rank = places[kept], rank[kept]
        for place, size in zip(places.tolist(), rank.tolist(), strict=True):
            index = tuple(int(k) for k in np.unravel_index(place, values.shape))
            item = self._described(batch, index, y, x, weight, float(flat[place]))
            order = batch.start * max(1, values[:1].size) + place
            self._worst.append((-size, order, item))
        self._worst.sort(key=lambda entry: entry[:2])
        del self._worst[self._top :]

    def _described(
        self,
        batch: Batch,
        index: tuple[int, ...],
        y: Array,
        x: Array,
        weight: Any,
        value: float,
    ) -> Worst:
        own = None
        if weight is not None:
            own = np.asarray(weight)[index[: np.ndim(weight)]].tolist()
        row = (batch.start + index[0], *index[1:]) if index else ()
        prediction = self._samples.feed(PREDICTION)
        assert prediction is not None
        group = None
        if batch.group is not None:
            keys = list(self._samples.groups.numbers)
            group = keys[int(batch.group[index[0]])]
        return Worst(
            row,
            prediction.place(row[0] if row else 0)[0],
            value,
            y[index].tolist(),
            x[index].tolist(),
            own,
            group,
        )

    def result(self, only: Batch | None) -> Result:
        """The value; `only` is the batch if there was one."""
        if only is None:
            value = self._whole().value()
        else:
            y, x, weight = self._arrays(only)
            value = float(self.loss(y, x, sample_weight=weight))
        keys = list(self._samples.groups.numbers)
        groups = [
            Group(keys[number], self._rows[number], _group_value(keys[number], state))
            for number, state in self._states.items()
            if keys
        ]
        worst = [item for _, _, item in self._worst]
        return Result(
            self.loss, value, sorted(groups, key=lambda g: _order(g.key)), worst
        )

    def write_gradient(
        self, target: _Gradient, only: Batch | None, moved: Callable[[], None]
    ) -> None:
        """Write the gradient of the value."""
        if only is not None:
            y, x, weight = self._arrays(only)
            target.append(self.loss.grad(y, x, sample_weight=weight))
            return
        whole = self._whole()
        whole.value()  # or an error before anything is written
        gradients: _Gradients | None = None
        for batch in self._samples.batches(moved):
            y, x, weight = self._arrays(batch)
            gradients = gradients or _Gradients(self.loss, whole, x.shape[-1])
            out = np.empty(x.shape, target.dtype)
            with self._locating(batch.start):
                target.append(gradients.of(y, x, weight, out))

    def _arrays(
        self, batch: Batch, order: Array | None = None
    ) -> tuple[Array, Array, Any]:
        y = batch.y_true
        if isinstance(self.loss, SparseRowwise) and y.dtype.kind == "f":
            with self._locating(batch.start, order):
                y = _classes(y, batch.weight)
        return y, batch.y_pred, batch.weight

    @contextmanager
    def _locating(self, start: int, order: Array | None = None) -> Iterator[None]:
        """Let errors about an element of a batch say file, column and row."""
        try:
            yield
        except ValueError as error:
            message = str(error)
            found = re.search(r"\b(y_true|y_pred|sample_weight)\[(\d+)", message)
            if found is None or self._samples.single:
                raise
            row = int(found[2])
            row = start + (row if order is None else int(order[row]))
            where = self._samples.place(found[1], row)
            text = f"{message[: found.start(2)]}{row}{message[found.end(2) :]}"
            raise ValueError(f"{where}: {text}") from None


def _group_value(key: Any, state: Partial) -> float:
    try:
        return state.value()
    except ValueError as error:
        raise ValueError(f"group {key!r}: {error}") from None


def _classes(labels: Array, weight: Any) -> Array:
    """Whole numbers that are stored as floats."""
    good = (labels == np.rint(labels)) & (np.abs(labels) <= LARGEST_CLASS)
    bad = ~good
    if weight is not None:
        extra = (1,) * (labels.ndim - np.ndim(weight))
        bad = bad & (np.reshape(weight, np.shape(weight) + extra) != 0)
    if bad.any():
        index = tuple(int(k) for k in np.argwhere(bad)[0])
        where = ", ".join(map(str, index))
        raise ValueError(f"y_true[{where}] = {labels[index]} is not a class number")
    return np.where(good, labels, 0).astype(np.int64)


def _order(key: Any) -> tuple[Any, ...]:
    """Numbers by size, also in text, then other texts, then null."""
    if key is None:
        return (2, 0.0, "")
    try:
        return (0, float(key), str(key))
    except (TypeError, ValueError):
        return (1, 0.0, str(key))


class _Gradients:
    """The gradient of a sum with weights divided by what a value divides by.

    Weights are scaled by powers of two, so that none leaves the range.
    """

    def __init__(self, loss: Loss, state: Partial, classes: int) -> None:
        self._divisor: exact.Number = Fraction(1)
        if loss.reduction == "mean":
            self._divisor = state._sums["weight"]
        elif loss.reduction == "sum_over_batch_size":
            self._divisor = Fraction(state.count)
        changed: dict[str, Any] = {"reduction": "sum"}
        given = getattr(loss, "class_weight", None)
        self._exponent = 0
        if given is not None:
            weights = checks.class_weights(given, classes)
            assert weights is not None
            weights, self._exponent = _scaled(weights)
            changed["class_weight"] = tuple(weights.tolist())
        self._summed = dataclasses.replace(loss, **changed)

    def of(self, y: Array, x: Array, weight: Any, out: Array) -> Array:
        """That of a batch."""
        weight = np.asarray(1.0 if weight is None else weight, np.float64)
        divisor, exponent = self._divisor, self._exponent
        if isinstance(divisor, Fraction) and divisor:
            power = (
                abs(divisor.numerator).bit_length() - divisor.denominator.bit_length()
            )
            divisor, exponent = divisor / Fraction(2) ** power, exponent - power
        if divisor:
            weight = np.ldexp(weight, exponent) / float(divisor)
        else:
            weight = np.zeros_like(weight)
        if not weight.ndim:
            weight = np.broadcast_to(weight, x.shape[:1])
        return np.asarray(self._summed.grad(y, x, sample_weight=weight, out=out))


def _scaled(weight: Any) -> tuple[Array, int]:
    """Weights w as (w / 2^e, e), the largest of which is in [1, 2)."""
    weight = np.asarray(weight, np.float64)
    peak = float(np.max(np.abs(weight), initial=0))
    exponent = math.frexp(peak)[1] - 1 if 0 < peak < math.inf else 0
    return np.ldexp(weight, -exponent), exponent
