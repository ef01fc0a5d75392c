"""Figures that pyplot knows nothing of, and the axes to draw on."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.figure import Figure

__all__ = ["Picture", "axes_for", "finish"]

_PANEL = (3.6, 3.0)  # inches


class Picture(Figure):
    """A figure that a notebook shows, whether or not pyplot is imported there."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def axes_for(
    given: Any,
    rows: int,
    columns: int,
    panel: tuple[float, float] = _PANEL,
    heights: Sequence[float] | None = None,
) -> Any:
    """An array (rows, columns) of axes: new ones, or the ones that were given."""
    if given is None:
        width, height = panel
        size = (width * columns, height * rows + 0.4)
        return Picture(figsize=size, layout="constrained").subplots(
            rows, columns, squeeze=False, height_ratios=heights
        )
    axes = np.array(given, dtype=object)
    if axes.size != rows * columns:
        raise ValueError(
            f"axes holds {axes.size} axes, but {rows} x {columns} are drawn on: pass "
            f"those of plt.subplots({rows}, {columns})"
        )
    for place, ax in enumerate(axes.flat):
        if not hasattr(ax, "plot"):
            raise TypeError(
                f"axes[{place}] is {type(ax).__name__}: Matplotlib's Axes are expected"
            )
    return axes.reshape(rows, columns)


def finish(axes: Any, given: Any, title: str) -> Any:
    """The figure of the axes, with a title if it is a new one."""
    figure = axes.flat[0].figure
    if given is None and title:
        figure.suptitle(title, fontsize="medium", parse_math=False, wrap=True)
    return figure
