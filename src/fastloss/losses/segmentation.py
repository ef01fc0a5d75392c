"""Losses of the overlap of regions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Out
from fastloss.core.kinds import Advice, Names, Overlap

__all__ = [
    "MCC",
    "Dice",
    "GeneralizedDice",
    "Jaccard",
    "Tversky",
    "dice",
    "generalized_dice",
    "jaccard",
    "mcc",
    "tversky",
]


class _Regions(Overlap):
    """What the losses of this family ask for: what is added to the sums, and which."""

    smooth: float = 1.0
    tp: str = "product"

    @property
    def absolute(self) -> bool:
        """What the kernel takes."""
        return self.tp == "absolute"

    def _validate(self) -> None:
        super()._validate()
        smooth = checks.number("smooth", self.smooth, 0, math.inf, open_low=False)
        self._set("smooth", smooth)
        checks.one_of("tp", self.tp, ("product", "absolute"))


class Dice(_Regions):
    """Soft Dice loss of regions: one minus twice the overlap over the sum of sizes.

    With labels t, predictions p and their overlap T::

        l = 1 - (2 T + smooth)/(sum_i p_i + sum_i t_i + smooth)
        T = sum_i min(p_i, t_i) if tp == absolute else sum_i p_i t_i
        p = y_pred
        t = y_true

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


dice = Dice()


class Jaccard(_Regions):
    """Soft Jaccard loss of regions: one minus their intersection over their union.

    With labels t, predictions p and their overlap T::

        l = 1 - (T + smooth)/(sum_i p_i + sum_i t_i - T + smooth)
        T = sum_i min(p_i, t_i) if tp == absolute else sum_i p_i t_i
        p = y_pred
        t = y_true

    Parameters
    ----------
    smooth : float
        Added above and below; not negative.
    tp : {"product", "absolute"}
        T = sum p t (MONAI), or sum min(p, t), which is
        (sum p + sum t - sum abs(p - t))/2 (segmentation_models, MONAI with soft labels)
        and equal for labels 0 and 1.
    axis : int or tuple of int, optional
        Axes of the entries of a region; None: all are one region.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, any rank, float32 or float64, and lie in
    [0, 1]. A sample is a region: values and weights have the axes that `axis` does not
    name.
    Gradient, with U = sum p + sum t - T + smooth: (T + smooth)/U^2 for t = 0, -1/U for
    t = 1, and in proportion between; for "absolute" with t = 1 where p < t, 0 where
    p > t, and the mean of both where p = t. Hessian: the diagonal, -2 (1 - t)/U times
    the gradient. A region without anything, U = 0, has the loss 0 and derivatives of 0.
    No sum has terms of two signs: errors are at most 4 ulp, but in the derivatives of
    soft labels, where they are 4 ulp of the larger term.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and numbers outside [0, 1].

    References
    ----------
    M. A. Rahman and Y. Wang, Optimizing intersection-over-union in deep neural networks
    for image segmentation, ISVC 2016.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.jaccard([0, 1, 1], [0.0, 1.0, 0.5], smooth=0.0)
    0.25
    >>> fl.jaccard.grad([0, 1, 1], [0.0, 1.0, 0.5], smooth=0.0)
    array([ 0.375, -0.5  , -0.5  ])
    """

    name: ClassVar[str] = "jaccard"
    aliases: ClassVar[Names] = {"jaccard_loss": {}, "soft_iou_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="segmentation",
        labels="0 and 1 for each pixel, or soft",
        activation="sigmoid or softmax",
        strengths="is the intersection over union that is reported",
        weaknesses="steep and noisy for tiny regions; harsher than Dice on bad ones",
        when="the foreground is rare and the intersection over union counts",
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
            axis: int | tuple[int, ...] | None = ...,
            smooth: float = ...,
            tp: str = ...,
        ) -> Any:
            """Value of the loss."""


jaccard = Jaccard()


