"""Tracing: a NumPy function called once with symbolic arrays.

`Symbol` answers NumPy's ufunc and array-function protocols by building graph nodes.
Whatever cannot become part of an element-wise formula is refused with a `TraceError`
that shows the line of the user's source and says what to write instead.
"""

from __future__ import annotations

import dis
import math
import operator
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .arithmetic import div, mul, neg
from .building import ONE, build, nan_if
from .derive import PREDICTION
from .graph import OPERATIONS, Node, const, node, reductions, walk
from .numbers import evaluate_graph
from .refusal import (
    ALIEN,
    HeadsError,
    LabelOfRowError,
    NoAttributeError,
    TraceError,
    refuse,
    tell,
)
from .rows import CLASSES, LABEL
from .tracing import present, tracing

__all__ = [
    "Reduced",
    "Symbol",
    "TraceError",
    "as_node",
    "assigned",
    "counts",
    "inputs_of",
    "parameter",
    "tracing",
]

Names = frozenset[str]
NONE: Names = frozenset()


# -- reading values --------------------------------------------------------------------


def _read(symbol: Symbol, what: str, remedy: str) -> Any:
    """Return the value of an expression of parameters; refuse one of arrays."""
    if not symbol.node.uniform:
        refuse(what, remedy)
    return _value(symbol)


def _value(symbol: Symbol) -> Any:
    """Return the value of an expression of parameters."""
    _check_home(symbol)
    if counts(symbol.node):
        refuse(_DECIDES, _ONES, LabelOfRowError)
    if reductions(symbol.node):
        refuse(
            "a mean or sum over the samples decides, which is not known while tracing",
            "write np.where(condition, a, b) for a choice",
        )
    trace = present()
    if trace is None:
        refuse("a parameter's stand-in has no value outside of a trace", _NUMBER)
    return trace.read(symbol.node)


def _check_home(symbol: Symbol | Reduced) -> None:
    if symbol.home is not present():
        refuse(
            "a stand-in of another trace is used: something has kept it",
            "keep no intermediate results in globals, caches (functools.lru_cache) or "
            "default arguments: a loss function computes all it needs at each call",
        )


def as_node(x: object) -> Node:
    """Return the node of a symbol or of a number, a NaN where NumPy has one."""
    n = _bare(x)
    if isinstance(x, Symbol):
        for name in sorted(x.lost):
            n = nan_if(n, _array_of(name, x.form))
    return n


def _array_of(name: str, form: str) -> Node:
    """Return an argument, or a number of its rows that is a NaN if an entry is."""
    array = node("input", value=name)
    if form not in (COLUMN, ROWS):
        return array
    trace = present()
    of_label = name == "y_true" and trace is not None and trace.rows
    return LABEL if of_label else build("row_max", array)


def _bare(x: object) -> Node:
    """Return the node of a symbol or of a number."""
    if isinstance(x, Symbol):
        _check_home(x)
        return x.node
    if isinstance(x, Reduced):
        return x.symbol().node
    if isinstance(x, Length):
        return x.node
    if isinstance(x, (bool, int, float, np.bool_, np.integer, np.floating)):
        return const(float(x))
    if isinstance(x, np.ndarray) and x.dtype.kind in "biuf":
        if x.ndim == 0:
            return const(float(x))
        trace = present()
        if trace is not None and trace.rows and trace.stand_ins.length in x.shape:
            refuse(_DECIDES, _ONES, LabelOfRowError)
        name = getattr(x, "name", None)
        if name is not None:
            refuse(
                f"{name} is an array of shape {x.shape}, parameters are numbers",
                f'name it in inputs=("{name}",) if it has one number per sample; if it '
                f"has one per label write {name}[y_true]",
            )
        if trace is not None and trace.rows:
            refuse(
                f"an array of shape {x.shape} is used that is not an argument",
                "make a number for each class a parameter, w=(1.0, 2.0), and write "
                "w[y_true]; np.arange(C) is understood, and a + b*np.arange(C)",
            )
        refuse(
            f"an array of shape {x.shape} is used that is not an argument",
            'make it a named input: @fl.custom(inputs=("name",)), passed at each call',
            LabelOfRowError if across("is_of_classes")(x) else TraceError,
        )
    return refuse(
        f"{type(x).__name__} {x!r} has no place in an element-wise formula",
        "use y_true, y_pred, named inputs, parameters and real numbers",
    )


# -- symbolic arrays -------------------------------------------------------------------

