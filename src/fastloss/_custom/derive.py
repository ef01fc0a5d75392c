"""Derivatives of expression graphs with respect to ``y_pred``, exact and simplified.

Where no derivative exists, the conventions are those of the built-in losses:
``abs`` has slope 0 at 0; ``maximum`` and ``minimum`` take at a tie the mean of the two
slopes if both operands move with ``y_pred``, else 0 (as hinge at margin 1); ``clip``
has slope 1 on the closed interval (as Huber at |r| = delta); comparisons and ``sign``
are constant. ``where`` is differentiated branch by branch, and the branch not taken
has no influence, NaN or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .graph import BOOLEAN, Node, const, node, strict_nodes, walk
from .simplify import (
    ONE,
    TWO,
    ZERO,
    add,
    assuming,
    build,
    div,
    logistic_slope,
    mul,
    nan_if,
    neg,
    raw,
    sigmoid,
    sigmoid_slope,
    square,
    sub,
    where,
)

PREDICTION = node("input", value="y_pred")
HALF = const(0.5)


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


def _slope(x: Node, known: dict[Node, Node]) -> Node:
    if x is PREDICTION:
        return ONE
    if not x.args or x.op in BOOLEAN or all(known[a] is ZERO for a in x.args):
        return ZERO
    if x.op in _LINEAR:
        return _LINEAR[x.op](x, *(known[a] for a in x.args))
    if x.op not in _PARTIALS:
        raise NoDerivativeError(x.op)
    total = ZERO
    for partial, a in zip(_PARTIALS[x.op], x.args, strict=True):
        if known[a] is not ZERO:
            total = add(total, mul(partial(x, *x.args), known[a]))
    return total


# -- operations whose slope is put together from slopes, not from a product ------------


def _where_slope(x: Node, dc: Node, da: Node, db: Node) -> Node:
    c, a, b = x.args
    da, db = assuming(da, c, True), assuming(db, c, False)
    return where(c, guarded(da, a), guarded(db, b))


def _extremum_slope(x: Node, da: Node, db: Node) -> Node:
    a, b = x.args
    high, low = (a, b) if x.op == "maximum" else (b, a)
    first, second = raw("gt", high, low), raw("gt", low, high)
    if db is ZERO:
        return where(first, da, ZERO)
    if da is ZERO:
        return where(second, db, ZERO)
    return where(first, da, where(second, db, mul(HALF, add(da, db))))


def _clip_slope(x: Node, dx: Node, dlow: Node, dhigh: Node) -> Node:
    z, low, high = x.args
    below, above = raw("ge", high, z), raw("ge", z, low)
    if dlow is ZERO and dhigh is ZERO:
        return where(raw("and", above, below), dx, ZERO)
    return where(above, where(below, dx, dhigh), dlow)


def _quotient_slope(x: Node, da: Node, db: Node) -> Node:
    b = x.args[1]
    if db is ZERO:
        return div(da, b)
    if da is ZERO:
        return neg(mul(x, div(db, b)))
    return div(sub(da, mul(x, db)), b)


def _power_slope(x: Node, da: Node, db: Node) -> Node:
    a, b = x.args
    total = ZERO
    if da is not ZERO:
        slope = (
            raw("power_slope", a, b)
            if b.uniform
            else mul(b, build("power", a, sub(b, ONE)))
        )
        total = mul(slope, da)
    if db is not ZERO:
        total = add(total, mul(mul(x, build("log", a)), db))
    return total


def _power_slope_slope(x: Node, da: Node, db: Node) -> Node:
    return mul(raw("power_curve", *x.args), da)


def _logistic_slope(x: Node, da: Node, db: Node, du: Node) -> Node:
    a, b, u = x.args
    total = mul(logistic_slope(a, b, u), du)
    total = add(total, mul(da, build("softplus", u)))
    return add(total, mul(db, build("softplus", neg(u))))


def _logistic_curve(x: Node, da: Node, db: Node, du: Node) -> Node:
    a, b, u = x.args
    total = mul(mul(add(a, b), sigmoid_slope(u)), du)
    total = add(total, mul(da, sigmoid(u)))
    return sub(total, mul(db, sigmoid(neg(u))))


_LINEAR: dict[str, Callable[..., Node]] = {
    "add": lambda x, da, db: add(da, db),
    "sub": lambda x, da, db: sub(da, db),
    "neg": lambda x, da: neg(da),
    "nan_if": lambda x, da, db: nan_if(da, x.args[1]),
    "where": _where_slope,
    "maximum": _extremum_slope,
    "minimum": _extremum_slope,
    "clip": _clip_slope,
    "div": _quotient_slope,
    "power": _power_slope,
    "power_slope": _power_slope_slope,
    "logistic": _logistic_slope,
    "logistic_slope": _logistic_curve,
    "sign": lambda x, da: nan_if(ZERO, x.args[0]),
}

# -- the others: one partial derivative for each operand -------------------------------


def _reciprocal(x: Node) -> Node:
    return div(ONE, x)


def _no_partial(x: Node, *args: Node) -> Node:
    """The operand is uniform and does not move with ``y_pred``."""
    return ZERO


_PARTIALS: dict[str, tuple[Callable[..., Node], ...]] = {
    "mul": (lambda x, a, b: b, lambda x, a, b: a),
    "abs": (lambda x, a: build("sign", a),),
    "square": (lambda x, a: mul(TWO, a),),
    "sqrt": (lambda x, a: mul(HALF, _reciprocal(x)),),
    "cbrt": (lambda x, a: div(const(1 / 3), square(x)),),
    "exp": (lambda x, a: x,),
    "expm1": (lambda x, a: build("exp", a),),
    "log": (lambda x, a: _reciprocal(a),),
    "log1p": (lambda x, a: _reciprocal(add(ONE, a)),),
    "log2": (lambda x, a: div(const(1 / math.log(2)), a),),
    "log10": (lambda x, a: div(const(1 / math.log(10)), a),),
    "sin": (lambda x, a: build("cos", a),),
    "cos": (lambda x, a: neg(build("sin", a)),),
    "tanh": (lambda x, a: mul(const(4.0), sigmoid_slope(mul(TWO, a))),),
    "arctan": (lambda x, a: _reciprocal(add(ONE, square(a))),),
    "sinh": (lambda x, a: build("cosh", a),),
    "cosh": (lambda x, a: build("sinh", a),),
    "erf": (
        lambda x, a: mul(const(2 / math.sqrt(math.pi)), build("exp", neg(square(a)))),
    ),
    "hypot": (lambda x, a, b: div(a, x), lambda x, a, b: div(b, x)),
    "logaddexp": (
        lambda x, a, b: sigmoid(sub(a, b)),
        lambda x, a, b: sigmoid(sub(b, a)),
    ),
    "softplus": (lambda x, a: sigmoid(a),),
    "sigmoid": (lambda x, a: sigmoid_slope(a),),
    "sigmoid_slope": (lambda x, a: neg(mul(x, build("tanh", mul(HALF, a)))),),
    "log_cosh": (lambda x, a: build("tanh", a),),
    "sqrt1pm1": (lambda x, a: mul(HALF, _reciprocal(build("sqrt", add(ONE, a)))),),
    "root": (_no_partial, lambda x, c, a: raw("root_slope", c, a)),
    "root_slope": (_no_partial, lambda x, c, a: raw("root_curve", c, a)),
    "root_minus": (_no_partial, lambda x, k, a: raw("root_slope", square(k), a)),
    # d log(1 - e^x)/dx = -e^x/(1 - e^x) = e^x/expm1(x)
    "log1mexp": (lambda x, a: div(build("exp", a), build("expm1", a)),),
    "gauss": (
        _no_partial,
        lambda x, c, a: mul(mul(mul(TWO, c), a), x),
    ),
}
