"""One request over a real socket: what goes out, what comes back, and all that can go wrong in between."""

from __future__ import annotations

import asyncio
import gc
import gzip
import os
import resource
import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fceval.client.body import MAX_BODY_BYTES
from fceval.client.http import Client
from fceval.errors import EndpointError, FcevalError, LocalError
from fceval.records import Key, Request, Response
from tests.byte_server import read_request, server
from tests.fake_endpoint import FakeEndpoint, Reply, error_reply, message_reply

pytestmark = pytest.mark.usefixtures("no_pause")

ClientOf = Callable[..., Client]

KEY = 'sk-CANARY/"0123456789'
HELLO = message_reply(content="Hello")
ANSWER = HELLO.content()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
TLS = Path(__file__).parents[2] / "data" / "tls"


def request(**body: object) -> Request:
    """Return a small request."""
    plain: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    return Request(Key("a", "default", 0, 0, 0), plain | body)


def sent(client: Client, *requests: Request) -> list[Response]:
    """Send requests one after the other and return what came of them."""

    async def send() -> list[Response]:
        async with client:
            return [await client.send(each) for each in requests or (request(),)]

    return asyncio.run(send())


def refused(client: Client) -> FcevalError:
    """Send a request and return the error that stops the run."""
    with pytest.raises(FcevalError) as caught:
        sent(client)
    return caught.value


# --- what goes out --------------------------------------------------------------------------------------------


def test_request_is_what_the_contract_wants(client_of: ClientOf) -> None:
    """A POST of JSON with the three headers of the contract, and no more of the body than was given."""
    with FakeEndpoint(HELLO) as endpoint:
        (response,) = sent(client_of(endpoint.base_url, KEY), request(temperature=0.5))
    (received,) = endpoint.received
    assert (received.method, received.path) == ("POST", "/v1/chat/completions")
    assert received.json == request(temperature=0.5).body
    assert received.header("Accept") == "application/json"
    assert received.header("Content-Type") == "application/json"
    assert received.header("Authorization") == f"Bearer {KEY}"
    assert response.message == {"role": "assistant", "content": "Hello"}
    assert (response.finish_reason, response.served_model) == ("stop", "fake-model")
    assert response.fingerprint == request(temperature=0.5).fingerprint(endpoint.base_url)


def test_without_a_key_no_header_is_sent(client_of: ClientOf) -> None:
    """Local servers take requests without one."""
    with FakeEndpoint(HELLO) as endpoint:
        sent(client_of(endpoint.base_url))
    assert endpoint.received[0].header("Authorization") is None


def test_text_goes_out_as_utf8_and_half_characters_escaped(client_of: ClientOf) -> None:
    """A lone surrogate of a dataset is JSON, though no UTF-8."""
    bodies = [{"x": "天气 🌦"}, {"x": "\ud83c"}]
    with FakeEndpoint(HELLO) as endpoint:
        sent(client_of(endpoint.base_url), *(request(**body) for body in bodies))
    assert [received.json["x"] for received in endpoint.received] == ["天气 🌦", "\ud83c"]
    assert "天气".encode() in endpoint.received[0].body


def test_connection_is_used_again(client_of: ClientOf) -> None:
    """A handshake for each request would be measured as latency."""
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(OK)

    async def run() -> None:
        async with server(handler) as base_url, client_of(base_url) as client:
            for _ in range(5):
                assert (await client.send(request())).message

    asyncio.run(run())
    assert connections == 1


def test_no_cookie_is_kept(client_of: ClientOf) -> None:
    """One case must not be told apart by another."""
    reply = replace(HELLO, headers={"Set-Cookie": "session=1; Path=/"})
    with FakeEndpoint(reply) as endpoint:
        sent(client_of(endpoint.base_url), request(), request())
    assert [received.header("Cookie") for received in endpoint.received] == [None, None]


def test_environment_names_no_proxy_and_no_password(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Prompts and keys go to the endpoint and nowhere else."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password CANARY\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with FakeEndpoint(HELLO) as endpoint:
        sent(client_of(endpoint.base_url))
    assert endpoint.received[0].header("Authorization") is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(client_of: ClientOf, status: int) -> None:
    """Neither the key nor the prompt goes where an endpoint points."""
    with FakeEndpoint(HELLO) as other:
        reply = Reply(status, {"Location": f"{other.base_url}/chat/completions?token={KEY}"})
        with FakeEndpoint(reply) as endpoint:
            error = refused(client_of(endpoint.base_url, KEY))
        assert f"redirects to {other.base_url[:-3]}, which is not followed" in str(error)
    assert other.received == ()
    assert isinstance(error, EndpointError)


# --- what is too much -----------------------------------------------------------------------------------------


BOMB = gzip.compress(b"x" * (200 * 2**20), 9)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"x" * (MAX_BODY_BYTES + 1)),
        Reply(pieces=[b" " * 2**20] * 9),
        Reply(headers={"Content-Encoding": "gzip"}, body=BOMB),
    ],
    ids=["long", "chunked", "bomb"],
)
def test_answer_is_read_up_to_a_bound(client_of: ClientOf, reply: Reply) -> None:
    """Also where it is small on the wire; what is beyond it costs no memory."""
    with FakeEndpoint(reply) as endpoint:
        tracemalloc.start()
        try:
            (response,) = sent(client_of(endpoint.base_url))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert response.attempts[-1].detail == "the answer is longer than 8 MiB"
    assert (response.message, response.failure, len(response.attempts)) == (None, "endpoint_error", 1)
    assert peak < 6 * MAX_BODY_BYTES


