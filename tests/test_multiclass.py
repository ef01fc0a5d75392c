"""Label weights of sparse labels, and the losses of a class beside cross-entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl

WIDTHS = (1, 2, 3, 4, 5, 10, 63, 64, 65, 100, 129, 1030)
WEIGHTS = ("none", "ordinary", "one rules", "zeros")


def class_weight(name: str, classes: int) -> tuple[float, ...] | None:
    """Weights of classes; of `one rules` a class has nearly all."""
    if name == "none":
        return None
    w = np.random.RandomState(classes).uniform(0.25, 2, classes).astype(np.float32)
    if name == "one rules":
        w[classes // 2] = 2.0**12
    if name == "zeros":
        w[::2] = 0
        w[-1] = 1
    return tuple(w.tolist())


def problem(classes: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(classes)
    rows = 37 if classes < 1000 else 3
    x = random.standard_normal((rows, classes)) * random.choice([1, 9, 40], (rows, 1))
    y = random.randint(0, classes, rows)
    y[::2] = x[::2].argmax(axis=1)
    return y, x.astype(dtype)


def outputs(loss: fl.Loss, y: Any, x: Any) -> list[np.ndarray]:
    value, grad = loss.value_and_grad(y, x, reduction="none")
    same, hess = loss.grad_and_hess(y, x, reduction="none")
    np.testing.assert_array_equal(same, grad)
    np.testing.assert_array_equal(loss(y, x, reduction="none"), value)
    return [value, grad, hess]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("classes", WIDTHS)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_smoothed_classes_are_smoothed_one_hot_rows(
    dtype: type, from_logits: bool, classes: int, weights: str, isa: str
) -> None:
    """To the bit, alone and between soft rows; one test for each way of a row."""
    y, x = problem(classes, dtype)
    if not from_logits:
        x = np.exp(x - x.max(axis=1, keepdims=True))
        x /= x.sum(axis=1, keepdims=True)
        x = np.minimum(x, 1)
    options: dict[str, Any] = {
        "from_logits": from_logits,
        "label_smoothing": 0.125,
        "class_weight": class_weight(weights, classes),
    }
    sparse = outputs(fl.SparseCategoricalCrossentropy(**options), y, x)
    dense = fl.CategoricalCrossentropy(**options)
    one_hot = np.eye(classes, dtype=dtype)[y]
    soft = np.full((1, classes), 1 / classes, dtype)
    mixed = outputs(dense, np.vstack([one_hot, soft]), np.vstack([x, x[:1]]))
    for one, alone, beside in zip(
        sparse, outputs(dense, one_hot, x), mixed, strict=True
    ):
        np.testing.assert_array_equal(alone, one)
        np.testing.assert_array_equal(beside[:-1], one)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("classes", [2, 3, 10, 65, 100])
@pytest.mark.parametrize("smoothing", [2.0**-20, 0.125, 0.9375])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_smoothed_classes_in_ulps(
    dtype: type, smoothing: float, classes: int, weights: str, isa: str
) -> None:
    """Against multi-precision; gradients in ulps of the larger of their terms."""
    y, x = problem(classes, dtype)
    y, x = y[:12], x[:12]
    numbers = oracle.NUMBERS[dtype]
    w = class_weight(weights, classes)
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing, class_weight=w
    )
    value, grad, hess = outputs(loss, y, x)
    exact = numbers.exactly(x)
    e = np.exp(exact)
    p = e / e.sum(axis=1, keepdims=True)
    s = numbers.mpf(smoothing)
    weight = np.array([numbers.mpf(v) for v in w or (1.0,) * classes])
    q = weight * ((y[:, None] == np.arange(classes)) * (1 - s) + s / classes)
    total = q.sum(axis=1, keepdims=True)
    larger = np.maximum((total - q) * p, q * (1 - p))
    truths = [
        oracle.Truth.of(-(q * np.log(p)).sum(axis=1), dtype),
        oracle.Truth.of(total * p - q, dtype, larger),
        oracle.Truth.of(total * p * (1 - p), dtype),
    ]
    rounded = 1 if w and dtype == np.float64 else 0  # of weights, s and S
    limits = (4, 4, 4 + rounded)
    for truth, got, limit in zip(truths, (value, grad, hess), limits, strict=True):
        assert truth.error(got).max() <= limit


@pytest.mark.parametrize("classes", [2, 3, 6, 65, 130])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_a_class_of_weight_0_counts_nothing(dtype: type, classes: int) -> None:
    """Also at a logit of -inf, of which others would cost infinity."""
    x = np.zeros((1, classes), dtype)
    x[0, 0] = -np.inf
    weight = (0.0, *(1.0,) * (classes - 1))
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True, label_smoothing=0.25, class_weight=weight, reduction="sum"
    )
    value, grad = loss.value_and_grad([classes - 1], x)
    total = 0.75 + 0.25 * (classes - 1) / classes
    expected = total * math.log(classes - 1)
    np.testing.assert_allclose(value, expected, 8 * np.finfo(dtype).eps, 0)
    assert grad[0, 0] == 0
    assert loss([1], x[:, ::-1]) == np.inf or classes == 2


@pytest.mark.parametrize("from_logits", [False, True])
def test_smoothing_reads_every_probability(from_logits: bool) -> None:
    """Other than without it, where that of the label alone is read."""
    loss = fl.SparseCategoricalCrossentropy(from_logits=from_logits)
    x = np.array([[0.5, 0.25, np.nan]])
    assert np.isnan(loss([0], x)) == from_logits
    assert np.isnan(loss([0], x, label_smoothing=0.1))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_focal_by_hand(dtype: type, isa: str) -> None:
    """Of p = 1/4, gamma = 2: 9/16 log 4; of p = 1/2, gamma = 3: log(2)/8."""
    p = np.array([[0.25, 0.75], [0.5, 0.5]], dtype)
    x = np.log(p.astype(float)).astype(dtype)
    expected = {2.0: [9 / 16 * math.log(4), math.log(2) / 4]}
    expected[3.0] = [27 / 64 * math.log(4), math.log(2) / 8]
    slope = 0.75**2 + 2 * 0.25 * 0.75 * math.log(4)
    for from_logits, rows in ((False, p), (True, x)):
        for gamma, values in expected.items():
            loss = fl.CategoricalFocal(from_logits=from_logits, gamma=gamma)
            got = loss([0, 1], rows, reduction="none")
            np.testing.assert_allclose(got, values, rtol=4e-7)
        grad = fl.categorical_focal.grad(
            [0], rows[:1], from_logits=from_logits, reduction="sum"
        )
        exact = [-0.75 * slope, 0.75 * slope] if from_logits else [-4 * slope, 0]
        np.testing.assert_allclose(grad[0], exact, rtol=1e-6)


@pytest.mark.parametrize("classes", [1, 3, 10, 64, 65, 200])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_focal_with_gamma_0_is_crossentropy(
    dtype: type, from_logits: bool, classes: int, isa: str
) -> None:
    y, x = problem(classes, dtype)
    if not from_logits:
        x = np.random.RandomState(0).uniform(0, 1, x.shape).astype(dtype)
    ours = outputs(fl.CategoricalFocal(gamma=0, from_logits=from_logits), y, x)
    cross = fl.SparseCategoricalCrossentropy(from_logits=from_logits)
    for one, other in zip(ours, outputs(cross, y, x), strict=True):
        info = np.finfo(dtype)
        np.testing.assert_allclose(one, other, 4 * info.eps, info.smallest_subnormal)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("classes", [2, 65])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_certain_classes_of_focal(
    dtype: type, classes: int, gamma: float, isa: str
) -> None:
    """Right ones cost 0, wrong ones without bound."""
    x = np.zeros((2, classes), dtype)
    x[:, 1] = np.inf
    loss = fl.CategoricalFocal(from_logits=True, gamma=gamma)
    value, grad, hess = outputs(loss, np.array([1, 0]), x)
    np.testing.assert_array_equal(value, [0, np.inf])
    assert not grad[0].any()
    assert not hess[0].any()
    np.testing.assert_array_equal(grad[1], np.eye(classes)[1] - np.eye(classes)[0])
    p = (x == np.inf).astype(dtype)
    loss = fl.CategoricalFocal(gamma=gamma, eps=0)
    np.testing.assert_array_equal(loss([1, 0], p, reduction="none"), [0, np.inf])


@pytest.mark.parametrize("classes", [2, 3, 17, 64, 65, 130, 1030])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_the_rival_is_found_anywhere(dtype: type, classes: int, isa: str) -> None:
    """At every place, left and right of the class; the first of equal ones."""
    step = max(1, classes // 70)
    for label in {0, 1, classes // 2, classes - 1}:
        places = [j for j in range(0, classes, step) if j != label]
        x = np.full((len(places), classes), -2.0, dtype)
        x[np.arange(len(places)), places] = 0.5
        x[:, label] = 1
        y = np.full(len(places), label)
        value, grad, hess = outputs(fl.crammer_singer, y, x)
        np.testing.assert_array_equal(value, 0.5)
        eye = np.eye(classes)
        np.testing.assert_array_equal(grad, eye[places] - eye[label])
        assert not hess.any()
    x = np.zeros((1, classes), dtype)
    first = np.eye(classes)[1 if classes > 1 else 0]
    np.testing.assert_array_equal(
        fl.crammer_singer.grad([0], x), [first - np.eye(classes)[0]]
    )


@pytest.mark.parametrize("classes", [3, 100])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_the_kink_of_the_margin(dtype: type, classes: int, isa: str) -> None:
    """0 there; beside it every digit of 1 + (rival - own) that there is."""
    x = np.full((3, classes), -9, dtype)
    x[:, 0], x[:, 1] = 3, 2
    x[1, 1] = np.nextafter(x[1, 1], dtype(3))
    x[2, 0] = np.nextafter(x[2, 0], dtype(9))
    value, grad, _ = outputs(fl.crammer_singer, np.zeros(3, int), x)
    tiny = float(x[1, 1]) - 2
    np.testing.assert_array_equal(value, [0, tiny, 0])
    np.testing.assert_array_equal(grad[:, :2], [[0, 0], [-1, 1], [0, 0]])


def test_one_class_has_no_rival() -> None:
    x = np.array([[3.0], [-1.0]])
    value, grad, _ = outputs(fl.crammer_singer, np.array([0, 0]), x)
    assert not value.any()
    assert not grad.any()


LAYOUTS = {
    "columns": np.asfortranarray,
    "reversed": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "reversed rows": lambda a: np.asfortranarray(a[::-1])[::-1],
    "every second": lambda a: np.repeat(np.asfortranarray(a), 2, axis=0)[::2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [1, 3, 16, 33, 700])
@pytest.mark.parametrize("classes", [2, 3, 4, 5, 23, 64, 65, 300])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_rows_of_any_layout(dtype: type, classes: int, rows: int, layout: str) -> None:
    random = np.random.RandomState(rows)
    x = random.standard_normal((rows, classes)).astype(dtype)
    y = random.randint(0, classes, rows)
    loss = fl.SparseCategoricalCrossentropy(from_logits=True)
    value, grad = loss.value_and_grad(y, x)
    out = LAYOUTS[layout](np.full((rows, classes), 7, dtype))
    got, _ = loss.value_and_grad(y, LAYOUTS[layout](x), out=out)
    assert got == value
    np.testing.assert_array_equal(out, grad)


@pytest.mark.parametrize("shape", [(5, 4, 3, 7), (2, 70, 40), (40, 5, 33), (3, 1, 4)])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_classes_on_another_axis(dtype: type, shape: tuple[int, ...]) -> None:
    """As PyTorch has them, on axis 1: a view with the axis moved, blocks across."""
    random = np.random.RandomState(3)
    x = np.moveaxis(random.standard_normal(shape).astype(dtype), 1, -1)
    y = random.randint(0, shape[1], x.shape[:-1])
    loss = fl.SparseCategoricalCrossentropy(from_logits=True)
    out = np.moveaxis(np.zeros(shape, dtype), 1, -1)
    value, _ = loss.value_and_grad(y, x, out=out)
    expected, grad = loss.value_and_grad(y, np.ascontiguousarray(x))
    assert value == expected
    np.testing.assert_array_equal(out, grad)
