"""Tables, groups, worst samples, several losses and the forms of ``fastloss eval``."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from test_cli import complaint, number, output, save

import fastloss as fl
from fastloss.app import cli, files, samples, tables

TABLE = ("--true", "y", "--pred", "p")
MSE = ("eval", "--loss", "mse")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SLAB_BYTES", 8 * 64)
    monkeypatch.setattr(tables, "BLOCK_BYTES", 1024)


def data(n: int = 1000) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {
        "id": np.arange(n),
        "y": rng.integers(0, 2, n),
        "p": rng.uniform(0.01, 0.99, n),
        "w": rng.random(n) + 0.5,
        "shop": np.array(["b", "a", "c"])[rng.integers(0, 3, n)],
    }


def stream(table: pa.Table, path: str) -> None:
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, table.schema) as out:
        out.write_table(table, 100)


def packed_csv(table: pa.Table, path: str) -> None:
    with gzip.open(path, "wb") as file:
        pyarrow.csv.write_csv(table, file)


def tsv(table: pa.Table, path: str) -> None:
    pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(delimiter="\t"))


WRITERS: dict[str, Callable[[pa.Table, str], None]] = {
    "t.parquet": lambda table, path: pyarrow.parquet.write_table(
        table, path, row_group_size=300
    ),
    "t.feather": lambda table, path: pyarrow.feather.write_feather(
        table, path, chunksize=100
    ),
    "t.arrow": stream,
    "t.csv": pyarrow.csv.write_csv,
    "t.tsv": tsv,
    "t.csv.gz": packed_csv,
}


# --- tables


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("name", WRITERS)
def test_every_format(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = data()
    WRITERS[name](pa.table(found), name)
    loss = ("--loss", "bce", *TABLE, name)
    y, p, w = found["y"], found["p"], found["w"]
    assert number(capsys, *loss) == pytest.approx(fl.bce(y, p), rel=2e-16)
    value, grad = fl.bce.value_and_grad(y, p, sample_weight=w)
    argv = (*loss, "--weight", "w", "--grad", "g.npy")
    assert number(capsys, *argv) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(np.load("g.npy"), grad, rtol=1e-15)
    split = (f"{name}:y", f"{name}:p", "--weights", f"{name}:w", "--loss", "bce")
    assert number(capsys, *split) == pytest.approx(value, rel=1e-15)
    groups = json.loads(output(capsys, "eval", *loss, "--by", "shop", "--json"))
    for group in groups["losses"][0]["groups"]:
        chosen = found["shop"] == group["group"]
        assert group["rows"] == chosen.sum()
        expected = fl.bce(y[chosen], p[chosen])
        assert group["value"] == pytest.approx(expected, rel=1e-15)


def test_arrays_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    found = data()
    np.savez("t.npz", **{k: v for k, v in found.items() if k != "shop"})
    argv = ("--loss", "mse", *TABLE, "--weight", "w", "t.npz")
    expected = fl.mse(found["y"], found["p"], sample_weight=found["w"])
    assert number(capsys, *argv) == expected
    save(t=found["p"])
    assert "columns have no names" in complaint(capsys, *MSE, *TABLE, "t.npy")


@pytest.mark.parametrize("kind", ["columns", "list", "fixed", "large"])
def test_rows_of_classes(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(50, 3)).astype("f4")
    labels = rng.integers(0, 3, 50)
    types = {
        "list": pa.list_(pa.float32()),
        "fixed": pa.list_(pa.float32(), 3),
        "large": pa.large_list(pa.float32()),
    }
    columns: dict[str, Any] = {"y": labels.astype(float)}
    pred = ("--pred", "p")
    if kind == "columns":
        columns |= {name: logits[:, k] for k, name in enumerate("abc")}
        pred = ("--pred", "a", "--pred", "b", "--pred", "c")
    else:
        columns["p"] = pa.array(logits.tolist(), types[kind])
    pyarrow.parquet.write_table(pa.table(columns), "t.parquet")
    argv = ("t.parquet", "--loss", "scce", "--from-logits", "--true", "y", *pred)
    expected = fl.scce.value_and_grad(labels, logits, from_logits=True)
    assert number(capsys, *argv, "--grad", "g.npy") == expected[0]
    np.testing.assert_array_equal(np.load("g.npy"), expected[1])
    assert np.load("g.npy").dtype == np.float32


def test_types_of_columns(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = [1.0, 0.0, 1.0]
    whole = pa.array([1, 0, 1])
    for column in (
        *(whole.cast(kind) for kind in (pa.int8(), pa.uint64(), pa.float16())),
        pa.array([True, False, True]),
        whole.cast(pa.decimal128(20, 0)),
        pa.array(numbers).dictionary_encode(),
        pa.chunked_array([[1.0], [0.0, 1.0]]),
    ):
        table = pa.table({"y": column, "p": [0.5, 0.25, 1.0]})
        pyarrow.feather.write_feather(table, "t.feather", compression="uncompressed")
        expected = fl.mse(numbers, [0.5, 0.25, 1.0])
        assert number(capsys, "--loss", "mse", *TABLE, "t.feather") == expected


def test_booleans_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_text("y,p\nTrue,0.5\nFalse,0.25\n")
    expected = fl.bce([1, 0], [0.5, 0.25])
    assert number(capsys, "--loss", "bce", *TABLE, "t.csv") == expected


def test_an_id_is_no_class(capsys: pytest.CaptureFixture[str]) -> None:
    save(y=np.zeros(4, int))
    Path("t.csv").write_text("id,a,b\n" + "".join(f"{k},0.5,0.25\n" for k in range(4)))
    line = complaint(capsys, "eval", "--loss", "scce", "y.npy", "t.csv")
    assert "t.csv: column 'id' holds whole numbers" in line
    assert number(capsys, "--loss", "scce", "y.npy", "t.csv:a,b") > 0


# --- several files


@pytest.mark.usefixtures("small_batches")
def test_patterns(capsys: pytest.CaptureFixture[str]) -> None:
    found = data()
    for k in range(4):
        part = {name: column[250 * k : 250 * k + 250] for name, column in found.items()}
        pyarrow.parquet.write_table(pa.table(part), f"part-{k}.parquet")
        save(**{f"y{k}": part["y"], f"p{k}": part["p"]})
    expected = fl.bce(found["y"], found["p"])
    assert number(capsys, "--loss", "bce", *TABLE, "part-*.parquet") == pytest.approx(
        expected, rel=1e-15
    )
    listed = sorted(str(path) for path in Path().glob("part-*"))
    argv = ("--loss", "bce", *TABLE, *listed, "--grad", "g.npy")
    assert number(capsys, *argv) == pytest.approx(expected, rel=1e-15)
    grad = fl.bce.grad(found["y"], found["p"])
    np.testing.assert_allclose(np.load("g.npy"), grad, rtol=1e-15)
    value = number(capsys, "--loss", "bce", "y?.npy", "p?.npy")
    assert value == pytest.approx(expected, rel=1e-15)
    argv = ("eval", "--loss", "bce", *TABLE, "part-*.parquet", "--top", "1", "--json")
    (worst,) = json.loads(output(capsys, *argv))["losses"][0]["worst"]
    losses = fl.bce(found["y"], found["p"], reduction="none")
    assert worst["row"] == int(np.argmax(losses))
    assert worst["file"] == f"part-{np.argmax(losses) // 250}.parquet"
    line = complaint(capsys, *MSE, *TABLE, "nix-*.parquet")
    assert "nix-*.parquet: no file has such a name" in line
    line = complaint(capsys, *MSE, "y?.npy", "p[12].npy")
    assert "(1000,)" in line
    assert "(500,)" in line


def test_an_error_in_a_later_file(capsys: pytest.CaptureFixture[str]) -> None:
    for k, last in enumerate((0.5, 1.5)):
        table = pa.table({"y": [0, 1], "p": [0.5, last]})
        pyarrow.parquet.write_table(table, f"t{k}.parquet")
    line = complaint(capsys, "eval", "--loss", "bce", *TABLE, "t?.parquet")
    assert line.startswith("fastloss: t1.parquet: column 'p', row 1: y_pred[3] = 1.5 ")


def test_files_of_other_columns(capsys: pytest.CaptureFixture[str]) -> None:
    pyarrow.parquet.write_table(pa.table({"y": [1], "p": [0.5]}), "t0.parquet")
    pyarrow.parquet.write_table(pa.table({"y": [1], "q": [0.5]}), "t1.parquet")
    line = complaint(capsys, *MSE, *TABLE, "t?.parquet")
    assert "t1.parquet: no column named 'p'; there are --pred y, --pred q" in line


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("swapped", [False, True])
def test_files_of_other_lengths(
    swapped: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("long.csv").write_text("1\n" * 1000)
    Path("short.csv").write_text("1\n" * 900)
    names = ("short.csv", "long.csv")[:: -1 if swapped else 1]
    line = complaint(capsys, *MSE, *names)
    assert "short.csv ends after 900 rows, long.csv goes on" in line


def test_lengths_are_compared_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(*arguments: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(tables._Parquet, "batches", unread)
    pyarrow.parquet.write_table(pa.table({"y": np.zeros(1000)}), "y.parquet")
    save(p=np.zeros(900))
    line = complaint(capsys, *MSE, "y.parquet", "p.npy")
    assert "p.npy has 900 rows, y.parquet 1000: expected a row for each" in line


# --- standard input


@pytest.mark.parametrize("kind", ["csv", "arrow"])
def test_standard_input(
    kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = data(20_000)
    WRITERS[f"t.{kind}"](pa.table(found), "t")
    content = Path("t").read_bytes()

    def given() -> None:
        text = io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(sys, "stdin", text)

    given()
    expected = fl.mse(found["y"], found["p"])
    assert number(capsys, "--loss", "mse", *TABLE, "-") == expected
    given()
    line = complaint(capsys, *MSE, *TABLE, "-", "--grad", "g.npy")
    assert "a gradient needs standard input twice" in line
    assert os.listdir() == ["t"]


def test_predictions_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(y=[1.0, 2.0])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"p\n1\n4\n")))
    assert number(capsys, "--loss", "mse", "y.npy", "-") == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PAR1....", "-: holds a Parquet file"),
        (b"ARROW1..", "holds an Arrow file"),
        (b"\x93NUMPY", "holds an .npy file"),
        (b"", "no numbers in it"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "-: "),
    ],
)
def test_what_standard_input_is_not(
    content: bytes,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert words in complaint(capsys, *MSE, *TABLE, "-")


# --- several losses and their parameters


def test_several_losses(capsys: pytest.CaptureFixture[str]) -> None:
    found = data()
    save(y=found["y"], p=found["p"])
    argv = ("eval", "--reduction", "sum", "--loss", "huber", "--delta", "0.3")
    argv += ("--loss", "mse", "--loss", "huber", "y.npy", "p.npy", "--json")
    losses = json.loads(output(capsys, *argv))["losses"]
    expected = [
        fl.Huber(delta=0.3, reduction="sum"),
        fl.MeanSquaredError(reduction="sum"),
        fl.Huber(reduction="sum"),
    ]
    assert [loss["loss"] for loss in losses] == [loss.name for loss in expected]
    assert losses[0]["parameters"] == {"reduction": "sum", "delta": 0.3}
    values = [loss(found["y"], found["p"]) for loss in expected]
    assert [loss["value"] for loss in losses] == values
    lines = output(capsys, *argv[:-1]).splitlines()
    assert lines[0].split() == ["loss", "value"]
    assert lines[1] == f"Huber(delta=0.3, reduction='sum')  {values[0]!r:>17}"
    assert lines[2].split() == ["mean_squared_error", repr(values[1])]


def test_a_parameter_belongs_to_the_loss_before_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(y=[0.0])
    argv = ("--loss", "huber", "--loss", "mse", "--delta", "2", "y.npy", "y.npy")
    line = complaint(capsys, "eval", *argv)
    assert "--delta: no parameter of mean_squared_error, the loss before it" in line
    argv = ("--loss", "huber", "--loss", "mse", "--grad", "g.npy", "y.npy", "y.npy")
    assert "the gradient of 2 losses" in complaint(capsys, "eval", *argv)


# --- groups and worst samples


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size"])
@pytest.mark.parametrize("weighted", [False, True])
def test_groups(
    weighted: bool, reduction: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = data()
    keys = [None if k % 7 == 0 else int(k) % 12 for k in found["id"]]
    table = pa.table({**found, "key": pa.array(keys)})
    pyarrow.parquet.write_table(table, "t.parquet")
    weight = found["w"] if weighted else None
    argv = ["eval", *TABLE, "t.parquet", "--by", "key", "--loss", "bce"]
    argv += ["--reduction", reduction] + ["--weight", "w"] * weighted
    lines = output(capsys, *argv).splitlines()
    assert lines[0].split() == ["key", "rows", "binary_crossentropy"]
    seen = [line.split()[0] for line in lines[1:]]
    assert seen == [*map(str, range(12)), "null", "all"]
    for line in lines[1:]:
        key, rows, value = line.split()
        chosen = np.array([str(k) == key.replace("null", "None") for k in keys])
        chosen |= key == "all"
        assert int(rows) == chosen.sum()
        own = None if weight is None else weight[chosen]
        loss = fl.BinaryCrossentropy(reduction=reduction)
        expected = loss(found["y"][chosen], found["p"][chosen], sample_weight=own)
        assert float(value) == pytest.approx(expected, rel=1e-15)


def test_groups_of_arrays(capsys: pytest.CaptureFixture[str]) -> None:
    save(y=np.zeros(4), p=[1.0, 2, 3, 4], g=[1, 0, 1, 0], m=np.zeros((4, 2)))
    text = output(capsys, *MSE, "y.npy", "p.npy", "--by", "g.npy")
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["0", "2", "10.0"],
        ["1", "2", "5.0"],
        ["all", "4", "7.5"],
    ]
    line = complaint(capsys, *MSE, "y.npy", "p.npy", "--by", "m.npy")
    assert "m.npy: groups come from one number for each row" in line


def test_an_error_in_a_group_has_the_row_of_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("t.csv").write_text("y,p,g\n" + "0,0.5,a\n1,0.5,b\n" * 10 + "0,7,a\n1,1,b\n")
    line = complaint(capsys, "eval", "--loss", "bce", *TABLE, "--by", "g", "t.csv")
    assert line.startswith("fastloss: t.csv: column 'p': y_pred[20] = 7.0 is not a")


def test_a_group_without_a_mean_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_text("y,p,w,g\n0,1,1,a\n0,1,-1,a\n0,1,1,b\n0,1,0,c\n")
    argv = (*TABLE, "--weight", "w", "--by", "g", "t.csv")
    line = complaint(capsys, *MSE, *argv)
    assert line.startswith("fastloss: group 'a': sample_weight sums to 0")
    Path("t.csv").write_text("y,p,w,g\n0,1,1,b\n0,1,0,c\n")
    assert output(capsys, *MSE, *argv).splitlines()[2].split() == ["c", "1", "0.0"]


def test_too_many_groups(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables.Groups, "MOST", 10)
    pyarrow.parquet.write_table(pa.table(data(20)), "t.parquet")
    line = complaint(capsys, *MSE, *TABLE, "--by", "id", "t.parquet")
    assert line == "fastloss: t.parquet: column 'id', holds more than 10 groups\n"


@pytest.mark.usefixtures("small_batches")
def test_worst_samples(capsys: pytest.CaptureFixture[str]) -> None:
    """NaN first, then by size; of equal ones the first."""
    y, p = np.zeros(500), np.zeros(500)
    p[[400, 30, 77, 31, 499]] = [5, 7, np.nan, 7, -6]
    weight = np.ones(500)
    weight[499] = 2
    save(y=y, p=p, w=weight, g=np.arange(500) % 2)
    argv = (*MSE, "y.npy", "p.npy", "--weight", "w.npy", "--top", "4", "--by", "g.npy")
    (loss,) = json.loads(output(capsys, *argv, "--json"))["losses"]
    worst = loss["worst"]
    assert [sample["row"] for sample in worst] == [77, 499, 30, 31]
    assert [sample["loss"] for sample in worst] == ["NaN", 72.0, 49.0, 49.0]
    assert worst[1] == {
        "row": 499,
        "file": "p.npy",
        "loss": 72.0,
        "true": 0.0,
        "pred": -6.0,
        "weight": 2.0,
        "group": 1,
    }
    text = output(capsys, *argv).partition("worst of mean_squared_error:\n")[2]
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["row", "loss", "true", "pred", "weight", "g.npy"]
    assert lines[2] == ["499", "72.0", "0", "-6", "2", "1"]


def test_of_equal_samples_the_first_is_worst(
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(y=np.zeros(4), p=[1.0, 2, 2, 0])
    argv = (*MSE, "y.npy", "p.npy", "--top", "1", "--json")
    (worst,) = json.loads(output(capsys, *argv))["losses"][0]["worst"]
    assert worst["row"] == 1


def test_worst_rows_of_classes(capsys: pytest.CaptureFixture[str]) -> None:
    logits = np.zeros((4, 2, 9))
    logits[2, 1, 5] = 3
    save(y=np.zeros((4, 2), int), x=logits)
    argv = ("eval", "--loss", "scce", "--from-logits", "y.npy", "x.npy", "--top", "1")
    lines = output(capsys, *argv).splitlines()
    assert lines[-1].split()[0] == "2,1"
    assert lines[-1].endswith("[0, 0, 0, 0, 0, 3, ...]")
    assert "'0' is not a number of samples" in complaint(capsys, *argv[:-1], "0")


# --- where it goes


def test_output_is_complete_or_absent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(y=[0.0, 0.0], p=[1.0, 3.0], bad=[np.nan])
    Path("out").write_text("old")
    assert output(capsys, *MSE, "y.npy", "p.npy", "--output", "out") == ""
    assert Path("out").read_text() == "5.0\n"
    complaint(capsys, *MSE, "y.npy", "bad.npy", "--output", "out")
    assert Path("out").read_text() == "5.0\n"
    before = sorted(os.listdir())

    def interrupted(*arguments: object, **options: object) -> None:
        assert sorted(os.listdir()) != before
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "evaluate", interrupted)
    argv = [*MSE, "y.npy", "p.npy", "--output", "out", "--grad", "g.npy"]
    assert cli.main(argv) == 130
    assert Path("out").read_text() == "5.0\n"
    assert sorted(os.listdir()) == before
    line = complaint(capsys, *MSE, "y.npy", "p.npy", "--output", "p.npy")
    assert "--output p.npy is one of the inputs" in line
    line = complaint(
        capsys, *MSE, "y.npy", "p.npy", "--output", "o.npy", "--grad", "o.npy"
    )
    assert "--output o.npy is the file of --grad too" in line


# --- what is wrong with files


def test_without_pyarrow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    Path("t.csv").write_text("y,p\n1,0.5\n")
    line = complaint(capsys, *MSE, *TABLE, "t.csv")
    assert "pyarrow, which is not installed: pip install 'fastloss[files]'" in line


def test_numpy_alone_reads_arrays() -> None:
    found = data()
    np.savez("t.npz", y=found["y"], p=found["p"])
    code = (
        "import sys\nsys.modules['pyarrow'] = sys.modules['rich'] = None\n"
        "from fastloss.app import cli\nsys.exit(cli.main(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", code, *MSE, *TABLE, "t.npz"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert float(done.stdout) == fl.mse(found["y"], found["p"])


def broken(name: str) -> bytes:
    WRITERS[name](pa.table(data()), name)
    return Path(name).read_bytes()


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("t.parquet", lambda raw: raw[:-200], "t.parquet: "),
        ("t.parquet", lambda raw: raw[:7000] + raw[7400:], "t.parquet: "),
        ("t.parquet", lambda raw: b"", "Parquet"),
        ("t.feather", lambda raw: raw[:-9], "t.feather: "),
        ("t.feather", lambda raw: raw[:2000], "t.feather: "),
        ("t.feather", lambda raw: b"FEA1" + raw, "is no Feather file of version 2"),
        ("t.arrow", lambda raw: raw[:3000], "t.arrow: "),
        ("t.arrow", lambda raw: b"", "t.arrow: "),
        ("t.csv.gz", lambda raw: raw[:-9], "t.csv.gz: "),
        ("t.csv.gz", lambda raw: raw[20:], "t.csv.gz: "),
        ("t.csv", lambda raw: raw[:-30] + b'"', "t.csv: row 999: "),
        ("t.csv", lambda raw: b"id;y;p\n1;0;0.5\n", "no column named 'y'"),
        ("t.csv", lambda raw: b"y,p,y\n1,0.5,2\n", "several columns named 'y'"),
        ("t.csv", lambda raw: b"y,p\n", "no numbers in it"),
        ("t.csv", lambda raw: b"y,p\n1,\n", "column 'p', row 0 is null: fill such"),
        ("t.csv", lambda raw: b"1,2\n3,4\n", "no column named 'y'"),
        ("t.csv", lambda raw: b"y,p\n1,x\n", "column 'p', row 0: 'x' is not a number"),
        (
            "t.csv",
            lambda raw: b"y,p\n" + b"1,2\n" * 99 + b"1,x\n",
            "row 99: 'x' is not",
        ),
        ("t.csv", lambda raw: "y,p\n1,2\n".encode("utf-16"), "is not text in UTF-8"),
    ],
)
def test_broken_tables(
    name: str,
    change: Callable[[bytes], bytes],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(name).write_bytes(change(broken(name)))
    Path("g.npy").write_text("old")
    line = complaint(capsys, *MSE, *TABLE, name, "--grad", "g.npy", "--output", "o")
    assert name in line
    assert words in line
    assert len(line) < 400
    assert sorted(os.listdir()) == ["g.npy", name]
    assert Path("g.npy").read_text() == "old"


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([0.5, None, 1]), "column 'p', row 1 is null"),
        (pa.array(["a", "b", "c"]), "column 'p' holds string: expected numbers"),
        (pa.array([{"a": 1}] * 3), "column 'p' holds struct<a: int64>"),
        (pa.array([b"x"] * 3), "column 'p' holds binary"),
        (pa.nulls(3), "column 'p' holds null"),
        (pa.array([1, 2, 3], pa.timestamp("s")), "column 'p' holds timestamp"),
        (pa.array([[0.5, 0.5], [1.0], [1.0]]), "column 'p', row 1 has 1 numbers"),
    ],
)
@pytest.mark.parametrize("name", ["t.parquet", "t.feather"])
def test_columns_that_hold_something_else(
    name: str, column: pa.Array, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    WRITERS[name](pa.table({"y": [1.0, 2.0, 3.0], "p": column}), name)
    assert words in complaint(capsys, *MSE, *TABLE, name)


def test_quotes_line_ends_and_a_byte_order_mark(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = ['"y","the ""p"", of it",text', '1,"0.5","a\nb"', '"0",0.25,""', "1,1,c"]
    for start, end in (("", "\n"), ("\ufeff", "\r\n")):
        Path("t.csv").write_bytes((start + end.join(lines) + end).encode())
        argv = ("--loss", "mse", "--true", "y", "--pred", 'the "p", of it', "t.csv")
        assert number(capsys, *argv) == (0.25 + 0.0625) / 3


def test_columns_of_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Those beside the one that is asked for do not matter."""
    table = pa.table([[1.0], [0.5], [7.0], [8.0]], names=["y", "p", "q", "q"])
    for name in ("t.parquet", "t.feather", "t.csv"):
        WRITERS[name](table, name)
        assert number(capsys, "--loss", "mse", *TABLE, name) == 0.25
        line = complaint(capsys, *MSE, "--true", "y", "--pred", "q", name)
        assert f"{name}: several columns named 'q'; there are --pred y" in line


