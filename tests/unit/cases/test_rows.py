"""Rows: what is a case, and how each way of not being one is named."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.errors import FieldError
from fceval.records import ExpectedCall
from tests.case_rows import LEFT_OUT, WEATHER, row, turns_row

CALL = {"name": "get_weather", "arguments": {"city": "Oslo"}}


def renamed(name: str) -> dict[str, Any]:
    """Return a tool of another name."""
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("fields", "field", "problem"),
    [
        (row(case_id=LEFT_OUT), "case_id", "missing"),
        (row(case_id=7), "case_id", "valid string, found 7"),
        (row(case_id=""), "case_id", "at least 1 character"),
        (row(case_id="\ud800"), "case_id", "lone surrogate"),
        (row(category="\ud800"), "category", 'lone surrogate, which is no Unicode text: "\\ud800"'),
        (row(tags=["\ud800"]), "tags[0]", "lone surrogate"),
        (row(tools=[renamed("\ud800")]), "tools[0].function.name", "lone surrogate"),
        (row(expected=[{"name": "get_weather", "arguments": {"\ud800": 1}}]), "expected[0].arguments", "surrogate"),
        (row(strings="loose"), "strings", 'found "loose"'),
        (row(category=3), "category", "valid string, found 3"),
        (row(tags="support"), "tags", 'valid list, found "support"'),
        (row(tags=[1]), "tags[0]", "valid string, found 1"),
        (row(messages=LEFT_OUT), "messages", "missing: the messages that are sent (or `turns`)"),
        (row(messages=None), "messages", "missing"),
        (row(messages=[]), "messages", "at least 1 item, found []"),
        (row(messages="Hello"), "messages", 'valid list, found "Hello"'),
        (row(messages=["Hello"]), "messages[0]", 'JSON object, found "Hello"'),
        (row(messages=[{"role": "user"}, {"content": "Hello"}]), "messages[1].role", "missing"),
        (row(tools=LEFT_OUT), "tools", "missing"),
        (row(tools=None), "tools", "valid list, found null"),
        (row(tools=[{"name": "get_weather"}]), "tools[0].function", "missing"),
        (row(tools=[{"function": {}}]), "tools[0].function.name", "missing"),
        (row(tools=[renamed("")]), "tools[0].function.name", "at least 1 character"),
        (row(tools=[{"type": "custom", "function": {"name": "f"}}]), "tools[0].type", 'found "custom"'),
        (row(tools=[{"function": {"name": "f", "parameters": []}}]), "tools[0].function.parameters", "JSON object"),
        (row(tools=[WEATHER, renamed("f"), WEATHER]), "tools[2].function.name", "`get_weather` is offered twice"),
        (row(expected=LEFT_OUT), "expected", 'missing: the calls that are wanted ([] for none, "any" for some call)'),
        (row(expected=None), "expected", "missing"),
        (row(expected="some"), "expected", 'a list of calls, or "any", not "some"'),
        (row(expected="\ud800"), "expected", 'a list of calls, or "any", not "\\ud800"'),
        (row(expected=[{"name": "get_weather"}]), "expected[0].arguments", "missing"),
        (row(expected=[CALL, {"name": "get_weather", "arguments": "{}"}]), "expected[1].arguments", "JSON object"),
        (row(expected=[{**CALL, "argument": 1}]), "expected[0].argument", "unknown field (did you mean `arguments`?)"),
        (
            row(expected=[{**CALL, "name": "get_wether"}]),
            "expected[0].name",
            "not offered (did you mean `get_weather`?)",
        ),
        (row(expected=[CALL], tools=[]), "expected[0].name", "`get_weather` is expected but not offered"),
        (row(expected_any_of=[[CALL]]), "expected_any_of", "stands beside `expected`: give one of the two"),
        (row(expected=LEFT_OUT, expected_any_of=[]), "expected_any_of", "at least 1 item"),
        (
            row(expected=LEFT_OUT, expected_any_of=[[CALL], [CALL, {**CALL, "name": "f"}]]),
            "expected_any_of[1][1].name",
            "`f` is expected but not offered",
        ),
        (row(turns=[{"messages": [{"role": "user"}], "expected": []}]), "messages", "stands beside `turns`"),
        (turns_row(), "turns", "at least 1 item"),
        (turns_row({}, expected=[CALL]), "expected", "stands beside `turns`"),
        (turns_row({}, {"messages": []}), "turns[1].messages", "at least 1 item"),
        (turns_row({}, {"expected": None}), "turns[1].expected", "valid list"),
        (turns_row({"tool_result": []}), "turns[0].tool_result", "unknown field (did you mean `tool_results`?)"),
        (turns_row({"tool_results": [{"name": "f"}]}), "turns[0].tool_results[0].content", "missing"),
        (turns_row({"tool_results": [{"content": {}}]}), "turns[0].tool_results[0].content", "valid string"),
        (
            turns_row({"tool_results": [{"arguments": {}, "content": "x"}]}),
            "turns[0].tool_results[0].name",
            "missing: arguments of which tool?",
        ),
        (
            turns_row({"tool_results": [{"content": "x"}, {"name": "f", "content": "y"}, {"content": "z"}]}),
            "turns[0].tool_results[2].name",
            "missing: [0] is the result of any call that has no other already; there is one at most",
        ),
        (turns_row({"expected": [{**CALL, "name": "f"}]}), "turns[0].expected[0].name", "expected but not offered"),
        (turns_row({"expected_any_of": [[CALL]]}), "turns[0].expected_any_of", "stands beside `expected`"),
        (row(parallel_tool_calls=1), "parallel_tool_calls", "valid boolean, found 1"),
        (row(request=[]), "request", "JSON object, found []"),
        (row(request={"model": "x"}), "request.model", "the run says which model is asked, not a case: drop it"),
        (row(request={"stream": False}), "request.stream", "the run says whether answers are streamed"),
        (row(request={"tools": []}), "request.tools", "stands in `tools` of the row: drop it"),
        (row(order="loose"), "order", "'any' or 'strict', found \"loose\""),
        (row(extra_calls="deny"), "extra_calls", "'forbid' or 'allow', found \"deny\""),
    ],
)
def test_mistake_is_named_with_its_field(fields: dict[str, Any], field: str, problem: str) -> None:
    """The error says where in the row, and what was found or what to do."""
    with pytest.raises(FieldError) as caught:
        case_of(fields, 1)
    assert (caught.value.field, problem in str(caught.value)) == (field, True), str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("caseId", "case_id"),
        ("tag", "tags"),
        ("message", "messages"),
        ("sources", "source"),
        ("expecteds", "expected"),
        ("expected_any", "expected_any_of"),
        ("toolChoice", "tool_choice"),
        ("extra-calls", "extra_calls"),
        ("tags_", "tags"),
    ],
)
def test_misspelt_field_is_refused(name: str, meant: str) -> None:
    """A field that fceval would silently not obey is no field of the user's own."""
    with pytest.raises(FieldError, match=f"unknown field \\(did you mean `{meant}`\\?\\)") as caught:
        case_of(row(**{name: 1}), 1)
    assert caught.value.field == name


