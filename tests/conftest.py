"""Fixtures and options shared by all tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

import fastloss as fl
from fastloss.core import _bridge

ISAS = tuple(fl.show_config("dict")["isa_available"])

settings.register_profile("fastloss", deadline=None, derandomize=True)
settings.load_profile("fastloss")

_counts: Counter[str] = Counter()


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test once on each instruction set that this machine has."""
    before = _bridge.isa()
    _bridge.use_isa(request.param)
    yield request.param
    _bridge.use_isa(before)


def compared(arrays: int) -> None:
    """Count outputs that were found equal to the bit, for the summary."""
    _counts["compared"] += arrays


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _counts["compared"]:
        terminalreporter.write_line(
            f"bit equality: {_counts['compared']} outputs compared on {', '.join(ISAS)}"
        )
