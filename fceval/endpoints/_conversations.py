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
    answered: bool
    """The request already carries results of this turn's calls."""


class Conversations:
    """The turns of a dataset's cases, found by what was said.

    A turn is known by its tools and by what system and user said up to it; what the assistant and the tools said in
    between depends on the model. Three ever looser readings are tried: every message as the case wrote it; tools,
    system and user; user and the tools' names (a variant may change the system prompt or how tools are written). Of
    cases that a reading does not tell apart, the first of the dataset answers.
    """

    def __init__(self, cases: Iterable[Case]) -> None:
        self._places: dict[bytes, tuple[Case, int, int]] = {}
        for case in cases:
            tools = [dict(tool.wire) for tool in case.tools]
            messages: list[Mapping[str, Any]] = []
            for turn, part in enumerate(case.turns):
                messages.extend(part.messages)
                place = (case, turn, _results_after_user(messages))
                for reading in _readings(messages, tools):
                    self._places.setdefault(reading, place)

    def find(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Place | None:
        """Return the turn that a request asks for; None where no case has it."""
        for reading in _readings(messages, tools):
            if reading in self._places:
                case, turn, results = self._places[reading]
                return Place(case, turn, _results_after_user(messages) > results)
        return None


def _readings(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield a digest of the request for each reading, the strictest first."""
    offered = _digest(tools)
    yield _digest(["all", offered.hex(), messages])
    said = [[_ROLES[message["role"]], message.get("content")] for message in messages if message["role"] in _ROLES]
    yield _digest(["said", offered.hex(), said])
    names = [tool["function"]["name"] for tool in tools]
    yield _digest(["asked", names, [content for role, content in said if role == "user"]])


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
