"""A module per library: the job of a cell as its manual advises.

The formulas of torch, JAX and numba are those of `fastloss.app.peers`, which `fastloss
bench` runs too; no other module writes one in the words of another library.
"""

from __future__ import annotations

from importlib import import_module

from peers.base import Data, Job, Peer

__all__ = ["PEERS", "Data", "Job", "Peer", "load"]

# Order of the columns; the module and the class of each contender.
PEERS = {
    "fastloss": ("fastloss", "Fastloss"),
    "NumPy": ("numpy", "Reference"),
    "torch": ("torch", "Eager"),
    "torch.compile": ("torch", "Compiled"),
    "JAX": ("jax", "Jax"),
    "numba": ("numba", "Numba"),
    "numexpr": ("numexpr", "Numexpr"),
    "sklearn.metrics": ("sklearn", "Metrics"),
    "sklearn._loss": ("sklearn", "Kernels"),
}
OPTIONAL = ("torch", "jax", "numba", "numexpr", "sklearn")


def load(name: str, threads: int) -> Peer | None:
    """The contender of that name, or None if its library is not installed."""
    module, contender = PEERS[name]
    try:
        peer: Peer = getattr(import_module(f"peers.{module}"), contender)(threads)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        return None
    return peer
