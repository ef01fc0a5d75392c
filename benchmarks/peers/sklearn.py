"""scikit-learn: its metrics, and the kernels its estimators train with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import sklearn
from sklearn import metrics
from sklearn._loss import loss as kernels

from cells import FRESH, HESS, INTO, VALUE, Cell
from peers.base import Data, Job, Peer
from suite.inputs import ROWS

METRICS: dict[str, Callable[..., Any]] = {
    "mean_squared_error": metrics.mean_squared_error,
    "mean_absolute_error": metrics.mean_absolute_error,
    "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error,
    "mean_squared_logarithmic_error": metrics.mean_squared_log_error,
    "quantile": metrics.mean_pinball_loss,
    "poisson_deviance": metrics.mean_poisson_deviance,
    "gamma_deviance": metrics.mean_gamma_deviance,
    "tweedie_deviance": partial(metrics.mean_tweedie_deviance, power=1.5),
    "brier": metrics.brier_score_loss,
    "hinge": metrics.hinge_loss,
    "binary_crossentropy": partial(metrics.log_loss, labels=[0, 1]),
    "categorical_crossentropy": metrics.log_loss,
    "sparse_categorical_crossentropy": metrics.log_loss,
}

AMOUNTS = ("real", "log1p", "count", "positive")

# hinge_loss and log_loss sort the labels and make float64 one-hot matrices of them:
# beyond this many entries that takes tens of seconds.
MOST_ENTRIES = 10_000_000


class Metrics(Peer):
    version = sklearn.__version__

    def job(self, cell: Cell, data: Data) -> Job | None:
        metric = METRICS.get(cell.kernel)
        if metric is None or cell.output != VALUE or not data.is_plain:
            return None
        regression = ROWS[cell.kernel].labels[0] in AMOUNTS
        if data.y_pred.size > MOST_ENTRIES and not regression:
            return None
        if cell.kernel == "sparse_categorical_crossentropy":
            metric = partial(metric, labels=np.arange(cell.shape[-1]))
        return Job(partial(metric, data.y_true, data.y_pred), lambda v: (v,))


# The loss, and its factor to ours.
KERNELS: dict[str, tuple[Callable[[int], Any], int]] = {
    "mean_squared_error": (lambda _: kernels.HalfSquaredError(), 2),
    "mean_absolute_error": (lambda _: kernels.AbsoluteError(), 1),
    "huber": (lambda _: kernels.HuberLoss(delta=1.0), 1),
    "half_squared_error": (lambda _: kernels.HalfSquaredError(), 1),
    "quantile": (lambda _: kernels.PinballLoss(quantile=0.5), 1),
    "poisson": (lambda _: kernels.HalfPoissonLoss(), 1),
    "gamma": (lambda _: kernels.HalfGammaLoss(), 1),
    "tweedie": (lambda _: kernels.HalfTweedieLoss(power=1.5), 1),
    "tweedie_mean": (lambda _: kernels.HalfTweedieLossIdentity(power=1.5), 1),
    "binary_crossentropy_logits": (lambda _: kernels.HalfBinomialLoss(), 1),
    "sparse_categorical_crossentropy_logits": (
        lambda classes: kernels.HalfMultinomialLoss(n_classes=classes),
        1,
    ),
}


class Kernels(Peer):
    """The kernels alone: losses and gradients of the samples into reused arrays.

    Their sum and the gradient's factor 1/n, which the callers in scikit-learn add in
    passes of their own, are not counted, in its favour.
    """

    version = sklearn.__version__

    def job(self, cell: Cell, data: Data) -> Job | None:
        if cell.kernel not in KERNELS or not data.is_plain:
            return None
        make, factor = KERNELS[cell.kernel]
        loss = make(cell.shape[-1])
        if cell.output == HESS and loss.constant_hessian:
            return None
        x, y = data.y_pred, data.y_true.astype(data.y_pred.dtype, copy=False)
        losses = None if cell.output == FRESH else np.empty(y.shape, dtype=x.dtype)
        grad = None if cell.output == FRESH else data.grad
        method, outputs = {
            VALUE: (loss.loss, {"loss_out": losses}),
            INTO: (loss.loss_gradient, {"loss_out": losses, "gradient_out": grad}),
            FRESH: (loss.loss_gradient, {}),
            HESS: (
                loss.gradient_hessian,
                {"gradient_out": grad, "hessian_out": data.hess},
            ),
        }[cell.output]
        scale = factor / y.size

        def results(parts: Any) -> tuple[Any, ...]:
            if cell.output == HESS:
                return tuple(part * scale for part in parts)
            values, *rest = parts if isinstance(parts, tuple) else (parts,)
            return np.sum(values, dtype=float) * scale, *(g * scale for g in rest)

        run = partial(
            method, y_true=y, raw_prediction=x, n_threads=self.threads, **outputs
        )
        return Job(run, results)
