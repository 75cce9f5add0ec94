"""The yardstick of `client` and `pace`: sends recorded bodies with nothing but aiohttp, and reads the answers.

`python -m tests.benchmarks.bare_loop URL FILE CONCURRENCY [GAP_S]`. FILE has a body a line; after each answer a worker
waits for GAP_S seconds. Prints a JSON object: `lag_p99_s`, how late its event loop woke up in the worst hundredth of
the times; `cpu_share`, what it took of a core while it sent; `answers`, how many there were.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import aiohttp

from tests.benchmarks.lateness import Lateness

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


async def send(url: str, path: Path, concurrency: int, gap_s: float = 0.0) -> dict[str, float]:
    """Send every body of a file, so many at a time, and return what is printed."""
    answers = 0

    async def work(bodies: Iterator[bytes]) -> None:
        nonlocal answers
        for body in bodies:
            async with session.post(url, data=body, headers=_HEADERS) as answer:
                await _read(answer)
            answers += 1
            if gap_s:
                await asyncio.sleep(gap_s)

    cpu_s, started = time.process_time(), time.monotonic()
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        Lateness() as late,
    ):
        with path.open("rb") as lines:
            bodies = _bodies(lines)
            await asyncio.gather(*(work(bodies) for _ in range(concurrency)))
    share = (time.process_time() - cpu_s) / (time.monotonic() - started)
    return {"lag_p99_s": late.percentile_s(99), "cpu_share": share, "answers": answers}


def _bodies(lines: BinaryIO) -> Iterator[bytes]:
    for line in lines:
        yield line[:-1]


async def _read(answer: aiohttp.ClientResponse) -> None:
    """Read an answer whole, or a stream event by event as it comes."""
    if answer.content_type != "text/event-stream":
        json.loads(await answer.read())
        return
    async for line in answer.content:
        if line.startswith(b"data: {"):
            json.loads(line[6:])


def event_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that fceval would use here; its own function would bring the rest of fceval with it."""
    try:
        import uvloop  # noqa: PLC0415 -- an extra
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


if __name__ == "__main__":
    to, file, workers, *gap = sys.argv[1:]
    with asyncio.Runner(loop_factory=event_loop) as runner:
        sent = runner.run(send(f"{to}/chat/completions", Path(file), int(workers), *map(float, gap)))
    sys.stdout.write(json.dumps(sent))
