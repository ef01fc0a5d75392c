"""A user's function as one of arrays and parameters by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

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
        return self.written(arrays["y_true"], arrays["y_pred"], **extra, **parameters)


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
        return stand_in.call(arrays["y_true"], arrays["y_pred"], **extra)
