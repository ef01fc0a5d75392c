"""Same input, same bits: over threads, layouts, instruction sets and releases.

``data/corpus_hashes.json`` holds hashes of the outputs of the released kernels on fixed
inputs. After a change of result bits that is meant, and is in the changelog under
"Numerical changes", write it anew: ``python tests/test_determinism.py``. The file has
two parts, as the baseline instruction set, without fused multiply-add, has bits of its
own: run it where both can be computed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import generators
import numpy as np
import oracle
import pytest
from conftest import ISAS, compared

import fastloss as fl
from fastloss.core import _bridge

LOSSES = list(oracle.losses())
THREADS = (1, 2, 3, 7)
HASHES = Path(__file__).parent / "data/corpus_hashes.json"


def bits(
    loss: fl.Loss, y: np.ndarray, x: np.ndarray, **weight: np.ndarray
) -> list[bytes]:
    """Every output; those that are there twice are equal already."""
    value, grad = loss.value_and_grad(y, x, **weight)
    grad_again, hess = loss.grad_and_hess(y, x, **weight)
    outputs = [np.asarray(output).tobytes() for output in (value, grad, hess)]
    assert np.asarray(loss(y, x, **weight)).tobytes() == outputs[0]
    assert loss.grad(y, x, **weight).tobytes() == outputs[1]
    assert grad_again.tobytes() == outputs[1]
    compared(3)
    return outputs


def batches(
    kernel: str, dtype: type, n: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Elements, or narrow and wide rows, and weights: `n` entries of y_pred."""
    random = np.random.RandomState(8)
    kinds = generators.KINDS[oracle.ROWS[kernel].kind].widths
    for classes in kinds:
        y, x = oracle.plain(kernel, dtype, n, random, classes)
        yield y, x, random.rand(*(x.shape if len(kinds) == 1 else x.shape[:-1]))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_number_of_threads(
    loss: fl.Loss, reduction: str, dtype: type, isa: str
) -> None:
    # Enough entries for seven threads: the engine gives each at least 12288.
    one = replace(loss, reduction=reduction)
    for y, x, weight in batches(loss.kernel, dtype, 120_001):
        weights = {"sample_weight": weight} if reduction == "mean" else {}
        with fl.threads(THREADS[0]):
            expected = bits(one, y, x, **weights)
        for threads in THREADS[1:]:
            with fl.threads(threads):
                assert bits(one, y, x, **weights) == expected
            compared(len(expected))


