"""Tables of named columns, read batch by batch with pyarrow: Parquet, Arrow, CSV.

A CSV file has a header if a column is picked by name or if its first cell is not a
number. A first column without a name, the index that pandas writes, is left out where
columns are not picked. Names that are numbers are data: only in front of numbers that
are not all whole is a first line ``0,1,2``, the default header of pandas, an error.
"""

from __future__ import annotations

import csv
import io
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

Array: TypeAlias = npt.NDArray[Any]

STDIN = "-"
SUFFIX = re.compile(
    r"\.(?:(?P<parquet>parquet|pq)|(?P<arrow>arrow|arrows|feather|ipc)"
    r"|(?P<csv>csv|tsv)(?:\.(?:gz|bz2|zst|lz4))?)$",
    re.IGNORECASE,
)

#: Text that pyarrow reads at once. A longer line is refused, so that a file without
#: line ends takes no more memory.
BLOCK_BYTES = 1 << 22
#: Text in which the header is looked for.
PEEK_BYTES = 1 << 16
PARQUET_BUFFER_BYTES = 1 << 20

_INDEX = re.compile(r"|__index_level_\d+__")
_ROW = re.compile(r"\bRow #(\d+): ")


@dataclass
class Table:
    """A table in a file.

    Attributes
    ----------
    name : str
        What errors call it.
    names : list of str or None
        Of the columns; None where a CSV file has no header.
    types : list of pyarrow.DataType or None
        None of text.
    rows, nbytes : int or None
        None where this is known at the end only.
    """

    name: str
    names: list[str] | None
    types: list[pa.DataType] | None
    rows: int | None
    nbytes: int | None
    position: int = field(default=0, init=False)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.names or ())

    def batches(
        self, columns: Sequence[int], rows: int, texts: Sequence[int]
    ) -> Iterator[pa.RecordBatch]:
        """The columns of these numbers, from the first row on.

        Parameters
        ----------
        columns : sequence of int
            Of different numbers.
        rows : int
            About as many at once.
        texts : sequence of int
            Which of them are not numbers, where a file does not say.
        """
        raise NotImplementedError

    def select(self, wanted: Sequence[str] | None, remedy: str) -> list[int]:
        """Numbers of the columns of these names, or of all but an index."""
        if self.names is None:
            if wanted is None:
                return list(range(self.width))
            raise ValueError("has no line of names on top: no column can be named")
        if wanted is None:
            index = len(self.names) > 1 and _INDEX.fullmatch(self.names[0])
            return list(range(1 if index else 0, len(self.names)))
        for name in wanted:
            if self.names.count(name) != 1:
                number = "no column" if name not in self.names else "several columns"
                raise ValueError(
                    f"{number} named {shown(name)}; there are "
                    + offers(remedy, self.names)
                )
        return [self.names.index(name) for name in wanted]


def is_table(path: str) -> bool:
    """Whether a file of this name is read by pyarrow."""
    return path == STDIN or SUFFIX.search(path) is not None


def open_table(path: str, picked: bool) -> Table:
    """Open a table and read what it says about its columns.

    Parameters
    ----------
    path : str
        ``-`` is standard input: text, or an Arrow stream.
    picked : bool
        Whether columns are picked by name: then a CSV file has a header.
    """
    _require()
    if path == STDIN:
        source = _Replay(sys.stdin.buffer)
        with arrow_errors():
            return _open_stream(source, picked)
    status = Path(path).stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("is not a regular file")
    match = SUFFIX.search(path)
    assert match is not None
    with arrow_errors():
        if match["parquet"]:
            return _Parquet(path, status.st_size)
        if match["arrow"]:
            return _Arrow(path, status.st_size)
        return _Csv(path, status.st_size, picked)


def _require() -> None:
    from fastloss.app.files import needs

    needs("pyarrow", "files", "tables are read with pyarrow")


