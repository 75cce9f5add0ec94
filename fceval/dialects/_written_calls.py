"""Calls that a model writes into its text because it was told how: where they may stand, and what JSON makes of them.

A call begins a line or follows a sentence; after it the line ends, or the next call comes. Around calls there may be
text and code fences. A call within a sentence, or in quotes, is talk about calling. What begins as a call and cannot
be read as one is a problem: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from fceval.dialects._arguments import read_arguments
from fceval.dialects._excerpt import SHOWN
from fceval.flaws import json_end, named_calls
from fceval.jsontext import MAX_DEPTH, JsonTextError, read_json
from fceval.records import Json, ToolCall, json_text

_FENCE = r"(?:`{3}\w*[ ]|`{0,3})"
_START = rf"(?:^[ \t]*{_FENCE}|(?<=[.!?:\u3002\uFF01\uFF1F\uFF1A])[ ]?{_FENCE})"
_END = re.compile(r"[ \t]*+[`,;.]*+[ \t]*+(?:<\|\w{1,40}\|>[ \t]*+)*+(?=$|[\[{<])", re.MULTILINE)
_DEBRIS = re.compile(r"[^\w\n]*$", re.MULTILINE)
_EMPTY_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[\w+-]*[ \t]*\n\s*\1[ \t]*(?:\n|\Z)", re.MULTILINE)


class UnreadableCallError(Exception):
    """A text begins as a call, and is none; the message says why, for a person."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a text that begins as calls do."""

    end: int
    """Where it ends."""
    calls: tuple[ToolCall, ...]
    """None where it is no call after all."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text, looked through for calls."""

    calls: tuple[ToolCall, ...]
    text: str
    """What stands beside the calls."""
    problems: tuple[str, ...] = ()


Take: TypeAlias = Callable[[str, int, int], Passage]
"""Reads a passage: (text, where it begins, where the beginning ends); raises `UnreadableCallError`."""


def written_calls(text: str, opening: str, take: Take, *, ends_line: bool = True) -> Written:
    """Return the calls of a text; linear in it where `take` is linear in its passage.

    Args:
        text: Of a message, without its thoughts.
        opening: Regular expression of how a call begins, without groups.
        take: Reads what begins so.
        ends_line: Whether text after a call, on the same line, makes it talk about calling.
    """
    here = re.compile(f"(?P<call>{opening})")
    anywhere = re.compile(f"{_START}(?P<call>{opening})", re.MULTILINE)
    calls: list[ToolCall] = []
    beside: list[str] = []
    place = kept = 0
    follows = False
    while found := (here.match(text, place) if follows else None) or anywhere.search(text, place):
        try:
            passage = take(text, found.start("call"), found.end())
            place, follows = _end_of(text, passage, ends_line=ends_line)
        except UnreadableCallError as error:
            return Written(tuple(calls), text, (f"{error}: {text[found.start('call') :][:SHOWN]}",))
        if follows:
            calls += passage.calls
            beside.append(text[kept : found.start()])
            kept = place
    if not calls:
        return Written((), text)
    rest = "".join([beside[0], *(piece for piece in (*beside[1:], text[kept:]) if piece.strip())])
    return Written(tuple(calls), _EMPTY_FENCE.sub("", rest).removesuffix("\n\n"))


def _end_of(text: str, passage: Passage, *, ends_line: bool) -> tuple[int, bool]:
    """Return (where a passage ends, whether it makes calls and does not only talk about them).

    Raises:
        UnreadableCallError: Brackets are left over.
    """
    end = _END.match(text, passage.end)
    if passage.calls and end:
        return end.end(), True
    if passage.calls and ends_line and _DEBRIS.match(text, passage.end):
        msg = "what follows a call is neither text nor a call"
        raise UnreadableCallError(msg)
    return passage.end, bool(passage.calls) and not ends_line


def json_passage(text: str, start: int) -> Passage:
    """Return the calls of the JSON that begins at `start`; none where it is other JSON.

    Raises:
        UnreadableCallError: It is broken, or makes calls and something else.
    """
    try:
        end = json_end(text, start)
        value = read_json(text[start:end]) if end else None
    except RecursionError:
        msg = f"a call is nested deeper than {MAX_DEPTH} levels"
        raise UnreadableCallError(msg) from None
    except JsonTextError as error:
        msg = f"the JSON of a call cannot be read ({error})"
        raise UnreadableCallError(msg) from None
    if end is None:
        msg = "the JSON of a call is broken or cut off"
        raise UnreadableCallError(msg)
    entries = [_named(entry) for entry in _entries(value)]
    if not any(name for name, _ in entries):
        return Passage(end, ())
    if not all(name for name, _ in entries):
        msg = "a list of calls holds something else"
        raise UnreadableCallError(msg)
    return Passage(end, tuple(_call(name, arguments) for name, arguments in entries))


def json_call(call: ToolCall) -> str:
    """Return a call as the JSON that `json_passage` reads; arguments that are no JSON stay as they are."""
    return f'{{"name": {json_text(call.name)}, "arguments": {call.arguments.strip() or "{}"}}}'


def _entries(value: Json) -> list[Json]:
    if isinstance(value, dict) and isinstance(calls := value.get("tool_calls"), list):
        value = calls
    return value if isinstance(value, list) else [value]


def _named(entry: Json) -> tuple[str, Json]:
    """Return (name, arguments) of a call, an empty name for no call; a call may be nothing but its name."""
    name = entry.get("name") if isinstance(entry, dict) and len(entry) == 1 else None
    return (name, None) if isinstance(name, str) else named_calls([entry])[0]


def _call(name: str, arguments: Json) -> ToolCall:
    read = read_arguments(arguments)
    return ToolCall(None, name, read.text, read.value, read.problem)
