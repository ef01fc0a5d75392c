"""The limit: a hand-written loop in C that reads and writes what a loss does."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE = Path(__file__).with_name("streaming.c")


@cache
def _library() -> ctypes.CDLL:
    folder = tempfile.mkdtemp(prefix="fastloss-streaming-")
    library = Path(folder) / "streaming.so"
    flags = ["-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, str(SOURCE), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def aligned(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """An empty array that starts at a multiple of 64 bytes."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = np.empty(size + 64, dtype=np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + size].view(dtype).reshape(shape)


def streams(
    reads: list[NDArray[Any]], writes: list[NDArray[Any]], threads: int
) -> dict[str, Callable[[], object]]:
    """The loops over these arrays: plain stores, and stores past the caches.

    Arrays are of one size in bytes; a rest of less than 128 bytes is left out.
    """
    words = min(array.nbytes for array in reads + writes) // 128 * 16
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in reads]
    pointers += [ctypes.c_void_p()] * (2 - len(reads))
    pointers += [ctypes.c_void_p(a.ctypes.data) for a in writes]
    pointers += [ctypes.c_void_p()] * (2 - len(writes))
    kinds = {"plain": 0, "nontemporal": 1} if writes else {"plain": 0}
    return {
        name: partial(
            _library().stream,
            len(reads),
            len(writes),
            nt,
            threads,
            ctypes.c_int64(words),
            *pointers,
        )
        for name, nt in kinds.items()
    }
