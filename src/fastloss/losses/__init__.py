"""The losses: their parameters, names and documentation. The formulas are in C."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from fastloss.core import checks
from fastloss.core.job import Arrays, Work
from fastloss.core.kinds import (
    Advice,
    DenseRowwise,
    Elementwise,
    Registered,
    SparseRowwise,
)
from fastloss.core.registry import NUMBERS

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Hinge",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "bce",
    "binary_crossentropy",
    "categorical_crossentropy",
    "cce",
    "hinge",
    "huber",
    "log_cosh",
    "mae",
    "mean_absolute_error",
    "mean_squared_error",
    "mse",
    "scce",
    "sparse_categorical_crossentropy",
    "squared_hinge",
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
    aliases: ClassVar[tuple[str, ...]] = ("mse", "l2", "mse_loss", "MSELoss")
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
    aliases: ClassVar[tuple[str, ...]] = ("mae", "l1", "l1_loss", "L1Loss")
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="outliers count linearly, estimates the median",
        weaknesses="the gradient does not shrink near the optimum",
        when="noise has heavy tails and the median is wanted",
    )


mean_absolute_error = mae = MeanAbsoluteError()


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
    aliases: ClassVar[tuple[str, ...]] = ("huber_loss", "HuberLoss")
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="smooth near the optimum, outliers count linearly",
        weaknesses="delta must fit the scale of the noise",
        when="there are outliers; delta about 1.35 standard deviations of the noise",
    )

    delta: float = 1.0

    def _validate(self) -> None:
        delta = checks.number("delta", self.delta, 0, math.inf, open_low=True)
        self._set("delta", delta)


huber = Huber()


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
    aliases: ClassVar[tuple[str, ...]] = ("logcosh",)
    advice: ClassVar[Advice] = Advice(
        task="regression",
        labels="real numbers",
        activation="linear",
        strengths="like Huber, but smooth in all derivatives",
        weaknesses="its width is 1: scale the labels",
        when="there are outliers and a second-order method wants a positive Hessian",
    )


log_cosh = LogCosh()


class Hinge(Elementwise):
    """Hinge loss, l = max(0, 1 - y_true y_pred).

    Parameters
    ----------
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
    aliases: ClassVar[tuple[str, ...]] = ("hinge_loss", "HingeLoss")
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear (no sigmoid)",
        strengths="a wide margin, ignores what is safely right",
        weaknesses="no probabilities, not smooth",
        when="a maximum-margin decision is wanted, as in a support vector machine",
    )


hinge = Hinge()


