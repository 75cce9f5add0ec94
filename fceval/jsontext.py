"""The one strict JSON reader: what a model, a dataset or an endpoint wrote, as values, or why it cannot be.

The standard library's reader accepts `NaN`, lets the last of two equal keys win in silence, turns `1e400` into
infinity and fails in several undeclared ways on hostile input. Here all of that is one `JsonTextError`, and what is
merely odd is a note.
"""

from __future__ import annotations

import json
import math
import re

from fceval.records import Json

MAX_DEPTH = 200
"""Deepest nesting that is read."""
MAX_DIGITS = 4300
"""Most digits of an integer: beyond it conversion takes quadratic time."""

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', re.DOTALL)


class JsonTextError(ValueError):
    """The text is no JSON that fceval reads; its message says why, for a person."""


def read_json(text: str) -> Json:
    """Decode one JSON text.

    Integers keep every digit. Duplicate keys, `NaN`, `Infinity` and numbers beyond what a double holds are errors,
    as is nesting deeper than `MAX_DEPTH`.

    Raises:
        JsonTextError: With a message such as ``duplicate key "a"`` or ``line 1 column 5: Expecting value``.
    """
    _refuse_depth(text)
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        msg = f"not valid JSON at {place}: {error.msg}"
        raise JsonTextError(msg) from None
    return value


def _refuse_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.finditer(text):
        if bracket.group(1):
            depth += 1
            if depth > MAX_DEPTH:
                msg = f"nested deeper than {MAX_DEPTH} levels"
                raise JsonTextError(msg)
        elif bracket.group(2):
            depth -= 1


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"duplicate key {json.dumps(twice)}"
        raise JsonTextError(msg)
    return value


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        msg = f"an integer of {len(digits)} digits"
        raise JsonTextError(msg)
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        msg = f"number out of range: {digits[:40]}"
        raise JsonTextError(msg)
    return value


def _constant(name: str) -> Json:
    msg = f"{name} is not JSON"
    raise JsonTextError(msg)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
