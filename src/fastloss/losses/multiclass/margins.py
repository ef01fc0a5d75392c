"""Right classes against wrong ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import ClassWeights, Out
from fastloss.core.kinds import (
    Advice,
    Distributions,
    Names,
    PairedRowwise,
    SparseRowwise,
)
from fastloss.core.labels import ClassNames

__all__ = [
    "ZLPR",
    "CategoricalHinge",
    "CrammerSinger",
    "MultiMargin",
    "MultilabelMargin",
    "categorical_hinge",
    "crammer_singer",
    "multi_margin",
    "multilabel_margin",
    "zlpr",
]


class CrammerSinger(SparseRowwise):
    """Multiclass hinge loss of Crammer and Singer.

    With the class y and class weights w::

        l = w_y k if class_weight else k
        k = max(0, 1 + max_(j != y) x_j - x_y)
        x = y_pred

    Parameters
    ----------
    ignore_class : int, optional
        Rows with this label, which need not be a class, count nothing: loss and
        gradient 0, not part of the divisor.
    class_weight : sequence of float or mapping, optional
        One weight per class, or a mapping from classes to weights (others weigh 1).
        "mean" then divides by the sum of the weights of the labels.
    classes : sequence, optional
        The labels in the order of the columns of `y_pred`, as ``model.classes_``:
        `y_true` then holds these, strings or numbers, and so do `ignore_class` and the
        keys of `class_weight`.
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
            classes: ClassNames = ...,
            class_weight: ClassWeights = ...,
            ignore_class: int | None = ...,
        ) -> Any:
            """Value of the loss."""


crammer_singer = CrammerSinger()


class MultiMargin(SparseRowwise):
    """Margins between the class and every other one.

    With the class y, class weights w and C classes::

        l = w_y k if class_weight else k
        k = 1/C sum_(j != y) max(0, margin - x_y + x_j)^p
        x = y_pred

    Parameters
    ----------
    margin : float
        By how much the class should lead.
    p : {1, 2}
        Power of what is missing.
    ignore_class : int, optional
        Rows with this label, which need not be a class, count nothing: loss and
        gradient 0, not part of the divisor.
    class_weight : sequence of float or mapping, optional
        One weight per class, or a mapping from classes to weights (others weigh 1).
        "mean" then divides by the sum of the weights of the labels.
    classes : sequence, optional
        The labels in the order of the columns of `y_pred`, as ``model.classes_``:
        `y_true` then holds these, strings or numbers, and so do `ignore_class` and the
        keys of `class_weight`.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` decision values
    of shape (..., C), float32 or float64. Gradient p max(0, z_j)^(p-1)/C, for p = 1
    only where z_j > 0, and at y minus the sum of the others; diagonal of the Hessian
    2/C where z_j > 0 for p = 2, and their sum at y, else 0.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, and for shapes, dtypes or parameters that do
        not fit.

    References
    ----------
    J. Weston and C. Watkins, Support vector machines for multi-class pattern
    recognition, European Symposium on Artificial Neural Networks, 1999.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.multi_margin([0], [[1.0, 0.5, 0.5, -1.0]])
    0.25
    >>> fl.multi_margin.grad([0], [[1.0, 0.5, 0.5, -1.0]])
    array([[-0.5 ,  0.25,  0.25,  0.  ]])
    """

    name: ClassVar[str] = "multi_margin"
    aliases: ClassVar[Names] = {
        "torch:multi_margin_loss": {},
        "torch:MultiMarginLoss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="linear (no softmax)",
        strengths="every wrong class is pushed back",
        weaknesses="no probabilities; few wrong classes count little among many",
        when="a margin to all wrong classes is wanted",
    )

    margin: float = 1.0
    p: float = 1.0

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
            class_weight: ClassWeights = ...,
            ignore_class: int | None = ...,
            margin: float = ...,
            p: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        low, high = -math.inf, math.inf
        self._set(
            "margin", checks.number("margin", self.margin, low, high, open_low=True)
        )
        p = checks.number("p", self.p, 0, math.inf, open_low=True)
        if p not in (1, 2):
            raise ValueError(f"p = {self.p!r} is neither 1 nor 2")
        self._set("p", p)


multi_margin = MultiMargin()


