"""The calls that people make: what each changes of the plain one, and may cost.

A loss has a call if its row in the registry, or an option of its class, admits it:
a new loss has its calls by being registered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastloss as fl
from cells import HESS, INTO, VALUE, Cell
from peers.base import Data
from streaming import aligned
from suite.inputs import LOSSES, ROWS, make

Array = NDArray[Any]

# A call's time over the plain one's is to be at most the bytes' ratio times this.
OVERHEAD = 1.15
STRIDED = 1.5
# F-ordered rows of up to so many classes, and of more.
NARROW, F_NARROW, F_WIDE = 64, 1.5, 2.5
# One label in so many is ignored.
IGNORED = 10
# An element-wise call with two axes has about as many entries in so many rows.
F_ROWS = 991
OTHER = {"float32": "float64", "float64": "float32"}


@dataclass(frozen=True)
class Layout:
    """How an array lies in memory: `view` gives the array, `store` undoes it."""

    store: Callable[[Array], Array]
    view: Callable[[Any], Any]


C_ORDERED = Layout(lambda a: a, lambda a: a)
F_ORDERED = Layout(lambda a: np.ascontiguousarray(a.T), lambda a: a.T)
# With other values between.
EVERY_SECOND = Layout(lambda a: np.repeat(a, 2, axis=-1), lambda a: a[..., ::2])


@dataclass(frozen=True)
class Call:
    """What differs from the plain call."""

    name: str
    labels: str | None = None
    inputs: str | None = None
    weights: str | None = None
    layout: Layout = C_ORDERED
    option: str | None = None

    def has(self, cell: Cell) -> bool:
        """Whether the loss, dtype and output of a cell have this call."""
        row = ROWS[cell.kernel]
        if self.option and self.option not in _options(LOSSES[cell.kernel]):
            return False
        if self.labels and row.labels == ("class",):
            return False
        if self.labels == "bool" and row.labels != ("unit",):
            return False
        if self.option == "reduction" and cell.output == HESS:
            return False
        return not self.inputs or (
            self.inputs != cell.dtype and cell.output in (INTO, HESS)
        )

    def limit(self, cell: Cell, data: Data, plain: Data) -> float:
        """What the call may cost, the plain one being 1."""
        if self.layout is EVERY_SECOND:
            return STRIDED
        if self.layout is F_ORDERED and len(cell.shape) > 1:
            return F_NARROW if cell.shape[-1] <= NARROW else F_WIDE
        return OVERHEAD * max(1, _moved(cell, data) / _moved(cell, plain))


CALLS = {
    call.name: call
    for call in (
        Call("plain"),
        Call("weights float32", weights="float32"),
        Call("weights float64", weights="float64"),
        Call("labels int64", labels="int64"),
        Call("labels bool", labels="bool"),
        Call("labels of the other float", labels="other"),
        Call("every second element", layout=EVERY_SECOND),
        Call("F-ordered", layout=F_ORDERED),
        Call("float64 in, float32 out", inputs="float64"),
        Call("label_smoothing", option="label_smoothing"),
        Call("class_weight", option="class_weight"),
        Call("ignore_class", option="ignore_class"),
        Call("reduction none", option="reduction"),
    )
}


def _options(loss: fl.Loss) -> set[str]:
    return {field.name for field in fields(loss)}


def _moved(cell: Cell, data: Data) -> int:
    """Bytes that a call reads and writes.

    The derivatives of a mean need its divisor first, so what makes the divisor is read
    once more.
    """
    weight = [] if data.weight is None else [data.weight]
    arrays = [data.y_true, data.y_pred, *weight]
    if cell.output != VALUE:
        arrays += [data.grad, *weight]
        if not data.options.keys().isdisjoint(("class_weight", "ignore_class")):
            arrays.append(data.y_true)
    if cell.output == HESS:
        arrays.append(data.hess)
    if data.unreduced:
        arrays.append(data.values)
    return sum(array.nbytes for array in arrays)


def inputs(kernel: str, dtype: str, shape: tuple[int, ...], name: str) -> Data:
    """The arrays and options of a call."""
    call = CALLS[name]
    row = ROWS[kernel]
    if call.layout is F_ORDERED and len(shape) == 1:
        shape = (F_ROWS, shape[0] // F_ROWS)
    y, x = make(kernel, shape, call.inputs or dtype)
    rng = np.random.default_rng(1)
    if call.labels:
        whole = np.rint(y) if call.labels == "int64" else y
        y = whole.astype(OTHER[dtype] if call.labels == "other" else call.labels)
    samples = shape if row.kind == "element" else shape[:-1]
    weight = None
    if call.weights:
        weight = (0.5 + rng.random(samples)).astype(call.weights)
    options: dict[str, Any] = {}
    if call.option == "label_smoothing":
        options["label_smoothing"] = 0.1
    elif call.option == "class_weight":
        options["class_weight"] = (0.5 + rng.random(shape[-1])).astype(dtype)
    elif call.option == "ignore_class":
        options["ignore_class"] = -1
        y = np.where(rng.integers(IGNORED, size=y.shape) == 0, -1, y)
    elif call.option == "reduction":
        options["reduction"] = "none"
    return Data(
        stored=(call.layout.store(y), call.layout.store(x)),
        view=call.layout.view,
        grad=_out(call, shape, dtype),
        hess=_out(call, shape, dtype),
        values=aligned(samples, dtype),
        weight=weight,
        options=options,
    )


def _out(call: Call, shape: tuple[int, ...], dtype: str) -> Array:
    """An array for a derivative, in the order of the predictions."""
    if call.layout is F_ORDERED:
        return aligned(shape[::-1], dtype).T
    return aligned(shape, dtype)
