"""`{"$match": "number", "value": N, "abs": A, "rel": R}`: a number, as near to another one as is asked.

The difference may be as large as the larger of `abs` and `rel` times the value; with neither, the numbers are equal.
All of them are taken as they are written, so that 0.4 is within 0.1 of 0.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, TypeAlias

from pydantic import Field, StrictFloat, StrictInt

from fceval.jsontext import written_value
from fceval.records import Json
from fceval.scoring.matchers import Matcher, Needed, Place
from fceval.toolschema import SchemaNode

_Number: TypeAlias = StrictInt | StrictFloat
_Distance: TypeAlias = Annotated[StrictInt, Field(ge=0)] | Annotated[StrictFloat, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Number:
    """Accepts the numbers within a distance of a value."""

    value: _Number
    abs: _Distance = 0
    """In the units of the value."""
    rel: _Distance = 0
    """A share of the value: 0.05 is five per cent."""

    def accepts(self, place: Place) -> Needed:
        """Accept a number that is near enough; a boolean or a string of digits is none."""
        found = place.predicted
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        value = _exact(self.value)
        allowed = max(_exact(self.abs), _exact(self.rel) * abs(value))
        return () if abs(_exact(found) - value) <= allowed else None

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield the value."""
        del node
        return (self.value,)


def _exact(number: float) -> Fraction:
    return Fraction(written_value(number))


PLUGIN: type[Matcher] = Number
