"""Half a minute of measuring on this machine: ``fastloss bench``.

Value and gradient of the main losses, float32, by every library that is installed: as
its documentation advises, on all cores if it can, with a new gradient each call. Then
fastloss alone into a buffer, from one thread to all, beside the limit of the memory.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import fastloss as fl
from fastloss import reference
from fastloss.app.files import needs, replacing, write
from fastloss.app.report import table

Array: TypeAlias = npt.NDArray[Any]
Step: TypeAlias = Callable[[], Any]

#: Three arrays of four million float32 numbers are more than most caches hold.
ELEMENTS = 4_000_000
ROWS = (4_096, 1_000)
SECONDS = 30.0
ROUNDS = 3
#: Calls in a round, if they take long.
LEAST_CALLS = 3
#: Threads of the contender before spin for some milliseconds before they sleep.
SETTLE_SECONDS = 0.012

OURS, NUMPY = "fastloss", "NumPy"

#: Processes that wait for a CPU, for each there is, and distance of the medians of
#: rounds over their middle, beyond which a machine counts as busy.
BUSY_LOAD = 0.25
BUSY_SPREAD = 0.15

BAR = 40


@dataclass(frozen=True)
class Case:
    """A loss and its inputs."""

    title: str
    loss: fl.Loss
    y_true: Array
    y_pred: Array

    @property
    def bytes(self) -> int:
        """What a call must move: it reads both and writes the gradient."""
        return self.y_true.nbytes + 2 * self.y_pred.nbytes


@dataclass
class Timing:
    """Median seconds of a call, and how far the medians of rounds lie apart."""

    seconds: float
    spread: float


@dataclass
class LossResult:
    """A loss on all cores."""

    loss: str
    shape: tuple[int, ...]
    times: dict[str, Timing]
    #: The time of moving the same bytes over ours, into a buffer.
    share_of_limit: float = 0.0


@dataclass
class Scaling:
    """Calls into a buffer with so many threads."""

    threads: int
    gigabytes_per_second: float
    seconds: dict[str, float]


@dataclass
class Report:
    """What was measured, and on what."""

    cpu: str
    cores: int
    threads: int
    load: float
    spread: float = 0.0
    busy: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    losses: list[LossResult] = field(default_factory=list)
    scaling: list[Scaling] = field(default_factory=list)


def cases(elements: int, rows: tuple[int, int]) -> list[Case]:
    """The main losses on normally distributed predictions."""
    random = np.random.default_rng(0)
    x = random.standard_normal(elements, np.float32)
    y = random.standard_normal(elements, np.float32)
    bits = (y > 0).astype(np.float32)
    logits = random.standard_normal(rows, np.float32)
    classes = random.integers(rows[1], size=rows[0])
    return [
        Case("squared error", fl.mse, y, x),
        Case("Huber", fl.huber, y, x),
        Case("binary CE, logits", fl.BinaryCrossentropy(from_logits=True), bits, x),
        Case(
            "sparse CE, logits",
            fl.SparseCategoricalCrossentropy(from_logits=True),
            classes,
            logits,
        ),
    ]


# --- contenders: what each gives is value and gradient of the mean, in new arrays


def _ours(case: Case, threads: int) -> Step:
    return lambda: case.loss.value_and_grad(case.y_true, case.y_pred)


def _numpy(case: Case, threads: int) -> Step:
    return lambda: reference.value_and_grad(case.loss, case.y_true, case.y_pred)


def _torch(case: Case, threads: int) -> Step:
    import torch

    from fastloss.app.peers.torch import LOSSES

    torch.set_num_threads(threads)
    loss = LOSSES[case.loss.kernel]
    y, x = torch.from_numpy(case.y_true), torch.from_numpy(case.y_pred)
    x.requires_grad_()

    def step() -> tuple[Any, Any]:
        x.grad = None
        value = loss(x, y)
        value.backward()
        return value.detach(), x.grad

    return step


def _compiled(case: Case, threads: int) -> Step:
    import torch

    from fastloss.app.peers.torch import LOSSES

    torch.set_num_threads(threads)
    torch.compiler.reset()
    loss = LOSSES[case.loss.kernel]
    y, x = torch.from_numpy(case.y_true), torch.from_numpy(case.y_pred)
    both = torch.compile(torch.func.grad_and_value(loss))
    return lambda: both(x, y)[::-1]


def _jax(case: Case, threads: int) -> Step:
    import jax
    import jax.numpy as jnp

    from fastloss.app.peers.jax import LOSSES

    formula = LOSSES[case.loss.kernel]
    y, x = jnp.asarray(case.y_true), jnp.asarray(case.y_pred)
    both = jax.jit(jax.value_and_grad(lambda x, y: jnp.mean(formula(x, y))))
    return lambda: jax.block_until_ready(both(x, y))


def _numba(case: Case, threads: int) -> Step:
    import numba

    from fastloss.app.peers.numba import ELEMENTWISE, ROWWISE, elementwise

    numba.set_num_threads(threads)
    kernel = case.loss.kernel
    options: tuple[None, ...]
    if kernel in ELEMENTWISE:
        loop, options = elementwise(kernel)["vg"], (None,) * 3
    else:
        loop, options = ROWWISE[kernel][1], (None,) * 5

    def step() -> tuple[Any, Any]:
        grad = np.empty_like(case.y_pred)
        return loop(case.y_true, case.y_pred, grad, *options), grad

    return step


#: The package of each, and how it is called; in the order of the table.
CONTENDERS: dict[str, tuple[str, Callable[[Case, int], Step]]] = {
    OURS: ("fastloss", _ours),
    NUMPY: ("numpy", _numpy),
    "torch": ("torch", _torch),
    "torch.compile": ("torch", _compiled),
    "JAX": ("jax", _jax),
    "numba": ("numba", _numba),
}


def _installed(compiled: bool) -> dict[str, Callable[[Case, int], Step]]:
    return {
        name: make
        for name, (package, make) in CONTENDERS.items()
        if find_spec(package) and (compiled or name != "torch.compile")
    }


def _agrees(case: Case, step: Step) -> bool:
    """Whether a contender computes what we do; it is warm afterwards."""
    expected = _ours(case, 0)()
    for _ in range(2):
        value, grad = step()
    scale = float(np.max(np.abs(expected[1])))
    return bool(
        np.isclose(float(value), expected[0], rtol=1e-3)
        and np.allclose(np.asarray(grad), expected[1], rtol=1e-3, atol=1e-4 * scale)
    )


# --- time


def timed(runs: dict[str, Step], seconds: float) -> dict[str, Timing]:
    """Times of calls, one contender after the other in each of several rounds.

    Parameters
    ----------
    runs : dict of callables
        They have been called before.
    seconds : float
        For all together, unless `LEAST_CALLS` take longer.
    """
    share = seconds / ROUNDS / max(1, len(runs))
    rounds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            time.sleep(SETTLE_SECONDS)
            run()
            calls: list[float] = []
            end = time.perf_counter() + share - SETTLE_SECONDS
            while len(calls) < LEAST_CALLS or time.perf_counter() < end:
                start = time.perf_counter()
                run()
                calls.append(time.perf_counter() - start)
            rounds[name].append(median(calls))
    return {
        name: Timing(median(found), (max(found) - min(found)) / median(found))
        for name, found in rounds.items()
    }


class _Stream:
    """The least a call may cost: two arrays are read and one is written."""

    def __init__(self, case: Case, threads: int) -> None:
        self._arrays = case.y_true, case.y_pred, np.empty_like(case.y_pred)
        count = len(case.y_pred)
        ends = [count * k // threads for k in range(threads + 1)]
        self._parts = [slice(*pair) for pair in itertools.pairwise(ends)]
        self._pool = ThreadPoolExecutor(threads)
        self.bytes = case.bytes

    def __call__(self) -> None:
        y, x, out = self._arrays

        def add(part: slice) -> None:
            np.add(y[part], x[part], out=out[part])

        if len(self._parts) == 1:
            add(self._parts[0])
        else:
            list(self._pool.map(add, self._parts))

    def close(self) -> None:
        self._pool.shutdown()


def _thread_counts(most: int) -> list[int]:
    counts = [1]
    while 2 * counts[-1] < most:
        counts.append(2 * counts[-1])
    return counts + [most] * (most > 1)


def _scaling(
    some: Sequence[Case], threads: int, seconds: float
) -> tuple[Scaling, float]:
    """Our calls into a buffer, the limit of the memory, and the largest spread."""
    stream = _Stream(some[0], threads)
    runs: dict[str, Step] = {"": stream}
    for case in some:
        out = np.empty_like(case.y_pred)
        runs[case.title] = _into(case, out)
    with fl.threads(threads):
        for run in runs.values():
            run()
        times = timed(runs, seconds)
    stream.close()
    speed = stream.bytes / times.pop("").seconds / 1e9
    found = {title: one.seconds for title, one in times.items()}
    return Scaling(threads, speed, found), max(one.spread for one in times.values())


def _into(case: Case, out: Array) -> Step:
    return lambda: case.loss.value_and_grad(case.y_true, case.y_pred, out=out)


def measure(
    elements: int = ELEMENTS,
    rows: tuple[int, int] = ROWS,
    seconds: float = SECONDS,
    *,
    compiled: bool = False,
    said: Callable[[str], None] = lambda text: None,
) -> Report:
    """Run everything.

    Parameters
    ----------
    elements, rows : int, tuple of int
        Sizes of the inputs.
    seconds : float
        About how long, beside what libraries need to compile.
    compiled : bool
        Whether torch.compile takes part, which needs a C++ compiler and its time.
    said : callable
        Called with what comes next.
    """
    threads, load = fl.get_num_threads(), _load()
    cores = os.cpu_count() or 1
    report = Report(_cpu(), cores, threads, load)
    some = cases(elements, rows)
    makers = _installed(compiled)
    report.versions = {name: _version(name) for name in makers}
    counts = _thread_counts(threads)
    spreads = []
    for case in some:
        said(case.title)
        runs = {}
        for name, make in makers.items():
            step = make(case, threads)
            if _agrees(case, step):
                runs[name] = step
            else:
                report.notes.append(f"{name}: another value of {case.title}, not timed")
        times = timed(runs, 0.7 * seconds / len(some))
        spreads.append(times[OURS].spread)
        report.losses.append(LossResult(case.title, case.y_pred.shape, times))
    for count in counts:
        said(f"{count} thread{'s' * (count > 1)}")
        found, spread = _scaling(some, count, 0.3 * seconds / len(counts))
        report.scaling.append(found)
        spreads.append(spread)
    limit = report.scaling[-1]
    for case, result in zip(some, report.losses, strict=True):
        least = case.bytes / 1e9 / limit.gigabytes_per_second
        result.share_of_limit = least / limit.seconds[case.title]
    report.spread = max(spreads)
    report.busy = _busy(load, cores, report.spread)
    return report


def _busy(load: float, cores: int, spread: float) -> list[str]:
    """What speaks against the figures."""
    found = []
    if load > BUSY_LOAD * cores:
        found.append(f"load {load:.1f} on {cores} cores before it began")
    if spread > BUSY_SPREAD:
        found.append(f"medians of the same call differ by {spread:.0%}")
    return found


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(CONTENDERS[name][0])


# --- what it says


def as_text(report: Report) -> str:
    """Tables and bars."""
    names = list(report.versions)
    shown = [f"{name} {version}" for name, version in report.versions.items()]
    lines = [
        f"{report.cpu}: {report.cores} cores, {report.threads} threads",
        ", ".join(shown),
    ]
    head = [
        "value and gradient, float32, ms",
        *names,
        "NumPy / fastloss",
        "of the limit",
    ]
    rows = [head]
    for result in report.losses:
        times = [result.times.get(name) for name in names]
        row = [f"{result.loss}, {_shape(result.shape)}"]
        row += ["-" if one is None else f"{1e3 * one.seconds:.1f}" for one in times]
        row += [f"{_ratio(result):.1f}", f"{result.share_of_limit:.0%}"]
        rows.append(row)
    parts = ["\n".join(lines), table(rows), _bars(report)]
    rows = [["into a buffer, ms", *report.scaling[0].seconds, "memory, GB/s"]]
    for one in report.scaling:
        times_of = [f"{1e3 * seconds:.1f}" for seconds in one.seconds.values()]
        rows.append(
            [
                f"{one.threads} thread{'s' * (one.threads > 1)}",
                *times_of,
                f"{one.gigabytes_per_second:.1f}",
            ]
        )
    parts += [table(rows), *report.notes, _verdict(report)]
    return "\n\n".join(parts)


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(f"{n:,}" for n in shape)


def _ratio(result: LossResult) -> float:
    return result.times[NUMPY].seconds / result.times[OURS].seconds


def _bars(report: Report) -> str:
    """How many times the speed of NumPy each has, the longest bar in full."""
    speeds = {
        (result.loss, name): result.times[NUMPY].seconds / one.seconds
        for result in report.losses
        for name, one in result.times.items()
    }
    top, wide = max(speeds.values()), max(len(name) for name in report.versions)
    lines = ["times the speed of NumPy"]
    for (loss, name), speed in speeds.items():
        if name == OURS:
            lines.append(loss)
        bar = "\u2588" * max(1, round(BAR * speed / top))
        lines.append(f"  {name:<{wide}} {bar} {speed:.1f}")
    return "\n".join(lines)


def _verdict(report: Report) -> str:
    if report.busy:
        return (
            f"The machine is busy: {'; '.join(report.busy)}. Do not trust these "
            "figures: run this again when it is idle."
        )
    return (
        f"The machine was idle: load {report.load:.1f} before, medians of the same "
        f"call within {report.spread:.0%}."
    )


def as_json(report: Report) -> str:
    """All of it."""
    return json.dumps(asdict(report), indent=1, ensure_ascii=False)


def draw(report: Report) -> bytes:
    """The bars as a picture, in PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = [name for name in report.versions if name != NUMPY]
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    height = 0.8 / len(names)
    for k, name in enumerate(names):
        found = [
            (place, result.times[NUMPY].seconds / result.times[name].seconds)
            for place, result in enumerate(report.losses)
            if name in result.times
        ]
        places = [place + k * height for place, _ in found]
        bars = axes.barh(places, [speed for _, speed in found], height, label=name)
        axes.bar_label(bars, fmt="%.1f", padding=3)
    middle = 0.4 - height / 2
    titles = [result.loss for result in report.losses]
    axes.set_yticks([k + middle for k in range(len(titles))], titles)
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    busy = ", on a busy machine" if report.busy else ""
    axes.set_xlabel(f"times the speed of NumPy, {report.threads} threads{busy}")
    axes.set_title(report.cpu, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    plt.close(figure)
    return picture.getvalue()


def main(
    seconds: float, compiled: bool, plot: Path | None, json_file: Path | None
) -> None:
    """Measure, print, and write what was asked for."""
    if plot is not None:
        needs("matplotlib", "plot", "pictures are drawn with matplotlib")
    opened = {path: replacing(path) for path in (plot, json_file) if path is not None}
    picture = opened[plot] if plot is not None else nullcontext()
    data = opened[json_file] if json_file is not None else nullcontext()
    with picture as picture_file, data as data_file:
        report = measure(seconds=seconds, compiled=compiled, said=_say)
        if picture_file is not None:
            write(picture_file, draw(report), str(plot))
        if data_file is not None:
            write(data_file, f"{as_json(report)}\n".encode(), str(json_file))
    _show(as_text(report))


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text} ...", end="", file=sys.stderr, flush=True)


def _show(text: str) -> None:
    """Print it, in colours where rich and a terminal are."""
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if not (sys.stdout.isatty() and find_spec("rich")):
        print(text)
        return
    from rich.console import Console
    from rich.text import Text

    shown = Text(text)
    shown.highlight_regex(rf"(?m)^  {OURS} .*$", "bold green")
    shown.highlight_regex(r"(?m)^times the .*$|^.* ms  .*$", "bold")
    shown.highlight_regex(r"(?m)^The machine is busy.*$", "bold red")
    Console(soft_wrap=True).print(shown)
