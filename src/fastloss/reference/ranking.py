"""Losses of the order of the entries of a group."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays

__all__ = ["ListNet"]


def _softmax(x: Array) -> Array:
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


class ListNet:
    """``-sum(q log p)`` of a group, ``q = softmax(y)`` and ``p = softmax(x)``."""

    @staticmethod
    def _groups(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, groups: npt.ArrayLike
    ) -> list[tuple[Array, Array]]:
        y, x = arrays(y_true, y_pred)
        ends = np.cumsum(groups)[:-1]
        return list(zip(np.split(y, ends), np.split(x, ends), strict=True))

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, groups: npt.ArrayLike
    ) -> Any:
        losses = [
            -np.sum(_softmax(y) * np.log(_softmax(x))) if len(x) else 0 * np.sum(x)
            for y, x in ListNet._groups(y_true, y_pred, groups)
        ]
        return np.array(losses)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, groups: npt.ArrayLike
    ) -> Array:
        parts = [
            _softmax(x) - _softmax(y) if len(x) else x
            for y, x in ListNet._groups(y_true, y_pred, groups)
        ]
        return np.concatenate(parts)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, groups: npt.ArrayLike
    ) -> Array:
        parts = [
            _softmax(x) * (1 - _softmax(x)) if len(x) else x
            for _, x in ListNet._groups(y_true, y_pred, groups)
        ]
        return np.concatenate(parts)