@pytest.mark.parametrize("name", ["t.parquet", "t.csv.gz", "t.csv.zst"])
def test_what_unpacks_to_very_much(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Millions of rows of a small file pass through a small memory."""
    count = 6_000_000
    if name == "t.parquet":
        table = pa.table({"y": np.zeros(count, "i1"), "p": np.ones(count, "f4")})
        pyarrow.parquet.write_table(table, name, row_group_size=count)
        del table
    else:
        with pa.output_stream(name) as file:  # packed as the name says
            file.write(b"y,p\n" + b"0,1\n" * (count // 4))
    before = pa.total_allocated_bytes()
    pool = pa.default_memory_pool()
    highest = pool.max_memory()
    assert number(capsys, "--loss", "mse", *TABLE, name) == 1
    if name != "t.parquet":
        assert pool.max_memory() <= max(highest, before + (100 << 20))
    assert Path(name).stat().st_size < 1 << 20


def test_names_of_columns_that_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """As pandas writes a table without names: an index, then 0 and 1."""
    Path("t.csv").write_text(",0,1\n0,1.0,1.5\n1,2.0,2.0\n")
    argv = ("--loss", "mse", "--true", "0", "--pred", "1", "t.csv")
    assert number(capsys, *argv) == 0.125


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--true", "y", "t.csv"), "named by --true and --pred together"),
        (("t.csv", "t.csv", "t.csv"), "3 files: expected those of labels and of"),
        ((*TABLE, "--weight", "x", "t.csv"), "no column named 'x'; there are --weight"),
        ((*TABLE, "t.csv", "-"), "standard input is one table"),
        ((*TABLE,), "no file: expected those of the table"),
    ],
)
def test_wrong_arguments(
    argv: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("t.csv").write_text("y,p\n1,0.5\n")
    assert words in complaint(capsys, *MSE, *argv)
