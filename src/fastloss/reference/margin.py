"""Losses of labels -1 and +1 and decision values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss._custom.symbol import Symbol
from fastloss.reference._common import Array, arrays, nan_or

__all__ = ["Exponential", "Hinge", "ModifiedHuber", "SoftMargin", "SquaredHinge"]


def _signs(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Array, Array]:
    """Labels -1 and +1 (or booleans) and predictions."""
    y, x = arrays(y_true, y_pred)
    if not isinstance(y, Symbol) and np.asarray(y_true).dtype == bool:
        y = 2 * y - 1
    return y, x


class Hinge:
    """``max(0, 1 - y x)`` for ``y = -1`` or ``+1``; derivative at the kink is 0."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.maximum(0, 1 - y * x)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return nan_or(y * x, np.where(y * x < 1, -y, 0))

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return nan_or(y * x, 0)


class SquaredHinge:
    """``max(0, 1 - y x)^2`` for ``y = -1`` or ``+1``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.maximum(0, 1 - y * x) ** 2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return -2 * y * np.maximum(0, 1 - y * x)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return nan_or(y * x, np.where(y * x < 1, 2, 0))


class SoftMargin:
    """``log(1 + exp(-y x))`` for ``y = -1`` or ``+1``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.maximum(0, -y * x) + np.log1p(np.exp(-np.abs(y * x)))

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return -y / (1 + np.exp(y * x))

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return 1 / (1 + np.exp(y * x)) / (1 + np.exp(-y * x))


class Exponential:
    """``exp(-y x)`` for ``y = -1`` or ``+1``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.exp(-y * x)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return -y * np.exp(-y * x)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.exp(-y * x)


class ModifiedHuber:
    """``max(0, 1 - y x)^2`` for ``y x >= -1``, else ``-4 y x``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.where(y * x < -1, -4 * y * x, np.maximum(0, 1 - y * x) ** 2)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.where(y * x < -1, -4 * y, -2 * y * np.maximum(0, 1 - y * x))

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return nan_or(y * x, np.where((y * x >= -1) & (y * x < 1), 2, 0))
