"""The loss metrics of scikit-learn, of arrays that need no preparation.

A function here answers for plain arguments, arrays of floats of one shape, classes
counted from 0, and says None of all others: scikit-learn's own function is then called,
with its conversions, warnings and errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import fastloss as fl

__all__ = ["CLASSIFICATION", "REGRESSION"]

Array = NDArray[Any]
Metric: TypeAlias = Callable[..., float | None]

#: Of Tweedie deviances: the power of numbers takes scikit-learn less time.
_FAST_POWERS = (0, 1, 2)


def _is_float(array: Any) -> bool:
    return type(array) is np.ndarray and array.dtype.char in "fd" and array.size > 0


def _is_finite(array: Array) -> bool:
    """Whether no number is infinite or NaN: their sum then is neither."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(array.sum())


def _are_plain_weights(weight: Any, like: Array) -> bool:
    """Weights of samples, whose sum can be divided by."""
    return (
        _is_float(weight)
        and weight.dtype == like.dtype
        and weight.shape == like.shape[:1]
        and math.isfinite(total := weight.sum())
        and total != 0
    )


def _are_plain_targets(y_true: Any, y_pred: Any, weight: Any) -> bool:
    """Two arrays of floats of one shape, samples by outputs."""
    return (
        _is_float(y_pred)
        and _is_float(y_true)
        and y_true.dtype == y_pred.dtype
        and y_true.shape == y_pred.shape
        and y_true.ndim in (1, 2)
        and (weight is None or _are_plain_weights(weight, y_pred))
    )


def _mean(
    loss: fl.Loss, y_true: Any, y_pred: Any, weight: Any, **parameters: Any
) -> float | None:
    """The mean, if it is finite: that of numbers that are not is scikit-learn's."""
    try:
        value = float(loss(y_true, y_pred, sample_weight=weight, **parameters))
    except ValueError:  # labels or predictions outside their domain
        return None
    return value if math.isfinite(value) else None


def _regression(loss: fl.Loss, **parameters: Any) -> Metric:
    """The mean of a loss that is infinite or NaN where its input is."""

    def metric(
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: Any = None,
        multioutput: Any = "uniform_average",
    ) -> float | None:
        uniform = isinstance(multioutput, str) and multioutput == "uniform_average"
        if not uniform or not _are_plain_targets(y_true, y_pred, sample_weight):
            return None
        if sample_weight is not None and not (
            _is_finite(y_true) and _is_finite(y_pred)
        ):
            return None  # a weight of 0 would hide it
        return _mean(loss, y_true, y_pred, sample_weight, **parameters)

    return metric


def _root_mean_squared_error(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    multioutput: Any = "uniform_average",
) -> float | None:
    if getattr(y_pred, "ndim", 0) != 1:  # of several outputs the mean of the roots
        return None
    mean = REGRESSION["mean_squared_error"](
        y_true, y_pred, sample_weight=sample_weight, multioutput=multioutput
    )
    return None if mean is None else math.sqrt(mean)


def _mean_pinball_loss(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    alpha: Any = 0.5,
    multioutput: Any = "uniform_average",
) -> float | None:
    if type(alpha) is not float or not 0 < alpha < 1:
        return None
    metric = _regression(fl.quantile, q=alpha)
    return metric(y_true, y_pred, sample_weight=sample_weight, multioutput=multioutput)


def _mean_tweedie_deviance(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, power: Any = 0
) -> float | None:
    plain = (
        power in _FAST_POWERS
        and _are_plain_targets(y_true, y_pred, sample_weight)
        and y_true.ndim == 1
        and _is_finite(y_true)
        and _is_finite(y_pred)
    )
    if not plain:
        return None
    loss = fl.tweedie_deviance
    return _mean(loss, y_true, y_pred, sample_weight, power=float(power))


def _mean_poisson_deviance(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None
) -> float | None:
    return _mean_tweedie_deviance(y_true, y_pred, sample_weight=sample_weight, power=1)


def _mean_gamma_deviance(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None
) -> float | None:
    return _mean_tweedie_deviance(y_true, y_pred, sample_weight=sample_weight, power=2)


def _is_plain_classification(y_true: Any, scores: Any, weight: Any) -> bool:
    """Integer or boolean labels, and finite scores of each sample."""
    return (
        type(y_true) is np.ndarray
        and y_true.dtype.kind in "iub"
        and y_true.ndim == 1
        and _is_float(scores)
        and scores.shape[:1] == y_true.shape
        and _is_finite(scores)
        and (weight is None or _are_plain_weights(weight, scores))
    )


def _is_greater(labels: Array) -> Array | None:
    """Which labels are the greater of two, if there are two."""
    if labels.dtype.kind == "b":
        return labels if labels.any() and not labels.all() else None
    low, high = labels.min(), labels.max()
    greater: Array = labels == high
    if low == high or (
        int(high) - int(low) > 1 and not (greater | (labels == low)).all()
    ):
        return None
    return greater


def _are_all(classes: Array, count: int) -> bool:
    """Whether these are the classes from 0 on, each of them at least once."""
    if classes.dtype.kind == "b":
        return count == 2 and bool(classes.any() and not classes.all())
    if classes.min() != 0 or classes.max() != count - 1:
        return False
    return count == 2 or bool(np.bincount(classes, minlength=count).all())


