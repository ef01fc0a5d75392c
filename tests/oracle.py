"""What is right to the last bit, and the inputs to ask for it.

The truth of a loss is its formula in `fastloss.reference`, evaluated on arrays of
multi-precision numbers with so many digits that what the textbook form cancels does
not matter: a new loss brings its own oracle. `Truth` keeps an exact result as a float
and a rest in ulps, so that an error is known to a thousandth of an ulp.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product
from typing import Any, ClassVar

import generators
import numpy as np
import structured
from digits import (
    Numbers,
    Quick,
    asks_numbers_themselves,
    is_near,
    mantissa_and_exponent,
)

import fastloss as fl
from fastloss import reference

DTYPES = (np.float32, np.float64)
OUTPUTS = ("value", "grad", "hess")
ROWS = {row.name: row for row in fl.REGISTRY}

#: Enough digits for 20 to be left after `1 - tanh(r)^2` or `sigmoid(x) - 1` has
#: cancelled down to the smallest subnormal number, 1e-45 or 5e-324.
DIGITS = {np.float32: 100, np.float64: 370}

#: What parameters are tested with beside their defaults; exact in float32.
OTHER_PARAMETERS = {
    "delta": 0.75,
    "label_smoothing": 0.125,
    "pos_weight": 2.5,
    "eps": 2.0**-12,
    "ignore_class": 0,
    "temperature": 2.0,  # a quotient that is not rounded
    "z_loss": 2.0**-7,
    "p": 2.0,
    "q": 0.25,
    "power": 1.25,
    "alpha": 0.25,
    "p_t": "geometric",
}

#: Options that choose between two kernels.
SWITCHES = ("from_logits", "full", "log_input", "squared")

NUMBERS = {dtype: Numbers(digits) for dtype, digits in DIGITS.items()}


@contextmanager
def numbers_of(loss: fl.Loss, dtype: type, near: bool) -> Iterator[Numbers | Quick]:
    """What the reference of a loss is evaluated on, where inputs are near or not."""
    numbers = NUMBERS[dtype]
    if near and not asks_numbers_themselves(_formula(loss).__module__):
        with numbers.quick.within() as quick:
            yield quick
    else:
        yield numbers


@dataclass(frozen=True)
class Truth:
    """Exact results ``base + rest * ulp``, ulp being the spacing of floats there."""

    COLUMNS: ClassVar = ("base", "rest", "ulp")

    base: np.ndarray
    rest: np.ndarray
    ulp: np.ndarray

    @classmethod
    def of(
        cls, exact: np.ndarray, dtype: type, scale: np.ndarray | None = None
    ) -> Truth:
        """Round to the grid of `dtype` at `exact`, or at `scale` where that is larger.

        The largest exponent has no end: infinity is what lies beyond its last float.
        """
        info, numbers = np.finfo(dtype), NUMBERS[dtype]
        last = 2 ** (info.nmant + 1) - 1
        terms = (exact,) if scale is None else (exact, scale)
        results = []
        for number in zip(*(term.flat for term in terms), strict=True):
            parts = [mantissa_and_exponent(x, numbers) for x in number]
            size = max(
                (k.bit_length() + at for k, at in parts if k), default=info.minexp
            )
            m, e = parts[0]
            exponent = min(max(size - 1, info.minexp), info.maxexp - 1) - info.nmant
            n, rest = _nearest(m, e - exponent, last)
            results.append((math.ldexp(n, exponent), rest, math.ldexp(1, exponent)))
        columns = np.array(results, dtype=float).T
        return cls(*(column.reshape(exact.shape) for column in columns))

    def error(self, got: np.ndarray) -> np.ndarray:
        """Distance of `got` in ulps."""
        largest = float(np.finfo(got.dtype).max)
        assert got.shape == self.base.shape
        got = got.astype(float)
        infinite = np.isinf(got)
        with np.errstate(over="ignore"):
            steps = (np.clip(got, -largest, largest) - self.base) / self.ulp
        steps += np.where(infinite, np.sign(got), 0)
        rightly = infinite & (self.base == np.sign(got) * largest)
        rightly &= self.rest * np.sign(got) >= 0.5
        error = np.where(rightly, 0.0, np.abs(steps - self.rest))
        return np.where(np.isnan(got), np.inf, error)


def _nearest(m: int, e: int, last: int) -> tuple[int, float]:
    """The integer next to ``m 2^e`` in [-last, last], and what is left."""
    if m.bit_length() + e > 2**12:
        return (last, math.inf) if m > 0 else (-last, -math.inf)
    if m.bit_length() + e < -(2**12):
        return 0, 0.0
    m, below = (m << e, 1) if e > 0 else (m, 1 << -e)
    n = max(min((2 * m + below) // (2 * below), last), -last)
    try:
        return n, (m - n * below) / below
    except OverflowError:
        return n, math.inf if m > 0 else -math.inf


def parameters(loss: fl.Loss) -> dict[str, Any]:
    named = {field.name: getattr(loss, field.name) for field in fields(loss)}
    for no_number in ("reduction", "label_sum", "classes"):
        named.pop(no_number, None)
    return named


@cache
def default_losses() -> tuple[fl.Loss, ...]:
    """Each kernel of one label and one prediction with the default parameters.

    Of the others there are arguments in `structured`.
    """
    found = []
    for loss in fl.LOSSES.values():
        if loss.kernel in structured.CASES:
            continue
        own = [switch for switch in SWITCHES if switch in parameters(loss)]
        for values in product((False, True), repeat=len(own)):
            changes = {
                s: getattr(loss, s) != v for s, v in zip(own, values, strict=True)
            }
            with suppress(ValueError):  # log_input and from_logits exclude each other
                found.append(replace(loss, **changes))
    return tuple(found)


@cache
def _usual() -> frozenset[fl.Loss]:
    return frozenset(default_losses())


def other_parameters(loss: fl.Loss) -> dict[str, Any]:
    """Each parameter of a loss with another value than its own."""
    other = {}
    for name, default in parameters(loss).items():
        if name in ("temperature", "z_loss") and not loss.from_logits:
            continue
        if name in OTHER_PARAMETERS:
            other[name] = OTHER_PARAMETERS[name]
        elif type(default) is float:
            other[name] = 1.5 * default
    return other


@cache
def losses() -> tuple[fl.Loss, ...]:
    """Each registered kernel with the default parameters and with all others."""
    found = []
    for loss in default_losses():
        found.append(loss)
        other = other_parameters(loss)
        if other:
            found.append(replace(loss, **other))
    return tuple(found)


def refusing_losses() -> list[fl.Loss]:
    """Those for which 99 is no label or no prediction."""
    return [
        loss
        for loss in losses()
        if generators.BOUNDED
        & {*ROWS[loss.kernel].labels, *ROWS[loss.kernel].predictions}
    ]


def losses_of_one_parameter() -> Iterator[fl.Loss]:
    """Each registered kernel with one parameter that is not the default."""
    for loss in default_losses():
        other = other_parameters(loss)
        if len(other) > 1:
            for name, value in other.items():
                yield replace(loss, **{name: value})


@cache
def label(loss: fl.Loss) -> str:
    """A readable test id."""
    usual = type(loss)()
    changed = [
        f"{name}={value}"
        for name, value in parameters(loss).items()
        if name not in SWITCHES and value != getattr(usual, name)
    ]
    return "-".join([loss.kernel, *changed])


def of_any_labels(loss: fl.Loss) -> fl.Loss:
    """`loss` without a look at the sums of labels, which are no part of the formula."""
    return replace(loss, label_sum="any") if hasattr(loss, "label_sum") else loss


def calculate(loss: fl.Loss, output: str, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What fastloss says: the output of each sample, not reduced."""
    loss = replace(of_any_labels(loss), reduction="none")
    if output == "value":
        return loss(y, x)
    return loss.grad(y, x) if output == "grad" else loss.grad_and_hess(y, x)[1]


