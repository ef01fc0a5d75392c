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
import scoringrules
import torch
import torch.nn.functional as F
from scipy import optimize, special, stats
from scipy.spatial import distance
from sklearn import metrics
from sklearn._loss import loss as sklearn_loss
from sklearn.linear_model import _sgd_fast
from statsmodels.robust import norms

keras.config.set_floatx("float64")

FILE = Path(__file__).resolve().parent.parent / "tests/data/peers.json"
#: Keras takes means in float32, whatever it is given; timm all, and takes p from 1.
PRECISION = {"keras": 3e-7, "timm": 1e-4}

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
COUNTS = (random.poisson(2.0, N).astype(float), random.normal(size=N))
COUNT_MEANS = (COUNTS[0], random.gamma(2.0, size=N))
AMOUNTS = (random.gamma(2.0, size=N), random.normal(size=N))
AMOUNT_MEANS = (AMOUNTS[0], random.gamma(2.0, size=N))


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


def of_loss_gradient(loss: Any, y: Array, x: Array) -> tuple[Any, Any]:
    """Value and gradient of each sample by a loss of scikit-learn's boosters."""
    value: tuple[Any, Any] = loss.loss_gradient(y, x)
    return value


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
    for margin in (1.0, 0.25):

        def of_distances(y: Any, x: Any, m: float = margin) -> Any:
            return F.hinge_embedding_loss(x, y, margin=m)

        loss = f"fl.HingeEmbedding(margin={margin})"
        yield Case(loss, "torch", of_torch, of_distances, SIGNS)
    for beta in (0.0, 0.25, 2.0):
        theirs = partial(F.smooth_l1_loss, beta=beta)
        yield Case(f"fl.SmoothL1(beta={beta})", "torch", of_torch, theirs, REALS)
    yield from other_regression()
    k = keras.losses
    yield Case('fl.LogCosh(reduction="none")', "optax", of_jax, optax.log_cosh, REALS)
    yield Case("fl.LogCosh()", "keras", of_jax, k.log_cosh, REALS)
    yield Case("fl.Hinge()", "keras", of_jax, k.hinge, SIGNS)
    yield Case("fl.SquaredHinge()", "keras", of_jax, k.squared_hinge, SIGNS)


def of_minimize(loss: str, c: float) -> Callable[[Peer, Array, Array], Any]:
    """Cost and gradient of SciPy's least_squares, of one loss at a width."""

    def run(function: Peer, y: Array, x: Array) -> tuple[Any, Any]:
        found = function(
            lambda z: z - y,
            x,
            loss=loss,
            f_scale=c,
            max_nfev=1,
            jac=lambda z: np.eye(N),
        )
        return found.cost, None

    return run


def of_loss(function: Peer, y: Array, x: Array) -> tuple[Any, Any]:
    """Value and gradient of a loss object of scikit-learn, per sample."""
    return function.loss(y, x), function.gradient(y, x)


def of_pairs(function: Peer, y: Array, x: Array) -> tuple[Any, Any]:
    """Value and gradient of a loss of scikit-learn's SGD, a number at a time."""
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    value = [function.py_loss(*pair) for pair in pairs]
    return value, [function.py_dloss(*pair) for pair in pairs]


def of_norm(function: Peer, y: Array, x: Array) -> tuple[Any, Any]:
    """Value and gradient of a robust norm of statsmodels."""
    return function.rho(x - y), function.psi(x - y)


