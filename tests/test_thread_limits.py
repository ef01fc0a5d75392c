"""Fewer threads than asked for, or none: limits of OpenMP, of containers, of fork."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from test_threads import python

import fastloss as fl

threads = sys.modules["fastloss.core.threads"]  # fl.threads is the function

BOTH_WAYS = """
import numpy as np, fastloss as fl
random = np.random.RandomState(1)
x = random.rand(300_000)
y = np.round(random.rand(300_000))
rows, labels = x.reshape(-1, 6), random.randint(0, 6, 50_000)
hot = np.eye(6)[labels]
calls = [(fl.mse, y, x), (fl.bce, y, x), (fl.scce, labels, rows), (fl.cce, hot, rows),
         (fl.scce, labels, rows.astype(np.float32))]
def results(n):
    fl.set_num_threads(n)
    out = []
    for loss, a, b in calls:
        for f in (loss, loss.value_and_grad, loss.grad_and_hess):
            r = f(a, b)
            out += [np.asarray(z).tobytes() for z in (r if type(r) is tuple else (r,))]
        out += [np.float64(loss(a, b, sample_weight=np.ones(len(b)))).tobytes()]
    return out
alone = results(1)
print(all(results(n) == alone for n in (2, 3, 8)))
"""


@pytest.mark.parametrize(
    "environment",
    [
        {"OMP_THREAD_LIMIT": "1"},
        {"OMP_THREAD_LIMIT": "2", "OMP_DYNAMIC": "true"},
    ],
    ids=str,
)
def test_threads_that_do_not_come_are_not_missed(environment: dict[str, str]) -> None:
    """OpenMP may give fewer than asked for; the others do their work."""
    child = python(BOTH_WAYS, **environment)
    assert child.stdout == "True\n", child.stderr


@pytest.mark.skipif(
    not Path("/proc/self/task").exists() or not hasattr(os, "fork"),
    reason="forks, and counts Linux threads",
)
def test_a_child_of_fork_computes_alone() -> None:
    code = """
import os, signal, warnings, numpy as np, fastloss as fl
warnings.simplefilter("ignore", DeprecationWarning)
x = np.linspace(0, 1, 500_000)
fl.set_num_threads(2)
value, grad = fl.mse.value_and_grad(x, x[::-1])
child = os.fork()
if child == 0:
    signal.alarm(5)  # a child that waits for the threads of its parent
    again, same = fl.mse.value_and_grad(x, x[::-1])
    alone = len(os.listdir("/proc/self/task")) == 1
    os._exit(0 if alone and again == value and np.array_equal(same, grad) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    child = python(code)
    assert child.stdout == "0\n", child.stderr


FILES = {
    "v2": ("/sys/fs/cgroup/cpu.max",),
    "v1": (
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
    ),
}


@pytest.mark.parametrize(
    ("version", "texts", "limit"),
    [
        ("v2", ("max 100000\n",), None),
        ("v2", ("100000 100000\n",), 1),
        ("v2", ("150000 100000\n",), 2),
        ("v2", ("200000 100000\n",), 2),
        ("v2", ("200001 100000\n",), 3),
        ("v2", ("50000 100000\n",), 1),
        ("v2", ("0 100000\n",), 1),
        ("v2", ("100000 0\n",), None),
        ("v1", ("-1\n", "100000\n"), None),
        ("v1", ("150000\n", "100000\n"), 2),
        ("v1", ("400000\n", "100000\n"), 4),
        ("v1", ("1000\n", "100000\n"), 1),
    ],
)
def test_limits_of_containers(
    version: str,
    texts: tuple[str, ...],
    limit: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CPUs of the control group, a part of one counting as one."""
    files = dict(zip(FILES[version], texts, strict=True))

    def read(path: str) -> str:
        if str(path) not in files:
            raise FileNotFoundError(path)
        return files[str(path)]

    monkeypatch.setattr(threads, "_read", read)
    monkeypatch.delenv("FASTLOSS_NUM_THREADS", raising=False)
    assert threads._cgroup_limit() == limit
    monkeypatch.setattr(threads._bridge, "default_threads", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(32), raising=False)
    assert threads._default() == (32 if limit is None else limit)
    monkeypatch.setattr(threads._bridge, "default_threads", lambda: 1)
    assert threads._default() == 1
    monkeypatch.setenv("FASTLOSS_NUM_THREADS", "9")
    assert threads._default() == 9


def test_the_smallest_of_the_limits_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FASTLOSS_NUM_THREADS", raising=False)
    for openmp, affinity, container in ((9, 5, 7), (3, 5, 7), (9, 8, 2)):
        monkeypatch.setattr(threads._bridge, "default_threads", lambda n=openmp: n)
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda _, n=affinity: range(n), raising=False
        )
        monkeypatch.setattr(threads, "_cgroup_limit", lambda n=container: n)
        assert threads._default() == min(openmp, affinity, container)


def test_more_chunks_than_the_table_of_sums_has() -> None:
    """Elements: the chunks grow."""
    n = 135_000_001
    y, x = (np.broadcast_to(np.float32(z), n) for z in (0.5, 2))
    assert fl.mae(y, x, reduction="sum") == 1.5 * n


def test_more_rows_than_the_table_of_sums_has() -> None:
    """Rows: so do their bundles. Blocks of 1024, four thousand of them and more."""
    rows = 4_300_000
    labels = np.broadcast_to(np.int8(3), rows)
    x = np.broadcast_to(np.float32(0), (rows, 12))
    loss = fl.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    exact = float(np.float32(np.log(12))) * rows
    assert loss(labels, x) == pytest.approx(exact, rel=1e-7)
    p = np.broadcast_to(np.float32(0.5), (rows, 12))
    exact = float(np.float32(np.log(2))) * rows
    assert fl.scce(labels, p, reduction="sum") == pytest.approx(exact, rel=1e-7)