_IN_BOOLEAN_CONTEXT = (
    "write np.where(condition, a, b) for a choice, np.maximum or np.clip for a bound; "
    "each sample takes its own branch"
)
_IN_PLACE = (
    "write r = r + ..., or np.where for a part of it: arrays that the function was "
    "given, views and arrays of integers stay as they are"
)
_NO_LOOP = (
    "drop the loop or the index: the formula is applied to every sample; values of "
    "other samples are out of reach, further arrays can be named inputs"
)
_APART = "; several predictions are taken apart at once: mean, var = y_pred"
_NO_INDEX = (
    "write np.where(y_true == 1, a, b) for a number that depends on the label; the "
    "formula is applied to every sample, further arrays can be named inputs"
)
_NUMBER = "use NumPy's or fl.math's function of that name, which takes whole arrays"
_NO_KEY = "write np.where(condition, a, b): each sample takes its own number"
_DECIDES = "the number of samples decides, which is not known while tracing"
_ONES = "write np.ones_like(y_pred), np.zeros_like(y_pred) or np.full_like(y_pred, c)"


# Shapes: a number; of n rows of C entries (n, C), (n, 1) and (n,).
NUMBER, ENTRIES, COLUMN, ROWS = "()", "(n, C)", "(n, 1)", "(n,)"


def _joined(operands: tuple[object, ...]) -> str:
    """Return the shape that NumPy gives to what has these operands."""
    forms = {x.form for x in operands if isinstance(x, Symbol) and x.array}
    if ROWS in forms and len(forms) > 1:
        refuse(
            f"arrays of shape {' and '.join(sorted(forms))} meet, which are the same "
            "rows: n rows of C entries",
            "give numbers of rows a last axis: keepdims=True, or y_true[:, None]",
            LabelOfRowError,
        )
    return next((form for form in (ENTRIES, COLUMN, ROWS) if form in forms), "")


