"""Arrays of other libraries, on their way to NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np

__all__: list[str] = []


def opened(name: str, value: Any) -> Any:
    """`value`, or what `numpy.asarray` takes in its place without a copy.

    Nulls of pandas, Polars and Arrow would become NaN or objects: they are refused.
    """
    for column, found in _columns(value):
        _refuse_nulls(name, column, found)
    if _has(value, "__array__"):
        return value
    if _has(value, "__dlpack__"):
        return np.from_dlpack(value)
    if _has(value, "__arrow_c_stream__") or _has(value, "__arrow_c_array__"):
        return _of_arrow(name, value)
    return value


def _has(value: Any, attribute: str) -> bool:
    """Whether its class has it: instances may answer to any name."""
    return hasattr(type(value), attribute)


def _columns(value: Any) -> Iterator[tuple[str, Any]]:
    """Each column of a table with words for it, or the value itself."""
    for names in ("column_names", "columns"):
        if _has(value, names):
            for label in getattr(value, names):
                yield f" of column {label!r}", value[label]
            return
    yield "", value


def _nulls(value: Any) -> Any:
    """Which entries are null; None where no entry can be or is."""
    if _has(value, "isna"):  # pandas, whose nullable dtypes have a null of their own
        null = getattr(value.dtype, "na_value", None)
        return value.isna() if type(null).__name__ == "NAType" else None
    if not _has(value, "null_count"):
        return None
    count = value.null_count  # Polars has a method, Arrow a number
    return value.is_null() if (count() if callable(count) else count) else None


def _refuse_nulls(name: str, column: str, value: Any) -> None:
    nulls = _nulls(value)
    if nulls is None or not (mask := np.asarray(nulls)).any():
        return
    raise ValueError(
        f"{name} has no value at index {int(mask.argmax())}{column}: fill it, or leave "
        "the sample out"
    )


def _of_arrow(name: str, value: Any) -> Any:
    try:
        import pyarrow
    except ImportError:
        raise TypeError(
            f"{name} is a {type(value).__name__} of Arrow data: install pyarrow, or "
            f"pass a NumPy array"
        ) from None
    if _has(value, "__arrow_c_stream__"):
        column = pyarrow.chunked_array(value)
    else:
        column = pyarrow.array(value)
    _refuse_nulls(name, "", column)
    return column


def what_is_no_number(name: str, array: Any, value: Any) -> str:
    """The first entry of an array of objects that is none, and what to do."""
    if value is None:
        return f"{name} is None: pass an array"
    if _has(value, "get_label"):  # a DMatrix of XGBoost, a Dataset of LightGBM
        library = type(value).__module__.partition(".")[0]
        return (
            f"{name} is a {type(value).__name__}, as boosters hand to objectives: pass "
            f"fastloss.{library}.objective(loss), or metric(loss)"
        )
    for column, found in _columns(value):
        for index, entry in enumerate(np.asarray(found).ravel()):
            if not isinstance(entry, Real) or isinstance(entry, str):
                text = names_of_classes(name) if isinstance(entry, str) else ""
                return (
                    f"{name} holds {entry!r}{column} at index {index}: "
                    f"use booleans, integers, float32 or float64{text}"
                )
    return f"{name} has dtype {array.dtype}: use {name}.astype(np.float64)"


def names_of_classes(name: str) -> str:
    """What else may be done with labels that are text."""
    if name != "y_true":
        return ""
    return ", or name the classes of such labels with classes=[...]"
