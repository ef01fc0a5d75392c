"""Losses of embeddings: pairs at their kinks, batches, worked out by hand."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import fastloss as fl

NAN, INF = np.nan, np.inf


def test_contrastive_at_its_kinks() -> None:
    a = np.zeros((4, 2))
    b = np.array([[3.0, 4], [3, 4], [0, 0], [0, 0.5]])
    loss = fl.Contrastive(margin=5.0, reduction="none")
    np.testing.assert_array_equal(loss([1, 0, 0, 0], (a, b)), [12.5, 0, 12.5, 10.125])
    (by_a, by_b), hesses = loss.grad_and_hess([1, 0, 0, 0], (a, b))
    np.testing.assert_array_equal(by_b, [[3, 4], [0, 0], [0, 0], [0, -4.5]])
    np.testing.assert_array_equal(by_a, -by_b)
    # Where the margin is met, and at a distance of 0, there is none; 1 - lack/d else.
    np.testing.assert_array_equal(hesses[0], [[1, 1], [0, 0], [0, 0], [-9, 1]])
    np.testing.assert_array_equal(hesses[1], hesses[0])


def test_contrastive_of_a_soft_label() -> None:
    pair = np.zeros((1, 1)), np.full((1, 1), 0.25)
    soft = fl.contrastive.value_and_grad([0.25], pair)
    alike = fl.contrastive.value_and_grad([1], pair)
    other = fl.contrastive.value_and_grad([0], pair)
    assert alike[0] == 0.25**2 / 2
    assert other[0] == 0.75**2 / 2
    assert soft[0] == 0.25 * alike[0] + 0.75 * other[0]
    for mixed, near, far in zip(soft[1], alike[1], other[1], strict=True):
        assert mixed == 0.25 * near + 0.75 * far


def test_cosine_embedding_at_its_kinks() -> None:
    a = np.array([[1.0, 0], [1, 0], [1, 0], [0, 0]])
    b = np.array([[3.0, 4], [3, 4], [0, 2], [3, 4]])
    loss = fl.CosineEmbedding(margin=0.5, eps=0.0, reduction="none")
    y = [1, -1, -1, -1]
    np.testing.assert_allclose(loss(y, (a, b)), [0.4, 0.1, 0, 0], rtol=1e-14)
    by_a, by_b = loss.grad(y, (a, b))
    np.testing.assert_allclose(by_a, [[0, -0.8], [0, 0.8], [0, 0], [0, 0]], atol=1e-15)
    expected = np.array([-0.128, 0.096])
    np.testing.assert_allclose(by_b[:2], [expected, -expected], rtol=1e-14)
    np.testing.assert_array_equal(by_b[2:], 0)
    by_a, _ = loss.grad(y, (a, b), margin=0.0)  # just met by the third
    np.testing.assert_array_equal(by_a[2:], 0)
    value = loss([True, False], (a[3:].repeat(2, 0), b[:2]))
    np.testing.assert_array_equal(value, [1, 0])


def test_cosine_embedding_of_tiny_rows() -> None:
    """As in PyTorch, eps makes the cosine of tiny rows small; without it, it is 1."""
    tiny = np.full((1, 4), 1e-9)
    pair = tiny, tiny
    assert fl.cosine_embedding([1], pair) == pytest.approx(1 - 4e-18 / 1.000004e-12)
    assert fl.cosine_embedding([1], pair, eps=0.0) == pytest.approx(0, abs=1e-15)


def test_margin_ranking_at_its_kinks() -> None:
    first = np.array([1.0, 1.0, 0.5, 2.0, NAN, INF])
    second = np.array([0.5, 1.0, 1.0, 1.0, 0.0, 0.0])
    y = np.array([1, 1, -1, -1, 1, 1])
    loss = fl.MarginRanking(margin=0.5, reduction="none")
    np.testing.assert_array_equal(loss(y, (first, second)), [0, 0.5, 0, 1.5, NAN, 0])
    (by_first, by_second), hesses = loss.grad_and_hess(y, (first, second))
    np.testing.assert_array_equal(by_first, [0, -1, 0, 1, NAN, 0])
    np.testing.assert_array_equal(by_second, [0, 1, 0, -1, NAN, 0])
    np.testing.assert_array_equal(hesses[0], [0, 0, 0, 0, NAN, 0])


def test_hinge_embedding_at_its_kinks() -> None:
    y = np.array([1.0, 1, -1, -1, -1, 1, -1, NAN])
    x = np.array([0.25, -3, 0.5, 0.5 - 2**-53, 2, NAN, NAN, 1])
    loss = fl.HingeEmbedding(margin=0.5, reduction="none")
    values, grad = loss.value_and_grad(y, x)
    np.testing.assert_array_equal(values, [0.25, -3, 0, 2**-53, 0, NAN, NAN, NAN])
    np.testing.assert_array_equal(grad, [1, 1, 0, -1, 0, NAN, NAN, NAN])
    hess = loss.grad_and_hess(y, x)[1]
    np.testing.assert_array_equal(hess, [0, 0, 0, 0, 0, NAN, NAN, NAN])


def test_booleans_are_signs() -> None:
    y, pair = np.array([True, False]), (np.eye(2), np.ones((2, 2)))
    signs = np.where(y, 1, -1)
    assert fl.cosine_embedding(y, pair) == fl.cosine_embedding(signs, pair)
    scores = pair[0][0], pair[1][0]
    assert fl.margin_ranking(y, scores) == fl.margin_ranking(signs, scores)
    assert fl.hinge_embedding(y, scores[0]) == fl.hinge_embedding(signs, scores[0])


#: Of two classes with a cosine of 0.6 within each, and of 0 and 0.8 between them.
ROWS = np.array([[1.0, 0], [0.6, 0.8], [0, 3], [-0.8 / 2, 0.6 / 2]])
CLASSES = np.array([7, 7, -2, -2])
BATCHES = (fl.ntxent, fl.supcon, fl.multi_similarity, fl.circle)


def cosines() -> np.ndarray:
    unit = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    return unit @ unit.T


def test_batches_by_hand() -> None:
    """One row of the same class and two of another for each."""
    x = cosines()
    for i, (same, *others) in enumerate([(1, 2, 3), (0, 2, 3), (3, 0, 1), (2, 0, 1)]):
        p, n = x[i, same], x[i, others]
        z = sum(math.exp(v / 0.5) for v in n)
        expected = {
            fl.NTXent(temperature=0.5): math.log1p(z * math.exp(-p / 0.5)),
            fl.SupCon(temperature=0.5): math.log1p(z * math.exp(-p / 0.5)),
            fl.NTXent(temperature=0.5, decoupled=True): math.log(z) - p / 0.5,
            fl.MultiSimilarity(alpha=2.0, beta=4.0, base=0.25): (
                math.log1p(math.exp(-2 * (p - 0.25))) / 2
                + math.log1p(sum(math.exp(4 * (v - 0.25)) for v in n)) / 4
            ),
            fl.Circle(m=0.25, gamma=2.0): math.log1p(
                math.exp(-2 * max(0, 1.25 - p) * (p - 0.75))
                * sum(math.exp(2 * max(0, v + 0.25) * (v - 0.25)) for v in n)
            ),
        }
        for loss, value in expected.items():
            got = replace(loss, reduction="none")(CLASSES, ROWS)[i]
            assert got == pytest.approx(value, rel=1e-14), loss


def test_ntxent_compares_a_positive_with_negatives_alone() -> None:
    """SupCon has the other positives in the denominator, too."""
    rows, classes = np.eye(4), [0, 0, 0, 1]
    values = fl.ntxent(classes, rows, temperature=1.0, reduction="none")
    np.testing.assert_allclose(values, [2 * math.log(2)] * 3 + [0], rtol=1e-15)
    values = fl.supcon(classes, rows, temperature=1.0, reduction="none")
    np.testing.assert_allclose(values, [math.log(3)] * 3 + [0], rtol=1e-15)


def test_what_a_mean_counts() -> None:
    """Pairs, rows that have another of their class, rows that have both, all rows."""
    classes, rows = [0, 0, 0, 1, 1, 2], np.random.RandomState(1).standard_normal((6, 3))
    for loss, count in (
        (fl.ntxent, 3 * 2 + 2),
        (fl.supcon, 5),
        (fl.circle, 5),
        (fl.multi_similarity, 6),
    ):
        values = loss(classes, rows, reduction="none")
        assert loss(classes, rows) == pytest.approx(values.sum() / count, rel=1e-14)
        batch = loss(classes, rows, reduction="sum_over_batch_size")
        assert batch == pytest.approx(values.sum() / 6, rel=1e-14)


def test_views_are_pairs_without_labels() -> None:
    rows = np.random.RandomState(2).standard_normal((8, 3))
    for loss in BATCHES:
        labels = [0, 1, 2, 3, 0, 1, 2, 3]
        assert loss(None, rows) == loss(labels, rows)
        assert loss(None, rows) == loss([f + 2**40 for f in labels], rows)


def test_batches_without_pairs_cost_nothing() -> None:
    rows = np.random.RandomState(3).standard_normal((5, 3))
    for loss in (fl.ntxent, fl.supcon, fl.circle):
        value, grad = loss.value_and_grad(np.arange(5), rows)
        assert value == 0
        assert not grad.any()
    value, grad = fl.circle.value_and_grad(np.zeros(5, int), rows)
    assert value == 0
    assert not grad.any()
    for decoupled in (False, True):  # nothing but positives
        loss = fl.NTXent(decoupled=decoupled)
        value, grad = loss.value_and_grad(np.zeros(5, int), rows)
        assert value == 0
        assert not grad.any()
    for loss in BATCHES:
        value, grad = loss.value_and_grad([1], rows[:1], reduction="sum")
        assert value == 0
        assert not grad.any()


def test_rows_of_zeros_have_no_direction() -> None:
    rows = np.array([[1.0, 0], [0, 0], [0, 1]])
    value, grad = fl.supcon.value_and_grad([0, 0, 1], rows, temperature=1.0)
    assert value == pytest.approx(math.log(2), rel=1e-15)
    np.testing.assert_array_equal(grad[1], 0)
    assert np.isfinite(grad).all()


@pytest.mark.parametrize("loss", BATCHES, ids=lambda loss: loss.name)
def test_weights_of_rows(loss: fl.Loss) -> None:
    """A weight of 0 takes a row out of the batch, another one counts its own value."""
    random = np.random.RandomState(4)
    rows, classes = random.standard_normal((150, 5)), random.randint(0, 30, 150)
    weight = random.choice([0, 1.0], 150)
    there = weight > 0
    value, grad = loss.value_and_grad(classes, rows, sample_weight=weight)
    assert value == pytest.approx(loss(classes[there], rows[there]), rel=1e-13)
    expected = loss.grad(classes[there], rows[there])
    np.testing.assert_allclose(grad[there], expected, rtol=1e-10, atol=1e-14)
    assert not grad[~there].any()
    weight = random.uniform(0.5, 2, 150)
    values = loss(classes, rows, reduction="none")
    total = loss(classes, rows, sample_weight=weight, reduction="sum")
    assert total == pytest.approx((weight * values).sum(), rel=1e-13)


def test_keys_behind_the_last_query_are_negatives() -> None:
    random = np.random.RandomState(5)
    query, key = random.standard_normal((140, 6)), random.standard_normal((301, 6))
    scores = query @ key.T * 0.5
    expected = np.log(np.exp(scores).sum(1)) - np.diagonal(scores)
    loss = fl.InfoNCE(scale=0.5, similarity="dot", reduction="none")
    values, (by_query, by_key) = loss.value_and_grad(query, key)
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    slopes = 0.5 * (p - np.eye(140, 301))
    np.testing.assert_allclose(by_query, slopes @ key, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(by_key, slopes.T @ query, rtol=1e-9, atol=1e-12)


def test_a_sure_positive_keeps_the_digits_of_the_rest() -> None:
    query, key = np.eye(2) * 30, np.eye(2)
    value = fl.infonce(query, key, scale=1.0, similarity="dot")
    assert value == pytest.approx(math.exp(-30), rel=1e-14)
    rows = np.repeat(np.eye(2), 2, axis=0)
    value = fl.ntxent([0, 0, 1, 1], rows, temperature=1 / 30)
    assert value == pytest.approx(2 * math.exp(-30), rel=1e-13)


def test_a_sure_positive_keeps_the_digits_of_its_gradient() -> None:
    """Nothing is subtracted from 1: p - 1 is the share of the other key."""
    query, key = np.eye(2) * 30, np.eye(2)
    loss = fl.InfoNCE(scale=1.0, similarity="dot", reduction="sum")
    by_query, by_key = loss.grad(query, key)
    s = math.exp(-30) / (1 + math.exp(-30))
    np.testing.assert_allclose(by_query, [[-s, s], [s, -s]], rtol=1e-14)
    np.testing.assert_allclose(by_key, 30 * by_query, rtol=1e-14)


def test_rows_that_are_all_alike() -> None:
    """Every row of a batch is drawn and pushed along its own direction: not at all."""
    rows, classes = np.ones((300, 4)) / 2, np.arange(300) // 3
    for loss, expected in (
        (fl.ntxent, 2 * math.log(298)),
        (fl.supcon, math.log(299)),
        (fl.infonce, math.log(300)),
    ):
        arguments = (rows, rows) if loss is fl.infonce else (classes, rows)
        values, grads = loss.value_and_grad(*arguments, reduction="none")
        np.testing.assert_allclose(values, expected, rtol=1e-14)
        np.testing.assert_allclose(grads, 0, atol=1e-12)


@pytest.mark.parametrize("loss", [*BATCHES, fl.infonce], ids=lambda loss: loss.name)
@pytest.mark.parametrize("number", [NAN, INF, 1e200])
def test_rows_without_a_direction_that_is_known(loss: fl.Loss, number: float) -> None:
    """No row of zeros: whatever is compared with them is not known either."""
    rows = np.random.RandomState(7).standard_normal((140, 3))
    rows[130, 1] = number
    arguments = (rows, rows) if loss is fl.infonce else (np.arange(140) // 2, rows)
    values, grads = loss.value_and_grad(*arguments, reduction="none")
    assert np.isnan(values).all()
    assert np.isnan(grads).all()


@pytest.mark.parametrize("loss", [*BATCHES, fl.infonce], ids=lambda loss: loss.name)
def test_empty_batches(loss: fl.Loss) -> None:
    rows = np.empty((0, 3), np.float32)
    arguments = (rows, rows) if loss is fl.infonce else ([], rows)
    value, grads = loss.value_and_grad(*arguments, reduction="sum")
    assert value == 0
    for grad in grads if loss is fl.infonce else (grads,):
        assert grad.shape == (0, 3)
        assert grad.dtype == np.float32
    with pytest.raises(ValueError, match=r"is empty: its shape is \(0, 3\)"):
        loss(*arguments)


def test_exponents_beyond_the_range_of_exp() -> None:
    """The rows of a later tile are nearer than all before."""
    random = np.random.RandomState(6)
    rows = random.standard_normal((400, 3)) * np.linspace(1, 20, 400)[:, np.newaxis]
    classes = np.arange(400) // 2
    z = rows @ rows.T * 4
    np.fill_diagonal(z, -np.inf)
    top = z.max(1)
    log = top + np.log(np.exp(z - top[:, np.newaxis]).sum(1))
    expected = log - z[np.arange(400), np.arange(400) ^ 1]
    loss = fl.SupCon(temperature=0.25, similarity="dot", reduction="none")
    np.testing.assert_allclose(loss(classes, rows), expected, rtol=1e-12, atol=1e-10)


def test_circle_gradient_holds_weights_constant() -> None:
    rows = np.array([[1.0, 0], [0.6, 0.8], [0, 1]])
    gamma, m = 2.0, 0.25
    ap, an = 1 + m - 0.6, 0.8 + m  # of row 1, with row 0 and with row 2
    u = math.exp(-gamma * ap * (0.6 - 1 + m) + gamma * an * (0.8 - m))
    slope = gamma * u / (1 + u)
    loss = fl.Circle(m=m, gamma=gamma, reduction="sum")
    weight = np.array([1e-300, 1.0, 1e-300])
    grad = loss.grad([0, 0, 1], rows, sample_weight=weight)[1]
    unit = -slope * ap * rows[0] + slope * an * rows[2]
    expected = unit - (unit @ rows[1]) * rows[1]
    np.testing.assert_allclose(grad, expected, rtol=1e-13)


def test_batches_have_no_hessian() -> None:
    for loss in (*BATCHES, fl.infonce):
        assert not hasattr(loss, "grad_and_hess")
        assert "grad_and_hess" not in dir(loss)
        with pytest.raises(
            AttributeError, match=r"its Hessian is that of a whole batch"
        ):
            _ = loss.grad_and_hess


BIG = """
import resource
import numpy as np, fastloss as fl
rows = np.random.RandomState(0).standard_normal((9000, 8)).astype(np.float32)
classes = np.arange(9000) // 3
fl.{name}(*({arguments}))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fl.{name}.grad(*({big}))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("name", ["ntxent", "infonce"])
def test_similarities_are_never_stored(name: str) -> None:
    """All of them would be 309 MiB."""
    arguments = ("classes[:9], rows[:9]", "classes, rows")
    if name == "infonce":
        arguments = ("rows[:9], rows[:9]", "rows, rows")
    code = BIG.format(name=name, arguments=arguments[0], big=arguments[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 16 * 1024, "KiB"


two, rows = np.ones(2), np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: fl.contrastive(two, rows),
            TypeError,
            r"y_pred must be a tuple of 2 arrays, got ndarray",
        ),
        (
            lambda: fl.contrastive(rows, (rows, rows)),
            ValueError,
            r"y_true has shape \(2, 3\), rows of a \(2,\): they must be equal",
        ),
        (
            lambda: fl.contrastive([0, 2], (rows, rows)),
            ValueError,
            r"y_true\[1\] = 2 is not in \[0, 1\]",
        ),
        (
            lambda: fl.cosine_embedding([1, 0], (rows, rows)),
            ValueError,
            r"y_true\[1\] = 0 is not a hinge label: use -1 and \+1",
        ),
        (
            lambda: fl.cosine_embedding(two, (rows, np.ones((2, 4)))),
            ValueError,
            r"b has shape \(2, 4\), a \(2, 3\)",
        ),
        (
            lambda: fl.cosine_embedding(1, (1.0, 1.0)),
            ValueError,
            r"a has shape \(\): it needs a last axis of entries",
        ),
        (
            lambda: fl.margin_ranking(two, (two, np.ones(3))),
            ValueError,
            r"second has shape \(3,\), first \(2,\)",
        ),
        (
            lambda: fl.supcon([0, 1], two),
            ValueError,
            r"y_pred has shape \(2,\): it must be 2-D, an embedding in each row",
        ),
        (
            lambda: fl.supcon([0, 1, 1], rows),
            ValueError,
            r"y_true has shape \(3,\), y_pred 2 rows: y_true must have shape \(2,\)",
        ),
        (
            lambda: fl.circle([0.0, 1.0], rows),
            TypeError,
            r"y_true has dtype float64, classes are integers",
        ),
        (
            lambda: fl.ntxent(None, np.ones((3, 2))),
            ValueError,
            r"y_true is None, y_pred has 3 rows: .* n must be even",
        ),
        (
            lambda: fl.infonce(rows),
            TypeError,
            r"infonce takes 2 arrays, query, key, but got 1",
        ),
        (
            lambda: fl.infonce(rows, rows[:1]),
            ValueError,
            r"key has shape \(1, 3\), query \(2, 3\): rows must be equally long",
        ),
        (
            lambda: fl.infonce(rows, rows[:, :2]),
            ValueError,
            r"key has shape \(2, 2\), query \(2, 3\)",
        ),
        (lambda: fl.NTXent(temperature=0), ValueError, r"temperature = 0 is not a"),
        (lambda: fl.SupCon(similarity="l2"), ValueError, r"similarity = 'l2' is not"),
        (lambda: fl.NTXent(decoupled=1), TypeError, r"decoupled = 1 is neither True"),
        (lambda: fl.InfoNCE(scale=-1), ValueError, r"scale = -1 is not a number"),
        (lambda: fl.InfoNCE(similarity="l2"), ValueError, r"similarity = 'l2' is not"),
        (lambda: fl.MultiSimilarity(beta=0), ValueError, r"beta = 0 is not a number"),
        (lambda: fl.Circle(gamma=0), ValueError, r"gamma = 0 is not a number"),
        (lambda: fl.Circle(m=-1), ValueError, r"m = -1 is not a number"),
        (lambda: fl.Contrastive(margin=0), ValueError, r"margin = 0 is not a number"),
        (lambda: fl.HingeEmbedding(margin=0), ValueError, r"margin = 0 is not a"),
        (lambda: fl.MarginRanking(margin=-1), ValueError, r"margin = -1 is not a"),
        (lambda: fl.CosineEmbedding(margin=1), ValueError, r"margin = 1 is not a"),
        (lambda: fl.CosineEmbedding(eps=-1), ValueError, r"eps = -1 is not a number"),
        (
            lambda: fl.CosineEmbedding(margin=math.nan),
            ValueError,
            r"margin = nan is not a number in \[-1, 1\)",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
