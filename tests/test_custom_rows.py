"""Custom losses of rows: against NumPy, 50-digit jets, and the built-in losses."""

from __future__ import annotations

import pickle
import random
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest
from conftest import ISAS
from test_custom_derivatives import (
    BINARY,
    UNARY,
    Jet,
    Rule,
    constant,
    context,
    j_add,
    j_exp,
    j_log,
    j_max,
    j_mul,
    j_sqrt,
    j_sub,
    mpf,
)

import fastloss as fl
from fastloss.core import _bridge

# -- losses that people post -----------------------------------------------------------


def posted(y: Any, x: Any) -> Any:
    p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(x)), y]))


def shifted(y: Any, x: Any) -> Any:
    n = x.shape[0]
    z = x - np.max(x, axis=1, keepdims=True)
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.sum(np.log(p[range(n), y])) / n


def along(y: Any, x: Any) -> Any:
    z = x - fl.math.logsumexp(x, axis=-1, keepdims=True)
    return -np.take_along_axis(z, y[:, None], axis=-1).squeeze(-1)


def reduced_by_ufunc(y: Any, x: Any) -> Any:
    picked = np.take_along_axis(x, np.expand_dims(y, -1), axis=-1)[:, 0]
    return np.logaddexp.reduce(x, axis=-1) - picked


def dense(y: Any, x: Any) -> Any:
    p = fl.math.softmax(x)
    return -np.mean(np.sum(y * np.log(p), axis=-1))


def focal(y: Any, x: Any, *, gamma: float = 2.0) -> Any:
    p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    pt = np.take_along_axis(p, y.reshape(-1, 1), axis=-1)
    return -np.mean((1 - pt) ** gamma * np.log(pt))


def brier(y: Any, x: Any) -> Any:
    return np.mean((fl.math.softmax(x) - y) ** 2, axis=-1)


def weighted(y: Any, x: Any, *, w: Any = (1.0, 2.0, 0.5, 3.0)) -> Any:
    return -np.take(w, y) * fl.math.log_softmax(x)[np.arange(len(x)), y]


def margin(y: Any, x: Any) -> Any:
    right = np.take_along_axis(x, y[:, None], axis=-1)
    return np.sum(np.maximum(0, 1 + x - right), axis=-1) - 1


def ensemble(y: Any, x: Any) -> Any:
    """Mean distance of the members of an ensemble to one number."""
    return np.mean(np.abs(x - y[:, None]), axis=-1)


def cosine(y: Any, x: Any) -> Any:
    norms = np.linalg.norm(x, axis=-1) * np.linalg.norm(y, axis=-1)
    return 1 - np.sum(x * y, axis=-1) / norms


def entropy(y: Any, x: Any) -> Any:
    p = fl.math.softmax(x)
    return np.sum(p * np.log(p), axis=-1) + 0 * y


CLASSES: list[Callable[..., Any]] = [
    posted,
    shifted,
    along,
    reduced_by_ufunc,
    focal,
    weighted,
    margin,
]
DENSE: list[Callable[..., Any]] = [dense, brier, cosine]
RNG = np.random.default_rng(7)


def rows(n: int, classes: int, scale: float = 3.0) -> tuple[Any, Any, Any]:
    x = RNG.normal(size=(n, classes)) * scale
    y = RNG.integers(0, classes, n)
    soft = RNG.dirichlet(np.ones(classes), n)
    return x, y, soft


def numpy_value(function: Callable[..., Any], y: Any, x: Any) -> Any:
    return function(y, x)


@pytest.mark.parametrize("function", [*CLASSES, *DENSE], ids=lambda f: f.__name__)
def test_the_value_is_that_of_numpy(function: Callable[..., Any]) -> None:
    loss = fl.custom(function)
    x, y, soft = rows(23, 4)
    labels = soft if function in DENSE else y
    expected = np.asarray(function(labels, x))
    reduction = "none" if expected.ndim else loss.reduction
    found = loss(labels, x, reduction=reduction)
    assert np.allclose(found, expected.reshape(np.shape(found)), rtol=1e-13, atol=0)


