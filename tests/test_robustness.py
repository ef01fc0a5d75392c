"""Sizes beyond 2^31, and labels that other threads change."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

import fastloss as fl

BEYOND = 2**31 + 5


SLOW = pytest.mark.slow


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=SLOW)])
def test_more_elements_than_32_bits_count(dtype: type) -> None:
    y = np.broadcast_to(dtype(0.5), (BEYOND,))
    x = np.broadcast_to(dtype(0.0), (BEYOND,))
    assert fl.mse(y, x, reduction="sum") == 0.25 * BEYOND
    assert fl.mse(y, x) == 0.25


@SLOW
def test_more_rows_than_32_bits_count() -> None:
    labels = np.zeros(BEYOND, np.int8)
    x = np.broadcast_to(np.float32(0.5), (BEYOND, 1))
    assert fl.scce(labels, x, reduction="sum") == pytest.approx(BEYOND * np.log(2))
    labels[-2] = 7
    with pytest.raises(ValueError, match=rf"y_true\[{BEYOND - 2}\] = 7 is not a class"):
        fl.scce(labels, x)


@SLOW
def test_more_classes_than_32_bits_count() -> None:
    x = np.broadcast_to(np.float32(0), (1, BEYOND))
    value = fl.scce(np.array([BEYOND - 1]), x, from_logits=True)
    assert value == pytest.approx(np.log(BEYOND), rel=1e-6)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_labels_that_change_during_calls(
    from_logits: bool, label_smoothing: float
) -> None:
    """Never another outcome than the error or the value of labels in range."""
    classes, rows = 3, 60_000
    labels = np.zeros(rows, np.int64)
    stop = threading.Event()
    bad = np.array([-(2**63), 2**63 - 1, 3, -1, 2**31, 2**40])

    def disturb() -> None:
        random = np.random.RandomState(19)
        while not stop.is_set():
            where = random.randint(0, rows, 300)
            labels[where] = random.choice(bad, 300)
            labels[where] = random.randint(0, classes, 300)

    loss = fl.SparseCategoricalCrossentropy(
        from_logits=from_logits, label_smoothing=label_smoothing
    )
    x = np.full((rows, classes), 0.25)
    expected = np.log(classes) if from_logits else np.log(4)
    out = np.empty_like(x)
    errors = []
    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            try:
                value, _ = loss.value_and_grad(labels, x, out=out)
            except ValueError as error:
                errors.append(str(error))
            else:
                assert value == pytest.approx(expected)
    finally:
        stop.set()
        disturber.join()
    assert errors
    for message in errors:
        assert "is not a class in [0, 3)" in message or "was changed" in message
