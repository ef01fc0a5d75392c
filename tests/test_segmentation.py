"""Losses of regions: by hand, at their edges, and what they say of wrong axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastloss as fl

Array = np.ndarray[Any, Any]
Random = np.random.RandomState

Y = np.array([0.0, 1, 1, 0])
P = np.array([0.5, 1, 0.25, 0])
BOTH, FALSE, LOST, NEITHER = 1.25, 0.5, 0.75, 1.5


def test_jaccard_by_hand() -> None:
    loss = fl.Jaccard(smooth=0.0)
    union = BOTH + FALSE + LOST
    assert loss(Y, P) == pytest.approx(1 - BOTH / union, rel=1e-15)
    grad, hess = loss.grad_and_hess(Y, P)
    none, full = BOTH / union**2, -1 / union
    np.testing.assert_allclose(grad, [none, full, full, none], rtol=1e-15)
    np.testing.assert_allclose(
        hess, [-2 * none / union, 0, 0, -2 * none / union], rtol=1e-15
    )
    smooth = fl.jaccard(Y, P, smooth=2.0)
    assert smooth == pytest.approx(1 - (BOTH + 2) / (union + 2), rel=1e-15)


def test_tversky_by_hand() -> None:
    loss = fl.Tversky(alpha=0.2, beta=3.0, smooth=0.5)
    index = (BOTH + 0.5) / (BOTH + 0.2 * FALSE + 3 * LOST + 0.5)
    assert loss(Y, P) == pytest.approx(1 - index, rel=1e-15)
    cubed = loss(Y, P, gamma=3.0)
    assert cubed == pytest.approx((1 - index) ** 3, rel=1e-14)
    grad = loss.grad(Y, P)
    chained = loss.grad(Y, P, gamma=3.0)
    np.testing.assert_allclose(chained, 3 * (1 - index) ** 2 * grad, rtol=1e-14)


def test_tversky_is_dice_and_jaccard() -> None:
    dice = fl.dice.value_and_grad(Y, P, smooth=1.0)
    jaccard = fl.jaccard.value_and_grad(Y, P, smooth=1.0)
    half = fl.tversky.value_and_grad(Y, P, alpha=0.5, beta=0.5, smooth=0.5)
    ones = fl.tversky.value_and_grad(Y, P, alpha=1.0, beta=1.0, smooth=1.0)
    for one, other in ((dice, half), (jaccard, ones)):
        assert one[0] == pytest.approx(other[0], rel=1e-15)
        np.testing.assert_allclose(one[1], other[1], rtol=1e-15)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.5, 2.0, 3.0])
def test_tversky_of_a_region_that_is_right(gamma: float) -> None:
    loss = fl.Tversky(gamma=gamma, smooth=0.0)
    value, grad = loss.value_and_grad(Y, Y)
    hess = loss.grad_and_hess(Y, Y)[1]
    assert value == 0
    expected = np.array([0.25, -0.25, -0.25, 0.25]) if gamma == 1 else np.zeros(4)
    np.testing.assert_allclose(grad, expected, rtol=1e-15)
    if gamma == 2:
        np.testing.assert_allclose(hess, 2 * 0.0625, rtol=1e-15)
    elif gamma != 1:
        np.testing.assert_array_equal(hess, 0)


def test_generalized_dice_by_hand() -> None:
    """Three classes of 1, 4 and no labels."""
    y = np.array([[[1.0, 0, 0, 0, 0], [0, 1, 1, 1, 1], [0, 0, 0, 0, 0]]])
    p = np.array([[[0.5, 0.25, 0, 0, 0], [0, 0.5, 1, 1, 1], [0.5, 0.25, 0, 0, 0]]])
    for weighting, w in (
        ("square", [1, 1 / 16, 1]),
        ("simple", [1, 1 / 4, 1]),
        ("uniform", [1, 1, 1]),
    ):
        above = 2 * (w[0] * 0.5 + w[1] * 3.5)
        below = w[0] * 1.75 + w[1] * 7.5 + w[2] * 0.75
        for smooth in (0.0, 0.5):
            loss = fl.GeneralizedDice(weighting=weighting, smooth=smooth)
            expected = 1 - (above + smooth) / (below + smooth)
            value, grad = loss.value_and_grad(y, p)
            assert value == pytest.approx(expected, rel=1e-15)
            none = np.array(w) * (above + smooth) / (below + smooth) ** 2
            np.testing.assert_allclose(grad[0, :, 4] * [1, 0, 1], none * [1, 0, 1])
            full = none[1] - 2 * w[1] / (below + smooth)
            assert grad[0, 1, 4] == pytest.approx(full, rel=1e-14)


def test_generalized_dice_of_samples_and_of_all() -> None:
    random = Random(0)
    y = (random.rand(2, 3, 4, 5) < 0.3).astype(float)
    p = random.rand(2, 3, 4, 5)
    loss = fl.GeneralizedDice(reduction="none")
    each = loss(y, p, axis=(2, 3))
    assert each.shape == (2,)
    for k in range(2):
        assert each[k] == loss(y[k : k + 1], p[k : k + 1])
    together = loss(y, p)
    assert together.shape == ()
    joined = [np.moveaxis(a, 1, 0).reshape(1, 3, 40) for a in (y, p)]
    assert together == loss(*joined, axis=2)[0]


def test_generalized_dice_of_tiny_labels() -> None:
    """A weight that would be infinite is that of a class without labels."""
    y = np.array([[[1e-200, 0.0], [1, 1]]])
    p = np.array([[[0.5, 0.5], [1, 1]]])
    value = fl.generalized_dice(y, p, smooth=0.0)
    assert value == pytest.approx(0.25 / 1.25, rel=1e-15)


def test_mcc_by_hand() -> None:
    above = BOTH * NEITHER - FALSE * LOST
    below = np.sqrt(1.75 * 2.0 * 2.0 * 2.25)
    assert fl.mcc(Y, P, smooth=0.0) == pytest.approx(1 - above / below, rel=1e-15)
    s = 0.25
    above = (BOTH + s) * (NEITHER + s) - (FALSE + s) * (LOST + s)
    below = np.sqrt(2.25 * 2.5 * 2.5 * 2.75)
    assert fl.mcc(Y, P, smooth=s) == pytest.approx(1 - above / below, rel=1e-15)


def test_mcc_keeps_the_digits_of_a_region_that_is_nearly_right() -> None:
    e = 1e-12
    value = fl.mcc([0, 1], [e, 1.0], smooth=0.0)
    # (1 - e) / sqrt((1 + e) (1 - e)) = 1 - e + e^2/2 - ...
    assert value == pytest.approx(e, rel=1e-11, abs=0)


def test_mcc_of_the_contrary_and_of_nothing() -> None:
    assert fl.mcc(Y, 1 - Y, smooth=0.0) == 2
    assert fl.mcc(Y, [0.5] * 4, smooth=0.0) == 1
    for p in (0 * Y, 0 * Y + 1):
        value, grad = fl.mcc.value_and_grad(Y, p, smooth=0.0)
        assert value == 1
        np.testing.assert_array_equal(grad, 0)


@pytest.mark.parametrize("loss", [fl.jaccard, fl.tversky, fl.mcc, fl.dice])
def test_hard_labels_have_one_definition_of_true_positives(loss: fl.Loss) -> None:
    random = Random(1)
    y, p = (random.rand(3, 50) < 0.3).astype(float), random.rand(3, 50)
    one = loss.value_and_grad(y, p, tp="product")
    other = loss.value_and_grad(y, p, tp="absolute")
    assert one[0] == pytest.approx(other[0], rel=1e-13)
    np.testing.assert_allclose(one[1], other[1], rtol=1e-12)


@pytest.mark.parametrize("loss", [fl.jaccard, fl.tversky, fl.mcc, fl.generalized_dice])
def test_at_the_kink_of_the_absolute_form(loss: fl.Loss) -> None:
    """The mean of the slopes on both sides."""
    y = np.array([[[0.5, 0.5, 1, 0], [1, 1, 0, 0]]])
    p = np.array([[[0.5, 0.25, 1, 0], [1, 0.5, 0, 0.5]]])
    h = 1e-7
    up, down = p.copy(), p.copy()
    up[0, 0, 0] += h
    down[0, 0, 0] -= h
    value, grad = loss.value_and_grad(y, p, tp="absolute")
    above = loss(y, up, tp="absolute") - value
    below = value - loss(y, down, tp="absolute")
    assert above / h != pytest.approx(below / h, rel=0.1)
    assert grad[0, 0, 0] == pytest.approx((above + below) / (2 * h), rel=1e-6)


three = np.ones((2, 3, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: fl.generalized_dice(three, three, axis=1),
            ValueError,
            r"axis = 1 names the axis 1 of the classes, too: leave it to class_axis",
        ),
        (
            lambda: fl.generalized_dice(three, three, class_axis=3),
            ValueError,
            r"class_axis = 3, y_pred has 3 axes",
        ),
        (
            lambda: fl.generalized_dice(three, three - 3 * (three == 1), axis=0),
            ValueError,
            r"y_pred\[0, 0, 0\] = -2\.0 is not in \[0, 1\]",
        ),
        (lambda: fl.Tversky(gamma=0), ValueError, r"gamma = 0 is not a number in \("),
        (lambda: fl.Tversky(beta=-1), ValueError, r"beta = -1 is not a number in \["),
        (
            lambda: fl.GeneralizedDice(weighting="none"),
            ValueError,
            r"weighting = 'none' is not one of",
        ),
        (lambda: fl.MCC(smooth=-1), ValueError, r"smooth = -1 is not a number in \["),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_place_of_a_bad_number_is_that_of_the_array() -> None:
    y, p = np.zeros((4, 3, 9)), np.zeros((4, 3, 9))
    p[2, 1, 7] = 1.5
    with pytest.raises(ValueError, match=r"y_pred\[2, 1, 7\] = 1\.5"):
        fl.generalized_dice(y, p, axis=0, class_axis=1)


def test_classes_last_are_classes_first() -> None:
    random = Random(2)
    y, p = (random.rand(3, 4, 7000) < 0.4).astype(float), random.rand(3, 4, 7000)
    loss = fl.GeneralizedDice(axis=2, reduction="none")
    value, grad = loss.value_and_grad(y, p)
    last = [np.ascontiguousarray(np.moveaxis(a, 1, 2)) for a in (y, p)]
    other, moved = loss.value_and_grad(*last, axis=1, class_axis=-1)
    np.testing.assert_array_equal(value, other)
    np.testing.assert_array_equal(grad, np.moveaxis(moved, 2, 1))


HINGE_Y = np.array([1, 0, 1, 0, 0])
HINGE_X = np.array([-0.5, 0.25, 3.0, -2.0, -0.5])


def test_lovasz_hinge_by_hand() -> None:
    """Errors 1.5 (of a 1), 1.25, -2, -1 and 0.5, with two labels of 1."""
    value, grad = fl.lovasz_hinge.value_and_grad(HINGE_Y, HINGE_X)
    # J = 1/2, 1 - 1/3, 1 - 1/4
    assert value == pytest.approx(1.5 / 2 + 1.25 / 6 + 0.5 / 12, rel=1e-15)
    np.testing.assert_allclose(grad, [-1 / 2, 1 / 6, 0, 0, 1 / 12], rtol=1e-15)
    assert not fl.lovasz_hinge.grad_and_hess(HINGE_Y, HINGE_X)[1].any()


def test_lovasz_hinge_at_its_kinks() -> None:
    """An error of 0 has no slope; of equal errors the first entry comes first."""
    y, x = [1, 0, 1], [1.0, -0.5, 0.5]
    np.testing.assert_allclose(fl.lovasz_hinge.grad(y, x), [0, 1 / 3, -1 / 3])
    np.testing.assert_allclose(
        fl.lovasz_hinge.grad(y[::-1], x[::-1]), [-1 / 2, 1 / 6, 0], rtol=1e-15
    )
    assert fl.lovasz_hinge(y, x) == pytest.approx(fl.lovasz_hinge(y[::-1], x[::-1]))


def test_lovasz_of_regions_without_labels() -> None:
    """The largest error alone."""
    value, grad = fl.lovasz_hinge.value_and_grad([0, 0, 0], [0.5, 2.0, 1.0])
    assert value == 3
    assert grad.tolist() == [0, 1, 0]
    p = np.array([[[0.5, 0.75], [0.5, 0.25]]])
    value, grad = fl.lovasz_softmax.value_and_grad([[0, 0]], p, average="all")
    present = 0.5 / 2 + 0.25 / 2
    assert value == (present + 0.5) / 2
    assert grad.tolist() == [[[-0.25, -0.25], [0.5, 0]]]
    assert fl.lovasz_softmax([[0, 0]], p) == present


@pytest.mark.parametrize("average", ["present", "all"])
def test_lovasz_leaves_out_ignored_entries(average: str) -> None:
    random = Random(3)
    y = random.randint(0, 3, (2, 60))
    y[1] = 255
    y[0, ::3] = 255
    p = random.rand(2, 3, 60)
    p[:, :, ::3] = np.nan
    kept = y[0] != 255
    loss = fl.LovaszSoftmax(axis=2, average=average, ignore_class=255)
    value, grad = loss.value_and_grad(y, p)
    expected, other = loss.value_and_grad(y[:1, kept], p[:1][:, :, kept])
    assert value == expected
    np.testing.assert_array_equal(grad[:1][:, :, kept], other)
    assert not grad[0][:, ~kept].any()
    assert not grad[1].any()
    assert loss(y, p, reduction="sum_over_batch_size") == expected / 2
    assert loss.partial(y, p).value() == pytest.approx(expected, rel=1e-15)
    mask = np.where(y == 2, 255, y)
    x = 4 * p[:, 0] - 2
    hinge = fl.LovaszHinge(ignore_class=255, axis=1)
    kept = mask[0] != 255
    assert hinge(mask, x) == hinge(mask[:1, kept], x[:1, kept])


def test_lovasz_of_missing_and_infinite_logits() -> None:
    x = HINGE_X.copy()
    x[3] = np.nan
    value, grad = fl.lovasz_hinge.value_and_grad(HINGE_Y, x)
    assert np.isnan(value)
    np.testing.assert_array_equal(np.isnan(grad), [1, 1, 0, 1, 1])
    x[3] = np.inf
    assert fl.lovasz_hinge(HINGE_Y, x) == np.inf


def test_lovasz_classes_anywhere_and_wide_outputs() -> None:
    random = Random(4)
    y, p = random.randint(0, 4, (3, 5, 6)), random.rand(3, 4, 5, 6)
    loss = fl.LovaszSoftmax(reduction="none", axis=(2, 3))
    value, grad = loss.value_and_grad(y, p)
    last = np.ascontiguousarray(np.moveaxis(p, 1, 3))
    out = np.zeros((3, 5, 6, 8))[..., ::2]
    other, moved = loss.value_and_grad(
        y, last, axis=(1, 2), class_axis=-1, out=(np.empty(3), out)
    )
    assert moved is out
    np.testing.assert_array_equal(value, other)
    np.testing.assert_array_equal(grad, np.moveaxis(out, 3, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fl.lovasz_hinge([0, -1], [0.5, 0.5]),
            r"y_true\[1\] = -1 is not a class in \[0, 2\); ignore_class= leaves",
        ),
        (
            lambda: fl.lovasz_softmax([[0, 0], [0, 2]], np.full((2, 2, 2), 0.5)),
            r"y_true\[1, 1\] = 2 is not a class in \[0, 2\); ignore_class= leaves",
        ),
        (
            lambda: fl.lovasz_softmax([[0], [0]], [[[0.5], [1.0]], [[0.5], [1.5]]]),
            r"y_pred\[1, 1, 0\] = 1\.5 is not in \[0, 1\]",
        ),
        (
            lambda: fl.lovasz_softmax([[0, 0]], np.full((1, 2, 3), 0.5)),
            r"y_true has shape \(1, 2\), y_pred \(1, 3, 2\)",
        ),
        (lambda: fl.LovaszSoftmax(average="mean"), r"average = 'mean' is not one of"),
        (
            lambda: fl.lovasz_hinge.partial([0, 1], [0.5, 0.5]),
            r"one region: parts of it do not add up",
        ),
    ],
)
def test_lovasz_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
