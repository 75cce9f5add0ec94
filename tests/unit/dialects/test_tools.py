"""The `tools` dialect: request bodies out, assistant messages in."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.dialects.tools import PLUGIN as DIALECT
from fceval.records import Json, ToolCall

PING: Json = {"type": "function", "function": {"name": "ping", "strict": True}, "cache_control": {"type": "ephemeral"}}
ASK: Json = {"role": "user", "content": "Ping it.", "name": "ann"}


def row(**fields: Json) -> dict[str, Json]:
    """Return a row with one tool."""
    return {"case_id": "c", "messages": [ASK], "tools": [PING], "expected": "any", **fields}


def message(*entries: Any) -> dict[str, Json]:  # noqa: ANN401 -- any JSON, that is the point
    """Return an assistant message with these entries of `tool_calls`."""
    return {"role": "assistant", "content": None, "tool_calls": list(entries)}


def function(arguments: Any) -> dict[str, Json]:  # noqa: ANN401 -- any JSON, that is the point
    """Return a call of `ping`."""
    return {"id": "1", "type": "function", "function": {"name": "ping", "arguments": arguments}}


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({}, {"messages": [ASK], "tools": [PING]}),
        ({"tools": [], "expected": []}, {"messages": [ASK]}),
        ({"tool_choice": "required"}, {"messages": [ASK], "tools": [PING], "tool_choice": "required"}),
        ({"parallel_tool_calls": False}, {"messages": [ASK], "tools": [PING], "parallel_tool_calls": False}),
    ],
)
def test_render_adds_nothing(fields: dict[str, Json], body: Json) -> None:
    """The body holds what the case says, as it says it, and nothing else."""
    case = case_of(row(**fields), 1)
    assert DIALECT.render(case, case.turns[0].messages) == body


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi", "Hi"),
        (None, ""),
        ([{"type": "text", "text": "A"}, {"type": "image"}, "x", {"type": "text", "text": "B"}], "AB"),
        (5, ""),
        ({"text": "A"}, ""),
    ],
)
def test_text(content: Json, text: str) -> None:
    """Text is the content, or the text parts of a list."""
    assert DIALECT.parse({"role": "assistant", "content": content}).text == text


@pytest.mark.parametrize("arguments", ["", " \n", None, "{}", {}])
def test_no_arguments(arguments: Json) -> None:
    """Every way of writing no arguments is an empty object."""
    (call,) = DIALECT.parse(message(function(arguments))).calls
    assert (call.value, call.problem) == ({}, None)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("{", "arguments are not valid JSON at line 1 column 2"),
        ("[]", "arguments are JSON, but no object"),
        ('"{}"', "arguments are JSON, but no object"),
        ('{"a": 1, "a": 2}', 'arguments: duplicate key "a"'),
        ('{"a": NaN}', "arguments: NaN is not JSON"),
        ([1], "arguments are neither text nor an object"),
        (7, "arguments are neither text nor an object"),
    ],
)
def test_unusable_arguments(arguments: Json, problem: str) -> None:
    """A call whose arguments are no JSON object says why, and keeps them verbatim."""
    (call,) = DIALECT.parse(message(function(arguments))).calls
    assert call.problem is not None
    assert call.problem.startswith(problem)
    assert call.name == "ping"
    assert not isinstance(arguments, str) or call.arguments == arguments


@pytest.mark.parametrize(
    ("calls", "problem"),
    [
        ("ping", '`tool_calls` is no list: "ping"'),
        ({"function": {}}, "`tool_calls` is no list"),
        (["ping"], 'an entry of `tool_calls` that is no function call: "ping"'),
        ([{"type": "custom", "custom": {"name": "ping", "input": ""}}], "an entry of `tool_calls` that is no function"),
        ([{"function": {"arguments": "{}"}}], "a call without a name"),
        ([{"function": {"name": "", "arguments": "{}"}}], "a call without a name"),
        ([{"function": {"name": None}}], "a call without a name"),
    ],
)
def test_entries_that_are_no_calls(calls: Json, problem: str) -> None:
    """What is no call by the contract is a problem, and no call."""
    parsed = DIALECT.parse({"role": "assistant", "content": None, "tool_calls": calls})
    assert parsed.calls == ()
    assert parsed.problems[0].startswith(problem)


def test_leak_counts_without_calls_only() -> None:
    """A call in the text is a problem, unless the message makes calls as it should."""
    leaked = '<tool_call>{"name": "ping", "arguments": {}}</tool_call>'
    assert len(DIALECT.parse({"role": "assistant", "content": leaked}).problems) == 1
    assert DIALECT.parse({**message(function("{}")), "content": leaked}).problems == ()


def test_legacy_field_is_a_problem() -> None:
    """A call in `function_call` is an attempt; its absence is none."""
    called = {"role": "assistant", "content": None, "function_call": {"name": "ping", "arguments": "{}"}}
    assert DIALECT.parse(called).problems[0].startswith("a call in the legacy `function_call`")
    assert DIALECT.parse({**called, "function_call": None}).problems == ()


def test_refusal() -> None:
    """A refusal is kept apart from the text."""
    parsed = DIALECT.parse({"role": "assistant", "content": None, "refusal": "No."})
    assert (parsed.refusal, parsed.text) == ("No.", "")


def test_results() -> None:
    """Each result names the call that it belongs to."""
    calls = [ToolCall("a", "ping", "{}", {}), ToolCall("b", "ping", "{}", {})]
    assert DIALECT.results(calls, ["1", "2"]) == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
    ]