class Tversky(_Regions):
    """Tversky loss of regions: Dice with weights for what is too much and what lacks.

    With labels t, predictions p, their overlap T, false positives F and false negatives
    N::

        l = (1 - (T + smooth)/(T + alpha F + beta N + smooth))^gamma
        T = sum_i min(p_i, t_i) if tp == absolute else sum_i p_i t_i
        F = sum_i p_i - T
        N = sum_i t_i - T
        p = y_pred
        t = y_true

    Dice is alpha = beta = 1/2 with half of its smooth, Jaccard alpha = beta = 1.

    Parameters
    ----------
    alpha : float
        Weight of false positives; not negative. Keras up to 3.15 exchanges it and beta.
    beta : float
        Weight of false negatives; not negative.
    gamma : float
        Power of the loss of a region; positive. Above 1 it turns to what is still bad.
    smooth : float
        Added above and below; not negative.
    tp : {"product", "absolute"}
        T = sum p t (Keras, MONAI), or sum min(p, t) (segmentation_models, MONAI with
        soft labels), equal for labels 0 and 1.
    axis : int or tuple of int, optional
        Axes of the entries of a region; None: all are one region, as in Keras.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, any rank, float32 or float64, and lie in
    [0, 1]. A sample is a region: values and weights have the axes that `axis` does not
    name.
    Gradient, with M = alpha F + beta N, U = T + M + smooth and r = M/U:
    gamma r^(gamma - 1) times alpha (U - M)/U^2 for t = 0 and -(beta (U - M) + M)/U^2
    for t = 1, in proportion between; for "absolute" as for `Dice`. Hessian: the
    diagonal. A region without anything, U = 0, has the loss 0 and derivatives of 0, and
    so has one where r = 0 in a power of it that would be infinite.
    Errors: 4 ulp of the value and of the larger terms of the gradient, 5 of those of
    the Hessian.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and numbers outside [0, 1].

    References
    ----------
    S. S. M. Salehi, D. Erdogmus and A. Gholipour, Tversky loss function for image
    segmentation using 3D fully convolutional deep networks, MLMI 2017. N. Abraham and
    N. M. Khan, A novel focal Tversky loss function with improved attention U-Net for
    lesion segmentation, ISBI 2019; their gamma is the inverse of this one.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.tversky([0, 1, 1], [1.0, 1.0, 0.5], alpha=0.3, beta=0.6, smooth=0.0)
    0.2857142857142857
    """

    name: ClassVar[str] = "tversky"
    aliases: ClassVar[Names] = {"tversky_loss": {}, "focal_tversky": {"gamma": 0.75}}
    advice: ClassVar[Advice] = Advice(
        task="segmentation",
        labels="0 and 1 for each pixel, or soft",
        activation="sigmoid or softmax",
        strengths="says what a missed pixel costs beside a false one",
        weaknesses="two or three parameters to choose; steep for tiny regions",
        when="missing the foreground is worse than marking too much, or the reverse",
    )

    alpha: float = 0.5
    beta: float = 0.5
    gamma: float = 1.0

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
            alpha: float = ...,
            beta: float = ...,
            gamma: float = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        for name in ("alpha", "beta"):
            given = getattr(self, name)
            self._set(name, checks.number(name, given, 0, math.inf, open_low=False))
        gamma = checks.number("gamma", self.gamma, 0, math.inf, open_low=True)
        self._set("gamma", gamma)


tversky = Tversky()


