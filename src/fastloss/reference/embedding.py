"""Losses of the distances and similarities between embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, nan_or
from fastloss.reference.margin import _signs

__all__ = [
    "Contrastive",
    "CosineEmbedding",
    "HingeEmbedding",
    "MarginRanking",
    "Triplet",
]

Pair = tuple[npt.ArrayLike, npt.ArrayLike]


class Triplet:
    """``max(0, margin + d(a, p) - d(a, n))`` with ``d(x, z) = |x - z + eps|``.

    Derivatives are by the three arrays; 0 where the margin is just met, and of a
    distance that is 0.
    """

    @staticmethod
    def _distance(x: Array, z: Array, p: float, eps: float) -> tuple[Array, ...]:
        """The distance, its derivative by `x`, and the second one."""
        r = x - z + eps
        if p == 1:
            return np.sum(np.abs(r), axis=-1), np.sign(r), 0 * r
        d = np.sqrt(np.sum(r**2, axis=-1))
        size = np.where(d == 0, 1, d)[..., np.newaxis]
        moves = (d != 0)[..., np.newaxis]
        return d, moves * (r / size), moves * ((1 - (r / size) ** 2) / size)

    @staticmethod
    def _terms(
        rows: tuple[Array, Array, Array],
        margin: float,
        p: float,
        swap: bool,
        eps: float,
    ) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
        """The loss, and the derivatives of its distances where they count."""
        a, b, c = (np.asarray(row) for row in rows)
        near = Triplet._distance(a, b, p, eps)
        far = Triplet._distance(a, c, p, eps)
        other = Triplet._distance(b, c, p, eps)
        swaps = (other[0] < far[0]) & swap
        loss = margin + near[0] - np.where(swaps, other[0], far[0])
        active = (loss > 0)[..., np.newaxis]
        swaps = swaps[..., np.newaxis]
        counts = active * 1, active * (1 - swaps), active * (1 * swaps)
        slopes = [n * d[1] for n, d in zip(counts, (near, far, other), strict=True)]
        curves = [n * d[2] for n, d in zip(counts, (near, far, other), strict=True)]
        return np.where(loss > 0, loss, 0), tuple(slopes), tuple(curves)

    @staticmethod
    def value(
        anchor: Array,
        positive: Array,
        negative: Array,
        margin: float = 1.0,
        p: float = 2.0,
        swap: bool = False,
        eps: float = 1e-6,
    ) -> Any:
        rows = anchor, positive, negative
        return Triplet._terms(rows, margin, p, swap, eps)[0]

    @staticmethod
    def grad(
        anchor: Array,
        positive: Array,
        negative: Array,
        margin: float = 1.0,
        p: float = 2.0,
        swap: bool = False,
        eps: float = 1e-6,
    ) -> tuple[Array, Array, Array]:
        rows = anchor, positive, negative
        _, (near, far, other), _ = Triplet._terms(rows, margin, p, swap, eps)
        return near - far, -near - other, far + other

    @staticmethod
    def hess(
        anchor: Array,
        positive: Array,
        negative: Array,
        margin: float = 1.0,
        p: float = 2.0,
        swap: bool = False,
        eps: float = 1e-6,
    ) -> tuple[Array, Array, Array]:
        rows = anchor, positive, negative
        _, _, (near, far, other) = Triplet._terms(rows, margin, p, swap, eps)
        return near - far, near - other, -far - other


class Contrastive:
    """``y d^2/2 + (1 - y) max(0, margin - d)^2/2``; derivatives are 0 where d is."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Labels, ``a - b``, its length, what it lacks, and its direction."""
        a, b = (np.asarray(row) for row in y_pred)
        r = a - b
        d = np.sqrt(np.sum(r**2, axis=-1))
        size = np.where(d == 0, 1, d)[..., np.newaxis]
        return np.asarray(y_true), r, d, np.maximum(0, margin - d), r / size

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: Pair, margin: float = 1.0) -> Array:
        y, _, d, lack, _ = Contrastive._parts(y_true, y_pred, margin)
        return (y * d**2 + (1 - y) * lack**2) / 2

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float = 1.0
    ) -> tuple[Array, Array]:
        y, r, _, lack, u = Contrastive._parts(y_true, y_pred, margin)
        y, lack = y[..., np.newaxis], lack[..., np.newaxis]
        slope = y * r - (1 - y) * lack * u
        return slope, -slope

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float = 1.0
    ) -> tuple[Array, Array]:
        y, _, d, lack, u = (
            part if part.ndim > np.ndim(y_true) else part[..., np.newaxis]
            for part in Contrastive._parts(y_true, y_pred, margin)
        )
        counts = (lack > 0) & (d > 0)
        other = u**2 - lack * (1 - u**2) / np.where(d == 0, 1, d)
        curvature = y + (1 - y) * np.where(counts, other, 0)
        return curvature, curvature


