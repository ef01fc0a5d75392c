"""The README says what the package does."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import fastloss as fl
from fastloss.app import cli

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_tables_of_losses_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    import loss_tables

    page = (ROOT / "docs/losses.md").read_text("utf-8")
    remedy = "run python tools/loss_tables.py"
    assert loss_tables.current(README) == README, remedy
    assert loss_tables.page() == page, remedy
    assert loss_tables.table() == loss_tables.TABLE.read_text("utf-8"), remedy


def test_the_example_prints_what_stands_below_it() -> None:
    (example,), (expected,) = blocks("python"), blocks("text")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(example, {})
    assert printed.getvalue() == expected


def test_the_example_has_ten_lines_at_most_below_its_imports() -> None:
    (example,) = blocks("python")
    lines = [line for line in example.splitlines() if line]
    assert len([line for line in lines if not line.startswith("import")]) <= 10


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_newcomers_commands_are_one_line_each(name: str) -> None:
    after = README.split(f"<!-- newcomer: {name} -->\n")[1]
    assert re.match(r"```sh\n[^\n]+\n```\n", after)


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("*/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), (page.name, target)


def test_the_map_of_the_c_side_is_complete() -> None:
    csrc = ROOT / "csrc"
    named = re.findall(
        r"`([\w*/]+\.(?:\w|\[ch\]))`", (csrc / "README.md").read_text("utf-8")
    )
    mapped = {pattern: set(csrc.glob(pattern)) for pattern in named}
    assert all(mapped.values()), mapped
    assert set().union(*mapped.values()) == {*csrc.rglob("*.c"), *csrc.rglob("*.h")}


def test_the_map_of_the_python_side_is_complete() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for path in (ROOT / "src" / "fastloss").glob("[!_]*.py"):
        assert f"`{path.name}`" in text, path.name


def test_the_names_it_mentions_exist() -> None:
    assert fl.get("BCEWithLogitsLoss") == fl.BinaryCrossentropy(from_logits=True)
    with pytest.raises(SystemExit, match="0"):
        cli.main(["eval", "--help"])
    for name in re.findall(r"`fl\.(\w+)", README):
        assert hasattr(fl, name), name


def test_the_message_it_quotes_is_the_one_raised() -> None:
    labels = [0] * 17 + [12]
    with pytest.raises(ValueError, match="is not a class") as error:
        fl.scce(labels, [[0.1] * 10] * 18)
    assert str(error.value) in README
