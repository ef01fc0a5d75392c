"""A step of a loss in PyTorch, forward and backward: its own, compiled, and ours.

    python benchmarks/torch_steps.py --threads 2
    python benchmarks/torch_steps.py --busy --only 'cross_entropy*'

The gradient of the input is taken anew in each step. Values and gradients are compared
first; steps are interleaved. `--busy` gives the least CPU time, of one thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812

import fastloss as fl
import fastloss.torch
from report import duration
from timing import race

Tensor = torch.Tensor


class Step(NamedTuple):
    """A loss of PyTorch's, the shape of its input, and how its labels are made."""

    loss: str
    shape: tuple[int, ...]
    labels: Callable[[Tensor], Any]
    options: Mapping[str, Any] = MappingProxyType({})


def classes(x: Tensor) -> Tensor:
    return torch.randint(x.shape[1], x.shape[:1] + x.shape[2:])


def alike(x: Tensor) -> Tensor:
    return torch.randn_like(x)


def unit(x: Tensor) -> Tensor:
    return torch.rand_like(x)


def rows(x: Tensor) -> Tensor:
    return torch.randn_like(x).softmax(1)


M = (1_000_000,)
STEPS = [
    Step("cross_entropy", (64, 10), classes),
    Step("cross_entropy", (256, 1000), classes),
    Step("cross_entropy", (8192, 1000), classes),
    Step("cross_entropy", (1024, 32000), classes),
    Step("cross_entropy", (8, 21, 128, 128), classes),
    Step("cross_entropy", (8192, 1000), classes, {"label_smoothing": 0.1}),
    Step("cross_entropy", (8192, 1000), classes, {"weight": torch.rand(1000)}),
    Step("cross_entropy", (8192, 1000), rows),
    Step("nll_loss", (8192, 1000), classes),
    Step("kl_div", (8192, 1000), rows, {"reduction": "batchmean"}),
    Step("binary_cross_entropy_with_logits", (256, 10), unit),
    Step("binary_cross_entropy_with_logits", M, unit),
    Step(
        "binary_cross_entropy_with_logits",
        (100_000, 10),
        unit,
        {"pos_weight": torch.rand(10) + 1},
    ),
    Step("mse_loss", (256, 10), alike),
    Step("mse_loss", M, alike),
    Step("l1_loss", M, alike),
    Step("huber_loss", M, alike),
    Step("soft_margin_loss", M, lambda x: torch.randn_like(x).sign()),
    Step("multi_margin_loss", (8192, 100), classes),
    Step("triplet_margin_loss", (8192, 128), lambda x: (alike(x), alike(x))),
]


def step(function: Callable[..., Tensor], leaf: Tensor, rest: Any) -> Tensor:
    """Loss and gradient."""
    leaf.grad = None
    value = function(leaf, *rest)
    value.backward()
    return value


def contenders(
    cell: Step, dtype: torch.dtype, compiled: bool
) -> dict[str, Callable[[], Tensor]]:
    """The steps, with equal results."""
    torch.manual_seed(0)
    torch.compiler.reset()
    x = torch.randn(cell.shape).to(dtype)
    labels = cell.labels(x)
    rest = labels if isinstance(labels, tuple) else (labels,)
    if cell.loss == "kl_div":
        x = x.log_softmax(1)
    options = {
        k: v.to(dtype) if isinstance(v, Tensor) else v for k, v in cell.options.items()
    }
    own = partial(getattr(F, cell.loss), **options)
    ours = partial(getattr(fastloss.torch, cell.loss), **options)
    functions = {"PyTorch": own, "fastloss": ours}
    if compiled:
        functions["compiled"] = torch.compile(own, dynamic=False)
        functions["fastloss compiled"] = torch.compile(ours, dynamic=False)
    runs = {}
    for name, function in functions.items():
        leaf = x.clone().requires_grad_()
        runs[name] = partial(step, function, leaf, rest)
        value = runs[name]()
        if name == "PyTorch":
            expected = value, leaf.grad
        torch.testing.assert_close((value, leaf.grad), expected)
    return runs


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--only", default="*")
    parser.add_argument("--eager", action="store_true", help="compile nothing")
    parser.add_argument("--busy", action="store_true", help="least CPU time")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    fl.set_num_threads(options.threads)
    names = ["PyTorch", "compiled", "fastloss", "fastloss compiled"]
    if options.eager:
        names = ["PyTorch", "fastloss"]
    print(
        f"PyTorch {torch.__version__}, {options.dtype}, {options.threads} threads, "
        f"{'least CPU times' if options.busy else 'medians'} of "
        f"{options.repetitions} interleaved repetitions\n"
    )
    print(f"| loss | shape | {' | '.join(names)} | PyTorch takes |")
    print("|---" * (len(names) + 3) + "|")
    for cell in STEPS:
        if not fnmatch(cell.loss, options.only):
            continue
        dtype = getattr(torch, options.dtype)
        runs = contenders(cell, dtype, not options.eager)
        times = race(runs, options.repetitions, busy=options.busy)
        loss = " ".join([cell.loss, *cell.options])
        if cell.labels is rows:
            loss += " of rows"
        least = {name: times[name].seconds for name in names}
        others = [v for name, v in least.items() if "fastloss" not in name]
        written = " | ".join(duration(least[name]) for name in names)
        shape = " x ".join(map(str, cell.shape))
        ratio = min(others) / least["fastloss"]
        print(f"| {loss} | {shape} | {written} | {ratio:.2f} x |", flush=True)


if __name__ == "__main__":
    main()
