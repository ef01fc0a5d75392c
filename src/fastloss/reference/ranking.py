"""Losses of the order of the entries of a group."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays

__all__ = [
    "ApproxNDCG",
    "LambdaRank",
    "ListMLE",
    "ListNet",
    "PairwiseLogistic",
    "RankingSoftmax",
]


def _softmax(x: Array) -> Array:
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


def _groups(
    y_true: npt.ArrayLike, y_pred: npt.ArrayLike, groups: npt.ArrayLike
) -> list[tuple[Array, Array]]:
    y, x = arrays(y_true, y_pred)
    ends = np.cumsum(groups)[:-1]
    return list(zip(np.split(y, ends), np.split(x, ends), strict=True))


class _Lists:
    """A loss of groups: the value of one, and its derivatives by the scores."""

    @staticmethod
    def _value(y: Array, x: Array, **parameters: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _grad(y: Array, x: Array, **parameters: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def _hess(y: Array, x: Array, **parameters: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def value(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        groups: npt.ArrayLike,
        **parameters: Any,
    ) -> Any:
        losses = [
            cls._value(y, x, **parameters) if len(x) else 0 * np.sum(x)
            for y, x in _groups(y_true, y_pred, groups)
        ]
        return np.array(losses)

    @classmethod
    def grad(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        groups: npt.ArrayLike,
        **parameters: Any,
    ) -> Array:
        parts = [
            cls._grad(y, x, **parameters) if len(x) else x
            for y, x in _groups(y_true, y_pred, groups)
        ]
        return np.concatenate(parts)

    @classmethod
    def hess(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        groups: npt.ArrayLike,
        **parameters: Any,
    ) -> Array:
        parts = [
            cls._hess(y, x, **parameters) if len(x) else x
            for y, x in _groups(y_true, y_pred, groups)
        ]
        return np.concatenate(parts)


class ListNet(_Lists):
    """``-sum(q log p)`` of a group, ``q = softmax(y)`` and ``p = softmax(x)``."""

    @staticmethod
    def _value(y: Array, x: Array, **parameters: Any) -> Any:
        return -np.sum(_softmax(y) * np.log(_softmax(x)))

    @staticmethod
    def _grad(y: Array, x: Array, **parameters: Any) -> Any:
        return _softmax(x) - _softmax(y)

    @staticmethod
    def _hess(y: Array, x: Array, **parameters: Any) -> Any:
        return _softmax(x) * (1 - _softmax(x))


class RankingSoftmax(_Lists):
    """``-sum(y log p)`` of a group, ``p = softmax(x)``."""

    @staticmethod
    def _value(y: Array, x: Array, **parameters: Any) -> Any:
        return -np.sum(y * np.log(_softmax(x)))

    @staticmethod
    def _grad(y: Array, x: Array, **parameters: Any) -> Any:
        return np.sum(y) * _softmax(x) - y

    @staticmethod
    def _hess(y: Array, x: Array, **parameters: Any) -> Any:
        return np.sum(y) * _softmax(x) * (1 - _softmax(x))


def _softplus(d: Array) -> Array:
    return np.maximum(d, 0) + np.log1p(np.exp(-np.abs(d)))


def _sigmoid(d: Array) -> Array:
    return np.exp(-_softplus(-d))


class PairwiseLogistic(_Lists):
    """``sum(log(1 + exp(-sigma (x_i - x_j))))`` over pairs with ``y_i > y_j``."""

    @staticmethod
    def _weights(y: Array, x: Array, pairs: str) -> Array:
        """Of each pair, row i and column j."""
        count = (y[:, np.newaxis] > y) * 1
        if pairs == "mean":
            return count / (0 * x[:1] + max(np.sum(count), 1))
        return count * np.ones_like(x)

    @staticmethod
    def _value(y: Array, x: Array, **parameters: Any) -> Any:
        weights = PairwiseLogistic._weights(y, x, parameters["pairs"])
        return _weighted_pairs(weights, x, parameters["sigma"])

    @staticmethod
    def _grad(y: Array, x: Array, **parameters: Any) -> Any:
        weights = PairwiseLogistic._weights(y, x, parameters["pairs"])
        return _slopes_of_pairs(weights, x, parameters["sigma"])

    @staticmethod
    def _hess(y: Array, x: Array, **parameters: Any) -> Any:
        weights = PairwiseLogistic._weights(y, x, parameters["pairs"])
        return _curves_of_pairs(weights, x, parameters["sigma"])


def _weighted_pairs(weights: Array, x: Array, sigma: float) -> Any:
    return np.sum(weights * _softplus(-sigma * (x[:, np.newaxis] - x)))


def _slopes_of_pairs(weights: Array, x: Array, sigma: float) -> Array:
    slope = sigma * weights * _sigmoid(-sigma * (x[:, np.newaxis] - x))
    return np.sum(slope, axis=0) - np.sum(slope, axis=1)


def _curves_of_pairs(weights: Array, x: Array, sigma: float) -> Array:
    s = _sigmoid(-sigma * (x[:, np.newaxis] - x))
    curve = sigma**2 * weights * s * (1 - s)
    return np.sum(curve, axis=0) + np.sum(curve, axis=1)


def _gains(y: Array, gain: str) -> Array:
    return y if gain == "linear" else 2**y - 1


def _discounts(x: Array) -> Array:
    """``1/log(1 + rank)`` of ranks 1, 2, ..."""
    return 1 / np.log(np.arange(2, len(x) + 2) + 0 * x)


class LambdaRank(_Lists):
    """Pairs times the change of NDCG if both change places."""

    @staticmethod
    def _weights(y: Array, x: Array, k: int | None, gain: str) -> Array:
        """Of each pair, row i and column j."""
        n = len(x)
        k = n if k is None else k
        gains = _gains(y, gain)
        best = np.sum(np.sort(gains)[::-1][:k] * _discounts(x)[:k])
        if best == 0:
            return np.zeros((n, n)) * x
        ranks = np.argsort(np.argsort(-x, kind="stable"), kind="stable")
        discounts = _discounts(x)[ranks]
        weights = np.abs(gains[:, np.newaxis] - gains)
        weights = weights * np.abs(discounts[:, np.newaxis] - discounts) / best
        first = ranks < k
        return weights * (y[:, np.newaxis] > y) * (first[:, np.newaxis] | first)

    @staticmethod
    def _value(y: Array, x: Array, **parameters: Any) -> Any:
        weights = LambdaRank._weights(y, x, parameters["k"], parameters["gain"])
        return _weighted_pairs(weights, x, parameters["sigma"])

    @staticmethod
    def _grad(y: Array, x: Array, **parameters: Any) -> Any:
        weights = LambdaRank._weights(y, x, parameters["k"], parameters["gain"])
        return _slopes_of_pairs(weights, x, parameters["sigma"])

    @staticmethod
    def _hess(y: Array, x: Array, **parameters: Any) -> Any:
        weights = LambdaRank._weights(y, x, parameters["k"], parameters["gain"])
        return _curves_of_pairs(weights, x, parameters["sigma"])


class ListMLE(_Lists):
    """``sum(log(sum(exp(x_j), j >= i)) - x_i)`` in the order of the relevances."""

    @staticmethod
    def _shares(y: Array, x: Array) -> tuple[Array, Array, Array]:
        """Sums from each place on, and shares in them, row k and column i; places."""
        order = np.argsort(-y, kind="stable")
        u = np.exp(x[order])
        sums = np.cumsum(u[::-1])[::-1]
        place = np.arange(len(x))
        shares = (place >= place[:, np.newaxis]) * u / sums[:, np.newaxis]
        return sums, shares, order

    @staticmethod
    def _value(y: Array, x: Array, **parameters: Any) -> Any:
        sums, _, order = ListMLE._shares(y, x)
        return np.sum(np.log(sums) - x[order])

    @staticmethod
    def _grad(y: Array, x: Array, **parameters: Any) -> Any:
        _, shares, order = ListMLE._shares(y, x)
        grad = 0 * x
        grad[order] = np.sum(shares, axis=0) - 1
        return grad

    @staticmethod
    def _hess(y: Array, x: Array, **parameters: Any) -> Any:
        _, shares, order = ListMLE._shares(y, x)
        hess = 0 * x
        hess[order] = np.sum(shares * (1 - shares), axis=0)
        return hess


class ApproxNDCG(_Lists):
    """``1 - sum(gain/log(1 + r))/max DCG`` with ranks that are sums of sigmoids."""

    @staticmethod
    def _parts(y: Array, x: Array, alpha: float, gain: str) -> tuple[Any, ...]:
        """Gains over the best DCG, ranks, slopes of these in differences."""
        gains = _gains(y, gain)
        best = np.sum(np.sort(gains)[::-1] * _discounts(x))
        gains = gains / best if best != 0 else 0 * gains
        other = 1 - np.eye(len(x), dtype=int)
        s = _sigmoid(alpha * (x - x[:, np.newaxis]))
        ranks = 1 + np.sum(s * other, axis=1)
        slope = alpha * s * (1 - s) * other
        return gains, 1 + ranks, slope, alpha * slope * (1 - 2 * s)

    @staticmethod
    def _value(y: Array, x: Array, **parameters: Any) -> Any:
        gains, r, _, _ = ApproxNDCG._parts(
            y, x, parameters["alpha"], parameters["gain"]
        )
        return (
            np.sum(gains * 0)
            + (1 if np.any(gains != 0) else 0)
            - np.sum(gains / np.log(r))
        )

    @staticmethod
    def _grad(y: Array, x: Array, **parameters: Any) -> Any:
        gains, r, slope, _ = ApproxNDCG._parts(
            y, x, parameters["alpha"], parameters["gain"]
        )
        c = -gains / (r * np.log(r) ** 2)
        return -np.sum(slope * (c - c[:, np.newaxis]), axis=1)

    @staticmethod
    def _hess(y: Array, x: Array, **parameters: Any) -> Any:
        gains, r, slope, curve = ApproxNDCG._parts(
            y, x, parameters["alpha"], parameters["gain"]
        )
        c = -gains / (r * np.log(r) ** 2)
        bend = gains * (np.log(r) + 2) / (r**2 * np.log(r) ** 3)
        moved = np.sum(curve * (c - c[:, np.newaxis]) - slope**2 * bend, axis=1)
        return moved - np.sum(slope, axis=1) ** 2 * bend
