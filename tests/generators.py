"""Labels and predictions of every kind and domain, everyday ones and hard ones.

A kind of losses has one class here, a domain one function: a loss of a known kind whose
labels and predictions have known domains needs nothing of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

import fastloss as fl

Array = np.ndarray[Any, Any]
Random = np.random.RandomState
Shape = tuple[int, ...]

ROWS = {row.name: row for row in fl.REGISTRY}


def logsumexp(x: Any) -> Any:
    """``log sum exp x_k`` of rows, of numbers with as many digits as that takes."""
    m = np.max(x, axis=-1, keepdims=True)
    return m + np.log(np.sum(np.exp(x - m), axis=-1, keepdims=True))


def neighbours(points: Any, dtype: type) -> np.ndarray:
    """Each point and the two floats on both sides."""
    points = np.asarray(points, dtype)
    below = np.nextafter(points, dtype(-np.inf))
    above = np.nextafter(points, dtype(np.inf))
    outer = np.nextafter(below, dtype(-np.inf)), np.nextafter(above, dtype(np.inf))
    return np.concatenate([points, below, above, *outer])


def anywhere(dtype: type, n: int, random: np.random.RandomState) -> np.ndarray:
    """Finite floats of all exponents, subnormal ones included, and both signs."""
    info = np.finfo(dtype)
    exponents = random.randint(info.minexp - info.nmant, info.maxexp, n)
    size = np.ldexp(random.uniform(1, 2, n).astype(dtype), exponents)
    return np.minimum(size, info.max) * random.choice([-1, 1], n).astype(dtype)


def reals(dtype: type, n: int, random: np.random.RandomState) -> np.ndarray:
    info = np.finfo(dtype)
    tail = -1.02 * math.log(info.smallest_subnormal)
    powers = 2.0 ** np.arange(-12, 12)
    special = [0.0, info.smallest_subnormal, info.tiny, info.eps, info.max, tail]
    hardest = [4.8399496, 4.157294, 0.31074038]  # of all float32 logits, once
    special = neighbours([*special, *powers, *hardest], dtype)
    special = special[np.isfinite(special)]
    return np.concatenate(
        [
            special,
            -special,
            anywhere(dtype, n, random),
            random.uniform(-tail, tail, n).astype(dtype),
            random.standard_normal(n).astype(dtype),
            random.standard_normal(n // 2).astype(dtype) / 64,
        ]
    )


def units(dtype: type, n: int, random: np.random.RandomState) -> np.ndarray:
    """Probabilities: uniform ones, and ones close to 0 and to 1."""
    info = np.finfo(dtype)
    small = np.abs(anywhere(dtype, n, random))
    near_zero = small[small < 1]
    near_one = 1 - np.ldexp(random.uniform(1, 2, n), -random.randint(1, info.nmant, n))
    special = [0.0, info.smallest_subnormal, info.tiny, info.eps, 2.0**-12, 0.25, 0.5]
    special = neighbours([*special, 0.75, 1 - 2.0**-12, 1 - info.eps, 1.0], dtype)
    uniform = random.uniform(0, 1, n)
    p = np.concatenate([special, near_zero, near_one, uniform]).astype(dtype)
    return p[(p >= 0) & (p <= 1)]


def bits(dtype: type, n: int, random: Random) -> Array:
    """0 and 1."""
    return random.randint(0, 2, n).astype(dtype)


def signs(dtype: type, n: int, random: Random) -> Array:
    """-1 and 1."""
    return random.choice([-1, 1], n).astype(dtype)


def positives(dtype: type, n: int, random: Random) -> Array:
    """Numbers above 0: of all exponents whose squares are in range, and around 1."""
    info = np.finfo(dtype)
    near = neighbours([0.5, 1.0, 2.0, math.e], dtype)
    wide = np.ldexp(
        random.uniform(1, 2, n), random.randint(info.minexp, info.maxexp, n) // 2
    )
    special = [info.smallest_subnormal, info.tiny]
    everyday = np.exp(random.standard_normal(n))
    return np.concatenate([special, near, wide, everyday]).astype(dtype)


def means(dtype: type, n: int, random: Random) -> Array:
    """Numbers above 0, many of them subnormal."""
    info = np.finfo(dtype)
    steps = np.geomspace(1, 2.0**info.nmant, n // 2).round()
    subnormal = steps.astype(dtype) * info.smallest_subnormal
    return np.concatenate([positives(dtype, n, random), subnormal])


def counts(dtype: type, n: int, random: Random) -> Array:
    """Counts, and numbers above 0."""
    whole = random.poisson(3, n)
    return np.concatenate([[0.0], whole, positives(dtype, n, random)]).astype(dtype)


def above_minus_one(dtype: type, n: int, random: Random) -> Array:
    """Numbers above -1: positive ones, and ones close to 0 and to -1."""
    small = -np.abs(anywhere(dtype, n, random)).astype(dtype)
    near = np.ldexp(random.uniform(1, 2, n), -random.randint(1, 24, n)).astype(dtype)
    below = np.concatenate([small[small > -1], near - 1])
    return np.concatenate([[0.0], below, positives(dtype, n, random)]).astype(dtype)


#: Numbers of each domain, the ends and the kinks of formulas among them.
DOMAINS: dict[str, Callable[[type, int, Random], Array]] = {
    "real": reals,
    "sign": signs,
    "bit": bits,
    "unit": units,
    "probability": units,
    "count": counts,
    "log1p": above_minus_one,
    "positive": positives,
    "mean": means,
}

#: Domains that 99 is not in.
BOUNDED = {"sign", "unit", "probability", "class"}

#: Everyday numbers of each domain.
EVERYDAY: dict[str, Callable[[Random, Shape], Array]] = {
    "real": lambda random, shape: random.standard_normal(shape),
    "sign": lambda random, shape: random.choice([-1, 1], shape),
    "unit": lambda random, shape: random.randint(0, 2, shape),
    "bit": lambda random, shape: random.randint(0, 2, shape),
    "probability": lambda random, shape: (
        1 / (1 + np.exp(-3 * random.standard_normal(shape)))
    ),
    "count": lambda random, shape: random.poisson(2, shape),
    "positive": lambda random, shape: np.exp(random.standard_normal(shape)),
    "log1p": lambda random, shape: np.exp(random.standard_normal(shape)) - 0.5,
    "mean": lambda random, shape: np.exp(random.standard_normal(shape)),
}


def has_classes(row: fl.Row) -> bool:
    """Whether the label of a row is a class."""
    return row.labels == ("class",)


class Elements:
    """A label for every prediction."""

    #: Shapes of the inputs that the hashes of results are of.
    corpus = ((30_011,),)
    #: Predictions in a sample.
    widths = (7,)
    #: Ulps in float32, and how many more in float64.
    limits: ClassVar = {"value": 2.0, "grad": 2.5, "hess": 4.0, "wide": 1.0}

    def samples(self, shape: Shape) -> Shape:
        """The shape of values for predictions of `shape`."""
        return shape

    def labels(self, row: fl.Row, shape: Shape) -> Shape:
        """The shape of labels for predictions of `shape`."""
        return shape

    def hard(self, row: fl.Row, y: Array) -> Array:
        """Labels without halves, which booleans can be."""
        ones = row.labels == ("positive",)
        return np.maximum(y > 0.5, ones).astype(y.dtype)

    def one_hot(self, row: fl.Row, y: Array, random: Random) -> Array:
        """`y`, with one-hot rows where the labels are rows."""
        return y

    def plain(
        self, row: fl.Row, dtype: type, n: int, random: Random, classes: int
    ) -> tuple[Array, Array]:
        """About `n` everyday predictions and their labels."""
        scale = 3 if row.predictions == ("real",) else 1
        x = EVERYDAY[row.predictions[0]](random, (n,)) * scale
        y = EVERYDAY[row.labels[0]](random, (n,))
        return y.astype(dtype), x.astype(dtype)

    def infinite(self, row: fl.Row, dtype: type) -> tuple[Array, Array]:
        """Infinite predictions at both ends of the labels."""
        ends = {"sign": (-1, 1), "unit": (0, 1), "real": (-3, 3)}
        low, high = (ends | {"count": (0, 3), "positive": (1, 3)})[row.labels[0]]
        y = np.array([low, high, low, high], dtype)
        return y, np.array([1, 1, -1, -1]) * dtype(np.inf)

    def constant(self, row: fl.Row, dtype: type, n: int) -> tuple[Array, Array]:
        """`n` samples that are all the same."""
        return np.ones(n, dtype), np.full(n, 0.75, dtype)

    def larger_term(self, loss: fl.Loss, y: Array, x: Array, truth: Any) -> Array:
        """The larger of the terms ``(1 - q) l'(0)`` and ``q l'(1)``."""
        smoothing = truth.number(loss.label_smoothing)
        plain = replace(loss, label_smoothing=0.0)
        q = (1 - smoothing) * y + smoothing / 2
        zero = (1 - q) * truth.of(plain, "grad", 0 * y, x)
        one = q * truth.of(plain, "grad", 0 * y + 1, x)
        return np.maximum(abs(zero), abs(one))

    def batches(
        self,
        row: fl.Row,
        dtype: type,
        soft: bool,
        points: tuple[float, ...],
        random: Random,
    ) -> Iterator[tuple[Array, Array]]:
        """Batches over the domains; `points` are residuals at which there is a kink."""
        n = 350 if dtype == np.float32 else 130
        x = DOMAINS[row.predictions[0]](dtype, n, random)
        if row.labels == ("real",):
            kinks = neighbours([p * s for p in points for s in (-1, 1)], dtype)
            ties = np.repeat(random.choice(x[np.abs(x) < 1e30], 40), kinks.size)
            close = x * (1 + np.finfo(dtype).eps * random.randint(-3, 4, x.size))
            y = [0 * x, close.astype(dtype), anywhere(dtype, x.size, random)]
            y = [np.where(np.isfinite(z), z, x) for z in y]
            y = np.concatenate([*y, 0 * kinks, ties]).astype(dtype)
            x = np.concatenate([x, x, x, kinks, ties + np.tile(kinks, 40)]).astype(
                dtype
            )
            # Where rounding puts the residual on a kink, either side of it is right;
            # and a residual beyond the largest float counts as infinite.
            r = x - y
            certain = ~np.isin(np.abs(r), kinks) | ((r + y == x) & (x - r == y))
            certain &= np.isfinite(r)
            yield y[certain], x[certain]
            return
        if row.labels[0] in ("count", "positive", "log1p"):
            y = DOMAINS[row.labels[0]](dtype, n, random)
            mean = np.exp(np.clip(x, -40, 40)) if row.predictions == ("real",) else x
            steps = np.ldexp(1.0, -random.randint(0, 25, mean.size))
            near = mean * (1 + steps * random.choice([-1, 0, 1], mean.size))
            pairs = random.choice(y, x.size), np.maximum(near, y.min()), 0 * x + y.min()
            yield np.concatenate(pairs).astype(dtype), np.tile(x, 3)
            return
        if not soft:
            x = (
                np.concatenate([x, neighbours([-1.0, 1.0], dtype)])
                if row.labels == ("sign",)
                else x
            )
            low = -1 if row.labels == ("sign",) else 0
            y = np.repeat(np.array([low, 1], dtype), x.size)
            yield y, np.concatenate([x, x])
            return
        labels = units(dtype, n, random)
        p = (
            x
            if row.predictions == ("probability",)
            else 1 / (1 + np.exp(-x.astype(float)))
        )
        close = p * (1 + np.finfo(dtype).eps * random.randint(-3, 4, p.size))
        y = np.concatenate([random.choice(labels, x.size), np.minimum(close, 1)])
        yield y.astype(dtype), np.concatenate([x, x])


class Rows:
    """A class, or a label for each class, for a row of predictions."""

    corpus = ((4001, 3), (300, 100), (30, 999))
    widths = (7, 300)
    limits: ClassVar = {"value": 4.0, "grad": 4.0, "hess": 4.0, "wide": 0.0}

    def samples(self, shape: Shape) -> Shape:
        """The shape of values for predictions of `shape`."""
        return shape[:-1]

    def labels(self, row: fl.Row, shape: Shape) -> Shape:
        """The shape of labels for predictions of `shape`."""
        return shape[:-1] if has_classes(row) else shape

    def hard(self, row: fl.Row, y: Array) -> Array:
        """Labels without halves, which booleans can be."""
        return y if has_classes(row) else (y > 0.5).astype(y.dtype)

    def one_hot(self, row: fl.Row, y: Array, random: Random) -> Array:
        """`y`, with one-hot rows where the labels are rows."""
        if not has_classes(row):
            eye = np.eye(y.shape[-1])
            y[::2] = eye[random.randint(0, len(eye), len(y[::2]))]
            y[: len(y) // 2] = eye[random.randint(0, len(eye), len(y) // 2)]
        return y

    def plain(
        self, row: fl.Row, dtype: type, n: int, random: Random, classes: int
    ) -> tuple[Array, Array]:
        """About `n` everyday predictions and their labels."""
        shape = n // classes, classes
        scale = 3 if row.predictions == ("real",) else 1
        x = EVERYDAY[row.predictions[0]](random, shape) * scale
        if has_classes(row):
            return random.randint(0, classes, shape[:-1]), x.astype(dtype)
        if row.labels != ("unit",):
            return EVERYDAY[row.labels[0]](random, shape).astype(dtype), x.astype(dtype)
        y = random.dirichlet(np.ones(classes), shape[0])
        return y.astype(dtype), x.astype(dtype)

    def infinite(self, row: fl.Row, dtype: type) -> tuple[Array, Array]:
        """Infinite predictions at labels that are not 1."""
        infinity = np.inf
        x = np.array([[-infinity, 1, 2], [0.5, -infinity, -infinity]], dtype)
        if has_classes(row):
            return np.array([1, 1]), x
        if row.labels == ("real",):  # nothing infinite has a direction
            return np.ones((2, 3), dtype), np.where(np.isinf(x), dtype(0), x)
        if row.labels == ("bit",):
            return np.array([[0, 1, 1], [1, 0, 0]], dtype), x
        return np.array([[0, 0.25, 0.75], [0, 1, 0]], dtype), x

    def constant(self, row: fl.Row, dtype: type, n: int) -> tuple[Array, Array]:
        """`n` samples that are all the same."""
        x = np.full((n, 4), 0.25, dtype)
        if row.labels == ("bit",):
            return np.tile(np.array([0, 1, 0, 1], dtype), (n, 1)), x
        return (np.ones(n, np.int64) if has_classes(row) else x.copy()), x

    def other_labels(self, row: fl.Row, x: Array, random: Random) -> Array:
        """Labels that are no weights of classes: numbers, some close to x, or bits."""
        if row.labels == ("bit",):
            return bits(x.dtype.type, x.size, random).reshape(x.shape)
        y = random.standard_normal(x.shape) * np.abs(x).max(axis=-1, keepdims=True)
        y[::3] = (x * (1 + random.standard_normal(x.shape) / 64))[::3]
        y[1::7] = 0
        return y.astype(x.dtype)

    def larger_term(
        self, loss: fl.Loss, y: Array, x: Array, truth: Any
    ) -> Array | None:
        """The larger of ``(Q - q_j) p_j`` and ``q_j (1 - p_j)``, ``Q = sum q_j``.

        Or, with z-loss, what that adds: ``2 z lse Q p_j``.
        The sum Q of soft labels is allowed its rounding to double precision.
        """
        row = ROWS[loss.kernel]
        if not loss.kernel.endswith("_logits"):
            return None
        smoothing = truth.number(getattr(loss, "label_smoothing", 0.0))
        temperature = truth.number(loss.temperature)
        gain = temperature if loss.name == "kl_divergence" else 1 / temperature
        classes = np.arange(x.shape[-1])
        q = (y[..., np.newaxis] == classes) * 1 if has_classes(row) else y
        q = (1 - smoothing) * q + smoothing / x.shape[-1]
        first = np.broadcast_to((classes == 0) * 1, x.shape)
        dense = fl.CategoricalCrossentropy(from_logits=True)
        p = truth.of(dense, "grad", first, x / temperature) + first
        total = np.sum(q, axis=-1, keepdims=True)
        larger = gain * np.maximum((total - q) * p, q * (1 - p))
        if getattr(loss, "z_loss", 0):
            z, lse = truth.number(loss.z_loss), logsumexp(x / temperature)
            larger = np.maximum(larger, gain * abs(2 * z * lse) * total * p)
        if has_classes(row):
            return larger
        soft = np.count_nonzero(y, axis=-1, keepdims=True) > 1
        rounding = total * np.finfo(np.float64).eps / np.finfo(truth.dtype).eps
        return np.where(soft, np.maximum(larger, gain * rounding), larger)

    def batches(
        self,
        row: fl.Row,
        dtype: type,
        soft: bool,
        points: tuple[float, ...],
        random: Random,
    ) -> Iterator[tuple[Array, Array]]:
        """Batches over the domains."""
        for classes in (1, 2, 3, 10, 17, 100, 1000):
            n = {100: 12, 1000: 5}.get(classes, 20) // (1 if dtype == np.float32 else 2)
            shape = (n, classes)
            if row.predictions == ("probability",):
                x = random.choice(units(dtype, 500, random), shape)
                x[: n // 2] = random.dirichlet(np.full(classes, 0.3), n // 2)
                x = np.minimum(x, 1)
            else:
                x = random.standard_normal(shape) * random.choice(
                    [0.1, 1, 10, 40], (n, 1)
                )
                x += random.choice([0, 0, 1e3, -1e4], (n, 1))
                x[1::6, 0] += random.uniform(0, 110, x[1::6, 0].shape)
                x[2::6, -1] = x[2::6].max(axis=-1)
                x[3::6] = np.round(x[3::6])
                # The difference of two logits must not overflow: it would be infinite.
                x[4::9] = random.choice(anywhere(dtype, 500, random), x[4::9].shape) / 4
            x = x.astype(dtype)
            y = random.randint(0, classes, n)
            y[::3] = x[::3].argmax(axis=-1)
            y[1::6] = x[1::6].argmin(axis=-1)
            if has_classes(row):
                yield y, x
            elif row.labels != ("unit",):
                yield self.other_labels(row, x, random), x
            elif not soft:
                yield (y[:, np.newaxis] == np.arange(classes)).astype(dtype), x
            else:
                q = random.dirichlet(np.full(classes, 0.3), n)
                d = x[::2].astype(float) - x[::2].max(axis=-1, keepdims=True)
                q[::2] = np.exp(d) / np.exp(d).sum(axis=-1, keepdims=True)
                q[::5, 0] = 0
                if row.name == "total_variation_logits":
                    # Where p and q are equal, rounding chooses the side of the kink.
                    q *= 1 + 2.0**-12 * random.choice([-1, 1], q.shape)
                yield np.minimum(q, 1).astype(dtype), x


ELEMENTS, ROWS_OF_CLASSES = Elements(), Rows()
KINDS: dict[str, Any] = {"element": ELEMENTS, "row": ROWS_OF_CLASSES}


def of(loss: fl.Loss) -> Any:
    """The generator of the kind of a loss."""
    return KINDS[ROWS[loss.kernel].kind]
