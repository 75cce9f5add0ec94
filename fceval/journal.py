"""Append-only, checksummed record of responses: what was answered is on disk before anything can lose it.

One JSON object a line, its last member `_crc` the CRC-32 of everything before it. A line is written with one
`write` as soon as the response is there (a killed process loses nothing) and reaches the disk within
`SYNC_EVERY_S` (`fdatasync` in a thread of its own). One writer at a time: the file is locked.
"""

from __future__ import annotations

import dataclasses
import fcntl
import os
import re
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fceval.errors import LocalError
from fceval.jsontext import JsonTextError, read_json
from fceval.records import Attempt, Json, Key, Response, Usage, json_text
from fceval.tables import FORMAT_VERSION

SYNC_EVERY_S = 0.05
"""What a power failure may cost, in seconds; a killed process costs nothing."""

_CHECKSUM = re.compile(rb',"_crc":"([0-9a-f]{8})"\}$')


class Journal:
    """Writes responses to a run's journal, and knows which ones are there already.

    Raises:
        LocalError: Another process writes to it, it is damaged, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn_bytes = 0
        """Length of the incomplete last record that was set aside when the journal was opened."""
        self._dirty = threading.Event()
        self._closing = threading.Event()
        self._broken: OSError | None = None

    def __enter__(self) -> Self:
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            msg = f"{self.path.parent}: another process is writing to this run; wait for it, or choose another --out"
            raise LocalError(msg) from None
        except OSError as error:
            msg = f"{self.path}: cannot be written: {error.strerror or error}"
            raise LocalError(msg) from error
        try:
            self.torn_bytes = self._set_torn_tail_aside()
            self.index = JournalIndex(self.path)
            if not self.index.offsets and os.fstat(self._file).st_size == 0:
                self._write({"format_version": FORMAT_VERSION, "kind": "journal"})
        except LocalError:
            os.close(self._file)
            raise
        self._syncer = threading.Thread(target=self._sync_now_and_then, name="journal-sync", daemon=True)
        self._syncer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._dirty.set()
        self._syncer.join()
        self.index.close()
        os.close(self._file)
        if self._broken and kind is None:
            raise self._cannot_write(self._broken)

    def append(self, response: Response) -> None:
        """Write a response; it survives the end of this process from here on.

        Raises:
            LocalError: It could not be written (disk full ...).
        """
        if self._broken:
            raise self._cannot_write(self._broken)
        self._write(_record(response))
        self._dirty.set()

    def _write(self, record: dict[str, Json]) -> None:
        line = encode_record(record)
        try:
            written = os.write(self._file, line)
            if written < len(line):  # a full disk takes a part; the rest tells why it does not fit
                os.write(self._file, line[written:])
        except OSError as error:
            # What follows a torn record would be glued to it: nothing more is written to this file.
            self._broken = error
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> LocalError:
        return LocalError(f"{self.path}: cannot be written: {error.strerror or error}; make room, then --resume")

    def _sync_now_and_then(self) -> None:
        while not self._closing.is_set():
            self._dirty.wait()
            self._dirty.clear()
            try:
                os.fdatasync(self._file)
            except OSError as error:
                self._broken = error
                return
            self._closing.wait(SYNC_EVERY_S)

    def _set_torn_tail_aside(self) -> int:
        """Move an incomplete last line to a file of its own: a killed or starved writer leaves one."""
        content_end = os.fstat(self._file).st_size
        whole_end = _end_of_last_line(self._file, content_end)
        torn = content_end - whole_end
        if torn:
            moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
            tail = os.pread(self._file, torn, whole_end)
            self.path.with_name(f"journal.torn-{moment}").write_bytes(tail)
            os.ftruncate(self._file, whole_end)
        return torn


class JournalIndex:
    """Where each key's response is in a journal; the last one measured counts, else the last one.

    Raises:
        LocalError: The journal is missing, of a newer format, or damaged before its end.
    """

    def __init__(self, path: Path) -> None:
        self.offsets: dict[Key, tuple[int, int, bool]] = {}
        """Key to (offset, length, measured)."""
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as error:
            msg = f"{path}: cannot be read: {error.strerror or error}"
            raise LocalError(msg) from error
        for offset, line, record in _records(path):
            if "case_id" not in record:
                _check_version(path, record)
                continue
            key, measured = _key(record), record["message"] is not None
            known = self.offsets.get(key)
            if known is None or measured or not known[2]:
                self.offsets[key] = (offset, len(line), measured)

    def get(self, key: Key) -> Response | None:
        """Return the response to a key, or None."""
        place = self.offsets.get(key)
        if place is None:
            return None
        return _response(decode_record(os.pread(self._file, place[1], place[0])) or {})

    @property
    def measured_count(self) -> int:
        """How many responses are there in which the model answered."""
        return sum(measured for _, _, measured in self.offsets.values())

    def measured(self, key: Key) -> Response | None:
        """Return the response to a key if the model answered; a failure is never an answer."""
        place = self.offsets.get(key)
        return self.get(key) if place and place[2] else None

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def encode_record(record: dict[str, Json]) -> bytes:
    """Return a record as a line of the journal, checksum and line end included."""
    start = json_text(record)[:-1].encode()
    return start + b',"_crc":"%08x"}\n' % zlib.crc32(start)


def decode_record(line: bytes) -> dict[str, Any] | None:
    """Return a line of the journal as a record, or None where it is damaged."""
    line = line.rstrip(b"\n")
    end = _CHECKSUM.search(line)
    if end is None or zlib.crc32(line[: end.start()]) != int(end.group(1), 16):
        return None
    try:
        record: Any = read_json(line.decode())
    except (JsonTextError, UnicodeDecodeError):
        return None
    return record if isinstance(record, dict) else None


def _records(path: Path) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    offset = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            record = decode_record(line)
            if record is None and line.endswith(b"\n"):
                msg = f"{path}: line {number} is damaged (its checksum does not agree): the journal is not used"
                raise LocalError(msg)
            if record is not None:
                yield offset, line, record
            offset += len(line)


def _check_version(path: Path, record: dict[str, Any]) -> None:
    version = record.get("format_version")
    if not isinstance(version, int) or not FORMAT_VERSION - 1 <= version <= FORMAT_VERSION:
        msg = f"{path}: format version {version}, but this fceval reads {FORMAT_VERSION}: update fceval"
        raise LocalError(msg)


def _end_of_last_line(file: int, size: int) -> int:
    step = 2**16
    end = size
    while end > 0:
        start = max(0, end - step)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _record(response: Response) -> dict[str, Json]:
    key = response.key
    return {
        "case_id": key.case_id,
        "variant": key.variant,
        "trial": key.trial,
        "turn": key.turn,
        "step": key.step,
        "fingerprint": response.fingerprint,
        "message": response.message,
        "finish_reason": response.finish_reason,
        "usage": dataclasses.asdict(response.usage),
        "served_model": response.served_model,
        "irregularities": response.irregularities,
        "attempts": [dataclasses.asdict(attempt) for attempt in response.attempts],
    }


def _key(record: dict[str, Any]) -> Key:
    return Key(record["case_id"], record["variant"], record["trial"], record["turn"], record["step"])


def _response(record: dict[str, Any]) -> Response:
    return Response(
        key=_key(record),
        fingerprint=record["fingerprint"],
        message=record["message"],
        finish_reason=record["finish_reason"],
        usage=Usage(**record["usage"]),
        served_model=record["served_model"],
        irregularities=tuple(record["irregularities"]),
        attempts=tuple(Attempt(**attempt) for attempt in record["attempts"]),
    )
