"""What is new and what is in flight take turns."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.dialogue import Dialogue, Variant
from fceval.engines import Stop, load
from fceval.engines._slices import AT_ONCE, Slices
from fceval.records import Attempt, Key, Request, Response, Usage
from tests.case_rows import row


def test_few_begin_in_one_turn_of_the_event_loop_first_come_first_served() -> None:
    """What is in flight has its turn between them; who leaves the line holds nobody up."""

    async def go() -> list[tuple[int, int]]:
        slices, begun, turn = Slices(), list[tuple[int, int]](), 0

        async def begin(number: int) -> None:
            await slices.take()
            begun.append((turn, number))

        tasks = [asyncio.create_task(begin(number)) for number in range(20)]
        await asyncio.sleep(0)
        tasks[AT_ONCE + 2].cancel()
        while not all(task.done() for task in tasks):
            turn += 1
            await asyncio.sleep(0)
        return begun

    begun = asyncio.run(go())
    assert [number for _, number in begun] == [number for number in range(20) if number != AT_ONCE + 2]
    assert max(Counter(turn for turn, _ in begun).values()) <= AT_ONCE < 20


class Unasked:
    """A record of a run that sends nothing."""

    async def admit(self, request: Request) -> None:
        """Admit everything."""

    def sending(self, attempts: Sequence[tuple[Request, int]]) -> None:
        """Take no note."""

    def tried(self, request: Request, attempt: Attempt, usage: Usage) -> None:
        """Take no note."""

    def answered(self, response: Response) -> None:
        """Take no note."""

    def noted(self, text: str) -> None:
        """Take no note."""


def test_passing_over_what_is_known_lets_others_have_their_turn() -> None:
    """However much of it there is."""
    beats, meanwhile = 0, list[int]()

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    def known() -> Iterator[tuple[Dialogue, Sequence[Response]]]:
        dialogue = Dialogue(case_of(row(case_id="a"), 1), Variant(), 0, dialects.load("tools"), "m", {})
        answered = Response(Key("a", "default", 0, 0, 0), "f", {}, "stop", Usage(), "m", (), ())
        before, until = beats, time.monotonic() + 0.3
        while time.monotonic() < until:
            yield dialogue, (answered,)
        meanwhile.append(beats - before)

    async def go() -> None:
        given = EndpointSettings(base_url="http://127.0.0.1:9/v1", model="m", concurrency=4)
        beating = asyncio.create_task(beat())
        await load("local").run(known(), Endpoint(given, given.base_url, None), Unasked(), Stop())
        beating.cancel()

    asyncio.run(go())
    assert meanwhile[0] >= 10
