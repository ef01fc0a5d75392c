"""What every contender gives and gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from cells import Cell

Array = NDArray[Any]


@dataclass
class Data:
    """Inputs of a cell, and arrays for results that all contenders share.

    `stored` are labels and predictions as they lie in memory, C-ordered; `view` makes
    of each what the loss is to see, for libraries that have arrays of their own.
    `options` are those of the fastloss call.
    """

    stored: tuple[Array, Array]
    view: Callable[[Any], Any]
    grad: Array
    hess: Array
    values: Array
    weight: Array | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def y_true(self) -> Array:
        """Labels as the loss sees them."""
        return self.view(self.stored[0])

    @cached_property
    def y_pred(self) -> Array:
        """Predictions as the loss sees them."""
        return self.view(self.stored[1])

    @property
    def unreduced(self) -> bool:
        """Whether a loss per sample is asked for, not their mean."""
        return self.options.get("reduction") == "none"

    @property
    def is_plain(self) -> bool:
        """Whether labels and predictions of one dtype, or classes, are all there is."""
        dtypes = {self.y_pred.dtype, self.grad.dtype}
        if self.y_true.shape == self.y_pred.shape:
            dtypes.add(self.y_true.dtype)
        contiguous = self.y_pred.flags.c_contiguous
        bare = self.weight is None and not self.options
        return bare and contiguous and len(dtypes) == 1


@dataclass
class Job:
    """A call to be timed, and what it gives as NumPy results.

    `results` turns what `run` returned into (value,), (value, gradient) or
    (gradient, Hessian) of the mean, the value being one a sample if the cell's call is
    not reduced; its time is not measured.
    """

    run: Callable[[], Any]
    results: Callable[[Any], tuple[Any, ...]]


class Peer:
    """A contender, set up for a number of threads."""

    version: str

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def job(self, cell: Cell, data: Data) -> Job | None:
        """The job of a cell, or None if the library has no such operation."""
        raise NotImplementedError
