"""How many tokens may be asked for in any minute: a ledger of what was reserved, settled with what was used. Pure.

asyncio-throttle counts requests and knows no weights, so tokens have books of their own. A request reserves what it
may cost before it is sent, because servers charge at admission; once the endpoint says what it did cost, the entry
is put right, and so is the estimate of the next ones.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MINUTE_S = 60.0
_BYTES_A_TOKEN = 3.5
_WEIGHT_OF_NEW = 0.1
_LEAST_FACTOR, _MOST_FACTOR = 0.2, 5.0
_FIRST_COMPLETION_TOKENS = 256.0


@dataclass(slots=True)
class Entry:
    """Tokens of one request."""

    reserved_at: float
    """Seconds, on the ledger's clock."""
    tokens: int
    """Reserved; once settled, used."""


class TokenLedger:
    """Tells when a request may be sent so that no minute holds more tokens than a rate.

    Beside the minute as a whole, requests are spread over it: each is followed by a gap as long as its tokens last,
    because a server that counts by the second sees a burst where a minute's tokens are spent at once.
    """

    def __init__(self, tpm: float, *, burst: bool = False) -> None:
        """Make a ledger.

        Args:
            tpm: Tokens a minute, >= 1.
            burst: Spend a minute's tokens as fast as they are asked for.
        """
        self.tpm = tpm
        self._burst = burst
        self._entries: deque[Entry] = deque()
        self._sum = 0
        self._next_at = float("-inf")
        self._factor = 1.0
        self._completion_tokens = _FIRST_COMPLETION_TOKENS

    def estimate(self, body_bytes: int, completion_limit: int | None) -> int:
        """Return the tokens to reserve.

        Args:
            body_bytes: Size of the request: its prompt is reckoned by what the endpoint has counted so far.
            completion_limit: Its token limit, which servers charge in advance; None: as answers have been so far.

        Returns:
            Tokens, from 1 to those of a minute: whatever an endpoint counts, a request never waits for ever.
        """
        completion = self._completion_tokens if completion_limit is None else completion_limit
        return max(1, min(int(self.tpm), round(body_bytes / _BYTES_A_TOKEN * self._factor + completion)))

    @staticmethod
    def at_least(body_bytes: int, completion_limit: int | None) -> int:
        """Return the tokens that a request takes by its size and its own limit, whatever others have taken."""
        return round(body_bytes / _BYTES_A_TOKEN) + (completion_limit or 0)

    def wait_s(self, tokens: int, now: float) -> float:
        """Return how long a request has to wait, in seconds; 0: it may go now. One above `tpm` may never go."""
        self._forget(now)
        wait = 0.0 if self._burst else max(0.0, self._next_at - now)
        excess = self._sum + tokens - self.tpm
        for entry in self._entries:
            if excess <= 0:
                break
            excess -= entry.tokens
            wait = max(wait, entry.reserved_at + MINUTE_S - now)
        return wait

    def reserve(self, tokens: int, now: float) -> Entry:
        """Enter a request that is sent now."""
        entry = Entry(now, tokens)
        self._entries.append(entry)
        self._sum += tokens
        self._next_at = now + tokens / self.tpm * MINUTE_S
        return entry

    def settle(self, entry: Entry, used: int) -> None:
        """Put an entry right; it takes a minute's tokens at most, whatever an endpoint says that it used."""
        used = min(used, int(self.tpm))
        if self._entries and entry.reserved_at >= self._entries[0].reserved_at:  # else it has left the minute
            self._sum += used - entry.tokens
            self._next_at += (used - entry.tokens) / self.tpm * MINUTE_S
        entry.tokens = used

    def learn(self, body_bytes: int, prompt_tokens: int, completion_tokens: int) -> None:
        """Note what a request of a size was counted as."""
        self._completion_tokens += _WEIGHT_OF_NEW * (completion_tokens - self._completion_tokens)
        if body_bytes and prompt_tokens:
            seen = prompt_tokens / (body_bytes / _BYTES_A_TOKEN)
            factor = (1 - _WEIGHT_OF_NEW) * self._factor + _WEIGHT_OF_NEW * seen
            self._factor = min(_MOST_FACTOR, max(_LEAST_FACTOR, factor))

    def _forget(self, now: float) -> None:
        while self._entries and now - self._entries[0].reserved_at >= MINUTE_S:
            self._sum -= self._entries.popleft().tokens
