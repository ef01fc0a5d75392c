"""What a mean divides by, which its derivatives need before."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import dask.array as da
import numpy as np

from fastloss.core.job import Array
from fastloss.core.kinds import Sequence
from fastloss.dask.blocks import Call
from fastloss.dask.tasks import reduced, same

__all__ = ["divisor_of"]


def divisor_of(call: Call) -> Any:
    """Return what the mean of all samples divides by; None: nothing."""
    loss: Any = call.job.loss
    if loss._compiler is not None and loss._is_one_number():
        raise ValueError(
            f"{loss.name} is one number of all samples: its gradient needs a second "
            "look at them; take that of a loss per sample, as the mean squared error "
            "in place of its root"
        )
    if loss.reduction in ("sum", "none"):
        return None
    if isinstance(loss, Sequence):
        raise ValueError(
            f"{loss.name} has weights inside of its formula, and parts of its mean "
            'have no gradient of their own: pass reduction="sum"'
        )
    mean = loss.reduction == "mean"
    counting: dict[str, Any] = {"reduction": "none"}
    if not mean and hasattr(loss, "class_weight"):
        counting["class_weight"] = None
    shares = getattr(loss, "ignore_class", None) is not None
    shares |= mean and getattr(loss, "class_weight", None) is not None
    weight = dict(zip(call.job.names[::-1], call.arrays[::-1], strict=False)).get(
        "sample_weight"
    )
    weight = weight if mean else None
    prediction = call.arrays[call.first]
    axes = call.samples if weight is None else call.samples[weight.ndim :]
    each = float(math.prod(prediction.shape[axis] for axis in axes))
    if not shares and not math.isnan(each):
        if weight is None:
            return each
        pairs = [None, None, weight, call.samples[: weight.ndim]]
    else:
        pairs = [call.arrays[0], call.indices[0], None, None]
        if weight is not None:
            pairs[2:] = weight, call.samples[: weight.ndim]
    parts = da.blockwise(
        _count,
        pairs[1] or pairs[3],
        *pairs,
        loss=loss._changed(counting),
        shares=shares,
        classes=prediction.shape[-1],
        axes=call.samples,
        each=each,
        dtype=object,
        meta=np.empty((0,) * len(pairs[1] or pairs[3]), object),
        align_arrays=False,
        concatenate=True,
    )
    return reduced(parts, same, _total, float)


class _Count(NamedTuple):
    """What a mean divides by, and whether any sample counts in it."""

    total: float
    counts: bool

    def __add__(self, other: _Count) -> _Count:  # type: ignore[override]
        return _Count(self.total + other.total, self.counts or other.counts)

    def __radd__(self, other: int) -> _Count:
        return self


def _count(
    labels: Array | None,
    weight: Array | None,
    loss: Any,
    shares: bool,
    classes: int,
    axes: tuple[int, ...],
    each: float,
) -> _Count:
    """Return that of a block of labels, or of weights of `each` samples."""
    if labels is None:
        assert weight is not None
        whole = np.asarray(weight, np.float64)
        return _Count(float(whole.sum()) * each, bool(np.any(whole)))
    samples = tuple(labels.shape[axis] for axis in axes)
    whole = np.broadcast_to(1.0, samples)
    if weight is not None:
        spread = weight.reshape(weight.shape + (1,) * (len(samples) - weight.ndim))
        whole = np.broadcast_to(spread.astype(np.float64), samples)
    if shares:
        like = np.broadcast_to(0.0, (*samples, classes))
        found = loss._shares(loss._arrays(labels, like))
        whole = np.where(whole != 0, whole * found, 0.0)
    return _Count(float(whole.sum()), bool(np.any(whole)))


def _total(count: _Count) -> float:
    if count.total == 0 and count.counts:
        raise ValueError(
            "sample_weight sums to 0 although not all weights are 0: there is no mean; "
            'use reduction="sum"'
        )
    return count.total
