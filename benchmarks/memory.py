"""Memory a call needs beside its inputs and its result: the growth of the peak RSS.

    python benchmarks/memory.py

Every measurement is a process of its own: it makes inputs and `out`, touches them,
calls once on a small part (threads and code are loaded then), resets the peak where
the system can, calls, and reads the peak again. Linux only.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from cells import TITLES
from suite.inputs import LOSSES, make

OUTPUTS = ("value", "value_and_grad", "grad_and_hess")
ELEMENTS = 10_000_000
ROWS = (10_000, 1_000)
SMALL = 40_000
LIMIT = 1 << 20


def _status(field: str) -> int:
    """Bytes, from this process's status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return 1024 * int(line.split()[1])
    raise LookupError(field)


def _reset_peak() -> int:
    """Make the present RSS the peak, and return it."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _call(loss: Any, output: str, y: Any, x: Any, grad: Any, hess: Any) -> None:
    if output == "value":
        loss(y, x)
    elif output == "value_and_grad":
        loss.value_and_grad(y, x, out=grad)
    else:
        loss.grad_and_hess(y, x, out=(grad, hess))


def measure(kernel: str, output: str, dtype: str) -> int:
    """Bytes by which the peak grew in this process."""
    import numpy as np

    loss = LOSSES[kernel]
    rowwise = "categorical" in kernel
    y, x = make(kernel, ROWS if rowwise else (ELEMENTS,), dtype)
    grad, hess = np.ones_like(x), np.ones_like(x)
    few = SMALL // ROWS[1] if rowwise else SMALL
    _call(loss, output, y[:few], x[:few], grad[:few], hess[:few])
    before = _reset_peak()
    _call(loss, output, y, x, grad, hess)
    return _status("VmHWM") - before


def main() -> None:
    if len(sys.argv) > 1:
        print(measure(*sys.argv[1:]))
        return
    print("| loss | output | dtype | KiB beside the result |\n|---|---|---|---|")
    most = 0
    for kernel in TITLES:
        for output in OUTPUTS:
            for dtype in ("float32", "float64"):
                command = [sys.executable, __file__, kernel, output, dtype]
                done = subprocess.run(command, check=True, capture_output=True)
                grown = int(done.stdout)
                most = max(most, grown)
                print(f"| {TITLES[kernel]} | {output} | {dtype} | {grown / 1024:.0f} |")
    verdict = "within" if most <= LIMIT else "above"
    print(f"\nMost: {most / 1024:.0f} KiB, {verdict} the limit of {LIMIT // 1024} KiB.")


if __name__ == "__main__":
    main()
