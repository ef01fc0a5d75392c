"""A registered loss is complete, and every loss is one immutable object."""

from __future__ import annotations

import copy
import doctest
import inspect
import pickle
import re
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import generators
import numpy as np
import oracle
import pytest
import structured

import fastloss as fl
from fastloss import names, reference
from fastloss.core.registry import DOMAINS

ROOT = Path(__file__).parents[1]
LOSSES = list(oracle.losses())
CLASSES = [type(loss) for loss in fl.LOSSES.values()]
NAMES = [row.name for row in fl.REGISTRY]


def test_every_kernel_belongs_to_a_class() -> None:
    assert {loss.kernel for loss in LOSSES} | set(structured.CASES) == set(NAMES)
    assert len(set(NAMES)) == len(NAMES)


def test_every_kernel_has_one_formula_in_c() -> None:
    files = {file.stem for file in (ROOT / "csrc/losses").glob("*/*.c")}
    assert files == set(NAMES)


@pytest.mark.parametrize("row", fl.REGISTRY, ids=lambda row: row.name)
def test_rows_say_what_the_tests_understand(row: fl.Row) -> None:
    assert row.kind in generators.KINDS or row.name in structured.CASES
    assert {*row.labels, *row.predictions} <= set(DOMAINS)
    for loss in LOSSES:
        if loss.kernel == row.name:
            assert all(hasattr(loss, name) for name in row.parameters)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_has_a_reference(cls: type[fl.Loss]) -> None:
    formulas = getattr(reference, cls.__name__)
    assert formulas.__doc__
    case = structured.CASES.get(cls.name)
    for output in case.outputs if case else oracle.OUTPUTS:
        assert callable(getattr(formulas, output))


@pytest.mark.parametrize(
    "row",
    [row for row in fl.REGISTRY if row.name not in structured.CASES],
    ids=lambda row: row.name,
)
def test_every_kernel_has_inputs_to_be_tested_with(row: fl.Row) -> None:
    assert row.kind in generators.KINDS
    numbers = {*row.labels, *row.predictions} - {"class"}  # which its kind draws
    assert numbers <= set(generators.DOMAINS)
    assert numbers <= set(generators.EVERYDAY)


@pytest.mark.parametrize("document", ["docs/losses.md", "docs/accuracy.md"])
@pytest.mark.parametrize("name", fl.LOSSES)
def test_every_loss_is_in_the_documents(name: str, document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    names = f"{name}|{fl.LOSSES[name].kernel}"  # of what has a kernel for each form
    assert re.search(rf"\b({names})\b", text), f"{document} does not name {name}"


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_is_documented(cls: type[fl.Loss]) -> None:
    text = inspect.getdoc(cls) or ""
    for section in ("Parameters", "Notes", "Raises", "References", "Examples"):
        assert f"{section}\n---" in text, section
    assert doctest.DocTestParser().get_examples(text)
    for field in fields(cls):
        assert f"\n{field.name} : " in text
    for field in fields(cls.advice):
        assert getattr(cls.advice, field.name)


@pytest.mark.parametrize("loss", fl.LOSSES.values(), ids=lambda loss: loss.name)
def test_every_class_has_its_names(loss: fl.Loss) -> None:
    assert fl.LOSSES[loss.name] is getattr(fl, loss.name)
    assert type(loss) is getattr(fl, type(loss).__name__)
    assert type(loss)() == loss
    own: dict[str, dict[str, object]] = {loss.name: {}, type(loss).__name__: {}}
    for name, parameters in (own | dict(loss.aliases)).items():
        assert fl.get(name) == type(loss)(**parameters)
        assert fl.get(name.upper()) == type(loss)(**parameters)
    assert fl.get(loss) is loss


def test_short_names() -> None:
    for short, name in [
        ("mse", "mean_squared_error"),
        ("mae", "mean_absolute_error"),
        ("bce", "binary_crossentropy"),
        ("cce", "categorical_crossentropy"),
        ("scce", "sparse_categorical_crossentropy"),
    ]:
        assert getattr(fl, short) is getattr(fl, name)
        assert fl.get(short) is getattr(fl, name)


def test_names_of_other_libraries() -> None:
    ours = fl.SparseCategoricalCrossentropy(from_logits=True)
    assert fl.get("cross_entropy") == ours
    assert fl.get("torch:cross-entropy") == replace(ours, ignore_class=-100)
    assert fl.get("CrossEntropyLoss") == fl.get("torch:cross_entropy")
    assert fl.get("lightgbm:huber") == fl.Huber(delta=0.9)
    assert fl.get("huber_loss") == fl.huber


def test_a_name_of_several_libraries_for_different_losses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        fl.Huber, "aliases", {"torch:wide": {}, "optax:wide": {"delta": 9}}
    )
    monkeypatch.setattr(names, "_NAMES", names._table())
    assert fl.get("optax:wide") == fl.Huber(delta=9)
    with pytest.raises(
        ValueError, match=r"several losses: .*'torch:wide', 'optax:wide'"
    ):
        fl.get("wide")


def test_every_loss_is_in_the_tables() -> None:
    page = (ROOT / "docs/losses.md").read_text("utf-8")
    listed = [line.split("`")[1] for line in page.splitlines() if line[:3] == "| `"]
    assert listed == list(fl.LOSSES)
    table = (ROOT / "README.md").read_text("utf-8").split("<!-- losses:")[1]
    named = re.findall("`([a-z0-9_]+)`", table)
    assert [getattr(fl, name) for name in named] == list(fl.LOSSES.values())


@pytest.mark.parametrize("loss", LOSSES, ids=oracle.label)
def test_losses_are_values(loss: fl.Loss) -> None:
    for twin in (
        eval(f"fl.{loss!r}"),
        pickle.loads(pickle.dumps(loss)),
        copy.deepcopy(loss),
        replace(loss),
    ):
        assert twin == loss
        assert hash(twin) == hash(loss)
        assert repr(twin) == repr(loss)
        y, x = oracle.plain(loss.kernel, np.float64, 21, np.random.RandomState(20))
        assert twin(y, x) == loss(y, x)
    assert replace(loss, reduction="sum") != loss
    for field in fields(loss):
        with pytest.raises(FrozenInstanceError):
            setattr(loss, field.name, None)


def test_parameters_are_keywords_alone() -> None:
    with pytest.raises(TypeError, match=r"takes keywords: Huber\(delta=\.\.\.\)"):
        fl.Huber(2.0)


def test_class_weights_may_be_lists_arrays_and_mappings() -> None:
    y, x = np.array([0, 2, 1]), np.zeros((3, 3))
    losses = [
        fl.SparseCategoricalCrossentropy(from_logits=True, class_weight=weights)
        for weights in ([1, 0.5, 2], (1.0, 0.5, 2.0), np.array([1, 0.5, 2]))
    ]
    losses.append(replace(losses[0], class_weight={1: 0.5, 2: 2}))
    assert len({loss(y, x) for loss in losses}) == 1
    assert len({hash(loss) for loss in losses[:3]}) == 1
    for loss in losses:
        assert reference.cost(loss, y, x) == pytest.approx(loss(y, x), rel=1e-15)
        assert eval(f"fl.{loss!r}") == loss
        called = fl.scce(y, x, from_logits=True, class_weight=loss.class_weight)
        assert called == loss(y, x)
