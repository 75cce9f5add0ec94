"""Answers as the Responses API writes them, whole or as a stream of events. Pure.

A stream is made from the body that would have come whole, so that whatever is in the one is in the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fceval.endpoints._answers import Answer
from fceval.endpoints._tokens import counted
from fceval.endpoints._wire import Envelope, event, fragments

_ENDS = {"completed": "response.completed", "incomplete": "response.incomplete", "failed": "response.failed"}


def response(answer: Answer, envelope: Envelope, echoed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of an answer that is not streamed.

    Args:
        answer: What is said.
        envelope: What is around it.
        echoed: Fields of the request that are repeated.
    """
    cut = answer.finish_reason == "length"
    count = counted(answer)
    output = list(_items(answer, envelope))
    if output and cut:
        output[-1]["status"] = "incomplete"
    return {
        "id": envelope.completion_id,
        "object": "response",
        "created_at": envelope.created,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": envelope.model,
        "output": output,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "text": {"format": {"type": "text"}},
        "truncation": "disabled",
        "usage": {
            "input_tokens": envelope.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": count,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": envelope.prompt_tokens + count,
        },
        "user": None,
        **echoed,
    }


def events(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a stream that says what a body says; `type` names each, `sequence_number` counts them."""
    begun = {**body, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    made: list[dict[str, Any]] = [
        {"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")
    ]
    for index, item in enumerate(body["output"]):
        made += ({**piece, "output_index": index} for piece in _pieces(item))
    made.append({"type": _ENDS[body["status"]], "response": body})
    return [{**piece, "sequence_number": number} for number, piece in enumerate(made)]


def sse(pieces: list[dict[str, Any]]) -> list[bytes]:
    """Return events as server-sent events; there is no end marker."""
    return [event(piece, piece["type"]) for piece in pieces]


def _items(answer: Answer, envelope: Envelope) -> Iterator[dict[str, Any]]:
    number = envelope.completion_id.rpartition("_")[2]
    content: list[dict[str, Any]] = []
    if answer.text is not None:
        content.append({"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []})
    if answer.refusal is not None:
        content.append({"type": "refusal", "refusal": answer.refusal})
    if content:
        yield {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }
    for index, (call_id, call) in enumerate(zip(envelope.call_ids, answer.calls, strict=True)):
        yield {
            "id": f"fc_{number}{index:02x}",
            "type": "function_call",
            "status": "completed",
            "call_id": call_id,
            "name": call.name,
            "arguments": call.arguments,
        }


def _pieces(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a stream says of one item, from its beginning to the item as it is."""
    about: dict[str, Any] = {"item_id": item["id"]}
    if item["type"] == "function_call":
        yield _added({**item, "status": "in_progress", "arguments": ""})
        yield from _growing("response.function_call_arguments", "arguments", item["arguments"], about)
    else:
        yield _added({**item, "status": "in_progress", "content": []})
        for index, part in enumerate(item["content"]):
            place: dict[str, Any] = {**about, "content_index": index}
            member = "text" if part["type"] == "output_text" else "refusal"
            yield {"type": "response.content_part.added", **place, "part": {**part, member: ""}}
            if member == "text":
                place["logprobs"] = []
            yield from _growing(f"response.{part['type']}", member, part[member], place)
            yield {"type": "response.content_part.done", **about, "content_index": index, "part": part}
    yield {"type": "response.output_item.done", "item": item}


def _added(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "item": item}


def _growing(kind: str, member: str, text: str, about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for fragment in fragments(text):
        yield {"type": f"{kind}.delta", **about, "delta": fragment}
    yield {"type": f"{kind}.done", **about, member: text}
