"""Print the stack that a call needs on each instruction set, from GCC's figures.

    python tools/stack.py

Builds the extension with ``-fcallgraph-info=su`` in a temporary folder and follows the
calls from `fl_run`. A call through a pointer goes from the engine to a driver, from a
driver to a kernel, from a kernel to an operation of a custom loss. What the C library
and OpenMP need themselves is not in it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = re.compile(r'node: { title: "([^"]+)" label: ".*?(\d+) bytes')
EDGE = re.compile(r'edge: { sourcename: "([^"]+)" targetname: "([^"]+)"')
INDIRECT = "__indirect_call"


def build(folder: Path) -> None:
    """Leave a .ci file beside every object in `folder`."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", str(ROOT)]
    command += [f"--wheel-dir={folder}", f"-Cbuild-dir={folder}/build"]
    flags = {"CFLAGS": "-fcallgraph-info=su"}
    subprocess.run(command, env={**os.environ, **flags}, check=True)


class Calls:
    """Frames and calls of the engine and the kernels of one dtype and set."""

    def __init__(self, files: list[Path]) -> None:
        self.frames: dict[str, int] = {}
        self.targets: dict[str, set[str]] = defaultdict(set)
        for file in files:
            text = file.read_text()
            self.frames |= {name: int(size) for name, size in NODE.findall(text)}
            for source, target in EDGE.findall(text):
                self.targets[source].add(target)
        self.deepest = cache(self._deepest)
        self.makes_passes = cache(self._makes_passes)

    def _pointed_at(self, caller: str) -> list[str]:
        if "program.c:" in caller:
            level = "program.c:fl_(op|scaled)_"
        elif re.search("^fl_run|/(schedule|run|plan).c:", caller):
            level = "csrc/engine/drivers/"
        else:
            level = "/(unity_.*|program|tools|convert).c:"
        # A block of a pass begins no other pass.
        within = caller == "fl_run_pass" or "/schedule.c:" in caller
        return [
            name
            for name in self.frames
            if re.search(level, name) and not (within and self.makes_passes(name))
        ]

    def _makes_passes(self, name: str) -> bool:
        called = self.targets[name]
        return "fl_run_pass" in called or any(map(self.makes_passes, called))

    def _deepest(self, name: str) -> tuple[int, tuple[str, ...]]:
        below = []
        for target in self.targets[name]:
            names = self._pointed_at(name) if target == INDIRECT else [target]
            below += [self.deepest(each) for each in names if each != name]
        size, path = max(below, default=(0, ()))
        return self.frames.get(name, 0) + size, (name.rpartition(":")[2], *path)


def main() -> None:
    """Build and print a line per dtype and instruction set."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder)
        engine = list(folder.rglob("_bridge.dir/**/*.ci"))
        for target in sorted(folder.rglob("kernels_*.dir")):
            files = engine + list(target.rglob("*.ci"))
            size, path = Calls(files).deepest("fl_run")
            print(f"{target.stem:<24} {size:6} bytes  {' > '.join(path)}")


if __name__ == "__main__":
    main()
