"""optax's tests of its losses, but Dice losses, answered by `fastloss.jax`."""

from __future__ import annotations

from typing import Any

import counting
import jax
import numpy as np
from optax.losses import _classification, _ranking, _regression, _self_supervised

import fastloss as fl
import fastloss.jax


def _ntxent(embeddings: Any, labels: Any, temperature: float = 0.07) -> Any:
    """A loss of a batch, which JAX has to call back."""
    loss = fl.get("optax:ntxent")

    def value(x: Any, y: Any) -> Any:
        found = loss(np.asarray(y), np.asarray(x), temperature=temperature)
        return np.asarray(found, x.dtype)

    shape = jax.ShapeDtypeStruct((), embeddings.dtype)
    return jax.pure_callback(value, shape, embeddings, labels)


OURS = {name: getattr(fastloss.jax, name) for name in fastloss.jax.__all__}
OURS["ntxent"] = _ntxent

BY_LABELS = "differentiated by labels"
DIFFERENT = {
    "SoftmaxCrossEntropyTest::test_gradient": BY_LABELS,
    "SafeSoftmaxCrossEntropyTest::test_gradient": BY_LABELS,
}

for module in (_classification, _ranking, _regression, _self_supervised):
    counting.replace(module, OURS, why="not among the functions of fastloss.jax")

from optax.losses._classification_test import *
from optax.losses._ranking_test import *
from optax.losses._regression_test import *
from optax.losses._self_supervised_test import *
