"""Losses for JAX on CPU: optax's names and signatures, and any other loss by its name.

They run in XLA's own buffers, inside `jax.jit`, `jax.grad` and `jax.vmap`.

>>> import jax
>>> import fastloss.jax
>>> x = jax.numpy.array([0.0, 3.0])
>>> fastloss.jax.huber_loss(x, delta=2.0)
Array([0., 4.], dtype=float32)
>>> jax.grad(fastloss.jax.loss("huber", reduction="sum"))(x, x - 0.5)
Array([0.5, 0.5], dtype=float32)
"""

from __future__ import annotations

from fastloss._neighbours import neighbour

with neighbour("jax", "0.5", "0.10"):
    from fastloss.jax.calls import loss
    from fastloss.jax.losses import *
    from fastloss.jax.losses import __all__ as _losses

__all__ = ["loss"]
__all__ += _losses
