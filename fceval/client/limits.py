"""Pace: how many requests and tokens may go out in any minute. The only file that knows asyncio-throttle.

asyncio-throttle never lets more through than its limit in any window, but every waiter polls, a whole window's
permits go out in one burst, and waiters overtake each other. So only one waiter at a time reaches it (an
`asyncio.Lock` is first come, first served), and requests reach it evenly spaced. The spacing makes up for a wake-up
that was late, so that nearly all of the rate is used; the throttler's window of a second vouches for the limit. It is
a little longer than the server's: what leaves evenly may arrive closer together.

Whoever holds the lock passes three gates in order: a pause that the endpoint asked for, tokens, requests. Requests
come last: what waits after it was counted goes out beside what is counted later. What each gate costs is noted per
attempt; as one waiter at a time is timed, the sums are wall-clock time of the run.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from asyncio_throttle import Throttler

from fceval.client.ledger import Entry, TokenLedger
from fceval.client.retry import LONGEST_WAIT_S, exhausted_s, retry_after_s
from fceval.errors import ConfigError

SLICE_S = 1.0
"""Window that the rate is cut into: servers count by the second, or by longer windows."""
SLACK = 0.015
"""Part of a window by which requests may come closer together on their way: so much of the rate is left unused."""
_MINUTE_S = 60.0
_POLL_S = 0.004  # a wait at the throttler ends up to one poll late, once a window
CATCH_UP_S = 0.05
"""What is made up for of late wake-ups: so much of a window may go out as one burst."""

SHRINK = 0.8
"""What an episode of refusals for their rate leaves of the pace."""
GROW = 1.05
EPISODE_S = 15.0
"""Refusals within this time are one episode."""
CLEAN_S = 60.0
"""Time without a refusal after which the pace grows again."""
_LEAST_SHARE = 0.05
_SHORTEST_WAIT_S = 0.001
_TOO_MANY = 429
_SERVER_ERROR = 500

Clock: TypeAlias = Callable[[], float]
"""Seconds that never go back, whatever the wall clock does."""


class Permit:
    """Leave to send one attempt, and what it was waited for."""

    __slots__ = ("body_bytes", "entry", "granted_at", "waited")

    def __init__(self, body_bytes: int) -> None:
        self.body_bytes = body_bytes
        self.granted_at = 0.0
        self.waited: dict[str, float] = {}
        """Seconds at the head of the line, by cause: `pause`, `rpm`, `tpm`."""
        self.entry: Entry | None = None


class Pace:
    """Lets requests start no faster than a rate, and slower where the endpoint asks for it."""

    def __init__(
        self, rpm: float | None, tpm: float | None = None, *, burst: bool = False, clock: Clock = time.monotonic
    ) -> None:
        """Make a pace.

        Args:
            rpm: Requests a minute, > 0; None: no limit.
            tpm: Tokens a minute, >= 1; None: no limit.
            burst: Let a minute's requests and tokens go as fast as they come, for servers that count by the minute.
            clock: Seconds that never go back.
        """
        self._turn = asyncio.Lock()
        self._in_line = 0
        self._clock = clock
        self._throttler: Throttler | None = None
        self._ledger = TokenLedger(tpm, burst=burst) if tpm is not None else None
        self._tpm = tpm
        if rpm is not None:
            permits, window_s = (int(rpm), _MINUTE_S) if burst and rpm >= 1 else window(rpm)
            self._period_s = window_s * (1 + SLACK)
            self._throttler = Throttler(permits, period=self._period_s, retry_interval=_POLL_S)
            self._gap_s = 0.0 if burst else self._period_s / permits
        self._next_at = -math.inf
        self._paused_until = -math.inf
        self._episode_until = -math.inf
        self._clean_since = clock()
        self.share = 1.0
        """Part of the configured pace that is used, in (0, 1]; the caller lowers its concurrency by it as well."""
        self.episodes = 0
        """How often the endpoint refused requests for their rate; refusals close together are one episode."""

    async def admit(self, body_bytes: int = 0, completion_limit: int | None = None) -> Permit:
        """Wait until a request may start; each attempt takes one permit.

        Args:
            body_bytes: Size of the request, from which its tokens are estimated.
            completion_limit: Its token limit; None where it has none.

        Raises:
            ConfigError: The request needs more tokens than a minute may hold.
        """
        permit = Permit(body_bytes)
        if self._is_open():
            permit.granted_at = self._clock()
            return permit
        self._in_line += 1
        try:
            async with self._turn:
                self._grow()
                tokens = self._estimate(permit, completion_limit)
                await self._pass_gates(permit, tokens)
                while self._paused_until > self._clock():  # it began while the gates were passed
                    await self._pass_gates(permit, tokens)
                permit.granted_at = self._clock()
                if self._ledger is not None:
                    permit.entry = self._ledger.reserve(tokens, permit.granted_at)
        finally:
            self._in_line -= 1
        return permit

    def _is_open(self) -> bool:
        """Whether a request may go at once: there is no rate, no pause, and nobody before it in the line."""
        is_unpaced = self._throttler is None and self._ledger is None and self.share == 1
        return is_unpaced and not self._in_line and self._paused_until <= self._clock()

    async def _pass_gates(self, permit: Permit, tokens: int) -> None:
        await self._sit_out_pause(permit)
        await self._wait_for_tokens(permit, tokens)
        if self._throttler is not None:
            started = self._clock()
            await self._keep_apart()
            await self._throttler.acquire()
            _note(permit, "rpm", self._clock() - started)

    async def _keep_apart(self) -> None:
        now = self._clock()
        at = max(self._next_at, now - CATCH_UP_S)
        self._next_at = at + self._gap_s / self.share
        if at > now:
            await asyncio.sleep(at - now)

    async def _sit_out_pause(self, permit: Permit) -> None:
        started = self._clock()
        while (left_s := self._paused_until - self._clock()) > 0:  # noqa: ASYNC110 -- only the clock ends it
            await asyncio.sleep(left_s)
        _note(permit, "pause", self._clock() - started)

    def _estimate(self, permit: Permit, completion_limit: int | None) -> int:
        if self._ledger is None or self._tpm is None:
            return 0
        tokens = self._ledger.at_least(permit.body_bytes, completion_limit)
        if tokens > self._tpm:
            msg = (
                f"endpoint.tpm: {self._tpm:g} tokens a minute, but one request needs about {tokens}: "
                "raise it, or lower the request's token limit"
            )
            raise ConfigError(msg)
        return self._ledger.estimate(permit.body_bytes, completion_limit)

    async def _wait_for_tokens(self, permit: Permit, tokens: int) -> None:
        if self._ledger is None:
            return
        started = self._clock()
        while (left_s := self._ledger.wait_s(tokens, self._clock())) > 0:  # noqa: ASYNC110 -- only the clock ends it
            await asyncio.sleep(max(left_s, _SHORTEST_WAIT_S))
        _note(permit, "tpm", self._clock() - started)

    def settle(self, permit: Permit, prompt_tokens: int | None, completion_tokens: int | None) -> None:
        """Put right what a request has cost; where the endpoint does not say, the estimate stands."""
        if self._ledger is None or permit.entry is None or prompt_tokens is None:
            return
        self._ledger.learn(permit.body_bytes, prompt_tokens, completion_tokens or 0)
        self._ledger.settle(permit.entry, prompt_tokens + (completion_tokens or 0))

    def observe(self, permit: Permit, status: int | None, headers: Mapping[str, str]) -> None:
        """Learn from an answer: pause where it asks for it, slow down where it refuses.

        Requests that were on their way when a pause began tell nothing new: a hundred refusals of one moment are one
        pause, and one episode.

        Args:
            permit: Of the attempt.
            status: Of the answer; None where none came.
            headers: Names in lower case.
        """
        now = self._clock()
        asked_s = (retry_after_s(headers) if status == _TOO_MANY else None) or 0.0
        pause_s = min(max(asked_s, exhausted_s(headers) or 0.0), LONGEST_WAIT_S)
        if pause_s > 0 and permit.granted_at >= self._paused_until:
            self._paused_until = now + pause_s
        if status == _TOO_MANY and now >= self._episode_until:
            self.episodes += 1
            self._episode_until = now + max(pause_s, EPISODE_S)
            self._use(max(_LEAST_SHARE, self.share * SHRINK))
        if status is None or status == _TOO_MANY or status >= _SERVER_ERROR:
            self._clean_since = now

    def _grow(self) -> None:
        if self.share < 1 and self._clock() - self._clean_since >= CLEAN_S:
            self._clean_since = self._clock()
            self._use(min(1.0, self.share * GROW))

    def _use(self, share: float) -> None:
        self.share = share
        if self._throttler is not None:
            self._throttler.period = self._period_s / share
        if self._ledger is not None and self._tpm is not None:
            self._ledger.tpm = self._tpm * share


def _note(permit: Permit, cause: str, waited_s: float) -> None:
    if waited_s >= _SHORTEST_WAIT_S:
        permit.waited[cause] = permit.waited.get(cause, 0.0) + waited_s


def window(rpm: float) -> tuple[int, float]:
    """Return (permits, seconds): a window of about `SLICE_S`, a whole number of which fill a minute.

    Were a minute to end in the middle of a window, its permits would come on top of the minute's own.
    """
    permits = max(1, round(rpm / _MINUTE_S * SLICE_S))
    windows = rpm if permits == 1 else math.floor(rpm / permits)
    return permits, _MINUTE_S / windows