class Symbol(NDArrayOperatorsMixin):
    """A stand-in for an array, or for a parameter, while a loss is traced.

    What arithmetic does becomes nodes. To everything else that Python does with it, a
    parameter is the number it has at present, and the trace remembers that it was
    asked; an array refuses.

    Parameters
    ----------
    x : Node
    boolean : bool
        Whether NumPy has booleans here, which it adds and multiplies in its own way.
    array : bool
        Whether NumPy has an array here, though each sample may have the same number.
    lost : frozenset of str
        Inputs of which a NaN makes NumPy's result a NaN, and the simplified node not.
    of : tuple
        What it is computed from, which says what shape it has, and if it is an array.
    form : str, optional
        That shape: one of those below.
    writable : bool
        Whether it is an array of the function's own, of which there is no view.
    floating : bool
        Whether NumPy has floats here, whatever the dtype of labels is.
    """

    __slots__ = (
        "array",
        "boolean",
        "floating",
        "form",
        "home",
        "lost",
        "node",
        "writable",
    )
    node: Node

    def __init__(
        self,
        x: Node,
        *,
        boolean: bool = False,
        array: bool = False,
        lost: Names = NONE,
        of: tuple[object, ...] = (),
        form: str = "",
        writable: bool = True,
        floating: bool = False,
    ) -> None:
        predicted = any(name.startswith("y_pred") for name in x.leaves)
        self.floating = floating or (predicted and not boolean)
        self.writable = writable
        self.node = x
        self.boolean = boolean
        self.array = array or not x.uniform or any(map(_is_array, of))
        self.form = form or _joined(of) or (ENTRIES if self.array else NUMBER)
        self.lost = lost
        self.home = present()

    def __repr__(self) -> str:
        trace = self.home
        if trace is not None and trace is present() and _is_known(self):
            return repr(_value(self))
        return f"<symbolic {self.node!r}>"

    @property
    def __class__(self) -> Any:
        """What `isinstance` is to see: the type of a number, or that of arrays."""
        if self.array:
            return np.ndarray
        if self.node.op == "param" and self.home is not None:
            return type(self.home.parameters.get(str(self.node.value), 0))
        return np.bool_ if self.boolean else np.float64

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise TypeError("a stand-in has the class of what it stands for")

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

    def __array__(self, dtype: Any = None, copy: object = None) -> Any:
        if not self.array:
            return np.asarray(_value(self), dtype=dtype)
        if _is_label(self) and _indexes(sys._getframe(1)):
            return across("labels_that_index")(dtype)
        return refuse(
            "a symbolic array is turned into a NumPy array",
            "leave out np.asarray and the like (arguments are arrays already) and "
            "losses within the loss, whose formulas can be written out, and call "
            "functions that NumPy routes: ufuncs, np.where, np.clip, np.mean, "
            "np.sum; another function works through fl.custom(fn, grad=gn, hess=hn)",
        )

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> NoReturn:
        refuse(f"torch's {getattr(function, '__name__', function)} is called", ALIEN)

    # A number is compared with, and looked up as, what it is.

    def __eq__(self, other: object) -> Any:
        if self.home is not present() and not _is_array(other):
            return False  # the key of a cache that another trace has filled
        if self.node.uniform and not _is_numeric(other):
            return _value(self) == other
        return np.equal(self, other)  # type: ignore[call-overload]

    def __ne__(self, other: object) -> Any:
        if self.node.uniform and not _is_numeric(other):
            return _value(self) != other
        return np.not_equal(self, other)  # type: ignore[call-overload]

    def __hash__(self) -> int:
        return hash(_read(self, "an array is looked up in a set or a dict", _NO_KEY))

    def __format__(self, form: str) -> str:
        if not self.node.uniform:
            return repr(self)
        return format(_value(self), form)

    def __str__(self) -> str:
        return self.__format__("")

    def __bool__(self) -> bool:
        return bool(
            _read(
                self,
                "a condition on data decides which code runs",
                _IN_BOOLEAN_CONTEXT,
            )
        )

    def __float__(self) -> float:
        return float(_read(self, "an array is used as one number", _NUMBER))

    def __complex__(self) -> complex:
        return complex(_read(self, "an array is used as one number", _NUMBER))

    def __int__(self) -> int:
        return int(_read(self, "an array is used as one integer", _NUMBER))

    __trunc__ = __int__

    def __round__(self, digits: int | None = None) -> Any:
        return round(_read(self, "an array is rounded", _NUMBER), digits)

    def __floor__(self) -> int:
        return math.floor(float(_read(self, "an array is rounded", _NUMBER)))

    def __ceil__(self) -> int:
        return math.ceil(float(_read(self, "an array is rounded", _NUMBER)))

    def __index__(self) -> int:
        if self.node is _LENGTH:
            refuse(_DECIDES, _ONES, LabelOfRowError)
        if self.array and _is_label(self) and _indexes(sys._getframe(1)):
            # An array tries this first, and goes on with __array__.
            raise TraceError(tell("an array is used as an index", _NO_INDEX))
        number = _read(self, "an array is used as an index or a count", _NO_INDEX)
        if number != int(number):
            raise TypeError(f"{number!r} is not an integer")
        return int(number)

    def __iter__(self) -> NoReturn:
        self._no_array()
        if self.node is PREDICTION:
            refuse("a loop runs over the samples", _NO_LOOP + _APART, HeadsError)
        refuse("a loop runs over the samples", _NO_LOOP)

    def __len__(self) -> int:
        self._no_array()
        refuse(
            "len() of an array: the number of samples is not known while tracing",
            "in a helper write y_true.shape[0], or np.mean(...) instead of np.sum(...) "
            "/ len(...); np.ones_like(y_pred) instead of np.ones(len(y_pred))",
        )

    def __getitem__(self, key: object) -> Any:
        self._no_array()
        return across("getitem")(self, key)

    def __setitem__(self, key: object, value: object) -> None:
        if not self.array:
            self._no_array()
        across("assign")(self, key, value)

    def write(self, found: Symbol) -> None:
        """Hold from now on what a result of the same shape does."""
        self.node, self.lost = found.node, found.lost

    def __contains__(self, key: object) -> NoReturn:
        self._no_array()
        refuse("a membership test looks at the samples", _IN_BOOLEAN_CONTEXT)

    def _no_array(self) -> None:
        """Do what a number does that is asked for its items."""
        if self.node.uniform:
            iter(_value(self))

    def __copy__(self) -> Symbol:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Symbol:
        return self.copy()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse("an array is pickled, or sent to another process", _NUMBER)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.node.uniform and present() is not None:
            return getattr(_value(self), name)
        if not hasattr(np.ndarray, name):
            raise NoAttributeError(
                tell(f".{name}: arrays of NumPy have no such attribute", ALIEN)
            )
        remedy = _ATTRIBUTES.get(name) or across("ALONG_ROWS").get(name)
        remedy = remedy or "use NumPy's functions on whole arrays"
        return refuse(f".{name} of an array is not available while tracing", remedy)

    @property
    def size(self) -> Symbol:
        size = node("param", value=SIZE)
        if self.form in (ROWS, COLUMN):
            return Symbol(build("div", size, node("param", value=CLASSES)))
        return Symbol(size)

    @property
    def shape(self) -> Shape:
        return Shape()

    def mean(self, *args: object, **kwargs: object) -> Reduced | Symbol:
        return _reduce("mean", (self, *args), kwargs)

    def sum(self, *args: object, **kwargs: object) -> Reduced | Symbol:
        return _reduce("sum", (self, *args), kwargs)

    def max(self, *args: object, **kwargs: object) -> Any:
        return _apply_function(np.max, (self, *args), kwargs)

    def min(self, *args: object, **kwargs: object) -> Any:
        return _apply_function(np.min, (self, *args), kwargs)

    def reshape(self, *shape: object, **kwargs: object) -> Any:
        return _apply_function(np.reshape, (self, *shape), kwargs)

    def squeeze(self, *args: object, **kwargs: object) -> Any:
        return _apply_function(np.squeeze, (self, *args), kwargs)

    def ravel(self, *args: object, **kwargs: object) -> Any:
        return _apply_function(np.ravel, (self, *args), kwargs)

    flatten = ravel

    def clip(self, low: object = None, high: object = None, **bounds: Any) -> Symbol:
        return _clip_function(self, low, high, **bounds)

    def astype(self, dtype: Any, copy: object = True, **_: object) -> Symbol:
        kind = np.dtype(dtype).kind
        if not copy:
            self.writable = False
        if kind == "f" or (kind == "i" and self.boolean):
            return Symbol(
                self.node,
                of=(self,),
                lost=self.lost,
                writable=bool(copy),
                floating=kind == "f",
            )
        if kind == "b":
            return Symbol(_truth(self), boolean=True, of=(self,))
        if kind in "iu" and self.node is LABEL:
            return self
        return refuse(
            f"the array is cast to {np.dtype(dtype)}",
            "formulas are evaluated in float32 or float64: leave out the cast",
            LabelOfRowError,
        )

    def copy(self, *_: object, **__: object) -> Symbol:
        if not self.array:
            return self
        return Symbol(
            self.node,
            boolean=self.boolean,
            lost=self.lost,
            form=self.form,
            array=True,
            floating=self.floating,
        )


