"""The record of a run: what is begun is noted before it goes out, and no attempt escapes the budget."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fceval import __version__
from fceval.asking import _open_rows, _Record
from fceval.budget import BudgetSettings
from fceval.cases.rows import case_of
from fceval.cases.write import write_cases
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.config import RunConfig
from fceval.engines import Stop
from fceval.errors import LocalError, StoppedByBudget
from fceval.journal import Journal, JournalIndex
from fceval.records import Attempt, Key, NotMeasured, Request, Response, Usage
from fceval.runs import Run
from tests.case_rows import LEFT_OUT, row

BODY_TOKENS = 1_000
"""About what the answer to a request without a limit of its own is taken to have."""


@dataclass
class Told:
    """Who watches: keeps what it is told."""

    events: list[str] = field(default_factory=list)

    def started(self, folder: Path, planned: int, known: int) -> None:
        """Take no note."""

    def sending(self) -> None:
        """Note that an attempt goes out."""
        self.events.append("sending")

    def tried(self, attempt: Attempt) -> None:
        """Note how it came back."""
        self.events.append(f"tried {attempt.status}")

    def responded(self, response: Response, cost_usd: float | None = None) -> None:  # noqa: ARG002 -- no price here
        """Note whose response is there."""
        self.events.append(f"responded {response.key.case_id}")

    def passed(self) -> None:
        """Take no note."""

    def noted(self, text: str) -> None:
        """Note it."""
        self.events.append(text)

    def stopping(self, grace_s: float) -> None:
        """Take no note."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Give an empty journal."""
    with Journal(tmp_path / "journal.jsonl") as opened:
        yield opened


def recording(journal: Journal, told: Told, stop: Stop | None = None, **budget: float) -> _Record:
    """Return the record of a run with a budget."""
    settings = EndpointSettings(base_url="http://127.0.0.1:9/v1", model="m")
    config = RunConfig(endpoint=settings, budget=BudgetSettings(**budget))  # type: ignore[arg-type]  # whole numbers
    run = Run(journal.path.parent, config, {})
    return _Record(run, Endpoint(settings, settings.base_url, None), journal, told, stop or Stop())


def request(case_id: str, step: int = 0) -> Request:
    """Return a small request."""
    return Request(Key(case_id, "default", 0, 0, step), {"model": "m", "messages": []})


def attempt(status: int | None = 200, failure: NotMeasured | None = None) -> Attempt:
    """Return an attempt."""
    return Attempt(
        started_at="2026-01-01T00:00:00.000+00:00", latency_s=0.1, ttft_s=None, status=status, failure=failure
    )


def response(asked: Request) -> Response:
    """Return an answer."""
    message = {"role": "assistant", "content": "Hello"}
    return Response(asked.key, "f", message, "stop", Usage(10, 5), "m", (), (attempt(),))


def test_request_is_in_the_journal_before_it_goes_out(journal: Journal) -> None:
    """Once, whatever number of attempts it takes; what began and did not end is counted as possibly billed.

    What goes out together is noted together.
    """
    told = Told()

    async def go() -> None:
        record = recording(journal, told)
        first, second = request("a"), request("b")
        record.sending([(first, 1)])
        record.sending([(first, 2), (second, 1)])
        assert counted(journal) == (0, 2)
        record.answered(response(first))
        await asyncio.sleep(0)
        assert counted(journal) == (1, 1)

    asyncio.run(go())
    assert told.events == ["sending", "sending", "sending", "responded a"]


def counted(journal: Journal) -> tuple[int, int]:
    """Return how many responses are in a journal's file, and how many requests without one."""
    with JournalIndex(journal.path) as index:
        return len(index), index.possibly_billed


