"""Files as arrays: opened without trust, read in slabs, replaced when complete.

Nothing is mapped into memory: a mapped file that shrinks ends the process with a bus
error, one that is read ends early and can say so.
"""

from __future__ import annotations

import glob
import io
import itertools
import math
import os
import re
import stat
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import EllipsisType
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from fastloss.app import tables

Array: TypeAlias = npt.NDArray[Any]

#: More than the header of any array of numbers needs; longer ones are refused unread.
HEADER_BYTES = 1 << 14
PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class FileArray:
    """An array of numbers in an open file, read row by row of its leading axis.

    Attributes
    ----------
    name : str
        What errors call it.
    file : unbuffered file
        Closed with the array.
    dtype : dtype
    shape : tuple of int
    offset : int
        Where the numbers begin.
    fortran : bool
        Whether the leading axis varies fastest.
    """

    name: str
    file: io.FileIO
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    fortran: bool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.file.close()

    def __getitem__(self, rows: slice | EllipsisType) -> Array:
        """The rows of a slice of step 1, or all of the array.

        Raises
        ------
        ValueError
            If the file has become shorter.
        """
        shape = self.shape
        total = shape[0] if shape else 1
        start, stop, _ = (slice(None) if rows is ... else rows).indices(total)
        each = math.prod(shape[1:])
        # In Fortran order the rows of each column lie together; all rows are one run.
        columns = max(1, each) if self.fortran and stop - start < total else 1
        with naming(self.name):
            block = np.empty((columns, (stop - start) * each // columns), self.dtype)
            for column in range(columns):
                first = column * total + start if columns > 1 else start * each
                self.file.seek(self.offset + first * self.dtype.itemsize)
                rest = block[column].view(np.uint8).data
                while rest:
                    count = self.file.readinto(rest)
                    if not count:
                        raise ValueError("ends early: it has become shorter")
                    rest = rest[count:]
        if not shape:
            return block.reshape(())
        shape = (stop - start, *shape[1:])
        return block.reshape(shape[::-1]).T if self.fortran else block.reshape(shape)


def open_array(name: str) -> FileArray:
    """Open the array of a file.

    Parameters
    ----------
    name : str
        ``file.npy``, ``file.npz`` (the only array inside) or ``file.npz:key``.

    Raises
    ------
    ValueError
        If the file is not what its name says; the message names it.
    OSError
        If it cannot be read.

    Notes
    -----
    An array that is packed in an .npz file is copied into a nameless temporary file.
    """
    path, part = split_name(name)
    suffix = Path(path).suffix.lower()
    if suffix not in (".npy", ".npz"):
        raise ValueError(
            f"{name}: expected a .parquet, .arrow, .feather, .csv, .tsv, .npy or .npz "
            "file"
        )
    with naming(name), ExitStack() as opened:
        file = opened.enter_context(_open_regular(Path(path)))
        if suffix == ".npy":
            array = _npy(name, file)
        else:
            with naming(_scratch()):
                copy = opened.enter_context(tempfile.TemporaryFile(buffering=0))
            _unpack(file, Path(path).name, part, copy)
            array = _npy(name, copy)
        opened.pop_all()
        if array.file is not file:
            file.close()
        return array


def split_name(name: str) -> tuple[str, str | None]:
    """The path in ``file.npz:key`` or ``file.csv:column``, and what follows it."""
    for match in re.finditer(":", name):
        path = name[: match.start()]
        if path.lower().endswith(".npz") or tables.is_table(path):
            return path, name[match.end() :]
    return name, None


def expand(pattern: str) -> list[str]:
    """The files that a name stands for, in the order of their names."""
    if Path(pattern).exists() or not glob.has_magic(pattern):
        return [pattern]
    found = sorted(glob.glob(pattern))
    if not found:
        raise ValueError(f"{pattern}: no file has such a name")
    return found


def needs(package: str, extra: str, what: str) -> None:
    """Raise unless a package of one of the extras is installed."""
    if find_spec(package) is None:
        raise ImportError(
            f"{what}, which is not installed: pip install 'fastloss[{extra}]'"
        )


def write(file: io.FileIO, data: bytes | Array, name: str) -> None:
    """Write bytes or the elements of a C-ordered array; errors say `name`."""
    array = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    rest = array.reshape(-1).view(np.uint8).data
    with naming(name):
        while rest:
            rest = rest[file.write(rest) :]


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Let errors say which file they are about."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), name) from None
    except MemoryError as error:
        raise MemoryError(f"{name}: {str(error) or 'not enough memory'}") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _open_regular(path: Path) -> io.FileIO:
    """Open what has a size and an end; a pipe would block, a device never end."""

    def regular(name: str, flags: int) -> int:
        descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ValueError("is not a regular file")
        return descriptor

    return io.FileIO(path, "rb", opener=regular)


class _Layout(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    fortran: bool

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _layout(head: bytes) -> _Layout:
    """What the header of a .npy file promises."""
    source = io.BytesIO(head)
    try:
        with warnings.catch_warnings(action="ignore"):
            version = np.lib.format.read_magic(source)
            # Version 3 is version 2 with names of fields in UTF-8.
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
                (3, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if read_header is None:
                raise ValueError(f"version {version} is not known")
            shape, fortran, dtype = read_header(source, HEADER_BYTES)
    except Exception as error:
        # The header is Python source: what its parser raises has no bounds.
        what = str(error).partition("\n")[0] or type(error).__name__
        raise ValueError(f"has no valid .npy header: {what}") from None
    if dtype.kind not in "biuf":
        raise ValueError(f"holds {dtype}: expected plain booleans, integers or floats")
    try:
        np.broadcast_to(np.zeros((), dtype), shape)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"has the impossible shape {shape}: {error}") from None
    return _Layout(dtype, shape, source.tell(), fortran)


def _npy(name: str, file: io.FileIO) -> FileArray:
    file.seek(0)
    layout = _layout(file.read(HEADER_BYTES))
    there = os.fstat(file.fileno()).st_size - layout.offset
    if layout.nbytes > there:
        raise ValueError(
            f"is incomplete: its header promises {layout.nbytes} bytes of "
            f"numbers, {there} are there"
        )
    return FileArray(name, file, *layout)


def _scratch() -> str:
    return f"{tempfile.gettempdir()} (folder for temporary files)"


def _unpack(source: io.FileIO, stem: str, key: str | None, target: io.FileIO) -> None:
    """Copy one .npy file out of an archive, and no more than its header promises."""
    with _damage():
        archive = zipfile.ZipFile(source)
    keys = [n[: -len(".npy")] for n in archive.namelist() if n.endswith(".npy")]
    if key is None and len(keys) == 1:
        key = keys[0]
    if key not in keys:
        raise ValueError(
            f"name one of the arrays inside: {tables.offers(f'{stem}:', keys)}"
        )
    member = archive.getinfo(f"{key}.npy")
    # The other methods know no bound for what a piece unpacks to.
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if member.flag_bits & 1 or member.compress_type not in methods:
        raise ValueError(
            f"{member.filename} is encrypted or packed by a method that NumPy does not "
            "write: save it with numpy.savez_compressed"
        )
    pieces = _pieces(archive, member)
    head = next(pieces, b"")
    layout = _layout(head[:HEADER_BYTES])
    if member.file_size != layout.offset + layout.nbytes:
        raise ValueError(
            f"{member.filename} unpacks to {member.file_size} bytes, its header "
            f"promises {layout.offset + layout.nbytes}"
        )
    for piece in itertools.chain([head], pieces):
        write(target, piece, _scratch())


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with _damage(), archive.open(member) as source:
        while piece := source.read(PIECE_BYTES):
            yield piece


@contextmanager
def _damage() -> Iterator[None]:
    """One kind of error for the many that zipfile and its codecs raise."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        what = str(error) or type(error).__name__
        raise ValueError(f"is a damaged archive: {what}") from None


@contextmanager
def replacing(path: Path) -> Iterator[io.FileIO]:
    """A private file that takes the place of `path` when the block is complete.

    An error, also one raised by a signal, leaves `path` alone and removes the file. The
    mode of a file that was there is kept. A symbolic link stays: what it points at is
    replaced.
    """
    target = Path(os.path.realpath(path))
    with _naming_only(str(path)):
        mode = _mode(target)
        handle, part = tempfile.mkstemp(prefix="fastloss-", dir=target.parent)
    try:
        with io.FileIO(handle, "wb") as file:
            yield file
        with _naming_only(str(path)):
            os.chmod(part, mode)
            os.replace(part, target)
    finally:
        Path(part).unlink(missing_ok=True)


@contextmanager
def _naming_only(name: str) -> Iterator[None]:
    """Let errors about whatever file speak of this one."""
    try:
        with naming(name):
            yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from None


def _mode(path: Path) -> int:
    """Permissions of a file that is there, or those of a new one."""
    try:
        status = path.stat()
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("is not a regular file")
    return stat.S_IMODE(status.st_mode) & 0o777
