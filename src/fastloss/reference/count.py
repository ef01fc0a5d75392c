"""Losses of counts and of positive amounts, by their predicted mean.

A ``_size`` is the sum of the sizes of the terms, of either sign, of an output.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays, lgamma, nan_or

__all__ = [
    "Gamma",
    "GammaDeviance",
    "Poisson",
    "PoissonDeviance",
    "Tweedie",
    "TweedieDeviance",
]


def _product(y: Array, x: Array) -> Array:
    """``y x``, 0 for ``y = 0``."""
    return np.where(y == 0, 0, y * np.where(y == 0, 0, x))


class Poisson:
    """``exp(x) - y x``; with ``log_input=False`` ``p - y log(p + eps)``.

    With `full` ``log(y!)`` more.
    """

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        eps: float = 0.0,
        full: bool = False,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        of_labels = lgamma(y + 1) if full else 0
        if log_input:
            return np.exp(x) - _product(y, x) + of_labels
        return x - _product(y, np.log(x + eps)) + of_labels

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        eps: float = 0.0,
        full: bool = False,
    ) -> Array:
        """The sum of the sizes of the terms."""
        y, x = arrays(y_true, y_pred)
        of_labels = abs(lgamma(y + 1)) if full else 0
        if log_input:
            return np.exp(x) + abs(y * x) + of_labels
        return x + abs(y * np.log(x + eps)) + of_labels

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        eps: float = 0.0,
        full: bool = False,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return np.exp(x) - y if log_input else 1 - y / (x + eps)

    @staticmethod
    def grad_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        eps: float = 0.0,
        full: bool = False,
    ) -> Array:
        """The sum of the sizes of the terms."""
        y, x = arrays(y_true, y_pred)
        return np.exp(x) + y if log_input else 1 + y / (x + eps)

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        eps: float = 0.0,
        full: bool = False,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return nan_or(y, np.exp(x)) if log_input else y / (x + eps) ** 2


class Gamma:
    """``x + y exp(-x)``; with ``log_input=False`` ``log(p) + y / p``."""

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, log_input: bool = True
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return x + y * np.exp(-x) if log_input else np.log(x) + y / x

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, log_input: bool = True
    ) -> Array:
        """The sum of the sizes of the terms."""
        y, x = arrays(y_true, y_pred)
        return abs(x) + y * np.exp(-x) if log_input else abs(np.log(x)) + y / x

    @staticmethod
    def grad(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, log_input: bool = True
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return 1 - y * np.exp(-x) if log_input else (x - y) / x**2

    @staticmethod
    def grad_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, log_input: bool = True
    ) -> Array:
        """The sum of the sizes of the terms; of a mean the gradient itself."""
        y, x = arrays(y_true, y_pred)
        return 1 + y * np.exp(-x) if log_input else abs(x - y) / x**2

    @staticmethod
    def hess(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, log_input: bool = True
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        return y * np.exp(-x) if log_input else (2 * y - x) / x**3


class Tweedie:
    """``exp((2 - power) x) / (2 - power) - y exp((1 - power) x) / (1 - power)``.

    With ``log_input=False`` the prediction is ``exp(x)``.
    """

    @staticmethod
    def _terms(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, power: float, log_input: bool
    ) -> tuple[Array, Array]:
        y, x = arrays(y_true, y_pred)
        log = x if log_input else np.log(x)
        a, b = 2 - power, 1 - power
        of_mean = log if a == 0 else np.exp(a * log) / a
        return of_mean, _product(y, log) if b == 0 else _product(y, np.exp(b * log) / b)

    @staticmethod
    def value(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        power: float = 1.5,
    ) -> Array:
        of_mean, of_label = Tweedie._terms(y_true, y_pred, power, log_input)
        return of_mean - of_label

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        power: float = 1.5,
    ) -> Array:
        """The sum of the sizes of the terms."""
        of_mean, of_label = Tweedie._terms(y_true, y_pred, power, log_input)
        return abs(of_mean) + abs(of_label)

    @staticmethod
    def grad(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        power: float = 1.5,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        if not log_input:
            return (x - y) / x**power
        return np.exp((2 - power) * x) - _product(y, np.exp((1 - power) * x))

    @staticmethod
    def grad_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        power: float = 1.5,
    ) -> Array:
        """The sum of the sizes of the terms; of a mean the gradient itself."""
        y, x = arrays(y_true, y_pred)
        if not log_input:
            return abs(x - y) / x**power
        return np.exp((2 - power) * x) + _product(y, np.exp((1 - power) * x))

    @staticmethod
    def hess(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        power: float = 1.5,
    ) -> Array:
        y, x = arrays(y_true, y_pred)
        if not log_input:
            return ((1 - power) * x + power * y) / x ** (power + 1)
        of_mean = (2 - power) * np.exp((2 - power) * x)
        return of_mean - (1 - power) * _product(y, np.exp((1 - power) * x))

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        log_input: bool = True,
        power: float = 1.5,
    ) -> Array:
        """The sum of the sizes of the terms."""
        y, x = arrays(y_true, y_pred)
        if not log_input:
            return (abs(1 - power) * x + power * y) / x ** (power + 1)
        of_mean = abs(2 - power) * np.exp((2 - power) * x)
        return of_mean + abs(1 - power) * _product(y, np.exp((1 - power) * x))


class PoissonDeviance:
    """``2 (y log(y / m) - y + m)``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, m = arrays(y_true, y_pred)
        return 2 * (_product(y, np.log(np.where(y == 0, 1, y) / m)) - y + m)

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, m = arrays(y_true, y_pred)
        return 2 * (m - y) / m

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, m = arrays(y_true, y_pred)
        return 2 * y / m**2


