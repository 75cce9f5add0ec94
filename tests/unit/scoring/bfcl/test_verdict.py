"""BFCL's verdict and error type, against its own checker's and rule by rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.scoring.bfcl.question import Question, question
from fceval.scoring.bfcl.verdict import WOULD_CRASH, Verdict, judge
from tests.bfcl_data import bfcl_rows

_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


def _message(calls: list[dict[str, str]], content: str | None = None, *, null: bool = False) -> dict[str, Any]:
    entries = [{"id": "call_0", "type": "function", "function": call} for call in calls]
    return {"role": "assistant", "content": content, "tool_calls": None if null else entries}


def _call(arguments: object, name: str = "f") -> dict[str, Any]:
    return _message([{"name": name, "arguments": json.dumps(arguments)}])


def _asked(
    properties: dict[str, Any],
    possible: dict[str, Any],
    required: tuple[str, ...] = (),
    category: str = "simple_python",
) -> Question:
    doc = {"name": "f", "parameters": {"type": "dict", "properties": properties, "required": list(required)}}
    return question(category, [doc], [{"f": possible}])


def test_agrees_with_bfcl_on_every_public_candidate(shared_data: Path) -> None:
    """Verdict and error type are BFCL's on all rows that its own checker judged."""
    questions = {
        case["id"]: question(case["category"], case["function"], case.get("ground_truth") or [])
        for case in bfcl_rows(shared_data, "cases_public")
    }
    judged = 0
    for row in bfcl_rows(shared_data, "agreement_public"):
        message = _message(row["tool_calls"], row.get("content"), null=row.get("tool_calls_null", False))
        wanted = Verdict(row["bfcl_valid"], row["bfcl_error_type"])
        assert judge(questions[row["id"]], message) == wanted, row
        judged += 1
    assert judged == 16_466


def test_agrees_with_bfcl_on_synthetic_cases(shared_data: Path) -> None:
    """So are they on fuzzed cases; where BFCL itself crashes, the verdict is our own."""
    judged = crashes = 0
    for case in bfcl_rows(shared_data, "synthetic_public"):
        asked = question(case["category"], case["function"], case["ground_truth"])
        for row in case["candidates"]:
            # Here an answer without calls is one whose `tool_calls` is null.
            verdict = judge(asked, _message(row["tool_calls"], null=not row["tool_calls"]))
            crash = row["bfcl_valid"] is None
            wanted = Verdict(valid=False, error_type=WOULD_CRASH)
            assert verdict == (wanted if crash else Verdict(row["bfcl_valid"], row["bfcl_error_type"])), row
            judged += 1
            crashes += crash
    assert (judged, crashes) == (6_187, 75)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"content": "text", "tool_calls": None}, "ast_decoder:decoder_failed"),
        ({"content": None}, "ast_decoder:decoder_failed"),
        ({"content": ""}, "simple_function_checker:wrong_count"),
        ({"content": "text", "tool_calls": []}, "simple_function_checker:wrong_count"),
        (_message([{"name": "f", "arguments": ""}]), "ast_decoder:decoder_failed"),
        (_message([{"name": "f", "arguments": "[]"}]), "ast_decoder:decoder_wrong_output_format"),
        (_message([{"name": "f", "arguments": '{"x": 2, "x": 1}'}]), None),
        (_call({"x": 1}, "F"), "simple_function_checker:wrong_func_name"),
        (_call({}), "simple_function_checker:missing_required"),
        (_call({"x": 1, "z": 1}), "simple_function_checker:unexpected_param"),
        (_call({"x": 1.0}), "type_error:simple"),
        (_call({"x": True}), "type_error:simple"),
        (_call({"x": 2}), "value_error:others"),
    ],
)
def test_first_failure_wins(message: dict[str, Any], error: str | None) -> None:
    """Each check of one simple call has its own error type."""
    asked = _asked({"x": {"type": "integer"}}, {"x": [1]}, ("x",))
    assert judge(asked, message) == Verdict(error is None, error)


