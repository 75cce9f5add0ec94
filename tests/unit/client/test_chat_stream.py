"""Chunks of chat completions: the answer that they stand for, as it would have come without streaming."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.client import chat_stream
from fceval.client.chat_stream import ChatAssembly
from fceval.client.sse import TooMuchError


def chunk(delta: object = None, finish_reason: object = None, index: object = 0, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    """Return a chunk with one choice."""
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish_reason}
    return {"id": "c", "model": "m", "choices": [choice], **more}


def assembled(*chunks: dict[str, Any]) -> ChatAssembly:
    """Return the assembly that took these chunks."""
    assembly = ChatAssembly()
    for each in chunks:
        assembly.take("message", each)
    return assembly


def message_of(*deltas: dict[str, Any]) -> Any:  # noqa: ANN401 -- any JSON
    """Return the message that these deltas make."""
    body: Any = assembled(*map(chunk, deltas)).body()
    return body["choices"][0]["message"]


@pytest.mark.parametrize(
    ("deltas", "message"),
    [
        ([{"role": "assistant", "content": ""}, {"content": "a"}, {"content": "b"}], {"content": "ab"}),
        ([{"role": "assistant", "content": ""}], {"content": None}),
        ([{"role": "assistant"}], {"content": None}),
        (
            [{"content": None, "refusal": None}, {"refusal": "No"}, {"refusal": "."}],
            {"content": None, "refusal": "No."},
        ),
        ([{"reasoning_content": "a"}, {"reasoning_content": "a"}], {"content": None, "reasoning_content": "aa"}),
        ([{"reasoning": "a"}, {"content": "b"}], {"content": "b", "reasoning": "a"}),
        ([{"content": "a", "obfuscation": "xyz"}], {"content": "a"}),
        ([{"content": "a", "tool_calls": []}, {"tool_calls": None}], {"content": "a"}),
        (
            [{"content": [{"type": "thinking", "thinking": "h"}]}, {"content": "a"}],
            {"content": [{"type": "thinking", "thinking": "h"}, {"type": "text", "text": "a"}]},
        ),
        (
            [{"reasoning_details": [{"text": "a"}]}, {"reasoning_details": [{"text": "b"}]}],
            {"content": None, "reasoning_details": [{"text": "a"}, {"text": "b"}]},
        ),
        (
            [{"content": "a"}, {"content": "", "extra_content": {"google": {"thought_signature": "s"}}}],
            {"content": "a", "extra_content": {"google": {"thought_signature": "s"}}},
        ),
        (
            [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}],
            {"content": None, "function_call": {"name": "f", "arguments": "{}"}},
        ),
    ],
)
def test_deltas_become_the_message(deltas: list[dict[str, Any]], message: dict[str, Any]) -> None:
    """Texts grow, calls come together, what nobody knows is kept, padding is not."""
    assert message_of(*deltas) == {"role": "assistant", **message}


def test_body_is_that_of_a_completion() -> None:
    """With what stands around the choices, and token counts from wherever they came."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    assembly = assembled(
        {"id": "", "model": "", "choices": []},
        chunk({"content": "a"}, system_fingerprint="fp", usage=None),
        chunk(finish_reason="stop"),
        {"id": "c", "model": "m", "choices": [], "usage": usage},
    )
    choice = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    assert assembly.body() == {
        "id": "c",
        "model": "m",
        "system_fingerprint": "fp",
        "object": "chat.completion",
        "choices": [choice],
        "usage": usage,
    }
    assert (assembly.notes, assembly.error) == (set(), None)


def test_choices_interleave() -> None:
    """Each has its own pieces; the answer is complete when all of them are."""
    assembly = assembled(chunk({"content": "a"}), chunk({"content": "x"}, index=1), chunk({"content": "b"}))
    assembly.take("message", chunk(finish_reason="stop"))
    finished = [assembly.finished]
    assembly.take("message", chunk(finish_reason="stop", index=1))
    assert [*finished, assembly.finished] == [False, True]
    body: Any = assembly.body()
    assert [choice["message"]["content"] for choice in body["choices"]] == ["ab", "x"]


@pytest.mark.parametrize(
    ("reasons", "finished"),
    [
        ([None, "stop"], "stop"),
        ([None, "tool_calls", "stop"], "tool_calls"),
        ([None, "stop", None], "stop"),
        (["", "", "stop"], "stop"),
        ([None, None, ""], ""),
        ([None, None], None),
        (["", ""], None),
    ],
)
def test_finish_reason_is_the_first_that_is_one(reasons: list[Any], finished: str | None) -> None:
    """An empty one is, where a chunk before had null; where every chunk has it, it says nothing."""
    assembly = assembled(*(chunk({"content": "a"}, reason) for reason in reasons))
    body: Any = assembly.body()
    assert assembly.finished == (finished is not None)
    assert (body["choices"][0]["finish_reason"] or "") == (finished or "")


@pytest.mark.parametrize(
    ("given", "brought"),
    [
        ({"role": "assistant", "content": ""}, ""),
        ({"content": "a"}, "token"),
        ({"refusal": "a"}, "token"),
        ({"reasoning_content": "a"}, ""),
        ({"tool_calls": [{"index": 0}]}, "call"),
        ({"content": "a", "tool_calls": [{"index": 0}]}, "call"),
        ({"function_call": {"name": "f"}}, "call"),
    ],
)
def test_chunk_says_what_it_brought(given: dict[str, Any], brought: str) -> None:
    """Output is what the user would see or what would be run."""
    assert ChatAssembly().take("message", chunk(given)) == brought


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("message", {"error": {"message": "no"}}),
        ("message", {"error": "no"}),
        ("message", {"object": "error", "message": "no", "code": 400}),
        ("message", {"choices": [{"index": 0, "delta": {}, "error": {"message": "no", "code": 502}}]}),
        ("error", {"code": 7}),
    ],
)
def test_error_is_kept_as_it_came(name: str, given: dict[str, Any]) -> None:
    """In any of its shapes."""
    assembly = ChatAssembly()
    assembly.take(name, given)
    assert assembly.error == given


def test_whole_message_with_calls_replaces_what_its_copies_said() -> None:
    """Copies of a growing message, each with its calls from the start."""
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": text}} for text in ('{"x"', '{"x": 1}')
    ]
    chunks = [{"choices": [{"index": 0, "message": {"tool_calls": [call]}}]} for call in calls]
    assembly = assembled(*chunks)
    body: Any = assembly.body()
    assert body["choices"][0]["message"]["tool_calls"] == calls[1:]
    assert assembly.notes == {"message_in_chunk"}


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it says, and by how many choices say nothing."""
    monkeypatch.setattr(chat_stream, "MAX_KEPT", 10_000)
    with pytest.raises(TooMuchError, match="the answer is longer than"):
        assembled(*[chunk({"content": "x" * 1_000})] * 11)
    with pytest.raises(TooMuchError, match="the answer is longer than"):
        assembled(*(chunk(index=index) for index in range(11)))


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = "choices index delta message tool_calls function name arguments content role id usage finish_reason x"
    return st.dictionaries(st.sampled_from(names.split()), inner, max_size=4)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | _objects(inner),
    max_leaves=10,
)


@given(st.lists(_objects(_JSON), max_size=4), st.lists(_objects(_JSON), max_size=4))
def test_no_chunk_breaks_it(chunks: list[dict[str, Any]], deltas: list[dict[str, Any]]) -> None:
    """Any objects make a body that can be written down."""
    json.dumps(assembled(*chunks, *map(chunk, deltas)).body())
