"""Which terms of a sum have a stable form, without cancellation or overflow."""

from __future__ import annotations

import math

from .arithmetic import (
    absolute,
    add,
    div,
    mul,
    neg,
    sigmoid,
    sigmoid_slope,
    square,
    sub,
    where,
)
from .building import (
    ONE,
    TWO,
    ZERO,
    build,
    finite_part,
    is_const,
    nan_if,
    raw,
    value_of,
)
from .graph import Node, const
from .logarithms import log_cosh, logistic, logistic_slope, softplus
from .polynomials import shorter, tidy
from .signs import assumed_positive

_LOG_2 = math.log(2.0)
_Term = tuple[int, Node]


def stable(x: Node) -> Node:
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


def _terms(x: Node, sign: int = 1, depth: int = 16) -> list[_Term]:
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


def _recognised(left: list[_Term], right: list[_Term]) -> Node | None:
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


def _log_ratio_minus(terms: list[_Term]) -> Node | None:
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


def _from_terms(terms: list[_Term]) -> Node:
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
    if sign < 0 and number is not None and abs(number - _LOG_2) < 1e-15:
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
    return nan_if(ZERO, finite_part(a))


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
