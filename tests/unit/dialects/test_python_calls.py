"""Python's syntax for calls: literals in, JSON values out, and nothing is run."""

from __future__ import annotations

import ast
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.dialects._python_calls import MAX_CHARACTERS, closing_bracket, keyword_arguments, python_call
from fceval.dialects._written_calls import UnreadableCallError
from fceval.jsontext import MAX_DEPTH, RoundedNumber, read_json
from fceval.records import Json, json_text
from tests.strategies import objects, values


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("()", 1),
        ("(a)b)", 2),
        ("([{()}])", 7),
        ('(")")', 4),
        ("('\\')')", 6),
        ('("""a"b)""")', 11),
        ("(a # )\n)", 7),
        ("(", None),
        ('(")', None),
        ("('a\nb')", None),
        ('("""a)', None),
        ("(" * MAX_DEPTH + ")" * MAX_DEPTH, 2 * MAX_DEPTH - 1),
        ("(" * (MAX_DEPTH + 1) + ")" * (MAX_DEPTH + 1), None),
    ],
)
def test_closing_bracket(text: str, end: int | None) -> None:
    """Brackets in texts and comments are none; what is cut off, or too deep, has no end."""
    assert closing_bracket(text, 0) == end


@given(arguments=objects | st.dictionaries(st.text(max_size=4), values, max_size=3))
def test_written_arguments_come_back(arguments: dict[str, Json]) -> None:
    """Every JSON object can be written as arguments, whatever its names, and Python itself agrees."""
    call = python_call("f", arguments)
    assert closing_bracket(call, 1) == len(call) - 1
    found = keyword_arguments(call[2:-1])
    assert json_text(found) == json_text(arguments)
    if "\0" not in call and all(map(str.isascii, arguments)):  # Python makes one name of several that look alike
        ast.parse(call, mode="eval")


def test_lone_surrogates_come_back() -> None:
    """They are escaped, as no Python source can hold them."""
    arguments: dict[str, Json] = {"a": "x\ud800\U0001f600"}
    call = python_call("f", arguments)
    call.encode()
    assert keyword_arguments(call[2:-1]) == arguments


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ({}, "f()"),
        ({"a": 1, "b": "x"}, 'f(a=1, b="x")'),
        ({"from": 1, "b": [True, None]}, 'f(**{"from": 1}, b=[True, None])'),
        ({"\u01c2": 1, "\u01c2from": 2}, 'f(\u01c2=1, **{"\u01c2from": 2})'),
        ({"a": {"to-city": -1.5}}, 'f(a={"to-city": -1.5})'),
    ],
)
def test_call_is_python(source: dict[str, Json], call: str) -> None:
    """Names that Python allows are keywords, others are unpacked."""
    assert python_call("f", source) == call
    assert keyword_arguments(call[2:-1]) == source


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("a=0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("a=-9007199254740993.0", "-9007199254740993.0"),
        ("b='é', a=1_0.000000000000000000000001", "10.000000000000000000000001"),
    ],
)
def test_numbers_keep_what_is_written(source: str, written: str) -> None:
    """A number that no double holds remembers its digits, and is written with them again."""
    value = keyword_arguments(source)["a"]
    assert isinstance(value, RoundedNumber)
    assert value.written == Decimal(written)
    assert python_call("f", {"a": value}) == f"f(a={written})"


@pytest.mark.parametrize("written", ["00.5", "1.", ".5", "1.e3", "1_000.5", "1e1_0", "-0.0", "5e-324"])
def test_decimals_as_python_writes_them(written: str) -> None:
    """Forms of numbers that JSON does not have are the numbers that they are in Python."""
    found = keyword_arguments(f"a={written}")["a"]
    assert repr(found) == repr(ast.literal_eval(written))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("1", "an argument of a call has no name"),
        ("*[1]", "an argument of a call has no name"),
        ("a=b", "an argument of a call is no literal"),
        ("a=__import__('os')", "an argument of a call is no literal"),
        ("a=1 + 1", "an argument of a call is no literal"),
        ("a=--1", "an argument of a call is no literal"),
        ("a=-'x'", "an argument of a call is no literal"),
        ("a=not 1", "an argument of a call is no literal"),
        ("a=f'{1}'", "an argument of a call is no literal"),
        ("a=b'x'", "an argument of a call is no literal"),
        ("a=1j", "an argument of a call is no literal"),
        ("a=...", "an argument of a call is no literal"),
        ("a={1}", "an argument of a call is no literal"),
        ("a={**{}}", "an argument of a call is no literal"),
        ("a=[x for x in []]", "an argument of a call is no literal"),
        ("a=lambda: 1", "an argument of a call is no literal"),
        ("**1", "an argument of a call is no literal"),
        ("**x", "an argument of a call is no literal"),
        ("a=1e999", "an argument of a call is no literal"),
        ("a=0x" + "f" * 4000, "an argument of a call is no literal"),
        ("a=1, **{'a': 2}", "an argument of a call, or a key in one, is named twice"),
        ("a=" + "9" * 5000, "the arguments of a call are no Python"),
        ("a=1, a", "the arguments of a call are no Python"),
        ("a=", "the arguments of a call are no Python"),
        ("a='\0'", "the arguments of a call are no Python"),
        ("a='\ud800'", "the arguments of a call are no Python"),
        ("a=" + "-" * 200_000 + "1", "the arguments of a call are no Python"),
        ("a=" + "1" * MAX_CHARACTERS, f"the arguments of a call are longer than {MAX_CHARACTERS} characters"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_literal(source: str, problem: str) -> None:
    """Nothing is computed, looked up or guessed."""
    with pytest.raises(UnreadableCallError, match=f"^{problem}$"):
        keyword_arguments(source)


@given(st.text(alphabet="ab=,[]{}()'\"\\*1.-_ #\n:xTrue", max_size=30))
def test_any_source_is_read_or_refused(source: str) -> None:
    """No text is too odd; what is read is JSON."""
    try:
        found = keyword_arguments(source)
    except UnreadableCallError:
        return
    assert read_json(json_text(found)) == found
