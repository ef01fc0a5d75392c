"""Rules for logarithms, of what overflows or is near 1 too, and for softplus."""

from __future__ import annotations

import math

from .arithmetic import add, div, even, mul, neg, sigmoid, sub, where
from .building import ONE, TWO, build, is_const, raw, value_of
from .graph import Node, const
from .polynomials import shorter
from .signs import assumed_positive


def log(a: Node) -> Node:
    if a.op == "sigmoid":
        return neg(softplus(neg(a.args[0])))
    if a.op == "exp":
        return a.args[0]
    if a.op == "cosh":
        return log_cosh(a.args[0])
    if a.op == "div" and is_const(a.args[0], 1.0):
        return neg(log(a.args[1]))
    if a.op == "mul" and is_const(a.args[0], 2.0) and a.args[1].op == "cosh":
        return logaddexp(a.args[1].args[0], neg(a.args[1].args[0]))
    if a.op == "neg" and a.args[0].op == "expm1":
        return build("log1mexp", a.args[0].args[0])
    if a.op == "mixture":
        return raw("log_mixture", *a.args)
    if a.op == "sigmoid_power":
        return neg(mul(a.args[1], softplus(neg(a.args[0]))))
    if a.op == "sigmoid_slope":
        return _log_of_slope(ONE, a.args[0])
    if a.op == "mul" and a.args[1].op == "sigmoid_slope" and value_of(a.args[0]):
        return _log_of_slope(a.args[0], a.args[1].args[0])
    if a.op == "ndtr":
        return build("log_ndtr", a.args[0])
    if a.op == "mul" and is_const(a.args[0], 0.5) and a.args[1].op == "erfc":
        return build("log_ndtr", mul(const(-math.sqrt(2.0)), a.args[1].args[0]))
    if a.op == "square" and a.args[0].op in ("sigmoid", "sigmoid_slope", "mixture"):
        return mul(TWO, log(a.args[0]))
    if a.op == "where":
        branches = [log(x) for x in a.args[1:]]
        if any(x.op not in ("log", "const") for x in branches):
            return where(a.args[0], *branches)
    if a.op == "expm1":
        return add(a.args[0], build("log1mexp", neg(a.args[0])))
    if a.op in ("mul", "div"):
        left, right = map(_stable_log, a.args)
        if left is not None and right is not None:
            return (add if a.op == "mul" else sub)(left, right)
    if a.op == "add":
        first, second = a.args
        left, right = map(_log_of_exponential, a.args)
        if left is None and right is not None and assumed_positive(first):
            return logaddexp(log(first), right)
        if right is None and left is not None and assumed_positive(second):
            return logaddexp(left, log(second))
        if left is not None and right is not None:
            return logaddexp(left, right)
        for one, x in ((first, second), (second, first)):
            if is_const(one, 1.0) and not x.uniform:
                return log1p(x)
    if a.op == "div" and a.args[1].leaves:
        less = shorter((1, a.args[0], ONE), (-1, a.args[1], ONE))
        if less is not None:
            return raw("log_of_ratio", a, div(less, a.args[1]))
    if a.op == "sub" and is_const(a.args[0], 1.0):
        return log1p(neg(a.args[1]))
    if a.op == "sub" and is_const(a.args[1], -1.0):
        return log1p(a.args[0])
    return raw("log", a)


def _log_of_slope(k: Node, u: Node) -> Node:
    """log(k sigmoid(u) sigmoid(-u)) = log(k/4) - 2 log(cosh(u/2))."""
    return sub(log(div(k, const(4.0))), mul(TWO, log_cosh(mul(const(0.5), u))))


def _stable_log(x: Node) -> Node | None:
    """The logarithm of a positive number or of what has a form of its own."""
    number = value_of(x)
    if number is not None:
        return log(x) if number > 0 else None
    found = log(x) if not x.uniform else None
    return None if found is None or found.op in ("log", "log1p") else found


def _log_of_exponential(x: Node) -> Node | None:
    """The logarithm of what grows like an exponential."""
    if x.op == "exp":
        return x.args[0]
    if x.op == "mul" and x.args[0].uniform and assumed_positive(x.args[0]):
        inner = _log_of_exponential(x.args[1])
        return None if inner is None else raw("add", inner, log(x.args[0]))
    if x.op == "add" and any(z.op in ("exp", "add", "mul") for z in x.args):
        found = log(x)
        return found if found.op in ("softplus", "logaddexp") else None
    return None


def log1p(a: Node) -> Node:
    if a.op == "exp":
        return softplus(a.args[0])
    if a.op == "square":
        return raw("log1p_square", a.args[0])
    if a.op in ("mul", "add") and (found := _log_of_exponential(a)) is not None:
        return softplus(found)
    if a.op == "neg" and a.args[0].op == "exp":
        return build("log1mexp", a.args[0].args[0])
    if a.op == "neg" and a.args[0].op == "sigmoid":
        return neg(softplus(a.args[0].args[0]))
    if a.op == "neg" and a.args[0].op == "mixture":
        w, v, u = a.args[0].args
        return raw("log_mixture", v, w, u)
    return raw("log1p", a)


def logaddexp(a: Node, b: Node) -> Node:
    if is_const(a, 0.0):
        return softplus(b)
    if is_const(b, 0.0):
        return softplus(a)
    return raw("logaddexp", a, b)


def log_cosh(a: Node) -> Node:
    return even("log_cosh")(a)


def softplus(a: Node) -> Node:
    return raw("softplus", a)


def logistic(a: Node, b: Node, x: Node) -> Node:
    if x.op == "neg":
        return logistic(b, a, x.args[0])
    if is_const(b, 0.0):
        return mul(a, softplus(x))
    if is_const(a, 0.0):
        return mul(b, softplus(neg(x)))
    return raw("logistic", a, b, x)


def logistic_slope(a: Node, b: Node, x: Node) -> Node:
    if x.op == "neg":
        return neg(logistic_slope(b, a, x.args[0]))
    if is_const(b, 0.0):
        return mul(a, sigmoid(x))
    return raw("logistic_slope", a, b, x)
