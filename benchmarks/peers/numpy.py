"""The NumPy reference: the formulas of `fastloss.reference` and a mean."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from cells import HESS, VALUE, Cell
from fastloss import reference
from peers.base import Data, Job, Peer
from suite.inputs import LOSSES


class Reference(Peer):
    version = np.__version__

    def job(self, cell: Cell, data: Data) -> Job:
        loss = LOSSES[cell.kernel]
        formula = getattr(reference, type(loss).__name__)
        parameters = {
            f.name: getattr(loss, f.name) for f in fields(loss) if f.name != "reduction"
        }
        y, x = data.y_true, data.y_pred
        samples = x.size // (x.shape[-1] if x.ndim > 1 else 1)

        def value() -> tuple[Any, ...]:
            return (np.mean(formula.value(y, x, **parameters)),)

        def value_and_grad() -> tuple[Any, ...]:
            return *value(), formula.grad(y, x, **parameters) / samples

        def grad_and_hess() -> tuple[Any, ...]:
            return (
                formula.grad(y, x, **parameters) / samples,
                formula.hess(y, x, **parameters) / samples,
            )

        jobs = {VALUE: value, HESS: grad_and_hess}
        return Job(jobs.get(cell.output, value_and_grad), tuple)
