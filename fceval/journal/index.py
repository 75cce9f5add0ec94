"""What is in a journal and where: 16 bytes a response, so that a run of millions fits into memory."""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from fceval.journal.lines import (
    head_in_line,
    head_of,
    is_measured,
    lag_in,
    message_at,
    opened_for_reading,
    response_at,
    scan,
)
from fceval.journal.places import NOWHERE, Places
from fceval.records import Key, Response


class JournalIndex:
    """Where each key's response is in a journal; the last one measured counts, else the last one.

    It knows what was there when it was opened. Who still writes to the journal is not disturbed.

    Raises:
        LocalError: The journal is missing, of a newer format, or damaged before its end.
    """

    def __init__(self, path: Path) -> None:
        self._places = Places()
        """Of each key's response; see `place`."""
        self.measured_count = 0
        """How many responses are there in which the model answered."""
        self.lag_ms: Counter[int] = Counter()
        """How late the event loop woke up while the run asked: milliseconds to how often."""
        self._replaced = array("Q")
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
        begun = self._begun
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
            self._places.add(head, offset << 1 | is_measured(line, message))
        self._replaced = self._places.seal(lambda places: places & 1)
        self.measured_count = self._places.how_many(lambda places: places & 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Return how many keys have a response."""
        return len(self._places)

    @property
    def possibly_billed(self) -> int:
        """How many requests began and never ended: they may have been answered, and paid for, to nobody's use."""
        return self._begun_again + len(self._begun)

    def place(self, key: Key) -> int | None:
        """Return where a key's response is: twice the offset in the file, plus 1 where it was measured; or None."""
        return self._places.get(head_of(key))

    def places(self, keys: Iterable[Key]) -> array[int]:
        """Return the `place` of each key, or `fceval.journal.places.NOWHERE`."""
        return self._places.get_all(map(head_of, keys))

    def get(self, key: Key) -> Response | None:
        """Return the response to a key, or None."""
        place = self.place(key)
        return None if place is None else self._response_to(key, place)

    def measured(self, key: Key) -> Response | None:
        """Return the response to a key if the model answered; a failure is never an answer."""
        place = self.place(key)
        return self._response_to(key, place) if place is not None and place & 1 else None

    def _response_to(self, key: Key, place: int) -> Response | None:
        response = response_at(self._file, place >> 1, self._path)
        return response if response.key == key else None  # two keys may share a digest

    def have_measured(self, keys: Iterable[Key]) -> list[bool]:
        """Return for each key whether the model answered, without a look at the answers."""
        return [place != NOWHERE and place & 1 == 1 for place in self.places(keys)]

    def responses(self) -> Iterator[Response]:
        """Yield the response that counts of each key, in the order of the journal."""
        for place in self._places.in_order():
            yield response_at(self._file, place >> 1, self._path)

    def replaced(self) -> Iterator[Response]:
        """Yield the responses that do not count, as the same was asked again; what is there twice is not among them."""
        for place in self._replaced:
            response = response_at(self._file, place >> 1, self._path)
            counts = self.get(response.key)
            if counts is None or counts.attempts != response.attempts:
                yield response

    def close(self) -> None:
        """Close the file, and forget where anything is in it."""
        os.close(self._file)
        self._places = Places()
        self._replaced = array("Q")
