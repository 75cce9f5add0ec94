"""Each fault of the transport, as a client meets it."""

from __future__ import annotations

import asyncio
import errno
import zlib
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from fceval.endpoints import Address
from tests.mock_server import KEY, Raw, asked, chat_body, mock_server, post

MIB = 2**20

both_ways = pytest.mark.parametrize("stream", [False, True])


def _meet(fault: str, act: Callable[[aiohttp.ClientResponse], Awaitable[object]], *, stream: bool = False) -> object:
    """Return what becomes of an answer with a fault, once its head is there."""

    async def meet() -> object:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            mock_server(faults={fault: 1}) as address,
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.post(
                f"{address.base_url}/chat/completions", json=chat_body("one call", stream=stream), headers=headers
            ) as answer,
        ):
            return await act(answer)

    return asyncio.run(meet())


def test_connection_is_reset() -> None:
    """No head of an answer comes; the system says that the connection was reset."""
    with pytest.raises(aiohttp.ClientOSError) as caught:
        asked("reset", "one call")
    assert isinstance(caught.value, ConnectionResetError) or caught.value.errno == errno.ECONNRESET


@both_ways
def test_connection_is_closed_within_the_body(*, stream: bool) -> None:
    """The answer begins, and its end does not come."""
    with pytest.raises(aiohttp.ClientPayloadError):
        asked("cut", "one call", stream=stream)


def test_bytes_come_one_by_one() -> None:
    """Each read gives one byte."""

    async def read(answer: aiohttp.ClientResponse) -> object:
        return [await answer.content.readany() for _ in range(3)]

    assert _meet("slow", read) == [b"{", b'"', b"i"]


@both_ways
def test_answer_does_not_end(*, stream: bool) -> None:
    """However much is read, more comes."""

    async def read(answer: aiohttp.ClientResponse) -> object:
        return len(await answer.content.readexactly(3 * MIB))

    assert _meet("endless", read, stream=stream) == 3 * MIB


def test_answer_is_larger_than_any_should_be() -> None:
    """The answer itself is there, behind 9 MiB of nothing."""
    raw = asked("oversized", "one call")
    assert len(raw.content) > 9 * MIB
    assert len(raw.calls) == 1


def test_small_answer_unpacks_to_a_large_one() -> None:
    """Compressed it is less than a hundredth."""

    async def read(answer: aiohttp.ClientResponse) -> object:
        return answer.headers["Content-Encoding"], await answer.read()

    met = _meet("gzip_bomb", read)
    assert isinstance(met, tuple)
    encoding, packed = met
    assert (encoding, len(packed) < 0.64 * MIB) == ("gzip", True)
    assert len(zlib.decompress(packed, zlib.MAX_WBITS | 16)) > 64 * MIB


def test_redirect_leads_elsewhere() -> None:
    """A client that followed would take its key to another host."""
    raw = asked("redirect", "one call")
    assert (raw.status, raw.headers["Location"]) == (307, "https://elsewhere.invalid/v1")


def test_hanging_answer_holds_nobody_else_up() -> None:
    """While one request hangs, another case's is answered."""

    async def both() -> Raw:
        async with mock_server(faults={"hang": 0.5}) as address:
            waiting = [asyncio.create_task(_outcome(address, number)) for number in range(12)]
            done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            return next(iter(done)).result()

    assert asyncio.run(both()).status == 200


async def _outcome(address: Address, number: int) -> Raw:
    return await post(address, {"model": "m", "messages": [{"role": "user", "content": f"hello {number}"}]})
