"""Why a loss does not go down: what labels, predictions, gradients and curves show.

A finding is a function in the file of its subject, entered into one table
(`fastloss.diagnosis.RULES`) with its severity and with the findings that follow
from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core.kinds import Grouped
from fastloss.core.loss import Loss
from fastloss.diagnosis import (
    baselines,
    curves,
    gradients,
    labels,
    predictions,
    samples,
)
from fastloss.diagnosis.facts import gather, typed
from fastloss.diagnosis.report import Diagnosis, Finding
from fastloss.diagnosis.rules import SEVERITIES, TABLE, Rule

__all__ = ["RULES", "Diagnosis", "Finding", "diagnose"]

RULES: tuple[Rule, ...] = tuple(
    row
    for subject in (labels, predictions, curves, gradients, baselines, samples)
    for row in TABLE
    if row.subject == subject.__name__.rpartition(".")[2]
)
"""All rules, nearer to the cause first: the order of findings of one severity."""


def diagnose(
    loss: Loss | str,
    y_true: Any,
    y_pred: Any,
    history: Any = None,
    validation: Any = None,
    sample_weight: ArrayLike | None = None,
    **arguments: Any,
) -> Diagnosis:
    """Say what is wrong with a training, most likely first.

    Parameters
    ----------
    loss : Loss or str
        The loss that is trained with, or its name.
    y_true, y_pred : array_like, tuple of array_like or None
        Labels and predictions as the loss takes them. What it refuses is a finding.
        The rows of losses that take several, as (anchor, positive, negative), are
        `y_pred`, and their `y_true` is None. Both may be None if there is a history.
    history, validation : sequence of float, optional
        The cost of training and of held-out data by step or epoch. What Keras' `fit`
        returns has both.
    sample_weight : array_like, optional
        As in a call of the loss.
    **arguments
        What else the call has: ``groups=``, further inputs, parameters.

    Returns
    -------
    Diagnosis
        A sequence of findings, false if there are none. ``print`` it, let a notebook
        show it, or take `Diagnosis.to_list`. Findings that probably follow from
        another one stand last; else those of high severity are first, and of one
        severity those that are nearer to the cause: arrays, learning rate, gradients,
        results, samples.

    Raises
    ------
    TypeError
        If the loss is none, has no such parameter, or there is nothing to look at.
    ValueError
        If a curve is not one.

    Notes
    -----
    Beyond a million samples every so many-th is looked at, which the text says; NaN,
    infinities and what the loss refuses are looked for in all of them. Memory is that
    of the gradient of those samples.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> y = np.tile([0, 1], 50)
    >>> found = fl.diagnose(fl.hinge, y, np.linspace(-1, 1, 100))
    >>> found[0].code, found[0].remedy
    ('labels_zero_one', 'Use 2*y_true - 1, or booleans.')
    """
    loss, keywords = _prepared(loss, arguments)
    with np.errstate(all="ignore"):
        gathered = gather(
            loss, y_true, y_pred, history, validation, sample_weight, keywords
        )
        found = tuple(_found(gathered.facts))
    return Diagnosis(typed(loss), gathered.scope, _ordered(found))


def _prepared(
    loss: Loss | str, arguments: dict[str, Any]
) -> tuple[Loss, dict[str, Any]]:
    """The loss with the parameters among the arguments, and the others."""
    if isinstance(loss, str):
        from fastloss.names import get

        loss = get(loss)
    if not isinstance(loss, Loss):
        shown = f"the class {loss.__name__}" if isinstance(loss, type) else repr(loss)
        raise TypeError(
            f"loss is {shown}: it must be a loss, as fl.huber or fl.Huber(delta=2.0), "
            "or the name of one"
        )
    own = {*loss.inputs}
    if isinstance(loss, Grouped):
        own |= {"groups", "group_ids", "group_offsets"}
    parameters = {k: v for k, v in arguments.items() if k not in own}
    if parameters:
        loss = dataclasses.replace(loss, **parameters)
    return loss, {k: v for k, v in arguments.items() if k in own}


def _found(facts: Any) -> Iterator[Finding]:
    """What each rule finds, in their order."""
    for rule in RULES:
        said = rule.look(facts[rule.facts]) if rule.facts in facts else None
        if said is not None:
            yield Finding(rule.code, rule.severity, *said)


def _ordered(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Causes before what follows from them, then by severity, then as the rules."""
    codes = {finding.code for finding in found}
    because: dict[str, str] = {}
    for rule in RULES:
        if rule.code in codes and rule.code not in because:
            for code in rule.explains:
                because.setdefault(code, rule.code)
    named = [
        dataclasses.replace(finding, because=because.get(finding.code))
        for finding in found
        if not (finding.code == "refused" and "refused" in because)
    ]
    return tuple(
        sorted(
            named,
            key=lambda f: (f.because is not None, SEVERITIES.index(f.severity)),
        )
    )
