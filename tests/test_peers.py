"""Values and gradients that other libraries give, frozen by ``tools/freeze.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastloss as fl

CASES = json.loads((Path(__file__).parent / "data/peers.json").read_text("utf-8"))


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case['loss']}-{case['library']}" for case in CASES]
)
def test_agrees_with(case: dict[str, Any]) -> None:
    loss = eval(case["loss"], {"fl": fl})
    y, x = np.array(case["y_true"]), np.array(case["y_pred"])
    weight, precision = case["sample_weight"], case["precision"]
    value = loss(y, x, sample_weight=weight)
    np.testing.assert_allclose(value, case["value"], precision, 1e-15)
    if case["grad"] is not None:
        grad = loss.grad(y, x, sample_weight=weight)
        np.testing.assert_allclose(grad, case["grad"], 10 * precision, 1e-15)


def test_every_parameter_is_in_some_case() -> None:
    shown = " ".join(case["loss"] for case in CASES)
    for loss in fl.LOSSES.values():
        assert type(loss).__name__ in shown
        for name in loss._parameters_of():
            assert f"{name}=" in shown or name == "label_sum", name
