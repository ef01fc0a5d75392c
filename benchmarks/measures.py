"""What can be read off a cell's result."""

from __future__ import annotations

from typing import Any

# A ratio above this counts as not slower.
NOISE = 0.95
OURS = "fastloss"


def seconds(cell: dict[str, Any], name: str) -> float | None:
    """Median seconds of a contender."""
    time = cell["times"].get(name)
    return time["seconds"] if time else None


def limit(cell: dict[str, Any]) -> float | None:
    """Seconds of the faster streaming loop."""
    times = [time["seconds"] for time in cell["limits"].values()]
    return min(times, default=None)


def best_peer(cell: dict[str, Any]) -> tuple[str, float] | None:
    """The fastest contender but ours."""
    times = {name: t["seconds"] for name, t in cell["times"].items() if name != OURS}
    return min(times.items(), key=lambda item: item[1]) if times else None


def ratio(cell: dict[str, Any]) -> float | None:
    """The best peer's time over ours."""
    best = best_peer(cell)
    return best[1] / cell["times"][OURS]["seconds"] if best else None


def over_limit(cell: dict[str, Any]) -> float | None:
    """Our time over the limit."""
    least = limit(cell)
    return cell["times"][OURS]["seconds"] / least if least else None
