"""What a kind may say: its arguments, several predictions, their derivatives' form.

The engine is stood in for: it writes numbers by which results can be told apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss.core import checks, job
from fastloss.core.job import Arrays, Finding, Status, TargetOptions, Work
from fastloss.core.kinds import (
    Batch,
    Bounded,
    Boxwise,
    Elementwise,
    Grouped,
    LabelledPairs,
    Overlap,
    PairedRowwise,
    Pairwise,
    Rowwise,
    Sequence,
    SeveralHeads,
    SortedRegions,
    SparseRowwise,
    Stepwise,
    TwoBatches,
)


class Tuples(fl.Loss):
    """A loss without labels, of an anchor and another, whose derivatives are a pair."""

    name = "tuples"
    margin: float = 1.0

    def _prepare(self) -> None:
        pass

    def __call__(self, anchor, other, *, sample_weight=None, out=None, **parameters):
        loss = self._with(parameters)
        return loss._evaluate(job.VALUE, (anchor, other), sample_weight, out)

    def value_and_grad(self, anchor, other, *, sample_weight=None, out=None):
        return self._evaluate(job.VALUE_GRAD, (anchor, other), sample_weight, out)

    def grad_and_hess(self, anchor, other, *, sample_weight=None, out=None):
        return self._evaluate(job.GRAD_HESS, (anchor, other), sample_weight, out)

    def _arrays(self, anchor, other):
        pair = checks.predictions(anchor), checks.predictions(other)
        return Arrays((), pair, pair[0].shape[:-1], ("anchor", "other"))

    def _outs_by_prediction(self, out):
        return (None, None) if out is None else tuple(out)

    def _as_given(self, derivatives):
        return derivatives

    def _work(self, outputs, arrays, weight):
        return Work(7)

    def _engine(self, wanted, arrays, weight, work, value, grads, hesses):
        assert work.loss == 7
        assert arrays.labels == ()
        if np.isnan(arrays.predictions[1]).any():
            self._raise(Finding(Status.CHANGED, 0, 0, 0.0), arrays)
        if value is not None:
            value[...] = 5
        for number, array in enumerate((*grads, *hesses)):
            array[...] = number
        return self.margin


A, B = np.zeros((4, 3), np.float32), np.ones((4, 3), np.float32)


def test_derivatives_have_the_form_of_the_predictions() -> None:
    loss = Tuples()
    assert loss(A, B) == 1.0
    assert loss(A, B, margin=2.0) == 2.0
    value, (first, second) = loss.value_and_grad(A, B)
    assert value == 1.0
    for number, array in enumerate((first, second)):
        assert array.shape == A.shape
        assert array.dtype == np.float32
        assert (array == number).all()
    grads, hesses = loss.grad_and_hess(A, B)
    assert [float(array[0, 0]) for array in (*grads, *hesses)] == [0, 1, 2, 3]


def test_outputs_are_given_for_each_prediction() -> None:
    out = np.empty((4, 3)), np.empty((4, 3), np.float32)
    _, grads = Tuples().value_and_grad(A, B, out=out)
    assert grads[0] is out[0]
    assert grads[1] is out[1]
    assert (out[0] == 0).all()
    assert (out[1] == 1).all()
    copy = B.copy()
    _, grads = Tuples().value_and_grad(A, copy, out=(None, copy))
    assert grads[1] is copy
    assert (copy == 1).all()
    with pytest.raises(ValueError, match="share memory"):
        Tuples().value_and_grad(A, B, out=(out[0], out[0]))
    with pytest.raises(ValueError, match=r"shape \(4,\)"):
        Tuples().value_and_grad(A, B, out=(np.empty(4), None))


def test_samples_and_names_are_those_of_the_kind() -> None:
    values = Tuples(reduction="none")(A, B)
    assert values.tolist() == [5] * 4
    with pytest.raises(ValueError, match=r"sample_weight .* the samples \(4,\)"):
        Tuples()(A, B, sample_weight=np.ones((4, 3)))
    with pytest.raises(ValueError, match="anchor or other held a value"):
        Tuples()(A, np.full((4, 3), np.nan))


def test_of_no_samples_nothing_is_asked() -> None:
    empty = np.empty((0, 3))
    value, grads = Tuples(reduction="sum").value_and_grad(empty, empty)
    assert value == 0.0
    assert [grad.shape for grad in grads] == [(0, 3)] * 2


@pytest.mark.parametrize("loss", fl.LOSSES.values(), ids=lambda loss: loss.name)
def test_classes_are_of_the_kind_that_the_registry_says(loss: fl.Loss) -> None:
    row = next(row for row in fl.REGISTRY if row.name == loss.kernel)
    kinds: dict[str, Any] = {
        "element": (Elementwise, SeveralHeads, Bounded),
        "row": (Rowwise, Boxwise, Stepwise),
        "pair": (Pairwise, LabelledPairs),
        "group": (Grouped, SortedRegions),
        "batch": (Batch, TwoBatches),
        "sequence": Sequence,
        "overlap": Overlap,
    }
    assert isinstance(loss, kinds[row.kind])
    if isinstance(loss, Rowwise):
        sparse = row.labels == ("class",)
        assert isinstance(loss, SparseRowwise if sparse else PairedRowwise)


def test_options_of_targets() -> None:
    arrays = Arrays((), (np.zeros((2, 3)),), (2,))
    dense = fl.CategoricalCrossentropy(label_smoothing=0.25, label_sum="any")
    assert dense._target_options(arrays) == TargetOptions(0.25, any_sum=True)
    sparse = fl.SparseCategoricalCrossentropy(ignore_class=2, label_smoothing=0.5)
    assert sparse._target_options(arrays) == TargetOptions(0.5, ignore_class=2)
    assert fl.bce._target_options(arrays) == TargetOptions()
    weighed = fl.SparseCategoricalCrossentropy(class_weight=[1, 2, 3], reduction="sum")
    assert weighed._target_options(arrays).class_weight.tolist() == [1, 2, 3]


@pytest.mark.parametrize("ignored", [0, 2])
def test_an_ignored_class_counts_nothing_in_plain_calls(ignored: int) -> None:
    y, x = np.array([0, 1, 2, 0]), np.arange(12.0).reshape(4, 3)
    kept = y != ignored
    loss = fl.SparseCategoricalCrossentropy(from_logits=True)
    value, grad = loss.value_and_grad(y, x, ignore_class=ignored)
    assert value == loss(y[kept], x[kept])
    assert (grad[~kept] == 0).all()
    assert (grad[kept] == loss.grad(y[kept], x[kept])).all()


def test_outputs_may_overlap_weights() -> None:
    y, x = np.zeros(5000), np.arange(5000.0)
    weights = np.linspace(0, 1, 5001)
    expected = fl.mse.grad(y, x, sample_weight=weights[:-1])
    out = weights[1:]
    fl.mse.grad(y, x, sample_weight=weights[:-1], out=out)
    assert (out == expected).all()


def test_booleans_are_signs_to_the_reference() -> None:
    for loss in (fl.hinge, fl.squared_hinge):
        for y in ([True, False], np.array([True, False])):
            cost = fl.reference.cost(loss, y, [0.5, -2.0])
            assert cost == loss([1, -1], [0.5, -2.0])


def test_names_of_logits_are_of_losses_of_logits() -> None:
    assert fl.get("BCEWithLogitsLoss") == fl.BinaryCrossentropy(from_logits=True)
    assert fl.get("BCELoss") == fl.bce