def test_answer_just_within_the_bound_is_read(client_of: ClientOf) -> None:
    """Blanks count."""
    with FakeEndpoint(Reply(body=ANSWER + b" " * (MAX_BODY_BYTES - len(ANSWER)))) as endpoint:
        assert sent(client_of(endpoint.base_url))[0].message


# --- what goes wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "failure", "detail"),
    [
        (Reply(drop=True), "endpoint_error", "the connection failed: "),
        (replace(HELLO, cut=True), "endpoint_error", "the connection failed: the answer broke off"),
        (Reply(pieces=[b'{"choices'], cut=True), "endpoint_error", "the connection failed: the answer broke off"),
        (Reply(headers={"Content-Encoding": "gzip"}, body=b"no gzip"), "endpoint_error", "the body is not gzip"),
        (Reply(body=b'{"choices'), "endpoint_error", "the body is not valid JSON"),
        (error_reply(500), "endpoint_error", "HTTP 500: scripted error"),
        (error_reply(429), "rate_limited", "HTTP 429: scripted error"),
        (Reply(hang=True), "timed_out", "no answer within 0.3 s"),
    ],
)
def test_what_may_pass_is_tried_again(client_of: ClientOf, reply: Reply, failure: str, detail: str) -> None:
    """The second attempt answers; the first one is on record."""
    with FakeEndpoint([reply, HELLO]) as endpoint:
        (response,) = sent(client_of(endpoint.base_url, timeout_s=0.3))
    first, second = response.attempts
    assert response.message
    assert (first.failure, first.detail[: len(detail)]) == (failure, detail)
    assert (second.failure, second.status, second.detail) == (None, 200, "")


def test_attempts_are_bounded(client_of: ClientOf) -> None:
    """What does not pass is not measured, and says why."""
    with FakeEndpoint(error_reply(503)) as endpoint:
        (response,) = sent(client_of(endpoint.base_url, max_attempts=3))
    assert len(endpoint.received) == len(response.attempts) == 3
    assert (response.message, response.failure) == (None, "endpoint_error")


def test_what_will_not_pass_is_asked_once(client_of: ClientOf) -> None:
    """A bad request stays one."""
    with FakeEndpoint(error_reply(400)) as endpoint:
        (response,) = sent(client_of(endpoint.base_url))
    assert (len(endpoint.received), response.failure) == (1, "endpoint_error")


def test_pause_is_as_long_as_the_server_asks(client_of: ClientOf) -> None:
    """Retry-After is kept."""
    with FakeEndpoint([error_reply(429, headers={"Retry-After": "0.4"}), HELLO]) as endpoint:
        (response,) = sent(client_of(endpoint.base_url))
    first, second = endpoint.received
    assert second.received_at - first.received_at >= 0.4
    assert response.attempts[-1].latency_s < 0.4, "a pause is no latency"


def test_pause_beyond_reason_is_not_waited_for(client_of: ClientOf) -> None:
    """The case is not measured, at once."""
    with FakeEndpoint(error_reply(429, headers={"Retry-After": "3600"})) as endpoint:
        (response,) = sent(client_of(endpoint.base_url))
    assert (len(endpoint.received), response.failure) == (1, "rate_limited")


def test_timeout_is_kept_and_frees_the_connection(client_of: ClientOf) -> None:
    """An endpoint that trickles bytes for ever is cut off by the clock, and the next request goes through."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slow = b'"slow"' in await read_request(reader)
        if not slow:
            writer.write(OK)
            return
        writer.write(OK.split(b"\r\n\r\n")[0] + b"\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    async def run() -> None:
        async with server(handler) as base_url, client_of(base_url, timeout_s=0.4, max_attempts=1) as client:
            started = time.monotonic()
            response = await client.send(request(x="slow"))
            assert 0.35 < time.monotonic() - started < 5.0
            assert (response.failure, response.attempts[0].status) == ("timed_out", 200)
            assert 0.35 < response.attempts[0].latency_s < 5.0
            assert (await client.send(request())).message

    asyncio.run(run())


def test_connection_that_the_server_closed_meanwhile_is_replaced(client_of: ClientOf) -> None:
    """A kept connection may be closed at the very moment that it is used again."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)  # the second request arrives, and is not answered

    async def run() -> list[Response]:
        async with server(handler) as base_url, client_of(base_url) as client:
            return [await client.send(request()) for _ in range(2)]

    first, second = asyncio.run(run())
    assert (len(first.attempts), len(second.attempts)) == (1, 2)
    assert second.message


