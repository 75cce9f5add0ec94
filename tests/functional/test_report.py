"""`fceval report` over a run of the mock: every format, chosen by name or by the file's ending."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fceval.report import exporters
from tests.fake_endpoint import FakeEndpoint, error_reply
from tests.functional.conftest import Command
from tests.functional.orders import case, no_call_case, orders, write_cases
from tests.functional.scored import cases_of, scored_run


@pytest.fixture
def run(command: Command, tmp_path: Path) -> Path:
    """Give the folder of a finished run in which something failed."""
    orders(tmp_path)
    mock = ["--base-url", "embedded:mock", "--model", "m", "--mistakes", "missing_call=0.5"]
    assert command("run", "--dataset", "orders.jsonl", *mock, "--out", "run").code == 0
    return tmp_path / "run"


def test_every_format_has_its_file(command: Command, run: Path) -> None:
    """In the run's folder, beside the tables; writing them again changes no byte."""
    formats = [word for name in exporters.names() for word in ("--format", name)]
    ended = command("report", "run", *formats)
    names = [exporters.load(name).filename for name in exporters.names()]
    assert ended.out.splitlines() == [f"run/{name}" for name in names]
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    assert set(names) <= set(before)
    assert command("report", "run", *formats).code == 0
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_ending_chooses(command: Command, run: Path, tmp_path: Path) -> None:
    """Also of two formats that are both Markdown."""
    before = {path.name for path in run.iterdir()}
    assert command("report", "run", "-o", "a.github.md", "-o", "a.md", "-o", "junit.xml").code == 0
    assert "::notice" in (tmp_path / "a.github.md").read_text(encoding="utf-8")
    assert "::notice" not in (tmp_path / "a.md").read_text(encoding="utf-8")
    assert "<testsuites" in (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert {path.name for path in run.iterdir()} == before


def test_run_without_any_answer_is_reported_where_it_is_asked_for(command: Command, tmp_path: Path) -> None:
    """A pipeline without its JUnit file might take the outage for a quiet night; each case is an error in it."""
    write_cases(tmp_path / "cases.jsonl", [case(1), no_call_case(2)])
    with FakeEndpoint(error_reply(500)) as endpoint:
        asked = ["--dataset", "cases.jsonl", "--base-url", endpoint.base_url, "--model", "m"]
        ended = command("run", *asked, "--set", "endpoint.max_attempts=1", "-o", "night.junit.xml", "--out", "run")
    assert ended.code == 3, ended.err
    junit = (tmp_path / "night.junit.xml").read_text(encoding="utf-8")
    assert [junit.count(f"<{name} ") for name in ("testcase", "error", "failure")] == [2, 2, 0]


def test_one_format_is_that_of_the_file(command: Command, run: Path, tmp_path: Path) -> None:
    """Whatever its ending."""
    assert command("report", "run", "--format", "github", "-o", "summary.md").out == "summary.md\n"
    assert "::notice" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert command("report", "run", "--format", "csv", "-o", "results").code == 0
    assert not (run / "report.csv").exists()


def test_unknown_ending(command: Command, run: Path) -> None:
    """Is refused before anything is written, with the endings that there are."""
    ended = command("report", "run", "-o", "a.md", "-o", "report.pdf")
    assert ended.code == 2
    assert "report.pdf: no report has the ending `.pdf`; there are: .csv, .github.md" in ended.err
    assert not (run.parent / "a.md").exists()


def test_help_names_every_format(command: Command) -> None:
    """The list in the help is that of the files."""
    said = command("report", "--help").out
    assert all(name in said for name in exporters.names())


def test_schema_of_a_report(command: Command) -> None:
    """Is printed beside that of a config."""
    assert "format_version" in json.loads(command("schema", "report").out)["properties"]
    assert command("schema").out == command("schema", "config").out


def test_run_writes_further_reports_by_their_endings(command: Command, run: Path, tmp_path: Path) -> None:
    """The same bytes as `fceval report`; a file that cannot be written is refused before anything is sent."""
    mock = ["--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "m", "-q"]
    ended = command("run", *mock, "--out", "second", "-o", "second.xml", "-o", "second/checked.md", "-o", "second.xlsx")
    told = ["Report: second.xml", "Report: second/checked.md", "Report: second.xlsx"]
    assert ended.out.splitlines()[-3:] == told
    assert (tmp_path / "second" / "checked.md").is_file()
    assert command("report", "second", "-o", "again.xml").code == 0
    assert (tmp_path / "again.xml").read_bytes() == (tmp_path / "second.xml").read_bytes()
    assert command("run", *mock, "--out", "third", "-o", "third.docx").code == 2
    assert command("run", *mock, "--out", "third", "-o", "nowhere/third.xml").code == 2
    assert not (tmp_path / "third").exists()


def test_page_of_a_thousand_cases_can_be_mailed(command: Command, tmp_path: Path) -> None:
    """Below 2 MB, with all cases on it and every failure opening into its conversation."""
    run = scored_run(command, tmp_path, "run", cases_of(1_000, tags=["mail"]), wrong=range(1, 1_001, 7))
    page = (run / "report.html").read_bytes()
    assert len(page) < 2_000_000
    text = page.decode()
    assert text.count('<details class="case"') == 1_000
    failures = [part for part in text.split('<details class="case"')[1:] if 'class="outcome bad"' in part]
    assert len(failures) == 143
    assert all("<h4>Messages</h4>" in part for part in failures)
