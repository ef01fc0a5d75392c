"""Losses of the overlap of regions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Names, Overlap

__all__ = ["Dice", "dice"]


class Dice(Overlap):
    """Soft Dice loss of regions: one minus twice the overlap over the sum of sizes.

    l = 1 - (2 T + smooth)/(sum p + sum t + smooth), with labels t, predictions p and
    their overlap T.

    Parameters
    ----------
    smooth : float
        Added above and below; not negative. Keras: 1e-7.
    tp : {"product", "absolute"}
        T = sum p t (Keras, MONAI), or sum min(p, t), which is
        (sum p + sum t - sum abs(p - t))/2 (segmentation_models, MONAI with soft labels)
        and equal for labels 0 and 1.
    axis : int or tuple of int, optional
        Axes of the entries of a region; None: all are one region, as in Keras.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, any rank, float32 or float64, and lie in
    [0, 1]. A sample is a region: values and weights have the axes that `axis` does not
    name.
    Gradient, with Q = sum p + sum t + smooth: ((2 T + smooth)/Q - 2 t)/Q, and
    for "absolute" with t = 1 where p < t, 0 where p > t, and the mean of both where
    p = t. Hessian: the diagonal, -2/Q times the gradient. A region without anything,
    Q = 0, has the loss 0 and derivatives of 0.
    No sum has terms of two signs: errors are at most 4 ulp, but in the gradient of soft
    labels, where they are 4 ulp of its larger term.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and numbers outside [0, 1].

    References
    ----------
    F. Milletari, N. Navab and S.-A. Ahmadi, V-Net: fully convolutional neural networks
    for volumetric medical image segmentation, 3DV 2016.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.dice([0, 1, 1], [0.0, 1.0, 0.5], smooth=0.0)
    0.14285714285714285
    >>> fl.dice([[0, 1], [1, 1]], [[0.0, 1.0], [0.5, 0.5]], axis=1, reduction="none",
    ...         smooth=0.0)
    array([0.        , 0.33333333])
    """

    name: ClassVar[str] = "dice"
    aliases: ClassVar[Names] = {"dice_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="segmentation",
        labels="0 and 1 for each pixel, or soft",
        activation="sigmoid or softmax",
        strengths="small regions count as much as large ones",
        weaknesses="steep and noisy for tiny regions",
        when="the foreground is rare",
    )

    smooth: float = 1.0
    tp: str = "product"

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            axis: int | tuple[int, ...] | None = ...,
            smooth: float = ...,
            tp: str = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def absolute(self) -> bool:
        """What the kernel takes."""
        return self.tp == "absolute"

    def _validate(self) -> None:
        super()._validate()
        smooth = checks.number("smooth", self.smooth, 0, math.inf, open_low=False)
        self._set("smooth", smooth)
        checks.one_of("tp", self.tp, ("product", "absolute"))


dice = Dice()
