"""A mean or sum over the samples while a loss is traced."""

from __future__ import annotations

from typing import Any, NoReturn

from .arithmetic import div, mul
from .building import ONE, build
from .counts import LENGTH, SIZE, assigned, counts, is_proportional
from .graph import Node, node
from .protocol import Traced, check_home
from .refusal import tell
from .rows import CLASSES, mean_of_row, row_sum
from .symbol import ENTRIES, ROWS, Symbol
from .tracing import present


class Reduced(Traced):
    """A mean or sum over the samples, and what is linear in it.

    If it is the last step of a function, that is a loss per sample; if the function
    goes on, it is a number. A sum over as many as there are samples is their mean.
    With `axis` it is the mean of each row, but as the last step that of all entries.
    """

    __slots__ = ("axis", "factor", "form", "home", "kind", "terms")
    __hash__ = object.__hash__

    def __init__(
        self,
        kind: str,
        terms: Node,
        factor: Node = ONE,
        *,
        form: str = ENTRIES,
        axis: bool = False,
    ) -> None:
        self.home = present()
        self.form = form
        self.axis = axis
        for name in sorted(counts(factor) & {SIZE, LENGTH}):
            if kind == "sum" and is_proportional(factor, name, -1):
                kind = "mean"
                factor = _of_samples(assigned(factor, {name: 1.0}), name, form)
            elif (
                kind == "mean"
                and (form, name) == (ENTRIES, SIZE)
                and is_proportional(factor, name, 1)
            ):
                kind, factor = "sum", assigned(factor, {name: 1.0})
        self.kind = kind
        self.terms = terms
        self.factor = factor

    @property
    def node(self) -> Node:
        """What is reduced."""
        return mul(self.factor, self.terms)

    def where(self) -> dict[str, Any]:
        """Return what it runs over."""
        return {"form": self.form, "axis": self.axis}

    def of_rows(self) -> Node:
        """Return what is reduced of a row."""
        if self.form != ENTRIES:
            return self.node
        made = row_sum if self.kind == "sum" else mean_of_row
        return mul(self.factor, made(self.terms))

    def __array__(self, dtype: Any = None, copy: object = None) -> Any:
        return self.symbol().__array__(dtype, copy)

    def __bool__(self) -> bool:
        return bool(self.symbol())

    def __float__(self) -> float:
        return float(self.symbol())

    def __int__(self) -> int:
        return int(self.symbol())

    def __index__(self) -> int:
        return self.symbol().__index__()

    def __iter__(self) -> NoReturn:
        self.symbol().__iter__()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.symbol(), name)

    def symbol(self) -> Symbol:
        """Return the number that it is, in a formula that goes on."""
        check_home(self)
        if self.axis:
            return Symbol(mean_of_row(self.node), form=ROWS, array=True)
        trace = present()
        if trace is not None and trace.middle is None:
            trace.middle = tell(
                f"a {self.kind} over the samples is used in the middle of the formula, "
                "which does not end in one",
                "return one number, as the np.mean of it all, or one per sample "
                "without the others: compute it outside and pass it as a parameter",
            )
        return Symbol(mul(self.factor, build(self.kind, self.terms)))


def _of_samples(factor: Node, name: str, form: str) -> Node:
    """Return the factor times the number of samples over that of a count."""
    trace = present()
    if form == ENTRIES:
        if name == SIZE:
            return factor
        size = build("div", node("param", value=SIZE), node("param", value=name))
        return mul(factor, size)
    if name == SIZE:
        return div(factor, node("param", value=CLASSES))
    if trace is not None:
        trace.flat = True
    return factor
