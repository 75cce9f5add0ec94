"""What a request must be; each fault is refused with the field that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fceval.endpoints._contract import Asked, Refused, chat_request

USER = {"role": "user", "content": "hello"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def _read(**fields: object) -> Asked:
    body = {"model": "m", "messages": [USER], **fields}
    return chat_request("application/json", json.dumps(body).encode())


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": ["hello"]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "assistant", "tool_calls": "x"}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "messages[0].tool_calls[0]"),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {}}}]}
                ]
            },
            "messages[0].tool_calls[0].function",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL]}, USER]}, "messages[1]"),
        ({"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}]}, "messages[1]"),
        ({"tools": []}, "tools"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "widget"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        (
            {"tools": [TOOL, {"type": "function", "function": {"name": "g", "parameters": []}}]},
            "tools[1].function.parameters",
        ),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": "always"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 2}, "n"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    """Status 400 and the field in `param`."""
    with pytest.raises(Refused) as caught:
        _read(**fields)
    assert caught.value.status == 400
    assert caught.value.body["error"]["param"] == param  # type: ignore[index,call-overload]  # the body is JSON


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"{}"),
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"\xff"),
        ("application/json", b"[]"),
        ("application/json", b'{"model": NaN}'),
        ("application/json", b"[" * 100_000),
    ],
)
def test_what_is_no_json_object_is_refused(content_type: str, body: bytes) -> None:
    """Neither another media type nor broken JSON gets further, however it is broken."""
    with pytest.raises(Refused) as caught:
        chat_request(content_type, body)
    assert caught.value.status == 400


def test_unknown_and_null_fields_are_let_through() -> None:
    """Fields that the mock does not know are not its business, and null is a field left out."""
    asked = _read(reasoning_effort="low", temperature=None, tools=None, tool_choice=None)
    assert (asked.model, asked.tools, asked.tool_choice) == ("m", [], "none")


def test_whole_conversation_is_read() -> None:
    """Content parts, calls with null content and their results are good messages."""
    parts = {"role": "user", "content": [{"type": "text", "text": "hello"}]}
    call = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    result = {"role": "tool", "tool_call_id": "a", "content": "done"}
    asked = _read(
        messages=[parts, call, result, USER], tools=[TOOL], stream=True, stream_options={"include_usage": True}
    )
    assert (len(asked.messages), asked.stream, asked.include_usage, asked.tool_choice) == (4, True, True, "auto")
