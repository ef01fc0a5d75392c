"""The formulas of element-wise losses: those of `fastloss.reference`, traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fastloss import reference

from .compiler import Function, TracedCompiler
from .render import Formula

if TYPE_CHECKING:
    from fastloss.core.loss import Loss

__all__ = ["formula"]


def formula(loss: Loss, name: str) -> Formula:
    """Value, grad or hess of a loss as a formula."""
    parameters = reference.parameters(loss)
    # None is the machine epsilon of a dtype, a number of the same name.
    epsilon = float(np.finfo(float).eps)
    numbers = {k: epsilon if v is None else v for k, v in parameters.items()}
    return _compiler(type(loss).__name__).formula(numbers, name)


@cache
def _compiler(name: str) -> TracedCompiler:
    formulas = getattr(reference, name)
    outputs = ("value", "grad", "hess")
    return TracedCompiler({o: _function(getattr(formulas, o)) for o in outputs})


def _function(formula: Callable[..., Any]) -> Function:
    def run(arrays: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        return formula(arrays["y_true"], arrays["y_pred"], **parameters)

    return run
