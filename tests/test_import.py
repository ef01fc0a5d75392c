"""What `import fastloss` does, and what it leaves until somebody asks."""

from __future__ import annotations

import copy
import inspect
import subprocess
import sys
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import ClassVar

import pytest

import fastloss as fl

LATER = (
    "difflib",
    "fastloss._custom.compiler",
    "fastloss.advice",
    "fastloss.app",
    "fastloss.diagnosis",
    "fastloss.jax",
    "fastloss.keras",
    "fastloss.names",
    "fastloss.reference",
    "fastloss.torch",
    "importlib.metadata",
    "jax",
    "keras",
    "torch",
)


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_import_leaves_the_rest_for_later() -> None:
    code = "import sys, numpy; had = set(sys.modules); import fastloss"
    new = set(run(f"{code}; print(*set(sys.modules) - had)").split())
    assert "fastloss.core.loss" in new
    assert not new & set(LATER)


def test_neighbours_that_are_missing_or_old(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastloss import _neighbours

    with pytest.raises(ImportError, match="needs surely-absent, which is not install"):
        _neighbours.require("surely-absent", "1.0")
    monkeypatch.setattr(_neighbours, "version", lambda package: "2.10.1+cpu")
    _neighbours.require("torch", "2.9")
    _neighbours.require("torch", "2.10")
    message = r"fastloss.torch needs torch 2.11 or newer, not 2.10.1\+cpu: pip install"
    with pytest.raises(ImportError, match=message):
        _neighbours.require("torch", "2.11")


def test_every_name_is_there() -> None:
    assert set(fl.__all__) <= set(dir(fl))
    for name in fl.__all__:
        assert getattr(fl, name) is not None
    assert fl.__version__ == fl.show_config("dict")["version"]
    with pytest.raises(AttributeError, match="has no attribute 'hubert'"):
        fl.hubert  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "from fastloss import *; print(guide, custom, math.sigmoid, reference.cost)",
        "import fastloss.advice, fastloss as fl; fl.guide('binary'); fl.get('mse')",
        "import fastloss as fl; fl.reference.cost(fl.mse, [1.0], [2.0])",
        "from fastloss import custom, guide, math; math.erf(1.0)",
        "import fastloss as fl; fl.custom(lambda y, p: (y - p)**2)([1.0], [2.0])",
    ],
)
def test_names_that_come_later(code: str) -> None:
    run(code)


class Scaled(fl.Loss):
    scale: float
    powers: list[int] = field(default_factory=lambda: [2])
    unit: ClassVar[float] = 1.0

    def call(self, y_true, y_pred):  # type: ignore[no-untyped-def]
        return self.scale * (y_pred - y_true) ** 2


def test_parameters_are_fields() -> None:
    assert [f.name for f in fields(Scaled)] == ["reduction", "scale", "powers"]
    assert str(inspect.signature(fl.Huber)) == (
        "(*, reduction: 'str' = 'mean', delta: 'float' = 1.0)"
    )
    loss = fl.Huber(delta=2.0)
    assert str(inspect.signature(loss)) == (
        "(y_true, y_pred, *, sample_weight=None, out=None, "
        "reduction: 'str' = 'mean', delta: 'float' = 2.0)"
    )
    assert replace(loss, delta=3.0) == fl.Huber(delta=3.0)
    assert copy.copy(loss) == loss
    with pytest.raises(FrozenInstanceError):
        del loss.delta
    with pytest.raises(TypeError, match="Huber has no parameter 'detla'; it has delta"):
        fl.Huber(detla=2.0)


def test_parameters_without_a_default() -> None:
    with pytest.raises(TypeError, match="Scaled needs scale="):
        Scaled()
    one, other = Scaled(scale=2.0), Scaled(scale=2.0)
    assert one.powers == [2]
    assert one.powers is not other.powers
