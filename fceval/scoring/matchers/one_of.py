"""`{"$match": "one_of", "values": [...]}`: equal to any one of several values, which may be matchers themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

from annotated_types import MinLen

from fceval.records import Json
from fceval.scoring.matchers import Matcher, Needed, Place, listed
from fceval.toolschema import SchemaNode


@dataclass(frozen=True, slots=True)
class OneOf:
    """Accepts what equals one of the values."""

    values: Annotated[list[Any], MinLen(1)]
    """At least one."""

    def accepts(self, place: Place) -> Needed:
        """Return the rules of the strictest equality among the values."""
        found: Needed = None
        for value in self.values:
            needed = place.equal(value)
            if needed == ():
                return needed
            if needed is not None and (found is None or len(needed) < len(found)):
                found = needed
        return found

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield what the values accept."""
        return chain.from_iterable(listed(value, node) for value in self.values)


PLUGIN: type[Matcher] = OneOf
