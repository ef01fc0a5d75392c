"""Run the tests of other libraries against fastloss, and write docs/notes/external.md.

    python tools/external.py [LIBRARY ...]

Their tests are those that are installed. What is not installed with a library is
downloaded once into the folder FASTLOSS_PEERS, build/peers if that is not set. With
names of libraries only these are run, and nothing is written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(os.environ.get("FASTLOSS_PEERS", ROOT / "build/peers")).resolve()
PAGE = ROOT / "docs/notes/external.md"
OUTCOMES = ("equal", "different", "left")


@dataclass(frozen=True)
class Run:
    """An adapter, and whose tests of what it runs by what."""

    library: str
    what: str
    by: str
    backend: str = ""
    sources: str = ""

    @property
    def name(self) -> str:
        """The library and how it runs."""
        return f"{self.library}, {self.backend}" if self.backend else self.library

    @property
    def adapter(self) -> Path:
        """What answers."""
        name = self.library.replace("scikit-learn", "sklearn")
        return ROOT / f"tests/external/test_of_{name}.py"

    @property
    def versions(self) -> str:
        """That of the library, and that of its tests if it is another."""
        installed = version(self.library)
        if not self.sources:
            return installed
        (folder,) = PEERS.glob(f"{self.sources}-*/")
        tests = folder.name.removeprefix(f"{self.sources}-")
        same = tests == installed.partition("+")[0]
        return installed if same else f"{installed}, tests of {tests}"


RUNS = (
    Run(
        "torch",
        "samples of `op_db` and `module_db`, value and gradients, those of functions "
        "differentiated by predictions and by all that they say",
        "`fastloss.torch`",
    ),
    Run(
        "optax",
        "the tests of `optax.losses` but Dice",
        "`fastloss.jax`",
    ),
    *(
        Run("keras", "the tests of `losses`", "`fastloss.keras`", backend)
        for backend in ("jax", "numpy", "torch")
    ),
    Run(
        "scikit-learn",
        "the tests of `_loss` and `metrics`",
        "`fastloss.sklearn.patch()`",
    ),
    Run(
        "torchvision",
        "the tests of its losses",
        "`fastloss.torch.loss`",
        sources="vision",
    ),
    Run(
        "scoringrules",
        "the tests of scores of distributions, intervals, quantiles and probabilities",
        "losses of arrays",
        sources="scoringrules",
    ),
)

INTRODUCTION = """# The tests of other libraries

What the tests of libraries that define losses say if fastloss computes these. Made by
`nox -s external`, which finds the installed tests, or downloads them, and lets
`tests/external/` put fastloss into the place of the library's functions.

A case is a test, or a sample that a library tests itself with. *Equal*: fastloss
answers and the test is content, by its own tolerance; samples are compared to 4 ulp of
the largest entry in float32 and 64 in float64. *Different*: a convention differs, and
the test says so; one that no longer fails is an error. *Left*: the library's own
function answers.
"""


def fetch(run: Run) -> None:
    """Download the tests of the version that is installed."""
    if not run.sources or [*PEERS.glob(f"{run.sources}-*/")]:
        return
    PEERS.mkdir(parents=True, exist_ok=True)
    number = version(run.library).partition("+")[0]
    folder = PEERS / f"{run.sources}-{number}"
    if run.library == "torchvision":  # has no sdist
        url = "https://github.com/pytorch/vision"
        clone = ["git", "clone", "--depth=1", f"--branch=v{number}", url, str(folder)]
        subprocess.run(clone, check=True)
        return
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=:all:"]
    subprocess.run([*pip, f"{run.library}=={number}"], cwd=PEERS, check=True)
    subprocess.run(["tar", "-xzf", f"{folder.name}.tar.gz"], cwd=PEERS, check=True)


def counts(run: Run) -> dict[str, Any]:
    """Run an adapter in a process of its own; it must be content."""
    fetch(run)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.json"
        options = ["-m", "external", "-q", "-p", "no:cacheprovider", "--counts", path]
        subprocess.run(
            [sys.executable, "-m", "pytest", *map(str, options), str(run.adapter)],
            cwd=ROOT / "tests",
            env={
                **os.environ,
                "FASTLOSS_PEERS": str(PEERS),
                "KERAS_BACKEND": run.backend or "jax",
            },
            check=True,
        )
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _row(*cells: Any) -> str:
    return "| " + " | ".join(map(str, cells)) + " |\n"


def _table(*heads: str) -> str:
    return "\n" + _row(*heads) + _row(*("---" for _ in heads))


def page(found: dict[Run, dict[str, Any]]) -> str:
    """The page of all counts."""
    text = INTRODUCTION
    text += _table("library", "version", "what", "answered by", "cases", *OUTCOMES)
    for run, result in found.items():
        rows = result["losses"].values()
        sums = [sum(row[outcome] for row in rows) for outcome in OUTCOMES]
        what = (run.name, run.versions, run.what, run.by)
        text += _row(*what, sum(sums), *sums)
    for outcome, title in (("different", "What differs"), ("left", "What is left")):
        text += f"\n## {title}\n" + _table("library", "cases", "reason")
        for run, result in found.items():
            for kind, reason, cases in result["reasons"]:
                if kind == outcome:
                    text += _row(run.name, cases, reason)
    text += "\n## By loss\n\nUnder the library's name; losses that are left throughout "
    text += "are left out.\n" + _table("library", "loss", *OUTCOMES)
    for run, result in found.items():
        for loss, row in result["losses"].items():
            if row["equal"] or row["different"]:
                text += _row(run.name, loss, *(row[outcome] for outcome in OUTCOMES))
    return text


def main() -> None:
    """Run all, or some."""
    wanted = sys.argv[1:]
    runs = [run for run in RUNS if not wanted or run.library in wanted]
    found = {run: counts(run) for run in runs}
    if not wanted:
        PAGE.write_text(page(found), "utf-8")


if __name__ == "__main__":
    main()
