"""What a request to the Responses API must be; each fault is refused with the field that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fceval.endpoints._contract import Asked, Refused
from fceval.endpoints._responses_contract import responses_request

USER = {"role": "user", "content": "hello"}
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "done"}


def _read(**fields: object) -> Asked:
    body = {"model": "m", "input": [USER], **fields}
    return responses_request("application/json", json.dumps(body).encode())


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": ["hello"]}, "input[0]"),
        ({"input": [{"type": "widget"}]}, "input[0].type"),
        ({"input": [USER, CALL]}, "input[1]"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"instructions": 1}, "instructions"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"tools": [{"type": "widget"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0].name"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    """Status 400 and the field in `param`."""
    with pytest.raises(Refused) as caught:
        _read(**fields)
    assert caught.value.status == 400
    assert caught.value.body["error"]["param"] == param  # type: ignore[index,call-overload]  # the body is JSON


def test_conversation_is_read_into_messages() -> None:
    """Instructions, text, calls in a row and their results are what Chat Completions writes; thoughts are left out."""
    thought = {"type": "reasoning", "summary": []}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Well"}]}
    other = {**CALL, "call_id": "b"}
    results = [OUTPUT, {**OUTPUT, "call_id": "b"}]
    asked = _read(instructions="Be brief.", input=[USER, thought, said, CALL, other, *results], tools=[TOOL])
    system, user, assistant, *tools = asked.messages
    assert (system, user) == ({"role": "system", "content": "Be brief."}, USER)
    assert [call["id"] for call in assistant["tool_calls"]] == ["a", "b"]
    assert assistant["content"] == said["content"]
    assert [message["role"] for message in tools] == ["tool", "tool"]


def test_what_the_answer_repeats() -> None:
    """Fields of the request, and defaults for what it does not say."""
    echoed = _read(tools=[TOOL], temperature=0.5).echoed
    assert (echoed["tools"], echoed["temperature"], echoed["top_p"]) == ([TOOL], 0.5, 1.0)


def test_text_is_one_user_message() -> None:
    """`input` may be a string."""
    assert _read(input="hello").messages == [USER]


def test_allowed_tools() -> None:
    """The tools of a choice are flat here."""
    other = {**TOOL, "name": "g"}
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}
    asked = _read(tools=[TOOL, other], tool_choice=choice)
    assert (asked.tool_choice, asked.callable_tools) == ("required", frozenset({"g"}))
