"""What pages of the site are made from says something of every loss."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import fastloss as fl

ROOT = Path(__file__).resolve().parent.parent
RACE = json.loads((ROOT / "docs/race.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def measured() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs/_extensions")
        yield import_module("measured")


@pytest.mark.parametrize("name", fl.LOSSES)
def test_every_loss_has_its_errors_in_both_dtypes(
    measured: ModuleType, name: str
) -> None:
    rows = measured.accuracy(fl.LOSSES[name]).splitlines()[2:]
    dtypes = {row.split(" | ")[1] for row in rows}
    assert dtypes == {"float32", "float64"}, "run python tools/accuracy.py"


@pytest.mark.parametrize("name", fl.LOSSES)
def test_every_loss_says_when_to_use_it_and_how(name: str) -> None:
    loss = fl.LOSSES[name]
    assert all(vars(loss.advice).values())
    doc = type(loss).__doc__ or ""
    for section in ("Parameters", "Notes", "Raises", "Examples"):
        assert f"    {section}\n    {'-' * len(section)}\n" in doc, section


def test_kernels_belong_to_the_losses_whose_names_they_have(
    measured: ModuleType,
) -> None:
    assert measured.loss_of("huber") == "huber"
    assert measured.loss_of("squared_epsilon_insensitive") == "epsilon_insensitive"
    assert measured.loss_of("categorical_focal_logits") == "categorical_focal"
    assert measured.loss_of("gamma_deviance") == "gamma_deviance"
    assert all(measured.loss_of(row.name) for row in fl.REGISTRY)


def test_the_worst_of_the_instruction_sets_is_told(measured: ModuleType) -> None:
    worst = measured._worst(["0.5 / 2.00 / -", "1.5 / 10.00 / -", "∞ / 3.00 / -"])
    assert worst == "∞ / 10.00 / -"


def test_definitions_are_those_of_the_losses_that_they_name(
    measured: ModuleType,
) -> None:
    assert "factor 1/2" in measured.definitions(fl.mse)
    assert "factor 1/2" in measured.definitions(fl.half_squared_error)
    assert "scale" in measured.definitions(fl.huber)
    assert measured.definitions(fl.generalized_dice)
    assert not measured.definitions(fl.log_cosh)


def test_speed_is_that_of_the_race(measured: ModuleType) -> None:
    for kernel in {cell["kernel"] for cell in RACE["cells"]}:
        assert measured.speed(fl.LOSSES[measured.loss_of(kernel)])
    (row,) = (
        row
        for row in measured.speed(fl.bce).splitlines()
        if row.startswith("| `binary_crossentropy_logits` | value and gradient |")
    )
    assert row.endswith("| 0.319 ms | 9.93 x (NumPy) | 3.43 x (torch.compile) |")


@pytest.mark.parametrize(
    ("page", "link"), [("README.md", "docs/"), ("docs/speed.md", "")]
)
def test_tables_of_speed_are_current(
    monkeypatch: pytest.MonkeyPatch, page: str, link: str
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import speed_page

    text = (ROOT / page).read_text("utf-8")
    remedy = "run python benchmarks/speed_page.py"
    assert speed_page.current(text, RACE, link) == text, remedy


def test_every_page_of_a_loss_is_in_the_table_of_losses() -> None:
    table = (ROOT / "docs/losses.md").read_text("utf-8")
    assert [name for name in fl.LOSSES if f"\n| `{name}`" not in table] == []


def test_the_script_that_repeats_the_speed_takes_its_losses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import versus_numpy
    from suite.inputs import LOSSES, make

    for kernel, shape in versus_numpy.LARGE.items():
        y, x = make(kernel, (8, *shape[1:]), "float32")
        value, value_and_grad = versus_numpy._formulas(LOSSES[kernel], y, x)
        expected, gradient = fl.reference.value_and_grad(LOSSES[kernel], y, x)
        assert value() == pytest.approx(expected, rel=1e-5)
        assert value_and_grad()[1] == pytest.approx(gradient, rel=1e-5)
