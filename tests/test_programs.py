"""Custom losses from function to result: large programs, rules and their limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss._custom import numbers

DTYPES = [np.float32, np.float64]
NAN, INF = np.nan, np.inf


@dataclass
class Jet:
    """Value and derivatives with respect to y_pred, by the product rule."""

    v: Any
    d: Any
    dd: Any

    def times(self, other: Jet) -> Jet:
        return Jet(
            self.v * other.v,
            self.d * other.v + self.v * other.d,
            self.dd * other.v + 2 * self.d * other.d + self.v * other.dd,
        )


def product(count: int) -> Callable[..., Any]:
    """A product of linear factors near 1; its derivatives need many registers."""

    def loss(y: Any, x: Any) -> Any:
        total = 1.0
        for k in range(count):
            total = total * ((x - y) / 4 + (0.75 + k / 256))
        return total

    return loss


def product_jet(count: int, y: Any, x: Any) -> Jet:
    r = (x - y) / 4
    total = Jet(np.ones_like(r), 0 * r, 0 * r)
    for k in range(count):
        total = total.times(Jet(r + (0.75 + k / 256), 0.25 + 0 * r, 0 * r))
    return total


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [3, 6, 13, 20, 33, 50, 64])
def test_large_programs(count: int, dtype: type, isa: str) -> None:
    """Up to 125 registers, at lengths around those of pieces and blocks."""
    loss = fl.custom(product(count))
    assert loss.cost["grad_and_hess"].registers >= 2 * count - 3
    random = np.random.RandomState(count)
    rtol = {np.float32: 2e-5, np.float64: 1e-13}[dtype]
    for n in (1, 17, 63, 64, 65, 129, 511, 513, 1025, 5000):
        y, x = random.rand(2, n).astype(dtype)
        x += 1
        exact = product_jet(count, y.astype(float), x.astype(float))
        for weight in (None, random.rand(n)):
            w = 1 if weight is None else weight
            divisor = n if weight is None else w.sum()
            value, grad = loss.value_and_grad(y, x, sample_weight=weight)
            again, hess = loss.grad_and_hess(y, x, sample_weight=weight)
            values = loss(y, x, sample_weight=weight, reduction="none")
            np.testing.assert_allclose(values, w * exact.v, rtol=rtol)
            np.testing.assert_allclose(value, np.sum(w * exact.v) / divisor, rtol=rtol)
            np.testing.assert_allclose(grad, w * exact.d / divisor, rtol=rtol)
            np.testing.assert_allclose(hess, w * exact.dd / divisor, rtol=rtol)
            np.testing.assert_array_equal(again, grad)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_programs_of_strided_arrays(dtype: type) -> None:
    loss = fl.custom(product(40))
    y, x = np.random.RandomState(1).rand(2, 3000).astype(dtype)
    expected = [*loss.value_and_grad(y, x), *loss.grad_and_hess(y, x)]
    room = np.zeros((2, 6000), dtype)
    room[:, ::2] = y, x
    strided = room[0, ::2], room[1, ::2]
    got = [*loss.value_and_grad(*strided), *loss.grad_and_hess(*strided)]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


#: Losses whose derivatives read one another, with these by hand.
CHAINED: list[tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = [
    (lambda y, x: np.log(x), lambda y, x: 1 / x, lambda y, x: -1 / x**2),
    (lambda y, x: np.sqrt(x), lambda y, x: x**-0.5 / 2, lambda y, x: -(x**-1.5) / 4),
    (lambda y, x: np.exp(x), lambda y, x: np.exp(x), lambda y, x: np.exp(x)),
    (
        lambda y, x: np.exp(x * y),
        lambda y, x: y * np.exp(x * y),
        lambda y, x: y**2 * np.exp(x * y),
    ),
    (lambda y, x: x + np.exp(x), lambda y, x: 1 + np.exp(x), lambda y, x: np.exp(x)),
    (lambda y, x: y * np.log(x), lambda y, x: y / x, lambda y, x: -y / x**2),
    (lambda y, x: y / x, lambda y, x: -y / x**2, lambda y, x: 2 * y / x**3),
    (lambda y, x: x**4, lambda y, x: 4 * x**3, lambda y, x: 12 * x**2),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", range(len(CHAINED)))
def test_derivatives_that_read_one_another(number: int, dtype: type, isa: str) -> None:
    """Each is divided by the number of samples once."""
    loss, slope, curve = CHAINED[number]
    custom = fl.custom(loss)
    rtol = {np.float32: 2e-6, np.float64: 1e-14}[dtype]
    for n in (5, 700, 3000):
        y, x = np.random.RandomState(n).uniform(0.5, 2, (2, n)).astype(dtype)
        exact = y.astype(float), x.astype(float)
        value, grad = custom.value_and_grad(y, x)
        np.testing.assert_allclose(value, np.mean(loss(*exact)), rtol=rtol)
        np.testing.assert_allclose(grad, slope(*exact) / n, rtol=rtol)
        grad, hess = custom.grad_and_hess(y, x)
        np.testing.assert_allclose(grad, slope(*exact) / n, rtol=rtol)
        np.testing.assert_allclose(hess, curve(*exact) / n, rtol=rtol)
        np.testing.assert_array_equal(custom.grad(y, x), grad)


def outputs(loss: fl.Loss, points: list[float], **options: Any) -> list[list[float]]:
    """Values, gradient and Hessian at points, labels 0."""
    y, x = np.zeros(len(points)), np.array(points)
    values = loss(y, x, reduction="none", **options)
    grad, hess = loss.grad_and_hess(y, x, reduction="sum", **options)
    return [values.tolist(), grad.tolist(), hess.tolist()]


def test_a_clip_is_closed_at_both_ends() -> None:
    clipped = fl.custom(lambda y, p: np.clip(p, -1, 2) ** 2)
    assert outputs(clipped, [-1.5, -1, 0, 2, 2.5]) == [
        [1, 1, 0, 4, 4],
        [0, -2, 0, 4, 0],
        [0, 2, 2, 2, 0],
    ]


def test_the_slope_of_a_sign_is_a_nan_at_nan() -> None:
    loss = fl.custom(
        lambda y, p: np.where(p > 0, 1.0, 0.0), grad=lambda y, p: np.sign(p)
    )
    _, grad, hess = outputs(loss, [NAN, -2, 0, 3])
    np.testing.assert_array_equal(grad, [NAN, -1, 0, 1])
    np.testing.assert_array_equal(hess, [NAN, 0, 0, 0])


def test_conditions_within_their_own_branches() -> None:
    """A branch is taken as its condition says, in every derivative."""

    def nested(y: Any, p: Any) -> Any:
        inner = np.where(p > 1, p**3, p**2)
        return np.where(p > 1, inner, np.where(p > 1, 7.0, inner - p))

    assert outputs(fl.custom(nested), [-2, 0, 1, 2]) == [
        [6, 0, 0, 8],
        [-5, -1, 1, 12],
        [2, 2, 2, 12],
    ]

    def products(y: Any, p: Any) -> Any:
        return np.where(p > 1, p, 0.0) * np.where(p > 1, p, 5.0)

    assert outputs(fl.custom(products), [0.5, 1, 3]) == [
        [0, 0, 9],
        [0, 0, 6],
        [0, 0, 2],
    ]


def test_a_branch_not_taken_is_not_computed_into_the_result() -> None:
    loss = fl.custom(lambda y, p: np.where(p > 0, np.log(p), p))
    assert outputs(loss, [-2.0, 0.0, 1.0]) == [[-2, 0, 0], [1, 1, 1], [0, 0, -1]]


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0])
def test_a_factor_of_zero_wins_over_an_infinite_power(p: float) -> None:
    loss = fl.custom(lambda y, x, p=3.0: x**p)
    points = [0.0, 2.0, INF]
    expected = {
        0.0: [[1, 1, 1], [0, 0, 0], [0, 0, 0]],
        1.0: [points, [1, 1, 1], [0, 0, 0]],
        2.0: [[0, 4, INF], [0, 4, INF], [2, 2, 2]],
    }[p]
    assert outputs(loss, points, p=p) == expected
    k = p * (p - 1)
    for x in (0.0, INF):
        assert numbers.evaluate("power_curve", [x, p]) == k or k
        assert numbers.evaluate("power_slope", [x, 0.0]) == 0
    assert numbers.evaluate("power_curve", [3.0, 4.0]) == 108
    assert numbers.evaluate("power_slope", [3.0, 4.0]) == 108


@pytest.mark.parametrize("number", [0.69, 0.6931471, 0.7, 0.6931471805599453])
def test_only_log_2_makes_a_log_cosh(number: float) -> None:
    points = [-1.0, 0.0, 0.5, 3.0]
    x = np.array(points)
    exact = np.log(np.exp(x) + np.exp(-x)) - number
    for form in (
        lambda y, p: np.log(np.exp(p) + np.exp(-p)) - number,
        lambda y, p: np.logaddexp(p, -p) - number,
        lambda y, p: p + np.log(1 + np.exp(-2 * p)) - number,
    ):
        values, grad, _ = outputs(fl.custom(form), points)
        np.testing.assert_allclose(values, exact, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(grad, np.tanh(x), rtol=1e-14)


def test_equal_parameters_of_other_types_are_others() -> None:
    """1, 1.0, True and NumPy's True compare equal."""

    def of_mode(y: Any, p: Any, *, mode: Any = 2) -> Any:
        if mode is True:
            return p + 10
        return p + 20 if isinstance(mode, np.bool_) else p * mode

    loss = fl.custom(of_mode)
    for modes in ((1, True, np.True_), (np.True_, True, 1), (True, 1.0, np.True_)):
        for mode in modes:
            expected = {bool: 13, np.bool_: 23}.get(type(mode), 3)
            fresh = replace(loss, mode=mode)
            assert fresh([0.0], [3.0]) == expected
            value, grad = fresh.value_and_grad([0.0], [3.0])
            assert (value, grad.tolist()) == (expected, [1])


