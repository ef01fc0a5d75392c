"""Arguments of the losses that take more than one label and one prediction.

A loss has one class here: what a call is given, everyday or hard, and how large the
terms are that a result adds up, of which the error is a few ulps.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

import digits
import numpy as np

import fastloss as fl
from fastloss import reference

Array = np.ndarray[Any, Any]
Random = np.random.RandomState


def spread(random: Random, shape: tuple[int, ...]) -> Array:
    """Numbers of either sign and of sizes from small to large."""
    return random.standard_normal(shape) * 2.0 ** random.randint(-12, 8, shape)


class Case:
    """A loss, and arguments for it.

    `arguments` are those of the loss by position, `keywords` others that are arrays;
    `derived` says which of the arrays in the arguments derivatives are by.
    """

    loss: fl.Loss
    variants: ClassVar[tuple[dict[str, Any], ...]] = ({},)
    limits: ClassVar = {"value": 4.0, "grad": 4.0, "hess": 4.0}
    outputs: ClassVar = ("value", "grad", "hess")
    weighs_inside: ClassVar = False  # whether weights are part of the formula
    sizes: ClassVar = (1, 30, 33, 150)  # that are compared with the exact results
    several: ClassVar[dict[str, Any]] = {}  # parameters for more than one sample
    many: ClassVar[int] = 120_001  # entries, for several threads

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        """Arguments and keywords of a call with about `n` entries."""
        raise NotImplementedError

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        """What derivatives are by."""
        return (arguments[1],)

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        """The shape of values."""
        return self.predictions(arguments)[0].shape

    def counted(self, arguments: tuple, weight: Array) -> Array:
        """What each sample adds to the divisor of a mean."""
        return weight

    def spread(
        self, weight: Array, arguments: tuple, keywords: dict, parameters: dict
    ) -> Array:
        """The weight of the sample that each entry belongs to."""
        return weight

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        """The largest term of each result; None: the result itself.

        A tuple of these if those of each derivative are other ones.
        """
        return None


class Gaussian(Case):
    """Errors that the variance explains, and others."""

    loss = fl.gaussian_nll
    variants = ({}, {"full": True}, {"eps": 0.25})
    limits: ClassVar = {"value": 4.0, "grad": 2.5, "hess": 4.0}

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        y = spread(random, (n,)).astype(dtype)
        mean = (y * (1 + random.choice([0, 1e-3, 1], n))).astype(dtype)
        mean += spread(random, (n,)).astype(dtype)
        near = (mean.astype(float) - y) ** 2 * random.choice([0.5, 1, 1.001], n)
        var = np.where(random.rand(n) < 0.5, near, np.abs(spread(random, (n,))))
        return (y, (mean, var.astype(dtype))), {}

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        return arguments[1]

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output != "value":
            return None
        y, (mean, var) = exact["arguments"]
        v = np.maximum(var, parameters["eps"])
        return np.maximum(abs(np.log(v)), (mean - y) ** 2 / v) / 2


def largest(*terms: Any) -> Any:
    """The largest of some numbers, entry by entry."""
    result = abs(terms[0])
    for term in terms[1:]:
        result = np.maximum(result, abs(term))
    return result


class Located(Case):
    """A distribution of a location and a scale: labels near to it and far off."""

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        y = spread(random, (n,)).astype(dtype)
        loc = (y * (1 + random.choice([0, 1e-3, 1], n))).astype(dtype)
        loc += spread(random, (n,)).astype(dtype) * (random.rand(n) < 0.8)
        r = abs(loc.astype(float) - y)
        near = r * random.choice([0.002, 0.03, 0.1, 0.5, 1, 1.001, 3], n)
        scale = np.where(random.rand(n) < 0.7, near, abs(spread(random, (n,))))
        scale = np.where(scale == 0, 1, scale).astype(dtype)
        return (y, (loc, scale)), {}

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        return arguments[1]

    def parts(self, exact: dict[str, Any], parameters: dict) -> tuple[Any, Any, Any]:
        """Residual, scale and their ratio, all positive."""
        y, (loc, scale) = exact["arguments"]
        if "eps" in parameters:
            scale = np.maximum(scale, parameters["eps"])
        return (
            abs(loc - y),
            scale,
            abs(fl.reference.distribution._ratio(loc - y, scale)),
        )


class LogVariances(Located):
    loss = fl.GaussianNLL(log_variance=True)
    variants = ({}, {"full": True})

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        (y, (mean, scale)), keywords = super().draw(dtype, n, random)
        return (y, (mean, np.log(scale + dtype(1e-20)) * 2)), keywords

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        y, (mean, log) = exact["arguments"]
        q = (mean - y) ** 2 / np.exp(log)
        if output == "value":
            return largest(log, q) / 2
        return None if output == "hess" else (None, largest(q, 1 + 0 * q) / 2)


class LaplaceLikelihoods(Located):
    loss = fl.laplace_nll
    variants = ({}, {"full": True}, {"eps": 0.25})

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        _, b, q = self.parts(exact, parameters)
        if output == "value":
            return largest(np.log(b), q)
        if output == "grad":
            return None, largest(q, 1 + 0 * q) / b
        return None, largest(2 * q, 1 + 0 * q) / b**2


class StudentLikelihoods(Located):
    loss = fl.student_t
    variants = ({}, {"full": True, "nu": 1.0}, {"eps": 0.25, "nu": 30.0})

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        r, s, _ = self.parts(exact, parameters)
        nu = parameters["nu"]
        total = nu * s**2 + r**2
        if output == "value":
            return largest(np.log(s), (nu + 1) / 2 * np.log1p(r**2 / (nu * s**2)))
        if output == "grad":
            return None, nu * largest(s, r) ** 2 / (s * total)
        by_scale = largest(r**4 + (3 * nu + 1) * (r * s) ** 2, nu * s**4)
        return (
            (nu + 1) * largest(nu * s**2, r**2) / total**2,
            nu * by_scale / (s * total) ** 2,
        )


class Counts(Case):
    """Counts from 0 to a million, nearly Poisson's and far from them."""

    loss = fl.negative_binomial
    variants = ({}, {"full": True}, {"eps": 0.25})

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        # where lgamma cancels only for the sizes compared with exact results
        far, near = (20, 30) if n in self.sizes else (5, 5)
        y = np.floor(2.0 ** (random.choice([0, 5, far], n) * random.rand(n))) - 1
        mean = (y + (random.rand(n) < 0.5)) * (1 + 0.3 * random.standard_normal(n))
        mean = np.where(
            random.rand(n) < 0.1, 2.0 ** random.randint(-9, 9, n), abs(mean)
        )
        count = 2.0 ** random.uniform(-8, near, n)
        return tuple(
            each(lambda a: a.astype(dtype), part) for part in (y, (mean, count))
        ), {}

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        return arguments[1]

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        y, m, r = fl.reference.NegativeBinomial._parts(
            *exact["arguments"], parameters["eps"]
        )
        n, low, some = r + y, r < 2, y > 0
        d, pull = (m - y) / n, (m - y) / (r + m)
        spread = y * (r + n) / (2 * r**2 * n**2)
        if output == "value":
            counted = np.where(parameters["full"] & some, y, 1)
            ratio = np.log(counted * (r + m) / (m * n))
            rest = np.where(some, 1 + np.log((n + 2) / r) / 2, 0)
            rest = rest + (0 if parameters["full"] else y)
            return largest(r * np.log1p(d), y * ratio, rest)
        if output == "grad":
            refined = largest(np.log1p(d) - d, d * pull, y / (2 * r * n))
            return None, largest(refined, np.where(low, np.log((r + 2) / r), 0))
        refined = largest(pull**2 / n, spread)
        return (
            largest(y / m**2, n / (r + m) ** 2),
            largest(refined, np.where(low, 1 / r + 1 / r**2, 0)),
        )


