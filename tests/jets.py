"""Jets: numbers with a first and a second derivative, in three arithmetics.

- many digits, which is the truth,
- so many that only a noise of one unit in the last place, put on every intermediate
  result, counts: how far that moves a result is what rounding may do to the formula
  as it stands,
- floats, which is what anybody would get.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np

#: Beyond, nobody takes exponentials, sines and cosines.
FAR = mpmath.mpf(2) ** 3000


class UndefinedError(ArithmeticError):
    """The truth is no real number."""


class InfiniteError(UndefinedError):
    """It is an infinity: what NumPy makes a NaN of later may have a limit."""


class UnknownError(ArithmeticError):
    """Rounding decides a condition, or a number is out of every range."""


@cache
def _context(digits: int) -> Any:
    context = mpmath.mp.clone()  # which takes milliseconds
    context.dps = digits
    return context


class Exact:
    """Real numbers of many digits; `noise` moves every result by 2^-bits."""

    def __init__(
        self, digits: int, noise: random.Random | None = None, bits: int = 53
    ) -> None:
        self.context = _context(digits)
        self.noise = noise
        self.zero, self.one = self.number(0), self.number(1)
        unit = self.number(2) ** -bits
        self.factors = self.one - unit, self.one + unit

    def number(self, x: Any) -> Any:
        return self.context.mpf(x)

    def rounded(self, x: Any) -> Any:
        if self.noise is None:
            return x
        return x * self.noise.choice(self.factors)

    def divide(self, a: Any, b: Any) -> Any:
        if b == 0:
            raise InfiniteError if a else UndefinedError
        return a / b

    def call(self, name: str, x: Any) -> Any:
        if name in ("log", "sqrt") and x < 0:
            raise UndefinedError
        if name == "log" and x == 0:
            raise InfiniteError
        if name in ("exp", "sinh", "cosh", "sin", "cos") and abs(x) > FAR:
            raise UnknownError
        if name in ("tanh", "erf") and abs(x) > FAR:
            return self.context.sign(x)
        if name == "cbrt":
            return self.context.sign(x) * self.context.cbrt(abs(x))
        if name in ("digamma", "trigamma"):
            return self.context.psi(int(name == "trigamma"), x)
        return getattr(self.context, name)(x)

    def sign(self, x: Any) -> Any:
        return self.context.sign(x)

    def less(self, a: Any, b: Any) -> bool:
        if abs(a - b) <= self.number(2) ** -20 * max(abs(a), abs(b)):
            if a == b and (a == 0 or self.noise is None):
                return False
            raise UnknownError
        return bool(a < b)


class Floats:
    """The numbers of a dtype, as NumPy computes."""

    def __init__(self, dtype: type) -> None:
        self.number = dtype
        self.zero, self.one = dtype(0), dtype(1)

    def rounded(self, x: Any) -> Any:
        return x

    def divide(self, a: Any, b: Any) -> Any:
        return a / b

    def call(self, name: str, x: Any) -> Any:
        if name in ("erf", "loggamma"):
            return self.number({"erf": math.erf, "loggamma": math.lgamma}[name](x))
        if name in ("digamma", "trigamma"):
            order = int(name == "trigamma")
            return self.number(float(mpmath.psi(order, float(x))))
        return getattr(np, {"atan": "arctan"}.get(name, name))(x)

    def sign(self, x: Any) -> Any:
        return np.sign(x)

    def less(self, a: Any, b: Any) -> bool:
        if a != a or b != b:
            raise UnknownError
        return bool(a < b)


class Jet:
    """Value, first and second derivative with respect to y_pred, in an arithmetic."""

    __slots__ = ("d", "dd", "field", "v")
    __array_ufunc__ = None

    def __init__(self, field: Any, v: Any, d: Any, dd: Any) -> None:
        self.field = field
        self.v, self.d, self.dd = map(field.rounded, (v, d, dd))

    def of(self, x: Any) -> Jet:
        if isinstance(x, Jet):
            return x
        zero = self.field.zero
        return Jet(self.field, self.field.number(x), zero, zero)

    @property
    def still(self) -> bool:
        return bool(self.d == 0 and self.dd == 0)

    def through(self, f: Any, df: Callable[[], Any], ddf: Callable[[], Any]) -> Jet:
        """f(self) by the chain rule; derivatives are not asked for in vain."""
        if self.still:
            return Jet(self.field, f, self.field.zero, self.field.zero)
        first = df()
        second = first * self.dd + (ddf() * (self.d * self.d) if self.d else 0)
        return Jet(self.field, f, first * self.d, second)

    def __add__(self, other: Any) -> Jet:
        o = self.of(other)
        return Jet(self.field, self.v + o.v, self.d + o.d, self.dd + o.dd)

    def __sub__(self, other: Any) -> Jet:
        o = self.of(other)
        return Jet(self.field, self.v - o.v, self.d - o.d, self.dd - o.dd)

    def __mul__(self, other: Any) -> Jet:
        o = self.of(other)
        r = self.field.rounded
        d = r(r(self.d * o.v) + r(self.v * o.d))
        dd = r(r(self.dd * o.v) + r(2 * r(self.d * o.d))) + r(self.v * o.dd)
        return Jet(self.field, self.v * o.v, d, dd)

    def __truediv__(self, other: Any) -> Jet:
        o, f = self.of(other), self.field
        inverse = f.divide(f.one, o.v)
        reciprocal = o.through(
            inverse,
            lambda: -inverse * inverse,
            lambda: 2 * inverse * inverse * inverse,
        )
        found = self * reciprocal
        return Jet(f, f.divide(self.v, o.v), found.d, found.dd)

    def __pow__(self, other: Any) -> Jet:
        o, f = self.of(other), self.field
        k = o.v
        if o.still and abs(k) <= 16 and k == int(k):
            n = abs(int(k))
            x = self.v

            def curve() -> Any:
                return n * (n - 1) * (x ** (n - 2) if n > 1 else f.zero)

            power = self.through(
                x**n, lambda: n * (x ** (n - 1) if n else f.zero), curve
            )
            return power if k >= 0 else self.of(1) / power
        if self.v == 0 and not (self.still and k > 0):
            raise UndefinedError
        if not o.still:
            return functions.exp(functions.log(self) * o)
        x = self.v
        if x == 0:
            return self.of(0)
        if isinstance(f, Exact):
            if x < 0:
                raise UndefinedError
            value = f.call("exp", f.call("log", x) * k)
        else:
            value = x**k
        return self.through(
            value,
            lambda: k * value / x,
            lambda: k * (k - 1) * value / (x * x),
        )

    def __radd__(self, other: Any) -> Jet:
        return self.of(other) + self

    def __rsub__(self, other: Any) -> Jet:
        return self.of(other) - self

    def __rmul__(self, other: Any) -> Jet:
        return self.of(other) * self

    def __rtruediv__(self, other: Any) -> Jet:
        return self.of(other) / self

    def __rpow__(self, other: Any) -> Jet:
        return self.of(other) ** self

    def __neg__(self) -> Jet:
        return Jet(self.field, -self.v, -self.d, -self.dd)

    def __abs__(self) -> Jet:
        s = self.field.sign(self.v)
        return self.through(abs(self.v), lambda: s, lambda: self.field.zero)

    def __gt__(self, other: Any) -> bool:
        return self.field.less(self.of(other).v, self.v)

    def __lt__(self, other: Any) -> bool:
        return self.field.less(self.v, self.of(other).v)

    def __eq__(self, other: object) -> Any:
        return bool(self.v == self.of(other).v)

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __le__(self, other: Any) -> bool:
        return not self > other

    __hash__ = None  # type: ignore[assignment]


def _smooth(
    name: str, df: Callable[[Any, Any, Any], Any], ddf: Callable[[Any, Any, Any], Any]
) -> Callable[[Jet], Jet]:
    """A function; its derivatives take the arithmetic, the argument and the value."""

    def apply(a: Jet) -> Jet:
        f = a.field
        y = f.rounded(f.call(name, a.v))
        return a.through(y, lambda: df(f, a.v, y), lambda: ddf(f, a.v, y))

    return apply


def _erf_slope(f: Any, x: Any, y: Any) -> Any:
    two_over_root_pi = 2 / f.call("sqrt", f.number(math.pi))
    if isinstance(f, Exact):
        two_over_root_pi = 2 / f.context.sqrt(f.context.pi)
    return two_over_root_pi * f.call("exp", -x * x)


exp = _smooth("exp", lambda f, x, y: y, lambda f, x, y: y)
log = _smooth(
    "log", lambda f, x, y: f.divide(f.one, x), lambda f, x, y: -f.divide(f.one, x * x)
)
sqrt = _smooth(
    "sqrt",
    lambda f, x, y: f.divide(f.one, 2 * y),
    lambda f, x, y: -f.divide(f.one, 4 * y * x),
)
tanh = _smooth("tanh", lambda f, x, y: 1 - y * y, lambda f, x, y: -2 * y * (1 - y * y))


def _where(condition: Any, a: Any, b: Any) -> Any:
    return a if condition else b


def _maximum(a: Jet, b: Any) -> Jet:
    b = a.of(b)
    if a.v == b.v:
        raise UnknownError
    return max(b, a)


def _minimum(a: Jet, b: Any) -> Jet:
    return -_maximum(-a, -a.of(b))


def _clip(x: Jet, low: Any, high: Any) -> Jet:
    return _minimum(_maximum(x, low), high)


def _hypot(a: Jet, b: Any) -> Jet:
    return sqrt(a * a + a.of(b) * b)


def _sign(a: Jet) -> Jet:
    return a.of(float(a.field.sign(a.v)))


def _logaddexp(a: Jet, b: Any) -> Jet:
    b = a.of(b)
    high, low = (a, b) if a.v > b.v else (b, a)
    return high + log(1 + exp(low - high))


#: NumPy's functions and those of `fl.math` on jets.
functions = SimpleNamespace(
    exp=exp,
    log=log,
    sqrt=sqrt,
    tanh=tanh,
    abs=abs,
    where=_where,
    maximum=_maximum,
    minimum=_minimum,
    clip=_clip,
    hypot=_hypot,
    logaddexp=_logaddexp,
    sign=_sign,
    logical_not=lambda c: not c,
    square=lambda a: a * a,
    reciprocal=lambda a: 1 / a,
    expm1=lambda a: exp(a) - 1,
    log1p=lambda a: log(1 + a),
    log2=lambda a: log(a) / log(a.of(2)),
    log10=lambda a: log(a) / log(a.of(10)),
    exp2=lambda a: exp(a * log(a.of(2))),
    cbrt=_smooth(
        "cbrt",
        lambda f, x, y: f.divide(f.one, 3 * y * y),
        lambda f, x, y: -2 * f.divide(f.one, 9 * y * y * x),
    ),
    sinh=lambda a: (exp(a) - exp(-a)) / 2,
    cosh=lambda a: (exp(a) + exp(-a)) / 2,
    sin=lambda a: _sin(a),
    cos=lambda a: _cos(a),
    arctan=_smooth(
        "atan",
        lambda f, x, y: 1 / (1 + x * x),
        lambda f, x, y: -2 * x / ((1 + x * x) * (1 + x * x)),
    ),
    erf=_smooth("erf", _erf_slope, lambda f, x, y: -2 * x * _erf_slope(f, x, y)),
    sigmoid=lambda a: 1 / (1 + exp(-a)),
    softplus=lambda a: _logaddexp(a, 0),
    log_sigmoid=lambda a: -_logaddexp(-a, 0),
    log_cosh=lambda a: abs(a) + log((1 + exp(-2 * abs(a))) / 2),
)
_sin = _smooth("sin", lambda f, x, y: f.call("cos", x), lambda f, x, y: -y)
_cos = _smooth("cos", lambda f, x, y: -f.call("sin", x), lambda f, x, y: -y)


class OnJets:
    """NumPy's functions on jets of an arithmetic and on plain numbers."""

    def __init__(self, field: Any) -> None:
        self.field = field

    @property
    def math(self) -> OnJets:
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function, field = getattr(functions, name), self.field

        def lifted(*args: Any) -> Any:
            return function(*(still(field, x) for x in args))

        return lifted


def still(field: Any, x: Any) -> Any:
    """The jet of a number; truth values stay what they are."""
    if isinstance(x, Jet | bool | np.bool_):
        return x
    return Jet(field, field.number(x), field.zero, field.zero)
