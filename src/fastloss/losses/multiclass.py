"""Losses of rows of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core.job import Arrays, Out, Work
from fastloss.core.kinds import Advice, DenseRowwise, SparseRowwise
from fastloss.core.registry import NUMBERS
from fastloss.losses._crossentropy import Crossentropy

__all__ = [
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
    "categorical_crossentropy",
    "cce",
    "scce",
    "sparse_categorical_crossentropy",
]


class CategoricalCrossentropy(Crossentropy, DenseRowwise):
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
            class_weight: Sequence[float] | Mapping[int, float] | None = ...,
            label_sum: str = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
        ) -> Any:
            """Value of the loss."""


categorical_crossentropy = cce = CategoricalCrossentropy()


class SparseCategoricalCrossentropy(Crossentropy, SparseRowwise):
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
            class_weight: Sequence[float] | Mapping[int, float] | None = ...,
            ignore_class: int | None = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
        ) -> Any:
            """Value of the loss."""

    def _work(self, outputs: int, arrays: Arrays) -> Work:
        # The sparse kernels know no smoothing; the dense ones read classes, too.
        if self.label_smoothing:
            return Work(NUMBERS[CategoricalCrossentropy.kernels[self.from_logits]])
        return super()._work(outputs, arrays)


sparse_categorical_crossentropy = scce = SparseCategoricalCrossentropy()
