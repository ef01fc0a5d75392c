"""The line of each neighbour in the README's table, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
TABLE = "| | in one line |\n|---|---|\n"

#: By the module in a line: what comes before it, and what is true of `_`, its value.
AROUND = {
    "sklearn": (
        """
        import fastloss.sklearn
        from sklearn.ensemble import HistGradientBoostingRegressor
        """,
        """
        assert fl.huber(y, _.fit(X, y).predict(X)) < fl.huber(y, 0 * y) / 2
        """,
    ),
    "xgboost": (
        """
        import fastloss.xgboost, xgboost as xgb
        data = xgb.DMatrix(X, bits)
        params = {"base_score": 0.0, "eta": 0.3, "nthread": 1}
        """,
        """
        assert fl.focal(bits, _.predict(data, output_margin=True)) < 0.05
        """,
    ),
    "lightgbm": (
        """
        import fastloss.lightgbm, lightgbm as lgb
        """,
        """
        _.set_params(verbose=-1, n_jobs=1)
        assert fl.log_cosh(y, _.fit(X, y).predict(X)) < fl.log_cosh(y, 0 * y) / 2
        """,
    ),
    "catboost": (
        """
        import fastloss.catboost
        from catboost import CatBoostRegressor
        """,
        """
        _.set_params(iterations=100, verbose=0, allow_writing_files=False)
        assert fl.huber(y, _.fit(X, y).predict(X)) < fl.huber(y, 0 * y) / 2
        """,
    ),
    "torch": (
        """
        import torch, fastloss.torch
        logits, target = torch.zeros(2, 4, requires_grad=True), torch.tensor([0, 3])
        """,
        """
        assert _.item() == pytest.approx(np.log(4))
        _.backward()
        expected = [-0.3375, 0.1125, 0.1125, 0.1125]
        assert logits.grad[0].tolist() == pytest.approx(expected)
        """,
    ),
    "keras": (
        """
        import os
        os.environ.setdefault("KERAS_BACKEND", "jax")
        import keras, fastloss.keras
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        """,
        """
        losses = model.fit(X, y, epochs=20, verbose=0).history["loss"]
        assert losses[-1] < losses[0] / 1.1
        """,
    ),
    "jax": (
        """
        import jax, fastloss.jax
        predictions, targets = np.float32([0, 3]), np.float32([1, 0])
        logits, labels = np.zeros((1, 2), "f"), np.float32([[0, 1]])
        """,
        """
        assert _.tolist() in ([-0.5, 1.0], [[0.5, -0.5]])
        """,
    ),
    "scipy": (
        """
        import fastloss.scipy
        from scipy.optimize import minimize
        """,
        """
        assert _.fun < 0.01
        assert np.allclose(_.x[:2], [1, -2], atol=0.01)
        """,
    ),
    "dask": (
        """
        import dask, dask.array as da, fastloss.dask
        y, p = da.zeros(10, chunks=4), da.ones(10, chunks=4)
        """,
        """
        assert _[0] == 0.5
        assert np.allclose(_[1], 0.1)
        """,
    ),
}
BEFORE = """
import numpy as np, pytest
import fastloss as fl
random = np.random.default_rng(0)
X = random.normal(size=(400, 2))
y = X @ [1.0, -2.0]
bits = (y > 0).astype(float)
"""


def lines(page: str) -> list[str]:
    """The second column of the table, of neighbours in Python."""
    rest = (ROOT / page).read_text("utf-8").split(TABLE)[1]
    rows = rest.split("\n\n")[0].splitlines()
    found = [re.fullmatch(r"\| .* \| `([^`]+)`(.*) \|", row) for row in rows]
    return [row[1] for row in found if row and re.search(r"\bfastloss\.\w+\.", row[1])]


LINES = lines("README.md")


def module_of(line: str) -> str:
    found = re.search(r"\bfastloss\.(\w+)\.", line)
    assert found
    return found[1]


def test_every_neighbour_has_a_line() -> None:
    assert {module_of(line) for line in LINES} == set(AROUND)
    assert set(lines("docs/use_with.md")) <= set(LINES)


@pytest.mark.parametrize("line", LINES, ids=module_of)
def test_the_line_runs(line: str) -> None:
    before, after = map(dedent, AROUND[module_of(line)])
    exec(f"{BEFORE}{before}\n_ = {line}\n{after}", {})
