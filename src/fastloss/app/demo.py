"""The main job on real data: gradient descent on handwritten digits, loss by loss.

A softmax classifier and a regression with outliers are trained with several losses and
two optimizers. Values and gradients come from fastloss, the gradients into buffers that
are reused; everything else is NumPy.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastloss import reference
from fastloss.core.config import show_config
from fastloss.core.loss import Loss
from fastloss.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)

Floats: TypeAlias = npt.NDArray[np.float32]
Array: TypeAlias = npt.NDArray[Any]

STEPS = 300
HELD_OUT = 453
SEED = 0
# Rows are multiplied in so many blocks, each too small for the BLAS to share out: on
# a busy machine the waiting of its threads took nine tenths of the demo.
BLOCKS = 8
CURVE_WIDTH = 16


class GradientDescent:
    """Plain gradient descent: ``x -= rate * gradient``."""

    name = "plain"

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def step(self, x: Floats, gradient: Floats) -> None:
        """Move `x` in place."""
        x -= self.rate * gradient


class Adam:
    """Adam: steps scaled by running moments of the gradient (Kingma and Ba 2015)."""

    name = "Adam"

    def __init__(self, rate: float, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.steps = 0
        self.mean: Array = np.zeros(())
        self.square: Array = np.zeros(())

    def step(self, x: Floats, gradient: Floats) -> None:
        """Move `x` in place."""
        self.steps += 1
        self.mean = self.beta1 * self.mean + (1 - self.beta1) * gradient
        self.square = self.beta2 * self.square + (1 - self.beta2) * gradient**2
        mean = self.mean / (1 - self.beta1**self.steps)
        square = self.square / (1 - self.beta2**self.steps)
        x -= self.rate * mean / (np.sqrt(square) + 1e-8)


@dataclass(frozen=True)
class Experiment:
    """One loss on one task: its labels and the step length of each optimizer."""

    title: str
    loss: Loss
    y_true: Array
    plain_rate: float
    adam_rate: float


@dataclass(frozen=True)
class Problem:
    """A linear model ``features @ parameters`` and how well it does on held-out data.

    `score` maps held-out predictions to the number shown, in `unit`.
    """

    title: str
    train: Floats
    held_out: Floats
    outputs: int
    experiments: tuple[Experiment, ...]
    score: Callable[[Floats], float]
    unit: str


@dataclass(frozen=True)
class Run:
    """One training: the cost before each step, the final predictions and the score."""

    experiment: Experiment
    optimizer: str
    costs: tuple[float, ...]
    y_pred: Floats
    score: float


@dataclass(frozen=True)
class Agreement:
    """fastloss in float32 against the NumPy reference in float64, and both times."""

    value: float
    gradient: float
    seconds: float
    reference_seconds: float


def load_digits() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the 1797 handwritten digits of the package.

    Returns
    -------
    images : uint8 array of shape (1797, 8, 8), grey values 0 to 16
    labels : uint8 array of shape (1797,), 0 to 9

    Notes
    -----
    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository 1998, CC BY 4.0; see ``data/README.md``.
    """
    file = resources.files("fastloss.app") / "data" / "digits.npz"
    with file.open("rb") as stream, np.load(stream) as arrays:
        return arrays["images"], arrays["labels"]


def _split(count: int) -> tuple[Array, Array]:
    order = np.random.default_rng(SEED).permutation(count)
    return order[HELD_OUT:], order[:HELD_OUT]


def _features(pixels: Array, train: Array, held_out: Array) -> tuple[Floats, Floats]:
    """Pixels less their mean, and a column of ones for the intercept."""
    centred = pixels - pixels[train].mean(axis=0)
    features = np.column_stack([centred, np.ones(len(pixels))]).astype(np.float32)
    return features[train], features[held_out]