_SHAPES = "leave it out: y_true, y_pred and inputs have one shape, which is kept"
_ATTRIBUTES = {
    "dtype": "make what depends on it a parameter, as eps=1e-7",
    "ndim": _SHAPES,
    "T": _SHAPES,
    "std": "a sample cannot see the others: compute it outside, pass a parameter",
    "var": "a sample cannot see the others: compute it outside, pass a parameter",
    "any": _IN_BOOLEAN_CONTEXT,
    "all": _IN_BOOLEAN_CONTEXT,
    "item": _NUMBER,
    "tolist": _NO_LOOP,
    "dot": "write np.sum(a * b) as the last step",
}


def _is_numeric(x: object) -> bool:
    return type(x) in (Symbol, Reduced) or isinstance(
        x, bool | int | float | complex | np.generic | np.ndarray
    )


# -- the number of samples -------------------------------------------------------------

SIZE, LENGTH, WIDTH = "y_true.size", "y_true.shape[0]", "y_pred.shape[1]"
"""Parameters that are known when arrays are, as `rows.CLASSES`."""

_COUNTS = frozenset({SIZE, LENGTH, WIDTH, CLASSES})
_LENGTH = node("param", value=LENGTH)


def _symbolic(name: str) -> Any:
    def of_number(self: Length, *others: Any) -> Any:
        if _is_numpy(sys._getframe(1)):  # which makes an array, np.eye(C)
            return getattr(int, name)(self, *others)
        return getattr(Symbol(self.node), name)(*others)

    return of_number


