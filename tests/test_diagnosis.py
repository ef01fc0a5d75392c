"""diagnose(): each finding where it belongs, none on healthy runs, and how it reads."""

from __future__ import annotations

import doctest
import html.parser
import json
import re
import runpy
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import generators
import numpy as np
import pytest
import structured

import fastloss as fl
from fastloss.app import cli
from fastloss.core.kinds import Pairwise, TwoBatches
from fastloss.diagnosis import RULES, Diagnosis, Finding, facts

ROOT = Path(__file__).resolve().parent
PAGE = ROOT.parent / "docs" / "diagnosis.md"

BCE = fl.BinaryCrossentropy(from_logits=True)
SCCE = fl.SparseCategoricalCrossentropy(from_logits=True)
CCE = fl.CategoricalCrossentropy(from_logits=True)

N = 400
RANDOM = np.random.default_rng(2024)
NOISE = RANDOM.normal(size=N)
X = RANDOM.normal(size=N)
Y = 2 * X + 0.3 * NOISE  # numbers, and what a good model says
P = 2 * X
BITS = (X + 0.5 * NOISE > 0).astype(int)
LOGITS = 3 * X
SIGNS = 2 * BITS - 1
CLASSES = RANDOM.integers(0, 3, N)
SCORES = 2 * np.eye(3)[CLASSES] + RANDOM.normal(size=(N, 3))
COUNTS = RANDOM.poisson(np.exp(1.5 + X / 2))
FALLING = 0.1 + np.exp(-np.arange(40) / 5)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def changed(array: Any, index: Any, value: Any) -> Any:
    copy = np.array(array, dtype=float)
    copy[index] = value
    return copy


def curve(*costs: Any) -> tuple[Any, ...]:
    """A call with curves alone."""
    return fl.mse, None, None, *costs


def weighed(weight: Any) -> tuple[Any, ...]:
    return fl.mse, Y, P, None, None, weight


def codes(*call: Any, **more: Any) -> list[str]:
    return [finding.code for finding in fl.diagnose(*call, **more)]


EVERY = np.arange(N)
FEW = changed(np.ones(N), slice(4), 1e4)

