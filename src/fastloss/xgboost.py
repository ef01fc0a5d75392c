"""Objectives and metrics of XGBoost.

>>> import fastloss.xgboost
>>> fastloss.xgboost.objective("pseudo_huber", delta=2.0)
Objective(PseudoHuber(delta=2.0, reduction='sum'), hessian='booster')

``xgb.train(parameters, data, obj=objective("focal", gamma=2))`` and
``XGBRegressor(objective=objective("huber"))`` take the same object: it tells the two
ways of being called apart. Weights are applied, which XGBoost leaves to objectives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import _boosting
from fastloss.core.loss import Loss

__all__ = ["Metric", "Objective", "metric", "objective"]


class Objective(_boosting.Objective):
    """Gradient and Hessian in XGBoost's convention; see `objective`."""

    library = "xgboost"
    least = "2.1"

    def adjust(self, hess: Any, rows: bool) -> None:
        """XGBoost takes 2 p (1 - p) of a softmax, and at least 1e-16 of any loss."""
        if rows:
            np.multiply(hess, np.float32(2), out=hess)
        if self.is_of_counts():
            np.multiply(hess, np.float32(_boosting.CAUTION), out=hess)
        super().adjust(hess, rows)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Of labels and scores, or as `xgb.train` calls it: of scores and a DMatrix."""
        if hasattr(y_pred, "get_label"):
            data, y_pred = y_pred, y_true
            y_true, sample_weight = data.get_label(), data.get_weight()
        return self.derivatives(y_true, y_pred, sample_weight)


class Metric(_boosting.Metric):
    """The mean of a loss, for evaluation; see `metric`."""

    library = "xgboost"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Of labels and scores, or as `xgb.train` calls it: of scores and a DMatrix."""
        if hasattr(y_pred, "get_label"):
            data = y_pred
            value = self.value(data.get_label(), y_true, data.get_weight())
            return self.__name__, value
        return self.value(y_true, y_pred, sample_weight)


def objective(
    loss: str | Loss, *, hessian: str = "booster", **parameters: Any
) -> Objective:
    """A loss as an objective of XGBoost.

    Parameters
    ----------
    loss : str or Loss
        XGBoost's name of it, as "reg:squarederror", one that `fastloss.get` knows, or a
        loss, also one of `fastloss.custom`.
    hessian : {"booster", "exact"}
        "booster" is XGBoost's convention: twice the diagonal for a softmax, exp(0.7)
        times for counts (whose leaves XGBoost bounds by ``max_delta_step=0.7``), a
        constant for losses like the absolute error whose own is 0, and at least 1e-16.
        "exact" is that of the loss, which may vanish or be negative.
    **parameters
        Parameters of the loss.

    Returns
    -------
    Objective
        With ``init_score(labels, weight)`` for ``base_score`` or ``base_margin``: with
        an objective of its own XGBoost does not estimate one.

    Raises
    ------
    ValueError, TypeError
        For losses and parameters that do not exist.
    """
    return Objective(loss, hessian=hessian, **parameters)


def metric(loss: str | Loss, **parameters: Any) -> Metric:
    """A loss as ``custom_metric`` of `xgb.train` or ``eval_metric`` of an estimator.

    With an objective of its own XGBoost hands raw scores to metrics: use losses on
    logits there.

    Parameters
    ----------
    loss : str or Loss
        As in `objective`.
    **parameters
        Parameters of the loss.

    Returns
    -------
    Metric
    """
    return Metric(loss, **parameters)
