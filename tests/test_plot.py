"""Pictures show the numbers of the losses, and leave Matplotlib as it was."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import fastloss as fl
from fastloss import _neighbours
from fastloss.core.kinds import Elementwise
from fastloss.plot.examples import kind_of, measure, outputs_of, panels

mpl.use("Agg")

OUTPUTS = ("value", "gradient", "Hessian")

#: Whose gradients hold a factor fixed, as their papers do.
HELD = {"circle", "ciou"}


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Any:
    settings = dict(mpl.rcParams)
    yield
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == settings


def lines(ax: Any) -> list[Any]:
    """The curves of axes, without the line at 0."""
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


KINDS = {kind_of(loss): loss for loss in fl.LOSSES.values()}


@pytest.mark.parametrize("loss", KINDS.values(), ids=str)
def test_every_kind_is_drawn(loss: fl.Loss) -> None:
    figure = loss.plot()
    columns = 3 if hasattr(loss, "grad_and_hess") else 2
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == list(OUTPUTS[:columns]) * (len(titles) // columns)
    expected = panels(loss)
    assert len(expected) == len(titles) // columns
    for panel, start in zip(expected, range(0, len(titles), columns), strict=True):
        row = figure.axes[start : start + columns]
        assert {ax.get_xlabel() for ax in row} == {panel.axis}
        assert legend(row[0]) == [curve.label for curve in panel.curves]
        for ax, output in zip(row, ("value", "grad", "hess"), strict=False):
            for line, curve in zip(lines(ax), panel.curves, strict=True):
                assert line.get_xdata().tolist() == panel.x.tolist()
                drawn = measure(loss, curve, panel.x, output)
                assert line.get_ydata().tolist() == drawn.tolist()


@pytest.mark.parametrize("loss", fl.LOSSES.values(), ids=fl.LOSSES)
def test_every_loss_has_curves_whose_slopes_are_the_next_ones(loss: fl.Loss) -> None:
    for panel in panels(loss):
        assert panel.axis
        assert len({curve.label for curve in panel.curves}) == len(panel.curves)
        for curve in panel.curves:
            drawn = [measure(loss, curve, panel.x, each) for each in outputs_of(loss)]
            assert np.isfinite(drawn).all()
            if loss.name in HELD:
                continue
            for of, slope in pairwise(drawn):
                wrong = abs(np.gradient(of, panel.x) - slope)[1:-1]
                assert np.quantile(wrong, 0.9) <= 5e-3 * abs(slope).max() + 1e-9


@pytest.mark.parametrize(
    "loss",
    [loss for loss in fl.LOSSES.values() if isinstance(loss, Elementwise)],
    ids=str,
)
def test_curves_of_elements_are_the_loss(loss: fl.Loss) -> None:
    y_true = {"sign": [-1.0, 1.0], "unit": [0.0, 0.25]}.get(
        loss._row.labels[0], [0.5, 2.0]
    )
    x = np.linspace(0.1, 0.9, 7)
    (panel,) = panels(loss, y_true, x[::-1])
    assert panel.x.tolist() == x.tolist()
    for label, curve in zip(y_true, panel.curves, strict=True):
        y = np.full(7, label)
        assert curve.label == f"y_true = {label:g}"
        assert measure(loss, curve, x, "value").tolist() == pytest.approx(
            loss(y, x, reduction="none"), rel=1e-13
        )
        grad, hess = loss.grad_and_hess(y, x, reduction="sum")
        assert measure(loss, curve, x, "grad").tolist() == pytest.approx(grad)
        assert measure(loss, curve, x, "hess").tolist() == pytest.approx(hess)


def test_labels_of_which_bounds_are_known() -> None:
    figure = fl.aft.plot(([1.0, 0.5], [1.0, np.inf]), [0.25, 1.0, 2.0])
    known, censored = lines(figure.axes[1])
    assert legend(figure.axes[0]) == ["y_true = (1, 1)", "y_true = (0.5, inf)"]
    np.testing.assert_allclose(known.get_ydata(), [0.25, 1, 2], rtol=1e-12)
    pair = np.full(3, 0.5), np.full(3, np.inf)
    expected = fl.aft.grad(pair, np.array([0.25, 1.0, 2.0]), reduction="sum")
    np.testing.assert_allclose(censored.get_ydata(), expected, rtol=1e-12)


def test_what_depends_on_the_residual_alone_is_drawn_over_it() -> None:
    figure = fl.huber.plot(outputs="value")
    (ax,) = figure.axes
    (line,) = lines(ax)
    assert ax.get_xlabel() == "y_pred - y_true"
    assert ax.get_legend() is None
    x = line.get_xdata()
    assert (x[0], x[-1]) == (-4, 4)
    np.testing.assert_allclose(line.get_ydata(), fl.huber(0 * x, x, reduction="none"))

    @fl.custom
    def nearly(y_true, y_pred):
        return (y_pred - y_true) ** 2 * (1 + 1e-3 * y_true)

    assert nearly.plot(outputs="value").axes[0].get_xlabel() == "y_pred"
    ax = fl.get("mape").plot(outputs="value").axes[0]
    assert ax.get_xlabel() == "y_pred"
    assert legend(ax) == ["y_true = 0.5", "y_true = 1", "y_true = 2"]


@pytest.mark.parametrize(
    ("loss", "axis"),
    [
        (fl.bce, "y_pred (probability)"),
        (fl.BinaryCrossentropy(from_logits=True), "y_pred (logit)"),
        (fl.poisson, "y_pred (logarithm of the mean)"),
        (fl.Poisson(log_input=False), "y_pred (mean)"),
        (fl.hinge, "y_pred"),
        (fl.nll, "y_pred[0], others (-0.5, 0.5)"),
        (fl.scce, "y_pred[0] (probability), others (0.2, 0.3)"),
        (fl.gaussian_nll, "mean (var = 1)"),
        (fl.contrastive, "distance of b from a"),
        (fl.cosine_embedding, "a · b"),
        (fl.triplet, "distance of negative from anchor"),
        (fl.ntxent, "row 0 · row 1"),
        (fl.infonce, "row 0 of query · row of key"),
        (fl.listnet, "score, others of the group (0, 0.5, 1)"),
        (fl.cox, "y_pred of one of 5, others 0"),
        (fl.IoU(format="cxcywh"), "y_pred[0] of cxcywh, y_true = (0, 0, 2, 2)"),
        (fl.dice, "y_pred of one of 8 entries"),
    ],
    ids=str,
)
def test_the_axis_says_what_moves(loss: fl.Loss, axis: str) -> None:
    assert loss.plot(outputs=["value"]).axes[0].get_xlabel() == axis


def test_curves_over_one_number_of_a_call() -> None:
    x = np.linspace(-4, 4, 241)
    (line, other) = lines(fl.nll.plot(outputs=["value"]).axes[0])
    np.testing.assert_allclose(line.get_ydata(), -x, atol=1e-12)
    assert (other.get_ydata() == 0.5).all()
    ax = fl.contrastive.plot(outputs=["grad"]).axes[0]
    apart, alike = lines(ax)
    d = apart.get_xdata()
    np.testing.assert_allclose(alike.get_ydata(), d, rtol=1e-12)
    np.testing.assert_allclose(
        apart.get_ydata(), -np.maximum(1 - d, 0), rtol=1e-12, atol=1e-15
    )
    near, middle, far = lines(fl.triplet.plot(outputs=["value"], eps=0).axes[0])
    for line, distance in ((near, 0.5), (middle, 1), (far, 2)):
        assert line.get_label() == f"positive at {distance} from anchor"
        expected = np.maximum(0, 1 + distance - line.get_xdata())
        np.testing.assert_allclose(line.get_ydata(), expected, atol=1e-12)
    over_second = fl.gaussian_nll.plot(1.0, (0.5, 2.0)).axes[4]
    assert over_second.get_xlabel() == "var (mean = 0.5)"
    v = lines(over_second)[0].get_xdata()
    expected = 1 / (2 * v) - 0.25 / (2 * v**2)
    np.testing.assert_allclose(lines(over_second)[0].get_ydata(), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "arguments", "axis", "at", "value"),
    [
        (fl.cce, ([0, 1, 0], [0.5, 0.25, 0.25]), "y_pred[0] (prob", 0.5, np.log(4)),
        (fl.nll, (1, [0.0, -3.0]), "y_pred[0], others (-3)", 0.0, 3.0),
        (fl.contrastive, ([1], ([0.0, 0], [2.0, 1])), "b[0]", 2.0, 2.5),
        (fl.Triplet(eps=0), (None, ([0.0], [1.0], [1.5])), "negative[0]", 1.5, 0.5),
        (fl.listnet, ([1.0, 0], [2.0, 2]), "y_pred[0]", 2.0, np.log(2)),
        (fl.iou, ([[0, 0, 2, 2]], [[0, 0, 1, 2]]), "y_pred[0, 0]", 0.0, 0.5),
        (fl.Dice(smooth=0), ([1, 0], [0.5, 0.5]), "y_pred[0]", 0.5, 0.5),
        (fl.cox, (([2.0, 1], [1, 1]), [0.0, 0.0]), "y_pred[0]", 0.0, np.log(2)),
        (fl.InfoNCE(scale=1), (None, ([[1.0]], [[2.0]])), "query[0, 0]", 1.0, 0.0),
    ],
    ids=str,
)
def test_calls_of_ones_own(
    loss: fl.Loss, arguments: Any, axis: str, at: float, value: float
) -> None:
    ax = loss.plot(*arguments, outputs=["value"]).axes[0]
    (line,) = lines(ax)
    assert ax.get_xlabel().startswith(axis)
    near = np.interp(at, line.get_xdata(), line.get_ydata())
    assert near == pytest.approx(value, abs=2e-3)


def test_custom_losses_are_drawn() -> None:
    @fl.custom
    def log_likelihood(y_true, y_pred, *, scale=1.0):
        return -scale * (y_true * np.log(y_pred) + (1 - y_true) * np.log1p(-y_pred))

    x = np.array([0.25, 0.5])
    figure = log_likelihood.plot(1.0, x, scale=3.0)
    drawn = [lines_of.lines[0].get_ydata() for lines_of in figure.axes]
    expected = [-3 * np.log(x), -3 / x, 3 / x**2]
    np.testing.assert_allclose(drawn, expected, rtol=1e-12)
    assert legend(log_likelihood.plot().axes[0]) == ["y_true = 0", "y_true = 1"]

    @fl.custom
    def root(y_true, y_pred):
        return np.sqrt(np.mean((y_true - y_pred) ** 2))

    assert [ax.get_title() for ax in root.plot().axes] == ["value", "gradient"]

    @fl.custom(inputs=("price",))
    def priced(y_true, y_pred, price):
        return price * (y_pred - y_true) ** 2

    (line,) = lines(priced.plot(0.0, [1, 2, 3], price=2, outputs=["value"]).axes[0])
    assert line.get_ydata().tolist() == [2, 8, 18]
    both = fl.plot.compare([priced, "mse"], 0.0, [1, 2, 3], price=2)
    assert [line.get_ydata()[1] for line in lines(both.axes[0])] == [8, 4]
    with pytest.raises(TypeError, match="price is missing"):
        priced.plot()
    with pytest.raises(ValueError, match=r"price has shape \(2,\): one number"):
        priced.plot(price=[1, 2])


def test_several_losses_in_one_picture() -> None:
    losses = ["mse", fl.mae, fl.Huber(delta=0.5)]
    figure = fl.plot.compare(losses, [1.0, 3.0], [0.0, 0.25, 2.0])
    assert [ax.get_title() for ax in figure.axes] == list(OUTPUTS)
    drawn = lines(figure.axes[1])
    labels = [line.get_label() for line in drawn]
    assert labels[:2] == [f"MeanSquaredError(), y_true = {y}" for y in (1, 3)]
    assert labels[5] == "Huber(delta=0.5), y_true = 3"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == labels
    colours = [line.get_color() for line in drawn]
    assert colours == ["C0", "C0", "C1", "C1", "C2", "C2"]
    assert [line.get_linestyle() for line in drawn] == ["-", "--"] * 3
    assert drawn[5].get_ydata().tolist() == [-0.5, -0.5, -0.5]
    assert drawn[0].get_ydata().tolist() == [-2, -1.5, 2]


def test_labels_that_suit_all_losses() -> None:
    figure = fl.plot.compare(["mse", "bce"])
    assert figure.axes[0].get_xlabel() == "y_pred (probability)"
    assert len(lines(figure.axes[0])) == 4
    with pytest.raises(ValueError, match=r"hinge take no labels .* common: y_true"):
        fl.plot.compare(["bce", "hinge"])
    with pytest.raises(ValueError, match="triplet takes other arrays than mean_sq"):
        fl.plot.compare(["mse", "triplet"])
    with pytest.raises(TypeError, match="losses = 'mse': a list"):
        fl.plot.compare("mse")
    with pytest.raises(ValueError, match="losses is empty"):
        fl.plot.compare([])
    columns = fl.plot.compare([fl.ntxent, fl.supcon]).axes
    assert [ax.get_title() for ax in columns] == ["value", "gradient"]


def test_axes_of_ones_own() -> None:
    figure = Figure()
    ax = figure.subplots()
    assert fl.mse.plot(outputs=["hess"], axes=ax) is figure
    assert lines(ax)[0].get_ydata().tolist() == [2.0] * 241
    assert ax.get_ylim() == (1, 3)
    assert figure.get_suptitle() == ""
    assert fl.huber.plot().get_suptitle() == "Huber(delta=1.0)"
    assert fl.scce.plot().get_suptitle() == "SparseCategoricalCrossentropy()"
    with pytest.raises(ValueError, match="axes holds 1 axes, but 1 x 3 are drawn on"):
        fl.mse.plot(axes=ax)
    with pytest.raises(TypeError, match=r"axes\[0\] is int: Matplotlib's Axes"):
        fl.mse.plot(outputs=["value"], axes=3)
    assert fl.mse.plot()._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fl.mse.plot(outputs=["slope"]), ValueError, r"outputs\[0\] = 'slope'"),
        (lambda: fl.mse.plot(outputs=[]), ValueError, "outputs is empty"),
        (lambda: fl.circle.plot(outputs=["hess"]), ValueError, "circle has no Hessian"),
        (lambda: fl.mse.plot(range(9)), ValueError, "y_true has 9 different labels"),
        (lambda: fl.mse.plot([]), ValueError, "y_true has 0 different labels"),
        (lambda: fl.mse.plot(0, [1, 1]), ValueError, "y_pred has 1 different finite"),
        (lambda: fl.mse.plot(0, [1, np.nan]), ValueError, "y_pred has 2 different"),
        (lambda: fl.bce.plot(2), ValueError, r"y_true\[0\] = 2.0 is not in \[0, 1\]"),
        (lambda: fl.huber.plot(delta=-1), ValueError, "delta = -1 is not a num"),
        (lambda: fl.mse.plot(beta=1), TypeError, "no parameter 'beta'"),
        (lambda: fl.gaussian_nll.plot(0, 1.0), TypeError, "y_pred"),
        (lambda: fl.gaussian_nll.plot(0, ([1, 2], 1)), ValueError, "mean has shape"),
    ],
)
def test_what_cannot_be_drawn(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_far_numbers_leave_the_rest_visible() -> None:
    low, high = fl.bce.plot().axes[1].get_ylim()
    assert low == pytest.approx(-high)
    low, high = fl.bce.plot().axes[2].get_ylim()
    assert (low, high) != fl.mse.plot().axes[2].get_ylim()
    assert high < 1000 < lines(fl.bce.plot().axes[2])[1].get_ydata().max()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(package: str) -> str:
        raise _neighbours.PackageNotFoundError(package)

    monkeypatch.setattr(_neighbours, "version", absent)
    monkeypatch.delitem(sys.modules, "fastloss.plot", raising=False)
    message = r"needs matplotlib, which is not inst.* pip install 'fastloss\[plot\]'"
    with pytest.raises(ImportError, match=message):
        fl.mse.plot()


def test_import_leaves_matplotlib_for_later() -> None:
    code = (
        "import sys, fastloss as fl; assert 'matplotlib' not in sys.modules; "
        "assert 'plot' in dir(fl); fl.plot.loss('mse'); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).parents[1] / "docs" / "plotting.md"
    blocks = re.findall(
        r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "page", None, 0)
    monkeypatch.chdir(tmp_path)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted >= 20
    assert result.failed == 0, capsys.readouterr().out
    assert (tmp_path / "huber.png").stat().st_size > 1000
