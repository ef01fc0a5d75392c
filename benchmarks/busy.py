"""Two threads and more beside other processes: what a busy machine makes of them.

    python benchmarks/busy.py [--threads N] [--seconds S]

Beside 0, 1 and 2 competing processes a CPU every cell is called with one thread and
with N, in blocks that alternate. A figure is the mean over all calls, as few calls may
wait for long; "ratio" is that of N threads to one. The least time of a call is given
too. The first calls, which start threads, are not counted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

import fastloss as fl

COMPETING = (0, 1, 2)
BLOCK_SECONDS = 0.3
WARM_CALLS = 10
# Ends with its parent.
COMPETITOR = """
import os
parent = os.getppid()
while os.getppid() == parent:
    sum(range(10_000))
"""


def _cells() -> dict[str, Callable[[], object]]:
    random = np.random.RandomState(0)
    cells: dict[str, Callable[[], object]] = {}
    for n in (30_000, 1_000_000):
        y, x = (random.rand(n).astype(np.float32) for _ in range(2))
        out = np.empty_like(x)
        call = partial(fl.mse.value_and_grad, y, x, out=out)
        cells[f"MSE value+grad, {n:,}"] = call
    labels = random.randint(0, 1000, 8192)
    rows = random.randn(8192, 1000).astype(np.float32)
    sparse = fl.SparseCategoricalCrossentropy(from_logits=True)
    cells["sparse CE logits value, 8192x1000"] = partial(sparse, labels, rows)
    out = np.empty_like(rows)
    call = partial(sparse.value_and_grad, labels, rows, out=out)
    cells["sparse CE logits value+grad, 8192x1000"] = call
    return cells


@contextmanager
def _competitors(count: int) -> Iterator[None]:
    command = [sys.executable, "-c", COMPETITOR]
    processes = [subprocess.Popen(command) for _ in range(count)]
    time.sleep(0.5)
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _block(call: Callable[[], object], threads: int) -> list[float]:
    """Seconds of calls, for some time."""
    times = []
    with fl.threads(threads):
        now = time.perf_counter()
        end = now + BLOCK_SECONDS
        while now < end:
            begin, _ = now, call()
            now = time.perf_counter()
            times.append(now - begin)
    return times


def _row(name: str, call: Callable[[], object], threads: int, seconds: float) -> str:
    times: dict[int, list[float]] = {1: [], threads: []}
    for n in times:
        with fl.threads(n):
            for _ in range(WARM_CALLS):
                call()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for n, so_far in times.items():
            so_far += _block(call, n)
    means = [1e6 * float(np.mean(t)) for t in times.values()]
    least = [1e6 * min(t) for t in times.values()]
    cells = [f"{m:,.1f} ({low:,.1f})" for m, low in zip(means, least, strict=True)]
    return f"| {name} | {' | '.join(cells)} | {means[1] / means[0]:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=max(2, fl.get_num_threads()))
    parser.add_argument("--seconds", type=float, default=6.0, help="of each cell")
    options = parser.parse_args()
    cpus = len(os.sched_getaffinity(0))
    print(f"| competing a CPU | job | 1 thread | {options.threads} threads | ratio |")
    print("|---|---|---|---|---|")
    for competing in COMPETING:
        with _competitors(competing * cpus):
            for name, call in _cells().items():
                row = _row(name, call, options.threads, options.seconds)
                print(f"| {competing} {row}", flush=True)
    print("\nMicroseconds: the mean of all calls (and the least).")
    print(f"Load at the end: {os.getloadavg()[0]:.1f}; CPUs: {cpus}.")


if __name__ == "__main__":
    main()
