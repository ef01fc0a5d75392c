"""Custom losses: values, derivatives, conventions, reductions, inputs, pickling."""

from __future__ import annotations

import pickle
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl
from fastloss._custom import journey, numbers, render
from fastloss._custom.graph import OPERATIONS
from fastloss.core.kinds import Elementwise

DTYPES = (np.float32, np.float64)
SAMPLES = 20_000


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


@fl.custom
def asymmetric(y_true: Any, y_pred: Any, *, alpha: float = 0.7) -> Any:
    """Squared error, its two sides weighed differently."""
    r = y_true - y_pred
    return np.where(r > 0, alpha * r**2, (1 - alpha) * r**2)


class Asymmetric(fl.Loss):
    """The same as a class."""

    alpha: float = 0.7

    def call(self, y_true: Any, y_pred: Any) -> Any:
        r = self.residual(y_true, y_pred)
        return np.where(r > 0, self.alpha * r**2, (1 - self.alpha) * r**2)

    def residual(self, y_true: Any, y_pred: Any) -> Any:
        return y_true - y_pred


@fl.custom(inputs=("margin",))
def with_margin(y_true: Any, y_pred: Any, margin: Any, *, slope: float = 1.0) -> Any:
    return np.maximum(0, margin - slope * y_true * y_pred)


@fl.custom
def mean_absolute(y_true: Any, y_pred: Any) -> Any:
    return np.mean(np.abs(y_true - y_pred))


def cumulative(y_true: Any, y_pred: Any) -> Any:
    return np.add.accumulate(y_true) * 0 + (y_true - y_pred) ** 2


numpy_loss = fl.custom(
    cumulative,
    grad=lambda y_true, y_pred: -2 * (y_true - y_pred),
    hess=lambda y_true, y_pred: np.full_like(y_pred, 2),
)


def ulps(a: np.ndarray, b: np.ndarray) -> float:
    """Largest distance in units of the last place; NaN equals NaN."""
    integer = np.int32 if a.dtype == np.float32 else np.int64
    low = np.iinfo(integer).max

    def ordered(x: np.ndarray) -> np.ndarray:
        bits = x.view(integer)
        return np.where(bits < 0, -(bits & low).astype(object), bits.astype(object))

    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(max(abs(ordered(a[~same]) - ordered(b[~same])), default=0))


# Acceptance: each built-in element-wise loss in the form a textbook gives.
TEXTBOOK: list[tuple[str, fl.Loss, Callable[..., Any]]] = [
    ("real", fl.mse, lambda y, p: (y - p) ** 2),
    ("real", fl.mae, lambda y, p: np.abs(y - p)),
    (
        "real",
        fl.huber,
        lambda y, p, delta=1.0: np.where(
            np.abs(y - p) <= delta,
            0.5 * (y - p) ** 2,
            delta * (np.abs(y - p) - 0.5 * delta),
        ),
    ),
    ("sign", fl.hinge, lambda y, p: np.maximum(0, 1 - y * p)),
    ("sign", fl.squared_hinge, lambda y, p: np.maximum(0, 1 - y * p) ** 2),
    ("unit", fl.bce, lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p))),
]
LOGITS = fl.BinaryCrossentropy(from_logits=True)
TEXTBOOK += [
    ("logits", LOGITS, form)
    for form in (
        lambda y, x: -(y * np.log(sigmoid(x)) + (1 - y) * np.log(1 - sigmoid(x))),
        lambda y, x: np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x))),
        lambda y, x: np.log(1 + np.exp(x)) - y * x,
        lambda y, x: x - x * y + np.log(1 + np.exp(-x)),
        lambda y, x: fl.math.softplus(x) - y * x,
        lambda y, x: -y * fl.math.log_sigmoid(x) - (1 - y) * fl.math.log_sigmoid(-x),
    )
]
# The kernel carries the rounding error of the residual into its exponential, which no
# textbook form does: these get the residual itself.
TEXTBOOK += [
    ("residual", fl.LOSSES["log_cosh"], form)
    for form in (
        lambda y, p: np.log(np.cosh(y - p)),
        lambda y, p: (y - p) + np.log1p(np.exp(-2 * (y - p))) - np.log(2),
    )
]


