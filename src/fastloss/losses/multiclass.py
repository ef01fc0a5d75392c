"""Losses of rows of classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import ClassWeights, Out
from fastloss.core.kinds import (
    Advice,
    DenseRowwise,
    Names,
    SmoothedRowwise,
    SparseRowwise,
)
from fastloss.losses._probabilities import ProbabilitiesOrLogits

__all__ = [
    "CategoricalCrossentropy",
    "CategoricalFocal",
    "CrammerSinger",
    "SparseCategoricalCrossentropy",
    "categorical_crossentropy",
    "categorical_focal",
    "cce",
    "crammer_singer",
    "scce",
    "sparse_categorical_crossentropy",
]


class CategoricalCrossentropy(ProbabilitiesOrLogits, DenseRowwise, SmoothedRowwise):
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
    aliases: ClassVar[Names] = {
        "cce": {},
        "categorical_cross_entropy": {},
        "categorical_crossentropy_logits": {"from_logits": True},
        "keras:CategoricalCrossentropy": {"reduction": "sum_over_batch_size"},
        "optax:softmax_cross_entropy": {"from_logits": True},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="one-hot or soft rows that sum to 1",
        activation="none with from_logits=True, else softmax",
        strengths="proper; takes soft labels, as in distillation",
        weaknesses="one-hot labels take as much memory as the predictions",
        when="labels are rows of probabilities; use logits",
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
            label_smoothing: float = ...,
            class_weight: ClassWeights = ...,
            label_sum: str = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
        ) -> Any:
            """Value of the loss."""


categorical_crossentropy = cce = CategoricalCrossentropy()


class SparseCategoricalCrossentropy(
    ProbabilitiesOrLogits, SparseRowwise, SmoothedRowwise
):
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
    aliases: ClassVar[Names] = {
        "scce": {},
        "sparse_crossentropy": {},
        "cross_entropy": {"from_logits": True},
        "sparse_categorical_crossentropy_logits": {"from_logits": True},
        "torch:cross_entropy": {"from_logits": True, "ignore_class": -100},
        "torch:CrossEntropyLoss": {"from_logits": True, "ignore_class": -100},
        "keras:SparseCategoricalCrossentropy": {"reduction": "sum_over_batch_size"},
        "optax:softmax_cross_entropy_with_integer_labels": {"from_logits": True},
        "sklearn:HalfMultinomialLoss": {"from_logits": True},
        "xgboost:multi:softprob": {"from_logits": True},
        "lightgbm:multiclass": {"from_logits": True},
        "catboost:MultiClass": {"from_logits": True},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="none with from_logits=True, else softmax",
        strengths="proper; labels take no memory; rows can be ignored",
        weaknesses="no soft labels",
        when="every sample has one class; use logits",
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
            label_smoothing: float = ...,
            class_weight: ClassWeights = ...,
            ignore_class: int | None = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
        ) -> Any:
            """Value of the loss."""


sparse_categorical_crossentropy = scce = SparseCategoricalCrossentropy()


class CategoricalFocal(ProbabilitiesOrLogits, SparseRowwise):
    """Focal loss of integer classes with rows of probabilities or logits.

    With the class y and p = y_pred, or p = softmax(y_pred) with ``from_logits=True``:
    l = -(1 - p_y)^gamma log(p_y).

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    gamma : float
        How little rows count that are right already; 0 or more, 0 is cross-entropy.
    ignore_class : int, optional
        Rows with this label, which need not be a class, count nothing: loss and
        gradient 0, not part of the divisor.
    class_weight : sequence of float or mapping, optional
        One weight per class, elsewhere called alpha, or a mapping from classes to
        weights (others weigh 1). "mean" then divides by the sum of the weights of the
        labels.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` has shape
    (..., C), float32 or float64. With L = -log(p_y), c = 1 - p_y and e the one-hot row
    of y, a = dl/dL = c^gamma + gamma p_y c^(gamma-1) L and b = da/dL: gradient and
    diagonal of the Hessian are a (p - e) and a p (1 - p) + b (p - e)^2 for logits,
    -a/p_y and (a + b)/p_y^2 at y for probabilities. The Hessian may be negative.
    There is no factor alpha: `class_weight` is it.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, probabilities outside [0, 1], and for shapes,
        dtypes or parameters that do not fit.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, Focal loss for dense object
    detection, 2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.categorical_focal([1, 0], [[0.5, 0.5], [0.25, 0.75]])
    0.4765386866349624
    >>> fl.categorical_focal.grad([1], [[0.0, 0.0]], from_logits=True)
    array([[ 0.2982868, -0.2982868]])
    """

    name: ClassVar[str] = "categorical_focal"
    kernels: ClassVar[tuple[str, str]] = (
        "categorical_focal",
        "categorical_focal_logits",
    )
    aliases: ClassVar[Names] = {"categorical_focal_logits": {"from_logits": True}}
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="none with from_logits=True, else softmax",
        strengths="rows that are right already count little",
        weaknesses="not proper: probabilities come out too close to the middle",
        when="a few classes are rare and most rows are easy",
    )

    gamma: float = 2.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            class_weight: ClassWeights = ...,
            ignore_class: int | None = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
            gamma: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        gamma = checks.number("gamma", self.gamma, 0, math.inf, open_low=False)
        self._set("gamma", gamma)


categorical_focal = CategoricalFocal()


class CrammerSinger(SparseRowwise):
    """Multiclass hinge loss, l = max(0, 1 + max over j != y of x_j - x_y).

    Parameters
    ----------
    ignore_class : int, optional
        Rows with this label, which need not be a class, count nothing: loss and
        gradient 0, not part of the divisor.
    class_weight : sequence of float or mapping, optional
        One weight per class, or a mapping from classes to weights (others weigh 1).
        "mean" then divides by the sum of the weights of the labels.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` decision values
    of shape (..., C), float32 or float64. Gradient 1 at the largest of the other
    entries, the first of equal ones, and -1 at y where l > 0, else 0, also at the kink;
    Hessian 0.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, and for shapes, dtypes or parameters that do
        not fit.

    References
    ----------
    K. Crammer and Y. Singer, On the algorithmic implementation of multiclass
    kernel-based vector machines, Journal of Machine Learning Research 2, 2001.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.crammer_singer([0, 2], [[2.0, 1.5, -1.0], [0.0, 1.0, 3.0]])
    0.25
    >>> fl.crammer_singer.grad([0], [[2.0, 1.5, -1.0]])
    array([[-1.,  1.,  0.]])
    """

    name: ClassVar[str] = "crammer_singer"
    aliases: ClassVar[Names] = {
        "multiclass_hinge": {},
        "optax:multiclass_hinge_loss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="linear (no softmax)",
        strengths="a wide margin to the nearest wrong class",
        weaknesses="no probabilities, not smooth",
        when="a maximum-margin decision between several classes is wanted",
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
            class_weight: ClassWeights = ...,
            ignore_class: int | None = ...,
        ) -> Any:
            """Value of the loss."""


crammer_singer = CrammerSinger()
