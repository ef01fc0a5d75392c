"""Write csrc/math/polynomials.h and csrc/math/short_polynomials.h.

Each is the minimax approximation of a function over an interval, found by the second
algorithm of Remez in multi-precision (E. W. Cheney, Introduction to Approximation
Theory, 1966, chapter 3), with coefficients rounded to doubles. ``python
tools/coefficients.py --check`` says whether the files are what this script writes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mpmath as mp

MATH = Path(__file__).resolve().parents[1] / "csrc/math"
HEAD = """\
/* polynomials.h: what special functions are made of, by tools/coefficients.py. In
   double for both dtypes; the error given is that of the polynomial with its rounded
   coefficients, relative to the function or to the unit that is named. */
#ifndef FL_POLYNOMIALS_H
#define FL_POLYNOMIALS_H

#include "isa/isa.h"
"""
SHORT_HEAD = """\
/* short_polynomials.h: what exponentials and logarithms of short_power.h are made of,
   by tools/coefficients.py: as many digits as float32 results need. The error is that
   of the polynomial with its rounded coefficients, relative to the function. */
#ifndef FL_SHORT_POLYNOMIALS_H
#define FL_SHORT_POLYNOMIALS_H

#include "isa/isa.h"
"""

mp.mp.dps = 60
Function = Callable[[mp.mpf], mp.mpf]
ROOT_OF_DIGAMMA = mp.findroot(mp.digamma, 1.4616)


def tail(t: mp.mpf) -> mp.mpf:
    """exp(t^2/2) (1 - Phi(t)), its asymptotic series far out."""
    if t > 100:
        terms = [(-1) ** k * mp.fac2(2 * k - 1) / t ** (2 * k + 1) for k in range(25)]
        return mp.fsum(terms) / mp.sqrt(2 * mp.pi)
    return mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) / 2


def tail_to_infinity(u: mp.mpf) -> mp.mpf:
    """(t + 4) tail(t) for u = (t - 4)/(t + 4)."""
    if 1 - u < mp.mpf(10) ** -40:
        return 1 / mp.sqrt(2 * mp.pi)
    t = 4 * (1 + u) / (1 - u)
    return (t + 4) * tail(t)


def moment(t: mp.mpf) -> mp.mpf:
    """1/sqrt(2 pi) - t tail(t), its asymptotic series far out."""
    if t > 100:
        terms = [(-1) ** k * mp.fac2(2 * k + 1) / t ** (2 * k + 2) for k in range(25)]
        return mp.fsum(terms) / mp.sqrt(2 * mp.pi)
    return 1 / mp.sqrt(2 * mp.pi) - t * tail(t)


def moment_to_infinity(u: mp.mpf) -> mp.mpf:
    """(t + 4)^2 moment(t) for u = (t - 4)/(t + 4)."""
    if 1 - u < mp.mpf(10) ** -40:
        return 1 / mp.sqrt(2 * mp.pi)
    t = 4 * (1 + u) / (1 - u)
    return (t + 4) ** 2 * moment(t)


def lgamma_at_two(f: mp.mpf) -> mp.mpf:
    """(lgamma(2 + f) - (1 - gamma) f)/f^2, gamma Euler's constant."""
    if abs(f) < mp.mpf(10) ** -20:
        return (mp.zeta(2) - 1) / 2
    return (mp.loggamma(2 + f) - (1 - mp.euler) * f) / f**2


def digamma_at_its_root(f: mp.mpf) -> mp.mpf:
    """digamma(r + f)/f."""
    if abs(f) < mp.mpf(10) ** -25:
        return mp.psi(1, ROOT_OF_DIGAMMA)
    return mp.digamma(ROOT_OF_DIGAMMA + f) / f


def far(function: Function, limit: mp.mpf) -> Function:
    """`function` of x, taken as one of z = 1/x^2, with its limit at z = 0."""
    return lambda z: function(1 / mp.sqrt(z)) if z > mp.mpf(10) ** -25 else limit


def sine(z: mp.mpf) -> mp.mpf:
    """sin(pi r)/r for z = r^2."""
    r = mp.sqrt(z)
    return mp.sin(mp.pi * r) / r if r else mp.pi


