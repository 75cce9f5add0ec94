"""Which case of a dataset a request is about, and which of its turns. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fceval.records import Case, Json, canonical_json

_ROLES = {"system": "system", "developer": "system", "user": "user"}


@dataclass(frozen=True, slots=True)
class Place:
    """One turn of a case."""

    case: Case
    turn: int
    """From 0."""
    results: int
    """How many results of this turn's calls the request carries already."""


class Conversations:
    """The turns of a dataset's cases, found by what was said.

    A turn is known by its tools and by what system and user said up to it; what the assistant and the tools said in
    between depends on the model. Ever looser readings are tried: every message as the case has it; tools, system and
    user; user and the tools' names (a variant may change the system prompt or how tools are written); the user alone,
    where tools are written into the prompt. Of cases that a reading does not tell apart, the first of the dataset
    answers.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self._places: dict[bytes, tuple[Case, int, int]] = {}
        for case in cases:
            tools = [dict(tool.wire) for tool in case.tools]
            messages: list[Mapping[str, Any]] = []
            for turn, part in enumerate(case.turns):
                messages.extend(part.messages)
                place = (case, turn, _results_after_user(messages))
                for reading in (*_readings(messages, tools), _user_alone(messages)):
                    self._places.setdefault(reading, place)

    def find(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]], *, prompted: bool = False
    ) -> Place | None:
        """Return the turn that a request asks for; None where no case has it.

        Args:
            messages: As Chat Completions writes them.
            tools: On offer, likewise.
            prompted: The tools stand in the prompt, as text, and may have been misread.
        """
        alone = [_user_alone(messages)] if prompted else []
        for reading in (*_readings(messages, tools), *alone):
            if reading in self._places:
                case, turn, results = self._places[reading]
                return Place(case, turn, max(0, _results_after_user(messages) - results))
        return None


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message: its content, or the text parts of it."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


def _readings(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield a digest of the request for each reading, the strictest first."""
    offered = _digest(
        [[tool["function"].get(name) for name in ("name", "description", "parameters")] for tool in tools]
    )
    yield _digest(["all", offered.hex(), [_plain(message) for message in messages]])
    said = [[_ROLES[message["role"]], text_of(message)] for message in messages if message["role"] in _ROLES]
    yield _digest(["said", offered.hex(), said])
    names = [tool["function"]["name"] for tool in tools]
    yield _digest(["asked", names, [text for role, text in said if role == "user"]])


def _user_alone(messages: Sequence[Mapping[str, Any]]) -> bytes:
    return _digest(["user", [text_of(message) for message in messages if message["role"] == "user"]])


def _plain(message: Mapping[str, Any]) -> Json:
    """Return what every API says of a message: role, text and calls, without ids."""
    functions = [call["function"] for call in message.get("tool_calls") or ()]
    calls = [[function.get("name"), function.get("arguments")] for function in functions]
    return [_ROLES.get(message["role"], message["role"]), text_of(message), calls]


def _digest(value: Json) -> bytes:
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=16).digest()


def _results_after_user(messages: Sequence[Mapping[str, Any]]) -> int:
    count = 0
    for message in messages:
        if message["role"] == "tool":
            count += 1
        elif message["role"] in _ROLES:
            count = 0
    return count
