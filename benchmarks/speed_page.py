"""The picture and the table of README.md and docs/speed.md, from docs/race.json.

    python benchmarks/speed_page.py

Of what `benchmarks/race.py --output race` writes, race.json belongs there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cells import TITLES
from measures import NOISE, OURS, best_peer, ratio, seconds
from report import duration, number

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs/speed.md")
PICTURE = ROOT / "docs/speed.png"
BEGIN, END = "<!-- speed: begin -->\n", "<!-- speed: end -->\n"

LOSSES = {
    "mean_squared_error": "squared error,\na million numbers",
    "binary_crossentropy_logits": "binary cross-entropy,\na million logits",
    "sparse_categorical_crossentropy_logits": "cross-entropy,\n8192 x 1000 logits",
}
OUTPUTS = {"value": "value", "value+grad into": "value and gradient"}
SIZES = ("1 M", "8192x1000")
OTHERS = {
    "torch.compile": "torch.compile",
    "numba": "numba",
    "JAX": "JAX",
    "torch": "PyTorch",
    "NumPy": "NumPy",
}


def cells(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What is shown, in the order of `LOSSES` and `OUTPUTS`."""
    found = {
        (cell["kernel"], cell["output"]): cell
        for cell in report["cells"]
        if cell["size"] in SIZES and cell["dtype"] == "float32" and cell["threads"] == 2
    }
    return [found[kernel, output] for kernel in LOSSES for output in OUTPUTS]


def table(report: dict[str, Any]) -> str:
    """Our times, and how many times as long the others take."""
    head = ["loss, float32", "output", "fastloss", *OTHERS.values()]
    lines = [head, ["---"] * len(head)]
    for cell in cells(report):
        ours = cell["times"][OURS]["seconds"]
        theirs = [seconds(cell, name) for name in OTHERS]
        factors = [f"{number(time / ours)} x" if time else "" for time in theirs]
        loss = LOSSES[cell["kernel"]].replace("\n", " ")
        lines.append([loss, OUTPUTS[cell["output"]], duration(ours), *factors])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def level(report: dict[str, Any]) -> str:
    """In how many cells of the race nobody is ahead by more than noise, and who is."""
    counts = []
    ahead: dict[str, set[str]] = {}
    for dtype in ("float32", "float64"):
        cells = [
            cell
            for cell in report["cells"]
            if cell["threads"] == 2 and cell["dtype"] == dtype and ratio(cell)
        ]
        lost = [cell for cell in cells if (ratio(cell) or 0) < NOISE]
        counts.append(f"{len(cells) - len(lost)} of {len(cells)} cells in {dtype}")
        for cell in lost:
            name, _ = best_peer(cell) or ("", 0)
            ahead.setdefault(name, set()).add(TITLES[cell["kernel"]])
    who = "; ".join(f"{name} in {', '.join(sorted(on))}" for name, on in ahead.items())
    return f"{' and '.join(counts)}. Ahead of it is {who}."


def block(report: dict[str, Any], link: str) -> str:
    """What stands between the marks of a page."""
    config, versions = report["config"], report["versions"]
    return f"""
![Time of a loss and its gradient, the shorter the better]({link}speed.png)

Release {versions[OURS]}, two threads of an {report["cpu"]} with {config["isa"]}; the
columns of others are their time over that of fastloss:

{table(report)}
Over all sizes and outputs of the race, from 16 elements to 66 million, fastloss is
ahead of the fastest other or level with it in
{level(report)}

"""


def picture(report: dict[str, Any]) -> None:
    """Bars of milliseconds, a panel for each loss."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = {OURS: "fastloss", **OTHERS}
    with mpl.rc_context({"font.size": 12}):
        figure = Figure(figsize=(11, 3.6), layout="constrained")
        panels = figure.subplots(1, len(LOSSES), sharey=True)
        shown = [cell for cell in cells(report) if cell["output"] == "value+grad into"]
        for ax, cell in zip(panels, shown, strict=True):
            times = [1e3 * (seconds(cell, name) or 0) for name in names]
            colors = ["#d9480f", *["#9aa5b1"] * len(OTHERS)]
            bars = ax.barh(list(names.values()), times, color=colors)
            ax.bar_label(bars, [f"{time:.3g} ms" for time in times], padding=3)
            ax.set_title(LOSSES[cell["kernel"]], fontsize=12)
            ax.set_xlim(0, 1.3 * max(times))
            ax.set_xticks([])
            ax.tick_params(left=False)
            for spine in ax.spines.values():
                spine.set_visible(False)
        panels[0].invert_yaxis()
        panels[0].get_yticklabels()[0].set_fontweight("bold")
        figure.suptitle("Loss and gradient in float32: the shorter, the faster")
        figure.savefig(PICTURE, dpi=110)


def current(text: str, report: dict[str, Any], link: str) -> str:
    """A page with its block as it should be."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}{block(report, link)}{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    measured = json.loads((ROOT / "docs/race.json").read_text("utf-8"))
    picture(measured)
    for page in PAGES:
        where = "docs/" if page.parent == ROOT else ""
        text = current(page.read_text("utf-8"), measured, where)
        page.write_text(text, "utf-8")
