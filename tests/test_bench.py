"""``fastloss bench``, with tiny inputs: what is measured, said and written."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from test_cli import complaint, output

import fastloss as fl
from fastloss.app import bench, cli

TINY: dict[str, Any] = {"elements": 1000, "rows": (20, 10), "seconds": 0.01}


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "ELEMENTS", 1000)
    monkeypatch.setattr(bench, "SETTLE_SECONDS", 0.0)
    # What else is installed is not this test's to compile.
    own = {name: bench.CONTENDERS[name] for name in (bench.OURS, bench.NUMPY)}
    monkeypatch.setattr(bench, "CONTENDERS", own)
    measure = bench.measure
    monkeypatch.setattr(bench, "measure", lambda **given: measure(**{**given, **TINY}))


def test_everything_is_measured() -> None:
    with fl.threads(3):
        report = bench.measure()
    assert [one.loss for one in report.losses] == [
        "squared error",
        "Huber",
        "binary CE, logits",
        "sparse CE, logits",
    ]
    for result in report.losses:
        assert list(result.times) == ["fastloss", "NumPy"]
        assert all(one.seconds > 0 for one in result.times.values())
        assert result.share_of_limit > 0
    assert [one.threads for one in report.scaling] == [1, 2, 3]
    assert all(one.gigabytes_per_second > 0 for one in report.scaling)
    assert report.threads == 3
    assert report.notes == []


@pytest.mark.parametrize(
    ("most", "counts"),
    [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 4]), (12, [1, 2, 4, 8, 12])],
)
def test_one_thread_to_all(most: int, counts: list[int]) -> None:
    assert bench._thread_counts(most) == counts


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_the_limit_moves_every_byte(threads: int) -> None:
    case = bench.cases(1000, (20, 10))[0]
    stream = bench._Stream(case, threads)
    y, x, out = stream._arrays
    out[...] = np.nan
    stream()
    stream.close()
    np.testing.assert_array_equal(out, y + x)
    assert stream.bytes == 3 * 4 * 1000


def test_medians_of_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of our own: rounds take 1, 2 and 4 seconds a call."""
    now = 0.0
    calls = 0

    def run() -> None:
        nonlocal now, calls
        per_round = bench.LEAST_CALLS + 1  # the first is not counted
        now += 100.0 if calls % per_round == 0 else 2.0 ** (calls // per_round)
        calls += 1

    monkeypatch.setattr(bench.time, "perf_counter", lambda: now)
    found = bench.timed({"a": run}, 0.0)
    assert found == {"a": bench.Timing(2.0, 1.5)}


def test_a_contender_that_computes_something_else_is_not_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(case: bench.Case, threads: int) -> bench.Step:
        value, grad = case.loss.value_and_grad(case.y_true, case.y_pred)
        return lambda: (value, grad * 1.01)

    monkeypatch.setitem(bench.CONTENDERS, "half", ("numpy", wrong))
    report = bench.measure()
    assert report.notes[0] == "half: another value of squared error, not timed"
    assert len(report.notes) == 4
    assert "half" not in report.losses[0].times
    assert "half: another value" in bench.as_text(report)


def test_what_is_not_installed_does_not_take_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(bench.CONTENDERS, "x", ("surely_absent", bench._ours))
    monkeypatch.setitem(bench.CONTENDERS, "torch.compile", ("numpy", bench._ours))
    assert list(bench._installed(False)) == ["fastloss", "NumPy"]
    assert list(bench._installed(True)) == ["fastloss", "NumPy", "torch.compile"]


def test_a_busy_machine_is_said() -> None:
    assert bench._busy(0.4, 2, 0.1) == []
    assert bench._busy(0.6, 2, 0.1) == ["load 0.6 on 2 cores before it began"]
    assert bench._busy(0.4, 2, 0.2) == ["medians of the same call differ by 20%"]
    report = bench.Report("cpu", 2, 2, 0.6, busy=bench._busy(0.6, 2, 0.1))
    assert "The machine is busy: load 0.6" in bench._verdict(report)
    assert "Do not trust these figures" in bench._verdict(report)
    report.busy = []
    assert bench._verdict(report).startswith("The machine was idle: load 0.6 before")


def report() -> bench.Report:
    """Figures whose table can be worked out by hand."""
    times = {"fastloss": bench.Timing(0.002, 0.0), "NumPy": bench.Timing(0.008, 0.0)}
    return bench.Report(
        "cpu",
        2,
        2,
        0.0,
        versions={"fastloss": "1", "NumPy": "2"},
        losses=[bench.LossResult("Huber", (4000, 10), times, 0.5)],
        scaling=[bench.Scaling(1, 10.0, {"Huber": 0.003})],
    )


def test_the_tables() -> None:
    lines = bench.as_text(report()).splitlines()
    assert (
        "Huber, 4,000 x 10                     2.0    8.0               4.0" in lines[4]
    )
    assert lines[4].endswith("50%")
    assert lines[7:10] == [
        "Huber",
        f"  fastloss {'█' * 40} 4.0",
        f"  NumPy    {'█' * 10} 1.0",
    ]
    assert lines[12].split() == ["1", "thread", "3.0", "10.0"]


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "bench", "--seconds", "0.01", "--json", "b.json")
    assert "times the speed of NumPy" in text
    found = json.loads(Path("b.json").read_text())
    assert found["losses"][0]["times"]["NumPy"]["seconds"] > 0
    assert found["versions"]["NumPy"] == np.__version__
    assert "is not a number of seconds" in complaint(capsys, "bench", "--seconds", "-1")


def test_nothing_is_left_of_what_is_broken_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(**given: object) -> None:
        assert len(os.listdir()) == 2
        raise KeyboardInterrupt

    Path("b.json").write_text("old")
    monkeypatch.setattr(bench, "measure", interrupted)
    assert cli.main(["bench", "--json", "b.json"]) == 130
    assert os.listdir() == ["b.json"]
    assert Path("b.json").read_text() == "old"


def test_without_matplotlib(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastloss.app.files.find_spec", lambda name: None)
    line = complaint(capsys, "bench", "--plot", "b.png")
    assert "pip install 'fastloss[plot]'" in line
    assert os.listdir() == []


def test_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a matplotlib that notes what is drawn: one bar a contender but NumPy."""
    drawn: list[tuple[list[float], list[float], str]] = []

    class Axes:
        spines = {("top", "right")}  # noqa: RUF012

        def __getattr__(self, name: str) -> Any:
            return lambda *arguments, **options: None

        def barh(self, places: Any, speeds: Any, height: float, label: str) -> None:
            drawn.append((places, speeds, label))

    class Spines:
        def __getitem__(self, names: object) -> Spines:
            return self

        def set_visible(self, visible: bool) -> None:
            assert not visible

    axes = Axes()
    axes.spines = Spines()

    class Figure:
        def savefig(self, target: Any, **options: Any) -> None:
            target.write(b"picture")

    plt = ModuleType("matplotlib.pyplot")
    plt.subplots = lambda **options: (Figure(), axes)
    plt.close = lambda figure: None
    root = ModuleType("matplotlib")
    root.use = lambda backend: None
    root.pyplot = plt
    monkeypatch.setitem(sys.modules, "matplotlib", root)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", plt)
    assert bench.draw(report()) == b"picture"
    assert drawn == [([0.0], [4.0], "fastloss")]
