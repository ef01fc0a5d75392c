"""Gradients that vanish, that a few samples own, or that a scale cuts off."""

from __future__ import annotations

import numpy as np

from fastloss.diagnosis.facts import Floats, Numbers, Ran, counted, index, percent
from fastloss.diagnosis.rules import Said, rule

_ENOUGH = 20  # samples
_SHOWN = 20  # samples in a list
# The slope p (1 - p) of a sigmoid: of what reaches it, a millionth goes on.
_FLAT = 1e-6
_STUCK = 0.1  # of the samples
_DEAD = 0.5  # of the samples
# A prediction that moves by its whole range changes its loss by a millionth.
_NO_SLOPE = 1e-6
_TOP = 0.01  # of the samples
_OWN = 0.5  # of the gradient or loss
_MANY = 200  # samples, of which one per cent are two
# Of Gaussian residuals 5 standard deviations are exceeded once in 1.7 million.
_TAIL_SIGMAS = 5.0
# The median absolute deviation of Gaussian residuals is sigma / 1.4826.
_MAD_TO_SIGMA = 1.4826
_OUTSIDE = 0.9  # of the residuals
_ALL_INSIDE = 0.99
_GONE = 3.0  # scales: Cauchy's gradient has fallen to a third of its peak, others more
# A scale of 20 standard deviations is one that nothing but gross errors reaches.
_FAR_INSIDE = 20.0

#: Losses with a scale: its name, and its tuning for 95 % of the efficiency of least
#: squares on Gaussian residuals, in standard deviations (Huber 1981; Holland and
#: Welsch, Communications in Statistics A 6, 1977; Rey 1983 for Geman-McClure's 1).
_SCALES = {
    "huber": ("delta", 1.345),
    "pseudo_huber": ("delta", 1.345),
    "smooth_l1": ("beta", 1.345),
    "fair": ("c", 1.3998),
    "cauchy": ("c", 2.3849),
    "welsch": ("c", 2.9846),
    "geman_mcclure": ("c", 1.0),
    "tukey": ("c", 4.6851),
}
#: Of these, residuals far beyond the scale have no gradient left.
_REDESCENDING = frozenset({"cauchy", "welsch", "geman_mcclure", "tukey"})
_SQUARES = frozenset({"mean_squared_error", "half_squared_error"})


@rule(Ran, "high", explains=("dead_gradients", "gradients_dominated"))
def loss_not_finite(ran: Ran) -> Said | None:
    """A loss or gradient that overflows although all inputs are finite."""
    numbers = ran.infinite
    if not numbers.size:
        return None
    if any(map(ran.given.not_finite, {**ran.given.labels, **ran.given.predictions})):
        return None
    (first,) = ran.places.of(numbers[:1])
    samples = ran.arrays.samples
    arrays = (*ran.arrays.labels, *ran.arrays.predictions)
    shown = [
        f"{name} = {array.reshape(-1)[numbers[0]]:.4g}"
        for name, array in zip(ran.arrays.names, arrays, strict=False)
        if array.shape == samples
    ]
    return Said(
        f"The loss or gradient of {counted(int(numbers.size), 'sample')} is not "
        f"finite although labels and predictions are; the first is sample "
        f"{index(first)}"
        + (f" with {', '.join(shown)}" if shown else "")
        + ". That is exp of a large number, a square beyond the dtype, or the "
        "logarithm of 0.",
        "Look at these samples; pass logits or logarithms instead of probabilities "
        "and means, scale the labels, or use float64.",
        {"count": int(numbers.size)},
        ran.places.of(numbers[:_SHOWN]),
    )


@rule(Numbers, "high", explains=("zero_or_one", "worse_than_constant"))
def saturated(numbers: Numbers) -> Said | None:
    """Probabilities at 0 or 1 that are wrong: a sigmoid passes no gradient there."""
    p = numbers.p
    if numbers.ran.given.prediction_domain != "probability" or p.size < _ENOUGH:
        return None
    stuck = (p * (1 - p) < _FLAT) & (np.abs(numbers.y - p) > 0.5)
    share = float(np.mean(stuck))
    if share < _STUCK:
        return None
    return Said(
        f"{percent(share)} of the predictions are within {_FLAT:g} of 0 or 1 and "
        "wrong. Through a sigmoid their gradient is as good as 0: they cannot come "
        "back.",
        "Pass logits with from_logits=True, whose gradient p - y does not vanish; "
        "scale the inputs, and begin with smaller weights or a lower learning rate.",
        {"share": share},
        numbers.samples(np.flatnonzero(stuck)[:_SHOWN]),
    )


