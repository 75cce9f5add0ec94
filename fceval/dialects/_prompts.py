"""Prompt mode: tools are told in the system prompt, and calls are read from the text of the answer.

For models, or servers, without native calls. What the three syntaxes share is here: the system prompt, the history,
and how results are told. User messages go out byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Protocol

from fceval.dialects import Api
from fceval.dialects._choice import choice_of
from fceval.dialects._excerpt import SHOWN, excerpt
from fceval.dialects._leaks import leaked_text, without_thoughts
from fceval.dialects._spoken import content_text, spoken
from fceval.dialects._written_calls import Written
from fceval.dialects.tools import PLUGIN as TOOLS
from fceval.identity import OfSame
from fceval.records import Case, Json, JsonObject, Parsed, Tool, ToolCall, json_text

TOOLS_BEGIN = "<tools>"
"""The line before the tools, which stand one a line as JSON objects with `name`, `description` and `parameters`."""
TOOLS_END = "</tools>"
"""The line after them."""
RESULT_BEGINS = "<tool_response"
"""How each result begins; messages of results are the user's, and begin so."""
NO_CALL = "Call no tool in your answer: answer in plain text."
"""Says `tool_choice: none`."""
SOME_CALL = "Your answer must call at least one tool."
"""Says `tool_choice: required`."""
CALL_OF = "Your answer must call {names}, and no other tool."
"""Says which tool must be called; of several, at least one."""
ONLY = "Your answer may call only {names}."
"""Says which tools are allowed."""
ONE_CALL = "Make at most one call in an answer."
"""Says `parallel_tool_calls: false`."""
_THOUGHT = re.compile(r"\A\s*<think>|^[ \t]*</think>|</think>[ \t]*$", re.MULTILINE)
"""A thought: templates may have written its beginning. An end within a line may stand in an argument."""


class Syntax(Protocol):
    """How calls are written in text."""

    first_line: str
    """Of the instructions: tells which syntax is wanted, to a reader as to an endpoint of our own."""
    rules: str
    """How to write calls, for the model."""

    def write(self, calls: Sequence[ToolCall]) -> str:
        """Return one or more calls as text."""

    def read(self, text: str) -> Written:
        """Return the calls of a text; never raises."""


class PromptDialect:
    """A dialect for one syntax; see `fceval.dialects.Dialect`."""

    path = "/chat/completions"
    api: Api = "chat"
    one_call = False

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax

    def render(self, case: Case, messages: Sequence[JsonObject]) -> JsonObject:
        """Return `messages` alone; a case without tools is told nothing about calling."""
        written = list(self._history(messages))
        return {"messages": _instructed(written, self._instructions(case)) if case.tools else written}

    def parse(self, message: JsonObject) -> Parsed:
        """Return calls and text; what begins as a call and is none is a problem, as is one in another syntax."""
        content = content_text(message.get("content"))
        thinks = _THOUGHT.search(content) is not None
        written = self._syntax.read(without_thoughts(content)[0] if thinks else content)
        problems = list(written.problems)
        if not written.calls and not problems:
            if message.get("tool_calls"):
                problems.append(f"a call in `tool_calls`, not in the text: {excerpt(message['tool_calls'])}")
            elif leak := leaked_text(written.text):
                problems.append(f"a call in another syntax: {leak[:SHOWN]}")
        refusal = message.get("refusal")
        return Parsed(
            calls=written.calls,
            text=written.text,
            refusal=refusal if isinstance(refusal, str) else "",
            problems=tuple(problems),
            notes=spoken(message, content if thinks else "", called=True).notes,
        )

    def answer(self, calls: Sequence[ToolCall], text: str | None) -> JsonObject:
        """Return an assistant message with the calls below the text."""
        content = self._syntax.write(calls) if calls else text
        return {"role": "assistant", "content": f"{text}\n\n{content}" if calls and text else content}

    def results(self, calls: Sequence[ToolCall], contents: Sequence[str]) -> list[JsonObject]:
        """Return one user message with all the results: many chat templates want roles to alternate."""
        return [_results_told([(call.name, content) for call, content in zip(calls, contents, strict=True)])]

    def _instructions(self, case: Case) -> str:
        tools = _all_told(case.tools)
        return "\n".join(
            [
                self._syntax.first_line,
                "These are the tools, one a line, each with the JSON Schema of its arguments:",
                f"{TOOLS_BEGIN}\n{tools}\n{TOOLS_END}",
                self._syntax.rules,
                "Where no tool helps, or the user has not said what a call needs, answer in plain text without a call.",
                f"The results of your calls come in a message that begins with {RESULT_BEGINS}.",
                *_demands(case),
            ]
        )

    def _history(self, messages: Sequence[JsonObject]) -> Iterator[JsonObject]:
        """Yield a conversation with its calls and results as text."""
        names: dict[str | None, str] = {}
        for role, group in groupby(messages, key=lambda message: message.get("role")):
            if role == "tool":
                yield _results_told([(_tool_of(message, names), message.get("content")) for message in group])
                continue
            for message in group:
                calls = TOOLS.parse(message).calls if message.get("tool_calls") else ()
                names |= {call.call_id: call.name for call in calls}
                yield self._with_text_calls(message, calls) if calls else message

    def _with_text_calls(self, message: JsonObject, calls: Sequence[ToolCall]) -> JsonObject:
        rest = {name: value for name, value in message.items() if name != "tool_calls"}
        return {**rest, **self.answer(calls, content_text(message.get("content")))}


def _tool_of(message: JsonObject, names: Mapping[str | None, str]) -> str:
    """Return the name of the tool whose result a message is: by the id of its call, or as the message says."""
    call_id, name = message.get("tool_call_id"), message.get("name")
    known = names.get(call_id) if isinstance(call_id, str) else None
    return known or (name if isinstance(name, str) else "")


def _results_told(results: Sequence[tuple[str, Json]]) -> JsonObject:
    told = [
        f"{RESULT_BEGINS} name={json_text(name)}>\n{content_text(content)}\n</tool_response>"
        for name, content in results
    ]
    return {"role": "user", "content": "\n".join(told)}


def _instructed(messages: list[JsonObject], instructions: str) -> list[JsonObject]:
    """Return a conversation with the instructions at the end of its system message, or in a new one."""
    if not messages or messages[0].get("role") not in {"system", "developer"}:
        return [{"role": "system", "content": instructions}, *messages]
    content = messages[0].get("content")
    added: Json
    if isinstance(content, list):
        added = [*content, {"type": "text", "text": instructions}]
    else:
        added = f"{content}\n\n{instructions}" if content else instructions
    return [{**messages[0], "content": added}, *messages[1:]]


def _told(tool: Tool) -> str:
    function = tool.wire["function"]
    fields = function if isinstance(function, Mapping) else {}
    return json_text({name: value for name, value in fields.items() if name != "strict"})


def _told_tools(tools: Sequence[Tool]) -> str:
    return "\n".join(map(_told, tools))


_all_told = OfSame[Sequence[Tool], str](_told_tools)


def _demands(case: Case) -> Iterator[str]:
    """Yield what `tool_choice` and `parallel_tool_calls` say, in words."""
    choice = choice_of(case)
    names = ", ".join(f"`{name}`" for name in choice.tools)
    if choice.mode == "none":
        yield NO_CALL
    elif choice.limited and choice.mode == "required":
        yield CALL_OF.format(names=names)
    elif choice.limited:
        yield ONLY.format(names=names)
    elif choice.mode == "required":
        yield SOME_CALL
    if case.parallel_tool_calls is False:
        yield ONE_CALL
