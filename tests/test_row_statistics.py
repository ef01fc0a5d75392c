"""What rows of logits say of themselves: `return_row=` of the cross-entropies."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl

NAMES = ("lse", "argmax", "entropy")


def logits(classes: int, dtype: type, rows: int = 23) -> np.ndarray:
    random = np.random.RandomState(classes)
    x = random.standard_normal((rows, classes)) * random.choice([0.1, 1, 9], (rows, 1))
    x += random.choice([0, -8, 300], (rows, 1))
    x[:, 0] += random.choice([0, 60], rows)
    return x.astype(dtype)


def of(x: Any, **parameters: Any) -> dict[str, np.ndarray]:
    y = np.zeros(np.shape(x)[:-1], int)
    return fl.scce(y, x, from_logits=True, return_row=NAMES, **parameters)[1]


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("classes", [1, 2, 3, 10, 64, 65, 300])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_in_ulps(dtype: type, classes: int, temperature: float, isa: str) -> None:
    """Of lse in ulps of the larger of the largest logit and what is added to it.

    In float64 differences d of logits are rounded, and their exponentials off by d/2.
    """
    x = logits(classes, dtype)
    row = of(x, temperature=temperature)
    z = oracle.NUMBERS[dtype].exactly(x) / int(temperature)
    m = z.max(axis=-1, keepdims=True)
    e = np.exp(z - m)
    total = e.sum(axis=-1, keepdims=True)
    more = np.log(total)[:, 0]
    p = e / total
    larger = np.maximum(abs(m[:, 0]), more)
    lse = oracle.Truth.of(m[:, 0] + more, dtype, larger)
    entropy = oracle.Truth.of(-(p * np.log(p)).sum(axis=-1), dtype)
    assert list(row) == list(NAMES)
    assert row["lse"].dtype == row["entropy"].dtype == dtype
    assert lse.error(row["lse"]).max() <= 4
    far = np.where(p == 0, 0, p * (z - m) ** 2).sum(axis=-1)
    size = np.where(far == 0, 1, -(p * np.log(p)).sum(axis=-1))
    rounded = (far / size / 2).astype(float) * (dtype == np.float64)
    assert (entropy.error(row["entropy"]) - rounded).max() <= 4
    assert row["argmax"].dtype == np.int64
    np.testing.assert_array_equal(row["argmax"], x.argmax(axis=-1))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_of_what_the_softmax_sees(dtype: type) -> None:
    x = logits(7, dtype) / 8
    row = of(x, temperature=0.5, softcap=3.0)
    z = 3 * np.tanh(x.astype(float) / 3) / 0.5
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    limit = 4e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(row["lse"], np.log(np.exp(z).sum(axis=-1)), limit)
    np.testing.assert_allclose(row["entropy"], -(p * np.log(p)).sum(axis=-1), 4 * limit)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_ties_nan_and_infinity(dtype: type, isa: str) -> None:
    """The first of equals, the first NaN; a certain class has no entropy."""
    nan, inf = np.nan, np.inf
    rows = [[1, 1, 0], [0, 2, 2], [nan, 5, nan], [5, nan, 1], [-inf, 0, 0], [0, inf, 1]]
    row = of(np.array(rows, dtype))
    np.testing.assert_array_equal(row["argmax"], [0, 1, 0, 1, 1, 1])
    assert np.isnan(row["lse"][2:4]).all()
    assert np.isnan(row["entropy"][2:4]).all()
    np.testing.assert_allclose(row["entropy"][4], np.log(2), 1e-6)
    np.testing.assert_allclose(row["lse"][4], np.log(2), 1e-6)
    assert row["lse"][5] == inf
    assert row["entropy"][5] == 0


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_beside_every_result(reduction: str) -> None:
    """Which are those of the plain calls; labels and weights do not matter."""
    x, y, w = logits(9, np.float64), np.arange(23) % 9, np.linspace(0, 1, 23)
    y[4] = -100
    options: dict[str, Any] = {"ignore_class": -100, "class_weight": np.arange(1.0, 10)}
    options["class_weight"] = tuple(options["class_weight"])
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True, reduction=reduction, z_loss=0.25, **options
    )
    expected = of(x)
    for call in (loss, loss.grad, loss.value_and_grad, loss.grad_and_hess):
        plain = call(y, x, sample_weight=w)
        *results, row = call(y, x, sample_weight=w, return_row=NAMES)
        for got, of_plain in zip(
            results, plain if isinstance(plain, tuple) else (plain,), strict=True
        ):
            np.testing.assert_array_equal(got, of_plain)
        for name in NAMES:
            np.testing.assert_array_equal(row[name], expected[name])
    dense = fl.cce.value_and_grad(
        np.eye(9)[y % 9], x, from_logits=True, return_row=NAMES
    )
    for name in NAMES:
        np.testing.assert_array_equal(dense[2][name], expected[name])
    assert fl.scce(y % 9, x, from_logits=True, return_row=None) == fl.scce(
        y % 9, x, from_logits=True
    )


def test_layouts_and_threads() -> None:
    x = logits(33, np.float32, 4096)
    expected = of(x)
    for same in (
        np.asfortranarray(x),
        np.repeat(x, 2, axis=0)[::2],
        x.astype(x.dtype.newbyteorder()),
        x.reshape(64, 64, 33),
    ):
        for name, array in of(same).items():
            assert array.dtype.isnative
            np.testing.assert_array_equal(array.reshape(-1), expected[name])
    threads = fl.get_num_threads()
    try:
        for number in (1, 3):
            fl.set_num_threads(number)
            for name, array in of(x).items():
                np.testing.assert_array_equal(array, expected[name])
    finally:
        fl.set_num_threads(threads)
    single = of(x[5])
    assert {name: array.shape for name, array in single.items()} == dict.fromkeys(
        NAMES, ()
    )
    assert single["entropy"] == expected["entropy"][5]


def test_taken_before_the_gradient_takes_the_place_of_the_logits() -> None:
    x, y = logits(5, np.float64), np.arange(23) % 5
    expected = of(x)
    grad, row = fl.scce.grad(y, x, from_logits=True, out=x, return_row=NAMES)
    assert grad is x
    for name in NAMES:
        np.testing.assert_array_equal(row[name], expected[name])


def test_what_is_refused() -> None:
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"\('lse',\) is of logits: pass from_logits"):
        fl.scce([0, 1], x + 1 / 3, return_row=("lse",))
    for names in ("lse", ("lse", "max"), 3, ([],)):
        with pytest.raises(ValueError, match="is not a tuple of some of 'lse', 'argm"):
            fl.scce([0, 1], x, from_logits=True, return_row=names)
    for name, more in (("hvp", (x,)), ("partial", ())):
        with pytest.raises(TypeError, match="return_row= is for a call, grad, "):
            getattr(fl.scce, name)([0, 1], x, *more, from_logits=True, return_row=NAMES)
