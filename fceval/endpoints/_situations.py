"""What an answer is given to, and conditions on it: where a fault can show. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from fceval.endpoints._answers import Answer
from fceval.endpoints._contract import Asked
from fceval.jsontext import JsonTextError, read_json
from fceval.records import Tool
from fceval.toolschema import SchemaNode, compile_tool

Form = TypeVar("Form")


@dataclass(frozen=True)
class Situation:
    """A request, and what it gets where nothing goes wrong."""

    asked: Asked
    wanted: Answer
    """What the model would say, whatever the request forbids."""
    answer: Answer
    """What the request allows of it."""
    number: int
    """Chooses among the forms of a fault, and which call has it."""
    native: bool = True
    """Whether calls have fields of their own; else they stand in the text."""

    @cached_property
    def arguments(self) -> tuple[dict[str, Any] | None, ...]:
        """The decoded arguments of each call that a fault could spoil: None for what is spoilt already."""
        return tuple(_decoded(call.arguments) for call in self.answer.calls) if self.native else ()

    @cached_property
    def used_ids(self) -> tuple[str, ...]:
        """Ids of the calls in the request's history."""
        calls = [call for message in self.asked.messages for call in message.get("tool_calls") or ()]
        return tuple(call["id"] for call in calls if isinstance(call.get("id"), str))

    def one_of(self, *forms: Form) -> Form:
        """Return one of the forms that a fault can have, whichever call has it."""
        return forms[(self.number >> 32) % len(forms)]

    def schema(self, position: int) -> SchemaNode:
        """Return the schema of a call's arguments."""
        name = self.answer.calls[position].name
        wire = next((tool for tool in self.asked.tools if tool["function"]["name"] == name), None)
        parameters = wire["function"].get("parameters") if wire else None
        return compile_tool(Tool(name, None, parameters, None, wire or {})).node


def _decoded(arguments: str) -> dict[str, Any] | None:
    try:
        value = read_json(arguments)
    except JsonTextError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on a situation."""

    meaning: str
    """In words that follow one another: `streamed`, `with two calls`."""
    holds: Callable[[Situation], bool]

    def __and__(self, other: Where) -> Where:
        return Where(
            f"{self.meaning}, {other.meaning}", lambda situation: self.holds(situation) and other.holds(situation)
        )


ANYWHERE = Where("any", lambda _: True)
STREAMED = Where("streamed", lambda this: this.asked.stream)
CHAT = Where("of Chat Completions", lambda this: this.asked.api != "responses")
TOOL_CALLS = Where("of Chat Completions with `tools`", lambda this: this.asked.api == "chat" and this.native)
WITH_CALL = Where(
    "with a whole call", lambda this: bool(this.arguments) and None not in this.arguments and not _was_cut(this)
)
WITH_TWO_CALLS = Where("with two calls", lambda this: len(this.arguments) > 1)
WITHOUT_CALL = Where(
    "without a call",
    lambda this: this.native and bool(this.answer.text) and not this.answer.calls and not _was_cut(this),
)
WHOLE = Where("not cut by a token limit", lambda this: not _was_cut(this))
CUT_CALL = Where("with a call that a token limit cut", lambda this: _was_cut(this) and None in this.arguments)
UNNAMED = Where("no tool named by `tool_choice`", lambda this: this.asked.named_tool is None)
FREE = Where("`tool_choice: auto`", lambda this: this.asked.tool_choice == "auto")
FORCED = Where("a call demanded by `tool_choice`", lambda this: this.asked.forced)
FORBIDDEN = Where(
    "calls forbidden", lambda this: bool(this.asked.tools) and this.asked.tool_choice == "none" and this.native
)
ONE_ALLOWED = Where(
    "`parallel_tool_calls: false` where two would be made",
    lambda this: this.asked.api != "functions" and not this.asked.parallel and len(this.wanted.calls) > 1,
)
WITH_USAGE = Where("with usage asked for", lambda this: this.asked.include_usage or not this.asked.stream)


def _was_cut(this: Situation) -> bool:
    return this.answer.finish_reason == "length"


def positions(this: Situation, fits: Callable[[dict[str, Any], SchemaNode], bool]) -> list[int]:
    """Return which calls have arguments, and a schema of them, that fit."""
    return [
        position
        for position, arguments in enumerate(this.arguments)
        if arguments is not None and fits(arguments, this.schema(position))
    ]
