"""The formulas of a loss and their derivatives, as one trace found them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from fastloss.core.job import PRODUCT, VALUE

from .counts import counts
from .derive import NoDerivativeError, derivative
from .graph import Node, walk
from .heads import curves, names_of, products, slopes
from .lower import Program
from .refusal import TraceError
from .rows import is_of_rows
from .slopes import guarded
from .statistic import Statistic
from .symbol import Names

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Expressions:
    """What one trace found: the reduction and the formulas per sample.

    Attributes
    ----------
    reduction : str or None
        ``"mean"`` or ``"sum"`` if the function ended so.
    value : Node
        The loss of one sample, or the one number of a loss of sums.
    given : dict of str to Node
        Derivatives the user wrote.
    statistic : Statistic or None
        The loss of sums, if it is one.
    labels : str
        What has a label: ``"entries"``, or the rows of predictions, ``"rows"``.
    flat : bool
        Whether the function takes arrays of two axes only.
    heads : int
        How many predictions a function takes that takes ``y_pred`` apart; 0: it does
        not.
    programs : dict
        The programs lowered so far, by what they compute.
    """

    reduction: str | None
    value: Node
    given: Mapping[str, Node]
    statistic: Statistic | None = field(default=None, compare=False)
    labels: str = "entries"
    flat: bool = False
    heads: int = 0
    width: int | None = None
    programs: dict[tuple[str, ...], Program] = field(
        default_factory=dict, compare=False, repr=False
    )

    @cached_property
    def of_rows(self) -> bool:
        """Whether the loss is one of rows of predictions."""
        return is_of_rows(self.value, *self.given.values())

    @cached_property
    def classes(self) -> bool:
        """Whether labels are classes, which index the entries of a row or a list."""
        below = walk(self.value, *self.given.values())
        return any(x.op in ("pick", "look_up", "one_hot") for x in below)

    @cached_property
    def lists(self) -> tuple[str, ...]:
        """Parameters that are lists indexed by the label of a row."""
        below = walk(self.value, *self.given.values())
        return tuple(str(x.args[0].value) for x in below if x.op == "look_up")

    @cached_property
    def tables(self) -> dict[str, tuple[str, str]]:
        """Inputs that are lists indexed by labels: the names of both."""
        return {
            str(x.value): _parts_of(str(x.value))
            for x in walk(self.value, *self.given.values())
            if x.op == "input" and "[" in str(x.value)
            if x.value not in names_of(self.heads)
        }

    @cached_property
    def grad(self) -> Node:
        """First derivative with respect to ``y_pred``."""
        if "grad" in self.given:
            return self.given["grad"]
        statistic = self.statistic
        if statistic is not None:
            return _with_derivatives(lambda: statistic.gradient)
        return guarded(_derivative(self.value), self.value)

    @cached_property
    def hess(self) -> Node:
        """Second derivative with respect to ``y_pred``."""
        if "hess" in self.given:
            return self.given["hess"]
        if self.statistic is not None:
            raise TraceError(
                "a loss of sums has no Hessian that is a diagonal: every sample moves "
                "with all others\n  use its gradient, or a loss per sample for methods "
                "that need second derivatives, as its mean squared error for an RMSE"
            )
        if "grad" in self.given:
            return guarded(_derivative(self.grad), self.value)
        return guarded(_derivative(_derivative(self.value)), self.value)

    def result(self, name: str) -> Node:
        """Return value, grad or hess by name."""
        found: Node = getattr(self, name)
        return found

    @cached_property
    def grads(self) -> tuple[Node, ...]:
        """First derivatives with respect to each of several predictions."""
        return _with_derivatives(lambda: slopes(self.value, self.heads))

    @cached_property
    def hesses(self) -> tuple[Node, ...]:
        """Second derivatives likewise."""
        return _with_derivatives(lambda: curves(self.value, self.heads))

    @cached_property
    def products(self) -> tuple[Node, ...]:
        """The rows of the Hessian times a vector likewise."""
        return _with_derivatives(lambda: products(self.value, self.heads))

    def results_by_head(self, names: tuple[str, ...]) -> list[dict[str, Node]]:
        """Return what programs compute, one for each of several predictions.

        The value is the business of the first; a product is stored as gradients are.
        """
        found: list[dict[str, Node]] = []
        for k in range(1 if names == VALUE else self.heads):
            results = {}
            if "value" in names and k == 0:
                results["value"] = self.value
            if "grad" in names:
                results["grad"] = self.grads[k]
            if "hess" in names:
                results["hess"] = self.hesses[k]
            if names == PRODUCT:
                results["grad"] = self.products[k]
            found.append(results)
        return found

    @cached_property
    def counts(self) -> Names:
        """The numbers of samples that the formulas depend on."""
        return counts(self.value, *self.given.values())


def _parts_of(name: str) -> tuple[str, str]:
    parameter, _, labels = name.removesuffix("]").partition("[")
    return parameter, labels


def _derivative(x: Node) -> Node:
    return _with_derivatives(lambda: derivative(x))


def _with_derivatives(made: Callable[[], _Made]) -> _Made:
    try:
        return made()
    except NoDerivativeError as error:
        raise TraceError(
            f"{error.op} of y_pred has no derivative here: its value works, gradients "
            "need fl.custom(fn, grad=gn, hess=hn) or a formula without it"
        ) from None
