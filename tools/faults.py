"""Proof that the tests can fail: plants each fault of faults.toml and runs its tests.

The tree is copied to a temporary folder and built there once, nearly unoptimised and,
on x86-64, for AVX2 alone; a fault in C then compiles what it touches. The tests a fault
names must pass in the clean copy and fail with the fault. Needs what a build without
isolation needs, and the package installed, for its version.

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
SECONDS = 600  # tests that take longer hang
ROWS = "\n".join(f"    FL_ISA_ROW({isa})," for isa in ("avx512", "avx2", "baseline"))
ONE_INSTRUCTION_SET = {
    "CMakeLists.txt": ("set(isas baseline avx2 avx512)", "set(isas avx2)"),
    "csrc/isa/dispatch.c": (ROWS, "    FL_ISA_ROW(avx2),"),
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

    def text(self, tree: Path) -> str:
        """The file as it is, or nothing."""
        file = tree / self.file
        return file.read_text("utf-8") if file.exists() else ""

    def complaint(self, tree: Path) -> str | None:
        """What is said if the old text does not stand there just once."""
        count = self.text(tree).count(self.old)
        return (
            None if count == 1 else f"NEEDS A NEW TEXT: old stands there {count} times"
        )


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
        for name, change in ONE_INSTRUCTION_SET.items():
            file = self.tree / name
            file.write_text(file.read_text("utf-8").replace(*change), "utf-8")
        cython = importlib.util.find_spec("cython_cmake")
        if cython is None or cython.origin is None:
            raise SystemExit("cython-cmake is missing: see CONTRIBUTING.md, Working")
        settings = {
            "CMAKE_BUILD_TYPE": "None",
            "CMAKE_C_FLAGS": "-O1",
            "CMAKE_MODULE_PATH": Path(cython.origin).parent / "cmake",
            "CMAKE_LIBRARY_OUTPUT_DIRECTORY": self.tree / "src/fastloss/core",
            "Python_EXECUTABLE": sys.executable,
        }
        options = [f"-D{name}={value}" for name, value in settings.items()]
        self.cmake("-G", "Ninja", "-S", self.tree, "-B", self.build, *options)
        if complaint := self.cmake("--build", self.build):
            raise SystemExit(complaint)

    def cmake(self, *arguments: str | Path) -> str:
        """Nothing, or what is said when it fails."""
        made = subprocess.run(["cmake", *arguments], capture_output=True, text=True)
        return made.stdout + made.stderr if made.returncode else ""

    def verdict(self, tests: Sequence[str], seconds: float | None = None) -> str:
        """What a build, and a run of these tests until the first that fails, say."""
        if self.cmake("--build", self.build):
            return "DOES NOT BUILD"
        source = {"PYTHONPATH": str(self.tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        environment = {**os.environ, **source}
        quiet = subprocess.DEVNULL if seconds else None
        run = [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider"]
        run += ["-m", "not slow", *tests]
        try:
            done = subprocess.run(
                run,
                cwd=self.tree,
                env=environment,
                stdout=quiet,
                stderr=quiet,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return "caught: hangs"
        if done.returncode < 0:
            return "caught: crashes"
        said = {0: "MISSED", 1: "caught"}
        return said.get(done.returncode, "TESTS DO NOT START")

    def verdict_on(self, fault: Fault) -> str:
        """What the tests of a fault say while it is planted."""
        if complaint := fault.complaint(self.tree):
            return complaint
        file, clean = self.tree / fault.file, fault.text(self.tree)
        file.write_text(clean.replace(fault.old, fault.new), "utf-8")
        try:
            return self.verdict(fault.tests, SECONDS)
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
            said = fault.complaint(ROOT) or fault.wrong
            print(f"{fault.name:32} {fault.file}: {said}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        every = sorted({test for fault in chosen for test in fault.tests})
        if copy.verdict(every) != "MISSED":
            print("the tests fail without a fault")
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
