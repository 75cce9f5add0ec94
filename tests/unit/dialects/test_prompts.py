"""Prompt mode: what the model is told, whatever the syntax, and how the history reads."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.dialects._prompts import (
    CALL_OF,
    NO_CALL,
    ONE_CALL,
    ONLY,
    RESULT_BEGINS,
    SOME_CALL,
    TOOLS_BEGIN,
    TOOLS_END,
)
from fceval.dialects.prompt_json import FIRST_LINE
from fceval.dialects.prompt_json import PLUGIN as DIALECT
from fceval.jsontext import read_json
from fceval.records import Json, JsonObject

ASK: JsonObject = {"role": "user", "content": "Ping it.  ", "name": "ann"}
FUNCTION: Json = {"name": "ping", "description": "Says “pong”.", "parameters": {"type": "object", "properties": {}}}
TOOL: Json = {"type": "function", "function": {"name": "ping", "description": "Says “pong”.", "strict": True}}
NAMED: Json = {"type": "function", "function": {"name": "ping"}}


def rendered(*messages: JsonObject, **fields: Json) -> list[Any]:
    """Return the messages of a case with two tools."""
    tools: Json = [{"type": "function", "function": FUNCTION}, {"type": "function", "function": {"name": "pong"}}]
    row: dict[str, Json] = {"case_id": "c", "messages": [ASK], "tools": tools, "expected": [], **fields}
    body = DIALECT.render(case_of(row, 1), messages or [ASK])
    assert body.keys() == {"messages"}
    sent: Any = body["messages"]
    return list(sent)


def test_instructions_are_a_system_message() -> None:
    """They come first where the case has no system message, and the user's message stays as it is."""
    system, ask = rendered()
    assert ask == ASK
    assert system["role"] == "system"
    assert system["content"].startswith(FIRST_LINE + "\n")


def test_tools_stand_one_a_line() -> None:
    """Each as JSON with what the model may know of it, Unicode readable; `strict` is the server's business."""
    system, _ = rendered(tools=[TOOL, {"type": "function", "function": FUNCTION | {"name": "pong"}}])  # type: ignore[operator]  # a dict
    lines = system["content"].splitlines()
    told = lines[lines.index(TOOLS_BEGIN) + 1 : lines.index(TOOLS_END)]
    assert [read_json(line) for line in told] == [
        {"name": "ping", "description": "Says “pong”."},
        {**FUNCTION, "name": "pong"},  # type: ignore[dict-item]  # likewise
    ]
    assert "“pong”" in told[0]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_follow_the_system_message(role: str) -> None:
    """The case's own words come first, in their role; parts stay parts."""
    own: JsonObject = {"role": role, "content": "Be brief."}
    instructions = rendered()[0]["content"]
    assert rendered(own, ASK) == [{"role": role, "content": f"Be brief.\n\n{instructions}"}, ASK]
    part: Json = {"type": "text", "text": "Be brief."}
    added: Json = {"type": "text", "text": instructions}
    assert rendered({"role": role, "content": [part]}, ASK) == [{"role": role, "content": [part, added]}, ASK]
    assert rendered({"role": role, "content": ""}, ASK)[0] == {"role": role, "content": instructions}


def test_nothing_is_told_without_tools() -> None:
    """A case without tools is sent as it is."""
    assert rendered(tools=[]) == [ASK]


@pytest.mark.parametrize(
    ("choice", "demand"),
    [
        ("none", NO_CALL),
        ("required", SOME_CALL),
        (NAMED, CALL_OF.format(names="`ping`")),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
            CALL_OF.format(names="`ping`"),
        ),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}, ONLY.format(names="`ping`")),
    ],
)
def test_choice_is_said_in_words(choice: Json, demand: str) -> None:
    """A `tool_choice` is the last sentence of the instructions; `auto` needs none."""
    free = rendered()[0]["content"]
    assert rendered(tool_choice="auto")[0]["content"] == free
    assert rendered(tool_choice=choice)[0]["content"] == f"{free}\n{demand}"


def test_one_call_is_said_in_words() -> None:
    """Only `false` needs words."""
    free = rendered()[0]["content"]
    assert rendered(parallel_tool_calls=True)[0]["content"] == free
    assert rendered(parallel_tool_calls=False)[0]["content"] == f"{free}\n{ONE_CALL}"


def test_history_is_text() -> None:
    """Calls are in the answers' text, results in one user message by the tools' names; all else stays."""
    entries: Json = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in (("a", "ping", '{"n": 1}'), ("b", "pong", "{}"))
    ]
    calling: JsonObject = {"role": "assistant", "content": "I ping.", "tool_calls": entries, "name": "bot"}
    results: list[JsonObject] = [
        {"role": "tool", "tool_call_id": "b", "content": "two"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "one"}]},
        {"role": "tool", "name": "late", "content": "three"},
    ]
    said: JsonObject = {"role": "assistant", "content": "Done.", "tool_calls": None}
    _, *sent = rendered(ASK, calling, *results, said)
    assert sent == [
        ASK,
        {
            "role": "assistant",
            "name": "bot",
            "content": 'I ping.\n\n[{"name": "ping", "arguments": {"n": 1}}, {"name": "pong", "arguments": {}}]',
        },
        {
            "role": "user",
            "content": '<tool_response name="pong">\ntwo\n</tool_response>\n'
            '<tool_response name="ping">\none\n</tool_response>\n'
            '<tool_response name="late">\nthree\n</tool_response>',
        },
        said,
    ]
    assert sent[2]["content"].startswith(RESULT_BEGINS)


def test_thoughts_are_noted_and_codes_of_native_calls_are_not() -> None:
    """A call in the content is no irregularity here; a thought is one, as everywhere."""
    leak = "<tool_call>\n<function=ping></function>\n</tool_call>"
    parsed = DIALECT.parse({"role": "assistant", "content": f"<think>Hm.</think>{leak}"})
    assert parsed.notes == ("reasoning_field_variants",)
    assert parsed.problems[0].startswith("a call in another syntax")
    assert parsed.leaked == ()
