"""Predictions that say nothing, and a loss that a constant would have."""

from __future__ import annotations

import numpy as np

from fastloss.core.job import Array
from fastloss.core.kinds import PairedRowwise, Rowwise
from fastloss.diagnosis.facts import (
    Decisions,
    Floats,
    Numbers,
    Ran,
    counted,
    ignored_class,
    percent,
    sized,
)
from fastloss.diagnosis.rules import Said, rule

_ENOUGH = 20  # samples
_MANY = 100  # samples, whose correlation is 0 within 0.1 by chance
_LOOKED_AT = 50_000  # samples for a rank correlation or a constant
_SHOWN = 8  # columns in a message
_VARIES = 1e-6  # of the size: below that float32 holds no difference
# A standard normal number exceeds 4 once in 30 000: beyond, it is no chance.
_SIGMAS = 4.0
_CHANCE = 2.0  # standard deviations, within which there may be no relation at all
_OPPOSED = -0.3
_PERMUTED = 0.8  # of the samples are right in another order of the classes
_MOST_CLASSES = 1000  # whose pairs are counted
_WORSE = 0.02  # of the loss of the constant
_SURE = 3.0  # standard errors
_LEAST_SHARE = 1e-7  # of a class in a constant row, of which there is a logarithm

_MISALIGNED = (
    "Look whether labels and predictions are in one order (a shuffle of one of them, a "
    "sort, a shift by one); if so, whether the inputs say anything about the labels."
)


