"""Instructions per entry of the ten main kernels, counted by valgrind's callgrind.

    python benchmarks/instructions.py

A count does not depend on what else the machine does, so two versions can be compared
to the instruction. Every call is made on an array and on a larger one; the difference
of the counts over that of the sizes has no start-up and no interpreter in it. One
thread; the AVX2 path, as valgrind knows no AVX-512.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import fastloss as fl
from cells import ROWWISE, TITLES
from suite.inputs import LOSSES, make

OUTPUTS = ("value", "value_and_grad", "grad_and_hess")
DTYPES = ("float32", "float64")
# Multiples of a block of every loss, so that no remainder is counted.
ENTRIES = (102_400, 307_200)
CLASSES = 100

# Requests to callgrind are no-ops outside of it.
REQUESTS = """
#include <valgrind/callgrind.h>
void begin(void) { CALLGRIND_START_INSTRUMENTATION; CALLGRIND_ZERO_STATS; }
void end(const char *name) { CALLGRIND_DUMP_STATS_AT(name); }
"""


def _calls(loss: fl.Loss, y: Any, x: Any, grad: Any, hess: Any) -> tuple[Any, ...]:
    return (
        lambda: loss(y, x),
        lambda: loss.value_and_grad(y, x, out=grad),
        lambda: loss.grad_and_hess(y, x, out=(grad, hess)),
    )


def drive(requests: ctypes.CDLL) -> None:
    """What runs under callgrind: every call, a dump after each."""
    import numpy as np

    fl.set_num_threads(1)
    requests.begin()
    for kernel in TITLES:
        for dtype in DTYPES:
            most = max(ENTRIES)
            rowwise = kernel in ROWWISE
            shape = (most // CLASSES, CLASSES) if rowwise else (most,)
            y, x = make(kernel, shape, dtype)
            grad, hess = np.zeros_like(x), np.zeros_like(x)
            for entries in ENTRIES:
                n = entries // CLASSES if rowwise else entries
                arrays = (array[:n] for array in (y, x, grad, hess))
                for call, output in zip(
                    _calls(LOSSES[kernel], *arrays), OUTPUTS, strict=True
                ):
                    call()
                    requests.begin()
                    call()
                    requests.end(f"{kernel} {output} {dtype} {entries}".encode())


def count() -> dict[str, float]:
    """Instructions per entry, by kernel, output and dtype."""
    counts: dict[tuple[str, int], int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "requests.c").write_text(REQUESTS)
        library = str(folder / "requests.so")
        build = ["cc", "-O2", "-shared", "-fPIC", "requests.c", "-o", library]
        subprocess.run(build, check=True, cwd=folder)
        run = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--quiet"]
        run += [f"--callgrind-out-file={folder / 'out'}"]
        run += [sys.executable, __file__, "--drive", library]
        environment = os.environ | {"FASTLOSS_ISA": "avx2", "PYTHONHASHSEED": "0"}
        subprocess.run(run, check=True, env=environment)
        for path in folder.glob("out.*"):
            lines = path.read_text().splitlines()
            found = dict(s.split(": ", 1) for s in lines if ": " in s)
            trigger = found["desc"] if "Client Request" in found["desc"] else ""
            words = trigger.partition("Client Request: ")[2].split()
            if len(words) == 4:
                key = " ".join(words[:3])
                counts[key, int(words[3])] = int(found["totals"])
    few, many = ENTRIES
    return {
        key: (counts[key, many] - counts[key, few]) / (many - few)
        for key, entries in counts
        if entries == few
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drive", metavar="LIBRARY", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.drive:
        drive(ctypes.CDLL(given.drive))
        return
    counts = count()
    head = [f"{o} {d.replace('loat', '')}" for d in DTYPES for o in OUTPUTS]
    print("| loss | " + " | ".join(head) + " |")
    print("|---" * (1 + len(head)) + "|")
    for kernel, title in TITLES.items():
        row = [counts[f"{kernel} {o} {d}"] for d in DTYPES for o in OUTPUTS]
        print(f"| {title} | " + " | ".join(f"{n:.2f}" for n in row) + " |")
    if given.json:
        given.json.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