def binet(x: mp.mpf) -> mp.mpf:
    """Of lgamma(x) what the series of Stirling leaves, times x."""
    return x * (mp.loggamma(x) - (x - 0.5) * mp.log(x) + x - mp.log(2 * mp.pi) / 2)


def binet_slope(x: mp.mpf) -> mp.mpf:
    """x^2 (log x - 1/(2x) - digamma(x))."""
    return x**2 * (mp.log(x) - 1 / (2 * x) - mp.digamma(x))


def binet_curve(x: mp.mpf) -> mp.mpf:
    """x^3 (trigamma(x) - 1/x - 1/(2 x^2))."""
    return x**3 * (mp.psi(1, x) - 1 / x - 1 / (2 * x**2))


def curve_of_exp(r: mp.mpf) -> mp.mpf:
    """(exp(r) - 1 - r)/r^2."""
    return (mp.expm1(r) - r) / r**2 if abs(r) > mp.mpf(10) ** -20 else mp.mpf(1) / 2


def curve_of_log(f: mp.mpf) -> mp.mpf:
    """(f - log(1 + f))/f^2."""
    return (f - mp.log1p(f)) / f**2 if abs(f) > mp.mpf(10) ** -20 else mp.mpf(1) / 2


def exp_quotient(u: mp.mpf) -> mp.mpf:
    """(exp(u) - 1)/u."""
    return mp.expm1(u) / u if u else mp.mpf(1)


@dataclass(frozen=True)
class Polynomial:
    """An approximation of `function` on an interval; `unit` weighs its errors.

    In the order of Horner, or in that of Estrin: a shorter chain of dependent steps.
    """

    name: str
    what: str
    function: Function
    low: float
    high: float
    degree: int
    unit: Function | None = None
    estrin: bool = False

    def weight(self, x: mp.mpf) -> mp.mpf:
        """What an error at x is divided by."""
        return abs(self.unit(x) if self.unit else self.function(x))


POLYNOMIALS = [
    Polynomial(
        "normal_tail",
        "(t + 4) exp(t^2/2) (1 - Phi(t)), u = (t - 4)/(t + 4)",
        tail_to_infinity,
        -1,
        1,
        25,
    ),
    Polynomial(
        "normal_moment",
        "-(t + 4)^2 d/dt (exp(t^2/2) (1 - Phi(t))), u as above",
        moment_to_infinity,
        -1,
        1,
        26,
    ),
    Polynomial("sinpi", "sin(pi r)/r, u = r^2", sine, 0, 0.25, 9),
    Polynomial(
        "lgamma_2",
        "(lgamma(2 + u) - (1 - gamma) u)/u^2",
        lgamma_at_two,
        -0.5,
        0.5,
        16,
    ),
    Polynomial(
        "digamma_root",
        "digamma(r + u)/u, r = 1.4616...",
        digamma_at_its_root,
        -0.462,
        0.539,
        24,
    ),
    Polynomial(
        "binet",
        "x B(x) with Binet's function B, u = 1/x^2",
        far(binet, mp.mpf(1) / 12),
        0,
        0.25,
        14,
    ),
    Polynomial(
        "binet_slope",
        "-x^2 B'(x), u = 1/x^2",
        far(binet_slope, mp.mpf(1) / 12),
        0,
        0.25,
        17,
    ),
    Polynomial(
        "binet_curve",
        "x^3 B''(x), u = 1/x^2",
        far(binet_curve, mp.mpf(1) / 6),
        0,
        0.25,
        19,
    ),
    Polynomial(
        "exp_quotient",
        "(exp(u) - 1)/u",
        exp_quotient,
        -0.3475,
        0.3475,
        7,
    ),
]

#: sqrt(1/2) - 1 and sqrt(2) - 1, a little further out.
SHORT_POLYNOMIALS = [
    Polynomial(
        "short_exp",
        "(exp(u) - 1 - u)/u^2",
        curve_of_exp,
        -0.3475,
        0.3475,
        5,
        estrin=True,
    ),
    Polynomial(
        "short_log",
        "(u - log(1 + u))/u^2",
        curve_of_log,
        -0.2929,
        0.4143,
        11,
        estrin=True,
    ),
]

FILES = {
    MATH / "polynomials.h": (HEAD, POLYNOMIALS),
    MATH / "short_polynomials.h": (SHORT_HEAD, SHORT_POLYNOMIALS),
}


