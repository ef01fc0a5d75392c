"""PyTorch's loss modules, and a module for every other loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fastloss._boosting import named
from fastloss.core.loss import Loss
from fastloss.torch import fallback, functional
from fastloss.torch.calls import Call, evaluate, evaluate_compiled, known, objection

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineEmbeddingLoss",
    "Criterion",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "loss",
]


class _Module(nn.Module):
    """A loss of PyTorch's with a function of ours in its forward pass."""

    _function: ClassVar[Callable[..., Tensor]]
    _settings: ClassVar[tuple[str, ...]] = ("reduction",)

    def forward(self, *tensors: Any, **named: Any) -> Tensor:
        """The loss of these tensors."""
        settings = {name: getattr(self, name) for name in self._settings}
        return type(self)._function(*tensors, **named, **settings)


class L1Loss(_Module, nn.L1Loss):
    """`torch.nn.L1Loss`."""

    _function = staticmethod(functional.l1_loss)


class MSELoss(_Module, nn.MSELoss):
    """`torch.nn.MSELoss`."""

    _function = staticmethod(functional.mse_loss)


class SmoothL1Loss(_Module, nn.SmoothL1Loss):
    """`torch.nn.SmoothL1Loss`."""

    _function = staticmethod(functional.smooth_l1_loss)
    _settings = ("reduction", "beta")


class HuberLoss(_Module, nn.HuberLoss):
    """`torch.nn.HuberLoss`."""

    _function = staticmethod(functional.huber_loss)
    _settings = ("reduction", "delta")


class BCELoss(_Module, nn.BCELoss):
    """`torch.nn.BCELoss`."""

    _function = staticmethod(functional.binary_cross_entropy)
    _settings = ("weight", "reduction")


class BCEWithLogitsLoss(_Module, nn.BCEWithLogitsLoss):
    """`torch.nn.BCEWithLogitsLoss`."""

    _function = staticmethod(functional.binary_cross_entropy_with_logits)
    _settings = ("weight", "reduction", "pos_weight")


class CrossEntropyLoss(_Module, nn.CrossEntropyLoss):
    """`torch.nn.CrossEntropyLoss`."""

    _function = staticmethod(functional.cross_entropy)
    _settings = ("weight", "ignore_index", "reduction", "label_smoothing")


class NLLLoss(_Module, nn.NLLLoss):
    """`torch.nn.NLLLoss`."""

    _function = staticmethod(functional.nll_loss)
    _settings = ("weight", "ignore_index", "reduction")


class KLDivLoss(_Module, nn.KLDivLoss):
    """`torch.nn.KLDivLoss`."""

    _function = staticmethod(functional.kl_div)
    _settings = ("reduction", "log_target")


class PoissonNLLLoss(_Module, nn.PoissonNLLLoss):
    """`torch.nn.PoissonNLLLoss`."""

    _function = staticmethod(functional.poisson_nll_loss)
    _settings = ("log_input", "full", "eps", "reduction")

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]
        """The loss of these tensors."""
        return super().forward(log_input, target)


class GaussianNLLLoss(_Module, nn.GaussianNLLLoss):
    """`torch.nn.GaussianNLLLoss`."""

    _function = staticmethod(functional.gaussian_nll_loss)
    _settings = ("full", "eps", "reduction")


class SoftMarginLoss(_Module, nn.SoftMarginLoss):
    """`torch.nn.SoftMarginLoss`."""

    _function = staticmethod(functional.soft_margin_loss)


class HingeEmbeddingLoss(_Module, nn.HingeEmbeddingLoss):
    """`torch.nn.HingeEmbeddingLoss`."""

    _function = staticmethod(functional.hinge_embedding_loss)
    _settings = ("margin", "reduction")


class MultiMarginLoss(_Module, nn.MultiMarginLoss):
    """`torch.nn.MultiMarginLoss`."""

    _function = staticmethod(functional.multi_margin_loss)
    _settings = ("p", "margin", "weight", "reduction")


