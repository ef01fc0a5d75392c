"""The operations of formulas, one record each: see `graph.Operation`.

The forms that a formula may be rewritten to because they are stable (`simplify` says
which become which) are records like those NumPy has a name for:

    softplus(x)        log(1 + exp(x))
    sigmoid(x)         1/(1 + exp(-x))
    sigmoid_slope(x)   sigmoid(x) sigmoid(-x)
    logistic(a, b, x)  a softplus(x) + b softplus(-x)
    logistic_slope     a sigmoid(x) - b sigmoid(-x)
    log_cosh(x)        log(cosh(x))
    root(c, x)         sqrt(c + x^2); root_slope its slope x/root and root_curve the
                       slope of that, c/root^3, where the quotient rule would cancel
    root_minus(k, x)   sqrt(k^2 + x^2) - k
    sqrt1pm1(x)        sqrt(1 + x) - 1
    log1mexp(x)        log(1 - exp(x))
    gauss(c, x)        exp(c x^2), the square taken with its rounding error
    power_slope(x, p)  p x^(p - 1); power_curve p (p - 1) x^(p - 2); 0 for a factor 0
    nan_if(a, b)       a, but NaN where b is

The interpreter's versions ending in _t share t = exp(-|x|), or exp(-2|x|).
"""

from __future__ import annotations

import math

import numpy as np

from . import numbers, simplify, slopes
from .graph import OPERATIONS, Node, Operation, const, node
from .simplify import (
    ONE,
    TWO,
    absolute,
    add,
    build,
    div,
    even,
    mul,
    nan_if,
    neg,
    odd,
    raw,
    sigmoid,
    sigmoid_slope,
    softplus,
    square,
    sub,
)
from .slopes import by_parts, reciprocal, still