class NormalScores(Located):
    loss = fl.crps_normal

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        r, s, q = self.parts(exact, parameters)
        density = np.exp(-(q**2) / 2) / np.sqrt(np.pi / 2 + 0 * s)
        constant = 1 / np.sqrt(np.pi + 0 * s)
        if output == "value":
            return largest(r, s * density, s * constant)
        return None if output == "hess" else (None, largest(density, constant))


class LaplaceScores(Located):
    loss = fl.crps_laplace

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        r, b, q = self.parts(exact, parameters)
        if output == "value":
            return largest(r, 0.75 * b)
        slope = largest((1 + q) * np.exp(-q), 0.75 + 0 * q)
        return None if output == "hess" else (None, slope)


class LogisticScores(Located):
    loss = fl.crps_logistic

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        r, s, _ = self.parts(exact, parameters)
        if output == "value":
            return largest(r, s)
        return None if output == "hess" else (None, 1 + 0 * r)


class Intervals(Case):
    """Labels inside, outside and at the ends."""

    loss = fl.interval_score
    variants = ({}, {"alpha": 0.5})

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        y = spread(random, (n,)).astype(dtype)
        ends = [
            np.where(random.rand(n) < 0.2, y, spread(random, (n,))).astype(dtype)
            for _ in range(2)
        ]
        return (y, tuple(ends)), {}

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        return arguments[1]

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output != "value":
            return None
        y, (low, high) = exact["arguments"]
        missed = np.maximum(low - y, 0) + np.maximum(y - high, 0)
        return largest(high - low, 2 / parameters["alpha"] * missed)


