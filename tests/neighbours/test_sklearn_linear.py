"""The loss of scikit-learn's linear models, by blocks, is what theirs is."""

from __future__ import annotations

import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn._loss import loss as losses
from sklearn.linear_model import LogisticRegression, _linear_loss, _logistic
from sklearn.linear_model._glm import _newton_solver, glm
from sklearn.linear_model._linear_loss import LinearModelLoss as Theirs
from threadpoolctl import threadpool_limits

import fastloss.sklearn as ours
from fastloss.sklearn import _linear

N, FEATURES, CLASSES = 50, 3, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, FEATURES))
WEIGHT = RNG.uniform(0.2, 2, N)
LOSSES: dict[str, tuple[dict[str, Any], Any]] = {
    "HalfBinomialLoss": ({}, RNG.integers(0, 2, N)),
    "HalfMultinomialLoss": ({"n_classes": CLASSES}, RNG.integers(0, CLASSES, N)),
    "HalfPoissonLoss": ({}, RNG.poisson(2, N)),
    "HalfSquaredError": ({}, RNG.normal(size=N)),
    "HalfTweedieLossIdentity": ({"power": 1.5}, RNG.gamma(9, size=N)),
}
METHODS = ("loss", "gradient", "loss_gradient", "gradient_hessian")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Seven samples a block, and one in the last."""
    monkeypatch.setattr(_linear, "_BLOCK", 1)
    monkeypatch.setattr(_linear, "_FEWEST", 7)
    with threadpool_limits(1):
        yield
    ours.unpatch()


def both(name: str, fit_intercept: bool = True) -> tuple[Any, Any]:
    parameters, _ = LOSSES[name]
    return (
        _linear.LinearModelLoss(getattr(ours, name)(**parameters), fit_intercept),
        Theirs(getattr(losses, name)(**parameters), fit_intercept),
    )


def labels(name: str, dtype: Any = np.float64) -> Any:
    return LOSSES[name][1].astype(dtype)


def coefficients(model: Any, dtype: Any = np.float64) -> Any:
    """Small ones, whose predictions are means of Tweedie's with the identity link."""
    coef = model.init_zero_coef(X, dtype=dtype)
    coef[...] = RNG.normal(scale=0.2, size=coef.shape)
    if "Identity" in type(model.base_loss).__name__:
        coef[-1] += 9
    return coef


def assert_equal(got: Any, expected: Any, dtype: Any) -> None:
    rtol, atol = (1e-11, 1e-13) if dtype == np.float64 else (1e-4, 1e-5)
    if not isinstance(expected, tuple):
        got, expected = (got,), (expected,)
    for one, other in zip(got, expected, strict=True):
        assert type(one) is type(other) or isinstance(other, bool | np.bool_)
        assert np.shape(one) == np.shape(other)
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_allclose(one, other, rtol, atol)


CASES = [(name, True) for name in LOSSES] + [
    ("HalfBinomialLoss", False),
    ("HalfMultinomialLoss", False),
]


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "fit_intercept"), CASES)
def test_everything_asked_is_equal(
    name: str,
    fit_intercept: bool,
    dtype: Any,
    weighted: bool,
    order: Any,
    given: bool,
    flat: bool,
) -> None:
    model, other = both(name, fit_intercept)
    x = np.asarray(X, dtype, order)
    weight = WEIGHT.astype(dtype) if weighted else None
    coef = coefficients(model, dtype)
    if flat:
        coef = coef.ravel(order="F")
    arguments = coef, x, labels(name, dtype), weight, 0.3, 1
    raw = {"raw_prediction": other.weight_intercept_raw(coef, x)[2]} if given else {}
    before = {key: value.copy() for key, value in raw.items()}
    for method in METHODS:
        expected = getattr(other, method)(*arguments, **raw)
        assert_equal(getattr(model, method)(*arguments, **raw), expected, dtype)
    for key, value in raw.items():
        np.testing.assert_array_equal(value, before[key])
    grad, product = model.gradient_hessian_product(*arguments)
    expected, by_theirs = other.gradient_hessian_product(*arguments)
    assert_equal(grad, expected, dtype)
    for _ in range(2):
        v = RNG.normal(size=coef.shape).astype(dtype)
        assert_equal(product(v), by_theirs(v), dtype)


def test_the_product_is_that_of_the_hessian() -> None:
    """Where it is all of one sign, and the whole Hessian is given."""
    for name in ("HalfBinomialLoss", "HalfMultinomialLoss", "HalfPoissonLoss"):
        model, _ = both(name)
        coef = coefficients(model).ravel(order="F")
        arguments = coef, X, labels(name), WEIGHT, 0.3
        grad, product = model.gradient_hessian_product(*arguments)
        one, hess, doubtful = model.gradient_hessian(*arguments)
        np.testing.assert_allclose(grad, one, 1e-12)
        assert not doubtful
        np.testing.assert_allclose(hess, hess.T, 1e-13)
        v = RNG.normal(size=coef.shape)
        np.testing.assert_allclose(product(v), hess @ v, 1e-11)


