"""Cross-entropies and what was made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import ClassWeights, Out
from fastloss.core.kinds import (
    Advice,
    CappedRowwise,
    DenseRowwise,
    Names,
    SmoothedRowwise,
    SparseRowwise,
)
from fastloss.core.labels import ClassNames
from fastloss.losses._probabilities import ProbabilitiesOrLogits

__all__ = [
    "GCE",
    "NLL",
    "CategoricalCrossentropy",
    "CategoricalFocal",
    "CategoricalPoly1",
    "SparseCategoricalCrossentropy",
    "SymmetricCE",
    "categorical_crossentropy",
    "categorical_focal",
    "categorical_poly1",
    "cce",
    "gce",
    "nll",
    "scce",
    "sparse_categorical_crossentropy",
    "symmetric_ce",
]


class _OfSoftmax(ProbabilitiesOrLogits, CappedRowwise):
    """Labels may cost a multiple of lse^2 more, and calls say what rows are like."""

    _further: ClassVar[tuple[str, ...]] = ("return_row",)

    z_loss: float = 0.0

    def _validate(self) -> None:
        super()._validate()
        given = checks.number("z_loss", self.z_loss, 0, math.inf, open_low=False)
        self._set("z_loss", given)
        if given:
            self._asks_for_logits("z_loss", "is of logits")

    def _with(self, parameters: dict[str, Any]) -> Any:
        if "return_row" not in parameters:
            return super()._with(parameters)
        from fastloss.losses.multiclass._statistics import Beside

        rest = {k: v for k, v in parameters.items() if k != "return_row"}
        loss, names = super()._with(rest), parameters["return_row"]
        return loss if names is None else Beside(loss, names)


class CategoricalCrossentropy(_OfSoftmax, DenseRowwise, SmoothedRowwise):
    """Cross-entropy of one-hot or soft labels with rows of probabilities or logits.

    For C classes, labels y and class weights w::

        l = k + z_loss s lse^2 if z_loss else k
        k = -sum_c q_c log p_c
        s = sum_c q_c
        lse = log sum_c exp z_c
        q_c = w_c t_c if class_weight else t_c
        t_c = (1 - label_smoothing) y_c + label_smoothing/C if label_smoothing else y_c
        p = softmax(z) if from_logits else clip(y_pred, eps, 1 - eps)
        z = softcap tanh(y_pred/softcap)/temperature if softcap else y_pred/temperature

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    temperature : float
        Logits are divided by it; above 0. Quotients, and logits that are capped, are
        rounded to the dtype before they are used.
    softcap : float, optional
        Logits x become softcap tanh(x/softcap), before the temperature.
    z_loss : float
        0 or more: each label costs z_loss lse^2 more, which keeps logits from
        drifting; of logits, as capped and divided by the temperature. 1e-4 is usual.
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

    With z_loss and b = 2 z_loss lse these are s (1 + b) p_c - q_c and s ((1 + b) p_c (1
    - p_c) + 2 z_loss p_c^2). The term is part of what a label costs: label smoothing
    leaves it alone, class and sample weights weigh it as the rest.

    Of logits a call, `grad`, `value_and_grad` and `grad_and_hess` take return_row=, a
    tuple of "lse", "argmax" and "entropy", and return one more result, a dict with an
    array for each: log sum exp and the entropy of the softmax of every row, in the
    dtype of `y_pred`, and where its largest logit is: int64, the first of equals or the
    first NaN. They are of the logits that the softmax sees. Labels, also ignored ones,
    and weights have no part in them. "argmax" is NumPy's, the others take a pass each.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], for rows of labels that do not sum
        to 1, and for shapes, dtypes or parameters that do not fit.

    References
    ----------
    J. S. Bridle, Probabilistic interpretation of feedforward classification network
    outputs, with relationships to statistical pattern recognition, 1990.

    A. Chowdhery et al., PaLM: scaling language modeling with pathways, 2022, and B.
    Zoph et al., ST-MoE: designing stable and transferable sparse expert models, 2022,
    for z_loss.

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
            temperature: float = ...,
            softcap: float | None = ...,
            z_loss: float = ...,
            return_row: Sequence[str] | None = ...,
        ) -> Any:
            """Value of the loss."""


categorical_crossentropy = cce = CategoricalCrossentropy()


