"""Answers on their way to the client, the ones that do not get there whole included."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import NoReturn

from aiohttp import web

from fceval.endpoints._replies import STREAM, Reply

_MIB = 2**20
_OVERSIZED_MIB = 9
_BOMB_MIB = 64
_BLANK = b"\n" * _MIB
"""White space between JSON values, and nothing at all between events."""
_PAUSE_S = 0.2
_ELSEWHERE = "https://elsewhere.invalid/v1"


async def send(request: web.Request, reply: Reply, fault: str = "") -> web.StreamResponse:
    """Send an answer.

    Args:
        request: What it answers.
        reply: What is sent.
        fault: What goes wrong with it on the way: a name of `TRANSPORT`, or empty.
    """
    if fault in _SENDERS:
        return await _SENDERS[fault](request, reply)
    if reply.content_type != STREAM and len(reply.parts) == 1:
        return web.Response(body=reply.parts[0], content_type=reply.content_type)
    return await _send_parts(request, reply, iter(reply.parts))


async def _send_parts(
    request: web.Request, reply: Reply, parts: Iterator[bytes], headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    response = await _begun(request, reply, headers)
    for part in parts:
        await response.write(part)
    await response.write_eof()
    return response


async def _begun(request: web.Request, reply: Reply, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    given = {"Content-Type": reply.content_type, "Cache-Control": "no-cache", **(headers or {})}
    response = web.StreamResponse(headers=given)
    await response.prepare(request)
    return response


async def _hang(_request: web.Request, _reply: Reply) -> NoReturn:
    # Ends as the server cancels the handler of a client that went away.
    await asyncio.Event().wait()
    raise AssertionError  # nobody sets the event


async def _reset(request: web.Request, reply: Reply) -> NoReturn:
    transport = request.transport
    if transport is not None:
        # Lingering for no time makes the system reset the connection where it would close it.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    await _hang(request, reply)


async def _cut(request: web.Request, reply: Reply) -> NoReturn:
    response = await _begun(request, reply)
    body = b"".join(reply.parts)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    await _hang(request, reply)


async def _slow(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = await _begun(request, reply)
    for byte in b"".join(reply.parts):
        await response.write(bytes((byte,)))
        await asyncio.sleep(_PAUSE_S)
    await response.write_eof()
    return response


async def _endless(request: web.Request, reply: Reply) -> NoReturn:
    response = await _begun(request, reply)
    first, *rest = reply.parts
    again = rest[0] if len(rest) > 1 else b" " * 1024
    await response.write(first if rest else b"[")
    while True:
        await response.write(again * 64)
        await asyncio.sleep(0)


async def _oversized(request: web.Request, reply: Reply) -> web.StreamResponse:
    return await _send_parts(request, reply, iter((*[_BLANK] * _OVERSIZED_MIB, *reply.parts)))


async def _gzip_bomb(request: web.Request, reply: Reply) -> web.StreamResponse:
    def packed() -> Iterator[bytes]:
        packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        for part in (*[_BLANK] * _BOMB_MIB, *reply.parts):
            yield packer.compress(part)
        yield packer.flush()

    return await _send_parts(request, reply, filter(None, packed()), {"Content-Encoding": "gzip"})


async def _redirect(_request: web.Request, _reply: Reply) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": _ELSEWHERE})


_SENDERS: Mapping[str, Callable[[web.Request, Reply], Awaitable[web.StreamResponse]]] = {
    "hang": _hang,
    "reset": _reset,
    "cut": _cut,
    "slow": _slow,
    "endless": _endless,
    "oversized": _oversized,
    "gzip_bomb": _gzip_bomb,
    "redirect": _redirect,
}
