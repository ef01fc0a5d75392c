"""JAX on the CPU: jit of value and gradient, the old gradient's buffer donated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cells import FRESH, HESS, VALUE, Cell
from peers.base import Data, Job, Peer

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)

Array = jax.Array


def _huber(x: Array, y: Array) -> Array:
    r = jnp.abs(x - y)
    return jnp.where(r <= 1, r * r / 2, r - 0.5)


def _pick(x: Array, y: Array) -> Array:
    return jnp.take_along_axis(x, y[..., None], axis=-1)[..., 0]


# One loss a sample, as optax writes them.
LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "mean_squared_error": lambda x, y: jnp.square(x - y),
    "mean_absolute_error": lambda x, y: jnp.abs(x - y),
    "huber": _huber,
    "hinge": lambda x, y: jnp.maximum(0, 1 - y * x),
    "squared_hinge": lambda x, y: jnp.maximum(0, 1 - y * x) ** 2,
    "binary_crossentropy": lambda p, y: -(y * jnp.log(p) + (1 - y) * jnp.log1p(-p)),
    "binary_crossentropy_logits": lambda x, y: (
        -y * jax.nn.log_sigmoid(x) - (1 - y) * jax.nn.log_sigmoid(-x)
    ),
    "sparse_categorical_crossentropy": lambda p, y: -jnp.log(_pick(p, y)),
    "sparse_categorical_crossentropy_logits": lambda x, y: (
        jax.nn.logsumexp(x, axis=-1) - _pick(x, y)
    ),
    "categorical_crossentropy": lambda p, q: -jnp.sum(q * jnp.log(p), axis=-1),
    "categorical_crossentropy_logits": lambda x, q: (
        -jnp.sum(q * jax.nn.log_softmax(x, axis=-1), axis=-1)
    ),
}


def _results(result: Any) -> tuple[Any, ...]:
    return tuple(np.asarray(part) for part in result)


class Jax(Peer):
    version = jax.__version__

    def job(self, cell: Cell, data: Data) -> Job | None:
        formula = LOSSES.get(cell.kernel)
        if formula is None or (cell.output == HESS and len(cell.shape) > 1):
            return None
        x, y = jnp.asarray(data.y_pred), jnp.asarray(data.y_true)

        def mean(x: Array, y: Array) -> Array:
            return jnp.mean(formula(x, y))

        if cell.output == VALUE:
            return self._job(jax.jit(mean), x, y)
        if cell.output == FRESH:
            return self._job(jax.jit(jax.value_and_grad(mean)), x, y)
        if cell.output == HESS:
            first = jax.grad(formula)
            both = jax.vmap(lambda x, y: (first(x, y), jax.grad(first)(x, y)))

            def grad_and_hess(x: Array, y: Array) -> tuple[Array, Array]:
                grad, hess = both(x, y)
                return grad / x.size, hess / x.size

            return self._job(jax.jit(grad_and_hess), x, y)
        return self._into(mean, x, y)

    def _job(self, step: Callable[..., Any], x: Array, y: Array) -> Job:
        def run() -> Any:
            return jax.block_until_ready(step(x, y))

        return Job(run, lambda r: _results(r if isinstance(r, tuple) else (r,)))

    def _into(self, mean: Callable[..., Array], x: Array, y: Array) -> Job:
        def step(x: Array, y: Array, old: Array) -> tuple[Array, Array]:
            return jax.value_and_grad(mean)(x, y)

        compiled = jax.jit(step, donate_argnums=2, keep_unused=True)
        grad = jnp.zeros_like(x)

        def run() -> tuple[Array, Array]:
            nonlocal grad
            value, grad = jax.block_until_ready(compiled(x, y, grad))
            return value, grad

        return Job(run, _results)
