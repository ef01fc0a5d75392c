"""Losses of scikit-learn computed here are equal, and boosting takes any loss."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from sklearn._loss import loss as theirs
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from threadpoolctl import threadpool_limits

import fastloss as fl
import fastloss.sklearn as ours

N, CLASSES = 300, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4))
Y = np.round(X @ [1.0, -2.0, 0.5, 0.0] + RNG.normal(size=N), 1)
WEIGHT = RNG.uniform(0.2, 2, N)
RAW = RNG.normal(size=N)

LOSSES: list[tuple[str, dict[str, Any], str]] = [
    ("HalfSquaredError", {}, "real"),
    ("AbsoluteError", {}, "real"),
    ("PinballLoss", {"quantile": 0.3}, "real"),
    ("HuberLoss", {"delta": 0.7}, "real"),
    ("HuberLoss", {"delta": 0.0}, "real"),
    ("HalfPoissonLoss", {}, "count"),
    ("HalfGammaLoss", {}, "positive"),
    *(("HalfTweedieLoss", {"power": p}, "positive") for p in (-1, 0, 1, 1.3, 2, 3)),
    *(
        ("HalfTweedieLossIdentity", {"power": p}, "means")
        for p in (-1, 0, 1, 1.3, 2, 3)
    ),
    ("HalfBinomialLoss", {}, "unit"),
    ("HalfMultinomialLoss", {"n_classes": CLASSES}, "class"),
    ("ExponentialLoss", {}, "unit"),
]


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    with threadpool_limits(1):
        yield


def arguments(kind: str) -> tuple[Any, Any]:
    """Labels, some of them met by predictions, and raw predictions."""
    y, raw = Y.copy(), RAW.copy()
    raw[:20] = y[:20]
    if kind in ("positive", "means"):
        y = np.abs(y) + 0.1
    if kind == "means":
        raw = np.where(np.arange(N) < 20, y, np.abs(raw) + 0.1)
    if kind == "count":
        y = np.abs(y).round()
    if kind == "unit":
        y = np.where(np.arange(N) % 3 == 0, 0.25, y > 0)
    if kind == "class":
        y = RNG.integers(0, CLASSES, N).astype(float)
        raw = RNG.normal(scale=3, size=(N, CLASSES))
    return y, raw


def results(loss: Any, y: Any, raw: Any, weight: Any, out: Any, order: Any) -> Any:
    """All a loss can be asked for, written into arrays of a dtype."""
    given = {"y_true": y, "raw_prediction": raw, "sample_weight": weight}

    def rows() -> Any:
        return np.full(raw.shape, np.nan, out, order)

    def values() -> Any:
        return np.full(N, np.nan, out)

    found = [loss.loss(**given, loss_out=values())]
    found += [loss.gradient(**given, gradient_out=rows())]
    found += loss.loss_gradient(**given, loss_out=values(), gradient_out=rows())
    found += loss.gradient_hessian(**given, gradient_out=rows(), hessian_out=rows())
    if hasattr(loss, "gradient_proba"):
        found += loss.gradient_proba(**given, gradient_out=rows(), proba_out=rows())
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("out", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "parameters", "kind"), LOSSES)
def test_the_numbers_are_scikit_learns(
    name: str,
    parameters: dict[str, Any],
    kind: str,
    dtype: Any,
    out: Any,
    order: Any,
    weighted: bool,
) -> None:
    y, raw = (np.asarray(a, dtype, order) for a in arguments(kind))
    weight = WEIGHT.astype(dtype) if weighted else None
    rtol, atol = (1e-12, 1e-13) if dtype == out == np.float64 else (5e-6, 2e-6)
    expected = results(getattr(theirs, name)(**parameters), y, raw, weight, out, order)
    got = results(getattr(ours, name)(**parameters), y, raw, weight, out, order)
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol, atol)


@pytest.mark.parametrize(("name", "parameters", "kind"), LOSSES)
def test_what_estimators_ask_beside(
    name: str, parameters: dict[str, Any], kind: str
) -> None:
    y, raw = arguments(kind)
    loss, other = (getattr(m, name)(**parameters) for m in (ours, theirs))
    for attribute in (
        "constant_hessian",
        "approx_hessian",
        "differentiable",
        "is_multiclass",
        "n_classes",
        "interval_y_true",
        "interval_y_pred",
    ):
        assert getattr(loss, attribute) == getattr(other, attribute), attribute
    for parameter in {"quantile", "delta", "power"} & parameters.keys():
        assert getattr(loss.closs, parameter) == parameters[parameter]
    np.testing.assert_array_equal(
        loss.fit_intercept_only(y, WEIGHT), other.fit_intercept_only(y, WEIGHT)
    )
    assert loss(y, raw, WEIGHT) == pytest.approx(other(y, raw, WEIGHT), rel=1e-13)
    again = pickle.loads(pickle.dumps(loss))
    assert type(again.closs) is type(copy.deepcopy(loss).closs) is type(loss.closs)
    assert again(y, raw) == copy.deepcopy(loss)(y, raw) == loss(y, raw)


@pytest.mark.parametrize(("name", "parameters", "kind"), LOSSES)
def test_it_is_fastloss_that_answers(
    name: str, parameters: dict[str, Any], kind: str
) -> None:
    """But where no loss of fastloss is equal."""
    y, raw = arguments(kind)
    loss = getattr(ours, name)(**parameters)
    absent = parameters.get("power") == -1 or parameters.get("delta") == 0
    absent |= name == "HalfTweedieLoss" and parameters["power"] == 0
    before = ours.report().get(f"{name}.gradient_hessian", (0, 0))
    loss.gradient_hessian(y, raw)
    after = ours.report()[f"{name}.gradient_hessian"]
    assert (after[0] - before[0], after[1] - before[1]) == (not absent, absent)


def test_ties_have_the_slope_that_boosting_knows() -> None:
    y = np.array([1.0, 2.0])
    np.testing.assert_array_equal(ours.AbsoluteError().gradient(y, y), [-1, -1])
    pinball = ours.PinballLoss(quantile=0.25)
    np.testing.assert_array_equal(pinball.gradient(y, y), [-0.25, -0.25])
    _, hess = pinball.gradient_hessian(y, y, np.array([2.0, 3.0]))
    np.testing.assert_array_equal(hess, [2, 3])


def test_delta_can_be_set_as_gradient_boosting_does() -> None:
    loss = ours.HuberLoss(delta=0.5)
    y, x = np.zeros(2), np.array([0.25, 8.0])
    for delta, expected in ((0.5, [0.25, 0.5]), (0.0, [0, 0]), (2.0, [0.25, 2])):
        loss.closs.delta = delta
        np.testing.assert_array_equal(loss.gradient(y, x), expected)


def test_labels_that_fastloss_refuses_are_scikit_learns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    y, x = np.array([-1.0, 1.0]), np.array([0.5, 2.0])
    with caplog.at_level("INFO", "fastloss.sklearn"):
        got = ours.HalfBinomialLoss().gradient(y, x)
    np.testing.assert_array_equal(got, theirs.HalfBinomialLoss().gradient(y, x))
    assert "HalfBinomialLoss.gradient is scikit-learn's own" in caplog.text
    assert "y_true[0] = -1.0" in caplog.text


def test_labels_that_are_no_classes_are_not_read_beyond() -> None:
    loss = ours.HalfMultinomialLoss(n_classes=2)
    for label in (2.0, -1.0):
        with pytest.raises(ValueError, match=r"y_true\[0\] = "):
            loss.loss(np.array([label]), np.zeros((1, 2)))


def test_probabilities_lose_no_digit() -> None:
    raw = np.array([[-300.0, 0.0], [-40.0, 0.0]])
    loss = ours.HalfMultinomialLoss(n_classes=2)
    grad, proba = loss.gradient_proba(np.zeros(2), raw)
    np.testing.assert_allclose(proba[:, 0], np.exp(raw[:, 0]), 1e-13)
    np.testing.assert_array_equal(grad[:, 0], [-1, -1])


def fitted(loss: Any, x: Any, y: Any, weight: Any = None) -> Any:
    make = HistGradientBoostingRegressor
    if hasattr(loss, "predict_proba") or loss == "log_loss":
        make = HistGradientBoostingClassifier
    return make(loss=loss, max_iter=15).fit(x, y, weight)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("name", "parameters", "kind"),
    [
        ("squared_error", {}, "real"),
        ("absolute_error", {}, "real"),
        ("poisson", {}, "count"),
        ("gamma", {}, "positive"),
        ("log_loss", {}, "bit"),
        ("scce", {"n_classes": 3}, "class"),
    ],
)
def test_known_losses_grow_the_same_trees(
    name: str, parameters: dict[str, Any], kind: str, weighted: bool
) -> None:
    y = {
        "real": Y,
        "count": np.abs(Y).round(),
        "positive": np.abs(Y) + 0.1,
        "bit": Y > 0,
        "class": np.digitize(Y, [-1, 1]),
    }[kind]
    weight = WEIGHT if weighted else None
    model = fitted(ours.loss(name, **parameters), X, y, weight)
    other = fitted("log_loss" if name == "scce" else name, X, y, weight)
    np.testing.assert_allclose(model._raw_predict(X), other._raw_predict(X), 1e-9)


def test_the_whole_likelihood_of_counts() -> None:
    """scikit-learn's loss of counts is without log(y!)."""
    y, raw = np.array([3.0]), np.zeros(1)
    for full, value in ((False, 1.0), (True, 1 + math.log(6))):
        found = ours.loss("poisson", full=full).loss(y, raw)
        np.testing.assert_allclose(found, value, 1e-15)


