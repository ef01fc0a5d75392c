"""Losses of embeddings: pairs at their kinks, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import fastloss as fl

NAN, INF = np.nan, np.inf


def test_contrastive_at_its_kinks() -> None:
    a = np.zeros((4, 2))
    b = np.array([[3.0, 4], [3, 4], [0, 0], [0, 0.5]])
    loss = fl.Contrastive(margin=5.0, reduction="none")
    np.testing.assert_array_equal(loss([1, 0, 0, 0], (a, b)), [12.5, 0, 12.5, 10.125])
    (by_a, by_b), hesses = loss.grad_and_hess([1, 0, 0, 0], (a, b))
    np.testing.assert_array_equal(by_b, [[3, 4], [0, 0], [0, 0], [0, -4.5]])
    np.testing.assert_array_equal(by_a, -by_b)
    # Where the margin is met, and at a distance of 0, there is none; 1 - lack/d else.
    np.testing.assert_array_equal(hesses[0], [[1, 1], [0, 0], [0, 0], [-9, 1]])
    np.testing.assert_array_equal(hesses[1], hesses[0])


def test_contrastive_of_a_soft_label() -> None:
    pair = np.zeros((1, 1)), np.full((1, 1), 0.5)
    soft = fl.contrastive.value_and_grad([0.25], pair)
    alike = fl.contrastive.value_and_grad([1], pair)
    other = fl.contrastive.value_and_grad([0], pair)
    assert soft[0] == 0.25 * alike[0] + 0.75 * other[0]
    for mixed, near, far in zip(soft[1], alike[1], other[1], strict=True):
        assert mixed == 0.25 * near + 0.75 * far


def test_cosine_embedding_at_its_kinks() -> None:
    a = np.array([[1.0, 0], [1, 0], [1, 0], [0, 0]])
    b = np.array([[3.0, 4], [3, 4], [0, 2], [3, 4]])
    loss = fl.CosineEmbedding(margin=0.5, eps=0.0, reduction="none")
    y = [1, -1, -1, -1]
    np.testing.assert_allclose(loss(y, (a, b)), [0.4, 0.1, 0, 0], rtol=1e-14)
    by_a, by_b = loss.grad(y, (a, b))
    np.testing.assert_allclose(by_a, [[0, -0.8], [0, 0.8], [0, 0], [0, 0]], atol=1e-15)
    expected = np.array([-0.128, 0.096])
    np.testing.assert_allclose(by_b[:2], [expected, -expected], rtol=1e-14)
    np.testing.assert_array_equal(by_b[2:], 0)
    by_a, _ = loss.grad(y, (a, b), margin=0.0)  # just met by the third
    np.testing.assert_array_equal(by_a[2:], 0)
    value = loss([True, False], (a[3:].repeat(2, 0), b[:2]))
    np.testing.assert_array_equal(value, [1, 0])


def test_cosine_embedding_of_tiny_rows() -> None:
    """As in PyTorch, eps makes the cosine of tiny rows small; without it, it is 1."""
    tiny = np.full((1, 4), 1e-9)
    pair = tiny, tiny
    assert fl.cosine_embedding([1], pair) == pytest.approx(1 - 4e-18 / 1.000004e-12)
    assert fl.cosine_embedding([1], pair, eps=0.0) == pytest.approx(0, abs=1e-15)


def test_margin_ranking_at_its_kinks() -> None:
    first = np.array([1.0, 1.0, 0.5, 2.0, NAN, INF])
    second = np.array([0.5, 1.0, 1.0, 1.0, 0.0, 0.0])
    y = np.array([1, 1, -1, -1, 1, 1])
    loss = fl.MarginRanking(margin=0.5, reduction="none")
    np.testing.assert_array_equal(loss(y, (first, second)), [0, 0.5, 0, 1.5, NAN, 0])
    (by_first, by_second), hesses = loss.grad_and_hess(y, (first, second))
    np.testing.assert_array_equal(by_first, [0, -1, 0, 1, NAN, 0])
    np.testing.assert_array_equal(by_second, [0, 1, 0, -1, NAN, 0])
    np.testing.assert_array_equal(hesses[0], [0, 0, 0, 0, NAN, 0])


def test_hinge_embedding_at_its_kinks() -> None:
    y = np.array([1.0, 1, -1, -1, -1, 1, -1, NAN])
    x = np.array([0.25, -3, 0.5, 0.5 - 2**-53, 2, NAN, NAN, 1])
    loss = fl.HingeEmbedding(margin=0.5, reduction="none")
    values, grad = loss.value_and_grad(y, x)
    np.testing.assert_array_equal(values, [0.25, -3, 0, 2**-53, 0, NAN, NAN, NAN])
    np.testing.assert_array_equal(grad, [1, 1, 0, -1, 0, NAN, NAN, NAN])
    hess = loss.grad_and_hess(y, x)[1]
    np.testing.assert_array_equal(hess, [0, 0, 0, 0, 0, NAN, NAN, NAN])


def test_booleans_are_signs() -> None:
    y, pair = np.array([True, False]), (np.eye(2), np.ones((2, 2)))
    signs = np.where(y, 1, -1)
    assert fl.cosine_embedding(y, pair) == fl.cosine_embedding(signs, pair)
    scores = pair[0][0], pair[1][0]
    assert fl.margin_ranking(y, scores) == fl.margin_ranking(signs, scores)
    assert fl.hinge_embedding(y, scores[0]) == fl.hinge_embedding(signs, scores[0])


two, rows = np.ones(2), np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: fl.contrastive(two, rows),
            TypeError,
            r"y_pred must be a tuple of 2 arrays, got ndarray",
        ),
        (
            lambda: fl.contrastive(rows, (rows, rows)),
            ValueError,
            r"y_true has shape \(2, 3\), rows of a \(2,\): they must be equal",
        ),
        (
            lambda: fl.contrastive([0, 2], (rows, rows)),
            ValueError,
            r"y_true\[1\] = 2 is not in \[0, 1\]",
        ),
        (
            lambda: fl.cosine_embedding([1, 0], (rows, rows)),
            ValueError,
            r"y_true\[1\] = 0 is not a hinge label: use -1 and \+1",
        ),
        (
            lambda: fl.cosine_embedding(two, (rows, np.ones((2, 4)))),
            ValueError,
            r"b has shape \(2, 4\), a \(2, 3\)",
        ),
        (
            lambda: fl.cosine_embedding(1, (1.0, 1.0)),
            ValueError,
            r"a has shape \(\): it needs a last axis of entries",
        ),
        (
            lambda: fl.margin_ranking(two, (two, np.ones(3))),
            ValueError,
            r"second has shape \(3,\), first \(2,\)",
        ),
        (lambda: fl.Contrastive(margin=0), ValueError, r"margin = 0 is not a number"),
        (lambda: fl.HingeEmbedding(margin=0), ValueError, r"margin = 0 is not a"),
        (lambda: fl.MarginRanking(margin=-1), ValueError, r"margin = -1 is not a"),
        (lambda: fl.CosineEmbedding(margin=1), ValueError, r"margin = 1 is not a"),
        (lambda: fl.CosineEmbedding(eps=-1), ValueError, r"eps = -1 is not a number"),
        (
            lambda: fl.CosineEmbedding(margin=math.nan),
            ValueError,
            r"margin = nan is not a number in \[-1, 1\)",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
