"""Products of Hessians and vectors against derivatives of the reference's gradients.

The exact product is the central difference of the reference's gradient along the
vector, in multi-precision with a step of 10^-30: it knows nothing of Hessians.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import oracle
import pytest
import structured

import fastloss as fl
from fastloss import reference
from fastloss.core import kinds

STEP = 10.0**-30
Array = np.ndarray[Any, Any]


def along(loss: fl.Loss, y: Any, x: Any, v: Any, dtype: type) -> Any:
    """The derivative of the reference's gradient at `x` in the direction `v`."""
    numbers = oracle.NUMBERS[dtype]
    named = oracle.exact_parameters(loss, dtype)
    grad = getattr(reference, type(loss).__name__).grad
    y, x, v = (structured.each(numbers.exactly, part) for part in (y, x, v))
    step = numbers.mpf(STEP)

    def moved(by: Any) -> Any:
        if isinstance(x, tuple):
            return tuple(a + by * b for a, b in zip(x, v, strict=True))
        return x + by * v

    ahead, behind = (grad(y, moved(by), **named) for by in (step, -step))
    if isinstance(ahead, tuple):
        return tuple((a - b) / (2 * step) for a, b in zip(ahead, behind, strict=True))
    return (ahead - behind) / (2 * step)


def sizes(loss: fl.Loss, y: Array, x: Array, v: Array, dtype: type) -> Array:
    """The sums of |H_ij v_j| over the rows of the Hessian of each row."""
    total = 0 * oracle.NUMBERS[dtype].exactly(x)
    for k in range(x.shape[-1]):
        part = np.zeros_like(v)
        part[..., k] = v[..., k]
        total = total + abs(along(loss, y, x, part, dtype))
    return total


def drawn(loss: fl.Loss, dtype: type, n: int, classes: int) -> tuple[Array, ...]:
    random = np.random.RandomState(3)
    y, x = oracle.plain(loss.kernel, dtype, n, random, classes)
    if oracle.ROWS[loss.kernel].predictions == ("real",) and x.ndim == 2:
        x *= dtype(3)
        x[0, 0] += dtype(40)  # a row that is sure
    return y, x, random.standard_normal(x.shape).astype(dtype)


ELEMENTS = [
    loss for loss in oracle.losses() if oracle.ROWS[loss.kernel].kind == "element"
]
ROWS = [
    *(loss for loss in oracle.losses() if oracle.ROWS[loss.kernel].kind == "row"),
    fl.SparseCategoricalCrossentropy(
        from_logits=True, label_smoothing=0.25, class_weight=(1.0, 2.0, 0.5, 4.0, 1.0)
    ),
    fl.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.25, class_weight=(1.0, 2.0, 0.5, 4.0, 1.0)
    ),
]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", ELEMENTS, ids=oracle.label)
def test_the_hessian_of_an_element_is_a_number(loss: fl.Loss, dtype: type) -> None:
    y, x, v = drawn(loss, dtype, 1100, 5)
    loss = replace(loss, reduction="none")
    product = loss.hvp(y, x, v)
    hess = loss.grad_and_hess(y, x)[1]
    np.testing.assert_array_equal(product, np.where(hess == 0, 0, hess * v))
    few = slice(0, 20)
    exact = along(loss, y[few], x[few], v[few], dtype).astype(float)
    tolerance = 1e-4 if dtype is np.float32 else 1e-11
    np.testing.assert_allclose(product[few], exact, rtol=tolerance, atol=tolerance)


@cache
def exact_rows(loss: fl.Loss, dtype: type) -> oracle.Truth:
    """The product of rows, with errors in ulps of the sums that it is made of."""
    y, x, v = drawn(loss, dtype, 60, 5)
    scale = sizes(loss, y, x, v, dtype)
    if loss.kernel == "categorical_poly1_logits":  # which adds to that of cross-entropy
        plain = fl.SparseCategoricalCrossentropy(from_logits=True)
        scale = scale + sizes(plain, y, x, v, dtype)
    return oracle.Truth.of(along(loss, y, x, v, dtype), dtype, scale)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", ROWS, ids=oracle.label)
