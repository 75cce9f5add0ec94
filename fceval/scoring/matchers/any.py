"""`{"$match": "any"}`: whatever the model gives, as long as it gives the argument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fceval.records import Json
from fceval.scoring.matchers import Equal, Matcher
from fceval.toolschema import SchemaNode, sample_value


@dataclass(frozen=True, slots=True)
class AnyValue:
    """Accepts every value."""

    def accepts(self, predicted: Json, equal: Equal) -> tuple[str, ...] | None:
        """Accept it."""
        del predicted, equal
        return ()

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield one value that the schema takes."""
        return (sample_value(node),)


PLUGIN: type[Matcher] = AnyValue
