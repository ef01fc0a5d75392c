"""A user's function as one of arrays and parameters by name."""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from . import axes
from .refusal import refuse
from .symbol import Symbol
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
    """Return the function with what a trace can follow in place of what it cannot.

    Python's ``len`` must return an integer, and makes an error of anything else;
    SciPy's functions of rows make NumPy arrays of what they are given.
    """
    if isinstance(function, functools.partial):
        inner = measuring(function.func)
        return functools.partial(inner, *function.args, **function.keywords)
    if isinstance(function, types.MethodType):
        return types.MethodType(measuring(function.__func__), function.__self__)
    if not isinstance(function, types.FunctionType):
        return function
    names = function.__globals__
    copy = types.FunctionType(
        function.__code__,
        {"len": _len, **names, **_of_scipy(function.__code__.co_names, names)},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _len(x: Any) -> Any:
    """The number of samples along the first axis."""
    return x.shape[0] if type(x) is Symbol and x.array else builtins.len(x)


def _of_scipy(names: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands for SciPy's functions of rows, and for their modules."""
    found = {name: _followed(known[name]) for name in names if name in known}
    return {name: x for name, x in found.items() if x is not None}


def _followed(x: Any) -> Any:
    """Return what stands for a function or a module of SciPy, or None."""
    if isinstance(x, types.ModuleType) and x.__name__ in ("scipy", "scipy.special"):
        return _Module(x)
    if str(getattr(x, "__module__", "")).startswith("scipy.special"):
        return _ROWS.get(getattr(x, "__name__", ""))
    return None


class _Module:
    """A module of SciPy, its functions of rows being those of `fastloss.math`."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        x = getattr(self._module, name)
        return _followed(x) or x


def _logsumexp(a: Any, axis: Any = None, b: Any = None, **kwargs: Any) -> Any:
    if b is not None:
        refuse(
            "scipy.special.logsumexp is given b",
            "write np.log(np.sum(b * np.exp(a), axis=-1))",
        )
    return axes.logsumexp(a, axis, **kwargs)


def _softmax(x: Any, axis: Any = None) -> Any:
    return axes.softmax(x, axis)


def _log_softmax(x: Any, axis: Any = None) -> Any:
    return axes.log_softmax(x, axis)


_ROWS = {"logsumexp": _logsumexp, "softmax": _softmax, "log_softmax": _log_softmax}