def test_the_penalty_by_hand() -> None:
    """Of a loss that is 0: half l2 times squares, without the intercept's."""
    model = _linear.LinearModelLoss(ours.HalfSquaredError(), True)
    coef = np.array([1.0, -2.0, 3.0])
    x = np.array([[1.0, 0.0], [0.0, 1.0]])
    y = np.array([4.0, 1.0])
    value, grad = model.loss_gradient(coef, x, y, None, 0.5)
    assert value == 1.25
    np.testing.assert_array_equal(grad, [0.5, -1.0, 0.0])
    _, hess, _ = model.gradient_hessian(coef, x, y, None, 0.5)
    np.testing.assert_array_equal(hess, [[1, 0, 0.5], [0, 1, 0.5], [0.5, 0.5, 1]])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", ["HalfBinomialLoss", "HalfMultinomialLoss"])
def test_results_go_where_they_are_wanted(name: str, order: Any) -> None:
    model, other = both(name)
    coef = coefficients(model)
    grad = np.full(coef.shape, np.nan, order="F")
    hess = np.full((coef.size, coef.size), np.nan, order=order)
    arguments = {"coef": coef, "X": X, "y": labels(name), "sample_weight": WEIGHT}
    got = model.gradient_hessian(**arguments, gradient_out=grad, hessian_out=hess)
    assert got[0] is grad
    assert got[1] is hess
    for one, expected in zip(got, other.gradient_hessian(**arguments), strict=True):
        np.testing.assert_allclose(one, expected, 1e-11)
    for outs in (
        {"gradient_out": np.empty(2)},
        {"hessian_out": np.empty((2, 2))},
    ):
        with pytest.raises(ValueError, match="is required to have shape"):
            model.gradient_hessian(**arguments, **outs)


def test_hessians_that_are_mostly_not_positive_are_said_to_be() -> None:
    """As by weight: that of a mean below half the label's is negative."""
    model, other = both("HalfTweedieLossIdentity")
    coef = np.array([0.0, 0.0, 0.0, 1.0])
    y = np.where(np.arange(N) < 10, 100.0, 1.0)  # a fifth of the samples
    heavy = np.where(np.arange(N) < 10, 2.0, 1.0)  # a third of the weight
    raw = {"raw_prediction": np.where(np.arange(N) < 10, 300.0, 1.0)}
    for weight in (None, heavy):
        found = [
            m.gradient_hessian(coef, X, y, weight, **raw)[2] for m in (model, other)
        ]
        assert found[0] == found[1] == (weight is heavy)


def test_other_samples_are_scikit_learns() -> None:
    for name in ("HalfBinomialLoss", "HalfMultinomialLoss"):
        model, other = both(name)
        coef = coefficients(model)
        y = labels(name)
        for x in (sparse.csr_array(X), sparse.csc_array(X)):
            for method in METHODS:
                got = getattr(model, method)(coef, x, y)
                assert_equal(got, getattr(other, method)(coef, x, y), np.float64)
            v = RNG.normal(size=coef.shape)
            products = (m.gradient_hessian_product(coef, x, y) for m in (model, other))
            one, expected = (product(v) for _, product in products)
            np.testing.assert_allclose(one, expected, 1e-11)


def test_weights_of_no_sum_and_negative_ones_are_as_theirs() -> None:
    model, other = both("HalfMultinomialLoss")
    coef, y = coefficients(model), labels("HalfMultinomialLoss")
    with pytest.warns(RuntimeWarning):
        assert np.isnan(model.loss_gradient(coef, X, y, 0 * WEIGHT)[0])
    weight = WEIGHT - 0.5
    got, expected = (m.gradient_hessian(coef, X, y, weight) for m in (model, other))
    assert_equal(got[:2], expected[:2], np.float64)


def test_labels_that_fastloss_refuses() -> None:
    model, other = both("HalfBinomialLoss")
    coef, y = coefficients(model), 2 * labels("HalfBinomialLoss") - 1
    assert_equal(model.gradient(coef, X, y), other.gradient(coef, X, y), np.float64)


def test_there_is_no_array_of_all_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    samples, classes = 100_000, 10
    x = RNG.normal(size=(samples, 4))
    y = RNG.integers(0, classes, samples).astype(float)
    model = _linear.LinearModelLoss(ours.HalfMultinomialLoss(n_classes=classes), True)
    coef = model.init_zero_coef(x, dtype=np.float64)
    for method in METHODS:
        tracemalloc.start()
        getattr(model, method)(coef, x, y)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3 << 20, method  # all predictions are 8 MB


def test_estimators_take_it_and_models_do_not_keep_it() -> None:
    modules = _linear_loss, _logistic, glm, _newton_solver
    with ours.patched():
        assert all(m.LinearModelLoss is _linear.LinearModelLoss for m in modules)
        model = LogisticRegression().fit(X, labels("HalfMultinomialLoss"))
        text = pickle.dumps(model)
    assert all(m.LinearModelLoss is Theirs for m in modules)
    assert b"fastloss" not in text
