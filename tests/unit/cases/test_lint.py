"""Linting: every row is looked at, alone and against the rows before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fceval.cases.importers import Imported
from fceval.cases.importers.bfcl import PLUGIN
from fceval.cases.lint import lint
from fceval.cases.read import read_rows
from fceval.judging import judgement
from tests.bfcl_data import bfcl_rows, write_bfcl_folder
from tests.case_rows import LEFT_OUT, WEATHER, row, turns_row
from tests.cli_process import PROJECT

OSLO = {"name": "get_weather", "arguments": {"city": "Oslo"}}
PARIS = {"name": "get_weather", "arguments": {"city": "Paris"}}


def findings(*rows: dict[str, Any]) -> list[tuple[int, str, str, str | None]]:
    """Return (row, severity, rule, field) of what is found in rows."""
    found = lint(enumerate(rows, 1), judgement())
    return [(each.row, each.severity, each.rule, each.field) for each in found]


@pytest.mark.parametrize("name", ["starter", "quickstart"])
def test_our_own_datasets_have_no_finding(name: str) -> None:
    """They are what a user copies from."""
    rows = list(read_rows(PROJECT / "datasets" / f"{name}.jsonl"))
    assert rows
    assert list(lint(rows, judgement())) == []


def test_every_row_is_looked_at() -> None:
    """A row that is no case does not hide what is wrong after it; a row without an id is found as well."""
    wrong = row(expected=[{"name": "get_weather", "arguments": {"city": 5}}])
    rows = [row(messages=[]), row(case_id=LEFT_OUT), row(case_id="b"), row(case_id="b"), wrong]
    assert findings(*rows) == [
        (1, "error", "not-a-case", "messages"),
        (2, "error", "not-a-case", "case_id"),
        (4, "error", "duplicate-id", "case_id"),
        (5, "warning", "contradiction", "expected"),
        (5, "error", "unpassable", "expected[0].arguments"),
    ]


def test_expectation_that_cannot_be_read_is_no_case() -> None:
    """What the stage that judges refuses is found like any other mistake."""
    wanted = [{"name": "get_weather", "arguments": {"city": {"$match": "one_off"}}}]
    assert findings(row(expected=wanted)) == [(1, "error", "not-a-case", "expected[0].arguments.city")]


def test_finding_names_its_case() -> None:
    """By its id where it has one that can be read, also where the row is no case otherwise."""
    rows = [row(case_id="b", messages=[]), row(case_id=5), row(case_id="c"), row(case_id="c")]
    assert [each.case_id for each in lint(enumerate(rows, 1), judgement())] == ["b", None, "c"]


def test_duplicate_names_the_first_row() -> None:
    """A third row with the same id refers to the first one, which alone has no finding."""
    found = list(lint(enumerate([row(), row(), row()], 1), judgement()))
    assert [(each.row, "row 1" in each.problem) for each in found] == [(2, True), (3, True)]


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        (row(), row(case_id="b", expected=[PARIS]), "expected"),
        (row(), row(case_id="b", expected=[]), "expected"),
        (row(), row(case_id="b", expected="any"), "expected"),
        (row(), row(case_id="b", expected=LEFT_OUT, expected_any_of=[[OSLO]]), "expected_any_of"),
        (row(), row(case_id="b", order="strict"), "expected"),
        (row(), row(case_id="b", extra_calls="allow"), "expected"),
        (turns_row({}, {"expected": [OSLO]}), turns_row({}, {"expected": [PARIS]}, case_id="b"), "turns"),
    ],
)
def test_same_question_with_another_answer_is_a_contradiction(
    first: dict[str, Any], second: dict[str, Any], field: str
) -> None:
    """A model that is right in the first row is judged otherwise in the second."""
    assert findings(first, second) == [(2, "warning", "contradiction", field)]


@pytest.mark.parametrize(
    "second",
    [
        row(case_id="b"),
        row(case_id="b", category="other", tags=["x"]),
        row(case_id="b", expected=[PARIS], messages=[{"role": "user", "content": "And in Paris?"}]),
        row(case_id="b", expected="any", tool_choice="required"),
        row(case_id="b", expected=[PARIS], request={"temperature": 1}),
        row(case_id="b", expected=[], tools=[WEATHER, {"type": "function", "function": {"name": "ping"}}]),
        row(case_id="b", expected=[PARIS], parallel_tool_calls=False),
    ],
)
def test_same_answer_or_another_question_is_no_contradiction(second: dict[str, Any]) -> None:
    """A repeated case may weigh more on purpose; tools, choice and parameters belong to the question."""
    assert findings(row(), second) == []


def test_place_is_the_one_in_the_file() -> None:
    """A single alternative and a single turn are named as they are written."""
    call = {"name": "get_weather", "arguments": {}}
    rows = [
        row(case_id="a", expected=LEFT_OUT, expected_any_of=[[call]]),
        turns_row({"expected": [call]}, case_id="b"),
        turns_row({}, {"expected": LEFT_OUT, "expected_any_of": [[], [call]]}, case_id="c"),
    ]
    rows[2]["turns"][1].pop("expected")
    assert [field for *_, field in findings(*rows)] == [
        "expected_any_of[0][0].arguments",
        "turns[0].expected[0].arguments",
        "turns[1].expected_any_of[1][0].arguments",
    ]


IMPOSSIBLE = {"simple_java_36", "simple_java_65", "live_simple_112-68-0", "live_multiple_964-207-0"}
"""Those of BFCL's impossible cases that are among the public ones."""


def test_impossible_cases_of_bfcl_are_found(shared_data: Path, tmp_path: Path) -> None:
    """As imported, those are errors by BFCL's rules that are known to be impossible there, and no others."""
    folder = write_bfcl_folder(tmp_path / "data", bfcl_rows(shared_data, "cases_public"))
    imported = [item.fields for item in PLUGIN.read(folder) if isinstance(item, Imported)]
    found = [each for each in lint(enumerate(imported, 1), judgement()) if each.rule == "unpassable-by-source"]
    assert {each.case_id for each in found} == IMPOSSIBLE
    assert all(each.severity == "error" and str(each.field).startswith("source.ground_truth[") for each in found)
