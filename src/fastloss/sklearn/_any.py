"""Any loss of fastloss as a loss of scikit-learn's gradient boosting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn._loss import link as links
from sklearn._loss import loss as theirs

import fastloss as fl
from fastloss.sklearn import losses
from fastloss.sklearn._kernels import Kernel

__all__ = ["loss"]

Array = NDArray[Any]

#: Names of scikit-learn's estimators that mean something else elsewhere.
_NAMES: dict[str, fl.Loss] = {
    "squared_error": fl.half_squared_error,
    "absolute_error": fl.mae,
    "log_loss": fl.bce,
}

#: Labels to look at a loss with, by what they may be.
_LABELS: dict[str, list[float]] = {
    "real": [0.0, 1.5],
    "unit": [0.0, 1.0],
    "sign": [-1.0, 1.0],
}
_BINARY = ("unit", "sign")

#: The logarithm of the odds beyond which a probability is 0 or 1 to ten roundings.
_FAR = float(-np.log(10 * np.finfo(np.float64).eps))

_STEPS, _SMALL = 20, 1e-7

#: In the place of weights: a loss that does not know them takes no Hessian for 1.
_UNKNOWN = ()


class AnyLoss(theirs.BaseLoss):
    """An element-wise loss of fastloss, for regression.

    Where its Hessian vanishes or is negative a Newton step leads anywhere: it is then
    replaced by a constant that bounds it. If the loss depends on residuals alone, the
    leaves of such a loss are set to where their own loss is least.
    """

    def __init__(self, of: fl.Loss, link: Any, n_classes: int | None = None) -> None:
        hess = _hessians(of)
        self.of = of
        self.convex = hess.min() >= 0
        self.bound: Any = _bound(hess, 1e-3 if _is_of_residuals(of) else 0.0)
        super().__init__(closs=Kernel(of, self.bound), link=link, n_classes=n_classes)
        self.approx_hessian = self.bound is not None
        self.differentiable = self.bound is None or not _is_of_residuals(of)

    def fit_intercept_only(self, y_true: Array, sample_weight: Any = None) -> Any:
        """The constant raw prediction that the loss is least with.

        Of a loss that forgets outliers, and has other minima at these, the one that
        leads down from the median.
        """
        if self.differentiable:
            labels = self.closs.labels(y_true)
            return np.float64(self.of.initial(labels, sample_weight))
        if self.convex:
            return self._between(y_true, sample_weight)
        return self._below_median(y_true, sample_weight)

    def _slope(self, x: float, y_true: Array, sample_weight: Any) -> float:
        """Of the mean loss, by a prediction for all."""
        at = np.full_like(y_true, x)
        slopes = self.of.grad(y_true, at, reduction="none", sample_weight=sample_weight)
        return float(slopes.sum())

    def _between(self, y_true: Array, sample_weight: Any) -> Any:
        """Where the slope of a convex loss of residuals is 0: between the labels."""
        low, high = y_true.min(), y_true.max()
        given = y_true, sample_weight
        if self._slope(low, *given) >= 0:
            return low
        if self._slope(high, *given) <= 0:
            return high
        near = max(_SMALL * (high - low), np.spacing(max(abs(low), abs(high))))
        return np.float64(brentq(self._slope, low, high, given, xtol=near))

    def _below_median(self, y_true: Array, sample_weight: Any) -> Any:
        """Steps of least squares with the bound for a Hessian: none goes up."""
        x = theirs.AbsoluteError().fit_intercept_only(y_true, sample_weight)
        total = y_true.size if sample_weight is None else sample_weight.sum()
        for _ in range(_STEPS):
            step = self._slope(x, y_true, sample_weight) / (self.bound * total)
            x = x - step
            if abs(step) <= _SMALL * abs(x):
                break
        return x


class AnyBinaryLoss(AnyLoss):
    """An element-wise loss of fastloss of two classes."""

    predict_proba = theirs.HalfBinomialLoss.predict_proba

    def fit_intercept_only(self, y_true: Array, sample_weight: Any = None) -> Any:
        """The constant raw prediction that the loss is least with, not too far out."""
        least = super().fit_intercept_only(y_true, sample_weight)
        return np.clip(least, -_FAR, _FAR)


class AnyMulticlassLoss(losses.CheckedLabels, theirs.HalfMultinomialLoss):
    """A loss of fastloss of rows of logits and integer classes."""

    def __init__(self, of: fl.Loss, n_classes: int) -> None:
        super().__init__(n_classes=n_classes)
        self.of = of
        self.bound = _bound(_hessians_of_rows(of, n_classes), 0.0)
        self.closs = Kernel(of, self.bound)
        self.approx_hessian = self.bound is not None


def loss(
    of: str | fl.Loss,
    *,
    link: str | None = None,
    n_classes: int | None = None,
    **parameters: Any,
) -> Any:
    """A loss as scikit-learn's gradient boosting takes it.

    ``HistGradientBoostingRegressor(loss=loss("huber", delta=1.5))`` works without a
    patch, weighted or not.

    Parameters
    ----------
    of : str or Loss
        A name of scikit-learn's estimators, as "absolute_error", one that
        `fastloss.get` knows, or a loss, also one of `fastloss.custom`. Element-wise, or
        of integer classes and rows of logits.
    link : {"identity", "log", "logit", "half_logit"}, optional
        What makes a raw prediction of a prediction: by default "logit" for losses of
        two classes, "log" for those of counts and amounts, else "identity".
    n_classes : int, optional
        Of a loss of several classes, which needs it.
    **parameters
        Parameters of the loss. Losses of probabilities or logits take logits.

    Returns
    -------
    sklearn._loss.loss.BaseLoss
        Where scikit-learn has the loss, with its own conventions at kinks and for
        Hessians; else see `AnyLoss`. Its initial prediction is where the loss is least.

    Raises
    ------
    ValueError, TypeError
        For losses and parameters that do not exist or do not fit.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> import fastloss.sklearn
    >>> huber = fastloss.sklearn.loss("huber", delta=1.5)
    >>> model = HistGradientBoostingRegressor(loss=huber)
    >>> model.fit([[0.0], [1.0]], [1.0, 3.0]).predict([[0.0]])
    array([2.])
    """
    found = _NAMES.get(of) or fl.get(of) if isinstance(of, str) else fl.get(of)
    if hasattr(found, "from_logits"):
        parameters = {"from_logits": True} | parameters
    found = replace(found, **parameters)
    row = found._row
    if len(row.labels) != 1 or row.predictions != ("real",):
        raise ValueError(
            f"{found!r} does not take one label and one real prediction a sample, as "
            f"scikit-learn's raw predictions are{_remedy(found)}"
        )
    if row.labels == ("class",) and row.of_rows:
        return _multiclass(found, n_classes)
    if not row.of_elements:
        raise ValueError(
            f"{found!r} is no loss of elements or of integer classes, which are what "
            "scikit-learn's labels are"
        )
    if n_classes is not None:
        raise TypeError(f"{found!r} is of one prediction a sample: leave out n_classes")
    known = _known(found) if link is None else None
    return known if known is not None else _any(found, link)


def _remedy(of: fl.Loss) -> str:
    """What makes its predictions real."""
    names = [name for name in ("from_logits", "log_input") if hasattr(of, name)]
    return f"; pass {names[0]}=True" if names else ""


def _multiclass(of: fl.Loss, n_classes: int | None) -> Any:
    if n_classes is None:
        raise TypeError(f"{of!r} is of several classes: say how many with n_classes")
    if of == fl.SparseCategoricalCrossentropy(from_logits=True, reduction=of.reduction):
        return losses.HalfMultinomialLoss(n_classes=n_classes)
    return AnyMulticlassLoss(of, n_classes)


def _any(of: fl.Loss, link: str | None) -> AnyLoss:
    if link is None:
        binary = of._row.labels[0] in _BINARY
        link = "logit" if binary else "log" if of._row.family == "count" else "identity"
    known = {name: made for name, made in links._LINKS.items() if "multi" not in name}
    if link not in known:
        raise ValueError(f"link = {link!r} is not one of {', '.join(known)}")
    if "logit" in link:
        return AnyBinaryLoss(of, known[link](), n_classes=2)
    return AnyLoss(of, known[link]())


def _known(of: fl.Loss) -> Any:
    """The loss of scikit-learn that is equal, if there is one."""
    weighted: dict[str, Any] = {"sample_weight": _UNKNOWN}
    match of:
        case fl.HalfSquaredError():
            return losses.HalfSquaredError(**weighted)
        case fl.MeanAbsoluteError():
            return losses.AbsoluteError(**weighted)
        case fl.Quantile(q=q, delta=0.0):
            return losses.PinballLoss(quantile=q, **weighted)
        case fl.Poisson(log_input=True, eps=0.0, full=False):
            return losses.HalfPoissonLoss(**weighted)
        case fl.Gamma(log_input=True):
            return losses.HalfGammaLoss(**weighted)
        case fl.Tweedie(log_input=True, power=power):
            return losses.HalfTweedieLoss(power=power, **weighted)
        case fl.Exponential():
            return losses.ExponentialLoss(**weighted)
        case fl.BinaryCrossentropy(
            from_logits=True, label_smoothing=0.0, pos_weight=1.0
        ):
            return losses.HalfBinomialLoss(**weighted)
    return None


def _is_of_residuals(of: fl.Loss) -> bool:
    """Whether it is that of the residual, as one look at it shows."""
    if of._row.labels != ("real",):
        return False
    y, x = np.array([0.0, 1.0, -2.0, 0.5]), np.array([0.25, -3.0, 5.0, 0.0])
    here, there = (of(y + by, x + by, reduction="none") for by in (0.0, 4.0))
    return bool(np.allclose(here, there))


def _hessians(of: fl.Loss) -> Array:
    """Hessians at labels and predictions far and near, which have a sign in common.

    Residuals have any size, logits and logarithms do not.
    """
    labels = np.array(_LABELS.get(of._row.labels[0], [0.5, 3.0]))
    near = np.linspace(-8, 8, 129)
    far = np.logspace(1, 6, 11) if _is_of_residuals(of) else np.empty(0)
    x, y = np.meshgrid(np.concatenate([-far, near, far]), labels)
    if of._row.labels == ("sign",):
        y = y > 0
    _, hess = of.grad_and_hess(y, x, reduction="none")
    return np.asarray(hess)


def _hessians_of_rows(of: fl.Loss, n_classes: int) -> Array:
    """The same of a loss of rows of logits."""
    rng = np.random.default_rng(0)
    x = rng.normal(scale=3, size=(512, n_classes))
    y = rng.integers(0, n_classes, 512)
    _, hess = of.grad_and_hess(y, x, reduction="none")
    return np.asarray(hess)


def _bound(hess: Array, share: float) -> float | None:
    """What bounds Hessians of which some are not positive, or a share of others."""
    most = float(hess.max())
    if hess.min() > share * most:
        return None
    return most if most > 0 else 1.0
