"""How a node is built: constants folded, by the rule of the operation if it has one.

The rules are in `arithmetic`, `sums`, `logarithms`, `powers` and `comparisons`; which
operation has which, its record in `operations` says.
"""

from __future__ import annotations

from .graph import OPERATIONS, Node, carries_nans, const, node, origins, strict_nodes
from .numbers import evaluate, number_of

ZERO = const(0.0)
ONE = const(1.0)
TWO = const(2.0)


def value_of(x: Node) -> float | None:
    """Return the number of a constant, None for anything else."""
    return x.value if x.op == "const" and isinstance(x.value, float) else None


def is_const(x: Node, number: float) -> bool:
    """Whether the node is the constant of this value."""
    return value_of(x) == number


def is_zero(a: Node) -> bool:
    """Whether the node is 0, or a NaN where another one is."""
    while a.op == "nan_if":
        a = a.args[0]
    return is_const(a, 0.0)


def raw(op: str, *args: Node) -> Node:
    """Return the node, folded to a number if all operands are constants."""
    if args and all(a.op == "const" for a in args):
        return const(evaluate(op, [number_of(a) for a in args]))
    return node(op, *args)


def build(op: str, *args: Node) -> Node:
    """Return the simplified node of an operation; a NaN of its operand goes along."""
    if len(args) == 1 and args[0].op == "nan_if" and carries_nans(op):
        return nan_if(build(op, args[0].args[0]), args[0].args[1])
    rule = OPERATIONS[op].simplified
    return raw(op, *args) if rule is None else rule(*args)


def nan_if(a: Node, b: Node) -> Node:
    """a, but a NaN where b is one."""
    if b.uniform or (b.carried <= a.strict and origins(b) <= strict_nodes(a)):
        return a
    return raw("nan_if", a, b)


def finite_part(x: Node) -> Node:
    """What is a NaN where x is one or may be an infinity out of numbers."""
    return raw("sub", x, x) if origins(x) else x
