"""Linting of expectations: what no answer can satisfy is an error, what may not have been meant a warning."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fceval.cases.lint_expected import expectation_remarks
from fceval.cases.rows import case_of
from fceval.judging import judgement
from tests.case_rows import LEFT_OUT, WEATHER, row, turns_row

OPEN = {"type": "object", "properties": {"city": {"type": "string"}}}
PATTERNED = {"type": "object", "patternProperties": {"^x-": {"type": "string"}}}


def remarks(fields: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """Return (severity, rule, field) of what is found in what a row expects."""
    found = expectation_remarks(case_of(fields, 1), judgement())
    return [(each.severity, each.rule, each.field) for each in found]


def wants(arguments: dict[str, Any], parameters: object = None, **fields: object) -> dict[str, Any]:
    """Return a row that wants one call with these arguments, of a tool with these parameters."""
    tool = WEATHER if parameters is None else {"function": {"name": "get_weather", "parameters": parameters}}
    return row(tools=[tool], expected=[{"name": "get_weather", "arguments": arguments}], **fields)


def one_of(*values: object, **options: object) -> dict[str, Any]:
    """Return the expectation that accepts each of these values."""
    return {"$match": "one_of", "values": [*values], **options}


def takes(**properties: object) -> dict[str, Any]:
    """Return the schema of a tool that takes these arguments and no others, all optional."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


# --- what no answer can satisfy --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"city": 5},
        {"city": "Oslo", "days": 0},
        {"city": "Oslo", "day": 1},
        {"city": one_of(1, 2)},
        {"city": {"$match": "absent"}},
        {"city": "Oslo", "days": {"$match": "number", "value": 1.5}},
    ],
)
def test_call_that_the_schema_refuses_cannot_pass(arguments: dict[str, Any]) -> None:
    """A required argument not wanted, a wrong type, out of range, not declared where nothing else is allowed."""
    assert remarks(wants(arguments)) == [("error", "unpassable", "expected[0].arguments")]


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        (takes(unit={"enum": ["C", "F"]}), {"unit": "K"}),
        (takes(where=takes(city={"type": "string"})), {"where": {"city": 5}}),
        (takes(where=takes(city={"type": "string"})), {"where": {"town": "Oslo"}}),
        (takes(days={"type": "array", "items": {"type": "integer"}}), {"days": [1, "2"]}),
        (takes(code={"type": "string", "pattern": "^[A-Z]{3}$"}), {"code": "oslo"}),
    ],
)
def test_wrong_value_at_any_depth_cannot_pass(parameters: object, arguments: dict[str, Any]) -> None:
    """Outside an enum, in a member, an undeclared member, in an item, against a pattern."""
    assert remarks(wants(arguments, parameters)) == [("error", "unpassable", "expected[0].arguments")]


def test_each_misfit_is_told_with_its_path() -> None:
    """Two wrong arguments are two remarks."""
    found = expectation_remarks(case_of(wants({"city": 5, "days": "x"}), 1), judgement())
    assert sorted(each.problem.partition("(")[2].partition(":")[0] for each in found) == ["$.city", "$.days"]


@pytest.mark.parametrize("wanted", [one_of(0, -1, optional=True), {"$match": "number", "value": 0, "optional": True}])
def test_optional_argument_that_no_value_fits_is_no_error(wanted: dict[str, Any]) -> None:
    """The answer that leaves it out passes; its values are told as unreachable."""
    found = remarks(wants({"city": "Oslo", "days": wanted}))
    assert {each[:2] for each in found} == {("warning", "unreachable-value")}
    assert {each[2] for each in found} == {"expected[0].arguments.days"}


def test_required_argument_that_may_be_left_out_is_an_error_all_the_same() -> None:
    """Neither with a value nor without one is the call as the tool takes it."""
    assert remarks(wants({"city": one_of(5, optional=True)})) == [("error", "unpassable", "expected[0].arguments")]


