"""fastloss."""

from __future__ import annotations

from functools import partial
from typing import Any

import fastloss as fl
from cells import FRESH, INTO, VALUE, Cell
from peers.base import Data, Job, Peer
from suite.inputs import LOSSES


class Fastloss(Peer):
    version = fl.__version__

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        fl.set_num_threads(threads)

    def job(self, cell: Cell, data: Data) -> Job:
        loss = LOSSES[cell.kernel]
        keywords = dict(data.options)
        if data.weight is not None:
            keywords["sample_weight"] = data.weight
        if cell.output == INTO:
            grad = data.grad
            keywords["out"] = (data.values, grad) if data.unreduced else grad
        elif cell.output not in (VALUE, FRESH):
            keywords["out"] = data.grad, data.hess
        method = {
            VALUE: loss,
            INTO: loss.value_and_grad,
            FRESH: loss.value_and_grad,
        }.get(cell.output, loss.grad_and_hess)
        run = partial(method, data.y_true, data.y_pred, **keywords)
        return Job(run, _one if cell.output == VALUE else tuple)


def _one(value: Any) -> tuple[Any, ...]:
    return (value,)
