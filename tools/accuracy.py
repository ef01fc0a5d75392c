"""Write docs/accuracy.md: the worst errors found, in ulps, beside those of others.

    python tools/accuracy.py                  the tables (a few minutes)
    python tools/accuracy.py --every-logit    all 2^32 float32 logits too

The samples and the truth are those of tests/oracle.py. PyTorch and JAX have their
columns if they are installed (``pip install '.[bench]'``).
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import fastloss as fl
from fastloss import reference
from fastloss.core import _bridge

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import oracle
import structured

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/source"))
import special

PAGE = Path(__file__).resolve().parents[1] / "docs/accuracy.md"
Array = np.ndarray
Peer = Callable[[fl.Loss, str, Array, Array], Array | None]

BEGIN, END = "<!-- every logit: begin -->\n", "<!-- every logit: end -->\n"

INTRODUCTION = """# Accuracy

The worst error found for each kernel and output, in ulps of the result's dtype: value /
gradient / Hessian. Made by `tools/accuracy.py`; the tests hold fastloss to its limits
on the same samples (`tests/test_accuracy.py`).

The truth is the textbook formula of `fastloss.reference`, evaluated with {digits32}
decimal digits for float32 and {digits64} for float64, so many that nothing it cancels
matters. The samples cover all exponents down to subnormal numbers, the tails, ties and
both sides of kinks, and for rows of 1 to 1000 classes: confident, tied, far-off and
extreme logits.

Limits: element-wise 2 / 2.5 / 4 in float32 and 3 / 3.5 / 5 in float64, row-wise 4 / 4 /
4.

How errors are counted
- An error of 1e7 (float32) or 1e15 (float64) means that no digit is right; ∞ that the
  result is infinite or NaN where the truth is a finite number, or the other way round.
- Soft labels: where a prediction comes close to a soft label, the gradient is the
  difference of two terms, `(1 - y) sigmoid(x)` and `y sigmoid(-x)`, or on rows
  `(Q - q) p` and `q (1 - p)` with the sum Q of the labels. Its error is counted in ulps
  of the larger term. For hard labels one of the terms is 0, and the error is that of
  the gradient itself. The sum of a row of soft labels may have the rounding error of
  one double.
- Differences `y_pred - y_true`, or of two logits, that are larger than the largest
  number are infinite; such samples are left out.
- Others are given probabilities clipped to [eps, 1 - eps], so that their own
  conventions do not count as errors, and are called as their documentation advises; "-"
  where they have no such function. Second derivatives of rows are left out for them.
  JAX rounds subnormal numbers to 0 on CPUs, hence its errors on simple formulas.
  At a kink another convention counts as an error.
"""


def clipped(loss: fl.Loss, x: Array) -> Array:
    """What the others are given."""
    if oracle.ROWS[loss.kernel].predictions != ("probability",):
        return x
    eps = np.finfo(x.dtype).eps
    return np.clip(x, eps, 1 - eps)


def numpy_peer(loss: fl.Loss, output: str, y: Array, x: Array) -> Array:
    """The formula of the reference in the dtype of `x`."""
    formula = getattr(reference, type(loss).__name__)
    with np.errstate(all="ignore"):
        return np.asarray(getattr(formula, output)(y, x, **oracle.parameters(loss)))


def torch_peer() -> Peer | None:
    """PyTorch's functions and automatic derivatives, if it is installed."""
    try:
        import torch

        from peers.torch import LOSSES
    except ModuleNotFoundError:
        return None

    def calculate(loss: fl.Loss, output: str, y: Array, x: Array) -> Array | None:
        if loss.kernel not in LOSSES or (output == "hess" and x.ndim > 1):
            return None
        logits = torch.tensor(x, requires_grad=True)
        value = LOSSES[loss.kernel](logits, torch.tensor(y), reduction="none")
        if output == "value":
            return value.detach().numpy()
        (grad,) = torch.autograd.grad(value.sum(), logits, create_graph=True)
        if output == "grad":
            return grad.detach().numpy()
        if not grad.requires_grad:
            return np.zeros_like(x)
        return torch.autograd.grad(grad.sum(), logits)[0].numpy(force=True)

    return calculate


def jax_peer() -> Peer | None:
    """The formulas of optax under jax.jit, if JAX is installed."""
    try:
        import jax

        from peers.jax import LOSSES
    except ModuleNotFoundError:
        return None

    def calculate(loss: fl.Loss, output: str, y: Array, x: Array) -> Array | None:
        if loss.kernel not in LOSSES or (output == "hess" and x.ndim > 1):
            return None
        value = LOSSES[loss.kernel]
        if output == "value":
            return np.asarray(jax.jit(value)(x, y))
        grad = jax.grad(lambda x: value(x, y).sum())
        if output == "grad":
            return np.asarray(jax.jit(grad)(x))
        return np.asarray(jax.jit(jax.grad(lambda x: grad(x).sum()))(x))

    return calculate


def shown(error: float | None) -> str:
    """An error as a cell shows it."""
    if error is None:
        return "-"
    if not np.isfinite(error):
        return "∞"
    return (
        f"{error:.2f}"
        if error < 100
        else f"{error:.0e}".replace("e+0", "e").replace("e+", "e")
    )


