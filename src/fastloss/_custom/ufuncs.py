"""What NumPy's ufuncs make of symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arithmetic import div, mul, neg
from .building import ONE, build
from .counts import counts
from .graph import OPERATIONS, Node, const, reductions
from .operands import as_node, bare, is_boolean, known_value, strict, truth, understood
from .protocol import check_home, routed
from .reduced import Reduced
from .refusal import refuse
from .remedies import IN_PLACE
from .symbol import NONE, ROWS, Symbol, is_array, is_known, joined

# ufunc name -> operation. SciPy's ufuncs answer the same protocol.
_UFUNCS = {name: op for op, known in OPERATIONS.items() for name in known.numpy}


def _negative(x: Node) -> Node:
    """Whether x is negative, -0.0 being so."""
    of_zero = build("lt", div(ONE, x), const(0.0))
    return build("or", build("lt", x, const(0.0)), of_zero)


_COMPOSED: dict[str, Callable[..., Node]] = {
    "positive": lambda x: x,
    "reciprocal": lambda x: build("div", const(1.0), x),
    "exp2": lambda x: build("power", const(2.0), x),
    "tan": lambda x: build("div", build("sin", x), build("cos", x)),
    "log_expit": lambda x: neg(build("softplus", neg(x))),
    "isnan": lambda x: build("ne", x, x),
    "copysign": lambda a, b: build(
        "where", _negative(b), neg(build("abs", a)), build("abs", a)
    ),
    "signbit": lambda x: _negative(x),
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
_REDUCED: dict[str, Callable[..., Any]] = {
    "add": np.sum,
    "maximum": np.max,
    "minimum": np.min,
    "logaddexp": np.logaddexp,
}


def apply(
    ufunc: np.ufunc, method: str, inputs: tuple[object, ...], kwargs: dict[str, Any]
) -> Any:
    name = ufunc.__name__
    inputs = tuple(map(understood, inputs))
    if any(isinstance(x, Reduced) for x in inputs):
        found = _linear(ufunc, inputs) if method == "__call__" and not kwargs else None
        if found is not None:
            return found
        inputs = tuple(x.symbol() if isinstance(x, Reduced) else x for x in inputs)
    if method == "reduce" and name in _REDUCED:
        return routed(_REDUCED[name], inputs, kwargs)
    if method != "__call__":
        refuse(
            f"np.{name}.{method} runs across the samples",
            "a loss is one formula per sample; np.mean or np.sum may end it",
        )
    if kwargs.get("out") is not None:
        return _written(ufunc, method, inputs, kwargs)
    if kwargs.get("where", True) is not True:
        refuse(f"np.{name} is given where=", "write np.where(condition, a, b)")
    known = all(map(is_known, inputs))
    bits = name.startswith(("bitwise", "invert"))
    if name in _LOGICAL and not (bits and known and not any(map(is_boolean, inputs))):
        return _logical(name, inputs)
    if name in _UFUNCS or name in _COMPOSED:
        return computed(name, inputs)
    if known:
        return ufunc(*map(known_value, inputs))
    if name == "matmul":
        refuse("@ sums over samples", "write np.sum(a * b) as the last step")
    if name == "matvec" or name == "vecdot":
        refuse(f"np.{name} sums over samples", "write np.sum(a * b) as the last step")
    return refuse(f"{name} has no compiled form", remedy_of(name))


def _linear(ufunc: np.ufunc, inputs: tuple[object, ...]) -> Reduced | None:
    """Carry a factor, a sign or a sum of two equal reductions into the reduction."""
    reduced = [x for x in inputs if isinstance(x, Reduced)]
    for x in reduced:
        check_home(x)
    first = reduced[0]
    op = {"positive": "positive", **_UFUNCS}.get(ufunc.__name__)
    if len(inputs) == 1:
        if op in ("neg", "positive"):
            terms = neg(first.terms) if op == "neg" else first.terms
            return Reduced(first.kind, terms, first.factor, **first.where())
    elif len(reduced) == 2:
        second = reduced[1]
        if op in ("add", "sub") and first.kind == second.kind:
            if first.form == second.form:
                axis = first.axis and second.axis
                terms = build(op, first.node, second.node)
                return Reduced(first.kind, terms, form=first.form, axis=axis)
            terms = build(op, first.of_rows(), second.of_rows())
            return Reduced(first.kind, terms, form=ROWS)
    else:
        other = next(as_node(x) for x in inputs if not isinstance(x, Reduced))
        if other.uniform and not reductions(other):
            if op in ("add", "sub") and first.kind == "mean":
                nodes = (x.node if isinstance(x, Reduced) else other for x in inputs)
                return Reduced("mean", build(op, *nodes), **first.where())
            rule = mul if op == "mul" else div
            if op == "mul" or (op == "div" and inputs[0] is first):
                terms, factor = first.terms, first.factor
                if counts(other):
                    factor = rule(factor, other)
                else:
                    terms = rule(terms, other)
                return Reduced(first.kind, terms, factor, **first.where())
    return None


def _written(
    ufunc: np.ufunc, method: str, inputs: tuple[object, ...], kwargs: dict[str, Any]
) -> Symbol:
    """Write into an array of the function's own, r -= 1."""
    out = kwargs["out"]
    (target,) = out if isinstance(out, tuple) else (out,)
    own = isinstance(target, Symbol) and target.array and target.writable
    if not own or not target.floating or method != "__call__":
        refuse(f"np.{ufunc.__name__} writes into an array in place", IN_PLACE)
    rest = {name: x for name, x in kwargs.items() if name != "out"}
    found = apply(ufunc, method, inputs, rest)
    found = (
        found.symbol()
        if isinstance(found, Reduced)
        else Symbol(as_node(found), of=(found,))
    )
    if joined((target, found)) != target.form:
        refuse(f"np.{ufunc.__name__} writes into an array of another shape", IN_PLACE)
    target.write(found)
    written: Symbol = target
    return written


