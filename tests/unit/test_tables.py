"""Tables: schemas come from the records, and files are whole, marked with their version, and reproducible."""

from __future__ import annotations

from dataclasses import make_dataclass
from pathlib import Path
from typing import NamedTuple, get_type_hints

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fceval import rows, tables
from fceval.errors import LocalError
from fceval.tables import (
    FORMAT_VERSION,
    KEY_COLUMNS,
    ParquetTable,
    frame,
    of_responses,
    read_table,
    schema_of,
    write_table,
)

VERSION_KEY = b"fceval_format_version"


class Row(NamedTuple):
    """A row record with a field of each type that a table may have."""

    name: str
    number: int
    rate: float | None
    passed: bool | None
    tags: list[str]


SCHEMA = schema_of(Row)
ROWS = [Row("a", 1, 0.5, None, ["x", "y"]), Row("ö", 2**62, None, True, [])]


def write_version(path: Path, metadata: dict[bytes, bytes] | None) -> None:
    """Write a Parquet file with the given metadata."""
    pq.write_table(pa.table({"name": ["a"]}).replace_schema_metadata(metadata), path)


def test_schema_has_a_column_per_field_in_order() -> None:
    """Types follow the annotations; `X | None` is an X."""
    assert (
        pl.Schema(
            {
                "name": pl.String(),
                "number": pl.Int64(),
                "rate": pl.Float64(),
                "passed": pl.Boolean(),
                "tags": pl.List(pl.String()),
            }
        )
        == SCHEMA
    )
    assert SCHEMA.names() == ["name", "number", "rate", "passed", "tags"]


@pytest.mark.parametrize("annotation", [dict[str, int], list[int], dict[str, int] | None])
def test_field_that_no_table_can_hold_is_refused(annotation: object) -> None:
    """A nested field would change its type on the way through Arrow: it must be JSON text instead."""
    nested = make_dataclass("Nested", [("arguments", annotation)])
    with pytest.raises(KeyError):
        schema_of(nested)


@pytest.mark.parametrize(
    ("schema", "record"),
    [
        (tables.RESPONSE_FACTS, rows.ResponseFact),
        (tables.CALLS, rows.CallFact),
        (tables.ARGUMENTS, rows.ArgumentFact),
        (tables.SCORES, rows.Score),
        (tables.METRICS, rows.MetricRow),
    ],
)
def test_tables_have_the_columns_of_their_records(schema: pl.Schema, record: type) -> None:
    """Each table on disk is one of the row records."""
    assert schema.names() == list(get_type_hints(record))


def test_key_columns_are_in_every_table_of_responses() -> None:
    """The join key is spelled alike everywhere."""
    for schema in (tables.RESPONSE_FACTS, tables.CALLS, tables.ARGUMENTS, tables.SCORES):
        assert schema.names()[: len(tables.KEY_COLUMNS)] == list(tables.KEY_COLUMNS)


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Nulls, empty lists, large integers and any script survive the file."""
    path = tmp_path / "rows.parquet"
    write_table(path, [frame(ROWS, SCHEMA)], SCHEMA)
    back = read_table(path).collect()
    assert back.schema == SCHEMA
    assert [Row(**row) for row in back.iter_rows(named=True)] == ROWS


def test_frame_of_no_rows_has_its_columns() -> None:
    """An empty table is still that table."""
    assert frame([], SCHEMA).schema == SCHEMA


def test_each_batch_is_a_row_group(tmp_path: Path) -> None:
    """Batches are written as they come; an empty one leaves no trace."""
    path = tmp_path / "rows.parquet"
    write_table(path, [frame(ROWS, SCHEMA), frame([], SCHEMA), frame(ROWS[:1], SCHEMA)], SCHEMA)
    assert pq.ParquetFile(path).metadata.num_row_groups == 2
    assert read_table(path).collect().height == 3


def test_table_without_rows_can_be_read(tmp_path: Path) -> None:
    """A run without failures has tables too."""
    path = tmp_path / "rows.parquet"
    write_table(path, [], SCHEMA)
    assert read_table(path).collect().schema == SCHEMA


def test_columns_are_put_in_order(tmp_path: Path) -> None:
    """A frame with the columns in another order, or with more of them, is written in the table's."""
    path = tmp_path / "rows.parquet"
    shuffled = frame(ROWS, SCHEMA).select(*reversed(SCHEMA.names()), pl.lit(1).alias("more"))
    write_table(path, [shuffled], SCHEMA)
    assert read_table(path).collect().equals(frame(ROWS, SCHEMA))


