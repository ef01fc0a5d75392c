"""Losses of pairs, groups, sequences and regions, and of several predictions a sample.

Against the textbook in multi-precision, with every reduction and weight, and to the bit
between threads, instruction sets and layouts.
"""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import oracle
import pytest
import structured
from conftest import ISAS, compared
from structured import each, flat

import fastloss as fl
from fastloss import reference
from fastloss.core import _bridge

Array = np.ndarray[Any, Any]
Random = np.random.RandomState

CASES = structured.CASES
#: Whose samples are not what others are compared with.
ALONE = [name for name in CASES if oracle.ROWS[name].kind != "batch"]
VARIANTS = [(name, v) for name, case in CASES.items() for v in case.variants]
IDS = [
    "-".join([name, *(f"{k}={v}" for k, v in variant.items())])
    for name, variant in VARIANTS
]
REDUCTIONS = ("mean", "sum", "none", "sum_over_batch_size")

variants = pytest.mark.parametrize(("name", "variant"), VARIANTS, ids=IDS)
dtypes = pytest.mark.parametrize("dtype", oracle.DTYPES)


def formula(loss: fl.Loss) -> Any:
    return getattr(reference, type(loss).__name__)


def parameters(loss: fl.Loss) -> dict[str, Any]:
    return {k: v for k, v in loss._parameters_of().items() if k != "reduction"}


def results(loss: fl.Loss, arguments: tuple, **keywords: Any) -> dict[str, Any]:
    """Value, gradients and Hessians; those of all calls are the same."""
    value, grads = loss.value_and_grad(*arguments, **keywords)
    got = {"value": value, "grad": grads}
    if hasattr(loss, "grad_and_hess"):
        again, got["hess"] = loss.grad_and_hess(*arguments, **keywords)
        for first, second in zip(flat(grads), flat(again), strict=True):
            assert first.tobytes() == second.tobytes()
    alone = flat(loss.grad(*arguments, **keywords))
    for first, second in zip(flat(grads), alone, strict=True):
        assert first.tobytes() == second.tobytes()
    only = loss(*arguments, **keywords)
    assert np.asarray(only).tobytes() == np.asarray(value).tobytes()
    return got


@dtypes
@pytest.mark.parametrize(
    ("name", "variant", "n"),
    [
        pytest.param(*case, n, id=f"{label}-{n}")
        for case, label in zip(VARIANTS, IDS, strict=True)
        for n in CASES[case[0]].sizes
    ],
)
def test_accuracy(
    name: str, variant: dict[str, Any], n: int, dtype: type, isa: str
) -> None:
    limits = CASES[name].limits
    for output, error in structured.errors(CASES[name], variant, dtype, n).items():
        assert error <= limits[output], output


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@variants
def test_reductions(
    name: str, variant: dict[str, Any], reduction: str, weighted: bool
) -> None:
    case = CASES[name]
    loss = replace(case.loss, reduction=reduction, **variant)
    random = Random(4)
    for n in (32, 5001):
        arguments, keywords = case.draw(np.float64, n, random)
        if name == "cox":
            arguments = tuple(each(lambda a: a[:300], part) for part in arguments)
        samples = case.samples(arguments, {**keywords, **parameters(loss)})
        weight = np.asarray(random.choice([0, 0.5, 1, 3], samples))
        weight = weight if weighted and weight.any() else np.ones(samples)
        counted = case.counted(arguments, weight)
        divisor = {"mean": counted.sum(), "sum_over_batch_size": weight.size}
        own = {"weight": weight} if case.weighs_inside else {}
        values, *derivatives = (
            getattr(formula(loss), output)(
                *arguments, **keywords, **own, **parameters(loss)
            )
            for output in case.outputs
        )
        factor = np.ones(()) if own else weight
        scale = 1 / divisor.get(reduction, 1)
        got = results(
            loss, arguments, **keywords, sample_weight=weight if weighted else None
        )
        value = (
            factor * values if reduction == "none" else np.sum(factor * values) * scale
        )
        tolerance = {"rtol": 1e-10, "atol": 1e-12}
        np.testing.assert_allclose(got["value"], value, **tolerance)
        if not own:
            factor = case.spread(weight, arguments, keywords, parameters(loss))
        for expected, output in zip(derivatives, case.outputs[1:], strict=True):
            for a, b in zip(flat(expected), flat(got[output]), strict=True):
                assert b.shape == a.shape
                size = np.max(np.abs(factor * a), initial=1e-300) * scale
                np.testing.assert_allclose(
                    b, factor * a * scale, rtol=1e-9, atol=1e-12 * size
                )


