"""Tracing: a NumPy function called once with symbolic arrays.

`Symbol` answers NumPy's ufunc and array-function protocols by building graph nodes.
Whatever cannot become part of an element-wise formula is refused with a `TraceError`
that shows the line of the user's source and says what to write instead.
"""

from __future__ import annotations

import linecache
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .graph import OPERATIONS, Node, const, node
from .numbers import evaluate_graph
from .simplify import build, div, mul, neg

_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__))
_NUMPY_FOLDER = os.path.dirname(os.path.abspath(np.__file__))


class TraceError(TypeError):
    """A loss function does something that cannot be compiled.

    The message names the source line and says what to write instead.
    """

    __module__ = "fastloss"


@dataclass
class _Tracing:
    """What one run of a function has read from its parameters' present values."""

    values: Mapping[str, float]
    reads: list[tuple[Node, float]] = field(default_factory=list)

    def read(self, x: Node) -> float:
        number = evaluate_graph([x], self.values)[x]
        self.reads.append((x, number))
        return number


_state = threading.local()


@contextmanager
def tracing(values: Mapping[str, float]) -> Iterator[list[tuple[Node, float]]]:
    """Give parameters their values; yield the list of what is read of them."""
    outer = getattr(_state, "tracing", None)
    _state.tracing = _Tracing(values)
    try:
        yield _state.tracing.reads
    finally:
        _state.tracing = outer


