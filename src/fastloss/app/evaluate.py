"""A loss over files that may be larger than memory: the work behind ``fastloss eval``.

The loss runs over slabs of rows of the leading axis. Only the sums of a slab are kept.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import EllipsisType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastloss.app.files import FileArray, naming, replacing, write
from fastloss.core import checks
from fastloss.core.kinds import ClassWeighted
from fastloss.core.loss import Loss

Array: TypeAlias = npt.NDArray[Any]
Source: TypeAlias = Array | FileArray

#: Bytes of `y_pred` in one slab. A call on less than this is one call of the loss.
SLAB_BYTES = 16 << 20


def evaluate(
    loss: Loss,
    y_true: Source,
    y_pred: Source,
    sample_weight: Source | None = None,
    grad_file: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> float:
    """Value of `loss` over arrays in files, and its gradient into a .npy file.

    Parameters
    ----------
    loss : Loss
        Its reduction is not "none".
    y_true, y_pred, sample_weight : FileArray or array
        As in a call of `loss`.
    grad_file : Path, optional
        Where the gradient by `y_pred` goes, in its dtype. The file is replaced when
        the new one is complete, and left alone by an error.
    progress : callable
        Called after each slab, if there are several, with the share of the work done.

    Returns
    -------
    float
        The bits of ``loss(y_true, y_pred)`` for inputs of one slab. Above that the
        value of each slab is rounded once and their sum and the quotient once more.

    Raises
    ------
    TypeError, ValueError
        What ``loss(y_true, y_pred)`` raises, and `ValueError` if a file becomes
        shorter.

    Notes
    -----
    A mean over slabs is the sum of their sums over the sum of their divisors. Its
    gradient is that of the sum with the weights divided by the divisor. Weights are
    scaled by powers of two, so that no sum leaves the range of the numbers before the
    quotient does. Where there is no quotient (a divisor of 0, sums of finite numbers
    that overflow), the loss is called once on arrays that must fit into memory.
    """
    _check(loss, y_true, y_pred, sample_weight)
    inputs = _Inputs(y_true, y_pred, sample_weight)
    slabs = _slabs(loss, y_pred)
    with ExitStack() as stack:
        file = None if grad_file is None else stack.enter_context(replacing(grad_file))
        target = None if file is None else _Gradient(file, str(grad_file), y_pred)
        if len(slabs) > 1:
            try:
                return _in_slabs(loss, slabs, inputs, target, progress)
            except ArithmeticError:
                pass
        y, x, weight = inputs.read(...)
        if target is None:
            return float(loss(y, x, sample_weight=weight))
        value, grad = loss.value_and_grad(y, x, sample_weight=weight)
        target.append(grad)
        return float(value)


class _Inputs(NamedTuple):
    y_true: Source
    y_pred: Source
    sample_weight: Source | None

    def read(self, rows: slice | EllipsisType) -> tuple[Array, Array, Array | None]:
        weight = self.sample_weight
        if weight is not None:
            weight = weight[rows if weight.shape else ...]
        return self.y_true[rows], self.y_pred[rows], weight


class _Gradient:
    """The .npy file of an array like `y_pred`, written from its beginning."""

    def __init__(self, file: io.FileIO, name: str, y_pred: Source) -> None:
        self._file = file
        self._name = name
        single = y_pred.dtype.newbyteorder("=") == np.float32
        self.dtype = np.dtype(np.float32 if single else np.float64)
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": y_pred.shape,
        }
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(head, header)
        size = head.tell() + math.prod(y_pred.shape) * self.dtype.itemsize
        if hasattr(os, "posix_fallocate"):
            # A full disk is said now, not after the work.
            with naming(name):
                os.posix_fallocate(file.fileno(), 0, size)
        write(file, head.getvalue(), name)

    def append(self, grad: Array) -> None:
        write(self._file, grad, self._name)


def _check(
    loss: Loss, y_true: Source, y_pred: Source, sample_weight: Source | None
) -> None:
    """Raise what a call says about shapes and dtypes, before anything is read."""
    # Integers would be converted, all of them, and become float64.
    dtype = np.dtype(float) if y_pred.dtype.kind in "biu" else y_pred.dtype
    labels = _stand_in(y_true.dtype, y_true.shape)
    arrays = loss._arrays(labels, _stand_in(dtype, y_pred.shape))
    if sample_weight is not None:
        weights = _stand_in(sample_weight.dtype, sample_weight.shape)
        checks.weights(weights, arrays.samples)


def _stand_in(dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """An array that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _slabs(loss: Loss, y_pred: Source) -> Sequence[slice]:
    """Slices of the leading axis, of about `SLAB_BYTES` each."""
    if not loss._samples(y_pred.shape):
        return [slice(None)]
    rows = y_pred.shape[0]
    row_bytes = math.prod(y_pred.shape[1:]) * y_pred.dtype.itemsize
    step = max(1, SLAB_BYTES // max(1, row_bytes))
    return [slice(start, start + step) for start in range(0, rows, step)]


def _in_slabs(
    loss: Loss,
    slabs: Sequence[slice],
    inputs: _Inputs,
    target: _Gradient | None,
    progress: Callable[[float], None],
) -> float:
    passes = len(slabs) * (1 if target is None else 2)
    done = itertools.count(1)

    def parts() -> Iterator[tuple[int, Array, Array, Array | None]]:
        for rows in slabs:
            yield rows.start, *inputs.read(rows)
            progress(next(done) / passes)

    summed = dataclasses.replace(loss, reduction="sum")
    class_weight = getattr(loss, "class_weight", None)
    by_class = checks.class_weights(class_weight, inputs.y_pred.shape[-1])
    class_exponent = 0
    if by_class is not None:
        by_class, class_exponent = _scaled(by_class)
        changed: dict[str, Any] = {"class_weight": tuple(by_class.tolist())}
        summed = dataclasses.replace(summed, **changed)
    sums, divisors = [], []
    for start, y, x, weight in parts():
        exponent = class_exponent
        if weight is not None:
            weight, own = _scaled(weight)
            exponent += own
        with _counting_from(start):
            sums.append((float(summed(y, x, sample_weight=weight)), exponent))
        if loss.reduction == "mean":
            divisors.append((_weight_sum(loss, by_class, y, x, weight), exponent))
        elif loss.reduction == "sum_over_batch_size":
            divisors.append((_count(loss, y, x), 0))
    total, exponent = _total(sums)
    divisor, divisor_exponent = (
        (1.0, 0) if loss.reduction == "sum" else _total(divisors)
    )
    value = math.ldexp(total / divisor, exponent - divisor_exponent)
    if target is not None:
        for start, y, x, weight in parts():
            if weight is None:
                weight = np.broadcast_to(1.0, x.shape[:1])
            weight = np.asarray(weight, np.float64)
            weight = np.ldexp(weight, class_exponent - divisor_exponent) / divisor
            with _counting_from(start):
                out = np.empty(x.shape, target.dtype)
                target.append(summed.grad(y, x, sample_weight=weight, out=out))
    return value


@contextmanager
def _counting_from(row: int) -> Iterator[None]:
    """Let errors about an element of a slab name its index in the whole."""
    try:
        yield
    except ValueError as error:
        raise ValueError(
            re.sub(
                r"\b(y_true|y_pred|sample_weight)\[(\d+)",
                lambda match: f"{match[1]}[{int(match[2]) + row}",
                str(error),
            )
        ) from None


def _scaled(weight: Array) -> tuple[Array, int]:
    """Weights w as (w / 2^e, e), the largest of which is in [1, 2)."""
    weight = np.asarray(weight, np.float64)
    peak = float(np.max(np.abs(weight), initial=0))
    exponent = math.frexp(peak)[1] - 1 if 0 < peak < math.inf else 0
    return np.ldexp(weight, -exponent), exponent


def _total(parts: Sequence[tuple[float, int]]) -> tuple[float, int]:
    """The sum of all s 2^e, in the same form; infinities of both signs give NaN."""
    top = max((exponent for part, exponent in parts if part), default=0)
    terms = [math.ldexp(part, exponent - top) for part, exponent in parts]
    finite = all(map(math.isfinite, terms))
    return (math.fsum(terms) if finite else sum(terms)), top


def _counted(loss: Loss, y_true: Array) -> Array:
    ignored = getattr(loss, "ignore_class", None)
    return np.asarray(True) if ignored is None else y_true != ignored


def _count(loss: Loss, y_true: Array, y_pred: Array) -> float:
    """The number of samples that are not ignored."""
    counted = _counted(loss, y_true)
    each = math.prod(loss._samples(y_pred.shape)) // counted.size
    return float(each * np.count_nonzero(counted))


def _weight_sum(
    loss: Loss,
    by_class: Array | None,
    y_true: Array,
    y_pred: Array,
    sample_weight: Array | None,
) -> float:
    """Sum over samples that are not ignored of their weight times that of the target.

    A sample of weight 0 adds nothing, whatever its label is.
    """
    if by_class is None and sample_weight is None:
        return _count(loss, y_true, y_pred)
    samples = loss._samples(y_pred.shape)
    counted = _counted(loss, y_true)
    weight = np.ones(()) if sample_weight is None else sample_weight
    weight = np.expand_dims(weight, tuple(range(weight.ndim, len(samples))))
    weight = np.broadcast_to(weight, samples)
    if by_class is None:
        return float(np.sum(weight, where=counted))
    assert isinstance(loss, ClassWeighted)
    target = loss._class_weight_of(y_true, by_class)
    with np.errstate(invalid="ignore"):
        products = weight * target
    return float(np.sum(products, where=counted & (weight != 0)))
