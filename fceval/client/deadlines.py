"""When attempts have to end: one look at all of them now and then, as a timer for each costs a tenth of sending it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

LOOK_EVERY_S = 0.02
"""How late an attempt may be ended, in seconds."""


class Limit:
    """How long one attempt may take; use as an async context manager, which raises `TimeoutError` where it took longer.

    Who catches the cancelling that comes before, and finds that there is enough already, ends without an error.
    """

    __slots__ = ("_running", "_timeout", "at", "total_at")

    def __init__(self, running: set[Limit], within_s: float) -> None:
        self._running = running
        self._timeout = asyncio.timeout(None)
        self.total_at = asyncio.get_running_loop().time() + within_s
        """When it ends at the latest, on the clock of the event loop."""
        self.at = self.total_at
        """When it ends if nothing puts that off."""

    def wait(self, at_most_s: float) -> None:
        """Let what comes next take so long from now on, but no longer than the whole may take."""
        self.at = min(self.total_at, asyncio.get_running_loop().time() + at_most_s)

    @property
    def has_expired(self) -> bool:
        """Whether it was this that ended the attempt."""
        return self._timeout.expired()

    def end(self, now: float) -> None:
        """End the attempt."""
        if not self._timeout.expired():
            self._timeout.reschedule(now)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._running.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.discard(self)
        await self._timeout.__aexit__(kind, error, trace)


class Deadlines:
    """Ends attempts that take too long; use as an async context manager."""

    def __init__(self) -> None:
        self._running: set[Limit] = set()

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._looking.cancel()
        await asyncio.wait([self._looking])

    def limit(self, within_s: float) -> Limit:
        """Return the limit of an attempt that begins now.

        Args:
            within_s: How long it may take, in seconds.
        """
        return Limit(self._running, within_s)

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            at = now()
            for limit in [each for each in self._running if each.at <= at]:
                limit.end(at)
