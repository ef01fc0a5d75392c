"""What the cost by step says: of the learning rate, the end, and held-out data."""

from __future__ import annotations

import numpy as np

from fastloss.diagnosis.facts import Curve, Floats, counted, percent
from fastloss.diagnosis.rules import Said, rule

_SHORT = 8  # steps, below which a curve is no curve
_GROWS = 0.05  # of the first cost
_NOISES = 3.0  # times the scatter from step to step
_EXPLODES = 10.0  # times the least cost
_TURNS = 0.9  # of the steps go the other way than the one before
_SWING = 0.05  # of the cost
_CORRELATION = -0.8  # -1/2 for noise, -1 for a swing to and fro
_STILL = 1e-3  # of the cost
_STEADY = 0.5  # of the pace of the beginning
_FALLS = 0.9  # of the steps
_FAR = 0.5  # of the first cost, that a slow curve is still above
_RISE = 0.05  # of the least validation cost
_BEFORE = 0.9  # of the curve
_GAP = 0.25  # of what training gained
_LARGEST = 1e150  # costs beyond are divergence by themselves

_RATE_REMEDY = (
    "Divide the learning rate by 10 (3 where it only swings), and see that the "
    "gradient is that of the mean, not of the sum. If that changes nothing, the step "
    "has the wrong sign: w -= rate * gradient."
)


def _scatter(curve: Floats) -> float:
    """How far a cost is from the middle of its neighbours, on the median."""
    middle = 0.5 * (curve[2:] + curve[:-2])
    return float(np.median(np.abs(curve[1:-1] - middle))) if len(curve) > 2 else 0.0


def _finite(curve: Floats) -> Floats:
    """The part before the first cost that is not finite, or is not far from it."""
    bad = ~(np.abs(curve) < _LARGEST)
    return curve[: int(np.argmax(bad))] if bad.any() else curve


