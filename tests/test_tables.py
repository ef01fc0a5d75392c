"""CSV files of ``fastloss eval``: headers, columns, and what is no table of numbers."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from test_cli import complaint, number, save

import fastloss as fl
from fastloss.app import tables

MSE = ("--loss", "mse")
SCCE = ("--loss", "scce", "--from-logits")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(**texts: str) -> None:
    for name, text in texts.items():
        Path(f"{name}.csv").write_text(text)


# --- one column


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ("1\n2\n4\n", "1.5\n2\n3\n"),
        ("y\n1\n2\n4\n", "p\n1.5\n2\n3\n"),
        # pandas: Series.to_csv(), also of a Series without a name
        (",y\n0,1.0\n1,2.0\n2,4.0\n", ",p\n0,1.5\n1,2.0\n2,3.0\n"),
        (",0\n0,1.0\n1,2.0\n2,4.0\n", ",0\n0,1.5\n1,2.0\n2,3.0\n"),
        ('"","y"\n"a",1\n"b",2\n"c",4\n', '"p"\n"1.5"\n"2"\n"3"\n'),  # R
        ("# y\r\n1\r\n2\r\n4\r\n", "\ufeffp\n1.5\n\n2\n3"),
    ],
)
def test_one_column(y: str, p: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(y=y, p=p)
    assert number(capsys, *MSE, "y.csv", "p.csv") == 0.4166666666666667


@pytest.mark.parametrize(
    ("loss", "named", "which"),
    [
        ("mse", "y", ("t.csv", "p.csv")),
        ("mse", "p", ("p.csv", "t.csv")),
        ("mse", "weights", ("p.csv", "p.csv", "--weights", "t.csv")),
        ("scce", "labels", ("t.csv", "c.csv")),
    ],
)
def test_several_columns_are_not_one(
    loss: str, named: str, which: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids must not be averaged in."""
    write(t="id,y\n1,0\n2,1\n", p="0.5\n0.25\n", c="0.5,0.5\n0.25,0.75\n")
    line = complaint(capsys, "eval", "--loss", loss, *which)
    assert line == (
        "fastloss: t.csv: 2 columns, where the loss takes one: "
        "name one: t.csv:id, t.csv:y\n"
    )


def test_several_columns_without_names(capsys: pytest.CaptureFixture[str]) -> None:
    write(t="1,0.5\n2,1.5\n")
    line = complaint(capsys, "eval", *MSE, "t.csv", "t.csv")
    assert "t.csv: 2 columns, where the loss takes one: put a line of names" in line


def test_an_index_and_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """What is left out is not offered either."""
    write(t=",y,p\n0,1,1.5\n1,2,2\n")
    line = complaint(capsys, "eval", *MSE, "t.csv", "t.csv")
    assert line.endswith(": 2 columns, where the loss takes one: "
                         "name one: t.csv:y, t.csv:p\n")  # fmt: skip


def test_many_columns_are_not_all_listed(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"c{i}" for i in range(1000)]
    write(t=",".join(names) + "\n" + "1," * 999 + "1\n")
    line = complaint(capsys, "eval", *MSE, "t.csv", "t.csv")
    assert line.endswith("t.csv:c7, ...\n")


# --- columns by name


def test_columns_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        t='name,y,p,"p, scaled"\n'
        '"Smith, John",1,1.5,15\n"Jones, ""J""",2,2,20\n"two\nlines",4,3,30\n'
    )
    assert number(capsys, *MSE, "t.csv:y", "t.csv:p") == 0.4166666666666667
    expected = fl.mse([1.0, 2, 4], [15.0, 20, 30])
    assert number(capsys, *MSE, "t.csv:y", 't.csv:"p, scaled"') == expected
    line = complaint(capsys, "eval", *MSE, "t.csv:y", "t.csv:name")
    assert "t.csv: column 'name', row 0: 'Smith, John' is not a number" in line
    for name, words in (("Y", "no column named 'Y'"), ("", "no column named ''")):
        line = complaint(capsys, "eval", *MSE, "t.csv:y", f"t.csv:{name}")
        assert words in line
        assert 't.csv:y, t.csv:p, t.csv:"p, scaled"' in line


def test_rows_are_counted_as_they_are_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(t='name,y\n\n"two\nlines",1\nx,?\n')
    line = complaint(capsys, "eval", *MSE, "t.csv:y", "t.csv:y")
    assert "t.csv: column 'y', row 1: '?' is not a number" in line


def test_a_name_that_occurs_twice(capsys: pytest.CaptureFixture[str]) -> None:
    write(t="y,y\n1,2\n")
    line = complaint(capsys, "eval", *MSE, "t.csv:y", "t.csv:y")
    assert "several columns named 'y'" in line


def test_a_ragged_row_is_seen_also_beside_the_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(t="name,y\nJones,1\nSmith, John,2\n")
    line = complaint(capsys, "eval", *MSE, "t.csv:y", "t.csv:y")
    assert "row 1: 3 columns; expected 2" in line


def test_several_columns_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    write(t="id,a,b,label\n7,0.5,-0.5,0\n8,1,0.25,1\n9,-1,2,1\n")
    logits = np.array([[0.5, -0.5], [1, 0.25], [-1, 2]])
    expected = fl.scce([0, 1, 1], logits, from_logits=True)
    assert number(capsys, *SCCE, "t.csv:label", "t.csv:a,b") == expected
    expected = fl.mse(logits, logits[:, ::-1].copy())
    assert number(capsys, *MSE, "t.csv:a,b", "t.csv:b,a") == expected


