"""The strict reader: what it takes, what it refuses and how it says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.jsontext import (
    MAX_DEPTH,
    MAX_DIGITS,
    JsonTextError,
    RecurringMember,
    RoundedNumber,
    read_json,
    written_value,
)
from fceval.records import Json, json_text
from tests.strategies import argument_texts, values


@given(values)
def test_reads_what_json_says(value: Json) -> None:
    """Every JSON value comes back from its text, numbers and key order included."""
    assert json_text(read_json(json_text(value))) == json_text(value)


@given(argument_texts)
def test_never_fails_otherwise(text: str) -> None:
    """Any text is a value or a `JsonTextError`."""
    try:
        read_json(text)
    except JsonTextError as error:
        assert str(error)  # noqa: PT017 -- either way is right


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not valid JSON at line 1 column 1"),
        ('{"a": 1', "not valid JSON at line 1 column 8"),
        ('{"a": 1}\n{"a": 1}', "not valid JSON at line 2 column 1"),
        ('{"a": 1, "a": 1}', 'duplicate key "a"'),
        ('[{"b": {"\\u0061": 1, "a": 2}}]', 'duplicate key "a"'),
        ("NaN", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("1e400", "number out of range: 1e400"),
        ("-1e400", "number out of range: -1e400"),
        ("1e-400", "number out of range: 1e-400"),
        ("1" * (MAX_DIGITS + 1), f"a number of {MAX_DIGITS + 1} digits"),
        ("0." + "1" * MAX_DIGITS, f"a number of {MAX_DIGITS + 2} digits"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"nested deeper than {MAX_DEPTH} levels"),
        ('{"deep": ' + "[" * 100_000, f"nested deeper than {MAX_DEPTH} levels"),
    ],
    ids=lambda value: value[:30],
)
def test_refuses(text: str, problem: str) -> None:
    """What is no JSON, or could harm, is refused with the reason."""
    with pytest.raises(JsonTextError) as refused:
        read_json(text)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["[" * MAX_DEPTH + "]" * MAX_DEPTH, '["' + "[" * 1000 + '"]', '["\\"' + "{" * 1000 + '"]'],
    ids=["as deep as can be", "brackets in a string", "brackets after an escaped quote"],
)
def test_depth_is_of_brackets_outside_strings(text: str) -> None:
    """Only real nesting counts."""
    read_json(text)


def test_hostile_brackets_take_no_time() -> None:
    """Counting brackets is linear, in an unclosed string of escapes as well."""
    started = time.thread_time()
    with pytest.raises(JsonTextError):
        read_json("[" * 200 + '"' + '\\"' * 100_000)
    assert time.thread_time() - started < 5


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("9007199254740993.0", "9007199254740993.0"),
        ("0.1000000000000000055", "0.1000000000000000055"),
        ("-1.00000000000000000001", "-1.00000000000000000001"),
    ],
)
def test_rounded_numbers_remember_what_was_written(text: str, written: str) -> None:
    """A number that a double would change is its double, and knows better."""
    number = read_json(text)
    assert isinstance(number, RoundedNumber)
    assert number == float(text)
    assert written_value(number) == Decimal(written)


@pytest.mark.parametrize(
    "text", ["0.1", "0.10", "1e3", "1E+2", "-0.0", "1e23", "5.000", "123456.789", "0e-5000", "1.7976931348623157e308"]
)
def test_plain_numbers_stay_plain(text: str) -> None:
    """A number that survives as a double is one, whatever its notation."""
    number = read_json(text)
    assert type(number) is float
    assert written_value(number) == Decimal(text)


@given(st.integers())
def test_integers_keep_every_digit(number: int) -> None:
    """Integers are exact, whatever their size."""
    assert read_json(str(number)) == number
    assert written_value(number) == number


def told(read: Callable[[str], Json], text: str) -> str:
    """Return what a reader makes of a text, its error included."""
    try:
        return json_text(read(text))
    except JsonTextError as error:
        return f"refused: {error}"


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "tools": [{"b": 1}], "c": 2}',
        '{"tools":\t[{"b": 1}],"a":{"tools": [{"b": 1}]}}',
        '{"a": {"tools": [{"b": 1}]}, "tools": [{"b": 1}]}',
        '{"a": {"tools": [{"b": 1}]}, "tools": null}',
        '[{"tools": [{"b": 1}]}]',
        '{"a\\"tools": [{"b": 1}], "tools": [{"b": 1}]}',
        '{"a": "\\"tools\\": [{\\"b\\": 1}]", "tools": [{"b": 2}]}',
        '{"tools": [{"b": 1}], "tools": [{"b": 1}]}',
        '{"tools": [{"b": 1, "b": 1}]}',
        '{"tools": [{"b": 1}], "a": nan}',
        '{"tools": [{"b": 1}] x}',
        '{"tools": [{"b": 1}',
        '{"tools": [{"b": 1}]}]',
        '{"tools": [{"b": 1}], "a": "fceval: what stands here is known"}',
        '{"tools": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}",
    ],
)
def test_recurring_member_changes_nothing(text: str) -> None:
    """Values, their order and errors are those of `read_json`, whether the member's text is known already or not."""
    recurring = RecurringMember("tools")
    for _ in range(2):
        for known in ('{"tools": [{"b": 1}]}', text):
            assert told(recurring.read, known) == told(read_json, known)


def test_recurring_member_is_read_once() -> None:
    """Equal texts are one value, and other texts are others."""
    read = RecurringMember("tools").read
    first, again, other = (Box(read(text)) for text in ('{"a": 1, "tools": [1]}', '{"tools": [1]}', '{"tools": [2]}'))
    assert first.tools is again.tools
    assert other.tools == [2]


class Box:
    """A decoded object."""

    def __init__(self, value: Json) -> None:
        assert isinstance(value, dict)
        self.tools: Json = value["tools"]