ROBUST = ["huber", "log_cosh", "pseudo_huber", "fair", "epsilon_insensitive"]


@pytest.mark.parametrize("scale", [1.0, 1000.0])
@pytest.mark.parametrize("name", ROBUST)
def test_robust_losses_learn_at_every_scale(name: str, scale: float) -> None:
    """Where their Hessians vanish a Newton step would lead anywhere."""
    clean = 3 * X[:, 0]
    y = clean + np.where(np.arange(N) % 10 == 0, 200, 0)
    model = fitted(ours.loss(name), X, scale * y)
    assert np.abs(model.predict(X) / scale - clean).mean() < 1.8
    assert np.abs(clean).mean() > 2.3  # without learning


def test_a_loss_that_forgets_outliers_begins_near_the_median() -> None:
    """And not at an outlier, where it has a minimum too."""
    y = np.concatenate([np.linspace(-1, 1, 51), [1e3, 1e6]])
    for name in ("tukey", "welsch", "cauchy", "geman_mcclure"):
        assert abs(ours.loss(name).fit_intercept_only(y)) < 0.1
        weight = np.where(y > 1, 20.0, 1.0)
        assert abs(ours.loss(name).fit_intercept_only(y, weight)) < 1.1


def test_leaves_are_where_their_loss_is_least() -> None:
    """One tree of one leaf's learning rate moves to that leaf's own constant."""
    loss = ours.loss("quantile", q=0.8, delta=0.1)
    one = HistGradientBoostingRegressor(
        loss=loss, max_iter=1, learning_rate=1.0, max_leaf_nodes=2, min_samples_leaf=50
    ).fit(X, Y, WEIGHT)
    predicted = one.predict(X)
    for value in np.unique(predicted):
        of = predicted == value
        slopes = loss.of.grad(Y[of], predicted[of], reduction="sum")
        assert abs((slopes * WEIGHT[of]).sum()) < 1e-5