def test_upper_case_suffixes(capsys: pytest.CaptureFixture[str]) -> None:
    Path("T.CSV").write_text("id,y\n1,2\n")
    np.savez("a.npz", y=[1.0])
    os.rename("a.npz", "A.NPZ")
    assert number(capsys, *MSE, "T.CSV:y", "A.NPZ:y") == 1


# --- rows of classes


def test_rows_of_classes(capsys: pytest.CaptureFixture[str]) -> None:
    """With and without names, and with the index of pandas."""
    logits = np.array([[0.5, -0.5, 0], [1, 0.25, 2]])
    expected = fl.scce([0, 2], logits, from_logits=True)
    rows = ["0.5,-0.5,0", "1,0.25,2"]
    write(
        labels="0\n2\n",
        plain="\n".join(rows),
        named="\n".join(["a,b,c", *rows]),
        index="\n".join([",0,1,2", *(f"{i},{row}" for i, row in enumerate(rows))]),
    )
    for name in ("plain", "named", "index"):
        assert number(capsys, *SCCE, "labels.csv", f"{name}.csv") == expected
    write(hot="1,0,0\n0,0,1\n")
    argv = ("--loss", "cce", "--from-logits", "hot.csv", "named.csv")
    assert number(capsys, *argv) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("loss", ["scce", "cce"])
def test_one_column_is_no_row_of_classes(
    loss: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(y="1\n0\n", p="a\n0.5\n0.25\n")
    save(hot=np.eye(2))
    labels = {"scce": "y.csv", "cce": "hot.npy"}[loss]
    for name in ("p.csv", "p.csv:a"):
        line = complaint(capsys, "eval", "--loss", loss, labels, name)
        assert "p.csv: one column, where the loss takes one for each class" in line


# --- a header that looks like data


@pytest.mark.parametrize("text", ["0\n0.5\n1.0\n", "0\n\n1\n0.5\n", "0\n1e5\n2\n"])
def test_a_default_header_is_not_taken_for_data(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Series.to_csv(index=False) writes it."""
    write(p=text)
    line = complaint(capsys, "eval", *MSE, "p.csv", "p.csv")
    assert "the first line is the default header of pandas or data" in line
    assert "p.csv:0," in line
    save(y=np.zeros(2))
    numbers = np.array(text.split()[1:], float)
    assert number(capsys, *MSE, "y.npy", "p.csv:0") == fl.mse(np.zeros(2), numbers)


def test_a_default_header_is_seen_in_any_batch(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BLOCK_BYTES", 16)
    monkeypatch.setattr(tables, "PEEK_BYTES", 8)
    write(p="0\n" + "1\n" * 9 + "0.5\n")
    assert "default header" in complaint(capsys, "eval", *MSE, "p.csv", "p.csv")


def test_a_default_header_of_classes(capsys: pytest.CaptureFixture[str]) -> None:
    write(y="1\n0\n", p="0,1\n0.5,0.25\n0.25,1.5\n")
    line = complaint(capsys, "eval", *SCCE, "y.csv", "p.csv")
    assert "the first line is the default header of pandas or data" in line
    expected = fl.scce([1, 0], [[0.5, 0.25], [0.25, 1.5]], from_logits=True)
    assert number(capsys, *SCCE, "y.csv", "p.csv:0,1") == expected


@pytest.mark.parametrize("text", ["0\n1\n-3\n", "0.0\n1.5\n", "1\n0.5\n", "-0\n.5\n"])
def test_a_first_line_of_numbers_is_data(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(p=text)
    numbers = np.array(text.split(), float)
    save(y=np.ones(len(numbers)))
    expected = fl.mse(np.ones(len(numbers)), numbers)
    assert number(capsys, *MSE, "y.npy", "p.csv") == expected


# --- what is no table of numbers


@pytest.mark.parametrize(
    "cell", ["1e+30", "inf", "-inf", "nan", "0.5", "9007199254740994.0"]
)
def test_what_is_no_class(cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(y=f"1\n{cell}\n", p="0.5,0.5\n0.5,0.5\n")
    line = complaint(capsys, "eval", "--loss", "scce", "y.csv", "p.csv")
    assert line == f"fastloss: y.csv: y_true[1] = {cell} is not a class number\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'1\n""\n', "row 1 is null: fill such rows, or leave them out"),
        (b'""\n1\n', "row 0 is null"),
        (b"1\n\x00\n", "row 1: '\\x00' is not a number"),
        (b"1\n1_0\n", "row 1: '1_0' is not a number"),
        (b"1\n" + b"x" * 100_000, f"row 1: '{'x' * 37}...' is not a number"),
        (b'1\n"' + b"2\n" * 100_000, "row 1: '2' is not a number"),
        (b"0.5\nNA\n", "row 1: 'NA' is not a number"),
        (b"y\nTrue\n0.5\n", "row 1: '0.5' is not true or false, as the first"),
        (bytes(range(128, 256)), "is not text in UTF-8"),
        (b"y\n", "no numbers in it"),
        (b"", "no numbers in it"),
    ],
)
def test_what_is_no_table(
    content: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("x.csv").write_bytes(content)
    line = complaint(capsys, "eval", *MSE, "x.csv", "x.csv")
    assert line.startswith("fastloss: x.csv: ")
    assert words in line
    assert len(line) < 200


def test_an_endless_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BLOCK_BYTES", 1 << 16)
    with open("x.csv", "wb") as file:
        file.write(b"1\n")
        file.truncate(1 << 26)
    tracemalloc.start()
    try:
        line = complaint(capsys, "eval", *MSE, "x.csv", "x.csv")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert line == "fastloss: x.csv: a line is longer than 65536 bytes\n"
    assert peak < 4 << 20
