"""Sums that lose nothing: rational numbers, rounded when they are asked for."""

from __future__ import annotations

import math
from fractions import Fraction

__all__: list[str] = []

Number = Fraction | float
"""A sum: exact, or a float if it is infinite or NaN."""

_ORDINARY = 100  # as FL_ORDINARY of csrc/engine/run.c


def of(x: float) -> Number:
    """Return a float as a sum."""
    return Fraction(x) if math.isfinite(x) else x


def pair(high: float, low: float) -> Number:
    """Return the sum of two floats; the second tells only what rounding took."""
    return Fraction(high) + Fraction(low) if math.isfinite(high) else high


def plus(a: Number, b: Number) -> Number:
    """Return the sum; infinities of both signs give NaN."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b
    return sum(x for x in (a, b) if not isinstance(x, Fraction))


def times(x: Number, factor: Fraction) -> Number:
    """Return the product."""
    return x * factor if isinstance(x, Fraction) else x if factor else 0.0 * x


def rounded(x: Number) -> float:
    """Return the nearest float, infinity where that is out of range."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def shift(weight: Number) -> Fraction:
    """Return the power of 2 that the engine multiplies weights of this sum by."""
    if not isinstance(weight, Fraction) or not weight:
        return Fraction(1)
    exponent = abs(weight.numerator).bit_length() - weight.denominator.bit_length()
    return Fraction(2) ** -exponent if abs(exponent) > _ORDINARY else Fraction(1)


def quotient(total: Number, weight: Number) -> float:
    """Return the quotient of the two rounded numbers, as the engine does."""
    power = shift(weight)
    return rounded(times(total, power)) / rounded(times(weight, power))


def root(x: Fraction) -> float:
    """Return the root, also of what is out of range of a float."""
    half = (x.numerator.bit_length() - x.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(x / Fraction(4) ** half), half)


def number(text: str) -> Number:
    """Return the sum that `str` told of."""
    return float(text) if text in ("nan", "inf", "-inf") else Fraction(text)
