"""numba: the jobs of its loops."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np

from cells import FRESH, HESS, INTO, VALUE, Cell
from fastloss.app.peers.numba import ELEMENTWISE, ROWWISE, elementwise
from peers.base import Data, Job, Peer

# Those whose loops know weights and options.
WEIGHED = ("sparse_categorical_crossentropy_logits",)


class Numba(Peer):
    version = numba.__version__

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        numba.set_num_threads(threads)

    def job(self, cell: Cell, data: Data) -> Job | None:
        if cell.kernel in ELEMENTWISE:
            return self._elements(cell, data)
        if cell.kernel not in ROWWISE or cell.output == HESS:
            return None
        value, grad = ROWWISE[cell.kernel]
        bare = data.weight is None and not data.options
        options: tuple[Any, ...]
        if cell.kernel in WEIGHED:
            names = ("class_weight", "ignore_class", "label_smoothing")
            options = (data.weight, *(data.options.get(name) for name in names), None)
        elif bare:
            options = ()
        else:
            return None
        inputs = data.y_true, data.y_pred
        return _job(cell, data, value, grad, inputs, data.grad, options)

    def _elements(self, cell: Cell, data: Data) -> Job:
        loops = elementwise(cell.kernel)
        y, x, g, h = map(_flat, (data.y_true, data.y_pred, data.grad, data.hess))
        w = None if data.weight is None else _flat(data.weight)
        options = w, data.options.get("label_smoothing")
        if cell.output == HESS:
            return Job(
                partial(loops["gh"], y, x, g, h, *options),
                lambda _: (data.grad, data.hess),
            )
        return _job(cell, data, loops["v"], loops["vg"], (y, x), g, (*options, None))


def _flat(array: Any) -> Any:
    """One axis, of the same memory: loops over several do not become vectors."""
    return array.reshape(-1, order="A")


def _job(
    cell: Cell,
    data: Data,
    value: Callable[..., Any],
    grad: Callable[..., Any],
    inputs: tuple[Any, ...],
    into: Any,
    options: tuple[Any, ...],
) -> Job:
    """Value, or value and gradient; the last of `options` takes losses per sample."""

    def call(function: Callable[..., Any], *arrays: Any) -> tuple[Any, ...]:
        if not data.unreduced:
            return (function(*arrays, *options),)
        values = data.values if cell.output == INTO else np.empty_like(data.values)
        function(*arrays, *options[:-1], values)
        return (values,)

    if cell.output == VALUE:
        return Job(partial(call, value, *inputs), tuple)

    def fresh() -> tuple[Any, ...]:
        g = np.empty_like(into)
        return *call(grad, *inputs, g), g

    if cell.output == FRESH:
        order = "C" if data.grad.flags.c_contiguous else "F"
        return Job(fresh, lambda r: (r[0], r[1].reshape(data.grad.shape, order=order)))
    return Job(partial(call, grad, *inputs, into), lambda r: (*r, data.grad))
