"""Pictures of predictions: calibration, residuals, and the loss of a linear model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastloss.core import checks
from fastloss.core.job import Array
from fastloss.core.loss import Loss
from fastloss.losses import bce, brier
from fastloss.names import get
from fastloss.plot._figures import axes_for, finish
from fastloss.plot.examples import kind_of

__all__ = ["calibration", "residuals", "surface"]

_MOST = 10_000  # points of a scatter plot
_BARS = 40
_TAIL = 0.005  # of the residuals on either side, which the outer bars hold
_GRID = 61  # points of a surface along each weight
_LEVELS = 24


def calibration(
    y_true: Any,
    y_prob: Any,
    *,
    bins: int = 10,
    strategy: str = "uniform",
    sample_weight: Any = None,
    axes: Any = None,
) -> Any:
    """Draw how often what was given a probability happened: a reliability diagram.

    Parameters
    ----------
    y_true : array_like
        Labels in [0, 1].
    y_prob : array_like or mapping
        Probabilities of the shape of `y_true`, or several of these by name.
    bins : int
        Number of bins of probabilities.
    strategy : {"uniform", "quantile"}
        Bins of one width, or of as many samples each.
    sample_weight : array_like, optional
        A weight for each sample.
    axes : array of two matplotlib.axes.Axes, optional
        For the diagram and for the counts below it. Default: those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        The legend has the Brier score, the log loss and the expected calibration
        error: the mean over the samples of the distance of a bin's frequency from its
        mean probability.

    Examples
    --------
    >>> import fastloss as fl
    >>> figure = fl.plot.calibration([0, 1, 1, 0], [0.1, 0.9, 0.6, 0.3])
    >>> figure.legends[0].get_texts()[1].get_text()
    'Brier 0.0675, log loss 0.2696, ECE 0.225'
    """
    checks.one_of("strategy", strategy, ("uniform", "quantile"))
    if checks.integer("bins", bins) < 1:
        raise ValueError(f"bins = {bins} is not positive")
    several = isinstance(y_prob, Mapping)
    models = dict(y_prob) if several else {"": y_prob}
    if not models:
        raise ValueError("y_prob is empty: pass probabilities by name")
    grid = axes_for(axes, 2, 1, panel=(5.0, 2.9), heights=(3, 1))
    diagram, counts = grid[:, 0]
    diagram.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="calibrated")
    for name, given in models.items():
        score = brier(y_true, given, sample_weight=sample_weight)
        cost = bce(y_true, given, sample_weight=sample_weight)
        y, p, w = _samples(y_true, given, sample_weight, "y_prob")
        edges = _edges(p, bins, strategy)
        total, predicted, happened = _binned(y, p, w, edges)
        error = np.sum(total * abs(happened - predicted)) / np.sum(total)
        said = f"Brier {score:.4g}, log loss {cost:.4g}, ECE {error:.4g}"
        label = f"{name}: {said}" if several else said
        diagram.plot(predicted, happened, marker="o", markersize=4, label=label)
        counts.stairs(np.histogram(p, edges, weights=w)[0], edges, fill=not several)
    diagram.set(xlim=(0, 1), ylim=(0, 1), ylabel="frequency of 1", title="reliability")
    counts.set(
        xlim=(0, 1),
        xlabel="predicted probability",
        ylabel="samples" if sample_weight is None else "weight",
    )
    figure = finish(grid, axes, "")
    if axes is None:
        handles = diagram.get_legend_handles_labels()[0]
        figure.legend(handles=handles, loc="outside lower center", fontsize="small")
    else:
        diagram.legend(fontsize="small")
    return figure


def _samples(
    y_true: Any, y_pred: Any, sample_weight: Any, name: str
) -> tuple[Array, Array, Array]:
    """Labels, predictions and weights as flat arrays, without samples of weight 0."""
    p = np.asarray(y_pred, dtype=np.float64)
    y = np.asarray(y_true, dtype=np.float64)
    weight = checks.weights(sample_weight, p.shape)
    w = np.ones(p.shape) if weight is None else weight.astype(np.float64)
    counts = w != 0
    for called, array in (("y_true", y), (name, p)):
        wrong = np.flatnonzero(counts & ~np.isfinite(array))
        if wrong.size:
            place = checks.element(called, array, int(wrong[0]))
            raise ValueError(
                f"{place} is not finite: leave it out, or give it weight 0"
            )
    if not counts.any():
        raise ValueError(f"{name} has no samples that weigh anything")
    return y[counts], p[counts], w[counts]


def _edges(p: Array, bins: int, strategy: str) -> Array:
    if strategy == "uniform":
        return np.linspace(0, 1, bins + 1)
    inner = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.unique([0.0, *inner, 1.0])


def _binned(y: Array, p: Array, w: Array, edges: Array) -> tuple[Array, Array, Array]:
    """Of each bin that has samples: weight, mean prediction and mean label."""
    place = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, edges.size - 2)
    total, of_p, of_y = (
        np.bincount(place, numbers, edges.size - 1) for numbers in (w, w * p, w * y)
    )
    some = total != 0
    return total[some], of_p[some] / total[some], of_y[some] / total[some]


def residuals(
    y_true: Any,
    y_pred: Any,
    loss: Loss | str = "mean_squared_error",
    *,
    sample_weight: Any = None,
    axes: Any = None,
) -> Any:
    """Draw what is left of the labels, and how much the loss makes of it.

    Parameters
    ----------
    y_true, y_pred : array_like
        Labels and predictions of one shape.
    loss : Loss or str
        An element-wise loss, whose gradient says how hard each sample pulls.
    sample_weight : array_like, optional
        A weight for each sample.
    axes : array of three matplotlib.axes.Axes, optional
        Default: those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        Residuals over predictions, their distribution, and over them the gradient of
        the sum of the losses by each prediction. Of more than 10 000 samples every
        n-th is drawn; the distribution is that of all, its tails in the outer bars.

    Examples
    --------
    >>> import fastloss as fl
    >>> figure = fl.plot.residuals([1.0, 2.0, 9.0], [1.5, 2.0, 3.0], "huber")
    >>> [ax.get_title() for ax in figure.axes]
    ['residuals', 'distribution', 'pull on each prediction']
    """
    found = _elementwise(loss)
    p = np.asarray(y_pred, dtype=np.float64)
    y = np.asarray(y_true, dtype=np.float64)
    pull = found.grad(y, p, sample_weight=sample_weight, reduction="sum")
    value = found(y, p, sample_weight=sample_weight)
    y, p, w = _samples(y, p, sample_weight, "y_pred")
    pull = pull[_weighs(sample_weight, pull.shape)]
    r = p - y
    drawn = slice(None, None, -(-r.size // _MOST))
    grid = axes_for(axes, 1, 3)
    over, spread, pulls = grid[0]
    size = {"s": 8, "alpha": 0.6, "linewidths": 0, "rasterized": True}
    over.scatter(p[drawn], r[drawn], c=abs(pull[drawn]), cmap="viridis", **size)
    over.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    over.set(title="residuals", xlabel="y_pred", ylabel="y_pred - y_true")
    ends = np.quantile(r, [_TAIL, 1 - _TAIL])  # beyond which bars would be empty
    spread.hist(np.clip(r, *ends), bins=_BARS, weights=w)
    mean = np.sum(w * r) / np.sum(w)
    spread.axvline(mean, color="C1", label=f"mean {mean:.3g}")
    spread.legend(fontsize="small")
    spread.set(title="distribution", xlabel="y_pred - y_true")
    pulls.scatter(r[drawn], pull[drawn], c=abs(pull[drawn]), cmap="viridis", **size)
    pulls.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    pulls.set(
        title="pull on each prediction", xlabel="y_pred - y_true", ylabel="gradient"
    )
    return finish(grid, axes, f"{found._expression()}: {value:.5g}")


def _weighs(sample_weight: Any, shape: tuple[int, ...]) -> Array:
    weight = checks.weights(sample_weight, shape)
    return np.ones(shape, dtype=bool) if weight is None else weight != 0


def _elementwise(loss: Loss | str) -> Loss:
    found = get(loss)
    if kind_of(found) is not kind_of(brier):
        raise ValueError(
            f"{found.name} is no element-wise loss: one of a label and a prediction "
            "for each sample is expected, as mean_squared_error"
        )
    return found


def surface(
    loss: Loss | str,
    X: Any,  # noqa: N803
    y: Any,
    *,
    path: Any = None,
    ranges: Any = None,
    sample_weight: Any = None,
    axes: Any = None,
) -> Any:
    """Draw the loss of a linear model over its two weights.

    Parameters
    ----------
    loss : Loss or str
        An element-wise loss that takes what the model gives: of probabilities the form
        ``from_logits=True``.
    X : array_like
        Two columns, whose weighted sum is the prediction; or one column or an array of
        one axis, for a slope and an intercept.
    y : array_like
        A label for each row.
    path : array_like, optional
        Pairs of weights that an optimizer went through, a row each.
    ranges : pair of pairs of float, optional
        From where to where each weight goes. Default: around the least squares and the
        path.
    sample_weight : array_like, optional
        A weight for each row.
    axes : matplotlib.axes.Axes, optional
        Default: that of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import fastloss as fl
    >>> figure = fl.plot.surface("mse", [0.0, 1.0, 2.0], [1.0, 3.0, 5.0])
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
    ('slope', 'intercept')
    """
    found = _elementwise(loss)
    columns, labels, names = _model(X, y)
    walked = None if path is None else _pairs_of("path", path)
    (low_a, high_a), (low_b, high_b) = (
        _around(columns, labels, walked)
        if ranges is None
        else _pairs_of("ranges", ranges, 2)
    )
    first = np.linspace(low_a, high_a, _GRID)
    second = np.linspace(low_b, high_b, _GRID)
    values = np.array(
        [
            [
                found(labels, columns @ np.array([a, b]), sample_weight=sample_weight)
                for a in first
            ]
            for b in second
        ]
    )
    grid = axes_for(axes, 1, 1, panel=(5.0, 4.0))
    ax = grid[0, 0]
    finite = values[np.isfinite(values)]
    levels = np.unique(np.quantile(finite, np.linspace(0, 1, _LEVELS)))
    if levels.size > 1:
        filled = ax.contourf(first, second, values, levels=levels, cmap="viridis")
        ax.contour(
            first, second, values, levels=levels, colors="w", linewidths=0.3, alpha=0.6
        )
        ax.figure.colorbar(filled, ax=ax, label="loss", format="%.3g")
    if walked is not None:
        ax.plot(*walked.T, color="C3", marker=".", linewidth=1.2, label="path")
        ax.plot(*walked[-1], color="C3", marker="*", markersize=10)
    ax.set(
        title=found._expression(),
        xlabel=names[0],
        ylabel=names[1],
        xlim=(low_a, high_a),
        ylim=(low_b, high_b),
    )
    return finish(grid, axes, "")


def _model(given: Any, y: Any) -> tuple[Array, Array, tuple[str, str]]:
    """Two columns, labels, and what the weights are called."""
    columns = np.asarray(given, dtype=np.float64)
    labels = np.asarray(y, dtype=np.float64)
    names = "weight of X[:, 0]", "weight of X[:, 1]"
    if columns.ndim == 1:
        columns = columns[:, np.newaxis]
    if columns.ndim != 2 or columns.shape[1] not in (1, 2) or not len(columns):
        raise ValueError(
            f"X has shape {np.shape(given)}: two columns are expected, or one for a "
            "slope and an intercept"
        )
    if labels.shape != columns.shape[:1]:
        raise ValueError(
            f"y has shape {labels.shape}: a label for each of the {len(columns)} rows "
            "of X is expected"
        )
    if columns.shape[1] == 1:
        columns = np.hstack([columns, np.ones_like(columns)])
        names = "slope", "intercept"
    return columns, labels, names


def _pairs_of(name: str, given: Any, rows: int | None = None) -> Array:
    pairs = np.asarray(given, dtype=np.float64)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or rows not in (None, len(pairs)):
        raise ValueError(
            f"{name} has shape {pairs.shape}: {rows or 'rows of'} pairs of numbers are "
            "expected"
        )
    if not len(pairs) or not np.isfinite(pairs).all():
        raise ValueError(f"{name} is empty or holds numbers that are not finite")
    return pairs


def _around(columns: Array, labels: Array, path: Array | None) -> Array:
    """From where to where each weight goes."""
    best = np.linalg.lstsq(columns, labels)[0]
    size = 1.5 * max(1.0, float(abs(best).max()))
    corners = np.stack([best - size, best + size])
    if path is not None:
        corners = np.concatenate([corners, path - 0.1 * size, path + 0.1 * size])
    return np.stack([corners.min(axis=0), corners.max(axis=0)], axis=1)