def remez(p: Polynomial) -> list[mp.mpf]:
    """Coefficients of the minimax polynomial, the constant first."""
    low, high, count = mp.mpf(p.low), mp.mpf(p.high), p.degree + 2

    def at(k: float, n: int) -> mp.mpf:
        return (low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * k / n)

    grid = [at(k, 40 * count) for k in range(40 * count + 1)]
    truth = [p.function(x) for x in grid]
    weight = [p.weight(x) for x in grid]
    chosen = [40 * k * count // (count - 1) for k in range(count)]
    for _ in range(12):
        rows = [
            [grid[i] ** k for k in range(p.degree + 1)] + [(-1) ** j * weight[i]]
            for j, i in enumerate(chosen)
        ]
        solved = mp.lu_solve(mp.matrix(rows), mp.matrix([truth[i] for i in chosen]))
        found = list(solved)[:-1]
        errors = [
            (mp.polyval(found[::-1], x) - t) / w
            for x, t, w in zip(grid, truth, weight, strict=True)
        ]
        level = abs(solved[p.degree + 1])
        if max(map(abs, errors)) < level * mp.mpf("1.02"):
            return found
        chosen = extremes(errors, count)
    raise RuntimeError(f"{p.name}: no equal errors after 12 rounds")


def extremes(errors: list[mp.mpf], count: int) -> list[int]:
    """Where errors of alternating signs are largest, `count` of them."""
    peaks: list[int] = []
    for i, error in enumerate(errors):
        if peaks and mp.sign(errors[peaks[-1]]) == mp.sign(error):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = i
        else:
            peaks.append(i)
    while len(peaks) > count:
        peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
    return peaks


def hexadecimal(x: float) -> str:
    """A double as C reads it."""
    mantissa, exponent = x.hex().split("p")
    mantissa = mantissa.rstrip("0") if "." in mantissa else mantissa
    return f"{mantissa.rstrip('.')}p{exponent}"


def horner(coefficients: list[str]) -> list[str]:
    """The lines of a sum of powers of u, the constant first."""
    *others, last = coefficients
    lines = [f"  double p = {last};"]
    lines += [f"  p = FL_FMA_F64(p, u, {c});" for c in reversed(others[1:])]
    return [*lines, f"  return FL_FMA_F64(p, u, {others[0]});"]


def estrin(coefficients: list[str]) -> list[str]:
    """The same, neighbours added up first, then neighbours of these sums."""
    terms, power, lines = coefficients, "u", []
    while len(terms) > 2:
        square = f"u{2 * int(power[1:] or 1)}"
        lines.append(f"  const double {square} = {power} * {power};")
        sums = []
        for k in range(0, len(terms) - 1, 2):
            name = f"p{k // 2}_{square}"
            lines.append(
                f"  const double {name} ="
                f" FL_FMA_F64({terms[k + 1]}, {power}, {terms[k]});"
            )
            sums.append(name)
        terms, power = sums + terms[2 * len(sums) :], square
    return [*lines, f"  return FL_FMA_F64({terms[1]}, {power}, {terms[0]});"]


def written(p: Polynomial) -> str:
    """The function in C."""
    coefficients = [float(c) for c in remez(p)]
    points = [
        mp.mpf(p.low) + (mp.mpf(p.high) - mp.mpf(p.low)) * k / 997 for k in range(998)
    ]
    rounded = [mp.mpf(c) for c in reversed(coefficients)]
    worst = max(
        abs(mp.polyval(rounded, x) - p.function(x)) / p.weight(x) for x in points
    )
    bits = float(mp.log(worst, 2))
    order = estrin if p.estrin else horner
    lines = [
        f"/* {p.what}, on [{p.low}, {p.high}]: 2^{bits:.1f} */",
        f"FL_INLINE double fl_d_{p.name}_polynomial(double u) {{",
        *order([hexadecimal(c) for c in coefficients]),
        "}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the files, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for file, (head, polynomials) in FILES.items():
        text = "\n".join([head, *(f"{written(p)}\n" for p in polynomials), "#endif\n"])
        if not check:
            file.write_text(text, encoding="utf-8")
        elif text != file.read_text("utf-8"):
            raise SystemExit(f"{file.name} is not what this script writes")


if __name__ == "__main__":
    main()