def other_regression() -> Iterator[Case]:
    """Losses that libraries have as objects, or as metrics alone."""
    k = keras.losses
    each = 'reduction="none"'
    half = f"fl.HalfSquaredError({each})"
    yield Case(half, "scikit-learn", of_loss, sklearn_loss.HalfSquaredError(), REALS)
    l2 = optax.l2_loss
    yield Case(half, "optax", of_jax, lambda y, x: l2(x, y), REALS)
    for q in (0.1, 0.5, 0.75):
        pinball = sklearn_loss.PinballLoss(quantile=q)
        loss = f"fl.Quantile(q={q}, {each})"
        yield Case(loss, "scikit-learn", of_loss, pinball, REALS)
    mape = partial(metrics.mean_absolute_percentage_error, sample_weight=WEIGHT)
    loss = "fl.MeanAbsolutePercentageError()"
    yield Case(loss, "scikit-learn", of_numpy, mape, REALS, WEIGHT)
    loss = "fl.MeanAbsolutePercentageError(scale=100, eps=1e-7)"
    theirs = k.mean_absolute_percentage_error
    yield Case(loss, "keras", of_jax, theirs, REALS)
    msle = partial(metrics.mean_squared_log_error, sample_weight=WEIGHT)
    loss = "fl.MeanSquaredLogarithmicError()"
    yield Case(loss, "scikit-learn", of_numpy, msle, AMOUNT_MEANS, WEIGHT)
    yield Case(loss, "keras", of_jax, k.mean_squared_logarithmic_error, AMOUNT_MEANS)
    for squared, sgd in (
        (False, _sgd_fast.EpsilonInsensitive),
        (True, _sgd_fast.SquaredEpsilonInsensitive),
    ):
        loss = f"fl.EpsilonInsensitive(epsilon=0.5, squared={squared}, {each})"
        yield Case(loss, "scikit-learn", of_pairs, sgd(0.5), REALS)
    for c in (0.5, 3.0):
        loss = f'fl.Cauchy(c={c}, reduction="sum")'
        run = of_minimize("cauchy", c)
        yield Case(loss, "scipy", run, optimize.least_squares, REALS)
    for c in (1.5, 4.685):
        loss = f"fl.Tukey(c={c}, {each})"
        yield Case(loss, "statsmodels", of_norm, norms.TukeyBiweight(c), REALS)


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


def focal() -> Iterator[Case]:
    """The focal and asymmetric losses of four libraries."""
    from segmentation_models_pytorch.losses import FocalLoss
    from timm.loss import AsymmetricLossMultiLabel
    from torchvision.ops import sigmoid_focal_loss

    for gamma, alpha in product((0.0, 0.5, 2.0, 3.0), (None, 0.25)):
        of_torchvision = partial(
            sigmoid_focal_loss, gamma=gamma, alpha=-1 if alpha is None else alpha
        )
        options = f"gamma={gamma}, alpha={alpha}"
        for library, run, peer, p_t in (
            ("torchvision", of_torch, of_torchvision, "arithmetic"),
            (
                "optax",
                of_jax,
                partial(optax.losses.sigmoid_focal_loss, gamma=gamma, alpha=alpha),
                "arithmetic",
            ),
            (
                "segmentation_models_pytorch",
                of_torch,
                FocalLoss("binary", gamma=gamma, alpha=alpha),
                "geometric",
            ),
        ):
            reduction = "mean" if p_t == "geometric" else "none"
            shown = f"{options}, p_t={p_t!r}, reduction={reduction!r}"

            def swapped(y: Any, x: Any, f: Peer = peer) -> Any:
                return f(x, y)

            for inputs in (BIT_LOGITS, UNIT_LOGITS):
                yield Case(f"fl.Focal({shown})", library, run, swapped, inputs)
    for gamma, logits in product((0.5, 2.0), (False, True)):
        theirs = partial(
            keras.losses.binary_focal_crossentropy,
            gamma=gamma,
            alpha=0.25,
            apply_class_balancing=True,
            from_logits=logits,
        )
        shown = f"gamma={gamma}, alpha=0.25, from_logits={logits}, eps=1e-7"
        inputs = UNIT_LOGITS if logits else UNITS
        yield Case(f"fl.Focal({shown})", "keras", of_jax, theirs, inputs)
    for positive, negative, margin in (
        (1.0, 4.0, 0.05),
        (0.0, 2.0, 0.0),
        (2.0, 1.0, 0.2),
    ):
        of_timm = AsymmetricLossMultiLabel(
            gamma_pos=positive, gamma_neg=negative, clip=margin, reduction="none"
        )

        def of_logits(y: Any, x: Any, f: Peer = of_timm) -> Any:
            return f(x, y)

        shown = f"gamma_pos={positive}, gamma_neg={negative}, margin={margin}"
        loss = f'fl.Asymmetric({shown}, reduction="none")'
        yield Case(loss, "timm", of_torch, of_logits, BIT_LOGITS)