def refuse(what: str, remedy: str) -> NoReturn:
    """Raise a `TraceError` at the innermost line of the user's code."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_internal(frame.f_code.co_filename):
        frame = frame.f_back
    name, number = frame.f_code.co_filename, frame.f_lineno
    line = linecache.getline(name, number).strip()
    place = f'File "{name}", line {number}, in {frame.f_code.co_name}'
    source = f"\n    {line}" if line else ""
    raise TraceError(f"{what}\n  {place}{source}\n  {remedy}")


def _is_internal(filename: str) -> bool:
    folder = os.path.dirname(os.path.abspath(filename))
    return folder == _OWN_FOLDER or folder.startswith(_NUMPY_FOLDER)


# -- reading values --------------------------------------------------------------------


def _read(symbol: Symbol, what: str, remedy: str) -> float:
    """Return the value of an expression of parameters; refuse one of arrays."""
    present = getattr(_state, "tracing", None)
    if not symbol.node.uniform or present is None:
        refuse(what, remedy)
    return float(present.read(symbol.node))


def as_node(x: object) -> Node:
    """Return the node of a symbol or of a number."""
    if isinstance(x, Symbol):
        return x.node
    if isinstance(x, Reduced):
        x.refuse_middle()
    if isinstance(x, (bool, int, float, np.bool_, np.integer, np.floating)):
        return const(float(x))
    if isinstance(x, np.ndarray) and x.dtype.kind in "biuf":
        if x.ndim == 0:
            return const(float(x))
        refuse(
            f"an array of shape {x.shape} is used that is not an argument",
            'make it a named input: @fl.custom(inputs=("name",)), passed at each call',
        )
    refuse(
        f"{type(x).__name__} {x!r} has no place in an element-wise formula",
        "use y_true, y_pred, named inputs, parameters and real numbers",
    )


# -- symbolic arrays -------------------------------------------------------------------

_IN_BOOLEAN_CONTEXT = (
    "write np.where(condition, a, b) for a choice, np.maximum or np.clip for a bound; "
    "each sample takes its own branch"
)
_IN_PLACE = "arrays are immutable here: write r = r + ..., or np.where for a part of it"
_NO_LOOP = (
    "drop the loop or the index: the formula is applied to every sample; values of "
    "other samples are out of reach, further arrays can be named inputs"
)
_NUMBER = "use NumPy's or fl.math's function of that name, which takes whole arrays"


class Symbol(NDArrayOperatorsMixin):
    """A stand-in for an array, or for a parameter, while a loss is traced."""

    __slots__ = ("node",)
    __hash__ = object.__hash__
    node: Node

    def __init__(self, x: Node) -> None:
        self.node = x

    def __repr__(self) -> str:
        return f"<symbolic {self.node!r}>"

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: Any
    ) -> Any:
        return _apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return _apply_function(function, args, kwargs)

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        refuse(
            "a symbolic array is turned into a NumPy array",
            "leave out np.asarray and the like (arguments are arrays already), and "
            "call functions that NumPy routes: ufuncs, np.where, np.clip, np.mean, "
            "np.sum; another function works through fl.custom(fn, grad=gn, hess=hn)",
        )

    def __bool__(self) -> bool:
        return bool(
            _read(
                self,
                "a condition on data decides which code runs",
                _IN_BOOLEAN_CONTEXT,
            )
        )

    def __float__(self) -> float:
        return _read(self, "an array is used as one number", _NUMBER)

    def __int__(self) -> int:
        return int(_read(self, "an array is used as one integer", _NUMBER))

    def __index__(self) -> int:
        number = _read(self, "an array is used as an index or a count", _NO_LOOP)
        if number != int(number):
            raise TypeError(f"{number!r} is not an integer")
        return int(number)

    def __iter__(self) -> NoReturn:
        refuse("a loop runs over the samples", _NO_LOOP)

    def _no_length(self) -> NoReturn:
        refuse(
            "len() of an array: the number of samples is not known while tracing",
            "write np.mean(...) instead of np.sum(...) / len(...)",
        )

    __len__ = _no_length

    def __getitem__(self, key: object) -> NoReturn:
        refuse("an array is indexed", _NO_LOOP)

    def __setitem__(self, key: object, value: object) -> NoReturn:
        refuse(
            "an array is assigned to in place",
            "write np.where(condition, value, array) instead",
        )

    def __contains__(self, key: object) -> NoReturn:
        refuse("a membership test looks at the samples", _IN_BOOLEAN_CONTEXT)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        remedy = _ATTRIBUTES.get(name, "use NumPy's functions on whole arrays")
        refuse(f".{name} of an array is not available while tracing", remedy)

    @property
    def size(self) -> Count:
        return Count()

    @property
    def shape(self) -> tuple[Count]:
        return (Count(),)

    def mean(self, *args: object, **kwargs: object) -> Reduced:
        return _reduce("mean", (self, *args), kwargs)

    def sum(self, *args: object, **kwargs: object) -> Reduced:
        return _reduce("sum", (self, *args), kwargs)

    def clip(self, low: object = None, high: object = None) -> Symbol:
        return _clip(self, low, high)

    def astype(self, dtype: Any, **_: object) -> Symbol:
        kind = np.dtype(dtype).kind
        if kind == "f":
            return self
        if kind == "b":
            return Symbol(_truth(self))
        return refuse(
            f"the array is cast to {np.dtype(dtype)}",
            "formulas are evaluated in float32 or float64: leave out the cast",
        )

    def copy(self) -> Symbol:
        return self


_SHAPES = "leave it out: y_true, y_pred and inputs have one shape, which is kept"
_ATTRIBUTES = {
    "dtype": "make what depends on it a parameter, as eps=1e-7",
    "reshape": _SHAPES,
    "ravel": _SHAPES,
    "flatten": _SHAPES,
    "squeeze": _SHAPES,
    "ndim": _SHAPES,
    "T": _SHAPES,
    "max": "a sample cannot see the others: compute it outside, pass a parameter",
    "min": "a sample cannot see the others: compute it outside, pass a parameter",
    "std": "a sample cannot see the others: compute it outside, pass a parameter",
    "var": "a sample cannot see the others: compute it outside, pass a parameter",
    "any": _IN_BOOLEAN_CONTEXT,
    "all": _IN_BOOLEAN_CONTEXT,
    "item": _NUMBER,
    "tolist": _NO_LOOP,
    "dot": "write np.sum(a * b) as the last step",
}


class Count:
    """The number of samples: np.sum(...) / y_true.size is a mean."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def _refuse(self, *_: object) -> NoReturn:
        refuse(
            "the number of samples enters the formula",
            "only np.sum(...) / y_true.size, which is np.mean(...), is understood",
        )

    __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = _refuse
    __rtruediv__ = __truediv__ = __int__ = __float__ = __index__ = __bool__ = _refuse
    __array_ufunc__ = None


class Reduced(NDArrayOperatorsMixin):
    """A mean or sum over the samples: the last step of a loss, up to a factor."""

    __slots__ = ("kind", "node")
    __hash__ = object.__hash__

    def __init__(self, kind: str, x: Node) -> None:
        self.kind = kind
        self.node = x

    def __truediv__(self, other: object) -> Reduced:
        if isinstance(other, Count) and self.kind == "sum":
            return Reduced("mean", self.node)
        return _linear(np.divide, (self, other))

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: Any
    ) -> Reduced:
        if method != "__call__" or kwargs:
            self.refuse_middle()
        return _linear(ufunc, inputs)

    def __array_function__(self, *_: object) -> NoReturn:
        self.refuse_middle()

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        self.refuse_middle()

    def _refuse(self, *_: object) -> NoReturn:
        self.refuse_middle()

    __bool__ = __float__ = __int__ = __index__ = __iter__ = __len__ = _refuse
    __getitem__ = _refuse

    def refuse_middle(self) -> NoReturn:
        refuse(
            f"a {self.kind} over the samples is used in the middle of the formula",
            "a loss is a mean or sum of one value per sample, at most times a factor: "
            "make the reduction the last step, or compute it outside and pass it as a "
            "parameter (the root of a mean: minimise the mean, take the root outside)",
        )


