"""Losses of rows of classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import (
    Array,
    ClassWeight,
    arrays,
    class_weights,
    clip,
    smooth,
)

__all__ = ["CategoricalCrossentropy", "SparseCategoricalCrossentropy"]


def _softmax(x: Array) -> Array:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def _log_softmax(x: Array) -> Array:
    d = x - np.max(x, axis=-1, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=-1, keepdims=True))


def _targets(
    y: Array, x: Array, label_smoothing: float, class_weight: ClassWeight | None
) -> Array:
    """``q_c -> w_c q_c`` of the smoothed targets, PyTorch's rule."""
    q = smooth(y, label_smoothing, x.shape[-1])
    return q if class_weight is None else q * class_weights(class_weight, x)


class CategoricalCrossentropy:
    """``-sum_c q_c log p_c``, with ``p = softmax(x)`` for logits.

    ``q`` are the targets, smoothed, times the class weights. A target of 0
    contributes 0, also where ``p_c = 0``.
    """

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        q = _targets(y, x, label_smoothing, class_weight)
        log_p = _log_softmax(x) if from_logits else np.log(clip(x, eps))
        return -np.sum(q * np.where(q == 0, 0, log_p), axis=-1)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        q = _targets(y, x, label_smoothing, class_weight)
        if not from_logits:
            return -q / clip(x, eps)
        return np.sum(q, axis=-1, keepdims=True) * _softmax(x) - q

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        q = _targets(y, x, label_smoothing, class_weight)
        if not from_logits:
            return q / clip(x, eps) ** 2
        p = _softmax(x)
        return np.sum(q, axis=-1, keepdims=True) * p * (1 - p)


def _labels(y_true: npt.ArrayLike, ignore_class: int | None) -> tuple[Array, Array]:
    """Class of each row, shape ``(..., 1)``, and whether the row counts.

    An ignored row gets class 0, so that it can be looked up.
    """
    label = np.asarray(y_true)[..., np.newaxis]
    kept = np.asarray(label != ignore_class)
    return np.where(kept, label, 0).astype(np.intp), kept


def _one_hot(label: Array, x: Array) -> Array:
    return (label == np.arange(x.shape[-1])).astype(x.dtype)


class SparseCategoricalCrossentropy:
    """``-log p_y`` for the class ``y`` of each row, with ``p = softmax(x)`` for logits.

    With smoothing or class weights, the crossentropy of the one-hot targets. A row
    whose label is `ignore_class` contributes 0.
    """

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
    ) -> Array:
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        if label_smoothing == 0 and class_weight is None:
            if from_logits:
                log_p = np.take_along_axis(_log_softmax(x), label, axis=-1)
            else:
                log_p = np.log(clip(np.take_along_axis(x, label, axis=-1), eps))
            loss = -log_p[..., 0]
        else:
            loss = CategoricalCrossentropy.value(
                _one_hot(label, x), x, from_logits, label_smoothing, class_weight, eps
            )
        return np.where(kept[..., 0], loss, 0)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
    ) -> Array:
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        if from_logits and label_smoothing == 0 and class_weight is None:
            grad = _softmax(x)
            p_label = np.take_along_axis(grad, label, axis=-1)
            np.put_along_axis(grad, label, p_label - 1, axis=-1)
        else:
            grad = CategoricalCrossentropy.grad(
                _one_hot(label, x), x, from_logits, label_smoothing, class_weight, eps
            )
        return grad if ignore_class is None else np.where(kept, grad, 0)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
    ) -> Array:
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        hess = CategoricalCrossentropy.hess(
            _one_hot(label, x), x, from_logits, label_smoothing, class_weight, eps
        )
        return np.where(kept, hess, 0)
