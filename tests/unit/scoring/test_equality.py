"""Equality as a relation: what holds for all values."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fceval.jsontext import read_json
from fceval.records import Json, json_text
from fceval.scoring.equality import Comparison, compare, compare_members
from fceval.scoring.rules import Rules
from fceval.toolschema import SchemaNode
from tests.strategies import scalars, texts, values

FREE = SchemaNode({}, {})
RULES = [Rules(), Rules(strings="exact")]


@given(values, st.sampled_from(RULES))
def test_reflexive(value: Json, rules: Rules) -> None:
    """Every value equals itself, without any rule."""
    assert compare(value, value, FREE, rules) == Comparison()


_ROUNDED = [read_json(text) for text in ("1.00000000000000000001", "1.00000000000000000002")]
_NEAR: list[Json] = [True, 1, 1.0, *_ROUNDED, False, 0, -0.0, None, "1", "Oslo", "oslo ", [1], [True], {}]


@pytest.mark.parametrize("wanted", _NEAR, ids=range(len(_NEAR)))
@pytest.mark.parametrize("found", _NEAR, ids=range(len(_NEAR)))
def test_members_are_compared_as_values_are(wanted: Json, found: Json) -> None:
    """Whether plain ones are equal at a glance or at a second one, the same is told."""
    schema: dict[str, Json] = {"type": "object", "properties": {"a": {}}, "required": ["a"]}
    compared = compare_members({"a": wanted}, {"a": found}, SchemaNode(schema, schema), Rules())["a"]
    assert compared == compare(wanted, found, FREE, Rules(), "$.a")


@given(values, st.sampled_from(RULES))
def test_survives_its_text(value: Json, rules: Rules) -> None:
    """A value equals what is read from its JSON text, without any rule."""
    assert compare(value, read_json(json_text(value)), FREE, rules).strict


@given(values, values, st.sampled_from(RULES))
def test_symmetric(left: Json, right: Json, rules: Rules) -> None:
    """Where the schema says nothing, two literals are equal in both directions or in none."""
    there, back = compare(left, right, FREE, rules), compare(right, left, FREE, rules)
    assert (there.fault is None) == (back.fault is None)
    assert sorted(there.rules) == sorted(back.rules)


@given(scalars, scalars)
def test_kinds_differ(left: Json, right: Json) -> None:
    """Values of different JSON kinds are never equal: booleans are no numbers, numbers no strings."""
    kinds = [
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
        for value in (left, right)
    ]
    assume(kinds[0] != kinds[1])
    assert compare(left, right, FREE, Rules()).fault is not None


@given(texts, texts)
def test_exact_strings_are_normalized_ones(left: str, right: str) -> None:
    """What is equal by the exact rule is equal by the normalized one."""
    if compare(left, right, FREE, Rules(strings="exact")).fault is None:
        assert compare(left, right, FREE, Rules()).fault is None


@given(st.text("abcXYZéÉñ北ßЖ ,.-7"))  # not the dotless i, whose capital is another letter's
def test_case_and_space_never_count(text: str) -> None:
    """A free string equals itself in capitals and spaced out."""
    assert compare(text, f" {text.upper()}\t", FREE, Rules()).fault is None


@given(st.integers())
def test_integers_of_any_size_are_exact(number: int) -> None:
    """An integer never equals its neighbour, however it is written."""
    assert compare(number, number + 1, FREE, Rules()).fault == "wrong_value"
    assert compare(number, read_json(f"{number + 1}.0"), FREE, Rules()).fault == "wrong_value"
    assert compare(number, read_json(f"{number}.0"), FREE, Rules()).rules == ("numeric",)


@pytest.mark.parametrize(
    ("rules", "rule"),
    [
        ((), "exact"),
        (("one_of",), "one_of"),
        (("one_of", "normalized"), "one_of+normalized"),
        (("numeric", "numeric"), "numeric"),
    ],
)
def test_rule_joins_what_was_needed(rules: tuple[str, ...], rule: str) -> None:
    """Several rules are told in their order, each once."""
    assert Comparison(rules=rules).rule == rule


def test_deepest_values_are_compared() -> None:
    """Values as deep as they are read do not exhaust the stack."""
    deep = read_json('{"a":' * 127 + "1" + "}" * 127)
    assert compare(deep, deep, FREE, Rules()).fault is None
    listed = read_json("[" * 127 + "1" + "]" * 127)
    assert compare(listed, listed, FREE, Rules()).fault is None
