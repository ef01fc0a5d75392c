"""The special functions of csrc/math, compiled alone and asked for their errors."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import objects

Array = np.ndarray[Any, Any]
context = mpmath.mp.clone()
context.dps = 60
DTYPES = {"f32": np.float32, "f64": np.float64}
HALF = context.mpf(1) / 2


@dataclass(frozen=True)
class Function:
    """One of them: how C and mpmath call it, and where."""

    call: str
    truth: Callable[[Any], Any]
    low: float  # of |x|
    high: float
    signs: str
    limits: tuple[float, float]  # ulp in f32 and f64
    slope: Callable[[Any], Any] | None = None  # where errors of the input count, too


def log_ndtr(x: Any) -> Any:
    if x > 1000:
        return context.mpf(0)
    if x > 0:
        return context.log1p(-context.erfc(x / context.sqrt(2)) / 2)
    if x < -(10**6):
        return -x * x / 2 - context.log(-x) - context.log(2 * context.pi) / 2 - x**-2
    return context.log(context.erfc(-x / context.sqrt(2)) / 2)


def log_ndtr_slope(x: Any) -> Any:
    if x < -(10**6):
        return -x - 1 / x
    if x > 1000:
        return context.mpf(0)
    return context.npdf(x) / (context.erfc(-x / context.sqrt(2)) / 2)


def lgamma(x: Any) -> Any:
    return context.re(context.loggamma(x))


def trigamma(x: Any) -> Any:
    return context.psi(1, x) if x < 10**20 else 1 / x + HALF / x**2


FUNCTIONS = {
    "erf": Function("fl_d_erf(x)", context.erf, 2**-30, 8, "+-", (0.6, 1.0)),
    "erfc": Function("fl_d_erfc(x)", context.erfc, 2**-30, 28, "+-", (0.6, 4.0)),
    "phi": Function(
        "fl_d_normal_density(x)", context.npdf, 2**-30, 39, "+-", (0.6, 1.9)
    ),
    "Phi": Function(
        "fl_d_ndtr(x)",
        lambda x: context.erfc(-x / context.sqrt(2)) / 2,
        2**-30,
        39,
        "+-",
        (0.6, 3.2),
    ),
    "log_ndtr": Function(
        "fl_d_log_ndtr(x).value", log_ndtr, 2**-30, 2.0**600, "+-", (0.6, 3.6)
    ),
    "log_ndtr_slope": Function(
        "fl_d_log_ndtr(x).slope", log_ndtr_slope, 2**-30, 2.0**1000, "+-", (0.6, 3.2)
    ),
    "lgamma_above_0": Function(
        "fl_d_lgamma_positive(x)", lgamma, 2.0**-1050, 2.0**1014, "+", (0.6, 2.0)
    ),
    "lgamma_below_0": Function(
        "fl_d_lgamma(x)", lgamma, 2.0**-1050, 2.0**40, "-", (0.6, 6.5), context.digamma
    ),
    "digamma": Function(
        "fl_d_digamma(x)", context.digamma, 2.0**-1000, 2.0**1000, "+", (0.6, 2.3)
    ),
    "trigamma": Function(
        "fl_d_trigamma(x)", trigamma, 2.0**-500, 2.0**1000, "+", (0.6, 2.2)
    ),
}


@cache
def library_file(isa: str, dtype: str) -> Path:
    """All functions as loops over arrays, compiled."""
    objects.FOLDER.mkdir(parents=True, exist_ok=True)
    code = '#include "math/gamma.h"\n#include "math/normal.h"\n'
    for name, function in FUNCTIONS.items():
        code += f"""
__attribute__((visibility("default")))
void special_{name}(int64_t n, const real *restrict a, real *restrict y) {{
  for (int64_t i = 0; i < n; i++) {{
    const double x = a[i];
    y[i] = (real){function.call};
  }}
}}
"""
    source = objects.FOLDER / f"special_{dtype}_{isa}.c"
    source.write_text(code)
    made = source.with_suffix(".so")
    flags = [*objects.cmake_list("CMAKE_C_FLAGS_RELEASE"), "-std=c11", "-fPIC"]
    flags += [*objects.cmake_list("kernel_flags"), *objects.cmake_list(f"flags_{isa}")]
    flags += objects.cmake_list(f"flags_of_rows_{isa}")  # as in custom losses
    flags += [f"-DFL_ISA_{isa}", f"-DFL_DTYPE_{dtype}", f"-I{objects.ROOT}/csrc"]
    objects.run([*objects.COMPILER, *flags, "-shared", str(source), "-o", str(made)])
    return made


@cache
def library(isa: str, dtype: str) -> ctypes.CDLL:
    """The same, loaded."""
    return ctypes.CDLL(str(library_file(isa, dtype)))


def calculate(name: str, isa: str, x: Array) -> Array:
    """What C says."""
    dtype = "f32" if x.dtype == np.float32 else "f64"
    y = np.empty_like(x)
    function = library(isa, dtype)[f"special_{name}"]
    function(ctypes.c_int64(x.size), *(ctypes.c_void_p(a.ctypes.data) for a in (x, y)))
    return y


def samples(name: str, dtype: type, count: int = 400) -> Array:
    """Numbers of all sizes, everyday ones, and those around 1, 2 and the steps."""
    function = FUNCTIONS[name]
    rng = np.random.default_rng(7)
    low, high = np.log2(function.low), np.log2(function.high)
    if dtype == np.float32:
        low, high = max(low, -120), min(high, 120)
    wide = 2.0 ** rng.uniform(low, high, count)
    core = rng.uniform(max(2.0**low, 0.01), min(2.0**high, 12), 2 * count)
    places = [0.5, 1, 1.4616321449683622, 1.5, 2, 2.5]
    near = rng.choice(places, count)
    near *= 1 + rng.standard_normal(count) * 2.0 ** rng.uniform(-50, -5, count)
    x = np.concatenate([wide, core, near])
    sign = {"+": 1, "-": -1, "+-": rng.choice([-1, 1], x.size)}[function.signs]
    x = (sign * x).astype(dtype)
    return x[x != np.round(x)] if function.signs == "-" else x


@cache
def truths(name: str, dtype: type) -> list[Any]:
    """The exact results for `samples`, and how errors of the input count."""
    function = FUNCTIONS[name]
    exact = [context.mpf(float(x)) for x in samples(name, dtype)]
    return [
        (function.truth(x), abs(x * function.slope(x)) if function.slope else 0)
        for x in exact
    ]


def errors(name: str, isa: str, dtype: type) -> Array:
    """In ulps of the result, or of the change that an ulp of x makes if larger."""
    info = np.finfo(dtype)
    found = calculate(name, isa, samples(name, dtype))
    result = []
    for y, (truth, change) in zip(found, truths(name, dtype), strict=True):
        size = max(abs(truth), change)
        if size > float(info.max):
            result.append(0.0 if np.isinf(y) else np.inf)
            continue
        exponent = int(context.floor(context.log(size, 2))) if size else info.minexp
        unit = context.mpf(2) ** (max(exponent, info.minexp) - info.nmant)
        result.append(float(abs(context.mpf(float(y)) - truth) / unit))
    return np.array(result)
