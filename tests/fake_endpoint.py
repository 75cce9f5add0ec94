"""An endpoint that answers from a script: real sockets on loopback, an aiohttp server in a thread of its own.

::

    with FakeEndpoint([error_reply(429, headers={"Retry-After": "0"}), message_reply(content="Hello")]) as endpoint:
        ...                                   # anything that talks to endpoint.base_url
    assert [request.json["model"] for request in endpoint.received] == ["m", "m"]

A script is one reply for every request, a list with one reply for each, or a function from the received request to
its reply. Nothing here waits by sleeping: what hangs is released by `release`, or by the end of the `with` block.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeAlias

from aiohttp import web

_PATIENCE_S = 40.0


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as it came over the wire."""

    method: str
    path: str
    """With the query, undecoded."""
    headers: tuple[tuple[str, str], ...]
    """In their order and spelling."""
    body: bytes
    received_at: float
    """When the body was read, on `time.monotonic`'s clock."""

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case; None where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:  # noqa: ANN401 -- the test knows what it sent
        """The body, decoded."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, and how the endpoint misbehaves while it gives it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    """Beside `Content-Type: application/json`, which they may replace, `Content-Length`, `Date` and `Server`."""
    body: bytes | Mapping[str, Any] = b""
    """A mapping goes out as JSON."""
    pieces: Sequence[bytes] | None = None
    """In place of `body`: HTTP chunks, each written by itself."""
    delay_s: float = 0.0
    """Between the request's last byte and the answer's first."""
    hang: bool = False
    """Answer only after `FakeEndpoint.release`, or never."""
    drop: bool = False
    """Reset the connection in place of an answer."""
    cut: bool = False
    """Close the connection before the answer is whole: after the headers and `pieces`, or half of `body`."""

    def content(self) -> bytes:
        """Return the body as it goes out."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script: TypeAlias = Reply | Sequence[Reply] | Callable[[Received], Reply]
"""What an endpoint answers with."""


def message_reply(
    *,
    content: str | None = None,
    tool_calls: Sequence[tuple[str, object]] = (),
    finish_reason: str | None = None,
    model: str = "fake-model",
) -> Reply:
    """Return a chat completion.

    Args:
        content: The assistant's text.
        tool_calls: Name and arguments of each call; a string goes out as it is, anything else as JSON text.
        finish_reason: By default what fits: `tool_calls` or `stop`.
        model: The model that is said to have answered.
    """
    message: dict[str, object] = {"role": "assistant", "content": content}
    if tool_calls:
        message["tool_calls"] = [
            {
                "id": f"call_{position}",
                "type": "function",
                "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
            }
            for position, (name, given) in enumerate(tool_calls)
        ]
    reason = finish_reason or ("tool_calls" if tool_calls else "stop")
    return Reply(
        body={
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25},
        }
    )


def stream_reply(events: Sequence[Mapping[str, Any] | str], *, done: bool = True) -> Reply:
    """Return server-sent events, one chunk each: mappings go out as JSON, strings as they are; `[DONE]` ends them."""
    lines = [event if isinstance(event, str) else json.dumps(event) for event in [*events, *(["[DONE]"] * done)]]
    pieces = [f"data: {line}\n\n".encode() for line in lines]
    return Reply(headers={"Content-Type": "text/event-stream"}, pieces=pieces)


