"""Building simplified nodes: constants folded, stable forms recognised.

One function per operation; each returns a node equal in exact arithmetic to the plain
operation (on the domain where that is a number) and at least as accurate in floating
point. Graphs are built through this module only, so derivatives come out simplified
too: the derivative of log(1 + exp(x)) is sigmoid(x) because the logarithm has already
become softplus(x).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from . import polynomials
from .graph import OPERATIONS, Node, carries_nans, const, node, origins, strict_nodes
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
    """Return the simplified node of an operation; a NaN of its operand goes along."""
    if len(args) == 1 and args[0].op == "nan_if" and carries_nans(op):
        return nan_if(build(op, args[0].args[0]), args[0].args[1])
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
    for x, z in ((a, b), (b, a)):
        if x.op == "nan_if":
            return nan_if(add(x.args[0], z), x.args[1])
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
        return nan_if(ZERO, _finite_part(a))
    if a.op == "nan_if":
        return nan_if(sub(a.args[0], b), a.args[1])
    if b.op == "nan_if":
        return nan_if(sub(a, b.args[0]), b.args[1])
    if a.uniform and b.op == "sub" and b.args[0] is a and not b.uniform:
        return b.args[1]
    return _sum(raw("sub", a, b))


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
    found = _log_ratio_minus([*_terms(a), *_terms(b, sign)])
    if found is not None:
        return found
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


def _log_ratio_minus(terms: list[Term]) -> Node | None:
    """W (d/n - 1 - log(d/n)) for w log(n/d) - w + w d/n: deviances of counts."""
    for i, (sign, term) in enumerate(terms):
        found = _scaled(term, "log")
        if found is None or found[1].op != "div":
            continue
        w, quotient = found
        n, d = quotient.args
        for a, b, s in ((d, n, sign), (n, d, -sign)):
            ratio = a if w is b else div(a, b) if w is ONE else None
            if ratio is None or (-s, w) not in terms or (s, ratio) not in terms:
                continue
            used = {i, terms.index((-s, w)), terms.index((s, ratio))}
            rest = [t for k, t in enumerate(terms) if k not in used]
            return _from_terms([(s, mul(w, raw("log_ratio_minus", a, b))), *rest])
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
    """K softplus(u) - w u = (k - w) softplus(u) + w softplus(-u), no cancellation.

    Not of a sum that does not cancel: w is not the negative of something.
    """
    found = _scaled(a, "softplus")
    if found is None or (found[0].uniform and found[0] is not ONE):
        return None
    k, u = found
    shift = ZERO
    w = _cofactor(b, u)
    if w is None and u.op == "add" and u.args[1].uniform:
        w, shift = _cofactor(b, u.args[0]), u.args[1]
    if w is None:
        return None
    if sign > 0:
        w = neg(w)
    if w.op == "neg" or (w.op == "mul" and (value_of(w.args[0]) or 0.0) < 0):
        return None
    return add(logistic(tidy(sub(k, w)), w, u), mul(w, shift))


def _rule_two_softplus(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """Logistic form of w softplus(u) + v softplus(-u)."""
    if sign < 0:
        return None
    first, second = _scaled(a, "softplus"), _scaled(b, "softplus")
    if first is None or second is None or first[1] is not neg(second[1]):
        return None
    return logistic(first[0], second[0], first[1])


def _rule_cancel(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """Zero for u - u, or a NaN."""
    if sign > 0 or a is not b or a.uniform:
        return None
    return nan_if(ZERO, _finite_part(a))


def _rule_mixture(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """W sigmoid(u) + (1 - w) sigmoid(-u), the probability of a label w."""
    first, second = _scaled(a, "sigmoid"), _scaled(b, "sigmoid")
    if sign < 0 or first is None or second is None or first[1] is not neg(second[1]):
        return None
    if second[0] is sub(ONE, first[0]):
        return raw("mixture", first[0], second[0], first[1])
    return None


def _rule_complement_of_mixture(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """1 less the probability of w is that of 1 - w."""
    if sign > 0 or not is_const(a, 1.0):
        return None
    if b.op == "mixture":
        return raw("mixture", b.args[1], b.args[0], b.args[2])
    if b.op == "where":
        branches = [sub(ONE, x) for x in b.args[1:]]
        if all(x.op != "sub" for x in branches):
            return where(b.args[0], *branches)
    if b.op == "add":
        return _complement_of_mean(*b.args)
    return None


def _complement_of_mean(a: Node, b: Node) -> Node | None:
    """1 - w x - (1 - w) z = w (1 - x) + (1 - w) (1 - z), where 1 - x or 1 - z gains."""
    if a.op == b.op == "mul":
        for w, x in (a.args, a.args[::-1]):
            for v, z in (b.args, b.args[::-1]):
                if v is _complement(w) or w is _complement(v):
                    less = sub(ONE, x), sub(ONE, z)
                    if any(y.op != "sub" for y in less):
                        return add(mul(w, less[0]), mul(v, less[1]))
    return None


def _complement(w: Node) -> Node:
    """1 - w; not looked for in w if that is a mean itself, nor in those below it."""
    return raw("sub", ONE, w) if w.op == "add" else sub(ONE, w)


def _rule_error_function(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """1 - erf(u) = erfc(u) and 1 + erf(u) = erfc(-u)."""
    if not is_const(a, 1.0) or b.op != "erf":
        return None
    return build("erfc", b.args[0] if sign < 0 else neg(b.args[0]))


def _rule_tangents(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """What exp(u) - 1 and log(1 + u) differ from u by, times a factor."""
    if sign > 0:
        return None
    for op, remainder, x, z, factor in (
        ("expm1", "expm1_minus", a, b, ONE),
        ("log1p", "log1p_minus", b, a, ONE),
    ):
        found = _scaled(x, op)
        if found is not None and mul(*found) is z:
            return mul(mul(factor, found[0]), raw(remainder, found[1]))
    return None


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
                    return nan_if(x, w)
    return None


def _rule_minus_one(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """exp(u) - 1, sqrt(k^2 + u^2) - k, sqrt(1 + u) - 1, 1 - tanh(u)^2, 1 - cos(u)."""
    if sign < 0 and a.op == "root" and a.args[0] is square(b):
        return raw("root_minus", b, a.args[1])
    if sign < 0 and a.op == "sqrt" and a.args[0].op == "add" and not is_const(b, 1.0):
        for c, u in (a.args[0].args, a.args[0].args[::-1]):
            if c is square(b) and assumed_positive(b):
                return raw("sqrt_minus", b, u)
    if sign < 0 and b.uniform and a.op == "mul" and a.args[0] is b:
        less = _rule_minus_one(a.args[1], sign, ONE, count)
        return None if less is None else mul(b, less)
    if sign > 0 or not is_const(b, 1.0):
        return None
    if a.op == "exp":
        return build("expm1", a.args[0])
    if a.op == "gauss":
        return build("expm1", mul(a.args[0], square(a.args[1])))
    if a.op == "sigmoid_power":
        return build("expm1", neg(mul(a.args[1], softplus(neg(a.args[0])))))
    if a.op == "power" and a.args[0].op == "add" and a.args[1].uniform:
        for one, u in (a.args[0].args, a.args[0].args[::-1]):
            if is_const(one, 1.0):
                return raw("powm1", u, a.args[1])
    if a.op == "power" and a.args[0].op == "root" and is_const(a.args[0].args[0], 1.0):
        return raw("root_powm1", a.args[0].args[1], a.args[1])
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


def _rule_quotient(a: Node, sign: int, b: Node, count: int) -> Node | None:
    """K - n/d = (k d - n)/d, where terms vanish in the numerator."""
    if sign > 0 or not a.uniform or count > 2:
        return None
    if b.op == "div" and not b.args[1].uniform:
        n, d = b.args
    elif b.op == "mul" and b.args[0].uniform and b.args[1].op == "div":
        n, d = mul(b.args[0], b.args[1].args[0]), b.args[1].args[1]
    else:
        return None
    numerator = shorter((1, a, d), (-1, n, ONE))
    return None if numerator is None else div(numerator, d)


_SUM_RULES = (
    _rule_cancel,
    _rule_relu_softplus,
    _rule_log_cosh,
    _rule_softplus_shift,
    _rule_logistic,
    _rule_two_softplus,
    _rule_complement,
    _rule_mixture,
    _rule_complement_of_mixture,
    _rule_minus_one,
    _rule_error_function,
    _rule_tangents,
    _rule_sigmoid,
    _rule_hyperbolic,
    _rule_quotient,
)


def tidy(x: Node) -> Node:
    """Return a sum without the terms of it that vanish."""
    found = shorter((1, x, ONE))
    return x if found is None else found


def shorter(*terms: tuple[int, Node, Node]) -> Node | None:
    """Return a sum of signed products without the terms that vanish, if any do."""
    found = polynomials.shorter(*terms)
    if found is None:
        return None
    content, rest = found
    total = ZERO
    for monomial, factor in rest.items():
        total = add(total, _monomial(monomial, factor))
    return mul(_monomial(content, 1.0), total)


def _monomial(powers: polynomials.Monomial, factor: float) -> Node:
    total = const(factor)
    for x, power in powers:
        combine = mul if power > 0 else div
        for _ in range(abs(power) // 2):
            total = combine(total, square(x))
        if power % 2:
            total = combine(total, x)
    return total


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
    if a.op == "exp" and b.op == "exp" and not (is_share(a) and is_share(b)):
        return exp(add(a.args[0], b.args[0]))
    if a.op == "exp" and b.op == "sigmoid" and a.args[0] is neg(b.args[0]):
        return sigmoid(a.args[0])
    return None


def is_share(x: Node) -> bool:
    """Whether the node is a number of softmax, exp(u - lse(u))."""
    return x.op == "exp" and x.args[0].op == "sub" and x.args[0].args[1].op == "lse"


def over(a: Node, b: Node) -> Node:
    """Quotient that a user writes: 0 over 0 or a NaN is a NaN."""
    if is_zero(a) and b.leaves:
        return raw("div", a, b)
    if a.op == "where" and any(map(is_zero, a.args[1:])):
        return where(a.args[0], over(a.args[1], b), over(a.args[2], b))
    return div(a, b)


def is_zero(a: Node) -> bool:
    """Whether the node is 0, or a NaN where another one is."""
    while a.op == "nan_if":
        a = a.args[0]
    return is_const(a, 0.0)


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
            if squared and _not_negative(c):
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


def times(a: Node, b: Node) -> Node:
    """The product that a user writes: 0 times a NaN is a NaN."""
    for x, z in ((a, b), (b, a)):
        if is_zero(x):
            return nan_if(x, _finite_part(z))
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
    if x.op == "mul" and _not_negative(x.args[0]):
        v = _root_of_square(x.args[1])
        return None if v is None else mul(build("sqrt", x.args[0]), v)
    if x.op == "div" and _not_negative(x.args[1]):
        v = _root_of_square(x.args[0])
        return None if v is None else div(v, build("sqrt", x.args[1]))
    return None


def _not_negative(x: Node) -> bool:
    """Whether a uniform node is certainly no negative number."""
    return x.uniform and (x.op in ("abs", "square", "exp") or (value_of(x) or -1.0) > 0)


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
    if a.op == "log_mixture":
        return raw("mixture", *a.args)
    if a.op == "mul" and a.args[0].uniform and a.args[1].op == "softplus":
        return raw("sigmoid_power", neg(a.args[1].args[0]), neg(a.args[0]))
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


_oracle: ContextVar[Callable[[Node], float] | None] = ContextVar("oracle", default=None)


@contextmanager
def asking(read: Callable[[Node], float] | None) -> Iterator[None]:
    """Let forms depend on the sign of parameters: `read` gives and notes a value."""
    token = _oracle.set(read)
    try:
        yield
    finally:
        _oracle.reset(token)


def assumed_positive(x: Node) -> bool:
    """Whether a uniform node is positive, as far as is known or may be asked."""
    number = value_of(x)
    if number is not None or not x.uniform:
        return number is not None and number > 0
    read = _oracle.get()
    return read is not None and bool(read(raw("gt", x, ZERO)))


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
    if b.uniform or (b.carried <= a.strict and origins(b) <= strict_nodes(a)):
        return a
    return raw("nan_if", a, b)


def _finite_part(x: Node) -> Node:
    """What is a NaN where x is one or may be an infinity out of numbers."""
    return raw("sub", x, x) if origins(x) else x
