"""A call of a loss on tensors: what it is of, its value, and its way back.

The value and the gradient are computed in the forward pass, at once. The way back
multiplies the gradient by what comes in; where that is itself to be differentiated, by
the diagonal of the Hessian, or by PyTorch's own function.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import fastloss as fl
from fastloss.core.kinds import SparseRowwise, Structured
from fastloss.core.loss import Loss
from fastloss.core.threads import get_num_threads, threads

__all__ = ["Call", "evaluate", "evaluate_compiled", "known", "objection"]

Array = NDArray[Any]
Settings = tuple[tuple[str, Any], ...]

_HALVES = (torch.float16, torch.bfloat16)
_SINGLE_AND_DOUBLE = (torch.float32, torch.float64)

#: Losses by their text, which is what a compiled graph knows of them.
_known: dict[str, Loss] = {}


class Call(NamedTuple):
    """A loss and tensors, arranged as fastloss takes them: classes last.

    Attributes
    ----------
    loss : str
        Its name to `fastloss.get`, or its text if it is `known`.
    settings : tuple of pairs
        Parameters and their values.
    predictions, labels : tuple of Tensor
    weight : Tensor, optional
        Of samples.
    class_weight : Tensor, optional
        One number a class.
    again : callable, optional
        PyTorch's own loss of `predictions`, where second derivatives are no diagonal.
    difference : bool
        Whether the loss is one of prediction less label: their gradients differ by the
        sign.
    finite : bool
        Whether an infinite value is refused.
    """

    loss: str
    settings: Settings
    predictions: tuple[Tensor, ...]
    labels: tuple[Tensor, ...]
    weight: Tensor | None = None
    class_weight: Tensor | None = None
    again: Callable[..., Tensor] | None = None
    difference: bool = False
    finite: bool = False


# Losses and their texts.


@lru_cache(256)
def _loss(name: str, settings: Settings) -> Loss:
    found = _known.get(name) or fl.get(name)
    return replace(found, **dict(settings))


def known(loss: Loss) -> str:
    """The text of a loss, by which it is found again."""
    text = repr(loss)
    if _known.setdefault(text, loss) != loss:  # two custom ones that look alike
        text = f"{text} {hash(loss)}"
        _known[text] = loss
    return text


@torch.compiler.assume_constant_result
def _template(name: str, constants: Settings, numbers: tuple[str, ...]) -> str:
    """The text of a loss, with blanks for numbers, which a graph may not know yet."""
    if name in _known:
        return name
    written = [f"{key}={value!r}" for key, value in constants]
    written += [
        f"{key}={{:.0f}}" if key == "ignore_class" else f"{key}={{!r}}"
        for key in numbers
    ]
    return f"{type(fl.get(name)).__name__}({', '.join(written)})"


@lru_cache(256)
def _found(text: str, numbers: tuple[float, ...] = ()) -> Loss:
    """The loss of a text, also of one written in another process."""
    if numbers:
        text = text.format(*numbers)
    if text in _known:
        return _known[text]
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError(f"{text!r} is no loss")
    settings = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    loss: Loss = getattr(fl, call.func.id)(**settings)
    return loss


@lru_cache(32)
def _weighted(loss: Loss, weights: bytes, dtype: np.dtype[Any]) -> Loss:
    return replace(loss, class_weight=np.frombuffer(weights, dtype))  # type: ignore[call-arg]


def _with_class_weight(loss: Loss, class_weight: Tensor | None) -> Loss:
    if class_weight is None:
        return loss
    array = class_weight.detach().numpy()
    return _weighted(loss, array.tobytes(), array.dtype)


# Tensors as arrays.


def _array(tensor: Tensor) -> Array:
    array: Array = (tensor.detach() if tensor.requires_grad else tensor).numpy()
    return array


def _arguments(labels: tuple[Tensor, ...], predictions: tuple[Tensor, ...]) -> Any:
    """The arguments of a loss in the form it takes them: one or several as a tuple."""
    x: Any = [_array(tensor) for tensor in predictions]
    y: Any = [_array(tensor) for tensor in labels]
    x = x[0] if len(x) == 1 else tuple(x)
    if not y:
        return x
    return (y[0] if len(y) == 1 else tuple(y)), x


def _is_vacant(loss: Loss, labels: Array, predictions: Array) -> bool:
    """Whether nothing is there to be averaged."""
    if not isinstance(loss, SparseRowwise) or loss.reduction != "mean":
        return False
    codes = np.asarray(loss._coded(labels))
    kept = codes[codes != loss._ignored_code]
    weights = loss._class_weights(predictions.shape[-1])
    return not kept.size or (weights is not None and not weights[kept].any())


def _run(
    loss: Loss,
    labels: tuple[Tensor, ...],
    predictions: tuple[Tensor, ...],
    weight: Tensor | None,
    slopes: bool,
) -> tuple[Any, tuple[Array, ...]]:
    """The value and, if asked for, the gradient by each prediction."""
    if torch.get_num_threads() < get_num_threads():
        with threads(torch.get_num_threads()):
            return _run(loss, labels, predictions, weight, slopes)
    arguments = _arguments(labels, predictions)
    sample_weight = None if weight is None else _array(weight)
    grads: Any = ()
    if slopes:
        value, grads = loss.value_and_grad(*arguments, sample_weight=sample_weight)
    else:
        value = loss(*arguments, sample_weight=sample_weight)
    if type(value) is float and value == 0 and _is_vacant(loss, *arguments[:2]):
        value = math.nan  # as PyTorch has it
    return value, grads if isinstance(grads, tuple) else (grads,)


def _tensor(value: Any, dtype: torch.dtype) -> Tensor:
    """A value as a tensor: a number, or one for each sample."""
    if type(value) is float:
        return torch.scalar_tensor(value, dtype=dtype)
    return torch.from_numpy(np.asarray(value))


# The graph of autograd.


def _scaled(gradient: Tensor, scale: Tensor) -> Tensor:
    """A gradient times what comes in, one number or one for each sample."""
    if scale.ndim == 0:
        return gradient if scale.item() == 1 else gradient * scale
    inner = gradient.ndim - scale.ndim
    return gradient * scale.reshape(scale.shape + (1,) * inner)


class _MadeOf(NamedTuple):
    """What the way back needs beside tensors; of a `Call`."""

    loss: Loss
    weight: Tensor | None
    again: Callable[..., Tensor] | None
    heads: int


class _Node(torch.autograd.Function):
    """The value, with its gradient kept for the way back."""

    @staticmethod
    def forward(ctx: Any, call: Call, loss: Loss, *tensors: Tensor) -> Tensor:
        value, grads = _run(loss, call.labels, call.predictions, call.weight, True)
        if call.finite and not np.isfinite(value).all():
            raise ValueError("infinity: a probability of 0")
        ctx.made_of = _MadeOf(loss, call.weight, call.again, len(grads))
        ctx.save_for_backward(*map(torch.from_numpy, grads), *tensors)
        return _tensor(value, tensors[0].dtype)

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> Any:  # type: ignore[override]
        saved, heads = ctx.saved_tensors, ctx.made_of.heads
        found: list[Any]
        if torch.is_grad_enabled():
            found = [*_again(ctx.made_of, scale, saved[:heads], saved[heads:])]
        else:
            found = [_scaled(gradient, scale) for gradient in saved[:heads]]
        for wanted in ctx.needs_input_grad[2 + heads :]:  # by labels
            found.append(-found[0] if wanted else None)
        return None, None, *found


#: `Function.apply` less what it does for transforms of torch.func, which calls that
#: come here are none of (`fallback.unfit`); that takes as long as the loss of 32 rows.
_apply: Callable[..., Any] = super(torch.autograd.Function, _Node).apply


def _again(
    made_of: _MadeOf,
    scale: Tensor,
    gradients: tuple[Tensor, ...],
    tensors: tuple[Tensor, ...],
) -> tuple[Tensor | None, ...]:
    """Gradients that can be differentiated once more."""
    loss, weight, again, heads = made_of
    if again is not None:
        value = again(*tensors[:heads])
        return torch.autograd.grad(
            value, tensors[:heads], scale, create_graph=True, allow_unused=True
        )
    if isinstance(loss, Structured) or loss._samples((1,)) != (1,):
        raise NotImplementedError(
            f"{loss.name} is differentiated twice: its Hessian is no diagonal, and "
            "PyTorch has no such loss"
        )
    return (_Slope.apply(loss, weight, scale, gradients[0], *tensors),)


class _Slope(torch.autograd.Function):
    """The gradient of an element-wise loss, with the Hessian as its own gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        loss: Loss,
        weight: Tensor | None,
        scale: Tensor,
        gradient: Tensor,
        prediction: Tensor,
        label: Tensor,
    ) -> Tensor:
        ctx.loss, ctx.weight = loss, weight
        ctx.save_for_backward(scale, gradient, prediction, label)
        return gradient * scale

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, incoming: Tensor) -> Any:  # type: ignore[override]
        scale, gradient, prediction, label = ctx.saved_tensors
        weight = ctx.weight
        _, hessian = ctx.loss.grad_and_hess(
            *_arguments((label,), (prediction,)),
            sample_weight=None if weight is None else _array(weight),
        )
        by_scale = (incoming * gradient).sum_to_size(scale.shape)
        found = incoming * scale * torch.from_numpy(np.asarray(hessian))
        by_label = -found if ctx.needs_input_grad[5] else None
        return None, None, by_scale, None, found, by_label


