"""XGBoost, LightGBM and CatBoost train with our objectives as with their own."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression

import fastloss as fl
import fastloss.catboost
import fastloss.lightgbm
import fastloss.xgboost

X, Y = make_regression(600, 8, noise=20, random_state=0)
Y = (Y - Y.mean()) / Y.std()
B, CLASS = make_classification(600, 8, n_informative=6, n_classes=3, random_state=1)
BIT = (CLASS > 0).astype(float)
WEIGHT = np.random.default_rng(2).uniform(0.2, 2, 600)
ROUNDS = 12

AMOUNT = np.abs(Y) + 0.1
COUNT = np.random.default_rng(5).poisson(np.exp(Y.clip(-2, 2))).astype(float)

DATA = {
    "real": (X, Y),
    "bit": (B, BIT),
    "class": (B, CLASS),
    "amount": (X, AMOUNT),
    "count": (X, COUNT),
}
XGB = {"max_depth": 3, "eta": 0.3, "nthread": 2}
LGB = {"num_leaves": 7, "verbosity": -1, "num_threads": 2, "boost_from_average": False}
CAT = {
    "iterations": ROUNDS,
    "depth": 3,
    "learning_rate": 0.3,
    "verbose": False,
    "bootstrap_type": "No",
    "boost_from_average": False,
    "leaf_estimation_iterations": 1,
    "leaf_estimation_method": "Newton",
    "score_function": "L2",
    "boosting_type": "Plain",
    "thread_count": 2,
    "allow_writing_files": False,
}
MODULES = [fastloss.xgboost, fastloss.lightgbm, fastloss.catboost]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "kind", "base"),
    [
        ("reg:squarederror", "real", 0.0),
        ("reg:pseudohubererror", "real", 0.0),
        ("reg:gamma", "amount", 1.0),
        ("reg:tweedie", "amount", 1.0),
        ("count:poisson", "count", 1.0),
        ("reg:logistic", "bit", 0.5),
        ("binary:logistic", "bit", 0.5),
        ("multi:softprob", "class", 0.5),
        ("multi:softmax", "class", 0.5),
    ],
)
def test_xgboost_grows_the_same_trees(
    name: str, kind: str, base: float, weighted: bool
) -> None:
    x, y = DATA[kind]
    data = xgboost.DMatrix(x, y, weight=WEIGHT if weighted else None)
    params = XGB | ({"num_class": 3} if kind == "class" else {})
    if kind == "count":
        params["max_delta_step"] = 0.7  # XGBoost's own default of counts
    theirs = xgboost.train(
        params | {"objective": name, "base_score": base}, data, ROUNDS
    )
    margin = 0.5 if kind == "class" else 0.0
    objective = fastloss.xgboost.objective(name)
    ours = xgboost.train(params | {"base_score": margin}, data, ROUNDS, obj=objective)
    expected = theirs.predict(data, output_margin=True)
    got = ours.predict(data, output_margin=True)
    np.testing.assert_allclose(got, expected, 2e-5, 2e-6)


@pytest.mark.parametrize(
    ("name", "q"), [("reg:absoluteerror", 0.5), ("reg:quantileerror", 0.8)]
)
def test_xgboost_alone_renews_leaves(name: str, q: float) -> None:
    """The first tree splits as its own does, whose leaves are quantiles of labels."""
    data = xgboost.DMatrix(X, Y, weight=WEIGHT)
    params = XGB | {"base_score": 0.0, "eta": 1.0}
    named: dict[str, Any] = {"objective": name}
    parameters: dict[str, float] = {}
    if name == "reg:quantileerror":
        named["quantile_alpha"], parameters["q"] = q, q
    theirs = xgboost.train(params | named, data, 1)
    objective = fastloss.xgboost.objective(name, **parameters)
    ours = xgboost.train(params, data, 1, obj=objective)
    a, b = (booster.trees_to_dataframe() for booster in (theirs, ours))
    for column in ("Node", "Feature", "Split", "Cover"):
        assert a[column].equals(b[column])
    inner = a.Feature != "Leaf"
    assert a.Gain[inner].equals(b.Gain[inner])
    leaves = theirs.predict(data, pred_leaf=True)
    predicted = theirs.predict(data)
    for leaf in np.unique(leaves):
        at = leaves == leaf
        middle = np.quantile(Y[at], q, weights=WEIGHT[at], method="inverted_cdf")
        np.testing.assert_allclose(predicted[at], middle, 1e-6)


LIGHTGBM = [
    ("regression", "real"),
    ("regression_l1", "real"),
    ("quantile", "real"),
    ("mape", "amount"),
    ("huber", "real"),
    ("fair", "real"),
    ("poisson", "count"),
    ("gamma", "amount"),
    ("tweedie", "amount"),
    ("binary", "bit"),
    ("cross_entropy", "bit"),
    ("multiclass", "class"),
]
LIGHTGBM_CASES = [
    (*case, weighted)
    for case in LIGHTGBM
    for weighted in (False, True)
    if (case[0], weighted) != ("mape", True)  # its own fails a check of LightGBM's
]


@pytest.mark.parametrize(("name", "kind", "weighted"), LIGHTGBM_CASES)
def test_lightgbm_grows_the_same_trees(name: str, kind: str, weighted: bool) -> None:
    x, y = DATA[kind]
    params = LGB | ({"num_class": 3} if kind == "class" else {})
    # LightGBM's own alone renews leaves of these by quantiles.
    renewed = name in ("regression_l1", "quantile", "mape")
    rounds = 1 if renewed else ROUNDS

    def trained(objective: Any) -> Any:
        data = lightgbm.Dataset(x, y, weight=WEIGHT if weighted else None)
        booster = lightgbm.train(params | {"objective": objective}, data, rounds)
        if renewed:
            tree = booster.dump_model()["tree_info"][0]["tree_structure"]
            return tree["split_feature"], tree["threshold"]
        return booster.predict(x, raw_score=True)

    ours = trained(fastloss.lightgbm.objective(name))
    np.testing.assert_allclose(ours, trained(name), 1e-6, 1e-7)


@pytest.mark.parametrize(
    ("name", "kind", "parameters"),
    [
        ("RMSE", "real", {}),
        ("Logloss", "bit", {}),
        ("Poisson", "count", {}),
        ("Tweedie:variance_power=1.5", "amount", {"power": 1.5}),
        ("Expectile:alpha=0.3", "real", {"tau": 0.3}),
    ],
)
def test_catboost_grows_the_same_trees(
    name: str, kind: str, parameters: dict[str, float]
) -> None:
    x, y = DATA[kind]
    make = catboost.CatBoostClassifier if kind == "bit" else catboost.CatBoostRegressor

    def trained(objective: Any) -> Any:
        model = make(loss_function=objective, eval_metric=name, **CAT)
        return model.fit(x, y).predict(x, prediction_type="RawFormulaVal")

    ours = trained(fastloss.catboost.objective(name.split(":")[0], **parameters))
    np.testing.assert_allclose(ours, trained(name), 1e-5, 1e-6)


def test_a_line_each() -> None:
    huber = {"loss": "huber", "delta": 0.5}
    xgb = xgboost.XGBRegressor(
        objective=fastloss.xgboost.objective(**huber),
        eval_metric=fastloss.xgboost.metric(**huber),
        n_estimators=5,
    )
    xgb.fit(X, Y, sample_weight=WEIGHT, eval_set=[(X, Y)], verbose=False)
    history = xgb.evals_result()["validation_0"]["huber"]
    assert history[-1] < history[0]
    lgb = lightgbm.LGBMClassifier(
        objective=fastloss.lightgbm.objective("bce", from_logits=True),
        n_estimators=5,
        verbosity=-1,
    )
    lgb.fit(B, BIT, sample_weight=WEIGHT)
    cat = catboost.CatBoostRegressor(
        loss_function=fastloss.catboost.objective(**huber),
        eval_metric=fastloss.catboost.metric(**huber),
        iterations=5,
        verbose=False,
        allow_writing_files=False,
    )
    cat.fit(X, Y, sample_weight=WEIGHT)
    (best,) = cat.get_best_score()["learn"].values()
    ours = fl.huber(Y, cat.predict(X), sample_weight=WEIGHT, delta=0.5)
    assert best == pytest.approx(ours, rel=1e-5)


def test_metrics_of_train() -> None:
    data = xgboost.DMatrix(B, BIT, weight=WEIGHT)
    history: dict[str, Any] = {}
    booster = xgboost.train(
        {"base_score": 0.0},
        data,
        3,
        obj=fastloss.xgboost.objective("bce", from_logits=True),
        custom_metric=fastloss.xgboost.metric("bce", from_logits=True),
        evals=[(data, "train")],
        evals_result=history,
        verbose_eval=False,
    )
    margin = booster.predict(data, output_margin=True)
    expected = fl.bce(BIT, margin, from_logits=True, sample_weight=WEIGHT)
    assert history["train"]["binary_crossentropy"][-1] == pytest.approx(expected, 1e-5)
    name, value, higher = fastloss.lightgbm.metric("mse")(Y, Y + 1)
    assert (name, value, higher) == ("mean_squared_error", pytest.approx(1.0), False)


def test_the_reduction_of_the_loss_does_not_matter() -> None:
    scores = np.array([0.5, 3, -3], np.float32)
    objective = fastloss.xgboost.objective(fl.Huber(reduction="mean"))
    grad, hess = objective(np.zeros(3), scores)
    np.testing.assert_array_equal(grad, np.float32([0.5, 1, -1]))
    assert (hess > 0).all()
    exact = fastloss.xgboost.objective("huber", hessian="exact")
    np.testing.assert_array_equal(exact(np.zeros(3), scores)[1], np.float32([1, 0, 0]))


def test_several_classes_keep_the_layout_of_lightgbm() -> None:
    scores = np.asfortranarray(np.random.default_rng(0).normal(size=(6, 3)))
    for derivative in fastloss.lightgbm.objective("multiclass")(np.zeros(6), scores):
        assert derivative.dtype == np.float32
        assert derivative.flags.f_contiguous


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_copies_and_pickles(module: Any) -> None:
    for made in module.objective("huber", delta=2.0), module.metric("huber", delta=2.0):
        for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert repr(other) == repr(made)
            assert other.loss == made.loss
    estimator = xgboost.XGBRegressor(objective=fastloss.xgboost.objective("huber"))
    assert clone(estimator).objective.loss == estimator.objective.loss


def test_a_hinge_learns() -> None:
    model = xgboost.XGBClassifier(
        objective=fastloss.xgboost.objective("hinge"),
        n_estimators=20,
        base_score=0.5,
        n_jobs=1,
    )
    margin = model.fit(B, BIT).predict(B, output_margin=True)
    assert fl.hinge(BIT > 0, margin) < 0.5


def test_early_stopping_and_cv() -> None:
    train, other = slice(None, 400), slice(400, None)
    xgb = xgboost.XGBRegressor(
        objective=fastloss.xgboost.objective("huber"),
        eval_metric=fastloss.xgboost.metric("huber"),
        early_stopping_rounds=3,
        n_estimators=300,
        n_jobs=1,
    )
    xgb.fit(X[train], Y[train], eval_set=[(X[other], Y[other])], verbose=False)
    lgb = lightgbm.train(
        LGB | {"objective": fastloss.lightgbm.objective("huber"), "eta": 0.5},
        lightgbm.Dataset(X[train], Y[train]),
        300,
        valid_sets=[lightgbm.Dataset(X[other], Y[other])],
        feval=fastloss.lightgbm.metric("huber"),
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
    )
    cat = catboost.CatBoostRegressor(
        loss_function=fastloss.catboost.objective("huber"),
        eval_metric=fastloss.catboost.metric("huber"),
        **CAT | {"iterations": 300, "learning_rate": 0.8},
    )
    cat.fit(X[train], Y[train], eval_set=(X[other], Y[other]), early_stopping_rounds=3)
    assert 0 < xgb.best_iteration < 296
    assert 0 < lgb.best_iteration < 296
    assert 0 < cat.get_best_iteration() < 296

    scores = xgboost.cv(
        XGB | {"base_score": 0.0},
        xgboost.DMatrix(X, Y),
        5,
        nfold=3,
        obj=fastloss.xgboost.objective("huber"),
        custom_metric=fastloss.xgboost.metric("huber"),
        as_pandas=False,
    )["test-huber-mean"]
    assert scores[-1] < scores[0]
    scores = lightgbm.cv(
        LGB | {"objective": fastloss.lightgbm.objective("huber")},
        lightgbm.Dataset(X, Y, free_raw_data=False),
        5,
        nfold=3,
        stratified=False,
        feval=fastloss.lightgbm.metric("huber"),
    )["valid huber-mean"]
    assert scores[-1] < scores[0]


def test_fitted_models_are_pickled() -> None:
    huber: dict[str, Any] = {"loss": "huber", "delta": 0.5}
    cat = catboost.CatBoostRegressor(
        loss_function=fastloss.catboost.objective(**huber), eval_metric="RMSE", **CAT
    )
    for model in (
        xgboost.XGBRegressor(
            objective=fastloss.xgboost.objective(**huber), n_estimators=9, n_jobs=1
        ),
        lightgbm.LGBMRegressor(
            objective=fastloss.lightgbm.objective(**huber),
            n_estimators=9,
            n_jobs=1,
            verbosity=-1,
        ),
        cat,
    ):
        again = pickle.loads(pickle.dumps(model.fit(X, Y)))
        np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_custom_losses() -> None:
    @fl.custom
    def fair(y_true: Any, y_pred: Any, c: float = 1.0) -> Any:
        z = np.abs(y_pred - y_true) / c
        return c**2 * (z - np.log1p(z))

    objective = fastloss.xgboost.objective(fair, c=2.0)
    model = xgboost.XGBRegressor(objective=objective, n_estimators=3).fit(X, Y)
    assert fair(Y, model.predict(X).astype(float)) < fair(Y, np.zeros_like(Y))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_names_are_those_of_losses_on_scores(module: Any) -> None:
    assert module.objective("bce").loss.from_logits
    assert not module.objective("bce", from_logits=False).loss.from_logits
    assert not module.objective(fl.bce).loss.from_logits
    assert not module.metric("bce").loss.from_logits


def test_a_loss_is_no_objective() -> None:
    with pytest.raises(TypeError, match=r"a DMatrix, .*fastloss\.xgboost\.objective"):
        xgboost.train(XGB, xgboost.DMatrix(X, Y), 1, obj=fl.mse)
    with pytest.raises(TypeError, match=r"a Dataset, .*fastloss\.lightgbm\.objective"):
        lightgbm.train(LGB | {"objective": fl.mse}, lightgbm.Dataset(X, Y), 1)


def test_what_is_refused() -> None:
    for name in "listnet", "gaussian_nll", "aft", "triplet":
        with pytest.raises(TypeError, match="takes more than a label and a score"):
            fastloss.xgboost.objective(name)
    with pytest.raises(ValueError, match=r"of a row of scores for each; say num_class"):
        fastloss.lightgbm.objective("multiclass")([0, 1], np.zeros(2))
    with pytest.raises(ValueError, match=r"huber is of one score for each"):
        fastloss.xgboost.objective("huber")([0, 1], np.zeros((2, 3)))
    grad, _ = fastloss.xgboost.objective("huber")(np.ones((2, 3)), np.zeros((2, 3)))
    assert grad.shape == (2, 3)
    with pytest.raises(ValueError, match="no loss is called 'hubert'"):
        fastloss.xgboost.objective("hubert")
    with pytest.raises(ValueError, match="hessian = 'true' is not one of"):
        fastloss.xgboost.objective("huber", hessian="true")
    with pytest.raises(ValueError, match=r"label 1 = 0\.5 is no class"):
        fastloss.xgboost.objective("multi:softprob")([0, 0.5], np.zeros((2, 3)))


def test_init_score() -> None:
    score = fastloss.lightgbm.objective("binary").init_score(BIT, WEIGHT)
    share = np.average(BIT, weights=WEIGHT)
    assert score == pytest.approx(np.log(share / (1 - share)), rel=1e-12)
    shares = fastloss.xgboost.objective("multi:softprob").init_score(CLASS)
    np.testing.assert_allclose(np.exp(shares), np.bincount(CLASS) / len(CLASS))
