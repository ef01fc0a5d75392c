"""From a loss function to programs: one trace, then one program per set of outputs.

A compiler belongs to a class of losses. It keeps the expressions of every trace (there
are several only if the function looks at a parameter's value, as ``if alpha > 1`` does)
and the programs bound to parameter values.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastloss.core import _bridge, checks
from fastloss.core.job import OUTPUT_SETS

from .derive import NoDerivativeError, derivative
from .graph import Node, node
from .lower import Program, lower
from .numbers import evaluate_graph
from .render import Formula
from .slopes import guarded
from .trace import Reduced, Symbol, TraceError, as_node, inputs_of, parameter, tracing

Array = NDArray[Any]

_OPCODES: dict[str, int] = {name: i for i, name in enumerate(_bridge.opcodes())}
_CACHED_PROGRAMS = 256


class Function(Protocol):
    """A loss function with its arrays and parameters by name."""

    def __call__(
        self, arrays: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> Any: ...


def is_number(value: object) -> bool:
    """Whether a parameter enters programs as a run-time constant."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool
    )


def _refuse_arrays(parameters: Mapping[str, Any]) -> None:
    for name, value in parameters.items():
        if isinstance(value, np.ndarray):
            raise TypeError(
                f"{name} is an array of shape {value.shape}, parameters are numbers: "
                f'name it in inputs=("{name}",) if it has one number per sample'
            )


@dataclass(frozen=True)
class Expressions:
    """What one trace found: the reduction and the formulas per sample.

    Attributes
    ----------
    reduction : str or None
        ``"mean"`` or ``"sum"`` if the function ended so.
    value : Node
        The loss of one sample.
    given : dict of str to Node
        Derivatives the user wrote.
    reads : list of (Node, float)
        Expressions of parameters whose value the function has looked at. The trace
        holds as long as they have these values.
    """

    reduction: str | None
    value: Node
    given: Mapping[str, Node]
    reads: list[tuple[Node, float]]

    @cached_property
    def grad(self) -> Node:
        """First derivative with respect to ``y_pred``."""
        if "grad" in self.given:
            return self.given["grad"]
        return guarded(_derivative(self.value), self.value)

    @cached_property
    def hess(self) -> Node:
        """Second derivative with respect to ``y_pred``."""
        if "hess" in self.given:
            return self.given["hess"]
        if "grad" in self.given:
            return guarded(_derivative(self.grad), self.value)
        return guarded(_derivative(_derivative(self.value)), self.value)

    def result(self, name: str) -> Node:
        """Return value, grad or hess by name."""
        found: Node = getattr(self, name)
        return found

    def holds(self, values: Mapping[str, float]) -> bool:
        """Whether a new trace with these parameters would find the same."""
        return all(
            checks.key(evaluate_graph([x], values)[x]) == checks.key(seen)
            for x, seen in self.reads
        )


def _derivative(x: Node) -> Node:
    try:
        return derivative(x)
    except NoDerivativeError as error:
        raise TraceError(
            f"{error.op} of y_pred has no derivative here: its value works, gradients "
            "need fl.custom(fn, grad=gn, hess=hn) or a formula without it"
        ) from None


