"""One request over aiohttp: attempts, pace, deadlines, caps. No exception of aiohttp leaves this file."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import random
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp

import fceval
from fceval.client.classify import Answered, Failed, classify
from fceval.client.endpoint import Endpoint
from fceval.client.limits import Pace
from fceval.client.retry import wait_s
from fceval.errors import EndpointError, LocalError
from fceval.records import Attempt, JsonObject, Request, Response, Usage

MAX_BODY_BYTES = 8 * 2**20
"""Longest answer that is read, after decompression."""
KEY_ECHOED = "key_echoed"
"""The endpoint wrote the key into its answer; it is hidden there."""
_CHUNK_BYTES = 2**16
_CONNECT_S = 10.0
_ATTEMPTS_TO_REACH = 3
# Servers close idle connections after 5 s or more; a POST on a connection that was just closed is lost.
_KEEP_ALIVE_S = 4.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL})


class Client:
    """Sends requests to one endpoint; use as an async context manager."""

    def __init__(self, endpoint: Endpoint, path: str) -> None:
        """Make a client.

        Args:
            endpoint: Whom to ask.
            path: What follows its base URL.
        """
        self.url = endpoint.base_url + path
        self._settings = endpoint.settings
        self._pace = Pace(endpoint.settings.rpm)
        self._draw = random.Random()  # noqa: S311 -- jitter
        self._reached = False
        self._answered = False
        self._key = endpoint.key
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"fceval/{fceval.__version__}",
        }
        if endpoint.key is not None:
            headers["Authorization"] = f"Bearer {endpoint.key.reveal()}"
        self._headers = headers

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S),
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s, sock_connect=_CONNECT_S),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=True,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, request: Request) -> Response:
        """Return the final outcome of a request, after as many attempts as it is worth.

        Raises:
            EndpointError: No request to this endpoint will fare better.
            LocalError: This machine cannot open one more connection.
        """
        body = _encoded(request.body)
        attempts: list[Attempt] = []
        while True:
            await self._pace.admit()
            attempt, result = await self._attempt(body, len(attempts) + 1)
            attempts.append(attempt)
            if isinstance(result, Answered):
                self._answered = True
                return self._response(request, result, attempts)
            if result.stops_run or (result.wrong_address and not self._answered):
                raise EndpointError(self._advice(result.detail))
            pause_s = wait_s(len(attempts), result.headers, self._draw) if result.retryable else None
            if pause_s is None or len(attempts) == self._settings.max_attempts:
                return self._response(request, None, attempts)
            await asyncio.sleep(pause_s)

    async def _attempt(self, body: bytes, number: int) -> tuple[Attempt, Answered | Failed]:
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        started = time.perf_counter()
        status: int | None = None
        content: bytes | None = None
        result: Answered | Failed | None = None
        headers: dict[str, str] = {}
        try:
            async with self._session.post(self.url, data=body, allow_redirects=False) as answer:
                status = answer.status
                headers = self._readable(answer.raw_headers)
                content = await _read(answer)
            self._reached = True
        except aiohttp.ConnectionTimeoutError:
            result = self._unreachable(f"no connection within {_CONNECT_S:g} s", number)
        except TimeoutError:
            result = Failed("timed_out", f"no answer within {self._settings.timeout_s:g} s", retryable=True)
        except aiohttp.ClientConnectorCertificateError as error:
            result = Failed("endpoint_error", _untrusted(error), stops_run=not self._reached)
        except aiohttp.ClientConnectorError as error:
            _blame_this_machine(error.os_error)
            detail = f"cannot connect to {error.host}:{error.port}: {_reason(error.os_error)}"
            unknown = isinstance(error.os_error, socket.gaierror) and error.os_error.errno == socket.EAI_NONAME
            result = self._unreachable(detail, number, unknown=unknown)
        except (aiohttp.InvalidURL, UnicodeError):  # the name does not encode as one of the domain name system
            result = Failed("endpoint_error", "no server can have this name", stops_run=True)
        except (aiohttp.ClientError, OSError) as error:
            _blame_this_machine(error)
            result = Failed("endpoint_error", f"the connection failed: {_reason(error)}", retryable=True)
        latency_s = time.perf_counter() - started
        result = result or self._result(status or 0, headers, content)
        failure, detail = (result.failure, result.detail) if isinstance(result, Failed) else (None, "")
        return Attempt(started_at, latency_s, None, status, failure, detail), result

    def _result(self, status: int, headers: dict[str, str], content: bytes | None) -> Answered | Failed:
        if content is None:
            return Failed("endpoint_error", f"the answer is longer than {MAX_BODY_BYTES // 2**20} MiB")
        shown = self._hidden(content)
        result = classify(status, headers, shown)
        if shown != content and isinstance(result, Answered):
            return replace(result, irregularities=tuple(sorted({*result.irregularities, KEY_ECHOED})))
        return result

    def _unreachable(self, detail: str, number: int, *, unknown: bool = False) -> Failed:
        """An endpoint that was never reached is a wrong address; one that was may come back."""
        enough = number >= min(_ATTEMPTS_TO_REACH, self._settings.max_attempts)
        return Failed("endpoint_error", detail, retryable=True, stops_run=not self._reached and (unknown or enough))

    def _hidden(self, content: bytes) -> bytes:
        """An endpoint may echo the key, in a header, an error or a message: it is gone before anything is kept."""
        return self._key.hidden_in(content) if self._key else content

    def _readable(self, raw_headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
        return {name.decode("latin-1").lower(): self._hidden(value).decode("latin-1") for name, value in raw_headers}

    def _advice(self, detail: str) -> str:
        if "HTTP 401" in detail and "Authorization" not in self._headers:
            detail += " (no key was sent: name its variable with --api-key-env)"
        return f"{self.url}: {detail}"

    def _response(self, request: Request, answer: Answered | None, attempts: list[Attempt]) -> Response:
        return Response(
            key=request.key,
            fingerprint=request.fingerprint(self._settings.base_url),
            message=answer.message if answer else None,
            finish_reason=answer.finish_reason if answer else None,
            usage=answer.usage if answer else Usage(),
            served_model=answer.served_model if answer else None,
            irregularities=answer.irregularities if answer else (),
            attempts=tuple(attempts),
        )


def _encoded(body: JsonObject) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # a lone surrogate: only its escaped form is UTF-8
        return json.dumps(body, separators=(",", ":")).encode()


async def _read(answer: aiohttp.ClientResponse) -> bytes | None:
    """Return the body, or None where it is longer than what is read."""
    content = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            answer.close()
            return None
    return bytes(content)


def _blame_this_machine(error: BaseException) -> None:
    """Refuse to call it the endpoint's fault that this machine has no file or port left.

    Raises:
        LocalError: It has not.
    """
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        msg = f"no connection can be opened: {os.strerror(error.errno)}; lower --concurrency, or raise `ulimit -n`"
        raise LocalError(msg) from None


def _untrusted(error: aiohttp.ClientConnectorCertificateError) -> str:
    why = getattr(error.certificate_error, "verify_message", "") or "it is not valid for this host"
    return f"the certificate of {error.host}:{error.port} is not trusted: {why}"


def _reason(error: BaseException) -> str:
    """Return why a connection failed, without the URL or a header: exceptions of aiohttp may hold the key."""
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror | ssl.SSLError):
        # asyncio's own text for a refused connection names the address again, not the reason.
        return (os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror) or type(error).__name__
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
