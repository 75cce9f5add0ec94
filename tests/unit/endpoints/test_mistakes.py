"""Each kind of mistake looks as it should, and fair scoring reads it as that outcome and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fceval import tables
from fceval.cases.read import read_cases
from fceval.cases.rows import case_of
from fceval.dialects.tools import PLUGIN as TOOLS
from fceval.endpoints._answers import Answer, calling, right_calls
from fceval.endpoints._mistakes import MISTAKES, answer, mistaken, planned_mistake
from fceval.endpoints._wire import Envelope, completion
from fceval.records import Attempt, Case, Key, Response, Usage
from fceval.scoring.facts import facts_of
from fceval.scoring.rules import Rules
from fceval.scoring.verdict import OUTCOMES, scores_of

STARTER = Path(__file__).parents[3] / "datasets" / "starter.jsonl"


def _outcomes(answers: list[tuple[Case, int, Answer]]) -> list[str]:
    """Return the outcome of each answer, by way of the wire, the dialect and fair scoring."""
    facts = []
    for number, (case, turn, given) in enumerate(answers):
        ids = tuple(f"call_{index}" for index in range(len(given.calls)))
        choice = completion(given, Envelope("chatcmpl-1", 0, "mock", 1, ids))["choices"][0]
        key = Key(f"{number}", "default", 0, turn, 0)
        attempt = Attempt("2026-01-01T00:00:00Z", 0.1, None, 200, None)
        response = Response(key, "", choice["message"], choice["finish_reason"], Usage(), "mock", (), (attempt,))
        facts.append(facts_of(case, response, TOOLS.parse(choice["message"]), Rules()))
    responses = tables.frame([fact.response for fact in facts], tables.RESPONSE_FACTS)
    calls = tables.frame([call for fact in facts for call in fact.calls], tables.CALLS)
    return scores_of(responses, calls)["outcome"].to_list()


@pytest.fixture(scope="module")
def starter() -> list[Case]:
    """Give the cases that the project ships."""
    return list(read_cases(STARTER))


def test_kinds_are_the_models_outcomes() -> None:
    """Every outcome that is the model's fault can be served, in the order of precedence."""
    assert tuple(MISTAKES) == OUTCOMES[OUTCOMES.index("truncated") : -1]


def test_right_answers_pass(starter: list[Case], cases: dict[str, Case]) -> None:
    """Without a mistake every turn of every case passes."""
    turns = [(case, turn) for case in [*starter, *cases.values()] for turn in range(len(case.turns))]
    assert set(_outcomes([(case, turn, calling(right_calls(case, turn))) for case, turn in turns])) == {"passed"}


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistake_leads_to_its_outcome(kind: str, starter: list[Case], cases: dict[str, Case]) -> None:
    """Made in every case that admits it, a mistake is read as what it is."""
    made = [
        (case, turn, wrong)
        for case in [*starter, *cases.values()]
        for turn in range(len(case.turns))
        for seed in (0, 1)
        if (wrong := mistaken(kind, case, turn, seed))
    ]
    assert len(made) >= 20
    assert set(_outcomes(made)) == {kind}


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("missing_argument", [{"amount": 20, "reason": "damaged"}, {"order_id": "7", "reason": "damaged"}]),
        ("wrong_value", [{"order_id": "8", "amount": 20, "reason": "damaged"}]),
        ("unexpected_argument", [{"order_id": "7", "amount": 20, "reason": "damaged", "note": "as discussed"}]),
        ("wrong_type", [{"order_id": 7, "amount": 20, "reason": "damaged"}]),
    ],
)
def test_spoilt_argument_looks_like_a_slip(kind: str, arguments: list[object], cases: dict[str, Case]) -> None:
    """One argument is spoilt and the others are right; which one, the seed says."""
    served = [mistaken(kind, cases["refund"], 0, seed) for seed in range(12)]
    found = [json.loads(wrong.calls[0].arguments) for wrong in served if wrong]
    assert len(found) == 12
    assert all(expected in found for expected in arguments)