def test_labels_of_rows_that_are_numbers() -> None:
    x, _, _ = rows(9, 5)
    y = x[:, 0] + 0.25
    loss = fl.custom(ensemble)
    assert np.allclose(loss(y, x, reduction="none"), ensemble(y, x), rtol=1e-15)
    grad = loss.grad(y, x, reduction="sum")
    assert np.array_equal(grad, np.sign(x - y[:, None]) / 5)
    with pytest.raises(ValueError, match="rows of y_pred"):
        loss(x, x)


@pytest.mark.parametrize(
    "function",
    [
        lambda y, x: np.sum(y, axis=-1) * np.max(column(x), axis=-1),
        lambda y, x: np.sum(y, axis=-1) * np.linalg.norm(column(x), axis=-1),
        lambda y, x: np.sum(y * fl.math.softmax(column(x)), axis=-1),
        lambda y, x: np.sum(y, axis=-1) + fl.math.logsumexp(column(x), axis=-1),
        lambda y, x: np.sum(y - np.min(column(x), axis=-1, keepdims=True), axis=-1),
        lambda y, x: np.sum(y, axis=-1) + np.mean(column(x), axis=-1),
        lambda y, x: np.sum(y, axis=-1) + 2 ** np.sum(column(x), axis=-1),
        lambda y, x: np.sum(y, axis=-1) + np.exp2(fl.math.logsumexp(x, axis=-1)),
    ],
)
def test_a_column_has_one_entry(function: Callable[..., Any]) -> None:
    x, _, soft = rows(9, 4)
    loss = fl.custom(function)
    found = loss(soft, x, reduction="none")
    np.testing.assert_allclose(found, function(soft, x), rtol=1e-13, atol=1e-13)


def column(x: Any) -> Any:
    return np.sum(np.sin(x), axis=-1, keepdims=True)


def test_a_saturated_row_keeps_the_digits_of_the_others() -> None:
    """Of u(p) for the share p nearly 1 of one entry, du/dx is u'(1) p (1 - p)."""
    loss = fl.custom(lambda y, x: np.sum(fl.math.softmax(x) ** 2 + 0 * y, axis=-1))
    gap = np.array([5.0, 20.0, 40.0, 80.0])
    x = np.stack([gap, np.zeros(4)], axis=-1)
    p, q = 1 / (1 + np.exp(-gap)), 1 / (1 + np.exp(gap))
    # p^2 + q^2 = 1 - 2 p q, and d(p q) = p q (q - p), dd(p q) = p q (1 - 6 p q)
    grad, hess = loss.grad_and_hess(x, x, reduction="sum")
    np.testing.assert_allclose(grad[:, 0], 2 * p * q * (p - q), rtol=1e-15)
    np.testing.assert_allclose(hess[:, 0], -2 * p * q * (1 - 6 * p * q), rtol=2e-15)


def test_the_branch_not_taken_does_not_leak_through_its_row() -> None:
    def chosen(y: Any, x: Any) -> Any:
        far = fl.math.logsumexp(np.exp(x), axis=-1, keepdims=True)
        return np.sum(np.where(np.sum(x, axis=-1, keepdims=True) > 9, y, far), axis=-1)

    x = np.array([[800.0, 1.0], [2.0, 1.0]])
    grad, hess = fl.custom(chosen).grad_and_hess(x, x, reduction="sum")
    assert np.array_equal(grad[0], [0, 0])
    assert np.array_equal(hess[0], [0, 0])
    assert np.isfinite(grad).all()


def test_nor_through_a_choice_between_numbers_of_rows() -> None:
    def bounded(y: Any, x: Any) -> Any:
        far = np.log(np.sum(np.exp(np.exp(x)), axis=-1))
        return np.where(np.max(x, axis=-1) > 9, np.sum(y, axis=-1), far)

    x = np.array([[800.0, 1.0], [2.0, 1.0]])
    grad, hess = fl.custom(bounded).grad_and_hess(x, x, reduction="sum")
    assert np.array_equal(grad[0], [0, 0])
    assert np.array_equal(hess[0], [0, 0])
    assert np.isfinite(grad).all()


# -- exact derivatives -----------------------------------------------------------------


def _total(terms: list[Jet]) -> Jet:
    total = constant(0)
    for term in terms:
        total = j_add(total, term)
    return total


def _largest(terms: list[Jet]) -> Jet:
    found = terms[0]
    for term in terms[1:]:
        found = j_max(found, term)
    return found


