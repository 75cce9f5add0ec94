"""The body of an answer, whole or a stream: what it is, its own first bytes say. Pure: bytes in, body out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from fceval.client.chat_stream import ChatAssembly
from fceval.client.responses_api import ResponsesAssembly
from fceval.client.secret import Secret
from fceval.client.sse import Streamed, StreamReader, TooMuchError
from fceval.dialects import Api
from fceval.records import Json

MAX_BODY_BYTES = 8 * 2**20
"""Longest answer that is read whole, after decompression."""
_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BLANK = b" \t\r\n"


class BodyReader:
    """Reads one body, however it is cut into chunks.

    Args:
        api: Whose answers are expected.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._stream: StreamReader | None = None
        self._is_whole = False
        self._content = bytearray()
        self._bytes = 0

    @property
    def is_stream(self) -> bool:
        """Whether it has turned out to be a stream of events."""
        return self._stream is not None

    @property
    def events(self) -> int:
        """Events with data so far."""
        return self._stream.events if self._stream else 0

    @property
    def finished(self) -> bool:
        """Whether a stream holds a whole answer, whatever may still be said about it."""
        return self._stream is not None and self._stream.finished

    def feed(self, content: bytes, at_s: float) -> bool:
        """Take what came; return whether nothing more is needed; see `StreamReader.feed`.

        Raises:
            TooMuchError: It is longer than what is read.
        """
        if self._stream is None:
            self._bytes += len(content)
            content = content if self._content else content.lstrip(_BLANK)
            self._content += content
            if self._bytes > MAX_BODY_BYTES:
                msg = f"the answer is longer than {MAX_BODY_BYTES // 2**20} MiB"
                raise TooMuchError(msg)
            if self._is_whole or not self._is_told():
                return False
            content = bytes(self._content)
        return self._stream is not None and self._stream.feed(content, at_s)

    def end(self, how: Literal["eof", "reset"]) -> bytes | Streamed:
        """Return what was read; see `StreamReader.end`."""
        return self._stream.end(how) if self._stream else bytes(self._content)

    def _is_told(self) -> bool:
        """Find out what the body is, as soon as enough of it is there; return whether it is a stream."""
        start = bytes(self._content[:32]).removeprefix(_BOM).lstrip(_BLANK)
        if start.startswith(_FIELDS):
            self._stream = _stream_reader(self._api)
        elif start.startswith(b"{") or (start and not any(field.startswith(start) for field in (*_FIELDS, _BOM))):
            self._is_whole = True
        return self.is_stream


def _stream_reader(api: Api) -> StreamReader:
    if api == "responses":
        return StreamReader(ResponsesAssembly(), has_end_marker=False)
    return StreamReader(ChatAssembly())


def hidden(content: bytes | Streamed, key: Secret) -> bytes | Streamed:
    """Return a body without the key, in whatever pieces it came."""
    if not isinstance(content, Streamed):
        return key.hidden_in(content)
    return replace(content, body=_hidden(content.body, key))


def _hidden(value: Json, key: Secret) -> Json:
    written = json.dumps(value).encode()
    return value if key.hidden_in(written) == written else _each_hidden(value, key)


def _each_hidden(value: Json, key: Secret) -> Json:
    """Hide the key text by text: over the JSON as a whole, what a hostile one makes of it might be no JSON."""
    if isinstance(value, str):
        return key.hidden_in(value.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
    if isinstance(value, Mapping):
        return {_each_hidden_name(name, key): _each_hidden(each, key) for name, each in value.items()}
    return [_each_hidden(each, key) for each in value] if isinstance(value, list) else value


def _each_hidden_name(name: str, key: Secret) -> str:
    return str(_each_hidden(name, key))
