"""The kinds of losses: what each asks of its arrays, and how they become a job.

Everything that depends on what an item of a loss is stands in its class here and in
the driver of its kind, csrc/engine/drivers/<kind>.c.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import checks, labels
from fastloss.core.job import (
    GRAD,
    GRAD_HESS,
    VALUE,
    VALUE_GRAD,
    Array,
    Arrays,
    ClassWeights,
    Finding,
    Out,
    Status,
    TargetOptions,
    Work,
)
from fastloss.core.labels import ClassNames
from fastloss.core.loss import Loss
from fastloss.core.registry import DOMAINS, NUMBERS, REGISTRY

if TYPE_CHECKING:
    from fastloss._formula import Formula
    from fastloss.core.partial import Partial

__all__ = [
    "Advice",
    "Batch",
    "Binary",
    "Bounded",
    "Boxwise",
    "CappedRowwise",
    "ClassWeighted",
    "DenseRowwise",
    "Distributions",
    "Elementwise",
    "Grouped",
    "LabelledPairs",
    "NamedClasses",
    "Names",
    "Overlap",
    "PairedRowwise",
    "Pairwise",
    "Regions",
    "Registered",
    "Rowwise",
    "Sequence",
    "SeveralHeads",
    "SmoothedRowwise",
    "SortedRegions",
    "SparseRowwise",
    "Stepwise",
    "TemperedRowwise",
    "TwoBatches",
]


@dataclass(frozen=True)
class Advice:
    """What `fastloss.guide` says about a loss, in a phrase each."""

    task: str
    labels: str
    activation: str
    strengths: str
    weaknesses: str
    when: str


Names: TypeAlias = Mapping[str, Mapping[str, Any]]
"""What else a loss is called, with the parameters that a name means: "torch:l1_loss" is
PyTorch's name."""

_PROGRAMS = frozenset({"cost", "listing"})
_SLOPES = frozenset({"gradient_formula", "hessian_formula"})


class Registered(Loss):
    """A loss whose formula is a kernel of the registry."""

    aliases: ClassVar[Names] = {}
    advice: ClassVar[Advice]

    _absent: ClassVar[frozenset[str]] = _PROGRAMS | _SLOPES  # what raises if asked
    _rows: ClassVar[bool] = False  # whether an item is a row, to the fast lane
    _kernel_work: ClassVar[Work]  # of each loss

    def _prepare(self) -> None:
        number = NUMBERS[self.kernel]
        row = REGISTRY[number]
        values = [getattr(self, name) for name in row.parameters]
        # A parameter that is None is told as -1.
        numbers = tuple(-1.0 if value is None else float(value) for value in values)
        rows, classes = self._rows, row.labels == ("class",)
        targets = self._known_targets()
        self._set("_row", row)
        self._set("_numbers", numbers)
        self._set("_kernel_work", Work(number))
        self._bind(
            number,
            targets is not None,
            rows,
            classes,
            self.reduction,
            numbers,
            sign_labels=row.labels == ("sign",),
            **(targets or TargetOptions())._asdict(),
        )

    def _known_targets(self) -> TargetOptions | None:
        """What becomes of labels, for the fast lane; None if the arrays decide."""
        return TargetOptions()

    def _work(self, outputs: int, arrays: Arrays, weight: Array | None) -> Work:
        return self._kernel_work

    def _formula(self, name: str) -> Formula:
        if name != "value":
            raise AttributeError(
                f"{type(self).__name__} is no formula of one label and one prediction: "
                "for its derivatives see its docstring"
            )
        from fastloss._formula import of_docstring

        return of_docstring(self)

    def _described(self) -> list[tuple[str, str]]:
        advice = self.advice
        said = [
            ("for", advice.task),
            ("labels", advice.labels),
            ("output", advice.activation),
        ]
        return [*said, *super()._described()]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__()} - self._absent)


class Elementwise(Registered):
    """A sample is an entry of `y_pred`, its label the same entry of `y_true`."""

    _absent: ClassVar[frozenset[str]] = _PROGRAMS

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
        ) -> Any:
            """Value of the loss."""

    def _formula(self, name: str) -> Formula:
        from fastloss._custom.textbook import formula

        return formula(self, name)


class NamedClasses(Registered):
    """Labels may be the names of classes: strings, or any numbers."""

    classes: ClassNames = None

    def _validate(self) -> None:
        super()._validate()
        self._set("classes", labels.names(self.classes))

    def _known_targets(self) -> TargetOptions | None:
        return None if self.classes else super()._known_targets()

    def _codes(self, known: tuple[Any, ...]) -> tuple[int, ...]:
        """What stands for each class in the labels of the kernel."""
        return tuple(range(len(known)))

    def _ignored(self) -> Any:
        """The label of samples that are left out."""
        return None

    def _coded(self, y_true: ArrayLike) -> ArrayLike:
        known: Any = self.classes  # in its final form
        if known is None:
            return y_true
        return labels.coded(y_true, known, self._codes(known), self._ignored())

    def _of_codes(self) -> Loss:
        """The same loss of labels that `_coded` made."""
        return self._changed({"classes": None})

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        return super()._arrays(self._coded(y_true), y_pred)


