"""Losses of real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, nan_or
from fastloss.reference.robust import SmoothL1

Levels = float | tuple[float, ...]

__all__ = [
    "EpsilonInsensitive",
    "Expectile",
    "HalfSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Quantile",
]


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


class HalfSquaredError:
    """Half the squared residual, ``r^2 / 2``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return (x - y) ** 2 / 2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return x - y

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return nan_or(x - y, 1)


class Quantile:
    """``(1 - q) |r|`` above the label, ``q |r|`` below, smooth up to ``delta``.

    Of several levels ``q`` there is one label for a row of predictions, and the losses
    of the row are added up.
    """

    @staticmethod
    def _parts(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, q: Levels) -> Any:
        y, x = arrays(y_true, y_pred)
        if isinstance(q, tuple):
            y = y[..., np.newaxis] + 0 * x
        level: Any = np.array(q) if isinstance(q, tuple) else q
        return y, x, np.where(x > y, 1 - level, level)

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        q: Levels = 0.5,
        delta: float = 0.0,
    ) -> Array:
        y, x, weight = Quantile._parts(y_true, y_pred, q)
        losses: Array = weight * SmoothL1.value(y, x, delta)
        return losses.sum(axis=-1) if isinstance(q, tuple) else losses

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        q: Levels = 0.5,
        delta: float = 0.0,
    ) -> Array:
        y, x, weight = Quantile._parts(y_true, y_pred, q)
        grad: Array = weight * SmoothL1.grad(y, x, delta)
        return grad

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        q: Levels = 0.5,
        delta: float = 0.0,
    ) -> Array:
        y, x, weight = Quantile._parts(y_true, y_pred, q)
        hess: Array = weight * SmoothL1.hess(y, x, delta)
        return hess


class Expectile:
    """``w r^2`` with ``w = 1 - tau`` from the label on, ``tau`` below."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, tau: float = 0.5) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.where(x < y, tau, 1 - tau) * (x - y) ** 2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, tau: float = 0.5) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.where(x < y, tau, 1 - tau) * (x - y) * 2

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, tau: float = 0.5) -> Array:
        y, x = arrays(y_true, y_pred)
        return nan_or(x - y, np.where(x < y, tau, 1 - tau) * 2)


class MeanAbsolutePercentageError:
    """``scale |r| / max(|y|, eps)``; its derivative at the kink is 0."""

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        scale: float = 1.0,
        eps: float = 2.0**-52,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.abs(x - y) / np.maximum(np.abs(y), eps) * scale

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        scale: float = 1.0,
        eps: float = 2.0**-52,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.sign(x - y) / np.maximum(np.abs(y), eps) * scale

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        scale: float = 1.0,
        eps: float = 2.0**-52,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return nan_or(x - y, 0)


class EpsilonInsensitive:
    """``max(0, |r| - epsilon)``, or its square."""

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        epsilon: float = 0.1,
        squared: bool = False,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        margin = np.maximum(np.abs(x - y) - epsilon, 0)
        return margin**2 if squared else margin

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        epsilon: float = 0.1,
        squared: bool = False,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        margin = np.maximum(np.abs(x - y) - epsilon, 0)
        return np.sign(x - y) * (margin * 2 if squared else np.sign(margin))

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        epsilon: float = 0.1,
        squared: bool = False,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        outside = np.abs(x - y) > epsilon
        return nan_or(x - y, np.where(outside, 2 if squared else 0, 0))


class MeanSquaredLogarithmicError:
    """``(log1p(x) - log1p(y))^2``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return (np.log1p(x) - np.log1p(y)) ** 2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return (np.log1p(x) - np.log1p(y)) / (1 + x) * 2

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = arrays(y_true, y_pred)
        return (1 - (np.log1p(x) - np.log1p(y))) / (1 + x) ** 2 * 2

    @staticmethod
    def hess_size(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        """Size of the terms of the Hessian, which has both signs."""
        y, x = arrays(y_true, y_pred)
        return (1 + np.abs(np.log1p(x) - np.log1p(y))) / (1 + x) ** 2 * 2
