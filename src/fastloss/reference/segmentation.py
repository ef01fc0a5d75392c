"""Losses of the overlap of regions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays

__all__ = ["Dice"]

Axis = int | tuple[int, ...] | None


class Dice:
    """``1 - (2 T + smooth)/(sum p + sum t + smooth)`` with the overlap ``T``."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, smooth: float, tp: str, axis: Axis
    ) -> tuple[Array, Array, Array]:
        """The numerator, the denominator, and the derivatives of T."""
        t, p = arrays(y_true, y_pred)
        overlap = p * t if tp == "product" else np.minimum(p, t)
        moves = t if tp == "product" else (np.sign(t - p) + 1) / 2
        found = 2 * np.sum(overlap, axis=axis, keepdims=True) + smooth
        return found, np.sum(p + t, axis=axis, keepdims=True) + smooth, moves

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Any:
        found, size, _ = Dice._parts(y_true, y_pred, smooth, tp, axis)
        loss = np.where(size == 0, 0, 1 - found / np.where(size == 0, 1, size))
        return np.squeeze(loss, axis=axis)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Array:
        found, size, moves = Dice._parts(y_true, y_pred, smooth, tp, axis)
        one = np.where(size == 0, 1, size)
        return np.where(size == 0, 0, (found / one - 2 * moves) / one)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Array:
        found, size, moves = Dice._parts(y_true, y_pred, smooth, tp, axis)
        one = np.where(size == 0, 1, size)
        slope = np.where(size == 0, 0, (found / one - 2 * moves) / one)
        return -2 * slope / one
