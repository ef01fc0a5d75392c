"""Weights of any size, and weights of 0."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import generators
import numpy as np
import oracle
import pytest

import fastloss as fl

LOSSES = [pytest.param(loss, id=oracle.label(loss)) for loss in oracle.losses()]
ELEMENTWISE = [
    pytest.param(loss, id=oracle.label(loss))
    for loss in oracle.losses()
    if generators.of(loss) is generators.ELEMENTS
]
REFUSING = [
    pytest.param(loss, id=oracle.label(loss))
    for loss in oracle.losses()
    if generators.BOUNDED & {*oracle.ROWS[loss.kernel].labels}
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


@pytest.mark.parametrize("loss", LOSSES)
def test_one_number_multiplies_the_mean_over_samples(loss: fl.Loss) -> None:
    y, x = oracle.plain(loss.kernel, np.float32, 500, np.random.RandomState(4))
    over_all = replace(loss, reduction="sum_over_batch_size")
    for got, plain in zip(
        outputs(over_all, y, x, 0.25), outputs(over_all, y, x, None), strict=True
    ):
        np.testing.assert_array_equal(got, 0.25 * plain)


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


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_weights_of_any_dtype_and_layout_are_the_same(
    loss: fl.Loss, dtype: type, isa: str
) -> None:
    """Read where they are, or through a buffer, in several blocks."""
    random = np.random.RandomState(8)
    y, x = oracle.plain(loss.kernel, dtype, 5003, random)
    weight = random.randint(0, 9, len(x)).astype(float)
    expected = outputs(loss, y, x, weight)
    strided = np.repeat(weight, 3)[::3]
    swapped = weight.astype(weight.dtype.newbyteorder())
    kinds = (np.int8, np.uint64, np.float32, np.float64)
    for other in (*map(weight.astype, kinds), strided, swapped, weight[::-1][::-1]):
        for got, right in zip(outputs(loss, y, x, other), expected, strict=True):
            np.testing.assert_array_equal(got, right)


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


# A sample of weight 0 counts nothing, whatever it holds: labels and probabilities
# outside their domains too.
OUTSIDE: dict[str, list[float]] = {
    "unit": [-1.0, 2.0, np.inf],
    "probability": [-1.0, 2.0, np.inf],
    "sign": [0.0, 255.0],
    "bit": [0.5, -1.0, np.inf],
    "count": [-1.0, -np.inf],
    "log1p": [-1.0, -np.inf],
    "positive": [0.0, -np.inf],
    "mean": [0.0, -np.inf],
}


def spoilt(
    a: np.ndarray, samples: np.ndarray, values: list, random: np.random.RandomState
) -> np.ndarray:
    """A copy of `a`, with one of the values, if there are any, in each such sample."""
    bad = a.copy()
    if values:
        shape = np.count_nonzero(samples), *[1] * (a.ndim - 1)
        bad[samples] = random.choice(values, shape)
    return bad


def outside_of_weight_0(loss: fl.Loss, dtype: type, n: int) -> Any:
    """A problem, the same with bad samples, and weights of 0 for these."""
    row = oracle.ROWS[loss.kernel]
    random = np.random.RandomState(n)
    y, x = oracle.plain(loss.kernel, dtype, 7 * n, random)
    samples = generators.of(loss).samples(x.shape)
    weight = np.where(random.rand(*samples) < 0.3, 0.0, 0.5 + random.rand(*samples))
    weight.flat[0] = weight.flat[-1] = 0
    if generators.has_classes(row):
        y[weight == 0] = 1  # not ignored: such rows are no part of N
    labels = OUTSIDE.get(row.labels[0], [])
    if generators.has_classes(row):
        labels = [-1, 7, 255, np.iinfo(np.int64).min]
    bad_y = spoilt(y, weight == 0, labels, random)
    bad_x = spoilt(x, weight == 0, OUTSIDE.get(row.predictions[0], []), random)
    return (y, x), (bad_y, bad_x), weight


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "sum_over_batch_size"])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_sample_of_weight_0_may_hold_anything(
    loss: fl.Loss, dtype: type, reduction: str, isa: str
) -> None:
    loss = replace(loss, reduction=reduction)
    for n in (6, 3001):
        good, bad, weight = outside_of_weight_0(loss, dtype, n)
        expected = loss.value_and_grad(*good, sample_weight=weight)
        got = loss.value_and_grad(*bad, sample_weight=weight)
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])
        hess = loss.grad_and_hess(*good, sample_weight=weight)[1]
        both = loss.grad_and_hess(*bad, sample_weight=weight)
        np.testing.assert_array_equal(both[0], expected[1])
        np.testing.assert_array_equal(both[1], hess)
        np.testing.assert_array_equal(loss(*bad, sample_weight=weight), expected[0])


@pytest.mark.parametrize("options", [{"label_smoothing": 0.1}, {"class_weight": 1}])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("cls", [fl.cce, fl.scce], ids=lambda loss: loss.name)
def test_the_same_with_smoothing_and_class_weights(
    cls: fl.Loss, from_logits: bool, options: dict[str, Any]
) -> None:
    if "class_weight" in options:
        options = {"class_weight": [1, 0.5, 2, 1, 3, 0.25, 1.5]}
    loss = replace(cls, from_logits=from_logits, **options)
    good, bad, weight = outside_of_weight_0(loss, np.float64, 300)
    expected = loss.value_and_grad(*good, sample_weight=weight)
    got = loss.value_and_grad(*bad, sample_weight=weight)
    assert got[0] == expected[0]
    np.testing.assert_array_equal(got[1], expected[1])


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", REFUSING)
def test_a_bad_sample_that_weighs_something_is_named(
    loss: fl.Loss, dtype: type
) -> None:
    """Not a bad one of weight 0 before it."""
    _, (y, x), weight = outside_of_weight_0(loss, dtype, 300)
    weight[137] = 1e-300
    y[137] = 99
    place = r"137, 0" if y.ndim > 1 else "137"
    with pytest.raises(ValueError, match=rf"y_true\[{place}\] = 99"):
        loss(y, x, sample_weight=weight)


def test_padding_of_weight_0() -> None:
    row = [0.5, 0.5]
    assert fl.bce([-1.0, 1.0], row, sample_weight=[0, 1]) == -np.log(0.5)
    assert fl.scce([-1, 1], [row, row], sample_weight=[0, 1]) == -np.log(0.5)
    assert fl.hinge([0, 1], row, sample_weight=[0, 1]) == 0.5
    with pytest.raises(ValueError, match=r"y_true\[1\] = -1\.0"):
        fl.bce([-1.0, -1.0], row, sample_weight=[0, 1])
