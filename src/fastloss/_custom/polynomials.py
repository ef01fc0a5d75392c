"""Polynomials over nodes, to see which terms of a numerator cancel for good.

The quotient rule makes a' b - a b'. For r^2/(r^2 + c^2) that is 2 r (r^2 + c^2) less
2 r r^2, of which 2 r^3 vanishes: rounding errors of that size would be left. Such a sum
is multiplied out here; where terms vanish it is written without them.
"""

from __future__ import annotations

from collections.abc import Iterator

from .arithmetic import add, div, mul, square
from .building import ONE, ZERO
from .graph import Node, const, node

Monomial = tuple[tuple[Node, int], ...]
Polynomial = dict[Monomial, float]
Factored = tuple[Monomial, Polynomial]
"""A common factor of all terms, and the polynomial without it."""

_MOST_TERMS = 24


class _TooLargeError(Exception):
    """More terms than are worth looking at."""


def tidy(x: Node) -> Node:
    """Return a sum without the terms of it that vanish."""
    found = shorter((1, x, ONE))
    return x if found is None else found


def shorter(*terms: tuple[int, Node, Node]) -> Node | None:
    """Return a sum of signed products without the terms that vanish, if any do."""
    found = _without_vanishing(*terms)
    if found is None:
        return None
    content, rest = found
    total = ZERO
    for monomial, factor in rest.items():
        total = add(total, _product_of(monomial, factor))
    return mul(_product_of(content, 1.0), total)


def _product_of(powers: Monomial, factor: float) -> Node:
    total = const(factor)
    for x, power in powers:
        combine = mul if power > 0 else div
        for _ in range(abs(power) // 2):
            total = combine(total, square(x))
        if power % 2:
            total = combine(total, x)
    return total


def _without_vanishing(*terms: tuple[int, Node, Node]) -> Factored | None:
    """Return the sum of the signed products, if terms of it vanish; else None."""
    try:
        products = [_times(_polynomial(a), _polynomial(b), s) for s, a, b in terms]
        best = min(_with_residuals(products), key=len)
    except _TooLargeError:
        return None
    if len(best) >= _distinct(products):
        return None
    content = _content(best)
    return content, {_monomial(m, _inverse(content)): k for m, k in best.items()}


def _distinct(products: list[Polynomial]) -> int:
    return len(set().union(*products)) if products else 0


def _polynomial(x: Node) -> Polynomial:
    if isinstance(x.value, float):
        return {(): x.value} if x.value else {}
    match x.op, x.args:
        case "add", (a, b):
            return _plus(_polynomial(a), _polynomial(b))
        case "sub", (a, b) if x.uniform or not (a.leaves and b.leaves):
            return _plus(_polynomial(a), _times(_polynomial(b), {(): 1.0}, -1))
        case "neg", (a,):
            return _times(_polynomial(a), {(): 1.0}, -1)
        case "mul", (a, b):
            return _times(_polynomial(a), _polynomial(b))
        case "square", (a,):
            return _times(_polynomial(a), _polynomial(a))
        case "abs", (a,):
            return _times(_polynomial(a), {((node("abs_slope", a), 1),): 1.0})
        case "div", (a, b) if b.uniform and b.op != "const":
            return _times(_polynomial(a), {((b, -1),): 1.0})
    return {((x, 1),): 1.0}


def _plus(a: Polynomial, b: Polynomial) -> Polynomial:
    total = dict(a)
    for m, k in b.items():
        total[m] = total.get(m, 0.0) + k
    return {m: k for m, k in total.items() if k}


def _times(a: Polynomial, b: Polynomial, sign: int = 1) -> Polynomial:
    if len(a) * len(b) > _MOST_TERMS:
        raise _TooLargeError
    total: Polynomial = {}
    for m, k in a.items():
        for n, j in b.items():
            product = _monomial(m, n)
            total[product] = total.get(product, 0.0) + sign * k * j
    return {m: k for m, k in total.items() if k}


def _monomial(m: Monomial, n: Monomial) -> Monomial:
    """The product; the square of a sign is 1."""
    powers = dict(m)
    for x, k in n:
        powers[x] = powers.get(x, 0) + k
        if x.op == "abs_slope":
            powers[x] %= 2
    return tuple(
        sorted(((x, k) for x, k in powers.items() if k), key=lambda z: z[0].serial)
    )


def _with_residuals(products: list[Polynomial]) -> Iterator[Polynomial]:
    """The sum, and the sum with a = r + b or b = a - r for a difference r = a - b."""
    total: Polynomial = {}
    for product in products:
        total = _plus(total, product)
    yield total
    content = _content(total)
    rest = {_monomial(m, _inverse(content)): k for m, k in total.items()}
    for r in {x for m in total for x, _ in m if x.op == "sub"}:
        a, b = r.args
        for old, new in (
            (a, _plus({((r, 1),): 1.0}, _polynomial(b))),
            (b, _plus(_polynomial(a), {((r, 1),): -1.0})),
        ):
            changed = _substituted(rest, old, new)
            yield {_monomial(m, content): k for m, k in changed.items()}


def _inverse(m: Monomial) -> Monomial:
    return tuple((x, -k) for x, k in m)


def _content(p: Polynomial) -> Monomial:
    """The powers that all terms have in common."""
    shared: dict[Node, int] = {}
    for i, m in enumerate(p):
        powers = dict(m)
        shared = {
            x: min(k, powers.get(x, 0))
            for x, k in (powers if i == 0 else shared).items()
        }
    return tuple((x, k) for x, k in shared.items() if k > 0 and x.op != "abs_slope")


def _substituted(p: Polynomial, old: Node, new: Polynomial) -> Polynomial:
    total: Polynomial = {}
    for m, k in p.items():
        powers = dict(m)
        times = powers.pop(old, 0)
        part: Polynomial = {tuple(powers.items()): k}
        if times < 0:
            return p
        for _ in range(times):
            part = _times(part, new)
        total = _plus(total, {_monomial(m, ()): k for m, k in part.items()})
    return total
