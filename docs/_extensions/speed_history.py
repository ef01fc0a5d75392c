"""The history of speed that the Speed page links to: a small run of asv, published.

Results stay in ``.asv/results``: a longer run there, of older commits, is shown too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

import fastloss as fl

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = "speed/history"
KERNELS = (
    "mean_squared_error",
    "huber",
    "binary_crossentropy_logits",
    "sparse_categorical_crossentropy_logits",
)
CELLS = (
    rf"time_call\('({'|'.join(KERNELS)})', 'float32', 'value_and_grad', 'L2', "
    r"'(fastloss 1 thread|reference)'\)"
)
QUICKLY = ("rounds=1", "repeat=10", "sample_time=0.005")


def publish(app: Sphinx, failed: Exception | None) -> None:
    """Run the suite on what is installed and write asv's pages beside the site's."""
    if failed or app.builder.name != "html" or not app.tags.has("history"):
        return
    commit = _call(["git", "rev-parse", "HEAD"], ROOT).strip()
    asv = [sys.executable, "-m", "asv"]
    # asv keeps what it knows of the machine in the home directory.
    with tempfile.TemporaryDirectory() as home:
        benchmarks = ROOT / "benchmarks"
        _call([*asv, "machine", "--yes"], benchmarks, home)
        options = [f"--attribute={each}" for each in QUICKLY]
        options += ["--environment=existing", f"--set-commit-hash={commit}"]
        options += ["--skip-existing-successful", f"--bench={CELLS}"]
        _call([*asv, "run", *options], benchmarks, home)
        pages = Path(app.outdir) / FOLDER
        _call([*asv, "publish", "--html-dir", str(pages)], benchmarks, home)
    graphs = json.loads((pages / "index.json").read_text("utf-8"))
    if not graphs["graph_param_list"]:
        raise ExtensionError("asv published no graph")


def _call(command: list[str], folder: Path, home: str | None = None) -> str:
    package = str(Path(fl.__file__).parent.parent)
    environment = {**os.environ, "ASV_PYTHONPATH": package}
    if home:
        environment["HOME"] = home
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = f"{done.stdout}{done.stderr}"
        raise ExtensionError(f"{' '.join(command)} failed:\n{said}")
    return done.stdout


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx; what is no clone has no commits, and no history."""
    if (ROOT / ".git").exists():
        app.tags.add("history")
    app.connect("build-finished", publish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
