"""Losses in the words of JAX: of predictions and labels, one a sample."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def _huber(x: Array, y: Array) -> Array:
    r = jnp.abs(x - y)
    return jnp.where(r <= 1, r * r / 2, r - 0.5)


def pick(x: Array, y: Array) -> Array:
    return jnp.take_along_axis(x, y[..., None], axis=-1)[..., 0]


#: As optax writes them.
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
    "sparse_categorical_crossentropy": lambda p, y: -jnp.log(pick(p, y)),
    "sparse_categorical_crossentropy_logits": lambda x, y: (
        jax.nn.logsumexp(x, axis=-1) - pick(x, y)
    ),
    "categorical_crossentropy": lambda p, q: -jnp.sum(q * jnp.log(p), axis=-1),
    "categorical_crossentropy_logits": lambda x, q: (
        -jnp.sum(q * jax.nn.log_softmax(x, axis=-1), axis=-1)
    ),
}
