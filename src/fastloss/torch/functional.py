"""PyTorch's loss functions, with its signatures and defaults."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from fastloss.torch import fallback
from fastloss.torch.calls import (
    Call,
    Settings,
    evaluate,
    evaluate_compiled,
    objection,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
]

P = ParamSpec("P")

#: PyTorch's own, whoever patches the module later.
OWN = {name: getattr(F, name) for name in __all__}

_DEPRECATED = "size_average and reduce"
_SHAPES = "different shapes"
_MEAN_OF_ENTRIES = (
    'reduction="mean" of kl_div divides by the number of entries; "batchmean" is the '
    "divergence, averaged over the batch"
)
_REFUSED = (ValueError, TypeError, AttributeError)


def _as_torch(arrange: Callable[P, Call | str]) -> Callable[P, Tensor]:
    """A function of PyTorch's name that computes the call its arguments mean.

    Where that is no call but a reason, and where fastloss refuses it, PyTorch's own
    function has the arguments, and the last word on errors.
    """
    name = arrange.__name__
    own = OWN[name]

    @wraps(arrange)
    def function(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        if torch.compiler.is_compiling():
            call = arrange(*args, **kwargs)
            if isinstance(call, str) or objection(call):
                return own(*args, **kwargs)
            return evaluate_compiled(call)
        reason = fallback.unfit((*args, *kwargs.values()))
        if not reason:
            try:
                call = arrange(*args, **kwargs)
                if isinstance(call, str):
                    reason = call
                elif not (reason := objection(call)):
                    value = evaluate(call)
            except _REFUSED as refusal:
                reason = fallback.refused(refusal)
        fallback.count(name, reason)
        return own(*args, **kwargs) if reason else value

    function.__doc__ = f"`torch.nn.functional.{name}`.\n\n{arrange.__doc__}"
    return function


def _is_plain(size_average: Any, reduce: Any, reduction: str) -> str:
    """What is wrong with these options; empty if nothing is."""
    if size_average is not None or reduce is not None:
        return _DEPRECATED
    return "" if reduction in ("mean", "sum", "none") else "the reduction"


def _over_all(reduction: str) -> str:
    """A mean divides by the number of samples, not by the sum of their weights."""
    return "sum_over_batch_size" if reduction == "mean" else reduction


def _broadcast(weight: Tensor | None, input: Tensor) -> Tensor | None:
    """A weight for each entry."""
    return None if weight is None else weight.expand(input.shape)


def _classes_last(input: Tensor) -> Tensor:
    return input.movedim(1, -1) if input.ndim > 2 else input


def _difference(
    loss: str,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    **parameters: Any,
) -> Call | str:
    """A loss of the difference of input and target."""
    if input.shape != target.shape:
        return _SHAPES  # PyTorch warns and broadcasts
    if weight is not None and weight.shape != input.shape:
        return _SHAPES
    settings = (("reduction", reduction), *parameters.items())
    return Call(loss, settings, (input,), (target,), weight, difference=True)


@_as_torch
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Call | str:
    """The squared error; see `fastloss.MeanSquaredError`."""
    return _is_plain(size_average, reduce, reduction) or _difference(
        "mean_squared_error", input, target, weight, reduction
    )


@_as_torch
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Call | str:
    """The absolute error; see `fastloss.MeanAbsoluteError`."""
    return _is_plain(size_average, reduce, reduction) or _difference(
        "mean_absolute_error", input, target, weight, reduction
    )


@_as_torch
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Call | str:
    """Quadratic up to `beta`, linear beyond; see `fastloss.SmoothL1`."""
    if beta == 0:
        return _is_plain(size_average, reduce, reduction) or _difference(
            "mean_absolute_error", input, target, None, reduction
        )
    return _is_plain(size_average, reduce, reduction) or _difference(
        "smooth_l1", input, target, None, reduction, beta=beta
    )


@_as_torch
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Call | str:
    """Quadratic up to `delta`, linear beyond; see `fastloss.Huber`."""
    return _is_plain(None, None, reduction) or _difference(
        "huber", input, target, weight, _over_all(reduction), delta=delta
    )


@_as_torch
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of probabilities; see `fastloss.BinaryCrossentropy`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if input.shape != target.shape:
        return _SHAPES
    settings = (("eps", 0.0), ("reduction", _over_all(reduction)))
    weight = _broadcast(weight, input)
    loss = "binary_crossentropy"
    return Call(loss, settings, (input,), (target,), weight, finite=True)


@_as_torch
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Call | str:
    """Of logits; see `fastloss.BinaryCrossentropy`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if input.shape != target.shape:
        return _SHAPES
    weight = _broadcast(weight, input)
    if pos_weight is not None:
        if target.requires_grad or pos_weight.requires_grad:
            return "the gradient of weights"
        # With w = 1 + (p - 1) y: p y log(s) + (1 - y) log(1 - s) is w times the
        # cross-entropy of s and p y/w.
        factor = torch.lerp(
            torch.ones_like(target), pos_weight.expand_as(target), target
        )
        target = target * pos_weight / factor
        weight = factor if weight is None else factor * weight
    settings = (("from_logits", True), ("reduction", _over_all(reduction)))
    return Call("binary_crossentropy", settings, (input,), (target,), weight)


