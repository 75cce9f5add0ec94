"""The fake endpoint does to a client what its script says, and nothing else."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply, stream_reply


def post(endpoint: FakeEndpoint, body: bytes = b"{}", path: str = "/chat/completions") -> tuple[int, bytes]:
    """Send one request and return status and body of its answer."""
    connection, url = connect(endpoint)
    try:
        connection.request("POST", url + path, body, {"Authorization": "Bearer k", "X-Odd-CASE": "1"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def connect(endpoint: FakeEndpoint) -> tuple[http.client.HTTPConnection, str]:
    """Return a connection to the endpoint, and the path of its base URL."""
    url = urlsplit(endpoint.base_url)
    assert url.hostname
    return http.client.HTTPConnection(url.hostname, url.port, timeout=10), url.path


def test_list_of_replies_is_given_in_order() -> None:
    """Each request takes the next reply of a list."""
    with FakeEndpoint([error_reply(429), message_reply(content="Hello")]) as endpoint:
        first, second = post(endpoint), post(endpoint)
    assert first[0] == 429
    assert json.loads(second[1])["choices"][0]["message"]["content"] == "Hello"


def test_one_reply_answers_every_request() -> None:
    """A single reply never runs out."""
    with FakeEndpoint(message_reply()) as endpoint:
        assert [post(endpoint)[0] for _ in range(3)] == [200, 200, 200]


def test_function_answers_by_the_request() -> None:
    """A function sees what was sent, and decides."""

    def echo(received: Received) -> Reply:
        return Reply(body={"echo": received.json["n"]})

    with FakeEndpoint(echo) as endpoint:
        assert json.loads(post(endpoint, b'{"n": 7}')[1]) == {"echo": 7}


def test_request_is_recorded_verbatim() -> None:
    """Path with query, spelling of headers and bytes of the body are kept as they came, whatever their size."""
    body = b'{"b": 1,\t"a": "' + b"x" * 2_000_000 + b'"}'
    before = time.monotonic()
    with FakeEndpoint(message_reply()) as endpoint:
        post(endpoint, body, "/chat%20completions?api-version=1%2F2")
        (received,) = endpoint.received
    assert (received.method, received.path) == ("POST", "/v1/chat%20completions?api-version=1%2F2")
    assert ("X-Odd-CASE", "1") in received.headers
    assert received.header("authorization") == "Bearer k"
    assert received.header("absent") is None
    assert received.body == body
    assert before < received.received_at < time.monotonic()


def test_compressed_body_stays_compressed() -> None:
    """The bytes of the wire are recorded, not what they stand for."""
    body = gzip.compress(b"{}")
    with FakeEndpoint(message_reply()) as endpoint:
        connection, path = connect(endpoint)
        connection.request("POST", path, body, {"Content-Encoding": "gzip"})
        connection.getresponse().read()
        connection.close()
    assert endpoint.received[0].body == body


def test_exhausted_script_fails_the_test() -> None:
    """A request too many is no answer that a client could take for one: the block raises."""
    with pytest.raises(AssertionError, match="StopIteration"), FakeEndpoint([message_reply()]) as endpoint:
        assert [post(endpoint)[0] for _ in range(2)] == [200, 500]


def test_failing_script_fails_the_test() -> None:
    """What a script raises comes out of the block."""

    def broken(received: Received) -> Reply:
        raise KeyError(received.path)

    with pytest.raises(AssertionError, match="KeyError"), FakeEndpoint(broken) as endpoint:
        post(endpoint)


def test_tool_calls_are_a_chat_completion() -> None:
    """Arguments go out as JSON text, or as the text that the test chose."""
    reply = message_reply(tool_calls=[("f", {"city": "Köln"}), ("g", "{not json")])
    with FakeEndpoint(reply) as endpoint:
        choice = json.loads(post(endpoint)[1])["choices"][0]
    calls = choice["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["f", "g"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"city": "Köln"}
    assert calls[1]["function"]["arguments"] == "{not json"
    assert choice["finish_reason"] == "tool_calls"


def test_error_has_the_shape_of_openai() -> None:
    """An error carries its status, headers, type and code."""
    reply = error_reply(401, "no", kind="authentication_error", code="invalid_api_key", headers={"Retry-After": "3"})
    with FakeEndpoint(reply) as endpoint:
        connection, path = connect(endpoint)
        connection.request("POST", path, b"{}")
        response = connection.getresponse()
        error = json.loads(response.read())["error"]
        connection.close()
    assert (response.status, response.headers["Retry-After"]) == (401, "3")
    assert (error["message"], error["type"], error["code"]) == ("no", "authentication_error", "invalid_api_key")


def test_stream_is_sent_event_by_event() -> None:
    """Each event is a chunk of its own; `[DONE]` is the last."""

    async def chunks(url: str) -> list[bytes]:
        async with aiohttp.ClientSession() as session, session.post(url) as response:
            assert response.content_type == "text/event-stream"
            return [chunk async for chunk, _ in response.content.iter_chunks() if chunk]

    with FakeEndpoint(stream_reply([{"n": 1}, "odd"])) as endpoint:
        received = asyncio.run(chunks(endpoint.base_url))
    assert received == [b'data: {"n": 1}\n\n', b"data: odd\n\n", b"data: [DONE]\n\n"]


def test_dropped_connection_has_no_answer() -> None:
    """A dropped request ends without a byte."""
    with FakeEndpoint(Reply(drop=True)) as endpoint, pytest.raises(ConnectionError):
        post(endpoint)


@pytest.mark.parametrize("reply", [Reply(body=b"0123456789", cut=True), Reply(pieces=[b"01234"], cut=True)])
def test_cut_answer_stops_short(reply: Reply) -> None:
    """A cut answer begins like any other and ends before its end."""
    with FakeEndpoint(reply) as endpoint, pytest.raises(http.client.IncompleteRead) as caught:
        post(endpoint)
    assert caught.value.partial == b"01234"


def test_delay_holds_the_answer_back() -> None:
    """The answer begins no sooner than the delay says."""
    with FakeEndpoint(Reply(delay_s=0.2)) as endpoint:
        before = time.monotonic()
        post(endpoint)
        assert time.monotonic() - before >= 0.2


def test_hanging_request_is_answered_on_release() -> None:
    """A hanging request waits for `release`, and then gets its answer."""
    answers: list[tuple[int, bytes]] = []
    with FakeEndpoint(Reply(hang=True, body=b"late")) as endpoint:
        client = threading.Thread(target=lambda: answers.append(post(endpoint)))
        client.start()
        endpoint.wait_for(1)
        client.join(0.1)
        assert answers == []
        endpoint.release()
        client.join(10)
    assert answers == [(200, b"late")]


def test_hanging_requests_do_not_delay_the_end() -> None:
    """The end of the block drops what hangs, at once, and reports nothing."""
    failures: list[Exception] = []

    def client() -> None:
        try:
            post(endpoint)
        except OSError as error:
            failures.append(error)

    with FakeEndpoint(Reply(hang=True, delay_s=60)) as endpoint:
        clients = [threading.Thread(target=client) for _ in range(5)]
        for thread in clients:
            thread.start()
        endpoint.wait_for(5)
        assert endpoint.peak_in_flight == 5
        before = time.monotonic()
    for thread in clients:
        thread.join(10)
    assert time.monotonic() - before < 5
    assert len(failures) == 5


def test_client_that_goes_away_is_no_failure() -> None:
    """A client may close before its answer; the next one is served."""
    with FakeEndpoint([Reply(hang=True), message_reply()]) as endpoint:
        connection, path = connect(endpoint)
        connection.request("POST", path, b"{}")
        endpoint.wait_for(1)
        connection.close()
        endpoint.release()
        assert post(endpoint)[0] == 200


def test_waiting_for_requests_has_an_end() -> None:
    """`wait_for` says how many came when they are too few."""
    with FakeEndpoint(message_reply()) as endpoint, pytest.raises(TimeoutError, match="0 of 1 requests"):
        endpoint.wait_for(1, timeout_s=0.05)
