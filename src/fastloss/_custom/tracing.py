"""The trace that runs in a thread: what its function has asked for, and was told."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from .graph import Node, walk
from .numbers import evaluate_graph
from .signs import asking

__all__ = ["StandIns", "Tracing", "present", "running", "tracing"]


@dataclass(frozen=True)
class StandIns:
    """Integers where Python wants some: numbers of rows and of classes, and labels.

    What a function does with them must be the same for others.

    Attributes
    ----------
    length, classes : int
        The number of rows, and that of classes.
    span : int
        How many classes the labels have.
    """

    length: int = 997
    classes: int = 53
    span: int = 2

    @property
    def labels(self) -> np.ndarray:
        """The labels of the rows, where they index an array."""
        return np.arange(self.length)[::-1] % self.span


@dataclass(eq=False)
class Tracing:
    """One run of a function on symbols.

    Attributes
    ----------
    parameters : mapping
        The parameters that are numbers, as they were given.
    reads : list of (Node, float)
        Expressions of parameters whose value the function has looked at.
    refused : TypeError or None
        The first refusal, which the function may have caught.
    middle : str or None
        What to say of the first mean or sum with which the function has gone on, if it
        does not end in one.
    rows : bool
        Whether labels are one of a row of predictions.
    flat : bool
        Whether the function takes arrays of two axes only.
    stand_ins : StandIns
        What stands for what is not known.
    wanted : int or None
        The number of classes that an array of the function has, if it is no stand-in.
    lengths : int
        How often a stand-in was asked for.
    """

    parameters: Mapping[str, Any]
    reads: list[tuple[Node, float]] = field(default_factory=list)
    refused: TypeError | None = None
    middle: str | None = None
    rows: bool = False
    flat: bool = False
    stand_ins: StandIns = StandIns()
    wanted: int | None = None
    lengths: int = 0

    def __post_init__(self) -> None:
        self._numbers = {k: float(v) for k, v in self.parameters.items()}

    def others(self) -> StandIns | None:
        """Return other stand-ins, all classes among the labels, if any was used."""
        if not self.lengths:
            return None
        span = self.wanted or 59
        return StandIns(991 if span <= 991 else span + 100, 59, span)

    def answer(self, x: Node) -> float:
        """Answer a rule of simplification likewise; no to what no parameter decides."""
        known = all(
            leaf.op == "const" or leaf.value in self.parameters
            for leaf in walk(x)
            if not leaf.args
        )
        return float(self.read(x)) if known else 0.0

    def read(self, x: Node) -> Any:
        """Return the value of a uniform node, and remember that it was asked for."""
        number = evaluate_graph([x], self._numbers)[x]
        self.reads.append((x, number))
        return self.parameters[str(x.value)] if x.op == "param" else number


_state = threading.local()


def present() -> Tracing | None:
    """Return the trace that runs, if one does."""
    found: Tracing | None = getattr(_state, "tracing", None)
    return found


def running() -> Tracing:
    """Return the trace that runs, where one does."""
    return cast(Tracing, present())


@contextmanager
def tracing(
    parameters: Mapping[str, Any], *, rows: bool = False, others: StandIns | None = None
) -> Iterator[Tracing]:
    """Give parameters their values while a function is run on symbols."""
    outer = present()
    _state.tracing = inner = Tracing(
        parameters, rows=rows, stand_ins=others or StandIns()
    )
    try:
        with asking(inner.answer):
            yield inner
    finally:
        _state.tracing = outer
