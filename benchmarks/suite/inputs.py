"""Inputs for every registered kernel, and the loss object that runs it."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastloss as fl

Array = NDArray[Any]
#: Kernels of one label and one prediction a sample; those of times have more.
ROWS = {
    row.name: row
    for row in fl.REGISTRY
    if row.kind in ("element", "row")
    and len(row.predictions) == len(row.labels) == 1
    and row.family != "survival"
}


def _losses_by_kernel() -> dict[str, fl.Loss]:
    found = {}
    for loss in fl.LOSSES.values():
        if loss.kernel not in ROWS:
            continue
        whole = [replace(loss, full=True)] if hasattr(loss, "full") else []
        for each in [loss, *whole]:
            found[each.kernel] = each
            for switch in ("from_logits", "log_input", "squared"):
                if hasattr(each, switch):
                    other = replace(each, **{switch: not getattr(each, switch)})
                    found[other.kernel] = other
    return found


LOSSES = _losses_by_kernel()

#: Those that there are inputs of.
DOMAINS = {"real", "sign", "unit", "class", "count", "positive", "log1p"}
DOMAINS |= {"bit", "probability", "mean"}


def _predictions(
    row: fl.Row, shape: tuple[int, ...], rng: np.random.Generator
) -> Array:
    if row.predictions == ("real",):
        return 3 * rng.standard_normal(shape, dtype=np.float32)
    if row.predictions[0] in ("mean", "positive", "log1p"):
        return np.exp(rng.standard_normal(shape, dtype=np.float32))
    p = 0.001 + 0.998 * rng.random(shape, dtype=np.float32)
    return p if row.kind == "element" else p / p.sum(axis=-1, keepdims=True)


def _one_hot(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    y = np.zeros(shape, dtype=np.float32)
    rows = y.reshape(-1, shape[-1])
    rows[np.arange(len(rows)), rng.integers(shape[-1], size=len(rows))] = 1
    return y


def make(
    kernel: str, shape: tuple[int, ...], dtype: str, seed: int = 0
) -> tuple[Array, Array]:
    """`y_true` and `y_pred` of `shape` for the kernel of that name.

    Labels are of `dtype`, classes int64. Probabilities stay off 0 and 1, where
    libraries clip differently.
    """
    row = ROWS[kernel]
    rng = np.random.default_rng(seed)
    if row.family == "boxes":
        return _boxes(shape, rng).astype(dtype), _boxes(shape, rng).astype(dtype)
    x = _predictions(row, shape, rng).astype(dtype, copy=False)
    if row.labels == ("class",):
        return rng.integers(shape[-1], size=shape[:-1]), x
    if row.kind == "row":
        y = _one_hot(shape, rng)
    elif row.labels == ("real",):
        y = 3 * rng.standard_normal(shape, dtype=np.float32)
    elif row.labels == ("count",):
        y = rng.poisson(2, shape)
    elif row.labels[0] in ("positive", "log1p"):
        y = np.exp(rng.standard_normal(shape, dtype=np.float32))
    else:
        y = rng.integers(2, size=prod(shape), dtype=np.int8).reshape(shape)
        y = 2 * y - 1 if row.labels == ("sign",) else y
    return y.astype(dtype, copy=False), x


def _boxes(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Two corners each, of boxes most of which meet."""
    corners = rng.random((*shape[:-1], 2, 2))
    corners[..., 1, :] = corners[..., 0, :] + 0.1 + corners[..., 1, :]
    return corners.reshape(shape)


def require_all() -> None:
    """Raise unless every registered kernel has a loss object and inputs.

    Raises
    ------
    LookupError
        Names the kernels without one.
    """
    missing = [name for name in ROWS if name not in LOSSES]
    unknown = [
        name
        for name, row in ROWS.items()
        if row.kind not in ("element", "row")
        or not {*row.labels, *row.predictions} <= DOMAINS
    ]
    if missing or unknown:
        raise LookupError(f"kernels without a benchmark: {missing + unknown}")
