"""Labels in another form than the loss takes: shapes, codings, values."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastloss.core.job import Array
from fastloss.core.kinds import (
    Bounded,
    PairedRowwise,
    Rowwise,
    SeveralHeads,
    SparseRowwise,
)
from fastloss.diagnosis.facts import (
    Decisions,
    Floats,
    Given,
    Numbers,
    counted,
    flat,
    ignored_class,
    index,
    percent,
)
from fastloss.diagnosis.rules import Said, rule

_ENOUGH = 20  # samples, of which chance makes all equal once in a million at 1/2
_SHOWN = 8  # classes in a message
# Beyond nine to one, whoever always says the same is right in 90 % of all cases, which
# is more than most models are on balanced data.
_MAJORITY = 0.9
# Percent and fractions, kilo and milli; a fit may shrink predictions by a fifth, and
# explain four fifths of the squares of the labels, at the least.
_UNITS = (100.0, 1000.0, 0.01, 0.001)
_NEAR = 0.2  # of the logarithm of the factor
_LEFT = 0.2  # of the squares of the labels


def _whole(values: Floats) -> bool:
    return bool(values.size) and bool(np.all(values == np.rint(values)))


def _kinds(array: Array | None) -> set[float]:
    """The different numbers of an array, if they are three at most; else none."""
    if array is None:
        return set()
    values = flat(array)
    kinds = set(values[:1000].tolist())
    if len(kinds) <= 3:
        kinds = set(np.unique(values).tolist())
    return kinds if len(kinds) <= 3 else set()


@rule(Given, "high", explains=("refused",))
def no_samples(given: Given) -> Said | None:
    """Arrays without a sample."""
    empty = [
        name
        for name, array in {**given.labels, **given.predictions}.items()
        if array.size == 0 and array.dtype != object
    ]
    if not empty:
        return None
    shapes = {**given.labels, **given.predictions}
    return Said(
        f"{empty[0]} has shape {shapes[empty[0]].shape}: there is nothing in it.",
        "Look at what selects the samples: a mask that is never true, the last batch "
        "of a generator, a file that was read to its end.",
        {"shape": shapes[empty[0]].shape, **given.refusal},
    )


@rule(Given, "high", explains=("refused", "loss_not_finite"))
def labels_not_finite(given: Given) -> Said | None:
    """NaN or infinite labels."""
    for name in given.labels:
        bad = given.not_finite(name)
        # An upper bound that is infinite is a time that nobody saw the end of.
        if bad is None or (isinstance(given.loss, Bounded) and not bad.nan):
            continue
        count = bad.nan + bad.plus + bad.minus
        return Said(
            f"{counted(count, 'entry', 'entries')} of {name} "
            f"{'is' if count == 1 else 'are'} NaN or infinite, the first is "
            f"{name}[{index(bad.first)}] = {bad.value}.",
            "Missing labels have to go: drop these samples, or give them "
            "sample_weight 0.",
            {"nan": bad.nan, "infinite": bad.plus + bad.minus, **given.refusal},
            (bad.first,),
        )
    return None


@rule(Given, "high", explains=("refused",))
def labels_are_names(given: Given) -> Said | None:
    """Labels that are text."""
    if getattr(given.loss, "classes", None) is not None:
        return None
    for name, array in given.labels.items():
        text = array.dtype.kind in "US" or (
            array.dtype.kind == "O"
            and array.size > 0
            and isinstance(array.ravel()[0], str | bytes)
        )
        if text:
            first = str(array.ravel()[0]) if array.size else ""
            return Said(
                f"{name} holds text, as {first!r}; losses take numbers.",
                (
                    "Pass classes=, the names in the order of their numbers, or number "
                    if hasattr(given.loss, "classes")
                    else "Number "
                )
                + f"them: np.unique({name}, return_inverse=True)[1].",
                {"dtype": str(array.dtype), **given.refusal},
            )
    return None


@rule(
    Given,
    "high",
    explains=("refused", "shapes_broadcast", "lengths_differ"),
)
def arguments_swapped(given: Given) -> Said | None:
    """Labels and predictions in each other's place."""
    y, p = given.y, given.p
    if y is None or p is None:
        return None
    if isinstance(given.loss, SparseRowwise):
        swapped = y.ndim == p.ndim + 1 and y.shape[:-1] == p.shape and y.shape[-1] > 1
    elif given.label_domain in ("unit", "sign", "bit") and y.shape == p.shape:
        kinds = _kinds(p)
        hard = bool(kinds) and kinds <= {-1.0, 0.0, 1.0} and p.size >= _ENOUGH
        swapped = hard and not _whole(flat(y))
    elif given.label_domain == "count" and y.shape == p.shape and p.size >= _ENOUGH:
        values = flat(p)
        swapped = _whole(values) and values.min() >= 0 and not _whole(flat(y))
        swapped = swapped and len(np.unique(values)) > 1
    else:
        return None
    if not swapped:
        return None
    return Said(
        f"y_pred (shape {p.shape}) looks like labels and y_true (shape {y.shape}) like "
        "predictions.",
        "The order is (y_true, y_pred), as in Keras and scikit-learn; PyTorch has the "
        "prediction first.",
        {"y_true_shape": y.shape, "y_pred_shape": p.shape, **given.refusal},
    )


