"""Which numbers of samples a formula depends on, and what it is for some."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .building import build
from .graph import Node, const, walk
from .numbers import evaluate_graph
from .rows import CLASSES

SIZE, LENGTH, WIDTH = "y_true.size", "y_true.shape[0]", "y_pred.shape[1]"
"""Parameters that are known when arrays are, as `rows.CLASSES`."""
_COUNTS = frozenset({SIZE, LENGTH, WIDTH, CLASSES})


def counts(*roots: Node) -> frozenset[str]:
    """Return which of the numbers of samples the nodes depend on."""
    found = {str(x.value) for x in walk(*roots) if x.op == "param"}
    return frozenset(found & _COUNTS)


def assigned(root: Node, numbers: Mapping[str, float]) -> Node:
    """Return the node with numbers in place of some inputs and parameters."""
    known: dict[Node, Node] = {}
    for x in walk(root):
        if x.op in ("param", "input") and x.value in numbers:
            known[x] = const(numbers[str(x.value)])
        elif x.args:
            known[x] = build(x.op, *(known[a] for a in x.args))
        else:
            known[x] = x
    return known[root]


def is_proportional(factor: Node, name: str, power: int) -> bool:
    """Whether a uniform factor is a constant times count**power."""
    others = {str(x.value) for x in walk(factor) if x.op == "param"} - {name}
    numbers = {other: 1.37 + 0.61 * i for i, other in enumerate(sorted(others))}
    values = [
        evaluate_graph([factor], {**numbers, name: n})[factor] / n**power
        for n in (1.0, 2.0, 3.0, 1024.0)
    ]
    return all(math.isclose(v, values[0], rel_tol=1e-12) for v in values)