class SparseCategoricalCrossentropy(_OfSoftmax, SparseRowwise, SmoothedRowwise):
    """Cross-entropy of integer classes with rows of probabilities or logits.

    For C classes, the class y and class weights w::

        l = k + z_loss s lse^2 if z_loss else k
        k = -sum_c q_c log p_c if label_smoothing else u
        u = -w_y log p_y if class_weight else -log p_y
        s = sum_c q_c if label_smoothing else w_y if class_weight else 1
        lse = log sum_c exp z_c
        q_c = w_c t_c if class_weight else t_c
        t_c = (1 - label_smoothing) e_c + label_smoothing/C
        e = one_hot(y)
        p = softmax(z) if from_logits else clip(y_pred, eps, 1 - eps)
        z = softcap tanh(y_pred/softcap)/temperature if softcap else y_pred/temperature

    Smoothing and class weights act as on one-hot labels (`CategoricalCrossentropy`) and
    give the same numbers.

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    temperature : float
        Logits are divided by it; above 0. Quotients, and logits that are capped, are
        rounded to the dtype before they are used.
    softcap : float, optional
        Logits x become softcap tanh(x/softcap), before the temperature.
    z_loss : float
        0 or more: each label costs z_loss lse^2 more, which keeps logits from
        drifting; of logits, as capped and divided by the temperature. 1e-4 is usual.
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
    classes : sequence, optional
        The labels in the order of the columns of `y_pred`, as ``model.classes_``:
        `y_true` then holds these, strings or numbers, and so do `ignore_class` and the
        keys of `class_weight`.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` has shape
    (..., C), float32 or float64. With e the one-hot row of y: gradient and diagonal of
    the Hessian are p - e and p (1 - p) for logits, -e/p and e/p^2 for probabilities, of
    which those of the labels alone are read and checked. With z_loss and b = 2 z_loss
    lse they are (1 + b) p - e and (1 + b) p (1 - p) + 2 z_loss p^2; the term is part of
    what a row costs, weighed as the rest and 0 where it is ignored.

    Of logits a call, `grad`, `value_and_grad` and `grad_and_hess` take return_row=, a
    tuple of "lse", "argmax" and "entropy", and return one more result, a dict with an
    array for each: log sum exp and the entropy of the softmax of every row, in the
    dtype of `y_pred`, and where its largest logit is: int64, the first of equals or the
    first NaN. They are of the logits that the softmax sees. Labels, also ignored ones,
    and weights have no part in them. "argmax" is NumPy's, the others take a pass each.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, probabilities outside [0, 1], and for shapes,
        dtypes or parameters that do not fit.

    References
    ----------
    J. S. Bridle, Probabilistic interpretation of feedforward classification network
    outputs, with relationships to statistical pattern recognition, 1990.

    A. Chowdhery et al., PaLM: scaling language modeling with pathways, 2022, and B.
    Zoph et al., ST-MoE: designing stable and transferable sparse expert models, 2022,
    for z_loss.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.scce([1, 0], [[0.5, 0.5], [0.25, 0.75]])
    1.0397207708399179
    >>> fl.scce([1, -100], [[0.5, 0.5], [0.25, 0.75]], ignore_class=-100)
    0.6931471805599453
    >>> fl.scce.grad([1], [[0.0, 0.0]], from_logits=True)
    array([[ 0.5, -0.5]])
    >>> fl.scce.grad([1], [[9.0, 9.0]], from_logits=True, z_loss=0.01).round(4)
    array([[ 0.5969, -0.4031]])
    >>> loss, row = fl.scce([1], [[1.0, 3.0]], from_logits=True, return_row=("argmax",))
    >>> row["argmax"]
    array([1])
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
        "xgboost:multi:softmax": {"from_logits": True},
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
            classes: ClassNames = ...,
            label_smoothing: float = ...,
            class_weight: ClassWeights = ...,
            ignore_class: int | None = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
            temperature: float = ...,
            softcap: float | None = ...,
            z_loss: float = ...,
            return_row: Sequence[str] | None = ...,
        ) -> Any:
            """Value of the loss."""


sparse_categorical_crossentropy = scce = SparseCategoricalCrossentropy()


class CategoricalFocal(ProbabilitiesOrLogits, SparseRowwise):
    """Focal loss of integer classes with rows of probabilities or logits.

    With the class y and class weights w::

        l = -w_y (1 - p_y)^gamma log p_y if class_weight else -(1 - p_y)^gamma log p_y
        p = softmax(y_pred) if from_logits else clip(y_pred, eps, 1 - eps)

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
    classes : sequence, optional
        The labels in the order of the columns of `y_pred`, as ``model.classes_``:
        `y_true` then holds these, strings or numbers, and so do `ignore_class` and the
        keys of `class_weight`.
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
            classes: ClassNames = ...,
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


