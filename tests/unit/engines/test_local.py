"""The pool: each request once, never more at a time than allowed, and an end however it ends."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.dialogue import Dialogue, Variant
from fceval.engines import Stop, Work, load, names
from fceval.errors import EndpointDown, EndpointError, FcevalError, LocalError, StoppedByBudget
from fceval.records import Attempt, Request, Response, Usage
from tests.case_rows import row, turns_row
from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply

HELLO = message_reply(content="Hello")
SLOW = replace(HELLO, hang=True)


def dialogues(number: int, turns: int = 1) -> Iterator[tuple[Dialogue, Sequence[Response]]]:
    """Yield dialogues of which nothing is known yet."""
    for position in range(number):
        fields = row(case_id=str(position)) if turns == 1 else turns_row(*[{}] * turns, case_id=str(position))
        yield Dialogue(case_of(fields, 1), Variant(), 0, dialects.load("tools"), "m", {}), ()


Emit: TypeAlias = Callable[[Response], None]


class Kept:
    """A record that hands on the responses."""

    def __init__(self, emit: Emit) -> None:
        self.answered = emit
        self.notes: list[str] = []

    async def admit(self, request: Request) -> None:
        """Admit everything."""

    def sending(self, attempts: Sequence[tuple[Request, int]]) -> None:
        """Take no note."""

    def tried(self, request: Request, attempt: Attempt, usage: Usage) -> None:
        """Take no note."""

    def noted(self, text: str) -> None:
        """Keep what is said."""
        self.notes.append(text)


def run(  # noqa: PLR0913, PLR0917 -- what a run is made of
    base_url: str,
    work: Work,
    emit: Emit,
    then: Callable[[Stop], None] = lambda _: None,
    concurrency: int = 4,
    record: Kept | None = None,
    **settings: Any,  # noqa: ANN401 -- of the endpoint, by name
) -> Stop:
    """Run the engine; `then` is called from another thread once it goes."""
    given = EndpointSettings(base_url=base_url, model="m", concurrency=concurrency, timeout_s=5, **settings)

    async def go() -> Stop:
        stop = Stop()
        meanwhile = asyncio.get_running_loop().run_in_executor(None, then, stop)
        engine = load("local").run(work, Endpoint(given, base_url, None), record or Kept(emit), stop)
        await asyncio.wait_for(engine, 60)
        await meanwhile
        return stop

    return asyncio.run(go())


def test_engine_has_the_name_of_its_file() -> None:
    """As every plugin."""
    assert "local" in names()


@pytest.mark.parametrize(("work", "concurrency"), [(0, 4), (1, 4), (3, 64), (200, 7)])
def test_each_request_is_asked_and_answered_once(work: int, concurrency: int) -> None:
    """Whether there is more work than workers, less, or none."""
    responses: list[Response] = []
    with FakeEndpoint(HELLO) as endpoint:
        stop = run(endpoint.base_url, dialogues(work), responses.append, concurrency=concurrency)
    assert sorted(int(response.key.case_id) for response in responses) == list(range(work))
    assert len(endpoint.received) == work
    assert endpoint.peak_in_flight <= concurrency
    assert (stop.reason, stop.draining) == (None, False)


def test_pool_is_as_wide_as_allowed() -> None:
    """So many are in flight, no more, and no fewer where there is work."""
    with FakeEndpoint(SLOW) as endpoint:

        def release(_: Stop) -> None:
            endpoint.wait_for(5)
            time.sleep(0.2)
            assert len(endpoint.received) == 5
            endpoint.release()

        run(endpoint.base_url, dialogues(20), lambda _: None, release, concurrency=5)
    assert endpoint.peak_in_flight == 5


def test_turns_follow_each_other() -> None:
    """The second turn is asked with the first one's answer in it."""
    responses: list[Response] = []
    with FakeEndpoint(HELLO) as endpoint:
        run(endpoint.base_url, dialogues(3, turns=2), responses.append)
    assert Counter(response.key.turn for response in responses) == {0: 3, 1: 3}
    assert sorted(len(received.json["messages"]) for received in endpoint.received) == [1, 1, 1, 3, 3, 3]


def test_what_is_known_is_not_asked_again() -> None:
    """A dialogue goes on where its answers end, and passing over many known ones keeps nobody waiting."""
    known: list[Response] = []
    with FakeEndpoint(HELLO) as endpoint:
        run(endpoint.base_url, dialogues(1, turns=2), known.append)
        asked = len(endpoint.received)
        (dialogue, _), *_ = dialogues(1, turns=2)
        work = [(dialogue, known), (dialogue, known[:1])]
        again: list[Response] = []
        run(endpoint.base_url, work, again.append)
    assert [response.key.turn for response in again] == [1]
    assert len(endpoint.received) == asked + 1


