"""Bodies and streams of the Responses API: what an answer is, and how its events make the body of one. Pure.

An answer is a list of items, and it says itself how it ended: `completed`, `incomplete` with a reason, `failed` with
an error, or `cancelled`. A stream tells each item several times: in pieces, as a whole text, as a whole item, and in
the last event, which holds the whole answer. Where these differ, what is whole counts, the item before the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fceval.client.outcome import Answered, Failed
from fceval.client.refusal import LONGEST_DETAIL, error_of, refusal, text_of
from fceval.client.sse import Brought, TooMuchError
from fceval.records import Json, JsonObject, Usage, json_text

MAX_KEPT = 8 * 2**20
"""Longest answer that is put together, in characters."""
_COST_OF_AN_ENTRY = 1024
_OK = 200
_LARGEST_COUNT = 2**53
_ENDS = frozenset({"completed", "incomplete", "failed", "cancelled"})
_TEXT_FIELDS = {"output_text": "text", "refusal": "refusal"}
"""Kind of a message's part to the member that holds its text."""


def answer_of(body: Json, irregularities: tuple[str, ...]) -> Answered | Failed:
    """Return what a body is, once it is known to be JSON; its message is the list of items, verbatim.

    The finish reason is why the answer is incomplete, or else its status.

    Args:
        body: Decoded.
        irregularities: Codes of what was off so far.
    """
    output = body.get("output") if isinstance(body, Mapping) else None
    status = _name(body.get("status")) if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or status in {"failed", "cancelled"}:
        return _broken_off(body, status, irregularities)
    if not isinstance(output, list):
        codes = irregularities if output else (*irregularities, "choices_null_or_empty")
        return Failed("endpoint_error", "the answer has no list `output`", retryable=True, irregularities=codes)
    if status in {"queued", "in_progress"}:
        detail = f"the answer is not finished (`{status}`)"
        return Failed("endpoint_error", detail, retryable=True, irregularities=irregularities)
    details = body.get("incomplete_details")
    reason = _name(details.get("reason")) if isinstance(details, Mapping) else None
    if reason == "content_filter":
        detail = "the endpoint's content filter ended the answer"
        return Failed("content_filtered", detail, irregularities=irregularities)
    usage = usage_of(body.get("usage"))
    if status in {"completed", None} and not usage.completion_tokens and not any(map(_says_something, output)):
        detail = "the answer is empty: neither text nor call nor tokens, and no error"
        codes = (*irregularities, "empty_success")
        return Failed("endpoint_error", detail, retryable=True, irregularities=codes)
    message: JsonObject = {"role": "assistant", "output": output}
    return Answered(message, reason or status, usage, _name(body.get("model")), irregularities)


def usage_of(usage: Json) -> Usage:
    """Return the tokens of a `usage` object; None for what is not a number of them."""
    counts = usage if isinstance(usage, Mapping) else {}
    return Usage(_count(counts.get("input_tokens")), _count(counts.get("output_tokens")))


def _broken_off(body: Json, status: str | None, irregularities: tuple[str, ...]) -> Failed:
    message, codes = error_of(body)
    if message is not None:
        failed = refusal(_OK, {}, message, codes)
        return Failed(failed.failure, failed.detail, failed.retryable, failed.stops_run, irregularities=irregularities)
    detail = f"the endpoint broke the answer off (`{status}`)" if status else "the answer is no JSON object"
    return Failed("endpoint_error", detail[:LONGEST_DETAIL], retryable=True, irregularities=irregularities)


def _says_something(item: Json) -> bool:
    if not isinstance(item, Mapping) or item.get("type") != "message":
        return bool(item)
    content = item.get("content")
    parts = [part for part in (content if isinstance(content, list) else []) if isinstance(part, Mapping)]
    texts = [content, *(part.get(field) for part in parts for field in _TEXT_FIELDS.values())]
    return any(isinstance(text, str) and text.strip() for text in texts)


def _count(tokens: Json) -> int | None:
    if isinstance(tokens, bool) or not isinstance(tokens, int | float) or not 0 <= tokens <= _LARGEST_COUNT:
        return None
    return int(tokens) if tokens == int(tokens) else None


def _name(value: Json) -> str | None:
    return text_of(value) if isinstance(value, str) else None


