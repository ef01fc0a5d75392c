"""guide() and suggest(): what they say, and what they say about bad input."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import fastloss as fl
from fastloss.advice import Guide, Suggestions


def first(labels: object) -> fl.Loss:
    return fl.suggest(labels)[0].loss


def test_guide_has_a_row_for_every_loss() -> None:
    assert [row.loss for row in fl.guide()] == list(fl.LOSSES)


@pytest.mark.parametrize("name", fl.LOSSES)
def test_guide_says_what_the_class_advises(name: str) -> None:
    row = next(row for row in fl.guide() if row.loss == name)
    advice = dataclasses.asdict(type(fl.LOSSES[name]).advice)
    assert dataclasses.asdict(row) == {"loss": name, **advice}
    assert all(text.strip() for text in advice.values())


def test_guide_text_has_every_cell() -> None:
    text = " ".join(str(fl.guide()).split())
    for row in fl.guide():
        for cell in dataclasses.astuple(row):
            assert " ".join(cell.split()) in text


def test_guide_text_fits_a_terminal() -> None:
    assert max(len(line) for line in str(fl.guide()).splitlines()) <= 88


def test_guide_repr_is_its_text() -> None:
    assert repr(fl.guide()) == str(fl.guide())


def test_guide_for_one_task() -> None:
    rows = fl.guide("binary")
    assert 0 < len(rows) < len(fl.LOSSES)
    names = [row.loss for row in rows]
    assert {"binary_crossentropy", "hinge", "squared_hinge"} <= set(names)
    assert "mean_squared_error" not in names
    assert fl.guide("BINARY") == rows


def test_guide_names_the_tasks_it_has() -> None:
    with pytest.raises(ValueError, match="'knitting'") as error:
        fl.guide("knitting")
    for row in fl.guide():
        assert repr(row.task.split(",")[0].strip()) in str(error.value)


@pytest.mark.parametrize("task", ["", "  ", ","])
def test_guide_of_no_word_is_no_task(task: str) -> None:
    with pytest.raises(ValueError, match="not a task"):
        fl.guide(task)


def test_guide_wants_a_string() -> None:
    with pytest.raises(TypeError, match="task = 3 is a int"):
        fl.guide(3)


def test_guide_html_is_a_table_with_escaped_cells() -> None:
    row = fl.guide()[0]
    html = Guide((dataclasses.replace(row, when="a < b & c"),))._repr_html_()
    assert html.count("<table>") == 1
    assert "<td>a &lt; b &amp; c</td>" in html
    assert html.count("<tr>") == 2


def test_binary_labels() -> None:
    assert first([0, 1, 1, 0]) == fl.BinaryCrossentropy(from_logits=True)
    assert first([0.0, 1.0]) == fl.BinaryCrossentropy(from_logits=True)
    assert first([[0, 1, 1], [1, 1, 0]]) == fl.BinaryCrossentropy(from_logits=True)


def test_booleans_need_no_conversion_for_a_margin() -> None:
    answer = fl.suggest([True, False])
    assert answer[0].loss == fl.BinaryCrossentropy(from_logits=True)
    assert "takes booleans" in answer[-1].reason


def test_rare_positives_get_a_weight() -> None:
    losses = [each.loss for each in fl.suggest([1] + 9 * [0])]
    assert fl.BinaryCrossentropy(from_logits=True, pos_weight=9.0) in losses


def test_one_outcome_only_is_said() -> None:
    assert "never occurs" in fl.suggest([0, 0, 0]).labels


def test_signs() -> None:
    losses = [each.loss for each in fl.suggest([-1, 1, 1, -1])]
    assert losses[:2] == [fl.Hinge(), fl.SquaredHinge()]


def test_class_numbers() -> None:
    expected = fl.SparseCategoricalCrossentropy(from_logits=True)
    assert first([0, 2, 1, 1]) == expected
    assert first(np.array([0, 2, 1, 1, 0, 2], dtype=np.uint8)) == expected
    assert first(np.array([0.0, 2.0, 1.0, 1.0, 0.0, 2.0])) == expected


def test_padding_is_ignored() -> None:
    expected = fl.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100)
    assert first([0, 1, 2, -100, 1, 2]) == expected


def test_gaps_in_class_numbers_are_said() -> None:
    assert "would close the gaps" in fl.suggest([1, 2, 3])[0].reason


def test_whole_numbers_that_do_not_repeat_are_amounts() -> None:
    assert first([1.0, 2.0, 3.0, 4.0]) == fl.MeanSquaredError()
    assert first(np.arange(100)) == fl.MeanSquaredError()


def test_one_hot_rows() -> None:
    losses = [each.loss for each in fl.suggest(np.eye(3))]
    assert losses == [
        fl.CategoricalCrossentropy(from_logits=True),
        fl.SparseCategoricalCrossentropy(from_logits=True),
    ]


def test_soft_rows() -> None:
    rows = np.random.default_rng(1).dirichlet([1, 1, 1], 20).astype(np.float32)
    assert first(rows) == fl.CategoricalCrossentropy(from_logits=True)


def test_numbers_between_0_and_1() -> None:
    losses = [each.loss for each in fl.suggest([0.1, 0.9, 0.5])]
    assert losses == [fl.BinaryCrossentropy(from_logits=True), fl.MeanSquaredError()]


def test_gaussian_labels() -> None:
    labels = np.random.default_rng(1).normal(size=10_000)
    assert first(labels) == fl.MeanSquaredError()


def test_heavy_tails_get_a_delta_from_the_median_absolute_deviation() -> None:
    labels = np.random.default_rng(1).standard_cauchy(1000)
    deviation = np.median(np.abs(labels - np.median(labels)))
    loss = first(labels)
    assert isinstance(loss, fl.Huber)
    assert loss.delta == pytest.approx(1.345 * 1.4826 * deviation, rel=1e-12)


def test_delta_when_most_labels_are_equal() -> None:
    answer = fl.suggest([3.0, 3.0, 3.0, 3.5, 9.0])
    huber = next(each for each in answer if isinstance(each.loss, fl.Huber))
    assert huber.loss.delta > 0
    assert "mean absolute deviation" in huber.reason


def test_constant_labels() -> None:
    assert fl.suggest([5.5, 5.5]).labels == "all 5.5"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["cat", "dog"], r"dtype <U3.*np\.unique\(y_true, return_inverse=True\)"),
        ([1j], "dtype complex128"),
        ([None], "dtype object"),
    ],
)
def test_suggest_refuses_what_are_no_numbers(labels: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        fl.suggest(labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], r"shape \(0,\)"),
        (3.0, "one number"),
        ([0.0, np.nan], r"y_true\[1\] = nan"),
        ([[1, 2], [3, np.inf]], r"y_true\[1, 1\] = inf"),
    ],
)
def test_suggest_refuses_labels_without_a_meaning(labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fl.suggest(labels)


def test_suggestions_print_as_expressions_and_reasons() -> None:
    answer = fl.suggest([0, 1, 0, 0, 0, 0])
    text = str(answer)
    assert text == repr(answer)
    for each in answer:
        assert each.expression in text
        assert eval(f"fl.{each.expression}") == each.loss
        assert each.reason.split(";")[0] in " ".join(text.split())


def test_suggestions_html_is_escaped() -> None:
    answer = Suggestions("<b>", fl.suggest([0, 1])[:])
    assert "&lt;b&gt;" in answer._repr_html_()
    assert answer._repr_html_().count("<tr>") == 1 + len(answer)


def test_every_proposal_is_a_loss_that_runs() -> None:
    value = first([0, 1])([0, 1], [-3.0, 3.0])
    assert value == pytest.approx(np.log1p(np.exp(-3.0)))
