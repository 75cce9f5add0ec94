"""The pace as an endpoint sees it: no window holds more than the rate, and nearly all of it is used."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from fceval.client.limits import CATCH_UP_S, Pace
from tests.cli_process import PROJECT
from tests.fake_endpoint import message_reply
from tests.paced_sender import times_s, worst_lateness

SECONDS = 2.6
WIRE_S = 0.03
"""What the wire may add to one request and not to another: connections are opened, buffers are read in turn."""
TRIES = 3
BUSY_SHARE = 0.7
"""On a machine that has a core to spare, 1,000 requests a second take about half of one."""
CELLS = [(rpm, workers) for rpm in (600, 6_000, 60_000) for workers in (1, 64, 1_024)]
"""Requests a minute (10, 100 and 1,000 a second), and workers that want to send."""

_BODY = message_reply(content="Hello").content()
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


class Stamping(asyncio.Protocol):
    """Answers each request of a connection at once, and notes when it was there."""

    def __init__(self, arrivals: list[float]) -> None:
        self._arrivals = arrivals
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(rest) < length:
                return
            self._arrivals.append(time.monotonic())
            self._buffer = rest[length:]
            self._transport.write(_ANSWER)


@dataclass(slots=True)
class Seen:
    """What an endpoint saw."""

    base_url: str
    arrivals: list[float]
    """On the clock of `time.monotonic`, in order."""
    late_s: float = 0.0
    """How late the endpoint itself woke up at worst: its stamps may be as late."""
    busy_share: float = 0.0
    """For how much of the time it ran."""
    starved_share: float = 0.0
    """For how much of it it wanted to run, and had to wait for a core."""


@contextmanager
def stamping() -> Iterator[Seen]:
    """Serve in a thread of its own; what was seen is complete after the block."""
    seen = Seen("", [])
    ready = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: Stamping(seen.arrivals), "127.0.0.1", 0, backlog=2_048)
        seen.base_url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        loops.append((loop, over))
        ready.set()
        started = time.monotonic()
        seen.late_s = await worst_lateness(over)
        seen.busy_share, seen.starved_share = (spent_s / (time.monotonic() - started) for spent_s in times_s())
        listening.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="stamping", daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield seen
    finally:
        loop, over = loops[0]
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


@dataclass(frozen=True, slots=True)
class Paced:
    """How a sender kept to its pace."""

    arrivals: Sequence[float]
    late_s: float
    """How late the sender or the endpoint woke up at worst."""
    busy_share: float
    """For how much of the time the sender or the endpoint ran."""
    starved_share: float
    """For how much of it one of them wanted to run, and had to wait for a core."""
    order: Sequence[int]

    def most_in(self, width_s: float) -> int:
        """Return how many requests at most arrived in a window, less what stamps and wire may be wrong by."""
        width_s -= WIRE_S + self.late_s
        first, most = 0, 0
        for last, moment in enumerate(self.arrivals):
            while moment - self.arrivals[first] >= width_s:
                first += 1
            most = max(most, last - first + 1)
        return most

    def reached(self, rpm: float) -> float:
        """Return the part of the rate that was used, between the first burst and the last arrival."""
        burst = 1 + int(CATCH_UP_S * rpm / 60)
        return (len(self.arrivals) - burst) / (self.arrivals[-1] - self.arrivals[0]) * 60 / rpm


def paced(rpm: float, workers: int, seconds: float = SECONDS) -> Paced:
    """Let a process of its own send at a pace."""
    with stamping() as seen:
        arguments = [seen.base_url, str(rpm), str(workers), str(seconds)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.paced_sender", *arguments],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    return Paced(
        arrivals=seen.arrivals,
        late_s=max(told["late_s"], seen.late_s),
        busy_share=max(told["busy_share"], seen.busy_share),
        starved_share=told["starved_share"] + seen.starved_share,
        order=told["order"],
    )


@pytest.mark.parametrize(("rpm", "workers"), CELLS)
def test_rate_is_kept_and_used(rpm: float, workers: int) -> None:
    """No second, and no part of a minute, holds more than its share; 97 % of it is used; first come, first served.

    A stamp may be late by as much as the endpoint or the sender woke up late, which both measure, and by `WIRE_S`: a
    window is judged narrower by that. A machine that is short of time only makes a run slower, never faster: the rate
    is looked for in the best of three, and time for which the kernel let either of them wait for a core is not counted
    against it. Where one of them ran or waited for most of the time, it is the machine that binds, and so it is for one
    worker at 1,000 a second, which has but a millisecond for each request: there only the limit is judged.
    """
    tries: list[tuple[float, float, float]] = []
    while not tries or (_best(tries) < 0.97 and len(tries) < TRIES):
        sent = paced(rpm, workers)
        assert sent.most_in(1.0) <= rpm / 60
        assert sent.most_in(2.0) <= rpm / 60 * 2
        assert list(sent.order) == sorted(sent.order)
        tries.append((sent.reached(rpm), sent.starved_share, sent.busy_share))
        if sent.busy_share + sent.starved_share > BUSY_SHARE or (rpm, workers) == (60_000, 1):
            return
    assert _best(tries) >= 0.97, tries


def _best(tries: list[tuple[float, float, float]]) -> float:
    return max(reached + starved for reached, starved, _ in tries)


def test_minute_is_kept_scaled_to_seconds() -> None:
    """A rate of 600 a minute, of which a server may count any part: never more than that part, however long it is."""
    sent = paced(600, 1_024, 4.0)
    for width_s in (0.5, 1.0, 2.0, 3.0):
        assert sent.most_in(width_s) <= 10 * width_s + (width_s < 1)


@pytest.mark.parametrize("rpm", [600, 6_000, 60_000])
def test_waiting_takes_little_of_a_core(rpm: float) -> None:
    """1,024 waiters that do nothing but wait: less than 15 % of a core in the best of three."""

    async def wait(seconds: float) -> float:
        pace = Pace(rpm)

        async def worker() -> None:
            while True:
                await pace.admit()

        workers = [asyncio.create_task(worker()) for _ in range(1_024)]
        await asyncio.sleep(0.1)
        cpu_s, started = time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        share = (time.process_time() - cpu_s) / (time.monotonic() - started)
        for each in workers:
            each.cancel()
        await asyncio.wait(workers)
        return share

    shares: list[float] = []
    while not shares or (min(shares) >= 0.15 and len(shares) < TRIES):
        shares.append(asyncio.run(wait(1.0)))
    assert min(shares) < 0.15, shares
