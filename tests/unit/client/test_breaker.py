"""The breaker: opens after equal failures in a row, lets one request try, and trips when that fails, too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fceval.client.breaker import Breaker, Leave


def failing(breaker: Breaker, kinds: str, now: float = 0.0) -> None:
    """Let a request of each kind fail; `.` is answered."""
    for kind in kinds:
        leave = breaker.leave(now)
        if kind == ".":
            breaker.answered()
        else:
            breaker.failed(kind, leave, now)


def test_equal_failures_in_a_row_open_it() -> None:
    """An answer, or another failure, begins the count anew."""
    breaker = Breaker(3, 30)
    failing(breaker, "aa.aabaab")
    assert breaker.leave(0) is Leave.GO
    failing(breaker, "bb")
    assert breaker.leave(29.9) is Leave.WAIT
    assert breaker.wait_s(10) == 20


def test_one_request_tries_after_the_pause() -> None:
    """The others wait for what becomes of it."""
    breaker = Breaker(1, 30)
    failing(breaker, "a")
    assert breaker.leave(30) is Leave.TRY
    assert breaker.leave(31) is Leave.WAIT
    breaker.answered()
    assert breaker.leave(32) is Leave.GO
    assert not breaker.tripped


def test_failure_of_the_one_that_tries_trips_it() -> None:
    """Failures of requests that were on their way already do not."""
    breaker = Breaker(1, 30)
    failing(breaker, "a")
    breaker.failed("a", Leave.GO, 10)
    assert not breaker.tripped
    leave = breaker.leave(30)
    breaker.failed("b", leave, 31)
    assert breaker.tripped


def test_one_that_is_not_sent_leaves_the_try_to_the_next() -> None:
    """Else everybody would wait for ever."""
    breaker = Breaker(1, 30)
    failing(breaker, "a")
    breaker.gave_up(breaker.leave(30))
    assert breaker.leave(30) is Leave.TRY


def test_late_answer_closes_it() -> None:
    """A request that was on its way is answered: the endpoint is there."""
    breaker = Breaker(1, 30)
    failing(breaker, "a")
    breaker.answered()
    assert breaker.leave(1) is Leave.GO


@given(st.text("ab."))
def test_without_a_threshold_it_never_opens(kinds: str) -> None:
    """Who wants to wait for an endpoint all night may."""
    breaker = Breaker(0, 30)
    failing(breaker, kinds)
    assert breaker.leave(0) is Leave.GO
