"""What a traced function does along the last axis: rows of predictions, their labels.

A number of a row has the shape (n, 1) or (n,), and NumPy's rules say what it may meet.
Labels are those of entries, or one for a row: a function that indexes by its labels, or
gives them a last axis, is traced again with these.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, cast

import numpy as np

from .arithmetic import add, div, exp, mul, neg, square, sub, where
from .building import ONE, ZERO, build
from .graph import Node, const, node
from .refusal import HeadsError, LabelOfRowError, TraceError, refuse
from .rows import (
    CLASSES,
    INDEX,
    LABEL,
    ONE_HOT,
    is_of_rows,
    look_up,
    pick,
    row_sum,
)
from .trace import COLUMN, ENTRIES, NUMBER, ROWS, Reduced, Symbol, as_node, is_whole
from .tracing import Tracing, present

_LAST = (
    "write axis=-1 for the entries of a row of predictions, and np.mean or np.sum over "
    'everything as the last step; reduction="none" gives the values per sample'
)
_INDEX = (
    "write np.take_along_axis(x, y_true[:, None], axis=-1) for the entry at the label, "
    "np.where(y_true == 1, a, b) for a number that depends on it; values of other "
    "samples are out of reach, further arrays can be named inputs"
)
_KEEPS = "leave it out: y_true, y_pred and inputs have one shape, which is kept"
_ONE_A_ROW = "one label for each row of predictions"
_VARIANCE = "np.mean((x - np.mean(x, axis=-1, keepdims=True))**2, axis=-1)"
_ORDER = (
    "write np.max(x, axis=-1) for the largest entry, and for the second that of "
    "np.where(x == np.max(x, axis=-1, keepdims=True), -np.inf, x)"
)
_PLACE = (
    "write x == np.max(x, axis=-1, keepdims=True) as the condition that an entry is "
    "the largest; a place has no slope"
)
_LOGS = "of positive entries write np.exp(np.sum(np.log(x), axis=-1))"
_NEIGHBOURS = (
    "an entry cannot see its neighbours: np.cumsum of one-hot labels is "
    "np.arange(C) >= y_true[:, None]; of predictions compute it outside"
)
ALONG_ROWS = {
    "std": f"write np.sqrt({_VARIANCE})",
    "var": f"write {_VARIANCE}",
    "prod": _LOGS,
    "ptp": "write np.max(x, axis=-1) - np.min(x, axis=-1)",
    "any": "write np.max(np.where(condition, 1, 0), axis=-1)",
    "all": "write np.min(np.where(condition, 1, 0), axis=-1)",
    "count_nonzero": "write np.sum(np.where(condition, 1, 0), axis=-1)",
    "nansum": "write np.sum(np.where(np.isnan(x), 0, x), axis=-1)",
    **dict.fromkeys(("dot", "inner", "einsum"), "write np.sum(a * b, axis=-1)"),
    **dict.fromkeys(("argmax", "argmin", "argsort", "argpartition"), _PLACE),
    **dict.fromkeys(("sort", "partition", "median", "quantile", "percentile"), _ORDER),
    **dict.fromkeys(("cumsum", "cumprod", "diff", "roll", "flip"), _NEIGHBOURS),
}
"""What to write instead of NumPy's functions along the last axis."""


def _trace() -> Tracing:
    return cast(Tracing, present())


# -- reductions ------------------------------------------------------------------------


