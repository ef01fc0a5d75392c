"""A loss over files that may be larger than memory: the work behind ``fastloss eval``.

Every input becomes an array on disk and is mapped into memory; the loss then runs over
slabs of rows of the leading axis. Only the sums of a slab are kept.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastloss import checks
from fastloss.loss import Loss

Array: TypeAlias = npt.NDArray[Any]

#: Bytes of `y_pred` in one slab. A call on less than this is one call of the loss.
SLAB_BYTES = 16 << 20
CSV_LINES = 1 << 16


def open_array(name: str, scratch: Path, dtype: npt.DTypeLike = np.float64) -> Array:
    """Map the array of a file into memory, read-only.

    Parameters
    ----------
    name : str
        ``file.npy``, ``file.npz`` (the only array inside), ``file.npz:key`` or
        ``file.csv`` (numbers with commas, a header line is skipped; one column gives
        shape (n,)).
    scratch : Path
        Folder for what cannot be mapped as it is: the unpacked .npz member, the
        numbers of a .csv file.
    dtype : dtype-like
        float64 or int64, for .csv files only.

    Raises
    ------
    ValueError
        If the file is not what its name says; the message names it.
    OSError
        If it cannot be read.
    """
    path, key = _split_key(name)
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return np.lib.format.open_memmap(path, mode="r")
        if suffix == ".npz":
            return _open_npz(path, key, scratch)
        if suffix == ".csv":
            return _open_csv(path, scratch, np.dtype(dtype))
    except (ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{name}: {error}") from None
    raise ValueError(f"{name}: expected a .npy, .npz or .csv file")


def _split_key(name: str) -> tuple[Path, str | None]:
    stem, separator, key = name.rpartition(".npz:")
    return (Path(f"{stem}.npz"), key) if separator else (Path(name), None)


def _open_npz(path: Path, key: str | None, scratch: Path) -> Array:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        keys = [name[: -len(".npy")] for name in names if name.endswith(".npy")]
        if key is None and len(keys) == 1:
            key = keys[0]
        if key not in keys:
            known = ", ".join(f"{path.name}:{each}" for each in keys) or "none"
            raise ValueError(f"name one of the arrays inside: {known}")
        member = _scratch_file(scratch)
        with archive.open(f"{key}.npy") as source, member.open("wb") as target:
            shutil.copyfileobj(source, target, length=1 << 20)
    return np.lib.format.open_memmap(member, mode="r")


def _scratch_file(scratch: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=scratch, suffix=".npy")
    os.close(handle)
    return Path(name)


def _open_csv(path: Path, scratch: Path, dtype: np.dtype[Any]) -> Array:
    data = _scratch_file(scratch)
    rows = columns = 0
    with path.open(encoding="utf-8-sig") as source, data.open("wb") as target:
        lines = enumerate(source, start=1)
        for chunk in iter(lambda: list(itertools.islice(lines, CSV_LINES)), []):
            if chunk[0][0] == 1 and not _is_number(chunk[0][1].split(",")[0]):
                del chunk[0]
            chunk = [(number, line) for number, line in chunk if line.strip()]
            if not chunk:
                continue
            block = _parse(chunk, columns, dtype)
            block.tofile(target)
            rows, columns = rows + len(block), block.shape[1]
    if not rows:
        raise ValueError("no numbers in it")
    shape = (rows, columns) if columns > 1 else (rows,)
    return np.memmap(data, dtype, "r", shape=shape)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parse(chunk: list[tuple[int, str]], columns: int, dtype: np.dtype[Any]) -> Array:
    """Numbers of some lines; `columns` is what they must have, if not 0."""
    try:
        text = [line for _, line in chunk]
        numbers = np.loadtxt(text, delimiter=",", ndmin=2, comments=None)
    except ValueError:
        numbers = np.empty((0, 0))
    if numbers.shape[1] != (columns or numbers.shape[1]) or not numbers.size:
        raise ValueError(_complaint(chunk, columns))
    if dtype.kind == "i":
        whole = (numbers == np.rint(numbers)).all(axis=1)
        if not whole.all():
            number, line = chunk[int(np.argmin(whole))]
            raise ValueError(f"line {number}: {line.strip()!r} is not a class number")
    return numbers.astype(dtype, copy=False)


def _complaint(chunk: list[tuple[int, str]], columns: int) -> str:
    for number, line in chunk:
        cells = line.split(",")
        columns = columns or len(cells)
        if len(cells) != columns:
            return f"line {number} has {len(cells)} columns; expected {columns}"
        for cell in cells:
            if not _is_number(cell):
                return f"line {number}: {cell.strip()!r} is not a number"
    return f"lines {chunk[0][0]} to {chunk[-1][0]} are not numbers with commas"


def evaluate(
    loss: Loss,
    y_true: Array,
    y_pred: Array,
    sample_weight: Array | None = None,
    grad_file: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> float:
    """Value of `loss` over mapped arrays, and its gradient into a .npy file.

    Parameters
    ----------
    loss : Loss
        Its reduction is not "none".
    y_true, y_pred, sample_weight : arrays
        As in a call of `loss`, usually memory-mapped.
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
        What ``loss(y_true, y_pred)`` raises.

    Notes
    -----
    A mean over slabs is the sum of their sums over the sum of their divisors. Its
    gradient is that of the sum with the weights divided by the divisor.
    """
    slabs = _slabs(loss, y_true, y_pred, sample_weight)
    with _gradient(grad_file, y_pred) as out:
        if len(slabs) > 1:
            # What slabs cannot do (a divisor of 0, an error whose message has the
            # shapes and indices of the whole) the single call below does.
            with suppress(ArithmeticError, TypeError, ValueError):
                return _in_slabs(
                    loss, slabs, y_true, y_pred, sample_weight, out, progress
                )
        if out is None:
            return float(loss(y_true, y_pred, sample_weight=sample_weight))
        value, _ = loss.value_and_grad(
            y_true, y_pred, sample_weight=sample_weight, out=out
        )
        return float(value)


def _sample_shape(loss: Loss, y_pred: Array) -> tuple[int, ...]:
    return y_pred.shape[: y_pred.ndim - (loss._row.kind != "elementwise")]


def _slabs(
    loss: Loss, y_true: Array, y_pred: Array, sample_weight: Array | None
) -> Sequence[slice]:
    """Slices of the leading axis, of about `SLAB_BYTES` each."""
    arrays = [y_true, y_pred, y_pred if sample_weight is None else sample_weight]
    samples = _sample_shape(loss, y_pred)
    if not samples or len({array.shape[:1] for array in arrays}) != 1:
        return [slice(None)]
    rows = len(y_pred)
    step = max(1, SLAB_BYTES * rows // max(1, y_pred.nbytes))
    return [slice(start, start + step) for start in range(0, rows, step)]


def _in_slabs(
    loss: Loss,
    slabs: Sequence[slice],
    y_true: Array,
    y_pred: Array,
    sample_weight: Array | None,
    out: Array | None,
    progress: Callable[[float], None],
) -> float:
    passes = len(slabs) * (1 if out is None else 2)
    done = itertools.count(1)

    def parts() -> Iterator[tuple[Array, Array, Array | None, slice]]:
        for rows in slabs:
            weight = None if sample_weight is None else sample_weight[rows]
            yield y_true[rows], y_pred[rows], weight, rows
            progress(next(done) / passes)

    summed = dataclasses.replace(loss, reduction="sum")
    sums = []
    divisors = []
    for y, x, weight, _ in parts():
        sums.append(summed(y, x, sample_weight=weight))
        divisors.append(_divisor(loss, y, x, weight))
    divisor = 1.0 if loss.reduction == "sum" else math.fsum(divisors)
    value = math.fsum(sums) / divisor
    if out is not None:
        scale = 1 / divisor
        for y, x, weight, rows in parts():
            if weight is None:
                weight = np.broadcast_to(scale, x.shape[:1])
            else:
                weight = np.multiply(weight, scale, dtype=np.float64)
            summed.grad(y, x, sample_weight=weight, out=out[rows])
    return value


def _divisor(
    loss: Loss, y_true: Array, y_pred: Array, sample_weight: Array | None
) -> float:
    """What the reduction of `loss` divides by, as far as these samples count in it.

    The number of samples not ignored; under "mean" each times its weight and, with
    class weights, times the weights of its targets.
    """
    samples = _sample_shape(loss, y_pred)
    ignored = getattr(loss, "ignore_class", None)
    counted = np.asarray(True) if ignored is None else y_true != ignored
    class_weight = getattr(loss, "class_weight", None)
    by_class = checks.class_weights(class_weight, y_pred.shape[-1])
    if loss.reduction == "sum_over_batch_size" or (
        by_class is None and sample_weight is None
    ):
        each = math.prod(samples) // counted.size
        return float(each * np.count_nonzero(counted))
    weight = np.ones(()) if sample_weight is None else sample_weight
    weight = np.expand_dims(weight, tuple(range(weight.ndim, len(samples))))
    weight = np.broadcast_to(weight, samples)
    if by_class is None:
        return float(np.sum(weight, dtype=np.float64, where=counted))
    if loss._row.kind == "sparse":
        target = by_class.take(y_true.astype(np.intp), mode="clip")
    else:
        target = np.einsum("...c,c", y_true, by_class)
    return float(np.sum(weight * target, where=counted & (weight != 0)))


@contextmanager
def _gradient(path: Path | None, y_pred: Array) -> Iterator[Array | None]:
    """A mapped array like `y_pred` that becomes the file `path` at the end."""
    if path is None:
        yield None
        return
    single = y_pred.dtype.newbyteorder("=") == np.float32
    dtype = np.float32 if single else np.float64
    part = path.with_name(f"{path.name}.part")
    try:
        out = np.lib.format.open_memmap(part, "w+", dtype, y_pred.shape)
        if hasattr(os, "posix_fallocate"):
            # A full disk must be an error here, not a bus error in the kernel.
            with part.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, part.stat().st_size)
        yield out
        out.flush()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