@contextmanager
def arrow_errors() -> Iterator[None]:
    """Errors of pyarrow in one line, as the built-in ones they are."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowMemoryError:
        raise MemoryError("not enough memory for a batch of rows") from None
    except (pa.ArrowException, KeyError) as error:
        raise ValueError(_first_line(error)) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"is damaged: {_first_line(error)}") from None


def _first_line(error: BaseException) -> str:
    text = str(error).strip().partition("\n")[0]
    return text if len(text) <= 300 else f"{text[:297]}..."


class _Parquet(Table):
    def __init__(self, path: str, size: int) -> None:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
        super().__init__(path, schema.names, schema.types, rows, size)

    def batches(
        self, columns: Sequence[int], rows: int, texts: Sequence[int]
    ) -> Iterator[pa.RecordBatch]:
        import pyarrow.parquet as pq

        assert self.names is not None
        names = [self.names[k] for k in columns]
        # With a buffer pages are read as they are needed, not whole row groups.
        options = {"buffer_size": PARQUET_BUFFER_BYTES, "pre_buffer": False}
        with arrow_errors(), pq.ParquetFile(self.name, **options) as file:
            done = 0
            for batch in file.iter_batches(rows, columns=names):
                done += len(batch)
                self.position = (self.nbytes or 0) * done // max(1, self.rows or 0)
                yield batch.select(names)


class _Arrow(Table):
    """Arrow's file format, which is Feather's, or its stream."""

    def __init__(self, path: str, size: int) -> None:
        import pyarrow as pa

        with pa.OSFile(path) as file:
            self._is_stream = file.read(6) != b"ARROW1"
            if self._is_stream and path.lower().endswith("feather"):
                raise ValueError("is no Feather file of version 2: write it again")
            with self._reader(file) as reader:
                schema = reader.schema
        super().__init__(path, schema.names, schema.types, None, size)

    def _reader(self, file: Any) -> Any:
        import pyarrow as pa

        file.seek(0)
        return pa.ipc.open_stream(file) if self._is_stream else pa.ipc.open_file(file)

    def batches(
        self, columns: Sequence[int], rows: int, texts: Sequence[int]
    ) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        with arrow_errors(), pa.OSFile(self.name) as file:
            reader = self._reader(file)
            numbers = range(0 if self._is_stream else reader.num_record_batches)
            stream = reader if self._is_stream else map(reader.get_batch, numbers)
            for batch in stream:
                batch.validate(full=True)
                self.position = file.tell()
                yield batch.select(columns)


class _Stream(Table):
    """An Arrow stream that is read once."""

    def __init__(self, source: Any) -> None:
        import pyarrow as pa

        self._reader = pa.ipc.open_stream(source)
        schema = self._reader.schema
        super().__init__("standard input", schema.names, schema.types, None, None)

    def batches(
        self, columns: Sequence[int], rows: int, texts: Sequence[int]
    ) -> Iterator[pa.RecordBatch]:
        with arrow_errors():
            for batch in self._reader:
                batch.validate(full=True)
                yield batch.select(columns)


class _Csv(Table):
    def __init__(
        self,
        path: str,
        size: int | None,
        picked: bool,
        head: bytes = b"",
        source: Any = None,
    ) -> None:
        import pyarrow as pa

        self._source = source
        self._path = path
        self._tabs = path.lower().rpartition(".tsv")[1] != ""
        if source is None:
            with pa.input_stream(path, compression="detect") as file:
                head = file.read(PEEK_BYTES)
        name = "standard input" if path == STDIN else path
        try:
            lines = _lines(head, whole=len(head) < PEEK_BYTES)
        except UnicodeDecodeError:
            raise ValueError("is not text in UTF-8") from None
        try:
            rows = csv.reader(lines, delimiter="\t" if self._tabs else ",")
            self._head = [row for row in rows if row]
        except csv.Error as error:
            raise ValueError(f"{error} in the first lines") from None
        if not self._head:
            raise ValueError("no numbers in it")
        first = [cell.strip() for cell in self._head[0]]
        self._width = len(first)
        self._has_header = picked or not (first == [""] or is_number(first[0]))
        names = None
        if self._has_header:
            first[0] = first[0].removeprefix("# ")  # numpy.savetxt(header=...)
            names = first
        super().__init__(name, names, None, None, size)
        default = [str(k) for k in range(self._width)]
        self._default_header = not self._has_header and first == default
        if self._default_header and not all(
            re.fullmatch(r"\s*-?\d*\s*", cell) for row in self._head[1:] for cell in row
        ):
            raise self._default_header_error()

    def _default_header_error(self) -> ValueError:
        return ValueError(
            "the first line is the default header of pandas or data: pick columns, as "
            f"{self.name}:0, remove the line, or write 0 as 0.0"
        )

    @property
    def width(self) -> int:
        return self._width

    def batches(
        self, columns: Sequence[int], rows: int, texts: Sequence[int]
    ) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import csv as text

        names = [f"{k}" for k in range(self._width)]
        types = {names[k]: self._type(k, k in texts) for k in columns}
        with arrow_errors():
            # Without threads errors have the number of the row, and it is not slower.
            reading = text.ReadOptions(
                use_threads=False,
                block_size=BLOCK_BYTES,
                column_names=names,
                skip_rows_after_names=int(self._has_header),
            )
            parsing = text.ParseOptions(
                delimiter="\t" if self._tabs else ",",
                newlines_in_values=True,
                invalid_row_handler=_blank_or_error,
            )
            converting = text.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            )
            raw = self._source or pa.OSFile(self._path)
            with raw:
                packed = self._path.lower().rpartition(".")[2]
                packed = {"bz2": "bz2", "gz": "gzip", "lz4": "lz4"}.get(packed, packed)
                stream: Any = raw
                if packed in ("bz2", "gzip", "lz4", "zst"):
                    stream = pa.CompressedInputStream(
                        raw, packed.replace("zst", "zstd")
                    )
                with self._naming_rows():
                    for batch in text.open_csv(stream, reading, parsing, converting):
                        if self._source is None:
                            self.position = raw.tell()
                        if self._default_header:
                            self._check_default_header(batch)
                        yield batch

    def _type(self, column: int, is_text: bool) -> Any:
        import pyarrow as pa

        if is_text:
            return pa.dictionary(pa.int32(), pa.string())
        body = self._head[int(self._has_header) :]
        cell = body[0][column] if body and column < len(body[0]) else ""
        return pa.bool_() if cell.strip().lower() in ("true", "false") else pa.float64()

    def _check_default_header(self, batch: pa.RecordBatch) -> None:
        for column in batch.columns:
            numbers = np.asarray(column)
            if numbers.dtype.kind == "f" and np.any(numbers != np.rint(numbers)):
                raise self._default_header_error()

    @contextmanager
    def _naming_rows(self) -> Iterator[None]:
        """Let errors of pyarrow say column and row in our way."""
        try:
            yield
        except ValueError as error:
            raise ValueError(self._complaint(_first_line(error))) from None

    def _complaint(self, message: str) -> str:
        at = ""
        if row := _ROW.search(message):
            at = f"row {int(row[1]) - 1 - self._has_header}: "
        if bad := re.match(
            r"In CSV column #(\d+): .*conversion error to (\w+)[^:]*: invalid value "
            r"'(.*?)'?$",
            message,
            re.DOTALL,
        ):
            column = int(bad[1])
            name = "" if self.names is None else f"column {shown(self.names[column])}, "
            kind = "a number" if bad[2] == "double" else "true or false, as the first"
            return f"{name}{at}{shown(bad[3].strip())} is not {kind}"
        if cells := re.search(r"Expected (\d+) columns, got (\d+)", message):
            return f"{at}{cells[2]} columns; expected {cells[1]}"
        if "straddling" in message:
            return f"a line is longer than {BLOCK_BYTES} bytes"
        if "UTF8" in message:
            return "is not text in UTF-8"
        if message == "Empty CSV file":
            return "no numbers in it"
        return message


def _blank_or_error(row: Any) -> str:
    return "error" if row.text.strip() else "skip"


def _open_stream(source: _Replay, picked: bool) -> Table:
    head = source.peek(PEEK_BYTES)
    for magic, kind in (
        (b"PAR1", "a Parquet"),
        (b"ARROW1", "an Arrow"),
        (b"\x93NUMPY", "an .npy"),
        (b"PK\x03\x04", "an .npz"),
    ):
        if head.startswith(magic):
            raise ValueError(
                f"holds {kind} file, which is not read from its beginning to its end: "
                "give its name"
            )
    if head.startswith(b"\xff\xff\xff\xff"):
        return _Stream(io.BufferedReader(source))
    return _Csv(STDIN, None, picked, head, io.BufferedReader(source))


class _Replay(io.RawIOBase):
    """A stream whose beginning is looked at before it is read, as it can be once."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._head = b""

    def peek(self, size: int) -> bytes:
        """The first `size` bytes, or all there are; they are read again later."""
        while len(self._head) < size:
            more = self._source.read(size - len(self._head))
            if not more:
                break
            self._head += more
        return self._head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """As of any raw stream."""
        data = self._head[: len(buffer)] or self._source.read(len(buffer))
        self._head = self._head[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def _lines(head: bytes, whole: bool) -> list[str]:
    """The lines of the beginning of a text that are complete."""
    if not whole:
        head = head[: head.rfind(b"\n") + 1] or head
    text = head.decode("utf-8-sig", "strict" if whole else "replace")
    return text.splitlines(keepends=True)


def is_number(text: str) -> bool:
    """Whether a cell is a number, as Python writes one, without underscores."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def shown(text: str) -> str:
    """A cell or a name in a message."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def offers(stem: str, names: Sequence[str]) -> str:
    """``stem:name`` for some names, as one would type them."""
    some = [f"{stem}{_quoted(name)}" for name in names[:8]]
    return ", ".join(some + ["..."] * (len(names) > 8)) or "none"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"' if re.search('[,"]', name) else name


