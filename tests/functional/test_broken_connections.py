"""A connection that breaks: what a person is told of it."""

from __future__ import annotations

import asyncio
import re

import pytest

from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.http import Client
from fceval.dialects import load
from fceval.records import JsonObject, Key, Request
from tests.byte_server import Handler, read_request, server
from tests.fake_endpoint import message_reply

ANSWER = message_reply(content="Hello").content()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
FAULTY = {
    "nothing": b"",
    "no HTTP": b"no HTTP at all\r\n\r\n",
    "long header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000,
    "cut body": OK[:-1],
}
NOT_FOR_PEOPLE = re.compile("SECRET|://|Error")
"""What aiohttp says of such a connection holds the whole URL, or is the name of a class."""


async def told(handler: Handler, times: int, content: str = "x") -> set[str]:
    """Return what attempts say that went wrong, of requests that are sent one after the other."""
    body: JsonObject = {"model": "m", "messages": [{"role": "user", "content": content}]}
    async with server(handler) as base_url:
        settings = EndpointSettings(base_url=f"{base_url}/SECRET", model="m", max_attempts=1)
        async with Client(Endpoint(settings, settings.base_url, None), load("tools")) as client:
            responses = [await client.send(Request(Key("a", "default", 0, 0, 0), body)) for _ in range(times)]
    return {attempt.detail for response in responses for attempt in response.attempts}


@pytest.mark.parametrize("size", [1, 1_000_000])
@pytest.mark.parametrize("fault", FAULTY)
def test_connection_that_breaks_is_told_in_words(fault: str, size: int) -> None:
    """Whether it breaks before, in or after the request."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(FAULTY[fault])
        await writer.drain()

    (detail,) = asyncio.run(told(handler, 1, "x" * size))
    assert detail.startswith("the connection failed: ")
    assert not NOT_FOR_PEOPLE.search(detail), detail


def test_kept_connection_that_closes_is_told_without_the_url() -> None:
    """It may close while the next request is written."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    details = asyncio.run(told(handler, 100))
    assert not NOT_FOR_PEOPLE.search(" ".join(details)), details