# Of two booleans, NumPy's results are booleans.
_BOOLEAN = {"add": "or", "multiply": "and", "maximum": "or", "minimum": "and"}
_NOT_OF_BOOLEANS = {
    "subtract": "write a ^ b, or np.where(a, 1.0, 0.0) - np.where(b, 1.0, 0.0)",
    "negative": "write ~condition, or -np.where(condition, 1.0, 0.0)",
    "positive": "write the condition itself",
    "sign": "write the condition itself",
}


def computed(name: str, inputs: tuple[object, ...]) -> Symbol:
    array = any(map(is_array, inputs))
    if all(map(is_boolean, inputs)):
        found = _of_booleans(name, inputs, array)
        if found is not None:
            return found
    passes = _passes_nans(name, inputs)
    nodes = [bare(x) if passes else as_node(x) for x in inputs]
    if name in _COMPOSED:
        result = _COMPOSED[name](*nodes)
    else:
        result = build(_UFUNCS[name], *nodes)
    if name in _PREDICATES:
        return Symbol(result, boolean=True, of=inputs)
    lost = NONE.union(*map(strict, inputs)) - result.strict if passes else NONE
    return Symbol(result, of=inputs, lost=lost)


def _of_booleans(name: str, inputs: tuple[object, ...], array: bool) -> Symbol | None:
    """Return what NumPy makes of booleans, if it is not what it makes of numbers."""
    if not array and name in _DIFFERS:
        refuse(
            f"np.{name} of conditions on parameters, which are Python's booleans",
            "write float(alpha > 1) for a number, and, or, not for logic",
        )
    if name in _NOT_OF_BOOLEANS:
        refuse(f"np.{name} of booleans, which NumPy refuses", _NOT_OF_BOOLEANS[name])
    if name == "absolute":
        return Symbol(bare(inputs[0]), boolean=True, of=inputs)
    if name in _BOOLEAN:
        result = build(_BOOLEAN[name], *map(bare, inputs))
        return Symbol(result, boolean=True, of=inputs)
    return None


def _passes_nans(name: str, inputs: tuple[object, ...]) -> bool:
    """Whether a NaN of any operand certainly makes NumPy's result a NaN."""
    if name in ("power", "float_power"):
        base, exponent = map(bare, inputs)
        return exponent.op == "const" and exponent.value != 0.0 and base.op != "const"
    return name not in _PREDICATES and name not in _LENIENT


# Python's booleans are integers to these.
_DIFFERS = frozenset("add subtract multiply negative positive invert absolute".split())
_LENIENT = frozenset("hypot copysign fmax fmin".split())
_PREDICATES = frozenset(
    "greater greater_equal less less_equal equal not_equal isnan isfinite isinf "
    "signbit".split()
)


def remedy_of(name: str) -> str:
    known = ", ".join(sorted({*_UFUNCS, "where", "clip"} - {"gammaln", "expit"}))
    return (
        f"write {name} with the functions understood ({known} and those of fl.math), "
        "or give NumPy functions of your own: fl.custom(fn, grad=gn, hess=hn)"
    )


def _logical(name: str, inputs: tuple[object, ...]) -> Symbol:
    if name.startswith("logical"):
        result = build(_LOGICAL[name], *map(truth, inputs))
        return Symbol(result, boolean=True, of=inputs)
    if name == "invert" and not any(map(is_array, inputs)):
        _of_booleans(name, inputs, array=False)
    for x in inputs:
        n = as_node(x)
        bit = n.op == "const" and n.value in (0.0, 1.0) and name != "invert"
        if not (is_boolean(x) or bit):
            symbol = {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
            refuse(
                f"{symbol.get(name, '~')} is applied to numbers",
                "compare first, as (y_true == 1) & (y_pred > 0); for labels 0/1 "
                "write 1 - y_true",
            )
    result = build(_LOGICAL[name], *map(truth, inputs))
    return Symbol(result, boolean=all(map(is_boolean, inputs)), of=inputs)
