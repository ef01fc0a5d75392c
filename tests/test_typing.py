"""The calls that type checkers see take the parameters that losses have.

What they make of them is in typing_examples.py, over which mypy runs.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import fields

import pytest

import fastloss as fl

GROUPS = {"groups", "group_ids", "group_offsets"}
COHORTS = {"strata", "entry"}
ARRAYS = {"y_true", "y_pred", "sample_weight", "out"}
OTHERS = ARRAYS | GROUPS | COHORTS | {"return_row"}


def typed_call(cls: type) -> dict[str, str] | None:
    """Arguments and types of the call declared in the body of `cls`."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    for node in ast.walk(body):
        if isinstance(node, ast.FunctionDef) and node.name == "__call__":
            arguments = [*node.args.args[1:], *node.args.kwonlyargs]
            assert node.args.kwarg is node.args.vararg is None
            return {a.arg: ast.unparse(a.annotation) for a in arguments}
    return None


@pytest.mark.parametrize("loss", fl.LOSSES.values(), ids=lambda loss: loss.name)
def test_the_typed_call_has_the_parameters_of_the_loss(loss: fl.Loss) -> None:
    calls = (typed_call(c) for c in type(loss).__mro__ if issubclass(c, fl.Loss))
    call = next(call for call in calls if call)
    others = OTHERS | set(getattr(loss, "heads", ()))
    parameters = {name: kind for name, kind in call.items() if name not in others}
    assert parameters == {field.name: field.type for field in fields(loss)}
    assert {"sample_weight", "out"} < set(call)
