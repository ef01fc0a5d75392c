"""The examples of the pages on neighbours run when they are pasted in their order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["sklearn", "boosting", "torch", "jax", "keras", "scipy", "dask", "partial"]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs(page: str, tmp_path: Path) -> None:
    text = (DOCS / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    # Ray's recipe is run by test_dask.py, Spark's by test_spark.py.
    pasted = [block for block in blocks if not re.search("import ray|frames", block)]
    assert pasted
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(pasted)],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
