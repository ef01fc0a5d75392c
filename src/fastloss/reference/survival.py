"""Losses of times until an event."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, elementwise
from fastloss.reference.distribution import _pi

__all__ = ["AFT", "Cox", "DiscreteHazard"]

Pair = tuple[npt.ArrayLike, npt.ArrayLike]

_erfc = elementwise("erfc", math.erfc)


class AFT:
    """``-log`` of the chance that a time is between two bounds, or of its density.

    The logarithm of a time has the distribution function ``F(z)``, ``z = (log t - x) /
    sigma``. Where the bounds are equal the chance is ``f(z)/(sigma t)``.
    """

    @staticmethod
    def _of(z: Array, distribution: str) -> tuple[Array, Array, Array, Array, Array]:
        """``F(z), 1 - F(z), f(z), -(log f)'(z), -(log f)''(z)``."""
        if distribution == "normal":
            root = np.sqrt(2 + 0 * z)
            density = np.exp(-(z**2) / 2) / np.sqrt(2 * _pi(z))
            return _erfc(-z / root) / 2, _erfc(z / root) / 2, density, z, 1 + 0 * z
        if distribution == "logistic":
            low, high = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
            return low, high, low * high, low - high, 2 * low * high
        hazard = np.exp(z)
        later = np.exp(-hazard)
        return -np.expm1(-hazard), later, hazard * later, hazard - 1, hazard

    @staticmethod
    def _at(
        t: Array, x: Array, sigma: float, distribution: str
    ) -> tuple[Array, tuple[Array, ...]]:
        """``z`` and the functions of it, their limits at 0 and infinity."""
        zero, never, always = 0 * x, t == 0, t > np.finfo(float).max
        nowhere = never | always
        z = np.where(
            nowhere, zero, (np.log(np.where(nowhere, zero + 1, t)) - x) / sigma
        )
        below, above, *others = AFT._of(z, distribution)
        below = np.where(always, zero + 1, np.where(never, zero, below))
        above = np.where(always, zero, np.where(never, zero + 1, above))
        inside = (np.where(nowhere, zero, part) for part in others)
        far = np.where(never, zero - 10_000, zero + 10_000)
        return np.where(nowhere, far, z), (below, above, *inside)

    @staticmethod
    def _parts(
        y_true: Pair, y_pred: npt.ArrayLike, distribution: str, sigma: float
    ) -> tuple[Array, Array, Array]:
        """The chance p, p'/p and p''/p, primes for derivatives by z."""
        low, x = arrays(y_true[0], y_pred)
        high = arrays(y_true[1], y_pred)[0]
        z, (f0, s0, d0, score0, curve0) = AFT._at(low, x, sigma, distribution)
        y, (f1, s1, d1, score1, _) = AFT._at(high, x, sigma, distribution)
        known = low == high
        chance = np.where(z + y > 0, s0 - s1, f1 - f0)
        chance = np.where(known, 1, chance)
        slope = np.where(known, -score0, (d1 - d0) / chance)
        bend = np.where(known, score0**2 - curve0, (score0 * d0 - score1 * d1) / chance)
        density = d0 / (sigma * np.where(known, low, 1))
        return np.where(known, density, chance), slope, bend

    @staticmethod
    def value(
        y_true: Pair,
        y_pred: npt.ArrayLike,
        distribution: str = "normal",
        sigma: float = 1.0,
    ) -> Array:
        return -np.log(AFT._parts(y_true, y_pred, distribution, sigma)[0])

    @staticmethod
    def grad(
        y_true: Pair,
        y_pred: npt.ArrayLike,
        distribution: str = "normal",
        sigma: float = 1.0,
    ) -> Array:
        return AFT._parts(y_true, y_pred, distribution, sigma)[1] / sigma

    @staticmethod
    def hess(
        y_true: Pair,
        y_pred: npt.ArrayLike,
        distribution: str = "normal",
        sigma: float = 1.0,
    ) -> Array:
        _, slope, bend = AFT._parts(y_true, y_pred, distribution, sigma)
        return (slope**2 - bend) / sigma**2


