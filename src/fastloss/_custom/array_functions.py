"""What NumPy's functions that are no ufuncs make of symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import axes
from .building import build
from .graph import const
from .operands import (
    as_node,
    bare,
    is_boolean,
    is_whole,
    known_value,
    strict,
    understood,
)
from .protocol import check_home
from .reduced import Reduced
from .refusal import refuse
from .remedies import ALONG_ROWS, OF_FUNCTIONS
from .symbol import ENTRIES, NONE, Symbol, is_known
from .ufuncs import computed, remedy_of


def apply(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if function not in _REDUCING:
        args = tuple(x.symbol() if isinstance(x, Reduced) else x for x in args)
    if function in _FUNCTIONS:
        if function is not np.put_along_axis:  # which writes into them
            args = tuple(map(understood, args))
        return _FUNCTIONS[function](*args, **kwargs)
    if all(map(is_known, args)) and not kwargs:
        return function(*map(known_value, args))
    name = getattr(function, "__name__", repr(function))
    along = kwargs.get("axis") in (-1, 1) or args[1:2] in ((-1,), (1,))
    remedy = ALONG_ROWS.get(name) if along else None
    return refuse(
        f"np.{name} has no form along rows"
        if along
        else f"np.{name} has no element-wise form",
        remedy or OF_FUNCTIONS.get(name) or remedy_of(name),
    )


def _reduce(
    kind: str, args: tuple[object, ...], kwargs: dict[str, Any]
) -> Reduced | Symbol:
    first, *rest = args
    given = {k: v for k, v in kwargs.items() if v is not None}
    if kind == "sum":
        given.pop("dtype", None)
    for x in rest:
        if x is not None:
            given["axis"] = x
    if "axis" in given:
        found: Reduced | Symbol = axes.reduced(kind, first, given)
        return found
    if given:
        refuse(
            f"np.{kind} is given {', '.join(given)}",
            f"write np.{kind}(values) over everything as the last step; "
            'reduction="none" gives the values per sample',
        )
    if isinstance(first, Reduced) and not (first.axis and kind == "sum"):
        check_home(first)
        return first  # of one number
    if isinstance(first, Reduced):
        first = first.symbol()
    if isinstance(first, Symbol) and not first.array:
        return first  # of one number
    return Reduced(
        kind, as_node(first), form=getattr(first, "form", ENTRIES) or ENTRIES
    )


def _bounded(x: object, low: object, high: object) -> Symbol:
    if low is not None and high is not None:
        return _limited(x, low, high)
    if low is not None:
        return computed("maximum", (x, low))
    if high is not None:
        return computed("minimum", (x, high))
    return x if isinstance(x, Symbol) else Symbol(as_node(x))


def _limited(x: object, low: object, high: object) -> Symbol:
    """Return x between two bounds."""
    node, least, most = map(bare, (x, low, high))
    if least.uniform and most.uniform:
        result = build("clip", node, least, most)
    else:  # inside the closed interval the slope is that of x
        inside = build("and", build("ge", node, least), build("ge", most, node))
        limited = build("minimum", build("maximum", node, least), most)
        result = build("where", inside, node, limited)
    lost = NONE.union(*map(strict, (x, low, high))) - result.strict
    return Symbol(result, of=(x, low, high), lost=lost)


def _where(condition: object, *choices: object) -> Symbol:
    if len(choices) != 2:
        refuse(
            "np.where with one argument looks for positions",
            "write np.where(condition, a, b)",
        )
    result = build("where", *map(as_node, (condition, *choices)))
    boolean = all(map(is_boolean, choices))
    return Symbol(result, boolean=boolean, of=(condition, *choices))


def _select(conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    """The first condition that holds chooses."""
    pairs = list(zip(conditions, choices, strict=True))
    for condition, choice in reversed(pairs):
        default = np.where(condition, choice, default)
    return default


def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    result: Any = Symbol(build("within_range", as_node(x)), of=(x,))
    for number, infinity in ((posinf, np.inf), (neginf, -np.inf)):
        if number is not None:
            result = np.where(x == infinity, number, result)
    return np.where(np.isnan(x), nan, result)


def clip(
    a: object,
    a_min: object = None,
    a_max: object = None,
    *,
    min: object = None,
    max: object = None,
) -> Symbol:
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    return _bounded(a, low, high)


def _filled(number: float) -> Callable[..., Symbol]:
    return lambda x, dtype=None, **_: _full(x, number, dtype)


def _full(x: Any, number: Any, dtype: Any = None, **_: object) -> Symbol:
    kind = "" if dtype is None else np.dtype(dtype).kind
    value = as_node(number)
    if kind == "b":
        value = build("ne", value, const(0.0))
    elif kind in ("i", "u") and not is_whole(value):
        refuse(f"a number is cast to {np.dtype(dtype)}", "leave out dtype")
    floating = kind == "f" or (not kind and getattr(x, "floating", False))
    return Symbol(value, of=(x,), boolean=kind == "b", floating=floating)


def _size(a: Symbol, axis: object = None) -> Symbol:
    if axis is not None:
        refuse("np.size is given axis", "write np.size(y_true)")
    return a.size


_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.max: axes.largest,
    np.min: axes.least,
    np.logaddexp: axes.logsumexp,
    np.amax: axes.largest,
    np.amin: axes.least,
    np.linalg.norm: axes.norm,
    np.take_along_axis: axes.along,
    np.take: axes.take,
    np.expand_dims: axes.expanded,
    np.squeeze: axes.squeezed,
    np.reshape: axes.reshaped,
    np.ravel: axes.ravelled,
    np.where: _where,
    np.select: _select,
    np.nan_to_num: _nan_to_num,
    np.clip: clip,
    np.mean: lambda *args, **kwargs: _reduce("mean", args, kwargs),
    np.average: lambda *args, **kwargs: _reduce("mean", args, kwargs),
    np.sum: lambda *args, **kwargs: _reduce("sum", args, kwargs),
    np.zeros_like: _filled(0.0),
    np.ones_like: _filled(1.0),
    np.full_like: _full,
    np.put_along_axis: axes.put,
    np.real: lambda x: x,
    np.copy: lambda x, **_: x.copy(),
    np.size: _size,
    np.shape: lambda x: x.shape,
}
_REDUCING = (np.mean, np.average, np.sum)
