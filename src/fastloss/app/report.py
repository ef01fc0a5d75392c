"""Results of ``fastloss eval`` as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from fastloss.app.evaluate import Report, Result, Worst
from fastloss.core.loss import Loss

#: Entries of a row of classes that are shown in a table.
SHOWN = 6


def titles(losses: Sequence[Loss]) -> list[str]:
    """A name for each: short, or with its parameters where two have the same."""
    names = [loss.name for loss in losses]
    return [loss.name if names.count(loss.name) == 1 else repr(loss) for loss in losses]


def as_text(report: Report, by: str | None) -> str:
    """A number, or tables of values and of the worst samples."""
    results = report.results
    names = titles([result.loss for result in results])
    if by is not None:
        parts = [_groups(report, by, names)]
    elif len(results) == 1:
        parts = [repr(results[0].value)]
    else:
        values = [repr(result.value) for result in results]
        parts = [table([("loss", "value"), *zip(names, values, strict=True)])]
    for name, result in zip(names, results, strict=True):
        if result.worst:
            parts.append(f"worst of {name}:\n{_worst(result.worst, by)}")
    return "\n\n".join(parts)


def _groups(report: Report, by: str, names: Sequence[str]) -> str:
    lines: list[Sequence[str]] = [(by, "rows", *names)]
    for together in zip(*(result.groups for result in report.results), strict=True):
        values = [repr(group.value) for group in together]
        lines.append((_plain(together[0].key), str(together[0].rows), *values))
    values = [repr(result.value) for result in report.results]
    lines.append(("all", str(report.rows), *values))
    return table(lines)


def _worst(worst: Sequence[Worst], by: str | None) -> str:
    several = len({sample.file for sample in worst}) > 1
    weighted = any(sample.weight is not None for sample in worst)
    head = ["row", "loss", "true", "pred"]
    head += ["weight"] * weighted + [by or ""] * (by is not None) + ["file"] * several
    lines = [head]
    for sample in worst:
        line = [",".join(map(str, sample.row)) or "-", repr(sample.loss)]
        line += [_number(sample.y_true), _number(sample.y_pred)]
        line += [_number(sample.weight)] * weighted
        line += [_plain(sample.group)] * (by is not None) + [sample.file] * several
        lines.append(line)
    return table(lines)


def table(lines: Sequence[Sequence[str]]) -> str:
    """Columns under each other, the first to the left."""
    clean = [[_printable(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in clean
    )


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _plain(key: Any) -> str:
    return "null" if key is None else str(key)


def _number(entry: Any) -> str:
    if not isinstance(entry, list):
        return f"{entry:.8g}" if isinstance(entry, float) else str(entry)
    shown = [f"{number:.4g}" for number in entry[:SHOWN]]
    return f"[{', '.join(shown + ['...'] * (len(entry) > SHOWN))}]"


def as_json(report: Report, by: str | None) -> str:
    """One object; numbers that JSON does not have are the texts NaN and (-)Infinity."""
    losses = [_object(result, by) for result in report.results]
    found = {"rows": report.rows, "losses": losses}
    return json.dumps(_finite(found), indent=1, ensure_ascii=False, default=str)


def _object(result: Result, by: str | None) -> dict[str, Any]:
    loss = result.loss
    found: dict[str, Any] = {
        "loss": loss.name,
        "parameters": {f.name: getattr(loss, f.name) for f in fields(loss)},
        "value": result.value,
    }
    if by is not None:
        found["by"] = by
        found["groups"] = [
            {"group": group.key, "rows": group.rows, "value": group.value}
            for group in result.groups
        ]
    if result.worst:
        found["worst"] = [_sample(sample, by) for sample in result.worst]
    return found


def _sample(sample: Worst, by: str | None) -> dict[str, Any]:
    row = sample.row[0] if len(sample.row) == 1 else list(sample.row)
    found = {
        "row": row,
        "file": sample.file,
        "loss": sample.loss,
        "true": sample.y_true,
        "pred": sample.y_pred,
    }
    found |= {} if sample.weight is None else {"weight": sample.weight}
    return found | ({} if by is None else {"group": sample.group})


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_finite(entry) for entry in value]
    return value
