"""What BFCL's possible answers become in the terms of fceval."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.importers._bfcl_expected import expected_call
from fceval.cases.importers._bfcl_tools import Language


def _expected(
    acceptable: list[Any], schema: dict[str, Any] | None, *, required: bool = False, language: Language = "python"
) -> object:
    """Return the expectation for one parameter; None where it is not listed."""
    properties = {} if schema is None else {"x": schema}
    doc = {"name": "a.f", "parameters": {"properties": properties, "required": ["x"] if required else []}}
    call = expected_call({"a.f": {"x": acceptable}}, [doc], language)
    assert call["name"] == "a_f"
    return call["arguments"].get("x")


def _one_of(*values: object, **options: object) -> dict[str, object]:
    return {"$match": "one_of", "values": list(values), **options}


@pytest.mark.parametrize(
    ("acceptable", "schema", "expected"),
    [
        ([10], {"type": "integer"}, 10),
        (["a", "b"], {"type": "string"}, _one_of("a", "b")),
        (["a", ""], {"type": "string"}, _one_of("a", optional=True)),
        (["", None, 2], {"type": "integer"}, _one_of(2, optional=True)),
        ([None], {"type": "string"}, None),
        ([[1, 2]], {"type": "array"}, [1, 2]),
        ([], {"type": "array"}, []),
        ([True], {"type": "string"}, _one_of("True", True)),
        (["dontcare", ""], {"type": "integer"}, _one_of("dontcare", optional=True)),
        ([{"k": [1, 2], "o": ["a", ""]}], {"type": "dict"}, {"k": _one_of(1, 2), "o": _one_of("a", optional=True)}),
        ([[{"k": [1]}, {"k": [{}]}]], {"type": "array"}, [{"k": 1}, {"k": {}}]),
        ([{"k": "literal"}], {"type": "dict"}, {"k": "literal"}),
        ([{"k": [""]}], {"type": "dict"}, {"k": _one_of("", optional=True)}),
    ],
)
def test_acceptable_values_become_an_expectation(
    acceptable: list[Any], schema: dict[str, Any], expected: object
) -> None:
    """One value is a literal, several are alternatives, the marker makes them optional."""
    assert _expected(acceptable, schema) == expected


@pytest.mark.parametrize(
    ("acceptable", "schema"), [([""], {"type": "string"}), (["", None], {"type": "integer"}), (["", 1], None)]
)
def test_argument_that_may_only_be_left_out_is_not_listed(acceptable: list[Any], schema: dict[str, Any] | None) -> None:
    """Neither is an optional one that the function does not take."""
    call = expected_call(
        {"f": {"x": acceptable}},
        [{"name": "f", "parameters": {"properties": {} if schema is None else {"x": schema}, "required": []}}],
        "python",
    )
    assert call["arguments"] == {}


@pytest.mark.parametrize(
    ("acceptable", "schema", "expected"),
    [(["a", ""], {"type": "string"}, "a"), ([""], {"type": "string"}, ""), (["09:00"], None, "09:00")],
)
def test_required_argument_is_listed(acceptable: list[Any], schema: dict[str, Any] | None, expected: object) -> None:
    """The marker does not excuse what the function requires; what an answer requires stays, though nobody takes it."""
    assert _expected(acceptable, schema, required=True) == expected


@pytest.mark.parametrize(
    ("language", "kind", "items", "value", "spelling"),
    [
        ("java", "integer", None, 5, "5"),
        ("java", "long", None, 5, "5L"),
        ("java", "long", None, 5, "5"),
        ("java", "double", None, 2.0, "2"),
        ("java", "boolean", None, True, "true"),
        ("java", "String", None, "a", '"a"'),
        ("java", "any", None, "myVar", "myVar"),
        ("java", "char", None, "a", "'a'"),
        ("java", "integer", None, "Mode.ON", "Mode.ON"),
        ("java", "Array", "String", ["a", "b"], 'new String[]{"a", "b"}'),
        ("java", "Array", "String", ["a", "b"], "new String[]{a, b}"),
        ("java", "Array", "integer", [1], "new int[]{1}"),
        ("java", "Array", "char", ["a"], "new char[]{'a'}"),
        ("java", "ArrayList", "any", ["a", 1, True], 'new ArrayList<>(Arrays.asList("a", 1, true))'),
        ("java", "ArrayList", "long", [1], "new ArrayList<Long>() {{ add(1L); }}"),
        ("java", "HashMap", None, {"k": ["v"]}, 'new HashMap<String, Object>() {{ put("k", "v"); }}'),
        ("java", "HashMap", None, {"k": "v"}, 'Map.of("k", "v")'),
        ("java", "HashMap", None, {}, "new HashMap<>()"),
        ("javascript", "String", None, "a", "'a'"),
        ("javascript", "float", None, 3.0, "3"),
        ("javascript", "Boolean", None, False, "false"),
        ("javascript", "any", None, None, "null"),
        ("javascript", "array", "String", ["a"], '["a"]'),
        ("javascript", "array", "String", ["a"], "[a]"),
        ("javascript", "array", "float", [1.0, 2.0], "new Array(1, 2)"),
        ("javascript", "array", "integer", [], "[]"),
        ("javascript", "dict", None, {"a": [1], "b": ["x"]}, '{"b": "x", "a": 1}'),
        ("javascript", "dict", None, {"a": [["x"]], "b": ["", 1]}, "{a: ['x']}"),
        ("javascript", "dict", None, {}, "{}"),
    ],
)
def test_source_text_may_be_written_in_every_usual_way(
    language: Language, kind: str, items: str | None, value: object, spelling: str
) -> None:
    """With or without quotes, old and new syntax."""
    schema = {"type": kind} | ({"items": {"type": items}} if items else {})
    found: Any = _expected([value], schema, required=True, language=language)
    assert spelling in (found["values"] if isinstance(found, dict) else [found])


def test_spellings_are_bounded() -> None:
    """An object of many keys, each with several values, does not become thousands of texts."""
    value = {f"k{number}": [1, 2, 3] for number in range(12)}
    found: Any = _expected([value], {"type": "dict"}, required=True, language="javascript")
    assert len(found["values"]) == 64
