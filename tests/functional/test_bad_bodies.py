"""Bodies that no endpoint should send: each has its class and its bound, and the next request goes through."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from fceval.client import retry
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.http import Client
from fceval.dialects import load
from fceval.records import Attempt, Key, Request, Response
from tests.byte_server import read_request, server
from tests.fake_endpoint import message_reply

MIB = 2**20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n%s\r\n"
HELLO = message_reply(content="Hello").content()
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
TIME_LIMIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Body:
    """A body as it goes over the wire."""

    pieces: Callable[[], Iterator[bytes]]
    """HTTP chunks, without end where the body has none."""
    kind: bytes = b"application/json"
    header: bytes = b""
    """One more header line."""
    ends: bool = True
    """Whether the last chunk says that it was the last one."""


def event(delta: dict[str, Any] | None = None, finish_reason: str | None = None) -> bytes:
    """Return a chunk of a streamed answer."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return b"data: " + json.dumps({**CHUNK, "choices": [choice]}).encode() + b"\n\n"


def whole(content: bytes, header: bytes = b"", *, ends: bool = True) -> Body:
    """Return a body that is sent at once."""
    return Body(lambda: iter([content]), header=header, ends=ends)


def stream(*pieces: bytes, ends: bool = True) -> Body:
    """Return a stream of events that is sent piece by piece."""
    return Body(lambda: iter(pieces), b"text/event-stream", ends=ends)


def bomb(piece: bytes, times: int, kind: bytes = b"application/json") -> Body:
    """Return so many times the same as gzip; it is packed when it is sent, and is never whole in memory."""

    def pieces() -> Iterator[bytes]:
        packer = zlib.compressobj(wbits=31)
        yield b"".join([*(packer.compress(piece) for _ in range(times)), packer.flush()])

    return Body(pieces, kind, GZIP)


def endless(piece: bytes) -> Body:
    """Return a stream that never ends."""
    return Body(lambda: repeat(piece), b"text/event-stream")


GZIP = b"Content-Encoding: gzip\r\n"
DEFLATE = b"Content-Encoding: deflate\r\n"
START = event({"role": "assistant", "content": "Hel"})
END = event({"content": "lo"}, "stop") + b"data: [DONE]\n\n"

ANSWERS: dict[str, Body] = {
    "gzip": whole(gzip.compress(HELLO), GZIP),
    "deflate": whole(zlib.compress(HELLO), DEFLATE),
    "deflate without its header": whole(zlib.compress(HELLO)[2:-4], DEFLATE),
    "gzip in two members": whole(gzip.compress(HELLO[:50]) + gzip.compress(HELLO[50:]), GZIP),
    "stream in gzip": Body(lambda: iter([gzip.compress(START + END)]), b"text/event-stream", GZIP),
    "charset that is none": Body(lambda: iter([HELLO]), b"application/json; charset=bogus"),
    "page that is none": Body(lambda: iter([HELLO]), b"text/html"),
    "BOM": whole(b"\xef\xbb\xbf" + HELLO),
    "number of 5,000 digits": whole(HELLO[:-1] + b', "x": ' + b"9" * 5_000 + b"}"),
    "no UTF-8 beside the message": whole(HELLO[:-1] + b', "x": "\xff\xed\xa0\x80"}'),
    "deep JSON beside the message": whole(HELLO[:-1] + b', "x": ' + b"[" * 100 + b"]" * 100 + b"}"),
    "stream with BOM": stream(b"\xef\xbb\xbf" + START, END),
    "event of 300 KB": stream(event({"role": "assistant", "reasoning_content": "x" * 300_000}), START, END),
    "event in single bytes": stream(*(bytes([byte]) for byte in START + END)),
    "broken off after the finish reason": stream(START, event({"content": "lo"}, "stop"), ends=False),
    "open after the end marker": Body(lambda: iter([START, END, b": ping\n" * 3]), b"text/event-stream", ends=False),
    "flood after the end marker": Body(
        lambda: (each for piece in ([START, END], repeat(b": x\n" * 16_384)) for each in piece), b"text/event-stream"
    ),
}
"""What an answer can be read from."""