def truth(loss: fl.Loss, output: str, y: np.ndarray, x: np.ndarray) -> Truth:
    """The exact output of each sample."""
    near = is_near(y) & is_near(x)
    places = [where for where in (near, ~near) if where.any()]
    order = np.argsort(np.concatenate([np.flatnonzero(where) for where in places]))
    parts = [
        _truth(loss, output, y[where], x[where], where is near) for where in places
    ]
    columns = ([getattr(part, name) for part in parts] for name in Truth.COLUMNS)
    return Truth(*(np.concatenate(column)[order] for column in columns))


def _truth(
    loss: fl.Loss, output: str, y: np.ndarray, x: np.ndarray, near: bool
) -> Truth:
    dtype = x.dtype.type
    with numbers_of(loss, dtype, near) as numbers:
        y, x = numbers.exactly(y), numbers.exactly(x)
        exact = _reference(loss, output, y, x, dtype, numbers)
        scale = None
        if output == "grad":
            scale = _larger_term(loss, y, x, Exact(dtype, numbers))
        if hasattr(_formula(loss), f"{output}_size"):  # terms of both signs
            scale = _reference(loss, f"{output}_size", y, x, dtype, numbers)
        return Truth.of(exact, dtype, scale)


def exact_parameters(
    loss: fl.Loss, dtype: type, numbers: Numbers | Quick | None = None
) -> dict[str, Any]:
    """Parameters for the reference, in multi-precision."""
    named = parameters(loss)
    number = (numbers or NUMBERS[dtype]).mpf
    if "eps" in named and named["eps"] is None:
        named["eps"] = float(np.finfo(dtype).eps)
    for name, value in named.items():
        if type(value) is float:
            named[name] = number(float(dtype(value)))
    return named


