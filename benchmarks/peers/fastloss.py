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
        inputs = data.y_true, data.y_pred
        if cell.output == VALUE:
            return Job(partial(loss, *inputs), _one)
        if cell.output == INTO:
            return Job(partial(loss.value_and_grad, *inputs, out=data.grad), tuple)
        if cell.output == FRESH:
            return Job(partial(loss.value_and_grad, *inputs), tuple)
        out = data.grad, data.hess
        return Job(partial(loss.grad_and_hess, *inputs, out=out), tuple)


def _one(value: float) -> tuple[Any, ...]:
    return (value,)
