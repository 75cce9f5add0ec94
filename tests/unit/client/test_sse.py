"""Server-sent events: line rules, caps, and how a stream ends."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.client.chat_stream import ChatAssembly
from fceval.client.sse import (
    MAX_EVENT_BYTES,
    MAX_EVENTS,
    MAX_LINES,
    Event,
    SseDecoder,
    Streamed,
    StreamReader,
    TooMuchError,
)


def events_of(*chunks: bytes) -> list[tuple[str, bytes]]:
    """Return the (name, data) of each event, the one that the end cuts off included."""
    decoder = SseDecoder()
    events: list[Event] = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [(event.name, event.data) for event in [*events, *decoder.close()]]


@pytest.mark.parametrize(
    ("content", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\n\r\ndata: b\r\n\n", [b"a", b"b"]),
        (b"data:a\n\ndata:  b\n\n", [b"a", b" b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
        (b"data\n\n", [b""]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"id: 7\nretry: 10\nother: x\ndata: a\n\n", [b"a"]),
        (b"id: 7\n\n: comment\n\nevent: x\n\n\n\n", []),
        (b"data: a", [b"a"]),
        (b"data: a\ndata: b\n", [b"a\nb"]),
        (b"", []),
    ],
)
def test_lines_become_events(content: bytes, events: list[bytes]) -> None:
    """By the rules of the standard; an event that the end cuts off from its blank line counts, too."""
    assert [data for _, data in events_of(content)] == events
    assert events_of(*(content[place : place + 1] for place in range(len(content)))) == events_of(content)


def test_event_has_its_name_and_the_next_one_has_not() -> None:
    """The name is of one event; llama.cpp's `error` is a field and a name at once."""
    content = b'event: ping\ndata: 1\n\ndata: 2\n\nerror: {"code": 500}\n\n'
    assert events_of(content) == [("ping", b"1"), ("message", b"2"), ("error", b'{"code": 500}')]


@given(
    st.lists(st.sampled_from([b"data: x", b": c", b"event: e", b"\r", b"\n", b"\r\n", b"\xef\xbb\xbf", b"d"])),
    st.data(),
)
def test_chunks_do_not_matter(parts: list[bytes], data: st.DataObject) -> None:
    """Any cut of any bytes gives the same events."""
    content = b"".join(parts)
    cut = data.draw(st.integers(0, len(content)))
    assert events_of(content[:cut], content[cut:]) == events_of(content)