def _linear(ufunc: np.ufunc, inputs: tuple[object, ...]) -> Reduced:
    """Carry a factor, a sign or a sum of two equal reductions into the reduction."""
    kinds = {x.kind for x in inputs if isinstance(x, Reduced)}
    op = {"positive": "positive", **_UFUNCS}.get(ufunc.__name__)
    if len(kinds) == 1:
        kind = kinds.pop()
        nodes = [x.node if isinstance(x, Reduced) else as_node(x) for x in inputs]
        reduced = [isinstance(x, Reduced) for x in inputs]
        if op in ("neg", "positive"):
            return Reduced(kind, neg(nodes[0]) if op == "neg" else nodes[0])
        uniform = all(r or x.uniform for r, x in zip(reduced, nodes, strict=True))
        if op in ("add", "sub") and (all(reduced) or (uniform and kind == "mean")):
            return Reduced(kind, build(op, *nodes))
        if op == "mul" and uniform and sum(reduced) == 1:
            return Reduced(kind, mul(*nodes))
        if op == "div" and uniform and reduced == [True, False]:
            return Reduced(kind, div(*nodes))
    for x in inputs:
        if isinstance(x, Reduced):
            x.refuse_middle()
    raise AssertionError


# -- NumPy's functions -----------------------------------------------------------------

# ufunc name -> operation. SciPy's ufuncs answer the same protocol.
_UFUNCS = {name: op for op, known in OPERATIONS.items() for name in known.numpy}


_COMPOSED: dict[str, Callable[..., Node]] = {
    "positive": lambda x: x,
    "reciprocal": lambda x: build("div", const(1.0), x),
    "exp2": lambda x: build("power", const(2.0), x),
    "tan": lambda x: build("div", build("sin", x), build("cos", x)),
    "log_expit": lambda x: neg(build("softplus", neg(x))),
    "isnan": lambda x: build("ne", x, x),
    "copysign": lambda a, b: build(
        "where", build("ge", b, const(0.0)), build("abs", a), neg(build("abs", a))
    ),
}
_LOGICAL = {
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "ne",
    "invert": "not",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "ne",
    "logical_not": "not",
}


def _truth(x: object) -> Node:
    n = as_node(x)
    if n.boolean or n.op == "const":
        return n
    return build("ne", n, const(0.0))


def _apply_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[object, ...], kwargs: dict[str, Any]
) -> Symbol | Reduced:
    name = ufunc.__name__
    if any(isinstance(x, Reduced) for x in inputs):
        return _linear(ufunc, inputs)
    if any(isinstance(x, Count) for x in inputs):
        next(x for x in inputs if isinstance(x, Count))._refuse()
    if method == "reduce" and name == "add":
        return _reduce("sum", inputs, kwargs)
    if method != "__call__":
        refuse(
            f"np.{name}.{method} runs across the samples",
            "a loss is one formula per sample; np.mean or np.sum may end it",
        )
    if kwargs.get("out") is not None:
        refuse(f"np.{name} writes into an array in place", _IN_PLACE)
    if kwargs.get("where", True) is not True:
        refuse(f"np.{name} is given where=", "write np.where(condition, a, b)")
    if name in _LOGICAL:
        return Symbol(_logical(name, inputs))
    if name in _UFUNCS:
        return Symbol(build(_UFUNCS[name], *map(as_node, inputs)))
    if name in _COMPOSED:
        return Symbol(_COMPOSED[name](*map(as_node, inputs)))
    if name == "matmul":
        refuse("@ sums over samples", "write np.sum(a * b) as the last step")
    if name == "matvec" or name == "vecdot":
        refuse(f"np.{name} sums over samples", "write np.sum(a * b) as the last step")
    return refuse(f"{name} has no compiled form", _unknown(name))


def _unknown(name: str) -> str:
    known = ", ".join(sorted({*_UFUNCS, "where", "clip"} - {"gammaln", "expit"}))
    return (
        f"write {name} with the functions understood ({known} and those of fl.math), "
        "or give NumPy functions of your own: fl.custom(fn, grad=gn, hess=hn)"
    )


