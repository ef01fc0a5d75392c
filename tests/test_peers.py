"""Values and gradients that other libraries give.

Frozen by ``tools/freeze.py`` and its like for others, batches and survival.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss.core.kinds import SeveralHeads

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


STRUCTURED = [
    case
    for name in ("peers_structured.json", "peers_batches.json", "peers_survival.json")
    for case in json.loads((DATA / name).read_text("utf-8"))
]
#: Of which no library that is installed has a function; values found by hand are in
#: test_structured.py, test_multiclass.py and test_regression.py.
ELSEWHERE = {
    "Barron",
    "Cox",
    "DiscreteHazard",
    "Expectile",
    "Fair",
    "GCE",
    "GemanMcClure",
    "SymmetricCE",
    "Welsch",
}


@pytest.mark.parametrize(
    "case", STRUCTURED, ids=[f"{case['loss']}-{case['library']}" for case in STRUCTURED]
)
def test_of_several_arrays_agrees_with(case: dict[str, Any]) -> None:
    loss = eval(case["loss"], {"fl": fl})
    arguments = [
        tuple(a) if k == 1 and isinstance(loss, SeveralHeads) else a
        for k, a in enumerate(case["arguments"])
    ]
    np.testing.assert_allclose(loss(*arguments), case["value"], case["precision"])
    if case["grad"] is not None:
        for ours, theirs in zip(loss.grad(*arguments), case["grad"], strict=True):
            np.testing.assert_allclose(ours, theirs, 10 * case["precision"], 1e-15)


OTHERS = json.loads((DATA / "peers_others.json").read_text("utf-8"))


@pytest.mark.parametrize(
    "case", OTHERS, ids=[f"{case['loss']}-{case['library']}" for case in OTHERS]
)
def test_of_smaller_libraries_agrees_with(case: dict[str, Any]) -> None:
    loss = eval(case["loss"], {"fl": fl})
    arguments, keywords = map(np.array, case["arguments"]), case["keywords"]
    y_true, *y_pred = arguments
    value, grad = loss.value_and_grad(y_true, *y_pred, **keywords)
    np.testing.assert_allclose(value, case["value"], case["precision"], 1e-15)
    if case["grad"] is not None:
        np.testing.assert_allclose(grad, case["grad"], 10 * case["precision"], 1e-15)


def test_every_parameter_is_in_some_case() -> None:
    shown = " ".join(case["loss"] for case in [*CASES, *STRUCTURED, *OTHERS])
    for loss in fl.LOSSES.values():
        if type(loss).__name__ in ELSEWHERE:
            continue
        assert type(loss).__name__ in shown
        for name in loss._parameters_of():
            assert f"{name}=" in shown or name in ("label_sum", "classes"), name
