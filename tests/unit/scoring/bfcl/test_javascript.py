"""JavaScript source text as BFCL reads it."""

from __future__ import annotations

import pytest

from fceval.scoring.bfcl.javascript import read_javascript


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("'abc'", "String", "abc"),
        ('"', "String", '"'),
        ("`abc`", "String", "`abc`"),
        ("-5", "integer", -5),
        ("5.0", "integer", "5.0"),
        ("5", "float", 5.0),
        ("1e3", "float", "1e3"),
        ("12n", "Bigint", 12),
        ("12", "Bigint", "12"),
        ("false", "Boolean", False),
        ('"abc"', "any", '"abc"'),
    ],
)
def test_scalar_must_fit_as_a_whole(text: str, kind: str, value: object) -> None:
    """A text that does not fit its type stays text."""
    found = read_javascript(text, kind, None)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "item_kind", "value"),
    [
        ("['a', \"b\"]", "String", ["a", "b"]),
        ("new Array(1, 2) and more", "integer", [1, 2]),
        ("[]", "String", []),
        ("[1, 2,]", "integer", [1, 2, ""]),
        ("['a, b']", "String", ["'a", "b'"]),
        ("[[1, 2], [3.5, 'x']]", "array", [[1, 2], [3.5, "x"]]),
        ("[\n1]", "integer", "[\n1]"),
        ("x", "integer", "x"),
        ("[1]", "object", "[1]"),
    ],
)
def test_array_is_split_at_commas(text: str, item_kind: str, value: object) -> None:
    """Also where a comma stands inside a string; a table is guessed row by row."""
    assert read_javascript(text, "array", item_kind) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ("{a: 1, 'b': \"5\", c: true}", {"a": 1, "b": 5, "c": True}),
        ("{a: [1, 'x'], b: 2}", {"a": [1, "x"], "b": 2}),
        ("{a: 'x, y', b: z}", {"a": "x, y", "b": "z"}),
        ("{a: 'http://x'}", {"a": "http://x"}),
        ("{a: {b: 1}, c: 2}", {"a": "{b: 1"}),
        ("{:a, b: 1}", {"a, b": 1}),
        ("a: 1", "a: 1"),
    ],
)
def test_object_ends_at_its_first_brace(text: str, value: object) -> None:
    """Values are guessed, an inner object is cut."""
    assert read_javascript(text, "dict", None) == value


def test_type_that_bfcl_cannot_read_is_an_error() -> None:
    """Where BFCL aborts, the reader raises."""
    with pytest.raises(LookupError):
        read_javascript("x", "symbol", None)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[" + "[1, 2], " * 5_000 + " ]", "array"),
        ("{" + "x" * 100_000 + "}", "dict"),
        ("{a: " + "x, " * 50_000 + "}", "dict"),
    ],
)
def test_text_that_nearly_fits_costs_linear_time(text: str, kind: str) -> None:
    """Reading ends, where a backtracking pattern would not."""
    assert read_javascript(text, kind, "String") is not None
