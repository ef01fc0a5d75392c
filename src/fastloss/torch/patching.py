"""Our functions in the place of PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch.nn import functional as F  # noqa: N812

from fastloss.torch import functional

__all__ = ["patch", "patched", "unpatch"]


def patch() -> None:
    """Put our functions into `torch.nn.functional`.

    The modules of `torch.nn` call them there. Code that has imported a function by its
    name keeps PyTorch's.
    """
    for name in functional.OWN:
        setattr(F, name, getattr(functional, name))


def unpatch() -> None:
    """Put PyTorch's own functions back."""
    for name, own in functional.OWN.items():
        setattr(F, name, own)


@contextmanager
def patched() -> Iterator[None]:
    """`patch` inside a ``with`` block; what was there before comes back.

    Examples
    --------
    >>> import torch
    >>> import fastloss.torch
    >>> with fastloss.torch.patched():
    ...     torch.nn.functional.mse_loss is fastloss.torch.mse_loss
    True
    >>> torch.nn.functional.mse_loss is fastloss.torch.mse_loss
    False
    """
    before = {name: getattr(F, name) for name in functional.OWN}
    patch()
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(F, name, function)
