"""Losses under PyTorch's names, for tensors on the CPU.

>>> import torch
>>> import fastloss.torch
>>> logits = torch.zeros(2, 4, requires_grad=True)
>>> loss = fastloss.torch.cross_entropy(logits, torch.tensor([1, 3]))
>>> loss.backward()
>>> round(loss.item(), 6), logits.grad[0].tolist()
(1.386294, [0.125, -0.375, 0.125, 0.125])

Functions and modules have PyTorch's signatures and defaults; `loss` makes a module of
any other loss. `patch` puts the functions into `torch.nn.functional`. What they cannot
compute they hand over to PyTorch's own; `report` says how often and why.
"""

from __future__ import annotations

from fastloss._neighbours import neighbour

with neighbour("torch", "2.6", "2.13"):
    from fastloss.torch.fallback import report
    from fastloss.torch.functional import *
    from fastloss.torch.functional import __all__ as _functions
    from fastloss.torch.modules import *
    from fastloss.torch.modules import __all__ as _modules
    from fastloss.torch.patching import patch, patched, unpatch

__all__ = ["patch", "patched", "report", "unpatch"]
__all__ += _functions + _modules