def poly1() -> Iterator[Case]:
    """Of two classes, of which one has the logit 0 or the other probability."""

    def of_logits(y: Any, x: Any, epsilon: float) -> Any:
        logits, labels = jnp.stack([0 * x, x], -1), jnp.stack([1 - y, y], -1)
        return optax.losses.poly_loss_cross_entropy(logits, labels, epsilon=epsilon)

    def of_probabilities(y: Any, p: Any, epsilon: float) -> Any:
        return of_logits(y, jnp.log(p) - jnp.log1p(-p), epsilon)

    for epsilon, logits in product((-1.0, 2.0), (False, True)):
        peer = partial(of_logits if logits else of_probabilities, epsilon=epsilon)
        shown = f"epsilon={epsilon}, from_logits={logits}, eps=0.0"
        loss = f'fl.Poly1({shown}, reduction="none")'
        yield Case(loss, "optax", of_jax, peer, UNIT_LOGITS if logits else UNITS)


def counts() -> Iterator[Case]:
    """Counts and amounts, by the mean or its logarithm."""

    def of_logarithms(y: Any, x: Any) -> Any:
        return F.poisson_nll_loss(x, y)

    def of_means(y: Any, x: Any, eps: float = 0.25) -> Any:
        return F.poisson_nll_loss(x, y, log_input=False, eps=eps)

    def of_likelihood(y: Any, p: Any) -> Any:
        return -stats.poisson.logpmf(y, p)

    yield Case("fl.Poisson()", "torch", of_torch, of_logarithms, COUNTS)
    loss = "fl.Poisson(log_input=False, eps=0.25)"
    yield Case(loss, "torch", of_torch, of_means, COUNT_MEANS)
    loss = 'fl.Poisson(log_input=False, full=True, reduction="none")'
    yield Case(loss, "scipy", of_numpy, of_likelihood, COUNT_MEANS)
    loss = "fl.Poisson(log_input=False, eps=1e-7)"
    yield Case(loss, "keras", of_jax, keras.losses.poisson, COUNT_MEANS)
    for loss, theirs, inputs in (
        ("Poisson(", sklearn_loss.HalfPoissonLoss(), COUNTS),
        ("Gamma(", sklearn_loss.HalfGammaLoss(), AMOUNTS),
        ("Tweedie(power=1.5, ", sklearn_loss.HalfTweedieLoss(power=1.5), COUNTS),
        ("Tweedie(power=1.0, ", sklearn_loss.HalfTweedieLoss(power=1), COUNTS),
        ("Tweedie(power=2.0, ", sklearn_loss.HalfTweedieLoss(power=2), AMOUNTS),
        ("Tweedie(power=3.0, ", sklearn_loss.HalfTweedieLoss(power=3), AMOUNTS),
    ):
        loss = f'fl.{loss}reduction="none")'
        yield Case(loss, "scikit-learn", of_loss_gradient, theirs, inputs)
    for power in (0, 1, 1.25, 2, 3):
        theirs = partial(metrics.mean_tweedie_deviance, power=power)
        inputs = AMOUNT_MEANS if power > 1.5 else COUNT_MEANS
        for weight in (None, WEIGHT):
            peer = partial(theirs, sample_weight=weight)
            loss = f"fl.TweedieDeviance(power={power})"
            yield Case(loss, "scikit-learn", of_numpy, peer, inputs, weight)
    for loss, theirs, inputs in (
        ("PoissonDeviance", metrics.mean_poisson_deviance, COUNT_MEANS),
        ("GammaDeviance", metrics.mean_gamma_deviance, AMOUNT_MEANS),
        ("Brier", metrics.brier_score_loss, BITS),
    ):
        yield Case(f"fl.{loss}()", "scikit-learn", of_numpy, theirs, inputs)


