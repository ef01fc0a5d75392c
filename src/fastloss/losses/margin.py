"""Losses of labels -1 and +1 and decision values."""

from __future__ import annotations

from typing import ClassVar

from fastloss.core.kinds import Advice, Elementwise, Names

__all__ = ["Hinge", "SquaredHinge", "hinge", "squared_hinge"]


class Hinge(Elementwise):
    """Hinge loss, l = max(0, 1 - y_true y_pred).

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` holds -1 and +1, or booleans (False is -1); `y_pred` are
    decision values of the same shape, float32 or float64. Gradient -y_true where
    1 - y_true y_pred > 0, else 0, also at the kink; Hessian 0.

    Raises
    ------
    ValueError, TypeError
        For labels, shapes, dtypes or parameters that do not fit.

    References
    ----------
    C. Cortes and V. Vapnik, Support-vector networks, Machine Learning 20, 1995.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hinge([1, -1], [0.5, -2.0])
    0.25
    >>> fl.hinge.grad([True, False], [0.5, -2.0], reduction="sum")
    array([-1.,  0.])
    """

    name: ClassVar[str] = "hinge"
    aliases: ClassVar[Names] = {
        "hinge_loss": {},
        "keras:Hinge": {"reduction": "sum_over_batch_size"},
        "optax:hinge_loss": {},
        "sklearn:hinge_loss": {},
    }
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear (no sigmoid)",
        strengths="a wide margin, ignores what is safely right",
        weaknesses="no probabilities, not smooth",
        when="a maximum-margin decision is wanted, as in a support vector machine",
    )


hinge = Hinge()


class SquaredHinge(Elementwise):
    """Squared hinge loss, l = max(0, 1 - y_true y_pred)^2.

    Parameters
    ----------
    reduction : str
        See `Loss`.

    Notes
    -----
    Element-wise: `y_true` holds -1 and +1, or booleans (False is -1); `y_pred` are
    decision values of the same shape, float32 or float64. With the margin
    m = 1 - y_true y_pred: gradient -2 y_true max(0, m), Hessian 2 for m > 0, else 0.

    Raises
    ------
    ValueError, TypeError
        For labels, shapes, dtypes or parameters that do not fit.

    References
    ----------
    Y.-J. Lee and O. L. Mangasarian, SSVM: a smooth support vector machine for
    classification, Computational Optimization and Applications 20, 2001.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.squared_hinge([1, -1], [0.5, -2.0])
    0.125
    >>> fl.squared_hinge.grad([1, -1], [0.5, -2.0], reduction="sum")
    array([-1.,  0.])
    """

    name: ClassVar[str] = "squared_hinge"
    aliases: ClassVar[Names] = {
        "squared_hinge_loss": {},
        "keras:SquaredHinge": {"reduction": "sum_over_batch_size"},
    }
    advice: ClassVar[Advice] = Advice(
        task="binary classification",
        labels="-1 and +1, or booleans",
        activation="linear (no sigmoid)",
        strengths="a wide margin and a continuous gradient",
        weaknesses="no probabilities, mislabelled samples weigh quadratically",
        when="a margin is wanted from a gradient method",
    )


squared_hinge = SquaredHinge()
