"""Losses of boxes: how far two of them are from being one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Boxwise, Names

__all__ = ["CIoU", "DIoU", "GIoU", "IoU", "ciou", "diou", "giou", "iou"]

#: p, q and r of the corners x1 = a + p c and x2 = q a + r c.
_FORMATS = {
    "xyxy": (0.0, 0.0, 1.0),
    "xywh": (0.0, 1.0, 1.0),
    "cxcywh": (-0.5, 1.0, 0.5),
}


class _Boxes(Boxwise):
    """What the losses of this family ask for."""

    eps: float = 1e-7
    format: str = "xyxy"

    @property
    def p(self) -> float:
        """What the kernel takes, as q and r."""
        return _FORMATS[self.format][0]

    @property
    def q(self) -> float:
        """What the kernel takes, as p and r."""
        return _FORMATS[self.format][1]

    @property
    def r(self) -> float:
        """What the kernel takes, as p and q."""
        return _FORMATS[self.format][2]

    def _validate(self) -> None:
        super()._validate()
        eps = checks.number("eps", self.eps, 0, math.inf, open_low=False)
        self._set("eps", eps)
        checks.one_of("format", self.format, tuple(_FORMATS))


class IoU(_Boxes):
    """One minus the intersection over union of boxes.

    With the areas I of the intersection and U of the union::

        l = 1 - I/(U + eps)

    Parameters
    ----------
    eps : float
        Added where areas divide; not negative. torchvision: 1e-7.
    format : {"xyxy", "xywh", "cxcywh"}
        Corners x1, y1, x2, y2; a corner and the sizes; the centre and the sizes.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, whose last axis is the 4 numbers of a box,
    float32 or float64. A sample is a box: values and weights have the leading axes.
    Sides are not negative: x1 <= x2, y1 <= y2.
    Gradient and diagonal of the Hessian are by the numbers of `y_pred` in their format.
    Where sides of both boxes coincide, the derivative is the mean of both sides', as in
    PyTorch; boxes that only touch share nothing. Computed in double precision, with
    corners rounded to it. Errors: 4 ulp of the value of `IoU` and of 1, and of s/U and
    s^2/U^2 in the derivatives, with s the sum of all sides and U the union.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    J. Yu, Y. Jiang, Z. Wang, Z. Cao and T. Huang, UnitBox: an advanced object detection
    network, ACM MM 2016.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.iou([0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0], eps=0.0)
    0.6666666666666666
    """

    name: ClassVar[str] = "iou"
    aliases: ClassVar[Names] = {"iou_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="boxes",
        labels="a box of four numbers",
        activation="linear",
        strengths="is what boxes are judged by",
        weaknesses="flat, without a gradient, where boxes do not meet",
        when="boxes overlap from the start",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            eps: float = ...,
            format: str = ...,
        ) -> Any:
            """Value of the loss."""


iou = IoU()


class GIoU(_Boxes):
    """Generalised IoU loss: IoU loss and what a box around both has beside them.

    With the areas I of the intersection, U of the union and C of the smallest box
    around both::

        l = 1 - I/(U + eps) + (C - U)/(C + eps)

    Parameters
    ----------
    eps : float
        Added where areas divide; not negative. torchvision: 1e-7.
    format : {"xyxy", "xywh", "cxcywh"}
        Corners x1, y1, x2, y2; a corner and the sizes; the centre and the sizes.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, whose last axis is the 4 numbers of a box,
    float32 or float64. A sample is a box: values and weights have the leading axes.
    Sides are not negative: x1 <= x2, y1 <= y2.
    Gradient and diagonal of the Hessian are by the numbers of `y_pred` in their format.
    Where sides of both boxes coincide, the derivative is the mean of both sides', as in
    PyTorch; boxes that only touch share nothing. Computed in double precision, with
    corners rounded to it. Errors: 4 ulp of the value of `IoU` and of 1, and of s/U and
    s^2/U^2 in the derivatives, with s the sum of all sides and U the union.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    H. Rezatofighi, N. Tsoi, J. Gwak, A. Sadeghian, I. Reid and S. Savarese, Generalized
    intersection over union: a metric and a loss for bounding box regression, CVPR 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.giou([0.0, 0.0, 1.0, 1.0], [3.0, 0.0, 4.0, 1.0], eps=0.0)
    1.5
    """

    name: ClassVar[str] = "giou"
    aliases: ClassVar[Names] = {
        "giou_loss": {},
        "torchvision:generalized_box_iou_loss": {"reduction": "none"},
    }
    advice: ClassVar[Advice] = Advice(
        task="boxes",
        labels="a box of four numbers",
        activation="linear",
        strengths="has a gradient where boxes do not meet",
        weaknesses="slow where one box is inside the other",
        when="boxes are regressed and may miss at first",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            eps: float = ...,
            format: str = ...,
        ) -> Any:
            """Value of the loss."""


giou = GIoU()


class DIoU(_Boxes):
    """Distance IoU loss: IoU loss and the distance of the centres.

    With the areas I of the intersection and U of the union, the distance rho of the
    centres and the diagonal c of the smallest box around both::

        l = 1 - I/(U + eps) + rho^2/(c^2 + eps)

    Parameters
    ----------
    eps : float
        Added where areas, or squared lengths, divide; not negative. torchvision: 1e-7.
    format : {"xyxy", "xywh", "cxcywh"}
        Corners x1, y1, x2, y2; a corner and the sizes; the centre and the sizes.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, whose last axis is the 4 numbers of a box,
    float32 or float64. A sample is a box: values and weights have the leading axes.
    Sides are not negative: x1 <= x2, y1 <= y2.
    Gradient and diagonal of the Hessian are by the numbers of `y_pred` in their format.
    Where sides of both boxes coincide, the derivative is the mean of both sides', as in
    PyTorch; boxes that only touch share nothing. Computed in double precision, with
    corners rounded to it. Errors: 4 ulp of the value of `IoU` and of 1, and of s/U and
    s^2/U^2 in the derivatives, with s the sum of all sides and U the union.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye and D. Ren, Distance-IoU loss: faster and
    better learning for bounding box regression, AAAI 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.diou([0.0, 0.0, 1.0, 1.0], [3.0, 0.0, 4.0, 1.0], eps=0.0)
    1.5294117647058822
    """

    name: ClassVar[str] = "diou"
    aliases: ClassVar[Names] = {
        "diou_loss": {},
        "torchvision:distance_box_iou_loss": {"reduction": "none"},
    }
    advice: ClassVar[Advice] = Advice(
        task="boxes",
        labels="a box of four numbers",
        activation="linear",
        strengths="draws boxes together fast, wherever they are",
        weaknesses="does not see the aspect of boxes of one centre",
        when="boxes are regressed and may miss at first",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            eps: float = ...,
            format: str = ...,
        ) -> Any:
            """Value of the loss."""


diou = DIoU()


class CIoU(_Boxes):
    """Complete IoU loss: distance IoU loss and the difference of the aspects.

    As `DIoU`, with the widths w and heights h of the label and w', h' of the
    prediction::

        l = 1 - I/(U + eps) + rho^2/(c^2 + eps) + a v
        v = (2/pi (atan(w'/h') - atan(w/h)))^2
        a = v/(1 - I/(U + eps) + v + eps)

    Parameters
    ----------
    eps : float
        Added where areas, or squared lengths, divide; not negative. torchvision: 1e-7.
    format : {"xyxy", "xywh", "cxcywh"}
        Corners x1, y1, x2, y2; a corner and the sizes; the centre and the sizes.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, whose last axis is the 4 numbers of a box,
    float32 or float64. A sample is a box: values and weights have the leading axes.
    Sides are not negative: x1 <= x2, y1 <= y2.
    Gradient and diagonal of the Hessian are by the numbers of `y_pred` in their format.
    Where sides of both boxes coincide, the derivative is the mean of both sides', as in
    PyTorch; boxes that only touch share nothing. Computed in double precision, with
    corners rounded to it. Errors: 4 ulp of the value of `IoU` and of 1, and of s/U and
    s^2/U^2 in the derivatives, with s the sum of all sides and U the union.
    alpha is a constant for the derivatives, as in torchvision; v = 0 if both boxes are
    empty.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit.

    References
    ----------
    Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye and D. Ren, Distance-IoU loss: faster and
    better learning for bounding box regression, AAAI 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ciou([0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0], eps=0.0)
    0.0
    """

    name: ClassVar[str] = "ciou"
    aliases: ClassVar[Names] = {
        "ciou_loss": {},
        "torchvision:complete_box_iou_loss": {"reduction": "none"},
    }
    advice: ClassVar[Advice] = Advice(
        task="boxes",
        labels="a box of four numbers",
        activation="linear",
        strengths="overlap, distance and aspect in one",
        weaknesses="not the derivative of its value: alpha is a constant",
        when="boxes are regressed, and their aspect counts",
    )

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            eps: float = ...,
            format: str = ...,
        ) -> Any:
            """Value of the loss."""


ciou = CIoU()
