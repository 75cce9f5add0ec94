"""Each fault of a stream, as it is on the wire."""

from __future__ import annotations

import json

import pytest

from tests.mock_server import Raw, asked


def _streamed(fault: str, name: str = "one call", seed: int = 0) -> Raw:
    raw = asked(fault, name, stream=True, seed=seed)
    assert (raw.status, raw.headers["Content-Type"]) == (200, "text/event-stream")
    return raw


def test_indexes() -> None:
    """No index, one for two calls, or one more for the same call."""
    assert all("index" not in piece for piece in _streamed("index_missing").pieces)
    reused = _streamed("index_reused", "two calls").pieces
    assert {piece["index"] for piece in reused} == {0}
    assert len({piece["id"] for piece in reused if "id" in piece}) == 2
    *_, last = pieces = _streamed("same_call_multi_index").pieces
    assert (last["index"], last["id"]) == (1, pieces[0]["id"])
    assert last["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}


def test_names() -> None:
    """The whole name comes again with each piece, or comes in two pieces."""
    repeated = _streamed("name_repeated").pieces
    assert len(repeated) > 2
    assert {piece["function"]["name"] for piece in repeated} == {"get_weather"}
    names = [piece["function"].get("name") for piece in _streamed("name_fragmented").pieces]
    assert names[:3] == ["get_we", "ather", None]


def test_what_is_wrong_in_the_message_is_wrong_in_the_stream() -> None:
    """A stream is made from the message, whatever it is."""
    (piece,) = _streamed("args_object").pieces
    assert piece["function"]["arguments"] == {"city": "Paris"}
    assert all("id" not in piece for piece in _streamed("id_missing").pieces)
    assert None in [piece["function"].get("name", "") for piece in _streamed("name_null_entry").pieces]
    signed = _streamed("opaque_required").pieces[0]
    assert signed["extra_content"]["google"]["thought_signature"]
    assert _streamed("finish_stop_with_calls").finish_reasons == ["stop"]


@pytest.mark.parametrize("fault", ["usage_absent", "usage_late", "usage_in_choice", "usage_after_done"])
def test_usage_is_in_the_wrong_place(fault: str) -> None:
    """Nowhere, with the finish reason, in the choice, or behind the end marker."""
    raw = _streamed(fault)
    places = {
        "usage_absent": b'"prompt_tokens"' not in raw.content,
        "usage_late": bool(raw.chunks[-1]["usage"] and raw.chunks[-1]["choices"]),
        "usage_in_choice": bool(raw.chunks[-1]["choices"] and raw.chunks[-1]["choices"][0].get("usage")),
        "usage_after_done": raw.data[-2] == b"[DONE]" and bool(raw.chunks[-1]["usage"]),
    }
    assert [name for name, holds in places.items() if holds] == [fault]


def test_end_marker() -> None:
    """It is missing; or it is all that a stream without choices has."""
    assert b"[DONE]" not in _streamed("done_missing").data
    assert _streamed("done_missing").finish_reasons == ["tool_calls"]
    empty = _streamed("choices_null_or_empty")
    assert (empty.pieces, empty.data[-1]) == ([], b"[DONE]")


def test_stream_breaks_off() -> None:
    """No finish reason comes, and the end marker of a relay may follow all the same."""
    streams = [_streamed("stream_truncated", seed=seed) for seed in range(12)]
    assert all(raw.finish_reasons == [] and raw.chunks for raw in streams)
    assert {raw.data[-1] == b"[DONE]" for raw in streams} == {True, False}


def test_error_in_the_stream() -> None:
    """The stream begins as one, then comes an error, then nothing."""
    raw = _streamed("error_in_200")
    assert raw.chunks[-1]["error"]["type"] == "server_error"
    assert raw.chunks[0]["choices"][0]["delta"]["role"] == "assistant"


def test_noise() -> None:
    """Comments, and comments that pose as data, stand between the events; the events are all there."""
    assert b": PING\n\ndata: {" in _streamed("sse_comment").content
    assert _streamed("data_comment").data[::2][:3] == [b": keepalive"] * 3
    assert _streamed("sse_comment").finish_reasons == ["tool_calls"]


def test_glued_events() -> None:
    """Two events stand on one line, and the first one is cut."""
    glued = [data for data in _streamed("sse_glued_frames").data if b"data: {" in data]
    assert len(glued) == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(glued[0].partition(b"data: ")[0])
    assert json.loads(glued[0].partition(b"data: ")[2])


def test_message_in_chunk() -> None:
    """What should be a delta is called a message."""
    choices = [choice for chunk in _streamed("message_in_chunk").chunks for choice in chunk["choices"]]
    assert all("message" in choice and "delta" not in choice for choice in choices)


def test_calls_are_lost_in_streams_only() -> None:
    """The same request has its call when it is not streamed."""
    assert _streamed("stream_nonstream_disagree").pieces == []
    assert len(asked("stream_nonstream_disagree", "one call").calls) == 1
