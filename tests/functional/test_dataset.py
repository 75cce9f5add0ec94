"""Datasets on the command line: checked, converted without loss, counted, sampled, and run in either format."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fceval.cli import main
from tests.cli_process import PROJECT
from tests.functional.conftest import Command
from tests.functional.orders import case, no_call_case, orders, table, write_cases
from tests.row_strategies import case_rows

STARTER = PROJECT / "datasets" / "starter.jsonl"


def test_starter_survives_the_way_to_parquet_and_back(command: Command, tmp_path: Path) -> None:
    """JSONL to Parquet to JSONL gives the same bytes."""
    there = command("dataset", "convert", STARTER, "starter.parquet")
    back = command("dataset", "convert", "starter.parquet", "back.jsonl")
    number = STARTER.read_bytes().count(b"\n")
    assert there.out == f"{number} cases written to starter.parquet\n"
    assert back.out == f"{number} cases written to back.jsonl\n"
    assert (tmp_path / "back.jsonl").read_bytes() == STARTER.read_bytes()


@given(st.lists(st.integers(0, 9), unique=True, min_size=1, max_size=3).flatmap(
    lambda ids: st.tuples(*(case_rows(case_id=f"case-{number}") for number in ids))
))  # fmt: skip
@settings(max_examples=40)
def test_any_case_survives_the_way_to_parquet_and_back(rows: tuple[dict[str, Any], ...]) -> None:
    """Nulls, unknown fields, surrogates, huge integers and nesting come back as they went."""
    with tempfile.TemporaryDirectory() as folder:
        there, middle, back = (Path(folder) / name for name in ("there.jsonl", "middle.parquet", "back.jsonl"))
        there.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        assert main(["dataset", "convert", str(there), str(middle)]) == 0
        assert main(["dataset", "convert", str(middle), str(back)]) == 0
        returned = [json.loads(line) for line in back.read_bytes().splitlines()]
    # As text, because Python says that 1, 1.0 and True are equal.
    assert [json.dumps(row, sort_keys=True) for row in returned] == [json.dumps(row, sort_keys=True) for row in rows]


def test_both_formats_run_alike(command: Command, tmp_path: Path) -> None:
    """The same cases give the same scores, whichever file they come from."""
    command("dataset", "sample", STARTER, "-n", "25", "--out", "cases.jsonl")
    command("dataset", "convert", "cases.jsonl", "cases.parquet")
    for file in ("cases.jsonl", "cases.parquet"):
        ended = command(
            "run", "--dataset", file, "--base-url", "embedded:mock", "--model", "m", "--out", f"{file}.run",
            "--mistakes", "wrong_value=0.3,missing_call=0.2",
        )  # fmt: skip
        assert ended.code == 0, ended.err
    for name in ("scores", "calls", "arguments"):
        assert table(tmp_path / "cases.jsonl.run", name).equals(table(tmp_path / "cases.parquet.run", name)), name


def test_lint_passes_what_is_shipped(command: Command) -> None:
    """The project's own datasets have no finding."""
    for path in sorted((PROJECT / "datasets").glob("*.jsonl")):
        ended = command("dataset", "lint", path)
        assert (ended.code, ended.out) == (0, f"{path}: 0 errors, 0 warnings\n")


def test_lint_reports_every_row(command: Command, tmp_path: Path) -> None:
    """Unlike a run, a lint goes on after the first mistake; its exit code says whether a case is unusable."""
    wrong = [{"name": "get_delivery_date", "arguments": {"order_id": 5}}]
    rows = [case(1, expected=...), case(2), case(2), case(3, expected=wrong)]
    write_cases(tmp_path / "bad.jsonl", rows)
    ended = command("dataset", "lint", "bad.jsonl")
    assert ended.code == 2
    lines = ended.out.splitlines()
    assert lines[-1] == "bad.jsonl: 3 errors, 0 warnings"
    for line, said in zip(lines, ("row 1 (order-1), expected:", "row 3 (order-2), case_id:", "row 4"), strict=False):
        assert said in line
    as_json = json.loads(command("dataset", "lint", "bad.jsonl", "--format", "json").out)
    assert [(each["row"], each["rule"]) for each in as_json] == [
        (1, "not-a-case"), (3, "duplicate-id"), (4, "unpassable")
    ]  # fmt: skip


def test_stats_count(command: Command, tmp_path: Path) -> None:
    """Categories, tools and calls are counted, as text and as JSON."""
    write_cases(tmp_path / "cases.jsonl", [case(1), case(2), no_call_case(3)])
    counted = json.loads(command("dataset", "stats", "cases.jsonl", "--format", "json").out)
    assert counted["cases"] == {"all": 3}
    assert counted["category"] == {"simple": 2, "irrelevance": 1}
    assert counted["tool expected"] == {"get_delivery_date": 2}
    assert "2  simple" in command("dataset", "stats", "cases.jsonl").out


def test_sample_is_seeded(command: Command, tmp_path: Path) -> None:
    """The same seed draws the same cases in the order of the file; another seed draws others."""
    orders(tmp_path, 50)
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert (
            command("dataset", "sample", "orders.jsonl", "-n", "5", "--seed", seed, "--out", f"{name}.jsonl").code == 0
        )
    a, b, c = ((tmp_path / f"{name}.jsonl").read_text(encoding="utf-8").splitlines() for name in "abc")
    whole = (tmp_path / "orders.jsonl").read_text(encoding="utf-8").splitlines()
    assert (a == b, a == c, len(a)) == (True, False, 5)
    assert sorted(a, key=whole.index) == a


@pytest.mark.parametrize("name", ["copy.jsonl", "copy.parquet"])
def test_converted_file_is_shared_as_the_user_shares_files(command: Command, tmp_path: Path, name: str) -> None:
    """A dataset is the user's file, not a run's: who may read it is what their umask says."""
    before = os.umask(0o027)
    try:
        orders(tmp_path)
        command("dataset", "convert", "orders.jsonl", name)
    finally:
        os.umask(before)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")] == []
