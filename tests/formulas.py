"""Random formulas in NumPy's words, and what is right about them.

A formula is Python source: the same text is traced by `fl.custom`, run by NumPy, and
run on *jets*, numbers with a first and a second derivative, in three arithmetics:

- many digits, which is the truth,
- so many that only a noise of one unit in the last place, put on every intermediate
  result, counts: how far that moves a result is what rounding may do to the formula
  as it stands,
- floats, which is what anybody would get.

The promise: where anybody's value or derivative is right, so is that of the library.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np

import fastloss as fl

#: Beyond, nobody takes exponentials, sines and cosines.
FAR = mpmath.mpf(2) ** 3000
#: Up to here a NaN of NumPy's is no overflow, mostly.
FINE = 4


class UndefinedError(ArithmeticError):
    """The truth is no real number."""


class UnknownError(ArithmeticError):
    """Rounding decides a condition, or a number is out of every range."""


class Exact:
    """Real numbers of many digits; `noise` moves every result by about 2^-53."""

    def __init__(self, digits: int, noise: random.Random | None = None) -> None:
        self.context = mpmath.mp.clone()
        self.context.dps = digits
        self.noise = noise
        self.zero, self.one = self.number(0), self.number(1)

    def number(self, x: Any) -> Any:
        return self.context.mpf(x)

    def rounded(self, x: Any) -> Any:
        if self.noise is None:
            return x
        return x * (1 + self.noise.choice((-1, 1)) * self.number(2) ** -53)

    def divide(self, a: Any, b: Any) -> Any:
        if b == 0:
            raise UndefinedError
        return a / b

    def call(self, name: str, x: Any) -> Any:
        if name in ("log", "sqrt") and (x < 0 or (x == 0 and name == "log")):
            raise UndefinedError
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
        if o.still and k == int(k) and abs(k) <= 16:
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


class _OnJets:
    """NumPy's functions on jets of an arithmetic and on plain numbers."""

    def __init__(self, field: Any) -> None:
        self.field = field

    @property
    def math(self) -> _OnJets:
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function, field = getattr(functions, name), self.field

        def lifted(*args: Any) -> Any:
            return function(*(still(field, x) for x in args))

        return lifted


def still(field: Any, x: Any) -> Any:
    """The jet of a number; truth values stay what they are."""
    if isinstance(x, Jet | bool):
        return x
    return Jet(field, field.number(x), field.zero, field.zero)


# -- formulas --------------------------------------------------------------------------

_LEAVES = "p p p p y y a b 0.5 1 2 3 -1.5 (p-y) (p-y) (y-p) (y*p)".split()
_UNARY = (
    "np.exp({}) np.exp(-{}) np.expm1({}) np.log({}) np.log1p({}) np.log(1+{}) "
    "np.log(1-{}) np.log(1+np.exp({})) np.log(1+a*np.exp({})) np.sqrt({}) np.abs({}) "
    "np.abs({}) np.sign({}) np.square({}) np.cbrt({}) np.reciprocal({}) np.tanh({}) "
    "np.sin({}) np.cos({}) np.arctan({}) np.sinh({}) np.cosh({}) np.log2({}) "
    "np.log10({}) np.exp2({}) fl.math.erf({}) fl.math.sigmoid({}) fl.math.softplus({}) "
    "fl.math.log_sigmoid({}) fl.math.log_cosh({}) -{} -{} (1-{}) (1-{}) (1+{}) {}**2 "
    "{}**2 {}**3 {}**-1 {}**0.5 {}**1.5 {}**a {}**b np.abs({})**a 1/(1+np.exp(-{})) "
    "1/(1+np.exp(-{})) 1/(1+np.exp(-b*{})) (1-np.exp(-({}**2))) (np.exp({})-1) "
    "(np.sqrt(a**2+{}**2)-a) (np.sqrt(1+{})-1) {}/(1+{}) 1/(1+{}**2) "
    "{}**2/({}**2+b**2) "
    "np.maximum({},0) np.maximum(0,1-{}) np.clip({},-1,1) np.log(np.cosh({})) a*{} "
    "-b*{}"
).split()
_BINARY = (
    "{}+{} {}+{} {}-{} {}-{} {}*{} {}*{} {}*{} {}/{} {}/{} np.maximum({},{}) "
    "np.minimum({},{}) np.hypot({},{}) np.logaddexp({},{}) {}*np.log({}) "
    "np.abs({})**{} "
    "(y*{}+(1-y)*{}) -(y*np.log({})+(1-y)*np.log({})) np.log({}/{}) {}/({}+{}) "
    "np.log(np.exp({})+np.exp({})) {}*np.exp({}) {}*np.exp(-{}) np.clip({},{},3)"
).split()
_CONDITIONS = (
    "{}>{} {}>={} {}<{} {}<={} ({}>{})&(y>0.5) ({}>{})|(y<0.5) ~({}>{})"
).split()
# ~ of a Python bool is a number.
_CONDITIONS[-1] = "np.logical_not({}>{})"
functions.logical_not = lambda c: not c


