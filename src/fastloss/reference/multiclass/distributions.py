"""Distances of rows of predictions from rows of labels.

Where an output adds up terms of either sign, ``<output>_size`` is the sum of their
sizes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, clip, nan_or
from fastloss.reference.multiclass._classes import log_softmax, softmax

__all__ = [
    "CategoricalBrier",
    "Cosine",
    "JSDivergence",
    "KLDivergence",
    "TotalVariation",
]


def _sum(a: Array) -> Array:
    """Along the last axis, which stays."""
    return np.sum(a, axis=-1, keepdims=True)


def _log_or_0(q: Array) -> Array:
    """``log q``, and 0 where ``q`` is 0."""
    return np.log(np.where(q == 0, 1 + 0 * q, q))


class KLDivergence:
    """``sum_c q_c (log q_c - log p_c)``; of logits ``T^2`` times that of ``x/T``.

    A label of 0 contributes 0.
    """

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool,
        eps: float | None,
        log_input: bool,
        log_target: bool,
        temperature: float,
    ) -> tuple[Array, Array, Array]:
        """The labels, and logarithms of labels and predictions, 0 for labels of 0."""
        y, x = arrays(y_true, y_pred)
        if log_target:
            q = softmax(y / temperature) if from_logits else np.exp(y)
            log_q = log_softmax(y / temperature) if from_logits else y
        else:
            q, log_q = y, _log_or_0(y)
        if from_logits:
            log_p = log_softmax(x / temperature)
        else:
            log_p = x if log_input else np.log(clip(x, eps))
        return q, np.where(q == 0, 0, log_q), np.where(q == 0, 0, log_p)

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        eps: float | None = None,
        log_input: bool = False,
        log_target: bool = False,
        temperature: float = 1.0,
    ) -> Array:
        options = from_logits, eps, log_input, log_target, temperature
        q, log_q, log_p = KLDivergence._parts(y_true, y_pred, *options)
        return temperature**2 * np.sum(q * (log_q - log_p), axis=-1)

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        eps: float | None = None,
        log_input: bool = False,
        log_target: bool = False,
        temperature: float = 1.0,
    ) -> Array:
        options = from_logits, eps, log_input, log_target, temperature
        q, log_q, log_p = KLDivergence._parts(y_true, y_pred, *options)
        return temperature**2 * np.sum(q * (abs(log_q) + abs(log_p)), axis=-1)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        eps: float | None = None,
        log_input: bool = False,
        log_target: bool = False,
        temperature: float = 1.0,
    ) -> Array:
        options = from_logits, eps, log_input, log_target, temperature
        q, _, _ = KLDivergence._parts(y_true, y_pred, *options)
        _, x = arrays(y_true, y_pred)
        if from_logits:
            return temperature * (_sum(q) * softmax(x / temperature) - q)
        return nan_or(x, -q) if log_input else -q / clip(x, eps)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        eps: float | None = None,
        log_input: bool = False,
        log_target: bool = False,
        temperature: float = 1.0,
    ) -> Array:
        options = from_logits, eps, log_input, log_target, temperature
        q, _, _ = KLDivergence._parts(y_true, y_pred, *options)
        _, x = arrays(y_true, y_pred)
        if from_logits:
            p = softmax(x / temperature)
            return _sum(q) * p * (1 - p)
        return nan_or(x, nan_or(q, 0)) if log_input else q / clip(x, eps) ** 2


class _OfShares:
    """A sum of terms of ``q_c`` and ``p_c``, with ``p = softmax(x)`` for logits.

    With their slopes ``a`` and curves ``b`` by p, and ``A = sum p a``,
    ``B = sum p^2 b``, the derivatives by logits are ``g = p (a - A)`` and
    ``(1 - 2 p) (g + p^2 b) + p^2 B``.
    """

    #: By q, p and parameters: terms, sizes, ``p a``, ``p^2 b``; then ``a``, ``b``.
    _terms: Any
    _slopes: Any

    @staticmethod
    def _shares(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool,
        parameters: dict[str, Any],
    ) -> tuple[Array, Array]:
        """Labels and probabilities, clipped where the loss has an `eps`."""
        q, x = arrays(y_true, y_pred)
        clips = "eps" in parameters
        eps = parameters.pop("eps", None)
        if from_logits:
            return q, softmax(x)
        return q, clip(x, eps) if clips else x

    @classmethod
    def value(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        **parameters: Any,
    ) -> Array:
        q, p = cls._shares(y_true, y_pred, from_logits, parameters)
        return np.sum(cls._terms(q, p, **parameters)[0], axis=-1)

    @classmethod
    def value_size(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        **parameters: Any,
    ) -> Array:
        """Of logits with what the rounding of p moves."""
        q, p = cls._shares(y_true, y_pred, from_logits, parameters)
        _, size, pull, _ = cls._terms(q, p, **parameters)
        return np.sum(size + from_logits * abs(pull), axis=-1)

    @classmethod
    def grad(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        **parameters: Any,
    ) -> Array:
        q, p = cls._shares(y_true, y_pred, from_logits, parameters)
        if not from_logits:
            return cls._slopes(q, p, **parameters)[0]
        _, _, pull, _ = cls._terms(q, p, **parameters)
        return pull - p * _sum(pull)

    @classmethod
    def grad_size(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        **parameters: Any,
    ) -> Array:
        """Of logits with what the rounding of p moves: its slope is ``a + p b``."""
        q, p = cls._shares(y_true, y_pred, from_logits, parameters)
        if not from_logits:
            return 0 * p
        _, _, pull, bend = cls._terms(q, p, **parameters)
        size = abs(pull) + bend
        return size + p * _sum(size)

    @classmethod
    def hess(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        **parameters: Any,
    ) -> Array:
        q, p = cls._shares(y_true, y_pred, from_logits, parameters)
        if not from_logits:
            return cls._slopes(q, p, **parameters)[1]
        _, _, pull, bend = cls._terms(q, p, **parameters)
        grad = pull - p * _sum(pull)
        return (1 - 2 * p) * (grad + bend) + p**2 * _sum(bend)

    @classmethod
    def hess_size(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        **parameters: Any,
    ) -> Array:
        size = cls.grad_size(y_true, y_pred, from_logits, **parameters)
        q, p = cls._shares(y_true, y_pred, from_logits, parameters)
        if not from_logits:
            return 0 * p
        bend = cls._terms(q, p, **parameters)[3]
        return size + bend + p**2 * _sum(bend)


class JSDivergence(_OfShares):
    """``sum_c beta q_c log(q_c/m_c) + (1 - beta) p_c log(p_c/m_c)``.

    ``m = beta q + (1 - beta) p``. At the ends, where this is 0, it is divided by `beta`
    or by ``1 - beta``: ``sum q log(q/p)`` at 0, ``sum p log(p/q)`` at 1.
    """

    @staticmethod
    def _logs(q: Array, p: Array, beta: float) -> tuple[Array, Array, Array]:
        """``m``, and ``log(q/m)``, ``log(p/m)``, 0 where q and p are equal."""
        m = beta * q + (1 - beta) * p
        with np.errstate(divide="ignore", invalid="ignore"):
            log_q = np.where(q == p, 0, _log_or_0(q) - _log_or_0(m))
            log_p = np.where(q == p, 0, np.log(p) - np.log(m))
        return m, np.where(q == 0, 0, log_q), log_p

    @classmethod
    def _terms(cls, q: Array, p: Array, beta: float = 0.5) -> tuple[Array, ...]:
        m, log_q, log_p = cls._logs(q, p, beta)
        part = 1 if beta == 1 else 1 - beta
        if beta == 0:
            terms = q * (_log_or_0(q) - np.log(p))
            return terms, q * (abs(_log_or_0(q)) + abs(np.log(p))), -q, q
        of_q, of_p = beta * q * log_q, part * np.where(p == 0, 0, p * log_p)
        share = np.where(q == 0, 0, beta * q / np.where(q == 0, 1, m))
        bend = p if beta == 1 else part * p * share
        return of_q + of_p, abs(of_q) + abs(of_p), of_p + int(beta == 1) * p, bend

    @classmethod
    def _slopes(cls, q: Array, p: Array, beta: float = 0.5) -> tuple[Array, Array]:
        m, _, log_p = cls._logs(q, p, beta)
        if beta == 0:
            return -q / p, q / p**2
        if beta == 1:
            return log_p + 1, 1 / p
        return (1 - beta) * log_p, beta * (1 - beta) * q / (p * m)

    @classmethod
    def grad_size(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        **parameters: Any,
    ) -> Array:
        size = super().grad_size(y_true, y_pred, from_logits, **parameters)
        if from_logits or parameters.get("beta", 0.5) != 1:
            return size
        return 1 + abs(cls.grad(y_true, y_pred, **parameters) - 1)


class TotalVariation(_OfShares):
    """``1/2 sum_c |p_c - q_c|``; of equal ones the slope is 0."""

    @classmethod
    def _terms(cls, q: Array, p: Array) -> tuple[Array, ...]:
        slope, _ = cls._slopes(q, p)
        return abs(p - q) / 2, abs(p - q) / 2, p * slope, 0 * p

    @classmethod
    def _slopes(cls, q: Array, p: Array) -> tuple[Array, Array]:
        d = p - q
        return nan_or(
            d, np.where(d > 0, 1, np.where(d < 0, -1, 0)) / (2 + 0 * p)
        ), 0 * d


class CategoricalBrier(_OfShares):
    """``sum_c (p_c - q_c)^2``."""

    @classmethod
    def _terms(cls, q: Array, p: Array) -> tuple[Array, ...]:
        return (p - q) ** 2, (p - q) ** 2, 2 * p * (p - q), 2 * p**2

    @classmethod
    def _slopes(cls, q: Array, p: Array) -> tuple[Array, Array]:
        return 2 * (p - q), nan_or(p - q, 2 + 0 * p)


class Cosine:
    """``offset - t.x/(|t| |x|)``; of a row of zeros the cosine is 0.

    With ``a = t/|t|``, ``b = x/|x|`` and the cosine ``c``: gradient ``(c b - a)/|x|``,
    diagonal of the Hessian ``(2 a b + c (1 - 3 b^2))/|x|^2``.
    """

    @staticmethod
    def _parts(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[Array, ...]:
        """``a``, ``b``, the cosine, ``sum |a b|`` and ``1/|x|``."""
        t, x = arrays(y_true, y_pred)
        squares = _sum(t * t), _sum(x * x)
        none = (squares[0] == 0) | (squares[1] == 0)
        some = [np.where(none, 1 + 0 * s, s) for s in squares]
        inverse = [np.where(none, 0, 1 / np.sqrt(s)) for s in some]
        a, b = t * inverse[0], x * inverse[1]
        return a, b, _sum(a * b), _sum(abs(a * b)), inverse[1]

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, offset: float = 1.0
    ) -> Array:
        _, _, c, _, _ = Cosine._parts(y_true, y_pred)
        return (offset - c)[..., 0]

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, offset: float = 1.0
    ) -> Array:
        _, _, _, size, _ = Cosine._parts(y_true, y_pred)
        return (abs(offset) + size)[..., 0]

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, offset: float = 1.0
    ) -> Array:
        a, b, c, _, inverse = Cosine._parts(y_true, y_pred)
        return (c * b - a) * inverse

    @staticmethod
    def grad_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, offset: float = 1.0
    ) -> Array:
        a, b, _, size, inverse = Cosine._parts(y_true, y_pred)
        return (size * abs(b) + abs(a)) * inverse

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, offset: float = 1.0
    ) -> Array:
        a, b, c, _, inverse = Cosine._parts(y_true, y_pred)
        return (2 * a * b + c * (1 - 3 * b**2)) * inverse**2

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, offset: float = 1.0
    ) -> Array:
        a, b, _, size, inverse = Cosine._parts(y_true, y_pred)
        return (2 * abs(a * b) + size * (1 + 3 * b**2)) * inverse**2
