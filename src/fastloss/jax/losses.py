"""The losses of optax under its names, with its signatures and defaults.

Each gives one value per example, as optax does: take ``.mean()`` of them, or use
`fastloss.jax.loss` with a reduction. Derivatives are those by predictions or logits.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from fastloss.core.loss import Loss
from fastloss.jax.calls import Array, run
from fastloss.names import get

__all__ = [
    "cosine_distance",
    "cosine_similarity",
    "hinge_loss",
    "huber_loss",
    "kl_divergence",
    "kl_divergence_with_log_targets",
    "l2_loss",
    "log_cosh",
    "multiclass_hinge_loss",
    "poly_loss_cross_entropy",
    "safe_softmax_cross_entropy",
    "sigmoid_binary_cross_entropy",
    "sigmoid_focal_loss",
    "softmax_cross_entropy",
    "softmax_cross_entropy_with_integer_labels",
    "squared_error",
]

_PREDICTIONS = ("predictions", "targets")
_LOGITS = ("logits", "labels")
_OUTPUTS = ("predictor_outputs", "targets")
_SCORES = ("scores", "labels")
_LOGS = ("log_predictions", "targets")

Axes = int | tuple[int, ...] | None


@cache
def _loss(name: str) -> Loss:
    """The loss that optax calls so, one value per example."""
    return get(f"optax:{name}")._changed({"reduction": "none"})


def _errors(
    name: str, predictions: Any, targets: Any, broadcast: bool = True, **parameters: Any
) -> Array:
    """A loss of predictions and targets, which are zeros if not given."""
    x = jnp.asarray(predictions)
    y = jnp.zeros_like(x) if targets is None else jnp.asarray(targets)
    if broadcast:
        x, y = jnp.broadcast_arrays(x, y)
    return run(_loss(name), x, y, names=_PREDICTIONS, **parameters)


def _binary(
    name: str, names: tuple[str, str], given: Any, labels: Any, **parameters: Any
) -> Array:
    x, y = jnp.broadcast_arrays(jnp.asarray(given), jnp.asarray(labels))
    return run(_loss(name), x, y, names=names, **parameters)


def _rows(array: Any, axis: Axes) -> Array:
    """The array with these axes as its last one."""
    given = jnp.asarray(array)
    if axis is None:
        return given.reshape(-1)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    moved = jnp.moveaxis(given, axes, range(-len(axes), 0))
    return moved.reshape(*moved.shape[: given.ndim - len(axes)], -1)


def _mask(where: Any, like: Array, axis: Axes) -> Array:
    """A mask of logits, or of rows of them, as rows."""
    mask = jnp.asarray(where)
    if mask.ndim != like.ndim and axis is not None:
        mask = jnp.expand_dims(mask, axis)
    return _rows(jnp.broadcast_to(mask, like.shape), axis)


def _without(x: Array, mask: Array) -> Array:
    """Logits that leave out what is masked; a row of which nothing is left is zeros."""
    left = jnp.any(mask, axis=-1, keepdims=True)
    return jnp.where(mask, x, jnp.where(left, -jnp.inf, 0.0).astype(x.dtype))


def squared_error(predictions: Any, targets: Any = None) -> Array:
    """``(predictions - targets)**2``; targets that are not given are zeros."""
    return _errors("squared_error", predictions, targets, broadcast=False)


def l2_loss(predictions: Any, targets: Any = None) -> Array:
    """Half of `squared_error`."""
    return _errors("l2_loss", predictions, targets, broadcast=False)


def huber_loss(predictions: Any, targets: Any = None, *, delta: Any = 1.0) -> Array:
    """Half squares of errors up to `delta`, linear beyond; `fastloss.Huber`."""
    return _errors("huber_loss", predictions, targets, delta=delta)


def log_cosh(predictions: Any, targets: Any = None) -> Array:
    """Logarithms of the hyperbolic cosines of errors; `fastloss.LogCosh`."""
    return _errors("log_cosh", predictions, targets)


def sigmoid_binary_cross_entropy(logits: Any, labels: Any) -> Array:
    """Binary cross-entropy; labels in [0, 1]; `fastloss.BinaryCrossentropy`."""
    return _binary("sigmoid_binary_cross_entropy", _LOGITS, logits, labels)


def sigmoid_focal_loss(
    logits: Any, labels: Any, *, alpha: Any = None, gamma: Any = 2.0
) -> Array:
    """Focal loss; labels in [0, 1]; `fastloss.Focal`."""
    return _binary(
        "sigmoid_focal_loss", _LOGITS, logits, labels, alpha=alpha, gamma=gamma
    )


def hinge_loss(predictor_outputs: Any, targets: Any) -> Array:
    """``max(0, 1 - predictor_outputs * targets)``, targets -1 and 1."""
    return _binary("hinge_loss", _OUTPUTS, predictor_outputs, targets)


def multiclass_hinge_loss(scores: Any, labels: Any) -> Array:
    """The margin of the class against the best other: `fastloss.CrammerSinger`."""
    return run(_loss("multiclass_hinge_loss"), scores, labels, names=_SCORES)


def softmax_cross_entropy(
    logits: Any, labels: Any, axis: Axes = -1, where: Any = None
) -> Array:
    """Cross-entropy of rows of logits and of labels that weigh the classes.

    Logits of -inf whose label is 0 add nothing, as in `safe_softmax_cross_entropy`.

    Parameters
    ----------
    logits, labels : array_like
        Labels are broadcast to the logits; they need not sum to 1.
    axis : int or tuple of int, default -1
        The classes; other axes than the last are moved there.
    where : array_like of bool, optional
        The entries, or rows, that count.
    """
    x, y = jnp.asarray(logits), jnp.asarray(labels)
    y = jnp.broadcast_to(y, x.shape)
    rows, weights = _rows(x, axis), _rows(y, axis)
    if where is not None:
        mask = _mask(where, x, axis)
        rows, weights = _without(rows, mask), jnp.where(mask, weights, 0)
    loss = _loss("softmax_cross_entropy")
    return run(loss, rows, weights, names=_LOGITS, label_sum="any")


def safe_softmax_cross_entropy(logits: Any, labels: Any) -> Array:
    """`softmax_cross_entropy`, which is safe anyway."""
    return softmax_cross_entropy(logits, labels)


def softmax_cross_entropy_with_integer_labels(
    logits: Any, labels: Any, axis: int | tuple[int, ...] = -1, where: Any = None
) -> Array:
    """Cross-entropy of rows of logits and of classes.

    A class out of range is an error, where optax has NaN or counts from the end.

    Parameters
    ----------
    logits : array_like
    labels : array_like of int
        One for each row; of several axes, the index into these flattened.
    axis : int or tuple of int, default -1
        The classes; other axes than the last are moved there.
    where : array_like of bool, optional
        The entries, or rows, that count. The loss of a row of which none does is 0.
    """
    x = jnp.asarray(logits)
    rows = _rows(x, axis)
    loss = _loss("softmax_cross_entropy_with_integer_labels")
    if where is None:
        return run(loss, rows, labels, names=_LOGITS)
    mask = _mask(where, x, axis)
    value = run(loss, _without(rows, mask), labels, names=_LOGITS)
    return jnp.where(jnp.any(mask, axis=-1), value, 0)


def poly_loss_cross_entropy(
    logits: Any, labels: Any, epsilon: Any = 2.0, axis: Axes = -1, where: Any = None
) -> Array:
    """`softmax_cross_entropy` plus `epsilon` times what the labels lack of 1.

    The second term, ``sum(labels * (1 - softmax(logits)))``, is JAX's. For classes,
    ``fastloss.jax.loss("categorical_poly1", epsilon=...)`` has both in one pass.
    """
    x, y = jnp.asarray(logits), jnp.asarray(labels)
    p = jax.nn.softmax(x, axis=axis, where=where)
    lack = jnp.sum(y * (1 - p), axis=axis, where=where)
    return softmax_cross_entropy(x, y, axis, where) + epsilon * lack


def kl_divergence(
    log_predictions: Any, targets: Any, axis: Axes = -1, where: Any = None
) -> Array:
    """Kullback-Leibler divergence of rows of logarithms of probabilities."""
    x, y = jnp.broadcast_arrays(jnp.asarray(log_predictions), jnp.asarray(targets))
    rows, weights = _rows(x, axis), _rows(y, axis)
    if where is not None:
        weights = jnp.where(_mask(where, x, axis), weights, 0)
    return run(_loss("kl_divergence"), rows, weights, names=_LOGS)


def kl_divergence_with_log_targets(
    log_predictions: Any, log_targets: Any, axis: Axes = -1, where: Any = None
) -> Array:
    """`kl_divergence` with targets as logarithms."""
    x, y = jnp.broadcast_arrays(jnp.asarray(log_predictions), jnp.asarray(log_targets))
    rows, weights = _rows(x, axis), _rows(y, axis)
    if where is not None:
        weights = jnp.where(_mask(where, x, axis), weights, -jnp.inf)
    names = ("log_predictions", "log_targets")
    return run(_loss("kl_divergence_with_log_targets"), rows, weights, names=names)


def _cosine(
    predictions: Any, targets: Any, epsilon: Any, axis: Axes, where: Any, offset: float
) -> Array:
    if not isinstance(epsilon, int | float) or epsilon != 0:
        raise ValueError(
            f"epsilon = {epsilon} must be 0: a row of zeros has the similarity 0 "
            "here, and needs none"
        )
    x, y = jnp.broadcast_arrays(jnp.asarray(predictions), jnp.asarray(targets))
    rows, others = _rows(x, axis), _rows(y, axis)
    if where is not None:
        mask = _mask(where, x, axis)
        rows, others = jnp.where(mask, rows, 0), jnp.where(mask, others, 0)
    loss = _loss("cosine_distance")
    return run(loss, rows, others, names=_PREDICTIONS, offset=offset)


def cosine_similarity(
    predictions: Any,
    targets: Any,
    *,
    epsilon: float = 0.0,
    axis: Axes = -1,
    where: Any = None,
) -> Array:
    """Cosines of rows; 0 of a row of zeros."""
    return -_cosine(predictions, targets, epsilon, axis, where, 0.0)


def cosine_distance(
    predictions: Any,
    targets: Any,
    *,
    epsilon: float = 0.0,
    axis: Axes = -1,
    where: Any = None,
) -> Array:
    """1 minus `cosine_similarity`: `fastloss.Cosine`."""
    return _cosine(predictions, targets, epsilon, axis, where, 1.0)
