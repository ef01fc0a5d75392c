"""What a traced function does along the last axis: rows of predictions, their labels.

A number of a row has the shape (n, 1) or (n,), and NumPy's rules say what it may meet.
Labels are those of entries, or one for a row: a function that indexes by its labels, or
gives them a last axis, is traced again with these.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import numpy as np

from .arithmetic import exp, neg, square, sub, where
from .building import ZERO, build
from .graph import Node, node
from .label_arrays import labels_that_index, of_labels_or_same
from .operands import as_node, is_whole
from .reduced import Reduced
from .refusal import HeadsError, LabelOfRowError, TraceError, refuse
from .remedies import AT_LABEL, KEEPS_SHAPE
from .rows import (
    LABEL,
    ONE_HOT,
    is_of_rows,
    look_up,
    mean_of_row,
    pick,
    row_sum,
)
from .symbol import COLUMN, ENTRIES, NUMBER, ROWS, Symbol
from .tracing import running

_LAST = (
    "write axis=-1 for the entries of a row of predictions, and np.mean or np.sum over "
    'everything as the last step; reduction="none" gives the values per sample'
)
_ONE_A_ROW = "one label for each row of predictions"


# -- reductions ------------------------------------------------------------------------


def _check_axis(name: str, axis: Any) -> None:
    """Refuse any but the last axis; 1 is that of arrays of two."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    if axes == (1,):
        running().flat = True
    elif axes != (-1,):
        refuse(f"np.{name} is given axis={axis}", _LAST)


def _over_entries(
    name: str,
    x: Any,
    made: Callable[[Node], Node],
    axis: Any,
    keepdims: Any,
    of_one: Callable[[Node], Node] = lambda u: u,
) -> Symbol:
    """Return the number of a row that something makes of its entries, or of one."""
    if axis is None:
        refuse(
            f"np.{name} runs over all samples",
            "write axis=-1 for the entries of a row; a sample cannot see "
            "the others: compute it outside, pass it as a parameter",
        )
    x = x.symbol() if isinstance(x, Reduced) else x
    form = x.form if isinstance(x, Symbol) else NUMBER
    if form == ROWS:
        refuse(
            f"np.{name} runs over the samples: its operand has a number for each row",
            "a sample cannot see the others: compute it outside, pass a parameter",
        )
    _check_axis(name, axis)
    found = (of_one if form == COLUMN else made)(as_node(x))
    return Symbol(found, form=COLUMN if keepdims else ROWS, array=True)


def reduced(kind: str, x: Any, given: dict[str, Any]) -> Reduced | Symbol:
    """Return what np.mean or np.sum with an axis is of."""
    axis, keepdims = given.pop("axis"), given.pop("keepdims", False)
    if given:
        refuse(f"np.{kind} is given {', '.join(given)}", "leave it out")
    x = x.symbol() if isinstance(x, Reduced) else x
    if not isinstance(x, Symbol) or x.form == NUMBER:
        return x if isinstance(x, Symbol) else Symbol(as_node(x))
    if x.form == ROWS and axis in (0, -1) and not keepdims:
        return Reduced(kind, as_node(x), form=ROWS)
    plain = x.form != COLUMN and not keepdims
    plain = plain and not running().rows and not is_of_rows(x.node)
    if kind == "mean" and axis == -1 and plain:
        # As the last step, it is the mean of the entries, whatever their rows.
        return Reduced("mean", as_node(x), axis=True)
    made = row_sum if kind == "sum" else mean_of_row
    return _over_entries(kind, x, made, axis, keepdims)


def largest(
    a: Any, axis: Any = None, *, keepdims: Any = False, **kwargs: Any
) -> Symbol:
    _refuse_more("max", kwargs)
    return _over_entries("max", a, lambda x: build("row_max", x), axis, keepdims)


def least(a: Any, axis: Any = None, *, keepdims: Any = False, **kwargs: Any) -> Symbol:
    _refuse_more("min", kwargs)
    return _over_entries(
        "min", a, lambda x: neg(build("row_max", neg(x))), axis, keepdims
    )


def logsumexp(
    a: Any, axis: Any = None, *, keepdims: Any = False, **kwargs: Any
) -> Symbol:
    _refuse_more("logaddexp.reduce", kwargs)
    return _over_entries("logsumexp", a, lambda x: build("lse", x), axis, keepdims)


def log_softmax(x: Any, axis: Any = -1) -> Symbol:
    """X - logsumexp(x, axis=-1, keepdims=True)."""
    total = logsumexp(x, axis, keepdims=True)
    return Symbol(sub(as_node(x), total.node), of=(x, total))


