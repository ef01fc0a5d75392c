"""Custom losses that are classes with a method ``call``."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from .compiler import TracedCompiler
from .functions import Method
from .refusal import TraceError
from .signature import check_inputs, check_name, default

__all__ = ["prepare"]


def prepare(cls: Any) -> None:
    """Give a class that defines ``call`` its compiler, name and default reduction."""
    if "__init__" in cls.__dict__:
        _take_over(cls)
    cls.inputs = check_inputs(cls.__name__, cls.inputs)
    defaults = _defaults(cls)
    for name in inspect.get_annotations(cls):
        if name in defaults:
            check_name(cls.__name__, name)
    cls._compiler = compiler = TracedCompiler(
        {"value": Method(cls, cls.inputs)}, cls.inputs
    )
    if "name" not in cls.__dict__:
        cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
    if any(value is dataclasses.MISSING for value in defaults.values()):
        return
    try:
        reduction = compiler.expressions(defaults).reduction
    except NameError:
        return
    except AttributeError as error:
        if isinstance(error, TraceError):
            raise
        raise TraceError(
            f"{error}: parameters of {cls.__name__} are annotated attributes, as "
            "alpha: float = 0.5, or arguments of its __init__"
        ) from None
    if reduction is not None and "reduction" not in cls.__dict__:
        cls.reduction = reduction
        cls.__annotations__ = {
            **inspect.get_annotations(cls),
            "reduction": "str",
        }


def _defaults(cls: Any) -> dict[str, Any]:
    """Return the parameters of a class that is no dataclass yet, and their defaults."""
    found = {}
    for base in reversed(cls.__mro__[1:]):
        if "__dataclass_fields__" in base.__dict__:
            found.update({f.name: _default_of(f) for f in dataclasses.fields(base)})
    for name, kind in inspect.get_annotations(cls).items():
        if "ClassVar" not in str(kind):
            value = cls.__dict__.get(name, dataclasses.MISSING)
            if not isinstance(value, dataclasses.Field):
                value = default(value)
                if value is not dataclasses.MISSING:
                    setattr(cls, name, value)
            found[name] = _default_of(value)
    found.pop("reduction", None)
    return found


def _default_of(value: Any) -> Any:
    if isinstance(value, dataclasses.Field):
        made = value.default_factory
        return made() if callable(made) else value.default
    return value


# -- an __init__ of one's own ----------------------------------------------------------


def _take_over(cls: Any) -> None:
    """Make the arguments of ``__init__`` parameters.

    It runs as it is written, on an instance that is open as long, and on a stand-in
    when the loss is traced: what it computes of its arguments is part of the formula.
    """
    written = cls.__init__
    signature = inspect.signature(written)
    names = []
    for argument in list(signature.parameters.values())[1:]:
        if argument.kind is argument.VAR_POSITIONAL:
            raise TypeError(
                f"{cls.__name__}.__init__ takes {argument}: name its parameters one by "
                "one"
            )
        if argument.kind is not argument.VAR_KEYWORD and argument.name != "reduction":
            names.append(argument.name)
            if argument.default is not argument.empty:
                setattr(cls, argument.name, argument.default)
    given = dict.fromkeys(names, "Any")
    cls.__annotations__ = {**given, **inspect.get_annotations(cls)}
    cls.__init__ = _opened(written, signature)
    cls._stand_in = classmethod(_initialised)


def _opened(written: Callable[..., None], signature: inspect.Signature) -> Any:
    takes_all = any(a.kind is a.VAR_KEYWORD for a in signature.parameters.values())

    @functools.wraps(written)
    def initialise(self: Any, *args: Any, **parameters: Any) -> None:
        if self._is_open():  # of a subclass, whose own does the rest
            written(self, *args, **parameters)
            return
        fields = {f.name: f for f in dataclasses.fields(self)}
        foreign = {
            name: parameters.pop(name)
            for name in fields.keys() & parameters.keys() - signature.parameters.keys()
            if not (takes_all and name == "reduction")
        }
        try:
            bound = signature.bind(self, *args, **parameters)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        bound.apply_defaults()
        object.__setattr__(self, "_open", True)
        for name, value in {**bound.arguments, **foreign}.items():
            if name in fields:
                object.__setattr__(self, name, value)
        try:
            written(self, *args, **parameters)
        finally:
            del self.__dict__["_open"]
        for name, field in fields.items():
            if name not in self.__dict__:
                object.__setattr__(self, name, _default_of(field))
        self.__post_init__()

    return initialise


def _initialised(cls: Any, parameters: Mapping[str, Any]) -> Any:
    self = cls.__new__(cls)
    object.__setattr__(self, "_open", True)
    for name, value in parameters.items():
        object.__setattr__(self, name, value)
    arguments = inspect.signature(cls.__init__).parameters
    own = {k: v for k, v in parameters.items() if k in arguments}
    self.__init__(**own)
    return self