def test_absent_argument_is_none() -> None:
    """`absent` for an optional argument wants no value, so that none can be wrong."""
    assert remarks(wants({"city": "Oslo", "days": {"$match": "absent"}})) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (row(tools=[], expected="any"), "expected"),
        (turns_row({}, {"expected": "any"}, tools=[]), "turns[1].expected"),
    ],
)
def test_some_call_without_a_tool_cannot_pass(fields: dict[str, Any], field: str) -> None:
    """`any` wants a call, and there is nothing to call."""
    assert remarks(fields) == [("error", "unpassable", field)]


def test_schema_that_is_none_blames_no_call() -> None:
    """What cannot be checked is not called wrong."""
    assert remarks(wants({"city": 5}, {"type": "strnig", "properties": {"city": {"type": "string"}}})) == []


# --- what may not have been meant ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (wants({"cyti": "Oslo"}, OPEN), "expected[0].arguments.cyti"),
        (wants({"cyti": "Oslo"}, {}), "expected[0].arguments.cyti"),
        (row(tools=[{"function": {"name": "get_weather"}}]), "expected[0].arguments.city"),
    ],
)
def test_argument_that_no_schema_declares_is_a_warning(fields: dict[str, Any], field: str) -> None:
    """The schema allows it, but the model cannot know of it."""
    assert remarks(fields) == [("warning", "undeclared-argument", field)]


def test_undeclared_argument_names_the_one_that_was_meant() -> None:
    """A slip of the pen is put right."""
    (found,) = expectation_remarks(case_of(wants({"citty": "Oslo"}, OPEN), 1), judgement())
    assert "did you mean `city`" in found.problem


@pytest.mark.parametrize("values", [("Oslo", 5), (5, "Oslo")])
def test_value_that_the_schema_refuses_is_unreachable(values: tuple[object, ...]) -> None:
    """An alternative that no obedient model gives: first or last in the list, and told by its text."""
    (found,) = expectation_remarks(case_of(wants({"city": one_of(*values)}), 1), judgement())
    assert (found.severity, found.rule, found.field) == (
        "warning",
        "unreachable-value",
        "expected[0].arguments.city",
    )
    assert found.problem.startswith("5 is accepted")


@pytest.mark.parametrize(
    ("parameters", "arguments", "fields"),
    [
        (OPEN, {"city": one_of("Oslo", "OSLO")}, ["city"]),
        (OPEN, {"city": one_of("Oslo", "Bergen", " oslo ")}, ["city"]),
        (OPEN, {"city": one_of("Oslo", "oslo", "OSLO")}, ["city", "city"]),
        (takes(days={"type": "number"}), {"days": one_of(1, 1.0)}, ["days"]),
        (OPEN, {"city": one_of({"$match": "contains", "value": "Os"}, "Oslo")}, ["city"]),
        (takes(where=OPEN), {"where": {"city": one_of("Oslo", "oslo")}}, ["where.city"]),
        (takes(to={"type": "array", "items": {"type": "string"}}), {"to": ["a", one_of("b", "B")]}, ["to[1]"]),
    ],
)
def test_value_that_equals_an_earlier_one_is_a_warning(
    parameters: object, arguments: dict[str, Any], fields: list[str]
) -> None:
    """By the rules of equality themselves, at any depth."""
    assert remarks(wants(arguments, parameters)) == [
        ("warning", "overlapping-values", f"expected[0].arguments.{field}") for field in fields
    ]


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        (OPEN, {"city": one_of("Oslo", "Bergen")}),
        (takes(unit={"enum": ["c", "C"]}), {"unit": one_of("c", "C")}),
        (takes(where=takes(unit={"enum": ["c", "C"]})), {"where": {"unit": one_of("c", "C")}}),
        (takes(to={"type": "array"}), {"to": one_of(["a", "b"], ["b", "a"])}),
    ],
)
def test_values_that_differ_are_no_overlap(parameters: object, arguments: dict[str, Any]) -> None:
    """Other words, capitals that the schema tells apart, another order."""
    assert remarks(wants(arguments, parameters)) == []


