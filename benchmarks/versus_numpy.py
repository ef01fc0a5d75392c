"""fastloss against NumPy: large arrays, and calls on sixteen elements.

    python benchmarks/versus_numpy.py

Large: value, and value and gradient into `out`, of float32 arrays with two threads,
against `fastloss.reference` as it is called (`cost`, `value_and_grad`) and against its
bare formulas with a mean, which leave out weights and reductions. Small: against
`np.add(a, b, out=c)` on the same arrays. Repetitions are interleaved, figures medians.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import fastloss as fl
from fastloss import reference
from suite.inputs import LOSSES, make
from timing import Time, race

LARGE = {
    "mean_squared_error": (1_000_000,),
    "binary_crossentropy_logits": (1_000_000,),
    "sparse_categorical_crossentropy_logits": (8_192, 1_000),
}
SMALL = (
    "mean_squared_error",
    "mean_absolute_error",
    "huber",
    "hinge",
    "binary_crossentropy",
    "binary_crossentropy_logits",
)


def _formulas(loss: fl.Loss, y: Any, x: Any) -> tuple[Any, Any]:
    """The textbook's value, and value and gradient, of the mean."""
    formula = getattr(reference, type(loss).__name__)
    parameters = reference.parameters(loss)
    samples = np.size(formula.value(y, x, **parameters))

    def value() -> float:
        return float(np.mean(formula.value(y, x, **parameters)))

    def value_and_grad() -> tuple[float, Any]:
        return value(), formula.grad(y, x, **parameters) / samples

    return value, value_and_grad


def large(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Ratios at a million elements and at 8192 rows of 1000 classes."""
    rows = []
    for kernel, shape in LARGE.items():
        loss = LOSSES[kernel]
        y, x = make(kernel, shape, "float32")
        out = np.empty_like(x)
        value, value_and_grad = _formulas(loss, y, x)
        jobs = {
            "value": {
                "fastloss": partial(loss, y, x),
                "reference": partial(reference.cost, loss, y, x),
                "formulas": value,
            },
            "value+grad": {
                "fastloss": partial(loss.value_and_grad, y, x, out=out),
                "reference": partial(reference.value_and_grad, loss, y, x),
                "formulas": value_and_grad,
            },
        }
        for output, contenders in jobs.items():
            for call in contenders.values():
                call()
            times = race(contenders, **options)
            rows.append({"kernel": kernel, "output": output} | _ratios(times))
    return rows


def small(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Calls on sixteen float32 elements, in units of `np.add(a, b, out=c)`."""
    rows = []
    for kernel in SMALL:
        loss = LOSSES[kernel]
        y, x = make(kernel, (16,), "float32")
        out = np.empty_like(x)
        times = race(
            {
                "np.add": partial(np.add, y, x, out=out),
                "value": partial(loss, y, x),
                "value+grad": partial(loss.value_and_grad, y, x, out=out),
                "grad": partial(loss.grad, y, x, out=out),
            },
            **options,
        )
        rows.append({"kernel": kernel} | _ratios(times))
    return rows


def _ratios(times: dict[str, Time]) -> dict[str, Any]:
    """Seconds of the first contender, and the times of the others over it."""
    (_, first), *others = times.items()
    return {"seconds": first.seconds} | {
        name: time.seconds / first.seconds for name, time in others
    }


def plot(report: dict[str, Any], path: Path) -> None:
    """Bars of how many times longer NumPy takes."""
    import matplotlib.pyplot as plt

    rows = report["large"][::-1]
    names = [f"{row['kernel'].replace('_', ' ')}, {row['output']}" for row in rows]
    figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    bars = axes.barh(names, [row["reference"] for row in rows], color="#4878a8")
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlabel("time of NumPy / time of fastloss, float32, two threads")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=25)
    parser.add_argument(
        "--busy",
        action="store_true",
        help="least CPU time with one thread, on a machine that is not idle",
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="a picture, by matplotlib")
    given = parser.parse_args()
    fl.set_num_threads(1 if given.busy else 2)
    options = {"repetitions": given.repetitions, "busy": given.busy}
    report = {"large": large(options), "small": small(options)}
    print("| loss, float32 | output | fastloss | reference | its bare formulas |")
    print("|---|---|---|---|---|")
    for row in report["large"]:
        print(
            f"| {row['kernel']} | {row['output']} | {1e3 * row['seconds']:.3f} ms "
            f"| {row['reference']:.1f} x | {row['formulas']:.1f} x |"
        )
    print("\n| 16 float32 | np.add | value | value_and_grad(out) | grad(out) |")
    print("|---|---|---|---|---|")
    for row in report["small"]:
        print(
            f"| {row['kernel']} | {1e9 * row['seconds']:.0f} ns | {row['value']:.2f} x "
            f"| {row['value+grad']:.2f} x | {row['grad']:.2f} x |"
        )
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    if given.plot:
        plot(report, given.plot)


if __name__ == "__main__":
    main()
