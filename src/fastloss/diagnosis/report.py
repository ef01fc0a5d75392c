"""What a diagnosis says, as text, as HTML and as plain data."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from fastloss._html import document, tag

__all__ = ["Diagnosis", "Finding", "Place"]

Place = int | tuple[int, ...]
"""Index of a sample."""

_WIDTH = 88
_INDENT = " " * 4
_SHOWN = 8  # samples in a line of text
# Of a contrast of 4 or more to white and of 3.5 or more to black.
_COLORS = {"high": "#d32f2f", "medium": "#a86400", "low": "#607d8b"}


@dataclass(frozen=True)
class Finding:
    """One thing that is, or may be, wrong.

    Attributes
    ----------
    code : str
        Name of the finding, which programs may rely on.
    severity : {"high", "medium", "low"}
        "high": training cannot work, or the numbers mean something else than they seem
        to; "medium": it works, but worse than it could; "low": worth a look.
    message : str
        What was found, with the numbers that show it.
    remedy : str
        What to do.
    evidence : mapping
        The numbers by name, and under "error" what the loss said if it refused.
    samples : tuple of int or of tuple of int
        Indices of the samples that show it, worst or first ones first.
    because : str or None
        Code of another finding that this one follows from, probably.
    """

    code: str
    severity: str
    message: str
    remedy: str
    evidence: Mapping[str, Any]
    samples: tuple[Place, ...] = ()
    because: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain data; numbers that JSON does not know are text."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "remedy": self.remedy,
            "evidence": {name: _plain(value) for name, value in self.evidence.items()},
            "samples": _plain(self.samples),
            "because": self.because,
        }


def _plain(value: Any) -> Any:
    """`value` as JSON has it."""
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


@dataclass(frozen=True, repr=False)
class Diagnosis(Sequence[Finding]):
    """The answer of `diagnose`: findings, most likely first. False if there are none.

    Attributes
    ----------
    loss : str
        The loss as one would type it.
    scope : str
        What was looked at.
    findings : tuple of Finding
    """

    loss: str
    scope: str
    findings: tuple[Finding, ...]

    def __len__(self) -> int:
        return len(self.findings)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        return self.findings[index]

    def to_list(self) -> list[dict[str, Any]]:
        """The findings as plain data, which `json.dumps` takes."""
        return [finding.to_dict() for finding in self.findings]

    @property
    def _title(self) -> str:
        count = len(self.findings)
        found = f"{count or 'No'} finding{'s' * (count != 1)}"
        return f"{found} for {self.loss}: {self.scope}."

    def __str__(self) -> str:
        parts = [_filled(self._title, "")]
        for number, finding in enumerate(self.findings, start=1):
            head = f"{number}. {finding.severity.upper()}: {finding.code}"
            if finding.because:
                head += f" (probably because of {finding.because})"
            lines = [head, _filled(finding.message, _INDENT)]
            lines += [_filled(more, _INDENT) for more in _details(finding)]
            lines.append(_filled(f"-> {finding.remedy}", _INDENT))
            parts.append("\n".join(lines))
        return "\n\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        listed = tag("ol", *map(_item, self.findings)) if self.findings else ""
        return document(tag("p", self._title), listed)


def _filled(text: str, indent: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def _details(finding: Finding) -> Iterator[str]:
    """Lines below the message."""
    if "error" in finding.evidence:
        yield f"The loss says: {finding.evidence['error']}"
    if finding.samples:
        shown = ", ".join(str(place) for place in finding.samples[:_SHOWN])
        more = len(finding.samples) - _SHOWN
        yield f"Samples: {shown}" + (f" and {more} more" if more > 0 else "")


def _item(finding: Finding) -> str:
    color = _COLORS[finding.severity]
    because = f" probably because of {finding.because}" if finding.because else ""
    details = [tag("div", tag("small", line)) for line in _details(finding)]
    return tag(
        "li",
        tag("b", finding.severity, style=f"color:{color}"),
        " ",
        tag("code", finding.code),
        tag("small", because),
        tag("div", finding.message),
        *details,
        tag("div", f"\N{RIGHTWARDS ARROW} {finding.remedy}"),
        style="margin-bottom:.6em",
    )
