"""One attempt over aiohttp: deadlines, caps, and what came of it. No exception of aiohttp leaves this file."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp

from fceval.client.body import BodyReader, hidden
from fceval.client.classify import Answered, Failed, classify
from fceval.client.conformance import deviations
from fceval.client.deadlines import Deadlines
from fceval.client.endpoint import Endpoint, request_headers, request_url
from fceval.client.outcome import BROKEN_ATTEMPTS
from fceval.client.reading import Received, SilenceError, read
from fceval.client.retry import Patience, next_step
from fceval.client.route import proxy_headers
from fceval.client.secret import without_likely
from fceval.client.sse import Streamed, TooMuchError
from fceval.client.unpacking import ENCODINGS, BadEncodingError
from fceval.dialects import Dialect
from fceval.errors import EndpointError, LocalError
from fceval.records import Attempt, Request, Response, Usage

KEY_ECHOED = "key_echoed"
"""The endpoint wrote the key into its answer; it is hidden there."""
_CONNECT_S = 10.0
_ATTEMPTS_TO_REACH = 3
# Servers close idle connections after 5 s or more; a POST on a connection that was just closed is lost.
_KEEP_ALIVE_S = 4.0
_SILENT_SHARE = 0.5
"""Part of the time limit for which a stream that has begun may bring nothing."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL})


_TOLD: Mapping[type[BaseException], str] = {
    aiohttp.ClientPayloadError: "the answer broke off",
    aiohttp.ServerDisconnectedError: "closed before an answer",
    aiohttp.ClientResponseError: "what came is no HTTP, or has headers that are too long",
    aiohttp.ClientOSError: "closed while the request was sent",
}
"""Exceptions of aiohttp whose own text is for nobody: some of it is the URL."""


class Came(NamedTuple):
    """What came of one attempt, before anything is made of it."""

    started_at: str
    latency_s: float
    status: int
    """HTTP status; 0 where no answer came."""
    raw_headers: Sequence[tuple[bytes, bytes]]
    """Of the answer; empty where none came."""
    received: Received | Failed
    """The body, or why no whole one came."""
    waited_s: Mapping[str, float]


class Tried(NamedTuple):
    """One attempt, and what came of it."""

    attempt: Attempt
    result: Answered | Failed
    headers: Mapping[str, str] = {}
    """Of the answer, names in lower case; empty where none came."""

    @property
    def usage(self) -> Usage:
        """Tokens as the endpoint reported them."""
        return self.result.usage if isinstance(self.result, Answered) else Usage()