#: For each finding a call that has it, and one close by that does not.
CASES: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "no_samples": ((fl.mse, [], []), (fl.mse, [1.0], [1.0])),
    "labels_not_finite": (
        (fl.mse, changed(Y, 7, np.nan), P),
        (fl.mse, changed(Y, 7, np.nan), P, None, None, EVERY != 7),
    ),
    "labels_are_names": (
        (SCCE, np.array(["a", "b", "c"])[CLASSES], SCORES),
        (SCCE, CLASSES, SCORES),
    ),
    "arguments_swapped": ((SCCE, SCORES, CLASSES), (SCCE, CLASSES, SCORES)),
    "labels_one_hot": ((SCCE, np.eye(3)[CLASSES], SCORES), (SCCE, CLASSES, SCORES)),
    "labels_are_classes": ((CCE, CLASSES, SCORES), (CCE, np.eye(3)[CLASSES], SCORES)),
    "shapes_broadcast": ((fl.mse, Y[:, None], P), (fl.mse, Y[:, None], P[:, None])),
    "lengths_differ": ((fl.mse, Y[:-1], P), (fl.mse, Y[:-1], P[1:])),
    "rows_repeat": (
        (fl.mse, Y[:20] + Y[:20, None], P[:20] + 0 * Y[:20, None]),
        (fl.mse, Y[:20] + Y[:20, None], P[:20] + P[:20, None]),
    ),
    "labels_zero_one": ((fl.hinge, BITS, LOGITS), (fl.hinge, BITS > 0, LOGITS)),
    "labels_minus_one": ((BCE, SIGNS, LOGITS), (BCE, (SIGNS + 1) / 2, LOGITS)),
    "labels_from_one": ((SCCE, CLASSES + 1, SCORES), (SCCE, CLASSES, SCORES)),
    "labels_in_percent": (
        (fl.bce, 100 * sigmoid(Y), sigmoid(P)),
        (fl.bce, sigmoid(Y), sigmoid(P)),
    ),
    "scale_negative": (
        (fl.gaussian_nll, Y, (P, NOISE)),
        (fl.gaussian_nll, Y, (P, NOISE**2 + 0.1)),
    ),
    "labels_constant": ((fl.mse, 0 * Y + 3, P), (fl.mse, changed(0 * Y, 5, 1), P)),
    "class_absent": (
        (SCCE, CLASSES % 2, SCORES),
        (SCCE, CLASSES[:20] % 2, SCORES[:20]),
    ),
    "imbalance": ((BCE, EVERY < 30, 30.0 - EVERY), (BCE, EVERY < 90, 90.0 - EVERY)),
    "one_class_predicted": ((BCE, BITS, LOGITS - 20), (BCE, BITS, LOGITS)),
    "labels_in_other_unit": ((fl.mse, 100 * Y, P), (fl.mse, 30 * Y, P)),
    "predictions_not_finite": (
        (fl.mse, Y, changed(P, 3, -np.inf)),
        (fl.mse, Y, changed(P, 3, -1e3)),
    ),
    "logits_as_probabilities": (
        (fl.bce, BITS, LOGITS),
        (fl.bce, BITS, sigmoid(LOGITS)),
    ),
    "probabilities_as_logits": ((BCE, BITS, sigmoid(LOGITS)), (BCE, BITS, LOGITS)),
    "not_log_probabilities": (
        (fl.nll, CLASSES, SCORES),
        (fl.nll, CLASSES, np.log(softmax(SCORES))),
    ),
    "rows_not_normalised": (
        (fl.scce, CLASSES, sigmoid(SCORES)),
        (fl.scce, CLASSES, softmax(SCORES)),
    ),
    "logarithms_as_means": (
        (fl.poisson, COUNTS, X - 0.5, None, None, None, {"log_input": False}),
        (fl.poisson, COUNTS, np.exp(X), None, None, None, {"log_input": False}),
    ),
    "means_as_logarithms": (
        (fl.poisson, COUNTS, np.exp(1.5 + X / 2)),
        (fl.poisson, COUNTS, np.maximum(1.5 + X / 2, 0.01)),
    ),
    "out_of_reach": ((fl.mse, Y, np.maximum(P, 0)), (fl.mse, Y**2, np.maximum(P, 0))),
    "zero_or_one": (
        (fl.bce, BITS, np.round(sigmoid(LOGITS))),
        (fl.bce, BITS, sigmoid(LOGITS)),
    ),
    "learning_rate_high": (
        curve(1.5 ** np.arange(20.0)),
        curve(0.9 ** np.arange(20.0)),
    ),
    "history_not_finite": (curve([1, np.nan, 1, 1]), curve([1, 0.9, 0.8, 0.7])),
    "cost_does_not_move": (
        curve(0.693 + 1e-5 * np.sin(EVERY[:40])),
        curve(0.693 - 1e-2 * EVERY[:40] / 40),
    ),
    "learning_rate_low": (curve(1 - 1e-3 * EVERY[:100]), curve(FALLING)),
    "overfitting": (
        curve(FALLING, FALLING + 1e-3 * (EVERY[:40] - 15.0) ** 2),
        curve(FALLING, FALLING + 0.01),
    ),
    "generalisation_gap": (
        curve(FALLING, 0.5 * FALLING + 0.5),
        curve(FALLING, FALLING + 0.1),
    ),
    "validation_below_training": (
        curve(FALLING + 0.4, FALLING),
        curve(FALLING + 0.1, FALLING),
    ),
    "plateau": (curve(np.maximum(FALLING, 0.2)), curve(FALLING[:16])),
    "loss_not_finite": (
        (fl.mse, np.float32(Y), changed(P, 3, 1e30).astype(np.float32)),
        (fl.mse, np.float32(Y), changed(P, 3, 1e15).astype(np.float32)),
    ),
    "saturated": (
        (fl.bce, BITS, np.where(EVERY % 3, sigmoid(LOGITS), 1e-9)),
        (fl.bce, BITS, np.where(EVERY % 3, sigmoid(LOGITS), 1e-3)),
    ),
    "beyond_scale": ((fl.welsch, 100 * X + 50, X), (fl.welsch, Y, P)),
    "dead_gradients": ((fl.tukey, 100 * X + 50, X), (fl.tukey, Y, P)),
    "heavy_tails": (
        (fl.mse, changed(Y, [1, 2], 90.0), P),
        (fl.mse, changed(Y, [1, 2], 2.0), P),
    ),
    "scale_too_small": (
        (fl.Huber(delta=1e-3), Y, P),
        (fl.Huber(delta=0.3), Y, P),
    ),
    "scale_too_large": (
        (fl.Huber(delta=50.0), Y, P),
        (fl.Huber(delta=3.0), Y, P),
    ),
    "tube_too_wide": (
        (fl.EpsilonInsensitive(epsilon=2.0), Y, P),
        (fl.EpsilonInsensitive(epsilon=0.2), Y, P),
    ),
    "gradients_dominated": (
        (fl.mse, changed(Y, 1, 200.0), P),
        (fl.mae, changed(Y, 1, 200.0), P),
    ),
    "predictions_constant": ((fl.mse, Y, 0 * P + 0.7), (fl.mse, Y, 0.7 + 1e-3 * P)),
    "constant_column": (
        (SCCE, CLASSES, SCORES * [1, 0, 1]),
        (SCCE, CLASSES, SCORES * [1, 1e-2, 1]),
    ),
    "predictions_opposed": ((fl.mse, Y, -P), (fl.mse, Y, P)),
    "classes_permuted": (
        (SCCE, (CLASSES + 1) % 3, 4 * SCORES),
        (SCCE, CLASSES % 2, SCORES[:, ::-1]),
    ),
    "predictions_independent": (
        (BCE, BITS, NOISE[::-1] + 1e-3),
        (BCE, BITS, NOISE[::-1] + X),
    ),
    "predictions_unrelated": (
        (fl.mse, Y, 0.1 * np.sin(EVERY)),
        (fl.mse, Y, 0.1 * np.sin(EVERY) + 0.1 * X),
    ),
    "worse_than_constant": ((fl.mse, Y, P + 4), (fl.mse, Y, P + 1)),
    "weights_not_finite": (
        weighed(changed(np.ones(N), 9, np.inf)),
        weighed(np.ones(N)),
    ),
    "weights_all_zero": (weighed(np.zeros(N)), weighed(EVERY == 3)),
    "weights_negative": (weighed(changed(np.ones(N), 9, -1)), weighed(np.ones(N))),
    "weights_dominated": (weighed(FEW), weighed(np.minimum(FEW, 50))),
    "weights_mostly_zero": (weighed(EVERY % 20 == 0), weighed(EVERY % 2)),
    "label_suspects": (
        (BCE, 200 - 40 * (EVERY == 170) < EVERY, 0.2 * (EVERY - 200.5)),
        (BCE, EVERY > 200, 0.2 * (EVERY - 200.5)),
    ),
    "refused": ((fl.mse, Y, [["x"]] * N), (fl.mse, Y, P)),
}


