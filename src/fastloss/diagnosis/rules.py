"""The table of rules: each looks for one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from fastloss.diagnosis.report import Place

__all__ = ["SEVERITIES", "TABLE", "Rule", "Said", "rule"]

SEVERITIES = ("high", "medium", "low")

F = TypeVar("F")


class Said(NamedTuple):
    """What a rule found: the fields of a `Finding` that the table does not have."""

    message: str
    remedy: str
    evidence: Mapping[str, Any]
    samples: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Attributes
    ----------
    code, severity : str
        As in a `Finding`.
    about : str
        What it looks for, in a line.
    subject : str
        The file that it is in: "labels", "predictions"...
    facts : type
        What it looks at; where there are no such facts it is not asked.
    explains : tuple of str
        Codes of findings that follow from this one.
    look : callable
        Takes the facts and returns what it found, or None.
    """

    code: str
    severity: str
    about: str
    subject: str
    facts: type
    explains: tuple[str, ...]
    look: Callable[[Any], Said | None]


TABLE: list[Rule] = []
"""All rules, those of a file in their order."""


def rule(
    facts: type[F], severity: str, explains: tuple[str, ...] = ()
) -> Callable[[Callable[[F], Said | None]], Callable[[F], Said | None]]:
    """Enter a function into the table under its own name."""

    def enter(look: Callable[[F], Said | None]) -> Callable[[F], Said | None]:
        about = (look.__doc__ or "").split("\n\n")[0]
        subject = look.__module__.rpartition(".")[2]
        TABLE.append(
            Rule(
                look.__name__,
                severity,
                " ".join(about.split()),
                subject,
                facts,
                explains,
                look,
            )
        )
        return look

    return enter
