"""States of parts of the samples: bits of one call, errors of means, refusals."""

from __future__ import annotations

import json
import math
import pickle
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import fastloss as fl

GRAIN = 8192  # FL_GRAIN of csrc/engine/engine.h
REDUCTIONS = ("mean", "sum", "sum_over_batch_size")

Array = np.ndarray[Any, Any]
Random = np.random.RandomState


@fl.custom
def rooted(y_true: Any, y_pred: Any) -> Any:
    return np.sqrt(1 + (y_pred - y_true) ** 2)


@fl.custom(inputs=("noise",))
def noisy(y_true: Any, y_pred: Any, noise: Any) -> Any:
    return (y_pred - y_true) ** 2 / noise


@fl.custom
def rmse(y_true: Any, y_pred: Any) -> Any:
    return np.sqrt(np.mean((y_pred - y_true) ** 2))


@fl.custom
def wape(y_true: Any, y_pred: Any) -> Any:
    return np.sum(np.abs(y_pred - y_true)) / np.sum(np.abs(y_true))


@fl.custom
def per_size(y_true: Any, y_pred: Any) -> Any:
    return np.sqrt(np.sum((y_pred - y_true) ** 2)) / y_true.size


def wide(random: Random, *shape: int) -> Array:
    """Numbers whose squares a double does not add up exactly."""
    return random.standard_normal(shape) * 2.0 ** random.randint(-12, 4, shape)


def elements(random: Random, n: int) -> tuple[Array, ...]:
    return wide(random, n), wide(random, n)


def logits(random: Random, n: int) -> tuple[Array, ...]:
    return random.randint(-1, 4, n), wide(random, n, 4)


def soft(random: Random, n: int) -> tuple[Array, ...]:
    return random.dirichlet(np.ones(3), n), wide(random, n, 3)


def heads(random: Random, n: int) -> tuple[Any, ...]:
    return wide(random, n), (wide(random, n), random.rand(n) + 0.1)


def triples(random: Random, n: int) -> tuple[Array, ...]:
    return tuple(wide(random, n, 5) for _ in range(3))


def regions(random: Random, n: int) -> tuple[Array, ...]:
    return (random.rand(n, 3, 4) < 0.5).astype(float), random.rand(n, 3, 4)


def sequences(random: Random, n: int) -> tuple[Any, ...]:
    return (random.rand(n, 6) + 1, random.rand(n, 6) < 0.7), wide(random, n, 6)


CASES: dict[str, tuple[fl.Loss, Callable[[Random, int], tuple[Any, ...]]]] = {
    "mse": (fl.mse, elements),
    "huber": (fl.Huber(delta=0.3), elements),
    "sparse": (
        fl.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=-1, class_weight=(1.0, 3.0, 1e-3, 0.7)
        ),
        logits,
    ),
    "dense": (fl.CategoricalCrossentropy(from_logits=True), soft),
    "dense weighted": (
        fl.CategoricalCrossentropy(from_logits=True, class_weight=(5.0, 3.0, 0.1)),
        soft,
    ),
    "heads": (fl.gaussian_nll, heads),
    "pairs": (fl.triplet, triples),
    "regions": (fl.Dice(axis=(1, 2)), regions),
    "sequences": (fl.cox, sequences),
    "custom": (rooted, elements),
    "rmse": (rmse, elements),
    "wape": (wape, elements),
    "per_size": (per_size, elements),
}
#: Losses of sums are one number, whatever the reduction.
OF_SUMS = ("rmse", "wape", "per_size")


def cast(tree: Any, dtype: str) -> Any:
    """All floats in another dtype."""
    if isinstance(tree, tuple):
        return tuple(cast(x, dtype) for x in tree)
    return tree.astype(dtype) if tree.dtype.kind == "f" else tree


def cut(tree: Any, at: slice) -> Any:
    if isinstance(tree, tuple):
        return tuple(cut(x, at) for x in tree)
    return tree[at]


def parts(n: int, step: int) -> Iterator[slice]:
    """Multiples of `step`, of different lengths."""
    start = 0
    for k in (1, 3, 0, 2, 1, 4) * n:
        if start >= n:
            return
        yield slice(start, start + k * step)
        start += k * step


def drawn(
    name: str, dtype: str, n: int, weights: str
) -> tuple[fl.Loss, tuple[Any, ...], Array | None]:
    draws = Random(len(name) + n)
    loss, arguments = CASES[name]
    weight = None
    if weights:
        shape = (n, 6) if name == "sequences" else (n,)
        weight = (wide(draws, *shape) ** 2 * (draws.rand(*shape) < 0.9)).astype(weights)
    return loss, cast(arguments(draws, n), dtype), weight