def answer(call: Sequence[Any]) -> Diagnosis:
    *first, last = call
    if isinstance(last, dict):
        return fl.diagnose(*first, **last)
    return fl.diagnose(*call)


def test_every_finding_has_a_case() -> None:
    assert sorted(CASES) == sorted(rule.code for rule in RULES)


@pytest.mark.parametrize("code", CASES)
def test_it_is_found_where_it_is(code: str) -> None:
    found = [finding for finding in answer(CASES[code][0]) if finding.code == code]
    assert len(found) == 1
    (finding,) = found
    (rule,) = (rule for rule in RULES if rule.code == code)
    assert finding.severity == rule.severity
    assert re.search(r"\d", finding.message) or code in ("refused", "labels_are_names")
    assert finding.remedy.endswith(".")
    assert finding.evidence


@pytest.mark.parametrize("code", CASES)
def test_and_not_where_it_is_not(code: str) -> None:
    assert code not in [finding.code for finding in answer(CASES[code][1])]


def linear(scale: float = 1.0) -> SimpleNamespace:
    """Inputs, and scores that they give but for noise, for training and validation."""
    random = np.random.default_rng(5)
    inputs = np.column_stack([random.normal(size=(600, 4)), np.ones(600)])
    truth = inputs @ np.array([1.0, -2.0, 0.5, 0.0, 0.3])
    noise = random.normal(size=600)
    classes = (inputs @ random.normal(size=(5, 4)) + 0.3 * noise[:, None]).argmax(-1)
    return SimpleNamespace(
        X=inputs,
        real=truth + 0.5 * noise,
        tailed=truth + 0.3 * random.standard_t(2.5, 600),
        bit=(truth + 0.5 * noise > 0).astype(int),
        rare=(truth + 0.5 * noise > 3).astype(int),
        count=random.poisson(np.exp(0.3 * truth + 1)),
        amount=np.exp(0.3 * truth) * random.gamma(4, 0.25, 600),
        classes=classes,
        share=softmax(inputs @ random.normal(size=(5, 3))),
        two=np.column_stack([truth + noise, truth - noise]),
    )


DATA = linear()

