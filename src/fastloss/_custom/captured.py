"""What a function reads beside its arguments: globals, closures, attributes, helpers.

A trace holds as long as all of these are what they were, as the function itself would
see what they have become.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from fastloss.core import checks
from fastloss.core.loss import Loss

__all__ = ["RESTLESS", "Captured"]

_ABSENT = object()
_LARGE = 4096  # bytes or items; what is larger is known by its identity
_DEPTH = 6

#: Modules whose names do not change.
_FIXED = frozenset({"numpy", "scipy", "math", "fastloss", *sys.stdlib_module_names})
#: Names of what gives something else at every call.
RESTLESS = frozenset(
    "random default_rng time perf_counter monotonic datetime next secrets urandom rng "
    "normal uniform integers shuffle permutation choice".split()
)
_SCALARS = (bool, int, float, complex, str, bytes, type(None))

_Read = Callable[[], Any]


class Captured:
    """The state that some functions depend on.

    Attributes
    ----------
    names : set of str
        What the functions and their helpers name.
    codes : list of code
        Theirs.
    restless : bool
        Whether they use what changes by itself: random numbers, clocks, iterators.
    """

    def __init__(self, functions: Iterable[Any]) -> None:
        self.names: set[str] = set()
        self.codes: list[types.CodeType] = []
        self.restless = False
        self._seen: set[object] = set()
        self._own: set[str] = set()
        self._owners: list[Any] = []  # as long as they are known by id
        self._places: list[tuple[_Read, Any, Any]] = []
        for function in functions:
            self._own.add(_root(getattr(function, "__module__", None)))
            self._enter(function)

    @property
    def watches(self) -> bool:
        """Whether there is anything that may change."""
        return bool(self._places)

    def unchanged(self, lists: bool = True) -> bool:
        """Whether all is as it was; lists may be left out, in which functions log."""
        for read, seen, key in self._places:
            now = read()
            if now is seen and (key is None or not (lists or type(now) is not list)):
                continue
            if key is None and type(now) not in _SCALARS:
                return False
            if _key(now) != (_key(seen) if key is None else key):
                return False
        return True

    def _enter(self, function: Any) -> None:
        """Follow a callable to what its code names."""
        if id(function) in self._seen:
            return
        self._seen.add(id(function))
        if _is(function, functools.partial):
            self._enter(function.func)
        elif _is(function, types.MethodType):
            self._enter(function.__func__)
            self._attributes(function.__self__, self.names, 0)
        elif _is(function, types.FunctionType):
            self._enter(getattr(function, "__wrapped__", None))
            if not self._is_fixed(function.__module__):
                self._code(function)
        elif _is(function, type):
            self._methods(function)
        elif _is(function, property):
            self._enter(function.fget)
        else:
            self._enter(vars(type(function)).get("__call__"))
            self._attributes(function, self.names, 0)

    def _code(self, function: types.FunctionType) -> None:
        names = names_of(function.__code__)
        self.names |= names
        self.codes.append(function.__code__)
        self.restless |= not names.isdisjoint(RESTLESS)
        space = function.__globals__
        for name in sorted(names & space.keys()):
            self._place(functools.partial(space.get, name, _ABSENT), names, 0)
        for cell in function.__closure__ or ():
            read = functools.partial(getattr, cell, "cell_contents", _ABSENT)
            self._place(read, names, 0)

    def _methods(self, cls: type) -> None:
        """Follow a loss class to its methods and the attributes they name."""
        classes = [c for c in cls.__mro__ if not self._is_fixed(c.__module__)]
        for c in classes:
            for value in list(vars(c).values()):
                if _is(value, staticmethod | classmethod):
                    value = value.__func__
                if _is(value, types.FunctionType | property):
                    self._enter(value)
        self._attributes(cls, self.names, 0)

    def _place(self, read: _Read, names: set[str], depth: int) -> None:
        value = read()
        if _is(value, types.ModuleType):
            if not self._is_fixed(value.__name__):
                self._attributes(value, names, depth + 1)
            return
        self.restless |= hasattr(type(value), "__next__")
        self._places.append((read, value, _content(value)))
        if _is(value, _CALLED):
            self._enter(value)
        elif not _is(value, _PLAIN):
            self._attributes(value, names, depth + 1)

    def _attributes(self, x: Any, names: set[str], depth: int) -> None:
        if ("attributes", id(x)) in self._seen or depth > _DEPTH:
            return
        self._seen.add(("attributes", id(x)))
        self._owners.append(x)
        spaces = [vars(x)] if hasattr(x, "__dict__") else []
        classes = x.__mro__ if _is(x, type) else type(x).__mro__
        own = [c for c in classes if c is not x and not self._is_fixed(c.__module__)]
        spaces += [vars(c) for c in own]
        known = set().union(*spaces)
        waiting, done = names & known, set[str]()
        while waiting:
            name = min(waiting)
            done.add(name)
            if not name.startswith("__"):
                read = functools.partial(_attribute, x, spaces, name)
                self._place(read, names, depth)
                names = names | _names_within(_attribute(x, spaces, name))
            waiting = (names & known) - done

    def _is_fixed(self, module: str | None) -> bool:
        """Whether what is in a module does not change: a library's."""
        root = _root(module)
        if root in _FIXED:
            return True
        file = getattr(sys.modules.get(root), "__file__", None) or ""
        return root not in self._own and "-packages" in file


_CALLED = (types.FunctionType, types.MethodType, functools.partial, property)
_PLAIN = (
    *_SCALARS,
    *(tuple, list, dict, set, frozenset, np.ndarray, np.generic, np.ufunc, Loss),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType),
)


def _is(x: object, kinds: Any) -> bool:
    """Whether x is of these kinds itself; a symbol says that it is an array."""
    return issubclass(type(x), kinds)


def _root(module: str | None) -> str:
    return (module or "").partition(".")[0]


def _attribute(x: Any, spaces: list[Mapping[str, Any]], name: str) -> Any:
    """Return an attribute without running code for it."""
    found = next((space[name] for space in spaces if name in space), _ABSENT)
    if _is(found, types.MemberDescriptorType):
        return getattr(x, name, _ABSENT)
    return found


def _names_within(x: Any) -> set[str]:
    """Return the names of a method or a property, which may be attributes too."""
    code = getattr(getattr(x, "fget", x), "__code__", None)
    return set() if code is None else names_of(code)


def names_of(code: types.CodeType) -> set[str]:
    """Return the names in the code of a function and of those within it."""
    found = {*code.co_names}
    for inner in code.co_consts:
        if _is(inner, types.CodeType):
            found |= names_of(inner)
    return found


def _content(value: Any) -> Any:
    """Return the key of what can change and stay the same object; else None."""
    if _is(value, list | dict | set | np.ndarray | tuple):
        return _key(value)
    return None


def _key(value: Any, depth: int = 0) -> Any:
    """Return what tells states apart; identity where there is nothing better."""
    if _is(value, np.ndarray):
        if value.nbytes > _LARGE or value.dtype.hasobject:
            return id(value)
        return value.shape, value.dtype.str, value.tobytes()
    if depth > _DEPTH or not _is(value, tuple | list | dict | set | frozenset):
        return checks.key(value) if type(value) in _SCALARS else id(value)
    if len(value) > _LARGE:
        return id(value)
    if _is(value, dict):
        pairs = value.items()
        return [(_key(k, depth + 1), _key(v, depth + 1)) for k, v in pairs]
    if _is(value, set | frozenset):
        return frozenset(_key(v, _DEPTH + 1) for v in value)
    return type(value), [_key(v, depth + 1) for v in value]
