"""BFCL's function docs as tools, where the public cases do not reach."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.importers._bfcl_tools import Language, tool_of


def _converted(schema: dict[str, Any], language: Language = "python") -> Any:  # noqa: ANN401 -- a JSON Schema
    doc = {
        "name": "a.b",
        "description": "D.",
        "parameters": {"type": "dict", "properties": {"x": schema}, "required": []},
    }
    return tool_of(doc, language)["function"]["parameters"]["properties"]["x"]


@pytest.mark.parametrize(
    ("schema", "converted"),
    [
        ({"type": "tuple", "items": {"type": "float"}}, {"type": "array", "items": {"type": "number"}}),
        ({"type": "float"}, {"type": "number", "format": "float", "description": " This is a float type value."}),
        ({}, {"type": "string"}),
        ({"type": "matrix"}, {"type": "string"}),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "dict"}}},
            {"type": "array", "items": {"type": "array", "items": {"type": "object"}}},
        ),
        (
            {"type": "array", "items": {"type": "dict", "properties": {"y": {"type": "any"}}}},
            {"type": "array", "items": {"type": "object", "properties": {"y": {"type": "string"}}}},
        ),
    ],
)
def test_types_become_json_schemas(schema: dict[str, Any], converted: dict[str, Any]) -> None:
    """Also inside of arrays and objects; an unknown type is a string."""
    assert _converted(schema) == converted


def test_java_parameter_is_a_string_that_says_what_it_holds() -> None:
    """Items move into the description."""
    assert _converted({"type": "ArrayList", "description": "X.", "items": {"type": "long"}}, "java") == {
        "type": "string",
        "description": (
            "X. This is Java ArrayList type parameter in string representation."
            " The list elements are of type long; they are not in string representation."
        ),
    }


def test_doc_itself_is_left_alone() -> None:
    """Converting makes a copy: BFCL's rules need the raw doc."""
    doc: dict[str, Any] = {"name": "a.b", "description": "D.", "parameters": {"type": "dict", "properties": {}}}
    tool_of(doc, "python")
    assert doc == {"name": "a.b", "description": "D.", "parameters": {"type": "dict", "properties": {}}}