#: A loss, its labels, what makes predictions of scores and the slope of that.
HEALTHY: dict[str, tuple[Any, Any, int, float]] = {
    "mse": (fl.mse, DATA.real, 0, 0.1),
    "mse of two": (fl.mse, DATA.two, 2, 0.1),
    "mae": (fl.mae, DATA.real, 0, 0.1),
    "huber": (fl.Huber(delta=0.7), DATA.tailed, 0, 0.2),
    "pseudo_huber": (fl.pseudo_huber, DATA.tailed, 0, 0.2),
    "log_cosh": (fl.log_cosh, DATA.real, 0, 0.2),
    "smooth_l1": (fl.smooth_l1, DATA.tailed, 0, 0.2),
    "cauchy": (fl.Cauchy(c=2.0), DATA.tailed, 0, 0.2),
    "quantile": (fl.Quantile(q=0.9), DATA.real, 0, 0.3),
    "expectile": (fl.Expectile(tau=0.8), DATA.real, 0, 0.2),
    "poisson": (fl.poisson, DATA.count, 0, 0.05),
    "gamma": (fl.gamma, DATA.amount, 0, 0.2),
    "bce": (BCE, DATA.bit, 0, 1.0),
    "rare": (BCE, DATA.rare, 0, 1.0),
    "focal": (fl.Focal(from_logits=True), DATA.bit, 0, 3.0),
    "brier": (fl.Brier(from_logits=True), DATA.bit, 0, 3.0),
    "hinge": (fl.hinge, 2 * DATA.bit - 1, 0, 0.2),
    "squared_hinge": (fl.squared_hinge, 2 * DATA.bit - 1, 0, 0.1),
    "soft_margin": (fl.soft_margin, DATA.bit > 0, 0, 1.0),
    "scce": (SCCE, DATA.classes, 4, 1.0),
    "multi_margin": (fl.multi_margin, DATA.classes, 4, 1.0),
    "cce": (CCE, np.eye(4)[DATA.classes], 4, 1.0),
    "soft labels": (CCE, DATA.share, 3, 1.0),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs_have_nothing_serious(name: str) -> None:
    loss, y, outputs, rate = HEALTHY[name]
    train, held = slice(0, 400), slice(400, None)
    weights = np.zeros((5, outputs) if outputs else 5)
    costs, others = [], []
    for _ in range(120):
        cost, grad = loss.value_and_grad(y[train], DATA.X[train] @ weights)
        costs.append(cost)
        others.append(loss(y[held], DATA.X[held] @ weights))
        weights -= rate * DATA.X[train].T @ grad
    found = fl.diagnose(
        loss, y[train], DATA.X[train] @ weights, history=costs, validation=others
    )
    assert [f for f in found if f.severity == "high"] == []
    stochastic = noisy(loss, y, outputs, rate)
    assert [f for f in stochastic if f.severity == "high"] == []


def noisy(loss: Any, y: Any, outputs: int, rate: float) -> Diagnosis:
    """The same by batches of 16: a curve that goes up and down."""
    random = np.random.default_rng(1)
    weights = np.zeros((5, outputs) if outputs else 5)
    costs = []
    for _ in range(200):
        batch = random.integers(0, 600, 16)
        cost, grad = loss.value_and_grad(y[batch], DATA.X[batch] @ weights)
        costs.append(cost)
        weights -= 0.3 * rate * DATA.X[batch].T @ grad
    return fl.diagnose(loss, y, DATA.X @ weights, costs)


def test_healthy_runs_of_several_outputs_have_nothing_serious() -> None:
    location, spread = np.zeros(5), np.zeros(5)
    costs = []
    for _ in range(150):
        mean, logs = DATA.X @ location, DATA.X @ spread
        cost, (by_mean, by_variance) = fl.gaussian_nll.value_and_grad(
            DATA.real, (mean, np.exp(logs))
        )
        costs.append(cost)
        location -= 0.1 * DATA.X.T @ by_mean
        spread -= 0.1 * DATA.X.T @ (by_variance * np.exp(logs))
    found = fl.diagnose(fl.gaussian_nll, DATA.real, (mean, np.exp(logs)), costs)
    assert [f for f in found if f.severity == "high"] == []


def test_healthy_runs_of_groups_and_regions_have_nothing_serious() -> None:
    for loss, y, rate, more in (
        (fl.listnet, DATA.real, 1.0, {"groups": [20] * 30}),
        (fl.dice, DATA.bit, 30.0, {}),
    ):
        weights = np.zeros(5)
        costs = []
        for _ in range(60):
            score = DATA.X @ weights
            p, slope = (score, 1.0) if more else (sigmoid(score), None)
            cost, grad = loss.value_and_grad(y, p, **more)
            costs.append(cost)
            slope = p * (1 - p) if slope is None else slope
            weights -= rate * DATA.X.T @ (grad * slope)
        found = fl.diagnose(loss, y, p, costs, **more)
        assert [f for f in found if f.severity == "high"] == []


@pytest.mark.parametrize(
    ("script", "first"),
    [
        ("probabilities_as_logits", "probabilities_as_logits"),
        ("hinge_of_zero_one", "labels_zero_one"),
        ("learning_rate_too_high", "learning_rate_high"),
    ],
)
def test_the_mistake_in_a_script_is_the_first_finding(script: str, first: str) -> None:
    ran = runpy.run_path(str(ROOT / "data" / "mistakes" / f"{script}.py"))
    call = ran["loss"], ran["y_true"], ran["y_pred"]
    found = fl.diagnose(*call, history=ran["history"])
    assert found[0].code == first
    assert found[0].severity == "high"
    assert found[0].because is None


@pytest.mark.parametrize("name", fl.LOSSES)
def test_every_loss_can_be_diagnosed(name: str) -> None:
    loss = fl.LOSSES[name]
    random = np.random.RandomState(0)
    more: dict[str, Any] = {}
    arguments: Any
    if loss.kernel in structured.CASES:
        arguments, more = structured.CASES[loss.kernel].draw(np.float64, 60, random)
        if isinstance(loss, Pairwise | TwoBatches):
            arguments = None, arguments
    else:
        row = generators.ROWS[loss.kernel]
        arguments = generators.of(loss).plain(row, np.float64, 300, random, 3)
    found = fl.diagnose(loss, *arguments, **more)
    assert "refused" not in [finding.code for finding in found]
    assert str(found)
    assert found._repr_html_()
    y_pred = arguments[1]
    first = y_pred[0] if isinstance(y_pred, tuple) else y_pred
    spoilt = changed(first, (1,) + (0,) * (first.ndim - 1), np.nan)
    again = (spoilt, *y_pred[1:]) if isinstance(y_pred, tuple) else spoilt
    finding = fl.diagnose(loss, arguments[0], again, **more)[0]
    assert finding.code == "predictions_not_finite"
    assert np.ravel(finding.samples[0])[0] == 1


def test_a_custom_loss_and_its_inputs() -> None:
    @fl.custom(inputs=("tilt",))
    def tilted(y_true, y_pred, tilt, *, c: float = 1.0):  # type: ignore[no-untyped-def]
        return c * (y_true - y_pred) ** 2 * tilt

    assert codes(tilted, Y, P, tilt=np.ones(N), c=2.0) == []
    assert codes(tilted, Y, -P, tilt=np.ones(N))[0] == "predictions_opposed"


def test_named_classes_are_classes() -> None:
    names = np.array(["cat", "dog", "eel"])
    loss = fl.SparseCategoricalCrossentropy(from_logits=True, classes=names.tolist())
    assert codes(loss, names[CLASSES], SCORES) == codes(SCCE, CLASSES, SCORES)
    found = fl.diagnose(loss, names[CLASSES], -2 * SCORES)
    assert [f.code for f in found] == codes(SCCE, CLASSES, -2 * SCORES)
    assert "worse_than_constant" in [f.code for f in found]
    hinge = fl.Hinge(classes=(0, 1))
    assert codes(hinge, BITS, LOGITS) == []
    assert codes(hinge, BITS, -LOGITS) == ["predictions_opposed", "worse_than_constant"]
    assert codes(loss, names[0 * CLASSES + 1], SCORES)[0] == "labels_constant"
    assert codes(loss, ["cow"] * N, SCORES) == ["refused"]
    numbers = fl.SparseCategoricalCrossentropy(from_logits=True, classes=(1, 2, 4))
    assert codes(numbers, CLASSES + 1, SCORES) == ["refused"]
    assert codes(numbers, np.array([1, 2, 4])[CLASSES], SCORES) == []
    assert "classes=" in fl.diagnose(SCCE, names[CLASSES], SCORES)[0].remedy


def test_losses_of_logarithms_say_so_themselves() -> None:
    shares = softmax(SCORES)
    logs = fl.KLDivergence(log_input=True)
    assert codes(logs, shares, SCORES)[0] == "not_log_probabilities"
    assert codes(logs, shares, np.log(softmax(1.1 * SCORES))) == []
    logits = fl.KLDivergence(from_logits=True, log_target=True)
    assert codes(logits, SCORES, SCORES + 0.1 * X[:, None] * SCORES) == []
    # The mean of logits is no share of a class.
    assert "worse_than_constant" not in codes(logits, SCORES, -SCORES)
    for loss in (fl.poisson, fl.gamma, fl.tweedie):
        means = np.exp(1.5 + X / 2)
        assert "means_as_logarithms" in codes(loss, means, means), loss.name
        assert codes(loss, COUNTS + 0.5, np.log(means)) == [], loss.name


def test_causes_stand_before_what_follows_from_them() -> None:
    found = fl.diagnose(fl.mse, Y, 1e9 * P, history=3.0 ** np.arange(20))
    assert found[0].code == "learning_rate_high"
    assert [f.because for f in found[1:]] == ["learning_rate_high"] * (len(found) - 1)
    found = fl.diagnose(fl.mse, Y, -P, 3.0 ** np.arange(20), sample_weight=FEW)
    ranks = [(f.because is not None, f.severity) for f in found]
    assert ranks[:3] == [(False, "high"), (False, "medium"), (True, "high")]
    assert ranks == sorted(ranks, key=lambda r: (r[0], "high medium low".index(r[1])))


def test_a_rise_of_both_curves_is_no_overfitting() -> None:
    turn = FALLING + 1e-3 * (EVERY[:40] - 15.0) ** 2
    assert "overfitting" not in codes(*curve(turn, turn))


def test_counts_and_their_means_may_be_swapped() -> None:
    mean = fl.Poisson(log_input=False)
    assert codes(mean, np.exp(X), COUNTS + 1)[0] == "arguments_swapped"
    assert codes(mean, COUNTS, np.exp(1.5 + X / 2)) == []
    assert codes(fl.epsilon_insensitive, Y[:19], Y[:19]) == []


def test_nothing_explains_itself() -> None:
    explains = {rule.code: rule.explains for rule in RULES}
    for code in explains:
        seen: set[str] = set()
        todo = list(explains[code])
        while todo:
            follower = todo.pop()
            assert follower != code
            if follower not in seen:
                seen.add(follower)
                todo += explains[follower]


def test_refusals_carry_the_message_of_the_loss() -> None:
    with pytest.raises(ValueError, match="is not a class") as error:
        SCCE(CLASSES + 1, SCORES)
    found = fl.diagnose(SCCE, CLASSES + 1, SCORES)
    assert found[0].evidence["error"] == f"ValueError: {error.value}"
    assert "".join(str(error.value).split()) in "".join(str(found).split())


def test_it_is_a_sequence() -> None:
    found = fl.diagnose(fl.mse, Y, P)
    assert not found
    assert len(found) == 0
    assert (
        str(found) == repr(found) == "No findings for MeanSquaredError(): 400 samples."
    )
    found = fl.diagnose(fl.mse, Y, -P)
    assert found
    assert found[:1] == (found[0],)
    assert isinstance(found[0], Finding)


def test_plain_data_is_json() -> None:
    rows = fl.diagnose(fl.mse, Y, changed(P, 3, np.inf), [1, 2, np.inf]).to_list()
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert {"code", "severity", "message", "remedy", "evidence"} < set(rows[0])
    for call, _ in CASES.values():
        json.dumps(answer(call).to_list(), allow_nan=False)


def test_text_fits_a_terminal() -> None:
    for call, _ in CASES.values():
        text = str(answer(call))
        assert max(map(len, text.splitlines())) <= 88, text


def test_html_is_balanced_and_escaped() -> None:
    finding = Finding("a<b", "high", "1 < 2 & 3", "say <b>", {"error": "<i>"}, (1,))
    text = Diagnosis("Loss<x>()", "1 sample", (finding,))._repr_html_()
    for escaped in (
        "a&lt;b",
        "1 &lt; 2 &amp; 3",
        "say &lt;b&gt;",
        "&lt;i&gt;",
        "&lt;x",
    ):
        assert escaped in text
    open_tags: list[str] = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag != "br":
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Parser().feed(text)
    assert open_tags == []


def test_weights_take_samples_out() -> None:
    y = changed(Y, slice(100), 1e6)
    assert "worse_than_constant" not in codes(fl.mse, y, P, sample_weight=EVERY >= 100)
    assert fl.diagnose(fl.mse, y, P, sample_weight=EVERY >= 100)[:] == ()
    found = fl.diagnose(fl.mse, changed(Y, 250, 60.0), P, sample_weight=EVERY >= 100)
    assert found[0].samples[0] == 250


def test_beyond_a_million_samples_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_SAMPLES", 150)
    y, p = changed(Y, 396, 60.0), P
    found = fl.diagnose(fl.mse, y, p)
    assert found.scope.startswith("134 of 400 samples, one in 3")
    assert found[0].samples[0] == 396
    wide = fl.diagnose(fl.mse, y.reshape(2, 200), p.reshape(2, 200))
    assert wide.scope.startswith("134 of 400")
    bad = fl.diagnose(fl.mse, changed(Y, 7, np.nan), p)
    assert (bad[0].code, bad[0].samples) == ("labels_not_finite", (7,))
    for name in ("gaussian_nll", "triplet", "cox", "dice"):
        case = structured.CASES[name]
        arguments, more = case.draw(np.float64, 400, np.random.RandomState(0))
        if name == "triplet":
            arguments = None, arguments
        thinned = "one in" in fl.diagnose(fl.LOSSES[name], *arguments, **more).scope
        assert thinned == (name == "gaussian_nll"), name


def test_curves_come_in_several_forms() -> None:
    rising = list(3.0 ** np.arange(12))
    for history in (
        rising,
        {"loss": rising},
        SimpleNamespace(history={"loss": rising}),
    ):
        assert codes(BCE, None, None, history) == ["learning_rate_high"]
    both = {"loss": FALLING, "val_loss": 0.5 * FALLING + 0.5}
    assert "generalisation_gap" in codes(fl.mse, None, None, both)
    assert "1 costs" not in fl.diagnose(fl.mse, None, None, both).scope


def test_the_turn_is_named_in_steps_of_training() -> None:
    steps = np.arange(200)
    cost, held = np.exp(-steps / 50), FALLING + 1e-3 * (EVERY[:40] - 15.0) ** 2
    (found,) = (f for f in fl.diagnose(*curve(cost, held)) if f.code == "overfitting")
    least = int(held.argmin())
    assert found.evidence["step"] == round(least * 199 / 39)
    assert found.evidence["least"] == held[least]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ((fl.Huber, Y, P), TypeError, "loss is the class Huber"),
        (("huberr", Y, P), ValueError, "huberr"),
        ((fl.mse, None, None), TypeError, "nothing to look at"),
        ((fl.mse, Y, P, [[1, 2], [3, 4]]), ValueError, r"history has shape \(2, 2\)"),
        ((fl.mse, Y, P, {"cost": [1]}), ValueError, "'cost'.*'loss'"),
        ((fl.mse, Y, P, "falling"), TypeError, "history is str"),
        ((fl.mse, Y, P, {"histroy": 1}), ValueError, "histroy"),
    ],
)
def test_what_is_no_question(
    call: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fl.diagnose(*call)


def test_parameters_of_a_call() -> None:
    assert codes("huber", Y, P, delta=1e-3) == ["scale_too_small"]
    with pytest.raises(TypeError, match="detla"):
        fl.diagnose("huber", Y, P, detla=1e-3)


@pytest.fixture
def page() -> str:
    return PAGE.read_text("utf-8")


def test_the_page_lists_every_finding(page: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|$", page, re.MULTILINE)
    expected = [(rule.code, rule.severity, rule.about[:-1]) for rule in RULES]
    assert rows == expected


def test_the_page_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    parser = doctest.DocTestParser()
    test = parser.get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted >= 6
    assert result.failed == 0, capsys.readouterr().out


ODD: dict[str, Any] = {
    "none": None,
    "number": 1.0,
    "empty": [],
    "no columns": np.empty((3, 0)),
    "one": [1.0],
    "names": ["a", "b"],
    "ragged": [[1], [1, 2]],
    "masked": np.ma.masked_less(Y, 0),
    "complex": Y + 1j,
    "objects": np.array([None] * N),
    "nan": np.full(N, np.nan),
    "huge": np.full(N, 1e308),
    "long": Y.astype(np.longdouble),
    "pair": (Y, P),
    "dict": {"a": 1},
}


@pytest.mark.parametrize("name", ["mse", "scce", "gaussian_nll", "triplet", "dice"])
def test_odd_input_is_diagnosed_not_raised(name: str) -> None:
    loss = getattr(fl, name)
    for y in ODD.values():
        for p in list(ODD.values())[1:]:
            for weight in (None, P, "w"):
                found = fl.diagnose(loss, y, p, sample_weight=weight)
                json.dumps(found.to_list(), allow_nan=False)


@pytest.mark.parametrize(
    "costs", [[], [1], [np.nan], [np.inf] * 3, [0] * 20, [1e300, -1e300] * 10]
)
def test_odd_curves_are_read(costs: list[float]) -> None:
    for held in (None, [], [1], [np.nan] * 9, range(20)):
        assert str(fl.diagnose(fl.mse, None, None, costs, held))


def first(share: float) -> Any:
    """Which of the samples are among the first ones."""
    return share * N > EVERY


SAFE = sigmoid(np.clip(LOGITS, -3, 3))
SWING = np.where(EVERY[:40] % 2, 1.0, -1.0)

#: A finding, and calls on either side of where it begins.
EDGES: list[tuple[str, tuple[Any, ...], tuple[Any, ...]]] = [
    (
        "saturated",
        (fl.bce, BITS, np.where(first(0.12), 1e-9 + (1 - 2e-9) * (1 - BITS), SAFE)),
        (fl.bce, BITS, np.where(first(0.08), 1e-9 + (1 - 2e-9) * (1 - BITS), SAFE)),
    ),
    (
        "zero_or_one",
        (fl.bce, BITS, np.where(first(0.0125), BITS, SAFE)),
        (fl.bce, BITS, np.where(first(0.0075), BITS, SAFE)),
    ),
    (
        "rows_not_normalised",
        (fl.scce, CLASSES, softmax(SCORES) * 0.985),
        (fl.scce, CLASSES, softmax(SCORES) * 0.995),
    ),
    (
        "imbalance",
        (BCE, first(0.0975), -LOGITS),
        (BCE, first(0.1025), -LOGITS),
    ),
    (
        "weights_mostly_zero",
        weighed(first(0.0975)),
        weighed(first(0.1025)),
    ),
    (
        "weights_dominated",
        weighed(np.where(first(0.01), 105.0, 1.0)),
        weighed(np.where(first(0.01), 95.0, 1.0)),
    ),
    (
        "worse_than_constant",
        (fl.mse, Y, P + np.sqrt(1.35 * np.mean((Y - Y.mean()) ** 2))),
        (fl.mse, Y, P + np.sqrt(0.8 * np.mean((Y - Y.mean()) ** 2))),
    ),
    (
        "scale_too_small",
        (fl.Huber(delta=1.0), Y, Y + np.where(first(0.92), 2.0, 0.5)),
        (fl.Huber(delta=1.0), Y, Y + np.where(first(0.88), 2.0, 0.5)),
    ),
    (
        "tube_too_wide",
        (fl.EpsilonInsensitive(epsilon=1.0), Y, Y + np.where(first(0.005), 2.0, 0.5)),
        (fl.EpsilonInsensitive(epsilon=1.0), Y, Y + np.where(first(0.015), 2.0, 0.5)),
    ),
    (
        "out_of_reach",
        (fl.mse, np.where(first(0.25), -9.0, X**2), np.maximum(P, 0)),
        (fl.mse, np.where(first(0.15), -9.0, X**2), np.maximum(P, 0)),
    ),
    ("learning_rate_high", curve(1 + 0.04 * SWING), curve(1 + 0.02 * SWING)),
    (
        "learning_rate_high",
        curve(1 + 0.1 * EVERY[:40] / 40),
        curve(1 + 0.05 * EVERY[:40] / 40),
    ),
    (
        "cost_does_not_move",
        curve(1 - 2.2e-5 * EVERY[:40]),
        curve(1 - 3e-5 * EVERY[:40]),
    ),
    (
        "generalisation_gap",
        curve(1.0 - EVERY[:40] / 80, 1.15 - EVERY[:40] / 80),
        curve(1.0 - EVERY[:40] / 80, 1.1 - EVERY[:40] / 80),
    ),
    (
        "class_absent",
        (SCCE, CLASSES[:30] % 2, SCORES[:30]),
        (SCCE, CLASSES[:29] % 2, SCORES[:29]),
    ),
    ("labels_constant", (fl.mse, [1.0] * 20, P[:20]), (fl.mse, [1.0] * 19, P[:19])),
    ("labels_in_other_unit", (fl.mse, 85 * Y, P), (fl.mse, 75 * Y, P)),
    (
        "probabilities_as_logits",
        (SCCE, CLASSES, softmax(SCORES)),
        (SCCE, CLASSES, sigmoid(SCORES)),
    ),
]


@pytest.mark.parametrize(
    "case", EDGES, ids=[f"{i}-{e[0]}" for i, e in enumerate(EDGES)]
)
def test_it_begins_where_it_should(case: tuple[str, Any, Any]) -> None:
    code, beyond, within = case
    assert code in codes(*beyond)
    assert code not in codes(*within)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ((fl.bce, BITS, 100 * SAFE), "these are percent"),
        ((fl.scce, CLASSES, np.log(softmax(SCORES))), "from_logits=True: they are"),
        ((fl.dice, BITS, LOGITS), "1 / (1 + np.exp(-p))"),
        ((fl.nll, CLASSES, softmax(SCORES)), "these are probabilities"),
        ((fl.bce, BITS + 1, SAFE), "for 1 and 2 use y_true - 1"),
        ((fl.mse, Y, changed(P, 3, np.inf)), "overflow"),
        ((fl.mse, Y, changed(P, 3, -np.inf)), "the logarithm of 0"),
        ((fl.mse, Y, changed(P, 3, np.nan)), "0/0"),
        ((fl.mse, Y, changed(1e9 * P, 3, np.nan)), "training diverged"),
        ((SCCE, CLASSES[:, None], SCORES), "y_true[..., 0]"),
        ((fl.mse, Y, P[:, None]), "(400, 400)"),
        ((fl.mse, SCORES.T, SCORES), "transposed"),
        ((BCE, SAFE, BITS), "PyTorch has the prediction first"),
        ((SCCE, CLASSES % 2 + 1, SCORES), "use y_true - 1 and one column less"),
        ((fl.hinge, SIGNS, SAFE), "a margin needs scores of either sign"),
        (weighed(changed(np.ones(N), 9, -2)), "the least is -2"),
        ((BCE, EVERY < 30, 30.0 - EVERY), "pos_weight="),
        ((SCCE, EVERY < 30, SCORES), "class_weight="),
        ((fl.hinge, EVERY < 30, 30.0 - EVERY), "sample_weight="),
    ],
)
def test_it_says_what_to_do(call: tuple[Any, ...], said: str) -> None:
    text = " ".join(f"{f.message} {f.remedy}" for f in fl.diagnose(*call))
    assert said in text


