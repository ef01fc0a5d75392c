"""What becomes of a function that cannot be traced: it runs as NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastloss._formula import Formula
from fastloss.core.job import OUTPUT_SETS, Array

from .binding import OPCODES, bind
from .expressions import Expressions
from .functions import Function
from .graph import node
from .lower import Program, lower
from .refusal import TraceError, tell_of
from .statistic import Statistic
from .symbol import Names


class NumpyCompiler:
    """Runs a function that cannot be traced as NumPy, with derivatives of its own.

    The engine only weighs and sums: its program copies arrays computed before.
    """

    traced = False

    def __init__(
        self,
        functions: Mapping[str, Function],
        inputs: tuple[str, ...],
        reason: TraceError,
    ) -> None:
        self.functions = dict(functions)
        self.inputs = inputs
        self.reason = reason

    def job(
        self,
        parameters: Mapping[str, Any],
        outputs: int,
        y_true: Array,
        y_pred: Array,
        given: Mapping[str, Array],
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the computed arrays and the program that copies them."""
        dtype = y_pred.dtype.newbyteorder("=")
        arrays = {
            name: _read_only(array.astype(dtype, copy=False))
            for name, array in {"y_true": y_true, "y_pred": y_pred, **given}.items()
        }
        names = OUTPUT_SETS[outputs]
        extra = tuple(self._run(name, arrays, parameters) for name in names)
        slots = ("y_true", "y_pred", *names)
        copies = {name: node("input", value=name) for name in names}
        return extra, bind(lower(copies, slots, OPCODES), {})

    def _run(
        self, name: str, arrays: Mapping[str, Array], parameters: Mapping[str, Any]
    ) -> Array:
        function = self.functions.get(name)
        if function is None:
            raise TypeError(
                f"this loss runs as NumPy and has no {name}: "
                "give it, fl.custom(fn, grad=gn, hess=hn)"
            )
        y_pred = arrays["y_pred"]
        try:
            found = np.asarray(function(arrays, parameters))
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise ValueError(
                tell_of(
                    f"the function for the {name} writes into an array it was given",
                    "write r = r + ..., or work on a copy: y_pred = y_pred.copy()",
                    error.__traceback__,
                )
            ) from None
        if found.shape != y_pred.shape:
            raise ValueError(
                f"the function for the {name} returned shape {found.shape}, expected "
                f"{y_pred.shape}: one number per sample; the loss reduces them"
            )
        return found.astype(y_pred.dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.functions, self.inputs, self.reason)

    def counts(self, parameters: Mapping[str, Any]) -> Names:
        """There are none in a formula."""
        return frozenset()

    def statistic(self, parameters: Mapping[str, Any]) -> Statistic | None:
        """It is none."""
        return None

    def heads(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """There is one prediction."""
        return ()

    def expressions(self, parameters: Mapping[str, Any]) -> Expressions:
        """There are none."""
        raise self.reason

    def lowered(self, parameters: Mapping[str, Any], names: tuple[str, ...]) -> Program:
        """There is none."""
        raise self.reason

    def formula(self, parameters: Mapping[str, Any], name: str) -> Formula:
        """There is none."""
        raise self.reason


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view
