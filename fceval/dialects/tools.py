"""Chat Completions with `tools` and `tool_calls`: the dialect that OpenAI-compatible endpoints speak today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fceval.dialects import Api, Dialect
from fceval.dialects._leaks import leaks
from fceval.jsontext import JsonTextError, read_json
from fceval.records import Case, Json, JsonObject, Parsed, ToolCall, json_text

_SHOWN = 80
"""Most characters of foreign text in a problem."""


class Tools:
    """OpenAI's Chat Completions contract."""

    path = "/chat/completions"
    api: Api = "chat"

    def render(self, case: Case, messages: Sequence[JsonObject]) -> JsonObject:
        """Return `messages` and `tools`, and `tool_choice` and `parallel_tool_calls` where the case has them."""
        body: dict[str, Json] = {"messages": list(messages)}
        if case.tools:  # servers refuse an empty list
            body["tools"] = [tool.wire for tool in case.tools]
        if case.tool_choice is not None:
            body["tool_choice"] = case.tool_choice
        if case.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = case.parallel_tool_calls
        return body

    def parse(self, message: JsonObject) -> Parsed:
        """Return calls and text; whatever is no call by the contract is a problem, not an exception."""
        entries = message.get("tool_calls")
        calls: list[ToolCall] = []
        problems: list[str] = []
        if entries is not None and not isinstance(entries, list):
            problems.append(f"`tool_calls` is no list: {_shown(entries)}")
            entries = None
        for entry in entries or ():
            call = _call(entry)
            if isinstance(call, ToolCall):
                calls.append(call)
            else:
                problems.append(call)
        text = _text(message.get("content"))
        if not calls:
            if message.get("function_call"):
                problems.append(f"a call in the legacy `function_call`: {_shown(message['function_call'])}")
            problems.extend(leaks(text))
        refusal = message.get("refusal")
        return Parsed(tuple(calls), text, refusal if isinstance(refusal, str) else "", tuple(problems))

    def answer(self, calls: Sequence[ToolCall], text: str | None) -> JsonObject:
        """Return an assistant message with `tool_calls`."""
        message: dict[str, Json] = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in calls
            ]
        return message

    def results(self, calls: Sequence[ToolCall], contents: Sequence[str]) -> list[JsonObject]:
        """Return one `tool` message per call."""
        return [
            {"role": "tool", "tool_call_id": call.call_id, "content": content}
            for call, content in zip(calls, contents, strict=True)
        ]


def _call(entry: Json) -> ToolCall | str:
    """Return a call, or why the entry is none."""
    function = entry.get("function") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(function, Mapping):
        return f"an entry of `tool_calls` that is no function call: {_shown(entry)}"
    name = function.get("name")
    if not isinstance(name, str) or not name:
        return f"a call without a name: {_shown(entry)}"
    call_id = entry.get("id")
    text, value, problem = _arguments(function.get("arguments"))
    return ToolCall(call_id if isinstance(call_id, str) else None, name, text, value, problem)


def _arguments(arguments: Json) -> tuple[str, Json, str | None]:
    """Return (verbatim text, decoded value, problem).

    No arguments at all, or a blank string, is how many servers write a call without arguments. An object in place
    of its text is read as that object.
    """
    if isinstance(arguments, Mapping):
        return json_text(arguments), arguments, None
    if arguments is not None and not isinstance(arguments, str):
        return json_text(arguments), None, "arguments are neither text nor an object"
    if arguments is None or not arguments.strip():
        return arguments or "", {}, None
    try:
        value = read_json(arguments)
    except JsonTextError as error:
        return arguments, None, f"arguments are {error}" if str(error).startswith("not") else f"arguments: {error}"
    if not isinstance(value, dict):
        return arguments, None, "arguments are JSON, but no object"
    return arguments, value, None


def _shown(value: Json) -> str:
    return json_text(value)[:_SHOWN]


def _text(content: Json) -> str:
    """Return the text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


PLUGIN: Dialect = Tools()