def test_weights_are_repetitions() -> None:
    count = RNG.integers(1, 4, N)
    for name in ("focal", "log_cosh", "hinge"):
        y = Y if name == "log_cosh" else (Y > 0).astype(float)
        loss = ours.loss(name)
        once = loss.gradient_hessian(y, RAW, count.astype(float))
        for got, expected in zip(once, loss.gradient_hessian(y, RAW), strict=True):
            np.testing.assert_allclose(got, expected * count)
        initial = loss.fit_intercept_only(np.repeat(y, count))
        assert loss.fit_intercept_only(y, count.astype(float)) == pytest.approx(
            float(initial), rel=1e-6
        )


@pytest.mark.parametrize("name", ["focal", "hinge", "poly1", "brier", "soft_margin"])
def test_losses_of_two_classes(name: str) -> None:
    y = np.where(Y > 0, "yes", "no")
    model = fitted(ours.loss(name), X, y)
    assert model.score(X, y) > 0.75
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    again = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("name", ["categorical_focal", "crammer_singer"])
def test_losses_of_several_classes(name: str) -> None:
    y = np.digitize(Y, [-1, 1])
    model = fitted(ours.loss(name, n_classes=3), X, y)
    assert model.score(X, y) > 0.8


def test_hessians_never_vanish() -> None:
    y, x = (Y > 0).astype(float), np.linspace(-6, 6, N)
    loss = ours.loss("focal", gamma=3.0)
    _, own = fl.focal.grad_and_hess(y, x, gamma=3.0, reduction="none")
    _, hess = loss.gradient_hessian(y, x)
    assert own.min() < 0 < hess.min()
    assert hess.min() >= own.max()


