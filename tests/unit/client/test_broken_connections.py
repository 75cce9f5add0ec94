"""A connection that breaks: what a person is told of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest

from fceval.client.http import Client
from fceval.records import Key, Request, Response
from tests.byte_server import read_request, server
from tests.fake_endpoint import message_reply

ClientOf = Callable[..., Client]

ANSWER = message_reply(content="Hello").content()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER


def request(content: str = "x") -> Request:
    """Return a request with one message."""
    return Request(Key("a", "default", 0, 0, 0), {"model": "m", "messages": [{"role": "user", "content": content}]})


@pytest.mark.parametrize("said", [b"", b"no HTTP at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000, OK[:-1]])
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_connection_that_breaks_is_told_without_the_url(client_of: ClientOf, said: bytes, size: int) -> None:
    """Whether it breaks before, in or after the request: what aiohttp says then holds the URL, or is a class's name."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()

    async def ask() -> Response:
        async with server(handler) as base_url, client_of(f"{base_url}/SECRET", max_attempts=1) as client:
            return await client.send(request("x" * size))

    (attempt,) = asyncio.run(ask()).attempts
    assert attempt.detail.startswith("the connection failed: ")
    assert not re.search("SECRET|://|Error", attempt.detail), attempt.detail


def test_kept_connection_that_closes_is_told_without_the_url(client_of: ClientOf) -> None:
    """It may close while the next request is written; what aiohttp says then holds the URL."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    async def ask() -> list[Response]:
        async with server(handler) as base_url, client_of(f"{base_url}/SECRET", max_attempts=1) as client:
            return [await client.send(request()) for _ in range(100)]

    details = {attempt.detail for response in asyncio.run(ask()) for attempt in response.attempts}
    assert not re.search("SECRET|://|Error", " ".join(details)), details
