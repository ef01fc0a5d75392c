"""The demo: its data, its training, what it prints and what it reaches."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss.app import cli, demo


@pytest.fixture(scope="module")
def classified() -> list[tuple[demo.Run, demo.Run]]:
    return demo.train_all(demo.classification())


@pytest.fixture(scope="module")
def regressed() -> list[tuple[demo.Run, demo.Run]]:
    return demo.train_all(demo.regression())


def test_digits_are_those_of_the_collection() -> None:
    images, labels = demo.load_digits()
    assert images.dtype == labels.dtype == np.uint8
    assert images.shape == (1797, 8, 8)
    assert images.max() == 16
    # The counts of optdigits.names, section 9, "testing".
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels).tolist() == counts


def test_the_licence_of_the_digits_is_beside_them() -> None:
    note = Path(demo.__file__).with_name("data") / "README.md"
    text = note.read_text(encoding="utf-8")
    for words in ("CC BY 4.0", "Alpaydin", "10.24432/C50P49"):
        assert words in text


def test_held_out_data_is_not_trained_on() -> None:
    train, held_out = demo._split(1797)
    assert len(held_out) == demo.HELD_OUT
    assert sorted([*train, *held_out]) == list(range(1797))


def test_every_training_lowers_its_cost(
    classified: list[tuple[demo.Run, demo.Run]],
    regressed: list[tuple[demo.Run, demo.Run]],
) -> None:
    for pair in classified + regressed:
        assert [run.optimizer for run in pair] == ["plain", "Adam"]
        for run in pair:
            assert len(run.costs) == demo.STEPS
            assert all(map(math.isfinite, run.costs))
            assert run.costs[-1] < 0.95 * run.costs[0]


def test_accuracy_is_that_of_a_logistic_regression(
    classified: list[tuple[demo.Run, demo.Run]],
) -> None:
    """scikit-learn 1.9.1: LogisticRegression() of the same pixels reaches 95.36 %."""
    for pair in classified:
        for run in pair:
            assert run.score >= 95.36 - 1


def test_robust_losses_survive_the_outliers(
    regressed: list[tuple[demo.Run, demo.Run]],
) -> None:
    scores = {type(pair[0].experiment.loss): pair for pair in regressed}
    for k in range(2):
        squared = scores[fl.MeanSquaredError][k].score
        assert scores[fl.MeanAbsoluteError][k].score < squared / 4
        assert scores[fl.Huber][k].score < squared / 4


def test_results_agree_with_the_reference(
    classified: list[tuple[demo.Run, demo.Run]],
    regressed: list[tuple[demo.Run, demo.Run]],
) -> None:
    for pair in classified + regressed:
        for run in pair:
            agreement = demo.compare(run)
            assert agreement.value < 1e-6
            assert agreement.gradient < 1e-6


def test_training_is_deterministic(
    classified: list[tuple[demo.Run, demo.Run]],
) -> None:
    problem = demo.classification()
    again = demo.train(problem, problem.experiments[0], demo.GradientDescent(1.0))
    assert again.costs == classified[0][0].costs


def test_adam_moves_by_its_rate_first() -> None:
    """The first step of Adam is ``rate sign(gradient)``."""
    x = np.zeros(3, np.float32)
    demo.Adam(rate=0.1).step(x, np.array([2.0, -3.0, 0.0], np.float32))
    np.testing.assert_allclose(x, [-0.1, 0.1, 0.0], rtol=1e-6)


def test_relative_difference() -> None:
    assert demo.relative_difference([1.0, 0.0], [1.0, 0.0]) == 0
    assert demo.relative_difference([1.0, -2.2], [1.2, -2.0]) == pytest.approx(0.1)
    assert demo.relative_difference(3.0, 2.0) == 0.5
    assert math.isnan(demo.relative_difference([math.nan], [1.0]))


def test_sparkline() -> None:
    assert demo.sparkline([8.0, 4.0, 2.0, 1.0], "0123", width=4) == "3210"
    assert demo.sparkline([1.0] * 5, "01", width=3) == "000"
    assert len(demo.sparkline(list(range(1, 301)), "01")) == demo.CURVE_WIDTH


def test_report(
    capsys: pytest.CaptureFixture[str],
    classified: list[tuple[demo.Run, demo.Run]],
    regressed: list[tuple[demo.Run, demo.Run]],
) -> None:
    assert cli.main(["demo"]) == 0
    text = capsys.readouterr().out
    for pair in classified + regressed:
        lines = [
            line
            for line in text.splitlines()
            if line.startswith(pair[0].experiment.title)
        ]
        curves, comparison = lines
        for run in pair:
            assert demo.sparkline(run.costs, demo._levels()) in curves
            assert f"{run.score:.2f}" in curves
        assert len(comparison.removeprefix(pair[0].experiment.title).split()) == 5


def test_plot(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A picture with matplotlib, one line that says what to install without."""
    monkeypatch.setattr(demo, "STEPS", 3)
    file = tmp_path / "curves.png"
    code = cli.main(["demo", "--plot", str(file)])
    captured = capsys.readouterr()
    if importlib.util.find_spec("matplotlib") is None:
        assert code == 2
        assert "pip install 'fastloss[plot]'" in captured.err
    else:
        assert code == 0
        assert file.read_bytes().startswith(b"\x89PNG")


def test_plot_without_matplotlib_fails_before_the_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["demo", "--plot", "curves.png"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "pip install 'fastloss[plot]'" in captured.err