def classification() -> Problem:
    """Predict the digit: ten linear scores of its 64 pixels."""
    images, labels = load_digits()
    train, held_out = _split(len(labels))
    features = _features(images.reshape(-1, 64) / 16, train, held_out)
    one_hot = (labels[:, np.newaxis] == np.arange(10)).astype(np.float32)
    digit = labels[held_out]

    def accuracy(scores: Floats) -> float:
        return 100 * float(np.mean(scores.argmax(axis=1) == digit))

    return Problem(
        title="Which digit is it? A linear classifier of the 64 pixels",
        train=features[0],
        held_out=features[1],
        outputs=10,
        experiments=(
            Experiment(
                "softmax, integer labels",
                SparseCategoricalCrossentropy(from_logits=True),
                labels[train],
                plain_rate=1.0,
                adam_rate=0.03,
            ),
            Experiment(
                "softmax, smoothed one-hot",
                CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
                one_hot[train],
                plain_rate=1.0,
                adam_rate=0.03,
            ),
            Experiment(
                "ten sigmoids",
                BinaryCrossentropy(from_logits=True),
                one_hot[train],
                plain_rate=10.0,
                adam_rate=0.1,
            ),
            Experiment(
                "ten margins, squared hinge",
                SquaredHinge(),
                2 * one_hot[train] - 1,
                plain_rate=5.0,
                adam_rate=0.03,
            ),
        ),
        score=accuracy,
        unit="% right",
    )


