"""torchvision's tests of its losses, answered by `fastloss.torch.loss`."""

from __future__ import annotations

from typing import Any

import counting
from torchvision import ops

import fastloss.torch

counting.find_sources("vision", "test")


def _boxes(name: str) -> Any:
    def function(
        boxes1: Any, boxes2: Any, reduction: str = "none", eps: float = 1e-7
    ) -> Any:
        loss = fastloss.torch.loss(f"torchvision:{name}", reduction=reduction, eps=eps)
        return loss(boxes1, boxes2)

    return function


def _focal(
    inputs: Any,
    targets: Any,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
) -> Any:
    loss = fastloss.torch.loss(
        "torchvision:sigmoid_focal_loss",
        alpha=None if alpha < 0 else alpha,
        gamma=gamma,
        reduction=reduction,
    )
    return loss(inputs, targets)


SHARP = "must not exceed PyTorch's cross-entropy, which loses digits"
HALF = "of float16 the loss is float16, there float32"
DIFFERENT = {
    "TestFocalLoss::test_correct_ratio[[]*-0-*[01].0]": SHARP,
    "TestFocalLoss::test_jit*": "torch.jit.script takes Python alone",
    "*::test_*iou_loss[[]*dtype1*]": HALF,
    "*::test_empty_*": "no boxes are refused",
}
OURS = {
    name: _boxes(name)
    for name in (
        "generalized_box_iou_loss",
        "distance_box_iou_loss",
        "complete_box_iou_loss",
    )
}
OURS["sigmoid_focal_loss"] = _focal

counting.replace(ops, OURS, OURS)

from test_ops import (
    TestCompleteBoxIouLoss,
    TestDistanceBoxIouLoss,
    TestFocalLoss,
    TestGeneralizedBoxIouLoss,
)
