"""What may be read and written: outputs and nothing else, inputs as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import generators
import numpy as np
import oracle
import pytest

import fastloss as fl

LOSSES = list(oracle.losses())
ROWWISE = [loss for loss in LOSSES if generators.of(loss) is generators.ROWS_OF_CLASSES]
#: Every way of arrays to a kernel: options of rows have ways of their own.
KERNELS = list({loss.kernel: loss for loss in LOSSES if loss not in ROWWISE}.values())
KERNELS += ROWWISE
CANARY = 77


def field(
    shape: tuple[int, ...], dtype: Any, count: int, before: int = 1
) -> np.ndarray:
    """A field of records, bytes before and behind it, of one number or a row."""
    inner = shape[len(shape) - 1 :] if count > 1 else ()
    outer = shape[: len(shape) - len(inner)]
    record = np.dtype([("a", "u1", (before,)), ("z", dtype, inner), ("b", "u1")])
    return np.zeros(outer, record)["z"]


#: Memory of which a view of a shape takes a part.
ROOMS: dict[str, Callable[[tuple[int, ...], Any], np.ndarray]] = {
    "together": lambda s, t: np.zeros((s[0] + 2, *s[1:]), t)[1:-1],
    "wider rows": lambda s, t: np.zeros((*s[:-1], s[-1] + 1), t)[..., :-1],
    "columns in the middle": lambda s, t: np.zeros((*s[:-1], s[-1] + 5), t)[..., 2:-3],
    "every second row": lambda s, t: np.zeros((2 * s[0], *s[1:]), t)[1::2],
    "every second element": lambda s, t: np.zeros((*s[:-1], 2 * s[-1]), t)[..., ::2],
    "rows reversed": lambda s, t: np.zeros((s[0] + 2, *s[1:]), t)[-2:0:-1],
    "reversed": lambda s, t: np.zeros((*s[:-1], s[-1] + 2), t)[..., -2:0:-1],
    "transposed": lambda s, t: np.zeros((s[-1] + 1, *s[-2::-1]), t)[1:].T,
    "a field of rows": lambda s, t: field(s, t, s[-1]),
    "a field of rows, first": lambda s, t: field(s, t, s[-1], before=0),
    "a field of numbers": lambda s, t: field(s, t, 1),
    "bytes swapped": lambda s, t: np.zeros(s, np.dtype(t).newbyteorder("S")),
    "bytes swapped, wider rows": lambda s, t: np.zeros(
        (*s[:-1], s[-1] + 1), np.dtype(t).newbyteorder("S")
    )[..., 1:],
}


def whole(view: np.ndarray) -> np.ndarray:
    """The memory a view was taken from, as bytes."""
    base = view
    while isinstance(base.base, np.ndarray):
        base = base.base
    return np.frombuffer(base.tobytes("A"), np.uint8)


def placed(a: np.ndarray, room: str) -> np.ndarray:
    """A copy of the array in other memory."""
    view = ROOMS[room](a.shape, a.dtype)
    view[...] = a
    return view


class Guarded:
    """An output within memory full of canaries."""

    def __init__(self, room: str, shape: tuple[int, ...], dtype: Any) -> None:
        self.out = ROOMS[room](shape, dtype)
        base = self.out
        while isinstance(base.base, np.ndarray):
            base = base.base
        if base.dtype.names:
            for name in base.dtype.names:
                base[name] = CANARY
        else:
            base[...] = CANARY
        self.before = whole(self.out)

    def holds(self, expected: np.ndarray) -> None:
        """Whether the elements are right and no byte between them has changed."""
        np.testing.assert_array_equal(self.out, expected.astype(self.out.dtype))
        self.out[...] = CANARY
        np.testing.assert_array_equal(whole(self.out), self.before)


def problem(
    loss: fl.Loss, dtype: type, rows: int, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions in two dimensions; every second dense row is one-hot."""
    random = np.random.RandomState(columns)
    y, x = oracle.plain(loss.kernel, dtype, rows * columns, random, columns)
    row = oracle.ROWS[loss.kernel]
    kind, shape = generators.of(loss), (rows, columns)
    y = kind.one_hot(row, y, random)
    return y.reshape(kind.labels(row, shape)), x.reshape(shape)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", KERNELS, ids=oracle.label)