class ResponsesAssembly:
    """One streamed answer; see `fceval.client.sse.Assembly`.

    An event belongs to the item at its `output_index`. Servers that leave it out (llama.cpp does) tell the item by
    its id. The index goes first, because relays have been seen to give an item a new id with each event.
    """

    def __init__(self) -> None:
        self.notes: set[str] = set()
        self.error: Json = None
        self._response: JsonObject | None = None
        self._end = ""
        self._usage: Json = None
        self._items: dict[int, _Item] = {}
        self._places: dict[str, int] = {}
        self._last = -1
        self._kept = 0

    @property
    def started(self) -> bool:
        """Whether an event told of an answer."""
        return self.finished or self._response is not None or bool(self._items)

    @property
    def finished(self) -> bool:
        """Whether the last event was seen."""
        return bool(self._end)

    def take(self, event_name: str, chunk: JsonObject) -> Brought:
        """Add an event; its own `type` goes before the name that the stream gives it.

        Raises:
            TooMuchError: The answer is longer than `MAX_KEPT`.
        """
        named = chunk.get("type")
        kind = named if isinstance(named, str) else event_name
        self._usage = chunk.get("usage") or self._usage
        if "error" in {kind, event_name} or (chunk.get("error") and not kind.startswith("response.")):
            self.error = _error_body(chunk)
            return ""
        if not kind.startswith("response."):
            return ""
        kind = kind.removeprefix("response.")
        response = chunk.get("response")
        if isinstance(response, Mapping):
            self._keep(0 if self.finished else _COST_OF_AN_ENTRY)
            self._response = response
        if kind in _ENDS:
            self._end = kind
            return ""
        return self._take_of_item(kind, chunk)

    def _take_of_item(self, kind: str, chunk: JsonObject) -> Brought:
        given = chunk.get("item")
        if kind in {"output_item.added", "output_item.done"} and isinstance(given, Mapping):
            self._keep(len(json_text(given)))
            item = self._item(chunk, given.get("id"), given.get("type"))
            return item.take_whole(given, done=kind == "output_item.done")
        part, _, step = kind.rpartition(".")
        if part == "function_call_arguments":
            item = self._item(chunk, chunk.get("item_id"), "function_call")
            piece = chunk.get("delta" if step == "delta" else "arguments")
            self._keep(len(piece) if isinstance(piece, str) else 0)
            return item.take_arguments(piece, chunk.get("name"), done=step == "done")
        if part in _TEXT_FIELDS:
            item = self._item(chunk, chunk.get("item_id"), "message")
            piece = chunk.get("delta" if step == "delta" else _TEXT_FIELDS[part])
            self._keep(len(piece) if isinstance(piece, str) else 0)
            return item.take_text(part, chunk.get("content_index"), piece, done=step == "done")
        return ""

    def _item(self, chunk: JsonObject, item_id: Json, kind: Json) -> _Item:
        """Return the item that an event is about, a new one where it is about none so far."""
        index = chunk.get("output_index")
        known = self._places.get(item_id) if isinstance(item_id, str) else None
        if isinstance(index, int):
            place = int(index)
        else:
            self.notes.update({"index_missing"} if kind == "function_call" else ())
            place = known if known is not None else self._last + 1 if "item" in chunk else max(self._last, 0)
        if place not in self._items:
            self._keep(_COST_OF_AN_ENTRY)
            self._items[place] = _Item(kind, item_id)
            self._last = max(self._last, place)
        if isinstance(item_id, str):
            self._places.setdefault(item_id, place)
        return self._items[place]

    def _keep(self, characters: int) -> None:
        self._kept += characters
        if self._kept > MAX_KEPT:
            msg = f"the answer is longer than {MAX_KEPT // 2**20} MiB"
            raise TooMuchError(msg)

    def body(self) -> JsonObject:
        """Return the body that a non-streamed answer would have carried.

        Items that only the last event tells are there too; an item that other events told is as they told it, because
        relays leave the last event's list empty.
        """
        response = dict(self._response or {})
        told = response.get("output")
        items = dict(enumerate(told)) if isinstance(told, list) else {}
        items |= {place: item.as_object() for place, item in self._items.items()}
        response["output"] = [items[place] for place in sorted(items)]
        if self._end and response.get("status") not in _ENDS:
            response["status"] = self._end
        if not response.get("usage") and self._usage:
            response["usage"] = self._usage
        return response


class _Item:
    """One output item, as far as it has come."""

    def __init__(self, kind: Json, item_id: Json) -> None:
        self._head: JsonObject = {"type": kind, "id": item_id}
        self._whole: JsonObject | None = None
        self._name: Json = None
        self._arguments = _Text()
        self._parts: dict[int, tuple[str, _Text]] = {}
        self._last_part = 0

    def take_whole(self, item: JsonObject, *, done: bool) -> Brought:
        if done:
            self._whole = item
        else:
            self._head = item
        if item.get("type") == "function_call":
            return "call"
        return "token" if item.get("type") == "message" and _says_something(item) else ""

    def take_arguments(self, piece: Json, name: Json, *, done: bool) -> Brought:
        self._name = name or self._name
        self._arguments.take(piece, done=done)
        return "call"

    def take_text(self, kind: str, index: Json, piece: Json, *, done: bool) -> Brought:
        self._last_part = index if isinstance(index, int) else self._last_part
        self._parts.setdefault(self._last_part, (kind, _Text()))[1].take(piece, done=done)
        return "token" if piece else ""

    def as_object(self) -> JsonObject:
        item: dict[str, Json] = dict(self._whole or self._head)
        if item.get("type") == "function_call":
            item["name"] = item.get("name") or self._name
            item["arguments"] = item.get("arguments") or self._arguments.text
        elif item.get("type") == "message" and not item.get("content"):
            item["content"] = [
                {"type": kind, _TEXT_FIELDS[kind]: text.text} for _, (kind, text) in sorted(self._parts.items())
            ]
        return item


class _Text:
    """A text that comes in pieces, and at last as a whole."""

    __slots__ = ("_pieces", "_whole")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._whole = ""

    def take(self, piece: Json, *, done: bool) -> None:
        if done:
            self._whole = piece if isinstance(piece, str) else self._whole
        elif isinstance(piece, str):
            self._pieces.append(piece)

    @property
    def text(self) -> str:
        return self._whole or "".join(self._pieces)


def _error_body(event: JsonObject) -> JsonObject:
    """Return an error event as the body of an error, which is how everything else tells one."""
    if event.get("error"):
        return event
    error: dict[str, Any] = {name: event.get(name) for name in ("message", "code", "param") if name in event}
    return {"error": error} if error else event
