"""Losses of rows that make integer labels one-hot themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastloss as fl

Y = np.array([2, 0, 3, 3, 1])
X = np.array(
    [
        [0.5, -1.25, 2.0, 0.25],
        [3.0, 0.0, -0.75, 1.5],
        [-2.0, 0.125, 1.0, -0.5],
        [800.0, -900.0, 0.0, 10.0],
        [0.0, 0.0, 40.0, 0.0],
    ]
)
Function = Callable[..., Any]


def log_softmax(x: Any) -> Any:
    return fl.math.log_softmax(x)


def assigned(y: Any, x: Any) -> Any:
    n, classes = x.shape
    hot = np.zeros((n, classes))
    hot[np.arange(n), y] = 1
    return -np.sum(hot * log_softmax(x), axis=1)


ENTROPIES: list[Function] = [
    lambda y, x: -np.sum(np.eye(4)[y] * log_softmax(x), axis=-1),
    lambda y, x: -np.sum(np.identity(4)[y.astype(int)] * log_softmax(x), axis=-1),
    lambda y, x: -np.sum(np.eye(x.shape[-1])[y] * log_softmax(x), axis=-1),
    lambda y, x: np.sum(-np.eye(x.shape[1])[y] * log_softmax(x), axis=1),
    lambda y, x: -np.sum((np.arange(4) == y[:, None]) * log_softmax(x), axis=-1),
    lambda y, x: (
        -np.sum(
            np.where(
                y.reshape(-1, 1) != np.arange(x.shape[1])[None, :], 0, log_softmax(x)
            ),
            axis=-1,
        )
    ),
    lambda y, x: -np.sum(np.where(np.eye(4)[y] == 1, log_softmax(x), 0.0), axis=-1),
    assigned,
]


@pytest.mark.parametrize("function", ENTROPIES)
def test_cross_entropy_is_that_of_the_class(function: Function) -> None:
    loss = fl.custom(function)
    picked = fl.custom(lambda y, x: -log_softmax(x)[np.arange(len(y)), y])
    assert np.array_equal(loss(Y, X, reduction="none"), picked(Y, X, reduction="none"))
    for got, right in zip(
        loss.grad_and_hess(Y, X, reduction="sum"),
        picked.grad_and_hess(Y, X, reduction="sum"),
        strict=True,
    ):
        assert np.array_equal(got, right)
    assert np.allclose(loss(Y[:3], X[:3], reduction="none"), function(Y[:3], X[:3]))


SMOOTHED: list[Function] = [
    lambda y, x, eps=0.1: (
        -np.sum((np.eye(4)[y] * (1 - eps) + eps / 4) * log_softmax(x), axis=-1)
    ),
    lambda y, x: -np.sum((np.eye(4)[y] * 0.9 + 0.1 / 4) * log_softmax(x), axis=-1),
    lambda y, x, eps=0.075: (
        -np.sum(
            np.where(np.arange(4) == y[:, None], 1 - eps, eps / (x.shape[-1] - 1))
            * log_softmax(x),
            axis=-1,
        )
    ),
]


@pytest.mark.parametrize("function", SMOOTHED)
def test_label_smoothing(function: Function) -> None:
    dense = fl.custom(lambda y, x: -np.sum(y * log_softmax(x), axis=-1))
    rows = np.full((5, 4), 0.025)
    rows[np.arange(5), Y] = 0.925
    loss = fl.custom(function)
    assert loss(Y, X, reduction="none") == pytest.approx(
        dense(rows, X, reduction="none"), rel=1e-14
    )
    assert loss.grad(Y, X, reduction="sum") == pytest.approx(
        dense.grad(rows, X, reduction="sum"), rel=1e-13, abs=1e-15
    )


def test_another_number_of_classes_than_the_function_says() -> None:
    loss = fl.custom(ENTROPIES[0])
    with pytest.raises(ValueError, match=r"shape \(5, 3\).* 4 classes"):
        loss(Y % 3, X[:, :3])
    assert fl.custom(ENTROPIES[2])(Y % 3, X[:, :3]) > 0


def test_a_nan_elsewhere_in_the_row_is_a_nan_as_in_numpy() -> None:
    loss = fl.custom(lambda y, p: -np.sum(np.eye(2)[y] * np.log(p), axis=-1))
    p = np.array([[0.5, np.nan], [0.25, 0.75]])
    got = loss([0, 1], p, reduction="none")
    assert np.isnan(got[0])
    assert got[1] == pytest.approx(-np.log(0.75), rel=1e-15)


def counted(y: Any, x: Any) -> Any:
    total = 0.0
    for _ in range(x.shape[-1]):
        total += 0.25
    return total - log_softmax(x)[np.arange(len(y)), y]


REFUSED: dict[str, Function] = {
    "diagonal": lambda y, x: np.sum(np.diag([1.0, 1, 1, 5])[y] * x, axis=-1),
    "matrix": lambda y, x: np.sum(np.arange(16.0).reshape(4, 4)[y] * x, axis=-1),
    "shifted": lambda y, x: np.sum(np.eye(4, k=1)[y] * x, axis=-1),
    "count": lambda y, x: np.sum(np.eye(4)[y] * x, axis=-1) * np.eye(4)[y].sum(),
    "frequency": lambda y, x: np.sum(np.eye(4)[y] * x, -1) * np.eye(4)[y].mean(0)[1],
    "bincount": lambda y, x: np.sum(np.eye(4)[y] * x, axis=-1) * np.bincount(y)[0],
    "loop": counted,
    "power": lambda y, x: np.sum((np.eye(4)[y] - x) ** 2, axis=-1),
    "maximum": lambda y, x: np.max(np.where(np.eye(4)[y] == 1, -1e9, x), axis=-1),
    "logsumexp": lambda y, x: fl.math.logsumexp(x - np.eye(4)[y], axis=-1),
    "order": lambda y, x: np.sum((np.arange(4) < y[:, None]) * x, axis=-1),
    "others": lambda y, x: np.sum((np.arange(1, 5) == y[:, None]) * x, axis=-1),
    "two numbers": lambda y, x: np.sum(
        np.eye(4)[y] * (np.arange(5) == y[:, None]) * x, axis=-1
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_one_hot_label_is_refused(name: str) -> None:
    """Nothing that the stand-ins for labels or classes show enters a formula."""
    with pytest.raises(fl.TraceError) as refused:
        fl.custom(REFUSED[name])
    assert __file__ in str(refused.value)


def test_a_refused_mask_says_what_to_write() -> None:
    with pytest.raises(fl.TraceError, match="let y_true be one-hot"):
        fl.custom(REFUSED["power"])