NEAR: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    # what looks like a stable form and is not, and what NumPy says of it
    (lambda y, p: np.log(1.25 + p), lambda p: np.log(1.25 + p)),
    (lambda y, p: np.log(1.25 + np.exp(p)), lambda p: np.log(1.25 + np.exp(p))),
    (lambda y, p: np.log(1 + np.exp(p)) - 2 * p, lambda p: np.log1p(np.exp(p)) - 2 * p),
    (lambda y, p: np.log(1 + np.exp(p)) + p, lambda p: np.log1p(np.exp(p)) + p),
    (lambda y, p: 1 / (1 + np.exp(p)), lambda p: 1 / (1 + np.exp(p))),
    (lambda y, p: 1 / (1 + np.exp(-p)), lambda p: 1 / (1 + np.exp(-p))),
    (lambda y, p: 1 / (2 + np.exp(-p)), lambda p: 1 / (2 + np.exp(-p))),
    (lambda y, p: np.exp(p) / (1 + np.exp(p)), lambda p: 1 / (1 + np.exp(-p))),
    (
        lambda y, p: np.exp(p) / (1 + np.exp(p)) ** 2,
        lambda p: np.exp(p) / (1 + np.exp(p)) ** 2,
    ),
    (
        lambda y, p: np.exp(-p) / (1 + np.exp(p)) ** 2,
        lambda p: np.exp(-p) / (1 + np.exp(p)) ** 2,
    ),
    (lambda y, p: np.sqrt(1 + p**2) - 1, lambda p: p**2 / (np.sqrt(1 + p**2) + 1)),
    (lambda y, p: np.sqrt(4 + p**2) - 1, lambda p: np.sqrt(4 + p**2) - 1),
    (lambda y, p: np.sqrt(2 + p) - 1, lambda p: np.sqrt(2 + p) - 1),
    (lambda y, p: np.exp(p) - 2, lambda p: np.exp(p) - 2),
    (lambda y, p: np.exp(p) - np.exp(-p), lambda p: 2 * np.sinh(p)),
    (lambda y, p: np.exp(p) + np.exp(-p), lambda p: 2 * np.cosh(p)),
    (lambda y, p: 1 - np.tanh(p) ** 2, lambda p: 1 / np.cosh(p) ** 2),
    (lambda y, p: 1 - np.cos(p), lambda p: 2 * np.sin(p / 2) ** 2),
    (lambda y, p: np.sin(-p) + np.cos(-2 * p), lambda p: np.cos(2 * p) - np.sin(p)),
    (lambda y, p: np.tanh(-3 * p), lambda p: -np.tanh(3 * p)),
    (lambda y, p: np.abs(-2 * p) + np.sign(-p), lambda p: np.abs(2 * p) - np.sign(p)),
    (
        lambda y, p: np.maximum(p, 0) + np.log(1 + np.exp(-abs(p))),
        lambda p: np.log1p(np.exp(p)),
    ),
    (lambda y, p: np.log(1 - np.exp(-abs(p))), lambda p: np.log(-np.expm1(-np.abs(p)))),
    (lambda y, p: p**-2 + p**0.5 + p**3, lambda p: p**-2.0 + np.sqrt(p) + p**3),
    (lambda y, p: p * (1 - 0.25) + p * 0.25, lambda p: p),
    (lambda y, p: np.where(~(p > 1), p, 3.0), lambda p: np.where(p > 1, 3, p)),
    (lambda y, p: (p < 1) + 2.0 * (p <= 1), lambda p: (p < 1) + 2.0 * (p <= 1)),
    (lambda y, p: (p > 1) + 2.0 * (p >= 1), lambda p: (p > 1) + 2.0 * (p >= 1)),
    (
        lambda y, p: np.clip(p, None, 1) + p.clip(1.5),
        lambda p: np.minimum(p, 1) + np.maximum(p, 1.5),
    ),
    (lambda y, p: ~(p > 1) * 2.0 + (p != 1), lambda p: (p <= 1) * 2.0 + (p != 1)),
]


