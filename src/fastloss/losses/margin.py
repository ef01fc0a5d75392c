"""Losses of labels -1 and +1 and decision values."""

from __future__ import annotations

from typing import ClassVar

from fastloss.core.kinds import Advice, Binary, Names

__all__ = [
    "Exponential",
    "Hinge",
    "ModifiedHuber",
    "SoftMargin",
    "SquaredHinge",
    "exponential",
    "hinge",
    "modified_huber",
    "soft_margin",
    "squared_hinge",
]


class Hinge(Binary):
    """Hinge loss, l = max(0, 1 - y_true y_pred).

    Parameters
    ----------
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` holds -1 and +1, or booleans (False is -1); `y_pred` are
    decision values of the same shape, float32 or float64. Gradient -y_true where
    1 - y_true y_pred > 0, else 0, also at the kink; Hessian 0.

    Raises
    ------
    ValueError, TypeError
        For labels, shapes, dtypes or parameters that do not fit.

    References
    ----------
    C. Cortes and V. Vapnik, Support-vector networks, Machine Learning 20, 1995.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hinge([1, -1], [0.5, -2.0])
    0.25
    >>> fl.hinge.grad([True, False], [0.5, -2.0], reduction="sum")
    array([-1.,  0.])
    """

    name: ClassVar[str] = "hinge"
    aliases: ClassVar[Names] = {
        "hinge_loss": {},
        "keras:Hinge": {"reduction": "sum_over_batch_size"},
        "optax:hinge_loss": {},
        "sklearn:hinge_loss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear (no sigmoid)",
        strengths="a wide margin, ignores what is safely right",
        weaknesses="no probabilities, not smooth",
        when="a maximum-margin decision is wanted, as in a support vector machine",
    )


hinge = Hinge()


class SquaredHinge(Binary):
    """Squared hinge loss, l = max(0, 1 - y_true y_pred)^2.

    Parameters
    ----------
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` holds -1 and +1, or booleans (False is -1); `y_pred` are
    decision values of the same shape, float32 or float64. With the margin
    m = 1 - y_true y_pred: gradient -2 y_true max(0, m), Hessian 2 for m > 0, else 0.

    Raises
    ------
    ValueError, TypeError
        For labels, shapes, dtypes or parameters that do not fit.

    References
    ----------
    Y.-J. Lee and O. L. Mangasarian, SSVM: a smooth support vector machine for
    classification, Computational Optimization and Applications 20, 2001.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.squared_hinge([1, -1], [0.5, -2.0])
    0.125
    >>> fl.squared_hinge.grad([1, -1], [0.5, -2.0], reduction="sum")
    array([-1.,  0.])
    """

    name: ClassVar[str] = "squared_hinge"
    aliases: ClassVar[Names] = {
        "squared_hinge_loss": {},
        "keras:SquaredHinge": {"reduction": "sum_over_batch_size"},
    }
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear (no sigmoid)",
        strengths="a wide margin and a continuous gradient",
        weaknesses="no probabilities, mislabelled samples weigh quadratically",
        when="a margin is wanted from a gradient method",
    )


squared_hinge = SquaredHinge()


class SoftMargin(Binary):
    """Soft margin loss, l = log(1 + exp(-y_true y_pred)).

    Parameters
    ----------
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` holds -1 and +1, or booleans (False is -1); `y_pred` are
    decision values of the same shape, float32 or float64. With z = -y_true y_pred:
    gradient -y_true sigmoid(z), Hessian sigmoid(z) sigmoid(-z). The same as binary
    cross-entropy on logits, for other labels.

    Raises
    ------
    ValueError, TypeError
        For labels, shapes, dtypes or parameters that do not fit.

    References
    ----------
    J. Friedman, T. Hastie and R. Tibshirani, Additive logistic regression: a
    statistical view of boosting, Annals of Statistics 28, 2000.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.soft_margin([1, -1], [0.0, 0.0])
    0.6931471805599453
    >>> fl.soft_margin.grad([1, -1], [0.0, 0.0], reduction="sum")
    array([-0.5,  0.5])
    """

    name: ClassVar[str] = "soft_margin"
    aliases: ClassVar[Names] = {
        "logistic_loss": {},
        "torch:soft_margin_loss": {},
        "torch:SoftMarginLoss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear (no sigmoid)",
        strengths="cross-entropy for labels -1 and +1: estimates probabilities",
        weaknesses="what is safely right still counts a little",
        when="labels are signs and probabilities are wanted",
    )


soft_margin = SoftMargin()


class Exponential(Binary):
    """Exponential loss, l = exp(-y_true y_pred).

    Parameters
    ----------
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` holds -1 and +1, or booleans (False is -1); `y_pred` are
    decision values of the same shape, float32 or float64: half the logarithm of the
    odds at the minimum. Gradient -y_true l, Hessian l.

    Raises
    ------
    ValueError, TypeError
        For labels, shapes, dtypes or parameters that do not fit.

    References
    ----------
    Y. Freund and R. E. Schapire, A decision-theoretic generalization of on-line
    learning and an application to boosting, Journal of Computer and System Sciences 55,
    1997.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.exponential([1, -1], [0.0, 0.0])
    1.0
    >>> fl.exponential.grad([True, False], [0.0, 0.0], reduction="sum")
    array([-1.,  1.])
    """

    name: ClassVar[str] = "exponential"
    aliases: ClassVar[Names] = {"exponential_loss": {}, "adaboost": {}}
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear: half a logit",
        strengths="what AdaBoost minimises",
        weaknesses="one wrong label may outweigh all others",
        when="boosting on clean labels",
    )


exponential = Exponential()


class ModifiedHuber(Binary):
    """Modified Huber loss: the squared hinge, linear where a sample is far off.

    With the margin m = y_true y_pred: l = max(0, 1 - m)^2 for m >= -1, else -4 m.

    Parameters
    ----------
    classes : sequence, optional
        The two labels that `y_true` then holds, strings or numbers, the negative first,
        as ``model.classes_``.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` holds -1 and +1, or booleans (False is -1); `y_pred` are
    decision values of the same shape, float32 or float64. Gradient
    -2 y_true max(0, 1 - m) for m >= -1, else -4 y_true; Hessian 2 for -1 <= m < 1, else
    0.

    Raises
    ------
    ValueError, TypeError
        For labels, shapes, dtypes or parameters that do not fit.

    References
    ----------
    T. Zhang, Solving large scale linear prediction problems using stochastic gradient
    descent algorithms, ICML 2004.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.modified_huber([1, -1], [0.5, 2.0])
    4.125
    >>> fl.modified_huber.grad([1, -1], [0.5, 2.0], reduction="sum")
    array([-1.,  4.])
    """

    name: ClassVar[str] = "modified_huber"
    aliases: ClassVar[Names] = {"sklearn:modified_huber": {}}
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear (no sigmoid)",
        strengths="a wide margin and a continuous gradient that is bounded",
        weaknesses="probabilities only clipped: (m + 1)/2",
        when="a margin is wanted and some labels are wrong",
    )


modified_huber = ModifiedHuber()
