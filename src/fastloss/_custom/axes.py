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

from .graph import Node, const, node
from .refusal import HeadsError, LabelOfRowError, TraceError, refuse
from .rows import (
    CLASSES,
    LABEL,
    ONE_HOT,
    at_label,
    elsewhere,
    is_of_rows,
    look_up,
    numbers_of_row,
    pick,
    with_hot,
)
from .simplify import ONE, ZERO, add, build, div, exp, mul, neg, square, sub, where
from .trace import COLUMN, ENTRIES, NUMBER, ROWS, Reduced, Symbol, as_node
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
    if at_label(found):
        refuse(
            f"np.{name} of one-hot labels in more than a factor or a choice",
            "let y_true be one-hot: leave out np.eye or np.arange, write y_true for "
            "the mask, and pass rows of the shape of y_pred",
        )
    return Symbol(found, form=COLUMN if keepdims else ROWS, array=True)


def row_sum(x: Node) -> Node:
    """Return the sum of the entries; of one-hot ones that at the label."""
    if x.op == "neg":
        return neg(row_sum(x.args[0]))
    if x.op in ("add", "sub") and at_label(x):
        return build(x.op, *map(row_sum, x.args))
    return _sum_of_one_hot(x) if at_label(x) else build("row_sum", x)


def _sum_of_one_hot(x: Node) -> Node:
    """The sum of entries m u, and k u at the label: m sum(u) + (k - m) u[y_true]."""
    k, u = _factor(with_hot(x, ONE))
    m, other = _factor(elsewhere(x))
    if m is ZERO:
        return pick(x)
    if other.op == "nan_if" and other.args[0] is ZERO:
        whole = any(n.op != "pick" for n in numbers_of_row(u))  # has its NaNs
        return pick(x) if whole else add(pick(x), build("row_sum", other))
    if other is not u or k is ZERO:
        return build("row_sum", x)
    return add(mul(m, build("row_sum", u)), mul(sub(k, m), pick(u)))


def _factor(x: Node) -> tuple[Node, Node]:
    """Return (k, u) of k u with a number k."""
    if x.op == "neg":
        k, u = _factor(x.args[0])
        return neg(k), u
    if x.op == "mul" and x.args[0].uniform:
        k, u = _factor(x.args[1])
        return mul(x.args[0], k), u
    return (x, ONE) if x.uniform else (ONE, x)


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
    return Symbol(x.node, boolean=x.boolean, lost=x.lost, form=form, array=True)


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


def _is_label(x: Any) -> bool:
    return type(x) is Symbol and x.node is LABEL


def _picked(x: Symbol, rows: Any, label: Symbol) -> Symbol:
    every = np.arange(_trace().stand_ins.length)
    wanted = every if label.form == ROWS else every[:, None]
    given = np.asarray(rows) if isinstance(rows, range | list | np.ndarray) else None
    if given is None or not np.array_equal(given, wanted):
        refuse(
            "an array is indexed by its labels, and by something else than all rows",
            _INDEX,
        )
    return _at_label(x, label.form)


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


def one_hot_or_same(x: np.ndarray) -> Any:
    """Return the symbol of an array with one number at labels and one elsewhere."""
    trace = _trace()
    if (
        x.ndim != 2
        or x.shape[0] != trace.stand_ins.length
        or x.dtype.kind not in "biuf"
    ):
        return x
    hot = trace.stand_ins.labels[:, None] == np.arange(x.shape[1])
    at, off = np.unique(x[hot]), np.unique(x[~hot])
    if at.size != 1 or off.size != 1:
        refuse(
            "an array indexed by labels has other rows than np.eye(C)",
            "write w[y_true] of a parameter w with a number for each class; rows of "
            "other numbers, as labels of the shape of y_pred, are made outside",
        )
    _expect_classes(x.shape[1])
    first, second = float(at[0]), float(off[0])
    if (first, second) == (1.0, 0.0):
        found = ONE_HOT
    else:
        found = where(ONE_HOT, const(first), const(second))
    return Symbol(found, boolean=x.dtype == bool, form=ENTRIES, array=True)


def compared_with_classes(a: Any, b: Any) -> Symbol | None:
    """Return y_true[:, None] == np.arange(C), if that is what is compared."""
    for label, classes in ((a, b), (b, a)):
        if not (_is_label(label) and type(classes) is np.ndarray):
            continue
        if label.form != COLUMN or classes.shape not in (
            (classes.size,),
            (1, classes.size),
        ):
            continue
        if np.array_equal(classes.ravel(), np.arange(classes.size)):
            _expect_classes(classes.size)
            return Symbol(ONE_HOT, boolean=True, form=ENTRIES, array=True)
    return None


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
