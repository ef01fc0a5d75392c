"""Losses of predicted distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Names, SeveralHeads

__all__ = [
    "CRPSLaplace",
    "CRPSLogistic",
    "CRPSNormal",
    "GaussianNLL",
    "IntervalScore",
    "LaplaceNLL",
    "NegativeBinomial",
    "StudentT",
    "crps_laplace",
    "crps_logistic",
    "crps_normal",
    "gaussian_nll",
    "interval_score",
    "laplace_nll",
    "negative_binomial",
    "student_t",
]


class GaussianNLL(SeveralHeads):
    """Negative log-likelihood of a normal distribution of predicted mean and variance.

    With `log_variance`, var is log v::

        l = (log v + r^2/v)/2 + log(2 pi)/2 if full else (log v + r^2/v)/2
        r = mean - y_true
        v = exp(var) if log_variance else max(var, eps)

    Parameters
    ----------
    full : bool
        Whether the constant is part of the value.
    eps : float
        Least variance; not negative. The variance of a logarithm is not clipped.
    log_variance : bool
        Whether the logarithm of the variance is predicted.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.gaussian_nll(y_true, (mean, var))``: three arrays of one shape, any rank,
    float32 or float64, and the derivatives are pairs ``(d mean, d var)``. If mean and
    var have different dtypes, both count as the wider.
    Gradients: r/v and (v - r^2)/(2 v^2). Hessians: 1/v and (2 r^2 - v)/(2 v^3).
    Derivatives are those at the clipped variance, as in PyTorch, so that they never
    die. By log v: (1 - r^2/v)/2 and r^2/(2 v). For v < 1 the terms of the value have
    two signs: its error is at most 4 ulp of the larger one.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and negative variances.

    References
    ----------
    D. A. Nix and A. S. Weigend, Estimating the mean and variance of the target
    probability distribution, ICNN 1994.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gaussian_nll([1.0, 2.0], ([1.0, 4.0], [1.0, 1.0]))
    1.0
    >>> value, (dmean, dvar) = fl.gaussian_nll.value_and_grad(
    ...     [1.0, 2.0], ([1.0, 4.0], [1.0, 1.0]), reduction="sum"
    ... )
    >>> dmean, dvar
    (array([0., 2.]), array([ 0.5, -1.5]))
    """

    name: ClassVar[str] = "gaussian_nll"
    aliases: ClassVar[Names] = {
        "torch:gaussian_nll_loss": {},
        "torch:GaussianNLLLoss": {},
    }
    heads: ClassVar[tuple[str, ...]] = ("mean", "var")
    advice: ClassVar[Advice] = Advice(
        task="regression with a predicted uncertainty",
        labels="real numbers",
        activation="linear for the mean; softplus for the variance, or linear with "
        "log_variance=True",
        strengths="learns how far off a prediction may be",
        weaknesses="a variance that starts small makes the first steps large",
        when="the noise differs between samples",
    )

    full: bool = False
    eps: float = 1e-6
    log_variance: bool = False

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            full: bool = ...,
            eps: float = ...,
            log_variance: bool = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return f"{self.name}_log_variance" if self.log_variance else self.name

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("full", self.full)
        checks.boolean("log_variance", self.log_variance)
        self._set("eps", checks.number("eps", self.eps, 0, math.inf, open_low=False))


class LaplaceNLL(SeveralHeads):
    """Negative log-likelihood of a Laplace distribution of predicted loc and scale.

    ::

        l = log b + |r|/b + log 2 if full else log b + |r|/b
        r = loc - y_true
        b = max(scale, eps)

    Parameters
    ----------
    full : bool
        Whether the constant is part of the value.
    eps : float
        Least scale; not negative.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.laplace_nll(y_true, (loc, scale))``: three arrays of one shape, any rank,
    float32 or float64, and the derivatives are pairs ``(d loc, d scale)``.
    Gradients: sign(r)/b, 0 at r = 0, and (1 - |r|/b)/b. Hessians: 0 and
    (2 |r|/b - 1)/b^2. Derivatives are those at the clipped scale. Errors are at most
    4 ulp of the largest of the terms that a result adds up.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and negative scales.

    References
    ----------
    S. Kotz, T. J. Kozubowski and K. Podgorski, The Laplace Distribution and
    Generalizations, 2001.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.laplace_nll([1.0, 2.0], ([1.0, 4.0], [1.0, 1.0]))
    1.0
    >>> fl.laplace_nll.grad([1.0, 2.0], ([1.0, 4.0], [1.0, 1.0]), reduction="sum")
    (array([0., 1.]), array([ 1., -1.]))
    """

    name: ClassVar[str] = "laplace_nll"
    heads: ClassVar[tuple[str, ...]] = ("loc", "scale")
    advice: ClassVar[Advice] = Advice(
        task="regression with a predicted uncertainty, outliers",
        labels="real numbers",
        activation="linear for the location, softplus or exp for the scale",
        strengths="the location is a median: outliers count linearly",
        weaknesses="a kink at the label; no second derivative by the location",
        when="the noise differs between samples and has heavier tails than the normal",
    )

    full: bool = False
    eps: float = 1e-6

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            full: bool = ...,
            eps: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("full", self.full)
        self._set("eps", checks.number("eps", self.eps, 0, math.inf, open_low=False))


class StudentT(SeveralHeads):
    """Negative log-likelihood of Student's t of predicted location and scale.

    ::

        l = k + log s + (nu + 1)/2 log(1 + u) if full else log s + (nu + 1)/2 log(1 + u)
        u = r^2/(nu s^2)
        r = loc - y_true
        s = max(scale, eps)
        k = lgamma(nu/2) - lgamma((nu + 1)/2) + log(pi nu)/2

    Parameters
    ----------
    nu : float
        Degrees of freedom; positive. 1 is Cauchy's distribution.
    full : bool
        Whether the constant is part of the value.
    eps : float
        Least scale; not negative.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.student_t(y_true, (loc, scale))``: three arrays of one shape, any rank,
    float32 or float64, and the derivatives are pairs ``(d loc, d scale)``.
    Gradients: (nu + 1) r/(nu s^2 + r^2) and nu (s^2 - r^2)/(s (nu s^2 + r^2)).
    Hessians, not positive far out: (nu + 1)(nu s^2 - r^2)/(nu s^2 + r^2)^2 and
    nu (r^4 + (3 nu + 1) r^2 s^2 - nu s^4)/(s (nu s^2 + r^2))^2. Derivatives are those
    at the clipped scale. Errors are at most 4 ulp of the largest of the terms that a
    result adds up.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and negative scales.

    References
    ----------
    K. L. Lange, R. J. A. Little and J. M. G. Taylor, Robust statistical modeling using
    the t distribution, Journal of the American Statistical Association 84, 1989.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.student_t([1.0, 2.0], ([1.0, 4.0], [1.0, 1.0]), nu=4.0, reduction="none")
    array([0.        , 1.73286795])
    >>> fl.student_t.grad([1.0, 2.0], ([1.0, 4.0], [1.0, 1.0]), reduction="sum")
    (array([0.  , 1.25]), array([ 1. , -1.5]))
    """

    name: ClassVar[str] = "student_t"
    heads: ClassVar[tuple[str, ...]] = ("loc", "scale")
    advice: ClassVar[Advice] = Advice(
        task="regression with a predicted uncertainty, outliers",
        labels="real numbers",
        activation="linear for the location, softplus or exp for the scale",
        strengths="outliers lose their weight; the tails are a parameter",
        weaknesses="not convex; nu has to be chosen",
        when="the noise differs between samples and some labels are far off",
    )

    nu: float = 4.0
    full: bool = False
    eps: float = 1e-6

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            nu: float = ...,
            full: bool = ...,
            eps: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        self._set("nu", checks.number("nu", self.nu, 0, math.inf, open_low=True))
        checks.boolean("full", self.full)
        self._set("eps", checks.number("eps", self.eps, 0, math.inf, open_low=False))


class NegativeBinomial(SeveralHeads):
    """Negative log-likelihood of counts under a negative binomial distribution.

    The variance is m + m^2/r::

        l = k + lgamma(y + 1) if full else k
        k = lgamma(r) - lgamma(r + y) + (r + y) log(r + m) - r log r - y log m
        m = max(mean, eps)
        r = max(total_count, eps)
        y = y_true

    Parameters
    ----------
    full : bool
        Whether the term of the labels alone is part of the value.
    eps : float
        Least mean and total count; not negative.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.negative_binomial(y_true, (mean, total_count))``: three arrays of one shape,
    any rank, float32 or float64, and the derivatives are pairs
    ``(d mean, d total_count)``. Of a dispersion alpha with variance m + alpha m^2 the
    total count is 1/alpha; at infinity the distribution is Poisson's. Labels may be any
    numbers that are not negative.
    Gradients: (r + y)/(r + m) - y/m and, with digamma psi,
    psi(r) - psi(r + y) + log(1 + m/r) - (m - y)/(r + m). Hessians:
    y/m^2 - (r + y)/(r + m)^2 and
    psi'(r) - psi'(r + y) - m/(r (r + m)) + (m - y)/(r + m)^2. No lgamma is subtracted
    from another: large counts keep their digits. Derivatives are those at the clipped
    numbers. Errors are at most 4 ulp of the largest of the terms that a result adds up.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and negative numbers.

    References
    ----------
    J. M. Hilbe, Negative Binomial Regression, 2nd ed. 2011. C. Loader, Fast and
    accurate computation of binomial probabilities, 2000 (how digits are kept).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.negative_binomial([0.0, 1.0], ([1.0, 1.0], [1.0, 1.0]), full=True)
    1.0397207708399179
    >>> fl.negative_binomial.grad([0.0, 3.0], ([1.0, 1.0], [1.0, 1.0]))[0]
    array([ 0.25, -0.5 ])
    """

    name: ClassVar[str] = "negative_binomial"
    heads: ClassVar[tuple[str, ...]] = ("mean", "total_count")
    advice: ClassVar[Advice] = Advice(
        task="regression of counts with a predicted dispersion",
        labels="counts",
        activation="softplus or exp for both",
        strengths="counts that vary more than Poisson's, in proportion to their mean",
        weaknesses="the dispersion is hard to learn from few counts",
        when="labels are counts whose variance exceeds their mean",
    )

    full: bool = False
    eps: float = 1e-6

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            full: bool = ...,
            eps: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("full", self.full)
        self._set("eps", checks.number("eps", self.eps, 0, math.inf, open_low=False))


class CRPSNormal(SeveralHeads):
    """Continuous ranked probability score of a normal distribution.

    With the density phi and the distribution function Phi of the normal distribution::

        l = std (w (2 Phi(w) - 1) + 2 phi(w) - 1/sqrt(pi))
        w = (mean - y_true)/std

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.crps_normal(y_true, (mean, std))``: three arrays of one shape, any rank,
    float32 or float64, and the derivatives are pairs ``(d mean, d std)``.
    Gradients: 2 Phi(w) - 1 and 2 phi(w) - 1/sqrt(pi). Hessians: 2 phi(w)/std and
    2 w^2 phi(w)/std. At std = 0 the score is |mean - y_true|. Errors are at most 4 ulp
    of the largest of the terms that a result adds up.

    Raises
    ------
    ValueError, TypeError
        For shapes or dtypes that do not fit, and negative standard deviations.

    References
    ----------
    T. Gneiting and A. E. Raftery, Strictly proper scoring rules, prediction, and
    estimation, Journal of the American Statistical Association 102, 2007.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.crps_normal([1.0, 2.0], ([1.0, 4.0], [1.0, 0.0]), reduction="none")
    array([0.23369498, 2.        ])
    """

    name: ClassVar[str] = "crps_normal"
    aliases: ClassVar[Names] = {
        "scoringrules:crps_normal": {"reduction": "none"},
        "properscoring:crps_gaussian": {"reduction": "none"},
    }
    heads: ClassVar[tuple[str, ...]] = ("mean", "std")
    advice: ClassVar[Advice] = Advice(
        task="probabilistic forecasts",
        labels="real numbers",
        activation="linear for the mean, softplus or exp for the deviation",
        strengths="in the unit of the labels; outliers count linearly",
        weaknesses="tails are weighed less than by the likelihood",
        when="forecasts of a normal distribution are compared or trained",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""


class CRPSLaplace(SeveralHeads):
    """Continuous ranked probability score of a Laplace distribution.

    ::

        l = |loc - y_true| + scale (exp(-q) - 3/4)
        q = |loc - y_true|/scale

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.crps_laplace(y_true, (loc, scale))``: three arrays of one shape, any rank,
    float32 or float64, and the derivatives are pairs ``(d loc, d scale)``.
    Gradients: sign(loc - y_true)(1 - exp(-q)) and (1 + q) exp(-q) - 3/4. Hessians:
    exp(-q)/scale and q^2 exp(-q)/scale. At scale = 0 the score is |loc - y_true|.
    Errors are at most 4 ulp of the largest of the terms that a result adds up.

    Raises
    ------
    ValueError, TypeError
        For shapes or dtypes that do not fit, and negative scales.

    References
    ----------
    A. Jordan, F. Krueger and S. Lerch, Evaluating probabilistic forecasts with
    scoringRules, Journal of Statistical Software 90(12), 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.crps_laplace([1.0, 2.0], ([1.0, 4.0], [1.0, 0.0]), reduction="none")
    array([0.25, 2.  ])
    """

    name: ClassVar[str] = "crps_laplace"
    aliases: ClassVar[Names] = {"scoringrules:crps_laplace": {"reduction": "none"}}
    heads: ClassVar[tuple[str, ...]] = ("loc", "scale")
    advice: ClassVar[Advice] = Advice(
        task="probabilistic forecasts",
        labels="real numbers",
        activation="linear for the location, softplus or exp for the scale",
        strengths="in the unit of the labels; outliers count linearly",
        weaknesses="tails are weighed less than by the likelihood",
        when="forecasts of a Laplace distribution are compared or trained",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""


class CRPSLogistic(SeveralHeads):
    """Continuous ranked probability score of a logistic distribution.

    ::

        l = |loc - y_true| + scale (2 log(1 + exp(-q)) - 1)
        q = |loc - y_true|/scale

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.crps_logistic(y_true, (loc, scale))``: three arrays of one shape, any rank,
    float32 or float64, and the derivatives are pairs ``(d loc, d scale)``.
    Gradients: sign(loc - y_true)(1 - t)/(1 + t) and 2 log(1 + t) - 1 + 2 q t/(1 + t).
    Hessians: 2 t/((1 + t)^2 scale) and q^2 times that. At scale = 0 the score is
    |loc - y_true|. Errors are at most 4 ulp of the largest of the terms that a result
    adds up.

    Raises
    ------
    ValueError, TypeError
        For shapes or dtypes that do not fit, and negative scales.

    References
    ----------
    A. Jordan, F. Krueger and S. Lerch, Evaluating probabilistic forecasts with
    scoringRules, Journal of Statistical Software 90(12), 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.crps_logistic([1.0, 2.0], ([1.0, 4.0], [1.0, 0.0]), reduction="none")
    array([0.38629436, 2.        ])
    """

    name: ClassVar[str] = "crps_logistic"
    aliases: ClassVar[Names] = {"scoringrules:crps_logistic": {"reduction": "none"}}
    heads: ClassVar[tuple[str, ...]] = ("loc", "scale")
    advice: ClassVar[Advice] = Advice(
        task="probabilistic forecasts",
        labels="real numbers",
        activation="linear for the location, softplus or exp for the scale",
        strengths="in the unit of the labels; outliers count linearly",
        weaknesses="tails are weighed less than by the likelihood",
        when="forecasts of a logistic distribution are compared or trained",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""


class IntervalScore(SeveralHeads):
    """Score of an interval that is to hold a label with probability 1 - alpha.

    ::

        l = upper - lower + 2/alpha (max(lower - y_true, 0) + max(y_true - upper, 0))

    Parameters
    ----------
    alpha : float
        Probability that a label is outside; in (0, 1).
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.interval_score(y_true, (lower, upper))``: three arrays of one shape, any rank,
    float32 or float64, and the derivatives are pairs ``(d lower, d upper)``.
    Gradients: -1, and 2/alpha - 1 where y_true < lower; 1, and 1 - 2/alpha where
    y_true > upper; at the ends those inside. Hessians: 0. The ends may cross. alpha/2
    times the score is the quantile loss of alpha/2 and 1 - alpha/2 together. The error
    of the value is at most 4 ulp of the largest of its terms.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    T. Gneiting and A. E. Raftery, Strictly proper scoring rules, prediction, and
    estimation, Journal of the American Statistical Association 102, 2007.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.interval_score([1.0, 5.0], ([0.0, 0.0], [4.0, 4.0]), alpha=0.5)
    6.0
    >>> fl.interval_score.grad(
    ...     [1.0, 5.0], ([0.0, 0.0], [4.0, 4.0]), alpha=0.5, reduction="sum"
    ... )
    (array([-1., -1.]), array([ 1., -3.]))
    """

    name: ClassVar[str] = "interval_score"
    aliases: ClassVar[Names] = {"scoringrules:interval_score": {"reduction": "none"}}
    heads: ClassVar[tuple[str, ...]] = ("lower", "upper")
    advice: ClassVar[Advice] = Advice(
        task="prediction intervals",
        labels="real numbers",
        activation="linear",
        strengths="proper: the best ends are the quantiles alpha/2 and 1 - alpha/2",
        weaknesses="constant gradients: the ends move slowly far off",
        when="an interval is wanted and nothing is known of the distribution",
    )

    alpha: float = 0.05

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            alpha: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        self._set("alpha", checks.number("alpha", self.alpha, 0, 1, open_low=True))


gaussian_nll = GaussianNLL()
laplace_nll = LaplaceNLL()
student_t = StudentT()
negative_binomial = NegativeBinomial()
crps_normal = CRPSNormal()
crps_laplace = CRPSLaplace()
crps_logistic = CRPSLogistic()
interval_score = IntervalScore()
