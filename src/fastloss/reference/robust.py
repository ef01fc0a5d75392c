"""Losses of real numbers that outliers do not dominate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, nan_or

__all__ = ["Huber", "LogCosh", "PseudoHuber"]


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
