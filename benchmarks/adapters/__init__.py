"""One adapter per contender: how its documentation advises to do the job of a cell."""

from __future__ import annotations

from importlib import import_module

from adapters.base import Data, Job, Peer

__all__ = ["PEERS", "Data", "Job", "Peer", "load"]

# Order of the columns; the module and the class of each contender.
PEERS = {
    "fastloss": ("ours", "Fastloss"),
    "NumPy": ("reference", "Reference"),
    "torch": ("torch_cpu", "Eager"),
    "torch.compile": ("torch_cpu", "Compiled"),
    "JAX": ("jax_cpu", "Jax"),
    "numba": ("numba_cpu", "Numba"),
    "numexpr": ("numexpr_cpu", "Numexpr"),
    "sklearn.metrics": ("sklearn_cpu", "Metrics"),
    "sklearn._loss": ("sklearn_cpu", "Kernels"),
}
OPTIONAL = ("torch", "jax", "numba", "numexpr", "sklearn")


def load(name: str, threads: int) -> Peer | None:
    """The contender of that name, or None if its library is not installed."""
    module, adapter = PEERS[name]
    try:
        peer: Peer = getattr(import_module(f"adapters.{module}"), adapter)(threads)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        return None
    return peer