class TracedCompiler:
    """Compiles a function that can be traced.

    Parameters
    ----------
    functions : mapping of str to Function
        ``"value"`` and, if the user wrote them, ``"grad"`` and ``"hess"``.
    inputs : tuple of str
        Names of further arrays.
    """

    traced = True

    def __init__(
        self, functions: Mapping[str, Function], inputs: tuple[str, ...] = ()
    ) -> None:
        self.functions = dict(functions)
        self.inputs = inputs
        self.arrays = ("y_true", "y_pred", *inputs)
        self._traces: dict[object, list[Expressions]] = {}
        self._programs: dict[object, Any] = {}
        self._lock = threading.RLock()

    def expressions(self, parameters: Mapping[str, Any]) -> Expressions:
        """Return the formulas for these parameters, tracing if need be."""
        _refuse_arrays(parameters)
        numbers = {k: float(v) for k, v in parameters.items() if is_number(v)}
        static = {k: v for k, v in parameters.items() if k not in numbers}
        key = checks.key(tuple(sorted(static.items())))
        with self._lock:
            known = self._traces.setdefault(key, [])
            for found in known:
                if found.holds(numbers):
                    return found
            known.append(self._trace(numbers, static))
            return known[-1]

    def _trace(
        self, numbers: Mapping[str, float], static: Mapping[str, Any]
    ) -> Expressions:
        arguments = {**static, **{name: parameter(name) for name in numbers}}
        results: dict[str, Node] = {}
        reduction = None
        with tracing(numbers) as reads:
            for name, function in self.functions.items():
                found = function(inputs_of(self.arrays), arguments)
                if isinstance(found, Reduced):
                    results[name] = found.node
                    reduction = found.kind
                else:
                    results[name] = _result(name, found)
        value = results.pop("value")
        return Expressions(reduction, value, results, reads)

    def lowered(self, parameters: Mapping[str, Any], names: tuple[str, ...]) -> Program:
        """Return the program for these outputs, constants still open."""
        found = self.expressions(parameters)
        results = {name: found.result(name) for name in names}
        return lower(results, self.arrays, _OPCODES)

    def program(self, parameters: Mapping[str, Any], outputs: int) -> Any:
        """Return the engine's program for these parameters and outputs."""
        _refuse_arrays(parameters)
        key = outputs, checks.key(tuple(parameters.items()))
        with self._lock:
            bound = self._programs.get(key)
            if bound is None:
                if len(self._programs) >= _CACHED_PROGRAMS:
                    self._programs.clear()
                lowered = self.lowered(parameters, OUTPUT_SETS[outputs])
                bound = bind(lowered, parameters)
                self._programs[key] = bound
            return bound

    def job(
        self,
        parameters: Mapping[str, Any],
        outputs: int,
        y_true: Array,
        y_pred: Array,
        given: Mapping[str, Array],
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the arrays beside labels and predictions, and the program."""
        extra = tuple(given[name] for name in self.inputs)
        return extra, self.program(parameters, outputs)

    def formula(self, parameters: Mapping[str, Any], name: str) -> Formula:
        """Return value, grad or hess as a formula."""
        return Formula(self.expressions(parameters).result(name))


def _result(name: str, found: object) -> Node:
    if not isinstance(found, Symbol) and not is_number(found):
        kind = "nothing" if found is None else type(found).__name__
        raise TraceError(
            f"the function for the {name} returned {kind}: it must return one number "
            "per sample, or their np.mean or np.sum"
        )
    return as_node(found)


def bind(program: Program, parameters: Mapping[str, Any]) -> Any:
    """Return the program in the engine's form, constants filled in."""
    code = np.zeros((len(program.code), 3 + _bridge.OPERANDS), dtype=np.uint16)
    for row, step in zip(code, program.code, strict=True):
        row[0] = _OPCODES[step.opcode]
        row[1] = step.target
        row[2] = step.last
        row[3 : 3 + len(step.operands)] = step.operands
    numbers = {k: float(v) for k, v in parameters.items() if is_number(v)}
    constants = np.array(program.numbers(numbers), dtype=np.float64)
    return _bridge.Program(
        len(program.inputs), program.scratch, program.setup, code, constants
    )


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
        arrays = {"y_true": y_true, "y_pred": y_pred, **given}
        names = OUTPUT_SETS[outputs]
        extra = tuple(self._run(name, arrays, parameters) for name in names)
        slots = ("y_true", "y_pred", *names)
        copies = {name: node("input", value=name) for name in names}
        return extra, bind(lower(copies, slots, _OPCODES), {})

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
        found = np.asarray(function(arrays, parameters))
        if found.shape != y_pred.shape:
            raise ValueError(
                f"the function for the {name} returned shape {found.shape}, expected "
                f"{y_pred.shape}: one number per sample; the loss reduces them"
            )
        return found.astype(y_pred.dtype.newbyteorder("="), copy=False)

    def expressions(self, parameters: Mapping[str, Any]) -> Expressions:
        """There are none."""
        raise self.reason

    def lowered(self, parameters: Mapping[str, Any], names: tuple[str, ...]) -> Program:
        """There is none."""
        raise self.reason

    def formula(self, parameters: Mapping[str, Any], name: str) -> Formula:
        """There is none."""
        raise self.reason


Compiler = TracedCompiler | NumpyCompiler


def call_of(function: Callable[..., Any], inputs: tuple[str, ...]) -> Function:
    """Return a user's function as one of arrays and parameters by name."""

    def run(arrays: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        extra = {name: arrays[name] for name in inputs}
        return function(arrays["y_true"], arrays["y_pred"], **extra, **parameters)

    return run


def method_of(cls: Any, inputs: tuple[str, ...]) -> Function:
    """Return the method ``call`` of a loss class as a function likewise.

    It runs on an instance whose parameters are the given ones, symbols while tracing.
    """

    def run(arrays: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
        stand_in = cls.__new__(cls)
        for name, value in parameters.items():
            object.__setattr__(stand_in, name, value)
        extra = {name: arrays[name] for name in inputs}
        return stand_in.call(arrays["y_true"], arrays["y_pred"], **extra)

    return run
