"""The kernels of the C side, by name: csrc/registry.h as Python sees it."""

from __future__ import annotations

from typing import NamedTuple

from fastloss import _bridge

__all__ = ["REGISTRY", "Row"]


class Row(NamedTuple):
    """One kernel.

    Attributes
    ----------
    name : str
        Name of the kernel, of its file ``csrc/losses/<name>.c`` and of its symbols.
    kind : str
        ``"elementwise"``, ``"sparse"`` (an integer class for a row of predictions) or
        ``"dense"`` (a row of label weights for a row of predictions).
    labels, predictions : str
        What `y_true` and `y_pred` may hold: ``"real"``, ``"sign"`` (-1 and +1),
        ``"unit"`` ([0, 1]) or ``"class"``.
    parameters : tuple of str
        Attributes of the loss that the formula takes, in order.
    """

    name: str
    kind: str
    labels: str
    predictions: str
    parameters: tuple[str, ...]


REGISTRY: tuple[Row, ...] = tuple(Row(*row) for row in _bridge.registry())

NUMBERS: dict[str, int] = {row.name: number for number, row in enumerate(REGISTRY)}
