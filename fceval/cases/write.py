"""Datasets out: cases as JSONL or Parquet, so that reading them back gives the same rows."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import polars as pl

from fceval.cases.read import EXTRA_COLUMN, SUFFIXES, TEXT_COLUMNS
from fceval.cases.rows import FIELDS
from fceval.errors import ConfigError, LocalError
from fceval.identity import OfSame
from fceval.records import Case, Json, JsonObject, json_text
from fceval.tables import ParquetTable

SCHEMA = pl.Schema(
    {name: pl.Boolean() if name == "parallel_tool_calls" else pl.String() for name in (*FIELDS, EXTRA_COLUMN)}
)
"""Columns of a Parquet dataset; nested fields are JSON text."""

_BATCH_ROWS = 2_000


def write_cases(path: Path, cases: Iterable[Case], mode: int = 0o666) -> int:
    """Write a dataset and return the number of its cases; the file appears only when it is whole.

    Args:
        path: Its ending chooses the format: `.jsonl` or `.parquet`.
        cases: Written in this order, a batch at a time.
        mode: Who may read the file, as `os.open` takes it.

    Raises:
        ConfigError: Unknown ending.
        LocalError: The file cannot be written.
    """
    file_format = SUFFIXES.get(path.suffix.lower())
    if file_format is None:
        msg = f"{path}: unknown ending `{path.suffix}`: give a .jsonl or .parquet file"
        raise ConfigError(msg)
    return (_write_parquet if file_format == "parquet" else _write_jsonl)(path, cases, mode)


def _write_parquet(path: Path, cases: Iterable[Case], mode: int) -> int:
    rest = iter(cases)
    written = 0
    with ParquetTable(path, SCHEMA, mode) as table:
        while batch := [_cells(case.fields) for case in islice(rest, _BATCH_ROWS)]:
            columns = dict(zip(SCHEMA, zip(*batch, strict=True), strict=True))
            table.append(pl.DataFrame(columns, schema=SCHEMA))
            written += len(batch)
    return written


def _write_jsonl(path: Path, cases: Iterable[Case], mode: int) -> int:
    written = 0
    partial = path.with_name(path.name + ".partial")
    try:
        with os.fdopen(_opened(partial, mode), "w", encoding="utf-8", newline="\n") as lines:
            for case in cases:
                lines.write(json_text(_ordered(case.fields)) + "\n")
                written += 1
        partial.replace(path)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror or error}"
        raise LocalError(msg) from error
    finally:
        with contextlib.suppress(OSError):  # it is gone already, or never was
            partial.unlink()
    return written


def _opened(path: Path, mode: int) -> int:
    path.unlink(missing_ok=True)  # one that a killed process left may have another mode
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)


def _ordered(fields: JsonObject) -> JsonObject:
    known = {name: fields[name] for name in FIELDS if name in fields}
    return known | {name: value for name, value in fields.items() if name not in known}


def _cells(fields: JsonObject) -> Iterable[str | bool | None]:
    """Return a row's cells, in the order of the columns."""
    row: dict[str, str | bool | None] = dict.fromkeys(SCHEMA)
    extra: dict[str, Json] = {}
    for name, value in fields.items():
        if name not in FIELDS or value is None:  # an empty column would read back as a field that is not there
            extra[name] = value
        elif name in TEXT_COLUMNS or name == "parallel_tool_calls":
            row[name] = value  # type: ignore[assignment]  # a str or bool by the row's own check
        else:
            row[name] = _tools_text(value) if name == "tools" else json_text(value)
    row[EXTRA_COLUMN] = json_text(extra) if extra else None
    return row.values()


_tools_text = OfSame(json_text)
