"""Kinds of which a sample is a row of predictions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import checks, job, labels
from fastloss.core.job import (
    Array,
    Arrays,
    ClassWeights,
    Finding,
    Status,
    TargetOptions,
)
from fastloss.core.kinds.registered import NamedClasses, Registered, Structured
from fastloss.core.loss import Loss
from fastloss.core.registry import DOMAINS

__all__ = [
    "Boxwise",
    "CappedRowwise",
    "ClassWeighted",
    "DenseRowwise",
    "Distributions",
    "PairedRowwise",
    "Rowwise",
    "SmoothedRowwise",
    "SparseRowwise",
    "Stepwise",
    "TemperedRowwise",
]


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

    def _asks_for_logits(self, name: str, why: str = "changes logits") -> None:
        if not getattr(self, "from_logits", True):
            raise ValueError(
                f"{name} = {getattr(self, name)!r} {why}: pass from_logits=True, or "
                "leave it out"
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
    # Of each loss: the last number of classes, and the loss with a weight for each.
    _listed: ClassVar[tuple[int, Self] | None]

    class_weight: ClassWeights = None

    def _validate(self) -> None:
        super()._validate()
        self._set("class_weight", checks.class_weight(self.class_weight))
        self._set("_listed", None)

    @property
    def _maps_classes(self) -> bool:
        """Whether some classes have weights, the others, of any number, weigh 1."""
        given: Any = self.class_weight  # in its final form
        return bool(given) and isinstance(given[0], tuple)

    def _known_targets(self) -> TargetOptions | None:
        given: Any = self.class_weight  # in its final form
        if given is None:
            return self._targets(None)
        if not given or self._maps_classes:
            return None
        return self._targets(self._class_weights(len(given)))

    def _with_listed(self, y_pred: ArrayLike) -> Self:
        """The loss of as many weights as there are classes, which has a fast lane."""
        given: Any = self.class_weight  # in its final form
        if not self._maps_classes or type(y_pred) is not np.ndarray or y_pred.ndim == 0:
            return self
        classes = y_pred.shape[-1]
        if not 0 <= given[0][0] <= given[-1][0] < classes:
            return self  # which says so
        listed = self._listed
        if listed is None or listed[0] != classes:
            weights: Any = checks.class_weights(given, classes)
            listed = classes, replace(self, class_weight=weights)
            self._set("_listed", listed)
        return listed[1]

    def _evaluate(
        self,
        wanted: tuple[str, ...],
        arguments: tuple[Any, ...],
        sample_weight: ArrayLike | None,
        out: Any,
        v: Any = None,
    ) -> Any:
        loss = self._with_listed(arguments[1])
        if loss is self or wanted == job.PRODUCT:
            return super()._evaluate(wanted, arguments, sample_weight, out, v)
        calls: dict[tuple[str, ...], Any] = {
            job.VALUE: loss,
            job.GRAD: loss.grad,
            job.VALUE_GRAD: loss.value_and_grad,
            job.GRAD_HESS: loss.grad_and_hess,
        }
        return calls[wanted](*arguments, sample_weight=sample_weight, out=out)

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


class Boxwise(Structured):
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

    def _target_options(self, arrays: Arrays) -> TargetOptions:
        return TargetOptions(any_sum=True)


class Stepwise(Structured):
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
