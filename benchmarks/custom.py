"""Custom losses against built-in ones, NumPy, numexpr, numba and JAX.

    python benchmarks/custom.py

Value, and value and gradient, of 1,000,000 float32 elements with two threads; NumPy's
gradients are written by hand, numba's too, compiled functions have been called before.
Results are checked equal first. Figures are medians of interleaved repetitions; ratios
are the other's time over that of the custom loss.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=true")

import jax
import jax.numpy as jnp
import numba
import numexpr
import numpy as np

import fastloss as fl
import peers.numba
import peers.numexpr
from timing import race

SIZE = 1_000_000
VALUE, BOTH = "value", "value+grad"


@dataclass(frozen=True)
class Job:
    """One loss in the language of each contender.

    `form` is NumPy for fastloss, NumPy and, with its `np` replaced, JAX; `grad` is the
    gradient per sample by hand; `scalar` is value, gradient (and more) of a sample in
    numba. numexpr calls predictions p or x.
    """

    labels: str
    form: Callable[..., Any]
    grad: Callable[[Any, Any], Any]
    numexpr: str
    scalar: Callable[[Any, Any], Any]
    built_in: fl.Loss | None = None


def mse(np: Any, y: Any, p: Any) -> Any:
    return (y - p) ** 2


def huber(np: Any, y: Any, p: Any) -> Any:
    r = np.abs(y - p)
    return np.where(r <= 1, 0.5 * r**2, r - 0.5)


def bce(np: Any, y: Any, x: Any) -> Any:
    return np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x)))


def log_cosh(np: Any, y: Any, p: Any) -> Any:
    r = p - y
    return np.logaddexp(r, -r) - np.log(2.0)


@numba.njit(fastmath=True)
def log_cosh_scalar(y: Any, p: Any) -> Any:
    r = p - y
    a = abs(r)
    value = a + np.log1p(np.exp(np.float32(-2) * a)) - np.float32(0.6931472)
    return value, np.tanh(r)


def asymmetric(np: Any, y: Any, p: Any) -> Any:
    r = y - p
    return np.where(r > 0, 0.7 * r**2, 0.3 * r**2)


@numba.njit(fastmath=True)
def asymmetric_scalar(y: Any, p: Any) -> Any:
    r = y - p
    k = np.float32(0.7) if r > 0 else np.float32(0.3)
    return k * r * r, np.float32(-2) * k * r


def twelve(np: Any, y: Any, p: Any) -> Any:
    r = y - p
    return np.where(r > 0, 0.7 * r**2, np.abs(r)) / (1 + np.exp(-p)) + np.log1p(r**2)


def twelve_grad(y: Any, p: Any) -> Any:
    r = y - p
    s = 1 / (1 + np.exp(-p))
    w = np.where(r > 0, 0.7 * r**2, np.abs(r))
    dw = np.where(r > 0, -1.4 * r, 1)
    return dw * s + w * s * (1 - s) - 2 * r / (1 + r**2)


@numba.njit(fastmath=True)
def twelve_scalar(y: Any, p: Any) -> Any:
    r = y - p
    one = np.float32(1)
    s = one / (one + np.exp(-p))
    w = np.float32(0.7) * r * r if r > 0 else abs(r)
    dw = np.float32(-1.4) * r if r > 0 else one
    q = r * r
    grad = dw * s + w * s * (one - s) - np.float32(2) * r / (one + q)
    return w * s + np.log1p(q), grad


# numexpr computes in float64 as soon as a constant is a Python float.
FLOAT32_CONSTANTS = {
    **{name: np.float32(number) for name, number in peers.numexpr.NUMBERS.items()},
    "ln2": np.float32(0.6931472),
    "k7": np.float32(0.7),
    "k3": np.float32(0.3),
}
LOGISTIC = "1 / (1 + exp(-p))"


def _of_peers(kernel: str) -> tuple[str, Callable[..., Any]]:
    return peers.numexpr.LOSSES[kernel][0], peers.numba.ELEMENTWISE[kernel]


JOBS = {
    "MSE": Job(
        "real", mse, lambda y, p: 2 * (p - y), *_of_peers("mean_squared_error"), fl.mse
    ),
    "Huber": Job(
        "real",
        huber,
        lambda y, p: np.clip(p - y, -1, 1),
        *_of_peers("huber"),
        fl.huber,
    ),
    "BCE on logits": Job(
        "unit",
        bce,
        lambda y, x: 1 / (1 + np.exp(-x)) - y,
        *_of_peers("binary_crossentropy_logits"),
        fl.BinaryCrossentropy(from_logits=True),
    ),
    "log-cosh": Job(
        "real",
        log_cosh,
        lambda y, p: np.tanh(p - y),
        "abs(p - y) + log1p(exp(-2 * abs(p - y))) - ln2",
        log_cosh_scalar,
        fl.LOSSES.get("log_cosh"),
    ),
    "asymmetric": Job(
        "real",
        asymmetric,
        lambda y, p: np.where(y > p, -1.4 * (y - p), -0.6 * (y - p)),
        "where(y > p, k7, k3) * (y - p)**2",
        asymmetric_scalar,
    ),
    "12 operations": Job(
        "real",
        twelve,
        twelve_grad,
        f"where(y > p, k7 * (y - p)**2, abs(y - p)) * {LOGISTIC} + log1p((y - p)**2)",
        twelve_scalar,
    ),
}


def numba_functions(scalar: Callable[..., Any]) -> tuple[Any, Any]:
    @numba.njit(parallel=True, fastmath=True)
    def value(y: Any, p: Any) -> Any:
        total = 0.0
        for i in numba.prange(p.size):
            total += scalar(y[i], p[i])[0]
        return total / p.size

    @numba.njit(parallel=True, fastmath=True)
    def both(y: Any, p: Any, out: Any) -> Any:
        total = 0.0
        scale = np.float32(1.0 / p.size)
        for i in numba.prange(p.size):
            at = scalar(y[i], p[i])
            total += at[0]
            out[i] = at[1] * scale
        return total / p.size

    return value, both


def contenders(
    job: Job, y: Any, p: Any, out: Any
) -> dict[str, dict[str, Callable[[], Any]]]:
    custom = fl.custom(lambda y, p: np.mean(job.form(np, y, p)))
    scale = np.float32(1 / SIZE)

    def by_hand() -> Any:
        value = np.mean(job.form(np, y, p))
        return value, np.multiply(job.grad(y, p), scale, out=out)

    def jax_form(p: Any, y: Any) -> Any:
        return jnp.mean(job.form(jnp, y, p))

    jax_value, jax_both = jax.jit(jax_form), jax.jit(jax.value_and_grad(jax_form))
    jax_y, jax_p = jnp.asarray(y), jnp.asarray(p)
    numba_value, numba_both = numba_functions(job.scalar)
    names = FLOAT32_CONSTANTS | {"y": y, "p": p, "x": p}
    values = np.empty_like(p)
    found: dict[str, dict[str, Callable[[], Any]]] = {
        VALUE: {
            "custom": lambda: custom(y, p),
            "NumPy": lambda: np.mean(job.form(np, y, p)),
            "numexpr": lambda: np.mean(
                numexpr.evaluate(job.numexpr, names, out=values)
            ),
            "numba": lambda: numba_value(y, p),
            "JAX": lambda: jax_value(jax_p, jax_y).block_until_ready(),
        },
        BOTH: {
            "custom": lambda: custom.value_and_grad(y, p, out=out),
            "NumPy": by_hand,
            "numba": lambda: (numba_both(y, p, out), out),
            "JAX": lambda: jax.block_until_ready(jax_both(jax_p, jax_y)),
        },
    }
    if job.built_in is not None:
        built_in = job.built_in
        found[VALUE]["built-in"] = lambda: built_in(y, p)
        found[BOTH]["built-in"] = lambda: built_in.value_and_grad(y, p, out=out)
    return found


def check(runs: dict[str, Callable[[], Any]]) -> None:
    """Raise if results differ by more than float32 sums do."""
    expected = [np.array(x) for x in np_tuple(runs["custom"]())]
    for name, run in runs.items():
        for a, b in zip(np_tuple(run()), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-11, err_msg=name)


def np_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def first_call(job: Job) -> float:
    """Seconds of trace, lowering and a call on one element, the best of five."""
    best = np.inf
    one = np.ones(1, np.float32)
    for _ in range(5):
        start = perf_counter()
        fl.custom(lambda y, p: np.mean(job.form(np, y, p))).value_and_grad(one, one)
        best = min(best, perf_counter() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=25)
    parser.add_argument("--only", help="part of the name of a loss")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--busy", action="store_true", help="least CPU time, for one thread"
    )
    parser.add_argument("--json", type=Path, help="write the seconds there")
    options = parser.parse_args()
    fl.set_num_threads(options.threads)
    numba.set_num_threads(options.threads)
    numexpr.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    p = rng.normal(scale=3, size=SIZE).astype(np.float32)
    real = rng.normal(scale=3, size=SIZE).astype(np.float32)
    labels = {"real": real, "unit": (real > 0).astype(np.float32)}
    out = np.empty_like(p)
    names = ("built-in", "NumPy", "numexpr", "numba", "JAX")
    print("| loss | job | custom, ms |", " | ".join(names), "| first call, ms |")
    print("|---|---|---|" + "---|" * (len(names) + 1))
    seconds = {}
    for title, job in JOBS.items():
        if options.only and options.only not in title:
            continue
        first = first_call(job)
        for what, runs in contenders(job, labels[job.labels], p, out).items():
            check(runs)
            results = race(runs, options.repetitions, busy=options.busy)
            times = {name: result.seconds for name, result in results.items()}
            seconds[f"{title}, {what}"] = times | {"first call": first}
            ratios = [
                f"{times[n] / times['custom']:.2f}" if n in times else "" for n in names
            ]
            cells = [title, what, f"{1e3 * times['custom']:.3f}", *ratios]
            print("|", " | ".join([*cells, f"{1e3 * first:.2f}"]), "|", flush=True)
    if options.json:
        options.json.write_text(json.dumps(seconds, indent=1) + "\n")


if __name__ == "__main__":
    main()
