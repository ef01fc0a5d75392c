"""Calls as a type checker sees them: mypy runs over this, nobody runs it.

A line marked as an error must be one: mypy is told to mind marks that are not needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastloss as fl


class Squared(fl.Loss):
    scale: float = 1.0

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.scale * (y_pred - y_true) ** 2


@fl.custom
def weighed(y_true: Any, y_pred: Any, *, alpha: float = 0.5) -> Any:
    return alpha * abs(y_pred - y_true)


def right(y: NDArray[np.float32], p: NDArray[np.float32], out: fl.Loss) -> None:
    fl.mse(y, p)
    fl.mse([1.0, 2.0], [1.5, 2.5], sample_weight=[1, 0], reduction="sum")
    fl.huber(y_true=y, y_pred=p, delta=2)
    fl.huber.grad(y, p, delta=2.0, out=p)
    fl.smooth_l1(y, p, beta=0.5)
    fl.quantile(y, p, q=0.9, delta=0.1)
    fl.expectile(y, p, tau=0.9)
    fl.mape(y, p, scale=100, eps=1.0)
    fl.epsilon_insensitive(y, p, epsilon=0.5, squared=True)
    fl.tukey.value_and_grad(y, p, c=4.7)
    fl.barron(y, p, alpha=-2, c=0.5)
    fl.huber.value_and_grad(y, p, reduction="none", out=(None, p))
    fl.huber.grad_and_hess(y, p, sample_weight=y, out=(y, p))
    fl.bce(y, p, from_logits=True, label_smoothing=0.1, pos_weight=2, eps=None)
    fl.cce(y, p, class_weight={0: 2.0}, label_sum="any")
    fl.scce.value_and_grad([0], [[0.5, 0.5]], ignore_class=-1, class_weight=[1, 2])
    fl.scce.grad([0], [[0.5, 0.5]], z_loss=1e-4, return_row=("lse", "argmax"))
    fl.kl_divergence.grad(y, p, from_logits=True, log_target=True, temperature=2.0)
    fl.js_divergence(y, p, beta=0.25, label_sum="any")
    fl.multi_margin.value_and_grad([0], [[0.5, 0.5]], p=2, class_weight=[1, 2])
    fl.cosine(y, p, offset=0.0)
    fl.Huber(delta=2.0, reduction="sum")(y, p)
    fl.get("huber")(y, p, delta=2.0)
    Squared(scale=2.0)(y, p, scale=3.0)
    weighed.grad(y, p, alpha=0.7)
    fl.triplet(y, p, p, margin=2.0, swap=True)
    fl.triplet.value_and_grad(anchor=y, positive=p, negative=p)
    fl.contrastive.grad([0, 1], (p, p), margin=2.0)
    fl.cosine_embedding(y, (p, p), margin=0.5, eps=0.0)
    fl.margin_ranking.value_and_grad(y, (p, p), margin=1)
    fl.hinge_embedding(y, p, margin=2.0)
    fl.ntxent(None, p, temperature=0.5, decoupled=True)
    fl.supcon.value_and_grad([0, 1], p, similarity="dot", sample_weight=y, out=p)
    fl.infonce.grad(query=p, key=p, scale=1.0)
    fl.multi_similarity(y, p, alpha=1, beta=2, base=0.1)
    fl.circle.grad([0, 1], p, m=0.25, gamma=32.0)
    fl.listnet.grad(y, p, groups=[2, 3])
    fl.ranking_softmax(y, p, group_ids=[0, 0, 1])
    fl.pairwise_logistic(y, p, group_offsets=[0, 2, 3], sigma=2.0, pairs="mean")
    fl.lambdarank.value_and_grad(y, p, groups=[3], k=10, gain="linear")
    fl.listmle.grad(y, p, groups=[3])
    fl.approx_ndcg(y, p, groups=[3], alpha=1.0)
    fl.cox((y, p), p, ties="breslow")
    fl.cox.grad((y, p), p, strata=["a", "b"], entry=y)
    fl.discrete_hazard.value_and_grad((y, p), p, reduction="sum")
    fl.aft.value_and_grad((y, p), p, distribution="extreme", sigma=2)
    fl.gaussian_nll.value_and_grad(y, (p, p), out=(p, p), full=True)
    fl.dice(y, p, axis=(1, 2), smooth=0.0)
    fl.jaccard(y, p, axis=(1, 2), tp="absolute")
    fl.tversky.grad(y, p, axis=-1, alpha=0.3, beta=0.7, gamma=2, smooth=1)
    fl.generalized_dice(y, p, axis=(2, 3), class_axis=1, weighting="simple")
    fl.mcc.grad_and_hess(y, p, smooth=1e-5)
    fl.lovasz_hinge(y, p, axis=(1, 2), ignore_class=255)
    fl.lovasz_softmax.grad(y, p, class_axis=1, average="all")
    fl.iou(y, p, eps=0.0, format="xywh")
    fl.giou.grad(y, p)
    fl.diou.value_and_grad(y, p, format="cxcywh")
    fl.ciou.grad_and_hess(y, p, out=(y, p))
    _value, _grad = out.value_and_grad(y, p)


def misspelt(y: NDArray[np.float32], p: NDArray[np.float32]) -> None:
    fl.mse(y, p, delta=1.0)  # type: ignore[call-arg]
    fl.huber(y, p, detla=2.0)  # type: ignore[call-arg]
    fl.huber.grad(y, p, detla=2.0)  # type: ignore[call-arg]
    fl.huber.value_and_grad(y, p, detla=2.0)  # type: ignore[call-arg]
    fl.huber.grad_and_hess(y, p, detla=2.0)  # type: ignore[call-arg]
    fl.hinge(y, p, sample_weights=y)  # type: ignore[call-arg]
    fl.bce(y, p, logits=True)  # type: ignore[call-arg]
    fl.bce(y, p, class_weight=[1, 2])  # type: ignore[call-arg]
    fl.cce(y, p, ignore_class=0)  # type: ignore[call-arg]
    fl.cosine(y, p, class_weight=[1, 2])  # type: ignore[call-arg]
    fl.scce.grad(y, p, label_sum="any")  # type: ignore[call-arg]
    fl.triplet(y, p, p, margn=2.0)  # type: ignore[call-arg]
    fl.triplet.grad(y, p)  # type: ignore[call-arg]
    fl.contrastive(y, (p, p), margn=2.0)  # type: ignore[call-arg]
    fl.cosine_embedding.grad(y, (p, p), swap=True)  # type: ignore[call-arg]
    fl.ntxent(y, p, tau=0.5)  # type: ignore[call-arg]
    fl.infonce.grad(p)  # type: ignore[call-arg]
    fl.listnet(y, p, groups=[2], sizes=[2])  # type: ignore[call-arg]
    fl.lambdarank(y, p, groups=[2], truncation=3)  # type: ignore[call-arg]
    fl.dice.grad(y, p, axes=1)  # type: ignore[call-arg]
    fl.giou(y, p, fmt="xywh")  # type: ignore[call-arg]
    fl.jaccard(y, p, alpha=1.0)  # type: ignore[call-arg]
    fl.generalized_dice(y, p, weight="simple")  # type: ignore[call-arg]
    fl.Huber(detla=2.0)  # type: ignore[call-arg]
    fl.Huber()(y, p, detla=2.0)  # type: ignore[call-arg]
    Squared(skale=2.0)  # type: ignore[call-arg]


def of_another_type(y: NDArray[np.float32], p: NDArray[np.float32]) -> None:
    fl.huber(y, p, delta="2")  # type: ignore[arg-type]
    fl.huber.grad(y, p, delta=None)  # type: ignore[arg-type]
    fl.mse(y, p, reduction=True)  # type: ignore[arg-type]
    fl.mse.value_and_grad(y, p, out="p")  # type: ignore[arg-type]
    fl.bce(y, p, from_logits="yes")  # type: ignore[arg-type]
    fl.scce(y, p, ignore_class=0.5)  # type: ignore[arg-type]
    fl.cce.grad_and_hess(y, p, class_weight=2.0)  # type: ignore[arg-type]
    fl.triplet.grad(y, p, p, swap="yes")  # type: ignore[arg-type]
    fl.gaussian_nll(y, None)  # type: ignore[arg-type]
    fl.Huber(delta="2")  # type: ignore[arg-type]
    fl.huber.delta = 2.0  # type: ignore[misc]
    fl.huber(y)  # type: ignore[call-arg]
