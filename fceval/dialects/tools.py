"""Chat Completions with `tools` and `tool_calls`: the dialect that OpenAI-compatible endpoints speak today."""

from __future__ import annotations

from collections.abc import Sequence

from fceval.dialects import Api, Dialect
from fceval.dialects._arguments import read_arguments
from fceval.dialects._excerpt import excerpt
from fceval.dialects._spoken import content_text, parsed, spoken
from fceval.identity import OfSame
from fceval.records import Case, Json, JsonObject, Parsed, Tool, ToolCall


class Tools:
    """OpenAI's Chat Completions contract."""

    path = "/chat/completions"
    api: Api = "chat"
    one_call = False

    def render(self, case: Case, messages: Sequence[JsonObject]) -> JsonObject:
        """Return `messages` and `tools`, and `tool_choice` and `parallel_tool_calls` where the case has them."""
        body: dict[str, Json] = {"messages": list(messages)}
        if case.tools:  # servers refuse an empty list
            body["tools"] = _offered(case.tools)
        if case.tool_choice is not None:
            body["tool_choice"] = case.tool_choice
        if case.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = case.parallel_tool_calls
        return body

    def parse(self, message: JsonObject) -> Parsed:
        """Return calls and text; whatever is no call by the contract is a problem, not an exception."""
        calls, problems, notes = _calls(message.get("tool_calls"))
        if not calls and message.get("function_call"):
            problems.append(f"a call in the legacy `function_call`: {excerpt(message['function_call'])}")
        said = spoken(message, content_text(message.get("content")), called=bool(calls))
        return parsed(calls, said, message.get("refusal"), problems, notes)

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
        """Return one `tool` message per call; a call without an id is named by its place, as servers want a text."""
        return [
            {"role": "tool", "tool_call_id": call.call_id or f"call_{place}", "content": content}
            for place, (call, content) in enumerate(zip(calls, contents, strict=True))
        ]


def _wires(tools: Sequence[Tool]) -> list[JsonObject]:
    return [tool.wire for tool in tools]


_offered = OfSame[Sequence[Tool], list[JsonObject]](_wires)


def _calls(entries: Json) -> tuple[list[ToolCall], list[str], list[str]]:
    """Return (calls, problems, notes) of `tool_calls`."""
    calls: list[ToolCall] = []
    problems: list[str] = []
    notes: list[str] = []
    if entries is not None and not isinstance(entries, list):
        return calls, [f"`tool_calls` is no list: {excerpt(entries)}"], notes
    for entry in entries or ():
        function = entry.get("function") if isinstance(entry, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(entry, dict) or not isinstance(function, dict):
            problems.append(f"an entry of `tool_calls` that is no function call: {excerpt(entry)}")
        elif not isinstance(name, str) or not name:
            problems.append(f"a call without a name: {excerpt(entry)}")
            notes.append("name_null_entry")
        else:
            calls.append(_call(entry.get("id"), name, function.get("arguments")))
    return calls, problems, notes


def _call(call_id: Json, name: str, arguments: Json) -> ToolCall:
    read = read_arguments(arguments)
    notes = read.notes if isinstance(call_id, str) and call_id else ("id_missing", *read.notes)
    return ToolCall(call_id if isinstance(call_id, str) else None, name, read.text, read.value, read.problem, notes)


PLUGIN: Dialect = Tools()
