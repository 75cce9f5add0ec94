"""Server-sent events: bytes in, events out, and one answer at the end. Pure, and linear in what comes in.

The decoder keeps the line rules of the standard (LF, CRLF and CR end a line, a blank line ends an event); the reader
gives each event's JSON to an assembly, which knows what an API puts into its events, and says how the stream ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from fceval.client.envelope import read_envelope
from fceval.jsontext import JsonTextError
from fceval.records import Json, JsonObject

MAX_EVENT_BYTES = 4 * 2**20
"""Longest line and longest data of one event."""
MAX_STREAM_BYTES = 32 * 2**20
"""Longest stream, decompressed; four times a whole answer, because each event repeats the envelope."""
MAX_EVENTS = 200_000
"""Most events and comments of one stream."""
MAX_LINES = 5 * MAX_EVENTS
"""Most lines of one stream."""

Terminal: TypeAlias = Literal["complete", "complete_no_done", "truncated", "reset", "error_event", "empty"]
"""How a stream ended.

`complete`: with a finish reason, and the end marker where the API has one. `complete_no_done`: with a finish reason
only. `truncated`: without one, or with an event that cannot be read. `reset`: likewise, and the connection broke.
`error_event`: with an error. `empty`: with nothing of an answer in it.
"""
Brought: TypeAlias = Literal["", "token", "call"]
"""What a chunk held: nothing that counts as output, text, or a piece of a call."""

_BOM = b"\xef\xbb\xbf"
_GLUE = re.compile(rb"\n|\s*data:\s*(?=[\[{])")
_DONE = b"[DONE]"
_PINGS = frozenset({"heartbeat", "keep-alive", "keepalive", "ping"})
"""Names of events that only keep a connection open."""


class TooMuchError(ValueError):
    """An answer is larger than what is read of one; the message says by which measure, for a person."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    name: str
    """`message` where the stream names none."""
    data: bytes
    """Its data lines, joined by LF."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A stream that was read to its end."""

    terminal: Terminal
    body: Json
    """What a non-streamed answer would have carried, or the body of an error event; None where there was nothing."""
    irregularities: tuple[str, ...]
    """Sorted."""
    first_token_s: float | None
    """To the first piece of content, refusal or call, in seconds on the clock of `StreamReader.feed`."""
    first_call_s: float | None
    """To the first piece of a call."""
    problem: str = ""
    """For a person: why an event could not be read."""


class Assembly(Protocol):
    """Puts the chunks of one API's stream together."""

    notes: set[str]
    """Codes of `fceval.irregularities`, as they are found."""
    error: Json
    """The body of an error event; None where there was none."""

    @property
    def started(self) -> bool:
        """Whether anything of an answer was seen."""

    @property
    def finished(self) -> bool:
        """Whether everything that started has come to its own end."""

    def take(self, event_name: str, chunk: JsonObject) -> Brought:
        """Add a chunk.

        Raises:
            TooMuchError: More is to be kept than an answer may be long.
        """

    def body(self) -> JsonObject:
        """Return the body that a non-streamed answer would have carried."""


