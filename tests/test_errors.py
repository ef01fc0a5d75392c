"""Errors name the argument, the place, the value and the remedy, and touch nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import oracle
import pytest

import fastloss as fl

INT64 = np.iinfo(np.int64)
scce = fl.SparseCategoricalCrossentropy(from_logits=True)
two, rows = np.zeros(2), np.zeros((20, 10))
one_hot = np.eye(10)[np.arange(20) % 10]
labels = np.zeros(20, np.int64)


def changed(a: np.ndarray, index: Any, value: Any) -> np.ndarray:
    a = a.copy()
    a[index] = value
    return a


CASES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    # Shapes
    (
        lambda: fl.mse(np.zeros(3), np.zeros((3, 1))),
        ValueError,
        r"y_true has shape \(3,\), y_pred \(3, 1\): use y_pred\[\.\.\., 0\]",
    ),
    (
        lambda: fl.mse(np.zeros((3, 1)), np.zeros(3)),
        ValueError,
        r"y_true has shape \(3, 1\), y_pred \(3,\): use y_true\[\.\.\., 0\]",
    ),
    (lambda: fl.huber(two, np.zeros(3)), ValueError, r"\(2,\).*\(3,\).*broadcast"),
    (lambda: fl.huber(0.0, two), ValueError, r"y_true has shape \(\).*\(2,\)"),
    (lambda: fl.huber(two, 0.0), ValueError, r"y_true has shape \(2,\).*\(\)"),
    (lambda: fl.mse([], []), ValueError, r"y_pred is empty.*\(0,\)"),
    (
        lambda: scce(np.zeros(0, int), np.zeros((0, 3))),
        ValueError,
        r"y_pred is empty.*\(0, 3\)",
    ),
    (
        lambda: scce(labels, np.zeros((20, 0))),
        ValueError,
        r"y_pred has shape \(20, 0\): it has no classes",
    ),
    (lambda: scce(0, 0.5), ValueError, r"y_pred has shape \(\).*classes"),
    (lambda: fl.bce(-4.0, 0.5), ValueError, r"y_true = -4\.0 is not in \[0, 1\]"),
    (
        lambda: scce(labels[:, None], rows),
        ValueError,
        r"y_true has shape \(20, 1\).*use y_true\[\.\.\., 0\]",
    ),
    (lambda: scce(rows.astype(int), rows), ValueError, r"categorical_crossentropy"),
    (lambda: scce(labels[:19], rows), ValueError, r"\(19,\).*\(20,\)"),
    (lambda: fl.cce(labels, rows), ValueError, r"sparse_categorical_crossentropy"),
    (
        lambda: fl.mse(two, two, sample_weight=np.ones(3)),
        ValueError,
        r"sample_weight has shape \(3,\).*\(2,\)",
    ),
    (
        lambda: scce(labels, rows, sample_weight=np.ones((20, 10))),
        ValueError,
        r"sample_weight has shape \(20, 10\).*\(20,\)",
    ),
    # Dtypes
    (lambda: fl.mse(two, two + 0j), TypeError, r"y_pred has dtype complex128"),
    (lambda: fl.mse(two + 0j, two), TypeError, r"y_true has dtype complex128"),
    (lambda: fl.mse(["a", "b"], two), TypeError, r"y_true has dtype <U1"),
    (
        lambda: fl.mse(two, np.array([1, None])),
        TypeError,
        r"y_pred holds None at index 1",
    ),
    (
        lambda: fl.mse(two, two.astype(np.float16)),
        TypeError,
        r"y_pred has dtype float16.*astype\(np\.float64\)",
    ),
    (
        lambda: fl.mse(two, two.astype(np.longdouble)),
        TypeError,
        r"y_pred has dtype .*astype\(np\.float64\)",
    ),
    (lambda: fl.mse(two, [[1.0], [1.0, 2.0]]), ValueError, r"y_pred"),
    (
        lambda: fl.mse(two, np.ma.masked_array(two, [0, 1])),
        TypeError,
        r"y_pred is a masked array.*sample_weight",
    ),
    (
        lambda: fl.mse(two, two, sample_weight=np.array(["1", "2"])),
        TypeError,
        r"sample_weight has dtype <U1",
    ),
    (
        lambda: scce(labels.astype(float), rows),
        TypeError,
        r"y_true has dtype float64.*astype\(np\.int64\)",
    ),
    # Labels and predictions
    (
        lambda: scce(changed(labels, 17, 12), rows),
        ValueError,
        r"y_true\[17\] = 12 is not a class in \[0, 10\)",
    ),
    (
        lambda: scce(changed(labels, 3, INT64.min), rows),
        ValueError,
        rf"y_true\[3\] = {INT64.min} is not a class in \[0, 10\)",
    ),
    (
        lambda: scce(changed(labels, 19, INT64.max), rows),
        ValueError,
        rf"y_true\[19\] = {INT64.max} is not a class in \[0, 10\)",
    ),
    (
        lambda: scce(changed(labels.astype(np.uint64), 2, 2**64 - 1), rows),
        ValueError,
        rf"y_true\[2\] = {2**64 - 1} is not a class in \[0, 10\)",
    ),
    (
        lambda: scce(changed(labels.astype(np.int8), 0, -1), rows),
        ValueError,
        r"y_true\[0\] = -1 is not a class",
    ),
    (
        lambda: scce(changed(labels.reshape(4, 5), (2, 3), 10), rows.reshape(4, 5, 10)),
        ValueError,
        r"y_true\[2, 3\] = 10 is not a class",
    ),
    (
        lambda: scce(changed(labels, 5, 11), rows, label_smoothing=0.1),
        ValueError,
        r"y_true\[5\] = 11 is not a class in \[0, 10\)",
    ),
    (
        lambda: scce(changed(labels, 5, 11), rows, ignore_class=-100),
        ValueError,
        r"y_true\[5\] = 11 is not a class in \[0, 10\)",
    ),
    (
        lambda: fl.hinge([1, 0, -1], np.zeros(3)),
        ValueError,
        r"y_true\[1\] = 0 is not a hinge label.*-1 and \+1",
    ),
    (
        lambda: fl.bce([0, 1, 2], np.full(3, 0.5)),
        ValueError,
        r"y_true\[2\] = 2 is not in \[0, 1\]",
    ),
    (
        lambda: fl.bce([0.0, 1.0], [0.5, -0.25]),
        ValueError,
        r"y_pred\[1\] = -0\.25 is not a probability in \[0, 1\].*from_logits=True",
    ),
    (
        lambda: fl.bce(np.float32([0, 1]), np.float32([0.5, 1 + 2.0**-23])),
        ValueError,
        r"y_pred\[1\] = 1\.0000001\d* is not a probability",
    ),
    (
        lambda: fl.cce(one_hot, changed(rows, (3, 9), 1.5)),
        ValueError,
        r"y_pred\[3, 9\] = 1\.5 is not a probability",
    ),
    (
        lambda: fl.cce(changed(one_hot, (3, 9), -1), rows),
        ValueError,
        r"y_true\[3, 9\] = -1\.0 is not in \[0, 1\]",
    ),
    (
        lambda: fl.cce(changed(one_hot, (0, 2), 1.5), rows, from_logits=True),
        ValueError,
        r"y_true\[0, 2\] = 1\.5 is not in \[0, 1\]",
    ),
    (
        lambda: fl.scce(labels, changed(rows, (4, 0), 7)),
        ValueError,
        r"y_pred\[4, 0\] = 7\.0 is not a probability in \[0, 1\]",
    ),
    (
        lambda: fl.mse(two, two, sample_weight=[1, -1]),
        ValueError,
        r"sample_weight sums to 0.*reduction=\"sum\"",
    ),
    # Parameters
    (lambda: fl.Huber(delta=0.0), ValueError, r"delta = 0\.0 is not a number in"),
    (lambda: fl.Huber(delta=np.nan), ValueError, r"delta = nan is not"),
    (lambda: fl.Huber(delta="1"), TypeError, r"delta = '1' is not"),
    (lambda: fl.huber(two, two, delta=-1), ValueError, r"delta = -1 is not"),
    (lambda: fl.huber(two, two, delt=1), TypeError, r"no parameter 'delt'.*delta"),
    (
        lambda: fl.Huber(reduction="avg"),
        ValueError,
        r"reduction = 'avg' is not one of 'mean', 'sum', 'none'",
    ),
    (
        lambda: fl.BinaryCrossentropy(label_smoothing=1.5),
        ValueError,
        r"label_smoothing = 1\.5 is not a number in \[0, 1\)",
    ),
    (lambda: fl.BinaryCrossentropy(eps=0.7), ValueError, r"eps = 0\.7"),
    (lambda: fl.BinaryCrossentropy(pos_weight=-1), ValueError, r"pos_weight = -1"),
    (lambda: fl.BinaryCrossentropy(from_logits=1), TypeError, r"from_logits = 1"),
    (
        lambda: scce(labels, rows, class_weight=[1.0, 2.0]),
        ValueError,
        r"class_weight has 2 entries, y_pred has 10 classes",
    ),
    (
        lambda: scce(labels, rows, class_weight={10: 2.0}),
        ValueError,
        r"class_weight names class 10, which is not in \[0, 10\)",
    ),
    (
        lambda: scce(labels, rows, class_weight=[-1.0] * 10),
        ValueError,
        r"class_weight\[0\] = -1\.0",
    ),
    (lambda: scce(labels, rows, ignore_class=0.5), TypeError, r"ignore_class = 0\.5"),
    (lambda: fl.get("hubert"), ValueError, r"'hubert'.*huber"),
    # Outputs
    (
        lambda: fl.mse(two, two, out=two.copy()),
        ValueError,
        r"out=.*reduction=\"none\"",
    ),
    (lambda: fl.mse.grad(two, two, out=[0, 0]), TypeError, r"out is list.*NumPy"),
    (
        lambda: fl.mse.grad(two, two, out=np.zeros(3)),
        ValueError,
        r"out has shape \(3,\): it must be \(2,\)",
    ),
    (
        lambda: fl.mse.grad(two, two, out=np.zeros(2, int)),
        TypeError,
        r"out has dtype int64.*float32 or float64",
    ),
    (
        lambda: fl.mse.grad(two, two, out=np.broadcast_to(0.0, 2)),
        ValueError,
        r"out is read-only",
    ),
    (
        lambda: fl.mse.grad(
            two, two, out=np.lib.stride_tricks.as_strided(np.zeros(1), (2,), (0,))
        ),
        ValueError,
        r"out has strides \(0,\): its elements share memory",
    ),
    (
        lambda: fl.mse.grad_and_hess(two, two, out=np.zeros(2)),
        TypeError,
        r"out must be a pair \(gradient, hessian\), got ndarray",
    ),
    # Threads and configuration
    (lambda: fl.set_num_threads(0), ValueError, r"n = 0 is not a number of threads"),
    (lambda: fl.show_config("json"), ValueError, r"mode = 'json'"),
]


tutorial_labels = np.array([1, 0, 2])
tutorial_rows = np.array([[0.1, 0.7, 0.2], [0.6, 0.2, 0.2], [0.3, 0.3, 0.4]])
yes, shares = np.array([0, 1, 0, 1]), np.array([0.2, 0.9, 0.1, 0.7])
SWAPPED = r"y_true and y_pred look swapped: labels come first"
NO_SCORES = r"needs a last axis with a score for each class"


def without_call() -> fl.Loss:
    class Nameless(fl.Loss):
        def forward(self, y_true: Any, y_pred: Any) -> Any:
            return y_true - y_pred

    return Nameless()


def with_a_name() -> fl.Loss:
    class Named(fl.Loss):
        def __init__(self, name: str = "named") -> None:
            super().__init__(name=name)

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return y_true - y_pred

    return Named()


#: What somebody types who learns.
CASES += [
    (lambda: fl.scce(tutorial_rows, tutorial_labels), ValueError, SWAPPED),
    (
        lambda: fl.scce(tutorial_rows.tolist(), tutorial_labels.tolist()),
        ValueError,
        SWAPPED,
    ),
    (lambda: fl.cce(tutorial_rows, tutorial_labels), ValueError, SWAPPED),
    (lambda: fl.hinge(shares, 2 * yes - 1), ValueError, r"0\.2 .*; " + SWAPPED),
    (lambda: fl.bce(shares - 1, yes), ValueError, r"= -0\.8 .*; " + SWAPPED),
    (
        lambda: fl.scce(tutorial_labels, tutorial_rows.argmax(axis=1)),
        ValueError,
        r"y_pred has shape \(3,\): it " + NO_SCORES,
    ),
    (
        lambda: fl.cce(np.eye(3), tutorial_rows.argmax(axis=1)),
        ValueError,
        NO_SCORES,
    ),
    (
        lambda: fl.scce(tutorial_labels == 1, [0.1, 0.7, 0.2]),
        ValueError,
        r"one class per row.*categorical_crossentropy",
    ),
    (
        lambda: fl.scce(tutorial_labels + 1, tutorial_rows),
        ValueError,
        r"y_true\[2\] = 3 is not a class in \[0, 3\); the first class is 0: use y_true",
    ),
    (
        lambda: fl.scce([1, 0, 3], tutorial_rows),
        ValueError,
        r"y_true\[2\] = 3 is not a class in \[0, 3\)$",
    ),
    (
        lambda: fl.scce([1, 0, -1], tutorial_rows),
        ValueError,
        r"y_true\[2\] = -1 is not a class in \[0, 3\); .*pass ignore_class=-1",
    ),
    (
        lambda: fl.bce(2 * yes - 1, shares),
        ValueError,
        r"y_true\[0\] = -1 is not in \[0, 1\]; for labels -1 and \+1 use",
    ),
    (
        lambda: fl.bce(yes + 1, shares),
        ValueError,
        r"y_true\[1\] = 2 is not in \[0, 1\]; for labels 1 and 2 use y_true - 1",
    ),
    (
        lambda: fl.bce([0, 1, 2], yes[:3]),
        ValueError,
        r"y_true\[2\] = 2 is not in \[0, 1\]$",
    ),
    (
        lambda: fl.hinge(yes, shares),
        ValueError,
        r"y_true\[0\] = 0 is not a hinge label.*; 2 \* y_true - 1 makes them",
    ),
    (
        lambda: fl.bce(yes, np.column_stack([1 - shares, shares])),
        ValueError,
        r"y_true has shape \(4,\), y_pred \(4, 2\): .*use y_pred\[\.\.\., 1\]",
    ),
    (
        lambda: fl.mse(yes, np.ones((4, 2))),
        ValueError,
        r"\(4, 2\): they must be equal",
    ),
    (lambda: fl.mse([1, 2, 3], 2), ValueError, r"np\.full\(np\.shape\(y_true\)"),
    (
        lambda: fl.scce(["cat", "dog", "cat"], tutorial_rows),
        TypeError,
        r"<U3: .*name the classes of such labels with classes=",
    ),
    (lambda: fl.mse(two, ["1", "2"]), TypeError, r"<U1: use np\.asarray\(y_pred\)"),
    (lambda: fl.mse(two, ["a", "b"]), TypeError, r"<U1: use booleans"),
    (lambda: fl.mse(two, None), TypeError, r"y_pred is None: pass an array"),
    (
        lambda: fl.gaussian_nll(two, [1.0, 2.0]),
        ValueError,
        r"mean \(\): .*; mean is one number",
    ),
    (lambda: fl.gaussian_nll(two, two), TypeError, r"pass y_pred=\(mean, var\)"),
    (lambda: fl.cox([1, 2], two), ValueError, r"; time is one number"),
    (lambda: fl.cox(two, two), TypeError, r"pass y_true=\(time, event\)"),
    (
        lambda: fl.huber(two, two, two),
        TypeError,
        r"got 1 more without a name: .* as sample_weight=.*, out=, reduction=, delta=",
    ),
    (
        lambda: fl.bce(two, two, two, 1.0),
        TypeError,
        r"BinaryCrossentropy is called with y_true and y_pred, and got 2 more",
    ),
    (lambda: fl.Huber(1.5), TypeError, r"Huber takes keywords: Huber\(delta=\.\.\.\)"),
    (
        lambda: fl.Huber(two, two),
        TypeError,
        r"takes no arrays: call what it makes, Huber\(\)\(y_true, y_pred\)",
    ),
    (
        lambda: fl.mse(two, two, weights=two),
        TypeError,
        r"no parameter 'weights'.*sample_weight",
    ),
    (
        lambda: fl.mse(two, two, size_average=True),
        TypeError,
        r"no parameter 'size_average'.*reduction is \"mean\"",
    ),
    (
        lambda: scce(labels, rows, class_weight="balanced"),
        TypeError,
        r"balanced ones are y_true\.size / \(classes \* np\.bincount\(y_true\)\)",
    ),
    (
        lambda: fl.MSELoss,
        AttributeError,
        r"no attribute 'MSELoss'; fl\.get\('MSELoss'\) is MeanSquaredError\(\)",
    ),
    (
        lambda: fl.hubert_loss,
        AttributeError,
        r"no attribute 'hubert_loss'; did you mean .*huber",
    ),
    (lambda: fl.log_loss, AttributeError, r"scikit-learn's log_loss is"),
    (lambda: fl.xyzzy, AttributeError, r"no attribute 'xyzzy'$"),
    (without_call, TypeError, r"Nameless has no formula: give the class a method call"),
    (with_a_name, TypeError, r"'name' belongs to every loss.*leave it out"),
    (
        lambda: fl.custom(lambda y_pred, y_true: y_true - y_pred),
        TypeError,
        r"takes \(y_pred, y_true\), and labels come first",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), CASES, ids=range(len(CASES)))
def test_messages(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        call()
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fl.bce([2, 2, 2], shares[:3]), "y_true[0] = 2 is not in [0, 1]"),
        (lambda: fl.bce([-1, 0, 1], shares[:3]), "y_true[0] = -1 is not in [0, 1]"),
        (
            lambda: fl.hinge([0.5, -0.5], [1, 1]),
            "y_true[0] = 0.5 is not a hinge label: use -1 and +1, or booleans",
        ),
        (
            lambda: fl.hinge([2, -2], [1, -1]),
            "y_true[0] = 2 is not a hinge label: use -1 and +1, or booleans",
        ),
        (
            lambda: fl.scce([1, 2, 9], tutorial_rows),
            "y_true[2] = 9 is not a class in [0, 3)",
        ),
        (
            lambda: fl.scce([-7, 0, 1], tutorial_rows),
            "y_true[0] = -7 is not a class in [0, 3)",
        ),
        (
            lambda: fl.scce(tutorial_rows, [0.5, 0.0, 2.0]),
            "y_true has shape (3, 3), y_pred (3,): y_true must have shape ()",
        ),
    ],
)
def test_other_codings_are_not_guessed(call: Callable[[], Any], message: str) -> None:
    """Nothing more is said where the labels could be anything."""
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}$"):
        call()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_offender_is_named(threads: int) -> None:
    """Also when another thread meets a later one first."""
    y = np.zeros(400_000, np.int64)
    y[[17, 200_000, 399_999]] = 12
    with fl.threads(threads):
        for _ in range(20):
            with pytest.raises(ValueError, match=re.escape("y_true[17] = 12")):
                scce(y, np.broadcast_to(0.0, (y.size, 10)))


@pytest.mark.parametrize("loss", oracle.refusing_losses(), ids=oracle.label)
def test_errors_leave_inputs_and_loss_as_they_were(loss: fl.Loss) -> None:
    row = oracle.ROWS[loss.kernel]
    random = np.random.RandomState(17)
    y, x = oracle.plain(loss.kernel, np.float64, 70_000, random)
    before = loss.value_and_grad(y, x)
    bad_y, bad_x = y.copy(), x.copy()
    if row.labels != ("real",):
        bad_y.flat[-1] = 99
    else:
        bad_x.flat[-1] = 99
    copies = bad_y.copy(), bad_x.copy()
    with pytest.raises(ValueError, match=r"\[\d+(, \d+)?\] = 99"):
        loss.value_and_grad(bad_y, bad_x)
    with pytest.raises(ValueError, match="99"):
        loss.grad(bad_y, bad_x, out=np.empty_like(x))
    np.testing.assert_array_equal(bad_y, copies[0])
    np.testing.assert_array_equal(bad_x, copies[1])
    after = loss.value_and_grad(y, x)
    assert after[0] == before[0]
    np.testing.assert_array_equal(after[1], before[1])
