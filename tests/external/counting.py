"""What the tests of another library ask of fastloss, and what comes of it.

A case is a test of theirs, or a sample. Each counts once, for the loss that it asks for
first: ``equal`` where fastloss answers and they are content, ``different`` where a
convention differs, ``left`` where the library's own loss answers. The others ask for no
loss: they look at configurations, arguments or text.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

OUTCOMES = ("equal", "different", "left")

#: The losses that the test that runs has asked for here, and of the library and why.
here: list[str] = []
there: list[tuple[str, str]] = []

cases: Counter[tuple[str, str]] = Counter()
reasons: Counter[tuple[str, str]] = Counter()
others = 0
_before = 0


def start() -> None:
    """Begin a test."""
    global _before
    here.clear()
    there.clear()
    _before = cases.total()


def add(loss: str, outcome: str, reason: str = "") -> None:
    """Count a case."""
    cases[loss, outcome] += 1
    if reason:
        reasons[outcome, reason] += 1


def add_test(reason: str = "", wrong: bool = False) -> None:
    """Count a test that has not counted its samples by what it asked for.

    It was not content if it is `wrong`.
    """
    global others
    if cases.total() > _before:
        return
    if here or wrong:
        loss = here[0] if here else "none"
        add(loss, "different" if wrong else "equal", reason)
    elif there:
        add(there[0][0], "left", there[0][1])
    else:
        others += 1


def noting(asked: list[Any], what: Any, function: Callable[..., Any]) -> Any:
    """The function, whose calls are noted."""

    @functools.wraps(function)
    def noted(*arguments: Any, **options: Any) -> Any:
        asked.append(what)
        return function(*arguments, **options)

    return noted


def _functions(module: ModuleType) -> list[str]:
    """The public functions that a module defines."""
    return [
        name
        for name, function in vars(module).items()
        if callable(function)
        and not isinstance(function, type)
        and getattr(function, "__module__", "") == module.__name__
        and not name.startswith("_")
    ]


def replace(
    module: ModuleType,
    ours: dict[str, Callable[..., Any]],
    theirs: Iterable[str] = (),
    why: str = "no such loss here",
) -> None:
    """Put functions into a module, and note the calls of these and of all others.

    The others are `theirs`, or else what the module defines, and stay for `why`.
    """
    for name in theirs or _functions(module):
        function = getattr(module, name)
        if name in ours:
            setattr(module, name, noting(here, name, ours[name]))
        elif callable(function):
            setattr(module, name, noting(there, (name, why), function))


def find_sources(library: str, folder: str = "") -> None:
    """Put what `tools/external.py` has unpacked of a library on Python's path."""
    if "FASTLOSS_PEERS" not in os.environ:
        raise pytest.UsageError("run tools/external.py, which brings the tests")
    (found,) = Path(os.environ["FASTLOSS_PEERS"]).glob(f"{library}-*/{folder}")
    sys.path.insert(0, str(found))


def write(path: Path) -> None:
    """Write the counts as JSON."""
    losses: dict[str, dict[str, int]] = {}
    for (loss, outcome), count in sorted(cases.items()):
        losses.setdefault(loss, dict.fromkeys(OUTCOMES, 0))[outcome] = count
    why = [[*key, count] for key, count in reasons.most_common()]
    text = json.dumps({"losses": losses, "reasons": why, "others": others})
    path.write_text(text, "utf-8")