class Binary(NamedClasses, Elementwise):
    """Labels are of two classes, or lie between them."""

    if TYPE_CHECKING:

        def __call__(
            self,
            y_true: ArrayLike,
            y_pred: ArrayLike,
            *,
            sample_weight: ArrayLike | None = ...,
            out: Out = ...,
            reduction: str = ...,
            classes: ClassNames = ...,
        ) -> Any:
            """Value of the loss."""

    def _validate(self) -> None:
        super()._validate()
        known: Any = self.classes
        if known is not None and len(known) != 2:
            raise ValueError(
                f"classes has {len(known)} labels: there are two, the negative first"
            )

    def _codes(self, known: tuple[Any, ...]) -> tuple[int, ...]:
        return (-1, 1) if self._row.labels == ("sign",) else (0, 1)


class Rowwise(Registered):
    """A sample is a row of predictions along the last axis of `y_pred`, the classes."""

    _rows: ClassVar[bool] = True

    def _known_targets(self) -> TargetOptions | None:
        return self._targets(None)

    def _target_options(self, arrays: Arrays) -> TargetOptions:
        return self._targets(None)

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        """How labels become what they weigh, and logits what kernels read."""
        return TargetOptions()

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        raise NotImplementedError

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        predictions = checks.predictions(y_pred)
        checks.rows(predictions)
        labels = self._labels(y_true, predictions)
        return Arrays((labels,), (predictions,), self._samples(predictions.shape))

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1]


class TemperedRowwise(Rowwise):
    """Logits are divided by a temperature before the formula sees them."""

    temperature: float = 1.0

    def _validate(self) -> None:
        super()._validate()
        given = checks.number(
            "temperature", self.temperature, 0, math.inf, open_low=True
        )
        self._set("temperature", given)
        if given != 1:
            self._asks_for_logits("temperature")

    def _asks_for_logits(self, name: str) -> None:
        if not getattr(self, "from_logits", True):
            raise ValueError(
                f"{name} = {getattr(self, name)!r} changes logits: pass "
                "from_logits=True, or leave it out"
            )

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        temperature = 0.0 if self.temperature == 1 else self.temperature
        return super()._targets(class_weight)._replace(temperature=temperature)


class CappedRowwise(TemperedRowwise):
    """Logits are capped, and divided by a temperature, before the formula sees them."""

    softcap: float | None = None

    def _validate(self) -> None:
        super()._validate()
        if self.softcap is not None:
            given = checks.number("softcap", self.softcap, 0, math.inf, open_low=True)
            self._set("softcap", given)
            self._asks_for_logits("softcap")

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        return super()._targets(class_weight)._replace(softcap=self.softcap or 0.0)


class ClassWeighted(Rowwise):
    """Its target is a weight for each class.

    Class weights and smoothing change it before the formula sees it.
    """

    _smoothing: ClassVar[float] = 0.0  # of each loss

    class_weight: ClassWeights = None

    def _validate(self) -> None:
        super()._validate()
        self._set("class_weight", checks.class_weight(self.class_weight))

    def _known_targets(self) -> TargetOptions | None:
        given: Any = self.class_weight  # in its final form
        if given is None:
            return self._targets(None)
        if not given or isinstance(given[0], tuple):
            return None
        return self._targets(self._class_weights(len(given)))

    def _target_options(self, arrays: Arrays) -> TargetOptions:
        return self._targets(self._class_weights(arrays.predictions[0].shape[-1]))

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        return (
            super()
            ._targets(class_weight)
            ._replace(smoothing=self._smoothing, class_weight=class_weight)
        )

    def _class_weights(self, classes: int) -> Array | None:
        given: Any = self.class_weight  # in its final form
        weights = checks.class_weights(given, classes)
        if weights is None or self.reduction != "mean":
            return weights
        # The mean does not change by a power of 2; the largest weight becomes one that
        # no product with a loss or a sample weight takes out of range.
        _, exponent = np.frexp(weights.max())
        scaled: Array = np.ldexp(weights, -exponent)
        return scaled

    def _class_weight_of(self, y_true: Array, by_class: Array) -> Array:
        """Weight of the target of each row."""
        raise NotImplementedError

    def _shares(self, arrays: Arrays) -> Array | None:
        by_class = self._class_weights(arrays.predictions[0].shape[-1])
        if by_class is None:
            return None
        return self._class_weight_of(arrays.labels[0], by_class)


