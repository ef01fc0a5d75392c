"""Arrays of pandas, Polars, Arrow and xarray are taken as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr

import fastloss as fl

Y = np.array([1.0, 2.0, 4.0])
X = np.array([1.5, 2.0, 3.0])
CHUNKS = pa.chunked_array([X[:1], X[1:]])


def Capsule(method: str, data: Any) -> Any:  # noqa: N802
    """Arrow data behind the one method of the PyCapsule interface."""

    def exported(self: Any, requested_schema: Any = None) -> Any:
        return getattr(data, method)(requested_schema)

    return type("Capsule", (), {method: exported})()


GIVEN: list[Any] = [
    pd.Series(X),
    pd.Series(X, dtype="Float64"),
    pd.Series(X, dtype="double[pyarrow]"),
    pd.Series(X, dtype="category"),
    pd.DataFrame({"a": X})["a"],
    pl.Series(X),
    pl.DataFrame({"a": X})["a"],
    pa.array(X),
    CHUNKS,
    Capsule("__arrow_c_array__", pa.array(X)),
    Capsule("__arrow_c_stream__", CHUNKS),
    xr.DataArray(X),
]


@pytest.mark.parametrize("given", GIVEN, ids=lambda given: type(given).__name__)
def test_columns_are_arrays(given: Any) -> None:
    value, grad = fl.mse.value_and_grad(Y, given)
    wanted, gradient = fl.mse.value_and_grad(Y, X)
    assert value == wanted
    assert type(grad) is np.ndarray
    np.testing.assert_array_equal(grad, gradient)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_tables_are_rows(make: Callable[[Any], Any]) -> None:
    table = make({"a": X, "b": Y})
    assert fl.scce([0, 1, 0], table, from_logits=True) == fl.scce(
        [0, 1, 0], np.column_stack([X, Y]), from_logits=True
    )


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, None, 3], dtype="Float64"),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([True, None, True], dtype="boolean"),
        pd.Series([1, None, 3], dtype="double[pyarrow]"),
        pl.Series([1.0, None, 3.0]),
        pa.array([1.0, None, 3.0]),
        Capsule("__arrow_c_array__", pa.array([1.0, None, 3.0])),
    ],
    ids=lambda column: f"{type(column).__name__}-{getattr(column, 'dtype', '')}",
)
def test_nulls_are_refused(column: Any) -> None:
    with pytest.raises(ValueError, match="y_pred has no value at index 1: fill it"):
        fl.mse(Y, column)
    with pytest.raises(ValueError, match="y_true has no value at index 1"):
        fl.mse(column, X)


def test_nan_is_a_number() -> None:
    assert np.isnan(fl.mse(Y, pd.Series([1.0, np.nan, 3.0])))
    assert np.isnan(fl.mse(Y, pl.Series([1.0, float("nan"), 3.0])))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_the_column_is_named(make: Callable[[Any], Any]) -> None:
    table = make({"a": [1.0, 2.0], "score": [3.0, None]})
    if make is pd.DataFrame:
        table = table.convert_dtypes()
    with pytest.raises(ValueError, match="at index 1 of column 'score'"):
        fl.scce([0, 1], table, from_logits=True)
    words = pd.DataFrame({"a": [1.0, 2.0], "score": [3.0, "much"]}, dtype=object)
    with pytest.raises(TypeError, match="y_pred holds 'much' of column 'score' at ind"):
        fl.scce([0, 1], words, from_logits=True)


def test_words_are_no_numbers() -> None:
    with pytest.raises(TypeError, match="y_true holds 'cat' at index 0"):
        fl.mse(pd.Series(["cat", "dog", "cat"], dtype="category"), X)
