"""PyTorch on the CPU: eager with autograd, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from cells import FRESH, HESS, VALUE, Cell
from peers.base import Data, Job, Peer

Tensor = torch.Tensor


def _reducing(formula: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A formula per sample as a loss with a reduction, as PyTorch's own have it."""

    def loss(x: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
        values = formula(x, y)
        return values.mean() if reduction == "mean" else values

    return loss


# Of predictions, labels and a reduction; what PyTorch lacks is written in its words.
LOSSES: dict[str, Callable[..., Tensor]] = {
    "mean_squared_error": F.mse_loss,
    "mean_absolute_error": F.l1_loss,
    "huber": F.huber_loss,
    "hinge": _reducing(lambda x, y: torch.clamp_min(1 - y * x, 0)),
    "squared_hinge": _reducing(lambda x, y: torch.clamp_min(1 - y * x, 0) ** 2),
    "binary_crossentropy": F.binary_cross_entropy,
    "binary_crossentropy_logits": F.binary_cross_entropy_with_logits,
    "sparse_categorical_crossentropy": _reducing(
        lambda p, y: -torch.log(p.gather(1, y[:, None])[:, 0])
    ),
    "sparse_categorical_crossentropy_logits": F.cross_entropy,
    "categorical_crossentropy": _reducing(lambda p, q: -(q * torch.log(p)).sum(1)),
    "categorical_crossentropy_logits": F.cross_entropy,
}


def _results(result: Any) -> tuple[Any, ...]:
    tensors = result if isinstance(result, tuple) else (result,)
    value, *grad = (tensor.detach().numpy() for tensor in tensors)
    return float(value), *grad


class Eager(Peer):
    version = torch.__version__

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        torch.set_num_threads(threads)

    def job(self, cell: Cell, data: Data) -> Job | None:
        loss = LOSSES.get(cell.kernel)
        if loss is None or cell.output == HESS:
            return None
        x, y = torch.from_numpy(data.y_pred), torch.from_numpy(data.y_true)
        if cell.output == VALUE:
            return Job(lambda: loss(x, y), _results)
        x.requires_grad_()

        def step() -> tuple[Tensor, Tensor]:
            x.grad = None
            value = loss(x, y)
            value.backward()
            return value, x.grad

        return Job(step, _results)


class Compiled(Eager):
    """`torch.compile` of the whole step, gradient included, in one graph."""

    def job(self, cell: Cell, data: Data) -> Job | None:
        loss = LOSSES.get(cell.kernel)
        if loss is None or cell.output == HESS:
            return None
        x, y = torch.from_numpy(data.y_pred), torch.from_numpy(data.y_true)
        torch.compiler.reset()
        if cell.output == VALUE:
            value = torch.compile(loss)
            return Job(lambda: value(x, y), _results)

        def fresh(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            grad, value = torch.func.grad_and_value(loss)(x, y)
            return value, grad

        def into(x: Tensor, y: Tensor, out: Tensor) -> Tensor:
            value, grad = fresh(x, y)
            out.copy_(grad)
            return value

        if cell.output == FRESH:
            step = torch.compile(fresh)
            return Job(lambda: step(x, y), _results)
        step = torch.compile(into)
        out = torch.from_numpy(data.grad)
        return Job(lambda: (step(x, y, out), out), _results)
