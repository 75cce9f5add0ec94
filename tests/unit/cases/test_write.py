"""Writing datasets: what is read back is what was written, in either format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from fceval.cases.read import read_cases
from fceval.cases.rows import case_of
from fceval.cases.write import write_cases
from fceval.errors import ConfigError, DatasetError, LocalError
from tests.case_rows import row, write_jsonl
from tests.row_strategies import case_rows


def through(folder: Path, rows: list[dict[str, Any]], *names: str) -> list[Any]:
    """Return rows as they are after being written to each file and read from it."""
    cases = [case_of(each, number) for number, each in enumerate(rows, 1)]
    for name in names:
        assert write_cases(folder / name, cases) == len(rows)
        cases = list(read_cases(folder / name))
    return [case.fields for case in cases]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(fields=case_rows())
def test_jsonl_to_parquet_and_back_is_the_identity(tmp_path: Path, fields: dict[str, Any]) -> None:
    """Nothing is lost and no type changes: unknown fields, nulls, big integers, lone surrogates."""
    (back,) = through(tmp_path, [fields], "a.jsonl", "b.parquet", "c.jsonl")
    assert json.dumps(back, sort_keys=True) == json.dumps(fields, sort_keys=True)


def test_values_that_tables_change_stay_as_they_are(tmp_path: Path) -> None:
    """Each row has arguments of its own; none gets another row's, and no number becomes another one."""
    arguments = [{"city": 2**80}, {"city": 1.0}, {"city": None}, {"other": True}, {"city": -0.0}, {"city": "1"}]
    rows = [
        row(case_id=str(number), expected=[{"name": "get_weather", "arguments": each}])
        for number, each in enumerate(arguments)
    ]
    back = through(tmp_path, rows, "a.parquet", "b.jsonl")
    assert repr([each["expected"][0]["arguments"] for each in back]) == repr(arguments)


def test_null_stays_apart_from_a_missing_field(tmp_path: Path) -> None:
    """Both mean the same; written back is what was there."""
    rows = [row(tool_choice=None, note=None), row(case_id="b")]
    assert through(tmp_path, rows, "a.parquet", "b.jsonl") == rows


@pytest.mark.parametrize("name", ["starter", "quickstart"])
def test_our_own_datasets_come_back_byte_for_byte(tmp_path: Path, name: str) -> None:
    """JSONL to Parquet to JSONL."""
    source = Path(__file__).parents[3] / "datasets" / f"{name}.jsonl"
    write_cases(tmp_path / "a.parquet", read_cases(source))
    write_cases(tmp_path / "b.jsonl", read_cases(tmp_path / "a.parquet"))
    assert (tmp_path / "b.jsonl").read_bytes() == source.read_bytes()


def test_known_fields_come_first_and_in_order(tmp_path: Path) -> None:
    """A person finds the id where every row has it."""
    fields = {"note": 1, "expected": [], "tools": [], "messages": row()["messages"], "case_id": "a"}
    (back,) = through(tmp_path, [fields], "a.jsonl")
    assert list(back) == ["case_id", "messages", "tools", "expected", "note"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_file_is_there_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    """A mistake in the last row leaves the old file and nothing beside it."""
    (tmp_path / name).write_text("old", encoding="utf-8")
    source = write_jsonl(tmp_path / "source.jsonl", [row(), row(case_id="b"), row()])
    with pytest.raises(DatasetError):
        write_cases(tmp_path / name, read_cases(source))
    assert (tmp_path / name).read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "source.jsonl"])


def test_unknown_ending_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(ConfigError, match=r"unknown ending `\.csv`: give a \.jsonl or \.parquet file"):
        write_cases(tmp_path / "a.csv", [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    """A folder that is missing, or is a file, is this machine's matter and no bug."""
    (tmp_path / "file").touch()
    for folder in ("none", "file"):
        with pytest.raises(LocalError, match=f"{folder}/{name}: cannot be written"):
            write_cases(tmp_path / folder / name, [case_of(row(), 1)])


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_dataset_may_be_written_over_itself(tmp_path: Path, name: str) -> None:
    """The old file is read until the new one is whole."""
    rows = [row(case_id=str(number)) for number in range(3_000)]
    through(tmp_path, rows, name)
    assert write_cases(tmp_path / name, read_cases(tmp_path / name)) == 3_000
    assert [case.fields for case in read_cases(tmp_path / name)] == rows


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_file_may_be_kept_from_others(tmp_path: Path, name: str) -> None:
    """The mode says who may read it."""
    write_cases(tmp_path / name, [case_of(row(), 1)], 0o600)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