class SseDecoder:
    """Splits bytes into events, however they are cut into chunks."""

    def __init__(self) -> None:
        self.notes: set[str] = set()
        self._line = bytearray()
        self._after_cr = False
        self._at_start = True
        self._name = ""
        self._data: list[bytes] = []
        self._event_bytes = 0
        self._stream_bytes = 0
        self._events = 0
        self._lines = 0

    def feed(self, content: bytes) -> Iterator[Event]:
        """Yield the events that are whole now; exhaust it before the next call.

        Raises:
            TooMuchError: A line, an event or the stream is too long, or there are too many events.
        """
        if not content:
            return
        if self._after_cr:
            content = content.removeprefix(b"\n")
        self._after_cr = content.endswith(b"\r")
        lines = content.splitlines()  # of bytes: at CR, LF and CRLF alone
        rest = b"" if content.endswith((b"\n", b"\r")) or not lines else lines.pop()
        self._stream_bytes += len(content)
        self._lines += len(lines)
        for line in lines:
            if self._line:
                self._line += line
                line = bytes(self._line)  # noqa: PLW2901 -- the line as a whole
                self._line.clear()
            if event := self._take(line):
                yield event
        self._line += rest
        self._refuse_long(len(self._line))
        self._refuse_flood()

    def close(self) -> Iterator[Event]:
        """Yield the event that the end of the stream cut off from its blank line; it may be cut itself."""
        if self._line:
            if event := self._take(bytes(self._line)):
                yield event
            self._line.clear()
        if event := self._dispatch():
            yield event

    def _take(self, line: bytes) -> Event | None:
        """Take a line and return the event that it ends."""
        if self._at_start:
            line, self._at_start = line.removeprefix(_BOM), False
        if not line:
            return self._dispatch()
        self._refuse_long(self._event_bytes + len(line))
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not field:
            self.notes.add("sse_comment")
            self._count()
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field in {b"data", b"error"}:  # llama.cpp has written errors as a field of that name
            self._name = "error" if field == b"error" else self._name
            self._event_bytes += len(value) + 1
            self._data.append(value)
        return None

    def _dispatch(self) -> Event | None:
        name, data = self._name, self._data
        self._name = ""
        if not data:
            return None
        self._data, self._event_bytes = [], 0
        self._count()
        return Event(name or "message", b"\n".join(data))

    def _count(self) -> None:
        self._events += 1
        if self._events > MAX_EVENTS:
            msg = f"the stream has more than {MAX_EVENTS} events"
            raise TooMuchError(msg)

    def _refuse_long(self, event_bytes: int) -> None:
        if event_bytes > MAX_EVENT_BYTES:
            msg = f"an event of the stream is longer than {MAX_EVENT_BYTES // 2**20} MiB"
            raise TooMuchError(msg)

    def _refuse_flood(self) -> None:
        if self._lines > MAX_LINES:
            msg = f"the stream has more than {MAX_LINES} lines"
            raise TooMuchError(msg)
        if self._stream_bytes > MAX_STREAM_BYTES:
            msg = f"the stream is longer than {MAX_STREAM_BYTES // 2**20} MiB"
            raise TooMuchError(msg)


