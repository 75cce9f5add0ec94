"""Answers as Chat Completions writes them, whole or as a stream of chunks. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fceval.endpoints._answers import Answer

_FRAGMENT = 12
"""Characters of text or arguments in one chunk of a stream."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is around an answer."""

    completion_id: str
    created: int
    """Unix seconds."""
    model: str
    """The one that was asked for."""
    prompt_tokens: int
    call_ids: tuple[str, ...]
    """One for each call of the answer."""


def tokens(text: str) -> int:
    """Return a plausible number of tokens: four ASCII characters to one, others one each."""
    others = len(text) - len(text.encode("ascii", "ignore"))
    return others + -(-(len(text) - others) // 4)


def completion(answer: Answer, envelope: Envelope) -> bytes:
    """Return the body of an answer that is not streamed."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
    if answer.calls:
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call_id, call in zip(envelope.call_ids, answer.calls, strict=True)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
    body = {**_head("chat.completion", envelope), "choices": [choice], "usage": _usage(answer, envelope)}
    return json.dumps(body).encode()


def events(answer: Answer, envelope: Envelope, *, include_usage: bool) -> Iterator[bytes]:
    """Yield the server-sent events of a streamed answer, the end marker included."""
    head = _head("chat.completion.chunk", envelope)
    for delta, finish_reason in _deltas(answer, envelope.call_ids):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        yield _event({**head, "choices": [choice], **({"usage": None} if include_usage else {})})
    if include_usage:
        yield _event({**head, "choices": [], "usage": _usage(answer, envelope)})
    yield b"data: [DONE]\n\n"


def _deltas(answer: Answer, call_ids: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], str | None]]:
    started = {"role": "assistant", "content": None if answer.text is None else "", "refusal": None}
    yield started, None
    for member, text in (("content", answer.text), ("refusal", answer.refusal)):
        for fragment in _fragments(text or ""):
            yield {member: fragment}, None
    for index, (call_id, call) in enumerate(zip(call_ids, answer.calls, strict=True)):
        function = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}, None
        for fragment in _fragments(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}, None
    yield {}, answer.finish_reason


def _fragments(text: str) -> Iterator[str]:
    return (text[start : start + _FRAGMENT] for start in range(0, len(text), _FRAGMENT))


def _head(kind: str, envelope: Envelope) -> dict[str, Any]:
    return {
        "id": envelope.completion_id,
        "object": kind,
        "created": envelope.created,
        "model": envelope.model,
        "system_fingerprint": "fp_fceval_mock",
    }


def _usage(answer: Answer, envelope: Envelope) -> dict[str, int]:
    said = tokens(answer.text or "") + tokens(answer.refusal or "")
    called = sum(tokens(call.name) + tokens(call.arguments) + 4 for call in answer.calls)
    count = max(1, said + called)
    return {
        "prompt_tokens": envelope.prompt_tokens,
        "completion_tokens": count,
        "total_tokens": envelope.prompt_tokens + count,
    }


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"