class MultiLabelMarginLoss(_Module, nn.MultiLabelMarginLoss):
    """`torch.nn.MultiLabelMarginLoss`."""

    _function = staticmethod(functional.multilabel_margin_loss)


class MultiLabelSoftMarginLoss(_Module, nn.MultiLabelSoftMarginLoss):
    """`torch.nn.MultiLabelSoftMarginLoss`."""

    _function = staticmethod(functional.multilabel_soft_margin_loss)
    _settings = ("weight", "reduction")


class MarginRankingLoss(_Module, nn.MarginRankingLoss):
    """`torch.nn.MarginRankingLoss`."""

    _function = staticmethod(functional.margin_ranking_loss)
    _settings = ("margin", "reduction")


class CosineEmbeddingLoss(_Module, nn.CosineEmbeddingLoss):
    """`torch.nn.CosineEmbeddingLoss`."""

    _function = staticmethod(functional.cosine_embedding_loss)
    _settings = ("margin", "reduction")


class TripletMarginLoss(_Module, nn.TripletMarginLoss):
    """`torch.nn.TripletMarginLoss`."""

    _function = staticmethod(functional.triplet_margin_loss)
    _settings = ("margin", "p", "eps", "swap", "reduction")


class Criterion(nn.Module):
    """Any loss of fastloss as a module; `loss` makes it."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        self._text = known(loss)

    def extra_repr(self) -> str:
        """The loss."""
        return repr(self.loss)

    def forward(
        self, input: Any, *target: Any, sample_weight: Tensor | None = None
    ) -> Tensor:
        """The loss of predictions and what they should be, in PyTorch's order.

        Parameters
        ----------
        input : Tensor or tuple of Tensor
            Predictions, classes along the last axis.
        *target : Tensor or tuple of Tensor
            Labels; of a loss of rows alone the other rows, as in
            ``loss("triplet")(anchor, positive, negative)``.
        sample_weight : Tensor, optional
            One number a sample.

        Returns
        -------
        Tensor
        """
        if len(target) == 1:
            predictions, labels = _tuple(input), _tuple(target[0])
        else:
            predictions, labels = (input, *target), ()
        for given in (*predictions, *labels):
            if not isinstance(given, Tensor):
                raise TypeError(
                    f"{self.loss.name} of fastloss.torch takes tensors, got "
                    f"{type(given).__name__}: pass torch.as_tensor of it"
                )
        call = Call(self._text, (), predictions, labels, sample_weight)
        if torch.compiler.is_compiling():
            reason = objection(call)
        else:
            reason = fallback.unfit((*predictions, *labels)) or objection(call)
        if reason:
            raise NotImplementedError(
                f"{self.loss.name} is computed on plain CPU tensors of float32 or "
                f"float64 alone, and PyTorch has no such loss: this is {reason}"
            )
        if torch.compiler.is_compiling():
            return evaluate_compiled(call)
        fallback.count(self.loss.name, "")
        return evaluate(call)


def _tuple(given: Any) -> tuple[Tensor, ...]:
    return tuple(given) if isinstance(given, tuple | list) else (given,)


def loss(name: str | Loss, **parameters: Any) -> Criterion:
    """Any loss of fastloss as a module for training.

    Parameters
    ----------
    name : str or Loss
        PyTorch's name of it, one that `fastloss.get` knows, or a loss, also one of
        `fastloss.custom`.
    **parameters
        Parameters of the loss, in fastloss's words.

    Returns
    -------
    Criterion
        Takes predictions and labels, in this order.

    Raises
    ------
    ValueError, TypeError
        For losses and parameters that do not exist.

    Examples
    --------
    >>> import torch
    >>> import fastloss.torch
    >>> focal = fastloss.torch.loss("focal", gamma=2.0)
    >>> x = torch.zeros(2, requires_grad=True)
    >>> focal(x, torch.tensor([0.0, 1.0])).backward()
    >>> [round(g, 4) for g in x.grad.tolist()]
    [0.1491, -0.1491]
    """
    return Criterion(named("torch", name, parameters))
