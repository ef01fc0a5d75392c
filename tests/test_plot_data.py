"""Pictures of predictions show what plain NumPy computes of them."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import fastloss as fl

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Any:
    yield
    assert plt.get_fignums() == []


Y = np.array([0, 0, 1, 1, 0, 1, 1, 0])
P = np.array([0.0, 0.1, 0.2, 0.25, 0.5, 0.75, 0.9, 1.0])
W = np.array([1.0, 3.0, 1.0, 2.0, 1.0, 1.0, 4.0, 0.0])


def said(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_calibration() -> None:
    figure = fl.plot.calibration(Y, P, bins=2)
    diagram, counts = figure.axes
    even, curve = diagram.lines
    assert even.get_xydata().tolist() == [[0, 0], [1, 1]]
    # 0.5 and 1 are in the upper bin
    np.testing.assert_allclose(curve.get_xdata(), [0.55 / 4, 3.15 / 4])
    np.testing.assert_allclose(curve.get_ydata(), [0.5, 0.5])
    (bars,) = counts.patches
    assert bars.get_data().values.tolist() == [4, 4]
    assert bars.get_data().edges.tolist() == [0, 0.5, 1]
    error = (abs(0.55 / 4 - 0.5) + abs(3.15 / 4 - 0.5)) / 2
    brier, cost = np.mean((P - Y) ** 2), fl.bce(Y, P)
    assert said(figure) == [
        "calibrated",
        f"Brier {brier:.4g}, log loss {cost:.4g}, ECE {error:.4g}",
    ]
    assert diagram.get_ylabel() == "frequency of 1"
    assert counts.get_xlabel() == "predicted probability"
    assert counts.get_ylabel() == "samples"


def test_calibration_with_weights() -> None:
    figure = fl.plot.calibration(Y, P, bins=2, sample_weight=W)
    diagram, counts = figure.axes
    curve = diagram.lines[1]
    np.testing.assert_allclose(curve.get_xdata(), [1 / 7, 4.85 / 6])
    np.testing.assert_allclose(curve.get_ydata(), [3 / 7, 5 / 6])
    assert counts.patches[0].get_data().values.tolist() == [7, 6]
    assert counts.get_ylabel() == "weight"
    error = (7 * (3 / 7 - 1 / 7) + 6 * (5 / 6 - 4.85 / 6)) / 13
    assert said(figure)[1].endswith(f"ECE {error:.4g}")
    assert said(figure)[1].startswith(f"Brier {fl.brier(Y, P, sample_weight=W):.4g},")


def test_calibration_of_equal_counts_and_of_several_models() -> None:
    figure = fl.plot.calibration(Y, {"a": P, "b": 1 - P}, bins=4, strategy="quantile")
    diagram, counts = figure.axes
    first, _ = counts.patches
    assert first.get_data().values.tolist() == [2, 2, 2, 2]
    edges = [0, *np.quantile(P, [0.25, 0.5, 0.75]), 1]
    np.testing.assert_allclose(first.get_data().edges, edges)
    assert [text.partition(":")[0] for text in said(figure)] == ["calibrated", "a", "b"]
    assert len(diagram.lines) == 3
    # bins of which one has no samples
    drawn = fl.plot.calibration([0, 1], [0.05, 0.95]).axes[0].lines[1]
    assert drawn.get_xydata().tolist() == [[0.05, 0], [0.95, 1]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fl.plot.calibration([2], [0.5]), ValueError, "is not in"),
        (lambda: fl.plot.calibration([1], [1.5]), ValueError, "is not a probability"),
        (lambda: fl.plot.calibration([1, 0], [0.5]), ValueError, "y_true has shape"),
        (lambda: fl.plot.calibration(Y, P, bins=0), ValueError, "bins = 0 is not pos"),
        (lambda: fl.plot.calibration(Y, P, bins=2.5), TypeError, "bins"),
        (lambda: fl.plot.calibration(Y, P, strategy="even"), ValueError, "strategy"),
        (lambda: fl.plot.calibration(Y, {}), ValueError, "y_prob is empty"),
        (
            lambda: fl.plot.calibration([0, 1], [0.5, np.nan]),
            ValueError,
            r"y_prob\[1\] = nan is not finite",
        ),
        (
            lambda: fl.plot.calibration([0, np.nan], [0.5, 0.5]),
            ValueError,
            r"y_true\[1\] = nan is not finite",
        ),
        (
            lambda: fl.plot.calibration(Y, P, sample_weight=0 * W),
            ValueError,
            "no samples that weigh anything",
        ),
        (
            lambda: fl.plot.calibration(Y, P, sample_weight=W[1:]),
            ValueError,
            "sample_weight has shape",
        ),
        (lambda: fl.plot.residuals([1, 2], [1]), ValueError, "y_true has shape"),
        (lambda: fl.plot.residuals([1], [1], "cox"), ValueError, "cox is no element-"),
        (lambda: fl.plot.residuals([1], [np.inf]), ValueError, "is not finite"),
        (lambda: fl.plot.surface("mse", [[1, 2, 3]], [1]), ValueError, "X has shape"),
        (lambda: fl.plot.surface("mse", [1, 2], [1]), ValueError, "y has shape"),
        (lambda: fl.plot.surface("bce", [3], [1]), ValueError, "pass from_logits=Tr"),
        (lambda: fl.plot.surface("nll", [3], [1]), ValueError, "nll is no element-w"),
        (
            lambda: fl.plot.surface("mse", [1], [1], path=[1, 2]),
            ValueError,
            r"path has shape \(2,\): rows of pairs",
        ),
        (
            lambda: fl.plot.surface("mse", [1], [1], ranges=[[0, 1]]),
            ValueError,
            r"ranges has shape \(1, 2\): 2 pairs",
        ),
        (
            lambda: fl.plot.surface("mse", [1], [1], path=[[1, np.inf]]),
            ValueError,
            "path is empty or holds numbers that are not finite",
        ),
    ],
)
def test_what_cannot_be_drawn(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_residuals() -> None:
    y, p = np.array([1.0, 2.0, 5.0, 4.0]), np.array([1.5, 2.0, 1.0, 7.0])
    figure = fl.plot.residuals(y, p, fl.Huber(delta=2.0))
    over, spread, pulls = figure.axes
    assert over.collections[0].get_offsets().tolist() == [
        [1.5, 0.5],
        [2, 0],
        [1, -4],
        [7, 3],
    ]
    assert pulls.collections[0].get_offsets().tolist() == [
        [0.5, 0.5],
        [0, 0],
        [-4, -2],
        [3, 2],
    ]
    assert over.collections[0].get_array().tolist() == [0.5, 0, 2, 2]
    assert sum(bar.get_height() for bar in spread.patches) == 4
    assert spread.get_legend().get_texts()[0].get_text() == "mean -0.125"
    assert figure.get_suptitle() == f"Huber(delta=2.0): {fl.huber(y, p, delta=2.0):.5g}"
    assert (over.get_xlabel(), over.get_ylabel()) == ("y_pred", "y_pred - y_true")
    assert (pulls.get_xlabel(), pulls.get_ylabel()) == ("y_pred - y_true", "gradient")


def test_residuals_with_weights() -> None:
    y, p = np.zeros(3), np.array([1.0, np.nan, 3.0])
    figure = fl.plot.residuals(y, p, sample_weight=[2.0, 0.0, 1.0])
    over, spread, pulls = figure.axes
    assert over.collections[0].get_offsets().tolist() == [[1, 1], [3, 3]]
    assert pulls.collections[0].get_offsets().tolist() == [[1, 4], [3, 6]]
    assert sum(bar.get_height() for bar in spread.patches) == 3
    assert spread.get_legend().get_texts()[0].get_text() == "mean 1.67"


def test_of_many_residuals_some_are_drawn() -> None:
    p = np.arange(25_000.0)
    over, spread, _ = fl.plot.residuals(0 * p, p).axes
    assert over.collections[0].get_offsets()[:, 0].tolist() == p[::3].tolist()
    assert sum(bar.get_height() for bar in spread.patches) == 25_000
    first, last = spread.patches[0], spread.patches[-1]
    assert first.get_x() == pytest.approx(0.005 * 24_999)
    assert last.get_x() + last.get_width() == pytest.approx(0.995 * 24_999)


def test_surfaces() -> None:
    x = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    y = np.array([1.0, -2.0, 0.5])
    path = [[0.0, 0.0], [1.0, -1.0], [0.5, -0.5]]
    ranges = [[-2, 2], [-3, 1]]
    figure = fl.plot.surface("mae", x, y, path=path, ranges=ranges)
    ax = figure.axes[0]
    assert ax.lines[0].get_xydata().tolist() == path
    assert ax.lines[1].get_xydata().tolist() == [path[-1]]
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-3, 1))
    assert ax.get_title() == "MeanAbsoluteError()"
    assert ax.get_xlabel() == "weight of X[:, 0]"
    assert ax.get_ylabel() == "weight of X[:, 1]"
    filled = ax.collections[0]
    a, b = np.meshgrid(np.linspace(-2, 2, 61), np.linspace(-3, 1, 61))
    values = np.mean(abs(a[..., None] * x[:, 0] + b[..., None] * x[:, 1] - y), axis=-1)
    assert filled.levels[0] == pytest.approx(values.min(), abs=1e-12)
    assert filled.levels[-1] == pytest.approx(values.max())
    assert filled.levels[12] == pytest.approx(np.quantile(values, 12 / 23))
    weighted = fl.plot.surface("mae", x, y, ranges=ranges, sample_weight=[1, 0, 0])
    top = np.max(abs(a - 1))
    assert weighted.axes[0].collections[0].levels[-1] == pytest.approx(top)


def test_surfaces_of_a_slope_and_an_intercept() -> None:
    for x in ([0.0, 1.0, 2.0], [[0.0], [1.0], [2.0]]):
        ax = fl.plot.surface("mse", x, [1.0, 3.0, 5.0]).axes[0]
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("slope", "intercept")
        # around the least squares, slope 2 and intercept 1
        np.testing.assert_allclose(ax.get_xlim(), (-1, 5))
        np.testing.assert_allclose(ax.get_ylim(), (-2, 4))
    far = fl.plot.surface("mse", x, [1.0, 3.0, 5.0], path=[[-2, 1], [9, 1]]).axes[0]
    np.testing.assert_allclose(far.get_xlim(), (-2.3, 9.3))


def test_axes_of_ones_own() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots(2, 1)
    assert fl.plot.calibration(Y, P, axes=axes) is figure
    assert len(axes[0].get_legend().get_texts()) == 2
    assert fl.plot.residuals(Y, P, axes=figure.subplots(1, 3)) is figure
    ax = figure.subplots()
    assert fl.plot.surface("mse", P, Y, axes=ax) is figure
    with pytest.raises(ValueError, match="axes holds 1 axes, but 2 x 1 are drawn on"):
        fl.plot.calibration(Y, P, axes=ax)
