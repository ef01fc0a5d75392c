"""What `import fastloss` does, and what it leaves until somebody asks."""

from __future__ import annotations

import ast
import copy
import inspect
import os
import pydoc
import subprocess
import sys
from dataclasses import FrozenInstanceError, field, fields, replace
from pathlib import Path
from typing import ClassVar

import pytest

import fastloss as fl
from fastloss import losses
from fastloss.losses._names import NAMES

LATER = (
    "difflib",
    "fastloss._custom",
    "fastloss.advice",
    "fastloss.app",
    "fastloss.core.kinds",
    "fastloss.diagnosis",
    "fastloss.jax",
    "fastloss.keras",
    *(f"fastloss.losses.{family}" for family in NAMES),
    "fastloss.names",
    "fastloss.reference",
    "fastloss.torch",
    "importlib.metadata",
    "jax",
    "keras",
    "threading",
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


def test_the_first_use_of_a_loss_imports_its_family_alone() -> None:
    for family in ("regression", "multiclass"):
        code = f"import sys, fastloss as fl; fl.{NAMES[family][0]}; print(*sys.modules)"
        modules = set(run(code).split())
        assert {f for f in NAMES if f"fastloss.losses.{f}" in modules} == {family}


def test_families_are_files_and_say_what_they_export() -> None:
    folder = Path(losses.__file__).parent
    files = {path.stem for path in folder.iterdir() if path.name[0] != "_"}
    assert files == set(NAMES)
    for family, names in NAMES.items():
        assert list(names) == getattr(losses, family).__all__
    assert list(losses.FAMILIES) == [getattr(losses, family) for family in NAMES]
    assert {"FAMILIES", "LOSSES", *NAMES, *losses.__all__} <= set(dir(losses))
    for module in (fl, losses):  # what type checkers see
        tree = ast.walk(ast.parse(inspect.getsource(module)))
        stars = {
            node.module
            for node in tree
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        }
        assert stars == {f"fastloss.losses.{family}" for family in NAMES}
    with pytest.raises(AttributeError, match="losses' has no attribute 'hubert'"):
        losses.hubert  # noqa: B018


def test_families_ask_for_no_name_while_they_are_imported() -> None:
    """That would wait for the lock of who imports a family, who waits for theirs."""
    code = "import fastloss as fl, fastloss.losses._all as _"
    names = run(f"{code}; print(*vars(fl), *vars(fl.losses))").split()
    assert not {"FAMILIES", "LOSSES", *losses.__all__} & set(names)


FIRST_USE = """
import os, signal, sys, threading, warnings, fastloss as fl
warnings.simplefilter("ignore", DeprecationWarning)
sys.setswitchinterval(1e-6)
found = []
def use():
    found.append([getattr(fl, name) for name in fl.losses.__all__])
threads = [threading.Thread(target=use) for _ in range(8)]
"""


def test_the_first_use_in_several_threads() -> None:
    code = """
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(all(a is b for each in found for a, b in zip(each, found[0])), len(found))
"""
    assert run(FIRST_USE + code) == "True 8\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forks_during_the_first_use() -> None:
    """No child waits for an import that is a thread's of its parent."""
    code = """
children = []
threads[0].start()
while threads[0].is_alive() and len(children) < 40:
    children.append(os.fork())
    if children[-1] == 0:
        signal.alarm(20)
        use()
        os._exit(0)
print({os.waitpid(child, 0)[1] for child in children})
"""
    assert run(FIRST_USE + code) == "{0}\n"


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


@pytest.mark.parametrize("of", [fl.Huber, fl.huber, fl.Loss])
def test_help(of: object) -> None:
    assert "Loss" in pydoc.plain(pydoc.render_doc(of))


def test_parameters_without_a_default() -> None:
    with pytest.raises(TypeError, match="Scaled needs scale="):
        Scaled()
    one, other = Scaled(scale=2.0), Scaled(scale=2.0)
    assert one.powers == [2]
    assert one.powers is not other.powers
