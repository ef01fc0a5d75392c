"""The functions of custom losses: errors in ulps against multi-precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import fastloss as fl

SAMPLES = 250
context = mpmath.mp.clone()
context.prec = 300

# name, function, truth, range of |x| in f64, signs, bounds in f32 and f64 (ulp)
Row = tuple[
    str, Callable[..., Any], Callable[..., Any], tuple[float, float], str, float, float
]
log2 = context.log(2)
TABLE: list[Row] = [
    ("exp", np.exp, context.exp, (2**-30, 750), "+-", 1.0, 1.0),
    ("expm1", np.expm1, context.expm1, (2**-60, 750), "+-", 1.5, 1.8),
    ("log", np.log, context.log, (2**-1000, 2.0**1000), "+", 1.0, 1.0),
    ("log1p", np.log1p, context.log1p, (2**-60, 2.0**1000), "+", 1.2, 1.3),
    (
        "log2",
        np.log2,
        lambda x: context.log(x) / log2,
        (2**-1000, 2.0**1000),
        "+",
        0.6,
        0.6,
    ),
    ("log10", np.log10, context.log10, (2**-1000, 2.0**1000), "+", 0.6, 0.6),
    ("sin", np.sin, context.sin, (2**-30, 2.0**40), "+-", 0.6, 0.8),
    ("cos", np.cos, context.cos, (2**-30, 2.0**40), "+-", 0.6, 0.8),
    ("tanh", np.tanh, context.tanh, (2**-30, 64), "+-", 1.6, 1.6),
    ("arctan", np.arctan, context.atan, (2**-30, 2.0**60), "+-", 0.6, 1.6),
    ("sinh", np.sinh, context.sinh, (2**-30, 720), "+-", 0.6, 2.4),
    ("cosh", np.cosh, context.cosh, (2**-30, 720), "+-", 0.6, 2.4),
    ("erf", fl.math.erf, context.erf, (2**-30, 8), "+-", 0.6, 1.2),
    (
        "cbrt",
        np.cbrt,
        lambda x: context.sign(x) * context.cbrt(abs(x)),
        (2**-1000, 2.0**1000),
        "+-",
        0.6,
        0.7,
    ),
    (
        "softplus",
        fl.math.softplus,
        lambda x: context.log1p(context.exp(x)),
        (2**-30, 740),
        "+-",
        1.6,
        1.6,
    ),
    (
        "sigmoid",
        fl.math.sigmoid,
        lambda x: 1 / (1 + context.exp(-x)),
        (2**-30, 740),
        "+-",
        1.8,
        1.8,
    ),
    (
        "log_cosh",
        fl.math.log_cosh,
        lambda x: context.log(context.cosh(x)),
        (2**-60, 740),
        "+-",
        1.6,
        1.6,
    ),
    (
        "log(1-exp)",
        lambda x: np.log(1 - np.exp(x)),
        lambda x: context.log(-context.expm1(x)),
        (2**-60, 30),
        "-",
        2.0,
        2.0,
    ),
    (
        "exp(-x^2)",
        lambda x: np.exp(-(x**2)),
        lambda x: context.exp(-(x**2)),
        (2**-20, 28),
        "+-",
        1.1,
        1.1,
    ),
    (
        "sqrt(1+x)-1",
        lambda x: np.sqrt(1 + x) - 1,
        lambda x: context.sqrt(1 + x) - 1,
        (2**-60, 2.0**100),
        "+",
        2.2,
        2.2,
    ),
    (
        "sqrt(1+x^2)-1",
        lambda x: np.sqrt(1 + x**2) - 1,
        lambda x: context.sqrt(1 + x**2) - 1,
        (2**-60, 2.0**100),
        "+-",
        2.5,
        2.5,
    ),
    (
        "x^1.7",
        lambda x: x**1.7,
        lambda x: x ** context.mpf(1.7),
        (2**-500, 2.0**500),
        "+",
        0.6,
        1.0,
    ),
    (
        "x^-2.5",
        lambda x: x**-2.5,
        lambda x: x ** context.mpf(-2.5),
        (2**-300, 2.0**300),
        "+",
        0.6,
        1.0,
    ),
]


def samples(bounds: tuple[float, float], signs: str, dtype: type) -> Any:
    rng = np.random.default_rng(7)
    small, large = -100.0, 100.0
    low, high = (float(np.log2(b)) for b in bounds)
    if dtype == np.float32:
        low, high = max(low, small), min(high, large)
    wide = 2.0 ** rng.uniform(low, high, SAMPLES)
    core = 2.0 ** rng.uniform(max(low, -4), min(high, 3), SAMPLES)
    near_one = 1 + rng.uniform(-0.4, 0.4, SAMPLES) * 2.0 ** rng.uniform(-20, 0, SAMPLES)
    x = np.concatenate([wide, core, near_one])
    if "-" in signs:
        x *= rng.choice([-1, 1], x.size) if "+" in signs else -1
    return x.astype(dtype)


def error(found: Any, truth: Any) -> float:
    """Distance in ulps of the dtype of `found`."""
    info = np.finfo(found.dtype)
    if abs(truth) >= context.mpf(float(info.max)) * (1 + context.mpf(2) ** -60):
        return (
            0.0 if np.isinf(found) else abs(float(context.mpf(float(info.max)) - found))
        )
    exponent = int(context.floor(context.log(abs(truth), 2))) if truth else info.minexp
    unit = context.mpf(2) ** (max(exponent, info.minexp) - info.nmant)
    return float(abs(context.mpf(float(found)) - truth) / unit)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_errors_in_ulps(row: Row, isa: str) -> None:
    _, function, truth, bounds, signs, *limits = row
    loss = fl.custom(lambda y, p: function(p))
    for dtype, limit in zip((np.float32, np.float64), limits, strict=True):
        x = samples(bounds, signs, dtype)
        found = loss(np.zeros_like(x), x, reduction="none")
        errors = [
            error(f, truth(context.mpf(float(a))))
            for f, a in zip(found, x, strict=True)
        ]
        worst = int(np.argmax(errors))
        assert errors[worst] <= limit, (dtype.__name__, x[worst], errors[worst])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values_are_numpys(dtype: type, isa: str) -> None:
    inf, nan = np.inf, np.nan
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([0.0, -0.0, 1.0, -1.0, inf, -inf, nan, tiny, -tiny, 0.5, 1e30], dtype)
    y = np.zeros_like(x)
    unary = "exp expm1 log log1p log2 log10 tanh arctan sinh cosh cbrt sqrt sin cos"
    for name in unary.split():
        function = getattr(np, name)
        with np.errstate(all="ignore"):
            expected = function(x)
        found = fl.custom(lambda y, p, f=function: f(p) if f is not None else p)
        np.testing.assert_allclose(
            found(y, x, reduction="none"), expected, rtol=1e-6, err_msg=name
        )
    a, b = (g.ravel() for g in np.meshgrid(x, x))
    for name in ("minimum", "maximum", "power", "logaddexp"):
        function = getattr(np, name)
        with np.errstate(all="ignore"):
            expected = function(a, b)
        found = fl.custom(
            {
                "minimum": lambda y, p: np.minimum(y, p),
                "maximum": lambda y, p: np.maximum(y, p),
                "power": lambda y, p: np.power(y, p),
                "logaddexp": lambda y, p: np.logaddexp(y, p),
            }[name]
        )(a, b, reduction="none")
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-44, err_msg=name)
