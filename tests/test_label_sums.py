"""Rows of label weights sum to 1, or the call says that they need not."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl

CLASSES = [1, 2, 3, 10, 57, 64, 65, 100, 1030, 5000]
CALLS = ("__call__", "grad", "value_and_grad", "grad_and_hess")
LOSSES = [fl.CategoricalCrossentropy(from_logits=f) for f in (False, True)]


def problem(classes: int, dtype: type, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Soft labels, some rows one-hot, and probabilities."""
    random = np.random.RandomState(classes)
    y = random.dirichlet(np.ones(classes), rows).astype(dtype)
    y[::3] = np.eye(classes)[random.randint(0, classes, y[::3].shape[0])]
    return y, random.dirichlet(np.ones(classes), rows).astype(dtype)


def strided(a: np.ndarray) -> np.ndarray:
    room = np.zeros((a.shape[0], a.shape[1] + 3), a.dtype)
    room[:, : a.shape[1]] = a
    return room[:, : a.shape[1]]


def reversed_classes(a: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(a[:, ::-1])[:, ::-1]


@pytest.mark.parametrize("layout", [np.ascontiguousarray, strided, reversed_classes])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_a_row_of_another_sum_is_named(
    loss: fl.Loss, classes: int, dtype: type, layout: Any, isa: str
) -> None:
    rows = 37 if classes < 1000 else 3
    y, x = problem(classes, dtype, rows)
    free = replace(loss, label_sum="any")
    for call in CALLS:
        getattr(loss, call)(layout(y), layout(x))
    for row in (0, rows - 1):
        for change in ("twice", "nothing", "the last", "the first"):
            bad = y.copy()
            if change == "twice":
                bad[row] /= 2
            elif change == "nothing":
                bad[row] = 0
            else:
                bad[row] *= 0.875
                bad[row, -1 if change == "the last" else 0] += 0.125 + 2.0**-9
                bad[row] = np.minimum(bad[row], 1)
            total = float(np.sum(bad[row].astype(float)))
            if abs(total - 1) < 1e-3:  # one class, which was 1
                continue
            pattern = re.escape(f"the row y_true[{row}] sums to {total:.5g}"[:-1])
            for call in CALLS:
                with pytest.raises(ValueError, match=pattern):
                    getattr(loss, call)(layout(bad), layout(x))
                getattr(free, call)(layout(bad), layout(x))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("classes", [2, 3, 5, 8, 15, 16, 17, 63, 64, 65, 80, 128, 150])
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_every_label_counts_once(
    loss: fl.Loss, classes: int, dtype: type, isa: str
) -> None:
    """Without the label k, or with two of it, the sum of the row would be 1."""
    x = np.full((6, classes), 1 / classes, dtype)
    for k in range(classes):
        for other, extra in [(1.0, 0.5), (0.5, 0.25)]:
            y = np.zeros((6, classes), dtype)
            y[:, (k + classes // 2) % classes] = 1
            y[k % 6] *= other
            y[k % 6, k] = extra
            for call in (loss, loss.grad):
                with pytest.raises(ValueError, match=rf"y_true\[{k % 6}\] sums to"):
                    call(y, x)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"class_weight": 1}])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_the_sum_is_that_of_the_labels_given(
    loss: fl.Loss, dtype: type, options: dict[str, Any], isa: str
) -> None:
    """Smoothing and class weights come after the look."""
    if "class_weight" in options:
        options = {"class_weight": [0.5, 3.0, 1.0, 2.0]}
    y, x = problem(4, dtype, 2000)
    loss(y, x, **options)
    y[1234] = [0, 1, 1, 0]
    with pytest.raises(ValueError, match=r"y_true\[1234\] sums to 2, not to 1"):
        loss(y, x, **options)
    free = replace(loss, label_sum="any", **options)
    assert np.isfinite(free(y, x))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
@pytest.mark.parametrize("classes", [2, 3, 10, 100])
def test_the_tolerance_is_a_thousandth(
    loss: fl.Loss, classes: int, dtype: type, isa: str
) -> None:
    y, x = problem(classes, dtype, 50)
    y[:] = 0.25
    y[:, 2:] = 0
    off = y.copy()
    for exact, accepted in [
        (0.99e-3, True),
        (0.999e-3, True),
        (1.001e-3, False),
        (-0.999e-3, True),
        (-1.001e-3, False),
    ]:
        off[7, 0] = 0.75 + exact
        off[:7, 0] = off[8:, 0] = 0.75
        for call in CALLS:
            if accepted:
                getattr(loss, call)(off, x)
            else:
                with pytest.raises(ValueError, match=r"y_true\[7\] sums to"):
                    getattr(loss, call)(off, x)


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
@pytest.mark.parametrize("classes", [2, 10, 57, 1000, 5000])
def test_labels_rounded_to_float16_pass(loss: fl.Loss, classes: int, isa: str) -> None:
    y, x = problem(classes, np.float32, 300)
    loss(y.astype(np.float16).astype(np.float32), x)


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
@pytest.mark.parametrize("classes", [2, 3, 10, 57, 64, 65, 100, 2000])
def test_nan_labels_are_data(loss: fl.Loss, classes: int, isa: str) -> None:
    for dtype in oracle.DTYPES:
        y, x = problem(classes, dtype, 21)
        y[5, 1] = np.nan
        value = loss(y, x, reduction="none")
        assert np.isnan(value[5])
        assert np.isfinite(np.delete(value, 5)).all()


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}])
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_a_row_of_weight_0_may_have_any_sum(
    loss: fl.Loss, classes: int, options: dict[str, Any], isa: str
) -> None:
    y, x = problem(classes, np.float64, 21)
    weight = np.ones(21)
    weight[4] = 0
    loss = replace(loss, **options)
    expected = loss.value_and_grad(y, x, sample_weight=weight)
    y[4] = 0
    got = loss.value_and_grad(y, x, sample_weight=weight)
    assert got[0] == expected[0]
    np.testing.assert_array_equal(got[1], expected[1])
    y[9] = 0
    with pytest.raises(ValueError, match=r"y_true\[9\] sums to 0"):
        loss(y, x, sample_weight=weight)


def test_rows_have_the_names_of_their_axes() -> None:
    y, x = np.full((2, 3, 4), 0.25), np.full((2, 3, 4), 0.25)
    y[1, 2] = [1, 1, 0, 0]
    with pytest.raises(ValueError, match=r"the row y_true\[1, 2\] sums to 2, not to 1"):
        fl.cce(y, x)
    with pytest.raises(ValueError, match=r'the row y_true sums.*label_sum="any"'):
        fl.cce([1, 0, 1], [0.7, 0.2, 0.6])


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_row_is_named(threads: int) -> None:
    y = np.full((50_000, 10), 0.1)
    y[[37, 25_000, 49_999]] = 0
    with fl.threads(threads):
        for _ in range(10):
            with pytest.raises(ValueError, match=r"y_true\[37\] sums to 0"):
                fl.cce(y, y)


def test_label_sum_is_a_parameter() -> None:
    y, x = [[0.0, 1.0, 1.0]], [[0.5, 0.25, 0.25]]
    assert fl.cce(y, x, label_sum="any") == 2 * np.log(4)
    with pytest.raises(
        ValueError, match="label_sum = 'two' is not one of 'one', 'any'"
    ):
        fl.CategoricalCrossentropy(label_sum="two")
    with pytest.raises(TypeError, match="no parameter 'label_sum'"):
        fl.scce([0], x, label_sum="any")
