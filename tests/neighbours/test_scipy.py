"""fastloss.scipy against SciPy's own losses and against fits in closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.optimize import approx_fprime, least_squares, minimize
from scipy.special import log_softmax

import fastloss as fl
import fastloss.scipy as ours

RANDOM = np.random.RandomState(0)
X = RANDOM.standard_normal((300, 4))
TRUE = np.array([1.0, -2.0, 0.5, 0.0, 0.75])
Y = X @ TRUE[:-1] + TRUE[-1] + 0.1 * RANDOM.standard_normal(300)
CLASSES = RANDOM.randint(0, 3, 300)


def test_least_squares_have_their_closed_form() -> None:
    fun = ours.objective(X, Y, "mse")
    found = minimize(fun, fun.x0, jac=True, method="L-BFGS-B", options={"ftol": 1e-15})
    wanted = np.linalg.lstsq(np.column_stack([X, np.ones(300)]), Y, rcond=None)[0]
    np.testing.assert_allclose(found.x, wanted, rtol=1e-5, atol=1e-6)
    coef, intercept = fun.coefficients(found.x)
    assert coef.shape == (4,)
    np.testing.assert_allclose(fun.scores(found.x), X @ coef + intercept)


def test_the_penalty_leaves_the_intercept_alone() -> None:
    fun = ours.objective(X, Y, "mse", l2=0.7)
    w = TRUE + 0.3
    value, grad = fun(w)
    residual = X @ w[:-1] + w[-1] - Y
    np.testing.assert_allclose(value, np.mean(residual**2) + 0.35 * np.sum(w[:-1] ** 2))
    wanted = 2 * X.T @ residual / 300 + 0.7 * w[:-1]
    np.testing.assert_allclose(grad, [*wanted, 2 * residual.mean()])


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("loss", ["log_cosh", "bce", "poisson", "scce", "mse"])
def test_gradients_and_products_are_differences(
    loss: str, intercept: bool, sparse: bool
) -> None:
    y = {"bce": CLASSES > 1, "scce": CLASSES, "poisson": CLASSES}.get(loss, Y)
    matrix = scipy.sparse.csr_array(X * (X > 0)) if sparse else X
    weight = RANDOM.uniform(0, 2, 300)
    fun = ours.objective(
        matrix, y, loss, l2=0.1, fit_intercept=intercept, sample_weight=weight
    )
    w = RANDOM.standard_normal(fun.x0.size) / 3
    v = RANDOM.standard_normal(fun.x0.size)
    numeric = approx_fprime(w, lambda w: fun(w)[0], 1e-7)
    np.testing.assert_allclose(fun(w)[1], numeric, rtol=1e-4, atol=2e-6)
    wanted = (fun(w + 1e-5 * v)[1] - fun(w - 1e-5 * v)[1]) / 2e-5
    np.testing.assert_allclose(fun.hessp(w, v), wanted, rtol=1e-5, atol=1e-7)


def test_several_classes_are_fitted() -> None:
    y = np.argmax(X[:, :3] + 0.5 * RANDOM.standard_normal((300, 3)), axis=1)
    fun = ours.objective(X, y, "scce", l2=1e-3)
    assert fun.classes == 3
    newton = minimize(fun, fun.x0, jac=True, hessp=fun.hessp, method="trust-krylov")
    other = minimize(fun, fun.x0, jac=True, method="BFGS")
    np.testing.assert_allclose(newton.fun, other.fun, rtol=1e-7)
    coef, intercept = fun.coefficients(newton.x)
    assert coef.shape == (4, 3)
    assert intercept.shape == (3,)
    scores = log_softmax(X @ coef + intercept, axis=1)
    wanted = -scores[np.arange(300), y].mean() + 5e-4 * np.sum(coef**2)
    np.testing.assert_allclose(newton.fun, wanted)


def test_products_with_the_hessian_of_several_classes_are_whole() -> None:
    weight = RANDOM.rand(300)
    fun = ours.objective(X, CLASSES, "scce", l2=0.1, sample_weight=weight)
    w, v = RANDOM.standard_normal((2, fun.x0.size))
    ahead, behind = fun(w + 1e-5 * v)[1], fun(w - 1e-5 * v)[1]
    np.testing.assert_allclose(fun.hessp(w, v), (ahead - behind) / 2e-5, rtol=1e-6)


def test_newton_takes_few_steps_with_the_whole_hessian() -> None:
    fun = ours.objective(X, CLASSES, "scce", l2=1e-3)
    found = minimize(fun, fun.x0, jac=True, hessp=fun.hessp, method="Newton-CG")
    assert found.success
    assert found.nit <= 20


def test_the_product_with_nothing_is_nothing() -> None:
    fun = ours.objective(X, CLASSES, "scce")
    assert not fun.hessp(fun.x0 + 1, fun.x0).any()


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="y has 299 entries, and X 300 rows"):
        ours.objective(X, Y[1:])
    with pytest.raises(ValueError, match=r"X has shape \(300,\): it must be 2-D"):
        ours.objective(Y, Y)
    with pytest.raises(ValueError, match="l2 = -1 must be finite and at least 0"):
        ours.objective(X, Y, l2=-1)
    with pytest.raises(TypeError, match="gaussian_nll takes more than one label"):
        ours.objective(X, Y, "gaussian_nll")
    with pytest.raises(TypeError, match="leave out classes"):
        ours.objective(X, Y, "mse", classes=3)
    features = X.shape[1]
    with pytest.raises(ValueError, match=f"w has 1 coefficients: .*{features + 1}"):
        ours.objective(X, Y)([0.0])
    with pytest.raises(TypeError, match="X holds 'a' of column 'a' at index 1"):
        ours.objective(pd.DataFrame({"a": [1, "a"]}), [0.0, 1.0])
    with pytest.raises(TypeError, match="X has dtype <U1"):
        ours.objective([["a"]], [0.0])
    null = pd.Series([1.0, None], dtype="Float64")
    with pytest.raises(ValueError, match="y has no value at index 1"):
        ours.objective([[0.0], [1.0]], null)


#: SciPy's losses, whose residuals have a scale of 1.
SAME = {
    "linear": fl.HalfSquaredError(),
    "huber": fl.Huber(delta=1.0),
    "soft_l1": fl.PseudoHuber(delta=1.0),
    "cauchy": fl.Cauchy(c=1.0),
}


@pytest.mark.parametrize("name", SAME)
def test_rho_is_that_of_scipy(name: str) -> None:
    def residuals(w: np.ndarray) -> np.ndarray:
        return X @ w[:-1] + w[-1] - Y + 5 * (np.arange(300) % 10 == 0)

    start = np.zeros(5)
    theirs = least_squares(residuals, start, loss=name, f_scale=0.3)
    found = least_squares(residuals, start, loss=ours.rho(SAME[name]), f_scale=0.3)
    np.testing.assert_allclose(found.x, theirs.x, rtol=1e-6)
    np.testing.assert_allclose(found.cost, theirs.cost, rtol=1e-12)


def test_derivatives_of_rho() -> None:
    of = ours.rho(fl.log_cosh)
    assert of([0.0, 1e-300])[1].tolist() == [1, 1]  # l''(0)
    assert of([0.0])[2].tolist() == [0]
    z, step = np.array([0.3, 2.0, 50.0]), 1e-5
    _, slope, bend = of(z)
    value_ahead, slope_ahead, _ = of(z + step)
    value_behind, slope_behind, _ = of(z - step)
    np.testing.assert_allclose(slope, (value_ahead - value_behind) / 2e-5, rtol=1e-8)
    np.testing.assert_allclose(bend, (slope_ahead - slope_behind) / 2e-5, rtol=1e-6)


def test_losses_that_are_no_rho() -> None:
    with pytest.raises(ValueError, match="not even in the residual"):
        ours.rho(fl.Quantile(q=0.3))
    with pytest.raises(ValueError, match="has a kink at 0"):
        ours.rho("mae")
    with pytest.raises(TypeError, match="no loss of single residuals"):
        ours.rho("cce")


def test_custom_losses_fit() -> None:
    @fl.custom
    def cubic(y, p, *, k=0.1):  # type: ignore[no-untyped-def]
        return (y - p) ** 2 + k * np.abs(y - p) ** 3

    fun = ours.objective(X, Y, cubic)
    found = minimize(fun, fun.x0, jac=True, hessp=fun.hessp, method="trust-ncg")
    assert found.success
    assert np.abs(fun(found.x)[1]).max() < 1e-4


def test_classes_may_have_names() -> None:
    random = np.random.RandomState(0)
    table = random.standard_normal((20, 2))
    numbers = random.randint(0, 2, 20)  # the third never occurs
    loss = fl.SparseCategoricalCrossentropy(from_logits=True, classes=["a", "b", "c"])
    named = ours.objective(table, np.array(["a", "b"])[numbers], loss)
    plain = ours.objective(table, numbers, "scce", classes=3)
    w = random.standard_normal(named.x0.shape)
    assert named.x0.shape == (9,)
    assert named(w)[0] == plain(w)[0]
    np.testing.assert_array_equal(named.hessp(w, w), plain.hessp(w, w))
