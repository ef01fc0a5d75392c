"""Arrays that a function makes of labels and classes, np.eye(C)[y_true]."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arithmetic import add, mul, where
from .building import ONE, ZERO, build
from .graph import Node, const
from .refusal import LabelOfRowError, refuse
from .remedies import AT_LABEL
from .rows import INDEX, LABEL, ONE_HOT
from .symbol import COLUMN, ENTRIES, ROWS, Symbol
from .tracing import running


def labels_that_index(dtype: Any) -> np.ndarray:
    """Return labels that stand for those of rows, which index np.eye(C)."""
    trace = running()
    if not trace.rows:
        refuse("an array is indexed by labels", AT_LABEL, LabelOfRowError)
    trace.lengths += 1
    return trace.stand_ins.labels.astype(dtype or np.intp)


def of_labels_or_same(x: np.ndarray) -> Any:
    """Return the symbol of an array that numbers say of classes, or of labels.

    It has a number for each class or for each label, in even steps as np.arange; or a
    row for each label, with one number at the label, one before it and one behind.
    """
    length = running().stand_ins.length
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
    labels = running().stand_ins.labels
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
    place = np.arange(x.shape[1]) - running().stand_ins.labels[:, None]
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
    trace = running()
    trace.lengths += 1
    if number != trace.stand_ins.classes:
        if trace.wanted not in (None, number):
            refuse(
                f"arrays of {trace.wanted} and of {number} classes meet",
                "write x.shape[-1] for the number of classes",
            )
        trace.wanted = number
