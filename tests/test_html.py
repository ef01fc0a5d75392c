"""HTML of losses, the guide and suggestions: escaped, whole, and of no colour."""

from __future__ import annotations

from dataclasses import fields
from html.parser import HTMLParser

import numpy as np
import pytest

import fastloss as fl
from fastloss._html import Html, document, table, tag

VOID = {"br", "hr", "img"}


class Reader(HTMLParser):
    """The cells of a page, whose elements must be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, name: str, attributes: object) -> None:
        assert name != "script"
        self.open.append(name)
        if name == "tr":
            self.rows.append([])
        if name in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


def test_elements() -> None:
    assert tag("p", '1 < 2 & "3"') == "<p>1 &lt; 2 &amp; &quot;3&quot;</p>"
    assert tag("b", tag("i", "<")) == "<b><i>&lt;</i></b>"
    assert tag("td", "x", class_='a"b', data_n="1") == (
        '<td class="a&quot;b" data-n="1">x</td>'
    )
    assert isinstance(tag("p"), Html)


def test_tables() -> None:
    assert table(["a", "b"], [["<", "2"]]) == (
        "<table><thead><tr><th>a</th><th>b</th></tr></thead>"
        "<tbody><tr><td>&lt;</td><td>2</td></tr></tbody></table>"
    )
    assert table([], [["a", "&"]]) == (
        "<table><tbody><tr><th>a</th><td>&amp;</td></tr></tbody></table>"
    )


def test_documents_bring_their_style_and_no_colour() -> None:
    page = document("<", tag("p", "x"))
    assert page.startswith('<div class="fastloss"><style>.fastloss{')
    assert page.endswith("</style>&lt;<p>x</p></div>")
    style = page.partition("</style>")[0]
    assert "currentColor" in style
    assert "#" not in style
    assert "white" not in style.replace("white-space", "")


@pytest.mark.parametrize("loss", fl.LOSSES.values(), ids=fl.LOSSES)
def test_losses(loss: fl.Loss) -> None:
    page = loss._repr_html_()
    rows = dict(Reader(page).rows)
    assert f"<code>{type(loss).__name__}(" in page
    assert rows["for"] == loss.advice.task
    assert rows["output"] == loss.advice.activation
    for name in (field.name for field in fields(loss)):
        assert rows[name] == repr(getattr(loss, name))
    assert rows["formula"] == str(loss.formula)


def test_custom_losses_are_escaped() -> None:
    @fl.custom
    def step(y_true, y_pred, *, unit="<b>"):
        return np.where(y_pred <= y_true, 0, y_pred)

    page = step._repr_html_()
    rows = dict(Reader(page).rows)
    assert rows["formula"] == str(step.formula)
    assert "where(y_true &gt;= y_pred, 0, y_pred)" in page
    assert rows["unit"] == "'<b>'"
    assert "<b>" not in page
    running = fl.custom(
        lambda y_true, y_pred: np.add.accumulate(y_pred - y_true),
        grad=lambda y_true, y_pred: np.ones_like(y_pred),
    )
    assert "formula" not in dict(Reader(running._repr_html_()).rows)


def test_the_guide_and_suggestions_read_as_tables() -> None:
    guide = Reader(fl.guide("binary")._repr_html_()).rows
    assert guide[0][0] == "loss"
    assert len(guide) == 1 + len(fl.guide("binary"))
    answer = fl.suggest([0, 1, 1])
    rows = Reader(answer._repr_html_()).rows
    assert rows[1] == [answer[0].expression, answer[0].reason]
