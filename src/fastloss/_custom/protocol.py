"""Where NumPy and torch ask a stand-in what their functions make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .refusal import ALIEN, refuse
from .tracing import Tracing, present


def routed(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return what a function of NumPy that is no ufunc makes of stand-ins."""
    from .array_functions import apply  # which makes stand-ins

    return apply(function, args, kwargs)


class Traced(NDArrayOperatorsMixin):
    """What stands for something in one trace, and has no meaning in another."""

    __slots__ = ()
    home: Tracing | None

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: Any
    ) -> Any:
        from .ufuncs import apply  # which makes stand-ins

        return apply(ufunc, method, inputs, kwargs)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return routed(function, args, kwargs)

    @classmethod
    def __torch_function__(cls, function: Any, *_: Any, **__: Any) -> NoReturn:
        refuse(f"torch's {getattr(function, '__name__', function)} is called", ALIEN)


def check_home(x: Traced) -> None:
    """Refuse what stands for something in another trace."""
    if x.home is not present():
        refuse(
            "a stand-in of another trace is used: something has kept it",
            "keep no intermediate results in globals, caches (functools.lru_cache) or "
            "default arguments: a loss function computes all it needs at each call",
        )
