"""What is said where another library is missing, too old or too new."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

import fastloss as fl
from fastloss import _boosting, _neighbours

#: Our modules that import a library: its name for pip, and the oldest that will do.
LEAST = {
    "dask": ("dask", "2024.8"),
    "jax": ("jax", "0.5"),
    "keras": ("keras", "3.5"),
    "plot": ("matplotlib", "3.9"),
    "sklearn": ("scikit-learn", "1.8"),
    "torch": ("torch", "2.6"),
}
#: Those that need what a later version may not have, and the newest that was tried.
TESTED = {"dask": "2026.8", "jax": "0.10", "keras": "3.15", "torch": "2.13"}


def forget(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nobody had imported it."""
    for name in [*sys.modules]:
        if name == f"fastloss.{module}" or name.startswith(f"fastloss.{module}."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(vars(fl), module, raising=False)


def found(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_neighbours, "version", lambda package: version)


@pytest.mark.parametrize("module", LEAST)
def test_missing(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    forget(module, monkeypatch)
    monkeypatch.setattr(_neighbours, "version", missing)
    package, least = LEAST[module]
    with pytest.raises(ImportError) as error:
        import_module(f"fastloss.{module}")
    what = "fastloss[plot]" if module == "plot" else f"{package}>={least}"
    assert str(error.value) == (
        f"fastloss.{module} needs {package}, which is not installed: "
        f"pip install '{what}'"
    )
    assert fl.mse([1.0], [3.0]) == 4


@pytest.mark.parametrize("module", LEAST)
def test_too_old(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forget(module, monkeypatch)
    found("0.1.2", monkeypatch)
    package, least = LEAST[module]
    message = f"^fastloss.{module} needs {package} {least} or newer, not 0.1.2: pip"
    with pytest.raises(ImportError, match=message):
        import_module(f"fastloss.{module}")
    assert fl.mse([1.0], [3.0]) == 4


@pytest.mark.parametrize("module", TESTED)
def test_too_new(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package, least = LEAST[module]
    newest = TESTED[module]
    for version, known in ((newest, True), ("9999.1", False)):
        forget(module, monkeypatch)
        found(version, monkeypatch)
        monkeypatch.setitem(sys.modules, package, None)  # something is not there
        with pytest.raises(ImportError) as error:
            import_module(f"fastloss.{module}")
        said = str(error.value)
        assert f"import of {package}" in said or f"'{package}' is not" in said
        remedy = (
            f"fastloss.{module} knows {package} {least} to {newest}, and 9999.1 is",
            f"pip install '{package}=={newest}.*'",
        )
        assert all((part in said) is not known for part in remedy)


@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "catboost", "scipy"])
def test_modules_that_import_no_neighbour(name: str) -> None:
    module = import_module(f"fastloss.{name}")
    if name != "scipy":
        assert isinstance(module.objective("huber"), _boosting.Objective)


@pytest.mark.parametrize(("name", "least"), [("xgboost", "2.1"), ("lightgbm", "4.0")])
def test_old_boosters_give_scores_of_classes_in_one_row(name: str, least: str) -> None:
    objective = import_module(f"fastloss.{name}").objective(fl.scce, from_logits=True)
    message = rf"shape \(6,\), and there are 2 labels.*num_class.* {least} or"
    with pytest.raises(ValueError, match=message):
        objective(np.zeros(2), np.zeros(6))
