"""Losses of sums: values against NumPy, gradients against jets in multi-precision."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import fastloss as fl

context = mpmath.mp.clone()
context.prec = 300
rng = np.random.default_rng(5)
Y = rng.uniform(0.1, 1, 40)
P = rng.uniform(0.1, 1, 40)


def rmse(y, p):
    return np.sqrt(np.mean((y - p) ** 2))


def weighted_mape(y, p):
    return np.sum(np.abs(y - p)) / np.sum(np.abs(y))


def dice(y, p, smooth=1.0):
    return 1 - (2 * np.sum(y * p) + smooth) / (np.sum(y) + np.sum(p) + smooth)


def tversky(y, p, alpha=0.3, beta=0.7):
    hit, false, missed = np.sum(y * p), np.sum((1 - y) * p), np.sum(y * (1 - p))
    return (1 - (hit + 1) / (hit + alpha * false + beta * missed + 1)) ** 0.75


def unexplained(y, p):
    return np.sum((y - p) ** 2) / np.sum((y - np.mean(y)) ** 2)


def pearson(y, p):
    a, b = y - y.mean(), p - p.mean()
    return 1 - np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2))


def concordance(y, p):
    shared = np.mean((y - np.mean(y)) * (p - np.mean(p)))
    spread = np.mean((y - np.mean(y)) ** 2) + np.mean((p - np.mean(p)) ** 2)
    return 1 - 2 * shared / (spread + (np.mean(y) - np.mean(p)) ** 2)


def scale_invariant(y, p, share=0.85):
    d = np.log(p) - np.log(y)
    return np.sqrt(np.mean(d**2) - share * np.mean(d) ** 2)


def ridge(y, p, k=0.1):
    return np.mean((y - p) ** 2) + k * np.sum(p**2)


def largest(y, p):
    return np.maximum(np.mean(np.abs(y - p)), 0.05 * np.mean(p))


def residual_error(y, p):
    return np.sqrt(np.sum((y - p) ** 2) / (len(y) - 2))


def relative(y, p):
    return np.mean(np.abs(p / np.mean(p) - y) ** 3)


def nested(y, p):
    scale = np.sqrt(np.mean(p**2))
    spread = np.mean(np.exp(-p / scale))
    return np.sum((p * spread - y) ** 2) / np.mean(p * spread)


def bounded(y, p, floor=0.2):
    return np.log(np.clip(np.mean(np.exp(p - y)), floor, None))


LOSSES: list[Callable[..., Any]] = [
    rmse,
    weighted_mape,
    dice,
    tversky,
    unexplained,
    pearson,
    concordance,
    scale_invariant,
    ridge,
    largest,
    residual_error,
    relative,
    nested,
    bounded,
]


class Exact:
    """Numbers in multi-precision that NumPy's functions take."""

    def __init__(self, x: Any) -> None:
        self.x = bare(x)

    log = property(lambda self: lambda: Exact(context.log(self.x)))
    exp = property(lambda self: lambda: Exact(context.exp(self.x)))
    sqrt = property(lambda self: lambda: Exact(context.sqrt(self.x)))

    def __neg__(self) -> Exact:
        return Exact(-self.x)

    def __abs__(self) -> Exact:
        return Exact(abs(self.x))

    def __pow__(self, k: float) -> Exact:
        return Exact(self.x ** context.mpf(k))

    def __gt__(self, other: Any) -> bool:
        return bool(self.x > bare(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.x >= bare(other))

    def __lt__(self, other: Any) -> bool:
        return bool(self.x < bare(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.x <= bare(other))


def bare(x: Any) -> Any:
    if isinstance(x, Exact):
        return x.x
    return x if isinstance(x, context.mpf) else context.mpf(float(x))


for name in ("add", "sub", "mul", "truediv"):

    def forward(self: Any, other: Any, name: str = f"__{name}__") -> Exact:
        return Exact(getattr(self.x, name)(bare(other)))

    def backward(self: Any, other: Any, name: str = f"__{name}__") -> Exact:
        return Exact(getattr(bare(other), name)(self.x))

    setattr(Exact, f"__{name}__", forward)
    setattr(Exact, f"__r{name}__", backward)


def exactly(function: Callable[..., Any], y: Any, p: Any) -> Any:
    """Return the value that NumPy gives in multi-precision, and the gradient."""

    def at(numbers: list[Any]) -> Any:
        labels, predictions = (
            np.array([Exact(x) for x in xs], dtype=object) for xs in (y, numbers)
        )
        return function(labels, predictions).x

    step = context.mpf(2) ** -80
    numbers = [context.mpf(float(x)) for x in p]
    grad = []
    for i in range(len(p)):
        ends = []
        for sign in (1, -1):
            moved = list(numbers)
            moved[i] += sign * step
            ends.append(at(moved))
        grad.append((ends[0] - ends[1]) / (2 * step))
    return at(numbers), np.array([float(g) for g in grad])


@pytest.mark.parametrize("function", LOSSES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_gradients(function: Callable[..., Any], dtype: type) -> None:
    y, p = Y.astype(dtype), P.astype(dtype)
    tolerance = 32 * float(np.finfo(dtype).eps)
    loss = fl.custom(function)
    value, grad = loss.value_and_grad(y, p)
    expected, slopes = exactly(function, y, p)
    assert value == pytest.approx(float(expected), rel=tolerance)
    assert value == pytest.approx(float(function(Y, P)), rel=1e-6)
    size = np.abs(slopes).max()
    np.testing.assert_allclose(grad, slopes, rtol=tolerance, atol=tolerance * size)
    assert loss(y, p) == value
    assert grad.dtype == dtype
    np.testing.assert_array_equal(loss.grad(y, p), grad)


COUNTED = (residual_error,)


@pytest.mark.parametrize(
    "function", [f for f in LOSSES if f not in COUNTED], ids=lambda f: f.__name__
)
def test_a_weight_is_how_often_a_sample_counts(function: Callable[..., Any]) -> None:
    loss = fl.custom(function)
    weight = np.arange(40) % 4
    index = np.repeat(np.arange(40), weight)
    expected, slopes = loss.value_and_grad(Y[index], P[index])
    value, grad = loss.value_and_grad(Y, P, sample_weight=weight)
    assert value == pytest.approx(expected, rel=1e-13)
    summed = np.bincount(index, slopes, 40)
    np.testing.assert_allclose(grad, summed, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("scale", [1e-310, 1e300])
def test_means_take_weights_of_any_size(scale: float) -> None:
    loss = fl.custom(rmse)
    weight = np.full(40, scale)
    value, grad = loss.value_and_grad(Y, P, sample_weight=weight)
    expected, slopes = loss.value_and_grad(Y, P)
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(grad, slopes, rtol=1e-13)


def test_the_best_root_is_where_abs_has_its_kink() -> None:
    value, grad = fl.custom(rmse).value_and_grad(Y, Y)
    assert value == 0
    assert not grad.any()
    with np.errstate(all="ignore"):
        value, grad = fl.custom(weighted_mape).value_and_grad(np.zeros(2), np.ones(2))
    assert value == np.inf
    assert np.isinf(grad).all()


def test_arrays_of_any_kind() -> None:
    loss = fl.custom(pearson)
    value, grad = loss.value_and_grad(Y, P)
    again, other = loss.value_and_grad(Y.reshape(8, 5).T, P.reshape(8, 5).T)
    assert again == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(other.T.reshape(-1), grad, rtol=1e-11)
    out = np.empty(40)
    assert loss.grad(Y, P, out=out) is out
    np.testing.assert_array_equal(out, grad)
    with fl.threads(1):
        alone = fl.custom(ridge).grad(np.tile(Y, 5000), np.tile(P, 5000))
    with fl.threads(3):
        together = fl.custom(ridge).grad(np.tile(Y, 5000), np.tile(P, 5000))
    np.testing.assert_array_equal(alone, together)


def test_parameters_inputs_and_forms() -> None:
    assert fl.custom(dice)(Y, P, smooth=3.0) == pytest.approx(
        dice(Y, P, smooth=3.0), rel=1e-14
    )

    class Rooted(fl.Loss):
        power: float = 2.0

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return np.mean(np.abs(y_true - y_pred) ** self.power) ** (1 / self.power)

    assert Rooted()(Y, P) == pytest.approx(rmse(Y, P), rel=1e-14)
    assert Rooted(power=3.0)(Y, P) == pytest.approx(
        np.mean(np.abs(Y - P) ** 3) ** (1 / 3), rel=1e-14
    )
    scaled = fl.custom(
        lambda y, p, s: np.sqrt(np.sum(s * (y - p) ** 2) / np.sum(s)), inputs="s"
    )
    assert scaled(Y, P, s=Y) == pytest.approx(
        np.sqrt(np.sum(Y * (Y - P) ** 2) / np.sum(Y)), rel=1e-14
    )
    assert pickle.loads(pickle.dumps(LOSS)) == LOSS
    assert LOSS.initial(Y) == pytest.approx(Y.mean(), rel=1e-9)


LOSS = fl.custom(rmse)


def test_formulas() -> None:
    assert LOSS.formula == "sqrt(mean((y_true - y_pred)**2))"
    assert r"\operatorname{mean}" in LOSS.formula.latex
    assert "sqrt(mean((y_true - y_pred)**2))" in LOSS.gradient_formula


def test_a_linear_end_stays_a_loss_per_sample() -> None:
    for function in (
        lambda y, p: 2 * np.mean((y - p) ** 2) + np.mean(np.abs(p)),
        lambda y, p: np.sum((y - p) ** 2) / len(y),
        lambda y, p: 1 / (2 * len(y)) * np.sum((y - p) ** 2),
    ):
        loss = fl.custom(function)
        assert loss.reduction == "mean"
        assert loss(Y, P) == pytest.approx(function(Y, P), rel=1e-14)
        assert loss.grad_and_hess(Y, P)[1].shape == (40,)


def test_helpers_and_names_of_ones_own() -> None:
    def helper(y: Any) -> Any:
        return len(y)

    with pytest.raises(fl.TraceError, match=r"in a helper write y_true\.shape\[0\]"):
        fl.custom(lambda y, p: np.sum(y - p) / helper(y))
    scope: dict[str, Any] = {"len": lambda x: 3.0, "np": np}
    exec("loss = lambda y, p: np.sum(abs(y - p)) / len(y)", scope)
    assert fl.custom(scope["loss"])(Y, P) == pytest.approx(np.sum(abs(Y - P)) / 3)
    with pytest.raises(fl.TraceError, match="number of samples decides"):
        fl.custom(lambda y, p: y if len(y) > 3 else p)


def test_what_a_loss_of_sums_has_not() -> None:
    with pytest.raises(ValueError, match="reduction='none': rmse is one number"):
        LOSS(Y, P, reduction="none")
    with pytest.raises(ValueError, match="reduction='sum': rmse is one number"):
        LOSS.grad(Y, P, reduction="sum")
    with pytest.raises(fl.TraceError, match="no Hessian that is a diagonal"):
        LOSS.grad_and_hess(Y, P)
    with pytest.raises(fl.TraceError, match="a program for each of them"):
        LOSS.listing("value")
    with pytest.raises(TypeError, match="leave out grad="):
        fl.custom(rmse, grad=lambda y, p: p - y)
    with pytest.raises(ValueError, match="no mean of no samples"):
        LOSS([], [])
    with pytest.raises(fl.TraceError, match="a mean or sum over the samples decides"):
        fl.custom(lambda y, p: p if np.mean(y) > 0 else y)


def test_type_sees_a_stand_in_there_too() -> None:
    fl.custom(lambda y, p: np.sqrt(np.mean((y - p) ** 2)) if type(y) else p)
    with pytest.raises(fl.TraceError, match=r"type\(\) or id\(\)"):
        fl.custom(lambda y, p: np.sqrt(np.mean((y - p) ** 2) + (type(p) is np.ndarray)))


def test_samples_that_weigh_nothing_do_not_count() -> None:
    y, p = np.append(Y, np.nan), np.append(P, 1.0)
    weight = np.append(np.ones(40), 0.0)
    assert LOSS(y, p, sample_weight=weight) == pytest.approx(LOSS(Y, P), rel=1e-15)
    assert np.isnan(LOSS(y, p))
