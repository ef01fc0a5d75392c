"""Losses of the distances and similarities between embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, nan_or
from fastloss.reference.margin import _signs

__all__ = [
    "Circle",
    "Contrastive",
    "CosineEmbedding",
    "HingeEmbedding",
    "InfoNCE",
    "MarginRanking",
    "MultiSimilarity",
    "NTXent",
    "SupCon",
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


class _Similarities:
    """A value for each row, a function of its similarities with other rows.

    Values are times `weight`, if it is given, and gradients are of their sum; rows of
    weight 0 are no part of the batch.
    """

    @staticmethod
    def unit(rows: Array, divides: bool) -> tuple[Array, Array]:
        """Rows divided by their lengths, and these; 0 and 1 of a row of zeros."""
        length = np.sqrt(np.sum(rows**2, axis=-1, keepdims=True))
        length = np.where(length == 0, 1, length) if divides else 1 + 0 * length
        return rows / length, length

    @staticmethod
    def sides(y_true: Any, rows: Array, weight: Any) -> tuple[Array, Array]:
        """Which rows are of one class, and which of two."""
        n = len(rows)
        y = np.tile(np.arange(n // 2), 2) if y_true is None else np.asarray(y_true)
        there = np.ones(n, bool) if weight is None else np.asarray(weight) != 0
        known = there[:, np.newaxis] & there & ~np.eye(n, dtype=bool)
        same = y[:, np.newaxis] == y
        return known & same, known & ~same

    @staticmethod
    def weighted(values: Array, weight: Any) -> Array:
        """Values times weights, if there are any."""
        return values if weight is None else np.asarray(weight) * values

    @staticmethod
    def back(unit: Array, length: Array, slope: Array, divides: bool) -> Array:
        """From the gradient by divided rows to that by the rows themselves."""
        along = np.sum(slope * unit, axis=-1, keepdims=True) if divides else 0
        moves = np.any(unit != 0, axis=-1, keepdims=True) if divides else 1
        result: Array = moves * (slope - along * unit) / length
        return result

    @staticmethod
    def grad_of(slopes: Array, rows: Array, weight: Any, divides: bool) -> Array:
        """Gradient by the rows, from the slopes of each row's value."""
        unit, length = _Similarities.unit(rows, divides)
        if weight is not None:
            slopes = np.asarray(weight)[:, np.newaxis] * slopes
        pull = np.dot(slopes + slopes.T, unit)
        return _Similarities.back(unit, length, pull, divides)

    @staticmethod
    def softmax(z: Array, counts: Array) -> tuple[Array, Array]:
        """Of each row, over what counts: the logarithm of the sum, and the shares."""
        far = np.where(np.any(counts, axis=1), 0, 1)
        top = np.max(np.where(counts, z, np.min(z)), axis=1, keepdims=True)
        e = np.where(counts, np.exp(np.where(counts, z - top, 0 * z)), 0 * z)
        total = np.sum(e, axis=1)
        log = top[:, 0] + np.log(total + far)
        return log, e / (total + far)[:, np.newaxis]

    @staticmethod
    def softplus(d: Array) -> tuple[Array, Array]:
        """``log(1 + exp(d))`` and its slope, the logistic function."""
        t = np.exp(-abs(d))
        return np.maximum(d, 0) + np.log1p(t), np.where(d < 0, t, 1) / (1 + t)


