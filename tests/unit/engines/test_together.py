"""What comes in one turn of the event loop is done together, and whoever waits for it is told how it ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.client.breaker import Leave
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.http import Came, Client
from fceval.client.limits import Permit
from fceval.client.reading import Received as Body
from fceval.dialects import Dialect
from fceval.dialogue import Dialogue, Variant, next_request
from fceval.engines import Stop, load
from fceval.engines._together import Together, for_each
from fceval.engines.local import _Job, _Pool
from fceval.errors import EndpointError, LocalError
from fceval.records import Attempt, JsonObject, Parsed, Request, Response, Usage
from tests.case_rows import row
from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply

HELLO = message_reply(content="Hello")
TOOLS = dialects.load("tools")


class Done:
    """A step that notes what it was done for, and raises where it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.lines: list[list[int]] = []
        self._error = error

    def __call__(self, numbers: Sequence[int]) -> None:
        """Do it."""
        self.lines.append(list(numbers))
        if self._error:
            raise self._error


def test_one_turn_is_one_step_first_come_first_served() -> None:
    """In the order in which they came; who came together stays together."""
    done = Done()

    async def go() -> None:
        together = Together(done, 4)

        async def come(number: int) -> None:
            await together.do(number)
            await together.do(number + 10)

        await together.do(9)
        await asyncio.gather(*map(come, range(4)))

    asyncio.run(go())
    assert done.lines[:2] == [[9], [0, 1, 2, 3]]
    assert [sorted(line) for line in done.lines[2:]] == [[10, 11, 12, 13]]


def test_where_there_is_but_one_nobody_is_waited_for() -> None:
    """Not even for a turn of the event loop."""
    done = Done()
    with pytest.raises(StopIteration):
        Together(done, 1).do(7).send(None)
    assert done.lines == [[7]]


