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
    if hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        return value
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    if hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__"):
        return _of_arrow(name, value)
    return value


def _columns(value: Any) -> Iterator[tuple[str, Any]]:
    """Each column of a table with words for it, or the value itself."""
    labels = getattr(value, "column_names", getattr(value, "columns", None))
    if labels is None:
        yield "", value
    else:
        for label in labels:
            yield f" of column {label!r}", value[label]


def _nulls(value: Any) -> Any:
    """Which entries are null; None where no entry can be or is."""
    if (
        type(getattr(getattr(value, "dtype", None), "na_value", None)).__name__
        == "NAType"
    ):
        return value.isna()  # pandas' nullable dtypes
    count = getattr(value, "null_count", 0)
    count = count() if callable(count) else count  # Polars has a method, Arrow a number
    return value.is_null() if count else None


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
    if hasattr(value, "__arrow_c_stream__"):
        column = pyarrow.chunked_array(value)
    else:
        column = pyarrow.array(value)
    _refuse_nulls(name, "", column)
    return column


def what_is_no_number(name: str, array: Any, value: Any) -> str:
    """The first entry of an array of objects that is none, and what to do."""
    for column, found in _columns(value):
        for index, entry in enumerate(np.asarray(found).ravel()):
            if not isinstance(entry, Real) or isinstance(entry, str):
                return (
                    f"{name} holds {entry!r}{column} at index {index}: "
                    "use booleans, integers, float32 or float64"
                )
    return f"{name} has dtype {array.dtype}: use {name}.astype(np.float64)"
