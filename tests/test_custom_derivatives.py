"""Random expressions: derivatives against 50-digit jets, bits over threads and ISAs."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest
from conftest import ISAS, compared
from hypothesis import given, settings
from hypothesis import strategies as st

import fastloss as fl
from fastloss._custom import numbers
from fastloss._custom.derive import PREDICTION, derivative
from fastloss._custom.graph import OPERATIONS, Node, const, node, walk
from fastloss.core import _bridge

EXPRESSIONS = 300
context = mpmath.mp.clone()
context.dps = 50
mpf = context.mpf


@dataclass
class Jet:
    """Value, first and second derivative with respect to y_pred."""

    v: Any
    d: Any
    dd: Any

    def through(self, f: Any, df: Any, ddf: Any) -> Jet:
        """f(self) by the chain rule."""
        return Jet(f, df * self.d, ddf * self.d**2 + df * self.dd)


def constant(x: Any) -> Jet:
    return Jet(mpf(x), mpf(0), mpf(0))


def j_add(a: Jet, b: Jet) -> Jet:
    return Jet(a.v + b.v, a.d + b.d, a.dd + b.dd)


def j_sub(a: Jet, b: Jet) -> Jet:
    return Jet(a.v - b.v, a.d - b.d, a.dd - b.dd)


def j_mul(a: Jet, b: Jet) -> Jet:
    return Jet(
        a.v * b.v, a.d * b.v + a.v * b.d, a.dd * b.v + 2 * a.d * b.d + a.v * b.dd
    )


def j_inverse(a: Jet) -> Jet:
    return a.through(1 / a.v, -1 / a.v**2, 2 / a.v**3)


def j_log(a: Jet) -> Jet:
    return a.through(context.log(a.v), 1 / a.v, -1 / a.v**2)


def j_exp(a: Jet) -> Jet:
    e = context.exp(a.v)
    return a.through(e, e, e)


def j_sqrt(a: Jet) -> Jet:
    s = context.sqrt(a.v)
    return a.through(s, 1 / (2 * s), -1 / (4 * s**3))


def j_tanh(a: Jet) -> Jet:
    t = context.tanh(a.v)
    return a.through(t, 1 - t**2, -2 * t * (1 - t**2))


def j_sigmoid(a: Jet) -> Jet:
    s = 1 / (1 + context.exp(-a.v))
    return a.through(s, s * (1 - s), s * (1 - s) * (1 - 2 * s))


def j_softplus(a: Jet) -> Jet:
    s = 1 / (1 + context.exp(-a.v))
    return a.through(context.log1p(context.exp(a.v)), s, s * (1 - s))


def j_sin(a: Jet) -> Jet:
    s, c = context.sin(a.v), context.cos(a.v)
    return a.through(s, c, -s)


def j_cos(a: Jet) -> Jet:
    s, c = context.sin(a.v), context.cos(a.v)
    return a.through(c, -s, -c)


def j_arctan(a: Jet) -> Jet:
    q = 1 + a.v**2
    return a.through(context.atan(a.v), 1 / q, -2 * a.v / q**2)


def j_erf(a: Jet) -> Jet:
    g = 2 / context.sqrt(context.pi) * context.exp(-(a.v**2))
    return a.through(context.erf(a.v), g, -2 * a.v * g)


def j_cbrt(a: Jet) -> Jet:
    c = context.sign(a.v) * context.cbrt(abs(a.v))
    return a.through(c, 1 / (3 * c**2), -2 / (9 * c**5))


def j_abs(a: Jet) -> Jet:
    s = context.sign(a.v)
    return a.through(abs(a.v), s, mpf(0))


def j_cube(a: Jet) -> Jet:
    return a.through(a.v**3, 3 * a.v**2, 6 * a.v)


def j_where(a: Jet, b: Jet) -> Jet:
    return a if a.v > b.v else j_sin(b)


def j_max(a: Jet, b: Jet) -> Jet:
    return a if a.v > b.v else b


def j_hypot(a: Jet, b: Jet) -> Jet:
    one = constant(1)
    return j_sqrt(j_add(one, j_add(j_mul(a, a), j_mul(b, b))))


def j_logaddexp(a: Jet, b: Jet) -> Jet:
    return j_add(a, j_softplus(j_sub(b, a)))


def one_plus_square(x: Any) -> Any:
    return 1 + x**2


def j_one_plus_square(a: Jet) -> Jet:
    return j_add(constant(1), j_mul(a, a))


Rule = tuple[str, Callable[..., Any], Callable[..., Jet]]
UNARY: list[Rule] = [
    ("exp(tanh)", lambda x: np.exp(np.tanh(x)), lambda a: j_exp(j_tanh(a))),
    ("tanh", np.tanh, j_tanh),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), j_sigmoid),
    ("softplus", lambda x: np.log(1 + np.exp(x)), j_softplus),
    ("sin", np.sin, j_sin),
    ("cos", np.cos, j_cos),
    ("arctan", np.arctan, j_arctan),
    ("erf", fl.math.erf, j_erf),
    ("abs", np.abs, j_abs),
    ("square", np.square, lambda a: j_mul(a, a)),
    ("cube", lambda x: x**3, j_cube),
    ("neg", lambda x: -x, lambda a: j_sub(constant(0), a)),
    (
        "sqrt1",
        lambda x: np.sqrt(one_plus_square(x)),
        lambda a: j_sqrt(j_one_plus_square(a)),
    ),
    (
        "log1",
        lambda x: np.log(one_plus_square(x)),
        lambda a: j_log(j_one_plus_square(a)),
    ),
    (
        "inv1",
        lambda x: 1 / one_plus_square(x),
        lambda a: j_inverse(j_one_plus_square(a)),
    ),
    (
        "cbrt1",
        lambda x: np.cbrt(one_plus_square(x)),
        lambda a: j_cbrt(j_one_plus_square(a)),
    ),
    (
        "log_cosh",
        lambda x: np.log(np.cosh(x)),
        lambda a: a.through(
            context.log(context.cosh(a.v)),
            context.tanh(a.v),
            1 - context.tanh(a.v) ** 2,
        ),
    ),
    (
        "power",
        lambda x: one_plus_square(x) ** 0.75,
        lambda a: j_exp(j_mul(constant(0.75), j_log(j_one_plus_square(a)))),
    ),
    (
        "log2",
        lambda x: np.log2(one_plus_square(x)),
        lambda a: j_mul(constant(1 / context.log(2)), j_log(j_one_plus_square(a))),
    ),
]
BINARY: list[Rule] = [
    ("add", lambda a, b: a + b, j_add),
    ("sub", lambda a, b: a - b, j_sub),
    ("mul", lambda a, b: a * b, j_mul),
    (
        "div",
        lambda a, b: a / one_plus_square(b),
        lambda a, b: j_mul(a, j_inverse(j_one_plus_square(b))),
    ),
    ("where", lambda a, b: np.where(a > b, a, np.sin(b)), j_where),
    ("maximum", np.maximum, j_max),
    ("minimum", np.minimum, lambda a, b: b if a.v > b.v else a),
    ("logaddexp", np.logaddexp, j_logaddexp),
    ("hypot", lambda a, b: np.sqrt(1 + a**2 + b**2), j_hypot),
    (
        "gated",
        lambda a, b: np.where((a > 0) & (b > 0), a * b, a - b),
        lambda a, b: j_mul(a, b) if a.v > 0 and b.v > 0 else j_sub(a, b),
    ),
]


@dataclass(frozen=True)
class Expression:
    """A tree of rules over y_true, y_pred and numbers."""

    rule: Rule | None
    args: tuple[Expression, ...]
    leaf: str | float = "y_pred"

    def array(self, y: Any, p: Any) -> Any:
        if self.rule is None:
            return {"y_true": y, "y_pred": p}.get(self.leaf, self.leaf)  # type: ignore[arg-type]
        return self.rule[1](*(a.array(y, p) for a in self.args))

    def jet(self, y: float, p: float) -> Jet:
        if self.rule is not None:
            return self.rule[2](*(a.jet(y, p) for a in self.args))
        if self.leaf == "y_pred":
            return Jet(mpf(p), mpf(1), mpf(0))
        return constant(y if self.leaf == "y_true" else self.leaf)

    def __str__(self) -> str:
        if self.rule is None:
            return str(self.leaf)
        return f"{self.rule[0]}({', '.join(map(str, self.args))})"


def expressions() -> st.SearchStrategy[Expression]:
    leaves = st.one_of(
        st.just(Expression(None, (), "y_pred")),
        st.just(Expression(None, (), "y_true")),
        st.sampled_from([0.5, 1.0, 2.0, -1.5]).map(lambda k: Expression(None, (), k)),
    )

    def grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        unary = st.builds(
            lambda rule, a: Expression(rule, (a,)), st.sampled_from(UNARY), inner
        )
        binary = st.builds(
            lambda rule, a, b: Expression(rule, (a, b)),
            st.sampled_from(BINARY),
            inner,
            inner,
        )
        return st.one_of(unary, binary)

    return st.recursive(leaves, grow, max_leaves=6)


Y = np.array([-1.25, 0.5, 2.0, 0.75, -0.375])
P = np.array([0.625, -1.75, 0.3125, 1.5, -0.8125])


def exact(expression: Expression) -> Iterator[tuple[Jet, Jet]]:
    """Jets at the points, and how far they move when y_pred moves by one ulp.

    What one ulp of the input changes, no formula can get right to much more.
    """
    for y, p in zip(Y, P, strict=True):
        here = expression.jet(float(y), float(p))
        moved = [
            expression.jet(float(y) * (1 + i * 2.0**-52), float(p) * (1 + k * 2.0**-52))
            for i, k in ((0, 1), (0, -1), (1, 0), (-1, 0))
        ]
        yield (
            here,
            Jet(
                *(
                    max(abs(getattr(m, name) - getattr(here, name)) for m in moved)
                    for name in ("v", "d", "dd")
                )
            ),
        )


@settings(max_examples=EXPRESSIONS, derandomize=True, deadline=None)
@given(expressions())
def test_random_expressions_against_multi_precision(expression: Expression) -> None:
    loss = fl.custom(lambda y, p: expression.array(y, p) + 0 * p)
    value = loss(Y, P, reduction="none")
    grad, hess = loss.grad_and_hess(Y, P, reduction="sum")
    for i, (jet, slack) in enumerate(exact(expression)):
        for found, name in ((value, "v"), (grad, "d"), (hess, "dd")):
            truth = getattr(jet, name)
            size = max(abs(jet.v), abs(jet.d), abs(jet.dd), 1)
            allowed = 2.0**-52 * 64 * size + 64 * getattr(slack, name)
            assert abs(mpf(float(found[i])) - truth) <= allowed, (str(expression), name)


LOSSES: list[Callable[..., Any]] = [
    lambda y, p: (y - p) ** 2,
    lambda y, p: np.where(np.abs(y - p) <= 1, 0.5 * (y - p) ** 2, np.abs(y - p) - 0.5),
    lambda y, p: np.log(1 + np.exp(p)) - y * p,
    lambda y, p: np.log(np.cosh(y - p)),
    lambda y, p: np.sin(p) * np.cos(y) + np.tanh(p) / (1 + np.square(y)),
    lambda y, p: np.hypot(y, p) ** 1.7 + np.arctan(p) * fl.math.erf(y - p),
    lambda y, p: np.cbrt(p) + np.log2(1 + p**2) * np.expm1(-np.abs(p)),
    lambda y, p: np.sinh(0.1 * p) - np.cosh(0.1 * y) + np.log10(2 + np.abs(p)),
    lambda y, p: np.logaddexp(y, p) + np.exp(-(p**2)) + np.sqrt(2 + p**2),
]


def outputs(loss: fl.Loss, y: Any, p: Any) -> bytes:
    value, grad = loss.value_and_grad(y, p)
    assert loss(y, p) == value
    assert np.array_equal(loss.grad(y, p), grad, equal_nan=True)
    values = loss(y, p, reduction="none")
    pair = loss.grad_and_hess(y, p)
    assert np.array_equal(pair[0], grad, equal_nan=True)
    return b"".join(a.tobytes() for a in (np.array(value), grad, values, *pair))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", range(len(LOSSES)))
def test_same_bits_over_threads_offsets_and_instruction_sets(
    number: int, dtype: type
) -> None:
    loss = fl.custom(LOSSES[number])
    rng = np.random.default_rng(number)
    size = 100_003
    y = rng.normal(size=size).astype(dtype)
    p = (rng.normal(size=size) * 4).astype(dtype)
    shifted = np.empty(size + 3, dtype)
    before = _bridge.isa()
    hashes: dict[str, set[str]] = {}
    for name in ISAS:
        _bridge.use_isa(name)
        for threads in (1, 2, 3, 7):
            for offset in (0, 1, 3):
                shifted[offset : offset + size] = p
                with fl.threads(threads):
                    found = outputs(loss, y, shifted[offset : offset + size])
                digest = hashlib.sha256(found).hexdigest()
                hashes.setdefault(name, set()).add(digest)
                compared(5)
    _bridge.use_isa(before)
    assert all(len(found) == 1 for found in hashes.values())
    with_fma = [hashes[name] for name in ISAS if name != "baseline"]
    assert all(found == with_fma[0] for found in with_fma)


def arity(name: str) -> int:
    number = OPERATIONS[name].number
    if name == "clip":
        return 3
    if isinstance(number, np.ufunc):
        return number.nin
    return len(inspect.signature(number).parameters)


def evaluated(root: Node, y_pred: float) -> float:
    known: dict[Node, Any] = {PREDICTION: y_pred}
    for x in walk(root):
        if x.args:
            known[x] = numbers.evaluate(x.op, [known[a] for a in x.args])
        elif x is not PREDICTION:
            known[x] = x.value
    return known[root]


#: Operands that have one value for all samples.
UNIFORM = {
    "root": 0,
    "root_slope": 0,
    "root_curve": 0,
    "root_minus": 0,
    "sqrt_minus": 0,
    "gauss": 0,
    "powm1": 1,
    "root_powm1": 1,
    "log_of_ratio": 1,
}
MOVING = [
    (name, position)
    for name, operation in OPERATIONS.items()
    if operation.slope is not None and not operation.of_row
    if name != "others"  # which move with their row
    for position in range(arity(name))
    if UNIFORM.get(name) != position
]


@pytest.mark.parametrize(("name", "position"), MOVING)
def test_slopes_are_those_of_the_numbers(name: str, position: int) -> None:
    """Of every operation and operand, against a difference quotient."""
    others = [const(c) for c in (0.3, 0.55, 0.7)][: arity(name)]
    operands = [*others[:position], PREDICTION, *others[position + 1 :]]
    slope = derivative(node(name, *operands))
    step, checked = 1e-5, 0
    for x in (-1.2, -0.4, 0.25, 0.62, 1.7):
        near = [
            numbers.evaluate(
                name, [z if a is PREDICTION else a.value for a in operands]
            )
            for z in (x - step, x + step)
        ]
        expected = (near[1] - near[0]) / (2 * step)
        if np.isfinite(expected):
            found = evaluated(slope, x)
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-8), x
            checked += 1
    assert checked > 1
