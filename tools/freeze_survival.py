"""Freeze what XGBoost gives for times, for the tests to compare with.

    python tools/freeze_survival.py

Needs xgboost. Cases are those of `tools/freeze.py` for losses of more than one label;
`tests/data/peers_survival.json` keeps them. XGBoost computes in float32.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

FILE = Path(__file__).resolve().parents[1] / "tests/data/peers_survival.json"
#: XGBoost clips gradients to [-15, 15].
CLIPPED = 14.9

Array = np.ndarray[Any, np.dtype[Any]]


def matrix(low: Array, high: Array, x: Array) -> xgboost.DMatrix:
    """Times with predictions to begin with, and nothing to learn from."""
    data = xgboost.DMatrix(np.zeros((len(x), 1)), base_margin=x)
    data.set_float_info("label_lower_bound", low)
    data.set_float_info("label_upper_bound", high)
    return data


def train(data: xgboost.DMatrix, options: dict[str, Any], **more: Any) -> Any:
    """A tree of one leaf, and the loss that is reported of it."""
    reported: dict[str, Any] = {}
    given = {"objective": "survival:aft", "eval_metric": "aft-nloglik", "nthread": 1}
    given |= {"max_depth": 1, "min_child_weight": 0.0, **options, **more}
    model = xgboost.train(
        given,
        data,
        1,
        evals=[(data, "times")],
        evals_result=reported,
        verbose_eval=False,
    )
    return model, reported["times"]["aft-nloglik"][0]


def slope(data: xgboost.DMatrix, x: float, options: dict[str, Any]) -> float:
    """The gradient g of one sample, of leaves -g/h and -g/(h + 1)."""
    leaves = []
    for penalty in (0.0, 1.0):
        model, _ = train(data, options, eta=1.0, reg_lambda=penalty)
        leaves.append(float(model.predict(data, output_margin=True)[0]) - x)
    h = leaves[1] / (leaves[0] - leaves[1])
    return -leaves[0] * h


def main() -> None:
    """Run every case and write the file."""
    draw = np.random.default_rng(5)
    x = draw.normal(size=6).astype(np.float32)
    low = np.array([1.5, 0.25, 0, 0.75, 2, 0.125], np.float32)
    high = np.array([1.5, np.inf, 0.5, 1.25, 8, 0.125], np.float32)
    try:
        library = f"xgboost {version('xgboost')}"
    except PackageNotFoundError:
        library = f"xgboost {version('xgboost-cpu')}"
    cases = []
    for distribution, sigma in product(("normal", "logistic", "extreme"), (1.0, 0.5)):
        options = {
            "aft_loss_distribution": distribution,
            "aft_loss_distribution_scale": sigma,
        }
        _, value = train(matrix(low, high, x), options, eta=0.0)
        slopes = [
            slope(
                matrix(low[i : i + 1], high[i : i + 1], x[i : i + 1]),
                float(x[i]),
                options,
            )
            for i in range(len(x))
        ]
        clipped = max(map(abs, slopes)) > CLIPPED
        case = {
            "loss": f"fl.AFT(distribution={distribution!r}, sigma={sigma})",
            "library": library,
            "precision": 1e-6,
            "arguments": [[low.tolist(), high.tolist()], x.tolist()],
            "value": value,
            "grad": None if clipped else [g / len(x) for g in slopes],
        }
        cases.append(case)
    lines = ",\n".join(json.dumps(case) for case in cases)
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