def softmax(x: Any, axis: Any = -1) -> Symbol:
    found = log_softmax(x, axis)
    return Symbol(exp(found.node), of=(found,))


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Symbol:
    if ord not in (None, 1, 2):
        refuse(f"np.linalg.norm is given ord={ord!r}", "write it with np.sum or np.max")

    if axis is None:
        refuse(
            "np.linalg.norm runs over all samples",
            "write np.sum(r**2) or np.sum(np.abs(r)) as the last step, axis=-1 for the "
            "entries of a row",
        )

    def made(u: Node) -> Node:
        if ord == 1:
            return row_sum(build("abs", u))
        return build("sqrt", row_sum(square(u)))

    of_one = partial(build, "abs")
    return _over_entries("linalg.norm", x, made, axis, keepdims, of_one)


def _refuse_more(name: str, kwargs: dict[str, Any]) -> None:
    given = [k for k, v in kwargs.items() if v is not None and k != "dtype"]
    if given:
        refuse(f"np.{name} is given {', '.join(given)}", "leave it out")


# -- shapes ----------------------------------------------------------------------------


def _as(x: Symbol, form: str) -> Symbol:
    """Return a view, into which nobody writes, nor into what it is of."""
    x.writable = False
    return Symbol(
        x.node,
        boolean=x.boolean,
        lost=x.lost,
        form=form,
        array=True,
        writable=False,
    )


def expanded(a: Any, axis: Any) -> Symbol:
    if axis not in (-1, 1):
        refuse(f"np.expand_dims is given axis={axis}", "write axis=-1")
    return _column("np.expand_dims", a)


def _column(how: str, a: Any) -> Symbol:
    if isinstance(a, Symbol) and a.form == ROWS:
        return _as(a, COLUMN)
    if isinstance(a, Symbol) and a.form == ENTRIES:
        _not_of_entries(how)
    return refuse(f"{how} of a number or a column", "leave it out")


def _not_of_entries(how: str) -> NoReturn:
    refuse(
        f"{how}: arrays have the shape of y_pred here, a label for each entry",
        KEEPS_SHAPE,
        LabelOfRowError,
    )


def squeezed(a: Any, axis: Any = None) -> Symbol:
    if not isinstance(a, Symbol) or a.form not in (COLUMN, ROWS):
        refuse("np.squeeze changes the shape of an array", KEEPS_SHAPE, LabelOfRowError)
    if axis not in (None, -1, 1):
        refuse(f"np.squeeze is given axis={axis}", "write axis=-1")
    return _as(a, ROWS)


def ravelled(a: Any, order: Any = None) -> Symbol:
    return reshaped(a, -1)


def reshaped(a: Any, *shape: Any, **kwargs: Any) -> Symbol:
    wanted = shape[0] if len(shape) == 1 else shape
    forms = {-1: ROWS, (-1,): ROWS, (-1, 1): COLUMN}
    form = forms.get(wanted) if isinstance(wanted, int | tuple) else None
    if kwargs or form is None or not isinstance(a, Symbol) or a.form == ENTRIES:
        refuse("the shape of an array is changed", KEEPS_SHAPE, LabelOfRowError)
    return _as(a, form)


# -- indices ---------------------------------------------------------------------------


def getitem(x: Symbol, key: Any) -> Symbol:
    """Return what an array or a number of rows is at a key."""
    if isinstance(key, tuple) and len(key) == 2:
        first, second = key
        whole = first is Ellipsis or (isinstance(first, slice) and first == slice(None))
        if whole and second is None:
            return _column("a new axis", x)
        if whole and x.form == COLUMN and type(second) is int and second in (0, -1):
            return _as(x, ROWS)
        if _is_label(second):
            return _picked(x, first, second)
    kind = HeadsError if isinstance(key, int) else TraceError
    return refuse("an array is indexed", AT_LABEL, kind)


def assign(x: Symbol, key: Any, value: Any) -> None:
    """Write a number into the entries at labels, or where a condition holds."""
    remedy = "write np.where(condition, value, array) instead"
    found = as_node(value)
    if not x.writable or not (x.floating or is_whole(found)):
        refuse("an array is assigned to in place", remedy)
    if isinstance(key, tuple) and len(key) == 2 and _is_label(key[1]):
        _check_rows(*key)
        place: Any = Symbol(ONE_HOT, boolean=True, form=ENTRIES, array=True)
        form = value.form if isinstance(value, Symbol) else NUMBER
        if x.form != ENTRIES or form not in (NUMBER, key[1].form):
            refuse("an array of another shape is assigned to in place", remedy)
    else:
        place = of_labels_or_same(key) if type(key) is np.ndarray else key
        if not isinstance(place, Symbol) or not place.boolean or place.form != x.form:
            refuse("an array is assigned to in place", remedy)
        if isinstance(value, Symbol) and value.array:
            refuse("an array of another shape is assigned to in place", remedy)
    if x.boolean:
        found = build("ne", found, ZERO)
    x.write(Symbol(where(place.node, found, as_node(x)), of=(x,)))


