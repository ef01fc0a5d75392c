"""Programs in the engine's form: constants filled in, lists looked up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastloss.core import _bridge, checks
from fastloss.core.job import Array

from .lower import Instruction, Program
from .lower_rows import RowProgram

OPCODES: dict[str, int] = {name: i for i, name in enumerate(_bridge.opcodes())}


def is_number(value: object) -> bool:
    """Whether a parameter enters programs as a run-time constant."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool
    )


def bind(program: Program, parameters: Mapping[str, Any]) -> Any:
    """Return the program in the engine's form, constants filled in."""
    numbers = {k: float(v) for k, v in parameters.items() if is_number(v)}
    constants = list(program.numbers(numbers))
    code = np.zeros((len(program.code), 3 + _bridge.OPERANDS), dtype=np.uint16)
    for row, given in zip(code, program.code, strict=True):
        step = _with_nan(given, constants)
        row[0] = OPCODES[step.opcode]
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


def looked_up(name: str, table: Any, label: str, labels: Array) -> Array:
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
