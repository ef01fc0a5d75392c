"""Losses of times until an event, some of which are only known to be later."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Bounded, Names, Sequence, Stepwise

__all__ = ["AFT", "Cox", "DiscreteHazard", "aft", "cox", "discrete_hazard"]


class Cox(Sequence):
    """Negative partial log-likelihood of the proportional hazards model.

    Of an event at a time t_i, where S_i is the sum over all who are at risk then; who
    is censored, with an event d_i of 0, costs 0::

        l_i = d_i (log S_i - x_i)
        S_i = sum_(t_j >= t_i) exp(x_j)
        x = y_pred
        d = event
        t = time

    Parameters
    ----------
    ties : {"efron", "breslow"}
        Of m events at one time with sum T: Efron takes the mean of log(S - k/m T),
        k = 0 ... m-1, in the place of log S; Breslow takes log S for each.
    reduction : str
        See `Loss`. "mean" divides by the sum of the weights of the events, as pycox and
        torchsurv do; "sum_over_batch_size" by the number of samples.

    Notes
    -----
    ``fl.cox((time, event), risk)``: arrays of one shape, float32 or float64, whose last
    axis is a sequence; `event` is 1 or True where the time is that of an event, 0 where
    it is censored. Sample weights count a sample so many times, in S too, and must not
    be negative.
    ``fl.cox((time, event), risk, strata=strata, entry=entry)``: arrays of the same
    shape, either or both. `strata` names the stratum of a sample, by numbers or
    strings; S_i is the sum over those of the same. `entry` is the time from which on a
    sample is seen; S_i is the sum over those with entry_j < t_i <= t_j.
    Gradient: u_i a - w_i d_i, diagonal of the Hessian: u_i a - u_i^2 b, with
    u = w exp(x), a and b the sums of 1/S and 1/S^2 over the events until t_i.
    Time n log n at most, on one thread for each sequence; 72 to 88 bytes of memory for
    a sample beside the results, with late entry up to 220. Sums are compensated and in
    double precision, no sum has terms of two signs, and no score over- or underflows.
    Errors: 4 ulp of the value, of u a + w in the gradient and of u a + u^2 b in the
    Hessian; of events at one time under Efron, and of weighted ones, 4 ulp of the terms
    log S and x of the value.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, times that are NaN, events
        other than 0 and 1, and an entry that is not before the time.

    References
    ----------
    D. R. Cox, Regression models and life-tables, Journal of the Royal Statistical
    Society B 34, 1972. B. Efron, The efficiency of Cox's likelihood function for
    censored data, Journal of the American Statistical Association 72, 1977.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cox(([1.0, 2.0, 3.0], [True, False, True]), [0.0, 0.0, 0.0])
    0.5493061443340548
    >>> fl.cox.grad(([1.0, 2.0], [1, 1]), [0.0, 0.0], reduction="sum")
    array([-0.5,  0.5])
    >>> fl.cox(([1.0, 2.0, 3.0], [1, 1, 1]), [0.0, 0.0, 0.0], entry=[0.0, 1.5, 0.0],
    ...        reduction="none").round(4)
    array([0.6931, 0.6931, 0.    ])
    """

    name: ClassVar[str] = "cox"
    aliases: ClassVar[Names] = {"cox_ph": {}, "cox_ph_loss": {}}
    label_names: ClassVar[tuple[str, ...]] = ("time", "event")
    advice: ClassVar[Advice] = Advice(
        task="survival",
        labels="a time, and whether it is that of an event",
        activation="linear: a log risk",
        strengths="uses censored times, needs no form of the hazard",
        weaknesses="compares samples with each other: a batch is one cohort",
        when="times until an event are known in part",
    )

    ties: str = "efron"

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: tuple[ArrayLike, ArrayLike],
            y_pred: ArrayLike,
            *,
            strata: ArrayLike | None = ...,
            entry: ArrayLike | None = ...,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            ties: str = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def efron(self) -> bool:
        """What the kernel takes."""
        return self.ties == "efron"

    def _validate(self) -> None:
        super()._validate()
        checks.one_of("ties", self.ties, ("efron", "breslow"))


class AFT(Bounded):
    """Negative log-likelihood of the accelerated failure time model.

    With the distribution function F and the density f of `distribution`, where a time
    is known up to its bounds, and where both are equal::

        l = -log(F(b) - F(a)), lower < upper
        l = -log(f(a)/(sigma lower)), lower = upper
        a = (log lower - y_pred)/sigma
        b = (log upper - y_pred)/sigma

    Parameters
    ----------
    distribution : {"normal", "logistic", "extreme"}
        Of the logarithm of a time: times are log-normal, log-logistic or, with the
        extreme value distribution of minima, Weibull's (of shape 1/sigma).
    sigma : float
        Scale of the logarithm of a time; positive.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.aft((lower, upper), y_pred)``: three arrays of one shape, any rank, float32 or
    float64; `y_pred` is the location of the logarithm of a time. The bounds say what is
    known of a time, and are compared in the dtype of `y_pred`:

    ========================  ===============================
    known                     equal bounds
    later (right-censored)    ``upper`` is infinite
    earlier (left-censored)   ``lower`` is 0
    between (interval)        two bounds
    ========================  ===============================

    With E and V the mean and the variance of the score -(log f)' of a z between the
    bounds, gradients are -E/sigma; all second derivatives are positive. Nothing is
    clipped: losses far out have the digits of the others. Errors: 4 ulp of the result,
    or of the larger term of a value that is one of both signs (z^2/2, the logarithms of
    t, sigma and the width) and of a gradient that is one (the densities of both
    bounds); of what is left of extreme times as exp(-d), d = exp(z), it is d ulp. Two
    bounds of a normal distribution in float64: up to 6 ulp of the value, 9 of the
    Hessian and 14 of a gradient that nearly vanishes.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, a `lower` that is negative or
        more than `upper`, and an `upper` that is not positive.

    References
    ----------
    J. D. Kalbfleisch and R. L. Prentice, The Statistical Analysis of Failure Time Data,
    2nd ed. 2002. A. Barnwal, H. Cho and T. Hocking, Survival regression with
    accelerated failure time model in XGBoost, Journal of Computational and Graphical
    Statistics 31, 2022.

    Examples
    --------
    >>> import fastloss as fl
    >>> lower, upper = [1.0, 2.0, 0.0], [1.0, float("inf"), 1.0]
    >>> fl.aft((lower, upper), [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.9189, 1.4101, 0.6931])
    >>> fl.aft.grad((lower, upper), [1.0, 0.0, 0.0], reduction="sum").round(4)
    array([ 1.    , -1.2853,  0.7979])
    """

    name: ClassVar[str] = "aft"
    aliases: ClassVar[Names] = {
        "accelerated_failure_time": {},
        "log_normal_aft": {},
        "log_logistic_aft": {"distribution": "logistic"},
        "weibull_aft": {"distribution": "extreme"},
    }
    advice: ClassVar[Advice] = Advice(
        task="survival",
        labels="two bounds of a time: equal, or 0 or infinity for an open one",
        activation="linear: the logarithm of a time",
        strengths="predicts times; uses those known to be earlier, later or between",
        weaknesses="the form and the scale of the distribution are chosen beforehand",
        when="times are censored in any way, or times are to be predicted",
    )

    distribution: str = "normal"
    sigma: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: tuple[ArrayLike, ArrayLike],
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            distribution: str = ...,
            sigma: float = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return f"{self.name}_{self.distribution}"

    def _validate(self) -> None:
        super()._validate()
        checks.one_of(
            "distribution", self.distribution, ("normal", "logistic", "extreme")
        )
        sigma = checks.number("sigma", self.sigma, 0, math.inf, open_low=True)
        self._set("sigma", sigma)


class DiscreteHazard(Stepwise):
    """Negative log-likelihood of the interval of an event, with a hazard in each.

    Time is cut into intervals j = 0, 1, ... The hazard h_j is the chance of an event in
    interval j for who has come so far; of who was last seen in interval k, with the
    event there (d = 1) or without (d = 0)::

        l = -d log(h_k) - (1 - d) log(1 - h_k) - sum_(j<k) log(1 - h_j)
        h = 1/(1 + exp(-y_pred))
        k = interval
        d = event

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.discrete_hazard((interval, event), logits)``: `logits` are float32 or float64,
    with the intervals along the last axis; `interval` and `event` have the other axes.
    `interval` counts from 0; `event` is 1 or True where it was in that interval, 0 of a
    sample that is censored there, which counts as come through, as in pycox: who left
    before an interval was over was last seen in the one before.
    Gradient: sigmoid(x_j) - 1 at the event, sigmoid(x_j) in the other intervals up to
    k, 0 behind; Hessian, which is diagonal: sigmoid(x_j) sigmoid(-x_j) up to k.
    Errors: 4 ulp. The labels of all intervals are 4 bytes each, for the time of a call.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, intervals that there are no
        logits of, and events other than 0 and 1.

    References
    ----------
    C. C. Brown, On the use of indicator variables for studying the time-dependence of
    parameters in a response-time model, Biometrics 31, 1975. M. F. Gensheimer and B.
    Narasimhan, A scalable discrete-time survival model for neural networks, PeerJ 7,
    2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> logits = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    >>> fl.discrete_hazard(([0, 1], [1, 0]), logits, reduction="none").round(4)
    array([0.6931, 1.3863])
    >>> fl.discrete_hazard.grad(([0, 1], [1, 0]), logits, reduction="sum")
    array([[-0.5,  0. ,  0. ],
           [ 0.5,  0.5,  0. ]])
    """

    name: ClassVar[str] = "discrete_hazard"
    aliases: ClassVar[Names] = {
        "logistic_hazard": {},
        "nnet_survival": {},
        "pycox:nll_logistic_hazard": {},
    }
    label_names: ClassVar[tuple[str, ...]] = ("interval", "event")
    advice: ClassVar[Advice] = Advice(
        task="survival",
        labels="the interval last seen in, and whether the event was there",
        activation="linear: logits of hazards",
        strengths="gives chances of survival; samples do not depend on each other",
        weaknesses="time is cut into intervals beforehand",
        when="time comes in periods, or hazards cross",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: tuple[ArrayLike, ArrayLike],
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""


aft = AFT()
cox = Cox()
discrete_hazard = DiscreteHazard()
