"""numba: loops over prange, compiled with parallel and fastmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numba
import numpy as np
from numba import njit, prange

from cells import FRESH, HESS, VALUE, Cell
from peers.base import Data, Job, Peer

inline = njit(inline="always", fastmath=True)
loops = njit(parallel=True, fastmath=True)


@inline
def _squared(y, x):
    r = x - y
    return r * r, 2 * r, 2 + 0 * r


@inline
def _absolute(y, x):
    r = x - y
    return abs(r), np.sign(r), 0 * r


@inline
def _huber(y, x):
    r = x - y
    one = 1 + 0 * r
    if abs(r) <= one:
        return r * r / 2, r, one
    return abs(r) - one / 2, math.copysign(one, r), 0 * r


@inline
def _hinge(y, x):
    margin = 1 - y * x
    if margin > 0:
        return margin, -y, 0 * x
    return 0 * x, 0 * y, 0 * x


@inline
def _binary(y, p):
    q = 1 - p
    return (
        -(y * math.log(p) + (1 - y) * math.log(q)),
        (1 - y) / q - y / p,
        (1 - y) / (q * q) + y / (p * p),
    )


@inline
def _binary_logits(y, x):
    t = math.exp(-abs(x))
    s = (1 if x >= 0 else t) / (1 + t)
    return max(x, 0 * x) - x * y + math.log1p(t), s - y, s * (1 - s)


ELEMENTWISE = {
    "mean_squared_error": _squared,
    "mean_absolute_error": _absolute,
    "huber": _huber,
    "hinge": _hinge,
    "binary_crossentropy": _binary,
    "binary_crossentropy_logits": _binary_logits,
}


@cache
def _elementwise(kernel: str) -> dict[str, Callable[..., Any]]:
    """Value; value and gradient; gradient and Hessian, of the mean."""
    formula = ELEMENTWISE[kernel]

    @loops
    def value(y, x):
        total = 0.0
        for i in prange(x.size):
            total += formula(y[i], x[i])[0]
        return total / x.size

    @loops
    def value_and_grad(y, x, g):
        total = 0.0
        scale = g.dtype.type(1 / x.size)
        for i in prange(x.size):
            v, d, _ = formula(y[i], x[i])
            total += v
            g[i] = d * scale
        return total / x.size

    @loops
    def grad_and_hess(y, x, g, h):
        scale = g.dtype.type(1 / x.size)
        for i in prange(x.size):
            _, d, c = formula(y[i], x[i])
            g[i] = d * scale
            h[i] = c * scale

    return {"v": value, "vg": value_and_grad, "gh": grad_and_hess}


@loops
def _sparse_value(y, p):
    total = 0.0
    for i in prange(len(y)):
        total -= math.log(p[i, y[i]])
    return total / len(y)


@loops
def _sparse_grad(y, p, g):
    total = 0.0
    for i in prange(len(y)):
        g[i, :] = 0
        total -= math.log(p[i, y[i]])
        g[i, y[i]] = -1 / (p[i, y[i]] * len(y))
    return total / len(y)


@loops
def _dense_value(q, p):
    total = 0.0
    for i in prange(len(q)):
        for j in range(p.shape[1]):
            total -= q[i, j] * math.log(p[i, j])
    return total / len(q)


@loops
def _dense_grad(q, p, g):
    total = 0.0
    scale = g.dtype.type(1 / len(q))
    for i in prange(len(q)):
        for j in range(p.shape[1]):
            total -= q[i, j] * math.log(p[i, j])
            g[i, j] = -q[i, j] / p[i, j] * scale
    return total / len(q)


@loops
def _sparse_logits_value(y, x):
    total = 0.0
    for i in prange(len(y)):
        m = x[i].max()
        s = 0 * m
        for j in range(x.shape[1]):
            s += math.exp(x[i, j] - m)
        total += math.log(s) + m - x[i, y[i]]
    return total / len(y)


@loops
def _sparse_logits_grad(y, x, g):
    total = 0.0
    scale = g.dtype.type(1 / len(y))
    for i in prange(len(y)):
        m = x[i].max()
        s = 0 * m
        for j in range(x.shape[1]):
            e = math.exp(x[i, j] - m)
            g[i, j] = e
            s += e
        total += math.log(s) + m - x[i, y[i]]
        for j in range(x.shape[1]):
            g[i, j] *= scale / s
        g[i, y[i]] -= scale
    return total / len(y)


@loops
def _dense_logits_value(q, x):
    total = 0.0
    for i in prange(len(q)):
        m = x[i].max()
        s, w, dot = 0 * m, 0 * m, 0 * m
        for j in range(x.shape[1]):
            s += math.exp(x[i, j] - m)
            w += q[i, j]
            dot += q[i, j] * (x[i, j] - m)
        total += w * math.log(s) - dot
    return total / len(q)


@loops
def _dense_logits_grad(q, x, g):
    total = 0.0
    scale = g.dtype.type(1 / len(q))
    for i in prange(len(q)):
        m = x[i].max()
        s, w, dot = 0 * m, 0 * m, 0 * m
        for j in range(x.shape[1]):
            e = math.exp(x[i, j] - m)
            g[i, j] = e
            s += e
            w += q[i, j]
            dot += q[i, j] * (x[i, j] - m)
        total += w * math.log(s) - dot
        for j in range(x.shape[1]):
            g[i, j] = (g[i, j] * (w / s) - q[i, j]) * scale
    return total / len(q)


ROWWISE = {
    "sparse_categorical_crossentropy": (_sparse_value, _sparse_grad),
    "categorical_crossentropy": (_dense_value, _dense_grad),
    "sparse_categorical_crossentropy_logits": (
        _sparse_logits_value,
        _sparse_logits_grad,
    ),
    "categorical_crossentropy_logits": (_dense_logits_value, _dense_logits_grad),
}


class Numba(Peer):
    version = numba.__version__

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        numba.set_num_threads(threads)

    def job(self, cell: Cell, data: Data) -> Job | None:
        if cell.kernel in ELEMENTWISE:
            loops = _elementwise(cell.kernel)
            value, grad = loops["v"], loops["vg"]
        elif cell.kernel in ROWWISE and cell.output != HESS:
            value, grad = ROWWISE[cell.kernel]
        else:
            return None
        y, x = data.y_true, data.y_pred
        if cell.output == VALUE:
            return Job(partial(value, y, x), lambda v: (v,))
        if cell.output == HESS:
            return Job(
                partial(loops["gh"], y, x, data.grad, data.hess),
                lambda _: (data.grad, data.hess),
            )

        def fresh() -> tuple[Any, ...]:
            g = np.empty_like(x)
            return grad(y, x, g), g

        if cell.output == FRESH:
            return Job(fresh, tuple)
        return Job(partial(grad, y, x, data.grad), lambda v: (v, data.grad))
