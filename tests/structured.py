"""Arguments of the losses that take more than one label and one prediction.

A loss has one class here: what a call is given, everyday or hard, and how large the
terms are that a result adds up, of which the error is a few ulps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

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
    sizes: ClassVar = (1, 30, 33, 150)  # that are compared with the exact results

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        """Arguments and keywords of a call with about `n` entries."""
        raise NotImplementedError

    def predictions(self, arguments: tuple) -> tuple[Array, ...]:
        """What derivatives are by."""
        return (arguments[1],)

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        """The shape of values."""
        return self.predictions(arguments)[0].shape

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        """The largest term of each result; None: the result itself."""
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


class Lists(Case):
    """Short and long groups, groups of one, and groups without entries."""

    loss = fl.listnet

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        sizes = [0, 1, 2, 16, 0, 0, 17]
        while sum(sizes) < n:
            sizes.append(int(random.choice([1, 3, 10, 40, n // 3 + 1])))
        sizes.append(0)
        total = sum(sizes)
        relevance = random.randint(0, 5, total) * random.choice([1, 1, 8], total)
        scores = random.standard_normal(total) * random.choice([1, 3, 30], total)
        arguments = relevance.astype(dtype), scores.astype(dtype)
        return arguments, {"groups": np.array(sizes)}

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        return (len(keywords["groups"]),)

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output != "grad":
            return None
        y, x = exact["arguments"]
        p = fl.reference.ListNet.grad(0 * x, x, parameters["groups"])
        q = fl.reference.ListNet.grad(0 * y, y, parameters["groups"])
        n = np.repeat(parameters["groups"], parameters["groups"])
        return p + q + 2 / (n + 0 * x)


class Cohorts(Case):
    """Times with ties, scores that leave the range of exp."""

    loss = fl.cox
    sizes = (1, 12, 33)
    variants = ({}, {"ties": "breslow"})

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        n = min(n, 4000)
        time = random.choice([random.randint(1, 9, n), random.rand(n)][n % 2], n)
        event = random.rand(n) < 0.6
        risk = random.standard_normal(n) * (300 if n % 3 == 0 else 2)
        return ((time.astype(float), event), risk.astype(dtype)), {}

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        labels, x = exact["arguments"]
        weight, ties = exact.get("weight"), parameters["ties"]
        weight = np.ones(len(x), int) if weight is None else weight
        deaths = fl.reference.Cox._deaths(labels, x, weight, ties)
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


class Regions(Case):
    """Hard and soft labels; certain and uncertain predictions."""

    loss = fl.dice
    variants = (
        {"axis": -1},
        {"axis": -1, "smooth": 0.0},
        {"axis": -1, "tp": "absolute", "smooth": 0.5},
        {"axis": (0, 2)},
        {},
    )

    def draw(self, dtype: type, n: int, random: Random) -> tuple[tuple, dict]:
        shape = (2, 3, max(n // 6, 1))
        y = random.choice([0, 0, 1, 1, 0.25], shape)
        p = np.where(random.rand(*shape) < 0.1, y, random.rand(*shape) ** 4)
        return (y.astype(dtype), p.astype(dtype)), {}

    def samples(self, arguments: tuple, keywords: dict) -> tuple[int, ...]:
        shape = arguments[1].shape
        return {-1: shape[:2], (0, 2): shape[1:2], None: ()}[keywords.get("axis")]

    def terms(self, output: str, exact: dict[str, Any], parameters: dict) -> Any:
        if output == "value":
            return None
        y, p = exact["arguments"]
        smooth, axis = parameters["smooth"], parameters["axis"]
        _, size, moves = fl.reference.Dice._parts(y, p, smooth, parameters["tp"], axis)
        larger = (2 * moves + 1) / size
        return larger if output == "grad" else 2 * larger / size


CASES = {
    case.loss.name: case
    for case in (Gaussian(), Triplets(), Lists(), Cohorts(), Regions())
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


def errors(name: str, variant: dict[str, Any], dtype: type) -> dict[str, float]:
    """The largest error of each output in ulps of its largest term."""
    import oracle  # which asks for `CASES`

    case = CASES[name]
    loss = replace(case.loss, reduction="none", **variant)
    exactly, numbers = (
        oracle.NUMBERS[dtype].exactly,
        oracle.exact_parameters(loss, dtype),
    )
    worst = dict.fromkeys(oracle.OUTPUTS, 0.0)
    for n in case.sizes:
        arguments, keywords = case.draw(dtype, n, Random(n))
        exact = each(exactly, arguments)
        if name == "cox":  # times are no numbers to calculate with
            exact = arguments[0], exactly(arguments[1])
        value, grads = loss.value_and_grad(*arguments, **keywords)
        got = value, grads, loss.grad_and_hess(*arguments, **keywords)[1]
        for output, outputs in zip(oracle.OUTPUTS, got, strict=True):
            formula = getattr(getattr(reference, type(loss).__name__), output)
            truths = flat(formula(*exact, **keywords, **numbers))
            terms = case.terms(output, {"arguments": exact}, {**keywords, **numbers})
            for truth, result in zip(truths, flat(outputs), strict=True):
                scale = terms
                if terms is not None:
                    scale = np.broadcast_to(terms, np.shape(truth))
                rounded = oracle.Truth.of(np.asarray(truth, object), dtype, scale)
                error = rounded.error(np.asarray(result, dtype))
                worst[output] = max(worst[output], np.max(error, initial=0.0))
    return worst
