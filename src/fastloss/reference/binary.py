"""Losses of labels in [0, 1], entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, clip, smooth

__all__ = ["Asymmetric", "BinaryCrossentropy", "Brier", "Focal", "Poly1"]


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Array) -> Array:
    """``log(1 + exp(x))`` without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _product(y: Array, x: Array) -> Array:
    """``y x``, 0 for ``y = 0``."""
    return np.where(y == 0, 0, y * np.where(y == 0, 0, x))


def _cross_entropy(
    y: Array, x: Array, from_logits: bool, eps: float | None
) -> tuple[Array, Array, Array, list[Array], list[Array]]:
    """``p``, ``1 - p``, the cross-entropy and the terms of its two derivatives."""
    if from_logits:
        p, q = _sigmoid(x), _sigmoid(-x)
        loss = _product(1 - y, _softplus(x)) + _product(y, _softplus(-x))
        return p, q, loss, [(1 - y) * p, -y * q], [p * q]
    p = clip(x, eps)
    q = 1 - p
    loss = -_product(1 - y, np.log1p(-p)) - _product(y, np.log(p))
    slopes = [(1 - y) / q, -y / p]
    return p, q, loss, slopes, [(1 - y) / q**2, y / p**2]


def _total(terms: list[Array]) -> Any:
    return sum(terms)


def _sizes(terms: list[Array]) -> Any:
    return sum(abs(term) for term in terms)


class BinaryCrossentropy:
    """``-pos_weight y log p - (1 - y) log(1 - p)``, with ``p = sigmoid(x)`` for logits.

    On logits this is ``softplus(x) - y x + (pos_weight - 1) y softplus(-x)``.
    """

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        y = smooth(y, label_smoothing, 2)
        if not from_logits:
            p = clip(x, eps)
            return -pos_weight * y * np.log(p) - (1 - y) * np.log1p(-p)
        loss = _softplus(x) - y * x
        if pos_weight != 1:
            loss = loss + (pos_weight - 1) * y * _softplus(-x)
        return loss

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        y = smooth(y, label_smoothing, 2)
        if not from_logits:
            p = clip(x, eps)
            return (1 - y) / (1 - p) - pos_weight * y / p
        p = _sigmoid(x)
        if pos_weight == 1:
            return p - y
        return (1 - y) * p - pos_weight * y * (1 - p)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        pos_weight: float = 1.0,
        eps: float | None = None,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        y = smooth(y, label_smoothing, 2)
        if not from_logits:
            p = clip(x, eps)
            return pos_weight * y / p**2 + (1 - y) / (1 - p) ** 2
        p = _sigmoid(x)
        return (1 - y + pos_weight * y) * p * (1 - p)


class Focal:
    """``w u^gamma ce`` with ``u = 1 - p_t`` and the cross-entropy ``ce``.

    ``w = alpha y + (1 - alpha) (1 - y)``, or 1 for ``alpha=None``. Each derivative is a
    list of terms, of either sign.
    """

    @staticmethod
    def _terms(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool,
        eps: float | None,
        gamma: float,
        alpha: float | None,
        p_t: str,
    ) -> tuple[Array, list[Array], list[Array], Any]:
        """The value, the terms of both derivatives, what ``exp(-ce)`` multiplies.

        An ulp of ``ce`` is ``ce`` ulps of it; the last terms are without it.
        """
        y, x = arrays(y_true, y_pred)
        p, q, ce, first, second = _cross_entropy(y, x, from_logits, eps)
        slope = sum(first)
        wide = 1 + ce if p_t == "geometric" else 1
        if p_t == "geometric":
            u = -np.expm1(-ce)
            rises = [np.exp(-ce) * term for term in first]
            bends = [np.exp(-ce) * term for term in (*second, -(slope**2))]
        else:
            u = p * (1 - y) + q * y
            rises = [(1 - 2 * y) * (p * q if from_logits else 1)]
            bends = [(1 - 2 * y) * p * q * (q - p) * (1 if from_logits else 0)]
        rise = sum(rises)
        w = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
        safe = np.where(u == 0, 1, u)
        power = w * np.where(u == 0, int(gamma == 0), safe**gamma)
        grad = [power * gamma * r * ce / safe for r in rises]
        grad += [power * term for term in first]
        bend = (gamma - 1) * rise**2 / safe + sum(bends)
        hess = [
            power * gamma * bend * ce / safe,
            2 * power * gamma * rise * slope / safe,
        ]
        hess += [power * sum(second)]
        return power * ce, grad, hess, wide

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        gamma: float = 2.0,
        alpha: float | None = None,
        p_t: str = "arithmetic",
    ) -> Array:
        options = (from_logits, eps, gamma, alpha, p_t)
        return Focal._terms(y_true, y_pred, *options)[0]

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        gamma: float = 2.0,
        alpha: float | None = None,
        p_t: str = "arithmetic",
    ) -> Array:
        options = (from_logits, eps, gamma, alpha, p_t)
        return _total(Focal._terms(y_true, y_pred, *options)[1])

    @staticmethod
    def grad_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        gamma: float = 2.0,
        alpha: float | None = None,
        p_t: str = "arithmetic",
    ) -> Array:
        """The sum of the sizes of the terms; a hard label has one sign."""
        options = (from_logits, eps, gamma, alpha, p_t)
        _, terms, _, wide = Focal._terms(y_true, y_pred, *options)
        return wide * _sizes(terms[:-2]) + _sizes(terms[-2:])

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        gamma: float = 2.0,
        alpha: float | None = None,
        p_t: str = "arithmetic",
    ) -> Array:
        options = (from_logits, eps, gamma, alpha, p_t)
        return _total(Focal._terms(y_true, y_pred, *options)[2])

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        gamma: float = 2.0,
        alpha: float | None = None,
        p_t: str = "arithmetic",
    ) -> Array:
        """The sum of the sizes of the terms."""
        options = (from_logits, eps, gamma, alpha, p_t)
        _, _, terms, wide = Focal._terms(y_true, y_pred, *options)
        return wide * _sizes(terms[:-1]) + _sizes(terms[-1:])


