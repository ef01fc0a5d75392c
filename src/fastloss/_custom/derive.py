"""Derivatives of expression graphs with respect to ``y_pred``, exact and simplified."""

from __future__ import annotations

from .graph import OPERATIONS, Node, node, walk
from .simplify import ONE, ZERO

PREDICTION = node("input", value="y_pred")


class NoDerivativeError(ValueError):
    """An operation on ``y_pred`` whose derivative is not available."""

    def __init__(self, op: str) -> None:
        super().__init__(op)
        self.op = op


def derivative(root: Node) -> Node:
    """Return the derivative of the root with respect to ``y_pred``."""
    known: dict[Node, Node] = {}
    for x in walk(root):
        known[x] = _slope(x, known)
    return known[root]


def _slope(x: Node, known: dict[Node, Node]) -> Node:
    if x is PREDICTION:
        return ONE
    slopes = [known[a] for a in x.args]
    if x.boolean or all(d is ZERO for d in slopes):
        return ZERO
    rule = OPERATIONS[x.op].slope
    if rule is None:
        raise NoDerivativeError(x.op)
    return rule(x, *slopes)
