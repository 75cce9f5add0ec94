"""A tool's schema: what fits it, and what it says of each place."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.jsontext import read_json
from fceval.records import Json, Tool
from fceval.toolschema import MISSING, SchemaNode, ToolSchema, child_path, compile_tool, json_type, sample_value


def node(schema: Any) -> SchemaNode:  # noqa: ANN401 -- any JSON
    """Return the root of a schema."""
    return SchemaNode(schema, schema)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "boolean"),
        (5, "integer"),
        (5.0, "integer"),
        (5.5, "number"),
        ("5", "string"),
        ({}, "object"),
        ([], "array"),
    ],
)
def test_json_type(value: Json, name: str) -> None:
    """Types are JSON Schema's: 5.0 is an integer, true is no number."""
    assert json_type(value) == name


@pytest.mark.parametrize(
    ("name", "path"), [("a", "$.a"), (3, "$[3]"), ("a b", '$["a b"]'), ("北京", "$.北京"), ("", '$[""]')]
)
def test_child_path(name: str | int, path: str) -> None:
    """Names that are no words are quoted."""
    assert child_path("$", name) == path


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({}, set()),
        ({"type": "string"}, {"string"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"string", "null"}),
        (
            {"oneOf": [{"$ref": "#/$defs/A"}, {"type": "null"}], "$defs": {"A": {"type": "integer"}}},
            {"integer", "null"},
        ),
        ({"type": "integer", "nullable": True}, {"integer", "null"}),
        ({"type": "float"}, set()),
        ({"$ref": "#/nowhere"}, set()),
        ({"$ref": "#name"}, set()),
        ({"$ref": "#/list/1", "list": [{}, {"type": "array"}]}, {"array"}),
        (True, set()),
    ],
)
def test_types(schema: Json, types: set[str]) -> None:
    """Types are gathered over references and combinators; what JSON does not have is no type."""
    assert node(schema).types == types


@pytest.mark.parametrize(
    ("schema", "default"),
    [
        ({"default": 1}, 1),
        ({"default": None}, None),
        ({"anyOf": [{"type": "integer"}], "default": 2}, 2),
        ({"anyOf": [{"default": 3}, {"type": "null"}]}, 3),
        ({"anyOf": [{"default": 3}, {"default": 4}]}, MISSING),
        ({"allOf": [{"type": "integer"}, {"default": 5}]}, 5),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"default": 6}}}, 6),
        ({}, MISSING),
    ],
)
def test_default(schema: Json, default: object) -> None:
    """The default is found over references and `allOf`; alternatives that disagree have none."""
    assert node(schema).default == default


@pytest.mark.parametrize(
    ("schema", "required"),
    [
        ({"required": ["a"]}, {"a"}),
        ({"allOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a", "b"}),
        ({"anyOf": [{"required": ["a", "b"]}, {"required": ["a"]}]}, {"a"}),
        ({"anyOf": [{"type": "object", "required": ["a"]}, {"type": "null"}]}, {"a"}),
        ({"required": "a"}, set()),
    ],
)
def test_required(schema: Json, required: set[str]) -> None:
    """A name is required where every way of being an object requires it."""
    assert node(schema).required == required


def test_member_by_name_pattern_and_rest() -> None:
    """A member's schema is found by name, then by pattern, then among the additional ones."""
    place = node(
        {
            "properties": {"n_a": {"type": "string"}},
            "patternProperties": {"^n_": {"type": "integer"}, "(?=look)": {"type": "null"}},
            "additionalProperties": {"type": "boolean"},
        }
    )
    assert [place.member(name).types for name in ("n_a", "n_b", "c")] == [{"string"}, {"integer"}, {"boolean"}]


def test_member_of_several_alternatives() -> None:
    """A member that two alternatives declare may be what either says."""
    place = node({"anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "null"}}}]})
    assert place.member("a").types == {"string", "null"}


def test_elements_by_place() -> None:
    """The first elements have their own schemas, the others share one."""
    place = node({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}})
    assert [place.element(position).types for position in (0, 1, 9)] == [{"string"}, {"integer"}, {"integer"}]


def test_references_in_a_circle() -> None:
    """A schema that refers to itself ends, however often it does."""
    twice = {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/A"}]}
    place = node({"$ref": "#/$defs/A", "$defs": {"A": twice}})
    assert place.types == place.required == set()


def test_misfits_say_where() -> None:
    """Every misfit is told with its JSON path."""
    schema = ToolSchema({"properties": {"a": {"type": "array", "items": {"type": "integer"}}}, "required": ["b"]})
    assert [misfit.path for misfit in schema.misfits({"a": [1, "2"]})] == ["$", "$.a[1]"]


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        ('{"n": 5}', True),
        ('{"n": 5.0}', True),
        ('{"n": 9007199254740993.0}', True),
        ('{"n": "5"}', False),
        ('{"n": true}', False),
        ('{"n": 123456789012345678901234567890}', True),
        ('{"n": 1, "s": "\\ud800"}', False),
    ],
)
def test_fits(arguments: str, fits: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Numbers of any size are checked; what is no Unicode text matches nothing."""
    schema = ToolSchema({"properties": {"n": {"type": "integer"}, "s": {"pattern": "x"}}})
    assert schema.fits(read_json(arguments)) is fits
    assert (not schema.misfits(read_json(arguments))) is fits


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"type": "dict"}, '"dict"'),
        ({"properties": []}, "[]"),
        ({"$ref": "https://example.com/x.json"}, "never fetched"),
        ({"$ref": "file:///etc/passwd"}, "never fetched"),
        ({"pattern": "("}, "regex"),
    ],
)
def test_unusable_schema_checks_nothing(parameters: dict[str, Any], problem: str) -> None:
    """Parameters that are no usable JSON Schema say why, and refuse nothing."""
    schema = ToolSchema(parameters)
    assert problem in str(schema.problem)
    assert schema.fits({"anything": 1}) is None
    assert schema.misfits({"anything": 1}) == ()


def test_equal_schemas_are_compiled_once() -> None:
    """Two tools with equal parameters share their schema."""
    first = Tool("a", None, {"type": "object", "required": ["x"]}, None, {})
    second = Tool("b", None, {"required": ["x"], "type": "object"}, None, {})
    assert compile_tool(first) is compile_tool(second)
    assert compile_tool(Tool("c", None, None, None, {})).fits({}) is True


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "date-time"},
        {"type": "integer", "minimum": 7},
        {"enum": ["b", "a"]},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
        {"type": "object", "properties": {"a": {"const": 1}, "b": {}}, "required": ["a"]},
        {"anyOf": [{"type": "null"}, {"type": "number"}]},
    ],
)
def test_sample_value_fits(schema: dict[str, Any]) -> None:
    """A sample fits the schema that it was made for."""
    assert ToolSchema(schema).fits(sample_value(node(schema))) is True
