"""No test passes without having looked."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
#: But not what runs other libraries' tests, where one that differs has to fail.
FILES = sorted({*TESTS.rglob("*.py")} - {TESTS / "external/conftest.py"})
SILENT = {"skip", "xfail", "importorskip"}


def own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What stands in a function, and not in one within it."""
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_test_ends_early(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    early = [
        f"{function.name}, line {node.lineno}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_")
        for node in own_nodes(function)
        if isinstance(node, ast.Return)
    ]
    assert not early, "filter in the parametrization, or hypothesis.assume"
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not used & SILENT


def test_planted_faults_have_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    from faults import faults

    planted = faults([])
    assert planted
    assert not [fault.name for fault in planted if fault.complaint(ROOT)]
