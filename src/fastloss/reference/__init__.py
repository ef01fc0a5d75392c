"""Each loss in plain NumPy, formula for formula as a textbook has it.

Every class below is named like the loss it describes and gives the loss of each
sample (``value``) and its first and second derivative by each entry of ``y_pred``
(``grad``, ``hess``), not reduced. `cost`, `value_and_grad` and `grad_and_hess`
apply the reduction, the weights and the parameters of a loss object to them where
that has one label and one prediction a sample; the other classes take the arguments of
their loss.

The formulas are written to be read. They use the whole array at once, allocate as
they like, compute value and gradient separately, and lose digits where a textbook
does: ``sigmoid(x) - y`` is 0 in float32 for ``x = 20, y = 1``, where the truth is
-2.06e-9. They work for any dtype NumPy can calculate with, arrays of multi-precision
numbers included, and the tests take their exact results from just that. Those of
element-wise losses work for the symbols of a custom loss, too: ``loss.formula`` shows
what comes out.

Conventions: ``y`` is the target, ``x`` the prediction or logit, ``p`` a probability,
``q`` the weight that a target gives to each class, ``r = x - y`` the residual.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, class_weights
from fastloss.reference.binary import *
from fastloss.reference.boxes import *
from fastloss.reference.count import *
from fastloss.reference.distribution import *
from fastloss.reference.embedding import *
from fastloss.reference.margin import *
from fastloss.reference.multiclass import *
from fastloss.reference.ranking import *
from fastloss.reference.regression import *
from fastloss.reference.robust import *
from fastloss.reference.segmentation import *
from fastloss.reference.survival import *

if TYPE_CHECKING:
    from fastloss.core.loss import Loss


def parameters(loss: Loss) -> dict[str, Any]:
    """The parameters of `loss` that its formulas take."""
    params = {field.name: getattr(loss, field.name) for field in fields(loss)}
    for checked in ("reduction", "label_sum", "classes"):  # no part of a formula
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
    params = parameters(loss)
    y = np.asarray(y_true)
    shape = loss._samples(np.shape(y_pred))
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
    class_weight = class_weights(params["class_weight"], np.empty(np.shape(y_pred)[-1]))
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
    losses = formula.value(y_true, y_pred, **parameters(loss))
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
    grad = formula.grad(y_true, y_pred, **parameters(loss))
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
    params = parameters(loss)
    weight, divisor = _weights(loss, y_true, y_pred, sample_weight)
    return (
        _times(weight, divisor, formula.grad(y_true, y_pred, **params)),
        _times(weight, divisor, formula.hess(y_true, y_pred, **params)),
    )
