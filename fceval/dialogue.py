"""Which request comes next, given the answers so far; single turn is the case of one turn.

In a case of several turns the model's own message is replayed verbatim and its calls are answered from the turn's
`tool_results`, by tool name and arguments; then the next turn's messages follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fceval.dialects import Dialect
from fceval.records import Case, Json, JsonObject, Key, Request, Response, ToolCall, Turn, canonical_json

NO_RESULT = "{}"
"""What a call gets that the case has no scripted result for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Settings: one model x prompt x parameters combination of a run."""

    name: str = "default"
    """Names it in tables and reports."""
    model: str | None = None
    """None: the endpoint's."""
    system: str | None = None
    """System prompt in place of the case's own; None: as the case has it."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """Body fields, over those of `[request]`."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One case, asked once of one variant."""

    case: Case
    variant: Variant
    trial: int
    dialect: Dialect
    model: str
    """The endpoint's, where the variant names none."""
    request: Mapping[str, Json]
    """Body fields of the run."""


def next_request(dialogue: Dialogue, history: Sequence[Response]) -> Request | None:
    """Return the next request, or None where the dialogue is over.

    Args:
        dialogue: What is asked.
        history: The responses so far, in order; one that was not measured ends the dialogue.
    """
    case, variant = dialogue.case, dialogue.variant
    turn = len(history)
    if turn >= len(case.turns) or (history and history[-1].message is None):
        return None
    body: dict[str, Json] = {"model": variant.model or dialogue.model}
    body.update(dialogue.dialect.render(case, _conversation(dialogue, history)))
    body.update(dialogue.request)
    body.update(variant.request)
    body.update(case.request)
    return Request(Key(case.case_id, variant.name, dialogue.trial, turn, 0), body)


def _conversation(dialogue: Dialogue, history: Sequence[Response]) -> list[JsonObject]:
    messages: list[JsonObject] = []
    for turn, response in zip(dialogue.case.turns, history, strict=False):
        messages += turn.messages
        if response.message is not None:
            messages.append(response.message)
            calls = dialogue.dialect.parse(response.message).calls
            messages += dialogue.dialect.results(calls, _results(turn, calls))
    messages += dialogue.case.turns[len(history)].messages
    return _with_system(messages, dialogue.variant.system)


def _with_system(messages: list[JsonObject], system: str | None) -> list[JsonObject]:
    if system is None:
        return messages
    role = "system"
    if messages and messages[0].get("role") in {"system", "developer"}:
        role = str(messages[0]["role"])
        messages = messages[1:]
    return [{"role": role, "content": system}, *messages]


def _results(turn: Turn, calls: Sequence[ToolCall]) -> list[str]:
    """Return a scripted result per call: the first unused of that tool and those arguments, else of that tool."""
    unused = list(turn.tool_results)
    contents = []
    for call in calls:
        named = [result for result in unused if result["name"] == call.name]
        exact = [result for result in named if "arguments" in result and _same(result["arguments"], call.value)]
        chosen = next(iter([*exact, *(result for result in named if "arguments" not in result)]), None)
        if chosen is not None:
            unused.remove(chosen)
        contents.append(str(chosen["content"]) if chosen is not None else NO_RESULT)
    return contents


def _same(one: Json, other: Json) -> bool:
    return canonical_json(one) == canonical_json(other)
