"""Losses of sums: one number made of means and sums over the samples, as the RMSE.

A loss g(S_1, S_2, ...) of S_j = sum_i u_j(y_i, p_i; S_1, ..., S_(j-1)) has the gradient

    dg/dp_i = sum_j A_j du_j/dp_i,  A_j = dg/dS_j + sum_(m > j) A_m sum_i du_m/dS_j

whose adjoints A_j are again formulas of sums. So a call is a pass over the samples for
each sum, and one for the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .arithmetic import add, mul
from .building import ONE, ZERO, build
from .derive import derivative, derivative_to
from .graph import Node, node, outside, reductions, walk
from .lower import Program, lower
from .numbers import evaluate_graph
from .slopes import guarded

Numbers = dict[str, float]
Measure = Callable[[Program, Mapping[str, float], str], float]
"""A program of one value per sample, its numbers and how to reduce to a number."""


class Statistic:
    """A loss that is one number made of means and sums over the samples.

    Parameters
    ----------
    value : Node
        A uniform node with reductions below it.
    arrays : tuple of str
        What programs read.
    opcodes : collection of str
        The interpreter's opcodes.
    """

    def __init__(
        self, value: Node, arrays: tuple[str, ...], opcodes: Collection[str]
    ) -> None:
        self.value = value
        self.arrays = arrays
        self.opcodes = opcodes
        self._lowered: dict[Node, Program] = {}

    @cached_property
    def reduction(self) -> str:
        """How the last pass weighs samples: as a mean does, if there is one."""
        kinds = {x.op for x in reductions(self.value)}
        return "mean" if "mean" in kinds else "sum"

    @cached_property
    def parts(self) -> list[tuple[Node, Node]]:
        """Adjoints and slopes, whose products the gradient of the last pass adds up."""
        adjoints: dict[Node, Node] = {}
        found = []
        for total in reversed(reductions(self.value)):
            adjoint = derivative_to(self.value, total)
            for later, weight in adjoints.items():
                moved = derivative_to(later.args[0], total)
                if moved is not ZERO:
                    adjoint = add(adjoint, mul(weight, build(later.op, moved)))
            if adjoint is ZERO or not _moves(total):
                continue
            adjoints[total] = adjoint
            slope = derivative(total.args[0])
            if slope is not ZERO:
                if total.op != self.reduction:  # a sum, added up as a mean is
                    adjoint = mul(adjoint, build("sum", ONE))
                found.append((adjoint, guarded(slope, total.args[0])))
        return found

    @cached_property
    def gradient(self) -> Node:
        """What the last pass reduces, as a formula."""
        return _combined([adjoint for adjoint, _ in self.parts], self.parts)

    @cached_property
    def _last(self) -> Node:
        """Likewise, the adjoints as parameters."""
        names = [node("param", value=_adjoint(i)) for i in range(len(self.parts))]
        return _combined(names, self.parts)

    def measured(self, numbers: Numbers, measure: Measure) -> float:
        """Return the value; the numbers get those of its means and sums."""
        return self._number(self.value, numbers, measure)

    def bound(
        self, value: float, numbers: Numbers, measure: Measure
    ) -> tuple[Program, Numbers]:
        """Return the program of the gradient and its numbers.

        Where the value is a number, an infinite adjoint counts 0, as the slope of abs
        at 0 does: a root of a sum that is 0 has its least value.
        """
        for i, (adjoint, slope) in enumerate(self.parts):
            number = self._number(adjoint, numbers, measure)
            still = math.isinf(number) and math.isfinite(value)
            numbers[_adjoint(i)] = 0.0 if still else number
            self._measure_below(slope, numbers, measure)
        return self._program("grad", self._last), numbers

    def over(
        self, rows: Mapping[str, NDArray[np.float64]], numbers: Mapping[str, float]
    ) -> float:
        """Return the value of a few samples, by NumPy."""

        def measure(program: Node, known: Mapping[str, float], kind: str) -> float:
            columns = zip(*rows.values(), strict=True)
            values = [
                evaluate_graph([program], {**known, **dict(zip(rows, c, strict=True))})
                for c in columns
            ]
            reduce: Callable[..., float] = getattr(np, kind)
            return float(reduce([v[program] for v in values]))

        known = dict(numbers)
        for x in reductions(self.value):
            known[_name(x)] = measure(_opened(x.args[0]), known, x.op)
        root = _opened(self.value)
        return evaluate_graph([root], known)[root]

    @property
    def programs(self) -> list[Program]:
        """Of the values per sample of each mean and sum."""
        return [self._program("value", x.args[0]) for x in reductions(self.value)]

    def of(
        self, totals: Iterable[float], divisor: float, numbers: Mapping[str, float]
    ) -> float:
        """Return the value by the sums of `programs` and that of the weights."""
        known = dict(numbers)
        for x, total in zip(reductions(self.value), totals, strict=True):
            mean = 0.0 if divisor == 0 else total / divisor
            known[_name(x)] = mean if x.op == "mean" else total
        root = _opened(self.value)
        return evaluate_graph([root], known)[root]

    def _number(self, root: Node, numbers: Numbers, measure: Measure) -> float:
        self._measure_below(root, numbers, measure)
        opened = _opened(root)
        return evaluate_graph([opened], numbers)[opened]

    def _measure_below(self, root: Node, numbers: Numbers, measure: Measure) -> None:
        for x in reductions(root):
            if _name(x) not in numbers:
                program = self._program("value", x.args[0])
                numbers[_name(x)] = measure(program, numbers, x.op)

    def _program(self, name: str, formula: Node) -> Program:
        found = self._lowered.get(formula)
        if found is None:
            found = lower({name: _opened(formula)}, self.arrays, self.opcodes)
            self._lowered[formula] = found
        return found


def _combined(factors: Iterable[Node], parts: Iterable[tuple[Node, Node]]) -> Node:
    total = ZERO
    for factor, (_, slope) in zip(factors, parts, strict=True):
        total = add(total, mul(factor, slope))
    return total


def _adjoint(i: int) -> str:
    return f"adjoint {i}"


def _moves(x: Node) -> bool:
    return any(leaf.op == "input" and leaf.value == "y_pred" for leaf in walk(x))


def _name(x: Node) -> str:
    return f"{x.op} {x.serial}"


def _opened(root: Node) -> Node:
    """Return the node with a parameter in place of each mean and sum."""
    known: dict[Node, Node] = {}
    for x in walk(root, below=outside):
        if x.reduces:
            known[x] = node("param", value=_name(x))
        elif x.args:
            known[x] = node(x.op, *(known[a] for a in x.args), value=x.value)
        else:
            known[x] = x
    return known[root]
