"""Kernel objects hold static code and their table, and lean on little else."""

from __future__ import annotations

import pytest
from objects import UNITS, Unit, run

import fastloss as fl
from fastloss.core import _bridge

#: What GCC and Clang call by themselves, and what a custom loss asks the C library for.
LIBRARY = {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"}
MATHS = {"sin", "cos"}


@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_symbols_of_kernel_objects(unit: Unit) -> None:
    family = {row.name for row in fl.REGISTRY if row.family == unit.name}
    losses = {row.name for row in fl.REGISTRY}
    names, uses = {
        "tools": ({"block_tools", "io_tools", "table"}, {"programs", *losses}),
        "programs": ({"programs"}, set()),
    }.get(unit.name, (family, set()))
    given, taken = unit.symbols()

    def symbols(names: set[str]) -> set[str]:
        return {f"fl_{name}_{unit.dtype}_{unit.isa}" for name in names}

    assert given == symbols(names)
    allowed = LIBRARY | (MATHS if unit.name == "programs" else set())
    assert taken - allowed == symbols(uses)


def test_the_extension_exports_its_initialiser_alone() -> None:
    listed = run(["nm", "--dynamic", "--defined-only", _bridge.__file__])
    assert [line.split()[-1] for line in listed.splitlines()] == ["PyInit__bridge"]
