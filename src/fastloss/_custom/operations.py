"""The operations of formulas, one record each: see `graph.Operation`.

The forms that a formula may be rewritten to because they are stable (`building` says
where the rules are) are records like those NumPy has a name for:

    softplus(x)        log(1 + exp(x))
    sigmoid(x)         1/(1 + exp(-x))
    sigmoid_slope(x)   sigmoid(x) sigmoid(-x)
    logistic(a, b, x)  a softplus(x) + b softplus(-x)
    logistic_slope     a sigmoid(x) - b sigmoid(-x)
    log_cosh(x)        log(cosh(x))
    root(c, x)         sqrt(c + x^2); root_slope its slope x/root and root_curve the
                       slope of that, c/root^3, where the quotient rule would cancel
    root_minus(k, x)   sqrt(k^2 + x^2) - k
    sqrt1pm1(x)        sqrt(1 + x) - 1; sqrt_minus(k, x) sqrt(k^2 + x) - k, k > 0
    log1mexp(x)        log(1 - exp(x))
    log1p_minus(x)     x - log(1 + x); expm1_minus(x) exp(x) - 1 - x
    log_ratio_minus    a/b - 1 - log(a/b)
    log_of_ratio       log(x), given also x - 1 without a rounding of 1
    powm1(x, p)        (1 + x)^p - 1; root_powm1 sqrt(1 + x^2)^p - 1
    log1p_square(x)    log(1 + x^2), where x^2 overflows too, its slope and curve
    xlogy(a, b)        a log(b), 0 for a = 0
    sigmoid_power      sigmoid(x)^k, also where sigmoid(x) underflows
    mixture(w, v, x)   w sigmoid(x) + v sigmoid(-x) for w + v = 1; log_mixture, its
                       slope mixture_slope and the slope of that, mixture_curve
    abs_slope(x)       sign(x), whose square is 1, also at 0: the slope of abs
    gauss(c, x)        exp(c x^2), the square taken with its rounding error
    power_slope(x, p)  p x^(p - 1); power_curve p (p - 1) x^(p - 2); 0 for a factor 0
    nan_if(a, b)       a, but NaN where b is

The interpreter's versions ending in _t share t = exp(-|x|), or exp(-2|x|): exp_decay.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from . import numbers, rows, slopes
from .arithmetic import (
    absolute,
    add,
    div,
    even,
    exp,
    mul,
    neg,
    odd,
    over,
    sigmoid,
    sigmoid_slope,
    square,
    sub,
    times,
    where,
)
from .building import ONE, TWO, ZERO, build, nan_if, raw
from .comparisons import less, less_equal, logical_not, maximum, minimum
from .graph import OPERATIONS, Node, Operation, const, node
from .logarithms import (
    log,
    log1p,
    log_cosh,
    logaddexp,
    logistic,
    logistic_slope,
    softplus,
)
from .powers import power, sqrt
from .slopes import by_parts, reciprocal, still


def _decay(x: Node) -> Node:
    """exp(-|x|), which the logistic and hyperbolic functions of x share."""
    bare = absolute(x)
    return raw("exp_decay", bare.args[0] if bare.op == "abs" else bare)


def _constant(x: Node, da: Node) -> Node:
    """The slope of a step, a NaN where that is one."""
    return nan_if(ZERO, x.args[0])


def _over_length(x: Node, a: Node, b: Node) -> Node:
    """x/hypot(a, b), and x where the length is 0, as of abs."""
    length = build("hypot", a, b)
    return div(x, where(raw("eq", length, ZERO), ONE, length))


def _at_least_one(x: Node, power: Node, *factors: Node) -> Node:
    """A power with factors, 0 for a factor 0: of power_slope and power_curve.

    Factors come one by one: their product may overflow where the power underflows.
    """
    k = functools.reduce(mul, factors)
    if power.uniform and k.uniform:
        return node("powers", x, power, k)
    zero = raw("eq", k, ZERO)
    product = functools.reduce(mul, factors, node("power", x, power))
    return where(zero, nan_if(ZERO, x), product)


def _minus_one(power: Node, logarithm: Node) -> Node:
    """Power - 1, by way of its logarithm where that is small."""
    small = raw("gt", const(0.25), raw("abs", logarithm))
    return node("where", small, raw("expm1", logarithm), node("sub", power, ONE))


def _sqrt_minus(k: Node, x: Node) -> Node:
    """x/(sqrt(k^2 + x) + k); where the root is 3 k or more, as it stands."""
    root = node("sqrt", node("add", square(k), x))
    far = node("gt", x, mul(const(8.0), square(k)))
    quotient = node("div", x, node("add", root, k))
    return node("where", far, node("sub", root, k), quotient)


def _arcsinh(x: Node) -> Node:
    """By |x| + x^2/(1 + sqrt(1 + x^2)), log(2 |x|) where that does not count."""
    size = raw("abs", x)
    ratio = node("div", size, node("add", ONE, node("root", ONE, size)))
    near = node("log1p", node("add", size, node("mul", size, ratio)))
    far = node("add", node("log", size), const(math.log(2.0)))
    high = node("gt", size, const(2.0**30))
    return node("mul", node("abs_slope", x), node("where", high, far, near))


def _unless_zero(a: Node, product: Node, b: Node) -> Node:
    """The product with a, 0 where a is and b is a number."""
    return where(raw("eq", a, ZERO), nan_if(ZERO, b), product)


def _entropy(a: Node, b: Node, rest: Node) -> Node:
    """A log(a/b) + rest; for a = 0 the rest, outside of the domain an infinity."""
    zero = ZERO
    inside = raw("and", raw("gt", a, zero), raw("gt", b, zero))
    edge = raw("and", raw("eq", a, zero), raw("ge", b, zero))
    term = add(mul(a, log(div(a, b))), rest)
    chosen = where(inside, term, where(edge, rest, const(math.inf)))
    return nan_if(nan_if(chosen, a), b)


def _finite(x: Node) -> Node:
    return raw("gt", const(math.inf), absolute(x))


def _chosen(c: Node, a: Node, b: Node) -> Node:
    """where(c, k x, m x) as where(c, k, m) x, which rounds the same."""
    if a.op == b.op == "mul" and a.args[0].uniform and b.args[0].uniform:
        factor = a.args[1]
        if factor is b.args[1]:
            return node("mul", node("where", c, a.args[0], b.args[0]), factor)
    return node("where", c, a, b)


def _logistic_slope_read(a: Node, b: Node, x: Node) -> Node:
    if a is sub(ONE, b):
        return node("sub", sigmoid(x), b)
    return node("sub", mul(a, sigmoid(x)), mul(b, sigmoid(neg(x))))


def _call(command: str, operands: str = "{0}") -> tuple[str, str]:
    """Return the template of a function that LaTeX has a command for."""
    return rf"{command}\left({operands}\right)", "atom"


_CASES = (
    r"\begin{{cases}}{1} & \text{{if }} {0} \\ {2} & \text{{otherwise}}\end{{cases}}"
)

OPERATIONS.update(
    # -- arithmetic --------------------------------------------------------------------
    add=Operation(
        numpy=("add",),
        number=np.add,
        simplified=add,
        slope=lambda x, da, db: add(da, db),
        text=("{0:sum} + {1:sum}", "sum"),
        commutative=True,
    ),
    sub=Operation(
        numpy=("subtract",),
        number=np.subtract,
        simplified=sub,
        slope=rows.slope_of_sub,
        lowered=rows.lowered_sub,
        text=("{0:sum} - {1:product}", "sum"),
    ),
    neg=Operation(
        numpy=("negative",),
        number=np.negative,
        simplified=neg,
        slope=lambda x, da: neg(da),
        text=("-{0:product}", "sum"),
    ),
    mul=Operation(
        numpy=("multiply",),
        number=np.multiply,
        simplified=times,
        slope=by_parts(lambda x, a, b: b, lambda x, a, b: a),
        text=("{0:product}*{1:product}", "product"),
        latex=(r"{0:product} \, {1:product}", "product"),
        commutative=True,
    ),
    div=Operation(
        partial=True,
        numpy=("divide",),
        number=np.divide,
        simplified=over,
        slope=slopes.of_quotient,
        text=("{0:product}/{1:sign}", "product"),
        latex=(r"\frac{{{0}}}{{{1}}}", "power"),
    ),
    abs=Operation(
        numpy=("absolute", "fabs"),
        number=np.abs,
        simplified=absolute,
        slope=by_parts(lambda x, a: build("abs_slope", a)),
        latex=(r"\left|{0}\right|", "atom"),
    ),
    abs_slope=Operation(
        number=np.sign,
        simplified=odd("abs_slope"),
        slope=_constant,
        read_as=lambda x: node("sign", x),
        lowered=lambda x: node("sign", x),
    ),
    sign=Operation(
        numpy=("sign",),
        number=np.sign,
        simplified=odd("sign"),
        slope=_constant,
    ),
    # -- powers and roots --------------------------------------------------------------
    square=Operation(
        numpy=("square",),
        number=np.square,
        simplified=square,
        slope=by_parts(lambda x, a: mul(TWO, a)),
        text=("{0:atom}**2", "power"),
        latex=("{0:atom}^{{2}}", "power"),
    ),
    sqrt=Operation(
        partial=True,
        numpy=("sqrt",),
        number=np.sqrt,
        simplified=sqrt,
        slope=lambda x, da: slopes.of_root(0.5, x, da),
        latex=(r"\sqrt{{{0}}}", "atom"),
    ),
    cbrt=Operation(
        numpy=("cbrt",),
        number=np.cbrt,
        simplified=odd("cbrt"),
        slope=lambda x, da: slopes.of_root(1 / 3, square(x), da),
        latex=(r"\sqrt[3]{{{0}}}", "atom"),
    ),
    power=Operation(
        partial=True,
        numpy=("power", "float_power"),
        number=np.power,
        simplified=power,
        slope=slopes.of_power,
        text=("{0:atom}**{1:power}", "power"),
        latex=("{0:atom}^{{{1}}}", "power"),
        lowered=lambda x, p: (
            node("powers", x, p, ONE) if p.uniform else node("power", x, p)
        ),
    ),
    power_slope=Operation(
        partial=True,
        number=numbers.power_slope,
        slope=slopes.of_power_slope,
        read_as=lambda x, p: mul(p, node("power", x, sub(p, ONE))),
        lowered=lambda x, p: _at_least_one(x, sub(p, ONE), p),
    ),
    power_curve=Operation(
        partial=True,
        number=numbers.power_curve,
        read_as=lambda x, p: mul(mul(p, sub(p, ONE)), node("power", x, sub(p, TWO))),
        lowered=lambda x, p: _at_least_one(x, sub(p, TWO), p, sub(p, ONE)),
    ),
    hypot=Operation(
        numpy=("hypot",),
        number=np.hypot,
        slope=by_parts(
            lambda x, a, b: raw("hypot_slope", a, b),
            lambda x, a, b: raw("hypot_slope", b, a),
        ),
    ),
    hypot_slope=Operation(
        number=lambda a, b: a / (np.hypot(a, b) or 1.0),
        slope=by_parts(
            lambda x, a, b: _over_length(square(raw("hypot_slope", b, a)), a, b),
            lambda x, a, b: neg(_over_length(mul(x, raw("hypot_slope", b, a)), a, b)),
        ),
        read_as=lambda a, b: node("div", a, node("hypot", a, b)),
        lowered=lambda a, b: _over_length(a, a, b),
    ),
    root=Operation(
        number=lambda c, x: np.sqrt(c + x * x),
        slope=by_parts(still, lambda x, c, a: raw("root_slope", c, a)),
        read_as=lambda c, x: node("sqrt", add(c, square(x))),
        lowered=lambda c, x: node("root", x, c),
    ),
    root_slope=Operation(
        number=lambda c, x: x / np.sqrt(c + x * x),
        slope=by_parts(still, lambda x, c, a: raw("root_curve", c, a)),
        read_as=lambda c, x: node("div", x, raw("root", c, x)),
        lowered=lambda c, x: node("root_slope", x, raw("root", c, x)),
    ),
    root_curve=Operation(
        number=lambda c, x: c / np.sqrt(c + x * x) ** 3,
        slope=by_parts(
            still,
            lambda x, c, a: mul(
                const(-3.0), div(mul(x, raw("root_slope", c, a)), raw("root", c, a))
            ),
        ),
        read_as=lambda c, x: node("div", c, node("power", raw("root", c, x), const(3))),
        lowered=lambda c, x: node("root_curve", x, raw("root", c, x), c),
    ),
    root_minus=Operation(
        number=lambda k, x: x * x / (k + np.sqrt(k * k + x * x)),
        slope=by_parts(still, lambda x, k, a: raw("root_slope", square(k), a)),
        read_as=lambda k, x: node("sub", raw("root", square(k), x), k),
        lowered=lambda k, x: node("root_minus", x, raw("root", square(k), x), k),
    ),
    sqrt1pm1=Operation(
        partial=True,
        number=lambda x: x / (1.0 + np.sqrt(1.0 + x)),
        slope=by_parts(
            lambda x, a: mul(const(0.5), reciprocal(build("sqrt", add(ONE, a))))
        ),
        read_as=lambda x: node("sub", node("sqrt", add(ONE, x)), ONE),
    ),
    sqrt_minus=Operation(
        partial=True,
        number=lambda k, x: x / (k + np.sqrt(k * k + x)),
        slope=by_parts(
            still,
            lambda x, k, a: mul(
                const(0.5), reciprocal(build("sqrt", add(square(k), a)))
            ),
        ),
        read_as=lambda k, x: node("sub", node("sqrt", add(square(k), x)), k),
        lowered=_sqrt_minus,
    ),
    # -- exponentials and logarithms ---------------------------------------------------
    exp=Operation(
        numpy=("exp",),
        number=np.exp,
        simplified=exp,
        slope=by_parts(lambda x, a: x),
        lowered=rows.lowered_exp,
        latex=_call(r"\exp"),
    ),
    exp_decay=Operation(number=lambda x: np.exp(-np.abs(x))),
    expm1=Operation(
        numpy=("expm1",),
        number=np.expm1,
        slope=by_parts(lambda x, a: build("exp", a)),
        lowered=rows.lowered_expm1,
    ),
    log=Operation(
        partial=True,
        numpy=("log",),
        number=np.log,
        simplified=log,
        slope=lambda x, da: slopes.of_logarithm(x.args[0], da),
        latex=_call(r"\log"),
    ),
    log1p=Operation(
        partial=True,
        numpy=("log1p",),
        number=np.log1p,
        simplified=log1p,
        slope=by_parts(lambda x, a: reciprocal(add(ONE, a))),
    ),
    log1p_square=Operation(
        number=lambda x: np.log1p(x * x),
        slope=by_parts(lambda x, a: raw("log1p_square_slope", a)),
        read_as=lambda x: node("log1p", square(x)),
    ),
    log1p_square_slope=Operation(
        number=lambda x: 2.0 * x / (1.0 + x * x),
        slope=by_parts(lambda x, a: raw("log1p_square_curve", a)),
        read_as=lambda x: node("div", mul(TWO, x), node("add", ONE, square(x))),
    ),
    log1p_square_curve=Operation(
        number=lambda x: 2.0 * (1.0 - x * x) / (1.0 + x * x) ** 2,
        read_as=lambda x: node(
            "div",
            mul(TWO, node("sub", ONE, square(x))),
            square(node("add", ONE, square(x))),
        ),
    ),
    log1p_minus=Operation(
        partial=True,
        number=lambda x: x - np.log1p(x),
        slope=by_parts(lambda x, a: div(a, add(ONE, a))),
        read_as=lambda x: node("sub", x, node("log1p", x)),
    ),
    expm1_minus=Operation(
        number=lambda x: np.expm1(x) - x,
        slope=by_parts(lambda x, a: build("expm1", a)),
        read_as=lambda x: node("sub", node("expm1", x), x),
    ),
    log_ratio_minus=Operation(
        partial=True,
        number=lambda a, b: a / b - 1.0 - np.log(a / b),
        slope=by_parts(
            lambda x, a, b: div(div(sub(a, b), a), b),
            lambda x, a, b: div(div(sub(b, a), b), b),
        ),
        read_as=lambda a, b: node(
            "sub", node("sub", node("div", a, b), ONE), node("log", node("div", a, b))
        ),
    ),
    log_of_ratio=Operation(
        partial=True,
        number=lambda x, less: np.log1p(less) if abs(less) < 0.5 else np.log(x),
        slope=lambda x, da, dless: slopes.of_logarithm(x.args[0], da),
        read_as=lambda x, less: node("log", x),
        lowered=lambda x, less: node(
            "where",
            raw("gt", const(0.5), raw("abs", less)),
            raw("log1p", less),
            raw("log", x),
        ),
    ),
    powm1=Operation(
        partial=True,
        number=lambda x, p: np.expm1(p * np.log1p(x)),
        slope=by_parts(lambda x, a, p: raw("power_slope", add(ONE, a), p), still),
        read_as=lambda x, p: node("sub", node("power", add(ONE, x), p), ONE),
        lowered=lambda x, p: _minus_one(
            node("power", add(ONE, x), p), mul(p, raw("log1p", x))
        ),
    ),
    xlogy=Operation(
        partial=True,
        numpy=("xlogy",),
        number=lambda a, b: 0.0 if a == 0.0 and b == b else a * np.log(b),
        slope=slopes.of_xlogy,
        lowered=lambda a, b: _unless_zero(a, mul(a, build("log", b)), b),
    ),
    root_powm1=Operation(
        number=lambda x, p: np.expm1(0.5 * p * np.log1p(x * x)),
        slope=by_parts(
            lambda x, a, p: mul(
                raw("power_slope", raw("root", ONE, a), p), raw("root_slope", ONE, a)
            ),
            still,
        ),
        read_as=lambda x, p: node("sub", node("power", raw("root", ONE, x), p), ONE),
        lowered=lambda x, p: _minus_one(
            node("power", raw("root", ONE, x), p),
            mul(mul(const(0.5), p), raw("log1p_square", x)),
        ),
    ),
    logit=Operation(
        numpy=("logit",),
        number=lambda p: np.log(p / (1.0 - p)),
        simplified=lambda p: log(div(p, sub(ONE, p))),
    ),
    rel_entr=Operation(
        numpy=("rel_entr",),
        number=numbers.rel_entr,
        simplified=lambda a, b: _entropy(a, b, ZERO),
    ),
    kl_div=Operation(
        numpy=("kl_div",),
        number=lambda a, b: numbers.rel_entr(a, b) - a + b,
        simplified=lambda a, b: _entropy(a, b, sub(b, a)),
    ),
    log2=Operation(
        partial=True,
        numpy=("log2",),
        number=np.log2,
        slope=lambda x, da: mul(
            const(1 / math.log(2)), slopes.of_logarithm(x.args[0], da)
        ),
        latex=_call(r"\log_2"),
    ),
    log10=Operation(
        partial=True,
        numpy=("log10",),
        number=np.log10,
        slope=lambda x, da: mul(
            const(1 / math.log(10)), slopes.of_logarithm(x.args[0], da)
        ),
        latex=_call(r"\log_{{10}}"),
    ),
    log1mexp=Operation(
        partial=True,
        number=numbers.log1mexp,
        # d log(1 - e^x)/dx = -e^x/(1 - e^x) = e^x/expm1(x)
        slope=by_parts(lambda x, a: div(build("exp", a), build("expm1", a))),
        lowered=rows.lowered_log1mexp,
        read_as=lambda x: node("log", node("sub", ONE, build("exp", x))),
    ),
    gauss=Operation(
        number=lambda c, x: np.exp(c * x * x),
        slope=by_parts(still, lambda x, c, a: mul(mul(mul(TWO, c), a), x)),
        read_as=lambda c, x: node("exp", mul(c, square(x))),
        lowered=lambda c, x: node("gauss", x, c),
    ),
    logaddexp=Operation(
        numpy=("logaddexp",),
        number=np.logaddexp,
        simplified=logaddexp,
        slope=by_parts(
            lambda x, a, b: sigmoid(sub(a, b)), lambda x, a, b: sigmoid(sub(b, a))
        ),
        lowered=lambda a, b: node("logaddexp_t", a, b, _decay(sub(a, b))),
    ),
    # -- logistic functions ------------------------------------------------------------
    softplus=Operation(
        number=numbers.softplus,
        slope=by_parts(lambda x, a: sigmoid(a)),
        lowered=lambda x: node("softplus_t", x, _decay(x)),
    ),
    sigmoid=Operation(
        numpy=("expit",),
        number=numbers.sigmoid,
        slope=by_parts(lambda x, a: sigmoid_slope(a)),
        latex=_call(r"\sigma"),
        lowered=lambda x: node("sigmoid_t", x, _decay(x)),
    ),
    sigmoid_slope=Operation(
        number=numbers.sigmoid_slope,
        simplified=sigmoid_slope,
        slope=by_parts(lambda x, a: neg(mul(x, build("tanh", mul(const(0.5), a))))),
        read_as=lambda x: node("mul", sigmoid(x), node("sub", ONE, sigmoid(x))),
        lowered=lambda x: node("sigmoid_slope_t", _decay(x)),
    ),
    sigmoid_power=Operation(
        number=lambda x, k: np.exp(-k * numbers.softplus(-x)),
        slope=by_parts(
            lambda x, a, k: mul(mul(k, x), sigmoid(neg(a))),
            lambda x, a, k: neg(mul(x, softplus(neg(a)))),
        ),
        read_as=lambda x, k: node("power", sigmoid(x), k),
        lowered=lambda x, k: node("sigmoid_power_t", x, k, _decay(x)),
    ),
    mixture=Operation(
        number=lambda w, v, x: w * numbers.sigmoid(x) + v * numbers.sigmoid(-x),
        slope=slopes.of_mixture,
        read_as=lambda w, v, x: node(
            "add", mul(w, sigmoid(x)), mul(v, sigmoid(neg(x)))
        ),
        lowered=lambda w, v, x: node("logistic_slope_t", w, neg(v), x, _decay(x)),
    ),
    log_mixture=Operation(
        partial=True,
        number=lambda w, v, x: np.log(w * numbers.sigmoid(x) + v * numbers.sigmoid(-x)),
        slope=slopes.of_log_mixture,
        read_as=lambda w, v, x: node("log", raw("mixture", w, v, x)),
        lowered=lambda w, v, x: node("log_mixture_t", w, v, x, _decay(x)),
    ),
    mixture_slope=Operation(
        partial=True,
        number=lambda w, v, x: (
            (w - v)
            * numbers.sigmoid_slope(x)
            / (w * numbers.sigmoid(x) + v * numbers.sigmoid(-x))
        ),
        slope=slopes.of_mixture_slope,
        read_as=lambda w, v, x: node(
            "div", mul(sub(w, v), sigmoid_slope(x)), raw("mixture", w, v, x)
        ),
        lowered=lambda w, v, x: node("mixture_slope_t", w, v, x, _decay(x)),
    ),
    mixture_curve=Operation(
        partial=True,
        number=numbers.mixture_curve,
        read_as=lambda w, v, x: node(
            "neg",
            mul(
                raw("mixture_slope", w, v, x),
                div(
                    sub(mul(w, square(sigmoid(x))), mul(v, square(sigmoid(neg(x))))),
                    raw("mixture", w, v, x),
                ),
            ),
        ),
        lowered=lambda w, v, x: node("mixture_curve_t", w, v, x, _decay(x)),
    ),
    logistic=Operation(
        number=lambda a, b, x: a * numbers.softplus(x) + b * numbers.softplus(-x),
        simplified=logistic,
        slope=slopes.of_logistic,
        read_as=lambda a, b, x: node(
            "add", mul(a, softplus(x)), mul(b, softplus(neg(x)))
        ),
        lowered=lambda a, b, x: node("logistic_t", a, b, x, _decay(x)),
    ),
    logistic_slope=Operation(
        number=lambda a, b, x: a * numbers.sigmoid(x) - b * numbers.sigmoid(-x),
        simplified=logistic_slope,
        slope=slopes.of_logistic_slope,
        read_as=_logistic_slope_read,
        lowered=lambda a, b, x: node("logistic_slope_t", a, b, x, _decay(x)),
    ),
    # -- trigonometric and hyperbolic functions, and others ----------------------------
    sin=Operation(
        numpy=("sin",),
        number=np.sin,
        simplified=odd("sin"),
        slope=by_parts(lambda x, a: build("cos", a)),
        latex=_call(r"\sin"),
    ),
    cos=Operation(
        numpy=("cos",),
        number=np.cos,
        simplified=even("cos"),
        slope=by_parts(lambda x, a: neg(build("sin", a))),
        latex=_call(r"\cos"),
    ),
    arcsinh=Operation(
        numpy=("arcsinh",),
        number=np.arcsinh,
        simplified=odd("arcsinh"),
        slope=by_parts(lambda x, a: reciprocal(raw("root", ONE, a))),
        lowered=_arcsinh,
    ),
    arctan=Operation(
        numpy=("arctan",),
        number=np.arctan,
        simplified=odd("arctan"),
        slope=by_parts(lambda x, a: reciprocal(add(ONE, square(a)))),
        latex=_call(r"\arctan"),
    ),
    sinh=Operation(
        numpy=("sinh",),
        number=np.sinh,
        simplified=odd("sinh"),
        slope=by_parts(lambda x, a: build("cosh", a)),
        latex=_call(r"\sinh"),
    ),
    cosh=Operation(
        numpy=("cosh",),
        number=np.cosh,
        simplified=even("cosh"),
        slope=by_parts(lambda x, a: build("sinh", a)),
        latex=_call(r"\cosh"),
    ),
    tanh=Operation(
        numpy=("tanh",),
        number=np.tanh,
        simplified=odd("tanh"),
        slope=by_parts(lambda x, a: mul(const(4.0), sigmoid_slope(mul(TWO, a)))),
        latex=_call(r"\tanh"),
        lowered=lambda x: node("tanh_t", x, _decay(mul(TWO, x))),
    ),
    log_cosh=Operation(
        number=numbers.log_cosh,
        simplified=log_cosh,
        slope=by_parts(lambda x, a: build("tanh", a)),
        lowered=lambda x: node("log_cosh_t", x, _decay(mul(TWO, x))),
    ),
    erf=Operation(
        numpy=("erf",),
        number=math.erf,
        simplified=odd("erf"),
        slope=by_parts(
            lambda x, a: mul(
                const(2 / math.sqrt(math.pi)), build("exp", neg(square(a)))
            )
        ),
    ),
    erfc=Operation(
        numpy=("erfc",),
        number=math.erfc,
        slope=by_parts(
            lambda x, a: mul(
                const(-2 / math.sqrt(math.pi)), build("exp", neg(square(a)))
            )
        ),
    ),
    ndtr=Operation(
        numpy=("ndtr",),
        number=numbers.ndtr,
        slope=by_parts(
            lambda x, a: mul(
                const(1 / math.sqrt(2 * math.pi)),
                build("exp", mul(const(-0.5), square(a))),
            )
        ),
    ),
    log_ndtr=Operation(
        numpy=("log_ndtr",),
        number=numbers.log_ndtr,
        slope=by_parts(lambda x, a: raw("log_ndtr_slope", a)),
    ),
    log_ndtr_slope=Operation(
        number=numbers.log_ndtr_slope,
        slope=by_parts(lambda x, a: raw("log_ndtr_curve", a)),
        read_as=lambda x: mul(
            const(1 / math.sqrt(2 * math.pi)),
            node(
                "exp",
                node("sub", mul(const(-0.5), square(x)), node("log_ndtr", x)),
            ),
        ),
    ),
    log_ndtr_curve=Operation(
        number=lambda x: -numbers.log_ndtr_slope(x) * (x + numbers.log_ndtr_slope(x)),
        read_as=lambda x: neg(
            mul(raw("log_ndtr_slope", x), add(x, raw("log_ndtr_slope", x)))
        ),
    ),
    lgamma=Operation(
        partial=True,
        numpy=("gammaln",),
        number=numbers.lgamma,
        slope=by_parts(lambda x, a: build("digamma", a)),
    ),
    digamma=Operation(
        partial=True,
        numpy=("psi", "digamma"),
        number=numbers.digamma,
        slope=by_parts(lambda x, a: build("trigamma", a)),
        latex=_call(r"\psi"),
    ),
    trigamma=Operation(partial=True, number=numbers.trigamma, latex=_call(r"\psi_1")),
    # -- bounds, comparisons and choices -----------------------------------------------
    minimum=Operation(
        numpy=("minimum",),
        number=np.minimum,
        simplified=minimum,
        slope=slopes.of_extremum,
        latex=_call(r"\min", "{0}, {1}"),
        commutative=True,
    ),
    maximum=Operation(
        numpy=("maximum",),
        number=np.maximum,
        simplified=maximum,
        slope=slopes.of_extremum,
        latex=_call(r"\max", "{0}, {1}"),
        commutative=True,
    ),
    clip=Operation(
        number=np.clip,
        slope=slopes.of_clip,
        lowered=lambda x, low, high: (
            node("clip", x, low, high)
            if low.uniform and high.uniform
            else node("minimum", node("maximum", x, low), high)
        ),
    ),
    within_range=Operation(
        number=lambda x: np.clip(x, -np.finfo(float).max, np.finfo(float).max),
        slope=by_parts(lambda x, a: where(_finite(a), ONE, ZERO)),
    ),
    isfinite=Operation(
        numpy=("isfinite",), number=np.isfinite, simplified=_finite, boolean=True
    ),
    isinf=Operation(
        numpy=("isinf",),
        number=np.isinf,
        simplified=lambda x: raw("eq", absolute(x), const(math.inf)),
        boolean=True,
    ),
    gt=Operation(
        numpy=("greater",),
        number=np.greater,
        text=("{0:sum} > {1:sum}", "compare"),
        read_as=lambda a, b: node("lt", b, a) if a.uniform else None,
        boolean=True,
    ),
    ge=Operation(
        numpy=("greater_equal",),
        number=np.greater_equal,
        text=("{0:sum} >= {1:sum}", "compare"),
        latex=(r"{0:sum} \geq {1:sum}", "compare"),
        read_as=lambda a, b: node("le", b, a) if a.uniform else None,
        boolean=True,
    ),
    lt=Operation(
        numpy=("less",),
        number=np.less,
        simplified=less,
        text=("{0:sum} < {1:sum}", "compare"),
        boolean=True,
    ),
    le=Operation(
        numpy=("less_equal",),
        number=np.less_equal,
        simplified=less_equal,
        text=("{0:sum} <= {1:sum}", "compare"),
        latex=(r"{0:sum} \leq {1:sum}", "compare"),
        boolean=True,
    ),
    eq=Operation(
        numpy=("equal",),
        number=np.equal,
        simplified=rows.equal,
        text=("{0:sum} == {1:sum}", "compare"),
        latex=("{0:sum} = {1:sum}", "compare"),
        boolean=True,
        commutative=True,
    ),
    ne=Operation(
        numpy=("not_equal",),
        number=np.not_equal,
        simplified=rows.unequal,
        text=("{0:sum} != {1:sum}", "compare"),
        latex=(r"{0:sum} \neq {1:sum}", "compare"),
        boolean=True,
        commutative=True,
    ),
    where=Operation(
        number=lambda c, a, b: a if c != 0.0 else b,
        simplified=where,
        slope=slopes.of_where,
        latex=(_CASES, "sum"),
        lowered=_chosen,
        lenient=True,
    ),
    # -- over the samples; the numbers are those of one sample -------------------------
    mean=Operation(number=lambda x: x, reduces=True),
    sum=Operation(
        number=lambda x: x, simplified=lambda x: node("sum", x), reduces=True
    ),
    nan_if=Operation(
        number=lambda a, b: b if math.isnan(b) else a,
        simplified=nan_if,
        slope=lambda x, da, db: nan_if(da, x.args[1]),
        read_as=lambda a, b: a,
    ),
)
# Words that Python keeps for itself.
OPERATIONS["and"] = Operation(
    number=lambda a, b: a != 0.0 and b != 0.0,
    text=("{0:atom} & {1:atom}", "and"),  # & and | bind before comparisons in Python
    latex=(r"{0:compare} \land {1:compare}", "and"),
    boolean=True,
    commutative=True,
)
OPERATIONS["or"] = Operation(
    number=lambda a, b: a != 0.0 or b != 0.0,
    text=("{0:atom} | {1:atom}", "or"),
    latex=(r"{0:compare} \lor {1:compare}", "or"),
    boolean=True,
    commutative=True,
)
OPERATIONS["not"] = Operation(
    number=lambda a: a == 0.0,
    simplified=logical_not,
    text=("~{0:atom}", "sign"),
    latex=(r"\lnot {0:atom}", "sign"),
    boolean=True,
)
