"""Datasets in: JSONL and Parquet, row by row, in batches; an error names file, row and field.

JSONL is read with the strict JSON reader, never with a table reader: those unify the keys of different rows and
change the types of arguments. In Parquet the nested fields are JSON text for the same reason.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fceval.cases.digests import Seen
from fceval.cases.rows import FIELDS, case_of
from fceval.errors import DatasetError, FieldError
from fceval.jsontext import JsonTextError, RecurringMember, read_json
from fceval.records import Case, Json, JsonObject

TEXT_COLUMNS = frozenset({"case_id", "category", "order", "extra_calls", "strings"})
"""Columns of a Parquet dataset that hold plain text."""
EXTRA_COLUMN = "extra"
"""Column of a Parquet dataset with a JSON object of what has no column: fields that fceval does not know, and nulls."""
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""File name endings that are understood, and the format each one means."""

_BATCH_ROWS = 1_000
_TEXT_TYPES = (pa.string(), pa.large_string())
_JSON_SPACE = " \t\r\n"
_NOTHING = object()
"""What stands in a column where a row has no such field; None would be JSON's null."""


def read_cases(path: Path, check: Callable[[Case], None] | None = None) -> Iterator[Case]:
    """Yield the cases of a dataset, in the order of the file.

    Args:
        path: A `.jsonl` or `.parquet` file.
        check: Called with each case; a `FieldError` it raises is reported with file and row.

    Raises:
        DatasetError: The file cannot be read, a row is no case, an id comes twice, or there is no row at all.
    """
    seen = Seen()
    row = 0
    for row, fields in read_rows(path):
        try:
            case = case_of(fields, row)
            if check:
                check(case)
        except FieldError as error:
            raise DatasetError(str(error), file=str(path), row=row, field=error.field) from None
        if seen.add(case.case_id) and (first := _first_row(path, case.case_id)) != row:
            msg = f"`{case.case_id}` stands in row {first} already: ids must be unique"
            raise DatasetError(msg, file=str(path), row=row, field="case_id")
        yield case
    if row == 0:
        msg = "no case in it"
        raise DatasetError(msg, file=str(path))


def _first_row(path: Path, case_id: str) -> int:
    return next(row for row, fields in read_rows(path) if fields["case_id"] == case_id)


def read_rows(path: Path) -> Iterator[tuple[int, JsonObject]]:
    """Yield (1-based row number, decoded row); blank lines of JSONL are counted and left out.

    Raises:
        DatasetError: The file cannot be read, or a row is not a JSON object.
    """
    if path.is_dir():
        msg = "is a directory: give a .jsonl or .parquet file"
        raise DatasetError(msg, file=str(path))
    file_format = SUFFIXES.get(path.suffix.lower())
    if file_format is None:
        msg = f"unknown ending `{path.suffix}`: give a .jsonl or .parquet file"
        raise DatasetError(msg, file=str(path))
    with _told(path):
        yield from (_parquet_rows if file_format == "parquet" else _jsonl_rows)(path)


def read_cases_at(path: Path, rows: Sequence[int]) -> Iterator[Case]:
    """Yield the cases of a Parquet dataset that stand in some rows; no more of it is read than the groups of those.

    Args:
        path: A file that was read as a whole before: whether ids are unique is not looked at again.
        rows: 1-based, ascending.

    Raises:
        DatasetError: The file cannot be read, or a row is no case.
    """
    with _told(path):
        for row, fields in _parquet_rows(path, rows):
            try:
                yield case_of(fields, row)
            except FieldError as error:
                raise DatasetError(str(error), file=str(path), row=row, field=error.field) from None


def rows_of(path: Path, case_ids: Collection[str]) -> list[int]:
    """Return the 1-based rows of a Parquet dataset in which some cases stand, ascending.

    Raises:
        DatasetError: The file cannot be read.
    """
    return [row for row, (case_id, _) in enumerate(read_turns(path), start=1) if case_id in case_ids]


