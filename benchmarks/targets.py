"""What the race is to show: each target with the figure of its worst cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from cells import FRESH, HESS, INTO, OUTPUTS, TITLES, VALUE
from measures import NOISE, OURS, best_peer, over_limit, ratio, seconds

Measure = Callable[[dict[str, Any]], float | None]
SPARSE = "sparse_categorical_crossentropy_logits"
LOGITS = "binary_crossentropy_logits"
REGRESSION = ("mean_squared_error", "mean_absolute_error", "huber")
CROSSENTROPIES = tuple(kernel for kernel in TITLES if "categorical" in kernel)
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Target:
    """The cells of some kernels, outputs, sizes and dtypes, with two threads."""

    text: str
    measure: Measure
    least: float | None = None
    most: float | None = None
    kernels: tuple[str, ...] = tuple(TITLES)
    outputs: tuple[str, ...] = OUTPUTS
    sizes: tuple[str, ...] = ("*",)
    dtypes: tuple[str, ...] = DTYPES

    def figures(self, cells: list[dict[str, Any]]) -> list[tuple[float, str]]:
        """Figure and name of every cell that has one, the worst first."""
        found = [
            (figure, f"{TITLES[c['kernel']]} {c['output']} {c['size']} {c['dtype']}")
            for c in cells
            if c["kernel"] in self.kernels
            and c["output"] in self.outputs
            and c["dtype"] in self.dtypes
            and any(fnmatch(c["size"], size) for size in self.sizes)
            and (figure := self.measure(c)) is not None
        ]
        return sorted(found, reverse=self.least is None)

    def row(self, cells: list[dict[str, Any]]) -> str:
        """Target, worst cell, its figure, and how many cells meet the target."""
        figures = self.figures(cells)
        if not figures:
            return f"| {self.text} | not run | | |"
        worst, name = figures[0]
        met = sum(self._meets(figure) for figure, _ in figures)
        return f"| {self.text} | {worst:.2f} | {name} | {met} of {len(figures)} |"

    def _meets(self, figure: float) -> bool:
        return figure >= self.least if self.least is not None else figure <= self.most


def over(name: str) -> Measure:
    """Time of one contender over ours."""

    def measure(cell: dict[str, Any]) -> float | None:
        theirs = seconds(cell, name)
        return theirs / cell["times"][OURS]["seconds"] if theirs else None

    return measure


def gain(cells: list[dict[str, Any]]) -> Measure:
    """Our time with one thread over that with two."""
    single = {
        (c["kernel"], c["output"], c["dtype"], c["size"]): c["times"][OURS]["seconds"]
        for c in cells
        if c["threads"] == 1
    }

    def measure(cell: dict[str, Any]) -> float | None:
        key = (cell["kernel"], cell["output"], cell["dtype"], cell["size"])
        return single[key] / cell["times"][OURS]["seconds"] if key in single else None

    return measure


def _targets(cells: list[dict[str, Any]]) -> list[Target]:
    f32, huge, wide = ("float32",), ("30 M",), ("8192x1000", "1024x32000")
    narrow, both = ("65536x10", "65536x2"), (VALUE, INTO)
    threads = gain(cells)
    return [
        Target(
            "every cell: at least 1.0 x the best peer (0.95 is noise)", ratio, NOISE
        ),
        Target(
            "MSE, MAE, Huber, value and value+grad into, 30 M: at most 1.10 x limit",
            over_limit,
            None,
            1.10,
            REGRESSION,
            both,
            huge,
        ),
        Target(
            "BCE logits value, 30 M f32: at most 1.5 x limit",
            over_limit,
            None,
            1.5,
            (LOGITS,),
            (VALUE,),
            huge,
            f32,
        ),
        Target(
            "BCE logits value+grad, 30 M f32: at most 1.35 x limit",
            over_limit,
            None,
            1.35,
            (LOGITS,),
            (INTO,),
            huge,
            f32,
        ),
        Target(
            "BCE logits value, 30 M f32: at least 3 x the best peer",
            ratio,
            3,
            None,
            (LOGITS,),
            (VALUE,),
            huge,
            f32,
        ),
        Target(
            "BCE logits value+grad, 30 M f32: at least 5 x the best peer",
            ratio,
            5,
            None,
            (LOGITS,),
            (INTO,),
            huge,
            f32,
        ),
        Target(
            "BCE logits value+grad, 1 M f32: at least 5 x sklearn._loss",
            over("sklearn._loss"),
            5,
            None,
            (LOGITS,),
            (INTO,),
            ("1 M",),
            f32,
        ),
        Target(
            "sparse CE logits value+grad, 8192x1000 f32: at least 2 x the best peer",
            ratio,
            2,
            None,
            (SPARSE,),
            (INTO,),
            wide[:1],
            f32,
        ),
        Target(
            "sparse CE logits value+grad, 1024x32000 f32: at least 4 x the best peer",
            ratio,
            4,
            None,
            (SPARSE,),
            (INTO,),
            wide[1:],
            f32,
        ),
        Target(
            "sparse CE logits value, both, f32: at least 1.4 x the best peer",
            ratio,
            1.4,
            None,
            (SPARSE,),
            (VALUE,),
            wide,
            f32,
        ),
        Target(
            "CE 65536x10, 65536x2, value and value+grad: at least 2 x the best peer",
            ratio,
            2,
            None,
            CROSSENTROPIES,
            both,
            narrow,
        ),
        Target(
            "value+grad fresh, 30 M: at least 1.5 x the best peer",
            ratio,
            1.5,
            None,
            tuple(TITLES),
            (FRESH,),
            huge,
        ),
        Target("2 threads against 1: never slower (0.95 is noise)", threads, NOISE),
        Target(
            "2 threads against 1, arithmetic-bound: at least 1.7 x",
            threads,
            1.7,
            None,
            (LOGITS, SPARSE),
            (VALUE, INTO),
            ("1 M", "65536x100", *wide),
        ),
        Target(
            "gradient+Hessian: at least 1.0 x the best peer (0.95 is noise)",
            ratio,
            NOISE,
            None,
            tuple(TITLES),
            (HESS,),
        ),
    ]


def targets(cells: list[dict[str, Any]]) -> str:
    """A Markdown table of the targets, from the cells with two threads."""
    pairs = [cell for cell in cells if cell["threads"] == 2]
    rows = ["| target | worst | cell | met |", "|---|---|---|---|"]
    return "\n".join(rows + [target.row(pairs) for target in _targets(cells)])


def exceptions(cells: list[dict[str, Any]]) -> list[str]:
    """The cells in which a peer is ahead by more than noise, the worst first."""
    lost = [
        (figure, cell)
        for cell in cells
        if (figure := ratio(cell)) is not None and figure < NOISE
    ]
    return [
        f"{TITLES[c['kernel']]}, {c['output']}, {c['size']}, {c['dtype']}, "
        f"threads {c['threads']}: {figure:.2f} ({best_peer(c)[0]})"
        for figure, c in sorted(lost, key=lambda item: item[0])
    ]
