"""A journal's lines: one JSON object each, its last member `_crc` the CRC-32 of everything before it.

There are four kinds. The order of their members is fixed, so they are told apart without being decoded::

    {"format_version": 1, "kind": "journal", "id": "5e0c...", "_crc": "..."}                        the first line
    {"case_id": ..., ..., "step": 0, "fingerprint": "...", "begun_at": "2026-...", "_crc": "..."}   a request goes out
    {"case_id": ..., ..., "step": 0, "fingerprint": "...", "message": {...}, ..., "_crc": "..."}    its response
    {"format_version": 1, "kind": "lag", "counts": [[0, 1190], [3, 7]], "_crc": "..."}              see `encode_lag`
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from fceval.errors import LocalError
from fceval.records import Attempt, Json, Key, Response, Usage, json_text
from fceval.tables import FORMAT_VERSION

Scanned: TypeAlias = tuple[int, bytes, int]
"""Offset of a line in its file, the line, and where the name of its fingerprint stands in it; -1: it is no record."""

# Inside of a string the quotation marks would be escaped: the first such bytes are the member's name.
_FINGERPRINT = b', "fingerprint": "'
_MESSAGE = b', "message": '
_CHECKSUM = b',"_crc":"%08x"}'
_CHECKSUM_LENGTH = len(_CHECKSUM % 0)
_DECODER = json.JSONDecoder()
_BUFFER_BYTES = 2**20
_RECORD_BYTES = 2**13
"""What most records are shorter than."""


# --- write ----------------------------------------------------------------------------------------------------


def encode_record(record: dict[str, Json]) -> bytes:
    """Return a record as a line of the journal, checksum and line end included."""
    return _checked(json_text(record)[:-1].encode())


def encode_header(kind: Literal["journal", "spill"], journal_id: str | None) -> bytes:
    """Return the first line of a file of this format; a spill file has the id of its journal."""
    return encode_record({"format_version": FORMAT_VERSION, "kind": kind, "id": journal_id})


def encode_lag(counts: Mapping[int, int]) -> bytes:
    """Return the line that says how late the event loop woke up while it asked: milliseconds to how often."""
    pairs: list[Json] = [[late_ms, count] for late_ms, count in sorted(counts.items())]
    return encode_record({"format_version": FORMAT_VERSION, "kind": "lag", "counts": pairs})


def lag_in(line: bytes) -> dict[int, int]:
    """Return what `encode_lag` wrote; nothing where a line without a fingerprint is the journal's first one."""
    record = decode_record(line) or {}
    return {int(late_ms): int(count) for late_ms, count in record.get("counts", ())}


def encode_begin(key: Key, fingerprint: str) -> bytes:
    """Return the line that says that a request is about to be sent."""
    begun_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    said = f'"fingerprint": {json_text(fingerprint)}, "begun_at": "{begun_at}"'
    return _checked(b"{%s, %s" % (head_of(key), said.encode()))


def encode_response(response: Response) -> bytes:
    """Return the line that holds a response."""
    record: dict[str, Json] = {
        "fingerprint": response.fingerprint,
        "message": response.message,
        "finish_reason": response.finish_reason,
        "usage": _members(response.usage),
        "served_model": response.served_model,
        "irregularities": response.irregularities,
        "attempts": [_members(attempt) for attempt in response.attempts],
    }
    return _line(response.key, record)


def _members(record: Usage | Attempt) -> dict[str, Json]:
    return dict(zip(record._fields, record, strict=True))


def _line(key: Key, record: dict[str, Json]) -> bytes:
    return _checked(b"{%s, %s" % (head_of(key), json_text(record)[1:-1].encode()))


def _checked(content: bytes) -> bytes:
    return content + _CHECKSUM % zlib.crc32(content) + b"\n"


# --- read -----------------------------------------------------------------------------------------------------


def is_whole(line: bytes) -> bool:
    """Whether a line, with its end or without, is as it was written."""
    end = len(line) - (line[-1:] == b"\n")
    start = end - _CHECKSUM_LENGTH
    return start > 0 and line[start:end] == _CHECKSUM % zlib.crc32(line[:start])


def decode_record(line: bytes) -> dict[str, Any] | None:
    """Return a line of the journal as a record, or None where it is damaged."""
    if not is_whole(line):
        return None
    try:
        text = line.decode().rstrip("\n")
        # What the checksum vouches for is what we wrote: the plain reader will do, and is four times as fast.
        record, end = _DECODER.raw_decode(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) and end == len(text) else None


def scan(file: int, path: Path) -> Iterator[Scanned]:
    """Yield each line of a journal; an incomplete last one is none.

    Args:
        file: The journal, open for reading at its start.
        path: How messages name it.

    Raises:
        LocalError: A line is damaged, or the journal's format is newer than this fceval.
    """
    offset = 0
    with open(file, "rb", buffering=_BUFFER_BYTES, closefd=False) as lines:
        for number, line in enumerate(lines, start=1):
            if is_whole(line):
                at = line.find(_FINGERPRINT)
                if at < 0 and not _is_header(line, path):
                    raise _damaged(path, number)
                yield offset, line, at
            elif line.endswith(b"\n"):
                raise _damaged(path, number)
            offset += len(line)


