"""Reading from a socket: how long a stream is waited for, and when it is left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import pytest

from fceval.client import reading
from fceval.client.http import Client
from fceval.records import Key, Request, Response
from tests.byte_server import read_request, server

ClientOf = Callable[..., Client]
Script: TypeAlias = Sequence[bytes | float]
"""Pieces, and pauses between them in seconds."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(finish_reason: str | None = None, **delta: object) -> bytes:
    """Return a chunk of a chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({'model': 'm', 'choices': [choice]})}\n\n".encode()


HELLO, STOP, DONE = event(content="Hello"), event("stop"), b"data: [DONE]\n\n"
LATE = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 1}}\n\n'


def pings(piece: bytes) -> list[bytes | float]:
    """Return a piece that comes again and again, for longer than any of the limits here."""
    return [0.05, piece] * 100


def sent(client_of: ClientOf, script: Script, *, ends: bool = True, **settings: object) -> Response:
    """Return what comes of an answer that is sent in pieces, and then ends or stays open."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(HEAD)
        for each in script:
            if isinstance(each, float):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1), each)
                    return  # the client has gone
            else:
                writer.write(b"%x\r\n%s\r\n" % (len(each), each))
                await writer.drain()
        if ends:
            writer.write(b"0\r\n\r\n")
        await reader.read()  # until the client goes

    async def run() -> Response:
        async with server(handler) as base_url, client_of(base_url, max_attempts=1, **settings) as client:
            return await client.send(Request(Key("a", "default", 0, 0, 0), {"model": "m", "stream": True}))

    return asyncio.run(run())


def test_times_are_measured_as_pieces_arrive(client_of: ClientOf) -> None:
    """To the first text, to the first piece of a call, to the last byte."""
    call = event(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}])
    response = sent(client_of, [event(role="assistant"), 0.1, HELLO, 0.1, call, 0.1, event("tool_calls"), DONE])
    (attempt,) = response.attempts
    assert attempt.ttft_s is not None
    assert attempt.first_call_s is not None
    assert 0.1 <= attempt.ttft_s <= attempt.first_call_s - 0.05
    assert attempt.first_call_s <= attempt.latency_s - 0.05


def test_late_token_counts_are_waited_for_but_not_long(client_of: ClientOf) -> None:
    """A connection that stays open after the end marker holds nobody up, and the wait is no latency."""
    response = sent(client_of, [HELLO, STOP, DONE, 0.05, LATE], ends=False)
    assert response.usage.prompt_tokens == 7
    assert "usage_after_done" in response.irregularities
    started = time.monotonic()
    response = sent(client_of, [HELLO, STOP, DONE, 60.0, LATE], ends=False)
    assert time.monotonic() - started < 30.0
    assert response.message
    assert response.usage.prompt_tokens is None
    assert response.attempts[0].latency_s < reading.LATE_S


def test_end_marker_that_never_comes_is_given_up(client_of: ClientOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finish reason is there: the answer is whole, though comments go on for ever."""
    monkeypatch.setattr(reading, "FINISHED_S", 0.2)
    script: Script = [HELLO, STOP, *pings(b': ping\n\ndata: {"type": "ping"}\n\n')]
    response = sent(client_of, script, ends=False, timeout_s=60)
    assert response.message == {"role": "assistant", "content": "Hello"}
    assert "done_missing" in response.irregularities


def test_silence_within_a_stream_has_its_limit(client_of: ClientOf) -> None:
    """Half of the time limit, once it has begun; comments break no silence."""
    response = sent(client_of, [HELLO, *pings(b": ping\n\n")], ends=False, timeout_s=0.6)
    (attempt,) = response.attempts
    assert (attempt.failure, attempt.detail) == ("timed_out", "the stream brought nothing for 0.3 s")


def test_stream_that_has_not_begun_has_the_whole_time_limit(client_of: ClientOf) -> None:
    """A queue may last, and tell so by comments."""
    response = sent(client_of, pings(b": queued\n\n"), ends=False, timeout_s=0.4)
    (attempt,) = response.attempts
    assert (attempt.failure, attempt.detail) == ("timed_out", "no answer within 0.4 s")


def test_steady_stream_is_cut_off_by_the_time_limit_only(client_of: ClientOf) -> None:
    """Progress renews the silence, not the whole."""
    response = sent(client_of, [HELLO, 0.05] * 100, ends=False, timeout_s=0.5)
    assert response.attempts[0].detail == "no answer within 0.5 s"
