"""What a loss function may not do, said with the line of the user's source."""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Container, Iterable
from types import CodeType, FrameType, TracebackType
from typing import NoReturn

from .tracing import present

#: Libraries that call back: a line of theirs is not the user's.
FOREIGN = frozenset(
    "jax jaxlib torch numba tensorflow keras cupy autograd pandas polars sympy".split()
)
ALIEN = (
    "use the NumPy function of that name, or fl.math's: the formula is traced through "
    "NumPy (of a function compiled by numba take function.py_func)"
)
_LIBRARIES = FOREIGN | {"numpy", "scipy", "fastloss", "functools", "abc", "typing"}


class TraceError(TypeError):
    """A loss function does something that cannot be compiled.

    The message names the source line and says what to write instead.
    """

    __module__ = "fastloss"


class NoAttributeError(TraceError, AttributeError):
    """An attribute that NumPy's arrays do not have either: `hasattr` may ask for it."""

    __module__ = "fastloss"
    __qualname__ = "TraceError"


class LabelOfRowError(TraceError):
    """What works if there is one label for a row of predictions."""

    __module__ = "fastloss"
    __qualname__ = "TraceError"


class HeadsError(TraceError):
    """What works if there are several predictions, ``mean, var = y_pred``."""

    __module__ = "fastloss"
    __qualname__ = "TraceError"


def refuse(what: str, remedy: str, kind: type[TraceError] = TraceError) -> NoReturn:
    """Raise a `TraceError` at the innermost line of the user's code."""
    library = _foreign(sys._getframe(1))
    if library is not None:
        what, remedy = f"a function of {library} is called", ALIEN
    error = kind(tell(what, remedy))
    tracing = present()
    if tracing is not None and tracing.refused is None:
        tracing.refused = error
    raise error


def _foreign(frame: FrameType | None) -> str | None:
    """Return the library, if one called back that traces or compiles by itself."""
    while frame is not None and is_internal(frame):
        if _library_of(frame) in FOREIGN:
            return _library_of(frame)
        frame = frame.f_back
    return None


def tell(what: str, remedy: str, frame: FrameType | None = None) -> str:
    """Return the message of a refusal at this frame, or where we are."""
    frame = frame or sys._getframe(1)
    while frame.f_back is not None and is_internal(frame):
        frame = frame.f_back
    return _message(what, remedy, frame, frame.f_lineno)


def tell_of(what: str, remedy: str, trail: TracebackType | None) -> str:
    """Return the message of a refusal where an exception left the user's code."""
    last = None
    while trail is not None:
        if not is_internal(trail.tb_frame):
            last = trail
        trail = trail.tb_next
    if last is None:
        return f"{what}\n  {remedy}"
    return _message(what, remedy, last.tb_frame, last.tb_lineno)


def tell_at(
    what: str, remedy: str, codes: Iterable[CodeType], words: Container[str]
) -> str:
    """Return the message of a refusal where the code has one of some words."""
    for code in codes:
        name = code.co_filename
        for number in sorted({n for _, _, n in code.co_lines() if n is not None}):
            line = linecache.getline(name, number)
            if any(word in words for word in re.findall(r"\w+", line)):
                return _told(what, remedy, name, number, code.co_name)
    return f"{what}\n  {remedy}"


def _message(what: str, remedy: str, frame: FrameType, number: int) -> str:
    return _told(what, remedy, frame.f_code.co_filename, number, frame.f_code.co_name)


def _told(what: str, remedy: str, name: str, number: int, function: str) -> str:
    line = linecache.getline(name, number).strip()
    place = f'File "{name}", line {number}, in {function}'
    source = f"\n    {line}" if line else ""
    return f"{what}\n  {place}{source}\n  {remedy}"


def foreign_of(trail: TracebackType | None) -> str | None:
    """Return the library in which an exception arose, if it is one of those."""
    found = None
    while trail is not None:
        found = _foreign(trail.tb_frame)
        trail = trail.tb_next
    return found


def is_internal(frame: FrameType) -> bool:
    """Whether the frame belongs to this package or to a library that calls back."""
    return _library_of(frame) in _LIBRARIES


def _library_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