class MultilabelMargin(PairedRowwise):
    """Margins between every right class and every wrong one.

    With the right classes R, whose label is 1, the wrong ones W, and C in all::

        l = 1/C sum_(i in R) sum_(j in W) max(0, 1 - x_i + x_j)
        x = y_pred

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds 1 at the right classes and 0 at the others, or booleans,
    and `y_pred` decision values, both of shape (..., C), float32 or float64. PyTorch
    takes a list of the right classes that ends with -1. Gradient: for a wrong class how
    many right ones do not lead it by 1, for a right one minus how many wrong ones it
    does not lead, over C; a lead of just 1 counts. Hessian 0.

    Raises
    ------
    ValueError, TypeError
        For labels that are neither 0 nor 1, and for shapes, dtypes or parameters that
        do not fit.

    References
    ----------
    K. Crammer and Y. Singer, A family of additive online algorithms for category
    ranking, Journal of Machine Learning Research 3, 2003.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.multilabel_margin([1, 0, 0, 1], [1.0, 0.5, -1.0, 0.0])
    0.5
    >>> fl.multilabel_margin.grad([1, 0, 0, 1], [1.0, 0.5, -1.0, 0.0])
    array([-0.25,  0.5 ,  0.  , -0.25])
    """

    name: ClassVar[str] = "multilabel_margin"
    advice: ClassVar[Advice] = Advice(
        task="multilabel classification",
        labels="0 and 1, or booleans, a row of them",
        activation="linear (no sigmoid)",
        strengths="right classes lead wrong ones",
        weaknesses="costs right times wrong classes",
        when="the right classes of a sample are to come first",
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
        ) -> Any:
            """Value of the loss."""


multilabel_margin = MultilabelMargin()


class CategoricalHinge(Distributions):
    """Hinge loss of rows of labels.

    ::

        l = max(0, 1 + max_c (1 - q_c) x_c - sum_c q_c x_c)
        q = y_true
        x = y_pred

    Of one-hot labels the largest of the other decision values counts as at least 0, the
    product at the class; `crammer_singer` is without that.

    Parameters
    ----------
    label_sum : {"one", "any"}
        "one" refuses a row of labels whose sum is off 1 by more than 1e-3, unless its
        sample weighs 0; "any" takes every sum.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` and `y_pred` have one shape (..., C), float32 or float64.
    Gradient where l > 0: -q, and 1 - q more at the maximum, the first of equal ones;
    else 0, also at the kink. Hessian 0.

    Raises
    ------
    ValueError, TypeError
        For labels outside [0, 1], for rows of labels that do not sum
        to 1, and for shapes, dtypes or parameters that do not fit.

    References
    ----------
    K. Crammer and Y. Singer, On the algorithmic implementation of multiclass
    kernel-based vector machines, Journal of Machine Learning Research 2, 2001, of which
    this is the form that Keras has.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.categorical_hinge([0, 1, 0], [0.5, 1.0, -2.0])
    0.5
    >>> fl.categorical_hinge.grad([0, 1, 0], [0.5, 1.0, -2.0])
    array([ 1., -1.,  0.])
    """

    name: ClassVar[str] = "categorical_hinge"
    aliases: ClassVar[Names] = {
        "keras:CategoricalHinge": {"reduction": "sum_over_batch_size"},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="one-hot or soft rows that sum to 1",
        activation="linear (no softmax)",
        strengths="a margin, with labels as rows",
        weaknesses="no probabilities, not smooth; not shift-invariant",
        when="Keras's loss of that name is wanted; else crammer_singer",
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
            label_sum: str = ...,
        ) -> Any:
            """Value of the loss."""


categorical_hinge = CategoricalHinge()


class ZLPR(PairedRowwise):
    """Multilabel cross-entropy that ranks right classes above 0 and wrong ones below.

    With the right classes R, whose label is 1, and the wrong ones W::

        l = log(1 + sum_(j in W) exp(x_j)) + log(1 + sum_(i in R) exp(-x_i))
        x = y_pred

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds 1 at the right classes and 0 at the others, or booleans,
    and `y_pred` logits, both of shape (..., C), float32 or float64. Each logarithm is
    that of a softmax with one more logit, 0: with its shares p the gradient is p of
    wrong and -p of right classes, the diagonal of the Hessian p (1 - p). A class is
    predicted where its logit is above 0.

    Raises
    ------
    ValueError, TypeError
        For labels that are neither 0 nor 1, and for shapes, dtypes or parameters that
        do not fit.

    References
    ----------
    J. Su, M. Zhu, A. Murtadha, S. Pan, B. Wen and Y. Liu, ZLPR: a novel loss for
    multi-label classification, 2022.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.zlpr([1, 0], [0.0, 0.0])
    1.3862943611198906
    >>> fl.zlpr.grad([1, 0, 0], [0.0, 0.0, 0.0])
    array([-0.5       ,  0.33333333,  0.33333333])
    """

    name: ClassVar[str] = "zlpr"
    advice: ClassVar[Advice] = Advice(
        task="multilabel classification",
        labels="0 and 1, or booleans, a row of them",
        activation="none: logits",
        strengths="no weights for few right classes among many",
        weaknesses="no probabilities of single classes",
        when="a few of many classes are right",
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
        ) -> Any:
            """Value of the loss."""


zlpr = ZLPR()
