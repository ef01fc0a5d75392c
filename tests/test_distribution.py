"""Losses of predicted distributions: conventions, limits, tails and errors."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import oracle
import pytest

import fastloss as fl

dtypes = pytest.mark.parametrize("dtype", oracle.DTYPES)
SCORES = [fl.crps_normal, fl.crps_laplace, fl.crps_logistic]
scores = pytest.mark.parametrize("loss", SCORES, ids=lambda loss: loss.name)


def everything(loss: fl.Loss, y: Any, heads: Any, **options: Any) -> tuple[Any, ...]:
    """Value of each sample, both gradients and both Hessians."""
    options = {"reduction": "none", **options}
    grads, hesses = loss.grad_and_hess(y, heads, **options)
    return loss(y, heads, **options), *grads, *hesses


def test_logarithms_of_variances_mean_variances(isa: str) -> None:
    random = np.random.default_rng(1)
    y, mean, log = random.normal(size=(3, 50)) * 3
    for full in (False, True):
        value, dmean, dlog, hmean, _ = everything(
            fl.gaussian_nll, y, (mean, log), log_variance=True, full=full
        )
        expected = everything(
            fl.gaussian_nll, y, (mean, np.exp(log)), eps=0.0, full=full
        )
        np.testing.assert_allclose(value, expected[0], 1e-12, 1e-14)
        np.testing.assert_allclose(dmean, expected[1], 1e-13)
        np.testing.assert_allclose(dlog, expected[2] * np.exp(log), 1e-11, 1e-13)
        np.testing.assert_allclose(hmean, expected[3], 1e-13)


@dtypes
def test_logarithms_of_variances_far_out(dtype: type, isa: str) -> None:
    y, mean = np.zeros(3, dtype), np.array([0, 1, 2], dtype)
    log = np.array([-np.inf, np.inf, -80], dtype)
    value, dmean, dlog, _, hlog = everything(
        fl.GaussianNLL(log_variance=True), y, (mean, log)
    )
    np.testing.assert_array_equal(value[:2], [-np.inf, np.inf])
    np.testing.assert_array_equal(dmean[:2], 0)
    np.testing.assert_array_equal(dlog[:2], 0.5)
    np.testing.assert_array_equal(hlog[:2], 0)
    assert hlog[2] == pytest.approx(2 * math.exp(80), rel=1e-6)


def test_laplace_by_hand(isa: str) -> None:
    y, loc, scale = [1.0, 1.0, 1.0, 1.0], [1.0, 3.0, 0.0, 1.0], [2.0, 0.5, 1.0, 0.0]
    value, dloc, dscale, hloc, hscale = everything(
        fl.laplace_nll, y, (loc, scale), eps=0.25
    )
    expected = np.log([2, 0.5, 1, 0.25]) + np.array([0, 4, 1, 0])
    np.testing.assert_allclose(value, expected, 1e-15)
    np.testing.assert_array_equal(dloc, [0, 2, -1, 0])  # 0 at the kink
    np.testing.assert_array_equal(dscale, [0.5, -6, 0, 4])  # at the clipped scale
    np.testing.assert_array_equal(hloc, 0)
    np.testing.assert_array_equal(hscale, [-0.25, 28, 1, -16])
    full = fl.laplace_nll(y, (loc, scale), eps=0.25, full=True, reduction="none")
    np.testing.assert_allclose(full - value, math.log(2), 1e-13)


def test_student_of_one_degree_is_cauchy(isa: str) -> None:
    y, loc, scale = 1.0, 3.0, 0.5
    value, dloc, dscale, _, _ = everything(
        fl.student_t, y, (loc, scale), nu=1.0, full=True
    )
    assert value == pytest.approx(math.log(math.pi * scale * 17), rel=1e-15, abs=0)
    assert dloc == pytest.approx(2 * 2 / (0.25 + 4), rel=1e-15, abs=0)
    assert dscale == pytest.approx((0.25 - 4) / (0.5 * 4.25), rel=1e-15, abs=0)


@pytest.mark.parametrize("nu", [1e-3, 0.5, 3.0, 3.5, 4.25, 17.0, 1e4, 1e9, 1e300])
def test_the_constant_of_student(nu: float, isa: str) -> None:
    with mpmath.workdps(400):
        a = mpmath.mpf(nu) / 2
        exact = mpmath.loggamma(a) - mpmath.loggamma(a + 0.5)
        exact += mpmath.log(mpmath.pi * nu) / 2
        found = fl.student_t(0.0, (0.0, 1.0), nu=nu, full=True)
        assert found == pytest.approx(float(exact), rel=1e-15, abs=1e-15)


@dtypes
def test_student_far_out(dtype: type, isa: str) -> None:
    """Where the square of a ratio overflows nothing else does."""
    large = np.finfo(dtype).max / 8
    value, dloc, dscale, hloc, hscale = everything(
        fl.student_t, np.zeros(1, dtype), (np.array([large]), np.ones(1, dtype))
    )
    assert value == pytest.approx(5 * math.log(float(large) / 2), rel=1e-6)
    assert dloc == pytest.approx(5 / float(large), rel=1e-6, abs=0)
    assert dscale == -4
    assert abs(hloc) <= 5 / float(large)
    assert hscale == 4


def count_likelihood(y: int, m: float, r: float) -> tuple[float, float]:
    """Value without the term of y, and slope by r, as sums over the counts below y."""
    m, r = mpmath.mpf(m), mpmath.mpf(r)
    value = r * mpmath.log1p(m / r) - y * mpmath.log(m)
    slope = mpmath.log1p(m / r) - (m - y) / (r + m)
    for k in range(y):
        value += mpmath.log((r + m) / (r + k))
        slope -= 1 / (r + k)
    return float(value), float(slope)


@pytest.mark.parametrize("r", [1e-3, 0.7, 1.9, 2.0, 2.1, 40.0, 1e5, 1e9])
@pytest.mark.parametrize("y", [0, 1, 2, 3, 300])
def test_negative_binomial_as_a_sum(y: int, r: float, isa: str) -> None:
    for m in (0.25, 3.0, 299.0):
        with mpmath.workdps(60):
            value, slope = count_likelihood(y, m, r)
        assert fl.negative_binomial(float(y), (m, r)) == pytest.approx(
            value, rel=1e-13, abs=1e-13
        )
        got = fl.negative_binomial.grad(float(y), (m, r))[1]
        size = max(m, y) ** 2 / r / max(r, 1)
        assert got == pytest.approx(slope, rel=1e-12, abs=1e-15 * max(size, 1 / r))
        full = fl.negative_binomial(float(y), (m, r), full=True)
        assert full == pytest.approx(value + math.lgamma(y + 1), rel=1e-13, abs=1e-12)


def test_negative_binomial_of_large_counts_keeps_its_digits(isa: str) -> None:
    y, r = 1e12, 1e10
    with mpmath.workdps(60):
        found = [
            mpmath.loggamma(r) - mpmath.loggamma(r + y) + mpmath.loggamma(y + 1),
            (r + y) * mpmath.log(mpmath.mpf(r + y)) - r * mpmath.log(mpmath.mpf(r)),
            -y * mpmath.log(mpmath.mpf(y)),
        ]
        exact = float(sum(found))
    full = fl.negative_binomial(y, (y, r), full=True)
    assert full == pytest.approx(exact, rel=1e-14, abs=0)


def test_negative_binomial_of_infinite_count_is_poisson(isa: str) -> None:
    y, m = np.array([0.0, 1, 7]), np.array([0.5, 3, 6])
    value, dm, dr, hm, hr = everything(fl.negative_binomial, y, (m, np.full(3, np.inf)))
    np.testing.assert_allclose(value, m - y * np.log(m), 1e-14)
    np.testing.assert_allclose(dm, 1 - y / m, 1e-14)
    np.testing.assert_allclose(hm, y / m**2, 1e-14, 1e-300)
    np.testing.assert_array_equal([dr, hr], 0)


def test_negative_binomial_of_nothing(isa: str) -> None:
    """Count 0: its own limit at mean 0, and clipped numbers elsewhere."""
    value, dm, _, hm, _ = everything(
        fl.negative_binomial, np.zeros(2), (np.zeros(2), np.array([2.0, 0.5])), eps=0.0
    )
    np.testing.assert_array_equal(value, 0)
    np.testing.assert_array_equal(dm, 1)
    np.testing.assert_array_equal(hm, [-0.5, -2])
    clipped = fl.negative_binomial(3.0, (0.0, 0.0), eps=0.5)
    assert clipped == fl.negative_binomial(3.0, (0.5, 0.5))


@scores
@dtypes
def test_scores_without_spread_are_absolute_errors(
    loss: fl.Loss, dtype: type, isa: str
) -> None:
    y, at = np.array([1, 2, 5], dtype), np.array([1, 4, -1], dtype)
    value, dloc, dscale, hloc, hscale = everything(loss, y, (at, np.zeros(3, dtype)))
    np.testing.assert_array_equal(value, [0, 2, 6])
    np.testing.assert_array_equal(dloc, [0, 1, -1])
    far = {"crps_normal": -1 / math.sqrt(math.pi), "crps_laplace": -0.75}
    np.testing.assert_allclose(dscale[1:], far.get(loss.name, -1.0), 1e-6)
    np.testing.assert_array_equal(hloc, [np.inf, 0, 0])
    np.testing.assert_array_equal(hscale[1:], 0)


@scores
@dtypes
def test_scores_of_infinities(loss: fl.Loss, dtype: type, isa: str) -> None:
    y = np.array([0, np.inf, 0], dtype)
    heads = np.array([np.inf, 1, 1], dtype), np.array([1, 1, np.inf], dtype)
    value, dloc, _, hloc, _ = everything(loss, y, heads)
    np.testing.assert_array_equal(value, np.inf)
    np.testing.assert_array_equal(dloc[:2], [1, -1])
    assert abs(dloc[2]) == 0
    np.testing.assert_array_equal(hloc, 0)


@scores
def test_curves_of_scores_keep_their_digits_in_the_tails(
    loss: fl.Loss, isa: str
) -> None:
    """Without what rounding takes from a ratio, ulps are lost in proportion to it."""
    random = np.random.default_rng(3)
    ratio = random.uniform(20, 36 if loss is fl.crps_normal else 600, 30)
    scale = random.uniform(0.5, 2, 30)
    r = ratio * scale
    got = loss.grad_and_hess(np.zeros(30), (r, scale), reduction="sum")[1][0]
    for k in range(30):
        with mpmath.workdps(60):
            q = mpmath.mpf(r[k]) / mpmath.mpf(scale[k])
            t = mpmath.exp(-q)
            curve = {
                "crps_normal": mpmath.npdf(q) * 2,
                "crps_laplace": t,
                "crps_logistic": 2 * t / (1 + t) ** 2,
            }[loss.name] / mpmath.mpf(scale[k])
            assert got[k] == pytest.approx(float(curve), rel=2e-15, abs=0)


def test_interval_score_at_its_ends(isa: str) -> None:
    y = np.array([1.0, 2.0, 0.0, 3.0, 1.5, np.nan])
    low, high = np.full(6, 1.0), np.full(6, 2.0)
    value, dlow, dhigh, hlow, hhigh = everything(
        fl.interval_score, y, (low, high), alpha=0.5
    )
    np.testing.assert_array_equal(value, [1, 1, 5, 5, 1, np.nan])
    np.testing.assert_array_equal(dlow, [-1, -1, 3, -1, -1, np.nan])
    np.testing.assert_array_equal(dhigh, [1, 1, 1, -3, 1, np.nan])
    np.testing.assert_array_equal(hlow, [0] * 5 + [np.nan])
    np.testing.assert_array_equal(hhigh, [0] * 5 + [np.nan])


def test_interval_score_is_two_quantile_losses() -> None:
    random = np.random.default_rng(2)
    y, low, high = random.normal(size=(3, 40))
    alpha = 0.3

    def quantile(p: Any, q: float) -> Any:
        return np.maximum(q * (y - p), (q - 1) * (y - p))

    both = quantile(low, alpha / 2) + quantile(high, 1 - alpha / 2)
    score = fl.interval_score(y, (low, high), alpha=alpha, reduction="none")
    np.testing.assert_allclose(score, 2 / alpha * both, 1e-13)


two = np.ones(2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: fl.laplace_nll(two, (two, [1.0, -1.0])),
            ValueError,
            r"scale\[1\] = -1\.0 is negative",
        ),
        (
            lambda: fl.student_t(two, (two, [1.0, -1.0])),
            ValueError,
            r"scale\[1\] = -1\.0 is negative",
        ),
        (
            lambda: fl.negative_binomial(two, ([-1.0, 1.0], two)),
            ValueError,
            r"mean\[0\] = -1\.0 is negative",
        ),
        (
            lambda: fl.negative_binomial([1.0, -2.0], (two, two)),
            ValueError,
            r"y_true\[1\] = -2\.0 is negative",
        ),
        (
            lambda: fl.negative_binomial(two, (two, -two)),
            ValueError,
            r"total_count\[0\] = -1\.0 is negative",
        ),
        (
            lambda: fl.crps_normal(two, (two, -two)),
            ValueError,
            r"std\[0\] = -1\.0 is negative",
        ),
        (
            lambda: fl.crps_logistic(two, (two, -two)),
            ValueError,
            r"scale\[0\] = -1\.0 is negative",
        ),
        (
            lambda: fl.interval_score(two, (two, np.ones(3))),
            ValueError,
            r"upper has shape \(3,\), lower \(2,\)",
        ),
        (lambda: fl.StudentT(nu=0), ValueError, r"nu = 0 is not a number in \(0"),
        (lambda: fl.StudentT(full=1), TypeError, r"full = 1 is neither True nor"),
        (lambda: fl.LaplaceNLL(eps=-1), ValueError, r"eps = -1 is not a number in \["),
        (
            lambda: fl.IntervalScore(alpha=1.0),
            ValueError,
            r"alpha = 1\.0 is not a number in \(0, 1\)",
        ),
        (
            lambda: fl.GaussianNLL(log_variance=0),
            TypeError,
            r"log_variance = 0 is neither True nor",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