def test_truncated_call_is_cut_inside_its_json(cases: dict[str, Case]) -> None:
    """A truncated answer ends with `length` in the middle of the arguments."""
    wrong = mistaken("truncated", cases["refund"], 0)
    assert wrong is not None
    assert (wrong.finish_reason, wrong.calls[0].arguments) == ("length", '{"order_id": "7", "amount"')


def test_refusal_has_no_content(cases: dict[str, Case]) -> None:
    """A refusal stands in its own field."""
    wrong = mistaken("refused", cases["refund"], 0)
    assert wrong is not None
    assert (wrong.text, wrong.calls, bool(wrong.refusal)) == (None, (), True)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("wrong_tool", ["ping"]),
        ("unknown_tool", ["refund_order_v2"]),
        ("extra_call", ["refund_order", "ping"]),
        ("missing_call", []),
    ],
)
def test_wrong_calls_name_other_tools(kind: str, names: list[str], cases: dict[str, Case]) -> None:
    """Another offered tool, one that is not offered, one too many, or none."""
    wrong = mistaken(kind, cases["refund"], 0)
    assert wrong is not None
    assert [call.name for call in wrong.calls] == names


@pytest.mark.parametrize(
    ("kind", "case_id"),
    [
        ("wrong_tool", "two-cities"),
        ("unexpected_call", "refund"),
        ("missing_call", "thanks"),
        ("refused", "thanks"),
        ("truncated", "thanks"),
        ("wrong_value", "thanks"),
        ("wrong_value", "some-call"),
        ("extra_call", "some-call"),
    ],
)
def test_impossible_mistake_is_not_made(kind: str, case_id: str, cases: dict[str, Case]) -> None:
    """A mistake that a case does not admit leaves its answer right, and is not planned."""
    case = cases[case_id]
    assert mistaken(kind, case, 0) is None
    assert planned_mistake(case, 0, {kind: 1.0}, 0) is None
    assert answer(case, 0, {kind: 1.0}, 0) == calling(right_calls(case, 0))


def test_another_acceptable_value_is_no_mistake(cases: dict[str, Case]) -> None:
    """A wrong value is none of those that the case accepts."""
    for seed in range(20):
        wrong = mistaken("wrong_value", cases["matchers"], 0, seed)
        assert wrong is not None
        assert json.loads(wrong.calls[0].arguments)["order_id"] not in {"8", "9"}


def test_alternatives_forbid_ambiguous_mistakes(cases: dict[str, Case]) -> None:
    """Of a case that also accepts no call, or two calls, only what is wrong by each alternative is spoilt."""
    tools = [dict(tool.wire) for tool in cases["refund"].tools]
    ping: dict[str, Any] = {"name": "ping", "arguments": {}}
    refund: dict[str, Any] = {"name": "refund_order", "arguments": {"order_id": "1"}}
    row: dict[str, Any] = {"case_id": "x", "messages": [{"role": "user", "content": "x"}], "tools": tools}
    case = case_of({**row, "expected_any_of": [[refund], [refund, ping], []]}, 1)
    assert {kind for kind in MISTAKES if mistaken(kind, case, 0)} == {"truncated", "unparsable_call"}


def test_rates_are_met(starter: list[Case]) -> None:
    """The share of planned mistakes is near the rate, and another seed plans others."""
    rates = {"missing_call": 0.3}
    wanting = [case for case in starter if mistaken("missing_call", case, 0)]
    planned = [[planned_mistake(case, 0, rates, seed) for case in wanting] for seed in range(10)]
    share = sum(kind is not None for kinds in planned for kind in kinds) / (10 * len(wanting))
    assert 0.25 < share < 0.35
    assert planned[0] != planned[1]


def test_plan_does_not_depend_on_the_order_of_rates(starter: list[Case]) -> None:
    """The same rates, written in another order, plan the same."""
    one, other = {"refused": 0.2, "truncated": 0.3}, {"truncated": 0.3, "refused": 0.2}
    assert [planned_mistake(case, 0, one, 0) for case in starter] == [
        planned_mistake(case, 0, other, 0) for case in starter
    ]
