"""What a Chat Completions request must be, and how the answer says that it is not. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from fceval.jsontext import JsonTextError, read_json
from fceval.records import JsonObject

_TOOL_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_ROLES = ("developer", "system", "user", "assistant", "tool", "function")
_CHOICES = ("none", "auto", "required")


class Refused(Exception):  # noqa: N818 -- an answer on its way out, not an error in us
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        message: For a person.
        kind: `error.type`.
        param: The field of the request that is wrong.
        code: `error.code`.
        headers: Headers beside the usual ones.
    """

    def __init__(  # noqa: PLR0913 -- the fields of OpenAI's error object
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.body: JsonObject = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request that keeps the contract, as far as the mock reads it."""

    model: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    """Empty where none are offered."""
    tool_choice: str | dict[str, Any]
    stream: bool
    include_usage: bool
    """Whether the stream ends with a chunk of usage."""

    @property
    def named_tool(self) -> str | None:
        """The one tool that `tool_choice` asks for."""
        return self.tool_choice["function"]["name"] if isinstance(self.tool_choice, dict) else None


def chat_request(content_type: str, body: bytes) -> ChatRequest:
    """Read a request.

    Args:
        content_type: The header's media type, without parameters.
        body: As received.

    Raises:
        Refused: With status 400 and, where there is one, the offending field as `param`.
    """
    fields = _json_object(content_type, body)
    for name, (wanted, fits) in _FIELDS.items():
        if fields.get(name) is not None and not fits(fields[name]):
            _refuse(name, f"Invalid value for '{name}': expected {wanted}.")
    for name in ("model", "messages"):
        if fields.get(name) is None:
            raise Refused(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    _check_messages(fields["messages"])
    tools = fields.get("tools")
    _check_tools(tools)
    _check_choice(fields, tools or [])
    options = fields.get("stream_options")
    if options is not None and not fields.get("stream"):
        _refuse("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    return ChatRequest(
        model=fields["model"],
        messages=fields["messages"],
        tools=tools or [],
        tool_choice=fields.get("tool_choice") or ("auto" if tools else "none"),
        stream=fields.get("stream") is True,
        include_usage=bool(options and options.get("include_usage")),
    )


def _json_object(content_type: str, body: bytes) -> dict[str, Any]:
    if content_type != "application/json":
        raise Refused(400, f"Unsupported content type: '{content_type}'. This endpoint accepts 'application/json'.")
    try:
        fields = read_json(body.decode())
    except (UnicodeDecodeError, JsonTextError) as error:
        msg = f"We could not parse the JSON body of your request: {error}"
        raise Refused(400, msg) from None
    if not isinstance(fields, dict):
        raise Refused(400, "The JSON body of your request must be an object.")
    return fields


def _refuse(param: str, message: str, code: str = "invalid_value") -> NoReturn:
    raise Refused(400, message, param=param, code=code)


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


_FIELDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "model": ("a model's name", lambda value: isinstance(value, str) and value != ""),
    "messages": ("an array of one or more messages", lambda value: isinstance(value, list) and bool(value)),
    "tools": ("an array of one or more tools", lambda value: isinstance(value, list) and bool(value)),
    "stream": ("a boolean", lambda value: isinstance(value, bool)),
    "stream_options": ("an object", lambda value: isinstance(value, dict)),
    "parallel_tool_calls": ("a boolean", lambda value: isinstance(value, bool)),
    "temperature": ("a number from 0 to 2", _number(0, 2)),
    "top_p": ("a number from 0 to 1", _number(0, 1)),
    "frequency_penalty": ("a number from -2 to 2", _number(-2, 2)),
    "presence_penalty": ("a number from -2 to 2", _number(-2, 2)),
    "max_tokens": ("an integer of 1 or more", _count),
    "max_completion_tokens": ("an integer of 1 or more", _count),
    "seed": ("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "n": ("1: this endpoint gives one choice", lambda value: value == 1 and value is not True),
}


def _check_messages(messages: list[Any]) -> None:
    unanswered: set[str] = set()
    for index, message in enumerate(messages):
        place = f"messages[{index}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            _refuse(f"{place}.role", f"Invalid value for '{place}.role': expected one of {', '.join(_ROLES)}.")
        if unanswered and role != "tool":
            ids = ", ".join(sorted(unanswered))
            msg = f"An assistant message with 'tool_calls' must be followed by a tool message for each; missing: {ids}."
            _refuse(place, msg)
        _check_content(message, place)
        if role == "tool":
            unanswered.discard(_call_id(message, place))
        elif role == "assistant" and message.get("tool_calls"):
            unanswered = _call_ids(message["tool_calls"], place)
    if unanswered:
        msg = f"The conversation ends before these tool calls were answered: {', '.join(sorted(unanswered))}."
        _refuse(f"messages[{len(messages) - 1}]", msg)


def _check_content(message: Mapping[str, Any], place: str) -> None:
    content = message.get("content")
    optional = message["role"] == "assistant" and any(message.get(name) for name in ("tool_calls", "function_call"))
    parts = isinstance(content, list) and content and all(isinstance(part, dict) for part in content)
    if not (isinstance(content, str) or parts or (content is None and optional)):
        _refuse(f"{place}.content", f"Invalid value for '{place}.content': expected a string or content parts.")


def _call_id(message: Mapping[str, Any], place: str) -> str:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str):
        raise Refused(400, f"Missing required parameter: '{place}.tool_call_id'.", param=f"{place}.tool_call_id")
    return call_id


def _call_ids(calls: object, place: str) -> set[str]:
    if not isinstance(calls, list):
        _refuse(f"{place}.tool_calls", f"Invalid value for '{place}.tool_calls': expected an array.")
    for index, call in enumerate(calls):
        where = f"{place}.tool_calls[{index}]"
        function = call.get("function") if isinstance(call, dict) else None
        if not (isinstance(function, dict) and isinstance(call.get("id"), str)):
            _refuse(where, f"Invalid value for '{where}': expected an object with 'id' and 'function'.")
        if not (isinstance(function.get("name"), str) and isinstance(function.get("arguments"), str)):
            msg = f"Invalid value for '{where}.function': expected 'name' and 'arguments', both strings."
            _refuse(f"{where}.function", msg)
    return {call["id"] for call in calls}


def _check_tools(tools: list[Any] | None) -> None:
    for index, tool in enumerate(tools or []):
        place = f"tools[{index}]"
        if not isinstance(tool, dict) or tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
            _refuse(place, f"Invalid value for '{place}': expected an object of type 'function'.")
        function = tool["function"]
        name = function.get("name")
        if not (isinstance(name, str) and _TOOL_NAME.fullmatch(name)):
            where = f"{place}.function.name"
            _refuse(where, f"Invalid value for '{where}': expected a name of the form {_TOOL_NAME.pattern}.")
        for member, kind in (("parameters", dict), ("description", str), ("strict", bool)):
            if function.get(member) is not None and not isinstance(function[member], kind):
                where = f"{place}.function.{member}"
                _refuse(where, f"Invalid type for '{where}'.", "invalid_type")


def _check_choice(fields: Mapping[str, Any], tools: list[dict[str, Any]]) -> None:
    choice = fields.get("tool_choice")
    if choice is None:
        return
    if not tools:
        _refuse("tool_choice", "Invalid value for 'tool_choice': it is only allowed when 'tools' are specified.")
    function = choice.get("function") if isinstance(choice, dict) and choice.get("type") == "function" else None
    name = function.get("name") if isinstance(function, dict) else None
    if choice not in _CHOICES and name not in [tool["function"]["name"] for tool in tools]:
        expected = f"one of {', '.join(_CHOICES)}, or a function of 'tools'"
        _refuse("tool_choice", f"Invalid value for 'tool_choice': expected {expected}.")
