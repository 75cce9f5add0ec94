"""The list of responses: what a line says, and what is listed of a run that is too long."""

from __future__ import annotations

import json

import pytest

from fceval.report.case_list import LONGEST_ARGUMENTS, case_list
from fceval.report.document import CaseLine
from fceval.rows import CallFact, Score
from tests.golden.rows import argument, call, score, tables
from tests.golden.runs import troubled_run


def _lines(scores: list[Score], calls: list[CallFact], limit: int = 100) -> tuple[tuple[CaseLine, ...], str]:
    of = tables(scores, calls)
    return case_list(of.scores, of.calls, of.arguments, limit)


def _by_id() -> dict[str, CaseLine]:
    of = troubled_run().tables
    lines, note = case_list(of.scores, of.calls, of.arguments)
    assert note == ""
    return {line.case_id: line for line in lines}


def test_order_is_that_of_the_run() -> None:
    """Not sorted by name or outcome."""
    lines, note = _lines([score("b"), score("c", "wrong_value"), score("a")], [])
    assert ([line.case_id for line in lines], note) == (["b", "c", "a"], "")


def test_passed_lines_are_short() -> None:
    """A pass needs no explanation and no calls."""
    passed = _by_id()["passed-0"]
    assert (passed.passed, passed.detail, passed.expected, passed.predicted) == (True, "", (), ())


@pytest.mark.parametrize(
    ("case_id", "detail"),
    [
        ("refund-value", "issue_refund, argument amount: expected 12.5, got 1250"),
        ("天气-北京", '查询天气, argument 单位: expected "摄氏度", got nothing'),
        ("parallel-missing", "get_delivery_date was not called"),
        ("small-talk", "get_delivery_date was called"),
        ("wrong-tool", "expected issue_refund, got get_delivery_date"),
    ],
)
def test_detail_says_what_the_outcome_rests_on(case_id: str, detail: str) -> None:
    """The argument or the call that decided."""
    assert _by_id()[case_id].detail == detail


def test_detail_without_a_fact() -> None:
    """What the wire said, BFCL's own word, or the meaning of the outcome."""
    scores = [
        score("a", "timed_out", failure_detail="no answer within 60 s"),
        score("b", "wrong_value", bfcl_error_type="value_error:others"),
        score("c", "refused"),
    ]
    assert [line.detail for line in _lines(scores, [])[0]] == [
        "no answer within 60 s",
        "value_error:others",
        "the model refused in words",
    ]


def test_the_first_fault_of_the_outcome_decides() -> None:
    """A path is named where it leads into the argument."""
    faults = [
        argument("a", "z", fault="wrong_value", rule=None, expected="1", predicted="2"),
        argument("a", "k", fault="missing_argument", rule=None, expected="1", predicted=None),
        argument("a", "b", fault="wrong_value", rule=None, expected="[1]", predicted="[2]"),
    ]
    of = tables([score("a", "wrong_value")], [], faults)
    ((line,), _) = case_list(
        of.scores, of.calls, of.arguments.with_columns(path=of.arguments.collect()["path"] + "[0]")
    )
    assert line.detail == "get_weather, argument b at $.b[0]: expected [1], got [2]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":1,\n "b":[1,2]}', '{"a": 1, "b": [1, 2]}'),
        ('{"n": 9007199254740993.0}', '{"n": 9007199254740993.0}'),
        (r'{"c": "\u5317, :x"}', '{"c": "北, :x"}'),
        (r'{"c": "\ud800"}', r'{"c": "\ud800"}'),
        (r'{"c": "\ud800", "d": "\u5317"}', r'{"c": "\ud800", "d": "北"}'),
        ('{"n": 1.0, "m": 1e3}', '{"n": 1.0, "m": 1e3}'),
        ('{"a": ', '"{\\"a\\": "'),
        ("", '""'),
    ],
)
def test_calls_are_json(text: str, shown: str) -> None:
    """On one line, evenly spaced, numbers as written; what is no JSON is the text of it."""
    calls = [call("a", fault="wrong_value", predicted_arguments=text)]
    ((line,), _) = _lines([score("a", "wrong_value")], calls)
    assert line.predicted == (f'{{"name": "get_weather", "arguments": {shown}}}',)
    assert json.loads(line.predicted[0])["name"] == "get_weather"


def test_calls_keep_their_own_order() -> None:
    """Not that of the pairs."""
    calls = [
        call("a", "first", expected_index=0, predicted_index=1),
        call("a", "second", pair=1, expected_index=1, predicted_index=0),
    ]
    ((line,), _) = _lines([score("a", "wrong_value")], calls)
    assert [json.loads(each)["name"] for each in line.expected] == ["first", "second"]
    assert [json.loads(each)["name"] for each in line.predicted] == ["second", "first"]


def test_long_arguments_are_cut() -> None:
    """And stay JSON."""
    calls = [call("a", predicted_arguments=json.dumps({"a": "x" * 10_000}))]
    ((line,), _) = _lines([score("a", "wrong_value")], calls)
    assert len(line.predicted[0]) < LONGEST_ARGUMENTS + 100
    assert json.loads(line.predicted[0])["arguments"].endswith("… (cut)")


def test_long_runs_are_cut_and_say_so() -> None:
    """Failures first, every kind of them; a sample of passes is kept, and it is the same one each time."""
    scores = [score(f"p{n:03}") for n in range(200)] + [score(f"r{n:03}", "refused") for n in range(100)]
    scores += [score("v", "wrong_value")]
    lines, note = _lines(scores, [], 40)
    outcomes = [line.outcome for line in lines]
    assert (outcomes.count("passed"), outcomes.count("refused"), outcomes.count("wrong_value")) == (4, 35, 1)
    assert note == (
        "Listed are 36 of 101 failures, every kind of them in turn, and a random sample of 4 of 200 passes; "
        "all 301 responses are in scores.parquet."
    )
    assert lines == _lines(scores, [], 40)[0]
    places = [line.case_id for line in lines]
    assert places == sorted(places)


def test_few_failures_leave_room() -> None:
    """All of them are listed, and passes fill the rest."""
    lines, note = _lines([*(score(f"p{n:03}") for n in range(50)), score("x", "refused")], [], 20)
    assert len(lines) == 20
    assert sum(line.outcome == "refused" for line in lines) == 1
    assert note.startswith("Listed are the 1 failure and a random sample of 19 of 50 passes")


def test_tools_are_those_expected_or_called() -> None:
    """Of every line, passed or not; each once, in order."""
    lines = _by_id()
    assert lines["passed-0"].tools == ("get_delivery_date",)
    assert lines["wrong-tool"].tools == ("get_delivery_date", "issue_refund")
    assert lines["timed-out"].tools == ()