def margins() -> Iterator[Case]:
    """Labels are signs; scikit-learn's exponential loss takes them as 0 and 1."""

    def soft(y: Any, x: Any) -> Any:
        return F.soft_margin_loss(x, y)

    def exponential(y: Any, x: Any) -> Any:
        return sklearn_loss.ExponentialLoss().loss((y + 1) / 2, x)

    def modified_huber(y: Any, x: Any) -> Any:
        theirs = _sgd_fast.ModifiedHuber()
        return np.array(
            [theirs.py_loss(p, label) for label, p in zip(y, x, strict=True)]
        )

    yield Case("fl.SoftMargin()", "torch", of_torch, soft, SIGNS)
    none = 'reduction="none"'
    library = "scikit-learn"
    yield Case(f"fl.Exponential({none})", library, of_numpy, exponential, SIGNS)
    wide = SIGNS[0], 2 * SIGNS[1]
    yield Case(f"fl.ModifiedHuber({none})", library, of_numpy, modified_huber, wide)


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


def of_rows() -> Iterator[Case]:
    """Distances of rows from rows, and margins, their options together."""
    draw = np.random.default_rng(4)
    rows = ROWS / ROWS.sum(axis=1, keepdims=True)
    logits, logs = draw.normal(size=(N, C)) * 2, np.log(SOFT)
    zeros = SOFT * (draw.uniform(size=(N, C)) < 0.7)
    zeros /= zeros.sum(axis=1, keepdims=True)
    bits = draw.integers(0, 2, (N, C)).astype(float)
    none = 'reduction="none"'
    ours = "fl.KLDivergence"
    for log_target, y in ((False, zeros), (False, SOFT), (True, logs)):
        theirs = partial(
            swapped, F.kl_div, reduction="batchmean", log_target=log_target
        )
        loss = f'{ours}(log_input=True, log_target={log_target}, label_sum="any")'
        yield Case(loss, "torch", of_torch, theirs, (y, np.log(ROWS)))
    for log_target, function, y in (
        (False, optax.losses.kl_divergence, zeros),
        (True, optax.losses.kl_divergence_with_log_targets, logs),
    ):
        loss = (
            f'{ours}(log_input=True, log_target={log_target}, {none}, label_sum="any")'
        )
        theirs = partial(swapped, function)
        yield Case(loss, "optax", of_jax, theirs, (y, np.log(ROWS)))
    k = keras.losses
    loss = f"{ours}(eps=1e-7, {none})"
    yield Case(loss, "keras", of_jax, k.kl_divergence, (SOFT, rows))
    for t in (1.0, 0.7, 3.0):

        def distilled(y: Any, x: Any, t: float = t) -> Any:
            y, x = F.softmax(y / t, -1), F.log_softmax(x / t, -1)
            return t**2 * F.kl_div(x, y, reduction="batchmean")

        loss = f"{ours}(from_logits=True, log_target=True, temperature={t})"
        yield Case(loss, "torch", of_torch, distilled, (logits, LOGITS))
    for t, cap in ((0.7, None), (3.0, 4.0), (1.0, 2.5)):

        def capped(y: Any, x: Any, t: float = t, cap: float | None = cap) -> Any:
            return F.cross_entropy((cap * torch.tanh(x / cap) if cap else x) / t, y)

        shown = f"(from_logits=True, temperature={t}, softcap={cap})"
        for name, y in (("SparseCategorical", CLASSES), ("Categorical", SOFT)):
            loss = f"fl.{name}Crossentropy{shown}"
            yield Case(loss, "torch", of_torch, capped, (y, LOGITS))
    for z, cap in ((1e-4, None), (0.3, None), (0.05, 4.0)):

        def lifted(y: Any, x: Any, z: float = z, cap: float | None = cap) -> Any:
            x = cap * torch.tanh(x / cap) if cap else x
            kept = y != -100 if y.ndim == 1 else slice(None)
            return F.cross_entropy(x, y) + z * (x.logsumexp(-1) ** 2)[kept].mean()

        shown = f"from_logits=True, z_loss={z}, softcap={cap}"
        yield Case(
            f"fl.SparseCategoricalCrossentropy({shown}, ignore_class=-100)",
            "torch",
            of_torch,
            lifted,
            (IGNORED, LOGITS),
        )
        loss = f"fl.CategoricalCrossentropy({shown})"
        yield Case(loss, "torch", of_torch, lifted, (SOFT, LOGITS))
    for weight, (ignored, y) in product(
        (None, CLASS_WEIGHT), ((None, CLASSES), (-100, IGNORED))
    ):
        w = tensor(weight) if weight else None
        loss = f"fl.NLL(class_weight={weight}, ignore_class={ignored})"
        theirs = partial(swapped, F.nll_loss, weight=w)
        yield Case(loss, "torch", of_torch, theirs, (y, np.log(ROWS)))
    for weight, p, margin in product((None, CLASS_WEIGHT), (1, 2), (1.0, 0.3)):
        w = tensor(weight) if weight else None
        options = {"p": p, "margin": margin, "weight": w, "reduction": "sum"}
        loss = f"p={p}, margin={margin}, class_weight={weight}, reduction='sum'"
        theirs = partial(swapped, F.multi_margin_loss, **options)
        loss = f"fl.MultiMargin({loss})"
        yield Case(loss, "torch", of_torch, theirs, (CLASSES, LOGITS))

    def listed_classes(y: Any, x: Any) -> Any:
        lists = torch.full(y.shape, -1, dtype=torch.int64)
        for row, into in zip(y, lists, strict=True):
            found = torch.nonzero(row)[:, 0]
            into[: len(found)] = found
        return F.multilabel_margin_loss(x, lists)

    def ranked(y: Any, x: Any) -> Any:
        zero, far = torch.zeros_like(x[:, :1]), -torch.inf
        wrong = torch.cat([zero, torch.where(y == 0, x, far)], -1)
        right = torch.cat([zero, torch.where(y == 1, -x, far)], -1)
        return (torch.logsumexp(wrong, -1) + torch.logsumexp(right, -1)).mean()

    yield Case(
        "fl.MultilabelMargin()", "torch", of_torch, listed_classes, (bits, LOGITS)
    )
    yield Case("fl.ZLPR()", "torch", of_torch, ranked, (bits, LOGITS))
    for y in (ONE_HOT, SOFT):
        loss = f"fl.CategoricalHinge({none})"
        yield Case(loss, "keras", of_jax, k.categorical_hinge, (y, LOGITS))
    loss = f"fl.Cosine({none})"
    theirs = partial(swapped, optax.losses.cosine_distance)
    yield Case(loss, "optax", of_jax, theirs, (logits, LOGITS))
    loss = f"fl.Cosine(offset=0.0, {none})"
    yield Case(loss, "keras", of_jax, k.cosine_similarity, (logits, LOGITS))
    for epsilon in (2.0, -0.5):

        def poly(y: Any, x: Any, e: float = epsilon) -> Any:
            return optax.losses.poly_loss_cross_entropy(
                x, jax.nn.one_hot(y, C), epsilon=e
            )

        loss = f"fl.CategoricalPoly1(epsilon={epsilon}, from_logits=True, {none})"
        yield Case(loss, "optax", of_jax, poly, (CLASSES, LOGITS))

    def jensen(y: Any, x: Any) -> Any:
        return distance.jensenshannon(y, x, axis=-1) ** 2

    for y in (SOFT, zeros):
        loss = f"fl.JSDivergence(eps=0.0, {none})"
        yield Case(loss, "scipy", of_numpy, jensen, (y, rows))
    for beta in (0.0, 0.3, 1.0):

        def skewed(y: Any, x: Any, b: float = beta) -> Any:
            m = b * y + (1 - b) * x
            of_y, of_x = special.rel_entr(y, m), special.rel_entr(x, m)
            return np.sum(b * of_y + (1 - b) * of_x, -1)

        def at_the_ends(y: Any, x: Any, b: float = beta) -> Any:
            return np.sum(special.rel_entr(x, y) if b else special.rel_entr(y, x), -1)

        peer = at_the_ends if beta in (0, 1) else skewed
        loss = f"fl.JSDivergence(beta={beta}, eps=0.0, {none})"
        yield Case(loss, "scipy", of_numpy, peer, (SOFT, rows))

    def half_block(y: Any, x: Any) -> Any:
        return [distance.cityblock(*pair) / 2 for pair in zip(y, x, strict=True)]

    loss = f"fl.TotalVariation({none})"
    yield Case(loss, "scipy", of_numpy, half_block, (SOFT, rows))
    loss = "fl.CategoricalBrier()"
    brier = partial(metrics.brier_score_loss, labels=range(C))

    def of_classes(y: Any, x: Any) -> Any:
        return brier(y.argmax(axis=1), x)

    yield Case(loss, "scikit-learn", of_numpy, of_classes, (ONE_HOT, rows))


