"""Probabilities at and near 0 and 1, with every clip: limits, and no NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl

EPS = {
    np.float32: [None, 1e-3, 1e-7, 1e-8, 1e-12, 1e-15, 2.0**-24, 2.0**-25, 1e-30],
    np.float64: [None, 1e-7, 1e-15, 1e-16, 1e-17, 1e-30, 1e-300, 2.0**-53, 2.0**-54],
}


def rounded(eps: float | None, dtype: type) -> float:
    return float(np.finfo(dtype).eps if eps is None else dtype(eps))


def outputs(loss: fl.Loss, y: Any, x: Any, **options: Any) -> list[np.ndarray]:
    value, grad = loss.value_and_grad(y, x, reduction="none", **options)
    same, hess = loss.grad_and_hess(y, x, reduction="none", **options)
    np.testing.assert_array_equal(same, grad)
    return [value, grad, hess]


def expected_at_the_clip(eps: float) -> tuple[list[float], list[float]]:
    """Value, gradient and Hessian of a wrong and of a right certain prediction."""
    beyond = 1 / eps**2 if eps > 1e-150 else math.inf
    far = [-math.log(eps), 1 / eps, beyond]
    near = [-math.log1p(-eps), 1 / (1 - eps), 1 / (1 - eps) ** 2]
    return far, near


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_binary_predictions_that_are_certain(dtype: type, soft: bool, isa: str) -> None:
    """The same at 0 and, mirrored, at 1: 1 - eps may round to 1, eps does not.

    With a soft label beside them hard labels take another way to the same bits.
    """
    y = np.array([0, 1, 1, 0] * 8 + [0.5] * soft, dtype)
    x = np.array([1, 0, 1, 0] * 8 + [0.5] * soft, dtype)
    largest = float(np.finfo(dtype).max)
    for eps in EPS[dtype]:
        far, near = expected_at_the_clip(rounded(eps, dtype))
        got = outputs(fl.bce, y, x, eps=eps)
        for k, (result, one, other) in enumerate(zip(got, far, near, strict=True)):
            signs = np.array([1, -1, -1, 1]) if k == 1 else np.ones(4)
            exact = signs * [one, one, other, other]
            exact[np.abs(exact) > largest] *= math.inf
            np.testing.assert_allclose(
                result[:4], exact, rtol=4 * np.finfo(dtype).eps, err_msg=f"{eps} {k}"
            )
            np.testing.assert_array_equal(result[:32], np.tile(result[:4], 8))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_hard_labels_have_one_value_beside_soft_ones(dtype: type, isa: str) -> None:
    random = np.random.RandomState(0)
    x = random.rand(600).astype(dtype)
    x[::7], x[1::7] = 0, 1
    y = random.randint(0, 2, 600).astype(dtype)
    mixed = np.concatenate([y, np.full(600, 0.25, dtype)])
    for eps in EPS[dtype]:
        alone = outputs(fl.bce, y, x, eps=eps)
        beside = outputs(fl.bce, mixed, np.concatenate([x, x]), eps=eps)
        for one, other in zip(alone, beside, strict=True):
            np.testing.assert_array_equal(other[:600], one)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_labels_and_probabilities_may_be_exchanged(dtype: type, isa: str) -> None:
    """With y and p mirrored the loss is the same, at the clip too."""
    x = np.array([0, 1, 0.5, 0.25, 0.75, 2.0**-20, 1 - 2.0**-20], dtype)
    for eps in EPS[dtype]:
        for y in (np.zeros_like(x), np.ones_like(x), np.full_like(x, 0.5)):
            value, grad, hess = outputs(fl.bce, y, x, eps=eps)
            mirrored = outputs(fl.bce, 1 - y, 1 - x, eps=eps)
            np.testing.assert_allclose(mirrored[0], value, rtol=4 * np.finfo(dtype).eps)
            np.testing.assert_array_equal(mirrored[1], -grad)
            np.testing.assert_array_equal(mirrored[2], hess)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_no_clip_gives_the_limits(dtype: type, isa: str) -> None:
    """A term of factor 0 is 0 where its logarithm and quotients are infinite."""
    y = np.array([0, 1, 0, 1], dtype)
    x = np.array([0, 0, 1, 1], dtype)
    inf = np.inf
    for count in (1, 9):
        value, grad, hess = outputs(fl.bce, np.tile(y, count), np.tile(x, count), eps=0)
        np.testing.assert_array_equal(value, np.tile([0, inf, inf, 0], count))
        np.testing.assert_array_equal(grad, np.tile([1, -inf, inf, -1], count))
        np.testing.assert_array_equal(hess, np.tile([1, inf, inf, 1], count))
    value, grad, hess = outputs(fl.bce, y, x, eps=0, pos_weight=0)
    np.testing.assert_array_equal(value, [0, 0, inf, 0])
    np.testing.assert_array_equal(grad, [1, 0, inf, 0])
    np.testing.assert_array_equal(hess, [1, 0, inf, 0])


@pytest.mark.parametrize("classes", [2, 3, 10, 64, 65, 1100])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_no_clip_of_rows(dtype: type, classes: int, isa: str) -> None:
    """Hard labels, alone and beside soft rows; labels of 0 at probabilities of 0."""
    y = np.zeros((4, classes), dtype)
    x = np.zeros((4, classes), dtype)
    y[:2, 1] = 1
    x[0, 1] = x[1, 0] = 1
    y[2:, :2] = 0.5
    x[2:, :2] = 0.5
    for rows in (2, 4):
        value, grad, hess = outputs(fl.cce, y[:rows], x[:rows], eps=0)
        np.testing.assert_array_equal(value[:2], [0, np.inf])
        assert grad[0, 1] == -1
        assert grad[1, 1] == -np.inf
        assert hess[0, 1] == 1
        assert hess[1, 1] == np.inf
        others = np.arange(classes) != 1
        assert not np.any(grad[:2, others])
        assert not np.any(hess[:2, others])
    value, grad, hess = outputs(fl.scce, np.array([1, 1]), x[:2], eps=0)
    np.testing.assert_array_equal(value, [0, np.inf])
    np.testing.assert_array_equal(grad[:, :2], [[0, -1], [0, -np.inf]])
    np.testing.assert_array_equal(hess[:, :2], [[0, 1], [0, np.inf]])


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_the_clip_of_rows(dtype: type, isa: str) -> None:
    """At 1 the bound is the float next to 1 - eps, as docs/numerics.md says."""
    x = np.array([[1, 0], [0, 1]], dtype)
    y = np.array([[1, 0], [1, 0]], dtype)
    for eps in EPS[dtype]:
        small = rounded(eps, dtype)
        upper = float(dtype(1 - dtype(small)))
        for loss, labels in [(fl.cce, y), (fl.scce, np.array([0, 0]))]:
            value, grad, _ = outputs(loss, labels, x, eps=eps)
            expected = [-math.log(upper), -math.log(small)]
            rtol = 4 * np.finfo(dtype).eps
            np.testing.assert_allclose(value, expected, rtol=rtol)
            np.testing.assert_allclose(grad[:, 0], [-1 / upper, -1 / small], rtol=rtol)
