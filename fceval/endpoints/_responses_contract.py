"""What a request to the Responses API must be, read into the words of Chat Completions. Pure.

The mock keeps no conversation: each request brings its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fceval.endpoints._contract import (
    SHARED_FIELDS,
    Asked,
    FieldRule,
    check_fields,
    check_function,
    check_messages,
    is_count,
    json_object,
    read_choice,
    refuse,
    require,
)

_FIELDS: Mapping[str, FieldRule] = {
    **SHARED_FIELDS,
    "input": ("a string or an array of one or more items", lambda value: isinstance(value, str | list) and bool(value)),
    "instructions": ("a string", lambda value: isinstance(value, str)),
    "max_output_tokens": ("an integer of 1 or more", is_count),
}
_STATE = ("previous_response_id", "conversation")
_ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}
"""What an answer repeats of its request, or the default in its place."""


def responses_request(content_type: str, body: bytes, *, forgiving: bool = False) -> Asked:
    """Read a request to the Responses API.

    Args:
        content_type: The header's media type, without parameters.
        body: As received.
        forgiving: See `chat_request`.

    Raises:
        Refused: With status 400 and, where there is one, the offending field as `param`.
    """
    fields = json_object(content_type, body)
    check_fields(fields, _FIELDS)
    require(fields, "model", "input")
    for name in _STATE:
        if fields.get(name) is not None:
            refuse(name, f"'{name}' is not supported: this endpoint keeps no conversation.", "unsupported_parameter")
    messages = _messages(fields["input"])
    check_messages(messages, "input", forgiving=forgiving)
    if fields.get("instructions"):
        messages.insert(0, {"role": "system", "content": fields["instructions"]})
    tools = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(fields.get("tools") or [])]
    calling = read_choice(_nested_choice(fields.get("tool_choice")), tools, "tool_choice")
    return Asked(
        api="responses",
        model=fields["model"],
        messages=messages,
        tools=tools,
        tool_choice=calling.mode,
        callable_tools=calling.tools,
        stream=fields.get("stream") is True,
        include_usage=True,
        parallel=fields.get("parallel_tool_calls") is not False,
        max_tokens=fields.get("max_output_tokens"),
        echoed={name: default if fields.get(name) is None else fields[name] for name, default in _ECHOED.items()},
    )


def _tool(tool: object, place: str) -> dict[str, Any]:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        refuse(place, f"Invalid value for '{place}': expected an object of type 'function'.")
    check_function(tool, place)
    return {"type": "function", "function": {name: value for name, value in tool.items() if name != "type"}}


def _nested_choice(choice: Any) -> Any:  # noqa: ANN401 -- decoded JSON
    """Return a choice as Chat Completions nests it."""
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "function":
        return {"type": kind, "function": {"name": choice.get("name")}}
    if kind == "allowed_tools":
        tools = choice.get("tools")
        nested = [_nested_choice(tool) for tool in tools] if isinstance(tools, list) else []
        return {"type": kind, "allowed_tools": {"mode": choice.get("mode"), "tools": nested}}
    return choice


def _messages(given: str | list[Any]) -> list[dict[str, Any]]:
    """Return the conversation; what the model said and called in a row is one message."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    messages: list[dict[str, Any]] = []
    for index, item in enumerate(given):
        if isinstance(item, dict) and item.get("type") == "reasoning":  # thoughts say nothing
            continue
        message = _message(item, f"input[{index}]")
        if message["role"] == "assistant" and messages and messages[-1]["role"] == "assistant":
            messages[-1] = _joined(messages[-1], message)
        else:
            messages.append(message)
    return messages


def _message(item: object, place: str) -> dict[str, Any]:
    """Return an item as a message."""
    if not isinstance(item, dict):
        refuse(place, f"Invalid value for '{place}': expected an object.")
    kind = item.get("type") or ("message" if "role" in item else None)
    if kind == "message":
        return {"role": item.get("role"), "content": item.get("content")}
    if kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if kind != "function_call_output":
        refuse(f"{place}.type", f"Invalid value for '{place}.type': items of this type are not supported.")
    return {"role": "tool", "tool_call_id": item.get("call_id"), "content": item.get("output")}


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    calls = [*one.get("tool_calls", ()), *other.get("tool_calls", ())]
    content = one["content"] if other["content"] is None else other["content"]
    return {"role": "assistant", "content": content, **({"tool_calls": calls} if calls else {})}