class CosineEmbedding:
    """``1 - c`` for ``y = 1``, ``max(0, c - margin)`` for ``y = -1``."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float, eps: float
    ) -> tuple[Array, ...]:
        """The cosine, the slope of the loss by it, rows, and their lengths, not 0."""
        a, b = (np.asarray(row) for row in y_pred)
        lengths = [np.sqrt(np.sum(row**2, axis=-1) + eps) for row in (a, b)]
        p, q = (np.where(length == 0, 1, length) for length in lengths)
        c = np.sum(a * b, axis=-1) / (p * q)
        slope = np.where(np.asarray(y_true) > 0, -1, np.where(c > margin, 1, 0))
        p, q = p[..., np.newaxis], q[..., np.newaxis]
        return c, slope, a / p, b / q, p, q

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float = 0.0, eps: float = 1e-12
    ) -> Array:
        c, *_ = CosineEmbedding._parts(y_true, y_pred, margin, eps)
        return np.where(np.asarray(y_true) > 0, 1 - c, np.maximum(0, c - margin))

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float = 0.0, eps: float = 1e-12
    ) -> tuple[Array, Array]:
        c, slope, u, v, p, q = CosineEmbedding._parts(y_true, y_pred, margin, eps)
        c, slope = c[..., np.newaxis], slope[..., np.newaxis]
        return slope * (v - c * u) / p, slope * (u - c * v) / q

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float = 0.0, eps: float = 1e-12
    ) -> tuple[Array, Array]:
        c, slope, u, v, p, q = CosineEmbedding._parts(y_true, y_pred, margin, eps)
        c, slope = c[..., np.newaxis], slope[..., np.newaxis]
        return (
            slope * (3 * c * u**2 - c - 2 * u * v) / p**2,
            slope * (3 * c * v**2 - c - 2 * u * v) / q**2,
        )


class MarginRanking:
    """``max(0, margin - y (x - z))``; flat where the margin is just met."""

    @staticmethod
    def _margin(y_true: npt.ArrayLike, y_pred: Pair, margin: float) -> Array:
        first, second = (np.asarray(score) for score in y_pred)
        difference: Array = first - second
        return margin - np.asarray(y_true) * difference

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: Pair, margin: float = 0.0) -> Array:
        return np.maximum(0, MarginRanking._margin(y_true, y_pred, margin))

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float = 0.0
    ) -> tuple[Array, Array]:
        m = MarginRanking._margin(y_true, y_pred, margin)
        slope = np.where(m > 0, np.asarray(y_true), 0 * m)
        return -slope, slope

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: Pair, margin: float = 0.0
    ) -> tuple[Array, Array]:
        flat = 0 * MarginRanking._margin(y_true, y_pred, margin)
        return flat, flat


class HingeEmbedding:
    """``x`` for ``y = 1``, ``max(0, margin - x)`` for ``y = -1``."""

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, margin: float = 1.0
    ) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.where(y > 0, x, np.maximum(0, margin - x))

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, margin: float = 1.0
    ) -> Array:
        y, x = _signs(y_true, y_pred)
        return nan_or(y * x, np.where(y > 0, 1, np.where(x < margin, -1, 0)))

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, margin: float = 1.0
    ) -> Array:
        y, x = _signs(y_true, y_pred)
        return nan_or(y * x, 0)
