"""Every loss has a formula: text that gives its values, LaTeX that typesets."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

import fastloss as fl
from fastloss._formula import latex
from fastloss.core.kinds import Rowwise

VARIANTS = [
    *fl.LOSSES.values(),
    fl.BinaryCrossentropy(from_logits=True),
    fl.CategoricalCrossentropy(from_logits=True, softcap=30.0),
    fl.CategoricalCrossentropy(class_weight=(1.0, 2.0, 3.0), label_smoothing=0.1),
    fl.SparseCategoricalCrossentropy(label_smoothing=0.1),
    fl.SparseCategoricalCrossentropy(class_weight=(1.0, 2.0, 3.0)),
    fl.CategoricalCrossentropy(from_logits=True, softcap=30.0, z_loss=0.25),
    fl.SparseCategoricalCrossentropy(from_logits=True, z_loss=0.25),
    fl.SparseCategoricalCrossentropy(
        from_logits=True, z_loss=0.25, class_weight=(1.0, 2.0, 3.0), label_smoothing=0.1
    ),
    fl.KLDivergence(from_logits=True, temperature=2.0),
    fl.KLDivergence(log_input=True, log_target=True),
    fl.GCE(class_weight=(1.0, 2.0, 3.0), from_logits=True),
    fl.MultiMargin(class_weight=(1.0, 2.0, 3.0), p=2.0),
    fl.GaussianNLL(full=True),
    fl.GaussianNLL(log_variance=True),
    fl.LaplaceNLL(full=True),
    fl.StudentT(full=True),
    fl.NegativeBinomial(full=True),
    fl.Triplet(swap=True),
    fl.NTXent(decoupled=True, similarity="dot"),
    fl.InfoNCE(similarity="dot"),
    fl.PairwiseLogistic(pairs="mean"),
    fl.ApproxNDCG(gain="linear"),
    fl.Dice(tp="absolute"),
    fl.GeneralizedDice(weighting="simple"),
]


@pytest.mark.parametrize("loss", VARIANTS, ids=str)
def test_every_formula_typesets(loss: fl.Loss) -> None:
    text, typeset = loss.formula, loss.formula.latex
    assert text
    assert typeset in loss.formula._repr_latex_()
    assert " if " not in text.replace(r"\text{if } ", "")
    # Matplotlib has no cases: their branches are typeset side by side.
    flat = typeset.replace(r"\begin{cases}", "{").replace(r"\end{cases}", "}")
    flat = flat.replace("&", r"\quad").replace(r"\\", r",\quad")
    MathTextParser("path").parse(f"${flat}$")


class Evaluated:
    """What a line of a formula says in numbers; c and j run over the entries of rows.

    Written apart from the product's reader, for numbers alone.
    """

    TOKEN = re.compile(r"\s*(\d+|[A-Za-z]\w*|\S)")

    def __init__(self, text: str, names: dict[str, Any]) -> None:
        self.tokens = self.TOKEN.findall(text)[::-1]
        self.names = names
        self.result = self.sum()
        assert self.tokens == []

    def at(self, *tokens: str) -> bool:
        if self.tokens and self.tokens[-1] in tokens:
            self.tokens.pop()
            return True
        return False

    def sum(self) -> Any:
        total = -self.product() if self.at("-") else self.product()
        while self.tokens and self.tokens[-1] in "+-":
            sign = 1 if self.tokens.pop() == "+" else -1
            total = total + sign * self.product()
        return total

    def product(self) -> Any:
        found = self.power()
        while self.tokens and re.match(r"[\w(./]", self.tokens[-1]):
            if self.at("/"):
                found = found / self.power()
            elif self.at("."):
                found = found @ self.power()
            else:
                found = found * self.power()
        return found

    def power(self) -> Any:
        found = self.one()
        return found ** self.one() if self.at("^") else found

    def listed(self, end: str) -> list[Any]:
        found = [self.sum()]
        while self.at(","):
            found.append(self.sum())
        assert self.at(end)
        return found

    def one(self) -> Any:
        token = self.tokens.pop()
        if token in "(|":
            (found,) = self.listed(")" if token == "(" else "|")
            return found if token == "(" else np.abs(found)
        if token.isdigit():
            return int(token)
        if token in self.names:
            known = self.names[token]
            if not callable(known):
                return known
            return known(*(self.listed(")") if self.at("(") else [self.one()]))
        name, _, index = token.partition("_")
        if name in ("sum", "max"):
            others = ...
            if not index:
                assert [self.tokens.pop() for _ in "(j!=y)"] == [*"(j!=y)"]
                others = np.array([0, 2])
            return (np.sum if name == "sum" else np.max)(self.product()[others])
        return self.names[name][self.names["y"]] if index == "y" else self.names[name]


NAMES: dict[str, Any] = {
    "log": np.log,
    "exp": np.exp,
    "tanh": np.tanh,
    "sqrt": np.sqrt,
    "clip": np.clip,
    "lgamma": math.lgamma,
    "norm": np.linalg.norm,
    "max": np.maximum,
    "min": np.minimum,
    "one_hot": lambda y: np.eye(3)[y],
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(),
    "pi": np.pi,
    "Phi": lambda w: 0.5 * math.erfc(-w / math.sqrt(2)),
    "phi": lambda w: math.exp(-(w**2) / 2) / math.sqrt(2 * math.pi),
    "C": 3,
}


def value(loss: Any, **given: Any) -> float:
    """What the text of the formula of a loss says."""
    parameters = {field.name: getattr(loss, field.name) for field in fields(loss)}
    names = NAMES | parameters | given
    if names.get("eps", 0) is None:
        names["eps"] = 2.0**-52
    if names.get("class_weight") is not None:
        names["w"] = np.array(loss.class_weight)
    waiting = [line.split(" = ") for line in loss.formula.splitlines()]
    while waiting:
        left, right = waiting.pop()
        if left == right or left == "y":
            names["y"] = names["y_true"]
            continue
        try:
            names[left.partition("_")[0]] = Evaluated(right, names).result
        except KeyError:  # of a name that comes later
            waiting.insert(0, [left, right])
    return float(names["l"])


def of_rows() -> list[fl.Loss]:
    return [
        loss
        for loss in VARIANTS
        if loss._row.kind == "row"
        and loss._row.labels in (("class",), ("unit",), ("real",))
        and isinstance(loss, Rowwise)
    ]


@pytest.mark.parametrize("loss", of_rows(), ids=str)
def test_formulas_of_rows_give_the_values(loss: fl.Loss) -> None:
    logits = loss._row.predictions == ("real",)
    x = np.array([0.5, -1.25, 0.75]) if logits else np.array([0.25, 0.45, 0.3])
    q = np.array([0.125, 0.5, 0.375])
    if getattr(loss, "log_target", False):
        q = np.log(q)
    given = 1 if loss._row.labels == ("class",) else q
    expected = loss(np.array([given]), x[np.newaxis], reduction="sum")
    assert value(loss, y_true=given, y_pred=x, y=given) == pytest.approx(expected)


def of_two_predictions(kind: str) -> list[Any]:
    return [
        loss
        for loss in VARIANTS
        if loss._row.kind == kind and len(loss._row.predictions) == 2
    ]


@pytest.mark.parametrize("loss", of_two_predictions("pair"), ids=str)
def test_formulas_of_labelled_pairs_give_the_values(loss: Any) -> None:
    a, b = np.array([1.0, 0.5]), np.array([0.75, 0.25])
    for y in (0.25, 1.0) if loss._row.labels == ("unit",) else (-1.0, 1.0):
        expected = loss([y], ([a], [b]), reduction="sum")
        assert value(loss, y_true=y, a=a, b=b) == pytest.approx(expected)


@pytest.mark.parametrize("loss", of_two_predictions("element"), ids=str)
def test_formulas_of_two_heads_give_the_values(loss: Any) -> None:
    for y in (-1.0, 1.0) if loss._row.labels == ("sign",) else (1.0, 3.0):
        heads = dict(zip(loss.heads, (0.75, 1.25), strict=True))
        expected = loss([y], tuple([h] for h in heads.values()), reduction="sum")
        assert value(loss, y_true=y, **heads) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "typeset"),
    [
        ("a b/c", r"a \, \frac{b}{c}"),
        ("(a + b)/(c d)", r"\frac{a + b}{c \, d}"),
        ("(a + b) (c + d)/e", r"\left(a + b\right) \, \frac{c + d}{e}"),
        ("-a^(b + 1)", "-a^{b + 1}"),
        ("a <= b", r"a \leq b"),
        ("f(a, b)", r"f\left(a, b\right)"),
        ("f (a)", r"f \, \left(a\right)"),
        ("sqrt(x^2)", r"\sqrt{x^{2}}"),
        ("norm_p(a)^2", r"\left\|a\right\|_{p}^{2}"),
        ("x_ij + x_12", r"x_{ij} + x_{12}"),
        ("y_true - y_pred", r"y - \hat{y}"),
        ("scale eps", r"\mathrm{scale} \, \mathrm{eps}"),
        ("max_(j != y) x_j", r"\max_{j \neq y} x_{j}"),
        ("log x - 1", r"\log x - 1"),
        ("w'/h", r"\frac{w'}{h}"),
        ("u_i . v_j", r"u_{i} \cdot v_{j}"),
    ],
)
def test_asciimath(text: str, typeset: str) -> None:
    assert latex(text) == typeset


def test_names_with_underscores() -> None:
    assert latex("log_zero", frozenset({"log_zero"})) == r"\mathrm{log\_zero}"
    assert latex("a_zero") == r"a_{\mathrm{zero}}"


@pytest.mark.parametrize("text", ["(a", "a)", "a +", "/a", "|a", "a ]"])
def test_what_is_no_formula(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        latex(text)


def test_formulas_follow_the_parameters() -> None:
    assert fl.scce.formula == "l = -log p_y\np = clip(y_pred, eps, 1 - eps)"
    loss = fl.SparseCategoricalCrossentropy(from_logits=True, temperature=2.0)
    assert loss.formula.splitlines()[1:] == ["p = softmax(z)", "z = y_pred/temperature"]
    assert fl.PairwiseLogistic(pairs="mean").formula.startswith("l = k/n\n")
    assert "k" not in fl.pairwise_logistic.formula
    assert fl.listnet.formula.latex == (
        r"l = -\sum_{j} q_{j} \, \log p_{j},\quad "
        r"q = \operatorname{softmax} \left(y\right),\quad "
        r"p = \operatorname{softmax} \left(\hat{y}\right)"
    )
    assert "y = y" in fl.contrastive.formula
    assert "y = y" not in fl.contrastive.formula.latex
    assert fl.mse.formula.latex == r"\left(\hat{y} - y\right)^{2}"
