"""Losses of the overlap of regions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import checks
from fastloss.core.job import Array, Arrays, Finding, Out, Status
from fastloss.core.kinds import Advice, Names, Overlap, SortedRegions
from fastloss.core.registry import DOMAINS

__all__ = [
    "MCC",
    "Dice",
    "GeneralizedDice",
    "Jaccard",
    "LovaszHinge",
    "LovaszSoftmax",
    "Tversky",
    "dice",
    "generalized_dice",
    "jaccard",
    "lovasz_hinge",
    "lovasz_softmax",
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
        return self._class_axes(self.class_axis, ndim)


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


class _Lovasz(SortedRegions):
    """What the losses of sorted errors share."""

    def _raise(self, found: Finding, arrays: Arrays) -> NoReturn:
        if found.status != Status.BAD_INPUT:
            super()._raise(found, arrays)
        prediction = arrays.predictions[0]
        domain = (*self._row.labels, *self._row.predictions)[found.offender]
        array = (*arrays.labels, prediction)[found.offender]
        regions, _ = self._sizes(prediction.shape)
        expected = DOMAINS[domain].format(classes=max(regions, 2))
        place = checks.element(arrays.names[found.offender], array, found.place)
        remedy = ""
        if found.offender == 0:
            value = array.flat[found.place]
            remedy = "; ignore_class= leaves a label out"
            remedy += checks.other_coding(domain, array, prediction, value)
        raise ValueError(f"{place} {expected}{remedy}")


class LovaszHinge(_Lovasz):
    """Lovasz hinge loss of regions: the Jaccard loss of logits, made convex.

    With the errors e of the entries of a region in falling order, and J_k one minus the
    intersection over the union of the labels with the prediction that is wrong in the
    first k of them::

        l = sum_k max(e_k, 0) (J_k - J_(k-1))
        e = 1 - (2 t - 1) x
        x = y_pred
        t = y_true

    Parameters
    ----------
    axis : int or tuple of int, optional
        Axes of the entries of a region; None: all are one region. A region for each
        image of a batch: ``axis=(1, 2)``, which others call `per_image`.
    ignore_class : int, optional
        Entries with this label are left out.
    reduction : str
        See `Loss`. Regions of which all entries are left out weigh nothing.

    Notes
    -----
    `y_true` and `y_pred` have one shape, any rank; labels are 0 or 1, logits float32 or
    float64. A sample is a region: values and weights have the axes that `axis` does not
    name.
    J_k - J_(k-1) is 1/U_k of an entry with t = 1, and I_k/(U_(k-1) U_k) of one with
    t = 0, where I and U are the intersection and the union. A region without labels of
    1 has the largest error alone.
    Gradient: (1 - 2 t)(J_k - J_(k-1)) where e > 0, 0 elsewhere; of equal errors, for
    which any order gives the same value, the entry that stands first comes first.
    Second derivatives are 0. Sums are compensated and in double precision, as are the
    errors that are compared: 4 ulp. Time n log n at most, on one thread for each
    region; about 56 bytes of memory for each of its entries.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, and labels other than 0, 1
        and `ignore_class`.

    References
    ----------
    M. Berman, A. R. Triki and M. B. Blaschko, The Lovasz-Softmax loss: a tractable
    surrogate for the optimization of the intersection-over-union measure in neural
    networks, CVPR 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.lovasz_hinge([1, 1, 0], [2.0, 0.5, -0.5]), 4)
    0.3333
    >>> fl.lovasz_hinge.grad([1, 1, 0], [2.0, -1.0, -0.5])
    array([ 0.        , -0.5       ,  0.16666667])
    """

    name: ClassVar[str] = "lovasz_hinge"
    aliases: ClassVar[Names] = {"lovasz_hinge_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="segmentation",
        labels="0 and 1 for each pixel",
        activation="linear: logits",
        strengths="convex; aims at intersection over union itself",
        weaknesses="sorts its pixels; best after a training with cross-entropy",
        when="one class is segmented and measured by intersection over union",
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
            ignore_class: int | None = ...,
        ) -> Any:
            """Value of the loss."""

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        return checks.elementwise_labels(y_true, predictions)

    def _marks(self, y_true: Array, shape: tuple[int, ...]) -> Array:
        y = y_true.transpose(self._order(shape))
        marks = np.where(y == 1, 1, np.where(y == 0, 0, -2)).astype(np.int8)
        if self.ignore_class is not None:
            marks[y == self.ignore_class] = -1
        regions, entries = self._sizes(shape)
        return marks.reshape(math.prod(self._samples(shape)), regions, entries)


lovasz_hinge = LovaszHinge()


class LovaszSoftmax(_Lovasz):
    """Lovasz-Softmax loss: the Jaccard loss of the classes of regions, extended.

    With the labels t_c of a class c, 1 where `y_true` is c, the errors e_c of its
    entries in falling order, and J_ck one minus the intersection over the union of t_c
    with the prediction that is wrong in the first k of them::

        l = mean_c sum_k e_ck (J_ck - J_c(k-1))
        e_c = abs(t_c - p_c)
        p = y_pred

    Parameters
    ----------
    class_axis : int
        The axis of the classes in `y_pred`.
    average : {"present", "all"}
        Over the classes that a sample has labels of, or over all.
    axis : int or tuple of int, optional
        Axes of the entries of a region; None: all but that of the classes. A sample for
        each image of a batch: ``axis=(2, 3)``, which others call `per_image`.
    ignore_class : int, optional
        Entries with this label are left out.
    reduction : str
        See `Loss`. Samples of which all entries are left out weigh nothing.

    Notes
    -----
    `y_pred` holds probabilities, float32 or float64, `y_true` the class of each entry:
    integers, without the axis of the classes. Values and weights have the axes that
    neither `axis` nor `class_axis` names.
    J_k - J_(k-1) is 1/U_k of an entry with t = 1, and I_k/(U_(k-1) U_k) of one with
    t = 0, where I and U are the intersection and the union. A class without labels has
    its largest probability alone, and counts for "all".
    Gradient: (1 - 2 t)(J_k - J_(k-1)) over the number of classes that count, 0 where
    e = 0; of equal errors, for which any order gives the same value, the entry that
    stands first comes first. Second derivatives are 0. Sums are compensated and in
    double precision, as are the errors that are compared: 4 ulp. Time n log n at most,
    on one thread for each class of a sample; about 56 bytes of memory for each of its
    entries.

    Raises
    ------
    ValueError, TypeError
        For shapes, dtypes or parameters that do not fit, labels that are neither a
        class nor `ignore_class`, and predictions outside [0, 1].

    References
    ----------
    M. Berman, A. R. Triki and M. B. Blaschko, The Lovasz-Softmax loss: a tractable
    surrogate for the optimization of the intersection-over-union measure in neural
    networks, CVPR 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> p = [[[0.75, 0.5, 0.0], [0.25, 0.5, 1.0]]]
    >>> round(fl.lovasz_softmax([[0, 1, 1]], p), 4)
    0.3333
    >>> round(fl.lovasz_softmax([[0, 0, 0]], p, average="all"), 4)
    0.7917
    """

    name: ClassVar[str] = "lovasz_softmax"
    aliases: ClassVar[Names] = {"lovasz_softmax_loss": {}, "lovasz_loss": {}}
    advice: ClassVar[Advice] = Advice(
        task="segmentation",
        labels="the class of each pixel",
        activation="softmax",
        strengths="aims at the mean intersection over union of the classes itself",
        weaknesses="sorts its pixels; best after a training with cross-entropy",
        when="several classes are segmented and measured by intersection over union",
    )

    class_axis: int = 1
    average: str = "present"

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
            ignore_class: int | None = ...,
            class_axis: int = ...,
            average: str = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        self._set("class_axis", checks.integer("class_axis", self.class_axis))
        checks.one_of("average", self.average, ("present", "all"))

    def _axes(self, ndim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self._class_axes(self.class_axis, ndim)

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        (classes,), _ = self._axes(predictions.ndim)
        last = np.moveaxis(predictions, classes, -1)
        return checks.class_labels(y_true, last)

    def _marks(self, y_true: Array, shape: tuple[int, ...]) -> Array:
        regions, entries = self._sizes(shape)
        (classes,), _ = self._axes(len(shape))
        y = np.expand_dims(y_true, classes).transpose(self._order(shape))
        y = y.reshape(math.prod(self._samples(shape)), 1, entries)
        marks: Array = (y == np.arange(regions)[:, np.newaxis]).astype(np.int8)
        every = np.broadcast_to(y, marks.shape)
        marks[(every < 0) | (every >= regions)] = -2
        if self.ignore_class is not None:
            marks[every == self.ignore_class] = -1
        return marks

    def _counted(self, marks: Array) -> Array:
        if self.average == "all":
            return super()._counted(marks)
        present: Array = (marks == 1).any(axis=2)
        return present

    def _check(
        self, arrays: Arrays, marks: Array, ordered: Array, weighs: Array
    ) -> None:
        super()._check(arrays, marks, ordered, weighs)
        outside = (ordered < 0) | (ordered > 1)
        if outside.any():
            self._refuse(arrays, 1, outside & (marks != -1) & weighs)


lovasz_softmax = LovaszSoftmax()
