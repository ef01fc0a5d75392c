"""The kernel objects, compiled as CMakeLists.txt says, and what is in their code.

Those of the newest installation are taken, unless a source is newer. Others are kept in
``build/source`` under a hash of the preprocessed unit; ``CC`` names their compiler.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import fastloss as fl

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/source"
DTYPES = ("f32", "f64")
COMPILER = os.environ.get("CC", "cc").split()
LAUNCHER = os.environ.get("CMAKE_C_COMPILER_LAUNCHER", "").split()
CMAKE = (ROOT / "CMakeLists.txt").read_text("utf-8")


def _time(path: Path) -> float:
    return path.stat().st_mtime


def _linked(build: Path) -> float:
    """When the extension was linked, of objects that were all up to date then."""
    return max(map(_time, build.glob("_bridge.*")), default=0)


NEWEST = max(
    _time(path) for path in [*ROOT.glob("csrc/**/*.[ch]"), ROOT / "CMakeLists.txt"]
)


def run(command: list[str], text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return done.stdout


GNU = "Free Software Foundation" in run([*COMPILER, "--version"])


def cmake_list(name: str) -> list[str]:
    """The items of a ``set(name ...)``, those of GCC if this is GCC."""
    for_gcc = re.compile(r"\$<\$<C_COMPILER_ID:GNU>:(.*)>$")
    found: list[str] = []
    (items,) = re.findall(rf"set\({name}\s([^)]*)\)", CMAKE)
    for item in items.replace('"', " ").split():
        if item.startswith("${"):
            found += cmake_list(item[2:-1])
        elif conditional := for_gcc.match(item):
            found += [conditional[1]] if GNU else []
        else:
            found.append(item)
    return found


def instruction_sets() -> list[str]:
    """Those that the build has for this processor."""
    dumped = run([*COMPILER, "-dM", "-E", "-x", "c", "-"], "")
    lists = re.findall(r"set\(isas ([a-z0-9 ]+)\)", CMAKE)
    x86, arm, other = (names.split() for names in lists)
    if "__x86_64__" in dumped:
        return x86
    return arm if "__aarch64__" in dumped else other


@dataclass(frozen=True)
class Loop:
    """An innermost loop: its additions, products and so on, by kind."""

    scalar: Counter[str]
    packed: Counter[str]


@dataclass(frozen=True)
class Unit:
    """One file, or the files of a family, for one dtype and instruction set."""

    name: str
    sources: tuple[str, ...]
    dtype: str
    isa: str

    def __str__(self) -> str:
        return f"{self.name}_{self.dtype}_{self.isa}"

    @property
    def is_family(self) -> bool:
        return self.name in FAMILIES

    def object(self) -> Path:
        folder = f"build/*/CMakeFiles/{self}.dir/Unity/*.o"
        built = max(ROOT.glob(folder), key=_time, default=None)
        if built and "CC" not in os.environ and _linked(built.parents[3]) > NEWEST:
            return built
        return self.compiled()

    def compiled(self) -> Path:
        text = "".join(f'#include "{source}"\n' for source in self.sources)
        flags = [*cmake_list("CMAKE_C_FLAGS_RELEASE"), "-std=c11", "-fPIC"]
        flags += [f"-fvisibility={cmake_list('CMAKE_C_VISIBILITY_PRESET')[0]}"]
        flags += [*cmake_list("kernel_flags"), *cmake_list(f"flags_{self.isa}")]
        if self.name in cmake_list("units_of_rows"):
            flags += cmake_list(f"flags_of_rows_{self.isa}")
        flags += [f"-DFL_ISA_{self.isa}", f"-DFL_DTYPE_{self.dtype}", f"-I{ROOT}/csrc"]
        flags += [f'-DFL_FAMILY="losses/{self.name}/rows.h"'] if self.is_family else []
        source = FOLDER / f"{self}.c"
        if not source.exists() or source.read_text() != text:
            source.write_text(text)
        seen = run([*COMPILER, *flags, "-E", "-P", str(source)])
        key = hashlib.sha256(repr((COMPILER, flags, seen)).encode()).hexdigest()[:16]
        made = FOLDER / f"{self}-{key}.o"
        if not made.exists():
            for old in FOLDER.glob(f"{self}-*.o"):
                old.unlink()
            new = made.with_suffix(".new")
            run([*LAUNCHER, *COMPILER, *flags, "-c", str(source), "-o", str(new)])
            new.rename(made)
        return made

    def symbols(self) -> tuple[set[str], set[str]]:
        """Names the object gives to others, and takes from them."""
        listed = [
            line.split() for line in run(["nm", str(objects()[self])]).splitlines()
        ]
        given = {words[-1] for words in listed if words[-2].isupper()}
        taken = {words[-1] for words in listed if words[-2] == "U"}
        return given - taken, taken

    def functions(self) -> dict[str, list[Loop]]:
        """The innermost loops of every function."""
        code = run(["objdump", "-d", "--no-show-raw-insn", str(objects()[self])])
        parts = re.split(r"\n(?=[0-9a-f]+ <)", code)[1:]
        return {
            re.findall(r"<([^>]+)>:", part)[0]: [*self._loops(part)] for part in parts
        }

    def _loops(self, code: str) -> Iterator[Loop]:
        lines = re.findall(r"^ *([0-9a-f]+):\t(\S+) *(.*)$", code, re.MULTILINE)
        number = {address: i for i, (address, _, _) in enumerate(lines)}
        jumps = []
        for i, (_, mnemonic, operands) in enumerate(lines):
            target = re.search(r"\b([0-9a-f]+) <", operands)
            if JUMP.match(mnemonic) and target and number.get(target[1], i + 1) <= i:
                jumps.append((number[target[1]], i))
        for first, last in jumps:
            if not any(first <= a and b < last for a, b in jumps):
                yield self._loop(lines[first : last + 1])

    def _loop(self, lines: list[tuple[str, str, str]]) -> Loop:
        scalar: Counter[str] = Counter()
        packed: Counter[str] = Counter()
        for _, mnemonic, operands in lines:
            if kind := re.match(SCALAR[self.isa], f"{mnemonic} {operands}"):
                scalar[KIND.get(kind[1], kind[1])] += 1
            elif kind := re.match(PACKED[self.isa], f"{mnemonic} {operands}"):
                packed[KIND.get(kind[1], kind[1])] += 1
        return Loop(scalar, packed)


JUMP = re.compile(r"j|b$|b\.|cbn?z|tbn?z")
# Minima, maxima and comparisons are left out: which of them a compiler takes for a
# selection differs from loop to loop.
KIND = {"sub": "add", "fmadd": "fma", "fmsub": "fma", "fnmadd": "fma", "fnmsub": "fma"}
KIND |= {"fmla": "fma", "fmls": "fma"}
_X86 = r"v?(add|sub|mul|div|sqrt|fn?m(?:add|sub))(?:\d+)?"
_ARM = r"f(add|sub|mul|div|sqrt|n?madd|n?msub|mla|mls)"
SCALAR = dict.fromkeys(("baseline", "avx2", "avx512"), _X86 + "s[sd] ")
SCALAR["neon"] = _ARM + r"\s+[sd]\d"
PACKED = {
    isa: _X86 + f"p[sd] .*{register}"
    for isa, register in (("baseline", "xmm"), ("avx2", "ymm"), ("avx512", "zmm"))
}
PACKED["neon"] = _ARM + r"\s+v\d+\.(?:4s|2d)"


FAMILIES = tuple(dict.fromkeys(row.family for row in fl.REGISTRY))


def sources(unit: str) -> tuple[str, ...]:
    """The files of a unit."""
    rows = [row.name for row in fl.REGISTRY if row.family == unit]
    listed = [f"csrc/losses/{unit}/{name}.c" for name in rows]
    files = listed or cmake_list(f"sources_of_{unit}")
    return tuple(file.removeprefix("csrc/") for file in files)


UNITS = [
    Unit(name, sources(name), dtype, isa)
    for isa in instruction_sets()
    for dtype in DTYPES
    for name in ("tools", "programs", *FAMILIES)
]


@cache
def objects() -> dict[Unit, Path]:
    """All of them, a unit compiled on each core, by one worker for all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        (FOLDER / "lock").open("w") as lock,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        return dict(zip(UNITS, pool.map(Unit.object, UNITS), strict=True))
