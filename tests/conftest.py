"""Fixtures and options shared by all tests."""

from __future__ import annotations

import gc
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

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


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Without a search for garbage, neither now nor later, among all these tests."""
    gc.disable()
    found = yield
    gc.freeze()
    gc.enable()
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as `product` what no two parameters of a test need.

    Of a test with three parameters or more, as loss, dtype and instruction set, the
    usual run has every value of each with every value of each other, in a choice that
    depends on names alone.
    """
    met: dict[str, set[object]] = defaultdict(set)
    for item in sorted(items, key=lambda item: zlib.crc32(item.nodeid.encode())):
        call = getattr(item, "callspec", None)
        if call is None or len(call.params) < 3 or item.get_closest_marker("slow"):
            continue
        values = [(name, id(value)) for name, value in call.params.items()]
        pairs = set(combinations(values, 2))
        test = item.nodeid.partition("[")[0]
        if pairs <= met[test]:
            item.add_marker("product")
        met[test] |= pairs


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One for each core, as xdist has it, but none where tests are named."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else None


def compared(arrays: int) -> None:
    """Count outputs that were found equal to the bit, for the summary."""
    _counts["compared"] += arrays


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["counts"] = dict(_counts)


def pytest_testnodedown(node: Any) -> None:
    _counts.update(getattr(node, "workeroutput", {}).get("counts"))  # or it crashed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _counts["compared"]:
        terminalreporter.write_line(
            f"bit equality: {_counts['compared']} outputs compared on {', '.join(ISAS)}"
        )
