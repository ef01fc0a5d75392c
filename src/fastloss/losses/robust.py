"""Losses of real numbers that outliers do not dominate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Elementwise, Names

__all__ = [
    "Barron",
    "Cauchy",
    "Fair",
    "GemanMcClure",
    "Huber",
    "LogCosh",
    "PseudoHuber",
    "SmoothL1",
    "Tukey",
    "Welsch",
    "barron",
    "cauchy",
    "fair",
    "geman_mcclure",
    "huber",
    "log_cosh",
    "pseudo_huber",
    "smooth_l1",
    "tukey",
    "welsch",
]


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


class SmoothL1(Elementwise):
    """Smooth L1 loss: quadratic up to `beta`, absolute error less beta/2 beyond.

    With r = y_pred - y_true: l = r^2/(2 beta) for |r| < beta, |r| - beta/2 from there
    on, which is Huber's loss of delta = beta divided by beta.

    Parameters
    ----------
    beta : float
        Width of the quadratic part, in units of `y_true`; 0 is the absolute error.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    Gradient: r/beta clipped to [-1, 1]. Hessian: 1/beta for |r| < beta, 0 from there
    on. With beta = 0 the gradient at the kink is 0.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    R. Girshick, Fast R-CNN, ICCV 2015.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.smooth_l1([0.0, 0.0], [0.25, 3.0], beta=0.5, reduction="none")
    array([0.0625, 2.75  ])
    >>> fl.smooth_l1.grad([0.0, 0.0], [0.25, 3.0], beta=0.5, reduction="sum")
    array([0.5, 1. ])
    """

    name: ClassVar[str] = "smooth_l1"
    aliases: ClassVar[Names] = {
        "torch:smooth_l1_loss": {},
        "torch:SmoothL1Loss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="absolute error without its kink, whatever beta",
        weaknesses="beta must fit the precision of the labels",
        when="errors count linearly, as of corners of boxes, and steps must shrink",
    )

    beta: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            beta: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        beta = checks.number("beta", self.beta, 0, math.inf, open_low=False)
        self._set("beta", beta)


smooth_l1 = SmoothL1()


class Cauchy(Elementwise):
    """Cauchy (Lorentzian) loss, l = c^2/2 log(1 + (r/c)^2) of r = y_pred - y_true.

    About r^2/2 near 0; far out it grows with the logarithm of the error.

    Parameters
    ----------
    c : float
        Width, in units of `y_true`; positive. 2.385 times the standard deviation of
        Gaussian noise keeps 95 % of the efficiency of least squares.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With w = (r/c)^2: gradient r/(1 + w), Hessian (1 - w)/(1 + w)^2, which is negative
    beyond c.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    P. W. Holland and R. E. Welsch, Robust regression using iteratively reweighted
    least-squares, Communications in Statistics A 6, 1977.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cauchy.grad([0.0, 0.0], [1.0, 3.0], reduction="sum")
    array([0.5, 0.3])
    >>> fl.cauchy.grad_and_hess([0.0], [3.0])[1]
    array([-0.08])
    """

    name: ClassVar[str] = "cauchy"
    aliases: ClassVar[Names] = {
        "lorentzian": {},
        "scipy:cauchy": {"reduction": "sum"},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="far outliers hardly pull",
        weaknesses="not convex: needs a good start; c must fit the noise",
        when="outliers are many or gross and a Gaussian bulk is clear",
    )

    c: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            c: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        self._set("c", checks.number("c", self.c, 0, math.inf, open_low=True))


cauchy = Cauchy()


class Welsch(Elementwise):
    """Welsch's loss, l = c^2/2 (1 - exp(-(r/c)^2)) of r = y_pred - y_true.

    About r^2/2 near 0 and flat far out, where an error costs at most c^2/2.

    Parameters
    ----------
    c : float
        Width, in units of `y_true`; positive. 2.985 times the standard deviation of
        Gaussian noise keeps 95 % of the efficiency of least squares.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With w = (r/c)^2: gradient r exp(-w), Hessian (1 - 2 w) exp(-w), which is negative
    beyond c/sqrt(2). Others write exp(-(r/c)^2/2) (`barron` with alpha = -inf): their c
    is the one here divided by sqrt(2).

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    J. E. Dennis and R. E. Welsch, Techniques for nonlinear least squares and robust
    regression, Communications in Statistics B 7, 1978.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.welsch([0.0, 0.0], [0.0, 9.0], reduction="none")
    array([0. , 0.5])
    >>> fl.welsch.grad([0.0], [9.0], c=100.0)
    array([8.92739445])
    """

    name: ClassVar[str] = "welsch"
    aliases: ClassVar[Names] = {"leclerc": {}}
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="gross outliers do not pull at all",
        weaknesses="not convex: needs a good start; c must fit the noise",
        when="gross outliers are to be ignored, smoothly",
    )

    c: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            c: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        self._set("c", checks.number("c", self.c, 0, math.inf, open_low=True))


welsch = Welsch()


class GemanMcClure(Elementwise):
    """Geman-McClure loss, l = r^2/2 / (1 + (r/c)^2) of r = y_pred - y_true.

    About r^2/2 near 0 and flat far out, where an error costs at most c^2/2.

    Parameters
    ----------
    c : float
        Width, in units of `y_true`; positive.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With w = (r/c)^2: gradient r/(1 + w)^2, Hessian (1 - 3 w)/(1 + w)^3, which is
    negative beyond c/sqrt(3).

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    S. Geman and D. E. McClure, Statistical methods for tomographic image
    reconstruction, Bulletin of the International Statistical Institute 52, 1987.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.geman_mcclure([0.0, 0.0], [1.0, 3.0], reduction="none")
    array([0.25, 0.45])
    >>> fl.geman_mcclure.grad([0.0, 0.0], [1.0, 3.0], reduction="sum")
    array([0.25, 0.03])
    """

    name: ClassVar[str] = "geman_mcclure"
    aliases: ClassVar[Names] = {"gemanmcclure": {}}
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="gross outliers do not pull at all",
        weaknesses="not convex: needs a good start; c must fit the noise",
        when="outliers are gross, as in vision, and no tuned efficiency is needed",
    )

    c: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            c: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        self._set("c", checks.number("c", self.c, 0, math.inf, open_low=True))


geman_mcclure = GemanMcClure()


class Fair(Elementwise):
    """Fair's loss, l = c^2 (z - log(1 + z)) of z = |y_pred - y_true|/c.

    About r^2/2 near 0, about c |r| far out; convex and smooth, with a Hessian that is
    positive everywhere.

    Parameters
    ----------
    c : float
        Width, in units of `y_true`; positive. 1.400 times the standard deviation of
        Gaussian noise keeps 95 % of the efficiency of least squares.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With r = y_pred - y_true: gradient r/(1 + z), Hessian 1/(1 + z)^2.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    R. C. Fair, On the robust estimation of econometric models, Annals of Economic and
    Social Measurement 3, 1974.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.fair.grad([0.0, 0.0], [1.0, 3.0], reduction="sum")
    array([0.5 , 0.75])
    >>> fl.fair.grad_and_hess([0.0], [3.0])[1]
    array([0.0625])
    """

    name: ClassVar[str] = "fair"
    aliases: ClassVar[Names] = {"lightgbm:fair": {}}
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="outliers count linearly; convex, positive Hessian",
        weaknesses="c must fit the scale of the noise",
        when="there are outliers and boosting wants a positive Hessian",
    )

    c: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            c: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        self._set("c", checks.number("c", self.c, 0, math.inf, open_low=True))


fair = Fair()


class Tukey(Elementwise):
    """Tukey's biweight loss, l = c^2/6 (1 - (1 - (r/c)^2)^3), c^2/6 for |r| > c.

    With r = y_pred - y_true: about r^2/2 near 0; errors beyond c have no influence.

    Parameters
    ----------
    c : float
        Where influence ends, in units of `y_true`; positive. 4.685 times the standard
        deviation of Gaussian noise keeps 95 % of the efficiency of least squares.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With v = 1 - (r/c)^2, for |r| <= c: gradient r v^2, Hessian v (5 v - 4); both are 0
    at c and beyond.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    A. E. Beaton and J. W. Tukey, The fitting of power series, meaning polynomials,
    illustrated on band-spectroscopic data, Technometrics 16, 1974.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.tukey([0.0, 0.0], [1.0, 9.0], c=2.0, reduction="none")
    array([0.38541667, 0.66666667])
    >>> fl.tukey.grad([0.0, 0.0], [1.0, 9.0], c=2.0, reduction="sum")
    array([0.5625, 0.    ])
    """

    name: ClassVar[str] = "tukey"
    aliases: ClassVar[Names] = {
        "biweight": {},
        "bisquare": {},
        "statsmodels:TukeyBiweight": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="outliers beyond c have no influence",
        weaknesses="not convex: needs a good start; c must fit the noise",
        when="outliers are gross and must not count, as in MM-estimation",
    )

    c: float = 4.685

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            c: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        self._set("c", checks.number("c", self.c, 0, math.inf, open_low=True))


tukey = Tukey()


class Barron(Elementwise):
    """Barron's general loss, from half the squared error to Welsch's by `alpha`.

    With z = (y_pred - y_true)/c and a = 2 - alpha:
    l = a/alpha ((1 + z^2/a)^(alpha/2) - 1), and its limits z^2/2 for alpha = 2,
    log(1 + z^2/2) for 0 and 1 - exp(-z^2/2) for -inf.

    Parameters
    ----------
    alpha : float
        Shape, at most 2: 1 is `pseudo_huber` of delta = c, 0 Cauchy's loss, -2
        Geman-McClure's, -inf Welsch's, each divided by a power of c and with a width of
        its own.
    c : float
        Width of the quadratic part, in units of `y_true`; positive.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64.
    With u = 1 + z^2/a: gradient z/c u^(alpha/2 - 1), Hessian
    (1 + (alpha - 1) z^2/a) u^(alpha/2 - 2)/c^2, negative far out for alpha < 1. The
    loss has no unit: it is about r^2/(2 c^2) near 0. An alpha closer to 0 than 2^-70
    is 0.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    J. T. Barron, A general and adaptive robust loss function, CVPR 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.barron([0.0, 0.0], [0.75, -2.4], alpha=1, reduction="none")
    array([0.25, 1.6 ])
    >>> fl.barron([0.0, 0.0], [2.0, 8.0], alpha=-2, c=2.0, reduction="none")
    array([0.4, 1.6])
    """

    name: ClassVar[str] = "barron"
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="one dial, alpha, for how much outliers count",
        weaknesses="not convex for alpha < 1; c must fit the scale of the noise",
        when="how robust to be is to be tried out or annealed",
    )

    alpha: float = 1.0
    c: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            alpha: float = ...,
            c: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        alpha = checks.number("alpha", self.alpha, -math.inf, math.inf, open_low=False)
        if alpha > 2:
            raise ValueError(f"alpha = {self.alpha!r} is not a number in [-inf, 2]")
        self._set("alpha", alpha)
        self._set("c", checks.number("c", self.c, 0, math.inf, open_low=True))


barron = Barron()
