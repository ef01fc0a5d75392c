"""
A chart of all losses
=====================

The chart is drawn from ``fl.guide()``, which knows every loss: what the labels are,
what the case is, and the loss for it. ``fl.suggest(y_true)`` looks at labels and
answers for them.
"""

from textwrap import shorten

import matplotlib.pyplot as plt

import fastloss as fl

# %%
# Find the task and what the labels are; then the case, and to its right the loss.


def chart(title, *words):
    rows = [row for row in fl.guide() if any(w in row.task for w in words)]
    groups = {}
    for row in rows:
        task = row.task.partition(",")[0]
        groups.setdefault(f"{task}: {row.labels}", []).append(row)
    height = 0.24 * (len(rows) + 0.9 * len(groups)) + 0.6
    _, panel = plt.subplots(figsize=(8, height), layout="constrained")
    panel.set_axis_off()
    panel.set_title(title, loc="left", fontsize=13, fontweight="bold")
    at = 0.0
    for group, (heading, members) in enumerate(groups.items()):
        color = f"C{group % 10}"
        panel.text(0.0, at, heading, color=color, weight="bold", fontsize=9)
        top = at + 0.55
        for row in members:
            at += 1
            panel.plot([0.012, 0.03], [at, at], color=color, linewidth=1.5)
            when = shorten(row.when, 84, placeholder=" ...")
            panel.text(0.037, at, when, va="center", fontsize=9)
            panel.annotate(
                row.loss,
                (0.68, at),
                va="center",
                fontsize=9,
                family="monospace",
                bbox={"boxstyle": "round,pad=0.15", "fc": "0.95", "ec": color},
                annotation_clip=False,
            )
        panel.plot([0.012, 0.012], [top, at], color=color, linewidth=1.5)
        at += 1.9
    panel.set(xlim=(0, 1), ylim=(at - 1, -0.8))
    plt.show()


chart("A number is predicted", "regression", "forecast", "interval")

# %%
chart(
    "A class, or several, is predicted", "classification", "detection", "distillation"
)

# %%
chart(
    "Something else is predicted: an order, a distance, a region, a time",
    "embedding",
    "metric learning",
    "retrieval",
    "ranking",
    "survival",
    "segmentation",
    "boxes",
)
