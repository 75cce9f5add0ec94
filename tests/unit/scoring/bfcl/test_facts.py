"""BFCL's verdict in the facts of a response."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.errors import FieldError
from fceval.records import Case
from fceval.scoring.bfcl.facts import as_bfcl
from fceval.scoring.facts import Facts
from tests.scoring_cases import judged, message_of, tool

DOC = {
    "name": "geo.area",
    "parameters": {
        "type": "dict",
        "properties": {"base": {"type": "integer"}, "unit": {"type": "string"}},
        "required": ["base"],
    },
}
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"base": {"type": "integer"}, "unit": {"type": "string"}},
    "required": ["base"],
}
TEXT = {"role": "assistant", "content": "About ten."}


def area_case(**fields: Any) -> Case:  # noqa: ANN401 -- any field of a row
    """Return a case of BFCL whose unit must be spelled out, natively and by BFCL's possible answer."""
    source = {
        "dataset": "bfcl",
        "category": "simple_python",
        "function": [DOC],
        "ground_truth": [{"geo.area": {"base": [10], "unit": ["cm"]}}],
    }
    row: dict[str, Any] = {
        "case_id": "simple_python_0",
        "category": "geometry",
        "messages": [{"role": "user", "content": "Area?"}],
        "tools": [tool("geo_area", PARAMETERS)],
        "expected": [{"name": "geo_area", "arguments": {"base": 10, "unit": "cm"}}],
        "source": source,
    }
    return case_of({**row, **fields}, 1)


def facts_by_bfcl(message: dict[str, Any], finish_reason: str = "stop", case: Case | None = None) -> Facts:
    """Return the facts of an answer, judged by BFCL."""
    case = case or area_case()
    facts, _ = judged(case, message, finish_reason=finish_reason)
    return as_bfcl(facts, case, message)


def call(arguments: str, name: str = "geo_area") -> dict[str, Any]:
    """Return the message with one call."""
    return dict(message_of([{"name": name, "arguments": arguments}]))


@pytest.mark.parametrize(
    ("message", "outcome", "error_type"),
    [
        (call('{"base": 10, "unit": "cm"}'), "passed", None),
        (call('{"base": 10, "unit": "c. m."}'), "passed", None),
        (call('{"base": 10, "unit": "m"}'), "wrong_value", "value_error:string"),
        (call('{"base": "10", "unit": "cm"}'), "wrong_type", "type_error:simple"),
        (call('{"unit": "cm"}'), "missing_argument", "simple_function_checker:missing_required"),
        (call('{"base": 10}'), "missing_argument", "simple_function_checker:missing_optional"),
        (call("{"), "unparsable_call", "ast_decoder:decoder_failed"),
        (call('{"base": 10, "unit": "cm"}', "geo.area"), "unknown_tool", "simple_function_checker:wrong_func_name"),
        (TEXT, "missing_call", "ast_decoder:decoder_failed"),
    ],
)
def test_outcome_and_error_type_are_bfcls(message: dict[str, Any], outcome: str, error_type: str | None) -> None:
    """An answer that passes has no error type."""
    response = facts_by_bfcl(message).response
    assert (response.bfcl_outcome, response.bfcl_error_type) == (outcome, error_type)


@pytest.mark.parametrize(
    ("message", "finish_reason", "outcome"),
    [
        (TEXT, "length", "truncated"),
        (call('{"base": 1'), "length", "truncated"),
        (call('{"base": 10, "unit": "cm"}'), "length", "passed"),
        ({"role": "assistant", "content": None, "refusal": "I won't."}, "stop", "refused"),
        ({"role": "assistant", "content": None, "refusal": "I won't."}, "length", "truncated"),
    ],
)
def test_wrong_answer_says_why_it_is_none(message: dict[str, Any], finish_reason: str, outcome: str) -> None:
    """BFCL knows no cut-off answers and no refusals; what it calls right stays right."""
    assert facts_by_bfcl(message, finish_reason).response.bfcl_outcome == outcome


def test_refusal_where_none_is_wanted_passes() -> None:
    """For BFCL, whatever is no call is right there."""
    source = {"dataset": "bfcl", "category": "irrelevance", "function": [DOC], "ground_truth": []}
    case = area_case(expected=[], source=source)
    refusal = {"role": "assistant", "content": None, "refusal": "I won't."}
    assert facts_by_bfcl(refusal, case=case).response.bfcl_outcome == "passed"


def test_all_else_stays_as_the_native_rules_found_it() -> None:
    """Pairs and arguments tell what differs, whoever judges."""
    case, message = area_case(), call('{"base": 10, "unit": "m"}')
    facts, _ = judged(case, message)
    by_bfcl = as_bfcl(facts, case, message)
    assert (by_bfcl.calls, by_bfcl.arguments) == (facts.calls, facts.arguments)
    assert [each.fault for each in by_bfcl.arguments] == [None, "wrong_value"]
    assert by_bfcl.response._replace(bfcl_outcome=None, bfcl_error_type=None) == facts.response


def test_case_from_elsewhere_cannot_be_judged() -> None:
    """What BFCL's rules need is not there."""
    case = area_case(source=None)
    with pytest.raises(FieldError, match="does not say that the case comes from BFCL"):
        facts_by_bfcl(TEXT, case=case)
