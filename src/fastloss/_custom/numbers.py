"""The operations on plain numbers: constants and expressions of parameters alone.

They follow NumPy, not Python: 1/0 is an infinity, log(-1) a NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .graph import OPERATIONS, Node, walk


def softplus(x: float) -> float:
    return float(np.logaddexp(0.0, x))


def sigmoid(x: float) -> float:
    t = math.exp(-abs(x))
    return (1.0 if x >= 0.0 else t) / (1.0 + t)


def sigmoid_slope(x: float) -> float:
    t = math.exp(-abs(x))
    return t / ((1.0 + t) * (1.0 + t))


def log_cosh(x: float) -> float:
    if abs(x) < 1.0:
        return 0.5 * math.log1p(math.sinh(x) ** 2)
    return abs(x) + math.log1p(math.exp(-2.0 * abs(x))) - math.log(2.0)


def log1mexp(x: float) -> float:
    if x > -math.log(2.0):
        return float(np.log(-np.expm1(x)))
    return float(np.log1p(-np.exp(x)))


def lgamma(x: float) -> float:
    if x <= 0.0 and x == math.floor(x):
        return math.inf
    return math.lgamma(x)


def power_slope(x: float, p: float) -> float:
    return 0.0 if p == 0.0 else p * float(np.power(x, p - 1.0))


def power_curve(x: float, p: float) -> float:
    k = p * (p - 1.0)
    return 0.0 if k == 0.0 else k * float(np.power(x, p - 2.0))


def digamma(x: float) -> float:
    """Stepped up to 12, where the asymptotic series is good to 1e-16."""
    if x <= 0.0:
        if x == math.floor(x):
            return -math.inf if x == 0.0 else math.nan
        return digamma(1.0 - x) - math.pi / math.tan(math.pi * x)
    steps = 0.0
    while x < 12.0:
        steps, x = steps - 1.0 / x, x + 1.0
    z = 1.0 / (x * x)
    series = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
    tail = sum(c * z ** (k + 1) for k, c in enumerate(series))
    return steps + math.log(x) - 0.5 / x - tail


def trigamma(x: float) -> float:
    """Likewise."""
    if x <= 0.0:
        if x == math.floor(x):
            return math.inf
        return (math.pi / math.sin(math.pi * x)) ** 2 - trigamma(1.0 - x)
    steps = 0.0
    while x < 12.0:
        steps, x = steps + 1.0 / (x * x), x + 1.0
    z = 1.0 / (x * x)
    series = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
    tail = sum(c * z ** (k + 1) for k, c in enumerate(series))
    return steps + (1.0 + tail) / x + z / 2


def ndtr(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def log_ndtr(x: float) -> float:
    if x > -20.0:
        return math.log1p(-ndtr(-x)) if x > 0.0 else math.log(ndtr(x))
    rest = -x
    for k in range(30, 0, -1):
        rest = -x + k / rest
    return -0.5 * x * x - math.log(rest * math.sqrt(2.0 * math.pi))


def log_ndtr_slope(x: float) -> float:
    return math.exp(-0.5 * x * x - log_ndtr(x)) / math.sqrt(2.0 * math.pi)


def rel_entr(a: float, b: float) -> float:
    if a > 0.0 and b > 0.0:
        return float(a * np.log(a / b))
    return (
        (0.0 if a == 0.0 and b >= 0.0 else math.inf) if a == a and b == b else math.nan
    )


def mixture_curve(w: float, v: float, x: float) -> float:
    s, z = sigmoid(x), sigmoid(-x)
    return -(w - v) * s * z * (w * s * s - v * z * z) / (w * s + v * z) ** 2


def evaluate(op: str, args: Sequence[float]) -> float:
    """Return the operation on these numbers, in double precision."""
    with np.errstate(all="ignore"):
        return float(OPERATIONS[op].number(*map(np.float64, args)))


def number_of(x: Node) -> float:
    """Return the number of a constant; the sign of -0.0 is part of it."""
    assert isinstance(x.value, float)
    return x.value


def evaluate_graph(
    roots: Sequence[Node], values: Mapping[str, float]
) -> dict[Node, float]:
    """Return the values of all nodes below the roots, given those of the leaves."""
    known: dict[Node, float] = {}
    for x in walk(*roots):
        if x.op == "const":
            known[x] = number_of(x)
        elif not x.args:
            known[x] = values[str(x.value)]
        else:
            known[x] = evaluate(x.op, [known[a] for a in x.args])
    return known
