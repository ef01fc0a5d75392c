"""The grid of the race: loss x output x dtype x shape x threads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from itertools import product
from typing import Any

# The ten main kernels and their names in tables.
ELEMENTWISE = {
    "mean_squared_error": "MSE",
    "mean_absolute_error": "MAE",
    "huber": "Huber",
    "hinge": "hinge",
    "binary_crossentropy": "BCE",
    "binary_crossentropy_logits": "BCE logits",
}
ROWWISE = {
    "sparse_categorical_crossentropy": "sparse CE",
    "sparse_categorical_crossentropy_logits": "sparse CE logits",
    "categorical_crossentropy": "CE",
    "categorical_crossentropy_logits": "CE logits",
}
TITLES = ELEMENTWISE | ROWWISE

SIZES = ((16,), (1_000,), (30_000,), (1_000_000,), (30_000_000,))
ROW_SHAPES = (
    (65_536, 2),
    (65_536, 10),
    (65_536, 100),
    (8_192, 1_000),
    (1_024, 32_000),
    (512, 128_256),
)

VALUE, INTO, FRESH, HESS = "value", "value+grad into", "value+grad fresh", "grad+hess"
OUTPUTS = (VALUE, INTO, FRESH, HESS)

QUICK_ELEMENTWISE = ("mean_squared_error", "binary_crossentropy_logits")
QUICK_ROWWISE = ("sparse_categorical_crossentropy_logits",)
QUICK_SIZES = ((16,), (1_000_000,), (30_000_000,))
QUICK_ROW_SHAPES = ((65_536, 10), (8_192, 1_000), (1_024, 32_000))


@dataclass(frozen=True)
class Cell:
    """One race."""

    kernel: str
    output: str
    dtype: str
    shape: tuple[int, ...]
    threads: int
    call: str = "plain"

    @property
    def size(self) -> str:
        """Shape as in a table: 1 M, 1000003, or 8192x1000."""
        if len(self.shape) > 1:
            return "x".join(str(n) for n in self.shape)
        (n,) = self.shape
        for unit, name in ((1_000_000, " M"), (1_000, " k")):
            if n >= unit and n % unit == 0:
                return f"{n // unit}{name}"
        return str(n)

    @property
    def key(self) -> str:
        """What `--cells` is matched with, as ``huber/value/float32/16/2``."""
        size = self.size.replace(" ", "")
        return f"{self.kernel}/{self.output}/{self.dtype}/{size}/{self.threads}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"size": self.size}


def grid(
    *, quick: bool, threads: tuple[int, ...], dtypes: tuple[str, ...], pattern: str
) -> list[Cell]:
    """The cells asked for, those of one input next to each other."""
    elementwise = QUICK_ELEMENTWISE if quick else tuple(ELEMENTWISE)
    rowwise = QUICK_ROWWISE if quick else tuple(ROWWISE)
    outputs = (VALUE, INTO) if quick else OUTPUTS
    inputs = [
        *product(elementwise, QUICK_SIZES if quick else SIZES),
        *product(rowwise, QUICK_ROW_SHAPES if quick else ROW_SHAPES),
    ]
    cells = [
        Cell(kernel, output, dtype, shape, n)
        for n in threads
        for dtype in dtypes
        for kernel, shape in inputs
        for output in outputs
    ]
    patterns = [p.strip() for p in pattern.split(",")]
    return [c for c in cells if any(fnmatch(c.key, p) for p in patterns)]
