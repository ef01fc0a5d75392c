"""Custom losses far out: right values, written down, and the table of posted ones."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import fastloss as fl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import posted_losses  # noqa: E402

DTYPES = (np.float32, np.float64)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def outputs(loss: fl.Loss, y: Any, p: Any, dtype: type, **parameters: float) -> Any:
    y, p = np.array([y], dtype), np.array([p], dtype)
    value = loss(y, p, reduction="none", **parameters)
    pair = loss.grad_and_hess(y, p, reduction="sum", **parameters)
    return [float(a[0]) for a in (value, *pair)]


@pytest.mark.parametrize("loss", posted_losses.LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("dtype", DTYPES)
def test_posted_losses(loss: posted_losses.Posted, dtype: type) -> None:
    for error, label, point in posted_losses.worst(loss, dtype, every=7):
        assert error <= 8.5, (label, point)


def test_the_page_has_the_losses_of_the_table() -> None:
    page = (ROOT / "docs" / "posted_losses.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(posted_losses.LOSSES) >= 40
    for loss, row in zip(posted_losses.LOSSES, rows, strict=True):
        name, form, *errors = row.strip("| ").split(" | ")
        assert (name, form) == posted_losses.head(loss)
        numbers = [float(x) for cell in errors for x in cell.split(", ")]
        assert len(numbers) == 6
        assert max(numbers) <= 8.5


FOCAL: list[Callable[..., Any]] = [
    lambda y, x, g=2.0: (
        -y * (1 - sigmoid(x)) ** g * np.log(sigmoid(x))
        - (1 - y) * sigmoid(x) ** g * np.log(1 - sigmoid(x))
    ),
    lambda y, x, g=2.0: (
        -((1 - np.where(y == 1, sigmoid(x), 1 - sigmoid(x))) ** g)
        * np.log(np.where(y == 1, sigmoid(x), 1 - sigmoid(x)))
    ),
    lambda y, x, g=2.0: (
        -((1 - (y * sigmoid(x) + (1 - y) * (1 - sigmoid(x)))) ** g)
        * np.log(y * sigmoid(x) + (1 - y) * (1 - sigmoid(x)))
    ),
]


@pytest.mark.parametrize("form", FOCAL)
@pytest.mark.parametrize("gamma", [0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 5.0])
def test_focal_tends_to_its_limits(form: Callable[..., Any], gamma: float) -> None:
    """sigmoid(x)^g = exp(-g softplus(-x)) is not 0 where sigmoid(x) is."""
    loss = fl.custom(form)
    for dtype, far in ((np.float32, 104.0), (np.float64, 750.0)):
        for y, x in ((0, far), (1, -far)):
            value, grad, hess = outputs(loss, y, x, dtype, g=gamma)
            assert value == far
            assert grad == (1 if y == 0 else -1)
            assert abs(hess) < 1e-30
        for y, x in ((0, -far), (1, far)):
            assert all(abs(z) < 1e-30 for z in outputs(loss, y, x, dtype, g=gamma))
        size = mpmath.exp(-(1 + gamma) * 30)
        found = outputs(loss, 0, -30, dtype, g=gamma)
        for z, k in zip(found, (1, 1 + gamma, (1 + gamma) ** 2), strict=True):
            assert z == pytest.approx(float(k * size), rel=1e-5)


@pytest.mark.parametrize(
    ("form", "parameters", "y", "p", "expected"),
    [
        # the first is a sigmoid: s, then s (1 - s), then s (1 - s) (1 - 2 s)
        (
            lambda y, p, a=1.0, b=1.0: 1 / (1 + np.exp(-a * b * p)),
            {},
            0,
            0,
            (0.5, 0.25, 0),
        ),
        (
            lambda y, p, a=1.0, b=1.0: -a * b * (p - y) ** 2,
            {"a": 2, "b": 3},
            0,
            2,
            (-24, -24, -12),
        ),
        (lambda y, p, a=1.0: p * np.exp(-a * a / 2), {"a": 0}, 0, 3, (3, 1, 0)),
        (
            lambda y, p, a=1.0, b=1.0: (1 - a) * (-b) * p,
            {"a": 3, "b": 2},
            0,
            3,
            (12, 4, 0),
        ),
        (
            lambda y, p, a=1.0: np.logaddexp(1 / (1 + np.exp(-a)), p),
            {},
            0,
            800,
            (800, 1, 0),
        ),
        # (1 - p)^y at p = 1
        (lambda y, p: (1 - p) ** y, {}, 0, 1, (1, 0, 0)),
        (lambda y, p: (1 - p) ** y, {}, 1, 1, (0, -1, 0)),
        (lambda y, p: (1 - p) ** y, {}, 2, 1, (0, 0, 2)),
        (lambda y, p: (1 - p) ** y, {}, 3, 1, (0, 0, 0)),
        # |p|, also where it is written as a root
        (lambda y, p: np.hypot(p, y), {}, 0, 0, (0, 0, 0)),
        (lambda y, p: np.sqrt(p**2 + y**2), {}, 0, 0, (0, 0, 0)),
        (lambda y, p: np.sqrt(p**2 + y**2), {}, 3, 4, (5, 0.8, 0.072)),
        (lambda y, p: np.sqrt(np.abs(y * p)), {}, 0, 2, (0, 0, 0)),
        (lambda y, p: np.sign(p - y) ** 2, {}, 1, 1, (0, 0, 0)),
        (lambda y, p: np.sign(p - y) ** 2, {}, 1, -3, (1, 0, 0)),
        (lambda y, p: np.clip(p, y - 0.25, y + 0.25) - y, {}, 1, 1.125, (0.125, 1, 0)),
        (lambda y, p: np.clip(p, y - 0.25, y + 0.25) - y, {}, 1, 9, (0.25, 0, 0)),
        # logarithms of sums of exponentials, with factors and with a third term
        (
            lambda y, x, a=0.5: np.log(1 + a * np.exp(x)) / a,
            {},
            0,
            800,
            (1598.6137056388801, 2, 0),
        ),
        (
            lambda y, x, a=0.5: np.log(1 + a * np.exp(x)),
            {"a": -0.5},
            0,
            0,
            (-0.6931471805599453, -1, -2),
        ),
        (lambda y, x: np.log(1 + np.exp(x) + np.exp(2 * x)), {}, 0, 800, (1600, 2, 0)),
        (lambda y, x: np.log(np.exp(x) - 1), {}, 0, 800, (800, 1, 0)),
        (lambda y, x: np.log(sigmoid(x) / (1 - sigmoid(x))), {}, 0, 800, (800, 1, 0)),
        # 1 + 1e-12 rounded would be seen in the eleventh digit
        (
            lambda y, p: np.log(1 - 1 / (1 + p**2)),
            {},
            0,
            2.0**20,
            (-(2.0**-40), 2.0**-59, -3 * 2.0**-79),
        ),
        (
            lambda y, p: p / (1 + p),
            {},
            0,
            2.0**40,
            (1 - 2.0**-40, 2.0**-80, -(2.0**-119)),
        ),
        (
            lambda y, p: np.log(0.5 * (1 + fl.math.erf(p / np.sqrt(2)))),
            {},
            0,
            -40,
            (-804.6084420137538, 40.02496879972738, -0.9993773316214087),
        ),
    ],
)
def test_right_values(
    form: Callable[..., Any],
    parameters: dict[str, float],
    y: float,
    p: float,
    expected: tuple[float, float, float],
) -> None:
    found = outputs(fl.custom(form), y, p, np.float64, **parameters)
    assert found == pytest.approx(expected, rel=2e-9, abs=1e-40)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [1.0, 0.75, 0.71, 0.7, 0.5])
def test_logarithms_next_to_the_largest_number(share: float, dtype: type) -> None:
    x = np.array([share * np.finfo(dtype).max], dtype)
    y = np.zeros(1, dtype)
    exact = math.log(float(x[0]))
    assert fl.custom(lambda y, p: np.log(p))(y, x) == pytest.approx(exact, rel=1e-7)
    assert fl.custom(lambda y, p: np.log1p(p))(y, x) == pytest.approx(exact, rel=1e-7)
    assert fl.msle(y, x) == pytest.approx(exact**2, rel=1e-6)
    assert fl.gamma(y + 1, x, log_input=False) == pytest.approx(exact, rel=1e-7)


def test_nans_are_not_cancelled() -> None:
    nan = np.nan
    for form in (
        lambda y, p: ((p - y) + y) ** 2,
        lambda y, p: y * p + (1 - y) * p,
        lambda y, p: 0 * y + p,
        lambda y, p: p - y * 0,
        lambda y, p: np.where(p > 0, y, y) - y + p,
    ):
        found = fl.custom(form)([nan, 1.0], [1.0, 2.0], reduction="none")
        assert np.isnan(found[0])
        assert np.isfinite(found[1])
    quotient = fl.custom(lambda y, p: (0 * p) / y)
    assert np.isnan(quotient([0.0], [1.0]))


def test_functions_of_scipy() -> None:
    y = np.array([0.0, 0.5, 2.0, 0.0])
    p = np.array([0.25, 0.75, 3.0, 0.0])
    found = fl.custom(lambda y, p: fl.math.xlogy(y, p))
    np.testing.assert_allclose(
        found(y, p, reduction="none"), [0, 0.5 * np.log(0.75), 2 * np.log(3), 0]
    )
    assert found.grad(y, p, reduction="sum").tolist()[::3] == [0, 0]
    lgamma = fl.custom(lambda y, p: fl.math.lgamma(p))
    x = [-1.5, 0.25, 1.0, 30.0]
    grad, hess = lgamma.grad_and_hess(np.zeros(4), np.array(x), reduction="sum")
    np.testing.assert_allclose(grad, [float(mpmath.digamma(a)) for a in x], rtol=1e-14)
    np.testing.assert_allclose(hess, [float(mpmath.psi(1, a)) for a in x], rtol=1e-14)
    for name, truth in (
        ("erfc", mpmath.erfc),
        ("ndtr", mpmath.ncdf),
        ("log_ndtr", lambda a: mpmath.log(mpmath.ncdf(a))),
        ("digamma", mpmath.digamma),
    ):
        function = getattr(fl.math, name)
        x = np.array([-7.25, -0.5, 0.75, 6.5])
        with mpmath.workdps(40):
            expected = [float(truth(mpmath.mpf(a))) for a in x]
        traced = fl.custom(lambda y, p, f=function: f(p) if f is not None else p)
        np.testing.assert_allclose(function(x), expected, rtol=1e-13)
        np.testing.assert_allclose(
            traced(np.zeros(4), x, reduction="none"), expected, rtol=1e-14
        )


def test_what_replaces_nans_and_chooses() -> None:
    inf, nan = np.inf, np.nan
    y = np.array([0.0, 1.0, 0.0, 2.0, 1.0])
    p = np.array([-1.0, 2.0, nan, inf, -inf])
    for form in (
        lambda y, p: np.nan_to_num(p),
        lambda y, p: np.nan_to_num(p, nan=3.0, posinf=1.0, neginf=-2.0),
        lambda y, p: np.where(np.isfinite(p), p, y),
        lambda y, p: np.where(np.isinf(p), y, 0 * y),
        lambda y, p: np.select([y == 1, p > 0, p < 0], [y, y + 1, y - 3], 7.0),
        lambda y, p: np.arcsinh(p) * 1e-3,
    ):
        for dtype in DTYPES:
            expected = form(y.astype(dtype), p.astype(dtype))
            found = fl.custom(form)(y.astype(dtype), p.astype(dtype), reduction="none")
            np.testing.assert_allclose(found, expected, rtol=2e-7)
    bits = np.array([0.0, 1.0, 1.0])
    loss = fl.custom(
        lambda y, p: np.nan_to_num(-y * np.log(p) - (1 - y) * np.log(1 - p))
    )
    assert loss(bits, bits) == 0
    guarded = fl.custom(lambda y, p: np.nan_to_num(y * np.log(y / p)))
    value, grad = guarded.value_and_grad([0.0, 1.0], [0.5, 0.5], reduction="sum")
    assert value == pytest.approx(np.log(2))
    assert grad.tolist() == [0, -2]
    x = np.linspace(-3, 3, 7) * 10.0 ** np.arange(-9, 40, 7)
    arcsinh = fl.custom(lambda y, p: np.arcsinh(p))
    np.testing.assert_allclose(
        arcsinh(x, x, reduction="none"), np.arcsinh(x), rtol=1e-15
    )


def test_means_of_rows() -> None:
    """As Keras writes a loss: the mean over the last axis."""
    y, p = np.zeros((4, 3)), np.arange(12.0).reshape(4, 3)
    keras = fl.custom(lambda y, p: np.mean(np.square(p - y), axis=-1))
    assert keras(y, p) == fl.mse(y, p)
    assert np.array_equal(keras.grad(y, p), fl.mse.grad(y, p))
    with pytest.raises(fl.TraceError, match="axis"):
        fl.custom(lambda y, p: np.mean(np.square(p - y), axis=0))


@pytest.mark.parametrize("x", [-1e150, -300.0, -40.0, -3.0, -1.0, 0.0, 2.0, 9.0])
def test_probit_derivatives(x: float) -> None:
    """M = phi/Phi and -m (x + m)."""
    loss = fl.custom(lambda y, p: fl.math.log_ndtr(p))
    with mpmath.workdps(400):
        m = mpmath.npdf(x) / mpmath.ncdf(x) if abs(x) < 1e3 else -mpmath.mpf(x)
        curve = -m * (x + m) if abs(x) < 1e3 else mpmath.mpf(-1)
    _, grad, hess = outputs(loss, 0, x, np.float64)
    assert grad == pytest.approx(float(m), rel=1e-15)
    assert hess == pytest.approx(float(curve), rel=1e-14)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, np.bool_])
def test_functions_of_small_integers_are_those_of_floats(dtype: type) -> None:
    x = np.array([1], dtype)
    assert fl.math.sigmoid(x) == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-15)
    assert fl.math.log_sigmoid(x) == pytest.approx(1 - np.log1p(np.e), rel=1e-14)
    assert fl.math.softplus(x).dtype == np.float64


def test_roots_have_a_hessian_where_their_gradient_is_zero() -> None:
    """sqrt(f)'' = f''/(2 sqrt(f)) there, with f'' = f = 4 cosh(0)."""
    for form in (
        lambda y, p: np.sqrt(4 * np.cosh(p - y)),
        lambda y, p: (4 * np.cosh(p - y)) ** 0.5,
        lambda y, p, a=0.5: (4 * np.cosh(p - y)) ** a,
    ):
        assert outputs(fl.custom(form), 1.0, 1.0, np.float64) == [2.0, 0.0, 1.0]
    cube = fl.custom(lambda y, p: 3 * np.cbrt(8 * np.cosh(p - y)))
    assert outputs(cube, 1.0, 1.0, np.float64) == pytest.approx([6, 0, 2], rel=1e-15)


@pytest.mark.parametrize(
    ("power", "hess"), [(0.25, 0.0), (0.5, 0.0), (0.75, 0.0), (1.0, 2.0), (1.5, 0.0)]
)
def test_powers_of_zero_that_rests_have_slope_zero(power: float, hess: float) -> None:
    form = fl.custom(lambda y, p, a=1.0: ((y - p) ** 2) ** a)
    assert outputs(form, 1.0, 1.0, np.float64, a=power) == [0.0, 0.0, hess]
    still = fl.custom(lambda y, p, a=1.0: np.hypot(np.abs(y * p) ** a, p))
    assert outputs(still, 0.0, 0.5, np.float64, a=power) == [0.5, 1.0, 0.0]


def test_powers_of_zero_whose_exponent_rests_have_slope_zero() -> None:
    form = fl.custom(lambda y, p: np.abs(y) ** (y * p))
    assert outputs(form, 0.0, 0.5, np.float64) == [1.0, 0.0, 0.0]
    both = fl.custom(lambda y, p: np.abs(y * p) ** (3 * y * p))
    assert outputs(both, 0.0, -(2.0**-40), np.float32) == [1.0, 0.0, 0.0]


def test_powers_of_zero_that_moves_keep_their_infinite_slope() -> None:
    root = fl.custom(lambda y, p: p**0.75)
    assert outputs(root, 0.0, 0.0, np.float64)[:2] == [0.0, np.inf]


def test_a_sum_with_softplus_that_does_not_cancel_stays_as_it_is() -> None:
    form = fl.custom(lambda y, p: y * p + (1 - y) * np.log(1 + 3 * np.exp(p)))
    for dtype in DTYPES:
        assert outputs(form, 1.0, -(2.0**-40), dtype) == [-(2.0**-40), 1.0, 0.0]


def test_an_underflown_power_has_no_slope_however_large_its_exponent() -> None:
    form = fl.custom(lambda y, p: p ** -((p - y) ** 2))
    assert outputs(form, 0.375, 2.0**40, np.float32) == [0.0, 0.0, 0.0]
