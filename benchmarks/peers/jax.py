"""JAX on the CPU: jit of value and gradient, the old results' buffers donated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cells import FRESH, HESS, VALUE, Cell
from fastloss.app.peers.jax import LOSSES, pick
from peers.base import Data, Job, Peer
from suite.inputs import ROWS

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)

Array = jax.Array


# Of rows with smoothed classes; dense and binary labels are smoothed themselves.
SMOOTHED: dict[str, Callable[[Array, Array, float], Array]] = {
    "sparse_categorical_crossentropy_logits": lambda x, y, s: (
        jax.nn.logsumexp(x, axis=-1) - (1 - s) * pick(x, y) - s * jnp.mean(x, axis=-1)
    ),
}


def _smoothed(y: Array, rows: bool, smoothing: float) -> Array:
    return y * (1 - smoothing) + smoothing / (y.shape[-1] if rows else 2)


def _loss(
    cell: Cell, data: Data
) -> tuple[Callable[..., tuple[Array, Array]], tuple[Array, ...]] | None:
    """The call as a function of what lies in memory, labels converted in it.

    It gives what is to be differentiated, and the result: both the mean, or the sum
    and the losses per sample.
    """
    formula = LOSSES.get(cell.kernel)
    row = ROWS[cell.kernel]
    classes, rows = row.labels == ("class",), row.kind == "row"
    options = {k: v for k, v in data.options.items() if k != "reduction"}
    smoothing = options.pop("label_smoothing", 0)
    smoothed = SMOOTHED.get(cell.kernel)
    if formula is None or (smoothing and classes and smoothed is None):
        return None
    weights: tuple[Any, ...] = () if data.weight is None else (data.weight,)
    by_class = options.pop("class_weight", None)
    if by_class is not None:
        weights = (by_class,)
    ignored = options.pop("ignore_class", None)

    def losses(x: Array, y: Array) -> Array:
        if classes:
            y = y if ignored is None else jnp.where(y == ignored, 0, y)
            return smoothed(x, y, smoothing) if smoothing else formula(x, y)
        return formula(x, _smoothed(y, rows, smoothing) if smoothing else y)

    def loss(x: Array, y: Array, *weights: Array) -> tuple[Array, Array]:
        if not classes:
            y = y.astype(x.dtype)
        if data.unreduced:
            values = losses(x, y)
            return jnp.sum(values), values
        if by_class is not None and not classes:
            q = y * weights[0]
            value = jnp.sum(formula(x, q)) / jnp.sum(q)
            return value, value
        if ignored is not None:
            w = (y != ignored).astype(x.dtype)
        elif by_class is not None:
            w = weights[0][y]
        elif weights:
            w = weights[0].astype(x.dtype)
        else:
            value = jnp.mean(losses(x, y))
            return value, value
        value = jnp.sum(w * losses(x, y)) / jnp.sum(w)
        return value, value

    return loss, tuple(jnp.asarray(weight) for weight in weights)


def _results(result: Any) -> tuple[Any, ...]:
    return tuple(np.asarray(part) for part in result)


class Jax(Peer):
    version = jax.__version__

    def job(self, cell: Cell, data: Data) -> Job | None:
        if cell.output == HESS:
            return self._hessian(cell, data)
        found = _loss(cell, data)
        if found is None:
            return None
        loss, weights = found
        y, x = map(jnp.asarray, data.stored)
        dtype = data.grad.dtype

        def value(x: Array, y: Array, *weights: Array) -> Array:
            return loss(data.view(x), data.view(y), *weights)[1]

        def value_and_grad(x: Array, y: Array, *weights: Array) -> tuple[Array, Array]:
            differentiated = jax.value_and_grad(loss, has_aux=True)
            seen = data.view(x), data.view(y)
            (_, result), grad = differentiated(*seen, *weights)
            return result, grad.astype(dtype)

        if cell.output == VALUE:
            return self._job(jax.jit(value), x, y, *weights)
        if cell.output == FRESH:
            return self._job(jax.jit(value_and_grad), x, y, *weights)
        return self._into(value_and_grad, x, y, *weights)

    def _hessian(self, cell: Cell, data: Data) -> Job | None:
        formula = LOSSES.get(cell.kernel)
        if formula is None or len(cell.shape) > 1 or not data.is_plain:
            return None
        first = jax.grad(formula)
        both = jax.vmap(lambda x, y: (first(x, y), jax.grad(first)(x, y)))

        def grad_and_hess(x: Array, y: Array) -> tuple[Array, Array]:
            grad, hess = both(x, y)
            return grad / x.size, hess / x.size

        y, x = map(jnp.asarray, data.stored)
        return self._job(jax.jit(grad_and_hess), x, y)

    def _job(self, step: Callable[..., Any], *inputs: Array) -> Job:
        def run() -> Any:
            return jax.block_until_ready(step(*inputs))

        return Job(run, lambda r: _results(r if isinstance(r, tuple) else (r,)))

    def _into(self, value_and_grad: Callable[..., Any], *inputs: Array) -> Job:
        def step(old: tuple[Array, Array], *inputs: Array) -> tuple[Array, Array]:
            return value_and_grad(*inputs)

        compiled = jax.jit(step, donate_argnums=0, keep_unused=True)
        shapes = jax.eval_shape(value_and_grad, *inputs)
        result = tuple(jnp.zeros(shape.shape, shape.dtype) for shape in shapes)

        def run() -> tuple[Array, Array]:
            nonlocal result
            result = jax.block_until_ready(compiled(result, *inputs))
            return result

        return Job(run, _results)
