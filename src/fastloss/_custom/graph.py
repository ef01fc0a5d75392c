"""Expression graphs: immutable nodes of which no two are equal.

A node is an operation on other nodes or a leaf. Building the same operation on the same
nodes twice gives the same object, so that common subexpressions are shared by
construction and equality of formulas is identity of nodes.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Iterator

LEAVES = frozenset({"const", "input", "param"})
BOOLEAN = frozenset({"gt", "ge", "eq", "ne", "and", "or", "not"})
COMMUTATIVE = frozenset({"add", "mul", "minimum", "maximum", "eq", "ne", "and", "or"})
# Operations whose result can be a number although an operand is a NaN.
_LENIENT = BOOLEAN | {"where"}

_serials = itertools.count()
_lock = threading.RLock()


class Node:
    """One operation, its operands and, for leaves, its value or name.

    Attributes
    ----------
    op : str
        ``"const"``, ``"input"`` (an array), ``"param"`` (a number known at the call) or
        the name of an operation.
    args : tuple of Node
        The operands.
    value : float or str or None
        The number of a constant, the name of an input or a parameter.
    leaves : frozenset of str
        Names of the inputs the node depends on; empty for *uniform* nodes, which have
        one value for all samples.
    strict : frozenset of str
        Names of the inputs of which a NaN certainly makes the node a NaN.
    """

    __slots__ = ("__weakref__", "args", "leaves", "op", "serial", "strict", "value")

    def __init__(
        self, op: str, args: tuple[Node, ...], value: float | str | None
    ) -> None:
        self.op = op
        self.args = args
        self.value = value
        self.serial = next(_serials)
        if op == "input":
            self.leaves = self.strict = frozenset({str(value)})
        else:
            self.leaves = frozenset().union(*(a.leaves for a in args))
            self.strict = _strict_leaves(op, args)

    @property
    def uniform(self) -> bool:
        """Whether the node has one value for all samples."""
        return not self.leaves

    @property
    def boolean(self) -> bool:
        """Whether the node is the result of a comparison."""
        return self.op in BOOLEAN

    def __repr__(self) -> str:
        if self.op in LEAVES:
            return f"{self.op}:{self.value}"
        return f"{self.op}({', '.join(map(repr, self.args))})"


def _strict_leaves(op: str, args: tuple[Node, ...]) -> frozenset[str]:
    if op == "where":
        return args[1].strict & args[2].strict
    if op in _LENIENT:
        return frozenset()
    return frozenset().union(*(a.strict for a in args))


_Key = tuple[str, tuple[Node, ...], "float | str | None"]
_nodes: weakref.WeakValueDictionary[_Key, Node] = weakref.WeakValueDictionary()


def node(op: str, *args: Node, value: float | str | None = None) -> Node:
    """Return the one node of this operation on these operands, unsimplified."""
    # 0.0 == -0.0 and nan != nan would confuse the table: key constants by their bits.
    name = value.hex() if isinstance(value, float) else value
    with _lock:
        found = _nodes.get((op, args, name))
        if found is None and op in COMMUTATIVE:
            found = _nodes.get((op, args[::-1], name))
        if found is None:
            found = Node(op, args, value)
            _nodes[op, args, name] = found
        return found


def const(value: float) -> Node:
    """Return the constant of this value."""
    return node("const", value=float(value))


def walk(*roots: Node) -> Iterator[Node]:
    """Yield every node below the roots once, operands before their users."""
    seen: set[Node] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        current, expanded = stack.pop()
        if expanded:
            yield current
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            stack.extend((a, False) for a in reversed(current.args) if a not in seen)


def strict_nodes(root: Node) -> set[Node]:
    """Return the nodes of which a NaN certainly makes the root a NaN."""
    found: set[Node] = set()
    stack = [root]
    while stack:
        current = stack.pop()
        if current not in found:
            found.add(current)
            if current.op not in _LENIENT:
                stack.extend(current.args)
    return found
