"""Losses of rows: what their options do, and where their formulas change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl
from fastloss import reference

WIDTHS = (1, 2, 3, 4, 5, 10, 63, 64, 65, 100, 129, 1030)
WEIGHTS = ("none", "ordinary", "one rules", "zeros")


def class_weight(name: str, classes: int) -> tuple[float, ...] | None:
    """Weights of classes; of `one rules` a class has nearly all."""
    if name == "none":
        return None
    w = np.random.RandomState(classes).uniform(0.25, 2, classes).astype(np.float32)
    if name == "one rules":
        w[classes // 2] = 2.0**12
    if name == "zeros":
        w[::2] = 0
        w[-1] = 1
    return tuple(w.tolist())


def problem(classes: int, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(classes)
    rows = 37 if classes < 1000 else 3
    x = random.standard_normal((rows, classes)) * random.choice([1, 9, 40], (rows, 1))
    y = random.randint(0, classes, rows)
    y[::2] = x[::2].argmax(axis=1)
    return y, x.astype(dtype)


def outputs(loss: fl.Loss, y: Any, x: Any) -> list[np.ndarray]:
    value, grad = loss.value_and_grad(y, x, reduction="none")
    same, hess = loss.grad_and_hess(y, x, reduction="none")
    np.testing.assert_array_equal(same, grad)
    np.testing.assert_array_equal(loss(y, x, reduction="none"), value)
    return [value, grad, hess]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("classes", WIDTHS)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_smoothed_classes_are_smoothed_one_hot_rows(
    dtype: type, from_logits: bool, classes: int, weights: str, isa: str
) -> None:
    """To the bit, alone and between soft rows; one test for each way of a row."""
    y, x = problem(classes, dtype)
    if not from_logits:
        x = np.exp(x - x.max(axis=1, keepdims=True))
        x /= x.sum(axis=1, keepdims=True)
        x = np.minimum(x, 1)
    options: dict[str, Any] = {
        "from_logits": from_logits,
        "label_smoothing": 0.125,
        "class_weight": class_weight(weights, classes),
    }
    sparse = outputs(fl.SparseCategoricalCrossentropy(**options), y, x)
    dense = fl.CategoricalCrossentropy(**options)
    one_hot = np.eye(classes, dtype=dtype)[y]
    soft = np.full((1, classes), 1 / classes, dtype)
    mixed = outputs(dense, np.vstack([one_hot, soft]), np.vstack([x, x[:1]]))
    for one, alone, beside in zip(
        sparse, outputs(dense, one_hot, x), mixed, strict=True
    ):
        np.testing.assert_array_equal(alone, one)
        np.testing.assert_array_equal(beside[:-1], one)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("classes", [2, 3, 10, 65, 100])
@pytest.mark.parametrize("smoothing", [2.0**-20, 0.125, 0.9375])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_smoothed_classes_in_ulps(
    dtype: type, smoothing: float, classes: int, weights: str, isa: str
) -> None:
    """Against multi-precision; gradients in ulps of the larger of their terms."""
    y, x = problem(classes, dtype)
    y, x = y[:12], x[:12]
    numbers = oracle.NUMBERS[dtype]
    w = class_weight(weights, classes)
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing, class_weight=w
    )
    value, grad, hess = outputs(loss, y, x)
    exact = numbers.exactly(x)
    e = np.exp(exact)
    p = e / e.sum(axis=1, keepdims=True)
    s = numbers.mpf(smoothing)
    weight = np.array([numbers.mpf(v) for v in w or (1.0,) * classes])
    q = weight * ((y[:, None] == np.arange(classes)) * (1 - s) + s / classes)
    total = q.sum(axis=1, keepdims=True)
    larger = np.maximum((total - q) * p, q * (1 - p))
    truths = [
        oracle.Truth.of(-(q * np.log(p)).sum(axis=1), dtype),
        oracle.Truth.of(total * p - q, dtype, larger),
        oracle.Truth.of(total * p * (1 - p), dtype),
    ]
    rounded = 1 if w and dtype == np.float64 else 0  # of weights, s and S
    limits = (4, 4, 4 + rounded)
    for truth, got, limit in zip(truths, (value, grad, hess), limits, strict=True):
        assert truth.error(got).max() <= limit


@pytest.mark.parametrize("classes", [2, 3, 6, 65, 130])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_a_class_of_weight_0_counts_nothing(dtype: type, classes: int) -> None:
    """Also at a logit of -inf, of which others would cost infinity."""
    x = np.zeros((1, classes), dtype)
    x[0, 0] = -np.inf
    weight = (0.0, *(1.0,) * (classes - 1))
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True, label_smoothing=0.25, class_weight=weight, reduction="sum"
    )
    value, grad = loss.value_and_grad([classes - 1], x)
    total = 0.75 + 0.25 * (classes - 1) / classes
    expected = total * math.log(classes - 1)
    np.testing.assert_allclose(value, expected, 8 * np.finfo(dtype).eps, 0)
    assert grad[0, 0] == 0
    assert loss([1], x[:, ::-1]) == np.inf or classes == 2


@pytest.mark.parametrize("from_logits", [False, True])
def test_smoothing_reads_every_probability(from_logits: bool) -> None:
    """Other than without it, where that of the label alone is read."""
    loss = fl.SparseCategoricalCrossentropy(from_logits=from_logits)
    x = np.array([[0.5, 0.25, np.nan]])
    assert np.isnan(loss([0], x)) == from_logits
    assert np.isnan(loss([0], x, label_smoothing=0.1))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_focal_by_hand(dtype: type, isa: str) -> None:
    """Of p = 1/4, gamma = 2: 9/16 log 4; of p = 1/2, gamma = 3: log(2)/8."""
    p = np.array([[0.25, 0.75], [0.5, 0.5]], dtype)
    x = np.log(p.astype(float)).astype(dtype)
    expected = {2.0: [9 / 16 * math.log(4), math.log(2) / 4]}
    expected[3.0] = [27 / 64 * math.log(4), math.log(2) / 8]
    slope = 0.75**2 + 2 * 0.25 * 0.75 * math.log(4)
    for from_logits, rows in ((False, p), (True, x)):
        for gamma, values in expected.items():
            loss = fl.CategoricalFocal(from_logits=from_logits, gamma=gamma)
            got = loss([0, 1], rows, reduction="none")
            np.testing.assert_allclose(got, values, rtol=4e-7)
        grad = fl.categorical_focal.grad(
            [0], rows[:1], from_logits=from_logits, reduction="sum"
        )
        exact = [-0.75 * slope, 0.75 * slope] if from_logits else [-4 * slope, 0]
        np.testing.assert_allclose(grad[0], exact, rtol=1e-6)


@pytest.mark.parametrize("classes", [1, 3, 10, 64, 65, 200])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_focal_with_gamma_0_is_crossentropy(
    dtype: type, from_logits: bool, classes: int, isa: str
) -> None:
    y, x = problem(classes, dtype)
    if not from_logits:
        x = np.random.RandomState(0).uniform(0, 1, x.shape).astype(dtype)
    ours = outputs(fl.CategoricalFocal(gamma=0, from_logits=from_logits), y, x)
    cross = fl.SparseCategoricalCrossentropy(from_logits=from_logits)
    for one, other in zip(ours, outputs(cross, y, x), strict=True):
        info = np.finfo(dtype)
        np.testing.assert_allclose(one, other, 4 * info.eps, info.smallest_subnormal)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("classes", [2, 65])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_certain_classes_of_focal(
    dtype: type, classes: int, gamma: float, isa: str
) -> None:
    """Right ones cost 0, wrong ones without bound."""
    x = np.zeros((2, classes), dtype)
    x[:, 1] = np.inf
    loss = fl.CategoricalFocal(from_logits=True, gamma=gamma)
    value, grad, hess = outputs(loss, np.array([1, 0]), x)
    np.testing.assert_array_equal(value, [0, np.inf])
    assert not grad[0].any()
    assert not hess[0].any()
    np.testing.assert_array_equal(grad[1], np.eye(classes)[1] - np.eye(classes)[0])
    p = (x == np.inf).astype(dtype)
    loss = fl.CategoricalFocal(gamma=gamma, eps=0)
    np.testing.assert_array_equal(loss([1, 0], p, reduction="none"), [0, np.inf])


@pytest.mark.parametrize("classes", [2, 3, 17, 64, 65, 130, 1030])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_the_rival_is_found_anywhere(dtype: type, classes: int, isa: str) -> None:
    """At every place, left and right of the class; the first of equal ones."""
    step = max(1, classes // 70)
    for label in {0, 1, classes // 2, classes - 1}:
        places = [j for j in range(0, classes, step) if j != label]
        x = np.full((len(places), classes), -2.0, dtype)
        x[np.arange(len(places)), places] = 0.5
        x[:, label] = 1
        y = np.full(len(places), label)
        value, grad, hess = outputs(fl.crammer_singer, y, x)
        np.testing.assert_array_equal(value, 0.5)
        eye = np.eye(classes)
        np.testing.assert_array_equal(grad, eye[places] - eye[label])
        assert not hess.any()
    x = np.zeros((1, classes), dtype)
    first = np.eye(classes)[1 if classes > 1 else 0]
    np.testing.assert_array_equal(
        fl.crammer_singer.grad([0], x), [first - np.eye(classes)[0]]
    )


@pytest.mark.parametrize("classes", [3, 100])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_the_kink_of_the_margin(dtype: type, classes: int, isa: str) -> None:
    """0 there; beside it every digit of 1 + (rival - own) that there is."""
    x = np.full((4, classes), -9, dtype)
    x[:, 0], x[:, 1] = 3, 2
    x[1, 1] = np.nextafter(x[1, 1], dtype(3))
    x[2, 0] = np.nextafter(x[2, 0], dtype(9))
    e = np.finfo(dtype).eps / 4  # the difference -1 + e is rounded to -1
    x[3, :2] = 0.75 - 2 * e, -0.25 - e
    value, grad, _ = outputs(fl.crammer_singer, np.zeros(4, int), x)
    tiny = float(x[1, 1]) - 2
    np.testing.assert_array_equal(value, [0, tiny, 0, e])
    np.testing.assert_array_equal(grad[:, :2], [[0, 0], [-1, 1], [0, 0], [-1, 1]])


def test_one_class_has_no_rival() -> None:
    x = np.array([[3.0], [-1.0]])
    value, grad, _ = outputs(fl.crammer_singer, np.array([0, 0]), x)
    assert not value.any()
    assert not grad.any()


LAYOUTS = {
    "columns": np.asfortranarray,
    "reversed": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "reversed rows": lambda a: np.asfortranarray(a[::-1])[::-1],
    "every second": lambda a: np.repeat(np.asfortranarray(a), 2, axis=0)[::2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [1, 3, 16, 33, 700])
@pytest.mark.parametrize("classes", [2, 3, 4, 5, 23, 64, 65, 300])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_rows_of_any_layout(dtype: type, classes: int, rows: int, layout: str) -> None:
    random = np.random.RandomState(rows)
    x = random.standard_normal((rows, classes)).astype(dtype)
    y = random.randint(0, classes, rows)
    loss = fl.SparseCategoricalCrossentropy(from_logits=True)
    value, grad = loss.value_and_grad(y, x)
    out = LAYOUTS[layout](np.full((rows, classes), 7, dtype))
    got, _ = loss.value_and_grad(y, LAYOUTS[layout](x), out=out)
    assert got == value
    np.testing.assert_array_equal(out, grad)


@pytest.mark.parametrize("shape", [(5, 4, 3, 7), (2, 70, 40), (40, 5, 33), (3, 1, 4)])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_classes_on_another_axis(dtype: type, shape: tuple[int, ...]) -> None:
    """As PyTorch has them, on axis 1: a view with the axis moved, blocks across."""
    random = np.random.RandomState(3)
    x = np.moveaxis(random.standard_normal(shape).astype(dtype), 1, -1)
    y = random.randint(0, shape[1], x.shape[:-1])
    loss = fl.SparseCategoricalCrossentropy(from_logits=True)
    out = np.moveaxis(np.zeros(shape, dtype), 1, -1)
    value, _ = loss.value_and_grad(y, x, out=out)
    expected, grad = loss.value_and_grad(y, np.ascontiguousarray(x))
    assert value == expected
    np.testing.assert_array_equal(out, grad)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_rows_by_hand(dtype: type, isa: str) -> None:
    """Of q = (1/2, 1/2, 0), p = (1/4, 1/2, 1/4), T = 2."""
    q, p = np.array([[0.5, 0.5, 0]], dtype), np.array([[0.25, 0.5, 0.25]], dtype)
    log2 = math.log(2)
    m = math.log(3 / 8), math.log(1 / 8)
    js = -0.25 * (log2 + m[0]) - 0.125 * (2 * log2 + m[0]) - 0.125 * (2 * log2 + m[1])
    expected = [
        (fl.kl_divergence, [[-2, -1, 0]], [[8, 2, 0]], log2 / 2),
        (fl.total_variation, [[-0.5, 0, 0.5]], [[0, 0, 0]], 0.25),
        (fl.categorical_brier, [[-0.5, 0, 0.5]], [[2, 2, 2]], 0.125),
        (
            fl.js_divergence,
            [[0.5 * math.log(2 / 3), 0, 0.5 * log2]],
            [[0.25 * 0.5 / (0.25 * 0.375), 0.5, 0]],
            js,
        ),
        (
            fl.JSDivergence(beta=1.0, eps=0.0),
            [[1 - log2, 1, np.inf]],
            [[4, 2, 4]],
            np.inf,
        ),
        (fl.JSDivergence(beta=0.0), [[-2, -1, 0]], [[8, 2, 0]], log2 / 2),
    ]
    for loss, grad, hess, value in expected:
        got = outputs(loss, q, p)
        close = 8 * np.finfo(dtype).eps
        for one, exact in zip(got, ([value], grad, hess), strict=True):
            np.testing.assert_allclose(one, exact, close, close, err_msg=repr(loss))


SHARES = [fl.CategoricalBrier(), fl.JSDivergence(), fl.TotalVariation()]


@pytest.mark.parametrize(
    "classes", [1, 2, 5, 64, 128, 129, 144, 511, 512, 513, 1100, 4096, 4097]
)
@pytest.mark.parametrize("loss", [*SHARES, fl.ZLPR()])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_rows_in_pieces(dtype: type, loss: fl.Loss, classes: int, isa: str) -> None:
    """Rows of logits that are taken together, alone and in pieces, at their seams."""
    random = np.random.RandomState(classes)
    rows = 21 if classes < 1000 else 3
    x = random.standard_normal((rows, classes)) * 3
    y = random.dirichlet(np.ones(classes), rows)
    if loss.name == "zlpr":
        y = np.round(random.uniform(size=y.shape))
    else:
        loss = loss._with({"from_logits": True})
    got = outputs(loss, y.astype(dtype), x.astype(dtype))
    formula = getattr(reference, type(loss).__name__)
    named = oracle.parameters(loss)
    exact = y.astype(dtype).astype(float), x.astype(dtype).astype(float)
    limit = 2e-6 if dtype == np.float32 else 1e-13
    for name, one in zip(oracle.OUTPUTS, got, strict=True):
        expected = getattr(formula, name)(*exact, **named)
        np.testing.assert_allclose(one, expected, limit, 1e-15)


@pytest.mark.parametrize("classes", [3, 300])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_brier_of_an_almost_certain_class_keeps_its_digits(
    classes: int, dtype: type, isa: str
) -> None:
    x = np.zeros((1, classes), dtype)
    x[0, 1] = 30
    share = math.exp(-30) / (1 + (classes - 1) * math.exp(-30))
    loss = fl.CategoricalBrier(from_logits=True, reduction="sum")
    true = classes * (classes - 1) * share**2
    assert abs(loss(x == 30, x) / true - 1) <= 8 * np.finfo(dtype).eps


@pytest.mark.parametrize("classes", [5, 130, 600, 4100])
@pytest.mark.parametrize("loss", SHARES)
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_infinite_logits(dtype: type, loss: fl.Loss, classes: int, isa: str) -> None:
    """A certain class, classes without a share, and rows without any number."""
    random = np.random.RandomState(classes)
    loss = loss._with({"from_logits": True})
    x = random.standard_normal((18, classes)).astype(dtype)
    y = random.dirichlet(np.ones(classes), 18).astype(dtype)
    finite = x.copy()
    for j in (0, 3, classes - 1):
        x[j % 17, j], finite[j % 17, j] = np.inf, 2000
        x[8, j], finite[8, j] = -np.inf, -2000
    for got, expected in zip(
        outputs(loss, y, x), outputs(loss, y, finite), strict=True
    ):
        np.testing.assert_array_equal(got, expected)
    x[1] = -np.inf
    x[2, 1] = np.nan
    x[4, :2] = np.inf
    for got, expected in zip(
        outputs(loss, y, x), outputs(loss, y, finite), strict=True
    ):
        assert np.isnan(got[[1, 2]]).all()
        kept = [k for k in range(18) if k not in (1, 2, 4)]
        np.testing.assert_array_equal(got[kept], expected[kept])


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 70, 600])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_logarithms_of_labels(
    dtype: type, classes: int, from_logits: bool, isa: str
) -> None:
    """Those of probabilities, and logits, which are divided by the temperature too."""
    random = np.random.RandomState(classes)
    x, t = random.standard_normal((2, 9, classes)).astype(dtype) * 3
    if not from_logits:
        t = (t - np.log(np.exp(t).sum(axis=1, keepdims=True))).astype(dtype)
        x = np.abs(x / x.sum(axis=1, keepdims=True)) / 9 / np.abs(x).max()
    loss = fl.KLDivergence(
        from_logits=from_logits, log_target=True, temperature=1 + from_logits
    )
    got = outputs(loss, t, x)
    named = oracle.parameters(loss) | {"eps": float(np.finfo(dtype).eps)}
    limit = 2e-5 if dtype == np.float32 else 1e-13
    for name, one in zip(oracle.OUTPUTS, got, strict=True):
        expected = getattr(reference.KLDivergence, name)(
            t.astype(float), x.astype(float), **named
        )
        np.testing.assert_allclose(one, expected, limit, limit)


def test_logarithms_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"y_true\[1\] = 0\.5 is not the logarithm"):
        fl.kl_divergence([-1.0, 0.5], [0.5, 0.5], log_target=True)
    with pytest.raises(ValueError, match=r"sums to 0\.73.*, not to 1"):
        fl.kl_divergence([-1.0, -1.0], [0.5, 0.5], log_target=True)
    with pytest.raises(ValueError, match="log_input and from_logits are both True"):
        fl.KLDivergence(log_input=True, from_logits=True)
    with pytest.raises(ValueError, match=r"z_loss = 2\.0 is of logits: pass from_lo"):
        fl.CategoricalCrossentropy(z_loss=2.0)
    with pytest.raises(ValueError, match=r"z_loss = -1 is not a number in \[0, inf\)"):
        fl.scce([0], [[0.0, 1.0]], from_logits=True, z_loss=-1)
    for parameters in ({"temperature": 2.0}, {"softcap": 2.0}):
        with pytest.raises(ValueError, match=r"= 2\.0 changes logits: pass from_lo"):
            fl.CategoricalCrossentropy(**parameters)


@pytest.mark.parametrize("softcap", [None, 0.5, 3.0])
@pytest.mark.parametrize("temperature", [1.0, 0.7, 4.0])
@pytest.mark.parametrize("classes", [2, 5, 130])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_capped_and_tempered_logits(
    dtype: type, classes: int, temperature: float, softcap: float | None, isa: str
) -> None:
    """With all other options, rows of weight 0 and another layout of everything."""
    y, x = problem(classes, dtype)
    x = np.asfortranarray(x / 8)
    y[3] = -1
    weight = np.linspace(0, 1, len(y))
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True,
        temperature=temperature,
        softcap=softcap,
        label_smoothing=0.125,
        ignore_class=-1,
        class_weight=class_weight("ordinary", classes),
    )
    value, grad = loss.value_and_grad(y, x, sample_weight=weight)
    same, hess = loss.grad_and_hess(y, x, sample_weight=weight)
    exact = x.astype(float)
    limit = 2e-5 if dtype == np.float32 else 1e-12
    expected = reference.value_and_grad(loss, y, exact, weight)
    np.testing.assert_allclose(value, expected[0], limit)
    np.testing.assert_allclose(grad, expected[1], limit, limit)
    expected = reference.grad_and_hess(loss, y, exact, weight)
    np.testing.assert_allclose(hess, expected[1], limit, limit)
    np.testing.assert_array_equal(same, grad)


@pytest.mark.parametrize("smoothing", [0.0, 0.125])
@pytest.mark.parametrize("softcap", [None, 3.0])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("classes", WIDTHS)
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_z_loss_with_all_else(
    dtype: type,
    classes: int,
    weights: str,
    softcap: float | None,
    smoothing: float,
    isa: str,
) -> None:
    """Against the textbook: every way of a row, ignored ones, another layout."""
    y, x = problem(classes, dtype)
    x = np.asfortranarray(x / 4)
    options: dict[str, Any] = {
        "from_logits": True,
        "z_loss": 0.25,
        "softcap": softcap,
        "label_smoothing": smoothing,
        "class_weight": class_weight(weights, classes),
        "reduction": "sum",
    }
    sparse = fl.SparseCategoricalCrossentropy(ignore_class=-1, **options)
    dense = fl.CategoricalCrossentropy(**options, label_sum="any")
    ignored = y.copy()
    ignored[1] = -1
    soft = np.random.RandomState(3).dirichlet(np.ones(classes), len(y)).astype(dtype)
    soft[2] /= 2
    weight = np.linspace(0, 1, len(y))
    exact, limit = x.astype(float), 1e-5 if dtype == np.float32 else 1e-13
    for loss, labels in ((sparse, ignored), (dense, np.eye(classes)[y]), (dense, soft)):
        value, grad = loss.value_and_grad(labels, x, sample_weight=weight)
        same, hess = loss.grad_and_hess(labels, x, sample_weight=weight)
        np.testing.assert_array_equal(same, grad)
        of = getattr(reference, type(loss).__name__)
        given = {**options, **({"ignore_class": -1} if loss is sparse else {})}
        del given["reduction"]
        losses = of.value(labels, exact, **given)
        np.testing.assert_allclose(value, weight @ losses, limit)
        scale = limit * max(1, np.abs(of.hess(labels, exact, **given)).max())
        columns = weight[:, np.newaxis]
        np.testing.assert_allclose(
            grad, columns * of.grad(labels, exact, **given), 0, scale
        )
        np.testing.assert_allclose(
            hess, columns * of.hess(labels, exact, **given), 0, scale
        )


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_z_loss_by_hand(dtype: type, isa: str) -> None:
    """Of C equal logits a: lse = a + log C, p = 1/C."""
    for classes in (2, 4, 128):
        x = np.full((1, classes), 3, dtype)
        lse = 3 + math.log(classes)
        options: dict[str, Any] = {"from_logits": True, "z_loss": 0.5}
        value, grad = fl.scce.value_and_grad([1], x, **options)
        _, hess = fl.scce.grad_and_hess([1], x, **options)
        eps = 4 * np.finfo(dtype).eps
        np.testing.assert_allclose(value, math.log(classes) + lse**2 / 2, eps)
        p = 1 / classes
        np.testing.assert_allclose(grad[0, :2], [(1 + lse) * p, (1 + lse) * p - 1], eps)
        np.testing.assert_allclose(hess, (1 + lse) * p * (1 - p) + p**2, eps)


@pytest.mark.parametrize("classes", [3, 70])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_z_loss_far_out(dtype: type, classes: int, isa: str) -> None:
    """Its square may leave the range; exponentials of 0 count 0 beside any slope."""
    options: dict[str, Any] = {"from_logits": True, "z_loss": 2.0**-11}
    exponent = 100 if dtype == np.float32 else 700
    for top, slope in ((2.0**exponent, 2.0 ** (exponent - 10)), (np.inf, np.inf)):
        x = np.zeros((1, classes), dtype)
        x[0, 1] = top
        for loss, y in ((fl.scce, [1]), (fl.cce, np.eye(classes)[[1]])):
            values, _ = loss.value_and_grad(y, x, **options, reduction="none")
            assert values == [np.inf]
            grad, hess = loss.grad_and_hess(y, x, **options)
            np.testing.assert_array_equal(grad[0, :3], [0, slope, 0])
            np.testing.assert_array_equal(hess[0, :3], [0, 2.0**-10, 0])
            v = np.arange(classes, dtype=dtype)[np.newaxis]
            product = loss.hvp(y, x, v, **options)
            np.testing.assert_array_equal(product[0, :3], [0, 2.0**-10, 0])
    none = fl.scce.grad([0], np.full((1, classes), -np.inf, dtype), **options)
    assert np.isnan(none).all()


@pytest.mark.parametrize("classes", [3, 70])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_z_loss_of_tiny_logits(dtype: type, classes: int, isa: str) -> None:
    """A row of one class has no other derivative than 2 z lse = 2 z x."""
    tiny = np.finfo(dtype).smallest_subnormal
    for x in (1e6 * float(tiny), 3 * 2.0**-90, 5 * 2.0**-40, 2.0**10):
        row = np.full((1, classes), -np.inf, dtype)
        row[0, 1] = x
        for loss, y in ((fl.scce, [1]), (fl.cce, np.eye(classes)[[1]])):
            grad = loss.grad(y, row, from_logits=True, z_loss=0.25)
            np.testing.assert_array_equal(grad[0, :3], [0, dtype(0.5 * row[0, 1]), 0])


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_z_loss_of_0_is_none(dtype: type) -> None:
    """To the bit, and in float32 so is what rounds to it."""
    y, x = problem(10, dtype)
    plain = outputs(fl.SparseCategoricalCrossentropy(from_logits=True), y, x)
    for z in (0.0, 0, *([1e-60] if dtype == np.float32 else [])):
        loss = fl.SparseCategoricalCrossentropy(from_logits=True, z_loss=z)
        for got, expected in zip(outputs(loss, y, x), plain, strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("classes", [3, 17, 100])
@pytest.mark.parametrize("p", [1.0, 2.0])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_the_kinks_of_contests(dtype: type, p: float, classes: int, isa: str) -> None:
    """0 where a class just leads; beside it every digit of the margin that there is."""
    x = np.full((3, classes), -9, dtype)
    x[:, 0], x[:, 2] = 3, 2
    x[1:, 2] = np.nextafter(dtype(2), [dtype(3), dtype(0)])
    tiny = float(x[1, 2]) - 2
    value, grad, hess = outputs(fl.MultiMargin(p=p), np.zeros(3, int), x)
    scale = dtype(1) / dtype(classes)
    np.testing.assert_allclose(value, [0, tiny**p / classes, 0], 1e-6)
    slope = scale if p == 1 else 2 * tiny * scale
    np.testing.assert_allclose(
        grad[:, :3], [[0, 0, 0], [-slope, 0, slope], [0, 0, 0]], 1e-6
    )
    curve = 0 if p == 1 else 2 * scale
    np.testing.assert_allclose(
        hess[:, :3], [[0, 0, 0], [curve, 0, curve], [0, 0, 0]], 1e-6
    )
    if p == 1:
        right = np.zeros((3, classes), dtype)
        right[:, 0] = right[:, 1] = 1
        x[:, 1] = 50
        value, grad, hess = outputs(fl.multilabel_margin, right, x)
        np.testing.assert_allclose(value, [0, tiny / classes, 0], 1e-6)
        np.testing.assert_array_equal(
            grad[:, :3], [[0, 0, 0], [-scale, 0, scale], [0, 0, 0]]
        )
        assert not hess.any()


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("classes", [40, 100])
def test_margins_below_rounding(dtype: type, classes: int, isa: str) -> None:
    """The margin minus a tiny decision value is not the margin."""
    x = np.full((3, classes), -9, dtype)
    x[:, 5] = [-1e-20, 1e-20, 0]
    x[:, 20] = -1
    value, grad, _ = outputs(fl.multi_margin, np.full(3, 5), x)
    np.testing.assert_allclose(value, [1e-20 / classes, 0, 0], 1e-6)
    expected = np.zeros((3, classes))
    expected[0, 5], expected[0, 20] = -1 / classes, 1 / classes
    np.testing.assert_allclose(grad, expected, 1e-6)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("classes", [40, 100])
def test_the_first_of_equal_wrong_classes(dtype: type, classes: int, isa: str) -> None:
    """Also where it is in another lane, and 0 at the kink."""
    x = np.full((3, classes), -2, dtype)
    x[:, 3] = 1
    x[0, [5, 20, 21]] = 0.5
    x[2, 3] = 1.5
    x[2, 7] = 0.5
    y = np.eye(classes, dtype=dtype)[[3, 3, 3]]
    value, grad, hess = outputs(fl.categorical_hinge, y, x)
    np.testing.assert_array_equal(value, [0.5, 0, 0])
    expected = np.zeros((3, classes))
    expected[0, 3], expected[0, 5] = -1, 1
    np.testing.assert_array_equal(grad, expected)
    assert not hess.any()


def test_rows_of_zeros_have_no_direction() -> None:
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    value, grad, hess = outputs(fl.cosine, x[::-1], x)
    np.testing.assert_array_equal(value, [1, 1])
    assert not grad.any()
    assert not hess.any()


@pytest.mark.parametrize("size", [1e-300, 5e-324, 1e-160, 1e160, 1e300])
def test_cosines_of_any_size(size: float) -> None:
    x = np.array([[3.0, 4.0]])
    value, grad, _ = outputs(fl.cosine, size * np.array([[0.0, 2.0]]), x)
    np.testing.assert_allclose(value, [0.2], 1e-14)
    np.testing.assert_allclose(grad, [[0.096, -0.072]], 1e-14)
    if size > 1e-320:
        value, grad, _ = outputs(fl.cosine, np.array([[0.0, 2.0]]), size * x)
        np.testing.assert_allclose(value, [0.2], 1e-14)
        np.testing.assert_allclose(grad * size, [[0.096, -0.072]], 1e-12)


@pytest.mark.parametrize("from_logits", [False, True])
def test_limits_of_noisy_losses(from_logits: bool) -> None:
    """Small q is cross-entropy, q = 1 is 1 - p, and so are the parts of the others."""
    y, x = problem(5, np.float64)
    if not from_logits:
        x = np.random.RandomState(0).uniform(0.1, 0.9, x.shape)
    near = {"from_logits": from_logits}
    cross = outputs(fl.SparseCategoricalCrossentropy(**near), y, x)
    rest = outputs(fl.GCE(q=1.0, **near), y, x)
    pairs = [
        (fl.GCE(q=1e-12, **near), cross),
        (fl.SymmetricCE(beta=0.0, **near), cross),
        (fl.CategoricalPoly1(epsilon=0.0, **near), cross),
        (fl.SymmetricCE(alpha=0.0, beta=2.0, log_zero=-0.5, **near), rest),
        (
            fl.CategoricalPoly1(epsilon=3.0, **near),
            [a + 3 * b for a, b in zip(cross, rest, strict=True)],
        ),
        (
            fl.SymmetricCE(alpha=0.5, beta=3.0, log_zero=-2.0, **near),
            [0.5 * a + 6 * b for a, b in zip(cross, rest, strict=True)],
        ),
    ]
    for loss, expected in pairs:
        for one, other in zip(outputs(loss, y, x), expected, strict=True):
            np.testing.assert_allclose(one, other, 1e-9, 1e-11, err_msg=repr(loss))
    p = x if not from_logits else np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rest[0], 1 - p[np.arange(len(y)), y], 1e-12, 1e-15)


def test_refused_parameters_of_rows() -> None:
    for make, message in (
        (lambda: fl.GCE(q=1.5), r"q = 1\.5 is not a number in \(0, 1"),
        (lambda: fl.GCE(q=0.0), r"q = 0\.0 is not a number in \(0, 1"),
        (lambda: fl.MultiMargin(p=3), "p = 3 is neither 1 nor 2"),
        (lambda: fl.JSDivergence(beta=1.25), r"beta = 1\.25 is not a number in \[0, 1"),
        (lambda: fl.SymmetricCE(log_zero=0.0), "log_zero = 0.0 is not a number"),
        (lambda: fl.zlpr([0.5, 1], [1.0, 2]), r"y_true\[0\] = 0\.5 is neither 0 nor 1"),
        (
            lambda: fl.multilabel_margin([[0, 3]], [[1.0, 2]]),
            r"y_true\[0, 1\] = 3 is neither 0 nor 1",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            make()
