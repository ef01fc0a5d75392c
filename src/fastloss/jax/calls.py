"""A loss as a function that JAX traces, differentiates and vectorises.

What is computed is one custom call of XLA, csrc/xla/call.c: value and gradient in one,
the latter then multiplied by what comes in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from fastloss.core import _bridge, checks, job
from fastloss.core.job import Arrays, TargetOptions
from fastloss.core.kinds import Elementwise, NamedClasses, Overlap, Rowwise
from fastloss.core.loss import Loss
from fastloss.core.threads import get_num_threads
from fastloss.names import get

__all__ = ["Function", "loss", "run"]

Array: TypeAlias = Any
"""An array of JAX, or a tracer of one."""

#: The number grows when attributes mean something else: compiled calls may be kept.
TARGET = "fastloss_1"

#: Families whose losses are of y_pred - y_true, so that the gradients are opposite.
_RESIDUALS = ("regression", "robust")


class Call(NamedTuple):
    """What is known of a call when it is traced.

    Attributes
    ----------
    loss : Loss
    late : tuple of str
        Parameters that are operands, since JAX traces them.
    label, prediction : str
        What messages call the arguments.
    threads : int
    """

    loss: Loss
    late: tuple[str, ...]
    label: str
    prediction: str
    threads: int


@cache
def _register() -> None:
    jax.ffi.register_ffi_target(TARGET, _bridge.XLA_HANDLER, platform="cpu")


def _like(array: Array) -> np.ndarray[Any, Any]:
    """An array of NumPy of this shape and dtype, for checks of these."""
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)


def _settings(
    call: Call,
    wanted: tuple[str, ...],
    arrays: Arrays,
    options: TargetOptions,
    weighted: bool,
) -> list[int]:
    """The integers of csrc/xla/call.c, in its order."""
    row = call.loss._row
    late = sum(1 << row.parameters.index(name) for name in call.late)
    ignored = options.ignore_class
    return [
        job.OUTPUT_SETS.index(wanted),
        _bridge.REDUCTIONS.index(call.loss.reduction),
        arrays.predictions[0].ndim,
        len(arrays.samples),
        weighted,
        late,
        row.labels == ("sign",),
        ignored is not None,
        0 if ignored is None else ignored,
        options.any_sum,
        options.label_form,
        call.threads,
    ]


def _attributes(
    call: Call, wanted: tuple[str, ...], arrays: Arrays, weighted: bool
) -> dict[str, Any]:
    options = call.loss._target_options(arrays)
    parameters = np.zeros(_bridge.MAX_PARAMETERS)
    parameters[: len(call.loss._numbers)] = call.loss._numbers
    numbers = [*parameters, options.smoothing, options.temperature, options.softcap]
    attributes = {
        "loss": call.loss.kernel,
        "label": call.label,
        "prediction": call.prediction,
        "settings": np.array(
            _settings(call, wanted, arrays, options, weighted), np.int64
        ),
        "numbers": np.array(numbers, np.float64),
    }
    if options.class_weight is not None:
        attributes["class_weight"] = np.asarray(options.class_weight, np.float64)
    if arrays.extra:
        attributes["extra"] = np.asarray(arrays.extra[0], np.int64)
    return attributes


def _compute(
    call: Call, wanted: tuple[str, ...], x: Array, y: Array, w: Array, late: Array
) -> list[Array]:
    """What is wanted, by one call of the engine."""
    _register()
    arrays = call.loss._arrays(_like(y), _like(x))
    checks.weights(None if w is None else _like(w), arrays.samples)
    samples = arrays.samples if call.loss.reduction == "none" else ()
    shapes = [samples if part == "value" else x.shape for part in wanted]
    if checks.is_empty(arrays.predictions[0], call.loss.reduction):
        return [jnp.zeros(shape, x.dtype) for shape in shapes]
    operands = [y, x, *([] if w is None else [w]), *late]
    results = [jax.ShapeDtypeStruct(shape, x.dtype) for shape in shapes]
    run = jax.ffi.ffi_call(TARGET, results, vmap_method="expand_dims")
    return list(run(*operands, **_attributes(call, wanted, arrays, w is not None)))


def _item_axes(call: Call, ndim: int) -> tuple[int, ...]:
    """The axes of the predictions that an item has."""
    if isinstance(call.loss, Rowwise):
        return (ndim - 1,)
    if isinstance(call.loss, Overlap):
        regions, entries = call.loss._axes(ndim)
        return regions + entries
    return ()


def _along(call: Call, x: Array, tangents: tuple[Array, ...]) -> Array:
    """The direction of y_pred, or of y_pred - y_true, of a derivative."""
    dx, dy, dw, dlate = tangents
    late = dict(zip(call.late, dlate, strict=True))
    moving = {call.label: dy, "sample_weight": dw, **late}
    moving = {k: d for k, d in moving.items() if not _stands_still(d)}
    residual = call.loss._row.family in _RESIDUALS and call.loss.name != _RELATIVE
    if residual and list(moving) == [call.label]:
        return (0 if _stands_still(dx) else dx) - dy
    if moving:
        raise TypeError(
            f"{call.loss.name} has no derivative by {' or '.join(moving)} in "
            f"fastloss.jax, by {call.prediction} alone: pass "
            "jax.lax.stop_gradient of the others"
        )
    return jnp.zeros_like(x) if _stands_still(dx) else dx


#: Of this one alone of its family the loss is of a ratio.
_RELATIVE = "mean_absolute_percentage_error"


def _stands_still(tangent: Any) -> bool:
    return tangent is None or isinstance(tangent, SymbolicZero)


def _slope(call: Call, grad: Array, along: Array) -> Array:
    """How the value changes along a direction."""
    product = grad * along
    if call.loss.reduction == "none":
        return jnp.sum(product, axis=_item_axes(call, product.ndim))
    return jnp.sum(product)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _value(call: Call, x: Array, y: Array, w: Array, late: Array) -> Array:
    return _compute(call, job.VALUE, x, y, w, late)[0]


@partial(_value.defjvp, symbolic_zeros=True)
def _value_slope(
    call: Call, primals: tuple[Array, ...], tangents: tuple[Array, ...]
) -> tuple[Array, Array]:
    value, grad = _value_and_grad(call, *primals)
    return value, _slope(call, grad, _along(call, primals[0], tangents))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _value_and_grad(
    call: Call, x: Array, y: Array, w: Array, late: Array
) -> tuple[Array, Array]:
    value, grad = _compute(call, job.VALUE_GRAD, x, y, w, late)
    return value, grad


@partial(_value_and_grad.defjvp, symbolic_zeros=True)
def _value_and_grad_slope(
    call: Call, primals: tuple[Array, ...], tangents: tuple[Array, ...]
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    if not isinstance(call.loss, Elementwise):
        raise NotImplementedError(
            f"{call.loss.name} has no second derivative in fastloss.jax: of rows the "
            "Hessian is no diagonal"
        )
    along = _along(call, primals[0], tangents)
    value, _ = _value_and_grad(call, *primals)
    grad, hess = _compute(call, job.GRAD_HESS, *primals)
    return (value, grad), (_slope(call, grad, along), hess * along)


_traced = jax.jit(_value, static_argnums=0)


def _split(loss: Loss, parameters: dict[str, Any]) -> tuple[Loss, dict[str, Array]]:
    """The loss with the parameters that are known, and those that are traced."""
    late = {k: v for k, v in parameters.items() if isinstance(v, jax.core.Tracer)}
    known = {k: v for k, v in parameters.items() if k not in late}
    for name, value in known.items():
        if isinstance(value, jax.Array):
            known[name] = value.item()
    own = {field.name for field in fields(loss)}  # type: ignore[arg-type]
    for name in late:
        if name not in own:
            loss._changed({name: 0.0})  # says what there is
        if name not in loss._row.parameters or isinstance(getattr(loss, name), bool):
            raise TypeError(
                f"{name} of {loss.name} must be known when JAX traces the call: "
                "list it in static_argnames"
            )
    return loss._changed(known), late


def _floats(name: str, value: Any) -> Array:
    array = jnp.asarray(value)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise TypeError(f"{name} has dtype {array.dtype}: it must be floating-point")
    return array


def _stored(array: Array) -> Array:
    """In float32 if it is a smaller type of floats, with which nothing is computed."""
    small = jnp.issubdtype(array.dtype, jnp.floating) and array.dtype.itemsize < 4
    return array.astype(jnp.float32) if small else array


def run(
    loss: Loss,
    predictions: Any,
    targets: Any,
    sample_weight: Any = None,
    *,
    names: tuple[str, str] = ("predictions", "targets"),
    **parameters: Any,
) -> Array:
    """The value of a loss, as JAX's transformations want it.

    Parameters
    ----------
    loss : Loss
    predictions, targets, sample_weight : array_like
    names : tuple of str
        What messages call the first two.
    **parameters
        As in a call of the loss; numbers may be traced.

    Returns
    -------
    jax.Array
        Of the dtype of the predictions.
    """
    found, late = _split(loss, parameters)
    if isinstance(found, NamedClasses) and found.classes is not None:
        raise TypeError(
            f"classes of {found.name} are not known where XLA runs: pass the numbers "
            f"of the classes as {names[1]}, from 0 on, or 0 and 1, and no classes="
        )
    given = _floats(names[0], predictions)
    x, y = _stored(given), _stored(jnp.asarray(targets))
    w = None if sample_weight is None else _stored(jnp.asarray(sample_weight))
    call = Call(found, tuple(late), names[1], names[0], get_num_threads())
    order = sorted(late, key=found._row.parameters.index)
    call = call._replace(late=tuple(order))
    numbers = tuple(jnp.asarray(late[name]).astype(x.dtype) for name in order)
    value: Array = _traced(call, x, y, w, numbers)
    return value.astype(given.dtype)


class Function:
    """A loss to be called with predictions and targets, in optax's order."""

    def __init__(self, loss: Loss, parameters: dict[str, Any]) -> None:
        if not isinstance(loss, Elementwise | Rowwise | Overlap):
            raise TypeError(
                f"{loss.name} takes more than one array of predictions and one of "
                "labels: fastloss.jax has losses of elements, rows and regions"
            )
        self.loss, self.parameters = loss, parameters
        self.__name__ = loss.name

    def __repr__(self) -> str:
        return f"fastloss.jax.loss({self.loss!r})"

    def __call__(
        self,
        predictions: Any,
        targets: Any,
        sample_weight: Any = None,
        **parameters: Any,
    ) -> Array:
        """The reduced value; it has derivatives by `predictions`."""
        given = {**self.parameters, **parameters}
        return run(self.loss, predictions, targets, sample_weight, **given)


def loss(loss: str | Loss, **parameters: Any) -> Callable[..., Array]:
    """A loss as a function for JAX.

    Parameters
    ----------
    loss : str or Loss
        A name, as for `fastloss.get`, or a loss of elements, rows or regions.
    **parameters
        As of the loss, `reduction` among them.

    Returns
    -------
    callable
        ``f(predictions, targets, sample_weight=None, **parameters)``, in the order of
        optax. Numbers among the parameters may be traced by `jax.jit`.

    Raises
    ------
    TypeError
        If the loss takes several arrays of predictions, groups or a sequence.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import fastloss.jax
    >>> f = fastloss.jax.loss("sparse_categorical_crossentropy", from_logits=True)
    >>> f(jnp.array([[0.0, 0.0], [1.0, 1.0]]), jnp.array([0, 1]))
    Array(0.6931472, dtype=float32)
    """
    return Function(get(loss), parameters)
