"""fastloss.keras against Keras, on its four backends, a process each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BACKENDS = ["jax", "numpy", "tensorflow", "torch"]

#: What each process runs first.
HEAD = """
import warnings
import keras, numpy as np
from keras import ops
import fastloss.keras as ours
theirs = keras.losses
random = np.random.RandomState(0)
def close(found, wanted, rtol=2e-6, atol=2e-7):
    found, wanted = map(ops.convert_to_numpy, (found, wanted))
    assert found.shape == wanted.shape and found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol)
"""

#: Names, arguments of the classes, and how labels and predictions are made.
CASES = """
N, C = 6, 5
def normal(): return random.standard_normal((N, C)).astype("float32")
def unit(): return random.uniform(0.05, 0.95, (N, C)).astype("float32")
def bits(): return (random.uniform(size=(N, C)) < 0.5).astype("float32")
def one_hot(): return np.eye(C, dtype="float32")[random.randint(0, C, N)]
def classes(): return random.randint(0, C, N)
def column(): return random.randint(0, C, (N, 1)).astype("float32")
def shares(): return random.dirichlet(np.ones(C), N).astype("float32")
def signs(): return 2 * bits() - 1
LOGITS = {"from_logits": True}
CASES = [
    ("MeanSquaredError", {}, normal, normal),
    ("MeanAbsoluteError", {}, normal, normal),
    ("MeanAbsolutePercentageError", {}, normal, normal),
    ("MeanAbsolutePercentageError", {}, bits, normal),
    ("MeanSquaredLogarithmicError", {}, unit, normal),
    ("Huber", {}, normal, normal),
    ("Huber", {"delta": 0.3}, normal, normal),
    ("LogCosh", {}, normal, normal),
    ("Poisson", {}, lambda: classes()[:, None] * unit(), unit),
    ("Hinge", {}, signs, normal),
    ("Hinge", {}, bits, normal),
    ("SquaredHinge", {}, signs, normal),
    ("SquaredHinge", {}, bits, normal),
    ("CategoricalHinge", {}, one_hot, normal),
    ("CategoricalHinge", {}, shares, normal),
    ("BinaryCrossentropy", {}, bits, unit),
    ("BinaryCrossentropy", {"label_smoothing": 0.2, "axis": 0}, bits, unit),
    ("BinaryFocalCrossentropy", {}, bits, unit),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True}, bits, unit),
    ("BinaryFocalCrossentropy",
     {"gamma": 1.5, "alpha": 0.4, "apply_class_balancing": True,
      "label_smoothing": 0.1, "axis": 0, **LOGITS}, bits, normal),
    ("CategoricalCrossentropy", {}, one_hot, unit),
    ("CategoricalCrossentropy", {}, one_hot, one_hot),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, shares, unit),
    ("CategoricalCrossentropy", LOGITS, bits, normal),
    ("CategoricalCrossentropy", {"axis": 0, **LOGITS}, bits, normal),
    ("CategoricalFocalCrossentropy", {}, one_hot, unit),
    ("CategoricalFocalCrossentropy",
     {"label_smoothing": 0.2, **LOGITS}, shares, normal),
    ("CategoricalFocalCrossentropy",
     {"alpha": [0.1, 0.2, 0.3, 0.4, 0.5], "gamma": 3.0}, one_hot, unit),
    ("SparseCategoricalCrossentropy", {}, classes, unit),
    ("SparseCategoricalCrossentropy", {}, column, unit),
    ("SparseCategoricalCrossentropy", LOGITS, classes, normal),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, classes, unit),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1, **LOGITS},
     lambda: classes() - 1, normal),
    ("KLDivergence", {}, shares, shares),
    ("KLDivergence", {}, bits, unit),
    ("CosineSimilarity", {}, normal, normal),
]
if keras.backend.backend() != "numpy":  # which clips here, and fails there
    options = {"label_smoothing": 0.1, **LOGITS}
    CASES.append(("BinaryCrossentropy", options, bits, normal))
    CASES.append(("CosineSimilarity", {"axis": 0}, normal, normal))
"""


def run(backend: str, code: str, folder: Path | None = None) -> Any:
    """What a process on this backend prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", HEAD + code],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_values_reductions_and_weights_are_those_of_keras(backend: str) -> None:
    seen = run(
        backend,
        CASES
        + """
for name, options, y, x in CASES:
    y, x = y(), x()
    w = random.uniform(0, 2, N).astype("float32")
    if options.get("axis") == 0: w = None
    for reduction in (None, "none", "sum", "sum_over_batch_size", "mean",
                      "mean_with_sample_weight"):
        given = dict(options, reduction=reduction)
        a, b = getattr(ours, name)(**given), getattr(theirs, name)(**given)
        close(a(y, x), b(y, x))
        close(a(y, x, sample_weight=w), b(y, x, sample_weight=w))
import json
print(json.dumps(sorted({name for name, *_ in CASES} ^ set(ours.__all__))))
""",
    )
    assert seen == []


SLOPES = {
    "jax": """
import jax
def gradient(f, x): return jax.jit(jax.grad(f))(x)
""",
    "tensorflow": """
import tensorflow as tf
def gradient(f, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = f(x)
    return tape.gradient(value, x)
""",
    "torch": """
import torch
def gradient(f, x):
    x = torch.tensor(x, requires_grad=True)
    f(x).backward()
    return x.grad
""",
}


