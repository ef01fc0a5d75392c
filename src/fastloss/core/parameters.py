"""Immutable objects whose annotated attributes are keyword parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NoReturn, Self, dataclass_transform

__all__ = ["Parameters"]

#: Words of other libraries for what is no parameter, but an argument of a call.
_WEIGHTS = "; weights of samples are sample_weight=..., in a call"
_REDUCTIONS = '; reduction is "mean", "sum", "none" or "sum_over_batch_size"'
_OF_A_CALL = {
    "average": _REDUCTIONS,
    "reduce": _REDUCTIONS,
    "sample_weight": _WEIGHTS,
    "sample_weights": _WEIGHTS,
    "size_average": _REDUCTIONS,
    "weight": _WEIGHTS,
    "weights": _WEIGHTS,
}

_MISSING = type(dataclasses.MISSING)  # another object after a journey by value


class _Signature:
    """The signature of a class, or of a call of a loss, made when asked for."""

    def __get__(self, instance: Any, owner: type[Parameters]) -> Any:
        import inspect

        if not dataclasses.is_dataclass(owner):  # the base of all, of which help asks
            raise AttributeError("__signature__")
        parameters = []
        for field in dataclasses.fields(owner):
            default: Any = inspect.Parameter.empty
            if instance is not None:
                default = getattr(instance, field.name)
            elif not isinstance(field.default, _MISSING):
                default = field.default
            kind = inspect.Parameter.KEYWORD_ONLY
            parameters.append(
                inspect.Parameter(
                    field.name, kind, default=default, annotation=field.type
                )
            )
        if instance is None:
            return inspect.Signature(parameters)
        *arguments, _ = inspect.signature(instance.grad).parameters.values()
        named = inspect.Parameter.KEYWORD_ONLY
        inputs = [
            inspect.Parameter(name, named) for name in getattr(owner, "inputs", ())
        ]
        further = [
            inspect.Parameter(name, named, default=None)
            for name in getattr(owner, "_further", ())
        ]
        return inspect.Signature([*arguments, *inputs, *further, *parameters])


def _adds_fields(cls: type) -> bool:
    """Whether it may have other fields than its base; False only if surely not."""
    own = vars(cls).get("__annotations__")
    if own is None or len(cls.__bases__) > 1:
        return True
    of_class = "ClassVar[", "typing.ClassVar["
    return not all(str(annotation).startswith(of_class) for annotation in own.values())


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Parameters:
    """What ``dataclass(frozen=True, kw_only=True)`` makes of a class.

    That writes and compiles three functions a class, which all that are imported would
    wait for; here they are the same for each.
    """

    __signature__ = _Signature()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if _adds_fields(cls):  # each time takes as long as an import of a small file
            dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)

    def __init__(self, *arguments: Any, **parameters: Any) -> None:
        if arguments:
            raise TypeError(self._of_positional(arguments))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            if field.name in parameters:
                value = parameters.pop(field.name)
            elif field.name in self.__dict__:  # by an ``__init__`` of a custom loss
                continue
            elif not isinstance(field.default, _MISSING):
                value = field.default
            elif callable(field.default_factory):
                value = field.default_factory()
            else:
                raise TypeError(f"{type(self).__name__} needs {field.name}=")
            object.__setattr__(self, field.name, value)
        if parameters:
            known = sorted(f.name for f in dataclasses.fields(self))  # type: ignore[arg-type]
            name = next(iter(parameters))
            annotated = f": annotate it, {name}: float = ..., to make it one"
            raise TypeError(
                f"{type(self).__name__} has no parameter {name!r}"
                f"{annotated if name in vars(type(self)) else ''}; "
                f"it has {', '.join(known)}" + _OF_A_CALL.get(name, "")
            )
        if not self._is_open():
            self.__post_init__()

    def _of_positional(self, arguments: tuple[Any, ...]) -> str:
        """What is said of arguments without a name."""
        name = type(self).__name__
        known = [f.name for f in dataclasses.fields(self)]  # type: ignore[arg-type]
        own = [each for each in known if each != "reduction"] or known
        if len(arguments) > 1:
            return (
                f"{name}({own[0]}=...) makes a loss and takes no arrays: call what it "
                f"makes, {name}()(y_true, y_pred)"
            )
        return f"{name} takes keywords: {name}({own[0]}=...); it has {', '.join(known)}"

    def _of_more(self, count: int) -> str:
        """What is said of a call with arguments beyond labels and predictions."""
        inputs: tuple[str, ...] = getattr(self, "inputs", ())
        own = [f.name for f in dataclasses.fields(self)]  # type: ignore[arg-type]
        names = (f"{name}=" for name in ("sample_weight", "out", *inputs, *own))
        return (
            f"{type(self).__name__} is called with y_true and y_pred, and got {count} "
            "more without a name: pass weights of samples as sample_weight=...; "
            f"there are {', '.join(names)}"
        )

    def __post_init__(self) -> None:
        """Check the parameters."""

    def _is_open(self) -> bool:
        """Whether an ``__init__`` of a custom loss still sets attributes."""
        return "_open" in self.__dict__

    @classmethod
    def _stand_in(cls, parameters: Mapping[str, Any]) -> Self:
        """Return an instance with these parameters, whatever they are, unchecked."""
        self = cls.__new__(cls)
        for name, value in parameters.items():
            object.__setattr__(self, name, value)
        return self

    def __setattr__(self, name: str, value: object) -> None:
        if not self._is_open():
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