def test_the_hessian_of_a_row_is_whole(loss: fl.Loss, dtype: type, isa: str) -> None:
    y, x, v = drawn(loss, dtype, 60, 5)
    product = replace(oracle.of_any_labels(loss), reduction="none").hvp(y, x, v)
    quotients = loss.kernel == "js_divergence_logits"  # of q and p that are close
    limit = 4.0 if dtype is np.float32 else 16.0 if quotients else 8.0
    assert exact_rows(loss, dtype).error(product).max() <= limit


CAPPED = [
    fl.CategoricalCrossentropy(from_logits=True, softcap=4.0, temperature=1.5),
    fl.SparseCategoricalCrossentropy(from_logits=True, softcap=4.0),
    fl.SparseCategoricalCrossentropy(from_logits=True, z_loss=0.25),
    fl.CategoricalCrossentropy(from_logits=True, z_loss=0.25, softcap=4.0),
]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", CAPPED, ids=oracle.label)
def test_capped_logits(loss: fl.Loss, dtype: type) -> None:
    y, x, v = drawn(loss, dtype, 40, 5)
    x /= 4  # near to the cap their slope is a difference
    loss = replace(oracle.of_any_labels(loss), reduction="none")
    exact = along(loss, y, x, v, dtype).astype(float)
    largest = abs(exact).max(axis=-1, keepdims=True)
    error = abs(loss.hvp(y, x, v) - exact) / largest
    assert error.max() <= 64 * np.finfo(dtype).eps


PIECES = [
    fl.CategoricalCrossentropy(from_logits=True, label_smoothing=0.25),
    fl.SparseCategoricalCrossentropy(from_logits=True),
    fl.CategoricalFocal(from_logits=True),
    fl.KLDivergence(from_logits=True),
    fl.CategoricalBrier(from_logits=True),
    fl.ZLPR(),
    fl.MultiMargin(p=2),
    fl.Cosine(),
]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", PIECES, ids=oracle.label)
def test_rows_in_pieces(loss: fl.Loss, dtype: type) -> None:
    y, x, v = drawn(loss, dtype, 2200, 1100)
    y, x, v = y[:2], x[:2], v[:2]
    loss = replace(oracle.of_any_labels(loss), reduction="none")
    exact = along(loss, y, x, v, dtype).astype(float)
    sure = abs(exact).max(axis=-1, keepdims=True)
    error = abs(loss.hvp(y, x, v) - exact) / sure
    assert error.max() <= 8 * np.finfo(dtype).eps


CASES = [
    (replace(case.loss, **variant), case)
    for case in structured.CASES.values()
    for variant in case.variants
    if hasattr(case.loss, "hvp")
]


def of_kind(kind: type) -> Any:
    found = [c for c in CASES if isinstance(c[0], kind)]
    ids = [oracle.label(loss) for loss, _ in found]
    return pytest.mark.parametrize(("loss", "case"), found, ids=ids)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@of_kind(kinds.SeveralHeads)
