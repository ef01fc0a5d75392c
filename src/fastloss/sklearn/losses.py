"""The losses of scikit-learn, computed by fastloss."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn._loss import loss as _theirs

from fastloss.sklearn._kernels import stand_in

__all__ = [
    "AbsoluteError",
    "ExponentialLoss",
    "HalfBinomialLoss",
    "HalfGammaLoss",
    "HalfMultinomialLoss",
    "HalfPoissonLoss",
    "HalfSquaredError",
    "HalfTweedieLoss",
    "HalfTweedieLossIdentity",
    "HuberLoss",
    "PinballLoss",
]


class CheckedLabels:
    """A loss that looks at labels before it is fitted.

    Estimators check those of their own losses by name, and none of an instance's.
    """

    interval_y_true: Any
    is_multiclass: bool
    n_classes: Any

    def fit_intercept_only(self, y_true: Any, sample_weight: Any = None) -> Any:
        """The constant raw prediction that the loss is least with."""
        within = self.interval_y_true
        above = np.greater_equal if within.low_inclusive else np.greater
        below = np.less_equal if within.high_inclusive else np.less
        fits = above(y_true, within.low) & below(y_true, within.high)
        if not fits.all():
            at = int(fits.argmin())
            raise ValueError(
                f"y[{at}] = {y_true[at]:g} is no label of {type(self).__name__}: they "
                f"are in {'[' if within.low_inclusive else '('}{within.low:g}, "
                f"{within.high:g}{']' if within.high_inclusive else ')'}"
            )
        if self.is_multiclass and (most := int(y_true.max())) >= self.n_classes:
            raise ValueError(
                f"y has {most + 1} classes, and the loss was made with n_classes = "
                f"{self.n_classes}: pass n_classes={most + 1}"
            )
        return super().fit_intercept_only(y_true, sample_weight)  # type: ignore[misc]


class _Fast(CheckedLabels):
    """A loss of scikit-learn whose values and derivatives are those of fastloss."""

    def __init__(self, *arguments: Any, **parameters: Any) -> None:
        super().__init__(*arguments, **parameters)
        self.closs: Any = stand_in(self.closs)


class HalfSquaredError(_Fast, _theirs.HalfSquaredError):
    """Half the squared error, with the identity link."""


class AbsoluteError(_Fast, _theirs.AbsoluteError):
    """Absolute error, identity link; slope -1 at the kink."""


class PinballLoss(_Fast, _theirs.PinballLoss):
    """Pinball loss of a `quantile`, identity link; slope -quantile at the kink."""


class HuberLoss(_Fast, _theirs.HuberLoss):
    """Huber's loss of a `delta`, with the identity link."""


class HalfPoissonLoss(_Fast, _theirs.HalfPoissonLoss):
    """Half the Poisson deviance without terms of labels alone, with the log link."""


class HalfGammaLoss(_Fast, _theirs.HalfGammaLoss):
    """Half the gamma deviance without terms of labels alone, with the log link."""


class HalfTweedieLoss(_Fast, _theirs.HalfTweedieLoss):
    """Half the Tweedie deviance of a `power` without such terms, with the log link."""


class HalfTweedieLossIdentity(_Fast, _theirs.HalfTweedieLossIdentity):
    """Half the Tweedie deviance of a `power`, with the identity link."""


class HalfBinomialLoss(_Fast, _theirs.HalfBinomialLoss):
    """Binary cross-entropy, with the logit link."""


class HalfMultinomialLoss(_Fast, _theirs.HalfMultinomialLoss):
    """Cross-entropy of `n_classes` classes, with the symmetric multinomial logit."""


class ExponentialLoss(_Fast, _theirs.ExponentialLoss):
    """Exponential loss, with half the logit as link."""
