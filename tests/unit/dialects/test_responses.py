"""The `responses` dialect: items out, items in."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.dialects.responses import PLUGIN as DIALECT
from fceval.records import Json, JsonObject, ToolCall

ASK: Json = {"role": "user", "content": "Ping it.", "name": "ann"}
ASKED: Json = {"type": "message", "role": "user", "content": "Ping it."}


def body_of(function: dict[str, Json], **fields: Json) -> JsonObject:
    """Return the body of a case with one tool."""
    tool: Json = {"type": "function", "function": {"name": "ping", **function}, "cache_control": {"type": "ephemeral"}}
    case = case_of({"case_id": "c", "messages": [ASK], "tools": [tool], "expected": [], **fields}, 1)
    return DIALECT.render(case, case.turns[0].messages)


@pytest.mark.parametrize(("given", "sent"), [({}, False), ({"strict": None}, False), ({"strict": True}, True)])
def test_strict_is_always_said(given: dict[str, Json], sent: bool) -> None:  # noqa: FBT001 -- a column of the table
    """A tool is flat; `strict` is what the dataset says, else false, and parameters are there even if null."""
    schema: Json = {"type": "object", "properties": {}}
    tool: Json = {"type": "function", "cache_control": {"type": "ephemeral"}, "name": "ping", "strict": sent}
    assert isinstance(tool, dict)
    expected = {"input": [ASKED], "store": False}
    assert body_of(given) == {**expected, "tools": [{**tool, "parameters": None}]}
    assert body_of({**given, "parameters": schema}) == {**expected, "tools": [{**tool, "parameters": schema}]}


NAMED: Json = {"type": "function", "function": {"name": "ping"}}
FLAT: Json = {"type": "function", "name": "ping"}


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("none", "none"),
        ("auto", "auto"),
        ("required", "required"),
        (NAMED, FLAT),
        (FLAT, FLAT),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED, "x"]}},
            {"type": "allowed_tools", "mode": "auto", "tools": [FLAT, "x"]},
        ),
        ({"type": "custom", "name": "ping"}, {"type": "custom", "name": "ping"}),
    ],
)
def test_choice_is_flat(choice: Json, written: Json) -> None:
    """What Chat Completions nests stands beside the type; words, and forms of this API, stay."""
    assert body_of({}, tool_choice=choice)["tool_choice"] == written


def test_parallel_calls_are_sent_as_they_are() -> None:
    """Where the case says something of them."""
    assert body_of({}, parallel_tool_calls=False)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in body_of({})


def items(*messages: Any) -> Json:  # noqa: ANN401 -- any JSON, that is the point
    """Return what becomes of messages in the body of a case without tools."""
    case = case_of({"case_id": "c", "messages": [ASK], "tools": [], "expected": []}, 1)
    body = DIALECT.render(case, messages)
    assert body.keys() == {"input", "store"}
    return body["input"]


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_text_stays(role: str) -> None:
    """Text is sent as it is, by whomever."""
    assert items({"role": role, "content": "Hello."}) == [{"type": "message", "role": role, "content": "Hello."}]


def test_calls_and_results_are_items() -> None:
    """Calls follow the text of their message, and results name them."""
    function: Json = {"name": "ping", "arguments": '{"a": 1}'}
    calling: Json = {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    assert isinstance(calling, dict)
    call: Json = {"type": "function_call", "call_id": "c1", "name": "ping", "arguments": '{"a": 1}'}
    result: Json = {"type": "function_call_output", "call_id": "c1", "output": "pong"}
    told = {"role": "tool", "tool_call_id": "c1", "content": "pong"}
    assert items({**calling, "content": None}, told) == [call, result]
    text: Json = {"type": "message", "role": "assistant", "content": "I ping."}
    assert items({**calling, "content": "I ping."}, told) == [text, call, result]


def test_answers_and_results_of_its_own_are_spliced_in() -> None:
    """A message of this API goes back item by item, verbatim, whatever else is in it."""
    output: Json = [{"type": "reasoning", "id": "rs_1", "encrypted_content": "x"}, {"type": "function_call", "odd": 1}]
    (result,) = DIALECT.results([ToolCall("c1", "ping", "{}", {})], ["pong"])
    assert isinstance(output, list)
    assert items(ASK, {"role": "assistant", "output": output}, result) == [ASKED, *output, result]


@pytest.mark.parametrize(
    ("role", "part", "written"),
    [
        ("user", {"type": "text", "text": "A"}, {"type": "input_text", "text": "A"}),
        ("assistant", {"type": "text", "text": "A"}, {"type": "output_text", "text": "A"}),
        ("assistant", {"type": "refusal", "refusal": "No."}, {"type": "refusal", "refusal": "No."}),
        (
            "user",
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
            {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"},
        ),
        ("user", {"type": "file", "file": {"file_id": "f1"}}, {"type": "input_file", "file_id": "f1"}),
        ("user", {"type": "input_text", "text": "A"}, {"type": "input_text", "text": "A"}),
        ("user", "A", "A"),
    ],
)
def test_parts_get_the_names_of_this_api(role: str, part: Json, written: Json) -> None:
    """Parts of a content are renamed; those of this API stay."""
    assert items({"role": role, "content": [part]}) == [{"type": "message", "role": role, "content": [written]}]


def test_refusal_of_the_history() -> None:
    """A message that only refuses is told as its part."""
    part: Json = {"type": "refusal", "refusal": "No."}
    assert items({"role": "assistant", "content": None, "refusal": "No."}) == [
        {"type": "message", "role": "assistant", "content": [part]}
    ]


def test_result_without_an_id_is_named_by_its_place() -> None:
    """The API wants a text there."""
    calls = [ToolCall("c1", "f", "{}", {}), ToolCall(None, "g", "{}", {})]
    assert [item["call_id"] for item in DIALECT.results(calls, ["1", "2"])] == ["c1", "call_1"]
