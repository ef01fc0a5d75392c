"""Binary and margin losses: conventions of soft labels, both tails, kinks, limits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import oracle
import pytest

import fastloss as fl

INF = math.inf
EPS = {np.float32: 2.0**-23, np.float64: 2.0**-52}
GAMMAS = (0.0, 0.25, 1.0, 5.0)
CONVENTIONS = ("arithmetic", "geometric")


def outputs(loss: fl.Loss, y: Any, x: Any) -> tuple[Any, Any, Any]:
    """Value, gradient and Hessian of each sample."""
    each = replace(loss, reduction="none")
    value, grad = each.value_and_grad(y, x)
    same, hess = each.grad_and_hess(y, x)
    np.testing.assert_array_equal(same, grad)
    return value, grad, hess


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("p_t", CONVENTIONS)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_every_gamma_in_ulps(gamma: float, p_t: str, dtype: type, isa: str) -> None:
    """Hard and soft labels, both tails; for each gamma alone."""
    loss = fl.Focal(gamma=gamma, p_t=p_t, alpha=0.75)
    wide = (dtype == np.float64) + 2.5 * gamma
    limits = {"value": 2 + wide, "grad": 2.5 + wide, "hess": 4 + wide}
    for labels in ("hard", "soft"):
        for y, x in oracle.samples("focal_logits", dtype, labels):
            for output, limit in limits.items():
                exact = oracle.truth(loss, output, y[::41], x[::41])
                error = exact.error(oracle.calculate(loss, output, y[::41], x[::41]))
                at = error.argmax()
                assert error[at] <= limit, (output, y[::41][at], x[::41][at])


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_focal_of_hard_labels_in_the_tails(dtype: type, isa: str) -> None:
    """Of s = (1 - 2y) x, in the form that loses nothing, in many digits."""
    info = np.finfo(dtype)
    end = -math.log(info.smallest_subnormal)
    s = np.array([-end / 3, -end / 4, -20, -1, 0, 1, 20, end / 2, end - 8], dtype)
    gamma = 2
    with mpmath.workprec(2000):
        exact = []
        for point in s.tolist():
            t = mpmath.mpf(point)
            p, q = 1 / (1 + mpmath.exp(-t)), 1 / (1 + mpmath.exp(t))
            log = mpmath.log(1 + mpmath.exp(t))
            curve = gamma * log * (gamma * q - p) + (2 * gamma + 1) * p
            grad = p**gamma * (gamma * q * log + p)
            exact.append((p**gamma * log, grad, p**gamma * q * curve))
        value, grad, hess = (np.array(n, dtype=float) for n in zip(*exact, strict=True))
    assert np.all(hess[-2:] < 0)  # not convex
    for y, sign in ((0, 1), (1, -1)):
        labels = np.full(s.size, y, dtype)
        got = outputs(fl.focal, labels, (sign * s).astype(dtype))
        for output, expected in zip(got, (value, sign * grad, hess), strict=True):
            error = np.abs(output - expected)
            ulp = np.maximum(np.abs(expected) * EPS[dtype], info.smallest_subnormal)
            assert np.all(error <= 9 * ulp)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("from_logits", [True, False])
def test_gamma_0_is_cross_entropy(from_logits: bool, dtype: type, isa: str) -> None:
    random = np.random.RandomState(4)
    y = random.rand(500).astype(dtype)
    y[::3] = random.randint(0, 2, y[::3].size)
    x = random.rand(500).astype(dtype)
    for p_t in CONVENTIONS:
        focal = fl.Focal(gamma=0, from_logits=from_logits, p_t=p_t)
        expected = outputs(fl.BinaryCrossentropy(from_logits=from_logits), y, x)
        for one, other in zip(outputs(focal, y, x), expected, strict=True):
            np.testing.assert_allclose(
                one, other, rtol=20 * EPS[dtype], atol=EPS[dtype]
            )


@pytest.mark.parametrize("from_logits", [True, False])
def test_p_t_of_soft_labels(from_logits: bool) -> None:
    """Worked out from the definitions, which are alike for hard labels alone."""
    y, p = 0.25, 0.75
    x = math.log(3) if from_logits else p
    ce = -0.25 * math.log(0.75) - 0.75 * math.log(0.25)
    weight = 0.125 * y + 0.875 * (1 - y)
    for p_t, u in (
        ("arithmetic", 1 - (y * p + (1 - y) * (1 - p))),
        ("geometric", 1 - math.exp(-ce)),
    ):
        loss = fl.Focal(gamma=3, alpha=0.125, p_t=p_t, from_logits=from_logits)
        assert loss([y], [x]) == pytest.approx(weight * u**3 * ce, rel=1e-14)
    arithmetic, geometric = (
        fl.Focal(p_t=p_t, from_logits=from_logits) for p_t in CONVENTIONS
    )
    for hard in (0.0, 1.0):
        assert arithmetic([hard], [x]) == geometric([hard], [x])
    assert arithmetic([y], [x]) != geometric([y], [x])


def test_alpha_weighs_the_positive_class() -> None:
    plain = outputs(fl.focal, [1, 0], [0.5, -2.0])
    for got, unweighted in zip(
        outputs(fl.Focal(alpha=0.25), [1, 0], [0.5, -2.0]), plain, strict=True
    ):
        np.testing.assert_allclose(got, unweighted * [0.25, 0.75], rtol=1e-15)
    np.testing.assert_array_equal(outputs(fl.Focal(alpha=0.0), [1], [0.5]), 0)
    np.testing.assert_array_equal(outputs(fl.Focal(alpha=1.0), [0], [0.5]), 0)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_focal_of_probabilities_0_and_1(dtype: type, isa: str) -> None:
    """Without a clip: 0^gamma at a right prediction, infinity at a wrong one."""
    y, p = np.array([0, 1, 0, 1] * 9, dtype), np.array([0, 1, 1, 0] * 9, dtype)
    for gamma, hess in ((0.0, 1), (0.5, INF), (1.0, 2), (2.0, 0)):
        loss = fl.Focal(gamma=gamma, from_logits=False, eps=0)
        slope = 1 if gamma == 0 else 0
        value, grad, second = outputs(loss, y, p)
        np.testing.assert_array_equal(value, [0, 0, INF, INF] * 9)
        np.testing.assert_array_equal(grad[::4], slope)
        np.testing.assert_array_equal(grad[1::4], -slope)
        np.testing.assert_array_equal(second[::4], hess)
        np.testing.assert_array_equal(second[1::4], hess)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_asymmetric_is_focal_without_a_margin(dtype: type, isa: str) -> None:
    random = np.random.RandomState(5)
    y = random.randint(0, 2, 700).astype(dtype)
    x = (9 * random.standard_normal(700)).astype(dtype)
    one = outputs(fl.Asymmetric(gamma_pos=2, gamma_neg=2, margin=0), y, x)
    for got, expected in zip(one, outputs(fl.focal, y, x), strict=True):
        np.testing.assert_allclose(
            got, expected, rtol=40 * EPS[dtype], atol=4 * EPS[dtype]
        )


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_easy_negatives_count_nothing(dtype: type, isa: str) -> None:
    """Up to the margin: sigmoid(0) is 1/2 to the bit."""
    for gamma in (0.0, 1.0, 4.0):
        loss = fl.Asymmetric(gamma_neg=gamma, margin=0.5)
        x = np.array([0, -1, -INF] * 7, dtype)
        np.testing.assert_array_equal(outputs(loss, 0 * y_like(x), x), 0)
        assert np.all(outputs(loss, y_like(x)[:1], np.ones(1, dtype))[0] > 0)


def y_like(x: Any) -> Any:
    """Labels 0."""
    return np.zeros(x.shape, x.dtype)


def test_soft_labels_of_the_asymmetric_loss_mix_its_terms() -> None:
    ends = [np.array(outputs(fl.asymmetric, [y], [0.7])) for y in (0.0, 1.0)]
    mixed = np.array(outputs(fl.asymmetric, [0.25], [0.7]))
    np.testing.assert_allclose(mixed, 0.75 * ends[0] + 0.25 * ends[1], rtol=1e-15)


@pytest.mark.parametrize("from_logits", [True, False])
def test_poly1_adds_epsilon_times_what_is_missing(from_logits: bool) -> None:
    y, p = [1.0, 0.0, 0.25], np.array([0.75, 0.75, 0.75])
    x = np.log(p / (1 - p)) if from_logits else p
    bce = fl.BinaryCrossentropy(from_logits=from_logits, reduction="none")
    missing = np.array([0.25, 0.75, 0.25 * 0.25 + 0.75 * 0.75])
    for epsilon in (-1.0, 0.0, 2.5):
        loss = fl.Poly1(epsilon=epsilon, from_logits=from_logits, reduction="none")
        np.testing.assert_allclose(
            loss(y, x), bce(y, x) + epsilon * missing, rtol=1e-14
        )


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_brier_by_hand(dtype: type, isa: str) -> None:
    y, p = np.array([0, 1, 0.5, 1] * 9, dtype), np.array([0.5, 1, 0, 0] * 9, dtype)
    value, grad, hess = outputs(fl.brier, y, p)
    np.testing.assert_array_equal(value, [0.25, 0, 0.25, 1] * 9)
    np.testing.assert_array_equal(grad, [1, 0, -1, -2] * 9)
    np.testing.assert_array_equal(hess, 2)
    logits = np.array([0, INF, -INF, 0] * 9, dtype)
    value, grad, hess = outputs(fl.Brier(from_logits=True), y, logits)
    np.testing.assert_array_equal(value, [0.25, 0, 0.25, 0.25] * 9)
    np.testing.assert_array_equal(grad, [0.25, 0, 0, -0.25] * 9)
    np.testing.assert_array_equal(hess, [0.125, 0, 0, 0.125] * 9)


def test_certain_mistakes_have_a_negative_hessian() -> None:
    for loss in (fl.focal, fl.Brier(from_logits=True), fl.asymmetric):
        hess = outputs(loss, [0.0, 1.0], [30.0, -30.0])[2]
        assert np.all(hess < 0)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_margins_at_kinks(dtype: type, isa: str) -> None:
    e = EPS[dtype]
    rows = [
        (1, 1, 0, 0, 0),
        (1, 1 - e / 2, e * e / 4, -e, 2),
        (1, 1 + e, 0, 0, 0),
        (1, -1, 4, -4, 2),
        (1, -1 - e, 4 + 4 * e, -4, 0),
        (-1, 1, 4, 4, 2),
        (-1, 1 + e, 4 + 4 * e, 4, 0),
        (-1, -1, 0, 0, 0),
        (1, 0, 1, -2, 2),
        (1, INF, 0, 0, 0),
        (1, -INF, INF, -4, 0),
        (-1, INF, INF, 4, 0),
    ]
    for size in (1, 17, 70, 1100):
        some = [rows[i % len(rows)] for i in range(size)]
        y, x, *expected = np.array(some).T.astype(dtype)
        for got, exact in zip(outputs(fl.modified_huber, y, x), expected, strict=True):
            np.testing.assert_array_equal(got, exact)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_margins_at_infinity(dtype: type, isa: str) -> None:
    y, x = np.array([1, 1, -1] * 9, dtype), np.array([INF, -INF, INF] * 9, dtype)
    for loss, expected in (
        (fl.exponential, ([0, INF, INF], [0, -INF, INF], [0, INF, INF])),
        (fl.soft_margin, ([0, INF, INF], [0, -1, 1], [0, 0, 0])),
    ):
        for got, exact in zip(outputs(loss, y, x), expected, strict=True):
            np.testing.assert_array_equal(got, exact * 9)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_soft_margin_is_cross_entropy_of_signs(dtype: type, isa: str) -> None:
    x = (30 * np.random.RandomState(6).standard_normal(900)).astype(dtype)
    bits = np.arange(900) % 2 == 0
    bce = fl.BinaryCrossentropy(from_logits=True)
    for one, other in zip(
        outputs(fl.soft_margin, bits, x), outputs(bce, bits, x), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (fl.Focal, {"gamma": -0.5}),
        (fl.Focal, {"gamma": math.inf}),
        (fl.Focal, {"alpha": math.nextafter(1, 2)}),
        (fl.Focal, {"p_t": "smp"}),
        (fl.Asymmetric, {"gamma_pos": -1.0}),
        (fl.Asymmetric, {"gamma_neg": -1.0}),
        (fl.Asymmetric, {"margin": 1.0}),
        (fl.Poly1, {"epsilon": math.nan}),
        (fl.Brier, {"from_logits": 2}),
    ],
)
def test_parameters_out_of_range(make: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        make(**wrong)
