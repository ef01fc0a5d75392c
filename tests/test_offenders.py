"""An error names the argument, the lowest index and the number that was given."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl

SCALED = {"class_weight": (5.0, 3.0, 2.0)}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"label_smoothing": 0.25},
    SCALED,
    {**SCALED, "label_smoothing": 0.25},
]


def refused(message: str, call: Any, *arguments: Any, **options: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call(*arguments, **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("from_logits", [False, True])
def test_label_weights_are_named_as_given(
    from_logits: bool, options: dict[str, Any], dtype: type, weighted: bool
) -> None:
    """Not as smoothing and class weights have made them."""
    loss = fl.CategoricalCrossentropy(from_logits=from_logits, **options)
    x = np.full((40, 3), 0.25, dtype)
    y = np.tile(np.eye(3, dtype=dtype), (14, 1))[:40]
    weight = np.ones(40) if weighted else None
    for name in ("__call__", "grad", "value_and_grad", "grad_and_hess"):
        call = getattr(loss, name)
        call(y, x, sample_weight=weight)
        for value in (1.5, -0.25):
            bad = y.copy()
            bad[23, 1] = bad[31, 0] = value
            message = f"y_true[23, 1] = {value} is not in [0, 1]"
            refused(message, call, bad, x, sample_weight=weight)
            if not from_logits:
                bad = x.copy()
                bad[23, 1] = bad[31, 0] = value
                labels = np.eye(3, dtype=dtype)[np.ones(40, int)]
                message = f"y_pred[23, 1] = {value} is not a probability in [0, 1]"
                refused(message, call, labels, bad, sample_weight=weight)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("ignored", [None, -1])
def test_classes_are_named_as_given(
    ignored: int | None, options: dict[str, Any], dtype: type
) -> None:
    """A dense kernel runs them with smoothing: the labels are still the classes."""
    x = np.full((40, 3), 0.25, dtype)
    y = np.arange(40) % 3
    if ignored is not None:
        y[::5] = ignored
    for from_logits in (False, True):
        loss = fl.SparseCategoricalCrossentropy(
            from_logits=from_logits, ignore_class=ignored, **options
        )
        for name in ("__call__", "grad", "value_and_grad", "grad_and_hess"):
            call = getattr(loss, name)
            call(y, x)
            for value in (3, -2, 2**40, -(2**63)):
                bad = y.copy()
                bad[23] = bad[31] = value
                refused(f"y_true[23] = {value} is not a class in [0, 3)", call, bad, x)
            if not from_logits:
                bad = x.copy()
                bad[22, y[22]] = bad[31, y[31]] = 1.5
                at = f"y_pred[22, {y[22]}] = 1.5 is not a probability in [0, 1]"
                refused(at, call, y, bad)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("loss", oracle.refusing_losses(), ids=oracle.label)
def test_the_lowest_of_many_is_named(loss: fl.Loss, threads: int) -> None:
    """Every thread meets one; the first is named each time, whoever is faster."""
    row = oracle.ROWS[loss.kernel]
    y, x = oracle.plain(loss.kernel, np.float32, 100_000, np.random.RandomState(1), 5)
    bad, name = (x, "y_pred") if row.labels == ("real",) else (y, "y_true")
    start, inner = bad.copy(), ", 0" if bad.ndim > 1 else ""
    n = len(bad)
    for first, rest in ((n // 40, 0), (0, 5000 * n // 100_000), (7, n // 50)):
        bad[...] = start
        bad[first] = 99
        for share in range(threads):  # further on in its part, which takes longer
            begin = n * share // threads
            end = n * (share + 1) // threads
            bad[max(first, begin + rest) : end] = 99
        with fl.threads(threads):
            for _ in range(10):
                for call in (loss, loss.grad):
                    refused(f"{name}[{first}{inner}] = 99", call, y, x)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", ["bce", "cce", "scce"])
def test_the_lowest_prediction_is_named(name: str, threads: int) -> None:
    loss = fl.get(name)
    y, x = oracle.plain(loss.kernel, np.float64, 120_000, np.random.RandomState(2), 4)
    first = len(x) // 30
    x[first:] = 1.5
    where = f"y_pred[{first}{', 0' * (x.ndim > 1)}] = 1.5"
    with fl.threads(threads):
        for _ in range(8):
            refused(where, loss, y, x)
            refused(where, loss.grad, y, x)
