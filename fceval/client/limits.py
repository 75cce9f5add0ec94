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
_MINUTE_S = 60.0
_POLL_S = 0.002
_POLLS_A_WINDOW = 50  # the wait ends up to one poll late: half a poll on average, one hundredth of the rate


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
            permits, window_s = window(rpm)
            poll_s = max(_POLL_S, window_s / _POLLS_A_WINDOW)
            self._throttler = Throttler(permits, period=window_s, retry_interval=poll_s)

    async def admit(self) -> None:
        """Wait until a request may start; each attempt takes one permit."""
        if self._throttler is not None:
            async with self._turn:
                await self._throttler.acquire()


def window(rpm: float) -> tuple[int, float]:
    """Return (permits, seconds): a window of about `SLICE_S`, a whole number of which fill a minute.

    Were a minute to end in the middle of a window, its permits would come on top of the minute's own.
    """
    permits = max(1, round(rpm / _MINUTE_S * SLICE_S))
    windows = rpm if permits == 1 else math.floor(rpm / permits)
    return permits, _MINUTE_S / windows
