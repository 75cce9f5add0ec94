"""Messages as calls, the way BFCL decodes them."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.scoring.bfcl.answers import decode


def _entry(arguments: object) -> dict[str, Any]:
    return {"function": {"name": "f", "arguments": arguments}}


@pytest.mark.parametrize(
    ("message", "decoded"),
    [
        ({"tool_calls": [_entry('{"x": NaN}')]}, 1),
        ({"tool_calls": [_entry(" null ")]}, 1),
        ({"tool_calls": [_entry("{}"), _entry("{")]}, None),
        ({"tool_calls": [_entry({"x": 1})]}, None),
        ({"tool_calls": [_entry("[" * 100_000)]}, None),
        ({"tool_calls": [_entry("9" * 5_000)]}, None),
        ({"tool_calls": [{"name": "f", "arguments": "{}"}]}, None),
        ({"tool_calls": ["f"]}, None),
        ({"tool_calls": {}}, None),
        ({"tool_calls": [], "content": "x"}, 0),
        ({"content": ""}, 0),
        ({"content": " "}, None),
        ({}, None),
    ],
)
def test_all_calls_are_decoded_or_none(message: dict[str, Any], decoded: int | None) -> None:
    """One call that cannot be read takes the others with it."""
    calls = decode(message)
    assert (None if calls is None else len(calls)) == decoded


def test_last_of_two_equal_keys_wins() -> None:
    """Arguments are read as Python's own reader reads them."""
    (call,) = decode({"tool_calls": [_entry('{"x": 1, "x": 2}')]}) or ()
    assert call.arguments == {"x": 2}