def labelled(kind: str, dtype: type, *, soft: bool) -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    size = SAMPLES
    spread = 2.0 ** rng.uniform(-20, 10, size)
    if kind == "real":
        y = rng.normal(size=size)
        p = y + rng.normal(size=size) * spread
    elif kind == "residual":
        y, p = np.zeros(size), rng.normal(size=size) * spread
    elif kind == "sign":
        y, p = rng.choice([-1.0, 1.0], size), rng.normal(size=size) * spread
    else:
        y = rng.random(size) if soft else rng.choice([0.0, 1.0], size)
        p = rng.random(size) * 0.99 + 0.005
        if kind == "logits":
            p = rng.uniform(-100, 100, size) * 2.0 ** rng.uniform(-20, 0, size)
            p[:2] = np.inf, -np.inf
    return y.astype(dtype), p.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", range(len(TEXTBOOK)))
def test_textbook_forms_agree_with_the_kernels(
    case: int, dtype: type, isa: str
) -> None:
    kind, loss, function = TEXTBOOK[case]
    custom = fl.custom(function)
    for soft in (False, True):
        y, p = labelled(kind, dtype, soft=soft)
        expected = (
            loss(y, p, reduction="none"),
            *loss.grad_and_hess(y, p, reduction="sum"),
        )
        found = (
            custom(y, p, reduction="none"),
            *custom.grad_and_hess(y, p, reduction="sum"),
        )
        for a, b in zip(found, expected, strict=True):
            assert ulps(a, b) <= 4


@pytest.mark.parametrize(
    ("form", "stable"),
    [
        (lambda y, x: np.log(1 + np.exp(x)), fl.math.softplus),
        (lambda y, x: np.log1p(np.exp(x)), fl.math.softplus),
        (lambda y, x: np.log(sigmoid(x)), fl.math.log_sigmoid),
        (lambda y, x: np.exp(x) / (1 + np.exp(x)), fl.math.sigmoid),
        (lambda y, x: 1 - sigmoid(x), lambda x: fl.math.sigmoid(-x)),
        (lambda y, x: 1 / (1 + np.e**-x), fl.math.sigmoid),
        (lambda y, x: np.log(1 + x), np.log1p),
        (lambda y, x: np.exp(x) - 1, np.expm1),
        (lambda y, x: np.log(np.cosh(x)), fl.math.log_cosh),
        (lambda y, x: np.log(np.exp(y) + np.exp(x)), lambda x: np.logaddexp(0, x)),
    ],
)
def test_stable_forms_are_recognised(
    form: Callable[..., Any], stable: Callable[..., Any]
) -> None:
    x = np.concatenate([np.linspace(-300, 300, 1201), np.logspace(-12, 2, 57)])
    with np.errstate(all="ignore"):
        expected = stable(x)
    found = fl.custom(form)(np.zeros_like(x), x, reduction="none")
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=0)


def test_root_minus_one_keeps_its_digits() -> None:
    x = np.logspace(-150, 150, 301)
    pseudo = fl.custom(lambda y, p, d=2.0: d**2 * (np.sqrt(1 + ((p - y) / d) ** 2) - 1))
    zero = np.zeros_like(x)
    small, large = x < 1e-9, x > 1e9
    value = pseudo(zero, x, reduction="none")
    grad, hess = pseudo.grad_and_hess(zero, x, reduction="sum")
    np.testing.assert_allclose(value[small], x[small] ** 2 / 2, rtol=1e-15)
    np.testing.assert_allclose(value[large], 2 * x[large], rtol=1e-8)
    np.testing.assert_allclose(grad[small], x[small], rtol=1e-15)
    np.testing.assert_allclose(grad[large], 2, rtol=1e-15)
    np.testing.assert_allclose(hess[small], 1, rtol=1e-15)
    cubes = 8 / x[large & (x < 1e100)] ** 3
    np.testing.assert_allclose(hess[large & (x < 1e100)], cubes, rtol=1e-14)


