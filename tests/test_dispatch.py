"""The instruction set is chosen once, can be forced, and is the one that runs."""

from __future__ import annotations

import json

import numpy as np
import oracle
import pytest
from conftest import ISAS
from test_determinism import hashes
from test_threads import python

import fastloss as fl
from fastloss.core import _bridge

REPORT = """
import json, numpy as np, fastloss as fl
from fastloss.core import _bridge
x = np.linspace(-30, 30, 10_001, dtype=np.float32)
grad = fl.bce.grad(0 * x, x, from_logits=True)
config = fl.show_config("dict") | {"kernels": _bridge.isa_of_kernels()}
print(json.dumps([config, grad.tobytes().hex()]))
"""


@pytest.mark.parametrize("name", ISAS)
def test_forced_by_the_environment(name: str, isa: str) -> None:
    """The child reports what it was forced to, and has the bits of that path."""
    config, grad = json.loads(python(REPORT, FASTLOSS_ISA=name).stdout)
    assert config["isa"] == name
    assert config["kernels"] == [name, name]
    assert config["isa_available"] == list(ISAS)
    if name == isa:
        x = np.linspace(-30, 30, 10_001, dtype=np.float32)
        here = fl.bce.grad(0 * x, x, from_logits=True)
        assert here.tobytes().hex() == grad


def test_the_kernels_in_use_were_compiled_for_it(isa: str) -> None:
    assert _bridge.isa_of_kernels() == (isa, isa)


def test_the_best_is_the_default() -> None:
    config, _ = json.loads(python(REPORT, FASTLOSS_ISA="").stdout)
    assert config["isa"] == ISAS[0] == _bridge.isa()


@pytest.mark.parametrize("name", ["avx3", "AVX2", "sse2,avx2"])
def test_unknown_names_are_import_errors(name: str) -> None:
    child = python("import fastloss", FASTLOSS_ISA=name)
    assert child.returncode != 0
    assert f"ImportError: FASTLOSS_ISA={name!r}" in child.stderr
    for valid in ISAS:
        assert valid in child.stderr.splitlines()[-1]


def test_unsupported_names_are_import_errors() -> None:
    for name in set(_bridge.isas()) - set(ISAS):
        child = python("import fastloss", FASTLOSS_ISA=name)
        assert f"ImportError: FASTLOSS_ISA={name!r}" in child.stderr
        with pytest.raises(ValueError, match=name):
            _bridge.use_isa(name)


def test_every_path_has_every_kernel(isa: str) -> None:
    assert fl.show_config("dict")["isa"] == isa
    assert len(hashes()) == len(oracle.DTYPES) * len(list(oracle.losses()))


def test_show_config_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert fl.show_config() is None
    printed = capsys.readouterr().out
    for key, value in fl.show_config("dict").items():
        assert key in printed
        if key != "isa_available":
            assert str(value) in printed
