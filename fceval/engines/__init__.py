"""Stage 3, ask: many requests. An engine is one file whose name is the option's name.

Engines push: the record is told, synchronously, of each request before it is sent and of each response as soon as it
is there, so that what was received is journalled before anything can cancel it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias, cast

from fceval import registry
from fceval.client.endpoint import Endpoint
from fceval.dialogue import Dialogue
from fceval.errors import FcevalError
from fceval.records import Attempt, Request, Response, Usage

Work: TypeAlias = Iterable[tuple[Dialogue, Sequence[Response]]]
"""Dialogues, each with the responses that are known of it already."""
GRACE_S = 10.0
"""How long requests in flight may take once nothing new is started, in seconds."""


class Record(Protocol):
    """Keeps what an engine does; what its methods raise stops the run."""

    async def admit(self, request: Request) -> None:
        """Wait until an attempt at a request fits into the budget.

        Raises:
            StoppedByBudget: It never will.
        """

    def sending(self, attempts: Sequence[tuple[Request, int]]) -> None:
        """Attempts at some requests go out now: each request with the number of its attempt, from 1."""

    def tried(self, request: Request, attempt: Attempt, usage: Usage) -> None:
        """It came back, or did not."""

    def answered(self, response: Response) -> None:
        """A request has its final outcome: the record takes it for good."""

    def noted(self, text: str) -> None:
        """Something that a person should know happened."""


class Stop:
    """Asks an engine to stop: first to start nothing new, then at once."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        """Make one that nothing has stopped yet.

        Args:
            grace_s: How long requests in flight may take once nothing new is started, in seconds.
        """
        self.grace_s = grace_s
        self.reason: FcevalError | None = None
        """What stopped the run; None where it was asked from outside or is still going."""
        self._draining = asyncio.Event()
        self._now = asyncio.Event()

    @property
    def draining(self) -> bool:
        """Whether nothing new is started."""
        return self._draining.is_set()

    def drain(self, reason: FcevalError | None = None) -> None:
        """Start nothing new; what is in flight may finish within the grace. Call it in the event loop."""
        if not self.draining:
            asyncio.get_running_loop().call_later(self.grace_s, self.now)
        self._draining.set()
        self.reason = self.reason or reason

    def now(self) -> None:
        """Give up what is in flight."""
        self._draining.set()
        self._now.set()

    async def drained(self) -> None:
        """Wait until nothing new is started."""
        await self._draining.wait()

    async def wait(self) -> None:
        """Wait until `now` was called."""
        await self._now.wait()


class Engine(Protocol):
    """Asks an endpoint for everything in `work`."""

    async def run(self, work: Work, endpoint: Endpoint, record: Record, stop: Stop) -> None:
        """Ask, until work is done or `stop` says so; `stop.reason` tells what the endpoint refused."""


def names() -> tuple[str, ...]:
    """Return the engines there are."""
    return registry.names(__name__)


def load(name: str) -> Engine:
    """Return an engine.

    Raises:
        ConfigError: There is none of that name.
    """
    return cast("Engine", registry.load(__name__, name))
