"""Bodies and streams of the Responses API: the answer, how it ended, and why there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fceval.client.body import BodyReader
from fceval.client.classify import classify
from fceval.client.outcome import Answered, Failed
from fceval.client.responses_api import MAX_KEPT, ResponsesAssembly, answer_of
from fceval.client.sse import Streamed, TooMuchError
from fceval.records import Json, Usage
from tests.strategies import wild_values

FOLDER = Path(__file__).parents[2] / "data" / "responses"
CASES: dict[str, Any] = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*"))}
CALL: Json = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
TEXT: Json = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}


def content_of(case: dict[str, Any]) -> bytes:
    """Return the bytes of a stream: as they were captured, or its events as a server writes them."""
    if "stream" in case:
        return "\n".join(case["stream"]).encode()
    return "".join(f"event: {_name(event)}\ndata: {json.dumps(event)}\n\n" for event in case["events"]).encode()


def _name(event: dict[str, Any]) -> str:
    return str(event.get("event") or event.get("type") or "message")


def events_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a stream."""
    lines = content_of(case).decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def read(content: bytes, cuts: list[int]) -> Streamed:
    """Read a stream that is cut at these places; each piece comes a second after the one before."""
    reader = BodyReader("responses")
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(content)], strict=True)):
        reader.feed(content[start:end], float(number))
    streamed = reader.end("eof")
    assert isinstance(streamed, Streamed)
    return streamed


def check(streamed: Streamed, expected: dict[str, Any]) -> None:
    """Compare what became of a stream with what its file says."""
    result = classify(200, {"content-type": "text/event-stream"}, streamed, {"stream": True}, "responses")
    assert streamed.terminal == expected["terminal"]
    assert list(result.irregularities) == expected["codes"]
    if isinstance(result, Failed):
        assert result.failure == expected["failure"]
        assert expected.get("detail", "") in result.detail
        return
    assert result.message == {"role": "assistant", "output": expected["output"]}
    assert result.finish_reason == expected["finish_reason"]
    assert [result.usage.prompt_tokens, result.usage.completion_tokens] == expected["tokens"]


@pytest.mark.parametrize("name", CASES)
def test_stream_becomes_what_the_file_says(name: str) -> None:
    """The items, the end and the codes."""
    check(read(content_of(CASES[name]), []), CASES[name]["expected"])


@pytest.mark.parametrize("name", CASES)
def test_first_output_is_told(name: str) -> None:
    """The first event that brings something of the answer says whether it is text or a piece of a call."""
    assembly = ResponsesAssembly()
    brought = [assembly.take(_name(event), event) for event in events_of(CASES[name])]
    assert next(filter(None, brought), "") == CASES[name]["expected"]["first"]


@given(data=st.data())
@settings(max_examples=10)
@pytest.mark.parametrize("name", CASES)
def test_any_chunking_gives_the_same(name: str, data: st.DataObject) -> None:
    """Wherever the bytes are cut, the same becomes of them."""
    content = content_of(CASES[name])
    cuts = sorted(data.draw(st.sets(st.integers(0, len(content)), max_size=30)))
    check(read(content, cuts), CASES[name]["expected"])


@pytest.mark.parametrize(
    ("fields", "finish_reason"),
    [
        ({"status": "completed"}, "completed"),
        ({}, None),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "max_output_tokens"),
        ({"status": "incomplete", "incomplete_details": None}, "incomplete"),
        ({"status": "incomplete", "incomplete_details": {"reason": 5}}, "incomplete"),
        ({"status": "ended"}, "ended"),
        ({"status": 5}, None),
        ({"status": "completed", "error": None}, "completed"),
    ],
)
def test_answer(fields: dict[str, Json], finish_reason: str | None) -> None:
    """The message is the items, verbatim; the finish reason is why the answer is incomplete, or its status."""
    usage: Json = {"input_tokens": 3, "output_tokens": 2.0, "total_tokens": 5}
    answer = answer_of({"model": "m-1", "output": [CALL, TEXT], "usage": usage, **fields}, ("content_type",))
    message: dict[str, Json] = {"role": "assistant", "output": [CALL, TEXT]}
    assert answer == Answered(message, finish_reason, Usage(3, 2), "m-1", ("content_type",))


@pytest.mark.parametrize(
    ("body", "failed"),
    [
        (None, Failed("endpoint_error", "the answer is no JSON object", retryable=True)),
        ({"status": "cancelled", "output": []}, Failed("endpoint_error", "broke the answer off", retryable=True)),
        ({"status": "failed", "error": None}, Failed("endpoint_error", "broke the answer off", retryable=True)),
        (
            {"status": "failed", "error": {"code": "server_error", "message": "Crashed."}},
            Failed("endpoint_error", "Crashed.", retryable=True),
        ),
        (
            {"status": "failed", "error": {"code": "content_policy_violation", "message": "No."}},
            Failed("content_filtered", "No."),
        ),
        (
            {"status": "failed", "error": {"code": "insufficient_quota", "message": "Pay."}},
            Failed("endpoint_error", "Pay.", stops_run=True),
        ),
        ({"status": "queued", "output": []}, Failed("endpoint_error", "not finished (`queued`)", retryable=True)),
        ({"status": "in_progress", "output": [CALL]}, Failed("endpoint_error", "not finished", retryable=True)),
        (
            {"status": "incomplete", "output": [CALL], "incomplete_details": {"reason": "content_filter"}},
            Failed("content_filtered", "content filter"),
        ),
        ({"output": "Hi"}, Failed("endpoint_error", "no list `output`", retryable=True)),
    ],
)
def test_no_answer(body: Json, failed: Failed) -> None:
    """What is no answer is a failure of its class, and says why."""
    found = answer_of(body, ("content_type",))
    assert isinstance(found, Failed)
    assert (found.failure, found.retryable, found.stops_run) == (failed.failure, failed.retryable, failed.stops_run)
    assert failed.detail in found.detail
    assert found.irregularities == ("content_type",)


