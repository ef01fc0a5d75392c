"""What a loss function takes: labels, predictions, inputs and parameters."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from fastloss.core import _bridge
from fastloss.core.loss import Loss

__all__ = [
    "check_derivative",
    "check_inputs",
    "check_name",
    "default",
    "name_of",
    "parameters_of",
]

_OF_A_CALL = frozenset({"self", "y_true", "y_pred", "sample_weight", "out"})
_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)
_HOW = "write def loss(y_true, y_pred, *, alpha=1.0): ..."


def name_of(function: Any) -> str:
    """Return what to call a callable."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def default(value: Any) -> Any:
    """Return what makes a default of a field; mutable ones are copied."""
    if type(value).__hash__ is not None:
        return value
    return dataclasses.field(default_factory=functools.partial(copy.deepcopy, value))


def check_derivative(order: str, given: Any) -> None:
    """Refuse a derivative that is numbers and not a function of the arguments."""
    if given is not None and not callable(given):
        raise TypeError(
            f"{order} is {type(given).__name__}, a function of the arguments of the "
            f"loss is expected: {order}=lambda y_true, y_pred: np.ones_like(y_pred)"
        )


def check_name(owner: str, name: str) -> None:
    """Refuse the name of an input or a parameter that means something already."""
    of_losses = hasattr(Loss, name) and name not in getattr(
        Loss, "__dataclass_fields__", {}
    )
    if name == "name":
        raise TypeError(
            f"{owner}: the name 'name' belongs to every loss, and is that of its class "
            "or function: leave it out"
        )
    if of_losses or name in _OF_A_CALL or name == "function":
        raise TypeError(
            f"{owner}: the name {name!r} belongs to every loss: call it {name}_ or "
            "otherwise"
        )


def check_inputs(owner: str, inputs: Any) -> tuple[str, ...]:
    """Return the names of the inputs; one may be given as it is."""
    names = (inputs,) if isinstance(inputs, str | int) else tuple(inputs)
    for name in names:
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(
                f"{owner}: inputs names {name!r}: a tuple of names is expected, as "
                'inputs=("margin",)'
            )
        if names.count(name) > 1:
            raise TypeError(f"{owner}: inputs names {name!r} twice")
        if name == "reduction":
            raise TypeError(f"{owner}: the name {name!r} belongs to every loss")
        check_name(owner, name)
    if len(names) > _bridge.MAX_INPUTS - 2:
        raise TypeError(
            f"{owner} has {len(names)} inputs, at most {_bridge.MAX_INPUTS - 2} fit"
        )
    return names


def parameters_of(
    function: Callable[..., Any], inputs: tuple[str, ...]
) -> dict[str, Any]:
    """Return the parameters of a loss function and their defaults."""
    name = name_of(function)
    arguments = _arguments(function, name)
    if len(arguments) < 2 or any(a.kind not in _POSITIONAL for a in arguments[:2]):
        raise TypeError(
            f"{name} must take (y_true, y_pred) as its first arguments: {_HOW}"
        )
    if arguments[0].name == "y_pred" or arguments[1].name == "y_true":
        raise TypeError(
            f"{name} takes ({arguments[0].name}, {arguments[1].name}), and labels come "
            f"first: {_HOW}"
        )
    defaults = {}
    for argument in arguments[2:]:
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise TypeError(f"{name} takes {argument}: name its parameters one by one")
        if argument.name in inputs:
            continue
        if argument.default is argument.empty:
            raise TypeError(
                f"{name}: give the parameter {argument.name!r} a default, or name it "
                "in inputs=(...) if it is an array of one number per sample"
            )
        if argument.name == "reduction":
            raise TypeError(f"{name}: the name 'reduction' belongs to every loss")
        check_name(name, argument.name)
        defaults[argument.name] = copy.deepcopy(argument.default)
    missing = [i for i in inputs if i not in {a.name for a in arguments[2:]}]
    if missing:
        raise TypeError(f"{name} has no argument {missing[0]!r}, which inputs names")
    return defaults


def _arguments(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    if isinstance(function, Loss):
        raise TypeError(f"{name} is a loss already: use it as it is")
    if isinstance(function, np.ufunc):
        raise TypeError(
            f"{name} is a ufunc, whose arguments have no names: write "
            f"fl.custom(lambda y_true, y_pred: np.{name}(y_true, y_pred))"
        )
    if not callable(function) or isinstance(function, type):
        raise TypeError(
            f"{function!r} is no function of labels and predictions: {_HOW}"
        )
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError:
        raise TypeError(f"the arguments of {name} are unknown: {_HOW}") from None
