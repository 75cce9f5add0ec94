"""Which cases are shown in full, and what they show."""

from __future__ import annotations

import pytest

from fceval.records import Attempt, Key, Response, Usage
from fceval.report import examples as examples_module
from fceval.report.document import Message
from fceval.report.examples import examples, failing_keys, opened_keys
from tests.golden.rows import score, tables
from tests.golden.runs import troubled_run


def _ids(keys: list[Key]) -> list[str]:
    return [key.case_id for key in keys]


def test_failures_by_outcome_then_what_was_not_measured() -> None:
    """Passed cases are left out; the order is that of the outcomes, the model's first."""
    made = tables([score("a", "timed_out"), score("b"), score("c", "wrong_value"), score("d", "refused")])
    assert _ids(failing_keys(made.scores)) == ["d", "c", "a"]


def test_limit_shows_every_kind() -> None:
    """A hundred refusals do not push out the one wrong value and the one timeout."""
    scores = [score(f"r{n:03}", "refused") for n in range(100)]
    made = tables([*scores, score("v", "wrong_value"), score("t", "timed_out")])
    assert _ids(failing_keys(made.scores, 4)) == ["r000", "r001", "v", "t"]


@pytest.mark.parametrize("limit", [1, 4, 30, 200])
def test_a_long_run_is_looked_through_in_parts(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """However few rows are looked at together, the same failures are shown."""
    outcomes = ("refused", "wrong_value", "timed_out", "passed")
    made = tables([score(f"c{n * 37 % 100:02}", outcomes[n * n % 7 % 4]) for n in range(100)])
    at_once = failing_keys(made.scores, limit)
    monkeypatch.setattr(examples_module, "_ROWS", 7)
    assert failing_keys(made.scores, limit) == at_once
    assert len(at_once) == min(limit, sum(row != "passed" for row in made.scores.collect()["outcome"]))


def test_keys_name_the_first_step() -> None:
    """A key joins with responses: variant, trial and turn are the row's."""
    made = tables([score("a", "refused", variant="x", trial=2, turn=1)])
    assert failing_keys(made.scores) == [Key("a", "x", 2, 1, 0)]


def test_nothing_failed() -> None:
    """No failures, no keys, no examples."""
    made = tables([score("a")])
    assert failing_keys(made.scores) == []
    assert examples([], made.scores, made.calls, made.arguments, {}, {}) == ()


def test_pairs_stand_with_their_arguments() -> None:
    """The wrong argument keeps its path and both values; the right one the rule that it needed."""
    run = troubled_run()
    of = run.tables
    (key,) = [key for key in failing_keys(of.scores) if key.case_id == "refund-value"]
    (shown,) = examples([key], of.scores, of.calls, of.arguments, run.cases, run.responses)
    (call,) = shown.calls
    assert (call.expected_tool, call.predicted_tool, call.fault) == ("issue_refund", "issue_refund", "wrong_value")
    assert [(found.argument, found.fault, found.rule) for found in call.arguments] == [
        ("amount", "wrong_value", None),
        ("order_id", None, "normalized"),
    ]
    assert shown.messages[-1] == Message("user", "Refund 12.50 of ORD-1.")
    assert [tool.name for tool in shown.tools] == ["get_delivery_date", "issue_refund", "查询天气"]
    assert shown.answer is not None
    assert '"role": "assistant"' in shown.answer


def test_extra_calls_have_no_expected_tool() -> None:
    """What the model made up stands on its own side alone."""
    run = troubled_run()
    of = run.tables
    key = Key("small-talk", "default", 0, 0, 0)
    (shown,) = examples([key], of.scores, of.calls, of.arguments, run.cases, run.responses)
    assert [(call.expected_tool, call.predicted_tool) for call in shown.calls] == [(None, "get_delivery_date")]


def test_unknown_case_and_response_are_left_empty() -> None:
    """A report of what is there does not depend on what is not."""
    made = tables([score("a", "refused")])
    (shown,) = examples(failing_keys(made.scores), made.scores, made.calls, made.arguments, {}, {})
    assert (shown.messages, shown.tools, shown.answer) == ((), (), None)


def test_every_step_of_a_turn_is_shown() -> None:
    """A turn of two model calls shows both answers, in order."""
    run = troubled_run()
    key = Key("wrong-tool", "default", 0, 0, 0)
    later = run.responses[key]._replace(key=key._replace(step=1), message={"role": "assistant", "content": "Done."})
    of = run.tables
    (shown,) = examples([key], of.scores, of.calls, of.arguments, run.cases, {later.key: later, **run.responses})
    assert shown.answer is not None
    assert 0 < shown.answer.index("tool_calls") < shown.answer.index("Done.")


def test_a_list_opens_failures_and_then_passes() -> None:
    """Of too many passes every so many are taken, over the whole run."""
    made = tables([*(score(f"p{n:02}") for n in range(50)), score("f", "refused"), score("t", "timed_out")])
    assert _ids(opened_keys(made.scores, 7)) == ["f", "t", "p00", "p10", "p20", "p30", "p40"]
    assert len(opened_keys(made.scores)) == 52
    assert _ids(opened_keys(made.scores, 2)) == ["f", "t"]


def test_attempts_are_in_order() -> None:
    """With what came of each; a case that was never sent has none."""
    run = troubled_run()
    of = run.tables
    key = Key("timed-out", "default", 0, 0, 0)
    first = Attempt("2026-11-23T02:00:00Z", 60.0, None, None, "timed_out", "no answer within 60 s")
    second = Attempt("2026-11-23T02:01:01Z", 0.5, 0.2, 200, None)
    answer = Response(key, "", None, None, Usage(), None, (), (first, second))
    (shown,) = examples([key], of.scores, of.calls, of.arguments, run.cases, {key: answer})
    assert [(each.status, each.failure, each.ttft_s) for each in shown.attempts] == [
        (None, "timed_out", None),
        (200, None, 0.2),
    ]
    (unsent,) = examples([key], of.scores, of.calls, of.arguments, run.cases, {})
    assert unsent.attempts == ()
