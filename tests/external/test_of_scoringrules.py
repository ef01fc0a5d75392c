"""The tests of scoringrules, on its NumPy backend, answered by fastloss.

They are those of scores that have a closed form; what is of ensembles has no loss here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import counting
import numpy as np
import pytest
import scoringrules

import fastloss as fl


def _floats(*arrays: Any) -> list[np.ndarray]:
    return list(np.broadcast_arrays(*(np.asarray(a, float) for a in arrays)))


def _crps(name: str) -> Callable[..., Any]:
    """A score of a distribution by its location and scale."""
    loss = fl.get(f"scoringrules:{name}")

    def score(
        obs: Any, location: Any = 0.0, scale: Any = 1.0, *, backend: Any = None
    ) -> Any:
        y, *heads = _floats(obs, location, scale)
        return loss(y, tuple(heads))

    return score


def _interval_score(
    obs: Any, lower: Any, upper: Any, alpha: Any, *, backend: Any = None
) -> Any:
    """Each column of bounds at its own level."""
    y, low, high = (np.asarray(a, float) for a in (obs, lower, upper))
    if low.ndim > y.ndim:
        y = y[..., None]
    y, low, high, levels = _floats(y, low, high, alpha)
    loss = fl.get("scoringrules:interval_score")
    score = np.empty(y.shape)
    for level in np.unique(levels):
        at = levels == level
        score[at] = loss(y[at], (low[at], high[at]), alpha=level)
    return score[()]


def _quantile_score(obs: Any, fct: Any, alpha: Any, *, backend: Any = None) -> Any:
    """Each forecast at its own level."""
    y, x, levels = _floats(obs, fct, alpha)
    score = np.empty(y.shape)
    for level in np.unique(levels):
        at = levels == level
        score[at] = fl.quantile(y[at], x[at], q=level, reduction="none")
    return score[()]


def _of_probabilities(loss: fl.Loss) -> Callable[..., Any]:
    def score(obs: Any, fct: Any, *, backend: Any = None) -> Any:
        return loss(*_floats(obs, fct), reduction="none")

    return score


def _likelihood(loss: fl.Loss) -> Callable[..., Any]:
    """A negative log-likelihood by location and scale."""

    def score(
        obs: Any, location: Any = 0.0, scale: Any = 1.0, *, backend: Any = None
    ) -> Any:
        y, *heads = _floats(obs, location, scale)
        return loss(y, tuple(heads), full=True, reduction="none")

    return score


def _logs_normal(
    obs: Any, mu: Any, sigma: Any, *, negative: bool = True, backend: Any = None
) -> Any:
    score = _likelihood(fl.gaussian_nll)(obs, mu, np.square(sigma))
    return score if negative else -score


def _logs_t(
    obs: Any, df: float, location: Any = 0.0, scale: Any = 1.0, *, backend: Any = None
) -> Any:
    return _likelihood(fl.student_t._with({"nu": df}))(obs, location, scale)


def _logs_negbinom(
    obs: Any, n: Any, prob: Any = None, *, mu: Any = None, backend: Any = None
) -> Any:
    if (prob is None) == (mu is None):
        raise ValueError("give prob or mu")
    mean = n * (1 - prob) / prob if mu is None else mu
    return _likelihood(fl.negative_binomial)(obs, mean, n)


OURS = {
    "crps_normal": _crps("crps_normal"),
    "crps_laplace": _crps("crps_laplace"),
    "crps_logistic": _crps("crps_logistic"),
    "interval_score": _interval_score,
    "quantile_score": _quantile_score,
    "brier_score": _of_probabilities(fl.brier),
    "log_score": _of_probabilities(fl.bce),
    "logs_laplace": _likelihood(fl.laplace_nll),
    "logs_negbinom": _logs_negbinom,
    "logs_normal": _logs_normal,
    "logs_t": _logs_t,
}

DIFFERENT = {
    "test_brier": "labels of probabilities may be any numbers in [0, 1]",
    "test_logs": "labels of probabilities may be any numbers in [0, 1]",
    "test_negbinom": "counts may be any numbers that are not negative",
}

scores = [name for name in scoringrules.__all__ if "backend" not in name]
counting.replace(scoringrules, OURS, scores)
counting.find_sources("scoringrules")

from tests.test_brier import *
from tests.test_crps import *
from tests.test_interval import *
from tests.test_logs import *
from tests.test_quantile import *


@pytest.fixture
def backend() -> str:
    return "numpy"