def _mean(terms: list[Jet]) -> Jet:
    return j_mul(_total(terms), constant(mpf(1) / len(terms)))


REDUCTIONS: list[Rule] = [
    ("sum", lambda u: np.sum(u, axis=-1, keepdims=True), _total),
    ("mean", lambda u: np.mean(u, axis=-1, keepdims=True), _mean),
    ("max", lambda u: np.max(u, axis=-1, keepdims=True), _largest),
    (
        "logsumexp",
        lambda u: fl.math.logsumexp(u, axis=-1, keepdims=True),
        lambda u: j_log(_total([j_exp(z) for z in u])),
    ),
    (
        "textbook",
        lambda u: np.log(np.sum(np.exp(u), axis=-1, keepdims=True)),
        lambda u: j_log(_total([j_exp(z) for z in u])),
    ),
    (
        "norm1",
        lambda u: np.sqrt(1 + np.sum(u**2, axis=-1, keepdims=True)),
        lambda u: j_sqrt(j_add(constant(1), _total([j_mul(z, z) for z in u]))),
    ),
]


def _softmax(u: list[Jet]) -> list[Jet]:
    total = j_log(_total([j_exp(z) for z in u]))
    return [j_exp(j_sub(z, total)) for z in u]


@dataclass(frozen=True)
class Formula:
    """A formula of entries, or of a row: in NumPy, and of the jets of one row."""

    text: str
    array: Callable[[Any, Any], Any]
    jets: Callable[[Any, list[Jet]], Any]  # of the label; a list, or one of a row


class Generator:
    """Random formulas of rows; `classes`: of labels that are classes."""

    def __init__(self, seed: int, *, classes: bool) -> None:
        self.random = random.Random(seed)
        self.classes = classes

    def entries(self, depth: int) -> Formula:
        choice = self.random.random()
        if depth == 0 or choice < 0.15:
            if choice < 0.06:
                if not self.classes:
                    return Formula("y", lambda y, x: y, lambda y, x: y)
                return self.random.choice(OF_LABELS)
            return Formula("x", lambda y, x: x, lambda y, x: x)
        if choice < 0.35:
            name, of_arrays, of_jets = self.random.choice(UNARY)
            a = self.entries(depth - 1)
            return Formula(
                f"{name}({a.text})",
                lambda y, x: of_arrays(a.array(y, x)),
                lambda y, x: [of_jets(z) for z in a.jets(y, x)],
            )
        if self.classes and choice < 0.42:
            a, b = self.entries(depth - 1), self.entries(depth - 1)
            return Formula(
                f"where(hot, {a.text}, {b.text})",
                lambda y, x: np.where(
                    np.arange(4) == y[:, None], a.array(y, x), b.array(y, x)
                ),
                lambda y, x: [
                    p if j == y else q
                    for j, (p, q) in enumerate(
                        zip(a.jets(y, x), b.jets(y, x), strict=True)
                    )
                ],
            )
        if choice < 0.5:
            a = self.entries(depth - 1)
            return Formula(
                f"softmax({a.text})",
                lambda y, x: fl.math.softmax(a.array(y, x)),
                lambda y, x: _softmax(a.jets(y, x)),
            )
        name, of_arrays, of_jets = self.random.choice(BINARY)
        a = self.entries(depth - 1)
        if choice < 0.75:
            b = self.entries(depth - 1)
            return Formula(
                f"{name}({a.text}, {b.text})",
                lambda y, x: of_arrays(a.array(y, x), b.array(y, x)),
                lambda y, x: list(map(of_jets, a.jets(y, x), b.jets(y, x))),
            )
        r = self.row(depth - 1)
        while name in KINKED:  # an entry may be equal to the number of its row
            name, of_arrays, of_jets = self.random.choice(BINARY)
        return Formula(
            f"{name}({a.text}, {r.text})",
            lambda y, x: of_arrays(a.array(y, x), r.array(y, x)),
            lambda y, x: [of_jets(z, r.jets(y, x)) for z in a.jets(y, x)],
        )

    def row(self, depth: int) -> Formula:
        choice = self.random.random()
        if self.classes and choice < 0.25:
            a = self.entries(depth - 1 if depth else 0)
            return Formula(
                f"pick({a.text})",
                lambda y, x: np.take_along_axis(a.array(y, x), y[:, None], axis=-1),
                lambda y, x: a.jets(y, x)[y],
            )
        if depth == 0 or choice < 0.7:
            name, of_arrays, of_jets = self.random.choice(REDUCTIONS)
            a = self.entries(depth - 1 if depth else 0)
            return Formula(
                f"{name}({a.text})",
                lambda y, x: of_arrays(a.array(y, x)),
                lambda y, x: of_jets(a.jets(y, x)),
            )
        if choice < 0.85:
            name, of_arrays, of_jets = self.random.choice(UNARY)
            a = self.row(depth - 1)
            return Formula(
                f"{name}({a.text})",
                lambda y, x: of_arrays(a.array(y, x)),
                lambda y, x: of_jets(a.jets(y, x)),
            )
        name, of_arrays, of_jets = self.random.choice(BINARY)
        a, b = self.row(depth - 1), self.row(depth - 1)
        return Formula(
            f"{name}({a.text}, {b.text})",
            lambda y, x: of_arrays(a.array(y, x), b.array(y, x)),
            lambda y, x: of_jets(a.jets(y, x), b.jets(y, x)),
        )