@rule(Given, "high", explains=("refused", "lengths_differ", "class_absent"))
def labels_one_hot(given: Given) -> Said | None:
    """One-hot labels where the loss takes the number of the class."""
    y, p = given.y, given.p
    if y is None or p is None or not isinstance(given.loss, SparseRowwise):
        return None
    if y.shape != p.shape or not _kinds(y) <= {0.0, 1.0} or not _kinds(y):
        return None
    return Said(
        f"y_true has shape {y.shape} and holds 0 and 1: one-hot rows, while "
        f"{given.loss.name} takes one number of a class for each row.",
        "Use y_true.argmax(axis=-1), or a loss of one-hot labels, as "
        "categorical_crossentropy.",
        {"y_true_shape": y.shape, "y_pred_shape": p.shape, **given.refusal},
    )


@rule(Given, "high", explains=("refused", "lengths_differ", "shapes_broadcast"))
def labels_are_classes(given: Given) -> Said | None:
    """Numbers of classes where the loss takes a label for each class."""
    y, p = given.y, given.p
    if y is None or p is None or p.ndim < 2 or p.shape[-1] < 2:
        return None
    paired = isinstance(given.loss, PairedRowwise) or given.label_domain == "unit"
    if not paired or y.shape not in (p.shape[:-1], (*p.shape[:-1], 1)):
        return None
    if not _whole(flat(y)):
        return None
    other = "sparse_categorical_crossentropy"
    return Said(
        f"y_true has shape {y.shape}, one number for each row, while "
        f"{given.loss.name} takes a label for each of {p.shape[-1]} classes.",
        f"Use {other}, or one-hot rows: np.eye({p.shape[-1]})[y_true].",
        {"y_true_shape": y.shape, "y_pred_shape": p.shape, **given.refusal},
    )


@rule(Given, "high", explains=("refused", "lengths_differ"))
def shapes_broadcast(given: Given) -> Said | None:
    """Shapes (n, 1) and (n,), of which NumPy makes (n, n)."""
    y, p = given.y, given.p
    if y is None or p is None or y.shape == p.shape:
        return None
    if isinstance(given.loss, Rowwise):
        column = y.shape == (*p.shape[:-1], 1) and isinstance(given.loss, SparseRowwise)
        if not column:
            return None
        return Said(
            f"y_true has shape {y.shape}: a column, while the rows of y_pred want one "
            f"number each, shape {p.shape[:-1]}.",
            "Use y_true[..., 0].",
            {"y_true_shape": y.shape, "y_pred_shape": p.shape, **given.refusal},
        )
    if y.shape == (*p.shape, 1):
        longer = "y_true"
    elif p.shape == (*y.shape, 1):
        longer = "y_pred"
    else:
        return None
    n = p.size
    return Said(
        f"y_true has shape {y.shape}, y_pred {p.shape}. NumPy makes {y.shape} and "
        f"{p.shape} to {np.broadcast_shapes(y.shape, p.shape)}: y_true - y_pred would "
        f"compare every label with every prediction, {n:,} times too many.",
        f"Use {longer}[..., 0], and look where else in the program the two meet.",
        {
            "y_true_shape": y.shape,
            "y_pred_shape": p.shape,
            "broadcast_shape": np.broadcast_shapes(y.shape, p.shape),
            **given.refusal,
        },
    )