@pytest.mark.parametrize("turns", [1, 2])
def test_drain_lets_what_is_in_flight_finish(turns: int) -> None:
    """Nothing new is begun, no next turn either, and nothing is lost."""
    responses: list[Response] = []
    loops: list[asyncio.AbstractEventLoop] = []

    def work() -> Iterator[tuple[Dialogue, Sequence[Response]]]:
        loops.append(asyncio.get_running_loop())
        yield from dialogues(50, turns)

    with FakeEndpoint(SLOW) as endpoint:

        def drain(stop: Stop) -> None:
            endpoint.wait_for(4)
            drained = threading.Event()
            loops[0].call_soon_threadsafe(stop.drain)
            loops[0].call_soon_threadsafe(drained.set)
            drained.wait(5)
            endpoint.release()

        stop = run(endpoint.base_url, work(), responses.append, drain)
    assert len(endpoint.received) == len(responses) == 4
    assert all(response.message for response in responses)
    assert (stop.draining, stop.reason) == (True, None)


def test_now_gives_up_what_is_in_flight() -> None:
    """At once, though the endpoint never answers."""
    responses: list[Response] = []
    loops: list[asyncio.AbstractEventLoop] = []

    def work() -> Iterator[tuple[Dialogue, Sequence[Response]]]:
        loops.append(asyncio.get_running_loop())
        yield from dialogues(50)

    with FakeEndpoint(SLOW) as endpoint:

        def end(stop: Stop) -> None:
            endpoint.wait_for(4)
            loops[0].call_soon_threadsafe(stop.now)

        started = time.monotonic()
        run(endpoint.base_url, work(), responses.append, end)
        assert time.monotonic() - started < 3
    assert responses == []


@pytest.mark.parametrize("where", ["emit", "work"])
def test_trouble_of_this_machine_stops_the_run_and_is_its_reason(where: str) -> None:
    """A journal that cannot be written, a dataset that cannot be read on."""
    trouble = LocalError("disk full")

    def emit(_: Response) -> None:
        if where == "emit":
            raise trouble

    def work() -> Iterator[tuple[Dialogue, Sequence[Response]]]:
        yield from dialogues(8)
        if where == "work":
            raise trouble

    with FakeEndpoint(HELLO) as endpoint:
        stop = run(endpoint.base_url, work(), emit)
    assert stop.reason is trouble
    assert len(endpoint.received) <= 8


@pytest.mark.parametrize("where", ["emit", "work"])
def test_bug_comes_out_as_what_it_is(where: str) -> None:
    """It does not hang, is not swallowed, and leaves no task behind."""

    def emit(_: Response) -> None:
        if where == "emit":
            raise ZeroDivisionError

    def work() -> Iterator[tuple[Dialogue, Sequence[Response]]]:
        yield from dialogues(8)
        if where == "work":
            raise ZeroDivisionError

    with FakeEndpoint(HELLO) as endpoint, pytest.raises(ZeroDivisionError):
        run(endpoint.base_url, work(), emit)
    gc.collect()  # a task whose exception nobody looked at would say so here


def drained_when(endpoint: FakeEndpoint, requests: int, work: Work, emit: Emit, **settings: Any) -> Stop:  # noqa: ANN401 -- as above
    """Run the engine, and let it drain once so many requests have arrived."""
    loops: list[asyncio.AbstractEventLoop] = []

    def noting_the_loop() -> Work:
        loops.append(asyncio.get_running_loop())
        yield from work

    def drain(stop: Stop) -> None:
        endpoint.wait_for(requests)
        loops[0].call_soon_threadsafe(stop.drain)

    return run(endpoint.base_url, noting_the_loop(), emit, drain, **settings)


def failing_once(*failures: Reply) -> Callable[[Received], Reply]:
    """Return a script whose first replies are `failures`."""
    rest = iter(failures)
    return lambda _: next(rest, HELLO)


def test_request_that_waits_to_be_tried_again_keeps_no_worker() -> None:
    """Two workers answer 20 others meanwhile; a drain does not wait for it, does not send it, and notes its failure."""
    responses: list[Response] = []
    with FakeEndpoint(failing_once(error_reply(503, headers={"Retry-After": "60"}))) as endpoint:
        started = time.monotonic()
        drained_when(endpoint, 21, dialogues(21), responses.append, concurrency=2)
        assert time.monotonic() - started < 10
        assert len(endpoint.received) == 21
    *answered, last = responses
    assert len(answered) == 20
    assert all(response.message for response in answered)
    assert (last.message, [attempt.status for attempt in last.attempts]) == (None, [503])


def test_drain_sends_nothing_that_waits_for_the_pace() -> None:
    """One of four has gone out; the other three workers wait for leave, and are called off."""
    responses: list[Response] = []
    with FakeEndpoint(HELLO) as endpoint:
        started = time.monotonic()
        drained_when(endpoint, 1, dialogues(8), responses.append, rpm=2)
        assert time.monotonic() - started < 10
    assert (len(endpoint.received), len(responses)) == (1, 1)


