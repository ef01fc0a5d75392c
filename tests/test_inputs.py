"""Every layout and dtype gives the bits of the contiguous copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import generators
import hypothesis.extra.numpy as npst
import numpy as np
import oracle
import pytest
from conftest import compared
from hypothesis import assume, given
from hypothesis import strategies as st

import fastloss as fl

LOSSES = list(oracle.losses())
BLOCK = 1024
SIZES = [1, 2, 15, 16, 17, BLOCK - 1, BLOCK, BLOCK + 1, 8 * BLOCK - 1, 8 * BLOCK + 1]


def padded(a: np.ndarray, step: int) -> np.ndarray:
    """`a` in memory of which it takes every `step`-th element along the last axis."""
    if a.ndim == 0:
        return a.copy()
    room = np.zeros((*a.shape[:-1], a.shape[-1] * abs(step)), a.dtype)
    view = room[..., ::step]
    view[...] = a
    return view


def unaligned(a: np.ndarray) -> np.ndarray:
    """`a` at an address that is odd."""
    room = np.zeros(a.nbytes + 1, np.uint8)
    view = room[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def read_only(a: np.ndarray) -> np.ndarray:
    copy = a.copy()
    copy.flags.writeable = False
    return copy


def first_axis_last(a: np.ndarray) -> np.ndarray:
    """`a`, whose neighbours along the first axis are neighbours in memory."""
    order = (*range(1, a.ndim), 0) if a.ndim else ()
    return a.transpose(order).copy().transpose(np.argsort(order).tolist())


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "contiguous": lambda a: a.copy(),
    "every second": lambda a: padded(a, 2),
    "every third": lambda a: padded(a, 3),
    "reversed": lambda a: padded(a, -1),
    "reversed, every second": lambda a: padded(a, -2),
    "unaligned": unaligned,
    "F-order": lambda a: a.copy(order="F"),
    "first axis last": first_axis_last,
    "bytes swapped": lambda a: a.astype(a.dtype.newbyteorder("S")),
    "bytes swapped, unaligned": lambda a: unaligned(
        a.astype(a.dtype.newbyteorder("S"))
    ),
    "read-only": read_only,
}


def outputs(loss: fl.Loss, y: Any, x: Any, weight: Any = None) -> list[Any]:
    value, grad = loss.value_and_grad(y, x, sample_weight=weight)
    _, hess = loss.grad_and_hess(y, x, sample_weight=weight)
    return [value, loss(y, x, sample_weight=weight), grad, hess]


def assert_equal_bits(got: list[Any], expected: list[Any]) -> None:
    for one, other in zip(got, expected, strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype
        np.testing.assert_array_equal(one, other, strict=True)


@st.composite
def problems(draw: st.DrawFn) -> tuple[fl.Loss, np.ndarray, np.ndarray, np.ndarray]:
    """A loss with labels, predictions and weights, contiguous."""
    loss = draw(st.sampled_from(LOSSES))
    dtype = draw(st.sampled_from(oracle.DTYPES))
    row = oracle.ROWS[loss.kernel]
    shape = draw(npst.array_shapes(min_dims=1, max_dims=4, max_side=9))
    random = np.random.RandomState(draw(st.integers(0, 2**31)))
    classes = shape[-1]
    y, x = oracle.plain(loss.kernel, dtype, int(np.prod(shape)), random, classes)
    kind = generators.of(loss)
    y = y.reshape(kind.labels(row, shape))
    weight = np.asarray(random.rand(*kind.samples(shape)))
    return loss, y, x.reshape(shape), weight


layouts = st.sampled_from(sorted(LAYOUTS))


@given(problems(), layouts, layouts, layouts)
def test_layouts(problem: Any, of_y: str, of_x: str, of_weight: str) -> None:
    loss, y, x, weight = problem
    expected = outputs(loss, y, x, weight)
    given_arrays = LAYOUTS[of_y](y), LAYOUTS[of_x](x), LAYOUTS[of_weight](weight)
    copies = [a.copy() for a in given_arrays]
    got = outputs(loss, *given_arrays)
    if of_x in ("F-order", "first axis last"):  # sums follow the memory of y_pred
        assert got[0] == got[1] == pytest.approx(expected[0], rel=2.0**-48)
        got[:2] = expected[:2]
    assert_equal_bits(got, expected)
    for array, copy in zip(given_arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


INTEGERS = [np.dtype(code) for code in "bhilqBHILQ"]


@given(problems(), st.sampled_from([*INTEGERS, np.dtype(bool)]), layouts)
def test_label_dtypes(problem: Any, dtype: np.dtype, layout: str) -> None:
    loss, y, x, weight = problem
    row = oracle.ROWS[loss.kernel]
    signs = row.labels == ("sign",)
    y = generators.of(loss).hard(row, y)
    loss = oracle.of_any_labels(loss)
    y = np.minimum(y, 1) if dtype.kind == "b" else y
    integers = y.astype(dtype)
    if signs:
        y = 2 * y - 1
        integers = y.astype(dtype) if dtype.kind == "i" else (y > 0)
    got = outputs(loss, LAYOUTS[layout](integers), x, weight)
    assert_equal_bits(got, outputs(loss, y, x, weight))


@pytest.mark.parametrize("kind", [np.int64, np.uint64])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_labels_of_64_bits(isa: str, dtype: type, kind: type) -> None:
    """Also one among others that does not fit into 32 of them."""
    limits = np.iinfo(kind)
    edges = {2**k + d for k in (31, 32, 63, 64) for d in (-1, 0)}
    edges |= {-(2**k) - d for k in (31, 32, 63) for d in (0, 1)}
    for edge in sorted(e for e in edges if limits.min <= e <= limits.max):
        y = np.arange(700).astype(kind)
        y[345] = edge
        found = fl.mean_absolute_error(y, np.zeros(700, dtype), reduction="none")
        np.testing.assert_array_equal(found, np.abs(y.astype(dtype)))
        compared(y.size)


@given(problems(), layouts)
def test_mixed_precision_labels_and_weights(problem: Any, layout: str) -> None:
    loss, y, x, weight = problem
    if y.dtype.kind == "f":
        other = np.float32 if y.dtype == np.float64 else np.float64
        mixed = LAYOUTS[layout](y.astype(other))
        same = y.astype(other).astype(x.dtype)
        assert_equal_bits(outputs(loss, mixed, x), outputs(loss, same, x))
    light = weight.astype(np.float32)
    got = outputs(loss, y, x, LAYOUTS[layout](light))
    assert_equal_bits(got, outputs(loss, y, x, light.astype(np.float64)))


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_lists_and_integer_predictions_become_float64(loss: fl.Loss) -> None:
    random = np.random.RandomState(11)
    y, x = oracle.plain(loss.kernel, np.float64, 30, random, classes=5)
    x = np.ceil(x)
    expected = outputs(loss, y, x)
    assert_equal_bits(outputs(loss, y.tolist(), x.tolist()), expected)
    assert_equal_bits(outputs(loss, y, x.astype(np.int64)), expected)
    assert_equal_bits(outputs(loss, y, x.astype(np.int8)), expected)


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_memory_maps(loss: fl.Loss, tmp_path: Path) -> None:
    random = np.random.RandomState(12)
    y, x = oracle.plain(loss.kernel, np.float32, 4000, random)
    mapped = []
    for name, a in [("y", y), ("x", x)]:
        np.save(tmp_path / f"{name}.npy", a)
        mapped.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    assert_equal_bits(outputs(loss, *mapped), outputs(loss, y, x))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_sizes(loss: fl.Loss, size: int) -> None:
    """Each sample alone, and all of them in one call, have the same bits."""
    random = np.random.RandomState(13)
    samples = size
    for dtype in oracle.DTYPES:
        y, x = oracle.plain(loss.kernel, dtype, 3 * samples, random, classes=3)
        y, x = y[:samples], x[:samples]
        y2, x2 = np.concatenate([y, y[::-1]]), np.concatenate([x, x[::-1]])
        for output in oracle.OUTPUTS:
            got = oracle.calculate(loss, output, y, x)
            twice = oracle.calculate(loss, output, y2, x2)
            np.testing.assert_array_equal(twice[:samples], got)
            np.testing.assert_array_equal(twice[samples:], got[::-1])


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_strides_of_zero(loss: fl.Loss) -> None:
    random = np.random.RandomState(14)
    y, x = oracle.plain(loss.kernel, np.float64, 7, random)
    shape = (500, *x.shape) if x.ndim == 1 else (500, *x.shape[1:])
    repeated = np.broadcast_to(
        y, shape[: 1 + y.ndim] if x.ndim == 1 else (500, *y.shape[1:])
    )
    many = np.broadcast_to(x, shape)
    weight = np.broadcast_to(0.5, (500,))
    expected = outputs(loss, repeated.copy(), many.copy(), weight.copy())
    assert_equal_bits(outputs(loss, repeated, many, weight), expected)


@given(problems(), layouts, st.booleans())
def test_out(problem: Any, layout: str, other_dtype: bool) -> None:
    loss, y, x, weight = problem
    assume(layout != "read-only")
    grad, hess = loss.grad_and_hess(y, x, sample_weight=weight)
    dtype = {np.float32: np.float64, np.float64: np.float32}[x.dtype.type]
    dtype = dtype if other_dtype else x.dtype
    room = [LAYOUTS[layout](np.full(x.shape, 7, dtype)) for _ in range(4)]
    assert loss.grad(y, x, sample_weight=weight, out=room[0]) is room[0]
    value, second = loss.value_and_grad(y, x, sample_weight=weight, out=room[1])
    assert second is room[1]
    both = loss.grad_and_hess(y, x, sample_weight=weight, out=(room[2], room[3]))
    assert both[0] is room[2]
    assert both[1] is room[3]
    assert value == loss(y, x, sample_weight=weight)
    for out in room[:3]:
        np.testing.assert_array_equal(out, grad.astype(dtype))
    np.testing.assert_array_equal(room[3], hess.astype(dtype))


@given(problems(), st.integers(-3, 3), st.sampled_from(["y_true", "y_pred"]))
def test_out_may_overlap_the_inputs(problem: Any, shift: int, other: str) -> None:
    loss, y, x, _ = problem
    assume(other != "y_true" or y.shape == x.shape)
    grad, hess = loss.grad_and_hess(y, x)
    room = np.zeros(x.size + 6, x.dtype)
    shared = room[3 : 3 + x.size].reshape(x.shape)
    shared[...] = x if other == "y_pred" else y
    pair = (y, shared) if other == "y_pred" else (shared, x)
    out = room[3 + shift : 3 + shift + x.size].reshape(x.shape)
    np.testing.assert_array_equal(loss.grad(*pair, out=out), grad)

    shared[...] = x if other == "y_pred" else y
    apart = np.empty_like(x)
    got = loss.grad_and_hess(*pair, out=(apart, out))
    np.testing.assert_array_equal(got[0], grad)
    np.testing.assert_array_equal(got[1], hess)


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_out_of_values(loss: fl.Loss) -> None:
    random = np.random.RandomState(15)
    y, x = oracle.plain(loss.kernel, np.float32, 700, random)
    values = loss(y, x, reduction="none")
    for dtype in oracle.DTYPES:
        out = padded(np.zeros(values.shape, dtype), -2)
        assert loss(y, x, reduction="none", out=out) is out
        np.testing.assert_array_equal(out, values)
    out, grad = np.zeros_like(values), np.zeros_like(x)
    got = loss.value_and_grad(y, x, reduction="none", out=(out, grad))
    assert got[0] is out
    assert got[1] is grad
    np.testing.assert_array_equal(out, values)
    got = loss.value_and_grad(y, x, reduction="none", out=(None, grad))
    np.testing.assert_array_equal(got[0], values)


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_no_dimensions(loss: fl.Loss) -> None:
    """One sample by itself is a loss too."""
    random = np.random.RandomState(16)
    y, x = oracle.plain(loss.kernel, np.float64, 7, random)
    one = loss.value_and_grad(y[:1], x[:1])
    value, grad = loss.value_and_grad(y[0], x[0])
    assert value == one[0]
    np.testing.assert_array_equal(grad, one[1][0])


@pytest.mark.parametrize("loss", [fl.cce, fl.scce])
def test_rows_without_an_axis(loss: fl.Loss) -> None:
    label = np.array(1.0) if loss is fl.cce else np.array(1)
    for y_pred in (np.array(0.5), np.array(0.5, np.float32), 0.5):
        for call in (loss, loss.grad, loss.value_and_grad, loss.grad_and_hess):
            with pytest.raises(ValueError, match="needs a last axis of classes"):
                call(label, y_pred)


class OfDLPack:
    """An array that only DLPack can open."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class OfInterface:
    """An array that only says where its memory is."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.__array_interface__ = array.__array_interface__


@pytest.mark.parametrize("wrapped", [OfDLPack, OfInterface])
def test_arrays_of_other_libraries(wrapped: type) -> None:
    y, x = np.arange(4.0), np.ones(4)
    assert fl.mse(wrapped(y), wrapped(x)) == fl.mse(y, x)


def test_objects_that_are_numbers_are_not_numbers_yet() -> None:
    with pytest.raises(
        TypeError, match=r"dtype object: use y_pred.astype\(np.float64\)"
    ):
        fl.mse([1.0, 2.0], np.array([1, 2.5], dtype=object))
