"""A stand-in for an array or a parameter, and what Python does with it."""

from __future__ import annotations

import dis
import math
import sys
from types import FrameType
from typing import Any, NoReturn

import numpy as np

from .building import build
from .counts import LENGTH, SIZE, counts
from .derive import PREDICTION
from .graph import Node, node, reductions
from .protocol import Traced, check_home, routed
from .refusal import (
    ALIEN,
    HeadsError,
    LabelOfRowError,
    NoAttributeError,
    TraceError,
    refuse,
    tell,
)
from .remedies import (
    ALONG_ROWS,
    APART,
    DECIDES,
    IN_BOOLEAN_CONTEXT,
    NO_INDEX,
    NO_KEY,
    NO_LOOP,
    OF_ATTRIBUTES,
    ONES,
    TAKES_ARRAYS,
)
from .rows import CLASSES, LABEL
from .tracing import present

Names = frozenset[str]
NONE: Names = frozenset()
# Shapes: a number; of n rows of C entries (n, C), (n, 1) and (n,).
NUMBER, ENTRIES, COLUMN, ROWS = "()", "(n, C)", "(n, 1)", "(n,)"


def joined(operands: tuple[object, ...]) -> str:
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


class Symbol(Traced):
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
        That shape: one of those above.
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
        self.array = array or not x.uniform or any(map(is_array, of))
        self.form = form or joined(of) or (ENTRIES if self.array else NUMBER)
        self.lost = lost
        self.home = present()

    def __repr__(self) -> str:
        trace = self.home
        if trace is not None and trace is present() and is_known(self):
            return repr(present_value(self))
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

    def __array__(self, dtype: Any = None, copy: object = None) -> Any:
        if not self.array:
            return np.asarray(present_value(self), dtype=dtype)
        if _is_label(self) and _indexes(sys._getframe(1)):
            from .label_arrays import labels_that_index

            return labels_that_index(dtype)
        return refuse(
            "a symbolic array is turned into a NumPy array",
            "leave out np.asarray and the like (arguments are arrays already) and "
            "losses within the loss, whose formulas can be written out, and call "
            "functions that NumPy routes: ufuncs, np.where, np.clip, np.mean, "
            "np.sum; another function works through fl.custom(fn, grad=gn, hess=hn)",
        )

    # A number is compared with, and looked up as, what it is.

    def __eq__(self, other: object) -> Any:
        if self.home is not present() and not is_array(other):
            return False  # the key of a cache that another trace has filled
        if self.node.uniform and not _is_numeric(other):
            return present_value(self) == other
        return np.equal(self, other)  # type: ignore[call-overload]

    def __ne__(self, other: object) -> Any:
        if self.node.uniform and not _is_numeric(other):
            return present_value(self) != other
        return np.not_equal(self, other)  # type: ignore[call-overload]

    def __hash__(self) -> int:
        return hash(_read(self, "an array is looked up in a set or a dict", NO_KEY))

    def __format__(self, form: str) -> str:
        if not self.node.uniform:
            return repr(self)
        return format(present_value(self), form)

    def __str__(self) -> str:
        return self.__format__("")

    def __bool__(self) -> bool:
        return bool(
            _read(
                self,
                "a condition on data decides which code runs",
                IN_BOOLEAN_CONTEXT,
            )
        )

    def __float__(self) -> float:
        return float(_read(self, "an array is used as one number", TAKES_ARRAYS))

    def __complex__(self) -> complex:
        return complex(_read(self, "an array is used as one number", TAKES_ARRAYS))

    def __int__(self) -> int:
        return int(_read(self, "an array is used as one integer", TAKES_ARRAYS))

    __trunc__ = __int__

    def __round__(self, digits: int | None = None) -> Any:
        return round(_read(self, "an array is rounded", TAKES_ARRAYS), digits)

    def __floor__(self) -> int:
        return math.floor(float(_read(self, "an array is rounded", TAKES_ARRAYS)))

    def __ceil__(self) -> int:
        return math.ceil(float(_read(self, "an array is rounded", TAKES_ARRAYS)))

    def __index__(self) -> int:
        if self.node is node("param", value=LENGTH):
            refuse(DECIDES, ONES, LabelOfRowError)
        if self.array and _is_label(self) and _indexes(sys._getframe(1)):
            # An array tries this first, and goes on with __array__.
            raise TraceError(tell("an array is used as an index", NO_INDEX))
        number = _read(self, "an array is used as an index or a count", NO_INDEX)
        if number != int(number):
            raise TypeError(f"{number!r} is not an integer")
        return int(number)

    def __iter__(self) -> NoReturn:
        self._no_array()
        if self.node is PREDICTION:
            refuse("a loop runs over the samples", NO_LOOP + APART, HeadsError)
        refuse("a loop runs over the samples", NO_LOOP)

    def __len__(self) -> int:
        self._no_array()
        refuse(
            "len() of an array: the number of samples is not known while tracing",
            "in a helper write y_true.shape[0], or np.mean(...) instead of np.sum(...) "
            "/ len(...); np.ones_like(y_pred) instead of np.ones(len(y_pred))",
        )

    def __getitem__(self, key: object) -> Any:
        from .axes import getitem

        self._no_array()
        return getitem(self, key)

    def __setitem__(self, key: object, value: object) -> None:
        from .axes import assign

        if not self.array:
            self._no_array()
        assign(self, key, value)

    def write(self, found: Symbol) -> None:
        """Hold from now on what a result of the same shape does."""
        self.node, self.lost = found.node, found.lost

    def __contains__(self, key: object) -> NoReturn:
        self._no_array()
        refuse("a membership test looks at the samples", IN_BOOLEAN_CONTEXT)

    def _no_array(self) -> None:
        """Do what a number does that is asked for its items."""
        if self.node.uniform:
            iter(present_value(self))

    def __copy__(self) -> Symbol:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Symbol:
        return self.copy()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse("an array is pickled, or sent to another process", TAKES_ARRAYS)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.node.uniform and present() is not None:
            return getattr(present_value(self), name)
        if not hasattr(np.ndarray, name):
            raise NoAttributeError(
                tell(f".{name}: arrays of NumPy have no such attribute", ALIEN)
            )
        remedy = OF_ATTRIBUTES.get(name) or ALONG_ROWS.get(name)
        remedy = remedy or "use NumPy's functions on whole arrays"
        return refuse(f".{name} of an array is not available while tracing", remedy)

    @property
    def size(self) -> Symbol:
        size = node("param", value=SIZE)
        if self.form in (ROWS, COLUMN):
            return Symbol(build("div", size, node("param", value=CLASSES)))
        return Symbol(size)

    @property
    def shape(self) -> Any:
        from .shapes import Shape

        return Shape()

    def mean(self, *args: object, **kwargs: object) -> Any:
        return routed(np.mean, (self, *args), kwargs)

    def sum(self, *args: object, **kwargs: object) -> Any:
        return routed(np.sum, (self, *args), kwargs)

    def max(self, *args: object, **kwargs: object) -> Any:
        return routed(np.max, (self, *args), kwargs)

    def min(self, *args: object, **kwargs: object) -> Any:
        return routed(np.min, (self, *args), kwargs)

    def reshape(self, *shape: object, **kwargs: object) -> Any:
        return routed(np.reshape, (self, *shape), kwargs)

    def squeeze(self, *args: object, **kwargs: object) -> Any:
        return routed(np.squeeze, (self, *args), kwargs)

    def ravel(self, *args: object, **kwargs: object) -> Any:
        return routed(np.ravel, (self, *args), kwargs)

    flatten = ravel

    def clip(self, low: object = None, high: object = None, **bounds: Any) -> Symbol:
        from .array_functions import clip

        return clip(self, low, high, **bounds)

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
            from .operands import truth

            return Symbol(truth(self), boolean=True, of=(self,))
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


