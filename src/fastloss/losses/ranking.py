"""Losses of the order of the entries of a group, such as the documents of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Grouped, Names

__all__ = ["ListNet", "listnet"]


class ListNet(Grouped):
    """ListNet's top-one loss: cross-entropy of two softmaxes over a group.

    With q = softmax(y_true) and p = softmax(y_pred) of a group: l = -sum_j q_j log p_j.

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.listnet(y_true, y_pred, groups=sizes)``: relevances and scores are 1-D,
    float32 or float64, the entries of one group behind those of the other; `groups`
    are their sizes, as in LightGBM. A group is a sample: weights and values have one
    entry for each, and a mean is over groups. A group without entries costs 0.
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
            groups: ArrayLike,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""


listnet = ListNet()
