"""What the formulas share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastloss import math as functions
from fastloss._custom.symbol import Symbol

__all__ = [
    "Array",
    "ClassWeight",
    "arrays",
    "class_weights",
    "clip",
    "elementwise",
    "lgamma",
    "nan_or",
    "smooth",
]

Array: TypeAlias = npt.NDArray[Any]
ClassWeight: TypeAlias = (
    Sequence[float] | Mapping[int, float] | Sequence[tuple[int, float]]
)


def arrays(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Targets and predictions, both in the dtype of the predictions, or symbols."""
    if isinstance(y_pred, Symbol):
        return y_true, y_pred
    x = np.asarray(y_pred)
    dtype = np.dtype(float) if x.dtype.kind in "biu" else x.dtype.newbyteorder("=")
    x = x.astype(dtype, copy=False)
    return np.asarray(y_true).astype(dtype, copy=False), x


def nan_or(r: Any, result: Any) -> Any:
    """`result`, but NaN where `r` is NaN: comparisons would drop it."""
    if isinstance(r, Symbol):
        return result
    return np.where(r != r, r, result)


def smooth(q: Array, label_smoothing: float, classes: int) -> Array:
    """Targets moved towards the uniform distribution (Szegedy et al. 2016)."""
    if label_smoothing == 0:
        return q
    return (1 - label_smoothing) * q + label_smoothing / classes


def clip(p: Array, eps: float | None) -> Array:
    """Probabilities kept away from 0 and 1 by `eps`."""
    eps = float(np.finfo(p.dtype).eps) if eps is None else eps
    return np.clip(p, eps, 1 - eps)


def class_weights(class_weight: ClassWeight, x: Array) -> Array:
    """A weight for each class; one that a mapping does not name weighs 1."""
    given: list[Any] = list(
        class_weight.items() if isinstance(class_weight, Mapping) else class_weight
    )
    if given and isinstance(given[0], tuple):
        weights = np.ones(x.shape[-1], dtype=x.dtype)
        for c, weight in given:
            weights[c] = weight
        return weights
    return np.array(given).astype(x.dtype)


def elementwise(name: str, function: Callable[[float], float]) -> Any:
    """`function` of floats, the method `name` of other numbers, or a symbol."""

    def of_number(x: Any) -> Any:
        return getattr(x, name)() if hasattr(x, name) else function(x)

    of_numbers = np.vectorize(of_number, otypes=[object])

    def of_arrays(x: Any) -> Any:
        if isinstance(x, Symbol):
            return getattr(functions, name)(x)
        x = np.asarray(x)
        return of_numbers(x).astype(x.dtype)

    return of_arrays


lgamma = elementwise("lgamma", lambda x: math.lgamma(x) if x else math.inf)
