"""Losses of labels in [0, 1], entry by entry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, clip, smooth

__all__ = ["BinaryCrossentropy"]


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Array) -> Array:
    """``log(1 + exp(x))`` without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


class BinaryCrossentropy:
    """``-pos_weight y log p - (1 - y) log(1 - p)``, with ``p = sigmoid(x)`` for logits.

    On logits this is ``softplus(x) - y x + (pos_weight - 1) y softplus(-x)``.
    """

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        y = smooth(y, label_smoothing, 2)
        if not from_logits:
            p = clip(x, eps)
            return -pos_weight * y * np.log(p) - (1 - y) * np.log1p(-p)
        loss = _softplus(x) - y * x
        if pos_weight != 1:
            loss = loss + (pos_weight - 1) * y * _softplus(-x)
        return loss

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        y = smooth(y, label_smoothing, 2)
        if not from_logits:
            p = clip(x, eps)
            return (1 - y) / (1 - p) - pos_weight * y / p
        p = _sigmoid(x)
        if pos_weight == 1:
            return p - y
        return (1 - y) * p - pos_weight * y * (1 - p)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        y = smooth(y, label_smoothing, 2)
        if not from_logits:
            p = clip(x, eps)
            return pos_weight * y / p**2 + (1 - y) / (1 - p) ** 2
        p = _sigmoid(x)
        return (1 - y + pos_weight * y) * p * (1 - p)
