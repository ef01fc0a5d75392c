"""A trace sees what NumPy sees: the value of the function itself, or a refusal."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import numbers
import random
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss._custom.captured import Captured
from fastloss.core import job

Y = np.array([1.0, 2.0, 0.0, 3.0, 1.0])
P = np.array([1.5, -4.0, 0.0, 2.5, 1.0])


def agrees(function: Callable[..., Any], *calls: dict[str, Any]) -> None:
    """Assert that the loss gives what the function gives, call after call."""
    loss = fl.custom(function)
    for parameters in ({}, *calls):
        with np.errstate(all="ignore"):
            expected = function(Y, P, **parameters)
        reduction = {"reduction": "none"} if np.ndim(expected) else {}
        found = loss(Y, P, **parameters, **reduction)
        np.testing.assert_allclose(found, expected, rtol=1e-14, err_msg=str(parameters))


# -- what Python does with a parameter -------------------------------------------------

NUMBERS = [
    {"k": k} for k in (2.0, 1, 2, True, 1.0, -0.0, 0.0, np.float32(2), np.int64(2), 2.5)
]
ASKED = [
    lambda y, p, k=2.0: 10 * p if k in {1.0, 2.0} else p,
    lambda y, p, k=2.0: {1: 10, 2: 20}.get(k, 3) * p,
    lambda y, p, k=2.0: {k: p}.get(2, y),
    lambda y, p, k=2.0: p if k in ("auto", 2) else y,
    lambda y, p, k=2.0: p if k == "auto" or k != "none" else y,
    lambda y, p, k=2.0: p if isinstance(k, float) else y,
    lambda y, p, k=2.0: p if isinstance(k, int) else y,
    lambda y, p, k=2.0: p if isinstance(k, bool) else y,
    lambda y, p, k=2.0: p if isinstance(k, np.floating) else y,
    lambda y, p, k=2.0: p if isinstance(k, numbers.Real) else y,
    lambda y, p, k=2.0: p if isinstance(y, np.ndarray) else y,
    lambda y, p, k=2.0: p if k.__class__ is float else y,
    lambda y, p, k=2.0: p if np.isscalar(k) and np.ndim(k) == 0 else y,
    lambda y, p, k=2.0: p if str(k) == "2.0" else y,
    lambda y, p, k=2.0: p if repr(k) == "2" else y,
    lambda y, p, k=2.0: p if f"{k:.1f}" == "2.0" else y,
    lambda y, p, k=2.0: p if "%g" % k == "2" else y,  # noqa: UP031
    lambda y, p, k=2.0: p if k is True else y,
    lambda y, p, k=2.0: p if k is None else y,
    lambda y, p, k=2.0: p if k else y,
    lambda y, p, k=2.0: hash(k) * p,
    lambda y, p, k=2.0: math.copysign(1.0, k) * p,
    lambda y, p, k=2.0: np.copysign(1.0, k) * p,
    lambda y, p, k=2.0: (k // 2) * p + (k % 2) * y,
    lambda y, p, k=2.0: divmod(k, 2)[1] * p,
    lambda y, p, k=2.0: round(k) * p + math.floor(k) * y + math.ceil(k),
    lambda y, p, k=2.0: np.floor(k) * p,
    lambda y, p, k=2.0: np.array(k) * p + np.array([k, 1.0]).sum(),
    lambda y, p, k=2.0: max(k, 1.5) * p,
    lambda y, p, k=2.0: p if float(k).is_integer() else y,
    lambda y, p, k=2.0: k.real * p,
    lambda y, p, k=2.0: sum(0.5 for _ in range(int(k))) * p,
    lambda y, p, k=2.0: np.mean(p) + np.sum(k**2),
    lambda y, p, k=2.0: np.where(k > 1, p, y),
    lambda y, p, k=2.0: np.clip(k, 0, 1.5) * p,
]


@pytest.mark.parametrize("i", range(len(ASKED)))
def test_python_gets_the_parameter_it_would_get(i: int) -> None:
    agrees(ASKED[i], *NUMBERS, *reversed(NUMBERS))


def test_a_parameter_is_no_json_and_says_so() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        fl.custom(lambda y, p, k=1.0: json.loads(json.dumps({"k": k}))["k"] * p)


def test_bits_of_an_integer() -> None:
    agrees(lambda y, p, n=6: (n & 3) * p, {"n": 5}, {"n": 8})


def test_what_types_are_seen_by_type_is_refused() -> None:
    for function in (
        lambda y, p, k=2.0: p if type(k) is float else y,
        lambda y, p, k=2.0: p if type(y) is np.ndarray else y,
        lambda y, p, k=2.0: p if type(k).__name__ == "float" else y,
    ):
        with pytest.raises(fl.TraceError, match=r"type\(\)[\s\S]*lambda[\s\S]*isinst"):
            fl.custom(function)
    agrees(lambda y, p, k=2.0: p if type(k) is str else y, {"k": 3})


def test_a_caught_refusal_is_one_all_the_same() -> None:
    def caught(y, p):
        try:
            if p > y:
                return p
        except Exception:
            pass
        return y

    def rewritten(y, p):
        try:
            return np.exp(p) if p > 0 else p
        except TypeError as error:
            raise ValueError("no branch") from error

    for function in (caught, rewritten):
        with pytest.raises(fl.TraceError, match="a condition on data decides"):
            fl.custom(function)
    agrees(lambda y, p: y if hasattr(y, "numpy") else p)
    agrees(lambda y, p: getattr(y, "values", p))


def test_an_array_is_no_key() -> None:
    with pytest.raises(fl.TraceError, match="looked up in a set or a dict"):
        fl.custom(lambda y, p: p if p in {1.0, 2.0} else y)
    with pytest.raises(fl.TraceError, match="looked up in a set or a dict"):
        fl.custom(lambda y, p: {p: 1}[p])


def test_caches_of_the_user_keep_their_answers() -> None:
    @functools.lru_cache
    def doubled(k: float) -> float:
        return 2 * k

    memory: dict[float, float] = {}

    def remembered(y, p, k=2.0):
        if k not in memory:
            memory[k] = k * k
        return memory[k] * doubled(k) * p

    agrees(remembered, {"k": 3.0}, {"k": 2.0}, {"k": 2})
    assert doubled(2.0) == 4.0
    assert remembered(Y, P, k=2.0).tolist() == (16 * P).tolist()


def test_a_stand_in_that_outlives_its_trace_is_refused() -> None:
    kept: list[Any] = []

    def leaking(y, p, k=2.0):
        kept.append(k * p)
        return kept[0]

    loss = fl.custom(leaking)
    with pytest.raises(fl.TraceError, match="something has kept it"):
        loss(Y, P, k=True)


# -- what it reads besides -------------------------------------------------------------

FACTOR = 2.0


def by_factor(r):
    return FACTOR * r


def with_helper(y, p):
    return by_factor(p - y)


@dataclasses.dataclass(slots=True)
class Slotted:
    k: float = 2.0


class Setting:
    """Something with a number."""

    k = 2.0

    def __init__(self) -> None:
        self._own = 2.0

    @property
    def shown(self) -> float:
        return self._own

    def weighed(self, r: Any) -> Any:
        return self._own * r

    def __call__(self, y: Any, p: Any) -> Any:
        return self._own * (p - y)

    def method(self, y: Any, p: Any) -> Any:
        return self._own * (p - y)


def follows(
    function: Callable[..., Any], change: Callable[[], object], factor: float = 2.5
) -> None:
    """Assert that the loss follows a change of what the function reads."""
    loss = fl.custom(function)
    before = loss(Y, P), loss.grad(Y, P)
    change()
    assert loss(Y, P) == np.mean(function(Y, P)) == factor * before[0]
    assert loss.grad(Y, P).tolist() == (factor * before[1]).tolist()


def test_globals_and_helpers_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[__name__]
    follows(with_helper, lambda: monkeypatch.setattr(module, "FACTOR", 5.0))

    def doubled(r):
        return 2 * FACTOR * r

    follows(with_helper, lambda: monkeypatch.setattr(module, "by_factor", doubled), 2)


def test_variables_around_a_function_are_followed() -> None:
    k = 2.0

    def change() -> None:
        nonlocal k
        k = 5.0

    follows(lambda y, p: k * (p - y), change)
    losses = [fl.custom(lambda y, p: i * (p - y)) for i in (1, 2, 3)]  # noqa: B023
    assert [loss([0.0], [1.0]) for loss in losses] == [3.0, 3.0, 3.0]


def test_containers_and_objects_are_followed() -> None:
    table, items, array = {"a": {"b": [2.0]}}, [2.0, 1.0], np.array([2.0, 1.0])
    follows(lambda y, p: table["a"]["b"][0] * (p - y), lambda: setitem(table, 5.0))
    follows(lambda y, p: items[0] * (p - y), lambda: items.insert(0, 5.0))
    follows(lambda y, p: array[0] * (p - y), lambda: array.put(0, 5.0))
    slotted, space = Slotted(), types.SimpleNamespace(inner=Slotted())
    follows(lambda y, p: slotted.k * (p - y), lambda: setattr(slotted, "k", 5.0))
    follows(lambda y, p: space.inner.k * (p - y), lambda: setattr(space.inner, "k", 5))


def setitem(table: dict[str, Any], value: float) -> None:
    table["a"]["b"][0] = value


def test_attributes_and_methods_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = Setting()
    for function in (
        lambda y, p: setting.shown * (p - y),
        lambda y, p: setting.weighed(p - y),
        setting.method,
        setting,
    ):
        setting._own = 2.0
        follows(function, functools.partial(setattr, setting, "_own", 5.0))
    follows(lambda y, p: setting.k * (p - y), lambda: setattr(setting, "k", 5.0))
    follows(
        lambda y, p: Setting.k * (p - y),
        lambda: monkeypatch.setattr(Setting, "k", 5.0),
    )


def test_modules_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = types.ModuleType("settings_of_a_test")
    settings.k = 2.0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "settings_of_a_test", settings)
    follows(lambda y, p: settings.k * (p - y), lambda: setattr(settings, "k", 5.0))


def test_the_class_form_is_followed() -> None:
    class Scaled(fl.Loss):
        factor = 2.0

        def residual(self, y, p):
            return FACTOR * (p - y)

        def call(self, y, p):
            return self.factor * self.residual(y, p)

    loss = Scaled()
    before = loss(Y, P)
    Scaled.factor = 5.0
    assert loss(Y, P) == 2.5 * before


def test_what_does_not_change_is_not_watched() -> None:
    assert not Captured([lambda y, p, k=1.0: np.exp(k * (p - y)) + math.pi]).watches
    assert Captured([with_helper]).watches


def test_chance_clocks_and_counters_are_refused() -> None:
    generator, numbers, counts = np.random.default_rng(0), iter(range(9)), {"n": 0}

    def counted(y, p):
        counts["n"] += 1
        return counts["n"] * p

    for function in (
        lambda y, p: generator.normal() * p,
        lambda y, p: np.random.normal() * p,  # noqa: NPY002
        lambda y, p: random.random() * p,
        lambda y, p: time.perf_counter() * p,
        lambda y, p: next(numbers) * p,
        counted,
    ):
        with pytest.raises(fl.TraceError, match="another formula each time"):
            fl.custom(function)
    with pytest.raises(fl.TraceError, match=r"in <lambda>\n    .*random\.random\(\)"):
        fl.custom(lambda y, p: random.random() * p)


# -- booleans --------------------------------------------------------------------------

BOOLEANS = [
    lambda y, p: ((p > 1) + (y > 1)) * p,
    lambda y, p: ((p > 1) + (y > 1) + (p > y)) * p,
    lambda y, p: sum([p > 1, y > 1, p > y]) * p,
    lambda y, p: 1 - (p > 1) + (True + (p > 1)) * y,
    lambda y, p: (np.True_ + (p > 1)) * p,
    lambda y, p: ((p > 1) * (y > 1) + (p > y)) * p,
    lambda y, p: (np.where(y > 0, p > 1, True) + (p > y)) * p,
    lambda y, p: ((p > 1).astype(int) + (y > 1).astype(float)) * p,
    lambda y, p: (y.astype(bool) + (p > 1)) * p,
    lambda y, p: (np.maximum(y > 1, p > 1) + np.minimum(y > 0, p > 1)) * p,
    lambda y, p: (np.logical_and(y > 1, p > 1) + (p > 1)) * p,
    lambda y, p: (np.isnan(y) + (p > 1) + (y > 1)) * p,
    lambda y, p: ((p > 1) & 1) * p + ((p > 1) & 1),
    lambda y, p: (abs(p > 1) + (~(p > 1) + (y > 1))) * p,
    lambda y, p: ((p > 1) ** 2 + (y > 1) ** 2) * p,
    lambda y, p: np.sum((p > 1) == (y > 1)),
    lambda y, p, k=2.0: ((k > 1) + (p > 1)) * p,
]


@pytest.mark.parametrize("i", range(len(BOOLEANS)))
def test_booleans_are_those_of_numpy(i: int) -> None:
    agrees(BOOLEANS[i])


@pytest.mark.parametrize(
    ("function", "remedy"),
    [
        (lambda y, p: ((p > 1) - (y > 1)) * p, r"write a \^ b"),
        (lambda y, p: -(p > 1) * p, "write ~condition"),
        (lambda y, p: ((p > 1) & 2) * p, "compare first"),
        (lambda y, p, k=1.0: ((k > 1) + (k > 2)) * p, "write float"),
        (lambda y, p, k=1.0: ~(k > 1) * p, "write float"),
    ],
)
def test_booleans_that_numpy_refuses(function: Any, remedy: str) -> None:
    with pytest.raises(fl.TraceError, match=remedy):
        fl.custom(function)


# -- NaNs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda y, p: ((p - y) + y) ** 2,
        lambda y, p: 0 * y + p,
        lambda y, p: y * p + (1 - y) * p,
        lambda y, p: np.where(p > 0, (p - y) + y, p * 2),
        lambda y, p: np.isnan((p - y) + y) * 1.0,
        lambda y, p: fl.math.sigmoid((p - y) + y),
        lambda y, p: np.hypot((p - y) + y, 1.0),
        lambda y, p: np.clip((p - y) + y, -1, 1),
        lambda y, p: np.clip(p, y - 1, y + 1),
        lambda y, p: abs((p - y) + y) ** 2.5,
        lambda y, p: np.mean((p - y) + y),
        lambda y, p: p ** (0 * y),
        lambda y, p: y * np.where(p < 0, 0.0, p),
        lambda y, p: 0 * np.where(p > 0, y, 1.0) + p,
        lambda y, p: (p - p) * np.where(p < 0, y, 1.0),
    ],
)
def test_a_nan_goes_where_numpy_lets_it(function: Callable[..., Any]) -> None:
    y, p = np.array([np.nan, 1.0, np.nan]), np.array([1.0, 2.0, -1.0])
    with np.errstate(all="ignore"):
        expected = function(y, p)
    loss = fl.custom(function)
    found = loss(y, p, reduction="none") if np.ndim(expected) else loss(y, p)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    if np.ndim(expected):
        gradient = loss.grad(y, p, reduction="sum")
        assert np.all(np.isnan(gradient[np.isnan(expected)]))


@pytest.mark.parametrize(
    "function",
    [
        lambda y, p: 0 / (p * y),
        lambda y, p: (p - p) / (p * y),
        lambda y, p: ((y - p) + (p - y)) / (p * y),
        lambda y, p: np.where(p > 1, 0, p) / (p * y),
        lambda y, p: np.where(p > 1, (y - p) + (p - y), p) / (p * y),
    ],
)
def test_zero_over_zero_is_a_nan(function: Callable[..., Any]) -> None:
    y, p = np.array([0.0, 1.0, 1.0]), np.array([2.0, 1e-310, 3.0])
    with np.errstate(all="ignore"):
        expected = function(y, p)
    loss = fl.custom(function)
    np.testing.assert_array_equal(loss(y, p, reduction="none"), expected)
    gradient, hessian = loss.grad_and_hess(y, p, reduction="sum")
    assert np.isnan([gradient[0], hessian[0]]).all()
    assert gradient[2] == hessian[2] == 0


# -- bounds and counts -----------------------------------------------------------------


def test_clip_between_arrays() -> None:
    loss = fl.custom(lambda y, p: np.clip(p, y - 0.5, y + 0.5))
    p = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    y = np.ones(5)
    assert loss(y, p, reduction="none").tolist() == [0.5, 0.5, 1.0, 1.5, 1.5]
    assert loss.grad(y, p, reduction="sum").tolist() == [0, 1, 1, 1, 0]
    agrees(lambda y, p: np.clip(p, y + 0.2, y - 0.2))
    agrees(lambda y, p: p.clip(min=0) + np.clip(p, max=1) + np.clip(p, -1, y))


COUNTS = [
    lambda y, p: np.sum((p - y) ** 2) / y.shape[0],
    lambda y, p: np.sum((p - y) ** 2) / y.size,
    lambda y, p: 1 / (2 * y.size) * np.sum((p - y) ** 2),
    lambda y, p: 1 / (2 * p.shape[0]) * np.sum((p - y) ** 2),
    lambda y, p: np.sum((p - y) ** 2) / np.shape(y)[0] / 2,
    lambda y, p: np.sum((p - y) ** 2) / np.size(y),
    lambda y, p: 1 / (2 * len(y)) * np.sum((p - y) ** 2),
    lambda y, p: -np.sum((p - y) ** 2) / (len(p) + 1),
    lambda y, p: np.sum((p - y) ** 2) / (y.size - 1),
    lambda y, p: np.mean((p - y) ** 2) * y.size,
    lambda y, p, k=3.0: k / y.size * np.sum(abs(p - y)) + np.mean(p),
    lambda y, p: np.sum(np.ones_like(p)) + np.sum(0 * y + 1),
]


@pytest.mark.parametrize("i", range(len(COUNTS)))
@pytest.mark.parametrize("shape", [(6,), (3, 2), (2, 3, 1)])
def test_numbers_of_samples(i: int, shape: tuple[int, ...]) -> None:
    y = np.zeros(shape)
    p = np.arange(1.0, 7.0).reshape(shape)
    loss = fl.custom(COUNTS[i])
    for k in (1, 2):
        arrays = np.concatenate([y] * k), np.concatenate([p] * k)
        np.testing.assert_allclose(loss(*arrays), COUNTS[i](*arrays), rtol=1e-14)
        np.testing.assert_allclose(
            loss.grad(*arrays), numerical(COUNTS[i], *arrays), rtol=1e-6, atol=1e-6
        )


def numerical(function: Callable[..., Any], y: Any, p: Any) -> Any:
    """Return the gradient by differences."""
    found = np.zeros_like(p)
    for index in np.ndindex(p.shape):
        step = np.zeros_like(p)
        step[index] = 1e-4
        found[index] = (function(y, p + step) - function(y, p - step)) / 2e-4
    return found


def test_a_sum_over_as_many_is_a_mean() -> None:
    for function in COUNTS[1:3]:
        loss = fl.custom(function)
        assert loss.reduction == "mean"
        assert "size" not in loss.formula
        value = loss([0.0, 0.0], [1.0, 3.0], sample_weight=[3.0, 1.0])
        assert value == loss([0.0, 0, 0, 0], [1.0, 1, 1, 3])
    assert fl.custom(COUNTS[7]).reduction == "sum"


@pytest.mark.parametrize(
    "function",
    [
        lambda y, p: np.ones(len(y)),
        lambda y, p: np.ones(y.shape),
        lambda y, p: np.ones(y.size),
        lambda y, p: np.zeros(p.shape[0]),
        lambda y, p: p if y.size > 3 else y,
        lambda y, p: np.full(np.shape(p), 2.0),
    ],
)
def test_shapes_are_not_known(function: Callable[..., Any]) -> None:
    with pytest.raises(fl.TraceError, match="ones_like"):
        fl.custom(lambda y, p: np.abs(p - y), hess=function)


def test_the_length_of_the_second_axis() -> None:
    loss = fl.custom(lambda y, p: np.sum(p - y) / y.shape[1])
    assert loss(np.zeros((2, 4)), np.ones((2, 4))) == 2.0
    with pytest.raises(ValueError, match="two axes are expected"):
        loss(np.zeros(4), np.ones(4))
    with pytest.raises(fl.TraceError, match=r"shape\[2\]: a formula knows"):
        fl.custom(lambda y, p: np.sum(p - y) / y.shape[2])


# -- functions that run as NumPy -------------------------------------------------------


def test_numpy_sees_floats() -> None:
    loss = fl.custom(
        lambda y, p, m: np.cumsum((1 - y) * p - m),
        inputs="m",
        grad=lambda y, p, m: (1 - y) + 0 * p,
    )
    p = np.array([1.5, 2.0, 2.0], np.float32)
    for dtype in (np.uint8, np.bool_, np.int64, ">f8"):
        y = np.array([0, 1, 1]).astype(dtype)
        m = np.array([1, 0, 1], np.uint8)
        found = loss(y, p, m=m, reduction="none")
        assert found.dtype == np.float32
        assert found.tolist() == [0.5, 0.5, -0.5]
        assert loss.grad(y, p, m=m, reduction="sum").tolist() == [1, 0, 0]


def test_numpy_does_not_write_into_its_arguments() -> None:
    def spoiling(y, p):
        p -= y
        return np.cumsum(p)

    loss = fl.custom(spoiling, grad=lambda y, p: p)
    y, p = np.ones(3), np.arange(3.0)
    with pytest.raises(ValueError, match=r"writes into[\s\S]*p -= y[\s\S]*copy\(\)"):
        loss(y, p)
    assert p.tolist() == [0, 1, 2]
    copying = fl.custom(lambda y, p: np.cumsum(p.copy()), grad=lambda y, p: p)
    assert copying(y, p) == 4 / 3


def test_the_mask_of_an_input_is_not_lost() -> None:
    loss = fl.custom(lambda y, p, m: m * (p - y), inputs=("m",))
    with pytest.raises(TypeError, match="m is a masked array"):
        loss([0.0], [1.0], m=np.ma.array([1.0], mask=[True]))


# -- caches ----------------------------------------------------------------------------


def test_traces_are_bounded_and_found_at_once() -> None:
    calls = []

    @fl.custom
    def read(y, p, k=1.0, j=1.0):
        calls.append(None)
        return (p - y) * (math.log(k + 1) if k > 0 else math.exp(j))

    for i in range(600):
        assert read([0.0], [1.0], k=1 + i / 64) == math.log(2 + i / 64)
    assert len(calls) == 600
    assert sum(map(len, read._compiler._traces.values())) < 600
    for j in (0.0, 1.0, 0.0, 1.0):
        assert read([0.0], [1.0], k=-1.0, j=j) == pytest.approx(math.exp(j))
    assert len(calls) == 602


def test_a_change_of_what_is_read_forgets_the_rest() -> None:
    state = {"k": 1.0}
    loss = fl.custom(lambda y, p: state["k"] * (p - y))
    for i in range(50):
        state["k"] = i + 1.0
        assert loss([0.0], [1.0]) == i + 1.0
        assert loss.grad([0.0], [1.0]) == i + 1.0
    assert len(loss._programs) <= len(job.OUTPUT_SETS)
    assert len(loss._compiler._programs) <= 4


def test_a_slope_may_become_a_number() -> None:
    loss = fl.custom(lambda y, p: np.maximum(np.hypot(p, 0.0) ** 2, p * y))
    grad, hess = loss.grad_and_hess([0.0, 1.0], [-3.0, 4.0], reduction="sum")
    assert (grad.tolist(), hess.tolist()) == ([-6, 8], [2, 2])
