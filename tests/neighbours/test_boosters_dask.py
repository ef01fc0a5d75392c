"""Boosters that train on the workers of Dask take our objectives as their own.

Features have few values, so that histograms do not depend on which worker has what.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dask.array as da
import lightgbm
import numpy as np
import pytest
import xgboost
from distributed import Client, LocalCluster
from xgboost import dask as dxgb

import fastloss as fl
import fastloss.lightgbm
import fastloss.xgboost

N = 600
RNG = np.random.default_rng(0)
X = RNG.integers(0, 20, size=(N, 5)).astype(float)
REAL = (X @ RNG.normal(size=5) + RNG.normal(size=N)) / 20
KNOWN = {
    "real": REAL,
    "bit": (np.median(REAL) < REAL).astype(float),
    "class": np.digitize(REAL, np.quantile(REAL, [0.3, 0.6])),
}
WEIGHT = np.tile(RNG.uniform(0.5, 2, N // 2), 2)  # halves weigh the same
XGB = {"n_estimators": 4, "max_depth": 3, "n_jobs": 1}
LGB = {"n_estimators": 4, "num_leaves": 7, "verbosity": -1, "boost_from_average": False}

#: LightGBM's, of the `n_jobs` that it sets itself.
pytestmark = pytest.mark.filterwarnings("ignore:Parameter n_jobs will be ignored")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two processes, each with half of the samples."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made,
        Client(made) as client,
    ):
        halves = {
            name: client.persist(da.from_array(whole, (N // 2, *whole.shape[1:])))
            for name, whole in ({"x": X, "weight": WEIGHT} | KNOWN).items()
        }
        yield SimpleNamespace(client=client, **halves)


def margins(booster: Any) -> Any:
    if isinstance(booster, xgboost.Booster):
        return booster.predict(xgboost.DMatrix(X), output_margin=True)
    return booster.predict(X, raw_score=True)


def test_xgboost_train(cluster: Any) -> None:
    data = dxgb.DaskDMatrix(
        cluster.client, cluster.x, cluster.real, weight=cluster.weight
    )
    params = {"max_depth": 3, "nthread": 1, "base_score": 0.0}
    given = cluster.client, params, data, 4
    own = {**params, "objective": "reg:squarederror"}
    theirs = dxgb.train(cluster.client, own, data, 4)["booster"]
    ours = dxgb.train(
        *given,
        obj=fastloss.xgboost.objective("reg:squarederror"),
        custom_metric=fastloss.xgboost.metric("mse"),
        evals=[(data, "train")],
        verbose_eval=False,
    )
    got = margins(ours["booster"])
    np.testing.assert_allclose(got, margins(theirs), 2e-5, 2e-6)
    last = ours["history"]["train"]["mean_squared_error"][-1]
    assert last == pytest.approx(fl.mse(REAL, got, sample_weight=WEIGHT), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "kind"), [("binary:logistic", "bit"), ("multi:softprob", "class")]
)
def test_xgboost_classifier(cluster: Any, name: str, kind: str) -> None:
    def trained(objective: Any) -> Any:
        model = dxgb.DaskXGBClassifier(objective=objective, base_score=0.5, **XGB)
        model.client = cluster.client
        y = getattr(cluster, kind)
        model.fit(cluster.x, y, sample_weight=cluster.weight)
        return margins(model.get_booster())

    ours = trained(fastloss.xgboost.objective(name))
    np.testing.assert_allclose(ours, trained(name), 2e-5, 2e-6)


@pytest.mark.parametrize(
    ("make", "name", "kind"),
    [
        (lightgbm.DaskLGBMRegressor, "huber", "real"),
        (lightgbm.DaskLGBMClassifier, "binary", "bit"),
        (lightgbm.DaskLGBMClassifier, "multiclass", "class"),
    ],
)
def test_lightgbm(cluster: Any, make: Any, name: str, kind: str) -> None:
    def trained(objective: Any) -> Any:
        model = make(client=cluster.client, objective=objective, **LGB)
        y = getattr(cluster, kind)
        model.fit(cluster.x, y, sample_weight=cluster.weight)
        return margins(model.booster_)

    ours = trained(fastloss.lightgbm.objective(name))
    np.testing.assert_allclose(ours, trained(name), 1e-6, 1e-7)