def _is_numeric(x: object) -> bool:
    return issubclass(type(x), Traced) or isinstance(
        x, bool | int | float | complex | np.generic | np.ndarray
    )


def is_array(x: object) -> bool:
    return isinstance(x, Symbol) and x.array


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


def is_known(x: object) -> bool:
    """Whether this is a number, or a parameter that stands for one."""
    if isinstance(x, Symbol):
        if not x.node.uniform:
            return False
        return not counts(x.node) and not reductions(x.node)
    return isinstance(x, bool | int | float | np.number | np.bool_)


def _read(symbol: Symbol, what: str, remedy: str) -> Any:
    """Return the value of an expression of parameters; refuse one of arrays."""
    if not symbol.node.uniform:
        refuse(what, remedy)
    return present_value(symbol)


def present_value(symbol: Symbol) -> Any:
    """Return the value of an expression of parameters."""
    check_home(symbol)
    if counts(symbol.node):
        refuse(DECIDES, ONES, LabelOfRowError)
    if reductions(symbol.node):
        refuse(
            "a mean or sum over the samples decides, which is not known while tracing",
            "write np.where(condition, a, b) for a choice",
        )
    trace = present()
    if trace is None:
        refuse("a parameter's stand-in has no value outside of a trace", TAKES_ARRAYS)
    return trace.read(symbol.node)


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
