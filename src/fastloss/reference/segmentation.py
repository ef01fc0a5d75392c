"""Losses of the overlap of regions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays

__all__ = [
    "MCC",
    "Dice",
    "GeneralizedDice",
    "Jaccard",
    "LovaszHinge",
    "LovaszSoftmax",
    "Tversky",
]

Axis = int | tuple[int, ...] | None


def _sums(t: Array, p: Array, tp: str, axis: Axis) -> tuple[Array, ...]:
    """True and false positives, false and true negatives; slopes of these four."""
    one = 1 + 0 * p
    if tp == "product":
        terms = p * t, p * (1 - t), t * (1 - p), (1 - p) * (1 - t)
        hit = t + 0 * p
    else:
        low, high = np.minimum(p, t), np.maximum(p, t)
        terms = low, high - t, high - p, 1 - high
        hit = (np.sign(t - p) + 1) / 2
    totals = tuple(np.sum(term, axis=axis, keepdims=True) for term in terms)
    return (*totals, hit, one - hit, -hit, hit - one)


def _ratio(above: Array, below: Array) -> Array:
    """``above/below``, 0 where nothing is below."""
    return np.where(below == 0, 0, above / np.where(below == 0, 1, below))


class Dice:
    """``1 - (2 T + smooth)/(sum p + sum t + smooth)`` with the overlap ``T``."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, smooth: float, tp: str, axis: Axis
    ) -> tuple[Array, Array, Array]:
        """The numerator, the denominator, and the derivatives of T."""
        t, p = arrays(y_true, y_pred)
        overlap = p * t if tp == "product" else np.minimum(p, t)
        moves = t if tp == "product" else (np.sign(t - p) + 1) / 2
        found = 2 * np.sum(overlap, axis=axis, keepdims=True) + smooth
        return found, np.sum(p + t, axis=axis, keepdims=True) + smooth, moves

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Any:
        found, size, _ = Dice._parts(y_true, y_pred, smooth, tp, axis)
        loss = np.where(size == 0, 0, 1 - found / np.where(size == 0, 1, size))
        return np.squeeze(loss, axis=axis)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Array:
        found, size, moves = Dice._parts(y_true, y_pred, smooth, tp, axis)
        one = np.where(size == 0, 1, size)
        return np.where(size == 0, 0, (found / one - 2 * moves) / one)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Array:
        found, size, moves = Dice._parts(y_true, y_pred, smooth, tp, axis)
        one = np.where(size == 0, 1, size)
        slope = np.where(size == 0, 0, (found / one - 2 * moves) / one)
        return -2 * slope / one


class Tversky:
    """``(1 - (T + smooth)/(T + alpha F + beta N + smooth))**gamma``."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float,
        tp: str,
        axis: Axis,
        alpha: float,
        beta: float,
    ) -> tuple[Array, Array, Array]:
        """The quotient r that the power is of, and its derivatives."""
        t, p = arrays(y_true, y_pred)
        both, false, lost, _, d_both, d_false, d_lost, _ = _sums(t, p, tp, axis)
        missed = alpha * false + beta * lost
        whole = both + missed + smooth
        d_missed = alpha * d_false + beta * d_lost
        d_whole = d_both + d_missed
        slope = _ratio(d_missed * whole - missed * d_whole, whole**2)
        return _ratio(missed, whole), slope, _ratio(-2 * d_whole * slope, whole)

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
        alpha: float = 0.5,
        beta: float = 0.5,
        gamma: float = 1.0,
    ) -> Any:
        r, _, _ = Tversky._parts(y_true, y_pred, smooth, tp, axis, alpha, beta)
        return np.squeeze(r**gamma, axis=axis)

    @staticmethod
    def _power(r: Array, power: float) -> Array:
        """``r**power``, 0 where that is infinite."""
        return np.where((r == 0) & (power < 0), 0, np.where(r == 0, 1, r) ** power)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
        alpha: float = 0.5,
        beta: float = 0.5,
        gamma: float = 1.0,
    ) -> Array:
        r, slope, _ = Tversky._parts(y_true, y_pred, smooth, tp, axis, alpha, beta)
        power = np.where((r == 0) & (gamma > 1), 0, Tversky._power(r, gamma - 1))
        return gamma * power * slope

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
        alpha: float = 0.5,
        beta: float = 0.5,
        gamma: float = 1.0,
    ) -> Array:
        r, slope, curve = Tversky._parts(y_true, y_pred, smooth, tp, axis, alpha, beta)
        first = np.where((r == 0) & (gamma > 1), 0, Tversky._power(r, gamma - 1))
        second = np.where((r == 0) & (gamma > 2), 0, Tversky._power(r, gamma - 2))
        return gamma * ((gamma - 1) * second * slope**2 + first * curve)


class Jaccard:
    """``1 - (T + smooth)/(sum p + sum t - T + smooth)`` with the overlap ``T``."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, smooth: float, tp: str, axis: Axis
    ) -> tuple[Array, Array, Array]:
        """Value, gradient and Hessian."""
        return Tversky._parts(y_true, y_pred, smooth, tp, axis, 1, 1)

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Any:
        parts = Jaccard._parts(y_true, y_pred, smooth, tp, axis)
        return np.squeeze(parts[0], axis=axis)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Array:
        return Jaccard._parts(y_true, y_pred, smooth, tp, axis)[1]

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
    ) -> Array:
        return Jaccard._parts(y_true, y_pred, smooth, tp, axis)[2]


