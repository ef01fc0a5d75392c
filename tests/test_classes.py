"""Labels that are names of classes."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastloss as fl

ANIMALS = ("cat", "dog", "emu")
ROWS = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.25, 0.5, 0.25]])
NAMES = ["cat", "emu", "dog"]
NUMBERS = [0, 2, 1]

SPARSE = [
    fl.scce,
    fl.SparseCategoricalCrossentropy(from_logits=True),
    fl.categorical_focal,
    fl.categorical_poly1,
    fl.gce,
    fl.symmetric_ce,
    fl.crammer_singer,
    fl.multi_margin,
    fl.nll,
]
BINARY = [fl.bce, fl.focal, fl.poly1, fl.brier, fl.asymmetric]
SIGNS = [fl.hinge, fl.squared_hinge, fl.soft_margin, fl.exponential, fl.modified_huber]


def predictions(loss: Any) -> Any:
    return np.log(ROWS) if loss is fl.nll else ROWS


@pytest.mark.parametrize("loss", SPARSE, ids=repr)
@pytest.mark.parametrize("method", ["__call__", "grad", "value_and_grad"])
def test_names_are_the_numbers_of_their_columns(loss: Any, method: str) -> None:
    given = predictions(loss)
    named = getattr(loss, method)(NAMES, given, classes=ANIMALS)
    numbered = getattr(loss, method)(NUMBERS, given)
    for found, wanted in (
        zip(named, numbered, strict=True)
        if type(named) is tuple
        else [(named, numbered)]
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("loss", BINARY, ids=repr)
def test_the_first_of_two_names_is_0(loss: Any) -> None:
    p = np.array([0.25, 0.75, 0.5])
    found = loss.grad(["no", "yes", "no"], p, classes=["no", "yes"])
    np.testing.assert_array_equal(found, loss.grad([0, 1, 0], p))
    assert not np.array_equal(found, loss.grad([1, 0, 1], p))


@pytest.mark.parametrize("loss", SIGNS, ids=repr)
def test_the_first_of_two_names_is_minus_1(loss: Any) -> None:
    x = np.array([0.25, 0.75, -0.5])
    found = loss.grad(["no", "yes", "no"], x, classes=["no", "yes"])
    np.testing.assert_array_equal(found, loss.grad([-1, 1, -1], x))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([10, 30, 20], [10, 20, 30]),
        (np.array([1.5, 3.5, 2.5]), np.array([1.5, 2.5, 3.5])),
        (np.array(["a", "c", "b"]), np.array(["a", "b", "c"])),
        (np.array(["a", "c", "b"], object), ("a", "b", "c")),
        ([1, 0, 2], [1, 2, 0]),  # numbers that could be places are labels
        (np.array([1, 0, 2], np.int64), np.array([1, 2, 0])),
    ],
)
def test_names_may_be_anything_that_is_equal(labels: Any, classes: Any) -> None:
    assert fl.scce(labels, ROWS, classes=classes) == fl.scce(NUMBERS, ROWS)


def test_more_axes_and_arrays_for_results() -> None:
    rows = np.stack([ROWS, ROWS[::-1]])
    names = np.array([NAMES, NAMES])
    out = np.empty_like(rows)
    assert fl.scce.grad(names, rows, classes=ANIMALS, out=out) is out
    np.testing.assert_array_equal(out, fl.scce.grad([NUMBERS, NUMBERS], rows))


def test_class_weights_go_by_name() -> None:
    weight = {"emu": 2.0, "dog": 0.5}
    found = fl.scce(NAMES, ROWS, classes=ANIMALS, class_weight=weight)
    assert found == fl.scce(NUMBERS, ROWS, class_weight=[1, 0.5, 2])
    loss = fl.SparseCategoricalCrossentropy(classes=ANIMALS, class_weight=weight)
    assert loss(NAMES, ROWS) == found
    assert loss(NAMES, ROWS, reduction="sum") == fl.scce(
        NUMBERS, ROWS, class_weight=[1, 0.5, 2], reduction="sum"
    )
    in_order = fl.scce(NAMES, ROWS, classes=ANIMALS, class_weight=[1, 0.5, 2])
    assert in_order == found


@pytest.mark.parametrize("ignored", [-1, 0, 20, "none"])
def test_an_ignored_label_is_one_of_those_that_are_given(ignored: Any) -> None:
    labels = [10, ignored, 30] if ignored != 20 else [10, 20, 30]
    classes = [10, 20, 30] if ignored != 20 else [10, 40, 30]
    given = np.array(labels, object)
    found = fl.scce(given, ROWS, classes=classes, ignore_class=ignored)
    assert found == fl.scce([0, -1, 2], ROWS, ignore_class=-1)


def test_an_ignored_label_may_be_one_of_the_classes() -> None:
    loss = fl.SparseCategoricalCrossentropy(classes=[10, 20, 30], ignore_class=20)
    assert loss([10, 20, 30], ROWS) == fl.scce([0, -1, 2], ROWS, ignore_class=-1)
    np.testing.assert_array_equal(loss.initial([10, 20, 30]), [0.5, 0, 0.5])


def test_states_do_not_count_an_ignored_name() -> None:
    loss = fl.SparseCategoricalCrossentropy(classes=["a", "b", "c"], ignore_class="?")
    named = loss.partial(["a", "?", "c"], ROWS)
    numbered = fl.scce.partial([0, -1, 2], ROWS, ignore_class=-1)
    assert named.count == numbered.count == 2
    assert named.value() == numbered.value()
    assert named.standard_error() == numbered.standard_error()


def test_a_loss_with_names_is_a_value() -> None:
    loss = fl.SparseCategoricalCrossentropy(classes=np.array(ANIMALS))
    assert loss == fl.SparseCategoricalCrossentropy(classes=list(ANIMALS))
    assert loss != fl.SparseCategoricalCrossentropy()
    assert pickle.loads(pickle.dumps(loss)) == loss
    assert eval(f"fl.{loss!r}") == loss
    assert loss.classes == ANIMALS
    np.testing.assert_array_equal(
        loss.initial(["cat", "emu", "dog", "emu"]), [0.25, 0.25, 0.5]
    )
    brier = fl.Brier(classes=("no", "yes"))
    assert brier.initial(["no", "yes", "yes"]) == pytest.approx(2 / 3)


def test_equal_numbers_are_one_label() -> None:
    assert fl.scce([True, 0.0], ROWS[:2, :2], classes=[0, 1]) == fl.scce(
        [1, 0], ROWS[:2, :2]
    )


ERRORS: list[tuple[type[Exception], str, Callable[[], object]]] = [
    (
        ValueError,
        "y_true[1] = 'bird' is none of the classes ('cat', 'dog', 'emu')",
        lambda: fl.scce(["cat", "bird", "dog"], ROWS, classes=ANIMALS),
    ),
    (
        ValueError,
        "y_true[1, 0] = 4 is none of the classes (0, 1, 2, 3)",
        lambda: fl.scce([[1], [4]], np.full((2, 1, 4), 0.25), classes=range(4)),
    ),
    (
        ValueError,
        "(0, 1, 2, 3, 4, 5, 6, 7, ... 9 in all)",
        lambda: fl.scce([9], np.full((1, 9), 1 / 9), classes=range(9)),
    ),
    (
        ValueError,
        "classes has 2 labels, y_pred has 3 columns",
        lambda: fl.scce(["a", "b", "a"], ROWS, classes=["a", "b"]),
    ),
    (
        ValueError,
        "classes has 3 labels: there are two, the negative first",
        lambda: fl.bce(["a"], [0.5], classes=["a", "b", "c"]),
    ),
    (
        ValueError,
        "classes[2] = 'a' is classes[0] again",
        lambda: fl.scce(["a"], ROWS[:1], classes=["a", "b", "a"]),
    ),
    (
        TypeError,
        "classes = 'abc' must be a sequence of labels",
        lambda: fl.scce(["a"], ROWS[:1], classes="abc"),
    ),
    (
        TypeError,
        "must be a sequence of labels, in the order",
        lambda: fl.scce(["a"], ROWS[:1], classes={"a", "b", "c"}),
    ),
    (
        TypeError,
        "classes[0] = ['a'] is neither a string nor a number",
        lambda: fl.scce(["a"], ROWS[:1], classes=[["a"], "b", "c"]),
    ),
    (
        ValueError,
        "class_weight names 'fox', which is none of the classes ('cat',",
        lambda: fl.scce(NAMES, ROWS, classes=ANIMALS, class_weight={"fox": 2}),
    ),
    (
        TypeError,
        "float64, or name the classes of such labels with classes=[...]",
        lambda: fl.scce(NAMES, ROWS),
    ),
    (
        TypeError,
        "y_true holds 'cat' at index 0: use booleans, integers, float32",
        lambda: fl.scce(np.array(NAMES, object), ROWS),
    ),
]


@pytest.mark.parametrize(("error", "text", "call"), ERRORS)
def test_errors(error: type[Exception], text: str, call: Callable[[], object]) -> None:
    with pytest.raises(error, match=re.escape(text)):
        call()


def test_text_that_is_no_label_has_no_classes() -> None:
    with pytest.raises(TypeError, match=r"y_pred has dtype <U1: .*float64$"):
        fl.scce([0], np.array([["a", "b"]]))
