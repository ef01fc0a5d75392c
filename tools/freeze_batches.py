"""Freeze what pytorch-metric-learning and PyTorch give for losses of batches.

    python tools/freeze_batches.py

Needs `torch` and `pytorch-metric-learning`. As `tools/freeze.py`, for the losses that
compare the rows of a batch: `tests/data/peers_batches.json` keeps inputs, values,
gradients and the versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_metric_learning import distances, losses
from torch.nn import functional

FILE = Path(__file__).resolve().parent.parent / "tests/data/peers_batches.json"
PML = "pytorch-metric-learning"

draw = np.random.default_rng(7)
CLASSES = np.array([3, -1, 3, 2, 2, 3, 9, -1, 2])
ROWS = draw.normal(size=(9, 4)) + 0.5
KEYS = draw.normal(size=(11, 4)) + 0.5


def case(
    loss: str, library: str, arguments: list[Any], peer: Callable[..., Any], *at: Any
) -> dict[str, Any]:
    """A loss of ours, and what `peer` gives for the matrices `at`."""
    tensors = [torch.tensor(a, requires_grad=True) for a in at]
    value = peer(*tensors)
    value.backward()
    grads = [tensor.grad.tolist() for tensor in tensors]
    return {
        "loss": loss,
        "library": f"{library} {version(library)}",
        "precision": 1e-12,
        "arguments": arguments,
        "value": value.item(),
        "grad": grads[0] if len(grads) == 1 else grads,
    }


def of_classes() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Losses of rows with classes, as pytorch-metric-learning has them."""
    dot = {"distance": distances.DotProductSimilarity(normalize_embeddings=False)}
    for t in (0.07, 0.5):
        yield f"fl.NTXent(temperature={t})", losses.NTXentLoss(temperature=t)
        yield f"fl.SupCon(temperature={t})", losses.SupConLoss(temperature=t)
    shown = "temperature=2.0, similarity='dot'"
    yield f"fl.NTXent({shown})", losses.NTXentLoss(temperature=2.0, **dot)
    yield f"fl.SupCon({shown})", losses.SupConLoss(temperature=2.0, **dot)
    for a, b, base in ((2.0, 50.0, 0.5), (8.0, 4.0, 0.25)):
        theirs = losses.MultiSimilarityLoss(alpha=a, beta=b, base=base)
        yield f"fl.MultiSimilarity(alpha={a}, beta={b}, base={base})", theirs
    for m, gamma in ((0.4, 80.0), (0.25, 4.0)):
        yield f"fl.Circle(m={m}, gamma={gamma})", losses.CircleLoss(m=m, gamma=gamma)


def decoupled(rows: Any) -> Any:
    """Mean of log sum exp of the negatives less the positive, over all pairs."""
    x = functional.normalize(rows)
    z = x @ x.T / 0.5
    classes = torch.tensor(CLASSES)
    same = classes[:, None] == classes
    log = z.masked_fill(same, -torch.inf).logsumexp(1, keepdim=True)
    pairs = same & ~torch.eye(len(z), dtype=torch.bool)
    return (log - z)[pairs].mean()


def ranking(scale: float, cosine: bool) -> Callable[..., Any]:
    """Multiple negatives ranking loss as sentence-transformers writes it."""

    def peer(query: Any, key: Any) -> Any:
        if cosine:
            query, key = functional.normalize(query), functional.normalize(key)
        labels = torch.arange(len(query))
        return functional.cross_entropy(query @ key.T * scale, labels)

    return peer


def cases() -> Iterator[dict[str, Any]]:
    """All of them."""
    arguments = [CLASSES.tolist(), ROWS.tolist()]
    classes = torch.tensor(CLASSES)
    for loss, theirs in of_classes():

        def peer(rows: Any, f: Callable[..., Any] = theirs) -> Any:
            return f(rows, classes)

        yield case(loss, PML, arguments, peer, ROWS)
    loss = "fl.NTXent(temperature=0.5, decoupled=True)"
    yield case(loss, "torch", arguments, decoupled, ROWS)
    for scale, similarity in ((20.0, "cosine"), (0.5, "dot")):
        loss = f"fl.InfoNCE(scale={scale}, similarity={similarity!r})"
        peer = ranking(scale, similarity == "cosine")
        yield case(loss, "torch", [ROWS.tolist(), KEYS.tolist()], peer, ROWS, KEYS)


def main() -> None:
    """Run every case and write the file, a case a line."""
    lines = [json.dumps(frozen) for frozen in cases()]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(f"{len(lines)} cases in {FILE}")


if __name__ == "__main__":
    main()
