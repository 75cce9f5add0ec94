"""A tool call written as the whole content: JSON that names an offered tool, where text was due."""

from __future__ import annotations

import re
from collections.abc import Collection

from fceval.flaws import named_calls
from fceval.jsontext import JsonTextError, read_json

_SHOWN = 80
_BEGINS_AS_CALL = re.compile(r'\[?\s*\{\s*"(?:name|function|tool|tool_name)"\s*:\s*"((?:[^"\\]|\\.)*)"\s*[,}]')


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
        called = [name for name, _ in named_calls(value)]
    if not called or not all(name in offered for name in called):
        return None
    return f"a call written as text: {text[:_SHOWN]}"
