"""The formulas of element-wise losses: those of `fastloss.reference`, traced."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fastloss import reference
from fastloss._formula import Formula

from .compiler import TracedCompiler
from .functions import Call

if TYPE_CHECKING:
    from fastloss.core.loss import Loss

__all__ = ["formula"]


def formula(loss: Loss, name: str) -> Formula:
    """Value, grad or hess of a loss as a formula."""
    parameters = reference.parameters(loss)
    numbers = dict(parameters)
    if "eps" in numbers and numbers["eps"] is None:  # the machine epsilon of a dtype
        numbers["eps"] = float(np.finfo(float).eps)
    return _compiler(type(loss).__name__).formula(numbers, name)


@cache
def _compiler(name: str) -> TracedCompiler:
    formulas = getattr(reference, name)
    outputs = ("value", "grad", "hess")
    return TracedCompiler({o: Call(getattr(formulas, o)) for o in outputs})
