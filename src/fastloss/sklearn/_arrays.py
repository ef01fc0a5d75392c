"""Arrays of other libraries, where NumPy can look at their memory."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["as_numpy"]


def as_numpy(array: Any) -> Any:
    """An array of another library as NumPy's, or itself if it is none of this memory.

    Lists and subclasses of NumPy's arrays remain what they are, and so do Dask's, which
    would be computed twice if scikit-learn has to see them after all.
    """
    kind = type(array)
    if (
        isinstance(array, np.ndarray | np.generic)
        or not hasattr(kind, "__array__")
        or hasattr(kind, "__dask_graph__")
    ):
        return array
    try:
        return np.asarray(array)
    except (TypeError, ValueError, RuntimeError):  # of a GPU, with a gradient
        return array
