"""`{"$match": "contains", "value": V}`: a text with V in it, or an array with an element that equals V.

In a text the string rule counts, as it does for a whole string. In an array V may be a matcher.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fceval.records import Json
from fceval.scoring.matchers import Matcher, Needed, Place, listed
from fceval.scoring.strings import composed, normalized
from fceval.toolschema import SchemaNode


@dataclass(frozen=True, slots=True)
class Contains:
    """Accepts texts and arrays that hold a value."""

    value: Any
    """For a text a string; for an array any expectation."""

    def __post_init__(self) -> None:
        if isinstance(self.value, str) and not self.value.strip():
            msg = "every text holds a blank one: say what is to be found"
            raise ValueError(msg)

    def accepts(self, place: Place) -> Needed:
        """Return the rules of the strictest equality among the elements, or of the text."""
        found = place.predicted
        if isinstance(found, str):
            return self._in_text(found, place)
        if not isinstance(found, list | tuple):
            return None
        equal = (place.equal_element(self.value, position) for position in range(len(found)))
        return min((needed for needed in equal if needed is not None), key=len, default=None)

    def _in_text(self, found: str, place: Place) -> Needed:
        if not isinstance(self.value, str):
            return None
        if self.value in found:
            return ()
        if composed(self.value) in composed(found):
            return ("normalized",)
        return ("normalized",) if place.normalizes and normalized(self.value) in normalized(found) else None

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield the text itself, or an array of what the value accepts."""
        if isinstance(self.value, str) and "array" not in node.types:
            return (self.value,)
        return ([value] for value in listed(self.value, node.items))


PLUGIN: type[Matcher] = Contains
