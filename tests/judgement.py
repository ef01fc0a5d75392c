"""What a loss of a formula must get right.

The promise: where anybody's value or derivative is right, so is that of the library.
Anybody is NumPy in the dtype of the loss, and the chain rule in floats.

Nothing is promised where rounding moves the formula as it stands by more than its
slopes say: a right digit is luck there. Derivatives may be a NaN or an infinity where
NumPy's value is. Of results below the smallest normal number no digit is promised.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import mpmath
import numpy as np
from jets import Exact, Floats, InfiniteError, Jet, UndefinedError, UnknownError

import fastloss as fl

NAMES = ("value", "grad", "hess")
_PARTS = ("v", "d", "dd")
_TRUTH = Exact(360)
_FINER = 10
#: A program has an end, and labels that a formula drops may have any shape.
REFUSALS = "too large for one program", "nothing is broadcast"


@dataclass(frozen=True)
class Sample:
    """One prediction.

    Attributes
    ----------
    where : str
        The formula, its parameters and the numbers.
    fine : bool
        Whether a NaN is no overflow.
    jet : callable
        The loss in an arithmetic.
    """

    where: str
    fine: bool
    jet: Callable[[Any], Jet]

    def in_floats(self, dtype: type) -> Jet | None:
        """Return what anybody would get."""
        try:
            with np.errstate(all="ignore"):
                return self.jet(Floats(dtype))
        except (UnknownError, UndefinedError):
            return None

    def noisy(self, times: int, bits: int = 53) -> list[Jet]:
        """Return what rounding makes of it, so many times."""
        return [
            self.jet(Exact(60, random.Random(f"{self.where} {i}"), bits))
            for i in range(times)
        ]


@dataclass(frozen=True)
class Result:
    """NumPy's value, and value, gradient and Hessian of the library."""

    plain: Any
    got: tuple[float, ...]


class Formula(Protocol):
    """What can be judged."""

    @property
    def function(self) -> Callable[..., Any]:
        """The formula as a user writes it."""

    @property
    def samples(self) -> list[Sample]:
        """Where it is looked at."""

    def run(self, loss: fl.Loss, dtype: type) -> list[Result]:
        """Return what is found for each sample."""


@dataclass(frozen=True)
class Finding:
    """A result that is wrong although it could be right."""

    where: str
    dtype: type
    name: str
    found: float
    expected: float
    slack: float

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.dtype.__name__} {self.name} {self.found!r}, "
            f"right {self.expected!r} +- {self.slack:.1e}"
        )


@dataclass
class Tally:
    """What was compared, and the worst errors of what is well conditioned."""

    compared: int = 0
    excused: int = 0
    undefined: int = 0
    refused: int = 0
    worst: float = 0.0
    where: str = ""


def spacing(x: Any, dtype: type) -> Any:
    """Distance of the floats of a dtype at a number."""
    info = np.finfo(dtype)
    exponent = mpmath.frexp(x)[1] - 1 if x else info.minexp
    return mpmath.mpf(2) ** (max(exponent, info.minexp) - info.nmant)


def judge(this: Formula, tally: Tally) -> list[Finding]:
    """Compare the loss of a formula with the truth, in both dtypes."""
    loss = fl.custom(this.function)
    dtypes = np.float64, np.float32
    try:
        runs = [this.run(loss, dtype) for dtype in dtypes]
    except ValueError as error:
        if not any(text in str(error) for text in REFUSALS):
            raise
        tally.refused += 1
        return []
    found: list[Finding] = []
    for sample, *results in zip(this.samples, *runs, strict=True):
        try:
            truth = sample.jet(_TRUTH)
        except (UnknownError, InfiniteError):
            continue
        except UndefinedError:
            for dtype, result in zip(dtypes, results, strict=True):
                found += _invented(sample, dtype, result, tally)
            continue
        try:
            noisy = sample.noisy(3)
        except (UnknownError, UndefinedError):
            continue
        for dtype, result in zip(dtypes, results, strict=True):
            found += _Comparison(sample, truth, noisy, dtype, result, tally).findings()
    return found


def _invented(
    sample: Sample, dtype: type, result: Result, tally: Tally
) -> list[Finding]:
    """A number where NumPy has a NaN, and rightly."""
    tally.undefined += 1
    value = result.got[0]
    if sample.fine and np.isnan(result.plain) and np.isfinite(value):
        return [Finding(sample.where, dtype, "value", value, math.nan, 0.0)]
    return []


@dataclass(frozen=True)
class _Comparison:
    """Of the results for a sample in a dtype with the truth."""

    sample: Sample
    truth: Jet
    noisy: list[Jet]
    dtype: type
    result: Result
    tally: Tally

    def findings(self) -> list[Finding]:
        found = []
        anybody = self.sample.in_floats(self.dtype)
        for name, part, got in zip(NAMES, _PARTS, self.result.got, strict=True):
            tries = [getattr(anybody, part)] if anybody else []
            plain = self.result.plain
            if name == "value" and plain.dtype == self.dtype:
                tries.append(plain)
            slack = self._slack_exceeded(part, got, tries)
            if slack is not None:
                expected = float(getattr(self.truth, part))
                numbers = got, expected, float(slack)
                found.append(Finding(self.sample.where, self.dtype, name, *numbers))
        return found

    def _slack_exceeded(self, part: str, got: float, tries: list[Any]) -> Any:
        """Return by how much a result may be wrong if it is more than that."""
        info, tally, exact = np.finfo(self.dtype), self.tally, getattr(self.truth, part)
        moved = self._moved(self.noisy, part) * 2.0 ** (52 - info.nmant)
        unit = spacing(exact, self.dtype)
        allowed = 16 * moved + 8 * unit
        right = [math.isfinite(x) and abs(float(x) - exact) <= allowed for x in tries]
        no_value = part != "v" and not np.isfinite(self.result.plain)
        if (
            abs(exact) > float(info.max)
            or not any(right)
            or (no_value and not math.isfinite(got))
        ):
            tally.excused += 1
            return None
        error = abs(got - exact) if math.isfinite(got) else math.inf
        if error > 2 * allowed:
            moved = self._moved_in_the_dtype(part)
            tiny = abs(exact) > 0 and max(abs(exact), abs(got)) < info.smallest_normal
            if moved is None or tiny:
                tally.excused += 1
                return None
            allowed = 16 * moved + 8 * unit
        tally.compared += 1
        if error > 2 * allowed:
            return allowed
        if moved <= unit and error > tally.worst * unit:
            tally.worst = float(error / unit)
            tally.where = f"{self.sample.where} {self.dtype.__name__} {part}"
        return None

    def _moved(self, jets: list[Jet], part: str) -> Any:
        """By how much rounding moves a result."""
        return max(abs(getattr(x, part) - getattr(self.truth, part)) for x in jets)

    def _moved_in_the_dtype(self, part: str) -> Any:
        """Return the same for the rounding of the dtype; None if digits are luck.

        They are where a noise 2^10 times smaller does not move the result by 2^10
        times less, or where the formula leaves the real numbers.
        """
        bits = np.finfo(self.dtype).nmant + 1
        try:
            moved, less = (
                self._moved(self.sample.noisy(8, bits + more), part)
                for more in (0, _FINER)
            )
        except (UnknownError, UndefinedError):
            return None
        expected = less * 2**_FINER
        return moved if expected / 32 <= moved <= 32 * expected else None
