"""Objectives and metrics of CatBoost.

>>> import fastloss.catboost
>>> fastloss.catboost.objective("huber", delta=2.0)
Objective(Huber(delta=2.0, reduction='sum'), hessian='booster')

``CatBoostRegressor(loss_function=objective("huber"), eval_metric=metric("huber"))``.
CatBoost maximises: what it is given are minus the derivatives, weighted, in pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss import _boosting
from fastloss.core.loss import Loss

__all__ = ["Metric", "Objective", "metric", "objective"]


class Objective(_boosting.Objective):
    """Derivatives as CatBoost asks for them; see `objective`."""

    library = "catboost"
    no_jit = True  # to CatBoost, which would else try to compile methods with numba

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> Any:
        """Minus gradient and minus Hessian of some samples, a row of two for each."""
        pairs = np.empty((len(targets), 2))
        weight = None if weights is None else np.asarray(weights)
        self.loss.grad_and_hess(
            _boosting.labels_for(self.loss, targets),
            np.asarray(approxes[0]) if isinstance(approxes, tuple) else approxes,
            sample_weight=weight,
            out=(pairs[:, 0], pairs[:, 1]),
        )
        if self.hessian == "booster":
            self.adjust(pairs[:, 1], rows=False)
        return np.negative(pairs, out=pairs)

    def calc_ders_multi(self, approxes: Any, target: Any, weight: Any) -> Any:
        """Minus gradient and minus Hessian of one sample of several classes."""
        grad, hess = self.loss.grad_and_hess(
            _boosting.labels_for(self.loss, [target]), np.asarray(approxes)[None]
        )
        if self.hessian == "booster":
            self.adjust(hess, rows=True)
        factor = 1.0 if weight is None else weight
        return (-factor * grad[0]).tolist(), (-factor * np.diag(hess[0])).tolist()


class Metric(_boosting.Metric):
    """The mean of a loss, for evaluation; see `metric`."""

    library = "catboost"
    no_jit = True  # to CatBoost, which would else try to compile methods with numba

    def is_max_optimal(self) -> bool:
        """Less is better."""
        return False

    def evaluate(self, approxes: Any, target: Any, weight: Any) -> tuple[float, float]:
        """The weighted sum of the losses, and the sum of the weights."""
        scores = np.asarray(approxes)
        scores = scores[0] if len(scores) == 1 else scores.T
        n = len(scores)
        total = n if weight is None or len(weight) == 0 else float(np.sum(weight))
        return self.value(target, scores, weight) * total, total

    def get_final_error(self, error: float, weight: float) -> float:
        """The mean."""
        return error / (weight + 1e-38)


def objective(
    loss: str | Loss, *, hessian: str = "booster", **parameters: Any
) -> Objective:
    """A loss as ``loss_function`` of CatBoost.

    Parameters
    ----------
    loss : str or Loss
        CatBoost's name of it, as "Logloss", one that `fastloss.get` knows, or a loss,
        also one of `fastloss.custom`.
    hessian : {"booster", "exact"}
        "booster" takes a constant for losses like the absolute error whose own Hessian
        is 0, and at least 1e-16. "exact" is that of the loss, which may vanish or be
        negative. Of several classes it is the diagonal.
    **parameters
        Parameters of the loss.

    Returns
    -------
    Objective

    Raises
    ------
    ValueError, TypeError
        For losses and parameters that do not exist.
    """
    return Objective(loss, hessian=hessian, **parameters)


def metric(loss: str | Loss, **parameters: Any) -> Metric:
    """A loss as ``eval_metric`` of CatBoost.

    Parameters
    ----------
    loss : str or Loss
        As in `objective`. CatBoost hands raw scores to metrics: use losses on logits.
    **parameters
        Parameters of the loss.

    Returns
    -------
    Metric
    """
    return Metric(loss, **parameters)
