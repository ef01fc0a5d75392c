"""What XGBoost, LightGBM and CatBoost ask alike of an objective and a metric."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastloss.core.kinds import Rowwise, Structured
from fastloss.core.loss import Loss
from fastloss.losses.count import Poisson
from fastloss.names import get

__all__ = ["Objective"]

Array = NDArray[Any]

#: XGBoost's floor of Hessians, `kRtEps`: a leaf is -sum(gradients) / sum(Hessians).
FLOOR = 1e-16
#: What XGBoost and LightGBM multiply the Hessian of counts by, exp(max_delta_step).
CAUTION = math.exp(0.7)
HESSIANS = ("booster", "exact")


def named(library: str, loss: str | Loss, parameters: dict[str, Any]) -> Loss:
    """The loss of a name, the library's own names first."""
    found = loss
    if isinstance(loss, str):
        try:
            found = get(f"{library}:{loss}")
        except ValueError:
            found = get(loss)
    return replace(get(found), **parameters)


def labels_for(loss: Loss, labels: Any) -> Array:
    """Labels as the loss takes them, of the floats that boosters keep."""
    y: Array = np.asarray(labels)
    domain = getattr(getattr(loss, "_row", None), "labels", ())
    if domain == ("class",) and y.dtype.kind == "f":
        classes = y.astype(np.int64)
        wrong = np.flatnonzero(classes != y)
        if wrong.size:
            at = wrong[0]
            raise ValueError(f"label {at} = {y[at]} is no class: classes are integers")
        return classes
    if domain == ("sign",) and y.dtype.kind != "b" and np.isin(y, (0, 1)).all():
        y = y == 1
    return y


def _flat_hessian(loss: Loss) -> float | None:
    """What stands for a Hessian that is 0 in parts and constant in the others.

    Of absolute errors, quantiles and Huber's loss boosters take a constant: 1, or what
    the Hessian is where it is not 0, as leaves are divided by its sum.
    """
    row = getattr(loss, "_row", None)
    if row is None or row.predictions != ("real",):
        return None
    if row.labels not in (("real",), ("sign",)):
        return None
    if not row.of_elements:
        return None
    residuals = np.ldexp([-1.5, -1.0, 1.0, 1.5], np.arange(-40, 40)[:, None]).ravel()
    of_signs = row.labels == ("sign",)
    labels = (np.ones_like if of_signs else np.zeros_like)(residuals)
    _, hess = loss.grad_and_hess(labels, residuals)
    kinds = np.unique(hess)
    if kinds[0] != 0 or kinds.size > (1 if of_signs else 2):
        return None
    return float(kinds[-1]) or 1.0


def _refuse_other_kinds(loss: Loss) -> None:
    """A booster hands over a label and a score, or a row of scores, for each sample."""
    row = getattr(loss, "_row", None)
    if row is not None and (
        len(row.labels) != 1
        or len(row.predictions) != 1
        or isinstance(loss, Structured)
    ):
        raise TypeError(
            f"{loss!r} takes more than a label and a score, or a row of scores, for "
            "each sample, which is what a booster hands over"
        )


class Objective:
    """Gradient and Hessian of the sum of a loss, as boosters ask for them.

    Every sample's own derivatives are wanted, weighted and neither divided nor signed:
    the reduction is "sum" whatever the loss says. Parameters of the loss that a
    booster's copy or pickle must keep are those of the loss, which is immutable.
    """

    library = ""
    least = ""  # version that gives scores of classes as rows

    def __init__(
        self, loss: str | Loss, *, hessian: str = "booster", **parameters: Any
    ) -> None:
        if hessian not in HESSIANS:
            raise ValueError(f"hessian = {hessian!r} is not one of {HESSIANS}")
        found = named(self.library, loss, parameters)
        if isinstance(loss, str) and hasattr(found, "from_logits"):
            # Scores are logits, whatever a name means elsewhere.
            found = replace(found, **{"from_logits": True} | parameters)
        _refuse_other_kinds(found)
        self.loss = replace(found, reduction="sum")
        self.hessian = hessian
        self.flat = _flat_hessian(self.loss) if hessian == "booster" else None
        self.__name__ = found.name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loss!r}, hessian={self.hessian!r})"

    def derivatives(
        self, labels: Any, scores: Array, weight: Any, order: Any = "C"
    ) -> tuple[Array, Array]:
        """Gradient and Hessian of every score in float32, in their shape."""
        y = labels_for(self.loss, labels)
        if scores.ndim == 1 and isinstance(self.loss, Rowwise):
            raise ValueError(
                f"scores have shape {scores.shape}, and there are {len(y)} labels: "
                f"{self.loss.name} is of a row of scores for each; say num_class among "
                f"the parameters, with {self.library} {self.least} or later"
            )
        rows = scores.ndim == 2 and scores.shape[1] > 1
        if rows and y.size != scores.size and not isinstance(self.loss, Rowwise):
            raise ValueError(
                f"scores have shape {scores.shape}, and there are {len(y)} labels: "
                f"{self.loss.name} is of one score for each; take a loss of rows of "
                "scores, as scce, or have one score a sample"
            )
        x = scores if rows else scores.reshape(-1)
        out = tuple(np.empty(x.shape, np.float32, order) for _ in range(2))
        given = None if weight is None or np.size(weight) == 0 else np.asarray(weight)
        self.loss.grad_and_hess(y, x, sample_weight=given, out=out)
        grad, hess = out
        if self.flat is not None:
            hess[...] = self.flat if given is None else self.flat * given
        if self.hessian == "booster":
            self.adjust(hess, rows)
        return grad.reshape(scores.shape), hess.reshape(scores.shape)

    def adjust(self, hess: Array, rows: bool) -> None:
        """The booster's own convention."""
        np.maximum(hess, np.float32(FLOOR), out=hess)

    def is_of_counts(self) -> bool:
        """Whether it is a likelihood of counts by the logarithm of their mean."""
        return isinstance(self.loss, Poisson) and self.loss.log_input

    def init_score(self, labels: Any, weight: Any = None) -> Any:
        """The constant score, one for each class, that the loss is least with."""
        return self.loss.initial(labels_for(self.loss, labels), weight)


class Metric:
    """The mean of a loss, of what a booster predicts."""

    library = ""

    def __init__(self, loss: str | Loss, **parameters: Any) -> None:
        self.loss = named(self.library, loss, parameters)
        self.__name__ = self.loss.name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loss!r})"

    def value(self, labels: Any, scores: Any, weight: Any) -> float:
        """The weighted mean."""
        x = np.asarray(scores)
        y = labels_for(self.loss, labels)
        given = None if weight is None or np.size(weight) == 0 else np.asarray(weight)
        return float(self.loss(y, x, sample_weight=given))