@pytest.mark.parametrize("gone", [0, 2])
def test_step_is_done_for_who_is_cancelled_too(gone: int) -> None:
    """An answer that came is kept, whether it was the first one in its line or not."""
    done = Done()

    async def go() -> list[bool]:
        together = Together(done, 4)
        tasks = [asyncio.create_task(together.do(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[gone].cancel()
        await asyncio.wait(tasks)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(go()) == [number == gone for number in range(4)]
    assert done.lines == [[0, 1, 2, 3]]


@pytest.mark.parametrize("error", [LocalError("disk full"), ZeroDivisionError()])
def test_all_of_a_line_are_told_what_went_wrong(error: Exception) -> None:
    """Nobody goes on as if the step were done, and the next line is not held up."""
    done = Done(error)

    async def go() -> list[object]:
        together = Together(done, 4)
        first = await asyncio.gather(*map(together.do, range(3)), return_exceptions=True)
        return [*first, *await asyncio.gather(together.do(3), return_exceptions=True)]

    assert asyncio.run(go()) == [error] * 4
    assert done.lines == [[0, 1, 2], [3]]


def test_step_is_taken_for_each_whatever_it_raises_for_others() -> None:
    """In their order, also for those behind one that raises; nobody is left to think that all went well."""
    taken: list[int] = []

    def halve(number: int) -> None:
        taken.append(number)
        if number % 2:
            raise ValueError(number)

    with pytest.raises(ValueError, match="3"):
        for_each(halve, [4, 1, 2, 3, 6])
    assert taken == [4, 1, 2, 3, 6]


class Noting:
    """A record that notes what is sent and what is answered."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.responses: list[Response] = []

    async def admit(self, request: Request) -> None:
        """Admit everything."""

    def sending(self, attempts: Sequence[tuple[Request, int]]) -> None:
        """Note which cases are asked."""
        self.sent.append([request.key.case_id for request, _ in attempts])

    def tried(self, request: Request, attempt: Attempt, usage: Usage) -> None:
        """Take no note."""

    def answered(self, response: Response) -> None:
        """Keep it."""
        self.responses.append(response)

    def noted(self, text: str) -> None:
        """Take no note."""


def dialogue(number: int) -> Dialogue:
    """Return a dialogue of one turn."""
    return Dialogue(case_of(row(case_id=str(number)), 1), Variant(), 0, TOOLS, "m", {})


def endpoint_at(base_url: str, concurrency: int = 4) -> Endpoint:
    """Return an endpoint without a key."""
    return Endpoint(EndpointSettings(base_url=base_url, model="m", concurrency=concurrency), base_url, None)


def test_requests_that_begin_together_are_told_together_and_before_they_go_out() -> None:
    """Each once, whatever others are told with it."""
    with FakeEndpoint(HELLO) as endpoint:

        class First(Noting):
            def sending(self, attempts: Sequence[tuple[Request, int]]) -> None:
                assert len(endpoint.received) <= sum(map(len, self.sent))
                super().sending(attempts)

        record = First()
        work = [(dialogue(number), ()) for number in range(40)]
        asyncio.run(load("local").run(work, endpoint_at(endpoint.base_url, 40), record, Stop()))
    assert sorted(int(case_id) for line in record.sent for case_id in line) == list(range(40))
    assert len(record.sent) <= 40 / 4


def came(reply: Reply) -> Came:
    """Return an attempt that brought a reply."""
    content = json.dumps(reply.body).encode() if not isinstance(reply.body, bytes) else reply.body
    headers = [(b"Content-Type", b"application/json")]
    return Came("2026-01-01T00:00:00.000+00:00", 0.1, reply.status, headers, Body(content, 0.1), {})


def taken_in(replies: Sequence[Reply], record: Noting) -> None:
    """Let a pool take in what came at one moment, and raise what it raises."""

    async def go() -> None:
        endpoint = endpoint_at("http://127.0.0.1:9/v1")
        pool = _Pool(Client(endpoint, TOOLS), endpoint, iter(()), record, Stop())
        arrived = []
        for number, reply in enumerate(replies):
            request = next_request(dialogue(number), ())
            assert request is not None
            job = _Job(dialogue(number), [], request, request.encoded())
            arrived.append((job, Permit(0), Leave.GO, came(reply)))
        pool.take_in(arrived)

    asyncio.run(go())


def test_what_comes_with_a_refusal_is_kept() -> None:
    """One of four answers ends the run; it and the others, whichever side of it they came, are on record."""
    record = Noting()
    with pytest.raises(EndpointError, match="HTTP 401"):
        taken_in((HELLO, error_reply(401), HELLO, HELLO), record)
    assert [(each.key.case_id, each.failure) for each in record.responses] == [
        ("0", None),
        ("1", "endpoint_error"),
        ("2", None),
        ("3", None),
    ]


def test_what_comes_with_an_answer_that_shows_a_bug_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading one of four answers fails as nothing should: the three others, which were paid for, are on record."""
    parse = type(TOOLS).parse

    def broken(self: Dialect, message: JsonObject) -> Parsed:
        if message["content"] == "oh":
            raise ZeroDivisionError
        return parse(self, message)

    monkeypatch.setattr(type(TOOLS), "parse", broken)
    record = Noting()
    with pytest.raises(ZeroDivisionError):
        taken_in((HELLO, message_reply(content="oh"), HELLO, HELLO), record)
    assert [(each.key.case_id, each.failure) for each in record.responses] == [("0", None), ("2", None), ("3", None)]


def test_refusal_of_the_endpoint_stops_the_run_and_is_its_reason() -> None:
    """Other answers that were on their way are kept, and so is the refusal."""
    record, stop, refused = Noting(), Stop(), list[Received]()

    def script(received: Received) -> Reply:
        if received.json["messages"][0]["content"] == "no":
            refused.append(received)
            return error_reply(401)
        return replace(HELLO, delay_s=0.2) if refused else HELLO  # so that the refusal comes first

    cases = [case_of(row(case_id=str(number)), 1) for number in range(100)]
    cases[10] = case_of(row(case_id="10", messages=[{"role": "user", "content": "no"}]), 1)
    work = [(Dialogue(case, Variant(), 0, TOOLS, "m", {}), ()) for case in cases]
    with FakeEndpoint(script) as endpoint:
        asyncio.run(load("local").run(work, endpoint_at(endpoint.base_url), record, stop))
    assert isinstance(stop.reason, EndpointError)
    assert len(endpoint.received) == len(record.responses) <= 14
    assert [response.attempts[-1].status for response in record.responses].count(401) == 1
