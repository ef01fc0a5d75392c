"""Parameters mean what was passed, whatever was passed before, or are refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_threads import python

import fastloss as fl

Y, P = np.array([0.0]), np.array([2.0])
ROWS = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])


class Series:
    """As much of a pandas Series as class weights ask for."""

    def __init__(self, index: list[Any], values: list[float]) -> None:
        self.index = index
        self.values = values

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)

    def to_dict(self) -> dict[Any, float]:
        return dict(zip(self.index, self.values, strict=True))


@pytest.mark.parametrize("first", [0, 1])
def test_equal_values_of_other_kinds_are_told_apart(first: int) -> None:
    def loss(y: Any, p: Any, *, mode: Any = None) -> Any:
        return np.log(1 + (p - y) ** 2) if mode is True else (p - y) ** 2

    custom = fl.custom(loss)
    calls = [(True, np.log(5.0)), (1, 4.0), (np.True_, 4.0)]
    for mode, expected in calls[first:] + calls[:first]:
        assert custom(Y, P, mode=mode) == pytest.approx(expected, rel=1e-15)
    one, true = custom._with({"mode": 1}), custom._with({"mode": True})
    assert one != true
    for of_one, of_true in [("sum", "sum"), ("none", "none")]:
        assert one(Y, P, reduction=of_one) == 4.0
        assert true(Y, P, reduction=of_true) != 4.0


@pytest.mark.parametrize("first", [0, 1])
def test_zeros_of_both_signs_are_told_apart(first: int) -> None:
    def inverse(y: Any, p: Any, *, a: float = 0.5) -> Any:
        return (p - y) / a

    def steered(y: Any, p: Any, *, a: float = 0.5) -> Any:
        return p - y if np.copysign(1.0, float(a)) > 0 else y - p

    for function, size in [(inverse, np.inf), (steered, 2.0)]:
        custom = fl.custom(function)
        for a in [(0.0, -0.0), (-0.0, 0.0)][first]:
            assert custom(Y, P, a=a) == np.copysign(size, a)
            with_a = custom._with({"a": a})
            assert with_a(Y, P, reduction="sum") == np.copysign(size, a)


@pytest.mark.parametrize("wrap", [lambda x: (x,), lambda x: ("a", (x, None))])
def test_nested_static_values_are_told_apart(wrap: Any) -> None:
    def loss(y: Any, p: Any, *, mode: Any = None) -> Any:
        return 3 * (p - y) if "True" in repr(mode) else p - y

    custom = fl.custom(loss)
    assert custom(Y, P, mode=wrap(1)) == 2
    assert custom(Y, P, mode=wrap(True)) == 6
    assert custom(Y, P, mode=wrap(1)) == 2
    assert custom(Y, P, mode=frozenset([1])) == 2
    assert custom(Y, P, mode=frozenset([True])) == 6


def test_what_was_called_before_does_not_matter() -> None:
    for valid, wrong in [
        ({"delta": 1.0}, {"delta": True}),
        ({"delta": 1}, {"delta": True}),
    ]:
        fl.huber(Y, P, **valid)
        with pytest.raises(TypeError, match="delta = True is not a number"):
            fl.huber(Y, P, **wrong)
    fl.bce([1.0], [0.5], from_logits=True)
    with pytest.raises(TypeError, match="from_logits = 1 is neither"):
        fl.bce([1.0], [0.5], from_logits=1)
    fl.scce([0], ROWS[:1], ignore_class=1)
    for wrong_class in (True, 1.0, np.timedelta64(1, "s")):
        with pytest.raises(TypeError, match=r"ignore_class = .* is not an integer"):
            fl.scce([0], ROWS[:1], ignore_class=wrong_class)
    with pytest.raises(TypeError, match="no parameter 'delt'"):
        fl.huber(Y, P, delt=1.0)


def test_losses_are_equal_as_their_validated_parameters_are() -> None:
    assert fl.Huber(delta=1) == fl.Huber(delta=1.0) == fl.Huber(delta=np.float32(1))
    assert hash(fl.Huber(delta=1)) == hash(fl.Huber(delta=1.0))
    assert fl.Huber(delta=2) != fl.Huber()
    assert fl.MeanSquaredError() != fl.MeanAbsoluteError()
    zero, minus = (fl.BinaryCrossentropy(eps=z, pos_weight=z) for z in (0.0, -0.0))
    assert zero == minus
    assert repr(zero) == repr(minus)
    assert fl.huber != "huber"


def test_variants_are_forgotten_in_time() -> None:
    values = [fl.huber(Y, P, delta=1 + k / 4096) for k in range(3000)]
    assert values == [fl.huber(Y, P, delta=1 + k / 4096) for k in range(3000)]


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("delta", 10**400, ValueError, r"delta = an integer of 1329 bits is not a num"),
        ("delta", -(10**400), ValueError, r"delta = an integer of 1329 bits"),
        ("delta", 10**5000, ValueError, r"delta = an integer of 16610 bits"),
        (
            "delta",
            np.complex128(1 + 2j),
            TypeError,
            r"delta = .*1\+2j.* is not a number",
        ),
        ("delta", np.complex64(1), TypeError, r"delta = .* is not a number"),
        ("delta", 1j, TypeError, r"delta = 1j is not a number"),
        ("delta", np.timedelta64(1, "s"), TypeError, r"delta = .* is not a number"),
        ("delta", np.True_, TypeError, r"delta = .*True.* is not a number"),
    ],
    ids=range(8),
)
def test_refused_numbers(name: str, value: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        fl.Huber(**{name: value})


def test_numbers_of_every_kind() -> None:
    for one in (1, 1.0, np.int8(1), np.uint64(1), np.float32(1), np.longdouble(1)):
        assert fl.Huber(delta=one) == fl.Huber()


def test_class_weights_of_a_series_follow_its_index() -> None:
    series = Series([2, 0, 1], [3.0, 1.0, 2.0])
    expected = (np.log(1 / 0.7) + 2 * np.log(1 / 0.8) + 3 * np.log(1 / 0.6)) / 6
    for given in (series, series.to_dict(), {2: 3.0, 1: 2.0}, [1, 2, 3]):
        got = fl.scce([0, 1, 2], ROWS, class_weight=given)
        assert got == pytest.approx(expected, rel=1e-15)
    with pytest.raises(ValueError, match="class_weight names class 1 twice"):
        fl.scce([0], ROWS[:1], class_weight=Series([1, 1], [1.0, 2.0]))
    pairs = fl.CategoricalCrossentropy(class_weight=((2, 3.0), (0, 1.0)))
    assert pairs == fl.CategoricalCrossentropy(class_weight={0: 1, 2: 3})
    plain = fl.CategoricalCrossentropy()
    assert fl.CategoricalCrossentropy(class_weight={}) == plain


@pytest.mark.parametrize(
    "method", ["__call__", "grad", "value_and_grad", "grad_and_hess"]
)
def test_weights_of_some_classes_are_those_of_a_list(method: str) -> None:
    """Whatever number of classes came before."""
    some = fl.SparseCategoricalCrossentropy(class_weight={1: 2.5, 2: 0.25})
    for classes in (3, 5, 4, 3):
        y = np.arange(classes)
        x = np.random.default_rng(classes).dirichlet(np.ones(classes), classes)
        listed = (1, 2.5, 0.25, 1, 1)[:classes]
        whole = fl.SparseCategoricalCrossentropy(class_weight=listed)
        for weight in (None, y + 1.0):
            results = [
                getattr(loss, method)(y, given, sample_weight=weight)
                for loss, given in ((some, x), (whole, x), (some, x.tolist()))
            ]
            for other in results[1:]:
                if type(other) is not tuple:
                    np.testing.assert_array_equal(results[0], other)
                    continue
                for one, same in zip(results[0], other, strict=True):
                    np.testing.assert_array_equal(one, same)
    with pytest.raises(ValueError, match=r"names class 2, which is not in \[0, 2\)"):
        getattr(some, method)([0, 1], np.full((2, 2), 0.5))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            {0: 1, "a": 2},
            TypeError,
            r"class_weight names the class 'a': classes are int",
        ),
        ({True: 2.0}, TypeError, r"class_weight names the class True"),
        ({0.5: 2.0}, TypeError, r"class_weight names the class 0\.5"),
        ({0: "b"}, TypeError, r"class_weight of class 0 = 'b' is not a number"),
        ({0: -1.0}, ValueError, r"class_weight of class 0 = -1\.0"),
        ({2**70: 1.0}, ValueError, r"class of class_weight = .*64 bits"),
        ({1.0, 2.0, 3.0}, TypeError, r"class_weight = .* is neither .*order"),
        (frozenset([1.0]), TypeError, r"class_weight = .* is neither .*order"),
        ({0: 1.0}.keys(), TypeError, r"class_weight = .* is neither .*order"),
        ("abc", TypeError, r"class_weight = 'abc' is neither"),
        (b"abc", TypeError, r"class_weight = b'abc' is neither"),
        (2.0, TypeError, r"class_weight = 2\.0 is neither"),
        (np.array([1 + 1j]), TypeError, r"class_weight\[0\] = .* is not a number"),
    ],
)
def test_refused_class_weights(value: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        fl.SparseCategoricalCrossentropy(class_weight=value)


@pytest.mark.parametrize("n", [2**31, 2**40])
def test_more_threads_than_a_c_integer(n: int) -> None:
    before = fl.get_num_threads()
    with pytest.raises(ValueError, match=f"n = {n} is not a number.*1 to 2147483647"):
        fl.set_num_threads(n)
    with pytest.raises(ValueError, match=f"n = {n} is not"), fl.threads(n):
        pass
    assert fl.get_num_threads() == before
    with fl.threads(2**31 - 1):
        x = np.zeros(100_000)
        assert fl.mse(x, x, sample_weight=x + 1) == 0.0


def test_threads_of_the_environment() -> None:
    code = "import fastloss as fl; print(fl.get_num_threads())"
    assert python(code, FASTLOSS_NUM_THREADS="").stdout == python(code).stdout != ""
    assert python(code, FASTLOSS_NUM_THREADS=" 3 ").stdout == "3\n"
    for wrong in ("99999999999", "²", "0", "-1", "many", "1.5", "9" * 5000):
        run = python(code, FASTLOSS_NUM_THREADS=wrong)
        assert "ImportError: FASTLOSS_NUM_THREADS='" in run.stderr
        assert "is not a number of threads: use 1 to 2147483647" in run.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("log_loss", "'binary_crossentropy'.*'sparse_cat.*'categorical_crossentropy'"),
        ("LogLoss", "'binary_crossentropy'"),
        ("KLDivLoss", r"fl\.KLDivergence\(log_input=True\).*'batchmean'"),
        ("multilabel_margin_loss", "of rows of 0 and 1, not of lists"),
        ("rmse", "square root of 'mean_squared_error'"),
        ("rmsle", "square root of 'mean_squared_logarithmic_error'"),
        ("hubert", "did you mean huber"),
        ("mean_sqared_error", "did you mean mean_squared_error"),
        ("BinaryCrossentropi", "did you mean binary_crossentropy,"),
        ("ctc", "known: mean_squared_error, .*fl.custom"),
    ],
)
def test_names_of_other_losses_have_no_false_friends(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"no loss is called '{name}'.*{message}"):
        fl.get(name)


def test_the_command_line_says_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", Y)
    command = [sys.executable, "-m", "fastloss", "eval", "--loss", "log_loss"]
    run = subprocess.run(
        [*command, "y.npy", "y.npy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert "'binary_crossentropy' for a vector of probabilities" in run.stderr
