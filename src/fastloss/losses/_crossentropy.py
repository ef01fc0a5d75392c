"""What the cross-entropies share."""

from __future__ import annotations

from typing import Any, ClassVar

from fastloss.core import checks
from fastloss.core.kinds import Registered

__all__ = ["Crossentropy"]


class Crossentropy(Registered):
    """What the cross-entropies have in common: probabilities or logits."""

    kernels: ClassVar[tuple[str, str]]  # of probabilities, of logits
    logits_aliases: ClassVar[tuple[str, ...]]

    from_logits: bool = False
    eps: float | None = None

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return self.kernels[self.from_logits]

    @classmethod
    def _names(cls) -> dict[str, dict[str, Any]]:
        logits = {alias: {"from_logits": True} for alias in cls.logits_aliases}
        return super()._names() | logits

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("from_logits", self.from_logits)
        if self.eps is not None:
            self._set("eps", checks.number("eps", self.eps, 0, 0.5, open_low=False))