def read_turns(path: Path) -> Iterator[tuple[str, int]]:
    """Yield id and number of turns of each case of a Parquet dataset, without reading anything else of them.

    Raises:
        DatasetError: The file cannot be read.
    """
    with _told(path), _parquet(path) as file:
        for batch in file.iter_batches(columns=["case_id", "turns"]):
            turns = batch["turns"].to_pylist()
            for case_id, text in zip(batch["case_id"].to_pylist(), turns, strict=True):
                listed = text and _recurring(text)
                yield case_id, len(listed) if isinstance(listed, list) else 1


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of which file it was that it cannot be read."""
    try:
        yield
    except FileNotFoundError:
        msg = "no such file"
        raise DatasetError(msg, file=str(path)) from None
    except OSError as error:
        msg = f"cannot be read: {error.strerror or error}"
        raise DatasetError(msg, file=str(path)) from None


def _jsonl_rows(path: Path) -> Iterator[tuple[int, JsonObject]]:
    read = RecurringMember("tools").read
    with path.open("rb") as lines:
        for row, line in enumerate(lines, start=1):
            try:
                text = line.decode("utf-8-sig" if row == 1 else "utf-8").strip(_JSON_SPACE)
                if text:
                    yield row, _object(text, read)
            except UnicodeDecodeError as error:
                msg = f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start + 1} of the line"
                raise DatasetError(msg, file=str(path), row=row) from None
            except JsonTextError as error:
                raise DatasetError(str(error), file=str(path), row=row) from None


def _parquet_rows(path: Path, wanted: Sequence[int] | None = None) -> Iterator[tuple[int, JsonObject]]:
    row = 0
    with _parquet(path) as file:
        try:
            _refuse_double_columns(path, file.schema_arrow.names)
            for rows, batch in _whole(file) if wanted is None else _picked(file, wanted):
                for row, fields in _rows(path, rows, _readable(batch)):
                    yield row, fields
        except UnicodeDecodeError as error:
            msg = f"a text column is not UTF-8 between rows {row + 1} and {row + _BATCH_ROWS}: {error.reason}"
            raise DatasetError(msg, file=str(path)) from None


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, ValueError, OverflowError) as error:
        msg = f"not a Parquet file that can be read: {error}"
        raise DatasetError(msg, file=str(path)) from None


def _whole(file: pq.ParquetFile) -> Iterator[tuple[Sequence[int], pa.RecordBatch]]:
    """Yield all rows of a file, a batch at a time, with their numbers."""
    first = 1
    for batch in file.iter_batches(batch_size=_BATCH_ROWS):
        yield range(first, first + batch.num_rows), batch
        first += batch.num_rows


def _picked(file: pq.ParquetFile, wanted: Sequence[int]) -> Iterator[tuple[Sequence[int], pa.RecordBatch]]:
    """Yield some rows of a file, as far as they follow each other in a group, with their numbers."""
    first = 1
    for group in range(file.num_row_groups):
        end = first + file.metadata.row_group(group).num_rows
        rows = wanted[bisect_left(wanted, first) : bisect_left(wanted, end)]
        table = file.read_row_group(group).combine_chunks() if rows else None
        while table and rows:
            length = bisect_left(range(len(rows)), 1, key=lambda at: rows[at] - rows[0] - at)
            yield from ((rows[:length], batch) for batch in table.slice(rows[0] - first, length).to_batches())
            rows = rows[length:]
        first = end


def _refuse_double_columns(path: Path, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            msg = "there are two columns of this name"
            raise DatasetError(msg, file=str(path), field=name)


def _readable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with moments and durations as text: not all of them have a counterpart in Python."""
    for position, column in enumerate(batch.columns):
        if pa.types.is_temporal(column.type):
            text = column.cast(pa.string())
            batch = batch.set_column(position, batch.schema.field(position).name, text)
    return batch


