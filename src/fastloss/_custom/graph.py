"""Expression graphs: immutable nodes of which no two are equal.

A node is an operation on other nodes or a leaf. Building the same operation on the same
nodes twice gives the same object, so that common subexpressions are shared by
construction and equality of formulas is identity of nodes.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

LEAVES = frozenset({"const", "input", "param"})


@dataclass(frozen=True, kw_only=True)
class Operation:
    """All that is known of an operation.

    Attributes
    ----------
    number : callable
        The operation on numbers, in double precision.
    numpy : tuple of str
        The ufuncs that are it, NumPy's or SciPy's.
    simplified : callable or None
        Operands to an equal node that is as accurate or better; None: the plain one.
    slope : callable or None
        A node and the slopes of its operands to its slope with respect to ``y_pred``;
        None: it has none.
    lowered : callable or None
        Operands to a node of the interpreter's instructions (csrc/custom/opcodes.h);
        None: there is one of this name.
    text, latex : pair of str or None
        The formula with ``{0:sum}`` for the first operand, in parentheses if it binds
        less than a sum, and how it binds itself; None: a function, or as in text.
    read_as : callable or None
        Operands to the node that is shown in its place, or None.
    boolean, commutative : bool
        Whether it is a comparison; whether operands can be exchanged.
    lenient : bool
        Whether the result can be a number although an operand is a NaN, as that of a
        comparison can.
    partial : bool
        Whether numbers can make a NaN or an infinity of it, overflow aside.
    reduces : bool
        Whether it makes one number of those of all samples.
    of_row : bool
        Whether it makes one number of the entries of a row (`rows`).
    """

    number: Callable[..., float]
    numpy: tuple[str, ...] = ()
    simplified: Callable[..., Node] | None = None
    slope: Callable[..., Node] | None = None
    lowered: Callable[..., Node] | None = None
    text: tuple[str, str] | None = None
    latex: tuple[str, str] | None = None
    read_as: Callable[..., Node | None] | None = None
    boolean: bool = False
    commutative: bool = False
    lenient: bool = False
    partial: bool = False
    reduces: bool = False
    of_row: bool = False


OPERATIONS: dict[str, Operation] = {}
"""By name; `operations` fills it."""


def _has(op: str, trait: str) -> bool:
    """Whether it is an operation with this trait, and not an instruction or a leaf."""
    return op in OPERATIONS and getattr(OPERATIONS[op], trait)


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
    carried : frozenset of str
        Names of the inputs of which a NaN may do so.
    of_entries : bool
        Whether each entry of a row has a number of its own.
    """

    __slots__ = (
        "__weakref__",
        "args",
        "carried",
        "leaves",
        "of_entries",
        "op",
        "serial",
        "strict",
        "value",
    )

    of_entries: bool

    def __init__(
        self, op: str, args: tuple[Node, ...], value: float | str | None
    ) -> None:
        self.op = op
        self.args = args
        self.value = value
        self.serial = next(_serials)
        if op == "input":
            self.leaves = self.strict = self.carried = frozenset({str(value)})
        elif _has(op, "reduces"):
            self.leaves = self.strict = self.carried = frozenset()
        else:
            self.leaves = frozenset().union(*(a.leaves for a in args))
            self.strict = _strict_leaves(op, args)
            self.carried = _carried_leaves(op, args)
        entries = op == "input" or any(a.of_entries for a in args)
        self.of_entries = entries and not _has(op, "of_row")

    @property
    def of_row(self) -> bool:
        """Whether the node is made of the entries of a row."""
        return _has(self.op, "of_row")

    @property
    def uniform(self) -> bool:
        """Whether the node has one value for all samples."""
        return not self.leaves

    @property
    def boolean(self) -> bool:
        """Whether the node is the result of a comparison."""
        return _has(self.op, "boolean")

    @property
    def reduces(self) -> bool:
        """Whether the node is a mean or sum over the samples."""
        return _has(self.op, "reduces")

    def __repr__(self) -> str:
        if self.op in LEAVES:
            return f"{self.op}:{self.value}"
        return f"{self.op}({', '.join(map(repr, self.args))})"


def _strict_leaves(op: str, args: tuple[Node, ...]) -> frozenset[str]:
    if op == "where":
        return args[1].strict & args[2].strict
    return frozenset().union(*(a.strict for a in _strict_operands(op, args)))


def _carried_leaves(op: str, args: tuple[Node, ...]) -> frozenset[str]:
    if _has(op, "boolean"):
        return frozenset()
    choices = args[1:] if op == "where" else args
    return frozenset().union(*(a.carried for a in choices))


def _strict_operands(op: str, args: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the operands of which a NaN certainly makes the node a NaN."""
    if _lenient(op):
        return ()
    if op == "power":  # x**0 = 1**x = 1
        base, exponent = args
        fixed = base.op == "const" and base.value != 1.0
        return args if exponent.uniform or fixed else ()
    return args


def _lenient(op: str) -> bool:
    return _has(op, "boolean") or _has(op, "lenient")


def commutative(op: str) -> bool:
    """Whether the operands of a node can be exchanged."""
    return _has(op, "commutative")


_Key = tuple[str, tuple[Node, ...], "float | str | None"]
_nodes: weakref.WeakValueDictionary[_Key, Node] = weakref.WeakValueDictionary()


def node(op: str, *args: Node, value: float | str | None = None) -> Node:
    """Return the one node of this operation on these operands, unsimplified."""
    # 0.0 == -0.0 and nan != nan would confuse the table: key constants by their bits.
    name = value.hex() if isinstance(value, float) else value
    with _lock:
        found = _nodes.get((op, args, name))
        if found is None and commutative(op):
            found = _nodes.get((op, args[::-1], name))
        if found is None:
            found = Node(op, args, value)
            _nodes[op, args, name] = found
        return found


def const(value: float) -> Node:
    """Return the constant of this value."""
    return node("const", value=float(value))


def operands(x: Node) -> Sequence[Node]:
    """Return the operands of a node."""
    return x.args


def outside(x: Node) -> Sequence[Node]:
    """Return the operands of a node, but nothing of what a mean or sum reduces."""
    return () if x.reduces else x.args


def walk(
    *roots: Node, below: Callable[[Node], Sequence[Node]] = operands
) -> Iterator[Node]:
    """Yield every node below the roots once, those below others before them."""
    seen: set[Node] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        current, expanded = stack.pop()
        if expanded:
            yield current
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            later = reversed(below(current))
            stack.extend((a, False) for a in later if a not in seen)


def reductions(*roots: Node) -> list[Node]:
    """Return the means and sums below the roots, those inside of others first."""
    return [x for x in walk(*roots) if x.reduces]


def strict_nodes(root: Node) -> set[Node]:
    """Return the nodes of which a NaN certainly makes the root a NaN."""
    found: set[Node] = set()
    stack = [root]
    while stack:
        current = stack.pop()
        if current not in found:
            found.add(current)
            if not current.reduces:
                stack.extend(_strict_operands(current.op, current.args))
    return found


def origins(root: Node) -> set[Node]:
    """Return the nodes below in which a NaN or an infinity may arise out of numbers."""
    return {x for x in walk(root) if not x.uniform and _has(x.op, "partial")}


def carries_nans(op: str) -> bool:
    """Whether a NaN among the operands certainly makes the node of a sample a NaN."""
    return not (_lenient(op) or _has(op, "reduces") or _has(op, "of_row"))
