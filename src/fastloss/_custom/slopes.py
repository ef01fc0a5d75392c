"""Slopes of operations, put together from the slopes of their operands.

Where no derivative exists, the conventions are those of the built-in losses:
``abs`` has slope 0 at 0; ``maximum`` and ``minimum`` take at a tie the mean of the two
slopes if both operands move with ``y_pred``, else 0 (as hinge at margin 1); ``clip``
has slope 1 on the closed interval (as Huber at |r| = delta); comparisons and ``sign``
are constant. ``where`` is differentiated branch by branch, and the branch not taken
has no influence, NaN or not.
"""

from __future__ import annotations

from collections.abc import Callable

from .arithmetic import add, assuming, div, mul, neg, sigmoid, sigmoid_slope, sub, where
from .building import ONE, ZERO, build, is_const, nan_if, raw
from .derive import derivative
from .graph import Node, const, strict_nodes, walk
from .logarithms import logistic_slope
from .polynomials import shorter

Slope = Callable[..., Node]


def by_parts(*partials: Slope) -> Slope:
    """Return the slope that partial derivatives for each of the operands make.

    They take the node and its operands.
    """

    def slope(x: Node, *slopes: Node) -> Node:
        total = ZERO
        for partial, moved in zip(partials, slopes, strict=True):
            if moved is not ZERO:
                total = add(total, mul(partial(x, *x.args), moved))
        return total

    return slope


def still(x: Node, *args: Node) -> Node:
    """Partial derivative for an operand that does not move with ``y_pred``."""
    return ZERO


def reciprocal(x: Node) -> Node:
    return div(ONE, x)


def guarded(slope: Node, value: Node) -> Node:
    """Return the slope with the NaNs of the value.

    A slope can be a number where the value is a NaN: that of (y_true - y_pred)**2 is
    constant at second order. The guard reads a node on which the value depends
    strictly, if possible one the slope computes anyway.
    """
    if value.op == "where" and slope.op == "where" and slope.args[0] is value.args[0]:
        return where(
            slope.args[0],
            guarded(slope.args[1], value.args[1]),
            guarded(slope.args[2], value.args[2]),
        )
    missing = value.strict - slope.strict
    if not missing:
        return slope
    below = set(walk(slope))
    candidates = [x for x in strict_nodes(value) if missing <= x.strict]
    return nan_if(slope, min(candidates, key=lambda x: (x not in below, x.serial)))


def of_where(x: Node, dc: Node, da: Node, db: Node) -> Node:
    c, a, b = x.args
    da, db = assuming(da, c, True), assuming(db, c, False)
    return where(c, guarded(da, a), guarded(db, b))


def of_extremum(x: Node, da: Node, db: Node) -> Node:
    a, b = x.args
    high, low = (a, b) if x.op == "maximum" else (b, a)
    first, second = raw("gt", high, low), raw("gt", low, high)
    if db is ZERO:
        return where(first, da, ZERO)
    if da is ZERO:
        return where(second, db, ZERO)
    return where(first, da, where(second, db, mul(const(0.5), add(da, db))))


def of_clip(x: Node, dx: Node, dlow: Node, dhigh: Node) -> Node:
    z, low, high = x.args
    below, above = raw("ge", high, z), raw("ge", z, low)
    if dlow is ZERO and dhigh is ZERO:
        return where(raw("and", above, below), dx, ZERO)
    held = raw("and", below, raw("ge", high, low))  # the upper bound wins
    return where(held, where(above, dx, dlow), dhigh)


def of_quotient(x: Node, da: Node, db: Node) -> Node:
    a, b = x.args
    if db is ZERO:
        return div(da, b)
    if a is ZERO:
        return x
    if da is ZERO:
        return neg(mul(x, relative(b, db)))
    numerator = shorter((1, da, b), (-1, a, db))
    if numerator is not None:
        return div(div(numerator, b), b)
    return div(sub(da, mul(x, db)), b)


def _at_rest(a: Node, da: Node) -> Node:
    """Whether a and da are 0: where inf * 0 would be, the slope is 0, as of abs."""
    return raw("and", raw("eq", a, ZERO), raw("eq", da, ZERO))


def of_root(k: float, x: Node, da: Node) -> Node:
    """K da/x, where x is 0 at the root of 0."""
    slope = div(mul(const(k), da), x)
    return slope if da.uniform else where(_at_rest(x, da), ZERO, slope)


def of_logarithm(a: Node, da: Node) -> Node:
    """The slope of log(a)."""
    logarithm = build("log", a)
    if logarithm.op in ("log", "log_of_ratio"):
        return relative(a, da)
    return derivative(logarithm)


_POSITIVE = ("exp", "gauss", "sigmoid", "sigmoid_slope", "sigmoid_power", "mixture")


