"""When a call is left to PyTorch's own function, and how often that was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch
from torch.autograd import forward_ad

__all__ = ["count", "refused", "report", "unfit"]

_PLAIN = (torch.Tensor, torch.nn.Parameter)
_counts: Counter[tuple[str, str]] = Counter()


def unfit(arguments: Iterable[Any]) -> str:
    """Why a call with these arguments is not one for arrays; empty if it is one."""
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "a transform of torch.func"
    if torch._C._get_tracing_state() is not None:
        return "torch.jit.trace"
    if torch._C._len_torch_dispatch_stack():
        return "a dispatch mode"
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation"
    for given in arguments:
        if type(given) in _PLAIN:
            if not given.is_cpu:
                return "another device"
            if given.layout is not torch.strided or given.is_nested:
                return "sparse or nested"
            if given.is_complex() or given.is_neg():
                return "complex"
            if not given.numel():
                return "an empty tensor"
        elif isinstance(given, torch.Tensor):
            return "a subclass of Tensor"
    return ""


def refused(error: Exception) -> str:
    """What an error of ours is about: the name that its message begins with."""
    word = re.match(r"\w+", str(error))
    return f"refused, {word[0] if word else type(error).__name__}"


def count(function: str, reason: str) -> None:
    """Note a call that was computed here, if there is no reason against it, or not."""
    _counts[function, reason and f"torch: {reason}"] += 1


def report() -> dict[str, dict[str, int]]:
    """How often each function was called, and what became of the calls.

    Those of compiled graphs are not counted.

    Returns
    -------
    dict
        By function: "fastloss" and the calls computed here; "torch: <reason>" and those
        left to PyTorch's own function.

    Examples
    --------
    >>> import torch
    >>> import fastloss.torch
    >>> a, b = torch.zeros(3), torch.ones(3, dtype=torch.float64)
    >>> _ = fastloss.torch.hinge_embedding_loss(a + 1, a + 1)
    >>> _ = fastloss.torch.hinge_embedding_loss(a, b)
    >>> fastloss.torch.report()["hinge_embedding_loss"]
    {'fastloss': 1, 'torch: different dtypes': 1}
    """
    found: dict[str, dict[str, int]] = {}
    for (function, reason), calls in _counts.items():
        found.setdefault(function, {})[reason or "fastloss"] = calls
    return found