class GammaDeviance:
    """``2 (y / m - 1 - log(y / m))``."""

    @staticmethod
    def value(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, m = arrays(y_true, y_pred)
        return 2 * (y / m - 1 - np.log(y / m))

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, m = arrays(y_true, y_pred)
        return 2 * (m - y) / m**2

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> Array:
        y, m = arrays(y_true, y_pred)
        return 2 * (2 * y - m) / m**3


class TweedieDeviance:
    """``2 (y^a/(a b) - y m^b/b + m^a/a)``, ``a = 2 - power``, ``b = 1 - power``."""

    @staticmethod
    def value(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, power: float = 1.5
    ) -> Array:
        y, m = arrays(y_true, y_pred)
        if power == 1:
            return PoissonDeviance.value(y, m)
        if power == 2:
            return GammaDeviance.value(y, m)
        a, b = 2 - power, 1 - power
        of_label = np.where(y == 0, 0 if a > 0 else np.inf, np.where(y == 0, 1, y) ** a)
        rest = of_label / (a * b) - y * m**b / b + m**a / a
        return np.where(y == m, 0, 2 * rest)  # 0 but for the last digit of powers

    @staticmethod
    def value_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, power: float = 1.5
    ) -> Array:
        """Twice the value: a difference of terms that are at most 3 times as large."""
        return 2 * abs(TweedieDeviance.value(y_true, y_pred, power))

    @staticmethod
    def grad(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, power: float = 1.5) -> Array:
        y, m = arrays(y_true, y_pred)
        return 2 * (m - y) / m**power

    @staticmethod
    def hess(y_true: npt.ArrayLike, y_pred: npt.ArrayLike, power: float = 1.5) -> Array:
        y, m = arrays(y_true, y_pred)
        return 2 * ((1 - power) * m + power * y) / m ** (power + 1)

    @staticmethod
    def hess_size(
        y_true: npt.ArrayLike, y_pred: npt.ArrayLike, power: float = 1.5
    ) -> Array:
        """The sum of the sizes of the terms."""
        y, m = arrays(y_true, y_pred)
        return 2 * (abs(1 - power) * m + power * y) / m ** (power + 1)