# Calls.


def _singles(call: Call) -> Call:
    """A call of 16-bit floats as one of 32-bit ones."""

    def single(tensor: Tensor) -> Tensor:
        return tensor.float() if tensor.is_floating_point() else tensor

    return call._replace(
        predictions=tuple(map(single, call.predictions)),
        labels=tuple(map(single, call.labels)),
        weight=None if call.weight is None else single(call.weight),
        class_weight=None if call.class_weight is None else single(call.class_weight),
    )


def _has_one_dtype(call: Call) -> bool:
    """Whether all tensors of floats have the dtype of the first prediction."""
    dtype = call.predictions[0].dtype
    for tensor in (*call.predictions, call.weight, call.class_weight):
        if tensor is not None and tensor.dtype is not dtype:
            return False
    for label in call.labels:
        if label.dtype is not dtype and label.is_floating_point():
            return False
    return True


def objection(call: Call) -> str:
    """Why fastloss has no such result; empty if it has."""
    if not _has_one_dtype(call) and not torch.is_autocast_enabled("cpu"):
        return "different dtypes"
    dtype = call.predictions[0].dtype
    if dtype not in _SINGLE_AND_DOUBLE and dtype not in _HALVES:
        return "integers"
    if torch.is_grad_enabled():
        for weight in (call.weight, call.class_weight):
            if weight is not None and weight.requires_grad:
                return "the gradient of weights"
        if not call.difference:
            for label in call.labels:
                if label.requires_grad:
                    return "the gradient of the target"
    return ""


