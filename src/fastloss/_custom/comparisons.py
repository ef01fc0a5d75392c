"""Rules for comparisons, bounds and negations."""

from __future__ import annotations

from .building import raw
from .graph import Node


def minimum(a: Node, b: Node) -> Node:
    return a if a is b else raw("minimum", a, b)


def maximum(a: Node, b: Node) -> Node:
    return a if a is b else raw("maximum", a, b)


def less(a: Node, b: Node) -> Node:
    return raw("gt", b, a)


def less_equal(a: Node, b: Node) -> Node:
    return raw("ge", b, a)


def logical_not(a: Node) -> Node:
    if a.op == "not":
        return a.args[0]
    if a.op in ("eq", "ne"):
        return raw("ne" if a.op == "eq" else "eq", *a.args)
    return raw("not", a)
