"""Tables on disk: polars schemas derived from the row records, rows to frames, Parquet in row groups.

`FORMAT_VERSION` is in every file that fceval keeps. Version 1 is the first; a reader accepts its own and the one
before it. A column, once there, keeps its name and meaning within a version.
"""

from __future__ import annotations

import os
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from fceval.errors import LocalError
from fceval.rows import ArgumentFact, CallFact, MetricRow, ResponseFact, Score

FORMAT_VERSION = 1
_VERSION_KEY = b"fceval_format_version"

_LABELS = pl.List(pl.String())
_DTYPES: dict[object, pl.DataType] = {
    str: pl.String(),
    int: pl.Int64(),
    float: pl.Float64(),
    bool: pl.Boolean(),
    list[str]: _LABELS,
}


def schema_of(record: type) -> pl.Schema:
    """Return the polars schema of a row record: a column per field; `X | None` is a nullable X.

    Raises:
        KeyError: A field has a type that no table holds: anything nested goes in as JSON text.
    """
    hints = typing.get_type_hints(record)
    return pl.Schema({name: _DTYPES[_without_none(hint)] for name, hint in hints.items()})


def _without_none(hint: object) -> object:
    if typing.get_origin(hint) is not types.UnionType:
        return hint
    (inner,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    return inner


RESPONSE_FACTS = schema_of(ResponseFact)
CALLS = schema_of(CallFact)
ARGUMENTS = schema_of(ArgumentFact)
SCORES = schema_of(Score)
METRICS = schema_of(MetricRow)

KEY_COLUMNS = ("case_id", "variant", "trial", "turn")
"""What joins the tables: one response each."""


def frame(rows: Sequence[tuple[Any, ...]], schema: pl.Schema) -> pl.DataFrame:
    """Return row records as a frame of the given schema; lone surrogates, which no table holds, stand escaped."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    try:
        return _frame(columns, schema)
    except UnicodeEncodeError:
        return _frame([[_encodable(value) for value in column] for column in columns], schema)


def _frame(columns: Sequence[Sequence[Any]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(
        [_column(name, values, dtype) for values, (name, dtype) in zip(columns, schema.items(), strict=True)]
    )


def _column(name: str, values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    if dtype == _LABELS:
        # Which polars makes by way of a series for each of them, a hundred times as slow. By way of a table, because
        # for an array polars would first import `pyarrow.compute` for a tenth of a second.
        return pl.DataFrame(pa.table({name: pa.array(values, pa.large_list(pa.large_string()))})).to_series()
    return pl.Series(name, values, dtype)


def _encodable(value: object) -> object:
    if isinstance(value, list):
        return [_encodable(each) for each in value]
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def of_responses(table: pl.LazyFrame, responses: pl.DataFrame, how: Literal["semi", "inner"] = "semi") -> pl.LazyFrame:
    """Return the rows of a table that are about some responses.

    Args:
        table: Rows of any table that has the key columns.
        responses: A row per response, with its key.
        how: `inner`: rows get the other columns of `responses`, too.
    """
    # Names can be looked for while a file is read: of all other rows it is not even read what else they hold.
    of_cases = table.filter(pl.col("case_id").is_in(responses["case_id"].unique().implode()))
    return of_cases.join(responses.lazy(), on=KEY_COLUMNS, how=how)


class ParquetTable:
    """Writes one table in row groups; the file appears under its name only when it is whole.

    Raises:
        LocalError: The file cannot be written.
    """

    def __init__(self, path: Path, schema: pl.Schema, mode: int = 0o600) -> None:
        """Open a table for writing.

        Args:
            path: Where it will stand.
            schema: Its columns.
            mode: Who may read the file, as `os.open` takes it; by default only who wrote it.
        """
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        self._schema = schema
        arrow = pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        self._arrow = arrow.with_metadata({_VERSION_KEY: str(FORMAT_VERSION).encode()})
        try:
            self._partial.unlink(missing_ok=True)
            self._file = os.fdopen(os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")
            self._writer = pq.ParquetWriter(self._file, self._arrow, compression="zstd")
        except OSError as error:
            msg = f"{path}: cannot be written: {error.strerror or error}"
            raise LocalError(msg) from error

    def append(self, rows: pl.DataFrame) -> None:
        """Write a row group (none for no rows)."""
        if rows.height:
            # Cast by polars: for that, pyarrow would first import for a tenth of a second.
            table = rows.select(self._schema.names()).cast(self._schema)
            self._write(lambda: self._writer.write_table(table.to_arrow(compat_level=pl.CompatLevel.oldest())))

    def _write(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            msg = f"{self._path}: cannot be written: {error.strerror or error}"
            raise LocalError(msg) from error

    def _close(self) -> None:
        try:
            self._writer.close()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._write(self._close)
            if kind is None:
                self._write(lambda: self._partial.replace(self._path))
        finally:
            self._partial.unlink(missing_ok=True)


def write_table(path: Path, frames: Iterable[pl.DataFrame], schema: pl.Schema) -> None:
    """Write frames as one Parquet file, a row group each."""
    with ParquetTable(path, schema) as table:
        for rows in frames:
            table.append(rows)


def read_table(path: Path) -> pl.LazyFrame:
    """Scan a table of ours.

    Raises:
        LocalError: Missing, no Parquet, not fceval's, or written by a newer fceval.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException) as error:
        msg = f"{path}: cannot be read as a table: {error}"
        raise LocalError(msg) from error
    if _VERSION_KEY not in metadata:
        msg = f"{path}: is Parquet, but not a table that fceval wrote"
        raise LocalError(msg)
    version = int(metadata[_VERSION_KEY])
    if not FORMAT_VERSION - 1 <= version <= FORMAT_VERSION:
        msg = f"{path}: format version {version}, but this fceval reads {FORMAT_VERSION}: update fceval"
        raise LocalError(msg)
    return pl.scan_parquet(path)
