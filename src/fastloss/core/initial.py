"""The constant prediction that a loss is least with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from fastloss.core.loss import Loss

__all__: list[str] = []

_FAR = 1e300
_RANGES = {
    "unit": (0.0, 1.0),
    "probability": (0.0, 1.0),
    "log1p": (-1.0, _FAR),
    "positive": (0.0, _FAR),
    "nonnegative": (0.0, _FAR),
}


def constant(loss: Loss, y_true: ArrayLike, sample_weight: ArrayLike | None) -> float:
    """Where the sum of the gradients, as it is rounded, changes its sign.

    That is the minimum of a loss that is convex in its prediction, and a stationary
    point of another one.
    """
    y = np.asarray(y_true)
    total = loss if loss._is_one_number() else replace(loss, reduction="sum")
    low, high = _RANGES.get(loss._row.predictions[0], (-_FAR, _FAR))

    def rises(x: float) -> bool:
        at = np.broadcast_to(np.float64(x), y.shape)
        return bool(total.grad(y, at, sample_weight=sample_weight).sum() > 0)

    return _change(rises, *_bracket(rises, low, high))


def _bracket(
    rises: Callable[[float], bool], lowest: float, highest: float
) -> tuple[float, float]:
    """Bounds with the change between them, or the ends of the range."""
    low, high = max(lowest, -1.0), min(highest, 1.0)
    while high < highest and not rises(high):
        high *= 2
    while lowest < low and rises(low):
        low *= 2
    return low, high


def _change(rises: Callable[[float], bool], low: float, high: float) -> float:
    """Bisection of what is false below some number and true above it."""
    while True:
        middle = low + (high - low) / 2
        if not low < middle < high:
            return high if abs(high) < abs(low) else low
        if rises(middle):
            high = middle
        else:
            low = middle
