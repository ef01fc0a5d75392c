"""Losses over Dask arrays, dataframes and series: lazily, each block read once.

Any loss by its name, called as in `fastloss`; what it returns is lazy. A value is that
of one call on all samples.

>>> import dask.array as da
>>> import fastloss.dask
>>> y, p = da.zeros(10, chunks=4), da.ones(10, chunks=4)
>>> float(fastloss.dask.huber(y, p, delta=0.5).compute())
0.375
>>> value, grad = fastloss.dask.loss("mse").value_and_grad(y, p)
>>> grad.chunks, grad.dtype
(((4, 4, 2),), dtype('float64'))
"""

from __future__ import annotations

from typing import Any

from fastloss._neighbours import neighbour
from fastloss.core.kinds import Batch, Grouped, TwoBatches
from fastloss.core.loss import Loss
from fastloss.core.partial import Partial
from fastloss.names import get

with neighbour("dask", "2024.8", "2026.8"):
    from fastloss.dask.blocks import call_of
    from fastloss.dask.divisors import divisor_of
    from fastloss.dask.tasks import (
        derivatives,
        first_of,
        grad_alone,
        grad_and_hess,
        reduced,
        same,
        state,
        state_and_grad,
        value_of,
        values,
    )

__all__ = ["DaskLoss", "loss"]


def loss(loss: str | Loss, **parameters: Any) -> DaskLoss:
    """Return a loss that takes Dask arrays.

    Parameters
    ----------
    loss : str or Loss
        Any but those of groups and of batches, whose samples blocks would cut.
    **parameters
        Of the loss.

    Returns
    -------
    DaskLoss
    """
    return DaskLoss(get(loss)._changed(parameters))


def __getattr__(name: str) -> DaskLoss:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = get(name)
    except ValueError as error:
        raise AttributeError(str(error)) from None
    return DaskLoss(found)


class DaskLoss:
    """A loss over Dask arrays; `fastloss.dask.loss` makes it.

    Arguments are those of the loss: Dask arrays, series and dataframes, and NumPy
    arrays beside these. They are rechunked to the blocks of the first prediction, where
    axes that a sample has whole, as the classes, become one. Where the sizes of blocks
    are unknown, as in dataframes, there must be equally many.
    """

    def __init__(self, loss: Loss) -> None:
        if isinstance(loss, Grouped):
            raise ValueError(
                f"{loss.name} is a loss of groups, which blocks would cut: take its "
                "partial of whole groups with dask.delayed, and the sum of the states"
            )
        if isinstance(loss, Batch | TwoBatches):
            raise ValueError(
                f"{loss.name} compares each row with all others of its batch: call it "
                "on batches with dask.delayed, and take the mean of the values"
            )
        self.loss = loss

    def __repr__(self) -> str:
        return f"fastloss.dask.loss({self.loss!r})"

    def __call__(
        self, *arrays: Any, sample_weight: Any = None, **parameters: Any
    ) -> Any:
        """Value of the loss: an array without axes, or the values of samples."""
        call = call_of(self.loss, arrays, sample_weight, parameters)
        if call.job.loss.reduction == "none":
            return call.map(values, call.samples, call.dtype)
        Partial(call.job.loss)
        return reduced(call.map(state, call.axes), same, value_of, float)

    def partial(
        self,
        *arrays: Any,
        sample_weight: Any = None,
        squares: bool = True,
        **parameters: Any,
    ) -> Any:
        """State of all samples: a `dask.delayed.Delayed` of a `fastloss.Partial`."""
        call = call_of(self.loss, arrays, sample_weight, parameters)
        Partial(call.job.loss)
        states = call.map(state, call.axes, squares=squares)
        merged = reduced(states, same, same, object)
        return merged.to_delayed(optimize_graph=False).item()

    def value_and_grad(
        self, *arrays: Any, sample_weight: Any = None, **parameters: Any
    ) -> tuple[Any, Any]:
        """Value and gradient; computed together, they come of one look at a block."""
        call = call_of(self.loss, arrays, sample_weight, parameters)
        if call.job.loss.reduction == "none":
            both = call.map(grad_alone, call.axes)
            return call.map(values, call.samples, call.dtype), derivatives(call, both)
        divisor = divisor_of(call)
        Partial(call.job.loss)
        both = call.map(state_and_grad, call.axes, divisor=divisor)
        return reduced(both, first_of, value_of, float), derivatives(call, both)

    def grad(self, *arrays: Any, sample_weight: Any = None, **parameters: Any) -> Any:
        """Gradient of the reduced value, in the blocks of the predictions."""
        call = call_of(self.loss, arrays, sample_weight, parameters)
        both = call.map(grad_alone, call.axes, divisor=divisor_of(call))
        return derivatives(call, both)

    def grad_and_hess(
        self, *arrays: Any, sample_weight: Any = None, **parameters: Any
    ) -> tuple[Any, Any]:
        """Gradient and diagonal of the Hessian of the reduced value."""
        call = call_of(self.loss, arrays, sample_weight, parameters)
        both = call.map(grad_and_hess, call.axes, divisor=divisor_of(call))
        return derivatives(call, both, 0), derivatives(call, both)
