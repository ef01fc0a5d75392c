"""Numbers of a row of predictions: what reduces its entries, and its derivatives.

A formula of rows is made of entries and of numbers of the row:

    row_sum(u)    sum of the entries
    row_max(u)    the largest
    lse(u)        log(sum(exp(u))) without overflow; a sum of exponentials is exp(lse)
    pick(x)       the entry of y_pred at the label; that of a formula is made of these
    label         the label as a number, one of a row
    look_up       the entry of a list at the label
    others        sum(q) - q at an entry, summed without it where it has most
    index         the number of the entry in its row
    one_hot       whether it is the label

Softmax is exp(u - lse(u)), so that the forms of exponentials hold for it: its logarithm
is u - lse(u), one less it -expm1(u - lse(u)). They are computed (`lowered`) from

    m = row_max(u),  rest = sum(exp(u - m)) - 1, without m itself,
    u - lse(u) = (u - m) - log1p(rest),

a sum of two numbers of one sign, and p = exp(u - m)/(1 + rest); 1 - p, which only the
largest entry could cancel, is rest/(1 + rest) of that.

The derivative of a number of the row by the entry j is itself a formula of the entry j:
of S = sum_k u_k(x_k, T), T another number of the row,

    dS/dx_j = du_j/dx_j + (sum_k du_k/dT) dT/dx_j

and so on for T; the same with the weights exp(u_k - lse(u)) for lse. Of pick(x) it is
one_hot. A formula of entries with one_hot in it is two formulas: that of the label, a
number of the row, and that of all others. Derivatives are computed as both; what is
reduced chooses between them entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .arithmetic import add, div, exp, mul, neg, sub, times, where
from .building import ONE, ZERO, build, raw
from .derive import (
    PREDICTION,
    derivative_by_entry,
    derivative_to,
    is_partial,
    unless_at_rest,
)
from .graph import OPERATIONS, Node, Operation, const, node, walk
from .logarithms import log

CLASSES = "y_pred.shape[-1]"
"""Parameter that is known when arrays are."""


def look_up(name: str) -> Node:
    """Return the entry of a list at the label."""
    return node("look_up", node("param", value=name), node("input", value="y_true"))


# -- simplified ------------------------------------------------------------------------


def row_sum(u: Node) -> Node:
    if not u.of_entries:
        return mul(node("param", value=CLASSES), u)
    if u.op == "exp":
        return exp(lse(u.args[0]))
    if u.op == "neg":
        return neg(row_sum(u.args[0]))
    if u.op == "mul":
        for k, x in (u.args, u.args[::-1]):
            if not k.of_entries:
                return mul(k, row_sum(x))
    if u.op == "div" and not u.args[1].of_entries:
        return div(row_sum(u.args[0]), u.args[1])
    return _sum_with_label(u) if at_label(u) else raw("row_sum", u)


def mean_of_row(x: Node) -> Node:
    """Return the mean of the entries."""
    return div(row_sum(x), node("param", value=CLASSES))


def _sum_with_label(u: Node) -> Node:
    """The sum of entries which are one number, or 0, but for the label."""
    own, other = pick(u), elsewhere(u)
    if other.op == "nan_if" and other.args[0] is ZERO:
        whole = any(x.op != "pick" for x in numbers_of_row(own))  # has its NaNs
        return own if whole else add(own, row_sum(other))
    if not other.of_entries:
        others = sub(node("param", value=CLASSES), ONE)
        return own if other is ZERO else add(own, mul(others, other))
    return raw("row_sum", u)


def row_max(u: Node) -> Node:
    return raw("row_max", u) if u.of_entries else u


def lse(u: Node) -> Node:
    if not u.of_entries:
        return add(u, log(node("param", value=CLASSES)))
    if u.op == "sub" and not u.args[1].of_entries:
        return sub(lse(u.args[0]), u.args[1])
    if u.op == "add":
        for k, x in (u.args, u.args[::-1]):
            if not k.of_entries:
                return add(k, lse(x))
    return raw("lse", u)


def pick(u: Node) -> Node:
    """Return the entry of a formula at the label."""
    known: dict[Node, Node] = {}
    for x in walk(u):
        if not x.of_entries:
            known[x] = x
        elif x is ONE_HOT:
            known[x] = ONE
        elif x is INDEX:
            known[x] = LABEL
        elif x.op == "input":
            known[x] = raw("pick", x)
        else:
            known[x] = build(x.op, *(known[a] for a in x.args))
    return known[u]


def elsewhere(u: Node) -> Node:
    """Return what a formula is at all entries but the one at the label."""
    return with_hot(u, ZERO) if at_label(u) else u


def slope_elsewhere(u: Node) -> Node:
    """Return the same of a derivative, whose products with 0 are 0."""
    return with_hot(u, ZERO, mul) if at_label(u) else u


def with_hot(u: Node, number: Node, product: Callable[..., Node] = times) -> Node:
    """Return a formula with a number in place of one_hot."""
    known: dict[Node, Node] = {}
    for x in walk(u):
        if x is ONE_HOT:
            known[x] = number
        elif x.args and x.of_entries:
            made = product if x.op == "mul" else partial(build, x.op)
            known[x] = made(*(known[a] for a in x.args))
        else:
            known[x] = x
    return known[u]


def at_label(u: Node) -> bool:
    """Whether a formula of entries has another form at the label."""
    seen: set[Node] = set()
    stack = [u]
    while stack:
        x = stack.pop()
        if x is ONE_HOT:
            return True
        if x.of_entries and x not in seen:
            seen.add(x)
            stack.extend(x.args)
    return False


def numbers_of_row(u: Node) -> list[Node]:
    """Return the numbers of the row in a formula, not those within others."""
    return _outermost(u, lambda x: x.of_row)


def _outermost(u: Node, wanted: Callable[[Node], bool]) -> list[Node]:
    found: dict[Node, None] = {}
    seen: set[Node] = set()
    stack = [u]
    while stack:
        x = stack.pop()
        if x in seen:
            continue
        seen.add(x)
        if wanted(x):
            found[x] = None
        else:
            stack.extend(x.args)
    return list(found)


def is_of_rows(*roots: Node) -> bool:
    """Whether numbers of rows are in a formula."""
    return any(x.of_row for x in walk(*roots))


# -- slopes ----------------------------------------------------------------------------


def _weight(z: Node) -> Node:
    """How much the entry a moves N(v), of z = a - N(v)."""
    a, number = z.args
    if number.op == "lse":
        return exp(z)
    largest = raw("eq", number.args[0], number)  # at a tie the mean, as of maximum
    ties = row_sum(where(largest, ONE, ZERO))
    return where(raw("eq", a, number), div(ONE, ties), ZERO)


def _slope(x: Node) -> Node:
    u = x.args[0]
    weights = ONE if x.op == "row_sum" else _weight(node("sub", u, x))
    return _slope_of_sum(weights, u)


# What is v - N(v), N being lse or row_max with weights w, is a variable by itself: by
# way of N its slope would be a difference in which entries of a weight near 1 vanish.
# With x_j it moves at j by (1 - w_j) dv_j and elsewhere by -w_j dv_j, dv_j the slope of
# v, if v is made of no numbers of the row.


def _is_relative(x: Node) -> bool:
    """Whether the node is v - lse(v) or v - row_max(v)."""
    return (
        x.op == "sub"
        and x.args[1].op in ("lse", "row_max")
        and x.args[0] is x.args[1].args[0]
    )


def _is_simple(x: Node) -> bool:
    """Whether the node is one of them, of entries by themselves."""
    return _is_relative(x) and not numbers_of_row(x.args[0])


def _less(z: Node, w: Node) -> Node:
    """1 - w."""
    return neg(build("expm1", z)) if z.args[1].op == "lse" else sub(ONE, w)


def _slope_of_sum(weights: Node, u: Node) -> Node:
    """Return the slope by an entry of sum(weights * u), the weights held.

    That of sum(q z) for z = v - N(v) is that of sum((q - w sum(q)) v).
    """
    parts = _outermost(u, lambda x: x.of_row or _is_relative(x))
    held = [x for x in parts if not x.of_row]
    total = mul(weights, derivative_to(u, PREDICTION, held))
    for z in held:
        q = mul(weights, derivative_to(u, z, held))
        if q is not ZERO:
            total = add(total, _slope_of_sum(_gap(q, z), z.args[0]))
    for number in (x for x in parts if x.of_row):
        moved = mul(weights, derivative_to(u, number, held))
        total = add(total, _times_slope(row_sum(moved), number, moved))
    return total


def _gap(q: Node, z: Node) -> Node:
    """Return q - w sum(q) as q (1 - w) - (sum(q) - q) w."""
    w = _weight(z)
    return sub(mul(q, _less(z, w)), unless_at_rest(_others(q), w, q))


def _times_slope(total: Node, number: Node, moved: Node) -> Node:
    """A total times the slope of a number of the row."""
    slope = ZERO if total is ZERO else derivative_by_entry(number)
    return ZERO if slope is ZERO else unless_at_rest(total, slope, moved)


def slope_of_sub(x: Node, da: Node, db: Node) -> Node:
    """Return the slope of a difference; of v - N(v) by the entry itself."""
    if is_partial() or not _is_relative(x):
        return sub(da, db)
    v, w = x.args[0], _weight(x)
    less = _less(x, w)
    parts = _outermost(v, lambda u: u.of_row or _is_simple(u))
    held = [u for u in parts if not u.of_row]
    total = mul(less, derivative_to(v, PREDICTION, held))
    for z in held:
        moved = derivative_to(v, z, held)
        own = mul(mul(less, moved), _less(z, _weight(z)))
        slope = add(own, _moved_with(_others(mul(w, moved)), z))
        total = add(total, mul(slope, derivative_to(z.args[0], PREDICTION)))
    for number in (u for u in parts if u.of_row):
        moved = derivative_to(v, number, held)
        moved = sub(mul(less, moved), _others(mul(w, moved)))
        total = add(total, _times_slope(moved, number, v))
    return total


def _moved_with(others: Node, z: Node) -> Node:
    w = _weight(z)
    return unless_at_rest(others, w, others)


# What the other entries have is a difference, of which an entry with most of the sum
# leaves no digits: there it is left out of the sum instead.


def _others(q: Node) -> Node:
    """Return sum(q) - q; labels alone are no such entries."""
    total = row_sum(q)
    if PREDICTION.value not in q.leaves or not q.of_entries:
        return sub(total, q)
    size = build("abs", q)
    rest = raw("row_rest", _chosen(q), _chosen(size), row_max(size))
    return raw("others", total, q, rest, row_sum(size))


def _slope_of_others(x: Node, dtotal: Node, dq: Node, *_: Node) -> Node:
    """Return the slope by the entry itself, which the others move with by the row."""
    if is_partial():
        return sub(dtotal, dq)
    q = x.args[1]
    parts = _outermost(q, lambda u: u.of_row or _is_relative(u))
    held = [u for u in parts if not u.of_row]
    total = ZERO
    for y in held:
        total = add(total, _moved_others(derivative_to(q, y, held), y))
    for number in (u for u in parts if u.of_row):
        moved = _others(derivative_to(q, number, held))
        total = add(total, _times_slope(moved, number, q))
    return total


def _moved_others(q: Node, y: Node) -> Node:
    """Return the slope by an entry of the sum of q y over the others, y = v - N(v).

    The others move by (a - sum(w a)) dT for each T that v is made of with the slope a,
    and by -w times the own slope of the entry.
    """
    v, w = y.args[0], _weight(y)
    parts = _outermost(v, lambda u: u.of_row or _is_simple(u))
    held = [u for u in parts if not u.of_row]
    own, total = derivative_to(v, PREDICTION, held), ZERO
    for part in parts:
        a = derivative_to(v, part, held)
        moved = _others(mul(q, sub(a, row_sum(mul(w, a)))))
        if part.of_row:
            total = add(total, _times_slope(moved, part, v))
        else:
            by_entry = derivative_to(part.args[0], PREDICTION)
            own = add(own, mul(a, by_entry))
            total = sub(total, mul(_moved_with(moved, part), by_entry))
    return sub(total, mul(_moved_with(_others(q), y), own))


# -- lowered ---------------------------------------------------------------------------


def _chosen(u: Node, form: Callable[[Node], Node] = lambda x: x) -> Node:
    """Return a form of the entries, that at the label where it differs."""
    if not at_label(u):
        return form(u)
    return node("where", ONE_HOT, form(pick(u)), form(elsewhere(u)))


def _rest(u: Node) -> Node:
    m = row_max(u)
    powers = _chosen(u, lambda x: node("exp_below", x, m))
    return node("row_rest", powers, _chosen(u), m)


def _log_total(u: Node) -> Node:
    """lse(u) - row_max(u)."""
    return node("log1p", _rest(u))


def _total(u: Node) -> Node:
    return node("add", _rest(u), ONE)


def _share(a: Node, u: Node) -> Node:
    below = a in (u, pick(u), elsewhere(u))
    power = node("exp_below" if below else "exp_sub", a, row_max(u))
    return node("mul", power, node("div", ONE, _total(u)))


def _less_share(a: Node, u: Node) -> Node:
    """1 - p, of the largest entry by what the others have."""
    others = node("div", _rest(u), _total(u))
    return node("less_share", a, row_max(u), _share(a, u), others)


def _log_share(x: Node) -> tuple[Node, Node] | None:
    """Return (a, u) of a - lse(u)."""
    if x.op == "sub" and x.args[1].op == "lse":
        return x.args[0], x.args[1].args[0]
    return None


def lowered_lse(u: Node) -> Node:
    return node("add", row_max(u), _log_total(u))


def lowered_sub(a: Node, b: Node) -> Node:
    if b.op == "lse":
        u = b.args[0]
        return node("sub", node("sub", a, row_max(u)), _log_total(u))
    if a.op == "lse":
        u = a.args[0]
        return node("sub", _log_total(u), node("sub", b, row_max(u)))
    return node("sub", a, b)


def lowered_exp(x: Node) -> Node:
    found = _log_share(x)
    if found is not None:
        return _share(*found)
    if x.op == "lse":
        u = x.args[0]
        return node("mul", node("exp", row_max(u)), _total(u))
    if x.op == "sub" and x.args[0].op == "lse":
        return node("div", ONE, _share(x.args[1], x.args[0].args[0]))
    if x.op == "mul" and x.args[0].uniform:
        found = _log_share(x.args[1])
        if found is not None:
            return _power_of_share(found, *x.args)
    return node("exp", x)


def _power_of_share(found: tuple[Node, Node], k: Node, logarithm: Node) -> Node:
    """p^k; from the logarithm where p loses digits to underflow."""
    share = _share(*found)
    far = node("exp", node("mul", k, lowered_sub(*logarithm.args)))
    power = node("powers", share, k, ONE)
    return node("where", node("gt", share, const(1e-30)), power, far)


def lowered_expm1(x: Node) -> Node:
    found = _log_share(x)
    return node("expm1", x) if found is None else node("neg", _less_share(*found))


def lowered_log1mexp(x: Node) -> Node:
    found = _log_share(x)
    if found is None:
        return node("log1mexp", x)
    share = _share(*found)
    near = node("log1p", node("neg", share))
    far = node("log", _less_share(*found))
    return node("where", node("gt", const(0.5), share), near, far)


def _lowered_others(total: Node, q: Node, rest: Node, size: Node) -> Node:
    most = node("gt", build("abs", q), mul(const(0.5), size))
    return node("where", most, rest, node("sub", total, q))


def _of_one(x: float, *_: float) -> float:
    return x


OPERATIONS.update(
    row_sum=Operation(
        number=_of_one,
        simplified=row_sum,
        slope=_slope,
        text=("sum({0}, axis=-1)", "atom"),
        latex=(r"\sum_j {0:product}", "sum"),
        lowered=lambda u: node("row_sum", _chosen(u)),
        of_row=True,
    ),
    row_max=Operation(
        number=_of_one,
        simplified=row_max,
        slope=_slope,
        text=("max({0}, axis=-1)", "atom"),
        latex=(r"\max_j {0:product}", "sum"),
        lowered=lambda u: node("row_max", _chosen(u)),
        of_row=True,
    ),
    lse=Operation(
        number=_of_one,
        simplified=lse,
        slope=_slope,
        lowered=lowered_lse,
        text=("logsumexp({0}, axis=-1)", "atom"),
        latex=(r"\log \sum_j \exp\left({0}\right)", "sum"),
        of_row=True,
    ),
    pick=Operation(
        number=_of_one,
        slope=lambda x: ONE_HOT,
        text=("{0:atom}[y_true]", "atom"),
        latex=(r"{0:atom}_{{y}}", "atom"),
        of_row=True,
    ),
    label=Operation(
        number=_of_one,
        text=("y_true", "atom"),
        latex=("y", "atom"),
        of_row=True,
    ),
    look_up=Operation(number=_of_one, text=("{0:atom}[{1:atom}]", "atom"), of_row=True),
    row_rest=Operation(number=_of_one, of_row=True),
    others=Operation(
        number=lambda total, q, *_: total - q,
        slope=_slope_of_others,
        read_as=lambda total, q, *_: node("sub", total, q),
        lowered=_lowered_others,
    ),
    index=Operation(
        number=_of_one,
        text=("arange(y_pred.shape[-1])", "atom"),
        latex=("j", "atom"),
        lenient=True,
    ),
    one_hot=Operation(
        number=_of_one,
        text=("one_hot(y_true)", "atom"),
        latex=(r"\left[j = y\right]", "atom"),
        lowered=lambda index, label: node("eq", index, label),
        boolean=True,
    ),
)

LABEL: Node = node("label", node("input", value="y_true"))
INDEX: Node = node("index", node("input", value="y_true"))
ONE_HOT: Node = node("one_hot", INDEX, LABEL)


def equal(a: Node, b: Node) -> Node:
    return ONE_HOT if {a, b} == {INDEX, LABEL} else raw("eq", a, b)


def unequal(a: Node, b: Node) -> Node:
    found = equal(a, b)
    return build("not", found) if found is ONE_HOT else raw("ne", a, b)
