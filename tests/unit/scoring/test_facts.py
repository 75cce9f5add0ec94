"""Facts: what is written down of an answer, whatever it is."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.cases.read import read_cases
from fceval.cases.rows import case_of
from fceval.dialects import load
from fceval.records import Attempt, Case, Json, Key, Response, ToolCall, Usage, json_text
from fceval.scoring.facts import facts_of
from fceval.scoring.matchers import sample
from fceval.scoring.rules import Rules
from fceval.scoring.verdict import OUTCOMES
from fceval.toolschema import MISSING, compile_tool
from tests.cli_process import PROJECT
from tests.scoring_cases import judged, message_of, tool
from tests.strategies import argument_texts, names, objects, wild_values

WEATHER: Json = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "unit": {"enum": ["c", "f"], "default": "c"},
        "days": {"type": "array", "items": {"type": "integer"}},
        "to": {"$ref": "#/properties/unit"},
    },
    "required": ["city"],
}
MATCHED: Json = {
    "city": {"$match": "contains", "value": "Par"},
    "unit": {"$match": "regex", "pattern": "[a-z]", "optional": True},
    "days": {"$match": "set", "values": [{"$match": "number", "value": 1, "abs": 1}, {"$match": "any"}]},
    "to": {"$match": "one_of", "values": [None, {"$match": "date", "value": "2026-03-01", "formats": ["unix"]}]},
}


def weather_case(**fields: Json) -> Case:
    """Return a case that offers the weather and a ping."""
    tools: list[Json] = [tool("get_weather", WEATHER), tool("ping", None)]  # type: ignore[arg-type]  # an object, above
    return case_of({"case_id": "c", "messages": [{"role": "user", "content": ""}], "tools": tools, **fields}, 1)


EXPECTED = [
    weather_case(expected=[{"name": "get_weather", "arguments": {"city": "Paris", "days": [1, 2.5]}}]),
    weather_case(expected=[{"name": "get_weather", "arguments": MATCHED}]),
    weather_case(expected_any_of=[[], [{"name": "get_weather", "arguments": {}}, {"name": "ping", "arguments": {}}]]),
    weather_case(expected=[], extra_calls="allow", strings="exact"),
    weather_case(expected="any", order="strict"),
]


@given(case=st.sampled_from(EXPECTED), arguments=argument_texts, name=st.sampled_from(["get_weather", "ping", "x"]))
def test_any_arguments_have_a_verdict(case: Case, arguments: str, name: str) -> None:
    """Whatever stands in the arguments of a call, it is judged."""
    _, score = judged(case, message_of([{"name": name, "arguments": arguments}]))
    assert score["outcome"] in OUTCOMES


@given(
    case=st.sampled_from(EXPECTED),
    message=st.fixed_dictionaries({}, optional=dict.fromkeys(("content", "tool_calls", "refusal"), wild_values)),
    finish_reason=st.sampled_from(["stop", "length", None]),
)
def test_any_message_has_a_verdict(case: Case, message: dict[str, Json], finish_reason: str | None) -> None:
    """Whatever the message, it is judged; what cannot be used never passes where calls are wanted."""
    facts, score = judged(case, message, finish_reason=finish_reason)
    assert score["outcome"] in OUTCOMES
    assert not (score["passed"] and facts.response.unusable_calls)


@given(calls=st.lists(st.tuples(names, objects), min_size=1, max_size=4), random=st.randoms(use_true_random=False))
def test_expected_literals_pass(calls: list[tuple[str, dict[str, Json]]], random: Random) -> None:
    """A case's own calls are right to the letter, in any order."""
    expected: list[Json] = [{"name": name, "arguments": arguments} for name, arguments in calls]
    tools: list[Json] = [tool(name, None) for name in dict.fromkeys(name for name, _ in calls)]
    fields: dict[str, Json] = {
        "case_id": "c",
        "messages": [{"role": "user", "content": ""}],
        "tools": tools,
        "expected": expected,
    }
    answer = [{"name": name, "arguments": json_text(arguments)} for name, arguments in calls]
    random.shuffle(answer)
    _, score = judged(case_of(fields, 1), message_of(answer), Rules(strings="exact"))
    assert (score["passed"], score["passed_strict"], score["selection_ok"]) == (True, True, True)


_DATASETS = [
    case
    for name in ("starter", "quickstart")
    for case in read_cases(PROJECT / "datasets" / f"{name}.jsonl")
    if len(case.turns) == 1
]


