"""A tool call written as the whole content: JSON that names an offered tool, where text was due."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from fceval.jsontext import JsonTextError, read_json
from fceval.records import Json

_SHOWN = 80
_BEGINS_AS_CALL = re.compile(r'\[?\s*\{\s*"(?:name|function|tool|tool_name)"\s*:\s*"((?:[^"\\]|\\.)*)"\s*[,}]')
_NAMES = ("name", "function", "tool", "tool_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input")


def bare_call(text: str, offered: Collection[str]) -> str | None:
    """Return what is wrong where the whole of a text is a call of an offered tool as JSON; None where it is not.

    Args:
        text: The content of a message without calls.
        offered: Names of the tools on offer: JSON that names none of them is an answer like any other.
    """
    text = text.strip()
    if not text.startswith(("{", "[")):
        return None
    try:
        value = read_json(text)
    except JsonTextError:  # cut off, or with a flaw inside: its beginning must tell
        begins = _BEGINS_AS_CALL.match(text)
        called = [begins.group(1)] if begins else []
    else:
        called = list(_called(value))
    if not called or not all(name in offered for name in called):
        return None
    return f"a call written as text: {text[:_SHOWN]}"


def _called(value: Json) -> Iterator[str]:
    """Yield the names of the tools that JSON calls; an empty one for whatever is no call."""
    if isinstance(value, Mapping) and isinstance(calls := value.get("tool_calls"), list):
        value = calls
    for entry in value if isinstance(value, list) else [value]:
        yield _name(entry)


def _name(entry: Json) -> str:
    if not isinstance(entry, Mapping):
        return ""
    if isinstance(function := entry.get("function"), Mapping):
        entry = function
    if not any(word in entry for word in _ARGUMENTS):
        return ""
    return next((name for word in _NAMES if isinstance(name := entry.get(word), str)), "")
