"""The recipe of docs/dask.md for Spark, run by Spark, which needs Java."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "dask.md"

# More partitions than rows of the smaller frame: some have no samples.
SCRIPT = """
import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

import fastloss as fl

spark = SparkSession.builder.master("local[2]").getOrCreate()
y, p = np.random.default_rng(0).normal(size=(2, 20_000))
for rows, partitions in ((20_000, 5), (3, 4)):
    expected = fl.huber.partial(y[:rows], p[:rows])
    table = pd.DataFrame({{"y": y[:rows], "p": p[:rows]}})
    frame = spark.createDataFrame(table).repartition(partitions)
{recipe}
    assert len(rows) == partitions, rows
    states = [fl.Partial.from_dict(fl.huber, json.loads(row.state)) for row in rows]
    assert sum(state.count for state in states) == expected.count
    assert partitions < 5 or min(state.count for state in states) > 0
    assert partitions == 5 or min(state.count for state in states) == 0
    close = 4 * np.finfo(float).eps * expected.value()
    assert abs(value - expected.value()) <= close, (value, expected.value())
    assert abs(sum(states).standard_error() - expected.standard_error()) < 1e-15
spark.stop()
print("done")
"""


def recipe() -> str:
    """The block of the page, whose last line is the value."""
    text = PAGE.read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (block,) = (block for block in blocks if "mapInPandas" in block)
    *lines, last = block.rstrip().splitlines()
    return "\n".join(f"    {line}" for line in [*lines, f"value = {last}"])


def test_map_in_pandas(tmp_path: Path) -> None:
    """In a process of its own, which ends with all that Spark starts."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(recipe=recipe())],
        cwd=tmp_path,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.endswith("done\n"), done.stderr