class SquaredHinge(Elementwise):
    """Squared hinge loss, l = max(0, 1 - y_true y_pred)^2.

    Parameters
    ----------
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
    aliases: ClassVar[tuple[str, ...]] = ("squared_hinge_loss",)
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear (no sigmoid)",
        strengths="a wide margin and a continuous gradient",
        weaknesses="no probabilities, mislabelled samples weigh quadratically",
        when="a margin is wanted from a gradient method",
    )


squared_hinge = SquaredHinge()


class _Crossentropy(Registered):
    """What the cross-entropies have in common: probabilities or logits."""

    kernels: ClassVar[tuple[str, str]]  # of probabilities, of logits
    logits_aliases: ClassVar[tuple[str, ...]]

    from_logits: bool = False
    eps: float | None = None

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return self.kernels[self.from_logits]

    @classmethod
    def _names(cls) -> dict[str, dict[str, Any]]:
        logits = {alias: {"from_logits": True} for alias in cls.logits_aliases}
        return super()._names() | logits

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("from_logits", self.from_logits)
        if self.eps is not None:
            self._set("eps", checks.number("eps", self.eps, 0, 0.5, open_low=False))


class BinaryCrossentropy(_Crossentropy, Elementwise):
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
    aliases: ClassVar[tuple[str, ...]] = ("bce", "binary_cross_entropy", "BCELoss")
    logits_aliases: ClassVar[tuple[str, ...]] = (
        "bce_with_logits",
        "binary_cross_entropy_with_logits",
        "BCEWithLogitsLoss",
        "binary_crossentropy_logits",
    )
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


class CategoricalCrossentropy(_Crossentropy, DenseRowwise):
    """Cross-entropy of one-hot or soft labels with rows of probabilities or logits.

    With q_c = w_c (y_c (1 - label_smoothing) + label_smoothing/C) for C classes and
    p = y_pred, or p = softmax(y_pred) with ``from_logits=True``: l = -sum q_c log(p_c).

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    label_smoothing : float
        In [0, 1): moves labels towards 1/C.
    class_weight : sequence of float or mapping, optional
        w_c, one per class, or a mapping from classes to weights (others weigh 1), as a
        pandas Series is one from its index.
        "mean" then divides by the sum of w_c y_c over samples and classes.
    label_sum : {"one", "any"}
        "one" refuses a row of labels whose sum is off 1 by more than 1e-3, which labels
        rounded to float16 are not, unless its sample weighs 0; "any" takes every sum.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` and `y_pred` have one shape (..., C), float32 or float64; labels
    are in [0, 1] and sum to 1; rows of probabilities are used as they are. Gradient and
    diagonal of the Hessian, with s = sum q_c: s p_c - q_c and s p_c (1 - p_c) for
    logits, -q_c/p_c and q_c/p_c^2 for probabilities. A label of 0 at a logit of -inf
    counts 0.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], for rows of labels that do not sum
        to 1, and for shapes, dtypes or parameters that do not fit.

    References
    ----------
    J. S. Bridle, Probabilistic interpretation of feedforward classification network
    outputs, with relationships to statistical pattern recognition, 1990.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cce([1, 0, 0], [0.7, 0.2, 0.1])
    0.35667494393873245
    >>> fl.cce.grad([[0, 1]], [[0.0, 0.0]], from_logits=True)
    array([[ 0.5, -0.5]])
    """

    name: ClassVar[str] = "categorical_crossentropy"
    kernels: ClassVar[tuple[str, str]] = (
        "categorical_crossentropy",
        "categorical_crossentropy_logits",
    )
    aliases: ClassVar[tuple[str, ...]] = (
        "cce",
        "categorical_cross_entropy",
    )
    logits_aliases: ClassVar[tuple[str, ...]] = (
        "softmax_cross_entropy",
        "categorical_crossentropy_logits",
    )
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="one-hot or soft rows that sum to 1",
        activation="none with from_logits=True, else softmax",
        strengths="proper; takes soft labels, as in distillation",
        weaknesses="one-hot labels take as much memory as the predictions",
        when="labels are rows of probabilities; use logits",
    )


categorical_crossentropy = cce = CategoricalCrossentropy()


class SparseCategoricalCrossentropy(_Crossentropy, SparseRowwise):
    """Cross-entropy of integer classes with rows of probabilities or logits.

    With the class y and p = y_pred, or p = softmax(y_pred) with ``from_logits=True``:
    l = -log(p_y). Smoothing and class weights act as on one-hot labels
    (`CategoricalCrossentropy`) and give the same numbers.

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    ignore_class : int, optional
        Rows with this label, which need not be a class, count nothing: loss and
        gradient 0, not part of the divisor.
    label_smoothing : float
        In [0, 1): moves labels towards 1/C.
    class_weight : sequence of float or mapping, optional
        One weight per class, or a mapping from classes to weights (others weigh 1), as
        a pandas Series is one from its index.
        "mean" then divides by the sum of the weights of the labels.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` has shape
    (..., C), float32 or float64. With e the one-hot row of y: gradient and diagonal of
    the Hessian are p - e and p (1 - p) for logits, -e/p and e/p^2 for probabilities, of
    which those of the labels alone are read and checked.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, probabilities outside [0, 1], and for shapes,
        dtypes or parameters that do not fit.

    References
    ----------
    J. S. Bridle, Probabilistic interpretation of feedforward classification network
    outputs, with relationships to statistical pattern recognition, 1990.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.scce([1, 0], [[0.5, 0.5], [0.25, 0.75]])
    1.0397207708399179
    >>> fl.scce([1, -100], [[0.5, 0.5], [0.25, 0.75]], ignore_class=-100)
    0.6931471805599453
    >>> fl.scce.grad([1], [[0.0, 0.0]], from_logits=True)
    array([[ 0.5, -0.5]])
    """

    name: ClassVar[str] = "sparse_categorical_crossentropy"
    kernels: ClassVar[tuple[str, str]] = (
        "sparse_categorical_crossentropy",
        "sparse_categorical_crossentropy_logits",
    )
    aliases: ClassVar[tuple[str, ...]] = ("scce", "nll", "sparse_crossentropy")
    logits_aliases: ClassVar[tuple[str, ...]] = (
        "cross_entropy",
        "CrossEntropyLoss",
        "sparse_categorical_crossentropy_logits",
        "softmax_cross_entropy_with_integer_labels",
    )
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="none with from_logits=True, else softmax",
        strengths="proper; labels take no memory; rows can be ignored",
        weaknesses="no soft labels",
        when="every sample has one class; use logits",
    )

    def _work(self, outputs: int, arrays: Arrays) -> Work:
        # The sparse kernels know no smoothing; the dense ones read classes, too.
        if self.label_smoothing:
            return Work(NUMBERS[CategoricalCrossentropy.kernels[self.from_logits]])
        return super()._work(outputs, arrays)


sparse_categorical_crossentropy = scce = SparseCategoricalCrossentropy()


LOSSES: dict[str, Registered] = {
    loss.name: loss for loss in globals().values() if isinstance(loss, Registered)
}
