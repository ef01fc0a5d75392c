"""What rules look at: the arrays as they were given, and what the loss makes of them.

A rule names the facts it needs, and is asked only where there are such: labels and
predictions of any kind (`Given`), a loss that ran (`Ran`), a number predicted for a
number (`Numbers`), a decision between classes (`Decisions`), a curve (`Curve`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastloss.core import checks, foreign
from fastloss.core.job import Array, Arrays
from fastloss.core.kinds import (
    Boxwise,
    Elementwise,
    LabelledPairs,
    NamedClasses,
    Pairwise,
    Rowwise,
    SeveralHeads,
    SparseRowwise,
    Stepwise,
    TwoBatches,
)
from fastloss.core.loss import Loss
from fastloss.diagnosis.report import Place

__all__ = ["Curve", "Decisions", "Given", "Numbers", "Ran", "gather"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A million samples give a share to three digits; ten million entries are 80 MB.
MOST_SAMPLES = 1_000_000
MOST_ENTRIES = 10_000_000

_LONGEST = 120  # characters of parameters
_BLOCK = 1 << 18  # entries that are tested for NaN at once
_GROUPS = ("groups", "group_ids", "group_offsets")


class Call(NamedTuple):
    """A loss and what it is called with."""

    loss: Loss
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    weight: Any

    def arrays(self) -> Arrays:
        """The arguments as the loss sees them."""
        groups = {k: v for k, v in self.keywords.items() if k in _GROUPS}
        arrays: Arrays = self.loss._arrays(*self.arguments, **groups)
        return arrays

    def run(self, method: str, **parameters: Any) -> Any:
        """The result of a method of the loss."""
        return getattr(self.loss, method)(
            *self.arguments, sample_weight=self.weight, **self.keywords, **parameters
        )

    def with_predictions(self, predictions: Array) -> Call:
        """The same call with another `y_pred`."""
        return self._replace(arguments=(*self.arguments[:-1], predictions))

    def mean(self) -> float:
        """The mean loss, or the value of a loss that has no other."""
        free = not self.loss._is_one_number()
        return float(self.run("__call__", **({"reduction": "mean"} if free else {})))


class Places(NamedTuple):
    """Where samples of a thinned array are in the whole one."""

    shape: tuple[int, ...]
    axis: int = 0
    step: int = 1

    def of(self, flat: Array) -> tuple[Place, ...]:
        """Indices of the samples with these numbers."""
        if not self.shape:
            return ()
        where = [np.asarray(axis) for axis in np.unravel_index(flat, self.shape)]
        where[self.axis] = where[self.axis] * self.step
        if len(where) == 1:
            return tuple(where[0].tolist())
        return tuple(zip(*(axis.tolist() for axis in where), strict=True))


@dataclass(frozen=True)
class Given:
    """Labels, predictions and weights by their names, and whether the loss takes them.

    `error` is what the loss says if it refuses them.
    """

    call: Call
    labels: Mapping[str, Array]
    predictions: Mapping[str, Array]
    weight: Array | None
    error: str | None

    @property
    def loss(self) -> Loss:
        """The loss."""
        return self.call.loss

    @property
    def shown(self) -> str:
        """The loss as one would type it."""
        return typed(self.loss)

    @property
    def y(self) -> Array | None:
        """The array of labels, if there is one and it holds numbers."""
        return _only(self.labels)

    @property
    def p(self) -> Array | None:
        """The array of predictions, if there is one and it holds numbers."""
        return _only(self.predictions)

    @property
    def label_domain(self) -> str:
        """What the first label may hold: a name of the registry."""
        return (*self.loss._row.labels, "real")[0]

    @property
    def prediction_domain(self) -> str:
        """What the first prediction may hold."""
        return self.loss._row.predictions[0]

    @property
    def refusal(self) -> dict[str, str]:
        """Evidence that the loss refuses the call."""
        return {"error": self.error} if self.error else {}

    def not_finite(self, name: str) -> Bad | None:
        """Entries of an array that are NaN or infinite and weigh something."""
        arrays = {**self.labels, **self.predictions}
        if name == "sample_weight":
            return None if self.weight is None else _not_finite(self.weight, None)
        return _not_finite(arrays[name], self.weight)


def typed(loss: Loss) -> str:
    """A loss with the parameters that are not the usual ones, if they are short."""
    whole = loss._expression()
    short = len(whole) < len(type(loss).__name__) + len("()") + _LONGEST
    return whole if short else f"{type(loss).__name__}(...)"


def ignored_class(loss: Loss) -> int | None:
    """The label of rows that are left out, as the engine has it."""
    if isinstance(loss, SparseRowwise):
        return loss._ignored_code
    return None


def _only(arrays: Mapping[str, Array]) -> Array | None:
    if len(arrays) != 1:
        return None
    (array,) = arrays.values()
    return array if array.dtype.kind in "biuf" and array.size else None


class Bad(NamedTuple):
    """How many entries are NaN, +inf, -inf, and where the first one is."""

    nan: int
    plus: int
    minus: int
    first: Place
    value: float


def _not_finite(array: Array, weight: Array | None) -> Bad | None:
    if array.dtype.kind != "f" or not array.size:
        return None
    nan = plus = minus = 0
    first: Place | None = None
    value = 0.0
    for start, block, weighs in _blocks(array, weight):
        bad = ~np.isfinite(block) & weighs
        if not bad.any():
            continue
        nan += int(np.count_nonzero(np.isnan(block) & bad))
        plus += int(np.count_nonzero((block > 0) & bad))
        minus += int(np.count_nonzero((block < 0) & bad))
        if first is None:
            where = np.unravel_index(int(np.argmax(bad)), bad.shape)
            value = float(block[where])
            at = (int(where[0]) + start, *map(int, where[1:]))
            first = at[0] if len(at) == 1 else at
    return None if first is None else Bad(nan, plus, minus, first, value)


def _blocks(array: Array, weight: Array | None) -> Iterator[tuple[int, Array, Any]]:
    """Parts along the first axis, and which of their entries weigh something."""
    array = np.atleast_1d(array)
    rows = max(1, _BLOCK // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), rows):
        block = array[start : start + rows]
        weighs: Any = True
        if weight is not None and weight.shape == array.shape[: weight.ndim] != ():
            part = weight[start : start + rows] != 0
            weighs = part.reshape(part.shape + (1,) * (block.ndim - part.ndim))
        yield start, block, weighs


@dataclass(frozen=True)
class Ran:
    """What a loss makes of the samples that weigh something and have a finite value.

    Attributes
    ----------
    call : Call
        With no more samples than are looked at.
    arrays : Arrays
        Its arrays.
    kept : ndarray of int
        Numbers of the samples that are counted.
    values : ndarray
        Their losses, unweighted; empty for a loss that is one number for all.
    weight : ndarray or None
        Their weights.
    slopes : ndarray
        Size of the gradient of each, weighted; entry by entry if `aligned` is false.
    aligned : bool
        Whether slopes belong to samples.
    infinite : ndarray of int
        Numbers of the samples whose loss or gradient is not finite.
    """

    given: Given
    call: Call
    arrays: Arrays
    places: Places
    kept: Ints
    values: Floats
    weight: Floats | None
    slopes: Floats
    aligned: bool
    infinite: Ints

    def samples(self, chosen: Array) -> tuple[Place, ...]:
        """Indices of some of the counted samples."""
        return self.places.of(self.kept[chosen])

    def mean(self, values: Floats) -> float:
        """The weighted mean over the counted samples."""
        return float(np.average(values, weights=self.weight))


@dataclass(frozen=True)
class Numbers:
    """A number predicted for each number: labels and predictions of one shape, flat."""

    ran: Ran
    y: Floats
    p: Floats
    places: Places
    kept: Ints

    def samples(self, chosen: Array) -> tuple[Place, ...]:
        """Indices of some of the entries."""
        return self.places.of(self.kept[chosen])


@dataclass(frozen=True)
class Decisions:
    """A choice between classes.

    Attributes
    ----------
    true, predicted : ndarray of int
        Class of each sample, and the class that is predicted.
    chance : ndarray
        The probability that the predictions give to the true class.
    classes : int
    names : tuple
        The labels of the classes.
    """

    ran: Ran
    true: Ints
    predicted: Ints
    chance: Floats
    classes: int
    names: tuple[Any, ...]
    places: Places
    kept: Ints

    def samples(self, chosen: Array) -> tuple[Place, ...]:
        """Indices of some of the decisions."""
        return self.places.of(self.kept[chosen])


@dataclass(frozen=True)
class Curve:
    """The cost by step, and that of held-out data if it is known."""

    cost: Floats
    held: Floats | None = None

    def step_of(self, index: int) -> int:
        """The step of the training curve when this one of `held` was measured."""
        held = self.cost if self.held is None else self.held
        if len(held) < 2 or len(self.cost) < 2:
            return index
        return round(index * (len(self.cost) - 1) / (len(held) - 1))


class Gathered(NamedTuple):
    """All facts there are, by their type, and what was looked at."""

    facts: Mapping[type, Any]
    scope: str


def gather(
    loss: Loss,
    y_true: Any,
    y_pred: Any,
    history: Any,
    validation: Any,
    weight: Any,
    keywords: Mapping[str, Any],
) -> Gathered:
    """Measure everything once."""
    facts: dict[type, Any] = {}
    scopes = []
    if y_pred is not None:
        given = _given(loss, y_true, y_pred, weight, keywords)
        facts[Given] = given
        ran = None if given.error else _ran(given)
        scopes.append(_scope(given, ran))
        if ran is not None:
            facts[Ran] = ran
            facts[Numbers] = numbers = _numbers(ran)
            facts[Decisions] = _decisions(ran, numbers)
    if history is not None:
        facts[Curve] = curve = _curve(history, validation)
        held = "" if curve.held is None else f" and {len(curve.held)} of validation"
        scopes.append(f"{len(curve.cost)} costs{held}")
    if not scopes:
        raise TypeError("y_pred and history are None: there is nothing to look at")
    found = {kind: fact for kind, fact in facts.items() if fact is not None}
    return Gathered(found, "; ".join(scopes))


def _scope(given: Given, ran: Ran | None) -> str:
    if ran is None:
        return "the loss refuses the call"
    if ran.places.step == 1:
        count = math.prod(ran.places.shape)
        return f"{count:,} sample{'s' * (count != 1)}"
    whole = math.prod(given.call.arrays().samples)
    seen = math.prod(ran.places.shape)
    return (
        f"{seen:,} of {whole:,} samples, one in {ran.places.step}; all of them for "
        "numbers that are not finite and for what the loss refuses"
    )


def _array(name: str, value: Any) -> Array:
    """`value` as NumPy has it; empty if it has no form."""
    try:
        return np.asarray(foreign.opened(name, value))
    except (TypeError, ValueError):
        return np.empty(0, object)


def _named(names: tuple[str, ...], value: Any) -> dict[str, Array]:
    if value is None:
        return {}
    if len(names) == 1:
        return {names[0]: _array(names[0], value)}
    parts = value if isinstance(value, tuple | list) else ()
    return {name: _array(name, part) for name, part in zip(names, parts, strict=False)}


def _given(
    loss: Loss, y_true: Any, y_pred: Any, weight: Any, keywords: Mapping[str, Any]
) -> Given:
    heads: tuple[str, ...] = getattr(loss, "heads", ("y_pred",))
    with suppress(TypeError):  # which the call says
        heads = loss._several() or heads
    names: tuple[str, ...] = getattr(loss, "label_names", ("y_true",))
    arguments = (y_true, y_pred)
    if isinstance(loss, Pairwise | TwoBatches):
        arguments = tuple(y_pred) if isinstance(y_pred, tuple | list) else (y_pred,)
    call = Call(loss, arguments, keywords, weight)
    error = None
    try:
        call.run("__call__", **({} if loss._is_one_number() else {"reduction": "mean"}))
    except (TypeError, ValueError) as refused:
        error = f"{type(refused).__name__}: {refused}"
    weights = None if weight is None else _array("sample_weight", weight)
    if isinstance(loss, NamedClasses) and y_true is not None:
        try:
            y_true = loss._coded(y_true)
        except (TypeError, ValueError):  # which the loss has said
            y_true = np.asarray(y_true, dtype=object)  # names, also where numbers
    return Given(call, _named(names, y_true), _named(heads, y_pred), weights, error)


def _thin(call: Call, arrays: Arrays) -> tuple[Call, Places]:
    """Every so many samples, of a loss whose samples know nothing of each other."""
    samples = arrays.samples
    count = math.prod(samples)
    most = max(count / MOST_SAMPLES, arrays.predictions[0].size / MOST_ENTRIES)
    alone: tuple[type, ...] = Boxwise, Elementwise, LabelledPairs, Pairwise
    alone += Rowwise, SeveralHeads, Stepwise
    loss = call.loss
    custom = loss._compiler is not None and not loss._is_one_number()
    if most <= 1 or not (custom or isinstance(loss, alone)):
        return call, Places(samples)
    axis = int(np.argmax(samples))
    step = math.ceil(most)

    def part(value: Any) -> Any:
        several = isinstance(loss, SeveralHeads) or loss._several()
        if isinstance(value, tuple | list) and several:
            return tuple(map(part, value))
        array = np.asarray(foreign.opened("", value))
        index = (slice(None),) * axis + (slice(None, None, step),)
        return array[index] if array.ndim > axis else array

    thinned = Call(
        loss,
        tuple(map(part, call.arguments)),
        {name: part(value) for name, value in call.keywords.items()},
        None if call.weight is None else part(call.weight),
    )
    shape = list(samples)
    shape[axis] = -(-shape[axis] // step)
    return thinned, Places(tuple(shape), axis, step)


def _ran(given: Given) -> Ran | None:
    """Run the loss; None if there is nothing to run it on."""
    call, places = _thin(given.call, given.call.arrays())
    arrays = call.arrays()
    if not arrays.predictions[0].size:
        return None
    weight = checks.weights(
        None if call.weight is None else np.asarray(call.weight), arrays.samples
    )
    flat = None if weight is None else weight.astype(np.float64).ravel()
    weighs = None if weight is None else (weight != 0).astype(np.float64)
    plain = call._replace(weight=weighs)
    if call.loss._is_one_number():
        values, gradients = np.empty(0), plain.run("grad")
    else:
        values, gradients = plain.run("value_and_grad", reduction="none")
        values = np.asarray(values, dtype=np.float64).ravel()
    parts = gradients if isinstance(gradients, tuple) else (gradients,)
    slopes, aligned = _slopes(parts, arrays.samples)
    if aligned and flat is not None:
        slopes = slopes * np.abs(flat)
    good = np.isfinite(values)
    if aligned and values.size:
        good &= np.isfinite(slopes)
    counted = good if flat is None or not values.size else good & (flat != 0)
    kept = np.flatnonzero(counted)
    if aligned and values.size:
        slopes = slopes[kept]
    return Ran(
        given,
        call,
        arrays,
        places,
        kept,
        values[kept],
        None if flat is None or not values.size else flat[kept],
        slopes[np.isfinite(slopes)],
        aligned and bool(values.size),
        np.flatnonzero(~good),
    )


def _slopes(
    gradients: tuple[Array, ...], samples: tuple[int, ...]
) -> tuple[Floats, bool]:
    """Size of the gradient by sample, or by entry if it is not one of samples.

    Heads may have units of their own: each counts by its share of the whole.
    """
    aligned = all(g.shape[: len(samples)] == samples for g in gradients)
    parts = []
    for gradient in gradients:
        size = np.abs(gradient.astype(np.float64, copy=False))
        if aligned:
            rest = tuple(range(len(samples), gradient.ndim))
            size = np.sqrt(np.sum(size * size, axis=rest)) if rest else size
        finite = size[np.isfinite(size)]
        mean = float(finite.mean()) if finite.size else 0.0
        parts.append(size / mean if mean and len(gradients) > 1 else size)
    whole = sum(parts) if aligned else np.concatenate([part.ravel() for part in parts])
    return np.asarray(whole, dtype=np.float64).ravel(), aligned


_RELATED = ("regression", "robust", "margin", "binary", "count", "distribution")


def _numbers(ran: Ran) -> Numbers | None:
    """Labels and predictions entry by entry, where both say how much of something."""
    arrays, row = ran.arrays, ran.given.loss._row
    if len(arrays.labels) != 1 or isinstance(ran.given.loss, Rowwise | Boxwise):
        return None
    y, p = arrays.labels[0], arrays.predictions[0]
    if row.family not in (*_RELATED, "custom", "ranking", "segmentation"):
        return None
    if y.shape != p.shape or row.labels == ("class",):
        return None
    y, p = (array.astype(np.float64).ravel() for array in (y, p))
    kept = np.arange(y.size)
    if ran.values.size and arrays.samples == arrays.predictions[0].shape:
        kept = ran.kept
    else:
        kept = kept[np.isfinite(y) & np.isfinite(p)]
    places = ran.places
    if arrays.samples != arrays.predictions[0].shape:
        places = Places(arrays.predictions[0].shape)
    y, p = y[kept], p[kept]
    if row.labels == ("sign",) and arrays.labels[0].dtype.kind == "b":
        y = 2 * y - 1
    finite = np.isfinite(y) & np.isfinite(p)
    return Numbers(ran, y[finite], p[finite], places, kept[finite])


def _sigmoid(x: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _decisions(ran: Ran, numbers: Numbers | None) -> Decisions | None:
    row = ran.given.loss._row
    if isinstance(ran.given.loss, Rowwise):
        return _decisions_of_rows(ran)
    if numbers is None or row.labels not in (("unit",), ("sign",), ("bit",)):
        return None
    low = -1.0 if row.labels == ("sign",) else 0.0
    if not np.all((numbers.y == low) | (numbers.y == 1)):
        return None
    logits = row.predictions == ("real",)
    positive = _sigmoid(numbers.p) if logits else np.clip(numbers.p, 0, 1)
    true = (numbers.y == 1).astype(np.int64)
    return Decisions(
        ran,
        true,
        (positive > 0.5).astype(np.int64),
        np.where(true == 1, positive, 1 - positive),
        2,
        getattr(ran.given.loss, "classes", None) or (int(low), 1),
        numbers.places,
        numbers.kept,
    )


def _decisions_of_rows(ran: Ran) -> Decisions | None:
    loss, row = ran.given.loss, ran.given.loss._row
    p = ran.arrays.predictions[0]
    classes = p.shape[-1]
    p = p.reshape(-1, classes)[ran.kept].astype(np.float64)
    y = ran.arrays.labels[0]
    if row.labels == ("class",):
        true = y.ravel()[ran.kept].astype(np.int64)
    elif row.labels == ("unit",):
        soft = y.reshape(-1, classes)[ran.kept]
        if not np.all((soft == 0) | (soft == 1)):
            return None
        true = soft.argmax(axis=-1).astype(np.int64)
    else:
        return None
    counted = np.isfinite(p).all(axis=-1) & (true >= 0) & (true < classes)
    counted &= true != ignored_class(loss)
    true, p, kept = true[counted], p[counted], ran.kept[counted]
    if row.predictions == ("real",):
        p = np.exp(p - p.max(axis=-1, keepdims=True, initial=-math.inf))
    total = p.sum(axis=-1)
    chance = p[np.arange(len(p)), true] / np.where(total > 0, total, 1)
    predicted = p.argmax(axis=-1) if classes else true
    names = getattr(loss, "classes", None) or tuple(range(classes))
    return Decisions(ran, true, predicted, chance, classes, names, ran.places, kept)


def _costs(name: str, value: Any) -> Floats:
    """A curve as an array."""
    try:
        costs = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} is {type(value).__name__}: it must be a sequence of costs, one "
            "for each step, or what Keras' fit returns"
        ) from None
    if costs.ndim == 0 or costs.size != max(costs.shape):
        raise ValueError(
            f"{name} has shape {costs.shape}: it must be 1-D, a cost for each step"
        )
    return costs.ravel()


def _curve(history: Any, validation: Any) -> Curve:
    table = getattr(history, "history", history)
    cost: Any = table
    if isinstance(table, Mapping):
        if "loss" not in table:
            raise ValueError(
                f"history has the keys {', '.join(map(repr, table))}: it must have "
                "'loss', and may have 'val_loss'"
            )
        cost = table["loss"]
        validation = table.get("val_loss") if validation is None else validation
    if isinstance(validation, Mapping):
        validation = validation.get("val_loss", validation.get("loss"))
    held = None if validation is None else _costs("validation", validation)
    return Curve(_costs("history", cost), held)


def sized(values: Floats, count: int) -> Floats:
    """At most so many of them, every so many-th."""
    return values[:: max(1, -(-values.size // count))]


def flat(array: Array, most: int = MOST_SAMPLES) -> Floats:
    """The finite entries of an array, or every so many-th of its rows'."""
    rows = np.atleast_1d(array)
    step = max(1, math.ceil(array.size / most))
    if len(rows) >= step:
        rows = rows[::step]
    numbers = rows.astype(np.float64).ravel()
    return numbers[np.isfinite(numbers)]


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def index(place: Place) -> str:
    """An index, as one would type it."""
    return ", ".join(map(str, place)) if isinstance(place, tuple) else str(place)


def percent(share: float) -> str:
    """A share as text."""
    return f"{100 * share:.3g} %"