class Asymmetric:
    """``-y q^gamma_pos log(p) - (1 - y) v^gamma_neg log(1 - v)``.

    With ``p = sigmoid(x)``, ``q = 1 - p`` and ``v = max(0, p - margin)``.
    """

    @staticmethod
    def _terms(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        gamma_pos: float,
        gamma_neg: float,
        margin: float,
    ) -> tuple[list[Array], list[Array], list[Array]]:
        """The terms of each output, the second half of them of negative labels."""
        y, x = arrays(y_true, y_pred)
        p, q = _sigmoid(x), _sigmoid(-x)
        g, power, log = gamma_pos, y * q**gamma_pos, _softplus(-x)
        bend = g * p * log * (g * p - q)
        value = [_product(power, log)]
        grad = [-power * g * p * log, -power * q]
        hess = [power * bend, power * (2 * g + 1) * p * q]

        on = p > margin
        g, v = gamma_neg, np.where(on, p - margin, 0.5 + 0 * p)
        power = np.where(on, (1 - y) * v**g, 0)
        rest = 1 - v if margin else q
        log = -np.log1p(-v) if margin else _softplus(x)
        c, d = p * q / np.where(on, rest, 1), p * q / v
        value.append(_product(power, np.where(on, log, 0)))
        grad += [power * g * d * log, power * c]
        bend = g * d * log * ((g - 1) * d + q - p)
        hess += [power * bend, power * (2 * g * d * c + c * (c + q - p))]
        return value, grad, hess

    @staticmethod
    def _sizes(
        output: int,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        gamma_pos: float,
        gamma_neg: float,
        margin: float,
    ) -> Array:
        """The sizes of the terms, of negative labels times ``p/v``.

        By so much the rounding of ``p`` counts more in ``v``.
        """
        options = (gamma_pos, gamma_neg, margin)
        terms = Asymmetric._terms(y_true, y_pred, *options)[output]
        p = _sigmoid(arrays(y_true, y_pred)[1])
        half = len(terms) // 2
        on = np.where(p > margin, p / np.where(p > margin, p - margin, 1), 0)
        return _sizes(terms[:half]) + on * _sizes(terms[half:])

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        margin: float = 0.05,
    ) -> Array:
        options = (gamma_pos, gamma_neg, margin)
        return _total(Asymmetric._terms(y_true, y_pred, *options)[0])

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        margin: float = 0.05,
    ) -> Array:
        options = (gamma_pos, gamma_neg, margin)
        return _total(Asymmetric._terms(y_true, y_pred, *options)[1])

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        margin: float = 0.05,
    ) -> Array:
        options = (gamma_pos, gamma_neg, margin)
        return _total(Asymmetric._terms(y_true, y_pred, *options)[2])

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        margin: float = 0.05,
    ) -> Array:
        """What an error of the value is counted in."""
        return Asymmetric._sizes(0, y_true, y_pred, gamma_pos, gamma_neg, margin)

    @staticmethod
    def grad_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        margin: float = 0.05,
    ) -> Array:
        """What an error of the gradient is counted in."""
        return Asymmetric._sizes(1, y_true, y_pred, gamma_pos, gamma_neg, margin)

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        gamma_pos: float = 1.0,
        gamma_neg: float = 4.0,
        margin: float = 0.05,
    ) -> Array:
        """What an error of the Hessian is counted in."""
        return Asymmetric._sizes(2, y_true, y_pred, gamma_pos, gamma_neg, margin)


