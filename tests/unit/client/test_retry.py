"""When to try again: what a server asks for, and what is done where it asks for nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.client.retry import LONGEST_WAIT_S, exhausted_s, reset_s, retry_after_s, wait_s

NOON = "Mon, 02 Nov 2026 12:00:00 GMT"


class Drawn(random.Random):
    """Draws the upper end of every range."""

    def uniform(self, a: float, b: float) -> float:
        """Return the upper end."""
        assert a == 0
        return b


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "1e9"}, 1e9),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after-ms": "-1", "retry-after": "7"}, 7),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "abc"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Mon, 02 Nov 2026 12:00:30 GMT", "date": NOON}, 30),
        ({"retry-after": "Mon, 02 Nov 2026 11:59:00 GMT", "date": NOON}, 0),
        ({"retry-after": "Mon, 31 Feb 2026 12:00:00 GMT", "date": NOON}, None),
        ({"retry-after": "Mon, 02 Nov 99999 12:00:00 GMT", "date": NOON}, None),
        ({"retry-after": "Mon, 02 Nov 2026 12:00:30 -0000", "date": NOON}, None),
    ],
)
def test_pause_that_a_server_asks_for(headers: dict[str, str], pause_s: float | None) -> None:
    """Milliseconds, seconds, or a date on the server's own clock; what cannot be read asks for nothing."""
    assert retry_after_s(headers) == pause_s


@pytest.mark.parametrize("date", [{}, {"date": "yesterday"}])
def test_date_without_the_servers_clock_is_held_against_ours(date: dict[str, str]) -> None:
    """Better than nothing."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    pause_s = retry_after_s({"retry-after": later, **date})
    assert pause_s is not None
    assert 55 < pause_s <= 60


@pytest.mark.parametrize(("attempt", "longest_s"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (100, 30), (10_000, 30)])
def test_wait_doubles_up_to_a_bound(attempt: int, longest_s: float) -> None:
    """However many attempts there were."""
    assert wait_s(attempt, {}, Drawn()) == longest_s


def test_wait_is_spread_over_its_whole_range() -> None:
    """Full jitter: requests that failed together do not come back together."""
    draw = random.Random(0)
    waits = [wait_s(3, {}, draw) or 0 for _ in range(1_000)]
    assert min(waits) < 0.1
    assert max(waits) > 3.9
    assert 1.8 < sum(waits) / 1_000 < 2.2


@pytest.mark.parametrize(
    ("asked", "wait"), [("0", 0), ("5", 5), (f"{LONGEST_WAIT_S:g}", LONGEST_WAIT_S), ("121", None), ("1e9", None)]
)
def test_server_is_obeyed_or_given_up(asked: str, wait: float | None) -> None:
    """A pause within reason is kept, whatever the attempt; one without is not waited for."""
    assert wait_s(4, {"retry-after": asked}, Drawn()) == wait


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date"]), st.text()), st.integers(1, 200))
def test_no_header_breaks_it(headers: dict[str, str], attempt: int) -> None:
    """Whatever a server writes, the wait is bounded."""
    wait = wait_s(attempt, headers, random.Random(0))
    assert wait is None or 0 <= wait <= LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("20ms", 0.02),
        ("1m30.951s", 90.951),
        ("1h2m3s", 3723),
        ("90m", 5400),
        ("0s", 0),
        ("12.5", 12.5),
        ("0", 0),
        ("2026-11-02T12:00:07Z", 7),
        ("2026-11-02T11:00:00+00:00", 0),
        (str(int(datetime(2026, 11, 2, 12, 1, tzinfo=UTC).timestamp())), 60),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("1s2h", None),
        ("2026-11-02T12:00:07", None),
    ],
)
def test_reset_in_all_its_spellings(text: str, seconds: float | None) -> None:
    """A Go duration, seconds, Unix seconds, or a moment with a time zone."""
    assert reset_s(text, NOON) == (None if seconds is None else pytest.approx(seconds))


def test_budget_that_is_used_up() -> None:
    """The longest reset of a budget with nothing left; what is left over, or not said, asks for nothing."""
    left = {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1m"}
    assert exhausted_s({}) is None
    assert exhausted_s(left) is None
    assert exhausted_s({**left, "x-ratelimit-remaining-tokens": "0"}) is None
    assert exhausted_s({**left, "x-ratelimit-remaining-tokens": " 0", "x-ratelimit-reset-tokens": "5s"}) == 5
    both = {**left, "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "0"}
    assert exhausted_s({**both, "x-ratelimit-reset-tokens": "5s"}) == 60


@given(st.text(), st.text())
def test_no_reset_breaks_it(text: str, now: str) -> None:
    """Whatever a server writes."""
    found = reset_s(text, now)
    assert found is None or found >= 0
