"""What a race has shown: a Markdown table, a JSON file and a picture."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from cells import OUTPUTS, TITLES
from measures import NOISE, OURS, best_peer, over_limit, ratio, seconds
from targets import exceptions, targets

COLUMNS = (
    "Columns from *best peer* on are ratios of times: peer / fastloss, so above 1 "
    "fastloss is ahead; *limit* is fastloss / streaming loop, NT where the loop with "
    "non-temporal stores is the faster."
)


def duration(value: float) -> str:
    """Seconds as in a table."""
    for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def number(value: float | None) -> str:
    """Three digits, and nothing for None."""
    return "" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _row(cell: dict[str, Any], peers: list[str]) -> list[str]:
    ours = cell["times"][OURS]
    best = best_peer(cell)
    theirs = [seconds(cell, name) for name in peers]
    stores = min(cell["limits"].items(), key=lambda i: i[1]["seconds"], default=(" ",))[
        0
    ]
    return [
        TITLES[cell["kernel"]],
        cell["output"],
        cell["size"],
        f"{duration(ours['seconds'])} ±{100 * ours['spread']:.0f} %",
        f"**{number(ratio(cell))}** ({best[0]})" if best else "",
        number(over_limit(cell)) + (" NT" if "nontemporal" in stores else ""),
        *[number(t / ours["seconds"]) if t else "" for t in theirs],
    ]


def table(cells: list[dict[str, Any]]) -> str:
    """Rows of a cell each: our time, ratios to it, and our distance to the limit."""
    peers = list(dict.fromkeys(n for c in cells for n in c["times"] if n != OURS))
    head = ["loss", "output", "size", "fastloss", "best peer", "limit", *peers]
    rows = [head, ["---"] * len(head), *(_row(cell, peers) for cell in cells)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def machine(report: dict[str, Any]) -> str:
    """On what and how the figures were taken."""
    config = report["config"]
    versions = ", ".join(f"{n} {v}" for n, v in report["versions"].items())
    how = "least CPU times" if report["busy"] else "medians"
    return (
        f"{report['cpu']}, {report['started']} UTC, Python {report['python']}, "
        f"NumPy {config['numpy']}, kernels {config['isa']} ({config['compiler']}), "
        f"{how} of {report['repetitions']} interleaved repetitions.\n{versions}."
    )


def markdown(report: dict[str, Any]) -> str:
    """The whole report as Markdown."""
    parts = [machine(report), COLUMNS]
    groups = dict.fromkeys((c["dtype"], c["threads"]) for c in report["cells"])
    for dtype, threads in groups:
        cells = [
            c
            for c in report["cells"]
            if c["dtype"] == dtype and c["threads"] == threads
        ]
        parts += [f"### {dtype}, {threads} thread{'s' * (threads > 1)}", table(cells)]
    lost = exceptions(report["cells"])
    parts.append(
        f"Cells in which a peer is ahead by more than {1 - NOISE:.0%}: {len(lost)} of "
        f"{len(report['cells'])}.\n\n" + "\n".join(f"- {line}" for line in lost)
    )
    parts.append("### Targets, two threads\n\n" + targets(report["cells"]))
    wrong = [
        f"- {TITLES[c['kernel']]}, {c['output']}, {c['size']}, {c['dtype']}: {name}"
        for c in report["cells"]
        for name in c["wrong"]
    ]
    if wrong:
        parts.append("Left out, their result is another:\n\n" + "\n".join(wrong))
    return "\n\n".join(parts) + "\n"


def picture(report: dict[str, Any], dtype: str, path: Path) -> None:
    """Ratio to the best peer, and to the limit, of every cell with most threads."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    most = max(c["threads"] for c in report["cells"])
    cells = [c for c in report["cells"] if c["threads"] == most and c["dtype"] == dtype]
    sizes = list(dict.fromkeys(c["size"] for c in cells))
    present = {(c["kernel"], c["output"]) for c in cells}
    rows = [key for key in product(TITLES, OUTPUTS) if key in present]
    figure, axes = plt.subplots(
        1, 2, figsize=(4 + 1.1 * len(sizes), 1.8 + 0.22 * len(rows)), sharey=True
    )
    for axis, measure, title, norm, colors in (
        (axes[0], ratio, "best peer / fastloss", LogNorm(0.25, 4), "RdYlGn"),
        (axes[1], over_limit, "fastloss / limit", LogNorm(0.5, 8), "RdYlGn_r"),
    ):
        grid = [[float("nan")] * len(sizes) for _ in rows]
        for cell in cells:
            row = rows.index((cell["kernel"], cell["output"]))
            column = sizes.index(cell["size"])
            if figure := measure(cell):
                grid[row][column] = figure
                axis.text(
                    column, row, number(figure), ha="center", va="center", fontsize=7
                )
        axis.imshow(grid, norm=norm, cmap=colors, aspect="auto", alpha=0.8)
        axis.set_title(f"{title}, {dtype}, {most} threads", fontsize=9)
        axis.set_xticks(range(len(sizes)), sizes, rotation=60, fontsize=7)
    labels = [f"{TITLES[kernel]}, {output}" for kernel, output in rows]
    axes[0].set_yticks(range(len(rows)), labels, fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def agreement(first: dict[str, Any], second: dict[str, Any]) -> str:
    """How far two runs differ in our time and in the ratio to the best peer."""
    before = {cell_key(cell): cell for cell in first["cells"]}
    rows = [
        "| loss | output | size | dtype, threads | time | ratio |",
        "|---" * 6 + "|",
    ]
    changes: dict[str, list[float]] = {"time": [], "ratio": []}
    for cell in second["cells"]:
        if cell_key(cell) not in before:
            continue
        old = before[cell_key(cell)]
        time = cell["times"][OURS]["seconds"] / old["times"][OURS]["seconds"]
        figures = [f"{time:.2f}"]
        changes["time"].append(time)
        new_ratio, old_ratio = ratio(cell), ratio(old)
        if new_ratio and old_ratio:
            changes["ratio"].append(new_ratio / old_ratio)
            figures.append(f"{new_ratio / old_ratio:.2f}")
        where = f"{cell['dtype']}, {cell['threads']}"
        names = [TITLES[cell["kernel"]], cell["output"], cell["size"], where]
        rows.append("| " + " | ".join(names + figures) + " |")
    for name, values in changes.items():
        off = sorted(max(v, 1 / v) - 1 for v in values)
        within = f"{median(off):.0%} in the median, {off[-1]:.0%} at most"
        rows.append(f"\nThe {name} of {len(off)} cells differs by {within}.")
    return "\n".join(rows)


def cell_key(cell: dict[str, Any]) -> tuple[Any, ...]:
    """What makes a cell that of another run."""
    names = ("threads", "dtype", "kernel", "size", "output", "call")
    return tuple(cell.get(name) for name in names)


def write(report: dict[str, Any], stem: Path) -> str:
    """Write STEM.json, STEM.md and a picture for each dtype; the Markdown."""
    text = markdown(report)
    stem.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    stem.with_suffix(".md").write_text(text)
    for dtype in {cell["dtype"] for cell in report["cells"]}:
        picture(report, dtype, stem.with_name(f"{stem.name}-{dtype}.png"))
    return text