def _ends(curve: Floats) -> tuple[float, float]:
    """Medians of the first and of the last quarter."""
    quarter = max(1, len(curve) // 4)
    return float(np.median(curve[:quarter])), float(np.median(curve[-quarter:]))


_FOLLOWS = (
    "history_not_finite",
    "predictions_not_finite",
    "refused",
    "loss_not_finite",
    "worse_than_constant",
    "labels_in_other_unit",
    "gradients_dominated",
    "dead_gradients",
    "predictions_opposed",
    "saturated",
    "beyond_scale",
    "scale_too_small",
    "label_suspects",
    "heavy_tails",
    "overfitting",
    "generalisation_gap",
)


@rule(Curve, "high", explains=_FOLLOWS)
def learning_rate_high(curve: Curve) -> Said | None:
    """A cost that grows, or swings to and fro."""
    cost = curve.cost
    part = _finite(cost)
    if len(part) >= 3:
        least, first, last = float(part.min()), float(part[0]), float(part[-1])
        base = max(abs(least), abs(first), np.finfo(float).tiny)
        lost = len(part) < len(cost)
        if last > least + _EXPLODES * base or (lost and last > first + _GROWS * base):
            at = int(part.argmin())
            end = f"; at step {len(part)} it is {cost[len(part)]:.3g}" if lost else ""
            return Said(
                f"The cost grows from {least:.3g} at step {at} to {last:.3g} at step "
                f"{len(part) - 1}{end}: training diverges.",
                _RATE_REMEDY,
                {"least": least, "last": last, "step": at},
            )
    if len(part) < _SHORT:
        return None
    begin, end_ = _ends(part)
    scatter = _scatter(part)
    if end_ - begin > max(_GROWS * abs(begin), _NOISES * scatter):
        return Said(
            f"The cost grows: from {begin:.4g} in the first quarter of the steps to "
            f"{end_:.4g} in the last.",
            _RATE_REMEDY,
            {"first": begin, "last": end_},
        )
    return _swings(part)


def _swings(cost: Floats) -> Said | None:
    half = cost[len(cost) // 2 :]
    steps = np.diff(half)
    if len(steps) < _SHORT // 2:
        return None
    turns = float(np.mean(steps[1:] * steps[:-1] < 0))
    swing = float(np.median(np.abs(steps)))
    level = float(np.median(np.abs(half)))
    norm = float(np.sqrt((steps[1:] @ steps[1:]) * (steps[:-1] @ steps[:-1])))
    correlation = float(steps[1:] @ steps[:-1]) / norm if norm > 0 else 0.0
    if turns < _TURNS or swing < _SWING * level or correlation > _CORRELATION:
        return None
    return Said(
        f"The cost swings to and fro: {percent(turns)} of the steps of the second half "
        f"undo the one before, by {swing:.3g} at a cost of {level:.3g}.",
        _RATE_REMEDY,
        {"turns": turns, "swing": swing, "level": level},
    )


@rule(Curve, "high", explains=("loss_not_finite",))
def history_not_finite(curve: Curve) -> Said | None:
    """NaN or infinity among the costs."""
    for name, costs in (("history", curve.cost), ("validation", curve.held)):
        if costs is None or np.isfinite(costs).all():
            continue
        at = int(np.argmin(np.isfinite(costs)))
        before = f" after {costs[at - 1]:.4g}" if at else ""
        return Said(
            f"{name}[{at}] is {costs[at]}{before}: from there on nothing is learned.",
            "NaN from the first step on is in the data or the parameters; later it is "
            "a step that was too long, log of 0, or one bad batch: stop at the first "
            "one and look at its predictions.",
            {"step": at, "curve": name},
        )
    return None


@rule(Curve, "high", explains=("predictions_constant", "one_class_predicted"))
def cost_does_not_move(curve: Curve) -> Said | None:
    """A cost that stays what it was at the first step."""
    cost = _finite(curve.cost)
    if len(cost) < _SHORT or len(cost) < len(curve.cost):
        return None
    spread, level = float(np.ptp(cost)), float(np.abs(cost).max())
    if spread > _STILL * level:
        return None
    return Said(
        f"Over {counted(len(cost), 'step')} the cost stays within {spread:.3g} of "
        f"{cost[0]:.6g} ({percent(spread / level if level else 0.0)}).",
        "The steps do not reach the parameters: a learning rate that is 0 or far too "
        "small (multiply it by 100), a gradient that is 0 or is not applied, or "
        "parameters that are copied before they are changed.",
        {"spread": spread, "level": level},
    )


@rule(Curve, "medium")
def learning_rate_low(curve: Curve) -> Said | None:
    """A cost that falls slowly and as steadily as at the beginning."""
    cost = _finite(curve.cost)
    if len(cost) < _SHORT or len(cost) < len(curve.cost):
        return None
    if np.ptp(cost) <= _STILL * np.abs(cost).max():
        return None
    falls = float(np.mean(np.diff(cost) < 0))
    quarter = len(cost) // 4
    early = float(cost[0] - cost[quarter]) / quarter
    late = float(cost[-1 - quarter] - cost[-1]) / quarter
    far = cost[-1] > _FAR * abs(cost[0]) if cost[0] > 0 else False
    if falls < _FALLS or not far or late < _STEADY * early or late <= 0:
        return None
    step = late / abs(float(cost[-1]))
    pace = "as fast as" if late > early else f"{late / early:.2g} times as fast as"
    return Said(
        f"The cost falls by {percent(step)} a step, from {cost[0]:.4g} to "
        f"{cost[-1]:.4g} in {counted(len(cost), 'step')}, and at the end "
        f"{pace} at the beginning: it is far from its end.",
        "Multiply the learning rate by 3 to 10 as long as the cost still falls, scale "
        "the inputs to a standard deviation of 1, or take more steps.",
        {"fall": step, "first": float(cost[0]), "last": float(cost[-1])},
    )


@rule(Curve, "medium", explains=("generalisation_gap",))
def overfitting(curve: Curve) -> Said | None:
    """A validation cost that turns up while that of training still falls."""
    held = curve.held
    if held is None or len(held) < _SHORT or not np.isfinite(held).all():
        return None
    smooth = _smoothed(held)
    least = int(smooth.argmin())
    rise = float(smooth[-1] - smooth[least])
    gained = abs(float(smooth[0] - smooth[least]))
    if least > _BEFORE * (len(held) - 1):
        return None
    noise = _NOISES * _scatter(held)
    enough = max(_RISE * abs(float(smooth[least])), noise)
    if rise < enough or rise < _RISE * gained or not _still_falls(curve, least):
        return None
    least += int(held[max(0, least - 1) : least + 2].argmin()) - min(1, least)
    step = curve.step_of(least)
    return Said(
        f"The cost of validation is least at step {step} ({held[least]:.4g}) and "
        f"rises to {smooth[-1]:.4g}, while that of training falls to "
        f"{curve.cost[-1]:.4g}: the model learns its samples by heart.",
        f"Stop at step {step} (keep the parameters of the least validation cost), or "
        "use more data, weight decay, dropout, or a smaller model.",
        {"step": step, "least": float(held[least]), "last": float(smooth[-1])},
    )


def _smoothed(curve: Floats) -> Floats:
    """Medians of three, which a single bad epoch does not move."""
    middle = np.median(np.stack([curve[:-2], curve[1:-1], curve[2:]]), axis=0)
    return np.concatenate([curve[:1], middle, curve[-1:]])


def _still_falls(curve: Curve, least: int) -> bool:
    cost = _finite(curve.cost)
    step = curve.step_of(least)
    return 0 <= step < len(cost) and bool(cost[-1] <= cost[step])


@rule(Curve, "medium")
def generalisation_gap(curve: Curve) -> Said | None:
    """A validation cost far above that of training."""
    begin, train, held = _gap(curve)
    if not begin > train or not held - train > _GAP * (begin - train):
        return None
    return Said(
        f"Validation ends at {held:.4g}, training at {train:.4g}: the gap is "
        f"{percent((held - train) / (begin - train))} of what training gained.",
        "Check that both come from one source; then more data, augmentation, weight "
        "decay, or a smaller model.",
        {"training": train, "validation": held, "gap": held - train},
    )


@rule(Curve, "low")
def validation_below_training(curve: Curve) -> Said | None:
    """A validation cost well below that of training."""
    begin, train, held = _gap(curve)
    if not begin > train or not train - held > _GAP * (begin - train):
        return None
    return Said(
        f"Validation ends at {held:.4g}, below training at {train:.4g}.",
        "Dropout or a penalty that only training has explains it, and so does a mean "
        "over an epoch in which the model improved. If neither does, look for samples "
        "that are in both, or a validation set that is easier.",
        {"training": train, "validation": held},
    )


def _gap(curve: Curve) -> tuple[float, float, float]:
    """Where training began, where it ended, and where validation ended; or NaN."""
    held, cost = curve.held, curve.cost
    if held is None or len(held) < _SHORT or len(cost) < _SHORT:
        return np.nan, np.nan, np.nan
    if not (np.isfinite(held).all() and np.isfinite(cost).all()):
        return np.nan, np.nan, np.nan
    last = max(1, len(cost) // 10), max(1, len(held) // 10)
    train = float(np.median(cost[-last[0] :]))
    return float(cost[0]), train, float(np.median(held[-last[1] :]))


@rule(Curve, "low")
def plateau(curve: Curve) -> Said | None:
    """A cost that fell, and has not fallen for the second half of the steps."""
    cost = _finite(curve.cost)
    if len(cost) < 2 * _SHORT or len(cost) < len(curve.cost):
        return None
    half = cost[len(cost) // 2 :]
    fallen = float(cost[0] - half[0])
    begin, end = _ends(half)
    still = abs(begin - end) <= max(_STILL * fallen, 0.5 * _scatter(half))
    if fallen <= 10 * _STILL * abs(float(cost[0])) or not still:
        return None
    return Said(
        f"The cost fell from {cost[0]:.4g} to {half[0]:.4g} and stays there for the "
        f"last {counted(len(half), 'step')} ({end:.4g} at the end).",
        "If that is good enough, training is done. If not: a lower learning rate where "
        "the curve is noisy, other features or a larger model where it is smooth.",
        {"first": float(cost[0]), "plateau": end, "steps": len(half)},
    )
