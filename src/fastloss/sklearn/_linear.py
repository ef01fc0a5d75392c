"""The loss of scikit-learn's linear models, by blocks of samples.

The predictions of a block, their losses and derivatives, and what these add to gradient
and Hessian by the coefficients, are computed while the block is in cache: no array of
all predictions or derivatives is made. Products with the samples are BLAS'.
"""
# ruff: noqa: N803 (the samples are X, as in scikit-learn)

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_blas_funcs
from sklearn._loss.loss import BaseLoss, HalfMultinomialLoss
from sklearn.linear_model import _linear_loss as theirs

from fastloss.sklearn._arrays import as_numpy

__all__ = ["LinearModelLoss"]

Array = NDArray[Any]

#: Bytes of a block, and the fewest samples. Halves and doubles take the same time.
_BLOCK, _FEWEST = 1 << 20, 256


class _Call:
    """The arguments of one call of a `LinearModelLoss`, and sums over blocks of them.

    Coefficients and their gradients have a row a feature, the last that of the
    intercept, and of several classes a column a class.
    """

    def __init__(
        self,
        model: LinearModelLoss,
        coef: Array,
        X: Array,
        y: Array,
        sample_weight: Array | None = None,
        l2_reg_strength: float = 0.0,
        n_threads: int = 1,
        raw_prediction: Array | None = None,
    ) -> None:
        self.loss = model.base_loss
        self.model = model
        self.flat = coef.ndim == 1
        self.coef = self.by_feature(coef)
        self.X, self.y, self.weight, self.raw = map(
            as_numpy, (X, y, sample_weight, raw_prediction)
        )
        self.l2, self.n_threads = l2_reg_strength, n_threads
        self.features = self.X.shape[1]
        self.total = len(self.X) if self.weight is None else np.sum(self.weight)

    def by_feature(self, coef: Array) -> Array:
        """Coefficients as scikit-learn has them, with features first."""
        if not self.loss.is_multiclass:
            return coef
        return coef.reshape(self.loss.n_classes, -1, order="F").T

    def as_given(self, by_feature: Array) -> Array:
        """The reverse of `by_feature`."""
        return by_feature.ravel() if self.flat else by_feature.T

    def blocks(self, numbers: int) -> Iterator[slice]:
        """Slices of samples that come with so many numbers each."""
        rows = max(_FEWEST, _BLOCK // (numbers * self.X.itemsize))
        for start in range(0, len(self.X), rows):
            yield slice(start, start + rows)

    def predicted(self, coef: Array, block: slice) -> Array:
        """X w + b of a block."""
        known = coef.astype(self.X.dtype, copy=False)
        raw: Array = self.X[block] @ known[: self.features]
        if self.model.fit_intercept:
            raw += known[self.features]
        return raw

    def ask(self, name: str, numbers: int = 0) -> Iterator[tuple[slice, Any]]:
        """What a method of the loss says of every block.

        Losses of array-API samples override it: theirs would compute where these are.
        """
        several = self.loss.is_multiclass
        method = getattr(HalfMultinomialLoss if several else BaseLoss, name)
        classes = self.loss.n_classes if several else 1
        for block in self.blocks(numbers or self.features + 2 * classes):
            raw = self.raw
            yield (
                block,
                method(
                    self.loss,
                    y_true=self.y[block],
                    raw_prediction=(
                        self.predicted(self.coef, block) if raw is None else raw[block]
                    ),
                    sample_weight=None if self.weight is None else self.weight[block],
                    n_threads=self.n_threads,
                ),
            )

    def pull(self, slopes: Array, block: slice, into: Array) -> None:
        """Add the slopes by coefficients of what has these by the predictions."""
        into[: self.features] += self.X[block].T @ slopes
        if self.model.fit_intercept:
            into[self.features] += np.ones(len(slopes), slopes.dtype) @ slopes

    def value(self, total: Any) -> float:
        """The mean of a sum over samples, and the penalty."""
        weights = self.coef[: self.features].T
        penalty: float = self.model.l2_penalty(weights, self.l2)
        return float(total / self.total) + penalty

    def gradient(self, total: Array, coef: Array) -> Array:
        """The same of slopes by coefficients."""
        total /= self.total
        total[: self.features] += self.l2 * coef[: self.features]
        return self.as_given(total)

    def zeros(self) -> Array:
        return np.zeros(self.coef.shape, self.coef.dtype)


class LinearModelLoss(theirs.LinearModelLoss):
    """What scikit-learn's class gives, in one pass over the samples.

    Methods take what those of scikit-learn take, and hand samples that are not in a
    dense array that NumPy can look at to these.
    """

    def loss(self, coef: Array, X: Any, *rest: Any, **options: Any) -> float:
        if not _is_dense(X):
            return float(super().loss(coef, X, *rest, **options))
        call = _Call(self, coef, X, *rest, **options)
        found = call.ask("loss")
        return call.value(sum(values.sum(dtype=np.float64) for _, values in found))

    def loss_gradient(self, coef: Array, X: Any, *rest: Any, **options: Any) -> Any:
        if not _is_dense(X):
            return super().loss_gradient(coef, X, *rest, **options)
        call = _Call(self, coef, X, *rest, **options)
        value, grad = np.float64(0), call.zeros()
        for block, (values, slopes) in call.ask("loss_gradient"):
            value += values.sum(dtype=np.float64)
            call.pull(slopes, block, grad)
        return call.value(value), call.gradient(grad, call.coef)

    def gradient(self, coef: Array, X: Any, *rest: Any, **options: Any) -> Any:
        if not _is_dense(X):
            return super().gradient(coef, X, *rest, **options)
        call = _Call(self, coef, X, *rest, **options)
        grad = call.zeros()
        for block, slopes in call.ask("gradient"):
            call.pull(slopes, block, grad)
        return call.gradient(grad, call.coef)

    def gradient_hessian(
        self,
        coef: Array,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        l2_reg_strength: float = 0.0,
        n_threads: int = 1,
        gradient_out: Any = None,
        hessian_out: Any = None,
        raw_prediction: Any = None,
    ) -> Any:
        given = coef, X, y, sample_weight, l2_reg_strength, n_threads
        size = (coef.size, coef.size)
        plain = (
            _is_dense(X)
            and coef.dtype == as_numpy(X).dtype
            and _fits(gradient_out, coef.shape, coef.dtype, "F")
            and _fits(hessian_out, size, coef.dtype, "CF")
            and (sample_weight is None or sample_weight.min() >= 0)
        )
        if not plain:
            outs = gradient_out, hessian_out, raw_prediction
            return super().gradient_hessian(*given, *outs)
        call = _Call(self, *given, raw_prediction)
        hess = np.empty(size, coef.dtype) if hessian_out is None else hessian_out
        hess[...] = 0
        fill = _multinomial if self.base_loss.is_multiclass else _sandwich
        grad, doubtful = fill(call, hess)
        if gradient_out is not None:
            gradient_out[...] = grad
            grad = gradient_out
        return grad, hess, doubtful

    def gradient_hessian_product(
        self,
        coef: Array,
        X: Any,
        *rest: Any,
        **options: Any,
    ) -> Any:
        if not _is_dense(X):
            return super().gradient_hessian_product(coef, X, *rest, **options)
        call = _Call(self, coef, X, *rest, **options)
        several = self.base_loss.is_multiclass
        method = "gradient_proba" if several else "gradient_hessian"
        bends = np.empty((len(call.X), *call.coef.shape[1:]), call.X.dtype)
        grad = call.zeros()
        for block, (slopes, bent) in call.ask(method):
            bends[block] = bent
            call.pull(slopes, block, grad)

        def product(v: Array) -> Array:
            by, of = call.by_feature(v), call.zeros()
            for block in call.blocks(call.features + 2 * bends[0].size):
                slopes, bent = call.predicted(by, block), bends[block]
                if several:  # (diag(p) - p p') v
                    slopes -= np.einsum("ij,ij->i", bent, slopes)[:, None]
                    if call.weight is not None:
                        slopes *= call.weight[block, None]
                slopes *= bent
                call.pull(slopes, block, of)
            return call.gradient(of, by)

        return call.gradient(grad, call.coef), product


def _is_dense(X: Any) -> bool:
    seen = as_numpy(X)
    return type(seen) is np.ndarray and seen.ndim == 2 and seen.dtype.char in "fd"


def _fits(out: Any, shape: tuple[int, ...], dtype: Any, orders: str) -> bool:
    """Whether there is no `out`, or results can be put into it as it is."""
    return out is None or (
        out.shape == shape
        and out.dtype == dtype
        and any(out.flags[f"{order}_CONTIGUOUS"] for order in orders)
    )


def _penalise(call: _Call, hess: Array) -> None:
    """Divide by the weight of all samples and add the penalty's diagonal."""
    hess /= call.total
    penalised = call.coef[: call.features].size
    np.einsum("ii->i", hess)[:penalised] += call.l2


def _sandwich(call: _Call, hess: Array) -> tuple[Array, bool]:
    """Gradient and X' diag(|h|) X, and whether over a quarter of h is not positive."""
    grad, border, low = call.zeros(), call.zeros(), np.float64(0)
    inner = hess[: call.features, : call.features]
    numbers = 2 * call.features + 3
    for block, (slopes, bent) in call.ask("gradient_hessian", numbers):
        weight = 1.0 if call.weight is None else call.weight[block]
        low += ((bent <= 0) * weight).sum(dtype=np.float64)
        call.pull(slopes, block, grad)
        np.abs(bent, out=bent)
        x = call.X[block]
        inner += x.T @ (bent[:, None] * x)
        call.pull(bent, block, border)
    if call.model.fit_intercept:
        hess[-1], hess[:, -1] = border, border
    _penalise(call, hess)
    return call.gradient(grad, call.coef), bool(low / call.total > 0.25)


def _multinomial(call: _Call, hess: Array) -> tuple[Array, bool]:
    """Gradient and sum over samples of w (diag(p) - p p') x x'.

    With z = p x for every pair of a feature and a class the second part is - w z z', a
    symmetric product; on blocks of one class, where p and p p' may cancel, the whole is
    that of p (1 - p).
    """
    grad, (rows, classes) = call.zeros(), call.coef.shape
    square = hess if hess.flags.c_contiguous else hess.T
    same = np.zeros((rows, rows * classes), hess.dtype)
    syrk = get_blas_funcs("syrk", (hess,))
    numbers = 2 * rows * classes
    ones = np.ones((rows, 1), hess.dtype)
    for block, (slopes, proba) in call.ask("gradient_proba", numbers):
        call.pull(slopes, block, grad)
        x, p = np.repeat(ones, len(proba), axis=1), np.ascontiguousarray(proba.T)
        x[: call.features] = call.X[block].T
        weight = np.ones(1, x.dtype) if call.weight is None else call.weight[block]
        z = (x[:, None] * (p * np.sqrt(weight))).reshape(rows * classes, -1)
        syrk(-1.0, z.T, 1.0, square.T, trans=1, overwrite_c=1)
        bent = (x[:, None] * (p * (1 - p) * weight)).reshape(rows * classes, -1)
        same += x @ bent.T
    for i in range(len(square)):  # syrk writes one triangle
        square[i, i + 1 :] = square[i + 1 :, i]
    of_class = np.einsum("ikjk->ijk", square.reshape(rows, classes, rows, classes))
    of_class[...] = same.reshape(rows, rows, classes)
    _penalise(call, hess)
    return call.gradient(grad, call.coef), False
