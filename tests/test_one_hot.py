"""Rows that are a 1 and zeros, and all that looks like one and is not."""

from __future__ import annotations

import numpy as np
import oracle
import pytest

import fastloss as fl

#: Narrow and wide rows, whole groups of 16 and ragged ones, words of 64 bits and more.
WIDTHS = (3, 16, 17, 57, 58, 64, 65, 70, 80, 127)
VALUES = (1.0, 2.0**-20, "tiny")
BAD = (-1.0, 2.0, -0.5)


def places(classes: int) -> list[int]:
    """Columns of each kind: the ends of the row and of groups of 16."""
    wanted = (0, 1, 10, 15, 16, 31, 32, classes // 16 * 16 - 1, classes // 16 * 16)
    ends = (classes - 17, classes - 16, classes - 15, classes - 2, classes - 1)
    return sorted({c for c in (*wanted, *ends) if 0 <= c < classes})


def costs(x: np.ndarray, from_logits: bool) -> np.ndarray:
    """The loss of each class of a row, in double precision."""
    x = x.astype(float)
    return np.log(np.sum(np.exp(x))) - x if from_logits else -np.log(x)


def row_of(dtype: type, classes: int, from_logits: bool) -> np.ndarray:
    x = np.random.RandomState(classes).uniform(0.1, 0.9, classes).astype(dtype)
    return x * 4 if from_logits else x


@pytest.mark.parametrize("classes", WIDTHS)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_a_second_entry_counts(dtype: type, from_logits: bool, classes: int) -> None:
    """Wherever the 1 and the other entry are, in a row between one-hot rows."""
    loss = fl.CategoricalCrossentropy(
        from_logits=from_logits, reduction="none", label_sum="any"
    )
    x = np.tile(row_of(dtype, classes, from_logits), (3, 1))
    each = costs(x[0], from_logits)
    y = np.zeros((3, classes), dtype)
    y[0, 0] = y[2, -1] = 1
    rtol = 8 * np.finfo(dtype).eps
    for one in places(classes):
        y[1] = 0
        y[1, one] = 1
        expected = [each[0], each[one], each[-1]]
        np.testing.assert_allclose(loss(y, x), expected, rtol=rtol)
        for other in places(classes):
            if other == one:
                continue
            for name in VALUES:
                value = np.finfo(dtype).smallest_subnormal if name == "tiny" else name
                y[1, other] = value
                exact = each[one] + float(value) * each[other]
                expected = [each[0], exact, each[-1]]
                np.testing.assert_allclose(loss(y, x), expected, rtol=rtol)
            y[1, other] = 0


@pytest.mark.parametrize("classes", WIDTHS)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_gradients_know_the_second_entry(
    dtype: type, from_logits: bool, classes: int
) -> None:
    """As the sum of those of two one-hot rows; the same with the value asked for."""
    loss = fl.CategoricalCrossentropy(
        from_logits=from_logits, reduction="none", label_sum="any"
    )
    x = np.tile(row_of(dtype, classes, from_logits), (3, 1))
    eye = np.eye(classes, dtype=dtype)
    for one in places(classes):
        for other in places(classes)[::3]:
            y = eye[[0, one, classes - 1]]
            y[1] = np.maximum(y[1], eye[other])
            alone = loss.grad(eye[[one, other]], x[:2])
            expected = alone[0] if one == other else alone[0] + alone[1]
            value, grad = loss.value_and_grad(y, x)
            np.testing.assert_array_equal(value, loss(y, x))
            np.testing.assert_allclose(grad[1], expected, rtol=1e-4, atol=1e-6)
            np.testing.assert_array_equal(loss.grad_and_hess(y, x)[0], loss.grad(y, x))
            np.testing.assert_allclose(loss.grad(y, x), grad, rtol=1e-5)


@pytest.mark.parametrize("classes", WIDTHS)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_what_is_no_label_weight(dtype: type, from_logits: bool, classes: int) -> None:
    loss = fl.CategoricalCrossentropy(
        from_logits=from_logits, reduction="none", label_sum="any"
    )
    x = np.tile(row_of(dtype, classes, from_logits), (3, 1))
    eye = np.eye(classes, dtype=dtype)
    for one in places(classes):
        for other in {places(classes)[0], places(classes)[-1], one}:
            for bad in BAD:
                y = eye[[0, one, classes - 1]]
                y[1, other] = bad
                for call in (loss, loss.grad, loss.value_and_grad):
                    with pytest.raises(ValueError, match=rf"y_true\[1, {other}\] = "):
                        call(y, x)
            y = eye[[0, one, classes - 1]]
            y[1, other] = np.nan
            assert np.isnan(loss(y, x)).tolist() == [False, True, False]
            y = eye[[0, one, classes - 1]]
            y[1] = 0
            y[1, other] = -0.0
            assert loss(y, x)[1] == 0


@pytest.mark.parametrize("classes", WIDTHS)
@pytest.mark.parametrize("wider", [0, 3])
@pytest.mark.parametrize("dtype", oracle.DTYPES)
def test_probabilities_no_class_picks_are_checked(
    dtype: type, wider: int, classes: int
) -> None:
    """As in every call that asks for the value of one-hot rows."""
    p = np.full((4, classes + wider), 0.5, dtype)[:, :classes]
    labels = np.array([0, classes - 1, classes // 2, 1])
    y = np.eye(classes, dtype=dtype)[labels]
    for row in (0, 1, 3):
        for column in places(classes):
            for bad in (7, -0.5, 1 + np.finfo(dtype).eps):
                p[row, column] = bad
                for call in (fl.cce, fl.cce.value_and_grad, fl.cce.grad):
                    with pytest.raises(
                        ValueError,
                        match=rf"y_pred\[{row}, {column}\] = .* is not a pro",
                    ):
                        call(y, p)
            p[row, column] = 0.5