def test_custom_losses() -> None:
    @fl.custom
    def asymmetric_squares(y_true: Any, y_pred: Any) -> Any:
        r = y_pred - y_true
        return np.where(r > 0, 3 * r**2, r**2)

    model = fitted(ours.loss(asymmetric_squares), X, Y)
    assert np.mean(model.predict(X) < Y) > 0.6

    @fl.custom
    def counts(y_true: Any, y_pred: Any) -> Any:
        return np.exp(y_pred) - y_true * y_pred

    y = np.abs(Y).round()
    one, other = (fitted(m, X, y) for m in (ours.loss(counts, link="log"), "poisson"))
    np.testing.assert_allclose(one.predict(X), other.predict(X), 1e-8)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"of": "nonsense"}, ValueError, "no loss is called"),
        ({"of": "scce"}, TypeError, "n_classes"),
        ({"of": "mse", "n_classes": 3}, TypeError, "leave out n_classes"),
        ({"of": "cce"}, ValueError, "integer classes"),
        ({"of": "bce", "from_logits": False}, ValueError, "from_logits=True"),
        ({"of": "poisson", "log_input": False}, ValueError, "log_input=True"),
        ({"of": "gaussian_nll"}, ValueError, "raw predictions are$"),
        ({"of": fl.Huber}, TypeError, r"as Huber\(\)$"),
        ({"of": abs}, TypeError, "fastloss.custom makes a Loss of a function"),
        ({"of": "log_cosh", "link": "probit"}, ValueError, "identity, log, logit"),
        ({"of": "huber", "delta": -1}, ValueError, "delta"),
    ],
)
def test_what_does_not_fit_is_said(
    call: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ours.loss(**call)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (ours.loss("poisson"), [0.0, -1.0, 2.0], r"y\[1\] = -1 .*\[0, inf\)"),
        (ours.loss("gamma"), [1.0, 0.0, 2.0], r"y\[1\] = 0 .*\(0, inf\)"),
        (ours.loss("log_loss"), [0.0, 1.0, 2.0], r"y\[2\] = 2 .*\[0, 1\]"),
        (ours.loss("scce", n_classes=2), [0.0, 1.0, 2.0], "pass n_classes=3"),
        (ours.loss("crammer_singer", n_classes=2), [2.0, 0.0], "pass n_classes=3"),
    ],
)
def test_labels_are_looked_at_before_a_fit(loss: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loss.fit_intercept_only(np.array(y))
    loss.fit_intercept_only(np.array([1.0, 1.0]))
