"""How a run was paced, from attempts whose times are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.records import Attempt, Key, Response, Usage
from fceval.stats.pace import DOCS, VARIANT, Sent, most_within

BEGAN = datetime(2026, 11, 23, 2, tzinfo=UTC)


def attempt(at_s: float, latency_s: float = 0.5, status: int | None = 200, **changes: Any) -> Attempt:  # noqa: ANN401 -- any field
    """Return an attempt that was sent that many seconds after the run began."""
    sent = BEGAN + timedelta(seconds=at_s)
    fields: dict[str, Any] = {"ttft_s": None, "failure": None, **changes}
    return Attempt(started_at=sent.isoformat(timespec="milliseconds"), latency_s=latency_s, status=status, **fields)


def response(*attempts: Attempt) -> Response:
    """Return the response that some attempts led to."""
    return Response(Key("case-1", "default", 0, 0, 0), "", None, None, Usage(), None, (), attempts)


def of(
    *responses: Response,
    rpm: float | None = None,
    unfinished: int = 0,
    not_before: str | None = None,
    lag_ms: Mapping[int, int] = MappingProxyType({}),
) -> dict[str, tuple[float | None, int]]:
    """Return name to (value, n)."""
    sent = Sent(not_before)
    for each in responses:
        sent.note(each)
    return {row.metric: (row.value, row.n) for row in sent.rows(rpm, None, unfinished, lag_ms)}


def values(*attempts: Attempt) -> dict[str, float | None]:
    """Return name to value, for requests that took an attempt each."""
    return {name: value for name, (value, _) in of(*map(response, attempts)).items()}


@given(st.lists(st.integers(0, 40), max_size=30).map(sorted), st.integers(1, 20))
def test_most_in_a_window_is_that_of_every_window_tried(times: list[int], width: int) -> None:
    """No window that begins with a request holds more, and one holds as many; its end is not in it."""
    tried = max((sum(begin <= at < begin + width for at in times) for begin in times), default=0)
    assert most_within(times, width) == tried


@given(st.permutations([attempt(at / 7, latency_s=at % 3) for at in range(12)]))
def test_order_of_the_journal_does_not_matter(attempts: Sequence[Attempt]) -> None:
    """Answers are journalled as they come."""
    assert values(*attempts) == values(*sorted(attempts, key=lambda each: each.started_at))


def test_every_metric_is_there_and_is_explained() -> None:
    """In one order, about the run as a whole."""
    sent = Sent()
    sent.note(response(attempt(0)))
    rows = sent.rows(600, 1000, 0, {0: 1})
    assert [row.metric for row in rows] == list(DOCS)
    assert {(row.variant, row.scope, row.group, row.low, row.high) for row in rows} == {
        (VARIANT, "run", "", None, None)
    }


def test_rate_as_sent() -> None:
    """Eleven requests a tenth of a second apart are ten a second: the last one's share of time counts."""
    found = values(*(attempt(number / 10, latency_s=30) for number in range(11)))
    assert found["achieved_rpm"] == pytest.approx(600)
    assert found["sending_s"] == pytest.approx(1.1)
    assert (found["most_in_1_s"], found["most_in_60_s"]) == (10, 11)


def test_few_requests_at_once_are_no_high_rate() -> None:
    """Less than a second counts as one; what was waited for does not grow by it."""
    found = values(attempt(0), attempt(0), attempt(0.001))
    assert found["achieved_rpm"] == 180
    assert found["sending_s"] == found["waited_slots_s"] == pytest.approx(0.0015)


def test_requests_far_apart_take_as_long_as_their_answers() -> None:
    """They are no rate of hundreds a minute because nothing went on between them."""
    found = values(*(attempt(at, latency_s=20) for at in (0, 1000, 2000)))
    assert (found["sending_s"], found["achieved_rpm"]) == (60, 3)


def test_gap_between_interruption_and_going_on_does_not_count() -> None:
    """Two stretches of ten requests a second, an hour apart, are 60 a minute still."""
    found = values(*(attempt(begin + second) for begin in (0, 3600) for second in range(10)))
    assert found["sending_s"] == 20
    assert found["achieved_rpm"] == 60


@pytest.mark.parametrize(
    "attempts",
    [
        [attempt(0, latency_s=100), attempt(120, latency_s=61), attempt(240)],
        [attempt(0, latency_s=100), attempt(1), attempt(120)],
        [attempt(0), attempt(120, waited_s={"rpm": 119.4}), attempt(240, waited_s={"rpm": 70.0, "pause": 40.0})],
        [attempt(0), attempt(60.5)],
    ],
    ids=["in flight", "the first still in flight", "held up", "not longer"],
)
def test_time_in_which_something_went_on_counts(attempts: list[Attempt]) -> None:
    """A slow answer or a slow pace is no interruption: half a request a minute is a pace."""
    sent = [datetime.fromisoformat(each.started_at) for each in attempts]
    span_s = (sent[-1] - sent[0]).total_seconds()
    assert values(*attempts)["sending_s"] == pytest.approx(span_s + span_s / (len(attempts) - 1))