@rule(Given, "high", explains=("refused",))
def lengths_differ(given: Given) -> Said | None:
    """Labels and predictions of unequal numbers of samples."""
    y, p = given.y, given.p
    if (
        y is None
        or p is None
        or not given.error
        or given.predictions.keys() - {"y_pred"}
    ):
        return None
    if y.ndim == 2 and y.shape == p.shape[::-1] and y.shape != p.shape:
        return Said(
            f"y_true has shape {y.shape}, y_pred {p.shape}: one of them is transposed.",
            "Samples lie along the first axis: transpose the other one, .T.",
            {"y_true_shape": y.shape, "y_pred_shape": p.shape, **given.refusal},
        )
    if len(np.atleast_1d(y)) == len(np.atleast_1d(p)):
        return None
    return Said(
        f"y_true has {len(np.atleast_1d(y)):,} samples, y_pred "
        f"{len(np.atleast_1d(p)):,}: shapes {y.shape} and {p.shape}.",
        "Look where the two part: another split, a batch that was dropped, a shuffle "
        "of one of them.",
        {"y_true_shape": y.shape, "y_pred_shape": p.shape, **given.refusal},
    )


@rule(Given, "high")
def rows_repeat(given: Given) -> Said | None:
    """A square of predictions of which all rows, or all columns, are equal."""
    p = given.p
    if p is None or isinstance(given.loss, Rowwise) or p.ndim != 2:
        return None
    n = len(p)
    if n < _ENOUGH or p.shape != (n, n):
        return None
    rows, columns = bool((p == p[:1]).all()), bool((p == p[:, :1]).all())
    if rows == columns:
        return None
    return Said(
        f"y_pred has shape {p.shape} and all its {'rows' if rows else 'columns'} are "
        "equal: an array of shape (n, 1) met one of shape (n,) where it was made.",
        "Give every array of the model one shape: w.ravel(), x @ w of 1-D w, or "
        "y.reshape(-1, 1) everywhere.",
        {"shape": p.shape},
    )


@rule(Given, "high", explains=("refused", "labels_constant", "one_class_predicted"))
def labels_zero_one(given: Given) -> Said | None:
    """Labels 0/1 where the loss takes -1/+1."""
    if given.label_domain != "sign":
        return None
    kinds = _kinds(given.y)
    if 0.0 not in kinds or not kinds <= {0.0, 1.0}:
        return None
    assert given.y is not None
    if given.y.dtype.kind == "b":
        return None
    zeros = float(np.mean(flat(given.y) == 0))
    return Said(
        f"y_true holds 0 and 1 ({percent(zeros)} are 0), while {given.loss.name} takes "
        "-1 and +1. In a formula as max(0, 1 - y*p) a label 0 takes its sample out: "
        "its loss is 1 and its gradient 0, whatever is predicted.",
        "Use 2*y_true - 1, or booleans.",
        {"zeros": zeros, **given.refusal},
    )


@rule(Given, "high", explains=("refused",))
def labels_minus_one(given: Given) -> Said | None:
    """Labels -1/+1 where the loss takes 0/1."""
    if given.label_domain not in ("unit", "bit"):
        return None
    kinds = _kinds(given.y)
    if -1.0 not in kinds or not kinds <= {-1.0, 1.0}:
        return None
    assert given.y is not None
    share = float(np.mean(flat(given.y) == -1))
    return Said(
        f"y_true holds -1 and +1 ({percent(share)} are -1), while {given.loss.name} "
        "takes 0 and 1.",
        "Use (y_true + 1) / 2, or y_true > 0.",
        {"negatives": share, **given.refusal},
    )


