"""`{"$match": "any"}`: whatever the model gives, as long as it gives the argument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fceval.records import Json
from fceval.scoring.matchers import Matcher, Needed, Place
from fceval.toolschema import MISSING, SchemaNode, sample_value


@dataclass(frozen=True, slots=True)
class AnyValue:
    """Accepts every value."""

    def accepts(self, place: Place) -> Needed:
        """Accept it if it is there."""
        return None if place.predicted is MISSING else ()

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield one value that the schema takes."""
        return (sample_value(node),)


PLUGIN: type[Matcher] = AnyValue
