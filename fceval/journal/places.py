"""Where things are in files, by what names them: 16 bytes each, so that millions of them fit into memory."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

NOWHERE = 2**64 - 1
"""Stands for the place of a name that has none."""

_DIGEST_BYTES = 8


class Places:
    """A table that is filled once and then asked: two sorted columns, of names' digests and of numbers.

    Two of 10^6 names share a digest of 64 bits once in 10^7 journals; a journal's record says itself whose it is.
    """

    def __init__(self) -> None:
        self._names = array("Q")
        self._places = array("Q")

    def __len__(self) -> int:
        """Return how many names have a place."""
        return len(self._names)

    def add(self, name: bytes, place: int) -> None:
        """Note a place of a name, which may have several until the table is sealed."""
        self._names.append(digest(name))
        self._places.append(place)

    def seal(self, rank: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> array[int]:
        """Leave each name the one place that counts, and return the others; nothing is added from here on.

        Args:
            rank: How much each place counts: of a name's places the highest one stays, of equal ones the last.
        """
        names, places = np.frombuffer(self._names, np.uint64), np.frombuffer(self._places, np.uint64)
        order = np.lexsort((rank(places), names))  # stable, and by the last key first
        names = names[order]
        counts = np.ones(len(names), bool)
        counts[:-1] = names[1:] != names[:-1]
        places = places[order]
        self._names, self._places = array("Q", names[counts].tobytes()), array("Q", places[counts].tobytes())
        return array("Q", places[~counts].tobytes())

    def get(self, name: bytes) -> int | None:
        """Return the place of a name, or None."""
        wanted = digest(name)
        at = bisect_left(self._names, wanted)
        return self._places[at] if at < len(self._names) and self._names[at] == wanted else None

    def get_all(self, names: Iterable[bytes]) -> array[int]:
        """Return the place of each name, or `NOWHERE`: all at once takes a quarter of the time of one by one."""
        wanted = np.fromiter(map(digest, names), np.uint64)
        known, places = np.frombuffer(self._names, np.uint64), np.frombuffer(self._places, np.uint64)
        at = np.searchsorted(known, wanted)
        found = np.full(len(wanted), NOWHERE, np.uint64)
        there = np.flatnonzero(at < len(known))
        there = there[known[at[there]] == wanted[there]]
        found[there] = places[at[there]]
        return array("Q", found.tobytes())

    def in_order(self) -> Iterator[int]:
        """Yield all places, the lowest number first."""
        yield from np.sort(np.frombuffer(self._places, np.uint64)).tolist()

    def how_many(self, which: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> int:
        """Return how many places are of a kind."""
        return int(np.count_nonzero(which(np.frombuffer(self._places, np.uint64))))


def digest(name: bytes) -> int:
    """Return what stands for a name."""
    return int.from_bytes(hashlib.blake2b(name, digest_size=_DIGEST_BYTES).digest(), "little")
