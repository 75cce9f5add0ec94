"""Two runs side by side: what is the same case, what is not, and what became of those that are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.rows import ArgumentFact, CallFact, Score
from fceval.stats.compare import BYS, Side, compare
from tests.golden.rows import argument, call, score, tables


def side(scores: list[Score], calls: list[CallFact] | None = None, arguments: list[ArgumentFact] | None = None) -> Side:
    """Return one side of a comparison."""
    made = tables(scores, calls or (), arguments or ())
    return Side(made.scores, made.calls, made.arguments)


def of(*rows: tuple[str, str, str]) -> list[Score]:
    """Return scores of (case, content, outcome)."""
    return [score(case_id, outcome, content_hash=content) for case_id, content, outcome in rows]


def test_cases_are_joined_by_content_and_never_mixed() -> None:
    """A renamed case is the same one, a changed one is not, and what only one run has is listed."""
    base = side(
        of(("kept", "1", "passed"), ("old name", "2", "passed"), ("edited", "3", "passed"), ("gone", "4", "passed"))
    )
    new = side(
        of(
            ("kept", "1", "wrong_value"),
            ("new name", "2", "passed"),
            ("edited", "9", "wrong_value"),
            ("fresh", "5", "passed"),
        )
    )
    found = compare(base, new)
    assert found.matching.pairs.rows() == [("kept", "kept"), ("old name", "new name")]
    assert (found.matching.added, found.matching.removed, found.matching.changed) == (
        ("fresh",),
        ("gone",),
        ("edited",),
    )
    assert found.overall is not None
    assert (found.overall.cases, found.overall.base, found.overall.new) == (2, 1.0, 0.5)
    assert found.flows.rows() == [("passed", "passed", 1), ("passed", "wrong_value", 1)]
    assert found.flipped.rows() == [("kept", "kept", 1.0, 0.0, 0, 0, 0, "passed", "wrong_value")]


def test_cases_of_equal_content_are_joined_by_name() -> None:
    """A dataset may hold a case twice: each of them once, names first."""
    base = side(of(("a", "same", "passed"), ("b", "same", "wrong_value"), ("c", "same", "passed")))
    new = side(of(("b", "same", "wrong_value"), ("c", "same", "passed"), ("d", "same", "passed")))
    found = compare(base, new)
    assert found.matching.pairs.rows() == [("b", "b"), ("c", "c"), ("a", "d")]
    assert found.flipped.is_empty()


def test_what_was_not_measured_in_both_is_left_out() -> None:
    """An outage is no drop."""
    base = side(of(("a", "1", "passed"), ("b", "2", "passed")))
    new = side(of(("a", "1", "timed_out"), ("b", "2", "passed")))
    found = compare(base, new)
    assert found.overall is not None
    assert (found.overall.cases, found.overall.worse, found.overall.p_value) == (1, 0, 1.0)
    assert ("passed", "timed_out", 1) in found.flows.rows()
    nothing = compare(base, side(of(("a", "1", "timed_out"), ("b", "2", "not_run"))))
    assert nothing.overall is None


def test_trials_and_turns_of_a_case_are_one_observation() -> None:
    """Its mean over what was measured."""
    before = [score("a", "passed", content_hash="1", trial=trial) for trial in range(4)]
    after = [
        score("a", outcome, content_hash="1", trial=trial)
        for trial, outcome in enumerate(("passed", "wrong_value", "timed_out", "passed"))
    ]
    found = compare(side(before), side(after))
    assert found.overall is not None
    assert (found.overall.cases, found.overall.worse) == (1, 1)
    assert found.overall.new == pytest.approx(2 / 3)


def test_flip_is_shown_by_two_responses_that_differ() -> None:
    """Of the same turn, and where there is one of the same trial; a fall by a pass and a failure."""
    before = [score("a", "passed", content_hash="1", trial=trial) for trial in range(2)]
    after = [score("a", outcome, content_hash="1", trial=at) for at, outcome in enumerate(("passed", "wrong_value"))]
    columns = ("turn", "base_trial", "new_trial", "base_outcome", "new_outcome")
    fell = compare(side(before), side(after)).flipped
    assert fell.select(columns).rows() == [(0, 1, 1, "passed", "wrong_value")]
    rose = compare(side(after), side(before)).flipped
    assert rose.select(columns).rows() == [(0, 1, 1, "wrong_value", "passed")]
    once = compare(side(before[:1]), side(after)).flipped
    assert once.select(columns).rows() == [(0, 0, 1, "passed", "wrong_value")]


def test_flip_that_no_turn_shows_has_no_responses() -> None:
    """The mean fell because a turn that passed was not measured."""
    before = [score("a", outcome, content_hash="1", turn=at) for at, outcome in enumerate(("passed", "wrong_value"))]
    after = [score("a", outcome, content_hash="1", turn=at) for at, outcome in enumerate(("timed_out", "wrong_value"))]
    found = compare(side(before), side(after)).flipped
    assert found.rows() == [("a", "a", 0.5, 0.0, None, None, None, None, None)]


def test_verdict_of_a_slice_is_adjusted() -> None:
    """Six of six cases fell (p = 0.031): regressed where it is the only group, no verdict where it is one of many."""
    cases = [(f"{group} {number}", group) for group in range(4) for number in range(6)]
    base = side([score(case, content_hash=case, category=str(group)) for case, group in cases])
    new = side(
        [
            score(case, "passed" if group else "wrong_value", content_hash=case, category=str(group))
            for case, group in cases
        ]
    )
    (worst, *_) = compare(base, new, ["category"]).slices
    assert (worst.group, worst.found.verdict, worst.verdict) == ("0", "regressed", "underpowered")


def test_slices_have_their_own_unit_and_are_adjusted() -> None:
    """Responses by category and tag, expected calls by tool, arguments by argument; Holm over the groups of a scope."""
    cases = [f"c{number}" for number in range(12)]
    base = side(
        [score(case, content_hash=case, category="easy", tags=["x", "y"]) for case in cases],
        [call(case) for case in cases],
        [argument(case) for case in cases],
    )
    new = side(
        [score(case, "wrong_value", content_hash=case, category="easy", tags=["x", "y"]) for case in cases],
        [call(case, fault="wrong_value", arguments_ok=False) for case in cases],
        [argument(case, fault="wrong_value") for case in cases],
    )
    found = {(each.scope, each.group): each for each in compare(base, new, BYS).slices}
    assert sorted(found) == [
        ("argument", "get_weather.city"),
        ("category", "easy"),
        ("tag", "x"),
        ("tag", "y"),
        ("tool", "get_weather"),
    ]
    assert all(each.found.verdict == "regressed" and each.found.worse == 12 for each in found.values())
    one = found["category", "easy"].p_adjusted
    assert found["tag", "x"].p_adjusted == pytest.approx(2 * one)


def test_amounts_are_of_responses_that_both_tell_of() -> None:
    """A price or a latency that one run lacks is no difference."""
    base = side(
        [
            score("a", content_hash="1", latency_s=1.0, prompt_tokens=10, cost_usd=0.5),
            score("b", content_hash="2", latency_s=3.0, prompt_tokens=None),
            score("c", content_hash="3", latency_s=9.0, prompt_tokens=7),
        ]
    )
    new = side(
        [
            score("a", content_hash="1", latency_s=2.0, prompt_tokens=20),
            score("b", content_hash="2", latency_s=2.0, prompt_tokens=30),
            score("c", "timed_out", content_hash="3", latency_s=120.0, prompt_tokens=7),
        ]
    )
    amounts = {row[0]: row[1:] for row in compare(base, new).amounts.rows()}
    assert amounts["latency_p50_s"] == (2.0, 2.0, 2)
    assert amounts["prompt_tokens"] == (10.0, 20.0, 1)
    assert amounts["cost_usd"] == (None, None, 0)


@given(st.lists(st.sampled_from(["passed", "wrong_value", "timed_out"]), min_size=1, max_size=8))
def test_run_compared_with_itself_is_exactly_nothing(outcomes: list[str]) -> None:
    """No flip, no difference, no flow from one outcome to another."""
    run = side([score(str(at), outcome, content_hash=str(at)) for at, outcome in enumerate(outcomes)])
    found = compare(run, run, BYS)
    assert found.flipped.is_empty()
    assert all(before == after for before, after, _ in found.flows.rows())
    if found.overall is not None:
        assert (found.overall.difference, found.overall.p_value) == (0, 1)
