"""Losses by name, as Keras users ask for them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from fastloss.core.loss import Loss
from fastloss.losses import LOSSES

__all__ = ["get"]


def _plain(name: str) -> str:
    """Without case, underscores and hyphens."""
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()


#: Names of other libraries that are no loss here, without a "loss" at their end.
_ELSEWHERE: dict[str, str] = {
    "log": (
        "scikit-learn's log_loss is 'binary_crossentropy' for a vector of "
        "probabilities, 'sparse_categorical_crossentropy' for classes and rows of "
        "probabilities, 'categorical_crossentropy' for one-hot rows"
    ),
    "rmse": "use the square root of 'mean_squared_error'",
    "rootmeansquarederror": "use the square root of 'mean_squared_error'",
    "rmsle": "use the square root of 'mean_squared_logarithmic_error'",
    "rootmeansquaredlog": "use the square root of 'mean_squared_logarithmic_error'",
    "kldiv": (
        "PyTorch's is fl.KLDivergence(log_input=True) under its reductions "
        "'batchmean' and 'sum'; its 'mean' divides by the number of classes, too"
    ),
    "multilabelmargin": "use 'multilabel_margin', of rows of 0 and 1, not of lists",
}


def _table() -> dict[str, dict[Loss, str]]:
    """Plain names, and the losses that each means by a name that says it alone."""
    table: dict[str, dict[Loss, str]] = {}
    theirs: dict[str, dict[Loss, str]] = {}
    for name, loss in LOSSES.items():
        own: dict[str, dict[str, Any]] = {name: {}, type(loss).__name__: {}}
        for alias, parameters in (own | dict(loss.aliases)).items():
            meant = loss._with(dict(parameters))
            table.setdefault(_plain(alias), {meant: alias})
            word = _plain(alias.partition(":")[2])
            if word and word.removesuffix("loss") not in _ELSEWHERE:
                theirs.setdefault(word, {}).setdefault(meant, alias)
    return theirs | table


_NAMES = _table()


def _made_of(identifier: object) -> str:
    """How a Loss is made of what is none."""
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return f", as {identifier.__name__}()"
    if callable(identifier):
        return "; fastloss.custom makes a Loss of a function"
    return ""


def get(identifier: str | Loss) -> Loss:
    """A loss by its name, in the spelling of Keras, scikit-learn or PyTorch.

    Parameters
    ----------
    identifier : str or Loss
        Case, underscores and hyphens do not matter. A name of another library may say
        whose it is, as in ``"torch:cross_entropy"``: where libraries differ, so do the
        losses. A loss is returned as it is.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If no loss has the name, or several libraries give it to different losses; the
        message proposes names, or says what a name of another library means here.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.get("mse")
    MeanSquaredError()
    >>> fl.get("BCEWithLogitsLoss") == fl.BinaryCrossentropy(from_logits=True)
    True
    """
    if isinstance(identifier, Loss):
        return identifier
    if not isinstance(identifier, str):
        raise TypeError(
            f"identifier is {type(identifier).__name__}: pass a name or a Loss"
            f"{_made_of(identifier)}"
        )
    plain = _plain(identifier)
    meant = _NAMES.get(plain, {})
    if len(meant) == 1:
        return next(iter(meant))
    if meant:
        names = ", ".join(map(repr, meant.values()))
        raise ValueError(f"{identifier!r} means several losses: pass one of {names}")
    known = f"; known: {', '.join(LOSSES)}; others with fl.custom"
    raise ValueError(f"no loss is called {identifier!r}{_remedy(plain) or known}")


def _remedy(plain: str) -> str:
    """What is said of the plain name of no loss."""
    if plain.removesuffix("loss") in _ELSEWHERE:
        return f": {_ELSEWHERE[plain.removesuffix('loss')]}"
    near = [
        next(iter(_NAMES[name].values()))
        for name in get_close_matches(plain, _NAMES, 3, 0.75)
    ]
    return f"; did you mean {', '.join(near)}?" if near else ""


def hint(name: str) -> str:
    """What is said of an attribute that the package does not have."""
    meant = _NAMES.get(_plain(name), {})
    if len(meant) == 1:
        return f"; fl.get({name!r}) is {next(iter(meant))!r}"
    if meant:
        return f"; pass one of {', '.join(map(repr, meant.values()))} to fl.get"
    return _remedy(_plain(name))
