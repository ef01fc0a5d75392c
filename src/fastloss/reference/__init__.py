"""Each loss in plain NumPy, formula for formula as a textbook has it.

Every class below is named like the loss it describes and gives the loss of each
sample (``value``) and its first and second derivative by each entry of ``y_pred``
(``grad``, ``hess``), not reduced. `cost`, `value_and_grad` and `grad_and_hess`
apply the reduction, the weights and the parameters of a loss object to them.

The formulas are written to be read. They use the whole array at once, allocate as
they like, compute value and gradient separately, and lose digits where a textbook
does: ``sigmoid(x) - y`` is 0 in float32 for ``x = 20, y = 1``, where the truth is
-2.06e-9. They work for any dtype NumPy can calculate with, arrays of multi-precision
numbers included, and the tests take their exact results from just that.

Conventions: ``y`` is the target, ``x`` the prediction or logit, ``p`` a probability,
``q`` the weight that a target gives to each class, ``r = x - y`` the residual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from fastloss.core.loss import Loss

Array: TypeAlias = npt.NDArray[Any]
ClassWeight: TypeAlias = (
    Sequence[float] | Mapping[int, float] | Sequence[tuple[int, float]]
)

#: Losses with one sample per row of `y_pred`; the others have one per entry.
ROWWISE = ("CategoricalCrossentropy", "SparseCategoricalCrossentropy")


def _arrays(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Array, Array]:
    """Targets and predictions, both in the dtype of the predictions."""
    x = np.asarray(y_pred)
    dtype = np.dtype(float) if x.dtype.kind in "biu" else x.dtype.newbyteorder("=")
    x = x.astype(dtype, copy=False)
    return np.asarray(y_true).astype(dtype, copy=False), x


def _nan_or(r: Array, result: npt.ArrayLike) -> Array:
    """`result`, but NaN where `r` is NaN: comparisons would drop it."""
    return np.where(r != r, r, result)


class MeanSquaredError:
    """Squared residual, ``r^2``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        return (x - y) ** 2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        return 2 * (x - y)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        return _nan_or(x - y, 2)


class MeanAbsoluteError:
    """Absolute residual, ``|r|``; its derivative at the kink is 0."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        return np.abs(x - y)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        return np.sign(x - y)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        return _nan_or(x - y, 0)


class Huber:
    """``r^2 / 2`` up to ``|r| = delta``, then ``delta (|r| - delta / 2)``."""

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0
    ) -> Array:
        y, x = _arrays(y_true, y_pred)
        r = np.abs(x - y)
        return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2))

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0) -> Array:
        y, x = _arrays(y_true, y_pred)
        return np.clip(x - y, -delta, delta)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, delta: float = 1.0) -> Array:
        y, x = _arrays(y_true, y_pred)
        return _nan_or(x - y, np.abs(x - y) <= delta)


class LogCosh:
    """``log(cosh(r))``, written so that ``cosh`` cannot overflow."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        r = np.abs(x - y)
        return r + np.log((1 + np.exp(-2 * r)) / 2)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        return np.tanh(x - y)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _arrays(y_true, y_pred)
        t = np.exp(-2 * np.abs(x - y))
        return 4 * t / (1 + t) ** 2


def _signs(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Array, Array]:
    """Labels -1 and +1 (or booleans) and predictions."""
    y, x = _arrays(y_true, y_pred)
    return (2 * y - 1 if np.asarray(y_true).dtype == bool else y), x


class Hinge:
    """``max(0, 1 - y x)`` for ``y = -1`` or ``+1``; derivative at the kink is 0."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.maximum(0, 1 - y * x)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return _nan_or(y * x, np.where(y * x < 1, -y, 0))

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return _nan_or(y * x, 0)


class SquaredHinge:
    """``max(0, 1 - y x)^2`` for ``y = -1`` or ``+1``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return np.maximum(0, 1 - y * x) ** 2

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return -2 * y * np.maximum(0, 1 - y * x)

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, x = _signs(y_true, y_pred)
        return _nan_or(y * x, np.where(y * x < 1, 2, 0))


