"""Weights of any size, and weights of 0."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest

import fastloss as fl

LOSSES = [pytest.param(loss, id=oracle.label(loss)) for loss in oracle.losses()]
ELEMENTWISE = [
    pytest.param(loss, id=oracle.label(loss))
    for loss in oracle.losses()
    if oracle.ROWS[loss.kernel].kind == "elementwise"
]
# 2^-1074 is the smallest double; 7 times 2^1021 is nearly the largest.
POWERS = (-1074, -1000, -300, 300, 900, 1021)


def outputs(loss: fl.Loss, y: np.ndarray, x: np.ndarray, weight: object) -> list:
    return [
        *loss.value_and_grad(y, x, sample_weight=weight),
        *loss.grad_and_hess(y, x, sample_weight=weight),
        loss(y, x, sample_weight=weight),
    ]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_the_mean_does_not_change_by_a_power_of_two(
    loss: fl.Loss, power: int, dtype: type
) -> None:
    """To the bit, although the sum of the weights may not be a double."""
    random = np.random.RandomState(5)
    y, x = oracle.plain(loss.kernel, dtype, 5000, random)
    weight = random.randint(0, 8, x.shape[:1])
    scaled = np.ldexp(weight.astype(float), power)
    for got, expected in zip(
        outputs(loss, y, x, scaled), outputs(loss, y, x, weight), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("weight", [5e-324, 1e-310, 1e-300, 1e300, 1e308])
def test_equal_weights_of_any_size_are_weights_of_one(weight: float) -> None:
    y, p = np.array([1.0, 0.0, 2.0]), np.array([2.0, 3.0, 2.0])
    value, grad = fl.mse.value_and_grad(y, p, sample_weight=[weight] * 3)
    assert value == pytest.approx(10 / 3, rel=1e-15)
    np.testing.assert_allclose(grad, [2 / 3, 2, 0], rtol=1e-15)
    _, hess = fl.mse.grad_and_hess(y, p, sample_weight=[weight] * 3)
    np.testing.assert_allclose(hess, 2 / 3, rtol=1e-15)


@pytest.mark.parametrize("size", [1e-308, 1e308])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_class_weights_of_any_size(size: float, dtype: type) -> None:
    random = np.random.RandomState(6)
    labels = random.randint(0, 3, 50)
    x = random.randn(50, 3).astype(dtype)
    sample_weight = np.full(50, size)
    for loss, y in (
        (fl.SparseCategoricalCrossentropy(from_logits=True), labels),
        (fl.CategoricalCrossentropy(from_logits=True), np.eye(3)[labels]),
    ):
        got = outputs(loss._with({"class_weight": (size, size, size)}), y, x, None)
        both = outputs(
            loss._with({"class_weight": (size, size, size)}), y, x, sample_weight
        )
        expected = outputs(loss, y, x, None)
        for a, b, c in zip(got, both, expected, strict=True):
            np.testing.assert_allclose(a, c, rtol=4 * np.finfo(dtype).eps)
            np.testing.assert_allclose(b, c, rtol=4 * np.finfo(dtype).eps)


def test_a_value_beyond_the_range_is_infinite_in_sums_alone() -> None:
    y, p = np.zeros(2), np.array([1e150, 1.0])
    weight = [1e20, 1e20]
    assert fl.mse(y, p, sample_weight=weight, reduction="sum") == math.inf
    assert fl.mse(y, p, sample_weight=[1e200, 1e200]) == pytest.approx(5e299)


def test_nan_labels_of_weight_0_have_no_share_of_class_weights() -> None:
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 2.0))
    y = np.array([[1, 0], [math.nan, math.nan]])
    assert loss(y, np.zeros((2, 2)), sample_weight=[1, 0]) == math.log(2)


@pytest.mark.parametrize("loss", ELEMENTWISE)
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("n", [5, 37, 1013, 40_007])
def test_weights_as_out(loss: fl.Loss, dtype: type, n: int) -> None:
    random = np.random.RandomState(7)
    y, x = oracle.plain(loss.kernel, dtype, n, random)
    weight = random.randint(0, 3, n).astype(dtype)
    expected = loss.value_and_grad(y, x, sample_weight=weight.copy())
    value, grad = loss.value_and_grad(y, x, sample_weight=weight, out=weight)
    assert value == expected[0]
    assert grad is weight
    np.testing.assert_array_equal(grad, expected[1])
