"""`{"$match": "absent"}`: the argument is left out.

Null for an optional argument and a default spelled out are left out too, here as everywhere. An argument that a case
does not list must be left out anyway; the matcher says so where it is one of several possibilities:
`{"$match": "one_of", "values": ["metric", {"$match": "absent"}]}`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fceval.records import Json
from fceval.scoring.matchers import Matcher, Needed, Place
from fceval.toolschema import MISSING, SchemaNode


@dataclass(frozen=True, slots=True)
class Absent:
    """Accepts no value."""

    def accepts(self, place: Place) -> Needed:
        """Accept that nothing is there."""
        return () if place.predicted is MISSING else None

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield nothing."""
        del node
        return ()


PLUGIN: type[Matcher] = Absent
