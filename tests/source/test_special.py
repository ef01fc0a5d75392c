"""Special functions: errors in ulps, bits, limits, and loops that are vectorised."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import objects
import pytest
import special
from special import FUNCTIONS
from test_vectorised import alone

import fastloss as fl
from fastloss.core import _bridge

dtypes = pytest.mark.parametrize("dtype", special.DTYPES)


@dtypes
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_in_ulps(name: str, dtype: str, isa: str) -> None:
    limit = dict(zip(special.DTYPES, FUNCTIONS[name].limits, strict=True))[dtype]
    errors = special.errors(name, isa, special.DTYPES[dtype])
    assert errors.max() <= limit, special.samples(name, special.DTYPES[dtype])[
        errors.argmax()
    ]


#: What they are at -inf, at 0 and at inf; None where they are not asked.
LIMITS = {
    "erf": (-1, 0, 1),
    "erfc": (2, 1, 0),
    "phi": (0, 0.3989422804014327, 0),
    "Phi": (0, 0.5, 1),
    "log_ndtr": (-np.inf, -0.6931471805599453, 0),
    "log_ndtr_slope": (np.inf, 0.7978845608028654, 0),
    "lgamma_above_0": (None, np.inf, np.inf),
    "lgamma_below_0": (np.inf, np.inf, np.inf),
    "digamma": (None, -np.inf, np.inf),
    "trigamma": (None, np.inf, 0),
}


@dtypes
@pytest.mark.parametrize("name", FUNCTIONS)
def test_limits(name: str, dtype: str, isa: str) -> None:
    x = np.array([-np.inf, 0, np.inf, np.nan], special.DTYPES[dtype])
    found = special.calculate(name, isa, x)
    for value, limit in zip(found[:3], LIMITS[name], strict=True):
        assert limit is None or value == pytest.approx(limit, rel=1e-7)
    assert np.isnan(found[3])


def test_poles_of_lgamma(isa: str) -> None:
    x = np.array([-1.0, -2, -77, -(2.0**52) - 1, -1e300])
    np.testing.assert_array_equal(special.calculate("lgamma_below_0", isa, x), np.inf)


def test_largest_arguments_of_lgamma(isa: str) -> None:
    x = np.array([2.5599833278516376e305, 2.5599833278516394e305])
    found = special.calculate("lgamma_above_0", isa, x)
    assert found[0] == pytest.approx(np.finfo(float).max, rel=1e-15)
    assert found[1] == np.inf


@dtypes
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bits(name: str, dtype: str) -> None:
    """The same on all paths that have a fused multiply-add."""
    x = special.samples(name, special.DTYPES[dtype])
    paths = set(fl.show_config("dict")["isa_available"]) - {"baseline"}
    found = {special.calculate(name, path, x).tobytes() for path in paths}
    assert len(found) <= 1


@dtypes
def test_loops_are_vectorised(dtype: str) -> None:
    for path in fl.show_config("dict")["isa_available"]:
        file = special.library_file(path, dtype)
        code = objects.run(["objdump", "-d", "--no-show-raw-insn", str(file)])
        unit = objects.Unit("special", (), dtype, path)
        parts = [
            (found[1], part)
            for part in re.split(r"\n(?=[0-9a-f]+ <)", code)
            if (found := re.search(r"<special_(\w+)>:", part))
        ]
        assert {name for name, _ in parts} == set(FUNCTIONS)
        for name, part in parts:
            loops = [*unit._loops(part)]
            assert any(loop.packed for loop in loops), (path, name)
            assert not any(alone(loop, loops) for loop in loops), (path, name)


@pytest.mark.slow
def test_polynomials_are_what_their_script_writes() -> None:
    script = objects.ROOT / "tools/coefficients.py"
    subprocess.run([sys.executable, str(script), "--check"], check=True)


def test_custom_losses_have_lgamma(isa: str) -> None:
    assert _bridge.isa() == isa
    y = special.samples("lgamma_above_0", np.float64)
    loss = fl.custom(lambda y, p: p + fl.math.lgamma(y))
    found = loss(y, np.zeros_like(y), reduction="none")
    expected = special.calculate("lgamma_above_0", isa, y)
    np.testing.assert_array_equal(found, expected)