def swapped(function: Peer, y: Any, x: Any, **options: Any) -> Any:
    """A function whose first argument are predictions."""
    return function(x, y, **options)


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
    yield from pairs()
    yield views()
    labels = draw.integers(0, 2, (2, 8)).astype(float)
    p = draw.uniform(size=(2, 8))
    # Of labels 0 and 1 both definitions of the true positives are one.
    for axis, tp in product((None, 1), ("product", "absolute")):
        value = listed(keras.losses.dice(jnp.asarray(labels), jnp.asarray(p), axis))
        options = f"smooth=1e-07, tp={tp!r}, axis={axis}"
        loss = f"fl.Dice({options}, reduction={'none'!r})"
        yield named(loss, "keras", [labels.tolist(), p.tolist()], value, None)


def pairs() -> Iterator[dict[str, Any]]:
    """Labelled pairs of rows, and of scores."""
    draw = np.random.default_rng(5)
    a, b = draw.normal(size=(2, 6, 3))
    signs = np.array([1.0, -1, -1, 1, -1, -1])
    for margin in (0.0, -0.25):
        theirs = partial(F.cosine_embedding_loss, target=tensor(signs), margin=margin)
        loss = f"fl.CosineEmbedding(margin={margin}, eps=1e-12)"
        arguments = [signs.tolist(), [a.tolist(), b.tolist()]]
        yield named(loss, "torch", arguments, *of_several(theirs, a, b))
    for margin in (1.0, 3.0):

        def by_hand(a: Any, b: Any, margin: float = margin) -> Any:
            d = F.pairwise_distance(a, b, eps=0.0)
            alike = tensor(signs) > 0
            return (torch.where(alike, d, (margin - d).relu()) ** 2 / 2).mean()

        arguments = [(signs > 0).tolist(), [a.tolist(), b.tolist()]]
        loss = f"fl.Contrastive(margin={margin})"
        yield named(loss, "torch", arguments, *of_several(by_hand, a, b))
    first, second = draw.normal(size=(2, 6))
    for margin in (0.0, 0.5):
        theirs = partial(F.margin_ranking_loss, target=tensor(signs), margin=margin)
        loss = f"fl.MarginRanking(margin={margin})"
        arguments = [signs.tolist(), [first.tolist(), second.tolist()]]
        yield named(loss, "torch", arguments, *of_several(theirs, first, second))


