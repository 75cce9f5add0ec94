"""A key as a canary, how its traces are found, and the endpoints that give it back."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import polars as pl

from tests.fake_endpoint import Received, Reply, error_reply, message_reply, stream_reply
from tests.functional.orders import right_answer

KEY = "sk-proj-CANARYq7ZxJ4kd83jsQwPn29mVb"
OWN = KEY.removeprefix("sk-proj-")
TLS = Path(__file__).parent / "data" / "tls"
_WINDOW = 8
_WINDOWS = tuple(OWN[at : at + _WINDOW].encode() for at in range(len(OWN) - _WINDOW + 1))


def traces(content: bytes) -> list[str]:
    """Return the pieces of the key, of eight letters or more, that are in something, however they are written."""
    readings = [content, unquote_to_bytes(content), _unescaped(content)]
    for word in re.findall(rb"[A-Za-z0-9+/_-]{11,}", content):
        for skip in range(4):
            usable = word[skip:].translate(bytes.maketrans(b"-_", b"+/"))
            readings.append(base64.b64decode(usable[: len(usable) // 4 * 4]))
    return [window.decode() for window in _WINDOWS if any(window in reading for reading in readings)]


def _unescaped(content: bytes) -> bytes:
    return re.sub(rb"\\+u00([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), content)


def traces_in(folder: Path) -> dict[str, list[str]]:
    """Return the traces in every file below a folder, and in the files' names."""
    found = {}
    for path in folder.rglob("*"):
        content = str(path).encode()
        if path.suffix == ".parquet":
            content += repr(pl.read_parquet(path).rows()).encode()
        if path.is_file():
            content += path.read_bytes()
        if told := traces(content):
            found[path.name] = told
    return found


# --- endpoints that give it back --------------------------------------------------------------------------------


def said_key(received: Received) -> str:
    """Return the header with the key, as an endpoint may quote it."""
    return received.header("Authorization") or ""


def _told(status: int, **fields: Any) -> Callable[[Received], Reply]:  # noqa: ANN401 -- of an error's JSON
    return lambda received: error_reply(status, f"bad header: {said_key(received)}", **fields)


def _sent_elsewhere(status: int) -> Callable[[Received], Reply]:
    return lambda received: Reply(status=status, headers={"Location": f"https://host/{KEY}?key={said_key(received)}"})


def _message(write: Callable[[str], dict[str, Any]]) -> Callable[[Received], Reply]:
    """Return an endpoint with some text of its message made of the key."""

    def reply(received: Received) -> Reply:
        body = json.loads(right_answer(received).content())
        body["choices"][0]["message"] |= write(said_key(received).removeprefix("Bearer "))
        return Reply(body=body)

    return reply


def _envelope(**made: Callable[[str], Any]) -> Callable[[Received], Reply]:
    """Return an endpoint with some field of its envelope made of the key."""

    def reply(received: Received) -> Reply:
        body = json.loads(right_answer(received).content())
        return Reply(body=body | {name: make(said_key(received)) for name, make in made.items()})

    return reply


def _call(name: str, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}]}


def _streamed(pieces: Callable[[str], Sequence[Mapping[str, Any] | str]], **how: Any) -> Callable[[Received], Reply]:  # noqa: ANN401 -- see `stream_reply`
    return lambda received: stream_reply(pieces(said_key(received)), **how)


def _delta(finish_reason: str | None = None, **delta: object) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def _arguments_delta(text: str) -> dict[str, Any]:
    return _delta(tool_calls=[{"index": 0, "id": "c", "function": {"name": "get_delivery_date", "arguments": text}}])


def _chopped(received: Received) -> Reply:
    """A stream that is cut into network chunks in the middle of the key."""
    whole = b"".join(stream_reply([_delta(content=said_key(received)), _delta("stop")]).pieces or ())
    return Reply(
        headers={"Content-Type": "text/event-stream"}, pieces=[whole[at : at + 7] for at in range(0, len(whole), 7)]
    )


def _escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(letter):04x}" for letter in text).encode()


def _raw(write: Callable[[str], bytes], **fields: Any) -> Callable[[Received], Reply]:  # noqa: ANN401 -- see `Reply`
    return lambda received: Reply(body=write(said_key(received)), **fields)


