"""Runs that begin or are opened again: never mixed with another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fceval import opening, runs
from fceval.errors import ConfigError
from fceval.journal import Journal
from fceval.records import Response
from tests.journal_records import response
from tests.run_folders import SHAPING, begun, config


@pytest.mark.parametrize(
    ("tables", "name"),
    [
        ({"endpoint": {"base_url": "http://127.0.0.1:9/v1", "model": "other"}}, "endpoint.model"),
        ({"endpoint": {"base_url": "http://127.0.0.1:8/v1", "model": "m"}}, "endpoint.base_url"),
        ({"request": {"temperature": 0.5}}, "request.temperature"),
        ({"trials": 2}, "trials"),
        ({"dataset": {"limit": 1}}, "dataset.limit"),
        ({"variant": [{"name": "x"}]}, "variant"),
        ({"turns": "teacher_forced"}, "turns"),
        *(
            ({"endpoint": {"base_url": "http://127.0.0.1:9/v1", "model": "m", name: value}}, f"endpoint.{name}")
            for name, value in SHAPING.items()
        ),
    ],
)
def test_run_goes_on_under_the_same_questions_only(tmp_path: Path, tables: dict[str, object], name: str) -> None:
    """What differs is named, with both values."""
    run = begun(tmp_path)
    with pytest.raises(ConfigError) as caught:
        opening.check_identity(run, config(tmp_path, **tables))
    head, *lines = str(caught.value).splitlines()
    assert head.startswith(f"{run.folder}: its requests were made under other settings")
    assert [line.split(":")[0].strip() for line in lines] == [name]
    assert " then, " in lines[0]


def test_another_file_of_cases_is_another_run(tmp_path: Path) -> None:
    """Its digest tells; a file that is gone does not matter, as the run has its cases."""
    run = begun(tmp_path)
    path = tmp_path / "a.jsonl"
    opening.check_identity(run, config(tmp_path, dataset={"path": str(path)}))
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"dataset\.sha256: \"0{64}\" then"):
        opening.check_identity(run, config(tmp_path, dataset={"path": str(path)}))


def test_how_fast_and_how_judged_may_change(tmp_path: Path) -> None:
    """And is written down."""
    run = begun(tmp_path)
    endpoint = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "rpm": 60, "concurrency": 2, "timeout_s": 5}
    endpoint |= {"api_key_header": "api-key", "insecure_http": True}
    changed = opening.adopted(
        run, config(tmp_path, endpoint=endpoint, rules={"strings": "exact"}, max_not_measured=0.5)
    )
    assert changed.config.rules.strings == "exact"
    assert runs.open_run(run.folder) == changed


def test_answers_made_elsewhere_are_written_while_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some together, all of them in the end, and never are more kept in memory."""
    monkeypatch.setattr(opening, "_WRITTEN_TOGETHER", 2)
    kept = []
    with Journal(tmp_path / "journal.jsonl") as journal:

        def responses() -> Iterator[Response]:
            for number in range(5):
                kept.append(journal.unwritten)
                yield response(number)

        opening.journalled(responses(), journal)
        assert (kept, journal.unwritten) == ([0, 1, 0, 1, 0], 0)
