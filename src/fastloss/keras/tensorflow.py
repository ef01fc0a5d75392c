"""Losses one by one of TensorFlow's tensors, which NumPy's arrays share memory with."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from fastloss.core.kinds import Rowwise
from fastloss.core.loss import Loss

__all__ = ["run"]

Tensor = Any


def run(loss: Loss, y_true: Tensor, y_pred: Tensor, weight: Tensor | None) -> Tensor:
    """Values whose gradient, computed with them, waits for the way back."""
    others = (y_true,) if weight is None else (y_true, weight)

    def compute(y_pred: Any, y_true: Any, weight: Any = None) -> Any:
        return loss.value_and_grad(y_true, y_pred, sample_weight=weight)

    @tf.custom_gradient
    def values_of(y_pred: Tensor) -> Any:
        dtypes = [y_pred.dtype] * 2
        values, gradient = tf.numpy_function(compute, [y_pred, *others], dtypes, False)
        gradient.set_shape(y_pred.shape)
        rows = isinstance(loss, Rowwise)
        values.set_shape(y_pred.shape[:-1] if rows else y_pred.shape)

        def back(scale: Tensor) -> Tensor:
            return gradient * (scale[..., None] if rows else scale)

        return values, back

    return values_of(tf.convert_to_tensor(y_pred))
