"""Losses of predicted distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Names, SeveralHeads

__all__ = ["GaussianNLL", "gaussian_nll"]


class GaussianNLL(SeveralHeads):
    """Negative log-likelihood of a normal distribution of predicted mean and variance.

    With r = mean - y_true and v = max(var, eps): l = (log v + r^2/v)/2, and
    log(2 pi)/2 more if `full`.

    Parameters
    ----------
    full : bool
        Whether the constant is part of the value.
    eps : float
        Least variance; not negative.
    reduction : str
        See `Loss`.

    Notes
    -----
    ``fl.gaussian_nll(y_true, (mean, var))``: three arrays of one shape, any rank,
    float32 or float64, and the derivatives are pairs ``(d mean, d var)``. If mean and
    var have different dtypes, both count as the wider.
    Gradients: r/v and (v - r^2)/(2 v^2). Hessians: 1/v and (2 r^2 - v)/(2 v^3).
    Derivatives are those at the clipped variance, as in PyTorch, so that they never
    die. For v < 1 the terms of the value have two signs: its error is at most 4 ulp of
    the larger one.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and negative variances.

    References
    ----------
    D. A. Nix and A. S. Weigend, Estimating the mean and variance of the target
    probability distribution, ICNN 1994.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gaussian_nll([1.0, 2.0], ([1.0, 4.0], [1.0, 1.0]))
    1.0
    >>> value, (dmean, dvar) = fl.gaussian_nll.value_and_grad(
    ...     [1.0, 2.0], ([1.0, 4.0], [1.0, 1.0]), reduction="sum"
    ... )
    >>> dmean, dvar
    (array([0., 2.]), array([ 0.5, -1.5]))
    """

    name: ClassVar[str] = "gaussian_nll"
    aliases: ClassVar[Names] = {
        "torch:gaussian_nll_loss": {},
        "torch:GaussianNLLLoss": {},
    }
    heads: ClassVar[tuple[str, ...]] = ("mean", "var")
    advice: ClassVar[Advice] = Advice(
        task="regression with a predicted uncertainty",
        labels="real numbers",
        activation="linear for the mean, softplus or exp for the variance",
        strengths="learns how far off a prediction may be",
        weaknesses="a variance that starts small makes the first steps large",
        when="the noise differs between samples",
    )

    full: bool = False
    eps: float = 1e-6

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: tuple[ArrayLike, ArrayLike],
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            full: bool = ...,
            eps: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("full", self.full)
        self._set("eps", checks.number("eps", self.eps, 0, math.inf, open_low=False))


gaussian_nll = GaussianNLL()
