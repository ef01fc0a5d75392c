"""Runs the tests of other libraries, and says what became of them.

An adapter that has a table ``DIFFERENT``, of patterns of tests and the reasons why
fastloss differs, says so of tests that fail; one that does not fail is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import counting
import numpy as np
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--counts", type=Path, help="a file for the counts, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "default")
    for mark in ("needs_cuda", "thread_unsafe"):
        config.addinivalue_line("markers", f"{mark}: of another library")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if not item.get_closest_marker("needs_cuda")]
    for item in items:
        item.add_marker("external")
        differ: dict[str, str] = getattr(item.module, "DIFFERENT", {})  # type: ignore[attr-defined]
        test = item.nodeid.partition("::")[2]
        for pattern, reason in differ.items():
            if fnmatchcase(test, pattern):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    counting.start()
    np.random.seed(0)  # noqa: NPY002  # some draw what they draw without a seed
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Iterator[Any]:
    report = yield
    reason = getattr(report, "wasxfail", "")
    if report.when == "call" and (reason or not report.skipped):
        counting.add_test(reason, wrong=bool(reason) or report.failed)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = counting.cases
    total = {
        o: sum(n for (_, k), n in counts.items() if k == o) for o in counting.OUTCOMES
    }
    text = ", ".join(f"{n} {outcome}" for outcome, n in total.items())
    terminalreporter.write_line(f"cases: {text}; {counting.others} ask for no loss")
    for (outcome, reason), n in counting.reasons.most_common():
        terminalreporter.write_line(f"  {n} {outcome}: {reason}")
    path = terminalreporter.config.getoption("--counts")
    if path is not None:
        counting.write(path)