def test_heads_have_blocks(loss: fl.Loss, case: Any, dtype: type) -> None:
    random = np.random.RandomState(5)
    (y, x), _ = case.draw(dtype, 33, random)
    inside = 2 * getattr(loss, "eps", 0)  # no clipped scales
    x = x[0] + dtype(inside), np.where(abs(x[1]) < inside, dtype(inside), x[1])
    v = tuple(random.standard_normal(a.shape).astype(dtype) for a in x)
    loss = replace(loss, reduction="none")
    exact = along(loss, y, x, v, dtype)
    parts = [tuple(a * (j == k) for j, a in enumerate(v)) for k in range(2)]
    entries = [along(loss, y, x, part, dtype) for part in parts]
    hess = loss.grad_and_hess(y, x)[1]  # whose terms may be larger than itself
    for k, (got, right) in enumerate(zip(loss.hvp(y, x, v), exact, strict=True)):
        size = sum(abs(entry[k].astype(float)) for entry in entries)
        assert got.shape == right.shape
        error = abs(got - right.astype(float))
        diagonal = abs(hess[k].astype(float) - (entries[k][k] / v[k]).astype(float))
        allowed = 6 * np.finfo(dtype).eps * size + 1.01 * diagonal * abs(v[k])
        assert (error <= allowed + 1e-50).all()  # what the step leaves


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@of_kind(kinds.Bounded)
def test_bounded_labels(loss: fl.Loss, case: Any, dtype: type) -> None:
    (y, x), _ = case.draw(dtype, 150, np.random.RandomState(5))
    v = np.random.RandomState(6).standard_normal(x.shape).astype(dtype)
    loss = replace(loss, reduction="none")
    hess = loss.grad_and_hess(y, x)[1]
    np.testing.assert_array_equal(loss.hvp(y, x, v), np.where(hess == 0, 0, hess * v))


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@of_kind(kinds.Boxwise)
def test_boxes_bind_their_four_numbers(loss: fl.Loss, case: Any, dtype: type) -> None:
    (y, x), _ = case.draw(dtype, 150, np.random.RandomState(5))
    x = x * dtype(1.0009765625)  # no sides that coincide
    loss = replace(loss, reduction="none")
    columns = [
        loss.hvp(y, x, np.broadcast_to(np.eye(4, dtype=dtype)[k], x.shape))
        for k in range(4)
    ]
    matrix = np.stack(columns, axis=-1)
    terms = case.terms("hess", {"arguments": (y, x)}, oracle.parameters(loss))
    allowed = 64 * np.finfo(dtype).eps * terms[..., np.newaxis]
    assert (abs(matrix - matrix.swapaxes(-1, -2)) <= allowed).all()
    diagonal = matrix.diagonal(axis1=-2, axis2=-1)
    np.testing.assert_array_equal(diagonal, loss.grad_and_hess(y, x)[1])
    v = np.random.RandomState(6).standard_normal(x.shape).astype(dtype)
    product = loss.hvp(y, x, v)
    exact = np.einsum("nij,nj->ni", matrix, v)
    if loss.kernel != "ciou":  # whose gradient takes its alpha for a constant
        exact = along(loss, y, x, v, dtype).astype(float)
    allowed = allowed[..., 0] * abs(v).sum(axis=-1, keepdims=True)
    assert (abs(product - exact) <= allowed).all()


def test_reductions_and_weights() -> None:
    random = np.random.RandomState(7)
    y, x = random.randint(0, 4, 30), random.standard_normal((30, 4))
    v, weight = random.standard_normal((30, 4)), random.rand(30)
    weight[3] = 0
    x[3] = v[3] = np.nan
    each = fl.scce.hvp(y, x, v, from_logits=True, reduction="none")
    for reduction, divisor in [
        ("mean", weight.sum()),
        ("sum", 1),
        ("sum_over_batch_size", 30),
        ("none", 1),
    ]:
        product = fl.scce.hvp(
            y, x, v, from_logits=True, sample_weight=weight, reduction=reduction
        )
        expected = np.where(weight[:, None] == 0, 0, each * weight[:, None] / divisor)
        np.testing.assert_allclose(product, expected, rtol=1e-14)
    product = fl.huber.hvp(x[:, 0], x[:, 0], v[:, 0], sample_weight=weight)
    np.testing.assert_allclose(
        product, np.where(weight == 0, 0, v[:, 0] * weight / weight.sum()), rtol=1e-15
    )


@pytest.mark.parametrize("loss", [fl.scce, fl.categorical_brier, fl.zlpr], ids=str)
def test_layouts_types_and_places(loss: fl.Loss) -> None:
    if hasattr(loss, "from_logits"):
        loss = replace(loss, from_logits=True)  # type: ignore[call-arg]
    random = np.random.RandomState(8)
    y, x = oracle.plain(loss.kernel, np.float32, 1800, random, 6)
    v = random.randint(-3, 4, x.shape)
    expected = loss.hvp(y, x, v.astype(np.float32))
    assert expected.dtype == np.float32
    for given in (v, v.astype(np.float64), np.asfortranarray(v, np.float32)):
        np.testing.assert_array_equal(
            loss.hvp(y, np.asfortranarray(x), given), expected
        )
    out = v.astype(np.float32)
    assert loss.hvp(y, x, out, out=out) is out
    np.testing.assert_array_equal(out, expected)
    room = np.empty((300, 12), np.float32)[:, ::2]
    assert loss.hvp(y, x, v, out=room) is room
    np.testing.assert_array_equal(room, expected)