def test_waiting_is_told_by_cause_and_the_rest_is_slots() -> None:
    """The sending time begins with the wait of its first request, and the parts make up the whole."""
    found = values(
        attempt(2, waited_s={"pause": 1.5, "rpm": 0.5}),
        attempt(4, waited_s={"rpm": 1.0}),
        attempt(6, waited_s={"tpm": 0.25}),
    )
    assert found["sending_s"] == 8
    assert (found["waited_pause_s"], found["waited_rpm_s"], found["waited_tpm_s"]) == (1.5, 1.5, 0.25)
    assert found["waited_slots_s"] == 4.75


def test_attempts_retries_and_refusals() -> None:
    """Each step of a turn is a request of its own; refusals within 15 s of the first are one episode."""
    refused: dict[str, Any] = {"status": 429, "failure": "rate_limited", "latency_s": 0.0}
    found = of(
        response(attempt(0, **refused), attempt(14, **refused), attempt(15, **refused), attempt(16)),
        response(attempt(1)),
        response(),
    )
    counts = {"attempts": (5, 5), "retries": (3, 2), "rate_limited_responses": (3, 5), "rate_limit_episodes": (2, 5)}
    assert {name: found[name] for name in counts} == counts


@pytest.mark.parametrize(
    ("tried", "billed"),
    [
        (attempt(0, failure="endpoint_error", broke_off=True), 1),
        (attempt(0, irregularities=("stream_truncated",)), 0),
        (attempt(0, status=None, failure="endpoint_error", detail="cannot connect to localhost:1: refused"), 0),
        (attempt(0, status=503, failure="endpoint_error", detail="HTTP 503: busy"), 0),
        (attempt(0), 0),
    ],
)
def test_what_broke_off_may_be_billed(tried: Attempt, billed: int) -> None:
    """It was sent, and no whole answer is there; what was refused, or never sent, costs nothing."""
    assert of(response(tried))["possibly_billed"] == (billed, 1)
    assert of(response(tried), unfinished=2)["possibly_billed"] == (billed + 2, 3)


def test_lent_answers_were_not_sent() -> None:
    """They stand in the journal with attempts of another run, which was before this one."""
    found = of(response(attempt(-1)), response(attempt(0)), response(attempt(1)), not_before=BEGAN.isoformat())
    assert (found["attempts"], found["reused_responses"]) == ((2, 2), (1, 3))
    assert of(response(attempt(-1)), response(attempt(0)))["reused_responses"] == (0, 2)


def test_nothing_was_asked() -> None:
    """Predictions made elsewhere have no pace; a request that never ended has one without observations."""
    assert of(response(), rpm=600) == {}
    found = of(unfinished=1, rpm=600)
    assert {name: pair for name, pair in found.items() if pair[1]} == {
        "requested_rpm": (600, 1),
        "possibly_billed": (1, 1),
    }
    assert {value for value, n in found.values() if n == 0} == {None}


def test_limit_that_was_not_set_is_unknown() -> None:
    """Null, and resting on nothing."""
    assert of(response(attempt(0)))["requested_rpm"] == (None, 0)


def test_times_may_be_written_in_other_ways() -> None:
    """Microseconds, or a `Z` for UTC."""
    moments = ("2026-11-23T02:00:00Z", "2026-11-23T02:00:00.999999+00:00", "2026-11-23T02:00:01.000000+00:00")
    attempts = [Attempt(moment, 0.1, None, 200, None) for moment in moments]
    assert values(*attempts)["most_in_1_s"] == 2


@given(st.dictionaries(st.integers(0, 500), st.integers(1, 300), min_size=1))
def test_lag_is_what_99_of_100_looks_stayed_within(lag_ms: dict[int, int]) -> None:
    """No smaller one is; it rests on all looks."""
    value, looks = of(response(attempt(0)), lag_ms=lag_ms)["loop_lag_p99_s"]
    assert looks == sum(lag_ms.values())
    assert value is not None
    within = sum(count for late_ms, count in lag_ms.items() if late_ms <= round(value * 1000))
    below = sum(count for late_ms, count in lag_ms.items() if late_ms < round(value * 1000))
    assert below * 100 < looks * 99 <= within * 100


def test_attempts_of_what_was_asked_again_count() -> None:
    """They were sent, and are retries of the request; a response that another one lent is none of them."""
    sent = Sent()
    sent.note(response(attempt(90)))
    sent.note_replaced(response(attempt(0, status=429, failure="rate_limited"), attempt(1, status=500)))
    found = {row.metric: row.value for row in sent.rows(None, None, 0)}
    assert (found["attempts"], found["retries"], found["rate_limited_responses"]) == (3, 2, 1)
