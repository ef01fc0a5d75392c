"""Patched, scikit-learn's metrics and models take arrays of other libraries as before.

scikit-learn dispatches to these if SCIPY_ARRAY_API is set before SciPy is imported, so
what it answers with and without the patch is asked in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

import fastloss.sklearn as ours

N = 300
RNG = np.random.default_rng(1)
REAL = RNG.normal(size=N)
NEAR = REAL + 0.5 * RNG.normal(size=N)
BIT = (NEAR > 0).astype(np.int64)
SHARE = 1 / (1 + np.exp(-REAL))
WEIGHT = RNG.uniform(0.5, 2, N)


@pytest.fixture(autouse=True)
def _unpatched() -> Iterator[None]:
    yield
    ours.unpatch()


def counted(name: str) -> tuple[int, int]:
    return ours.report().get(name, (0, 0))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "y", "p"),
    [("mean_squared_error", REAL, NEAR), ("log_loss", BIT, SHARE)],
)
def test_series_are_answered(name: str, y: Any, p: Any, weighted: bool) -> None:
    options = {"sample_weight": pd.Series(WEIGHT)} if weighted else {}
    given = pd.Series(y, index=range(5, N + 5)), pd.Series(p)
    expected = getattr(metrics, name)(*given, **options)
    before = counted(name)
    with ours.patched():
        got = getattr(metrics, name)(*given, **options)
    assert type(got) is type(expected)
    assert got == pytest.approx(expected, rel=1e-13)
    assert counted(name) == (before[0] + 1, before[1])


def test_series_with_nulls_and_masks_are_scikit_learns() -> None:
    null = pd.Series([1.0, None, 2.0], dtype="Float64")
    masked = np.ma.masked_array([1.0, 5.0], mask=[False, True])
    expected = metrics.mean_squared_error([1.0, 2.0], masked)
    before = counted("mean_squared_error")
    with ours.patched():
        with pytest.raises(ValueError, match="NaN"):
            metrics.mean_squared_error(np.ones(3), null)
        assert metrics.mean_squared_error(np.array([1.0, 2.0]), masked) == expected
    assert counted("mean_squared_error") == (before[0], before[1] + 2)


DISPATCHED = """
import json, sys, warnings
sys.path.insert(0, sys.argv[1])
import array_api_strict, numpy as np, sklearn, torch
from sklearn import linear_model, metrics
import fastloss.sklearn
import test_sklearn_patch as known

warnings.simplefilter("ignore")
torch.set_num_threads(1)
device = array_api_strict.Device("device1")
TO = {
    "torch": torch.asarray,
    "strict": array_api_strict.asarray,
    "elsewhere": lambda a: array_api_strict.asarray(a, device=device),
    "learnt": lambda a: torch.asarray(a).requires_grad_(a.dtype.kind == "f"),
}

def said(call):
    try:
        value = call()
    except Exception as error:
        return type(error).__name__
    return type(value).__name__, float(value)

def measured():
    for kind, to in TO.items():
        for name, y, p, options in known.METRICS:
            metric = getattr(metrics, name)
            weight = to(known.WEIGHT[: len(y)])
            yield kind, name, [
                said(lambda: metric(to(y), to(p), **options)),
                said(lambda: metric(to(y), to(p), **options, sample_weight=weight)),
                said(lambda: metric(y, to(p), **options)),
            ]

X = known.X
Regression = linear_model.LogisticRegression
MODELS = [
    (Regression(tol=1e-10), known.BIT),
    (Regression(tol=1e-10), known.CLASS),
    (Regression(tol=1e-10, fit_intercept=False), known.CLASS),
    (linear_model.PoissonRegressor(tol=1e-9), known.COUNT),
]

def fitted():
    for kind in ("torch", "strict", "elsewhere"):
        to = TO[kind]
        for model, y in MODELS:
            for weight in (None, to(known.WEIGHT)):
                coef = model.fit(to(X), to(y), sample_weight=weight).coef_
                kept = type(coef).__name__
                if kind == "elsewhere":
                    coef = coef.to_device(array_api_strict.Device("CPU_DEVICE"))
                yield kind, kept, np.asarray(coef).tolist()

def everything():
    fits = list(fitted())
    ran = fastloss.sklearn.report()
    said = list(measured())
    with sklearn.config_context(array_api_dispatch=False):
        return said, list(measured()), fits, ran

sklearn.set_config(array_api_dispatch=True)
theirs = everything()
with fastloss.sklearn.patched():
    here = everything()
json.dump([theirs, here, fastloss.sklearn.report()], sys.stdout)
"""


@pytest.fixture(scope="module")
def both() -> Any:
    """What scikit-learn says, what it says patched, and who answered then."""
    done = subprocess.run(
        [sys.executable, "-c", DISPATCHED, os.path.dirname(__file__)],
        env=os.environ | {"SCIPY_ARRAY_API": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("dispatched", [True, False])
def test_metrics_of_any_array_are_equal(both: Any, dispatched: bool) -> None:
    """What scikit-learn refuses for want of a kind of array may be answered."""
    theirs, here, _ = both
    for expected, got in zip(theirs[not dispatched], here[not dispatched], strict=True):
        for one, other in zip(expected[2], got[2], strict=True):
            if isinstance(one, str):
                answered = one != "ValueError" and other[0] == "float"
                assert other == one or answered, expected
                continue
            assert other[0] == one[0], expected
            assert other[1] == pytest.approx(one[1], rel=1e-6), expected


def test_models_of_any_array_are_equal(both: Any) -> None:
    (_, _, theirs, _), (_, _, here, _), _ = both
    assert {kept for _, kept, _ in here} == {"Tensor", "Array"}
    for expected, got in zip(theirs, here, strict=True):
        assert got[:2] == expected[:2]
        np.testing.assert_allclose(got[2], expected[2], 1e-5, 1e-7)


def test_arrays_of_this_memory_are_answered_here(both: Any) -> None:
    _, (metrics_, *_, ran), report = both
    assert all(report[name][0] for _, name, _ in metrics_)
    for name in ("HalfBinomialLoss", "HalfMultinomialLoss", "HalfPoissonLoss"):
        here, left = ran[f"{name}.loss_gradient"]
        assert here
        assert not left
