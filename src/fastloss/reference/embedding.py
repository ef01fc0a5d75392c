"""Losses of the distances between rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss.reference._common import Array

__all__ = ["Triplet"]


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
