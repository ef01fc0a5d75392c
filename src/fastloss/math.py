"""`fastloss.math`: functions that NumPy lacks, for arrays and for custom losses.

On arrays they are plain NumPy; inside a custom loss they are kernels of the engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from fastloss._custom import axes, numbers
from fastloss._custom.building import build
from fastloss._custom.operands import as_node
from fastloss._custom.reduced import Reduced
from fastloss._custom.symbol import Symbol

__all__ = [
    "digamma",
    "erf",
    "erfc",
    "lgamma",
    "log_cosh",
    "log_ndtr",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "ndtr",
    "sigmoid",
    "softmax",
    "softplus",
    "xlogy",
]


def _floats(x: Any) -> Any:
    """An array; integers and booleans become float64."""
    array = np.asarray(x)
    return array.astype(float) if array.dtype.kind in "biu" else array


F = TypeVar("F", bound=Callable[..., Any])


def _traced(op: str) -> Callable[[F], F]:
    """Let a NumPy function build a graph node when it is given symbols."""

    def wrap(function: F) -> F:
        def either(*args: Any) -> Any:
            if any(isinstance(a, Symbol | Reduced) for a in args):
                return Symbol(build(op, *map(as_node, args)), of=args)
            return function(*map(_floats, args))[()]

        either.__name__ = function.__name__
        either.__doc__ = function.__doc__
        either.__annotations__ = function.__annotations__
        return either  # type: ignore[return-value]

    return wrap


@_traced("sigmoid")
def sigmoid(x: Any) -> Any:
    """1/(1 + exp(-x)), right in both tails."""
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, t) / (1 + t)


@_traced("softplus")
def softplus(x: Any) -> Any:
    """log(1 + exp(x))."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)) = -softplus(-x)."""
    return -softplus(-(x if isinstance(x, Symbol | Reduced) else _floats(x)))


@_traced("log_cosh")
def log_cosh(x: Any) -> Any:
    """log(cosh(x)), also where cosh(x) overflows."""
    small = 0.5 * np.log1p(np.sinh(np.clip(x, -1, 1)) ** 2)
    large = np.abs(x) - math.log(2) + np.log1p(np.exp(-2 * np.abs(x)))
    return np.where(np.abs(x) < 1, small, large)


@_traced("logaddexp")
def _logaddexp(a: Any, b: Any) -> Any:
    return np.logaddexp(a, b)


def logsumexp(
    a: Any, b: Any = None, *, axis: int | None = None, keepdims: bool = False
) -> Any:
    """log(exp(a) + exp(b)), or log(sum(exp(a))) along the last axis."""
    if b is not None:
        return _logaddexp(a, b)
    if isinstance(a, Symbol | Reduced):
        return axes.logsumexp(a, axis, keepdims=keepdims)
    reduce: Any = np.logaddexp.reduce
    return reduce(_floats(a), axis=axis, keepdims=keepdims)


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) over its sum along the last axis."""
    if isinstance(x, Symbol | Reduced):
        return axes.softmax(x, axis)
    return np.exp(log_softmax(x, axis))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of `softmax`."""
    if isinstance(x, Symbol | Reduced):
        return axes.log_softmax(x, axis)
    x = _floats(x)
    return x - logsumexp(x, axis=axis, keepdims=True)


@_traced("erf")
def erf(x: Any) -> Any:
    """The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return np.vectorize(math.erf, otypes=[float])(x)


@_traced("lgamma")
def lgamma(x: Any) -> Any:
    """log|Gamma(x)|; its derivative is `digamma`."""
    return np.vectorize(numbers.lgamma, otypes=[float])(x)


@_traced("digamma")
def digamma(x: Any) -> Any:
    """The derivative of `lgamma`."""
    return np.vectorize(numbers.digamma, otypes=[float])(x)


@_traced("erfc")
def erfc(x: Any) -> Any:
    """1 - erf(x), right where that is small."""
    return np.vectorize(math.erfc, otypes=[float])(x)


@_traced("ndtr")
def ndtr(x: Any) -> Any:
    """The distribution function of the normal distribution."""
    return np.vectorize(numbers.ndtr, otypes=[float])(x)


@_traced("log_ndtr")
def log_ndtr(x: Any) -> Any:
    """The logarithm of `ndtr`, right in both tails."""
    return np.vectorize(numbers.log_ndtr, otypes=[float])(x)


@_traced("xlogy")
def xlogy(x: Any, y: Any) -> Any:
    """X log(y), and 0 where x is 0 and y a number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((x == 0) & (y == y), 0, x * np.log(y))
