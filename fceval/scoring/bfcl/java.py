"""Java source text to a value, as BFCL reads it: regular expressions on the raw text, no parser.

A text that does not fit its declared type stays text, and then fails BFCL's type check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fceval.scoring.bfcl.source_text import guessed_number, pattern
from fceval.scoring.bfcl.values import Value

TYPES: Mapping[str, type] = {
    "String": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "any": str,
    "byte": int,
    "short": int,
    "long": int,
    "double": float,
    "char": str,
    "Array": list,
    "ArrayList": list,
    "Set": set,
    "HashMap": dict,
    "Hashtable": dict,
    "Queue": list,
    "Stack": list,
}
"""Declared type to the Python type of its values."""

ARRAYS = frozenset({"Array", "ArrayList"})
"""Declared types whose items are checked."""

_INTEGER = re.compile(r"-?\d+$")
_LONG = re.compile(r"-?\d+[lL]$")
_FLOAT = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?[fF]$")
_DOUBLE = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?$")
_GUESSED_LONG = re.compile(r"\d+L$")
_GUESSED_FLOAT = re.compile(r"-?\d+(\.\d+)?f$")

_ARRAY = pattern(r"new\s+[A-Za-z0-9_]+\[\]\s*\{(.*?)\}")
_LIST_AS_LIST = pattern(r"new\s+ArrayList<[A-Za-z0-9_]*>\(Arrays\.asList\((.+?)\)\)")
_LIST_ADD = pattern(r"new\s+ArrayList<[A-Za-z0-9_]*>\(\)\s*\{\{\s*(.+?)\s*\}\}", across_lines=True)
_ADD = pattern(r"add\((.+?)\)")
_LIST_EMPTY = pattern(r"new\s+ArrayList<[A-Za-z0-9_]*>\(\)")
_MAP_PUT = pattern(r"new\s+HashMap<.*?>\s*\(\)\s*\{\s*\{?\s*(.*?)\s*\}?\s*\}", across_lines=True)
_PUT = pattern(r'put\("(.*?)",\s*(.*?)\)')
_MAP_EMPTY = pattern(r"new\s+HashMap<.*?>\s*\(\)")


def read_java(text: str, kind: str, item_kind: str | None) -> Value:
    """Return the value of Java source text; the text itself where it does not fit.

    Args:
        text: An argument, as the model wrote it.
        kind: Declared type of the parameter.
        item_kind: Declared type of its items; None where it has none.

    Raises:
        LookupError: A type that BFCL cannot read either.
    """
    if kind in _SCALARS:
        return _SCALARS[kind](text)
    read = _CONTAINERS[kind]
    try:
        return read(text, item_kind or "any")
    except UnicodeEncodeError:  # half of a surrogate pair, which RE2 does not take
        return text


def _text(text: str) -> Value:
    return text


def _integer(text: str) -> Value:
    return int(text) if _INTEGER.match(text) else text


def _long(text: str) -> Value:
    return int(text.strip()[:-1]) if _LONG.match(text) else text


def _float(text: str) -> Value:
    return float(text.strip()[:-1]) if _FLOAT.match(text) else text


def _double(text: str) -> Value:
    return float(text) if _DOUBLE.match(text) else text


def _boolean(text: str) -> Value:
    return {"true": True, "false": False}.get(text, text)


_SCALARS: Mapping[str, Callable[[str], Value]] = {
    "byte": _integer,
    "short": _integer,
    "integer": _integer,
    "long": _long,
    "float": _float,
    "double": _double,
    "boolean": _boolean,
    "String": _text,
    "any": _text,
    "char": _text,
}


def _array(text: str, item_kind: str) -> Value:
    found = _ARRAY.search(text)
    if not found:
        return text
    pieces = (piece.strip() for piece in found.group(1).split(","))
    return [read_java(piece, item_kind, None) for piece in pieces if piece]


def _array_list(text: str, item_kind: str) -> Value:
    if found := _LIST_AS_LIST.search(text):
        pieces = found.group(1).split(",")
    elif found := _LIST_ADD.search(text):
        pieces = _ADD.findall(found.group(1))
    else:
        return [] if _LIST_EMPTY.search(text) else text
    return [_list_item(piece.strip(), item_kind) for piece in pieces]


def _list_item(text: str, kind: str) -> Value:
    """Read an item of an ArrayList: strings lose their first and last character, whatever those are."""
    return text[1:-1] if kind in {"String", "char"} else read_java(text, kind, None)


def _hash_map(text: str, _item_kind: str) -> Value:
    if found := _MAP_PUT.search(text):
        return {key: _guessed(value.strip()) for key, value in _PUT.findall(found.group(1))}
    return {} if _MAP_EMPTY.search(text) else text


_CONTAINERS: Mapping[str, Callable[[str, str], Value]] = {
    "Array": _array,
    "ArrayList": _array_list,
    "HashMap": _hash_map,
}


def _guessed(text: str) -> Value:
    """Return the value of a text whose type nobody declared."""
    if text in {"true", "false"}:
        return text == "true"
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    if _GUESSED_LONG.match(text):
        return int(text[:-1])
    if _GUESSED_FLOAT.match(text):
        return float(text[:-1])
    return guessed_number(text)
