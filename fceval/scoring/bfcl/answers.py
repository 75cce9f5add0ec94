"""From an assistant message to calls, as BFCL decodes it: with Python's own JSON reader, all calls or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from fceval.records import Json, JsonObject
from fceval.scoring.bfcl.values import Value


class DecodedCall(NamedTuple):
    """One call of an answer."""

    name: str
    """As it came."""
    arguments: Value
    """Any JSON value: BFCL looks later whether it is an object."""


def decode(message: JsonObject) -> Sequence[DecodedCall] | None:
    """Return the calls of a message; None where one of them cannot be read, or text stands in their place.

    Content that is exactly empty, in place of calls, is an empty list of calls: BFCL iterates over nothing.
    """
    entries = message.get("tool_calls")
    if entries is None:
        return [] if message.get("content") == "" else None
    if not isinstance(entries, list):
        return None
    try:
        return [_call(entry) for entry in entries]
    except (LookupError, RecursionError, TypeError, ValueError):
        return None


def _call(entry: Json) -> DecodedCall:
    call: Value = entry
    # Not `read_json`: BFCL takes NaN, and the last of two equal keys.
    return DecodedCall(call["function"]["name"], json.loads(call["function"]["arguments"]))
