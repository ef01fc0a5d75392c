"""NumPy arrays of any dtype and layout take the fast lane, with the same bits."""

from __future__ import annotations

import contextlib
import math
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl
from fastloss.core.loss import Loss

SLOW = ("_value", "_grad", "_value_and_grad", "_grad_and_hess")
ELEMENTWISE = [
    pytest.param(loss, id=oracle.label(loss))
    for loss in oracle.losses()
    if oracle.ROWS[loss.kernel].kind == "element"
]


class Subclass(np.ndarray):
    """What the fast lane does not take."""


def other_lane(array: Any) -> Any:
    return array.view(Subclass) if isinstance(array, np.ndarray) else array


@pytest.fixture
def only_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError("the call left the fast lane")

    for name in SLOW:
        monkeypatch.setattr(Loss, name, refuse)


def outputs(loss: fl.Loss, y: Any, x: Any, w: Any) -> list[bytes]:
    results = [
        loss(y, x, sample_weight=w),
        loss.grad(y, x, sample_weight=w),
        *loss.value_and_grad(y, x, sample_weight=w),
        *loss.grad_and_hess(y, x, sample_weight=w),
    ]
    return [np.asarray(result).tobytes() for result in results]


def every_second(a: np.ndarray) -> np.ndarray:
    return np.repeat(a, 2, axis=-1)[..., ::2]


def every_third_backwards(a: np.ndarray) -> np.ndarray:
    return np.repeat(a[..., ::-1], 3, axis=-1)[..., ::-3]


def swapped(a: np.ndarray) -> np.ndarray:
    return a.astype(a.dtype.newbyteorder())


LAYOUTS = [np.array, every_second, every_third_backwards, swapped, np.asfortranarray]
CODES = ["?", *"bhilBHIL", "f", "d"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [(3, 5), (31, 97)])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_dtypes_and_layouts(
    loss: fl.Loss, dtype: type, n: tuple[int, int], layout: Any, isa: str
) -> None:
    """The lane of subclasses is checked elsewhere, the plain call by its accuracy."""
    random = np.random.RandomState(9)
    x = random.randint(1, 1024, n).astype(dtype) / 1024
    signs = oracle.ROWS[loss.kernel].labels == ("sign",)
    bits = random.randint(oracle.ROWS[loss.kernel].labels == ("positive",), 2, n)
    w = random.randint(0, 5, n)
    plain = (2 * bits - 1 if signs else bits).astype(dtype)
    for reduction in ("mean", "none"):
        of = replace(loss, reduction=reduction)
        y, given = layout(plain), layout(x)
        expected = outputs(of, y, given, w.astype(float))
        for code in CODES:
            if signs and code in "BHIL":
                continue
            labels = bits.astype(code) if code == "?" else plain.astype(code)
            got = outputs(of, layout(labels), given, layout(w.astype(code)))
            if code != "?":
                assert got == expected
            slow = map(other_lane, (layout(labels), given, layout(w.astype(code))))
            assert outputs(of, *slow) == got


ROWS = [
    fl.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1),
    fl.SparseCategoricalCrossentropy(from_logits=True, class_weight=[1, 2, 3.0, 0.5]),
    fl.SparseCategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    fl.CategoricalCrossentropy(from_logits=True, class_weight=[1, 2, 3.0, 0.5]),
    fl.CategoricalCrossentropy(from_logits=True, label_sum="any"),
]


def rows(loss: fl.Loss) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.RandomState(4)
    labels = random.randint(0, 4, (6, 9))
    if getattr(loss, "ignore_class", None) is not None:
        labels[0, :3] = -1
    y = np.eye(4)[labels] if isinstance(loss, fl.CategoricalCrossentropy) else labels
    return y, random.randn(6, 9, 4), random.rand(6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "sum_over_batch_size"])
@pytest.mark.parametrize("loss", ROWS, ids=repr)
def test_options_of_rows(loss: fl.Loss, reduction: str) -> None:
    loss = replace(loss, reduction=reduction)
    y, x, w = rows(loss)
    for weight in (None, w):
        slow = outputs(loss, other_lane(y), other_lane(x), weight)
        assert outputs(loss, y, x, weight) == slow


@pytest.mark.usefixtures("only_fast")
def test_calls_that_stay_in_the_fast_lane() -> None:
    for loss in ROWS:
        for reduction in ("mean", "none"):
            outputs(replace(loss, reduction=reduction), *rows(loss))
    x = np.arange(12.0).reshape(3, 4)
    w = np.arange(4)
    for array in (x, x[::2], x.T, np.asfortranarray(x), x.astype("f4"), swapped(x)):
        for labels in (array > 3, array.astype(int), every_second(array)):
            outputs(fl.mse, labels, array, w[: array.shape[0]].clip(1, 2))
            outputs(replace(fl.mse, reduction="none"), labels, array, None)
    outputs(fl.hinge, x > 3, x, None)
    out = np.empty((4, 3), "f4").T
    fl.mse.value_and_grad(x, x, out=out)
    fl.mse(x, x, reduction="none", out=out)


