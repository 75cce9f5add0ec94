"""The envelope of an answer, read tolerantly: an odd field beside the message makes a good answer no worse.

Arguments, which decide a verdict, have the strict reader of `fceval.jsontext`. Around them an endpoint may write
what it likes: what is not JSON in it becomes a value that is, and what was noticed is an irregularity.
"""

from __future__ import annotations

import json
import math
from typing import Any

from fceval.jsontext import MAX_DIGITS, JsonTextError, refuse_depth
from fceval.records import Json

DUPLICATE_KEY = "duplicate_key"
"""An object names a member twice; the last one counts."""
INVALID_NUMBER = "invalid_number"
"""`NaN`, `Infinity`, or a number that no reader can be asked to hold; it is kept as text."""
INVALID_UTF8 = "invalid_utf8"
"""The body is not UTF-8; what is not became U+FFFD."""


def read_envelope(body: bytes) -> tuple[Json, tuple[str, ...]]:
    """Return (decoded body, irregularities); an empty body is None.

    Args:
        body: Decoded from its content encoding, whole.

    Raises:
        JsonTextError: It is no JSON at all, or nested too deep.
    """
    _notes.clear()
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
        _notes.add(INVALID_UTF8)
    text = text.removeprefix("\ufeff").strip()
    refuse_depth(text)
    try:
        decoder = _PLAIN if len(text) <= MAX_DIGITS else _DECODER
        value, end = decoder.raw_decode(text) if text else (None, 0)
        if end < len(text):
            decoder.decode(text)  # which says what is there beside the value
    except json.JSONDecodeError as error:
        msg = f"not valid JSON at line {error.lineno} column {error.colno}: {error.msg}"
        raise JsonTextError(msg) from None
    return value, tuple(sorted(_notes))


_notes: set[str] = set()
"""What the one decoder noticed in the body that it reads: one for each body would take as long as the reading."""


def _kept(digits: str) -> str:
    _notes.add(INVALID_NUMBER)
    return digits


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else _kept(digits)


def _decimal(digits: str) -> float | str:
    value = float(digits)
    return value if math.isfinite(value) else _kept(digits)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        _notes.add(DUPLICATE_KEY)
    return value


_PLAIN = json.JSONDecoder(parse_float=_decimal, parse_constant=_kept, object_pairs_hook=_members)
"""For texts that are too short for a number that is too long."""
_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_decimal, parse_constant=_kept, object_pairs_hook=_members)
