"""Building simplified nodes: constants folded, stable forms recognised.

One function per operation; each returns a node equal in exact arithmetic to the plain
operation (on the domain where that is a number) and at least as accurate in floating
point. Graphs are built through this module only, so derivatives come out simplified
too: the derivative of log(1 + exp(x)) is sigmoid(x) because the logarithm has already
become softplus(x).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .graph import OPERATIONS, Node, const, node
from .numbers import evaluate, number_of

ZERO = const(0.0)
ONE = const(1.0)
TWO = const(2.0)
LOG_2 = math.log(2.0)

Term = tuple[int, Node]


def value_of(x: Node) -> float | None:
    """Return the number of a constant, None for anything else."""
    return x.value if x.op == "const" and isinstance(x.value, float) else None


def is_const(x: Node, number: float) -> bool:
    """Whether the node is the constant of this value."""
    return value_of(x) == number


def raw(op: str, *args: Node) -> Node:
    """Return the node, folded to a number if all operands are constants."""
    if args and all(a.op == "const" for a in args):
        return const(evaluate(op, [number_of(a) for a in args]))
    return node(op, *args)


def build(op: str, *args: Node) -> Node:
    """Return the simplified node of an operation."""
    rule = OPERATIONS[op].simplified
    return raw(op, *args) if rule is None else rule(*args)


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
    return _sum(raw("add", a, b))


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
        return nan_if(ZERO, a)
    return _sum(raw("sub", a, b))


def neg(a: Node) -> Node:
    if is_const(a, 0.0):
        return ZERO
    if a.op == "neg":
        return a.args[0]
    if a.op == "mul" and a.args[0].uniform:
        return mul(neg(a.args[0]), a.args[1])
    if a.op == "nan_if":
        return nan_if(neg(a.args[0]), a.args[1])
    if a.op == "where" and any(x.op in ("const", "neg") for x in a.args[1:]):
        return where(a.args[0], neg(a.args[1]), neg(a.args[2]))
    return raw("neg", a)


def _terms(x: Node, sign: int = 1, depth: int = 16) -> list[Term]:
    """Split a chain of additions and subtractions into signed terms."""
    if depth == 0:
        return [(sign, x)]
    if x.uniform and x.op != "const":
        return [(sign, x)]
    if x.op == "add":
        first, second = (_terms(a, sign, depth - 1) for a in x.args)
        return first + second
    if x.op == "sub":
        left, right = x.args
        return _terms(left, sign, depth - 1) + _terms(right, -sign, depth - 1)
    if x.op == "neg":
        return _terms(x.args[0], -sign, depth - 1)
    number = value_of(x)
    if number is not None and number < 0:
        return [(-sign, const(-number))]
    return [(sign, x)]


def _sum(x: Node) -> Node:
    """Recognise stable forms among the terms of a sum."""
    if x.op not in ("add", "sub"):
        return x
    a, b = x.args
    merged = _merged_choices(x.op, a, b)
    if merged is not None:
        return merged
    sign = 1 if x.op == "add" else -1
    found = _recognised([(1, a)], [(sign, b)])
    if found is None:
        found = _recognised(_terms(a), _terms(b, sign))
    return x if found is None else found


def _merged_choices(op: str, a: Node, b: Node) -> Node | None:
    """where(c, a, 0) + where(c, b, 0) = where(c, a + b, 0)."""
    if a.op == b.op == "where" and a.args[0] is b.args[0]:
        for i in (1, 2):
            if a.args[i].uniform and b.args[i].uniform:
                return where(
                    a.args[0],
                    *(build(op, *z) for z in zip(a.args[1:], b.args[1:], strict=True)),
                )
    return None


def _recognised(left: list[Term], right: list[Term]) -> Node | None:
    """Apply a rule to a term of either sum; those within one have had their turn."""
    terms = left + right
    pairs = [(i, j) for i in range(len(left)) for j in range(len(left), len(terms))]
    for rule in _SUM_RULES:
        for pair in pairs:
            for i, j in (pair, pair[::-1]):
                sign, term = terms[i]
                other_sign, other = terms[j]
                found = rule(term, sign * other_sign, other, len(terms))
                if found is not None:
                    rest = [t for k, t in enumerate(terms) if k not in pair]
                    return _from_terms([(sign, found), *rest])
    return None


def _from_terms(terms: list[Term]) -> Node:
    sign, total = terms[0]
    if sign < 0:
        total = neg(total)
    for sign, term in terms[1:]:
        total = add(total, term) if sign > 0 else sub(total, term)
    return total


def _cofactor(term: Node, u: Node) -> Node | None:
    """Return w with term = w u, or None."""
    if term is u:
        return ONE
    if u.op == "neg":
        w = _cofactor(term, u.args[0])
        return None if w is None else neg(w)
    if term.op == "neg":
        w = _cofactor(term.args[0], u)
        return None if w is None else neg(w)
    if term.op == "mul":
        a, b = term.args
        w = _cofactor(b, u)
        if w is not None:
            return mul(a, w)
        w = _cofactor(a, u)
        if w is not None:
            return mul(w, b)
    return None


def _scaled(term: Node, op: str) -> tuple[Node, Node] | None:
    """Return (w, u) with term = w op(u), or None."""
    if term.op == op:
        return ONE, term.args[0]
    if term.op == "mul":
        a, b = term.args
        if b.op == op:
            return a, b.args[0]
        if a.op == op:
            return b, a.args[0]
        found = _scaled(b, op)
        if found is not None:
            return mul(a, found[0]), found[1]
    return None


# Each rule sees a term, the sign of another relative to it, that other term and the
# number of terms in the sum; it returns what the pair is equal to, or None.


def _rule_relu_softplus(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """max(u, 0) + softplus(-|u|) = softplus(u); |u| + softplus(-|u|) likewise."""
    if sign < 0 or b.op != "softplus" or b.args[0].op != "neg":
        return None
    magnitude = b.args[0].args[0]
    if a.op == "maximum" and magnitude.op == "abs":
        for zero, u in (a.args, a.args[::-1]):
            if is_const(zero, 0.0) and magnitude is absolute(u):
                return softplus(u)
    return None


def _rule_log_cosh(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """Log cosh u for u + softplus(-2u) - log 2 = logaddexp(u, -u) - log 2.

    Seen as pairs: first softplus(-2u) + u = logaddexp(u, -u), then minus log 2.
    """
    number = value_of(b)
    if sign < 0 and number is not None and abs(number - LOG_2) < 1e-15:
        if a.op == "logaddexp" and a.args[0] is neg(a.args[1]):
            return log_cosh(a.args[0])
        return None
    if sign > 0 and a.op == "softplus" and a.args[0] is mul(const(-2.0), b):
        return raw("logaddexp", b, neg(b))
    return None


def _rule_softplus_shift(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """softplus(u) - u = softplus(-u)."""
    if a.op == "softplus" and b is (a.args[0] if sign < 0 else neg(a.args[0])):
        return softplus(neg(a.args[0]))
    return None


def _rule_logistic(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """softplus(u) - w u = (1 - w) softplus(u) + w softplus(-u), no cancellation."""
    if a.op != "softplus":
        return None
    w = _cofactor(b, a.args[0])
    if w is None:
        return None
    if sign > 0:
        w = neg(w)
    return logistic(sub(ONE, w), w, a.args[0])


def _rule_two_softplus(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """Logistic form of w softplus(u) + v softplus(-u)."""
    if sign < 0:
        return None
    first, second = _scaled(a, "softplus"), _scaled(b, "softplus")
    if first is None or second is None or first[1] is not neg(second[1]):
        return None
    return logistic(first[0], second[0], first[1])


def _rule_cancel(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """Zero for u - u."""
    return ZERO if sign < 0 and a is b and not a.uniform else None


def _rule_hyperbolic(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """exp(u) + exp(-u) = 2 cosh(u), exp(u) - exp(-u) = 2 sinh(u)."""
    if a.op == b.op == "exp" and a.args[0] is neg(b.args[0]):
        return mul(TWO, build("cosh" if sign > 0 else "sinh", a.args[0]))
    return None


def _rule_complement(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """A for w A + (1 - w) A."""
    if sign > 0 and a.op == b.op == "mul":
        for w, x in (a.args, a.args[::-1]):
            for v, z in (b.args, b.args[::-1]):
                if x is z and v is sub(ONE, w):
                    return x
    return None


def _rule_minus_one(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """exp(u) - 1, sqrt(k^2 + u^2) - k, sqrt(1 + u) - 1, 1 - tanh(u)^2, 1 - cos(u)."""
    if sign < 0 and a.op == "root" and a.args[0] is square(b):
        return raw("root_minus", b, a.args[1])
    if sign > 0 or not is_const(b, 1.0):
        return None
    if a.op == "exp":
        return build("expm1", a.args[0])
    if a.op == "sqrt" and a.args[0].op == "add":
        for one, u in (a.args[0].args, a.args[0].args[::-1]):
            if is_const(one, 1.0):
                return build("sqrt1pm1", u)
    if a.op == "square" and a.args[0].op == "tanh":
        u = a.args[0].args[0]
        return neg(mul(const(4.0), sigmoid_slope(mul(TWO, u))))
    if a.op == "cos":
        half = build("sin", mul(const(0.5), a.args[0]))
        return mul(const(-2.0), square(half))
    return None


def _rule_sigmoid(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """sigmoid(u) - w = (1 - w) sigmoid(u) - w sigmoid(-u)."""
    if a.op == "sigmoid" and sign < 0 and count == 2:
        if is_const(b, 1.0):
            return neg(sigmoid(neg(a.args[0])))
        return logistic_slope(sub(ONE, b), b, a.args[0])
    return None


_SUM_RULES = (
    _rule_cancel,
    _rule_relu_softplus,
    _rule_log_cosh,
    _rule_softplus_shift,
    _rule_logistic,
    _rule_two_softplus,
    _rule_complement,
    _rule_minus_one,
    _rule_sigmoid,
    _rule_hyperbolic,
)


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
    if a.op == "sign":
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
    return None


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
    if a.op == "sinh" and b.op == "cosh" and a.args == b.args:
        return build("tanh", a.args[0])
    u = _one_plus_exp(b)
    if u is not None:
        if a.op == "exp" and a.args[0] is u:
            return sigmoid(u)
        return mul(a, sigmoid(neg(u)))
    if b.op == "square" and a.op == "exp":
        u = _one_plus_exp(b.args[0])
        if u is not None and a.args[0] is u:
            return sigmoid_slope(u)
    return raw("div", a, b)


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


def square(a: Node) -> Node:
    if a.op in ("neg", "abs"):
        return square(a.args[0])
    if a.op == "sign":
        return nan_if(ONE, a.args[0])
    if a.op == "nan_if":
        return nan_if(square(a.args[0]), a.args[1])
    if a.op == "where" and any(is_const(x, 0.0) for x in a.args[1:]):
        return where(a.args[0], square(a.args[1]), square(a.args[2]))
    return raw("square", a)


def power(a: Node, b: Node) -> Node:
    """a**b; the small integer and half-integer powers become products and roots."""
    n = value_of(b)
    if is_const(a, math.e):
        return exp(b)
    if n is None or a.uniform:
        return raw("power", a, b)
    if n == 0.0:
        return ONE
    if n not in (0.5, -0.5) and (n != int(n) or abs(n) > 16):
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


# -- functions of one operand ----------------------------------------------------------


def exp(a: Node) -> Node:
    if a.op == "neg" and a.args[0].op == "softplus":
        return sigmoid(neg(a.args[0].args[0]))
    if a.op == "neg" and a.args[0].op == "square":
        return raw("gauss", const(-1.0), a.args[0].args[0])
    if a.op == "mul" and a.args[0].uniform and a.args[1].op == "square":
        return raw("gauss", a.args[0], a.args[1].args[0])
    return raw("exp", a)


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
    if a.op == "add":
        first, second = a.args
        if first.op == second.op == "exp":
            return logaddexp(first.args[0], second.args[0])
        for one, x in ((first, second), (second, first)):
            if is_const(one, 1.0) and not x.uniform:
                return log1p(x)
    if a.op == "sub" and is_const(a.args[0], 1.0):
        return log1p(neg(a.args[1]))
    if a.op == "sub" and is_const(a.args[1], -1.0):
        return log1p(a.args[0])
    return raw("log", a)


def log1p(a: Node) -> Node:
    if a.op == "exp":
        return softplus(a.args[0])
    if a.op == "neg" and a.args[0].op == "exp":
        return build("log1mexp", a.args[0].args[0])
    if a.op == "neg" and a.args[0].op == "sigmoid":
        return neg(softplus(a.args[0].args[0]))
    return raw("log1p", a)


def softplus(a: Node) -> Node:
    return raw("softplus", a)


def sigmoid(a: Node) -> Node:
    return raw("sigmoid", a)


def sigmoid_slope(a: Node) -> Node:
    """sigmoid(a) sigmoid(-a), an even function."""
    return even("sigmoid_slope")(a)


def log_cosh(a: Node) -> Node:
    return even("log_cosh")(a)


def absolute(a: Node) -> Node:
    if a.op in ("abs", "square", "exp", "sigmoid", "softplus", "sqrt", "cosh"):
        return a
    return even("abs")(a)


def sqrt(a: Node) -> Node:
    if a.op == "square":
        return absolute(a.args[0])
    if a.op == "add":
        for c, x in (a.args, a.args[::-1]):
            if c.uniform and x.op == "square":
                return raw("root", c, x.args[0])
    return raw("sqrt", a)


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


# -- functions of several operands -----------------------------------------------------


def logaddexp(a: Node, b: Node) -> Node:
    if is_const(a, 0.0):
        return softplus(b)
    if is_const(b, 0.0):
        return softplus(a)
    return raw("logaddexp", a, b)


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


def minimum(a: Node, b: Node) -> Node:
    return a if a is b else raw("minimum", a, b)


def maximum(a: Node, b: Node) -> Node:
    return a if a is b else raw("maximum", a, b)


def less(a: Node, b: Node) -> Node:
    return raw("gt", b, a)


def less_equal(a: Node, b: Node) -> Node:
    return raw("ge", b, a)


def logical_not(a: Node) -> Node:
    if a.op == "not":
        return a.args[0]
    if a.op in ("eq", "ne"):
        return raw("ne" if a.op == "eq" else "eq", *a.args)
    return raw("not", a)


def nan_if(a: Node, b: Node) -> Node:
    """a, but a NaN where b is one."""
    if b.uniform or b.strict <= a.strict:
        return a
    return raw("nan_if", a, b)