def test_the_first_bad_entry_is_found_in_any_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts, "_BLOCK", 7)
    bad = changed(changed(SCORES, (113, 2), np.nan), (398, 0), np.inf)
    (found,) = (f for f in fl.diagnose(SCCE, CLASSES, bad) if "finite" in f.code)
    assert found.samples == ((113, 2),)
    assert (found.evidence["nan"], found.evidence["plus_infinity"]) == (1, 1)
    kept = fl.diagnose(SCCE, CLASSES, bad, sample_weight=EVERY != 113)[0]
    assert kept.samples == ((398, 0),)
    assert kept.evidence["nan"] == 0


def test_suspects_are_listed_worst_first() -> None:
    labels = (EVERY > 200) ^ np.isin(EVERY, [150, 100, 350])
    found = fl.diagnose(BCE, labels, 0.2 * (EVERY - 200.5))
    (suspects,) = (f for f in found if f.code == "label_suspects")
    assert suspects.samples == (350, 100, 150)
    assert suspects.evidence["suspects"] == 3


def test_shares_of_the_gradient_are_right() -> None:
    weight = np.where(EVERY < 4, 198.0, 2.0)
    found = fl.diagnose(fl.mae, Y, P, sample_weight=weight)
    share = pytest.approx(4 * 198 / (4 * 198 + 396 * 2))
    assert [(f.code, f.evidence["share"]) for f in found] == [
        ("weights_dominated", share),
        ("gradients_dominated", share),
    ]


