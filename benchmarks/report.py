"""What a race has shown: a Markdown table, a JSON file and a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cells import OUTPUTS, TITLES

# A ratio above this counts as not slower.
NOISE = 0.95
OURS = "fastloss"

COLUMNS = (
    "Columns from *best peer* on are ratios of times: peer / fastloss, so above 1 "
    "fastloss is ahead; *limit* is fastloss / streaming loop, NT where the loop with "
    "non-temporal stores is the faster."
)


def seconds(cell: dict[str, Any], name: str) -> float | None:
    """Median seconds of a contender."""
    time = cell["times"].get(name)
    return time["seconds"] if time else None


def limit(cell: dict[str, Any]) -> float | None:
    """Seconds of the faster streaming loop."""
    times = [time["seconds"] for time in cell["limits"].values()]
    return min(times, default=None)


def best_peer(cell: dict[str, Any]) -> tuple[str, float] | None:
    """The fastest contender but ours."""
    times = {name: t["seconds"] for name, t in cell["times"].items() if name != OURS}
    return min(times.items(), key=lambda item: item[1]) if times else None


def ratio(cell: dict[str, Any]) -> float | None:
    """The best peer's time over ours."""
    best = best_peer(cell)
    return best[1] / cell["times"][OURS]["seconds"] if best else None


def over_limit(cell: dict[str, Any]) -> float | None:
    """Our time over the limit."""
    least = limit(cell)
    return cell["times"][OURS]["seconds"] / least if least else None


def _time(value: float) -> str:
    for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def _number(value: float | None) -> str:
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
        f"{_time(ours['seconds'])} ±{100 * ours['spread']:.0f} %",
        f"**{_number(ratio(cell))}** ({best[0]})" if best else "",
        _number(over_limit(cell)) + (" NT" if "nontemporal" in stores else ""),
        *[_number(t / ours["seconds"]) if t else "" for t in theirs],
    ]


def table(cells: list[dict[str, Any]]) -> str:
    """Rows of a cell each: our time, ratios to it, and our distance to the limit."""
    peers = list(dict.fromkeys(n for c in cells for n in c["times"] if n != OURS))
    head = ["loss", "output", "size", "fastloss", "best peer", "limit", *peers]
    rows = [head, ["---"] * len(head), *(_row(cell, peers) for cell in cells)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def exceptions(cells: list[dict[str, Any]]) -> list[str]:
    """The cells in which a peer is ahead by more than noise, the worst first."""
    lost = [c for c in cells if (ratio(c) or 1) < NOISE]
    return [
        f"{TITLES[c['kernel']]}, {c['output']}, {c['size']}, {c['dtype']}, "
        f"{c['threads']} threads: {ratio(c):.2f} ({best_peer(c)[0]})"
        for c in sorted(lost, key=lambda c: ratio(c) or 1)
    ]


def markdown(report: dict[str, Any]) -> str:
    """The whole report as Markdown."""
    config = report["config"]
    versions = ", ".join(f"{n} {v}" for n, v in report["versions"].items())
    how = "least CPU times" if report["busy"] else "medians"
    machine = (
        f"{report['cpu']}, {report['started']} UTC, Python {report['python']}, "
        f"NumPy {config['numpy']}, kernels {config['isa']} ({config['compiler']}), "
        f"{how} of {report['repetitions']} interleaved repetitions.\n{versions}."
    )
    parts = [machine, COLUMNS]
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
    wrong = [
        f"- {TITLES[c['kernel']]}, {c['output']}, {c['size']}, {c['dtype']}: {name}"
        for c in report["cells"]
        for name in c["wrong"]
    ]
    if wrong:
        parts.append("Left out, their result is another:\n\n" + "\n".join(wrong))
    return "\n\n".join(parts) + "\n"


def picture(report: dict[str, Any], path: Path) -> None:
    """Ratio to the best peer, and to the limit, of every cell with most threads."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    most = max(c["threads"] for c in report["cells"])
    cells = [c for c in report["cells"] if c["threads"] == most]
    sizes = list(dict.fromkeys(c["size"] for c in cells))
    rows = [
        (kernel, output, dtype)
        for kernel in TITLES
        for output in OUTPUTS
        for dtype in ("float32", "float64")
        if any(
            (c["kernel"], c["output"], c["dtype"]) == (kernel, output, dtype)
            for c in cells
        )
    ]
    figure, axes = plt.subplots(
        1, 2, figsize=(6 + 1.1 * len(sizes), 1.8 + 0.24 * len(rows)), sharey=True
    )
    for axis, value, title, norm, colors in (
        (axes[0], ratio, "best peer / fastloss", LogNorm(0.25, 4), "RdYlGn"),
        (
            axes[1],
            over_limit,
            "fastloss / streaming limit",
            LogNorm(0.5, 8),
            "RdYlGn_r",
        ),
    ):
        grid = [[float("nan")] * len(sizes) for _ in rows]
        for cell in cells:
            row = rows.index((cell["kernel"], cell["output"], cell["dtype"]))
            column = sizes.index(cell["size"])
            number = value(cell)
            if number:
                grid[row][column] = number
                axis.text(
                    column, row, _number(number), ha="center", va="center", fontsize=6
                )
        axis.imshow(grid, norm=norm, cmap=colors, aspect="auto", alpha=0.8)
        axis.set_title(f"{title}, {most} threads", fontsize=9)
        axis.set_xticks(range(len(sizes)), sizes, rotation=60, fontsize=7)
    labels = [f"{TITLES[k]}, {o}, {d.replace('loat', '')}" for k, o, d in rows]
    axes[0].set_yticks(range(len(rows)), labels, fontsize=6)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write(report: dict[str, Any], stem: Path) -> str:
    """Write STEM.json, STEM.md and STEM.png; the Markdown."""
    text = markdown(report)
    stem.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    stem.with_suffix(".md").write_text(text)
    picture(report, stem.with_suffix(".png"))
    return text
