"""The formulas of element-wise losses: those of `fastloss.reference`, traced.

The reference guards its products: what has the weight 0 is 0, even of a NaN or an
infinite factor. A textbook leaves that to the reader, and so do the formulas here where
the product is 0 by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from fastloss import reference
from fastloss._formula import Formula

from .compiler import TracedCompiler
from .functions import Call
from .graph import LEAVES, Node, const, node, walk
from .render import formula as rendered

if TYPE_CHECKING:
    from fastloss.core.loss import Loss

__all__ = ["formula"]

#: What can be infinite at a finite operand.
_STEEP = frozenset({"div", "log", "log1p", "log_mixture", "power"})


def formula(loss: Loss, name: str) -> Formula:
    """Value, grad or hess of a loss as a formula."""
    parameters = reference.parameters(loss)
    numbers = dict(parameters)
    if "eps" in numbers and numbers["eps"] is None:  # the machine epsilon of a dtype
        numbers["eps"] = float(np.finfo(float).eps)
    traced = _compiler(type(loss).__name__).expressions(numbers)
    return rendered(_without_guards(traced.result(name), {}))


@cache
def _compiler(name: str) -> TracedCompiler:
    formulas = getattr(reference, name)
    outputs = ("value", "grad", "hess")
    return TracedCompiler({o: Call(getattr(formulas, o)) for o in outputs})


def _without_guards(x: Node, known: Mapping[Node, bool]) -> Node:
    """The expression where conditions have the known outcomes."""
    if x.op in LEAVES:
        return x
    if x.op == "nan_if":
        return _without_guards(x.args[0], known)
    if x.op == "where":
        condition, *branches = x.args
        if condition in known:
            return _without_guards(branches[not known[condition]], known)
        chosen = [
            _without_guards(branch, {**known, condition: outcome})
            for branch, outcome in zip(branches, (True, False), strict=True)
        ]
        zero = condition.op == "eq" and condition.args[1] is const(0)
        if zero and chosen[0] is const(0):
            weight = _without_guards(condition.args[0], known)
            if _vanishes(chosen[1], weight):
                return chosen[1]
        return node("where", _without_guards(condition, known), *chosen)
    args = tuple(_without_guards(arg, known) for arg in x.args)
    if x.op == "exp" and args[0].op == "mul" and args[0].args[1].op == "log_mixture":
        exponent, log = args[0].args
        return node("power", node("mixture", *log.args), exponent)
    if x.op == "div" and args[0] is const(0):
        return const(0)
    return node(x.op, *args, value=x.value)


def _vanishes(x: Node, weight: Node) -> bool:
    """Whether x is surely 0 where the weight is."""
    if x.op == weight.op == "where" and x.args[0] is weight.args[0]:
        zeros = x.args[2] is weight.args[2] is const(0)
        return zeros and _vanishes(x.args[1], weight.args[1])
    factors = _factors(x)
    for part in _factors(weight):
        if part not in factors:
            return False
        factors.remove(part)
    return not any(
        each.op in _STEEP and each.leaves & weight.leaves for each in walk(*factors)
    )


def _factors(x: Node) -> list[Node]:
    """Of a product; a power, whose exponent is positive here, is its base."""
    if x.op == "mul":
        return [part for arg in x.args for part in _factors(arg)]
    if x.op in ("neg", "power"):
        return _factors(x.args[0])
    return [x]
