"""A call on Dask arrays: which blocks of them belong together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import dask.array as da
import numpy as np

from fastloss.core import checks
from fastloss.core.job import Array
from fastloss.core.kinds import NamedClasses, Pairwise, Regions
from fastloss.core.loss import Loss

__all__ = ["Call", "Job", "call_of"]


class Job(NamedTuple):
    """What a block is told: the loss, and what the arrays of a call are.

    Attributes
    ----------
    loss : Loss
    form : tuple of int
        How many arrays each argument is made of; 0: it is one.
    names : tuple of str
        Of the arrays behind those of the arguments.
    """

    loss: Loss
    form: tuple[int, ...]
    names: tuple[str, ...]

    def opened(self, blocks: tuple[Array, ...]) -> tuple[list[Any], dict[str, Array]]:
        """Return the arguments and keywords of a call on these blocks."""
        left = iter(blocks)
        arguments = [
            tuple(next(left) for _ in range(count)) if count else next(left)
            for count in self.form
        ]
        return arguments, dict(zip(self.names, left, strict=True))


class Call(NamedTuple):
    """A call on Dask arrays.

    Attributes
    ----------
    job : Job
    arrays, indices : tuple
        All arrays, and which axes of the predictions each has.
    first : int
        The first prediction among them.
    heads : int
        How many predictions there are; 0: one, not in a tuple.
    samples : tuple of int
        Axes along which samples lie.
    """

    job: Job
    arrays: tuple[Any, ...]
    indices: tuple[tuple[int, ...], ...]
    first: int
    heads: int
    samples: tuple[int, ...]

    @property
    def axes(self) -> tuple[int, ...]:
        """Those of the predictions."""
        return self.indices[self.first]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of values and derivatives."""
        single = self.arrays[self.first].dtype.newbyteorder("=") == np.float32
        return np.dtype(np.float32 if single else np.float64)

    def map(
        self,
        function: Callable[..., Any],
        axes: tuple[int, ...],
        dtype: Any = object,
        *,
        divisor: Any = None,
        **options: Any,
    ) -> Any:
        """Return what a function makes of the blocks of all arrays."""
        every = range(len(self.arrays))
        first = self.first
        order = [first, *(k for k in every if k != first)]
        pairs: list[Any] = [divisor, () if isinstance(divisor, da.Array) else None]
        for k in order:
            pairs += [self.arrays[k], self.indices[k]]
        blocks = da.arange(self.arrays[first].numblocks[0], chunks=1)
        return da.blockwise(
            function,
            axes,
            *pairs,
            blocks,
            (0,),
            job=self.job,
            first=first,
            dtype=dtype,
            meta=np.empty((0,) * len(axes), dtype),
            align_arrays=False,
            concatenate=True,
            **options,
        )


def _sample_axes(loss: Loss, ndim: int) -> tuple[int, ...]:
    """Return the axes along which samples lie; each of the others is one block."""
    if isinstance(loss, Regions):
        regions, entries = loss._axes(ndim)
        return tuple(axis for axis in range(ndim) if axis not in regions + entries)
    return tuple(range(len(loss._samples((1,) * ndim))))


