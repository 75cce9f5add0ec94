"""Turns of the event loop, shared between what is new and what is in flight."""

from __future__ import annotations

import asyncio
import time
from collections import deque

AT_ONCE = 8
"""How many may begin something new before what is in flight has its turn."""
_SLICE_S = 0.005
"""How long workers may look for what is new before what is in flight has its turn, in seconds."""


class Slices:
    """Lets a few workers begin something new in each turn of the event loop, first come, first served.

    Neither passing over what is known nor a thousand workers that begin keeps what is in flight waiting.
    """

    def __init__(self) -> None:
        self._left = 0
        self._until = 0.0
        self._line: deque[asyncio.Future[None]] = deque()
        self._is_ending = False

    @property
    def is_over(self) -> bool:
        """Whether what is in flight should have its turn now."""
        return time.monotonic() >= self._until

    async def take(self) -> None:
        """Wait for a place in a slice."""
        loop = asyncio.get_running_loop()
        if not self._is_ending:
            self._is_ending = True
            self._left, self._until = AT_ONCE, time.monotonic() + _SLICE_S
            loop.call_soon(self._end)
        if self._left and not self._line:
            self._left -= 1
            return
        place = loop.create_future()
        self._line.append(place)
        await place

    def _end(self) -> None:
        self._left, self._until = AT_ONCE, time.monotonic() + _SLICE_S
        while self._line and self._left:
            place = self._line.popleft()
            if not place.done():  # or its worker was cancelled
                self._left -= 1
                place.set_result(None)
        self._is_ending = self._left < AT_ONCE
        if self._is_ending:
            asyncio.get_running_loop().call_soon(self._end)
