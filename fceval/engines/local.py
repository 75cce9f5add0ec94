"""A pool of asyncio workers in this process: as many as may be in flight, not one per case."""

from __future__ import annotations

import asyncio

from fceval.client.endpoint import Endpoint
from fceval.client.http import Client
from fceval.dialects import load
from fceval.dialogue import next_request
from fceval.engines import Emit, Engine, Stop, Work
from fceval.errors import FcevalError


class Local:
    """Runs everything in the calling process."""

    async def run(self, work: Work, endpoint: Endpoint, emit: Emit, stop: Stop) -> None:
        """Ask `work`, `endpoint.settings.concurrency` requests at a time."""
        # Workers take from one iterator; nothing is awaited inside it, so they cannot get in each other's way.
        rest = iter(work)
        async with Client(endpoint, load(endpoint.settings.dialect).path) as client:

            async def worker() -> None:
                for dialogue, known in rest:
                    history = list(known)
                    while not stop.draining and (request := next_request(dialogue, history)):
                        response = await client.send(request)
                        emit(response)
                        history.append(response)
                    if stop.draining:
                        return
                    await asyncio.sleep(0)  # passing over what is known already must not keep the others waiting

            async def guarded() -> None:
                try:
                    await worker()
                except FcevalError as error:
                    stop.drain(error)

            workers = [asyncio.create_task(guarded()) for _ in range(endpoint.settings.concurrency)]
            all_done = asyncio.create_task(asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION))
            told = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({all_done, told}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (told, all_done, *workers):
                    task.cancel()
                await asyncio.wait({told, all_done, *workers})
            bugs = [bug for task in workers if not task.cancelled() and (bug := task.exception())]
            if bugs:
                raise bugs[0]


PLUGIN: Engine = Local()
