"""Numbers of as many digits as are asked for, in NumPy's arrays of objects.

Those of mpmath have every function and no end of exponents. Those of gmpy2 are ten
times as fast: formulas are evaluated on them, where they have what that takes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from typing import Any
from unittest.mock import patch

import gmpy2
import mpmath
import numpy as np

from fastloss import reference  # noqa: F401  # whose modules are asked for by name

#: Infinity is 2^FAR, whose logarithm has no range either; exponents end at FURTHEST.
FAR = 10**400
FURTHEST = 10**402
QUICK = type(gmpy2.mpfr())

#: Formulas of numbers up to this are evaluated on those of gmpy2: exponents have 30
#: bits, which an exponential of a square does not leave, or it is an error.
NEAR = 2.0**14


class Numbers(mpmath.MPContext):
    """Multi-precision numbers that NumPy's functions accept in object arrays.

    NumPy evaluates ``np.exp(a)`` on an object array by calling ``.exp()`` of each.
    """

    def __init__(self, digits: int) -> None:
        super().__init__()
        self.dps = digits
        # Losses of a kind ask for those of the same numbers.
        self._exp, log = map(lru_cache(2**14), (self.reduced_exp, self.log))
        self.mpf.log = lambda x: log(x)
        for name in ("log1p", "sqrt"):
            function = getattr(self, name)
            setattr(self.mpf, name, lambda x, function=function: function(x))
        others = {"arctan": "atan", "lgamma": "loggamma", "erf": "erf", "erfc": "erfc"}
        others |= {"digamma": "digamma"}
        for name, here in others.items():
            function = getattr(self, here)
            setattr(self.mpf, name, lambda x, function=function: function(x))
        self.mpf.trigamma = lambda x: self.psi(1, x)
        self.far = self.mpf(2) ** FAR
        self.furthest = self.mpf(FURTHEST)
        self.mpf.exp = lambda x: self.bounded_exp(x)
        self.mpf.expm1 = lambda x: self.expm1(self.bounded(x, self.furthest))
        self.mpf.tanh = lambda x: self.tanh(self.bounded(x, 10_000))
        self.mpf.cosh = lambda x: (x.exp() + (-x).exp()) / 2
        self.quick = Quick(digits)

    def bounded(self, x: Any, bound: Any) -> Any:
        """`x`, or the end of [-bound, bound] that is nearer."""
        return max(min(x, bound), -bound)

    def bounded_exp(self, x: Any) -> Any:
        """exp(x), so far out that exp(-infinity) times its powers is nothing."""
        return self._exp(self.bounded(x, self.furthest))

    def reduced_exp(self, x: Any) -> Any:
        """exp(x), of large numbers as ``2^k exp(r)``: mpmath takes a power of e."""
        if abs(x) <= NEAR:
            return self.exp(x)
        with self.extraprec(self.mag(x)):
            k = self.nint(x / self.ln2)
            r = x - k * self.ln2
        return self.ldexp(self.exp(r), int(k))

    def convert(self, x: Any, strings: bool = True) -> Any:
        """As of mpmath, which would print all of an array to say that it is none."""
        if isinstance(x, np.ndarray) and x.ndim:
            raise TypeError("an array is not a number")
        return super().convert(x, strings)

    def within(self, number: Any) -> Any:
        """A number that is finite: infinity is far away."""
        return self.bounded(self.mpf(number), self.far)

    def exactly(self, a: np.ndarray) -> np.ndarray:
        """`a` in multi-precision; infinity is a number whose logarithm has no range."""
        if a.dtype.kind != "f":
            return a
        entries = [
            self.mpf(v) if math.isfinite(v) else math.copysign(1, v) * self.far
            for v in a.ravel().tolist()
        ]
        exact = np.empty(a.size, dtype=object)
        exact[:] = entries
        return exact.reshape(a.shape)


FUNCTIONS = {
    name: getattr(gmpy2, {"arctan": "atan"}.get(name, name))
    for name in "arctan cosh exp expm1 log log1p sqrt tanh".split()
}


class Quick:
    """Numbers of gmpy2; where `within` ends, so does their precision.

    As they have no methods for NumPy to call, the formulas get another `np`.
    """

    def __init__(self, digits: int) -> None:
        self.context = gmpy2.context(
            precision=mpmath.libmp.dps_to_prec(digits),
            trap_overflow=True,
            trap_underflow=True,
        )
        # Losses of a kind ask for those of the same numbers.
        self.numpy = _NumPy({k: lru_cache(2**14)(f) for k, f in FUNCTIONS.items()})

    def mpf(self, x: float) -> Any:
        """`x`, exactly."""
        return gmpy2.mpfr(x)

    def exactly(self, a: np.ndarray) -> np.ndarray:
        """`a` in multi-precision."""
        if a.dtype.kind != "f":
            return a
        exact = np.empty(a.size, dtype=object)
        exact[:] = [gmpy2.mpfr(v) for v in a.ravel().tolist()]
        return exact.reshape(a.shape)

    @contextmanager
    def within(self) -> Iterator[Quick]:
        """These numbers in all formulas."""
        with ExitStack() as stack:
            stack.enter_context(self.context)
            for module in _formulas():
                stack.enter_context(patch.object(module, "np", self.numpy))
            yield self


class _NumPy:
    """NumPy, with functions for arrays of gmpy2's numbers."""

    def __init__(self, functions: dict[str, Callable[[Any], Any]]) -> None:
        for name, function in functions.items():
            setattr(self, name, _of_objects(getattr(np, name), function))

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _of_objects(usual: Any, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    of_objects = np.frompyfunc(function, 1, 1)

    def of_any(x: Any) -> Any:
        return (of_objects if np.asarray(x).dtype == object else usual)(x)

    return of_any


@cache
def _formulas() -> list[Any]:
    """The modules of the reference, and those of the sizes of terms."""
    names = [name for name in sys.modules if name.startswith("fastloss.reference.")]
    modules = [sys.modules[name] for name in (*names, "generators", "structured")]
    return [module for module in modules if hasattr(module, "np")]


def is_near(a: np.ndarray) -> np.ndarray:
    """Of each sample, whether formulas of it are evaluated on numbers of gmpy2."""
    near = abs(a) <= NEAR
    return near.reshape(len(a), -1).all(axis=1)


@cache
def asks_numbers_themselves(module: str) -> bool:
    """Whether formulas have special functions, which are methods of numbers."""
    return any(
        getattr(value, "__qualname__", "").startswith("elementwise.")
        for value in vars(sys.modules[module]).values()
    )


def mantissa_and_exponent(number: Any, numbers: Numbers) -> tuple[int, int]:
    """Integers m and e of ``m 2^e``; infinity is far away."""
    if isinstance(number, QUICK):
        m, e = number.as_mantissa_exp()
        return int(m), int(e)
    if not isinstance(number, numbers.mpf):
        number = numbers.mpf(number)
    sign, m, e, _ = number._mpf_
    if e >= FAR or not (m or number == 0):
        sign, m, e, _ = numbers.within(number)._mpf_
    return int(-m if sign else m), int(e)
