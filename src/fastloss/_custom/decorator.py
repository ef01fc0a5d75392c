"""`fastloss.custom`: a loss object from a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, overload

from fastloss.core.loss import Loss

from .compiler import TracedCompiler
from .functions import Call
from .journey import Recipe, reduced
from .refusal import TraceError
from .signature import (
    check_derivative,
    check_inputs,
    default,
    name_of,
    parameters_of,
)
from .untraced import NumpyCompiler

__all__ = ["custom"]


class FunctionLoss(Loss):
    """A loss made of a function; `custom` derives one class from it per function."""

    function: ClassVar[Callable[..., Any]]
    _recipe: ClassVar[Recipe]

    def __repr__(self) -> str:
        shown = super().__repr__().removeprefix(type(self).__name__)
        how = "" if self._compiler_of().traced else ", run as NumPy"
        return f"<custom loss {self.name}{shown}{how}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self, self._recipe, self._parameters_of())


@overload
def custom(
    function: Callable[..., Any],
    /,
    *,
    inputs: tuple[str, ...] | str = ...,
    grad: Callable[..., Any] | None = ...,
    hess: Callable[..., Any] | None = ...,
) -> Loss: ...
@overload
def custom(
    *,
    inputs: tuple[str, ...] | str = ...,
    grad: Callable[..., Any] | None = ...,
    hess: Callable[..., Any] | None = ...,
) -> Callable[[Callable[..., Any]], Loss]: ...
def custom(
    function: Callable[..., Any] | None = None,
    /,
    *,
    inputs: tuple[str, ...] | str = (),
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
        by element or over the last axis, the rows of predictions. It returns one
        number per sample, or their ``np.mean`` or ``np.sum``, which sets the default
        reduction. One that takes `y_pred` apart, ``mean, var = y_pred``, is a loss of
        several predictions, given as a tuple. Parameters need defaults. Numbers
        are run-time constants; booleans, strings and None may steer an ``if``.
    inputs : tuple of str, or str
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
    inputs = check_inputs(name_of(function), inputs)
    check_derivative("grad", grad)
    check_derivative("hess", hess)
    return _class_of(function, inputs, grad, hess)()


def _class_of(
    function: Callable[..., Any],
    inputs: tuple[str, ...],
    grad: Callable[..., Any] | None,
    hess: Callable[..., Any] | None,
) -> type[FunctionLoss]:
    parameters = parameters_of(function, inputs)
    functions = {"value": function}
    if grad is not None:
        functions["grad"] = grad
    if hess is not None:
        functions["hess"] = hess
    name = name_of(function)
    namespace: dict[str, Any] = {
        "__module__": getattr(function, "__module__", __name__),
        "__qualname__": getattr(function, "__qualname__", name),
        "__doc__": function.__doc__,
        "__annotations__": dict.fromkeys(parameters, Any),
        "name": name,
        "function": staticmethod(function),
        "inputs": inputs,
        "_recipe": (function, inputs, grad, hess),
        **{k: default(v) for k, v in parameters.items()},
    }
    runs = {name: Call(f, inputs) for name, f in functions.items()}
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
    cls: type[FunctionLoss] = type(name, (FunctionLoss,), namespace)
    return cls
