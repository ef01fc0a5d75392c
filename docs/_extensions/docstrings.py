"""Docstrings, which numpydoc takes apart, as MyST."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from textwrap import dedent
from typing import Any

from numpydoc.docscrape import NumpyDocString, Parameter

import fastloss as fl

_LITERAL = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)
_BLOCK = re.compile(r"::\n\n((?:    .*\n|\n(?=    ))+)")
_MARKUP = re.compile(r"([\\*_<>$\[\]{}|~^#])")


def link(word: str) -> str:
    """A literal, and where it is the name of something public, a link to that."""
    found = getattr(fl, word, None) if word in fl.__all__ else None
    if isinstance(found, fl.Loss):
        return f"[`{word}`](/losses/{found.name}.md)"
    if isinstance(found, type) and issubclass(found, fl.Loss) and found is not fl.Loss:
        return f"[`{word}`](/losses/{found.name}.md)"
    return f"`{word}`" if found is None else f"[`{word}`](/api/{word}.md)"


def markdown(text: str) -> str:
    """Text of a docstring: literals stay, what looks like markup is escaped."""
    parts = _LITERAL.split(text)
    parts[::2] = [_MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [link(part.strip("`")) for part in parts[1::2]]
    return "".join(parts)


def _paragraphs(lines: Iterable[str]) -> str:
    """Text, in which what is indented after two colons is a block of its own."""
    parts = _BLOCK.split("\n".join(lines).strip() + "\n")
    parts[::2] = [markdown(part) for part in parts[::2]]
    parts[1::2] = [f":\n\n```text\n{dedent(part)}```\n" for part in parts[1::2]]
    return "".join(parts)


def _entry(entry: Parameter) -> str:
    head = f"`{entry.name}`" if entry.name else ""
    kind = markdown(entry.type)
    term = " : ".join(filter(None, (head, kind)))
    body = _paragraphs(entry.desc).strip().replace("\n", "\n  ")
    return f"{term}\n: {body}\n" if body else f"{term}\n"


def summary(of: Any) -> str:
    """The first sentence of a docstring."""
    return markdown((inspect.getdoc(of) or "").partition("\n")[0])


def signature(of: Callable[..., Any]) -> str:
    """How a thing is called, without the types."""
    found = inspect.signature(of)
    bare = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in found.parameters.values()
    ]
    empty = inspect.Signature.empty
    return str(found.replace(parameters=bare, return_annotation=empty))


def fenced(directive: str, argument: str, body: str = "", options: str = "") -> str:
    """A directive of MyST."""
    return f"::::{{{directive}}} {argument}\n{options}\n{body.strip()}\n::::\n"


def sections(of: Any) -> dict[str, str]:
    """The sections of a docstring that are not empty, by their names in numpydoc."""
    parsed = NumpyDocString(inspect.getdoc(of) or "")
    found: dict[str, str] = {}
    for name in ("Summary", "Extended Summary", "Notes", "References"):
        if any(parsed[name]):
            found[name] = _paragraphs(parsed[name])
    for name in ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns"):
        if parsed[name]:
            found[name] = "\n".join(map(_entry, parsed[name]))
    if parsed["Examples"]:
        found["Examples"] = examples(parsed["Examples"])
    return found


def examples(lines: Iterable[str]) -> str:
    """What is typed and printed in blocks of code, what is said between them."""
    parts: list[str] = []
    code: list[str] = []
    for block in "\n".join(lines).split("\n\n"):
        if block.lstrip().startswith(">>>"):
            code.append(block)
            continue
        parts += [*_code(code), markdown(block)]
        code = []
    return "\n\n".join(parts + _code(code)) + "\n"


def _code(blocks: list[str]) -> list[str]:
    return ["```python\n" + "\n\n".join(blocks) + "\n```"] if blocks else []