def put(arr: Any, indices: Any, values: Any, axis: Any = None) -> None:
    """Write into the entries at labels as np.put_along_axis does."""
    _check_axis("put_along_axis", axis)
    if not _is_label(indices) or indices.form != COLUMN:
        refuse(
            "np.put_along_axis wants y_true[:, None], " + _ONE_A_ROW,
            AT_LABEL,
            LabelOfRowError,
        )
    every = np.arange(running().stand_ins.length)[:, None]
    if isinstance(arr, Symbol):
        assign(arr, (every, indices), values)
    else:
        arr[every, labels_that_index(None)[:, None]] = values


def _is_label(x: Any) -> bool:
    return type(x) is Symbol and x.node is LABEL


def _picked(x: Symbol, rows: Any, label: Symbol) -> Symbol:
    _check_rows(rows, label)
    return _at_label(x, label.form)


def _check_rows(rows: Any, label: Symbol) -> None:
    every = np.arange(running().stand_ins.length)
    wanted = every if label.form == ROWS else every[:, None]
    given = np.asarray(rows) if isinstance(rows, range | list | np.ndarray) else None
    if given is None or not np.array_equal(given, wanted):
        refuse(
            "an array is indexed by its labels, and by something else than all rows",
            AT_LABEL,
        )


def _at_label(x: Any, form: str) -> Symbol:
    if not isinstance(x, Symbol) or x.form != ENTRIES:
        refuse("what is indexed by a label is no row of entries", AT_LABEL)
    return Symbol(pick(as_node(x)), form=form, array=True)


def along(arr: Any, indices: Any, axis: Any = -1) -> Symbol:
    _check_axis("take_along_axis", axis)
    if not _is_label(indices) or indices.form != COLUMN:
        refuse(
            "np.take_along_axis wants y_true[:, None], " + _ONE_A_ROW,
            AT_LABEL,
            LabelOfRowError,
        )
    return _at_label(arr, COLUMN)


# -- lists that labels index -----------------------------------------------------------


class _Indexed:
    """A list of numbers, which a label may index."""

    name: str

    def __getitem__(self, key: Any) -> Any:
        if type(key) is Symbol and key.array:
            return _looked_up(self.name, key)
        return super().__getitem__(key)  # type: ignore[misc]

    def take(self, indices: Any, axis: Any = None, **kwargs: Any) -> Any:
        if type(indices) is Symbol and indices.array:
            return self[indices]
        return np.asarray(self).take(indices, axis=axis, **kwargs)


class _Array(_Indexed, np.ndarray):  # type: ignore[misc]
    pass


def table(name: str, value: Any) -> Any:
    """Return a stand-in for a parameter that a label may index, or the parameter."""
    if not is_table(value):
        return value
    found: Any
    if isinstance(value, np.ndarray):
        found = value.copy().view(_Array)
    else:
        kind = type(value.__class__.__name__, (_Indexed, value.__class__), {})
        found = kind(value)
    found.name = name
    return found


def is_table(value: Any) -> bool:
    """Whether a parameter is a list of numbers."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and value.dtype.kind in "biuf"
    return type(value) in (list, tuple) and all(
        isinstance(x, int | float | np.integer | np.floating) for x in value
    )


def take(a: Any, indices: Any, axis: Any = None) -> Any:
    if isinstance(a, _Indexed) and axis in (None, 0, -1):
        return a[indices]
    return refuse(
        "np.take of something that is no parameter",
        "give the function a parameter that is a list, as w=(1.0, 2.0), and write "
        "w[y_true]; for the entry at the label " + AT_LABEL,
    )


def _looked_up(name: str, key: Symbol) -> Symbol:
    if key.node is LABEL:
        return Symbol(look_up(name), form=key.form, array=True)
    if key.node.op != "input" or running().rows:
        refuse(
            f"{name} is indexed by something else than labels",
            f"write {name}[y_true]",
        )
    return Symbol(node("input", value=f"{name}[{key.node.value}]"))
