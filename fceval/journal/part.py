"""A part of a journal: some of its responses, for a process that need not know of the others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from fceval.journal.index import JournalIndex
from fceval.journal.lines import head_of, opened_for_reading, response_at
from fceval.journal.places import digest
from fceval.records import Key, Response


def places(index: JournalIndex, keys: Iterable[Key]) -> Iterator[tuple[int, int]]:
    """Yield where the responses of some turns are, as `JournalIndex.place` has it, step by step while there are any.

    Args:
        index: Of the whole journal.
        keys: The first step of each turn.
    """
    for key in keys:
        for step in count():
            of = key if not step else replace(key, step=step)
            place = index.place(of)
            if place is None:
                break
            yield digest(head_of(of)), place


class JournalPart:
    """Responses of a journal, by where they are."""

    def __init__(self, path: Path, offsets: Mapping[int, int]) -> None:
        """Open a journal.

        Args:
            path: The journal.
            offsets: As `places` yields them.

        Raises:
            LocalError: It cannot be read.
        """
        self._path = path
        self._offsets = offsets
        self._file = opened_for_reading(path)

    def get(self, key: Key) -> Response | None:
        """Return the response to a key, or None."""
        place = self._offsets.get(digest(head_of(key)))
        if place is None:
            return None
        response = response_at(self._file, place >> 1, self._path)
        return response if response.key == key else None  # two keys may share a digest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