def test_misspelt_field_comes_before_the_one_that_it_leaves_missing() -> None:
    """`caseId` in place of `case_id` is explained, not only missed."""
    with pytest.raises(FieldError, match="did you mean `case_id`"):
        case_of(row(case_id=LEFT_OUT, caseId="a"), 1)


@pytest.mark.parametrize(
    "name", ["id", "difficulty", "x-SOURCE", "tags_2", "request_id", "source_id", "category_id", "subcategory", "问题"]
)
def test_field_of_the_users_own_is_kept(name: str) -> None:
    """What fceval does not know is not lost, even where its name is made from one that fceval knows."""
    assert case_of(row(**{name: {"x": 1}}), 1).fields[name] == {"x": 1}


def test_case_without_tools_is_one() -> None:
    """`tools: []` asks what a model does when it is offered nothing."""
    case = case_of(row(tools=[], expected=[]), 1)
    assert (case.tools, case.turns[0].expected) == ((), ((),))


def test_null_is_as_good_as_leaving_a_field_out() -> None:
    """Tables write a field that a row does not have as null."""
    optional = ("category", "tags", "turns", "expected_any_of", "tool_choice", "parallel_tool_calls")
    nulls = dict.fromkeys((*optional, "request", "order", "extra_calls", "source"))
    case = case_of(row(**nulls), 1)
    plain = case_of(row(category=LEFT_OUT), 1)
    assert (case.category, case.tags, case.request) == (plain.category, plain.tags, plain.request)
    assert (case.category, case.turns, case.tool_choice) == ("uncategorised", plain.turns, None)
    assert case.content_hash == plain.content_hash


def test_alternatives_are_kept_in_order() -> None:
    """Each of `expected_any_of` is a list of calls that would do."""
    case = case_of(row(expected=LEFT_OUT, expected_any_of=[[CALL], []]), 1)
    assert case.turns[0].expected == ((ExpectedCall("get_weather", {"city": "Oslo"}),), ())


def test_tool_is_sent_as_the_dataset_wrote_it() -> None:
    """Fields of a tool that fceval does not know go out, too."""
    tool = {"type": "function", "function": {"name": "f", "x-vendor": [1]}, "cache": True}
    assert case_of(row(tools=[tool], expected=[]), 1).tools[0].wire == tool


def test_result_without_a_name_is_one() -> None:
    """It answers any call."""
    results = [{"name": "get_weather", "arguments": {"city": "Oslo"}, "content": "rain"}, {"content": "{}"}]
    assert case_of(turns_row({"tool_results": results}), 1).turns[0].tool_results == tuple(results)
