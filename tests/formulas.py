"""Random formulas in NumPy's words.

A formula is Python source: the same text is traced by `fl.custom`, run by NumPy, and
run on jets.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jets import Jet, OnJets, still
from judgement import Result, Sample

import fastloss as fl

#: Up to here, and from 1 by its tenth power on, a NaN of NumPy's is no overflow and no
#: rounding to 0 or 1, mostly.
FINE = 4

LEAVES = "p p p p y y a b 0.5 1 2 3 -1.5 (p-y) (p-y) (y-p) (y*p)".split()
UNARY = (
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
BINARY = (
    "{}+{} {}+{} {}-{} {}-{} {}*{} {}*{} {}*{} {}/{} {}/{} np.maximum({},{}) "
    "np.minimum({},{}) np.hypot({},{}) np.logaddexp({},{}) {}*np.log({}) "
    "np.abs({})**{} "
    "(y*{}+(1-y)*{}) -(y*np.log({})+(1-y)*np.log({})) np.log({}/{}) {}/({}+{}) "
    "np.log(np.exp({})+np.exp({})) {}*np.exp({}) {}*np.exp(-{}) np.clip({},{},3)"
).split()
_CONDITIONS = (
    "{}>{} {}>={} {}<{} {}<={} ({}>{})&(y>0.5) ({}>{})|(y<0.5) np.logical_not({}>{})"
).split()


def source(rng: random.Random, size: int, leaf: Callable[[], str] | None = None) -> str:
    """Return a formula of about this many operations.

    Instead of what no operation is left for there can be a leaf of its own.
    """
    if size <= 0:
        return rng.choice(LEAVES) if leaf is None else leaf()
    kind = rng.random()
    if kind < 0.45:
        form = rng.choice(UNARY)
        inner = _bracketed(_moving(source(rng, size - 1, leaf)))
        return form.format(*[inner] * form.count("{}"))
    if kind < 0.92:
        form = rng.choice(BINARY)
        left = rng.randrange(size)
        parts = [_bracketed(source(rng, n, leaf)) for n in (left, size - 1 - left)]
        if all(_constant(x) for x in parts):
            parts[left % 2] = "p"
        if form.count("{}") == 3:
            parts.append(parts[0])
        return form.format(*parts)
    sizes = (size // 3, size // 3, (size - 1) // 3, (size - 1) // 3)
    parts = [_bracketed(source(rng, n, leaf)) for n in sizes]
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

    @property
    def samples(self) -> list[Sample]:
        """The points with what is true there."""
        return [
            self._sample(float(y), float(p))
            for y, p in zip(self.y, self.p, strict=True)
        ]

    def _sample(self, y: float, p: float) -> Sample:
        where = f"{self.source} {self.parameters} at y={y}, p={p!r}"
        fine = 1 / FINE**10 < abs(p) < FINE
        return Sample(where, fine, lambda field: self.jet(field, y, p))

    def jet(self, field: Any, y: float, p: float) -> Jet:
        """Return the formula in an arithmetic."""
        scope = {
            "np": OnJets(field),
            "fl": OnJets(field),
            "y": still(field, y),
            "p": Jet(field, field.number(p), field.one, field.zero),
            **{name: still(field, k) for name, k in self.parameters.items()},
        }
        found: Jet = still(field, eval(self.source, scope))
        return found

    def run(self, loss: fl.Loss, dtype: type) -> list[Result]:
        """Return what NumPy and the library find."""
        y, p = self.y.astype(dtype), self.p.astype(dtype)
        numbers = {name: dtype(k) for name, k in self.parameters.items()}
        with np.errstate(all="ignore"):
            plain = np.broadcast_to(self.function(y, p, **numbers), y.shape)
        value = loss(y, p, reduction="none", **self.parameters)
        pair = loss.grad_and_hess(y, p, reduction="sum", **self.parameters)
        return [
            Result(a, tuple(map(float, b)))
            for a, *b in zip(plain, value, *pair, strict=True)
        ]


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
