"""`{"$match": "set", "values": [...]}`: an array of these elements in any order, each as often as it is listed.

Values may be matchers themselves: elements and values are paired so that all agree if they can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fceval.records import Json
from fceval.scoring.align import Likeness, align
from fceval.scoring.matchers import ELEMENT_NOT_OPTIONAL, Matcher, Needed, Place, is_matcher, listed, matcher_of
from fceval.toolschema import SchemaNode


@dataclass(frozen=True, slots=True)
class SetOf:
    """Accepts an array that is equal but for its order."""

    values: list[Any]
    """As many as the array has elements."""

    def __post_init__(self) -> None:
        if any(is_matcher(value) and matcher_of(value)[1] for value in self.values):
            raise ValueError(ELEMENT_NOT_OPTIONAL)

    def accepts(self, place: Place) -> Needed:
        """Return the rules that the best pairing needs."""
        found = place.predicted
        if not isinstance(found, list | tuple) or len(found) != len(self.values):
            return None
        equal = [[place.equal_element(value, position) for position in range(len(found))] for value in self.values]
        chosen = align([[_likeness(needed) for needed in row] for row in equal], ordered=False)
        needed: tuple[str, ...] = ()
        for row, column in chosen:
            rules = equal[row][column]
            if rules is None:
                return None
            needed += rules
        return needed

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield one array, in the order of the values."""
        listings = (listed(value, node.element(position)) for position, value in enumerate(self.values))
        return ([next(iter(listing), None) for listing in listings],)


def _likeness(needed: Needed) -> Likeness:
    """Return how well an element answers a value: at all counts most, then without leniency."""
    return Likeness(full=needed is not None, same_tool=needed == (), arguments_right=0.0)


PLUGIN: type[Matcher] = SetOf
