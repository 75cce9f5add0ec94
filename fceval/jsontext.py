"""The one strict JSON reader: what a model, a dataset or an endpoint wrote, as values, or why it cannot be.

The standard library's reader accepts `NaN`, lets the last of two equal keys win in silence, turns `1e400` into
infinity and fails in several undeclared ways on hostile input. Here all of that is one `JsonTextError`. Numbers keep
the value that is written: integers every digit, and decimals too where a double would round them.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Final, Self

from fceval.records import Json

MAX_DEPTH = 128
"""Deepest nesting that is read."""
MAX_DIGITS = 4300
"""Most characters of a number: beyond it arithmetic takes quadratic time."""

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)


class JsonTextError(ValueError):
    """The text is no JSON that fceval reads; its message says why, for a person."""


class RoundedNumber(float):
    """A number with more digits than a double holds: the nearest double, which remembers what was written.

    `0.1` and `1e3` are plain floats. `9007199254740993.0` is a `RoundedNumber`, because its double is another number.
    """

    __slots__ = ("written",)

    def __new__(cls, written: Decimal) -> Self:
        """Return the double nearest to what is written."""
        number = super().__new__(cls, written)
        number.written = written
        return number

    written: Decimal
    """The number as it stands in the text."""


def written_value(number: float) -> Decimal:
    """Return the number that a JSON text with this value holds: for a double the shortest one that denotes it."""
    if isinstance(number, RoundedNumber):
        return number.written
    return Decimal(number) if isinstance(number, int) else Decimal(repr(number))


def read_json(text: str) -> Json:
    """Decode one JSON text.

    Integers keep every digit. Duplicate keys, `NaN`, `Infinity` and numbers beyond what a double holds are errors,
    as is nesting deeper than `MAX_DEPTH`.

    Raises:
        JsonTextError: With a message such as ``duplicate key "a"`` or ``line 1 column 5: Expecting value``.
    """
    refuse_depth(text)
    try:
        return _decoded(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        msg = f"not valid JSON at {place}: {error.msg}"
        raise JsonTextError(msg) from None


def _decoded(text: str) -> Json:
    """Return the value of a text; most have no white space around it, and looking for it takes as long as a value."""
    value: Json
    try:
        value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        end = -1
    if end != len(text):
        value = _DECODER.decode(text)
    return value


class RecurringMember:
    """Reads JSON objects in which one member has the same text again and again: equal texts are read once.

    They become one and the same value, which must not be changed. Everything else is as `read_json` has it.
    """

    def __init__(self, name: str) -> None:
        """Take the member's name, and begin to remember its texts: as many as `_MOST_TEXTS`, of `_MOST_LENGTHS`."""
        self._name = name
        self._begins = re.compile(json.dumps(name) + r"[ \t\r\n]*:[ \t\r\n]*(?=[\[{])")
        self._known: dict[str, Json] = {}
        self._lengths: list[int] = []

    def read(self, text: str) -> Json:
        """Decode one JSON text; see `read_json`."""
        begins = self._begins.search(text)
        if begins is None:
            return read_json(text)
        start = begins.end()
        try:
            value, end = self._at(text, start)
            around = f'{text[:start]}"{_STAND_IN}"{text[end:]}'
            refuse_depth(around)
            rest = _decoded(around)
        except ValueError:  # which tells of a place in the rest: let it be told of the text
            return read_json(text)
        if not isinstance(rest, dict) or rest.get(self._name) != _STAND_IN or around.count(_STAND_IN) > 1:
            return read_json(text)  # a member of some inner object
        rest[self._name] = value
        return rest

    def _at(self, text: str, start: int) -> tuple[Json, int]:
        """Return the value that begins at a place, and where it ends: a whole value is the same wherever it stands."""
        for length in self._lengths:
            if (known := text[start : start + length]) in self._known:
                return self._known[known], start + length
        refuse_depth(text)  # in which it is a member: it is no deeper where it is met again
        value, end = _DECODER.raw_decode(text, start)
        if len(self._known) >= _MOST_TEXTS:
            self._known.clear()
        self._known[text[start:end]] = value
        if end - start not in self._lengths:
            self._lengths = [end - start, *self._lengths[: _MOST_LENGTHS - 1]]
        return value, end


_STAND_IN: Final = "fceval: what stands here is known"
_MOST_TEXTS = 1024
_MOST_LENGTHS = 8
"""Each costs a look at every text that is not known."""


def refuse_depth(text: str) -> None:
    """Refuse a text that is nested deeper than `MAX_DEPTH`, before a reader recurses into it.

    Raises:
        JsonTextError: It is.
    """
    if len(text) <= MAX_DEPTH or text.count("[") + text.count("{") <= MAX_DEPTH:
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
        raise JsonTextError(_too_long(digits))
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if repr(value) == digits:
        return value
    if len(digits) > MAX_DIGITS:
        raise JsonTextError(_too_long(digits))
    if math.isinf(value) or (value == 0 and _NONZERO.match(digits)):
        msg = f"number out of range: {digits[:_SHOWN]}"
        raise JsonTextError(msg)
    written = Decimal(digits)
    return value if written == Decimal(repr(value)) else RoundedNumber(written)


def _too_long(digits: str) -> str:
    return f"a number of {len(digits)} digits"


_NONZERO: Final = re.compile(r"-?[0.]*[1-9]")
_SHOWN = 40


def _constant(name: str) -> Json:
    msg = f"{name} is not JSON"
    raise JsonTextError(msg)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