def as_bytes(tree: Any) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in flat(tree)]


def many(name: str, dtype: type) -> tuple[tuple, dict[str, Any], dict[str, Any]]:
    """Enough entries for several threads, in samples of all sizes."""
    random = Random(6)
    arguments, keywords = CASES[name].draw(dtype, CASES[name].many, random)
    own = CASES[name].several
    if name == "cox":
        arguments, _ = CASES[name].draw(dtype, 3_990, random)
        arguments = each(lambda a: np.tile(a, (32, 1)), arguments)
    return arguments, keywords, own


@dtypes
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("name", CASES)
def test_threads_and_paths(
    name: str, reduction: str, weighted: bool, dtype: type
) -> None:
    arguments, keywords, own = many(name, dtype)
    case = CASES[name]
    arrays = case.samples(arguments, {**keywords, **own})
    weight = Random(7).choice([0, 0.5, 2], arrays) if weighted else None
    loss = replace(case.loss, reduction=reduction, **own)
    expected = None
    before = _bridge.isa()
    for j, path in enumerate(ISAS):
        _bridge.use_isa(path)
        if path == "baseline":
            expected = None
        for threads in (1, (2, 3, 5)[(weighted + j) % 3]):
            with fl.threads(threads):
                got = results(loss, arguments, sample_weight=weight, **keywords)
            got = as_bytes(tuple(got.values()))
            expected = expected or got
            assert got == expected
            compared(len(got))
    _bridge.use_isa(before)


def strided(a: Array) -> Array:
    room = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    view = room[..., ::2]
    view[...] = a
    return view


def swapped(a: Array) -> Array:
    return a.astype(a.dtype.newbyteorder())


def backwards(a: Array) -> Array:
    return a[::-1].copy()[::-1]


@dtypes
@pytest.mark.parametrize("n", [200, 70_000])
@variants
def test_layouts(name: str, variant: dict[str, Any], n: int, dtype: type) -> None:
    case = CASES[name]
    loss = replace(case.loss, reduction="none", **variant)
    random = Random(8)
    arguments, keywords = case.draw(dtype, min(n, case.many), random)
    samples = case.samples(arguments, {**keywords, **parameters(loss)})
    weight = np.asarray(random.choice([0.5, 2.0], samples))
    plain = results(loss, arguments, **keywords, sample_weight=weight)
    expected = as_bytes(tuple(plain.values()))
    for layout in (strided, swapped, backwards, np.asfortranarray):
        other = each(layout, arguments)
        outs = each(lambda a: layout(np.zeros_like(a)), plain["grad"])  # noqa: B023
        got = results(loss, other, **keywords, sample_weight=weight)
        assert as_bytes(tuple(got.values())) == expected
        grad = loss.grad(*other, **keywords, sample_weight=weight, out=outs)
        assert all(a is b for a, b in zip(flat(grad), flat(outs), strict=True))
        numbers = [np.asarray(a, dtype).tobytes() for a in flat(outs)]
        assert numbers == as_bytes(plain["grad"])


