"""The shape of the arrays, whose lengths may enter a formula."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

from .counts import LENGTH, WIDTH
from .graph import Node, node
from .refusal import LabelOfRowError, refuse
from .remedies import KEEPS_SHAPE, ONES
from .rows import CLASSES
from .symbol import Symbol
from .tracing import present


def _symbolic(name: str) -> Any:
    def of_number(self: Length, *others: Any) -> Any:
        if _is_numpy(sys._getframe(1)):  # which makes an array, np.eye(C)
            return getattr(int, name)(self, *others)
        return getattr(Symbol(self.node), name)(*others)

    return of_number


def _is_numpy(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "numpy"


class Length(int):
    """The number of rows or classes, an integer for indices; a symbol in arithmetic.

    What uses the integer otherwise is not the same for another one, which a second
    trace has.
    """

    node: Node

    def __new__(cls, number: int, counted: Node) -> Length:
        found = super().__new__(cls, number)
        found.node = counted
        return found

    __add__ = __radd__ = _symbolic("__add__")
    __mul__ = __rmul__ = _symbolic("__mul__")
    __rsub__ = _symbolic("__rsub__")
    __truediv__, __rtruediv__ = _symbolic("__truediv__"), _symbolic("__rtruediv__")
    __pow__, __rpow__ = _symbolic("__pow__"), _symbolic("__rpow__")
    __neg__ = _symbolic("__neg__")
    __lt__, __le__ = _symbolic("__lt__"), _symbolic("__le__")
    __gt__, __ge__ = _symbolic("__gt__"), _symbolic("__ge__")
    __eq__, __ne__ = _symbolic("__eq__"), _symbolic("__ne__")
    __bool__, __hash__ = _symbolic("__bool__"), _symbolic("__hash__")
    __float__, __int__ = _symbolic("__float__"), _symbolic("__int__")
    __floordiv__, __mod__ = _symbolic("__floordiv__"), _symbolic("__mod__")

    def __sub__(self, other: Any) -> Any:
        if type(other) is int and other == 0:
            return operator.index(self)  # which np.arange asks for
        return Symbol(self.node) - other


def _counted(name: str) -> Symbol | Length:
    trace = present()
    counted = node("param", value=name)
    if trace is None or not trace.rows:
        return Symbol(counted)
    trace.lengths += 1
    known = trace.stand_ins
    return Length(known.length if name == LENGTH else known.classes, counted)


class Shape:
    """The shape of the arrays, of which the first length may enter a formula."""

    def __getitem__(self, key: object) -> Any:
        known = {0: LENGTH, 1: WIDTH, -1: CLASSES}
        if type(key) is int and key in known:
            return _counted(known[key])
        return refuse(
            f".shape[{key!r}]: a formula knows .shape[0], .shape[-1] and .size only",
            "write np.mean(...) for a mean over everything",
        )

    def __iter__(self) -> Iterator[Any]:
        trace = present()
        if trace is not None and trace.rows:
            trace.flat = True
            return iter((self[0], self[1]))
        return refuse(
            "the shape is used, which is not known while tracing",
            ONES,
            LabelOfRowError,
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Shape):
            return True
        return refuse("a shape is compared with a number", KEEPS_SHAPE)

    __hash__ = None  # type: ignore[assignment]

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        refuse("the shape is used, which is not known while tracing", ONES)

    __len__ = __add__ = __radd__ = __mul__ = __array__ = _refuse
    __contains__ = __array_function__ = __index__ = _refuse

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()
