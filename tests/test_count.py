"""Counts and amounts: domains, limits in the power, and deviances close to 0."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import oracle
import pytest

import fastloss as fl

INF = math.inf
EPS = {np.float32: 2.0**-23, np.float64: 2.0**-52}
POWERS = (0.0, 1.0, 1.0625, 1.9375, 2.0, 3.0)

#: A bad label and a bad prediction; None where all numbers are good.
OUTSIDE: list[tuple[fl.Loss, float | None, float | None]] = [
    (fl.poisson, -1.0, None),
    (fl.Poisson(log_input=False), -0.5, 0.0),
    (fl.gamma, 0.0, None),
    (fl.Gamma(log_input=False), -3.0, -1.0),
    (fl.tweedie, -1.0, None),
    (fl.Tweedie(log_input=False), -1.0, 0.0),
    (fl.poisson_deviance, -1.0, 0.0),
    (fl.gamma_deviance, 0.0, 0.0),
    (fl.tweedie_deviance, -1.0, -1.0),
    (fl.TweedieDeviance(power=1.0), -1.0, 0.0),
    (fl.TweedieDeviance(power=2.0), 0.0, 0.0),
    (fl.TweedieDeviance(power=0.0), None, None),
]


def outputs(loss: fl.Loss, y: Any, x: Any) -> tuple[Any, Any, Any]:
    """Value, gradient and Hessian of each sample."""
    each = replace(loss, reduction="none")
    value, grad = each.value_and_grad(y, x)
    same, hess = each.grad_and_hess(y, x)
    np.testing.assert_array_equal(same, grad)
    return value, grad, hess


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize(
    ("loss", "label", "prediction"), OUTSIDE, ids=lambda part: str(part)[:40]
)
def test_domains(
    loss: fl.Loss, label: float | None, prediction: float | None, dtype: type, isa: str
) -> None:
    y, x = np.ones(40, dtype), np.full(40, 0.5, dtype)
    loss(y, x)
    for array, name, bad in ((y, "y_true", label), (x, "y_pred", prediction)):
        before = array[33]
        array[33] = -7 if bad is None else bad
        if bad is None:
            loss(y, x)
        else:
            with pytest.raises(ValueError, match=rf"{name}\[33\] = {bad:g}.* is n"):
                loss(y, x)
        array[33] = before


@pytest.mark.parametrize("loss", [fl.poisson, fl.tweedie, fl.poisson_deviance])
def test_a_label_may_be_0_of_either_sign(loss: fl.Loss) -> None:
    for zero in (0.0, -0.0):
        assert loss([zero], [1.0]) == loss([0], [1.0])


def test_what_to_do_about_a_mean_that_is_not_positive() -> None:
    with pytest.raises(ValueError, match="for logarithms pass log_input=True"):
        fl.poisson([1.0], [-0.5], log_input=False)
    with pytest.raises(ValueError, match="counts and amounts are 0 or more"):
        fl.poisson([-1.0], [0.5])


@pytest.mark.parametrize("power", [0.5, -1.0, math.nan, "1.5"])
def test_powers_of_no_distribution(power: Any) -> None:
    for loss in (fl.Tweedie, fl.TweedieDeviance):
        with pytest.raises((ValueError, TypeError), match="power"):
            loss(power=power)


@pytest.mark.parametrize("power", [1.25, 1.5])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_the_mean_of_tweedie_is_the_label(dtype: type, power: float, isa: str) -> None:
    y = np.array([0.0625, 1, 4, 100], dtype)
    gradient = fl.tweedie.grad(y, np.log(y), power=power, reduction="sum")
    np.testing.assert_array_less(np.abs(gradient), 100 * np.finfo(dtype).eps)


def test_subnormal_amounts_of_tweedie(isa: str) -> None:
    """Beside means below the normal numbers, amounts have the digits they have."""
    y = np.array([3e-320, 5e-324, 1e-300, 0, 1e-10])
    x = np.array([-1400.0, -1440, -1450, -1430, -1380])
    value, gradient, _ = outputs(fl.tweedie, y, x)
    for i in range(len(y)):
        mean = mpmath.exp(mpmath.mpf(x[i]) / 2)
        label = mpmath.mpf(y[i]) / mean
        for got, exact in (
            (value[i], 2 * mean + 2 * label),
            (gradient[i], mean - label),
        ):
            assert abs(mpmath.mpf(got) - exact) <= 4e-16 * abs(exact) + 5e-324


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_by_hand(dtype: type, isa: str) -> None:
    """With logarithms of 1 and exponentials of 0 all is exact."""
    rows: list[tuple[fl.Loss, float, float, float, float, float]] = [
        (fl.poisson, 3, 0, 1, -2, 1),
        (fl.poisson, 0, -INF, 0, 0, 0),
        (fl.poisson, 2, -INF, INF, -2, 0),
        (fl.poisson, 2, INF, INF, INF, INF),
        (fl.Poisson(log_input=False), 3, 1, 1, -2, 3),
        (fl.Poisson(log_input=False), 0, 0.5, 0.5, 1, 0),
        (fl.Poisson(log_input=False, eps=0.5), 3, 0.5, 0.5, -2, 3),
        (fl.Poisson(log_input=False, eps=0.5), 0, 0.5, 0.5, 1, 0),
        (fl.Poisson(full=True), 0, 0, 1, 1, 1),
        (fl.Poisson(full=True), 1, 0, 1, 0, 1),
        (fl.Poisson(full=True), 0, -INF, 0, 0, 0),
        (fl.Poisson(full=True), 2, -INF, INF, -2, 0),
        (fl.Poisson(full=True), 2, INF, INF, INF, INF),
        (fl.Poisson(full=True, log_input=False), 1, 1, 1, 0, 1),
        (fl.Poisson(full=True, log_input=False, eps=0.5), 1, 0.5, 0.5, 0, 1),
        (fl.gamma, 3, 0, 3, -2, 3),
        (fl.gamma, 3, INF, INF, 1, 0),
        (fl.gamma, 3, -INF, INF, -INF, INF),
        (fl.Gamma(log_input=False), 3, 1, 3, -2, 5),
        (fl.Gamma(log_input=False), 0.5, 1, 0.5, 0.5, 0),
        (fl.tweedie, 3, 0, 2 + 6, -2, 0.5 + 1.5),
        (fl.Tweedie(power=0), 3, 0, 0.5 - 3, -2, 2 - 3),
        (fl.Tweedie(power=1), 3, 0, 1, -2, 1),
        (fl.Tweedie(power=1), 0, -INF, 0, 0, 0),
        (fl.Tweedie(power=1), 2, INF, INF, INF, INF),
        (fl.Tweedie(power=2), 3, 0, 3, -2, 3),
        (fl.Tweedie(power=2), 3, -INF, INF, -INF, INF),
        (fl.Tweedie(power=3), 3, 0, -1 + 1.5, -2, -1 + 6),
        (fl.Tweedie(power=3), 3, -INF, INF, -INF, INF),
        (fl.Tweedie(power=3), 3, INF, 0, 0, 0),
        (fl.Tweedie(power=1, log_input=False), 3, 1, 1, -2, 3),
        (fl.Tweedie(power=2, log_input=False), 3, 1, 3, -2, 5),
        (fl.Tweedie(power=0, log_input=False), 3, 2, 2 - 6, -1, 1),
        (fl.poisson_deviance, 0, 0.5, 1, 2, 0),
        (fl.poisson_deviance, 2, 2, 0, 0, 1),
        (fl.gamma_deviance, 2, 2, 0, 0, 0.5),
        (fl.gamma_deviance, 0.5, 1, 0.38629436111989063, 1, 0),
        (fl.tweedie_deviance, 0, 4, 8, 1, -0.125),
        (fl.tweedie_deviance, 4, 4, 0, 0, 0.25),
        (fl.TweedieDeviance(power=0), -1, 2, 9, 6, 2),
        (fl.TweedieDeviance(power=3), 0, 1, INF, 2, -4),
        (fl.TweedieDeviance(power=3), 2, 1, 0.5, -2, 8),
    ]
    for loss, y, x, *expected in rows:
        for size in (1, 17, 70):
            got = outputs(loss, np.full(size, y, dtype), np.full(size, x, dtype))
            for output, number in zip(got, expected, strict=True):
                exact = np.full(size, number, dtype)
                np.testing.assert_array_equal(output, exact, err_msg=f"{loss} {y} {x}")


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("log_input", [True, False])
@pytest.mark.parametrize("eps", [0.0, 0.25])
def test_the_whole_likelihood_has_the_same_derivatives(
    eps: float, log_input: bool, dtype: type, isa: str
) -> None:
    loss = fl.Poisson(log_input=log_input, eps=eps)
    y, x = oracle.plain(loss.kernel, dtype, 300, np.random.RandomState(5))
    y[::2] += dtype(0.25)  # log(y!) has its own lines below 1/2,
    y[::6] = 1.75  # and between 3/2 and 2
    value, *derivatives = outputs(loss, y, x)
    whole, *same = outputs(replace(loss, full=True), y, x)
    np.testing.assert_array_equal(same, derivatives)
    more = [math.lgamma(label + 1) for label in y.tolist()]
    tolerance = 4 * EPS[dtype]
    np.testing.assert_allclose(whole, value + more, rtol=tolerance, atol=8 * tolerance)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_large_counts_keep_the_digits_of_a_likelihood(dtype: type, isa: str) -> None:
    """exp(x), y x and log(y!) are millions where the likelihood is 8."""
    y = np.array([2, 3, 17, 4_000, 10**6], dtype)
    x = np.log(y)
    exact = []
    for label, log in zip(y.tolist(), x.tolist(), strict=True):
        with mpmath.workprec(200):
            of_labels = mpmath.loggamma(mpmath.mpf(label) + 1)
            exact.append(float(mpmath.exp(log) - mpmath.mpf(label) * log + of_labels))
    got = outputs(fl.Poisson(full=True), y, x)[0]
    terms = 0 if dtype is np.float32 else 8 * EPS[dtype] * y  # those of f32 are double
    assert np.all(abs(got - exact) <= 2 * EPS[dtype] * np.array(exact) + terms)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("log_input", [True, False])
def test_powers_1_and_2_are_poisson_and_gamma(dtype: type, log_input: bool) -> None:
    random = np.random.RandomState(3)
    y = np.exp(random.standard_normal(500)).astype(dtype)
    x = np.exp(random.standard_normal(500)).astype(dtype)
    for power, same in ((1, fl.poisson), (2, fl.gamma)):
        one = outputs(fl.Tweedie(power=power, log_input=log_input), y, x)
        other = outputs(replace(same, log_input=log_input), y, x)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=4 * EPS[dtype], atol=8 * EPS[dtype])


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize(
    "loss",
    [fl.tweedie, fl.Tweedie(log_input=False), fl.tweedie_deviance],
    ids=lambda loss: loss.kernel,
)
def test_every_power_in_ulps(
    loss: fl.Loss, power: float, dtype: type, isa: str
) -> None:
    loss = replace(loss, power=power)
    wide = dtype == np.float64
    limits = {"value": 2 + wide, "grad": 2.5 + wide, "hess": 4 + wide}
    kernel = "tweedie_deviance" if loss.kernel == "mean_squared_error" else loss.kernel
    for y, x in oracle.samples(kernel, dtype):
        for output, limit in limits.items():
            exact = oracle.truth(loss, output, y[::31], x[::31])
            error = exact.error(oracle.calculate(loss, output, y[::31], x[::31]))
            assert np.max(error) <= limit, (output, error.argmax())


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_deviances_close_to_0(dtype: type, isa: str) -> None:
    """A step beside a perfect prediction, where a difference has no digit left."""
    m = np.ldexp(dtype(1), np.arange(-20, 21)).astype(dtype)
    for steps in (1, -1, 5, 2**10, -(2**14), 2**18):
        y = m * dtype(1 + steps * EPS[dtype])
        d = Fraction(steps) * Fraction(EPS[dtype])
        with mpmath.workprec(300):
            u = mpmath.mpf(d.numerator) / d.denominator
            h = 2 * (u - mpmath.log1p(u))
            g = 2 * ((1 + u) * mpmath.log1p(u) - u)
            of_gamma, of_poisson = float(h), float(g)
        for loss, exact in (
            (fl.gamma_deviance, np.full(m.size, of_gamma)),
            (fl.poisson_deviance, m * of_poisson),
            (fl.TweedieDeviance(power=2), np.full(m.size, of_gamma)),
        ):
            got = outputs(loss, y, m)[0]
            np.testing.assert_allclose(got, exact, rtol=3 * EPS[dtype])
            assert np.all(got > 0)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize(
    "loss", [fl.poisson_deviance, fl.gamma_deviance, fl.tweedie_deviance]
)
def test_deviances_near_their_labels(loss: fl.Loss, dtype: type, isa: str) -> None:
    """Within a quarter, where terms cancel and a few of their digits are left."""
    step = np.ldexp(1.5, -np.arange(3, 21))
    apart = np.concatenate([step, -step])
    x = np.repeat(np.linspace(1.1, 1.9, 9), apart.size).astype(dtype)
    y = (x * (1 + np.tile(apart, 9))).astype(dtype)
    error = oracle.truth(loss, "value", y, x).error(
        oracle.calculate(loss, "value", y, x)
    )
    assert np.max(error) <= 2 + (dtype == np.float64)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_deviances_are_not_negative(dtype: type, isa: str) -> None:
    random = np.random.RandomState(8)
    m = np.exp(20 * random.standard_normal(20_000)).astype(dtype)
    y = (m * (1 + 0.01 * random.standard_normal(m.size))).astype(dtype)
    for loss in (fl.poisson_deviance, fl.gamma_deviance):
        assert np.all(outputs(loss, y, m)[0] >= 0)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_factors_out_of_range_have_products_in_range(dtype: type, isa: str) -> None:
    """exp(-x) is infinite where y exp(-x) is not, and the other way round."""
    tiny = float(np.finfo(dtype).smallest_subnormal)
    y = np.full(40, tiny, dtype)
    x = np.full(40, math.log(tiny) - 3, dtype)
    expected = float(mpmath.mpf(tiny) * mpmath.exp(-mpmath.mpf(float(x[0]))))
    np.testing.assert_allclose(
        fl.gamma.grad_and_hess(y, x)[1] * 40, expected, rtol=1e-6
    )
    x = np.full(40, 2 * (math.log(tiny) - 3), dtype)
    expected = float(mpmath.mpf(tiny) * mpmath.exp(-0.5 * mpmath.mpf(float(x[0]))))
    grad = fl.Tweedie(reduction="none").grad(y, x)
    np.testing.assert_allclose(grad, -expected, rtol=1e-6)
