"""Every instruction of custom losses does what its name says, and refuses bad slots."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

import fastloss as fl
from fastloss.core import _bridge

EVERY = _bridge.opcodes()
OPCODES = EVERY[: EVERY.index("pick_r")]
OF_ROWS = EVERY[len(OPCODES) :]  # which programs of elements do not have
POINTS = (-2.0, -1.0, -0.5, 0.0, 0.75, 1.0, 2.0, 3.5)
WIDTH = 3 + _bridge.OPERANDS


def decay(x: Any) -> Any:
    return np.exp(-np.abs(x))


def decay2(x: Any) -> Any:
    return np.exp(-2 * np.abs(x))


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softplus(x: Any) -> Any:
    return np.log1p(np.exp(x))


def phi(a: float) -> float:
    return math.erfc(-a / math.sqrt(2)) / 2


def density(a: float) -> float:
    return math.exp(-a * a / 2) / math.sqrt(2 * math.pi)


def poly_gamma(order: int, a: float) -> float:
    if a <= 0 and a % 1 == 0:
        return math.inf if order else (-math.inf if a == 0 else math.nan)
    return float(mpmath.psi(order, a))


def slope(x: Any) -> Any:
    return sigmoid(x) * sigmoid(-x)


def mixture(w: Any, v: Any, x: Any) -> Any:
    return w * sigmoid(x) + v * sigmoid(-x)


def root(x: Any, c: Any) -> Any:
    return np.sqrt(c + x * x)


each = np.vectorize  # of functions that NumPy does not have

#: What an instruction computes of its operands in their order.
MEANING: dict[str, Callable[..., Any]] = {
    "fill": lambda a: a,
    "copy": lambda a: a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "div_add": lambda a, b, c: a / (b + c),
    "neg": lambda a: -a,
    "abs": np.abs,
    "sign": np.sign,
    "square": np.square,
    "sqrt": np.sqrt,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "clip": lambda a, low, high: np.minimum(high, np.maximum(low, a)),
    "within_range": lambda a: np.nan_to_num(a, nan=np.nan),
    "nan_if": lambda a, b: np.where(np.isnan(b), np.nan, a),
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "mul_add": lambda a, b, c: a * b + c,
    "mul_sub": lambda a, b, c: a * b - c,
    "sub_mul": lambda a, b, c: a - b * c,
    "mul_scale": lambda a, b, c: a * b * c,
    "mul_square": lambda a, b: a * b * b,
    "sub_square": lambda a, b: (a - b) ** 2,
    "sub_abs": lambda a, b: np.abs(a - b),
    "sub_scale": lambda a, b, c: (a - b) * c,
    "square_scale": lambda a, b: a * a * b,
    "sign_scale": lambda a, b: np.sign(a) * b,
    "where_eq": lambda a, b, c, d: np.where(a == b, c, d),
    "where_gt": lambda a, b, c, d: np.where(a > b, c, d),
    "where_ge": lambda a, b, c, d: np.where(a >= b, c, d),
    "where": lambda a, b, c: np.where(a != 0, b, c),
    "exp": np.exp,
    "exp_decay": decay,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log1mexp": lambda a: np.log(-np.expm1(a)),
    "log1p_square": lambda a: np.log1p(a * a),
    "log1p_square_slope": lambda a: 2 * a / (1 + a * a),
    "log1p_square_curve": lambda a: 2 * (1 - a * a) / (1 + a * a) ** 2,
    "log1p_minus": lambda a: a - np.log1p(a),
    "expm1_minus": lambda a: np.expm1(a) - a,
    "log_ratio_minus": lambda a, b: np.where(
        np.isposinf(a / b), np.inf, a / b - 1 - np.log(a / b)
    ),
    "gauss": lambda a, c: np.exp(c * a * a),
    "softplus_t": lambda a, t: softplus(a),
    "sigmoid_t": lambda a, t: sigmoid(a),
    "sigmoid_slope_t": lambda t: t / (1 + t) ** 2,
    "sigmoid_power_t": lambda x, k, t: sigmoid(x) ** k,
    "log_mixture_t": lambda w, v, x, t: np.log(mixture(w, v, x)),
    "mixture_slope_t": lambda w, v, x, t: (w - v) * slope(x) / mixture(w, v, x),
    "mixture_curve_t": lambda w, v, x, t: (
        ((v - w) * slope(x) * mixture(w * sigmoid(x), -v * sigmoid(-x), x))
        / mixture(w, v, x) ** 2
    ),
    "logistic_t": lambda a, b, x, t: a * softplus(x) + b * softplus(-x),
    "logistic_slope_t": lambda a, b, x, t: a * sigmoid(x) - b * sigmoid(-x),
    "logaddexp_t": lambda a, b, t: np.logaddexp(a, b),
    "tanh_t": lambda a, t: np.tanh(a),
    "log_cosh_t": lambda a, t: np.log(np.cosh(a)),
    "root": root,
    "root_slope": lambda a, s: a / s,
    "root_curve": lambda a, s, c: c / s**3,
    "root_minus": lambda a, s, k: s - k,
    "sqrt1pm1": lambda a: np.sqrt(1 + a) - 1,
    "log2": np.log2,
    "log10": np.log10,
    "cbrt": np.cbrt,
    "hypot": np.hypot,
    "power": np.power,
    "powers": lambda a, p, k: np.where(k == 0, 0, k * a**p),
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "erf": each(math.erf),
    "erfc": each(math.erfc),
    "ndtr": each(phi),
    "log_ndtr": each(lambda a: math.log(phi(a))),
    "log_ndtr_slope": each(lambda a: density(a) / phi(a)),
    "log_ndtr_curve": each(lambda a: -density(a) / phi(a) * (a + density(a) / phi(a))),
    "digamma": each(lambda a: poly_gamma(0, a)),
    "trigamma": each(lambda a: poly_gamma(1, a)),
    "lgamma": each(lambda a: math.lgamma(a) if a > 0 or a % 1 else math.inf),
    "sin": np.sin,
    "cos": np.cos,
    "exp_sub": lambda a, m: np.exp(a - m),
    "exp_below": lambda a, m: np.exp(a - m),
    "less_share": lambda a, m, p, rest: np.where(a == m, rest, 1 - p),
}

MIXED: list[tuple[int, Callable[..., Any]]] = [
    (1, lambda w: 1 - w),
    (3, lambda w, v, x: decay(x)),
]
#: Operands that follow from the ones before.
DEPENDENT: dict[str, list[tuple[int, Callable[..., Any]]]] = {
    "softplus_t": [(1, decay)],
    "exp_below": [(1, np.abs)],
    "sigmoid_t": [(1, decay)],
    "logistic_t": [(3, lambda a, b, x: decay(x))],
    "logistic_slope_t": [(3, lambda a, b, x: decay(x))],
    "logaddexp_t": [(2, lambda a, b: decay(a - b))],
    "tanh_t": [(1, decay2)],
    "log_cosh_t": [(1, decay2)],
    "root_slope": [(1, lambda a: root(a, 0.75))],
    "root_curve": [(1, lambda a: root(a, 0.75))],
    "root_minus": [(1, lambda a: root(a, 0.75**2))],
    "sigmoid_power_t": [(2, lambda x, k: decay(x))],
    "log_mixture_t": MIXED,
    "mixture_slope_t": MIXED,
    "mixture_curve_t": MIXED,
}
CONSTANTS: dict[str, tuple[float, ...]] = {  # that the meaning holds for
    "root": (0.75, 2.0),
    "root_curve": (0.75,),
    "root_minus": (0.75,),
    "gauss": (-1.0, -0.5),
    "powers": (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0),
}


def run(code: Sequence[int], constants: Sequence[float], arrays: list[Any]) -> Any:
    """The value of a program of one instruction for these arrays."""
    numbers = np.array([[*code, *[0] * (WIDTH - len(code))]], np.uint16)
    program = _bridge.Program(
        len(arrays), 4, 0, numbers, np.array(constants, np.float64)
    )
    y, x, *extra = arrays
    value = np.empty_like(x)
    none = _bridge.REDUCTIONS.index("none")
    _bridge.run(
        _bridge.CUSTOM, 0, none, (y,), (x,), tuple(extra), None, value, (None,),
        (None,), (), False, 0.0, None, None, False, 0, 0.0, 0.0, 1, program,
    )  # fmt: skip
    return value


def test_every_instruction_has_a_meaning() -> None:
    names = [name.rpartition("_")[0] for name in OPCODES]
    assert set(names) == set(MEANING)
    assert len(set(OPCODES)) == len(OPCODES)


@pytest.mark.parametrize("opcode", range(len(OPCODES)), ids=OPCODES.__getitem__)
def test_meaning(opcode: int) -> None:
    name, _, form = OPCODES[opcode].rpartition("_")
    registers = [i for i, kind in enumerate(form) if kind == "r"]
    random = np.random.RandomState(opcode)
    count = max(2, len(registers))
    columns = random.choice(POINTS, (count, 300))
    columns[0, : len(POINTS)] = columns[-1, : len(POINTS)] = POINTS
    for trial in range(14):
        numbers = random.choice(CONSTANTS.get(name, POINTS), len(form))
        if name == "powers":
            numbers[1] = CONSTANTS[name][trial % len(CONSTANTS[name])]
        for dtype in (np.float32, np.float64):
            arrays = [column.astype(dtype) for column in columns]
            operands = [
                arrays[registers.index(i)] if i in registers else numbers[i]
                for i in range(len(form))
            ]
            for at, function in DEPENDENT.get(name, ()):
                operands[at][...] = function(*(np.float64(z) for z in operands[:at]))
            exact = [np.asarray(z, np.float64) for z in operands]
            with np.errstate(all="ignore"):
                expected = MEANING[name](*exact)
            slots = [
                registers.index(i) if i in registers else i for i in range(len(form))
            ]
            constants = [*numbers, 0.0]
            got = run([opcode, count, 0, *slots], constants, arrays)
            np.testing.assert_allclose(
                got,
                np.broadcast_to(expected, got.shape),
                rtol=1e-5 if dtype == np.float32 else 1e-13,
                atol=1e-6 if dtype == np.float32 else 1e-15,
            )


GOOD = [OPCODES.index("mul_rk"), 2, 0, 1, 0]


@pytest.mark.parametrize(
    "code",
    [
        [len(EVERY), 2, 0, 1, 0],  # no such instruction
        *([len(OPCODES) + i, 2, 0, 1, 1] for i in range(len(OF_ROWS))),
        [GOOD[0], 0, 0, 1, 0],  # writes y_true
        [GOOD[0], 1, 0, 1, 0],  # writes y_pred
        [GOOD[0], 9, 0, 1, 0],  # writes beyond the registers
        [GOOD[0], 2, 0, 9, 0],  # reads beyond them
        [GOOD[0], 2, 0, 1, 2],  # reads beyond the constants
        [GOOD[0], 2, 1, 1, 0],  # a value is no derivative to be scaled
        [GOOD[0], 5, 1, 1, 0],  # neither is a register
    ],
    ids=str,
)
def test_programs_that_leave_their_slots_are_refused(code: list[int]) -> None:
    """Two inputs, the outputs 2 to 4, the registers 5 to 8, two constants."""
    with pytest.raises(ValueError, match="program"):
        _bridge.Program(2, 4, 0, rows_of(code), np.zeros(2))


def rows_of(*code: list[int]) -> np.ndarray:
    return np.array([[*row, *[0] * (WIDTH - len(row))] for row in code], np.uint16)


def test_programs_of_too_many_are_refused() -> None:
    for inputs, registers, setup in (
        (1, 4, 0),
        (13, 4, 0),
        (2, 129, 0),
        (2, -1, 0),
        (2, 4, 2),
        (2, 4, -1),
    ):
        code = [GOOD[0], inputs, 0, 0, 0]
        with pytest.raises(ValueError, match="program"):
            _bridge.Program(inputs, registers, setup, rows_of(code), np.zeros(2))
    for good in (
        GOOD,
        [GOOD[0], 8, 0, 8, 1],
        [GOOD[0], 3, 1, 0, 0],
        [GOOD[0], 4, 1, 0, 0],
    ):
        _bridge.Program(2, 4, 1, rows_of(good), np.zeros(2))
    for inputs, registers in ((2, 128), (10, 0)):
        code = [GOOD[0], inputs, 0, 0, 0]
        _bridge.Program(inputs, registers, 0, rows_of(code), np.zeros(2))


def test_compiled_losses_use_the_names() -> None:
    loss = fl.custom(lambda y, x: np.where(x > y, 2.0 * x, -x))
    for line in loss.listing("value", "grad").splitlines():
        assert line.split(" = ")[1].split()[0] in OPCODES
