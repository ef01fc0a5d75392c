"""Write the table of losses into README.md, from what the package says of itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import fastloss as fl

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- losses: made by tools/readme_table.py -->\n\n"
END = "\n<!-- losses: end -->\n"


def _short_names(loss: fl.Loss) -> list[str]:
    names = [name for name in fl.__all__ if getattr(fl, name) is loss]
    return sorted(names, key=len, reverse=True)


def _line(loss: fl.Loss) -> str:
    summary = (type(loss).__doc__ or "").partition("\n")[0].rstrip(".")
    parameters = [
        f"`{field.name}={field.default!r}`"
        for field in dataclasses.fields(loss)
        if field.name != "reduction"
    ]
    names = ", ".join(f"`{name}`" for name in _short_names(loss))
    cells = [names, summary, loss.advice.labels, ", ".join(parameters)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def table() -> str:
    """The table, in Markdown."""
    head = "| loss | what it is | `y_true` | parameters |\n|---|---|---|---|\n"
    return head + "".join(_line(loss) for loss in fl.LOSSES.values())


def current(text: str) -> str:
    """The README with its table as it should be."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    README.write_text(current(README.read_text("utf-8")), "utf-8")