class GeneralizedDice:
    """``1 - (2 sum w T + smooth)/(sum w (p + t) + smooth)`` over classes."""

    @staticmethod
    def _axes(ndim: int, axis: Axis, class_axis: int) -> tuple[int, tuple[int, ...]]:
        classes = class_axis % ndim
        if axis is None:
            return classes, tuple(a for a in range(ndim) if a != classes)
        return classes, tuple(a % ndim for a in np.atleast_1d(np.array(axis)))

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float,
        tp: str,
        axis: Axis,
        class_axis: int,
        weighting: str,
    ) -> tuple[Array, Array, Array]:
        """What is above, what is below, and slopes of half of what is above."""
        t, p = arrays(y_true, y_pred)
        classes, entries = GeneralizedDice._axes(p.ndim, axis, class_axis)
        both, false, lost, _, d_both, _, _, _ = _sums(t, p, tp, entries)
        labels = both + lost
        power = {"uniform": 0, "simple": 1, "square": 2}[weighting]
        w = _ratio(1 + 0 * labels, labels**power)
        w = np.where(w == 0, np.max(w, axis=classes, keepdims=True), w)
        above = np.sum(w * 2 * both, axis=classes, keepdims=True) + smooth
        missed = np.sum(w * (false + lost), axis=classes, keepdims=True)
        return above, above + missed, np.stack([w + 0 * p, d_both])

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
        class_axis: int = 1,
        weighting: str = "square",
    ) -> Any:
        above, below, _ = GeneralizedDice._parts(
            y_true, y_pred, smooth, tp, axis, class_axis, weighting
        )
        classes, entries = GeneralizedDice._axes(np.ndim(y_pred), axis, class_axis)
        return np.squeeze(_ratio(below - above, below), axis=(classes, *entries))

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
        class_axis: int = 1,
        weighting: str = "square",
    ) -> Array:
        above, below, (w, moves) = GeneralizedDice._parts(
            y_true, y_pred, smooth, tp, axis, class_axis, weighting
        )
        return _ratio(w * (above - 2 * moves * below), below**2)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1.0,
        tp: str = "product",
        axis: Axis = None,
        class_axis: int = 1,
        weighting: str = "square",
    ) -> Array:
        above, below, (w, moves) = GeneralizedDice._parts(
            y_true, y_pred, smooth, tp, axis, class_axis, weighting
        )
        return _ratio(-2 * w**2 * (above - 2 * moves * below), below**3)


