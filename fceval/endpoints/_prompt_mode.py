"""Requests with tools in the prompt, as one of the prompt dialects writes them: read, and answered alike. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.dialects import Dialect
from fceval.endpoints._answers import Answer
from fceval.endpoints._contract import Asked
from fceval.endpoints._conversations import text_of
from fceval.jsontext import JsonTextError, read_json
from fceval.records import Json, ToolCall

_PREFIX = "prompt_"
"""How the names of the prompt dialects begin."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """A request in prompt mode."""

    dialect: Dialect
    asked: Asked
    """In the words of Chat Completions: calls and results in their own places, tools as far as they can be read."""

    def written(self, answer: Answer) -> Answer:
        """Return an answer with its calls in the text, in the dialect's syntax."""
        if not answer.calls:
            return answer
        calls = [ToolCall(None, call.name, call.arguments, _value(call.arguments)) for call in answer.calls]
        text = text_of(self.dialect.answer(calls, answer.text))
        finish_reason = "stop" if answer.finish_reason == "tool_calls" else answer.finish_reason
        return replace(answer, calls=(), text=text, finish_reason=finish_reason)


def prompted(asked: Asked) -> Prompted | None:
    """Return a request as what it is in prompt mode; None where its system message has no dialect's instructions."""
    if asked.tools:
        return None
    prompt = "\n".join(text_of(message) for message in asked.messages if message["role"] in {"system", "developer"})
    lines = set(prompt.splitlines())
    if not lines:
        return None
    dialect = next((dialect for first, dialect in _dialects().items() if first in lines), None)
    if dialect is None:
        return None
    messages = list(_messages(dialect, asked.messages))
    tools = list(_tools(prompt))
    names = frozenset(tool["function"]["name"] for tool in tools)
    return Prompted(dialect, replace(asked, messages=messages, tools=tools, tool_choice="auto", callable_tools=names))


@cache
def _dialects() -> Mapping[str, Dialect]:
    """Return each prompt dialect by the first line of its instructions."""
    tool: Json = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    row: dict[str, Json] = {
        "case_id": "x",
        "messages": [{"role": "user", "content": "x"}],
        "tools": [tool],
        "expected": [],
    }
    case = case_of(row, 1)
    known = {}
    for name in dialects.names():
        if name.startswith(_PREFIX):
            dialect = dialects.load(name)
            body: Any = dialect.render(case, case.turns[0].messages)
            known[text_of(body["messages"][0]).splitlines()[0]] = dialect
    return known


def _messages(dialect: Dialect, messages: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the messages, with `tool_calls` where an assistant calls, and results as `tool` messages."""
    results = 0
    for message in messages:
        if message["role"] == "assistant":
            calls = dialect.parse(message).calls
            results = len(dialect.results(calls, [""] * len(calls))) if calls else 0
            functions = [{"name": call.name, "arguments": call.arguments} for call in calls]
            entries = [{"id": None, "type": "function", "function": function} for function in functions]
            yield {**message, "tool_calls": entries}
        elif message["role"] == "user" and results > 0:
            results -= 1
            yield {**message, "role": "tool"}
        else:
            yield message


def _tools(prompt: str) -> Iterator[dict[str, Any]]:
    """Yield the tools that stand in a prompt, each a JSON object on a line of its own."""
    for line in prompt.splitlines():
        function = _value(line) if line.startswith("{") else None
        # Calls, in examples of how to write them, have names, too.
        if isinstance(function, dict) and isinstance(function.get("name"), str) and "arguments" not in function:
            yield {"type": "function", "function": function}


def _value(text: str) -> Json:
    """Return a decoded text; None where it is no JSON."""
    try:
        return read_json(text)
    except JsonTextError:
        return None
