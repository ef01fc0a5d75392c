"""Value, gradient and Hessian over a prediction: of one loss, and of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastloss.core.job import Array
from fastloss.core.loss import Loss
from fastloss.names import get
from fastloss.plot._figures import axes_for, finish
from fastloss.plot.examples import (
    OUTPUTS,
    Panel,
    kind_of,
    measure,
    outputs_of,
    panels,
)

__all__ = ["compare", "loss"]

_NAMES = {"value": "value", "grad": "gradient", "hess": "Hessian"}
_STYLES = ("-", "--", ":", "-.")
_TITLE = 40  # characters
_LINE = 40  # characters under a panel
_FLAT = 1e-5  # what varies less is a constant and rounding errors


def loss(
    of: Loss | str,
    y_true: Any = None,
    y_pred: Any = None,
    *,
    outputs: Sequence[str] | None = None,
    axes: Any = None,
    **parameters: Any,
) -> Any:
    """Draw a loss: what ``of.plot(...)`` does.

    Parameters
    ----------
    of : Loss or str
        A loss or its name.
    y_true : array_like, optional
        Labels, a curve for each. Of losses of groups, sequences, regions, boxes and
        batches: the labels of a call. Default: what shows the loss best.
    y_pred : array_like, optional
        Of losses of one prediction a sample: the horizontal axis, as
        ``np.linspace(-3, 3, 300)``. Of others: the predictions of a call, of which one
        number moves.
    outputs : sequence of {"value", "grad", "hess"}, optional
        What is drawn, a column each. Default: all that the loss has.
    axes : matplotlib.axes.Axes or array of these, optional
        Where, a row for each prediction that moves and a column for each output.
        Default: those of a new figure.
    **parameters
        Parameters of the loss, as in a call. What a custom loss takes beside labels
        and predictions is one number here.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    What is drawn is the sum over the samples of the call, and its derivatives by the
    number on the horizontal axis, all computed by the loss.

    Examples
    --------
    >>> import fastloss as fl
    >>> figure = fl.huber.plot(outputs=["value", "grad"])
    >>> [ax.get_title() for ax in figure.axes]
    ['value', 'gradient']
    """
    found = get(of)._with(parameters)
    names = _checked(outputs, [found])
    return _draw([found], panels(found, y_true, y_pred), names, axes, _title(found))


def compare(
    losses: Iterable[Loss | str],
    y_true: Any = None,
    y_pred: Any = None,
    *,
    outputs: Sequence[str] | None = None,
    axes: Any = None,
    **inputs: Any,
) -> Any:
    """Draw several losses of one kind in one picture, over the same labels.

    Parameters
    ----------
    losses : iterable of Loss or str
        Losses or their names: a colour each.
    y_true, y_pred, outputs, axes
        As of `fastloss.plot.loss`. Default: labels and predictions that suit all the
        losses, and the outputs that all of them have.
    **inputs
        What custom losses take beside labels and predictions: one number each.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import fastloss as fl
    >>> figure = fl.plot.compare(["mse", "mae", fl.Huber(delta=0.5)])
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['MeanSquaredError()', 'MeanAbsoluteError()', 'Huber(delta=0.5)']
    """
    if isinstance(losses, str | Loss):
        raise TypeError(f"losses = {losses!r}: a list of losses is expected")
    found = [_bound(get(each), inputs) for each in losses]
    if not found:
        raise ValueError("losses is empty: pass at least one loss")
    for each in found:
        if kind_of(each) is not kind_of(found[0]):
            raise ValueError(
                f"{each.name} takes other arrays than {found[0].name}: losses of one "
                "kind are compared, whose calls look alike"
            )
    names = _checked(outputs, found)
    suited = _that_suit_all(found, y_true, y_pred)
    return _draw(found, suited, names, axes, "")


def _bound(of: Loss, inputs: dict[str, Any]) -> Loss:
    return of._with({name: inputs[name] for name in of.inputs if name in inputs})


def _checked(outputs: Sequence[str] | None, losses: list[Loss]) -> list[str]:
    """Names of outputs, those that all losses have if none are given."""
    if outputs is None:
        return [n for n in OUTPUTS if all(n in outputs_of(each) for each in losses)]
    names = [outputs] if isinstance(outputs, str) else list(outputs)
    for place, name in enumerate(names):
        if name not in OUTPUTS:
            raise ValueError(
                f"outputs[{place}] = {name!r} is not one of {', '.join(OUTPUTS)}"
            )
        for each in losses:
            if name not in outputs_of(each):
                raise ValueError(
                    f"outputs[{place}] = {name!r}: {each.name} has no Hessian that is "
                    "a diagonal"
                )
    if not names:
        raise ValueError(f"outputs is empty: name some of {', '.join(OUTPUTS)}")
    return names


def _that_suit_all(losses: list[Loss], y_true: Any, y_pred: Any) -> list[Panel]:
    """The example of the first loss that all of them take."""
    refused: ValueError | None = None
    for each in losses:
        found = panels(each, y_true, y_pred)
        try:
            for panel in found:
                for curve in panel.curves:
                    for other in losses:
                        measure(other, curve, panel.x[[0, -1]], "value")
        except ValueError as error:
            refused = error
        else:
            return found
    raise ValueError(
        f"{', '.join(each.name for each in losses)} take no labels and predictions in "
        f"common: {refused}"
    )


def _draw(
    losses: list[Loss], of: list[Panel], outputs: list[str], given: Any, title: str
) -> Any:
    """A row of axes for each panel, a column for each output."""
    axes = axes_for(given, len(of), len(outputs))
    for row, panel in zip(axes, of, strict=True):
        for ax, output in zip(row, outputs, strict=True):
            _draw_panel(ax, losses, panel, output)
        handles = row[0].get_legend_handles_labels()[0]
        if handles and (given is not None or len(losses) == 1):
            row[0].legend(fontsize="small")
    figure = finish(axes, given, title)
    if given is None and len(losses) > 1:
        longest = max(len(handle.get_label()) for handle in handles)
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=max(1, _LINE * len(outputs) // (longest + 6)),
            fontsize="small",
        )
    return figure


def _draw_panel(ax: Any, losses: list[Loss], panel: Panel, output: str) -> None:
    drawn = []
    for i, each in enumerate(losses):
        for j, curve in enumerate(panel.curves):
            y = measure(each, curve, panel.x, output)
            alone = len(losses) == 1
            words = [curve.label] if alone else [_title(each), curve.label]
            ax.plot(
                panel.x,
                y,
                color=f"C{(j if alone else i) % 10}",
                linestyle=_STYLES[0 if alone else j % len(_STYLES)],
                label=", ".join(filter(None, words)) or "_",
            )
            drawn.append(y)
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.set(title=_NAMES[output], xlabel=panel.axis)
    limits = _limits(np.concatenate(drawn))
    if limits is not None:
        ax.set_ylim(*limits)


def _title(of: Loss) -> str:
    """Its repr; if that is long, with the parameters alone that are no defaults."""
    whole = repr(of)
    return whole if len(whole) <= _TITLE else of._expression()


def _limits(numbers: Array) -> tuple[float, float] | None:
    """Where nearly all of the numbers are if the rest is far away."""
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return None
    low, middle, high = np.quantile(finite, [0.05, 0.5, 0.95])
    least, most = finite.min(), finite.max()
    if most - least < _FLAT:
        return middle - 1, middle + 1
    if most - least <= 4 * (high - low) or high == low:
        return None
    room = 0.5 * (high - low)
    return max(least, low - room), min(most, high + room)