class SmoothedRowwise(ClassWeighted):
    """Labels may be smoothed: a part of each is spread over all classes."""

    label_smoothing: float = 0.0

    def _validate(self) -> None:
        super()._validate()
        smoothing = checks.number(
            "label_smoothing", self.label_smoothing, 0, 1, open_low=False
        )
        self._set("label_smoothing", smoothing)
        self._set("_smoothing", smoothing)


class PairedRowwise(Rowwise):
    """There is a label for each prediction: `y_true` has the shape of `y_pred`."""

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        return checks.label_weights(y_true, predictions)

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        return super()._targets(class_weight)._replace(any_sum=True)


class Distributions(PairedRowwise):
    """Labels are one-hot or soft: they sum to 1."""

    label_sum: str = "one"

    def _validate(self) -> None:
        super()._validate()
        checks.one_of("label_sum", self.label_sum, ("one", "any"))

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        any_sum = self.label_sum == "any"
        return super()._targets(class_weight)._replace(any_sum=any_sum)

    def _raise(self, found: Finding, arrays: Arrays) -> NoReturn:
        if found.status == Status.BAD_LABEL_SUM:
            shape = arrays.labels[0].shape[:-1]
            where = checks.at(arrays.names[0], found.place, shape)
            raise ValueError(
                f"the row {where} sums to {found.number:.7g}, not to 1: for labels "
                'that are no distribution over the classes pass label_sum="any"; for '
                "several yes-or-no labels a sample use binary_crossentropy"
            )
        super()._raise(found, arrays)


class DenseRowwise(Distributions, ClassWeighted):
    """Labels are one-hot or soft, and classes may weigh more and less."""

    def _class_weight_of(self, y_true: Array, by_class: Array) -> Array:
        weights: Array = np.einsum("...c,c", y_true, by_class)
        return weights


