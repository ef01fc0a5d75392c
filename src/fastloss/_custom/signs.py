"""Whether a number that all samples share is positive, on which a form may depend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .building import ZERO, raw, value_of
from .graph import Node

_oracle: ContextVar[Callable[[Node], float] | None] = ContextVar("oracle", default=None)


@contextmanager
def asking(read: Callable[[Node], float] | None) -> Iterator[None]:
    """Let forms depend on the sign of parameters: `read` gives and notes a value."""
    token = _oracle.set(read)
    try:
        yield
    finally:
        _oracle.reset(token)


def assumed_positive(x: Node) -> bool:
    """Whether a uniform node is positive, as far as is known or may be asked."""
    number = value_of(x)
    if number is not None or not x.uniform:
        return number is not None and number > 0
    read = _oracle.get()
    return read is not None and bool(read(raw("gt", x, ZERO)))


def not_negative(x: Node) -> bool:
    """Whether a uniform node is certainly no negative number."""
    return x.uniform and (x.op in ("abs", "square", "exp") or (value_of(x) or -1.0) > 0)
