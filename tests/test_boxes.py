"""Losses of boxes: by hand, at their kinks, and in their formats."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import fastloss as fl

Array = np.ndarray[Any, Any]
LOSSES = [fl.iou, fl.giou, fl.diou, fl.ciou]
losses = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)

TRUE = np.array([0.0, 0.0, 4.0, 2.0])
PRED = np.array([1.0, -1.0, 3.0, 1.0])  # 2 x 1 shared, 2 x 2 and 4 x 2 in all
IOU = 2 / 10


def test_by_hand() -> None:
    assert fl.iou(TRUE, PRED, eps=0.0) == pytest.approx(1 - IOU, rel=1e-15)
    around = 4 * 3
    giou = 1 - IOU + (around - 10) / around
    assert fl.giou(TRUE, PRED, eps=0.0) == pytest.approx(giou, rel=1e-15)
    diou = 1 - IOU + 1 / (16 + 9)
    assert fl.diou(TRUE, PRED, eps=0.0) == pytest.approx(diou, rel=1e-15)
    v = (2 / math.pi * (math.atan(4 / 2) - math.atan(2 / 2))) ** 2
    ciou = diou + v * v / (1 - IOU + v)
    assert fl.ciou(TRUE, PRED, eps=0.0) == pytest.approx(ciou, rel=1e-14)


def test_eps_is_beside_areas_and_squares() -> None:
    e = 0.5
    loss = 1 - 2 / (10 + e)
    assert fl.iou(TRUE, PRED, eps=e) == pytest.approx(loss, rel=1e-15)
    giou = loss + 2 / (12 + e)
    assert fl.giou(TRUE, PRED, eps=e) == pytest.approx(giou, rel=1e-15)
    diou = loss + 1 / (25 + e)
    assert fl.diou(TRUE, PRED, eps=e) == pytest.approx(diou, rel=1e-15)
    v = (2 / math.pi * (math.atan(2) - math.atan(1))) ** 2
    ciou = diou + v * v / (loss + v + e)
    assert fl.ciou(TRUE, PRED, eps=e) == pytest.approx(ciou, rel=1e-14)


@losses
def test_formats_are_one_box(loss: Any) -> None:
    value = loss(TRUE, PRED)
    assert loss([0, 0, 4, 2], [1, -1, 2, 2], format="xywh") == value
    assert loss([2, 1, 4, 2], [2, 0, 2, 2], format="cxcywh") == value
    grad = loss.grad(TRUE, PRED)
    moved = loss.grad([0, 0, 4, 2], [1, -1, 2, 2], format="xywh")
    a, b, c, d = grad
    np.testing.assert_allclose(moved, [a + c, b + d, c, d], rtol=1e-12, atol=1e-15)
    centred = loss.grad([2, 1, 4, 2], [2, 0, 2, 2], format="cxcywh")
    expected = [a + c, b + d, (c - a) / 2, (d - b) / 2]
    np.testing.assert_allclose(centred, expected, rtol=1e-12, atol=1e-15)


@losses
def test_derivatives_are_those_of_the_value(loss: Any) -> None:
    """But for alpha of CIoU, which they hold fixed."""
    pred = np.array([1.1, -0.9, 3.2, 1.3])
    grad, hess = loss.grad_and_hess(TRUE, pred)
    h = 1e-5
    alpha = 0.0
    if loss.name == "ciou":
        v = (2 / math.pi * (math.atan(2) - math.atan(2.1 / 2.2))) ** 2
        alpha = v / (fl.iou(TRUE, pred) + v + 1e-7)

    def value(box: Array) -> float:
        if loss.name != "ciou":
            return float(loss(TRUE, box))
        angle = math.atan((box[2] - box[0]) / (box[3] - box[1]))
        v = (2 / math.pi * (math.atan(2) - angle)) ** 2
        return float(fl.diou(TRUE, box)) + alpha * v

    for k in range(4):
        up, down = pred.copy(), pred.copy()
        up[k] += h
        down[k] -= h
        slope = (value(up) - value(down)) / (2 * h)
        assert grad[k] == pytest.approx(slope, rel=1e-7, abs=1e-9)
        curve = (value(up) - 2 * value(pred) + value(down)) / h**2
        assert hess[k] == pytest.approx(curve, rel=1e-3, abs=1e-4)


@losses
def test_boxes_that_are_one(loss: Any) -> None:
    value, grad = loss.value_and_grad(TRUE, TRUE, eps=0.0)
    assert value == 0
    np.testing.assert_allclose(grad, 0, atol=1e-15)  # the mean of both sides
    almost = np.array([0, 0, 4 + 2.0**-40, 2])
    near = fl.iou(TRUE, almost, eps=0.0)
    assert near == pytest.approx(2.0**-40 / 4, rel=1e-11, abs=0)


def test_boxes_that_touch_share_nothing() -> None:
    beside = [4.0, 0.0, 6.0, 2.0]
    value, grad = fl.iou.value_and_grad(TRUE, beside)
    assert value == 1
    np.testing.assert_array_equal(grad, 0)
    _, grad = fl.giou.value_and_grad(TRUE, [5.0, 0.0, 6.0, 2.0], eps=0.0)
    # C = 12, U = 10: d(C - U)/C of the first and the last corner
    np.testing.assert_allclose(grad[[0, 2]], [2 / 12, -2 / 12 + 20 / 144], rtol=1e-13)


@losses
def test_boxes_without_area(loss: Any) -> None:
    empty = np.zeros(4)
    value, grad = loss.value_and_grad(empty, empty, eps=0.0)
    assert value == 0
    np.testing.assert_array_equal(grad, 0)
    assert np.isfinite(loss(empty, TRUE))
    assert np.isfinite(loss.grad(TRUE, empty)).all()


@losses
def test_missing_numbers_spoil_their_box_alone(loss: Any) -> None:
    pred = np.stack([PRED, PRED])
    pred[0, 1] = np.nan
    value, grad = loss.value_and_grad(np.stack([TRUE, TRUE]), pred, reduction="none")
    np.testing.assert_array_equal(np.isnan(value), [True, False])
    assert np.isfinite(grad[1]).all()


def test_labels_need_no_sum() -> None:
    """Rows of labels of other losses sum to 1; boxes do not."""
    boxes = np.arange(24.0).reshape(2, 3, 4) ** 2
    assert fl.giou(boxes, boxes, eps=0.0) == 0
    assert fl.giou(boxes, boxes, reduction="none").shape == (2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: fl.iou(np.ones((2, 3)), np.ones((2, 3))),
            ValueError,
            r"y_pred has shape \(2, 3\): its last axis must be the 4 numbers of a box",
        ),
        (lambda: fl.iou(1.0, 1.0), ValueError, r"y_pred has shape \(\)"),
        (
            lambda: fl.iou(np.ones((3, 4)), np.ones((2, 4))),
            ValueError,
            r"y_true has shape \(3, 4\), y_pred \(2, 4\)",
        ),
        (lambda: fl.IoU(format="yx"), ValueError, r"format = 'yx' is not one of"),
        (lambda: fl.CIoU(eps=-1), ValueError, r"eps = -1 is not a number in \["),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
