"""Losses of the order of the entries of a group, such as the documents of a query."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Grouped, Names

__all__ = [
    "ApproxNDCG",
    "LambdaRank",
    "ListMLE",
    "ListNet",
    "PairwiseLogistic",
    "RankingSoftmax",
    "approx_ndcg",
    "lambdarank",
    "listmle",
    "listnet",
    "pairwise_logistic",
    "ranking_softmax",
]


class ListNet(Grouped):
    """ListNet's top-one loss: cross-entropy of two softmaxes over a group.

    Of a group::

        l = -sum_j q_j log p_j
        q = softmax(y_true)
        p = softmax(y_pred)

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.listnet(y_true, y_pred, groups=sizes)``: relevances and scores are 1-D,
    float32 or float64, the entries of one group behind those of the other; `groups`
    are their sizes, as in LightGBM. Instead, ``group_ids=`` names the group of each
    entry, sorted, as XGBoost's qid, or ``group_offsets=`` tells where each begins and
    the last one ends. A group is a sample: weights and values have one entry for each,
    and a mean is over groups. A group without entries costs 0.
    Gradient: p - q. Hessian: p (1 - p), the diagonal. The logarithm is the natural one.
    Errors: 4 ulp of the value and the Hessian, and of p + q in the gradient.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and sizes that do not add up.

    References
    ----------
    Z. Cao, T. Qin, T.-Y. Liu, M.-F. Tsai and H. Li, Learning to rank: from pairwise
    approach to listwise approach, ICML 2007.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.listnet([1.0, 1.0, 5.0], [0.0, 0.0, 2.0], groups=[2, 1])
    0.34657359027997264
    >>> fl.listnet.grad([1.0, 1.0, 5.0], [0.0, 0.0, 2.0], groups=[2, 1])
    array([0., 0., 0.])
    """

    name: ClassVar[str] = "listnet"
    aliases: ClassVar[Names] = {"listnet_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="ranking",
        labels="a relevance for each entry of a group",
        activation="linear",
        strengths="one smooth loss for a whole list, in linear time",
        weaknesses="the scale of the relevances sets how sharp the target is",
        when="lists are ranked and their relevances are graded",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            groups: ArrayLike | None = ...,
            group_ids: ArrayLike | None = ...,
            group_offsets: ArrayLike | None = ...,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""


listnet = ListNet()


class RankingSoftmax(Grouped):
    """Softmax loss of a group: cross-entropy of the relevances and a softmax.

    Of a group::

        l = -sum_j y_j log p_j
        y = y_true
        p = softmax(y_pred)

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Arguments and samples are those of `ListNet`; relevances are not negative, and taken
    as they are: their sum need not be 1.
    Gradient: s p - y with s the sum of the relevances. Hessian: s p (1 - p), the
    diagonal. The logarithm is the natural one.
    Errors: 4 ulp of the value and the Hessian, and of s p + y in the gradient.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, negative relevances, and
        groups that do not hold every entry once.

    References
    ----------
    Q. Ai, K. Bi, J. Guo and W. B. Croft, Learning a deep listwise context model for
    ranking refinement, SIGIR 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ranking_softmax([1.0, 0.0, 2.0], [0.0, 0.0, 2.0], groups=[2, 1])
    0.34657359027997264
    """

    name: ClassVar[str] = "ranking_softmax"
    aliases: ClassVar[Names] = {
        "ranking_softmax_loss": {},
        "optax:ranking_softmax_loss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="ranking",
        labels="a relevance, not negative, for each entry of a group",
        activation="linear",
        strengths="one smooth loss for a whole list, in linear time",
        weaknesses="groups with more relevant entries weigh more",
        when="a few entries of a list are relevant, such as those clicked",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            groups: ArrayLike | None = ...,
            group_ids: ArrayLike | None = ...,
            group_offsets: ArrayLike | None = ...,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""


ranking_softmax = RankingSoftmax()


class PairwiseLogistic(Grouped):
    """RankNet's loss: logistic loss of the pairs of a group that differ in relevance.

    Of a group, over its n pairs with y_i > y_j::

        l = k/n if pairs == mean else k
        k = sum_(y_i > y_j) log(1 + exp(-sigma (x_i - x_j)))
        x = y_pred
        y = y_true

    Parameters
    ----------
    sigma : float
        Scale of the differences of scores; positive.
    pairs : {"sum", "mean"}
        Whether a group is the sum over its pairs or their mean.
    reduction : str
        See `Loss`.

    Notes
    -----
    Arguments and samples are those of `ListNet`. Entries of one relevance make no pair;
    a group without pairs costs 0.
    Gradient, of each pair: -sigma sigmoid(-sigma (x_i - x_j)) for i and its opposite
    for j. Hessian: the diagonal. Logarithms are natural. Time grows with the square of
    the size of a group, which goes to one thread as a whole; lists are in double
    precision.
    Errors: 4 ulp of the value and the Hessian, and of the sum of the sizes of its terms
    in the gradient; on processors without a fused multiply-add those only for a sigma
    that is a power of 2.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and groups that do
        not hold every entry once.

    References
    ----------
    C. Burges, T. Shaked, E. Renshaw, A. Lazier, M. Deeds, N. Hamilton and G.
    Hullender, Learning to rank using gradient descent, ICML 2005.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.pairwise_logistic([2, 1, 1], [0.0, 0.0, 0.0], groups=[3])
    1.3862943611198906
    >>> fl.pairwise_logistic.grad([2, 1, 1], [0.0, 0.0, 0.0], groups=[3])
    array([-1. ,  0.5,  0.5])
    """

    name: ClassVar[str] = "pairwise_logistic"
    aliases: ClassVar[Names] = {"ranknet": {}, "allrank:rankNet": {"pairs": "mean"}}
    advice: ClassVar[Advice] = Advice(
        task="ranking",
        labels="a relevance for each entry of a group",
        activation="linear",
        strengths="only the order of the relevances counts",
        weaknesses="errors at the end of a list cost as much as at its top; quadratic",
        when="preferences between pairs are what is known",
    )

    sigma: float = 1.0
    pairs: str = "sum"

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            groups: ArrayLike | None = ...,
            group_ids: ArrayLike | None = ...,
            group_offsets: ArrayLike | None = ...,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            sigma: float = ...,
            pairs: str = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def mean(self) -> bool:
        """What the kernel takes."""
        return self.pairs == "mean"

    def _validate(self) -> None:
        super()._validate()
        sigma = checks.number("sigma", self.sigma, 0, math.inf, open_low=True)
        self._set("sigma", sigma)
        checks.one_of("pairs", self.pairs, ("sum", "mean"))


pairwise_logistic = PairwiseLogistic()


class _Gains(Grouped):
    """What the losses of NDCG ask for."""

    gain: str = "exponential"

    @property
    def linear(self) -> bool:
        """What the kernel takes."""
        return self.gain == "linear"

    def _validate(self) -> None:
        super()._validate()
        checks.one_of("gain", self.gain, ("exponential", "linear"))


class LambdaRank(_Gains):
    """LambdaRank's loss: pairs of a group, weighted by what they mean to NDCG.

    Of a group, where w_ij is by how much NDCG changes if both change places::

        l = sum_(y_i > y_j) w_ij log(1 + exp(-sigma (x_i - x_j)))
        x = y_pred
        y = y_true

    Parameters
    ----------
    sigma : float
        Scale of the differences of scores; positive.
    k : int, optional
        Pairs count of which one at least is among the first k by score, as LightGBM's
        lambdarank_truncation_level and XGBoost's lambdarank_num_pair_per_sample; NDCG
        is relative to the best of the first k. None: all.
    gain : {"exponential", "linear"}
        2^y - 1, or y.
    reduction : str
        See `Loss`.

    Notes
    -----
    Arguments and samples are those of `ListNet`; relevances are not negative. Of equal
    scores the entry that stands first ranks first, as in LightGBM. A group without
    gains costs 0.
    Weights w_ij are constants for the derivatives, which are those of
    `PairwiseLogistic` times them: the lambdas of LightGBM with lambdarank_norm=False.
    They jump where scores change places. Logarithms are natural; the base of those in
    NDCG does not
    count. Time grows with k times the size of a group, which goes to one thread as a
    whole; lists are in double precision.
    Errors: 4 ulp of the value, 5 of the Hessian, and 4 of the sum of the sizes of its
    terms in the gradient; on processors without a fused multiply-add those only for a
    sigma that is a power of 2.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, negative relevances, and
        groups that do not hold every entry once.

    References
    ----------
    C. J. C. Burges, R. Ragno and Q. V. Le, Learning to rank with nonsmooth cost
    functions, NIPS 2006. X. Wang, C. Li, N. Golbandi, M. Bendersky and M. Najork, The
    LambdaLoss framework for ranking metric optimization, CIKM 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.lambdarank([1, 0, 2], [0.0, 0.0, 0.0], groups=[3], k=1)
    0.3163223937668179
    """

    name: ClassVar[str] = "lambdarank"
    aliases: ClassVar[Names] = {"lambda_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="ranking",
        labels="a relevance, not negative, for each entry of a group",
        activation="linear",
        strengths="errors at the top of a list cost most, as in NDCG",
        weaknesses="not continuous: weights jump where scores change places",
        when="NDCG of the first few is what counts",
    )

    sigma: float = 1.0
    k: int | None = None

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            groups: ArrayLike | None = ...,
            group_ids: ArrayLike | None = ...,
            group_offsets: ArrayLike | None = ...,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            sigma: float = ...,
            k: int | None = ...,
            gain: str = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        sigma = checks.number("sigma", self.sigma, 0, math.inf, open_low=True)
        self._set("sigma", sigma)
        if self.k is not None:
            k = checks.integer("k", self.k)
            if k < 1:
                raise ValueError(f"k = {k} is not positive: pass None for all")
            self._set("k", k)


lambdarank = LambdaRank()


class ListMLE(Grouped):
    """ListMLE: negative log-likelihood of the right order under Plackett and Luce.

    Of a group, in the order of falling relevances::

        l = sum_i (log sum_(j >= i) exp(x_j) - x_i)
        x = y_pred

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Arguments and samples are those of `ListNet`. Of equal relevances the entry that
    stands first comes first; allRank shuffles them instead. Logarithms are natural. A
    group of one costs 0.
    Gradient: exp(x_i) sum_(k <= i) 1/S_k - 1 with S_k the sum from k on. Hessian: the
    diagonal. Time n log n; a group goes to one thread as a whole. Lists are in double
    precision, and no score over- or underflows.
    Errors: 4 ulp of the value, of its larger term in the gradient, and of
    u a + u^2 b in the Hessian, with a and b the sums of 1/S and 1/S^2.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and groups that do
        not hold every entry once.

    References
    ----------
    F. Xia, T.-Y. Liu, J. Wang, W. Zhang and H. Li, Listwise approach to learning to
    rank: theory and algorithm, ICML 2008.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.listmle([3, 2, 1], [0.0, 0.0, 0.0], groups=[3])
    1.791759469228055
    """

    name: ClassVar[str] = "listmle"
    aliases: ClassVar[Names] = {"listmle_loss": {}, "plackett_luce": {}}
    advice: ClassVar[Advice] = Advice(
        task="ranking",
        labels="a relevance, or a place from the end, for each entry of a group",
        activation="linear",
        strengths="the likelihood of a whole order, in n log n time",
        weaknesses="the end of a list counts as much as its top; ties are arbitrary",
        when="the order of whole lists is known",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            groups: ArrayLike | None = ...,
            group_ids: ArrayLike | None = ...,
            group_offsets: ArrayLike | None = ...,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""


listmle = ListMLE()


class ApproxNDCG(_Gains):
    """ApproxNDCG: one minus NDCG with ranks that are sums of sigmoids.

    Of a group, with M the largest sum that an order of the entries has::

        l = 1 - 1/M sum_i g_i/log(1 + r_i)
        g_i = 2^y_i - 1 if gain == exponential else y_i
        r_i = 1 + sum_(j != i) sigmoid(alpha (x_j - x_i))
        x = y_pred
        y = y_true

    Parameters
    ----------
    alpha : float
        Steepness of the ranks; positive. 10 in the paper and, as temperature 0.1, in
        TF-Ranking, 1 in allRank.
    gain : {"exponential", "linear"}
        2^y - 1, or y.
    reduction : str
        See `Loss`.

    Notes
    -----
    Arguments and samples are those of `ListNet`; relevances are not negative. Ties need
    no rule: equal scores share a rank. A group without gains costs 0. TF-Ranking and
    allRank leave out the 1.
    Gradient and the diagonal of the Hessian are those of the formula. Time grows with
    the square of the size of a group, which goes to one thread as a whole; lists are in
    double precision.
    Errors: 4 ulp of 1 in the value, of the sum of the sizes of its terms in a
    derivative; on processors without a fused multiply-add those only for an alpha that
    is a power of 2.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, negative relevances, and
        groups that do not hold every entry once.

    References
    ----------
    T. Qin, T.-Y. Liu and H. Li, A general approximation framework for direct
    optimization of information retrieval measures, Information Retrieval 13, 2010.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.approx_ndcg([1, 0], [0.0, 1.0], groups=[2], alpha=1.0)
    0.31008801802480757
    """

    name: ClassVar[str] = "approx_ndcg"
    aliases: ClassVar[Names] = {"approx_ndcg_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="ranking",
        labels="a relevance, not negative, for each entry of a group",
        activation="linear",
        strengths="smooth, and near to the NDCG that is reported",
        weaknesses="not convex; flat where scores are far apart; quadratic",
        when="NDCG itself is to be improved, from a model that ranks already",
    )

    alpha: float = 10.0

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            groups: ArrayLike | None = ...,
            group_ids: ArrayLike | None = ...,
            group_offsets: ArrayLike | None = ...,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            alpha: float = ...,
            gain: str = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        alpha = checks.number("alpha", self.alpha, 0, math.inf, open_low=True)
        self._set("alpha", alpha)


approx_ndcg = ApproxNDCG()
