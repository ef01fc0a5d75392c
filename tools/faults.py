"""Proof that the tests can fail: plants each fault of faults.toml and runs its tests.

The tree is copied to a temporary folder and built there once, without optimisation to
speak of and, on x86-64, for AVX2 alone; a fault in C then compiles what it touches. The
tests named by a fault must pass in the clean copy and fail with the fault. Needs what a
build without isolation needs, and the installed package for its version.

    python tools/faults.py [--list] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tools/faults.toml"
SECONDS = 120  # a run of tests that takes longer hangs
ONE_INSTRUCTION_SET = {
    "CMakeLists.txt": ("set(isas baseline avx2 avx512)", "set(isas avx2)"),
    "csrc/dispatch.c": (
        "FL_ISA_ROW(avx512), FL_ISA_ROW(avx2), FL_ISA_ROW(baseline),",
        "FL_ISA_ROW(avx2),",
    ),
}


@dataclass(frozen=True)
class Fault:
    """A change of one file that some test must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    wrong: str

    def planted(self, text: str) -> str | None:
        """The text with the fault, or None if `old` does not stand there just once."""
        return text.replace(self.old, self.new) if text.count(self.old) == 1 else None


def faults(only: Sequence[str]) -> list[Fault]:
    """Those of the list, or some by name."""
    entries = tomllib.loads(LIST.read_text("utf-8"))["fault"]
    known = [Fault(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]
    names = [fault.name for fault in known]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise SystemExit(f"several faults have one name: {', '.join(sorted(doubled))}")
    if unknown := set(only) - set(names):
        raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}")
    return [fault for fault in known if not only or fault.name in only]


class Copy:
    """A copy of the tree, with the package built in place."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.build = folder / "tree", folder / "build"
        unwanted = shutil.ignore_patterns(".git", ".*cache*", "__pycache__", "build")
        shutil.copytree(ROOT, self.tree, ignore=unwanted)
        for file, change in ONE_INSTRUCTION_SET.items():
            path = self.tree / file
            path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
        cython = importlib.util.find_spec("cython_cmake")
        if cython is None or cython.origin is None:
            raise SystemExit("cython-cmake is missing: see CONTRIBUTING.md, Working")
        settings = {
            "CMAKE_BUILD_TYPE": "None",
            "CMAKE_C_FLAGS": "-O1",
            "CMAKE_MODULE_PATH": Path(cython.origin).parent / "cmake",
            "CMAKE_LIBRARY_OUTPUT_DIRECTORY": self.tree / "src/fastloss",
            "Python_EXECUTABLE": sys.executable,
        }
        options = [f"-D{name}={value}" for name, value in settings.items()]
        where = ["-S", str(self.tree), "-B", str(self.build)]
        for command in (
            ["-G", "Ninja", *where, *options],
            ["--build", str(self.build)],
        ):
            made = subprocess.run(["cmake", *command], capture_output=True, check=False)
            if made.returncode:
                raise SystemExit(made.stdout.decode() + made.stderr.decode())

    def verdict(self, tests: Sequence[str], seconds: float | None = SECONDS) -> str:
        """What a build, and a run of these tests until the first that fails, say."""
        make = ["cmake", "--build", str(self.build)]
        if subprocess.run(make, capture_output=True, check=False).returncode:
            return "does not build"
        run = [
            sys.executable,
            "-B",
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
        ]
        environment = {**os.environ, "PYTHONPATH": str(self.tree / "src")}
        try:
            code = subprocess.run(
                [*run, *tests],
                cwd=self.tree,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return "caught, hangs"
        if code < 0:
            return "caught, crashes"
        return {0: "MISSED", 1: "caught"}.get(code, "tests do not start")

    def verdict_on(self, fault: Fault) -> str:
        """What the tests of a fault say while it is planted."""
        file = self.tree / fault.file
        clean = file.read_text("utf-8") if file.exists() else ""
        planted = fault.planted(clean)
        if planted is None:
            return f"needs a new text: {clean.count(fault.old)} times in {fault.file}"
        file.write_text(planted, "utf-8")
        try:
            return self.verdict(fault.tests)
        finally:
            file.write_text(clean, "utf-8")


def main() -> int:
    """Run the faults and say which of them no test saw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="name the faults and stop")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    arguments = parser.parse_args()
    chosen = faults(arguments.only)
    if arguments.list:
        for fault in chosen:
            print(f"{fault.name:32} {fault.file}: {fault.wrong}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        every = sorted({test for fault in chosen for test in fault.tests})
        if (clean := copy.verdict(every, seconds=None)) != "MISSED":
            print(f"without a fault: {clean.replace('caught', 'tests fail')}")
            return 1
        missed = 0
        for fault in chosen:
            start = time.monotonic()
            verdict = copy.verdict_on(fault)
            missed += not verdict.startswith("caught")
            seconds = time.monotonic() - start
            print(f"{fault.name:32} {verdict:16} {seconds:5.1f} s", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} faults caught")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