def fed(chunks: Iterable[bytes]) -> None:
    """Feed chunks to a reader."""
    reader = StreamReader(ChatAssembly())
    for chunk in chunks:
        reader.feed(chunk, 0.0)


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("chunks", "told"),
    [
        ([b"data: " + b"x" * MAX_EVENT_BYTES], "an event of the stream is longer than 4 MiB"),
        ([b"data: " + b"x" * 2**20 + b"\n"] * 5, "an event of the stream is longer than 4 MiB"),
        ([b"data\n" * 1_000] * (MAX_LINES // 1_000 + 1), f"more than {MAX_LINES} lines"),
        ([b": x\n" * 1_000] * (MAX_EVENTS // 1_000 + 1), f"more than {MAX_EVENTS} events"),
        ([b"\n" * 1_000] * (MAX_LINES // 1_000 + 1), f"more than {MAX_LINES} lines"),
        ([b"x" * 2**20 + b"\n"] * 32, "the stream is longer than 32 MiB"),
    ],
    ids=["line", "data", "empty data", "comments", "blank lines", "lines"],
)
def test_flood_is_refused(chunks: Iterable[bytes], told: str) -> None:
    """Whatever it is made of."""
    with pytest.raises(TooMuchError, match=told):
        fed(chunks)


# --- how a stream ends ----------------------------------------------------------------------------------------


def event(finish_reason: str | None = None, **delta: object) -> bytes:
    """Return a chunk of a chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


DONE = b"data: [DONE]\n\n"
HELLO, STOP = event(content="Hello"), event("stop")


@pytest.mark.parametrize(
    ("content", "after_eof", "after_reset"),
    [
        (HELLO + STOP + DONE, "complete", "complete"),
        (HELLO + STOP, "complete_no_done", "complete_no_done"),
        (HELLO + DONE, "truncated", "reset"),
        (HELLO, "truncated", "reset"),
        (DONE, "empty", "reset"),
        (b"", "empty", "reset"),
        (b": x\n\n", "empty", "reset"),
        (HELLO + b'data: {"error": "boom"}\n\n' + STOP + DONE, "error_event", "error_event"),
        (HELLO + b"event: error\ndata: {}\n\n", "error_event", "error_event"),
        (HELLO + b"data: {x\n\n" + STOP + DONE, "truncated", "truncated"),
        (HELLO + b"data: [1]\n\n" + STOP + DONE, "truncated", "truncated"),
        (HELLO + b"data: null\n\n" + STOP + DONE, "complete", "complete"),
    ],
)
def test_end_has_its_class(content: bytes, after_eof: str, after_reset: str) -> None:
    """A finish reason makes an answer complete; an end marker proves nothing."""
    ends: list[Streamed] = []
    for how in ("eof", "reset"):
        reader = StreamReader(ChatAssembly())
        reader.feed(content, 0.0)
        ends.append(reader.end("eof" if how == "eof" else "reset"))
    assert [end.terminal for end in ends] == [after_eof, after_reset]


def test_feed_says_when_nothing_more_is_needed() -> None:
    """At the end marker, at an error, at an event that cannot be read."""
    reader = StreamReader(ChatAssembly())
    assert [reader.feed(chunk, 0.0) for chunk in (HELLO, STOP, DONE)] == [False, False, True]
    for last in (b'data: {"error": "boom"}\n\n', b"data: {x\n\n"):
        assert StreamReader(ChatAssembly()).feed(last, 0.0)


def test_stream_without_end_marker_ends_with_its_answer() -> None:
    """Where the API has none, none is missing."""
    reader = StreamReader(ChatAssembly(), has_end_marker=False)
    assert [reader.feed(chunk, 0.0) for chunk in (HELLO, STOP)] == [False, True]
    assert (reader.end("eof").terminal, reader.end("eof").irregularities) == ("complete", ())


def test_times_are_those_of_the_first_pieces() -> None:
    """Neither a role nor reasoning is output."""
    reader = StreamReader(ChatAssembly())
    reader.feed(event(role="assistant", content="", reasoning_content="Hm."), 1.0)
    reader.feed(HELLO, 2.0)
    reader.feed(event(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f"}}]), 3.0)
    streamed = reader.end("eof")
    assert (streamed.first_token_s, streamed.first_call_s) == (2.0, 3.0)


def test_comments_are_no_progress() -> None:
    """Only events with data are."""
    reader = StreamReader(ChatAssembly())
    reader.feed(b": x\n\ndata: : x\n\ndata:\n\n", 0.0)
    assert reader.events == 0
    reader.feed(HELLO, 0.0)
    assert reader.events == 1


def test_flood_behind_the_end_marker_harms_nothing() -> None:
    """The answer is there; what follows is not read."""
    reader = StreamReader(ChatAssembly())
    reader.feed(HELLO + STOP + DONE, 0.0)
    assert reader.feed(b"x" * (MAX_EVENT_BYTES + 1), 0.0)
    assert reader.end("eof").terminal == "complete"


@pytest.mark.parametrize(
    "late", [b"data: bye\n\n", b"data: 17\n\n", b"event: error\ndata: closed\n\n", b'data: {"error": "x"}\n\n']
)
def test_words_behind_the_end_marker_harm_nothing(late: bytes) -> None:
    """Whatever a relay says when all is said."""
    reader = StreamReader(ChatAssembly())
    reader.feed(HELLO + STOP + DONE + late, 0.0)
    streamed = reader.end("eof")
    assert (streamed.terminal, streamed.irregularities, streamed.problem) == ("complete", (), "")


def test_body_of_a_stream_that_broke_off_holds_what_came() -> None:
    """For whoever looks into it."""
    reader = StreamReader(ChatAssembly())
    reader.feed(HELLO, 0.0)
    assert '"content": "Hello"' in json.dumps(reader.end("reset").body)
