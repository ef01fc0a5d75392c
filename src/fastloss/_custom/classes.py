"""Custom losses that are classes with a method ``call``."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

from .compiler import TracedCompiler, method_of

__all__ = ["prepare"]


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
