"""Files of ``fastloss eval``: hostile ones, odd ones, and the gradient's own."""

from __future__ import annotations

import io
import os
import signal
import stat
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_cli import SLAB_ULP, complaint, number, regression, save

import fastloss as fl
from fastloss.app import cli, files, progress, samples

MSE = ("eval", "--loss", "mse")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SLAB_BYTES", 256)


def npy(
    shape: str,
    descr: str = "'<f8'",
    body: bytes = b"",
    version: tuple[int, int] = (1, 0),
) -> bytes:
    """A .npy file whose header may promise anything."""
    return raw_npy(
        f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n",
        body,
        version,
    )


def raw_npy(header: str, body: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    length = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header.encode() + body


FOUR = npy("(4,)", body=np.arange(4.0).tobytes())


POSIX = pytest.mark.skipif(
    sys.platform == "win32", reason="modes, links, limits and signals of POSIX"
)


def disturbed(
    code: str, *argv: str, before: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command line in its own process, which runs `code` after the first slab."""
    program = f"""
import os, signal, sys
from pathlib import Path
from fastloss.app import cli, samples
from fastloss.app.progress import Progress
{before}
samples.SLAB_BYTES = 256
def after_a_slab(self, share):
    type(self).__call__ = lambda self, share: None
{"".join(f"    {line}{chr(10)}" for line in code.splitlines())}
Progress.__call__ = after_a_slab
sys.exit(cli.main(sys.argv[1:]))
"""
    return subprocess.run(
        [sys.executable, "-c", program, *argv],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


SMALL_FILES = """\
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"""


# --- .npy


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy("(9223372036854775808,)"), "impossible shape"),
        (npy("(0, 9223372036854775808)"), "impossible shape"),
        (npy("(0, 4611686018427387904)"), "impossible shape"),
        (npy("(4611686018427387904,)"), "impossible shape"),
        (npy("(12345678901234567890123456,)"), "impossible shape"),
        (npy("(-4,)", body=bytes(32)), "impossible shape (-4,)"),
        (npy("(-2, -2)", body=bytes(32)), "impossible shape (-2, -2)"),
        (npy(f"({'1,' * 70})", body=bytes(32)), "impossible shape"),
        (npy("(4.0,)", body=bytes(32)), "header"),
        (npy("(4,)", body=bytes(31)), "promises 32 bytes of numbers, 31 are there"),
        (npy("(4,)", "'|O'", bytes(32)), "holds object"),
        (npy("(4,)", "[('a', '<f8'), ('b', '<f4')]", bytes(48)), "holds [('a',"),
        (npy("(4,)", "('<f8', (2,))", bytes(64)), "holds"),
        (npy("(4,)", "('<f8',)", bytes(32)), "header"),
        (npy("(4,)", "'<c16'", bytes(64)), "holds complex128"),
        (npy("(4,)", version=(9, 0), body=bytes(32)), "version (9, 0)"),
        (raw_npy("-" * 9000), "header"),
        (raw_npy("(" * 9000), "header"),
        (raw_npy("__import__('os').abort()"), "header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{", "header"),
        (FOUR[:20], "header"),
        (b"", "header"),
    ],
)
def test_hostile_npy(
    content: bytes, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.zeros(4))
    Path("x.npy").write_bytes(content)
    line = complaint(capsys, *MSE, "y.npy", "x.npy")
    assert line.startswith("fastloss: x.npy: ")
    assert words in line


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions_of_npy(
    version: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("x.npy").write_bytes(npy("(2,)", "'>f8'", struct.pack(">2d", 1, 3), version))
    save(y=np.zeros(2))
    assert number(capsys, "--loss", "mse", "y.npy", "x.npy") == 5


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("shape", [(101, 3), (3, 101), (50, 2, 5)])
def test_fortran_order(
    shape: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(5)
    y_true, y_pred = rng.normal(size=shape), rng.normal(size=shape)
    save(y=y_true, x=y_pred, f=np.asfortranarray(y_pred))
    argv = ("--loss", "mse", "y.npy", "f.npy", "--grad", "g.npy")
    value, grad = fl.mse.value_and_grad(y_true, y_pred)
    assert number(capsys, *argv) == pytest.approx(value, rel=1e-15)
    np.testing.assert_array_max_ulp(np.load("g.npy"), grad, maxulp=SLAB_ULP)


def test_fortran_order_stays_in_bounded_memory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "SLAB_BYTES", 1 << 17)
    logits = np.random.default_rng(5).normal(size=(1 << 17, 8))
    save(y=np.zeros(1 << 17, np.int8), x=np.asfortranarray(logits))
    argv = ("--loss", "scce", "--from-logits", "y.npy", "x.npy")
    tracemalloc.start()
    try:
        number(capsys, *argv)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_shapes_are_checked_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files may be larger than memory."""

    def unread(self: files.FileArray, rows: slice) -> np.ndarray:
        raise AssertionError("read")

    monkeypatch.setattr(files.FileArray, "__getitem__", unread)
    save(y=np.zeros((30, 2)), x=np.zeros((30, 3)), i=np.zeros((40, 3), int))
    for name, shape in (("x.npy", "(30, 3)"), ("i.npy", "(40, 3)")):
        line = complaint(capsys, *MSE, "y.npy", name)
        assert "(30, 2)" in line
        assert shape in line
    for loss in ("scce", "cce"):
        assert "(40, 3)" in complaint(capsys, "eval", "--loss", loss, "y.npy", "i.npy")
    argv = (*MSE, "x.npy", "x.npy", "--weights", "y.npy")
    assert "sample_weight has shape (30, 2)" in complaint(capsys, *argv)


@pytest.mark.usefixtures("small_slabs")
def test_a_weight_for_all(capsys: pytest.CaptureFixture[str]) -> None:
    y_true, y_pred = regression(100)
    save(y=y_true, x=y_pred, w=2.0)
    argv = ("--loss", "mse", "y.npy", "x.npy", "--weights", "w.npy")
    expected = fl.mse(y_true, y_pred)
    assert number(capsys, *argv) == pytest.approx(expected, rel=1e-15)
    argv += ("--reduction", "sum", "--grad", "g.npy")
    assert number(capsys, *argv) == pytest.approx(200 * expected, rel=1e-15)
    grad = fl.mse.grad(y_true, y_pred, sample_weight=2.0, reduction="sum")
    np.testing.assert_array_equal(np.load("g.npy"), grad)


def test_a_file_that_shrinks() -> None:
    save(y=np.zeros(1000), x=np.zeros(1000), g=[1.0])
    argv = (*MSE, "y.npy", "x.npy", "--grad", "g.npy")
    done = disturbed("os.truncate('x.npy', 200)", *argv)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "fastloss: x.npy: ends early: it has become shorter\n"
    assert np.load("g.npy") == [1.0]
    assert sorted(os.listdir()) == ["g.npy", "x.npy", "y.npy"]


def test_no_memory(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*arguments: object, **options: object) -> None:
        raise MemoryError

    save(y=np.zeros(4))
    with monkeypatch.context() as patch:
        patch.setattr(np, "empty", exhausted)
        line = complaint(capsys, *MSE, "y.npy", "y.npy")
    assert line == "fastloss: y.npy: not enough memory\n"
    monkeypatch.setattr(cli, "evaluate", exhausted)
    line = complaint(capsys, *MSE, "y.npy", "y.npy")
    assert line == "fastloss: not enough memory\n"


# --- what is not a file


@POSIX
@pytest.mark.parametrize("suffix", ["npy", "npz", "csv"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_only_regular_files(
    kind: str, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.zeros(4))
    name = f"x.{suffix}"
    if kind == "folder":
        os.mkdir(name)
    elif kind == "pipe":
        os.mkfifo(name)
    else:
        os.symlink("/dev/zero", name)
    line = complaint(capsys, *MSE, "y.npy", name)
    assert line == f"fastloss: {name}: is not a regular file\n"


# --- .npz


def archive(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as packed:
        packed.writestr("a.npy", content)
    return bytearray(target.getvalue())


def corrupt() -> bytes:
    content = archive(FOUR)
    for i in range(60, 90):
        content[i] ^= 0x55
    return content


def wrong_sum() -> bytes:
    content = archive(FOUR, zipfile.ZIP_STORED)
    content[content.index(FOUR) + len(FOUR) - 1] ^= 1
    return content


def encrypted() -> bytes:
    content = archive(FOUR)
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return content


def unknown_method() -> bytes:
    content = archive(FOUR)
    content[8] = 77
    content[content.rindex(b"PK\x01\x02") + 10] = 77
    return content


def longer_than_stated() -> bytes:
    """The directory agrees with the header, the member unpacks to more."""
    content = archive(FOUR + bytes(3_000_000))
    size = content.rindex(b"PK\x01\x02") + 24
    content[size : size + 4] = struct.pack("<I", len(FOUR))
    return content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (corrupt(), "damaged archive: Error -3"),
        (wrong_sum(), "damaged archive: Bad CRC-32"),
        (encrypted(), "a.npy is encrypted or packed by a method"),
        (unknown_method(), "a.npy is encrypted or packed by a method"),
        (archive(FOUR, zipfile.ZIP_LZMA), "numpy.savez_compressed"),
        (archive(FOUR, zipfile.ZIP_BZIP2), "numpy.savez_compressed"),
        (archive(FOUR)[:-30], "damaged archive"),
        (archive(FOUR)[:-6] + b"\xff\xff\xff\x7f\0\0", "damaged archive"),
        (archive(FOUR[:-1]), f"unpacks to {len(FOUR) - 1} bytes"),
        (archive(FOUR + b"x"), f"its header promises {len(FOUR)}"),
        (archive(FOUR + bytes(3_000_000)), f"its header promises {len(FOUR)}"),
        (archive(npy("(4,)", "'|O'", bytes(32))), "holds object"),
        (longer_than_stated(), "damaged archive"),
    ],
)
def test_hostile_npz(
    content: bytes,
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line, and no more unpacked than the header promises."""
    unpacked = []

    def write(file: object, data: bytes, name: str) -> None:
        unpacked.append(len(data))

    monkeypatch.setattr(files, "write", write)
    save(y=np.zeros(4))
    Path("x.npz").write_bytes(content)
    line = complaint(capsys, *MSE, "y.npy", "x.npz")
    assert line.startswith("fastloss: x.npz: ")
    assert words in line
    assert sum(unpacked) <= len(FOUR)


def test_a_header_that_unpacks_to_very_much(
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(y=np.zeros(4))
    header = b"\x93NUMPY\x02\x00\xff\xff\xff\x7f"
    Path("x.npz").write_bytes(archive(header + bytes(50_000_000)))
    tracemalloc.start()
    try:
        line = complaint(capsys, *MSE, "y.npy", "x.npz")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "x.npz: has no valid .npy header" in line
    assert peak < 8 << 20


# --- the file of the gradient


def listing() -> dict[str, bytes]:
    return {name: Path(name).read_bytes() for name in os.listdir()}


@POSIX
def test_files_of_related_names_are_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    y_true, y_pred = regression(10)
    save(y=y_true, x=y_pred, victim=[1.0])
    os.symlink("victim.npy", "g.npy.part")
    Path("h.npy.part").write_text("mine")
    before = listing()
    for name in ("g.npy", "h.npy"):
        number(capsys, "--loss", "mse", "y.npy", "x.npy", "--grad", name)
        np.testing.assert_array_equal(np.load(name), fl.mse.grad(y_true, y_pred))
        assert not os.path.islink(name)
        os.unlink(name)
    complaint(capsys, "eval", "--loss", "hinge", "x.npy", "x.npy", "--grad", "h.npy")
    assert listing() == before


@POSIX
def test_mode_of_the_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    """That of the file that was there, or what the umask leaves."""
    save(y=np.zeros(3), old=[1.0])
    os.chmod("old.npy", 0o640)
    mask = os.umask(0o027)
    try:
        for name in ("old.npy", "new.npy"):
            number(capsys, "--loss", "mse", "y.npy", "y.npy", "--grad", name)
            assert stat.S_IMODE(os.stat(name).st_mode) == 0o640
        os.chmod("old.npy", 0o604)
        number(capsys, "--loss", "mse", "y.npy", "y.npy", "--grad", "old.npy")
        assert stat.S_IMODE(os.stat("old.npy").st_mode) == 0o604
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(mask)


@POSIX
@pytest.mark.usefixtures("small_slabs")
def test_an_incomplete_gradient_is_private(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = set()

    def look(self: object, share: float) -> None:
        (name,) = set(os.listdir()) - {"y.npy", "g.npy"}
        modes.add(stat.S_IMODE(os.stat(name).st_mode))

    monkeypatch.setattr(progress.Progress, "__call__", look)
    save(y=np.zeros(100), g=[1.0])
    number(capsys, "--loss", "mse", "y.npy", "y.npy", "--grad", "g.npy")
    assert modes == {0o600}


@POSIX
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_written_through(
    dangling: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    save(y=np.zeros(3))
    os.mkdir("there")
    if not dangling:
        save(**{"there/g": [1.0]})
    os.symlink("there/g.npy", "g.npy")
    number(capsys, "--loss", "mse", "y.npy", "y.npy", "--grad", "g.npy")
    assert os.readlink("g.npy") == "there/g.npy"
    assert np.load("there/g.npy").shape == (3,)
    assert os.listdir("there") == ["g.npy"]


@POSIX
def test_targets_that_are_no_files(capsys: pytest.CaptureFixture[str]) -> None:
    save(y=np.zeros(3))
    os.mkfifo("pipe.npy")
    os.mkdir("folder.npy")
    os.symlink("loop.npy", "loop.npy")
    before = sorted(os.listdir())
    for name in ("pipe.npy", "folder.npy", "loop.npy"):
        line = complaint(capsys, *MSE, "y.npy", "y.npy", "--grad", name)
        assert line.startswith(f"fastloss: {name}: ")
    line = complaint(capsys, *MSE, "y.npy", "y.npy", "--grad", "no/g.npy")
    assert line == "fastloss: no/g.npy: No such file or directory\n"
    assert sorted(os.listdir()) == before


@POSIX
def test_the_gradient_may_not_replace_an_input(
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.savez("y.npz", np.zeros(3))
    os.symlink("y.npz", "g.npy")
    line = complaint(capsys, *MSE, "y.npz:arr_0", "y.npz", "--grad", "g.npy")
    assert "--grad g.npy is one of the inputs" in line


@pytest.mark.usefixtures("small_slabs")
def test_two_runs_with_one_gradient_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins and ends while the first is at work; the first is last."""
    save(zero=np.zeros(100), one=np.ones(100))
    codes = []

    def another(self: object, share: float) -> None:
        monkeypatch.setattr(progress.Progress, "__call__", lambda self, share: None)
        codes.append(cli.main([*MSE, "zero.npy", "zero.npy", "--grad", "g.npy"]))
        assert not np.load("g.npy").any()

    monkeypatch.setattr(progress.Progress, "__call__", another)
    codes.append(cli.main([*MSE, "zero.npy", "one.npy", "--grad", "g.npy"]))
    assert codes == [0, 0]
    assert capsys.readouterr().out == "0.0\n1.0\n"
    np.testing.assert_allclose(np.load("g.npy"), np.full(100, 0.02))
    assert sorted(os.listdir()) == ["g.npy", "one.npy", "zero.npy"]


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_end_in_order(name: str) -> None:
    save(y=np.zeros(1000), x=np.ones(1000), g=[1.0])
    Path("w.csv").write_text("1\n" * 1000)
    os.mkdir("scratch")
    names = ["y.npy", "x.npy", "w.csv", "g.npy"]
    before = {name: os.stat(name).st_mtime_ns for name in names}
    done = disturbed(
        f"assert len(os.listdir()) == 6\nos.kill(os.getpid(), signal.{name})",
        *(*MSE, "y.npy", "x.npy", "--weights", "w.csv", "--grad", "g.npy"),
        TMPDIR="scratch",
    )
    assert done.returncode == 128 + signal.Signals[name]
    assert (done.stdout, done.stderr) == ("", "")
    assert {name: os.stat(name).st_mtime_ns for name in names} == before
    assert sorted(os.listdir()) == sorted([*names, "scratch"])
    assert os.listdir("scratch") == []


@POSIX
def test_a_second_signal_does_not_stop_the_cleaning() -> None:
    save(y=np.zeros(1000))
    code = """\
unlink = Path.unlink
def slowly(path, **options):
    os.kill(os.getpid(), signal.SIGHUP)
    unlink(path, **options)
Path.unlink = slowly
os.kill(os.getpid(), signal.SIGTERM)"""
    done = disturbed(code, *MSE, "y.npy", "y.npy", "--grad", "g.npy")
    assert done.returncode == 128 + signal.SIGTERM
    assert os.listdir() == ["y.npy"]


@POSIX
def test_a_run_that_ignores_hangups_goes_on() -> None:
    save(y=np.zeros(1000))
    done = disturbed(
        "os.kill(os.getpid(), signal.SIGHUP)",
        *(*MSE, "y.npy", "y.npy"),
        before="signal.signal(signal.SIGHUP, signal.SIG_IGN)",
    )
    assert (done.returncode, done.stdout) == (0, "0.0\n")


@POSIX
def test_signals_are_as_before_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    save(y=np.zeros(3))
    number(capsys, "--loss", "mse", "y.npy", "y.npy")
    assert [signal.getsignal(number) for number in numbers] == before


@POSIX
def test_a_full_disk() -> None:
    save(y=np.zeros(1000))
    done = disturbed(
        "pass",
        *(*MSE, "y.npy", "y.npy", "--grad", "g.npy"),
        before=SMALL_FILES,
    )
    assert done.returncode == 2
    assert done.stderr == "fastloss: g.npy: File too large\n"
    assert os.listdir() == ["y.npy"]


@POSIX
@pytest.mark.parametrize(("old", "form"), [(None, ()), ("old", ("--json",))])
def test_a_full_disk_for_the_output(old: str | None, form: tuple[str, ...]) -> None:
    rows = "".join(f"group {k},0,1\n" for k in range(500))
    Path("t.csv").write_text(f"k,y,p\n{rows}")
    if old:
        Path("out").write_text(old)
    before = sorted(os.listdir())
    columns = ("--true", "y", "--pred", "p", "--by", "k")
    done = disturbed(
        "pass",
        *(*MSE, *columns, *form, "t.csv", "--output", "out"),
        before=SMALL_FILES,
    )
    assert done.returncode == 2
    assert done.stderr == "fastloss: out: File too large\n"
    assert sorted(os.listdir()) == before
    assert old is None or Path("out").read_text() == old


@POSIX
def test_a_full_folder_for_temporary_files() -> None:
    save(y=np.zeros(1000))
    np.savez_compressed("x.npz", np.random.default_rng(0).random(1000))
    done = disturbed(
        "pass",
        *(*MSE, "y.npy", "x.npz"),
        before=SMALL_FILES,
        TMPDIR=".",
    )
    assert done.returncode == 2
    assert "(folder for temporary files): File too large" in done.stderr
