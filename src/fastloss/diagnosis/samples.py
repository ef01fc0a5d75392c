"""Weights that leave most samples out, and samples whose label may be wrong."""

from __future__ import annotations

import numpy as np

from fastloss.diagnosis.facts import Decisions, Given, counted, flat, index, percent
from fastloss.diagnosis.rules import Said, rule

_ENOUGH = 20  # samples
_MANY = 200  # samples, of which one per cent are two
_SHOWN = 20  # samples in a list
_TOP = 0.01  # of the samples
_OWN = 0.5  # of the weight
_LEFT_OUT = 0.9  # of the samples
_DOUBT = 0.02  # the probability that a good model gives to a label that is wrong
_GOOD = 0.8  # accuracy of a model whose doubt means something
_FEW = 0.1  # of the samples: more is not noise but a model that is wrong


@rule(Given, "high", explains=("refused",))
def weights_not_finite(given: Given) -> Said | None:
    """NaN or infinite weights."""
    bad = given.not_finite("sample_weight")
    if bad is None:
        return None
    count = bad.nan + bad.plus + bad.minus
    return Said(
        f"{counted(count, 'weight')} {'is' if count == 1 else 'are'} NaN or infinite, "
        f"the first is sample_weight[{index(bad.first)}] = {bad.value}.",
        "Weights are numbers of at least 0: 1/0 of a class that does not occur, or a "
        "missing entry, must become 0.",
        {"count": count, **given.refusal},
        (bad.first,),
    )


@rule(Given, "high", explains=("refused", "weights_mostly_zero"))
def weights_all_zero(given: Given) -> Said | None:
    """Weights that are all 0."""
    weight = given.weight
    if weight is None or not weight.size or weight.dtype.kind not in "biuf":
        return None
    if weight.any():
        return None
    return Said(
        f"All {weight.size:,} weights are 0: the loss and its gradient are 0, whatever "
        "is predicted.",
        "Look at how they are made: integer division, a mask that is never true, or a "
        "mask that is turned.",
        {"count": int(weight.size), **given.refusal},
    )


@rule(Given, "medium", explains=("refused",))
def weights_negative(given: Given) -> Said | None:
    """Weights below 0."""
    weight = given.weight
    if weight is None or weight.dtype.kind not in "if" or not weight.size:
        return None
    values = flat(weight)
    share = float(np.mean(values < 0)) if values.size else 0.0
    if not share:
        return None
    first = np.argwhere(weight < 0)[0].tolist()
    return Said(
        f"{percent(share)} of the weights are negative (the least is "
        f"{values.min():.3g}): training makes these samples as wrong as it can.",
        "Use weights of at least 0; 0 leaves a sample out.",
        {"share": share, "least": float(values.min()), **given.refusal},
        (first[0] if len(first) == 1 else tuple(first),),
    )


@rule(Given, "medium", explains=("gradients_dominated",))
def weights_dominated(given: Given) -> Said | None:
    """A hundredth of the samples that has most of the weight."""
    weight = given.weight
    if weight is None or weight.dtype.kind not in "uif":
        return None
    values = flat(weight)
    if values.size < _MANY or values.min() < 0 or not values.sum() > 0:
        return None
    count = int(_TOP * values.size)
    share = float(np.partition(values, -count)[-count:].sum() / values.sum())
    if share < _OWN:
        return None
    # The number of equal weights with the same variance of a mean (Kish 1965).
    effective = float(values.sum() ** 2 / (values @ values))
    return Said(
        f"{percent(share)} of the weight lies on {percent(_TOP)} of the samples: the "
        f"{values.size:,} samples count like {effective:.3g}.",
        "Cut the weights, as at 10 times their median, or take their square root.",
        {"share": share, "effective_samples": effective},
    )


@rule(Given, "low")
def weights_mostly_zero(given: Given) -> Said | None:
    """Weights of which nearly all are 0."""
    weight = given.weight
    if weight is None or weight.dtype.kind not in "biuf" or weight.size < _ENOUGH:
        return None
    zeros = float(np.count_nonzero(weight == 0)) / weight.size
    if zeros < _LEFT_OUT:
        return None
    return Said(
        f"{percent(zeros)} of the weights are 0: these samples count for nothing.",
        "If a mask makes them, see that it is not turned.",
        {"zeros": zeros},
    )


@rule(Decisions, "low")
def label_suspects(decisions: Decisions) -> Said | None:
    """Labels that a model that is right elsewhere gives hardly any probability."""
    n = decisions.true.size
    if n < _ENOUGH or decisions.true.min() == decisions.true.max():
        return None
    right = float(np.mean(decisions.true == decisions.predicted))
    suspects = np.flatnonzero(decisions.chance < _DOUBT)
    if right < _GOOD or not 0 < suspects.size <= _FEW * n:
        return None
    worst = suspects[np.argsort(decisions.chance[suspects], kind="stable")][:_SHOWN]
    first = worst[0]
    (place,) = decisions.samples(worst[:1])
    return Said(
        f"The model is right in {percent(right)}, and gives the label of "
        f"{counted(int(suspects.size), 'sample')} less than {percent(_DOUBT)}; sample "
        f"{index(place)}, labelled {decisions.names[decisions.true[first]]}, gets "
        f"{decisions.chance[first]:.2g}, and looks like "
        f"{decisions.names[decisions.predicted[first]]}.",
        "Look at these samples, worst first: their labels may be wrong.",
        {"suspects": int(suspects.size), "accuracy": right},
        decisions.samples(worst),
    )


@rule(Given, "high")
def refused(given: Given) -> Said | None:
    """A call that the loss refuses for a reason that no other finding names."""
    if given.error is None:
        return None
    return Said(
        f"{given.shown} refuses the call.",
        "Do what the message says.",
        given.refusal,
    )
