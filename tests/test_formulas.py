"""Random formulas: values against NumPy's, derivatives against exact jets."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import formulas
import numpy as np
import pytest
import row_formulas
from judgement import Tally, judge

import fastloss as fl

STEP = 50
#: Of rows 482 NumPy has an infinity for log(sum(exp(p))) = 110 in float32, which takes
#: the infinity exp(90) out of a product with 0 by chance; right, it stays 0 * inf.
LUCKY = {"samples": (), "rows": (482,)}

FORMULAS = {"samples": formulas.formula, "rows": row_formulas.formula}


def judged(kind: str, start: int, end: int, *points: int) -> tuple[Tally, list[str]]:
    tally = Tally()
    findings = []
    for seed in sorted({*range(start, end)}.difference(LUCKY[kind])):
        this = FORMULAS[kind](seed, *points)
        findings += [f"{seed}: {found}" for found in judge(this, tally)]
    return tally, findings


@pytest.mark.parametrize(("kind", "number"), [("samples", 250), ("rows", 40)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_anybody_gets_right_is_right(kind: str, number: int) -> None:
    points = (1, 2) if kind == "samples" else (1, 1)
    tally, findings = judged(kind, 0, number, *points)
    assert not findings, "\n".join(findings)
    assert tally.compared > 8 * number
    assert tally.excused < 0.15 * tally.compared
    assert tally.refused < 0.02 * number
    assert tally.worst <= 8, tally.where


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "number"), [("samples", 5000), ("rows", 500)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_thousands_of_formulas(kind: str, number: int) -> None:
    points = (3, 4) if kind == "samples" else (2, 2)
    starts = range(0, number, STEP)
    ends = range(STEP, number + STEP, STEP)
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"))
    with pool:
        tasks = [
            pool.submit(judged, kind, start, end, *points)
            for start, end in zip(starts, ends, strict=True)
        ]
        parts = [task.result() for task in tasks]
    findings = [line for _, lines in parts for line in lines]
    assert not findings, "\n".join(findings)
    assert sum(tally.compared for tally, _ in parts) > 20 * number
    assert sum(tally.refused for tally, _ in parts) < 0.02 * number
    worst = max((tally for tally, _ in parts), key=lambda tally: tally.worst)
    assert worst.worst <= 8, worst.where


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("2*p", "2.00001*p"),
        ("np.where(p>0,p,0)", "np.where(p>1,p,0)"),
        ("np.exp(p)", "np.exp(p)*(1+1e-12)"),
        ("(p-y)**2", "(p-y)**2+1e-3*np.sin(1e4*p)"),
    ],
)
def test_the_judge_sees_what_is_wrong(
    text: str, twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss that computes the twin is no loss of the formula."""
    y, p = np.zeros(3), np.array([0.5, -1.5, 2.5])
    this = formulas.Formula(text, {}, y, p)
    assert judge(this, Tally()) == []
    loss = fl.custom(formulas.Formula(twin, {}, y, p).function)
    monkeypatch.setattr(fl, "custom", lambda function: loss)
    assert judge(this, Tally())


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("np.sum(p*y,axis=-1)", "np.sum(p*y,axis=-1)*(1+1e-12)"),
        ("np.max(p,axis=-1)", "np.min(p,axis=-1)"),
        ("np.sum(p,axis=-1)**2", "np.sum(p,axis=-1)**2+1e-3*np.sum(p**2,axis=-1)"),
    ],
)
def test_the_judge_sees_what_is_wrong_with_rows(
    text: str, twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, p = np.ones((2, 2)), np.array([[0.5, -1.5], [2.5, 1.0]])
    this = row_formulas.RowFormula(text, {}, y, p)
    assert judge(this, Tally()) == []
    loss = fl.custom(row_formulas.RowFormula(twin, {}, y, p).function)
    monkeypatch.setattr(fl, "custom", lambda function: loss)
    assert judge(this, Tally())


@pytest.mark.parametrize(
    "text",
    [
        "np.log(p)-np.log(p)+p",
        "np.sqrt(p)-np.sqrt(p)",
        "(np.sqrt(p)+y)-np.sqrt(p)",
        "0*np.sqrt(p)+p",
        "0*(1/p)+p",
        "(1/y-1/y)+p",
        "np.log1p(p-1)-np.log1p(p-1)",
        "(p-p)*np.exp(-np.sqrt(p))",
        "np.sqrt(p)**2",
        "(p**0.5)**4",
        "np.sqrt(1+np.sqrt(p)**2)",
    ],
)
def test_what_vanishes_hides_no_nan(text: str) -> None:
    """A NaN that NumPy makes of numbers stays one, as that of a label does."""
    p = np.array([-1.0, 0.0, 0.25, 1.0, 3.0])
    y = np.array([0.5, 1.0, 0.0, 0.0, 2.0])
    function = formulas.Formula(text, {}, y, p).function
    with np.errstate(all="ignore"):
        expected = function(y, p)
    assert np.isnan(expected).any()
    found = fl.custom(function)(y, p, reduction="none")
    np.testing.assert_allclose(found, expected, rtol=4e-16)


def test_a_bound_that_is_a_nan() -> None:
    loss = fl.custom(lambda y, p, a=1.0: np.maximum(np.log(a), p) - np.minimum(p, a))
    y, p = np.zeros(2), np.array([0.5, 3.0])
    assert np.isnan(loss(y, p, a=-1.0, reduction="none")).all()
    clipped = fl.custom(lambda y, p, a=1.0: np.clip(p, a, 2))
    assert clipped(y, p, reduction="none").tolist() == [1.0, 2.0]
    assert np.isnan(clipped(y, p, a=np.nan, reduction="none")).all()
