"""What is in a journal and where: about 130 bytes a response, so that a run of millions fits into memory."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from fceval.journal.lines import (
    digest,
    fingerprint_of,
    head_in_line,
    head_of,
    is_measured,
    lag_in,
    line_at,
    message_at,
    opened_for_reading,
    response_at,
    scan,
)
from fceval.records import Key, Response


class JournalIndex:
    """Where each key's response is in a journal; the last one measured counts, else the last one.

    It knows what was there when it was opened. Who still writes to the journal is not disturbed.

    Raises:
        LocalError: The journal is missing, of a newer format, or damaged before its end.
    """

    def __init__(self, path: Path) -> None:
        self.offsets: dict[bytes, int] = {}
        """Digest of a key to where its response is: twice the offset in the file, plus 1 where it was measured."""
        self.measured_count = 0
        """How many responses are there in which the model answered."""
        self.lag_ms: Counter[int] = Counter()
        """How late the event loop woke up while the run asked: milliseconds to how often."""
        self._replaced = array("q")
        self._begun_again = 0
        self._begun: set[bytes] = set()
        self._path = path
        self._file = opened_for_reading(path)
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        offsets, begun = self.offsets, self._begun
        for offset, line, at in scan(self._file, self._path):
            if at < 0:
                self.lag_ms.update(lag_in(line))
                continue
            head = head_in_line(line, at)
            message = message_at(line, at)
            if message < 0:
                self._begun_again += head in begun
                begun.add(head)
                continue
            begun.discard(head)
            name = digest(head)
            measured = is_measured(line, message)
            known = offsets.get(name)
            if known is None or measured or not known & 1:
                self._replaced.extend(() if known is None else (known >> 1,))
                offsets[name] = offset << 1 | measured
                self.measured_count += measured and not (known and known & 1)
            else:
                self._replaced.append(offset)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Return how many keys have a response."""
        return len(self.offsets)

    @property
    def possibly_billed(self) -> int:
        """How many requests began and never ended: they may have been answered, and paid for, to nobody's use."""
        return self._begun_again + len(self._begun)

    def get(self, key: Key) -> Response | None:
        """Return the response to a key, or None."""
        place = self.offsets.get(digest(head_of(key)))
        return None if place is None else response_at(self._file, place >> 1, self._path)

    def measured(self, key: Key) -> Response | None:
        """Return the response to a key if the model answered; a failure is never an answer."""
        place = self.offsets.get(digest(head_of(key)))
        return response_at(self._file, place >> 1, self._path) if place is not None and place & 1 else None

    def has_measured(self, key: Key, fingerprint: str) -> bool:
        """Whether the model answered this very request; five times as quick as to look at the answer."""
        place = self.offsets.get(digest(head_of(key)))
        if place is None or not place & 1:
            return False
        return fingerprint_of(line_at(self._file, place >> 1)) == fingerprint.encode()

    def responses(self) -> Iterator[Response]:
        """Yield the response that counts of each key, by when the key got its first one."""
        for place in self.offsets.values():
            yield response_at(self._file, place >> 1, self._path)

    def replaced(self) -> Iterator[Response]:
        """Yield the responses that do not count, as the same was asked again; what is there twice is not among them."""
        for offset in self._replaced:
            response = response_at(self._file, offset, self._path)
            counts = self.get(response.key)
            if counts is None or counts.attempts != response.attempts:
                yield response

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