def test_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    """Until the table is closed, nothing bears its name."""
    path = tmp_path / "rows.parquet"
    with ParquetTable(path, SCHEMA) as table:
        table.append(frame(ROWS, SCHEMA))
        assert not path.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.parquet"]


def test_failure_leaves_the_older_file(tmp_path: Path) -> None:
    """An exception between rows keeps what was there before, and no rest of the new."""
    path = tmp_path / "rows.parquet"
    write_table(path, [frame(ROWS, SCHEMA)], SCHEMA)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        write_table(path, (frame(ROWS[: 1 // n], SCHEMA) for n in (1, 0)), SCHEMA)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["rows.parquet"]


def test_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    """A file is a function of its rows: no clock, no path, no order of a hash."""
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    for path in (first, second):
        write_table(path, [frame(ROWS, SCHEMA)], SCHEMA)
    assert first.read_bytes() == second.read_bytes()


def test_file_carries_the_format_version(tmp_path: Path) -> None:
    """Every file says in which version it was written."""
    path = tmp_path / "rows.parquet"
    write_table(path, [], SCHEMA)
    assert pq.read_schema(path).metadata[VERSION_KEY] == str(FORMAT_VERSION).encode()


def test_older_version_by_one_is_read(tmp_path: Path) -> None:
    """A reader accepts the version before its own."""
    path = tmp_path / "rows.parquet"
    write_version(path, {VERSION_KEY: str(FORMAT_VERSION - 1).encode()})
    assert read_table(path).collect().height == 1


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, FORMAT_VERSION - 2])
def test_other_version_is_refused(tmp_path: Path, version: int) -> None:
    """A table of another format is not guessed at."""
    path = tmp_path / "rows.parquet"
    write_version(path, {VERSION_KEY: str(version).encode()})
    with pytest.raises(LocalError, match=rf"rows\.parquet: format version {version}, .*reads {FORMAT_VERSION}"):
        read_table(path)


@pytest.mark.parametrize("metadata", [None, {b"other": b"1"}])
def test_foreign_table_is_refused(tmp_path: Path, metadata: dict[bytes, bytes] | None) -> None:
    """Parquet that fceval did not write is not taken for a table of a run."""
    path = tmp_path / "rows.parquet"
    write_version(path, metadata)
    with pytest.raises(LocalError, match="not a table that fceval wrote"):
        read_table(path)


def test_damaged_file_is_named(tmp_path: Path) -> None:
    """What is no Parquet at all is an error of this machine, with the file's name."""
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 but cut off")
    with pytest.raises(LocalError, match=r"rows\.parquet: cannot be read"):
        read_table(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A missing table is told by name."""
    with pytest.raises(LocalError, match=r"absent\.parquet: cannot be read"):
        read_table(tmp_path / "absent.parquet")


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A table in a folder that does not exist is an error of this machine."""
    with pytest.raises(LocalError, match=r"rows\.parquet: cannot be written"):
        ParquetTable(tmp_path / "absent" / "rows.parquet", SCHEMA)


def test_rows_of_some_responses_are_found_by_the_whole_key() -> None:
    """Another trial or turn of the same case is another response."""
    keys = [("a", "x", 0, 0), ("a", "x", 0, 1), ("a", "x", 1, 0), ("a", "y", 0, 0), ("b", "x", 0, 0)]
    of = pl.DataFrame(keys, schema=KEY_COLUMNS, orient="row")
    table = of.with_columns(argument=pl.Series(list("klmno"))).lazy()
    wanted = of[[1, 4]].with_columns(outcome=pl.lit("passed"))
    assert of_responses(table, wanted).collect().rows() == [(*keys[1], "l"), (*keys[4], "o")]
    joined = of_responses(table, wanted, "inner").collect()
    assert joined.rows() == [(*keys[1], "l", "passed"), (*keys[4], "o", "passed")]
    assert of_responses(table, wanted.clear()).collect().is_empty()