class GeneralizedDice(_Regions):
    """Generalised Dice loss: the regions of all classes of a sample in one quotient.

    With labels t, predictions p, the overlap T of each class c and a weight w of it::

        l = 1 - (2 sum_c w_c T_c + smooth)/(sum_c w_c (P_c + Q_c) + smooth)
        T_c = sum_i min(p_ci, t_ci) if tp == absolute else sum_i p_ci t_ci
        P_c = sum_i p_ci
        Q_c = sum_i t_ci
        w_c = 1/Q_c^2 if weighting == square else 1/Q_c if weighting == simple else 1
        p = y_pred
        t = y_true

    Parameters
    ----------
    class_axis : int
        The axis of the classes.
    weighting : {"square", "simple", "uniform"}
        w_c = 1/(sum t)^2, 1/sum t or 1. A class without labels has the largest weight
        of the others, as in MONAI; 0 if there are none.
    smooth : float
        Added above and below; not negative. Beside weights of 1/(sum t)^2 large numbers
        count much. MONAI: 1e-5.
    tp : {"product", "absolute"}
        T_c = sum p t (MONAI), or sum min(p, t) (MONAI with soft labels), equal for
        labels 0 and 1.
    axis : int or tuple of int, optional
        Axes of the entries of a region; None: all but that of the classes.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, any rank, float32 or float64, and lie in
    [0, 1]. A sample is all regions along `class_axis`: values and weights have the axes
    that neither `axis` nor `class_axis` names.
    Weights depend on labels, not on predictions. Gradient, with Q the sum below:
    w_c ((2 sum w T + smooth)/Q - 2 t)/Q; for "absolute" as for `Dice`. Hessian: the
    diagonal, -2 w_c/Q times the gradient. A sample without anything, Q = 0, has the
    loss 0 and derivatives of 0.
    Errors: 4 ulp, but in the derivatives of soft labels, where they are 4 ulp of the
    larger term.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and numbers outside [0, 1].

    References
    ----------
    C. H. Sudre, W. Li, T. Vercauteren, S. Ourselin and M. J. Cardoso, Generalised Dice
    overlap as a deep learning loss function for highly unbalanced segmentations, DLMIA
    2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.generalized_dice([[[1, 1, 0], [0, 0, 1]]], [[[1.0, 0.5, 0], [0, 0.5, 1.0]]])
    0.14285714285714285
    """

    name: ClassVar[str] = "generalized_dice"
    aliases: ClassVar[Names] = {"generalized_dice_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="segmentation",
        labels="0 and 1 for each pixel and class, or soft",
        activation="softmax",
        strengths="a small class counts as much as a large one in one quotient",
        weaknesses="weights of tiny classes are large; one sample mixes its classes",
        when="several classes of very different sizes are segmented",
    )

    class_axis: int = 1
    weighting: str = "square"

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
            class_axis: int = ...,
            weighting: str = ...,
        ) -> Any:
            """Value of the loss."""

    @property
    def power(self) -> int:
        """What the kernel takes."""
        return ("uniform", "simple", "square").index(self.weighting)

    def _validate(self) -> None:
        super()._validate()
        self._set("class_axis", checks.integer("class_axis", self.class_axis))
        checks.one_of("weighting", self.weighting, ("square", "simple", "uniform"))

    def _axes(self, ndim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if not -ndim <= self.class_axis < ndim:
            raise ValueError(
                f"class_axis = {self.class_axis}, y_pred has {ndim} axes: it names the "
                "axis of the classes"
            )
        classes = self.class_axis % ndim
        entries = checks.axes(self.axis, ndim)
        if self.axis is None:
            entries = tuple(axis for axis in entries if axis != classes)
        if classes in entries:
            raise ValueError(
                f"axis = {self.axis!r} names the axis {classes} of the classes, too: "
                "leave it to class_axis"
            )
        return (classes,), entries


generalized_dice = GeneralizedDice()


class MCC(_Regions):
    """One minus the soft correlation coefficient of Matthews of regions.

    With true positives T and negatives U, false positives F and false negatives N,
    `smooth` added to each::

        l = 1 - (T U - F N)/sqrt((T + F) (T + N) (U + F) (U + N))
        T = sum_i min(p_i, t_i) + smooth if tp == absolute else sum_i p_i t_i + smooth
        F = sum_i p_i - V + smooth
        N = sum_i t_i - V + smooth
        U = n - sum_i p_i - sum_i t_i + V + smooth
        V = T - smooth
        p = y_pred
        t = y_true

    There are n entries in a region.

    Parameters
    ----------
    smooth : float
        Added to each of the four sums; not negative. segmentation_models: 1e-5.
    tp : {"product", "absolute"}
        T = sum p t, F = sum p (1 - t), N = sum t (1 - p), U = sum (1 - p)(1 - t)
        (segmentation_models), or sum min(p, t), sum max(p - t, 0), sum max(t - p, 0),
        sum 1 - max(p, t), which are equal for labels 0 and 1.
    axis : int or tuple of int, optional
        Axes of the entries of a region; None: all are one region.
    reduction : str
        See `Loss`.

    Notes
    -----
    `y_true` and `y_pred` have one shape, any rank, float32 or float64, and lie in
    [0, 1]. A sample is a region: values and weights have the axes that `axis` does not
    name.
    Gradient, with D the root and n the sum of all four: n/(2D) (T/(T + F) + N/(U + N))
    for t = 0, -n/(2D) (U/(U + N) + F/(T + F)) for t = 1, and in proportion between; for
    "absolute" as for `Dice`. Hessian: the diagonal. Where predictions or labels are all
    0 or all 1 and nothing is added, D = 0, the loss is 1 and derivatives are 0.
    Errors: 4 ulp of the value, down to 0, and of the larger terms of the derivatives.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and numbers outside [0, 1].

    References
    ----------
    K. Abhishek and G. Hamarneh, Matthews correlation coefficient loss for deep
    convolutional networks: application to skin lesion segmentation, ISBI 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mcc([0, 0, 1, 1], [0.0, 0.5, 0.5, 1.0], smooth=0.0)
    0.5
    """

    name: ClassVar[str] = "mcc"
    aliases: ClassVar[Names] = {"mcc_loss": {}, "smp:MCCLoss": {}}
    advice: ClassVar[Advice] = Advice(
        task="segmentation",
        labels="0 and 1 for each pixel, or soft",
        activation="sigmoid",
        strengths="the background counts too: all four of the counts do",
        weaknesses="no more than a correlation where one side is nearly empty",
        when="foreground and background matter alike and their sizes differ",
    )

    smooth: float = 1e-5

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


mcc = MCC()
