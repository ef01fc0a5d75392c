"""What ran here and what was left to scikit-learn."""

from __future__ import annotations

import logging
from collections import Counter

__all__ = ["report"]

_log = logging.getLogger("fastloss.sklearn")
_ours: Counter[str] = Counter()
_theirs: Counter[str] = Counter()


def ran(name: str) -> None:
    """Count a call that fastloss answered."""
    _ours[name] += 1


def fell_back(name: str, reason: object) -> None:
    """Count and log a call that scikit-learn's own code answered."""
    _theirs[name] += 1
    _log.info("%s is scikit-learn's own: %s", name, reason)


def report() -> dict[str, tuple[int, int]]:
    """How often each loss and metric ran here, and how often in scikit-learn's code.

    Why a call was left to scikit-learn is logged, at level INFO by the logger
    "fastloss.sklearn".

    Returns
    -------
    dict of str to tuple of int
        Calls answered by fastloss and calls left to scikit-learn, by name.
    """
    return {name: (_ours[name], _theirs[name]) for name in sorted(_ours | _theirs)}