@pytest.mark.parametrize(
    ("schema", "acceptable", "value", "error"),
    [
        ({"type": "float"}, [5.0], 5, None),
        ({"type": "string"}, ["New York, NY"], "newyork-ny", None),
        ({"type": "string"}, ["5"], "-5", None),
        ({"type": "string"}, ["a"], "b", "value_error:string"),
        ({"type": "array", "items": {"type": "float"}}, [[1.0]], [1], "type_error:nested"),
        ({"type": "array", "items": {"type": "string"}}, [["A b"]], ["ab"], None),
        ({"type": "array", "items": {"type": "string"}}, [["a"], ""], [], None),
        ({"type": "array", "items": {"type": "string"}}, [["a"]], ["b"], "value_error:list/tuple"),
        ({"type": "array", "items": {"type": "string"}}, [], ["b"], "type_error:simple"),
        ({"type": "array", "items": {"type": "integer"}}, ["var"], "var", None),
        ({"type": "array", "items": {"type": "integer"}}, ["var"], "Var", "value_error:others"),
        ({"type": "dict"}, [{"k": ["a", ""], "n": [True]}], {"n": 1}, None),
        ({"type": "dict"}, [{"k": ["a"]}], {"k": "b"}, "value_error:dict_value"),
        ({"type": "dict"}, [{"k": ["a"]}], {"z": "b"}, "value_error:dict_key"),
        ({"type": "dict"}, [""], {}, "dict_checker:unclear"),
        ({"type": "array", "items": {"type": "dict"}}, [[{"k": [1]}]], [], "value_error:list_dict_count"),
        ({"type": "array", "items": {"type": "dict"}}, [[{"k": [1]}, {"k": [2]}]], [{"k": 1}, {"k": 2}], None),
        ({"type": "array", "items": {"type": "string"}}, [["a"], None], ["a"], WOULD_CRASH),
        ({"type": "matrix"}, [1], 1, WOULD_CRASH),
    ],
)
def test_argument_is_judged_by_its_declared_type(
    schema: dict[str, Any], acceptable: list[Any], value: object, error: str | None
) -> None:
    """Types are exact, strings lose punctuation, dicts and lists are compared one level deep."""
    asked = _asked({"x": schema}, {"x": acceptable})
    assert judge(asked, _call({"x": value})).error_type == error


def test_unmarked_optional_argument_must_be_given() -> None:
    """Without the marker a parameter must be there, whatever the doc requires."""
    asked = _asked({"x": {"type": "integer"}}, {"x": [1]})
    assert judge(asked, _call({})).error_type == "simple_function_checker:missing_optional"


@pytest.mark.parametrize(
    ("category", "error"), [("simple_java", "type_error:java"), ("simple_javascript", "type_error:js")]
)
def test_java_and_javascript_arguments_must_be_text(category: str, error: str) -> None:
    """A JSON number is refused before it is looked at; its source text is read."""
    asked = _asked({"x": {"type": "integer"}}, {"x": [1]}, category=category)
    assert judge(asked, _call({"x": 1})).error_type == error
    assert judge(asked, _call({"x": "1"})).valid


def test_parallel_calls_are_paired_greedily() -> None:
    """A call taken by the first expected call stays taken: the order of the answer decides."""
    doc = {"name": "f", "parameters": {"properties": {"x": {"type": "integer"}}, "required": []}}
    asked = question("parallel", [doc], [{"f": {"x": [1, 2]}}, {"f": {"x": [1]}}])
    one, two = ({"name": "f", "arguments": json.dumps({"x": x})} for x in (1, 2))
    assert judge(asked, _message([two, one])).valid
    refused = judge(asked, _message([one, two]))
    assert refused.error_type == "parallel_function_checker_no_order:cannot_find_match"


def test_dotted_name_is_expected_with_underscores() -> None:
    """The expected name is the one that was sent; the original one is wrong."""
    doc = {"name": "geo.area", "parameters": {"properties": {}, "required": []}}
    asked = question("multiple", [doc], [{"geo.area": {}}])
    assert judge(asked, _call({}, "geo_area")).valid
    assert not judge(asked, _call({}, "geo.area")).valid


@pytest.mark.parametrize(
    ("message", "called"),
    [
        (_call({}), True),
        (_call([]), False),
        (_message([{"name": "f", "arguments": "{"}]), False),
        ({"content": "no"}, False),
        ({"content": ""}, False),
    ],
)
def test_relevance_asks_only_whether_a_readable_call_was_made(message: dict[str, Any], *, called: bool) -> None:
    """A broken call counts as none: right where none is wanted."""
    assert judge(question("live_relevance", [], []), message).valid is called
    assert judge(question("irrelevance", [], []), message).valid is not called


def test_case_without_possible_answer_would_crash() -> None:
    """A simple case that expects no call at all has a verdict, not a traceback."""
    assert judge(question("simple_python", [], []), {"tool_calls": []}).error_type == WOULD_CRASH


@given(
    calls=_ANY_JSON
    | st.lists(
        st.fixed_dictionaries(
            {"function": st.fixed_dictionaries({"name": _ANY_JSON, "arguments": _ANY_JSON | _ANY_JSON.map(json.dumps)})}
        )
    ),
    content=_ANY_JSON,
    acceptable=_ANY_JSON,
    kind=st.sampled_from(["string", "float", "array", "dict", "HashMap", "any"]),
    category=st.sampled_from(["simple_python", "parallel", "simple_java", "simple_javascript", "live_irrelevance"]),
)
def test_any_message_gets_a_verdict(
    calls: object, content: object, acceptable: object, kind: str, category: str
) -> None:
    """Judging never raises, whatever the model and the dataset hold."""
    asked = _asked({"x": {"type": kind, "items": {"type": kind}}}, {"x": acceptable}, category=category)
    message: dict[str, Any] = {"content": content, "tool_calls": calls}
    assert isinstance(judge(asked, message), Verdict)
