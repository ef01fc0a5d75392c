"""What documents and benchmarks say of a loss: accuracy, speed, other definitions."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import fastloss as fl

DOCS = Path(__file__).resolve().parent.parent
Row = tuple[str, ...]

_SHAPES = {"1 M": "1 million", "8192x1000": "8192 rows of 1000 classes"}
_OUTPUTS = {
    "value": "value",
    "value+grad into": "value and gradient",
    "grad+hess": "gradient and Hessian",
}


def table(head: Row, rows: list[Row]) -> str:
    """A table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


@cache
def loss_of(kernel: str) -> str | None:
    """The loss of a kernel, which begins or ends with its name."""
    found = [name for name in fl.LOSSES if kernel.startswith(name)]
    found = found or [name for name in fl.LOSSES if kernel.endswith(name)]
    return max(found, key=len, default=None)


@cache
def _tables(page: str) -> list[tuple[str, Row, list[Row]]]:
    """The tables of a page, each with the heading above it and its own head."""
    found: list[tuple[str, Row, list[Row]]] = []
    heading, inside = "", False
    for line in (DOCS / page).read_text("utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        if cells and not inside:
            found.append((heading, cells, []))
        elif cells:
            found[-1][2].append(cells)
        inside = bool(cells)
    return [(heading, head, rows[1:]) for heading, head, rows in found]


def accuracy(loss: fl.Loss) -> str:
    """Rows of the accuracy page: the worst of fastloss' paths, and the others."""
    rows: list[Row] = []
    for heading, head, lines in _tables("accuracy.md"):
        if head[0] != "kernel":
            continue
        ours = [i for i, name in enumerate(head) if name.startswith("fastloss")]
        others = [name for name in ("NumPy", "PyTorch", "JAX") if name in head]
        for line in lines:
            kernel, _, parameters = line[0].partition(", ")
            if loss_of(kernel) != loss.name:
                continue
            dtype = line[1] if head[1] == "dtype" else heading
            labels = "" if head[1] == "dtype" else line[1]
            called = ", ".join(filter(None, (f"`{kernel}`", parameters, labels)))
            worst = _worst([line[i] for i in ours])
            theirs = [line[head.index(name)] for name in others] or [""] * 3
            rows.append((called, dtype, worst, *theirs))
    names = ("kernel, options, labels", "dtype", "fastloss", "NumPy", "PyTorch", "JAX")
    said = [
        i for i in range(len(names)) if i < 3 or any(r[i].strip("-/ ") for r in rows)
    ]
    head, *lines = (tuple(row[i] for i in said) for row in (names, *rows))
    return table(head, lines) if rows else ""


def _worst(cells: list[str]) -> str:
    parts = zip(*(cell.split(" / ") for cell in cells), strict=True)
    return " / ".join(max(part, key=_size) for part in parts)


def _size(number: str) -> float:
    return float({"∞": "inf", "-": "-inf"}.get(number, number))


@cache
def race() -> dict[str, Any]:
    """What `benchmarks/race.py` wrote."""
    found: dict[str, Any] = json.loads((DOCS / "race.json").read_text("utf-8"))
    return found


def speed(loss: fl.Loss) -> str:
    """Cells of the race on arrays that are large, in float32, with two threads."""
    rows: list[Row] = []
    for cell in race()["cells"]:
        if loss_of(cell["kernel"]) != loss.name or cell["size"] not in _SHAPES:
            continue
        if (cell["dtype"], cell["threads"]) != ("float32", 2):
            continue
        if cell["output"] not in _OUTPUTS:
            continue
        times = {name: each["seconds"] for name, each in cell["times"].items()}
        ours = times.pop("fastloss")
        rows.append(
            (
                f"`{cell['kernel']}`",
                _OUTPUTS[cell["output"]],
                _SHAPES[cell["size"]],
                f"{ours * 1e3:.3g} ms",
                _against(times, "NumPy", ours),
                _against(times, min(times, key=times.__getitem__), ours),
            )
        )
    head = ("kernel", "output", "size", "time", "NumPy", "fastest other")
    return table(head, rows) if rows else ""


def _against(times: dict[str, float], name: str, ours: float) -> str:
    return f"{times[name] / ours:.3g} x ({name})" if name in times else ""


def definitions(loss: fl.Loss) -> str:
    """Rows of the page of definitions that are about a loss."""
    rows: list[Row] = []
    for _, _, lines in _tables("definitions.md"):
        rows += [line[1:] for line in lines if loss.name in _meant(line)]
    return table(("question", "here", "elsewhere"), rows) if rows else ""


def _meant(line: Row) -> set[str]:
    """Losses that a row names first, or as what is here."""
    words = [word.strip("` ") for word in line[0].split(",")]
    words += re.findall(r"`(\w+)`", line[2])
    plain = {_plain(name): name for name in fl.LOSSES}
    for name, loss in fl.LOSSES.items():
        own = {alias for alias in loss.aliases if ":" not in alias}
        plain |= {_plain(each): name for each in {*own, type(loss).__name__}}
    return {plain[_plain(word)] for word in words if _plain(word) in plain}


def _plain(name: str) -> str:
    name = re.sub(r"[\W_]", "", name.lower())
    return name.replace("generalised", "generalized").removesuffix("loss")
