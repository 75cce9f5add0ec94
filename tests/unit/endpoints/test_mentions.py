"""Calls that a user asks for by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.endpoints._answers import Call
from fceval.endpoints._mentions import mentioned
from fceval.records import json_text

CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Oslo"]}}, "required": ["city"]}
TOOLS = [
    {"type": "function", "function": {"name": "get", "parameters": CITY}},
    {"type": "function", "function": {"name": "get_time"}},
]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Hello.", ()),
        ("Forget it, and get-it-done, and got.", ()),
        ("Use the tool get_time.", (Call("get_time", "{}"),)),
        ("Use `get` for a city.", (Call("get", '{"city": "Oslo"}'),)),
        ('get {"city":  "Rome"}, then get_time {}', (Call("get", '{"city":  "Rome"}'), Call("get_time", "{}"))),
        ('get\n{"city": "Zo\\u00eb"}', (Call("get", '{"city": "Zo\\u00eb"}'),)),
        ('get {"note": "call get_time"}', (Call("get", '{"note": "call get_time"}'),)),
        ("get {broken", (Call("get", '{"city": "Oslo"}'),)),
        ("get " + '{"a":' * 100_000, (Call("get", '{"city": "Oslo"}'),)),
        ('get {"n": ' + "9" * 5000 + "}", (Call("get", '{"city": "Oslo"}'),)),
        ("get_time {" * 100_000, (Call("get_time", "{}"),) * 128),
        ("get get", (Call("get", '{"city": "Oslo"}'),) * 2),
    ],
)
def test_each_mention_is_a_call(text: str, calls: tuple[Call, ...]) -> None:
    """Whole names count; an object behind one is its arguments, to the letter."""
    assert mentioned(text, TOOLS) == calls


def test_without_tools_nothing_is_mentioned() -> None:
    """A name that is not on offer is a word."""
    assert mentioned("get get_time", []) == ()


@given(arguments=st.dictionaries(st.text(), st.text() | st.integers()))
def test_any_object_is_taken_verbatim(arguments: dict[str, str | int]) -> None:
    """Whatever an object holds, it arrives as it was written."""
    written = json_text(arguments)
    assert mentioned(f"Call get_time {written} now", TOOLS) == (Call("get_time", written),)
