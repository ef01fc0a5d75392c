"""Patched, scikit-learn gives what it gives, and says what it did itself."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn import linear_model, metrics
from sklearn._loss import _loss as compiled
from sklearn._loss import loss as losses
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from threadpoolctl import threadpool_limits

import fastloss.sklearn as ours

N = 400
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4))
REAL = np.round(X @ [1.0, -2.0, 0.5, 0.0] + RNG.normal(size=N), 1)
COUNT = np.abs(REAL).round()
POSITIVE = np.abs(REAL) + 0.1
BIT = (REAL > 0).astype(int)
CLASS = np.digitize(REAL, [-1, 1])
WEIGHT = RNG.uniform(0.2, 2, N)


@pytest.fixture(autouse=True)
def _unpatched() -> Iterator[None]:
    with threadpool_limits(1):
        yield
    ours.unpatch()


ESTIMATORS: list[tuple[Any, dict[str, Any], Any]] = [
    *(
        (HistGradientBoostingRegressor, {"loss": loss, "max_iter": 10}, y)
        for loss, y in (
            ("squared_error", REAL),
            ("absolute_error", REAL),
            ("poisson", COUNT),
            ("gamma", POSITIVE),
        )
    ),
    (
        HistGradientBoostingRegressor,
        {"loss": "quantile", "quantile": 0.8, "max_iter": 10},
        REAL,
    ),
    (HistGradientBoostingClassifier, {"max_iter": 10}, BIT),
    (HistGradientBoostingClassifier, {"max_iter": 10}, CLASS),
    (GradientBoostingRegressor, {"loss": "huber", "n_estimators": 10}, REAL),
    *(
        (linear_model.LogisticRegression, {"solver": solver, "tol": 1e-10}, y)
        for solver in ("lbfgs", "newton-cg", "newton-cholesky")
        for y in (BIT, CLASS)
    ),
    (linear_model.PoissonRegressor, {"tol": 1e-8}, COUNT),
    (linear_model.PoissonRegressor, {"solver": "newton-cholesky"}, COUNT),
    (linear_model.GammaRegressor, {"tol": 1e-8}, POSITIVE),
    (linear_model.TweedieRegressor, {"power": 1.5, "tol": 1e-8}, COUNT),
    (linear_model.TweedieRegressor, {"power": 1.5, "link": "identity"}, POSITIVE + 9),
    (linear_model.SGDClassifier, {"loss": "log_loss", "random_state": 0}, BIT),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("make", "parameters", "y"), ESTIMATORS)
def test_predictions_are_equal(
    make: Any, parameters: dict[str, Any], y: Any, weighted: bool
) -> None:
    weight = WEIGHT if weighted else None

    def predicted() -> Any:
        model = make(**parameters).fit(X, y, sample_weight=weight)
        ask = getattr(model, "decision_function", model.predict)
        return ask(X)

    expected = predicted()
    with ours.patched():
        got = predicted()
    # A linear model stops where a step is small, and may stop one step elsewhere.
    rtol = 1e-5 if make.__module__.startswith("sklearn.linear_model") else 1e-12
    np.testing.assert_allclose(got, expected, rtol, rtol)


def test_estimators_run_it() -> None:
    before = ours.report().get("HalfBinomialLoss.gradient_hessian", (0, 0))
    with ours.patched():
        HistGradientBoostingClassifier(max_iter=5).fit(X, BIT)
    after = ours.report()["HalfBinomialLoss.gradient_hessian"]
    assert (after[0] - before[0], after[1] - before[1]) == (5, 0)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_losses_that_are_as_fast_are_left(loss: str) -> None:
    with ours.patched():
        model = HistGradientBoostingRegressor(loss=loss, max_iter=3).fit(X, REAL)
        assert type(model._loss.closs).__module__ == compiled.__name__
        assert losses.CyHuberLoss is compiled.CyHuberLoss


PROBABILITY = np.clip(1 / (1 + np.exp(-REAL - RNG.normal(size=N))), 0, 1)
ROWS = RNG.dirichlet([1, 1, 1], N)
PREDICTED = REAL + RNG.normal(size=N)
MEANS = np.exp(PREDICTED / 4)
METRICS: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("mean_squared_error", REAL, PREDICTED, {}),
    ("root_mean_squared_error", REAL, PREDICTED, {}),
    ("mean_absolute_error", REAL, PREDICTED, {}),
    ("mean_squared_error", X, X[::-1].copy(), {}),
    ("mean_absolute_error", X, X[::-1].copy(), {}),
    ("mean_absolute_percentage_error", REAL, PREDICTED, {}),
    ("mean_pinball_loss", REAL, PREDICTED, {"alpha": 0.9}),
    ("mean_poisson_deviance", COUNT, MEANS, {}),
    ("mean_gamma_deviance", POSITIVE, MEANS, {}),
    ("mean_tweedie_deviance", REAL, PREDICTED, {}),
    ("mean_tweedie_deviance", COUNT, MEANS, {"power": 1}),
    ("log_loss", BIT, PROBABILITY, {}),
    ("log_loss", BIT == 1, PROBABILITY, {"normalize": False}),
    ("log_loss", 2 * BIT - 1, PROBABILITY, {}),
    ("log_loss", BIT, np.column_stack([1 - PROBABILITY, PROBABILITY]), {}),
    ("log_loss", CLASS, ROWS, {}),
    ("hinge_loss", BIT, PREDICTED, {}),
    ("hinge_loss", 2 * BIT - 1, PREDICTED, {}),
    ("hinge_loss", 5 * BIT + 3, PREDICTED, {}),
    ("brier_score_loss", BIT, PROBABILITY, {}),
    ("brier_score_loss", 2 * BIT - 1, PROBABILITY, {}),
    ("d2_absolute_error_score", REAL, PREDICTED, {}),
    ("d2_pinball_score", REAL, PREDICTED, {"alpha": 0.9}),
    ("d2_pinball_score", REAL[:-1], PREDICTED[:-1], {"alpha": 0.3}),
    ("d2_log_loss_score", BIT, PROBABILITY, {}),
    ("d2_log_loss_score", BIT == 1, PROBABILITY, {}),
    ("d2_log_loss_score", CLASS, ROWS, {}),
    ("d2_brier_score", BIT, PROBABILITY, {}),
    ("d2_brier_score", 2 * BIT - 1, PROBABILITY, {}),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "y", "p", "options"), METRICS)
def test_metrics_are_equal(
    name: str, y: Any, p: Any, options: dict[str, Any], weighted: bool, dtype: Any
) -> None:
    if y.dtype.kind == "f":
        y = y.astype(dtype)
    p = p.astype(dtype)
    if weighted:
        options = options | {"sample_weight": WEIGHT[: len(y)].astype(dtype)}
    expected = getattr(metrics, name)(y, p, **options)
    before = ours.report().get(name, (0, 0))
    with ours.patched():
        got = getattr(metrics, name)(y, p, **options)
    assert type(got) is type(expected)
    assert got == pytest.approx(expected, rel=1e-13 if dtype == np.float64 else 1e-5)
    assert ours.report()[name] == (before[0] + 1, before[1])


#: Arguments that scikit-learn converts, warns of or refuses.
ODD: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("mean_squared_error", [1, 2], [1.0, 3.0], {}),
    ("mean_squared_error", REAL, PREDICTED[:-1], {}),
    ("mean_squared_error", REAL, np.where(REAL > 0, np.nan, 1.0), {}),
    ("mean_squared_error", REAL, np.where(REAL > 0, np.inf, 1.0), {}),
    ("mean_squared_error", REAL, PREDICTED, {"multioutput": "no"}),
    ("mean_squared_error", X, X[::-1], {"multioutput": "raw_values"}),
    ("mean_squared_error", X, X[::-1], {"multioutput": [1, 2, 3, 4]}),
    ("mean_squared_error", REAL, PREDICTED, {"sample_weight": WEIGHT[:3]}),
    ("mean_squared_error", REAL, PREDICTED, {"sample_weight": 0 * WEIGHT}),
    (
        "mean_squared_error",
        REAL,
        np.where(np.arange(N) == 0, np.nan, 1.0),
        {"sample_weight": np.minimum(np.arange(N), 1.0)},
    ),
    ("mean_squared_error", np.empty(0), np.empty(0), {}),
    ("root_mean_squared_error", X, X[::-1].copy(), {}),
    ("mean_pinball_loss", REAL, PREDICTED, {"alpha": 0}),
    ("mean_pinball_loss", REAL, PREDICTED, {"alpha": 2.0}),
    ("mean_poisson_deviance", -POSITIVE, MEANS, {}),
    ("mean_poisson_deviance", COUNT, 0 * MEANS, {}),
    ("mean_gamma_deviance", COUNT, MEANS, {}),
    ("mean_poisson_deviance", X, X, {}),
    ("mean_tweedie_deviance", COUNT, MEANS, {"power": 1.5}),
    ("mean_tweedie_deviance", COUNT, MEANS, {"power": 0.5}),
    ("log_loss", BIT, PROBABILITY + 1, {}),
    ("log_loss", BIT, np.where(BIT, np.nan, 0.5), {}),
    ("log_loss", 0 * BIT, PROBABILITY, {}),
    ("log_loss", BIT, ROWS, {}),
    ("log_loss", BIT, ROWS, {"labels": [0, 1, 2]}),
    ("log_loss", CLASS, ROWS / 2, {}),
    ("log_loss", CLASS, -ROWS, {}),
    ("log_loss", CLASS, PROBABILITY, {}),
    ("log_loss", np.where(BIT, "b", "a"), PROBABILITY, {}),
    ("hinge_loss", CLASS, ROWS, {}),
    ("hinge_loss", CLASS, PREDICTED, {}),
    ("hinge_loss", BIT, np.where(BIT, np.inf, 1.0), {}),
    ("brier_score_loss", BIT, PROBABILITY, {"pos_label": 0}),
    ("brier_score_loss", BIT + 1, PROBABILITY, {}),
    ("brier_score_loss", BIT - 1, PROBABILITY, {}),
    ("brier_score_loss", BIT, PROBABILITY + 1, {}),
    ("brier_score_loss", CLASS, PROBABILITY, {}),
    ("d2_absolute_error_score", 0 * REAL, PREDICTED, {}),
    ("d2_absolute_error_score", X, X[::-1].copy(), {}),
    ("d2_absolute_error_score", REAL[:1], PREDICTED[:1], {}),
    ("d2_pinball_score", REAL, PREDICTED, {"alpha": 1.0}),
    ("d2_pinball_score", REAL, PREDICTED, {"sample_weight": WEIGHT - 0.3}),
    ("d2_log_loss_score", BIT, PROBABILITY, {"sample_weight": BIT.astype(float)}),
    ("d2_absolute_error_score", REAL, PREDICTED, {"sample_weight": [1] * N}),
    ("d2_log_loss_score", BIT, PROBABILITY, {"labels": [0, 1]}),
    ("d2_log_loss_score", 0 * BIT, PROBABILITY, {}),
    ("d2_brier_score", BIT, PROBABILITY, {"pos_label": 0}),
    ("d2_brier_score", BIT, PROBABILITY, {"sample_weight": BIT.astype(float)}),
    ("d2_brier_score", CLASS, ROWS, {}),
]


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns or raises, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result: Any = repr(np.asarray(call()).tolist())
        except Exception as error:
            result = type(error), str(error)
    return result, [str(w.message) for w in caught]


@pytest.mark.parametrize(("name", "y", "p", "options"), ODD)
def test_the_rest_is_scikit_learns_own(
    name: str, y: Any, p: Any, options: dict[str, Any]
) -> None:
    before = ours.report().get(name, (0, 0))
    expected = outcome(lambda: getattr(metrics, name)(y, p, **options))
    with ours.patched():
        got = outcome(lambda: getattr(metrics, name)(y, p, **options))
    assert got == expected
    assert ours.report()[name][1] > before[1]


def test_names_of_arguments_are_scikit_learns() -> None:
    with ours.patched():
        before = ours.report().get("mean_squared_error", (0, 0))
        metrics.mean_squared_error(y_true=REAL, y_pred=PREDICTED)
        metrics.mean_squared_error(REAL, y_pred=PREDICTED)
        assert ours.report()["mean_squared_error"][0] == before[0] + 2
        with pytest.raises(TypeError, match="unexpected keyword argument 'weight'"):
            metrics.mean_squared_error(REAL, PREDICTED, weight=WEIGHT)
        with pytest.raises(TypeError, match="y_pred"):
            metrics.mean_squared_error(REAL)
        assert metrics.mean_squared_error.__module__ == "sklearn.metrics._regression"


def test_scorers_and_modules_use_it() -> None:
    before = ours.report().get("mean_squared_error", (0, 0))
    model = linear_model.LinearRegression().fit(X, REAL)
    scorer = metrics.get_scorer("neg_mean_squared_error")
    expected = scorer(model, X, REAL)
    with ours.patched():
        scorer = metrics.get_scorer("neg_mean_squared_error")
        assert scorer(model, X, REAL) == pytest.approx(expected, rel=1e-13)
    assert ours.report()["mean_squared_error"][0] == before[0] + 1


def test_everything_is_put_back() -> None:
    def held() -> list[int]:
        scorers = metrics._scorer._SCORERS.values()
        names = [name for name in dir(compiled) if name.startswith("Cy")]
        return [
            *(id(getattr(losses, name, None)) for name in names),
            *(id(getattr(metrics, name)) for name in metrics.__all__),
            *(
                id(getattr(metrics._regression, name))
                for name in metrics.__all__
                if hasattr(metrics._regression, name)
            ),
            *(id(scorer._score_func) for scorer in scorers),
        ]

    before = held()
    ours.unpatch()  # of what is not patched
    with ours.patched():
        inside = held()
        assert inside != before
        ours.patch()
        with ours.patched():
            assert held() == inside
        assert held() == inside
    assert held() == before


def test_a_model_is_pickled_as_scikit_learns() -> None:
    with ours.patched():
        model = HistGradientBoostingRegressor(loss="poisson", max_iter=3)
        model.fit(X, COUNT)
        text = pickle.dumps(model)
        pickle.dumps(metrics.mean_squared_error)
    assert b"fastloss" not in text
    assert type(pickle.loads(text)._loss.closs) is compiled.CyHalfPoissonLoss


def test_another_version_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sklearn, "__version__", "9.0.dev0")
    before = metrics.mean_squared_error
    with pytest.warns(UserWarning, match=r"this is 9\.0\.dev0: nothing is patched"):
        ours.patch()
    assert metrics.mean_squared_error is before
    assert losses.CyHalfBinomialLoss is compiled.CyHalfBinomialLoss


APP = """
import sys, sklearn.metrics as m, numpy as np
m.mean_squared_error(np.zeros(2), np.ones(2))
fastloss = sys.modules.get("fastloss.sklearn")
print(sys.argv[1:], __name__, fastloss and fastloss.report().get("mean_squared_error"))
"""


def run(*arguments: str, **variables: str) -> Any:
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_programs_are_patched_from_outside(tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    patched = "['--x', '1'] __main__ (1, 0)"
    done = run("-m", "fastloss.sklearn", str(app), "--x", "1")
    assert done.stdout.strip() == patched, done.stderr
    app.write_text("import fastloss\n" + APP)
    done = run(str(app), "--x", "1", FASTLOSS_PATCH="sklearn")
    assert done.stdout.strip() == patched, done.stderr
    assert "None" in run(str(app)).stdout
    done = run(str(app), FASTLOSS_PATCH="scipy")
    assert "FASTLOSS_PATCH names 'scipy', not one of sklearn" in done.stderr
    assert "usage" in run("-m", "fastloss.sklearn").stderr


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise PackageNotFoundError(package)", "not installed"),
        ("return '1.2.3'", "1.2.3"),
    ],
)
def test_without_scikit_learn_the_remedy_is_said(body: str, said: str) -> None:
    done = run("-c", ABSENT.format(body=body))
    assert f"pip install 'scikit-learn>={LEAST}'" in done.stderr
    assert said in done.stderr


ABSENT = """
from importlib.metadata import PackageNotFoundError
import fastloss._neighbours

def version(package):
    {body}

fastloss._neighbours.version = version
import fastloss.sklearn
"""
LEAST = "1.8"
