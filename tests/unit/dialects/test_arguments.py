"""The arguments of a call: what they are read as, and the codes of what is odd."""

from __future__ import annotations

import pytest
from hypothesis import given

from fceval.dialects._arguments import read_arguments
from fceval.irregularities import IRREGULARITIES
from fceval.records import Json
from tests.strategies import argument_texts, wild_values


@pytest.mark.parametrize(
    ("arguments", "value", "notes"),
    [
        ('{"a": 1}', {"a": 1}, ()),
        ({"a": 1}, {"a": 1}, ("args_object",)),
        ("", {}, ("args_empty_string",)),
        (" \n", {}, ("args_empty_string",)),
        (None, {}, ("args_empty_string",)),
        ('{"a": 1}\n', {"a": 1}, ("args_trailing_ws_or_tokens",)),
        (' {"a": 1}', {"a": 1}, ("args_trailing_ws_or_tokens",)),
        ('{\n "a": 1\n}', {"a": 1}, ()),
        ('{"a": 1}<|im_end|>', None, ("args_trailing_ws_or_tokens",)),
        ('"{}"', None, ("args_double_encoded",)),
        ('"\\"{}\\""', None, ("args_double_encoded",)),
        ('{"a": 1}{"a": 1}', None, ("args_duplicated",)),
        ('{"a": 1}{"a": 2}', None, ("args_invalid_json",)),
        ('{"a": 1, "a": 2}', None, ("args_invalid_json",)),
        ('{"a": "C:\\Users"}', None, ("args_invalid_json",)),
        ('{"a":', None, ("args_invalid_json",)),
        ("[1]", None, ("args_wrong_type",)),
        ('"text"', None, ("args_wrong_type",)),
        ("null", None, ("args_wrong_type",)),
        ([1], None, ("args_wrong_type",)),
        (5, None, ("args_wrong_type",)),
    ],
)
def test_arguments(arguments: Json, value: Json, notes: tuple[str, ...]) -> None:
    """One flaw has one code; only what is usable as it stands has a value."""
    read = read_arguments(arguments)
    assert (read.value, read.notes) == (value, notes)
    assert (read.problem is None) == (value is not None)


@given(arguments=argument_texts | wild_values)
def test_whatever_stands_there(arguments: Json) -> None:
    """Usable or with a problem, never both; text is kept verbatim, and a problem is never without a code."""
    read = read_arguments(arguments)
    assert (read.problem is None) == isinstance(read.value, dict)
    assert not isinstance(arguments, str) or read.text == arguments
    assert set(read.notes) <= set(IRREGULARITIES)
    assert read.problem is None or read.notes
