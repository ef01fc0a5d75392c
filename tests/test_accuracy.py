"""Every entry is right, tails included: errors in ulps against multi-precision."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import generators
import numpy as np
import oracle
import pytest

import fastloss as fl

LOSSES = [*oracle.losses(), *oracle.losses_of_one_parameter()]
UNBOUNDED = [
    loss for loss in LOSSES if oracle.ROWS[loss.kernel].predictions == ("real",)
]

#: What may be NaN.
FLOATS = [
    pytest.param(loss, where, id=f"{oracle.label(loss)}-{where}")
    for loss in LOSSES
    for where in ("y_true", "y_pred")
    if where == "y_pred" or not generators.has_classes(oracle.ROWS[loss.kernel])
]


def limit(loss: fl.Loss, output: str, dtype: type) -> float:
    """The promise, in ulps; a power multiplies errors by its exponent."""
    limits: dict[str, float] = generators.of(loss).limits
    power = max(getattr(loss, name, 0) for name in ("gamma", "gamma_pos", "gamma_neg"))
    if loss.kernel.startswith("categorical"):
        power *= 1.5 * loss.kernel.endswith("_logits")
    else:
        power *= 2.5
    wide = limits["wide"] if dtype == np.float64 else 0
    return limits[output] + wide + power


#: One sample in 23 for each kernel as it comes, fewer for other parameters; all
#: of them in the slow run, and in docs/accuracy.md.
THOROUGHLY = [
    pytest.param(loss, 23, id=oracle.label(loss)) for loss in oracle.default_losses()
]
BRIEFLY = [
    pytest.param(loss, 101, id=oracle.label(loss))
    for loss in LOSSES
    if loss not in oracle.default_losses()
]
EVERYTHING = [
    pytest.param(loss, 1, id=f"{oracle.label(loss)}-all", marks=pytest.mark.slow)
    for loss in LOSSES
]


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize(("loss", "step"), [*THOROUGHLY, *BRIEFLY, *EVERYTHING])
def test_errors_in_ulps(loss: fl.Loss, step: int, dtype: type, isa: str) -> None:
    for labels in oracle.label_kinds(loss.kernel):
        for output in oracle.OUTPUTS:
            worst = oracle.worst(loss, output, dtype, labels, step)
            assert worst.error <= limit(loss, output, dtype), (output, worst)


TWICE = {dtype: oracle.Numbers(2 * digits) for dtype, digits in oracle.DIGITS.items()}


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", oracle.losses(), ids=oracle.label)
def test_twice_the_digits_tell_the_same_truth(
    loss: fl.Loss, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    for y, x in oracle.samples(loss.kernel, dtype):
        if x.ndim == 2 and x.shape[-1] > 17:
            continue
        few = slice(None, None, 37 if x.ndim == 1 else 5)
        for output in oracle.OUTPUTS:
            truth = oracle.truth(loss, output, y[few], x[few])
            with monkeypatch.context() as patch:
                patch.setitem(oracle.NUMBERS, dtype, TWICE[dtype])
                again = oracle.truth(loss, output, y[few], x[few])
            apart = (truth.base - again.base) / truth.ulp
            finite = np.isfinite(truth.rest)  # beyond the largest float it is infinite
            np.testing.assert_array_equal(truth.rest[~finite], again.rest[~finite])
            rest = again.rest[finite] * (again.ulp / truth.ulp)[finite]
            apart[finite] += truth.rest[finite] - rest
            assert np.max(np.abs(apart)) < 1e-12


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", UNBOUNDED, ids=oracle.label)
def test_infinite_predictions_have_the_limits(
    loss: fl.Loss, dtype: type, isa: str
) -> None:
    row = oracle.ROWS[loss.kernel]
    y, x = generators.of(loss).infinite(row, dtype)
    for output in oracle.OUTPUTS:
        got = oracle.calculate(loss, output, y, x)
        error = oracle.truth(loss, output, y, x).error(got)
        assert np.max(error) <= limit(loss, output, dtype), (output, got)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize(("loss", "where"), FLOATS)
def test_nan_stays_where_it_is(
    loss: fl.Loss, dtype: type, where: str, isa: str
) -> None:
    row = oracle.ROWS[loss.kernel]
    y, x = generators.of(loss).constant(row, dtype, 50)
    read = np.flatnonzero(oracle.calculate(loss, "grad", y, x)[20])
    (y if where == "y_true" else x)[20] = np.nan
    for output in oracle.OUTPUTS:
        nan = np.isnan(oracle.calculate(loss, output, y, x))
        if generators.has_classes(row) and read.size == 1 and output != "value":
            assert nan[20, read[0]]  # the other entries do not enter
        else:
            assert np.all(nan[20])
        assert not np.any(np.delete(nan, 20, axis=0))


@pytest.mark.parametrize("step", [4093, pytest.param(1, marks=pytest.mark.slow)])
def test_float32_logits(step: int, isa: str) -> None:
    """A million of the 2^32 logits for both labels; all of them in the slow run."""
    for output, worst in oracle.worst_on_logits(step).items():
        assert worst.error <= generators.ELEMENTS.limits[output], (output, worst)


def exact_sum(terms: np.ndarray) -> float:
    return math.fsum(terms.ravel().tolist())


def ulps(got: float, expected: float) -> float:
    return abs(got - expected) / math.ulp(expected)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_sums_lose_no_digits(
    loss: fl.Loss, dtype: type, weighted: bool, isa: str
) -> None:
    random = np.random.RandomState(4)
    y, x = oracle.plain(loss.kernel, dtype, 100_003, random)
    samples = generators.of(loss).samples(x.shape)
    weight = np.ldexp(1.0, random.randint(-9, 9, samples)) if weighted else None
    terms = oracle.calculate(loss, "value", y, x).astype(float)
    expected = exact_sum(terms if weight is None else weight * terms)
    got = replace(loss, reduction="sum")(y, x, sample_weight=weight)
    assert type(got) is float
    assert ulps(got, expected) <= (1 if dtype == np.float32 else 2)


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_mean_of_very_many_equal_terms(dtype: type, isa: str) -> None:
    n = 100_000_000
    y = np.broadcast_to(dtype(0), n)
    x = np.broadcast_to(dtype(0.1), n)
    term = fl.MeanSquaredError(reduction="none")(y[:1], x[:1])[0]
    total = float(n * Fraction(float(term)))
    assert ulps(fl.MeanSquaredError(reduction="sum")(y, x), total) <= 2
    assert ulps(fl.mean_squared_error(y, x), float(term)) <= 2


@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_sum_of_terms_that_grow(dtype: type, isa: str) -> None:
    x = np.geomspace(1e-15, 1e15, 3_000_001).astype(dtype)
    total = exact_sum(x.astype(float))
    got = fl.MeanAbsoluteError(reduction="sum")(np.zeros_like(x), x)
    assert ulps(got, total) <= 2
