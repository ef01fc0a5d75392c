"""Keras' losses, with what computes them exchanged."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import keras
from keras import ops

from fastloss.core.loss import Loss
from fastloss.names import get

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]

Tensor = Any


# The losses one by one, on each backend.


def _on_numpy(loss: Loss, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
    return loss(y_true, y_pred, sample_weight=weight)


def _on_jax(loss: Loss, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
    from fastloss.jax.calls import run

    return run(loss, y_pred, y_true, weight, names=("y_pred", "y_true"))


def _on_torch(loss: Loss, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
    from fastloss.torch.calls import Call, evaluate, known

    return evaluate(Call(known(loss), (), (y_pred,), (y_true,), weight))


def _on_tensorflow(
    loss: Loss, y_true: Tensor, y_pred: Tensor, weight: Tensor
) -> Tensor:
    from fastloss.keras.tensorflow import run

    return run(loss, y_true, y_pred, weight)


_BACKENDS: dict[str, Callable[[Loss, Tensor, Tensor, Tensor], Tensor]] = {
    "numpy": _on_numpy,
    "jax": _on_jax,
    "tensorflow": _on_tensorflow,
    "torch": _on_torch,
}

if keras.backend.backend() not in _BACKENDS:
    raise ImportError(
        f"fastloss.keras runs on Keras' backends {', '.join(_BACKENDS)}, not on "
        f"{keras.backend.backend()}: set KERAS_BACKEND to one of them"
    )


def _each(
    loss: Loss, y_true: Tensor, y_pred: Tensor, weight: Tensor | None = None
) -> Tensor:
    """The losses one by one; those of small floats are computed in float32."""
    run = _BACKENDS[keras.backend.backend()]
    dtype = keras.backend.standardize_dtype(y_pred.dtype)
    if dtype in ("float32", "float64"):
        return run(loss, y_true, y_pred, weight)
    if "float" in keras.backend.standardize_dtype(y_true.dtype):
        y_true = ops.cast(y_true, "float32")
    if weight is not None:
        weight = ops.cast(weight, "float32")
    return ops.cast(run(loss, y_true, ops.cast(y_pred, "float32"), weight), dtype)


@cache
def _loss(name: str, **parameters: Any) -> Loss:
    """The loss that Keras calls so, one value a sample."""
    return get(f"keras:{name}")._changed({"reduction": "none", **parameters})


# Keras' functions: one value for each row of the last axis.


def _mean(name: str, **known: Any) -> Callable[..., Tensor]:
    """The mean of an element-wise loss over the last axis."""

    def function(y_true: Tensor, y_pred: Tensor, **parameters: Any) -> Tensor:
        loss = _loss(name, **known, **parameters)
        return ops.mean(_each(loss, y_true, y_pred), axis=-1)

    return function


def _percentages(y_true: Tensor, y_pred: Tensor) -> Tensor:
    loss = _loss("MeanAbsolutePercentageError", eps=keras.config.epsilon())
    return ops.mean(_each(loss, y_true, y_pred), axis=-1)


def _logarithmic(y_true: Tensor, y_pred: Tensor) -> Tensor:
    epsilon = keras.config.epsilon()
    y, x = (ops.log(ops.maximum(a, epsilon) + 1.0) for a in (y_true, y_pred))
    return ops.mean(_each(_loss("MeanSquaredError"), y, x), axis=-1)


def _poisson(y_true: Tensor, y_pred: Tensor) -> Tensor:
    loss = _loss("Poisson", eps=keras.config.epsilon())
    return ops.mean(_each(loss, y_true, y_pred), axis=-1)


def _signs(y_true: Tensor) -> Tensor:
    """Labels 0 and 1 as -1 and 1, if there are no others."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2 * y_true - 1, y_true)


