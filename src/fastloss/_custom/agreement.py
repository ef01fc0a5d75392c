"""Whether the formulas of a loss are what NumPy computes of a few numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import CodeType
from typing import Any

import numpy as np

from .binding import is_number
from .counts import LENGTH, SIZE, assigned
from .expressions import Expressions
from .heads import names_of
from .numbers import number_of
from .refusal import TraceError, tell_at
from .runs import Runs

#: Functions that see what a symbol is.
SEEING = frozenset({"type", "id"})


def compare(
    found: Expressions,
    runs: Runs,
    parameters: Mapping[str, Any],
    codes: Sequence[CodeType],
) -> None:
    """Refuse formulas that are not what NumPy computes of a few numbers."""
    rows = {
        name: np.array([1.0, 0.25, 0.0, 2.0, -0.75]) + 0.125 * i
        for i, name in enumerate(runs.arrays(found.heads))
    }
    given: dict[str, Any] = dict(rows)
    if found.heads:
        given["y_pred"] = tuple(rows[name] for name in names_of(found.heads))
    numbers = {k: float(v) for k, v in parameters.items() if is_number(v)}
    numbers |= {SIZE: 5.0, LENGTH: 5.0}
    for name, function in runs.functions.items():
        if found.statistic is not None:
            traced = np.array(found.statistic.over(rows, numbers))
        else:
            traced = np.array(
                [
                    number_of(assigned(found.result(name), {**numbers, **row}))
                    for row in (
                        dict(zip(rows, column, strict=True))
                        for column in zip(*rows.values(), strict=True)
                    )
                ]
            )
            if name == "value" and found.reduction is not None:
                traced = getattr(np, found.reduction)(traced)
        try:
            with np.errstate(all="ignore"):
                run = np.asarray(function(given, parameters), dtype=float)
        except Exception:  # there is no value to compare with
            continue
        known = np.isfinite(run)
        if not np.allclose(np.broadcast_to(traced, run.shape)[known], run[known]):
            raise TraceError(
                tell_at(
                    "type() or id() sees that a trace has stand-ins for arrays and "
                    "numbers, and the formula is not what NumPy computes",
                    "write isinstance(x, float), or compare values: x == 1",
                    codes,
                    SEEING,
                )
            )
