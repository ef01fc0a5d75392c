"""HTML for notebooks: escaped, self-contained, and readable on light and dark pages.

>>> tag("p", "a < b, ", tag("code", "c"))
'<p>a &lt; b, <code>c</code></p>'
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

__all__ = ["Html", "document", "table", "tag"]

# Colours come from the page: lines are a part of its text's.
_LINE = "1px solid color-mix(in srgb, currentColor 25%, transparent)"
_STYLE = (
    ".fastloss{max-width:72em;overflow-x:auto}"
    ".fastloss table{border-collapse:collapse;margin:.5em 0}"
    ".fastloss th,.fastloss td{text-align:left;vertical-align:top;"
    f"padding:.25em .75em;border-bottom:{_LINE}}}"
    ".fastloss pre,.fastloss code{background:none;color:inherit;white-space:pre-wrap}"
)


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def _escaped(part: str) -> str:
    return part if isinstance(part, Html) else html.escape(part)


def tag(name: str, *content: str, **attributes: str) -> Html:
    """An element; its content is escaped unless it is `Html`.

    An attribute that is a word of Python has an underscore at its end.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{given}>{''.join(map(_escaped, content))}</{name}>")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """A table; without a head, the first cell of each row heads it."""
    if not head:
        lines = [
            tag("tr", tag("th", first), *(tag("td", cell) for cell in rest))
            for first, *rest in rows
        ]
        return tag("table", tag("tbody", *lines))
    top = tag("thead", tag("tr", *(tag("th", cell) for cell in head)))
    lines = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    return tag("table", top, tag("tbody", *lines))


def document(*parts: str) -> Html:
    """What a ``_repr_html_`` returns: parts one below the other, with their style."""
    style = tag("style", Html(_STYLE))
    return tag("div", style, *parts, class_="fastloss")