class Triplets(Case):
    """Rows near to each other and far apart."""

    loss = fl.triplet
    variants = (
        {},
        {"margin": 0.5, "eps": 0.0},
        {"p": 1.0},
        {"swap": True},
        {"p": 1.0, "swap": True, "margin": 2.0},
    )

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        width = 5 if n < 100 else 37
        shape = (max(n // width, 1), width)
        anchor = random.standard_normal(shape)
        size = random.choice([0.01, 1, 3], (shape[0], 1))
        positive = anchor + random.standard_normal(shape) * size
        negative = anchor + random.standard_normal(shape) * size
        return tuple(row.astype(dtype) for row in (anchor, positive, negative)), {}

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        return arguments

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        return arguments[0].shape[:-1]

    def spread(
        self, weight: Array, arguments: tuple, keywords: dict, parameters: dict
    ) -> Array:
        return weight[..., np.newaxis]

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        formula = fl.reference.Triplet
        rows, p, eps = exact["arguments"], parameters["p"], parameters["eps"]
        pairs = [(rows[0], rows[1]), (rows[0], rows[2]), (rows[1], rows[2])]
        parts = [formula._distance(x, z, p, eps) for x, z in pairs]
        if output == "value":
            return np.maximum(parts[0][0], parts[1][0]) + parameters["margin"]
        if p == 1:
            return None
        # of 1 - u^2 the larger term is 1
        return sum(
            abs(part[1]) if output == "grad" else 1 / part[0][..., np.newaxis]
            for part in parts
        )


class Pairs(Case):
    """Labelled pairs of rows, near to each other and far apart."""

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        width = 5 if n < 100 else 37
        shape = (max(n // width, 1), width)
        a = random.standard_normal(shape)
        b = a + random.standard_normal(shape) * random.choice([0.01, 1], (shape[0], 1))
        b *= random.choice([-1, 1, 3], (shape[0], 1))
        labels = self.labels(shape[0], random)
        return (labels.astype(dtype), (a.astype(dtype), b.astype(dtype))), {}

    def labels(self, n: int, random: Random) -> Array:
        """One for each pair."""
        return random.choice([-1, 1], n)

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        return arguments[1]

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        return arguments[0].shape

    def spread(
        self, weight: Array, arguments: tuple, keywords: dict, parameters: dict
    ) -> Array:
        return weight[..., np.newaxis]


class Contrasts(Pairs):
    """Labels that are sure, and soft ones."""

    loss = fl.contrastive
    variants = ({}, {"margin": 4.0})

    def labels(self, n: int, random: Random) -> Array:
        return random.choice([0, 1, 0.25], n)

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        y, pair = exact["arguments"]
        _, r, d, lack, u = fl.reference.Contrastive._parts(
            y, pair, parameters["margin"]
        )
        size = parameters["margin"] + d
        if output == "value":
            return y * d**2 + (1 - y) * lack * size
        y, size, d = y[..., np.newaxis], size[..., np.newaxis], d[..., np.newaxis]
        if output == "grad":
            return y * abs(r) + (1 - y) * size * abs(u)
        return y + (1 - y) * (1 + size / d)


class Cosines(Pairs):
    """Labels are signs."""

    loss = fl.cosine_embedding
    variants = ({}, {"margin": 0.5, "eps": 0.0}, {"eps": 0.25})

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        _, _, u, v, p, q = fl.reference.CosineEmbedding._parts(
            *exact["arguments"], parameters["margin"], parameters["eps"]
        )
        if output == "value":
            return 1 + 0 * p[..., 0]
        length = np.minimum(p, q)
        if output == "grad":
            return (abs(u) + abs(v)) / length
        return (1 + 3 * u**2 + 3 * v**2) / length**2


class Rankings(Case):
    """Scores in the right order and in the wrong one."""

    loss = fl.margin_ranking
    variants = ({}, {"margin": 0.5})

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        scores = (spread(random, (n,)).astype(dtype) for _ in range(2))
        return (random.choice([-1, 1], n).astype(dtype), tuple(scores)), {}

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        return arguments[1]

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output != "value":
            return None
        first, second = exact["arguments"][1]
        return np.maximum(abs(first - second), parameters["margin"])


class Batches(Case):
    """Rows of several classes, some of one row, near to each other and far apart."""

    outputs = ("value", "grad")
    weighs_inside = True

    def rows(self, dtype: type, n: int, random: Random) -> tuple[Array, Array]:
        """Classes and embeddings, of at most 700 rows."""
        width = 5 if n < 160 else 37
        count = min(max(n // width, 2), 700)
        classes = random.randint(0, count // 3 + 1, count)
        centres = random.standard_normal((count, width))
        noise = random.standard_normal((count, width)) * random.choice([0.2, 2])
        size = 2.0 ** random.randint(-2, 3, (count, 1))
        return classes * 7 - 3, ((centres[classes] + noise) * size).astype(dtype)

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        return self.rows(dtype, n, random), {}

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        return self.predictions(arguments)[0].shape[:1]

    def others(self, arguments: tuple, weight: Array) -> tuple[Array, Array]:
        """Of each row, how many are of its class, and of other ones."""
        sides = fl.reference.embedding._Similarities.sides(*arguments, weight)
        return sides[0].sum(1), sides[1].sum(1)

    def condition(self, parameters: dict) -> Any:
        """How much an error of a similarity changes an exponent."""
        scale = parameters.get("scale") or 1 / parameters["temperature"]
        return 1 + scale

    def parts(self, arguments: tuple, slopes: Array, parameters: dict) -> Any:
        """Sizes of what the slopes by the similarities are sums of."""
        return abs(slopes)

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        arguments, condition = exact["arguments"], self.condition(parameters)
        formula = getattr(fl.reference, type(self.loss).__name__)
        values, slopes = formula._parts(*arguments, None, **parameters)
        tools = fl.reference.embedding._Similarities
        cosine = parameters.get("similarity", "cosine") == "cosine"
        rows = [a for a in arguments if a.ndim == 2]
        units = [tools.unit(a, cosine) for a in rows]
        size = 1 if cosine else max(np.sum(a**2, axis=1).max() for a in rows)
        if output == "value":
            count = np.sum(abs(slopes) > 0, axis=1)
            return condition * size * np.where(count > 0, count, 1) + values
        slopes = self.parts(arguments, slopes, parameters) * (1 + condition * size)
        if len(rows) == 2:
            pulls = [(slopes, *units[::-1]), (slopes.T, *units)]
        else:
            pulls = [(slopes + slopes.T, units[0], units[0])]
        terms = tuple(
            (np.dot(pull, abs(theirs[0])) + pull.sum(1)[:, np.newaxis] * abs(mine[0]))
            / mine[1]
            for pull, theirs, mine in pulls
        )
        return terms if len(rows) == 2 else terms[0]


class Views(Batches):
    """NT-Xent counts pairs."""

    loss = fl.ntxent
    variants = (
        {},
        {"decoupled": True},
        {"temperature": 2.0, "similarity": "dot"},
    )

    def counted(self, arguments: tuple, weight: Array) -> Array:
        return weight * self.others(arguments, weight)[0]


class Supervised(Batches):
    """Rows without another of their class do not count."""

    loss = fl.supcon
    variants = ({}, {"temperature": 2.0, "similarity": "dot"})

    def counted(self, arguments: tuple, weight: Array) -> Array:
        return weight * (self.others(arguments, weight)[0] > 0)

    def parts(self, arguments: tuple, slopes: Array, parameters: dict) -> Any:
        """Of several rows of a class, each share less that of all."""
        same, _ = fl.reference.embedding._Similarities.sides(*arguments, None)
        count = same.sum(1)[:, np.newaxis]
        labels = np.where(same & (count > 1), 1 / np.maximum(count, 1), 0)
        return abs(slopes) + 2 * labels / parameters["temperature"]


class Queries(Batches):
    """Each row has its own."""

    loss = fl.infonce
    variants = ({}, {"scale": 0.5, "similarity": "dot"})

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        _, query = self.rows(dtype, n, random)
        key = query + random.standard_normal(query.shape)
        return (query, key.astype(dtype)), {}

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        return arguments


class SoftExtremes(Batches):
    """All rows count."""

    loss = fl.multi_similarity
    variants = ({}, {"alpha": 8.0, "beta": 4.0, "base": 0.25})

    def condition(self, parameters: dict) -> Any:
        return 2 + parameters["alpha"] + parameters["beta"]


class Circles(Batches):
    """Rows without either sort of others do not count."""

    loss = fl.circle
    variants = ({}, {"m": 0.25, "gamma": 4.0})

    def counted(self, arguments: tuple, weight: Array) -> Array:
        same, other = self.others(arguments, weight)
        return weight * ((same > 0) & (other > 0))

    def condition(self, parameters: dict) -> Any:
        return 1 + 4 * parameters["gamma"]


class Lists(Case):
    """Short and long groups, groups of one, and groups without entries."""

    loss = fl.listnet
    lengths: ClassVar = [1, 3, 10, 40]
    largest: ClassVar[int] = 10**9

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        sizes = [0, 1, 2, 16, 0, 0, 17]
        while sum(sizes) < n:
            largest = min(n // 3 + 1, self.largest)
            sizes.append(int(random.choice([*self.lengths, largest])))
        sizes.append(0)
        total = sum(sizes)
        relevance = random.randint(0, 5, total) * random.choice([1, 1, 8], total)
        scores = random.standard_normal(total) * random.choice([1, 3, 30], total)
        arguments = relevance.astype(dtype), scores.astype(dtype)
        return arguments, {"groups": np.array(sizes)}

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        return (len(keywords["groups"]),)

    def spread(
        self, weight: Array, arguments: tuple, keywords: dict, parameters: dict
    ) -> Array:
        return np.repeat(weight, keywords["groups"])

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output != "grad":
            return None
        y, x = exact["arguments"]
        p = fl.reference.ListNet.grad(0 * x, x, parameters["groups"])
        q = fl.reference.ListNet.grad(0 * y, y, parameters["groups"])
        n = np.repeat(parameters["groups"], parameters["groups"])
        return p + q + 2 / (n + 0 * x)


class Shares(Lists):
    """Relevances as they are."""

    loss = fl.ranking_softmax

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        y, x = exact["arguments"]
        grad = fl.reference.RankingSoftmax.grad(y, x, parameters["groups"])
        return grad + 2 * y if output == "grad" else None


class Pairs(Lists):
    """Pairs of all entries: groups are not too long."""

    loss = fl.pairwise_logistic
    variants = ({}, {"sigma": 2.0}, {"sigma": 0.5, "pairs": "mean"})
    sizes = (1, 33, 60)
    lengths: ClassVar = [1, 3, 10, 40] * 10
    largest, many = 200, 17_001

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output != "grad":
            return None
        named = {k: v for k, v in parameters.items() if k not in ("groups", "axis")}
        y, x = exact["arguments"]
        parts = fl.reference.ranking._groups(y, x, parameters["groups"])
        return np.concatenate(
            [
                self.sizes_of_slopes(*part, **named) if len(part[0]) else part[0]
                for part in parts
            ]
        )

    def sizes_of_slopes(self, y: Array, x: Array, **named: Any) -> Array:
        """The terms of the gradient of a group, all of one sign."""
        sigma = named.pop("sigma")
        weights = getattr(fl.reference, type(self.loss).__name__)._weights(
            y, x, **named
        )
        sigmoid = fl.reference.ranking._sigmoid(-sigma * (x[:, np.newaxis] - x))
        slope = sigma * weights * sigmoid
        return np.sum(slope, axis=0) + np.sum(slope, axis=1)


class Lambdas(Pairs):
    """Pairs that change NDCG."""

    loss = fl.lambdarank
    limits: ClassVar = {"value": 4.0, "grad": 4.0, "hess": 5.0}
    variants = ({}, {"k": 3, "gain": "linear"}, {"sigma": 0.5, "k": 600})


class Orders(Lists):
    """The likelihood of an order."""

    loss = fl.listmle
    sizes = (1, 33, 60)

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output == "value":
            return None
        y, x = exact["arguments"]
        result, at = 0 * x, 0
        for part in fl.reference.ranking._groups(y, x, parameters["groups"]):
            _, shares, order = fl.reference.ListMLE._shares(*part)
            sizes = np.sum(shares * (1 + shares), axis=0)
            result[at + order] = (
                sizes if output == "hess" else np.sum(shares, axis=0) + 1
            )
            at += len(order)
        return result


class SoftRanks(Lists):
    """Ranks of all entries: groups are not too long."""

    loss = fl.approx_ndcg
    variants = ({"alpha": 1.0}, {"alpha": 8.0, "gain": "linear"})
    sizes = (1, 33, 60)
    lengths: ClassVar = [1, 3, 10, 40] * 10
    largest, many = 200, 17_001

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        y, x = exact["arguments"]
        parts = fl.reference.ranking._groups(y, x, parameters["groups"])
        if output == "value":
            return np.ones(len(parts), int)
        sizes = [self.sizes_of(output, *part, parameters) for part in parts]
        return np.concatenate(sizes)

    def sizes_of(self, output: str, y: Array, x: Array, parameters: dict) -> Array:
        """The terms of a derivative of a group, all of one sign."""
        if len(x) == 0:
            return x
        alpha, gain = parameters["alpha"], parameters["gain"]
        parts = fl.reference.ApproxNDCG._parts(y, x, alpha, gain)
        gains, r, slope, _ = parts
        c = gains / (r * np.log(r) ** 2)
        moves = slope * (c + c[:, np.newaxis])
        if output == "grad":
            return np.sum(moves, axis=1)
        bend = gains * (np.log(r) + 2) / (r**2 * np.log(r) ** 3)
        own = np.sum(slope, axis=1) ** 2 * bend
        return np.sum(alpha * moves + slope**2 * bend, axis=1) + own


class Times(Case):
    """Times that are known, later, earlier, between near and far bounds, or any."""

    loss = fl.aft
    limits: ClassVar = {"value": 4.0, "grad": 4.0, "hess": 6.0}
    variants = ({}, {"sigma": 0.5}, {"sigma": 3.0})
    far: ClassVar[float] = 25.0  # what z goes up to

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        exact = n in self.sizes  # formulas in floats have no digits far out
        far, widths = (self.far, [1e-5, 0.01, 0.3]) if exact else (2.0, [0.3])
        x = (random.standard_normal(n) * 2).astype(dtype)
        z = random.uniform(-far, far, n) * random.choice([0.01, 0.2, 1], n)
        width = random.choice([0, 0, *widths, 0.8, 1.3, 4.0], n)
        low = np.exp(x + z - width / 2).astype(dtype)
        high = np.where(width == 0, low, np.exp(x + z + width / 2)).astype(dtype)
        low[random.rand(n) < 0.15] = 0
        high[random.rand(n) < 0.15] = np.inf
        high = np.where(high == 0, 1, high).astype(dtype)
        return ((low, high), x), {}

    def standard(
        self, exact: dict[str, Any], parameters: dict
    ) -> tuple[Any, Any, Any, Any]:
        """Both z, whether they are one, and the sizes of log t and log sigma."""
        (low, high), x = exact["arguments"]
        sigma = parameters["sigma"]
        at = [fl.reference.AFT._at(t, x, sigma, "normal")[0] for t in (low, high)]
        inside = np.where(low == high, low, 1 + 0 * x)
        return *at, low == high, largest(np.log(inside), np.log(sigma + 0 * x))

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        z, y, known, logs = self.standard(exact, parameters)
        width = np.where(known, 1 + 0 * z, y - z)
        if output == "value":
            middle = (z + y) / 2
            near = largest(middle**2 / 2, 1 + 0 * z, np.log(width))
            return np.where(width <= 1, largest(near, logs), 0)
        if output == "hess":
            return None
        sigma = parameters["sigma"]
        chance = fl.reference.AFT._parts(*exact["arguments"], "normal", sigma)[0]
        density = largest(np.exp(-(z**2) / 2), np.exp(-(y**2) / 2)) * 0.4
        return np.where((width > 1) & (z * y < 0), density / (sigma * chance), 0)


class LogisticTimes(Times):
    loss = fl.AFT(distribution="logistic")
    far = 80.0

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        z, _, known, logs = self.standard(exact, parameters)
        return np.where(known, largest(z, logs), 0) if output == "value" else None


class ExtremeTimes(Times):
    loss = fl.AFT(distribution="extreme")
    far = 4.0

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        z, y, known, logs = self.standard(exact, parameters)
        v, sigma = np.exp(z), parameters["sigma"]
        d = np.where(known, 0 * v, np.exp(y) - v)
        one = 1 + 0 * v
        decay = np.where(known, one, d / np.expm1(np.where(known, one, d)))
        if output == "value":
            return np.where(known, largest(z, v, logs), largest(v, d * decay))
        if output == "grad":
            return largest(v, decay, d * decay) / sigma
        return largest(v, d * d * decay) / sigma**2


class Cohorts(Case):
    """Times with ties, scores that leave the range of exp."""

    loss = fl.cox
    sizes = (1, 12, 33)
    variants = ({}, {"ties": "breslow"})
    weighs_inside = True

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        n = min(n, 4000)
        time = random.choice([random.randint(1, 9, n), random.rand(n)][n % 2], n)
        event = random.rand(n) < 0.6
        risk = random.standard_normal(n) * (300 if n % 3 == 0 else 2)
        return ((time.astype(float), event), risk.astype(dtype)), {}

    def counted(self, arguments: tuple, weight: Array) -> Array:
        return weight * arguments[0][1]

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        labels, x = exact["arguments"]
        weight, ties = exact.get("weight"), parameters["ties"]
        weight = np.ones(len(x), int) if weight is None else weight
        among = parameters.get("strata"), parameters.get("entry")
        deaths = fl.reference.Cox._deaths(labels, x, weight, ties, *among)
        result = 0 * x
        for tied, mean_weight, steps in deaths:
            p = steps / np.sum(steps, axis=1)[:, np.newaxis]
            if output == "value":
                several = ties == "efron" and len(steps) > 1
                logs = abs(np.log(np.sum(steps, axis=1))).max() if several else 0
                result = np.where(tied & several, weight * (logs + abs(x)), result)
            elif output == "grad":
                result = result + mean_weight * np.sum(p, axis=0) + weight * tied
            else:
                result = result + mean_weight * np.sum(p * (1 + p), axis=0)
        return result


class Hazards(Case):
    """Hazards that are likely and unlikely, of one interval and of many."""

    loss = fl.discrete_hazard

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        steps = [1, 5, 19][n % 3]
        shape = (max(n // steps, 1), steps)
        logits = random.standard_normal(shape) * random.choice([0.1, 3, 30], shape)
        interval = random.randint(0, steps, shape[0])
        event = random.rand(shape[0]) < 0.6
        return ((interval, event), logits.astype(dtype)), {}

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        return arguments[1].shape[:-1]

    def spread(
        self, weight: Array, arguments: tuple, keywords: dict, parameters: dict
    ) -> Array:
        return weight[..., np.newaxis]


class Regions(Case):
    """Hard and soft labels; certain and uncertain predictions; classes without labels.

    A loss has the slopes `none` and `full` for t = 0 and t = 1, of different signs.
    """

    variants: ClassVar = (
        {"axis": -1},
        {"axis": -1, "smooth": 0.0},
        {"axis": -1, "tp": "absolute", "smooth": 0.5},
        {"axis": (0, 2)},
        {},
    )
    several: ClassVar = {"axis": -1}  # for more than one sample

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        shape = (2, 3, max(n // 6, 1))
        y = random.choice([0, 0, 1, 1, 0.25], shape)
        y[-1, 0] *= n % 3 == 0
        p = np.where(random.rand(*shape) < 0.1, y, random.rand(*shape) ** 4)
        return (y.astype(dtype), p.astype(dtype)), {}

    def inner(self, parameters: dict) -> tuple[int, ...]:
        """The axes of a sample."""
        axis = parameters.get("axis")
        return {-1: (2,), None: (0, 1, 2)}.get(axis, axis)

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        inner, shape = self.inner(keywords), arguments[1].shape
        return tuple(n for axis, n in enumerate(shape) if axis not in inner)

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output == "value":
            return None
        y, p = exact["arguments"]
        entries = self.entries(parameters)
        *sums, hit, _, _, _ = fl.reference.segmentation._sums(
            y, p, parameters["tp"], entries
        )
        first, second = self.slopes(*sums, hit, parameters)
        return first if output == "grad" else second

    def entries(self, parameters: dict) -> tuple[int, ...]:
        """The axes of a region."""
        return self.inner(parameters)

    def spread(
        self, weight: Array, arguments: tuple, keywords: dict, parameters: dict
    ) -> Array:
        return np.expand_dims(weight, self.inner(parameters))

    def slopes(
        self, both: Any, false: Any, lost: Any, neither: Any, hit: Any, parameters: dict
    ) -> tuple[Any, Any]:
        """The terms of the first and the second derivatives, all of one sign."""
        raise NotImplementedError


class Boxes(Case):
    """Boxes that meet, touch, are one or are apart; corners are exact in any format."""

    loss = fl.iou
    variants = (
        {},
        {"eps": 0.0, "format": "cxcywh"},
        {"eps": 0.5, "format": "xywh"},
    )

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        n = max(n // 4, 1)
        true = random.randint(-64, 64, (n, 4)) / 16
        pred = np.where(
            random.rand(n, 4) < 0.2, true, random.randint(-64, 64, (n, 4)) / 16
        )
        near = random.rand(n, 1) < 0.5
        pred = np.where(near, true + random.randint(-4, 5, (n, 4)) / 64, pred)
        for box in (true, pred):  # of every format
            box[:, :2] = -np.abs(box[:, :2])
            box[:, 2:] = np.abs(box[:, 2:]) + 1 / 4
        return (true.astype(dtype), pred.astype(dtype)), {}

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        return arguments[1].shape[:-1]

    def spread(
        self, weight: Array, arguments: tuple, keywords: dict, parameters: dict
    ) -> Array:
        return weight[..., np.newaxis]

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        """What areas change by, sides, over areas."""
        true, pred = exact["arguments"]
        name, form = type(self.loss).__name__, parameters["format"]
        own, other = (self.corners(box, form) for box in (pred, true))
        areas = [abs((b[2] - b[0]) * (b[3] - b[1])) for b in (own, other)]
        sides = sum(abs(b[2] - b[0]) + abs(b[3] - b[1]) for b in (own, other))
        union = sum(areas) / 2 + parameters["eps"]
        rate = sides / union
        if name == "IoU" and output == "value":
            return None
        if output == "value":
            return 1 + 0 * rate
        rate = rate[..., np.newaxis] + 0 * pred
        return rate if output == "grad" else rate**2

    @staticmethod
    def corners(box: Array, form: str) -> list[Array]:
        a, b, c, d = np.moveaxis(box, -1, 0)
        if form == "cxcywh":
            a, b = a - c / 2, b - d / 2
        return [a, b, c, d] if form == "xyxy" else [a, b, a + c, b + d]


class Enclosed(Boxes):
    """The same with the area around both."""

    loss = fl.giou


class Distant(Boxes):
    """The same with the distance of the centres."""

    loss = fl.diou


class Aspects(Boxes):
    """The same with the aspects."""

    loss = fl.ciou


class DiceRegions(Regions):
    """As one quotient."""

    loss = fl.dice

    def slopes(
        self, both: Any, false: Any, lost: Any, neither: Any, hit: Any, parameters: dict
    ) -> tuple[Any, Any]:
        size = 2 * both + false + lost + parameters["smooth"]
        size = np.where(size == 0, 1, size)
        larger = (2 * hit + 1) / size
        return larger, 2 * larger / size


class TverskyRegions(Regions):
    """As a power of a quotient."""

    loss = fl.tversky
    variants = (
        *Regions.variants,
        {"axis": -1, "alpha": 0.25, "beta": 2.0, "smooth": 0.5},
        {"axis": -1, "alpha": 0.0, "gamma": 0.75},
        {"axis": (0, 2), "beta": 0.75, "gamma": 2.0, "tp": "absolute", "smooth": 0.0},
    )
    limits: ClassVar = {"value": 4.0, "grad": 4.0, "hess": 5.0}
    names: ClassVar = ("alpha", "beta", "gamma")

    def slopes(
        self, both: Any, false: Any, lost: Any, neither: Any, hit: Any, parameters: dict
    ) -> tuple[Any, Any]:
        alpha, beta, gamma = (parameters.get(name, 1) for name in self.names)
        missed, found = alpha * false + beta * lost, both + parameters["smooth"]
        all_ = np.where(missed + found == 0, 1, missed + found)
        r = np.where(missed == 0, 1, missed / all_)  # any, where a power of r is 0
        slope = (1 - hit) * alpha * found + hit * (beta * found + missed)
        slope = slope / all_**2
        up = ((1 - hit) * alpha + hit * (1 + beta)) / all_
        first = gamma * r ** (gamma - 1) * slope
        second = abs(gamma * (gamma - 1)) * r ** (gamma - 2) * slope**2
        return first, second + 2 * first * up


class JaccardRegions(TverskyRegions):
    """As intersection over union."""

    loss = fl.jaccard
    variants = Regions.variants


class Classes(Regions):
    """All classes of a sample in one quotient."""

    loss = fl.generalized_dice
    variants = (
        {"axis": -1},
        {"axis": 2, "class_axis": 0, "weighting": "simple", "smooth": 0.0},
        {"axis": -1, "weighting": "uniform", "tp": "absolute"},
        {"smooth": 0.5},
    )

    def entries(self, parameters: dict) -> tuple[int, ...]:
        return (0, 2) if parameters["axis"] is None else (2,)

    def inner(self, parameters: dict) -> tuple[int, ...]:
        if parameters.get("axis") is None:
            return (0, 1, 2)
        return (parameters.get("class_axis", 1), 2)

    def slopes(
        self, both: Any, false: Any, lost: Any, neither: Any, hit: Any, parameters: dict
    ) -> tuple[Any, Any]:
        classes = parameters["class_axis"]
        power = {"uniform": 0, "simple": 1, "square": 2}[parameters["weighting"]]
        labels = both + lost
        w = np.where(labels == 0, 0, 1 / np.where(labels == 0, 1, labels) ** power)
        w = np.where(labels == 0, np.max(w, axis=classes, keepdims=True), w)
        size = np.sum(w * (2 * both + false + lost), axis=classes, keepdims=True)
        size = size + parameters["smooth"]
        larger = w * (2 * hit + 1) / np.where(size == 0, 1, size)
        return larger, 2 * w * larger / np.where(size == 0, 1, size)


class Correlations(Regions):
    """Of all four counts."""

    loss = fl.mcc
    variants = (*Regions.variants, {"axis": -1, "smooth": 2.0**-10})

    def slopes(
        self, both: Any, false: Any, lost: Any, neither: Any, hit: Any, parameters: dict
    ) -> tuple[Any, Any]:
        a, b, c, d = (
            part + parameters["smooth"] for part in (both, false, lost, neither)
        )
        p, s = a + b, c + d
        product = p * s * (a + c) * (b + d)
        empty = product == 0
        half = np.where(empty, 1, (p + s) / (2 * np.sqrt(product + empty)))
        p, s = np.where(empty, 1, p), np.where(empty, 1, s)
        sizes = (1 - hit) * (a / p + c / s) + hit * (b / p + d / s)
        bends = (a + b) / p**2 + (c + d) / s**2 + (1 / p + 1 / s) * sizes
        return half * sizes, half * bends


class Errors(Regions):
    """Errors that can be told apart in double precision, and equal ones."""

    loss = fl.lovasz_hinge
    variants = (
        {"axis": -1},
        {"axis": -1, "ignore_class": 1},
        {"axis": (0, 2)},
        {},
    )

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        shape = (2, 3, max(n // 6, 1))
        y = random.randint(0, 2, shape)
        y[-1, 0] *= n % 3 == 0
        y[..., 1:2] = 0  # what ignoring 1 leaves
        x = np.floor(random.standard_normal(shape) * 2**8) / 2**7
        return (y, x.astype(dtype)), {}

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        return None


class ErrorsOfClasses(Errors):
    """Classes that a sample has, and others."""

    loss = fl.lovasz_softmax
    variants = (
        {"axis": -1},
        {"axis": 2, "average": "all", "ignore_class": 1},
        {"class_axis": -2, "average": "all"},
        {"ignore_class": 0},
        {},
    )

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        shape = (3, 4, max(n // 12, 1))
        y = random.randint(0, 4, (3, shape[2]))
        y[0] %= 2
        p = random.randint(0, 2**8 + 1, shape) / 2**8
        return (y, p.astype(dtype)), {}

    def inner(self, parameters: dict) -> tuple[int, ...]:
        return (0, 1, 2) if parameters.get("axis") is None else (1, 2)


CASES = {
    case.loss.kernel: case
    for case in (
        Gaussian(),
        LogVariances(),
        LaplaceLikelihoods(),
        StudentLikelihoods(),
        Counts(),
        NormalScores(),
        LaplaceScores(),
        LogisticScores(),
        Intervals(),
        Triplets(),
        Contrasts(),
        Cosines(),
        Rankings(),
        Views(),
        Supervised(),
        Queries(),
        SoftExtremes(),
        Circles(),
        Lists(),
        Shares(),
        Pairs(),
        Lambdas(),
        Orders(),
        SoftRanks(),
        Cohorts(),
        Times(),
        LogisticTimes(),
        ExtremeTimes(),
        Hazards(),
        DiceRegions(),
        JaccardRegions(),
        TverskyRegions(),
        Classes(),
        Correlations(),
        Errors(),
        ErrorsOfClasses(),
        Boxes(),
        Enclosed(),
        Distant(),
        Aspects(),
    )
}


def each(function: Any, tree: Any) -> Any:
    """`function` of every array in nested tuples."""
    if isinstance(tree, tuple):
        return tuple(each(function, part) for part in tree)
    return function(tree)


def flat(tree: Any) -> tuple[Any, ...]:
    """The arrays of nested tuples."""
    if isinstance(tree, tuple):
        return tuple(leaf for part in tree for leaf in flat(part))
    return (tree,)


@cache
def truth(case: Case, dtype: type, n: int, **variant: Any) -> tuple[tuple, dict, dict]:
    """Arguments and keywords of a size, and the exact results of each output."""
    import oracle  # which asks for `CASES`

    loss = replace(case.loss, reduction="none", **variant)
    arguments, keywords = case.draw(dtype, n, Random(n))
    results = {}
    near = all(digits.is_near(a).all() for a in flat(arguments))
    with oracle.numbers_of(loss, dtype, near) as numbers:
        named = oracle.exact_parameters(loss, dtype, numbers)
        exact = each(numbers.exactly, arguments)
        if loss.name == "cox":  # times are no numbers to calculate with
            exact = arguments[0], numbers.exactly(arguments[1])
        for output in case.outputs:
            formula = getattr(getattr(reference, type(loss).__name__), output)
            leaves = flat(formula(*exact, **keywords, **named))
            terms = case.terms(output, {"arguments": exact}, {**keywords, **named})
            each_terms = terms if isinstance(terms, tuple) else (terms,) * len(leaves)
            results[output] = [
                oracle.Truth.of(
                    np.asarray(leaf, object),
                    dtype,
                    None if scale is None else np.broadcast_to(scale, np.shape(leaf)),
                )
                for leaf, scale in zip(leaves, each_terms, strict=True)
            ]
    return arguments, keywords, results


def errors(
    case: Case, variant: dict[str, Any], dtype: type, n: int
) -> dict[str, float]:
    """The largest error of each output in ulps of its largest term."""
    loss = replace(case.loss, reduction="none", **variant)
    worst = dict.fromkeys(case.outputs, 0.0)
    arguments, keywords, exact = truth(case, dtype, n, **variant)
    value, grads = loss.value_and_grad(*arguments, **keywords)
    got = [value, grads]
    if "hess" in case.outputs:
        got.append(loss.grad_and_hess(*arguments, **keywords)[1])
    for output, outputs in zip(case.outputs, got, strict=True):
        for true, result in zip(exact[output], flat(outputs), strict=True):
            error = true.error(np.asarray(result, dtype))
            worst[output] = max(worst[output], np.max(error, initial=0.0))
    return worst