def test_nothing_is_written_between_the_elements(
    loss: fl.Loss, dtype: type, room: str
) -> None:
    loss = replace(loss, reduction="none")
    for rows, columns in ((300, 3), (101, 2), (7, 70), (2, 1100)):
        y, x = problem(loss, dtype, rows, columns)
        values = loss(y, x)
        samples = values.shape
        grad, hess = loss.grad_and_hess(y, x)
        for out_dtype in oracle.DTYPES if rows == 7 else (dtype,):
            first = Guarded(room, samples, out_dtype)
            loss(y, x, out=first.out)
            first.holds(values)
            first, second = (Guarded(room, x.shape, out_dtype) for _ in range(2))
            loss.grad(y, x, out=first.out)
            first.holds(grad)
            loss.grad_and_hess(y, x, out=(first.out, second.out))
            first.holds(grad)
            second.holds(hess)
            of_values = Guarded(room, samples, out_dtype)
            loss.value_and_grad(y, x, out=(of_values.out, first.out))
            of_values.holds(values)
            first.holds(grad)
            loss.grad(y, x, sample_weight=np.ones(len(x)), out=first.out)
            first.holds(grad)


def assert_same(got: Any, expected: Any, *, moved: bool) -> None:
    """Value and derivatives; sums follow the memory of predictions, if that moved."""
    if moved:
        np.testing.assert_allclose(got[0], expected[0], rtol=2.0**-48)
    first = 1 if moved else 0
    for one, other in zip(got[first:], expected[first:], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", KERNELS, ids=oracle.label)
def test_only_the_elements_are_read(loss: fl.Loss, dtype: type, room: str) -> None:
    """Whatever lies between them: strides need not be multiples of an element."""
    for rows, columns in ((300, 3), (101, 2), (7, 70), (2, 1100)):
        y, x = problem(loss, dtype, rows, columns)
        expected = [*loss.value_and_grad(y, x), *loss.grad_and_hess(y, x)]
        samples = loss(y, x, reduction="none").shape
        weight = np.random.RandomState(3).rand(*samples)
        weighted = loss.value_and_grad(y, x, sample_weight=weight)
        for labels, points in (
            (placed(y, room), placed(x, room)),
            (y, placed(x, room)),
        ):
            got = [*loss.value_and_grad(labels, points)]
            got += loss.grad_and_hess(labels, points)
            assert_same(got, expected, moved=room == "transposed")
            got = loss.value_and_grad(
                labels, points, sample_weight=placed(weight, room)
            )
            assert_same(got, weighted, moved=room == "transposed")


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", KERNELS, ids=oracle.label)
def test_matrices_within_matrices(loss: fl.Loss, dtype: type) -> None:
    """Three dimensions, of which the last two are together in memory, or the first."""
    loss = replace(loss, reduction="none")
    for columns in (3, 20, 70):
        y, x = problem(loss, dtype, 24, columns)
        values, grad = loss.value_and_grad(y, x)
        y = y.reshape(6, 4, *y.shape[1:])
        for room in ((6, 5, columns), (7, 4, columns), (6, 4, columns + 1)):
            whole_x, out = np.zeros((2, *room), dtype)
            inner = whole_x[:6, :4, :columns]
            inner[...] = x.reshape(inner.shape)
            out[...] = CANARY
            within = out[:6, :4, :columns]
            of_values = np.empty((6, 4, *values.shape[1:]), dtype)
            loss.value_and_grad(y, inner, out=(of_values, within))
            np.testing.assert_array_equal(of_values.reshape(values.shape), values)
            np.testing.assert_array_equal(within.reshape(x.shape), grad)
            within[...] = CANARY
            assert np.all(out == CANARY)


def across(array: np.ndarray, dtype: Any, room: str) -> np.ndarray:
    """The numbers of an array with its last two axes the other way in memory."""
    shape = (*array.shape[:-2], array.shape[-1], array.shape[-2])
    view = np.swapaxes(ROOMS[room](shape, dtype), -1, -2)
    view[...] = array
    return view


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize(
    "shape", [(3, 90, 700), (1, 5, 9001), (2, 2500, 17), (40, 33, 31), (200, 130)]
)
def test_matrices_across(shape: tuple[int, ...], dtype: type, isa: str) -> None:
    """Blocks begin and end within rows, which lie across in some of the arrays."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 9, shape).astype(dtype)
    x = rng.normal(size=shape).astype(dtype)
    w = rng.integers(0, 3, shape).astype(dtype)
    loss = fl.MeanSquaredError()
    value, grad = loss.value_and_grad(y, x, sample_weight=w)
    other = np.float32 if dtype is np.float64 else np.float64
    for room in (
        "together",
        "columns in the middle",
        "every second element",
        "reversed",
        "bytes swapped",
    ):
        for of_y in (dtype, other, np.int64, np.uint8):
            out = across(np.full(shape, CANARY), dtype, room)
            labels = across(y, of_y, room)
            got = loss.value_and_grad(
                labels, x, sample_weight=across(w, dtype, room), out=out
            )[0]
            assert got == value
            np.testing.assert_array_equal(out, grad)
            np.testing.assert_array_equal(whole(out), whole(across(grad, dtype, room)))
        single = across(np.full(shape, CANARY), other, room)
        loss.value_and_grad(y, x, sample_weight=w, out=single)
        np.testing.assert_array_equal(single, grad.astype(other))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("name", ["mse", "huber", "bce", "cce", "custom"])
def test_outputs_that_share_memory_with_inputs(name: str, dtype: type) -> None:
    """In ways that are not the same elements in the same order."""
    loss = fl.custom(lambda y, x: (x - y) ** 4) if name == "custom" else fl.get(name)
    if name == "cce":
        loss = fl.CategoricalCrossentropy(label_sum="any")
    random = np.random.RandomState(4)
    for n in (5, 40, 150):
        y, x = random.rand(2, n, n).astype(dtype)
        grad, hess = loss.grad_and_hess(y, x)
        for other in ("y_true", "y_pred"):
            pair = {"y_true": y.copy(), "y_pred": x.copy()}
            shared = pair[other]
            start = shared.copy()
            for out in (shared.T, shared[::-1], shared[:, ::-1], shared):
                shared[...] = start
                np.testing.assert_array_equal(loss.grad(**pair, out=out), grad)
                shared[...] = start
                got = loss.grad_and_hess(**pair, out=(None, out))
                np.testing.assert_array_equal(got[0], grad)
                np.testing.assert_array_equal(out, hess)


@pytest.mark.parametrize("name", ["mse", "bce", "custom"])
def test_outputs_of_another_dtype_over_inputs(name: str) -> None:
    """Same address, shape and strides; the results are twice as long."""
    loss = fl.custom(lambda y, x: (x - y) ** 4) if name == "custom" else fl.get(name)
    random = np.random.RandomState(5)
    for n in (7, 3000):
        y = random.rand(n).astype(np.float32)
        room = np.zeros(n + 1)
        x = room.view(np.float32)[: 2 * n : 2]
        x[...] = start = random.rand(n).astype(np.float32)
        grad, hess = loss.grad_and_hess(y, x.copy())
        np.testing.assert_array_equal(loss.grad(y, x, out=room[:n]), grad)
        x[...] = start
        np.testing.assert_array_equal(
            loss.grad(x, y, out=room[:n]), loss.grad(start, y)
        )
        x[...] = start
        got = loss.grad_and_hess(y, x, out=(np.zeros(n), room[:n]))
        np.testing.assert_array_equal(got[0], grad)
        np.testing.assert_array_equal(got[1], hess)


def test_weights_may_be_overwritten() -> None:
    y, x = np.random.RandomState(6).rand(2, 3000)
    weight = np.linspace(1, 2, 3000)
    expected = fl.huber.grad_and_hess(y, x, sample_weight=weight)
    for which in (0, 1):
        w = weight.copy()
        out = [np.empty(3000), np.empty(3000)]
        out[which] = w
        got = fl.huber.grad_and_hess(y, x, sample_weight=w, out=tuple(out))
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("loss", oracle.refusing_losses(), ids=oracle.label)
def test_an_error_leaves_shared_inputs_as_they_were(loss: fl.Loss) -> None:
    """The block in which the error is found is not the first."""
    row = oracle.ROWS[loss.kernel]
    for n in (40, 60_000):
        y, x = oracle.plain(loss.kernel, np.float64, n, np.random.RandomState(7))
        if row.labels != ("real",):
            y.flat[-1] = 99
        else:
            x.flat[-1] = 99
        before = y.copy(), x.copy()
        for shared in (x, y) if y.shape == x.shape else (x,):
            if shared.dtype.kind != "f":
                continue
            with pytest.raises(ValueError, match="99"):
                loss.grad(y, x, out=shared)
            with pytest.raises(ValueError, match="99"):
                loss.grad_and_hess(y, x, out=(shared, np.empty_like(x)))
            np.testing.assert_array_equal(y, before[0])
            np.testing.assert_array_equal(x, before[1])


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_a_pair_must_not_share_memory(loss: fl.Loss, dtype: type) -> None:
    y, x = oracle.plain(loss.kernel, dtype, 70, np.random.RandomState(8))
    room = np.zeros((2 * len(x), *x.shape[1:]), dtype)
    for first, second in (
        (room[: len(x)], room[: len(x)]),
        (room[: len(x)], room[1 : len(x) + 1]),
        (room[len(x) :], room[len(x) - 1 : -1]),
        (room[: 2 * len(x) : 2], room[: len(x)]),
    ):
        with pytest.raises(ValueError, match="the pair share memory"):
            loss.grad_and_hess(y, x, out=(first, second))
        assert not room.any()
    values = loss(y, x, reduction="none")
    with pytest.raises(ValueError, match="the pair share memory"):
        loss.value_and_grad(
            y, x, reduction="none", out=(room.ravel()[: values.size], room[: len(x)])
        )
    both = loss.grad_and_hess(y, x, out=(room[: len(x)], room[len(x) :]))
    for got, expected in zip(both, loss.grad_and_hess(y, x), strict=True):
        np.testing.assert_array_equal(got, expected)


POLYNOMIALS: list[Callable[[Any, Any, Any], Any]] = [
    lambda y, x, w: w * (x - y) ** 2,
    lambda y, x, w: w * x**3,
    lambda y, x, w: w * np.exp(x) * x,
    lambda y, x, w: (x * w - y) ** 4,
]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("number", range(len(POLYNOMIALS)))
def test_further_inputs_may_be_overwritten(number: int, dtype: type, isa: str) -> None:
    loss = fl.custom(POLYNOMIALS[number], inputs=("w",))
    random = np.random.RandomState(9)
    for n in (5, 513, 5000):
        y, x, w = random.rand(3, n).astype(dtype)
        values = loss(y, x, w=w, reduction="none")
        value, grad = loss.value_and_grad(y, x, w=w)
        hess = loss.grad_and_hess(y, x, w=w)[1]
        shared = w.copy()
        np.testing.assert_array_equal(loss.grad(y, x, w=shared, out=shared), grad)
        for out in ((shared, None), (None, shared), (np.empty_like(w), shared)):
            shared[...] = w
            first, second = loss.grad_and_hess(y, x, w=shared, out=out)
            np.testing.assert_array_equal(first, grad)
            np.testing.assert_array_equal(second, hess)
        shared[...] = w
        got, first = loss.value_and_grad(y, x, w=shared, out=shared)
        assert got == value
        np.testing.assert_array_equal(first, grad)
        shared[...] = w
        got = loss(y, x, w=shared, reduction="none", out=shared)
        np.testing.assert_array_equal(got, values)


BYTES = np.array([0, 1, 2, 3, 128, 255, 0, 254], np.uint8)


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_booleans_are_true_whatever_their_byte(
    loss: fl.Loss, dtype: type, step: int
) -> None:
    """As `np.frombuffer` makes them, or a comparison in another language."""
    row = oracle.ROWS[loss.kernel]
    loss = oracle.of_any_labels(loss)
    random = np.random.RandomState(10)
    _, x = oracle.plain(loss.kernel, dtype, 40 * 8, random, 8)
    shape = generators.of(loss).labels(row, x.shape)
    true = BYTES[BYTES != 0] if row.labels == ("positive",) else BYTES
    room = np.resize(true, (*shape[:-1], step * shape[-1]))
    byte, strides = room[..., ::step], room[..., ::step].strides
    y = np.ndarray(shape, bool, room, 0, strides)
    plain = np.where(byte != 0, 1, -1 if row.labels == ("sign",) else 0)
    plain = plain.astype(np.int64 if generators.has_classes(row) else dtype)
    byte = np.resize(BYTES, len(x))
    for weights in ((None, None), (byte.view(bool), (byte != 0) * 1.0)):
        results = []
        for labels, weight in zip((y, plain), weights, strict=True):
            value, grad = loss.value_and_grad(labels, x, sample_weight=weight)
            hess = loss.grad_and_hess(labels, x, sample_weight=weight)[1]
            results.append((value, grad, hess))
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one, other)


def test_booleans_as_further_inputs() -> None:
    loss = fl.custom(lambda y, x, w: w * (x - y) ** 2, inputs=("w",))
    y, x = np.zeros(8), np.arange(8.0)
    got = loss(y, x, w=BYTES.view(bool), reduction="none")
    assert got.tolist() == [0, 1, 4, 9, 16, 25, 0, 49]


ENDS = {
    dtype: [np.iinfo(dtype).min, np.iinfo(dtype).max, np.iinfo(dtype).max // 2 + 1, 1]
    for dtype in (np.dtype(code) for code in "bhilqBHILQ")
}


@pytest.mark.parametrize("step", [1, -2])
@pytest.mark.parametrize("order", ["=", "S"])
@pytest.mark.parametrize("integer", ENDS, ids=str)
def test_integers_at_their_ends(integer: np.dtype, order: str, step: int) -> None:
    """As labels, as weights and as predictions: the nearest float, once rounded."""
    room = np.zeros(2 * len(ENDS[integer]), integer.newbyteorder(order))
    y = room[::step][: len(ENDS[integer])]
    y[...] = ENDS[integer]
    exact = [float(end) for end in ENDS[integer]]
    for dtype in oracle.DTYPES:
        x = np.zeros(y.size, dtype)
        expected = np.array(ENDS[integer], object).astype(dtype)
        got = fl.mae(y, x, reduction="none")
        np.testing.assert_array_equal(got, abs(expected))
        grad = fl.mse.grad(y, x, reduction="sum")
        np.testing.assert_array_equal(grad, -2 * expected)
        grad = fl.mae.grad(x, x + 1, sample_weight=y, reduction="sum")
        np.testing.assert_array_equal(grad, np.array(exact).astype(dtype))
    np.testing.assert_array_equal(
        fl.mae(np.zeros(y.size), y, reduction="none"), np.abs(exact)
    )


@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"class_weight": {1: 2}}]
)
@pytest.mark.parametrize("from_logits", [False, True])
def test_classes_beyond_int64_are_no_ignored_class(
    from_logits: bool, options: dict[str, Any]
) -> None:
    """2^64 - 1 has the bits of -1, and so on."""
    x = np.full((3, 4), 0.25)
    for ignored in (-1, -(2**63), -100):
        loss = fl.SparseCategoricalCrossentropy(
            from_logits=from_logits, ignore_class=ignored, **options
        )
        y = np.array([1, ignored % 2**64, 2], np.uint64)
        for labels in (y, np.repeat(y, 2)[::2]):
            for call in (loss, loss.grad, loss.grad_and_hess):
                with pytest.raises(ValueError, match=rf"y_true\[1\] = {y[1]} is not a"):
                    call(labels, x)
        signed = np.array([1, ignored, 2])
        rest = loss(signed[::2], x[::2])
        assert loss(signed, x) == pytest.approx(rest, rel=1e-15)
