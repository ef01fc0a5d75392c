"""Losses of times: what is known by hand, far out, and where formulas meet."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import oracle
import pytest
import structured

import fastloss as fl

Array = np.ndarray[Any, Any]

DISTRIBUTIONS = ("normal", "logistic", "extreme")
distributions = pytest.mark.parametrize("distribution", DISTRIBUTIONS)
dtypes = pytest.mark.parametrize("dtype", oracle.DTYPES)


def everything(low: Any, high: Any, x: Any, **parameters: Any) -> tuple[Array, ...]:
    """Values, first and second derivatives, a sample each."""
    loss = fl.AFT(reduction="none", **parameters)
    value, grad = loss.value_and_grad((low, high), x)
    return value, grad, loss.grad_and_hess((low, high), x)[1]


def log_chance(
    distribution: str, low: float, high: float, x: Any, sigma: float
) -> mpmath.mpf:
    """The loss as a sum of integrals of the density, or of what it leaves."""

    def later(t: float) -> Any:
        z = (mpmath.log(t) - x) / sigma if t else -mpmath.inf
        if distribution == "normal":
            return mpmath.erfc(z / mpmath.sqrt(2)) / 2
        if distribution == "logistic":
            return 1 / (1 + mpmath.exp(z))
        return mpmath.exp(-mpmath.exp(z))

    if low == high:
        return -mpmath.log(
            -mpmath.diff(later, mpmath.mpf(low), h=mpmath.mpf(10) ** -60)
        )
    return -mpmath.log(later(low) - (later(high) if math.isfinite(high) else 0))


@distributions
def test_aft_is_minus_the_logarithm_of_a_chance(distribution: str, isa: str) -> None:
    """Derivatives are differences of the chance in multi-precision."""
    inf = math.inf
    bounds = [
        (2.0, 2.0),
        (0.0, 3.0),
        (0.5, inf),
        (1.0, 1.25),
        (0.25, 9.0),
        (3.0, 3.001),
    ]
    for sigma in (1.0, 0.375):
        for low, high in bounds:
            for x in (-1.5, 0.25, 2.0):
                value, grad, hess = everything(
                    low, high, x, distribution=distribution, sigma=sigma
                )
                with mpmath.workdps(200):
                    h = mpmath.mpf(10) ** -20
                    at = [
                        log_chance(
                            distribution, low, high, mpmath.mpf(x) + k * h, sigma
                        )
                        for k in (-1, 0, 1)
                    ]
                    slope = (at[2] - at[0]) / (2 * h)
                    curve = (at[2] - 2 * at[1] + at[0]) / h**2
                    expected = [float(n) for n in (at[1], slope, curve)]
                near = {"rel": 1e-14, "abs": 2e-15}
                assert float(value) == pytest.approx(expected[0], **near)
                assert float(grad) == pytest.approx(expected[1], **near)
                assert float(hess) == pytest.approx(expected[2], **near)


@dtypes
def test_aft_by_hand(dtype: type, isa: str) -> None:
    """Known times at their location, and bounds that say nothing."""
    x, one = np.zeros(2, dtype), np.ones(2, dtype)
    low, high = np.array([1, 0], dtype), np.array([1, np.inf], dtype)
    for distribution, value, grad, hess in (
        ("normal", math.log(2 * math.pi) / 2, 0, 1),
        ("logistic", 2 * math.log(2), 0, 0.5),
        ("extreme", 1, 0, 1),
    ):
        got = everything(low, high, x, distribution=distribution)
        np.testing.assert_allclose(got[0], [value, 0], 1e-6, 0)
        np.testing.assert_array_equal(got[1], [grad, 0])
        np.testing.assert_array_equal(got[2], [hess, 0])
        # sigma t of the density: a time of another unit costs its logarithm
        scaled = everything(4 * one, 4 * one, x + np.log(dtype(4)), sigma=0.5)
        np.testing.assert_allclose(
            scaled[0], math.log(2 * math.pi) / 2 + math.log(2), 1e-6
        )
    # half of a distribution with a median at its location
    for distribution in ("normal", "logistic"):
        for bounds in ((0 * one, one), (one, one * np.inf)):
            got = everything(*bounds, x, distribution=distribution)
            np.testing.assert_allclose(got[0], math.log(2), 1e-6)


@dtypes
def test_aft_far_out(dtype: type, isa: str) -> None:
    """No 0/0: chances that are no numbers have logarithms and slopes."""
    one, far = np.ones(1, dtype), np.full(1, 1000, dtype)
    later, earlier = (one, one * dtype(np.inf)), (0 * one, one)
    tight = {"rtol": 4 * np.finfo(dtype).eps}
    z = 1000.0
    log_tail = z * z / 2 + math.log(z * math.sqrt(2 * math.pi)) + 1e-6
    for bounds, x, sign in ((later, -far, -1), (earlier, far, 1)):
        value, grad, hess = everything(*bounds, x)
        np.testing.assert_allclose(value, log_tail, **tight)
        np.testing.assert_allclose(grad, sign * (z + 1 / z - 2 / z**3), **tight)
        np.testing.assert_allclose(hess, 1 - 1 / z**2 + 6 / z**4, **tight)
        value, grad, hess = everything(*bounds, x, distribution="logistic")
        np.testing.assert_allclose(value, z, **tight)
        np.testing.assert_array_equal(grad, sign)
        np.testing.assert_array_equal(hess, 0)
    value, grad, hess = everything(*earlier, far, distribution="extreme")
    np.testing.assert_allclose(value, z, **tight)
    np.testing.assert_array_equal(grad, 1)
    for bounds in (later, (one, 2 * one)):
        value, grad, hess = everything(*bounds, -far, distribution="extreme")
        np.testing.assert_array_equal([value, -grad, hess], np.inf)
    for bounds in (later, earlier):  # nothing is lost where nothing was learnt
        x = np.where(np.isinf(bounds[1]), far, -far).astype(dtype)
        for distribution in DISTRIBUTIONS:
            got = everything(*bounds, x, distribution=distribution)
            np.testing.assert_array_equal(np.abs(got), 0)


@dtypes
@distributions
def test_aft_of_infinite_and_missing_numbers(
    distribution: str, dtype: type, isa: str
) -> None:
    inf = np.inf
    low, high = np.array([1, 1, 0, 1], dtype), np.array([1, inf, 1, 2], dtype)
    for x in (inf, -inf):
        got = everything(low, high, np.full(4, x, dtype), distribution=distribution)
        assert not np.isnan(got[0]).any()
        lost = np.array([True, x < 0, x > 0, True])
        np.testing.assert_array_equal(got[0], np.where(lost, inf, 0))
    for bounds, x in (((1, 1), np.nan), ((np.nan, 1), 0), ((1, np.nan), 0)):
        one = np.ones(1, dtype)
        got = everything(
            bounds[0] * one, bounds[1] * one, x * one, distribution=distribution
        )
        np.testing.assert_array_equal(got, np.nan)


@distributions
def test_aft_of_bounds_that_close_in(distribution: str, isa: str) -> None:
    """The chance of a short interval is its length times the density."""
    t, x = 1.5, np.linspace(-3, 3, 40)
    known = everything(t + 0 * x, t + 0 * x, x, distribution=distribution)
    for k in (20, 30, 45):
        low, high = t * (1 - 2.0**-k), t * (1 + 2.0**-k)
        short = everything(low + 0 * x, high + 0 * x, x, distribution=distribution)
        length = math.log(high - low)
        tight = {"rtol": 4 * 2.0**-k + 1e-14, "atol": 4 * 2.0**-k + 1e-14}
        np.testing.assert_allclose(short[0] + length, known[0], **tight)
        np.testing.assert_allclose(short[1], known[1], **tight)
        np.testing.assert_allclose(short[2], known[2], **tight)


def test_aft_series_and_tails_meet(isa: str) -> None:
    """At intervals 1 wide, and where 2 is the product of width and middle."""
    for middle, width in ((0.25, 1.0), (1.9, 1.0), (4.0, 0.5), (20.0, 0.1)):
        for k in (-1, 1):
            w = width * (1 + k * 1e-9)
            low, high = math.exp(middle - w / 2), math.exp(middle + w / 2)
            if k == -1:
                before = everything(low, high, 0.0)
            else:
                for a, b in zip(before, everything(low, high, 0.0), strict=True):
                    assert float(a) == pytest.approx(float(b), rel=1e-7, abs=0)


def test_aft_bounds_are_compared_in_the_dtype_of_predictions() -> None:
    low, high = np.array([1.0]), np.array([1.0 + 1e-10])
    x = np.zeros(1, np.float32)
    known = fl.aft((low, low), x)
    assert fl.aft((low, high), x) == known
    assert fl.aft((low, high), x.astype(float)) > 20


def test_discrete_hazard_by_hand() -> None:
    """An event in interval 1, none up to 2, an event in the first."""
    logits = np.log([[1.0, 3, 1 / 3], [1, 3, 1 / 3], [3, 1, 1]])
    labels = [1, 2, 0], [1, 0, True]
    loss = fl.DiscreteHazard(reduction="none")
    value, grad = loss.value_and_grad(labels, logits)
    hess = loss.grad_and_hess(labels, logits)[1]
    chances = [1 / 2 * 3 / 4, 1 / 2 * 1 / 4 * 3 / 4, 3 / 4]
    np.testing.assert_allclose(value, -np.log(chances), rtol=1e-14)
    h = np.array([[1 / 2, 3 / 4, 0], [1 / 2, 3 / 4, 1 / 4], [3 / 4, 0, 0]])
    event = [[0, 1, 0], [0, 0, 0], [1, 0, 0]]
    np.testing.assert_allclose(grad, h - event, rtol=1e-14)
    np.testing.assert_allclose(hess, h * (1 - h), rtol=1e-14)
    np.testing.assert_allclose(loss.hvp(labels, logits, 2 + 0 * logits), 2 * hess)
    assert fl.discrete_hazard(labels, logits) == pytest.approx(value.mean(), rel=1e-15)


def test_discrete_hazard_is_crossentropy_of_what_was_seen() -> None:
    random = np.random.RandomState(5)
    logits = random.standard_normal((30, 7)).astype(np.float32)
    interval, event = random.randint(0, 7, 30), random.randint(0, 2, 30)
    at = np.arange(7) == interval[:, np.newaxis]
    seen = np.arange(7) <= interval[:, np.newaxis]
    pairs = at * event[:, np.newaxis], logits
    bce = fl.BinaryCrossentropy(from_logits=True, reduction="none")
    expected = np.where(seen, bce(*pairs), 0).sum(axis=1)
    loss = fl.DiscreteHazard(reduction="none")
    value, grad = loss.value_and_grad((interval, event), logits)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(grad, np.where(seen, bce.grad(*pairs), 0), rtol=1e-6)


def test_discrete_hazard_of_certain_and_missing_logits() -> None:
    """Nothing that was not seen counts."""
    logits = np.array([[-np.inf, np.inf, np.nan], [np.inf, 0, np.nan], [0, 0, np.nan]])
    loss = fl.DiscreteHazard(reduction="none")
    value, grad = loss.value_and_grad(([1, 0, 2], [1, 0, 1]), logits)
    np.testing.assert_array_equal(value, [0, np.inf, np.nan])
    np.testing.assert_array_equal(grad[:2], [[0, 0, 0], [1, 0, 0]])


@pytest.mark.parametrize(
    ("interval", "event", "message"),
    [
        ([0, 3], [1, 1], r"interval\[1\] = 3 is not an interval in \[0, 3\)"),
        ([0, -1], [1, 1], r"interval\[1\] = -1 is not an interval in \[0, 3\)"),
        ([0.5, 1], [1, 1], r"interval\[0\] = 0\.5 is not an interval in \[0, 3\)"),
        ([0, 1], [1, 0.5], r"event\[1\] = 0\.5 is neither 0 nor 1"),
        ([0], [1, 1], r"interval has shape \(1,\), the samples \(2,\)"),
    ],
)
def test_discrete_hazard_errors(interval: Any, event: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fl.discrete_hazard((interval, event), np.zeros((2, 3)))


class LateCohorts(structured.Cohorts):
    """Strata, and samples that enter late, some with risks far above all others."""

    sizes = (1, 13, 31, 64)

    def draw(
        self, dtype: type, n: int, random: np.random.RandomState
    ) -> tuple[tuple, dict]:
        (labels, x), _ = super().draw(dtype, n, random)
        time = labels[0]
        late = random.choice([-np.inf, 0.01, 0.3, 0.8], n)
        entry = np.where(random.rand(n) < 0.3, time.min() - 1, time - late)
        entry = np.minimum(entry, np.nextafter(time, -np.inf))
        x = np.where(late == 0.01, x + dtype(200), x)
        strata = random.randint(0, 2, n) if n % 2 else np.zeros(n)
        return (labels, x), {"strata": strata, "entry": entry}


LATE_COHORTS = LateCohorts()


@dtypes
@pytest.mark.parametrize("n", LateCohorts.sizes)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_of_strata_and_late_entry_is_accurate(
    ties: str, n: int, dtype: type, isa: str
) -> None:
    found = structured.errors(LATE_COHORTS, {"ties": ties}, dtype, n)
    for output, error in found.items():
        assert error <= 4, output


def cohort(n: int, seed: int) -> tuple[Array, ...]:
    """Time, event, risk, stratum and entry, with ties."""
    random = np.random.RandomState(seed)
    time = random.randint(2, 40, n) / 4
    entry = time - random.randint(1, 30, n) / 4 - 0.125
    risk = random.standard_normal(n)
    return time, random.rand(n) < 0.6, risk, random.randint(0, 3, n), entry


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_of_strata_is_the_sum_of_its_strata(ties: str) -> None:
    time, event, x, strata, entry = cohort(200, 1)
    weight = np.random.RandomState(2).randint(0, 4, 200)
    loss = fl.Cox(ties=ties, reduction="sum")
    names = np.array(["north", "south", "west"])[strata]
    for late in (None, entry):
        value, grad = loss.value_and_grad(
            (time, event), x, strata=names, entry=late, sample_weight=weight
        )
        hess = loss.grad_and_hess(
            (time, event), x, strata=names, entry=late, sample_weight=weight
        )[1]
        total = 0.0
        for s in range(3):
            own = strata == s
            part = {
                "entry": None if late is None else late[own],
                "sample_weight": weight[own],
            }
            labels = time[own], event[own]
            total += loss(labels, x[own], **part)
            np.testing.assert_allclose(grad[own], loss.grad(labels, x[own], **part))
            bends = loss.grad_and_hess(labels, x[own], **part)[1]
            np.testing.assert_allclose(hess[own], bends, rtol=1e-9, atol=1e-14)
        assert value == pytest.approx(total, rel=1e-13)


def test_cox_of_those_who_were_always_there() -> None:
    time, event, x, _, _ = cohort(300, 3)
    plain = fl.cox.value_and_grad((time, event), x)
    early = fl.cox.value_and_grad((time, event), x, entry=np.full(300, -np.inf))
    assert early[0] == pytest.approx(plain[0], rel=1e-14)
    np.testing.assert_allclose(early[1], plain[1], rtol=1e-11, atol=1e-16)


def test_cox_of_late_entry_by_hand() -> None:
    """Who enters at the time of an event is not there yet."""
    labels, entry = ([1.0, 2.0, 3.0], [1, 1, 1]), [0.0, 1.0, 1.5]
    e = np.exp([0.5, -1.0, 2.0])
    loss = fl.Cox(reduction="none")
    value, grad = loss.value_and_grad(labels, np.log(e), entry=entry)
    expected = [0, np.log((e[1] + e[2]) / e[1]), 0]
    np.testing.assert_allclose(value, expected, rtol=1e-14, atol=1e-16)
    share = e[2] / (e[1] + e[2])
    np.testing.assert_allclose(grad, [0, -share, share], rtol=1e-14, atol=1e-16)


def cox_by_definition(
    time: Array, event: Array, x: Array, entry: Array, ties: str
) -> tuple[Array, ...]:
    """Values, gradient and diagonal of the Hessian, and the sums of their terms.

    Every sum is over whom the definition names, in multi-precision.
    """
    n = len(x)
    value, slopes, bends, size = np.zeros((4, n), object)
    u = [mpmath.exp(mpmath.mpf(float(risk))) for risk in x]
    for at in np.unique(time[event]):
        there = np.flatnonzero((entry < at) & (at <= time))
        tied = np.flatnonzero((time == at) & event)
        steps = range(len(tied)) if ties == "efron" else [0] * len(tied)
        for k in steps:
            left = [1 - mpmath.mpf(k) / len(tied) * (j in tied) for j in there]
            s = mpmath.fsum(part * u[j] for part, j in zip(left, there, strict=True))
            value[tied] += mpmath.log(s) / len(tied)
            for part, j in zip(left, there, strict=True):
                p = part * u[j] / s
                slopes[j] += p
                bends[j] += p * (1 - p)
                size[j] += p
        value[tied] -= x[tied]
        slopes[tied] -= 1
        size[tied] += 1
    return value, slopes, bends, size


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_of_late_entry_and_ties_far_apart(ties: str, isa: str) -> None:
    """Risks of one time whose exponentials are up to 2^2000 apart, and near 2^200."""
    random = np.random.RandomState(7)
    n = 60
    time = random.randint(2, 9, n).astype(float)
    entry = time - random.choice([0.5, 1.5, 4.5], n)
    event = random.rand(n) < 0.7
    far = math.log(2) * np.array([-1000, -401, -399, -201, -199, 0, 199, 288, 1000])
    x = random.choice(far, n) + random.standard_normal(n)
    loss = fl.Cox(ties=ties, reduction="none")
    labels = time, event
    value, grad = loss.value_and_grad(labels, x, entry=entry)
    hess = loss.grad_and_hess(labels, x, entry=entry)[1]
    with mpmath.workdps(700):  # 1 - p where p is within 2^-2000 of 1
        known = cox_by_definition(time, event, x, entry, ties)
        known_value, slopes, bends, size = (part.astype(float) for part in known)
    eps = np.finfo(float).eps
    terms = np.abs(x) + np.abs(known_value + x)
    assert np.abs(known_value).max() > 288 * math.log(2)
    np.testing.assert_array_less(np.abs(value - known_value), 4 * eps * terms + 1e-320)
    np.testing.assert_array_less(np.abs(grad - slopes), 4 * eps * size + 1e-320)
    np.testing.assert_array_less(np.abs(hess - bends), 8 * eps * size + 1e-320)


def test_cox_takes_sequences_with_strata_and_entry() -> None:
    rows = [cohort(150, seed) for seed in (5, 6, 7)]
    time, event, x, strata, entry = (np.stack(part) for part in zip(*rows, strict=True))
    loss = fl.Cox(reduction="sum")
    grad = loss.grad((time, event), x, strata=strata, entry=entry)
    for k, (t, d, risk, s, late) in enumerate(rows):
        own = loss.grad((t, d), risk, strata=s, entry=late)
        np.testing.assert_array_equal(grad[k], own)
    state = loss.partial((time, event), x, strata=strata, entry=entry)
    whole = loss((time, event), x, strata=strata, entry=entry)
    assert state.value() == pytest.approx(whole, rel=1e-14)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        (
            {"entry": [0.0, 2.0]},
            r"entry\[1\] = 2\.0 is not before time\[1\] = 2\.0: nobody is there",
        ),
        ({"entry": [np.nan, 0.0]}, r"entry\[0\] = nan is not before time\[0\] = 1\.0"),
        ({"entry": [0.0]}, r"entry has shape \(1,\), y_pred \(2,\)"),
        ({"strata": [0.0]}, r"strata has shape \(1,\), y_pred \(2,\)"),
    ],
)
def test_cox_errors_of_strata_and_entry(keywords: Any, message: str) -> None:
    labels = [1.0, 2.0], [1, 1]
    with pytest.raises(ValueError, match=message):
        fl.cox(labels, [0.0, 0.0], **keywords)
    assert fl.cox(([1.0, 2.0], [1, 1]), [0.0, 0.0], sample_weight=[0, 0]) == 0
