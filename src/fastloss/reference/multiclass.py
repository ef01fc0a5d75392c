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
    nan_or,
    smooth,
)

__all__ = [
    "CategoricalCrossentropy",
    "CategoricalFocal",
    "CrammerSinger",
    "SparseCategoricalCrossentropy",
]


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


def _row_weights(
    label: Array, kept: Array, x: Array, class_weight: ClassWeight | None
) -> Array:
    """What each row weighs, shape ``(..., 1)``: 0 if it is ignored."""
    weights = 1 if class_weight is None else class_weights(class_weight, x)[label]
    return kept * weights


class CategoricalFocal:
    """``-(1 - p_y)^gamma log p_y`` for the class ``y``; ``p = softmax(x)`` for logits.

    As a function of ``L = -log p_y`` its derivatives, with ``c = 1 - p_y``, are
    ``c^gamma (1 + gamma p_y L/c)`` and
    ``gamma p_y c^(gamma-1) (2 - L + (gamma - 1) p_y L/c)``, where ``L/c = 1`` at
    ``c = 0``.
    """

    @staticmethod
    def _parts(
        label: Array, x: Array, from_logits: bool, gamma: float, eps: float | None
    ) -> tuple[Array, Array, Array, Array]:
        """``p_y``, the loss and its two derivatives by ``L``."""
        if from_logits:
            p = np.take_along_axis(_softmax(x), label, axis=-1)
            log = -np.take_along_axis(_log_softmax(x), label, axis=-1)
            rest = np.sum(np.where(label == np.arange(x.shape[-1]), 0, _softmax(x)), -1)
            c = rest[..., np.newaxis]
        else:
            p = clip(np.take_along_axis(x, label, axis=-1), eps)
            log, c = -np.log(p), 1 - p
        certain = c == 0
        c = np.where(certain, 1, c)
        ratio = np.where(certain, 1, log / c)
        power = np.where(certain, int(gamma == 0), c**gamma)
        below = np.where(certain, int(gamma == 1), c ** (gamma - 1))
        slope = power * (1 + gamma * p * ratio)
        curve = gamma * p * below * (2 - log + (gamma - 1) * p * ratio)
        return p, power * log, slope, curve

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
        gamma: float = 2.0,
        eps: float | None = None,
    ) -> Array:
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        weight = _row_weights(label, kept, x, class_weight)
        _, loss, _, _ = CategoricalFocal._parts(label, x, from_logits, gamma, eps)
        return np.where(weight == 0, 0, weight * loss)[..., 0]

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
        gamma: float = 2.0,
        eps: float | None = None,
    ) -> Array:
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        weight = _row_weights(label, kept, x, class_weight)
        p, _, slope, _ = CategoricalFocal._parts(label, x, from_logits, gamma, eps)
        e = _one_hot(label, x)
        if from_logits:
            grad = slope * (_softmax(x) - e)
        else:
            grad = np.where(e == 0, 0, -slope / p)
        return np.where(weight == 0, 0, weight * grad)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
        gamma: float = 2.0,
        eps: float | None = None,
    ) -> Array:
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        weight = _row_weights(label, kept, x, class_weight)
        p_y, _, slope, curve = CategoricalFocal._parts(
            label, x, from_logits, gamma, eps
        )
        e = _one_hot(label, x)
        if from_logits:
            p = _softmax(x)
            hess = slope * p * (1 - p) + curve * (p - e) ** 2
        else:
            hess = np.where(e == 0, 0, (slope + curve) / p_y**2)
        return np.where(weight == 0, 0, weight * hess)

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
        gamma: float = 2.0,
        eps: float | None = None,
    ) -> Array:
        """The sizes of the terms that the Hessian is the sum of, of either sign."""
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        weight = _row_weights(label, kept, x, class_weight)
        p_y, loss, slope, _ = CategoricalFocal._parts(label, x, from_logits, gamma, eps)
        e = _one_hot(label, x)
        p = _softmax(x) if from_logits else e
        c = np.sum(np.where(e == 1, 0, p), axis=-1)[..., np.newaxis]
        if not from_logits:
            c = 1 - p_y
        safe = np.where(c == 0, 1, c)
        below = np.where(c == 0, int(gamma == 1), safe ** (gamma - 1))
        log = loss / np.where(c == 0, 1, safe**gamma)
        curve = gamma * p_y * below * (2 + log + abs(gamma - 1) * p_y * log / safe)
        if from_logits:
            return weight * (slope * p * (1 - p) + curve * (p - e) ** 2)
        return weight * e * (slope + curve) / p_y**2


class CrammerSinger:
    """``max(0, 1 + max_{j != y} x_j - x_y)``; derivative at the kink is 0."""

    @staticmethod
    def _margin(label: Array, x: Array) -> tuple[Array, Array]:
        """``1 + max_{j != y} x_j - x_y``, and where the largest of the others is."""
        others = np.where(_one_hot(label, x) == 1, -np.inf, x)
        rival = np.argmax(others, axis=-1)[..., np.newaxis]
        largest = np.take_along_axis(others, rival, axis=-1)
        return 1 + largest - np.take_along_axis(x, label, axis=-1), rival

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
    ) -> Array:
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        weight = _row_weights(label, kept, x, class_weight)
        margin, _ = CrammerSinger._margin(label, x)
        loss = nan_or(margin, np.where(margin > 0, margin, 0))
        return np.where(weight == 0, 0, weight * loss)[..., 0]

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
    ) -> Array:
        label, kept = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        weight = _row_weights(label, kept, x, class_weight)
        margin, rival = CrammerSinger._margin(label, x)
        moved = _one_hot(rival, x) - _one_hot(label, x)
        return np.where(
            weight == 0, 0, weight * nan_or(margin + 0 * moved, (margin > 0) * moved)
        )

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        ignore_class: int | None = None,
        class_weight: ClassWeight | None = None,
    ) -> Array:
        label, _ = _labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        margin, _ = CrammerSinger._margin(label, x)
        return nan_or(margin + 0 * x, 0)
