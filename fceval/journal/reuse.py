"""Answers of other runs: a read-only cache, asked by what was asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fceval.journal.lines import fingerprint_of, is_measured, message_at, opened_for_reading, response_at, scan
from fceval.journal.places import Places
from fceval.records import Key, Response


class ReusableAnswers:
    """Measured answers in other runs' journals, by the fingerprint of their request.

    A fingerprint holds the trial, so that trials stay independent of each other, as well as base URL and body. Where
    several journals hold an answer, the first of them counts, and in a journal the last answer. A failure is never
    reused. It takes 16 bytes an answer.

    Raises:
        LocalError: A journal is missing, of a newer format, or damaged before its end.
    """

    def __init__(self, journals: Sequence[Path]) -> None:
        self._paths = tuple(journals)
        self._files: list[int] = []
        self._places = Places()
        """Of each fingerprint's answer: the offset times the number of journals, plus the journal's own."""
        try:
            for number in range(len(self._paths)):
                self._read(number)
            among = max(1, len(self._paths))
            self._places.seal(lambda places: among - places % among)
        except BaseException:
            self.close()
            raise

    def _read(self, number: int) -> None:
        path, among = self._paths[number], len(self._paths)
        file = opened_for_reading(path)
        self._files.append(file)
        for offset, line, at in scan(file, path):
            message = message_at(line, at) if at >= 0 else -1
            if message < 0 or not is_measured(line, message):
                continue
            self._places.add(fingerprint_of(line), offset * among + number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Return how many different requests are answered."""
        return len(self._places)

    def measured(self, key: Key, fingerprint: str) -> Response | None:
        """Return the model's answer to a request, under the key that asks for it; None where there is none.

        Raises:
            LocalError: The journal was changed while it was read.
        """
        place = self._places.get(fingerprint.encode())
        if place is None:
            return None
        offset, number = divmod(place, len(self._paths))
        return response_at(self._files[number], offset, self._paths[number])._replace(key=key)

    def close(self) -> None:
        """Close the journals."""
        while self._files:
            os.close(self._files.pop())