OF_LABELS = [
    Formula(
        "hot",
        lambda y, x: np.eye(x.shape[-1])[y] + 0 * x,
        lambda y, x: [constant(int(j == y)) for j in range(4)],
    ),
    Formula(
        "before",
        lambda y, x: (np.arange(x.shape[-1]) < y[:, None]) * 1.0,
        lambda y, x: [constant(int(j < y)) for j in range(4)],
    ),
    Formula(
        "distance",
        lambda y, x: 0.25 * np.abs(np.arange(x.shape[-1]) - y[:, None]),
        lambda y, x: [constant(abs(j - y) * mpf(0.25)) for j in range(4)],
    ),
]
KINKED = ("maximum", "minimum", "where", "gated")
X = np.array([[0.625, -1.75, 0.3125, 1.5], [0.5, 2.25, -0.375, 0.125]])
SOFT = np.array([[0.25, 0.125, 0.5, 0.125], [0.875, 0.0, 0.0625, 0.0625]])
LABELS = np.array([3, 0])


def _by_entry(formula: Formula, r: int, j: int, label: Any) -> Jet:
    row = [constant(float(z)) for z in X[r]]
    row[j] = Jet(mpf(float(X[r, j])), mpf(1), mpf(0))
    given = label if np.ndim(label) == 0 else [constant(float(z)) for z in label]
    found: Jet = formula.jets(given, row)
    return found


def _compare(seed: int) -> None:
    classes = seed % 2 == 0
    formula = Generator(seed, classes=classes).row(3)
    labels = LABELS if classes else SOFT
    used = 0 if classes else 0 * SOFT
    loss = fl.custom(
        lambda y, x: (
            formula.array(y, x)
            + (
                0 * np.take_along_axis(x, y[:, None], axis=-1)
                if classes
                else 0 * np.sum(x * y, axis=-1, keepdims=True)
            )
        )
    )
    assert np.ndim(used) in (0, 2)
    value = loss(labels, X, reduction="none")
    grad, hess = loss.grad_and_hess(labels, X, reduction="sum")
    assert np.allclose(value, formula.array(labels, X)[:, 0], rtol=1e-11, atol=1e-12), (
        formula.text
    )
    for r in range(2):
        jets = [_by_entry(formula, r, j, labels[r]) for j in range(4)]
        size = max(1, *(abs(z) for jet in jets for z in (jet.v, jet.d, jet.dd)))
        for j, jet in enumerate(jets):
            for found, truth in (
                (value[r], jet.v),
                (grad[r, j], jet.d),
                (hess[r, j], jet.dd),
            ):
                error = abs(mpf(float(found)) - truth)
                assert error <= 2.0**-52 * 512 * size, (seed, formula.text, r, j)


@pytest.mark.parametrize("seed", range(40))
def test_random_formulas_against_jets(seed: int) -> None:
    _compare(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40, 540))
def test_more_random_formulas_against_jets(seed: int) -> None:
    _compare(seed)


# -- tails -----------------------------------------------------------------------------


