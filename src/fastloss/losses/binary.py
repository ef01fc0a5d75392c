"""Losses of labels in [0, 1], entry by entry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Binary, Names
from fastloss.core.labels import ClassNames
from fastloss.losses._probabilities import FromLogits, ProbabilitiesOrLogits

__all__ = [
    "Asymmetric",
    "BinaryCrossentropy",
    "Brier",
    "Focal",
    "Poly1",
    "asymmetric",
    "bce",
    "binary_crossentropy",
    "brier",
    "focal",
    "poly1",
]


class BinaryCrossentropy(ProbabilitiesOrLogits, Binary):
    """Binary cross-entropy of labels in [0, 1] with probabilities or logits.

    With y = y_true (1 - label_smoothing) + label_smoothing/2 and p = y_pred, or
    p = sigmoid(y_pred) with ``from_logits=True``:
    l = -(pos_weight y log(p) + (1 - y) log(1 - p)).

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    label_smoothing : float
        In [0, 1): moves labels towards 1/2.
    pos_weight : float
        Factor of the positive term; not part of the divisor of "mean".
    eps : float, optional
        p and 1 - p are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels may be booleans or integers. With a = 1 - y and b = pos_weight y, gradient
    and Hessian are a sigmoid(x) - b sigmoid(-x) and (a + b) sigmoid(x) sigmoid(-x) for
    logits x, a/(1-p) - b/p and a/(1-p)^2 + b/p^2 for probabilities. A hard label at an
    infinite logit gives 0 or infinity.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], and for shapes, dtypes or
        parameters that do not fit.

    References
    ----------
    I. J. Good, Rational decisions, Journal of the Royal Statistical Society B 14, 1952.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.bce([0, 1], [0.5, 0.5])
    0.6931471805599453
    >>> fl.bce.grad([1.0], [40.0], from_logits=True)
    array([-4.24835426e-18])
    """

    name: ClassVar[str] = "binary_crossentropy"
    kernels: ClassVar[tuple[str, str]] = (
        "binary_crossentropy",
        "binary_crossentropy_logits",
    )
    aliases: ClassVar[Names] = {
        "bce": {},
        "binary_crossentropy_logits": {"from_logits": True},
        "bce_with_logits": {"from_logits": True},
        "torch:binary_cross_entropy": {},
        "torch:BCELoss": {},
        "torch:binary_cross_entropy_with_logits": {"from_logits": True},
        "torch:BCEWithLogitsLoss": {"from_logits": True},
        "keras:BinaryCrossentropy": {"reduction": "sum_over_batch_size", "eps": 1e-7},
        "optax:sigmoid_binary_cross_entropy": {"from_logits": True},
        "sklearn:HalfBinomialLoss": {"from_logits": True},
        "xgboost:binary:logistic": {"from_logits": True},
        "xgboost:reg:logistic": {"from_logits": True},
        "lightgbm:binary": {"from_logits": True},
        "lightgbm:cross_entropy": {"from_logits": True},
        "catboost:Logloss": {"from_logits": True},
    }
    advice: ClassVar[Advice] = Advice(
        task="binary classification, multi-label classification",
        labels="0 and 1, or soft in [0, 1]",
        activation="none with from_logits=True, else sigmoid",
        strengths="proper: estimates probabilities; exact in the tails on logits",
        weaknesses="confident mistakes weigh without bound",
        when="classes are yes or no and probabilities are wanted; use logits",
    )

    label_smoothing: float = 0.0
    pos_weight: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            classes: ClassNames = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
            label_smoothing: float = ...,
            pos_weight: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        smoothing = checks.number(
            "label_smoothing", self.label_smoothing, 0, 1, open_low=False
        )
        self._set("label_smoothing", smoothing)
        weight = checks.number(
            "pos_weight", self.pos_weight, 0, math.inf, open_low=False
        )
        self._set("pos_weight", weight)


binary_crossentropy = bce = BinaryCrossentropy()


class Focal(ProbabilitiesOrLogits, Binary):
    """Focal loss: binary cross-entropy in which what is right already counts little.

    With p = y_pred, or p = sigmoid(y_pred) with ``from_logits=True``, y = y_true, ce
    their binary cross-entropy and p_t the probability of the label: l = (alpha y + (1 -
    alpha)(1 - y)) (1 - p_t)^gamma ce, where ``alpha=None`` leaves the first factor out.

    Parameters
    ----------
    gamma : float
        At least 0: how fast an example loses its weight as p_t goes to 1; 0 is binary
        cross-entropy.
    alpha : float, optional
        Weight of the positive class, in [0, 1]; that of the negative class is 1 -
        alpha.
    p_t : {"arithmetic", "geometric"}
        For soft labels: y p + (1 - y)(1 - p) as in torchvision and Keras, or
        exp(-ce) = p^y (1 - p)^(1-y) as in segmentation_models_pytorch. Alike for hard
        labels.
    from_logits : bool
        Whether `y_pred` holds logits, True by default.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels may be booleans or integers. Of a hard label and a logit, with s = (1 - 2y)
    x, p = sigmoid(s), q = 1 - p and L = softplus(s): gradient (1 - 2y) p^gamma (gamma q
    L + p), Hessian p^gamma q (gamma L (gamma q - p) + (2 gamma + 1) p). For gamma > 0
    the loss is not convex: far on the wrong side the Hessian is negative, and a Newton
    step that divides by it goes astray. In float64 errors grow by 2.5 gamma ulp; those
    of the Hessian, and of the gradient of a soft label, are in ulps of the terms they
    are the sum of, of which those with exp(-ce) have the error of ce times ce.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], and for shapes, dtypes or
        parameters that do not fit.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, Focal loss for dense object
    detection, ICCV 2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.focal([0, 1], [0.0, 0.0])
    0.17328679513998632
    >>> fl.focal.grad([0, 1], [0.0, 0.0], reduction="sum")
    array([ 0.2982868, -0.2982868])
    """

    name: ClassVar[str] = "focal"
    kernels: ClassVar[tuple[str, str]] = ("focal", "focal_logits")
    aliases: ClassVar[Names] = {
        "binary_focal": {},
        "torchvision:sigmoid_focal_loss": {"alpha": 0.25, "reduction": "none"},
        "keras:BinaryFocalCrossentropy": {
            "from_logits": False,
            "eps": 1e-7,
            "reduction": "sum_over_batch_size",
        },
        "optax:sigmoid_focal_loss": {},
        "smp:FocalLoss": {"p_t": "geometric", "reduction": "sum_over_batch_size"},
    }
    advice: ClassVar[Advice] = Advice(
        task="binary classification, multi-label classification, detection",
        labels="0 and 1, or soft in [0, 1]",
        activation="none, or sigmoid with from_logits=False",
        strengths="many easy negatives do not drown the few hard examples",
        weaknesses="probabilities come out too timid; not convex",
        when="one class is rare and most examples of the other are easy",
    )

    from_logits: bool = True
    gamma: float = 2.0
    alpha: float | None = None
    p_t: str = "arithmetic"

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            classes: ClassNames = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
            gamma: float = ...,
            alpha: float | None = ...,
            p_t: str = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def geometric(self) -> bool:
        """What the kernel takes."""
        return self.p_t == "geometric"

    def _validate(self) -> None:
        super()._validate()
        gamma = checks.number("gamma", self.gamma, 0, math.inf, open_low=False)
        self._set("gamma", gamma)
        if self.alpha is not None:
            alpha = checks.number(
                "alpha", self.alpha, 0, 1, open_low=False, open_high=False
            )
            self._set("alpha", alpha)
        checks.one_of("p_t", self.p_t, ("arithmetic", "geometric"))


focal = Focal()


class Asymmetric(Binary):
    """Asymmetric loss of logits: focal, with negatives below a margin left out.

    With p = sigmoid(y_pred), v = max(0, p - margin) and y = y_true:
    l = -y (1 - p)^gamma_pos log(p) - (1 - y) v^gamma_neg log(1 - v).

    Parameters
    ----------
    gamma_pos : float
        At least 0: how fast positives lose their weight.
    gamma_neg : float
        At least 0: how fast negatives do.
    margin : float
        In [0, 1): probability below which a negative counts nothing.
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels may be booleans or integers, or soft. Derivatives of the second term are 0
    for p <= margin, also at it. The Hessian is negative far on the wrong side, as that
    of the focal loss is. Errors are in ulps of the terms that a result is the sum of, a
    digit of which is lost where p is close to the margin; in float64 they grow by 1.5
    gamma ulp.

    Raises
    ------
    ValueError, TypeError
        For labels outside [0, 1], and for shapes, dtypes or parameters that do not fit.

    References
    ----------
    T. Ridnik, E. Ben-Baruch, N. Zamir, A. Noy, I. Friedman, M. Protter and
    L. Zelnik-Manor, Asymmetric loss for multi-label classification, ICCV 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.asymmetric([1, 0], [0.0, -3.0])
    0.17328679513998632
    >>> fl.asymmetric.grad([1, 0], [0.0, -3.0], reduction="sum")
    array([-0.4232868,  0.       ])
    """

    name: ClassVar[str] = "asymmetric"
    aliases: ClassVar[Names] = {"asl": {}, "asymmetric_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="multi-label classification",
        labels="0 and 1, or soft in [0, 1]",
        activation="none: logits",
        strengths="positives keep their weight where negatives are many",
        weaknesses="three parameters; not convex, no probabilities",
        when="a sample has a few of very many labels",
    )

    gamma_pos: float = 1.0
    gamma_neg: float = 4.0
    margin: float = 0.05

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            classes: ClassNames = ...,
            gamma_pos: float = ...,
            gamma_neg: float = ...,
            margin: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        for name, end in (
            ("gamma_pos", math.inf),
            ("gamma_neg", math.inf),
            ("margin", 1),
        ):
            given = getattr(self, name)
            self._set(name, checks.number(name, given, 0, end, open_low=False))


asymmetric = Asymmetric()


class Poly1(ProbabilitiesOrLogits, Binary):
    """Poly-1 loss: binary cross-entropy and a linear term of what is missing.

    With p = y_pred, or p = sigmoid(y_pred) with ``from_logits=True``, y = y_true, ce
    their binary cross-entropy and p_t = y p + (1 - y)(1 - p): l = ce + epsilon (1 -
    p_t).

    Parameters
    ----------
    epsilon : float
        Weight of the linear term; -1 takes out the first term of the expansion of
        cross-entropy in powers of 1 - p_t.
    from_logits : bool
        Whether `y_pred` holds logits, True by default.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels may be booleans or integers. With q = 1 - p: gradient and Hessian p - y +
    epsilon (1 - 2y) p q and p q (1 + epsilon (1 - 2y)(q - p)) of a logit, which may be
    negative; of a probability epsilon (1 - 2y) is added to the gradient of binary
    cross-entropy and nothing to its Hessian. Errors are in ulps of the terms that a
    result is the sum of.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], and for shapes, dtypes or
        parameters that do not fit.

    References
    ----------
    Z. Leng, M. Tan, C. Liu, E. D. Cubuk, J. Shi, S. Cheng and D. Anguelov, PolyLoss: a
    polynomial expansion perspective of classification loss functions, ICLR 2022.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.poly1([0, 1], [0.0, 0.0])
    1.1931471805599454
    >>> fl.poly1.grad([0, 1], [0.0, 0.0], reduction="sum")
    array([ 0.75, -0.75])
    """

    name: ClassVar[str] = "poly1"
    kernels: ClassVar[tuple[str, str]] = ("poly1", "poly1_logits")
    aliases: ClassVar[Names] = {"binary_poly1": {}, "poly1_bce": {}}
    advice: ClassVar[Advice] = Advice(
        task="binary classification, multi-label classification",
        labels="0 and 1, or soft in [0, 1]",
        activation="none, or sigmoid with from_logits=False",
        strengths="one parameter between cross-entropy and more weight on mistakes",
        weaknesses="epsilon must be found; no proper scoring rule",
        when="cross-entropy works and a little more accuracy is wanted",
    )

    from_logits: bool = True
    epsilon: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            classes: ClassNames = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
            epsilon: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        epsilon = checks.number(
            "epsilon", self.epsilon, -math.inf, math.inf, open_low=True
        )
        self._set("epsilon", epsilon)


poly1 = Poly1()


class Brier(FromLogits, Binary):
    """Brier score, the squared error of a probability: l = (p - y)^2.

    With y = y_true and p = y_pred, or p = sigmoid(y_pred) with ``from_logits=True``.

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits.
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` and `y_pred` have one shape, any rank, float32 or float64;
    labels may be booleans or integers. Gradient and Hessian 2 (p - y) and 2; of a
    logit, with q = 1 - p, 2 (p - y) p q and 2 p q (p q + (p - y)(q - p)), negative far
    on the wrong side; errors of this Hessian are in ulps of its terms, those of values
    and gradients of soft labels in ulps of max(p, y) in the place of p - y.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], and for shapes, dtypes or
        parameters that do not fit.

    References
    ----------
    G. W. Brier, Verification of forecasts expressed in terms of probability, Monthly
    Weather Review 78, 1950.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.brier([0, 1], [0.5, 1.0])
    0.125
    >>> fl.brier.grad([0, 1], [0.0, 0.0], from_logits=True, reduction="sum")
    array([ 0.25, -0.25])
    """

    name: ClassVar[str] = "brier"
    kernels: ClassVar[tuple[str, str]] = ("brier", "brier_logits")
    aliases: ClassVar[Names] = {
        "brier_score": {},
        "brier_score_loss": {},
        "sklearn:brier_score_loss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="0 and 1, or soft in [0, 1]",
        activation="sigmoid, or none with from_logits=True",
        strengths="proper and bounded: estimates probabilities, forgives mistakes",
        weaknesses="on logits not convex: certain mistakes have no gradient",
        when="probabilities are judged, or some labels are wrong",
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
            classes: ClassNames = ...,
            from_logits: bool = ...,
        ) -> Any:
            """Value of the loss."""


brier = Brier()
