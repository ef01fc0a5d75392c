"""Which node an operand of a traced function is."""

from __future__ import annotations

from typing import Any

import numpy as np

from .building import build, nan_if
from .graph import Node, const, node
from .label_arrays import is_of_classes, of_labels_or_same
from .protocol import check_home
from .reduced import Reduced
from .refusal import LabelOfRowError, TraceError, refuse
from .remedies import DECIDES, ONES
from .rows import LABEL
from .shapes import Length
from .symbol import COLUMN, NONE, ROWS, Names, Symbol, present_value
from .tracing import present


def as_node(x: object) -> Node:
    """Return the node of a symbol or of a number, a NaN where NumPy has one."""
    n = bare(x)
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


def bare(x: object) -> Node:
    """Return the node of a symbol or of a number."""
    if isinstance(x, Symbol):
        check_home(x)
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
            refuse(DECIDES, ONES, LabelOfRowError)
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
            LabelOfRowError if is_of_classes(x) else TraceError,
        )
    return refuse(
        f"{type(x).__name__} {x!r} has no place in an element-wise formula",
        "use y_true, y_pred, named inputs, parameters and real numbers",
    )


def is_boolean(x: object) -> bool:
    """Whether NumPy has booleans here."""
    if isinstance(x, Symbol):
        return x.boolean
    if isinstance(x, np.ndarray):
        return bool(x.dtype == bool)
    return isinstance(x, bool | np.bool_)


def truth(x: object) -> Node:
    """Return whether an operand is anything but 0."""
    n = as_node(x)
    if n.boolean or n.op == "const" or is_boolean(x):
        return n
    return build("ne", n, const(0.0))


def strict(x: object) -> Names:
    """Return the inputs of which a NaN makes the operand one."""
    return x.node.strict | x.lost if isinstance(x, Symbol) else NONE


def known_value(x: object) -> Any:
    """Return the number that is there or that a parameter stands for."""
    return present_value(x) if isinstance(x, Symbol) else x


def is_whole(x: Node) -> bool:
    """Whether a node is an integer, which every array can hold."""
    return isinstance(x.value, float) and x.value.is_integer()


def understood(x: Any) -> Any:
    """Return the symbol of an array of classes or labels, or what else it is."""
    trace = present()
    if type(x) is np.ndarray and trace is not None and trace.rows:
        return of_labels_or_same(x)
    return x
