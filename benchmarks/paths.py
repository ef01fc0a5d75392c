"""Nanoseconds per entry of the main kernels on every instruction set of the machine.

    python benchmarks/paths.py

One thread, data in the L2 cache, rows of 10 and of 1000 classes; medians of seven.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np
from tqdm import tqdm

import fastloss as fl
from cells import ELEMENTWISE, TITLES
from fastloss.core import _bridge
from suite.inputs import LOSSES, make
from timing import race

SHAPES = {True: [(32_768,)], False: [(3_200, 10), (32, 1_000)]}
DTYPES = ("float32", "float64")


def jobs(kernel: str, shape: tuple[int, ...], dtype: str) -> list[Callable[[], Any]]:
    """Value, and value and gradient into an array."""
    y, x = make(kernel, shape, dtype)
    loss = LOSSES[kernel]
    out = np.zeros_like(x)
    return [partial(loss, y, x), partial(loss.value_and_grad, y, x, out=out)]


def figures(kernel: str, shape: tuple[int, ...], isas: list[str]) -> list[str]:
    """Value and value+grad on every path, one dtype after the other."""
    found = []
    for dtype in DTYPES:
        for job in jobs(kernel, shape, dtype):
            times = []
            for isa in isas:
                _bridge.use_isa(isa)  # some microseconds: not within what is timed
                seconds = race({isa: job}, repetitions=7)[isa].seconds
                times.append(f"{1e9 * seconds / prod(shape):.2f}")
            found.append(" / ".join(times))
    return found


def main() -> None:
    isas = [isa for isa in _bridge.isas() if _bridge.isa_supported(isa)]
    cells = [
        (kernel, shape) for kernel in TITLES for shape in SHAPES[kernel in ELEMENTWISE]
    ]
    lines = [
        "| loss | value f32 | value+grad f32 | value f64 | value+grad f64 |",
        "|---|---|---|---|---|",
    ]
    with fl.threads(1):
        for kernel, shape in tqdm(cells, unit="kernel"):
            classes = f", {shape[1]} classes" if len(shape) > 1 else ""
            row = " | ".join(figures(kernel, shape, isas))
            lines.append(f"| {TITLES[kernel]}{classes} | {row} |")
    print(f"ns per entry on {' / '.join(isas)}\n\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
