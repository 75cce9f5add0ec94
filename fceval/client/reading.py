"""An answer read from aiohttp, piece by piece: unpacked, capped, and left when it brings nothing more."""

from __future__ import annotations

import asyncio
import time
from typing import Literal, NamedTuple

import aiohttp

from fceval.client.body import BodyReader
from fceval.client.deadlines import Limit
from fceval.client.sse import Streamed
from fceval.client.unpacking import BadEncodingError, Unpacker

LATE_S = 0.25
"""How long token counts are waited for behind the end marker of a stream."""
FINISHED_S = 5.0
"""How long the end marker is waited for behind the finish reason."""
_CHUNK_BYTES = 2**16


class SilenceError(Exception):
    """A stream that had begun brought no event for too long; the message says for how long."""


class Received(NamedTuple):
    """A body."""

    content: bytes | Streamed
    ended_s: float
    """When its last byte came, in seconds since the request."""


async def read(
    answer: aiohttp.ClientResponse, reader: BodyReader, sent_at: float, silence_s: float, limit: Limit
) -> Received:
    """Read a body to its end, or to where a stream needs no more.

    Args:
        answer: Of a session that leaves bodies packed.
        reader: Of the API that was asked.
        sent_at: When the request was sent, on the clock of `time.perf_counter`.
        silence_s: Longest time without an event once a stream has begun; comments are none.
        limit: Of the attempt, within which this is called.

    Raises:
        aiohttp.ClientError: The connection broke, and the body is no stream.
        BadEncodingError: The body is not what its content encoding says, and no stream.
        OSError: As `aiohttp.ClientError`.
        SilenceError: The stream brought nothing more, and has no whole answer.
        TooMuchError: The body is longer than what is read.
    """
    unpacker = Unpacker(answer.headers.get("Content-Encoding", ""))
    ended_s = time.perf_counter() - sent_at
    stage = _Stage(silence_s)
    how: Literal["eof", "reset"] = "eof"
    try:
        while packed := await answer.content.read(_CHUNK_BYTES):
            ended_s = time.perf_counter() - sent_at
            for content in unpacker.feed(packed):
                stage.enough = reader.feed(content, ended_s)
            if reader.is_stream and stage.moved(reader):
                limit.wait(stage.wait_s)
        unpacker.close()
    except asyncio.CancelledError:
        if not limit.has_expired:
            raise
        if not (reader.finished or stage.enough):
            if limit.at < limit.total_at:
                msg = f"the stream brought nothing for {silence_s:g} s"
                raise SilenceError(msg) from None
            raise
        answer.close()
    except (aiohttp.ClientError, BadEncodingError, OSError):
        if not reader.is_stream:
            raise
        how = "reset"
    return Received(reader.end(how), ended_s)


class _Stage:
    """How far a stream is, and how long it may then be silent."""

    def __init__(self, silence_s: float) -> None:
        self.wait_s = silence_s
        self.enough = False
        self._silence_s = silence_s
        self._events = 0

    def moved(self, reader: BodyReader) -> bool:
        """Whether the wait starts anew: with each event, and once each for the finish reason and the end marker."""
        known, self.wait_s = self.wait_s, LATE_S if self.enough else FINISHED_S if reader.finished else self._silence_s
        went_on = self.wait_s == self._silence_s and reader.events > self._events
        self._events = reader.events
        return went_on or self.wait_s != known
