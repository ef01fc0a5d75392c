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
# After that the first calls take up to three times as long, for everybody: all
# contenders run for the same time before they are timed, where that makes a difference.
WARM_SECONDS = 3e-3
NO_WARMING_SECONDS = 0.03
# One that is this much slower than the fastest is measured less often if that would
# take long, and once if a single call does. Three, because the first calls may pay for
# memory that the system has never given out.
SLOW = 5
SLOW_REPETITIONS = 3
LONG_REPETITIONS_SECONDS = 0.5
LONG_SECONDS = 2.0


@dataclass
class Runner:
    """One contender: its rough seconds of a call, calls in a sample, and samples."""

    run: Callable[[], object]
    clock: Callable[[], float] = time.perf_counter
    seconds: float = 0.0
    calls: int = 1
    samples: list[float] = field(default_factory=list)

    def sample(self) -> None:
        """Seconds of one call, from the mean of `calls` of them."""
        time.sleep(SETTLE_SECONDS)
        end = time.perf_counter() + WARM_SECONDS
        while self.seconds < NO_WARMING_SECONDS and time.perf_counter() < end:
            self.run()
        self.samples.append(
            Timer(self.run, timer=self.clock).timeit(self.calls) / self.calls
        )

    def calibrate(self) -> None:
        """Choose `calls` and find the rough seconds of one."""
        seconds = Timer(self.run, timer=self.clock).timeit(1)
        while seconds * self.calls < SAMPLE_SECONDS:
            self.calls = max(2 * self.calls, int(SAMPLE_SECONDS / max(seconds, 1e-9)))
            seconds = Timer(self.run, timer=self.clock).timeit(self.calls) / self.calls
        self.seconds = seconds


@dataclass(frozen=True)
class Time:
    """Median or least seconds of a call; half the distance of the quartiles over it."""

    seconds: float
    spread: float
    samples: int
    least: float


def _time(samples: list[float], *, busy: bool) -> Time:
    ordered = sorted(samples)
    quarter = len(ordered) // 4
    middle = ordered[0] if busy else median(ordered)
    half = (ordered[-1 - quarter] - ordered[quarter]) / 2
    return Time(middle, half / middle, len(ordered), ordered[0])


def race(
    runs: dict[str, Callable[[], object]], repetitions: int, *, busy: bool = False
) -> dict[str, Time]:
    """Time each of `runs`, one repetition of all after the other.

    They have been called before. For a `busy` machine there is the least CPU time,
    which says something about one thread only.
    """
    clock = time.process_time if busy else time.perf_counter
    runners = {name: Runner(run, clock) for name, run in runs.items()}
    for runner in runners.values():
        runner.calibrate()
    fastest = min(runner.seconds for runner in runners.values())
    slow = {
        name
        for name, runner in runners.items()
        if runner.seconds > SLOW * fastest
        and runner.seconds * repetitions > LONG_REPETITIONS_SECONDS
    }
    for _ in range(repetitions):
        for name, runner in runners.items():
            few = 1 if runner.seconds > LONG_SECONDS else SLOW_REPETITIONS
            if name not in slow or len(runner.samples) < few:
                runner.sample()
    return {name: _time(runner.samples, busy=busy) for name, runner in runners.items()}
