"""scikit-learn's tests of its losses and metrics, patched by `fastloss.sklearn`."""

from __future__ import annotations

import counting

import fastloss.sklearn
from fastloss.sklearn import _journal


def _ran(name: str) -> None:
    counting.here.append(name.partition(".")[0])


def _fell_back(name: str, reason: object) -> None:
    counting.there.append((name.partition(".")[0], str(reason)))


# What the patch says of every loss, method of a loss, and metric that is called.
_journal.ran, _journal.fell_back = _ran, _fell_back
fastloss.sklearn.patch()

from sklearn._loss.tests.test_loss import *
from sklearn.conftest import global_dtype, pytest_generate_tests
from sklearn.metrics.tests.test_classification import *
from sklearn.metrics.tests.test_common import *
from sklearn.metrics.tests.test_regression import *
