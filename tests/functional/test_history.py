"""`fceval history`: runs in order of time, what changed with them, and what cannot be shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.functional.conftest import Command
from tests.functional.scored import Make, cases_of, scored_run


@pytest.fixture
def make(command: Command, tmp_path: Path) -> Make:
    """Give a function that makes scored runs in a folder of reports, each an hour after the one before."""
    (tmp_path / "reports").mkdir()
    hours = iter(range(24))

    def made(name: str, *arguments: Any, **settings: Any) -> Path:  # noqa: ANN401 -- those of `scored_run`
        run = scored_run(command, tmp_path / "reports", name, *arguments, **settings)
        path = run / "run.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest |= {"started_at": f"2026-11-23T{next(hours):02}:00:00+00:00", "commit": f"c0ffee{name}"}
        path.write_text(json.dumps(manifest), encoding="utf-8")
        return run

    return made


def history(command: Command, *flags: str) -> dict[str, Any]:
    """Return the report on the reports' folder, with its sections by key."""
    said = command("history", "reports", "--format", "json", *flags)
    assert said.code == 0, said.err
    report: dict[str, Any] = json.loads(said.out)
    return {**report, "sections": {section["key"]: section for section in report["sections"]}}


def test_runs_in_order_of_time_with_what_changed(command: Command, make: Make) -> None:
    """Names say nothing about time; the settings that differ from the run before do."""
    make("z", cases_of(40), [1])
    make("b", cases_of(40), [2])
    make("a", cases_of(40), range(1, 31), settings=["rules.strings=exact"])
    report = history(command)
    (runs,) = report["sections"]["runs"]["tables"]
    assert [row[1] for row in runs["rows"]] == ["z", "b", "a"]
    assert [row[4] for row in runs["rows"]] == ["c0ffeez", "c0ffeeb", "c0ffeea"]
    assert [row[6] for row in runs["rows"]] == ["", "", "rules.strings: normalized → exact"]
    assert runs["rows"][0][5] == runs["rows"][1][5] != runs["rows"][2][5]
    (accuracy,) = report["sections"]["trend-accuracy"]["tables"]
    assert [row[2] for row in accuracy["rows"]] == [0.975, 0.975, 0.25]
    assert [row[4] for row in accuracy["rows"]] == ["", "", "▼ 97.5% → 25.0%"]
    changes = report["sections"]["changes"]["tables"][0]["rows"]
    assert changes[0][:3] == ["accuracy", "run", "a"]
    assert changes[0][-1] == "rules.strings: normalized → exact"


def test_short_text_names_the_change_and_the_run(command: Command, make: Make) -> None:
    """What a tired reader needs first."""
    make("quiet", cases_of(40), [1])
    make("bad", cases_of(40), range(1, 31))
    said = command("history", "reports")
    text = " ".join(said.out.split())
    assert text.startswith("2 runs from 2026-11-23 00:00 to 2026-11-23 01:00; accuracy is 25.0%")
    assert "Accuracy fell from 97.5% to 25.0% with bad (2026-11-23 01:00)." in text
    quiet = command("history", "reports", "--metric", "prompt_tokens", "--metric", "coverage")
    assert "No metric changed beyond chance." in " ".join(quiet.out.split())


def test_runs_of_other_names_are_other_series(command: Command, make: Make) -> None:
    """A nightly run and an experiment are no trend."""
    make("one", cases_of(40), [1], settings=["name=nightly"])
    make("two", cases_of(40), range(1, 31), settings=["name=try"])
    report = history(command, "--metric", "accuracy")
    assert [table["title"] for table in report["sections"]["trend-accuracy"]["tables"]] == ["nightly", "try"]
    assert "changes" not in report["sections"]


def test_damaged_and_unscored_runs_are_listed(command: Command, make: Make, tmp_path: Path) -> None:
    """They are no reason to tell nothing."""
    make("good", cases_of(2))
    (make("unscored", cases_of(2)) / "metrics.parquet").unlink()
    (make("torn", cases_of(2)) / "metrics.parquet").write_bytes(b"PAR1")
    (make("broken", cases_of(2)) / "run.json").write_text("{", encoding="utf-8")
    report = history(command)
    assert "(3 more could not be read or are not scored)" in report["headline"]
    (table,) = report["sections"]["left-out"]["tables"]
    told = {row[0]: row[1] for row in table["rows"]}
    assert sorted(told) == ["broken", "torn", "unscored"]
    assert "is not scored yet" in told["unscored"]
    assert "cannot be read as a table" in told["torn"]
    assert str(tmp_path) not in command("history", "reports").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "nowhere: no such folder"),
        (("empty",), "empty: no scored run below it"),
        (("reports", "--metric", "acuracy"), "did you mean `accuracy`?"),
        (("reports", "-o", "h.docx"), "no report has the ending"),
    ],
)
def test_usage_errors(command: Command, make: Make, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """Exit code 2, and what is wrong."""
    make("run", cases_of(2))
    (tmp_path / "empty").mkdir()
    said = command("history", *arguments)
    assert said.code == 2
    assert words in said.err