@pytest.mark.parametrize("max_attempts", [1, 5])
def test_address_that_nobody_listens_at_stops_the_run(client_of: ClientOf, max_attempts: int) -> None:
    """After three attempts at most, and before every case has found it out for itself."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        error = refused(client_of(f"http://127.0.0.1:{port}/v1", max_attempts=max_attempts))
    assert isinstance(error, EndpointError)
    assert f"cannot connect to 127.0.0.1:{port}: Connection refused" in str(error)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
def test_name_that_no_server_can_have_stops_the_run(client_of: ClientOf, host: str) -> None:
    """No attempt can make it one."""
    assert isinstance(refused(client_of(f"http://{host}/v1")), EndpointError)


def test_endpoint_that_was_reached_may_come_back(client_of: ClientOf) -> None:
    """A server that restarts in the middle of a run costs cases, not the run."""

    async def run() -> Response:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))

        async with server(handler) as base_url:
            client = client_of(base_url, max_attempts=4)
            await client.__aenter__()
            assert (await client.send(request())).message
        try:
            return await client.send(request())
        finally:
            await client.__aexit__(None, None, None)

    response = asyncio.run(run())
    assert (response.failure, len(response.attempts)) == ("endpoint_error", 4)
    assert "Connection refused" in response.attempts[-1].detail


@pytest.mark.parametrize("reply", [error_reply(404), Reply(body=b"<html>"), Reply(302)], ids=["404", "page", "302"])
def test_wrong_address_stops_the_run_unless_it_was_right_before(client_of: ClientOf, reply: Reply) -> None:
    """The first answer of that kind is the user's mistake; a later one is a gateway that stumbles."""
    with FakeEndpoint(reply) as endpoint:
        assert isinstance(refused(client_of(endpoint.base_url)), EndpointError)
    with FakeEndpoint([HELLO, reply, HELLO]) as endpoint:
        responses = sent(client_of(endpoint.base_url), *[request()] * 3)
    assert [response.failure for response in responses] == [None, "endpoint_error", None]


@pytest.mark.parametrize("status", [401, 402, 403])
def test_refusal_stops_the_run_at_any_time(client_of: ClientOf, status: int) -> None:
    """No other request will fare better."""
    with FakeEndpoint([HELLO, error_reply(status)]) as endpoint, pytest.raises(EndpointError, match=f"HTTP {status}"):
        sent(client_of(endpoint.base_url), request(), request())


def test_refusal_without_a_key_says_how_to_give_one(client_of: ClientOf) -> None:
    """The likeliest cause of a 401."""
    with FakeEndpoint(error_reply(401)) as endpoint:
        assert "no key was sent: name its variable with --api-key-env" in str(refused(client_of(endpoint.base_url)))
        assert "no key was sent" not in str(refused(client_of(endpoint.base_url, KEY)))


def test_certificate_that_nobody_vouches_for_stops_the_run(client_of: ClientOf) -> None:
    """Before a byte of the prompt is sent; the reason is OpenSSL's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.crt", TLS / "localhost.key")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pytest.fail("the handshake went through")

    async def run() -> None:
        async with server(handler, context) as base_url, client_of(base_url, KEY) as client:
            with pytest.raises(EndpointError, match=r"certificate of 127\.0\.0\.1:\d+ is not trusted: self.signed"):
                await client.send(request())

    asyncio.run(run())


def test_plain_server_behind_https_is_named(client_of: ClientOf) -> None:
    """A base URL with one letter too many."""
    with FakeEndpoint(HELLO) as endpoint:
        error = refused(client_of(endpoint.base_url.replace("http:", "https:")))
    assert "cannot connect to 127.0.0.1" in str(error)
    assert "SSL" in str(error)


def test_files_that_run_out_are_not_the_endpoints_fault(client_of: ClientOf) -> None:
    """This machine cannot open one more connection: exit 5, not a wrong URL."""
    with FakeEndpoint(HELLO) as endpoint:
        base_url = endpoint.base_url

        async def run() -> None:
            async with client_of(base_url) as client:
                lowest_free = os.open(os.devnull, os.O_RDONLY)
                os.close(lowest_free)
                soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
                resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
                try:
                    await client.send(request())
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        with pytest.raises(LocalError, match=r"no connection can be opened: Too many open files; lower --concurrency"):
            asyncio.run(run())


def test_whose_leaving_is_cancelled_leaves_no_connection_open(client_of: ClientOf) -> None:
    """One of two endpoints that are probed gives up as the other is done."""

    async def leave(client: Client) -> None:
        async with asyncio.timeout(None) as limit, client:
            await client.send(request())
            limit.reschedule(0)

    with FakeEndpoint(HELLO) as endpoint, pytest.raises(TimeoutError):
        asyncio.run(leave(client_of(endpoint.base_url)))
    gc.collect()  # what was not closed warns as it goes, and a warning fails the test