def source(rng: random.Random, size: int) -> str:
    """Return a formula of about this many operations."""
    if size <= 0:
        return rng.choice(_LEAVES)
    kind = rng.random()
    if kind < 0.45:
        form = rng.choice(_UNARY)
        inner = _bracketed(_moving(source(rng, size - 1)))
        return form.format(*[inner] * form.count("{}"))
    if kind < 0.92:
        form = rng.choice(_BINARY)
        left = rng.randrange(size)
        parts = [_bracketed(source(rng, n)) for n in (left, size - 1 - left)]
        if all(_constant(x) for x in parts):
            parts[left % 2] = "p"
        if form.count("{}") == 3:
            parts.append(parts[0])
        return form.format(*parts)
    sizes = (size // 3, size // 3, (size - 1) // 3, (size - 1) // 3)
    parts = [_bracketed(source(rng, n)) for n in sizes]
    parts[0] = _moving(parts[0])
    condition = rng.choice(_CONDITIONS).format(*parts[:2])
    return f"np.where({condition},{parts[2]},{parts[3]})"


def _constant(text: str) -> bool:
    return text.strip("(-)").replace(".", "").isdigit()


def _moving(text: str) -> str:
    return "p" if _constant(text) else text


def _bracketed(text: str) -> str:
    return text if text.replace(".", "").isalnum() else f"({text})"


PARAMETERS = ((0.5, 2.0), (1.0, 1.0), (2.0, 0.5), (1.5, -1.0), (3.0, 0.25))
LABELS = (0.0, 1.0, 0.375, 2.0, -1.5)
ORDINARY = (-1.75, -0.3125, 0.15625, 0.8125, 1.4375, 3.0)
EXTREME = (-200.0, -40.0, 2.0**-70, -(2.0**-40), 2.0**-12, 45.0, 110.0, 800.0, 2.0**40)


@dataclass(frozen=True)
class Formula:
    """Source, parameters and the points to look at, exact in float32."""

    source: str
    parameters: dict[str, float]
    y: np.ndarray
    p: np.ndarray

    @property
    def function(self) -> Callable[..., Any]:
        """The formula as a user writes it."""
        text = f"lambda y, p, *, a=0.0, b=0.0: {self.source}"
        made: Callable[..., Any] = eval(text, {"np": np, "fl": fl})
        return made

    def jet(self, field: Any, y: float, p: float) -> Jet:
        scope = {
            "np": _OnJets(field),
            "fl": _OnJets(field),
            "y": still(field, y),
            "p": Jet(field, field.number(p), field.one, field.zero),
            **{name: still(field, k) for name, k in self.parameters.items()},
        }
        found: Jet = still(field, eval(self.source, scope))
        return found

    def in_floats(self, dtype: type, y: float, p: float) -> Jet | None:
        try:
            with np.errstate(all="ignore"):
                return self.jet(Floats(dtype), y, p)
        except (UnknownError, UndefinedError):
            return None


def formula(seed: int, ordinary: int = 3, extreme: int = 4) -> Formula:
    """Return the formula of this number, and so many points."""
    rng = random.Random(seed)
    a, b = rng.choice(PARAMETERS)
    text = ""
    while "p" not in text.replace("np.", "").replace("exp", ""):
        text = source(rng, rng.randrange(1, 8))
    p = [*rng.sample(ORDINARY, ordinary), *rng.sample(EXTREME, extreme)]
    y = [rng.choice(LABELS) for _ in p]
    return Formula(text, {"a": a, "b": b}, np.array(y), np.array(p))


# -- judgement -------------------------------------------------------------------------

_TRUTH = Exact(360)
_NOISY = [Exact(60, random.Random(i)) for i in range(3)]
NAMES = ("value", "grad", "hess")


@dataclass(frozen=True)
class Finding:
    """A result that is wrong although it could be right."""

    formula: Formula
    dtype: type
    name: str
    y: float
    p: float
    found: float
    expected: float
    slack: float

    def __str__(self) -> str:
        numbers = ", ".join(f"{k}={v}" for k, v in self.formula.parameters.items())
        return (
            f"{self.formula.source}  [{numbers}]  {self.dtype.__name__} {self.name} at "
            f"y={self.y}, p={self.p!r}: {self.found!r}, right {self.expected!r} "
            f"+- {self.slack:.1e}"
        )


def spacing(x: Any, dtype: type) -> Any:
    """Distance of the floats of a dtype at a number."""
    info = np.finfo(dtype)
    exponent = mpmath.frexp(x)[1] - 1 if x else info.minexp
    return mpmath.mpf(2) ** (max(exponent, info.minexp) - info.nmant)


@dataclass
class Tally:
    """What was compared, and the worst errors of what is well conditioned."""

    compared: int = 0
    excused: int = 0
    undefined: int = 0
    worst: float = 0.0
    where: str = ""


def judge(this: Formula, tally: Tally) -> list[Finding]:
    """Compare the loss of a formula with the truth, in both dtypes."""
    loss = fl.custom(this.function)
    runs = []
    for dtype in (np.float64, np.float32):
        y, p = this.y.astype(dtype), this.p.astype(dtype)
        numbers = {name: dtype(k) for name, k in this.parameters.items()}
        with np.errstate(all="ignore"):
            plain = np.asarray(this.function(y, p, **numbers), dtype)
        value = loss(y, p, reduction="none", **this.parameters)
        pair = loss.grad_and_hess(y, p, reduction="sum", **this.parameters)
        runs.append((dtype, np.broadcast_to(plain, y.shape), (value, *pair)))
    found: list[Finding] = []
    for i in range(this.y.size):
        y, p = float(this.y[i]), float(this.p[i])
        try:
            truth = this.jet(_TRUTH, y, p)
        except UnknownError:
            continue
        except UndefinedError:
            for dtype, plain, got in runs:
                tally.undefined += 1
                if abs(p) < FINE and np.isnan(plain[i]) and np.isfinite(got[0][i]):
                    numbers = float(got[0][i]), math.nan, 0.0
                    found.append(Finding(this, dtype, "value", y, p, *numbers))
            continue
        try:
            noisy = [this.jet(field, y, p) for field in _NOISY]
        except (UnknownError, UndefinedError):
            continue
        for dtype, plain, got in runs:
            anybody = this.in_floats(dtype, y, p)
            for k, (name, attribute) in enumerate(zip(NAMES, _PARTS, strict=True)):
                exact = getattr(truth, attribute)
                moved = max(abs(getattr(n, attribute) - exact) for n in noisy)
                tries = [getattr(anybody, attribute)] if anybody else []
                if k == 0:
                    tries.append(plain[i])
                number = float(got[k][i])
                where = f"{this.source} {this.parameters} {name} y={y} p={p}"
                allowed = _judged(number, tries, exact, moved, dtype, tally, where)
                if allowed is not None:
                    numbers = number, float(exact), float(allowed)
                    found.append(Finding(this, dtype, name, y, p, *numbers))
    return found


_PARTS = ("v", "d", "dd")


def _judged(
    got: float,
    tries: list[Any],
    exact: Any,
    moved: Any,
    dtype: type,
    tally: Tally,
    where: str,
) -> Any:
    """Return by how much a result may be wrong if it is more than that, else None."""
    info = np.finfo(dtype)
    moved = moved * 2.0 ** (52 - info.nmant)
    unit = spacing(exact, dtype)
    allowed = 16 * moved + 8 * unit
    right = [math.isfinite(x) and abs(float(x) - exact) <= allowed for x in tries]
    if abs(exact) > float(info.max) or not any(right):
        tally.excused += 1
        return None
    tally.compared += 1
    error = abs(got - exact) if math.isfinite(got) else math.inf
    if error > 2 * allowed:
        return allowed
    if moved <= unit and error > tally.worst * unit:
        tally.worst, tally.where = float(error / unit), where
    return None
