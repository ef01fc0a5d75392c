"""Custom losses of several predictions: against NumPy, mpmath and built-in losses."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from conftest import ISAS

import fastloss as fl
from fastloss.core import _bridge
from fastloss.plot.examples import panels

REDUCTIONS = ("mean", "sum", "none", "sum_over_batch_size")


@fl.custom
def nll(y: Any, heads: Any) -> Any:
    mu, log_var = heads
    return 0.5 * (log_var + (y - mu) ** 2 * np.exp(-log_var))


def winkler(y: Any, heads: Any, *, alpha: float = 0.1) -> Any:
    low, high = heads
    beyond = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return high - low + 2 / alpha * beyond


def student(y: Any, p: Any) -> Any:
    scale = np.exp(p[1])
    nu = fl.math.softplus(p[2])
    z = (y - p[0]) / scale
    return p[1] + 0.5 * (nu + 1) * np.log1p(z**2 / nu)


class Weighed(fl.Loss):
    inputs = ("margin",)
    power: float = 1.5

    def call(self, y_true: Any, y_pred: Any, margin: Any) -> Any:
        product = y_pred[0] * y_pred[-1]
        return np.mean((product - y_true) ** 2 + margin * self.power)


def arrays(
    count: int, dtype: Any, shape: tuple[int, ...] = (40, 3), seed: int = 0
) -> tuple[Any, ...]:
    """Labels and predictions."""
    rng = np.random.default_rng(seed)
    y, *heads = (rng.normal(size=shape).astype(dtype) for _ in range(count + 1))
    return y, tuple(heads)


def flat(x: Any) -> list[Any]:
    return [z for t in x for z in flat(t)] if isinstance(x, tuple) else [np.asarray(x)]


# -- values and derivatives ------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_the_built_in_loss(
    dtype: Any, reduction: str, weighted: bool
) -> None:
    y, heads = arrays(2, dtype)
    r2v = (y - heads[0]) ** 2 * np.exp(-heads[1])
    most = {0: abs(heads[1]) + r2v, 2: 1 + r2v}  # the larger term, where two cancel
    weight = np.random.default_rng(1).random(y.shape).astype(dtype)
    given = {"sample_weight": weight if weighted else None, "reduction": reduction}
    built_in = fl.GaussianNLL(log_variance=True)
    eps = np.finfo(dtype).eps
    counts = weight if weighted else np.ones(y.shape)
    divisor = {"mean": counts.sum(dtype=float), "sum_over_batch_size": y.size}
    share = counts / divisor.get(reduction, 1)
    for outputs in ("__call__", "grad", "value_and_grad", "grad_and_hess"):
        ours = getattr(nll, outputs)(y, heads, **given)
        theirs = getattr(built_in, outputs)(y, heads, **given)
        assert len(flat(ours)) == len(flat(theirs)) > 0
        first = 0 if outputs in ("__call__", "value_and_grad") else 1
        for k, (a, b) in enumerate(zip(flat(ours), flat(theirs), strict=True), first):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            scale = abs(b)
            if a.shape and k in most:
                scale = most[k] * (share if k else counts)
            assert np.all(abs(a - b) <= 4 * eps * scale), (outputs, k)


def exact(function: Callable[..., Any], y: float, *heads: float) -> Any:
    """Gradient and Hessian by every head, of 40 digits."""
    n = len(heads)
    with mpmath.workdps(40):
        point = tuple(map(mpmath.mpf, heads))

        def by(*order: int) -> Any:
            return mpmath.diff(lambda *h: function(mpmath.mpf(y), *h), point, order)

        unit = [tuple(int(j == k) for j in range(n)) for k in range(n)]
        grad = [float(by(*u)) for u in unit]
        hess = [
            [float(by(*(a + b for a, b in zip(u, v, strict=True)))) for v in unit]
            for u in unit
        ]
    return np.array(grad), np.array(hess)


def mp_nll(y: Any, mu: Any, log_var: Any) -> Any:
    return 0.5 * (log_var + (y - mu) ** 2 * mpmath.exp(-log_var))


def mp_winkler(y: Any, low: Any, high: Any) -> Any:
    beyond = max(low - y, mpmath.mpf(0)) + max(y - high, mpmath.mpf(0))
    return high - low + 2 / mpmath.mpf(0.1) * beyond


def mp_student(y: Any, mu: Any, log_scale: Any, raw: Any) -> Any:
    nu = mpmath.log1p(mpmath.exp(raw))
    z = (y - mu) / mpmath.exp(log_scale)
    return log_scale + (nu + 1) / 2 * mpmath.log1p(z**2 / nu)


@pytest.mark.parametrize(
    ("loss", "function", "count"),
    [
        (nll, mp_nll, 2),
        (fl.custom(winkler), mp_winkler, 2),
        (fl.custom(student), mp_student, 3),
    ],
)
@pytest.mark.parametrize(("dtype", "most"), [(np.float32, 2e-6), (np.float64, 4e-15)])
def test_derivatives_by_each_head_are_exact(
    loss: Any, function: Any, count: int, dtype: Any, most: float
) -> None:
    y, heads = arrays(count, dtype, (12,), seed=3)
    _, vectors = arrays(count, dtype, (12,), seed=4)
    grad, hess = loss.grad_and_hess(y, heads, reduction="sum")
    value, again = loss.value_and_grad(y, heads, reduction="none")
    alone = loss.grad(y, heads, reduction="sum")
    product = loss.hvp(y, heads, vectors, reduction="sum")
    for i in range(len(y)):
        point = [float(h[i]) for h in heads]
        right, full = exact(function, float(y[i]), *point)
        scale = max(1, abs(full).max())
        exactly = float(function(mpmath.mpf(float(y[i])), *map(mpmath.mpf, point)))
        assert abs(value[i] - exactly) < most * max(1, abs(exactly))
        along = full @ np.array([float(v[i]) for v in vectors])
        for k in range(count):
            assert abs(grad[k][i] - right[k]) < most * scale
            assert abs(hess[k][i] - full[k, k]) < most * scale
            assert abs(product[k][i] - along[k]) < most * count * scale
            assert grad[k][i] == again[k][i] == alone[k][i]


def test_value_is_that_of_the_function() -> None:
    y, heads = arrays(3, np.float64)
    np.testing.assert_allclose(
        fl.custom(student)(y, heads, reduction="none"), student(y, heads), rtol=1e-14
    )

    def half_mean(y: Any, heads: Any) -> Any:
        mu, scale = heads
        return 1 / (2 * y.size) * np.sum((y - mu) ** 2 * scale)

    loss = fl.custom(half_mean)
    assert loss(y, heads[:2]) == pytest.approx(half_mean(y, heads[:2]), rel=1e-14)
    right = (y - heads[0]) ** 2 / (2 * y.size)
    np.testing.assert_allclose(loss.grad(y, heads[:2])[1], right, rtol=1e-14)


def test_class_with_inputs_parameters_and_their_derivatives() -> None:
    y, heads = arrays(2, np.float64)
    margin = np.ones_like(y)
    loss = Weighed(power=2.0)
    value, (by_first, by_second) = loss.value_and_grad(y, heads, margin=margin)
    residual = heads[0] * heads[1] - y
    assert value == pytest.approx(np.mean(residual**2) + 2, rel=1e-14)
    np.testing.assert_allclose(by_first, 2 * residual * heads[1] / y.size, rtol=1e-13)
    np.testing.assert_allclose(by_second, 2 * residual * heads[0] / y.size, rtol=1e-13)
    changed = loss(y, heads, margin=margin, power=3.0)
    assert changed == pytest.approx(value + 1, rel=1e-14)


def test_lists_indexed_by_labels() -> None:
    @fl.custom
    def weighted(y: Any, heads: Any, *, w: Any = (1.0, 10.0)) -> Any:
        a, b = heads
        return w[y] * a * b if isinstance(w, np.ndarray) else np.take(w, y) * a * b

    y, (a, b) = np.array([0, 1, 1]), (np.arange(3.0), np.ones(3))
    by_a, by_b = weighted.grad(y, (a, b), reduction="sum")
    assert by_a.tolist() == [1, 10, 10]
    assert by_b.tolist() == [0, 10, 20]


def test_nan_and_weight_0() -> None:
    y, heads = np.zeros(3), (np.array([1.0, np.nan, np.inf]), np.zeros(3))
    grad, hess = nll.grad_and_hess(y, heads, reduction="sum")
    for derivative in (*grad, *hess):
        assert derivative[0] == derivative[0]
        assert np.isnan(derivative[1])
    weight = np.array([1.0, 0.0, 0.0])
    value, grad = nll.value_and_grad(y, heads, sample_weight=weight)
    assert value == 0.5
    assert grad[0].tolist() == [1, 0, 0]
    assert grad[1].tolist() == [-0.0, 0, 0]


def test_a_nan_label_is_in_all_derivatives() -> None:
    @fl.custom
    def sloped(y: Any, heads: Any) -> Any:
        a, b = heads
        return (a - y) + (b - y) + a * b

    y, ones = np.array([np.nan, 0.0]), np.ones(2)
    grad, hess = sloped.grad_and_hess(y, (ones, ones), reduction="sum")
    product = sloped.hvp(y, (ones, ones), (ones, 2 * ones), reduction="sum")
    for derivative, right in zip(
        (*grad, *hess, *product), (2, 2, 0, 0, 2, 1), strict=True
    ):
        assert np.isnan(derivative[0])
        assert derivative[1] == right


@pytest.mark.parametrize("isa", ISAS)
def test_same_bits_for_all_threads_and_as_a_slice(isa: str) -> None:
    y, heads = arrays(2, np.float32, (70_001,))
    before = _bridge.isa()
    _bridge.use_isa(isa)
    try:
        with fl.threads(1):
            one = flat(nll.value_and_grad(y, heads, reduction="none"))
        with fl.threads(2):
            two = flat(nll.value_and_grad(y, heads, reduction="none"))
            part = flat(
                nll.value_and_grad(
                    y[::3], tuple(h[::3] for h in heads), reduction="none"
                )
            )
    finally:
        _bridge.use_isa(before)
    for a, b, c in zip(one, two, part, strict=True):
        assert a.tobytes() == b.tobytes()
        assert a[::3].tobytes() == c.tobytes()


def test_parts_add_up() -> None:
    y, heads = arrays(2, np.float32)
    weight = np.random.default_rng(2).random(y.shape)
    halves = (slice(0, 13), slice(13, None))
    state = sum(
        nll.partial(y[at], tuple(h[at] for h in heads), sample_weight=weight[at])
        for at in halves
    )
    whole = nll(y, heads, sample_weight=weight)
    assert state.value() == pytest.approx(whole, rel=1e-15)
    assert state.standard_error() > 0


# -- arrays ----------------------------------------------------------------------------


def test_out_is_a_tuple_and_may_be_the_predictions() -> None:
    y, heads = arrays(2, np.float64)
    grad, hess = nll.grad_and_hess(y, heads)
    out = np.empty_like(y), np.empty((3, 40)).T
    assert nll.grad(y, heads, out=out)[0] is out[0]
    np.testing.assert_array_equal(out, grad)
    found = nll.grad_and_hess(y, heads, out=(out, None))
    assert found[0][1] is out[1]
    np.testing.assert_array_equal(found[1], hess)
    values = np.empty_like(y)
    found = nll.value_and_grad(y, heads, out=(values, (None, out[1])), reduction="none")
    assert found[0] is values
    assert found[1][1] is out[1]
    copies = tuple(h.copy() for h in heads)
    nll.grad(y, copies, out=copies)
    np.testing.assert_array_equal(copies, grad)
    crossed = tuple(h.copy() for h in heads)
    nll.grad(y, crossed, out=crossed[::-1])
    np.testing.assert_array_equal(crossed[::-1], grad)


def test_dtypes_scalars_and_no_samples() -> None:
    y, (mu, log_var) = arrays(2, np.float32)
    mixed = nll.grad(y, (mu, log_var.astype(np.float64)))
    assert [g.dtype for g in mixed] == [np.float64] * 2
    assert nll(3, (1, 0)) == 2.0
    assert [float(g) for g in nll.grad(3.0, (1.0, 0.0))] == [-2.0, -1.5]
    none = np.empty((0, 3), np.float32)
    value, grad = nll.value_and_grad(none, (none, none), reduction="sum")
    assert value == 0
    assert [g.shape for g in grad] == [(0, 3)] * 2
    with pytest.raises(ValueError, match="empty"):
        nll(none, (none, none))


def test_pickles_and_compares() -> None:
    y, heads = arrays(2, np.float32)
    loss = pickle.loads(pickle.dumps(nll))
    assert loss == nll
    assert loss(y, heads) == nll(y, heads)
    assert loss(y, list(heads)) == nll(y, heads)


def test_diagnosis_names_the_prediction() -> None:
    loss = fl.custom(student)
    y, (_, scale, nu) = arrays(3, np.float64)
    mu = y + 0.1 * scale
    assert not fl.diagnose(loss, y, (mu, scale, nu)).findings
    nu[1, 2] = np.nan
    (found,) = fl.diagnose(loss, y, (mu, scale, nu)).findings
    assert found.code == "predictions_not_finite"
    assert "y_pred[2][1, 2] = nan" in found.message


def test_picture_has_a_panel_for_each_prediction() -> None:
    first, second = panels(nll)
    assert first.axis == "y_pred[0] (y_pred[1] = 0)"
    assert second.axis == "y_pred[1] (y_pred[0] = 0)"
    given = panels(fl.custom(student), y_pred=(1.0, 2.0, 3.0))
    assert given[1].axis == "y_pred[1] (y_pred[0] = 1, y_pred[2] = 3)"


# -- what is shown and what is refused -------------------------------------------------


def test_formulas_name_the_heads() -> None:
    assert str(nll.formula) == (
        "0.5*(y_pred[1] + (y_true - y_pred[0])**2*exp(-y_pred[1]))"
    )
    assert str(nll.gradient_formula).splitlines() == [
        "-(y_true - y_pred[0])*exp(-y_pred[1])",
        "0.5*(1 - (y_true - y_pred[0])**2*exp(-y_pred[1]))",
    ]
    assert str(nll.hessian_formula).splitlines() == [
        "exp(-y_pred[1])",
        "0.5*(y_true - y_pred[0])**2*exp(-y_pred[1])",
    ]
    assert nll.formula.latex.startswith(r"0.5 \, \left(\hat{y}_{1}")
    assert r",\quad " in nll.gradient_formula.latex


def test_arrays_that_do_not_fit_are_named() -> None:
    y, (mu, log_var) = arrays(2, np.float64)
    cases: list[tuple[type[Exception], str, Any]] = [
        (TypeError, r"y_pred must be a tuple of 2 arrays, got ndarray: pass", mu),
        (TypeError, r"tuple of 2 arrays, got tuple of 3", (mu, mu, mu)),
        (TypeError, r"tuple of 2 arrays, got tuple of 1", (mu,)),
        (ValueError, r"y_pred\[1\] has shape \(3, 3\), y_pred\[0\]", (mu, mu[:3])),
        (ValueError, r"y_true has shape \(40, 3\), y_pred\[0\]", (mu[:3], mu[:3])),
        (TypeError, r"y_pred\[1\] has dtype complex128", (mu, mu + 1j)),
    ]
    for kind, message, heads in cases:
        for method in (nll, nll.grad, nll.grad_and_hess, nll.partial):
            with pytest.raises(kind, match=message):
                method(y, heads)
    with pytest.raises(TypeError, match="out of a derivative must be a tuple of 2"):
        nll.grad(y, (mu, log_var), out=np.empty_like(mu))
    with pytest.raises(TypeError, match="v must be a tuple of 2 arrays"):
        nll.hvp(y, (mu, log_var), mu)
    with pytest.raises(ValueError, match=r"v\[1\] has shape \(3, 3\), y_pred\[1\]"):
        nll.hvp(y, (mu, log_var), (mu, mu[:3]))
    with pytest.raises(fl.TraceError, match="a loss of several predictions runs"):
        nll.listing("value")


def unpacks_any(y: Any, p: Any) -> Any:
    return sum(p) - y


def starred(y: Any, p: Any) -> Any:
    first, *others = p
    return first - others[0]


def one_of_them(y: Any, p: Any) -> Any:
    return p[0] - y


def loop_and_shape(y: Any, p: Any) -> Any:
    a, b = [x / p.size for x in p]
    return a - b


def loop_and_product(y: Any, p: Any) -> Any:
    residuals = [x - y for x in p]
    return residuals[0] + p / 2


def a_slice(y: Any, p: Any) -> Any:
    return p[0] - p[1:][0]


def branches(y: Any, p: Any) -> Any:
    a, b = p
    return a - y if b > 0 else y - a


def of_rows(y: Any, p: Any) -> Any:
    a, b = p
    return np.sum((a - y) * b, axis=-1)


def of_sums(y: Any, p: Any) -> Any:
    a, b = p
    return np.sqrt(np.mean((a - y) ** 2 * b))


def thirteen(y: Any, p: Any) -> Any:
    a, b, c, d, e, f, g, h, i, j, k, m, n = p
    return a + b + c + d + e + f + g + h + i + j + k + m + n


def sees_types(y: Any, p: Any) -> Any:
    a, b = p
    return (a - b) * (2.0 if type(a) is np.ndarray else 1.0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unpacks_any, "a loop runs over the samples.*mean, var = y_pred"),
        (starred, "a loop runs over the samples"),
        (loop_and_shape, "a loop runs over the samples"),
        (loop_and_product, "a loop runs over the samples"),
        (one_of_them, "an array is indexed"),
        (a_slice, "an array is indexed"),
        (branches, "a condition on data decides"),
        (of_rows, "reduces over the last axis"),
        (of_sums, "goes on with means or sums"),
        (thirteen, "a loop runs over the samples"),
        (sees_types, "sees that a trace has stand-ins"),
    ],
)
def test_functions_that_do_not_say_their_heads(function: Any, message: str) -> None:
    with pytest.raises(fl.TraceError, match=f"(?s){message}"):
        fl.custom(function)


def test_own_derivatives_are_refused() -> None:
    def grad(y: Any, p: Any) -> Any:
        return p.copy()

    with pytest.raises(TypeError, match=r"several predictions.*leave out grad=, hess="):
        fl.custom(nll.function, grad=grad, hess=grad)


def test_products_read_a_vector_for_each_head() -> None:
    @fl.custom
    def six(y: Any, p: Any) -> Any:
        a, b, c, d, e, f = p
        return a * b * c * d * e * f - y

    ones = np.ones(3)
    assert six(ones, (ones,) * 6) == 0
    assert len(six.grad(ones, (ones,) * 6)) == 6
    with pytest.raises(TypeError, match="at most 12 arrays, these would be 13"):
        six.hvp(ones, (ones,) * 6, (ones,) * 6)