def _is_numpy(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "numpy"


class Length(int):
    """The number of rows or classes, an integer for indices; a symbol in arithmetic.

    What uses the integer otherwise is not the same for another one, which a second
    trace has.
    """

    node: Node

    def __new__(cls, number: int, counted: Node) -> Length:
        found = super().__new__(cls, number)
        found.node = counted
        return found

    __add__ = __radd__ = _symbolic("__add__")
    __mul__ = __rmul__ = _symbolic("__mul__")
    __rsub__ = _symbolic("__rsub__")
    __truediv__, __rtruediv__ = _symbolic("__truediv__"), _symbolic("__rtruediv__")
    __pow__, __rpow__ = _symbolic("__pow__"), _symbolic("__rpow__")
    __neg__ = _symbolic("__neg__")
    __lt__, __le__ = _symbolic("__lt__"), _symbolic("__le__")
    __gt__, __ge__ = _symbolic("__gt__"), _symbolic("__ge__")
    __eq__, __ne__ = _symbolic("__eq__"), _symbolic("__ne__")
    __bool__, __hash__ = _symbolic("__bool__"), _symbolic("__hash__")
    __float__, __int__ = _symbolic("__float__"), _symbolic("__int__")
    __floordiv__, __mod__ = _symbolic("__floordiv__"), _symbolic("__mod__")

    def __sub__(self, other: Any) -> Any:
        if type(other) is int and other == 0:
            return operator.index(self)  # which np.arange asks for
        return Symbol(self.node) - other


def length() -> Symbol | Length:
    """Return the number of rows."""
    return _counted(LENGTH)


def _counted(name: str) -> Symbol | Length:
    trace = present()
    counted = node("param", value=name)
    if trace is None or not trace.rows:
        return Symbol(counted)
    trace.lengths += 1
    known = trace.stand_ins
    return Length(known.length if name == LENGTH else known.classes, counted)


class Shape:
    """The shape of the arrays, of which the first length may enter a formula."""

    def __getitem__(self, key: object) -> Any:
        known = {1: WIDTH, -1: CLASSES}
        if type(key) is int and key == 0:
            return length()
        if type(key) is int and key in known:
            return _counted(known[key])
        return refuse(
            f".shape[{key!r}]: a formula knows .shape[0], .shape[-1] and .size only",
            "write np.mean(...) for a mean over everything",
        )

    def __iter__(self) -> Iterator[Any]:
        trace = present()
        if trace is not None and trace.rows:
            trace.flat = True
            return iter((self[0], self[1]))
        return refuse(
            "the shape is used, which is not known while tracing",
            _ONES,
            LabelOfRowError,
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Shape):
            return True
        return refuse("a shape is compared with a number", _SHAPES)

    __hash__ = None  # type: ignore[assignment]

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        refuse("the shape is used, which is not known while tracing", _ONES)

    __len__ = __add__ = __radd__ = __mul__ = __array__ = _refuse
    __contains__ = __array_function__ = __index__ = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()


def counts(*roots: Node) -> Names:
    """Return which of the numbers of samples the nodes depend on."""
    found = {str(x.value) for x in walk(*roots) if x.op == "param"}
    return frozenset(found & _COUNTS)


def _of_samples(factor: Node, name: str, form: str) -> Node:
    """Return the factor times the number of samples over that of a count."""
    trace = present()
    if form == ENTRIES:
        if name == SIZE:
            return factor
        size = build("div", node("param", value=SIZE), node("param", value=name))
        return mul(factor, size)
    if name == SIZE:
        return div(factor, node("param", value=CLASSES))
    if trace is not None:
        trace.flat = True
    return factor


def assigned(root: Node, numbers: Mapping[str, float]) -> Node:
    """Return the node with numbers in place of some inputs and parameters."""
    known: dict[Node, Node] = {}
    for x in walk(root):
        if x.op in ("param", "input") and x.value in numbers:
            known[x] = const(numbers[str(x.value)])
        elif x.args:
            known[x] = build(x.op, *(known[a] for a in x.args))
        else:
            known[x] = x
    return known[root]


def _is_proportional(factor: Node, name: str, power: int) -> bool:
    """Whether a uniform factor is a constant times count**power."""
    others = {str(x.value) for x in walk(factor) if x.op == "param"} - {name}
    numbers = {other: 1.37 + 0.61 * i for i, other in enumerate(sorted(others))}
    values = [
        evaluate_graph([factor], {**numbers, name: n})[factor] / n**power
        for n in (1.0, 2.0, 3.0, 1024.0)
    ]
    return all(math.isclose(v, values[0], rel_tol=1e-12) for v in values)


class Reduced(NDArrayOperatorsMixin):
    """A mean or sum over the samples, and what is linear in it.

    If it is the last step of a function, that is a loss per sample; if the function
    goes on, it is a number. A sum over as many as there are samples is their mean.
    With `axis` it is the mean of each row, but as the last step that of all entries.
    """

    __slots__ = ("axis", "factor", "form", "home", "kind", "terms")
    __hash__ = object.__hash__

    def __init__(
        self,
        kind: str,
        terms: Node,
        factor: Node = ONE,
        *,
        form: str = ENTRIES,
        axis: bool = False,
    ) -> None:
        self.home = present()
        self.form = form
        self.axis = axis
        for name in sorted(counts(factor) & {SIZE, LENGTH}):
            if kind == "sum" and _is_proportional(factor, name, -1):
                kind = "mean"
                factor = _of_samples(assigned(factor, {name: 1.0}), name, form)
            elif (
                kind == "mean"
                and (form, name) == (ENTRIES, SIZE)
                and _is_proportional(factor, name, 1)
            ):
                kind, factor = "sum", assigned(factor, {name: 1.0})
        self.kind = kind
        self.terms = terms
        self.factor = factor

    @property
    def node(self) -> Node:
        """What is reduced."""
        return mul(self.factor, self.terms)

    def where(self) -> dict[str, Any]:
        """Return what it runs over."""
        return {"form": self.form, "axis": self.axis}

    def of_rows(self) -> Node:
        """Return what is reduced of a row."""
        if self.form != ENTRIES:
            return self.node
        made = "row_sum" if self.kind == "sum" else "mean_of_row"
        return mul(self.factor, across(made)(self.terms))

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: Any
    ) -> Reduced | Symbol:
        found: Reduced | Symbol = _apply_ufunc(ufunc, method, inputs, kwargs)
        return found

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return _apply_function(function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: object = None) -> Any:
        return self.symbol().__array__(dtype, copy)

    def __bool__(self) -> bool:
        return bool(self.symbol())

    def __float__(self) -> float:
        return float(self.symbol())

    def __int__(self) -> int:
        return int(self.symbol())

    def __index__(self) -> int:
        return self.symbol().__index__()

    def __iter__(self) -> NoReturn:
        self.symbol().__iter__()

    @classmethod
    def __torch_function__(cls, function: Any, *_: Any, **__: Any) -> NoReturn:
        refuse(f"torch's {getattr(function, '__name__', function)} is called", ALIEN)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.symbol(), name)

    def symbol(self) -> Symbol:
        """Return the number that it is, in a formula that goes on."""
        _check_home(self)
        if self.axis:
            mean = across("mean_of_row")(self.node)
            return Symbol(mean, form=ROWS, array=True)
        trace = present()
        if trace is not None and trace.middle is None:
            trace.middle = tell(
                f"a {self.kind} over the samples is used in the middle of the formula, "
                "which does not end in one",
                "return one number, as the np.mean of it all, or one per sample "
                "without the others: compute it outside and pass it as a parameter",
            )
        return Symbol(mul(self.factor, build(self.kind, self.terms)))


