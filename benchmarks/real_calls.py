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

from cells import INTO, TITLES, VALUE, Cell
from measures import NOISE, OURS
from race import merged, run
from report import duration, machine, number

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
    "bytes of the plain call times 1.15, where weights, and labels that say what a row "
    "weighs, are read twice for derivatives of a mean, or the fixed limits of strided "
    "and F-ordered arrays. A library's column is its time for the same call over ours: "
    "above 1 fastloss is ahead; empty where it has no such call, or another result. "
    "Figures are of medians, in parentheses of the least of the repetitions; they are "
    "bold where both miss."
)


def grid(
    kernels: Sequence[str],
    calls: Sequence[str],
    outputs: Sequence[str],
    dtypes: Sequence[str],
    threads: Sequence[int],
) -> list[Cell]:
    """The calls that those kernels have; wide rows last, they take longest."""
    from calls import CALLS
    from suite.inputs import ROWS

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


def _over(time: dict[str, Any], base: dict[str, Any]) -> tuple[float, float]:
    """The ratio of two times, by medians and by the least."""
    return time["seconds"] / base["seconds"], time["least"] / base["least"]


def _ratios(pair: tuple[float, float], *, missed: bool) -> str:
    text = f"{number(pair[0])} ({number(pair[1])})"
    return f"**{text}**" if missed else text


def _row(cell: dict[str, Any], peers: list[str]) -> list[str]:
    ours = cell["times"][OURS]
    over = ""
    if "plain" in cell:
        pair = _over(ours, cell["plain"])
        over = _ratios(pair, missed=min(pair) > cell["allowed"])
    columns = []
    for name in peers:
        theirs = cell["times"].get(name)
        pair = _over(theirs, ours) if theirs else (0, 0)
        columns.append(_ratios(pair, missed=max(pair) < NOISE) if theirs else "")
    time = f"{duration(ours['seconds'])} ({duration(ours['least'])})"
    return [cell["call"], time, over, number(cell.get("allowed")), *columns]


def table(cells: list[dict[str, Any]]) -> str:
    """A row a call; a missed limit, and a peer that is ahead, are bold."""
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
    calls = [cell for cell in cells if "plain" in cell]
    contested = [cell for cell in cells if len(cell["times"]) > 1]
    within, ahead = [0, 0], [0, 0]
    for i, which in enumerate(("seconds", "least")):
        for cell in calls:
            most = cell["allowed"] * cell["plain"][which]
            within[i] += cell["times"][OURS][which] <= most
        for cell in contested:
            times = {name: time[which] for name, time in cell["times"].items()}
            ours = times.pop(OURS)
            ahead[i] += min(times.values()) >= NOISE * ours
    text = (
        f"Within their limit are {within[0]} ({within[1]}) of {len(calls)} calls; "
        f"ahead of every peer, or level with it to {1 - NOISE:.0%}, are {ahead[0]} "
        f"({ahead[1]}) of {len(contested)}."
    )
    wrong = [
        f"- {name}, {cell['kernel']}, {cell['call']}: {what.split('(')[0]}"
        for cell in cells
        for name, what in cell["wrong"].items()
    ]
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
    add("--peers", nargs="*", default=list(PEERS))
    add("--minutes", type=float, default=600, help="stop after so many")
    add("--repetitions", type=int, default=7)
    add("--remark", default="", help="a sentence for the report, of the machine")
    add(
        "--output",
        type=Path,
        default=Path("real_calls.md"),
        help="the Markdown; the figures go to a JSON file beside it",
    )
    add("--merge", type=Path, nargs="+", metavar="JSON", help="reports to write as one")
    return parser.parse_args()


def main() -> None:
    # Not above: the processes that are timed import this module before they are bound.
    from calls import CALLS
    from suite.inputs import ROWS

    given = _arguments()
    cells = grid(
        _matching(QUICK if given.quick else tuple(ROWS), given.kernels),
        _matching(tuple(CALLS), given.calls),
        [INTO] if given.quick else given.outputs,
        ["float32"] if given.quick else given.dtypes,
        given.threads,
    )
    if given.merge:
        report = merged(given.merge)
        calls = list(CALLS)
        report["cells"].sort(key=lambda c: (-c["threads"], calls.index(c["call"])))
    else:
        options = {"repetitions": given.repetitions, "busy": False}
        path = given.output.with_suffix(".json")
        report = run(cells, [OURS, *given.peers], options, given.minutes, path)
    text = markdown(report, given.remark)
    given.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