def test_nothing_is_begun_while_as_many_wait_as_there_are_workers() -> None:
    """An endpoint that is down gathers those, and what was in flight beside them, but not the whole dataset."""
    taken = 0

    def work() -> Work:
        nonlocal taken
        for each in dialogues(1_000):
            taken += 1
            yield each

    with FakeEndpoint(error_reply(503, headers={"Retry-After": "60"})) as endpoint:
        responses: list[Response] = []
        drained_when(endpoint, 6, work(), responses.append, concurrency=6)
    assert 6 <= len(responses) <= taken <= 12


def test_pool_narrows_where_the_endpoint_wants_less_and_still_ends() -> None:
    """After refusals for their rate eight of ten workers ask on; the other two end with them."""
    responses: list[Response] = []
    replies = [error_reply(429, headers={"Retry-After": "0"})] * 10
    rest = iter(replies)
    with FakeEndpoint(lambda _: next(rest, SLOW)) as endpoint:

        def release(_: Stop) -> None:
            endpoint.wait_for(18)
            time.sleep(0.2)
            assert len(endpoint.received) == 18
            endpoint.release()

        run(endpoint.base_url, dialogues(40), responses.append, release, concurrency=10)
    assert len(responses) == 40
    assert all(response.message for response in responses)


def test_failed_attempts_stay_though_the_budget_ends_before_the_next_one() -> None:
    """What was tried is on record; that it may not be tried again is the reason of the stop."""

    class Poor(Kept):
        admitted = 0

        async def admit(self, request: Request) -> None:  # noqa: ARG002 -- each request costs the same
            self.admitted += 1
            if self.admitted > 1:
                msg = "spent"
                raise StoppedByBudget(msg)

    responses: list[Response] = []
    with FakeEndpoint(error_reply(500, headers={"Retry-After": "0"})) as endpoint:
        record = Poor(responses.append)
        stop = run(endpoint.base_url, dialogues(1), responses.append, concurrency=1, record=record)
    assert isinstance(stop.reason, StoppedByBudget)
    assert [attempt.status for response in responses for attempt in response.attempts] == [500]


def test_breaker_stops_a_run_that_only_fails_and_keeps_its_failures() -> None:
    """After three equal failures one request tries again; when it fails, too, the run ends, and all four are noted."""
    responses: list[Response] = []
    with FakeEndpoint(error_reply(503, headers={"Retry-After": "0"})) as endpoint:
        record = Kept(responses.append)
        stop = run(
            endpoint.base_url, dialogues(50), responses.append, concurrency=1, record=record, breaker=3,
            breaker_pause_s=0.1, max_attempts=2,
        )  # fmt: skip
    assert isinstance(stop.reason, EndpointDown)
    assert len(endpoint.received) == sum(len(response.attempts) for response in responses) == 4
    assert "3 times in a row: HTTP 503" in record.notes[0]


def test_breaker_lets_a_run_go_on_whose_endpoint_came_back() -> None:
    """The one that tries is answered, and all the others after it."""
    responses: list[Response] = []
    down = [error_reply(503, headers={"Retry-After": "0"})] * 3
    with FakeEndpoint(failing_once(*down)) as endpoint:
        stop = run(
            endpoint.base_url, dialogues(20), responses.append, concurrency=1, breaker=3, breaker_pause_s=0.1
        )  # fmt: skip
    assert (stop.reason, len(responses), len(endpoint.received)) == (None, 20, 23)
    assert all(response.message for response in responses)


def test_first_reason_stays() -> None:
    """What stopped a run is what happened first."""

    async def go() -> FcevalError | None:
        stop = Stop()
        first = EndpointError("first")
        stop.drain(first)
        stop.drain(LocalError("second"))
        stop.drain()
        assert stop.reason is first
        return stop.reason

    assert str(asyncio.run(go())) == "first"


def alive() -> Counter[type]:
    """Return how many objects of each kind the collector knows."""
    gc.collect()
    return Counter(type(each) for each in gc.get_objects())


@pytest.mark.untraced
def test_many_quick_requests_leave_nothing_behind() -> None:
    """4,000 of them, within seconds: no thread, and no memory that grows with their number."""
    count = 0

    def emit(_: Response) -> None:
        nonlocal count
        count += 1

    with FakeEndpoint(HELLO) as endpoint:
        run(endpoint.base_url, dialogues(100), emit, concurrency=32)
        threads = threading.active_count()
        before = alive()
        run(endpoint.base_url, dialogues(4_000), emit, concurrency=32)
        grown = alive() - before
        received = len(endpoint.received)
    assert (count, received) == (4_100, 4_100)
    assert threading.active_count() <= threads
    assert grown.pop(Received) == 4_000, "the endpoint keeps what it received, each of which holds its headers"
    del grown[tuple]  # of which the collector knows some, by chance
    assert not {kind: number for kind, number in grown.items() if number > 2_000}