def test_constants_keep_the_sign_of_zero() -> None:
    loss = fl.custom(lambda y, p: p / -0.0)
    assert loss([0.0], [1.0]) == -INF
    loss = fl.custom(lambda y, p, *, a=0.0: p / (a * 1.0))
    assert loss([0.0], [1.0], a=-0.0) == -INF
    assert loss([0.0], [1.0], a=0.0) == INF


@pytest.mark.parametrize("number", range(len(NEAR)))
def test_forms_and_their_neighbours(number: int) -> None:
    loss, exact = NEAR[number]
    x = np.array([0.125, 0.5, 1.0, 1.5, 2.5])
    values = outputs(fl.custom(loss), x.tolist())[0]
    np.testing.assert_allclose(values, exact(x), rtol=1e-13)


def test_roots_do_not_overflow() -> None:
    """sqrt(c + x^2) where x^2 is beyond the largest float, and its slope."""
    for dtype, big in ((np.float32, 1e30), (np.float64, 1e200)):
        y, x = np.zeros(3, dtype), np.array([big, -big, INF], dtype)
        for loss in (
            fl.custom(lambda y, p: np.sqrt(1 + p**2)),
            fl.custom(lambda y, p: np.sqrt(1 + p**2) - 1),
        ):
            assert loss(y, x, reduction="none").tolist() == abs(x).tolist()
            assert loss.grad(y, x, reduction="sum").tolist() == [1, -1, 1]