def _smooth(q: Array, label_smoothing: float, classes: int) -> Array:
    """Targets moved towards the uniform distribution (Szegedy et al. 2016)."""
    if label_smoothing == 0:
        return q
    return (1 - label_smoothing) * q + label_smoothing / classes


def _clip(p: Array, eps: float | None) -> Array:
    """Probabilities kept away from 0 and 1 by `eps`."""
    eps = float(np.finfo(p.dtype).eps) if eps is None else eps
    return np.clip(p, eps, 1 - eps)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Array) -> Array:
    """``log(1 + exp(x))`` without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


class BinaryCrossentropy:
    """``-pos_weight y log p - (1 - y) log(1 - p)``, with ``p = sigmoid(x)`` for logits.

    On logits this is ``softplus(x) - y x + (pos_weight - 1) y softplus(-x)``.
    """

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = _arrays(y_true, y_pred)
        y = _smooth(y, label_smoothing, 2)
        if not from_logits:
            p = _clip(x, eps)
            return -pos_weight * y * np.log(p) - (1 - y) * np.log1p(-p)
        loss = _softplus(x) - y * x
        if pos_weight != 1:
            loss += (pos_weight - 1) * y * _softplus(-x)
        return loss

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = _arrays(y_true, y_pred)
        y = _smooth(y, label_smoothing, 2)
        if not from_logits:
            p = _clip(x, eps)
            return (1 - y) / (1 - p) - pos_weight * y / p
        p = _sigmoid(x)
        if pos_weight == 1:
            return p - y
        return (1 - y) * p - pos_weight * y * (1 - p)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = _arrays(y_true, y_pred)
        y = _smooth(y, label_smoothing, 2)
        if not from_logits:
            p = _clip(x, eps)
            return pos_weight * y / p**2 + (1 - y) / (1 - p) ** 2
        p = _sigmoid(x)
        return (1 - y + pos_weight * y) * p * (1 - p)


def _softmax(x: Array) -> Array:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def _log_softmax(x: Array) -> Array:
    d = x - np.max(x, axis=-1, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=-1, keepdims=True))


def _class_weights(class_weight: ClassWeight, x: Array) -> Array:
    """A weight for each class; one that a mapping does not name weighs 1."""
    given: list[Any] = list(
        class_weight.items() if isinstance(class_weight, Mapping) else class_weight
    )
    if given and isinstance(given[0], tuple):
        weights = np.ones(x.shape[-1], dtype=x.dtype)
        for c, weight in given:
            weights[c] = weight
        return weights
    return np.array(given).astype(x.dtype)


def _targets(
    y: Array, x: Array, label_smoothing: float, class_weight: ClassWeight | None
) -> Array:
    """``q_c -> w_c q_c`` of the smoothed targets, PyTorch's rule."""
    q = _smooth(y, label_smoothing, x.shape[-1])
    return q if class_weight is None else q * _class_weights(class_weight, x)


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
        y, x = _arrays(y_true, y_pred)
        q = _targets(y, x, label_smoothing, class_weight)
        log_p = _log_softmax(x) if from_logits else np.log(_clip(x, eps))
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
        y, x = _arrays(y_true, y_pred)
        q = _targets(y, x, label_smoothing, class_weight)
        if not from_logits:
            return -q / _clip(x, eps)
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
        y, x = _arrays(y_true, y_pred)
        q = _targets(y, x, label_smoothing, class_weight)
        if not from_logits:
            return q / _clip(x, eps) ** 2
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
        _, x = _arrays(0, y_pred)
        if label_smoothing == 0 and class_weight is None:
            if from_logits:
                log_p = np.take_along_axis(_log_softmax(x), label, axis=-1)
            else:
                log_p = np.log(_clip(np.take_along_axis(x, label, axis=-1), eps))
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
        _, x = _arrays(0, y_pred)
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
        _, x = _arrays(0, y_pred)
        hess = CategoricalCrossentropy.hess(
            _one_hot(label, x), x, from_logits, label_smoothing, class_weight, eps
        )
        return np.where(kept, hess, 0)


