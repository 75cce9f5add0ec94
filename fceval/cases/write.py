"""Datasets out: cases as JSONL or Parquet, so that reading them back gives the same rows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import polars as pl

from fceval.cases.read import EXTRA_COLUMN, SUFFIXES, TEXT_COLUMNS
from fceval.cases.rows import FIELDS
from fceval.errors import ConfigError, LocalError
from fceval.records import Case, Json, JsonObject, json_text
from fceval.tables import ParquetTable

SCHEMA = pl.Schema(
    {name: pl.Boolean() if name == "parallel_tool_calls" else pl.String() for name in (*FIELDS, EXTRA_COLUMN)}
)
"""Columns of a Parquet dataset; nested fields are JSON text."""

_BATCH_ROWS = 2_000


def write_cases(path: Path, cases: Iterable[Case]) -> int:
    """Write a dataset and return the number of its cases; the file appears only when it is whole.

    Args:
        path: Its ending chooses the format: `.jsonl` or `.parquet`.
        cases: Written in this order, a batch at a time.

    Raises:
        ConfigError: Unknown ending.
        LocalError: The file cannot be written.
    """
    file_format = SUFFIXES.get(path.suffix.lower())
    if file_format is None:
        msg = f"{path}: unknown ending `{path.suffix}`: give a .jsonl or .parquet file"
        raise ConfigError(msg)
    return _write_parquet(path, cases) if file_format == "parquet" else _write_jsonl(path, cases)


def _write_parquet(path: Path, cases: Iterable[Case]) -> int:
    rest = iter(cases)
    written = 0
    with ParquetTable(path, SCHEMA) as table:
        while batch := [_columns(case.fields) for case in islice(rest, _BATCH_ROWS)]:
            table.append(pl.DataFrame(batch, schema=SCHEMA))
            written += len(batch)
    return written


def _write_jsonl(path: Path, cases: Iterable[Case]) -> int:
    written = 0
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as lines:
            for case in cases:
                lines.write(json_text(_ordered(case.fields)) + "\n")
                written += 1
        partial.replace(path)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror or error}"
        raise LocalError(msg) from error
    finally:
        partial.unlink(missing_ok=True)
    return written


def _ordered(fields: JsonObject) -> JsonObject:
    known = {name: fields[name] for name in FIELDS if name in fields}
    return known | {name: value for name, value in fields.items() if name not in known}


def _columns(fields: JsonObject) -> dict[str, str | bool | None]:
    row: dict[str, str | bool | None] = dict.fromkeys(SCHEMA)
    extra: dict[str, Json] = {}
    for name, value in fields.items():
        if name not in FIELDS:
            extra[name] = value
        elif name in TEXT_COLUMNS or name == "parallel_tool_calls":
            row[name] = value  # type: ignore[assignment]  # a str, bool or None by the row's own check
        else:
            row[name] = json_text(value)
    row[EXTRA_COLUMN] = json_text(extra) if extra else None
    return row
