"""Java source text as BFCL reads it."""

from __future__ import annotations

import pytest

from fceval.scoring.bfcl.java import read_java


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("05", "integer", 5),
        ("-5\n", "integer", -5),
        ("+5", "integer", "+5"),
        ("5", "long", "5"),
        ("5l", "long", 5),
        ("1.5e3f", "float", 1500.0),
        ("1.5", "float", "1.5"),
        ("2", "double", 2.0),
        ("0.5d", "double", "0.5d"),
        ("true", "boolean", True),
        ("True", "boolean", "True"),
        ('"abc"', "String", '"abc"'),
        ("'a'", "char", "'a'"),
    ],
)
def test_scalar_must_fit_as_a_whole(text: str, kind: str, value: object) -> None:
    """A text that does not fit its type stays text."""
    found = read_java(text, kind, None)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "kind", "item_kind", "value"),
    [
        ("x = new int[]{1, 2,}", "Array", "integer", [1, 2]),
        ('new String[]{"a"}', "Array", "String", ['"a"']),
        ("new int[]{1,\n2}", "Array", "integer", "new int[]{1,\n2}"),
        ("[1, 2]", "Array", "integer", "[1, 2]"),
        ('new ArrayList<String>(Arrays.asList("a", "b"))', "ArrayList", "String", ["a", "b"]),
        ("new ArrayList<>(Arrays.asList(1L, 2L))", "ArrayList", "long", [1, 2]),
        ('new ArrayList<>() {{\n add("a");\n add("b");\n}}', "ArrayList", "String", ["a", "b"]),
        ("new ArrayList<>()", "ArrayList", "String", []),
        ("List.of(1)", "ArrayList", "integer", "List.of(1)"),
    ],
)
def test_array_and_list_items_are_read_by_their_type(text: str, kind: str, item_kind: str, value: object) -> None:
    """Arrays keep the quotes of their strings, lists drop the first and last character."""
    assert read_java(text, kind, item_kind) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('new HashMap<String, Object>() {{ put("a", 1); put("b", "x"); }}', {"a": 1, "b": "x"}),
        ('new HashMap<>() {{ put("a", 7L); put("b", 1.5f); put("c", true); }}', {"a": 7, "b": 1.5, "c": True}),
        ("new HashMap<>() {{ }}", {}),
        ("new HashMap<String, String>()", {}),
        ('{"a": 1}', '{"a": 1}'),
    ],
)
def test_map_values_are_guessed(text: str, value: object) -> None:
    """Nobody declares the types of a map's values."""
    assert read_java(text, "HashMap", None) == value


def test_type_that_bfcl_cannot_read_is_an_error() -> None:
    """Where BFCL aborts, the reader raises."""
    with pytest.raises(LookupError):
        read_java("x", "Queue", None)


def test_half_a_surrogate_pair_stays_text() -> None:
    """Text that is no Unicode fits no container."""
    assert read_java("new String[]{\ud800}", "Array", "String") == "new String[]{\ud800}"


def test_text_that_nearly_fits_costs_linear_time() -> None:
    """A map that is opened again and again and never closed is refused at once."""
    text = "new HashMap<>() {{ " * 5_000
    assert read_java(text, "HashMap", None) == {}