@pytest.mark.parametrize("case", _DATASETS, ids=lambda case: case.case_id)
def test_plainest_answer_passes(case: Case) -> None:
    """Each case of the datasets has an answer that passes: the plainest one that its expectations list."""
    expected = case.turns[0].expected
    schemas = {offered.name: compile_tool(offered) for offered in case.tools}
    calls = []
    for wanted in () if expected == "any" else expected[0]:
        node = schemas[wanted.name].node
        values = {name: sample(value, node.member(name)) for name, value in wanted.arguments.items()}
        given_values = {name: value for name, value in values.items() if value is not MISSING}
        calls.append({"name": wanted.name, "arguments": json_text(given_values)})  # type: ignore[arg-type]  # no MISSING left
    if expected == "any":
        calls.append({"name": case.tools[0].name, "arguments": "{}"})
    message = message_of(calls) if calls else {"role": "assistant", "content": "In words."}
    assert judged(case, message)[1]["outcome"] == "passed"


def test_not_measured_has_no_calls() -> None:
    """A response that never came is a row of its own, and neither right nor wrong."""
    key = Key("c", "default", trial=0, turn=0, step=0)
    attempts = (Attempt("", 1.0, None, 429, None), Attempt("", 2.0, None, None, "timed_out", "no answer in 60 s"))
    facts = facts_of(EXPECTED[0], Response(key, "", None, None, Usage(), None, (), attempts), None, Rules())
    assert (facts.calls, facts.arguments) == ((), ())
    assert (facts.response.failure, facts.response.failure_detail) == ("timed_out", "no answer in 60 s")
    assert (facts.response.attempts, facts.response.retried_429, facts.response.latency_s) == (2, 1, 2.0)


def test_texts_of_arguments() -> None:
    """Expected and predicted stand as JSON text; what is not there is null, and not the text `null`."""
    case = weather_case(expected=[{"name": "get_weather", "arguments": {"city": "São", "days": None, "to": 1}}])
    facts, _ = judged(case, message_of([{"name": "get_weather", "arguments": '{"city": "Rio", "x": [1.0, null]}'}]))
    texts = {row.argument: (row.expected, row.predicted) for row in facts.arguments}
    assert texts == {
        "city": ('"São"', '"Rio"'),
        "days": ("null", None),
        "to": ("1", None),
        "x": (None, "[1.0, null]"),
    }


@pytest.mark.parametrize(
    ("arguments", "valid"), [('{"city": "Rio"}', True), ("{}", False), ('{"city": ', False), ('{"city": 5}', False)]
)
def test_schema_valid(arguments: str, valid: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Whether the arguments fit the tool's schema is told for every call of an offered tool."""
    for case in EXPECTED:
        facts, _ = judged(case, message_of([{"name": "get_weather", "arguments": arguments}]))
        assert [row.schema_valid for row in facts.calls if row.predicted_index == 0] == [valid]


def test_schema_valid_is_unknown_for_unknown_tools() -> None:
    """A tool that is not offered has no schema to fit."""
    facts, _ = judged(EXPECTED[0], message_of([{"name": "nothing", "arguments": "{}"}]))
    assert [row.schema_valid for row in facts.calls] == [None]


@pytest.mark.parametrize(("arguments", "ignored"), [("{}", True), ("{", False)])
def test_only_usable_extra_calls_are_ignored(arguments: str, ignored: bool) -> None:  # noqa: FBT001 -- a column
    """Where extra calls are allowed, one that nobody can read is still counted."""
    case = weather_case(expected=[{"name": "get_weather", "arguments": {"city": "Rio"}}], extra_calls="allow")
    answer = [{"name": "get_weather", "arguments": '{"city": "Rio"}'}, {"name": "ping", "arguments": arguments}]
    facts, score = judged(case, message_of(answer))
    assert [row.ignored for row in facts.calls] == [False, ignored]
    assert score["selection_ok"] is ignored


def test_answers_made_by_the_dialect_come_back() -> None:
    """The facts keep the arguments as the model wrote them."""
    call = ToolCall("id", "ping", '{"a" : 1.50}', {"a": 1.5})
    facts, _ = judged(EXPECTED[4], load("tools").answer([call], None))
    assert facts.calls[0].predicted_arguments == '{"a" : 1.50}'