def cell(loss: fl.Loss, dtype: type, labels: str, calculate: Peer) -> str:
    """Worst errors of the three outputs."""
    errors = []
    for output in oracle.OUTPUTS:
        worst: float | None = None
        batches = oracle.samples(loss.kernel, dtype, labels, oracle.kinks(loss))
        truths = oracle.truths(loss, output, dtype, labels, 1)
        for (y, x), truth in zip(batches, truths, strict=True):
            given = x if calculate is fastloss else clipped(loss, x)
            got = calculate(loss, output, y, given)
            if got is not None:
                worst = max(worst or 0.0, float(truth.error(got).max()))
        errors.append(shown(worst))
    return " / ".join(errors)


def fastloss(loss: fl.Loss, output: str, y: Array, x: Array) -> Array:
    """What the product says."""
    return oracle.calculate(loss, output, y, x)


def tables() -> str:
    """One table for each dtype; a row for each kernel and kind of labels."""
    peers = {"NumPy": numpy_peer, "PyTorch": torch_peer(), "JAX": jax_peer()}
    found = {name: peer for name, peer in peers.items() if peer is not None}
    isas = fl.show_config("dict")["isa_available"]
    text = ""
    for dtype in oracle.DTYPES:
        heads = ["kernel", "labels", *(f"fastloss {isa}" for isa in isas), *found]
        text += f"\n## {np.dtype(dtype).name}\n\n| {' | '.join(heads)} |\n"
        text += "|---" * len(heads) + "|\n"
        for loss in oracle.losses():
            usual = loss == replace(type(loss)(), **switched(loss))
            for labels in oracle.label_kinds(loss.kernel):
                print(np.dtype(dtype).name, oracle.label(loss), labels, flush=True)
                cells = [oracle.label(loss).replace("-", ", "), labels]
                for isa in isas:
                    _bridge.use_isa(isa)
                    cells.append(cell(loss, dtype, labels, fastloss))
                _bridge.use_isa(isas[0])
                for name, peer in found.items():
                    own = usual or name == "NumPy"
                    cells.append(cell(loss, dtype, labels, peer) if own else "")
                text += f"| {' | '.join(cells)} |\n"
    return text


def switched(loss: fl.Loss) -> dict[str, Any]:
    """Its one parameter that names another kernel."""
    named = oracle.parameters(loss)
    return {name: named[name] for name in oracle.SWITCHES if name in named}


def structured_tables() -> str:
    """The errors of losses of several arrays, over all of their parameters."""
    isas = fl.show_config("dict")["isa_available"]
    heads = ["kernel", "dtype", *(f"fastloss {isa}" for isa in isas)]
    text = f"""
## Several predictions, pairs, groups, sequences and regions

In ulps of the largest of the terms that a result adds up (`tests/structured.py`): the
result itself for the values of groups, of regions and of cox without several events at
one time, and for the derivatives of gaussian_nll. Limits: 4, for the gradient of
gaussian_nll 2.5, for the Hessians of tversky and lambdarank 5, of aft 6.

| {" | ".join(heads)} |
{"|---" * len(heads)}|
"""
    for name, case in structured.CASES.items():
        for dtype in oracle.DTYPES:
            cells = [name, np.dtype(dtype).name]
            for isa in isas:
                _bridge.use_isa(isa)
                found = [
                    structured.errors(case, v, dtype, n)
                    for v in case.variants
                    for n in case.sizes
                ]
                worst = [max(errors[o] for errors in found) for o in case.outputs]
                cells.append(" / ".join(f"{error:.2f}" for error in worst))
            _bridge.use_isa(isas[0])
            text += f"| {' | '.join(cells)} |\n"
    return text


def special_table() -> str:
    """The errors of the functions of csrc/math that losses are made of."""
    isas = fl.show_config("dict")["isa_available"]
    heads = [f"{dtype} {isa}" for dtype in special.DTYPES for isa in isas]
    text = f"""
## Special functions

In ulps of the result; for lgamma of negative numbers, whose zeros lie between the
poles, of the change that an ulp of x makes where that is larger. Phi, log_ndtr: the
normal distribution, its logarithm and the slope of that. lgamma of positive numbers and
digamma keep their digits at their zeros, too (`tests/source/special.py`).

| function | {" | ".join(heads)} |
{"|---" * (len(heads) + 1)}|
"""
    for name in special.FUNCTIONS:
        cells = [
            f"{special.errors(name, isa, dtype).max():.2f}"
            for dtype in special.DTYPES.values()
            for isa in isas
        ]
        text += f"| {name} | {' | '.join(cells)} |\n"
    return text


def every_logit() -> str:
    """The errors over all float32 logits, for both hard labels."""
    text = "| path | value | gradient | Hessian |\n|---|---|---|---|\n"
    for isa in fl.show_config("dict")["isa_available"]:
        _bridge.use_isa(isa)
        worst = oracle.worst_on_logits(1)
        cells = [
            f"{w.error:.3f} at y = {w.y_true}, x = {w.y_pred!s}" for w in worst.values()
        ]
        text += f"| {isa} | {' | '.join(cells)} |\n"
    return text


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every-logit", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    before = PAGE.read_text("utf-8") if PAGE.exists() else ""
    last = before.split(BEGIN)[1].split(END)[0] if BEGIN in before else ""
    digits = oracle.DIGITS
    text = INTRODUCTION.format(digits32=digits[np.float32], digits64=digits[np.float64])
    text += tables() + structured_tables() + special_table()
    text += f"""
## Binary crossentropy on every float32 logit

All 2^32 float32 numbers as logits, for the labels 0 and 1, against the stable formula
in double precision (`pytest -m slow tests/test_accuracy.py`).

{BEGIN}{every_logit() if arguments.every_logit else last}{END}"""
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
