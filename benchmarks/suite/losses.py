"""Every registered kernel, fastloss and the NumPy reference."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import numpy as np

import fastloss as fl
from fastloss import reference

from .inputs import LOSSES, ROWS, make, require_all

require_all()

CLASSES = 100
KIB = 1024


def _beyond_last_cache() -> int:
    """Bytes of an array that no cache holds."""
    name = "SC_LEVEL3_CACHE_SIZE"
    cache = os.sysconf(name) if name in os.sysconf_names else 0
    return max(32 * KIB * KIB, cache)


# Bytes of y_pred: in the first cache, in the second, in memory.
SIZES = {"L1": 8 * KIB, "L2": 128 * KIB, "memory": _beyond_last_cache()}


class Losses:
    """Time of one call, by kernel, dtype, output, size and threads.

    The reference has one thread.
    """

    param_names = ("kernel", "dtype", "output", "size", "contender")
    params = (
        tuple(ROWS),
        ("float32", "float64"),
        ("value", "value_and_grad", "grad_and_hess"),
        tuple(SIZES),
        ("fastloss 1 thread", "fastloss 2 threads", "reference"),
    )
    warmup_time = 0.05

    def setup(
        self, kernel: str, dtype: str, output: str, size: str, contender: str
    ) -> None:
        entries = SIZES[size] // np.dtype(dtype).itemsize
        shape = (entries,)
        if ROWS[kernel].kind != "element":
            shape = (-(-entries // CLASSES), CLASSES)
        y, x = make(kernel, shape, dtype)
        loss = LOSSES[kernel]
        if contender == "reference":
            self.call = partial(_reference(output), loss, y, x)
            return
        fl.set_num_threads(int(contender.split()[1]))
        grad, hess = np.empty_like(x), np.empty_like(x)
        self.call = {
            "value": partial(loss, y, x),
            "value_and_grad": partial(loss.value_and_grad, y, x, out=grad),
            "grad_and_hess": partial(loss.grad_and_hess, y, x, out=(grad, hess)),
        }[output]

    def time_call(self, *_: str) -> None:
        self.call()


def _reference(output: str) -> Callable[..., object]:
    return reference.cost if output == "value" else getattr(reference, output)
