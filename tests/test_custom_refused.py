"""Programs that cannot be compiled are refused with their line and a remedy."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastloss as fl

WEIGHTS = np.array([1.0, 2.0, 3.0])


def branch_on_data(y, p):
    if p > y:
        return p - y
    return y - p


def chained_comparison(y, p):
    return np.where(0 < p < 1, p, y)


def loop_until_convergence(y, p):
    x = p
    while np.abs(x - y) > 1e-6:
        x = 0.5 * (x + y)
    return x


def loop_until_all_converge(y, p):
    x = p
    while np.any(np.abs(x - y) > 1e-6):
        x = 0.5 * (x + y)
    return x


def loop_over_samples(y, p):
    return sum((a - b) ** 2 for a, b in zip(y, p, strict=True))


def masked_assignment(y, p):
    p[p < 0] = 0
    return y - p


def in_place_arithmetic(y, p):
    p -= y
    return p


def in_place_view(y, x):
    largest = np.max(x, axis=-1)
    column = largest[:, None]
    largest -= 1
    return np.sum(x - column, axis=-1) + largest + y


def in_place_integers(y, x):
    far = np.arange(x.shape[-1]) - y[:, None]
    far[far < 0] = 0.5
    return np.sum(far * x, axis=-1)


def output_argument(y, p):
    return np.square(y - p, out=p)


def reduction_in_the_middle(y, p):
    return (y - p) ** 2 / np.sum(y**2)


def method_in_the_middle(y, p):
    return ((y - y.mean()) * p) ** 2


def mean_over_an_axis(y, p):
    return np.mean((y - p) ** 2, axis=0)


def maximum_over_samples(y, p):
    return p - np.max(p)


def indexing(y, p):
    return (p[1:] - p[:-1]) ** 2


def scalar_function(y, p):
    return math.exp(p) - y * p


def unknown_ufunc(y, p):
    return np.arccosh(y - p)


def unknown_function(y, p):
    return np.linalg.norm(y - p)


def conversion(y, p):
    return (np.asarray(y) - p) ** 2


def captured_array(y, p):
    return WEIGHTS * (y - p) ** 2


def inverted_labels(y, p):
    return np.where(~y, p, -p)


def matrix_product(y, p):
    return y @ p


def length(y, p):
    return np.ones(len(y))


def dtype_of_array(y, p):
    return p + np.finfo(p.dtype).eps


def reshaped(y, p):
    return (y.reshape(-1) - p) ** 2


def running_sum(y, p):
    return np.cumsum(y - p)


def nothing(y, p):
    np.square(y - p)


# function, its offending line, part of the remedy
REFUSED: list[tuple[Callable[..., Any], str, str]] = [
    (branch_on_data, "if p > y:", "np.where(condition, a, b)"),
    (chained_comparison, "return np.where(0 < p < 1, p, y)", "np.where(condition"),
    (loop_until_convergence, "while np.abs(x - y) > 1e-6:", "np.where(condition"),
    (loop_until_all_converge, "while np.any(np.abs(x - y) > 1e-6):", "np.where("),
    (loop_over_samples, "return sum((a - b)", "drop the loop"),
    (masked_assignment, "p[p < 0] = 0", "np.where(condition, value, array)"),
    (in_place_arithmetic, "p -= y", "write r = r + ..."),
    (in_place_view, "largest -= 1", "write r = r + ..."),
    (in_place_integers, "far[far < 0] = 0.5", "write np.where"),
    (output_argument, "return np.square(y - p, out=p)", "write r = r + ..."),
    (reduction_in_the_middle, "/ np.sum(y**2)", "as the np.mean of it all"),
    (method_in_the_middle, "(y - y.mean())", "pass it as a parameter"),
    (mean_over_an_axis, "axis=0)", 'reduction="none" gives the values per sample'),
    (maximum_over_samples, "return p - np.max(p)", "compute it outside"),
    (indexing, "return (p[1:] - p[:-1]) ** 2", "further arrays can be named inputs"),
    (scalar_function, "return math.exp(p) - y * p", "NumPy's or fl.math's function"),
    (unknown_ufunc, "return np.arccosh(y - p)", "write arccosh with the functions"),
    (unknown_function, "return np.linalg.norm(y - p)", "np.sum(r**2)"),
    (conversion, "return (np.asarray(y) - p) ** 2", "leave out np.asarray"),
    (captured_array, "return WEIGHTS * (y - p) ** 2", 'inputs=("name",)'),
    (inverted_labels, "return np.where(~y, p, -p)", "write 1 - y_true"),
    (matrix_product, "return y @ p", "np.sum(a * b)"),
    (length, "np.ones(len(y))", "np.ones_like(y_pred)"),
    (dtype_of_array, "np.finfo(p.dtype).eps", "as eps=1e-7"),
    (reshaped, "(y.reshape(-1) - p)", "leave it out"),
    (running_sum, "return np.cumsum(y - p)", "compute it outside"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[0].__name__)
def test_message_names_line_and_remedy(case: Any) -> None:
    function, line, remedy = case
    with pytest.raises(fl.TraceError) as caught:
        fl.custom(function)
    message = str(caught.value)
    lines, first = inspect.getsourcelines(function)
    number = next(first + i for i, text in enumerate(lines) if line in text)
    assert f"line {number}, in " in message
    assert line in message.splitlines()[2]
    assert remedy in message.splitlines()[3]


def test_a_helper_is_shown_where_it_stops() -> None:
    def helper(r: Any) -> Any:
        return r if r > 0 else -r

    with pytest.raises(fl.TraceError, match=r"in helper\n.*return r if r > 0"):
        fl.custom(lambda y, p: helper(y - p))


def test_the_class_form_is_refused_when_it_is_defined() -> None:
    with pytest.raises(fl.TraceError, match="if y_pred > 0:"):

        class Branching(fl.Loss):
            def call(self, y_true: Any, y_pred: Any) -> Any:
                if y_pred > 0:
                    return y_pred
                return -y_pred


def test_a_loss_must_return_something() -> None:
    with pytest.raises(fl.TraceError, match="returned nothing"):
        fl.custom(nothing)


def test_value_without_derivative() -> None:
    loss = fl.custom(lambda y, p: fl.math.digamma(p))
    assert loss([0.0], [1.0]) == pytest.approx(-np.euler_gamma, rel=1e-15)
    assert loss.grad([0.0], [1.0])[0] == pytest.approx(np.pi**2 / 6, rel=1e-15)
    with pytest.raises(fl.TraceError, match="trigamma of y_pred has no derivative"):
        loss.grad_and_hess([0.0], [1.0])
    labels = fl.custom(lambda y, p: fl.math.lgamma(y + 1) + np.exp(p) - y * p)
    assert labels.grad([2.0], [0.0]).tolist() == [-1]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda y, p, alpha: alpha * p, "give the parameter 'alpha' a default"),
        (lambda y: y, "must take"),
        (lambda y, p, **options: p, "name its parameters one by one"),
        (lambda y, p, reduction="mean": p, "belongs to every loss"),
    ],
)
def test_signatures(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        fl.custom(function)
    with pytest.raises(TypeError, match="which inputs names"):
        fl.custom(lambda y, p: p, inputs=("margin",))