ECHOES: dict[str, Callable[[Received], Reply]] = {
    **{
        f"{status}": _told(status, headers={"Retry-After": "0"})
        for status in (400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 425, 429, 500, 502, 503, 504, 529)
    },
    **{f"{status} elsewhere": _sent_elsewhere(status) for status in (301, 302, 303, 307, 308)},
    "quota": _told(429, code="insufficient_quota"),
    "error type": lambda received: error_reply(400, "x", kind=said_key(received), code=said_key(received)),
    "error without a message": lambda received: Reply(status=400, body={"error": {"code": said_key(received)}}),
    "error as text": lambda received: Reply(status=400, body={"error": said_key(received)}),
    "error of FastAPI": lambda received: Reply(status=422, body={"detail": [{"input": said_key(received)}]}),
    "error in a 200": lambda received: Reply(body={"error": {"message": said_key(received)}}),
    "error cut short": lambda received: error_reply(400, "x" * (300 - 40) + said_key(received)),
    "plain text": _raw(lambda said: said.encode(), status=500),
    "no JSON": _raw(lambda said: b'{"a": ' + said.encode()),
    "web page": _raw(lambda said: f"<html>{said}".encode()),
    "web page of a proxy": _raw(lambda said: f"<html>{said}".encode(), status=502),
    "header": lambda received: Reply(headers={"X-Request": said_key(received)}, body=right_answer(received).body),
    "retry header": lambda received: error_reply(429, headers={"Retry-After": said_key(received)}),
    "content type": lambda received: Reply(headers={"Content-Type": KEY}, body=right_answer(received).body),
    "encoding": lambda _: Reply(headers={"Content-Encoding": KEY}, body=b"x"),
    "packed": _raw(lambda said: gzip.compress(said.encode()), headers={"Content-Encoding": "gzip"}, status=400),
    "packed and broken": _raw(lambda said: gzip.compress(said.encode())[:-6], headers={"Content-Encoding": "gzip"}),
    "content": _message(lambda key: {"content": f"It is {key}."}),
    "content and no call": lambda received: message_reply(content=said_key(received)),
    "content parts": _message(lambda key: {"content": [{"type": "text", "text": key}]}),
    "reasoning": _message(lambda key: {"reasoning_content": key, "reasoning": key}),
    "refusal": _message(lambda key: {"refusal": key}),
    "arguments": _message(lambda key: _call("get_delivery_date", json.dumps({"order_id": key}))),
    "arguments in arguments": _message(lambda key: _call("get_delivery_date", json.dumps(json.dumps({"a": key})))),
    "arguments that are no JSON": _message(lambda key: _call("get_delivery_date", f'{{"order_id": "{key}')),
    "arguments cut short": _message(lambda key: _call("get_delivery_date", f'{{"order_id": "{key[:18]}')),
    "name of a tool": _message(lambda key: _call(key, "{}")),
    "name of a field": _message(lambda key: {key: 1, "content": "x"}),
    "call in content": _message(lambda key: {"tool_calls": None, "content": f'<tool_call>{{"name": "{key}"}}'}),
    "end of the key": _message(lambda key: {"content": f"ends with {key[-9:]}"}),
    "base64": _message(lambda key: {"content": base64.b64encode(f"Bearer {key}".encode()).decode()}),
    "base64 for URLs": _message(lambda key: {"content": base64.urlsafe_b64encode(f"me:{key}".encode()).decode()}),
    "base64 cut short": _message(lambda key: {"content": base64.b64encode(key.encode()).decode()[:30]}),
    "URL": _message(lambda key: {"content": f"https://host/?key={quote(key, safe='')}"}),
    "escapes": _raw(lambda said: b'{"choices":[{"message":{"content":"' + _escaped(said) + b'"}}]}'),
    "escapes of escapes": _raw(
        lambda said: b'{"choices":[{"message":{"content":"' + _escaped(said).replace(b"\\", b"\\\\") + b'"}}]}'
    ),
    "escapes in an error": _raw(lambda said: b'{"error":{"message":"' + _escaped(said) + b'"}}', status=400),
    "model": _envelope(model=str),
    "everything around": _envelope(id=str, object=str, system_fingerprint=str, usage=lambda said: {"key": said}),
    "finish reason": lambda received: message_reply(content="x", finish_reason=said_key(received)),
    "stream": _streamed(lambda said: [_delta(content=said), _delta("stop")]),
    "stream, letter by letter": _streamed(lambda said: [*(_delta(content=each) for each in said), _delta("stop")]),
    "stream of arguments": _streamed(lambda said: [*map(_arguments_delta, said), _delta("tool_calls")]),
    "stream that ends early": _streamed(lambda said: [_delta(content=said[:24])], done=False),
    "stream with an error": _streamed(lambda said: [_delta(content="x"), {"error": {"message": said}}]),
    "stream with no JSON": _streamed(lambda said: [said, f'{{"a": {said}']),
    "stream with a comment": _raw(
        lambda said: f": {said}\ndata: {said}\n\n".encode(), headers={"Content-Type": "text/event-stream"}
    ),
    "stream with an error event": _raw(
        lambda said: f"event: error\ndata: {said}\n\n".encode(), headers={"Content-Type": "text/event-stream"}
    ),
    "stream in network chunks": _chopped,
    "body cut": lambda received: Reply(body=message_reply(content=said_key(received) * 9).content(), cut=True),
    "connection dropped": lambda _: Reply(drop=True),
}
