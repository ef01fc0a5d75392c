"""Losses of predicted distributions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays

__all__ = ["GaussianNLL"]

Pair = tuple[npt.ArrayLike, npt.ArrayLike]


class GaussianNLL:
    """``(log v + r^2/v)/2`` with ``r = mean - y`` and ``v = max(var, eps)``.

    Derivatives are by the mean and by the variance, at the clipped variance.
    """

    @staticmethod
    def _parts(y_true: npt.ArrayLike, y_pred: Pair, eps: float) -> tuple[Array, Array]:
        y, mean = arrays(y_true, y_pred[0])
        _, var = arrays(y_true, y_pred[1])
        return mean - y, np.maximum(var, eps)

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> Array:
        r, v = GaussianNLL._parts(y_true, y_pred, eps)
        constant = np.log(2 * np.pi + 0 * v) / 2 if full else 0
        return (np.log(v) + r**2 / v) / 2 + constant

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> tuple[Array, Array]:
        r, v = GaussianNLL._parts(y_true, y_pred, eps)
        return r / v, (v - r**2) / (2 * v**2)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: Pair, full: bool = False, eps: float = 1e-6
    ) -> tuple[Array, Array]:
        r, v = GaussianNLL._parts(y_true, y_pred, eps)
        return 1 / v, (2 * r**2 - v) / (2 * v**3)
