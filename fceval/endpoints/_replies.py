"""From an answer to the bytes that are sent, with at most one fault on the way. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fceval.endpoints import _responses_wire, _wire
from fceval.endpoints._answers import Answer
from fceval.endpoints._irregular import ANSWERS, BODIES
from fceval.endpoints._irregular_streams import CHUNKS, EVENTS, SERVER_ERROR
from fceval.endpoints._situations import Situation
from fceval.endpoints._wire import Envelope

JSON = "application/json"
STREAM = "text/event-stream"
_HTML = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with status 200, as it is sent."""

    content_type: str
    parts: tuple[bytes, ...]
    """The body in one part, or the events of a stream."""


def said(this: Situation, fault: str) -> Answer:
    """Return what is said: the situation's answer, or what a fault makes of it; empty: there is none."""
    return ANSWERS[fault](this) if fault in ANSWERS else this.answer


def reply(this: Situation, answer: Answer, envelope: Envelope, fault: str) -> Reply:
    """Return what is sent.

    Args:
        this: The request, and what it should get.
        answer: What is said, see `said`.
        envelope: What is around it.
        fault: One that can show here; empty for the contract.
    """
    if fault == "html_200":
        return Reply("text/html", (_HTML,))
    body = _body(this, answer, envelope)
    if fault in BODIES:
        BODIES[fault](body, this)
    if this.asked.stream and fault != "stream_ignored":
        sent = Reply(STREAM, tuple(_events(this, body, fault)))
    elif fault == "error_in_200":
        sent = Reply(JSON, (json.dumps({"error": SERVER_ERROR}).encode(),))
    else:
        sent = Reply(JSON, (json.dumps(body).encode(),))
    return _ENVELOPES[fault](sent, envelope) if fault in _ENVELOPES else sent


def _body(this: Situation, answer: Answer, envelope: Envelope) -> dict[str, Any]:
    if this.asked.api == "responses":
        return _responses_wire.response(answer, envelope, this.asked.echoed)
    return _wire.completion(answer, envelope, legacy=this.asked.api == "functions")


def _events(this: Situation, body: Mapping[str, Any], fault: str) -> Sequence[bytes]:
    if this.asked.api == "responses":
        events = _responses_wire.sse(_responses_wire.events(body))
    else:
        # Chunks share parts of the body, and a fault changes them in place: each gets parts of its own.
        chunks = json.loads(json.dumps(_wire.chunks(body, include_usage=this.asked.include_usage)))
        events = _wire.sse(CHUNKS[fault](chunks, this) if fault in CHUNKS else chunks)
    return EVENTS[fault](events, this) if fault in EVENTS else events


def _mislabelled(sent: Reply, _envelope: Envelope) -> Reply:
    return replace(sent, content_type="text/plain")


def _with_member(member: bytes) -> Callable[[Reply, Envelope], Reply]:
    """Return what puts one more member into the first object that is sent."""
    return lambda sent, _envelope: _with_members(sent, member)


def _with_members(sent: Reply, members: bytes) -> Reply:
    first, *rest = sent.parts
    return replace(sent, parts=(first.replace(b'"object":', members + b', "object":', 1), *rest))


def _echoing(sent: Reply, envelope: Envelope) -> Reply:
    return _with_members(sent, b'"authorization": "Bearer %s"' % envelope.api_key.encode())


_ENVELOPES: Mapping[str, Callable[[Reply, Envelope], Reply]] = {
    "content_type": _mislabelled,
    "duplicate_key": _with_member(b'"object": "again"'),
    "invalid_number": _with_member(b'"cost": NaN'),
    "invalid_utf8": _with_member(b'"server": "\xff"'),
    "key_echoed": _echoing,
}
"""What is made of the bytes, by code."""