class MCC:
    """``1 - (T U - F N)/sqrt((T + F)(T + N)(U + F)(U + N))``."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, smooth: float, tp: str, axis: Axis
    ) -> tuple[Array, Array, Array]:
        """Coefficient, its slope and its curvature."""
        t, p = arrays(y_true, y_pred)
        a, b, c, d, da, db, dc, dd = _sums(t, p, tp, axis)
        a, b, c, d = a + smooth, b + smooth, c + smooth, d + smooth
        above = a * d - b * c
        margins = (a + b) * (c + d), (a + c) * (b + d)  # of these the first moves
        root = np.sqrt(margins[0] * margins[1])
        k = _ratio((c + d) - (a + b), 2 * margins[0])
        slope = da * d + a * dd - db * c - b * dc
        bend = 2 * (da * dd - db * dc)
        m = _ratio(above, root)
        bent = -_ratio((c + d) ** 2 + (a + b) ** 2, 2 * margins[0] ** 2)  # k'
        first = _ratio(slope, root) - m * k
        second = _ratio(bend, root) - _ratio(slope, root) * k - first * k - m * bent
        return m, first, second

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1e-5,
        tp: str = "product",
        axis: Axis = None,
    ) -> Any:
        return np.squeeze(1 - MCC._parts(y_true, y_pred, smooth, tp, axis)[0], axis)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1e-5,
        tp: str = "product",
        axis: Axis = None,
    ) -> Array:
        return -MCC._parts(y_true, y_pred, smooth, tp, axis)[1]

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        smooth: float = 1e-5,
        tp: str = "product",
        axis: Axis = None,
    ) -> Array:
        return -MCC._parts(y_true, y_pred, smooth, tp, axis)[2]


def _lovasz(t: Array, e: Array) -> tuple[Any, Array]:
    """``sum_k max(e_k, 0) (J_k - J_(k-1))`` and its slopes by e, of a 1-D region."""
    order = sorted(range(e.size), key=lambda i: -e[i])
    total, before, slopes = 0 * np.sum(e), 0, 0 * e
    both = either = np.sum(t) + total
    for i in order:
        both, either = both - t[i], either + 1 - t[i]
        jaccard = 1 - both / either
        if e[i] > 0:
            total = total + e[i] * (jaccard - before)
            slopes[i] = jaccard - before
        before = jaccard
    return total, slopes


class LovaszHinge:
    """The Lovasz extension of the Jaccard loss of ``max(1 - (2 t - 1) x, 0)``."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, axis: Axis, ignore: int | None
    ) -> tuple[Array, Array]:
        """Values and gradients."""
        t, x = arrays(y_true, y_pred)
        inner = range(x.ndim) if axis is None else np.atleast_1d(axis) % x.ndim
        outer = [a for a in range(x.ndim) if a not in inner]
        value, grad = 0 * np.sum(x, axis=axis, keepdims=True), 0 * x
        for place in np.ndindex(*(x.shape[a] for a in outer)):
            at: list[Any] = [slice(None)] * x.ndim
            for a, i in zip(outer, place, strict=True):
                at[a] = slice(i, i + 1)
            known = (t[*at] != ignore).ravel().astype(bool)
            labels, logits = t[*at].ravel()[known], x[*at].ravel()[known]
            total, slopes = _lovasz(labels, 1 - (2 * labels - 1) * logits)
            region = 0 * x[*at].ravel()
            region[known] = (1 - 2 * labels) * slopes
            grad[*at] = region.reshape(grad[*at].shape)
            value[*at] = total
        return np.squeeze(value, axis=axis), grad

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        axis: Axis = None,
        ignore_class: int | None = None,
    ) -> Any:
        return LovaszHinge._parts(y_true, y_pred, axis, ignore_class)[0]

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        axis: Axis = None,
        ignore_class: int | None = None,
    ) -> Array:
        return LovaszHinge._parts(y_true, y_pred, axis, ignore_class)[1]

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        axis: Axis = None,
        ignore_class: int | None = None,
    ) -> Array:
        return 0 * arrays(y_true, y_pred)[1]


class LovaszSoftmax:
    """The Lovasz extensions of the Jaccard losses of ``abs(t - p)`` of all classes."""

    @staticmethod
    def _parts(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        axis: Axis,
        ignore: int | None,
        class_axis: int,
        average: str,
    ) -> tuple[Array, Array]:
        """Values and gradients."""
        y, p = np.asarray(y_true), arrays(0, y_pred)[1]
        classes, entries = GeneralizedDice._axes(p.ndim, axis, class_axis)
        y = np.expand_dims(y, classes)
        outer = [a for a in range(p.ndim) if a not in (classes, *entries)]
        value = 0 * np.sum(p, axis=(classes, *entries), keepdims=True)
        grad = 0 * p
        for place in np.ndindex(*(p.shape[a] for a in outer)):
            at: list[Any] = [slice(None)] * p.ndim
            for a, i in zip(outer, place, strict=True):
                at[a] = slice(i, i + 1)
            labels = y[*at].ravel()
            known = (labels != ignore).astype(bool)
            labels, found, counted = labels[known], [], 0
            some = np.moveaxis(p[*at], classes, 0)
            slopes = np.moveaxis(grad[*at], classes, 0)  # which are written
            for c in range(p.shape[classes]):
                t = (labels == c).astype(int)
                if not labels.size or (average == "present" and not t.any()):
                    continue
                total, by_error = _lovasz(t, abs(t - some[c].ravel()[known]))
                part = 0 * some[c].ravel()
                part[known] = (1 - 2 * t) * by_error
                slopes[c] = part.reshape(slopes[c].shape)
                found.append(total)
                counted += 1
            if counted:
                value[*at] = sum(found) / counted
                grad[*at] = grad[*at] / counted
        return np.squeeze(value, axis=(classes, *entries)), grad

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        axis: Axis = None,
        ignore_class: int | None = None,
        class_axis: int = 1,
        average: str = "present",
    ) -> Any:
        return LovaszSoftmax._parts(
            y_true, y_pred, axis, ignore_class, class_axis, average
        )[0]

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        axis: Axis = None,
        ignore_class: int | None = None,
        class_axis: int = 1,
        average: str = "present",
    ) -> Array:
        return LovaszSoftmax._parts(
            y_true, y_pred, axis, ignore_class, class_axis, average
        )[1]

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        axis: Axis = None,
        ignore_class: int | None = None,
        class_axis: int = 1,
        average: str = "present",
    ) -> Array:
        return 0 * arrays(0, y_pred)[1]
