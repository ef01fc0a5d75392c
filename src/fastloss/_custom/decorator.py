"""`fastloss.custom`: a loss object from a function."""

from __future__ import annotations

import inspect
import pickle
import sys
from collections.abc import Callable
from typing import Any, ClassVar, overload

from fastloss.core import _bridge
from fastloss.core.loss import Loss

from .compiler import NumpyCompiler, TracedCompiler, call_of
from .trace import TraceError

__all__ = ["custom"]


class FunctionLoss(Loss):
    """A loss made of a function; `custom` derives one class from it per function."""

    function: ClassVar[Callable[..., Any]]

    def __repr__(self) -> str:
        shown = super().__repr__().removeprefix(type(self).__name__)
        how = "" if self._compiler_of().traced else ", run as NumPy"
        return f"<custom loss {self.name}{shown}{how}>"

    def __reduce__(self) -> tuple[Any, ...]:
        function = self.function
        module, path = function.__module__, function.__qualname__
        if type(_looked_up(module, path)) is not type(self):
            raise pickle.PicklingError(
                f"{self!r} is pickled by reference, but {module}.{path} is not it: "
                "give the loss the name of its function, at the top level of a module"
            )
        return _restored, (module, path, self._parameters_of())


def _looked_up(module: str, path: str) -> Any:
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _restored(module: str, path: str, parameters: dict[str, Any]) -> Loss:
    __import__(module)
    cls: type[Loss] = type(_looked_up(module, path))
    return cls(**parameters)


@overload
def custom(
    function: Callable[..., Any],
    /,
    *,
    inputs: tuple[str, ...] = ...,
    grad: Callable[..., Any] | None = ...,
    hess: Callable[..., Any] | None = ...,
) -> Loss: ...
@overload
def custom(
    *,
    inputs: tuple[str, ...] = ...,
    grad: Callable[..., Any] | None = ...,
    hess: Callable[..., Any] | None = ...,
) -> Callable[[Callable[..., Any]], Loss]: ...
def custom(
    function: Callable[..., Any] | None = None,
    /,
    *,
    inputs: tuple[str, ...] = (),
    grad: Callable[..., Any] | None = None,
    hess: Callable[..., Any] | None = None,
) -> Loss | Callable[[Callable[..., Any]], Loss]:
    """Make a loss of a NumPy function of ``(y_true, y_pred)``.

    The function is called once with symbolic arrays. Its formula is differentiated,
    brought to a stable form and run by the engine as the built-in losses are: same
    methods, threads, weights, reductions, dtypes and bit guarantees.

    Parameters
    ----------
    function : callable
        ``f(y_true, y_pred, *, alpha=0.7, ...)``, arithmetic and NumPy functions element
        by element. It returns one number per sample, or their ``np.mean`` or
        ``np.sum``, which sets the default reduction. Parameters need defaults. Numbers
        are run-time constants; booleans, strings and None may steer an ``if``.
    inputs : tuple of str
        Names of further arrays of the shape of ``y_pred``, arguments of the function,
        passed by keyword at every call.
    grad, hess : callable, optional
        Derivatives per sample with respect to ``y_pred``, of the function's arguments,
        instead of derived ones. With them a function that cannot be traced works too:
        it is run as NumPy, and the repr says so.

    Returns
    -------
    Loss
        Or a decorator, without `function`.

    Raises
    ------
    TraceError
        The function does something that has no compiled form. The message shows the
        line and says what to write instead.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> @fl.custom
    ... def asymmetric(y_true, y_pred, *, alpha=0.7):
    ...     r = y_true - y_pred
    ...     return np.where(r > 0, alpha * r**2, (1 - alpha) * r**2)
    >>> asymmetric([1.0, 2.0], [0.0, 3.0], alpha=0.75)
    0.5
    >>> asymmetric.grad([1.0, 2.0], [0.0, 3.0], alpha=0.75)
    array([-0.75,  0.25])
    """
    if function is None:
        return lambda f: custom(f, inputs=inputs, grad=grad, hess=hess)
    inputs = tuple(inputs)
    parameters = _parameters_of(function, inputs)
    functions = {"value": function}
    if grad is not None:
        functions["grad"] = grad
    if hess is not None:
        functions["hess"] = hess
    namespace: dict[str, Any] = {
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "__doc__": function.__doc__,
        "__annotations__": dict.fromkeys(parameters, Any),
        "name": function.__name__,
        "function": staticmethod(function),
        "inputs": inputs,
        **parameters,
    }
    runs = {name: call_of(f, inputs) for name, f in functions.items()}
    compiler: TracedCompiler | NumpyCompiler = TracedCompiler(runs, inputs)
    try:
        found = compiler.expressions(parameters)
        if found.reduction is not None:
            namespace["reduction"] = found.reduction
            namespace["__annotations__"]["reduction"] = str
    except TraceError as reason:
        if grad is None:
            raise
        compiler = NumpyCompiler(runs, inputs, reason)
    except NameError:
        pass  # a helper defined further down: the first call traces
    namespace["_compiler"] = compiler
    cls: type[FunctionLoss] = type(function.__name__, (FunctionLoss,), namespace)
    return cls()


def _parameters_of(
    function: Callable[..., Any], inputs: tuple[str, ...]
) -> dict[str, Any]:
    """Return the parameters of a loss function and their defaults."""
    arguments = list(inspect.signature(function).parameters.values())
    name = getattr(function, "__name__", repr(function))
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    if len(arguments) < 2 or any(a.kind not in positional for a in arguments[:2]):
        raise TypeError(f"{name} must take (y_true, y_pred) as its first arguments")
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
        if hasattr(Loss, argument.name):
            raise TypeError(f"{name}: the name {argument.name!r} belongs to every loss")
        defaults[argument.name] = argument.default
    if len(inputs) > _bridge.MAX_INPUTS - 2:
        raise TypeError(
            f"{name} has {len(inputs)} inputs, at most {_bridge.MAX_INPUTS - 2} fit"
        )
    missing = [i for i in inputs if i not in {a.name for a in arguments[2:]}]
    if missing:
        raise TypeError(f"{name} has no argument {missing[0]!r}, which inputs names")
    return defaults