def state_of(
    loss: fl.Loss,
    arguments: tuple[Any, ...],
    weight: Array | None,
    at: slice,
    **kw: Any,
) -> fl.Partial:
    some = None if weight is None else weight[at]
    return loss.partial(*cut(arguments, at), sample_weight=some, **kw)


@pytest.mark.parametrize("weights", ["", "f4", "f8"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", CASES)
def test_whole_blocks_in_any_order_have_the_bits_of_one_call(
    name: str, dtype: str, weights: str
) -> None:
    elementwise = CASES[name][1] is elements or name == "heads"
    n, step = (100_003, GRAIN) if elementwise else (3_011, 64)
    given, arguments, weight = drawn(name, dtype, n, weights)
    for reduction in ("mean",) if name in OF_SUMS else REDUCTIONS:
        loss = (
            given
            if name in OF_SUMS
            else type(given)(**{**given._parameters_of(), "reduction": reduction})
        )
        one = loss(*arguments, sample_weight=weight)
        states = [
            state_of(loss, arguments, weight, at, squares=reduction == "mean")
            for at in parts(n, step)
        ]
        assert len(states) > 5
        merged = sum(states)
        for seed in range(3):
            random.Random(seed).shuffle(states)
            half = len(states) // 2
            again = sum(states[:half]) + sum(states[half:])
            assert again == merged
            assert again.value().hex() == one.hex()
        assert loss.partial(*arguments, sample_weight=weight).value().hex() == one.hex()


@pytest.mark.parametrize("weights", ["", "f4", "f8"])
def test_parts_have_the_bits_of_a_call_of_long_chunks(weights: str) -> None:
    """A chunk of two grains of float32, and terms that cancel, whose sum shows it."""
    draws, half = Random(7), 65 * GRAIN  # 64 chunks hold more than a grain each
    size = draws.standard_normal(half) * 2.0 ** draws.randint(-40, 4, half)
    order = draws.permutation(2 * half)
    x = np.concatenate([size, -size])[order].astype("f4")
    weight = np.tile(draws.randint(1, 9, half), 2)[order].astype(weights or "f4")
    arguments = np.ones_like(x), x
    given = weight if weights else None
    loss = fl.hinge_embedding  # the prediction itself for a label of 1
    one = loss(*arguments, sample_weight=given)
    states = [state_of(loss, arguments, given, at) for at in parts(2 * half, 8 * GRAIN)]
    assert sum(states[::-1]).value().hex() == one.hex()


@pytest.mark.parametrize("weights", ["", "f8"])
@pytest.mark.parametrize("name", CASES)
def test_other_parts_within_an_ulp(
    name: str, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sum of everyday terms; one of terms of all sizes, and a mean, within two."""
    n = 30_011 if CASES[name][1] is elements else 3_011
    for everyday in (True, False):
        if everyday:
            monkeypatch.setitem(globals(), "wide", Random.randn)
        else:
            monkeypatch.undo()
        for dtype in ("f4", "f8"):
            loss, arguments, weight = drawn(name, dtype, n, weights)
            step = n // 13 - 5
            at = [slice(a, a + step) for a in range(0, n, step)]
            state = sum(state_of(loss, arguments, weight, a, squares=False) for a in at)
            one = loss(*arguments, sample_weight=weight)
            assert abs(state.value() - one) <= 2 * math.ulp(one)
            if name not in OF_SUMS:
                total = float(state._sums["loss"])
                one = loss(*arguments, sample_weight=weight, reduction="sum")
                assert abs(total - one) <= (1 if everyday else 2) * math.ulp(one)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_same_bits_for_any_threads_and_path(threads: int, isa: str) -> None:
    """The parts on this path and these threads, the call alone on one thread."""
    for name, dtype, weights in [
        ("mse", "f4", "f4"),
        ("mse", "f8", ""),
        ("heads", "f4", ""),
    ]:
        loss, arguments, weight = drawn(name, dtype, 200_000, weights)
        with fl.threads(1):
            one = loss(*arguments, sample_weight=weight)
        with fl.threads(threads):
            assert loss(*arguments, sample_weight=weight) == one
            states = [
                state_of(loss, arguments, weight, at) for at in parts(200_000, GRAIN)
            ]
        assert sum(states[::-1]).value() == one


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_groups(dtype: str) -> None:
    draws = Random(3)
    sizes = draws.randint(0, 9, 3000)
    ends = np.cumsum(sizes)
    y, x = draws.randint(0, 4, ends[-1]), wide(draws, ends[-1]).astype(dtype)
    weight = draws.rand(3000)
    for reduction in REDUCTIONS:
        loss = fl.ListNet(reduction=reduction)
        one = loss(y, x, groups=sizes, sample_weight=weight)
        states = []
        for a in range(0, 3000, 250):
            at = slice(ends[a] - sizes[a], ends[a + 249])
            some = slice(a, a + 250)
            states.append(
                loss.partial(
                    y[at], x[at], groups=sizes[some], sample_weight=weight[some]
                )
            )
        assert sum(states[::-1]).value() == one
        assert sum(states).count == 3000


def test_sums_are_exact() -> None:
    """By Fraction, of the numbers that single terms are rounded to."""
    draws = Random(5)
    y, x = elements(draws, 60)
    state = fl.Partial(fl.MeanSquaredError(reduction="sum"))
    exact = Fraction(0)
    for i in range(60):
        state.update(y[i], x[i])
        exact += Fraction(float((x[i] - y[i]) ** 2))
    assert state._sums["loss"] == exact
    assert state.value() == float(exact)
    big = fl.MeanAbsoluteError(reduction="sum")
    values = [1e16, 1.0, 1e-16, 1e16]
    assert sum(big.partial(0.0, v) for v in values)._sums["loss"] == sum(
        map(Fraction, values)
    )


# -- the error of a mean ---------------------------------------------------------------


def error_of(values: Array, weight: Array) -> float:
    """The formula of Gatz and Smith (1995), as they write it."""
    n, total = len(values), weight.sum()
    m, mean_w, mean_wl = (
        (weight * values).sum() / total,
        weight.mean(),
        np.mean(weight * values),
    )
    a, b = weight * values - mean_w * m, weight - mean_w
    del mean_wl
    inside = (a * a).sum() - 2 * m * (b * a).sum() + m * m * (b * b).sum()
    return float(np.sqrt(n / ((n - 1) * total**2) * inside))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_standard_error(reduction: str) -> None:
    draws = Random(7)
    y, x = draws.randn(2, 40_000)
    weight = draws.rand(40_000) * (draws.rand(40_000) < 0.8)
    loss = fl.MeanSquaredError(reduction=reduction)
    values = (x - y) ** 2
    plain = sum(
        loss.partial(y[a : a + 999], x[a : a + 999]) for a in range(0, 40_000, 999)
    )
    assert plain.standard_error() == pytest.approx(values.std(ddof=1) / 200, rel=1e-13)
    weighed = loss.partial(y[:7], x[:7], sample_weight=weight[:7]) + loss.partial(
        y[7:], x[7:], sample_weight=weight[7:]
    )
    alive = weight != 0
    expected = error_of(values[alive], weight[alive])
    assert weighed.standard_error() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("factor", [1e-320, 1e-200, 1.0, 1e200])
def test_standard_error_does_not_depend_on_the_size_of_weights(factor: float) -> None:
    y, x = np.zeros(4), np.array([1.1, 2.3, 3.7, 5.0])
    weight = np.array([1.0, 0.5, 2.0, 0.0]) * factor
    state = fl.mae.partial(y, x, sample_weight=weight)
    expected = error_of(x[:3], np.array([1.0, 0.5, 2.0]))
    assert state.standard_error() == pytest.approx(expected, rel=1e-12)
    assert state.value() == fl.mae(y, x, sample_weight=weight)


def test_standard_error_where_the_mean_is_far_larger() -> None:
    """Sums of squares of values of 1e8 have no digit left of a spread of 1."""
    x = 1e8 + np.arange(10.0)
    state = sum(fl.mae.partial([0.0], [v]) for v in x)
    expected = math.sqrt(sum((i - 4.5) ** 2 for i in range(10)) / 9 / 10)
    assert state.standard_error() == pytest.approx(expected, rel=1e-14)
    whole = fl.mae.partial(np.zeros(10), x)
    assert whole.standard_error() == pytest.approx(expected, rel=1e-14)


def test_standard_error_of_weighted_classes() -> None:
    """What a row counts is the weight of its class; an ignored one is no sample."""
    draws = Random(9)
    y, x = logits(draws, 500)
    by_class = np.array([1.0, 3.0, 0.5, 0.7])
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=-1, class_weight=tuple(by_class)
    )
    state = loss.partial(y[:100], x[:100]) + loss.partial(y[100:], x[100:])
    kept = y >= 0
    plain = fl.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    values = plain(y[kept], x[kept])
    expected = error_of(values, by_class[y[kept]])
    assert state.standard_error() == pytest.approx(expected, rel=1e-12)
    assert state.count == kept.sum()
    assert state.weight == pytest.approx(by_class[y[kept]].sum(), rel=1e-14)


def test_standard_error_of_one_sample_and_of_equal_ones() -> None:
    one = fl.mae.partial([0.0], [0.1])
    assert math.isnan(one.standard_error())
    assert sum([one] * 3).standard_error() == 0.0


# -- special numbers -------------------------------------------------------------------


def test_special_numbers_as_in_one_call() -> None:
    y = np.zeros(4)
    for x in ([1, np.inf, 2, 3], [1, np.nan, 2, 3], [1, np.inf, np.nan, 3]):
        for at in (1, 2, 3):
            states = fl.mae.partial(y[:at], x[:at]) + fl.mae.partial(y[at:], x[at:])
            assert repr(states.value()) == repr(fl.mae(y, x))
            assert math.isnan(states.standard_error())
    signed = fl.custom(lambda y, p: p - y)
    a, b = signed.partial([0.0], [np.inf]), signed.partial([0.0], [-np.inf])
    assert math.isnan((a + b).value())
    total = fl.MeanAbsoluteError(reduction="sum")
    huge = total.partial([0.0], [1e308])
    assert (huge + huge).value() == total([0.0, 0.0], [1e308, 1e308]) == math.inf


def test_a_weight_of_zero_counts_nothing() -> None:
    dead = fl.bce.partial([5.0, np.nan], [np.nan, 9.0], sample_weight=[0, 0])
    assert dead.value() == 0.0
    alive = fl.bce.partial([1.0, 0.0], [0.5, 0.5], sample_weight=[2, 1])
    both = dead + alive
    assert both.value() == alive.value()
    assert both.standard_error() == alive.standard_error() == 0
    assert both.count == 4
    assert both.weight == 3.0


def test_a_class_of_a_row_that_weighs_nothing_may_be_anything() -> None:
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=(2.0, 1.0, 1.0))
    y, x = np.eye(3), wide(Random(1), 3, 3)
    alive = loss.partial(y, x)
    y, x = np.vstack([y, [np.nan] * 3]), np.vstack([x, [np.nan] * 3])
    state = loss.partial(y, x, sample_weight=[1.0, 1.0, 1.0, 0.0])
    assert state.value() == alive.value()
    assert state.standard_error() == pytest.approx(alive.standard_error(), rel=1e-13)


def test_weights_that_cancel() -> None:
    up = fl.mse.partial([0.0], [1.0], sample_weight=[1.0])
    down = fl.mse.partial([0.0], [2.0], sample_weight=[-1.0])
    with pytest.raises(ValueError, match="weights are 0: there is no mean"):
        (up + down).value()
    more = fl.mse.partial([0.0, 0.0], [1.0, 3.0], sample_weight=[1.0, -1.0])
    assert (more + up).value() == fl.mse([0, 0, 0], [1, 3, 1], sample_weight=[1, -1, 1])


def test_nothing_seen() -> None:
    empty = fl.mse.partial(np.empty(0), np.empty(0))
    assert empty == fl.Partial(fl.mse)
    with pytest.raises(ValueError, match="no mean of none"):
        empty.value()
    with pytest.raises(ValueError, match="no mean of none"):
        empty.standard_error()
    assert fl.Partial(fl.MeanSquaredError(reduction="sum")).value() == 0.0
    some = fl.mse.partial([1.0], [3.0])
    assert empty + some == some
    ignored = fl.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    assert ignored.partial([-1], [[1.0, 2.0]]).value() == 0.0


# -- the state itself ------------------------------------------------------------------


def test_update_merge_and_copy() -> None:
    state = fl.Partial(fl.mae)
    assert state.update([0.0], [1.0], sample_weight=[3.0]) is None
    before = state.copy()
    state.merge(fl.mae.partial([0.0], [5.0]), fl.mae.partial([0.0], [9.0]))
    assert (before.value(), before.count) == (1.0, 1)
    assert (state.value(), state.count, state.weight) == (17 / 5, 3, 5.0)
    first = sum([before])
    first.update([0.0], [2.0])
    assert before.count == 1
    assert repr(before) == "<Partial of MeanAbsoluteError(): 1 samples, 1>"
    assert repr(fl.Partial(fl.mae)).endswith("0 samples, no value>")
    with pytest.raises(TypeError, match="unhashable"):
        hash(state)


@pytest.mark.parametrize("name", CASES)
def test_travels(name: str) -> None:
    loss, arguments, weight = drawn(name, "f8", 50, "f8")
    state = loss.partial(*arguments, sample_weight=weight)
    assert pickle.loads(pickle.dumps(state)) == state
    told = json.loads(json.dumps(state.to_dict()))
    again = fl.Partial.from_dict(loss, told)
    assert again == state
    assert again != state + state
    assert again.value() == state.value()
    with pytest.raises(ValueError, match="is a state of"):
        fl.Partial.from_dict(fl.log_cosh, told)


def test_travels_with_nan() -> None:
    state = fl.mae.partial([0.0, 0.0], [np.nan, np.inf])
    assert fl.Partial.from_dict(fl.mae, state.to_dict()) == state


def test_further_inputs_are_not_kept() -> None:
    y, x, noise = np.zeros(4), np.arange(4.0), np.array([1.0, 2.0, 4.0, 8.0])
    states = [
        noisy.partial(y[at], x[at], noise=noise[at])
        for at in (slice(3), slice(3, None))
    ]
    assert "_given" not in states[0].loss.__dict__
    merged = sum(states)
    assert merged.value() == noisy(y, x, noise=noise)
    assert merged.standard_error() == pytest.approx((x**2 / noise).std(ddof=1) / 2)


def test_functions_of_numpy_merge() -> None:
    numpy = fl.custom(
        lambda y, p: np.interp(p - y, [0, 10], [0, 10]), grad=lambda y, p: p
    )
    y, x = np.zeros(5), np.arange(5.0)
    state = numpy.partial(y[:2], x[:2]) + numpy.partial(y[2:], x[2:])
    assert state.value() == numpy(y, x)


# -- what is refused -------------------------------------------------------------------


def test_what_is_refused() -> None:
    y, x = np.zeros(4), np.arange(4.0)
    with pytest.raises(ValueError, match='reduction="none", a value for each'):
        fl.mse.partial(y, x, reduction="none")
    with pytest.raises(ValueError, match="compares each row with all others"):
        fl.ntxent.partial(None, np.eye(4))
    with pytest.raises(ValueError, match="compares each row with all others"):
        fl.Partial(fl.infonce)
    with pytest.raises(ValueError, match="one sequence whose entries depend"):
        fl.cox.partial((x + 1, x > 1), x)
    with pytest.raises(ValueError, match=r"one region.*axis=\(1, 2\)"):
        fl.dice.partial(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match="do not add up: they need the same loss"):
        fl.Huber(delta=1.0).partial(y, x) + fl.Huber(delta=2.0).partial(y, x)
    with pytest.raises(TypeError, match="float is no state"):
        fl.Partial(fl.mse).merge(1.0)
    with pytest.raises(TypeError, match="unsupported operand"):
        fl.Partial(fl.mse) + 1.0
    with pytest.raises(TypeError, match="unsupported operand"):
        1.0 + fl.Partial(fl.mse)
    with pytest.raises(ValueError, match=r"y_true\[1\]"):
        fl.bce.partial([0.0, 7.0], [0.5, 0.5])


def test_errors_that_do_not_exist() -> None:
    y, x = np.zeros(4), np.arange(4.0)
    with pytest.raises(ValueError, match="squares=False left out"):
        (fl.mse.partial(y, x) + fl.mse.partial(y, x, squares=False)).standard_error()
    with pytest.raises(ValueError, match="one number of all samples"):
        rmse.partial(y, x).standard_error()
    times = np.arange(8.0).reshape(2, 4) + 1
    with pytest.raises(ValueError, match="depend on each other"):
        fl.cox.partial((times, times > 2), times).standard_error()


def test_sums_that_no_part_knows() -> None:
    y, x = np.zeros(4), np.arange(4.0)
    nested = fl.custom(lambda y, p: np.mean((p - np.mean(p)) ** 2))
    with pytest.raises(ValueError, match="inside another"):
        nested.partial(y, x)
    rows = fl.custom(lambda y, p: np.sqrt(np.sum((p - y) ** 2)) / y.shape[0])
    with pytest.raises(ValueError, match=r"use y_true\.size"):
        rows.partial(y, x)
    sized = fl.custom(lambda y, p: (p - y) ** 2 * np.sqrt(y.size))
    with pytest.raises(ValueError, match="depends on the number of all samples"):
        sized.partial(y, x)
    inside = fl.custom(lambda y, p: np.sqrt(np.mean((p - y) ** 2 * np.sqrt(y.size))))
    with pytest.raises(ValueError, match="depends on the number of all samples"):
        inside.partial(y, x)
    halves = fl.custom(lambda y, p: np.sum((p - y) ** 2) / (2 * len(y)))
    state = halves.partial(y[:1], x[:1]) + halves.partial(y[1:], x[1:])
    assert state.value() == halves(y, x)