def test_ignored_rows_do_not_count() -> None:
    loss = fl.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    labels = np.where(EVERY < 100, -1, CLASSES)
    wrong = np.where((EVERY < 100)[:, None], 50 * SCORES[::-1], SCORES)
    assert codes(loss, labels, wrong) == []
    assert codes(loss, np.where(EVERY < 100, -1, CLASSES + 1), SCORES)[0] == (
        "labels_from_one"
    )


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(["diagnose", *argv]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_files_are_diagnosed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arrays = {"y": Y, "p": P, "bits": BITS, "w": FEW, "c": 3.0 ** np.arange(12)}
    for name, array in {**arrays, "flat": FALLING, "scores": SCORES}.items():
        np.save(f"{name}.npy", array)
    np.save("classes.npy", CLASSES + 1)
    text = said(capsys, "--loss", "huber", "y.npy", "p.npy", "--delta", "1e-3")
    assert text == f"{fl.diagnose(fl.Huber(delta=1e-3), Y, P)}\n"
    text = said(capsys, "--loss", "hinge", "bits.npy", "p.npy", "--json")
    assert [row["code"] for row in json.loads(text)] == ["labels_zero_one"]
    curves = ("--history", "c.npy", "--validation", "flat.npy", "--weight", "w.npy")
    text = said(capsys, "--loss", "mse", "y.npy", "p.npy", *curves)
    assert text == f"{fl.diagnose(fl.mse, Y, P, arrays['c'], FALLING, FEW)}\n"
    text = said(capsys, "--loss", "scce", "classes.npy", "scores.npy", "--from-logits")
    assert "labels_from_one" in text
    assert cli.main(["diagnose", "--loss", "mse", "--loss", "mae", *["y.npy"] * 2]) == 2
    assert "one loss" in capsys.readouterr().err


def test_tables_are_diagnosed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "data.csv"
    lines = [f"{y},{p:.17g}" for y, p in zip(BITS, sigmoid(LOGITS), strict=True)]
    table.write_text("\n".join(["label,score", *lines]))
    columns = "--true", "label", "--pred", "score", "--loss", "bce"
    assert "No findings" in said(capsys, str(table), *columns)
    text = said(capsys, str(table), *columns, "--from-logits")
    assert "probabilities_as_logits" in text
