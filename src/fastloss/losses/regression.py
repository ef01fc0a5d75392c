"""Losses of real numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Elementwise, Levels, Names

__all__ = [
    "EpsilonInsensitive",
    "Expectile",
    "HalfSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Quantile",
    "epsilon_insensitive",
    "expectile",
    "half_squared_error",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "quantile",
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


class HalfSquaredError(Elementwise):
    """Half the squared error, l = (y_pred - y_true)^2 / 2.

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    Gradient y_pred - y_true, Hessian 1.

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
    >>> fl.half_squared_error([1.0, 2.0], [1.5, 4.0])
    1.0625
    >>> fl.half_squared_error.grad([1.0, 2.0], [1.5, 4.0], reduction="sum")
    array([0.5, 2. ])
    """

    name: ClassVar[str] = "half_squared_error"
    aliases: ClassVar[Names] = {
        "catboost:RMSE": {},
        "optax:l2_loss": {},
        "sklearn:HalfSquaredError": {},
        "xgboost:reg:squarederror": {},
        "lightgbm:regression": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="mean_squared_error whose gradient is the residual",
        weaknesses="a few outliers dominate it",
        when="noise is roughly Gaussian, and boosting wants a Hessian of 1",
    )


half_squared_error = HalfSquaredError()


class Quantile(Levels):
    """Quantile (pinball) loss, w |y_pred - y_true|, smallest at the q-quantile.

    With r = y_pred - y_true: w = 1 - q for r > 0 and q for r < 0. A width `delta`
    makes it smooth: w r^2/(2 delta) for |r| < delta, w (|r| - delta/2) from there on.

    Parameters
    ----------
    q : float or tuple of float
        Level of the quantile, in (0, 1); 1/2 is the median. Of several levels each
        prediction has one along the last axis of `y_pred`, and the label is one.
    delta : float
        Width of the quadratic part, in units of `y_true`; 0: a kink.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    Gradient w sign(r), 0 at the kink; Hessian 0. With `delta`: gradient w r/delta,
    clipped to [-w, w], Hessian w/delta for |r| < delta, 0 from there on. The slopes are
    weights of one unit: at q = 1/2 it is half the absolute error.

    With several levels the loss of a sample is the sum of those of its levels, as in
    Lim et al. (2021); others take their mean. Derivatives of a column are those of its
    level alone. `y_true` has the shape of `y_pred` without its last axis. Predictions
    may cross.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    R. Koenker and G. Bassett, Regression quantiles, Econometrica 46, 1978.
    W. Dabney, M. Rowland, M. G. Bellemare and R. Munos, Distributional reinforcement
    learning with quantile regression, AAAI 2018: `delta`.
    B. Lim, S. O. Arik, N. Loeff and T. Pfister, Temporal fusion transformers for
    interpretable multi-horizon time series forecasting, Int. J. Forecasting 37, 2021:
    several levels.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.quantile([1.0, 2.0], [3.0, 0.0], q=0.75, reduction="none")
    array([0.5, 1.5])
    >>> fl.quantile.grad([1.0, 2.0], [3.0, 0.0], q=0.75, reduction="sum")
    array([ 0.25, -0.75])
    >>> fl.quantile([1.0, 2.0], [[0.0, 1.0], [2.0, 4.0]], q=(0.25, 0.75))
    0.375
    """

    name: ClassVar[str] = "quantile"
    aliases: ClassVar[Names] = {
        "pinball": {},
        "sklearn:mean_pinball_loss": {},
        "xgboost:reg:quantileerror": {},
        "lightgbm:quantile": {"q": 0.9},
        "catboost:Quantile": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="estimates a quantile, outliers count linearly",
        weaknesses="the gradient does not shrink near the optimum",
        when="an upper or lower bound is wanted, or an interval by two quantiles",
    )

    _level: ClassVar[str] = "q"

    q: float | tuple[float, ...] = 0.5
    delta: float = 0.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            q: float | tuple[float, ...] = ...,
            delta: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        delta = checks.number("delta", self.delta, 0, math.inf, open_low=False)
        self._set("delta", delta)


quantile = Quantile()


class Expectile(Elementwise):
    """Expectile loss, w (y_pred - y_true)^2, smallest at the tau-expectile.

    With r = y_pred - y_true: w = 1 - tau for r >= 0 and tau for r < 0.

    Parameters
    ----------
    tau : float
        Level of the expectile, in (0, 1); 1/2 is the mean.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    Gradient 2 w r, Hessian 2 w, where r = 0 counts as above the label. At tau = 1/2 it
    is half the squared error.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    W. K. Newey and J. L. Powell, Asymmetric least squares estimation and testing,
    Econometrica 55, 1987.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.expectile([1.0, 2.0], [3.0, 0.0], tau=0.75, reduction="none")
    array([1., 3.])
    >>> fl.expectile.grad([1.0, 2.0], [3.0, 0.0], tau=0.75, reduction="sum")
    array([ 1., -3.])
    """

    name: ClassVar[str] = "expectile"
    aliases: ClassVar[Names] = {"catboost:Expectile": {}}
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="like a quantile, but smooth: a positive Hessian everywhere",
        weaknesses="no share of the labels lies below it; outliers count quadratically",
        when="errors of one sign cost more than those of the other",
    )

    tau: float = 0.5

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            tau: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        tau = checks.number("tau", self.tau, 0, 1, open_low=True)
        self._set("tau", tau)


expectile = Expectile()


class MeanAbsolutePercentageError(Elementwise):
    """Mean absolute percentage error, l = scale |y_pred - y_true| / |y_true|.

    Parameters
    ----------
    scale : float
        1 for a share, 100 for percents.
    eps : float
        Smallest |y_true| that is divided by, positive: 2^-52 in scikit-learn, 1e-7 in
        Keras, 1 in CatBoost and LightGBM.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With d = max(|y_true|, eps): gradient scale sign(y_pred - y_true)/d, 0 at the kink;
    Hessian 0. A label of 0 weighs scale/eps.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    J. S. Armstrong, Long-range forecasting, 1978.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mape([2.0, 4.0], [3.0, 4.0])
    0.25
    >>> fl.mape.grad([2.0, 4.0], [3.0, 4.0], scale=100, reduction="sum")
    array([50.,  0.])
    """

    name: ClassVar[str] = "mean_absolute_percentage_error"
    aliases: ClassVar[Names] = {
        "mape": {},
        "keras:MeanAbsolutePercentageError": {
            "scale": 100.0,
            "eps": 1e-7,
            "reduction": "sum_over_batch_size",
        },
        "sklearn:mean_absolute_percentage_error": {},
        "catboost:MAPE": {"eps": 1.0},
        "lightgbm:mape": {"eps": 1.0},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="positive numbers, away from 0",
        activation="linear",
        strengths="relative errors, which have no unit",
        weaknesses="labels near 0 dominate it; favours predictions that are too small",
        when="the size of the error matters relative to the label",
    )

    scale: float = 1.0
    eps: float = 2.0**-52

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            scale: float = ...,
            eps: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        for name in ("scale", "eps"):
            number = getattr(self, name)
            self._set(name, checks.number(name, number, 0, math.inf, open_low=True))


mean_absolute_percentage_error = mape = MeanAbsolutePercentageError()


class EpsilonInsensitive(Elementwise):
    """Epsilon-insensitive loss, l = max(0, |y_pred - y_true| - epsilon), or its square.

    Parameters
    ----------
    epsilon : float
        Error that costs nothing, in units of `y_true`; not negative.
    squared : bool
        Whether the loss is the square of that.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With r = y_pred - y_true and m = |r| - epsilon: for m > 0 gradient sign(r) and
    Hessian 0, or 2 m sign(r) and 2; elsewhere, m = 0 included, both are 0.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    V. N. Vapnik, The nature of statistical learning theory, 1995.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.epsilon_insensitive([1.0, 2.0], [1.25, 5.0], epsilon=0.5, reduction="none")
    array([0. , 2.5])
    >>> fl.epsilon_insensitive([2.0], [5.0], epsilon=0.5, squared=True)
    6.25
    """

    name: ClassVar[str] = "epsilon_insensitive"
    aliases: ClassVar[Names] = {
        "squared_epsilon_insensitive": {"squared": True},
        "sklearn:epsilon_insensitive": {},
        "sklearn:squared_epsilon_insensitive": {"squared": True},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="small errors cost nothing: few samples carry the fit",
        weaknesses="epsilon must fit the precision of the labels; kinks",
        when="an error up to epsilon does not matter, as in support vector regression",
    )

    epsilon: float = 0.1
    squared: bool = False

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            epsilon: float = ...,
            squared: bool = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return "squared_epsilon_insensitive" if self.squared else self.name

    def _validate(self) -> None:
        epsilon = checks.number("epsilon", self.epsilon, 0, math.inf, open_low=False)
        self._set("epsilon", epsilon)
        checks.boolean("squared", self.squared)


epsilon_insensitive = EpsilonInsensitive()


class MeanSquaredLogarithmicError(Elementwise):
    """Mean squared logarithmic error, l = (log(1 + y_pred) - log(1 + y_true))^2.

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    all numbers are above -1. With d = log(1 + y_pred) - log(1 + y_true): gradient
    2 d/(1 + y_pred), Hessian 2 (1 - d)/(1 + y_pred)^2, which is negative for d > 1; its
    errors are in ulps of 2 (1 + |d|)/(1 + y_pred)^2.

    Raises
    ------
    ValueError, TypeError
        For numbers that are not above -1, and for shapes, dtypes or parameters that do
        not fit.

    References
    ----------
    G. E. P. Box and D. R. Cox, An analysis of transformations, Journal of the Royal
    Statistical Society B 26, 1964.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.msle([0.0, 1.0], [0.0, 3.0], reduction="sum"), 12)
    0.480453013918
    >>> fl.msle.grad([0.0, 3.0], [0.0, 3.0])
    array([0., 0.])
    """

    name: ClassVar[str] = "mean_squared_logarithmic_error"
    aliases: ClassVar[Names] = {
        "msle": {},
        "mean_squared_log_error": {},
        "keras:MeanSquaredLogarithmicError": {"reduction": "sum_over_batch_size"},
        "sklearn:mean_squared_log_error": {},
        "catboost:MSLE": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="numbers above -1, mostly positive",
        activation="exp or softplus",
        strengths="relative errors, without the trouble of percentages at 0",
        weaknesses="not convex far above the label; predictions are below the mean",
        when="labels spread over orders of magnitude, zeros among them",
    )


mean_squared_logarithmic_error = msle = MeanSquaredLogarithmicError()
