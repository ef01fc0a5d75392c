"""A user's function as one of arrays and parameters by name."""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .trace import Symbol
from .tracing import present

__all__ = ["Call", "Function", "Method"]


class Function(Protocol):
    """A loss function with its arrays and parameters by name."""

    @property
    def written(self) -> Any:
        """What the user wrote: a function or a class."""

    def __call__(
        self, arrays: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> Any: ...


class Call:
    """A function of ``(y_true, y_pred, **inputs, **parameters)``."""

    def __init__(
        self, function: Callable[..., Any], inputs: tuple[str, ...] = ()
    ) -> None:
        self.written = function
        self.inputs = inputs

    def __call__(self, arrays: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        extra = {name: arrays[name] for name in self.inputs}
        run = self.written if present() is None else measuring(self.written)
        return run(arrays["y_true"], arrays["y_pred"], **extra, **parameters)


class Method:
    """The method ``call`` of a loss class.

    It runs on an instance whose parameters are the given ones, symbols while tracing.
    """

    def __init__(self, cls: Any, inputs: tuple[str, ...]) -> None:
        self.written = cls
        self.inputs = inputs

    def __call__(self, arrays: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        stand_in = self.written._stand_in(parameters)
        extra = {name: arrays[name] for name in self.inputs}
        run = stand_in.call if present() is None else measuring(stand_in.call)
        return run(arrays["y_true"], arrays["y_pred"], **extra)


def measuring(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with a ``len`` that a trace can follow.

    Python's own must return an integer, and makes an error of anything else.
    """
    if isinstance(function, functools.partial):
        inner = measuring(function.func)
        return functools.partial(inner, *function.args, **function.keywords)
    if isinstance(function, types.MethodType):
        return types.MethodType(measuring(function.__func__), function.__self__)
    if not isinstance(function, types.FunctionType) or "len" in function.__globals__:
        return function
    copy = types.FunctionType(
        function.__code__,
        {**function.__globals__, "len": _len},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _len(x: Any) -> Any:
    """The number of samples along the first axis."""
    return x.shape[0] if type(x) is Symbol and x.array else builtins.len(x)
