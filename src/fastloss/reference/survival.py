"""Losses of times until an event."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array

__all__ = ["Cox"]

Pair = tuple[npt.ArrayLike, npt.ArrayLike]


class Cox:
    """Of an event, the log of the summed risks still there, minus its own.

    The formula compares samples with each other: weights are part of it. Derivatives
    are of the sum of the values.
    """

    @staticmethod
    def _deaths(
        y_true: Pair, y_pred: npt.ArrayLike, weight: Any, ties: str
    ) -> list[tuple[Array, Array, Array]]:
        """Of each time with events: these, and terms ``u_j (1 - k/m)`` of each step."""
        time, event = (np.asarray(part) for part in y_true)
        u = weight * np.exp(np.asarray(y_pred))
        counts = (event != 0) & (weight != 0)
        deaths = []
        for t in np.unique(time[counts]):
            tied = counts & (time == t)
            m = int(np.count_nonzero(tied))
            steps = [
                np.where(time >= t, u, 0) * (1 - (tied * k + 0 * u) / m)
                for k in range(m)
            ]
            if ties == "breslow":
                steps = [np.where(time >= t, u, 0)] * m
            deaths.append((tied, weight[tied].sum() / m, np.array(steps)))
        return deaths

    @staticmethod
    def value(
        y_true: Pair, y_pred: npt.ArrayLike, weight: Any = None, ties: str = "efron"
    ) -> Array:
        x = np.asarray(y_pred)
        weight = np.ones(x.shape, int) if weight is None else weight
        losses = 0 * x
        for tied, _, steps in Cox._deaths(y_true, x, weight, ties):
            mean = np.sum(np.log(np.sum(steps, axis=1))) / len(steps)
            losses = np.where(tied, weight * (mean - x), losses)
        return losses

    @staticmethod
    def grad(
        y_true: Pair, y_pred: npt.ArrayLike, weight: Any = None, ties: str = "efron"
    ) -> Array:
        x = np.asarray(y_pred)
        weight = np.ones(x.shape, int) if weight is None else weight
        result = 0 * x
        for tied, mean_weight, steps in Cox._deaths(y_true, x, weight, ties):
            p = steps / np.sum(steps, axis=1)[:, np.newaxis]
            result = result + mean_weight * np.sum(p, axis=0) - weight * tied
        return result

    @staticmethod
    def hess(
        y_true: Pair, y_pred: npt.ArrayLike, weight: Any = None, ties: str = "efron"
    ) -> Array:
        x = np.asarray(y_pred)
        weight = np.ones(x.shape, int) if weight is None else weight
        result = 0 * x
        for _, mean_weight, steps in Cox._deaths(y_true, x, weight, ties):
            p = steps / np.sum(steps, axis=1)[:, np.newaxis]
            result = result + mean_weight * np.sum(p * (1 - p), axis=0)
        return result