def relative(a: Node, da: Node) -> Node:
    """da/a; of products, powers and exponentials without dividing by them."""
    if da is ZERO:
        return ZERO

    def inner(i: int = 0) -> Node:
        return relative(a.args[i], derivative(a.args[i]))

    if a.op in _POSITIVE:
        return derivative(build("log", a))
    if a.op == "mul":
        return add(inner(0), inner(1))
    if a.op == "div":
        n, d = a.args
        dn, dd = derivative(n), derivative(d)
        numerator = shorter((1, dn, d), (-1, n, dd))
        if numerator is not None and dn is not ZERO and dd is not ZERO:
            return div(div(numerator, n), d)
        return sub(inner(0), inner(1))
    if a.op in ("square", "sqrt"):
        return mul(const(2.0 if a.op == "square" else 0.5), inner())
    if a.op in ("neg", "abs"):
        return inner()
    if a.op == "power" and derivative(a.args[1]) is ZERO:
        return mul(a.args[1], inner())
    return div(da, a)


def of_power(x: Node, da: Node, db: Node) -> Node:
    a, b = x.args
    total = ZERO
    if da is not ZERO:
        total = _of_base(1.0, a, b, raw("power_slope", a, b), da)
    if db is not ZERO:
        total = add(total, _of_exponent(a, mul(x, build("log", a)), db))
    return total


def of_power_slope(x: Node, da: Node, db: Node) -> Node:
    a, b = x.args
    total = ZERO
    if da is not ZERO:
        total = _of_base(2.0, a, b, raw("power_curve", a, b), da)
    if db is not ZERO:
        moved = add(ONE, mul(b, build("log", a)))
        moved = mul(build("power", a, sub(b, ONE)), moved)
        total = add(total, _of_exponent(a, moved, db))
    return total


def _of_exponent(a: Node, slope: Node, db: Node) -> Node:
    """Slope db; of a base 0 the slope is infinite."""
    found = mul(slope, db)
    if a.uniform or db.uniform:
        return found
    return where(_at_rest(a, db), ZERO, found)


def _of_base(order: float, a: Node, b: Node, slope: Node, da: Node) -> Node:
    """Slope da; at a base 0 the slope is infinite of powers between 0 and an order."""
    found = mul(slope, da)
    below = raw("and", raw("gt", b, ZERO), raw("gt", const(order), b))
    if is_const(below, 0.0) or da.uniform:
        return found
    rest = _at_rest(a, da)
    return where(rest if is_const(below, 1.0) else raw("and", below, rest), ZERO, found)


def of_xlogy(x: Node, da: Node, db: Node) -> Node:
    a, b = x.args
    total = ZERO if da is ZERO else mul(da, build("log", b))
    if db is ZERO:
        return total
    moved = where(raw("eq", a, ZERO), ZERO, mul(a, relative(b, db)))
    return add(total, moved)


def of_mixture(x: Node, dw: Node, dv: Node, du: Node) -> Node:
    w, v, u = x.args
    total = mul(mul(sub(w, v), sigmoid_slope(u)), du)
    return add(total, add(mul(dw, sigmoid(u)), mul(dv, sigmoid(neg(u)))))


def of_log_mixture(x: Node, dw: Node, dv: Node, du: Node) -> Node:
    total = mul(raw("mixture_slope", *x.args), du)
    if dw is ZERO and dv is ZERO:
        return total
    w, v, u = x.args
    moved = add(mul(dw, sigmoid(u)), mul(dv, sigmoid(neg(u))))
    return add(total, div(moved, raw("mixture", w, v, u)))


def of_mixture_slope(x: Node, dw: Node, dv: Node, du: Node) -> Node:
    total = mul(raw("mixture_curve", *x.args), du)
    if dw is ZERO and dv is ZERO:
        return total
    w, v, u = x.args
    p = raw("mixture", w, v, u)
    moved = add(mul(dw, sigmoid(u)), mul(dv, sigmoid(neg(u))))
    share = sub(mul(sub(dw, dv), sigmoid_slope(u)), mul(x, moved))
    return add(total, div(share, p))


def of_logistic(x: Node, da: Node, db: Node, du: Node) -> Node:
    a, b, u = x.args
    total = mul(logistic_slope(a, b, u), du)
    total = add(total, mul(da, build("softplus", u)))
    return add(total, mul(db, build("softplus", neg(u))))


def of_logistic_slope(x: Node, da: Node, db: Node, du: Node) -> Node:
    a, b, u = x.args
    total = mul(mul(add(a, b), sigmoid_slope(u)), du)
    total = add(total, mul(da, sigmoid(u)))
    return sub(total, mul(db, sigmoid(neg(u))))
