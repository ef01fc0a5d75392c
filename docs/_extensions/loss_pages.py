"""A page for each loss, from its class."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import docstrings
import matplotlib as mpl
import measured
from docstrings import markdown
from sphinx.application import Sphinx

import fastloss as fl
from fastloss.core.registry import DOMAINS
from fastloss.losses import FAMILIES

FOLDER = Path(__file__).resolve().parent.parent / "losses"

#: Becomes the colour of the text around the picture, dark or light.
_INK = "#010203"
_STYLE = {
    "axes.edgecolor": _INK,
    "axes.facecolor": "none",
    "axes.labelcolor": _INK,
    "axes.prop_cycle": mpl.cycler(color=["#3b82d6", "#e0662f", "#2f9e63", "#a45bc2"]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.size": 11,
    "legend.facecolor": "none",
    "legend.framealpha": 0,
    "lines.linewidth": 2,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "fastloss",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_SYMBOLS = (
    r"\ell",
    r"\frac{\partial \ell}{\partial \hat y}",
    r"\frac{\partial^2 \ell}{\partial \hat y^2}",
)


def family_of(loss: fl.Loss) -> ModuleType:
    """The module that exports a loss."""
    return next(each for each in FAMILIES if loss in vars(each).values())


def of_family(family: ModuleType) -> list[fl.Loss]:
    """The losses of a family, in the order of its file."""
    return [loss for loss in fl.LOSSES.values() if family_of(loss) is family]


def page(loss: fl.Loss) -> str:
    """The page of a loss."""
    return "\n".join([f"# {loss.name}\n", *_parts(loss)])


def _parts(loss: fl.Loss) -> Iterator[str]:
    said = docstrings.sections(type(loss))
    yield said["Summary"]
    yield said.get("Extended Summary", "")
    yield picture(loss)
    yield from _section("Formula", formula(loss))
    yield from _section("When to use it", advice(loss))
    yield from _section("Parameters", _call(loss) + said.get("Parameters", ""))
    yield from _section("Conventions", _domain(loss) + "\n" + said.get("Notes", ""))
    yield from _section("Errors", said.get("Raises"))
    yield from _section("Example", said.get("Examples"))
    yield from _section("Elsewhere", _elsewhere(loss))
    yield from _section("Accuracy", _accuracy(loss))
    yield from _section("Speed", _speed(loss))
    yield from _section("Source", said.get("References"))


def _section(title: str, text: str | None) -> list[str]:
    return [f"## {title}\n", text] if text and text.strip() else []


def _call(loss: fl.Loss) -> str:
    names = ", ".join(f"`fl.{name}`" for name in names_of(loss))
    kind = type(loss).__name__
    head = f"{kind}{docstrings.signature(type(loss))}"
    called = docstrings.fenced(
        "py:class", head, f"The loss with these parameters; {names} is `{kind}()`."
    )
    return docstrings.fenced("py:module", "fastloss", options=":no-index:") + called


def names_of(loss: fl.Loss) -> list[str]:
    """What a loss is called in the package, short names first."""
    return sorted((n for n in fl.__all__ if getattr(fl, n) is loss), key=len)


def picture(loss: fl.Loss) -> str:
    """Value, gradient and Hessian as the library draws them, within the page."""
    with mpl.rc_context(_STYLE):
        figure = loss.plot()
        figure.suptitle("")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"(\d\.\d\d)\d+", r"\1", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", svg, count=1)
    svg = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", svg, count=1)
    label = f"Value, gradient and Hessian of {loss.name} over a prediction"
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    wide = " wide" if figure.get_figwidth() > 8 else ""
    return f'```{{raw}} html\n<div class="loss-picture{wide}">\n{svg}</div>\n```\n'


def formula(loss: fl.Loss) -> str:
    """Value and, of losses of one label and one prediction, derivatives, typeset."""
    parts = []
    for variant in _variants(loss):
        shown = [
            f"$$\n{_lines(symbol, text.latex)}\n$$\n"
            for symbol, text in zip(_SYMBOLS, _formulas(variant), strict=False)
        ]
        parts += [f"`{_expression(variant)}`:\n", *shown]
    return "\n".join(parts)


def _formulas(loss: fl.Loss) -> list[Any]:
    try:
        return [loss.formula, loss.gradient_formula, loss.hessian_formula]
    except AttributeError:
        return [loss.formula]


def _lines(symbol: str, latex: str) -> str:
    """A formula and below it what it is made of; of the value, with its sign."""
    if not latex.startswith(("l =", "l_{")):
        latex = f"{symbol} = {latex}"
    if r",\quad " not in latex:
        return latex
    lines = latex.replace(r",\quad ", r" \\ ")
    return rf"\begin{{gathered}} {lines} \end{{gathered}}"


def _variants(loss: fl.Loss) -> list[fl.Loss]:
    """A loss with each kernel that a switch of it chooses."""
    found = [loss]
    for field in dataclasses.fields(loss):
        if isinstance(field.default, bool):
            try:
                other = dataclasses.replace(loss, **{field.name: not field.default})
            except ValueError:
                continue
            if other.kernel != loss.kernel:
                found.append(other)
    return found


def _expression(loss: fl.Loss) -> str:
    default = fl.LOSSES[loss.name]
    given = ", ".join(
        f"{field.name}={getattr(loss, field.name)!r}"
        for field in dataclasses.fields(loss)
        if getattr(loss, field.name) != getattr(default, field.name)
    )
    return f"{type(loss).__name__}({given})"


def advice(loss: fl.Loss) -> str:
    """What the guide says, and what else there is for the same task."""
    said = type(loss).advice
    lines = {
        "when": said.when,
        "task": said.task,
        "labels": said.labels,
        "output of the model": said.activation,
        "for it": said.strengths,
        "against it": said.weaknesses,
        "instead": _instead(loss),
    }
    return measured.table(
        ("", ""), [(f"**{k}**", v) for k, v in lines.items() if v.strip()]
    )


def _instead(loss: fl.Loss) -> str:
    tasks = _tasks(loss)
    alike = [
        other
        for other in of_family(family_of(loss))
        if other is not loss and tasks & _tasks(other)
    ]
    return ", ".join(docstrings.link(names_of(other)[0]) for other in alike)


def _tasks(loss: fl.Loss) -> set[str]:
    return {task.strip() for task in re.split("[,;]", type(loss).advice.task)}


def _domain(loss: fl.Loss) -> str:
    lines = []
    for variant in _variants(loss):
        row = variant._row
        of = f" (`{_expression(variant)}`)" if len(_variants(loss)) > 1 else ""
        labels = ", ".join(f"`{name}`" for name in row.labels) or "none"
        predictions = ", ".join(f"`{name}`" for name in row.predictions)
        lines.append(f"- Domain{of}: labels {labels}, predictions {predictions}.")
        lines += [
            f"  Of what is not `{name}` is said: *{markdown(DOMAINS[name])}*."
            for name in dict.fromkeys((*row.labels, *row.predictions))
            if DOMAINS[name]
        ]
    return "\n".join(lines) + "\n"


def _elsewhere(loss: fl.Loss) -> str:
    text = ""
    rows = []
    for alias, parameters in loss.aliases.items():
        given = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        rows.append((f"`{alias}`", f"`{type(loss).__name__}({given})`"))
    if rows:
        text += "`fl.get` takes these names:\n\n"
        text += measured.table(("name", "what it is here"), rows)
    different = measured.definitions(loss)
    if different:
        text += "\nWhere libraries disagree ([all losses](/definitions.md)):\n\n"
        text += different
    return text


def _accuracy(loss: fl.Loss) -> str:
    rows = measured.accuracy(loss)
    said = "The worst errors found, value / gradient / Hessian, in units of the last"
    return (
        f"{said} place. [How they were found](/accuracy.md)\n\n{rows}" if rows else ""
    )


def _speed(loss: fl.Loss) -> str:
    rows = measured.speed(loss)
    found = measured.race()
    said = (
        f"Release {found['versions']['fastloss']}, float32, two threads; the others' "
        "time over that of fastloss. [How it was measured](/speed.md)"
    )
    return f"{said}\n\n{rows}" if rows else ""


def write(folder: Path, pages: dict[str, str]) -> None:
    """Bring a folder up to date; what has not changed keeps its date."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def _write(app: Sphinx) -> None:
    write(FOLDER, {name: page(loss) for name, loss in fl.LOSSES.items()})


def _linked(app: Sphinx, docname: str, source: list[str]) -> None:
    """In the table of losses their names are links; the pages follow by family."""
    if docname != "losses":
        return
    text = re.sub(
        r"(?m)^\| `(\w+)`",
        lambda found: f"| {docstrings.link(found[1])}",
        source[0],
    )
    for family in FAMILIES:
        title = (family.__doc__ or "").partition("\n")[0].rstrip(".")
        caption = title.removeprefix("Losses of ").partition(":")[0]
        pages = "\n".join(f"losses/{loss.name}" for loss in of_family(family))
        options = f":hidden:\n:caption: {caption[:1].upper()}{caption[1:]}\n"
        text += f"\n{docstrings.fenced('toctree', '', pages, options)}"
    source[0] = text


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", _write)
    app.connect("source-read", _linked)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
