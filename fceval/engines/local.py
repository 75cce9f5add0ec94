"""A pool of asyncio workers in this process: as many as may be in flight, not one per case.

A worker takes what is due: a request that is to be tried again, else the next one of its dialogue, else a new
dialogue. A request that has to wait before it is tried again waits in a queue of its own, never in a worker, and
passes the pace again like any other. While as many wait as there are workers nothing new is begun: an endpoint that is
down must not gather the whole dataset in memory.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TypeAlias

from fceval.budget import completion_limit
from fceval.client.breaker import Breaker, Leave
from fceval.client.endpoint import Endpoint
from fceval.client.http import Came, Client, Tried
from fceval.client.limits import Pace, Permit
from fceval.client.outcome import Answered, Failed
from fceval.client.retry import Patience, next_step
from fceval.dialects import load
from fceval.dialogue import Dialogue, next_request
from fceval.engines import Engine, Record, Stop, Work
from fceval.engines._slices import AT_ONCE, Slices
from fceval.engines._together import Together, for_each
from fceval.errors import EndpointDown, EndpointError, FcevalError
from fceval.records import Attempt, Request, Response

_IDLE_S = 1.0
"""How long a worker without work sleeps at most: another one may have found some, or the pace may have grown."""
_TRYING_POLL_S = 0.1


@dataclass(slots=True)
class _Job:
    """A request of a dialogue, and what became of it so far."""

    dialogue: Dialogue
    history: list[Response]
    request: Request
    body: bytes
    attempts: list[Attempt] = field(default_factory=list)
    begun_at: float = 0.0
    """When the first attempt was sent, on the pool's clock."""
    answered_before: int = 0
    """How many requests of the run had been answered then."""
    tried: Tried | None = None
    """What came of the attempt that is to be noted now; None where there is none."""


_Arrived: TypeAlias = tuple[_Job, Permit, Leave, Came]
"""What was sent, by whose leave, and what came of it."""