def _ulps(found: Any, truth: Any, dtype: Any) -> float:
    tiny = float(np.finfo(dtype).tiny)
    size = max(abs(float(truth)), tiny)
    return float(abs(mpf(float(found)) - truth) / mpf(float(np.spacing(dtype(size)))))


TAILS = [
    [0.0, 0.0, 0.0],
    [30.0, -30.0, 1.0],
    [88.0, 87.5, -100.0],
    [-200.0, -203.5, -201.25],
    [1e4, 1e4 - 3.0, 0.0],
    [1e-8, -1e-8, 5.0],
    [20.0, 0.0, 0.0],
    [3.0, 17.0, -60.0],
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [posted, shifted, along, focal])
def test_tails_of_softmax(function: Callable[..., Any], dtype: Any) -> None:
    """Value, gradient and Hessian of all classes, to a few ulp of each entry."""
    x = np.repeat(np.array(TAILS, dtype=dtype), 3, axis=0)
    y = np.tile(np.arange(3), len(TAILS))
    loss = fl.custom(function)
    value = loss(y, x, reduction="none")
    grad, hess = loss.grad_and_hess(y, x, reduction="sum")
    mp = mpmath.mp.clone()
    mp.dps = 200
    for r, (row, label) in enumerate(zip(x, y, strict=True)):
        e = [mp.exp(mp.mpf(float(z))) for z in row]
        p = [z / mp.fsum(e) for z in e]
        rest = mp.fsum(z for k, z in enumerate(p) if k != label)
        logarithm = mp.log(p[label]) if rest > 0.5 else mp.log1p(-rest)
        for j in range(3):
            own = int(j == label)
            slope = rest if own else -p[j]  # of log p
            bend = -p[j] * (1 - p[j])
            if function is focal:
                a = 2 * p[label] * rest * logarithm - rest**2
                b = (
                    2 * p[label] * ((rest - p[label]) * logarithm + rest)
                    + 2 * rest * p[label]
                )
                truth = (-(rest**2) * logarithm, a * slope, b * slope**2 + a * bend)
            else:
                truth = (-logarithm, -slope, -bend)
            found = (value[r], grad[r, j], hess[r, j])
            for k, (z, t) in enumerate(zip(found, truth, strict=True)):
                limit = 4 if function is not focal else (8, 10, 40)[k]
                if abs(t) > np.finfo(dtype).tiny:
                    assert _ulps(z, mpf(t), dtype) <= limit, (row, label, j, k)


def test_one_hot_labels_do_not_cancel() -> None:
    x = np.array([[40.0, 0.0, -3.0]])
    y = np.array([[1.0, 0.0, 0.0]])
    truth = -(context.exp(-40) + context.exp(-43))
    grad = fl.custom(dense).grad(y, x, reduction="sum")
    assert _ulps(grad[0, 0], truth / (1 - truth), np.float64) <= 4


def test_ties_of_the_largest_entry() -> None:
    loss = fl.custom(lambda y, x: np.max(x, axis=-1) + 0 * np.sum(x * y, axis=-1))
    x = np.array([[2.0, 1.0, 2.0, 0.0], [3.0, 1.0, 1.0, 1.0]])
    grad = loss.grad(x, x, reduction="sum")
    assert grad.tolist() == [[0.5, 0, 0.5, 0], [1, 0, 0, 0]]


def test_infinite_and_missing_logits() -> None:
    loss = fl.custom(posted)
    x = np.array([[0.0, -np.inf, 0.0], [np.nan, 0.0, 1.0]])
    value = loss(np.array([0, 1]), x, reduction="none")
    assert value[0] == pytest.approx(np.log(2), rel=1e-15)
    assert np.isnan(value[1])
    wide = np.zeros((1, 700))
    wide[0, 650] = np.nan
    assert np.isnan(fl.custom(lambda y, x: np.max(x, axis=-1))(wide, wide))


# -- the engine ------------------------------------------------------------------------


