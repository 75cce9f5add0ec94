"""One request over aiohttp: attempts, pace, deadlines, caps. No exception of aiohttp leaves this file."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp

import fceval
from fceval.client.classify import Answered, Failed, classify
from fceval.client.endpoint import Endpoint
from fceval.client.limits import Pace
from fceval.client.retry import wait_s
from fceval.errors import EndpointError
from fceval.records import Attempt, JsonObject, Request, Response, Usage

MAX_BODY_BYTES = 8 * 2**20
"""Longest answer that is read, after decompression."""
_CHUNK_BYTES = 2**16
_CONNECT_S = 10.0
_ATTEMPTS_TO_REACH = 3
# Servers close idle connections after 5 s or more; a POST on a connection that was just closed is lost.
_KEEP_ALIVE_S = 4.0


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
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"fceval/{fceval.__version__}",
        }
        self._key = endpoint.key.reveal().encode() if endpoint.key else b""
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
        """
        body = _encoded(request.body)
        attempts: list[Attempt] = []
        while True:
            await self._pace.admit()
            attempt, result = await self._attempt(body, len(attempts) + 1)
            attempts.append(attempt)
            if isinstance(result, Answered):
                self._reached = True
                return self._response(request, result, attempts)
            if result.stops_run:
                raise EndpointError(self._advice(result.detail))
            pause_s = wait_s(len(attempts), result.headers, self._draw) if result.retryable else None
            if pause_s is None or len(attempts) == self._settings.max_attempts:
                return self._response(request, None, attempts)
            await asyncio.sleep(pause_s)

    async def _attempt(self, body: bytes, number: int) -> tuple[Attempt, Answered | Failed]:
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        started = time.perf_counter()
        status: int | None = None
        result: Answered | Failed
        try:
            async with self._session.post(self.url, data=body, allow_redirects=False) as answer:
                status = answer.status
                content = await _read(answer)
                headers = {name.lower(): value for name, value in answer.headers.items()}
            result = _too_long() if content is None else classify(status, headers, self._redacted(content))
            self._reached = True
        except TimeoutError:
            result = Failed("timed_out", f"no answer within {self._settings.timeout_s:g} s", retryable=True)
        except aiohttp.ClientConnectorCertificateError as error:
            detail = f"{error.host}:{error.port}: the certificate is not valid for this host"
            result = Failed("endpoint_error", detail, stops_run=not self._reached)
        except aiohttp.ClientConnectorError as error:
            result = self._unreachable(error, number)
        except (aiohttp.ClientError, OSError) as error:
            result = Failed("endpoint_error", f"the connection failed: {_reason(error)}", retryable=True)
        latency_s = time.perf_counter() - started
        failure, detail = (result.failure, result.detail) if isinstance(result, Failed) else (None, "")
        return Attempt(started_at, latency_s, None, status, failure, detail), result

    def _unreachable(self, error: aiohttp.ClientConnectorError, number: int) -> Failed:
        """An endpoint that was never reached is a wrong address; one that was may come back."""
        detail = f"cannot connect to {error.host}:{error.port}: {_reason(error.os_error)}"
        unknown = isinstance(error.os_error, socket.gaierror)
        wrong = not self._reached and (unknown or number >= _ATTEMPTS_TO_REACH)
        return Failed("endpoint_error", detail, retryable=True, stops_run=wrong)

    def _redacted(self, content: bytes) -> bytes:
        """An endpoint may echo the key, in an error or in a message: it is gone before anything is kept."""
        return content.replace(self._key, b"***") if self._key else content

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


def _too_long() -> Failed:
    return Failed("endpoint_error", f"the answer is longer than {MAX_BODY_BYTES // 2**20} MiB")


def _reason(error: BaseException) -> str:
    """Return why a connection failed, without the URL or a header: exceptions of aiohttp may hold the key."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
