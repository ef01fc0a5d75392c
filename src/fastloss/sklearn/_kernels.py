"""fastloss in the place of scikit-learn's compiled losses.

A loss of scikit-learn asks its `closs` for values and derivatives of every sample,
written into given arrays. Here is such an object of a loss of fastloss, and one for
each compiled loss of scikit-learn, with its conventions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn._loss import _loss as compiled

import fastloss as fl
from fastloss.sklearn import _journal

__all__ = ["Kernel", "StandIn", "stand_in"]

Array = NDArray[Any]


class Kernel:
    """Values and derivatives of a loss, asked for as scikit-learn does.

    Parameters
    ----------
    loss : Loss
    constant : float, optional
        Hessian of every prediction, in place of the loss's own.
    """

    def __init__(self, loss: fl.Loss, constant: float | None = None) -> None:
        self.of = replace(loss, reduction="none")
        self.constant = constant
        self.domain = loss._row.labels[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.of!r})"

    def __deepcopy__(self, memo: object) -> Kernel:
        return self

    def labels(self, y_true: Array) -> Array:
        """The labels as the loss takes them: scikit-learn's are floats."""
        if self.domain == "class":
            return y_true.astype(np.intp)
        if self.domain == "sign":
            return _is_one(y_true)
        return y_true

    def loss(
        self,
        y_true: Array,
        raw_prediction: Array,
        sample_weight: Array | None,
        loss_out: Array,
        n_threads: int = 1,
    ) -> Array:
        """Write the value of every sample."""
        with fl.threads(int(n_threads)):
            self.of(
                self.labels(y_true),
                raw_prediction,
                sample_weight=sample_weight,
                out=loss_out,
            )
        return loss_out

    def gradient(
        self,
        y_true: Array,
        raw_prediction: Array,
        sample_weight: Array | None,
        gradient_out: Array,
        n_threads: int = 1,
    ) -> Array:
        """Write the gradient by every prediction."""
        with fl.threads(int(n_threads)):
            self.of.grad(
                self.labels(y_true),
                raw_prediction,
                sample_weight=sample_weight,
                out=gradient_out,
            )
        return gradient_out

    def loss_gradient(
        self,
        y_true: Array,
        raw_prediction: Array,
        sample_weight: Array | None,
        loss_out: Array,
        gradient_out: Array,
        n_threads: int = 1,
    ) -> tuple[Array, Array]:
        """Write both in one pass."""
        with fl.threads(int(n_threads)):
            self.of.value_and_grad(
                self.labels(y_true),
                raw_prediction,
                sample_weight=sample_weight,
                out=(loss_out, gradient_out),
            )
        return loss_out, gradient_out

    def gradient_hessian(
        self,
        y_true: Array,
        raw_prediction: Array,
        sample_weight: Array | None,
        gradient_out: Array,
        hessian_out: Array,
        n_threads: int = 1,
    ) -> tuple[Array, Array]:
        """Write the gradient and the diagonal of the Hessian."""
        if self.constant is not None:
            given = y_true, raw_prediction, sample_weight
            self.gradient(*given, gradient_out, n_threads)
            weight = 1.0 if sample_weight is None else sample_weight
            hessian_out.T[...] = np.multiply(weight, self.constant)
            return gradient_out, hessian_out
        with fl.threads(int(n_threads)):
            self.of.grad_and_hess(
                self.labels(y_true),
                raw_prediction,
                sample_weight=sample_weight,
                out=(gradient_out, hessian_out),
            )
        return gradient_out, hessian_out


class _AbsoluteError(fl.Loss):
    """Absolute error whose slope is -1 at the kink."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return np.where(y_pred > y_true, y_pred - y_true, y_true - y_pred)


class _Pinball(fl.Loss):
    """Pinball loss whose slope is -q at the kink."""

    q: float = 0.5

    def call(self, y_true: Any, y_pred: Any) -> Any:
        above = (1 - self.q) * (y_pred - y_true)
        return np.where(y_true >= y_pred, self.q * (y_true - y_pred), above)


class _SoftExponential(fl.Loss):
    """Exponential loss of labels in [0, 1]."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return y_true * np.exp(-y_pred) + (1 - y_true) * np.exp(y_pred)


