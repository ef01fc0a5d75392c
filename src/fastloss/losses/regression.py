"""Losses of real numbers."""

from __future__ import annotations

from typing import ClassVar

from fastloss.core.kinds import Advice, Elementwise, Names

__all__ = [
    "MeanAbsoluteError",
    "MeanSquaredError",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
]


class MeanSquaredError(Elementwise):
    """Mean squared error, l = (y_pred - y_true)^2.

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    Gradient 2 (y_pred - y_true), Hessian 2; there is no factor 1/2.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    C. F. Gauss, Theoria combinationis observationum, 1821.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mse([1.0, 2.0, 3.0], [1.1, 1.9, 3.2])
    0.020000000000000035
    >>> fl.mse.grad([1.0, 2.0], [1.5, 2.0])
    array([0.5, 0. ])
    """

    name: ClassVar[str] = "mean_squared_error"
    aliases: ClassVar[Names] = {
        "mse": {},
        "l2": {},
        "torch:mse_loss": {},
        "torch:MSELoss": {},
        "keras:MeanSquaredError": {"reduction": "sum_over_batch_size"},
        "optax:squared_error": {},
        "sklearn:mean_squared_error": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="smooth, convex, estimates the mean",
        weaknesses="a few outliers dominate it",
        when="noise is roughly Gaussian",
    )


mean_squared_error = mse = MeanSquaredError()


class MeanAbsoluteError(Elementwise):
    """Mean absolute error, l = |y_pred - y_true|.

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    Gradient sign(y_pred - y_true), 0 at the kink; Hessian 0.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    P. S. Laplace, Mémoire sur la probabilité des causes par les événements, 1774.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mae([1.0, 2.0, 3.0], [1.5, 2.0, 5.0], reduction="sum")
    2.5
    >>> fl.mae.grad([1.0, 2.0], [1.5, 2.0])
    array([0.5, 0. ])
    """

    name: ClassVar[str] = "mean_absolute_error"
    aliases: ClassVar[Names] = {
        "mae": {},
        "l1": {},
        "torch:l1_loss": {},
        "torch:L1Loss": {},
        "keras:MeanAbsoluteError": {"reduction": "sum_over_batch_size"},
        "sklearn:mean_absolute_error": {},
        "xgboost:reg:absoluteerror": {},
        "lightgbm:regression_l1": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="outliers count linearly, estimates the median",
        weaknesses="the gradient does not shrink near the optimum",
        when="noise has heavy tails and the median is wanted",
    )


mean_absolute_error = mae = MeanAbsoluteError()