class NTXent:
    """Of each row, the sum of ``log(1 + exp(L - z))`` over the others of its class.

    ``L`` is the log of the sum of exp(z) over rows of other classes.
    """

    @staticmethod
    def _parts(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any,
        temperature: float,
        similarity: str,
        decoupled: bool,
    ) -> tuple[Array, Array]:
        """Values, and slopes by the similarities."""
        rows = np.asarray(y_pred)
        unit, _ = _Similarities.unit(rows, similarity == "cosine")
        z = np.dot(unit, unit.T) / temperature
        same, other = _Similarities.sides(y_true, rows, weight)
        log, shares = _Similarities.softmax(z, other)
        counts = same & np.any(other, axis=1)[:, np.newaxis]
        d = np.where(counts, log[:, np.newaxis] - z, 0 * z)
        costs, slope = (d, 1 + 0 * d) if decoupled else _Similarities.softplus(d)
        slope = np.where(counts, slope, 0 * z)
        pulls = shares * np.sum(slope, axis=1)[:, np.newaxis] - slope
        return np.sum(np.where(counts, costs, 0 * z), axis=1), pulls / temperature

    @staticmethod
    def value(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        temperature: float = 0.07,
        similarity: str = "cosine",
        decoupled: bool = False,
    ) -> Array:
        arguments = y_true, y_pred, weight, temperature, similarity, decoupled
        return _Similarities.weighted(NTXent._parts(*arguments)[0], weight)

    @staticmethod
    def grad(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        temperature: float = 0.07,
        similarity: str = "cosine",
        decoupled: bool = False,
    ) -> Array:
        arguments = y_true, y_pred, weight, temperature, similarity, decoupled
        slopes = NTXent._parts(*arguments)[1]
        cosine = similarity == "cosine"
        return _Similarities.grad_of(slopes, np.asarray(y_pred), weight, cosine)


class SupCon:
    """Of each row, the log of the sum of exp(z) over others, less its class's mean."""

    @staticmethod
    def _parts(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any,
        temperature: float,
        similarity: str,
    ) -> tuple[Array, Array]:
        """Values, and slopes by the similarities."""
        rows = np.asarray(y_pred)
        unit, _ = _Similarities.unit(rows, similarity == "cosine")
        z = np.dot(unit, unit.T) / temperature
        same, other = _Similarities.sides(y_true, rows, weight)
        log, shares = _Similarities.softmax(z, same | other)
        _, own = _Similarities.softmax(z, same)
        count = np.sum(same, axis=1)
        counts = count > 0
        size = np.where(counts, count, 1) + 0 * log
        mean = np.sum(np.where(same, z, 0 * z), axis=1) / size
        labels = np.where(same, 1 / size[:, np.newaxis], 0 * z)
        # p - 1/m without a difference from 1: p is own times what others leave.
        rest = np.sum(np.where(other, shares, 0 * z), axis=1, keepdims=True)
        slopes = np.where(other, shares, (own - labels) - own * rest)
        slopes = np.where(counts[:, np.newaxis], slopes, 0 * z)
        return np.where(counts, log - mean, 0 * log), slopes / temperature

    @staticmethod
    def value(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        temperature: float = 0.1,
        similarity: str = "cosine",
    ) -> Array:
        values, _ = SupCon._parts(y_true, y_pred, weight, temperature, similarity)
        return _Similarities.weighted(values, weight)

    @staticmethod
    def grad(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        temperature: float = 0.1,
        similarity: str = "cosine",
    ) -> Array:
        slopes = SupCon._parts(y_true, y_pred, weight, temperature, similarity)[1]
        cosine = similarity == "cosine"
        return _Similarities.grad_of(slopes, np.asarray(y_pred), weight, cosine)


class InfoNCE:
    """Of each query, the log of the sum of exp(z) over all keys, less its own z."""

    @staticmethod
    def _parts(
        query: Array, key: Array, weight: Any, scale: float, similarity: str
    ) -> tuple[Array, Array]:
        """Values, and slopes by the similarities."""
        (q, _), (k, _) = (
            _Similarities.unit(rows, similarity == "cosine") for rows in (query, key)
        )
        z = np.dot(q, k.T) * scale
        there = np.ones(len(q), bool) if weight is None else np.asarray(weight) != 0
        keys = np.concatenate([there, np.ones(len(k) - len(q), bool)])
        counts = there[:, np.newaxis] & keys
        log, shares = _Similarities.softmax(z, counts)
        own = np.eye(len(q), len(k), dtype=bool) & counts
        values = np.where(there, log - np.diagonal(z), 0 * log)
        # p - 1 of the key of a query is what the shares of the others are.
        rest = np.sum(np.where(own, 0 * z, shares), axis=1, keepdims=True)
        return values, scale * np.where(own, -rest, shares)

    @staticmethod
    def value(
        query: npt.ArrayLike,
        key: npt.ArrayLike,
        weight: Any = None,
        scale: float = 20.0,
        similarity: str = "cosine",
    ) -> Array:
        pair = np.asarray(query), np.asarray(key)
        values, _ = InfoNCE._parts(*pair, weight, scale, similarity)
        return _Similarities.weighted(values, weight)

    @staticmethod
    def grad(
        query: npt.ArrayLike,
        key: npt.ArrayLike,
        weight: Any = None,
        scale: float = 20.0,
        similarity: str = "cosine",
    ) -> tuple[Array, Array]:
        pair = np.asarray(query), np.asarray(key)
        _, slopes = InfoNCE._parts(*pair, weight, scale, similarity)
        if weight is not None:
            slopes = np.asarray(weight)[:, np.newaxis] * slopes
        cosine = similarity == "cosine"
        (q, by_q), (k, by_k) = (_Similarities.unit(rows, cosine) for rows in pair)
        return (
            _Similarities.back(q, by_q, np.dot(slopes, k), cosine),
            _Similarities.back(k, by_k, np.dot(slopes.T, q), cosine),
        )