FAILURES: dict[str, tuple[Body, str, str]] = {
    "9 MiB": (whole(b" " * (9 * MIB)), "endpoint_error", "the answer is longer than 8 MiB"),
    "without end": (Body(lambda: repeat(b" " * 65_536)), "endpoint_error", "the answer is longer than 8 MiB"),
    "bomb": (bomb(b" " * MIB, 200), "endpoint_error", "the answer is longer than 8 MiB"),
    "bomb in a stream": (
        bomb(b":" + b" " * MIB + b"\n", 30, b"text/event-stream"),
        "endpoint_error",
        "more than 200 times its size",
    ),
    "line without end": (
        Body(lambda: (each for piece in ([b"data: "], repeat(b"x" * 65_536)) for each in piece), b"text/event-stream"),
        "endpoint_error",
        "an event of the stream is longer than 4 MiB",
    ),
    "a million tiny events": (
        Body(lambda: repeat(b"data: {}\n\n" * 1_000, 1_000), b"text/event-stream"),
        "endpoint_error",
        "the stream has more than 200000 events",
    ),
    "events without end": (endless(event({"content": "x" * 30_000})), "endpoint_error", "longer than 8 MiB"),
    "calls without end": (
        endless(event({"tool_calls": [{"id": f"call_{number}", "function": {"name": "f"}} for number in range(99)]})),
        "endpoint_error",
        "the answer is longer than 8 MiB",
    ),
    "lines without end": (endless((b":" + b" " * 9_999 + b"\n") * 6), "endpoint_error", "longer than 32 MiB"),
    "comments for ever": (Body(lambda: iter([START]), b"text/event-stream"), "timed_out", "brought nothing for"),
    "no JSON": (whole(b"\x00\xff"), "endpoint_error", "the body is not valid JSON"),
    "cut JSON": (whole(HELLO[:-5]), "endpoint_error", "the body is not valid JSON"),
    "cut by the connection": (whole(HELLO[:-5], ends=False), "endpoint_error", "the connection failed: "),
    "deep JSON": (whole(b"[" * 100_000), "endpoint_error", "nested deeper than 128 levels"),
    "deep event": (stream(b"data: " + b"[" * 100_000 + b"\n\n"), "endpoint_error", "nested deeper than 128 levels"),
    "cut gzip": (whole(gzip.compress(HELLO)[:-9], GZIP), "endpoint_error", "the gzip body is cut off"),
    "no gzip": (whole(HELLO, GZIP), "endpoint_error", "the body is not gzip, as its header says"),
    "gzip unsaid": (whole(gzip.compress(HELLO)), "endpoint_error", "the body is not valid JSON"),
    "cut within a line": (stream(START, b'data: {"id"'), "endpoint_error", "no finish reason came"),
    "cut within a character": (
        stream(START, b'data: {"x": "\xe5\xa4', ends=False),
        "endpoint_error",
        "the connection broke",
    ),
}
"""What no answer can be read from: the body, the class, and what a person is told."""


def request(**fields: object) -> Request:
    """Return a small request."""
    body: dict[str, Any] = {"model": "m", "messages": [], **fields}
    return Request(Key("a", "default", 0, 0, 0), body)


def sent(body: Body) -> tuple[Response, Response]:
    """Send a request that gets this body, and then one that gets a good one, by one client."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await read_request(reader)
            good = b'"good"' in asked
            given = whole(HELLO) if good else body
            writer.write(HEAD % (given.kind, given.header))
            async for piece in _paced(given, slowly=given is FAILURES["comments for ever"][0]):
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
            if not given.ends:
                return
            writer.write(b"0\r\n\r\n")

    async def run() -> tuple[Response, Response]:
        async with server(handler) as base_url:
            settings = EndpointSettings(base_url=base_url, model="m", timeout_s=TIME_LIMIT_S * 120, max_attempts=1)
            if body is FAILURES["comments for ever"][0]:
                settings = EndpointSettings(base_url=base_url, model="m", timeout_s=TIME_LIMIT_S, max_attempts=1)
            async with Client(Endpoint(settings, base_url, None), load("tools")) as client:
                return await client.send(request(stream=True)), await client.send(request(user="good"))

    return asyncio.run(run())


async def _paced(body: Body, *, slowly: bool) -> AsyncIterator[bytes]:
    for piece in body.pieces():
        yield piece
    while slowly:
        yield b": ping\n\n"
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_is_read(name: str) -> None:
    """Odd as the body is, the model's answer is whole."""
    response, after = sent(ANSWERS[name])
    assert response.message, response.attempts
    assert (response.message["content"], response.finish_reason) == ("Hello", "stop")
    assert after.message


@pytest.mark.untraced
@pytest.mark.parametrize("name", FAILURES)
def test_failure_has_class_and_bounds(name: str) -> None:
    """The class, one line for a person, bounded memory, and the next request goes through."""
    body, failure, detail = FAILURES[name]
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # begins a new peak
    before = peak_bytes()
    response, after = sent(body)
    assert peak_bytes() - before < 64 * MIB
    (attempt,) = response.attempts
    assert (response.message, attempt.failure) == (None, failure), attempt
    assert detail in attempt.detail
    assert after.message, "the connection or the slot was not given back"


def peak_bytes() -> int:
    """Return the most memory that this process has had at one time."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_broken_answer_is_asked_for_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that comes broken twice over is likely to stay so, whatever `max_attempts` allows."""
    monkeypatch.setattr(retry, "_FIRST_WAIT_S", 0.001)
    asked = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while True:
            await read_request(reader)
            asked += 1
            writer.write(HEAD % (b"text/event-stream", b"") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(START), START))

    async def run() -> tuple[Attempt, ...]:
        async with server(handler) as base_url:
            endpoint = Endpoint(EndpointSettings(base_url=base_url, model="m", max_attempts=9), base_url, None)
            async with Client(endpoint, load("tools")) as client:
                return (await client.send(request(stream=True))).attempts

    attempts = asyncio.run(run())
    assert (asked, len(attempts)) == (3, 3)
    assert {attempt.irregularities for attempt in attempts} == {("stream_truncated",)}
