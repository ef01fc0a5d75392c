"""The NumPy reference: the formulas of `fastloss.reference`, reduced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cells import HESS, VALUE, Cell
from fastloss import reference
from peers.base import Data, Job, Peer
from suite.inputs import LOSSES, ROWS


class Reference(Peer):
    version = np.__version__

    def job(self, cell: Cell, data: Data) -> Job:
        loss = replace(LOSSES[cell.kernel], **data.options)
        method = {VALUE: reference.cost, HESS: reference.grad_and_hess}.get(
            cell.output, reference.value_and_grad
        )
        classes = ROWS[cell.kernel].labels == ("class",)

        def run() -> Any:
            x, y = data.y_pred, data.y_true
            labels = y if classes else y.astype(x.dtype, copy=False)
            return method(loss, labels, x, data.weight)

        return Job(run, _one if cell.output == VALUE else tuple)


def _one(value: Any) -> tuple[Any, ...]:
    return (value,)