def _rows(path: Path, rows: Sequence[int], batch: pa.RecordBatch) -> Iterator[tuple[int, JsonObject]]:
    """Yield the rows of a batch with their numbers; a column that is empty in all of them, as most are, is left out."""
    names = [name for name in batch.schema.names if batch[name].null_count < batch.num_rows]
    try:
        columns = [_values(name, batch[name]) for name in names]
    except FieldError as error:
        if len(rows) == 1:
            raise DatasetError(str(error), file=str(path), row=rows[0], field=error.field) from None
        for at, row in enumerate(rows):  # which of them it is, and those before it are fine
            yield from _rows(path, [row], batch.slice(at, 1))
        return
    for row, values in zip(rows, zip(*columns, strict=True) if names else repeat(()), strict=False):
        fields = {name: value for name, value in zip(names, values, strict=True) if value is not _NOTHING}
        yield row, _with_extra(path, row, fields) if EXTRA_COLUMN in fields else fields


def _values(name: str, column: pa.Array) -> list[Any]:
    """Return a column's values as the field that it stands for; `_NOTHING` where a row has none.

    Raises:
        FieldError: One is none that the field may have.
    """
    cells = column.to_pylist()
    if name in TEXT_COLUMNS and column.type in _TEXT_TYPES:
        return [_NOTHING if cell is None else cell for cell in cells]
    read = partial(_known, name) if name in FIELDS else _plain
    return [_NOTHING if cell is None else read(cell) for cell in cells]


def _with_extra(path: Path, row: int, fields: dict[str, Json]) -> JsonObject:
    """Return a row's fields with those of its `extra`, unless that is a foreign column that happens to be named so."""
    extra = fields[EXTRA_COLUMN]
    if not isinstance(extra, str) or not extra.startswith("{"):
        return fields
    del fields[EXTRA_COLUMN]
    try:
        others = _object(extra)
    except JsonTextError as error:
        raise DatasetError(str(error), file=str(path), row=row, field=EXTRA_COLUMN) from None
    for name in others:
        if name in fields:
            msg = f"`{name}` stands in `{EXTRA_COLUMN}` and in a column of its own"
            raise DatasetError(msg, file=str(path), row=row, field=name)
    return {**fields, **others}


def _known(name: str, value: object) -> Json:
    """Return a column's value as the field that it stands for.

    Raises:
        FieldError: It is none.
    """
    if isinstance(value, bytes):  # how some writers store text
        try:
            value = value.decode()
        except UnicodeDecodeError:
            msg = "not UTF-8"
            raise FieldError(msg, name) from None
    if not isinstance(value, str):
        if isinstance(value, dict) or (isinstance(value, list) and name != "tags"):
            msg = "a nested column: store it as JSON text (struct columns unify the keys of all rows and change types)"
            raise FieldError(msg, name)
        return _plain(value)
    if name in TEXT_COLUMNS:
        return value
    if value.isidentifier():
        return _WORDS.get(value, value)
    try:
        return _recurring(value) if name == "tools" else read_json(value)
    except JsonTextError as error:
        if name == "source":  # a label, which other projects' files hold as plain text
            return value
        raise FieldError(str(error), name) from None


_recurring = lru_cache(maxsize=1024)(read_json)
"""Equal texts as one and the same value, which must not be changed."""

_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}
"""JSON's own words; any other bare word (`any`, `auto`, `required`) stands for itself."""


def _plain(value: object) -> Json:
    """Return a value of a foreign column as one that JSON has: what is not a number is nothing, the rest is text."""
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _object(text: str, read: Callable[[str], Json] = read_json) -> dict[str, Json]:
    """Return the JSON object that a text is.

    Raises:
        JsonTextError: It is none.
    """
    value = read(text)
    if not isinstance(value, dict):
        msg = f"not a JSON object but {text[:40]}"
        raise JsonTextError(msg)
    return value
