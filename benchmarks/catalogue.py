"""Every loss of elements and rows against all libraries that have it.

    python benchmarks/catalogue.py --output my-catalogue
    python benchmarks/catalogue.py --losses 'focal*,poisson*' --dtypes float32

The contenders, what they do and how they are timed are those of `race.py`: a million
elements, 8192 rows of 1000 classes and 65536 of 10, value alone and value and gradient
into an array that is there already.
"""

from __future__ import annotations

import argparse
import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from cells import INTO, VALUE, Cell
from measures import NOISE, OURS, best_peer, ratio, seconds
from race import run
from report import duration, machine, number

REFERENCE = "NumPy"
ELEMENTS = ((1_000_000,),)
ROWS_OF_CLASSES = ((8_192, 1_000), (65_536, 10))
BOXES = ((250_000, 4),)

# numexpr and numba have the formulas of the main race alone.
PEERS = ("torch", "torch.compile", "JAX", "numba", "sklearn.metrics", "sklearn._loss")


def cells(patterns: str, dtypes: list[str], threads: int) -> list[Cell]:
    """The cells of the losses asked for, those of one input next to each other."""
    from suite.inputs import ROWS

    wanted = [p.strip() for p in patterns.split(",")]
    found = []
    for name, row in ROWS.items():
        if not any(fnmatch(name, pattern) for pattern in wanted):
            continue
        shapes = ELEMENTS if row.kind == "element" else ROWS_OF_CLASSES
        for dtype in dtypes:
            for shape in BOXES if row.family == "boxes" else shapes:
                found += [
                    Cell(name, output, dtype, shape, threads)
                    for output in (VALUE, INTO)
                ]
    return found


def _peers_alone(cell: dict[str, Any]) -> dict[str, Any]:
    times = {name: t for name, t in cell["times"].items() if name != REFERENCE}
    return cell | {"times": times}


def _row(cell: dict[str, Any]) -> list[str]:
    ours = cell["times"][OURS]["seconds"]
    against = _peers_alone(cell)
    best = best_peer(against)
    reference = seconds(cell, REFERENCE)
    return [
        f"`{cell['kernel']}`",
        cell["dtype"],
        cell["size"],
        cell["output"],
        duration(ours),
        f"{number(ratio(against))} ({best[0]})" if best else "",
        number(reference / ours) if reference else "",
    ]


def markdown(report: dict[str, Any]) -> str:
    """All cells as a table, and in how many of them a peer is ahead."""
    head = ["loss", "dtype", "size", "output", "fastloss", "best peer", "NumPy"]
    rows = [head, ["---"] * len(head), *map(_row, report["cells"])]
    raced = [c for c in map(_peers_alone, report["cells"]) if best_peer(c)]
    behind = [c for c in raced if (ratio(c) or 1) < NOISE]
    lost = f"{len(behind)} of the {len(raced)} cells that one has"
    wrong = {
        (c["kernel"], name, what.split("(")[0] if "Error" in what else "another result")
        for c in report["cells"]
        for name, what in c["wrong"].items()
    }
    return "\n\n".join(
        [
            machine(report),
            "Time of the best peer, and of the NumPy reference, over that of fastloss:",
            "\n".join("| " + " | ".join(row) + " |" for row in rows),
            f"A peer is ahead by more than {1 - NOISE:.0%} in {lost}.",
            *(
                f"Left out: {loss}, {name}: {what}."
                for loss, name, what in sorted(wrong)
            ),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--losses", default="*", metavar="PATTERNS", help="comma-separated, of kernels")
    add("--dtypes", nargs="+", default=["float32", "float64"])
    add("--threads", type=int, default=2)
    add(
        "--busy",
        action="store_true",
        help="least CPU time, for one thread on a machine that is not idle",
    )
    add("--repetitions", type=int, default=7)
    add("--minutes", type=float, default=600, help="stop after so many")
    add("--output", type=Path, default=Path("catalogue"), metavar="STEM")
    given = parser.parse_args()
    report = run(
        cells(given.losses, given.dtypes, 1 if given.busy else given.threads),
        [OURS, REFERENCE, *PEERS],
        {"repetitions": given.repetitions, "busy": given.busy},
        given.minutes,
        given.output.with_suffix(".json"),
    )
    text = markdown(report)
    given.output.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    given.output.with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
