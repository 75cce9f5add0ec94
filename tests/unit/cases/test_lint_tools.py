"""Linting of tools: names, schemas, and the strict subset where a tool asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.lint_tools import tool_remarks
from fceval.cases.rows import case_of
from tests.case_rows import row, turns_row


def remarks(*tools: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Return (severity, rule, field) of what is found in the tools of a case."""
    case = case_of(row(tools=[{"function": tool} for tool in tools], expected=[]), 1)
    return [(each.severity, each.rule, each.field) for each in tool_remarks(case)]


def strict_problems(parameters: dict[str, Any] | None, *, strict: bool | None = True) -> list[str]:
    """Return what is said of a tool's parameters, without the part that is always the same."""
    function = {"name": "f", "parameters": parameters, "strict": strict}
    found = list(tool_remarks(case_of(row(tools=[{"function": function}], expected=[]), 1)))
    assert {(each.severity, each.rule, each.field) for each in found} <= {
        ("warning", "strict-schema", "tools[0].function.parameters")
    }
    return [each.problem.partition("; ")[0] for each in found]


def strict_object(**properties: object) -> dict[str, Any]:
    """Return the schema of an object that a strict endpoint takes, if its members are."""
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


@pytest.mark.parametrize("name", ["geo.area", "get weather", "wetter_für", "f" * 65, "f\n"])
def test_name_that_vendors_refuse_is_a_warning(name: str) -> None:
    """A dot, a space, a letter beyond ASCII, a line end, one character too many; named by the tool's place."""
    assert remarks({"name": "ok"}, {"name": name}) == [("warning", "tool-name", "tools[1].function.name")]


@pytest.mark.parametrize("name", ["f", "get-weather_2", "F" * 64])
def test_name_that_vendors_take_is_none(name: str) -> None:
    """Letters, digits, `_` and `-`, up to 64."""
    assert remarks({"name": name}) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "strnig"},
        {"properties": {"x": {"type": "dict"}}},
        {"properties": {"x": {"minimum": "1"}}},
        {"$ref": "https://example.com/schema.json"},
    ],
)
def test_schema_that_is_none_is_an_error(parameters: dict[str, Any]) -> None:
    """An unknown type at any depth, a bound that is text, another document; it is not called unstrict as well."""
    assert remarks({"name": "f", "parameters": parameters, "strict": True}) == [
        ("error", "invalid-schema", "tools[0].function.parameters")
    ]


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object", "properties": {"x": {"default": 1}}}])
@pytest.mark.parametrize("strict", [None, False])
def test_tool_that_does_not_ask_for_it_need_not_be_strict(parameters: object, strict: object) -> None:
    """Optional arguments, defaults and open objects are everyday there."""
    assert remarks({"name": "f", "parameters": parameters, "strict": strict}) == []


def test_strict_schema_has_no_remark() -> None:
    """Nested objects, items, alternatives, definitions and enums, each as OpenAI wants them."""
    schema = strict_object(
        where=strict_object(city={"type": "string", "enum": ["Oslo"]}),
        days={"type": "array", "items": strict_object(day={"type": ["integer", "null"]})},
        unit={"anyOf": [{"type": "null"}, strict_object(name={"type": "string"})]},
        link={"$ref": "#/$defs/link"},
        default={"type": "string"},
    )
    assert strict_problems({**schema, "$defs": {"link": strict_object(to={"type": "string"})}}) == []


@pytest.mark.parametrize("additional", [None, True, {"type": "string"}])
def test_strict_object_must_be_closed(additional: object) -> None:
    """Not said, allowed, and allowed with a schema are all refused."""
    schema = strict_object(x={"type": "string"}) | {"additionalProperties": additional}
    if additional is None:
        del schema["additionalProperties"]
    assert strict_problems(schema) == ["$: `additionalProperties` must be false"]


@pytest.mark.parametrize(
    ("required", "named"), [(["a"], "b, c"), ([], "a, b, c"), (None, "a, b, c"), (["a", "b"], "c")]
)
def test_strict_object_must_require_every_property(required: list[str] | None, named: str) -> None:
    """Those that it does not are named."""
    schema = strict_object(c={"type": "string"}, a={"type": "string"}, b={"type": "string"})
    del schema["required"]
    whole = schema if required is None else {**schema, "required": required}
    assert strict_problems(whole) == [f"$: every property must be required, and these are not: {named}"]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("allOf", [{}]),
        ("default", "x"),
        ("dependentRequired", {}),
        ("dependentSchemas", {}),
        ("else", {}),
        ("if", {}),
        ("not", {"type": "null"}),
        ("oneOf", [{}]),
        ("patternProperties", {}),
        ("then", {}),
    ],
)
def test_keyword_that_strict_endpoints_refuse_is_named(keyword: str, value: object) -> None:
    """Each with the place where it stands."""
    schema = strict_object(x={"type": "string", keyword: value})
    assert strict_problems(schema) == [f"$.x: `{keyword}` is not permitted"]


OPEN = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        (strict_object(where=OPEN), "$.where"),
        (strict_object(where=strict_object(inner=OPEN)), "$.where.inner"),
        (strict_object(days={"type": "array", "items": OPEN}), "$.days.items"),
        (strict_object(unit={"anyOf": [{"type": "null"}, OPEN]}), "$.unit.anyOf"),
        ({**strict_object(), "$defs": {"link": OPEN}}, '$["$defs"]'),
        ({**strict_object(), "definitions": {"link": OPEN}}, "$.definitions"),
        (strict_object(unit={"type": ["object", "null"], "properties": {}}), "$.unit"),
    ],
)
def test_strictness_holds_at_every_depth(schema: dict[str, Any], path: str) -> None:
    """In members, items, alternatives and definitions."""
    assert strict_problems(schema) == [f"{path}: `additionalProperties` must be false"]


def test_strict_tool_without_parameters_says_nothing_wrong() -> None:
    """There is nothing to be open."""
    assert strict_problems(None) == []


def test_every_offence_is_told() -> None:
    """One schema can be wrong in several ways."""
    assert strict_problems({"type": "object", "properties": {"x": {"default": 1}}}) == [
        "$: `additionalProperties` must be false",
        "$: every property must be required, and these are not: x",
        "$.x: `default` is not permitted",
    ]


def test_result_of_a_tool_that_is_not_offered_is_a_warning() -> None:
    """It may be meant for a tool that the model makes up; more often it is misspelt."""
    results = [{"name": "get_weather", "content": "x"}, {"content": "x"}, {"name": "get_wether", "content": "x"}]
    (found,) = tool_remarks(case_of(turns_row({}, {"tool_results": results}), 1))
    assert (found.severity, found.rule, found.field) == ("warning", "lost-result", "turns[1].tool_results[2].name")
    assert "`get_wether` is not offered (did you mean `get_weather`?)" in found.problem
