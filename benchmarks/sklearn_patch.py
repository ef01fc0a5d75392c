"""Fits and metrics of scikit-learn, with `fastloss.sklearn.patch` and without.

    python benchmarks/sklearn_patch.py [fits] [trees] [metrics] [--runs N] [--only TEXT]

On one thread, as the CPU time of it, so that other processes matter little. Runs with
and without the patch alternate; a figure is a median, "least" the ratio of the least
times. Prints Markdown.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn._loss import loss as losses
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from threadpoolctl import threadpool_limits

import fastloss as fl
import fastloss.sklearn

SAMPLES, FEATURES, CLASSES = 200_000, 20, 10
SIZES = (1_000, 1_000_000)
SECONDS = 0.3  # that a metric is called for, each time

rng = np.random.default_rng(0)
X = rng.normal(size=(SAMPLES, FEATURES))
real = X @ rng.normal(size=FEATURES) / 2
noisy = real + rng.normal(size=SAMPLES)
bits = (real + rng.logistic(size=SAMPLES) > 0).astype(int)
scores = X @ rng.normal(size=(FEATURES, CLASSES)) + rng.gumbel(size=(SAMPLES, CLASSES))
classes = scores.argmax(axis=1)
counts = rng.poisson(np.exp(real / 3))

FITS: dict[str, tuple[Callable[[], Any], Any]] = {
    f"LogisticRegression, {kind}, {solver}": (
        lambda solver=solver: LogisticRegression(solver=solver),
        y,
    )
    for kind, y in (("binary", bits), (f"{CLASSES} classes", classes))
    for solver in ("lbfgs", "newton-cg", "newton-cholesky")
} | {
    f"PoissonRegressor, {solver}": (
        lambda solver=solver: PoissonRegressor(solver=solver),
        counts,
    )
    for solver in ("lbfgs", "newton-cholesky")
}
TREES: dict[str, tuple[Callable[[], Any], Any]] = {
    f"HistGradientBoostingRegressor, {loss}": (
        lambda loss=loss: HistGradientBoostingRegressor(
            loss=loss, max_iter=20, quantile=0.8, early_stopping=False
        ),
        y,
    )
    for loss, y in (
        ("squared_error", noisy),
        ("absolute_error", noisy),
        ("quantile", noisy),
        ("poisson", counts),
        ("gamma", counts + 0.5),
    )
} | {
    f"HistGradientBoostingClassifier, {kind}": (
        lambda trees=trees: HistGradientBoostingClassifier(
            max_iter=trees, early_stopping=False
        ),
        y,
    )
    for kind, y, trees in (
        ("binary", bits, 20),
        (f"{CLASSES} classes", classes, 5),
    )
}

_spent = 0.0


@contextmanager
def _losses_timed() -> Iterator[None]:
    """Add up the time within losses of samples."""

    def timed(method: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            global _spent
            start = time.thread_time()
            try:
                return method(*given, **named)
            finally:
                _spent += time.thread_time() - start

        return call

    methods = [
        (kind, name, getattr(kind, name))
        for kind, names in (
            (
                losses.BaseLoss,
                ("loss", "gradient", "loss_gradient", "gradient_hessian"),
            ),
            (losses.HalfMultinomialLoss, ("gradient_proba",)),
        )
        for name in names
    ]
    for kind, name, method in methods:
        setattr(kind, name, timed(method))
    try:
        yield
    finally:
        for kind, name, method in methods:
            setattr(kind, name, method)


def _fit(make: Callable[[], Any], y: Any) -> tuple[float, float]:
    """Time of a fit, and of the losses in it."""
    global _spent
    _spent, start = 0.0, time.thread_time()
    make().fit(X, y)
    return time.thread_time() - start, _spent


def fits(cases: dict[str, tuple[Callable[[], Any], Any]], runs: int) -> None:
    print("\n| fit | s | patched | ratio | least | losses, ms | share | patched |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (make, y) in cases.items():
        off, on = [], []
        with _losses_timed():
            for patched in _turns(runs):
                with fastloss.sklearn.patched() if patched else nullcontext():
                    (on if patched else off).append(_fit(make, y))
        (a, la), (b, lb) = np.median(off, axis=0), np.median(on, axis=0)
        least = min(off)[0] / min(on)[0]
        print(
            f"| {name} | {a:.3f} | {b:.3f} | {a / b:.2f} | {least:.2f} "
            f"| {la * 1e3:.0f} | {la / a:.0%} | {lb * 1e3:.0f} |",
            flush=True,
        )


def _metrics(n: int) -> dict[str, tuple[Any, Any]]:
    label, other = rng.integers(0, 2, n), rng.integers(0, CLASSES, n)
    truth, guess = rng.normal(size=n), rng.normal(size=n)
    count, mean = rng.poisson(3, n).astype(float), rng.gamma(3, size=n)
    share = rng.uniform(size=n)
    rows = rng.dirichlet(np.ones(CLASSES), n)
    return {
        "log_loss": (label, share),
        f"log_loss, {CLASSES} classes": (other, rows),
        "brier_score_loss": (label, share),
        "hinge_loss": (label, guess),
        "mean_squared_error": (truth, guess),
        "mean_absolute_error": (truth, guess),
        "mean_pinball_loss": (truth, guess),
        "mean_poisson_deviance": (count, mean),
        "d2_absolute_error_score": (truth, guess),
        "d2_pinball_score": (truth, guess),
        "d2_tweedie_score": (truth, guess),
        "d2_log_loss_score": (label, share),
        "d2_brier_score": (label, share),
    }


def _call(name: str, arguments: tuple[Any, Any]) -> float:
    """Time of one call, the mean of many."""
    metric = getattr(metrics, name.partition(",")[0])
    count, start = 0, time.thread_time()
    while not count or time.thread_time() - start < SECONDS / 10:
        metric(*arguments)
        count += 1
    return (time.thread_time() - start) / count


def of_metrics(only: str, runs: int) -> None:
    print("\n| metric | samples | ms | patched | ratio | least |")
    print("|---|---|---|---|---|---|")
    for n in SIZES:
        for name, arguments in _with(only, _metrics(n)).items():
            off, on = [], []
            for patched in _turns(runs):
                with fastloss.sklearn.patched() if patched else nullcontext():
                    (on if patched else off).append(_call(name, arguments))
            a, b = np.median(off), np.median(on)
            print(
                f"| {name} | {n:,} | {a * 1e3:.3g} | {b * 1e3:.3g} | {a / b:.2f} "
                f"| {min(off) / min(on):.2f} |",
                flush=True,
            )


def _turns(runs: int) -> list[bool]:
    """Whether to patch: each once a run, and none always first."""
    return [patched for run in range(runs) for patched in (run % 2 == 1, run % 2 == 0)]


def _with(only: str, cases: dict[str, Any]) -> dict[str, Any]:
    return {name: case for name, case in cases.items() if only in name}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", default=["fits", "trees", "metrics"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="what a name must hold")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # of convergence
    with threadpool_limits(1), fl.threads(1):
        if "fits" in chosen.parts:
            fits(_with(chosen.only, FITS), chosen.runs)
        if "trees" in chosen.parts:
            fits(_with(chosen.only, TREES), chosen.runs)
        if "metrics" in chosen.parts:
            of_metrics(chosen.only, chosen.runs)


if __name__ == "__main__":
    main()
