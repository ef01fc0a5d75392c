"""Real calls: what weights, dtypes, layouts and options cost, here and elsewhere.

    python benchmarks/real_calls.py --quick
    python benchmarks/real_calls.py --kernels '*logits' --calls 'weights*,ignore*'

Every kernel of the registry that has a call runs it beside its own plain call and
beside the peers that have it, as in `race.py`: same arrays and threads, results
compared first, repetitions interleaved. Sizes are odd. Conversions and copies that a
library needs, and the sum of the weights, are part of its call.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from calls import CALLS
from cells import INTO, TITLES, VALUE, Cell
from measures import NOISE, OURS, best_peer, seconds
from race import run
from report import duration, machine, number
from suite.inputs import ROWS

SIZES = ((1_000_003,),)
ROW_SHAPES = ((65_537, 11), (8_191, 1_001))
QUICK = (
    "mean_squared_error",
    "sparse_categorical_crossentropy_logits",
    "binary_crossentropy_logits",
)
PEERS = ("torch", "torch.compile", "JAX", "numba")
COLUMNS = (
    "*over plain* is the time of the call over that of the plain one of the same loss, "
    "output and size, measured together, and *may be* its limit: bytes moved over the "
    "bytes of the plain call times 1.15, or the fixed limits of strided and F-ordered "
    "arrays. A library's column is its time for the same call over ours: above 1 "
    "fastloss is ahead; empty where it has no such call or gives another result."
)


def grid(
    kernels: Sequence[str],
    calls: Sequence[str],
    outputs: Sequence[str],
    dtypes: Sequence[str],
    threads: Sequence[int],
) -> list[Cell]:
    """The calls that those kernels have; wide rows last, they take longest."""
    cells = [
        Cell(kernel, output, dtype, shape, n, call)
        for n in threads
        for shape in (*SIZES, *ROW_SHAPES)
        for kernel in kernels
        for output in outputs
        for dtype in dtypes
        for call in calls
        if (len(shape) > 1) == (ROWS[kernel].kind == "row")
    ]
    return [cell for cell in cells if CALLS[cell.call].has(cell)]


def _row(cell: dict[str, Any], peers: list[str]) -> list[str]:
    ours = cell["times"][OURS]
    theirs = [seconds(cell, name) for name in peers]
    over, allowed = cell.get("over_plain"), cell.get("allowed")
    return [
        cell["call"],
        f"{duration(ours['seconds'])} ±{100 * ours['spread']:.0f} %",
        number(over) if not over or over <= allowed else f"**{number(over)}**",
        number(allowed),
        *[_ratio(t / ours["seconds"]) if t else "" for t in theirs],
    ]


def _ratio(value: float) -> str:
    return f"**{number(value)}**" if value < NOISE else number(value)


def table(cells: list[dict[str, Any]]) -> str:
    """A row a call; what misses its limit, or a peer that is ahead, is bold."""
    peers = list(dict.fromkeys(n for c in cells for n in c["times"] if n != OURS))
    head = ["call", OURS, "over plain", "may be", *peers]
    rows = [head, ["---"] * len(head), *(_row(cell, peers) for cell in cells)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def markdown(report: dict[str, Any], remark: str) -> str:
    """The whole report."""
    parts = ["# Real calls", machine(report), remark, COLUMNS]
    names = ("threads", "kernel", "output", "dtype", "size")
    groups = dict.fromkeys(tuple(c[n] for n in names) for c in report["cells"])
    for group in groups:
        threads, kernel, output, dtype, size = group
        title = TITLES.get(kernel, kernel.replace("_", " "))
        plural = "s" * (threads > 1)
        parts.append(f"## {title}, {output}, {size} {dtype}, {threads} thread{plural}")
        cells = [c for c in report["cells"] if tuple(c[n] for n in names) == group]
        parts.append(table(cells))
    parts.append(_summary(report["cells"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(cells: list[dict[str, Any]]) -> str:
    calls = [cell for cell in cells if "over_plain" in cell]
    met = sum(cell["over_plain"] <= cell["allowed"] for cell in calls)
    rivals = [(cell, best) for cell in cells if (best := best_peer(cell))]
    ahead = sum(
        best[1] >= NOISE * cell["times"][OURS]["seconds"] for cell, best in rivals
    )
    wrong = [
        f"- {name}, {cell['kernel']}, {cell['call']}: {what}"
        for cell in cells
        for name, what in cell["wrong"].items()
    ]
    text = (
        f"Within their limit are {met} of {len(calls)} calls; ahead of the best peer, "
        f"or level with it to {1 - NOISE:.0%}, {ahead} of {len(rivals)}."
    )
    return text + ("\n\nLeft out:\n\n" + "\n".join(wrong) if wrong else "")


def _matching(names: Sequence[str], patterns: str) -> list[str]:
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    return [n for n in names if any(fnmatch(n, pattern) for pattern in wanted)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="three kernels, value+grad into, float32")
    add("--kernels", default="*", metavar="PATTERNS", help="comma-separated")
    add("--calls", default="*", metavar="PATTERNS", help="comma-separated")
    add("--outputs", nargs="+", default=[VALUE, INTO])
    add("--dtypes", nargs="+", default=["float32", "float64"])
    add("--threads", type=int, nargs="+", default=[2, 1])
    add("--peers", nargs="+", default=list(PEERS))
    add("--minutes", type=float, default=600, help="stop after so many")
    add("--repetitions", type=int, default=7)
    add("--remark", default="", help="a sentence for the report, of the machine")
    add(
        "--output",
        type=Path,
        default=Path("real_calls.md"),
        help="the Markdown; the figures go to a JSON file beside it",
    )
    return parser.parse_args()


def main() -> None:
    given = _arguments()
    cells = grid(
        _matching(QUICK if given.quick else tuple(ROWS), given.kernels),
        _matching(tuple(CALLS), given.calls),
        [INTO] if given.quick else given.outputs,
        ["float32"] if given.quick else given.dtypes,
        given.threads,
    )
    options = {"repetitions": given.repetitions, "busy": False}
    json_path = given.output.with_suffix(".json")
    report = run(cells, [OURS, *given.peers], options, given.minutes, json_path)
    text = markdown(report, given.remark)
    given.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