@rule(Given, "high", explains=("refused", "class_absent"))
def labels_from_one(given: Given) -> Said | None:
    """Classes that are counted from 1 on."""
    y, p = given.y, given.p
    if y is None or p is None or not isinstance(given.loss, SparseRowwise):
        return None
    values = flat(y)
    values = values[values != ignored_class(given.loss)]
    if p.ndim < 1 or not values.size or y.shape != p.shape[:-1]:
        return None
    classes = p.shape[-1]
    if values.min() < 1 or values.max() != classes:
        return None
    return Said(
        f"The classes go from {values.min():g} to {values.max():g} and y_pred has "
        f"{classes} columns: they are counted from 1, and column 0 would never be the "
        "right one.",
        "Use y_true - 1.",
        {"least": values.min(), "most": values.max(), "classes": classes}
        | given.refusal,
    )


@rule(Given, "high", explains=("refused",))
def labels_in_percent(given: Given) -> Said | None:
    """Labels from 0 to 100 where the loss takes 0 to 1."""
    if given.label_domain != "unit" or given.y is None:
        return None
    values = flat(given.y)
    if not values.size or values.min() < 0 or not 1 < values.max() <= 100:
        return None
    if values.max() < 10 and _whole(values):  # rather classes
        return Said(
            f"y_true holds whole numbers up to {values.max():g}, while "
            f"{given.loss.name} takes labels in [0, 1].",
            "For more than two classes use sparse_categorical_crossentropy with a "
            "column of y_pred for each; for 1 and 2 use y_true - 1.",
            {"most": values.max(), **given.refusal},
        )
    return Said(
        f"y_true goes from {values.min():g} to {values.max():g}, while "
        f"{given.loss.name} takes shares in [0, 1]: these are percent, or grey values.",
        "Divide by 100 (of images: by 255).",
        {"least": values.min(), "most": values.max(), **given.refusal},
    )


@rule(Given, "high", explains=("refused",))
def scale_negative(given: Given) -> Said | None:
    """A standard deviation, variance or count that is predicted below 0."""
    domains = given.loss._row.predictions
    if not isinstance(given.loss, SeveralHeads) or len(domains) < 2:
        return None
    for (name, array), domain in zip(given.predictions.items(), domains, strict=False):
        if domain != "nonnegative" or array.dtype.kind not in "fi" or not array.size:
            continue
        share = float(np.mean(flat(array) < 0))
        if share:
            return Said(
                f"{percent(share)} of {name} is below 0, where only numbers of at "
                "least 0 have a meaning.",
                "Pass np.logaddexp(0, output) (softplus) or np.exp(output) of what the "
                "model gives, or log_variance=True where the loss has it.",
                {"share": share, **given.refusal},
            )
    return None


@rule(Given, "high", explains=("worse_than_constant", "one_class_predicted"))
def labels_constant(given: Given) -> Said | None:
    """Labels that are all the same."""
    y = given.y
    if y is None or y.size < _ENOUGH or isinstance(given.loss, PairedRowwise):
        return None
    values = flat(y)
    if values.size < _ENOUGH or values.min() != values.max():
        return None
    return Said(
        f"All {y.size:,} labels are {values[0]:g}: a constant is right everywhere, and "
        "there is nothing to learn.",
        "Look at how labels are read and split: sorted data cut without a shuffle, a "
        "comparison that is never true, the wrong column.",
        {"label": values[0], "count": int(y.size)},
    )


