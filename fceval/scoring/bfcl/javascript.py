"""JavaScript source text to a value, as BFCL reads it: regular expressions on the raw text, no parser.

A text that does not fit its declared type stays text, and then fails BFCL's type check.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fceval.scoring.bfcl.source_text import guessed_number, pattern
from fceval.scoring.bfcl.values import Value

TYPES: Mapping[str, type] = {
    "String": str,
    "integer": int,
    "float": float,
    "Bigint": int,
    "Boolean": bool,
    "dict": dict,
    "array": list,
    "any": str,
}
"""Declared type to the Python type of its values."""

ARRAYS = frozenset({"array"})
"""Declared types whose items are checked."""

_INTEGER = re.compile(r"-?\d+$")
_FLOAT = re.compile(r"-?\d+(\.\d+)?$")
_BIGINT = re.compile(r"-?\d+n$")

_ROWS = r"\s*\[.*?\](?:\s*,\s*\[.*?\])*"
_GRID = pattern(rf"\[{_ROWS}\]|new\s+Array\({_ROWS}\)")
_GRID_ROW = pattern(r"\[(.*?)\]")
_ARRAY = pattern(r"\[(.*?)\]|new\s+Array\((.*?)\)")
_DICT = pattern(r"\{(.*?)\}")
_QUOTES = "'\""


def read_javascript(text: str, kind: str, item_kind: str | None) -> Value:
    """Return the value of JavaScript source text; the text itself where it does not fit.

    Args:
        text: An argument, as the model wrote it.
        kind: Declared type of the parameter.
        item_kind: Declared type of its items; None where it has none.

    Raises:
        LookupError: A type that BFCL cannot read either.
    """
    if kind == "array":
        return _array(text.strip(), item_kind)
    if kind == "dict":
        return _dict(text.strip())
    return _scalar(text, kind)


def _scalar(text: str, kind: str) -> Value:
    if kind == "String":
        return _unquoted(text)
    if kind == "integer":
        return int(text) if _INTEGER.match(text) else text
    if kind == "float":
        return float(text) if _FLOAT.match(text) else text
    if kind == "Bigint":
        return int(text.strip()[:-1]) if _BIGINT.match(text) else text
    if kind == "Boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "any":
        return text
    raise LookupError(kind)


def _unquoted(text: str) -> str:
    """Drop a pair of quotes around the whole text."""
    paired = len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]
    return text[1:-1] if paired else text


def _array(text: str, item_kind: str | None) -> Value:
    try:
        if grid := _GRID.match(text):
            first, *others = (row.strip() for row in _GRID_ROW.findall(grid.group()))
            return [_grid_row(row) for row in (first.removeprefix("["), *others)]
        found = _ARRAY.match(text)
        if not found:
            return text
        body = found.group(1) if found.group(1) is not None else found.group(2)
        return [_item(piece.strip(), item_kind) for piece in body.split(",")] if body else []
    except (LookupError, RecursionError, ValueError):
        return text


def _grid_row(text: str) -> list[Value]:
    return [_guessed(piece.strip()) for piece in text.split(",")]


def _item(text: str, kind: str | None) -> Value:
    return _guessed(text) if kind is None else read_javascript(text, kind, None)


def _dict(text: str) -> Value:
    if text == "{}":
        return {}
    try:
        found = _DICT.match(text)
        if not found:
            return text
        return {key.strip().strip(_QUOTES): _member(value.strip()) for key, value in _pairs(found.group(1))}
    except (LookupError, RecursionError, ValueError):
        return text


def _pairs(body: str) -> Iterator[tuple[str, str]]:
    """Yield (key, value) of an object's text.

    A value ends at a comma that is followed, before the next comma, by a colon with something before it.
    """
    start = 0
    while (colon := body.find(":", start)) >= 0:
        if colon == start:  # a key has at least one character
            start += 1
            continue
        end = colon + 1
        while (end := body.find(",", end)) >= 0:
            following = body.find(",", end + 1)
            if body.rfind(":", end + 2, following if following >= 0 else None) >= 0:
                break
            end += 1
        value_end = end if end >= 0 else len(body)
        yield body[start:colon], body[colon + 1 : value_end]
        start = value_end + 1


def _member(text: str) -> Value:
    if text.startswith("[") and text.endswith("]"):
        return _array(text, None)
    if text.startswith("{") and text.endswith("}"):
        return _dict(text)
    return _guessed(text.strip(_QUOTES))


def _guessed(text: str) -> Value:
    """Return the value of a text whose type nobody declared."""
    if text in {"true", "false"}:
        return text == "true"
    if (plain := _unquoted(text)) != text:
        return plain
    return guessed_number(text)
