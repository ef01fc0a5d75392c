"""The kernels of the C side, by name: csrc/registry as Python sees it."""

from __future__ import annotations

from typing import NamedTuple

from fastloss.core import _bridge

__all__ = ["REGISTRY", "Row"]


class Row(NamedTuple):
    """One kernel.

    Attributes
    ----------
    name : str
        Name of the kernel, of its file ``csrc/losses/<family>/<name>.c`` and of its
        symbols.
    family : str
        What it is a loss for.
    kind : str
        What has a value of its own, of csrc/registry/kinds.h: ``"element"``, ``"row"``
        and others.
    labels, predictions : tuple of str
        What each label and each prediction may hold: ``"real"``, ``"sign"`` (-1 and
        +1), ``"unit"`` ([0, 1]), ``"class"`` and others of `DOMAINS`.
    parameters : tuple of str
        Attributes of the loss that the formula takes, in order.
    """

    name: str
    family: str
    kind: str
    labels: tuple[str, ...]
    predictions: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def of_elements(self) -> bool:
        """Whether each element has a value of its own."""
        return self.kind == "element"

    @property
    def of_rows(self) -> bool:
        """Whether each row of predictions has one."""
        return self.kind == "row"


REGISTRY: tuple[Row, ...] = tuple(Row(*row) for row in _bridge.registry())

DOMAINS: dict[str, str] = _bridge.domains()
"""What is said of numbers outside each domain."""

NUMBERS: dict[str, int] = {row.name: number for number, row in enumerate(REGISTRY)}