@rule(Numbers, "high", explains=("gradients_dominated", "worse_than_constant"))
def beyond_scale(numbers: Numbers) -> Said | None:
    """Residuals so far beyond the scale of a robust loss that it ignores them."""
    loss = numbers.ran.given.loss
    found = _scale(numbers)
    if found is None or loss.name not in _REDESCENDING:
        return None
    name, scale, tuning, sizes, sigma = found
    outside = float(np.mean(sizes > _GONE * scale))
    if outside < _OUTSIDE:
        return None
    return Said(
        f"{percent(outside)} of the residuals are more than {_GONE:g} times {name} = "
        f"{scale:g} (their median size is {np.median(sizes):.3g}): {loss.name} takes "
        "all of them for outliers, and hardly anything draws the predictions to the "
        "labels.",
        f"Begin with a larger {name}, as {_suggested(tuning, sizes, sigma)}, or train "
        "with huber first.",
        {"outside": outside, name: scale, "median": float(np.median(sizes))},
    )


@rule(Ran, "high", explains=("gradients_dominated",))
def dead_gradients(ran: Ran) -> Said | None:
    """Samples with a loss and without a gradient."""
    if not ran.aligned or ran.values.size < _ENOUGH:
        return None
    p = ran.arrays.predictions[0]
    finite = p[np.isfinite(p)]
    reach = float(np.ptp(finite)) if finite.size else 0.0
    size = np.abs(ran.values)
    loss = size > 0.1 * size.mean()
    # A loss that is negative where it is least has no gradient there and is no worse.
    if ran.values.min(initial=0.0) < 0:
        return None
    weight = 1.0 if ran.weight is None else np.abs(ran.weight)
    dead = loss & (ran.slopes * (reach or 1.0) <= _NO_SLOPE * size * weight)
    share = float(np.mean(dead))
    if share < _DEAD:
        return None
    worst = np.flatnonzero(dead)[np.argsort(-size[dead], kind="stable")[:_SHOWN]]
    return Said(
        f"{percent(share)} of the samples have a loss (of {size[dead].mean():.3g} on "
        "average) and no gradient: no step can lower it.",
        "The loss is flat there: residuals beyond what a robust loss looks at, "
        "probabilities that were clipped, or terms that underflow. Begin with a loss "
        "that is not flat, as huber or a cross-entropy of logits.",
        {"share": share, "loss": float(size[dead].mean())},
        ran.samples(worst),
    )


@rule(Numbers, "medium", explains=("gradients_dominated",))
def heavy_tails(numbers: Numbers) -> Said | None:
    """Few large residuals that make most of a squared loss."""
    loss = numbers.ran.given.loss
    if loss.name not in _SQUARES or numbers.y.size < _ENOUGH:
        return None
    residuals = numbers.p - numbers.y
    squares = residuals * residuals
    count = max(1, int(_TOP * squares.size))
    share = _share_of_top(squares, count)
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(residuals - np.median(residuals))))
    far = int(np.count_nonzero(np.abs(residuals) > _TAIL_SIGMAS * sigma))
    if share < _OWN or not sigma or not far:
        return None
    worst = np.argsort(-squares, kind="stable")[: min(count, _SHOWN)]
    return Said(
        f"{counted(count, 'residual')} of {squares.size:,} make {percent(share)} of "
        f"the squared error, and {far:,} are beyond {_TAIL_SIGMAS:g} sigma (sigma = "
        f"{sigma:.3g}, from the median): the tails decide.",
        f"Look at these samples. If they are right, use Huber(delta="
        f"{1.345 * sigma:.3g}), which is 1.345 sigma, or mean_absolute_error; or "
        "predict the logarithm of the labels.",
        {"share": share, "top": count, "beyond": far, "sigma": sigma},
        numbers.samples(worst),
    )


