"""Losses in the words of JAX: of predictions and labels, one a sample."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def _huber(x: Array, y: Array) -> Array:
    r = jnp.abs(x - y)
    return jnp.where(r <= 1, r * r / 2, r - 0.5)


def pick(x: Array, y: Array) -> Array:
    return jnp.take_along_axis(x, y[..., None], axis=-1)[..., 0]


def _log_loss(x: Array, y: Array) -> Array:
    return -y * jax.nn.log_sigmoid(x) - (1 - y) * jax.nn.log_sigmoid(-x)


def _focal(x: Array, y: Array) -> Array:
    p = jax.nn.sigmoid(x)
    return _log_loss(x, y) * (1 - (y * p + (1 - y) * (1 - p))) ** 2


def _cross_entropy(x: Array, y: Array) -> Array:
    return jax.nn.logsumexp(x, axis=-1) - pick(x, y)


def _poly(x: Array, y: Array) -> Array:
    return _cross_entropy(x, y) + 1 - pick(jax.nn.softmax(x, axis=-1), y)


def _worst_rival(x: Array, y: Array) -> Array:
    right = jax.nn.one_hot(y, x.shape[-1], dtype=bool)
    return jnp.maximum(0, 1 + jnp.max(jnp.where(right, -jnp.inf, x), -1) - pick(x, y))


def _cosine(x: Array, y: Array) -> Array:
    lengths = jnp.linalg.norm(x, axis=-1) * jnp.linalg.norm(y, axis=-1)
    return 1 - jnp.sum(x * y, axis=-1) / lengths


def _divergence(q: Array, log_p: Array) -> Array:
    return jnp.sum(jax.scipy.special.xlogy(q, q) - q * log_p, axis=-1)


#: As optax writes them, and in its words what it lacks.
LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "mean_squared_error": lambda x, y: jnp.square(x - y),
    "half_squared_error": lambda x, y: 0.5 * jnp.square(x - y),
    "mean_absolute_error": lambda x, y: jnp.abs(x - y),
    "huber": _huber,
    "quantile": lambda x, y: jnp.maximum(0.5 * (y - x), -0.5 * (y - x)),
    "expectile": lambda x, y: 0.5 * jnp.square(x - y),
    "mean_absolute_percentage_error": lambda x, y: (
        jnp.abs(x - y) / jnp.maximum(jnp.abs(y), 2.0**-52)
    ),
    "epsilon_insensitive": lambda x, y: jnp.maximum(0, jnp.abs(x - y) - 0.1),
    "squared_epsilon_insensitive": lambda x, y: (
        jnp.maximum(0, jnp.abs(x - y) - 0.1) ** 2
    ),
    "mean_squared_logarithmic_error": lambda x, y: jnp.square(
        jnp.log1p(x) - jnp.log1p(y)
    ),
    "pseudo_huber": lambda x, y: jnp.sqrt(1 + jnp.square(x - y)) - 1,
    "log_cosh": lambda x, y: jnp.logaddexp(x - y, y - x) - math.log(2),
    "smooth_l1": _huber,
    "cauchy": lambda x, y: 0.5 * jnp.log1p(jnp.square(x - y)),
    "welsch": lambda x, y: -0.5 * jnp.expm1(-jnp.square(x - y)),
    "geman_mcclure": lambda x, y: 0.5 * jnp.square(x - y) / (1 + jnp.square(x - y)),
    "fair": lambda x, y: jnp.abs(x - y) - jnp.log1p(jnp.abs(x - y)),
    "tukey": lambda x, y: (
        4.685**2 / 6 * (1 - jnp.maximum(0, 1 - jnp.square((x - y) / 4.685)) ** 3)
    ),
    "barron": lambda x, y: jnp.sqrt(1 + jnp.square(x - y)) - 1,
    "hinge": lambda x, y: jnp.maximum(0, 1 - y * x),
    "squared_hinge": lambda x, y: jnp.maximum(0, 1 - y * x) ** 2,
    "exponential": lambda x, y: jnp.exp(-y * x),
    "soft_margin": lambda x, y: jax.nn.softplus(-y * x),
    "modified_huber": lambda x, y: jnp.where(
        y * x >= -1, jnp.maximum(0, 1 - y * x) ** 2, -4 * y * x
    ),
    "hinge_embedding": lambda x, y: jnp.where(y == 1, x, jnp.maximum(0, 1 - x)),
    "poisson": lambda x, y: jnp.exp(x) - y * x,
    "poisson_mean": lambda m, y: m - y * jnp.log(m),
    "gamma": lambda x, y: x + y * jnp.exp(-x),
    "gamma_mean": lambda m, y: jnp.log(m) + y / m,
    "tweedie": lambda x, y: 2 * jnp.exp(x / 2) + 2 * y * jnp.exp(-x / 2),
    "tweedie_mean": lambda m, y: 2 * jnp.sqrt(m) + 2 * y / jnp.sqrt(m),
    "brier": lambda p, y: jnp.square(p - y),
    "brier_logits": lambda x, y: jnp.square(jax.nn.sigmoid(x) - y),
    "focal_logits": _focal,
    "binary_crossentropy": lambda p, y: -(y * jnp.log(p) + (1 - y) * jnp.log1p(-p)),
    "binary_crossentropy_logits": _log_loss,
    "sparse_categorical_crossentropy": lambda p, y: -jnp.log(pick(p, y)),
    "sparse_categorical_crossentropy_logits": _cross_entropy,
    "categorical_crossentropy": lambda p, q: -jnp.sum(q * jnp.log(p), axis=-1),
    "categorical_crossentropy_logits": lambda x, q: (
        -jnp.sum(q * jax.nn.log_softmax(x, axis=-1), axis=-1)
    ),
    "categorical_focal_logits": lambda x, y: (
        (1 - pick(jax.nn.softmax(x, axis=-1), y)) ** 2 * _cross_entropy(x, y)
    ),
    "categorical_poly1_logits": _poly,
    "crammer_singer": _worst_rival,
    "nll": lambda x, y: -pick(x, y),
    "kl_divergence": lambda p, q: _divergence(q, jnp.log(p)),
    "kl_divergence_log": lambda x, q: _divergence(q, x),
    "kl_divergence_logits": lambda x, q: _divergence(q, jax.nn.log_softmax(x, axis=-1)),
    "categorical_brier": lambda p, q: jnp.sum(jnp.square(p - q), axis=-1),
    "categorical_brier_logits": lambda x, q: jnp.sum(
        jnp.square(jax.nn.softmax(x, axis=-1) - q), axis=-1
    ),
    "total_variation": lambda p, q: 0.5 * jnp.sum(jnp.abs(p - q), axis=-1),
    "cosine": _cosine,
}