class MultiSimilarity:
    """``log(1 + sum exp(z))`` of both sides of a row, each over its factor."""

    @staticmethod
    def _parts(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any,
        alpha: float,
        beta: float,
        base: float,
    ) -> tuple[Array, Array]:
        """Values, and slopes by the cosines."""
        rows = np.asarray(y_pred)
        unit, _ = _Similarities.unit(rows, True)
        x = np.dot(unit, unit.T)
        values, slopes = 0 * x[:, 0], 0 * x
        sides = _Similarities.sides(y_true, rows, weight)
        for counts, factor in zip(sides, (-alpha, beta), strict=True):
            e = np.where(counts, np.exp(factor * (x - base)), 0 * x)
            total = 1 + np.sum(e, axis=1)
            values = values + np.log(total) / abs(factor)
            slopes = slopes + (factor / abs(factor)) * e / total[:, np.newaxis]
        return values, slopes

    @staticmethod
    def value(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
    ) -> Array:
        values, _ = MultiSimilarity._parts(y_true, y_pred, weight, alpha, beta, base)
        return _Similarities.weighted(values, weight)

    @staticmethod
    def grad(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
    ) -> Array:
        _, slopes = MultiSimilarity._parts(y_true, y_pred, weight, alpha, beta, base)
        return _Similarities.grad_of(slopes, np.asarray(y_pred), weight, True)


class Circle:
    """``log(1 + sum exp(z) sum exp(z))`` of both sides; the weights are constants."""

    @staticmethod
    def _parts(
        y_true: Any, y_pred: npt.ArrayLike, weight: Any, m: float, gamma: float
    ) -> tuple[Array, Array]:
        """Values, and slopes by the cosines."""
        rows = np.asarray(y_pred)
        unit, _ = _Similarities.unit(rows, True)
        x = np.dot(unit, unit.T)
        same, other = _Similarities.sides(y_true, rows, weight)
        near = -gamma * np.maximum(0, 1 + m - x)
        far = gamma * np.maximum(0, x + m)
        log_p, share_p = _Similarities.softmax(near * (x - 1 + m), same)
        log_n, share_n = _Similarities.softmax(far * (x - m), other)
        counts = np.any(same, axis=1) & np.any(other, axis=1)
        costs, slope = _Similarities.softplus(
            np.where(counts, log_p + log_n, 0 * log_p)
        )
        values, outer = (np.where(counts, part, 0 * part) for part in (costs, slope))
        pulls = near * share_p + far * share_n
        return values, outer[:, np.newaxis] * pulls

    @staticmethod
    def value(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        m: float = 0.4,
        gamma: float = 80.0,
    ) -> Array:
        values, _ = Circle._parts(y_true, y_pred, weight, m, gamma)
        return _Similarities.weighted(values, weight)

    @staticmethod
    def grad(
        y_true: Any,
        y_pred: npt.ArrayLike,
        weight: Any = None,
        m: float = 0.4,
        gamma: float = 80.0,
    ) -> Array:
        _, slopes = Circle._parts(y_true, y_pred, weight, m, gamma)
        return _Similarities.grad_of(slopes, np.asarray(y_pred), weight, True)
