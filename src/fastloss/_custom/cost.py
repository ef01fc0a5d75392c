"""What the programs of a custom loss cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from .lower import Program

__all__ = ["Cost"]

_FUNCTIONS = (
    "exp",
    "exp_decay",
    "expm1",
    "log",
    "log1p",
    "log1mexp",
    "log1p_square",
    "log1p_minus",
    "expm1_minus",
    "log_ratio_minus",
    "sigmoid_power_t",
    "log_mixture_t",
    "erfc",
    "ndtr",
    "log_ndtr",
    "log_ndtr_slope",
    "log_ndtr_curve",
    "digamma",
    "trigamma",
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
    "mixture_slope_t",
    "mixture_curve_t",
    "log1p_square_slope",
    "log1p_square_curve",
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