@rule(Numbers, "medium")
def scale_too_small(numbers: Numbers) -> Said | None:
    """A delta or beta that nearly all residuals are beyond: the loss is linear."""
    loss = numbers.ran.given.loss
    found = _scale(numbers)
    if found is None or loss.name in _REDESCENDING:
        return None
    name, scale, tuning, sizes, sigma = found
    outside = float(np.mean(sizes > scale))
    if outside < _OUTSIDE:
        return None
    return Said(
        f"{percent(outside)} of the residuals are larger than {name} = {scale:g} "
        f"(their median size is {np.median(sizes):.3g}): there {loss.name} is linear "
        "and its gradient the same for all, so that steps are short at first and too "
        "long near the end.",
        f"Scale the labels to a standard deviation of 1, or use {name}="
        f"{_suggested(tuning, sizes, sigma)}.",
        {"outside": outside, name: scale, "median": float(np.median(sizes))},
    )


@rule(Numbers, "low")
def scale_too_large(numbers: Numbers) -> Said | None:
    """A delta, beta or c that no residual reaches: the loss is a square."""
    found = _scale(numbers)
    if found is None:
        return None
    name, scale, tuning, sizes, sigma = found
    most = float(sizes.max())
    if most > scale or not 0 < _FAR_INSIDE * sigma < scale:
        return None
    return Said(
        f"No residual reaches {name} = {scale:g}: the largest is {most:.3g}, and "
        f"{name} is {scale / sigma:.3g} times their standard deviation. The loss is "
        "a square, and robust to nothing.",
        f"If outliers are to be held back, use {name}="
        f"{_suggested(tuning, sizes, sigma)}.",
        {"largest": most, name: scale, "sigma": sigma},
    )


@rule(Numbers, "medium")
def tube_too_wide(numbers: Numbers) -> Said | None:
    """An epsilon that all residuals are within: there is no loss and no gradient."""
    loss = numbers.ran.given.loss
    if loss.name != "epsilon_insensitive" or numbers.y.size < _ENOUGH:
        return None
    epsilon = float(getattr(loss, "epsilon", 0.0))
    sizes = np.abs(numbers.p - numbers.y)
    inside = float(np.mean(sizes <= epsilon))
    if inside < _ALL_INSIDE:
        return None
    return Said(
        f"{percent(inside)} of the residuals are within epsilon = {epsilon:g} (the "
        f"median is {np.median(sizes):.3g}) and cost nothing: training has stopped.",
        f"If that is not close enough, use a smaller epsilon, as "
        f"{np.median(sizes) / 2:.2g}.",
        {"inside": inside, "epsilon": epsilon, "median": float(np.median(sizes))},
    )


@rule(Ran, "medium")
def gradients_dominated(ran: Ran) -> Said | None:
    """A hundredth of the samples that has most of the gradient."""
    slopes = ran.slopes
    if slopes.size < _MANY:
        return None
    count = int(_TOP * slopes.size)
    share = _share_of_top(slopes, count)
    if share < _OWN:
        return None
    worst: tuple[int | tuple[int, ...], ...] = ()
    if ran.aligned:
        worst = ran.samples(np.argsort(-slopes, kind="stable")[: min(count, _SHOWN)])
    return Said(
        f"{counted(count, 'sample')} of {slopes.size:,} have {percent(share)} of the "
        "gradient (the sum of its sizes): a step follows them and hardly any other.",
        "Look at them: outliers, wrong labels, large weights. A robust loss, clipping "
        "of gradients, or weights within bounds hold them back. Of a model that is "
        "right nearly everywhere this is as it should be.",
        {"share": share, "top": count},
        worst,
    )


def _share_of_top(sizes: Floats, count: int) -> float:
    total = float(sizes.sum())
    if not 0 < total < np.inf:
        return 0.0
    return float(np.partition(sizes, -count)[-count:].sum()) / total


def _scale(numbers: Numbers) -> tuple[str, float, float, Floats, float] | None:
    """The scale of a loss: its name, value and tuning; size and spread of residuals."""
    loss = numbers.ran.given.loss
    if loss.name not in _SCALES or numbers.y.size < _ENOUGH:
        return None
    name, tuning = _SCALES[loss.name]
    residuals = numbers.p - numbers.y
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(residuals - np.median(residuals))))
    return name, float(getattr(loss, name)), tuning, np.abs(residuals), sigma


def _suggested(tuning: float, sizes: Floats, sigma: float) -> str:
    """The tuned scale; of residuals that are far off, it must reach these, too."""
    far = float(np.median(sizes))
    return f"{max(tuning * sigma, far):.2g}"