class Client:
    """Sends requests to one endpoint; use as an async context manager."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect) -> None:
        """Make a client.

        Args:
            endpoint: Whom to ask.
            dialect: What is spoken: it has the path, and reads the calls.
        """
        self.url = endpoint.base_url + dialect.path
        self._request_url = request_url(endpoint, dialect.path)
        self._dialect = dialect
        self._settings = endpoint.settings
        self._draw = random.Random()  # noqa: S311 -- jitter
        self._reached = False
        self._answered = False
        self._has_key = endpoint.key is not None
        self._secrets = endpoint.secrets
        self._route = endpoint.route
        # Not the session's headers: those would go to a proxy, too, which has no business with the key.
        self._headers = {**request_headers(endpoint), "Accept-Encoding": ENCODINGS}
        self._proxy_headers = proxy_headers(endpoint.route)
        if endpoint.base_url.startswith("http:"):  # no tunnel: the proxy reads the request itself
            self._headers |= self._proxy_headers

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=_KEEP_ALIVE_S, ssl=self._route.certificates or True
            ),
            proxy=self._route.proxy,
            timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )
        self._deadlines = await Deadlines().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._deadlines.__aexit__(kind, error, trace)
        finally:  # whoever waits there may be cancelled
            await self._session.close()

    async def send(self, request: Request) -> Response:
        """Return the final outcome of a single request, after as many attempts as it is worth.

        An engine, which has many requests, uses `attempt` and keeps none of its workers waiting.

        Raises:
            EndpointError: No request to this endpoint will fare better.
            LocalError: This machine cannot open one more connection.
        """
        body, attempts = request.encoded(), list[Attempt]()
        patience = Patience(self._settings.max_attempts, self._settings.max_case_s)
        started = time.monotonic()
        while True:
            tried = await self.attempt(request, body, len(attempts) + 1)
            attempts.append(tried.attempt)
            if isinstance(tried.result, Answered):
                return self.response(request, tried.result, attempts)
            if self.refuses(tried.result):
                raise EndpointError(self.advice(tried.result.detail))
            elapsed_s = time.monotonic() - started
            step = next_step(tried.result, attempts, elapsed_s, patience, self._draw, others_pass=False)
            if step.wait_s is None:
                return self.response(request, None, attempts)
            await asyncio.sleep(step.wait_s)

    def refuses(self, failed: Failed) -> bool:
        """Return whether a failure says that no other request will fare better."""
        return failed.stops_run or (failed.wrong_address and not self._answered)

    async def attempt(
        self, request: Request, body: bytes, number: int, waited: Mapping[str, float] | None = None
    ) -> Tried:
        """Send a request once and return what came of it; see `exchange` and `tried`, which an engine uses.

        Raises:
            LocalError: This machine cannot open one more connection.
        """
        return self.tried(request, await self.exchange(body, number, waited))

    async def exchange(self, body: bytes, number: int, waited: Mapping[str, float] | None = None) -> Came:
        """Send a body once and return what came back.

        Args:
            body: Of the request, encoded.
            number: Of the attempt, from 1.
            waited: Seconds that it was held back before, by cause.

        Raises:
            LocalError: This machine cannot open one more connection.
        """
        started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        sent_at = time.perf_counter()
        status = 0
        raw_headers: Sequence[tuple[bytes, bytes]] = ()
        received: Received | Failed
        try:
            async with (
                self._deadlines.limit(self._settings.timeout_s) as limit,
                self._session.post(
                    self._request_url,
                    data=body,
                    headers=self._headers,
                    proxy_headers=self._proxy_headers,
                    allow_redirects=False,
                ) as answer,
            ):
                status = answer.status
                self._reached = True
                raw_headers = answer.raw_headers
                reader = BodyReader(self._dialect.api)
                received = await read(answer, reader, sent_at, self._settings.timeout_s * _SILENT_SHARE, limit)
        except (BadEncodingError, SilenceError, TooMuchError) as error:
            received = _unreadable(error)
        except aiohttp.ConnectionTimeoutError:
            received = self._unreachable(f"no connection within {_CONNECT_S:g} s", number)
        except TimeoutError:
            received = Failed(
                "timed_out", f"no answer within {self._settings.timeout_s:g} s", retryable=True, broke_off=True
            )
        except aiohttp.ClientConnectorCertificateError as error:
            received = Failed("endpoint_error", _untrusted(error), stops_run=not self._reached)
        except aiohttp.ClientHttpProxyError as error:
            detail = f"the proxy {self._route.proxy} refuses with HTTP {error.status}"
            received = Failed("endpoint_error", detail, retryable=True, stops_run=not self._reached)
        except aiohttp.ClientConnectorError as error:
            _blame_this_machine(error.os_error)
            detail = f"cannot connect to {error.host}:{error.port}: {_reason(error.os_error)}"
            unknown = isinstance(error.os_error, socket.gaierror) and error.os_error.errno == socket.EAI_NONAME
            received = self._unreachable(detail, number, unknown=unknown)
        except (aiohttp.InvalidURL, UnicodeError):  # the name does not encode as one of the domain name system
            received = Failed("endpoint_error", "no server can have this name", stops_run=True)
        except (aiohttp.ClientError, OSError) as error:
            _blame_this_machine(error)
            # Before an answer began, any attempt may pass; one that broke off is likely to do so again.
            most_attempts = BROKEN_ATTEMPTS if status else None
            detail = f"the connection failed: {_reason(error)}"
            received = Failed("endpoint_error", detail, retryable=True, broke_off=True, most_attempts=most_attempts)
        latency_s = received.ended_s if isinstance(received, Received) else time.perf_counter() - sent_at
        return Came(started_at, latency_s, status, raw_headers, received, _rounded(waited or {}))

    def tried(self, request: Request, came: Came) -> Tried:
        """Return what an attempt at a request comes to.

        Args:
            request: What was asked.
            came: What came back.
        """
        headers = self._readable(came.raw_headers)
        if isinstance(came.received, Failed):
            result: Answered | Failed = came.received
        else:
            result = self._result(request, came.status, headers, came.received.content)
        self._answered = self._answered or isinstance(result, Answered)
        return Tried(_attempt(came, result), result, headers)

    def _result(
        self, request: Request, status: int, headers: dict[str, str], came: bytes | Streamed
    ) -> Answered | Failed:
        """Return what an answer is, with all that is irregular about it."""
        content = came
        for secret in self._secrets:
            content = hidden(content, secret)
        result = classify(status, headers, content, request.body, self._dialect.api)
        codes = frozenset[str]() if content == came else frozenset({KEY_ECHOED})
        if isinstance(result, Failed):  # people read it, and endpoints like to quote the key that they turn down
            result = result._replace(detail=without_likely(result.detail))
        else:
            codes |= deviations(request, result, self._dialect.parse(result.message))
        return result._replace(irregularities=tuple(sorted(codes.union(result.irregularities)))) if codes else result

    def _unreachable(self, detail: str, number: int, *, unknown: bool = False) -> Failed:
        """An endpoint that was never reached is a wrong address; one that was may come back."""
        enough = number >= min(_ATTEMPTS_TO_REACH, self._settings.max_attempts)
        return Failed("endpoint_error", detail, retryable=True, stops_run=not self._reached and (unknown or enough))

    def _hidden(self, content: bytes) -> bytes:
        """An endpoint may echo the key, in a header, an error or a message: it is gone before anything is kept."""
        for secret in self._secrets:
            content = secret.hidden_in(content)
        return content

    def _readable(self, raw_headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
        headers = list(raw_headers)
        together = b"\n".join([value for _, value in headers])
        if self._hidden(together) != together:  # else none of them holds it
            headers = [(name, self._hidden(value)) for name, value in headers]
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}

    def advice(self, detail: str) -> str:
        """Return what went wrong with the URL before it, and what to do where that is known."""
        if "HTTP 401" in detail and not self._has_key:
            detail += " (no key was sent: name its variable with --api-key-env)"
        return f"{self.url}: {detail}"

    def response(self, request: Request, answer: Answered | None, attempts: Sequence[Attempt]) -> Response:
        """Return the final outcome of a request.

        Args:
            request: What was asked.
            answer: What came of the last attempt; None where the model did not get to answer.
            attempts: All of them, in order.
        """
        return Response(
            key=request.key,
            fingerprint=request.fingerprint(self._settings.base_url),
            message=answer.message if answer else None,
            finish_reason=answer.finish_reason if answer else None,
            usage=answer.usage if answer else Usage(),
            served_model=answer.served_model if answer else None,
            irregularities=tuple(sorted({code for attempt in attempts for code in attempt.irregularities})),
            attempts=tuple(attempts),
        )


def _rounded(waited: Mapping[str, float]) -> dict[str, float]:
    return {cause: round(seconds, 3) for cause, seconds in waited.items()}


def _attempt(came: Came, result: Answered | Failed) -> Attempt:
    content = None if isinstance(came.received, Failed) else came.received.content
    stream = content if isinstance(content, Streamed) else None
    failed = result if isinstance(result, Failed) else None
    return Attempt(
        started_at=came.started_at,
        latency_s=came.latency_s,
        ttft_s=stream.first_token_s if stream else None,
        status=came.status or None,
        failure=failed.failure if failed else None,
        detail=failed.detail if failed else "",
        irregularities=result.irregularities,
        first_call_s=stream.first_call_s if stream else None,
        broke_off=failed is not None and failed.broke_off,
        waited_s=came.waited_s,
    )


def _unreadable(error: BadEncodingError | SilenceError | TooMuchError) -> Failed:
    if isinstance(error, SilenceError):
        return Failed("timed_out", str(error), retryable=True, broke_off=True)
    is_broken = isinstance(error, BadEncodingError)
    return Failed("endpoint_error", str(error), retryable=is_broken, most_attempts=BROKEN_ATTEMPTS)


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
    if isinstance(error, socket.gaierror | ssl.SSLError):
        return error.strerror or type(error).__name__
    # asyncio's own text for a refused connection names the address again, not the reason.
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    told = (said for kind, said in _TOLD.items() if isinstance(error, kind))
    return next(told, None) or (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