def _linear(ufunc: np.ufunc, inputs: tuple[object, ...]) -> Reduced | None:
    """Carry a factor, a sign or a sum of two equal reductions into the reduction."""
    reduced = [x for x in inputs if isinstance(x, Reduced)]
    for x in reduced:
        _check_home(x)
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


# -- NumPy's functions -----------------------------------------------------------------

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


def _truth(x: object) -> Node:
    n = as_node(x)
    if n.boolean or n.op == "const" or _is_boolean(x):
        return n
    return build("ne", n, const(0.0))


def _is_boolean(x: object) -> bool:
    if isinstance(x, Symbol):
        return x.boolean
    if isinstance(x, np.ndarray):
        return bool(x.dtype == bool)
    return isinstance(x, bool | np.bool_)


def _apply_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[object, ...], kwargs: dict[str, Any]
) -> Any:
    name = ufunc.__name__
    inputs = tuple(map(_of_labels_or_same, inputs))
    if any(isinstance(x, Reduced) for x in inputs):
        found = _linear(ufunc, inputs) if method == "__call__" and not kwargs else None
        if found is not None:
            return found
        inputs = tuple(x.symbol() if isinstance(x, Reduced) else x for x in inputs)
    if method == "reduce" and name == "add":
        return _reduce("sum", inputs, kwargs)
    if method == "reduce" and name in _REDUCED:
        return _apply_function(_REDUCED[name], inputs, kwargs)
    if method != "__call__":
        refuse(
            f"np.{name}.{method} runs across the samples",
            "a loss is one formula per sample; np.mean or np.sum may end it",
        )
    if kwargs.get("out") is not None:
        return _written(ufunc, method, inputs, kwargs)
    if kwargs.get("where", True) is not True:
        refuse(f"np.{name} is given where=", "write np.where(condition, a, b)")
    known = all(map(_is_known, inputs))
    bits = name.startswith(("bitwise", "invert"))
    if name in _LOGICAL and not (bits and known and not any(map(_is_boolean, inputs))):
        return _logical(name, inputs)
    if name in _UFUNCS or name in _COMPOSED:
        return _computed(name, inputs)
    if known:
        return ufunc(*map(_number, inputs))
    if name == "matmul":
        refuse("@ sums over samples", "write np.sum(a * b) as the last step")
    if name == "matvec" or name == "vecdot":
        refuse(f"np.{name} sums over samples", "write np.sum(a * b) as the last step")
    return refuse(f"{name} has no compiled form", _unknown(name))


def _written(
    ufunc: np.ufunc, method: str, inputs: tuple[object, ...], kwargs: dict[str, Any]
) -> Symbol:
    """Write into an array of the function's own, r -= 1."""
    out = kwargs["out"]
    (target,) = out if isinstance(out, tuple) else (out,)
    own = isinstance(target, Symbol) and target.array and target.writable
    if not own or not target.floating or method != "__call__":
        refuse(f"np.{ufunc.__name__} writes into an array in place", _IN_PLACE)
    rest = {name: x for name, x in kwargs.items() if name != "out"}
    found = _apply_ufunc(ufunc, method, inputs, rest)
    found = (
        found.symbol()
        if isinstance(found, Reduced)
        else Symbol(as_node(found), of=(found,))
    )
    if _joined((target, found)) != target.form:
        refuse(f"np.{ufunc.__name__} writes into an array of another shape", _IN_PLACE)
    target.write(found)
    written: Symbol = target
    return written


def _is_known(x: object) -> bool:
    """Whether this is a number, or a parameter that stands for one."""
    if isinstance(x, Symbol):
        if not x.node.uniform:
            return False
        return not counts(x.node) and not reductions(x.node)
    return isinstance(x, bool | int | float | np.number | np.bool_)


def _number(x: object) -> Any:
    return _value(x) if isinstance(x, Symbol) else x


# Of two booleans, NumPy's results are booleans.
_BOOLEAN = {"add": "or", "multiply": "and", "maximum": "or", "minimum": "and"}
_NOT_OF_BOOLEANS = {
    "subtract": "write a ^ b, or np.where(a, 1.0, 0.0) - np.where(b, 1.0, 0.0)",
    "negative": "write ~condition, or -np.where(condition, 1.0, 0.0)",
    "positive": "write the condition itself",
    "sign": "write the condition itself",
}


