"""Custom losses of rows against built-in ones and JAX.

    python benchmarks/custom_rows.py

Value, and value and gradient, of float32 logits with two threads. Results are checked
equal first; figures are medians of interleaved repetitions, ratios the other's time
over that of the custom loss.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=true")

import jax
import jax.numpy as jnp
import numpy as np

import fastloss as fl
from timing import race

SHAPES = [(8192, 1000), (65536, 10)]


def cross_entropy(y: Any, x: Any) -> Any:
    p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(x)), y]))


def focal(y: Any, x: Any, *, gamma: float = 2.0) -> Any:
    p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    pt = np.take_along_axis(p, y[:, None], axis=-1)
    return -np.mean((1 - pt) ** gamma * np.log(pt))


def _log_pt(x: Any, y: Any) -> Any:
    return jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=-1)


def jax_focal(x: Any, y: Any) -> Any:
    log_pt = _log_pt(x, y)
    return -jnp.mean((1 - jnp.exp(log_pt)) ** 2 * log_pt)


#: The function, the built-in loss and JAX's form.
JOBS: dict[str, tuple[Callable[..., Any], fl.Loss, Callable[..., Any]]] = {
    "softmax cross-entropy": (
        cross_entropy,
        fl.SparseCategoricalCrossentropy(from_logits=True),
        lambda x, y: -jnp.mean(_log_pt(x, y)),
    ),
    "focal": (focal, fl.CategoricalFocal(from_logits=True, gamma=2.0), jax_focal),
}


def contenders(title: str, y: Any, x: Any) -> dict[str, dict[str, Callable[[], Any]]]:
    function, built_in, form = JOBS[title]
    custom, out = fl.custom(function), np.empty_like(x)
    value, both = jax.jit(form), jax.jit(jax.value_and_grad(form))
    of_jax = jnp.asarray(x), jnp.asarray(y)
    return {
        "value": {
            "custom": lambda: custom(y, x),
            "built-in": lambda: built_in(y, x),
            "JAX": lambda: value(*of_jax).block_until_ready(),
        },
        "value+grad": {
            "custom": lambda: custom.value_and_grad(y, x, out=out),
            "built-in": lambda: built_in.value_and_grad(y, x, out=out),
            "JAX": lambda: jax.block_until_ready(both(*of_jax)),
        },
    }


def check(runs: dict[str, Callable[[], Any]]) -> None:
    """Raise if results differ by more than float32 sums do."""
    expected = _as_tuple(runs["custom"]())
    expected = tuple(np.array(z) for z in expected)
    for name, run in runs.items():
        for a, b in zip(_as_tuple(run()), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=5e-4, atol=1e-9, err_msg=name)


def _as_tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--busy", action="store_true", help="least CPU time, for one thread"
    )
    options = parser.parse_args()
    fl.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    print("| loss | shape | job | custom, ms | built-in | JAX |")
    print("|---|---|---|---|---|---|")
    for title in JOBS:
        for shape in SHAPES:
            x = rng.normal(scale=3, size=shape).astype(np.float32)
            y = rng.integers(0, shape[1], shape[0])
            for what, runs in contenders(title, y, x).items():
                check(runs)
                results = race(runs, options.repetitions, busy=options.busy)
                times = {name: result.seconds for name, result in results.items()}
                ratios = [times[n] / times["custom"] for n in ("built-in", "JAX")]
                size = "x".join(map(str, shape))
                cells = [title, size, what, f"{1e3 * times['custom']:.3f}"]
                print("|", " | ".join(cells + [f"{r:.2f}" for r in ratios]), "|")


if __name__ == "__main__":
    main()
