"""Cross-entropies and what was made of them."""

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
from fastloss.reference.multiclass._classes import (
    OfClass,
    OfShare,
    labels,
    log_softmax,
    logsumexp,
    one_hot,
    softmax,
)

__all__ = [
    "GCE",
    "NLL",
    "CategoricalCrossentropy",
    "CategoricalFocal",
    "CategoricalPoly1",
    "SparseCategoricalCrossentropy",
    "SymmetricCE",
]


def _logits(
    x: Array, temperature: float, softcap: float | None
) -> tuple[Array, Array | float, Array | float]:
    """``z = softcap tanh(x/softcap)/temperature`` and its two derivatives."""
    if softcap is None:
        return (
            (x, 1.0, 0.0) if temperature == 1 else (x / temperature, 1 / temperature, 0)
        )
    w = np.tanh(x / softcap)
    slope = (1 - w**2) / temperature
    return softcap * w / temperature, slope, -2 * w * slope / softcap


def _pull(x: Array, z_loss: float) -> Array | float:
    """``2 z_loss lse``, the derivative of ``z_loss lse^2`` by ``lse``."""
    return 0 if z_loss == 0 else 2 * z_loss * logsumexp(x)


def _targets(
    y: Array, x: Array, label_smoothing: float, class_weight: ClassWeight | None
) -> Array:
    """``q_c -> w_c q_c`` of the smoothed targets, PyTorch's rule."""
    q = smooth(y, label_smoothing, x.shape[-1])
    return q if class_weight is None else q * class_weights(class_weight, x)


class CategoricalCrossentropy:
    """``-sum_c q_c log p_c``, with ``p = softmax(x)`` for logits.

    ``q`` are the targets, smoothed, times the class weights. A target of 0
    contributes 0, also where ``p_c = 0``. For logits each target costs ``z_loss lse^2``
    more, with ``lse = log sum_c exp x_c``.
    """

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
        temperature: float = 1.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        x, _, _ = _logits(x, temperature, softcap)
        q = _targets(y, x, label_smoothing, class_weight)
        log_p = log_softmax(x) if from_logits else np.log(clip(x, eps))
        if z_loss != 0:
            log_p = log_p - z_loss * logsumexp(x) ** 2
        return -np.sum(q * np.where(q == 0, 0, log_p), axis=-1)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
        temperature: float = 1.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        x, slope, _ = _logits(x, temperature, softcap)
        q = _targets(y, x, label_smoothing, class_weight)
        if not from_logits:
            return -q / clip(x, eps)
        total = np.sum(q, axis=-1, keepdims=True)
        return slope * (total * (1 + _pull(x, z_loss)) * softmax(x) - q)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
        temperature: float = 1.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        x, slope, curve = _logits(x, temperature, softcap)
        q = _targets(y, x, label_smoothing, class_weight)
        if not from_logits:
            return q / clip(x, eps) ** 2
        p, total = softmax(x), np.sum(q, axis=-1, keepdims=True)
        lifted = total * (1 + _pull(x, z_loss))
        bent = lifted * p * (1 - p) + 2 * z_loss * total * p**2
        return slope**2 * bent + curve * (lifted * p - q)

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
        temperature: float = 1.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
    ) -> Array:
        """The sizes of what z_loss adds, of either sign, beside the rest."""
        options = from_logits, label_smoothing, class_weight, eps, temperature, softcap
        size: Array = np.abs(CategoricalCrossentropy.hess(y_true, y_pred, *options))
        if z_loss == 0:
            return size
        y, x = arrays(y_true, y_pred)
        x, slope, curve = _logits(x, temperature, softcap)
        q = _targets(y, x, label_smoothing, class_weight)
        p, pull = softmax(x), np.abs(_pull(x, z_loss))
        bent = slope**2 * (pull * p * (1 - p) + 2 * z_loss * p**2)
        total = np.sum(q, axis=-1, keepdims=True)
        return size + total * (bent + np.abs(curve) * pull * p)


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
        temperature: float = 1.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
    ) -> Array:
        label, kept = labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        if label_smoothing == 0 and class_weight is None and z_loss == 0:
            if from_logits:
                x, _, _ = _logits(x, temperature, softcap)
                log_p = np.take_along_axis(log_softmax(x), label, axis=-1)
            else:
                log_p = np.log(clip(np.take_along_axis(x, label, axis=-1), eps))
            loss = -log_p[..., 0]
        else:
            loss = CategoricalCrossentropy.value(
                one_hot(label, x),
                x,
                from_logits,
                label_smoothing,
                class_weight,
                eps,
                temperature,
                softcap,
                z_loss,
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
        temperature: float = 1.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
    ) -> Array:
        label, kept = labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        plain = label_smoothing == 0 and class_weight is None and z_loss == 0
        if from_logits and plain:
            x, slope, _ = _logits(x, temperature, softcap)
            grad = softmax(x)
            p_label = np.take_along_axis(grad, label, axis=-1)
            np.put_along_axis(grad, label, p_label - 1, axis=-1)
            grad = slope * grad
        else:
            grad = CategoricalCrossentropy.grad(
                one_hot(label, x),
                x,
                from_logits,
                label_smoothing,
                class_weight,
                eps,
                temperature,
                softcap,
                z_loss,
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
        temperature: float = 1.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
    ) -> Array:
        label, kept = labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        hess = CategoricalCrossentropy.hess(
            one_hot(label, x),
            x,
            from_logits,
            label_smoothing,
            class_weight,
            eps,
            temperature,
            softcap,
            z_loss,
        )
        return np.where(kept, hess, 0)

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        class_weight: ClassWeight | None = None,
        eps: float | None = None,
        temperature: float = 1.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
    ) -> Array:
        """The sizes of what z_loss adds, of either sign, beside the rest."""
        label, kept = labels(y_true, ignore_class)
        _, x = arrays(0, y_pred)
        size = CategoricalCrossentropy.hess_size(
            one_hot(label, x),
            x,
            from_logits,
            label_smoothing,
            class_weight,
            eps,
            temperature,
            softcap,
            z_loss,
        )
        return np.where(kept, size, 0)


