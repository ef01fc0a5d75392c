"""Losses of real numbers that outliers do not dominate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Elementwise, Names

__all__ = ["Huber", "LogCosh", "PseudoHuber", "huber", "log_cosh", "pseudo_huber"]


class Huber(Elementwise):
    """Huber's loss: quadratic up to `delta`, linear beyond.

    With r = y_pred - y_true: l = r^2/2 for |r| <= delta, delta (|r| - delta/2) beyond.

    Parameters
    ----------
    delta : float
        Width of the quadratic part, in units of `y_true`; positive.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    Gradient: r clipped to [-delta, delta]. Hessian: 1 for |r| <= delta, 0 beyond.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    P. J. Huber, Robust estimation of a location parameter, Annals of Mathematical
    Statistics 35, 1964.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.huber([1.0, 2.0], [1.5, 5.0])
    1.3125
    >>> fl.huber.grad([1.0, 2.0], [1.5, 5.0], delta=2.0, reduction="sum")
    array([0.5, 2. ])
    """

    name: ClassVar[str] = "huber"
    aliases: ClassVar[Names] = {
        "torch:huber_loss": {},
        "torch:HuberLoss": {},
        "keras:Huber": {"reduction": "sum_over_batch_size"},
        "optax:huber_loss": {},
        "lightgbm:huber": {"delta": 0.9},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="smooth near the optimum, outliers count linearly",
        weaknesses="delta must fit the scale of the noise",
        when="there are outliers; delta about 1.35 standard deviations of the noise",
    )

    delta: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            delta: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        delta = checks.number("delta", self.delta, 0, math.inf, open_low=True)
        self._set("delta", delta)


huber = Huber()


class PseudoHuber(Elementwise):
    """Pseudo-Huber loss: about r^2/2 near 0, about delta |r| far out, smooth between.

    With r = y_pred - y_true and w = sqrt(1 + (r/delta)^2): l = delta^2 (w - 1).

    Parameters
    ----------
    delta : float
        Where the two parts meet, in units of `y_true`; positive.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    Gradient r/w, Hessian 1/w^3.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    P. Charbonnier, L. Blanc-Feraud, G. Aubert and M. Barlaud, Deterministic
    edge-preserving regularization in computed imaging, IEEE Transactions on Image
    Processing 6, 1997.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.pseudo_huber([0.0, 0.0], [0.75, -2.4], reduction="none")
    array([0.25, 1.6 ])
    >>> fl.pseudo_huber.grad([0.0, 0.0], [0.75, -2.4], reduction="sum")
    array([ 0.6       , -0.92307692])
    """

    name: ClassVar[str] = "pseudo_huber"
    aliases: ClassVar[Names] = {"xgboost:reg:pseudohubererror": {}}
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="like Huber, but smooth in all derivatives",
        weaknesses="delta must fit the scale of the noise",
        when="there are outliers and a second-order method wants a positive Hessian",
    )

    delta: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            delta: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        delta = checks.number("delta", self.delta, 0, math.inf, open_low=True)
        self._set("delta", delta)


pseudo_huber = PseudoHuber()


class LogCosh(Elementwise):
    """Log-cosh loss, l = log(cosh(y_pred - y_true)).

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With r = y_pred - y_true: gradient tanh(r), Hessian 1/cosh(r)^2. About r^2/2 near 0
    and |r| - log(2) far from it.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    P. Chen, G. Chen and S. Zhang, Log hyperbolic cosine loss improves variational
    auto-encoder, 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.log_cosh([1.0, 2.0], [1.0, 2.0])
    0.0
    >>> fl.log_cosh.grad([0.0], [40.0])
    array([1.])
    """

    name: ClassVar[str] = "log_cosh"
    aliases: ClassVar[Names] = {
        "logcosh": {},
        "keras:LogCosh": {"reduction": "sum_over_batch_size"},
        "optax:log_cosh": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="like Huber, but smooth in all derivatives",
        weaknesses="its width is 1: scale the labels",
        when="there are outliers and a second-order method wants a positive Hessian",
    )


log_cosh = LogCosh()
