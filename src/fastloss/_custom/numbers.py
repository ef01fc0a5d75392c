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
    """Return the values of all nodes below uniform roots, given the parameters'."""
    known: dict[Node, float] = {}
    for x in walk(*roots):
        if x.op == "const":
            known[x] = number_of(x)
        elif x.op == "param":
            known[x] = values[str(x.value)]
        else:
            known[x] = evaluate(x.op, [known[a] for a in x.args])
    return known