def _common(call: Call) -> tuple[Call, torch.dtype]:
    """A call of floats that fastloss knows, and the dtype of its result.

    Where nothing is cast by PyTorch, `objection` has seen that dtypes are equal.
    """
    dtype = call.predictions[0].dtype
    autocast = torch.is_autocast_enabled("cpu")
    if dtype in _SINGLE_AND_DOUBLE and (not autocast or _has_one_dtype(call)):
        return call, dtype
    return _singles(call), torch.float32 if autocast else dtype


def _is_differentiated(call: Call) -> bool:
    if torch.is_grad_enabled():
        for tensor in call.predictions + call.labels:
            if tensor.requires_grad:
                return True
    return False


def evaluate(call: Call) -> Tensor:
    """The loss, in autograd's graph if one of the tensors is.

    Raises
    ------
    ValueError, TypeError
        For what fastloss refuses.
    """
    call, dtype = _common(call)
    loss = _with_class_weight(_loss(call.loss, call.settings), call.class_weight)
    if _is_differentiated(call):
        value: Tensor = _apply(call, loss, *call.predictions, *call.labels)
    else:
        found, _ = _run(loss, call.labels, call.predictions, call.weight, False)
        if call.finite and not np.isfinite(found).all():
            raise ValueError("infinity: a probability of 0")
        value = _tensor(found, call.predictions[0].dtype)
    return value if value.dtype is dtype else value.to(dtype)


