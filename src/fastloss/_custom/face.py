"""What a loss object shows and does beyond the built-in ones if it is a custom one."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastloss.core import _bridge
from fastloss.core.job import OUTPUT_SETS, Arrays, Work
from fastloss.core.registry import Row

from .compiler import Compiler, TracedCompiler, method_of
from .lower import Program
from .render import Formula

Array = NDArray[Any]

_FUNCTIONS = (
    "exp",
    "exp_decay",
    "expm1",
    "log",
    "log1p",
    "log1mexp",
    "gauss",
    "softplus_t",
    "logistic_t",
    "logaddexp_t",
    "tanh_t",
    "log_cosh_t",
    "log2",
    "log10",
    "cbrt",
    "hypot",
    "power",
    "powers",
    "arctan",
    "sinh",
    "cosh",
    "erf",
    "sin",
    "cos",
    "lgamma",
    "sqrt",
    "root",
)
_DIVISIONS = (
    "div",
    "div_add",
    "sigmoid_t",
    "sigmoid_slope_t",
    "logistic_slope_t",
    "root_slope",
    "root_curve",
    "root_minus",
    "sqrt1pm1",
)


@dataclass(frozen=True)
class Cost:
    """What the program of a custom loss does per element.

    Attributes
    ----------
    steps : int
        Instructions.
    functions, divisions : int
        Those that evaluate an elementary function, and those that divide.
    registers : int
        Scratch registers, blocks in L1.
    """

    steps: int
    functions: int
    divisions: int
    registers: int

    @classmethod
    def of(cls, program: Program) -> Cost:
        """Count the instructions of a program."""
        names = Counter(
            s.opcode.rpartition("_")[0] for s in program.code[program.setup :]
        )
        return cls(
            steps=names.total(),
            functions=sum(names[n] for n in _FUNCTIONS),
            divisions=sum(names[n] for n in _DIVISIONS),
            registers=program.scratch,
        )


#: In place of a row of the registry.
_ROW = Row("custom", "custom", "element", ("real",), ("real",), ())


class CustomFace(_bridge.Kernel):
    """The part of `Loss` that concerns custom losses."""

    _compiler: ClassVar[Compiler | None] = None
    inputs: ClassVar[tuple[str, ...]] = ()
    reduction: str
    _row: ClassVar[Row] = _ROW
    _numbers: ClassVar[tuple[float, ...]] = ()

    @property
    def formula(self) -> Formula:
        """The loss per sample as text; ``.latex`` for typesetting. Custom losses."""
        return self._compiler_of().formula(self._own_parameters(), "value")

    @property
    def gradient_formula(self) -> Formula:
        """Its first derivative with respect to ``y_pred``. Custom losses."""
        return self._compiler_of().formula(self._own_parameters(), "grad")

    @property
    def hessian_formula(self) -> Formula:
        """Its second derivative with respect to ``y_pred``. Custom losses."""
        return self._compiler_of().formula(self._own_parameters(), "hess")

    @property
    def cost(self) -> dict[str, Cost]:
        """Cost of the programs for each set of outputs. Custom losses."""
        return {
            "_and_".join(names): Cost.of(
                self._compiler_of().lowered(self._own_parameters(), names)
            )
            for names in OUTPUT_SETS
        }

    def listing(self, *names: str) -> str:
        """Return the program for ``"value"``, ``"grad"``, ``"hess"``, a step a line."""
        program = self._compiler_of().lowered(self._own_parameters(), names)
        return str(program)

    def _compiler_of(self) -> Compiler:
        if self._compiler is None:
            raise AttributeError(
                f"{type(self).__name__} is a built-in loss: its formula is in its "
                "docstring; formula, cost and listing are of custom losses"
            )
        return self._compiler

    def _own_parameters(self) -> dict[str, Any]:
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if field.name != "reduction"
        }

    def _bound(self, given: Mapping[str, Any]) -> Any:
        """Return this loss with its further inputs for one call."""
        missing = [name for name in self.inputs if name not in given]
        if missing:
            raise TypeError(
                f"{missing[0]} is missing: pass {missing[0]}=array, of the shape of "
                "y_pred, with each call"
            )
        copy = dataclasses.replace(self)  # type: ignore[type-var]
        object.__setattr__(copy, "_given", given)
        return copy

    def _program(self, outputs: int) -> Any:
        """Return the program for these outputs, compiled when first asked for."""
        programs = self.__dict__.setdefault("_programs", {})
        if outputs not in programs:
            assert isinstance(self._compiler, TracedCompiler)
            parameters = self._own_parameters()
            programs[outputs] = self._compiler.program(parameters, outputs)
        return programs[outputs]

    def _prepare(self) -> None:
        runs_alone = self._compiler_of().traced and not self.inputs
        fast = runs_alone and self.reduction != "none"
        self._bind(_bridge.CUSTOM, fast, False, False, self.reduction, ())

    def _work(self, outputs: int, arrays: Arrays) -> Work:
        """The program and the further arrays it reads."""
        compiler = self._compiler_of()
        if isinstance(compiler, TracedCompiler) and not self.inputs:
            return Work(_bridge.CUSTOM, self._program(outputs))
        if self.inputs and "_given" not in self.__dict__:
            self._bound({})
        y_true, y_pred = arrays.labels[0], arrays.predictions[0]
        given = {
            name: _input(name, array, y_pred)
            for name, array in getattr(self, "_given", {}).items()
        }
        parameters = self._own_parameters()
        extra, program = compiler.job(parameters, outputs, y_true, y_pred, given)
        return Work(_bridge.CUSTOM, program, extra)


def _input(name: str, array: Any, y_pred: Array) -> Array:
    found = np.asarray(array)
    if found.dtype.kind not in "biuf" or found.dtype.itemsize > 8:
        raise TypeError(f"{name} has dtype {found.dtype}: numbers are expected")
    if found.dtype == np.float16:
        raise TypeError(f"{name} has dtype float16: use {name}.astype(np.float32)")
    if found.shape != y_pred.shape:
        raise ValueError(
            f"{name} has shape {found.shape}, y_pred {y_pred.shape}: they must be "
            "equal, nothing is broadcast"
        )
    return found


def prepare(cls: Any) -> None:
    """Give a class that defines ``call`` its compiler, name and default reduction."""
    defaults = _defaults(cls)
    cls._compiler = compiler = TracedCompiler(
        {"value": method_of(cls, cls.inputs)}, cls.inputs
    )
    if "name" not in cls.__dict__:
        cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
    if any(value is dataclasses.MISSING for value in defaults.values()):
        return
    try:
        reduction = compiler.expressions(defaults).reduction
    except NameError:
        return
    if reduction is not None and "reduction" not in cls.__dict__:
        cls.reduction = reduction
        cls.__annotations__ = {
            **inspect.get_annotations(cls),
            "reduction": "str",
        }


def _defaults(cls: Any) -> dict[str, Any]:
    """Return the parameters of a class that is no dataclass yet, and their defaults."""
    found = {f.name: f.default for f in dataclasses.fields(cls.__mro__[1])}
    for name, kind in inspect.get_annotations(cls).items():
        if "ClassVar" not in str(kind):
            default = cls.__dict__.get(name, dataclasses.MISSING)
            if isinstance(default, dataclasses.Field):
                default = default.default
            found[name] = default
    found.pop("reduction", None)
    return found
