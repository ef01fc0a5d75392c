"""Labels, predictions, weights and groups out of files, some rows at a time.

A command names one table and columns of it, or a file for each. Either way there are
feeds: an array in files, or some columns of a table in files. All are read in step.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from fastloss.app import tables
from fastloss.app.files import FileArray, expand, naming, open_array, split_name

Array: TypeAlias = npt.NDArray[Any]

LABEL, PREDICTION, WEIGHT, GROUP = "y_true", "y_pred", "sample_weight", "group"
#: What one would type for each where columns are named.
OPTIONS = {LABEL: "--true ", PREDICTION: "--pred ", WEIGHT: "--weight ", GROUP: "--by "}

#: Bytes of `y_pred` in one batch. What has less is one call of the loss.
SLAB_BYTES = 16 << 20
#: Rows of a table are at least this long to a batch: beside numbers there are others.
LEAST_ROW_BYTES = 8


class Batch(NamedTuple):
    """Rows from `start` on."""

    start: int
    y_true: Array
    y_pred: Array
    weight: Array | None
    group: Array | None


@dataclass(frozen=True)
class Role:
    """What a column is for.

    Attributes
    ----------
    name : str
    columns : sequence of str, optional
        Names of the columns; without, all but an index.
    classes : bool
        Whether a row has one number for each class.
    remedy : str
        What comes before the name of a column where one is offered.
    """

    name: str
    columns: Sequence[str] | None
    classes: bool
    remedy: str


@dataclass
class ArrayFeed:
    """One array in one or several files."""

    role: str
    parts: list[FileArray]
    row_bytes: int = field(init=False)
    position: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        first = self.parts[0]
        for part in self.parts:
            if len(self.parts) > 1 and not (
                part.shape and part.shape[1:] == first.shape[1:]
            ):
                raise ValueError(
                    f"{part.name} has shape {part.shape}, which does not continue "
                    f"{first.name} of shape {first.shape}"
                )
        self.row_bytes = math.prod(first.shape[1:]) * first.dtype.itemsize

    @property
    def roles(self) -> tuple[str, ...]:
        """The one."""
        return (self.role,)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all files as one array."""
        first = self.parts[0].shape
        return first and (sum(part.shape[0] for part in self.parts), *first[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The one that all have, or have in common."""
        return np.result_type(*(part.dtype for part in self.parts))

    @property
    def rows(self) -> int:
        """Of the leading axis."""
        return self.shape[0] if self.shape else 1

    @property
    def nbytes(self) -> int:
        """Of the numbers."""
        return self.rows * self.row_bytes

    def pieces(self, rows: int) -> Iterator[tuple[Array, ...]]:
        """The rows, so many at once."""
        self.position = 0
        for part in self.parts:
            for start in range(0, part.shape[0], rows):
                piece = part[start : start + rows]
                self.position += piece.nbytes
                yield (piece.astype(self.dtype, copy=False),)

    def place(self, row: int) -> tuple[str, int]:
        """The file, and the row in it, of a row."""
        for part in self.parts:
            count = part.shape[0] if part.shape else 1
            if row < count or part is self.parts[-1]:
                break
            row -= count
        return part.name, row


@dataclass
class TableFeed:
    """Columns of a table in one or several files, one or more for each role."""

    files: list[tables.Table]
    parts: list[Role]
    groups: tables.Groups
    row_bytes: int = field(init=False)
    position: int = field(default=0, init=False)
    _columns: list[list[list[int]]] = field(init=False)
    _ends: list[int] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._columns = []
        for table in self.files:
            with naming(table.name):
                self._columns.append([_select(table, role) for role in self.parts])
        wide = [len(columns) for columns in self._columns[0]]
        for table, columns in zip(self.files, self._columns, strict=True):
            if [len(one) for one in columns] != wide:
                raise ValueError(
                    f"{table.name}: other columns than {self.files[0].name}"
                )
        self.row_bytes = LEAST_ROW_BYTES * max(wide)

    @property
    def roles(self) -> tuple[str, ...]:
        """What its columns are for."""
        return tuple(role.name for role in self.parts)

    @property
    def rows(self) -> int | None:
        """None if no file says it."""
        counts = [table.rows for table in self.files]
        return None if None in counts else sum(n for n in counts if n is not None)

    @property
    def nbytes(self) -> int | None:
        """Of the files; None of standard input."""
        sizes = [table.nbytes for table in self.files]
        return None if None in sizes else sum(n for n in sizes if n is not None)

    def pieces(self, rows: int) -> Iterator[tuple[Array, ...]]:
        """The rows, as many at once as there happen to be."""
        self._ends, before = [], 0
        for table, columns in zip(self.files, self._columns, strict=True):
            used = sorted({k for one in columns for k in one})
            texts = [
                k
                for one, role in zip(columns, self.parts, strict=True)
                for k in one
                if role.name == GROUP
            ]
            done = 0
            with naming(table.name):
                for batch in table.batches(used, rows, texts):
                    self.position = before + table.position
                    yield tuple(
                        self._array(table, role, batch, one, used, done)
                        for role, one in zip(self.parts, columns, strict=True)
                    )
                    done += batch.num_rows
            before += table.nbytes or 0
            self._ends.append(done + (self._ends[-1] if self._ends else 0))

    def _array(
        self,
        table: tables.Table,
        role: Role,
        batch: Any,
        columns: list[int],
        used: list[int],
        done: int,
    ) -> Array:
        found = []
        for k in columns:
            column = batch.column(used.index(k))
            try:
                if role.name == GROUP:
                    return self.groups.add(column)
                found.append(tables.numbers(column))
            except ValueError as error:
                raise ValueError(_at(table, k, str(error), done)) from None
        if len(found) == 1:
            return found[0]
        if not done and role.columns is None:
            _check_index(table, columns, found)
        # Each class together in memory, as it came: the kernels read either order.
        return np.stack(found).T

    def place(self, row: int) -> tuple[str, int]:
        """The file, and the row in it, of a row."""
        start = 0
        for end in self._ends:
            if row < end:
                break
            start = end
        return self.files[self._ends.index(start) + 1 if start else 0].name, row - start

    def column(self, role: str) -> str | None:
        """What the one column for this is called."""
        (columns,) = (
            columns
            for columns, part in zip(self._columns[0], self.parts, strict=True)
            if part.name == role
        )
        names = self.files[0].names
        return names[columns[0]] if names and len(columns) == 1 else None


Feed: TypeAlias = ArrayFeed | TableFeed


def _at(table: tables.Table, column: int, message: str, done: int) -> str:
    """A message about ``row 3`` of a batch, of the file and the column."""
    _, row, rest = message.partition("row ")
    if row:
        digits, _, rest = rest.partition(" ")
        message = f"row {int(digits) + done} {rest}"
    name = "" if table.names is None else f"column {tables.shown(table.names[column])}"
    return f"{name}, {message}" if name else message


def _check_index(
    table: tables.Table, columns: list[int], found: Sequence[Array]
) -> None:
    """Raise if the first of the columns looks like numbers of rows beside classes."""
    whole = [
        array.dtype.kind in "iu"
        or (array.dtype.kind == "f" and bool(np.all(array == np.rint(array))))
        for array in found
    ]
    counts = len(found[0]) > 2 and len(np.unique(found[0])) == len(found[0])
    if whole[0] and counts and not any(whole[1:]) and table.names is not None:
        raise ValueError(
            f"column {tables.shown(table.names[columns[0]])} holds whole numbers that "
            "all differ, the others do not: if it is no class, pick the columns that "
            "are"
        )


def _select(table: tables.Table, role: Role) -> list[int]:
    columns = table.select(role.columns, role.remedy)
    kinds = [table.types[k] for k in columns] if table.types else []
    if role.name == GROUP:
        if len(columns) != 1:
            raise ValueError(f"{len(columns)} columns, where groups come from one")
        return columns
    for k, kind in zip(columns, kinds, strict=False):
        assert table.names is not None
        try:
            tables.check_type(kind)
        except ValueError as error:
            name = tables.shown(table.names[k])
            raise ValueError(f"column {name} {error}") from None
    if role.classes:
        if len(columns) == 1 and not (kinds and tables.is_row(kinds[0])):
            raise ValueError("one column, where the loss takes one for each class")
    elif len(columns) > 1 and (role.columns is None or role.name == WEIGHT):
        remedy = (
            "put a line of names on top and name one, or save a table as .npy"
            if table.names is None
            else "name one: "
            + tables.offers(role.remedy, [table.names[k] for k in columns])
        )
        raise ValueError(f"{len(columns)} columns, where the loss takes one: {remedy}")
    return columns


@dataclass
class Samples:
    """What is to be evaluated, from the first row on as often as it is asked for.

    Attributes
    ----------
    feeds : list of feeds
    groups : Groups
        What the numbers in `Batch.group` stand for.
    opened : ExitStack
        The files, which are closed with the samples.
    single : bool
        Whether the arrays have no axis of samples: they are one batch.
    """

    feeds: list[Feed]
    groups: tables.Groups
    opened: ExitStack
    single: bool = False
    _passes: int = field(default=0, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.opened.close()

    def feed(self, role: str) -> Feed | None:
        """Where labels, predictions, weights or groups come from."""
        return next((feed for feed in self.feeds if role in feed.roles), None)

    def array(self, role: str) -> ArrayFeed | None:
        """The same if it is an array, of which the shape is known."""
        feed = self.feed(role)
        return feed if isinstance(feed, ArrayFeed) else None

    @property
    def nbytes(self) -> int | None:
        """Of all files; None with standard input."""
        sizes = [feed.nbytes for feed in self.feeds]
        return None if None in sizes else sum(n for n in sizes if n is not None)

    @property
    def position(self) -> int:
        """Bytes that were read of them."""
        return sum(feed.position for feed in self.feeds)

    @property
    def can_be_read_again(self) -> bool:
        """Whether none is standard input."""
        return self.nbytes is not None

    def batches(self, moved: Callable[[], None] = lambda: None) -> Iterator[Batch]:
        """Batches of about `SLAB_BYTES`; `moved` is called after each."""
        if self._passes and not self.can_be_read_again:
            raise ValueError(
                "standard input can be read once, and this needs it again: save it to "
                "a file"
            )
        self._passes += 1
        if self.single:
            yield Batch(0, *map(self._whole, (LABEL, PREDICTION, WEIGHT, GROUP)))
            return
        rows = max(1, SLAB_BYTES // max(1, self._row_bytes()))
        long = self._long()
        _check_rows(long)
        streams = [_rechunked(feed.pieces(rows), rows) for feed in long]
        start = 0
        for together in zip_longest(*streams):
            found: dict[str, Any] = {}
            for feed, arrays in zip(long, together, strict=True):
                missing = (None,) * len(feed.roles)
                found |= zip(feed.roles, arrays or missing, strict=True)
            self._check_lengths(long, together, start)
            for role in (WEIGHT, GROUP):
                if role not in found:
                    found[role] = self._whole(role)
            if isinstance(self.feed(GROUP), ArrayFeed):
                found[GROUP] = self._codes(found[GROUP])
            batch = Batch(
                start, *(found[r] for r in (LABEL, PREDICTION, WEIGHT, GROUP))
            )
            yield batch
            start += len(batch.y_pred)
            moved()
        if not start:
            raise ValueError(f"{self._names()}: no numbers in it")

    def place(self, role: str, row: int) -> str:
        """Where a row of labels, predictions or weights stands: file, column, row."""
        feed = self.feed(role)
        assert feed is not None
        file, inner = feed.place(row)
        if isinstance(feed, TableFeed):
            name = feed.column(role)
            file += f": column {tables.shown(name)}" if name is not None else ""
            return file if inner == row else f"{file}, row {inner}"
        return file if inner == row else f"{file}: row {inner}"

    def _codes(self, values: Array) -> Array:
        with naming(self.place(GROUP, 0)):
            if values.ndim != 1:
                raise ValueError("groups come from one number for each row")
            return self.groups.add(values)

    def _names(self) -> str:
        feed = self.feed(PREDICTION)
        assert feed is not None
        return feed.place(0)[0]

    def _long(self) -> list[Feed]:
        """The feeds but a weight for all."""
        return [f for f in self.feeds if not isinstance(f, ArrayFeed) or f.shape]

    def _whole(self, role: str) -> Any:
        feed = self.array(role)
        return None if feed is None else feed.parts[0][...]

    def _row_bytes(self) -> int:
        feed = self.feed(PREDICTION)
        assert feed is not None
        return feed.row_bytes

    def _check_lengths(
        self, feeds: Sequence[Feed], together: Sequence[Any], start: int
    ) -> None:
        lengths = [len(arrays[0]) if arrays else 0 for arrays in together]
        if len(set(lengths)) > 1:
            short = feeds[lengths.index(min(lengths))]
            others = feeds[lengths.index(max(lengths))]
            raise ValueError(
                f"{short.place(0)[0]} ends after {start + min(lengths)} rows, "
                f"{others.place(0)[0]} goes on: expected a row for each sample in both"
            )


def _check_rows(feeds: Sequence[Feed]) -> None:
    """Raise if files that say how long they are do not agree, before they are read."""
    known = [(feed.rows, feed) for feed in feeds if feed.rows is not None]
    for rows, feed in known[1:]:
        first, other = known[0]
        if rows != first:
            raise ValueError(
                f"{other.place(0)[0]} has {first} rows, {feed.place(0)[0]} {rows}: "
                "expected a row for each sample in both"
            )


def _rechunked(
    pieces: Iterator[tuple[Array, ...]], rows: int
) -> Iterator[tuple[Array, ...]]:
    """The same rows, so many at once; fewer at the end."""
    pending: list[tuple[Array, ...]] = []
    count = 0
    for piece in pieces:
        pending.append(piece)
        count += len(piece[0])
        while count >= rows:
            joined = _joined(pending)
            yield tuple(array[:rows] for array in joined)
            pending = [tuple(array[rows:] for array in joined)]
            count -= rows
    if count:
        yield _joined(pending)


def _joined(pieces: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
    kept = [piece for piece in pieces if len(piece[0])]
    if len(kept) == 1:
        return kept[0]
    return tuple(
        np.concatenate([a.T for a in arrays], axis=-1).T
        if arrays[0].ndim > 1 and arrays[0].flags.f_contiguous
        else np.concatenate(arrays)
        for arrays in zip(*kept, strict=True)
    )


def open_samples(
    files: Sequence[str],
    *,
    true: Sequence[str] | None = None,
    pred: Sequence[str] | None = None,
    weight: str | None = None,
    by: str | None = None,
    row_labels: bool = False,
    row_predictions: bool = False,
) -> Samples:
    """Open what a command names.

    Parameters
    ----------
    files : sequence of str
        With `true` and `pred` the files of one table; else those of labels and of
        predictions. Names may be patterns.
    true, pred : sequence of str, optional
        Names of columns.
    weight, by : str, optional
        A column of the table, or a file.
    row_labels, row_predictions : bool
        Whether the loss takes a number for each class.
    """
    groups = tables.Groups()
    with ExitStack() as opened:
        if true is not None or pred is not None:
            if not true or not pred:
                raise ValueError(
                    "columns of a table are named by --true and --pred together"
                )
            if not files:
                raise ValueError("no file: expected those of the table, or -")
            named = {LABEL: true, PREDICTION: pred}
            named |= {WEIGHT: [weight]} if weight is not None else {}
            named |= {GROUP: [by]} if by is not None else {}
            paths = [path for pattern in files for path in expand(pattern)]
            wanted = [
                (paths, Role(role, columns, _is_row(role, row_labels, row_predictions),
                             OPTIONS[role]))
                for role, columns in named.items()
            ]  # fmt: skip
        else:
            if len(files) != 2:
                raise ValueError(
                    f"{len(files)} files: expected those of labels and of predictions, "
                    "or one table with --true COLUMN --pred COLUMN"
                )
            given = {LABEL: files[0], PREDICTION: files[1], WEIGHT: weight, GROUP: by}
            wanted = [
                _file_role(role, name, _is_row(role, row_labels, row_predictions))
                for role, name in given.items()
                if name is not None
            ]
        feeds = _feeds(wanted, groups, opened)
        samples = Samples(feeds, groups, opened.pop_all())
    prediction = samples.array(PREDICTION)
    if prediction is not None:
        samples.single = len(prediction.shape) <= int(row_predictions)
    return samples


def _is_row(role: str, row_labels: bool, row_predictions: bool) -> bool:
    return {LABEL: row_labels, PREDICTION: row_predictions}.get(role, False)


def _file_role(role: str, name: str, classes: bool) -> tuple[list[str], Role]:
    path, picked = split_name(name)
    if not tables.is_table(path):
        key = "" if picked is None else f":{picked}"
        return [f"{found}{key}" for found in expand(path)], Role(
            role, None, classes, ""
        )
    columns = None
    if picked is not None:
        try:
            columns = next(csv.reader([picked])) or [""]
        except csv.Error as error:
            shown = tables.shown(picked)
            raise ValueError(f"{shown} names no columns: {error}") from None
    return expand(path), Role(role, columns, classes, f"{path}:")


def _feeds(
    wanted: Sequence[tuple[list[str], Role]], groups: tables.Groups, opened: ExitStack
) -> list[Feed]:
    """One feed for each table, whatever is read of it, and one for each array."""
    feeds: list[Feed] = []
    by_table: dict[tuple[str, ...], list[Role]] = {}
    for paths, role in wanted:
        if all(map(tables.is_table, paths)):
            by_table.setdefault(tuple(paths), []).append(role)
        else:
            feeds.append(_array_feed(paths, role, opened))
    for names, roles in by_table.items():
        if names.count(tables.STDIN) and len(names) > 1:
            raise ValueError("standard input is one table: give - alone")
        picked = any(role.columns is not None for role in roles)
        found = []
        for name in names:
            with naming(name):
                found.append(tables.open_table(name, picked))
        feeds.append(TableFeed(found, roles, groups))
    return feeds


def _array_feed(paths: Sequence[str], role: Role, opened: ExitStack) -> ArrayFeed:
    if role.columns is not None:
        if any(not path.lower().endswith(".npz") for path in paths):
            raise ValueError(
                f"{paths[0]}: its columns have no names: give a file of labels and one "
                "of predictions"
            )
        if len(role.columns) > 1:
            raise ValueError(
                f"{paths[0]}: several arrays for {OPTIONS[role.name].strip()}: "
                "expected one with an axis of classes"
            )
        paths = [f"{path}:{role.columns[0]}" for path in paths]
    parts = [opened.enter_context(open_array(path)) for path in paths]
    return ArrayFeed(role.name, parts)
