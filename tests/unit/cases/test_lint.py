"""Linting: each rule finds what it is for, and is silent where nothing is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fceval.cases.lint import lint
from fceval.cases.read import read_rows
from fceval.scoring.matchers import acceptable, check_case
from tests.case_rows import LEFT_OUT, WEATHER, row, turns_row


def findings(*rows: dict[str, Any]) -> list[tuple[int, str, str, str | None]]:
    """Return (row, severity, rule, field) of what is found in rows."""
    found = lint(enumerate(rows, 1), check_case, acceptable)
    return [(each.row, each.severity, each.rule, each.field) for each in found]


def wants(arguments: dict[str, Any], parameters: object = None) -> dict[str, Any]:
    """Return a row that wants one call with these arguments, of a tool with these parameters."""
    tool = WEATHER if parameters is None else {"function": {"name": "get_weather", "parameters": parameters}}
    return row(tools=[tool], expected=[{"name": "get_weather", "arguments": arguments}])


@pytest.mark.parametrize("name", ["starter", "quickstart"])
def test_our_own_datasets_have_no_finding(name: str) -> None:
    """They are what a user copies from."""
    rows = read_rows(Path(__file__).parents[3] / "datasets" / f"{name}.jsonl")
    assert list(lint(rows, check_case, acceptable)) == []


def test_every_row_is_looked_at() -> None:
    """A row that is no case does not hide what is wrong after it; a row without an id is found as well."""
    rows = [row(messages=[]), row(case_id=LEFT_OUT), row(case_id="b"), row(case_id="b"), wants({"city": 5})]
    assert findings(*rows) == [
        (1, "error", "not-a-case", "messages"),
        (2, "error", "not-a-case", "case_id"),
        (4, "error", "duplicate-id", "case_id"),
        (5, "error", "unpassable", "expected[0].arguments"),
    ]


def test_expectation_that_cannot_be_read_is_no_case() -> None:
    """What the caller's check refuses is found like any other mistake."""
    assert findings(wants({"city": {"$match": "one_off"}})) == [
        (1, "error", "not-a-case", "expected[0].arguments.city")
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"city": 5},
        {"city": "Oslo", "days": 0},
        {"city": "Oslo", "day": 1},
        {"city": {"$match": "one_of", "values": [1, 2]}},
    ],
)
def test_call_that_the_schema_refuses_cannot_pass(arguments: dict[str, Any]) -> None:
    """A required argument not wanted, a wrong type, out of range, not declared where nothing else is allowed."""
    assert findings(wants(arguments)) == [(1, "error", "unpassable", "expected[0].arguments")]


OPEN = {"type": "object", "properties": {"city": {"type": "string"}}}
PATTERNED = {"type": "object", "patternProperties": {"^x-": {"type": "string"}}}


@pytest.mark.parametrize(
    ("row_", "field"),
    [
        (wants({"cyti": "Oslo"}, OPEN), "expected[0].arguments.cyti"),
        (wants({"cyti": "Oslo"}, {}), "expected[0].arguments.cyti"),
        (row(tools=[{"function": {"name": "get_weather"}}]), "expected[0].arguments.city"),
    ],
)
def test_argument_that_no_schema_declares_is_a_warning(row_: dict[str, Any], field: str) -> None:
    """The schema allows it, but the model cannot know of it."""
    assert findings(row_) == [(1, "warning", "undeclared-argument", field)]


def test_value_that_the_schema_refuses_is_unreachable() -> None:
    """An alternative that no obedient model gives: first or last in the list."""
    for values in (["Oslo", 5], [5, "Oslo"]):
        assert findings(wants({"city": {"$match": "one_of", "values": values}})) == [
            (1, "warning", "unreachable-value", "expected[0].arguments.city")
        ]


@pytest.mark.parametrize(
    "row_",
    [
        row(),
        row(expected="any"),
        row(tools=[], expected=[]),
        wants({"city": {"$match": "any"}, "days": 1}),
        wants({"city": {"$match": "any"}}, {"properties": {"city": {"pattern": "^[A-Z]{3}$"}}, "required": ["city"]}),
        wants(
            {"where": {"city": {"$match": "any"}, "days": 1}},
            {"properties": {"where": {"properties": {"city": {"pattern": "^[A-Z]{3}$"}, "days": {}}}}},
        ),
        wants({"x-unit": "C"}, PATTERNED),
        wants({"x-unit": "C"}, {"type": "object", "additionalProperties": {"type": "string"}}),
        wants({"city": {"$match": "one_of", "values": ["Oslo", "Bergen"]}, "days": 2}),
    ],
)
def test_row_that_can_be_passed_has_no_finding(row_: dict[str, Any]) -> None:
    """What stands for `any` is of our making, and proves nothing against a case."""
    assert findings(row_) == []


def test_schema_that_is_none_is_found_and_blames_no_call() -> None:
    """The tool's place is named; its calls cannot be checked."""
    assert findings(wants({"city": 5}, {"type": "strnig"})) == [
        (1, "error", "invalid-schema", "tools[0].function.parameters"),
        (1, "warning", "undeclared-argument", "expected[0].arguments.city"),
    ]


def test_some_call_without_a_tool_cannot_pass() -> None:
    """`any` wants a call, and there is nothing to call."""
    assert findings(row(tools=[], expected="any")) == [(1, "error", "unpassable", "expected")]


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
