"""Objectives and metrics of LightGBM.

>>> import fastloss.lightgbm
>>> fastloss.lightgbm.objective("huber", delta=2.0)
Objective(Huber(delta=2.0, reduction='sum'), hessian='booster')

``lgb.train({"objective": objective("focal", gamma=2)}, data)`` and
``LGBMRegressor(objective=objective("huber"))`` take the same object: it tells the two
ways of being called apart. Weights are applied, which LightGBM leaves to objectives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import _boosting
from fastloss.core.loss import Loss

__all__ = ["Metric", "Objective", "metric", "objective"]


class Objective(_boosting.Objective):
    """Gradient and Hessian in LightGBM's convention; see `objective`."""

    library = "lightgbm"
    least = "4.0"

    def adjust(self, hess: Any, rows: bool) -> None:
        """LightGBM takes C / (C - 1) p (1 - p) of a softmax of C classes."""
        if rows:
            classes = hess.shape[1]
            np.multiply(hess, np.float32(classes / (classes - 1)), out=hess)
        if self.is_of_counts():
            np.multiply(hess, np.float32(_boosting.CAUTION), out=hess)
        super().adjust(hess, rows)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Of labels and scores, or as `lgb.train` calls it: of scores and a Dataset.

        Scores of several classes are F-ordered, and so are the results, which LightGBM
        then takes as they are.
        """
        if hasattr(y_pred, "get_label"):
            data, y_pred = y_pred, y_true
            y_true, sample_weight = data.get_label(), data.get_weight()
        return self.derivatives(y_true, y_pred, sample_weight, order="F")


class Metric(_boosting.Metric):
    """The mean of a loss, for evaluation; see `metric`."""

    library = "lightgbm"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Name, value, and that less is better."""
        if hasattr(y_pred, "get_label"):
            data, y_pred = y_pred, y_true
            y_true, sample_weight = data.get_label(), data.get_weight()
        return self.__name__, self.value(y_true, y_pred, sample_weight), False


def objective(
    loss: str | Loss, *, hessian: str = "booster", **parameters: Any
) -> Objective:
    """A loss as an objective of LightGBM.

    Parameters
    ----------
    loss : str or Loss
        LightGBM's name of it, as "regression", one that `fastloss.get` knows, or a
        loss, also one of `fastloss.custom`.
    hessian : {"booster", "exact"}
        "booster" is LightGBM's convention: C/(C - 1) times the diagonal for a softmax
        of C classes, exp(0.7) times for counts, a constant for losses like the absolute
        error whose own is 0, and more than 0. "exact" is that of the loss, which may
        vanish or be negative.
    **parameters
        Parameters of the loss.

    Returns
    -------
    Objective
        With ``init_score(labels, weight)`` for the ``init_score`` of a Dataset: with an
        objective of its own LightGBM begins at 0.

    Raises
    ------
    ValueError, TypeError
        For losses and parameters that do not exist.
    """
    return Objective(loss, hessian=hessian, **parameters)


def metric(loss: str | Loss, **parameters: Any) -> Metric:
    """A loss as ``feval`` of `lgb.train` or ``eval_metric`` of an estimator.

    With an objective of its own LightGBM hands raw scores to metrics: use losses on
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
