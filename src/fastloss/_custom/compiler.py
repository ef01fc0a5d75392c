"""From a loss function to programs: one trace, then one program per set of outputs.

A compiler belongs to a class of losses. It keeps the expressions of every trace (there
are several only if the function looks at a parameter's value, as ``if alpha > 1`` does)
and the programs bound to parameter values.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import CodeType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastloss._formula import Formula
from fastloss.core import _bridge, checks
from fastloss.core.job import OUTPUT_SETS, PRODUCT, VALUE

from .axes import is_table, table
from .building import ONE
from .captured import RESTLESS, Captured
from .counts import LENGTH, SIZE, WIDTH, assigned, counts
from .derive import NoDerivativeError, derivative
from .functions import Function
from .graph import Node, node, reductions, walk
from .heads import Asked, Heads, curves, names_of, products, slopes, vectors_of
from .lower import Instruction, Program, lower
from .lower_rows import RowProgram, lower_rows
from .numbers import evaluate_graph, number_of
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
from .render import formula as rendered
from .rows import CLASSES, is_of_rows
from .slopes import guarded
from .statistic import Statistic
from .symbol import ENTRIES, Names, Symbol, inputs_of, parameter
from .tracing import StandIns, Tracing, tracing

Array = NDArray[Any]

_OPCODES: dict[str, int] = {name: i for i, name in enumerate(_bridge.opcodes())}
_CACHED_PROGRAMS = 256
_CACHED_TRACES = 256

#: Functions that see what a symbol is.
_SEEING = frozenset({"type", "id"})

#: What numbers of rows and classes go into, or come from.
_COUNTING = frozenset("len shape size range arange eye identity zeros ones".split())

_Made = TypeVar("_Made")


def is_number(value: object) -> bool:
    """Whether a parameter enters programs as a run-time constant."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool
    )


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
        self.functions = dict(functions)
        self.inputs = inputs
        self._traces: dict[object, dict[_Answers, Node | Expressions]] = {}
        self._programs: dict[object, Any] = {}
        self._captured: Captured | None = None
        self.watches = False
        self.version = 0
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.functions, self.inputs)

    def arrays(self, heads: int = 0) -> tuple[str, ...]:
        """Return the names of labels, predictions and inputs."""
        return ("y_true", *(names_of(heads) or ("y_pred",)), *self.inputs)

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

    def _trace(
        self, numbers: Mapping[str, Any], static: Mapping[str, Any]
    ) -> tuple[Expressions, list[tuple[Node, float]]]:
        written = [function.written for function in self.functions.values()]
        before = Captured(written)
        found, questions = self._run(numbers, static)
        steady = before.unchanged(lists=False) and not before.restless
        if not steady and self._run(numbers, static)[0] != found:
            raise TraceError(
                tell_at(
                    "the function gives another formula each time it is called",
                    "random numbers, clocks and counters would be read once, when it "
                    "is traced: pass what changes as a named input or a parameter",
                    before.codes,
                    RESTLESS,
                )
            )
        if not before.names.isdisjoint(_SEEING):
            self._compare(found, {**static, **numbers}, before.codes)
        self._captured = before if before.unchanged() else Captured(written)
        self.watches = self._captured.watches
        return found, questions

    def _compare(
        self,
        found: Expressions,
        parameters: Mapping[str, Any],
        codes: Sequence[CodeType],
    ) -> None:
        """Refuse formulas that are not what NumPy computes of a few numbers."""
        rows = {
            name: np.array([1.0, 0.25, 0.0, 2.0, -0.75]) + 0.125 * i
            for i, name in enumerate(self.arrays(found.heads))
        }
        given: dict[str, Any] = dict(rows)
        if found.heads:
            given["y_pred"] = tuple(rows[name] for name in names_of(found.heads))
        numbers = {k: float(v) for k, v in parameters.items() if is_number(v)}
        numbers |= {SIZE: 5.0, LENGTH: 5.0}
        for name, function in self.functions.items():
            if found.statistic is not None:
                traced = np.array(found.statistic.over(rows, numbers))
            else:
                traced = np.array(
                    [
                        number_of(assigned(found.result(name), {**numbers, **row}))
                        for row in (
                            dict(zip(rows, column, strict=True))
                            for column in zip(*rows.values(), strict=True)
                        )
                    ]
                )
                if name == "value" and found.reduction is not None:
                    traced = getattr(np, found.reduction)(traced)
            try:
                with np.errstate(all="ignore"):
                    run = np.asarray(function(given, parameters), dtype=float)
            except Exception:  # there is no value to compare with
                continue
            known = np.isfinite(run)
            if not np.allclose(np.broadcast_to(traced, run.shape)[known], run[known]):
                raise TraceError(
                    tell_at(
                        "type() or id() sees that a trace has stand-ins for arrays and "
                        "numbers, and the formula is not what NumPy computes",
                        "write isinstance(x, float), or compare values: x == 1",
                        codes,
                        _SEEING,
                    )
                )

    def _run(
        self, numbers: Mapping[str, Any], static: Mapping[str, Any]
    ) -> tuple[Expressions, list[tuple[Node, float]]]:
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
    ) -> tuple[Expressions, list[tuple[Node, float]]] | TraceError | None:
        """Run the function on as many predictions as it takes apart.

        None: it does not say how many there are.
        """
        most = _bridge.MAX_INPUTS - 1 - len(self.inputs)
        for count in range(2, most + 1):
            asked = Asked(count)
            found: tuple[Expressions, list[tuple[Node, float]]] | TraceError
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
    ) -> tuple[Expressions, list[tuple[Node, float]]]:
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
        statistic = Statistic(value, self.arrays(), _OPCODES)
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
                known = lower_rows(results, _OPCODES, classes=found.classes)
            else:
                arrays = (*self.arrays(), *found.tables)
                known = lower(results, arrays, _OPCODES)
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
                arrays = (*self.arrays(found.heads), *found.tables)
                if names == PRODUCT:
                    arrays += vectors_of(found.heads)
                if len(arrays) > _bridge.MAX_INPUTS:
                    raise TypeError(
                        f"programs read at most {_bridge.MAX_INPUTS} arrays, these "
                        f"would be {len(arrays)}: {', '.join(arrays)}"
                    )
                known = {**parameters, **numbers}
                bound = self._programs[key] = tuple(
                    bind(lower(results, arrays, _OPCODES), known)
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
        extra = [given[name] for name in self.inputs]
        arrays = {"y_true": y_true, **given}
        found = self.expressions(parameters)
        for name, label in found.tables.values():
            extra.append(_looked_up(name, parameters[name], label, arrays[label]))
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


def _looked_up(name: str, table: Any, label: str, labels: Array) -> Array:
    """Return what a list has at the labels, or name one that it has not."""
    numbers = np.asarray(table, dtype=float)
    given = np.asarray(labels)
    places = given.astype(np.int64, copy=False) if given.dtype.kind != "f" else given
    outside = ~((places >= 0) & (places < len(numbers)) & (places == np.floor(places)))
    if outside.any():
        place = int(np.argmax(outside.ravel()))
        raise ValueError(
            f"{checks.element(label, given, place)} but {name} has numbers for labels "
            f"0 to {len(numbers) - 1}: {name}[{label}] has no other"
        )
    return numbers[places.astype(np.int64)]


def bind(program: Program, parameters: Mapping[str, Any]) -> Any:
    """Return the program in the engine's form, constants filled in."""
    numbers = {k: float(v) for k, v in parameters.items() if is_number(v)}
    constants = list(program.numbers(numbers))
    code = np.zeros((len(program.code), 3 + _bridge.OPERANDS), dtype=np.uint16)
    for row, given in zip(code, program.code, strict=True):
        step = _with_nan(given, constants)
        row[0] = _OPCODES[step.opcode]
        row[1] = step.target
        row[2] = step.last
        row[3 : 3 + len(step.operands)] = step.operands
    common = len(program.inputs), program.scratch, program.setup, code
    if not isinstance(program, RowProgram):
        return _bridge.Program(*common, np.array(constants, dtype=np.float64))
    first = []
    for name in program.tables:
        first.append(len(constants))
        constants += [float(x) for x in parameters[name]]
    for row, step in zip(code, program.code, strict=True):
        if step.opcode == "look_up_kk":
            row[3] = row[4] = first[step.operands[0]]
    return _bridge.Program(
        *common,
        np.array(constants, dtype=np.float64),
        np.array(program.stages, dtype=np.int32),
        kept=program.kept,
        reductions=program.reductions,
        classes=program.classes,
        at_label=program.at_label,
        index=program.index,
    )


_BOUNDS = frozenset({"minimum_rk", "maximum_rk", "clip_rkk"})


def _with_nan(step: Instruction, constants: Sequence[float]) -> Instruction:
    """Return the step, or what gives a NaN for a bound that is one."""
    if step.opcode in _BOUNDS:
        for bound in step.operands[1:]:
            if math.isnan(constants[bound]):
                operands = step.operands[0], bound
                return replace(step, opcode="add_rk", operands=operands)
    return step


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


Compiler = TracedCompiler | NumpyCompiler

#: What a function has been told of its parameters.
_Answers = tuple[object, ...]
