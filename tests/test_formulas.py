"""Random formulas: values against NumPy's, derivatives against exact jets."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import formulas
import numpy as np
import pytest

import fastloss as fl

NORMAL, MANY, STEP = 250, 5000, 50


def judged(start: int, end: int, *points: int) -> tuple[formulas.Tally, list[str]]:
    tally = formulas.Tally()
    findings = []
    for seed in range(start, end):
        this = formulas.formula(seed, *points)
        findings += [f"{seed}: {found}" for found in formulas.judge(this, tally)]
    return tally, findings


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_anybody_gets_right_is_right() -> None:
    tally, findings = judged(0, NORMAL, 1, 2)
    assert not findings, "\n".join(findings)
    assert tally.compared > 8 * NORMAL
    assert tally.excused < 0.1 * tally.compared
    assert tally.worst <= 8, tally.where


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_thousands_of_formulas() -> None:
    starts = range(0, MANY, STEP)
    ends = range(STEP, MANY + STEP, STEP)
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"))
    with pool:
        parts = list(pool.map(judged, starts, ends))
    findings = [line for _, lines in parts for line in lines]
    assert not findings, "\n".join(findings)
    assert sum(tally.compared for tally, _ in parts) > 20 * MANY
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
    assert formulas.judge(this, formulas.Tally()) == []
    loss = fl.custom(formulas.Formula(twin, {}, y, p).function)
    monkeypatch.setattr(fl, "custom", lambda function: loss)
    assert formulas.judge(this, formulas.Tally())
