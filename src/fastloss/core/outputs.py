"""Where results go."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastloss.core import checks

__all__ = ["Outputs"]

Array = NDArray[Any]


class Outputs:
    """The arrays the engine writes to: given ones, new ones, or stand-ins.

    A stand-in takes the place of a given array that shares memory with an input.

    Parameters
    ----------
    inputs : list of ndarray
    dtype : dtype
        Of new arrays, in whatever byte order.
    in_place : bool
        Whether an input may be overwritten by what comes of it, block by block.
    """

    def __init__(
        self, inputs: list[Array], dtype: np.dtype[Any], in_place: bool
    ) -> None:
        self._inputs = inputs
        self._dtype = dtype if dtype.isnative else dtype.newbyteorder("=")
        self._in_place = in_place
        self._given: list[tuple[Array, Array, Array]] = []

    def add(self, out: Any, shape: tuple[int, ...]) -> Array:
        """Return the array that the engine writes to in place of `out`."""
        if out is None:
            return np.empty(shape, dtype=self._dtype)
        view = checks.output("out", out, shape)
        if any(checks.share_memory(view, other) for _, other, _ in self._given):
            raise ValueError("out: the arrays of the pair share memory")
        spoils = any(self._collides(view, other) for other in self._inputs)
        array = np.empty(shape, dtype=view.dtype) if spoils else view
        self._given.append((array, view, out))
        return array

    def _collides(self, out: Array, other: Array) -> bool:
        """Whether writing `out` block by block could spoil `other`."""
        if not checks.share_memory(out, other):
            return False
        same = (
            out.__array_interface__["data"][0] == other.__array_interface__["data"][0]
            and out.strides == other.strides
            and out.shape == other.shape
            and out.dtype == other.dtype
        )
        return not (same and self._in_place)

    def finish(self) -> None:
        """Copy from the stand-ins."""
        for array, view, _ in self._given:
            if array is not view:
                np.copyto(view, array)

    def result(self, array: Array) -> Array:
        """What was given for an array the engine wrote to, or that array."""
        for written, _, out in self._given:
            if written is array:
                return out
        return array
