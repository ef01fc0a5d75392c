"""Losses of rows that make integer labels one-hot themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from conftest import ISAS

import fastloss as fl
from fastloss.core import _bridge

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


# -- losses that people post -----------------------------------------------------------

softmax, sigmoid = fl.math.softmax, fl.math.sigmoid


def hot(y: Any, x: Any) -> Any:
    return np.eye(x.shape[-1])[y]


def brier(y: Any, x: Any) -> Any:
    return np.mean(np.sum((softmax(x) - hot(y, x)) ** 2, axis=-1))


def brier_of_probabilities(y: Any, p: Any) -> Any:
    return np.mean(np.sum((p - np.eye(p.shape[1])[y]) ** 2, axis=1))


def am_softmax(y: Any, x: Any, *, s: float = 3.0, m: float = 0.375) -> Any:
    z = s * (x - m * hot(y, x))
    return np.mean(fl.math.logsumexp(z, axis=-1) - np.sum(hot(y, x) * z, axis=-1))


def arc_face(y: Any, x: Any, *, s: float = 3.0, m: float = 0.25) -> Any:
    cosine = np.tanh(x)
    moved = cosine * np.cos(m) - np.sqrt(1 - cosine**2) * np.sin(m)
    z = s * np.where(hot(y, x) == 1, moved, cosine)
    return -np.mean(np.take_along_axis(log_softmax(z), y[:, None], axis=-1))


def symmetric(y: Any, x: Any, *, a: float = 0.1, b: float = 1.0) -> Any:
    forward = -np.sum(hot(y, x) * log_softmax(x), axis=-1)
    backward = -np.sum(softmax(x) * np.log(np.clip(hot(y, x), 1e-4, 1)), axis=-1)
    return np.mean(a * forward + b * backward)


def best_wrong(y: Any, x: Any) -> Any:
    others = np.where(np.arange(x.shape[-1]) == y[:, None], -np.inf, x)
    return np.mean(np.max(others, axis=-1) - x[np.arange(len(y)), y])


def hinge(y: Any, x: Any) -> Any:
    others = (x - 1e9 * hot(y, x)).max(axis=-1)
    return np.mean(np.maximum(0, 1 + others - np.sum(hot(y, x) * x, axis=-1)))


def crammer_singer(y: Any, x: Any) -> Any:
    return np.mean(np.max(x + 1 - hot(y, x), axis=-1) - x[np.arange(len(y)), y])


def one_against_rest(y: Any, x: Any) -> Any:
    p = sigmoid(x)
    of_entries = hot(y, x) * np.log(p) + (1 - hot(y, x)) * np.log(1 - p)
    return -np.mean(np.sum(of_entries, axis=-1))


def focal_of_entries(y: Any, x: Any, *, gamma: float = 2.0, alpha: float = 0.25) -> Any:
    t, p = hot(y, x), sigmoid(x)
    pt = t * p + (1 - t) * (1 - p)
    weight = t * alpha + (1 - t) * (1 - alpha)
    return np.mean(np.sum(-weight * (1 - pt) ** gamma * np.log(pt), axis=-1))


def smoothed(y: Any, x: Any, *, eps: float = 0.125) -> Any:
    rows = hot(y, x) * (1 - eps) + eps / x.shape[-1]
    return -np.mean(np.sum(rows * log_softmax(x), axis=-1))


def multiclass_hinge(y: Any, x: Any) -> Any:
    return np.mean(np.sum(np.maximum(0, 1 - (2 * hot(y, x) - 1) * x), axis=-1))


def absolute(y: Any, x: Any) -> Any:
    return np.mean(np.sum(np.abs(softmax(x) - hot(y, x)), axis=-1))


def coral(y: Any, x: Any) -> Any:
    levels = np.arange(x.shape[-1]) < y[:, None]
    logs = levels * np.log(sigmoid(x)) + (1 - levels) * np.log(1 - sigmoid(x))
    return -np.mean(np.sum(logs, axis=-1))


def cumulative(y: Any, x: Any) -> Any:
    steps = np.tril(np.ones((x.shape[-1], x.shape[-1])))[y]
    return np.mean(np.sum((sigmoid(x) - steps) ** 2, axis=-1))


def squared_distance(y: Any, x: Any) -> Any:
    far = (np.arange(x.shape[-1]) - y[:, None]) ** 2 / (x.shape[-1] - 1) ** 2
    return np.mean(np.sum(far * softmax(x), axis=-1))


def soft_ordinal(y: Any, x: Any) -> Any:
    labels = softmax(-np.abs(np.arange(x.shape[-1]) - y[:, None]) + 0 * x)
    return -np.mean(np.sum(labels * log_softmax(x), axis=-1))


def expected(y: Any, x: Any) -> Any:
    return np.mean((np.sum(np.arange(x.shape[-1]) * softmax(x), axis=-1) - y) ** 2)


POSTED: list[Function] = [
    brier,
    brier_of_probabilities,
    am_softmax,
    arc_face,
    symmetric,
    best_wrong,
    hinge,
    crammer_singer,
    one_against_rest,
    focal_of_entries,
    smoothed,
    multiclass_hinge,
    absolute,
    coral,
    cumulative,
    squared_distance,
    soft_ordinal,
    expected,
]


def arrays(n: int, classes: int, dtype: Any = np.float64) -> tuple[Any, Any]:
    generator = np.random.default_rng(classes)
    x = (2 * generator.normal(size=(n, classes))).astype(dtype)
    return generator.integers(0, classes, n), x


@pytest.mark.parametrize("shape", [(300, 4), (9, 70), (3, 600)])
@pytest.mark.parametrize("function", POSTED, ids=lambda f: f.__name__)
def test_the_value_is_that_of_numpy(function: Function, shape: tuple[int, int]) -> None:
    loss = fl.custom(function)
    y, x = arrays(*shape)
    values = [function(y[r : r + 1], x[r : r + 1]) for r in range(len(y))]
    found = loss(y, x, reduction="none")
    assert np.allclose(found, values, rtol=1e-12, atol=1e-14 * np.max(np.abs(values)))
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    assert loss(y, x, sample_weight=weight) == pytest.approx(
        np.average(values, weights=weight), rel=1e-12
    )
    single = loss(y, x.astype(np.float32), reduction="none")
    assert np.allclose(single, values, rtol=1e-5, atol=3e-6 * np.max(np.abs(values)))


# -- derivatives -----------------------------------------------------------------------

mp = mpmath.mp.clone()
mp.dps = 90
STEP = mp.mpf(10) ** -25


def exact_shares(x: Any) -> Any:
    powers = [mp.exp(z) for z in x]
    return [z / mp.fsum(powers) for z in powers]


def exact_sigmoid(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z))


def exact_brier(y: int, x: Any) -> Any:
    p = exact_shares(x)
    return mp.fsum((p[j] - (j == y)) ** 2 for j in range(len(x)))


def exact_am_softmax(y: int, x: Any) -> Any:
    z = [3 * (x[j] - mp.mpf(0.375) * (j == y)) for j in range(len(x))]
    return -mp.log(exact_shares(z)[y])


def exact_symmetric(y: int, x: Any) -> Any:
    p = exact_shares(x)
    return -mp.mpf(0.1) * mp.log(p[y]) - mp.log(mp.mpf(1e-4)) * (1 - p[y])


def exact_best_wrong(y: int, x: Any) -> Any:
    return max(z for j, z in enumerate(x) if j != y) - x[y]


def exact_focal(y: int, x: Any) -> Any:
    total = mp.mpf(0)
    for j, z in enumerate(x):
        own = exact_sigmoid(z if j == y else -z)
        weight = mp.mpf(0.25 if j == y else 0.75)
        total -= weight * (1 - own) ** 2 * mp.log(own)
    return total


def exact_coral(y: int, x: Any) -> Any:
    own = [exact_sigmoid(z if j < y else -z) for j, z in enumerate(x)]
    return -mp.fsum(map(mp.log, own))


def exact_squared_distance(y: int, x: Any) -> Any:
    far = [mp.mpf((j - y) ** 2) / (len(x) - 1) ** 2 for j in range(len(x))]
    return mp.fsum(a * b for a, b in zip(far, exact_shares(x), strict=True))


EXACT: list[tuple[Function, Function]] = [
    (brier, exact_brier),
    (am_softmax, exact_am_softmax),
    (symmetric, exact_symmetric),
    (best_wrong, exact_best_wrong),
    (focal_of_entries, exact_focal),
    (coral, exact_coral),
    (squared_distance, exact_squared_distance),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "exact", "shape"),
    [
        *((function, exact, (6, 4)) for function, exact in EXACT),
        (am_softmax, exact_am_softmax, (1, 66)),
        (coral, exact_coral, (1, 66)),
    ],
)
def test_derivatives_are_the_exact_ones(
    function: Function, exact: Function, shape: tuple[int, int], dtype: Any
) -> None:
    """To a few units of rounding of the largest entry of the row."""
    y, x = arrays(*shape, dtype)
    loss = fl.custom(function)
    value = loss(y, x, reduction="none")
    grad, hess = loss.grad_and_hess(y, x, reduction="sum")
    for r, label in enumerate(map(int, y)):
        row = [mp.mpf(float(z)) for z in x[r]]
        here = exact(label, row)
        slopes, bends = [], []
        for j in range(len(row)):
            low, high = list(row), list(row)
            low[j] -= STEP
            high[j] += STEP
            before, after = exact(label, low), exact(label, high)
            slopes.append(float((after - before) / (2 * STEP)))
            bends.append(float((before - 2 * here + after) / STEP**2))
        near = 32 * float(np.finfo(dtype).eps)
        assert value[r] == pytest.approx(float(here), rel=near)
        for found, truth in ((grad[r], slopes), (hess[r], bends)):
            assert np.allclose(found, truth, rtol=0, atol=near * np.max(np.abs(truth)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_bits_on_every_path(dtype: Any) -> None:
    found: dict[str, set[bytes]] = {"rows": set(), "fma": set()}
    first, before = _bridge.isa_of_kernels()[0], fl.get_num_threads()
    losses = [fl.custom(function) for function, _ in EXACT]
    try:
        for isa in ISAS:
            for threads in (1, 2):
                _bridge.use_isa(isa)
                fl.set_num_threads(threads)
                out = []
                for shape in ((700, 10), (40, 600)):
                    y, x = arrays(*shape, dtype)
                    for loss in losses:
                        value, grad = loss.value_and_grad(y, x)
                        hess = loss.grad_and_hess(y, x)[1]
                        out += [np.float64(value).tobytes(), grad.tobytes()]
                        out.append(hess.tobytes())
                found["rows" if isa == "baseline" else "fma"].add(b"".join(out))
    finally:
        _bridge.use_isa(first)
        fl.set_num_threads(before)
    assert all(len(each) <= 1 for each in found.values())


# -- what labels and classes may be ----------------------------------------------------


def test_levels_of_an_ordinal_label_are_one_more_than_thresholds() -> None:
    loss = fl.custom(coral)
    x = np.array([[0.5, -0.25], [1.0, 2.0]])
    found = loss(np.array([2, 0]), x, reduction="none")
    expected = [
        np.log1p(np.exp(-0.5)) + np.log1p(np.exp(0.25)),
        np.log1p(np.exp(1.0)) + np.log1p(np.exp(2.0)),
    ]
    assert np.allclose(found, expected, rtol=1e-15)


def test_classes_may_begin_at_one() -> None:
    def from_one(y: Any, x: Any) -> Any:
        return np.sum((np.arange(1, 5) == y[:, None]) * log_softmax(x), axis=-1)

    loss = fl.custom(from_one)
    assert np.allclose(loss(Y + 1, X, reduction="none"), from_one(Y + 1, X), rtol=1e-14)


def test_numbers_of_rows_that_labels_make() -> None:
    def weighted(y: Any, x: Any) -> Any:
        levels = np.tril(np.ones((x.shape[-1], x.shape[-1])))[y].sum(axis=-1)
        return levels * -log_softmax(x)[np.arange(len(y)), y]

    found = fl.custom(weighted)(Y, X, reduction="none")
    assert np.allclose(found, weighted(Y, X), rtol=1e-14)


def test_labels_outside_are_named() -> None:
    with pytest.raises(ValueError, match=r"y_true\[1\] = 4 "):
        fl.custom(brier)(np.array([0, 4, 0, 0, 0]), X)


def test_the_formula_has_names_for_what_labels_make() -> None:
    assert "one_hot(y_true)" in fl.custom(brier).formula
    assert "y_true > arange(y_pred.shape[-1])" in fl.custom(coral).formula
    assert r"\left[j = y\right]" in fl.custom(brier).formula.latex


def test_what_classes_are_counted_for_is_refused_with_its_line() -> None:
    def counted_classes(y: Any, x: Any) -> Any:
        return np.sum(x, axis=-1) * np.sum(np.sqrt(np.arange(x.shape[-1]))) + 0 * y

    with pytest.raises(fl.TraceError, match="numbers of rows or classes") as refused:
        fl.custom(counted_classes)
    assert "np.sqrt(np.arange(x.shape[-1]))" in str(refused.value)

    def too_few(y: Any, x: Any) -> Any:
        return np.sum(np.eye(4)[y], axis=-1) * np.sum(x, axis=-1)

    with pytest.raises(fl.TraceError, match="for the number of classes") as refused:
        fl.custom(too_few)
    assert "np.eye(4)[y]" in str(refused.value)


# -- arrays of the function's own ------------------------------------------------------


def margin_in_place(y: Any, x: Any) -> Any:
    z = x.copy()
    z[np.arange(len(y)), y] -= 0.25
    z *= 4
    return -log_softmax(z)[np.arange(len(y)), y]


def masked_in_place(y: Any, x: Any) -> Any:
    others = 1 * x
    others[np.arange(len(y)), y] = -np.inf
    return np.max(others, axis=-1) - x[np.arange(len(y)), y]


def put_into_a_copy(y: Any, x: Any) -> Any:
    rows = np.zeros_like(x)
    np.put_along_axis(rows, y[:, None], 1, axis=-1)
    same = rows
    same += 0.5
    return np.sum((x - rows) ** 2, axis=-1)


def put_into_zeros(y: Any, x: Any) -> Any:
    rows = np.zeros(x.shape)
    np.put_along_axis(rows, y[:, None], 1, axis=1)
    return np.sum((x - rows) ** 2, axis=1)


def bounded_in_place(y: Any, x: Any) -> Any:
    r = x - y[:, None]
    r[r < 0] = 0
    positive = r > 1
    positive[np.arange(len(y)), y] = False
    np.square(r, out=r)
    return np.sum(np.where(positive, r, 2 * r), axis=-1)


@pytest.mark.parametrize(
    "function",
    [
        margin_in_place,
        masked_in_place,
        put_into_a_copy,
        put_into_zeros,
        bounded_in_place,
    ],
)
def test_a_function_may_write_into_its_own_arrays(function: Function) -> None:
    loss = fl.custom(function)
    y, x = arrays(20, 4)
    before = x.copy()
    assert np.allclose(loss(y, x, reduction="none"), function(y, x), rtol=1e-13)
    assert np.array_equal(x, before)


def test_elements_may_be_written_too() -> None:
    def relu_squared(y: Any, p: Any) -> Any:
        r = p - y
        r[r < 0] = 0
        r *= r
        return r

    loss = fl.custom(relu_squared)
    y, p = np.array([1.0, 2.0]), np.array([3.0, 1.0])
    assert loss(y, p, reduction="none").tolist() == [4.0, 0.0]
    assert loss.grad(y, p, reduction="sum").tolist() == [4.0, 0.0]


def into_labels(y: Any, x: Any) -> Any:
    x[np.arange(len(y)), y] -= 1
    return np.sum(x, axis=-1)


def whole_numbers(y: Any, x: Any) -> Any:
    rows = np.zeros_like(x, dtype=int)
    rows[np.arange(len(y)), y] = 0.5
    return np.sum(rows * x, axis=-1)


@pytest.mark.parametrize("function", [into_labels, whole_numbers])
def test_what_numpy_would_write_elsewhere_or_round_is_refused(
    function: Function,
) -> None:
    with pytest.raises(fl.TraceError, match="in place"):
        fl.custom(function)


ALONG: dict[str, tuple[Function, str]] = {
    "cumsum": (
        lambda y, x: np.sum(np.cumsum(x, axis=-1), -1),
        "np.arange(C) >= y_true",
    ),
    "std": (lambda y, x: np.std(x, axis=-1), "write np.sqrt(np.mean((x - "),
    "var": (lambda y, x: np.var(x, axis=1), "write np.mean((x - "),
    "prod": (lambda y, x: np.prod(x, axis=-1), "np.exp(np.sum(np.log(x), axis=-1))"),
    "median": (lambda y, x: np.median(x, axis=-1), "for the second"),
    "sort": (lambda y, x: np.sort(x, axis=-1), "for the second"),
    "argmax": (
        lambda y, x: np.argmax(x, axis=-1) == y,
        "the condition that an entry is",
    ),
    "method": (lambda y, x: x.argmax(axis=-1) == y, "the condition that an entry is"),
    "positional": (lambda y, x: np.ptp(x, -1), "np.max(x, axis=-1) - np.min"),
}


@pytest.mark.parametrize("name", ALONG)
def test_what_has_no_form_along_rows_says_what_to_write(name: str) -> None:
    function, remedy = ALONG[name]
    with pytest.raises(fl.TraceError) as refused:
        fl.custom(function)
    assert __file__ in str(refused.value)
    assert remedy in str(refused.value)


def test_what_refusals_say_is_what_numpy_computes() -> None:
    def spread(y: Any, x: Any) -> Any:
        squares = (x - np.mean(x, axis=-1, keepdims=True)) ** 2
        return np.sqrt(np.mean(squares, axis=-1)) + 0 * y

    def second(y: Any, x: Any) -> Any:
        largest = x == np.max(x, axis=-1, keepdims=True)
        return np.amax(np.where(largest, -np.inf, x), axis=-1) + 0 * y

    def steps(y: Any, x: Any) -> Any:
        return np.sum(x * (np.arange(x.shape[-1]) >= y[:, None]), axis=-1)

    y, x = arrays(20, 5)
    rows = np.eye(5)[y]
    for function, expected in (
        (spread, np.std(x, axis=-1)),
        (second, np.sort(x, axis=-1)[:, -2]),
        (steps, np.sum(x * np.cumsum(rows, axis=-1), axis=-1)),
    ):
        found = fl.custom(function)(y, x, reduction="none")
        assert np.allclose(found, expected, rtol=1e-13)
