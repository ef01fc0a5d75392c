"""Distances of rows of predictions from rows of labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import (
    LABEL_FORMS,
    Array,
    Arrays,
    Finding,
    Out,
    Status,
    TargetOptions,
)
from fastloss.core.kinds import (
    Advice,
    Distributions,
    Names,
    PairedRowwise,
    TemperedRowwise,
)
from fastloss.losses._probabilities import FromLogits, ProbabilitiesOrLogits

__all__ = [
    "CategoricalBrier",
    "Cosine",
    "JSDivergence",
    "KLDivergence",
    "TotalVariation",
    "categorical_brier",
    "cosine",
    "js_divergence",
    "kl_divergence",
    "total_variation",
]


class KLDivergence(ProbabilitiesOrLogits, TemperedRowwise, Distributions):
    """Kullback-Leibler divergence of rows of labels q and rows of predictions p.

    Of logits the loss is multiplied by the square of the temperature::

        l = temperature^2 k if from_logits else k
        k = sum_c q_c log(q_c/p_c)
        q = exp(y_true) if log_target else y_true
        p = softmax(y_pred/temperature) if from_logits else u
        u = exp(y_pred) if log_input else clip(y_pred, eps, 1 - eps)

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    log_input : bool
        Whether `y_pred` holds log-probabilities, which need not be normalised: the
        gradient by them is -q. `from_logits` takes normalised ones, too, and has the
        gradient by logits.
    log_target : bool
        Whether `y_true` holds log-probabilities or, beside logits, logits: then
        q = softmax(y_true/T).
    temperature : float
        T, above 0, of logits; 1 leaves them as they are. Quotients are rounded to the
        dtype before they are used.
    label_sum : {"one", "any"}
        "one" refuses a row of labels whose sum is off 1 by more than 1e-3, unless its
        sample weighs 0; "any" takes every sum.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` and `y_pred` have one shape (..., C), float32 or float64.
    Gradient and diagonal of the Hessian, with s = sum q_c: T (s p_c - q_c) and s p_c (1
    - p_c) for logits, -q_c and 0 for log-probabilities, -q_c/p_c and q_c/p_c^2 for
    probabilities. 0 log(0) is 0, with derivatives 0.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], for rows of labels that do not sum
        to 1, and for shapes, dtypes or parameters that do not fit.

    References
    ----------
    S. Kullback and R. A. Leibler, On information and sufficiency, Annals of
    Mathematical Statistics 22, 1951; for T^2, G. Hinton, O. Vinyals and J. Dean,
    Distilling the knowledge in a neural network, 2015.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.kl_divergence([0.5, 0.5], [0.25, 0.75])
    0.14384103622589045
    >>> fl.kl_divergence([[1.0, 1.0]], [[0.0, 0.0]], from_logits=True, log_target=True)
    0.0
    >>> fl.kl_divergence.grad([0.0, 1.0], [-2.0, -0.5], log_input=True)
    array([ 0., -1.])
    """

    name: ClassVar[str] = "kl_divergence"
    kernels: ClassVar[tuple[str, str]] = ("kl_divergence", "kl_divergence_logits")
    aliases: ClassVar[Names] = {
        "kld": {},
        "kl_divergence_logits": {"from_logits": True},
        "keras:KLDivergence": {"reduction": "sum_over_batch_size", "eps": 1e-7},
        "optax:kl_divergence": {"log_input": True, "label_sum": "any"},
        "optax:kl_divergence_with_log_targets": {
            "log_input": True,
            "log_target": True,
            "label_sum": "any",
        },
    }
    advice: ClassVar[Advice] = Advice(
        task="distillation",
        labels="rows of probabilities, their logarithms, or logits",
        activation="none with from_logits=True, else softmax or log-softmax",
        strengths="0 where predictions equal the labels",
        weaknesses="the gradient is that of cross-entropy",
        when="predictions are to follow another model; use logits of both",
    )

    log_input: bool = False
    log_target: bool = False

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
            from_logits: bool = ...,
            eps: float | None = ...,
            log_input: bool = ...,
            log_target: bool = ...,
            temperature: float = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return "kl_divergence_log" if self.log_input else super().kernel

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("log_input", self.log_input)
        checks.boolean("log_target", self.log_target)
        if self.log_input and self.from_logits:
            raise ValueError(
                "log_input and from_logits are both True: y_pred holds either "
                "log-probabilities, with the gradient by them, or logits"
            )

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        form = "logits" if self.from_logits else "logs"
        number = LABEL_FORMS.index(form if self.log_target else "weights")
        return super()._targets(class_weight)._replace(label_form=number)

    def _raise(self, found: Finding, arrays: Arrays) -> NoReturn:
        label = found.status == Status.BAD_INPUT and found.offender == 0
        if self.log_target and label:
            what = checks.element(arrays.names[0], arrays.labels[0], found.place)
            raise ValueError(
                f"{what} is not the logarithm of a probability: "
                "for logits of both pass from_logits=True"
            )
        super()._raise(found, arrays)


kl_divergence = KLDivergence()


class JSDivergence(ProbabilitiesOrLogits, Distributions):
    """Jensen-Shannon divergence of labels q with rows of probabilities or logits.

    ::

        l = sum_c (beta q_c log(q_c/m_c) + (1 - beta) p_c log(p_c/m_c))
        m = beta q + (1 - beta) p
        q = y_true
        p = softmax(y_pred) if from_logits else clip(y_pred, eps, 1 - eps)

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    beta : float
        Weight of the labels in [0, 1]. At the ends, where this is 0, the loss is the
        limit of l/beta, the divergence of q from p (`kl_divergence`), at 0, and that of
        l/(1 - beta), the reverse divergence sum p_c log(p_c/q_c), at 1.
    label_sum : {"one", "any"}
        "one" refuses a row of labels whose sum is off 1 by more than 1e-3, unless its
        sample weighs 0; "any" takes every sum.
    eps : float, optional
        Probabilities are clipped to [eps, 1 - eps]; None is the machine epsilon of the
        dtype, 0 clips nothing. Derivatives are those at the clipped point.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` and `y_pred` have one shape (..., C), float32 or float64. By
    probabilities the gradient is a = (1 - beta) log(p/m), the diagonal of the Hessian
    b = beta (1 - beta) q/(p m); at beta = 1 they are log(p/q) + 1 and 1/p. By logits
    the gradient is g = p (a - A) with A = sum p_c a_c, the diagonal
    (1 - 2 p) (g + p^2 b) + p^2 B with B = sum p_c^2 b_c. 0 log(0) is 0.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], for rows of labels that do not sum
        to 1, and for shapes, dtypes or parameters that do not fit.

    References
    ----------
    J. Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on
    Information Theory 37, 1991.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.js_divergence([1.0, 0.0], [0.0, 1.0], eps=0.0)
    0.6931471805599453
    >>> fl.js_divergence.grad([0.5, 0.5], [0.0, 0.0], from_logits=True)
    array([0., 0.])
    """

    name: ClassVar[str] = "js_divergence"
    kernels: ClassVar[tuple[str, str]] = ("js_divergence", "js_divergence_logits")
    aliases: ClassVar[Names] = {
        "js_divergence_logits": {"from_logits": True},
        "jensen_shannon": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="distillation",
        labels="rows of probabilities",
        activation="none with from_logits=True, else softmax",
        strengths="bounded, and symmetric for beta = 1/2",
        weaknesses="flat where the rows have nothing in common",
        when="a row of probabilities is to follow another, outliers included",
    )

    temperature: ClassVar[float] = 1.0  # of the forward divergence

    beta: float = 0.5

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
            from_logits: bool = ...,
            eps: float | None = ...,
            beta: float = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        forward = ("kl_divergence", "kl_divergence_logits")
        return forward[self.from_logits] if self.beta == 0 else super().kernel

    def _validate(self) -> None:
        super()._validate()
        end = math.nextafter(1, 2)
        beta = checks.number("beta", self.beta, 0, end, open_low=False)
        self._set("beta", beta)


js_divergence = JSDivergence()


class TotalVariation(FromLogits, Distributions):
    """Total variation distance of labels q with rows of probabilities or logits.

    ::

        l = 1/2 sum_c |p_c - q_c|
        q = y_true
        p = softmax(y_pred) if from_logits else y_pred

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    label_sum : {"one", "any"}
        "one" refuses a row of labels whose sum is off 1 by more than 1e-3, unless its
        sample weighs 0; "any" takes every sum.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` and `y_pred` have one shape (..., C), float32 or float64. By
    probabilities the gradient is s = 1/2 sign(p - q), 0 where they are equal, the
    Hessian 0. By logits the gradient is g = p (s - sum p_c s_c), the diagonal
    (1 - 2 p) g.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], for rows of labels that do not sum
        to 1, and for shapes, dtypes or parameters that do not fit.

    References
    ----------
    D. A. Levin, Y. Peres and E. L. Wilmer, Markov chains and mixing times, 2009,
    chapter 4.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.total_variation([1.0, 0.0], [0.75, 0.25])
    0.25
    >>> fl.total_variation.grad([1.0, 0.0], [0.75, 0.25])
    array([-0.5,  0.5])
    """

    name: ClassVar[str] = "total_variation"
    kernels: ClassVar[tuple[str, str]] = ("total_variation", "total_variation_logits")
    aliases: ClassVar[Names] = {
        "total_variation_logits": {"from_logits": True},
    }
    advice: ClassVar[Advice] = Advice(
        task="distillation",
        labels="rows of probabilities",
        activation="none with from_logits=True, else softmax",
        strengths="bounded; the largest difference that an event can see",
        weaknesses="a gradient that does not fade near the labels",
        when="distances of probabilities matter, and none is to rule",
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
            from_logits: bool = ...,
        ) -> Any:
            """Value of the loss."""


total_variation = TotalVariation()


class CategoricalBrier(FromLogits, Distributions):
    """Brier score of rows of labels q with rows of probabilities or logits.

    ::

        l = sum_c (p_c - q_c)^2
        q = y_true
        p = softmax(y_pred) if from_logits else y_pred

    Parameters
    ----------
    from_logits : bool
        Whether `y_pred` holds logits. Prefer them: no digit is lost in the tails.
    label_sum : {"one", "any"}
        "one" refuses a row of labels whose sum is off 1 by more than 1e-3, unless its
        sample weighs 0; "any" takes every sum.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` and `y_pred` have one shape (..., C), float32 or float64. By
    probabilities the gradient is 2 (p - q), the Hessian 2. By logits the gradient is
    g = 2 p (p - q - A) with A = sum p_c (p_c - q_c), the diagonal
    (1 - 2 p) (g + 2 p^2) + 2 p^2 sum p_c^2.

    Raises
    ------
    ValueError, TypeError
        For labels or probabilities outside [0, 1], for rows of labels that do not sum
        to 1, and for shapes, dtypes or parameters that do not fit.

    References
    ----------
    G. W. Brier, Verification of forecasts expressed in terms of probability, Monthly
    Weather Review 78, 1950.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.categorical_brier([1.0, 0.0], [0.75, 0.25])
    0.125
    >>> fl.categorical_brier.grad([1.0, 0.0], [0.75, 0.25])
    array([-0.5,  0.5])
    """

    name: ClassVar[str] = "categorical_brier"
    kernels: ClassVar[tuple[str, str]] = (
        "categorical_brier",
        "categorical_brier_logits",
    )
    aliases: ClassVar[Names] = {
        "categorical_brier_logits": {"from_logits": True},
    }
    advice: ClassVar[Advice] = Advice(
        task="multiclass classification",
        labels="one-hot or soft rows that sum to 1",
        activation="none with from_logits=True, else softmax",
        strengths="proper and bounded: one row cannot rule",
        weaknesses="sure wrong rows have hardly a gradient by logits",
        when="probabilities are to be judged, or labels are noisy",
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
            from_logits: bool = ...,
        ) -> Any:
            """Value of the loss."""


categorical_brier = CategoricalBrier()


class Cosine(PairedRowwise):
    """Cosine distance of rows of labels t and rows of predictions x.

    In [offset - 1, offset + 1], and `offset` for a row of zeros::

        l = offset - (t . x)/(norm(t) norm(x))
        t = y_true
        x = y_pred

    Parameters
    ----------
    offset : float
        1 is the distance; 0 the negative similarity, as Keras has it.
    reduction : str
        See `Loss`.

    Notes
    -----
    Row-wise: `y_true` and `y_pred` have one shape (..., C), float32 or float64. With
    a = t/|t| and b = x/|x|: gradient (c b - a)/|x| and diagonal of the Hessian
    (2 a b + c (1 - 3 b^2))/|x|^2; 0 where one of the rows is zeros. A row with an
    infinite entry is NaN.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    G. Salton, A. Wong and C. S. Yang, A vector space model for automatic indexing,
    Communications of the ACM 18, 1975.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cosine([0.0, 2.0], [3.0, 4.0])
    0.19999999999999996
    >>> fl.cosine.grad([0.0, 1.0], [1.0, 0.0])
    array([ 0., -1.])
    """

    name: ClassVar[str] = "cosine"
    aliases: ClassVar[Names] = {
        "cosine_distance": {},
        "optax:cosine_distance": {},
        "keras:CosineSimilarity": {
            "offset": 0.0,
            "reduction": "sum_over_batch_size",
        },
    }
    advice: ClassVar[Advice] = Advice(
        task="embeddings",
        labels="rows of the size of the predictions",
        activation="linear",
        strengths="directions alone count",
        weaknesses="blind to lengths",
        when="predictions are directions, such as embeddings",
    )

    offset: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            offset: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        low, high = -math.inf, math.inf
        self._set(
            "offset", checks.number("offset", self.offset, low, high, open_low=True)
        )


cosine = Cosine()