@pytest.mark.parametrize("name", CASES)
def test_outputs_over_inputs(name: str) -> None:
    case = CASES[name]
    arguments, keywords = case.draw(np.float64, 300, Random(9))
    expected = as_bytes(case.loss.grad(*arguments, **keywords))
    outs = case.predictions(arguments)
    given = outs if len(outs) > 1 else outs[0]
    got = case.loss.grad(*arguments, **keywords, out=given)
    assert as_bytes(got) == expected
    assert all(a is b for a, b in zip(flat(got), flat(given), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_dtypes(name: str) -> None:
    case = CASES[name]
    arguments, keywords = case.draw(np.float32, 300, Random(10))
    got = results(replace(case.loss, reduction="none"), arguments, **keywords)
    assert all(a.dtype == np.float32 for a in flat(tuple(got.values())))
    wide = each(lambda a: a.astype(np.float64) if a.dtype.kind == "f" else a, arguments)
    single, double = case.loss(*arguments, **keywords), case.loss(*wide, **keywords)
    assert type(single) is type(double) is float
    assert single == pytest.approx(double, rel=1e-5)
    out = each(lambda a: np.empty(a.shape, np.float32), case.predictions(wide))
    out = out if len(out) > 1 else out[0]
    grads = case.loss.grad(*wide, **keywords)
    case.loss.grad(*wide, **keywords, out=out)
    for rounded, exact in zip(flat(out), flat(grads), strict=True):
        np.testing.assert_array_equal(rounded, exact.astype(np.float32))


@pytest.mark.parametrize("name", ALONE)
def test_samples_of_weight_zero_hold_anything(name: str) -> None:
    case = CASES[name]
    own = case.several
    loss = replace(case.loss, **own)
    arguments, keywords = case.draw(np.float64, 400, Random(11))
    weight = np.ones(case.samples(arguments, {**keywords, **own}))
    weight.flat[[1, -1]] = 0
    expected = results(loss, arguments, **keywords, sample_weight=weight)
    spread = case.spread(weight, arguments, keywords, parameters(loss))
    spoilt = each(
        lambda a: (
            np.where(spread == 0, np.nan if a.dtype.kind == "f" else a, a)
            if a.shape == np.broadcast_shapes(a.shape, spread.shape)
            else a
        ),
        arguments,
    )
    got = results(loss, spoilt, **keywords, sample_weight=weight)
    assert as_bytes(tuple(got.values())) == as_bytes(tuple(expected.values()))
    none = results(loss, spoilt, **keywords, sample_weight=0 * weight)
    assert none["value"] == 0
    derivatives = (none[output] for output in case.outputs[1:])
    assert not any(a.any() for a in flat(tuple(derivatives)))


@pytest.mark.parametrize("scale", [2.0**-900, 2.0**900, 2.0**-300])
@pytest.mark.parametrize("name", CASES)
def test_a_mean_does_not_depend_on_the_size_of_weights(name: str, scale: float) -> None:
    case = CASES[name]
    arguments, keywords = case.draw(np.float64, 400, Random(12))
    weight = Random(13).uniform(0.5, 2, case.samples(arguments, keywords))
    value, grads = case.loss.value_and_grad(
        *arguments, **keywords, sample_weight=weight
    )
    got, others = case.loss.value_and_grad(
        *arguments, **keywords, sample_weight=weight * scale
    )
    if name == "cox":  # weights count in the risk sets too
        got -= math.log(scale)
    assert got == pytest.approx(value, rel=1e-12)
    for a, b in zip(flat(grads), flat(others), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    loss = CASES[name].loss
    for twin in (eval(f"fl.{loss!r}"), pickle.loads(pickle.dumps(loss))):
        assert twin == loss
        assert hash(twin) == hash(loss)


def test_gaussian_nll_by_hand() -> None:
    y, mean, var = [1.0, 2.0, 0.0], [2.0, 2.0, 3.0], [4.0, 1e-9, 0.25]
    loss = fl.GaussianNLL(reduction="none")
    clipped = np.array([4, 1e-6, 0.25])
    r = np.array([1, 0, 3.0])
    expected = (np.log(clipped) + r**2 / clipped) / 2
    np.testing.assert_allclose(loss(y, (mean, var)), expected, rtol=1e-15)
    full = loss(y, (mean, var), full=True)
    np.testing.assert_allclose(full - expected, 0.9189385332046727, rtol=1e-13)
    dmean, dvar = loss.grad(y, (mean, var))
    np.testing.assert_allclose(dmean, [0.25, 0, 12], rtol=1e-15)
    np.testing.assert_allclose(dvar, [3 / 32, 5e5, -70], rtol=1e-15)


def test_gaussian_nll_in_the_tails() -> None:
    for dtype in oracle.DTYPES:
        big = np.finfo(dtype).max / 4
        loss = fl.GaussianNLL(reduction="none", eps=0.0)
        y = np.zeros(4, dtype)
        mean = np.array([big, big, np.inf, 1], dtype)
        var = np.array([big, 1, 1, np.inf], dtype)
        value = loss(y, (mean, var))
        dmean, dvar = loss.grad(y, (mean, var))
        hmean, hvar = loss.grad_and_hess(y, (mean, var))[1]
        assert value[0] == pytest.approx(float(big) / 2)
        np.testing.assert_array_equal(value[1:], np.inf)
        np.testing.assert_array_equal(dmean, [1, big, np.inf, 0])
        assert dvar[0] == -0.5
        np.testing.assert_array_equal(dvar[1:], [-np.inf, -np.inf, 0])
        assert hvar[0] == pytest.approx(1 / float(big), rel=1e-6)
        np.testing.assert_array_equal(hmean[[1, 3]], [1, 0])


def test_triplet_at_its_kinks() -> None:
    a = np.zeros((4, 2))
    p = np.array([[3.0, 4], [3, 4], [0, 0], [3, 4]])
    n = np.array([[0.0, 6], [0, 6 + 1e-9], [0, 0], [0, 0]])
    loss = fl.Triplet(eps=0.0, reduction="none")
    np.testing.assert_allclose(loss(a, p, n), [0, 0, 1, 6], atol=1e-8)
    grads = loss.grad(a, p, n)
    for grad in grads:  # the margin just met, and distances of 0
        np.testing.assert_array_equal(grad[:3], 0)
    np.testing.assert_allclose(grads[1][3], [0.6, 0.8], rtol=1e-15)
    np.testing.assert_array_equal(grads[2][3], 0)
    hesses = loss.grad_and_hess(a, p, n)[1]
    np.testing.assert_allclose(hesses[1][3], [0.64 / 5, 0.36 / 5], rtol=1e-14)


def test_triplet_ties_of_the_swap() -> None:
    """The negative's distance to the anchor counts if both are equal."""
    a, p, n = np.zeros((1, 1)), np.full((1, 1), 4.0), np.full((1, 1), 2.0)
    grads = fl.triplet.grad(a, p, n, swap=True, eps=0.0)
    np.testing.assert_array_equal(np.ravel(grads), [0, 1, -1])


def test_listnet_of_infinite_scores() -> None:
    loss = fl.ListNet(reduction="none")
    y = np.array([0.0, -np.inf, 0, 5])
    x = np.array([1.0, -np.inf, np.inf, 3])
    values = loss(y, x, groups=[2, 2])
    np.testing.assert_array_equal(values, [0, np.inf])
    grad = loss.grad(y, x, groups=[2, 2])
    q = 1 / (1 + math.exp(5))
    np.testing.assert_allclose(grad, [0, 0, 1 - q, q - 1], rtol=1e-15)
    spoilt = loss.grad([0.0, 1, 0], [np.nan, 1, 2], groups=[2, 1])
    np.testing.assert_array_equal(spoilt, [np.nan, np.nan, 0])


@pytest.mark.parametrize(
    "sizes", [[1, 0, 0], [0, 0, 1], [0, 0, 2, 0], [4096, 4096, 0, 1]]
)
def test_groups_without_entries_count(sizes: list[int]) -> None:
    n = sum(sizes)
    y, x = np.zeros(n), np.arange(n) * 1e-3
    values = fl.listnet(y, x, groups=sizes, reduction="none")
    assert values.shape == (len(sizes),)
    assert all(v == 0 for v, size in zip(values, sizes, strict=True) if size < 2)
    mean = fl.listnet(y, x, groups=sizes)
    assert mean == pytest.approx(values.sum() / len(sizes), rel=1e-14)
    weight = np.arange(1.0, len(sizes) + 1)
    mean = fl.listnet(y, x, groups=sizes, sample_weight=weight)
    assert mean == pytest.approx((values * weight).sum() / weight.sum(), rel=1e-14)


def test_nothing_at_all() -> None:
    empty = np.empty(0)
    assert fl.listnet(empty, empty, groups=[], reduction="sum") == 0
    zeros = fl.listnet(empty, empty, groups=[0, 0, 0], reduction="none")
    np.testing.assert_array_equal(zeros, [0, 0, 0])
    assert fl.cox((empty, empty), empty, reduction="sum") == 0
    assert fl.gaussian_nll(empty, (empty, empty), reduction="sum") == 0
    nothing = np.empty((0, 3))
    assert fl.triplet(nothing, nothing, nothing, reduction="sum") == 0
    regions = fl.dice(np.empty((2, 0)), np.empty((2, 0)), axis=1, reduction="none")
    np.testing.assert_array_equal(regions, [0, 0])
    for call in (
        lambda: fl.listnet(empty, empty, groups=[]),
        lambda: fl.cox((empty, empty), empty),
        lambda: fl.dice(empty, empty),
    ):
        with pytest.raises(ValueError, match="is empty"):
            call()


def test_cox_by_hand() -> None:
    """Four deaths, two of them at one time, and a censored one."""
    time, event = np.array([1.0, 2, 2, 3, 4]), np.array([1, 1, 1, 0, 1])
    e = np.array([1.0, 2, 3, 4, 5])
    x = np.log(e)
    s = [15, 14, 5]
    breslow = math.log(s[0] / 1) + math.log(s[1] / 2) + math.log(s[1] / 3)
    efron = math.log(s[0] / 1) + math.log(s[1] / 2) + math.log((s[1] - 2.5) / 3)
    for ties, expected in (("breslow", breslow), ("efron", efron)):
        loss = fl.Cox(ties=ties)
        assert loss((time, event), x) == pytest.approx(expected / 4, rel=1e-15)
        shuffled = [3, 1, 4, 0, 2]
        other = loss((time[shuffled], event[shuffled]), x[shuffled])
        assert other == pytest.approx(expected / 4, rel=1e-15)
        batch = loss((time, event), x, reduction="sum_over_batch_size")
        assert batch == pytest.approx(expected / 5, rel=1e-15)
    grad = fl.cox.grad((time, event), x, ties="breslow", reduction="sum")
    a = [1 / 15, 1 / 15 + 2 / 14, 1 / 15 + 2 / 14 + 1 / 5]
    expected_grad = np.array([a[0], a[1], a[1], a[1], a[2]]) * e - event
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-14, atol=1e-16)


def test_cox_without_events() -> None:
    time, event, x = np.arange(5.0), np.zeros(5), np.ones(5)
    value, grad = fl.cox.value_and_grad((time, event), x)
    assert value == 0
    assert not grad.any()


def test_cox_weights_repeat_samples() -> None:
    random = Random(14)
    time, event = random.randint(1, 6, 40) * 1.0, random.rand(40) < 0.7
    x, weight = random.standard_normal(40), random.randint(0, 4, 40)
    rows = np.repeat(np.arange(40), weight)
    for ties in ("breslow",):  # Efron's steps are other ones
        loss = fl.Cox(ties=ties, reduction="sum")
        repeated = loss((time[rows], event[rows]), x[rows])
        assert loss((time, event), x, sample_weight=weight) == pytest.approx(repeated)


def test_cox_keeps_the_digits_of_a_certain_event() -> None:
    x = np.array([50.0, 0.0])
    value, grad = fl.cox.value_and_grad(([1.0, 2.0], [1, 0]), x)
    assert value == pytest.approx(math.exp(-50), rel=1e-15, abs=0)
    np.testing.assert_allclose(grad, [-math.exp(-50), math.exp(-50)], rtol=1e-15)


def test_cox_of_infinite_and_missing_scores() -> None:
    time, event = np.arange(1.0, 5), np.ones(4)
    loss = fl.Cox(reduction="none")
    values = loss((time, event), [1.0, -np.inf, 2.0, 1.0])
    assert values[1] == np.inf
    assert np.isfinite(np.delete(values, 1)).all()
    values = loss((time, event), [1.0, np.nan, 2.0, 1.0])
    np.testing.assert_array_equal(np.isnan(values), [True, True, False, False])


def test_dice_by_hand() -> None:
    y = np.array([[0.0, 1, 1, 0], [0, 0, 0, 0]])
    p = np.array([[0.5, 1, 0.25, 0], [0, 0, 0, 0]])
    loss = fl.Dice(axis=1, smooth=0.0, reduction="none")
    np.testing.assert_allclose(loss(y, p), [1 - 2.5 / 3.75, 0], rtol=1e-15)
    grad = loss.grad(y, p)
    k, q = 2.5 / 3.75, 3.75
    np.testing.assert_allclose(
        grad[0], [k / q, (k - 2) / q, (k - 2) / q, k / q], rtol=1e-15
    )
    np.testing.assert_array_equal(grad[1], 0)
    smooth = fl.dice(y, p, axis=1, smooth=1.0, reduction="none")
    np.testing.assert_allclose(smooth, [1 - 3.5 / 4.75, 0], rtol=1e-15)
    whole = fl.dice(y, p, smooth=0.0)
    assert whole == pytest.approx(1 - 2.5 / 3.75, rel=1e-15)


def test_dice_at_the_kink_of_the_absolute_form() -> None:
    y, p = np.array([0.5, 0.5, 0.5]), np.array([0.25, 0.5, 0.75])
    loss = fl.Dice(tp="absolute", smooth=0.0, reduction="sum")
    k, q = 2 * 1.25 / 3, 3.0
    np.testing.assert_allclose(
        loss.grad(y, p), [(k - 2) / q, (k - 1) / q, k / q], rtol=1e-14
    )


def test_dice_of_an_axis_anywhere() -> None:
    random = Random(15)
    y = random.randint(0, 2, (3, 4, 5, 6)).astype(float)
    p = random.rand(3, 4, 5, 6)
    for axis in (0, 1, -1, (0, 2, 3), (2, 3), (1, -1), None):
        loss = fl.Dice(axis=axis, reduction="none")
        value, grad = loss.value_and_grad(y, p)
        kept = [
            k
            for k in range(4)
            if axis is not None and k not in np.array(axis).ravel() % 4
        ]
        inner = [k for k in range(4) if k not in kept]
        moved = np.transpose(y, kept + inner), np.transpose(p, kept + inner)
        last = tuple(range(len(kept), 4))
        same, moved_grad = loss.value_and_grad(*moved, axis=last)
        np.testing.assert_array_equal(value, same)
        np.testing.assert_array_equal(np.transpose(grad, kept + inner), moved_grad)


two, rows = np.ones(2), np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: fl.gaussian_nll(two, two),
            TypeError,
            r"y_pred must be a tuple of 2 arrays, got ndarray",
        ),
        (
            lambda: fl.gaussian_nll(two, (two, two, two)),
            TypeError,
            r"y_pred must be a tuple of 2 arrays, got tuple of 3",
        ),
        (
            lambda: fl.gaussian_nll(two, (two, np.ones(3))),
            ValueError,
            r"var has shape \(3,\), mean \(2,\): they must be equal",
        ),
        (
            lambda: fl.gaussian_nll(np.ones(3), (two, two)),
            ValueError,
            r"y_true has shape \(3,\), mean \(2,\)",
        ),
        (
            lambda: fl.gaussian_nll(two, (two, [1.0, -2.0])),
            ValueError,
            r"var\[1\] = -2\.0 is negative",
        ),
        (lambda: fl.GaussianNLL(eps=-1), ValueError, r"eps = -1 is not a number in \["),
        (lambda: fl.GaussianNLL(full=1), TypeError, r"full = 1 is neither True nor"),
        (
            lambda: fl.gaussian_nll.grad(two, (two, two), out=two),
            TypeError,
            r"out of a derivative must be a tuple of 2 arrays",
        ),
        (
            lambda: fl.triplet(rows, rows),
            TypeError,
            r"triplet takes 3 arrays, anchor, positive, negative, but got 2",
        ),
        (
            lambda: fl.triplet(rows, rows, np.ones((2, 4))),
            ValueError,
            r"negative has shape \(2, 4\), anchor \(2, 3\)",
        ),
        (
            lambda: fl.triplet(1.0, 1.0, 1.0),
            ValueError,
            r"anchor has shape \(\): it needs a last axis",
        ),
        (lambda: fl.Triplet(p=3), ValueError, r"p = 3 is not one of 1\.0, 2\.0"),
        (lambda: fl.Triplet(margin=0), ValueError, r"margin = 0 is not a number in \("),
        (
            lambda: fl.triplet(rows, rows, rows + 0j),
            TypeError,
            r"negative has dtype complex128",
        ),
        (
            lambda: fl.listnet(two, two),
            TypeError,
            r"one of groups=, group_ids= and group_offsets= .* got none of them",
        ),
        (
            lambda: fl.listnet(two, two, groups=[2], group_ids=[0, 0]),
            TypeError,
            r"got groups and group_ids",
        ),
        (
            lambda: fl.listnet(two, two, group_ids=[1, 0]),
            ValueError,
            r"group_ids\[1\] = 0 comes after 1: the ids must be sorted",
        ),
        (
            lambda: fl.listnet(two, two, group_ids=[0, 0, 1]),
            ValueError,
            r"group_ids has 3 entries, y_pred 2",
        ),
        (
            lambda: fl.listnet(two, two, group_offsets=[0, 1]),
            ValueError,
            r"group_offsets goes from 0 to 1, y_pred has 2 entries",
        ),
        (
            lambda: fl.listnet(two, two, group_offsets=[1, 2]),
            ValueError,
            r"group_offsets goes from 1 to 2, y_pred has 2 entries",
        ),
        (
            lambda: fl.listnet(two, two, group_offsets=[0, 2, 1, 2]),
            ValueError,
            r"group_offsets\[2\] = 1 comes after 2",
        ),
        (
            lambda: fl.listnet(two, two, group_ids=[0.0, 1.0]),
            TypeError,
            r"group_ids has dtype float64, it holds integers",
        ),
        (
            lambda: fl.listnet(two, two, groups=[1]),
            ValueError,
            r"groups sums to 1, y_pred has 2 entries",
        ),
        (
            lambda: fl.listnet(two, two, groups=[3, -1]),
            ValueError,
            r"groups\[1\] = -1 is negative",
        ),
        (
            lambda: fl.listnet(two, two, groups=[1.0, 1.0]),
            TypeError,
            r"groups has dtype float64, sizes are integers",
        ),
        (
            lambda: fl.listnet(rows, rows, groups=[6]),
            ValueError,
            r"y_pred has shape \(2, 3\): it must be 1-D",
        ),
        (
            lambda: fl.listnet(two, two, groups=[1, 1], sample_weight=np.ones(3)),
            ValueError,
            r"sample_weight has shape \(3,\), the samples \(2,\)",
        ),
        (
            lambda: fl.cox(two, two),
            TypeError,
            r"y_true must be a tuple of 2 arrays, got ndarray",
        ),
        (
            lambda: fl.cox((two, np.ones(3)), two),
            ValueError,
            r"event has shape \(3,\), y_pred \(2,\)",
        ),
        (
            lambda: fl.cox((two, [0.0, 2.0]), two),
            ValueError,
            r"event\[1\] = 2\.0 is neither 0 nor 1",
        ),
        (
            lambda: fl.cox(([1.0, np.nan], two), two),
            ValueError,
            r"time\[1\] = nan has no place in an order",
        ),
        (lambda: fl.Cox(ties="exact"), ValueError, r"ties = 'exact' is not one of"),
        (
            lambda: fl.aft(two, two),
            TypeError,
            r"y_true must be a tuple of 2 arrays, got ndarray",
        ),
        (
            lambda: fl.aft(([0.0, 2.0], [1.0, 1.0]), two),
            ValueError,
            r"lower\[1\] = 2\.0 is more than upper\[1\] = 1\.0: lower is the smaller",
        ),
        (
            lambda: fl.aft(([0.0, -1.0], [1.0, 1.0]), two),
            ValueError,
            r"lower\[1\] = -1\.0 is negative",
        ),
        (
            lambda: fl.aft(([0.0, 0.0], [1.0, 0.0]), two),
            ValueError,
            r"upper\[1\] = 0\.0 is not positive",
        ),
        (lambda: fl.AFT(sigma=0.0), ValueError, r"sigma = 0\.0 is not a number in \(0"),
        (
            lambda: fl.AFT(distribution="gumbel"),
            ValueError,
            r"distribution = 'gumbel' is not one of",
        ),
        (
            lambda: fl.dice(two, [0.5, 1.5]),
            ValueError,
            r"y_pred\[1\] = 1\.5 is not in \[0, 1\]",
        ),
        (
            lambda: fl.dice(rows, rows - [[0, 0, 0], [0, 3, 0]], axis=0),
            ValueError,
            r"y_pred\[1, 1\] = -2\.0 is not in \[0, 1\]",
        ),
        (
            lambda: fl.dice(rows, rows, axis=2),
            ValueError,
            r"axis = 2 names axis 2, y_pred has 2 axes",
        ),
        (
            lambda: fl.dice(rows, rows, axis=(0, -2)),
            ValueError,
            r"axis = \(0, -2\) names an axis twice",
        ),
        (lambda: fl.Dice(axis=0.5), TypeError, r"axis = 0\.5 is not an integer"),
        (lambda: fl.Dice(tp="soft"), ValueError, r"tp = 'soft' is not one of"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_bad_numbers_of_long_regions_and_far_groups() -> None:
    """The index is that of the array, whatever thread meets it."""
    n = 300_000
    y, p = np.zeros((2, n)), np.full((2, n), 0.5)
    p[1, 200_001] = 2
    p[1, 250_000] = 3
    for threads in (1, 4):
        with (
            fl.threads(threads),
            pytest.raises(ValueError, match=r"y_pred\[1, 200001\]"),
        ):
            fl.dice(y, p, axis=1)
    event = np.zeros((40, 2000))
    event[33, 7] = 0.5
    with pytest.raises(ValueError, match=r"event\[33, 7\] = 0.5"):
        fl.cox((event, event), event)
