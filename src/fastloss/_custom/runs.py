"""Which formulas the functions of a loss give when they are run on symbols.

Labels are those of entries or one for a row, predictions one array or several. No
function says which, so it is run on one after the other until it does not refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastloss.core import _bridge

from .axes import table
from .binding import OPCODES, is_number
from .building import ONE
from .captured import Captured
from .expressions import Expressions
from .functions import Function
from .graph import Node, reductions
from .heads import Asked, Heads, names_of
from .operands import as_node
from .reduced import Reduced
from .refusal import (
    ALIEN,
    HeadsError,
    LabelOfRowError,
    TraceError,
    foreign_of,
    tell_at,
    tell_of,
)
from .rows import is_of_rows
from .statistic import Statistic
from .symbol import ENTRIES, Symbol, inputs_of, parameter
from .tracing import StandIns, Tracing, tracing

#: What numbers of rows and classes go into, or come from.
_COUNTING = frozenset("len shape size range arange eye identity zeros ones".split())

Found = tuple[Expressions, list[tuple[Node, float]]]
"""Formulas, and the expressions of parameters that were read for them."""


class Runs:
    """The functions of a loss, run on symbols.

    Parameters
    ----------
    functions : mapping of str to Function
        ``"value"`` and, if the user wrote them, ``"grad"`` and ``"hess"``.
    inputs : tuple of str
        Names of further arrays.
    """

    def __init__(
        self, functions: Mapping[str, Function], inputs: tuple[str, ...]
    ) -> None:
        self.functions = functions
        self.inputs = inputs

    def arrays(self, heads: int = 0) -> tuple[str, ...]:
        """Return the names of labels, predictions and inputs."""
        return ("y_true", *(names_of(heads) or ("y_pred",)), *self.inputs)

    def run(self, numbers: Mapping[str, Any], static: Mapping[str, Any]) -> Found:
        """Run the functions on symbols, predictions being one array or several."""
        try:
            return self._run_with_one(numbers, static)
        except HeadsError:
            found = self._run_with_several(numbers, static)
            if found is None:
                raise
            if len(self.functions) > 1:
                given = ", ".join(f"{name}=" for name in [*self.functions][1:])
                raise TypeError(
                    "the function takes several predictions, and the derivatives by "
                    f"each follow from it: leave out {given}"
                ) from None
            if isinstance(found, TraceError):
                raise found from None
            return found

    def _run_with_several(
        self, numbers: Mapping[str, Any], static: Mapping[str, Any]
    ) -> Found | TraceError | None:
        """Run the function on as many predictions as it takes apart.

        None: it does not say how many there are.
        """
        most = _bridge.MAX_INPUTS - 1 - len(self.inputs)
        for count in range(2, most + 1):
            asked = Asked(count)
            found: Found | TraceError
            try:
                found = self._run_with(numbers, static, asked=asked)[:2]
            except (IndexError, ValueError):  # there are more
                continue
            except TraceError as error:
                found = error
            except (AttributeError, TypeError):  # it does what no tuple can
                return None
            if asked.each or (asked.iterated and self._stops(numbers, static, count)):
                return found
            return None
        return None

    def _stops(
        self, numbers: Mapping[str, Any], static: Mapping[str, Any], count: int
    ) -> bool:
        """Whether the function refuses one prediction more."""
        try:
            self._run_with(numbers, static, asked=Asked(count + 1))
        except ValueError:
            return True
        except TraceError:
            pass
        return False

    def _run_with_one(
        self, numbers: Mapping[str, Any], static: Mapping[str, Any]
    ) -> Found:
        """Run the functions on symbols, labels being of entries or of rows."""
        try:
            return self._run_with(numbers, static)[:2]
        except LabelOfRowError as first:
            error = first
        try:
            found, reads, others = self._run_with(numbers, static, rows=True)
        except LabelOfRowError:
            raise error from None
        if others is not None:
            try:
                again = self._run_with(numbers, static, rows=True, others=others)
            except IndexError as outside:
                raise TraceError(
                    tell_of(
                        f"labels that have other classes are outside: {outside}",
                        "write y_pred.shape[-1] for the number of classes",
                        outside.__traceback__,
                    )
                ) from None
            if again[0] != found:
                raise TraceError(self._told_of_numbers())
        return found, reads

    def _told_of_numbers(self) -> str:
        written = [function.written for function in self.functions.values()]
        return tell_at(
            "the formula is another for other numbers of rows or classes: arrays made "
            "of their number are reduced before they meet y_pred",
            "write np.eye(y_pred.shape[-1])[y_true] or np.arange(y_pred.shape[-1]), "
            "and reduce what is made of y_pred, too",
            Captured(written).codes,
            _COUNTING,
        )

    def _run_with(
        self,
        numbers: Mapping[str, Any],
        static: Mapping[str, Any],
        *,
        rows: bool = False,
        asked: Asked | None = None,
        others: StandIns | None = None,
    ) -> tuple[Expressions, list[tuple[Node, float]], StandIns | None]:
        heads = 0 if asked is None else asked.count
        results: dict[str, Node] = {}
        reduction = None
        with tracing(numbers, rows=rows, others=others) as trace:
            arguments = {
                **{name: table(name, value) for name, value in static.items()},
                **{name: parameter(name) for name in numbers},
            }
            arrays: dict[str, Any] = dict(inputs_of(self.arrays(heads)))
            if asked is not None:
                given = (arrays[name] for name in names_of(heads))
                arrays["y_pred"] = Heads(given, asked)
            found = {
                name: _call(function, arrays, arguments, trace)
                for name, function in self.functions.items()
                if name == "value" or asked is None
            }
            of_rows = rows or is_of_rows(*map(_node_of, found.values()))
            for name, x in found.items():
                if isinstance(x, Reduced) and not reductions(x.node):
                    results[name] = x.of_rows() if of_rows else x.node
                    reduction = x.kind
                elif of_rows:
                    results[name] = _result_of_rows(name, x)
                else:
                    results[name] = _result(name, x)
        labels = "rows" if rows else "entries"
        value = results.pop("value")
        middle = [x for x in (value, *results.values()) if reductions(x)]
        if heads:
            _check_several(of_rows, bool(middle))
        if of_rows:
            self._check_rows(bool(middle))
        if not middle:
            expressions = Expressions(
                reduction,
                value,
                results,
                None,
                labels,
                trace.flat,
                heads,
                trace.wanted,
            )
            return expressions, trace.reads, trace.others()
        if not value.uniform:
            raise TraceError(trace.middle)
        if results:
            raise TypeError(
                "the function returns one number made of means and sums, and its "
                f"gradient follows from them: leave out {', '.join(results)}="
            )
        statistic = Statistic(value, self.arrays(), OPCODES)
        found_all = Expressions(statistic.reduction, value, {}, statistic)
        return found_all, trace.reads, None

    def _check_rows(self, goes_on: bool) -> None:
        """Refuse what losses of elements can do, and those of rows cannot."""
        if goes_on:
            raise TraceError(
                "a loss of rows goes on with means or sums over its samples\n  return "
                "one number per row, or their np.mean or np.sum as the last step"
            )
        if self.inputs:
            raise TraceError(
                f"a loss of rows has labels and predictions, and no {self.inputs[0]}: "
                "make it a parameter, as w=(1.0, 2.0) for a number per class, w[y_true]"
            )


def _check_several(of_rows: bool, goes_on: bool) -> None:
    """Refuse what losses of one prediction can do, and those of several cannot."""
    if of_rows:
        raise TraceError(
            "a loss of several predictions reduces over the last axis\n  return one "
            "number per entry, or their np.mean or np.sum as the last step"
        )
    if goes_on:
        raise TraceError(
            "a loss of several predictions goes on with means or sums over its samples"
            "\n  return one number per sample, or their np.mean or np.sum as the last "
            "step"
        )


def _call(
    function: Function,
    arrays: Mapping[str, Any],
    arguments: Mapping[str, Any],
    trace: Tracing,
) -> Any:
    """Call a function on symbols; a refusal that it caught is one all the same."""
    try:
        found = function(arrays, arguments)
    except TraceError:
        raise
    except Exception as error:
        if trace.refused is not None:
            raise trace.refused from None
        library = foreign_of(error.__traceback__)
        if library is None and Symbol.__name__ not in str(error):
            raise
        raise TraceError(_told(error, library)) from error
    if trace.refused is not None:
        raise trace.refused
    return found


def _told(error: Exception, library: str | None) -> str:
    first = next(iter(str(error).splitlines()), "")
    what = f"a function of {library} is called" if library else first
    return tell_of(what, ALIEN, error.__traceback__)


def _result(name: str, found: object) -> Node:
    if not isinstance(found, Symbol | Reduced) and not is_number(found):
        kind = "nothing" if found is None else type(found).__name__
        raise TraceError(
            f"the function for the {name} returned {kind}: it must return one number "
            "per sample, or their np.mean or np.sum"
        )
    return as_node(found)


def _node_of(x: object) -> Node:
    return x.node if isinstance(x, Symbol | Reduced) else ONE


def _result_of_rows(name: str, x: object) -> Node:
    """Return the number of a row, or of derivatives that of an entry."""
    if name == "value" and isinstance(x, Symbol) and x.form == ENTRIES:
        raise TraceError(
            "the function returned a number for each entry, made of their rows: it "
            "must return one per row, as np.sum(..., axis=-1), or their np.mean or "
            "np.sum"
        )
    if type(x) is np.ndarray:
        raise LabelOfRowError(name)
    return _result(name, x)