def _formula(loss: fl.Loss) -> Any:
    return getattr(reference, type(loss).__name__)


def _reference(
    loss: fl.Loss,
    output: str,
    y: np.ndarray,
    x: np.ndarray,
    dtype: type,
    numbers: Numbers | Quick,
) -> np.ndarray:
    formula = getattr(_formula(loss), output)
    return formula(y, x, **exact_parameters(loss, dtype, numbers))


@dataclass(frozen=True)
class Worst:
    """The largest error met, in ulps, and where."""

    error: float = -1.0
    y_true: Any = None
    y_pred: Any = None


def label_kinds(kernel: str) -> tuple[str, ...]:
    return ("hard", "soft") if ROWS[kernel].labels == ("unit",) else ("hard",)


def _some(
    loss: fl.Loss, dtype: type, labels: str, step: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every `step`-th sample; of wide rows fewer, unless all are asked for.

    The widest rows meet every parameter once, not with each dtype and kind of labels.
    Those whose pairs of classes are compared are cut to 300 classes.
    """
    row, batches = ROWS[loss.kernel], samples(loss.kernel, dtype, labels, kinks(loss))
    once = dtype is np.float32 and labels == label_kinds(loss.kernel)[-1]
    widest = 1000 if once or loss in _usual() else 100
    for y, x in batches:
        if x.ndim == 1 or step == 1:
            yield y[::step], x[::step]
        elif x.shape[-1] <= widest:
            every = step * max(1, x.shape[-1] // 16)
            cut = np.s_[::every, :300] if row.labels == ("bit",) else np.s_[::every]
            yield y[cut], x[cut]


@cache
def truths(
    loss: fl.Loss, output: str, dtype: type, labels: str, step: int
) -> tuple[Truth, ...]:
    return tuple(truth(loss, output, y, x) for y, x in _some(loss, dtype, labels, step))


def worst(loss: fl.Loss, output: str, dtype: type, labels: str, step: int = 1) -> Worst:
    """The largest error of fastloss over every `step`-th of the samples of a kernel."""
    found = Worst()
    batches = _some(loss, dtype, labels, step)
    exact = truths(loss, output, dtype, labels, step)
    for (y, x), true in zip(batches, exact, strict=True):
        errors = true.error(calculate(loss, output, y, x))
        if errors.max() > found.error:
            at = np.unravel_index(errors.argmax(), errors.shape)
            row = at if x.ndim == 1 else at[0]
            found = Worst(float(errors.max()), y[row], x[row])
    return found


def kinks(loss: fl.Loss) -> tuple[float, ...]:
    """Residuals at which a formula may change: 0, 1 and the parameters."""
    named = parameters(loss).values()
    return (0.0, 1.0, *(number for number in named if type(number) is float))


def worst_on_logits(step: int) -> dict[str, Worst]:
    """The largest errors of binary crossentropy on every `step`-th float32 logit.

    Both hard labels. The truth is the stable formula in double precision, right to
    1e-8 ulps of float32: a second oracle, independent of the first one.
    """
    chunk = step * 2**14
    starts = range(0, 2**32, chunk)
    found = dict.fromkeys(OUTPUTS, Worst())
    with ThreadPoolExecutor(2) as pool:
        for some in pool.map(lambda start: _logits_chunk(start, chunk, step), starts):
            for output, candidate in some:
                if candidate.error > found[output].error:
                    found[output] = candidate
    return found


def _logits_chunk(start: int, length: int, step: int) -> list[tuple[str, Worst]]:
    bits = np.arange(start, min(start + length, 2**32), step, dtype=np.uint32)
    x = bits.view(np.float32)
    loss = fl.BinaryCrossentropy(from_logits=True, reduction="none")
    worst = []
    with np.errstate(invalid="ignore"):
        exact = x.astype(float)
        t = np.exp(-np.abs(exact))
        near = 1 / (1 + t)
        far = t * near
        log = np.log1p(t)
        for label, sign in [(0, 1), (1, -1)]:
            y = np.broadcast_to(np.float32(label), x.shape)
            value, grad = loss.value_and_grad(y, x)
            hess = loss.grad_and_hess(y, x)[1]
            truths = {
                "value": (value, np.maximum(sign * exact, 0) + log),
                "grad": (grad, sign * np.where(sign * exact > 0, near, far)),
                "hess": (hess, near * far),
            }
            for output, (got, true) in truths.items():
                error = _float32_error(got, true)
                at = int(error.argmax())
                worst.append((output, Worst(float(error[at]), label, x[at])))
    return worst


def _float32_error(got: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Distance in float32 ulps, 0 between equal infinities and between NaNs."""
    exponent = np.clip(np.frexp(true)[1], -125, 128) - 24
    error = np.abs(got - true) * np.ldexp(1.0, -exponent)
    same = (got == true) | (np.isnan(got) & np.isnan(true))
    return np.where(same, 0.0, np.where(np.isnan(error), np.inf, error))


def _larger_term(
    loss: fl.Loss, y: np.ndarray, x: np.ndarray, exact: Exact
) -> np.ndarray | None:
    """The larger of the two terms a gradient is the difference of, for soft labels.

    Where ``sigmoid(x)`` comes close to a soft label ``y``, the gradient
    ``(1 - y) sigmoid(x) - y sigmoid(-x)`` is the difference of two nearly equal terms.
    No float arithmetic on terms that are themselves rounded gives the last digits of
    that, so the error is measured in ulps of the larger term. For a hard label one of
    the terms is 0 and the other is the gradient: no allowance at all.
    """
    if not {"label_smoothing", "temperature"} & set(parameters(loss)):
        return None
    return generators.of(loss).larger_term(loss, y, x, exact)


@dataclass(frozen=True)
class Exact:
    """The reference in multi-precision."""

    dtype: type
    numbers: Numbers | Quick

    def number(self, x: float) -> Any:
        """`x` in multi-precision."""
        return self.numbers.mpf(x)

    def of(self, loss: fl.Loss, output: str, y: np.ndarray, x: np.ndarray) -> Any:
        """The output of each sample."""
        return _reference(loss, output, y, x, self.dtype, self.numbers)


@cache
def samples(
    kernel: str, dtype: type, labels: str = "hard", points: tuple[float, ...] = (1.0,)
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Batches ``(y_true, y_pred)`` over the domain of a kernel.

    Hard labels or soft ones; `points` are residuals at which the formula has a kink.
    """
    row = ROWS[kernel]
    random = np.random.RandomState(20)
    kind = generators.KINDS[row.kind]
    with np.errstate(all="ignore"):
        return tuple(kind.batches(row, dtype, labels == "soft", points, random))


def plain(
    kernel: str, dtype: type, n: int, random: np.random.RandomState, classes: int = 7
) -> tuple[np.ndarray, np.ndarray]:
    """About `n` everyday predictions and their labels."""
    row = ROWS[kernel]
    return generators.KINDS[row.kind].plain(row, dtype, n, random, classes)
