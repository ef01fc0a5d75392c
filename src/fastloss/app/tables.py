"""The numbers of a CSV file: which line is a header, and which columns count.

A file is one column of numbers or, where a loss takes a row of classes, one column for
each class. ``file.csv:column`` takes a column by the name in its header, and
``file.csv:a,b`` several.

The first line is a header if a column is named or if its first cell is not a number.
A first column without a name, the index that pandas writes, is left out. Names that are
numbers are data: only in front of numbers that are not all whole is a first line
``0,1,2``, the default header of pandas, an error.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TextIO, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

#: A longer line is refused, so that a file without line ends takes no more memory.
LINE_CHARACTERS = 1 << 24
BATCH_CELLS = 1 << 13
#: Class numbers pass through float64, which has all whole numbers up to here.
LARGEST_CLASS = 2**53


class _Batch(NamedTuple):
    lines: list[int]  # the number of the last line of each row
    rows: list[list[str]]


def blocks(
    source: TextIO,
    stem: str,
    selection: str | None,
    classes: bool,
    dtype: np.dtype[Any],
) -> Iterator[Array]:
    """The numbers of a CSV file, some rows at a time.

    Parameters
    ----------
    source : text file
    stem : str
        What to call it where the message offers ``stem:column``.
    selection : str, optional
        The columns that count, with commas.
    classes : bool
        Whether a row has one number for each class, else one number.
    dtype : dtype
        float64 or int64.

    Yields
    ------
    array
        Of shape (rows,) if there is one column, else (rows, columns).

    Raises
    ------
    ValueError
        If a line is not what it should be; the message has its number.
    """
    batches = _batches(source)
    first = next(batches, None)
    if first is None:
        return
    names = [name.strip() for name in first.rows[0]]
    has_header = selection is not None or not (names == [""] or _is_number(names[0]))
    if has_header:
        names[0] = names[0].removeprefix("# ")  # numpy.savetxt(header=...)
        kept = _selected(names, stem, selection)
    else:
        batches = itertools.chain([first], batches)
        kept = range(len(names))
    _check_columns(names if has_header else None, kept, stem, selection, classes)
    default_header = not has_header and names == [str(i) for i in range(len(names))]
    shape = (-1,) if len(kept) == 1 else (-1, len(kept))
    for batch in batches:
        numbers = _numbers(batch, len(names), kept)
        if default_header and not _all_whole(batch):
            raise ValueError(
                f"line {first.lines[0]} is the default header of pandas or data: pick "
                f"columns, as {stem}:{names[0]}, remove the line, or write 0 as 0.0"
            )
        if dtype.kind == "i":
            _check_classes(batch, numbers, kept)
        yield numbers.astype(dtype, copy=False).reshape(shape)


def offers(stem: str, names: Sequence[str]) -> str:
    """``stem:name`` for some names, as one would type them."""
    some = [f"{stem}:{_quoted(name)}" for name in names[:8]]
    return ", ".join(some + ["..."] * (len(names) > 8)) or "none"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"' if re.search('[,"]', name) else name


def _batches(source: TextIO) -> Iterator[_Batch]:
    """The rows that are not blank: first one, then as many as have `BATCH_CELLS`."""
    reader = csv.reader(_lines(source))
    size = 1
    batch = _Batch([], [])
    try:
        for cells in reader:
            if not cells or (len(cells) == 1 and cells[0].isspace()):
                continue
            batch.lines.append(reader.line_num)
            batch.rows.append(cells)
            if len(batch.rows) == size:
                yield batch
                batch = _Batch([], [])
                size = max(1, BATCH_CELLS // len(cells))
    except UnicodeDecodeError:
        raise ValueError("is not text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    if batch.rows:
        yield batch


def _lines(source: TextIO) -> Iterator[str]:
    for number in itertools.count(1):
        line = source.readline(LINE_CHARACTERS + 1)
        if len(line) > LINE_CHARACTERS:
            raise ValueError(
                f"line {number} is longer than {LINE_CHARACTERS} characters"
            )
        if not line:
            return
        yield line


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _selected(names: list[str], stem: str, selection: str | None) -> Sequence[int]:
    if selection is None:
        return range(1 if len(names) > 1 and not names[0] else 0, len(names))
    try:
        wanted = next(csv.reader([selection])) or [""]
    except csv.Error as error:
        raise ValueError(f"{_shown(selection)} names no columns: {error}") from None
    for name in wanted:
        if names.count(name) != 1:
            number = "no column" if name not in names else "several columns"
            raise ValueError(
                f"{number} named {_shown(name)}; there are {offers(stem, names)}"
            )
    return [names.index(name) for name in wanted]


def _check_columns(
    names: list[str] | None,
    kept: Sequence[int],
    stem: str,
    selection: str | None,
    classes: bool,
) -> None:
    if classes and len(kept) == 1:
        raise ValueError("one column, where the loss takes one for each class")
    if classes or len(kept) == 1 or selection is not None:
        return
    remedy = (
        "put a line of names on top and name one, or save a table as .npy"
        if names is None
        else f"name one: {offers(stem, [names[k] for k in kept])}"
    )
    raise ValueError(f"{len(kept)} columns, where the loss takes one: {remedy}")


def _numbers(batch: _Batch, columns: int, kept: Sequence[int]) -> Array:
    try:
        if set(map(len, batch.rows)) != {columns}:
            raise ValueError
        texts = [cells[k] for cells in batch.rows for k in kept]
        if "_" in "".join(texts):
            raise ValueError
        numbers = np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        raise ValueError(_complaint(batch, columns, kept)) from None
    return numbers.reshape(len(batch.rows), len(kept))


def _complaint(batch: _Batch, columns: int, kept: Sequence[int]) -> str:
    for line, cells in zip(batch.lines, batch.rows, strict=True):
        if len(cells) != columns:
            return f"line {line} has {len(cells)} columns; expected {columns}"
        for k in kept:
            if not _is_number(cells[k]):
                return f"line {line}: {_shown(cells[k].strip())} is not a number"
    raise AssertionError("a batch without fault")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _all_whole(batch: _Batch) -> bool:
    text = "".join(cell for cells in batch.rows for cell in cells)
    return re.fullmatch(r"[-\d\s]*", text) is not None


def _check_classes(batch: _Batch, numbers: Array, kept: Sequence[int]) -> None:
    good = (numbers == np.rint(numbers)) & (np.abs(numbers) <= LARGEST_CLASS)
    if not good.all():
        row, k = np.argwhere(~good)[0]
        cell = batch.rows[row][kept[k]].strip()
        line = batch.lines[row]
        raise ValueError(f"line {line}: {_shown(cell)} is not a class number")
