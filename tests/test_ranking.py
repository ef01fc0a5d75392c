"""Losses of groups: by hand, ties, what the groups are, and rankings that are right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import fastloss as fl

Array = np.ndarray[Any, Any]
Random = np.random.RandomState

LOSSES = [
    fl.listnet,
    fl.ranking_softmax,
    fl.pairwise_logistic,
    fl.lambdarank,
    fl.listmle,
    fl.approx_ndcg,
]
losses = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)


def softplus(d: float) -> float:
    return math.log1p(math.exp(-abs(d))) + max(d, 0)


@losses
def test_groups_are_sizes_ids_or_offsets(loss: Any) -> None:
    random = Random(0)
    y, x = random.randint(0, 3, 9).astype(float), random.standard_normal(9)
    expected = loss.value_and_grad(y, x, groups=[4, 2, 3], reduction="none")
    for given in (
        {"group_ids": [-1, -1, -1, -1, 0, 0, 7, 7, 7]},
        {"group_ids": np.repeat(np.array([0, 5, 200], np.uint8), [4, 2, 3])},
        {"group_offsets": [0, 4, 6, 9]},
    ):
        got = loss.value_and_grad(y, x, reduction="none", **given)
        for a, b in zip(expected, got, strict=True):
            np.testing.assert_array_equal(a, b)
    empty = loss(y, x, group_offsets=[0, 0, 4, 6, 6, 9, 9], reduction="none")
    np.testing.assert_array_equal(empty[[1, 2, 4]], expected[0])
    np.testing.assert_array_equal(empty[[0, 3, 5]], 0)


@losses
def test_no_entries_at_all(loss: Any) -> None:
    empty = np.empty(0)
    for given in ({"groups": []}, {"group_ids": []}, {"group_offsets": [0]}):
        assert loss(empty, empty, reduction="sum", **given) == 0


@losses
def test_groups_of_one_and_alike(loss: Any) -> None:
    """One entry has no order: only its share of the softmax may cost something."""
    y, x = np.array([2.0, 0.0, 3.0]), np.array([5.0, -1.0, 0.25])
    value, grad = loss.value_and_grad(y, x, groups=[1, 1, 1], reduction="none")
    np.testing.assert_allclose(value, 0, atol=1e-15)
    np.testing.assert_allclose(grad, 0, atol=1e-15)


@losses
def test_single_precision_is_double_precision_rounded(loss: Any) -> None:
    random = Random(1)
    y, x = random.randint(0, 4, 40), random.standard_normal(40).astype(np.float32)
    single = loss.grad(y, x, groups=[30, 10])
    double = loss.grad(y, x.astype(float), groups=[30, 10])
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=1e-6, atol=1e-7)


def test_pairs_by_hand() -> None:
    y, x = [2, 0, 1, 1], [0.5, 1.0, -1.0, 2.0]
    pairs = [(0, 1), (0, 2), (0, 3), (2, 1), (3, 1)]
    for sigma in (1.0, 2.0):
        terms = [softplus(-sigma * (x[i] - x[j])) for i, j in pairs]
        got = fl.pairwise_logistic(y, x, groups=[4], sigma=sigma)
        assert got == pytest.approx(math.fsum(terms), rel=1e-15)
        mean = fl.pairwise_logistic(y, x, groups=[4], sigma=sigma, pairs="mean")
        assert mean == pytest.approx(math.fsum(terms) / 5, rel=1e-15)
    grad = fl.pairwise_logistic.grad(y, x, groups=[4])
    s = [1 / (1 + math.exp(x[i] - x[j])) for i, j in pairs]
    by_hand = [-s[0] - s[1] - s[2], s[0] + s[3] + s[4], s[1] - s[3], s[2] - s[4]]
    np.testing.assert_allclose(grad, by_hand, rtol=1e-14)


def lambda_by_hand(y: list[int], x: list[float], k: int, linear: bool) -> float:
    n = len(y)
    gain = [v if linear else 2**v - 1 for v in y]
    rank = [0] * n
    for place, i in enumerate(sorted(range(n), key=lambda i: (-x[i], i))):
        rank[i] = place + 1
    best = sum(
        g / math.log2(1 + r)
        for r, g in enumerate(sorted(gain, reverse=True), 1)
        if r <= k
    )
    return math.fsum(
        abs(gain[i] - gain[j])
        * abs(1 / math.log2(1 + rank[i]) - 1 / math.log2(1 + rank[j]))
        / best
        * softplus(-(x[i] - x[j]))
        for i in range(n)
        for j in range(n)
        if y[i] > y[j] and min(rank[i], rank[j]) <= k
    )


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 9])
def test_lambdarank_by_hand(k: int, linear: bool) -> None:
    y, x = [1, 0, 3, 0, 2], [1.0, 1.5, 0.0, -1.0, 1.0]
    gain = "linear" if linear else "exponential"
    got = fl.lambdarank(y, x, groups=[5], k=k, gain=gain)
    assert got == pytest.approx(lambda_by_hand(y, x, k, linear), rel=1e-14)


def test_of_equal_scores_the_first_entry_ranks_first() -> None:
    """Its place at the top is worth a pair with k = 1; the other one is behind."""
    y, x = [0, 1, 2], [0.0, 0.0, 0.0]
    got = fl.lambdarank(y, x, groups=[3], k=1, gain="linear")
    change = 1 - 1 / math.log2(3) + 2 * (1 - 1 / 2)
    assert got == pytest.approx(change / 2 * math.log(2), rel=1e-15)


def test_of_equal_relevances_the_first_entry_comes_first() -> None:
    x = [0.5, -1.0, 2.0]
    e = np.exp(x)
    expected = math.log(e.sum() / e[0]) + math.log((e[1] + e[2]) / e[1])
    assert fl.listmle([1, 1, 0], x, groups=[3]) == pytest.approx(expected, rel=1e-15)
    reverse = math.log(e.sum() / e[2]) + math.log((e[0] + e[1]) / e[0])
    assert fl.listmle([1, 1, 2], x, groups=[3]) == pytest.approx(reverse, rel=1e-15)


def test_listmle_keeps_digits_and_range() -> None:
    value, grad = fl.listmle.value_and_grad([1, 0], [50.0, 0.0], groups=[2])
    assert value == pytest.approx(math.exp(-50), rel=1e-15, abs=0)
    np.testing.assert_allclose(grad, [-math.exp(-50), math.exp(-50)], rtol=1e-15)
    value, grad = fl.listmle.value_and_grad([0, 1, 2], [0.0, -3e3, 5e3], groups=[3])
    assert value == pytest.approx(3e3, rel=1e-15)
    np.testing.assert_allclose(grad, [1, -1, 0], atol=1e-300)


def test_approx_ndcg_by_hand() -> None:
    y, x, alpha = [1, 0, 2], [0.25, 0.5, -1.0], 2.0
    ranks = [
        1 + sum(1 / (1 + math.exp(-alpha * (x[j] - x[i]))) for j in range(3) if j != i)
        for i in range(3)
    ]
    for gain, gains in (("exponential", [1, 0, 3]), ("linear", [1, 0, 2])):
        dcg = sum(g / math.log2(1 + r) for g, r in zip(gains, ranks, strict=True))
        best = gains[2] / 1 + gains[0] / math.log2(3)
        got = fl.approx_ndcg(y, x, groups=[3], alpha=alpha, gain=gain)
        assert got == pytest.approx(1 - dcg / best, rel=1e-14)


def test_without_gains_and_without_pairs() -> None:
    y, x = np.zeros(3), np.array([1.0, 2.0, 3.0])
    for loss in (fl.pairwise_logistic, fl.lambdarank, fl.approx_ndcg):
        value, grad = loss.value_and_grad(y, x, groups=[3])
        assert value == 0
        np.testing.assert_array_equal(grad, 0)
        np.testing.assert_array_equal(loss.grad_and_hess(y, x, groups=[3])[1], 0)
    mean = fl.pairwise_logistic(y, x, groups=[3], pairs="mean")
    assert mean == 0


def test_scores_that_are_missing_spoil_their_group_alone() -> None:
    y, x = np.array([1.0, 0, 1, 0]), np.array([np.nan, 0, 1, 0])
    for loss in LOSSES:
        value, grad = loss.value_and_grad(y, x, groups=[2, 2], reduction="none")
        np.testing.assert_array_equal(np.isnan(value), [True, False])
        np.testing.assert_array_equal(np.isnan(grad), [True, True, False, False])


def test_scores_that_are_infinite_have_the_limit() -> None:
    y, x = [1, 0, 1, 0], [np.inf, 0.0, -np.inf, 0.0]
    values = fl.pairwise_logistic(y, x, groups=[2, 2], reduction="none")
    np.testing.assert_array_equal(values, [0, np.inf])
    grad = fl.pairwise_logistic.grad(y, x, groups=[2, 2], reduction="sum")
    np.testing.assert_array_equal(grad, [0, 0, -1, 1])


@pytest.mark.parametrize("n", [15, 16, 17, 511, 512, 513, 1025])
def test_long_groups_are_all_their_pairs(n: int) -> None:
    """Tiles of pairs against the sum of groups of two."""
    random = Random(n)
    y, x = random.randint(0, 3, n), random.standard_normal(n)
    i, j = np.nonzero(y[:, np.newaxis] > y)
    value, grad = fl.pairwise_logistic.value_and_grad(y, x, groups=[n])
    terms = np.logaddexp(0, x[j] - x[i])
    assert value == pytest.approx(math.fsum(terms), rel=1e-14)
    slope = 1 / (1 + np.exp(x[i] - x[j]))
    expected = np.bincount(j, slope, n) - np.bincount(i, slope, n)
    np.testing.assert_allclose(grad, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fl.LambdaRank(k=0), ValueError, r"k = 0 is not positive: pass None"),
        (lambda: fl.LambdaRank(k=1.5), TypeError, r"k = 1\.5 is not an integer"),
        (lambda: fl.LambdaRank(gain="log"), ValueError, r"gain = 'log' is not one of"),
        (
            lambda: fl.PairwiseLogistic(sigma=0),
            ValueError,
            r"sigma = 0 is not a number in \(",
        ),
        (
            lambda: fl.PairwiseLogistic(pairs="none"),
            ValueError,
            r"pairs = 'none' is not one of",
        ),
        (lambda: fl.ApproxNDCG(alpha=-1), ValueError, r"alpha = -1 is not a number"),
        (
            lambda: fl.lambdarank([0, 1, -1], [0.0, 0, 0], groups=[1, 2]),
            ValueError,
            r"y_true\[2\] = -1 is negative",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