@pytest.mark.parametrize("output", [None, [], "missing"])
def test_no_items(output: Json) -> None:
    """A list of items that is null or missing is the code of `choices`; one that is empty is an empty success."""
    body: dict[str, Json] = {"status": "completed", "output": output}
    answer = answer_of({} if output == "missing" else body, ())
    assert isinstance(answer, Failed)
    assert answer.retryable
    assert answer.irregularities == (("empty_success",) if output == [] else ("choices_null_or_empty",))


@pytest.mark.parametrize(
    ("item", "is_answer"),
    [
        (CALL, True),
        (TEXT, True),
        ({"type": "reasoning", "summary": []}, True),
        ({"type": "message", "content": "Hi"}, True),
        ({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}, True),
        ({"type": "message", "content": [{"type": "output_text", "text": " "}]}, False),
        ({"type": "message", "content": []}, False),
        ({"type": "message"}, False),
        (None, False),
    ],
)
def test_silence(item: Json, is_answer: bool) -> None:  # noqa: FBT001 -- a column of the table
    """An answer without text, call, thought and tokens is an endpoint's fault; with tokens it is a model's silence."""
    answer = answer_of({"status": "completed", "output": [item]}, ())
    assert isinstance(answer, Answered) == is_answer
    told = answer_of({"status": "completed", "output": [item], "usage": {"output_tokens": 1}}, ())
    assert isinstance(told, Answered)


@pytest.mark.parametrize("tokens", [None, -1, 1.5, True, "5", 1e300, [5]])
def test_no_token_count(tokens: Json) -> None:
    """What is no count of tokens is not reported."""
    answer = answer_of({"output": [TEXT], "usage": {"input_tokens": tokens, "output_tokens": tokens}}, ())
    assert isinstance(answer, Answered)
    assert answer.usage == Usage()


@given(
    body=wild_values | st.dictionaries(st.sampled_from(["status", "output", "error", "usage", "model"]), wild_values)
)
def test_any_body_is_something(body: Json) -> None:
    """No JSON is too odd."""
    assert isinstance(answer_of(body, ()), Answered | Failed)


_KINDS = st.sampled_from(
    [event["type"] for case in CASES.values() for event in events_of(case) if isinstance(event.get("type"), str)]
)
_MEMBERS = (
    "item",
    "response",
    "delta",
    "arguments",
    "text",
    "output_index",
    "item_id",
    "content_index",
    "error",
    "usage",
)


@given(
    events=st.lists(st.tuples(_KINDS | st.text(max_size=5), st.dictionaries(st.sampled_from(_MEMBERS), wild_values)))
)
def test_any_events_make_a_body(events: list[tuple[str, dict[str, Json]]]) -> None:
    """No event is too odd: what cannot be used is left out."""
    assembly = ResponsesAssembly()
    for kind, members in events:
        assembly.take(kind, {"type": kind, **members})
    body = assembly.body()
    assert isinstance(body["output"], list)
    json.dumps(body)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_text.delta", "output_index": 0, "delta": "x" * 2**20},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "delta": "x" * 2**20},
        {"type": "response.output_item.added", "item": {"type": "message", "filler": "x" * 2**20}},
        {"type": "response.in_progress", "response": {}},
    ],
    ids=["text", "arguments", "items", "responses"],
)
def test_endless_answer_is_refused(event: dict[str, Json]) -> None:
    """What comes without an end is not collected."""
    assembly = ResponsesAssembly()

    def take_many() -> None:
        for _ in range(MAX_KEPT // 1024 + 1):
            assembly.take("", event)

    with pytest.raises(TooMuchError, match="longer than 8 MiB"):
        take_many()


def test_item_without_index_and_id_follows_the_last() -> None:
    """Where nothing says which item an event is about, a new item is the next one, and a piece is the last one's."""
    assembly = ResponsesAssembly()
    for name in ("f", "g"):
        assembly.take("response.output_item.added", {"item": {"type": "function_call", "name": name}})
        assembly.take("response.function_call_arguments.delta", {"delta": f'"{name}"'})
    assert assembly.body()["output"] == [
        {"type": "function_call", "name": "f", "arguments": '"f"'},
        {"type": "function_call", "name": "g", "arguments": '"g"'},
    ]
    assert assembly.notes == {"index_missing"}