@pytest.mark.parametrize("backend", SLOPES)
def test_gradients_are_those_of_keras(backend: str) -> None:
    code = """
for name, options, y, x in CASES:
    y, x = y(), x()
    if name in ("Hinge", "SquaredHinge", "CategoricalHinge"): x = x * 1.01
    if x.max() == 1: continue  # at the clip
    if name == "CategoricalCrossentropy":  # TensorFlow takes for granted that it is 1
        y = (y + 0.1) / (y + 0.1).sum(axis=options.get("axis", -1), keepdims=True)
    slopes = []
    for module in (ours, theirs):
        loss = getattr(module, name)(**options)
        slopes.append(gradient(lambda x: loss(y, x), x))
    close(*slopes, rtol=2e-5, atol=2e-6)
"""
    run(backend, CASES + SLOPES[backend] + code)


def test_masks_are_those_of_keras(backend: str) -> None:
    run(
        backend,
        CASES
        + """
from keras.src.backend import set_keras_mask
for reduction in ("sum", "mean", "sum_over_batch_size", "mean_with_sample_weight"):
    for kept in (np.arange(N) % 2 == 0, np.zeros(N, bool)):
        y, x, w = normal(), normal(), unit()[:, 0]
        results = []
        for module in (ours, theirs):
            p = ops.convert_to_tensor(x + 0)
            if keras.backend.backend() == "numpy":
                p = type("Masked", (np.ndarray,), {})(x.shape, x.dtype, x.copy())
            set_keras_mask(p, ops.convert_to_tensor(kept))
            results.append(module.Huber(reduction=reduction)(y, p, sample_weight=w))
        close(*results)
""",
    )


def test_configurations_and_files_come_back(backend: str, tmp_path: Path) -> None:
    run(
        backend,
        """
for name in ours.__all__:
    cls = getattr(ours, name)
    assert issubclass(cls, getattr(theirs, name))
    loss = cls(reduction="sum", name="mine")
    again = cls.from_config(loss.get_config())
    assert again.get_config() == loss.get_config(), name
    written = keras.saving.serialize_keras_object(loss)
    kept = keras.saving.deserialize_keras_object(written)
    assert type(kept) is cls and kept.get_config() == loss.get_config()
huber = ours.Huber(delta=0.25)
kept = keras.losses.deserialize(keras.losses.serialize(huber))
y, x = np.ones((2, 3), "float32"), np.zeros((2, 3), "float32")
close(kept(y, x), theirs.Huber(delta=0.25)(y, x))
assert repr(huber) == "<fastloss.keras.Huber(delta=0.25)>"
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(loss=huber)
model.optimizer.build(model.trainable_variables)
model.save("model.keras")
loss = keras.models.load_model("model.keras").loss
assert type(loss) is ours.Huber and loss._fn_kwargs == {"delta": 0.25}
""",
        tmp_path,
    )


def test_dtypes_of_keras_are_kept(backend: str) -> None:
    run(
        backend,
        """
if keras.backend.backend() == "jax":
    import jax
    jax.config.update("jax_enable_x64", True)
y, x = random.standard_normal((2, 4, 3))
for dtype in ("float16", "bfloat16", "float32", "float64"):
    for name in ("Huber", "LogCosh"):
        a = getattr(ours, name)(dtype=dtype, reduction="none")(y, x)
        b = getattr(theirs, name)(dtype=dtype, reduction="none")(y, x)
        assert keras.backend.standardize_dtype(a.dtype) == (
            keras.backend.standardize_dtype(b.dtype))
        a, b = (ops.convert_to_numpy(ops.cast(v, "float32")) for v in (a, b))
        np.testing.assert_allclose(a, b, rtol=0.03, atol=0.02)
""",
    )


@pytest.mark.parametrize("backend", SLOPES)
def test_a_network_learns_as_with_keras(backend: str) -> None:
    curves = run(
        backend,
        """
import json
def curve(module):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((8,)), keras.layers.Dense(16, "tanh"), keras.layers.Dense(3)])
    loss = module.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss=loss)
    x = np.random.RandomState(1).standard_normal((256, 8)).astype("float32")
    y = np.argmax(x[:, :3], axis=1)
    weight = 1 + y.astype("float32")
    return model.fit(x, y, sample_weight=weight, epochs=12, verbose=0).history["loss"]
print(json.dumps([curve(ours), curve(theirs)]))
""",
    )
    ours, theirs = curves
    assert ours == pytest.approx(theirs, rel=2e-5)
    assert ours[-1] < 0.5 * ours[0]


def test_errors_are_those_of_fastloss() -> None:
    run(
        "numpy",
        """
def says(message, f, *args):
    try: f(*args)
    except ValueError as error: assert message in str(error), error
    else: raise AssertionError(message)
says("is not a class in [0, 3)", ours.SparseCategoricalCrossentropy(from_logits=True),
     np.array([0, 3]), np.zeros((2, 3)))
says("is not in [0, 1]", ours.BinaryCrossentropy(),
     np.array([[2.0]]), np.array([[0.5]]))
says("they are not broadcast", ours.MeanSquaredError(),
     np.zeros((2, 3)), np.zeros((2, 1, 3)))
""",
    )


def test_another_backend_says_which_there_are() -> None:
    code = """
import sys
for name in ("fastloss.keras", "fastloss.keras.losses"): sys.modules.pop(name)
keras.backend.backend = lambda: "openvino"
try: import fastloss.keras
except ImportError as error:
    assert "backends numpy, jax, tensorflow, torch, not on openvino" in str(error)
else: raise AssertionError
"""
    run("numpy", code)
