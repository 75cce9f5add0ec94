"""Stage 3, ask: many requests. An engine is one file whose name is the option's name.

Engines push: `emit` is called, synchronously, with each response as soon as it is there, so that what was received
is journalled before anything can cancel it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias, cast

from fceval import registry
from fceval.client.endpoint import Endpoint
from fceval.dialogue import Dialogue
from fceval.errors import FcevalError
from fceval.records import Response

Work: TypeAlias = Iterable[tuple[Dialogue, Sequence[Response]]]
"""Dialogues, each with the responses that are known of it already."""
Emit: TypeAlias = Callable[[Response], None]
"""Takes a response for good; what it raises stops the run."""


GRACE_S = 10.0
"""How long requests in flight may take once nothing new is started, in seconds."""


class Stop:
    """Asks an engine to stop: first to start nothing new, then at once."""

    def __init__(self) -> None:
        self.reason: FcevalError | None = None
        """What stopped the run; None where it was asked from outside or is still going."""
        self.draining = False
        """Nothing new is started."""
        self._now = asyncio.Event()

    def drain(self, reason: FcevalError | None = None) -> None:
        """Start nothing new; what is in flight may finish within `GRACE_S`. Call it in the event loop."""
        if not self.draining:
            asyncio.get_running_loop().call_later(GRACE_S, self.now)
        self.draining = True
        self.reason = self.reason or reason

    def now(self) -> None:
        """Give up what is in flight."""
        self.draining = True
        self._now.set()

    async def wait(self) -> None:
        """Wait until `now` was called."""
        await self._now.wait()


class Engine(Protocol):
    """Asks an endpoint for everything in `work`."""

    async def run(self, work: Work, endpoint: Endpoint, emit: Emit, stop: Stop) -> None:
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
