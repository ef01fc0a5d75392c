"""Predictions in another form than the loss takes, or that say nothing."""

from __future__ import annotations

import numpy as np

from fastloss.core.job import Array
from fastloss.core.kinds import Elementwise, Rowwise
from fastloss.core.loss import Loss
from fastloss.diagnosis.facts import (
    Call,
    Floats,
    Given,
    Ran,
    counted,
    flat,
    index,
    percent,
)
from fastloss.diagnosis.rules import Said, rule

_ENOUGH = 20  # samples, of which half are negative but once in a million
_LOOKED_AT = 50_000  # rows whose sums are taken
_ROW_SUM = 1e-3  # float16 has three digits
_OFF = 1e-2  # of a sum: what rounding does not explain
# To read the same numbers in another way must pay, by a tenth of the cost.
_PAYS = 0.9
_TINY = 1e-7  # what probabilities are clipped to before their logarithm
_HUGE = 1e6  # predictions of a training that diverged
_PERCENT = (20.0, 100.0)  # the largest of numbers that are percent
_EXACT = 0.01  # of the probabilities
_PILE = 0.1  # of the predictions, at the end of an activation
_BEYOND = 0.2  # of the labels
_EDGE = 1e-2
_ACTIVATIONS = (
    ("sigmoid", 0.0, 1.0),
    ("tanh", -1.0, 1.0),
    ("ReLU", 0.0, np.inf),
)


def _is_score(loss: Loss) -> bool:
    """Whether predictions are scores of classes of any size: logits or margins."""
    row = loss._row
    labels = row.labels[:1]
    return (
        row.family in ("binary", "margin", "multiclass")
        and row.predictions == ("real",)
        and labels[0] in ("unit", "sign", "bit", "class")
        and not loss._takes_logarithms
    )


