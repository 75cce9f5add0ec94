"""What is made of an object, once for as long as the same object comes again.

Most cases of a dataset offer the same tools. They are read as one object, and whatever is made of them (checked tools,
compiled schemas, texts) is made once. Looking an object up by its identity takes a tenth of hashing its text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

_MOST_KNOWN = 1024

Given = TypeVar("Given")
Made = TypeVar("Made")


class OfSame(Generic[Given, Made]):
    """A function of one object, called once for each; the object must not be changed afterwards."""

    def __init__(self, make: Callable[[Given], Made]) -> None:
        """Take the function: pure, so that nobody can tell that it is not called each time."""
        self._make = make
        # With the objects themselves, so that nothing else can take their identity while it is known.
        self._known: dict[int, tuple[Given, Made]] = {}

    def __call__(self, given: Given) -> Made:
        """Return what the function makes of an object."""
        known = self._known.get(id(given))
        if known is not None:
            return known[1]
        made = self._make(given)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[id(given)] = (given, made)
        return made

    def knows(self, given: Given) -> bool:
        """Whether the function was called for an object and returned."""
        return id(given) in self._known
