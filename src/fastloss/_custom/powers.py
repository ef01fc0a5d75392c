"""Rules for powers and roots.

Those of small integers become products, those of what underflows go by its logarithm.
"""

from __future__ import annotations

import math

from .arithmetic import absolute, div, exp, mul, neg, square, where
from .building import ONE, TWO, build, is_const, raw, value_of
from .graph import Node, const
from .logarithms import log
from .signs import not_negative


def power(a: Node, b: Node) -> Node:
    """a**b; the small integer and half-integer powers become products and roots."""
    n = value_of(b)
    if is_const(a, math.e):
        return exp(b)
    if a.op == "where":
        branches = [power(x, b) for x in a.args[1:]]
        if any(x.op not in ("power", "square", "const") for x in branches):
            return where(a.args[0], *branches)
    if a.op == "exp":
        return exp(mul(b, a.args[0]))
    if n is None or not n.is_integer():
        found = _power_of_logistic(a, b)
        if found is not None:
            return found
        v = _one_plus_square(a)
        if v is not None and b.uniform:
            return power(raw("root", ONE, v), mul(TWO, b))
    if n is None:
        return raw("power", a, b)
    if n == 0.0:
        return ONE
    if n not in (0.5, -0.5) and (not n.is_integer() or abs(n) > 16):
        return raw("power", a, b)
    if n < 0.0:
        return div(ONE, power(a, const(-n)))
    return build("sqrt", a) if n == 0.5 else _integer_power(a, int(n))


def _integer_power(a: Node, n: int) -> Node:
    if n == 1:
        return a
    if n % 2 == 0:
        return square(_integer_power(a, n // 2))
    return mul(_integer_power(a, n - 1), a)


def _power_of_logistic(a: Node, b: Node) -> Node | None:
    """Powers of what underflows, from its logarithm."""
    if a.op == "sigmoid":
        return raw("sigmoid_power", a.args[0], b)
    if a.op == "sigmoid_slope":
        u = a.args[0]
        return mul(raw("sigmoid_power", u, b), raw("sigmoid_power", neg(u), b))
    if a.op == "mixture":
        return exp(mul(b, log(a)))
    return None


def _one_plus_square(x: Node) -> Node | None:
    """Return v of 1 + v^2."""
    if x.op == "add":
        for one, z in (x.args, x.args[::-1]):
            if is_const(one, 1.0):
                return _root_of_square(z)
    return None


def _root_of_square(x: Node) -> Node | None:
    if x.op == "square" and x.leaves:
        return x.args[0]
    if x.op == "mul" and not_negative(x.args[0]):
        v = _root_of_square(x.args[1])
        return None if v is None else mul(build("sqrt", x.args[0]), v)
    if x.op == "div" and not_negative(x.args[1]):
        v = _root_of_square(x.args[0])
        return None if v is None else div(v, build("sqrt", x.args[1]))
    return None


def sqrt(a: Node) -> Node:
    if a.op == "square":
        return absolute(a.args[0])
    if (found := _power_of_logistic(a, const(0.5))) is not None:
        return found
    if a.op == "add":
        first, second = a.args
        if first.op == second.op == "square" and first.leaves and second.leaves:
            return build("hypot", first.args[0], second.args[0])
        for c, x in (a.args, a.args[::-1]):
            if c.uniform and x.op == "square":
                return raw("root", c, x.args[0])
    return raw("sqrt", a)
