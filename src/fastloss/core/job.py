"""What the engine is told, and what it says: `fl_job` and `fl_result` of fastloss.h."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastloss.core import _bridge

__all__: list[str] = []

Array = NDArray[Any]

Out: TypeAlias = Array | tuple[Array | None, ...] | None
"""What may be given to take the results of a call."""

ClassWeights: TypeAlias = Sequence[float] | Mapping[int, float] | None
"""A weight for each class, or those of some; others weigh 1."""


OUTPUT_SETS = (
    ("value",),
    ("grad",),
    ("value", "grad"),
    ("grad", "hess"),
    ("product",),
)
"""What `fl_output_set` numbers."""

VALUE, GRAD, VALUE_GRAD, GRAD_HESS, PRODUCT = OUTPUT_SETS

LABEL_FORMS = ("weights", "logs", "logits")
"""What `fl_label_form` numbers."""


class Status(IntEnum):
    """How a job ended."""

    OK = 0
    BAD_INPUT = 1
    BAD_WEIGHTS = 2
    CHANGED = 3
    STOPPED = 4
    NO_MEMORY = 5
    BAD_LABEL_SUM = 6


class Arrays(NamedTuple):
    """The arguments of a call as arrays, checked.

    Attributes
    ----------
    labels, predictions : tuple of ndarray
        As many as the row of the loss has domains for them.
    samples : tuple of int
        Shape of the losses, of which there is one per sample.
    names : tuple of str
        Of labels and predictions, as the caller knows them.
    extra : tuple of ndarray
        What the driver of the kind reads besides, such as where groups begin.
    """

    labels: tuple[Array, ...]
    predictions: tuple[Array, ...]
    samples: tuple[int, ...]
    names: tuple[str, ...] = ("y_true", "y_pred")
    extra: tuple[Array, ...] = ()


class Work(NamedTuple):
    """What the engine runs: a kernel or a program, and what the latter reads besides.

    Attributes
    ----------
    loss : int
        Number of the kernel.
    program : Program, optional
    extra : tuple of ndarray
        Inputs beside labels and predictions.
    value : float, optional
        The value, if it is known already.
    reduction : str, optional
        In place of that of the loss.
    by_head : tuple of Program
        In place of one program, if there are several predictions: one for the
        derivatives by each, the first also for the value.
    """

    loss: int
    program: _bridge.Program | None = None
    extra: tuple[Array, ...] = ()
    value: float | None = None
    reduction: str | None = None
    by_head: tuple[_bridge.Program, ...] = ()


class TargetOptions(NamedTuple):
    """How labels become targets; `fl_target_options`."""

    smoothing: float = 0.0
    class_weight: NDArray[np.float64] | None = None
    ignore_class: int | None = None
    any_sum: bool = False
    label_form: int = 0  # LABEL_FORMS
    temperature: float = 0.0
    softcap: float = 0.0


class Finding(NamedTuple):
    """Why a job stopped, and at which number."""

    status: int
    offender: int
    place: int
    number: float
