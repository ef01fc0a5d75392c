"""Write what losses there are, from what the package says of itself.

README.md gets the names, docs/losses.md a table for each family, and the package what
each of them exports, which it imports when it is asked for.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType

import fastloss as fl
from fastloss.losses import FAMILIES

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGE = ROOT / "docs/losses.md"
TABLE = ROOT / "src/fastloss/losses/_names.py"
BEGIN = "<!-- losses: made by tools/loss_tables.py -->\n\n"
END = "\n<!-- losses: end -->\n"
INTRODUCTION = """# Losses

Every loss, its names here, its labels and its parameters; made by
`tools/loss_tables.py`. On the site a name leads to a page with the formula, pictures,
conventions, what to use instead and the errors measured; `help(fl.Huber)` has most of
it. `fl.guide()` says when to use which, [definitions.md](definitions.md) where
libraries disagree.
"""


def _names(family: ModuleType, loss: fl.Loss) -> list[str]:
    names = [name for name in family.__all__ if getattr(family, name) is loss]
    return sorted(names, key=len, reverse=True)


def _losses(family: ModuleType) -> list[fl.Loss]:
    return [loss for name, loss in fl.LOSSES.items() if vars(family).get(name) is loss]


def _title(family: ModuleType) -> str:
    return (family.__doc__ or "").partition("\n")[0].rstrip(".")


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _line(family: ModuleType, loss: fl.Loss) -> str:
    summary = (type(loss).__doc__ or "").partition("\n")[0].rstrip(".")
    parameters = [
        f"`{field.name}={field.default!r}`"
        for field in dataclasses.fields(loss)
        if field.name != "reduction"
    ]
    names = ", ".join(f"`{name}`" for name in _names(family, loss))
    return _cells(names, summary, loss.advice.labels, ", ".join(parameters))


def page() -> str:
    """docs/losses.md."""
    head = "| loss | what it is | `y_true` | parameters |\n|---|---|---|---|\n"
    parts = [
        f"\n## {_title(family)}\n\n{head}"
        + "".join(_line(family, loss) for loss in _losses(family))
        for family in FAMILIES
    ]
    return INTRODUCTION + "".join(parts)


def table() -> str:
    """src/fastloss/losses/_names.py."""
    parts = []
    for family in FAMILIES:
        names = "".join(f'        "{name}",\n' for name in family.__all__)
        parts.append(f'    "{family.__name__.split(".")[-1]}": (\n{names}    ),\n')
    head = TABLE.read_text("utf-8").partition("{\n")[0]
    return f"{head}{{\n{''.join(parts)}}}\n"


def names() -> str:
    """The losses of each family, in Markdown."""
    lines = [
        _cells(
            _title(family).removeprefix("Losses of "),
            ", ".join(f"`{_names(family, loss)[-1]}`" for loss in losses),
        )
        for family in FAMILIES
        if (losses := _losses(family))
    ]
    return "| of | losses |\n|---|---|\n" + "".join(lines)


def current(text: str) -> str:
    """The README with its table as it should be."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}{names()}{END}{after}"


if __name__ == "__main__":
    README.write_text(current(README.read_text("utf-8")), "utf-8")
    PAGE.write_text(page(), "utf-8")
    TABLE.write_text(table(), "utf-8")
