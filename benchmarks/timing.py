"""Interleaved repetitions and medians."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from timeit import Timer

# A sample lasts at least this long, so that a tick of the clock does not count.
SAMPLE_SECONDS = 2e-3
# The threads of the one before spin for some milliseconds before they sleep.
SETTLE_SECONDS = 0.012
# One that is this much slower than the fastest is measured less often, and once if a
# call takes long. Three, because the first calls may pay for memory that the system has
# never given out.
SLOW = 5
SLOW_REPETITIONS = 3
LONG_SECONDS = 2.0


@dataclass
class Runner:
    """One contender: what it runs, how often in a sample, and its samples."""

    run: Callable[[], object]
    clock: Callable[[], float] = time.perf_counter
    calls: int = 1
    samples: list[float] = field(default_factory=list)

    def sample(self) -> None:
        """Seconds of one call, from the mean of `calls` of them."""
        time.sleep(SETTLE_SECONDS)
        if self.calls > 1:
            self.run()
        self.samples.append(
            Timer(self.run, timer=self.clock).timeit(self.calls) / self.calls
        )

    def calibrate(self) -> float:
        """Choose `calls`, and return the rough seconds of a call."""
        seconds = Timer(self.run, timer=self.clock).timeit(1)
        while seconds * self.calls < SAMPLE_SECONDS:
            self.calls = max(2 * self.calls, int(SAMPLE_SECONDS / max(seconds, 1e-9)))
            seconds = Timer(self.run, timer=self.clock).timeit(self.calls) / self.calls
        return seconds


@dataclass(frozen=True)
class Time:
    """Median or least seconds of a call; half the distance of the quartiles over it."""

    seconds: float
    spread: float
    samples: int


def _time(samples: list[float], *, busy: bool) -> Time:
    ordered = sorted(samples)
    quarter = len(ordered) // 4
    middle = ordered[0] if busy else median(ordered)
    half = (ordered[-1 - quarter] - ordered[quarter]) / 2
    return Time(middle, half / middle, len(ordered))


def race(
    runs: dict[str, Callable[[], object]], repetitions: int, *, busy: bool = False
) -> dict[str, Time]:
    """Time each of `runs`, one repetition of all after the other.

    They have been called before. For a `busy` machine there is the least CPU time,
    which says something about one thread only.
    """
    clock = time.process_time if busy else time.perf_counter
    runners = {name: Runner(run, clock) for name, run in runs.items()}
    rough = {name: runner.calibrate() for name, runner in runners.items()}
    fastest = min(rough.values())

    slow = {name for name in runs if rough[name] > SLOW * fastest}
    for _ in range(repetitions):
        for name, runner in runners.items():
            few = 1 if rough[name] > LONG_SECONDS else SLOW_REPETITIONS
            if name not in slow or len(runner.samples) < few:
                runner.sample()
    return {name: _time(runner.samples, busy=busy) for name, runner in runners.items()}
