"""How custom losses travel to other processes: by reference or by value.

By reference is a name at the top level of a module. What has none, as a lambda, a local
function or one of a notebook, goes by value, which is cloudpickle's art; so does what
is defined in the main script, of which other processes may have another.
"""

from __future__ import annotations

import importlib
import itertools
import os
import pickle
import sys
import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fastloss.core.loss import Loss

__all__ = ["Recipe", "reduced", "reduced_class"]

Recipe = tuple[Any, tuple[str, ...], Any, Any]
"""Function, names of inputs, gradient and Hessian: the arguments of `custom`."""

_Token = tuple[int, int]  # process and number

_numbers = itertools.count()
_tokens: weakref.WeakKeyDictionary[type[Loss], _Token] = weakref.WeakKeyDictionary()
_classes: weakref.WeakValueDictionary[_Token, type[Loss]] = (
    weakref.WeakValueDictionary()
)


def reduced(loss: Loss, recipe: Recipe, parameters: dict[str, Any]) -> tuple[Any, ...]:
    """Return what pickle makes the loss of again."""
    cls = type(loss)
    module, path = cls.__module__, cls.__qualname__
    named = type(_looked_up(module, path)) is cls
    if named and (module != "__main__" or _cloudpickle() is None):
        return _from_name, (module, path, parameters)
    return _by_value(loss, recipe, parameters)


def reduced_class(loss: Loss, parameters: dict[str, Any]) -> tuple[Any, ...]:
    """Likewise of a loss whose class the user wrote."""
    cls = type(loss)
    if _looked_up(cls.__module__, cls.__qualname__) is cls:
        return _of_class, (cls, parameters)
    return _by_value(loss, cls, parameters)


def _of_class(cls: type[Loss], parameters: dict[str, Any]) -> Loss:
    return cls(**parameters)


def _by_value(
    loss: Loss, written: Recipe | type[Loss], parameters: dict[str, Any]
) -> tuple[Any, ...]:
    cls = type(loss)
    dumps = _cloudpickle()
    if dumps is None:
        raise pickle.PicklingError(
            f"{loss!r} is pickled by reference, but {cls.__module__}."
            f"{cls.__qualname__} is not it: give the loss the name of its function or "
            "class, at the top level of a module; or install cloudpickle, with which "
            "it goes by value"
        )
    return _from_value, (_token_of(cls), dumps(written), parameters)


def _looked_up(module: str, path: str) -> Any:
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def _from_name(module: str, path: str, parameters: dict[str, Any]) -> Loss:
    importlib.import_module(module)
    cls: type[Loss] = type(_looked_up(module, path))
    return cls(**parameters)


def _cloudpickle() -> Callable[[Any], bytes] | None:
    """Return how to pickle by value, with cloudpickle or a copy that others bring."""
    try:
        found: Any = importlib.import_module("cloudpickle")
    except ImportError:
        names = [n for n in sys.modules if n.endswith(".cloudpickle.cloudpickle")]
        if not names:
            return None
        found = sys.modules[min(names)]
    dumps: Callable[[Any], bytes] = found.dumps
    return dumps


def _token_of(cls: type[Loss]) -> _Token:
    """Return the number of a class, the same in all processes it goes to."""
    token = _tokens.get(cls)
    if token is None:
        token = _tokens[cls] = os.getpid(), next(_numbers)
        _classes[token] = cls
    return token


def _from_value(token: _Token, data: bytes, parameters: dict[str, Any]) -> Loss:
    at_home = _classes.get(token) if token[0] == os.getpid() else None
    cls = at_home or _class_from(token, data)
    return cls(**parameters)


@lru_cache(maxsize=64)
def _class_from(token: _Token, data: bytes) -> type[Loss]:
    from .decorator import _class_of

    written = pickle.loads(data)
    cls: type[Loss] = written if isinstance(written, type) else _class_of(*written)
    _tokens[cls] = token
    return cls
