"""Losses of the distances and similarities between embeddings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import (
    Advice,
    Elementwise,
    LabelledPairs,
    Names,
    Pairwise,
    SeveralHeads,
)

__all__ = [
    "Contrastive",
    "CosineEmbedding",
    "HingeEmbedding",
    "MarginRanking",
    "Triplet",
    "contrastive",
    "cosine_embedding",
    "hinge_embedding",
    "margin_ranking",
    "triplet",
]


class Triplet(Pairwise):
    """Triplet margin loss: a positive is nearer to its anchor than a negative.

    l = max(0, margin + d(anchor, positive) - d(anchor, negative)), where
    d(a, b) = |a - b + eps| in the p-norm.

    Parameters
    ----------
    margin : float
        How much nearer; positive.
    p : {1.0, 2.0}
        Sum of absolute values or Euclidean norm.
    swap : bool
        Whether d(positive, negative) takes the place of d(anchor, negative) where it is
        smaller.
    eps : float
        Added to every difference, as in PyTorch; 0 gives the distance itself.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.triplet(anchor, positive, negative)``: arrays of one shape ``(..., d)``,
    float32 or float64, with a loss for each row. Derivatives are triples in that order.
    Derivatives of d(a, b) by a: u = r/d with r = a - b + eps, and (1 - u^2)/d; for
    p = 1 sign(r) and 0. They are 0 where the margin is just met and, of a distance,
    where that is 0. optax adds its eps below the root instead: use ``eps=0``.
    Sums are in double precision; the error is at most 4 ulp of the largest of the terms
    that a result adds up.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    V. Balntas, E. Riba, D. Ponsa and K. Mikolajczyk, Learning shallow convolutional
    feature descriptors with triplet losses, BMVC 2016.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.triplet([[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 5.5]], eps=0.0)
    0.5
    >>> value, grads = fl.triplet.value_and_grad(
    ...     [[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 5.5]], eps=0.0
    ... )
    >>> grads[1], grads[2]
    (array([[0.6, 0.8]]), array([[ 0., -1.]]))
    """

    name: ClassVar[str] = "triplet"
    aliases: ClassVar[Names] = {
        "triplet_margin": {},
        "torch:triplet_margin_loss": {},
        "torch:TripletMarginLoss": {},
    }
    heads: ClassVar[tuple[str, ...]] = ("anchor", "positive", "negative")
    advice: ClassVar[Advice] = Advice(
        task="metric learning",
        labels="none: rows of embeddings",
        activation="linear or normalised to length 1",
        strengths="needs to know only who is nearer",
        weaknesses="most triplets soon cost nothing: choose hard ones",
        when="items are compared by distance, as faces or patches",
    )

    margin: float = 1.0
    p: float = 2.0
    swap: bool = False
    eps: float = 1e-6

    if TYPE_CHECKING:

        def __call__(
            self,
            anchor: ArrayLike,
            positive: ArrayLike,
            negative: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            margin: float = ...,
            p: float = ...,
            swap: bool = ...,
            eps: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        margin = checks.number("margin", self.margin, 0, math.inf, open_low=True)
        self._set("margin", margin)
        p = checks.number("p", self.p, 0, math.inf, open_low=True)
        if p not in (1.0, 2.0):
            raise ValueError(f"p = {self.p!r} is not one of 1.0, 2.0")
        self._set("p", p)
        checks.boolean("swap", self.swap)
        self._set("eps", checks.number("eps", self.eps, 0, math.inf, open_low=False))


triplet = Triplet()


class Contrastive(LabelledPairs):
    """Contrastive loss of two rows: alike ones are near, others a margin apart.

    l = y d^2/2 + (1 - y) max(0, margin - d)^2/2, where d is the Euclidean distance.

    Parameters
    ----------
    margin : float
        How far apart rows are at least that are not alike; positive.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.contrastive(y_true, (a, b))``: two arrays of one shape ``(..., d)``, float32 or
    float64, and for each pair of rows a label in [0, 1], 1 if they are alike (the paper
    calls that 0). Derivatives are pairs in that order.
    With u = (a - b)/d, gradient by a: y (a - b) - (1 - y) (margin - d) u; Hessian:
    y + (1 - y) (u^2 - (margin - d) (1 - u^2)/d); the second terms count for d < margin
    and are 0 where d is. Sums are in double precision; the error is at most 4 ulp of
    the largest of the terms that a result adds up.
    pytorch-metric-learning's is d or max(0, margin - d), without squares, of all pairs
    of a batch.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and labels outside [0, 1].

    References
    ----------
    R. Hadsell, S. Chopra and Y. LeCun, Dimensionality reduction by learning an
    invariant mapping, CVPR 2006.

    Examples
    --------
    >>> import fastloss as fl
    >>> a, b = [[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [0.0, 0.5]]
    >>> fl.contrastive([1, 0], (a, b), reduction="none")
    array([12.5  ,  0.125])
    >>> fl.contrastive.grad([1, 0], (a, b), reduction="sum")[1]
    array([[ 3. ,  4. ],
           [ 0. , -0.5]])
    """

    name: ClassVar[str] = "contrastive"
    aliases: ClassVar[Names] = {"contrastive_loss": {}}
    heads: ClassVar[tuple[str, ...]] = ("a", "b")
    advice: ClassVar[Advice] = Advice(
        task="metric learning",
        labels="1 for a pair that is alike, 0 for one that is not",
        activation="linear or normalised to length 1",
        strengths="needs pairs alone, stops pushing at the margin",
        weaknesses="pulls alike items together without end",
        when="pairs are labelled, as in verification",
    )

    margin: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            margin: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        margin = checks.number("margin", self.margin, 0, math.inf, open_low=True)
        self._set("margin", margin)


contrastive = Contrastive()


class CosineEmbedding(LabelledPairs):
    """Cosine embedding loss of two rows: 1 - cos if alike, max(0, cos - margin) if not.

    Parameters
    ----------
    margin : float
        The cosine that rows may have that are not alike, in [-1, 1).
    eps : float
        Added to both sums of squares, as in PyTorch; 0 gives the cosine itself.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.cosine_embedding(y_true, (a, b))``: two arrays of one shape ``(..., d)``,
    float32 or float64, and for each pair of rows a label +1 or -1, or a boolean.
    Derivatives are pairs in that order. With u and v the rows divided by their lengths,
    the derivatives of the cosine c by a are (v - c u)/|a| and
    (3 c u^2 - c - 2 u v)/|a|^2; they are 0 where c = margin is just met, and for rows
    of zeros without eps. Sums are in double precision; the error is at most 4 ulp of
    the largest of the terms that a result adds up.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and other labels.

    References
    ----------
    J. Bromley, I. Guyon, Y. LeCun, E. Säckinger and R. Shah, Signature verification
    using a "Siamese" time delay neural network, NIPS 1993.

    Examples
    --------
    >>> import fastloss as fl
    >>> a, b = [[1.0, 0.0], [1.0, 0.0]], [[3.0, 4.0], [3.0, 4.0]]
    >>> fl.cosine_embedding([1, -1], (a, b), reduction="none", eps=0.0)
    array([0.4, 0.6])
    >>> fl.cosine_embedding.grad([1, -1], (a, b), reduction="sum", eps=0.0)[0]
    array([[ 0. , -0.8],
           [ 0. ,  0.8]])
    """

    name: ClassVar[str] = "cosine_embedding"
    aliases: ClassVar[Names] = {
        "torch:cosine_embedding_loss": {},
        "torch:CosineEmbeddingLoss": {},
    }
    heads: ClassVar[tuple[str, ...]] = ("a", "b")
    advice: ClassVar[Advice] = Advice(
        task="metric learning",
        labels="1 for a pair that is alike, -1 for one that is not",
        activation="linear: lengths do not count",
        strengths="compares directions, whatever the lengths",
        weaknesses="no margin between alike and other pairs by default",
        when="items are compared by the cosine, as texts are",
    )

    margin: float = 0.0
    eps: float = 1e-12

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            margin: float = ...,
            eps: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        margin = checks.number("margin", self.margin, -1, 1, open_low=False)
        self._set("margin", margin)
        self._set("eps", checks.number("eps", self.eps, 0, math.inf, open_low=False))


cosine_embedding = CosineEmbedding()


class MarginRanking(SeveralHeads):
    """Margin ranking loss of two scores, l = max(0, margin - y (first - second)).

    Parameters
    ----------
    margin : float
        By how much the score is larger that is to be; not negative.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.margin_ranking(y_true, (first, second))``: three arrays of one shape, any rank,
    scores float32 or float64; labels are 1 or True where the first is to be the larger,
    -1 or False where the second is. Gradients -y and y where the loss is positive, else
    0, also where the margin is just met (PyTorch's is the slope there); Hessians 0.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and other labels.

    References
    ----------
    R. Herbrich, T. Graepel and K. Obermayer, Large margin rank boundaries for ordinal
    regression, Advances in Large Margin Classifiers, 2000.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.margin_ranking([1, -1], ([0.5, 0.5], [0.0, 0.0]))
    0.25
    >>> fl.margin_ranking.grad([1, -1], ([0.5, 0.5], [0.0, 0.0]), reduction="sum")
    (array([0., 1.]), array([ 0., -1.]))
    """

    name: ClassVar[str] = "margin_ranking"
    aliases: ClassVar[Names] = {
        "torch:margin_ranking_loss": {},
        "torch:MarginRankingLoss": {},
    }
    heads: ClassVar[tuple[str, ...]] = ("first", "second")
    advice: ClassVar[Advice] = Advice(
        task="ranking",
        labels="1 where the first is to be the larger, -1 where the second is",
        activation="linear",
        strengths="ignores pairs that are well in order",
        weaknesses="no probabilities, not smooth",
        when="preferences between two items are known",
    )

    margin: float = 0.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            margin: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        margin = checks.number("margin", self.margin, 0, math.inf, open_low=False)
        self._set("margin", margin)


margin_ranking = MarginRanking()


class HingeEmbedding(Elementwise):
    """Hinge embedding loss of a distance: d if alike, max(0, margin - d) if not.

    Parameters
    ----------
    margin : float
        How far apart items are at least that are not alike; positive.
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` holds 1 or True where two items are alike, -1 or False where
    they are not; `y_pred` their distances, of the same shape, float32 or float64.
    Gradient 1, and -1 where y = -1 and d < margin, else 0 (PyTorch's is -1 at the
    margin, too); Hessian 0.

    Raises
    ------
    ValueError, TypeError
        For labels, shapes, dtypes or parameters that do not fit.

    References
    ----------
    H. Mobahi, R. Collobert and J. Weston, Deep learning from temporal coherence in
    video, ICML 2009.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hinge_embedding([1, -1, -1], [0.25, 0.25, 2.0], reduction="none")
    array([0.25, 0.75, 0.  ])
    >>> fl.hinge_embedding.grad([1, -1, -1], [0.25, 0.25, 2.0], reduction="sum")
    array([ 1., -1.,  0.])
    """

    name: ClassVar[str] = "hinge_embedding"
    aliases: ClassVar[Names] = {
        "torch:hinge_embedding_loss": {},
        "torch:HingeEmbeddingLoss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="metric learning",
        labels="1 for a pair that is alike, -1 for one that is not",
        activation="a distance, so not negative",
        strengths="takes any distance",
        weaknesses="knows nothing of what the distance is of",
        when="distances of labelled pairs are at hand",
    )

    margin: float = 1.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            margin: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        margin = checks.number("margin", self.margin, 0, math.inf, open_low=True)
        self._set("margin", margin)


hinge_embedding = HingeEmbedding()
