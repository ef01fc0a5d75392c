"""Losses of labels in [0, 1], entry by entry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Elementwise, Names
from fastloss.losses._probabilities import ProbabilitiesOrLogits

__all__ = ["BinaryCrossentropy", "bce", "binary_crossentropy"]


class BinaryCrossentropy(ProbabilitiesOrLogits, Elementwise):
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
        "lightgbm:binary": {"from_logits": True},
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