@rule(Decisions, "medium")
def class_absent(decisions: Decisions) -> Said | None:
    """Classes of the predictions that no label has."""
    counts = np.bincount(decisions.true, minlength=decisions.classes)
    absent = np.flatnonzero(counts == 0)
    # Of a rare class there may be none: with ten samples a class, a class of the
    # average share is missing once in 22 000.
    enough = decisions.true.size >= 10 * decisions.classes
    if not absent.size or not enough or absent.size == decisions.classes - 1:
        return None
    names = ", ".join(str(decisions.names[c]) for c in absent[:_SHOWN])
    first = absent.tolist() == [0]
    return Said(
        f"{counted(int(absent.size), 'class', 'classes')} of "
        f"{decisions.classes} never "
        f"{'occurs' if absent.size == 1 else 'occur'} among {decisions.true.size:,} "
        f"labels: {names}" + (", ..." if absent.size > _SHOWN else "") + ".",
        (
            "If the classes were counted from 1, use y_true - 1 and one column less."
            if first
            else "If these classes exist, shuffle before splitting, or draw the split "
            "by class; if not, leave their columns out."
        ),
        {"absent": absent.tolist(), "classes": decisions.classes},
    )


@rule(Decisions, "low")
def imbalance(decisions: Decisions) -> Said | None:
    """One class that has most of the labels."""
    share, name = _majority(decisions)
    if share < _MAJORITY or share == 1 or decisions.true.size < _ENOUGH:
        return None
    right = float(np.mean(decisions.true == decisions.predicted))
    option = "class_weight="
    if hasattr(decisions.ran.given.loss, "pos_weight"):
        option = "pos_weight="
    elif not hasattr(decisions.ran.given.loss, "class_weight"):
        option = "sample_weight="
    return Said(
        f"{percent(share)} of the labels are {name}: who always says so is right as "
        f"often. These predictions are right in {percent(right)}.",
        "Judge by the recall of each class, or by average precision; where the rare "
        f"class matters more, weigh it: {option}.",
        {"majority": share, "accuracy": right},
    )


def _majority(decisions: Decisions) -> tuple[float, Any]:
    if not decisions.true.size:
        return 0.0, 0
    counts = np.bincount(decisions.true, minlength=decisions.classes)
    largest = int(counts.argmax())
    return float(counts[largest] / decisions.true.size), decisions.names[largest]


@rule(Decisions, "medium", explains=("imbalance",))
def one_class_predicted(decisions: Decisions) -> Said | None:
    """An accuracy that is the share of the class that is always predicted."""
    predicted = decisions.predicted
    if predicted.size < _ENOUGH or predicted.min() != predicted.max():
        return None
    if decisions.true.min() == decisions.true.max():
        return None
    right = float(np.mean(decisions.true == predicted))
    name = decisions.names[int(predicted[0])]
    return Said(
        f"All {predicted.size:,} predictions say {name}; the accuracy of "
        f"{percent(right)} is the share of that label and nothing more.",
        "If training has only begun, go on. Otherwise scale the inputs to a standard "
        "deviation of 1, weigh the rare classes, and move the threshold.",
        {"accuracy": right, "predicted": name},
    )


@rule(Numbers, "high", explains=("worse_than_constant",))
def labels_in_other_unit(numbers: Numbers) -> Said | None:
    """Labels that are predictions times 100 or 1000, or the reverse."""
    y, p = numbers.y, numbers.p
    linear = numbers.ran.given.prediction_domain == "real"
    family = numbers.ran.given.loss._row.family
    if y.size < _ENOUGH or not linear or family not in ("regression", "robust"):
        return None
    norm = float(p @ p)
    if not 0 < norm < np.inf or not y @ y > 0:
        return None
    factor = float(y @ p) / norm
    # Of what the factor leaves over: a chance agreement is not this close.
    rest = float(np.sum((y - factor * p) ** 2) / np.sum(y * y))
    for unit in _UNITS:
        if rest < _LEFT and abs(np.log(abs(factor) / unit)) < _NEAR:
            larger, smaller = ("labels", "predictions")
            times = unit
            if unit < 1:
                larger, smaller, times = smaller, larger, 1 / unit
            return Said(
                f"The {larger} are {times:g} times the {smaller} (the best factor is "
                f"{factor:.4g}, which leaves {percent(rest)} of the squares): two "
                "units, as percent and fractions.",
                f"Divide the {larger} by {times:g}.",
                {"factor": factor, "unit": unit, "left": rest},
            )
    return None
