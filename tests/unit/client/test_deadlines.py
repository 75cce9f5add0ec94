"""When attempts have to end: on time, however many there are, and without hiding who else ends them."""

from __future__ import annotations

import asyncio
import time

import pytest

from fceval.client.deadlines import LOOK_EVERY_S, Deadlines

LATE_S = 1.0
"""How late a busy machine may be."""


def test_what_takes_too_long_ends_and_the_rest_goes_on() -> None:
    """Each by its own limit."""

    async def attempt(deadlines: Deadlines, takes_s: float, within_s: float) -> float:
        begun_at = time.monotonic()
        async with deadlines.limit(within_s):
            await asyncio.sleep(takes_s)
        return time.monotonic() - begun_at

    async def go() -> list[float | BaseException]:
        async with Deadlines() as deadlines:
            every = [attempt(deadlines, 60, 0.1), attempt(deadlines, 0.3, 60), attempt(deadlines, 60, 0.2)]
            return await asyncio.gather(*every, return_exceptions=True)

    begun_at = time.monotonic()
    first, second, third = asyncio.run(go())
    assert time.monotonic() - begun_at < 0.3 + LOOK_EVERY_S + LATE_S
    assert isinstance(first, TimeoutError)
    assert isinstance(second, float)
    assert isinstance(third, TimeoutError)


def test_wait_is_put_off_by_what_comes_but_not_beyond_the_whole() -> None:
    """Three pieces in time, and a whole that is over before the fourth."""

    async def go() -> int:
        pieces = 0
        async with Deadlines() as deadlines, deadlines.limit(0.5) as limit:
            try:
                while True:
                    limit.wait(0.3)
                    await asyncio.sleep(0.15)
                    pieces += 1
            except asyncio.CancelledError:
                assert limit.has_expired
                assert limit.at == limit.total_at
        return pieces

    assert 1 <= asyncio.run(go()) <= 3


def test_silence_ends_it_before_the_whole_is_over() -> None:
    """And whoever asks can tell which of the two it was."""

    async def go() -> None:
        async with Deadlines() as deadlines, deadlines.limit(60) as limit:
            limit.wait(0.05)
            try:
                await asyncio.sleep(60)
            finally:
                assert limit.has_expired
                assert limit.at < limit.total_at

    with pytest.raises(TimeoutError):
        asyncio.run(go())


def test_who_is_cancelled_from_outside_is_cancelled() -> None:
    """That is no timeout."""

    async def attempt() -> None:
        async with Deadlines() as deadlines, deadlines.limit(60) as limit:
            try:
                await asyncio.sleep(60)
            finally:
                assert not limit.has_expired

    async def go() -> bool:
        task = asyncio.create_task(attempt())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(go())