def _computed(name: str, inputs: tuple[object, ...]) -> Symbol:
    array = any(map(_is_array, inputs))
    if all(map(_is_boolean, inputs)):
        found = _of_booleans(name, inputs, array)
        if found is not None:
            return found
    passes = _passes_nans(name, inputs)
    nodes = [_bare(x) if passes else as_node(x) for x in inputs]
    if name in _COMPOSED:
        result = _COMPOSED[name](*nodes)
    else:
        result = build(_UFUNCS[name], *nodes)
    if name in _PREDICATES:
        return Symbol(result, boolean=True, of=inputs)
    lost = NONE.union(*map(_strict, inputs)) - result.strict if passes else NONE
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
        return Symbol(_bare(inputs[0]), boolean=True, of=inputs)
    if name in _BOOLEAN:
        result = build(_BOOLEAN[name], *map(_bare, inputs))
        return Symbol(result, boolean=True, of=inputs)
    return None


def _passes_nans(name: str, inputs: tuple[object, ...]) -> bool:
    """Whether a NaN of any operand certainly makes NumPy's result a NaN."""
    if name in ("power", "float_power"):
        base, exponent = map(_bare, inputs)
        return exponent.op == "const" and exponent.value != 0.0 and base.op != "const"
    return name not in _PREDICATES and name not in _LENIENT


def _is_array(x: object) -> bool:
    return isinstance(x, Symbol) and x.array


# Python's booleans are integers to these.
_DIFFERS = frozenset("add subtract multiply negative positive invert absolute".split())
_LENIENT = frozenset("hypot copysign fmax fmin".split())
_PREDICATES = frozenset(
    "greater greater_equal less less_equal equal not_equal isnan isfinite isinf "
    "signbit".split()
)


def _strict(x: object) -> Names:
    return x.node.strict | x.lost if isinstance(x, Symbol) else NONE


def _unknown(name: str) -> str:
    known = ", ".join(sorted({*_UFUNCS, "where", "clip"} - {"gammaln", "expit"}))
    return (
        f"write {name} with the functions understood ({known} and those of fl.math), "
        "or give NumPy functions of your own: fl.custom(fn, grad=gn, hess=hn)"
    )