def error_reply(
    status: int,
    message: str = "scripted error",
    *,
    kind: str = "invalid_request_error",
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Return an error in OpenAI's shape; `kind` is its `type`."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Reply(status=status, headers=headers or {}, body=body)


class FakeEndpoint:
    """A server for the length of a `with` block.

    Raises:
        AssertionError: At the end of the block, where the script ran out or failed: the client under test must not
            be able to take that for an answer.
    """

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._replies: Iterator[Reply] = iter(script if isinstance(script, Sequence) else ())
        self._news = threading.Condition()
        self._received: list[Received] = []
        self._in_flight = 0
        self._peak_in_flight = 0
        self._failure: Exception | None = None
        self._port: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="fake-endpoint", daemon=True)

    @property
    def base_url(self) -> str:
        """What a user gives to an OpenAI client."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self._port.result(_PATIENCE_S)}/v1"

    @property
    def received(self) -> tuple[Received, ...]:
        """Every request so far, in the order of arrival."""
        with self._news:
            return tuple(self._received)

    @property
    def peak_in_flight(self) -> int:
        """How many requests at most waited for their answer at one time."""
        with self._news:
            return self._peak_in_flight

    def wait_for(self, requests: int, timeout_s: float = _PATIENCE_S) -> None:
        """Return when that many requests have arrived.

        Raises:
            TimeoutError: They have not.
        """
        with self._news:
            if not self._news.wait_for(lambda: len(self._received) >= requests, timeout_s):
                msg = f"{len(self._received)} of {requests} requests after {timeout_s} s"
                raise TimeoutError(msg)

    def release(self) -> None:
        """Let every hanging request be answered, now and from now on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def __enter__(self) -> Self:
        self._thread.start()
        self._port.result(_PATIENCE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_PATIENCE_S)
        assert not self._thread.is_alive(), "the fake endpoint did not stop"
        if kind is None and self._failure is not None:
            msg = f"the script of the fake endpoint failed: {self._failure!r}"
            raise AssertionError(msg) from self._failure

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._released = asyncio.Event()
        # aiohttp may not decompress, and puts no bound on what a handler reads from `content`: bodies stay verbatim.
        server = web.Server(self._answer, access_log=None, auto_decompress=False)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024, ssl_context=self._tls)
            await site.start()
            self._port.set_result(runner.addresses[0][1])
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        reply = self._note(await self._read(request))
        try:
            return await self._send(request, reply)
        finally:
            with self._news:
                self._in_flight -= 1

    async def _read(self, request: web.BaseRequest) -> Received:
        body = await request.content.read()
        return Received(
            method=request.method,
            path=request.raw_path,
            headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers),
            body=body,
            received_at=time.monotonic(),
        )

    def _note(self, received: Received) -> Reply:
        """Record a request and look up its reply."""
        with self._news:
            self._received.append(received)
            self._in_flight += 1
            self._peak_in_flight = max(self._peak_in_flight, self._in_flight)
            self._news.notify_all()
        try:
            if isinstance(self._script, Reply):
                return self._script
            return self._script(received) if callable(self._script) else next(self._replies)
        except Exception as error:  # noqa: BLE001 -- a script is a test's own code; the block's end raises it there
            self._failure = self._failure or error
            return error_reply(500, f"the script failed: {error!r}")

    async def _send(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        await self._wait(reply)
        if reply.drop or self._stopping.is_set():
            return _close(request, web.Response(), at_once=True)
        headers = {"Content-Type": "application/json", **reply.headers}
        if reply.pieces is None and not reply.cut:
            return web.Response(status=reply.status, headers=headers, body=reply.content())
        response = web.StreamResponse(status=reply.status, headers=headers)
        pieces = reply.pieces
        if pieces is None:
            whole = reply.content()
            response.content_length = len(whole)
            pieces = [whole[: len(whole) // 2]]
        with contextlib.suppress(ConnectionResetError):  # the client may have gone
            await response.prepare(request)
            for piece in pieces:
                await response.write(piece)
            if not reply.cut:
                await response.write_eof()
        return _close(request, response) if reply.cut else response

    async def _wait(self, reply: Reply) -> None:
        """Wait as the reply says, but not beyond the end of the block."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            if reply.delay_s:
                await asyncio.wait([stopping], timeout=reply.delay_s)
            if reply.hang:
                released = asyncio.create_task(self._released.wait())
                await asyncio.wait([stopping, released], return_when=asyncio.FIRST_COMPLETED)
                released.cancel()
        finally:
            stopping.cancel()


def _close(request: web.BaseRequest, response: web.StreamResponse, *, at_once: bool = False) -> web.StreamResponse:
    """Close the connection: after what was written, or at once with a reset."""
    if request.transport is not None:
        request.transport.abort() if at_once else request.transport.close()
    return response
