"""Objectives that boosters lack, by fastloss and by NumPy, inside XGBoost and LightGBM.

    python benchmarks/boosters.py [--samples N] [--rounds N] [--runs N]

A focal loss of 0 and 1, and a softmax of ten classes. NumPy's objective is what one
writes by hand, in float64 where the booster's scores are. Times of boosting and, within
it, of the objective's calls; runs alternate, figures are medians. Prints Markdown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import lightgbm
import numpy as np
import xgboost

import fastloss.lightgbm
import fastloss.xgboost

FEATURES, CLASSES, GAMMA = 20, 10, 2.0

Derivatives = Callable[[Any, Any], tuple[Any, Any]]


def numpy_focal(y: Any, x: Any) -> tuple[Any, Any]:
    """Of labels 0 and 1 and logits, by the side s x of each label, s = 1 - 2 y."""
    s = 1 - 2 * y
    z = s * x
    u, loss = 1 / (1 + np.exp(-z)), np.logaddexp(0, z)
    v, power = 1 - u, u**GAMMA
    slope = power * (GAMMA * v * loss + u)
    bend = GAMMA * loss * (GAMMA * v - u) + (2 * GAMMA + 1) * u
    return s * slope, np.maximum(power * v * bend, 1e-16)


def numpy_softmax(y: Any, x: Any) -> tuple[Any, Any]:
    """Of classes and rows of logits; twice the Hessian, as XGBoost has it."""
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    grad = p.copy()
    grad[np.arange(len(y)), y] -= 1
    return grad, np.maximum(2 * p * (1 - p), 1e-16)


class Timed:
    """An objective, and the seconds that its calls have taken."""

    def __init__(self, objective: Callable[[Any, Any], Any]) -> None:
        self.objective = objective
        self.seconds = 0.0

    def __deepcopy__(self, memo: Any) -> Timed:
        return self  # of LightGBM's parameters

    def __call__(self, scores: Any, data: Any) -> Any:
        start = time.perf_counter()
        result = self.objective(scores, data)
        self.seconds += time.perf_counter() - start
        return result


def by_hand(formula: Derivatives) -> Callable[[Any, Any], Any]:
    """The formula as `train` of both libraries calls it."""

    def objective(scores: Any, data: Any) -> Any:
        labels = data.get_label()
        y = labels.astype(int) if scores.ndim == 2 else labels
        return formula(y, scores)

    return objective


def boost_xgboost(
    objective: Timed, features: Any, y: Any, classes: int, rounds: int
) -> None:
    """By histograms, on all cores."""
    parameters: dict[str, Any] = {"tree_method": "hist", "base_score": 0.5}
    if classes > 2:
        parameters |= {"num_class": classes}
    xgboost.train(parameters, xgboost.DMatrix(features, y), rounds, obj=objective)


def boost_lightgbm(
    objective: Timed, features: Any, y: Any, classes: int, rounds: int
) -> None:
    """On all cores."""
    parameters: dict[str, Any] = {"objective": objective, "verbose": -1}
    if classes > 2:
        parameters |= {"num_class": classes}
    lightgbm.train(parameters, lightgbm.Dataset(features, y), rounds)


BOOSTERS = {
    "XGBoost": (boost_xgboost, fastloss.xgboost.objective),
    "LightGBM": (boost_lightgbm, fastloss.lightgbm.objective),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    features = rng.normal(size=(given.samples, FEATURES)).astype(np.float32)
    noise = rng.gumbel(size=(given.samples, CLASSES))
    classes = (features @ rng.normal(size=(FEATURES, CLASSES)) + noise).argmax(axis=1)
    jobs = {
        "focal, binary": (numpy_focal, "focal", {"gamma": GAMMA}, classes % 2, 2),
        f"softmax, {CLASSES} classes": (
            numpy_softmax,
            "sparse_categorical_crossentropy",
            {"from_logits": True},
            classes,
            CLASSES,
        ),
    }
    print("| booster | objective | | boosting | objective |\n|---|---|---|---|---|")
    for booster, (boost, named) in BOOSTERS.items():
        for job, (formula, name, parameters, y, count) in jobs.items():
            contenders = {
                "fastloss": named(name, **parameters),
                "NumPy": by_hand(formula),
            }
            figures: dict[str, list[tuple[float, float]]] = {c: [] for c in contenders}
            for _ in range(given.runs):
                for contender, objective in contenders.items():
                    timed = Timed(objective)
                    start = time.perf_counter()
                    boost(timed, features, y, count, given.rounds)
                    seconds = time.perf_counter() - start
                    figures[contender].append((seconds, timed.seconds))
            for contender, times in figures.items():
                whole, part = (median(t) for t in zip(*times, strict=True))
                print(
                    f"| {booster} | {job} | {contender} "
                    f"| {whole:.2f} s | {part:.3f} s |"
                )


if __name__ == "__main__":
    main()
