"""How many threads a call may use, and who decides."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import numpy as np
import oracle
import pytest

import fastloss as fl


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_set_get_and_with() -> None:
    before = fl.get_num_threads()
    try:
        fl.set_num_threads(3)
        assert fl.get_num_threads() == 3
        with fl.threads(1):
            assert fl.get_num_threads() == 1
            with fl.threads(7):
                assert fl.get_num_threads() == 7
            assert fl.get_num_threads() == 1
        assert fl.get_num_threads() == 3
        assert fl.show_config("dict")["threads"] == 3
    finally:
        fl.set_num_threads(before)


def test_with_ends_with_an_error() -> None:
    before = fl.get_num_threads()
    with pytest.raises(KeyError), fl.threads(before + 1):
        raise KeyError
    assert fl.get_num_threads() == before


def test_with_belongs_to_one_thread() -> None:
    before = fl.get_num_threads()
    with fl.threads(before + 5), ThreadPoolExecutor(1) as pool:
        assert pool.submit(fl.get_num_threads).result() == before
        context = copy_context()
        assert pool.submit(context.run, fl.get_num_threads).result() == before + 5


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", None, True])
def test_what_is_no_number_of_threads(n: object) -> None:
    with pytest.raises(ValueError, match="number of threads"):
        fl.set_num_threads(n)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="number of threads"), fl.threads(n):  # type: ignore[arg-type]
        pass


def test_environment() -> None:
    code = "import fastloss as fl; print(fl.get_num_threads())"
    assert python(code, FASTLOSS_NUM_THREADS="5").stdout == "5\n"
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 999
    assert 1 <= int(python(code).stdout) <= affinity
    assert python(code, OMP_NUM_THREADS="1").stdout == "1\n"
    wrong = python(code, FASTLOSS_NUM_THREADS="many")
    assert wrong.returncode != 0
    assert "FASTLOSS_NUM_THREADS='many'" in wrong.stderr


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts Linux threads")
def test_threads_are_used_for_large_work_alone() -> None:
    code = """
import os, numpy as np, fastloss as fl
x = np.zeros(2_000_000, np.float32)
tasks = lambda: len(os.listdir("/proc/self/task"))
start = tasks()
fl.mse(x[:1000], x[:1000])
small = tasks()
with fl.threads(1):
    fl.mse(x, x)
one = tasks()
with fl.threads(3):
    fl.mse(x, x)
print(small - start, one - start, tasks() - start)
"""
    assert python(code).stdout == "0 0 2\n"


# Two threads that spin where they wait, as is libgomp's habit, on one CPU: each region
# of OpenMP lasts until the first has used up its time slice and the second has run.
ONE_CPU = """
import os, threading, time, numpy as np, fastloss as fl
tasks = lambda: set(os.listdir("/proc/self/task"))
def bind(cpus):
    for task in tasks():
        os.sched_setaffinity(int(task), cpus)
x = np.linspace(0, 1, 200_000)
with fl.threads(1):
    alone = fl.mse(x, x[::-1])
fl.set_num_threads(2)
mine, cpus = tasks(), os.sched_getaffinity(0)
values = {fl.mse(x, x[::-1])}
(helper,) = tasks() - mine
bind({min(cpus)})
def helped():
    \"\"\"How often the helper has left a CPU: after each region at least once.\"\"\"
    lines = open(f"/proc/self/task/{helper}/status").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
before = helped()
for _ in range(600):
    values.add(fl.mse(x, x[::-1]))
regions = helped() - before
def wait_for(event, seconds=30):
    end = time.monotonic() + seconds
    while not (result := event()) and time.monotonic() < end:
        pass
    return result
"""
CPUS = pytest.mark.skipif(
    fl.show_config("dict")["openmp"] != "libgomp"
    or not Path("/proc/self/task").exists()
    or len(os.sched_getaffinity(0)) < 2,
    reason="libgomp on two CPUs of Linux",
)


@CPUS
def test_a_team_that_costs_time_rests_and_comes_back() -> None:
    code = """
bind(cpus)
time.sleep(0.1)
def comes():
    values.add(fl.mse(x, x[::-1]))
    return helped() > before + regions
print(values == {alone}, regions < 300, wait_for(comes))
"""
    child = python(ONE_CPU + code, GOMP_SPINCOUNT="300000")
    assert child.stdout == "True True True\n", (child.stdout, child.stderr)


@CPUS
def test_a_long_call_does_not_keep_its_team_at_rest() -> None:
    """Its pauses ask again."""
    code = """
bind(cpus)
endless = np.broadcast_to(0.5, 2**59)
alone = len(tasks()) + 1
threading.Thread(target=fl.mse, args=(endless, endless), daemon=True).start()
print(wait_for(lambda: time.sleep(0.01) or len(tasks()) > alone), flush=True)
os._exit(0)
"""
    child = python(ONE_CPU + code, GOMP_SPINCOUNT="300000")
    assert child.stdout == "True\n", (child.stdout, child.stderr)


def test_openmp_settings_of_others_are_left_alone() -> None:
    """No source calls what changes OpenMP for the whole process."""
    folder = Path(__file__).parents[1] / "csrc"
    files = [*folder.rglob("*.c"), *folder.rglob("*.h")]
    assert files
    for file in files:
        text = file.read_text()
        assert "omp_set_" not in text
        if file.name != "schedule.c":
            assert "#pragma omp" not in text
            assert "omp.h" not in text


def test_many_python_threads_at_once() -> None:
    random = np.random.RandomState(18)
    work = []
    for loss in oracle.losses():
        y, x = oracle.plain(loss.kernel, np.float32, 50_001, random)
        work.append((loss, y, x, loss.value_and_grad(y, x)))

    def run(which: int) -> None:
        for k in range(2 * len(work)):
            loss, y, x, (value, grad) = work[(which + k) % len(work)]
            with fl.threads(1 + (which + k) % 3):
                got = loss.value_and_grad(y, x)
            assert got[0] == value
            np.testing.assert_array_equal(got[1], grad)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
