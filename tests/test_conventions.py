"""What is decided at kinks, at the ends of domains and for NaN, worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl

NAN, INF = np.nan, np.inf
EPS = {np.float32: 2.0**-23, np.float64: 2.0**-52}

Row = tuple[float, float, float, float, float]  # y, x, value, gradient, Hessian


def kinks(dtype: type) -> Iterator[tuple[fl.Loss, list[Row]]]:
    """Losses with points on a kink, beside it and away from it."""
    e = EPS[dtype]  # 1 + e follows on 1, 1 - e/2 comes before it
    yield (
        fl.Huber(delta=1.0),
        [
            (0, 1, 0.5, 1, 1),
            (0, -1, 0.5, -1, 1),
            (2, 1, 0.5, -1, 1),
            (0, 1 + e, 0.5 + e, 1, 0),
            (0, -1 - e, 0.5 + e, -1, 0),
            (0, 1 - e / 2, (1 - e) / 2, 1 - e / 2, 1),
            (3, 3, 0, 0, 1),
            (0, 4, 3.5, 1, 0),
            (0, INF, INF, 1, 0),
        ],
    )
    yield (
        fl.Huber(delta=0.75),
        [
            (0, 0.75, 0.28125, 0.75, 1),
            (0, -0.75, 0.28125, -0.75, 1),
            (0, 0.75 + e, 0.28125 + 0.75 * e, 0.75, 0),
            (0.5, -0.25, 0.28125, -0.75, 1),
            (0, 2, 1.21875, 0.75, 0),
        ],
    )
    yield (
        fl.hinge,
        [
            (1, 1, 0, 0, 0),
            (-1, -1, 0, 0, 0),
            (1, 1 + e, 0, 0, 0),
            (-1, -1 - e, 0, 0, 0),
            (1, 1 - e / 2, e / 2, -1, 0),
            (-1, -1 + e / 2, e / 2, 1, 0),
            (1, 0, 1, -1, 0),
            (-1, 3, 4, 1, 0),
            (1, INF, 0, 0, 0),
            (1, -INF, INF, -1, 0),
        ],
    )
    yield (
        fl.squared_hinge,
        [
            (1, 1, 0, 0, 0),
            (-1, -1, 0, 0, 0),
            (1, 1 + e, 0, 0, 0),
            (1, 1 - e / 2, e * e / 4, -e, 2),
            (-1, -1 + e / 2, e * e / 4, e, 2),
            (1, -1, 4, -4, 2),
            (-1, 0, 1, 2, 2),
            (1, INF, 0, 0, 0),
        ],
    )
    yield (
        fl.mae,
        [
            (0, 0, 0, 0, 0),
            (-0.0, 0, 0, 0, 0),
            (3, 3, 0, 0, 0),
            (1, 1 + e, e, 1, 0),
            (1, 1 - e / 2, e / 2, -1, 0),
            (INF, 0, INF, -1, 0),
        ],
    )
    yield (
        fl.mse,
        [
            (3, 3, 0, 0, 2),
            (1, 3, 4, 4, 2),
            (1, -1, 4, -4, 2),
            (0, INF, INF, INF, 2),
            (0, -INF, INF, -INF, 2),
        ],
    )
    yield fl.log_cosh, [(3, 3, 0, 0, 1), (0, INF, INF, 1, 0), (0, -INF, INF, -1, 0)]


WAYS = [(dtype, i) for dtype in oracle.DTYPES for i in range(len([*kinks(np.float32)]))]


def check(loss: fl.Loss, y: np.ndarray, x: np.ndarray, *expected: np.ndarray) -> None:
    """All outputs of each sample, from every kernel and at every place in a block."""
    value, grad, hess = expected
    each, total = replace(loss, reduction="none"), replace(loss, reduction="sum")
    spread = np.zeros((2, 2 * y.size), x.dtype)
    spread[0, ::2], spread[1, ::2] = y, x
    ones = np.ones(y.size)
    for labels, points in ((y, x), (spread[0, ::2], spread[1, ::2])):
        for weight in (None, ones):
            given: dict[str, Any] = {"sample_weight": weight}
            np.testing.assert_array_equal(each(labels, points, **given), value)
            for run in (each, total):
                np.testing.assert_array_equal(run.grad(labels, points, **given), grad)
                same, second = run.grad_and_hess(labels, points, **given)
                np.testing.assert_array_equal(same, grad)
                np.testing.assert_array_equal(second, hess)
            first, same = total.value_and_grad(labels, points, **given)
            np.testing.assert_array_equal(same, grad)
            assert first == total(labels, points, **given) or np.isnan(first)
            np.testing.assert_allclose(first, np.sum(value, dtype=float), rtol=1e-14)


@pytest.mark.parametrize(("dtype", "number"), WAYS)
def test_kinks(dtype: type, number: int, isa: str) -> None:
    loss, rows = [*kinks(dtype)][number]
    for size in (1, 3, 16, 17, 64, 65, 100, 1100):
        some = [rows[i % len(rows)] for i in range(size)]
        check(loss, *np.array(some).T.astype(dtype))
    for row in rows:
        check(loss, *np.array([row]).T.astype(dtype))


@pytest.mark.parametrize(("dtype", "number"), WAYS)
def test_nan_beside_kinks(dtype: type, number: int, isa: str) -> None:
    """NaN labels and predictions make NaN in their own entries alone."""
    loss, rows = [*kinks(dtype)][number]
    for size in (1, 17, 200):
        some = np.array([rows[i % len(rows)] for i in range(size)], float)
        some[::7, 0] = NAN
        some[3::7, 1] = NAN
        some[::7, 2:] = some[3::7, 2:] = NAN
        check(loss, *some.T.astype(dtype))


@pytest.mark.parametrize(
    "loss", [fl.hinge, fl.squared_hinge], ids=lambda loss: loss.name
)
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_hinge_labels_of_nan_are_data(loss: fl.Loss, dtype: type, isa: str) -> None:
    """They do not raise, not even beside labels that make the engine look again."""
    y, x = np.array([NAN, 1, -1], dtype), np.array([1, 0, 0], dtype)
    assert np.isnan(loss(y, x))
    assert np.isnan(loss(y, x, reduction="none")).tolist() == [True, False, False]
    y[1] = 0.5
    with pytest.raises(ValueError, match=r"y_true\[1\] = 0\.5 is not a hinge label"):
        loss(y, x)
    for y[1] in (0, 2, -2, 1 + EPS[dtype], INF, -INF):
        with pytest.raises(ValueError, match=r"y_true\[1\] = .* is not a hinge label"):
            loss(y, x)


SURE: list[Row] = [  # y, p and the textbook's limits at eps = 0
    (0, 0, 0, 1, 1),
    (1, 1, 0, -1, 1),
    (1, 0, INF, -INF, INF),
    (0, 1, INF, INF, INF),
    (1, 0.5, np.log(2), -2, 4),
    (0, 0.5, np.log(2), 2, 4),
]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("pos_weight", [1.0, 0.0, 2.0])
def test_eps_of_zero_clips_nothing(
    dtype: type, soft: bool, pos_weight: float, isa: str
) -> None:
    """A sure and right probability costs 0, a wrong one is infinite; none is NaN."""
    loss = fl.BinaryCrossentropy(eps=0, pos_weight=pos_weight, reduction="none")
    for size in (*range(1, 18), 64, 700):
        y, p, *exact = np.array([SURE[i % len(SURE)] for i in range(size)]).T
        factor = np.where(y == 1, pos_weight, 1)
        with np.errstate(invalid="ignore"):
            expected = [np.where(factor == 0, 0, z * factor) for z in exact]
        if soft:  # one soft label takes all of its block another way
            y, p = np.append(y, 0.5), np.append(p, 0.5)
        y, p = y.astype(dtype), p.astype(dtype)
        grad, hess = loss.grad_and_hess(y, p)
        for got, z in zip((loss(y, p), grad, hess), expected, strict=True):
            np.testing.assert_allclose(got[:size], z, rtol=4 * EPS[dtype])


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("y", [0.25, 1.0])
def test_soft_labels_at_sure_probabilities(dtype: type, y: float, isa: str) -> None:
    loss = fl.BinaryCrossentropy(eps=0, reduction="none")
    labels, p = np.array([y, 0.5, y], dtype), np.array([0, 0.5, 1], dtype)
    sure = y == 1
    assert loss(labels, p)[[0, 2]].tolist() == [INF, 0 if sure else INF]
    grad, hess = loss.grad_and_hess(labels, p)
    assert grad[[0, 2]].tolist() == [-INF, -1 if sure else INF]
    assert hess[[0, 2]].tolist() == [INF, 1 if sure else INF]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_eps_of_none_is_that_of_the_dtype(dtype: type, isa: str) -> None:
    e = EPS[dtype]
    most = -np.log(e)
    for y, p in ((1, 0), (0, 1)):
        labels, x = np.array([y], dtype), np.array([p], dtype)
        grad, hess = fl.bce.grad_and_hess(labels, x)
        np.testing.assert_allclose(fl.bce(labels, x), most, rtol=2 * e)
        np.testing.assert_allclose(abs(grad), 1 / e, rtol=4 * e)
        np.testing.assert_allclose(hess, 1 / e**2, rtol=4 * e)
    row = np.array([0, 1, 0], dtype)
    for loss, y in ((fl.scce, np.array(1)), (fl.cce, row)):
        wrong = np.array([1, 0, 0], dtype)
        np.testing.assert_allclose(loss(y, wrong), most, rtol=2 * e)
        np.testing.assert_allclose(loss(y, wrong, eps=2.0**-9), np.log(2) * 9, rtol=e)
        assert loss(y, wrong, eps=0) == INF
        grad, hess = loss.grad_and_hess(y, wrong, eps=0)
        assert grad.tolist() == [0, -INF, 0]
        assert hess.tolist() == [0, INF, 0]


@pytest.mark.parametrize("classes", [2, 3, 16, 70, 1500])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_a_label_of_zero_counts_nothing(dtype: type, classes: int, isa: str) -> None:
    """Also at a probability of 0, and in a row with soft labels."""
    y, p = np.zeros((2, 3, classes), dtype)
    y[0, 1], p[0, 1] = 1, 1  # one-hot and sure
    y[1, :2], p[1, :2] = 0.5, 0.5  # soft, zeros elsewhere
    y[2, 0], p[2, 0] = 1, 0.25
    loss = fl.CategoricalCrossentropy(eps=0, reduction="none")
    expected = [0, np.log(2), np.log(4)]
    np.testing.assert_allclose(loss(y, p), expected, rtol=4 * EPS[dtype])
    grad, hess = loss.grad_and_hess(y, p)
    slope, curve = np.zeros((2, 3, classes))
    slope[0, 1], slope[1, :2], slope[2, 0] = -1, -1, -4
    curve[0, 1], curve[1, :2], curve[2, 0] = 1, 2, 16
    np.testing.assert_array_equal(grad, slope)
    np.testing.assert_array_equal(hess, curve)


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 10, 64, 70, 1500])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_a_logit_of_infinity_is_a_certain_class(
    dtype: type, classes: int, dense: bool, isa: str
) -> None:
    x = np.random.RandomState(classes).randn(20, classes).astype(dtype)
    sure, other = classes - 1, classes // 2 - 1
    x[3:5, sure] = INF
    x[3:5, other] = [0, -INF] if classes > 2 else 0
    x[7:9, other] = INF
    labels = np.full(20, sure)
    loss = fl.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    y: Any = labels
    if dense:
        loss = fl.CategoricalCrossentropy(from_logits=True, reduction="none")
        y = np.eye(classes, dtype=dtype)[labels]
    for size in (4, 5, 8, 9, 20):
        values = loss(y[:size], x[:size])
        grad, hess = loss.grad_and_hess(y[:size], x[:size])
        assert np.isfinite(values[:3]).all()
        assert not values[3:5].any()
        assert not grad[3:5].any()
        if size > 7:
            assert np.all(values[7:9] == INF)
            expected = np.zeros(classes)
            expected[[other, sure]] = 1, -1
            np.testing.assert_array_equal(grad[7], expected)
            assert not hess[7:9].any()
        assert not hess[3:5].any()


REFUSED: list[tuple[type[fl.Loss], str, Any]] = [
    (fl.BinaryCrossentropy, "label_smoothing", 1),
    (fl.BinaryCrossentropy, "label_smoothing", 1.0),
    (fl.CategoricalCrossentropy, "label_smoothing", 1.0),
    (fl.SparseCategoricalCrossentropy, "label_smoothing", 1.0),
    (fl.BinaryCrossentropy, "label_smoothing", -1e-300),
    (fl.BinaryCrossentropy, "eps", 0.5),
    (fl.CategoricalCrossentropy, "eps", 0.5),
    (fl.BinaryCrossentropy, "eps", -1e-300),
    (fl.BinaryCrossentropy, "pos_weight", INF),
    (fl.BinaryCrossentropy, "pos_weight", NAN),
    (fl.Huber, "delta", 0),
    (fl.Huber, "delta", INF),
    (fl.CategoricalCrossentropy, "class_weight", (1, INF)),
    (fl.CategoricalCrossentropy, "class_weight", {0: NAN}),
    (fl.SparseCategoricalCrossentropy, "ignore_class", 2**63),
    (fl.SparseCategoricalCrossentropy, "ignore_class", -(2**63) - 1),
    (fl.SparseCategoricalCrossentropy, "class_weight", {2**63: 1.0}),
]


@pytest.mark.parametrize(("cls", "name", "value"), REFUSED)
def test_ends_that_do_not_belong(cls: type[fl.Loss], name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        cls(**{name: value})


@pytest.mark.parametrize(
    ("cls", "name", "value"),
    [
        (fl.BinaryCrossentropy, "label_smoothing", 0),
        (fl.BinaryCrossentropy, "label_smoothing", np.nextafter(1, 0)),
        (fl.BinaryCrossentropy, "eps", 0),
        (fl.BinaryCrossentropy, "eps", np.nextafter(0.5, 0)),
        (fl.BinaryCrossentropy, "pos_weight", 0),
        (fl.Huber, "delta", 5e-324),
        (fl.SparseCategoricalCrossentropy, "ignore_class", 2**63 - 1),
        (fl.SparseCategoricalCrossentropy, "ignore_class", -(2**63)),
        (fl.SparseCategoricalCrossentropy, "class_weight", (0, 1)),
    ],
)
def test_ends_that_belong(cls: type[fl.Loss], name: str, value: Any) -> None:
    loss = cls(**{name: value})
    assert getattr(loss, name) == value
    if name == "ignore_class":
        y, x = np.array([value, 0]), np.zeros((2, 3))
        expected = loss(y[1:], x[1:], from_logits=True)
        assert loss(y, x, from_logits=True) == expected


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("classes", [2, 3, 10, 64, 65, 70, 1500])
def test_ends_of_label_weights(
    classes: int, dtype: type, from_logits: bool, isa: str
) -> None:
    """[0, 1] is closed: its neighbours outside are refused at every place of a row."""
    loss = fl.CategoricalCrossentropy(from_logits=from_logits, label_sum="any")
    tiny, e = np.finfo(dtype).smallest_subnormal, EPS[dtype]
    y, x = np.full((2, 3, classes), 1 / classes, dtype)
    for column in {0, 1, 16 % classes, classes // 2, classes - 2, classes - 1}:
        for value in (0, -0.0, tiny, 1, NAN):
            inside = y.copy()
            inside[1, column] = value
            loss.value_and_grad(inside, x)
        for value in (-tiny, 1 + e, -0.25, 2, INF, -INF):
            outside = y.copy()
            outside[1, column] = value
            for call in (loss, loss.grad, loss.value_and_grad, loss.grad_and_hess):
                with pytest.raises(ValueError, match=rf"y_true\[1, {column}\] = "):
                    call(outside, x)