def shifted(a: np.ndarray, elements: int) -> np.ndarray:
    """A copy of `a` that begins so many elements after an aligned address."""
    room = np.empty(a.size + 16 + elements, a.dtype)
    start = (-room.ctypes.data // a.itemsize) % (64 // a.itemsize) + elements
    copy = room[start : start + a.size].reshape(a.shape)
    copy[...] = a
    return copy


def strided(a: np.ndarray, step: int) -> np.ndarray:
    """A view equal to `a`, whose elements are `step` apart in memory."""
    room = np.zeros((*a.shape[:-1], a.shape[-1] * abs(step)), a.dtype)
    view = room[..., ::step]
    view[...] = a
    return view


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_offsets_and_strides(loss: fl.Loss, dtype: type, isa: str) -> None:
    layouts = [lambda a, k=k: shifted(a, k) for k in (0, 1, 2, 3, 5, 12, 15)]
    layouts += [lambda a, k=k: strided(a, k) for k in (2, 3, -1, -2)]
    layouts += [lambda a: np.asfortranarray(a)]
    for y, x, weight in batches(loss.kernel, dtype, 20_001):
        expected = bits(loss, y, x)
        weighted = bits(loss, y, x, sample_weight=weight)
        for layout in layouts:
            given = layout(y), layout(x)
            assert bits(loss, *given) == expected
            assert bits(loss, *given, sample_weight=layout(weight)) == weighted
            out = layout(np.zeros_like(x))
            value, _ = loss.value_and_grad(*given, out=out)
            assert [np.asarray(value).tobytes(), out.tobytes()] == expected[:2]
            compared(len(expected) + len(weighted) + 2)


def entries(loss: fl.Loss, y: np.ndarray, x: np.ndarray) -> list[np.ndarray]:
    """Value, gradient and Hessian of every item by itself."""
    value, grad = replace(loss, reduction="none").value_and_grad(y, x)
    _, hess = replace(loss, reduction="none").grad_and_hess(y, x)
    return [value, grad, hess]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_an_item_does_not_depend_on_its_neighbours(
    loss: fl.Loss, dtype: type, isa: str
) -> None:
    for y, x, _ in batches(loss.kernel, dtype, 6001):
        if oracle.ROWS[loss.kernel].labels == ("unit",) and y.ndim == 1:
            y[1::2] = 0.25 + y[1::2] / 2  # hard labels between soft ones
        whole = entries(loss, y, x)
        for chosen in (slice(None, None, 2), slice(1, None, 2), slice(3, 70)):
            alone = entries(loss, y[chosen], x[chosen])
            for output, among_all in zip(alone, whole, strict=True):
                assert output.tobytes() == among_all[chosen].tobytes()
            compared(len(alone))


SPARSE = fl.LOSSES["sparse_categorical_crossentropy"]
DENSE = [
    fl.CategoricalCrossentropy(from_logits=f, label_sum="any") for f in (False, True)
]


@pytest.mark.parametrize("classes", [2, 3, 10, 33, 57, 58, 63, 64, 65, 100, 1000, 5000])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", DENSE, ids=oracle.label)
def test_one_hot_rows(loss: fl.Loss, dtype: type, classes: int, isa: str) -> None:
    """They take a way of their own, unless one near them is something else."""
    random = np.random.RandomState(classes)
    rows = 5 + 40_000 // classes
    _, x = oracle.plain(loss.kernel, dtype, rows * classes, random, classes)
    labels = random.randint(0, classes, len(x))
    labels[:3] = 0, classes - 1, max(0, classes // 16 * 16 - 1)
    y = np.eye(classes, dtype=dtype)[labels]
    sparse = replace(SPARSE, from_logits=loss.from_logits)
    whole = entries(loss, y, x)
    classwise = entries(sparse, labels, x)
    assert whole[0].tobytes() == classwise[0].tobytes()
    # A dense kernel multiplies by the factor of a row in its dtype: one more rounding.
    for dense, output in zip(whole[1:], classwise[1:], strict=True):
        np.testing.assert_allclose(dense, output, rtol=2 * np.finfo(dtype).eps, atol=0)
    compared(3)
    for row, change in [(7, 0.5), (len(x) - 1, 0.0), (1, 0.25)]:
        other = y.copy()
        other[row] *= change
        changed = entries(loss, other, x)
        rest = np.arange(len(x)) != row
        for before, after in zip(whole, changed, strict=True):
            assert before[rest].tobytes() == after[rest].tobytes()
        np.testing.assert_allclose(
            changed[0][row], change * whole[0][row], rtol=4 * np.finfo(dtype).eps
        )
        compared(3)
    for none, two in [(3, 4), (4, 3), (2, len(x) - 1)]:  # as many ones as rows
        other = y.copy()
        other[none] = 0
        other[two, (labels[two] + 1) % classes] = 1
        changed = entries(loss, other, x)
        alone = entries(loss, other[[none, two]], x[[none, two]])
        rest = ~np.isin(np.arange(len(x)), (none, two))
        assert changed[0][none] == 0
        for before, after, both in zip(whole, changed, alone, strict=True):
            assert before[rest].tobytes() == after[rest].tobytes()
            assert both.tobytes() == after[[none, two]].tobytes()
        compared(6)


BINARY = [
    replace(fl.LOSSES["binary_crossentropy"], from_logits=f) for f in (False, True)
]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", BINARY, ids=oracle.label)
def test_hard_labels(loss: fl.Loss, dtype: type, isa: str) -> None:
    """They take a way of their own, unless one near them is something else."""
    random = np.random.RandomState(7)
    y = random.randint(0, 2, 1500).astype(dtype)
    scale = 80 if dtype == np.float32 else 700
    x = random.uniform(-scale, scale, 1500) if loss.from_logits else random.rand(1500)
    x = x.astype(dtype)
    whole = entries(loss, y, x)
    changes = [(0, 0.5, x[0]), (600, 1e-30, x[600]), (1499, -0.0, x[1499])]
    if loss.from_logits:
        changes += [(511, 1, z) for z in (np.inf, -np.inf, -104, 89, -745, 710)]
    for element, label, prediction in changes:
        other_y, other_x = y.copy(), x.copy()
        other_y[element], other_x[element] = label, prediction
        changed = entries(loss, other_y, other_x)
        alone = entries(loss, other_y[[element]], other_x[[element]])
        rest = np.arange(1500) != element
        for before, after, one in zip(whole, changed, alone, strict=True):
            assert before[rest].tobytes() == after[rest].tobytes()
            assert one.tobytes() == after[[element]].tobytes()
        compared(6)


EXTREMES = {
    "float32": [np.inf, np.nan, 1.8e19, -1.5e19, 1e-22, 3e-45, -0.0],
    "float64": [np.inf, np.nan, 1.3e154, -1e154, 1e-160, 5e-324, -0.0],
}


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("name", ["mean_squared_error", "mean_absolute_error", "huber"])
def test_sums_of_extremes(name: str, dtype: type, isa: str) -> None:
    """A sum meets a value that is not finite, near the largest or subnormal."""
    loss = replace(fl.LOSSES[name], reduction="sum")
    random = np.random.RandomState(11)
    for extreme in EXTREMES[np.dtype(dtype).name]:
        for n, at in [(64, 0), (1000, 63), (20_000, 16_500)]:
            x = random.standard_normal(n).astype(dtype)
            if np.isfinite(extreme) and abs(extreme) < 1:
                x *= abs(dtype(extreme))
            x[at] = extreme
            y = np.zeros_like(x)
            terms = replace(loss, reduction="none")(y, x).astype(float)
            expected = math.fsum(terms)
            value, _ = loss.value_and_grad(y, x)
            assert value == loss(y, x) or np.isnan(value)
            np.testing.assert_allclose(value, expected, rtol=2.0**-51, atol=0)
            compared(2)


FUSED = [isa for isa in ISAS if isa != "baseline"]


def corpus(kernel: str, dtype: type) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Inputs that every machine and every NumPy computes alike: integers, scaled."""
    row = oracle.ROWS[kernel]
    random = np.random.RandomState(10)
    for shape in generators.KINDS[row.kind].corpus:
        x = random.randint(-(2**20), 2**20, shape) * 2.0**-13
        if row.predictions == ("probability",):
            x = random.randint(0, 2**20 + 1, shape) * 2.0**-20
        if generators.has_classes(row):
            y = random.randint(0, shape[-1], shape[:-1])
        elif row.labels == ("unit",):
            y = np.minimum(random.randint(0, 2**10 + 200, shape), 2**10) * 2.0**-10
        elif row.labels == ("sign",):
            y = random.choice([-1, 1], shape)
        elif row.labels == ("bit",):
            y = random.randint(0, 2, shape) * 1.0
        else:
            y = random.randint(-(2**10), 2**10, shape) * 2.0**-6
        if row.labels[0] in ("count", "positive", "log1p"):
            y = np.abs(y) + (row.labels[0] == "positive")
        if row.predictions[0] in ("positive", "mean", "log1p"):
            x = np.abs(x) + 2.0**-13
        yield y if y.dtype.kind == "i" else y.astype(dtype), x.astype(dtype)


def hashes() -> dict[str, str]:
    """SHA-256 of all outputs of each loss and dtype, on the present instruction set."""
    table = {}
    for loss in LOSSES:
        for dtype in oracle.DTYPES:
            digest = hashlib.sha256()
            for y, x in corpus(loss.kernel, dtype):
                for reduction in ("mean", "none"):
                    free = replace(oracle.of_any_labels(loss), reduction=reduction)
                    for output in bits(free, y, x):
                        digest.update(output)
            table[f"{oracle.label(loss)} {np.dtype(dtype).name}"] = digest.hexdigest()
    return table


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("shape", [(2050, 33), (2050, 5000), (1030, 17_000)])
def test_values_that_read_one_entry_of_a_row(
    shape: tuple[int, int], dtype: type, isa: str
) -> None:
    """Rows of several chunks are read in one block, but summed chunk by chunk."""
    random = np.random.RandomState(3)
    rows, classes = shape
    p = np.zeros(shape, dtype)
    y = random.randint(classes, size=rows)
    p[np.arange(rows), y] = random.uniform(0.01, 1, rows)
    weight = random.rand(rows)
    loss = fl.SparseCategoricalCrossentropy()
    for weights in ({}, {"sample_weight": weight}):
        value, _ = loss.value_and_grad(y, p, **weights)
        for threads in THREADS[:2]:
            with fl.threads(threads):
                assert loss(y, p, **weights) == value
        assert loss(y, np.asfortranarray(p), **weights) == value
        compared(3)
    values = loss(y, p, reduction="none")
    assert value == pytest.approx(math.fsum(weight * values) / math.fsum(weight))
    assert loss(y, p, reduction="sum") == pytest.approx(math.fsum(values), rel=1e-15)
    p[1025, y[1025]] = 2
    with pytest.raises(ValueError, match="1025"):
        loss(y, p)


def part(isa: str) -> str:
    return "baseline" if isa == "baseline" else "fused multiply-add"


@pytest.mark.parametrize("offset", [0, 4, 5])
@pytest.mark.parametrize("kernel", ["huber", "custom"])
def test_outputs_past_the_caches(kernel: str, offset: int, isa: str) -> None:
    """Outputs of 32 MiB are streamed: to a line, to 16 bytes, or not at all.

    To new pages they are stored as usual.
    """
    n = (1 << 23) + 1001
    random = np.random.RandomState(12)
    y, x = random.randn(2, n).astype(np.float32)
    loss: Any = fl.Huber() if kernel == "huber" else fl.custom(_squared)
    room = np.empty((3, n + 32), np.float32)
    room.fill(0)  # a write, so that the pages are there
    starts = [(-row.ctypes.data % 64) // 4 + offset for row in room]
    outs = [row[a : a + n] for row, a in zip(room, starts, strict=True)]
    value, _ = loss.value_and_grad(y, x, out=outs[0])
    loss.grad_and_hess(y, x, out=(outs[1], outs[2]))
    values = loss(y, x, reduction="none")
    assert value == pytest.approx(math.fsum(values) / n, rel=1e-15)
    step = 100_003
    for a in range(0, n, step):
        part = slice(a, a + step)
        expected = loss.grad_and_hess(y[part], x[part], reduction="sum")
        assert loss(y[part], x[part], reduction="none").tobytes() == (
            values[part].tobytes()
        )
        for out, exact in zip(outs[1:], expected, strict=True):
            np.testing.assert_allclose(out[part] * np.float64(n), exact, rtol=1e-7)
    assert outs[0].tobytes() == outs[1].tobytes()
    new_value, new = loss.value_and_grad(y, x)
    assert (new_value, new.tobytes()) == (value, outs[0].tobytes())
    for row, a in zip(room, starts, strict=True):
        assert not row[:a].any()
        assert not row[a + n :].any()
    compared(n)


@pytest.mark.parametrize("offset", [0, 4, 5])
@pytest.mark.parametrize("classes", [63, 1001, 40_000])
def test_zeros_past_the_caches(classes: int, offset: int, isa: str) -> None:
    """Derivatives of rows of probabilities are zeros, streamed, but for the classes."""
    rows = (1 << 23) // classes + 7
    random = np.random.RandomState(13)
    p = random.rand(rows, classes).astype(np.float32)
    y = random.randint(0, classes, rows)
    room = np.empty(p.size + 64, np.float32)
    room.fill(1)  # a write, so that the pages are there
    start = (-room.ctypes.data % 64) // 4 + offset
    out = room[start : start + p.size].reshape(p.shape)
    SPARSE.value_and_grad(y, p, out=out)
    expected = -1 / (p[np.arange(rows), y].astype(float) * rows)
    np.testing.assert_allclose(out[np.arange(rows), y], expected, rtol=2e-7)
    out[np.arange(rows), y] = 0
    assert not out.any()
    assert (room[:start] == 1).all()
    assert (room[start + p.size :] == 1).all()
    compared(p.size)


def _squared(y: Any, p: Any) -> Any:
    return (y - p) ** 2


def test_the_released_bits(isa: str) -> None:
    recorded = json.loads(HASHES.read_text())[part(isa)]
    now = hashes()
    assert now.keys() == recorded.keys(), "a kernel has no hash: see the head of this"
    for name, digest in recorded.items():
        assert now[name] == digest, f"{name} has new bits on {isa}"
        compared(1)


def write_hashes() -> None:
    tables = {}
    for isa in ISAS:
        _bridge.use_isa(isa)
        table = hashes()
        assert tables.setdefault(part(isa), table) == table, isa
    HASHES.write_text(json.dumps(tables, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    write_hashes()
