"""Losses of the distances and similarities between embeddings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import (
    Advice,
    Batch,
    Elementwise,
    LabelledPairs,
    Names,
    Pairwise,
    SeveralHeads,
    TwoBatches,
)

__all__ = [
    "Circle",
    "Contrastive",
    "CosineEmbedding",
    "HingeEmbedding",
    "InfoNCE",
    "MarginRanking",
    "MultiSimilarity",
    "NTXent",
    "SupCon",
    "Triplet",
    "circle",
    "contrastive",
    "cosine_embedding",
    "hinge_embedding",
    "infonce",
    "margin_ranking",
    "multi_similarity",
    "ntxent",
    "supcon",
    "triplet",
]


class Triplet(Pairwise):
    """Triplet margin loss: a positive is nearer to its anchor than a negative.

    ::

        l = max(0, margin + d(anchor, positive) - n)
        n = min(m, d(positive, negative)) if swap else m
        m = d(anchor, negative)
        d(a, b) = norm_p(a - b + eps)

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

    With the Euclidean distance d::

        l = y d^2/2 + (1 - y) max(0, margin - d)^2/2
        d = norm(a - b)
        y = y_true

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

    ::

        l = (1 + y)/2 (1 - c) + (1 - y)/2 max(0, c - margin)
        c = (a . b)/sqrt((a . a + eps) (b . b + eps))
        y = y_true

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
    >>> fl.cosine_embedding.grad([1, -1], (a, b), reduction="sum", eps=0.0)[0][:, 1]
    array([-0.8,  0.8])
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
    """Margin ranking loss of two scores.

    ::

        l = max(0, margin - y_true (first - second))

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


class _Similarities(Batch):
    """A loss of exponentials of similarities over a temperature."""

    temperature: float
    similarity: str

    @property
    def scale(self) -> float:
        """What the kernel takes."""
        return 1 / self.temperature

    @property
    def cosine(self) -> bool:
        """What the kernel takes."""
        return self.similarity == "cosine"

    def _validate(self) -> None:
        super()._validate()
        temperature = checks.number(
            "temperature", self.temperature, 0, math.inf, open_low=True
        )
        self._set("temperature", temperature)
        checks.one_of("similarity", self.similarity, ("cosine", "dot"))


class NTXent(_Similarities):
    """Normalised temperature-scaled cross-entropy: a positive against all negatives.

    Of row i, with the others P of its class and the rows N of other classes::

        l_i = sum_(j in P) g_ij
        g_ij = L_i - z_ij if decoupled else log(1 + exp(L_i - z_ij))
        L_i = log sum_(k in N) exp(z_ik)
        z_ij = s_ij/temperature
        s_ij = u_i . u_j
        u_i = x_i/norm(x_i) if similarity == cosine else x_i
        x = y_pred

    That is -log softmax of z among itself and the negatives.

    Parameters
    ----------
    temperature : float
        Positive; small ones look at the nearest negatives alone.
    similarity : {"cosine", "dot"}
        Of rows divided by their lengths, or as they are.
    decoupled : bool
        Whether the positive is left out of the denominator: L - z.
    reduction : str
        See `Loss`. "mean" divides by the number of pairs of a class, each counted from
        both sides, times the weights of the rows; "sum_over_batch_size" by the rows.

    Notes
    -----
    ``fl.ntxent(y_true, y_pred)``: `y_pred` is a matrix of n embeddings, float32 or
    float64, `y_true` the class of each, integers of any size, or None: then row i and
    row i + n/2 are a pair.
    Gradient by a similarity: -s/temperature for a positive, s the logistic function of
    L - z, and exp(z - L) (sum of these s)/temperature for a negative.
    Similarities are computed in tiles and never stored: time n^2 d, memory n. A sample
    of weight 0 is no part of the batch, any other weight is that of the row's own loss.
    Rows of zeros have the cosine 0 with every other and no gradient. There is no
    Hessian. Errors: docs/numerics.md.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    T. Chen, S. Kornblith, M. Norouzi and G. Hinton, A simple framework for contrastive
    learning of visual representations, ICML 2020. C.-H. Yeh et al., Decoupled
    contrastive learning, ECCV 2022.

    Examples
    --------
    >>> import fastloss as fl
    >>> views = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    >>> round(fl.ntxent(None, views, temperature=0.5), 6)
    0.239545
    >>> fl.ntxent([0, 1, 0, 1], views) == fl.ntxent(None, views)
    True
    """

    name: ClassVar[str] = "ntxent"
    aliases: ClassVar[Names] = {
        "nt_xent": {},
        "optax:ntxent": {},
        "pytorch_metric_learning:NTXentLoss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="self-supervised or metric learning",
        labels="the class of each row, or None for two views",
        activation="linear: rows are divided by their lengths",
        strengths="all other rows are negatives, the hard ones weigh most",
        weaknesses="needs large batches, and a temperature",
        when="two views of each sample are embedded",
    )

    temperature: float = 0.07
    similarity: str = "cosine"
    decoupled: bool = False

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike | None,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            temperature: float = ...,
            similarity: str = ...,
            decoupled: bool = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("decoupled", self.decoupled)


ntxent = NTXent()


class SupCon(_Similarities):
    """Supervised contrastive loss: log sum exp of all others less the mean of a class.

    Of row i, with the others P of its class::

        l_i = log sum_(j != i) exp(z_ij) - 1/n sum_(j in P) z_ij
        n = |P|
        z_ij = s_ij/temperature
        s_ij = u_i . u_j
        u_i = x_i/norm(x_i) if similarity == cosine else x_i
        x = y_pred

    Parameters
    ----------
    temperature : float
        Positive; small ones look at the nearest rows alone.
    similarity : {"cosine", "dot"}
        Of rows divided by their lengths, or as they are.
    reduction : str
        See `Loss`. "mean" is over the rows that have another of their class.

    Notes
    -----
    ``fl.supcon(y_true, y_pred)``: `y_pred` is a matrix of n embeddings, float32 or
    float64, `y_true` the class of each, integers of any size, or None: then row i and
    row i + n/2 are a pair.
    Gradient by a similarity: (p - 1/m)/temperature for the m others of the class,
    p/temperature for all other rows, where p is the softmax of z.
    Similarities are computed in tiles and never stored: time n^2 d, memory n. A sample
    of weight 0 is no part of the batch, any other weight is that of the row's own loss.
    Rows of zeros have the cosine 0 with every other and no gradient. There is no
    Hessian. Errors: docs/numerics.md.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    P. Khosla et al., Supervised contrastive learning, NeurIPS 2020 (the sum outside the
    logarithm).

    Examples
    --------
    >>> import fastloss as fl
    >>> rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    >>> round(fl.supcon([0, 1, 0, 1], rows, temperature=0.5), 6)
    0.239545
    """

    name: ClassVar[str] = "supcon"
    aliases: ClassVar[Names] = {
        "supervised_contrastive": {},
        "pytorch_metric_learning:SupConLoss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="metric learning",
        labels="the class of each row",
        activation="linear: rows are divided by their lengths",
        strengths="uses all rows of a class at once",
        weaknesses="needs several rows of a class in a batch",
        when="embeddings of labelled samples are wanted",
    )

    temperature: float = 0.1
    similarity: str = "cosine"

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike | None,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            temperature: float = ...,
            similarity: str = ...,
        ) -> Any:
            """Value of the loss."""


supcon = SupCon()


class InfoNCE(TwoBatches):
    """Softmax loss of each query with its key against all keys: in-batch negatives.

    Of query i::

        l_i = log sum_j exp(z_ij) - z_ii
        z_ij = scale u_i . v_j
        u_i = q_i/norm(q_i) if similarity == cosine else q_i
        v_j = k_j/norm(k_j) if similarity == cosine else k_j
        q = query
        k = key

    Parameters
    ----------
    scale : float
        One over the temperature; positive.
    similarity : {"cosine", "dot"}
        Of rows divided by their lengths, or as they are.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.infonce(query, key)``: two matrices of embeddings, float32 or float64. Key i
    belongs to query i; all others are negatives, also those behind the last query (hard
    negatives). Gradients are a pair in that order. The symmetric loss of CLIP is
    (infonce(a, b) + infonce(b, a))/2.
    Gradient by a similarity: scale (p - 1) for the key of a query, scale p for others,
    p the softmax of z.
    Similarities are computed in tiles and never stored: time n m d, memory n + m. A
    sample of weight 0, the query and its key, is no part of the batch; any other weight
    is that of the query's loss. Rows of zeros have the cosine 0 with every other and no
    gradient. There is no Hessian. Errors: docs/numerics.md.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    A. van den Oord, Y. Li and O. Vinyals, Representation learning with contrastive
    predictive coding, 2018. M. Henderson et al., Efficient natural language response
    suggestion for Smart Reply, 2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> query, key = [[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 2.0]]
    >>> round(fl.infonce(query, key, scale=1.0), 6)
    0.313262
    >>> fl.infonce.grad(query, key, scale=1.0)[1].round(6)
    array([[0.      , 0.067235],
           [0.067235, 0.      ]])
    """

    name: ClassVar[str] = "infonce"
    aliases: ClassVar[Names] = {
        "info_nce": {},
        "mnrl": {},
        "multiple_negatives_ranking": {},
        "sentence_transformers:MultipleNegativesRankingLoss": {},
    }
    heads: ClassVar[tuple[str, str]] = ("query", "key")
    advice: ClassVar[Advice] = Advice(
        task="retrieval, metric learning",
        labels="none: row i of one array belongs to row i of the other",
        activation="linear: rows are divided by their lengths",
        strengths="needs pairs alone, all others are negatives",
        weaknesses="a batch must not hold two keys of one query",
        when="questions and answers, or images and texts, are embedded",
    )

    scale: float = 20.0
    similarity: str = "cosine"

    if TYPE_CHECKING:

        def __call__(
            self,
            query: ArrayLike,
            key: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            scale: float = ...,
            similarity: str = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def cosine(self) -> bool:
        """What the kernel takes."""
        return self.similarity == "cosine"

    def _validate(self) -> None:
        super()._validate()
        self._set(
            "scale", checks.number("scale", self.scale, 0, math.inf, open_low=True)
        )
        checks.one_of("similarity", self.similarity, ("cosine", "dot"))


infonce = InfoNCE()


class MultiSimilarity(Batch):
    """Multi-similarity loss: soft maxima of what is too far and of what is too near.

    Of row i, with the others P of its class, all rows N of other classes and cosines
    c::

        l_i = g_i + h_i
        g_i = log(1 + sum_(j in P) exp(-alpha (c_ij - base)))/alpha
        h_i = log(1 + sum_(j in N) exp(beta (c_ij - base)))/beta
        c_ij = (x_i . x_j)/(norm(x_i) norm(x_j))
        x = y_pred

    Parameters
    ----------
    alpha : float
        How much the farthest of its class counts before the others; positive.
    beta : float
        How much the nearest of other classes counts before the others; positive.
    base : float
        The cosine in the middle.
    reduction : str
        See `Loss`. "mean" is over all rows.

    Notes
    -----
    ``fl.multi_similarity(y_true, y_pred)``: `y_pred` is a matrix of n embeddings,
    float32 or float64, `y_true` the class of each, integers of any size, or None: then
    row i and row i + n/2 are a pair.
    All pairs count: the choice of pairs that goes with the loss in the paper is none of
    its business. Gradient by a cosine: each exponential over 1 + its sum, negative for
    rows of the same class.
    Similarities are computed in tiles and never stored: time n^2 d, memory n. A sample
    of weight 0 is no part of the batch, any other weight is that of the row's own loss.
    Rows of zeros have the cosine 0 with every other and no gradient. There is no
    Hessian. Errors: docs/numerics.md.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    X. Wang, X. Han, W. Huang, D. Dong and M. R. Scott, Multi-similarity loss with
    general pair weighting for deep metric learning, CVPR 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    >>> round(fl.multi_similarity([0, 1, 0, 1], rows), 6)
    0.156631
    """

    name: ClassVar[str] = "multi_similarity"
    aliases: ClassVar[Names] = {"pytorch_metric_learning:MultiSimilarityLoss": {}}
    advice: ClassVar[Advice] = Advice(
        task="metric learning",
        labels="the class of each row",
        activation="linear: rows are divided by their lengths",
        strengths="weighs hard pairs of both sorts",
        weaknesses="three parameters",
        when="classes have several rows in a batch, as in retrieval of images",
    )

    alpha: float = 2.0
    beta: float = 50.0
    base: float = 0.5

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike | None,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            alpha: float = ...,
            beta: float = ...,
            base: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        for name in ("alpha", "beta"):
            value = checks.number(name, getattr(self, name), 0, math.inf, open_low=True)
            self._set(name, value)
        base = checks.number("base", self.base, -math.inf, math.inf, open_low=True)
        self._set("base", base)


multi_similarity = MultiSimilarity()


class Circle(Batch):
    """Circle loss: log(1 + sum of exp over a class times sum of exp over the others).

    Of row i, with the others P of its class, all rows N of other classes and cosines
    c::

        l_i = log(1 + sum_(j in P) exp(g_ij) sum_(j in N) exp(h_ij))
        g_ij = -gamma max(0, 1 + m - c_ij) (c_ij - 1 + m)
        h_ij = gamma max(0, c_ij + m) (c_ij - m)
        c_ij = (x_i . x_j)/(norm(x_i) norm(x_j))
        x = y_pred

    Parameters
    ----------
    m : float
        Relaxation: cosines of a class are to be above 1 - m, others below m.
    gamma : float
        Scale of the exponents; positive.
    reduction : str
        See `Loss`. "mean" is over the rows that have another of their class and one of
        another class; no other costs anything.

    Notes
    -----
    ``fl.circle(y_true, y_pred)``: `y_pred` is a matrix of n embeddings, float32 or
    float64, `y_true` the class of each, integers of any size, or None: then row i and
    row i + n/2 are a pair.
    In the gradient the weights max(0, ...) are constants, as in the paper: it is not
    that of the value.
    Similarities are computed in tiles and never stored: time n^2 d, memory n. A sample
    of weight 0 is no part of the batch, any other weight is that of the row's own loss.
    Rows of zeros have the cosine 0 with every other and no gradient. There is no
    Hessian. Errors: docs/numerics.md.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    Y. Sun et al., Circle loss: a unified perspective of pair similarity optimization,
    CVPR 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> rows = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]]
    >>> round(fl.circle([0, 0, 1, 1], rows, gamma=4.0), 6)
    0.829904
    """

    name: ClassVar[str] = "circle"
    aliases: ClassVar[Names] = {"pytorch_metric_learning:CircleLoss": {}}
    advice: ClassVar[Advice] = Advice(
        task="metric learning",
        labels="the class of each row",
        activation="linear: rows are divided by their lengths",
        strengths="a pair weighs the more the farther it is from where it should be",
        weaknesses="its gradient is that of no value",
        when="classes have several rows in a batch, as of faces",
    )

    m: float = 0.4
    gamma: float = 80.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike | None,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            m: float = ...,
            gamma: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        self._set("m", checks.number("m", self.m, 0, math.inf, open_low=False))
        gamma = checks.number("gamma", self.gamma, 0, math.inf, open_low=True)
        self._set("gamma", gamma)


circle = Circle()
