"""Wrong values: same type and another value, or another type."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.endpoints._values import mistyped, others, same
from fceval.records import Json
from fceval.toolschema import MISSING, SchemaNode, json_type


def _node(**schema: object) -> SchemaNode:
    wire: dict[str, Any] = dict(schema)
    return SchemaNode(wire, wire)


_LEAVES = st.booleans() | st.integers() | st.text(min_size=1) | st.floats(-1e6, 1e6)
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(_VALUES)
def test_another_value_is_another_one_of_the_same_type(value: Json) -> None:
    """No lenient reading makes the two equal, and the type stays."""
    node = _node()
    for other in others(value, node):
        assert not same(other, value)
        assert json_type(other) == json_type(value) or isinstance(value, float)


@pytest.mark.parametrize(
    ("value", "schema", "first"),
    [
        ("order_12345", {}, "order_12346"),
        ("Leeds", {}, "Leeds 2"),
        ("low", {"enum": ["low", "high"]}, "high"),
        (3, {}, 4),
        (True, {}, False),
        (["a1", "b"], {}, ["a2", "b"]),
        ({"city": "x9"}, {}, {"city": "x0"}),
        (3, {"default": 4}, 2),
    ],
)
def test_likeliest_slip_comes_first(value: Json, schema: dict[str, Any], first: object) -> None:
    """A digit, a word, another member, the next number; never the default, which reads as left out."""
    assert next(others(value, _node(**schema))) == first


@pytest.mark.parametrize(
    ("value", "schema"),
    [("only", {"enum": ["only"]}), ("x", {"const": "x"}), (None, {}), ({}, {}), (2, {"enum": [2, "3"]})],
)
def test_what_allows_no_other_value_gives_none(value: Json, schema: dict[str, Any]) -> None:
    """A lone enum member, a constant, null and an empty object have no neighbour."""
    assert list(others(value, _node(**schema))) == []


@pytest.mark.parametrize(
    ("value", "schema", "dressed"),
    [
        ("123", {"type": "string"}, 123),
        ("0123", {"type": "string"}, ["0123"]),
        ("Leeds", {"type": "string"}, ["Leeds"]),
        (5, {"type": "integer"}, "5"),
        (True, {"type": "boolean"}, "true"),
        (["a"], {"type": "array"}, '["a"]'),
        ({"a": 1}, {"type": "object"}, '{"a":1}'),
        ("x", {"type": ["string", "null"]}, ["x"]),
    ],
)
def test_mistyped_value_is_the_same_in_other_clothes(value: Json, schema: dict[str, Any], dressed: object) -> None:
    """What models do: quote a number, unquote a number, wrap in a list."""
    assert mistyped(value, _node(**schema)) == dressed


@pytest.mark.parametrize(
    ("value", "schema"), [("x", {}), (5, {"type": "string"}), ("x", {"type": ["string", "array", "integer"]})]
)
def test_no_wrong_type_without_a_right_one(value: Json, schema: dict[str, Any]) -> None:
    """Where the schema declares no type, or refuses the right value, or takes nearly all, nothing is mistyped."""
    assert mistyped(value, _node(**schema)) is MISSING