def _hinge(name: str) -> Callable[..., Tensor]:
    def function(y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.mean(_each(_loss(name), _signs(y_true), y_pred), axis=-1)

    return function


def _binary_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    loss = _loss(
        "BinaryCrossentropy",
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        eps=keras.config.epsilon(),
    )
    return ops.mean(_each(loss, y_true, y_pred), axis=axis)


def _binary_focal(
    y_true: Tensor,
    y_pred: Tensor,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    loss = _loss(
        "BinaryFocalCrossentropy",
        from_logits=from_logits,
        gamma=gamma,
        alpha=alpha if apply_class_balancing else None,
        eps=keras.config.epsilon(),
    )
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / 2
    return ops.mean(_each(loss, y_true, y_pred), axis=axis)


def _last(array: Tensor, axis: int) -> Tensor:
    """The array with its classes on the last axis."""
    return (
        array if axis in (-1, len(array.shape) - 1) else ops.moveaxis(array, axis, -1)
    )


def _shares(y_pred: Tensor) -> Tensor:
    """Rows of probabilities that sum to 1."""
    return y_pred / ops.sum(y_pred, axis=-1, keepdims=True)


def _categorical_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    y, x = _last(y_true, axis), _last(y_pred, axis)
    loss = _loss(
        "CategoricalCrossentropy",
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        label_sum="any",
        eps=keras.config.epsilon(),
    )
    return _each(loss, y, x if from_logits else _shares(x))


def _categorical_focal(
    y_true: Tensor,
    y_pred: Tensor,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The sum over the classes of binary focal losses of the label 1, weighted."""
    y, x = _last(y_true, axis), _last(y_pred, axis)
    if label_smoothing:
        y = y * (1 - label_smoothing) + label_smoothing / y.shape[-1]
    p = ops.softmax(x) if from_logits else _shares(x)
    loss = _loss("BinaryFocalCrossentropy", gamma=gamma, eps=keras.config.epsilon())
    weight = y * ops.convert_to_tensor(alpha, dtype=y.dtype)
    return ops.sum(_each(loss, ops.ones_like(p), p, weight), axis=-1)


def _sparse_categorical_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    y, x = ops.cast(y_true, "int32"), _last(y_pred, axis)
    loss = _loss(
        "SparseCategoricalCrossentropy",
        from_logits=from_logits,
        ignore_class=ignore_class,
        eps=keras.config.epsilon(),
    )
    losses = _each(loss, y, x if from_logits else _shares(x))
    if ignore_class is not None:
        _keep_mask(losses, ops.not_equal(y, ignore_class))
    return losses


def _keep_mask(losses: Tensor, mask: Tensor) -> None:
    """What Keras' reductions leave out; NumPy's arrays cannot carry it."""
    from keras.src.backend import set_keras_mask

    set_keras_mask(losses, mask=mask)


def _categorical_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return _each(_loss("CategoricalHinge", label_sum="any"), y_true, y_pred)


def _kl_divergence(y_true: Tensor, y_pred: Tensor) -> Tensor:
    epsilon = keras.config.epsilon()
    loss = _loss("KLDivergence", label_sum="any", eps=0.0)
    return _each(loss, ops.clip(y_true, epsilon, 1), ops.clip(y_pred, epsilon, 1))


def _cosine_similarity(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    loss = _loss("CosineSimilarity")
    return _each(loss, _last(y_true, axis), _last(y_pred, axis))


# Keras' classes.


class _Computed:
    """What takes the place of the function that Keras computes."""

    function: ClassVar[Callable[..., Tensor]]
    _fn_kwargs: dict[str, Any]

    @property
    def fn(self) -> Callable[..., Tensor]:
        """What gives the losses of the rows."""
        return type(self).function

    @fn.setter
    def fn(self, function: Callable[..., Tensor]) -> None:
        """Keras sets its own."""

    def get_config(self) -> dict[str, Any]:
        """All parameters; some of Keras' own classes forget theirs, as delta."""
        return {**super().get_config(), **self._fn_kwargs}  # type: ignore[misc]

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v!r}" for k, v in self._fn_kwargs.items())
        return f"<fastloss.keras.{type(self).__name__}({given})>"


_registered = keras.saving.register_keras_serializable("fastloss")


@_registered
class MeanSquaredError(_Computed, keras.losses.MeanSquaredError):
    """`fastloss.MeanSquaredError`."""

    function = staticmethod(_mean("MeanSquaredError"))


@_registered
class MeanAbsoluteError(_Computed, keras.losses.MeanAbsoluteError):
    """`fastloss.MeanAbsoluteError`."""

    function = staticmethod(_mean("MeanAbsoluteError"))


@_registered
class MeanAbsolutePercentageError(_Computed, keras.losses.MeanAbsolutePercentageError):
    """`fastloss.MeanAbsolutePercentageError`, times 100."""

    function = staticmethod(_percentages)


@_registered
class MeanSquaredLogarithmicError(_Computed, keras.losses.MeanSquaredLogarithmicError):
    """`fastloss.MeanSquaredError` of Keras' logarithms."""

    function = staticmethod(_logarithmic)


@_registered
class Huber(_Computed, keras.losses.Huber):
    """`fastloss.Huber`."""

    function = staticmethod(_mean("Huber"))


@_registered
class LogCosh(_Computed, keras.losses.LogCosh):
    """`fastloss.LogCosh`."""

    function = staticmethod(_mean("LogCosh"))


@_registered
class Poisson(_Computed, keras.losses.Poisson):
    """`fastloss.Poisson` of means, which are positive."""

    function = staticmethod(_poisson)


@_registered
class Hinge(_Computed, keras.losses.Hinge):
    """`fastloss.Hinge`; labels -1 and 1, or 0 and 1."""

    function = staticmethod(_hinge("Hinge"))


@_registered
class SquaredHinge(_Computed, keras.losses.SquaredHinge):
    """`fastloss.SquaredHinge`; labels -1 and 1, or 0 and 1."""

    function = staticmethod(_hinge("SquaredHinge"))


@_registered
class CategoricalHinge(_Computed, keras.losses.CategoricalHinge):
    """`fastloss.CategoricalHinge`."""

    function = staticmethod(_categorical_hinge)


@_registered
class BinaryCrossentropy(_Computed, keras.losses.BinaryCrossentropy):
    """`fastloss.BinaryCrossentropy`."""

    function = staticmethod(_binary_crossentropy)


@_registered
class BinaryFocalCrossentropy(_Computed, keras.losses.BinaryFocalCrossentropy):
    """`fastloss.Focal`."""

    function = staticmethod(_binary_focal)


@_registered
class CategoricalCrossentropy(_Computed, keras.losses.CategoricalCrossentropy):
    """`fastloss.CategoricalCrossentropy`."""

    function = staticmethod(_categorical_crossentropy)


@_registered
class CategoricalFocalCrossentropy(
    _Computed, keras.losses.CategoricalFocalCrossentropy
):
    """`fastloss.Focal` of each class, where the label weighs it."""

    function = staticmethod(_categorical_focal)


@_registered
class SparseCategoricalCrossentropy(
    _Computed, keras.losses.SparseCategoricalCrossentropy
):
    """`fastloss.SparseCategoricalCrossentropy`; a label out of range is an error."""

    function = staticmethod(_sparse_categorical_crossentropy)


@_registered
class KLDivergence(_Computed, keras.losses.KLDivergence):
    """`fastloss.KLDivergence` of what Keras clips."""

    function = staticmethod(_kl_divergence)


@_registered
class CosineSimilarity(_Computed, keras.losses.CosineSimilarity):
    """Minus the cosine: `fastloss.Cosine` with offset 0."""

    function = staticmethod(_cosine_similarity)