OSLO = {"name": "get_weather", "arguments": {"city": "Oslo"}}
LOUD = {"name": "get_weather", "arguments": {"city": "OSLO"}}
TWO_DAYS = {"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}
BERGEN = {"name": "get_weather", "arguments": {"city": "Bergen"}}


@pytest.mark.parametrize(
    ("alternatives", "fields"),
    [
        ([[OSLO], [LOUD]], ["expected_any_of[1]"]),
        ([[], [OSLO], [LOUD]], ["expected_any_of[2]"]),
        ([[OSLO, BERGEN], [BERGEN, OSLO]], ["expected_any_of[1]"]),
        ([[OSLO], [LOUD], [OSLO]], ["expected_any_of[1]", "expected_any_of[2]"]),
        ([[OSLO], []], []),
        ([[OSLO], [TWO_DAYS]], []),
        ([[OSLO], [OSLO, OSLO]], []),
        ([[OSLO, BERGEN], [OSLO]], []),
    ],
)
def test_alternative_that_adds_nothing_is_a_warning(alternatives: list[Any], fields: list[str]) -> None:
    """Its own answer passes by an earlier one already; fewer, more or other calls are a choice."""
    found = remarks(row(expected=LEFT_OUT, expected_any_of=alternatives))
    assert found == [("warning", "overlapping-alternatives", field) for field in fields]


def test_alternatives_overlap_by_the_rules_of_their_case() -> None:
    """Where the order counts, or strings are exact, the two are not the same."""
    ordered = row(expected=LEFT_OUT, expected_any_of=[[OSLO, BERGEN], [BERGEN, OSLO]], order="strict")
    exact = row(expected=LEFT_OUT, expected_any_of=[[OSLO], [LOUD]], strings="exact")
    assert remarks(ordered) == []
    assert [rule for _, rule, _ in remarks(exact)] == ["free-text"]


def test_alternatives_of_a_later_turn_are_named_with_it() -> None:
    """As they are written in the file."""
    fields = turns_row({}, {"expected": LEFT_OUT, "expected_any_of": [[OSLO], [LOUD]]})
    fields["turns"][1].pop("expected")
    assert remarks(fields) == [("warning", "overlapping-alternatives", "turns[1].expected_any_of[1]")]


SIX_WORDS = "The meeting was moved to noon"


@pytest.mark.parametrize(
    "arguments",
    [
        {"city": SIX_WORDS},
        {"city": "会议已经改到明天中午十二点请大家准时参加谢谢"},
        {"city": "ミーティングはあしたのひるにへんこうされました"},
        {"where": {"city": SIX_WORDS}},
        {"list": ["x", SIX_WORDS]},
    ],
)
def test_long_text_that_is_compared_as_a_whole_is_a_warning(arguments: dict[str, Any]) -> None:
    """Six words, or as much in a script without spaces; at any depth."""
    field = {"city": "city", "where": "where.city", "list": "list[1]"}[next(iter(arguments))]
    schema: dict[str, Any] = {"properties": {"city": {}, "where": {"properties": {"city": {}}}, "list": {}}}
    assert remarks(wants(arguments, schema)) == [("warning", "free-text", f"expected[0].arguments.{field}")]


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        (OPEN, "The meeting was moved today"),
        (OPEN, "会议已经改到明天"),
        (OPEN, one_of(SIX_WORDS, "Meeting moved to noon")),
        (OPEN, {"$match": "contains", "value": SIX_WORDS}),
        (takes(city={"enum": [SIX_WORDS]}), SIX_WORDS),
        (takes(city={"type": "string", "pattern": "^T"}), SIX_WORDS),
    ],
)
def test_short_chosen_or_spelled_out_text_is_none(parameters: object, wanted: object) -> None:
    """Five words, a list of wordings, a matcher, and what the schema itself spells out."""
    assert remarks(wants({"city": wanted}, parameters)) == []


@pytest.mark.parametrize("text", ["x" * 40_000, ("x" * 10_000 + " ") * 4], ids=["word", "words"])
def test_counting_words_takes_no_time(text: str) -> None:
    """It is linear, however long a word is."""
    started = time.thread_time()
    assert remarks(wants({"city": text}, OPEN)) == []
    assert time.thread_time() - started < 5


