"""What rows of logits say of themselves, beside a loss: `return_row=`.

Each is a cross-entropy, and needs no kernel: with m the largest logit and its class as
label the loss is lse - m, and with softmax of the logits as labels it is the entropy.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, NoReturn

import numpy as np

from fastloss.core import _bridge, checks
from fastloss.core.job import LABEL_FORMS, Array, TargetOptions
from fastloss.core.kinds import CappedRowwise, PairedRowwise, TemperedRowwise
from fastloss.losses.multiclass.crossentropies import SparseCategoricalCrossentropy

__all__ = ["Beside"]


class _OfLogits(TemperedRowwise, PairedRowwise):
    """Cross-entropy with logits as labels: of a row with itself the entropy."""

    name: ClassVar[str] = "categorical_crossentropy_logits"
    z_loss: ClassVar[float] = 0.0

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        form = LABEL_FORMS.index("logits")
        return super()._targets(class_weight)._replace(label_form=form)


_OF_LOGITS = _OfLogits(reduction="none")
_OF_CLASS = SparseCategoricalCrossentropy(from_logits=True, reduction="none")


class _Statistics:
    """Those of rows of logits, by name."""

    def __init__(self, loss: CappedRowwise, x: Array) -> None:
        self._loss, self._x = loss, x

    def _capped(self, x: Array) -> Array:
        cap = self._loss.softcap
        capped: Array = x if cap is None else cap * np.tanh(x / cap)
        return capped

    @cached_property
    def argmax(self) -> Array:
        return np.asarray(np.argmax(self._x, axis=-1), np.int64)

    @property
    def lse(self) -> Array:
        loss, x, largest = self._loss, self._x, self.argmax
        m = np.take_along_axis(x, largest[..., np.newaxis], axis=-1)[..., 0]
        options: Any = {"temperature": loss.temperature, "softcap": loss.softcap}
        more = np.asarray(_OF_CLASS(largest, x, **options))
        return np.asarray(self._capped(m) / loss.temperature + more, more.dtype)

    @property
    def entropy(self) -> Array:
        z = self._capped(self._x)
        return np.asarray(_OF_LOGITS(z, z, temperature=self._loss.temperature))


_STATISTICS = ("lse", "argmax", "entropy")


class Beside(_bridge.Kernel):
    """Calls of a loss of logits, whose last result is what `names` say of its rows."""

    def __init__(self, loss: Any, names: Any) -> None:
        known = ", ".join(map(repr, _STATISTICS))
        if not isinstance(names, tuple | list) or not all(
            isinstance(name, str) and name in _STATISTICS for name in names
        ):
            raise ValueError(
                f"return_row = {names!r} is not a tuple of some of {known}"
            )
        if not loss.from_logits:
            raise ValueError(
                f"return_row = {names!r} is of logits: pass from_logits=True, or leave "
                "it out"
            )
        self._loss_of = loss
        self._names = names

    def __getattr__(self, name: str) -> NoReturn:
        raise TypeError(
            "return_row= is for a call, grad, value_and_grad and grad_and_hess"
        )

    def _rows(self, y_pred: Any) -> dict[str, Array]:
        """The statistics, taken before a result may be written over the logits."""
        x = checks.predictions(y_pred)
        checks.rows(x)
        of = _Statistics(self._loss_of, x)
        return {name: getattr(of, name) for name in self._names}

    def _value(self, y_true: Any, y_pred: Any, weight: Any, out: Any) -> Any:
        rows = self._rows(y_pred)
        value = self._loss_of(y_true, y_pred, sample_weight=weight, out=out)
        return value, rows

    def _grad(self, y_true: Any, y_pred: Any, weight: Any, out: Any) -> Any:
        rows = self._rows(y_pred)
        grad = self._loss_of.grad(y_true, y_pred, sample_weight=weight, out=out)
        return grad, rows

    def _value_and_grad(self, y_true: Any, y_pred: Any, weight: Any, out: Any) -> Any:
        rows, of = self._rows(y_pred), self._loss_of.value_and_grad
        return *of(y_true, y_pred, sample_weight=weight, out=out), rows

    def _grad_and_hess(self, y_true: Any, y_pred: Any, weight: Any, out: Any) -> Any:
        rows, of = self._rows(y_pred), self._loss_of.grad_and_hess
        return *of(y_true, y_pred, sample_weight=weight, out=out), rows