def _log_loss(
    y_true: Any,
    y_proba: Any,
    *,
    normalize: Any = True,
    sample_weight: Any = None,
    labels: Any = None,
) -> float | None:
    if labels is not None or not _is_plain_classification(
        y_true, y_proba, sample_weight
    ):
        return None
    reduction = "mean" if normalize else "sum"
    if y_proba.ndim == 1:
        greater = _is_greater(y_true)
        if greater is None:
            return None
        return _mean(fl.bce, greater, y_proba, sample_weight, reduction=reduction)
    if y_proba.ndim != 2 or y_proba.shape[1] < 2:
        return None
    classes = y_proba.shape[1]
    sums = y_proba @ np.ones(classes, y_proba.dtype)
    off = math.sqrt(np.finfo(y_proba.dtype).eps)
    plain = (
        y_proba.min() >= 0
        and y_proba.max() <= 1
        and np.abs(sums - 1).max() <= off
        and _are_all(y_true, classes)
    )
    if not plain:
        return None
    return _mean(fl.scce, y_true, y_proba, sample_weight, reduction=reduction)


def _hinge_loss(
    y_true: Any, pred_decision: Any, *, labels: Any = None, sample_weight: Any = None
) -> float | None:
    plain = (
        labels is None
        and _is_plain_classification(y_true, pred_decision, sample_weight)
        and pred_decision.ndim == 1
    )
    greater = _is_greater(y_true) if plain else None
    if greater is None:
        return None
    return _mean(fl.hinge, greater, pred_decision, sample_weight)


def _brier_score_loss(
    y_true: Any, y_proba: Any, *, sample_weight: Any = None, pos_label: Any = None
) -> float | None:
    plain = (
        pos_label is None
        and _is_plain_classification(y_true, y_proba, sample_weight)
        and y_proba.ndim == 1
    )
    greater = _is_greater(y_true) if plain else None
    if greater is None or y_true.max() != 1 or y_true.min() not in (0, -1):
        return None  # which label is positive is not said
    return _mean(fl.brier, greater, y_proba, sample_weight)


def _explained(mean: float | None, of_constant: float) -> float | None:
    """The share of a mean loss that the best constant prediction has more."""
    return 1 - mean / of_constant if mean is not None and of_constant > 0 else None


def _d2_pinball_score(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    alpha: Any = 0.5,
    multioutput: Any = "uniform_average",
) -> float | None:
    """The best constant is any quantile: between two of them the loss is level."""
    mean = _mean_pinball_loss(
        y_true,
        y_pred,
        sample_weight=sample_weight,
        alpha=alpha,
        multioutput=multioutput,
    )
    if mean is None or y_true.ndim != 1:
        return None
    if sample_weight is not None and sample_weight.min() < 0:
        return None
    best = np.quantile(y_true, alpha, weights=sample_weight, method="inverted_cdf")
    constant = np.broadcast_to(best.astype(y_true.dtype), y_true.shape)
    of_constant = fl.quantile(y_true, constant, sample_weight=sample_weight, q=alpha)
    return _explained(mean, float(of_constant))


def _d2_absolute_error_score(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    multioutput: Any = "uniform_average",
) -> float | None:
    return _d2_pinball_score(
        y_true, y_pred, sample_weight=sample_weight, multioutput=multioutput
    )


def _d2_log_loss_score(
    y_true: Any, y_proba: Any, *, sample_weight: Any = None, labels: Any = None
) -> float | None:
    """The best constant is the shares of the classes, and its loss their entropy."""
    mean = _log_loss(y_true, y_proba, sample_weight=sample_weight, labels=labels)
    if mean is None:
        return None
    classes = _is_greater(y_true) if y_proba.ndim == 1 else y_true
    shares = np.bincount(np.asarray(classes, np.intp), sample_weight)
    shares = shares / shares.sum()
    if shares.min() <= 0:
        return None
    return _explained(mean, -float(shares @ np.log(shares)))


def _d2_brier_score(
    y_true: Any, y_proba: Any, *, sample_weight: Any = None, pos_label: Any = None
) -> float | None:
    mean = _brier_score_loss(
        y_true, y_proba, sample_weight=sample_weight, pos_label=pos_label
    )
    if mean is None:
        return None
    share = float(np.average(y_true == 1, weights=sample_weight))
    return _explained(mean, share * (1 - share))


REGRESSION: dict[str, Metric] = {
    "mean_squared_error": _regression(fl.mse),
    "root_mean_squared_error": _root_mean_squared_error,
    "mean_absolute_error": _regression(fl.mae),
    "mean_absolute_percentage_error": _regression(fl.mape),
    "mean_pinball_loss": _mean_pinball_loss,
    "mean_tweedie_deviance": _mean_tweedie_deviance,
    "mean_poisson_deviance": _mean_poisson_deviance,
    "mean_gamma_deviance": _mean_gamma_deviance,
    "d2_absolute_error_score": _d2_absolute_error_score,
    "d2_pinball_score": _d2_pinball_score,
}
"""What answers for functions of `sklearn.metrics` that take targets."""

CLASSIFICATION: dict[str, Metric] = {
    "log_loss": _log_loss,
    "hinge_loss": _hinge_loss,
    "brier_score_loss": _brier_score_loss,
    "d2_brier_score": _d2_brier_score,
    "d2_log_loss_score": _d2_log_loss_score,
}
"""What answers for functions of `sklearn.metrics` that take classes."""
