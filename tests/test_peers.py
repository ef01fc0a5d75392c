"""Values and gradients that other libraries give, frozen by ``tools/freeze.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastloss as fl

DATA = Path(__file__).parent / "data"
CASES = json.loads((DATA / "peers.json").read_text("utf-8"))


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


STRUCTURED = json.loads((DATA / "peers_structured.json").read_text("utf-8"))
#: Of which no library that is installed has a function; test_structured.py has values
#: worked out by hand.
ELSEWHERE = {"ListNet", "Cox"}


@pytest.mark.parametrize(
    "case", STRUCTURED, ids=[f"{case['loss']}-{case['library']}" for case in STRUCTURED]
)
def test_of_several_arrays_agrees_with(case: dict[str, Any]) -> None:
    loss = eval(case["loss"], {"fl": fl})
    arguments = [
        tuple(a) if len(a) == 2 and loss.name == "gaussian_nll" else a
        for a in case["arguments"]
    ]
    np.testing.assert_allclose(loss(*arguments), case["value"], case["precision"])
    if case["grad"] is not None:
        for ours, theirs in zip(loss.grad(*arguments), case["grad"], strict=True):
            np.testing.assert_allclose(ours, theirs, 10 * case["precision"], 1e-15)


def test_every_parameter_is_in_some_case() -> None:
    shown = " ".join(case["loss"] for case in [*CASES, *STRUCTURED])
    for loss in fl.LOSSES.values():
        if type(loss).__name__ in ELSEWHERE:
            continue
        assert type(loss).__name__ in shown
        for name in loss._parameters_of():
            assert f"{name}=" in shown or name == "label_sum", name
