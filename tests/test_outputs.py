"""Which arrays results may be written to, and what no samples give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import oracle
import pytest
from numpy.lib.stride_tricks import as_strided

import fastloss as fl
from fastloss.core import checks

LOSSES = list(oracle.losses())
REDUCTIONS = ("mean", "sum", "none", "sum_over_batch_size")
ITEM = 8


def overlapping(*layout: tuple[int, int]) -> np.ndarray:
    """An array of (length, stride in bytes) along its axes, of zeros."""
    shape, strides = zip(*layout, strict=True)
    size = sum((n - 1) * abs(s) for n, s in layout) + ITEM
    room = np.zeros(size, np.uint8)
    start = sum((n - 1) * -s for n, s in layout if s < 0)
    return as_strided(room[start : start + ITEM].view(np.float64), shape, strides)


@pytest.mark.parametrize(
    "layout",
    [
        [(3, 8)],
        [(3, 0)],
        [(3, 4)],
        [(3, -4)],
        [(3, 7)],
        [(2, 16), (3, 8)],
        [(3, 8), (2, 24)],
        [(2, -24), (3, 8)],
        [(3, 8), (3, 8)],
        [(2, 8), (2, 12)],
        [(1, 0), (3, 8)],
        [(3, 24), (4, 16)],  # interleaved, not nested: 3 i + 2 j
        [(2, 24), (3, 16)],  # the same without a collision
        [(2, 40), (2, 24), (2, 16)],  # 5 = 3 + 2
        [(2, 48), (2, 24), (2, 16)],
        [(3, 20), (3, 12)],
        [(10**6, 8), (10**6, 8)],
    ],
    ids=str,
)
def test_an_output_that_overlaps_itself_is_refused(
    layout: list[tuple[int, int]],
) -> None:
    """By the bytes themselves, set one by one."""
    if np.prod([n for n, _ in layout]) > 1000:
        free = False
        room = as_strided(np.zeros(2 * 10**6), (10**6, 10**6), (8, 8))
    else:
        room = overlapping(*layout)
        starts = [0]
        for n, stride in layout:
            starts = [s + k * stride for s in starts for k in range(n)]
        taken = {s + k for s in starts for k in range(ITEM)}
        free = len(taken) == ITEM * len(starts)
    zeros = np.broadcast_to(0.0, room.shape)
    if free:
        x = np.arange(room.size, dtype=float).reshape(room.shape)
        assert fl.mse.grad(zeros, x, out=room, reduction="sum") is room
        np.testing.assert_array_equal(room, 2 * x)
    else:
        with pytest.raises(ValueError, match=r"out has strides .* share memory"):
            fl.mse.grad(zeros, zeros, out=room, reduction="sum")


def test_a_masked_output_is_refused() -> None:
    out = np.ma.masked_array([5.0, 6.0], [False, True])
    with pytest.raises(TypeError, match=r"out is a masked array.*pass out\.data"):
        fl.mse.grad([0.0, 0.0], [1.0, 1.0], out=out)
    with pytest.raises(TypeError, match=r"out is a masked array"):
        fl.mse.grad_and_hess([0.0, 0.0], [1.0, 1.0], out=(np.zeros(2), out))
    with pytest.raises(TypeError, match=r"out is a masked array"):
        fl.mse([0.0, 0.0], [1.0, 1.0], reduction="none", out=out)
    assert out.tolist() == [5.0, None]
    fl.mse.grad([0.0, 0.0], [1.0, 1.0], out=out.data, reduction="sum")
    assert out.data.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_a_pair_may_be_interleaved(dtype: type) -> None:
    y, x = np.zeros(4), np.arange(4.0)
    for room in (np.zeros((4, 2), dtype), np.zeros((2, 4), dtype).T):
        pair = room[:, 0], room[:, 1]
        assert fl.mse.grad_and_hess(y, x, out=pair, reduction="sum") == pair
        assert room.tolist() == [[0, 2], [2, 2], [4, 2], [6, 2]]
    for taken in (slice(0, 4), slice(1, 5)):
        room = np.zeros(8, dtype)
        with pytest.raises(ValueError, match="the arrays of the pair share memory"):
            fl.mse.grad_and_hess(y, x, out=(room[:4], room[taken]))


def test_where_it_is_hard_to_tell_arrays_count_as_sharing() -> None:
    """The search NumPy gives up is the one that `numpy.shares_memory` documents."""
    room = np.zeros(192163377, dtype=np.int8)
    one = as_strided(room, (1049, 1049, 1049), (36674, 61119, 85569))
    two = as_strided(room[64023025:], (1049, 1049, 1), (12223, 12224, 1))
    with pytest.raises(np.exceptions.TooHardError):
        np.shares_memory(one, two, max_work=10_000)
    assert checks.share_memory(one, two)


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_an_output_beside_its_input(loss: fl.Loss) -> None:
    """In other columns of one array: nothing is copied, nothing is spoilt."""
    random = np.random.RandomState(1)
    y, x = oracle.plain(loss.kernel, np.float64, 70, random, classes=5)
    expected = loss.grad(y, x)
    room = np.zeros((*x.shape, 2))
    room[..., 0] = x
    out = room[..., 1]
    assert loss.grad(y, room[..., 0], out=out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(room[..., 0], x)


def empty_of(loss: fl.Loss, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    y, x = oracle.plain(loss.kernel, dtype, 21, np.random.RandomState(2), classes=3)
    return y[:0], x[:0]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_no_samples(loss: fl.Loss, dtype: type) -> None:
    y, x = empty_of(loss, dtype)
    for reduction in REDUCTIONS:
        of_none = replace(loss, reduction=reduction)
        for weight in (None, np.zeros(0)):
            if reduction in ("mean", "sum_over_batch_size"):
                for call in ("__call__", "grad", "value_and_grad", "grad_and_hess"):
                    with pytest.raises(ValueError, match=r'empty.*reduction="sum"'):
                        getattr(of_none, call)(y, x, sample_weight=weight)
                continue
            value, grad = of_none.value_and_grad(y, x, sample_weight=weight)
            _, hess = of_none.grad_and_hess(y, x, sample_weight=weight)
            alone = of_none(y, x, sample_weight=weight)
            assert grad.shape == hess.shape == x.shape
            assert grad.dtype == hess.dtype == dtype
            if reduction == "none":
                assert value.shape == alone.shape == (0,)
                assert value.dtype == alone.dtype == dtype
            else:
                assert type(value) is type(alone) is float
                assert value == alone == 0.0


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_no_samples_into_outputs(loss: fl.Loss) -> None:
    y, x = empty_of(loss, np.float32)
    loss = replace(loss, reduction="none")
    grad, hess, values = np.zeros(x.shape), np.zeros(x.shape, "f4"), np.zeros(0)
    assert loss.grad(y, x, out=grad) is grad
    assert loss(y, x, out=values) is values
    both = loss.grad_and_hess(y, x, out=(grad, hess))
    assert both[0] is grad
    assert both[1] is hess
    got = loss.value_and_grad(y, x, out=(values, hess))
    assert got[0] is values
    assert got[1] is hess
    with pytest.raises(ValueError, match="out has shape"):
        loss.grad(y, x, out=np.zeros((1, *x.shape[1:])))


def test_no_samples_of_custom_losses() -> None:
    def largest(y: Any, p: Any) -> Any:
        return np.asarray(p) / np.max([float(v) for v in p])

    compiled = fl.custom(lambda y, p: (p - y) ** 2)
    weighed = fl.custom(lambda y, p, w: w * (p - y) ** 2, inputs=("w",))
    as_numpy = fl.custom(largest, grad=largest, hess=largest)
    none = np.zeros(0)
    for loss, given in [(compiled, {}), (weighed, {"w": none}), (as_numpy, {})]:
        assert loss(none, none, reduction="sum", **given) == 0.0
        grad, hess = loss.grad_and_hess(none, none, reduction="sum", **given)
        assert grad.shape == hess.shape == (0,)
        assert loss(none, none, reduction="none", **given).shape == (0,)
        with pytest.raises(ValueError, match="y_pred is empty"):
            loss(none, none, reduction="mean", **given)


@pytest.mark.parametrize("rows", [0, 3])
def test_no_classes_are_an_error(rows: int) -> None:
    x = np.zeros((rows, 0))
    with pytest.raises(
        ValueError, match=rf"y_pred has shape \({rows}, 0\): .*no class"
    ):
        fl.scce(np.zeros(rows, int), x, reduction="sum")
    with pytest.raises(
        ValueError, match=rf"y_pred has shape \({rows}, 0\): .*no class"
    ):
        fl.cce(x, x, reduction="none")
