"""Losses of counts and of positive amounts, by their predicted mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Elementwise, Names

__all__ = [
    "Gamma",
    "GammaDeviance",
    "Poisson",
    "PoissonDeviance",
    "Tweedie",
    "TweedieDeviance",
    "gamma",
    "gamma_deviance",
    "poisson",
    "poisson_deviance",
    "tweedie",
    "tweedie_deviance",
]


class _LogarithmOrMean(Elementwise):
    """A loss with a kernel for logarithms of means and one for means."""

    kernels: ClassVar[tuple[str, str]]  # of means, of logarithms

    log_input: bool = True

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return self.kernels[self.log_input]

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("log_input", self.log_input)


class Poisson(_LogarithmOrMean):
    """Poisson loss of counts and the logarithm of their mean, or the mean.

    l = exp(x) - y x with x = y_pred and y = y_true; of a mean p = y_pred, with
    ``log_input=False``: l = p - y log(p + eps). With ``full=True`` log(y!) =
    lgamma(y + 1) is added, and l is the negative log-likelihood.

    Parameters
    ----------
    log_input : bool
        Whether `y_pred` holds logarithms of means.
    eps : float
        Added to a mean inside the logarithm; not to the exponential of a logarithm.
    full : bool
        Whether the term of the labels alone is part of the value. Derivatives are the
        same with it and without.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels are at least 0, means positive. Gradient and Hessian: exp(x) - y and exp(x);
    of a mean 1 - y/(p + eps) and y/(p + eps)^2. PyTorch's ``full=True`` adds Stirling's
    approximation of log(y!) instead, about 1/(12 y) less, and 0 for y of at most 1.
    Errors of values and gradients are in ulps of the sum of the sizes of their terms.
    With `full` values are computed in double precision: in float32 large counts keep
    their digits.

    Raises
    ------
    ValueError, TypeError
        For labels below 0, means that are not positive, and for shapes, dtypes or
        parameters that do not fit.

    References
    ----------
    J. A. Nelder and R. W. M. Wedderburn, Generalized linear models, Journal of the
    Royal Statistical Society A 135, 1972.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.poisson([0, 3], [0.0, 0.0])
    1.0
    >>> fl.poisson.grad([0, 3], [1.0, 2.0], log_input=False, reduction="sum")
    array([ 1. , -0.5])
    >>> fl.poisson([0, 1], [0.0, 0.0], full=True)
    1.0
    """

    name: ClassVar[str] = "poisson"
    kernels: ClassVar[tuple[str, str]] = ("poisson_mean", "poisson")
    aliases: ClassVar[Names] = {
        "poisson_nll": {},
        "torch:poisson_nll_loss": {},
        "torch:PoissonNLLLoss": {},
        "keras:Poisson": {
            "log_input": False,
            "eps": 1e-7,
            "reduction": "sum_over_batch_size",
        },
        "sklearn:HalfPoissonLoss": {},
        "xgboost:count:poisson": {},
        "lightgbm:poisson": {},
        "catboost:Poisson": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="count regression",
        labels="counts: 0, 1, 2, ...",
        activation="linear: the logarithm of the mean",
        strengths="relative effects, a variance that grows with the mean",
        weaknesses="no more scatter than the mean has",
        when="something is counted: events, visits, defects",
    )

    eps: float = 0.0
    full: bool = False

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            log_input: bool = ...,
            eps: float = ...,
            full: bool = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return f"{super().kernel}_full" if self.full else super().kernel

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("full", self.full)
        self._set("eps", checks.number("eps", self.eps, 0, math.inf, open_low=False))


poisson = Poisson()


class Gamma(_LogarithmOrMean):
    """Gamma loss of positive amounts and the logarithm of their mean, or the mean.

    l = x + y exp(-x) with x = y_pred and y = y_true; of a mean p = y_pred, with
    ``log_input=False``: l = log(p) + y/p.

    Parameters
    ----------
    log_input : bool
        Whether `y_pred` holds logarithms of means.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels are positive, and so are means. Gradient and Hessian: 1 - y exp(-x) and
    y exp(-x); of a mean (p - y)/p^2 and (2y - p)/p^3, negative for p > 2y. The negative
    log-likelihood of a gamma distribution over its shape, without the terms of y alone.
    Errors of values and gradients are in ulps of the larger of their two terms.

    Raises
    ------
    ValueError, TypeError
        For labels or means that are not positive, and for shapes, dtypes or parameters
        that do not fit.

    References
    ----------
    P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd edition, 1989,
    chapter 8.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gamma([1.0, 3.0], [0.0, 0.0])
    2.0
    >>> fl.gamma.grad([1.0, 3.0], [1.0, 2.0], log_input=False, reduction="sum")
    array([ 0.  , -0.25])
    """

    name: ClassVar[str] = "gamma"
    kernels: ClassVar[tuple[str, str]] = ("gamma_mean", "gamma")
    aliases: ClassVar[Names] = {
        "gamma_nll": {},
        "sklearn:HalfGammaLoss": {},
        "xgboost:reg:gamma": {},
        "lightgbm:gamma": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression of positive amounts",
        labels="positive numbers",
        activation="linear: the logarithm of the mean",
        strengths="errors count relative to the mean",
        weaknesses="takes no 0",
        when="scatter is proportional to the mean: costs, durations, sizes of claims",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            log_input: bool = ...,
        ) -> Any:
            """Value of the loss."""


gamma = Gamma()


def _power(given: Any) -> float:
    """The power of a Tweedie distribution: of those there are none between 0 and 1."""
    power = checks.number("power", given, 0, math.inf, open_low=False)
    if 0 < power < 1:
        raise ValueError(
            f"power is {power!r}: no distribution has one between 0 and 1; use 0 "
            "(normal), 1 (Poisson), 1 to 2 (amounts, some of them 0), 2 (gamma) or more"
        )
    return power


class Tweedie(_LogarithmOrMean):
    """Tweedie loss of amounts, some of them 0, for a variance of mean^power.

    l = exp((2 - power) x)/(2 - power) - y exp((1 - power) x)/(1 - power) with x =
    y_pred, y = y_true; with ``log_input=False`` exp(x) is the mean y_pred. At power 1
    the second term is y x, which makes it the Poisson loss, at power 2 the first one is
    x: gamma.

    Parameters
    ----------
    power : float
        0, or at least 1: 0 the normal distribution, 1 Poisson, between 1 and 2 compound
        Poisson sums of gamma amounts, 2 gamma, 3 inverse Gaussian.
    log_input : bool
        Whether `y_pred` holds logarithms of means.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels are at least 0, means positive. With m the mean: gradient m^(2-power) - y
    m^(1-power), Hessian (2 - power) m^(2-power) - (1 - power) y m^(1-power), not
    negative for powers in [1, 2]. Of a mean (m - y)/m^power and ((1 - power) m + power
    y)/m^(power+1). Terms of y alone are left out. Errors are in ulps of the larger of
    the terms that a result is the difference of.

    Raises
    ------
    ValueError, TypeError
        For labels below 0, means that are not positive, and for shapes, dtypes or
        parameters that do not fit.

    References
    ----------
    B. Jorgensen, Exponential dispersion models, Journal of the Royal Statistical
    Society B 49, 1987.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.tweedie([0.0, 3.0], [0.0, 0.0])
    5.0
    >>> fl.tweedie.grad([0.0, 3.0], [1.0, 4.0], log_input=False, reduction="sum")
    array([1.   , 0.125])
    """

    name: ClassVar[str] = "tweedie"
    kernels: ClassVar[tuple[str, str]] = ("tweedie_mean", "tweedie")
    aliases: ClassVar[Names] = {
        "tweedie_nll": {},
        "sklearn:HalfTweedieLoss": {},
        "xgboost:reg:tweedie": {},
        "lightgbm:tweedie": {},
        "catboost:Tweedie": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression of amounts, many of them 0",
        labels="numbers of at least 0",
        activation="linear: the logarithm of the mean",
        strengths="zeros and a long tail in one model",
        weaknesses="power must fit the scatter",
        when="sums of a few random amounts are predicted: insurance, rain, sales",
    )

    power: float = 1.5

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            log_input: bool = ...,
            power: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        self._set("power", _power(self.power))


tweedie = Tweedie()


class PoissonDeviance(Elementwise):
    """Deviance of a Poisson distribution, of counts and their predicted means.

    With y = y_true and m = y_pred: l = 2 (y log(y/m) - y + m), 2 m for y = 0.

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels are at least 0, means positive. Gradient 2 (m - y)/m, Hessian 2 y/m^2. No
    digit is lost where a mean is close to its count.

    Raises
    ------
    ValueError, TypeError
        For labels below 0, means that are not positive, and for shapes, dtypes or
        parameters that do not fit.

    References
    ----------
    P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd edition, 1989,
    section 2.3.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.poisson_deviance([0, 1], [0.5, 1.0])
    0.5
    >>> fl.poisson_deviance.grad([0, 1], [0.5, 2.0], reduction="sum")
    array([2., 1.])
    """

    name: ClassVar[str] = "poisson_deviance"
    aliases: ClassVar[Names] = {
        "mean_poisson_deviance": {},
        "sklearn:mean_poisson_deviance": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="count regression",
        labels="counts: 0, 1, 2, ...",
        activation="exp: a mean",
        strengths="0 for a perfect prediction, twice what the likelihood lacks",
        weaknesses="needs positive means; to train use poisson, on their logarithms",
        when="models of counts are compared",
    )


poisson_deviance = PoissonDeviance()


class GammaDeviance(Elementwise):
    """Deviance of a gamma distribution, of positive amounts and their predicted means.

    With y = y_true and m = y_pred: l = 2 (y/m - 1 - log(y/m)).

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels and means are positive. Gradient 2 (m - y)/m^2, Hessian 2 (2y - m)/m^3,
    negative for m > 2y. No digit is lost where a mean is close to its label.

    Raises
    ------
    ValueError, TypeError
        For labels or means that are not positive, and for shapes, dtypes or parameters
        that do not fit.

    References
    ----------
    P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd edition, 1989,
    section 2.3.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gamma_deviance([1.0, 2.0], [1.0, 1.0])
    0.3068528194400547
    >>> fl.gamma_deviance.grad([1.0, 2.0], [1.0, 1.0], reduction="sum")
    array([ 0., -2.])
    """

    name: ClassVar[str] = "gamma_deviance"
    aliases: ClassVar[Names] = {
        "mean_gamma_deviance": {},
        "sklearn:mean_gamma_deviance": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression of positive amounts",
        labels="positive numbers",
        activation="exp: a mean",
        strengths="0 for a perfect prediction, the same in every unit",
        weaknesses="needs positive means; to train use gamma, on their logarithms",
        when="models of positive amounts are compared",
    )


gamma_deviance = GammaDeviance()


class TweedieDeviance(Elementwise):
    """Deviance of a Tweedie distribution, of amounts and their predicted means.

    With y = y_true, m = y_pred, a = 2 - power and b = 1 - power: l = 2 (y^a/(a b) - y
    m^b/b + m^a/a). At power 0, 1 and 2 it is the squared error, the Poisson and the
    gamma deviance.

    Parameters
    ----------
    power : float
        0, or at least 1: the variance is mean^power.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels are at least 0, at power 2 positive, means are positive; at power 0 both are
    real. A label of 0 has an infinite loss for powers above 2. Gradient
    2 (m - y)/m^power, Hessian 2 ((1 - power) m + power y)/m^(power+1). A mean that is
    close to its amount costs no digits; errors of values are in ulps of twice as much.

    Raises
    ------
    ValueError, TypeError
        For labels below 0, means that are not positive, and for shapes, dtypes or
        parameters that do not fit.

    References
    ----------
    B. Jorgensen, The Theory of Dispersion Models, 1997, section 4.2.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.tweedie_deviance([0.0, 4.0], [1.0, 1.0]), 15)
    4.0
    >>> fl.tweedie_deviance.grad([0.0, 4.0], [4.0, 4.0], reduction="sum")
    array([1., 0.])
    """

    name: ClassVar[str] = "tweedie_deviance"
    aliases: ClassVar[Names] = {
        "mean_tweedie_deviance": {},
        "sklearn:mean_tweedie_deviance": {"power": 0.0},
    }
    advice: ClassVar[Advice] = Advice(
        task="regression of amounts, many of them 0",
        labels="numbers of at least 0",
        activation="exp: a mean",
        strengths="0 for a perfect prediction, zeros and a long tail in one measure",
        weaknesses="power must fit the scatter; to train use tweedie, on logarithms",
        when="models of sums of a few random amounts are compared",
    )

    power: float = 1.5

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            power: float = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        limits = {
            0.0: "mean_squared_error",
            1.0: "poisson_deviance",
            2.0: "gamma_deviance",
        }
        return limits.get(self.power, "tweedie_deviance")

    def _validate(self) -> None:
        super()._validate()
        self._set("power", _power(self.power))


tweedie_deviance = TweedieDeviance()
