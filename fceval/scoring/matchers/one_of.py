"""`{"$match": "one_of", "values": [...]}`: equal to any one of several values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import MinLen

from fceval.records import Json
from fceval.scoring.matchers import Equal, Matcher
from fceval.toolschema import SchemaNode


@dataclass(frozen=True, slots=True)
class OneOf:
    """Accepts what equals one of the values."""

    values: Annotated[list[Any], MinLen(1)]
    """At least one."""

    def accepts(self, predicted: Json, equal: Equal) -> tuple[str, ...] | None:
        """Return the rules of the strictest equality among the values."""
        del predicted
        found = [rules for value in self.values if (rules := equal(value)) is not None]
        return min(found, key=len, default=None)

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield the values."""
        del node
        return iter(self.values)


PLUGIN: type[Matcher] = OneOf