@_as_torch
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Call | str:
    """Of logits and classes or rows of probabilities.

    See `fastloss.SparseCategoricalCrossentropy`, `fastloss.CategoricalCrossentropy`.
    """
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    settings: Settings = (("from_logits", True), ("label_smoothing", label_smoothing))
    x = _classes_last(input)
    if target.is_floating_point() and input.shape == target.shape:
        if ignore_index >= 0:
            return "ignore_index"
        loss = "categorical_crossentropy"
        target = _classes_last(target)
        settings += (("label_sum", "any"), ("reduction", _over_all(reduction)))
    else:
        loss = "sparse_categorical_crossentropy"
        settings += (("ignore_class", ignore_index), ("reduction", reduction))
        if reason := _is_classes(x, target):
            return reason

    def again(x: Tensor) -> Tensor:
        y = target.movedim(-1, 1) if target.ndim == x.ndim > 2 else target
        x = x.movedim(-1, 1) if x.ndim > 2 else x
        own = OWN["cross_entropy"]
        value: Tensor = own(
            x,
            y,
            weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
        return value

    return Call(loss, settings, (x,), (target,), None, weight, again)


def _is_classes(x: Tensor, target: Tensor) -> str:
    """Why `target` does not hold a class for each row of `x`; empty if it does."""
    if target.dtype is not torch.int64 and target.dtype is not torch.uint8:
        return "the dtype of the target"
    return "" if target.shape == x.shape[:-1] else _SHAPES


@_as_torch
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of log-probabilities and classes; see `fastloss.NLL`."""
    x = _classes_last(input)
    if reason := _is_plain(size_average, reduce, reduction) or _is_classes(x, target):
        return reason
    settings = (("ignore_class", ignore_index), ("reduction", reduction))

    def again(x: Tensor) -> Tensor:
        x = x.movedim(-1, 1) if x.ndim > 2 else x
        own = OWN["nll_loss"]
        value: Tensor = own(
            x, target, weight, ignore_index=ignore_index, reduction=reduction
        )
        return value

    return Call("nll", settings, (x,), (target,), None, weight, again)


@_as_torch
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Call | str:
    """Of log-probabilities and probabilities; see `fastloss.KLDivergence`."""
    if size_average is not None or reduce is not None:
        return _DEPRECATED
    if reduction != "batchmean" and (reason := _is_plain(None, None, reduction)):
        return reason
    if input.shape != target.shape or input.ndim == 0:
        return _SHAPES
    if reduction == "mean" and not torch.compiler.is_compiling():
        warnings.warn(_MEAN_OF_ENTRIES, stacklevel=3)
    weight = None
    x, y = input, target
    if reduction == "none":
        x, y = input.unsqueeze(-1), target.unsqueeze(-1)  # a value for each entry
    elif reduction != "sum":
        count = input.numel() if reduction == "mean" else input.shape[0]
        weight = input.new_full((), 1 / count).expand(input.shape[:-1])
    settings = (
        ("log_input", True),
        ("log_target", log_target),
        ("label_sum", "any"),
        ("reduction", "none" if reduction == "none" else "sum"),
    )

    def again(x: Tensor) -> Tensor:
        own = OWN["kl_div"]
        value: Tensor = own(
            x.reshape(target.shape), target, reduction=reduction, log_target=log_target
        )
        return value

    return Call("kl_divergence", settings, (x,), (y,), weight, None, again)


@_as_torch
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of counts and their mean or its logarithm; see `fastloss.Poisson`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if full:
        return "full=True"
    input, target = torch.broadcast_tensors(input, target)
    settings = (("log_input", log_input), ("eps", eps), ("reduction", reduction))
    return Call("poisson", settings, (input,), (target,))


@_as_torch
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Call | str:
    """Of a mean and a variance; see `fastloss.GaussianNLL`."""
    if reason := _is_plain(None, None, reduction):
        return reason
    variance = var if isinstance(var, Tensor) else input.new_full(input.shape, var)
    if variance.shape == input.shape[:-1] != input.shape:
        variance = variance.unsqueeze(-1)
    if variance.shape != input.shape and (
        variance.shape[:-1] != input.shape[:-1] or variance.shape[-1:] != (1,)
    ):
        return _SHAPES
    input, target, variance = torch.broadcast_tensors(input, target, variance)
    settings = (("full", full), ("eps", eps), ("reduction", reduction))

    def again(x: Tensor, v: Tensor) -> Tensor:
        own = OWN["gaussian_nll_loss"]
        value: Tensor = own(x, target, v, full, eps, reduction)
        return value

    heads = (input, variance)
    return Call(
        "gaussian_nll", settings, heads, (target,), again=again, difference=True
    )


@_as_torch
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of decision values and signs; see `fastloss.SoftMargin`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if input.shape != target.shape:
        return _SHAPES
    return Call("soft_margin", (("reduction", reduction),), (input,), (target,))


@_as_torch
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of distances and signs; see `fastloss.HingeEmbedding`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    input, target = torch.broadcast_tensors(input, target)
    settings = (("margin", margin), ("reduction", reduction))
    return Call("hinge_embedding", settings, (input,), (target,))


@_as_torch
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of decision values and classes; see `fastloss.MultiMargin`."""
    reason = _is_plain(size_average, reduce, reduction)
    if reason := reason or _is_classes(_classes_last(input), target):
        return reason
    settings = (("p", p), ("margin", margin), ("reduction", _over_all(reduction)))

    def again(x: Tensor) -> Tensor:
        own = OWN["multi_margin_loss"]
        value: Tensor = own(x, target, p, margin, weight, reduction=reduction)
        return value

    return Call("multi_margin", settings, (input,), (target,), None, weight, again)


@_as_torch
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of decision values and lists of classes; see `fastloss.MultilabelMargin`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if input.shape != target.shape or input.ndim not in (1, 2):
        return _SHAPES
    if target.dtype is not torch.int64:
        return "the dtype of the target"
    classes = input.shape[-1]
    if torch.compiler.is_compiling():
        return "lists"
    listed = torch.cumprod(target >= 0, -1).bool()  # up to the first -1
    chosen = input.new_zeros((*input.shape[:-1], classes + 1))
    chosen = chosen.scatter(-1, torch.where(listed, target, classes), 1.0)
    if chosen[..., :classes].sum() != listed.sum():
        return "a class listed twice"

    def again(x: Tensor) -> Tensor:
        own = OWN["multilabel_margin_loss"]
        value: Tensor = own(x, target, reduction=reduction)
        return value

    settings = (("reduction", reduction),)
    labels = (chosen[..., :classes],)
    return Call("multilabel_margin", settings, (input,), labels, again=again)


@_as_torch
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """The mean of binary cross-entropies; see `fastloss.BinaryCrossentropy`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if input.shape != target.shape:
        return _SHAPES
    if reduction != "mean":
        return f"reduction {reduction}"  # of rows
    settings = (("from_logits", True), ("reduction", "sum_over_batch_size"))
    weight = _broadcast(weight, input)
    return Call("binary_crossentropy", settings, (input,), (target,), weight)


@_as_torch
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of two scores and which is to be larger; see `fastloss.MarginRanking`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if not input1.ndim == input2.ndim == target.ndim:
        return _SHAPES
    input1, input2, target = torch.broadcast_tensors(input1, input2, target)

    def again(x: Tensor, y: Tensor) -> Tensor:
        own = OWN["margin_ranking_loss"]
        value: Tensor = own(x, y, target, margin, reduction=reduction)
        return value

    settings = (("margin", margin), ("reduction", reduction))
    pair = (input1, input2)
    return Call("margin_ranking", settings, pair, (target,), again=again)


@_as_torch
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of two rows and whether they are alike; see `fastloss.CosineEmbedding`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if input1.shape != input2.shape or target.shape != input1.shape[:-1]:
        return _SHAPES

    def again(x: Tensor, y: Tensor) -> Tensor:
        own = OWN["cosine_embedding_loss"]
        value: Tensor = own(x, y, target, margin, reduction=reduction)
        return value

    settings = (("margin", margin), ("reduction", reduction))
    pair = (input1, input2)
    return Call("cosine_embedding", settings, pair, (target,), again=again)


@_as_torch
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Call | str:
    """Of an anchor and who is to be nearer; see `fastloss.Triplet`."""
    if reason := _is_plain(size_average, reduce, reduction):
        return reason
    if not anchor.shape == positive.shape == negative.shape:
        return _SHAPES

    def again(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        own = OWN["triplet_margin_loss"]
        value: Tensor = own(x, y, z, margin, p, eps, swap, reduction=reduction)
        return value

    settings = (
        ("margin", margin),
        ("p", p),
        ("eps", eps),
        ("swap", swap),
        ("reduction", reduction),
    )
    triple = (anchor, positive, negative)
    return Call("triplet", settings, triple, (), again=again)
