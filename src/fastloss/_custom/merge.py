"""What of a custom loss may be computed of parts of the samples and put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .binding import bind, is_number
from .compiler import TracedCompiler
from .counts import LENGTH, SIZE, assigned, counts
from .graph import Node, reductions
from .statistic import Statistic
from .untraced import NumpyCompiler

__all__ = ["refusal", "statistic_of", "total_programs", "value_of"]


def statistic_of(loss: Any) -> Statistic | None:
    """Return the loss of sums that it is, if it is one."""
    compiler = loss._compiler
    if compiler is None:
        return None
    found: Statistic | None = compiler.statistic(loss._own_parameters())
    return found


def refusal(loss: Any) -> str | None:
    """Say why the sums of parts are not those of the whole, if they are not."""
    compiler: TracedCompiler | NumpyCompiler = loss._compiler
    if isinstance(compiler, NumpyCompiler):
        return None
    found = compiler.expressions(loss._own_parameters())
    if found.statistic is None:
        if _of_size(found.value, 5) is _of_size(found.value, 7):
            return None
        return "the loss of a sample depends on the number of all samples"
    if LENGTH in counts(found.value):
        return "it depends on y_true.shape[0], which no part knows; use y_true.size"
    for total in reductions(found.value):
        if reductions(total.args[0]):
            return "a mean or a sum is inside another, which needs all samples first"
        if counts(total.args[0]):
            return "a sum depends on the number of all samples"
    return None


def _of_size(root: Node, samples: int) -> Node:
    return assigned(root, {SIZE: samples, LENGTH: samples})


def _numbers(loss: Any, samples: int) -> dict[str, float]:
    parameters: Mapping[str, Any] = loss._own_parameters()
    known = {k: float(v) for k, v in parameters.items() if is_number(v)}
    return {**known, SIZE: float(samples)}


def total_programs(loss: Any) -> list[Any]:
    """Return a program for each mean and sum, inner ones first."""
    statistic = statistic_of(loss)
    assert statistic is not None
    numbers = _numbers(loss, 0)
    return [bind(program, numbers) for program in statistic.programs]


def value_of(loss: Any, samples: int, totals: Sequence[float], divisor: float) -> float:
    """Return the loss of so many samples whose weighted sums and weights are these."""
    statistic = statistic_of(loss)
    assert statistic is not None
    return statistic.of(totals, divisor, _numbers(loss, samples))
