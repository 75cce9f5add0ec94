"""BFCL's error types as outcomes of fceval."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fceval.scoring.bfcl.outcome import outcome_of
from fceval.scoring.bfcl.question import Question, question
from fceval.scoring.bfcl.verdict import judge
from fceval.scoring.verdict import NOT_MEASURED, OUTCOMES
from tests.bfcl_data import bfcl_rows

_DOCS = [
    {"name": "a.b", "parameters": {"properties": {"x": {"type": "integer"}, "d": {"type": "dict"}}, "required": ["x"]}},
    {"name": "c", "parameters": {"properties": {}, "required": []}},
]
_ONE = question("multiple", _DOCS, [{"a.b": {"x": [1], "d": ["", {"k": [1]}]}}])
_TWO = question("parallel_multiple", _DOCS, [{"a.b": {"x": [1]}}, {"a.b": {"x": [2]}}])


def _message(*calls: tuple[str, object]) -> dict[str, Any]:
    entries = [
        {"function": {"name": name, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}}
        for name, arguments in calls
    ]
    return {"content": None, "tool_calls": entries}


@pytest.mark.parametrize(
    ("asked", "message", "outcome"),
    [
        (_ONE, _message(("a_b", {"x": 1})), "passed"),
        (_ONE, {"content": "It is 1."}, "missing_call"),
        (_ONE, {"tool_calls": []}, "missing_call"),
        (_ONE, _message(("a_b", "{")), "unparsable_call"),
        (_ONE, _message(("a_b", [])), "unparsable_call"),
        (_ONE, _message(("a_b", {"x": 1}), ("c", {})), "extra_call"),
        (_ONE, _message(("c", {})), "wrong_tool"),
        (_ONE, _message(("a.b", {"x": 1})), "unknown_tool"),
        (_ONE, _message(("a_b", {})), "missing_argument"),
        (_ONE, _message(("a_b", {"x": 1, "y": 1})), "unexpected_argument"),
        (_ONE, _message(("a_b", {"x": "1"})), "wrong_type"),
        (_ONE, _message(("a_b", {"x": 2})), "wrong_value"),
        (_ONE, _message(("a_b", {"x": 1, "d": {"z": 1}})), "wrong_value"),
        (_TWO, _message(("a_b", {"x": 1})), "missing_call"),
        (_TWO, _message(("a_b", {"x": 2}), ("a_b", {"x": "1"})), "wrong_value"),
        (_TWO, _message(("a_b", {"x": 1}), ("a_b", {"x": "2"})), "wrong_type"),
        (_TWO, _message(("a_b", {"x": 1}), ("c", {})), "wrong_tool"),
        (_TWO, _message(("a_b", {"x": 1}), ("z", {})), "unknown_tool"),
        (question("irrelevance", _DOCS, []), _message(("c", {})), "unexpected_call"),
        (question("irrelevance", _DOCS, []), _message(("c", "{")), "passed"),
        (question("live_relevance", _DOCS, []), {"content": "no"}, "missing_call"),
        (question("live_relevance", _DOCS, []), _message(("c", "{")), "unparsable_call"),
    ],
)
def test_error_type_becomes_the_outcome_that_says_the_same(
    asked: Question, message: dict[str, Any], outcome: str
) -> None:
    """Also where BFCL says no more than that no match was found."""
    assert outcome_of(asked, message, judge(asked, message)) == outcome


def test_answer_on_which_bfcl_crashes_has_a_wrong_value() -> None:
    """The crash is about a value's shape."""
    asked = question("parallel", [{"name": "f", "parameters": {}}], [{"f": {}}])
    message = _message(("f", {}))
    assert outcome_of(asked, message, judge(asked, message)) == "wrong_value"


def test_every_public_candidate_has_an_outcome_that_fits_its_verdict(shared_data: Path) -> None:
    """It passed exactly where it is valid, and no answer counts as not measured."""
    for case in bfcl_rows(shared_data, "synthetic_public"):
        asked = question(case["category"], case["function"], case["ground_truth"])
        for candidate in case["candidates"]:
            message = {"tool_calls": [{"function": call} for call in candidate["tool_calls"]]}
            verdict = judge(asked, message)
            outcome = outcome_of(asked, message, verdict)
            assert (outcome == "passed") is verdict.valid
            assert outcome in set(OUTCOMES) - set(NOT_MEASURED)