def test_elements_in_place_and_out_of_order() -> None:
    random = np.random.RandomState(9)
    y, x, v = random.standard_normal((3, 200, 70))
    expected = fl.log_cosh.hvp(y, x, v)
    np.testing.assert_array_equal(fl.log_cosh.hvp(y.T, x.T, v.T), expected.T)
    for place in (x.copy(), v.copy()):
        given = {"x": x, "v": v}
        given["x" if np.array_equal(place, x) else "v"] = place
        assert fl.log_cosh.hvp(y, given["x"], given["v"], out=place) is place
        np.testing.assert_array_equal(place, expected)
    assert fl.mse.hvp([], [], [], reduction="sum").shape == (0,)


@pytest.mark.parametrize("threads", [1, 2])
def test_bits_do_not_depend_on_the_machine(threads: int, isa: str) -> None:
    random = np.random.RandomState(10)
    x, v = random.standard_normal((2, 9000, 11)).astype(np.float32)
    y = random.randint(0, 11, 9000)
    with fl.threads(threads):
        product = fl.scce.hvp(y, x, v, from_logits=True)
    if isa != "baseline":
        name = "test_bits_do_not_depend_on_the_machine"
        assert _met.setdefault(name, product.tobytes()) == product.tobytes()


_met: dict[str, bytes] = {}


def test_custom_losses() -> None:
    random = np.random.RandomState(11)
    y, x, v, more = random.standard_normal((4, 3000))
    root = fl.custom(lambda y, p, w: np.sqrt(1 + w * w * (p - y) ** 2), inputs=("w",))
    hess = root.grad_and_hess(y, x, w=more)[1]
    np.testing.assert_array_equal(root.hvp(y, x, v, w=more), hess * v)
    numpy = fl.custom(
        lambda y, p: np.sort(p - y) * 0 + (p - y) ** 2,
        grad=lambda y, p: 2 * (p - y),
        hess=lambda y, p: 2 + 0 * p,
    )
    np.testing.assert_array_equal(numpy.hvp(y, x, v, reduction="sum"), 2 * v)
    with pytest.raises(
        TypeError, match="a loss of sums has no Hessian that is a diagonal"
    ):
        fl.custom(lambda y, p: np.sqrt(np.mean((p - y) ** 2))).hvp(y, x, v)


def test_custom_losses_of_rows_are_refused() -> None:
    loss = fl.custom(lambda y, x: np.log(np.exp(x).sum(axis=-1)) - (y * x).sum(axis=-1))
    x = np.zeros((2, 3))
    y = np.eye(3)[:2]
    assert loss.grad(y, x).shape == (2, 3)
    with pytest.raises(TypeError, match="is a custom loss of rows"):
        loss.hvp(y, x, x)


def test_what_binds_more_together_has_none() -> None:
    for name in (
        "triplet",
        "contrastive",
        "listnet",
        "cox",
        "ntxent",
        "infonce",
        "dice",
    ):
        loss = getattr(fl, name)
        assert not hasattr(loss, "hvp")
        assert "hvp" not in dir(loss)
        with pytest.raises(AttributeError, match=r"has no hvp: its Hessian binds"):
            loss.hvp  # noqa: B018


def test_refusals() -> None:
    y, x = np.zeros(3), np.ones(3)
    with pytest.raises(ValueError, match=r"v has shape \(2,\), y_pred \(3,\)"):
        fl.mse.hvp(y, x, [1.0, 2.0])
    with pytest.raises(TypeError, match="v must be a tuple of 2 arrays"):
        fl.gaussian_nll.hvp(y, (x, x), x)
    with pytest.raises(ValueError, match=r"v\[1\] has shape \(\), var \(3,\)"):
        fl.gaussian_nll.hvp(y, (x, x), (x, 1.0))
    with pytest.raises(ValueError, match=r"y_pred\[1\] = 2.0 is not a probability"):
        fl.bce.hvp([0, 1], [0.5, 2.0], [1, 1])
    with pytest.raises(ValueError, match="sums to"):
        fl.cce.hvp([[0.5, 0.1]], [[1.0, 2.0]], [[1.0, 2.0]], from_logits=True)
    with pytest.raises(ValueError, match=r"y_true\[0, 0\] = 2.0 is not in \[0, 1\]"):
        fl.cce.hvp([[2.0, -1.0]], [[1.0, 2.0]], [[1.0, 2.0]], from_logits=True)
    with pytest.raises(ValueError, match="is not a class"):
        fl.scce.hvp([2], [[1.0, 2.0]], [[1.0, 2.0]], from_logits=True)