class Cox:
    """Of an event, the log of the summed risks still there, minus its own.

    The formula compares samples with each other: weights are part of it. Derivatives
    are of the sum of the values.
    """

    @staticmethod
    def _deaths(
        y_true: Pair,
        y_pred: npt.ArrayLike,
        weight: Any,
        ties: str,
        strata: npt.ArrayLike | None = None,
        entry: npt.ArrayLike | None = None,
    ) -> list[tuple[Array, Array, Array]]:
        """Of each time with events: these, and terms ``u_j (1 - k/m)`` of each step."""
        time, event = (np.asarray(part) for part in y_true)
        group = np.zeros(time.shape) if strata is None else np.asarray(strata)
        late = np.full(time.shape, -np.inf) if entry is None else np.asarray(entry)
        u = weight * np.exp(np.asarray(y_pred))
        counts = (event != 0) & (weight != 0)
        deaths = []
        for s, t in sorted(
            {*zip(group[counts].tolist(), time[counts].tolist(), strict=True)}
        ):
            tied = counts & (time == t) & (group == s)
            there = (late < t) & (time >= t) & (group == s)
            m = int(np.count_nonzero(tied))
            steps = [
                np.where(there, u, 0) * (1 - (tied * k + 0 * u) / m) for k in range(m)
            ]
            if ties == "breslow":
                steps = [np.where(there, u, 0)] * m
            deaths.append((tied, weight[tied].sum() / m, np.array(steps)))
        return deaths

    @staticmethod
    def value(
        y_true: Pair,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        ties: str = "efron",
        strata: npt.ArrayLike | None = None,
        entry: npt.ArrayLike | None = None,
    ) -> Array:
        x = np.asarray(y_pred)
        weight = np.ones(x.shape, int) if weight is None else weight
        losses = 0 * x
        for tied, _, steps in Cox._deaths(y_true, x, weight, ties, strata, entry):
            mean = np.sum(np.log(np.sum(steps, axis=1))) / len(steps)
            losses = np.where(tied, weight * (mean - x), losses)
        return losses

    @staticmethod
    def grad(
        y_true: Pair,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        ties: str = "efron",
        strata: npt.ArrayLike | None = None,
        entry: npt.ArrayLike | None = None,
    ) -> Array:
        x = np.asarray(y_pred)
        weight = np.ones(x.shape, int) if weight is None else weight
        result = 0 * x
        for tied, mean_weight, steps in Cox._deaths(
            y_true, x, weight, ties, strata, entry
        ):
            p = steps / np.sum(steps, axis=1)[:, np.newaxis]
            result = result + mean_weight * np.sum(p, axis=0) - weight * tied
        return result

    @staticmethod
    def hess(
        y_true: Pair,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        ties: str = "efron",
        strata: npt.ArrayLike | None = None,
        entry: npt.ArrayLike | None = None,
    ) -> Array:
        x = np.asarray(y_pred)
        weight = np.ones(x.shape, int) if weight is None else weight
        result = 0 * x
        for _, mean_weight, steps in Cox._deaths(
            y_true, x, weight, ties, strata, entry
        ):
            p = steps / np.sum(steps, axis=1)[:, np.newaxis]
            result = result + mean_weight * np.sum(p * (1 - p), axis=0)
        return result


class DiscreteHazard:
    """``-log`` of the hazard of the last interval, or of 1 minus it, and of all before.

    With hazards ``1/(1 + exp(-x))``.
    """

    @staticmethod
    def _labels(y_true: Pair, x: Array) -> tuple[Array, Array]:
        """Which intervals were seen, and where the event is."""
        interval, event = (np.asarray(part)[..., np.newaxis] for part in y_true)
        at = np.arange(x.shape[-1])
        return at <= interval, (at == interval) * (event == 1)

    @staticmethod
    def value(y_true: Pair, y_pred: npt.ArrayLike) -> Array:
        x = np.asarray(y_pred)
        seen, here = DiscreteHazard._labels(y_true, x)
        losses = np.log(1 + np.exp(np.where(here, -x, x)))
        return np.asarray(np.sum(np.where(seen, losses, 0 * x), axis=-1))

    @staticmethod
    def grad(y_true: Pair, y_pred: npt.ArrayLike) -> Array:
        x = np.asarray(y_pred)
        seen, here = DiscreteHazard._labels(y_true, x)
        slopes = np.where(here, -1 / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))
        return np.where(seen, slopes, 0 * x)

    @staticmethod
    def hess(y_true: Pair, y_pred: npt.ArrayLike) -> Array:
        x = np.asarray(y_pred)
        seen, _ = DiscreteHazard._labels(y_true, x)
        return np.where(seen, 1 / ((1 + np.exp(-x)) * (1 + np.exp(x))), 0 * x)