class StandIn:
    """A compiled loss of scikit-learn, answered by fastloss where it can.

    What the loss of fastloss refuses, as a label outside its domain, goes to
    scikit-learn's own code, and so do its errors.

    Parameters
    ----------
    theirs : CyLossFunction
    portable : bool
        Whether it is pickled as `theirs`, to be loaded where fastloss is not.
    """

    constant: ClassVar[float | None] = None
    asks_theirs: ClassVar[bool] = True  # what is refused here

    def __init__(self, theirs: Any, portable: bool = False) -> None:
        self.theirs = theirs
        self.portable = portable
        self._choose()

    def _choose(self) -> None:
        """Make the kernel of these parameters, if there is one."""
        try:
            self._kernel = Kernel(self._equal(), self.constant)
            self._refusal: Exception | None = None
        except ValueError as refused:
            self._refusal = refused

    def _equal(self) -> fl.Loss:
        """The loss of fastloss that is equal."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        """What it has beside, as the `quantile` and the `power`."""
        if name == "theirs":  # not there yet
            raise AttributeError(name)
        return getattr(self.theirs, name)

    def __reduce__(self) -> Any:
        if self.portable:
            return self.theirs.__reduce__()
        return type(self), (self.theirs,)

    def __deepcopy__(self, memo: object) -> StandIn:
        make, parameters = self.theirs.__reduce__()[:2]
        return type(self)(make(*parameters), self.portable)

    def _call(self, method: str, arguments: dict[str, Any]) -> bool:
        """Answer, or say that scikit-learn must."""
        name = f"{type(self.theirs).__name__.removeprefix('Cy')}.{method}"
        refusal = self._refusal
        if refusal is None:
            try:
                getattr(self._kernel, method)(**arguments)
            except (TypeError, ValueError) as refused:
                if not self.asks_theirs:
                    raise
                refusal = refused
            else:
                _journal.ran(name)
                return True
        _journal.fell_back(name, refusal)
        return False

    def loss(self, *, loss_out: Array, **given: Any) -> Array:
        """See `Kernel.loss`; and so the others."""
        if not self._call("loss", given | {"loss_out": loss_out}):
            self.theirs.loss(loss_out=loss_out, **given)
        return loss_out

    def gradient(self, *, gradient_out: Array, **given: Any) -> Array:
        if not self._call("gradient", given | {"gradient_out": gradient_out}):
            self.theirs.gradient(gradient_out=gradient_out, **given)
        return gradient_out

    def loss_gradient(
        self, *, loss_out: Array, gradient_out: Array, **given: Any
    ) -> tuple[Array, Array]:
        outs = {"loss_out": loss_out, "gradient_out": gradient_out}
        if not self._call("loss_gradient", given | outs):
            self.theirs.loss_gradient(**outs, **given)
        return loss_out, gradient_out

    def gradient_hessian(
        self, *, gradient_out: Array, hessian_out: Array, **given: Any
    ) -> tuple[Array, Array]:
        outs = {"gradient_out": gradient_out, "hessian_out": hessian_out}
        if not self._call("gradient_hessian", given | outs):
            self.theirs.gradient_hessian(**outs, **given)
        return gradient_out, hessian_out


class HalfSquaredError(StandIn):
    def _equal(self) -> fl.Loss:
        return fl.HalfSquaredError()


class AbsoluteError(StandIn):
    constant = 1.0

    def _equal(self) -> fl.Loss:
        return _AbsoluteError()


class PinballLoss(StandIn):
    constant = 1.0

    def _equal(self) -> fl.Loss:
        return _Pinball(q=self.quantile)


class HuberLoss(StandIn):
    @property
    def delta(self) -> Any:
        """Gradient boosting sets it before every tree, to 0 where residuals are 0."""
        return self.theirs.delta

    @delta.setter
    def delta(self, delta: float) -> None:
        self.theirs.delta = delta
        self._choose()

    def _equal(self) -> fl.Loss:
        return fl.Huber(delta=self.delta)


class HalfPoissonLoss(StandIn):
    def _equal(self) -> fl.Loss:
        return fl.Poisson()


class HalfGammaLoss(StandIn):
    def _equal(self) -> fl.Loss:
        return fl.Gamma()


class HalfTweedieLoss(StandIn):
    def _equal(self) -> fl.Loss:
        if self.power == 0:
            raise ValueError("at power 0 scikit-learn keeps the term of labels alone")
        return fl.Tweedie(power=self.power)


class HalfTweedieLossIdentity(StandIn):
    """Half a deviance: every sample weighs half."""

    def _equal(self) -> fl.Loss:
        return fl.TweedieDeviance(power=self.power)

    def _call(self, method: str, arguments: dict[str, Any]) -> bool:
        weight = arguments["sample_weight"]
        half = np.float64(0.5) if weight is None else weight * 0.5
        return super()._call(method, arguments | {"sample_weight": half})


class HalfBinomialLoss(StandIn):
    def _equal(self) -> fl.Loss:
        return fl.BinaryCrossentropy(from_logits=True)


class HalfMultinomialLoss(StandIn):
    """Theirs reads where a label points, also beyond the array."""

    asks_theirs = False

    def _equal(self) -> fl.Loss:
        return fl.SparseCategoricalCrossentropy(from_logits=True)

    def gradient_proba(
        self,
        *,
        y_true: Array,
        raw_prediction: Array,
        sample_weight: Array | None,
        gradient_out: Array,
        proba_out: Array,
        n_threads: int = 1,
    ) -> tuple[Array, Array]:
        """Write gradient and probabilities.

        Without weights the gradient is the probability, but at the label, where the
        loss is its logarithm: there is no digit to lose in p - 1.
        """
        loss = np.empty(y_true.shape, proba_out.dtype)
        given = {
            "y_true": y_true,
            "raw_prediction": raw_prediction,
            "n_threads": n_threads,
            "sample_weight": None,
        }
        outs = {"loss_out": loss, "gradient_out": gradient_out}
        self._call("loss_gradient", given | outs)
        proba_out[...] = gradient_out
        proba_out[np.arange(loss.size), y_true.astype(np.intp)] = np.exp(-loss)
        if sample_weight is not None:
            gradient_out *= sample_weight[:, None]
        return gradient_out, proba_out


class ExponentialLoss(StandIn):
    def _equal(self) -> fl.Loss:
        return _SoftExponential()


_STAND_INS: dict[type, type[StandIn]] = {
    getattr(compiled, f"Cy{kind.__name__}"): kind
    for kind in (
        HalfSquaredError,
        AbsoluteError,
        PinballLoss,
        HuberLoss,
        HalfPoissonLoss,
        HalfGammaLoss,
        HalfTweedieLoss,
        HalfTweedieLossIdentity,
        HalfBinomialLoss,
        HalfMultinomialLoss,
        ExponentialLoss,
    )
}
STAND_IN_NAMES = tuple(theirs.__name__ for theirs in _STAND_INS)


def stand_in(closs: Any, portable: bool = False) -> StandIn:
    """What answers in the place of a compiled loss, or of what stands for it."""
    theirs = getattr(closs, "theirs", closs)
    return _STAND_INS[type(theirs)](theirs, portable)


def _is_one(labels: Array) -> Array:
    """Labels of two classes, 0 and 1 or -1 and 1, as booleans."""
    ones: Array = labels == 1
    if not (ones | (labels == 0) | (labels == -1)).all():
        raise ValueError("labels of this loss are 0 and 1")
    return ones
