"""Pace: how many requests may start in any minute. The only file that knows asyncio-throttle.

asyncio-throttle never lets more through than its limit in any window, but every waiter polls, a whole window's
permits go out in one burst, and waiters overtake each other. So only one waiter at a time reaches it (an
`asyncio.Lock` is first come, first served), and its window is a slice of 100 ms.
"""

from __future__ import annotations

import asyncio
import math

from asyncio_throttle import Throttler

SLICE_S = 0.1
"""Window that the rate is cut into; a server that counts by the second sees no burst."""
_POLL_S = 0.002


class Pace:
    """Lets requests start no faster than a rate."""

    def __init__(self, rpm: float | None) -> None:
        """Make a pace.

        Args:
            rpm: Requests a minute, > 0; None: no limit.
        """
        self._turn = asyncio.Lock()
        self._throttler: Throttler | None = None
        if rpm is not None:
            rate_per_s = rpm / 60
            permits = max(1, math.floor(rate_per_s * SLICE_S))
            self._throttler = Throttler(permits, period=permits / rate_per_s, retry_interval=_POLL_S)

    async def admit(self) -> None:
        """Wait until a request may start; each attempt takes one permit."""
        if self._throttler is not None:
            async with self._turn:
                await self._throttler.acquire()
