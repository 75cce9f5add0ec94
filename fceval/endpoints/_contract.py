"""What a Chat Completions request must be, and how the answer says that it is not. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, TypeAlias

from fceval.jsontext import JsonTextError, read_json
from fceval.records import JsonObject

_TOOL_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_ROLES = ("developer", "system", "user", "assistant", "tool", "function")
_CHOICES = ("none", "auto", "required")
_LIMITS = ("max_completion_tokens", "max_tokens")

FieldRule: TypeAlias = tuple[str, Callable[[Any], bool]]
"""What a field must be, in words, and whether a value is."""


class Refused(Exception):  # noqa: N818 -- an answer on its way out, not an error in us
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        message: For a person.
        kind: `error.type`.
        param: The field of the request that is wrong.
        code: `error.code`.
        headers: Headers beside the usual ones.
        planned: It is a fault itself, and has no other.
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
        planned: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.planned = planned
        self.headers = dict(headers or {})
        self.body: JsonObject = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request says about calling."""

    mode: str | dict[str, Any]
    """`none`, `auto`, `required`, or the one tool that is demanded."""
    tools: frozenset[str]
    """Names of the tools that may be called."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that keeps its API's contract, as far as the mock reads it, in the words of Chat Completions."""

    api: Literal["chat", "functions", "responses"]
    """`functions`: Chat Completions with the legacy `functions` and `function_call`."""
    model: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    """Entries `{"type": "function", "function": {...}}`; empty where none are offered."""
    tool_choice: str | dict[str, Any]
    """`none`, `auto`, `required`, or the one tool that is demanded."""
    callable_tools: frozenset[str]
    """Names of the tools that may be called."""
    stream: bool
    include_usage: bool
    """Whether the stream ends with usage."""
    parallel: bool = True
    """Whether an answer may hold more than one call."""
    max_tokens: int | None = None
    """Most tokens of the answer."""
    echoed: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the request that the answer repeats (Responses API)."""

    @property
    def named_tool(self) -> str | None:
        """The one tool that `tool_choice` asks for."""
        return self.tool_choice["function"]["name"] if isinstance(self.tool_choice, dict) else None

    @property
    def forced(self) -> bool:
        """Whether `tool_choice` demands a call."""
        return self.tool_choice == "required" or self.named_tool is not None


def chat_request(content_type: str, body: bytes, *, forgiving: bool = False) -> Asked:
    """Read a request to Chat Completions.

    Args:
        content_type: The header's media type, without parameters.
        body: As received.
        forgiving: Calls in the history may be off the contract, as an endpoint with faults may have written them.

    Raises:
        Refused: With status 400 and, where there is one, the offending field as `param`.
    """
    fields = json_object(content_type, body)
    check_fields(fields, _FIELDS)
    require(fields, "model", "messages")
    check_messages(fields["messages"], forgiving=forgiving)
    legacy = fields.get("functions") is not None
    tools, choice = (_legacy_tools if legacy else _tools)(fields)
    calling = read_choice(choice, tools, "function_call" if legacy else "tool_choice")
    options = fields.get("stream_options")
    if options is not None and not fields.get("stream"):
        refuse("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
    return Asked(
        api="functions" if legacy else "chat",
        model=fields["model"],
        messages=[_modern(message) for message in fields["messages"]],
        tools=tools,
        tool_choice=calling.mode,
        callable_tools=calling.tools,
        stream=fields.get("stream") is True,
        include_usage=bool(options and options.get("include_usage")),
        parallel=not legacy and fields.get("parallel_tool_calls") is not False,
        max_tokens=min(filter(None, map(fields.get, _LIMITS)), default=None),
    )


def _tools(fields: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    tools = fields.get("tools") or []
    for index, tool in enumerate(tools):
        place = f"tools[{index}]"
        if not isinstance(tool, dict) or tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
            refuse(place, f"Invalid value for '{place}': expected an object of type 'function'.")
        check_function(tool["function"], f"{place}.function")
    if fields.get("function_call") is not None:
        refuse("function_call", "Invalid value for 'function_call': it is only allowed with 'functions'.")
    return tools, fields.get("tool_choice")


def _legacy_tools(fields: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    """Return `functions` as tools and `function_call` as a choice of them."""
    for name in ("tools", "tool_choice", "parallel_tool_calls"):
        if fields.get(name) is not None:
            refuse(name, f"Invalid value for '{name}': it is not allowed together with 'functions'.")
    for index, function in enumerate(fields["functions"]):
        check_function(function, f"functions[{index}]")
    choice = fields.get("function_call")
    named = {"type": "function", "function": choice} if isinstance(choice, dict) else choice
    if choice == "required":
        refuse("function_call", "Invalid value for 'function_call': expected 'none', 'auto' or a function's name.")
    return [{"type": "function", "function": function} for function in fields["functions"]], named


def _modern(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with its legacy call or result in today's words."""
    call = message.get("function_call")
    if isinstance(call, dict) and message["role"] == "assistant":
        rest = {name: value for name, value in message.items() if name != "function_call"}
        return {**rest, "tool_calls": [{"id": call.get("name"), "type": "function", "function": call}]}
    if message["role"] == "function":
        return {"role": "tool", "tool_call_id": message.get("name"), "content": message.get("content")}
    return message