def test_answers_are_written_together_and_no_later_than_the_next_request(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what goes out next, or else with the others that came in the same turn of the event loop."""
    writes: list[bytes] = []
    real = os.pwrite

    def pwrite(file: int, content: bytes, offset: int) -> int:
        writes.append(content)
        return real(file, content, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)

    async def go() -> None:
        record = recording(journal, Told())
        for name in "ab":
            record.answered(response(request(name)))
        assert not writes
        record.sending([(request("c"), 1)])
        assert (len(writes), counted(journal)) == (1, (2, 1))
        for name in "cd":
            record.answered(response(request(name)))
        await asyncio.sleep(0)
        assert (len(writes), counted(journal)) == (2, (4, 0))
        record.answered(response(request("e")))
        await asyncio.sleep(0)
        assert (len(writes), counted(journal)) == (3, (5, 0))

    asyncio.run(go())


def test_run_drains_where_answers_cannot_be_written(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing new is begun, and the answers are still there to be written once there is room."""

    def full(file: int, content: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def go() -> Stop:
        stop = Stop()
        record = recording(journal, Told(), stop)
        with monkeypatch.context() as patched:
            patched.setattr(os, "pwrite", full)
            record.answered(response(request("a")))
            await asyncio.sleep(0)
        assert stop.draining
        return stop

    assert isinstance(asyncio.run(go()).reason, LocalError)
    assert (journal.unwritten, counted(journal)) == (1, (0, 0))
    journal.settle()
    assert (journal.unwritten, counted(journal)) == (0, (1, 0))


def test_only_turns_count_as_responses(journal: Journal) -> None:
    """A turn of several steps is planned as one response."""
    told = Told()

    async def go() -> None:
        record = recording(journal, told)
        for step in range(3):
            record.answered(response(request("a", step)))

    asyncio.run(go())
    assert told.events == ["responded a"]


def test_attempt_waits_for_one_in_flight_that_may_leave_room(journal: Journal) -> None:
    """Two fit by what they may take; the third fits once the first turns out to have taken next to nothing."""

    async def go() -> list[str]:
        order: list[str] = []
        record = recording(journal, Told(), max_tokens=2.2 * BODY_TOKENS)
        asked = [request(name) for name in "abc"]

        async def admit(number: int) -> None:
            await record.admit(asked[number])
            order.append(asked[number].key.case_id)

        await admit(0)
        await admit(1)
        third = asyncio.create_task(admit(2))
        await asyncio.sleep(0)
        order.append("settled")
        record.tried(asked[0], attempt(), Usage(10, 5))
        await asyncio.wait_for(third, 5)
        return order

    assert asyncio.run(go()) == ["a", "b", "settled", "c"]


@pytest.mark.parametrize(
    ("tried", "is_paid"),
    [
        (attempt(500, "endpoint_error"), False),
        (attempt(429, "rate_limited"), False),
        (attempt(None, "endpoint_error"), True),
        (attempt(None, "timed_out"), True),
        (attempt(200, "endpoint_error"), True),
    ],
)
def test_failure_costs_what_it_may_have_cost(journal: Journal, tried: Attempt, is_paid: bool) -> None:  # noqa: FBT001 -- a column
    """A refusal is free; an answer lost on its way was perhaps made, and is taken to have cost its estimate."""

    async def go() -> None:
        record = recording(journal, Told(), max_tokens=1.5 * BODY_TOKENS)
        await record.admit(request("a"))
        record.tried(request("a"), tried, Usage())
        await asyncio.wait_for(record.admit(request("a")), 5)

    if is_paid:
        with pytest.raises(StoppedByBudget, match="max_tokens"):
            asyncio.run(go())
    else:
        asyncio.run(go())


def test_every_attempt_is_a_request(journal: Journal) -> None:
    """Two attempts at one request, and the two that were allowed are spent."""

    async def go() -> None:
        record = recording(journal, Told(), max_requests=2)
        for _ in range(3):
            await asyncio.wait_for(record.admit(request("a")), 5)
            record.tried(request("a"), attempt(500, "endpoint_error"), Usage())

    with pytest.raises(StoppedByBudget, match="all 2 requests are sent"):
        asyncio.run(go())


@pytest.mark.parametrize(
    ("version", "dialect", "rows"),
    [(__version__, "tools", [[2, 3], [1, 2, 3]]), (__version__, "functions", [None] * 2), ("0", "tools", [None] * 2)],
)
def test_answered_cases_are_passed_over_where_nothing_can_ask_otherwise(
    journal: Journal, version: str, dialect: str, rows: list[list[int] | None]
) -> None:
    """Single turns of which each trial was measured; another version, or a dialect that asks in steps, looks closer."""
    turns = [{"messages": row()["messages"], "expected": []}] * 2
    several = row(case_id="c", messages=LEFT_OUT, expected=LEFT_OUT, turns=turns)
    cases = [case_of(fields, 1) for fields in (row(case_id="a"), row(case_id="b"), several)]
    write_cases(journal.path.parent / "cases.parquet", cases)
    for case_id in ("a", "c"):
        journal.append(response(request(case_id)))
    journal.append(response(request("b"))._replace(message=None))
    settings = EndpointSettings(base_url="http://127.0.0.1:9/v1", model="m", dialect=dialect)
    with JournalIndex(journal.path) as index:
        for trials, wanted in zip((1, 2), rows, strict=True):
            run = Run(journal.path.parent, RunConfig(endpoint=settings, trials=trials), {"fceval_version": version})
            found = _open_rows(run, index)
            assert (None if found is None else list(found)) == wanted