# --- columns as arrays


def numbers(column: pa.Array) -> Array:
    """A column of numbers, or of rows of as many numbers each, as an array.

    Raises
    ------
    ValueError
        If an entry is null, or a row of another length: the message begins with
        ``row`` and its number.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        first = int(np.argmax(np.asarray(column.is_null())))
        raise ValueError(f"row {first} is null: fill such rows, or leave them out")
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = np.asarray(column.value_lengths())
        if not len(lengths):
            return np.empty((0, 0))
        if np.any(odd := lengths != lengths[0]):
            row = int(np.argmax(odd))
            raise ValueError(
                f"row {row} has {lengths[row]} numbers, row 0 {lengths[0]}: expected "
                "one for each class"
            )
        return _entries(column.flatten()).reshape(len(column), int(lengths[0]))
    if pa.types.is_fixed_size_list(kind):
        return _entries(column.flatten()).reshape(len(column), kind.list_size)
    return _entries(column)


def _entries(column: pa.Array) -> Array:
    import pyarrow as pa

    if column.null_count:
        raise ValueError("row 0 holds null: fill such rows, or leave them out")
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    array = np.asarray(column.to_numpy(zero_copy_only=False))
    return array.astype(np.float32) if array.dtype == np.float16 else array


def check_type(kind: pa.DataType) -> None:
    """Raise unless `numbers` reads columns of this type."""
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if is_row(inner):
        inner = inner.value_type
    types = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    if not any(is_a(inner) for is_a in (*types, pa.types.is_decimal)):
        raise ValueError(f"holds {kind}: expected numbers or booleans")


def is_row(kind: pa.DataType) -> bool:
    """Whether a cell of this type is a row of numbers."""
    import pyarrow as pa

    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
    )


class Groups:
    """Numbers for the values of a column, in the order in which they are met."""

    MOST = 1_000_000

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def add(self, column: pa.Array | Array) -> npt.NDArray[np.int64]:
        """The number of each entry."""
        if isinstance(column, np.ndarray):
            values, codes = np.unique(column, return_inverse=True)
            return self._of(values.tolist())[codes.reshape(column.shape)]
        import pyarrow as pa

        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode("encode")
        values, codes = column.dictionary.to_pylist(), column.indices
        if codes.null_count:
            codes = codes.fill_null(len(values))
            values.append(None)
        return self._of(values)[np.asarray(codes, np.int64)]

    def _of(self, values: list[Any]) -> npt.NDArray[np.int64]:
        known = self.numbers
        result = [known.setdefault(value, len(known)) for value in values]
        if len(known) > self.MOST:
            raise ValueError(f"holds more than {self.MOST} groups")
        return np.array(result, np.int64)