def _check_axis(name: str, axis: Any) -> None:
    """Refuse any but the last axis; 1 is that of arrays of two."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    if axes == (1,):
        _trace().flat = True
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


def mean_of_row(x: Node) -> Node:
    """Return the mean of the entries."""
    return div(row_sum(x), node("param", value=CLASSES))


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
    plain = plain and not _trace().rows and not is_of_rows(x.node)
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
        _KEEPS,
        LabelOfRowError,
    )


def squeezed(a: Any, axis: Any = None) -> Symbol:
    if not isinstance(a, Symbol) or a.form not in (COLUMN, ROWS):
        refuse("np.squeeze changes the shape of an array", _KEEPS, LabelOfRowError)
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
        refuse("the shape of an array is changed", _KEEPS, LabelOfRowError)
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
    return refuse("an array is indexed", _INDEX, kind)


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
            _INDEX,
            LabelOfRowError,
        )
    every = np.arange(_trace().stand_ins.length)[:, None]
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
    every = np.arange(_trace().stand_ins.length)
    wanted = every if label.form == ROWS else every[:, None]
    given = np.asarray(rows) if isinstance(rows, range | list | np.ndarray) else None
    if given is None or not np.array_equal(given, wanted):
        refuse(
            "an array is indexed by its labels, and by something else than all rows",
            _INDEX,
        )


def _at_label(x: Any, form: str) -> Symbol:
    if not isinstance(x, Symbol) or x.form != ENTRIES:
        refuse("what is indexed by a label is no row of entries", _INDEX)
    return Symbol(pick(as_node(x)), form=form, array=True)


# -- one-hot labels --------------------------------------------------------------------


def labels_that_index(dtype: Any) -> np.ndarray:
    """Return labels that stand for those of rows, which index np.eye(C)."""
    trace = _trace()
    if not trace.rows:
        refuse("an array is indexed by labels", _INDEX, LabelOfRowError)
    trace.lengths += 1
    return trace.stand_ins.labels.astype(dtype or np.intp)


def of_labels_or_same(x: np.ndarray) -> Any:
    """Return the symbol of an array that numbers say of classes, or of labels.

    It has a number for each class or for each label, in even steps as np.arange; or a
    row for each label, with one number at the label, one before it and one behind.
    """
    length = _trace().stand_ins.length
    if x.dtype.kind not in "biuf" or x.ndim not in (1, 2):
        return x
    if x.shape in ((length,), (length, 1)):
        numbers = _by_label(x.ravel())
        found = None if numbers is None else _steps(numbers, LABEL)
        form = ROWS if x.ndim == 1 else COLUMN
    elif x.ndim == 1 or x.shape[0] == 1:
        found, form = _steps(x.ravel(), INDEX), ENTRIES
    elif x.shape[0] == length:
        found, form = _of_labels(x), ENTRIES
    else:
        return x
    if found is None:
        return x
    if form == ENTRIES:
        _expect_classes(x.shape[-1])
    return Symbol(found, boolean=x.dtype == bool, form=form, array=True)


def _by_label(x: np.ndarray) -> np.ndarray | None:
    """Return the numbers of the labels, if rows of one label have the same."""
    labels = _trace().stand_ins.labels
    numbers = np.zeros(labels.max() + 1, x.dtype)
    numbers[labels] = x
    return numbers if np.array_equal(numbers[labels], x) else None


def _steps(x: np.ndarray, place: Node) -> Node | None:
    """Return a + b place, if that is what an array has."""
    first, step = float(x[0]), float(x[min(1, x.size - 1)]) - float(x[0])
    if not np.array_equal(x, first + step * np.arange(x.size)):
        return None
    if x.dtype != bool:
        return add(const(first), mul(const(step), place))
    return const(first) if step == 0 else None


def is_of_classes(x: np.ndarray) -> bool:
    """Whether an array can be that of a row's entries, and is none of samples."""
    return x.ndim == 1 and x.size > 1 and _steps(x, INDEX) is not None


def _of_labels(x: np.ndarray) -> Node:
    place = np.arange(x.shape[1]) - _trace().stand_ins.labels[:, None]
    numbers = [np.unique(x[part]) for part in (place == 0, place < 0, place > 0)]
    if any(each.size != 1 for each in numbers):
        refuse(
            "an array indexed by labels has more than one number at the label, before "
            "it or behind it; np.eye(C) and np.tril(np.ones((C, C))) have one",
            "write w[y_true] of a parameter w with a number for each class; rows of "
            "other numbers, as labels of the shape of y_pred, are made outside",
        )
    own, before, behind = (const(float(each[0])) for each in numbers)
    if own is before and behind is not before:
        return where(build("gt", INDEX, LABEL), behind, own)
    if own is behind and behind is not before:
        return where(build("gt", LABEL, INDEX), before, own)
    others = where(build("gt", LABEL, INDEX), before, behind)
    return ONE_HOT if (own, others) == (ONE, ZERO) else where(ONE_HOT, own, others)


def _expect_classes(number: int) -> None:
    trace = _trace()
    trace.lengths += 1
    if number != trace.stand_ins.classes:
        if trace.wanted not in (None, number):
            refuse(
                f"arrays of {trace.wanted} and of {number} classes meet",
                "write x.shape[-1] for the number of classes",
            )
        trace.wanted = number


def along(arr: Any, indices: Any, axis: Any = -1) -> Symbol:
    _check_axis("take_along_axis", axis)
    if not _is_label(indices) or indices.form != COLUMN:
        refuse(
            "np.take_along_axis wants y_true[:, None], " + _ONE_A_ROW,
            _INDEX,
            LabelOfRowError,
        )
    return _at_label(arr, COLUMN)


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
        "w[y_true]; for the entry at the label " + _INDEX,
    )


def _looked_up(name: str, key: Symbol) -> Symbol:
    if key.node is LABEL:
        return Symbol(look_up(name), form=key.form, array=True)
    if key.node.op != "input" or _trace().rows:
        refuse(
            f"{name} is indexed by something else than labels",
            f"write {name}[y_true]",
        )
    return Symbol(node("input", value=f"{name}[{key.node.value}]"))
