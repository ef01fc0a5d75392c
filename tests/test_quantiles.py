"""The quantile loss of several levels: one label, a row of predictions."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss import reference

LEVELS = (0.1, 0.5, 0.9)


def drawn(dtype: type = np.float64, n: int = 500) -> tuple[Any, ...]:
    random = np.random.RandomState(0)
    y, x = random.standard_normal(n), random.standard_normal((n, 3))
    return y.astype(dtype), x.astype(dtype), random.rand(n)


@pytest.mark.parametrize("delta", [0.0, 0.75])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "sum_over_batch_size"])
def test_columns_are_the_losses_of_their_levels(
    reduction: str, dtype: type, delta: float
) -> None:
    y, x, weight = drawn(dtype)
    loss = fl.Quantile(q=LEVELS, delta=delta, reduction=reduction)
    singles = [fl.Quantile(q=q, delta=delta, reduction=reduction) for q in LEVELS]
    of = {"sample_weight": weight}
    values = [one(y, x[:, k], **of) for k, one in enumerate(singles)]
    value, grad = loss.value_and_grad(y, x, **of)
    if reduction == "none":
        assert value.dtype == dtype
        np.testing.assert_array_equal(value, values[0] + values[1] + values[2])
    else:
        assert value == math.fsum(values)
    np.testing.assert_array_equal(loss(y, x, **of), value)
    np.testing.assert_array_equal(loss.grad(y, x, **of), grad)
    gradient, hess = loss.grad_and_hess(y, x, **of)
    v = x + 1
    product = loss.hvp(y, x, v, **of)
    for k, one in enumerate(singles):
        wanted, curve = one.grad_and_hess(y, x[:, k], **of)
        np.testing.assert_array_equal(grad[:, k], wanted)
        np.testing.assert_array_equal(gradient[:, k], wanted)
        np.testing.assert_array_equal(hess[:, k], curve)
        np.testing.assert_array_equal(product[:, k], one.hvp(y, x[:, k], v[:, k], **of))


@pytest.mark.parametrize("delta", [0.0, 0.75])
def test_the_reference_says_the_same(delta: float) -> None:
    y, x, _ = drawn()
    loss = fl.Quantile(q=LEVELS, delta=delta, reduction="none")
    formula = reference.Quantile
    value, grad = loss.value_and_grad(y, x)
    np.testing.assert_allclose(value, formula.value(y, x, LEVELS, delta), rtol=1e-14)
    np.testing.assert_allclose(grad, formula.grad(y, x, LEVELS, delta), rtol=1e-14)
    hess = loss.grad_and_hess(y, x)[1]
    np.testing.assert_allclose(hess, formula.hess(y, x, LEVELS, delta), rtol=1e-14)


def test_worked_out_by_hand() -> None:
    y, x = [1.0, 2.0], [[0.0, 3.0], [4.0, 2.0]]  # the second row crosses
    loss = fl.Quantile(q=(0.25, 0.75))
    assert loss(y, x, reduction="sum") == 0.25 + 0.25 * 2 + 0.75 * 2
    assert loss(y, x) == 1.125
    grad = loss.grad(y, x, reduction="sum")
    np.testing.assert_array_equal(grad, [[-0.25, 0.25], [0.75, 0.0]])
    assert fl.quantile(y, x, q=[0.25, 0.75]) == 1.125


def test_results_go_where_they_are_asked_to() -> None:
    y, x, weight = drawn()
    loss = fl.Quantile(q=LEVELS, reduction="none")
    value, grad = loss.value_and_grad(y, x, sample_weight=weight)
    places = np.empty(500), np.empty((500, 3), order="F")
    found = loss.value_and_grad(y, x, sample_weight=weight, out=places)
    assert all(a is b for a, b in zip(found, places, strict=True))
    np.testing.assert_array_equal(places[0], value)
    np.testing.assert_array_equal(places[1], grad)
    taken = x.copy()
    assert loss.grad(y, taken, sample_weight=weight, out=taken) is taken
    np.testing.assert_array_equal(taken, grad)
    taken = y.copy()
    np.testing.assert_array_equal(
        loss(taken, x, sample_weight=weight, out=taken), value
    )


def test_it_is_an_object_like_others() -> None:
    loss = fl.Quantile(q=[0.1, 0.9])
    assert loss == fl.Quantile(q=(0.1, 0.9))
    assert repr(loss) == "Quantile(q=(0.1, 0.9), delta=0.0)"
    assert pickle.loads(pickle.dumps(loss)) == loss
    y, x, _ = drawn()
    constant = fl.Quantile(q=LEVELS).initial(y)
    singles = [fl.Quantile(q=q).initial(y) for q in LEVELS]
    np.testing.assert_array_equal(constant, singles)
    assert fl.quantile(y[:1], x[:1], q=LEVELS, reduction="sum") > 0


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"q\[1\] = 1.5 is not a number in \(0, 1\)"):
        fl.Quantile(q=(0.5, 1.5))
    with pytest.raises(ValueError, match="has no level"):
        fl.Quantile(q=())
    loss = fl.Quantile(q=LEVELS)
    with pytest.raises(ValueError, match="its last axis must be the 3 levels"):
        loss([1.0], [[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"rows of y_pred \(1,\)"):
        loss([[1.0] * 3], [[1.0, 2.0, 3.0]])
    with pytest.raises(TypeError, match="each level runs one"):
        loss.kernel  # noqa: B018
    with pytest.raises(TypeError, match="each level runs one"):
        loss.partial([[1.0] * 3], [[1.0, 2.0, 3.0]])
    with pytest.raises(AttributeError, match="a formula for each of its levels"):
        loss.formula  # noqa: B018
