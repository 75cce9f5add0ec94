"""An endpoint that answers from memory, in a process of its own: `python -m tests.benchmarks.endpoint [FILE]`.

It prints its base URL. Every POST gets the same answer, as a stream where it asks for one; the bodies go to FILE, one a
line. A GET tells, and forgets, how many POSTs there were and when the first one came, on the clock of
`time.monotonic`, which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from tests.benchmarks.workload import ANSWER, MODEL, TOOL

_PIECE = 6
"""Characters of the arguments in one event of a stream."""


def _whole() -> bytes:
    call = {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": ANSWER}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = {
        **_head("chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": _USAGE,
    }
    return _with_length("application/json", json.dumps(body).encode())


def _streamed() -> bytes:
    named = {"index": 0, "id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": ""}}
    pieces = [ANSWER[start : start + _PIECE] for start in range(0, len(ANSWER), _PIECE)]
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": None},
        {"tool_calls": [named]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces),
    ]
    chunks = [_chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    chunks.append(_chunk([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]))
    chunks.append({**_chunk([]), "usage": _USAGE})
    events = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"


def _chunk(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {**_head("chat.completion.chunk"), "choices": choices}


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": MODEL}


def _with_length(content_type: str, content: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (content_type.encode(), len(content)) + content


_USAGE = {"prompt_tokens": 300, "completion_tokens": 30, "total_tokens": 330}
_WHOLE = _whole()
_STREAMED = _streamed()


class _Counted:
    """What was asked since it was last told."""

    def __init__(self, record: BinaryIO | None) -> None:
        self._record = record
        self.requests = 0
        self.first_at: float | None = None

    def take(self, body: bytes) -> None:
        if self.first_at is None:
            self.first_at = time.monotonic()
        self.requests += 1
        if self._record is not None:
            self._record.write(body + b"\n")

    def told(self) -> bytes:
        if self._record is not None:
            self._record.flush()
        told = json.dumps({"requests": self.requests, "first_at": self.first_at}).encode()
        self.requests, self.first_at = 0, None
        return _with_length("application/json", told)


class _Connection(asyncio.Protocol):
    """One kept-alive connection; clients that write ahead of the answers are served in order."""

    def __init__(self, counted: _Counted) -> None:
        self._counted = counted
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            start = end + len(b"\r\n\r\n")
            whole = start + _length(self._received[:end])
            if len(self._received) < whole:
                return
            body = self._received[start:whole]
            is_question = self._received.startswith(b"GET ")
            self._received = self._received[whole:]
            self._transport.write(self._counted.told() if is_question else self._answer(body))

    def _answer(self, body: bytes) -> bytes:
        self._counted.take(body)
        return _STREAMED if b'"stream":true' in body else _WHOLE


def _length(head: bytes) -> int:
    found = head.lower().partition(b"\r\ncontent-length:")[2]
    return int(found.partition(b"\r\n")[0]) if found else 0


async def _serve(record: BinaryIO | None) -> None:
    counted = _Counted(record)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(counted), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with Path(sys.argv[1]).open("wb") as bodies:
            asyncio.run(_serve(bodies))
    asyncio.run(_serve(None))
