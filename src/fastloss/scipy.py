"""Losses for `scipy.optimize`: linear models for `minimize`, rho for `least_squares`.

>>> import numpy as np
>>> import fastloss.scipy
>>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
>>> fun = fastloss.scipy.objective(X, [1.0, 3.0, 5.0, 7.0], "mse")
>>> value, grad = fun(fun.x0)
>>> value, grad
(21.0, array([-17.,  -8.]))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss.core.checks import _as_numbers
from fastloss.core.foreign import opened
from fastloss.core.kinds import Rowwise, Structured
from fastloss.core.loss import Loss
from fastloss.names import get

__all__ = ["Objective", "objective", "rho"]

Array = NDArray[Any]


def _of_scores(loss: str | Loss) -> Loss:
    """The loss of a name; a named one of probabilities is that of their logits."""
    found = get(loss)
    if isinstance(loss, str) and hasattr(found, "from_logits"):
        return replace(found, from_logits=True)  # type: ignore[call-arg]
    return found


def _samples(X: Any) -> Array:  # noqa: N803
    """Samples as an array, if they are numbers."""
    array: Array = np.asarray(opened("X", X))
    return array if array.dtype.kind in "biuf" else _as_numbers("X", X)


class Objective:
    """The loss of a linear model X w + b with an L2 penalty, and its derivatives.

    Called with coefficients it gives value and gradient: what `scipy.optimize.minimize`
    takes with ``jac=True``. `hessp` is the product of the Hessian and a vector.
    See `objective`.
    """

    def __init__(
        self,
        X: Any,  # noqa: N803
        y: ArrayLike,
        loss: Loss,
        sample_weight: ArrayLike | None,
        l2: float,
        fit_intercept: bool,
        classes: int | None,
    ) -> None:
        self.loss = loss
        self.l2 = l2
        self.fit_intercept = fit_intercept
        self.classes = classes
        self._X = X if hasattr(X, "tocsr") else _samples(X)
        if self._X.ndim != 2:
            raise ValueError(
                f"X has shape {self._X.shape}: it must be 2-D, a sample a row"
            )
        self._y = np.asarray(opened("y", y))
        if len(self._y) != self._X.shape[0]:
            raise ValueError(
                f"y has {len(self._y)} entries, and X {self._X.shape[0]} rows"
            )
        self._weight = sample_weight
        self._rows = self._X.shape[1] + fit_intercept

    @property
    def x0(self) -> Array:
        """Coefficients that are all 0."""
        return np.zeros(self._rows * (self.classes or 1))

    def __repr__(self) -> str:
        samples, features = self._X.shape
        return f"Objective({self.loss!r} of {samples} samples, {features} features)"

    def coefficients(self, w: ArrayLike) -> tuple[Array, Any]:
        """What `w` says: coefficients of the features, and the intercept.

        Of several classes they are an array of shape (features, classes), and one
        intercept a class. Without an intercept it is 0.
        """
        shaped = np.asarray(w, dtype=float)
        if shaped.size != self.x0.size:
            raise ValueError(
                f"w has {shaped.size} coefficients: {self!r} has {self.x0.size}, "
                "which start at x0"
            )
        if self.classes:
            shaped = shaped.reshape(self._rows, self.classes)
        if self.fit_intercept:
            return shaped[:-1], shaped[-1]
        return shaped, 0.0

    def scores(self, w: ArrayLike) -> Array:
        """The predictions of the model."""
        coef, intercept = self.coefficients(w)
        predictions: Array = self._X @ coef + intercept
        return predictions

    def _pull(self, derivative: Array, w: ArrayLike) -> Array:
        """The gradient by `w` of what has this derivative by the scores."""
        coef, _ = self.coefficients(w)
        grad = self._X.T @ derivative + self.l2 * coef
        if self.fit_intercept:
            grad = np.concatenate([grad, derivative.sum(axis=0, keepdims=True)])
        return np.asarray(grad).ravel()

    def __call__(self, w: ArrayLike) -> tuple[float, Array]:
        """Value and gradient at coefficients `w`."""
        value, grad = self.loss.value_and_grad(
            self._y, self.scores(w), sample_weight=self._weight
        )
        coef, _ = self.coefficients(w)
        return float(value + self.l2 / 2 * np.vdot(coef, coef)), self._pull(grad, w)

    def hessp(self, w: ArrayLike, v: ArrayLike) -> Array:
        """The Hessian at `w` times `v`.

        Of rows of scores, whose entries the loss binds together, it is the whole one.
        """
        product = self.loss.hvp(
            self._y, self.scores(w), self.scores(v), sample_weight=self._weight
        )
        return self._pull(product, v)


def objective(
    X: Any,  # noqa: N803
    y: ArrayLike,
    loss: str | Loss = "mse",
    *,
    l2: float = 0.0,
    fit_intercept: bool = True,
    sample_weight: ArrayLike | None = None,
    classes: int | None = None,
) -> Objective:
    """What `scipy.optimize.minimize` needs to fit a linear model with a loss.

    The model is X w + b; the value is the loss of its predictions, reduced as the loss
    says (a mean unless it says otherwise), plus l2/2 times the sum of the squares of
    the coefficients, without the intercept b.

    Parameters
    ----------
    X : array_like or sparse matrix, shape (samples, features)
        Anything with ``@`` and ``.T``.
    y : array_like
        Labels, one a sample, or one row a sample as the loss takes them.
    loss : str or Loss, default "mse"
        Its predictions are the scores of the model: a name such as
        "binary_crossentropy" means the loss of logits.
    l2 : float, default 0.0
    fit_intercept : bool, default True
        The intercept is the last coefficient, or the last row of them.
    sample_weight : array_like, optional
    classes : int, optional
        Of a loss of rows; the number of classes. Integer labels and one-hot rows say it
        themselves, if every class is there.

    Returns
    -------
    Objective
        With ``fun(w)`` for value and gradient, ``fun.hessp``, ``fun.x0``,
        ``fun.coefficients(w)`` and ``fun.scores(w)``.

    Raises
    ------
    TypeError
        If the loss takes more than one label and one score, or row, a sample.
    ValueError
        If shapes do not fit, or `l2` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss.scipy
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> fun = fastloss.scipy.objective(X, [0, 0, 1, 1], "bce", l2=0.1)
    >>> fun.x0
    array([0., 0.])
    >>> fun(fun.x0)[1]
    array([-0.5,  0. ])

    With SciPy: ``minimize(fun, fun.x0, jac=True, method="L-BFGS-B")``, and
    ``hessp=fun.hessp`` for "trust-ncg".
    """
    found = _of_scores(loss)
    if not 0 <= l2 < np.inf:
        raise ValueError(f"l2 = {l2} must be finite and at least 0")
    if isinstance(found, Rowwise):
        labels = np.asarray(opened("y", y))
        named = getattr(found, "classes", None)
        if classes is None and named is not None:
            classes = len(named)
        elif classes is None:
            whole = labels.ndim == 1
            classes = int(labels.max(initial=0)) + 1 if whole else labels.shape[-1]
    elif classes is not None:
        raise TypeError(f"{found.name} has one score a sample: leave out classes")
    elif isinstance(found, Structured):
        raise TypeError(f"{found.name} takes more than one label and one score")
    return Objective(X, y, found, sample_weight, l2, fit_intercept, classes)


def rho(loss: str | Loss) -> Callable[[ArrayLike], Array]:
    """A loss as `scipy.optimize.least_squares` takes it.

    Its cost is 1/2 sum rho(z) with z = (f/f_scale)^2, the squares of residuals. With
    r = sqrt(z) a loss l of residuals, l(-r) = l(r), is

        rho = 2 l(r),  rho' = l'(r)/r,  rho'' = (r l''(r) - l'(r))/(2 r^3),

    so that `fastloss.huber` with delta=1 is SciPy's "huber", and the cost is the sum of
    the loss.

    Parameters
    ----------
    loss : str or Loss
        Of a residual: even, and with a second derivative at 0.

    Returns
    -------
    callable
        From z of shape (m,) to an array of shape (3, m).

    Raises
    ------
    TypeError
        If the loss is not element-wise.
    ValueError
        If it is not even in the residual, or has a kink at 0.

    Examples
    --------
    >>> import fastloss as fl
    >>> import fastloss.scipy
    >>> fastloss.scipy.rho(fl.Huber(delta=1.0))([0.0, 0.25, 4.0])
    array([[ 0.    ,  0.25  ,  3.    ],
           [ 1.    ,  1.    ,  0.5   ],
           [ 0.    ,  0.    , -0.0625]])
    """
    found = get(loss)
    if isinstance(found, Rowwise | Structured):
        raise TypeError(f"{found.name} is no loss of single residuals")
    each = replace(found, reduction="sum")

    def derivatives(r: Array) -> tuple[Array, Array, Array]:
        zero = np.zeros_like(r)
        value = replace(each, reduction="none")(zero, r)
        return value, *each.grad_and_hess(zero, r)

    some = np.array([2.0**-20, 0.3, 1.0, 2.5, 40.0])
    (right, _, bent), (left, _, _) = derivatives(some), derivatives(-some)
    if not np.array_equal(right, left):
        raise ValueError(f"{found!r} is not even in the residual")
    if derivatives(some)[1][0] > 2.0**-10 * (1 + bent[0]):
        raise ValueError(
            f"{found!r} has a kink at 0: take one that is smooth there, "
            "such as smooth_l1, huber, pseudo_huber or log_cosh"
        )

    def of_squares(z: ArrayLike) -> Array:
        squares = np.asarray(z, dtype=float)
        r = np.sqrt(squares)
        value, grad, hess = derivatives(r)
        apart = r > 0
        safe = np.where(apart, r, 1.0)
        slope = np.where(apart, grad / safe, hess)
        bend = np.where(apart, (hess - slope) / (2 * safe**2), 0.0)
        return np.stack([2 * value, slope, bend])

    return of_squares
