"""Bodies: whole or a stream, told by their first bytes, and free of the key."""

from __future__ import annotations

import pytest

from fceval.client.body import MAX_BODY_BYTES, BodyReader, hidden
from fceval.client.secret import Secret
from fceval.client.sse import Streamed, TooMuchError

KEY = Secret('sk-CANARY/"0123')


@pytest.mark.parametrize(
    ("content", "is_stream"),
    [
        (b"data: {}", True),
        (b"data:{}", True),
        (b"event: x\ndata: {}", True),
        (b"id: 7\n", True),
        (b"retry: 7\n", True),
        (b": comment\n", True),
        (b"\n\r\n data: {}", True),
        (b"\xef\xbb\xbfdata: {}", True),
        (b'{"data": 1}', False),
        (b"\xef\xbb\xbf{}", False),
        (b"\xef\xbb{}", False),
        (b"[1]", False),
        (b"<html>", False),
        (b"datagram", False),
        (b"error: overloaded", False),
        (b"data", False),
        (b" \n ", False),
        (b"", False),
    ],
)
def test_first_bytes_tell_what_a_body_is(content: bytes, is_stream: bool) -> None:  # noqa: FBT001 -- what is expected
    """However they are cut, and whatever a header says."""
    for chunks in ([content], [content[place : place + 1] for place in range(len(content))]):
        reader = BodyReader("chat")
        for chunk in chunks:
            reader.feed(chunk, 0.0)
        assert reader.is_stream is is_stream
        assert isinstance(reader.end("eof"), Streamed) is is_stream


def test_whole_body_is_what_came_without_blanks_in_front() -> None:
    """Nothing else is changed."""
    reader = BodyReader("chat")
    for chunk in (b" \n", b'{"a":', b" 1} \xff"):
        reader.feed(chunk, 0.0)
    assert reader.end("eof") == b'{"a": 1} \xff'
    assert (reader.events, reader.finished) == (0, False)


def test_whole_body_is_bounded() -> None:
    """Blanks count, too."""
    for content in (b" ", b"x"):
        reader = BodyReader("chat")
        reader.feed(content * MAX_BODY_BYTES, 0.0)
        with pytest.raises(TooMuchError, match="the answer is longer than 8 MiB"):
            reader.feed(content, 0.0)


def test_key_is_hidden_wherever_it_was_cut() -> None:
    """In the bytes of a whole body; in what the pieces of a stream make together."""
    assert hidden(b'{"x": "sk-CANARY/\\"0123"}', KEY) == b'{"x": "***"}'
    streamed = Streamed("complete", {"x": ['sk-CANARY/"0123', 'Bearer sk-CANARY/"0123']}, (), None, None)
    shown = hidden(streamed, KEY)
    assert isinstance(shown, Streamed)
    assert shown.body == {"x": ["***", "Bearer ***"]}
    assert hidden(shown, KEY) == shown
