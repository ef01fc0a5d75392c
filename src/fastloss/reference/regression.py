"""Losses of real numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, nan_or

__all__ = ["MeanAbsoluteError", "MeanSquaredError"]


class MeanSquaredError:
    """Squared residual, ``r^2``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return (x - y) ** 2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return 2 * (x - y)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return nan_or(x - y, 2)


class MeanAbsoluteError:
    """Absolute residual, ``|r|``; its derivative at the kink is 0."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.abs(x - y)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.sign(x - y)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return nan_or(x - y, 0)
