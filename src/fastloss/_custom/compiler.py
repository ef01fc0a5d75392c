"""The formulas and programs of one class of losses, made once and kept.

There are several traces only if the function looks at a parameter's value, as
``if alpha > 1`` does, and a program for each set of outputs and parameter values.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastloss._formula import Formula
from fastloss.core import _bridge, checks
from fastloss.core.job import OUTPUT_SETS, PRODUCT, Array

from .agreement import SEEING, compare
from .axes import is_table
from .binding import OPCODES, bind, is_number, looked_up
from .captured import RESTLESS, Captured
from .counts import LENGTH, SIZE, WIDTH
from .expressions import Expressions
from .functions import Function
from .graph import Node
from .heads import names_of, vectors_of
from .lower import Program, lower
from .lower_rows import lower_rows
from .numbers import evaluate_graph
from .refusal import TraceError, tell_at
from .render import formula as rendered
from .rows import CLASSES
from .runs import Found, Runs
from .statistic import Statistic
from .symbol import Names

_CACHED_PROGRAMS = 256
_CACHED_TRACES = 256
#: What a function has been told of its parameters.
_Answers = tuple[object, ...]


def _refuse_arrays(parameters: Mapping[str, Any]) -> None:
    for name, value in parameters.items():
        if isinstance(value, np.ndarray) and not is_table(value):
            remedy = (
                f'name it in inputs=("{name}",) if it has one number per sample'
                if value.ndim
                else f"pass float({name})"
            )
            raise TypeError(
                f"{name} is an array of shape {value.shape}, parameters are numbers: "
                + remedy
            )


class TracedCompiler:
    """Compiles a function that can be traced.

    Parameters
    ----------
    functions : mapping of str to Function
        ``"value"`` and, if the user wrote them, ``"grad"`` and ``"hess"``.
    inputs : tuple of str
        Names of further arrays.

    Attributes
    ----------
    watches : bool
        Whether the functions read anything that may change.
    version : int
        How often that has been seen to change.
    """

    traced = True

    def __init__(
        self, functions: Mapping[str, Function], inputs: tuple[str, ...] = ()
    ) -> None:
        self._runs = Runs(dict(functions), inputs)
        self._traces: dict[object, dict[_Answers, Node | Expressions]] = {}
        self._programs: dict[object, Any] = {}
        self._captured: Captured | None = None
        self.watches = False
        self.version = 0
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._runs.functions, self._runs.inputs)

    def look(self) -> None:
        """Forget all traces if what the function reads besides has changed."""
        captured = self._captured
        if captured is not None and not captured.unchanged():
            with self._lock:
                if self._captured is captured:
                    self._captured = None
                    self._traces.clear()
                    self._programs.clear()
                    self.version += 1

    def expressions(self, parameters: Mapping[str, Any]) -> Expressions:
        """Return the formulas for these parameters, tracing if need be."""
        _refuse_arrays(parameters)
        self.look()
        given = {k: v for k, v in parameters.items() if is_number(v)}
        numbers = {k: float(v) for k, v in given.items()}
        static = {k: v for k, v in parameters.items() if k not in given}
        types = tuple(type(v) for v in given.values())
        key = checks.key(tuple(static.items())), types
        with self._lock:
            # What the function asks of its parameters and is told is a path in a tree.
            known = self._traces.setdefault(key, {})
            path: _Answers = ()
            found = known.get(path)
            while isinstance(found, Node):
                answer = evaluate_graph([found], numbers)[found]
                path = *path, checks.key(answer)
                found = known.get(path)
            if found is None:
                if sum(map(len, self._traces.values())) >= _CACHED_TRACES:
                    self._traces.clear()
                    known = self._traces[key] = {}
                found, questions = self._trace(given, static)
                path = ()
                for question, answer in questions:
                    known[path] = question
                    path = *path, checks.key(answer)
                known[path] = found
            return found

    def _trace(self, numbers: Mapping[str, Any], static: Mapping[str, Any]) -> Found:
        written = [f.written for f in self._runs.functions.values()]
        before = Captured(written)
        found, questions = self._runs.run(numbers, static)
        steady = before.unchanged(lists=False) and not before.restless
        if not steady and self._runs.run(numbers, static)[0] != found:
            raise TraceError(
                tell_at(
                    "the function gives another formula each time it is called",
                    "random numbers, clocks and counters would be read once, when it "
                    "is traced: pass what changes as a named input or a parameter",
                    before.codes,
                    RESTLESS,
                )
            )
        if not before.names.isdisjoint(SEEING):
            compare(found, self._runs, {**static, **numbers}, before.codes)
        self._captured = before if before.unchanged() else Captured(written)
        self.watches = self._captured.watches
        return found, questions

    def lowered(self, parameters: Mapping[str, Any], names: tuple[str, ...]) -> Program:
        """Return the program for these outputs, constants still open."""
        found = self.expressions(parameters)
        if found.statistic is not None or found.heads:
            kind = "several predictions" if found.heads else "sums"
            raise TraceError(
                f"a loss of {kind} runs a program for each of them: it has no cost and "
                "no listing of one"
            )
        known = found.programs.get(names)
        if known is None:
            results = {name: found.result(name) for name in names}
            if found.of_rows:
                known = lower_rows(results, OPCODES, classes=found.classes)
            else:
                arrays = (*self._runs.arrays(), *found.tables)
                known = lower(results, arrays, OPCODES)
            found.programs[names] = known
        return known

    def counts(self, parameters: Mapping[str, Any]) -> Names:
        """Return the numbers of samples that the formulas depend on."""
        return self.expressions(parameters).counts

    def program(
        self,
        parameters: Mapping[str, Any],
        outputs: int,
        shape: tuple[int, ...] | None = None,
    ) -> Any:
        """Return the engine's program for these parameters and outputs.

        A formula that depends on the number of samples needs the shape of the arrays.
        """
        _refuse_arrays(parameters)
        self.look()
        key: tuple[object, ...] = outputs, checks.key(tuple(parameters.items()))
        with self._lock:
            bound = self._programs.get(key)
            if bound is not None:
                return bound
            numbers = self._numbers_of(parameters, shape)
            key = *key, *numbers.items()
            bound = self._programs.get(key)
            if bound is None:
                if len(self._programs) >= _CACHED_PROGRAMS:
                    self._programs.clear()
                lowered = self.lowered(parameters, OUTPUT_SETS[outputs])
                bound = bind(lowered, {**parameters, **numbers})
                self._programs[key] = bound
            return bound

    def programs_by_head(
        self, parameters: Mapping[str, Any], outputs: int, shape: tuple[int, ...]
    ) -> tuple[Any, ...]:
        """Return the engine's programs, one for each of several predictions."""
        found = self.expressions(parameters)
        names = OUTPUT_SETS[outputs]
        key = outputs, checks.key(tuple(parameters.items()))
        with self._lock:
            numbers = self._numbers_of(parameters, shape)
            key = *key, *numbers.items()
            bound: tuple[Any, ...] | None = self._programs.get(key)
            if bound is None:
                if len(self._programs) >= _CACHED_PROGRAMS:
                    self._programs.clear()
                arrays = (*self._runs.arrays(found.heads), *found.tables)
                if names == PRODUCT:
                    arrays += vectors_of(found.heads)
                if len(arrays) > _bridge.MAX_INPUTS:
                    raise TypeError(
                        f"programs read at most {_bridge.MAX_INPUTS} arrays, these "
                        f"would be {len(arrays)}: {', '.join(arrays)}"
                    )
                known = {**parameters, **numbers}
                bound = self._programs[key] = tuple(
                    bind(lower(results, arrays, OPCODES), known)
                    for results in found.results_by_head(names)
                )
            return bound

    def _numbers_of(
        self, parameters: Mapping[str, Any], shape: tuple[int, ...] | None
    ) -> dict[str, int]:
        """Return the numbers of samples that the formulas depend on."""
        if shape is None:
            return {}
        needed = self.counts(parameters)
        if self.expressions(parameters).of_rows:
            needed |= {CLASSES}  # which derivatives may depend on
        width = self.expressions(parameters).width
        if width is not None and shape[-1:] != (width,):
            raise ValueError(
                f"y_pred has shape {shape}, and the function says that there are "
                f"{width} classes: write y_pred.shape[-1] for any number of them"
            )
        if WIDTH in needed and len(shape) != 2:
            raise ValueError(
                f"y_pred has shape {shape}, two axes are expected: the function says "
                "shape[1]; shape[-1] is right for any number of axes"
            )
        known = {
            SIZE: math.prod(shape),
            LENGTH: shape[0] if shape else 1,
            WIDTH: shape[-1] if shape else 1,
            CLASSES: shape[-1] if shape else 1,
        }
        return {name: known[name] for name in sorted(needed)}

    def job(
        self,
        parameters: Mapping[str, Any],
        outputs: int,
        y_true: Array,
        y_pred: Array,
        given: Mapping[str, Array],
    ) -> tuple[tuple[Array, ...], Any]:
        """Return the arrays beside labels and predictions, and the program.

        Of several predictions there is a tuple of programs.
        """
        extra = [given[name] for name in self._runs.inputs]
        arrays = {"y_true": y_true, **given}
        found = self.expressions(parameters)
        for name, label in found.tables.values():
            extra.append(looked_up(name, parameters[name], label, arrays[label]))
        make = self.programs_by_head if found.heads else self.program
        return tuple(extra), make(parameters, outputs, y_pred.shape)

    def heads(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what several predictions are called, if there are several."""
        return names_of(self.expressions(parameters).heads)

    def statistic(self, parameters: Mapping[str, Any]) -> Statistic | None:
        """Return the loss of sums that it is, if it is one."""
        return self.expressions(parameters).statistic

    def sums(
        self,
        parameters: Mapping[str, Any],
        outputs: int,
        shape: tuple[int, ...],
        measure: Callable[[Any, str], float],
    ) -> tuple[float, Any]:
        """Return the value of a loss of sums, and the program of its gradient.

        Parameters
        ----------
        measure : callable
            Runs a program and reduces its values by the name of a reduction.
        """
        names = OUTPUT_SETS[outputs]
        found = self.expressions(parameters)
        statistic = found.statistic
        assert statistic is not None
        for name in {"grad", "hess"}.intersection(names):
            found.result(name)  # which says why there is none
        numbers: dict[str, float] = {
            k: float(v) for k, v in parameters.items() if is_number(v)
        }
        numbers |= self._numbers_of(parameters, shape)

        def measured(program: Program, known: Mapping[str, float], kind: str) -> float:
            return measure(bind(program, known), kind)

        value = statistic.measured(numbers, measured)
        if "grad" not in names:
            return value, None
        return value, bind(*statistic.bound(value, numbers, measured))

    def formula(self, parameters: Mapping[str, Any], name: str) -> Formula:
        """Return value, grad or hess as a formula."""
        found = self.expressions(parameters)
        if found.heads and name != "value":
            by_head = found.grads if name == "grad" else found.hesses
            return rendered(*by_head)
        return rendered(found.result(name))
