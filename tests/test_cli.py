"""The command line: commands, loss options, file formats, slabs and error lines."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss.app import cli, samples, tables
from fastloss.app.progress import Progress
from fastloss.core.kinds import Elementwise, Rowwise


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, so that tests can name files shortly."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SLAB_BYTES", 256)


# The divisor of slabs is rounded in another order than that of one call.
SLAB_ULP = 4


def save(**arrays: object) -> None:
    for name, array in arrays.items():
        np.save(f"{name}.npy", np.asarray(array))


def regression(count: int = 1000, dtype: str = "f8") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    y_true = rng.normal(size=count)
    return y_true.astype(dtype), (y_true + rng.normal(size=count)).astype(dtype)


def output(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(argv) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def number(capsys: pytest.CaptureFixture[str], *argv: str) -> float:
    return float(output(capsys, "eval", *argv))


def complaint(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """The one line on standard error of a call that fails."""
    try:
        code = cli.main(argv)
    except SystemExit as exit_:
        code = exit_.code
    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("\n")
    return captured.err


# --- commands


def test_module_runs_as_a_program(folder: Path) -> None:
    save(y_true=[1.0, 2.0], y_pred=[1.0, 4.0])
    program = [sys.executable, "-m", "fastloss"]
    argv = [*program, "eval", "--loss", "mse", "y_true.npy", "y_pred.npy"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == "2.0\n"
    assert done.stderr == ""


def test_an_error_leaves_no_traceback(folder: Path) -> None:
    argv = [sys.executable, "-m", "fastloss", "eval", "--loss", "mse", "a.npy", "b.npy"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "fastloss: a.npy: No such file or directory\n"


def test_a_reader_that_stops_early_is_no_error() -> None:
    argv = [sys.executable, "-m", "fastloss", "guide"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdout=pipe, stderr=pipe) as program:
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 1


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"fastloss {fl.__version__}\n"


def test_info_prints_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "info")
    config = fl.show_config(mode="dict")
    assert str(config["version"]) in text
    assert str(config["isa"]) in text


def test_guide(capsys: pytest.CaptureFixture[str]) -> None:
    assert output(capsys, "guide") == f"{fl.guide()}\n"
    assert output(capsys, "guide", "binary") == f"{fl.guide('binary')}\n"


def test_help_lists_every_loss(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["eval", "--help"])
    words = re.findall(r"\w+", capsys.readouterr().out)
    for name, loss in fl.LOSSES.items():
        assert (name in words) == isinstance(loss, Elementwise | Rowwise)


def test_losses_of_more_arrays_than_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["eval", "--loss", "triplet", "a.npy", "b.npy"])
    assert "triplet needs more than labels and pred" in capsys.readouterr().err


def test_help_of_a_loss_lists_its_parameters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["eval", "--loss", "scce", "--help"])
    text = capsys.readouterr().out
    for option in ("--from-logits", "--ignore-class", "--class-weight", "--reduction"):
        assert option in text


# --- losses and their parameters


def test_value_has_the_bits_of_the_call(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    y_true, y_pred = regression()
    save(y_true=y_true, y_pred=y_pred)
    argv = ("--loss", "huber", "--delta", "2", "y_true.npy", "y_pred.npy")
    assert number(capsys, *argv) == fl.Huber(delta=2)(y_true, y_pred)


def test_parameters_of_every_kind(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(-1, 3, size=50)
    logits = rng.normal(size=(50, 3))
    save(y_true=labels, y_pred=logits)
    loss = fl.SparseCategoricalCrossentropy(
        from_logits=True,
        ignore_class=-1,
        label_smoothing=0.1,
        class_weight=(1.0, 2.0, 0.5),
        reduction="sum",
    )
    argv = ["--loss", "scce", "--from-logits", "--ignore-class", "-1"]
    argv += ["--label-smoothing", "0.1", "--class-weight", "1,2,0.5"]
    argv += ["--reduction", "sum", "--eps", "None", "y_true.npy", "y_pred.npy"]
    assert number(capsys, *argv) == loss(labels, logits)


def test_options_may_come_last(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    y_true, y_pred = regression()
    save(y_true=y_true, y_pred=y_pred)
    argv = ("y_true.npy", "y_pred.npy", "--delta", "0.5", "--loss=huber")
    assert number(capsys, *argv) == fl.Huber(delta=0.5)(y_true, y_pred)


# --- files


def test_npz_with_one_array(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y_true, y_pred = regression()
    np.savez("y_true.npz", anything=y_true)
    np.savez_compressed("both.npz", a=y_true, b=y_pred)
    argv = ("--loss", "mse", "y_true.npz", "both.npz:b")
    assert number(capsys, *argv) == fl.mse(y_true, y_pred)


def test_csv_of_one_column(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y_true, y_pred = regression(100)
    np.savetxt("y_true.csv", y_true, fmt="%.17g")
    np.savetxt("y_pred.csv", y_pred, fmt="%.17g", header="prediction", comments="")
    argv = ("--loss", "mae", "y_true.csv", "y_pred.csv")
    assert number(capsys, *argv) == fl.mae(y_true, y_pred)


def test_csv_in_chunks(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "BLOCK_BYTES", 256)
    monkeypatch.setattr(samples, "SLAB_BYTES", 256)
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 4, size=40)
    logits = rng.normal(size=(40, 4))
    lines = [",".join(map(repr, row)) for row in logits.tolist()]
    lines[10:10] = ["", "   "]
    Path("y_pred.csv").write_text("\ufeff" + "\r\n".join(["a,b,c,d", *lines]))
    np.savetxt("y_true.csv", labels, fmt="%.1f")
    argv = ("--loss", "scce", "--from-logits", "y_true.csv", "y_pred.csv")
    expected = fl.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    assert number(capsys, *argv) == pytest.approx(expected, rel=1e-15)


def test_scratch_files_are_removed(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    Path("y.csv").write_text("1\n2\n")
    assert number(capsys, "--loss", "mse", "y.csv", "y.csv") == 0
    assert list(scratch.iterdir()) == []


# --- weights and gradients


def test_weights(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y_true, y_pred = regression()
    weights = np.random.default_rng(2).random(1000)
    save(y_true=y_true, y_pred=y_pred, w=weights)
    argv = ("--loss", "mse", "y_true.npy", "y_pred.npy", "--weights", "w.npy")
    assert number(capsys, *argv) == fl.mse(y_true, y_pred, sample_weight=weights)


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "i4"])
def test_gradient_file(
    dtype: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    y_true, y_pred = regression()
    y_pred = (100 * y_pred).astype(dtype)
    save(y_true=y_true, y_pred=y_pred)
    argv = ("--loss", "huber", "y_true.npy", "y_pred.npy", "--grad", "grad.npy")
    value, grad = fl.huber.value_and_grad(y_true, y_pred)
    assert number(capsys, *argv) == value
    written = np.load("grad.npy")
    assert written.dtype == grad.dtype
    np.testing.assert_array_equal(written, grad)
    assert not Path("grad.npy.part").exists()


# --- slabs


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_slabs_of_an_elementwise_loss(
    reduction: str,
    weighted: bool,
    dtype: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    y_true, y_pred = regression(1003, dtype)
    weights = np.random.default_rng(2).random(1003) if weighted else None
    argv = ["--loss", "huber", "--reduction", reduction, "y.npy", "x.npy"]
    argv += ["--grad", "grad.npy"]
    save(y=y_true, x=y_pred)
    if weighted:
        save(w=weights)
        argv += ["--weights", "w.npy"]
    loss = fl.Huber(reduction=reduction)
    value, grad = loss.value_and_grad(y_true, y_pred, sample_weight=weights)
    assert number(capsys, *argv) == pytest.approx(value, rel=1e-15)
    np.testing.assert_array_max_ulp(np.load("grad.npy"), grad, maxulp=SLAB_ULP)


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dense", [False, True])
def test_slabs_of_a_rowwise_loss(
    reduction: str,
    weighted: bool,
    dense: bool,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The divisor of a mean has ignored rows, class weights and sample weights."""
    rng = np.random.default_rng(11)
    logits = rng.normal(size=(101, 2, 3))
    labels = rng.integers(0, 3, size=(101, 2))
    weights = rng.random((101, 2)) if weighted else None
    options = {"from_logits": True, "class_weight": (1, 2, 0.5), "reduction": reduction}
    argv = ["--from-logits", "--class-weight", "1,2,0.5", "--reduction", reduction]
    if dense:
        loss = fl.CategoricalCrossentropy(**options)
        labels = np.eye(3)[labels]
        argv += ["--loss", "cce"]
    else:
        labels[3:60] = -100
        loss = fl.SparseCategoricalCrossentropy(ignore_class=-100, **options)
        argv += ["--loss", "scce", "--ignore-class", "-100"]
    argv += ["y.npy", "x.npy", "--grad", "grad.npy"]
    save(y=labels, x=logits)
    if weighted:
        save(w=weights)
        argv += ["--weights", "w.npy"]
    value, grad = loss.value_and_grad(labels, logits, sample_weight=weights)
    assert number(capsys, *argv) == pytest.approx(value, rel=1e-15)
    np.testing.assert_array_max_ulp(np.load("grad.npy"), grad, maxulp=SLAB_ULP)


