"""Losses of predicted distributions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, elementwise, lgamma

__all__ = [
    "CRPSLaplace",
    "CRPSLogistic",
    "CRPSNormal",
    "GaussianNLL",
    "IntervalScore",
    "LaplaceNLL",
    "NegativeBinomial",
    "StudentT",
]

Pair = tuple[npt.ArrayLike, npt.ArrayLike]


def _polygamma(x: float, order: int) -> float:
    """Digamma and trigamma (orders 0 and 1) of x > 0.

    By psi(x) = psi(x + 1) - 1/x and the asymptotic series (M. Abramowitz and
    I. A. Stegun, Handbook of Mathematical Functions, 6.3.18 and 6.4.12).
    """
    total = 0.0
    while x < 12:
        total += -1 / x if order == 0 else 1 / x**2
        x += 1
    bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730]
    if order == 0:
        series = sum(b / (2 * k * x ** (2 * k)) for k, b in enumerate(bernoulli, 1))
        return total + math.log(x) - 1 / (2 * x) - series
    series = sum(b / x ** (2 * k + 1) for k, b in enumerate(bernoulli, 1))
    return total + 1 / x + 1 / (2 * x**2) + series


_erf = elementwise("erf", math.erf)
_digamma = elementwise("digamma", lambda x: _polygamma(x, 0))
_trigamma = elementwise("trigamma", lambda x: _polygamma(x, 1))


def _heads(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array, Array]:
    """Labels and both predictions, in the dtype of the first of these."""
    y, first = arrays(y_true, y_pred[0])
    return y, first, arrays(y_true, y_pred[1])[1]


def _pi(like: Array) -> Array:
    """The number, with the digits of `like`."""
    return 4 * np.arctan(1 + 0 * like)


def _ratio(r: Array, scale: Array) -> Array:
    """``r/scale`` up to 10 000, where exp has long become 0; 0 for ``r = 0``."""
    return r / np.where(r == 0, 1, np.maximum(scale, abs(r) / 10_000))


class GaussianNLL:
    """``(log v + r^2/v)/2`` with ``r = mean - y`` and ``v = max(var, eps)``.

    Derivatives are by the mean and by the variance, at the clipped variance; with
    `log_variance` the second prediction is ``log v``.
    """

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: Pair, eps: float, log_variance: bool
    ) -> tuple[Array, Array]:
        y, mean, var = _heads(y_true, y_pred)
        return mean - y, np.exp(var) if log_variance else np.maximum(var, eps)

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: Pair,
        full: bool = False,
        eps: float = 1e-6,
        log_variance: bool = False,
    ) -> Array:
        r, v = GaussianNLL._parts(y_true, y_pred, eps, log_variance)
        constant = np.log(2 * _pi(v)) / 2 if full else 0
        log = _heads(y_true, y_pred)[2] if log_variance else np.log(v)
        return (log + r**2 / v) / 2 + constant

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: Pair,
        full: bool = False,
        eps: float = 1e-6,
        log_variance: bool = False,
    ) -> tuple[Array, Array]:
        r, v = GaussianNLL._parts(y_true, y_pred, eps, log_variance)
        by_v = (v - r**2) / (2 * v**2)
        return r / v, by_v * v if log_variance else by_v

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: Pair,
        full: bool = False,
        eps: float = 1e-6,
        log_variance: bool = False,
    ) -> tuple[Array, Array]:
        r, v = GaussianNLL._parts(y_true, y_pred, eps, log_variance)
        if log_variance:
            return 1 / v, r**2 / (2 * v)
        return 1 / v, (2 * r**2 - v) / (2 * v**3)


class LaplaceNLL:
    """``log b + |r|/b`` with ``r = loc - y`` and ``b = max(scale, eps)``."""

    @staticmethod
    def _parts(y_true: npt.ArrayLike, y_pred: Pair, eps: float) -> tuple[Array, Array]:
        y, loc, scale = _heads(y_true, y_pred)
        return loc - y, np.maximum(scale, eps)

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> Array:
        r, b = LaplaceNLL._parts(y_true, y_pred, eps)
        return np.log(b) + abs(r) / b + (np.log(2 + 0 * b) if full else 0)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> tuple[Array, Array]:
        r, b = LaplaceNLL._parts(y_true, y_pred, eps)
        return np.sign(r) / b, (b - abs(r)) / b**2

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> tuple[Array, Array]:
        r, b = LaplaceNLL._parts(y_true, y_pred, eps)
        return 0 * r, (2 * abs(r) - b) / b**3


class StudentT:
    """``log s + (nu + 1)/2 log(1 + r^2/(nu s^2))``.

    With ``r = loc - y`` and ``s = max(scale, eps)``.
    """

    @staticmethod
    def _parts(y_true: npt.ArrayLike, y_pred: Pair, eps: float) -> tuple[Array, Array]:
        y, loc, scale = _heads(y_true, y_pred)
        return loc - y, np.maximum(scale, eps)

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: Pair,
        nu: float = 4.0,
        full: bool = False,
        eps: float = 1e-6,
    ) -> Array:
        r, s = StudentT._parts(y_true, y_pred, eps)
        result = np.log(s) + (nu + 1) / 2 * np.log1p(r**2 / (nu * s**2))
        if full:
            a = nu / 2 + 0 * s
            result += lgamma(a) - lgamma(a + 1 / 2) + np.log(_pi(s) * nu) / 2
        return result

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: Pair,
        nu: float = 4.0,
        full: bool = False,
        eps: float = 1e-6,
    ) -> tuple[Array, Array]:
        r, s = StudentT._parts(y_true, y_pred, eps)
        total = nu * s**2 + r**2
        return (nu + 1) * r / total, nu * (s**2 - r**2) / (s * total)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: Pair,
        nu: float = 4.0,
        full: bool = False,
        eps: float = 1e-6,
    ) -> tuple[Array, Array]:
        r, s = StudentT._parts(y_true, y_pred, eps)
        total = nu * s**2 + r**2
        by_scale = r**4 + (3 * nu + 1) * r**2 * s**2 - nu * s**4
        return (
            (nu + 1) * (nu * s**2 - r**2) / total**2,
            nu * by_scale / (s * total) ** 2,
        )


class NegativeBinomial:
    """``-log`` of the probability of a count of mean ``m`` and total count ``r``.

    ``lgamma(r) - lgamma(r + y) + (r + y) log(r + m) - r log r - y log m`` with
    ``m = max(mean, eps)`` and ``r = max(total_count, eps)``.
    """

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: Pair, eps: float
    ) -> tuple[Array, Array, Array]:
        y, mean, count = _heads(y_true, y_pred)
        return y, np.maximum(mean, eps), np.maximum(count, eps)

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> Array:
        y, m, r = NegativeBinomial._parts(y_true, y_pred, eps)
        counted = lgamma(r) - lgamma(r + y) + (lgamma(y + 1) if full else 0)
        return counted + r * np.log1p(m / r) + y * (np.log(r + m) - np.log(m))

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> tuple[Array, Array]:
        y, m, r = NegativeBinomial._parts(y_true, y_pred, eps)
        change = _digamma(r) - _digamma(r + y)
        return r * (m - y) / (m * (r + m)), change + np.log1p(m / r) - (m - y) / (r + m)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> tuple[Array, Array]:
        y, m, r = NegativeBinomial._parts(y_true, y_pred, eps)
        change = _trigamma(r) - _trigamma(r + y)
        return (
            y / m**2 - (r + y) / (r + m) ** 2,
            change - m / (r * (r + m)) + (m - y) / (r + m) ** 2,
        )


class CRPSNormal:
    """``s (w (2 Phi(w) - 1) + 2 phi(w) - 1/sqrt(pi))`` with ``w = (mean - y)/s``."""

    @staticmethod
    def _parts(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array, Array]:
        """``w``, ``2 phi(w)`` and ``1/sqrt(pi)``."""
        y, mean, std = _heads(y_true, y_pred)
        w = _ratio(mean - y, std)
        pi = _pi(w)
        return w, 2 * np.exp(-(w**2) / 2) / np.sqrt(2 * pi), 1 / np.sqrt(pi)

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: Pair) -> Array:
        y, mean, std = _heads(y_true, y_pred)
        w, density, constant = CRPSNormal._parts(y_true, y_pred)
        return (mean - y) * _erf(w / np.sqrt(2 + 0 * w)) + std * (density - constant)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array]:
        w, density, constant = CRPSNormal._parts(y_true, y_pred)
        return _erf(w / np.sqrt(2 + 0 * w)), density - constant

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array]:
        w, density, _ = CRPSNormal._parts(y_true, y_pred)
        std = _heads(y_true, y_pred)[2]
        return density / std, w**2 * density / std


class CRPSLaplace:
    """``|r| + b (exp(-|r|/b) - 3/4)`` with ``r = loc - y``."""

    @staticmethod
    def _parts(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array, Array]:
        y, loc, scale = _heads(y_true, y_pred)
        return loc - y, scale, abs(_ratio(loc - y, scale))

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: Pair) -> Array:
        r, b, q = CRPSLaplace._parts(y_true, y_pred)
        return abs(r) + b * (np.exp(-q) - 3 / 4)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array]:
        r, _, q = CRPSLaplace._parts(y_true, y_pred)
        return -np.sign(r) * np.expm1(-q), (1 + q) * np.exp(-q) - 3 / 4

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array]:
        _, b, q = CRPSLaplace._parts(y_true, y_pred)
        return np.exp(-q) / b, q**2 * np.exp(-q) / b


class CRPSLogistic:
    """``|r| + s (2 log(1 + exp(-|r|/s)) - 1)`` with ``r = loc - y``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: Pair) -> Array:
        r, s, q = CRPSLaplace._parts(y_true, y_pred)
        return abs(r) + s * (2 * np.log1p(np.exp(-q)) - 1)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array]:
        r, _, q = CRPSLaplace._parts(y_true, y_pred)
        t = np.exp(-q)
        by_loc = -np.sign(r) * np.expm1(-q) / (1 + t)
        return by_loc, 2 * np.log1p(t) - 1 + 2 * q * t / (1 + t)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: Pair) -> tuple[Array, Array]:
        _, s, q = CRPSLaplace._parts(y_true, y_pred)
        t = np.exp(-q)
        curve = 2 * t / (1 + t) ** 2
        return curve / s, q**2 * curve / s


class IntervalScore:
    """``(u - l) + 2/alpha (max(l - y, 0) + max(y - u, 0))``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: Pair, alpha: float = 0.05) -> Array:
        y, low, high = _heads(y_true, y_pred)
        missed = np.maximum(low - y, 0) + np.maximum(y - high, 0)
        return (high - low) + 2 / alpha * missed

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: Pair, alpha: float = 0.05
    ) -> tuple[Array, Array]:
        y, low, high = _heads(y_true, y_pred)
        one = 1 + 0 * y
        return (
            np.where(y < low, 2 / alpha - one, -one),
            np.where(y > high, one - 2 / alpha, one),
        )

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: Pair, alpha: float = 0.05
    ) -> tuple[Array, Array]:
        y, low, high = _heads(y_true, y_pred)
        return 0 * (low - y), 0 * (high - y)
