"""The ledger of tokens: no minute holds more than the rate, whatever is asked and however wrong the estimates are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.client.ledger import MINUTE_S, TokenLedger


def most_in_a_minute(spent: list[tuple[float, int]]) -> int:
    """Return the most tokens in any window [t, t + 60 s)."""
    return max(sum(tokens for at, tokens in spent if start <= at < start + MINUTE_S) for start, _ in spent)


@given(
    tpm=st.integers(100, 100_000),
    sizes=st.lists(st.tuples(st.floats(0.001, 1), st.floats(0.1, 1)), min_size=1, max_size=60),
    burst=st.booleans(),
)
def test_no_minute_holds_more_than_the_rate(
    tpm: int,
    sizes: list[tuple[float, float]],
    burst: bool,  # noqa: FBT001 -- drawn
) -> None:
    """Requests cost what they reserved or less: the sum of what was spent never exceeds the rate in any minute."""
    ledger = TokenLedger(tpm, burst=burst)
    now, spent = 0.0, []
    for share, used_share in sizes:
        tokens = max(1, int(tpm * share))
        while (wait_s := ledger.wait_s(tokens, now)) > 0:
            now = max(now + wait_s, math.nextafter(now, math.inf))
        entry = ledger.reserve(tokens, now)
        used = max(1, int(tokens * used_share))
        spent.append((now, used))
        ledger.settle(entry, used)
    assert most_in_a_minute(spent) <= tpm


def test_minute_is_spread_unless_bursts_are_asked_for() -> None:
    """Half of the tokens are followed by half a minute."""
    ledger = TokenLedger(1_000)
    ledger.reserve(500, 0.0)
    assert ledger.wait_s(500, 0.0) == 30
    burst = TokenLedger(1_000, burst=True)
    burst.reserve(500, 0.0)
    assert burst.wait_s(500, 0.0) == 0
    burst.reserve(500, 0.0)
    assert burst.wait_s(1, 1.0) == 59


def test_settling_puts_right_what_the_next_ones_wait_for() -> None:
    """A request that cost less than was reserved makes room; one that cost more takes it."""
    ledger = TokenLedger(1_000)
    entry = ledger.reserve(500, 0.0)
    ledger.settle(entry, 100)
    assert ledger.wait_s(500, 0.0) == 6
    ledger.settle(entry, 900)
    assert ledger.wait_s(50, 0.0) == 54
    assert ledger.wait_s(200, 54.0) == 6


def test_settling_after_the_minute_changes_nothing() -> None:
    """The entry has left the books."""
    ledger = TokenLedger(1_000, burst=True)
    entry = ledger.reserve(500, 0.0)
    assert ledger.wait_s(900, 61.0) == 0
    ledger.settle(entry, 1_000)
    assert ledger.wait_s(1_000, 61.0) == 0


def test_estimate_follows_what_the_endpoint_counts() -> None:
    """3.5 bytes to a token at first; half as many bytes where the endpoint counts twice as many tokens."""
    ledger = TokenLedger(1_000)
    assert ledger.estimate(350, 0) == 100
    assert ledger.estimate(350, 64) == 164
    for _ in range(100):
        ledger.learn(350, 200, 10)
    assert ledger.estimate(350, 0) == pytest.approx(200, abs=1)
    assert ledger.estimate(350, None) == pytest.approx(210, abs=1)
    for _ in range(1_000):
        ledger.learn(350, 10**9, 10)
    assert ledger.estimate(350, 0) <= 500


def test_absurd_counts_stop_nobody_for_ever() -> None:
    """An endpoint that claims a trillion tokens is taken for one that used a minute's."""
    ledger = TokenLedger(1_000)
    entry = ledger.reserve(100, 0.0)
    ledger.settle(entry, 10**12)
    ledger.learn(350, 10**12, 10**12)
    tokens = ledger.estimate(350, None)
    assert 1 <= tokens <= 1_000
    assert ledger.wait_s(tokens, 0.0) <= 60
