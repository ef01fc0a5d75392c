"""Several predictions: what a function sees that takes ``y_pred`` apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .arithmetic import add, mul
from .building import ZERO
from .derive import derivative_to
from .graph import Node, node
from .slopes import guarded

__all__ = ["Asked", "Heads", "curves", "names_of", "products", "slopes", "vectors_of"]


def names_of(count: int) -> tuple[str, ...]:
    """Return what the predictions are called."""
    return tuple(f"y_pred[{k}]" for k in range(count))


def vectors_of(count: int) -> tuple[str, ...]:
    """Return what the vectors of a product with the Hessian are called."""
    return tuple(f"v[{k}]" for k in range(count))


@dataclass(eq=False)
class Asked:
    """How a function has asked for its predictions.

    Attributes
    ----------
    count : int
        How many it was given.
    iterated : bool
        Whether it asked for all at once, as ``mean, var = y_pred`` does.
    indexed : set of int
        Which it asked for one by one.
    """

    count: int
    iterated: bool = False
    indexed: set[int] = field(default_factory=set)

    @property
    def each(self) -> bool:
        """Whether it asked for each one by one."""
        return len(self.indexed) == self.count


class Heads(tuple[Any, ...]):
    """The predictions, which remember how they were asked for."""

    asked: Asked

    def __new__(cls, items: Iterable[Any], asked: Asked) -> Heads:
        self = super().__new__(cls, items)
        self.asked = asked
        return self

    def __iter__(self) -> Iterator[Any]:
        self.asked.iterated = True
        return super().__iter__()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            self.asked.iterated = True
        else:
            self.asked.indexed.add(range(len(self))[key])
        return super().__getitem__(key)


def _predictions(count: int) -> list[Node]:
    return [node("input", value=name) for name in names_of(count)]


def _slopes(x: Node, count: int) -> list[Node]:
    return [derivative_to(x, head) for head in _predictions(count)]


def slopes(value: Node, count: int) -> tuple[Node, ...]:
    """Return the derivatives of a loss by each of its predictions."""
    return tuple(guarded(slope, value) for slope in _slopes(value, count))


def curves(value: Node, count: int) -> tuple[Node, ...]:
    """Return the diagonal of the Hessian."""
    return tuple(
        guarded(derivative_to(slope, head), value)
        for slope, head in zip(_slopes(value, count), _predictions(count), strict=True)
    )


def products(value: Node, count: int) -> tuple[Node, ...]:
    """Return the rows of the Hessian times a vector."""
    vectors = [node("input", value=name) for name in vectors_of(count)]
    found = []
    for slope in _slopes(value, count):
        total = ZERO
        for entry, vector in zip(_slopes(slope, count), vectors, strict=True):
            total = add(total, mul(entry, vector))
        found.append(guarded(total, value))
    return tuple(found)