def _row_sums(p: Array) -> Floats:
    rows = np.atleast_2d(p)
    rows = rows[:: max(1, len(rows) // _LOOKED_AT)]
    return np.asarray(rows.astype(np.float64).sum(axis=-1)).ravel()


def _sums_to_one(p: Array) -> bool:
    return p.ndim > 1 and bool(np.all(np.abs(_row_sums(p) - 1) < _ROW_SUM))


def _costs_of(call: Call, predictions: Array) -> float:
    """The mean loss with other predictions; infinity where the loss refuses them."""
    try:
        cost = call.with_predictions(predictions).mean()
    except (TypeError, ValueError):
        return np.inf
    return cost if np.isfinite(cost) else np.inf


@rule(
    Given,
    "high",
    explains=(
        "refused",
        "loss_not_finite",
        "dead_gradients",
        "worse_than_constant",
        "predictions_constant",
        "gradients_dominated",
    ),
)
def predictions_not_finite(given: Given) -> Said | None:
    """NaN or infinite predictions."""
    for name, array in given.predictions.items():
        bad = given.not_finite(name)
        if bad is None:
            continue
        count = bad.nan + bad.plus + bad.minus
        finite = flat(array)
        largest = float(np.abs(finite).max(initial=0.0))
        return Said(
            f"{counted(count, 'entry', 'entries')} of {name} "
            f"{'is' if count == 1 else 'are'} NaN or infinite, the first is "
            f"{name}[{index(bad.first)}] = {bad.value}; the largest other is "
            f"{largest:.3g}.",
            _origin(bad.nan, bad.plus, bad.minus, largest),
            {
                "nan": bad.nan,
                "plus_infinity": bad.plus,
                "minus_infinity": bad.minus,
                "largest": largest,
                **given.refusal,
            },
            (bad.first,),
        )
    return None


def _origin(nan: int, plus: int, minus: int, largest: float) -> str:
    if minus and not plus:
        return (
            "-inf is the logarithm of 0: a probability or a mean was rounded to 0 "
            "before its logarithm. Pass logits to a loss with from_logits=True "
            "instead."
        )
    if plus:
        return (
            "inf comes from an overflow: exp of more than 88 (float32) or 709 "
            "(float64), or weights that grew without bound. Lower the learning rate, "
            "and pass logits or logarithms where the loss takes them."
        )
    if largest > _HUGE:
        return (
            "The other predictions are far too large: training diverged and inf - inf "
            "is NaN. Lower the learning rate."
        )
    return (
        "NaN comes from 0/0, inf - inf, 0 * inf, a logarithm or root of a negative "
        "number, or from NaN in the inputs: test np.isfinite of X, of the parameters "
        "and of each layer in turn."
    )


@rule(
    Given,
    "high",
    explains=("refused", "loss_not_finite"),
)
def logits_as_probabilities(given: Given) -> Said | None:
    """Numbers beyond [0, 1] where the loss takes probabilities."""
    p = given.p
    if given.prediction_domain not in ("probability", "unit") or p is None:
        return None
    values = flat(p)
    if not values.size or (values.min() >= 0 and values.max() <= 1):
        return None
    low, high = float(values.min()), float(values.max())
    outside = float(np.mean((values < 0) | (values > 1)))
    evidence = {"least": low, "most": high, "outside": outside, **given.refusal}
    said = (
        f"y_pred goes from {low:.3g} to {high:.3g}, {percent(outside)} of it outside "
        f"[0, 1], while {given.loss.name} takes probabilities: "
    )
    if low >= 0 and _PERCENT[0] < high <= _PERCENT[1]:
        return Said(said + "these are percent.", "Divide by 100.", evidence)
    if high <= 0 and p.ndim > 1 and _sums_to_one(np.exp(p)):
        return Said(
            said + "these are logarithms of probabilities (exp of each row sums to 1).",
            "Pass them as they are with from_logits=True: they are logits too.",
            evidence,
        )
    return Said(
        said + "these are logits.",
        "Pass from_logits=True; it is exact, too, where probabilities round to 0 or 1."
        if hasattr(given.loss, "from_logits")
        else "Bring them to [0, 1] first: 1 / (1 + np.exp(-p)).",
        evidence,
    )


@rule(
    Ran,
    "high",
    explains=(
        "worse_than_constant",
        "one_class_predicted",
        "dead_gradients",
        "label_suspects",
    ),
)
def probabilities_as_logits(ran: Ran) -> Said | None:
    """Probabilities where the loss takes logits."""
    loss = ran.given.loss
    if not _is_score(loss):
        return None
    p = ran.arrays.predictions[0]
    values = p[np.isfinite(p)]
    if values.size < _ENOUGH or values.min() < 0 or values.max() > 1:
        return None
    rows = loss._row.labels[0] != "bit" and isinstance(loss, Rowwise)
    certain = rows and p.shape[-1] > 1 and _sums_to_one(p)
    clipped = np.clip(p.astype(np.float64), _TINY, 1 - _TINY)
    scores = np.log(clipped) if rows else np.log(clipped) - np.log1p(-clipped)
    cost, other = ran.call.mean(), _costs_of(ran.call, scores)
    if not certain and (rows or not other < _PAYS * cost):
        return None
    proof = (
        "each row sums to 1"
        if certain
        else f"read as probabilities they cost {other:.4g} instead of {cost:.4g}"
    )
    return Said(
        f"All {values.size:,} predictions are in [0, 1] (from {values.min():.3g} to "
        f"{values.max():.3g}) and {proof}: these are probabilities, while "
        f"{ran.given.shown} takes logits, and applies a sigmoid or softmax of its own.",
        "Pass what the last layer gives before its sigmoid or softmax"
        + (
            ", or from_logits=False."
            if getattr(loss, "from_logits", False)
            else "; a margin needs scores of either sign."
        ),
        {
            "least": float(values.min()),
            "most": float(values.max()),
            "cost": cost,
            "cost_as_probabilities": other,
        },
    )


@rule(Ran, "high", explains=("worse_than_constant",))
def not_log_probabilities(ran: Ran) -> Said | None:
    """Rows that are no log-probabilities where the loss takes these."""
    loss = ran.given.loss
    if not (isinstance(loss, Rowwise) and loss._takes_logarithms):
        return None
    p = ran.arrays.predictions[0].astype(np.float64)
    sums = _row_sums(np.exp(np.minimum(p, 700)))
    off = float(np.mean(np.abs(sums - 1) > _ROW_SUM)) if sums.size else 0.0
    if off < 0.5:
        return None
    if p.min() >= 0 and p.max() <= 1 and _sums_to_one(p):
        what, remedy = "probabilities", "np.log(p) of them"
    else:
        what, remedy = "logits", "p - logsumexp(p, axis=-1, keepdims=True)"
    return Said(
        f"exp of a row of y_pred sums to {np.median(sums):.3g} and not to 1 in "
        f"{percent(off)} of the rows: {loss.name} takes log-probabilities, and these "
        f"are {what}.",
        f"Pass {remedy}; or a loss of logits, as "
        "sparse_categorical_crossentropy(from_logits=True).",
        {"median_sum": float(np.median(sums)), "off": off},
    )


@rule(Ran, "high", explains=("worse_than_constant",))
def rows_not_normalised(ran: Ran) -> Said | None:
    """Rows of probabilities that do not sum to 1."""
    loss, row = ran.given.loss, ran.given.loss._row
    p = ran.arrays.predictions[0]
    if not isinstance(loss, Rowwise) or row.predictions != ("probability",):
        return None
    if p.shape[-1] < 2:
        return None
    sums = _row_sums(p)
    off = float(np.mean(np.abs(sums - 1) > _OFF))
    if off < 0.01:
        return None
    worst = float(sums[np.abs(sums - 1).argmax()])
    return Said(
        f"{percent(off)} of the rows of y_pred do not sum to 1 (one sums to "
        f"{worst:.3g}): {loss.name} looks at the probability of the right class, and a "
        "model that raises all of them looks good without choosing.",
        "End with a softmax instead of a sigmoid, or pass what stands before it with "
        "from_logits=True. For several yes-or-no labels use binary_crossentropy.",
        {"off": off, "worst_sum": worst},
    )


@rule(Given, "high", explains=("refused", "loss_not_finite"))
def logarithms_as_means(given: Given) -> Said | None:
    """Negative predictions where the loss takes means."""
    p = given.p
    if given.prediction_domain not in ("mean", "positive") or p is None:
        return None
    values = flat(p)
    share = float(np.mean(values <= 0)) if values.size else 0.0
    if not share:
        return None
    logs = hasattr(given.loss, "log_input")
    return Said(
        f"{percent(share)} of y_pred is not above 0 (the least is "
        f"{values.min():.3g}), while {given.loss.name} takes positive means: these are "
        "logarithms, or outputs without a link.",
        "Pass log_input=True." if logs else "Pass np.exp of what the model gives.",
        {"share": share, "least": float(values.min()), **given.refusal},
    )


@rule(Ran, "high", explains=("worse_than_constant", "loss_not_finite"))
def means_as_logarithms(ran: Ran) -> Said | None:
    """Means where the loss takes their logarithms."""
    loss = ran.given.loss
    if not (isinstance(loss, Elementwise) and loss._takes_logarithms):
        return None
    p = ran.arrays.predictions[0].astype(np.float64)
    if p.size < _ENOUGH or not np.all(p > 0):
        return None
    cost, other = ran.call.mean(), _costs_of(ran.call, np.log(p))
    mean = float(np.mean(ran.arrays.labels[0]))
    # Poisson's loss may be negative: what matters is how far the two are apart.
    worse = not np.isfinite(cost) or cost - other > (1 - _PAYS) * (abs(other) + 1)
    if not worse:
        return None
    return Said(
        f"All predictions are above 0, their mean is {p.mean():.3g} and that of the "
        f"labels {mean:.3g}; read as means they cost {other:.4g} instead of "
        f"{cost:.4g}: {ran.given.shown} takes the logarithm of the mean.",
        "Pass np.log(y_pred), or log_input=False.",
        {"cost": cost, "cost_as_means": other, "mean": float(p.mean())},
    )


@rule(Ran, "high", explains=("worse_than_constant",))
def out_of_reach(ran: Ran) -> Said | None:
    """Labels beyond the bounds that an activation sets to the predictions."""
    loss = ran.given.loss
    if loss._row.family not in ("regression", "robust") or not ran.values.size:
        return None
    y, p = ran.arrays.labels[0], ran.arrays.predictions[0]
    if y.shape != p.shape or y.size < _ENOUGH:
        return None
    low, high = float(p.min()), float(p.max())
    for name, bottom, top in _ACTIVATIONS:
        inside = bottom <= low and high <= top
        piled = (p <= bottom + _EDGE) | (p >= top - _EDGE)
        beyond = float(np.mean((y < bottom - _EDGE) | (y > top + _EDGE)))
        if inside and np.mean(piled) > _PILE and beyond > _BEYOND:
            return Said(
                f"{percent(float(np.mean(piled)))} of the predictions lie at the end "
                f"of [{bottom:g}, {top:g}], which a {name} cannot leave, and "
                f"{percent(beyond)} of the labels are beyond it (from {y.min():.3g} to "
                f"{y.max():.3g}).",
                "Let the last layer of a regression be linear, or bring the labels "
                "into the range of the activation.",
                {"piled": float(np.mean(piled)), "beyond": beyond},
            )
    return None


@rule(Given, "medium")
def zero_or_one(given: Given) -> Said | None:
    """Probabilities that are exactly 0 or 1."""
    p = given.p
    if given.prediction_domain != "probability" or p is None or given.error:
        return None
    values = flat(p)
    share = float(np.mean((values == 0) | (values == 1))) if values.size else 0.0
    if share < _EXACT or values.size < _ENOUGH:
        return None
    hard = share == 1
    eps = getattr(given.loss, "eps", None)
    shown = "the machine epsilon" if eps is None else f"{eps:g}"
    said = "these are decisions, not probabilities" if hard else f"eps is {shown}"
    return Said(
        f"{percent(share)} of the probabilities are exactly 0 or 1: the loss of wrong "
        f"ones depends on where it clips them alone, and not on the model ({said}).",
        "Pass probabilities instead of rounded ones or of argmax."
        if hard
        else "Pass logits with from_logits=True, which do not round to 0 and 1.",
        {"share": share},
    )
