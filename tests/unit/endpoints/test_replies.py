"""Each fault of an envelope, as it is on the wire."""

from __future__ import annotations

import json

import pytest

from tests.mock_server import asked

both_ways = pytest.mark.parametrize("stream", [False, True])


@both_ways
def test_page_in_place_of_an_answer(*, stream: bool) -> None:
    """Status 200, and a page that asks to sign in."""
    raw = asked("html_200", "one call", stream=stream)
    assert (raw.status, raw.headers["Content-Type"]) == (200, "text/html")
    assert raw.content.startswith(b"<!DOCTYPE html>")


def test_error_with_status_200() -> None:
    """The body is an error object, and nothing else says so."""
    raw = asked("error_in_200", "one call")
    assert (raw.status, set(raw.body), raw.body["error"]["type"]) == (200, {"error"}, "server_error")


def test_stream_is_ignored() -> None:
    """Whoever asks for a stream gets the whole answer."""
    raw = asked("stream_ignored", "one call", stream=True)
    assert (raw.headers["Content-Type"], len(raw.calls)) == ("application/json", 1)


@both_ways
def test_content_type_is_not_the_bodys(*, stream: bool) -> None:
    """The body is as it should be, and called text."""
    raw = asked("content_type", "one call", stream=stream)
    assert raw.headers["Content-Type"] == "text/plain"
    assert raw.pieces if stream else raw.calls


@both_ways
def test_bytes_that_strict_readers_refuse(*, stream: bool) -> None:
    """A member twice, a number that is none, and a byte that is no UTF-8."""
    assert asked("duplicate_key", "one call", stream=stream).content.count(b'"object": "again", "object":') == 1
    assert asked("invalid_number", "one call", stream=stream).content.count(b'"cost": NaN,') == 1
    with pytest.raises(UnicodeDecodeError):
        json.loads(asked("invalid_utf8", "one call", stream=stream).content.decode())
