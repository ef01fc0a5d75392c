"""What is said when something is no loss function, or no argument of one."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastloss as fl


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fl.custom(np.hypot), "hypot is a ufunc.*lambda y_true, y_pred"),
        (lambda: fl.custom(fl.mse), "mean_squared_error is a loss already"),
        (lambda: fl.custom(3), "3 is no function of labels and predictions"),
        (lambda: fl.custom(dict), "is no function of labels and predictions"),
        (lambda: fl.custom(max), "the arguments of max are unknown"),
        (lambda: fl.custom(lambda y: y), "must take .y_true, y_pred."),
        (lambda: fl.custom(lambda y, p, out=1: p), "'out' belongs to every loss"),
        (lambda: fl.custom(lambda y, p, cost=1: p), "'cost' belongs to every loss"),
        (lambda: fl.custom(lambda y, p, grad=1: p), "call it grad_"),
        (lambda: fl.custom(lambda y, p, self=1: p), "'self' belongs to every loss"),
        (
            lambda: fl.custom(lambda y, p, sample_weight: p, inputs="sample_weight"),
            "'sample_weight' belongs to every loss",
        ),
        (
            lambda: fl.custom(lambda y, p, reduction: p, inputs="reduction"),
            "'reduction' belongs to every loss",
        ),
        (lambda: fl.custom(lambda y, p, m: p, inputs="m, n"), "a tuple of names"),
        (lambda: fl.custom(lambda y, p, m: p, inputs=3), "a tuple of names"),
        (lambda: fl.custom(lambda y, p, m: p, inputs=("m", "m")), "'m' twice"),
        (lambda: fl.custom(lambda y, p: p, hess=np.ones(3)), "hess is ndarray, a fun"),
        (lambda: fl.custom(lambda y, p: p, grad=1.0), "grad is float, a function"),
        (
            lambda: fl.custom(lambda y, p, k=1.0: p)([0.0], [1.0], k=np.array(2.0)),
            r"shape \(\), parameters are numbers: pass float\(k\)",
        ),
    ],
)
def test_what_is_no_loss(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_one_input_needs_no_tuple() -> None:
    for inputs in ("m", ("m",), ["m"]):
        loss = fl.custom(lambda y, p, m: m * (p - y), inputs=inputs)
        assert loss([0.0], [1.0], m=[3.0]) == 3.0

    class Margin(fl.Loss):
        inputs = "m"  # type: ignore[assignment]

        def call(self, y_true: Any, y_pred: Any, m: Any) -> Any:
            return m * (y_pred - y_true)

    assert Margin()([0.0], [1.0], m=[3.0]) == 3.0


def test_names_of_a_class() -> None:
    for name in ("grad", "out", "cost"):
        space = {
            "__annotations__": {name: "float"},
            name: 1.0,
            "call": lambda s, y, p: p,
        }
        with pytest.raises(TypeError, match=f"Odd: the name '{name}' belongs to every"):
            type("Odd", (fl.Loss,), space)


def test_parameters_of_a_class_are_annotated() -> None:
    with pytest.raises(fl.TraceError, match=r"alpha: float = 0\.5"):

        class Forgotten(fl.Loss):
            def call(self, y_true: Any, y_pred: Any) -> Any:
                return self.alpha * (y_pred - y_true)  # type: ignore[attr-defined]

    class Constant(fl.Loss):
        alpha = 2.0

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return self.alpha * (y_pred - y_true)

    assert Constant()([0.0], [1.0]) == 2.0
    with pytest.raises(TypeError, match="no parameter 'alpha': annotate it"):
        Constant(alpha=3.0)
    with pytest.raises(TypeError, match=r"takes \*alphas.*: name its parameters"):

        class Starred(fl.Loss):
            def __init__(self, *alphas: float) -> None:
                self.alphas = alphas

            def call(self, y_true: Any, y_pred: Any) -> Any:
                return y_pred


# -- functions of other libraries ------------------------------------------------------


def library(name: str, source: str) -> types.ModuleType:
    """Return a stand-in for a library that takes arrays of its own only."""
    module = types.ModuleType(name)
    exec(compile(source, f"{name}.py", "exec"), module.__dict__)
    return module


RAISING = """
def apply(x):
    raise ValueError("this is no array of ours")
"""
CONVERTING = """
import numpy as np
def apply(x):
    return np.asarray(x)
"""
ASKING = """
def apply(x):
    return x.dtype, x.device
"""


@pytest.mark.parametrize("source", [RAISING, CONVERTING, ASKING])
@pytest.mark.parametrize("name", ["jax", "torch", "numba"])
def test_a_function_of_another_library(name: str, source: str) -> None:
    other = library(name, source)
    with pytest.raises(fl.TraceError) as caught:
        fl.custom(lambda y, p: other.apply(y - p))
    what, _, line, remedy = str(caught.value).splitlines()
    assert what == f"a function of {name} is called"
    assert "other.apply(y - p)" in line
    assert "NumPy function of that name" in remedy


def test_an_error_of_c_about_symbols() -> None:
    def strict(x: Any) -> Any:
        raise TypeError("argument 'input' must be Tensor, not Symbol")

    with pytest.raises(fl.TraceError, match=r"not Symbol[\s\S]*the NumPy function"):
        fl.custom(lambda y, p: strict(p))


def test_torch_asks_the_symbol() -> None:
    def absolute(x: Any) -> Any:
        return type(x).__torch_function__(absolute, (type(x),), (x,))

    with pytest.raises(fl.TraceError, match="torch's absolute is called"):
        fl.custom(lambda y, p: absolute(p - y))
    with pytest.raises(fl.TraceError, match="torch's absolute is called"):
        fl.custom(lambda y, p: absolute(np.mean(p - y)))


def test_methods_that_arrays_do_not_have() -> None:
    with pytest.raises(fl.TraceError, match=r"\.relu: arrays of NumPy have no such"):
        fl.custom(lambda y, p: (p - y).relu())


def test_a_loss_within_a_loss() -> None:
    with pytest.raises(fl.TraceError, match=r"fl\.mse\(y, p\)[\s\S]*within the loss"):
        fl.custom(lambda y, p: fl.mse(y, p) + p)


def test_errors_of_the_user_are_the_user_s() -> None:
    def checked(y: Any, p: Any, k: float = 1.0) -> Any:
        if k < 0:
            raise ValueError(f"k = {k} is negative")
        return k * p

    with pytest.raises(ValueError, match=r"^k = -2.0 is negative$"):
        fl.custom(checked)([0.0], [1.0], k=-2.0)
