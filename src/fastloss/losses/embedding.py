"""Losses of the distances between rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Names, Pairwise

__all__ = ["Triplet", "triplet"]


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