@rule(
    Ran,
    "high",
    explains=(
        "predictions_independent",
        "one_class_predicted",
        "constant_column",
        "worse_than_constant",
    ),
)
def predictions_constant(ran: Ran) -> Said | None:
    """Predictions that are the same for all samples."""
    p = ran.arrays.predictions[0]
    if p.ndim == 0 or len(p) < _ENOUGH:
        return None
    rows = p.reshape(len(p), -1)
    step = max(1, rows.size // 1_000_000)
    spread = np.ptp(rows[::step], axis=0)
    size = np.abs(rows[::step]).max(axis=0)
    if not np.all(spread <= _VARIES * size):
        return None
    what = f"{rows[0, 0]:.6g}" if rows.shape[1] == 1 else "one and the same row"
    name = next(iter(ran.given.predictions))
    return Said(
        f"{name} is {what} for all {len(p):,} samples.",
        "The inputs do not reach the output: look for weights that are all 0, units "
        "that are dead (ReLU of negative numbers), inputs so large that everything "
        "saturates, or the same row that is passed again and again.",
        {"spread": float(spread.max(initial=0.0)), "samples": len(p)},
    )


@rule(Ran, "medium")
def constant_column(ran: Ran) -> Said | None:
    """One of several outputs that is the same for all samples."""
    p = ran.arrays.predictions[0]
    if p.ndim != 2 or len(p) < _ENOUGH or p.shape[1] < 2:
        return None
    rows = p[:: max(1, p.size // 1_000_000)]
    spread, size = np.ptp(rows, axis=0), np.abs(rows).max(axis=0)
    same = np.flatnonzero(spread <= _VARIES * size)
    if not same.size or same.size == p.shape[1]:
        return None
    shown = ", ".join(str(int(c)) for c in same[:_SHOWN])
    return Said(
        f"{counted(int(same.size), 'column')} of {p.shape[1]} of y_pred "
        f"{'is' if same.size == 1 else 'are'} the same for all {len(p):,} samples: "
        f"{shown}" + (", ..." if same.size > _SHOWN else "") + ".",
        "This output has died or was never connected: look at its weights and at their "
        "gradients.",
        {"columns": same.tolist()},
    )


def _ranks(values: Floats) -> Floats:
    return np.unique(values, return_inverse=True)[1].astype(np.float64)


def _rank_correlation(y: Floats, p: Floats) -> float:
    a, b = _ranks(sized(y, _LOOKED_AT)), _ranks(sized(p, _LOOKED_AT))
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else np.nan


def _directed(numbers: Numbers) -> bool:
    """Whether predictions rise with labels where a model is good."""
    return numbers.ran.given.loss._row.family != "embedding"


@rule(Numbers, "high", explains=("worse_than_constant", "predictions_independent"))
def predictions_opposed(numbers: Numbers) -> Said | None:
    """Predictions that fall where labels rise."""
    if numbers.y.size < _ENOUGH or not _directed(numbers):
        return None
    r = _rank_correlation(numbers.y, numbers.p)
    count = min(numbers.y.size, _LOOKED_AT)
    if not (r < _OPPOSED and r * np.sqrt(count) < -_SIGMAS):
        return None
    return Said(
        f"Predictions fall where labels rise: their rank correlation is {r:.3f}.",
        "A sign is turned: w += rate * gradient instead of w -= rate * gradient, "
        "1 - p instead of p, or labels that were exchanged.",
        {"rank_correlation": r},
    )


@rule(Decisions, "high", explains=("worse_than_constant", "predictions_independent"))
def classes_permuted(decisions: Decisions) -> Said | None:
    """Classes that are predicted in another order than the labels have."""
    classes, n = decisions.classes, decisions.true.size
    if not 2 < classes <= _MOST_CLASSES or n < _MANY:
        return None
    pairs = np.bincount(
        decisions.true * classes + decisions.predicted, None, classes**2
    )
    table = pairs.reshape(classes, classes)
    meant = table.argmax(axis=1)
    share = float(table.max(axis=1).sum()) / n
    right = float(np.trace(table)) / n
    if share < _PERMUTED or right > share / 2 or np.unique(meant).size < classes:
        return None
    moved = np.flatnonzero(meant != np.arange(classes))[:_SHOWN]
    names = decisions.names
    shown = ", ".join(f"{names[meant[c]]} for {names[c]}" for c in moved)
    return Said(
        f"The predictions are right in {percent(right)}, but say one and the same "
        f"other class for each label in {percent(share)}: {shown}.",
        "The columns of y_pred and the numbers of the labels have two orders: sort "
        "the names of the classes once, and number both by that.",
        {"accuracy": right, "accuracy_reordered": share, "order": meant.tolist()},
    )


@rule(Decisions, "high", explains=("worse_than_constant",))
def predictions_independent(decisions: Decisions) -> Said | None:
    """Predictions that have nothing to do with the labels."""
    true, predicted = decisions.true, decisions.predicted
    n, classes = true.size, decisions.classes
    # As the accuracy of guesses with these shares, which has this standard deviation.
    if n < _MANY or classes < 2 or true.min() == true.max():
        return None
    if predicted.min() == predicted.max():
        return None
    a = np.bincount(true, minlength=classes) / n
    b = np.bincount(predicted, minlength=classes) / n
    guessed = float(a @ b)
    right = float(np.mean(true == predicted))
    sigma = np.sqrt(guessed * (1 - guessed) / n)
    if abs(right - guessed) > _SIGMAS * sigma or _knows(decisions):
        return None
    return Said(
        f"The predictions are right in {percent(right)}; guesses with the same shares "
        f"would be right in {percent(guessed)}: they have nothing to do with the "
        "labels.",
        _MISALIGNED,
        {"accuracy": right, "guessed": guessed},
    )


def _knows(decisions: Decisions) -> bool:
    """Whether the chance of the true class is above what others give to it."""
    true, chance = decisions.true, decisions.chance
    if decisions.classes != 2:
        return False
    one = np.where(true == 1, chance, 1 - chance)
    r = _rank_correlation(true.astype(np.float64), one)
    return bool(r * np.sqrt(min(true.size, _LOOKED_AT)) > _SIGMAS)


@rule(Numbers, "high", explains=("worse_than_constant",))
def predictions_unrelated(numbers: Numbers) -> Said | None:
    """Numbers that are predicted without relation to the labels."""
    n = numbers.y.size
    domain = numbers.ran.given.label_domain
    if n < _MANY or not _directed(numbers):
        return None
    if domain in ("unit", "sign", "bit") and set(np.unique(numbers.y)) <= {-1, 0, 1}:
        return None  # decisions
    r = _rank_correlation(numbers.y, numbers.p)
    sigma = 1 / np.sqrt(min(n, _LOOKED_AT))
    if not abs(r) < _CHANCE * sigma:
        return None
    return Said(
        f"Labels and predictions have a rank correlation of {r:.3f} over {n:,} "
        f"samples: {_CHANCE * sigma:.3f} would be chance.",
        _MISALIGNED,
        {"rank_correlation": r, "chance": sigma},
    )


def _constant(ran: Ran) -> tuple[Array, str] | None:
    """The best constant prediction for the samples, and how to say it."""
    loss = ran.given.loss
    if len(ran.arrays.predictions) > 1 or ran.values.size < _ENOUGH:
        return None
    y, p = ran.arrays.labels[:1], ran.arrays.predictions[0]
    if isinstance(loss, Rowwise):
        return _constant_row(ran)
    alone = loss._row.of_elements and len(ran.arrays.labels) == 1
    if not alone or y[0].shape != p.shape or not ran.aligned or loss.inputs:
        return None
    labels = y[0].ravel()[ran.kept]
    weight = ran.weight
    step = max(1, labels.size // _LOOKED_AT)
    if getattr(loss, "classes", None) is not None:  # these labels are coded
        loss = loss._changed({"classes": None})
    try:
        best = float(
            loss.initial(
                labels[::step].copy(),
                None if weight is None else weight[::step].copy(),
            )
        )
    except (TypeError, ValueError):
        return None
    if not np.isfinite(best):
        return None
    return np.broadcast_to(np.array(best, p.dtype), p.shape), f"{best:.4g}"


def _constant_row(ran: Ran) -> tuple[Array, str] | None:
    """The shares of the classes, or their logarithms."""
    loss, row = ran.given.loss, ran.given.loss._row
    p = ran.arrays.predictions[0]
    classes = p.shape[-1]
    y = ran.arrays.labels[0]
    if row.labels == ("class",):
        labels = y.ravel()[ran.kept].astype(np.int64)
        weight = ran.weight
        counted = (labels >= 0) & (labels < classes)
        counted &= labels != ignored_class(loss)
        weights = None if weight is None else weight[counted]
        shares = np.bincount(labels[counted], weights, classes).astype(np.float64)
    elif row.labels == ("unit",) and isinstance(loss, PairedRowwise):
        if getattr(loss, "log_target", False):
            return None
        rows = y.reshape(-1, classes)[ran.kept].astype(np.float64)
        shares = np.average(rows, axis=0, weights=ran.weight)
    else:
        return None
    if not shares.sum() > 0:
        return None
    shares = np.maximum(shares / shares.sum(), _LEAST_SHARE)
    best = np.log(shares) if row.predictions == ("real",) else shares / shares.sum()
    return np.broadcast_to(best.astype(p.dtype), p.shape), "the shares of the classes"


@rule(Ran, "high")
def worse_than_constant(ran: Ran) -> Said | None:
    """A loss above that of the best constant prediction."""
    found = _constant(ran)
    if found is None:
        return None
    constant, shown = found
    call = ran.call.with_predictions(constant)._replace(weight=None)
    zeros = ran.call.weight is not None
    if zeros:
        call = call._replace(weight=(np.asarray(ran.call.weight) != 0).astype(float))
    others = np.asarray(call.run("__call__", reduction="none"), np.float64).ravel()
    differences = ran.values - others[ran.kept]
    cost, best = ran.mean(ran.values), ran.mean(others[ran.kept])
    worse = ran.mean(differences)
    error = float(differences.std()) / np.sqrt(differences.size)
    if not (worse > _WORSE * abs(best) and worse > _SURE * error):
        return None
    return Said(
        f"The mean loss is {cost:.4g}; that of the best constant ({shown}, for every "
        f"sample) is {best:.4g}. A model that has learned anything is below it.",
        "If training has only begun, go on. Otherwise look at the learning rate, at "
        "the sign and the scale of the predictions, and whether labels and "
        "predictions are in one order.",
        {"loss": cost, "constant_loss": best, "standard_error": error},
    )
