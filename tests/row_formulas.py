"""Random formulas of rows in NumPy's words.

The entries of a row are made by the formulas of `formulas`, whose leaves are entries,
softmax and numbers of the row; rows are reduced, and what comes out combined. Labels
are rows of their own, numbers or classes. Jets are in arrays of one row, of which one
entry moves.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import formulas
import numpy as np
from jets import Jet, OnJets, functions, still
from judgement import Result, Sample

import fastloss as fl

# -- rows of jets ----------------------------------------------------------------------


class OnRows:
    """NumPy's functions on arrays of jets."""

    def __init__(self, field: Any) -> None:
        self.scalar = OnJets(field)
        self.field = field
        self.linalg = SimpleNamespace(norm=self._norm)

    @property
    def math(self) -> OnRows:
        return self

    arange = staticmethod(np.arange)
    take_along_axis = staticmethod(np.take_along_axis)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self.scalar, name)

        def entrywise(*args: Any) -> Any:
            rows = np.broadcast_arrays(*map(np.atleast_2d, args))
            made = [
                function(*entries) for entries in zip(*map(np.ravel, rows), strict=True)
            ]
            found = np.empty(len(made), dtype=object)
            found[:] = made
            return found.reshape(rows[0].shape)

        return entrywise

    def _reduced(self, x: Any, by: Callable[..., Any], keepdims: bool) -> Any:
        found = np.empty(x.shape[:-1], dtype=object)
        for place in np.ndindex(found.shape):
            found[place] = functools.reduce(by, x[place])
        return found[..., None] if keepdims else found

    def sum(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self._reduced(x, lambda a, b: a + b, keepdims)

    def mean(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self.sum(x, axis, keepdims) / x.shape[-1]

    def max(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self._reduced(x, functions.maximum, keepdims)

    def min(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self._reduced(x, functions.minimum, keepdims)

    def _norm(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self.sqrt(self.sum(x * x, axis, keepdims))

    def logsumexp(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self._reduced(x, functions.logaddexp, keepdims)

    def softmax(self, x: Any) -> Any:
        return self.exp(self.log_softmax(x))

    def log_softmax(self, x: Any) -> Any:
        return x - self.logsumexp(x, -1, keepdims=True)


# -- formulas --------------------------------------------------------------------------

_REDUCED = (
    "np.sum({},axis=-1,keepdims=True) np.sum({},axis=-1,keepdims=True) "
    "np.mean({},axis=-1,keepdims=True) np.max({},axis=-1,keepdims=True) "
    "np.min({},axis=-1,keepdims=True) fl.math.logsumexp({},axis=-1,keepdims=True) "
    "np.log(np.sum(np.exp({}),axis=-1,keepdims=True)) "
    "np.linalg.norm({},axis=-1,keepdims=True)"
).split()
_SHARES = (
    "fl.math.softmax({}) fl.math.log_softmax({}) "
    "(np.exp({})/np.sum(np.exp({}),axis=-1,keepdims=True)) "
    "(1-fl.math.softmax({})) ({}-np.max({},axis=-1,keepdims=True))"
).split()
_PICKED = "np.take_along_axis({},y[:,None],axis=-1)"
_PICKED_FLAT = "({})[np.arange(len(p)),y]"
_KINDS = ("rows", "rows", "numbers", "classes")


class _Generator:
    def __init__(self, rng: random.Random, kind: str) -> None:
        self.rng = rng
        self.kind = kind

    def entries(self, size: int, deep: int = 1) -> str:
        """Return a formula of entries, with rows in it so deep."""
        return formulas.source(self.rng, size, lambda: self._leaf(deep))

    def _leaf(self, deep: int) -> str:
        kind = self.rng.random()
        if kind < 0.6 or deep == 0:
            return self.rng.choice(formulas.LEAVES)
        forms = _SHARES if kind < 0.8 else self._reductions(_PICKED)
        return self._filled(self.rng.choice(forms), self.rng.randrange(2), deep - 1)

    def _reductions(self, pick: str) -> list[str]:
        return [*_REDUCED, pick, pick] if self.kind == "classes" else _REDUCED

    def _filled(self, form: str, size: int, deep: int) -> str:
        inner = self.entries(size, deep)
        if not re.search(r"\bp\b", inner):
            inner = "p"
        if form in (_PICKED, _PICKED_FLAT) and inner != "p":
            inner = f"p+({inner})"  # entries in any case
        return form.format(*[inner] * form.count("{}"))

    def number(self, size: int, *, top: bool = False) -> str:
        """Return a formula of one number per row."""
        if self.rng.random() < 0.7 or size < 2:
            forms = self._reductions(_PICKED_FLAT)
            if top:  # the mean of a row as the last step is that of elements
                forms = [x for x in forms if "mean" not in x]
            form = self.rng.choice(forms)
            return self._filled(form.replace(",keepdims=True", ""), size, 1)
        if self.rng.random() < 0.5:
            form = self.rng.choice(formulas.UNARY)
            return form.format(*[f"({self.number(size - 1)})"] * form.count("{}"))
        form = self.rng.choice([x for x in formulas.BINARY if "y" not in x])
        parts = [f"({self.number(size // 2)})" for _ in range(2)]
        return form.format(*parts, *parts[: form.count("{}") - 2])

    def formula(self, size: int) -> str:
        """Return a formula with labels of the kind."""
        text = self.number(size, top=True)
        if not re.search(r"\by\b", text):
            self.kind = "rows"
        if self.kind == "numbers":
            return re.sub(r"\by\b", "y[:,None]", text)
        if self.kind == "classes":
            # Labels that are no index are made of the entry there, and not equal to it:
            # x - x[y] has no slope that a root could have at 0.
            picked = f"(0.375*{_PICKED.format('p')})"
            return re.sub(r"\by\b(?!\[|\])", picked, text)
        return text


class RowFormula(formulas.Formula):
    """A formula of rows, exact in float32."""

    @property
    def samples(self) -> list[Sample]:
        """Each entry that moves, row by row."""
        return [self._sample(i, j) for i, j in np.ndindex(self.p.shape)]

    def _sample(self, i: int, j: int) -> Sample:
        y, p = self.y[i].tolist(), self.p[i].tolist()
        where = f"{self.source} {self.parameters} at y={y}, p={p}, entry {j}"
        sizes = [*map(abs, p)]
        fine = min(sizes) > 1 / formulas.FINE**10 and max(sizes) < formulas.FINE
        return Sample(where, fine, lambda field: self.jet(field, i, j))

    def jet(self, field: Any, i: int, j: int) -> Jet:
        """Return the number of a row in an arithmetic."""
        p = _stills(field, self.p[[i]])
        p[0, j] = Jet(field, p[0, j].v, field.one, field.zero)
        y = self.y[[i]]
        scope = {
            "np": OnRows(field),
            "fl": OnRows(field),
            "y": y if y.dtype.kind == "i" else _stills(field, y),
            "p": p,
            # NumPy's operators are those of arrays, also for one number.
            **{k: _stills(field, np.array([[x]])) for k, x in self.parameters.items()},
        }
        found: Jet = eval(self.source, scope).item()
        return found

    def run(self, loss: fl.Loss, dtype: type) -> list[Result]:
        """Return what NumPy and the library find for each entry."""
        p = self.p.astype(dtype)
        y = self.y if self.y.dtype.kind == "i" else self.y.astype(dtype)
        numbers = {name: dtype(k) for name, k in self.parameters.items()}
        with np.errstate(all="ignore"):
            plain = np.asarray(self.function(y, p, **numbers))
        value = loss(y, p, reduction="none", **self.parameters)
        grad, hess = loss.grad_and_hess(y, p, reduction="sum", **self.parameters)
        return [
            Result(plain[i], (float(value[i]), float(grad[i, j]), float(hess[i, j])))
            for i, j in np.ndindex(p.shape)
        ]


def _stills(field: Any, x: np.ndarray) -> np.ndarray:
    found = np.empty(x.shape, dtype=object)
    for place in np.ndindex(x.shape):
        found[place] = still(field, float(x[place]))
    return found


#: The fourth powers of numbers of the row have a float32.
EXTREME = (-200.0, -40.0, 2.0**-12, 45.0, 110.0, 800.0)
SHARES = ((0.0, 1.0, 0.0, 0.0, 0.0), (0.25, 0.5, 0.125, 0.0625, 0.0625))


def formula(seed: int, ordinary: int = 3, extreme: int = 3) -> RowFormula:
    """Return the formula of rows of this number, and so many rows."""
    rng = random.Random(seed)
    a, b = rng.choice(formulas.PARAMETERS)
    generator = _Generator(rng, rng.choice(_KINDS))
    text, kind = generator.formula(rng.randrange(1, 6)), generator.kind
    classes = rng.choice((2, 3, 3, 5))
    everywhere = formulas.ORDINARY + EXTREME
    rows = [rng.sample(formulas.ORDINARY, classes) for _ in range(ordinary)]
    rows += [rng.sample(everywhere, classes) for _ in range(extreme)]
    labels: Any
    if kind == "classes":
        labels = [rng.randrange(classes) for _ in rows]
    elif kind == "numbers":
        labels = [rng.choice(formulas.LABELS) for _ in rows]
    else:
        labels = [
            rng.choice((rng.sample(formulas.LABELS, classes), *map(list, SHARES)))
            for _ in rows
        ]
        labels = [row[:classes] for row in labels]
    return RowFormula(text, {"a": a, "b": b}, np.array(labels), np.array(rows))