class Local:
    """Runs everything in the calling process."""

    async def run(self, work: Work, endpoint: Endpoint, record: Record, stop: Stop) -> None:
        """Ask `work`, `endpoint.settings.concurrency` requests at a time."""
        async with Client(endpoint, load(endpoint.settings.dialect)) as client:
            pool = _Pool(client, endpoint, iter(work), record, stop)
            workers = [asyncio.create_task(pool.work()) for _ in range(endpoint.settings.concurrency)]
            all_done = asyncio.create_task(asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION))
            draining, told = asyncio.create_task(stop.drained()), asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({all_done, draining, told}, return_when=asyncio.FIRST_COMPLETED)
                for worker in set(workers) - pool.sending:
                    worker.cancel()
                await asyncio.wait({all_done, told}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (draining, told, all_done, *workers):
                    task.cancel()
                await asyncio.wait({draining, told, all_done, *workers})
            pool.give_up_waiting()
            bugs = [bug for task in workers if not task.cancelled() and (bug := task.exception())]
            if bugs:
                raise bugs[0]


class _Pool:
    """What the workers share."""

    def __init__(
        self,
        client: Client,
        endpoint: Endpoint,
        rest: Iterator[tuple[Dialogue, Sequence[Response]]],
        record: Record,
        stop: Stop,
    ) -> None:
        settings = endpoint.settings
        self.sending: set[asyncio.Task[None]] = set()
        """Workers whose request is on its way: they may finish when the run drains."""
        self._client = client
        self._settings = settings
        self._rest = rest
        self._record = record
        self._stop = stop
        self._pace = Pace(settings.rpm, settings.tpm, burst=settings.burst)
        self._breaker = Breaker(settings.breaker, settings.breaker_pause_s)
        self._patience = Patience(settings.max_attempts, settings.max_case_s)
        self._draw = random.Random()  # noqa: S311 -- jitter
        self._waiting: list[tuple[float, int, _Job]] = []
        """Heap of (when it is due, order of arrival, what waits)."""
        self._number = count()
        self._slices = Slices()
        self._ready: deque[_Job] = deque()
        """First requests of dialogues, made together and not begun."""
        self._ahead = min(AT_ONCE, settings.concurrency)
        self._departing = Together(record.sending, settings.concurrency)
        self._arriving = Together(self.take_in, settings.concurrency)
        self._is_exhausted = False
        """No dialogue is left that was not begun."""
        self._busy = 0
        """Workers that have a request, or look for one."""
        self._answered = 0

    async def work(self) -> None:
        """Try what is due until nothing is left, or until the run drains."""
        try:
            while not self._stop.draining:
                if self._busy < self._width and await self._try_one():
                    continue
                if self._is_exhausted and not self._waiting:
                    return
                await asyncio.sleep(self._idle_s())
        except FcevalError as error:
            self._stop.drain(error)

    def give_up_waiting(self) -> None:
        """Note the failures of what still waits to be tried again: nothing that was asked goes unrecorded."""
        for _, _, job in self._waiting:
            try:
                self._note_failure(job)
            except FcevalError as error:  # the record keeps what it cannot write now
                self._stop.drain(error)

    # --- what is next -----------------------------------------------------------------------------------------

    @property
    def _width(self) -> int:
        """How many requests may be in flight: an endpoint that refuses some for their rate wants fewer."""
        return max(1, int(self._settings.concurrency * self._pace.share))

    async def _try_one(self) -> bool:
        """Send what is due, and return whether anything was."""
        self._busy += 1
        try:
            job = await self._next()
            if job is not None:
                await self._send(job)
            return job is not None
        finally:
            self._busy -= 1

    async def _next(self) -> _Job | None:
        if self._waiting:
            if self._waiting[0][0] <= time.monotonic():
                return heapq.heappop(self._waiting)[2]
            if len(self._waiting) >= self._settings.concurrency:
                return None
        return None if self._is_exhausted else await self._fresh()

    def _idle_s(self) -> float:
        due_s = self._waiting[0][0] - time.monotonic() if self._waiting else _IDLE_S
        # What is due while the endpoint wants less is for a worker that is busy now.
        return min(_IDLE_S, due_s) if due_s > 0 else _IDLE_S if self._busy >= self._width else 0.0

    async def _fresh(self) -> _Job | None:
        await self._slices.take()
        while not self._ready:
            some = [(dialogue, list(known)) for dialogue, known in islice(self._rest, self._ahead)]
            if not some:
                self._is_exhausted = True
                return None
            requests = [(*each, request) for each in some if (request := next_request(*each))]
            self._ready += [self._job(*each) for each in requests]
            if not requests and self._slices.is_over:
                await self._slices.take()
        return self._ready.popleft()

    def _job(self, dialogue: Dialogue, history: list[Response], request: Request) -> _Job:
        return _Job(dialogue, history, request, request.encoded())

    def _later(self, job: _Job, wait_s: float) -> None:
        heapq.heappush(self._waiting, (time.monotonic() + wait_s, next(self._number), job))

    # --- one attempt ------------------------------------------------------------------------------------------

    async def _send(self, job: _Job) -> None:
        try:
            permit, leave = await self._leave(job)
        except (asyncio.CancelledError, FcevalError):
            self._note_failure(job)
            raise
        worker = asyncio.current_task()
        if self._stop.draining or worker is None:
            self._breaker.gave_up(leave)
            self._note_failure(job)
            return
        if not job.attempts:
            job.begun_at, job.answered_before = time.monotonic(), self._answered
        self.sending.add(worker)
        try:
            await self._departing.do((job.request, len(job.attempts) + 1))
            came = await self._client.exchange(job.body, len(job.attempts) + 1, permit.waited)
            await self._arriving.do((job, permit, leave, came))
        finally:
            self.sending.discard(worker)

    async def _leave(self, job: _Job) -> tuple[Permit, Leave]:
        """Wait for the budget, the breaker and the pace."""
        await self._record.admit(job.request)
        limit = None if self._settings.tpm is None else completion_limit(job.request.body)
        while True:
            if self._breaker.is_open:
                await self._sit_out_breaker()
            permit = await self._pace.admit(len(job.body), limit)
            if (leave := self._breaker.leave(time.monotonic())) is not Leave.WAIT:
                return permit, leave

    async def _sit_out_breaker(self) -> None:
        while not self._breaker.may_ask(time.monotonic()):  # noqa: ASYNC110 -- the clock ends it, too
            await asyncio.sleep(max(_TRYING_POLL_S, self._breaker.wait_s(time.monotonic())))

    def take_in(self, arrived: Sequence[_Arrived]) -> None:
        """Note what came back, and go on with it; what goes wrong with one of them is told when all of it is noted."""
        try:
            for_each(self._read, arrived)
        finally:  # not even a bug in reading one of them may cost the answers that came beside it
            for_each(self._note, arrived)

    def _read(self, arrived: _Arrived) -> None:
        job, _, _, came = arrived
        job.tried = self._client.tried(job.request, came)

    def _note(self, arrived: _Arrived) -> None:
        job, permit, leave, _ = arrived
        tried, job.tried = job.tried, None
        if tried is None:
            return
        job.attempts.append(tried.attempt)
        self._learn(permit, tried)
        self._record.tried(job.request, tried.attempt, tried.usage)
        self._conclude(job, tried, leave)

    def _learn(self, permit: Permit, tried: Tried) -> None:
        self._pace.observe(permit, tried.attempt.status, tried.headers)
        self._pace.settle(permit, tried.usage.prompt_tokens, tried.usage.completion_tokens)

    def _conclude(self, job: _Job, tried: Tried, leave: Leave) -> None:
        result = tried.result
        if isinstance(result, Answered):
            self._answered += 1
            self._breaker.answered()
            self._end(job, self._client.response(job.request, result, job.attempts))
            return
        try:
            wait_s = self._wait_s(job, tried.attempt, result, leave)
        except FcevalError:  # the run stops: what it stops at is on record, too
            self._note_failure(job)
            raise
        if wait_s is not None:
            self._later(job, wait_s)
        else:
            self._end(job, self._client.response(job.request, None, job.attempts))

    def _wait_s(self, job: _Job, attempt: Attempt, result: Failed, leave: Leave) -> float | None:
        """Return when to try again after a failed attempt, in seconds; None: there is no next one.

        Raises:
            EndpointError: No request will fare better.
            EndpointDown: None will for now.
        """
        if self._client.refuses(result):
            raise EndpointError(self._client.advice(result.detail))
        self._blame(attempt, result, leave)
        elapsed_s = time.monotonic() - job.begun_at
        others_pass = self._answered > job.answered_before
        step = next_step(result, job.attempts, elapsed_s, self._patience, self._draw, others_pass=others_pass)
        if step.stops_run:
            raise EndpointDown(self._client.advice(step.why))
        return step.wait_s

    def _blame(self, attempt: Attempt, result: Failed, leave: Leave) -> None:
        """Tell the breaker whose failure it is: what will never pass is the request's, the rest the endpoint's."""
        if not result.retryable:
            self._breaker.answered()
            return
        was_open = self._breaker.is_open
        self._breaker.failed(f"{result.failure} {attempt.status}", leave, time.monotonic())
        if self._breaker.tripped:
            raise EndpointDown(self._client.advice(f"fails every time: {result.detail}"))
        if self._breaker.is_open and not was_open:
            times = f"{self._settings.breaker} times in a row: {result.detail}"
            self._record.noted(f"{times}; nothing is sent for {self._settings.breaker_pause_s:g} s")

    def _end(self, job: _Job, response: Response) -> None:
        self._record.answered(response)
        job.history.append(response)
        if (request := next_request(job.dialogue, job.history)) is not None:
            self._later(self._job(job.dialogue, job.history, request), 0.0)

    def _note_failure(self, job: _Job) -> None:
        if job.attempts:
            self._record.answered(self._client.response(job.request, None, job.attempts))
            job.attempts = []


PLUGIN: Engine = Local()
