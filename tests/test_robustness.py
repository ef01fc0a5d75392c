"""Sizes beyond 2^31, other threads, forks and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from test_threads import python

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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forks_after_use() -> None:
    """Twenty children of a process that used its threads compute, and do not hang."""
    code = """
import os, warnings, numpy as np, fastloss as fl
warnings.simplefilter("ignore", DeprecationWarning)
x = np.linspace(-9, 9, 1_000_000)
y = np.zeros_like(x)
fl.set_num_threads(2)
value, grad = fl.bce.value_and_grad(y, x, from_logits=True)
children = []
for _ in range(20):
    child = os.fork()
    if child == 0:
        again, same = fl.bce.value_and_grad(y, x, from_logits=True)
        os._exit(0 if again == value and np.array_equal(same, grad) else 1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert fl.bce(y, x, from_logits=True) == value
print(codes.count(0), "children")
"""
    child = python(code)
    assert child.stdout == "20 children\n", child.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_keyboard_interrupt_comes_through(threads: int) -> None:
    # Where the tests run in the background, SIGINT is ignored, and that is inherited.
    code = f"""
import signal, numpy as np, fastloss as fl
signal.signal(signal.SIGINT, signal.default_int_handler)
x = np.broadcast_to(0.5, 2**35)
fl.set_num_threads({threads})
print("begin", flush=True)
try:
    fl.bce(x, x, from_logits=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "begin\n"
            time.sleep(0.5)
            start = time.monotonic()
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "interrupted\n"
            assert time.monotonic() - start < 1
        finally:
            child.kill()