class Poly1:
    """``ce + epsilon (1 - p_t)`` with ``p_t = y p + (1 - y) (1 - p)``."""

    @staticmethod
    def _terms(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool,
        eps: float | None,
        epsilon: float,
    ) -> tuple[list[Array], list[Array], list[Array]]:
        y, x = arrays(y_true, y_pred)
        p, q, ce, first, second = _cross_entropy(y, x, from_logits, eps)
        side = epsilon * (1 - 2 * y)
        value = [ce, epsilon * (p * (1 - y) + q * y)]
        if not from_logits:
            return value, [*first, side], second
        hess = [*second, side * p * q * q, -side * p * q * p]
        return value, [*first, side * p * q], hess

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        epsilon: float = 1.0,
    ) -> Array:
        return _total(Poly1._terms(y_true, y_pred, from_logits, eps, epsilon)[0])

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        epsilon: float = 1.0,
    ) -> Array:
        """The sum of the sizes of the terms."""
        return _sizes(Poly1._terms(y_true, y_pred, from_logits, eps, epsilon)[0])

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        epsilon: float = 1.0,
    ) -> Array:
        return _total(Poly1._terms(y_true, y_pred, from_logits, eps, epsilon)[1])

    @staticmethod
    def grad_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        epsilon: float = 1.0,
    ) -> Array:
        """The sum of the sizes of the terms."""
        return _sizes(Poly1._terms(y_true, y_pred, from_logits, eps, epsilon)[1])

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        epsilon: float = 1.0,
    ) -> Array:
        return _total(Poly1._terms(y_true, y_pred, from_logits, eps, epsilon)[2])

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        from_logits: bool = True,
        eps: float | None = None,
        epsilon: float = 1.0,
    ) -> Array:
        """The sum of the sizes of the terms."""
        return _sizes(Poly1._terms(y_true, y_pred, from_logits, eps, epsilon)[2])


class Brier:
    """``(p - y)^2``, with ``p = sigmoid(x)`` for logits."""

    @staticmethod
    def _delta(y: Array, x: Array, from_logits: bool) -> Array:
        """``p - y``."""
        if not from_logits:
            return x - y
        return (1 - y) * _sigmoid(x) - y * _sigmoid(-x)

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, from_logits: bool = False
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return Brier._delta(y, x, from_logits) ** 2

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, from_logits: bool = False
    ) -> Array:
        """With the larger of p - y's terms s; of a probability the value itself.

        An error u s of p - y = d changes the value by 2 d u s + (u s)^2.
        """
        y, x = arrays(y_true, y_pred)
        delta = abs(Brier._delta(y, x, from_logits))
        if not from_logits:
            return delta**2
        size = (1 - y) * _sigmoid(x) + y * _sigmoid(-x)
        return size * (delta + 2.0**-53 * size)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, from_logits: bool = False
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        delta = Brier._delta(y, x, from_logits)
        return 2 * delta * (_sigmoid(x) * _sigmoid(-x) if from_logits else 1)

    @staticmethod
    def grad_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, from_logits: bool = False
    ) -> Array:
        """With the larger of p - y's terms; of a probability the gradient itself."""
        y, x = arrays(y_true, y_pred)
        if not from_logits:
            return 2 * abs(x - y)
        p, q = _sigmoid(x), _sigmoid(-x)
        return 2 * ((1 - y) * p + y * q) * p * q

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, from_logits: bool = False
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        if not from_logits:
            return 2 + 0 * (x - y)
        p, q = _sigmoid(x), _sigmoid(-x)
        return 2 * p * q * (p * q + Brier._delta(y, x, True) * (q - p))

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, from_logits: bool = False
    ) -> Array:
        """The sum of the sizes of the terms."""
        y, x = arrays(y_true, y_pred)
        if not from_logits:
            return abs(Brier.hess(y, x))
        p, q = _sigmoid(x), _sigmoid(-x)
        return 2 * p * q * (p * q + ((1 - y) * p + y * q) * (q + p))