class NLL(OfClass):
    """``-x_y`` of log-probabilities ``x``."""

    @classmethod
    def _value(cls, label: Array, x: Array) -> Array:
        return -np.take_along_axis(x, label, axis=-1)

    @classmethod
    def _grad(cls, label: Array, x: Array) -> Array:
        return np.where(one_hot(label, x) == 1, nan_or(x, -1), 0)

    @classmethod
    def _hess(cls, label: Array, x: Array) -> Array:
        return np.where(one_hot(label, x) == 1, nan_or(x, 0), 0)


class CategoricalFocal(OfShare):
    """``-(1 - p)^gamma log p`` for the class.

    With ``L = -log p`` and ``c = 1 - p`` its slope and curve are
    ``c^gamma (1 + gamma p L/c)`` and
    ``gamma p c^(gamma-1) (2 - L + (gamma - 1) p L/c)``, where ``L/c = 1`` at ``c = 0``.
    """

    @staticmethod
    def _of(log: Array, p: Array, rest: Array, gamma: float = 2.0) -> tuple[Array, ...]:
        certain = rest == 0
        c = np.where(certain, 1, rest)
        ratio = np.where(certain, 1, log / c)
        power = np.where(certain, int(gamma == 0), c**gamma)
        below = gamma * p * np.where(certain, int(gamma == 1), c ** (gamma - 1))
        slope = power * (1 + gamma * p * ratio)
        curve = below * (2 - log + (gamma - 1) * p * ratio)
        size = below * (2 + log + abs(gamma - 1) * p * ratio)
        return power * log, slope, curve, size


class GCE(OfShare):
    """``(1 - p^q)/q`` for the class: slope ``p^q``, curve ``-q p^q`` by ``-log p``."""

    @staticmethod
    def _of(log: Array, p: Array, rest: Array, q: float = 0.7) -> tuple[Array, ...]:
        return -np.expm1(-q * log) / q, p**q, -q * p**q, q * p**q


class SymmetricCE(OfShare):
    """``-alpha log p - beta log_zero (1 - p)`` for the class."""

    @staticmethod
    def _of(
        log: Array,
        p: Array,
        rest: Array,
        alpha: float = 1.0,
        beta: float = 1.0,
        log_zero: float = -4.0,
    ) -> tuple[Array, ...]:
        reverse = -beta * log_zero
        loss = (0 if alpha == 0 else alpha * log) + reverse * rest
        return loss, alpha + reverse * p, -reverse * p, reverse * p


class CategoricalPoly1(OfShare):
    """``-log p + epsilon (1 - p)`` for the class."""

    @staticmethod
    def _of(
        log: Array, p: Array, rest: Array, epsilon: float = 1.0
    ) -> tuple[Array, ...]:
        return log + epsilon * rest, 1 + epsilon * p, -epsilon * p, abs(epsilon) * p