def _parameters(loss: Loss) -> dict[str, Any]:
    params = {field.name: getattr(loss, field.name) for field in fields(loss)}
    for checked in ("reduction", "label_sum"):  # no part of a formula
        params.pop(checked, None)
    return params


def _weights(
    loss: Loss,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None,
) -> tuple[Array | None, float]:
    """Weight of each sample, None if all are 1, and what the reduction divides by.

    "mean" divides by the sum of the weights, with class weights by the weighted sum
    of those of the targets; "sum_over_batch_size" by the number of samples.
    """
    params = _parameters(loss)
    y = np.asarray(y_true)
    shape = np.shape(y_pred)
    if type(loss).__name__ in ROWWISE:
        shape = shape[:-1]
    if sample_weight is None and not any(
        params.get(name) is not None for name in ("ignore_class", "class_weight")
    ):
        averages = loss.reduction in ("mean", "sum_over_batch_size")
        return None, float(np.prod(shape)) if averages else 1.0
    weight = np.asarray(1.0 if sample_weight is None else sample_weight, dtype=float)
    weight = weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim))
    weight = np.broadcast_to(weight, shape)
    samples = weight.size
    if params.get("ignore_class") is not None:
        kept = y != params["ignore_class"]
        y = np.where(kept, y, 0)
        weight = np.where(kept, weight, 0.0)
        samples = int(np.count_nonzero(kept))

    if loss.reduction == "sum_over_batch_size":
        return weight, float(samples)
    if loss.reduction != "mean":
        return weight, 1.0
    if params.get("class_weight") is None:
        return weight, float(np.sum(weight))
    class_weight = _class_weights(
        params["class_weight"], np.empty(np.shape(y_pred)[-1])
    )
    of_target = class_weight[y] if y.shape == shape else y @ class_weight
    return weight, float(np.sum(weight * of_target))


def _times(weight: Array | None, divisor: float, a: Array) -> Array:
    """`a` times weight / divisor in its dtype; exactly 0 where the weight is."""
    if weight is None:
        return a if divisor == 1 else a / a.dtype.type(divisor)
    weight = weight / (divisor or 1.0)
    weight = weight.reshape(weight.shape + (1,) * (a.ndim - weight.ndim))
    return (weight * np.where(weight == 0, 0, a)).astype(a.dtype)


def cost(
    loss: Loss,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """The value of `loss`: a float, or one number a sample with reduction "none"."""
    formula = globals()[type(loss).__name__]
    losses = formula.value(y_true, y_pred, **_parameters(loss))
    weight, divisor = _weights(loss, y_true, y_pred, sample_weight)
    losses = _times(weight, 1.0, losses)
    if loss.reduction == "none":
        return losses
    return float(np.sum(losses, dtype=float)) / (divisor or 1.0)


def value_and_grad(
    loss: Loss,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
) -> tuple[Any, Array]:
    """The value of `loss` and the gradient of the reduced value."""
    formula = globals()[type(loss).__name__]
    grad = formula.grad(y_true, y_pred, **_parameters(loss))
    weight, divisor = _weights(loss, y_true, y_pred, sample_weight)
    grad = _times(weight, divisor, grad)
    return cost(loss, y_true, y_pred, sample_weight), grad


def grad_and_hess(
    loss: Loss,
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    sample_weight: npt.ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Gradient and diagonal of the Hessian of the reduced value of `loss`."""
    formula = globals()[type(loss).__name__]
    params = _parameters(loss)
    weight, divisor = _weights(loss, y_true, y_pred, sample_weight)
    return (
        _times(weight, divisor, formula.grad(y_true, y_pred, **params)),
        _times(weight, divisor, formula.hess(y_true, y_pred, **params)),
    )