def test_new_results_lie_as_the_predictions() -> None:
    x = np.asfortranarray(np.random.RandomState(1).rand(5, 7))
    for result in (fl.mse.grad(x, x), fl.mse(x, x, reduction="none")):
        assert result.flags.f_contiguous
        assert result.shape == x.shape


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_sums_follow_memory(dtype: type, isa: str) -> None:
    random = np.random.RandomState(3)
    y, x = random.randn(2, 70, 33, 50).astype(dtype)
    w = random.rand(70, 33, 50)
    expected = outputs(fl.huber, y, x, w)
    for axes in [(2, 1, 0), (1, 0, 2), (1, 2, 0)]:
        moved = [a.transpose(axes) for a in (y, x, w)]
        value, grad = fl.huber.value_and_grad(*moved[:2], sample_weight=moved[2])
        assert np.float64(value).tobytes() == expected[0]
        assert fl.huber(*moved[:2], sample_weight=moved[2]) == value
        back = np.ascontiguousarray(grad.transpose(np.argsort(axes)))
        assert back.tobytes() == expected[1]
        copies = [np.ascontiguousarray(a) for a in moved]
        copied, c_grad = fl.huber.value_and_grad(*copies[:2], sample_weight=copies[2])
        assert copied == pytest.approx(value, rel=2.0**-48)
        np.testing.assert_array_equal(c_grad, grad)


def test_predictions_that_repeat_are_summed_in_c_order() -> None:
    """Terms of all sizes that cancel, whose sum shows in what order it was made."""
    random = np.random.RandomState(6)
    half = random.randn(100) * 2.0 ** random.randint(-40, 4, 100)
    row, y = random.permutation([*half, *-half]), np.ones((300, 200))
    loss = fl.hinge_embedding  # the prediction itself for a label of 1
    x = np.broadcast_to(row, y.shape)
    assert loss(y, x) == loss(y, x.copy())
    assert loss(y, x) != loss(y, np.asfortranarray(x))
    x = np.broadcast_to(row[:1], y.shape)
    assert loss(y, x) == loss(y, x.copy())


def test_the_first_offender_in_c_order_is_named() -> None:
    p = np.full((40, 60), 0.5, order="F")
    p[3, 50] = p[30, 2] = 2
    with pytest.raises(ValueError, match=r"y_pred\[3, 50\] = 2"):
        fl.bce(np.zeros(p.shape), p)
    x = np.zeros((7, 5, 3)).transpose(1, 0, 2)
    labels = np.zeros((5, 7), int)
    labels[1, 6] = labels[4, 0] = 9
    with pytest.raises(ValueError, match=r"y_true\[1, 6\] = 9"):
        fl.scce(labels, x, from_logits=True)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_integers_are_rounded_once(dtype: type, isa: str) -> None:
    """Near ties of float32 that a way through double would round twice."""
    near = [2**24 + 1, 2**31 - 1, 2**31, 2**53 + 1, 2**60 + 2**36, 2**60 + 2**36 + 1]
    near += [-k for k in near] + [-(2**31) - 1, 2**63 - 1, -(2**63), 7]
    labels = np.resize(np.array(near, np.int64), 1031)
    unsigned = np.resize(np.array([k for k in near if k > 0] + [2**64 - 1], "Q"), 1031)
    for integers in (labels, unsigned, labels[::2], swapped(unsigned)):
        minus = -fl.mse.grad(integers, np.zeros(integers.shape, dtype), reduction="sum")
        exact = integers.astype(dtype)  # NumPy converts as C does, and rounds once
        np.testing.assert_array_equal(minus / 2, exact)


def test_a_weighted_value_needs_no_pass_of_its_own_or_does() -> None:
    """Sums of weights inside and outside the ordinary, and their zeros."""
    random = np.random.RandomState(2)
    y, x = random.randn(2, 5001)
    w = random.randint(1, 8, 5001).astype(float)
    expected = math.fsum(w * (y - x) ** 2) / math.fsum(w)
    for power in (0, -99, 120, -1000, 1015):
        scaled = np.ldexp(w, power)
        value = fl.mse(y, x, sample_weight=scaled)
        assert value == fl.mse.value_and_grad(y, x, sample_weight=scaled)[0]
        assert value == pytest.approx(expected, rel=1e-14)
    assert fl.mse(y, x, sample_weight=0 * w) == 0
    with pytest.raises(ValueError, match="sums to 0"):
        fl.mse(y[:2], x[:2], sample_weight=np.array([1.0, -1.0]))


def test_arrays_that_another_thread_reshapes() -> None:
    """Shapes and strides are read before the engine runs."""
    n = 300_000
    y, x = np.random.RandomState(1).randn(2, n)
    w = np.ones(n, np.int8)
    out = np.empty(n)
    stop = threading.Event()

    def reshape() -> None:
        shapes = [(n,), (2, n // 2), (3, 5, n // 15)]
        k = 0
        while not stop.is_set():
            for array in (y, w, out):
                array.shape = shapes[k % 3]
                array.shape = (n,)
            k += 1

    expected = fl.mse.value_and_grad(y, x, sample_weight=w)
    thread = threading.Thread(target=reshape)
    thread.start()
    try:
        for _ in range(200):
            with contextlib.suppress(ValueError):  # of shapes that were not equal
                value, grad = fl.mse.value_and_grad(y, x, sample_weight=w, out=out)
                assert value == expected[0]
                assert grad.ravel().tobytes() == expected[1].tobytes()
    finally:
        stop.set()
        thread.join()
