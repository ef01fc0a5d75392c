"""What a process may do to a call: limits, small stacks, forks, signals, threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_threads import python

import fastloss as fl

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")
LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux limits")
FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
LIBGOMP = pytest.mark.skipif(
    fl.show_config("dict")["openmp"] != "libgomp", reason="calls libgomp by its name"
)

# A call that two threads share, and its value with one.
CALL = """
import ctypes, os, signal, sys, warnings, numpy as np, fastloss as fl
warnings.simplefilter("ignore", DeprecationWarning)
x = np.linspace(-9, 9, 400_000)
y = np.zeros_like(x)
fl.set_num_threads(2)
call = lambda: fl.bce(y, x, from_logits=True)
with fl.threads(1):
    expected = call()
"""

# Every driver and kernel, plain and through buffers, with all of its outputs.
EVERYTHING = """
import sys, threading, numpy as np, fastloss as fl
random = np.random.RandomState(0)
custom = fl.custom(lambda y, p: np.exp(-p) * (y - p) ** 2)
product = fl.custom(lambda y, p: (p - y) * (p - 2 * y) * (p - 3 * y) * (p + 2) / p)
def outputs(loss, y, x, **options):
    loss(y, x, **options)
    loss.value_and_grad(y, x, **options)
    loss.grad_and_hess(y, x, **options)
def everything():
    for dtype in (np.float32, np.float64):
        for rows, classes in ((300, 2), (2600, 10), (64, 64), (64, 100), (2, 40_000)):
            p = random.rand(rows, classes)
            p = (p / p.sum(1, keepdims=True)).astype(dtype)
            k = random.randint(0, classes, rows)
            hot = np.zeros_like(p)
            hot[np.arange(rows), k] = 1
            for layout in (np.ascontiguousarray, np.asfortranarray):
                for options in ({}, {"from_logits": True}, {"label_smoothing": 0.1}):
                    outputs(fl.scce, k, layout(p), **options)
                    outputs(fl.cce, p, layout(p), **options)
                    outputs(fl.cce, hot, layout(p), **options)
        x = random.randn(50_000).astype(dtype)
        y = (x > 0).astype(dtype)
        p = np.abs(np.sin(x))
        for loss, labels, predictions in (
            *((loss, y, x) for loss in (fl.mse, fl.mae, fl.huber, fl.log_cosh)),
            *((loss, 2 * y - 1, x) for loss in (fl.hinge, fl.squared_hinge)),
            (fl.bce, y, p),
            (fl.BinaryCrossentropy(from_logits=True), y, x),
            (custom, y, x),
            (product, y, x),
        ):
            outputs(loss, labels, predictions)
            outputs(loss, labels[::2], predictions[::2], sample_weight=p[::2])
def in_a_thread(kilobytes):
    done = []
    threading.stack_size(kilobytes << 10)
    thread = threading.Thread(target=lambda: done.append(everything()))
    thread.start()
    thread.join()
    print(len(done))
"""


@LINUX
def test_no_thread_to_be_had() -> None:
    code = (
        CALL
        + """
import resource
if os.getuid() == 0:
    os.setuid(65534)  # root has no limit
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
print(call() == expected)
"""
    )
    child = python(code)
    assert child.stdout == "True\n", child.stderr


@LINUX
@pytest.mark.parametrize("room", [100_000, 2_000_000])
def test_no_memory_for_another_thread(room: int) -> None:
    code = (
        CALL
        + f"""
import resource
pages = int(open("/proc/self/statm").read().split()[0])
size = pages * os.sysconf("SC_PAGESIZE") + {room}
resource.setrlimit(resource.RLIMIT_AS, (size, size))
print(call() == expected)
"""
    )
    child = python(code)
    assert child.stdout == "True\n", child.stderr


@POSIX
def test_small_stacks_of_python_threads() -> None:
    child = python(EVERYTHING + "fl.set_num_threads(1)\neverything()\nin_a_thread(64)")
    assert child.stdout == "1\n", (child.returncode, child.stderr)


@LINUX
@pytest.mark.parametrize(("size", "helpers"), [("16k", 0), ("64k", 1), ("1M", 1)])
def test_small_stacks_of_openmp(size: str, helpers: int) -> None:
    """Below 40 KiB nobody helps."""
    code = (
        EVERYTHING
        + """
import os
fl.set_num_threads(2)
before = len(os.listdir("/proc/self/task"))
everything()
print(len(os.listdir("/proc/self/task")) - before)
"""
    )
    child = python(code, OMP_STACKSIZE=size)
    assert child.stdout == f"{helpers}\n", (child.returncode, child.stderr)


@LINUX
def test_a_small_stack_of_the_process() -> None:
    code = EVERYTHING + "fl.set_num_threads(2)\neverything()\nprint(1)"
    child = subprocess.run(
        ["bash", "-c", 'ulimit -s 128; exec "$0" -c "$1"', sys.executable, code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.stdout == "1\n", (child.returncode, child.stderr)


@FORK
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


@LINUX
@LIBGOMP
def test_a_fork_after_another_user_of_openmp() -> None:
    """The runtime's threads are gone in the child, whoever had asked for them."""
    code = (
        CALL
        + """
body = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda argument: None)
loaded = {line.split()[-1] for line in open("/proc/self/maps") if "libgomp" in line}
for path in loaded:
    ctypes.CDLL(path).GOMP_parallel(body, None, 2, 0)
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(0 if call() == expected else 1)
print(len(loaded), os.waitpid(child, 0)[1])
"""
    )
    child = python(code)
    assert child.stdout == "1 0\n", child.stderr


