"""Datasets in: JSONL and Parquet, row by row, in batches; an error names file, row and field.

JSONL is read with the strict JSON reader, never with a table reader: those unify the keys of different rows and
change the types of arguments. In Parquet the nested fields are JSON text for the same reason.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

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
_JSON_SPACE = " \t\r\n"


def read_cases(path: Path, check: Callable[[Case], None] | None = None) -> Iterator[Case]:
    """Yield the cases of a dataset, in the order of the file.

    Args:
        path: A `.jsonl` or `.parquet` file.
        check: Called with each case; a `FieldError` it raises is reported with file and row.

    Raises:
        DatasetError: The file cannot be read, a row is no case, an id comes twice, or there is no row at all.
    """
    seen: set[int] = set()
    row = 0
    for row, fields in read_rows(path):
        try:
            case = case_of(fields, row)
            if check:
                check(case)
        except FieldError as error:
            raise DatasetError(str(error), file=str(path), row=row, field=error.field) from None
        # Hashes, not the ids themselves: a million ids stay small. Whether two ids are equal, the file says.
        digest = hash(case.case_id)
        if digest in seen and (first := _first_row(path, case.case_id)) != row:
            msg = f"`{case.case_id}` stands in row {first} already: ids must be unique"
            raise DatasetError(msg, file=str(path), row=row, field="case_id")
        seen.add(digest)
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
    recurring = RecurringMember("tools")
    with path.open("rb") as lines:
        for row, line in enumerate(lines, start=1):
            try:
                text = line.decode("utf-8-sig" if row == 1 else "utf-8").strip(_JSON_SPACE)
            except UnicodeDecodeError as error:
                msg = f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start + 1} of the line"
                raise DatasetError(msg, file=str(path), row=row) from None
            if text:
                yield row, _object(path, row, None, text, recurring.read)


def _parquet_rows(path: Path, wanted: Sequence[int] | None = None) -> Iterator[tuple[int, JsonObject]]:
    row = 0
    with _parquet(path) as file:
        try:
            _refuse_double_columns(path, file.schema_arrow.names)
            for rows, batch in _whole(file) if wanted is None else _picked(file, wanted):
                for row, columns in zip(rows, _rows(_readable(batch)), strict=True):
                    yield row, _fields(path, row, columns)
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
    """Yield some rows of a file, a group at a time, with their numbers."""
    first = 1
    for group in range(file.num_row_groups):
        end = first + file.metadata.row_group(group).num_rows
        rows = wanted[bisect_left(wanted, first) : bisect_left(wanted, end)]
        if rows:
            table = file.read_row_group(group).take([row - first for row in rows])
            yield from ((rows, batch) for batch in table.combine_chunks().to_batches())
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


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch; a column that is empty in all of them, as most are, is left out."""
    filled = [name for name in batch.schema.names if batch[name].null_count < batch.num_rows]
    if not filled:
        yield from ({} for _ in range(batch.num_rows))
    for cells in zip(*(batch[name].to_pylist() for name in filled), strict=True):
        yield dict(zip(filled, cells, strict=True))


def _fields(path: Path, row: int, columns: dict[str, Any]) -> JsonObject:
    fields: dict[str, Json] = {}
    extra = columns.get(EXTRA_COLUMN)
    if isinstance(extra, str) and extra.startswith("{"):  # else it is a foreign column that happens to have this name
        del columns[EXTRA_COLUMN]
    else:
        extra = None
    for name, value in columns.items():
        if value is not None:
            fields[name] = _known(path, row, name, value) if name in FIELDS else _plain(value)
    if extra is not None:
        for name, value in _object(path, row, EXTRA_COLUMN, extra).items():
            if name in fields:
                msg = f"`{name}` stands in `{EXTRA_COLUMN}` and in a column of its own"
                raise DatasetError(msg, file=str(path), row=row, field=name)
            fields[name] = value
    return fields


def _known(path: Path, row: int, name: str, value: object) -> Json:
    """Return a column's value as the field that it stands for."""
    if isinstance(value, dict) or (isinstance(value, list) and name != "tags"):
        msg = "a nested column: store it as JSON text (struct columns unify the keys of all rows and change types)"
        raise DatasetError(msg, file=str(path), row=row, field=name)
    if isinstance(value, bytes):  # how some writers store text
        try:
            value = value.decode()
        except UnicodeDecodeError:
            msg = "not UTF-8"
            raise DatasetError(msg, file=str(path), row=row, field=name) from None
    if name in TEXT_COLUMNS or not isinstance(value, str):
        return _plain(value)
    if value.isidentifier():
        return _WORDS.get(value, value)
    try:
        return _recurring(value) if name == "tools" else read_json(value)
    except JsonTextError as error:
        if name == "source":  # a label, which other projects' files hold as plain text
            return value
        raise DatasetError(str(error), file=str(path), row=row, field=name) from None


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


def _decoded(path: Path, row: int, field: str | None, text: str, read: Callable[[str], Json] = read_json) -> Json:
    try:
        return read(text)
    except JsonTextError as error:
        raise DatasetError(str(error), file=str(path), row=row, field=field) from None


def _object(
    path: Path, row: int, field: str | None, text: str, read: Callable[[str], Json] = read_json
) -> dict[str, Json]:
    value = _decoded(path, row, field, text, read)
    if not isinstance(value, dict):
        msg = f"not a JSON object but {text[:40]}"
        raise DatasetError(msg, file=str(path), row=row, field=field)
    return value
