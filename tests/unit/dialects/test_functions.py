"""The `functions` dialect: bodies and histories as they were before `tools`."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.dialects.functions import PLUGIN as DIALECT
from fceval.records import Json, JsonObject, ToolCall

PING: Json = {"name": "ping", "strict": True}
ASK: Json = {"role": "user", "content": "Ping it.", "name": "ann"}
NAMED: Json = {"type": "function", "function": {"name": "ping"}}


def body_of(tools: int = 1, **fields: Json) -> JsonObject:
    """Return the body of a case with this many tools."""
    names = ("ping", "pong")[:tools]
    entries: Json = [{"type": "function", "function": {"name": name, "strict": True}} for name in names]
    case = case_of({"case_id": "c", "messages": [ASK], "tools": entries, "expected": [], **fields}, 1)
    return DIALECT.render(case, case.turns[0].messages)


def test_render_adds_nothing() -> None:
    """The body holds what the case says, as it says it, and nothing else."""
    assert body_of() == {"messages": [ASK], "functions": [PING]}
    assert body_of(parallel_tool_calls=False) == body_of()


@pytest.mark.parametrize(
    ("tools", "choice", "written"),
    [
        (1, "none", "none"),
        (1, "auto", "auto"),
        (2, NAMED, {"name": "ping"}),
        (1, "required", {"name": "ping"}),
        (2, "required", "auto"),
        (
            2,
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
            {"name": "ping"},
        ),
    ],
)
def test_function_call(tools: int, choice: Json, written: Json) -> None:
    """A choice is written in the legacy words; one that has none leaves the model free."""
    assert body_of(tools, tool_choice=choice)["function_call"] == written


def test_no_choice_without_tools() -> None:
    """Servers refuse a choice where nothing is on offer."""
    assert body_of(0, tool_choice="none") == {"messages": [ASK]}


def history(*messages: Any) -> Json:  # noqa: ANN401 -- any JSON, that is the point
    """Return what becomes of messages in the body."""
    case = case_of({"case_id": "c", "messages": [ASK], "tools": [], "expected": []}, 1)
    return DIALECT.render(case, messages)["messages"]


def calling(*ids: str | None) -> Json:
    """Return an assistant message with a call of `ping` per id, numbered in its arguments."""
    entries: Json = [
        {"id": call_id, "type": "function", "function": {"name": f"ping_{number}", "arguments": "{}"}}
        for number, call_id in enumerate(ids)
    ]
    return {"role": "assistant", "content": "I ping.", "tool_calls": entries}


def legacy(number: int, content: str | None) -> Json:
    """Return the legacy form of one of these calls."""
    call: Json = {"name": f"ping_{number}", "arguments": "{}"}
    return {"role": "assistant", "content": content, "function_call": call}


def result(number: int, content: str) -> Json:
    """Return the legacy form of its result."""
    return {"role": "function", "name": f"ping_{number}", "content": content}


def tool(call_id: str | None, content: str) -> Json:
    """Return a result as Chat Completions writes it."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def test_each_call_is_followed_by_its_result() -> None:
    """Calls of one message become messages of their own, in the order of the results."""
    assert history(ASK, calling("a", "b"), tool("b", "two"), tool("a", "one"), ASK) == [
        ASK,
        legacy(1, None),
        result(1, "two"),
        legacy(0, "I ping."),
        result(0, "one"),
        ASK,
    ]


def test_calls_without_ids_take_results_in_order() -> None:
    """Where ids are missing, or equal, the order tells whose a result is."""
    expected = [legacy(0, "I ping."), result(0, "one"), legacy(1, None), result(1, "two")]
    assert history(calling(None, None), tool(None, "one"), tool(None, "two")) == expected
    assert history(calling("a", "a"), tool("a", "one"), tool("a", "two")) == expected
    assert history(calling("a", "b"), tool("x", "one"), tool("y", "two")) == expected


def test_calls_without_results_stay() -> None:
    """A call that was never answered is still in the conversation."""
    assert history(calling("a", "b"), ASK, calling("c")) == [
        legacy(0, "I ping."),
        legacy(1, None),
        ASK,
        legacy(0, "I ping."),
    ]


def test_result_without_a_call_stays() -> None:
    """A result that nobody asked for is told under its own name."""
    assert history({"role": "tool", "name": "ping", "content": [{"type": "text", "text": "A"}]}) == [
        {"role": "function", "name": "ping", "content": "A"}
    ]


def test_answer_has_room_for_one_call() -> None:
    """Of several calls the first one is written."""
    calls = [ToolCall("a", "f", "{}", {}), ToolCall("b", "g", "{}", {})]
    assert DIALECT.answer(calls, None)["function_call"] == {"name": "f", "arguments": "{}"}
