"""Losses in the words of numba: loops over prange, with parallel and fastmath."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import njit, prange

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


# An argument that is None is compiled away with the branches that ask for it.
@cache
def elementwise(kernel: str) -> dict[str, Callable[..., Any]]:
    """Value; value and gradient; gradient and Hessian, of the mean or unreduced."""
    formula = ELEMENTWISE[kernel]

    @inline
    def label(y, x, smoothing):
        real = x.dtype.type
        if smoothing is None:
            return real(y)
        return real(y) * real(1 - smoothing) + real(smoothing / 2)

    @loops
    def value(y, x, w, smoothing, values):
        total = 0.0
        weights = 0.0
        for i in prange(x.size):
            v = formula(label(y[i], x, smoothing), x[i])[0]
            if w is not None:
                v *= w[i]
                weights += w[i]
            if values is not None:
                values[i] = v
            total += v
        return total / (x.size if w is None else weights)

    @loops
    def value_and_grad(y, x, g, w, smoothing, values):
        total = 0.0
        divisor = x.size if w is None else w.sum()
        scale = g.dtype.type(1 if values is not None else 1 / divisor)
        for i in prange(x.size):
            v, d, _ = formula(label(y[i], x, smoothing), x[i])
            if w is not None:
                v *= w[i]
                d *= x.dtype.type(w[i])
            if values is not None:
                values[i] = v
            total += v
            g[i] = d * scale
        return total / divisor

    @loops
    def grad_and_hess(y, x, g, h, w, smoothing):
        divisor = x.size if w is None else w.sum()
        scale = g.dtype.type(1 / divisor)
        for i in prange(x.size):
            _, d, c = formula(label(y[i], x, smoothing), x[i])
            weight = scale if w is None else scale * g.dtype.type(w[i])
            g[i] = d * weight
            h[i] = c * weight

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


@inline
def _row_weight(y, i, w, by_class, ignored):
    if w is not None:
        return w[i]
    if by_class is not None:
        return by_class[y[i]]
    if ignored is not None:
        return 0.0 if y[i] == ignored else 1.0
    return 1.0


@loops
def _divisor(y, w, by_class, ignored):
    total = 0.0
    for i in prange(len(y)):
        total += _row_weight(y, i, w, by_class, ignored)
    return total


@loops
def _sparse_logits_value(y, x, w, by_class, ignored, smoothing, values):
    total = 0.0
    weights = 0.0
    for i in prange(len(y)):
        weight = _row_weight(y, i, w, by_class, ignored)
        weights += weight
        v = 0.0
        if weight != 0:
            m = x[i].max()
            s = 0 * m
            t = 0 * m
            for j in range(x.shape[1]):
                s += math.exp(x[i, j] - m)
                if smoothing is not None:
                    t += x[i, j] - m
            v = math.log(s) + m - x[i, y[i]]
            if smoothing is not None:
                v += smoothing * (x[i, y[i]] - m - t / x.shape[1])
        if values is not None:
            values[i] = v
        total += weight * v
    return total / weights


@loops
def _sparse_logits_grad(y, x, g, w, by_class, ignored, smoothing, values):
    total = 0.0
    divisor = 1.0 if values is not None else _divisor(y, w, by_class, ignored)
    for i in prange(len(y)):
        weight = _row_weight(y, i, w, by_class, ignored)
        scale = g.dtype.type(weight / divisor)
        v = 0.0
        if weight == 0:
            g[i, :] = 0
        else:
            m = x[i].max()
            s = 0 * m
            t = 0 * m
            for j in range(x.shape[1]):
                e = math.exp(x[i, j] - m)
                g[i, j] = e
                s += e
                if smoothing is not None:
                    t += x[i, j] - m
            v = math.log(s) + m - x[i, y[i]]
            factor = scale / g.dtype.type(s)
            if smoothing is None:
                for j in range(x.shape[1]):
                    g[i, j] *= factor
                g[i, y[i]] -= scale
            else:
                v += smoothing * (x[i, y[i]] - m - t / x.shape[1])
                share = g.dtype.type(smoothing / x.shape[1]) * scale
                for j in range(x.shape[1]):
                    g[i, j] = g[i, j] * factor - share
                g[i, y[i]] -= g.dtype.type(1 - smoothing) * scale
        if values is not None:
            values[i] = v
        total += weight * v
    return total / divisor


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