# The same as an operator, which is what compilers and exporters see.

_SCHEMA = (
    "(str loss, float[] numbers, Tensor[] labels, Tensor[] predictions, "
    "Tensor? weight, Tensor? class_weight, bool slopes) -> (Tensor, Tensor[])"
)
_OPERATOR = "fastloss::evaluate"
torch.library.define(_OPERATOR, _SCHEMA)


@torch.library.impl(_OPERATOR, "CPU")
def _operator(
    text: str,
    numbers: list[float],
    labels: list[Tensor],
    predictions: list[Tensor],
    weight: Tensor | None,
    class_weight: Tensor | None,
    slopes: bool,
) -> tuple[Tensor, list[Tensor]]:
    loss = _with_class_weight(_found(text, tuple(numbers)), class_weight)
    value, grads = _run(loss, tuple(labels), tuple(predictions), weight, slopes)
    gradients = [torch.from_numpy(np.asarray(grad)) for grad in grads]
    return _tensor(value, predictions[0].dtype), gradients


@torch.library.register_fake(_OPERATOR)
def _shapes(
    text: str,
    numbers: list[float],
    labels: list[Tensor],
    predictions: list[Tensor],
    weight: Tensor | None,
    class_weight: Tensor | None,
    slopes: bool,
) -> tuple[Tensor, list[Tensor]]:
    loss, first = _found(text, tuple(numbers)), predictions[0]
    shape = loss._samples(first.shape) if loss.reduction == "none" else ()
    gradients = [torch.empty_like(p) for p in predictions] if slopes else []
    return first.new_empty(shape), gradients


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Any]) -> None:
    ctx.save_for_backward(*output[1])


def _back(ctx: Any, scale: Tensor, _: Any) -> Any:
    found = []
    for gradient in ctx.saved_tensors:
        inner = gradient.ndim - scale.ndim if scale.ndim else 0
        found.append(gradient * scale.reshape(scale.shape + (1,) * inner))
    _, numbers, labels, *_ = ctx.needs_input_grad
    by_labels = [-found[0] if needed else None for needed in labels]
    # PyTorch takes an empty list for one of tensors.
    by_numbers: Any = [] if numbers == [] else None
    return None, by_numbers, by_labels, found, None, None, None


torch.library.register_autograd(_OPERATOR, _back, setup_context=_keep)


def evaluate_compiled(call: Call) -> Tensor:
    """The loss by the operator."""
    call, dtype = _common(call)
    constants: list[tuple[str, Any]] = []
    numbers: list[tuple[str, float]] = []
    for key, value in call.settings:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        (numbers if is_number else constants).append((key, value))
    value, _ = torch.ops.fastloss.evaluate(
        _template(call.loss, tuple(constants), tuple(key for key, _ in numbers)),
        [float(number) for _, number in numbers],
        call.labels,
        call.predictions,
        call.weight,
        call.class_weight,
        _is_differentiated(call),
    )
    return value if value.dtype is dtype else value.to(dtype)
