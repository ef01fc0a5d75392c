"""Losses of real numbers that outliers do not dominate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, nan_or

__all__ = [
    "Barron",
    "Cauchy",
    "Fair",
    "GemanMcClure",
    "Huber",
    "LogCosh",
    "PseudoHuber",
    "SmoothL1",
    "Tukey",
    "Welsch",
]


class Huber:
    """``r^2 / 2`` up to ``|r| = delta``, then ``delta (|r| - delta / 2)``."""

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        r = np.abs(x - y)
        return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2))

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.clip(x - y, -delta, delta)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        return nan_or(x - y, np.abs(x - y) <= delta)


class PseudoHuber:
    """``delta^2 (w - 1)`` with ``w = sqrt(1 + (r / delta)^2)``."""

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return (np.sqrt(1 + ((x - y) / delta) ** 2) - 1) * delta**2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        return (x - y) / np.sqrt(1 + ((x - y) / delta) ** 2)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.sqrt(1 + ((x - y) / delta) ** 2) ** -3


class LogCosh:
    """``log(cosh(r))``, written so that ``cosh`` cannot overflow."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        r = np.abs(x - y)
        return r + np.log((1 + np.exp(-2 * r)) / 2)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.tanh(x - y)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        t = np.exp(-2 * np.abs(x - y))
        return 4 * t / (1 + t) ** 2


class SmoothL1:
    """``r^2 / (2 beta)`` below ``|r| = beta``, then ``|r| - beta / 2``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, beta: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        r = np.abs(x - y)
        if beta == 0:
            return r
        return np.where(r < beta, r**2 / (2 * beta), r - beta / 2)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, beta: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        if beta == 0:
            return np.sign(x - y)
        return np.clip((x - y) / beta, -1, 1)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, beta: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        if beta == 0:
            return nan_or(x - y, 0)
        return nan_or(x - y, np.where(np.abs(x - y) < beta, 1 / beta, 0))


class Cauchy:
    """``c^2 / 2 log(1 + w)`` with ``w = (r / c)^2``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return np.log1p(w) * (c**2 / 2)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (x - y) / (1 + w)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (1 - w) / (1 + w) ** 2

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0
    ) -> Array:
        """Size of the terms of the Hessian, which has both signs."""
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (1 + w) / (1 + w) ** 2


class Welsch:
    """``c^2 / 2 (1 - exp(-w))`` with ``w = (r / c)^2``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return np.expm1(-w) * (-(c**2) / 2)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (x - y) * np.exp(-w)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (1 - 2 * w) * np.exp(-w)

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0
    ) -> Array:
        """Size of the terms of the Hessian, which has both signs."""
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (1 + 2 * w) * np.exp(-w)


class GemanMcClure:
    """``r^2 / 2 / (1 + w)`` with ``w = (r / c)^2``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (x - y) ** 2 / (1 + w) / 2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (x - y) / (1 + w) ** 2

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (1 - 3 * w) / (1 + w) ** 3

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0
    ) -> Array:
        """Size of the terms of the Hessian, which has both signs."""
        y, x = arrays(y_true, y_pred)
        w = ((x - y) / c) ** 2
        return (1 + 3 * w) / (1 + w) ** 3


class Fair:
    """``c^2 (z - log(1 + z))`` with ``z = |r| / c``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        z = np.abs(x - y) / c
        return (z - np.log1p(z)) * c**2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        z = np.abs(x - y) / c
        return (x - y) / (1 + z)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 1.0) -> Array:
        y, x = arrays(y_true, y_pred)
        z = np.abs(x - y) / c
        return (1 + z) ** -2


class Tukey:
    """``c^2 / 6 (1 - v^3)`` with ``v = 1 - (r / c)^2``, constant beyond ``c``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 4.685) -> Array:
        y, x = arrays(y_true, y_pred)
        v = np.maximum(1 - ((x - y) / c) ** 2, 0)
        return (1 - v**3) * (c**2 / 6)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 4.685) -> Array:
        y, x = arrays(y_true, y_pred)
        v = np.maximum(1 - ((x - y) / c) ** 2, 0)
        return (x - y) * v**2

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 4.685) -> Array:
        y, x = arrays(y_true, y_pred)
        v = np.maximum(1 - ((x - y) / c) ** 2, 0)
        return v * (5 * v - 4)

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, c: float = 4.685
    ) -> Array:
        """Size of the terms of the Hessian, which has both signs."""
        y, x = arrays(y_true, y_pred)
        v = np.maximum(1 - ((x - y) / c) ** 2, 0)
        return v * (5 * v + 4)


class Barron:
    """``a / alpha ((1 + z^2 / a)^(alpha / 2) - 1)``, ``a = 2 - alpha``, ``z = r / c``.

    Of ``alpha`` 2, 0 and minus infinity the limits.
    """

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, alpha: float = 1.0, c: float = 1.0
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        z2 = ((x - y) / c) ** 2
        if alpha == 2:
            return z2 / 2
        if alpha == 0:
            return np.log1p(z2 / 2)
        if alpha < -1e300:
            return -np.expm1(-z2 / 2)
        return ((1 + z2 / (2 - alpha)) ** (alpha / 2) - 1) * ((2 - alpha) / alpha)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, alpha: float = 1.0, c: float = 1.0
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        z = (x - y) / c
        if alpha == 2:
            return z / c
        if alpha < -1e300:
            return z / c * np.exp(-(z**2) / 2)
        return z / c * (1 + z**2 / (2 - alpha)) ** (alpha / 2 - 1)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, alpha: float = 1.0, c: float = 1.0
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        z2 = ((x - y) / c) ** 2
        if alpha == 2:
            return nan_or(x - y, 1 / c**2)
        if alpha < -1e300:
            return (1 - z2) * np.exp(-z2 / 2) / c**2
        b = z2 / (2 - alpha)
        return (1 + (alpha - 1) * b) * (1 + b) ** (alpha / 2 - 2) / c**2

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, alpha: float = 1.0, c: float = 1.0
    ) -> Array:
        """Size of the terms of the Hessian, which has both signs."""
        y, x = arrays(y_true, y_pred)
        z2 = ((x - y) / c) ** 2
        if alpha == 2:
            return nan_or(x - y, 1 / c**2)
        if alpha < -1e300:
            return (1 + z2) * np.exp(-z2 / 2) / c**2
        b = z2 / (2 - alpha)
        return (1 + abs(alpha - 1) * b) * (1 + b) ** (alpha / 2 - 2) / c**2