def _logical(name: str, inputs: tuple[object, ...]) -> Node:
    if not name.startswith("logical"):
        for x in map(as_node, inputs):
            if not x.boolean and x.op != "const":
                symbol = {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
                refuse(
                    f"{symbol.get(name, '~')} is applied to numbers",
                    "compare first, as (y_true == 1) & (y_pred > 0); for labels 0/1 "
                    "write 1 - y_true",
                )
    return build(_LOGICAL[name], *map(_truth, inputs))


def _reduce(kind: str, args: tuple[object, ...], kwargs: dict[str, Any]) -> Reduced:
    first, *rest = args
    given = {k: v for k, v in kwargs.items() if v is not None}
    if kind == "sum":
        given.pop("dtype", None)
    for x in rest:
        if x is not None:
            given["axis"] = x
    if given:
        refuse(
            f"np.{kind} is given {', '.join(given)}",
            f"write np.{kind}(values) over everything as the last step; "
            'reduction="none" gives the values per sample',
        )
    if isinstance(first, Reduced):
        return first
    return Reduced(kind, as_node(first))


def _clip(x: object, low: object, high: object) -> Symbol:
    result = as_node(x)
    if low is not None and high is not None:
        return Symbol(build("clip", result, as_node(low), as_node(high)))
    if low is not None:
        return Symbol(build("maximum", result, as_node(low)))
    if high is not None:
        return Symbol(build("minimum", result, as_node(high)))
    return Symbol(result)


def _where(condition: object, *choices: object) -> Symbol:
    if len(choices) != 2:
        refuse(
            "np.where with one argument looks for positions",
            "write np.where(condition, a, b)",
        )
    return Symbol(build("where", as_node(condition), *map(as_node, choices)))


def _clip_function(
    a: object,
    a_min: object = None,
    a_max: object = None,
    *,
    min: object = None,
    max: object = None,
) -> Symbol:
    return _clip(a, min if a_min is None else a_min, max if a_max is None else a_max)


def _filled(number: float) -> Callable[..., Symbol]:
    return lambda x, **_: Symbol(const(number))


_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.where: _where,
    np.clip: _clip_function,
    np.mean: lambda *args, **kwargs: _reduce("mean", args, kwargs),
    np.average: lambda *args, **kwargs: _reduce("mean", args, kwargs),
    np.sum: lambda *args, **kwargs: _reduce("sum", args, kwargs),
    np.zeros_like: _filled(0.0),
    np.ones_like: _filled(1.0),
    np.full_like: lambda x, number, **_: Symbol(as_node(number)),
    np.real: lambda x: x,
    np.copy: lambda x, **_: x,
    np.size: lambda x: Count(),
}
_ACROSS = "a sample cannot see the others: compute it outside, pass it as a parameter"
_FUNCTION_REMEDIES = {
    "any": _IN_BOOLEAN_CONTEXT,
    "all": _IN_BOOLEAN_CONTEXT,
    "max": _ACROSS,
    "min": _ACROSS,
    "amax": _ACROSS,
    "amin": _ACROSS,
    "median": _ACROSS,
    "percentile": _ACROSS,
    "quantile": _ACROSS,
    "std": _ACROSS,
    "var": _ACROSS,
    "sort": _ACROSS,
    "argsort": _ACROSS,
    "cumsum": _ACROSS,
    "prod": _ACROSS,
    "norm": "write np.sum(r**2) or np.sum(np.abs(r)) as the last step",
    "dot": "write np.sum(a * b) as the last step",
    "inner": "write np.sum(a * b) as the last step",
    "einsum": "write np.sum(a * b) as the last step",
    "reshape": _SHAPES,
    "ravel": _SHAPES,
    "squeeze": _SHAPES,
    "shape": _SHAPES,
    "select": "write nested np.where",
    "piecewise": "write nested np.where",
}


def _apply_function(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    for x in args:
        if isinstance(x, Reduced):
            x.refuse_middle()
    if function in _FUNCTIONS:
        return _FUNCTIONS[function](*args, **kwargs)
    name = getattr(function, "__name__", repr(function))
    return refuse(
        f"np.{name} has no element-wise form",
        _FUNCTION_REMEDIES.get(name) or _unknown(name),
    )


def inputs_of(names: tuple[str, ...]) -> dict[str, Symbol]:
    """Return the symbols of arrays."""
    return {name: Symbol(node("input", value=name)) for name in names}


def parameter(name: str) -> Symbol:
    """Return the symbol of a number known at the call."""
    return Symbol(node("param", value=name))
