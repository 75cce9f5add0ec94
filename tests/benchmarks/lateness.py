"""How late an event loop wakes up: what its other tasks keep a timer waiting for."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

_BEAT_S = 0.005
_PERCENT = 100


class Lateness:
    """Notes how late a timer fires; use as an async context manager."""

    def __init__(self) -> None:
        self._late_s: list[float] = []

    async def __aenter__(self) -> Self:
        self._beats = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beats.cancel()
        await asyncio.wait([self._beats])

    async def _beat(self) -> None:
        while True:
            started = time.monotonic()
            await asyncio.sleep(_BEAT_S)
            self._late_s.append(time.monotonic() - started - _BEAT_S)

    def percentile_s(self, percent: int) -> float:
        """Return how late it was at worst in so many percent of the times, in seconds."""
        ordered = sorted(self._late_s)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // _PERCENT)] if ordered else 0.0