@pytest.mark.parametrize(
    "said",
    [
        f'Write "{SIX_WORDS}", please.',
        SIX_WORDS.upper(),
        SIX_WORDS.replace(" ", "\n  "),
        [{"type": "text", "text": f"Write: {SIX_WORDS}"}],
    ],
)
def test_dictated_text_is_none(said: object) -> None:
    """A message holds it word for word: in other capitals, with other white space, or as a part."""
    messages = [{"role": "system", "content": "Obey."}, {"role": "user", "content": said}]
    assert remarks(wants({"city": SIX_WORDS}, OPEN, messages=messages)) == []


def test_text_with_quotation_marks_can_be_dictated() -> None:
    """They are escaped in a message's JSON, not in the text."""
    text = 'He said "no" to all of them'
    messages = [{"role": "user", "content": f"Write: {text}"}]
    assert remarks(wants({"city": text}, OPEN, messages=messages)) == []


@pytest.mark.parametrize(
    ("wanted", "strings", "found"),
    [
        ("Bergen", "exact", [("warning", "free-text", "expected[0].arguments.city")]),
        ("Bergen", LEFT_OUT, []),
        ("OSLO", "exact", [("warning", "free-text", "expected[0].arguments.city")]),
        ("Oslo", "exact", []),
    ],
)
def test_exact_text_must_be_dictated(wanted: str, strings: object, found: list[object]) -> None:
    """Where strings are compared exactly, even a word must stand in a message, to the letter."""
    assert remarks(wants({"city": wanted}, OPEN, strings=strings)) == found


# --- by the rules of the source --------------------------------------------------------------------------------


def bfcl_source(possible: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return the `source` of a case of BFCL whose function requires the argument `city`."""
    doc = {
        "name": "get_weather",
        "parameters": {"type": "dict", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    return {
        "dataset": "bfcl",
        "category": "simple_python",
        "language": "python",
        "function": [doc],
        "ground_truth": [{"get_weather": possible}],
        **fields,
    }


def test_case_that_its_own_rules_never_pass_is_an_error() -> None:
    """BFCL's possible answer lacks what its function requires: named by the place in the source."""
    assert remarks(row(source=bfcl_source({}))) == [
        ("error", "unpassable-by-source", "source.ground_truth[0].get_weather.city")
    ]


@pytest.mark.parametrize(
    "source",
    [bfcl_source({"city": ["Oslo"]}), bfcl_source({}, dataset="other"), bfcl_source({}, function="x"), "a book"],
)
def test_source_that_can_be_passed_or_is_not_bfcls_says_nothing(source: object) -> None:
    """Only where its rules are known does a source tell."""
    assert remarks(row(source=source)) == []


# --- nothing wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        row(),
        row(expected="any"),
        row(tools=[], expected=[]),
        row(expected=LEFT_OUT, expected_any_of=[[], [OSLO]]),
        wants({"city": {"$match": "any"}, "days": 1}),
        wants({"city": {"$match": "any"}}, {"properties": {"city": {"pattern": "^[A-Z]{3}$"}}, "required": ["city"]}),
        wants(
            {"where": {"city": {"$match": "any"}, "days": 1}},
            {"properties": {"where": {"properties": {"city": {"pattern": "^[A-Z]{3}$"}, "days": {}}}}},
        ),
        wants(
            {"to": [{"$match": "any"}, "x"]}, {"properties": {"to": {"items": {"type": "string", "pattern": "^x$"}}}}
        ),
        wants({"x-unit": "C"}, PATTERNED),
        wants({"x-unit": "C"}, {"type": "object", "additionalProperties": {"type": "string"}}),
        wants({"city": one_of("Oslo", "Bergen"), "days": 2}),
    ],
)
def test_row_that_can_be_passed_has_no_remark(fields: dict[str, Any]) -> None:
    """What stands for `any` is of our making, and proves nothing against a case."""
    assert remarks(fields) == []


def test_misfit_beside_a_free_place_is_an_error() -> None:
    """`any` excuses its own place alone."""
    parameters = takes(where={"type": "object", "properties": {"city": {"type": "integer"}}})
    wanted = {"where": {"city": "Oslo", "days": {"$match": "any"}}}
    assert remarks(wants(wanted, parameters)) == [("error", "unpassable", "expected[0].arguments")]
