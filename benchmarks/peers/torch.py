"""PyTorch on the CPU: eager with autograd, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from cells import FRESH, HESS, VALUE, Cell
from fastloss.app.peers.torch import LOSSES
from peers.base import Data, Job, Peer
from suite.inputs import ROWS

Tensor = torch.Tensor


# fastloss's options as keywords of `F.cross_entropy`.
KEYWORDS = {
    "class_weight": "weight",
    "label_smoothing": "label_smoothing",
    "ignore_class": "ignore_index",
}
Loss = Callable[..., tuple[Tensor, Tensor]]


def _loss(cell: Cell, data: Data) -> tuple[Loss, tuple[Tensor, ...]] | None:
    """The call as a function of predictions, labels and the returned tensors.

    It gives what is to be differentiated, and the result: both the mean, or the sum
    and the losses per sample. Labels become numbers of the predictions' dtype in it.
    """
    loss = LOSSES.get(cell.kernel)
    if loss is None or cell.output == HESS:
        return None
    row = ROWS[cell.kernel]
    classes, rows = row.labels == ("class",), row.kind == "row"
    options = {k: v for k, v in data.options.items() if k != "reduction"}
    tensors: tuple[Tensor, ...] = ()
    smoothing = 0.0
    if loss is F.cross_entropy:
        options = {KEYWORDS[name]: value for name, value in options.items()}
        if "weight" in options:
            tensors = (torch.from_numpy(options.pop("weight")),)
    elif options.keys() == {"label_smoothing"} and not rows:
        smoothing = options.pop("label_smoothing")
    elif options:
        return None
    if data.weight is not None:
        tensors = (torch.from_numpy(data.weight),)

    def labels(x: Tensor, y: Tensor) -> Tensor:
        if classes:
            return y
        y = y.to(x.dtype)
        return y * (1 - smoothing) + smoothing / 2 if smoothing else y

    def mean(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        value = loss(x, labels(x, y), **options)
        return value, value

    def weighted(x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        w = w.to(x.dtype)
        losses = loss(x, labels(x, y), reduction="none")
        value = (w * losses).sum() / w.sum()
        return value, value

    def class_weighted(x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        if classes:
            value = loss(x, y, weight=w)
        else:  # PyTorch's mean of probabilities divides by the number of rows
            q = labels(x, y)
            value = loss(x, q, weight=w, reduction="sum") / (q @ w).sum()
        return value, value

    def unreduced(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        losses = loss(x, labels(x, y), reduction="none")
        return losses.sum(), losses

    if data.unreduced:
        return unreduced, tensors
    if data.weight is not None:
        return weighted, tensors
    return (class_weighted if tensors else mean), tensors


def _results(result: Any) -> tuple[Any, ...]:
    tensors = result if isinstance(result, tuple) else (result,)
    return tuple(tensor.detach().numpy() for tensor in tensors)


def _inputs(data: Data) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(data.y_pred), torch.from_numpy(data.y_true)


class Eager(Peer):
    version = torch.__version__

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        torch.set_num_threads(threads)

    def job(self, cell: Cell, data: Data) -> Job | None:
        found = _loss(cell, data)
        if found is None:
            return None
        loss, tensors = found
        x, y = _inputs(data)
        if cell.output == VALUE:
            return Job(lambda: loss(x, y, *tensors)[1], _results)
        x.requires_grad_()
        dtype = torch.from_numpy(data.grad).dtype

        def step() -> tuple[Tensor, Tensor]:
            x.grad = None
            total, result = loss(x, y, *tensors)
            total.backward()
            return result, x.grad.to(dtype)

        return Job(step, _results)


class Compiled(Eager):
    """`torch.compile` of the whole step, gradient included, in one graph."""

    def job(self, cell: Cell, data: Data) -> Job | None:
        found = _loss(cell, data)
        if found is None:
            return None
        loss, tensors = found
        x, y = _inputs(data)
        out = torch.from_numpy(data.grad)
        torch.compiler.reset()
        if cell.output == VALUE:
            value = torch.compile(lambda *inputs: loss(*inputs)[1])
            return Job(lambda: value(x, y, *tensors), _results)

        def fresh(*inputs: Tensor) -> tuple[Tensor, Tensor]:
            grad, (_, result) = torch.func.grad_and_value(loss, has_aux=True)(*inputs)
            return result, grad.to(out.dtype)

        def into(out: Tensor, *inputs: Tensor) -> Tensor:
            result, grad = fresh(*inputs)
            out.copy_(grad)
            return result

        if cell.output == FRESH:
            step = torch.compile(fresh)
            return Job(lambda: step(x, y, *tensors), _results)
        if data.unreduced:
            values = torch.from_numpy(data.values)

            def both(values: Tensor, out: Tensor, *inputs: Tensor) -> None:
                values.copy_(into(out, *inputs))

            step = torch.compile(both)
            return Job(
                lambda: (step(values, out, x, y, *tensors), values, out)[1:], _results
            )
        step = torch.compile(into)
        return Job(lambda: (step(out, x, y, *tensors), out), _results)