def _logical(name: str, inputs: tuple[object, ...]) -> Symbol:
    if name.startswith("logical"):
        result = build(_LOGICAL[name], *map(_truth, inputs))
        return Symbol(result, boolean=True, of=inputs)
    if name == "invert" and not any(map(_is_array, inputs)):
        _of_booleans(name, inputs, array=False)
    for x in inputs:
        n = as_node(x)
        bit = n.op == "const" and n.value in (0.0, 1.0) and name != "invert"
        if not (_is_boolean(x) or bit):
            symbol = {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
            refuse(
                f"{symbol.get(name, '~')} is applied to numbers",
                "compare first, as (y_true == 1) & (y_pred > 0); for labels 0/1 "
                "write 1 - y_true",
            )
    result = build(_LOGICAL[name], *map(_truth, inputs))
    return Symbol(result, boolean=all(map(_is_boolean, inputs)), of=inputs)


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
        found: Reduced | Symbol = across("reduced")(kind, first, given)
        return found
    if given:
        refuse(
            f"np.{kind} is given {', '.join(given)}",
            f"write np.{kind}(values) over everything as the last step; "
            'reduction="none" gives the values per sample',
        )
    if isinstance(first, Reduced) and not (first.axis and kind == "sum"):
        _check_home(first)
        return first  # of one number
    if isinstance(first, Reduced):
        first = first.symbol()
    if isinstance(first, Symbol) and not first.array:
        return first  # of one number
    return Reduced(
        kind, as_node(first), form=getattr(first, "form", ENTRIES) or ENTRIES
    )


def _of_labels_or_same(x: Any) -> Any:
    """Return the symbol of an array of classes or labels, or what else it is."""
    trace = present()
    if type(x) is np.ndarray and trace is not None and trace.rows:
        return across("of_labels_or_same")(x)
    return x


def _is_label(x: Symbol) -> bool:
    return x.node is LABEL or (x.node.op == "input" and x.node.value == "y_true")


# Python's own code for a[b] and a[b] = c, an instruction each.
_INDEXING = {
    bytes((x.opcode, x.arg or 0))
    for text in ("a[b]", "a[b] = c")
    for x in dis.get_instructions(compile(text, "", "exec"))
    if "SUBSCR" in x.opname or x.argrepr == "[]"
}


def _indexes(frame: FrameType) -> bool:
    """Whether the instruction that runs indexes an array."""
    at = frame.f_lasti
    return frame.f_code.co_code[at : at + 2] in _INDEXING


def across(name: str) -> Any:
    """Return a function of `axes`, which is about the last axis."""
    from . import axes

    return getattr(axes, name)


def _bounded(x: object, low: object, high: object) -> Symbol:
    if low is not None and high is not None:
        return _limited(x, low, high)
    if low is not None:
        return _computed("maximum", (x, low))
    if high is not None:
        return _computed("minimum", (x, high))
    return x if isinstance(x, Symbol) else Symbol(as_node(x))


def _limited(x: object, low: object, high: object) -> Symbol:
    """Return x between two bounds."""
    node, least, most = map(_bare, (x, low, high))
    if least.uniform and most.uniform:
        result = build("clip", node, least, most)
    else:  # inside the closed interval the slope is that of x
        inside = build("and", build("ge", node, least), build("ge", most, node))
        limited = build("minimum", build("maximum", node, least), most)
        result = build("where", inside, node, limited)
    lost = NONE.union(*map(_strict, (x, low, high))) - result.strict
    return Symbol(result, of=(x, low, high), lost=lost)


def _where(condition: object, *choices: object) -> Symbol:
    if len(choices) != 2:
        refuse(
            "np.where with one argument looks for positions",
            "write np.where(condition, a, b)",
        )
    result = build("where", *map(as_node, (condition, *choices)))
    boolean = all(map(_is_boolean, choices))
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


def _clip_function(
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


def is_whole(x: Node) -> bool:
    """Whether a node is an integer, which every array can hold."""
    return isinstance(x.value, float) and x.value.is_integer()


def _size(a: Symbol, axis: object = None) -> Symbol:
    if axis is not None:
        refuse("np.size is given axis", "write np.size(y_true)")
    return a.size


_REDUCED: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "minimum": np.min,
    "logaddexp": np.logaddexp,
}
_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.max: lambda *args, **kwargs: across("largest")(*args, **kwargs),
    np.min: lambda *args, **kwargs: across("least")(*args, **kwargs),
    np.logaddexp: lambda *args, **kwargs: across("logsumexp")(*args, **kwargs),
    np.amax: lambda *args, **kwargs: across("largest")(*args, **kwargs),
    np.amin: lambda *args, **kwargs: across("least")(*args, **kwargs),
    np.linalg.norm: lambda *args, **kwargs: across("norm")(*args, **kwargs),
    np.take_along_axis: lambda *args, **kwargs: across("along")(*args, **kwargs),
    np.take: lambda *args, **kwargs: across("take")(*args, **kwargs),
    np.expand_dims: lambda *args, **kwargs: across("expanded")(*args, **kwargs),
    np.squeeze: lambda *args, **kwargs: across("squeezed")(*args, **kwargs),
    np.reshape: lambda *args, **kwargs: across("reshaped")(*args, **kwargs),
    np.ravel: lambda *args, **kwargs: across("ravelled")(*args, **kwargs),
    np.where: _where,
    np.select: _select,
    np.nan_to_num: _nan_to_num,
    np.clip: _clip_function,
    np.mean: lambda *args, **kwargs: _reduce("mean", args, kwargs),
    np.average: lambda *args, **kwargs: _reduce("mean", args, kwargs),
    np.sum: lambda *args, **kwargs: _reduce("sum", args, kwargs),
    np.zeros_like: _filled(0.0),
    np.ones_like: _filled(1.0),
    np.full_like: _full,
    np.put_along_axis: lambda *args, **kwargs: across("put")(*args, **kwargs),
    np.real: lambda x: x,
    np.copy: lambda x, **_: x.copy(),
    np.size: _size,
    np.shape: lambda x: x.shape,
}
_REDUCING = (np.mean, np.average, np.sum)
_ACROSS = "a sample cannot see the others: compute it outside, pass it as a parameter"
_FUNCTION_REMEDIES = {
    "any": _IN_BOOLEAN_CONTEXT,
    "all": _IN_BOOLEAN_CONTEXT,
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
    "shape": _SHAPES,
    "piecewise": "write nested np.where",
}


def _apply_function(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if function not in _REDUCING:
        args = tuple(x.symbol() if isinstance(x, Reduced) else x for x in args)
    if function in _FUNCTIONS:
        if function is not np.put_along_axis:  # which writes into them
            args = tuple(map(_of_labels_or_same, args))
        return _FUNCTIONS[function](*args, **kwargs)
    if all(map(_is_known, args)) and not kwargs:
        return function(*map(_number, args))
    name = getattr(function, "__name__", repr(function))
    along = kwargs.get("axis") in (-1, 1) or args[1:2] in ((-1,), (1,))
    remedy = across("ALONG_ROWS").get(name) if along else None
    return refuse(
        f"np.{name} has no form along rows"
        if along
        else f"np.{name} has no element-wise form",
        remedy or _FUNCTION_REMEDIES.get(name) or _unknown(name),
    )


def inputs_of(names: tuple[str, ...]) -> dict[str, Symbol]:
    """Return the symbols of arrays."""
    found = {name: Symbol(node("input", value=name), writable=False) for name in names}
    trace = present()
    if trace is not None and trace.rows:
        found["y_true"] = Symbol(LABEL, form=ROWS, writable=False)
    return found


def parameter(name: str) -> Symbol:
    """Return the symbol of a number known at the call."""
    return Symbol(node("param", value=name))
