"""Calls that a user asks for by the tools' names: what a request that no case has is answered with. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fceval.endpoints._answers import Call, plain_call
from fceval.jsontext import refuse_depth
from fceval.records import Tool

_DECODER = json.JSONDecoder()
_MOST_CALLS = 128
"""Of one answer; who names more tools gets the first ones."""
_SPACE = re.compile(r"\s*")


def mentioned(text: str, tools: Sequence[Mapping[str, Any]]) -> tuple[Call, ...]:
    """Return a call for each time that a text names a tool, in its order, up to a number that no model exceeds.

    Args:
        text: What the user said. A JSON object right after a name is that call's arguments, as it is written there;
            without one, arguments are made up. What stands within such an object names nothing.
        tools: On offer, as Chat Completions writes them.
    """
    named = {tool["function"]["name"]: tool for tool in tools}
    if not named:
        return ()
    # The longest name first: one may be the beginning of another.
    names = "|".join(map(re.escape, sorted(named, key=len, reverse=True)))
    pattern = re.compile(rf"(?<![A-Za-z0-9_-])(?:{names})(?![A-Za-z0-9_-])")
    calls: list[Call] = []
    place = 0
    while len(calls) < _MOST_CALLS and (mention := pattern.search(text, place)):
        place = mention.end()
        arguments = _object_at(text, place)
        if arguments is None:
            calls.append(made_up(named[mention.group()]))
        else:
            place = text.index(arguments, place) + len(arguments)
            calls.append(Call(mention.group(), arguments))
    return tuple(calls)


def made_up(tool: Mapping[str, Any]) -> Call:
    """Return a call of a tool with made-up values for what it requires."""
    function = tool["function"]
    return plain_call(Tool(function["name"], None, function.get("parameters"), None, tool)).written()


def _object_at(text: str, place: int) -> str | None:
    """Return the JSON object that begins at a place, white space before it left out; None where there is none."""
    start = _SPACE.match(text, place).end()  # type: ignore[union-attr]  # no space at all matches, too
    if not text.startswith("{", start):
        return None
    try:
        _, end = _DECODER.raw_decode(text, start)
        refuse_depth(text[start:end])
    except (RecursionError, ValueError):
        return None
    return text[start:end]
