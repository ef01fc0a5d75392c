"""fastloss in the place of scikit-learn's losses and loss metrics."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import sklearn
from sklearn._loss import _loss as compiled

from fastloss.sklearn import _journal, _linear, _metrics
from fastloss.sklearn._arrays import as_numpy
from fastloss.sklearn._kernels import STAND_IN_NAMES, stand_in

__all__ = ["patch", "patched", "unpatch"]

TESTED = ("1.9",)

_LOSSES = "sklearn._loss.loss"
#: Compiled losses that move memory and compute next to nothing: theirs are as fast.
_LEFT = ("CyAbsoluteError", "CyHalfSquaredError", "CyHuberLoss")
_SCORERS = "sklearn.metrics._scorer"
_METRICS = {
    "sklearn.metrics._regression": _metrics.REGRESSION,
    "sklearn.metrics._classification": _metrics.CLASSIFICATION,
}

#: The functions and classes that were replaced and by what, while the patch is on.
_replaced: list[tuple[Any, Any]] = []


def _stand_in_maker(theirs: type) -> Callable[..., Any]:
    """Make what stands in for a compiled loss, which pickles as that."""

    @functools.wraps(theirs, updated=())
    def made(*arguments: Any, **parameters: Any) -> Any:
        return stand_in(theirs(*arguments, **parameters), portable=True)

    return made


def _metric(theirs: Any, ours: _metrics.Metric) -> Callable[..., Any]:
    """Make what calls ours, and theirs where ours does not answer."""
    names = list(inspect.signature(theirs).parameters)[:2]
    known = {*inspect.signature(ours).parameters}

    @functools.wraps(theirs)
    def metric(*arguments: Any, **options: Any) -> Any:
        rest = dict(options)
        given = [
            *arguments,
            *(rest.pop(n) for n in names[len(arguments) :] if n in rest),
        ]
        plain = len(given) == 2 and rest.keys() <= known
        if "sample_weight" in rest:
            rest["sample_weight"] = as_numpy(rest["sample_weight"])
        value = ours(*map(as_numpy, given), **rest) if plain else None
        if value is None:
            _journal.fell_back(theirs.__name__, "arguments that need preparation")
            return theirs(*arguments, **options)
        _journal.ran(theirs.__name__)
        return value

    return metric


def _to_replace() -> list[tuple[Any, Any]]:
    """The metrics there are, and what calls ours first; the loss of linear models."""
    metrics = [
        (theirs, _metric(theirs, ours))
        for module, metrics in _METRICS.items()
        for name, ours in metrics.items()
        if (theirs := getattr(import_module(module), name, None)) is not None
    ]
    ours = _linear.LinearModelLoss
    return [*metrics, (ours.__base__, ours)]


def _replace_losses(new: Callable[[Any], Any]) -> None:
    """Replace the compiled losses that scikit-learn's own are made with.

    In that module alone: stochastic gradient descent calls theirs from C.
    """
    losses = import_module(_LOSSES)
    for name in set(STAND_IN_NAMES) - {*_LEFT}:
        setattr(losses, name, new(getattr(compiled, name)))


def _replace(pairs: list[tuple[Any, Any]]) -> None:
    """Replace in every module of scikit-learn that holds it, and in scorers.

    Modules that are imported later take what they find in those that are here.
    """
    table = {id(old): new for old, new in pairs}
    for name, module in list(sys.modules.items()):
        if name.startswith("sklearn."):
            for key, value in list(vars(module).items()):
                if id(value) in table:
                    setattr(module, key, table[id(value)])
    for scorer in import_module(_SCORERS)._SCORERS.values():
        scorer._score_func = table.get(id(scorer._score_func), scorer._score_func)


def patch() -> None:
    """Let scikit-learn compute its losses and loss metrics by fastloss.

    Estimators that are fitted from now on use it, and so do metrics and scorers of
    scikit-learn's modules. A function that a program imported before,
    as by ``from sklearn.metrics import log_loss``, remains what it was.

    Warns
    -----
    UserWarning
        If this version of scikit-learn was not tested; nothing is changed then.

    Examples
    --------
    >>> import fastloss.sklearn
    >>> fastloss.sklearn.patch()
    >>> from sklearn.metrics import mean_squared_error
    >>> fastloss.sklearn.unpatch()
    """
    if _replaced:
        return
    if ".".join(sklearn.__version__.split(".")[:2]) not in TESTED:
        warnings.warn(
            f"fastloss.sklearn.patch() was tested with scikit-learn {', '.join(TESTED)}"
            f", this is {sklearn.__version__}: nothing is patched",
            stacklevel=2,
        )
        return
    _replaced.extend(_to_replace())
    _replace(_replaced)
    _replace_losses(_stand_in_maker)


def unpatch() -> None:
    """Let scikit-learn compute by itself again."""
    if _replaced:
        _replace([(new, old) for old, new in _replaced])
        _replace_losses(lambda theirs: theirs)
        _replaced.clear()


@contextmanager
def patched() -> Iterator[None]:
    """Patch inside a ``with`` block; what was patched before remains so."""
    before = bool(_replaced)
    patch()
    try:
        yield
    finally:
        if not before:
            unpatch()