class SparseRowwise(NamedClasses, ClassWeighted):
    """Labels are the class of each row: its number, or one of `classes`."""

    ignore_class: int | None = None

    def _validate(self) -> None:
        known: Any = labels.names(self.classes)
        if known is not None:
            given = labels.weights_by_place(self.class_weight, known)
            self._set("class_weight", given)
        super()._validate()
        if self.ignore_class is not None and known is None:
            ignored = checks.integer("ignore_class", self.ignore_class)
            self._set("ignore_class", ignored)

    def _ignored(self) -> Any:
        return self.ignore_class

    @property
    def _ignored_code(self) -> int | None:
        """What stands for the ignored class in the labels of the kernel."""
        named = self.classes is not None and self.ignore_class is not None
        return labels.IGNORED if named else self.ignore_class

    def _of_codes(self) -> Loss:
        return self._changed({"classes": None, "ignore_class": self._ignored_code})

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        known: Any = self.classes
        if known is not None and len(known) != predictions.shape[-1]:
            raise ValueError(
                f"classes has {len(known)} labels, y_pred has {predictions.shape[-1]} "
                "columns: there is one for each"
            )
        return checks.class_labels(y_true, predictions)

    def _targets(self, class_weight: Array | None) -> TargetOptions:
        return super()._targets(class_weight)._replace(ignore_class=self._ignored_code)

    def initial(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """The shares of the classes, or their logarithms for a loss of logits.

        That is the constant row that every proper loss is least with.

        Parameters
        ----------
        y_true, sample_weight : array_like
            As in a call; every class occurs.

        Returns
        -------
        numpy.ndarray
        """
        label = np.asarray(self._coded(y_true))
        kept = label != self._ignored_code
        weight = None if sample_weight is None else np.asarray(sample_weight)[kept]
        counts = np.bincount(label[kept], weight).astype(np.float64)
        shares = counts / counts.sum()
        logits = self._row.predictions == ("real",)
        return np.log(shares) if logits else shares

    def _class_weight_of(self, y_true: Array, by_class: Array) -> Array:
        return by_class.take(y_true.astype(np.intp), mode="clip")

    def _count(self, arrays: Arrays) -> int:
        if self.ignore_class is None:
            return super()._count(arrays)
        return int(np.count_nonzero(arrays.labels[0] != self._ignored_code))

    def _shares(self, arrays: Arrays) -> Array | None:
        shares = super()._shares(arrays)
        if self.ignore_class is None:
            return shares
        counted: Array = arrays.labels[0] != self._ignored_code
        return counted if shares is None else shares * counted


class _Structured(Registered):
    """A loss of more than one label and one prediction, always checked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("_cannot_fail", False)  # what is read is not read at once

    def _known_targets(self) -> TargetOptions | None:
        return None  # no fast lane

    def _work(self, outputs: int, arrays: Arrays, weight: Array | None) -> Work:
        return self._kernel_work._replace(extra=arrays.extra)

    def _outs_by_prediction(self, out: Any) -> tuple[Any, ...]:
        count = len(self._row.predictions)
        if out is None or count == 1:
            return (out,) * count
        return checks.items("out of a derivative", out, count)

    def _as_given(self, derivatives: tuple[Array, ...]) -> Any:
        return derivatives[0] if len(derivatives) == 1 else derivatives


class _Bound(_Structured):
    """A loss whose Hessian binds together more than the entries of one prediction."""

    _absent: ClassVar[frozenset[str]] = _Structured._absent | {"hvp"}
    _binds: ClassVar[str]  # what it binds together

    @property
    def hvp(self) -> NoReturn:
        """Nothing: there is no product of such a Hessian."""
        raise AttributeError(
            f"{type(self).__name__} has no hvp: its Hessian binds together "
            f"{self._binds}; differences of two gradients are near the product"
        )


class SeveralHeads(_Structured):
    """A sample is an entry, for which several numbers are predicted.

    `y_pred` is a tuple of arrays, and so are the derivatives.
    """

    heads: ClassVar[tuple[str, ...]]  # what is predicted

    def _arrays(self, y_true: ArrayLike, y_pred: Any) -> Arrays:
        return self._head_arrays(self.heads, y_true, y_pred)


class Bounded(_Structured):
    """A sample is an entry, of whose label two bounds are known.

    `y_true` is a pair of arrays of the shape of `y_pred`.
    """

    label_names: ClassVar[tuple[str, ...]] = ("lower", "upper")

    def _arrays(self, y_true: Any, y_pred: ArrayLike) -> Arrays:
        given = checks.items("y_true", y_true, len(self.label_names), self.label_names)
        predictions = checks.predictions(y_pred)
        lower, upper = (
            checks.labels_like(name, label, "y_pred", predictions.shape)
            for name, label in zip(self.label_names, given, strict=True)
        )
        checks.ordered("lower", lower, "upper", upper)
        names = (*self.label_names, "y_pred")
        return Arrays((lower, upper), (predictions,), predictions.shape, names)


class LabelledPairs(_Bound, SeveralHeads):
    """A sample is a pair of rows, along the last axis of two arrays of one shape.

    `y_pred` is the pair of arrays, `y_true` has a label for each pair of rows.
    """

    _binds: ClassVar[str] = "all entries of both rows"

    def _arrays(self, y_true: ArrayLike, y_pred: Any) -> Arrays:
        given = checks.items("y_pred", y_pred, len(self.heads), self.heads)
        predictions = checks.predictions_alike(
            dict(zip(self.heads, given, strict=True))
        )
        checks.has_entries(self.heads[0], predictions[0])
        samples = self._samples(predictions[0].shape)
        labels = checks.labels_like(
            "y_true", y_true, f"rows of {self.heads[0]}", samples
        )
        return Arrays((labels,), predictions, samples, ("y_true", *self.heads))

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1]


def _named(
    call: Callable[..., Any], kind: str, wanted: tuple[str, ...], text: str
) -> Callable[..., Any]:
    """Call a method what it is for: `__call__`, `grad`, `value_and_grad`..."""
    call.__name__ = "__call__" if wanted == VALUE else "_and_".join(wanted)
    call.__qualname__ = f"{kind}.{call.__name__}"
    call.__doc__ = text
    return call


def _call_of_rows(wanted: tuple[str, ...], text: str) -> Callable[..., Any]:
    """Make a method of losses of several rows."""

    def call(
        self: Loss,
        *rows: ArrayLike,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        **parameters: Any,
    ) -> Any:
        loss = self._changed(parameters)
        return loss._evaluate(wanted, rows, sample_weight, out)

    return _named(call, "Pairwise", wanted, text)


def _partial_of_rows(
    self: Loss,
    *rows: ArrayLike,
    sample_weight: ArrayLike | None = None,
    squares: bool = True,
    **parameters: Any,
) -> Partial:
    return self._changed(parameters)._partial(rows, sample_weight, squares)


def _partial_of_groups(
    self: Loss,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    group_ids: ArrayLike | None = None,
    group_offsets: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    squares: bool = True,
    **parameters: Any,
) -> Partial:
    arguments = y_true, y_pred, groups, group_ids, group_offsets
    return self._changed(parameters)._partial(arguments, sample_weight, squares)


def _partial_of_sequences(
    self: Loss,
    y_true: Any,
    y_pred: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    squares: bool = True,
    **parameters: Any,
) -> Partial:
    arguments = y_true, y_pred, strata, entry
    return self._changed(parameters)._partial(arguments, sample_weight, squares)


for _partial in (_partial_of_rows, _partial_of_groups, _partial_of_sequences):
    _partial.__name__ = "partial"
    _partial.__doc__ = Loss.partial.__doc__


class Pairwise(_Bound):
    """A sample is a tuple of rows, along the last axis of arrays of one shape.

    The arrays are the arguments of a call, and derivatives come as a tuple.
    """

    _binds: ClassVar[str] = "all entries of the rows of a tuple"
    heads: ClassVar[tuple[str, ...]]  # what the rows are

    if not TYPE_CHECKING:  # Loss.grad and others take what the class's call takes
        __call__ = _call_of_rows(VALUE, "Value of the loss.")
        grad = _call_of_rows(
            GRAD, "Gradients of the reduced value by each of the arrays."
        )
        value_and_grad = _call_of_rows(VALUE_GRAD, "Value and gradients in one pass.")
        grad_and_hess = _call_of_rows(
            GRAD_HESS, "Gradients and diagonals of the Hessian by each of the arrays."
        )
        partial = _partial_of_rows

    def _arrays(self, *rows: ArrayLike) -> Arrays:
        if len(rows) != len(self.heads):
            raise TypeError(
                f"{self.name} takes {len(self.heads)} arrays, "
                f"{', '.join(self.heads)}, but got {len(rows)}"
            )
        predictions = checks.predictions_alike(dict(zip(self.heads, rows, strict=True)))
        checks.has_entries(self.heads[0], predictions[0])
        return Arrays((), predictions, predictions[0].shape[:-1], self.heads)

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1]


def _call_of_groups(wanted: tuple[str, ...], text: str) -> Callable[..., Any]:
    """Make a method of losses of groups."""

    def call(
        self: Loss,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        group_ids: ArrayLike | None = None,
        group_offsets: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        **parameters: Any,
    ) -> Any:
        loss = self._changed(parameters)
        arguments = y_true, y_pred, groups, group_ids, group_offsets
        return loss._evaluate(wanted, arguments, sample_weight, out)

    return _named(call, "Grouped", wanted, text)


class Grouped(_Bound):
    """A sample is a group of entries of 1-D arrays, one group behind the other.

    Either `groups`, their sizes, or `group_ids`, a sorted id for each entry, or
    `group_offsets`, where each begins and the last one ends, says what they are.
    """

    _binds: ClassVar[str] = "all entries of a group"

    if not TYPE_CHECKING:  # Loss.grad and others take what the class's call takes
        __call__ = _call_of_groups(VALUE, "Value of the loss.")
        grad = _call_of_groups(
            GRAD, "Gradient of the reduced value with respect to `y_pred`."
        )
        value_and_grad = _call_of_groups(VALUE_GRAD, "Value and gradient in one pass.")
        grad_and_hess = _call_of_groups(
            GRAD_HESS,
            "Gradient and diagonal of the Hessian with respect to `y_pred`.",
        )
        partial = _partial_of_groups

    def _arrays(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        groups: ArrayLike | None = None,
        group_ids: ArrayLike | None = None,
        group_offsets: ArrayLike | None = None,
    ) -> Arrays:
        predictions = checks.predictions(y_pred)
        if predictions.ndim != 1:
            raise ValueError(
                f"y_pred has shape {predictions.shape}: it must be 1-D, the entries of "
                "all groups"
            )
        labels = checks.labels_like("y_true", y_true, "y_pred", predictions.shape)
        index = checks.group_index(predictions.size, groups, group_ids, group_offsets)
        return Arrays((labels,), (predictions,), (int(index[0]),), extra=(index,))


class Boxwise(_Structured):
    """A sample is a box: four numbers along the last axis of `y_true` and `y_pred`."""

    _rows: ClassVar[bool] = True

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        predictions = checks.predictions(y_pred)
        shape = predictions.shape
        if shape[-1:] != (4,):
            raise ValueError(
                f"y_pred has shape {shape}: its last axis must be the 4 numbers of a "
                "box"
            )
        labels = checks.labels_like("y_true", y_true, "y_pred", shape)
        return Arrays((labels,), (predictions,), self._samples(shape))

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1]

    def _target_options(self, arrays: Arrays) -> TargetOptions:
        return TargetOptions(any_sum=True)


class Stepwise(_Structured):
    """A sample is a row of predictions, one for each interval of time.

    `y_true` is a tuple: the interval that a sample was last seen in, and whether its
    event was there.
    """

    _rows: ClassVar[bool] = True
    label_names: ClassVar[tuple[str, ...]]

    def _arrays(self, y_true: Any, y_pred: ArrayLike) -> Arrays:
        last, event = self.label_names
        given = checks.items("y_true", y_true, 2, self.label_names)
        predictions = checks.predictions(y_pred)
        checks.rows(predictions)
        shape = self._samples(predictions.shape)
        interval, happened = (
            checks.labels_like(name, label, "the samples", shape)
            for name, label in zip(self.label_names, given, strict=True)
        )
        return Arrays(
            (interval, happened), (predictions,), shape, (last, event, "y_pred")
        )

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1]

    def _target_options(self, arrays: Arrays) -> TargetOptions:
        return TargetOptions(any_sum=True)

    def _steps(self, arrays: Arrays, weight: Array | None) -> Array:
        """Of each interval 1 where the event is, 0 before, NaN where nothing is known.

        Of samples without weight, which may hold anything, NaN.
        """
        steps = arrays.predictions[0].shape[-1]
        interval, event = arrays.labels
        alive = np.ones(arrays.samples, bool) if weight is None else weight != 0
        for k, (array, inside, domain) in enumerate(
            (
                (interval, (interval >= 0) & (interval < steps), "class"),
                (event, (event == 0) | (event == 1), "event"),
            )
        ):
            known = inside if k else inside & (interval == np.floor(interval))
            bad = alive & ~known
            if bad.any():
                place = checks.element(arrays.names[k], array, int(np.argmax(bad)))
                expected = DOMAINS[domain].format(classes=steps)
                raise ValueError(
                    f"{place} {expected.replace('a class', 'an interval')}"
                )
        at = np.arange(steps)
        last = np.where(alive, interval, -1)[..., np.newaxis]
        labels = np.where(at > last, np.float32(np.nan), np.float32(0))
        found: Array = np.where(
            (at == last) & (event[..., np.newaxis] == 1), np.float32(1), labels
        )
        return found

    def _engine(
        self,
        wanted: tuple[str, ...],
        arrays: Arrays,
        weight: Array | None,
        *rest: Any,
    ) -> float:
        labels = (self._steps(arrays, weight),)
        arrays = arrays._replace(labels=labels, names=("y_true", "y_pred"))
        return super()._engine(wanted, arrays, weight, *rest)


def _call_of_sequences(wanted: tuple[str, ...], text: str) -> Callable[..., Any]:
    """Make a method of losses of sequences."""

    def call(
        self: Loss,
        y_true: Any,
        y_pred: ArrayLike,
        *,
        strata: ArrayLike | None = None,
        entry: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        **parameters: Any,
    ) -> Any:
        loss = self._changed(parameters)
        arguments = y_true, y_pred, strata, entry
        return loss._evaluate(wanted, arguments, sample_weight, out)

    return _named(call, "Sequence", wanted, text)


class Sequence(_Bound):
    """A sample is an entry of a sequence, which is the last axis.

    `y_true` is a tuple of arrays of the shape of `y_pred`, of which the first is a
    time. Entries of different `strata` know nothing of each other, and one whose time
    is before the `entry` of another nothing of that.
    """

    _binds: ClassVar[str] = "all entries of a sequence"
    label_names: ClassVar[tuple[str, ...]]

    if not TYPE_CHECKING:  # Loss.grad and others take what the class's call takes
        __call__ = _call_of_sequences(VALUE, "Value of the loss.")
        grad = _call_of_sequences(
            GRAD, "Gradient of the reduced value with respect to `y_pred`."
        )
        value_and_grad = _call_of_sequences(
            VALUE_GRAD, "Value and gradient in one pass."
        )
        grad_and_hess = _call_of_sequences(
            GRAD_HESS,
            "Gradient and diagonal of the Hessian with respect to `y_pred`.",
        )
        partial = _partial_of_sequences

    def _arrays(
        self,
        y_true: Any,
        y_pred: ArrayLike,
        strata: ArrayLike | None = None,
        entry: ArrayLike | None = None,
    ) -> Arrays:
        given = checks.items("y_true", y_true, len(self.label_names), self.label_names)
        predictions = checks.predictions(y_pred)
        if predictions.ndim == 0:
            raise ValueError("y_pred has shape (): it needs a last axis, the sequence")
        shape = predictions.shape
        labels = tuple(
            checks.labels_like(name, label, "y_pred", shape)
            for name, label in zip(self.label_names, given, strict=True)
        )
        names = (*self.label_names, "y_pred")
        extra: tuple[Array, ...] = ()
        if strata is not None:
            extra = (checks.codes("strata", strata, "y_pred", shape),)
        if entry is not None:
            late = checks.labels_like("entry", entry, "y_pred", shape)
            extra = (*(extra or (np.broadcast_to(0, shape),)), late)
        return Arrays(labels, (predictions,), shape, names, extra)

    def _engine(
        self,
        wanted: tuple[str, ...],
        arrays: Arrays,
        weight: Array | None,
        *rest: Any,
    ) -> float:
        for late in arrays.extra[1:]:
            time = arrays.labels[0]
            bad = ~(late < time) & (time == time)
            bad &= True if weight is None else weight != 0
            if bad.any():
                at = int(np.argmax(bad))
                raise ValueError(
                    f"{checks.element('entry', late, at)} is not before "
                    f"{checks.element(self.label_names[0], time, at)}: nobody is there "
                    "before entry; leave such samples out, or give them a weight of 0"
                )
        return super()._engine(wanted, arrays, weight, *rest)


class _Compared(_Bound):
    """A sample is a row that is compared with many others."""

    _absent: ClassVar[frozenset[str]] = _Bound._absent | {"grad_and_hess"}
    _binds: ClassVar[str] = "all rows of a batch"

    @property
    def grad_and_hess(self) -> NoReturn:
        """Nothing: a row of the Hessian depends on all rows of the batch."""
        raise AttributeError(
            f"{type(self).__name__} has no grad_and_hess: its Hessian is that of a "
            "whole batch"
        )

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:1]


class Batch(_Compared):
    """A sample is a row of `y_pred`, which is compared with all other rows.

    `y_true` has the class of each row; if it is None, row i and row i + n/2 are a pair.
    """

    def _arrays(self, y_true: ArrayLike | None, y_pred: ArrayLike) -> Arrays:
        rows = checks.embeddings("y_pred", y_pred)
        classes = checks.classes_of_rows(y_true, len(rows))
        index = np.concatenate([np.array([len(rows)]), classes], dtype=np.int64)
        return Arrays((), (rows,), rows.shape[:1], ("y_pred",), (index,))


class TwoBatches(_Compared):
    """A sample is a row of one array, which is compared with all rows of another.

    The two arrays are the arguments of a call, and derivatives come as a pair.
    """

    heads: ClassVar[tuple[str, str]]  # what the rows are

    if not TYPE_CHECKING:  # Loss.grad and others take what the class's call takes
        __call__ = _call_of_rows(VALUE, "Value of the loss.")
        grad = _call_of_rows(GRAD, "Gradients of the reduced value by both arrays.")
        value_and_grad = _call_of_rows(VALUE_GRAD, "Value and gradients in one pass.")
        partial = _partial_of_rows

    def _arrays(self, *arrays: ArrayLike) -> Arrays:
        if len(arrays) != 2:
            raise TypeError(
                f"{self.name} takes 2 arrays, {', '.join(self.heads)}, but got "
                f"{len(arrays)}"
            )
        first, second = map(checks.embeddings, self.heads, arrays)
        if second.shape[1] != first.shape[1] or len(second) < len(first):
            raise ValueError(
                f"{self.heads[1]} has shape {second.shape}, {self.heads[0]} "
                f"{first.shape}: rows must be equally long, and row i of "
                f"{self.heads[1]} belongs to row i of {self.heads[0]}"
            )
        dtype = np.result_type(first, second)
        rows = tuple(rows.astype(dtype, copy=False) for rows in (first, second))
        sizes = [len(first), len(second)]
        classes = [np.arange(size) for size in sizes]
        index = np.concatenate([np.array(sizes), *classes], dtype=np.int64)
        return Arrays((), rows, first.shape[:1], self.heads, (index,))


class Regions(_Bound):
    """A sample is a region, the entries along some axes of `y_pred`, or several."""

    _binds: ClassVar[str] = "all entries of a region"
    axis: int | tuple[int, ...] | None = None

    def _validate(self) -> None:
        super()._validate()
        if self.axis is not None:
            given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
            named = tuple(checks.integer("axis", axis) for axis in given)
            self._set("axis", named if isinstance(self.axis, tuple) else named[0])

    def _axes(self, ndim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Axes of the regions of a sample, and of the entries of a region."""
        return (), checks.axes(self.axis, ndim)

    def _class_axes(
        self, class_axis: int, ndim: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The same where the regions of a sample are those of its classes."""
        if not -ndim <= class_axis < ndim:
            raise ValueError(
                f"class_axis = {class_axis}, y_pred has {ndim} axes: it names the "
                "axis of the classes"
            )
        classes = class_axis % ndim
        entries = checks.axes(self.axis, ndim)
        if self.axis is None:
            entries = tuple(axis for axis in entries if axis != classes)
        if classes in entries:
            raise ValueError(
                f"axis = {self.axis!r} names the axis {classes} of the classes, too: "
                "leave it to class_axis"
            )
        return (classes,), entries

    def _order(self, shape: tuple[int, ...]) -> list[int]:
        """Axes of the samples, of their regions and of their entries."""
        regions, entries = self._axes(len(shape))
        inner = regions + entries
        return [*(a for a in range(len(shape)) if a not in inner), *inner]

    def _sizes(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """How many regions a sample has, and entries a region."""
        regions, entries = self._axes(len(shape))
        return math.prod(shape[a] for a in regions), math.prod(
            shape[a] for a in entries
        )

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        regions, entries = self._axes(len(shape))
        return tuple(n for a, n in enumerate(shape) if a not in regions + entries)


class Overlap(Regions):
    """A loss of a few sums over the entries of regions."""

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        predictions = checks.predictions(y_pred)
        labels = checks.elementwise_labels(y_true, predictions)
        shape = predictions.shape
        counts = self._sizes(shape)
        samples = self._samples(shape)
        index = np.array([*counts[::-1], *self._order(shape)], dtype=np.int64)
        return Arrays((labels,), (predictions,), samples, extra=(index,))

    def _raise(self, found: Finding, arrays: Arrays) -> NoReturn:
        if found.status == Status.BAD_INPUT:
            shape = arrays.predictions[0].shape
            order = self._order(shape)
            place = np.unravel_index(found.place, [shape[axis] for axis in order])
            at = [int(place[order.index(axis)]) for axis in range(len(shape))]
            flat = int(np.ravel_multi_index(at, shape)) if shape else 0
            found = found._replace(place=flat)
        super()._raise(found, arrays)


class SortedRegions(Regions):
    """A loss of the order of the entries of regions, which are groups to the engine.

    A sample has the mean value of its regions, and entries may be left out. A kernel is
    told of an entry 0, 1 or, to leave it out, -1.
    """

    ignore_class: int | None = None

    def _validate(self) -> None:
        super()._validate()
        if self.ignore_class is not None:
            ignored = checks.integer("ignore_class", self.ignore_class)
            self._set("ignore_class", ignored)

    def _labels(self, y_true: ArrayLike, predictions: Array) -> Array:
        raise NotImplementedError

    def _marks(self, arrays: Arrays) -> Array:
        """What kernels are told; -2 of what is no label: samples, regions, entries."""
        raise NotImplementedError

    def _counted(self, marks: Array) -> Array:
        """Whether a sample has a region among those of its mean."""
        counted: Array = (marks != -1).any(axis=2)
        return counted

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        predictions = checks.predictions(y_pred)
        shape = predictions.shape
        regions, entries = self._sizes(shape)
        labels = self._labels(y_true, predictions)
        samples = self._samples(shape)
        count = math.prod(samples) * regions
        index = np.concatenate([[count], entries * np.arange(count + 1)])
        return Arrays((labels,), (predictions,), samples, extra=(index,))

    def _shares(self, arrays: Arrays) -> Array | None:
        counted = self._counted(self._marks(arrays)).any(axis=1)
        shares: Array = counted.astype(np.float64).reshape(arrays.samples)
        return shares

    def _check(
        self, arrays: Arrays, marks: Array, ordered: Array, weighs: Array
    ) -> None:
        """Refuse what is outside its domain of entries that weigh something."""
        self._refuse(arrays, 0, (marks == -2) & weighs)

    def _refuse(self, arrays: Arrays, offender: int, outside: Array) -> None:
        """Raise if an entry, by sample and region, is outside the domain."""
        if not outside.any():
            return
        array = (*arrays.labels, *arrays.predictions)[offender]
        shape = arrays.predictions[0].shape
        order = self._order(shape)
        there: Array = outside.reshape([shape[a] for a in order])
        there = there.transpose(np.argsort(order))
        if array.ndim < there.ndim:  # labels have no axis of classes
            there = np.any(there, axis=self._axes(len(shape))[0])
        place = int(np.argmax(there))
        self._raise(Finding(Status.BAD_INPUT, offender, place, 0.0), arrays)

    def _engine(
        self,
        wanted: tuple[str, ...],
        arrays: Arrays,
        weight: Array | None,
        work: Work,
        value: Array | None,
        grads: tuple[Array, ...],
        hesses: tuple[Array, ...],
        parts: list[float] | None = None,
    ) -> float:
        order = self._order(arrays.predictions[0].shape)
        marks = self._marks(arrays)
        ordered = arrays.predictions[0].transpose(order).reshape(marks.shape)
        samples, regions, _ = marks.shape
        weights = np.ones(samples) if weight is None else weight.reshape(samples)
        self._check(arrays, marks, ordered, (weights != 0)[:, np.newaxis, np.newaxis])
        counted = self._counted(marks)
        shares = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
        if self.reduction == "sum_over_batch_size":
            shares *= regions  # by which there are more groups than samples
        groups = Arrays((marks.ravel(),), (ordered.ravel(),), (), arrays.names)
        by_group = (weights[:, np.newaxis] * shares).ravel()
        values = None if value is None else np.empty(samples * regions)
        wide = [array.transpose(order) for array in (*grads, *hesses)]
        flat = tuple(array.reshape(-1) for array in wide)  # perhaps copies
        slopes, bends = flat[: len(grads)], flat[len(grads) :]
        total = super()._engine(
            wanted, groups, by_group, work, values, slopes, bends, parts
        )
        if value is not None and values is not None:
            means = values.reshape(samples, regions).sum(axis=1)
            value[...] = means.reshape(value.shape)
        for array, written in zip(wide, flat, strict=True):
            if not np.may_share_memory(array, written):
                array[...] = written.reshape(array.shape)
        return total
