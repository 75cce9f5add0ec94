"""Known flaws: what they hide is found, and what is no flaw hides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.flaws import hidden_arguments, json_end, named_calls, offered_name, unnested
from fceval.records import Json, json_text
from fceval.toolschema import SchemaNode
from tests.strategies import argument_texts, objects, values


@given(arguments=objects)
def test_flaws_hide_what_they_were_made_of(arguments: dict[str, Json]) -> None:
    """Encoded again, repeated, among tokens: the arguments come back, with the flaws by name."""
    text = json_text(arguments)
    assert hidden_arguments(json_text(text)) == (arguments, ("args_double_encoded",))
    assert hidden_arguments(f"{text}\n{text}") == (arguments, ("args_duplicated",))
    assert hidden_arguments(f"<s>{text}<|im_end|>\n</s>") == (arguments, ("args_trailing_ws_or_tokens",))
    assert hidden_arguments(text) is None


@given(text=argument_texts)
def test_any_text_has_an_answer(text: str) -> None:
    """Nothing is too odd; what is hidden is an object, and there is a flaw that hides it."""
    hidden = hidden_arguments(text)
    assert hidden is None or (isinstance(hidden[0], dict) and hidden[1])


@pytest.mark.parametrize(
    "text",
    ["{} " * 300_000, "<|a|>" * 200_000, "{}" + "<|a|>" * 200_000, " " * 500_000 + "a" + " " * 500_000, "[" * 200_000],
    ids=["values", "tokens", "tokens after", "white space", "brackets"],
)
def test_hostile_text_hides_nothing(text: str) -> None:
    """And is looked through in linear time: quadratic time would take this test hours."""
    assert not (hidden_arguments(text) or ({},))[0]


@pytest.mark.parametrize(
    ("text", "end"), [('{"a": 1} x', 8), ("x", None), ('{"a"', None), ("1" * 5000, 5000), ("", None)]
)
def test_end_of_json(text: str, end: int | None) -> None:
    """Where a value ends, whatever follows it."""
    assert json_end(text, 0) == end


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("functions.f", "f"),
        ("functions.f:0", "f"),
        ("default_api.f", "f"),
        ("f<|channel|>commentary", "f"),
        ("<|channel|>commentary to=functions.f", "f"),
        ("f</tool_call>", "f"),
        ("fjson", "f"),
        (" f\n", "f"),
        ("functions.json", "json"),
        ("brary f", None),
        ("F", None),
        ("ff", None),
        ("f.g", None),
        ("<|channel|>commentary", None),
        ("", None),
    ],
)
def test_name_on_offer(name: str, meant: str | None) -> None:
    """Tokens, prefixes and suffixes of templates are known; a name that only looks alike is another."""
    assert offered_name(name, {"f", "json"}) == meant


@pytest.mark.parametrize(
    ("value", "calls"),
    [
        ({"name": "f", "arguments": {"a": 1}}, [("f", {"a": 1})]),
        ({"name": "f", "parameters": "{}"}, [("f", "{}")]),
        ([{"function": {"name": "f", "arguments": None}}], [("f", None)]),
        ({"tool_calls": [{"tool": "f", "input": {}}]}, [("f", {})]),
        ({"name": "f"}, [("", None)]),
        (["f"], [("", None)]),
        ([], []),
    ],
)
def test_named_calls(value: Json, calls: list[tuple[str, Json]]) -> None:
    """The ways in which models write a call as JSON."""
    assert named_calls(value) == calls


NODE = SchemaNode(
    {},
    {
        "type": "object",
        "properties": {
            "free": {},
            "text": {"type": "string"},
            "either": {"type": ["string", "object"]},
            "nested": {"type": "object", "properties": {"list": {"type": ["array", "null"]}}},
            "rows": {"type": "array", "items": {"type": "object"}},
        },
    },
)


@pytest.mark.parametrize(
    ("value", "opened"),
    [
        ({"nested": "{}"}, {"nested": {}}),
        ({"nested": {"list": " [1]"}}, {"nested": {"list": [1]}}),
        ({"rows": ['{"a": 1}', {"a": 2}]}, {"rows": [{"a": 1}, {"a": 2}]}),
        ({"rows": '["{}"]'}, {"rows": ["{}"]}),
    ],
)
def test_nested_text_is_opened(value: Json, opened: Json) -> None:
    """Where the schema wants an object or an array, at any depth."""
    assert unnested(value, NODE) == opened


@pytest.mark.parametrize(
    "value",
    [
        {"text": "{}"},
        {"either": "{}"},
        {"free": "{}"},
        {"other": "{}"},
        {"nested": "[]"},
        {"nested": "{"},
        {"nested": {}},
    ],
)
def test_text_that_is_no_flaw_stays(value: Json) -> None:
    """Where a text is allowed, or nothing of the wanted type is in it."""
    assert unnested(value, NODE) is value


@given(value=values, schema=st.dictionaries(st.sampled_from(["type", "items", "properties"]), values, max_size=3))
def test_any_schema_can_be_asked(value: Json, schema: dict[str, Json]) -> None:
    """A schema that is none opens nothing it should not, and breaks nothing."""
    unnested(value, SchemaNode(schema, schema))
