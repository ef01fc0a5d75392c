"""Losses by name, as Keras users ask for them."""

from __future__ import annotations

from difflib import get_close_matches

from fastloss.loss import Loss
from fastloss.losses import LOSSES

__all__ = ["get"]


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()


def _table() -> dict[str, Loss]:
    table: dict[str, Loss] = {}
    for name, loss in LOSSES.items():
        for alias in (name, type(loss).__name__, *loss.aliases):
            table.setdefault(_plain(alias), loss)
        for alias in loss.logits_aliases:
            table.setdefault(_plain(alias), loss._with({"from_logits": True}))
    return table


_NAMES = _table()


def get(identifier: str | Loss) -> Loss:
    """A loss by its name, in the spelling of Keras, scikit-learn or PyTorch.

    Parameters
    ----------
    identifier : str or Loss
        Case, underscores and hyphens do not matter. A loss is returned as it is.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If no loss has the name; the message proposes near ones.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.get("mse")
    MeanSquaredError()
    >>> fl.get("BCEWithLogitsLoss")
    BinaryCrossentropy(from_logits=True, label_smoothing=0.0, eps=None, pos_weight=1.0)
    """
    if isinstance(identifier, Loss):
        return identifier
    if not isinstance(identifier, str):
        raise TypeError(
            f"identifier is {type(identifier).__name__}: pass a name or a Loss"
        )
    loss = _NAMES.get(_plain(identifier))
    if loss is not None:
        return loss
    near = get_close_matches(_plain(identifier), _NAMES, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(LOSSES)}"
    raise ValueError(f"no loss is called {identifier!r}; {hint}")