def test_derivative_of_softplus_is_right_in_the_tails() -> None:
    softplus = fl.custom(lambda y, x: np.log(1 + np.exp(x)))
    x = np.array([-700.0, -40.0, 0.0, 40.0, 700.0, np.inf, -np.inf])
    grad, hess = softplus.grad_and_hess(np.zeros_like(x), x, reduction="sum")
    expected = [np.exp(-700), np.exp(-40), 0.5, 1.0, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(grad, expected, rtol=1e-15)
    expected = [np.exp(-700), np.exp(-40), 0.25, np.exp(-40), np.exp(-700), 0.0, 0.0]
    np.testing.assert_allclose(hess, expected, rtol=1e-15)


def test_conventions_at_the_kinks() -> None:
    y = np.zeros(3)
    p = np.array([-1.0, 0.0, 1.0])
    absolute = fl.custom(lambda y, p: np.abs(p))
    assert absolute.grad(y, p, reduction="sum").tolist() == [-1, 0, 1]
    assert absolute.grad_and_hess(y, p, reduction="sum")[1].tolist() == [0, 0, 0]
    relu = fl.custom(lambda y, p: np.maximum(0, p))
    assert relu.grad(y, p, reduction="sum").tolist() == [0, 0, 1]
    mirrored = fl.custom(lambda y, p: np.maximum(p, -p))
    assert mirrored.grad(y, p, reduction="sum").tolist() == [-1, 0, 1]
    clipped = fl.custom(lambda y, p: np.clip(p, -1, 1))
    outside = np.array([-2.0, -1.0, 2.0])
    assert clipped.grad(y, outside, reduction="sum").tolist() == [0, 1, 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [1.0, 0.0, -1.0, np.nan, np.inf])
def test_a_slope_that_stays_within_limits(dtype: type, k: float) -> None:
    def limited(x: Any, k: Any) -> Any:
        return np.where(np.abs(x) <= k, x, k * np.sign(x))

    p = np.array([-np.inf, -2, -1, -0.5, -0.0, 0, 0.5, 1, 3, np.inf, np.nan], dtype)
    loss = fl.custom(lambda y, p, *, k=1.0: limited(p, k))
    doubled = fl.custom(lambda y, p, *, k=1.0: -2 * limited(p, k))
    with np.errstate(invalid="ignore"):
        expected = limited(p, dtype(k))
    for found, factor in ((loss, 1), (doubled, -2)):
        values = found(p, p, reduction="none", k=k)
        np.testing.assert_array_equal(values, factor * expected)


def test_steps_are_joined() -> None:
    def huber(y: Any, p: Any) -> Any:
        r = np.abs(y - p)
        return np.where(r <= 1, 0.5 * r**2, r - 0.5)

    def scaled(y: Any, p: Any) -> Any:
        r = np.abs(y - p)
        return np.where(r <= 1.5, 0.5 * r**2, 1.5 * (r - 0.75))

    cauchy = fl.custom(lambda y, p: np.log1p((y - p) ** 2))
    welsch = fl.custom(lambda y, p: 1 - np.exp(-((y - p) ** 2)))
    for loss, names, steps in (
        (fl.custom(lambda y, p: (y - p) ** 2), ("grad", "hess"), 3),
        (fl.custom(lambda y, p: (y - 2 * p) ** 2), ("value", "grad"), 3),
        (fl.custom(lambda y, p: (y - p) ** 2), ("value", "grad"), 2),
        (fl.custom(huber), ("value",), 5),
        (fl.custom(huber), ("value", "grad"), 8),
        (fl.custom(scaled), ("value", "grad"), 8),
        (asymmetric, ("value",), 3),
        (asymmetric, ("value", "grad"), 5),
        (cauchy, ("grad",), 3),
        (welsch, ("value", "grad"), 6),
    ):
        assert len(loss.listing(*names).splitlines()) == steps, loss.listing(*names)


def test_where_keeps_the_other_branch_out() -> None:
    loss = fl.custom(lambda y, p: np.where(p > 0, np.sqrt(p), 0))
    p = np.array([4.0, 0.0, -4.0])
    zero = np.zeros(3)
    assert loss(zero, p, reduction="none").tolist() == [2, 0, 0]
    grad, hess = loss.grad_and_hess(zero, p, reduction="sum")
    assert grad.tolist() == [0.25, 0, 0]
    assert hess.tolist() == [-0.03125, 0, 0]
    inside = fl.custom(lambda y, p: np.sqrt(np.maximum(p, 0)))
    assert inside.grad(zero, p, reduction="sum").tolist() == [0.25, 0, 0]


@pytest.mark.parametrize("case", range(len(TEXTBOOK)))
def test_a_nan_stays_a_nan_in_its_own_entry(case: int) -> None:
    kind, _, function = TEXTBOOK[case]
    loss = fl.custom(function)
    for argument in (0, 1):
        arrays = labelled(kind, np.float64, soft=False)
        y, p = (a[10:15].copy() for a in arrays)
        (y, p)[argument][2] = np.nan
        grad, hess = loss.grad_and_hess(y, p, reduction="sum")
        for found in (loss(y, p, reduction="none"), grad, hess):
            assert np.isnan(found).tolist() == [False, False, True, False, False]


def test_function_and_class_form_agree() -> None:
    y, p = labelled("real", np.float32, soft=False)
    for alpha in (0.7, 0.25):
        function = asymmetric.value_and_grad(y, p, alpha=alpha)
        of_class = Asymmetric(alpha=alpha).value_and_grad(y, p)
        assert function[0] == of_class[0]
        assert np.array_equal(function[1], of_class[1])
    assert Asymmetric.name == "asymmetric"
    assert repr(Asymmetric(alpha=0.5)) == "Asymmetric(alpha=0.5)"
    assert repr(asymmetric) == "<custom loss asymmetric(alpha=0.7)>"
    assert asymmetric.__doc__ == "Squared error, its two sides weighed differently."


def test_a_subclass_brings_its_own_helpers() -> None:
    class Relative(Asymmetric):
        scale: float = 2.0

        def residual(self, y_true: Any, y_pred: Any) -> Any:
            return (y_true - y_pred) / self.scale

    assert Relative(alpha=0.5)([4.0], [0.0]) == 2.0
    assert Relative(alpha=0.5, scale=1.0)([4.0], [0.0]) == 8.0
    assert Relative.name == "relative"


def test_an_array_is_no_parameter() -> None:
    with pytest.raises(TypeError, match=r'name it in inputs=\("alpha",\)'):
        asymmetric([1.0, 2.0], [0.0, 0.0], alpha=np.array([0.1, 0.2]))


def test_reductions_in_the_function() -> None:
    y, p = np.array([1.0, 2.0, 4.0]), np.array([2.0, 4.0, 1.0])
    assert mean_absolute(y, p) == 2.0
    assert mean_absolute.reduction == "mean"
    assert mean_absolute(y, p, reduction="none").tolist() == [1, 2, 3]
    cases: list[tuple[Callable[..., Any], str, float]] = [
        (lambda y, p: np.sum((y - p) ** 2), "sum", 14.0),
        (lambda y, p: ((y - p) ** 2).mean(), "mean", 14 / 3),
        (lambda y, p: np.sum((y - p) ** 2) / y.size, "mean", 14 / 3),
        (lambda y, p: -0.5 * np.mean(-((y - p) ** 2)), "mean", 7 / 3),
        (lambda y, p: np.mean(np.abs(y - p)) + np.mean((y - p) ** 2), "mean", 20 / 3),
        (lambda y, p, k=3.0: np.sum(np.abs(y - p)) / k, "sum", 2.0),
    ]
    for function, reduction, expected in cases:
        loss = fl.custom(function)
        assert loss.reduction == reduction
        assert loss(y, p) == pytest.approx(expected, rel=1e-15)

    class Total(fl.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return np.sum(np.abs(y_true - y_pred))

    assert Total()(y, p) == 6.0
    assert Total(reduction="mean")(y, p) == 2.0


def test_weights_and_outputs_are_those_of_every_loss() -> None:
    y, p = labelled("real", np.float32, soft=False)
    w = np.random.default_rng(1).random(y.size).astype(np.float32)
    out = np.empty_like(p)
    square = fl.custom(lambda y, p: (p - y) ** 2)
    for reduction in ("mean", "sum", "sum_over_batch_size"):
        arguments = {"sample_weight": w, "reduction": reduction}
        value, grad = square.value_and_grad(y, p, out=out, **arguments)
        assert grad is out
        expected = fl.mse.value_and_grad(y, p, **arguments)
        assert value == expected[0]
        assert np.array_equal(grad, expected[1])
    reversed_pair = square.grad(y[::-1].astype(np.float64), p[::-1])
    assert np.array_equal(reversed_pair, square.grad(y, p)[::-1])


@pytest.mark.parametrize("size", [1, 16, 1024, 1025, 100_000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_plain_arrays_give_the_bits_of_others(dtype: type, size: int) -> None:
    rng = np.random.default_rng(size)
    y, p = rng.normal(size=(2, 2 * size)).astype(dtype)[:, ::2]
    plain = y.copy(), p.copy()
    for reduction in ("mean", "sum", "sum_over_batch_size"):
        for loss in (asymmetric, Asymmetric(alpha=0.2), mean_absolute):
            loss = loss._with({"reduction": reduction})
            assert loss(*plain) == loss(y, p)
            value, grad = loss.value_and_grad(*plain)
            assert (value, grad.tobytes()) == (loss(y, p), loss.grad(y, p).tobytes())
            out = np.empty_like(plain[1])
            assert loss.grad(*plain, out=out) is out
            assert out.tobytes() == grad.tobytes()
            pair = loss.grad_and_hess(*plain, out=(None, out))
            assert pair[1] is out
            for a, b in zip(pair, loss.grad_and_hess(y, p), strict=True):
                assert a.tobytes() == b.tobytes()
            in_place = plain[1].copy()
            assert loss.grad(plain[0], in_place, out=in_place) is in_place
            assert in_place.tobytes() == grad.tobytes()


def test_a_plain_call_that_cannot_be_compiled_says_why() -> None:
    counts = fl.custom(lambda y, p: y * p - fl.math.digamma(p))
    y = p = np.ones(3)
    assert counts(y, p) == pytest.approx(1 + np.euler_gamma)
    assert counts.grad(y, p)[0] == pytest.approx((1 - np.pi**2 / 6) / 3)
    with pytest.raises(fl.TraceError, match="trigamma"):
        counts.grad_and_hess(y, p)


def test_parameters_are_constants_of_one_trace() -> None:
    calls = []

    def traced(y_true: Any, y_pred: Any, *, k: float = 1.0) -> Any:
        calls.append(k)
        return k * (1 + k) * (y_true - y_pred) ** 2

    loss = fl.custom(traced)
    for k in (1.0, 2.0, 3.5):
        assert loss([0.0], [1.0], k=k) == k * (1 + k)
    assert len(calls) == 1


def test_a_parameter_may_steer_the_code() -> None:
    @fl.custom
    def steered(
        y_true: Any,
        y_pred: Any,
        *,
        p: float = 2.0,
        times: int = 2,
        signed: bool = False,
    ) -> Any:
        if p < 1:
            raise ValueError("p must be at least 1")
        r = y_true - y_pred if signed else np.abs(y_true - y_pred)
        total = r
        for _ in range(times - 1):
            total = total + r
        return total if p == 1 else total**p

    assert steered([0.0], [3.0]) == 36.0
    assert steered([0.0], [3.0], p=1) == 6.0
    assert steered([0.0], [3.0], p=1, times=3) == 9.0
    assert steered([0.0], [3.0], p=1, times=3, signed=True) == -9.0
    with pytest.raises(ValueError, match="at least 1"):
        steered([0.0], [3.0], p=0.5)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, 4.0, 0.5, -1.0])
def test_powers_of_a_parameter(p: float) -> None:
    loss = fl.custom(lambda y, x, p=2.0: x**p)
    x = np.array([0.25, 1.0, 3.0])
    zero = np.zeros_like(x)
    np.testing.assert_allclose(loss(zero, x, p=p, reduction="none"), x**p, rtol=1e-15)
    grad, hess = loss.grad_and_hess(zero, x, p=p, reduction="sum")
    np.testing.assert_allclose(grad, p * x ** (p - 1), rtol=3e-16)
    np.testing.assert_allclose(hess, p * (p - 1) * x ** (p - 2), rtol=5e-16)
    if p in (1.0, 2.0):
        at_zero = loss.grad_and_hess([0.0], [0.0], p=p)
        assert (at_zero[0][0], at_zero[1][0]) == ((1, 0) if p == 1 else (0, 2))


def test_further_inputs() -> None:
    y, p = np.array([1.0, -1.0, 1.0]), np.array([0.5, 0.5, 2.0])
    margin = np.array([1.0, 2.0, 1.0])
    assert with_margin(y, p, margin=margin, reduction="none").tolist() == [0.5, 2.5, 0]
    value, grad = with_margin.value_and_grad(y, p, margin=margin, slope=2.0)
    assert value == pytest.approx(1.0)
    assert grad.tolist() == pytest.approx([0, 2 / 3, 0])
    with pytest.raises(TypeError, match="margin is missing: pass margin=array"):
        with_margin(y, p)
    with pytest.raises(ValueError, match=r"margin has shape \(2,\), y_pred \(3,\)"):
        with_margin(y, p, margin=margin[:2])

    class Margin(fl.Loss):
        inputs = ("margin",)

        def call(self, y_true: Any, y_pred: Any, margin: Any) -> Any:
            return np.maximum(0, margin - y_true * y_pred)

    assert Margin()(y, p, margin=margin) == 1.0


def test_many_inputs() -> None:
    names = tuple("abcdefghij")
    arrays = {name: np.array([float(i)]) for i, name in enumerate(names)}

    def total(y, p, a, b, c, d, e, f, g, h, i, j):
        return p * (a + b + c + d + e + f + g + h + i + j)

    assert fl.custom(total, inputs=names)([0.0], [2.0], **arrays) == 90.0
    with pytest.raises(TypeError, match="11 inputs, at most 10 fit"):
        fl.custom(lambda y, p: p, inputs=(*names, "k"))


def test_many_threads_at_once() -> None:
    y, p = labelled("real", np.float64, soft=False)

    @fl.custom
    def steered(y_true: Any, y_pred: Any, *, k: float = 1.0) -> Any:
        r = y_true - y_pred
        return k * r**2 if k < 4 else k * np.abs(r)

    expected = {k: steered(y, p, k=k) for k in range(8)}
    with ThreadPoolExecutor(8) as pool:
        jobs = [(k, pool.submit(steered, y, p, k=k)) for k in [*range(8)] * 20]
    assert all(job.result() == expected[k] for k, job in jobs)


def test_pickles_by_reference_to_the_function(monkeypatch: Any) -> None:
    monkeypatch.setattr(journey, "_cloudpickle", lambda: None)
    for loss in (
        asymmetric,
        asymmetric._with({"alpha": 0.5}),
        Asymmetric(alpha=0.2),
        with_margin,
    ):
        again = pickle.loads(pickle.dumps(loss))
        assert again == loss
        assert hash(again) == hash(loss)
        assert type(again) is type(loss)
    with pytest.raises(pickle.PicklingError, match="top level of a module"):
        pickle.dumps(fl.custom(lambda y, p: y - p))


def test_formulas_and_cost() -> None:
    assert asymmetric.formula == (
        "where(y_true - y_pred > 0, "
        "alpha*(y_true - y_pred)**2, (1 - alpha)*(y_true - y_pred)**2)"
    )
    assert asymmetric.gradient_formula == (
        "where(y_true - y_pred > 0, "
        "-2*alpha*(y_true - y_pred), -2*(1 - alpha)*(y_true - y_pred))"
    )
    assert fl.custom(lambda y, p: (y - p) ** 2).hessian_formula == "2"
    latex = asymmetric.gradient_formula.latex
    assert latex.startswith(r"\begin{cases}-2 \, \alpha \, \left(y - \hat{y}\right)")
    softplus = fl.custom(lambda y, x: np.log(1 + np.exp(x)))
    assert softplus.gradient_formula == "sigmoid(y_pred)"
    assert softplus.gradient_formula.latex == r"\sigma\left(\hat{y}\right)"
    assert softplus.cost["value_and_grad"].functions == 2
    assert asymmetric.listing("grad").startswith("r0 = sub_rr y_true y_pred\n")


NAMES = {
    name: function
    for name, function in vars(np).items()
    if callable(function) and not name.startswith("_")
} | {name: getattr(fl.math, name) for name in fl.math.__all__}


@pytest.mark.parametrize(
    "loss",
    [loss for loss in oracle.losses() if isinstance(loss, Elementwise)],
    ids=oracle.label,
)
def test_formulas_of_built_in_losses(loss: fl.Loss) -> None:
    y, p = oracle.plain(loss.kernel, np.float64, 50, np.random.RandomState(7))
    parameters = oracle.parameters(loss)
    if parameters.get("eps", 0) is None:
        parameters["eps"] = 2.0**-52
    scope = NAMES | parameters | {"y_true": y, "y_pred": p}
    grad, hess = loss.grad_and_hess(y, p, reduction="none")
    for formula, values in (
        (loss.formula, loss(y, p, reduction="none")),
        (loss.gradient_formula, grad),
        (loss.hessian_formula, hess),
    ):
        assert r"\hat{y}" in formula.latex or formula in ("0", "1", "2")
        with np.errstate(all="ignore"):  # in branches that np.where leaves out
            found = eval(formula, scope) + 0 * p
        np.testing.assert_allclose(found, values, rtol=1e-9)


def in_full(typeset: str) -> str:
    """LaTeX whose parts stand where their names did, without parentheses."""
    lines = typeset.split(r",\quad ")
    named = [line for line in lines if re.match(r"t_\{\d+\} = ", line)]
    parts = dict(line.split(" = ", 1) for line in named)
    assert list(parts) == [f"t_{{{k + 1}}}" for k in range(len(parts))]
    whole = r",\quad ".join(lines[: len(lines) - len(named)])
    for _ in parts:
        for name, part in parts.items():
            whole = whole.replace(name, part)
    assert not re.search(r"t_\{\d", whole)
    return whole.replace(r"\left(", "").replace(r"\right)", "")


def test_long_formulas_have_names_for_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    @fl.custom
    def heads(y_true: Any, y_pred: Any) -> Any:
        mean, spread = y_pred
        scale = np.log1p(np.exp(spread * mean)) ** 1.5
        return np.tanh((y_true - mean) / scale) ** 4 * np.log(1 + scale)

    losses = [*fl.LOSSES.values(), fl.Focal(from_logits=False), heads]
    names = "formula", "gradient_formula", "hessian_formula"
    asked = [(x, name) for x in losses for name in names if hasattr(x, name)]
    found = [getattr(x, name).latex for x, name in asked]
    named = {
        x.__name__ for (x, _), said in zip(asked, found, strict=True) if "t_{1}" in said
    }
    assert {"asymmetric", "focal", "heads"} <= named
    assert max(len(x) for said in found for x in said.split(r",\quad ")) < 400
    monkeypatch.setattr(render, "_LONG", 1_000_000)
    for (loss, name), said in zip(asked, found, strict=True):
        assert in_full(said) == in_full(getattr(loss, name).latex), (loss, name)


def test_formulas_of_built_in_losses_read_like_those_of_a_textbook() -> None:
    # operands that can be exchanged come in any order
    products = "y_pred*y_true", "y_true*y_pred"
    assert fl.poisson.formula in [f"exp(y_pred) - {each}" for each in products]
    for loss in (fl.focal, fl.poly1, fl.BinaryCrossentropy(from_logits=True)):
        assert "where" not in loss.formula
        assert "softplus" in loss.formula
    assert "**gamma*" in fl.focal.formula
    # where a product is not 0 by itself, the formula says so
    assert fl.poisson_deviance.formula.startswith("2*(where(y_true == 0, 0, ")
    assert fl.poisson_deviance.formula.count("where") == 1


def test_formulas_are_where_they_work() -> None:
    assert fl.mse.formula == "(y_pred - y_true)**2"
    formulas = {"formula", "gradient_formula", "hessian_formula"}
    programs = {"cost", "listing"}
    for loss, there in (
        (asymmetric, formulas | programs),
        (fl.huber, formulas),
        (fl.cce, {"formula"}),
    ):
        assert {name for name in formulas | programs if hasattr(loss, name)} == there
        assert {*dir(loss)} & (formulas | programs) == there
    with pytest.raises(AttributeError, match="runs a kernel in C"):
        fl.mse.listing("value")
    with pytest.raises(AttributeError, match="see its docstring"):
        _ = fl.cce.gradient_formula


def test_formulas_are_python_that_gives_the_values() -> None:
    y, p = labelled("real", np.float64, soft=False)
    y, p = np.clip(y, -3, 3), np.clip(p, -3, 3)
    for function in (
        lambda y, p: (y - p) ** 2 / (1 + (y - p) ** 2),
        lambda y, p: -(y - (p - 1)) * (2 - p) / (y**2 + 1) ** 3,
        lambda y, p: np.sqrt(1 + (y - p) ** 2) - 1,
        lambda y, p: np.log1p(np.exp(p)) - y * p,
        lambda y, p: np.where((p > 0) & (y <= 0), p, np.exp(-(y**2))),
        lambda y, p: (1.5 + np.tanh(p)) ** 2.5 + np.log(np.cosh(y - p)),
        lambda y, p: np.log(1 - np.exp(-np.abs(p) - 0.5)) + np.maximum(p, y),
    ):
        loss = fl.custom(function)
        scope = NAMES | {"y_true": y, "y_pred": p}
        expected = (
            loss(y, p, reduction="none"),
            *loss.grad_and_hess(y, p, reduction="sum"),
        )
        formulas = (loss.formula, loss.gradient_formula, loss.hessian_formula)
        for formula, values in zip(formulas, expected, strict=True):
            found = eval(formula, scope)
            np.testing.assert_allclose(found, values, rtol=1e-9, atol=1e-12)


def test_untraceable_functions_run_as_numpy() -> None:
    y, p = np.array([1.0, 2.0, 4.0]), np.array([2.0, 4.0, 1.0])
    assert repr(numpy_loss) == "<custom loss cumulative(), run as NumPy>"
    assert numpy_loss(y, p) == pytest.approx(14 / 3)
    assert numpy_loss(y, p, sample_weight=[1, 0, 0]) == 1.0
    grad, hess = numpy_loss.grad_and_hess(y, p, reduction="sum")
    assert grad.tolist() == [2, 4, -6]
    assert hess.tolist() == [2, 2, 2]
    with pytest.raises(fl.TraceError, match="accumulate"):
        _ = numpy_loss.formula
    no_hess = fl.custom(cumulative, grad=lambda y, p: p - y)
    with pytest.raises(TypeError, match="has no hess"):
        no_hess.grad_and_hess(y, p)
    reduced = fl.custom(lambda y, p: np.mean(np.add.accumulate(y)), grad=lambda y, p: p)
    with pytest.raises(ValueError, match=r"returned shape \(\), expected \(3,\)"):
        reduced(y, p)


def test_a_gradient_of_ones_own_is_compiled_if_it_can_be() -> None:
    surrogate = fl.custom(
        lambda y, p: np.abs(y - p),
        grad=lambda y, p: np.tanh(p - y),
        hess=lambda y, p: np.ones_like(p),
    )
    y, p = np.array([0.0, 1.0]), np.array([0.5, 3.0])
    assert "NumPy" not in repr(surrogate)
    assert surrogate.gradient_formula == "tanh(y_pred - y_true)"
    grad, hess = surrogate.grad_and_hess(y, p, reduction="sum")
    np.testing.assert_allclose(grad, np.tanh(p - y), rtol=1e-15)
    assert hess.tolist() == [1, 1]


def test_labels_of_any_dtype() -> None:
    p = np.linspace(-2, 2, 8)
    for y in (p > 0, (p > 0).astype(np.int8), (p > 0).astype(np.uint64)):
        loss = fl.custom(lambda y, x: np.where(y == 1, -x, x) + 0.0 * y)
        assert np.array_equal(loss(y, p, reduction="none"), np.where(y, -p, p))


def test_logic_on_comparisons() -> None:
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=64), rng.normal(size=64)

    def logic(y: Any, p: Any) -> Any:
        both = (y > 0) & (p >= 0.5)
        return np.where(both | ~(p < -0.5), 1.0, 2.0) * ((y != p) ^ (p <= 1)) + both

    found = fl.custom(logic)(y, p, reduction="none")
    assert np.array_equal(found, logic(y, p))


def test_large_programs_say_so() -> None:
    def sum_of_sines(y: Any, p: Any) -> Any:
        terms = [np.sin(k * p) for k in range(1, 200)]
        total = sum(terms)
        return sum(a * (total - a) for a in terms)

    with pytest.raises(ValueError, match="too large"):
        fl.custom(sum_of_sines)([0.0], [1.0])


def test_first_call_takes_under_5_ms() -> None:
    best = np.inf
    for k in range(20):
        start = time.process_time()
        loss = fl.custom(
            lambda y, p, k=float(k): np.mean(
                np.where(y - p > k, np.log(1 + np.exp(p)), np.sqrt(1 + (y - p) ** 2))
            )
        )
        loss.value_and_grad([1.0], [2.0])
        best = min(best, time.process_time() - start)
    assert best < 5e-3


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_numbers_know_every_operation(name: str) -> None:
    three = "where clip logistic logistic_slope mixture log_mixture mixture_slope"
    arity = dict.fromkeys([*three.split(), "mixture_curve"], 3)
    two = (
        "add sub mul div power power_slope power_curve minimum maximum logaddexp hypot "
        "gt ge lt le eq ne and or root root_slope root_curve root_minus gauss nan_if "
        "hypot_slope log_ratio_minus powm1 sigmoid_power log_of_ratio xlogy root_powm1 "
        "rel_entr kl_div sqrt_minus others"
    ).split()
    count = arity.get(name, 2 if name in two else 1)
    value = numbers.evaluate(name, [0.5, 0.25, 0.75][:count])
    assert isinstance(value, float)
    assert np.isfinite(value) or name == "log1mexp"
