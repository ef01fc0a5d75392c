"""Derivatives of expression graphs, exact and simplified."""

from __future__ import annotations

from contextvars import ContextVar

from .graph import OPERATIONS, Node, node, walk
from .simplify import ONE, ZERO

PREDICTION = node("input", value="y_pred")


class NoDerivativeError(ValueError):
    """An operation on ``y_pred`` whose derivative is not available."""

    def __init__(self, op: str) -> None:
        super().__init__(op)
        self.op = op


_variable: ContextVar[Node] = ContextVar("variable", default=PREDICTION)


def derivative(root: Node) -> Node:
    """Return the derivative of the root with respect to ``y_pred``.

    Means and sums over the samples stay as they are.
    """
    known: dict[Node, Node] = {}
    variable = _variable.get()
    for x in walk(root, inside=False):
        known[x] = ONE if x is variable else _slope(x, known)
    return known[root]


def derivative_to(root: Node, variable: Node) -> Node:
    """Return the derivative with respect to another node."""
    token = _variable.set(variable)
    try:
        return derivative(root)
    finally:
        _variable.reset(token)


def _slope(x: Node, known: dict[Node, Node]) -> Node:
    if x.reduces:
        return ZERO
    slopes = [known[a] for a in x.args]
    if x.boolean or all(d is ZERO for d in slopes):
        return ZERO
    rule = OPERATIONS[x.op].slope
    if rule is None:
        raise NoDerivativeError(x.op)
    return rule(x, *slopes)
