"""Asks an endpoint at a pace: `python -m tests.paced_sender BASE_URL RPM WORKERS SECONDS`; an RPM of 0 is no pace.

Prints a JSON object: `late_s` and `lost_s`, see `Lateness`; `starved_share`, for how much of the time it had to wait
for a core; `order`, the numbers of the requests in the order they were sent in.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.limits import CATCH_UP_S
from fceval.dialogue import Dialogue, Variant
from fceval.engines import Stop, Work, load
from fceval.records import Attempt, Request, Response, Usage

_BEAT_S = 0.005
_SETTLES_S = 0.5


class Order:
    """A record that notes what is sent, in order."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    async def admit(self, request: Request) -> None:
        """Admit everything."""

    def sending(self, attempts: Sequence[tuple[Request, int]]) -> None:
        """Note the numbers of requests."""
        self.numbers += [int(request.key.case_id) for request, _ in attempts]

    def tried(self, request: Request, attempt: Attempt, usage: Usage) -> None:
        """Take no note."""

    def answered(self, response: Response) -> None:
        """Take no note."""

    def noted(self, text: str) -> None:
        """Take no note."""


def endless() -> Work:
    """Yield dialogues of one short request each."""
    dialect = dialects.load("tools")
    for number in count():
        messages = [{"role": "user", "content": f"{number}"}]
        row: dict[str, Any] = {"case_id": f"{number}", "messages": messages, "tools": [], "expected": []}
        yield Dialogue(case_of(row, 1), Variant(), 0, dialect, "m", {}), ()


class Lateness(NamedTuple):
    """How late timers fired."""

    late_s: float
    """At worst."""
    lost_s: float
    """In all, beyond what a pace makes up for: time in which nothing could be sent, and that is gone."""


async def lateness(until: asyncio.Event) -> Lateness:
    """Return how late timers fired until an event."""
    late_s = lost_s = 0.0
    while not until.is_set():
        started = time.monotonic()
        await asyncio.sleep(_BEAT_S)
        over_s = time.monotonic() - started - _BEAT_S
        late_s, lost_s = max(late_s, over_s), lost_s + max(0.0, over_s - CATCH_UP_S)
    return Lateness(late_s, lost_s)


def starved_s() -> float:
    """Return how long this thread had to wait for a core, in seconds."""
    _, waited_ns, _ = Path("/proc/thread-self/schedstat").read_text("ascii").split()
    return int(waited_ns) / 1e9


async def send(settings: EndpointSettings, seconds: float) -> dict[str, object]:
    """Send for some seconds, and return what is printed."""
    order, stop, over = Order(), Stop(), asyncio.Event()
    asking = asyncio.create_task(load("local").run(endless(), Endpoint(settings, settings.base_url, None), order, stop))
    await asyncio.sleep(_SETTLES_S)  # the workers have started, and wait
    late = asyncio.create_task(lateness(over))
    waited_s, started = starved_s(), time.monotonic()
    await asyncio.sleep(seconds - _SETTLES_S)
    starved_share = (starved_s() - waited_s) / (time.monotonic() - started)
    over.set()
    late_s, lost_s = await late
    if stop.reason is not None:
        raise stop.reason
    stop.drain()
    await asking
    return {
        "starved_share": starved_share,
        "late_s": late_s,
        "lost_s": lost_s,
        "order": order.numbers,
    }


def main(arguments: Sequence[str]) -> None:
    """Send as the command line says."""
    base_url, rpm, workers, seconds = arguments
    gc.disable()
    settings = EndpointSettings(
        base_url=base_url, model="m", concurrency=int(workers), rpm=float(rpm) or None, timeout_s=10
    )  # fmt: skip
    sys.stdout.write(json.dumps(asyncio.run(send(settings, float(seconds)))))


if __name__ == "__main__":
    main(sys.argv[1:])