@pytest.mark.usefixtures("small_slabs")
def test_slabs_when_everything_is_ignored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.full(100, -1), x=np.ones((100, 3)))
    argv = ("--loss", "scce", "--ignore-class", "-1", "y.npy", "x.npy")
    assert number(capsys, *argv, "--grad", "grad.npy") == 0
    assert not np.load("grad.npy").any()


@pytest.mark.usefixtures("small_slabs")
def test_slabs_with_infinite_losses_of_both_signs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = np.ones(1000)
    weights[999] = -1
    y_true, y_pred = np.zeros(1000), np.zeros(1000)
    y_pred[[0, 999]] = np.inf
    save(y=y_true, x=y_pred, w=weights)
    argv = ("--loss", "mse", "y.npy", "x.npy", "--weights", "w.npy")
    assert np.isnan(number(capsys, *argv))


@pytest.mark.usefixtures("small_slabs")
def test_single_row_is_not_cut(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one axis of a single row are its classes."""
    logits = np.random.default_rng(0).normal(size=100)
    save(hard=7, soft=np.eye(100)[7], x=logits)
    expected = fl.SparseCategoricalCrossentropy(from_logits=True)(7, logits)
    argv = ("--loss", "scce", "--from-logits", "hard.npy", "x.npy")
    assert number(capsys, *argv) == expected
    argv = ("--loss", "cce", "--from-logits", "soft.npy", "x.npy")
    assert number(capsys, *argv) == pytest.approx(expected, rel=1e-15)


EXTREMES = [np.full(1000, 1e308), np.full(1000, 1e-310), np.full(1000, 5e-324)]
EXTREMES.append(np.where(np.arange(1000) < 500, 0, 1e-310))
EXTREMES.append(np.where(np.arange(1000) < 500, 1e308, 3e307))
EXTREMES.append(np.where(np.arange(1000) < 500, 1e-310, -3e-310))


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("weights", EXTREMES)
def test_slabs_with_weights_whose_sums_leave_the_range(
    weights: np.ndarray, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Multiples by a power of two have the same mean and the same gradient."""
    y_true, y_pred = regression()
    save(y=y_true, x=y_pred, w=weights)
    argv = ("--loss", "mse", "y.npy", "x.npy", "--weights", "w.npy")
    ordinary = np.ldexp(weights, -np.frexp(np.abs(weights).max())[1])
    value, grad = fl.mse.value_and_grad(y_true, y_pred, sample_weight=ordinary)
    assert number(capsys, *argv, "--grad", "g.npy") == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(np.load("g.npy"), grad, rtol=1e-14, atol=0)


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("class_weight", [1e308, 1e-310])
@pytest.mark.parametrize("weighted", [False, True])
def test_slabs_with_class_weights_whose_sums_leave_the_range(
    weighted: bool,
    class_weight: float,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rng = np.random.default_rng(5)
    labels, logits = rng.integers(0, 3, size=1000), rng.normal(size=(1000, 3))
    weights = np.full(1000, class_weight)
    save(y=labels, x=logits, w=weights)
    argv = ["--loss", "scce", "--from-logits", "y.npy", "x.npy", "--grad", "g.npy"]
    argv += ["--class-weight", ",".join([str(class_weight)] * 3)]
    argv += ["--weights", "w.npy"] if weighted else []
    value, grad = fl.scce.value_and_grad(
        labels,
        logits,
        from_logits=True,
        class_weight=(class_weight,) * 3,
        sample_weight=weights if weighted else None,
    )
    assert value == pytest.approx(fl.scce(labels, logits, from_logits=True), rel=1e-14)
    assert number(capsys, *argv) == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(np.load("g.npy"), grad, rtol=1e-14, atol=0)


@pytest.mark.usefixtures("small_slabs")
def test_slabs_over_the_number_of_samples_with_large_weights(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sum of the weighted losses is no number, its gradient is one."""
    save(y=np.zeros(1000), x=np.ones(1000), w=np.full(1000, 1e307))
    argv = ["--loss", "mse", "y.npy", "x.npy", "--weights", "w.npy", "--grad", "g.npy"]
    argv += ["--reduction", "sum_over_batch_size"]
    assert number(capsys, *argv) == np.inf
    np.testing.assert_allclose(np.load("g.npy"), np.full(1000, 2e304), rtol=1e-15)
    argv[-1] = "sum"
    assert number(capsys, *argv) == np.inf


@pytest.mark.usefixtures("small_slabs")
def test_slabs_with_nan_in_a_sample_of_weight_0(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    labels, logits = np.eye(3)[rng.integers(0, 3, size=100)], rng.normal(size=(100, 3))
    weights = rng.random(100)
    weights[17], labels[17], logits[17] = 0, np.nan, np.nan
    save(y=labels, x=logits, w=weights)
    argv = ["--loss", "cce", "--from-logits", "y.npy", "x.npy", "--weights", "w.npy"]
    argv += ["--class-weight", "1,2,0.5", "--grad", "g.npy"]
    loss = fl.CategoricalCrossentropy(from_logits=True, class_weight=(1, 2, 0.5))
    rest = np.arange(100) != 17
    value = loss(labels[rest], logits[rest], sample_weight=weights[rest])
    assert number(capsys, *argv) == pytest.approx(value, rel=1e-14)
    assert not np.load("g.npy")[17].any()


@pytest.mark.usefixtures("small_slabs")
def test_an_error_in_a_later_slab_has_the_index_of_the_whole(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.zeros((100, 5), int)
    labels[73, 2] = 9
    save(y=labels, x=np.full((100, 5, 3), 0.5), bad=np.where(labels, 2.0, 0.5))
    line = complaint(capsys, "eval", "--loss", "scce", "y.npy", "x.npy")
    assert line == "fastloss: y.npy: y_true[73, 2] = 9 is not a class in [0, 3)\n"
    save(y=np.zeros((100, 5)))
    line = complaint(capsys, "eval", "--loss", "bce", "y.npy", "bad.npy")
    assert line.startswith("fastloss: bad.npy: y_pred[73, 2] = 2.0 is not a probab")


def test_memory_stays_bounded(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 MiB of inputs and 8 MiB of gradient pass through a few MiB."""
    monkeypatch.setattr(samples, "SLAB_BYTES", 1 << 19)
    count = 1 << 20
    y_true, y_pred = regression(count)
    save(y=y_true, x=y_pred)
    np.savez_compressed("w.npz", np.full(count, 0.5))
    argv = ("--loss", "mse", "y.npy", "x.npy", "--weights", "w.npz", "--grad", "g.npy")
    tracemalloc.start()
    try:
        value = number(capsys, *argv)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert value == pytest.approx(fl.mse(y_true, y_pred), rel=1e-15)
    assert peak < 6 << 20


@pytest.mark.usefixtures("small_slabs")
def test_progress_on_a_terminal(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    y_true, y_pred = regression()
    save(y=y_true, x=y_pred)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert cli.main(["eval", "--loss", "mse", "y.npy", "x.npy"]) == 0
    text = terminal.getvalue()
    assert "100%" in text
    assert "16.0/16.0 kB" in text
    assert text.endswith("\033[2K")


def test_progress_shows_rate_and_remaining_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(4000) as progress:
        for done in (1000, 2000, 3000):
            time.sleep(0.02)
            progress(done)
    text = terminal.getvalue()
    assert "75%" in text
    assert "B/s" in text
    assert "0:00:0" in text


def test_no_progress_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(4000) as progress:
        progress(1000)
    assert capsys.readouterr() == ("", "")


# --- what the user did wrong


@pytest.mark.parametrize(
    "twice",
    [
        ("--delta", "1", "--loss", "mse", "--loss", "huber", "--delta", "2"),
        ("--loss", "mse", "--output", "a.npy", "--output", "b.npy"),
        ("--loss", "huber", "--weights", "w.npy", "--weights", "y.npy"),
        ("--loss", "huber", "--grad", "a.npy", "--grad=b.npy"),
        ("--loss", "huber", "--delta", "1", "--delta", "2"),
        ("--loss", "huber", "--reduction", "sum", "--red", "mean"),
        ("--loss", "bce", "--eps", "None", "--eps", "0.1"),
        ("--loss", "bce", "--from-logits", "--no-from-logits"),
    ],
)
def test_no_option_is_given_twice(
    twice: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.zeros(3), w=np.ones(3))
    line = complaint(capsys, "eval", "y.npy", "y.npy", *twice)
    assert "given more than once" in line
    assert "argument --" in line
    assert not Path("a.npy").exists()


@pytest.mark.parametrize(
    "name",
    [
        "no\x1b[31mred.npy",
        "two\nlines.npy",
        "\u202eyxz.npy",
        "\x9b2J.npy",
        "\udcff.npy",
    ],
)
def test_names_do_not_steer_the_terminal(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.zeros(3))
    Path("t.csv").write_bytes(f"{name},y\n1,2\n".encode("utf-8", "replace"))
    np.savez("two.npz", **{name.encode("utf-8", "replace").decode(): 1, "b": 2})
    for argv in (
        ("eval", "--loss", "mse", "y.npy", name),
        ("eval", "--loss", "mse", "y.npy", "y.npy", "--grad", f"no/{name}"),
        ("eval", "--loss", "mse", "y.npy", "y.npy", name),
        ("eval", "--loss", "mse", "y.npy", "y.npy", f"--{name}"),
        ("eval", "--loss", name, "y.npy", "y.npy"),
        ("eval", "--loss", "mse", "y.npy", f"t.csv:{name}"),
        ("eval", "--loss", "mse", "y.npy", "t.csv"),
        ("eval", "--loss", "mse", "y.npy", "two.npz"),
        ("guide", name),
        (name,),
    ):
        assert complaint(capsys, *argv)[:-1].isprintable(), argv


@pytest.mark.parametrize("text", ["(" * 10_000, "-" * 100_000, "1" + "0" * 400, "1_"])
def test_odd_parameters(
    text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.zeros(3))
    argv = ("eval", "--loss", "huber", f"--delta={text}", "y.npy", "y.npy")
    assert complaint(capsys, *argv)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), ("required", "command")),
        (("evaluate",), ("invalid choice", "'evaluate'")),
        (("guide", "knitting"), ("'knitting'",)),
        (("eval", "--loss", "mse", "y.npy"), ("1 files", "--true COLUMN")),
        (("eval", "y.npy", "x.npy"), ("required", "--loss")),
        (("eval", "--loss", "hubber", "y.npy", "x.npy"), ("--loss", "hubber")),
        (("eval", "--loss", "mse", "--delta", "2", "y.npy", "x.npy"), ("--delta",)),
        (("eval", "--loss", "huber", "--delta", "-1", "y.npy", "x.npy"), ("delta",)),
        (("eval", "--loss", "huber", "--delta", "x", "y.npy", "x.npy"), ("delta",)),
        (
            ("eval", "--loss", "mse", "--reduction", "none", "y.npy", "x.npy"),
            ("--reduction", "'none'"),
        ),
        (("eval", "--loss", "mse", "y.npy", "nix.npy"), ("nix.npy: No such file",)),
        (("eval", "--loss", "mse", "y.npy", "x.txt"), ("x.txt", ".csv")),
        (("eval", "--loss", "mse", "y.npy", "two.npz"), ("two.npz:a, two.npz:b",)),
        (("eval", "--loss", "mse", "y.npy", "two.npz:c"), ("two.npz:a, two.npz:b",)),
        (("eval", "--loss", "mse", "y.npy", "junk.npy"), ("junk.npy", "magic")),
        (("eval", "--loss", "mse", "y.npy", "junk.npz"), ("junk.npz", "zip")),
        (("eval", "--loss", "mse", "y.npy", "junk.csv"), ("junk.csv", "row 1: 'b'")),
        (
            ("eval", "--loss", "cce", "y.npy", "ragged.csv"),
            ("row 1: 1 columns; expected 2",),
        ),
        (("eval", "--loss", "mse", "y.npy", "empty.csv"), ("empty.csv: no numbers",)),
        (("eval", "--loss", "mse", "y.npy", "objects.npy"), ("objects.npy",)),
        (
            ("eval", "--loss", "scce", "half.csv", "rows.npy"),
            ("half.csv: y_true[1] = 0.5 is not a class",),
        ),
        (("eval", "--loss", "mse", "y.npy", "short.npy"), ("(30,)", "(20,)")),
        (
            ("eval", "--loss", "scce", "classes.npy", "rows.npy"),
            ("y_true[17] = 12", "[0, 10)"),
        ),
        (("eval", "--loss", "mse", "y.npy", "x.npy", "--grad", "y.npy"), ("y.npy",)),
        (("eval", "--loss", "mse", "y.npy", "x.npy", "--grad", "g.txt"), (".npy",)),
        (
            ("eval", "--loss", "mse", "y.npy", "x.npy", "--grad", "no/g.npy"),
            ("No such file",),
        ),
    ],
)
@pytest.mark.usefixtures("small_slabs")
def test_error_line(
    argv: tuple[str, ...],
    words: tuple[str, ...],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    classes = np.zeros(30, int)
    classes[17] = 12
    save(y=np.zeros(30), x=np.zeros(30), short=np.zeros(20), classes=classes)
    save(rows=np.full((30, 10), 0.1))
    np.savez("two.npz", a=np.zeros(30), b=np.zeros(30))
    np.save("objects.npy", np.array([{}]), allow_pickle=True)
    Path("junk.npy").write_bytes(b"not an array")
    Path("junk.npz").write_bytes(b"not an archive")
    Path("junk.csv").write_text("1\nb\n")
    Path("ragged.csv").write_text("1,2\n3\n")
    Path("empty.csv").write_text("\n")
    Path("half.csv").write_text("1\n0.5\n" * 15)
    before = Path("y.npy").read_bytes()
    line = complaint(capsys, *argv)
    assert all(word in line for word in words), line
    assert Path("y.npy").read_bytes() == before


def test_an_error_keeps_the_old_gradient(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.zeros(3), x=np.zeros(4), grad=[1.0])
    complaint(capsys, "eval", "--loss", "mse", "y.npy", "x.npy", "--grad", "grad.npy")
    assert np.load("grad.npy") == [1.0]
    assert not Path("grad.npy.part").exists()


def test_an_archive_with_something_else_inside(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.zeros(3))
    with zipfile.ZipFile("text.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    line = complaint(capsys, "eval", "--loss", "mse", "y.npy", "text.npz")
    assert "text.npz" in line


def test_keyboard_interrupt(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*arguments: object, **options: object) -> float:
        raise KeyboardInterrupt

    save(y=np.zeros(3))
    monkeypatch.setattr(cli, "evaluate", interrupted)
    assert cli.main(["eval", "--loss", "mse", "y.npy", "y.npy"]) == 130
    assert capsys.readouterr().out == ""