SHAPES = [(1, 1), (3, 2), (300, 7), (40, 64), (17, 65), (5, 512), (4, 513), (3, 1500)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_width_is_the_built_in_loss(shape: tuple[int, int], dtype: Any) -> None:
    x, y, soft = rows(*shape)
    x, soft = x.astype(dtype), soft.astype(dtype)
    weight = RNG.uniform(0.5, 2, shape[0])
    size = 16 * float(np.finfo(dtype).eps)
    for loss, labels, built_in in (
        (fl.custom(posted), y, fl.SparseCategoricalCrossentropy(from_logits=True)),
        (fl.custom(dense), soft, fl.CategoricalCrossentropy(from_logits=True)),
    ):
        value, grad = loss.value_and_grad(labels, x, sample_weight=weight)
        expected, slopes = built_in.value_and_grad(labels, x, sample_weight=weight)
        assert value == pytest.approx(
            expected, rel=1e-6 if dtype is np.float32 else 1e-14
        )
        assert np.allclose(grad, slopes, rtol=size, atol=size * np.abs(slopes).max())
        hess = loss.grad_and_hess(labels, x)[1]
        bends = built_in.grad_and_hess(labels, x)[1]
        assert np.allclose(hess, bends, rtol=size, atol=size * np.abs(bends).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_bits_on_every_path(dtype: Any) -> None:
    found: dict[str, list[bytes]] = {"rows": [], "fma": []}
    first, before = _bridge.isa_of_kernels()[0], fl.get_num_threads()
    try:
        for isa in ISAS:
            for threads in (1, 2):
                _bridge.use_isa(isa)
                fl.set_num_threads(threads)
                out = []
                for shape in ((700, 10), (40, 600)):
                    generator = np.random.default_rng(3)
                    x = generator.normal(size=shape).astype(dtype)
                    y = generator.integers(0, shape[1], shape[0])
                    for function in (posted, focal, margin):
                        loss = fl.custom(function)
                        value, grad = loss.value_and_grad(y, x)
                        assert loss(y, x) == value
                        out += [np.float64(value).tobytes(), grad.tobytes()]
                        strided = np.asfortranarray(x)
                        assert loss.grad(y, strided).tobytes() == grad.tobytes()
                key = "rows" if isa == "baseline" else "fma"
                found[key].append(b"".join(out))
    finally:
        _bridge.use_isa(first)
        fl.set_num_threads(before)
    assert all(len(set(each)) <= 1 for each in found.values())


def test_weights_of_zero_and_reductions() -> None:
    loss = fl.custom(posted)
    x, y, _ = rows(6, 4)
    value = loss(y, x, reduction="none")
    assert value.shape == (6,)
    weight = np.array([1.0, 0.0, 2.0, 0.0, 1.0, 3.0])
    spoilt, labels = x.copy(), y.copy()
    spoilt[1], labels[3] = np.nan, 9
    mean, grad = loss.value_and_grad(labels, spoilt, sample_weight=weight)
    assert mean == pytest.approx(np.average(value, weights=weight), rel=1e-14)
    assert not grad[[1, 3]].any()
    assert loss(y, x, reduction="sum") == pytest.approx(value.sum(), rel=1e-14)
    both = x.reshape(2, 3, 4), y.reshape(2, 3)
    assert along(y, x).shape == (6,)
    assert fl.custom(reduced_by_ufunc)(y, x) == pytest.approx(value.mean(), rel=1e-14)
    last = fl.custom(lambda y, x: np.log(np.sum(np.exp(x - y), axis=-1)))
    assert last(0 * both[0], both[0], reduction="none").shape == (2, 3)
    out = np.empty_like(x)
    assert loss.grad(y, x, out=out) is out


def test_a_program_travels() -> None:
    loss = pickle.loads(pickle.dumps(POSTED))
    x, y, _ = rows(6, 4)
    assert loss(y, x) == POSTED(y, x)


POSTED = fl.custom(posted)


# -- lists indexed by labels -----------------------------------------------------------


def class_weighted(y: Any, p: Any, *, w: Any = (1.0, 3.0)) -> Any:
    return np.take(w, y) * (y - p) ** 2


def test_lists_of_elementwise_losses() -> None:
    y, p = np.array([0, 1, 1, 0]), np.array([0.5, 0.25, 1.0, 2.0])
    loss = fl.custom(class_weighted)
    expected = np.array([1.0, 3.0, 3.0, 1.0]) * (y - p) ** 2
    assert np.array_equal(loss(y, p, reduction="none"), expected)
    w = np.array([2.0, 0.5])
    assert np.array_equal(loss.grad(y, p, w=w, reduction="sum"), -2 * w[y] * (y - p))
    assert loss(y.astype(float), p, w=[1, 3]) == expected.mean()
    with pytest.raises(ValueError, match=r"y_true\[2\] = 2 but w .*labels 0 to 1"):
        loss(np.array([0, 1, 2]), p[:3])
    with pytest.raises(ValueError, match=r"y_true\[0\] = 0.5 "):
        loss(np.array([0.5, 1, 1]), p[:3])
    with pytest.raises(ValueError, match=r"y_true\[1\] = -1 "):
        loss(np.array([0, -1, 1]), p[:3])


def test_lists_of_losses_of_rows() -> None:
    x, y, _ = rows(6, 4)
    loss = fl.custom(weighted)
    w = np.array([0.5, 4.0, 1.0, 2.0])
    plain = fl.custom(along)(y, x, reduction="none")
    found = loss(y, x, w=w, reduction="none")
    assert np.allclose(found, w[y] * plain, rtol=1e-15)
    assert "w[y_true]" in loss.formula
    with pytest.raises(ValueError, match="w has 2 numbers, y_pred 4 classes"):
        loss(y, x, w=(1.0, 2.0))
    with pytest.raises(ValueError, match=r"y_true\[0\] = 4"):
        loss(np.array([4, 0, 0, 0, 0, 0]), x)


# -- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda y, x: fl.math.softmax(x) * y, "one per row"),
        (lambda y, x: np.max(x, axis=0), "axis=-1"),
        (lambda y, x: np.max(x), "axis=-1"),
        (lambda y, x: x - np.sum(x, axis=-1) + y, "keepdims=True"),
        (lambda y, x: np.sqrt(np.mean(np.max(x, axis=-1))), "as the last step"),
        (lambda y, x: y if len(y) > 3 else x, "number of samples decides"),
        (lambda y, x: x[np.arange(len(x)), 0], "np.take_along_axis"),
        (lambda y, x: np.sum(x[np.arange(3), y]), "something else than all rows"),
        (lambda y, x: sum(x[i, 0] for i in range(len(x))), "indexed"),
        (lambda y, x: np.max(np.max(x, axis=-1), axis=-1), "number for each row"),
        (lambda y, x: np.linalg.norm(x, ord=3, axis=-1) + y, "ord=3"),
        (lambda y, x, w=(1.0, 2.0): w[2 * y] + x, "write w"),
    ],
)
def test_refused(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(fl.TraceError, match=message):
        fl.custom(function)


def test_inputs_are_for_elements() -> None:
    with pytest.raises(fl.TraceError, match="a loss of rows has labels and pred"):
        fl.custom(lambda y, x, m: np.sum(x * m, axis=-1), inputs="m")


def test_arrays_that_do_not_fit() -> None:
    x, y, soft = rows(6, 4)
    with pytest.raises(ValueError, match="y_true has shape"):
        fl.custom(posted)(soft, x)
    with pytest.raises(TypeError, match="classes are integers"):
        fl.custom(posted)(y.astype(float), x)
    with pytest.raises(ValueError, match=r"y_true\[5\] = 9 "):
        fl.custom(posted)(np.append(y[:5], 9), x)
    with pytest.raises(ValueError, match="y_true has shape"):
        fl.custom(dense)(y, x)
    with pytest.raises(ValueError, match="two axes are expected"):
        fl.custom(shifted)(y.reshape(2, 3), x.reshape(2, 3, 4))


def test_functions_of_scipy() -> None:
    """What stands for SciPy's names, which make arrays of what they are given."""
    special: Any = types.ModuleType("scipy.special")
    for name in ("logsumexp", "log_softmax", "softmax"):

        def function(x: Any, axis: Any = None, of: str = name) -> Any:
            return getattr(fl.math, of)(np.asarray(x), axis=axis)

        function.__name__, function.__module__ = name, "scipy.special._logsumexp"
        setattr(special, name, function)
    x, y, _ = rows(6, 4)
    scope: dict[str, Any] = {"special": special, "np": np}
    exec(
        "def loss(y, x):\n"
        "    z = special.log_softmax(x, axis=-1)\n"
        "    return special.logsumexp(x, axis=-1) - z[np.arange(len(x)), y]",
        scope,
    )
    found = fl.custom(scope["loss"])(y, x, reduction="none")
    assert np.allclose(found, scope["loss"](y, x), rtol=1e-14)
