"""Datasets in: JSONL and Parquet, row by row, in batches; an error names file, row and field.

JSONL is read with the strict JSON reader, never with a table reader: those unify the keys of different rows and
change the types of arguments. In Parquet the nested fields are JSON text for the same reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fceval.cases.rows import FIELDS, case_of
from fceval.errors import DatasetError, FieldError
from fceval.jsontext import JsonTextError, read_json
from fceval.records import Case, Json, JsonObject

TEXT_COLUMNS = frozenset({"case_id", "category", "order", "extra_calls"})
"""Columns of a Parquet dataset that hold plain text."""
EXTRA_COLUMN = "extra"
"""Column of a Parquet dataset with a JSON object of the fields that fceval does not know."""
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""File name endings that are understood, and the format each one means."""

_BATCH_ROWS = 10_000


def read_cases(path: Path, check: Callable[[Case], None] | None = None) -> Iterator[Case]:
    """Yield the cases of a dataset, in the order of the file.

    Args:
        path: A `.jsonl` or `.parquet` file.
        check: Called with each case; a `FieldError` it raises is reported with file and row.

    Raises:
        DatasetError: The file cannot be read, a row is no case, an id comes twice, or there is no row at all.
    """
    seen: dict[bytes, int] = {}
    row = 0
    for row, fields in read_rows(path):
        try:
            case = case_of(fields, row)
            if check:
                check(case)
        except FieldError as error:
            raise DatasetError(str(error), file=str(path), row=row, field=error.field) from None
        # Eight bytes an id, not the id itself: a million ids stay small, a collision is a 1-in-10^7 event.
        digest = hashlib.blake2b(case.case_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if (first := seen.setdefault(digest, row)) != row:
            msg = f"`{case.case_id}` stands in row {first} already: ids must be unique"
            raise DatasetError(msg, file=str(path), row=row, field="case_id")
        yield case
    if row == 0:
        msg = "no case in it"
        raise DatasetError(msg, file=str(path))


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
    try:
        yield from (_parquet_rows if file_format == "parquet" else _jsonl_rows)(path)
    except FileNotFoundError:
        msg = "no such file"
        raise DatasetError(msg, file=str(path)) from None
    except OSError as error:
        msg = f"cannot be read: {error.strerror or error}"
        raise DatasetError(msg, file=str(path)) from None


def _jsonl_rows(path: Path) -> Iterator[tuple[int, JsonObject]]:
    with path.open("rb") as lines:
        for row, line in enumerate(lines, start=1):
            try:
                text = line.decode("utf-8-sig" if row == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                msg = f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start + 1} of the line"
                raise DatasetError(msg, file=str(path), row=row) from None
            if text:
                yield row, _object(path, row, None, text)


def _parquet_rows(path: Path) -> Iterator[tuple[int, JsonObject]]:
    try:
        file = pq.ParquetFile(path)
        row = 0
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            for columns in batch.to_pylist():
                row += 1
                yield row, _fields(path, row, columns)
    except pa.ArrowInvalid as error:
        msg = f"not a Parquet file that can be read: {error}"
        raise DatasetError(msg, file=str(path)) from None


def _fields(path: Path, row: int, columns: dict[str, Any]) -> JsonObject:
    fields: dict[str, Json] = {}
    for name, value in columns.items():
        if value is None:
            continue
        if name == EXTRA_COLUMN:
            fields.update(_object(path, row, name, value))
        elif name not in FIELDS:
            fields[name] = value if isinstance(value, bool | int | float | str) else str(value)
        elif name in TEXT_COLUMNS or not isinstance(value, str) or value.isidentifier():
            _refuse_struct(path, row, name, value)
            fields[name] = _WORDS.get(value, value) if isinstance(value, str) and name not in TEXT_COLUMNS else value
        else:
            fields[name] = _decoded(path, row, name, value)
    return fields


_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}
"""JSON's own words; any other bare word (`any`, `auto`, `required`) stands for itself."""


def _refuse_struct(path: Path, row: int, name: str, value: object) -> None:
    if isinstance(value, dict) or (isinstance(value, list) and name != "tags"):
        msg = "a nested column: store it as JSON text (struct columns unify the keys of all rows and change types)"
        raise DatasetError(msg, file=str(path), row=row, field=name)


def _decoded(path: Path, row: int, field: str | None, text: str) -> Json:
    try:
        return read_json(text)
    except JsonTextError as error:
        raise DatasetError(str(error), file=str(path), row=row, field=field) from None


def _object(path: Path, row: int, field: str | None, text: str) -> dict[str, Json]:
    value = _decoded(path, row, field, text)
    if not isinstance(value, dict):
        msg = f"not a JSON object but {text[:40]}"
        raise DatasetError(msg, file=str(path), row=row, field=field)
    return value
