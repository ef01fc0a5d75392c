"""Losses of rows that each have a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, ClassWeight, arrays, class_weights, clip

__all__ = [
    "OfClass",
    "OfShare",
    "labels",
    "log_softmax",
    "logsumexp",
    "one_hot",
    "softmax",
]


def softmax(x: Array) -> Array:
    """``exp(x_j) / sum exp(x_k)`` along the last axis."""
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def log_softmax(x: Array) -> Array:
    """Its logarithm."""
    d = x - np.max(x, axis=-1, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=-1, keepdims=True))


def logsumexp(x: Array) -> Array:
    """``log sum exp(x_k)`` along the last axis, which is kept."""
    m = np.max(x, axis=-1, keepdims=True)
    return m + np.log(np.sum(np.exp(x - m), axis=-1, keepdims=True))


def labels(y_true: npt.ArrayLike, ignore_class: int | None) -> tuple[Array, Array]:
    """Class of each row, shape ``(..., 1)``, and whether the row counts.

    An ignored row gets class 0, so that it can be looked up.
    """
    label = np.asarray(y_true)[..., np.newaxis]
    kept = np.asarray(label != ignore_class)
    return np.where(kept, label, 0).astype(np.intp), kept


def one_hot(label: Array, x: Array) -> Array:
    """1 at the class of each row."""
    return (label == np.arange(x.shape[-1])).astype(x.dtype)


class OfClass:
    """A loss of a class ``y`` and a row ``x``, times the weight of the class.

    An ignored row contributes 0.
    """

    #: Loss, gradient and Hessian of rows, by labels, rows and parameters.
    _value: Any
    _grad: Any
    _hess: Any

    @staticmethod
    def _weighted(
        output: Any,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        ignore_class: int | None,
        class_weight: ClassWeight | None,
        parameters: dict[str, Any],
    ) -> Array:
        label, kept = labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        weight: Any = (
            1 if class_weight is None else class_weights(class_weight, x)[label]
        )
        weight = kept * weight
        return np.where(weight == 0, 0, weight * output(label, x, **parameters))

    @classmethod
    def value(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
        **parameters: Any,
    ) -> Array:
        """Loss of each row."""
        options = ignore_class, class_weight, parameters
        return cls._weighted(cls._value, y_true, y_pred, *options)[..., 0]

    @classmethod
    def grad(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
        **parameters: Any,
    ) -> Array:
        """Gradient by each entry."""
        options = ignore_class, class_weight, parameters
        return cls._weighted(cls._grad, y_true, y_pred, *options)

    @classmethod
    def hess(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
        **parameters: Any,
    ) -> Array:
        """Diagonal of the Hessian."""
        options = ignore_class, class_weight, parameters
        return cls._weighted(cls._hess, y_true, y_pred, *options)


class OfShare(OfClass):
    """A loss of the probability ``p`` of the class, ``softmax(x)_y`` for logits.

    As a function of ``L = -log p`` it has a slope and a curve, from which come
    ``slope (p_j - [j = y])`` and ``slope p_j (1 - p_j) + curve (p_j - [j = y])^2`` for
    logits, ``-slope/p`` and ``(slope + curve)/p^2`` for probabilities.
    """

    #: Loss, slope, curve and the size of the terms of the curve, by L, p and 1 - p.
    _of: Any

    @classmethod
    def _parts(
        cls,
        label: Array,
        x: Array,
        from_logits: bool = False,
        eps: float | None = None,
        **parameters: Any,
    ) -> tuple[Array, Array, tuple[Array, ...]]:
        """What the class has: the row of p, p itself, and loss, slope and curves."""
        if not from_logits:
            p = clip(np.take_along_axis(x, label, axis=-1), eps)
            return x, p, cls._of(-np.log(p), p, 1 - p, **parameters)
        row = softmax(x)
        log = -np.take_along_axis(log_softmax(x), label, axis=-1)
        rest = np.sum(np.where(one_hot(label, x) == 1, 0, row), axis=-1, keepdims=True)
        p = np.take_along_axis(row, label, axis=-1)
        return row, p, cls._of(log, p, rest, **parameters)

    @classmethod
    def _value(cls, label: Array, x: Array, **parameters: Any) -> Array:
        return cls._parts(label, x, **parameters)[2][0]

    @classmethod
    def _grad(
        cls, label: Array, x: Array, from_logits: bool = False, **parameters: Any
    ) -> Array:
        row, p, (_, slope, *_) = cls._parts(label, x, from_logits, **parameters)
        e = one_hot(label, x)
        return slope * (row - e) if from_logits else np.where(e == 0, 0, -slope / p)

    @classmethod
    def _hess(
        cls, label: Array, x: Array, from_logits: bool = False, **parameters: Any
    ) -> Array:
        row, p, (_, slope, curve, _) = cls._parts(label, x, from_logits, **parameters)
        return cls._curved(label, row, p, slope, curve, from_logits)

    @staticmethod
    def _curved(
        label: Array,
        row: Array,
        p: Array,
        slope: Array,
        curve: Array,
        from_logits: bool,
    ) -> Array:
        e = one_hot(label, row)
        if from_logits:
            return slope * row * (1 - row) + curve * (row - e) ** 2
        return np.where(e == 0, 0, (slope + curve) / p**2)

    @classmethod
    def _hess_size(
        cls, label: Array, x: Array, from_logits: bool = False, **parameters: Any
    ) -> Array:
        row, p, (_, slope, _, size) = cls._parts(label, x, from_logits, **parameters)
        return cls._curved(label, row, p, slope, size, from_logits)

    @classmethod
    def hess_size(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
        **parameters: Any,
    ) -> Array:
        """The sizes of the terms that the Hessian is the sum of, of either sign."""
        options = ignore_class, class_weight, parameters
        return cls._weighted(cls._hess_size, y_true, y_pred, *options)
