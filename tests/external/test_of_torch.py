"""PyTorch's own samples of its losses: the same values, gradients and errors.

The samples are those that PyTorch tests itself with, as functions and as modules, in
float32 and float64. Each is a case, and what fastloss leaves to PyTorch is equal by
itself: `HERE` says how many are computed here.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import counting
import pytest
import torch
from torch.nn import functional as F  # noqa: N812
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

import fastloss.torch
from fastloss.torch import functional
from fastloss.torch import modules as ours

Outcome = tuple[torch.Tensor, list[torch.Tensor]]

OPERATORS = {op.name.removeprefix("nn.functional."): op for op in op_db}
MODULES = {
    info.module_cls.__name__: info
    for info in module_db
    if info.module_cls.__name__ in ours.__all__
}

#: PyTorch's losses that have no function here, under the names of their samples.
ABSENT = sorted(
    name
    for name in OPERATORS
    if re.search("loss|cross_entropy", name) and name not in functional.OWN
)

#: Tensors by which losses are differentiated, where it is more than the first.
HEADS = {
    "cosine_embedding_loss": 2,
    "gaussian_nll_loss": 3,
    "margin_ranking_loss": 2,
    "triplet_margin_loss": 3,
}

#: At most so many epsilons of the largest entry apart. Those in float64 are PyTorch's
#: own, which loses digits where a loss is small beside its logits.
FAR = {torch.float64: 64.0, torch.float32: 4.0}


def _clone(value: Any, dtype: torch.dtype | None, by: bool) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    clone = value.detach().clone()
    if clone.is_floating_point() and dtype is not None:
        clone = clone.to(dtype)
    return clone.requires_grad_(by and value.requires_grad)


def outcome(
    function: Callable[..., torch.Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    heads: int,
    dtype: torch.dtype | None = None,
) -> Outcome:
    """Value, and gradients for an incoming one that is not 1."""
    tensors = [_clone(a, dtype, k < heads) for k, a in enumerate(args)]
    named = {name: _clone(value, dtype, heads > 3) for name, value in kwargs.items()}
    value = function(*tensors, **named)
    given = [*tensors, *named.values()]
    leaves = [t for t in given if isinstance(t, torch.Tensor) and t.requires_grad]
    if not value.requires_grad:
        return value, []
    generator = torch.Generator().manual_seed(0)
    scale = torch.rand(value.shape, generator=generator, dtype=torch.float32) + 0.5
    grads = torch.autograd.grad(value, leaves, scale.to(value.dtype), allow_unused=True)
    return value.detach(), [grad for grad in grads if grad is not None]


def apart(mine: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference, in epsilons of the largest entry."""
    if not mine.numel():
        return 0.0
    if not torch.equal(mine.isnan(), other.isnan()):
        return float("inf")
    a, b = mine.nan_to_num(0.0).double(), other.nan_to_num(0.0).double()
    info = torch.finfo(mine.dtype)
    scale = b.abs().max().clamp(min=info.tiny)
    return float((a - b).abs().max() / scale) / info.eps


def compare(
    name: str,
    mine: Callable[..., torch.Tensor],
    theirs: Callable[..., torch.Tensor],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    heads: int,
) -> str:
    """Compare one call; how it was computed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = outcome(theirs, args, kwargs, heads)
        except Exception as error:
            with pytest.raises(type(error)):
                outcome(mine, args, kwargs, heads)
            return "error"
        before = Counter(fastloss.torch.report().get(name, {}))
        got = outcome(mine, args, kwargs, heads)
        (how,) = (Counter(fastloss.torch.report()[name]) - before).keys()
        exact = expected
        if how == "fastloss" and expected[0].dtype is torch.float32:
            if isinstance(theirs, torch.nn.Module):
                theirs = theirs.double()
            exact = outcome(theirs, args, kwargs, heads, torch.float64)
    assert got[0].dtype == expected[0].dtype
    assert got[0].shape == expected[0].shape
    assert len(got[1]) == len(expected[1])
    limit = FAR[got[0].dtype]
    for a, b in zip((got[0], *got[1]), (exact[0], *exact[1]), strict=True):
        assert apart(a, b) <= limit, (how, args, kwargs)
    return how


def count(name: str, how: Counter[str]) -> None:
    """Add the samples to the cases; an error that both give is equal, too."""
    for what, samples in how.items():
        reason = what.removeprefix("torch: ")
        for _ in range(samples):
            if reason == what:
                counting.add(name, "equal")
            else:
                counting.add(name, "left", reason)


#: Of the samples of a function those computed here at least, where it is not a third:
#: labels of some are no labels, and lists hold classes twice.
HERE = {
    "margin_ranking_loss": 0,
    "multilabel_margin_loss": 0,
    "multilabel_soft_margin_loss": 0,
    "poisson_nll_loss": 36,
    "soft_margin_loss": 0,
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", sorted(functional.OWN))
def test_functions(name: str, dtype: torch.dtype) -> None:
    """Differentiated by all that PyTorch's samples say, and by predictions alone."""
    mine, theirs = getattr(fastloss.torch, name), getattr(F, name)
    how: Counter[str] = Counter()
    for heads in (HEADS.get(name, 1), 99):
        for sample in OPERATORS[name].sample_inputs("cpu", dtype, requires_grad=True):
            args, kwargs = (sample.input, *sample.args), sample.kwargs
            how[compare(name, mine, theirs, args, kwargs, heads)] += 1
    count(name, how)
    assert how["fastloss"] >= HERE.get(name, sum(how.values()) // 3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules(name: str, dtype: torch.dtype) -> None:
    info = MODULES[name]
    how: Counter[str] = Counter()
    for sample in info.module_inputs_func(
        info, "cpu", dtype, requires_grad=True, training=True
    ):
        made = sample.constructor_input
        mine = getattr(fastloss.torch, name)(*made.args, **made.kwargs)
        theirs = info.module_cls(*made.args, **made.kwargs)
        function = type(mine)._function.__name__
        given = sample.forward_input
        heads = HEADS.get(function, 1)
        how[compare(function, mine, theirs, given.args, given.kwargs, heads)] += 1
    count(function, how)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", ABSENT)
def test_absent(name: str, dtype: torch.dtype) -> None:
    samples = [*OPERATORS[name].sample_inputs("cpu", dtype)]
    assert samples
    count(name, Counter({"torch: no such loss here": len(samples)}))
