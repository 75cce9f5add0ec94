"""Streams off the contract, one function for each code of `fceval.irregularities`. Pure.

`CHUNKS` change what the chunks of Chat Completions hold, `EVENTS` the bytes of any API's stream.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fceval.endpoints._situations import Situation
from fceval.endpoints._wire import DONE, FRAGMENT, event

Chunk = dict[str, Any]

SERVER_ERROR = {
    "message": "The server had an error while processing your request.",
    "type": "server_error",
    "param": None,
    "code": None,
}


def _pieces(chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, dict[str, Any]]]:
    """Yield each piece of a call, and its chunk."""
    for chunk in chunks:
        for choice in chunk["choices"]:
            for piece in choice["delta"].get("tool_calls", ()):
                yield chunk, piece


def _without_index(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    for _, piece in _pieces(chunks):
        del piece["index"]
    return chunks


def _one_index(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    for _, piece in _pieces(chunks):
        piece["index"] = 0
    return chunks


def _several_indexes(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    """Send the last call once more, whole, at the next index."""
    place, index, begun, arguments = 0, 0, {}, ""
    for number, chunk in enumerate(chunks):
        for _, piece in _pieces([chunk]):
            if "id" in piece:
                place, index, begun, arguments = number, piece["index"], piece, ""
            arguments += piece["function"]["arguments"]
            place = number
    again = copy.deepcopy(chunks[place])
    function = {**begun["function"], "arguments": arguments}
    again["choices"][0]["delta"] = {"tool_calls": [{**begun, "index": index + 1, "function": function}]}
    return [*chunks[: place + 1], again, *chunks[place + 1 :]]


def _repeated_names(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    names: dict[int, str] = {}
    for _, piece in _pieces(chunks):
        name = piece["function"].get("name")
        names.setdefault(piece["index"], name)
        piece["function"]["name"] = names[piece["index"]]
    return chunks


def _fragmented_names(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    made = []
    for chunk in chunks:
        made.append(chunk)
        for _, piece in _pieces([chunk]):
            name = piece["function"].get("name")
            if name:
                rest = copy.deepcopy(chunk)
                # Two pieces that are alike would read as a name that is repeated.
                cut = len(name) // 2 + 1
                piece["function"]["name"] = name[:cut]
                index, function = piece["index"], {"name": name[cut:], "arguments": ""}
                rest["choices"][0]["delta"] = {"tool_calls": [{"index": index, "function": function}]}
                made.append(rest)
    return made


def long_calls(this: Situation) -> list[int]:
    """Return the positions of the calls whose arguments take several pieces of a stream."""
    return [at for at, call in enumerate(this.answer.calls) if len(call.arguments) > 2 * FRAGMENT]


def _changed_names(chunks: list[Chunk], this: Situation) -> list[Chunk]:
    """Name another tool with the last piece of a call's arguments."""
    position = long_calls(this)[0]
    *_, last = (piece for _, piece in _pieces(chunks) if piece["index"] == position)
    last["function"]["name"] = f"{this.answer.calls[position].name}_again"
    return chunks


def _as_messages(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    for chunk in chunks:
        for choice in chunk["choices"]:
            choice["message"] = choice.pop("delta")
    return chunks


def _no_choices(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    first = {**chunks[0], "choices": []}
    return [first, *(chunk for chunk in chunks[1:] if not chunk["choices"])]


def _usage_with_finish(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    *before, finish, usage = chunks
    return [*before, {**finish, "usage": usage["usage"]}]


def _usage_in_choice(chunks: list[Chunk], _this: Situation) -> list[Chunk]:
    *before, finish, usage = chunks
    finish["choices"][0]["usage"] = usage["usage"]
    return [*before, finish]


CHUNKS: Mapping[str, Callable[[list[Chunk], Situation], list[Chunk]]] = {
    "index_missing": _without_index,
    "index_reused": _one_index,
    "same_call_multi_index": _several_indexes,
    "name_repeated": _repeated_names,
    "name_fragmented": _fragmented_names,
    "name_changed": _changed_names,
    "message_in_chunk": _as_messages,
    "choices_null_or_empty": _no_choices,
    "usage_late": _usage_with_finish,
    "usage_in_choice": _usage_in_choice,
}
"""What is made of the chunks, by code; they may be changed in place."""


def _half(events: Sequence[bytes], this: Situation) -> list[bytes]:
    """Return the first events of a stream, without its end."""
    ends = sum(1 for last in events[-3:] if last == DONE or b'"choices": []' in last) + 1
    content = len(events) - ends
    return list(events[: max(2, 2 + this.number % max(1, content - 1))][:content])


def _truncated(events: Sequence[bytes], this: Situation) -> list[bytes]:
    # Some relays put the end marker where their own source broke off.
    fabricated = this.one_of([DONE], []) if this.asked.api != "responses" else []
    return [*_half(events, this), *fabricated]


def _error_event(events: Sequence[bytes], this: Situation) -> list[bytes]:
    if this.asked.api == "responses":
        error = {"type": "error", "sequence_number": 2, **SERVER_ERROR, "code": "server_error"}
        return [*events[:2], event(error, "error")]
    return [*_half(events, this), event({"error": SERVER_ERROR})]


def _interleaved(noise: bytes) -> Callable[[Sequence[bytes], Situation], list[bytes]]:
    def mix(events: Sequence[bytes], _this: Situation) -> list[bytes]:
        return [part for one in events for part in (noise, one)]

    return mix


def _glued(events: Sequence[bytes], this: Situation) -> list[bytes]:
    place = len(_half(events, this)) - 1
    head, mark, data = events[place].partition(b"data: ")
    following = events[place + 1]
    glued = head + mark + data[: len(data) // 2] + following[following.index(b"data: ") :]
    return [*events[:place], glued, *events[place + 2 :]]


def _usage_after_done(events: Sequence[bytes], _this: Situation) -> list[bytes]:
    *before, usage, done = events
    return [*before, done, usage]


EVENTS: Mapping[str, Callable[[Sequence[bytes], Situation], list[bytes]]] = {
    "stream_truncated": _truncated,
    "error_in_200": _error_event,
    "sse_comment": _interleaved(b": PING\n\n"),
    "data_comment": _interleaved(b"data: : keepalive\n\n"),
    "sse_glued_frames": _glued,
    "usage_after_done": _usage_after_done,
    "done_missing": lambda events, _: list(events[:-1]),
}
"""What is made of the events, by code."""
