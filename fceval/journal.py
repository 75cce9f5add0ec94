"""Append-only, checksummed record of responses: what was answered is on disk before anything can lose it.

One JSON object a line, its last member `_crc` the CRC-32 of everything before it. A line is written with one
`write` as soon as the response is there (a killed process loses nothing) and reaches the disk within
`SYNC_EVERY_S` (`fdatasync` in a thread of its own). One writer at a time: the file is locked.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
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
from fceval.records import Attempt, Json, Key, Response, Usage, json_text
from fceval.tables import FORMAT_VERSION

SYNC_EVERY_S = 0.05
"""What a power failure may cost, in seconds; a killed process costs nothing."""

_CHECKSUM = re.compile(rb',"_crc":"([0-9a-f]{8})"\}$')
_CHECKSUM_LENGTH = len(b',"_crc":"01234567"}')
_MESSAGE = b', "message": '


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
        self._file = self._opened()
        try:
            self.torn_bytes = self._set_torn_tail_aside()
            self.index = JournalIndex(self.path)
            if not self.index.offsets and os.fstat(self._file).st_size == 0:
                self._write({"format_version": FORMAT_VERSION, "kind": "journal"})
        except LocalError:
            os.close(self._file)
            raise
        except OSError as error:
            os.close(self._file)
            raise self._cannot_write(error) from error
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

    def _opened(self) -> int:
        """Open and lock the file; where it is new, make sure that its name survives a power failure as well."""
        try:
            is_new = not self.path.exists()
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise self._cannot_write(error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_new:
                _sync_folder(self.path.parent)
        except BlockingIOError:
            os.close(file)
            msg = f"{self.path.parent}: another process is writing to this run; wait for it, or choose another --out"
            raise LocalError(msg) from None
        except OSError as error:
            os.close(file)
            msg = f"{self.path}: cannot be locked: {error.strerror or error}; choose a folder on a local disk"
            raise LocalError(msg) from error
        return file

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
        rest = encode_record(record)
        try:
            while rest:  # a full disk takes a part; the next write tells why it does not take the rest
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            # What follows a torn record would be glued to it: nothing more is written to this file.
            self._broken = error
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> LocalError:
        return LocalError(f"{self.path}: cannot be written: {error.strerror or error}; make room, then --resume")

    def _sync_now_and_then(self) -> None:
        is_last = False
        while not is_last:
            self._dirty.wait()
            self._dirty.clear()
            is_last = self._closing.is_set()  # asked after clearing: whoever closes from here on wakes us once more
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
        if not torn:
            return 0
        tail = os.pread(self._file, torn, whole_end)
        if decode_record(tail) is not None:  # nothing is missing but the line's end
            os.write(self._file, b"\n")
            return 0
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        aside = os.open(self.path.with_name(f"journal.torn-{moment}"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(aside, tail)
            os.fsync(aside)
        finally:
            os.close(aside)
        os.ftruncate(self._file, whole_end)
        return torn


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class JournalIndex:
    """Where each key's response is in a journal; the last one measured counts, else the last one.

    Raises:
        LocalError: The journal is missing, of a newer format, or damaged before its end.
    """

    def __init__(self, path: Path) -> None:
        self.offsets: dict[Key, tuple[int, int, bool]] = {}
        """Key to (offset, length, measured)."""
        self._path = path
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as error:
            msg = f"{path}: cannot be read: {error.strerror or error}"
            raise LocalError(msg) from error
        try:
            for offset, length, head, measured in _heads(path):
                self._note(offset, length, head, measured)
        except BaseException:
            os.close(self._file)
            raise

    def _note(self, offset: int, length: int, head: dict[str, Any], measured: bool) -> None:  # noqa: FBT001 -- a column
        if "case_id" not in head:
            _check_version(self._path, head)
            return
        key = _key(head)
        known = self.offsets.get(key)
        if known is None or measured or not known[2]:
            self.offsets[key] = (offset, length, measured)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, key: Key) -> Response | None:
        """Return the response to a key, or None."""
        place = self.offsets.get(key)
        if place is None:
            return None
        record = decode_record(os.pread(self._file, place[1], place[0]))
        if record is None:
            msg = f"{self._path}: was changed while it was read"
            raise LocalError(msg)
        return _response(record)

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
    return _decoded(line) if _is_whole(line) else None


def _is_whole(line: bytes) -> bool:
    end = _CHECKSUM.search(line, max(0, len(line) - _CHECKSUM_LENGTH))
    return end is not None and zlib.crc32(memoryview(line)[: end.start()]) == int(end.group(1), 16)


def _decoded(text: bytes) -> dict[str, Any] | None:
    # What the checksum vouches for is what we wrote: the plain reader will do, and is four times as fast.
    try:
        record: Any = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _heads(path: Path) -> Iterator[tuple[int, int, dict[str, Any], bool]]:
    """Yield (offset, length, members before the message, measured) of each record; an incomplete last one is none."""
    offset = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            text = line.rstrip(b"\n")
            # The first such bytes are the member's name: inside of a string the quotation mark would be escaped.
            start, _, message = text.partition(_MESSAGE)
            head = (_decoded(start + b"}") if message else _decoded(text)) if _is_whole(text) else None
            if head is None and line.endswith(b"\n"):
                msg = f"{path}: line {number} is damaged (its checksum does not agree): the journal is not used"
                raise LocalError(msg)
            if head is not None:
                yield offset, len(line), head, bool(message) and not message.startswith(b"null,")
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
        attempts=tuple(
            Attempt(**{**attempt, "irregularities": tuple(attempt.get("irregularities", ()))})
            for attempt in record["attempts"]
        ),
    )