def distributions() -> Iterator[dict[str, Any]]:
    """Losses of a label and the parameters of its distribution."""
    draw = np.random.default_rng(4)
    y, loc, scale = draw.normal(size=8), draw.normal(size=8), draw.uniform(0.05, 3, 8)
    counts = draw.integers(0, 12, 8).astype(float)
    mean, total = draw.uniform(0.5, 9, 8), draw.uniform(0.2, 30, 8)
    located = [y.tolist(), [loc.tolist(), scale.tolist()]]
    counted = [counts.tolist(), [mean.tolist(), total.tolist()]]
    of = torch.distributions

    def gaussian(m: Any, s: Any, full: bool) -> Any:
        return F.gaussian_nll_loss(m, tensor(y), s.exp(), full=full, eps=1e-30)

    for full in (False, True):
        theirs = partial(gaussian, full=full)
        loss = f"fl.GaussianNLL(log_variance=True, full={full})"
        yield named(loss, "torch", located, *of_several(theirs, loc, scale))
    for loss, peer, label, arguments, heads in (
        ("LaplaceNLL(", of.Laplace, y, located, (loc, scale)),
        ("StudentT(nu=1.0, ", partial(of.StudentT, 1.0), y, located, (loc, scale)),
        ("StudentT(nu=7.5, ", partial(of.StudentT, 7.5), y, located, (loc, scale)),
        (
            "NegativeBinomial(",
            lambda m, r: of.NegativeBinomial(r, logits=torch.log(m / r)),
            counts,
            counted,
            (mean, total),
        ),
    ):

        def likelihood(*at: Any, peer: Peer = peer, label: Array = label) -> Any:
            return -peer(*at).log_prob(tensor(label)).mean()

        shown = f"fl.{loss}full=True, eps=1e-6)"
        yield named(shown, "torch", arguments, *of_several(likelihood, *heads))
    for loss, arguments, value in (
        ("LaplaceNLL(", located, -stats.laplace.logpdf(y, loc, scale)),
        ("StudentT(nu=2.5, ", located, -stats.t.logpdf(y, 2.5, loc, scale)),
        (
            "NegativeBinomial(",
            counted,
            -stats.nbinom.logpmf(counts, total, total / (total + mean)),
        ),
    ):
        shown = f'fl.{loss}full=True, reduction="none")'
        yield named(shown, "scipy", arguments, listed(value), None)
    for loss, scored in (
        ("CRPSNormal(", scoringrules.crps_normal(y, loc, scale)),
        ("CRPSLaplace(", scoringrules.crps_laplace(y, loc, scale)),
        ("CRPSLogistic(", scoringrules.crps_logistic(y, loc, scale)),
        ("IntervalScore(alpha=0.2, ", scoringrules.interval_score(y, loc, scale, 0.2)),
    ):
        shown = f'fl.{loss}reduction="none")'
        yield named(shown, "scoringrules", located, listed(scored), None)


def views() -> dict[str, Any]:
    """Rows of three classes, which optax compares two by two."""
    draw = np.random.default_rng(6)
    rows, classes = draw.normal(size=(7, 3)), np.array([0, 1, 2, 0, 1, 2, 1])

    def of_optax(rows: Any) -> Any:
        return optax.losses.ntxent(rows, jnp.asarray(classes), temperature=0.5)

    value, grad = jax.value_and_grad(of_optax)(jnp.asarray(rows))
    arguments = [classes.tolist(), rows.tolist()]
    loss = "fl.NTXent(temperature=0.5)"
    return named(loss, "optax", arguments, float(value), listed(grad))


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
    cases = regression(), binary(), multiclass(), of_classes(), of_rows(), weighted()
    later = focal(), poly1(), counts(), margins()
    for case in chain(*cases, *later):
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
    write(FILE.with_name("peers_structured.json"), [*structured(), *distributions()])


def write(file: Path, cases: list[dict[str, Any]]) -> None:
    """A case a line."""
    lines = ",\n".join(json.dumps(case) for case in cases)
    file.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(cases)} cases in {file}")


if __name__ == "__main__":
    main()