@FORK
@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_handler_that_forks(threads: int) -> None:
    """Both processes end the call, with the same value."""
    code = f"""
import os, signal, warnings, numpy as np, fastloss as fl
warnings.simplefilter("ignore", DeprecationWarning)
y, x = np.broadcast_to(0.5, 2**30), np.broadcast_to(1.5, 2**30)
fl.set_num_threads({threads})
fl.mse(y[:100_000], x[:100_000])
mine, forks = os.getpid(), []
def handle(number, frame):
    forks.append(os.fork())
    if forks[-1] == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.1)
value = fl.mse(y, x, reduction="sum")
if os.getpid() != mine:
    os._exit(0 if value == 2**30 else 1)
print(value == 2**30, [os.waitpid(child, 0)[1] for child in forks])
"""
    child = python(code)
    assert child.stdout == "True [0]\n", child.stderr


@FORK
def test_forks_while_errors_are_reported() -> None:
    """No lock is held that a child would wait for."""
    code = (
        CALL
        + """
import threading
stop = threading.Event()
bad = x.copy()
bad[::1000] = 7
def fail(y=y):
    try:
        fl.bce(y, bad)
    except ValueError as error:
        return str(error)
def go_on():
    while not stop.is_set():
        fail()
threads = [threading.Thread(target=go_on) for _ in range(2)]
for thread in threads:
    thread.start()
codes = []
for _ in range(60):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if "y_pred[0] = " in fail() else 1)
    codes.append(os.waitpid(child, 0)[1])
stop.set()
for thread in threads:
    thread.join()
print(codes.count(0))
"""
    )
    child = python(code)
    assert child.stdout == "60\n", child.stderr


@POSIX
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


@POSIX
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", [False, True])
def test_signals_during_the_longest_call(rows: bool, threads: int) -> None:
    """So long that not even a sum of each chunk would fit into memory."""
    x = np.broadcast_to(np.float32(0.5), (2**60 - 1, 2) if rows else (2**61 - 1,))
    y = np.broadcast_to(np.int8(1), x.shape[:1]) if rows else x
    loss = fl.scce if rows else fl.mse

    def handle(number: int, frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with fl.threads(threads), pytest.raises(TimeoutError):
            loss(y, x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@POSIX
def test_a_handler_that_calls_a_loss() -> None:
    """A call inside another's pause, with a team of its own."""
    x = np.linspace(-9, 9, 400_000)
    y = np.zeros_like(x)
    expected = fl.bce(y, x, from_logits=True)
    labels, long = np.broadcast_to(0.5, 2**30), np.broadcast_to(1.5, 2**30)
    inner = []

    def handle(number: int, frame: object) -> None:
        inner.append(fl.bce(y, x, from_logits=True))

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    try:
        with fl.threads(2):
            assert fl.mse(labels, long, reduction="sum") == 2**30
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert inner
    assert inner == [expected] * len(inner)


@pytest.mark.parametrize("classes", [2**53, 2**55 + 3, 2**60])
def test_more_classes_than_any_memory(classes: int) -> None:
    row = np.broadcast_to(np.float32(0.5), (1, classes))
    for loss in (fl.scce, fl.SparseCategoricalCrossentropy(from_logits=True)):
        with pytest.raises(MemoryError, match=rf"no memory .* shape \(1, {classes}\)"):
            loss([1], row)
    for outputs in (fl.cce, fl.SparseCategoricalCrossentropy(label_smoothing=0.1)):
        labels = row if isinstance(outputs, fl.CategoricalCrossentropy) else [1]
        with pytest.raises(MemoryError, match=rf"no memory .* shape \(1, {classes}\)"):
            outputs(labels, row)


@pytest.mark.parametrize("weighted", [False, True])
def test_shapes_that_change_during_calls(weighted: bool) -> None:
    """The value of the array as it was, or an error about its shape."""
    code = f"""
import sys, threading, time, numpy as np, fastloss as fl
sys.setswitchinterval(1e-6)
a = np.random.RandomState(0).rand(100_000)
b = a + 1
weight = np.ones(100_000) if {weighted} else None
stop = threading.Event()
def reshape():
    while not stop.is_set():
        for shape in ((1000, 100), (100_000,), (10, 10, 10, 100), (100_000,)):
            a.shape = shape
threads = [threading.Thread(target=reshape) for _ in range(2)]
for thread in threads:
    thread.start()
grad = np.empty_like(b)
custom = fl.custom(lambda y, p: (y - p) ** 2)
values, end = set(), time.monotonic() + 1.5
while time.monotonic() < end:
    for loss in (fl.mse, custom):
        for call in (
            lambda: loss(b, a, sample_weight=weight),
            lambda: loss(a, b, sample_weight=weight),
            lambda: loss.value_and_grad(b, a, sample_weight=weight)[0],
            lambda: loss.value_and_grad(b, b + 1, sample_weight=weight, out=a)[0],
        ):
            try:
                values.add(round(call(), 9))
            except ValueError as error:
                assert "shape" in str(error)
        a.ravel()[:] = b - 1
stop.set()
for thread in threads:
    thread.join()
print(values)
"""
    child = python(code)
    assert child.stdout == "{1.0}\n", (child.returncode, child.stderr)


def test_shapes_that_change_while_another_array_is_read() -> None:
    """An array has the shape that it had when it was looked at."""
    x = np.arange(6.0)

    class Labels:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            x.shape = 2, 3
            return np.arange(1.0, 7.0)

    assert fl.mse(Labels(), x) == 1
