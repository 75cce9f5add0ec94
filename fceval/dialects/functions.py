"""Chat Completions with `functions` and `function_call`: the legacy form, for endpoints that know no other.

A message makes one call at most, and calls have no ids. A case that expects several calls is asked all the same, a
call at a time. `parallel_tool_calls` has no legacy form and is not sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fceval.dialects import Api, Dialect
from fceval.dialects._arguments import read_arguments
from fceval.dialects._choice import choice_of
from fceval.dialects._excerpt import excerpt
from fceval.dialects._spoken import content_text, parsed, spoken
from fceval.dialects.tools import PLUGIN as TOOLS
from fceval.identity import OfSame
from fceval.records import Case, Json, JsonObject, Parsed, Tool, ToolCall


class Functions:
    """OpenAI's Chat Completions contract as it was before `tools`."""

    path = "/chat/completions"
    api: Api = "chat"
    one_call = True

    def render(self, case: Case, messages: Sequence[JsonObject]) -> JsonObject:
        """Return `messages` and `functions`, and `function_call` where the case has a `tool_choice`.

        `tool_choice: required` has no legacy form: where it leaves one tool, that one is named; else the model is free
        (`auto`), and an answer without a call counts as it does anywhere.
        """
        body: dict[str, Json] = {"messages": list(_legacy(messages))}
        if case.tools:  # servers refuse an empty list, and a choice without one
            body["functions"] = _offered(case.tools)
            if case.tool_choice is not None:
                body["function_call"] = _function_call(case)
        return body

    def parse(self, message: JsonObject) -> Parsed:
        """Return the call and the text; whatever is no call by the contract is a problem, not an exception."""
        calls, problems, notes = _call(message.get("function_call"))
        if not calls and message.get("tool_calls"):
            problems.append(f"a call in `tool_calls`, not in the legacy field: {excerpt(message['tool_calls'])}")
        said = spoken(message, content_text(message.get("content")), called=bool(calls))
        return parsed(calls, said, message.get("refusal"), problems, notes)

    def answer(self, calls: Sequence[ToolCall], text: str | None) -> JsonObject:
        """Return an assistant message with the first of the calls: there is no room for another."""
        message: dict[str, Json] = {"role": "assistant", "content": text}
        if calls:
            message["function_call"] = _written(calls[0])
        return message

    def results(self, calls: Sequence[ToolCall], contents: Sequence[str]) -> list[JsonObject]:
        """Return one `function` message per call."""
        return [_result(call.name, content) for call, content in zip(calls, contents, strict=True)]


def _functions(tools: Sequence[Tool]) -> list[Json]:
    return [tool.wire["function"] for tool in tools]


_offered = OfSame[Sequence[Tool], list[Json]](_functions)


def _function_call(case: Case) -> Json:
    choice = choice_of(case)
    if choice.mode != "required":
        return choice.mode
    return {"name": choice.tools[0]} if len(choice.tools) == 1 else "auto"


def _legacy(messages: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """Yield a conversation in which each call has a message of its own, with its result right after it."""
    waiting: list[tuple[str | None, str, JsonObject]] = []  # (id, name, message) of calls without a result so far
    for message in messages:
        if message.get("role") == "tool":
            call_id = message.get("tool_call_id")
            place = next((place for place, call in enumerate(waiting) if call[0] == call_id), 0)
            name = message.get("name") or ""
            if waiting:
                _, name, calling = waiting.pop(place)
                yield calling
            yield _result(name, message.get("content"))
            continue
        yield from (calling for _, _, calling in waiting)
        waiting = list(_calling(message)) if message.get("tool_calls") else []
        if not waiting:
            yield message
    yield from (calling for _, _, calling in waiting)


def _calling(message: JsonObject) -> Iterator[tuple[str | None, str, JsonObject]]:
    """Yield (id, name, message of its own) of each call; the first one has what else the message says."""
    rest = {name: value for name, value in message.items() if name != "tool_calls"}
    for call in TOOLS.parse(message).calls:
        yield call.call_id, call.name, {"content": None, **rest, "function_call": _written(call)}
        rest = {"role": "assistant"}


def _written(call: ToolCall) -> JsonObject:
    return {"name": call.name, "arguments": call.arguments}


def _result(name: Json, content: Json) -> JsonObject:
    return {"role": "function", "name": name, "content": content_text(content)}


def _call(call: Json) -> tuple[list[ToolCall], list[str], list[str]]:
    """Return (the call, or none; problems; notes) of `function_call`."""
    if not call:
        return [], [], []
    if not isinstance(call, Mapping):
        return [], [f"`function_call` is no object: {excerpt(call)}"], []
    name = call.get("name")
    if not isinstance(name, str) or not name:
        return [], [f"a call without a name: {excerpt(call)}"], ["name_null_entry"]
    read = read_arguments(call.get("arguments"))
    return [ToolCall(None, name, read.text, read.value, read.problem, read.notes)], [], []


PLUGIN: Dialect = Functions()
