"""Run scikit-learn's own tests with its losses and metrics computed by fastloss.

    python tools/sklearn_suites.py            # every suite
    python tools/sklearn_suites.py _loss glm  # some

A test that fails under `fastloss.sklearn.patch` is run again without it. What fails
only under it must stand, with its reason, in `KNOWN`; what stands there must fail.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Any

KNOWN = Path(__file__).parents[1] / "tests/neighbours/sklearn_differences.toml"
SUITES = {
    "_loss": "sklearn._loss.tests",
    "metrics": "sklearn.metrics.tests",
    "hist_gradient_boosting": "sklearn.ensemble._hist_gradient_boosting.tests",
    "gradient_boosting": "sklearn.ensemble.tests.test_gradient_boosting",
    "linear_model": "sklearn.linear_model.tests",
    "glm": "sklearn.linear_model._glm.tests",
    "calibration": "sklearn.tests.test_calibration",
}
_PLAN = "FASTLOSS_SUITE"


class Watch:
    """Of a run of pytest: what each test came to, and which had fastloss compute.

    Parameters
    ----------
    plan : dict
        Where the ``results`` go, whether ``patched``, and ``only`` these tests.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.outcomes: dict[str, str] = {}
        self.reached = 0
        if plan["patched"]:
            import fastloss.sklearn

            fastloss.sklearn.patch()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave the tests that are asked for."""
        if self.plan["only"]:
            items[:] = [item for item in items if item.nodeid in self.plan["only"]]

    def pytest_runtest_setup(self) -> None:
        """Note what was computed before a test."""
        self.before = self._calls()

    def pytest_runtest_teardown(self) -> None:
        """Count the test if it had something computed."""
        self.reached += self._calls() > self.before

    def _calls(self) -> int:
        if not self.plan["patched"]:
            return 0
        import fastloss.sklearn

        return sum(ours for ours, _ in fastloss.sklearn.report().values())

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the worst of its setup, its call and its end."""
        if report.when == "call" or not report.passed:
            outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
            self.outcomes[report.nodeid] = outcome

    def pytest_sessionfinish(self) -> None:
        """Hand over the results."""
        results = {"outcomes": self.outcomes, "reached": self.reached}
        Path(self.plan["results"]).write_text(json.dumps(results))


def pytest_configure(config: Any) -> None:
    """Watch this run, which `run` started."""
    plan = json.loads(Path(os.environ[_PLAN]).read_text())
    config.pluginmanager.register(Watch(plan))


def _above(module: str) -> str:
    """The folder that names of tests begin at."""
    package = find_spec(module.partition(".")[0])
    assert package is not None
    assert package.origin is not None
    return str(Path(package.origin).parents[1])


def run(
    module: str, *, patched: bool, only: list[str], options: list[str]
) -> dict[str, Any]:
    """Run the tests of a module in a process of its own, from an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        plan, results = Path(folder, "plan.json"), Path(folder, "results.json")
        plan.write_text(
            json.dumps({"results": str(results), "patched": patched, "only": only})
        )
        places = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "--tb=short"),
                *("-c", os.devnull, "--rootdir", _above(module)),
                *("-p", "no:cacheprovider", "--disable-warnings"),
                *("-p", "sklearn_suites", *options, "--pyargs", module),
            ],
            cwd=folder,
            env=os.environ
            | {
                _PLAN: str(plan),
                "PYTHONPATH": os.pathsep.join(filter(None, places)),
                "SCIPY_ARRAY_API": "1",  # or tests of array-API inputs are skipped
            },
            check=False,
        )
        if not results.exists():
            raise SystemExit(f"pytest ended with {done.returncode} before its end")
        found: dict[str, Any] = json.loads(results.read_text())
        return found


def judge(suite: str, options: list[str]) -> bool:
    """Run a suite, say what differs, and whether it is all that is known to."""
    module = SUITES[suite]
    got = run(module, patched=True, only=[], options=options)
    outcomes = got["outcomes"]
    failed = [test for test, outcome in outcomes.items() if outcome == "failed"]
    before: dict[str, str] = {}
    if failed:
        before = run(module, patched=False, only=failed, options=options)["outcomes"]
    differ = [test for test in failed if before[test] != "failed"]
    known = tomllib.loads(KNOWN.read_text()).get(suite, [])
    unknown = [
        test
        for test in differ
        if not any(fnmatchcase(test, "*" + entry["test"]) for entry in known)
    ]
    count = Counter(outcomes.values())
    print(
        f"{suite}: {count['passed'] + count['failed']} run, {got['reached']} of them "
        f"by fastloss; {count['passed']} passed, {len(failed) - len(differ)} failed "
        f"without the patch too, {len(differ)} differ; {count['skipped']} skipped, "
        f"{count['xfailed']} expected to fail"
    )
    for test in unknown:
        print(f"  not known: {test}")
    stale = [
        entry["test"]
        for entry in known
        if not any(fnmatchcase(test, "*" + entry["test"]) for test in differ)
        and any(fnmatchcase(test, "*" + entry["test"]) for test in outcomes)
    ]
    for test in stale:
        print(f"  known, but equal: {test}")
    return not unknown and not stale


def main() -> None:
    """Run the suites that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(SUITES)}")
    parser.add_argument("-k", help="run only tests whose names match, as in pytest")
    chosen = parser.parse_args()
    wrong = set(chosen.suites) - SUITES.keys()
    if wrong:
        parser.error(f"no suite is called {', '.join(sorted(wrong))}")
    options = ["-k", chosen.k] if chosen.k else []
    equal = [judge(suite, options) for suite in chosen.suites or SUITES]
    sys.exit(not all(equal))


if __name__ == "__main__":
    main()
