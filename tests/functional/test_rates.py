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
from tests.paced_sender import lateness, starved_s

pytestmark = pytest.mark.alone

SECONDS = 2.6
WIRE_S = 0.03
"""What the wire may add to one request and not to another: connections are opened, buffers are read in turn."""
TRIES = 3
STARVED_SHARE = 0.5
"""Where the kernel lets sender and endpoint wait for a core for longer than this, others have the machine."""
SPARE = 0.9
"""Part of what workers do without a pace that is asked of them under one."""
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
    lost_s: float = 0.0
    """How much time passed without it, beyond what a pace makes up for."""
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
        seen.late_s, seen.lost_s = await lateness(over)
        seen.starved_share = starved_s() / (time.monotonic() - started)
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
    lost_share: float
    """For how much of the time the machine let neither of them run, beyond what a pace makes up for."""
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

    def rate(self, burst: int = 0) -> float:
        """Return how many requests a second arrived once the first `burst` of them were there."""
        steady = self.arrivals[burst:]
        return (len(steady) - 1) / (steady[-1] - steady[0]) if len(steady) > 1 else 0.0


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
        lost_share=(told["lost_s"] + seen.lost_s) / seconds,
        starved_share=told["starved_share"] + seen.starved_share,
        order=told["order"],
    )


@pytest.mark.parametrize(("rpm", "workers"), CELLS)
def test_rate_is_kept_and_used(rpm: float, workers: int) -> None:
    """No second, and no part of a minute, holds more than its share; 97 % of it is used; first come, first served.

    A stamp may be late by as much as the endpoint or the sender woke up late, which both measure, and by `WIRE_S`: a
    window is judged narrower by that. A machine that is short of time only makes a run slower, never faster: the rate
    is looked for in the best of three, less the time for which one of them slept on longer than a pace makes up for,
    and where it is missed, so many workers without a pace show whether the machine could have done it. Where others
    have the machine, only the limit is judged.
    """
    limit, burst = rpm / 60, 1 + int(CATCH_UP_S * rpm / 60)
    used: list[float] = []
    while not used or (max(used) < 0.97 and len(used) < TRIES):
        sent = paced(rpm, workers)
        assert sent.most_in(1.0) <= limit
        assert sent.most_in(2.0) <= limit * 2
        assert list(sent.order) == sorted(sent.order)
        used.append(sent.rate(burst) / limit + sent.lost_share)
        if sent.starved_share > STARVED_SHARE:
            return
    possible = limit if max(used) >= 0.97 else min(limit, paced(0, workers).rate() * SPARE)
    assert max(used) >= 0.97 * possible / limit, (used, possible)


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
