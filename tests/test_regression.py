"""Losses of real numbers: kinks, options and limits, worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import oracle
import pytest
from test_conventions import EPS, INF, NAN, Row, check

import fastloss as fl


def kinks(dtype: type) -> Iterator[tuple[fl.Loss, list[Row]]]:
    """Losses with points on a kink, beside it and away from it."""
    e = EPS[dtype]  # 1 + e follows on 1, 1 - e/2 comes before it
    far = 2.0 ** (500 if dtype is np.float64 else 100)  # squares are out of range
    yield (
        fl.half_squared_error,
        [
            (3, 3, 0, 0, 1),
            (1, 4, 4.5, 3, 1),
            (1, -1, 2, -2, 1),
            (0, -INF, INF, -INF, 1),
        ],
    )
    yield (
        fl.SmoothL1(beta=0.5),
        [
            (0, 0.25, 0.0625, 0.5, 2),
            (0, -0.25, 0.0625, -0.5, 2),
            (0, 0.5, 0.25, 1, 0),
            (0, -0.5, 0.25, -1, 0),
            (0, 0.5 - e / 4, 0.25 - e / 4, 1 - e / 2, 2),
            (1, 3, 1.75, 1, 0),
            (3, 3, 0, 0, 2),
            (0, -INF, INF, -1, 0),
        ],
    )
    absolute: list[Row] = [
        (0, 0, 0, 0, 0),
        (1, 1 + e, e, 1, 0),
        (1, 1 - e / 2, e / 2, -1, 0),
        (2, -1, 3, -1, 0),
        (0, INF, INF, 1, 0),
    ]
    yield fl.SmoothL1(beta=0), absolute
    yield (
        fl.Quantile(q=0.75),
        [
            (3, 3, 0, 0, 0),
            (1, 3, 0.5, 0.25, 0),
            (3, 1, 1.5, -0.75, 0),
            (0, e, e / 4, 0.25, 0),
            (0, -e, 0.75 * e, -0.75, 0),
            (0, INF, INF, 0.25, 0),
            (0, -INF, INF, -0.75, 0),
        ],
    )
    yield (
        fl.Quantile(q=0.75, delta=0.5),
        [
            (3, 3, 0, 0, 1.5),
            (0, 0.25, 0.015625, 0.125, 0.5),
            (0, -0.25, 0.046875, -0.375, 1.5),
            (0, 0.5, 0.0625, 0.25, 0),
            (0, -0.5, 0.1875, -0.75, 0),
            (0, 2, 0.4375, 0.25, 0),
        ],
    )
    yield (
        fl.Expectile(tau=0.75),
        [
            (3, 3, 0, 0, 0.5),
            (1, 3, 1, 1, 0.5),
            (3, 1, 3, -3, 1.5),
            (0, -e, 0.75 * e * e, -1.5 * e, 1.5),
            (0, INF, INF, INF, 0.5),
        ],
    )
    yield (
        fl.MeanAbsolutePercentageError(scale=100, eps=0.5),
        [
            (2, 3, 50, 50, 0),
            (-2, -3, 50, -50, 0),
            (4, 4, 0, 0, 0),
            (0, 1, 200, 200, 0),
            (0.5, 0, 100, -200, 0),
            (0.25, 0, 50, -200, 0),
            (-1, INF, INF, 100, 0),
        ],
    )
    yield (
        fl.EpsilonInsensitive(epsilon=1),
        [
            (0, 1, 0, 0, 0),
            (0, -1, 0, 0, 0),
            (0, 1 + e, e, 1, 0),
            (0, -1 - e, e, -1, 0),
            (0, 1 - e / 2, 0, 0, 0),
            (1, 4, 2, 1, 0),
            (3, 3, 0, 0, 0),
            (0, -INF, INF, -1, 0),
        ],
    )
    yield fl.EpsilonInsensitive(epsilon=0), absolute
    yield (
        fl.EpsilonInsensitive(epsilon=1, squared=True),
        [
            (0, 1, 0, 0, 0),
            (0, 1 + e, e * e, 2 * e, 2),
            (0, -1 - e, e * e, -2 * e, 2),
            (1, 4, 4, 4, 2),
            (4, 1, 4, -4, 2),
            (0, INF, INF, INF, 2),
        ],
    )
    yield (
        fl.Tukey(c=2),
        [
            (0, 2, 2 / 3, 0, 0),
            (0, -2, 2 / 3, 0, 0),
            (0, 3, 2 / 3, 0, 0),
            (0, far, 2 / 3, 0, 0),
            (0, -INF, 2 / 3, 0, 0),
            (0, 0, 0, 0, 1),
        ],
    )
    yield fl.msle, [(1, 1, 0, 0, 0.5), (3, 3, 0, 0, 0.125), (0, INF, INF, 0, 0)]
    yield fl.Cauchy(c=2), [(1, 1, 0, 0, 1), (0, -INF, INF, 0, 0)]
    yield (
        fl.Welsch(c=2),
        [(1, 1, 0, 0, 1), (0, 1e9, 2, 0, 0), (0, -INF, 2, 0, 0), (0, INF, 2, 0, 0)],
    )
    yield (
        fl.GemanMcClure(c=2),
        [(0, 2, 1, 0.5, -0.25), (0, -2, 1, -0.5, -0.25), (0, -INF, 2, 0, 0)],
    )
    yield fl.Fair(c=2), [(1, 1, 0, 0, 1), (0, INF, INF, 2, 0), (0, -INF, INF, -2, 0)]
    yield (
        fl.Barron(alpha=2, c=2.0),
        [(0, 1, 0.125, 0.25, 0.25), (0, INF, INF, INF, 0.25)],
    )
    yield fl.Barron(alpha=1, c=2.0), [(1, 1, 0, 0, 0.25), (0, -INF, INF, -0.5, 0)]
    yield fl.Barron(alpha=0, c=2.0), [(1, 1, 0, 0, 0.25), (0, INF, INF, 0, 0)]
    yield fl.Barron(alpha=-2, c=2.0), [(1, 1, 0, 0, 0.25), (0, INF, 2, 0, 0)]
    yield (
        fl.Barron(alpha=-INF, c=2.0),
        [(2, 2, 0, 0, 0.25), (0, -INF, 1, 0, 0), (0, 1e9, 1, 0, 0)],
    )


WAYS = [(dtype, i) for dtype in oracle.DTYPES for i in range(len([*kinks(np.float32)]))]


@pytest.mark.parametrize(("dtype", "number"), WAYS)
def test_kinks(dtype: type, number: int, isa: str) -> None:
    loss, rows = [*kinks(dtype)][number]
    for size in (1, 17, 65, 1100):
        some = [rows[i % len(rows)] for i in range(size)]
        check(loss, *np.array(some).T.astype(dtype))


@pytest.mark.parametrize(("dtype", "number"), WAYS)
def test_nan_beside_kinks(dtype: type, number: int, isa: str) -> None:
    """NaN labels and predictions make NaN in their own entries alone."""
    loss, rows = [*kinks(dtype)][number]
    some = np.array([rows[i % len(rows)] for i in range(200)], float)
    some[::7, 0] = NAN
    some[3::7, 1] = NAN
    some[::7, 2:] = some[3::7, 2:] = NAN
    check(loss, *some.T.astype(dtype))


#: A residual, and what comes out, of which some digits are rounded.
POINTS: list[tuple[fl.Loss, float, float, float, float]] = [
    (fl.Tukey(c=2), 1, (1 - 0.75**3) * 2 / 3, 0.5625, -0.1875),
    (fl.Cauchy(c=2), 2, 2 * math.log(2), 1, 0),
    (fl.Cauchy(c=2), -6, 2 * math.log(10), -0.6, -0.08),
    (fl.Welsch(c=2), 2, 2 - 2 / math.e, 2 / math.e, -1 / math.e),
    (fl.GemanMcClure(c=2), 6, 1.8, 0.06, -0.026),
    (fl.Fair(c=2), -2, 4 - 4 * math.log(2), -1, 0.25),
    (fl.Fair(c=2), 6, 12 - 4 * math.log(4), 1.5, 0.0625),
    (fl.Barron(alpha=1, c=2), 1.5, 0.25, 0.3, 0.128),
    (fl.Barron(alpha=0, c=2), 4, math.log(3), 1 / 3, -1 / 36),
    (fl.Barron(alpha=-2, c=2), 4, 1, 0.25, -0.0625),
    (
        fl.Barron(alpha=1.5, c=2),
        1,
        (1.5**0.75 - 1) / 3,
        0.25 / 1.5**0.25,
        1.25 / 4 / 1.5**1.25,
    ),
]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_points(dtype: type, isa: str) -> None:
    for loss, r, value, grad, hess in POINTS:
        y, x = np.array([0.25], dtype), np.array([0.25 + r], dtype)
        slope, curve = loss.grad_and_hess(y, x)
        expected = [value, grad, hess]
        for got, number in zip((loss(y, x), slope, curve), expected, strict=True):
            np.testing.assert_allclose(got, number, 5 * EPS[dtype], EPS[dtype] / 4)


RANDOM = np.random.RandomState(3)
Y, P = RANDOM.standard_normal((2, 300))


def same(first: fl.Loss, second: fl.Loss, factor: float = 1.0) -> None:
    """Whether one loss is the other, times a factor."""
    got = first(Y, P), *first.grad_and_hess(Y, P)
    expected = second(Y, P), *second.grad_and_hess(Y, P)
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(ours, np.multiply(theirs, factor), 1e-13, 1e-18)


def test_losses_that_are_others() -> None:
    same(fl.half_squared_error, fl.mse, 0.5)
    same(fl.SmoothL1(beta=0.3), fl.Huber(delta=0.3), 1 / 0.3)
    same(fl.SmoothL1(beta=0), fl.mae)
    same(fl.Quantile(q=0.5), fl.mae, 0.5)
    same(fl.Quantile(q=0.5, delta=0.3), fl.SmoothL1(beta=0.3), 0.5)
    same(fl.Expectile(tau=0.5), fl.half_squared_error)
    same(fl.EpsilonInsensitive(epsilon=0, squared=True), fl.mse)
    same(fl.Barron(alpha=2, c=0.7), fl.half_squared_error, 0.7**-2)
    same(fl.Barron(alpha=1, c=0.7), fl.PseudoHuber(delta=0.7), 0.7**-2)
    same(fl.Barron(alpha=0, c=0.7), fl.Cauchy(c=0.7 * 2**0.5), 0.7**-2)
    same(fl.Barron(alpha=-2, c=0.7), fl.GemanMcClure(c=2 * 0.7), 0.7**-2)
    same(fl.Barron(alpha=-INF, c=0.7), fl.Welsch(c=0.7 * 2**0.5), 0.7**-2)


@pytest.mark.parametrize("alpha", [0.0, -INF])
def test_a_limit_of_barron_is_near_its_neighbours(alpha: float) -> None:
    near = fl.Barron(alpha=1e-12 if alpha == 0 else -1e12)
    got, limit = near(Y, P, reduction="none"), fl.barron(Y, P, alpha=alpha)
    np.testing.assert_allclose(np.mean(got), limit, 1e-10)


@pytest.mark.parametrize("alpha", [0.001, -0.001])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_small_powers_of_infinite_residuals(
    alpha: float, dtype: type, isa: str
) -> None:
    x = np.array([np.inf, -np.inf], dtype)
    limit = np.inf if alpha > 0 else (2 - alpha) / -alpha
    got = fl.barron(np.zeros_like(x), x, alpha=alpha, reduction="none")
    np.testing.assert_allclose(got, [limit, limit], rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("alpha", [2.0, 1.5, 1.0, 0.5, 0.0, -1.0, -10.0, -1e6, -INF])
def test_shapes_of_barron(alpha: float, dtype: type, isa: str) -> None:
    """Also those that the defaults leave out, to the usual limits."""
    loss = fl.Barron(alpha=alpha, c=1.5)
    y, x = oracle.samples("barron", dtype, "hard", (1.5,))[0]
    y, x = y[::29], x[::29]
    numbers = oracle.NUMBERS[dtype]
    exact = {"alpha": numbers.mpf(max(alpha, -1.5e300)), "c": numbers.mpf(1.5)}
    arguments = numbers.exactly(y), numbers.exactly(x)
    formulas = fl.reference.Barron
    for output, most in (("value", 2.0), ("grad", 2.5), ("hess", 4.0)):
        size = formulas.hess_size(*arguments, **exact) if output == "hess" else None
        true = getattr(formulas, output)(*arguments, **exact)
        error = oracle.Truth.of(true, dtype, size).error(
            oracle.calculate(loss, output, y, x)
        )
        assert error.max() <= most + (dtype == np.float64), (output, error.max())


def test_a_quantile_is_where_its_loss_is_smallest() -> None:
    y = np.sort(RANDOM.standard_normal(101))
    for q in (0.1, 0.5, 0.93):
        costs = [fl.quantile(y, np.full_like(y, at), q=q) for at in y]
        assert y[int(np.argmin(costs))] == np.quantile(y, q, method="inverted_cdf")


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        (fl.SmoothL1, "beta", -1e-300),
        (fl.Quantile, "q", 0),
        (fl.Quantile, "q", 1),
        (fl.Quantile, "delta", -1.0),
        (fl.Expectile, "tau", 0),
        (fl.Expectile, "tau", 1.0),
        (fl.MeanAbsolutePercentageError, "eps", 0),
        (fl.MeanAbsolutePercentageError, "scale", -1),
        (fl.EpsilonInsensitive, "epsilon", -0.1),
        (fl.Tukey, "c", 0),
        (fl.Cauchy, "c", INF),
        (fl.Barron, "alpha", 2.5),
        (fl.Barron, "alpha", NAN),
    ],
)
def test_ends_that_do_not_belong(cls: type[fl.Loss], name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name} = .* is not a number in"):
        cls(**{name: value})


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_logarithms_of_1_more(dtype: type, isa: str) -> None:
    """Everything above -1 is a label and a prediction, and nothing else."""
    y, x = np.zeros(40, dtype), np.full(40, 0.5, dtype)
    for array, name in ((y, "y_true"), (x, "y_pred")):
        array[33] = np.nextafter(dtype(-1), dtype(0))
        assert np.isfinite(fl.msle(y, x))
        for bad in (-1.0, -3.0):
            array[33] = bad
            with pytest.raises(ValueError, match=rf"{name}\[33\] = {bad:g}.*above -1"):
                fl.msle(y, x)
        array[33] = 0


def test_names_elsewhere() -> None:
    assert fl.get("torch:SmoothL1Loss") == fl.smooth_l1
    assert fl.get("lightgbm:quantile") == fl.Quantile(q=0.9)
    assert fl.get("squared_epsilon_insensitive").squared
    assert fl.get("catboost:MAPE").eps == 1
    keras = fl.get("keras:MeanAbsolutePercentageError")
    assert (keras.scale, keras.eps) == (100, 1e-7)