class NLL(SparseRowwise):
    """Negative log-likelihood of integer classes and rows of log-probabilities.

    With the class y and class weights w::

        l = -w_y x_y if class_weight else -x_y
        x = y_pred

    The rows need not be normalised; of logits, whose log-softmax this is often given,
    use `sparse_categorical_crossentropy`.

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
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` has shape
    (..., C), float32 or float64. Gradient -1 at y, else 0; Hessian 0.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, and for shapes, dtypes or parameters that do
        not fit.

    References
    ----------
    R. A. Fisher, On the mathematical foundations of theoretical statistics,
    Philosophical Transactions of the Royal Society A 222, 1922.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.nll([1, 0], [[-1.5, -0.25], [-0.5, -1.0]])
    0.375
    >>> fl.nll.grad([1], [[-1.5, -0.25]])
    array([[ 0., -1.]])
    """

    name: ClassVar[str] = "nll"
    aliases: ClassVar[Names] = {
        "torch:nll_loss": {"ignore_class": -100},
        "torch:NLLLoss": {"ignore_class": -100},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="log-softmax",
        strengths="no logarithm, where a model gives log-probabilities already",
        weaknesses="gradients of a log-softmax are left to its own",
        when="predictions are log-probabilities; use cross-entropy of logits elsewhere",
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

    @property
    def _takes_logarithms(self) -> bool:
        return True


nll = NLL()


class GCE(ProbabilitiesOrLogits, SparseRowwise):
    """Generalised cross-entropy of classes with rows of probabilities or logits.

    With the class y and class weights w::

        l = w_y (1 - p_y^q)/q if class_weight else (1 - p_y^q)/q
        p = softmax(y_pred) if from_logits else clip(y_pred, eps, 1 - eps)

    That is 1 - p_y for q = 1 and nears cross-entropy for q towards 0.

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    q : float
        In (0, 1]: the larger, the less do rows count that contradict their labels.
    ignore_class : int, optional
        Rows with this label, which need not be a class, count nothing: loss and
        gradient 0, not part of the divisor.
    class_weight : sequence of float or mapping, optional
        One weight per class, or a mapping from classes to weights (others weigh 1).
        "mean" then divides by the sum of the weights of the labels.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    classes : sequence, optional
        The labels in the order of the columns of `y_pred`, as ``model.classes_``:
        `y_true` then holds these, strings or numbers, and so do `ignore_class` and the
        keys of `class_weight`.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` has shape
    (..., C), float32 or float64. With e the one-hot row of y: gradient and diagonal of
    the Hessian are a (p - e) and a p (1 - p) - q a (p - e)^2 with a = p_y^q for logits,
    -p_y^(q-1) and (1 - q) p_y^(q-2) at y for probabilities.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, probabilities outside [0, 1], and for shapes,
        dtypes or parameters that do not fit.

    References
    ----------
    Z. Zhang and M. R. Sabuncu, Generalized cross entropy loss for training deep neural
    networks with noisy labels, 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gce([1, 0], [[0.5, 0.5], [0.25, 0.75]], q=0.5)
    0.7928932188134525
    >>> fl.gce.grad([1], [[0.0, 0.0]], from_logits=True, q=1.0)
    array([[ 0.25, -0.25]])
    """

    name: ClassVar[str] = "gce"
    kernels: ClassVar[tuple[str, str]] = ("gce", "gce_logits")
    aliases: ClassVar[Names] = {
        "gce_logits": {"from_logits": True},
        "generalized_cross_entropy": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="none with from_logits=True, else softmax",
        strengths="a part of the labels may be wrong",
        weaknesses="trains slowly at first, as unsure rows count little",
        when="labels are noisy",
    )

    q: float = 0.7

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
            from_logits: bool = ...,
            eps: float | None = ...,
            q: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        q = checks.number("q", self.q, 0, math.nextafter(1, 2), open_low=True)
        self._set("q", q)


gce = GCE()


class SymmetricCE(ProbabilitiesOrLogits, SparseRowwise):
    """Symmetric cross-entropy of integer classes with rows of probabilities or logits.

    Cross-entropy and the reverse one, in which log(0) is `log_zero`. With the class y
    and class weights w::

        l = w_y k if class_weight else k
        k = -alpha log p_y - beta log_zero (1 - p_y)
        p = softmax(y_pred) if from_logits else clip(y_pred, eps, 1 - eps)

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    alpha : float
        Weight of cross-entropy; 0 or more.
    beta : float
        Weight of the reverse one; 0 or more.
    log_zero : float
        What stands for log(0); below 0.
    ignore_class : int, optional
        Rows with this label, which need not be a class, count nothing: loss and
        gradient 0, not part of the divisor.
    class_weight : sequence of float or mapping, optional
        One weight per class, or a mapping from classes to weights (others weigh 1).
        "mean" then divides by the sum of the weights of the labels.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    classes : sequence, optional
        The labels in the order of the columns of `y_pred`, as ``model.classes_``:
        `y_true` then holds these, strings or numbers, and so do `ignore_class` and the
        keys of `class_weight`.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` has shape
    (..., C), float32 or float64. With e the one-hot row of y, b = -beta log_zero and
    a = alpha + b p_y: gradient and diagonal of the Hessian are a (p - e) and
    a p (1 - p) - b p_y (p - e)^2 for logits, -alpha/p_y - b and alpha/p_y^2 at y for
    probabilities. The authors clip p in the first term and not in the second.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, probabilities outside [0, 1], and for shapes,
        dtypes or parameters that do not fit.

    References
    ----------
    Y. Wang, X. Ma, Z. Chen, Y. Luo, J. Yi and J. Bailey, Symmetric cross entropy for
    robust learning with noisy labels, 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.symmetric_ce([1], [[0.5, 0.5]], alpha=0.0)
    2.0
    >>> fl.symmetric_ce.grad([1], [[0.0, 0.0]], from_logits=True)
    array([[ 1.5, -1.5]])
    """

    name: ClassVar[str] = "symmetric_ce"
    kernels: ClassVar[tuple[str, str]] = ("symmetric_ce", "symmetric_ce_logits")
    aliases: ClassVar[Names] = {
        "symmetric_ce_logits": {"from_logits": True},
        "symmetric_cross_entropy": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="none with from_logits=True, else softmax",
        strengths="learns from every row, and less from wrong labels",
        weaknesses="two weights to choose",
        when="labels are noisy",
    )

    alpha: float = 1.0
    beta: float = 1.0
    log_zero: float = -4.0

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
            from_logits: bool = ...,
            eps: float | None = ...,
            alpha: float = ...,
            beta: float = ...,
            log_zero: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        for name in ("alpha", "beta"):
            given = getattr(self, name)
            self._set(name, checks.number(name, given, 0, math.inf, open_low=False))
        low = checks.number("log_zero", self.log_zero, -math.inf, 0, open_low=True)
        self._set("log_zero", low)


symmetric_ce = SymmetricCE()


class CategoricalPoly1(ProbabilitiesOrLogits, SparseRowwise):
    """Poly-1 loss of integer classes with rows of probabilities or logits.

    With the class y and class weights w::

        l = w_y k if class_weight else k
        k = -log p_y + epsilon (1 - p_y)
        p = softmax(y_pred) if from_logits else clip(y_pred, eps, 1 - eps)

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    epsilon : float
        Weight of the first term of the series of -log(p_y) in 1 - p_y, beside the 1
        that it has; -1 takes it away.
    ignore_class : int, optional
        Rows with this label, which need not be a class, count nothing: loss and
        gradient 0, not part of the divisor.
    class_weight : sequence of float or mapping, optional
        One weight per class, or a mapping from classes to weights (others weigh 1).
        "mean" then divides by the sum of the weights of the labels.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    classes : sequence, optional
        The labels in the order of the columns of `y_pred`, as ``model.classes_``:
        `y_true` then holds these, strings or numbers, and so do `ignore_class` and the
        keys of `class_weight`.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` holds integers of shape (...) in [0, C), `y_pred` has shape (...,
    C), float32 or float64. With e the one-hot row of y and a = 1 + epsilon p_y:
    gradient and diagonal of the Hessian are a (p - e) and a p (1 - p) - epsilon p_y (p
    - e)^2 for logits, -1/p_y - epsilon and 1/p_y^2 at y for probabilities.

    Raises
    ------
    ValueError, TypeError
        For labels that are no classes, probabilities outside [0, 1], and for shapes,
        dtypes or parameters that do not fit.

    References
    ----------
    Z. Leng, M. Tan, C. Liu, E. D. Cubuk, X. Shi, S. Cheng and D. Anguelov, PolyLoss: a
    polynomial expansion perspective of classification loss functions, 2022.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.categorical_poly1([1], [[0.0, 1.0]], eps=0.0)
    0.0
    >>> fl.categorical_poly1.grad([1], [[0.0, 0.0]], from_logits=True)
    array([[ 0.75, -0.75]])
    """

    name: ClassVar[str] = "categorical_poly1"
    kernels: ClassVar[tuple[str, str]] = (
        "categorical_poly1",
        "categorical_poly1_logits",
    )
    aliases: ClassVar[Names] = {
        "categorical_poly1_logits": {"from_logits": True},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="integer classes",
        activation="none with from_logits=True, else softmax",
        strengths="one number adjusts how much sure rows count",
        weaknesses="one number to tune",
        when="cross-entropy is to be tuned by one number",
    )

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
            class_weight: ClassWeights = ...,
            ignore_class: int | None = ...,
            from_logits: bool = ...,
            eps: float | None = ...,
            epsilon: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        given = checks.number("epsilon", self.epsilon, -1, math.inf, open_low=False)
        self._set("epsilon", given)


categorical_poly1 = CategoricalPoly1()
