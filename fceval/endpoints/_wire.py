"""Answers as Chat Completions writes them, whole or as a stream of chunks. Pure.

A stream is made from the body that would have come whole, so that whatever is in the one is in the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fceval.endpoints._answers import Answer
from fceval.endpoints._tokens import counted

DONE = b"data: [DONE]\n\n"
"""The end marker of a stream."""

FRAGMENT = 12
"""Characters of text or arguments in one piece of a stream."""
_MOST_FRAGMENTS = 200
"""Of one text: of a long one the pieces are larger."""


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
    api_key: str = field(default="", repr=False)
    """What the request carried, for the fault that says it back."""


def completion(answer: Answer, envelope: Envelope, *, legacy: bool = False) -> dict[str, Any]:
    """Return the body of an answer that is not streamed.

    Args:
        answer: What is said.
        envelope: What is around it.
        legacy: The one call is written as `function_call`.
    """
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
    if answer.reasoning is not None:
        message["reasoning_content"] = answer.reasoning
    finish_reason = answer.finish_reason
    if answer.calls and legacy:
        (call,) = answer.calls
        message["function_call"] = {"name": call.name, "arguments": call.arguments}
        finish_reason = "function_call" if finish_reason == "tool_calls" else finish_reason
    elif answer.calls:
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call_id, call in zip(envelope.call_ids, answer.calls, strict=True)
        ]
    count = counted(answer)
    return {
        "id": envelope.completion_id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "system_fingerprint": "fp_fceval_mock",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
        "usage": {
            "prompt_tokens": envelope.prompt_tokens,
            "completion_tokens": count,
            "total_tokens": envelope.prompt_tokens + count,
        },
    }


def chunks(body: Mapping[str, Any], *, include_usage: bool) -> list[dict[str, Any]]:
    """Return the chunks of a stream that says what a body says.

    Args:
        body: Of one choice; its message may be off the contract.
        include_usage: The last chunk holds the body's usage, if it has any, and the others hold null.
    """
    (choice,) = body["choices"]
    head = {name: value for name, value in body.items() if name not in {"choices", "usage"}}
    head["object"] = "chat.completion.chunk"
    last = {"usage": None} if include_usage else {}
    made = [
        {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}], **last}
        for delta in _deltas(choice["message"])
    ]
    made[-1]["choices"][0]["finish_reason"] = choice["finish_reason"]
    if include_usage and body.get("usage") is not None:
        made.append({**head, "choices": [], "usage": body["usage"]})
    return made


def sse(events: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Return chunks as server-sent events, the end marker last."""
    return [*(event(chunk) for chunk in events), DONE]


def event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    """Return one server-sent event."""
    line = b"data: " + json.dumps(data).encode() + b"\n\n"
    return line if name is None else b"event: " + name.encode() + b"\n" + line


def fragments(text: str) -> Iterator[str]:
    """Yield a text in the pieces in which it is streamed."""
    size = max(FRAGMENT, -(-len(text) // _MOST_FRAGMENTS))
    return (text[start : start + size] for start in range(0, len(text), size))


def _deltas(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": message["role"], "content": None if message["content"] is None else "", "refusal": None}
    spoken = [name for name in message if name not in {"role", "content", "refusal", "tool_calls", "function_call"}]
    for name in (*spoken, "content", "refusal"):
        for fragment in fragments(message[name] or ""):
            yield {name: fragment}
    if "function_call" in message:
        function = message["function_call"]
        for piece in _function_pieces(function):
            yield {"function_call": piece}
    for index, entry in enumerate(message.get("tool_calls", ())):
        begun, *rest = _function_pieces(entry["function"])
        yield {"tool_calls": [{"index": index, **entry, "function": begun}]}
        for piece in rest:
            yield {"tool_calls": [{"index": index, "function": piece}]}
    yield {}


def _function_pieces(function: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the name with empty arguments, then the arguments; what is no text comes whole, with the name."""
    arguments = function["arguments"]
    if not isinstance(arguments, str):
        yield dict(function)
        return
    yield {**function, "arguments": ""}
    for fragment in fragments(arguments):
        yield {"arguments": fragment}
