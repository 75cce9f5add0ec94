"""Names of a million cases in a few bytes each: 64-bit hashes, of which two of 10^6 agree once in 10^7 datasets."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Hashable

import numpy as np

_RECENT = 2**16


class Seen:
    """What came before, at 8 bytes each; a set of the hashes would take ten times as much."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._recent: set[int] = set()
        self._sorted = array("q")

    def add(self, name: Hashable) -> bool:
        """Note a name; return whether it came before, or one of the same hash, which the caller has to tell apart."""
        digest = hash(name)
        if digest in self._recent or _place(self._sorted, digest) is not None:
            return True
        self._recent.add(digest)
        if len(self._recent) == _RECENT:
            recent = np.fromiter(self._recent, np.int64, _RECENT)
            together = np.sort(np.concatenate((np.frombuffer(self._sorted, np.int64), recent)))
            self._sorted = array("q", together.tobytes())
            self._recent.clear()
        return False


class TurnCounts:
    """How many turns cases have, by id, at 12 bytes each: filled once, then asked."""

    def __init__(self) -> None:
        """Begin with no case."""
        self._digests = array("q")
        self._turns = array("I")
        self._is_sorted = False

    def add(self, case_id: str, turns: int) -> None:
        """Note the number of turns of a case, before anything is asked."""
        self._digests.append(hash(case_id))
        self._turns.append(turns)

    def of(self, case_id: str) -> int:
        """Return the number of turns of a case; 0 where there is no such case."""
        if not self._is_sorted:
            digests, turns = np.frombuffer(self._digests, np.int64), np.frombuffer(self._turns, np.uint32)
            order = np.argsort(digests)
            self._digests, self._turns = array("q", digests[order].tobytes()), array("I", turns[order].tobytes())
            self._is_sorted = True
        place = _place(self._digests, hash(case_id))
        return 0 if place is None else self._turns[place]


def _place(ascending: array[int], digest: int) -> int | None:
    at = bisect_left(ascending, digest)
    return at if at < len(ascending) and ascending[at] == digest else None
