"""What every contender gives and gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cells import Cell

Array = NDArray[Any]


@dataclass
class Data:
    """Inputs of a cell, and arrays for results that all contenders share."""

    y_true: Array
    y_pred: Array
    grad: Array
    hess: Array


@dataclass
class Job:
    """A call to be timed, and what it gives as NumPy results.

    `results` turns what `run` returned into (value,), (value, gradient) or
    (gradient, Hessian) of the mean; its time is not measured.
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
