"""Labels that are names of classes: strings, or any numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastloss.core import checks

__all__: list[str] = []

ClassNames: TypeAlias = Iterable[Any] | None
"""The labels in the order of the classes, as ``classes_`` of scikit-learn's models."""

IGNORED = -1
"""The code of labels that are left out."""


def names(value: Any) -> tuple[Any, ...] | None:
    """`classes` in its final form: hashable, each once."""
    if value is None:
        return None
    if isinstance(value, str | bytes | set | frozenset | Mapping) or not isinstance(
        value, Iterable
    ):
        raise TypeError(
            f"classes = {value!r} must be a sequence of labels, in the order of the "
            "classes, as model.classes_"
        )
    found = tuple(value.tolist() if hasattr(value, "tolist") else value)
    found = tuple(c.item() if isinstance(c, np.generic) else c for c in found)
    seen: dict[Any, int] = {}
    for place, label in enumerate(found):
        try:
            first = seen.setdefault(label, place)
        except TypeError:
            raise TypeError(
                f"classes[{place}] = {label!r} is neither a string nor a number"
            ) from None
        if first != place:
            raise ValueError(f"classes[{place}] = {label!r} is classes[{first}] again")
    return found


def coded(
    y_true: Any, known: tuple[Any, ...], codes: tuple[int, ...], ignored: Any
) -> NDArray[np.int64]:
    """The code of the class of each label, or `IGNORED`."""
    table = dict(zip(known, codes, strict=True))
    if ignored is not None:
        table[ignored] = IGNORED
    array = np.asarray(y_true)
    entries = array.ravel().tolist()
    try:
        found = [table[entry] for entry in entries]
    except (KeyError, TypeError):
        place = next(i for i, entry in enumerate(entries) if not _is_in(table, entry))
        where = checks.at("y_true", place, array.shape)
        raise ValueError(
            f"{where} = {entries[place]!r} is none of the classes {_shown(known)}"
        ) from None
    return np.array(found, np.int64).reshape(array.shape)


def _is_in(table: dict[Any, int], entry: Any) -> bool:
    try:
        return entry in table
    except TypeError:
        return False


def _shown(known: tuple[Any, ...]) -> str:
    few = ", ".join(map(repr, known[:8]))
    return f"({few}, ... {len(known)} in all)" if len(known) > 8 else f"({few})"


def weights_by_place(value: Any, known: tuple[Any, ...]) -> Any:
    """Class weights by label as those by the number of the class."""
    if hasattr(value, "to_dict") and hasattr(value, "index"):
        value = dict(zip(value.index, value, strict=True))
    if not isinstance(value, Mapping):
        return value
    place = {label: number for number, label in enumerate(known)}
    for label in value:
        if label not in place:
            raise ValueError(
                f"class_weight names {label!r}, which is none of the classes "
                f"{_shown(known)}"
            )
    return {place[label]: weight for label, weight in value.items()}