def call_of(
    loss: Loss, arguments: tuple[Any, ...], weight: Any, parameters: dict[str, Any]
) -> Call:
    """Bring the arrays of a call into blocks that belong together."""
    further = {k: v for k, v in parameters.items() if k in loss.inputs}
    changed = {k: v for k, v in parameters.items() if k not in loss.inputs}
    loss = loss._changed(changed)
    if isinstance(loss, NamedClasses) and loss.classes is not None and arguments:
        arguments = (_coded(loss, arguments[0]), *arguments[1:])
        loss = loss._of_codes()
    form = tuple(len(a) if isinstance(a, tuple | list) else 0 for a in arguments)
    flat = [x for a in arguments for x in (a if isinstance(a, tuple | list) else (a,))]
    paired = isinstance(loss, Pairwise)
    if not paired and len(arguments) != 2:
        raise TypeError(f"{loss.name} takes y_true and y_pred, got {len(arguments)}")
    first = 0 if paired else form[0] or 1
    heads = len(arguments) if paired else form[1]
    keywords = {**further, **({} if weight is None else {"sample_weight": weight})}
    named = [*_names(loss, arguments, form), *keywords]
    given = dict(enumerate(zip(named, [*flat, *keywords.values()], strict=True)))
    prediction = _lazy(*given[first], None)
    if prediction.ndim == 0:
        raise ValueError(f"{given[first][0]} has shape (): it needs an axis of samples")
    samples = _sample_axes(loss, prediction.ndim)
    rule = {axis: -1 for axis in range(prediction.ndim) if axis not in samples}
    prediction = prediction.rechunk(rule) if rule else prediction
    arrays, indices = [], []
    for k, (name, value) in given.items():
        array = prediction if k == first else _lazy(name, value, prediction)
        every = tuple(range(prediction.ndim))
        index = every if array.ndim == prediction.ndim else samples[: array.ndim]
        arrays.append(_aligned(name, array, index, named[first], prediction))
        indices.append(index)
    job = Job(loss, form, tuple(keywords))
    _check(job, arrays)
    return Call(job, tuple(arrays), tuple(indices), first, heads, samples)


def _coded(loss: NamedClasses, labels: Any) -> Any:
    """Return codes for names of classes: states and divisors know no names."""
    if hasattr(labels, "to_dask_array"):
        labels = labels.to_dask_array()
    if not isinstance(labels, da.Array):
        return loss._coded(labels)
    none = np.empty((0,) * labels.ndim, np.int64)
    return labels.map_blocks(loss._coded, dtype=np.int64, meta=none)


def _names(
    loss: Loss, arguments: tuple[Any, ...], form: tuple[int, ...]
) -> Iterator[str]:
    if isinstance(loss, Pairwise):
        yield from loss.heads
        return
    for name, count in zip(("y_true", "y_pred"), form, strict=True):
        yield from (f"{name}[{i}]" for i in range(count)) if count else (name,)


def _lazy(name: str, value: Any, like: Any) -> Any:
    """Return a Dask array; one in memory is cut as `like`."""
    if isinstance(value, da.Array):
        return value
    if hasattr(value, "to_dask_array"):
        return value.to_dask_array()
    if like is None:
        raise TypeError(
            f"{name} is {type(value).__name__}: it must be a Dask array, series or "
            "dataframe; for arrays in memory call the loss of fastloss"
        )
    array = np.asarray(value)
    if any(map(math.isnan, like.shape)):
        raise TypeError(
            f"{name} is {type(value).__name__}, and the sizes of the blocks of the "
            "predictions are unknown: call their compute_chunk_sizes(), or pass a Dask "
            f"collection as {name}"
        )
    return da.from_array(array)


def _aligned(
    name: str, array: Any, index: tuple[int, ...], first: str, like: Any
) -> Any:
    """Return an array in the blocks of `like`."""
    if array.ndim > like.ndim:
        return array  # which is refused by its shape
    chunks = tuple(like.chunks[axis] for axis in index)
    if not any(map(math.isnan, array.shape + tuple(map(sum, chunks)))):
        fits = array.shape == tuple(map(sum, chunks))
        return array.rechunk(chunks) if fits else array
    blocks = tuple(map(len, chunks))
    if array.numblocks != blocks:
        raise ValueError(
            f"{name} has {array.numblocks} blocks and {first} {blocks} along the same "
            "axes, of unknown sizes: call compute_chunk_sizes() of both, or "
            "repartition them alike"
        )
    return array


def _check(job: Job, arrays: list[Any]) -> None:
    """Raise what a call says about shapes and dtypes; unknown lengths count as 1."""
    stand_ins = tuple(
        np.broadcast_to(
            np.zeros((), array.dtype),
            tuple(1 if math.isnan(n) else n for n in array.shape),
        )
        for array in arrays
    )
    if any(math.isnan(n) for array in arrays for n in array.shape):
        return  # blocks are checked
    arguments, keywords = job.opened(stand_ins)
    loss: Any = job.loss
    checked = loss._arrays(*arguments)
    checks.weights(keywords.pop("sample_weight", None), checked.samples)
    for name, array in keywords.items():
        checks.labels_like(name, array, "y_pred", checked.predictions[0].shape)