def json_object(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the JSON object that a request's body is.

    Raises:
        Refused: It is none.
    """
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


def refuse(param: str, message: str, code: str = "invalid_value") -> NoReturn:
    """Refuse a request for what stands in one of its fields.

    Raises:
        Refused: Always, with status 400.
    """
    raise Refused(400, message, param=param, code=code)


def check_fields(fields: Mapping[str, Any], wanted: Mapping[str, FieldRule]) -> None:
    """Refuse a request in which a field that is given is not what its rule wants.

    Raises:
        Refused: With the first such field as `param`.
    """
    for name, (meaning, fits) in wanted.items():
        if fields.get(name) is not None and not fits(fields[name]):
            refuse(name, f"Invalid value for '{name}': expected {meaning}.")


def require(fields: Mapping[str, Any], *names: str) -> None:
    """Refuse a request that lacks one of some fields.

    Raises:
        Refused: With the first missing one as `param`.
    """
    for name in names:
        if fields.get(name) is None:
            raise Refused(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def is_count(value: object) -> bool:
    """Whether a value is an integer of 1 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


SHARED_FIELDS: Mapping[str, FieldRule] = {
    "model": ("a model's name", lambda value: isinstance(value, str) and value != ""),
    "tools": ("an array of one or more tools", lambda value: isinstance(value, list) and bool(value)),
    "stream": ("a boolean", lambda value: isinstance(value, bool)),
    "stream_options": ("an object", lambda value: isinstance(value, dict)),
    "parallel_tool_calls": ("a boolean", lambda value: isinstance(value, bool)),
    "temperature": ("a number from 0 to 2", _number(0, 2)),
    "top_p": ("a number from 0 to 1", _number(0, 1)),
}
"""Fields that both APIs have."""

_FIELDS: Mapping[str, FieldRule] = {
    **SHARED_FIELDS,
    "functions": ("an array of one or more functions", lambda value: isinstance(value, list) and bool(value)),
    "messages": ("an array of one or more messages", lambda value: isinstance(value, list) and bool(value)),
    "frequency_penalty": ("a number from -2 to 2", _number(-2, 2)),
    "presence_penalty": ("a number from -2 to 2", _number(-2, 2)),
    "max_tokens": ("an integer of 1 or more", is_count),
    "max_completion_tokens": ("an integer of 1 or more", is_count),
    "seed": ("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "n": ("1: this endpoint gives one choice", lambda value: value == 1 and value is not True),
}


def check_messages(messages: list[Any], field: str = "messages", *, forgiving: bool = False) -> None:
    """Refuse a conversation that no model could have had: unknown roles, calls without results.

    Args:
        messages: As Chat Completions writes them.
        field: What the request calls them.
        forgiving: Calls may lack an id, or have arguments that are no text.

    Raises:
        Refused: With the place as `param`.
    """
    unanswered: set[str] = set()
    for index, message in enumerate(messages):
        place = f"{field}[{index}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            refuse(f"{place}.role", f"Invalid value for '{place}.role': expected one of {', '.join(_ROLES)}.")
        if unanswered and role != "tool":
            ids = ", ".join(sorted(unanswered))
            msg = f"An assistant message with 'tool_calls' must be followed by a tool message for each; missing: {ids}."
            refuse(place, msg)
        _check_content(message, place)
        if role == "tool":
            unanswered.discard(_call_id(message, place, forgiving=forgiving))
        elif role == "assistant" and message.get("tool_calls"):
            unanswered = _call_ids(message["tool_calls"], place, forgiving=forgiving)
    if unanswered:
        msg = f"The conversation ends before these tool calls were answered: {', '.join(sorted(unanswered))}."
        refuse(f"{field}[{len(messages) - 1}]", msg)


def _check_content(message: Mapping[str, Any], place: str) -> None:
    content = message.get("content")
    optional = message["role"] == "function" or (
        message["role"] == "assistant" and any(message.get(name) for name in ("tool_calls", "function_call"))
    )
    parts = isinstance(content, list) and content and all(isinstance(part, dict) for part in content)
    if not (isinstance(content, str) or parts or (content is None and optional)):
        refuse(f"{place}.content", f"Invalid value for '{place}.content': expected a string or content parts.")


def _call_id(message: Mapping[str, Any], place: str, *, forgiving: bool) -> str:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str):
        if forgiving:
            return ""
        raise Refused(400, f"Missing required parameter: '{place}.tool_call_id'.", param=f"{place}.tool_call_id")
    return call_id


def _call_ids(calls: object, place: str, *, forgiving: bool) -> set[str]:
    if not isinstance(calls, list):
        refuse(f"{place}.tool_calls", f"Invalid value for '{place}.tool_calls': expected an array.")
    for index, call in enumerate(calls):
        where = f"{place}.tool_calls[{index}]"
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not (forgiving or isinstance(call.get("id"), str)):
            refuse(where, f"Invalid value for '{where}': expected an object with 'id' and 'function'.")
        strings = isinstance(function.get("name"), str) and isinstance(function.get("arguments"), str)
        if not (forgiving or strings):
            msg = f"Invalid value for '{where}.function': expected 'name' and 'arguments', both strings."
            refuse(f"{where}.function", msg)
    return {call["id"] for call in calls if isinstance(call.get("id"), str)}


def check_function(function: object, place: str) -> None:
    """Refuse a function whose name or parameters are none.

    Raises:
        Refused: With the member of `place` that is wrong as `param`.
    """
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not (isinstance(name, str) and _TOOL_NAME.fullmatch(name)):
        where = f"{place}.name"
        refuse(where, f"Invalid value for '{where}': expected a name of the form {_TOOL_NAME.pattern}.")
    for member, kind in (("parameters", dict), ("description", str), ("strict", bool)):
        if function.get(member) is not None and not isinstance(function[member], kind):
            refuse(f"{place}.{member}", f"Invalid type for '{place}.{member}'.", "invalid_type")


def read_choice(choice: Any, tools: list[dict[str, Any]], param: str) -> Choice:  # noqa: ANN401 -- decoded JSON
    """Return what a request says about calling, or refuse what the tools on offer do not allow.

    Args:
        choice: As Chat Completions writes `tool_choice`; None: not given.
        tools: On offer.
        param: What the field is called.

    Raises:
        Refused: With the field as `param`.
    """
    names = [tool["function"]["name"] for tool in tools]
    if choice is None:
        return Choice("auto" if tools else "none", frozenset(names))
    if not tools:
        refuse(param, f"Invalid value for '{param}': it is only allowed when tools are specified.")
    if choice in _CHOICES:
        return Choice(choice, frozenset(names))
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "function" and _named(choice) in names:
        return Choice(choice, frozenset({_named(choice)}))
    limits = choice.get("allowed_tools") if kind == "allowed_tools" else None
    if isinstance(limits, dict) and limits.get("mode") in {"auto", "required"}:
        allowed = [_named(tool) for tool in limits.get("tools") or []]
        if allowed and set(allowed) <= set(names):
            return Choice(limits["mode"], frozenset(allowed))
    refuse(param, f"Invalid value for '{param}': expected one of {', '.join(_CHOICES)}, or some of the tools.")


def _named(entry: Any) -> Any:  # noqa: ANN401 -- decoded JSON
    function = entry.get("function") if isinstance(entry, dict) else None
    return function.get("name") if isinstance(function, dict) else None