def heads(file: int) -> Iterator[Scanned]:
    """Yield each record of a journal as `scan` does, but without a look at its checksum: for who wants few of them."""
    offset = 0
    with open(file, "rb", buffering=_BUFFER_BYTES, closefd=False) as lines:
        for line in lines:
            at = line.find(_FINGERPRINT)
            if at >= 0 and line.endswith(b"\n"):
                yield offset, line, at
            offset += len(line)


def _damaged(path: Path, number: int) -> LocalError:
    return LocalError(
        f"{path}: line {number} is damaged (its checksum does not agree): the journal is not used; "
        "run --resume with --salvage sets damaged lines aside and asks again what they held"
    )


def _is_header(line: bytes, path: Path) -> bool:
    """Whether a line without a fingerprint is one of a journal that this fceval reads."""
    record = decode_record(line)
    if record is not None:
        check_version(path, record)
    return record is not None


def check_version(path: Path, record: dict[str, Any]) -> None:
    """Refuse a file by its first record.

    Raises:
        LocalError: It is of a newer format.
    """
    version = record.get("format_version")
    if not isinstance(version, int) or not FORMAT_VERSION - 1 <= version <= FORMAT_VERSION:
        msg = f"{path}: format version {version}, but this fceval reads {FORMAT_VERSION}: update fceval"
        raise LocalError(msg)


def message_at(line: bytes, fingerprint_at: int) -> int:
    """Return where a response's message stands in its line; -1: the line is the begin of a request."""
    found = line.find(_MESSAGE, fingerprint_at)
    return found if found < 0 else found + len(_MESSAGE)


def is_measured(line: bytes, message: int) -> bool:
    """Whether the model answered, by the line and where its message stands in it."""
    return not line.startswith(b"null,", message)


def head_of(key: Key) -> bytes:
    """Return a key's members as they stand in a line: the same for the same key, whatever else the line holds."""
    case_id, variant = json_text(key.case_id), json_text(key.variant)
    head = f'"case_id": {case_id}, "variant": {variant}, "trial": {key.trial}, "turn": {key.turn}, "step": {key.step}'
    return head.encode()


def head_in_line(line: bytes, fingerprint_at: int) -> bytes:
    """Return a line's key as `head_of` writes it."""
    head = line[1:fingerprint_at]
    # A string may be escaped in more ways than one: earlier versions escaped all strings of a line or none.
    return head_of(_key(json.loads(b"{%s}" % head))) if b"\\" in head else head


def fingerprint_of(line: bytes) -> bytes:
    """Return the fingerprint in a line that is a record."""
    start = line.index(_FINGERPRINT) + len(_FINGERPRINT)
    return line[start : line.index(b'"', start)]


def opened_for_reading(path: Path) -> int:
    """Return the descriptor of a journal.

    Raises:
        LocalError: It cannot be read.
    """
    try:
        return os.open(path, os.O_RDONLY)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise LocalError(msg) from error


def line_at(file: int, offset: int) -> bytes:
    """Return the line that begins at an offset; what is there of it, where it has no end."""
    line = os.pread(file, _RECORD_BYTES, offset)
    while (end := line.find(b"\n")) < 0:
        more = os.pread(file, max(_RECORD_BYTES, len(line)), offset + len(line))
        if not more:
            return line
        line += more
    return line[: end + 1]


def _key(record: dict[str, Any]) -> Key:
    return Key(record["case_id"], record["variant"], record["trial"], record["turn"], record["step"])


def response_at(file: int, offset: int, path: Path) -> Response:
    """Return the response in the line that begins at an offset of a journal.

    Raises:
        LocalError: There is none any more.
    """
    return response_in(line_at(file, offset), offset, path)


def response_in(line: bytes, offset: int, path: Path) -> Response:
    """Return the response in a line, which begins at an offset of a journal.

    Raises:
        LocalError: There is none any more.
    """
    record = decode_record(line)
    if record is None or "message" not in record:
        msg = f"{path}: the record at byte {offset} is damaged, or was changed while it was read"
        raise LocalError(msg)
    return Response(
        key=_key(record),
        fingerprint=record["fingerprint"],
        message=record["message"],
        finish_reason=record["finish_reason"],
        usage=Usage(**record["usage"]),
        served_model=record["served_model"],
        irregularities=tuple(record["irregularities"]),
        attempts=tuple(map(_attempt, record["attempts"])),
    )


def _attempt(members: dict[str, Any]) -> Attempt:
    members["irregularities"] = tuple(members.get("irregularities", ()))
    return Attempt(**members)
