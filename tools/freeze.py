"""Freeze what other libraries give, for the tests to compare with.

    python tools/freeze.py

Needs the extra `freeze`. Every case names a loss of ours as it is written, a call of
another library that gives the same numbers, and inputs; `tests/data/peers.json` keeps
inputs, values, gradients and the versions. Derivatives are the libraries' own, by
automatic differentiation. Inputs are tame: what libraries do in the tails is not what
these cases are about.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import chain, product
from pathlib import Path
from typing import Any, NamedTuple

os.environ |= {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch
import torch.nn.functional as F
from scipy import special
from sklearn import metrics

keras.config.set_floatx("float64")

FILE = Path(__file__).resolve().parent.parent / "tests/data/peers.json"
#: Keras takes means in float32, whatever it is given.
PRECISION = {"keras": 3e-7}

Array = np.ndarray[Any, np.dtype[Any]]
Peer = Callable[..., Any]

random = np.random.default_rng(20)
N, C = 24, 5

REALS = (random.normal(size=N), random.normal(size=N) * 1.5)
SIGNS = (random.choice([-1.0, 1.0], N), random.normal(size=N) * 1.5)
BITS = (random.integers(0, 2, N).astype(float), random.uniform(0.02, 0.98, N))
UNITS = (random.uniform(size=N), random.uniform(0.02, 0.98, N))
BIT_LOGITS = (BITS[0], random.normal(size=N) * 3)
UNIT_LOGITS = (UNITS[0], random.normal(size=N) * 3)
CLASSES = random.integers(0, C, N)
LOGITS = random.normal(size=(N, C)) * 2
ROWS = random.dirichlet(np.ones(C), N) * 0.9 + 0.02
SOFT = random.dirichlet(np.ones(C), N)
ONE_HOT = np.eye(C)[CLASSES]
IGNORED = np.where(random.uniform(size=N) < 0.25, -100, CLASSES)
CLASS_WEIGHT = [0.5, 2.0, 1.0, 0.25, 3.0]
WEIGHT = random.uniform(0.1, 2.0, N)


def of_torch(function: Peer, y: Array, x: Array) -> tuple[Any, Any]:
    """Value and gradient of function(y, x) of tensors."""
    at = torch.tensor(x, requires_grad=True)
    value = function(torch.tensor(y), at)
    value.sum().backward()
    return value.detach().numpy(), at.grad.numpy()  # type: ignore[union-attr]


def of_jax(function: Peer, y: Array, x: Array) -> tuple[Any, Any]:
    """Value and gradient of function(y, x) of JAX arrays."""
    labels, at = jnp.asarray(y), jnp.asarray(x)
    value = function(labels, at)
    return value, jax.grad(lambda z: function(labels, z).sum())(at)


def value_of_jax(function: Peer, y: Array, x: Array) -> tuple[Any, None]:
    """Value alone: Keras divides rows of probabilities by their sums first."""
    return function(jnp.asarray(y), jnp.asarray(x)), None


def of_numpy(function: Peer, y: Array, x: Array) -> tuple[Any, None]:
    """Value of function(y, x) of NumPy arrays."""
    return function(y, x), None


def tensor(a: Any) -> torch.Tensor:
    """A tensor of float64."""
    return torch.tensor(a, dtype=torch.float64)


class Case(NamedTuple):
    """A loss of ours and the call of a library that must give the same."""

    loss: str
    library: str
    run: Callable[[Peer, Array, Array], tuple[Any, Any]]
    peer: Peer
    inputs: tuple[Array, Array]
    weight: Array | None = None


def regression() -> Iterator[Case]:
    """Labels are real, or signs."""
    for reduction in ("mean", "sum", "none"):
        for ours, theirs in (
            ("MeanSquaredError", F.mse_loss),
            ("MeanAbsoluteError", F.l1_loss),
            ("Huber", F.huber_loss),
        ):

            def peer(y: Any, x: Any, f: Peer = theirs, r: str = reduction) -> Any:
                return f(x, y, reduction=r)

            yield Case(
                f"fl.{ours}(reduction={reduction!r})", "torch", of_torch, peer, REALS
            )
    for delta in (0.1, 0.5, 1.345, 7.0):
        theirs = partial(F.huber_loss, delta=delta)
        yield Case(f"fl.Huber(delta={delta})", "torch", of_torch, theirs, REALS)
    for delta in (1.0, 0.3):

        def of_scipy(y: Any, x: Any, d: float = delta) -> Any:
            return special.pseudo_huber(d, x - y)

        loss = f'fl.PseudoHuber(delta={delta}, reduction="none")'
        yield Case(loss, "scipy", of_numpy, of_scipy, REALS)
    k = keras.losses
    yield Case('fl.LogCosh(reduction="none")', "optax", of_jax, optax.log_cosh, REALS)
    yield Case("fl.LogCosh()", "keras", of_jax, k.log_cosh, REALS)
    yield Case("fl.Hinge()", "keras", of_jax, k.hinge, SIGNS)
    yield Case("fl.SquaredHinge()", "keras", of_jax, k.squared_hinge, SIGNS)


def binary() -> Iterator[Case]:
    """Binary cross-entropy, its parameters one at a time and together."""
    ours = "fl.BinaryCrossentropy"
    for inputs in (BITS, UNITS):

        def of_probabilities(y: Any, x: Any) -> Any:
            return F.binary_cross_entropy(x, y)

        yield Case(f"{ours}(eps=0)", "torch", of_torch, of_probabilities, inputs)
    for s, logits in product((0.0, 0.1, 0.6), (False, True)):
        shown = f"from_logits={logits}, label_smoothing={s}, eps=1e-7"
        theirs = partial(
            keras.losses.binary_crossentropy, from_logits=logits, label_smoothing=s
        )
        inputs = UNIT_LOGITS if logits else UNITS
        yield Case(f"{ours}({shown})", "keras", of_jax, theirs, inputs)
    for s, weight in product((0.0, 0.2), (0.0, 0.3, 4.0)):

        def of_logits(y: Any, x: Any, s: float = s, w: float = weight) -> Any:
            return F.binary_cross_entropy_with_logits(
                x, y * (1 - s) + s / 2, pos_weight=tensor(w)
            )

        shown = f"from_logits=True, label_smoothing={s}, pos_weight={weight}"
        for inputs in (BIT_LOGITS, UNIT_LOGITS):
            yield Case(f"{ours}({shown})", "torch", of_torch, of_logits, inputs)


def multiclass() -> Iterator[Case]:
    """The cross-entropies of rows, their parameters one at a time and together."""
    sparse, dense = "fl.SparseCategoricalCrossentropy", "fl.CategoricalCrossentropy"
    rows = ROWS / ROWS.sum(axis=1, keepdims=True)
    for s, weight in product((0.0, 0.1), (None, CLASS_WEIGHT)):
        options = {"label_smoothing": s, "weight": tensor(weight) if weight else None}
        shown = f"from_logits=True, label_smoothing={s}, class_weight={weight}"

        def of_logits(y: Any, x: Any, k: Any = options, r: str = "mean") -> Any:
            return F.cross_entropy(x, y, reduction=r, **k)

        for ignored, y in ((None, CLASSES), (-100, IGNORED)):
            loss = f"{sparse}({shown}, ignore_class={ignored})"
            yield Case(loss, "torch", of_torch, of_logits, (y, LOGITS))
        for y in (ONE_HOT, SOFT):
            loss = f'{dense}({shown}, reduction="sum")'
            theirs = partial(of_logits, r="sum")
            yield Case(loss, "torch", of_torch, theirs, (y, LOGITS))
    for s in (0.0, 0.1):
        loss = f'{dense}(label_smoothing={s}, eps=1e-7, reduction="none")'
        theirs = partial(keras.losses.categorical_crossentropy, label_smoothing=s)
        yield Case(loss, "keras", value_of_jax, theirs, (SOFT, rows))
    for weight in (None, CLASS_WEIGHT):

        def of_rows(y: Any, x: Any, w: Any = weight) -> Any:
            return F.nll_loss(x.log(), y, weight=tensor(w) if w else None)

        for ignored, y in ((None, CLASSES), (-100, IGNORED)):
            loss = f"{sparse}(class_weight={weight}, ignore_class={ignored}, eps=0)"
            yield Case(loss, "torch", of_torch, of_rows, (y, ROWS))
    for loss, function, y in (
        (dense, optax.softmax_cross_entropy, SOFT),
        (sparse, optax.softmax_cross_entropy_with_integer_labels, CLASSES),
    ):

        def swapped(y: Any, x: Any, f: Peer = function) -> Any:
            return f(x, y)

        loss = f'{loss}(from_logits=True, reduction="none")'
        yield Case(loss, "optax", of_jax, swapped, (y, LOGITS))


def of_classes() -> Iterator[Case]:
    """Other losses of rows that have a class, per sample; the weights are ours."""
    rows = ROWS / ROWS.sum(axis=1, keepdims=True)

    def focal(y: Any, x: Any, **options: Any) -> Any:
        y = jax.nn.one_hot(y, C)
        theirs = keras.losses.categorical_focal_crossentropy
        return theirs(y, x, alpha=1.0, **options)

    def hinge(y: Any, x: Any) -> Any:
        return optax.losses.multiclass_hinge_loss(x, y)

    losses: list[tuple[str, str, Peer, Array, bool]] = [
        ("CrammerSinger(", "optax", hinge, LOGITS, True)
    ]
    for gamma, logits in product((0.5, 2.0, 3.0), (False, True)):
        losses.append(
            (
                f"CategoricalFocal(gamma={gamma}, from_logits={logits}, eps=1e-7, ",
                "keras",
                partial(focal, gamma=gamma, from_logits=logits),
                LOGITS if logits else rows,
                logits,
            )
        )
    for (loss, library, theirs, x, derive), weight in product(
        losses, (None, CLASS_WEIGHT)
    ):

        def peer(y: Any, x: Any, f: Peer = theirs, w: Any = weight) -> Any:
            label = jnp.where(y == -100, 0, y)
            factor = jnp.asarray(w or [1.0] * C)[label] * (y != -100)
            return factor * f(label, x)

        run = of_jax if derive else value_of_jax
        shown = f'class_weight={weight}, ignore_class=-100, reduction="none")'
        yield Case(f"fl.{loss}{shown}", library, run, peer, (IGNORED, x))


def weighted() -> Iterator[Case]:
    """Weighted means of scikit-learn, which are ours: divided by the weights."""
    log_loss = partial(metrics.log_loss, labels=range(C))
    rows = ROWS / ROWS.sum(axis=1, keepdims=True)
    for loss, function, inputs in (
        ("MeanSquaredError", metrics.mean_squared_error, REALS),
        ("MeanAbsoluteError", metrics.mean_absolute_error, REALS),
        ("Hinge", metrics.hinge_loss, SIGNS),
        ("BinaryCrossentropy", metrics.log_loss, BITS),
        ("SparseCategoricalCrossentropy", log_loss, (CLASSES, rows)),
    ):
        for weight in (None, WEIGHT):
            theirs = partial(function, sample_weight=weight)
            yield Case(f"fl.{loss}()", "scikit-learn", of_numpy, theirs, inputs, weight)


def of_several(function: Peer, *arrays: Any) -> tuple[Any, list[Any]]:
    """Value of a function of tensors, and its gradients by each."""
    at = [tensor(a).requires_grad_() for a in arrays]
    value = function(*at)
    value.backward()
    return value.item(), [a.grad.tolist() for a in at]


def structured() -> Iterator[dict[str, Any]]:
    """Losses of several predictions, triplets and regions."""
    draw = np.random.default_rng(3)
    y, mean, var = draw.normal(size=6), draw.normal(size=6), draw.uniform(0.05, 2, 6)
    var[2] = 1e-8
    arguments = [y.tolist(), [mean.tolist(), var.tolist()]]
    for full, eps in product((False, True), (1e-6, 0.5)):

        def nll(m: Any, v: Any, full: bool = full, eps: float = eps) -> Any:
            return F.gaussian_nll_loss(m, tensor(y), v, full=full, eps=eps)

        value, grad = of_several(nll, mean, var)
        loss = f"fl.GaussianNLL(full={full}, eps={eps})"
        yield named(loss, "torch", arguments, value, grad)
    rows = draw.normal(size=(3, 4, 3))
    for p, swap, eps in product((1.0, 2.0), (False, True), (1e-6, 0.25)):
        options = {"margin": 1.5, "p": p, "swap": swap, "eps": eps}
        theirs = partial(F.triplet_margin_loss, **options)
        loss = f"fl.Triplet(margin=1.5, p={p}, swap={swap}, eps={eps})"
        yield named(loss, "torch", rows.tolist(), *of_several(theirs, *rows))

    def of_optax(*rows: Any) -> Any:
        return optax.losses.triplet_margin_loss(*rows, margin=1.5, eps=0.0).mean()

    grads = [np.asarray(g).tolist() for g in jax.grad(of_optax, (0, 1, 2))(*rows)]
    loss = "fl.Triplet(margin=1.5, eps=0.0)"
    yield named(loss, "optax", rows.tolist(), float(of_optax(*rows)), grads)
    labels = draw.integers(0, 2, (2, 8)).astype(float)
    p = draw.uniform(size=(2, 8))
    # Of labels 0 and 1 both definitions of the true positives are one.
    for axis, tp in product((None, 1), ("product", "absolute")):
        value = listed(keras.losses.dice(jnp.asarray(labels), jnp.asarray(p), axis))
        options = f"smooth=1e-07, tp={tp!r}, axis={axis}"
        loss = f"fl.Dice({options}, reduction={'none'!r})"
        yield named(loss, "keras", [labels.tolist(), p.tolist()], value, None)


def named(loss: str, library: str, arguments: Any, value: Any, grad: Any) -> Any:
    """A case as the file has it."""
    return {
        "loss": loss,
        "library": f"{library} {version(library)}",
        "precision": PRECISION.get(library, 1e-13),
        "arguments": arguments,
        "value": value,
        "grad": grad,
    }


def listed(a: Any) -> Any:
    """Numbers as JSON has them, to the last bit."""
    return None if a is None else np.asarray(a).tolist()


def main() -> None:
    """Run every case and write the file."""
    frozen = []
    for case in chain(regression(), binary(), multiclass(), of_classes(), weighted()):
        value, grad = case.run(case.peer, *case.inputs)
        frozen.append(
            {
                "loss": case.loss,
                "library": f"{case.library} {version(case.library)}",
                "precision": PRECISION.get(case.library, 1e-13),
                "y_true": case.inputs[0].tolist(),
                "y_pred": case.inputs[1].tolist(),
                "sample_weight": listed(case.weight),
                "value": listed(value),
                "grad": listed(grad),
            }
        )
    write(FILE, frozen)
    write(FILE.with_name("peers_structured.json"), list(structured()))


def write(file: Path, cases: list[dict[str, Any]]) -> None:
    """A case a line."""
    lines = ",\n".join(json.dumps(case) for case in cases)
    file.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(cases)} cases in {file}")


if __name__ == "__main__":
    main()