def regression() -> Problem:
    """Predict the ink in the last two rows of a digit from the six above.

    The target is the sum of 16 grey values, in pixels of full ink. A tenth of the
    training targets are gross errors, as if the decimal point had slipped: ten times
    too large. The held-out targets are clean.
    """
    images, labels = load_digits()
    train, held_out = _split(len(labels))
    features = _features(images[:, :6].reshape(-1, 48) / 16, train, held_out)
    ink = (images[:, 6:].sum(axis=(1, 2)) / 16).astype(np.float32)[:, np.newaxis]
    y_true = ink[train]
    y_true[: len(y_true) // 10] *= 10
    truth = ink[held_out]

    def error(y_pred: Floats) -> float:
        return float(MeanAbsoluteError()(truth, y_pred))

    return Problem(
        title="How much ink is below? A regression with 10 % gross errors (x 10)",
        train=features[0],
        held_out=features[1],
        outputs=1,
        experiments=(
            Experiment("mean squared error", MeanSquaredError(), y_true, 0.25, 0.1),
            Experiment("mean absolute error", MeanAbsoluteError(), y_true, 0.5, 0.1),
            Experiment("Huber, delta 1", Huber(delta=1.0), y_true, 0.5, 0.1),
        ),
        score=error,
        unit="mean error",
    )


def train(
    problem: Problem, experiment: Experiment, optimizer: GradientDescent | Adam
) -> Run:
    """Minimise the loss over the training data, `STEPS` steps from zero.

    The gradient of the cost by the predictions is written into one buffer for the
    whole run; the chain rule of a linear model is one matrix product.
    """
    x = problem.train.reshape(BLOCKS, -1, problem.train.shape[1])
    parameters = np.zeros((x.shape[2], problem.outputs), np.float32)
    y_pred = np.empty((len(problem.train), problem.outputs), np.float32)
    by_prediction = np.empty_like(y_pred)
    block_shape = (*x.shape[:2], problem.outputs)
    costs = []
    for _ in range(STEPS):
        np.matmul(x, parameters, out=y_pred.reshape(block_shape))
        cost, _ = experiment.loss.value_and_grad(
            experiment.y_true, y_pred, out=by_prediction
        )
        costs.append(cost)
        by_block = np.matmul(x.swapaxes(1, 2), by_prediction.reshape(block_shape))
        optimizer.step(parameters, by_block.sum(axis=0))
    score = problem.score(problem.held_out @ parameters)
    return Run(
        experiment, optimizer.name, tuple(costs), problem.train @ parameters, score
    )


def train_all(problem: Problem) -> list[tuple[Run, Run]]:
    """Train every experiment of `problem` with both optimizers."""
    return [
        (
            train(problem, each, GradientDescent(each.plain_rate)),
            train(problem, each, Adam(each.adam_rate)),
        )
        for each in problem.experiments
    ]


def relative_difference(result: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Largest difference of two arrays over the largest entry of the true one."""
    result, truth = np.asarray(result, float), np.asarray(truth, float)
    return float(np.max(np.abs(result - truth)) / np.max(np.abs(truth)))


def _seconds(call: Callable[[], object]) -> float:
    """Shortest time of one call over a tenth of a second of calls."""
    best = np.inf
    end = time.perf_counter() + 0.1
    while (start := time.perf_counter()) < end:
        call()
        best = min(best, time.perf_counter() - start)
    return float(best)


def compare(run: Run) -> Agreement:
    """Compare value and gradient at the end of `run` with the NumPy reference."""
    loss, y_true, y_pred = run.experiment.loss, run.experiment.y_true, run.y_pred
    buffer = np.empty_like(y_pred)
    value, _ = loss.value_and_grad(y_true, y_pred, out=buffer)
    true_value, true_grad = reference.value_and_grad(
        loss, y_true, y_pred.astype(np.float64)
    )
    return Agreement(
        value=relative_difference(value, true_value),
        gradient=relative_difference(buffer, true_grad),
        seconds=_seconds(lambda: loss.value_and_grad(y_true, y_pred, out=buffer)),
        reference_seconds=_seconds(
            lambda: reference.value_and_grad(loss, y_true, y_pred)
        ),
    )


def sparkline(values: Sequence[float], levels: str, width: int = CURVE_WIDTH) -> str:
    """Draw positive values as `width` characters, low to high, on log-log scales."""
    places = np.geomspace(1, len(values), width).round().astype(int) - 1
    logs = np.log(np.asarray(values)[places])
    span = float(np.ptp(logs))
    heights = (logs - logs.min()) / (span or 1.0) * (len(levels) - 1)
    return "".join(levels[int(height)] for height in heights.round())


def _levels() -> str:
    """Block characters where the terminal can print them."""
    blocks = "▁▂▃▄▅▆▇█"
    try:
        blocks.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "_.-=+*#@"
    return blocks


def _print_runs(problem: Problem, pairs: Sequence[tuple[Run, Run]]) -> None:
    levels = _levels()
    print(f"\n{problem.title}")
    print(f"{STEPS} steps, {len(problem.train)} samples; log-log scales\n")
    cell = CURVE_WIDTH + 20
    print(" " * 28 + "".join(f"{run.optimizer:<{cell}}" for run in pairs[0]).rstrip())
    column = f"{'training cost':<{CURVE_WIDTH + 8}}{problem.unit:>10}  "
    print(" " * 28 + (column * 2).rstrip())
    for pair in pairs:
        line = f"{pair[0].experiment.title:<28}"
        for run in pair:
            curve = sparkline(run.costs, levels)
            line += f"{curve}{run.costs[-1]:8.3g}{run.score:10.2f}  "
        print(line.rstrip())


def _print_comparison(runs: Sequence[Run]) -> None:
    print("\nValue and gradient of the trained models in float32, against the textbook")
    print("formulas of fastloss.reference in float64; times for both in float32\n")
    print(" " * 28 + "   largest relative difference      microseconds a call")
    print(" " * 28 + "        value      gradient      fastloss     NumPy  ratio")
    for run in runs:
        each = compare(run)
        print(
            f"{run.experiment.title:<28}{each.value:13.1e}{each.gradient:14.1e}"
            f"{each.seconds * 1e6:14.1f}{each.reference_seconds * 1e6:10.1f}"
            f"{each.reference_seconds / each.seconds:7.1f}"
        )


def require_matplotlib() -> None:
    """Raise an error that says what to install if there is no matplotlib."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError(
            "a plot needs matplotlib, which is not installed: "
            "pip install 'fastloss[plot]'"
        )


def plot(path: Path, results: Sequence[tuple[Problem, list[tuple[Run, Run]]]]) -> None:
    """Write the learning curves to an image file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5 * len(results)), layout="constrained")
    grid = figure.subplots(len(results), 2, sharey="row")
    for axes, (problem, pairs) in zip(grid, results, strict=True):
        for axis, runs in zip(axes, zip(*pairs, strict=True), strict=True):
            for run in runs:
                label = f"{run.experiment.title}: {run.score:.3g} {problem.unit}"
                axis.plot(run.costs, label=label)
            axis.set(yscale="log", xlabel="step", title=runs[0].optimizer)
            axis.legend(fontsize="small")
        axes[0].set_ylabel(f"{problem.title}\ntraining cost", fontsize="small")
    figure.savefig(path, dpi=150)


def main(plot_file: Path | None = None) -> None:
    """Train everything and print the report; write the curves to `plot_file`."""
    if plot_file is not None:
        require_matplotlib()
    config = show_config(mode="dict")
    print(
        f"fastloss {config['version']} ({config['isa']}, {config['threads']} threads), "
        "handwritten digits 8x8 (UCI, Alpaydin and Kaynak 1998)"
    )
    results = []
    for problem in (classification(), regression()):
        pairs = train_all(problem)
        _print_runs(problem, pairs)
        results.append((problem, pairs))
    _print_comparison([pair[1] for _, pairs in results for pair in pairs])
    if plot_file is not None:
        plot(plot_file, results)
        print(f"\nlearning curves written to {plot_file}")
