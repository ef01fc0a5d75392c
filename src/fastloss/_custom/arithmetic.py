"""Rules for sums, products, quotients, exponentials and choices, which need each other.

One function per operation; each returns a node equal in exact arithmetic to the plain
operation (on the domain where that is a number) and at least as accurate in floating
point. Graphs are built through rules only, so derivatives come out simplified too: the
derivative of log(1 + exp(x)) is sigmoid(x) because the logarithm has already become
softplus(x).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .building import (
    ONE,
    TWO,
    ZERO,
    build,
    finite_part,
    is_const,
    is_zero,
    nan_if,
    raw,
    value_of,
)
from .graph import Node, const
from .signs import not_negative

# -- sums ------------------------------------------------------------------------------


def add(a: Node, b: Node) -> Node:
    if is_const(a, 0.0):
        return b
    if is_const(b, 0.0):
        return a
    if b.op == "neg":
        return sub(a, b.args[0])
    if a.op == "neg":
        return sub(b, a.args[0])
    if a is b:
        return mul(TWO, a)
    for x, z in ((a, b), (b, a)):
        if x.op == "nan_if":
            return nan_if(add(x.args[0], z), x.args[1])
    return _stable_sum(raw("add", a, b))


def sub(a: Node, b: Node) -> Node:
    if is_const(b, 0.0):
        return a
    if is_const(a, 0.0):
        return neg(b)
    if b.op == "neg":
        return add(a, b.args[0])
    if a.op == "neg":
        return neg(add(a.args[0], b))
    if a is b and not a.uniform:
        return nan_if(ZERO, finite_part(a))
    if a.op == "nan_if":
        return nan_if(sub(a.args[0], b), a.args[1])
    if b.op == "nan_if":
        return nan_if(sub(a, b.args[0]), b.args[1])
    if a.uniform and b.op == "sub" and b.args[0] is a and not b.uniform:
        return b.args[1]
    return _stable_sum(raw("sub", a, b))


def neg(a: Node) -> Node:
    if is_const(a, 0.0):
        return ZERO
    if a.op == "neg":
        return a.args[0]
    if a.op == "mul" and a.args[0].uniform and (a.args[0].op == "const" or a.leaves):
        return mul(neg(a.args[0]), a.args[1])
    if a.op == "nan_if":
        return nan_if(neg(a.args[0]), a.args[1])
    if a.op == "where" and any(x.op in ("const", "neg") for x in a.args[1:]):
        return where(a.args[0], neg(a.args[1]), neg(a.args[2]))
    return raw("neg", a)


def _stable_sum(x: Node) -> Node:
    from .sums import stable  # whose rules are made of all that is here

    return stable(x)


# -- products --------------------------------------------------------------------------


def mul(a: Node, b: Node) -> Node:
    if b.uniform and not a.uniform:
        a, b = b, a
    if is_const(a, 0.0) or is_const(b, 0.0):
        return ZERO
    if is_const(a, 1.0):
        return b
    if is_const(b, 1.0):
        return a
    if is_const(a, -1.0):
        return neg(b)
    if is_const(b, -1.0):
        return neg(a)
    if a.uniform:
        return _scale(a, b)
    if a.op == "neg":
        return neg(mul(a.args[0], b))
    if b.op == "neg":
        return neg(mul(a, b.args[0]))
    for x, z in ((a, b), (b, a)):
        found = _product(x, z)
        if found is not None:
            return found
    return square(a) if a is b else raw("mul", a, b)


def _scale(k: Node, x: Node) -> Node:
    """Return k x for a uniform k, the factors gathered in one."""
    if x.op == "const" and k.op != "const":
        k, x = x, k
    if x.op == "neg":
        return mul(neg(k), x.args[0])
    if k.op == "neg" and x.uniform:
        return neg(mul(k.args[0], x))
    if x.uniform and (k.op != "const" or x.op != "mul" or x.args[0].op != "const"):
        return raw("mul", k, x)
    if x.op == "mul" and x.args[0].uniform:
        return mul(mul(k, x.args[0]), x.args[1])
    if x.op == "nan_if":
        return nan_if(mul(k, x.args[0]), x.args[1])
    if x.op == "where" and any(z.uniform for z in x.args[1:]):
        return where(x.args[0], mul(k, x.args[1]), mul(k, x.args[2]))
    return raw("mul", k, x)


def _product(a: Node, b: Node) -> Node | None:
    """Rules for a product of two non-uniform factors, seen from either side."""
    if a.op == "mul" and a.args[0].uniform:
        return mul(a.args[0], mul(a.args[1], b))
    if a.op == "nan_if":
        return nan_if(mul(a.args[0], b), a.args[1])
    if a.op == "where":
        # The branch not taken must not leak: 0 inf is a NaN where 0 is the answer.
        if b.op == "where" and a.args[0] is b.args[0]:
            return where(a.args[0], *map(mul, a.args[1:], b.args[1:]))
        if any(is_const(x, 0.0) for x in a.args[1:]):
            return where(a.args[0], mul(a.args[1], b), mul(a.args[2], b))
    if a.op in ("sign", "abs_slope"):
        if b.op == "abs" and a.args == b.args:
            return a.args[0]
        if b.op == "mul" and a in b.args:
            other = b.args[1] if b.args[0] is a else b.args[0]
            return mul(square(a), other)
    if a.op == "sigmoid" and b.op == "sigmoid" and a.args[0] is neg(b.args[0]):
        return sigmoid_slope(a.args[0])
    if a.op == "sigmoid" and b.op == "mul":
        mirror = sigmoid(neg(a.args[0]))
        if mirror in b.args:
            other = b.args[1] if b.args[0] is mirror else b.args[0]
            return mul(other, sigmoid_slope(a.args[0]))
    if a.op == "div" and is_const(a.args[0], 1.0):
        return div(b, a.args[1])
    if a.op == "exp" and b.op == "exp" and not (_is_share(a) and _is_share(b)):
        return exp(add(a.args[0], b.args[0]))
    if a.op == "exp" and b.op == "sigmoid" and a.args[0] is neg(b.args[0]):
        return sigmoid(a.args[0])
    return None


def _is_share(x: Node) -> bool:
    """Whether the node is a number of softmax, exp(u - lse(u))."""
    return x.op == "exp" and x.args[0].op == "sub" and x.args[0].args[1].op == "lse"


def times(a: Node, b: Node) -> Node:
    """The product that a user writes: 0 times a NaN is a NaN."""
    for x, z in ((a, b), (b, a)):
        if is_zero(x):
            return nan_if(x, finite_part(z))
    return mul(a, b)


def square(a: Node) -> Node:
    if a.op in ("neg", "abs"):
        return square(a.args[0])
    if a.op == "abs_slope":
        return nan_if(ONE, a.args[0])
    if a.op == "nan_if":
        return nan_if(square(a.args[0]), a.args[1])
    if a.op == "sqrt" and not a.uniform:
        return nan_if(a.args[0], a)
    if a.op == "where" and any(is_const(x, 0.0) for x in a.args[1:]):
        return where(a.args[0], square(a.args[1]), square(a.args[2]))
    return raw("square", a)


# -- quotients -------------------------------------------------------------------------


def div(a: Node, b: Node) -> Node:
    if is_const(b, 1.0):
        return a
    if is_const(a, 0.0) and not b.uniform:
        return ZERO
    if is_const(b, -1.0):
        return neg(a)
    if a.op == "neg":
        return neg(div(a.args[0], b))
    if b.op == "neg":
        return neg(div(a, b.args[0]))
    if a.op == "nan_if":
        return nan_if(div(a.args[0], b), a.args[1])
    if a.op == "where" and any(is_const(x, 0.0) for x in a.args[1:]):
        return where(a.args[0], div(a.args[1], b), div(a.args[2], b))
    number = value_of(b)
    if number is not None and abs(math.frexp(number)[0]) == 0.5:
        return mul(const(1.0 / number), a)
    factor, divisor = _factor(a), _factor(b)
    if factor is not None and divisor is not None:
        k = raw("div", factor[0], divisor[0])
        return mul(k, div(factor[1], divisor[1]))
    if b.op == "exp":
        return mul(a, exp(neg(b.args[0])))
    if a.op == "sigmoid" and b.op == "sigmoid" and a.args[0] is neg(b.args[0]):
        return exp(a.args[0])
    if a.op == "exp" and b.op == "add" and b.args[0].op == b.args[1].op == "exp":
        for x, z in (b.args, b.args[::-1]):
            if x is a:
                return sigmoid(sub(x.args[0], z.args[0]))
    if a.op == "square":
        if (found := _root_of(b, a.args[0])) is not None:
            return square(raw("root_slope", found, a.args[0]))
        if b.op == "square" and b.leaves:
            return square(div(a.args[0], b.args[0]))
        if b.op == "mul" and b.args[1].op == "square" and b.args[1].leaves:
            ratio = div(a.args[0], b.args[1].args[0])
            return mul(ratio, div(ratio, b.args[0]))
    if a.op == "sinh" and b.op == "cosh" and a.args == b.args:
        return build("tanh", a.args[0])
    u = _one_plus_exp(b)
    if u is not None:
        if a.op == "exp" and a.args[0] is u:
            return sigmoid(u)
        return mul(a, sigmoid(neg(u)))
    if b.op == "square" and (u := _one_plus_exp(b.args[0])) is not None:
        if a.op == "exp" and a.args[0] is u:
            return sigmoid_slope(u)
        return mul(a, square(sigmoid(neg(u))))
    return raw("div", a, b)


def _root_of(x: Node, z: Node) -> Node | None:
    """Return c of c + z^2, if c is certainly not negative."""
    if x.op == "add":
        for c, other in (x.args, x.args[::-1]):
            squared = other.op == "square" and other.args[0] is z
            if squared and not_negative(c):
                return c
    return None


def _factor(x: Node) -> tuple[Node, Node] | None:
    """Return (k, z) of k z with a constant k."""
    if x.op == "const":
        return x, ONE
    if x.op == "mul" and x.args[0].op == "const":
        return x.args[0], x.args[1]
    return None


def _one_plus_exp(x: Node) -> Node | None:
    """Return u of 1 + exp(u)."""
    if x.op == "add":
        for one, other in (x.args, x.args[::-1]):
            if is_const(one, 1.0) and other.op == "exp":
                return other.args[0]
    return None


def over(a: Node, b: Node) -> Node:
    """Quotient that a user writes: 0 over 0 or a NaN is a NaN."""
    if is_zero(a) and b.leaves:
        return raw("div", a, b)
    if a.op == "where" and any(map(is_zero, a.args[1:])):
        return where(a.args[0], over(a.args[1], b), over(a.args[2], b))
    return div(a, b)


# -- exponentials ----------------------------------------------------------------------


def exp(a: Node) -> Node:
    if a.op == "neg" and a.args[0].op == "softplus":
        return sigmoid(neg(a.args[0].args[0]))
    if a.op == "log_mixture":
        return raw("mixture", *a.args)
    if a.op == "mul" and a.args[0].uniform and a.args[1].op == "softplus":
        return raw("sigmoid_power", neg(a.args[1].args[0]), neg(a.args[0]))
    if a.op == "neg" and a.args[0].op == "square":
        return raw("gauss", const(-1.0), a.args[0].args[0])
    if a.op == "mul" and a.args[0].uniform and a.args[1].op == "square":
        return raw("gauss", a.args[0], a.args[1].args[0])
    return raw("exp", a)


def sigmoid(a: Node) -> Node:
    return raw("sigmoid", a)


def sigmoid_slope(a: Node) -> Node:
    """sigmoid(a) sigmoid(-a), an even function."""
    return even("sigmoid_slope")(a)


# -- even and odd functions ------------------------------------------------------------


def absolute(a: Node) -> Node:
    if a.op in ("abs", "square", "exp", "sigmoid", "softplus", "sqrt", "cosh"):
        return a
    return even("abs")(a)


def even(op: str) -> Callable[[Node], Node]:
    def rule(a: Node) -> Node:
        if a.op in ("neg", "abs"):
            return rule(a.args[0])
        if a.op == "mul" and (value_of(a.args[0]) or 0.0) < 0:
            return rule(neg(a))
        return raw(op, a)

    return rule


def odd(op: str) -> Callable[[Node], Node]:
    def rule(a: Node) -> Node:
        if a.op == "neg":
            return neg(raw(op, a.args[0]))
        if a.op == "mul" and (value_of(a.args[0]) or 0.0) < 0:
            return neg(raw(op, neg(a)))
        return raw(op, a)

    return rule


# -- choices ---------------------------------------------------------------------------


def where(c: Node, a: Node, b: Node) -> Node:
    chosen = value_of(c)
    if chosen is not None:
        return a if chosen != 0.0 else b
    if c.op == "not":
        return where(c.args[0], b, a)
    a, b = assuming(a, c, True), assuming(b, c, False)
    if a is b:
        return a
    if a.op == b.op == "neg":
        return neg(where(c, a.args[0], b.args[0]))
    if a.op == "nan_if" and b.op == "nan_if" and a.args[1] is b.args[1]:
        return nan_if(where(c, a.args[0], b.args[0]), a.args[1])
    if not c.boolean and not c.uniform:
        c = raw("ne", c, ZERO)
    return raw("where", c, a, b)


def assuming(x: Node, c: Node, truth: bool) -> Node:
    """Return the node under a condition known to hold or not to hold."""
    if x.op != "where":
        return x
    a, b = (assuming(z, c, truth) for z in x.args[1:])
    if x.args[0] is c:
        return a if truth else b
    return x if (a, b) == x.args[1:] else where(x.args[0], a, b)
