"""Which loss to choose: `guide` says what each is for, `suggest` looks at labels.

The guide has no text of its own about a loss: it reads the `advice` of every class in
`fastloss.LOSSES`, so a new loss appears here by being registered.
"""

from __future__ import annotations

import dataclasses
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from fastloss._html import document, table, tag
from fastloss.core.loss import Loss
from fastloss.losses import (
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)

_WIDTH = 88

# 1.4826 median absolute deviations (1.2533 mean ones) are the standard deviation of
# Gaussian data; a delta of 1.345 standard deviations keeps 95 % of the efficiency of
# least squares there (Huber 1981).
_MAD_TO_SIGMA = 1.4826
_MEAN_TO_SIGMA = 1.2533
_HUBER_TUNING = 1.345
# Gaussian labels leave 5 sigma once in 1.7 million; more than one in 10 000 is a tail.
_TAIL_SIGMAS = 5.0
_TAIL_SHARE = 1e-4
_MANY_CLASSES = 20
_IMBALANCE = 4.0


def _paragraph(text: str, indent: str, first: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first or indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


@dataclass(frozen=True)
class GuideRow:
    """What one loss is for; the fields are those of its `advice`."""

    loss: str
    task: str
    labels: str
    activation: str
    strengths: str
    weaknesses: str
    when: str


_HEADINGS = {
    "loss": "loss",
    "task": "task",
    "labels": "labels",
    "activation": "output",
    "strengths": "strengths",
    "weaknesses": "weaknesses",
    "when": "when to use",
}


@dataclass(frozen=True, repr=False)
class Guide:
    """The answer of `guide`: a sequence of `GuideRow`, readable as text and as HTML."""

    rows: tuple[GuideRow, ...]

    def __iter__(self) -> Iterator[GuideRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> GuideRow:
        return self.rows[index]

    def __str__(self) -> str:
        indent = " " * 16
        cards = []
        for row in self.rows:
            lines = [row.loss]
            for field, heading in list(_HEADINGS.items())[1:]:
                text = getattr(row, field)
                lines.append(_paragraph(text, indent, f"  {heading:<14}"))
            cards.append("\n".join(lines))
        return "\n\n".join(cards)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [dataclasses.astuple(row) for row in self.rows]
        return document(table(list(_HEADINGS.values()), rows))


def _tasks(advice_task: str) -> list[str]:
    return [name.strip() for name in re.split(r"[,;]", advice_task) if name.strip()]


def _words(task: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", task.lower()))


def guide(task: str | None = None) -> Guide:
    """Return what each loss is for, or only the losses for one task.

    Parameters
    ----------
    task : str, optional
        A task as the guide names it, or words of it: ``"binary"``. Upper and lower
        case are the same. Default: every loss.

    Returns
    -------
    Guide
        One row a loss with its task, label form, output activation, strengths,
        weaknesses and when to use it. ``print`` it, or let a notebook show it as a
        table.

    Raises
    ------
    ValueError
        If no loss has such a task; the message lists those there are.
    TypeError
        If `task` is not a string.

    Examples
    --------
    >>> import fastloss as fl
    >>> "binary_crossentropy" in [row.loss for row in fl.guide("binary")]
    True
    """
    if task is not None and not isinstance(task, str):
        kind = type(task).__name__
        raise TypeError(f"task = {task!r} is a {kind}; expected a string or None")
    rows = []
    valid: dict[str, None] = {}
    for name, loss in LOSSES.items():
        advice = type(loss).advice
        names = _tasks(advice.task)
        valid.update(dict.fromkeys(names))
        asked = set() if task is None else _words(task)
        if task is None or (asked and any(asked <= _words(own) for own in names)):
            rows.append(GuideRow(loss=name, **dataclasses.asdict(advice)))
    if not rows:
        known = ", ".join(repr(name) for name in valid)
        raise ValueError(f"task = {task!r} is not a task of the guide; it has {known}")
    return Guide(tuple(rows))


@dataclass(frozen=True)
class Proposal:
    """One proposed loss, configured and ready to call, with the reason for it."""

    loss: Loss
    reason: str

    @property
    def expression(self) -> str:
        """What to type for the loss: the parameters that are not the default."""
        return self.loss._expression()


@dataclass(frozen=True, repr=False)
class Suggestions(Sequence[Proposal]):
    """The answer of `suggest`: what the labels look like, and proposals, best first."""

    labels: str
    proposals: tuple[Proposal, ...]

    def __len__(self) -> int:
        return len(self.proposals)

    @overload
    def __getitem__(self, index: int) -> Proposal: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Proposal, ...]: ...
    def __getitem__(self, index: int | slice) -> Proposal | tuple[Proposal, ...]:
        return self.proposals[index]

    def __str__(self) -> str:
        lines = [_paragraph(f"The labels are {self.labels}.", "")]
        for number, proposal in enumerate(self.proposals, start=1):
            lines.append(f"{number}. {proposal.expression}")
            lines.append(_paragraph(proposal.reason, "   "))
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [(tag("code", each.expression), each.reason) for each in self.proposals]
        said = tag("p", f"The labels are {self.labels}.")
        return document(said, table(("loss", "reason"), rows))


def suggest(y_true: npt.ArrayLike) -> Suggestions:
    """Look at labels and propose losses for them, best first, with the reasons.

    Parameters
    ----------
    y_true : array_like
        Labels of any shape: booleans, integers or real numbers.

    Returns
    -------
    Suggestions
        A sequence of proposals; ``suggest(y)[0].loss`` is the first choice, configured.
        ``print`` it, or let a notebook show it as a table.

    Raises
    ------
    TypeError
        If the labels are complex numbers, strings or objects.
    ValueError
        If there are no labels, or one of them is NaN or infinite.

    Notes
    -----
    Labels -1/+1 suggest a margin loss; 0/1, booleans and reals in [0, 1] a binary
    cross-entropy; rows that sum to one a categorical and integers of few kinds a
    sparse categorical cross-entropy; other reals the squared error. With heavy tails
    the squared error gives way to Huber's loss with ``delta = 1.345 s``, where
    ``s = 1.4826 MAD`` is the robust standard deviation (Huber, Robust Statistics,
    1981, chapter 4).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.suggest([0, 2, 1, 1])[0].loss.name
    'sparse_categorical_crossentropy'
    """
    labels = _checked(y_true)
    if labels.dtype == bool:
        return _binary(labels, "booleans")
    kinds = np.unique(labels)
    integral = bool(np.all(kinds == np.rint(kinds)))
    if integral and set(kinds.tolist()) <= {0, 1}:
        if _rows_sum_to_one(labels):
            return _one_hot(labels, hard=True)
        only = f"all {kinds[0]:g}: one of the two outcomes never occurs"
        return _binary(labels, "0 and 1" if len(kinds) == 2 else only)
    if integral and set(kinds.tolist()) <= {-1, 1}:
        return _signs()
    if integral and _few_kinds(kinds, labels):
        return _classes(labels, kinds)
    if kinds[0] >= 0 and kinds[-1] <= 1:
        if _rows_sum_to_one(labels):
            return _one_hot(labels, hard=False)
        return _shares()
    return _reals(labels)


def _checked(y_true: npt.ArrayLike) -> npt.NDArray[Any]:
    labels = np.asarray(y_true)
    if labels.dtype.kind not in "biuf":
        raise TypeError(
            f"y_true has dtype {labels.dtype}; expected booleans, integers or real "
            "numbers (np.unique(y_true, return_inverse=True)[1] turns names of "
            "classes into integers)"
        )
    if labels.size == 0:
        raise ValueError(f"y_true has shape {labels.shape}; expected labels to look at")
    if labels.ndim == 0:
        raise ValueError(f"y_true = {labels} is one number; expected an array of them")
    finite = np.isfinite(labels)
    if not finite.all():
        where = np.unravel_index(int(np.argmin(finite)), labels.shape)
        index = ", ".join(str(int(i)) for i in where)
        raise ValueError(
            f"y_true[{index}] = {labels[where]} is not a finite number; remove such "
            "samples, or give them sample_weight 0 in the loss"
        )
    return labels


def _rows_sum_to_one(labels: npt.NDArray[Any]) -> bool:
    if labels.ndim < 2 or labels.shape[-1] < 2:
        return False
    # Rows of float32 probabilities are off by a few rounding errors a class.
    sums = labels.sum(axis=-1, dtype=np.float64)
    return bool(np.all(np.abs(sums - 1) <= 1e-6 * labels.shape[-1]))


def _few_kinds(kinds: npt.NDArray[Any], labels: npt.NDArray[Any]) -> bool:
    """Class numbers: from 0 on, few, and at most one number below 0 for "ignored".

    Whole numbers stored as floats must also repeat to pass for classes.
    """
    ignored = int(np.count_nonzero(kinds < 0))
    count = len(kinds) - ignored
    few = max(_MANY_CLASSES, math.isqrt(labels.size))
    repeated = labels.dtype.kind != "f" or labels.size >= 2 * len(kinds)
    return repeated and 2 <= count <= few and ignored <= 1 and bool(kinds[-1] < 2 * few)


def _binary(labels: npt.NDArray[Any], look: str) -> Suggestions:
    positives = int(np.count_nonzero(labels))
    negatives = labels.size - positives
    proposals = [
        Proposal(
            BinaryCrossentropy(from_logits=True),
            "two outcomes, so the likelihood of a coin; feed it the raw scores "
            "(logits), without a sigmoid: that is exact in both tails",
        )
    ]
    if positives and negatives >= _IMBALANCE * positives:
        proposals.append(
            Proposal(
                BinaryCrossentropy(from_logits=True, pos_weight=negatives / positives),
                f"only {positives / labels.size:.2g} of the labels are positive; "
                "pos_weight makes both outcomes count the same, at the price of "
                "probabilities that must be calibrated afterwards",
            )
        )
    margin = (
        "if only the decision matters: a margin, no probabilities; it takes booleans"
        if labels.dtype == bool
        else "if only the decision matters: a margin, no probabilities; it wants "
        "-1/+1, so give it 2*y_true - 1"
    )
    proposals.append(Proposal(SquaredHinge(), margin))
    if labels.ndim > 1:
        look += f" in shape {labels.shape}: one yes-or-no question an entry"
    return Suggestions(look, tuple(proposals))


def _signs() -> Suggestions:
    return Suggestions(
        "-1 and +1",
        (
            Proposal(
                Hinge(),
                "labels -1/+1 with a raw score (no sigmoid): the margin loss of a "
                "support vector machine; samples beyond the margin cost nothing",
            ),
            Proposal(
                SquaredHinge(),
                "the same margin with a continuous gradient, which gradient descent "
                "likes better; outliers weigh more",
            ),
            Proposal(
                BinaryCrossentropy(from_logits=True),
                "if probabilities are wanted; it takes 0/1, so give it "
                "(y_true + 1) / 2",
            ),
        ),
    )


def _one_hot(labels: npt.NDArray[Any], *, hard: bool) -> Suggestions:
    classes = labels.shape[-1]
    dense = Proposal(
        CategoricalCrossentropy(from_logits=True),
        "every row is a distribution over the classes; feed it the raw scores "
        "(logits), without a softmax: that is exact in both tails",
    )
    if not hard:
        return Suggestions(
            f"rows of {classes} numbers in [0, 1] that sum to one (soft labels)",
            (dense,),
        )
    return Suggestions(
        f"one-hot rows of {classes} classes",
        (
            dense,
            Proposal(
                SparseCategoricalCrossentropy(from_logits=True),
                "the same number from y_true.argmax(axis=-1), and the labels take "
                f"{classes} times less memory",
            ),
        ),
    )


def _classes(labels: npt.NDArray[Any], kinds: npt.NDArray[Any]) -> Suggestions:
    ignored = int(kinds[0]) if kinds[0] < 0 else None
    classes = kinds[kinds >= 0]
    top = int(classes[-1])
    look = f"integers of {len(classes)} kinds, {int(classes[0])} to {top}"
    reason = (
        "integers of few kinds are class numbers; y_pred has one raw score (logit) "
        f"a class, {top + 1} of them on the last axis, without a softmax"
    )
    if ignored is not None:
        look += f", and {ignored}"
        reason += f"; {ignored} looks like padding and is ignored"
    if labels.dtype.kind == "f":
        reason += "; convert the labels with y_true.astype(int)"
    if len(classes) <= top:
        reason += (
            f"; of the {top + 1} class numbers only {len(classes)} occur, "
            "np.unique(y_true, return_inverse=True)[1] would close the gaps"
        )
    return Suggestions(
        look,
        (
            Proposal(
                SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored),
                reason,
            ),
            Proposal(
                _reals(labels)[0].loss,
                "only if the numbers are amounts rather than names of classes",
            ),
        ),
    )


def _shares() -> Suggestions:
    return Suggestions(
        "real numbers in [0, 1]",
        (
            Proposal(
                BinaryCrossentropy(from_logits=True),
                "numbers in [0, 1] can be read as probabilities (soft labels); feed it "
                "the raw scores (logits), without a sigmoid",
            ),
            Proposal(
                MeanSquaredError(),
                "if they are measurements that only happen to lie in [0, 1]",
            ),
        ),
    )


def _reals(labels: npt.NDArray[Any]) -> Suggestions:
    values = labels.astype(np.float64)
    distance = np.abs(values - np.median(values))
    sigma = _MAD_TO_SIGMA * float(np.median(distance))
    spread = "1.4826 times the median absolute deviation"
    if sigma == 0:
        sigma = _MEAN_TO_SIGMA * float(np.mean(distance))
        spread = (
            "1.2533 times the mean absolute deviation, as over half of them are equal"
        )
    squared = MeanSquaredError()
    absolute = MeanAbsoluteError()
    if sigma == 0:
        return Suggestions(
            f"all {values.flat[0]:g}",
            (Proposal(squared, "any loss learns a constant; this one is smooth"),),
        )
    robust = Huber(delta=_HUBER_TUNING * sigma)
    far = int(np.count_nonzero(distance > _TAIL_SIGMAS * sigma))
    how = (
        f"delta is 1.345 robust standard deviations of the labels ({spread}); after a "
        "first fit take it from the residuals, which are smaller"
    )
    if far > _TAIL_SHARE * values.size:
        return Suggestions(
            f"real numbers with heavy tails: {far} of {values.size} lie more than "
            f"{_TAIL_SIGMAS:g} robust standard deviations from the median",
            (
                Proposal(robust, f"squares near zero, linear for the outliers; {how}"),
                Proposal(
                    absolute,
                    "the median instead of the mean: no outlier counts more than its "
                    "sign, but the gradient does not shrink near the minimum",
                ),
                Proposal(
                    squared,
                    "only if the far values are true and must be fitted: each counts "
                    "with its square",
                ),
            ),
        )
    return Suggestions(
        "real numbers without heavy tails",
        (
            Proposal(
                squared,
                "no outliers: the likelihood of Gaussian noise, smooth, and its "
                "minimum is the mean",
            ),
            Proposal(robust, f"if outliers may come; {how}"),
            Proposal(absolute, "if the median is wanted rather than the mean"),
        ),
    )
