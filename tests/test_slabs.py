"""Losses over slabs of rows: sums that cancel, weights of 0, disks that are full."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss.app import samples
from fastloss.app.evaluate import evaluate
from fastloss.core.kinds import PairedRowwise, Rowwise

ROWS = 32  # float64 numbers in a slab of 256 bytes


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SLAB_BYTES", 8 * ROWS)


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[..., float]:
    """The value of a loss of arrays by way of files, and after which bytes it was."""

    def value(
        loss: fl.Loss,
        y: Any,
        x: Any,
        weight: Any = None,
        grad_file: Path | None = None,
        slabs: list[int] | None = None,
    ) -> float:
        names = []
        for name, array in (("y", y), ("x", x), ("w", weight)):
            if array is not None:
                np.save(tmp_path / f"{name}.npy", array)
                names.append(str(tmp_path / f"{name}.npy"))
        rows = isinstance(loss, Rowwise)
        soft = isinstance(loss, PairedRowwise)
        more: dict[str, Any] = {"row_labels": soft, "row_predictions": rows}
        if weight is not None:
            more["weight"] = names[2]
        with samples.open_samples(names[:2], **more) as opened:
            progress = [].append if slabs is None else slabs.append
            report = evaluate([loss], opened, grad_file=grad_file, progress=progress)
        return report.results[0].value

    return value


Evaluated = Callable[..., float]


def first_of_each(*numbers: float) -> np.ndarray:
    """An array of one slab for each number, which comes first, then zeros."""
    array = np.zeros((len(numbers), ROWS))
    array[:, 0] = numbers
    return array.ravel()


def test_sums_of_slabs_may_cancel(evaluated: Evaluated) -> None:
    """1e16 + 1 - 1e16 is 1, and 0 if each addition is rounded."""
    weight = first_of_each(1e16, 1, -1e16, 1, 1e16, 1, -1e16)
    y, x = np.zeros_like(weight), np.ones_like(weight)
    total = fl.MeanSquaredError(reduction="sum")
    slabs: list[int] = []
    seen = evaluated(total, y, x, weight, slabs=slabs)
    assert len(slabs) == 7
    assert seen == 3.0
    assert evaluated(fl.mse, y, 2 * x, weight) == 4.0


@pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size"])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_weight_of_zero_counts_nothing(
    sparse: bool, reduction: str, tmp_path: Path, evaluated: Evaluated
) -> None:
    """Whatever the labels and predictions of its row are, class weights or not."""
    random = np.random.RandomState(1)
    labels, x = random.randint(0, 3, 100), random.randn(100, 3)
    y: Any = labels if sparse else np.eye(3)[labels]
    weight = random.rand(100)
    dead = random.rand(100) < 0.3
    weight[dead], x[dead] = 0, np.nan
    if not sparse:
        y[dead] = np.nan
    cls = fl.SparseCategoricalCrossentropy if sparse else fl.CategoricalCrossentropy
    loss = cls(from_logits=True, class_weight=(1, 2, 0.5), reduction=reduction)
    kept = loss.value_and_grad(y[~dead], x[~dead], sample_weight=weight[~dead])
    factor = np.mean(~dead) if reduction == "sum_over_batch_size" else 1
    slabs: list[int] = []
    file = tmp_path / "grad.npy"
    value = evaluated(loss, y, x, weight, file, slabs)
    assert len(slabs) > 10
    assert value == pytest.approx(kept[0] * factor, rel=1e-14)
    grad = np.load(file)
    assert not grad[dead].any()
    np.testing.assert_allclose(grad[~dead], kept[1] * factor, rtol=1e-13)


@pytest.mark.parametrize("ignored", [-1, 1])
@pytest.mark.parametrize("reduction", ["mean", "sum_over_batch_size"])
@pytest.mark.parametrize("options", [{}, {"class_weight": (1.0, 2.0, 0.5)}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_divisors_of_slabs(
    weighted: bool,
    options: dict[str, Any],
    reduction: str,
    ignored: int,
    evaluated: Evaluated,
) -> None:
    """By hand: all losses are log 3, so a mean of them is, in weights or not."""
    y = np.arange(90).reshape(30, 3) % 3
    y[::4] = ignored
    x = np.zeros((30, 3, 3))
    weight = np.linspace(1, 2, 30) if weighted else None
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=ignored, reduction=reduction, **options
    )
    value = evaluated(loss, y, x, weight)
    if reduction == "mean":
        assert value == pytest.approx(math.log(3), rel=1e-14)
    else:
        kept = y != ignored
        by_class = np.array(options.get("class_weight", (1, 1, 1)))
        w = np.ones(30) if weight is None else weight
        total = np.sum((by_class[y % 3] * w[:, np.newaxis])[kept])
        assert value == pytest.approx(math.log(3) * total / kept.sum(), rel=1e-13)


@pytest.mark.skipif(
    not hasattr(os, "posix_fallocate"), reason="this system reserves no space"
)
def test_a_full_disk_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluated: Evaluated
) -> None:
    """Said before the first number is written, and the old file stays."""
    sizes = []

    def full(_: int, offset: int, size: int) -> None:
        sizes.append(offset + size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    (tmp_path / "there").mkdir()
    file = tmp_path / "there" / "grad.npy"
    np.save(file, [1.0])
    y = np.zeros(1000)
    with pytest.raises(OSError, match="No space left") as caught:
        evaluated(fl.mse, y, y + 1, grad_file=file)
    assert caught.value.errno == errno.ENOSPC
    assert sizes
    assert min(sizes) > 8000
    assert np.load(file).tolist() == [1.0]
    assert [path.name for path in file.parent.iterdir()] == ["grad.npy"]


def test_slabs_cover_every_row(evaluated: Evaluated) -> None:
    """Also where the last is short, or an array is one slab to the byte."""
    for n in (1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS, 3 * ROWS + 1):
        x = np.arange(1.0, n + 1)
        total = fl.MeanAbsoluteError(reduction="sum")
        slabs: list[int] = []
        value = evaluated(total, 0 * x, x, slabs=slabs)
        assert value == n * (n + 1) / 2
        count = -(-n // ROWS)
        assert len(slabs) == count
        assert slabs == sorted(slabs)
        assert slabs[-1] == 16 * n  # bytes of two files