class StreamReader:
    """Reads one streamed answer."""

    def __init__(self, assembly: Assembly, *, has_end_marker: bool = True) -> None:
        """Make a reader.

        Args:
            assembly: Of the API that streams.
            has_end_marker: Whether the API ends its streams with `[DONE]`; without it, its last event is the end.
        """
        self.events = 0
        """Events with data so far: what counts as progress."""
        self._assembly = assembly
        self._has_end_marker = has_end_marker
        self._decoder = SseDecoder()
        self._notes: set[str] = set()
        self._marked = False
        self._flooded = False
        self._closing = False
        self._problem = ""
        self._first_token_s: float | None = None
        self._first_call_s: float | None = None

    @property
    def finished(self) -> bool:
        """Whether the answer is whole, whatever may still be said about it."""
        return self._assembly.finished

    def feed(self, data: bytes, at_s: float) -> bool:
        """Take what came; return whether nothing more is needed, except for token counts that come late.

        Args:
            data: Any number of bytes, wherever they are cut.
            at_s: When they came, in seconds since the request.

        Raises:
            TooMuchError: See `SseDecoder.feed` and `Assembly.take`; not for what comes after the end marker.
        """
        if not self._flooded:
            try:
                for event in self._decoder.feed(data):
                    self._take(event, at_s)
            except TooMuchError:
                if not self._marked:
                    raise
                self._flooded = True
        return self._enough()

    def end(self, how: Literal["eof", "reset"]) -> Streamed:
        """Return what was read.

        Args:
            how: Whether the answer ended as HTTP says it should, or the connection broke.
        """
        self._closing = True
        if not self._flooded:
            for event in self._decoder.close():
                self._take(event, None)
        terminal = self._terminal(how)
        error = self._assembly.error
        told = self._assembly.started or terminal == "empty"  # the head of an answer may say why there is no more
        body = error if error is not None else self._assembly.body() if told else None
        codes = tuple(sorted(self._notes | self._decoder.notes | self._assembly.notes))
        return Streamed(terminal, body, codes, self._first_token_s, self._first_call_s, self._problem)

    def _enough(self) -> bool:
        ended = self._marked or (not self._has_end_marker and self._assembly.finished)
        return ended or bool(self._problem) or self._assembly.error is not None

    def _take(self, event: Event, at_s: float | None) -> None:
        data = event.data.strip()
        if not data or data.startswith(b":"):
            self._notes.add("data_comment")
        elif data == _DONE:
            self._marked = True
        elif not self._problem and self._assembly.error is None:
            self.events += 1
            try:
                self._take_json(event.name, data, at_s)
            except JsonTextError as error:
                self._take_unreadable(event.name, data, at_s, str(error))

    def _take_unreadable(self, name: str, data: bytes, at_s: float | None, problem: str) -> None:
        """Take data that is no JSON: an error in words, noise, or several events; else nothing can be relied on."""
        if self._marked:  # what comes behind the end makes the answer no worse
            return
        if name in _PINGS:
            self._notes.add("data_comment")
        elif name == "error":
            self._assembly.take(name, {"error": data.decode("utf-8", "replace")})
        elif len(frames := _GLUE.split(data)) > 1:
            self._take_glued(name, frames, at_s)
        elif not self._closing:
            self._problem = problem

    def _take_glued(self, name: str, frames: list[bytes], at_s: float | None) -> None:
        """Read events that lack the blank line between them; where one of them is cut, nothing can be relied on."""
        self._notes.add("sse_glued_frames")
        for place, frame in enumerate(frames, 1):
            is_last = place == len(frames)
            try:
                if frame.strip() == _DONE:
                    self._marked = True
                elif frame.strip():
                    self._take_json(name, frame, at_s)
            except JsonTextError:
                if not (self._closing and is_last):  # the end of the stream may have cut that one
                    self._problem = "two events are glued together, and one of them is cut"

    def _take_json(self, name: str, data: bytes, at_s: float | None) -> None:
        chunk, notes = read_envelope(data)
        if self._marked:
            self._take_late(chunk)
            return
        self._notes.update(notes)
        if chunk and name == "error" and not isinstance(chunk, dict):
            chunk = {"error": chunk}
        if not isinstance(chunk, dict):
            if chunk and name not in _PINGS:
                self._problem = "an event of the stream is no JSON object"
            else:
                self._notes.add("data_comment")
            return
        brought = self._assembly.take(name, chunk)
        if brought and self._first_token_s is None:
            self._first_token_s = at_s
        if brought == "call" and self._first_call_s is None:
            self._first_call_s = at_s

    def _take_late(self, chunk: Json) -> None:
        """Behind the end marker only token counts are of use."""
        if isinstance(chunk, dict) and chunk.get("usage"):
            self._notes.add("usage_after_done")
            self._assembly.take("message", {"choices": [], "usage": chunk["usage"]})

    def _terminal(self, how: Literal["eof", "reset"]) -> Terminal:
        if self._assembly.error is not None:
            return "error_event"
        if self._problem:
            return "truncated"
        if self._assembly.finished:
            if self._marked or not self._has_end_marker:
                return "complete"
            self._notes.add("done_missing")
            return "complete_no_done"
        return self._unfinished(how)

    def _unfinished(self, how: Literal["eof", "reset"]) -> Terminal:
        if self._marked and self.events and not self._assembly.started:
            self._notes.add("choices_null_or_empty")
            return "empty"
        self._notes.add("stream_truncated")
        if how == "reset":
            return "reset"
        return "truncated" if self._assembly.started else "empty"
