"""What losses of probabilities or logits share."""

from __future__ import annotations

from typing import ClassVar

from fastloss.core import checks
from fastloss.core.kinds import Registered

__all__ = ["FromLogits", "ProbabilitiesOrLogits"]


class FromLogits(Registered):
    """A loss with a kernel for probabilities and one for logits."""

    kernels: ClassVar[tuple[str, str]]  # of probabilities, of logits

    from_logits: bool = False

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return self.kernels[self.from_logits]

    def _validate(self) -> None:
        super()._validate()
        checks.boolean("from_logits", self.from_logits)


class ProbabilitiesOrLogits(FromLogits):
    """And probabilities are clipped."""

    eps: float | None = None

    def _validate(self) -> None:
        super()._validate()
        if self.eps is not None:
            self._set("eps", checks.number("eps", self.eps, 0, 0.5, open_low=False))
