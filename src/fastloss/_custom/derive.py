"""Derivatives of expression graphs, exact and simplified."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextvars import ContextVar

from .arithmetic import add, mul, where
from .building import ONE, ZERO, is_zero, raw
from .graph import OPERATIONS, Node, node, outside, walk

PREDICTION = node("input", value="y_pred")


class NoDerivativeError(ValueError):
    """An operation on ``y_pred`` whose derivative is not available."""

    def __init__(self, op: str) -> None:
        super().__init__(op)
        self.op = op


_variable: ContextVar[Node] = ContextVar("variable", default=PREDICTION)
_partial: ContextVar[bool] = ContextVar("partial", default=False)
_held: ContextVar[Collection[Node]] = ContextVar("held", default=())


def derivative(root: Node) -> Node:
    """Return the derivative of the root with respect to ``y_pred``.

    Means and sums over the samples stay as they are.
    """
    known: dict[Node, Node] = {}
    variable = _variable.get()
    held = _held.get()
    for x in _order(root):
        if x is variable:
            known[x] = ONE
        elif x in held:
            known[x] = ZERO
        elif _is_made_of_numbers(x):
            known[x] = _slope_of_number(x, known)
        else:
            known[x] = _slope(x, known)
    return known[root]


def derivative_to(root: Node, variable: Node, held: Collection[Node] = ()) -> Node:
    """Return the derivative with respect to another node.

    What is made of the entries of a row stays as it is, and so do the nodes held.
    """
    return _derivative_with(root, variable, partial=True, held=held)


def derivative_by_entry(root: Node) -> Node:
    """Return the derivative by an entry of ``y_pred``, also through its row."""
    return _derivative_with(root, PREDICTION, partial=False)


def is_partial() -> bool:
    """Whether numbers of the row are held, and not derived by way of its entries."""
    return _partial.get()


def _derivative_with(
    root: Node, variable: Node, *, partial: bool, held: Collection[Node] = ()
) -> Node:
    tokens = _variable.set(variable), _partial.set(partial), _held.set(held)
    try:
        return derivative(root)
    finally:
        _variable.reset(tokens[0])
        _partial.reset(tokens[1])
        _held.reset(tokens[2])


# A formula of numbers of a row has one slope by each of these, which are few, and only
# the numbers have slopes by every entry.


def _is_made_of_numbers(x: Node) -> bool:
    if _partial.get() or x.uniform or x.of_entries or x.of_row:
        return False
    return not _is_log_share(x)


def _is_log_share(x: Node) -> bool:
    """Whether the node is u - lse(u), which has a slope of its own."""
    return x.op == "sub" and x.args[1].op == "lse"


def _below(x: Node) -> list[Node]:
    """Return the nodes whose slopes make that of a node."""
    if x.reduces or x.of_row:
        return []
    if not _is_made_of_numbers(x):
        return list(x.args)
    found: dict[Node, None] = {}
    seen: set[Node] = set()
    stack = list(x.args)
    while stack:
        current = stack.pop()
        if current in seen or current.uniform:
            continue
        seen.add(current)
        if _is_made_of_numbers(current):
            stack.extend(current.args)
        else:
            found[current] = None
    return list(found)


def _order(root: Node) -> Iterator[Node]:
    """Yield the nodes that have slopes, operands before their users."""
    of_rows = not (_partial.get() or root.uniform) and any(x.of_row for x in walk(root))
    return walk(root, below=_below if of_rows else outside)


def unless_at_rest(total: Node, slope: Node, moved: Node) -> Node:
    """Return the product of what moves by a number, or a total of it, and its slope.

    It is 0 where nothing moves, whatever the slope is, as in `where`.
    """
    product = mul(total, slope)
    if slope.op in ("one_hot", "const") or not _has_rests(moved):
        return product
    return where(raw("eq", total, ZERO), ZERO, product)


def _has_rests(moved: Node) -> bool:
    """Whether some choice of it is 0."""
    return any(x.op == "where" and any(map(is_zero, x.args[1:])) for x in walk(moved))


def _slope_of_number(x: Node, known: dict[Node, Node]) -> Node:
    total = ZERO
    numbers = _below(x)
    for number in numbers:
        if known[number] is not ZERO:
            moved = derivative_to(x, number, numbers)
            total = add(total, unless_at_rest(moved, known[number], moved))
    return total


def _slope(x: Node, known: dict[Node, Node]) -> Node:
    if x.reduces or (x.of_row and _partial.get()):
        return ZERO
    if x.of_row:
        rule = OPERATIONS[x.op].slope
        return ZERO if rule is None else rule(x)
    slopes = [known[a] for a in x.args]
    if x.boolean or all(d is ZERO for d in slopes):
        return ZERO
    rule = OPERATIONS[x.op].slope
    if rule is None:
        raise NoDerivativeError(x.op)
    return rule(x, *slopes)