def _decay(x: Node) -> Node:
    """exp(-|x|), which the logistic and hyperbolic functions of x share."""
    bare = absolute(x)
    return raw("exp_decay", bare.args[0] if bare.op == "abs" else bare)


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
        simplified=simplify.add,
        slope=lambda x, da, db: add(da, db),
        text=("{0:sum} + {1:sum}", "sum"),
        commutative=True,
    ),
    sub=Operation(
        numpy=("subtract",),
        number=np.subtract,
        simplified=simplify.sub,
        slope=lambda x, da, db: sub(da, db),
        text=("{0:sum} - {1:product}", "sum"),
    ),
    neg=Operation(
        numpy=("negative",),
        number=np.negative,
        simplified=simplify.neg,
        slope=lambda x, da: neg(da),
        text=("-{0:product}", "sum"),
    ),
    mul=Operation(
        numpy=("multiply",),
        number=np.multiply,
        simplified=simplify.mul,
        slope=by_parts(lambda x, a, b: b, lambda x, a, b: a),
        text=("{0:product}*{1:product}", "product"),
        latex=(r"{0:product} \, {1:product}", "product"),
        commutative=True,
    ),
    div=Operation(
        numpy=("divide",),
        number=np.divide,
        simplified=simplify.div,
        slope=slopes.of_quotient,
        text=("{0:product}/{1:sign}", "product"),
        latex=(r"\frac{{{0}}}{{{1}}}", "power"),
    ),
    abs=Operation(
        numpy=("absolute", "fabs"),
        number=np.abs,
        simplified=simplify.absolute,
        slope=by_parts(lambda x, a: build("sign", a)),
        latex=(r"\left|{0}\right|", "atom"),
    ),
    sign=Operation(
        numpy=("sign",),
        number=np.sign,
        simplified=odd("sign"),
        slope=lambda x, da: nan_if(simplify.ZERO, x.args[0]),
    ),
    # -- powers and roots --------------------------------------------------------------
    square=Operation(
        numpy=("square",),
        number=np.square,
        simplified=simplify.square,
        slope=by_parts(lambda x, a: mul(TWO, a)),
        text=("{0:atom}**2", "power"),
        latex=("{0:atom}^{{2}}", "power"),
    ),
    sqrt=Operation(
        numpy=("sqrt",),
        number=np.sqrt,
        simplified=simplify.sqrt,
        slope=by_parts(lambda x, a: mul(const(0.5), reciprocal(x))),
        latex=(r"\sqrt{{{0}}}", "atom"),
    ),
    cbrt=Operation(
        numpy=("cbrt",),
        number=np.cbrt,
        simplified=odd("cbrt"),
        slope=by_parts(lambda x, a: div(const(1 / 3), square(x))),
        latex=(r"\sqrt[3]{{{0}}}", "atom"),
    ),
    power=Operation(
        numpy=("power", "float_power"),
        number=np.power,
        simplified=simplify.power,
        slope=slopes.of_power,
        text=("{0:atom}**{1:power}", "power"),
        latex=("{0:atom}^{{{1}}}", "power"),
        lowered=lambda x, p: (
            node("powers", x, p, ONE) if p.uniform else node("power", x, p)
        ),
    ),
    power_slope=Operation(
        number=numbers.power_slope,
        slope=lambda x, da, db: mul(raw("power_curve", *x.args), da),
        read_as=lambda x, p: mul(p, node("power", x, sub(p, ONE))),
        lowered=lambda x, p: node("powers", x, sub(p, ONE), p),
    ),
    power_curve=Operation(
        number=numbers.power_curve,
        read_as=lambda x, p: mul(mul(p, sub(p, ONE)), node("power", x, sub(p, TWO))),
        lowered=lambda x, p: node("powers", x, sub(p, TWO), mul(p, sub(p, ONE))),
    ),
    hypot=Operation(
        numpy=("hypot",),
        number=np.hypot,
        slope=by_parts(lambda x, a, b: div(a, x), lambda x, a, b: div(b, x)),
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
        number=lambda x: x / (1.0 + np.sqrt(1.0 + x)),
        slope=by_parts(
            lambda x, a: mul(const(0.5), reciprocal(build("sqrt", add(ONE, a))))
        ),
        read_as=lambda x: node("sub", node("sqrt", add(ONE, x)), ONE),
    ),
    # -- exponentials and logarithms ---------------------------------------------------
    exp=Operation(
        numpy=("exp",),
        number=np.exp,
        simplified=simplify.exp,
        slope=by_parts(lambda x, a: x),
        latex=_call(r"\exp"),
    ),
    expm1=Operation(
        numpy=("expm1",),
        number=np.expm1,
        slope=by_parts(lambda x, a: build("exp", a)),
    ),
    log=Operation(
        numpy=("log",),
        number=np.log,
        simplified=simplify.log,
        slope=by_parts(lambda x, a: reciprocal(a)),
        latex=_call(r"\log"),
    ),
    log1p=Operation(
        numpy=("log1p",),
        number=np.log1p,
        simplified=simplify.log1p,
        slope=by_parts(lambda x, a: reciprocal(add(ONE, a))),
    ),
    log2=Operation(
        numpy=("log2",),
        number=np.log2,
        slope=by_parts(lambda x, a: div(const(1 / math.log(2)), a)),
        latex=_call(r"\log_2"),
    ),
    log10=Operation(
        numpy=("log10",),
        number=np.log10,
        slope=by_parts(lambda x, a: div(const(1 / math.log(10)), a)),
        latex=_call(r"\log_{{10}}"),
    ),
    log1mexp=Operation(
        number=numbers.log1mexp,
        # d log(1 - e^x)/dx = -e^x/(1 - e^x) = e^x/expm1(x)
        slope=by_parts(lambda x, a: div(build("exp", a), build("expm1", a))),
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
        simplified=simplify.logaddexp,
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
        simplified=simplify.sigmoid_slope,
        slope=by_parts(lambda x, a: neg(mul(x, build("tanh", mul(const(0.5), a))))),
        read_as=lambda x: node("mul", sigmoid(x), node("sub", ONE, sigmoid(x))),
        lowered=lambda x: node("sigmoid_slope_t", _decay(x)),
    ),
    logistic=Operation(
        number=lambda a, b, x: a * numbers.softplus(x) + b * numbers.softplus(-x),
        simplified=simplify.logistic,
        slope=slopes.of_logistic,
        read_as=lambda a, b, x: node(
            "add", mul(a, softplus(x)), mul(b, softplus(neg(x)))
        ),
        lowered=lambda a, b, x: node("logistic_t", a, b, x, _decay(x)),
    ),
    logistic_slope=Operation(
        number=lambda a, b, x: a * numbers.sigmoid(x) - b * numbers.sigmoid(-x),
        simplified=simplify.logistic_slope,
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
        simplified=simplify.log_cosh,
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
    lgamma=Operation(numpy=("gammaln",), number=numbers.lgamma),
    # -- bounds, comparisons and choices -----------------------------------------------
    minimum=Operation(
        numpy=("minimum",),
        number=np.minimum,
        simplified=simplify.minimum,
        slope=slopes.of_extremum,
        latex=_call(r"\min", "{0}, {1}"),
        commutative=True,
    ),
    maximum=Operation(
        numpy=("maximum",),
        number=np.maximum,
        simplified=simplify.maximum,
        slope=slopes.of_extremum,
        latex=_call(r"\max", "{0}, {1}"),
        commutative=True,
    ),
    clip=Operation(number=np.clip, slope=slopes.of_clip),
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
        latex=(r"{0:sum} \ge {1:sum}", "compare"),
        read_as=lambda a, b: node("le", b, a) if a.uniform else None,
        boolean=True,
    ),
    lt=Operation(
        numpy=("less",),
        number=np.less,
        simplified=simplify.less,
        text=("{0:sum} < {1:sum}", "compare"),
        boolean=True,
    ),
    le=Operation(
        numpy=("less_equal",),
        number=np.less_equal,
        simplified=simplify.less_equal,
        text=("{0:sum} <= {1:sum}", "compare"),
        latex=(r"{0:sum} \le {1:sum}", "compare"),
        boolean=True,
    ),
    eq=Operation(
        numpy=("equal",),
        number=np.equal,
        text=("{0:sum} == {1:sum}", "compare"),
        latex=("{0:sum} = {1:sum}", "compare"),
        boolean=True,
        commutative=True,
    ),
    ne=Operation(
        numpy=("not_equal",),
        number=np.not_equal,
        text=("{0:sum} != {1:sum}", "compare"),
        latex=(r"{0:sum} \ne {1:sum}", "compare"),
        boolean=True,
        commutative=True,
    ),
    where=Operation(
        number=lambda c, a, b: a if c != 0.0 else b,
        simplified=simplify.where,
        slope=slopes.of_where,
        latex=(_CASES, "sum"),
        lowered=_chosen,
        lenient=True,
    ),
    nan_if=Operation(
        number=lambda a, b: b if math.isnan(b) else a,
        simplified=simplify.nan_if,
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
    simplified=simplify.logical_not,
    text=("~{0:atom}", "sign"),
    latex=(r"\lnot {0:atom}", "sign"),
    boolean=True,
)
