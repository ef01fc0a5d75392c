"""Losses in the words of PyTorch: of predictions, labels and a reduction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor


def _reducing(formula: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A formula per sample as a loss with a reduction, as PyTorch's own have it."""

    def loss(x: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
        values = formula(x, y)
        return values.mean() if reduction == "mean" else values

    return loss


def _by_rows(x: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    if reduction == "mean":
        return F.kl_div(x, y, reduction="batchmean")
    return F.kl_div(x, y, reduction="none").sum(dim=-1)


#: What PyTorch lacks is written in its words where tutorials do so.
LOSSES: dict[str, Callable[..., Tensor]] = {
    "mean_squared_error": F.mse_loss,
    "mean_absolute_error": F.l1_loss,
    "huber": F.huber_loss,
    "smooth_l1": F.smooth_l1_loss,
    "hinge": _reducing(lambda x, y: torch.clamp_min(1 - y * x, 0)),
    "squared_hinge": _reducing(lambda x, y: torch.clamp_min(1 - y * x, 0) ** 2),
    "soft_margin": F.soft_margin_loss,
    "hinge_embedding": F.hinge_embedding_loss,
    "poisson": F.poisson_nll_loss,
    "poisson_mean": partial(F.poisson_nll_loss, log_input=False),
    "binary_crossentropy": F.binary_cross_entropy,
    "binary_crossentropy_logits": F.binary_cross_entropy_with_logits,
    "sparse_categorical_crossentropy": _reducing(
        lambda p, y: -torch.log(p.gather(1, y[:, None])[:, 0])
    ),
    "sparse_categorical_crossentropy_logits": F.cross_entropy,
    "categorical_crossentropy": _reducing(lambda p, q: -(q * torch.log(p)).sum(1)),
    "categorical_crossentropy_logits": F.cross_entropy,
    "nll": F.nll_loss,
    "kl_divergence_log": _by_rows,
    "multi_margin": F.multi_margin_loss,
    "cosine": _reducing(lambda x, y: 1 - F.cosine_similarity(x, y, dim=1)),
}
