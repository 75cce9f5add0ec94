"""A part of a journal: some of its responses, for a process that need not know of the others."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from fceval.journal.index import JournalIndex
from fceval.journal.lines import opened_for_reading, response_in
from fceval.journal.places import NOWHERE
from fceval.records import Key, Response


def places(index: JournalIndex, keys: Sequence[Key], *, in_steps: bool) -> list[array[int]]:
    """Return where the responses of some turns are, as `JournalIndex.place` has it, and `NOWHERE` where there is none.

    Args:
        index: Of the whole journal.
        keys: The first step of each turn.
        in_steps: Whether turns may have several steps.

    Returns:
        A column a step, each with a place a turn: as many steps as the longest turn has, at least one.
    """
    steps = [index.places(keys)]
    for step in count(1) if in_steps else ():
        found = index.places([key._replace(step=step) for key in keys])
        if all(place == NOWHERE for place in found):
            break
        steps.append(found)
    return steps


class JournalPart:
    """Responses of a journal, by where they are."""

    def __init__(self, path: Path) -> None:
        """Open a journal.

        Raises:
            LocalError: It cannot be read.
        """
        self._path = path
        # With a buffer: what stands in a table one after the other mostly does so in the journal, or nearly.
        self._file = open(opened_for_reading(path), "rb")  # noqa: PTH123, SIM115 -- of a descriptor; see `__exit__`

    def get(self, key: Key, place: int) -> Response | None:
        """Return the response to a key, or None; its place is as `places` tells it."""
        if place == NOWHERE:
            return None
        offset = place >> 1
        self._file.seek(offset)
        response = response_in(self._file.readline(), offset, self._path)
        return response if response.key == key else None  # two keys may share a digest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
