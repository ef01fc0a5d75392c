"""Right classes against wrong ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, nan_or
from fastloss.reference.multiclass._classes import OfClass, one_hot

__all__ = [
    "ZLPR",
    "CategoricalHinge",
    "CrammerSinger",
    "MultiMargin",
    "MultilabelMargin",
]


class CrammerSinger(OfClass):
    """``max(0, 1 + max_{j != y} x_j - x_y)``; derivative at the kink is 0."""

    @staticmethod
    def _margin(label: Array, x: Array) -> tuple[Array, Array]:
        """``1 + max_{j != y} x_j - x_y``, and where the largest of the others is."""
        others = np.where(one_hot(label, x) == 1, -np.inf, x)
        rival = np.argmax(others, axis=-1)[..., np.newaxis]
        largest = np.take_along_axis(others, rival, axis=-1)
        return 1 + largest - np.take_along_axis(x, label, axis=-1), rival

    @classmethod
    def _value(cls, label: Array, x: Array) -> Array:
        margin, _ = cls._margin(label, x)
        return nan_or(margin, np.where(margin > 0, margin, 0))

    @classmethod
    def _grad(cls, label: Array, x: Array) -> Array:
        margin, rival = cls._margin(label, x)
        moved = one_hot(rival, x) - one_hot(label, x)
        return nan_or(margin + 0 * moved, (margin > 0) * moved)

    @classmethod
    def _hess(cls, label: Array, x: Array) -> Array:
        margin, _ = cls._margin(label, x)
        return nan_or(margin + 0 * x, 0)


class MultiMargin(OfClass):
    """``1/C sum_{j != y} max(0, margin - x_y + x_j)^p``; 0 at the kink."""

    @staticmethod
    def _missing(label: Array, x: Array, margin: float) -> Array:
        """``max(0, z_j)``, 0 at the class."""
        z = margin + (x - np.take_along_axis(x, label, axis=-1))
        above = nan_or(z, np.where(z > 0, z, 0))
        return np.where(one_hot(label, x) == 1, 0, above)

    @staticmethod
    def _with_own(label: Array, others: Array, sign: int) -> Array:
        """Derivatives by the others, and their sum at the class."""
        own = sign * np.sum(others, axis=-1, keepdims=True)
        return np.where(one_hot(label, others) == 1, own, others) / others.shape[-1]

    @classmethod
    def _value(
        cls, label: Array, x: Array, margin: float = 1.0, p: float = 1.0
    ) -> Array:
        missing = cls._missing(label, x, margin)
        return np.sum(missing ** int(p), axis=-1, keepdims=True) / x.shape[-1]

    @classmethod
    def _grad(
        cls, label: Array, x: Array, margin: float = 1.0, p: float = 1.0
    ) -> Array:
        missing = cls._missing(label, x, margin)
        step = nan_or(missing, (missing > 0) * (1 + 0 * x))
        return cls._with_own(label, step if p == 1 else 2 * missing, -1)

    @classmethod
    def _hess(
        cls, label: Array, x: Array, margin: float = 1.0, p: float = 1.0
    ) -> Array:
        missing = cls._missing(label, x, margin)
        step = nan_or(missing, (missing > 0) * (1 + 0 * x))
        return cls._with_own(label, (0 if p == 1 else 2) * step, 1)


class MultilabelMargin:
    """``1/C sum_i sum_j max(0, 1 - x_i + x_j)`` of right classes i and wrong ones j."""

    @staticmethod
    def _missing(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        """``max(0, 1 - x_i + x_j)`` at (i, j), 0 where i is wrong or j is right."""
        y, x = arrays(y_true, y_pred)
        z = 1 - x[..., :, np.newaxis] + x[..., np.newaxis, :]
        above = nan_or(z, np.where(z > 0, z, 0))
        pairs = (y[..., :, np.newaxis] == 1) & (y[..., np.newaxis, :] == 0)
        return np.where(pairs, above, 0)

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        missing = MultilabelMargin._missing(y_true, y_pred)
        return np.sum(missing, axis=(-2, -1)) / missing.shape[-1]

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        missing = MultilabelMargin._missing(y_true, y_pred)
        step = nan_or(missing, (missing > 0) * (1 + 0 * missing))
        return (np.sum(step, axis=-2) - np.sum(step, axis=-1)) / missing.shape[-1]

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        return 0 * MultilabelMargin.grad(y_true, y_pred)


class CategoricalHinge:
    """``max(0, 1 + max_c (1 - q_c) x_c - sum_c q_c x_c)``; 0 at the kink."""

    @staticmethod
    def _parts(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Array, ...]:
        """Products with ``1 - q`` and ``q``, and what the maximum is of."""
        q, x = arrays(y_true, y_pred)
        wrong, right = np.where(q == 1, 0, (1 - q) * x), np.where(q == 0, 0, q * x)
        largest = np.max(wrong, axis=-1, keepdims=True)
        return q, wrong, right, 1 + largest - np.sum(right, axis=-1, keepdims=True)

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        _, _, _, margin = CategoricalHinge._parts(y_true, y_pred)
        return nan_or(margin, np.where(margin > 0, margin, 0))[..., 0]

    @staticmethod
    def value_size(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        """The sizes of the terms that the margin is the sum of."""
        _, wrong, right, _ = CategoricalHinge._parts(y_true, y_pred)
        return 1 + abs(np.max(wrong, axis=-1)) + np.sum(abs(right), axis=-1)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        q, wrong, _, margin = CategoricalHinge._parts(y_true, y_pred)
        first = one_hot(np.argmax(wrong, axis=-1)[..., np.newaxis], q)
        return nan_or(margin + 0 * q, (margin > 0) * ((1 - q) * first - q))

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        q, _, _, margin = CategoricalHinge._parts(y_true, y_pred)
        return nan_or(margin + 0 * q, 0 * q)


class ZLPR:
    """``log(1 + sum_wrong e^x) + log(1 + sum_right e^-x)``: softmaxes with a 0."""

    @staticmethod
    def _half(z: Array, inside: Array) -> tuple[Array, Array, Array]:
        """``log(1 + sum e^z)``, shares and what they leave, of the entries inside."""
        top = np.max(np.where(inside, z, -np.inf), axis=-1, keepdims=True)
        top = np.where(top > 0, top, 0 * z[..., :1])
        e = np.where(inside, np.exp(np.where(inside, z - top, 0 * top)), 0)
        zero = np.exp(-top)
        total = zero + np.sum(e, axis=-1, keepdims=True)
        return (top + np.log(total))[..., 0], e / total, (total - e) / total

    @staticmethod
    def _halves(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        y, x = arrays(y_true, y_pred)
        return ZLPR._half(x, y != 1), ZLPR._half(-x, y == 1)

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        wrong, right = ZLPR._halves(y_true, y_pred)
        return wrong[0] + right[0]

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        wrong, right = ZLPR._halves(y_true, y_pred)
        return wrong[1] - right[1]

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        wrong, right = ZLPR._halves(y_true, y_pred)
        return wrong[1] * wrong[2] + right[1] * right[2]
