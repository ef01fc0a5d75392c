"""What each kind of losses is drawn over: one number of a small worked example.

Nothing here knows a loss: domains say which labels and predictions make sense, kinds
what a call is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fastloss.core import checks, kinds
from fastloss.core.job import Array
from fastloss.core.loss import Loss

__all__ = ["OUTPUTS", "Curve", "Panel", "kind_of", "measure", "outputs_of", "panels"]

OUTPUTS = ("value", "grad", "hess")

_POINTS = 241
#: Kinds whose samples know of each other.
_TOGETHER = (kinds.Grouped, kinds.Sequence, kinds.Batch, kinds.TwoBatches)
_MOST = 8  # curves of a panel


@dataclass(frozen=True)
class Curve:
    """A call, one number of whose predictions is the horizontal axis.

    Attributes
    ----------
    label : str
        What it is called in a legend.
    labels : tuple
        The arguments before the predictions.
    predictions : tuple of numpy.ndarray
        What derivatives are by.
    place : tuple of int
        Of the number that moves: which prediction, and its index there.
    together : bool
        Whether the predictions are one argument, a tuple.
    keywords : dict
        Further arguments.
    """

    label: str
    labels: tuple[Any, ...]
    predictions: tuple[Array, ...]
    place: tuple[int, ...]
    together: bool = False
    keywords: dict[str, Any] = field(default_factory=dict)

    def arguments(self, x: float | Array, times: int = 1) -> tuple[Any, ...]:
        """Of the call in which the number is x: the first axis so many times as long.

        If that axis is samples, x is one number for each.
        """
        head, *index = self.place
        moved = [np.repeat(array, times, axis=0) for array in self.predictions]
        moved[head][_all(index, times)] = x
        labels = [_repeated(label, times) for label in self.labels]
        return (*labels, tuple(moved)) if self.together else (*labels, *moved)

    def derivative(self, given: Any, times: int = 1) -> Any:
        """By that number, of the derivatives of a call."""
        head, *index = self.place
        by = given[head] if isinstance(given, tuple) else given
        return by[_all(index, times)]


def _all(index: list[int], times: int) -> tuple[Any, ...]:
    """The index in all samples."""
    return tuple(index) if times == 1 else (slice(None), *index[1:])


def _repeated(label: Any, times: int) -> Any:
    if isinstance(label, tuple):
        return tuple(_repeated(part, times) for part in label)
    return label if times == 1 else np.repeat(label, times, axis=0)


class Panel(NamedTuple):
    """Curves over one axis."""

    axis: str
    x: Array
    curves: list[Curve]


def outputs_of(loss: Loss) -> tuple[str, ...]:
    """What the loss has of value, gradient and Hessian."""
    has = hasattr(loss, "grad_and_hess") and not loss._is_one_number()
    return OUTPUTS if has else OUTPUTS[:2]


def measure(loss: Loss, curve: Curve, x: Array, output: str) -> Array:
    """Value, gradient or Hessian, summed over samples, by the number at each x."""
    several = _has_one_sample(loss, curve)
    inputs = getattr(loss, "_given", {})  # of a custom loss
    calls = [(x, x.size)] if several else [(number, 1) for number in x.tolist()]
    if not loss._is_one_number():
        reduction = "none" if several and output == "value" else "sum"
        loss = loss._changed({"reduction": reduction})
    found = []
    for number, times in calls:
        arguments = curve.arguments(number, times)
        keywords = dict(curve.keywords)
        for name, given in inputs.items():
            keywords[name] = np.full(times, _one(name, given))
        if output == "value":
            found.append(loss(*arguments, **keywords))
        elif output == "grad":
            found.append(curve.derivative(loss.grad(*arguments, **keywords), times))
        else:
            hess = loss.grad_and_hess(*arguments, **keywords)[1]
            found.append(curve.derivative(hess, times))
    return np.ravel(np.array(found, dtype=np.float64))


def _has_one_sample(loss: Loss, curve: Curve) -> bool:
    """Whether the call is one of a sample, so that one call can have many."""
    compiler = loss._compiler
    if compiler is not None and (not compiler.traced or loss._is_one_number()):
        return False  # its samples may know of each other
    apart = not isinstance(loss, _TOGETHER)
    return apart and loss._samples(curve.predictions[0].shape) == (1,)


# What stands for a domain: labels, where predictions range, and one that stays.


class _Domain(NamedTuple):
    labels: tuple[float, ...]
    low: float
    high: float
    stays: float


_REAL = _Domain((0.5, 1.0, 2.0), -4.0, 4.0, 0.0)
_UNIT = _Domain((0.0, 1.0), 0.01, 0.99, 0.3)
_AMOUNT = _Domain((0.0, 1.0, 3.0), 0.05, 6.0, 1.0)
_DOMAINS = {
    "real": _REAL,
    "sign": _REAL._replace(labels=(-1.0, 1.0)),
    "unit": _UNIT,
    "probability": _UNIT,
    "bit": _UNIT,
    "count": _AMOUNT,
    "nonnegative": _AMOUNT,
    "positive": _AMOUNT._replace(labels=(0.5, 1.0, 3.0)),
    "mean": _AMOUNT,
    "log1p": _AMOUNT._replace(low=-0.9),
}

#: What a prediction is, by the domains of labels and predictions.
_MEANINGS = {
    ("unit", "real"): "logit",
    ("unit", "probability"): "probability",
    ("class", "probability"): "probability",
    ("count", "real"): "logarithm of the mean",
    ("positive", "real"): "logarithm of the mean",
    ("count", "mean"): "mean",
    ("positive", "mean"): "mean",
}

_Panels: TypeAlias = list[Panel]


def _axis(loss: Loss, name: str) -> str:
    row = loss._row
    meaning = _MEANINGS.get((row.labels[0], row.predictions[0])) if row.labels else None
    return f"{name} ({meaning})" if meaning else name


def _range(domain: str) -> Array:
    low, high = _DOMAINS[domain].low, _DOMAINS[domain].high
    return np.linspace(low, high, _POINTS)


def _text(numbers: Any) -> str:
    """A number, or several, for a legend."""
    if np.ndim(numbers):
        return f"({', '.join(map(_text, numbers))})"
    return f"{float(numbers):g}"


def _named(name: str, numbers: Any) -> str:
    return f"{name} = {_text(numbers)}"


def _array(*numbers: Any) -> Array:
    return np.array(numbers, dtype=np.float64)


# Each kind: its labels, and its predictions with the place of the number that moves.


def _elements(loss: Loss, labels: Any, x: Any) -> _Panels:
    """A curve a label; one over the residual if only that counts."""
    row = loss._row
    over = _range(row.predictions[0]) if x is None else _numbers("y_pred", x)
    if labels is None and _is_of_the_residual(loss):
        curve = replace(_element(0.0), label="")
        return [Panel("y_pred - y_true", over, [curve])]
    if labels is not None:
        numbers = _different("y_true", np.ravel(labels))
    elif loss._compiler is not None:  # a custom loss: of what, nobody said
        numbers = list(_UNIT.labels)
    else:
        numbers = list(_DOMAINS[row.labels[0]].labels)
    if x is None and row.predictions == row.labels:  # that are near to the labels
        low, high = float(over[0]), float(over[-1])
        over = np.linspace(low, max(high, 2 * max(numbers)), _POINTS)
        if low == -high:
            over = np.linspace(min(numbers) + low, max(numbers) + high, _POINTS)
    curves = [_element(number) for number in numbers]
    return [Panel(_axis(loss, "y_pred"), over, curves)]


def _element(label: float) -> Curve:
    return Curve(_named("y_true", label), (_array(label),), (_array(0),), (0, 0))


def _is_of_the_residual(loss: Loss) -> bool:
    if (loss._row.labels, loss._row.predictions) != (("real",), ("real",)):
        return False
    r = _array(-3, -1, -0.25, 0.25, 1, 3)
    near, far = (
        measure(loss, _element(label), label + r, "value") for label in (0.0, 4.0)
    )
    return bool(np.allclose(near, far, rtol=1e-6))


def _rows(loss: Loss, labels: Any, y_pred: Any) -> _Panels:
    """A curve a label; the prediction for class 0 moves."""
    row = loss._row
    if y_pred is None:
        others = (0.5, -0.5) if row.predictions == ("real",) else (0.3, 0.2)
        classes = _classes_that_weigh(loss)
        base = np.resize(_array(*others), max(classes, 3))
    else:
        base = _array(*np.ravel(y_pred))
    if row.labels == ("class",):
        given = _different("y_true", [0, 1] if labels is None else np.ravel(labels))
        named = [(f"class {int(c)}", np.array([int(c)])) for c in given]
    else:
        if labels is None:
            labels = np.eye(base.size)[:2]
            if row.labels == ("real",):
                labels = [np.linspace(1, -1, base.size), np.linspace(-1, 1, base.size)]
        rows = _few("y_true", np.atleast_2d(np.asarray(labels, dtype=np.float64)))
        named = [(_named("y_true", one), one[np.newaxis]) for one in rows]
    curves = [
        Curve(label, (array,), (base[np.newaxis],), (0, 0, 0)) for label, array in named
    ]
    axis = _axis(loss, "y_pred[0]")
    if base.size <= 5:
        axis += f", others {_text(base[1:])}"
    return [Panel(axis, _range(row.predictions[0]), curves)]


def _classes_that_weigh(loss: Loss) -> int:
    weights: Any = getattr(loss, "class_weight", None) or ()
    if weights and isinstance(weights[0], tuple):
        return 1 + max(int(c) for c, _ in weights)
    return len(weights) or 3


def _heads(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """A panel for each number that is predicted, the others stay."""
    row = loss._row
    names = loss._several() or loss.heads
    domains = (
        row.predictions if loss._compiler is None else row.predictions * len(names)
    )
    stay = [_DOMAINS[domain].stays for domain in domains]
    if y_pred is not None:
        given = checks.items("y_pred", y_pred, len(stay))
        stay = [_one(name, a) for name, a in zip(names, given, strict=True)]
    numbers = _different(
        "y_true", _DOMAINS[row.labels[0]].labels if labels is None else np.ravel(labels)
    )
    panels = []
    for head, name in enumerate(names):
        curves = [
            Curve(
                _named("y_true", number),
                (_array(number),),
                tuple(map(_array, stay)),
                (head, 0),
                together=True,
            )
            for number in numbers
        ]
        others = [
            _named(other, value)
            for other, value in zip(names, stay, strict=True)
            if other != name
        ]
        axis = f"{name} ({', '.join(others)})"
        panels.append(Panel(axis, _range(domains[head]), curves))
    return panels


def _bounds(loss: Any, labels: Any, x: Any) -> _Panels:
    """A curve for a label that is known, and for each way of not knowing it."""
    if labels is None:
        labels = ([1, 1, 0, 1], [1, np.inf, 1, 3])
    lower, upper = map(np.ravel, checks.items("y_true", labels, 2))
    both = _few("y_true", np.stack(np.broadcast_arrays(lower, upper), axis=-1))
    curves = [
        Curve(
            _named("y_true", pair),
            ((_array(pair[0]), _array(pair[1])),),
            (_array(0),),
            (0, 0),
        )
        for pair in both
    ]
    over = _range(loss._row.predictions[0]) if x is None else _numbers("y_pred", x)
    return [Panel("y_pred", over, curves)]


def _pairs(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """A curve a label; the second row moves."""
    numbers = _different(
        "y_true", _DOMAINS[loss._row.labels[0]].labels if labels is None else labels
    )
    return _in_the_plane(
        loss,
        [(_named("y_true", number), (_array(number),), []) for number in numbers],
        y_pred,
        together=True,
    )


def _tuples(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """A curve for each distance of the second row from the first; the last moves."""
    first, second = loss.heads[:2]
    return _in_the_plane(
        loss,
        [
            (f"{second} at {_text(distance)} from {first}", (), [distance])
            for distance in (0.5, 1.0, 2.0)
        ],
        y_pred,
    )


def _in_the_plane(
    loss: Any,
    cases: list[tuple[str, tuple[Any, ...], list[float]]],
    y_pred: Any,
    together: bool = False,
) -> _Panels:
    """Rows of two numbers, of which the last moves away from the first.

    Where only directions count nothing happens then: it turns instead.
    """
    first, last = loss.heads[0], loss.heads[-1]
    if y_pred is not None:
        rows = tuple(
            np.array(row, dtype=np.float64).reshape(1, -1)
            for row in checks.items("y_pred", y_pred, len(loss.heads))
        )
        curves = [
            Curve(label, labels, rows, (len(rows) - 1, 0, 0), together)
            for label, labels, _ in cases
        ]
        around = float(rows[-1][0, 0])
        x = np.linspace(around - 4, around + 4, _POINTS)
        return [Panel(f"{last}[0]", x, curves if together else [curves[0]])]
    apart = _panel_in_the_plane(
        loss,
        cases,
        f"distance of {last} from {first}",
        np.linspace(0.01, 4, _POINTS),
        ((0.0, 0.0), 0.0),
        together,
    )
    ends = apart.x[:: _POINTS // 4]
    if any(np.ptp(measure(loss, curve, ends, "value")) for curve in apart.curves):
        return [apart]
    turned = _panel_in_the_plane(
        loss,
        cases,
        f"{first} · {last}",
        np.linspace(-2, 2, _POINTS),
        ((1.0, 0.0), 0.5),
        together,
    )
    return [turned]


def _panel_in_the_plane(
    loss: Any,
    cases: list[tuple[str, tuple[Any, ...], list[float]]],
    axis: str,
    x: Array,
    start: tuple[tuple[float, float], float],
    together: bool,
) -> Panel:
    """The first row is a point; others have their second number, and any first one."""
    first, aside = start
    curves = [
        Curve(
            label,
            labels,
            (
                _array(first),
                *(_array([first[0] + distance, aside]) for distance in between),
                _array([0, aside]),
            ),
            (len(loss.heads) - 1, 0, 0),
            together,
        )
        for label, labels, between in cases
    ]
    return Panel(axis, x, curves)


def _batch(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """Row 1 nears row 0, which is of the same class or of another one."""
    if y_pred is not None:
        return _of_one(loss, (labels,), (y_pred,), ("y_pred",))
    rows = _array([1, 0], [0, 0.5], [0, 1], [-1, 0.5])
    curves = [
        Curve(label, (np.array(classes),), (rows,), (0, 1, 0))
        for label, classes in (
            ("of one class", [0, 0, 1, 1]),
            ("of two classes", [0, 1, 0, 1]),
        )
    ]
    return [Panel("row 0 · row 1", np.linspace(-2, 2, _POINTS), curves)]


def _two_batches(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """A row of the second array nears row 0 of the first, its partner or not."""
    first, second = loss.heads
    if y_pred is not None:
        return _of_one(loss, (), checks.items("y_pred", y_pred, 2), loss.heads)
    rows = _array([1, 0], [0, 1], [-1, 0.5])
    others = _array([0, 0.5], [0, 1], [0, 0.5])
    curves = [
        Curve(f"row {row} of {second}, {what}", (), (rows, others), (1, row, 0))
        for row, what in ((0, "its partner"), (2, "another one"))
    ]
    axis = f"row 0 of {first} · row of {second}"
    return [Panel(axis, np.linspace(-2, 2, _POINTS), curves)]


def _group(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """The score of the entry that matters most moves, or of one that does not."""
    if y_pred is not None:
        size = {"groups": [np.size(y_pred)]}
        return _of_one(loss, (labels,), (y_pred,), ("y_pred",), keywords=size)
    relevance = _array(3, 0, 1, 2)
    scores = _array(0, 0, 0.5, 1)
    curves = [
        Curve(
            _named("y_true", relevance[entry]),
            (relevance,),
            (scores,),
            (0, entry),
            keywords={"groups": [4]},
        )
        for entry in (0, 1)
    ]
    axis = "score, others of the group (0, 0.5, 1)"
    return [Panel(axis, _range("real"), curves)]


#: Labels of five entries of a sequence.
_SEQUENCES = {"ordered": _array(1, 2, 3, 4, 5), "event": _array(1, 0, 1, 1, 0)}


def _sequence(loss: Any, labels: Any, x: Any) -> _Panels:
    """The prediction for one entry of five moves, the others are 0."""
    if x is not None:
        given = checks.items("y_true", labels, len(loss.label_names))
        return _of_one(loss, (tuple(given),), (x,), ("y_pred",))
    arrays = tuple(_SEQUENCES[domain] for domain in loss._row.labels)
    curves = [
        Curve(
            ", ".join(
                _named(name, array[entry])
                for name, array in zip(loss.label_names, arrays, strict=True)
            ),
            (arrays,),
            (np.zeros(5),),
            (0, entry),
        )
        for entry in (0, 2, 4)
    ]
    return [Panel("y_pred of one of 5, others 0", _range("real"), curves)]


def _box(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """The first number of a box moves, beside the label or above it."""
    if y_pred is not None:
        return _of_one(loss, (labels,), (y_pred,), ("y_pred",))
    label = _array([0, 0, 2, 2])
    curves = [
        Curve(_named("others", box[1:]), (label,), (_array(box),), (0, 0, 0))
        for box in ([0, 0, 2, 2], [0, 1, 2, 3], [0, 3, 2, 5])
    ]
    axis = f"y_pred[0] of {loss.format}, y_true = (0, 0, 2, 2)"
    return [Panel(axis, np.linspace(-3, 1.9, _POINTS), curves)]


def _steps(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """The logit of the second of three intervals moves."""
    if y_pred is not None:
        return _of_one(loss, (labels,), (y_pred,), ("y_pred",))
    told = {"event": (1, 1), "no event": (1, 0), "event later": (2, 1)}
    logits = (np.zeros((1, 3)),)
    curves = [
        Curve(name, ((_array(k), _array(d)),), logits, (0, 0, 1))
        for name, (k, d) in told.items()
    ]
    return [Panel("y_pred of the second of 3 intervals", _range("real"), curves)]


def _region(loss: Any, labels: Any, y_pred: Any) -> _Panels:
    """One entry of a mask moves: inside or outside of the label."""
    if y_pred is not None:
        return _of_one(loss, (labels,), (y_pred,), ("y_pred",))
    # Two channels of four entries; four axes, as a loss may name any of these.
    label = _array(1, 1, 0, 0, 0, 0, 1, 1).reshape(1, 2, 2, 2)
    mask = _array(0.5, 0.8, 0.5, 0.1, 0.3, 0.2, 0.7, 0.9).reshape(1, 2, 2, 2)
    regions = loss._axes(mask.ndim)[0]
    classes = loss._row.labels == ("class",) and bool(regions)
    # channels are classes
    labels = (1 - label[:, 0]).astype(np.int64) if classes else label
    curves = [
        Curve(_named("y_true", label[0, 0, i, 0]), (labels,), (mask,), (0, 0, 0, i, 0))
        for i in (0, 1)
    ]
    over = _range(loss._row.predictions[0])
    return [Panel("y_pred of one of 8 entries", over, curves)]


def _of_one(
    loss: Any,
    labels: tuple[Any, ...],
    predictions: tuple[Any, ...],
    names: tuple[str, ...],
    keywords: dict[str, Any] | None = None,
) -> _Panels:
    """A call with what was given; the first number of each prediction moves."""
    arrays = tuple(np.array(array, dtype=np.float64) for array in predictions)
    loss(*labels, *arrays, **(keywords or {}))  # which checks them
    panels = []
    for head, (name, array) in enumerate(zip(names, arrays, strict=True)):
        index = (0,) * array.ndim
        curve = Curve("", labels, arrays, (head, *index), keywords=keywords or {})
        around = float(array[index])
        x = np.linspace(around - 4, around + 4, _POINTS)
        if loss._row.predictions[head] in ("unit", "probability"):
            x = _range("unit")
        panels.append(Panel(f"{name}[{', '.join(map(str, index))}]", x, [curve]))
    return panels


_KINDS: dict[type[Loss], Callable[[Any, Any, Any], _Panels]] = {
    kinds.Elementwise: _elements,
    kinds.Rowwise: _rows,
    kinds.SeveralHeads: _heads,
    kinds.Bounded: _bounds,
    kinds.LabelledPairs: _pairs,
    kinds.Pairwise: _tuples,
    kinds.Batch: _batch,
    kinds.TwoBatches: _two_batches,
    kinds.Grouped: _group,
    kinds.Sequence: _sequence,
    kinds.Boxwise: _box,
    kinds.Regions: _region,
    kinds.Stepwise: _steps,
    Loss: _elements,  # custom ones
}


def panels(loss: Loss, y_true: Any = None, y_pred: Any = None) -> list[Panel]:
    """What a loss is drawn over, for these labels and predictions if they are given."""
    return kind_of(loss)(loss, y_true, y_pred)


def kind_of(loss: Loss) -> Callable[[Any, Any, Any], list[Panel]]:
    """What draws losses of its kind: equal for two that can be compared."""
    if loss._several():
        return _heads
    return next(_KINDS[cls] for cls in type(loss).__mro__ if cls in _KINDS)


# What was given.


def _numbers(name: str, given: Any) -> Array:
    """Where curves are drawn: numbers in ascending order."""
    found = np.unique(np.asarray(given, dtype=np.float64))
    if found.size < 2 or not np.isfinite(found).all():
        raise ValueError(
            f"{name} has {found.size} different finite numbers: the horizontal axis "
            "needs at least two, as np.linspace(-3, 3, 300)"
        )
    return found


def _different(name: str, given: Any) -> list[float]:
    found: list[float] = _few(
        name, np.unique(np.asarray(given, dtype=np.float64))
    ).tolist()
    return found


def _few(name: str, rows: Array) -> Any:
    if not 0 < len(rows) <= _MOST:
        raise ValueError(
            f"{name} has {len(rows)} different labels: 1 to {_MOST} are drawn, a curve "
            "each; for the predictions of a model see fastloss.plot.residuals"
        )
    return rows


def _one(name: str, given: Any) -> float:
    if np.size(given) != 1:
        raise ValueError(
            f"{name} has shape {np.shape(given)}: one number is expected, which stays "
            "while y_pred moves"
        )
    return float(np.ravel(given)[0])
